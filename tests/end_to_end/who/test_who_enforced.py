"""Whom ``verify who`` lists can do it in the lab, which decides by an evaluation of its own; nobody else can.

The first test is about what each identity can by itself, the second about what it can after one step: each step that is
listed is carried out, and every one that is not listed is tried as well.
"""

import functools
import itertools
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.end_to_end.conftest import Account
from verify.aws import Aws
from verify.posture.who.run import find_who
from verify.target import TargetOptions

Client = Callable[[str], Any]
Document = dict[str, Any]
ACTIONS = ("*", "cloudtrail:*", "cloudtrail:Stop*", "cloudtrail:UpdateTrail", "s3:*", "s3:Put*", "s3:DeleteObject*",
           "s3:PutObject", "kms:*", "kms:D*", "kms:PutKeyPolicy", "ec2:*", "iam:Get*")  # fmt: skip
DENIED = {"AccessDenied", "AccessDeniedException"}
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
USERS, ROLES = 20, 8


def text(*statements: Document) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def policy(account: Account, chance: random.Random) -> str:
    """A policy of one to three statements, of which some deny."""
    bucket = f"arn:aws:s3:::{account.bucket}"
    places = ["*", account.trail_arn, f"{account.trail_arn}-other", bucket, f"{bucket}/*", f"{bucket}/AWSLogs/*",
              "arn:aws:s3:::other/*", f"arn:aws:kms:*:{account.id}:key/*"]  # fmt: skip
    return text(
        *(
            {
                "Effect": "Deny" if number and chance.random() < 0.4 else "Allow",
                chance.choice(["Action", "Action", "Action", "NotAction"]): chance.sample(ACTIONS, 2),
                chance.choice(["Resource", "Resource", "Resource", "NotResource"]): chance.sample(
                    places, chance.choice([1, 1, 3])
                ),
                **(
                    {"Condition": {"StringEquals": {"aws:username": [f"u{each}" for each in range(0, USERS, 2)]}}}
                    if chance.random() < 0.2
                    else {}
                ),
            }
            for number in range(chance.choice([1, 2, 3]))
        )
    )


@dataclass(frozen=True)
class Call:
    """A call that blinds the recorder, and the one that puts back what it changed."""

    make: Callable[[Client], Any]
    undo: Callable[[], Any] = field(default=lambda: None)


def calls(account: Account) -> Mapping[str, Call]:
    """For each action a call that changes nothing that the next one needs, or is undone."""
    trail, bucket, key = account.trail_arn, account.bucket, account.key_id
    key_policy, bucket_policy = json.dumps(account.key_policy()), json.dumps(account.bucket_policy())
    name = f"AWSLogs/{account.id}/CloudTrail/us-east-1/2026/01/31/planted.json.gz"
    cloudtrail, kms, s3 = account.client("cloudtrail"), account.client("kms"), account.client("s3")
    selectors = cloudtrail.get_event_selectors(TrailName=trail)
    current = {key: selectors[key] for key in ("EventSelectors", "AdvancedEventSelectors") if selectors.get(key)}
    rules = {"Rules": s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]}

    def keep_key() -> None:
        kms.cancel_key_deletion(KeyId=key)
        kms.enable_key(KeyId=key)

    return {
        "cloudtrail:StopLogging": Call(
            lambda client: client("cloudtrail").stop_logging(Name=trail),
            lambda: cloudtrail.start_logging(Name=trail),
        ),
        "cloudtrail:UpdateTrail": Call(lambda client: client("cloudtrail").update_trail(Name=trail)),
        "cloudtrail:PutEventSelectors": Call(
            lambda client: client("cloudtrail").put_event_selectors(TrailName=trail, **current)
        ),
        "s3:PutObject": Call(
            lambda client: client("s3").put_object(
                # Encrypted as the bucket does by default it would need the key as well; whoever writes it chooses.
                Bucket=bucket,
                Key=name,
                Body=b"x",
                ServerSideEncryption="AES256",
            )
        ),
        "s3:DeleteObject": Call(lambda client: client("s3").delete_object(Bucket=bucket, Key=name)),
        "s3:PutLifecycleConfiguration": Call(
            lambda client: client("s3").put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=rules)
        ),
        "s3:PutBucketPolicy": Call(lambda client: client("s3").put_bucket_policy(Bucket=bucket, Policy=bucket_policy)),
        "s3:PutBucketVersioning": Call(
            lambda client: client("s3").put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        ),
        "kms:PutKeyPolicy": Call(
            lambda client: client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=key_policy)
        ),
        "kms:ScheduleKeyDeletion": Call(lambda client: client("kms").schedule_key_deletion(KeyId=key), keep_key),
        "kms:DisableKey": Call(lambda client: client("kms").disable_key(KeyId=key), lambda: kms.enable_key(KeyId=key)),
    }


def is_allowed(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        assert error.response["Error"]["Code"] in DENIED, error
        return False
    return True


def can(call: Call, client: Client) -> bool:
    done = is_allowed(lambda: call.make(client))
    if done:
        call.undo()
    return done


def with_keys(account: Account, key: Mapping[str, str]) -> Client:
    token = key.get("SessionToken")
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], token, region_name=account.region)
    return functools.cache(functools.partial(session.client, endpoint_url=account.endpoint))


def user(account: Account, name: str, **more: Any) -> tuple[str, Client]:
    """A new user's ARN, and what makes clients for it."""
    iam = account.client("iam")
    arn = iam.create_user(UserName=name, **more)["User"]["Arn"]
    return arn, with_keys(account, iam.create_access_key(UserName=name)["AccessKey"])


def session(account: Account, client: Client, role: str) -> Client:
    """What makes clients for a role that is assumed."""
    return with_keys(account, client("sts").assume_role(RoleArn=role, RoleSessionName="at-the-door")["Credentials"])


def identities(account: Account, chance: random.Random) -> dict[str, Client]:
    """Users and roles with policies of their own and of groups, some within a boundary, and some named by the policies
    of the bucket and of the key.
    """
    iam = account.client("iam")
    boundaries = [
        iam.create_policy(PolicyName=f"b{number}", PolicyDocument=policy(account, chance))["Policy"]["Arn"]
        for number in range(3)
    ]

    def limit() -> dict[str, str]:
        return {"PermissionsBoundary": chance.choice(boundaries)} if chance.random() < 0.3 else {}

    for name in ("g0", "g1"):
        iam.create_group(GroupName=name)
        iam.put_group_policy(GroupName=name, PolicyName="p", PolicyDocument=policy(account, chance))
    found: dict[str, Client] = {}
    for number in range(USERS):
        name = f"u{number}"
        arn, client = user(account, name, **limit())
        found[arn] = client
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(account, chance))
        if chance.random() < 0.3:
            iam.add_user_to_group(UserName=name, GroupName=chance.choice(["g0", "g1"]))
    _, door = user(account, "door")
    iam.put_user_policy(UserName="door", PolicyName="p", PolicyDocument=text({**ALL, "Action": "sts:AssumeRole"}))
    trust = text({"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "sts:AssumeRole"})
    for number in range(ROLES):
        name = f"r{number}"
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **limit())["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(account, chance))
        found[arn] = session(account, door, arn)

    def named(*actions: str, resource: Any) -> list[Document]:
        return [
            {
                "Effect": effect,
                "Principal": {"AWS": chance.sample(sorted(found), 4)},
                "Action": list(actions),
                "Resource": resource,
            }
            for effect in ("Allow", "Deny")
        ]

    bucket = f"arn:aws:s3:::{account.bucket}"
    of_bucket, of_key = account.bucket_policy(), account.key_policy()
    of_bucket["Statement"] += named("s3:DeleteObject", "s3:PutBucketVersioning", resource=[bucket, f"{bucket}/*"])
    of_key["Statement"] += named("kms:DisableKey", "kms:ScheduleKeyDeletion", resource="*")
    account.client("s3").put_bucket_policy(Bucket=account.bucket, Policy=json.dumps(of_bucket))
    account.client("kms").put_key_policy(KeyId=account.key_id, PolicyName="default", Policy=json.dumps(of_key))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_who_is_listed_can_and_who_is_not_cannot(account: Account, aws: Aws, seed: int) -> None:
    account.deploy()
    sessions = identities(account, random.Random(seed))  # noqa: S311

    findings = {finding.arn: finding for finding in find_who(aws, TargetOptions()).findings}

    made = calls(account)
    able = [(arn, ability) for arn, finding in findings.items() for ability in finding.abilities]
    assert [each for each in able if each[1].depends_on] == []
    done = {
        (arn, action)
        for (arn, client), (action, call) in itertools.product(sessions.items(), made.items())
        if can(call, client)
    }
    assert sorted(done) == sorted((arn, each.action) for arn, each in able if each.action in made and arn in sessions)
    assert 0 < len(done) < len(sessions) * len(made)
    assert {":user/", ":role/"} == {kind for kind in (":user/", ":role/") for arn, _ in done if kind in arn}
