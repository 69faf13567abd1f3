from typing import Any

import boto3
import pytest

from tests.verify.posture import healthy
from tests.verify.posture.healthy import ACCOUNT, BUCKET, NOTHING_DELIVERED, TRAIL_ARN, but_trail, policy, result
from tests.verify.posture.statements import (
    BUCKET_ARN,
    EVERYTHING,
    FROM_ACCOUNT,
    FROM_ORGANIZATION,
    FROM_TRAIL,
    WITHOUT_TLS,
    Statement,
    but,
    deny,
    grant,
)
from verify.fact import Denied, Fact, Value
from verify.posture.model import Status
from verify.posture.resource_policies.rewrite import corrected_bucket_policy

ALLOWS_CLOUDTRAIL = "bucket_policy_lets_cloudtrail_in"
NO_OTHER = "bucket_policy_names_the_trail"
TLS = "log_bucket_requires_tls"
BOTH = ["s3:GetBucketAcl", "s3:PutObject"]
ACL = grant("s3:GetBucketAcl", BUCKET_ARN)
FULL_CONTROL = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
WRITE = grant("s3:PutObject", f"{BUCKET_ARN}/AWSLogs/{ACCOUNT}/*", FULL_CONTROL)
WITH_TLS = {"Bool": {"aws:SecureTransport": "true"}}
BELOW_1_2 = {"NumericLessThan": {"s3:TlsVersion": 1.2}}
# AWS's example for old clients: it denies old versions of TLS, and lets plain HTTP through.
TLS_OR_NOTHING = {"Bool": {"aws:SecureTransport": "true"}, "NumericLessThan": {"s3:TlsVersion": "1.2"}}
SIX = [f"s3:{verb}{noun}" for noun in ("Object", "BucketPolicy") for verb in ("Get", "Put", "Delete")]
UNLESS_KMS = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}


def put(*paths: str) -> Statement:
    return but(WRITE, Resource=[f"{BUCKET_ARN}/AWSLogs/{ACCOUNT}/{path}" for path in paths])


GRANTS: list[tuple[str, list[Statement], str, Status]] = [
    ("by hand", [ACL, WRITE], ALLOWS_CLOUDTRAIL, Status.PASS),
    ("by SourceAccount", [grant(BOTH, condition=FROM_ACCOUNT)], ALLOWS_CLOUDTRAIL, Status.PASS),
    ("by SourceArn", [grant(BOTH, condition=FROM_TRAIL)], ALLOWS_CLOUDTRAIL, Status.PASS),
    (
        "beside a Deny below TLS 1.2",
        [ACL, WRITE, deny({"NumericLessThan": {"s3:TlsVersion": 1.2}})],
        ALLOWS_CLOUDTRAIL,
        Status.PASS,
    ),
    ("beside a Deny without TLS", [ACL, WRITE, deny(WITHOUT_TLS)], ALLOWS_CLOUDTRAIL, Status.PASS),
    ("no GetBucketAcl", [WRITE], ALLOWS_CLOUDTRAIL, Status.FAIL),
    ("no PutObject", [ACL], ALLOWS_CLOUDTRAIL, Status.FAIL),
    (
        "another account's folder",
        [ACL, grant("s3:PutObject", f"{BUCKET_ARN}/AWSLogs/1/*")],
        ALLOWS_CLOUDTRAIL,
        Status.FAIL,
    ),
    ("another prefix", [ACL, grant("s3:PutObject", f"{BUCKET_ARN}/p/AWSLogs/*")], ALLOWS_CLOUDTRAIL, Status.FAIL),
    ("another bucket", [grant(BOTH, f"{BUCKET_ARN}-old*")], ALLOWS_CLOUDTRAIL, Status.FAIL),
    ("denied with TLS", [ACL, WRITE, deny(WITH_TLS)], ALLOWS_CLOUDTRAIL, Status.FAIL),
    (
        "denied unless KMS",
        [ACL, WRITE, but(WRITE, Effect="Deny", Condition=UNLESS_KMS)],
        ALLOWS_CLOUDTRAIL,
        Status.UNKNOWN,
    ),
    ("for an organization", [grant(BOTH, condition=FROM_ORGANIZATION)], ALLOWS_CLOUDTRAIL, Status.UNKNOWN),
    (
        "its own region alone",
        [ACL, put("CloudTrail/us-east-1/*", "CloudTrail-Digest/*")],
        ALLOWS_CLOUDTRAIL,
        Status.FAIL,
    ),
    (
        "one other region denied",
        [ACL, WRITE, but(put("CloudTrail*/us-west-2/*"), Effect="Deny")],
        ALLOWS_CLOUDTRAIL,
        Status.FAIL,
    ),
    # It may be on in the account or not.
    (
        "a region denied that is off at first",
        [ACL, WRITE, but(put("CloudTrail*/eu-south-2/*"), Effect="Deny")],
        ALLOWS_CLOUDTRAIL,
        Status.UNKNOWN,
    ),
    ("no digests", [ACL, put("CloudTrail/*")], ALLOWS_CLOUDTRAIL, Status.FAIL),
    ("digests denied", [ACL, WRITE, but(put("CloudTrail-Digest/*"), Effect="Deny")], ALLOWS_CLOUDTRAIL, Status.FAIL),
    ("one month", [ACL, put("CloudTrail*/*/2026/01/*")], ALLOWS_CLOUDTRAIL, Status.FAIL),
    ("one year", [ACL, put("CloudTrail*/*/2026/*")], ALLOWS_CLOUDTRAIL, Status.FAIL),
    ("folder by folder", [ACL, put("CloudTrail/*", "CloudTrail-Digest/*")], ALLOWS_CLOUDTRAIL, Status.PASS),
    ("by SourceArn", [grant(BOTH, condition=FROM_TRAIL)], NO_OTHER, Status.PASS),
    ("by hand", [ACL, WRITE], NO_OTHER, Status.ADVICE),
    ("by SourceAccount", [grant(BOTH, condition=FROM_ACCOUNT)], NO_OTHER, Status.ADVICE),
    ("for an organization", [grant(BOTH, condition=FROM_ORGANIZATION)], NO_OTHER, Status.UNKNOWN),
]
ALL_BUT_ONE = but(deny(WITHOUT_TLS), Principal=None, NotPrincipal={"AWS": "1"})
BEGINNINGS = ["s3:Get*", "s3:Put*", "s3:List*", "s3:Delete*"]


def all_but(*actions: str) -> Statement:
    return but(deny(WITHOUT_TLS), Action=None, NotAction=list(actions))


def all_but_in(resource: str) -> Statement:
    return but(deny(WITHOUT_TLS), Resource=None, NotResource=resource)


AND_NOT_ADMIN = {**WITHOUT_TLS, "StringNotLike": {"aws:PrincipalArn": "*admin"}}
DENIALS: list[tuple[str, list[Statement], Status]] = [
    ("everybody, everywhere", [deny(WITHOUT_TLS)], Status.PASS),
    ("two statements", [deny(WITHOUT_TLS, Resource=arn, Principal={"AWS": "*"}) for arn in EVERYTHING], Status.PASS),
    ("IfExists and a JSON boolean", [deny({"BoolIfExists": {"aws:SecureTransport": False}})], Status.PASS),
    ("any resource", [deny(WITHOUT_TLS, Resource="*")], Status.PASS),
    ("by version", [deny(BELOW_1_2)], Status.UNKNOWN),
    ("by a version too old", [deny({"NumericLessThan": {"s3:TlsVersion": "1.1"}})], Status.FAIL),
    ("one old version", [deny({"NumericEquals": {"s3:TlsVersion": "1.1"}})], Status.FAIL),
    ("two old versions", [deny({"NumericEquals": {"s3:TlsVersion": ["1.0", "1.1"]}})], Status.FAIL),
    ("old versions of TLS, but not plain HTTP", [deny(TLS_OR_NOTHING)], Status.FAIL),
    ("by version and a key nobody knows", [deny({**BELOW_1_2, "StringIs": {"a": "b"}})], Status.UNKNOWN),
    ("the usual actions", [deny(WITHOUT_TLS, Action=[*SIX, "s3:ListBucket"])], Status.FAIL),
    ("every action that begins as one of the usual", [deny(WITHOUT_TLS, Action=BEGINNINGS)], Status.FAIL),
    ("all but old versions of objects", [all_but("s3:GetObjectVersion", "s3:DeleteObjectVersion")], Status.FAIL),
    ("all but one action", [all_but("s3:PutLifecycleConfiguration")], Status.FAIL),
    ("all but what a pattern takes out", [all_but("S3:*Acl")], Status.FAIL),
    ("all but other services", [all_but("iam:*")], Status.PASS),
    ("log files alone", [deny(WITHOUT_TLS, Resource=[BUCKET_ARN, f"{BUCKET_ARN}/*.json.gz"])], Status.FAIL),
    ("all but one folder", [all_but_in(f"{BUCKET_ARN}/secret/*")], Status.FAIL),
    ("all but what lies deep in any bucket", [all_but_in("arn:aws:s3:::*/a/?/secret*")], Status.FAIL),
    ("the bucket alone", [deny(WITHOUT_TLS, Resource=BUCKET_ARN)], Status.FAIL),
    ("the objects alone", [deny(WITHOUT_TLS, Resource=f"{BUCKET_ARN}/*")], Status.FAIL),
    ("one prefix", [deny(WITHOUT_TLS, Resource=[BUCKET_ARN, f"{BUCKET_ARN}/AWSLogs/*"])], Status.FAIL),
    ("one action", [deny(WITHOUT_TLS, Action="s3:PutObject")], Status.FAIL),
    ("one role", [deny(WITHOUT_TLS, Principal={"AWS": "arn:aws:iam::1:role/r"})], Status.FAIL),
    ("all but one account", [ALL_BUT_ONE], Status.FAIL),
    ("all but the admin", [deny(AND_NOT_ADMIN)], Status.FAIL),
    ("turned around", [deny(WITH_TLS)], Status.FAIL),
    (
        "allowed with, not denied without",
        [deny(WITH_TLS, Effect="Allow")],
        Status.FAIL,
    ),
    ("nothing about it", [ACL, WRITE], Status.FAIL),
    ("an operator nobody knows", [deny({**WITHOUT_TLS, "StringIs": {"a": "b"}})], Status.UNKNOWN),
]


@pytest.mark.parametrize(("statements", "check", "expected"), [case[1:] for case in GRANTS], ids=[c[0] for c in GRANTS])
def test_a_grant_is_judged_by_what_it_does(statements: list[Statement], check: str, expected: Status) -> None:
    facts = healthy.but(bucket_policy=policy(*statements), status=NOTHING_DELIVERED)
    assert result(facts, check).status is expected


@pytest.mark.parametrize(("statements", "expected"), [case[1:] for case in DENIALS], ids=[c[0] for c in DENIALS])
def test_tls_is_enforced_only_for_everybody_everywhere(statements: list[Statement], expected: Status) -> None:
    assert result(healthy.but(bucket_policy=policy(*statements)), TLS).status is expected


def test_a_request_that_is_not_denied_is_named() -> None:
    found = result(healthy.but(bucket_policy=policy(deny(WITHOUT_TLS, Action="s3:GetObject"))), TLS)
    assert f"s3:ListBucket on {BUCKET_ARN}" in found.actual


def test_the_trails_own_prefix_counts() -> None:
    facts = but_trail(prefix="p")
    assert result(facts, ALLOWS_CLOUDTRAIL).status is Status.FAIL
    corrected = corrected_bucket_policy(None, TRAIL_ARN, BUCKET, "p")
    assert (
        result(healthy.but(target=facts.target, bucket_policy=Value(corrected)), ALLOWS_CLOUDTRAIL).status
        is Status.PASS
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Statement": [{"Effect": "Allow"}]}', "x" * 300_000])
def test_a_bucket_policy_that_cannot_be_read_is_unknown(text: str) -> None:
    facts = healthy.but(bucket_policy=Value(text))
    assert {result(facts, check).status for check in (ALLOWS_CLOUDTRAIL, NO_OTHER, TLS)} == {Status.UNKNOWN}


NOT_READ = Denied("organizations:DescribeOrganization")


def for_organization(*statements: Statement, organization_id: Fact[str] = NOT_READ) -> Status:
    facts = healthy.but(
        target=but_trail(is_organization=True).target,
        bucket_policy=policy(*statements),
        organization_id=organization_id,
        status=NOTHING_DELIVERED,
    )
    return result(facts, ALLOWS_CLOUDTRAIL).status


def test_an_organizations_trail_needs_its_organizations_folder_too() -> None:
    whole = but(WRITE, Resource=f"{BUCKET_ARN}/AWSLogs/*")
    assert for_organization(ACL, whole) is Status.PASS
    # As AWS documents it. Which organization that is, only AWS Organizations knows.
    documented = (ACL, WRITE, but(WRITE, Resource=f"{BUCKET_ARN}/AWSLogs/o-abcdefghij/*"))
    assert for_organization(ACL, WRITE) is for_organization(*documented) is Status.UNKNOWN
    assert for_organization(*documented, organization_id=Value("o-abcdefghij")) is Status.PASS
    assert for_organization(*documented, organization_id=Value("o-0000000000")) is Status.FAIL
    assert for_organization(ACL, WRITE, organization_id=Value("o-abcdefghij")) is Status.FAIL


@pytest.mark.parametrize(
    ("granted", "denied", "is_multi_region"),
    [
        ("*", "*", True),
        ("*", "222222222222/*", True),
        ("*", "*/CloudTrail/me-south-1/*", True),
        # Nothing else is left open then: CloudTrail delivers, which tells nothing of members.
        ("o-abcdefghij/*", "222222222222/*", False),
    ],
)
def test_a_deny_for_an_organization_that_may_be_the_trails_own_is_not_passed_over(
    granted: str, denied: str, *, is_multi_region: bool
) -> None:
    allows = (ACL, WRITE, but(WRITE, Resource=f"{BUCKET_ARN}/AWSLogs/{granted}"))
    denies = deny({}, Action="s3:PutObject", Resource=f"{BUCKET_ARN}/AWSLogs/o-abcdefghij/{denied}")

    def status(*statements: Statement) -> Status:
        target = but_trail(is_organization=True, is_multi_region=is_multi_region).target
        facts = healthy.but(target=target, bucket_policy=policy(*statements), organization_id=NOT_READ)
        return result(facts, ALLOWS_CLOUDTRAIL).status

    assert status(*allows) is Status.PASS
    assert status(*allows, denies) is Status.UNKNOWN


def test_what_a_delivery_decides_for_the_account_it_does_not_for_its_organization() -> None:
    def status(*statements: Statement, organization_id: Fact[str]) -> Status:
        unless_kms = deny(UNLESS_KMS, Action="s3:PutObject")
        text = policy(ACL, WRITE, unless_kms, *statements)
        target = but_trail(is_organization=True).target
        facts = healthy.but(target=target, bucket_policy=text, organization_id=organization_id)
        return result(facts, ALLOWS_CLOUDTRAIL).status

    whole = but(WRITE, Resource=f"{BUCKET_ARN}/AWSLogs/*")
    denies = deny({}, Action="s3:PutObject", Resource=f"{BUCKET_ARN}/AWSLogs/o-abcdefghij/222222222222/*")
    for organization_id, refused in ((Value("o-abcdefghij"), Status.FAIL), (NOT_READ, Status.UNKNOWN)):
        assert status(whole, organization_id=organization_id) is Status.PASS
        assert status(whole, denies, organization_id=organization_id) is refused
        assert status(organization_id=organization_id) is refused


def test_a_trail_of_one_region_without_digests_needs_no_more_than_it_delivers() -> None:
    target = but_trail(is_multi_region=False, validates_log_files=False).target
    facts = healthy.but(target=target, bucket_policy=policy(ACL, put("CloudTrail/us-east-1/*")))
    assert result(facts, ALLOWS_CLOUDTRAIL).status is Status.PASS


def test_a_deny_for_any_region_is_seen_although_cloudtrail_delivers() -> None:
    for region in boto3.Session().get_available_regions("cloudtrail"):
        denied = but(put(f"CloudTrail*/{region}/*"), Effect="Deny")
        found = result(healthy.but(bucket_policy=policy(ACL, WRITE, denied)), ALLOWS_CLOUDTRAIL)
        assert found.status in (Status.FAIL, Status.UNKNOWN), region
        assert f"/{region}/" in found.actual


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}}, Status.FAIL),
        ({"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption": "AES256"}}, Status.FAIL),
        # These depend on whether CloudTrail sends the header, or which key it names: a delivery tells.
        (UNLESS_KMS, Status.PASS),
        ({"Null": {"s3:x-amz-server-side-encryption": "true"}}, Status.PASS),
        ({"StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "k"}}, Status.PASS),
    ],
)
def test_a_deny_of_all_but_s3s_own_key_denies_a_trail_with_a_kms_key(
    condition: dict[str, Any], expected: Status
) -> None:
    statements = (ACL, WRITE, but(WRITE, Effect="Deny", Condition=condition, Sid="Own"))
    found = result(healthy.but(bucket_policy=policy(*statements)), ALLOWS_CLOUDTRAIL)
    assert found.status is expected
    assert ("denied by statement Own" in found.actual) is (expected is Status.FAIL)


@pytest.mark.slow
def test_a_policy_too_large_to_evaluate_is_unknown_within_seconds() -> None:
    names = [f"{BUCKET_ARN}/{number}" for number in range(4000)]
    actions = [f"s3:Get{number}" for number in range(4000)]
    exceptions = but(deny(WITHOUT_TLS), Action=None, Resource=None, NotAction=actions, NotResource=names)
    found = result(healthy.but(bucket_policy=policy(deny(WITHOUT_TLS), exceptions)), TLS)
    assert (found.status, found.actual) == (Status.UNKNOWN, "the policy is too large to be evaluated for every request")
    stars = but(deny(WITHOUT_TLS), Action=None, NotAction="s3:" + "*a" * 5000)
    found = result(healthy.but(bucket_policy=policy(deny(WITHOUT_TLS), stars)), TLS)
    assert found.status is Status.UNKNOWN
    assert "too long" in found.actual
