"""Whom ``verify who`` lists can do it in the lab, which decides by an evaluation of its own; nobody else can."""

import functools
import itertools
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.end_to_end.conftest import Account
from verify.aws import Aws
from verify.posture.who.run import find_who
from verify.target import TargetOptions

ACTIONS = ("*", "cloudtrail:*", "cloudtrail:Stop*", "cloudtrail:UpdateTrail", "s3:*", "s3:Put*", "s3:DeleteObject*",
           "s3:PutObject", "kms:*", "kms:D*", "kms:PutKeyPolicy", "ec2:*", "iam:Get*")  # fmt: skip
DENIED = {"AccessDenied", "AccessDeniedException"}
USERS = 30


def policies(account: Account, chance: random.Random) -> dict[str, Any]:
    """A policy of one to three statements, of which some deny."""
    bucket = f"arn:aws:s3:::{account.bucket}"
    places = ["*", account.trail_arn, f"{account.trail_arn}-other", bucket, f"{bucket}/*", f"{bucket}/AWSLogs/*",
              "arn:aws:s3:::other/*", f"arn:aws:kms:*:{account.id}:key/*"]  # fmt: skip
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny" if number and chance.random() < 0.4 else "Allow",
                chance.choice(["Action", "Action", "Action", "NotAction"]): chance.sample(ACTIONS, 2),
                "Resource": chance.sample(places, chance.choice([1, 1, 3])),
            }
            for number in range(chance.choice([1, 2, 3]))
        ],
    }


def calls(account: Account) -> Mapping[str, Callable[[Callable[[str], Any]], Any]]:
    """For each action a call that changes nothing that the next one needs; what it changes is put back afterwards."""
    trail, bucket, key = account.trail_arn, account.bucket, account.key_id
    key_policy, bucket_policy = json.dumps(account.key_policy()), json.dumps(account.bucket_policy())
    name = f"AWSLogs/{account.id}/CloudTrail/us-east-1/2026/01/31/planted.json.gz"
    selectors = account.client("cloudtrail").get_event_selectors(TrailName=trail)
    current = {key: selectors[key] for key in ("EventSelectors", "AdvancedEventSelectors") if selectors.get(key)}
    return {
        "cloudtrail:StopLogging": lambda client: client("cloudtrail").stop_logging(Name=trail),
        "cloudtrail:UpdateTrail": lambda client: client("cloudtrail").update_trail(Name=trail),
        "cloudtrail:PutEventSelectors": lambda client: client("cloudtrail").put_event_selectors(
            TrailName=trail, **current
        ),
        "s3:PutObject": lambda client: client("s3").put_object(
            # Encrypted as the bucket does by default it would need the key as well; whoever writes it chooses.
            Bucket=bucket,
            Key=name,
            Body=b"x",
            ServerSideEncryption="AES256",
        ),
        "s3:DeleteObject": lambda client: client("s3").delete_object(Bucket=bucket, Key=name),
        "s3:PutBucketPolicy": lambda client: client("s3").put_bucket_policy(Bucket=bucket, Policy=bucket_policy),
        "s3:PutBucketVersioning": lambda client: client("s3").put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        ),
        "kms:PutKeyPolicy": lambda client: client("kms").put_key_policy(
            KeyId=key, PolicyName="default", Policy=key_policy
        ),
        "kms:ScheduleKeyDeletion": lambda client: client("kms").schedule_key_deletion(KeyId=key),
        "kms:DisableKey": lambda client: client("kms").disable_key(KeyId=key),
    }


def put_back(account: Account) -> None:
    account.client("cloudtrail").start_logging(Name=account.trail_arn)
    kms = account.client("kms")
    if kms.describe_key(KeyId=account.key_id)["KeyMetadata"]["KeyState"] == "PendingDeletion":
        kms.cancel_key_deletion(KeyId=account.key_id)
    kms.enable_key(KeyId=account.key_id)


def is_allowed(call: Callable[[Callable[[str], Any]], Any], client: Callable[[str], Any]) -> bool:
    try:
        call(client)
    except ClientError as error:
        assert error.response["Error"]["Code"] in DENIED, error
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_who_is_listed_can_and_who_is_not_cannot(account: Account, aws: Aws, seed: int) -> None:
    account.deploy()
    chance = random.Random(seed)  # noqa: S311
    iam = account.client("iam")
    sessions: dict[str, Callable[[str], Any]] = {}
    for number in range(USERS):
        name = f"u{number}"
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policies(account, chance)))
        secret = iam.create_access_key(UserName=name)["AccessKey"]
        session = boto3.Session(secret["AccessKeyId"], secret["SecretAccessKey"], region_name=account.region)
        sessions[arn] = functools.cache(functools.partial(session.client, endpoint_url=account.endpoint))

    findings = {finding.arn: finding for finding in find_who(aws, TargetOptions()).findings}

    made = calls(account)
    listed = {(arn, can.action) for arn, finding in findings.items() for can in finding.abilities if not can.depends_on}
    uncertain = {(arn, can.action) for arn, finding in findings.items() for can in finding.abilities if can.depends_on}
    done = set()
    for (arn, client), (action, call) in itertools.product(sessions.items(), made.items()):
        if is_allowed(call, client):
            done.add((arn, action))
            put_back(account)
    assert uncertain == set()
    assert sorted(done) == sorted((arn, action) for arn, action in listed if action in made)
    assert 0 < len(done) < len(sessions) * len(made)
