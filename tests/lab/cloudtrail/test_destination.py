"""What CloudTrail refuses when a trail is created or changed, and at each delivery."""

from dataclasses import replace
from typing import Any

import pytest

from lab.authorization.cloudtrail_access import write_denied
from lab.authorization.facts import BucketFacts, KeyFacts
from lab.cloudtrail.destination import destination_refused
from tests.lab.cloudtrail.cases import (
    ACCOUNT,
    ACL_CHECK,
    DESCRIBE,
    ENCRYPT,
    KEY,
    NOW,
    TARGET,
    TRAIL,
    WRITE,
    bucket,
    conditioned,
    deny,
    key,
)

OTHER_TRAIL = TRAIL.replace("audit", "other")
WITHOUT_CONDITION = {name: value for name, value in WRITE.items() if name != "Condition"}
DECRYPT = {**DESCRIBE, "Action": "kms:Decrypt"}
ALL_OBJECTS = "arn:aws:s3:::logs/*"
POLICY, ENCRYPTION = "InsufficientS3BucketPolicyException", "InsufficientEncryptionPolicyException"

ACCEPTED: dict[str, tuple[BucketFacts, KeyFacts]] = {
    "the documented policies": (bucket(), key()),
    "no conditions": (bucket({**ACL_CHECK, "Condition": {}}, WITHOUT_CONDITION), key()),
    "by account": (bucket(ACL_CHECK, conditioned(WRITE, StringEquals={"aws:SourceAccount": ACCOUNT})), key()),
    "by a pattern": (bucket(ACL_CHECK, conditioned(WRITE, ArnLike={"aws:SourceArn": TRAIL[:-1] + "*"})), key()),
    "any action": (bucket({**ACL_CHECK, "Action": "s3:*"}, {**WRITE, "Action": ["s3:Put*"]}), key()),
    "only insecure transport is denied": (
        bucket(ACL_CHECK, WRITE, deny("s3:*", ALL_OBJECTS, Bool={"aws:SecureTransport": "false"})),
        key(),
    ),
    "services are left out of a deny": (
        bucket(
            ACL_CHECK,
            WRITE,
            deny(
                "s3:*",
                ALL_OBJECTS,
                StringNotEquals={"aws:PrincipalArn": "arn:aws:iam::1:role/r"},
                Bool={"aws:PrincipalIsAWSService": "false"},
            ),
        ),
        key(),
    ),
    "a deny for others": (bucket(ACL_CHECK, WRITE, deny("s3:*", ALL_OBJECTS, {"AWS": "arn:aws:iam::1:root"})), key()),
    "a bucket key and Decrypt": (bucket(uses_bucket_key=True), key(ENCRYPT, DESCRIBE, DECRYPT)),
    "a key that only this trail may use": (
        bucket(),
        key(conditioned(ENCRYPT, StringEquals={"kms:EncryptionContext:aws:cloudtrail:arn": TRAIL}), DESCRIBE),
    ),
}
REFUSED: dict[str, tuple[BucketFacts | None, KeyFacts | None, str, str]] = {
    "no bucket": (None, key(), "S3BucketDoesNotExistException", "logs does not exist"),
    "no policy": (bucket(policy=None), key(), POLICY, "there is no policy"),
    "a broken policy": (bucket(policy="{"), key(), POLICY, "not valid JSON"),
    "no acl check": (bucket(WRITE), key(), POLICY, "s3:GetBucketAcl on arn:aws:s3:::logs"),
    "no write": (bucket(ACL_CHECK), key(), POLICY, f"s3:PutObject on arn:aws:s3:::logs/AWSLogs/{ACCOUNT}/CloudTrail/"),
    "another account's folder": (
        bucket(ACL_CHECK, {**WRITE, "Resource": "arn:aws:s3:::logs/AWSLogs/999988887777/*"}),
        key(),
        POLICY,
        "no statement allows",
    ),
    "a prefix that the trail does not have": (
        bucket(ACL_CHECK, {**WRITE, "Resource": f"arn:aws:s3:::logs/p/AWSLogs/{ACCOUNT}/*"}),
        key(),
        POLICY,
        "no statement allows",
    ),
    "another trail": (
        bucket(ACL_CHECK, conditioned(WRITE, StringEquals={"aws:SourceArn": OTHER_TRAIL})),
        key(),
        POLICY,
        "no statement allows",
    ),
    "another acl": (
        bucket(ACL_CHECK, conditioned(WRITE, StringEquals={"s3:x-amz-acl": "private"})),
        key(),
        POLICY,
        "no statement allows",
    ),
    "another service": (
        bucket(ACL_CHECK, {**WRITE, "Principal": {"Service": "config.amazonaws.com"}}),
        key(),
        POLICY,
        "no statement allows",
    ),
    "everything but writing": (
        bucket(ACL_CHECK, {**WITHOUT_CONDITION, "NotAction": "s3:PutObject", "Action": []}),
        key(),
        POLICY,
        "no statement allows",
    ),
    "a condition that nobody can evaluate": (
        bucket(ACL_CHECK, conditioned(WRITE, StringSimilar={"aws:SourceArn": TRAIL})),
        key(),
        POLICY,
        "no statement allows",
    ),
    "a deny that nobody can evaluate": (
        bucket(ACL_CHECK, WRITE, deny("s3:PutObject", ALL_OBJECTS, StringSimilar={"a": "b"})),
        key(),
        POLICY,
        "the statement No denies",
    ),
    "unencrypted uploads are denied": (
        bucket(
            ACL_CHECK,
            WRITE,
            deny("s3:PutObject", ALL_OBJECTS, StringNotEquals={"s3:x-amz-server-side-encryption": "aws:kms"}),
        ),
        key(),
        POLICY,
        "the statement No denies",
    ),
    "a deny by principal forgets services": (
        bucket(ACL_CHECK, WRITE, deny("s3:*", ALL_OBJECTS, ArnNotLike={"aws:PrincipalArn": "arn:aws:iam::1:role/r"})),
        key(),
        POLICY,
        "the statement No denies",
    ),
    "denied unless it is the account": (
        bucket(
            ACL_CHECK,
            WRITE,
            {
                "Sid": "No",
                "Effect": "Deny",
                "NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "s3:*",
                "Resource": ALL_OBJECTS,
            },
        ),
        key(),
        POLICY,
        "the statement No denies",
    ),
    "the requester pays": (bucket(is_requester_pays=True), key(), POLICY, "Requester Pays"),
    "no key": (bucket(), None, "KmsKeyNotFoundException", KEY),
    "a key elsewhere": (bucket(region="eu-west-1"), key(), "KmsKeyNotFoundException", "same Region"),
    "a disabled key": (bucket(), key(state="Disabled"), "KmsException", "Disabled"),
    "a key that goes": (bucket(), key(state="PendingDeletion"), "KmsException", "PendingDeletion"),
    "an asymmetric key": (bucket(), key(spec="RSA_2048"), "InvalidKmsKeyIdException", "symmetric"),
    "no describe": (bucket(), key(ENCRYPT), ENCRYPTION, "kms:DescribeKey"),
    "no encrypt": (bucket(), key(DESCRIBE), ENCRYPTION, "kms:GenerateDataKey"),
    "describe asks for a context": (
        bucket(),
        key({**ENCRYPT, "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"]}),
        ENCRYPTION,
        "kms:DescribeKey",
    ),
    "a bucket key without Decrypt": (bucket(uses_bucket_key=True), key(), ENCRYPTION, "kms:Decrypt"),
    "the account's root is no service": (
        bucket(),
        key({**ENCRYPT, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Condition": {}}),
        ENCRYPTION,
        "no statement allows",
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_policies_that_let_cloudtrail_in_are_accepted(case: str) -> None:
    found_bucket, found_key = ACCEPTED[case]

    assert destination_refused(TARGET, found_bucket, found_key, NOW) is None
    assert write_denied(TARGET, found_bucket, found_key, f"AWSLogs/{ACCOUNT}/CloudTrail/x", "us-east-1", NOW) is None


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_let_cloudtrail_in_is_refused_with_the_documented_exception(case: str) -> None:
    found_bucket, found_key, code, text = REFUSED[case]
    refused = destination_refused(TARGET, found_bucket, found_key, NOW)

    assert refused is not None
    assert refused.code == code
    assert text in refused.message


def test_without_a_key_the_key_does_not_matter() -> None:
    assert destination_refused(replace(TARGET, kms_key_arn=""), bucket(), None, NOW) is None


DENIED: dict[str, tuple[BucketFacts | None, KeyFacts | None, str]] = {
    "the bucket is gone": (None, key(), "NoSuchBucket"),
    "the policy is gone": (bucket(policy=None), key(), "AccessDenied"),
    "the key is disabled": (bucket(), key(state="Disabled"), "KMS.DisabledException"),
    "the key is to be deleted": (bucket(), key(state="PendingDeletion"), "KMS.KMSInvalidStateException"),
    "the key is gone": (bucket(), None, "KMS.NotFoundException"),
    "the key's policy is gone": (bucket(), key(policy=None), "AccessDenied"),
}


@pytest.mark.parametrize("case", DENIED)
def test_a_delivery_fails_with_the_error_of_s3(case: str) -> None:
    found_bucket, found_key, code = DENIED[case]
    denied = write_denied(TARGET, found_bucket, found_key, f"AWSLogs/{ACCOUNT}/CloudTrail/x", "us-east-1", NOW)

    assert denied is not None
    assert denied.code == code


def test_a_delivery_carries_encryption_headers_that_the_test_write_does_not() -> None:
    unencrypted = deny("s3:PutObject", ALL_OBJECTS, Null={"s3:x-amz-server-side-encryption": "true"})
    strict = bucket(ACL_CHECK, WRITE, unencrypted)

    assert destination_refused(TARGET, strict, key(), NOW) is not None
    assert write_denied(TARGET, strict, key(), f"AWSLogs/{ACCOUNT}/CloudTrail/x", "us-east-1", NOW) is None


def test_another_region_writes_under_its_own_arn_in_the_encryption_context() -> None:
    home_only = key(conditioned(ENCRYPT, StringEquals={"kms:EncryptionContext:aws:cloudtrail:arn": TRAIL}), DESCRIBE)

    def denied(region: str) -> Any:
        return write_denied(TARGET, bucket(), home_only, f"AWSLogs/{ACCOUNT}/CloudTrail/x", region, NOW)

    assert denied("us-east-1") is None
    assert denied("eu-west-1").is_about_key
