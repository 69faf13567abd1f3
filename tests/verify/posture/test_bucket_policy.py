import json

import pytest

from tests.verify.posture import healthy
from tests.verify.posture.hand_made import (
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
from tests.verify.posture.healthy import ACCOUNT, BUCKET, TRAIL_ARN, but_trail, policy, result
from verify.fact import Value
from verify.posture.model import Status
from verify.posture.policy_fixes import mended_bucket_policy

LETS_IN = "bucket_policy_lets_cloudtrail_in"
NO_OTHER = "bucket_policy_names_the_trail"
TLS = "log_bucket_requires_tls"
BOTH = ["s3:GetBucketAcl", "s3:PutObject"]
ACL = grant("s3:GetBucketAcl", BUCKET_ARN)
FULL_CONTROL = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
WRITE = grant("s3:PutObject", f"{BUCKET_ARN}/AWSLogs/{ACCOUNT}/*", FULL_CONTROL)
WITH_TLS = {"Bool": {"aws:SecureTransport": "true"}}
BELOW_1_2 = {"NumericLessThan": {"s3:TlsVersion": 1.2}}
UNLESS_KMS = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}

GRANTS: list[tuple[str, list[Statement], str, Status]] = [
    ("by hand", [ACL, WRITE], LETS_IN, Status.PASS),
    ("by SourceAccount", [grant(BOTH, condition=FROM_ACCOUNT)], LETS_IN, Status.PASS),
    ("by SourceArn", [grant(BOTH, condition=FROM_TRAIL)], LETS_IN, Status.PASS),
    (
        "beside a Deny below TLS 1.2",
        [ACL, WRITE, deny({"NumericLessThan": {"s3:TlsVersion": 1.2}})],
        LETS_IN,
        Status.PASS,
    ),
    ("beside a Deny without TLS", [ACL, WRITE, deny(WITHOUT_TLS)], LETS_IN, Status.PASS),
    ("no GetBucketAcl", [WRITE], LETS_IN, Status.FAIL),
    ("no PutObject", [ACL], LETS_IN, Status.FAIL),
    ("another account's folder", [ACL, grant("s3:PutObject", f"{BUCKET_ARN}/AWSLogs/1/*")], LETS_IN, Status.FAIL),
    ("another prefix", [ACL, grant("s3:PutObject", f"{BUCKET_ARN}/p/AWSLogs/*")], LETS_IN, Status.FAIL),
    ("another bucket", [grant(BOTH, f"{BUCKET_ARN}-old*")], LETS_IN, Status.FAIL),
    ("denied with TLS", [ACL, WRITE, deny(WITH_TLS)], LETS_IN, Status.FAIL),
    ("denied unless KMS", [ACL, WRITE, but(WRITE, Effect="Deny", Condition=UNLESS_KMS)], LETS_IN, Status.UNKNOWN),
    ("for an organization", [grant(BOTH, condition=FROM_ORGANIZATION)], LETS_IN, Status.UNKNOWN),
    ("by SourceArn", [grant(BOTH, condition=FROM_TRAIL)], NO_OTHER, Status.PASS),
    ("by hand", [ACL, WRITE], NO_OTHER, Status.ADVICE),
    ("by SourceAccount", [grant(BOTH, condition=FROM_ACCOUNT)], NO_OTHER, Status.ADVICE),
    ("for an organization", [grant(BOTH, condition=FROM_ORGANIZATION)], NO_OTHER, Status.UNKNOWN),
]
ALL_BUT_ONE = but(deny(WITHOUT_TLS), Principal=None, NotPrincipal={"AWS": "1"})
AND_NOT_ADMIN = {**WITHOUT_TLS, "StringNotLike": {"aws:PrincipalArn": "*admin"}}
DENIALS: list[tuple[str, list[Statement], Status]] = [
    ("everybody, everywhere", [deny(WITHOUT_TLS)], Status.PASS),
    ("two statements", [deny(WITHOUT_TLS, Resource=arn, Principal={"AWS": "*"}) for arn in EVERYTHING], Status.PASS),
    ("IfExists and a JSON boolean", [deny({"BoolIfExists": {"aws:SecureTransport": False}})], Status.PASS),
    ("any resource", [deny(WITHOUT_TLS, Resource="*")], Status.PASS),
    ("by version", [deny(BELOW_1_2)], Status.PASS),
    ("by a version too old", [deny({"NumericLessThan": {"s3:TlsVersion": "1.1"}})], Status.FAIL),
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
    assert result(healthy.but(bucket_policy=policy(*statements)), check).status is expected


@pytest.mark.parametrize(("statements", "expected"), [case[1:] for case in DENIALS], ids=[c[0] for c in DENIALS])
def test_tls_is_enforced_only_for_everybody_everywhere(statements: list[Statement], expected: Status) -> None:
    assert result(healthy.but(bucket_policy=policy(*statements)), TLS).status is expected


def test_the_request_that_gets_through_is_named() -> None:
    found = result(healthy.but(bucket_policy=policy(deny(WITHOUT_TLS, Action="s3:GetObject"))), TLS)
    assert "7 of 9" in found.actual
    assert f"s3:ListBucket on {BUCKET_ARN}" in found.actual


def test_the_trails_own_prefix_is_honoured() -> None:
    facts = but_trail(prefix="p")
    assert result(facts, LETS_IN).status is Status.FAIL
    mended = mended_bucket_policy(None, TRAIL_ARN, BUCKET, "p")
    assert result(healthy.but(target=facts.target, bucket_policy=Value(mended)), LETS_IN).status is Status.PASS


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Statement": [{"Effect": "Allow"}]}', "x" * 300_000])
def test_a_bucket_policy_that_cannot_be_read_is_unknown(text: str) -> None:
    facts = healthy.but(bucket_policy=Value(text))
    assert {result(facts, check).status for check in (LETS_IN, NO_OTHER, TLS)} == {Status.UNKNOWN}


@pytest.mark.parametrize("present", [None, "no json", *(json.dumps({"Statement": case[1]}) for case in GRANTS[:9])])
def test_the_fix_makes_it_pass(present: str | None) -> None:
    facts = healthy.but(bucket_policy=Value(mended_bucket_policy(present, TRAIL_ARN, BUCKET, None)))
    assert {result(facts, check).status for check in (LETS_IN, TLS)} == {Status.PASS}


def test_the_fix_keeps_the_statements_of_others() -> None:
    other = but(grant("s3:PutObject", f"{BUCKET_ARN}/*", {"ArnEquals": {"AWS:SourceARN": "arn:of:another"}}), Sid="O")
    mended = json.loads(mended_bucket_policy(json.dumps({"Statement": other}), TRAIL_ARN, BUCKET, None))
    assert mended["Statement"][0] == other
    assert len(mended["Statement"]) == 4
