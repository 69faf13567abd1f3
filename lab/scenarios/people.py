"""Who works in an ordinary account: people, programs and instances, each with an identity, places and calls."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from lab.instance.folder import Lab
from lab.scenarios.actor import (
    ADMINISTRATOR,
    READ_ONLY,
    Actor,
    CallOrigin,
    instance_session,
    learner,
    make_bucket,
    role_session,
)
from lab.scenarios.answers.saved import Stage
from lab.scenarios.stacks import deploy, role_resources, user_of_stack, user_resources

REGIONS = ("us-east-1", "eu-west-1", "us-west-2")

# The lab numbers the names that have this in them, when it repeats a call: lab/records/samples.py.
NUMBERED = "part-00000"
# Addresses are from the blocks that are reserved for examples: https://www.rfc-editor.org/rfc/rfc5737
OFFICE = CallOrigin("198.51.100.23", "aws-cli/2.31.0 md/Botocore#1.43.106 md/prompt#off")
_AT_HOME = CallOrigin("198.51.100.171", "aws-cli/2.31.0 md/Botocore#1.43.106 md/prompt#off")
_CONSOLE = CallOrigin("198.51.100.42", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
_RUNNER = CallOrigin("192.0.2.15", "Boto3/1.43.106 md/Botocore#1.43.106 Linux/6.8 deploy")
_BATCH = CallOrigin("192.0.2.30", "Boto3/1.43.106 md/Botocore#1.43.106 Linux/6.8 nightly-report")
_SHOP_BEFORE = CallOrigin("198.51.100.61", "Boto3/1.43.106 md/Botocore#1.43.106 Linux/6.8 shop")
_SHOP_AFTER = CallOrigin("198.51.100.62", "Boto3/1.43.106 md/Botocore#1.43.106 Linux/6.8 shop")
_DEPLOYS = ("cloudformation:*", "ec2:Describe*", "lambda:*", "logs:*", "s3:*", "sqs:*", "ssm:*")
_SHOP_INSTANCE = "i-05f8d2c6b1a79e304"
# Who works here, all of one stack.
_STACK, _ANN, _AUDITOR = "staff", "ann", "auditor"
_ROLES = _RUNS, _REPORTS, _SHOP = "continuous-integration", "nightly-report", "web-shop"

Call = tuple[str, str, dict[str, Any]]

# Service, method, parameters; {bucket} becomes the bucket's name. The weight of an ordinary account is on reading.
LOOKING: tuple[Call, ...] = (
    ("ec2", "describe_instances", {}),
    ("ec2", "describe_security_groups", {}),
    ("ec2", "describe_vpcs", {}),
    ("iam", "list_users", {}),
    ("iam", "get_user", {}),
    ("iam", "list_roles", {}),
    ("iam", "get_role", {"RoleName": f"no-such-{NUMBERED}"}),
    ("s3", "list_buckets", {}),
    ("s3", "get_bucket_versioning", {"Bucket": "{bucket}"}),
    ("sts", "get_caller_identity", {}),
    ("kms", "list_keys", {}),
    ("logs", "describe_log_groups", {}),
    ("cloudformation", "describe_stacks", {}),
    ("cloudtrail", "describe_trails", {}),
    ("ssm", "get_parameter", {"Name": "/app/version"}),
    ("lambda", "list_functions", {}),
)
CHANGING: tuple[Call, ...] = (
    ("ssm", "put_parameter", {"Name": "/app/version", "Value": "{n}", "Type": "String", "Overwrite": True}),
    ("s3", "put_object", {"Bucket": "{bucket}", "Key": f"{NUMBERED}.csv", "Body": b"day,sum\n"}),
    ("logs", "create_log_group", {"logGroupName": f"/app/{NUMBERED}/{{n}}"}),
    ("sqs", "create_queue", {"QueueName": f"jobs-{NUMBERED}-{{n}}"}),
)
_READ_OBJECT: Call = ("s3", "get_object", {"Bucket": "{bucket}", "Key": f"{NUMBERED}.csv"})
_LIST_OBJECTS: Call = ("s3", "list_objects_v2", {"Bucket": "{bucket}"})
_CHANGE_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who makes ordinary calls.

    :param calls: what they call, each as often as it is in the list.
    :param regions: where, but for S3, which is called at home.
    """

    actor: Actor
    calls: Sequence[Call]
    regions: Sequence[str] = REGIONS
    bucket: str = ""

    def call(self, chance: random.Random, number: int) -> bool:
        """Makes one of the calls; False when it failed, as some always do."""
        service, method, parameters = chance.choice(self.calls)
        filled = {
            name: value.format(n=number, bucket=self.bucket) if isinstance(value, str) else value
            for name, value in parameters.items()
        }
        # S3 answers a call for a bucket elsewhere with a redirect, so those calls stay at home.
        region = "" if service == "s3" else chance.choice(self.regions)
        try:
            getattr(self.actor.client(service, region), method)(**filled)
        except ClientError:
            return False
        return True


@dataclass(slots=True)
class Staff:
    """The people and programs of an account. They are there once `hire` has made them."""

    lab: Lab
    bucket: str = field(init=False)
    _users: list[Worker] = field(default_factory=list)
    _days: int = 0

    def __post_init__(self) -> None:
        """Names the bucket that they work with."""
        self.bucket = f"reports-{self.lab.account}"

    def hire(self) -> None:
        """Makes the identities and the bucket, unless they are there.

        :raises LabError: somebody of the same name is there.
        """
        admin = learner(self.lab, OFFICE)
        make_bucket(admin, self.bucket)
        admin.client("s3").put_object(Bucket=self.bucket, Key=f"{NUMBERED}.csv", Body=b"day,sum\n")
        deploy(admin, _STACK, self._resources())
        everything = _mixed(chance=_CHANGE_SHARE)
        ann = user_of_stack(self.lab, admin, _ANN, OFFICE)
        self._users = [
            self._worker(ann, everything),
            self._worker(ann.at(self.lab, _AT_HOME), everything),
            self._worker(user_of_stack(self.lab, admin, _AUDITOR, _CONSOLE), LOOKING),
        ]

    def _resources(self) -> dict[str, Any]:
        reads = [_allow(["s3:ListAllMyBuckets", "s3:ListBucket", "s3:GetObject"], "*")]
        account = {"AWS": f"arn:aws:iam::{self.lab.account}:root"}
        return {
            **user_resources(_ANN, ADMINISTRATOR),
            **user_resources(_AUDITOR, READ_ONLY),
            **role_resources(_RUNS, account, [_allow(list(_DEPLOYS), "*")]),
            **role_resources(_REPORTS, account, reads),
            **role_resources(_SHOP, {"Service": "ec2.amazonaws.com"}, reads),
        }

    def stage(self) -> Stage:
        """What `hire` makes."""
        return Stage(users=(_ANN, _AUDITOR), stacks=(_STACK,), buckets=(self.bucket,))

    def names(self) -> list[str]:
        """Who works here."""
        return sorted((_ANN, _AUDITOR, *_ROLES))

    def on_duty(self) -> list[Worker]:
        """Everybody, the roles with sessions of their own that begin now."""
        admin, self._days = learner(self.lab, OFFICE), self._days + 1
        arn = f"arn:aws:iam::{self.lab.account}:role/"
        runner = role_session(self.lab, admin, arn + _RUNS, "deploy-main", _RUNNER)
        report = role_session(self.lab, admin, arn + _REPORTS, f"report-{self._days:02}", _BATCH)
        shop = instance_session(self.lab, arn + _SHOP, _SHOP_INSTANCE, _SHOP_BEFORE)
        if self._days > 1:  # it was stopped and started, and has another address since
            shop = shop.at(self.lab, _SHOP_AFTER)
        return [
            *self._users,
            self._worker(runner, _mixed(chance=2 * _CHANGE_SHARE)),
            self._worker(report, (_LIST_OBJECTS, *[_READ_OBJECT] * 30)),
            self._worker(shop, (_READ_OBJECT,)),
        ]

    def _worker(self, actor: Actor, calls: Sequence[Call]) -> Worker:
        return Worker(actor, calls, bucket=self.bucket)


def _allow(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _mixed(chance: float) -> tuple[Call, ...]:
    """Looking and reading, and so much of changing."""
    reading = (*LOOKING, *[_READ_OBJECT] * 4)
    repeats = max(1, round(chance * len(reading) / ((1 - chance) * len(CHANGING))))
    return (*reading, *CHANGING * repeats)
