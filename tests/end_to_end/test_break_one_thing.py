"""Break one thing in a deployed account: exactly the checks that concern it turn red."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.conftest import Account
from tests.tiers import mostly_slow
from verify.aws import Aws
from verify.posture.check import run_checks
from verify.posture.model import Report, Status
from verify.target import TargetOptions

ENCRYPTION = "log_bucket_encrypts_with_the_key"
PUBLIC = "log_bucket_blocks_public_access"
TLS = "log_bucket_requires_tls"
KEY_POLICY = "key_policy_lets_cloudtrail_in"
BUCKET_POLICY = "bucket_policy_lets_cloudtrail_in"
TRAIL = {"trail_exists", "trail_is_multi_region", "trail_validates_log_files", "trail_is_logging"}


def encrypt_bucket(account: Account, **default: str) -> None:
    account.client("s3").put_bucket_encryption(
        Bucket=account.bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )


def put_bucket_policy(account: Account, keep: Callable[[dict[str, Any]], bool]) -> None:
    policy = account.bucket_policy()
    policy["Statement"] = [statement for statement in policy["Statement"] if keep(statement)]
    account.client("s3").put_bucket_policy(Bucket=account.bucket, Policy=json.dumps(policy))


def is_for_cloudtrail(statement: dict[str, Any]) -> bool:
    return bool(statement["Principal"] == {"Service": "cloudtrail.amazonaws.com"})


def delete_bucket(account: Account) -> None:
    """Empties it as often as CloudTrail delivers in between."""
    s3 = account.client("s3")
    while True:
        for each in s3.list_object_versions(Bucket=account.bucket).get("Versions", ()):
            s3.delete_object(Bucket=account.bucket, Key=each["Key"], VersionId=each["VersionId"])
        try:
            s3.delete_bucket(Bucket=account.bucket)
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "BucketNotEmpty":
                raise
        else:
            return


def put_key_policy_without_cloudtrail(account: Account) -> None:
    policy = account.key_policy()
    policy["Statement"] = [statement for statement in policy["Statement"] if not is_for_cloudtrail(statement)]
    account.client("kms").put_key_policy(KeyId=account.key_id, PolicyName="default", Policy=json.dumps(policy))


def allow_another_trail(account: Account) -> None:
    text = json.dumps(account.bucket_policy()).replace("trail/ch03-security-trail", "trail/another-trail")
    account.client("s3").put_bucket_policy(Bucket=account.bucket, Policy=text)


def another_key(account: Account) -> str:
    """A key with the same policy that is not the key of the target."""
    policy = json.dumps(account.key_policy())
    return str(account.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"])


def another_bucket(account: Account) -> str:
    """A bucket with the same policy that is not the bucket of the target."""
    s3, name = account.client("s3"), f"attacker-{account.id}"
    s3.create_bucket(Bucket=name)
    policy = json.dumps(account.bucket_policy()).replace(account.bucket, name)
    s3.put_bucket_policy(Bucket=name, Policy=policy)
    return name


def update_trail(**change: Any) -> Callable[[Account], Any]:
    return lambda account: account.client("cloudtrail").update_trail(Name=account.trail, **change)


def open_bucket(account: Account) -> None:
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy"), True)
    account.client("s3").put_public_access_block(
        Bucket=account.bucket, PublicAccessBlockConfiguration={**block, "RestrictPublicBuckets": False}
    )


# What is done to the account, and which of the seven checks and the checkpoints are red afterwards.
BREAKAGES: list[tuple[str, Callable[[Account], Any], set[str]]] = [
    ("nothing", lambda _: None, set()),
    ("disable the key", lambda a: a.client("kms").disable_key(KeyId=a.key_id), {"key_exists"}),
    (
        "schedule the key's deletion",
        lambda a: a.client("kms").schedule_key_deletion(KeyId=a.key_id, PendingWindowInDays=7),
        {"key_exists"},
    ),
    ("delete the alias", lambda a: a.client("kms").delete_alias(AliasName=a.key), {"key_exists"}),
    (
        "point the alias at another key",
        lambda a: a.client("kms").update_alias(AliasName=a.key, TargetKeyId=another_key(a)),
        {"key_exists"},
    ),
    ("remove CloudTrail from the key policy", put_key_policy_without_cloudtrail, {KEY_POLICY}),
    (
        "delete the bucket policy",
        lambda a: a.client("s3").delete_bucket_policy(Bucket=a.bucket),
        {BUCKET_POLICY, TLS},
    ),
    (
        "remove CloudTrail from the bucket policy",
        lambda a: put_bucket_policy(a, lambda s: not is_for_cloudtrail(s)),
        {BUCKET_POLICY},
    ),
    ("allow another trail on the bucket instead", allow_another_trail, {BUCKET_POLICY}),
    ("allow plain HTTP", lambda a: put_bucket_policy(a, is_for_cloudtrail), {TLS}),
    ("encrypt the bucket with S3's own key", lambda a: encrypt_bucket(a, SSEAlgorithm="AES256"), {ENCRYPTION}),
    (
        "encrypt the bucket with another key",
        lambda a: encrypt_bucket(a, SSEAlgorithm="aws:kms", KMSMasterKeyID=another_key(a)),
        {ENCRYPTION},
    ),
    ("turn off one public access block setting", open_bucket, {PUBLIC}),
    ("delete the public access block", lambda a: a.client("s3").delete_public_access_block(Bucket=a.bucket), {PUBLIC}),
    ("stop logging", lambda a: a.client("cloudtrail").stop_logging(Name=a.trail), {"trail_is_logging"}),
    ("drop log file validation", update_trail(EnableLogFileValidation=False), {"trail_validates_log_files"}),
    ("record one region only", update_trail(IsMultiRegionTrail=False), {"trail_is_multi_region"}),
    ("use another key", lambda a: update_trail(KmsKeyId=another_key(a))(a), {"trail_uses_the_key"}),
    ("deliver elsewhere", lambda a: update_trail(S3BucketName=another_bucket(a))(a), {"trail_uses_the_bucket"}),
    (
        "delete the trail",
        lambda a: a.client("cloudtrail").delete_trail(Name=a.trail),
        {*TRAIL, "trail_uses_the_key", "trail_uses_the_bucket", "trail_records_all_management_events"},
    ),
    (
        "delete the bucket",
        delete_bucket,
        {"log_bucket_exists", ENCRYPTION, PUBLIC, TLS, BUCKET_POLICY},
    ),
]


def red(report: Report) -> set[str]:
    """Without whether a delivery has failed yet: the lab delivers by itself, every few seconds."""
    failed = {result.id for result in report.results if result.status is Status.FAIL}
    return failed - {"trail_delivers_without_error"}


@pytest.mark.parametrize(
    ("breakage", "expected"),
    mostly_slow([(b, e) for _, b, e in BREAKAGES], every=3),
    ids=[name for name, *_ in BREAKAGES],
)
def test_exactly_the_checks_that_concern_it_turn_red(
    account: Account, aws: Aws, breakage: Callable[[Account], Any], expected: set[str]
) -> None:
    account.deploy()

    breakage(account)

    report = run_checks(aws, TargetOptions())
    assert red(report) == expected
    # Of a trail that was made a moment ago, perhaps nothing came yet.
    unknown = {result.id for result in report.results if result.status is Status.UNKNOWN}
    assert unknown <= {"trail_delivers_without_error"}


def test_before_anything_is_deployed_all_seven_are_red(account: Account, aws: Aws) -> None:
    assert account.id
    seven = [result for result in run_checks(aws, TargetOptions()).results if result.number]

    assert [result.status for result in seven] == [Status.FAIL] * 7
