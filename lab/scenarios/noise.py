"""Background noise: an ordinary account's day, of any size, spread over as much lab time as can be advanced."""

import json
import random
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from lab.errors import LabError
from lab.instance import control, lifecycle
from lab.instance.folder import Lab
from lab.scenarios.actor import ADMINISTRATOR, READ_ONLY, Actor, Place, learner, make_bucket, role_session, user

CALLS = 300
REGIONS = ("us-east-1", "eu-west-1", "us-west-2")

_DAY_SECONDS = 24 * 3600
_SLICES_PER_DAY = 6
_CI_ROLE = "continuous-integration"
_DEPLOYS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["cloudformation:*", "ec2:Describe*", "lambda:*", "logs:*", "s3:*", "sqs:*", "ssm:*"],
            "Resource": "*",
        }
    ],
}
_OFFICE = Place("198.51.100.23", "aws-cli/2.31.0 md/Botocore#1.43.106 md/prompt#off")
_CONSOLE = Place("198.51.100.42", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
_RUNNER = Place("192.0.2.15", "Boto3/1.43.106 md/Botocore#1.43.106 Linux/6.8 deploy")

# Service, method, parameters; {n} becomes a number. The weight of an ordinary account is on reading.
_READS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("ec2", "describe_instances", {}),
    ("ec2", "describe_security_groups", {}),
    ("ec2", "describe_vpcs", {}),
    ("iam", "list_users", {}),
    ("iam", "get_user", {}),
    ("iam", "list_roles", {}),
    ("iam", "get_role", {"RoleName": "no-such-role-{n}"}),
    ("s3", "list_buckets", {}),
    ("s3", "get_bucket_versioning", {"Bucket": "{bucket}"}),
    ("s3", "get_object", {"Bucket": "{bucket}", "Key": "report.csv"}),
    ("sts", "get_caller_identity", {}),
    ("kms", "list_keys", {}),
    ("logs", "describe_log_groups", {}),
    ("cloudformation", "describe_stacks", {}),
    ("cloudtrail", "describe_trails", {}),
    ("ssm", "get_parameter", {"Name": "/app/version"}),
    ("lambda", "list_functions", {}),
)
_WRITES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("ssm", "put_parameter", {"Name": "/app/version", "Value": "{n}", "Type": "String", "Overwrite": True}),
    ("s3", "put_object", {"Bucket": "{bucket}", "Key": "report.csv", "Body": b"day,sum\n"}),
    ("logs", "create_log_group", {"logGroupName": "/app/{n}"}),
    ("sqs", "create_queue", {"QueueName": "jobs-{n}"}),
)
_WRITE_SHARE = 0.15


def noise(lab: Lab, calls: int = CALLS, days: float = 0.0, seed: int = 0) -> Iterator[str]:
    """Makes calls as three people and programs.

    :param days: how much lab time they are spread over; the lab's clock must be that far behind.
    :param seed: the same seed makes the same calls.
    :raises LabError: the lab's clock cannot go that far.
    """
    _require_time(lab, days)
    chance = random.Random(seed)  # noqa: S311 - nothing is secret here
    bucket = f"reports-{lab.account}"
    actors = _actors(lab, bucket)
    yield f"{', '.join(actor.name for actor in actors)} make {calls} calls"
    slices = max(1, round(days * _SLICES_PER_DAY))
    failed = 0
    for part in range(slices):
        for number in range(calls * part // slices, calls * (part + 1) // slices):
            failed += not _call(chance, chance.choice(actors), bucket, number)
        if days:
            now = control.advance(lab, days * _DAY_SECONDS / slices)
            yield f"It is {now:%Y-%m-%d %H:%M} in the lab"
    yield f"{calls} calls, of which {failed} failed, as some always do"


def _require_time(lab: Lab, days: float) -> None:
    """Before the first call, since what was made of a scenario that ends halfway stays."""
    status = lifecycle.ask(lab)
    if days and status is not None and days * _DAY_SECONDS > status.behind_seconds:
        raise LabError(
            f"The lab's clock never overtakes this machine's, and is {status.behind_seconds / _DAY_SECONDS:.1f} days "
            f"behind it: less than the {days:g} that are asked for. Name fewer with --days, or start a new lab further "
            "in the past (python -m lab down, then up --days-ago)."
        )


def _actors(lab: Lab, bucket: str) -> list[Actor]:
    admin = learner(lab, _OFFICE)
    make_bucket(admin, bucket)
    admin.client("s3").put_object(Bucket=bucket, Key="report.csv", Body=b"")
    iam = admin.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{lab.account}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    try:
        role = iam.create_role(RoleName=_CI_ROLE, AssumeRolePolicyDocument=document)["Role"]
    except iam.exceptions.EntityAlreadyExistsException:
        role = iam.get_role(RoleName=_CI_ROLE)["Role"]
    iam.put_role_policy(RoleName=_CI_ROLE, PolicyName="deploys", PolicyDocument=json.dumps(_DEPLOYS))
    return [
        user(lab, admin, "ann", ADMINISTRATOR, _OFFICE),
        user(lab, admin, "auditor", READ_ONLY, _CONSOLE),
        role_session(lab, admin, role["Arn"], "deploy-main", _RUNNER),
    ]


def _call(chance: random.Random, actor: Actor, bucket: str, number: int) -> bool:
    """Makes one call; False when it failed."""
    service, method, parameters = chance.choice(_WRITES if chance.random() < _WRITE_SHARE else _READS)
    filled = {
        name: value.format(n=number, bucket=bucket) if isinstance(value, str) else value
        for name, value in parameters.items()
    }
    # S3 answers a call for a bucket elsewhere with a redirect, so those calls stay at home.
    region = "" if service == "s3" else chance.choice(REGIONS)
    try:
        getattr(actor.client(service, region), method)(**filled)
    except ClientError:
        return False
    return True
