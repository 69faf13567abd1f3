"""What each answer of AWS becomes: a value, "not there", a missing permission, or a failure to look."""

import json
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.verify.posture.healthy import BUCKET, KEY_ARN, TRAIL
from tests.verify.simulation.stubbed import answers, offline
from verify.fact import Denied, Failed, Missing, Value
from verify.posture.facts.bucket import BucketQuestions
from verify.posture.facts.key import KeyQuestions, of_each
from verify.posture.facts.trail import (
    Acl,
    AclGrant,
    BucketEncryption,
    BucketLocation,
    Key,
    Lifecycle,
    LifecycleAction,
    Loss,
    ObjectLock,
)
from verify.posture.score.facts import Recorder, RootUser
from verify.posture.score.questions import AccountQuestions
from verify.target import TargetKey

KMS_RULE = {
    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_ARN},
    "BucketKeyEnabled": True,
}
RULES = [
    {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "p/"}, "Expiration": {"Days": 1}},
    {"ID": "b", "Status": "Enabled", "Filter": {"And": {"Prefix": "q/", "Tags": []}}, "Expiration": {"Days": 400}},
    {"ID": "c", "Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}},
    {"ID": "d", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"ExpiredObjectDeleteMarker": True}},
    {"ID": "e", "Status": "Enabled", "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
    {
        "ID": "f",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Transitions": [
            {"Days": 0, "StorageClass": "GLACIER"},
            {"Date": "2026-11-29", "StorageClass": "DEEP_ARCHIVE"},
            {"Days": 30, "StorageClass": "GLACIER_IR"},
        ],
    },
]
SYMMETRIC = {"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS"}


def undocumented(missing: str) -> Failed:
    """What half an answer is."""
    return Failed(f"AWS answered in a shape that is not documented: KeyError: {missing!r}")


GONE = Missing(f"there is no bucket {BUCKET}")


@pytest.mark.parametrize(
    ("question", "operation", "answer", "expected"),
    [
        ("place_of", "head_bucket", {"BucketRegion": "eu-west-1"}, Value(BucketLocation("eu-west-1", None))),
        ("place_of", "head_bucket", "404", GONE),
        ("place_of", "head_bucket", "403", Denied("s3:ListBucket")),
        ("encryption", "get_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": [KMS_RULE]}},
         Value(BucketEncryption("aws:kms", KEY_ARN, uses_bucket_key=True))),
        ("encryption", "get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError",
         Missing(f"bucket {BUCKET} has no default encryption")),
        ("encryption", "get_bucket_encryption", "AccessDenied", Denied("s3:GetEncryptionConfiguration")),
        ("policy", "get_bucket_policy", {"Policy": "{}"}, Value("{}")),
        ("policy", "get_bucket_policy", "NoSuchBucketPolicy", Missing(f"bucket {BUCKET} has no policy")),
        ("policy", "get_bucket_policy", "NoSuchBucket", GONE),
        ("public_access_block", "get_public_access_block", "NoSuchPublicAccessBlockConfiguration",
         Missing(f"bucket {BUCKET} has no public access block")),
        ("versioning", "get_bucket_versioning", {}, Value("never enabled")),
        ("versioning", "get_bucket_versioning", {"Status": "Suspended"}, Value("Suspended")),
        ("ownership", "get_bucket_ownership_controls", "OwnershipControlsNotFoundError",
         Missing(f"bucket {BUCKET} has no ownership controls")),
        ("access_log_target", "get_bucket_logging", {}, Value(None)),
        ("lifecycle", "get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration", Value(Lifecycle(()))),
        ("lifecycle", "get_bucket_lifecycle_configuration", {"Rules": RULES},
         Value(Lifecycle((LifecycleAction("a", "p/", 1), LifecycleAction("b", "q/", 400, index=1),
                          LifecycleAction("e", "", 1, Loss.DELETES_OLD_VERSIONS, 4),
                          LifecycleAction("f", "", 0, Loss.ARCHIVES, 5),
                          LifecycleAction("f", "", None, Loss.ARCHIVES, 5)),
                         json.dumps({"Rules": RULES})))),
        ("lifecycle", "get_bucket_lifecycle_configuration", "AccessDenied", Denied("s3:GetLifecycleConfiguration")),
        ("object_lock", "get_object_lock_configuration", "ObjectLockConfigurationNotFoundError",
         Missing(f"bucket {BUCKET} has no Object Lock")),
        ("object_lock", "get_object_lock_configuration", {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
         Value(ObjectLock(None, 0))),
        ("object_lock", "get_object_lock_configuration", {"ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 2}}}},
         Value(ObjectLock("COMPLIANCE", 730))),
        ("payer", "get_bucket_request_payment", {"Payer": "Requester"}, Value("Requester")),
        ("acl", "get_bucket_acl", {"Owner": {"ID": "me"}, "Grants": [
            {"Grantee": {"Type": "CanonicalUser", "ID": "me"}, "Permission": "FULL_CONTROL"},
            {"Grantee": {"Type": "Group", "URI": "http://x/AllUsers"}, "Permission": "READ"},
            {"Grantee": {"Type": "CanonicalUser", "ID": "you"}, "Permission": "WRITE"}]},
         Value(Acl((AclGrant("http://x/AllUsers", "READ"), AclGrant("you", "WRITE"))))),
        ("acl", "get_bucket_acl", "NoSuchBucket", GONE),
        ("acl", "get_bucket_acl", {"Owner": {"ID": "me"}}, undocumented("Grants")),
        ("default_lock", "get_object_lock_configuration", "NoSuchBucket", GONE),
        ("default_lock", "get_object_lock_configuration", "ObjectLockConfigurationNotFoundError", Value(None)),
        ("default_lock", "get_object_lock_configuration", "AccessDenied",
         Denied("s3:GetBucketObjectLockConfiguration")),
    ],
)  # fmt: skip
def test_s3_answers_become_facts(
    monkeypatch: pytest.MonkeyPatch, question: str, operation: str, answer: Any, expected: object
) -> None:
    aws = offline(monkeypatch)
    with answers(aws, "s3", operation, answer):
        assert getattr(BucketQuestions(aws, "us-east-1"), question)(BUCKET) == expected


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([""], Value(BucketLocation("us-east-1", "111111111111"))),
        (["403", ""], Value(BucketLocation("us-east-1", "222222222222"))),
        (["403", "403", ""], Value(BucketLocation("us-east-1", None))),
        (["403", "403", "403"], Denied("s3:ListBucket")),
        (["404"], GONE),
    ],
)
def test_a_bucket_is_of_the_account_of_which_s3_says_so(
    monkeypatch: pytest.MonkeyPatch, codes: list[str], expected: object
) -> None:
    aws = offline(monkeypatch)
    with Stubber(aws.client("s3")) as stub:
        for code in codes:
            if code:
                stub.add_client_error("head_bucket", code)
            else:
                stub.add_response("head_bucket", {})
        questions = BucketQuestions(aws, "us-east-1")
        assert questions.place_of(BUCKET, ("111111111111", "222222222222")) == expected
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("service", "question", "operation", "answer", "expected"),
    [
        ("iam", "minimum_password_length", "get_account_password_policy", "NoSuchEntity",
         Missing("the account has no password policy of its own")),
        ("iam", "root", "get_account_summary", {"SummaryMap": {"AccountAccessKeysPresent": 1, "AccountMFAEnabled": 0}},
         Value(RootUser(has_access_keys=True, has_mfa=False))),
        ("securityhub", "hub", "describe_hub",
         "InvalidAccessException: Account 123456789012 is not subscribed to AWS Security Hub",
         Missing("Security Hub is not enabled")),
        ("securityhub", "hub", "describe_hub", "InvalidAccessException: Security Hub is not enabled in this region",
         Missing("Security Hub is not enabled")),
        ("securityhub", "hub", "describe_hub",
         "InvalidAccessException: The account doesn't have permission to perform this action",
         Denied("securityhub:DescribeHub")),
        ("securityhub", "hub", "describe_hub", "AccessDeniedException", Denied("securityhub:DescribeHub")),
        ("securityhub", "hub", "describe_hub", {"HubArn": "arn:hub"}, Value("arn:hub")),
        ("ec2", "regions", "describe_regions", {"Regions": [{"RegionName": "b"}, {"RegionName": "a"}]},
         Value(("a", "b"))),
        ("ec2", "regions", "describe_regions", {"Regions": []},
         Failed("AWS answered in a shape that is not documented: LookupError: Regions is empty")),
        ("guardduty", "detectors", "list_detectors", {"DetectorIds": []}, Value(())),
        ("accessanalyzer", "analyzers", "list_analyzers", {"analyzers": [
            {"name": name, "type": kind, "status": status, "arn": "arn", "createdAt": 0}
            for name, kind, status in [("a", "ACCOUNT", "ACTIVE"), ("b", "ACCOUNT", "DISABLED"),
                                       ("c", "ACCOUNT_UNUSED_ACCESS", "ACTIVE")]]}, Value(("a",))),
        ("config", "recorders", "describe_configuration_recorder_status",
         {"ConfigurationRecordersStatus": [
             {"name": "on", "recording": True, "lastStatus": "Failure"}, {"name": "off", "recording": False}]},
         Value((Recorder("on", is_recording=True, last_status="FAILURE"),
                Recorder("off", is_recording=False, last_status="PENDING")))),
        ("config", "config_rules", "describe_config_rules", {"ConfigRules": []}, Value(0)),
    ],
)  # fmt: skip
def test_account_answers_become_facts(
    monkeypatch: pytest.MonkeyPatch, service: str, question: str, operation: str, answer: Any, expected: object
) -> None:
    aws = offline(monkeypatch)
    with answers(aws, service, operation, answer):
        assert getattr(AccountQuestions(aws), question)() == expected


PRIMARY = "arn:aws:kms:us-east-1:123456789012:key/mrk-1"
REPLICA = PRIMARY.replace("us-east-1", "eu-west-1")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"KeyId": "1", "Arn": KEY_ARN, "KeyManager": "CUSTOMER", "KeyState": "Enabled", **SYMMETRIC},
         Value(Key(KEY_ARN, is_customer_managed=True, state="Enabled"))),
        ({"KeyId": "1", "Arn": REPLICA, "KeyManager": "CUSTOMER", "KeyState": "Enabled", **SYMMETRIC,
          "MultiRegion": True, "MultiRegionConfiguration": {
              "MultiRegionKeyType": "REPLICA", "PrimaryKey": {"Arn": PRIMARY, "Region": "us-east-1"},
              "ReplicaKeys": [{"Arn": REPLICA, "Region": "eu-west-1"}]}},
         Value(Key(REPLICA, is_customer_managed=True, state="Enabled", replicas=(PRIMARY,)))),
        ({"KeyId": "1", "Arn": PRIMARY, "KeyManager": "CUSTOMER", "KeyState": "Enabled", **SYMMETRIC},
         Failed("AWS answered in a shape that is not documented: KeyError: 'MultiRegionConfiguration'")),
        ("NotFoundException", Missing("there is no key alias/a")),
        ("AccessDeniedException", Denied("kms:DescribeKey")),
        ("KMSInvalidStateException", Failed("kms:DescribeKey failed with KMSInvalidStateException: because")),
    ],
)  # fmt: skip
def test_a_key_is_described_by_its_alias(monkeypatch: pytest.MonkeyPatch, answer: Any, expected: object) -> None:
    aws = offline(monkeypatch)
    with answers(aws, "kms", "describe_key", answer if isinstance(answer, str) else {"KeyMetadata": answer}):
        assert KeyQuestions(aws, "us-east-1").describe("alias/a") == expected


def test_an_answer_without_what_it_must_have_is_a_failure_and_not_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = offline(monkeypatch)
    with answers(aws, "kms", "describe_key", {"KeyMetadata": {"KeyId": "1"}}):
        found = KeyQuestions(aws, "us-east-1").describe("alias/a")
    assert isinstance(found, Failed)
    assert "not documented" in found.why


def test_a_key_that_is_named_by_its_arn_is_compared_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = KeyQuestions(offline(monkeypatch), "us-east-1")
    assert keys.arn_of_trail(TRAIL) == Value(KEY_ARN)
    assert keys.arn_of_target(TargetKey(KEY_ARN), Denied("kms:DescribeKey")) == Value(KEY_ARN)
    assert keys.arn_of_target(TargetKey("alias/a"), Denied("kms:DescribeKey")) == Denied("kms:DescribeKey")
    assert keys.arn_of_target(TargetKey("alias/a", KEY_ARN), Missing("no alias")) == Value(KEY_ARN)


def test_a_key_of_another_region_is_asked_about_there(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = offline(monkeypatch)
    alias = "arn:aws:kms:eu-west-1:123456789012:alias/a"
    arn = KEY_ARN.replace("us-east-1", "eu-west-1")
    metadata = {"KeyId": "1", "Arn": arn, "KeyManager": "AWS", "KeyState": "Enabled", **SYMMETRIC}
    with answers(aws, "kms", "describe_key", {"KeyMetadata": metadata}, region="eu-west-1"):
        rule = BucketEncryption("aws:kms", alias, uses_bucket_key=False)
        assert KeyQuestions(aws, "us-east-1").arn_of_bucket(rule) == Value(arn)


def test_of_replicas_what_is_gone_is_left_out_and_what_is_denied_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = offline(monkeypatch)
    keys = KeyQuestions(aws, "us-east-1")
    for answer, expected in (
        ({"Policy": "{}"}, Value({REPLICA: "{}"})),
        ("NotFoundException", Value({})),
        ("AccessDeniedException", Denied("kms:GetKeyPolicy")),
    ):
        with answers(aws, "kms", "get_key_policy", answer, region="eu-west-1"):
            assert of_each((REPLICA,), keys.policy) == expected
