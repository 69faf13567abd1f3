"""A lab of one's own, the reviewed template deployed in it, and an account for every case."""

import itertools
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from lab.instance import lifecycle
from lab.instance.environment import lab_variables
from lab.instance.folder import Lab
from tests.aws_environment import use_clean_aws_environment
from verify.aws import Aws

ROOT = Path(__file__).parents[2]
TEMPLATE = next((ROOT / "tests/cdk/__snapshots__").rglob("*reviewed*.json")).read_text()
_numbers = itertools.count(200_000_000_000)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    yield lifecycle.start(home)
    lifecycle.stop(home)


class Account:
    """A fresh account of the lab, and its root."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.id = str(next(_numbers))
        self.secret = lab.root_secret(self.id)
        self.region = lab.region
        self.endpoint = lab.endpoint
        self.bucket = f"ch03-cloudtrail-{self.id}"
        self.trail = "ch03-security-trail"
        self.trail_arn = f"arn:aws:cloudtrail:{lab.region}:{self.id}:trail/{self.trail}"
        self.key = "alias/ch03-cloudtrail-key"

    def client(self, service: str, region: str | None = None) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name=region or self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.id,
            aws_secret_access_key=self.secret,
        )

    def deploy(self, template: str = TEMPLATE) -> None:
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(StackName="SecureTrail", TemplateBody=template)
        stack = cloudformation.describe_stacks(StackName="SecureTrail")["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack

    def other(self) -> "Account":
        """Another fresh account of the same lab."""
        return Account(self.lab)

    def s3control(self) -> Callable[..., Any]:
        """Calls of S3 Control by their AWS names, which the verifier's client makes without the account in the host."""
        with pytest.MonkeyPatch.context() as patch:
            use_clean_aws_environment(patch, **lab_variables(self.lab, self.id))
            aws = Aws(region=self.region)
            aws.client("s3control")
        return partial(aws.call, "s3control")

    @property
    def key_arn(self) -> str:
        return str(self.client("kms").describe_key(KeyId=self.key)["KeyMetadata"]["Arn"])

    @property
    def key_id(self) -> str:
        return str(self.client("kms").describe_key(KeyId=self.key)["KeyMetadata"]["KeyId"])

    def key_policy(self) -> dict[str, Any]:
        answer = self.client("kms").get_key_policy(KeyId=self.key_id, PolicyName="default")
        document: dict[str, Any] = json.loads(answer["Policy"])
        return document

    def bucket_policy(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.client("s3").get_bucket_policy(Bucket=self.bucket)["Policy"])
        return document


@pytest.fixture
def account(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Account:
    """A fresh account, and this process's own environment leading to it."""
    account = Account(lab)
    use_clean_aws_environment(monkeypatch, **lab_variables(lab, account.id))
    return account


@pytest.fixture
def aws(account: Account) -> Aws:
    return Aws(region=account.region)
