"""The AWS CLI's own `cloudtrail validate-logs` as the judge of three days in three regions.

What it says of files that were changed: `tests/end_to_end/attacks`.
"""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab.instance import control, lifecycle
from lab.instance.environment import aws_environment
from lab.instance.folder import Lab
from lab.settings import Settings
from tests.lab.conftest import make_client
from tests.lab.destination import make_bucket, make_key
from tests.programs import needs

AWS = [str(Path(sys.executable).parent / "aws")]
# Debian's is too old to know AWS_ENDPOINT_URL, and asks S3 without --endpoint-url.
AWS_CLI_2 = """
import os, sys
from awscli import clidriver
from botocore.session import Session
create = Session.create_client
endpoint_url = os.environ["AWS_ENDPOINT_URL"]
Session.create_client = lambda self, *given, **named: create(self, *given, **{**named, "endpoint_url": endpoint_url})
sys.exit(clidriver.main())
"""
BUCKET = "three-days"
# The AWS CLI starts anew for each.
pytestmark = pytest.mark.slow

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")
DAY = 24 * 3600
ROUNDS = 6


@dataclass(frozen=True)
class History:
    lab: Lab
    trail: str
    s3: Any
    digests_of_three_days: dict[str, int] = field(default_factory=dict)  # before a test ends a period early

    def keys(self, kind: str, region: str = REGIONS[0]) -> list[str]:
        """Oldest first."""
        listed = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=f"audit/AWSLogs/{self.lab.account}/{kind}/{region}/"
        )
        return sorted(each["Key"] for page in listed for each in page.get("Contents", ()))

    def validate(self, region: str = REGIONS[0], aws: Sequence[str] = AWS) -> "subprocess.CompletedProcess[str]":
        command = [*aws, "cloudtrail", "validate-logs", "--trail-arn", self.trail, "--start-time", "2020-01-01"]
        return subprocess.run(
            [*command, "--region", region], env=aws_environment(self.lab), capture_output=True, text=True
        )


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    home = tmp_path_factory.mktemp("past")
    lab = lifecycle.start(home, settings=Settings(3600, digest_seconds=3600, behind_seconds=3 * DAY))
    s3, cloudtrail = make_client(lab, "s3"), make_client(lab, "cloudtrail")
    make_bucket(s3, BUCKET)
    trail = cloudtrail.create_trail(
        Name="audit",
        S3BucketName=BUCKET,
        S3KeyPrefix="audit",
        KmsKeyId=make_key(make_client(lab, "kms")),
        IsMultiRegionTrail=True,
        EnableLogFileValidation=True,
    )["TrailARN"]
    cloudtrail.start_logging(Name="audit")
    for _ in range(ROUNDS):
        for region in REGIONS:
            make_client(lab, "ec2", region_name=region).describe_vpcs()
        control.advance(lab, 3 * DAY / ROUNDS)
    made = History(lab, trail, s3)
    made.digests_of_three_days.update({region: len(made.keys("CloudTrail-Digest", region)) for region in REGIONS})
    yield made
    lifecycle.stop(home)


@pytest.mark.parametrize("region", REGIONS)
def test_three_days_are_valid_in_every_region(history: History, region: str) -> None:
    done = history.validate(region)

    assert done.returncode == 0, done.stderr
    digests, logs = len(history.keys("CloudTrail-Digest", region)), len(history.keys("CloudTrail", region))
    assert f"{digests}/{digests} digest files valid" in done.stdout
    assert f"{logs}/{logs} log files valid" in done.stdout
    assert history.digests_of_three_days[region] == 72
    assert logs >= ROUNDS
    assert "No log files were delivered" not in done.stderr + done.stdout


def test_the_second_version_of_the_cli_accepts_them_too(history: History) -> None:
    if not Path("/usr/bin/aws").exists():
        needs("awscli")
    done = history.validate(aws=["/usr/bin/python3", "-c", AWS_CLI_2])

    assert done.returncode == 0, done.stderr
    digests = len(history.keys("CloudTrail-Digest"))
    assert f"{digests}/{digests} digest files valid" in done.stdout


def test_the_days_are_signed_with_several_keys(history: History) -> None:
    used = set()
    for key in history.keys("CloudTrail-Digest"):
        body = gzip.decompress(history.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        used.add(json.loads(body)["digestPublicKeyFingerprint"])

    assert len(used) == 3


def test_files_are_encrypted_with_the_trails_key_and_belong_to_the_bucket(history: History) -> None:
    cloudtrail = make_client(history.lab, "cloudtrail")
    key_arn = cloudtrail.get_trail(Name="audit")["Trail"]["KmsKeyId"]
    for kind in ("CloudTrail", "CloudTrail-Digest"):
        head = history.s3.head_object(Bucket=BUCKET, Key=history.keys(kind)[0])
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key_arn)
        assert (head["ContentType"], head["ContentEncoding"]) == ("application/json", "gzip")


def test_records_carry_the_labs_time(history: History) -> None:
    for key in history.keys("CloudTrail")[1:]:
        body = json.loads(gzip.decompress(history.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()))
        day = "-".join(key.split("/")[-4:-1])
        # What CloudTrail did for the delivery before is of a quiet day's end, and goes with what comes next.
        others = [each for each in body["Records"] if each["userIdentity"].get("type") != "AWSService"]
        assert {record["eventTime"][:10] for record in others} <= {day}


def test_a_chain_moves_on_with_the_trail_to_another_bucket(history: History) -> None:
    """Runs last: it changes the trail."""
    cloudtrail = make_client(history.lab, "cloudtrail")
    make_bucket(history.s3, "another-bucket")
    cloudtrail.update_trail(Name="audit", S3BucketName="another-bucket", S3KeyPrefix="")
    control.deliver(history.lab)
    done = history.validate()

    assert done.returncode == 0, done.stderr
    assert "/74 digest files valid" in done.stdout or "/73 digest files valid" in done.stdout
