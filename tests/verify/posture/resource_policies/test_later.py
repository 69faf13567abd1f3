"""Policies that are as they should be today, and not tomorrow, elsewhere, or for some log files."""

from dataclasses import replace
from typing import Any

import pytest

from tests.verify.posture import healthy
from tests.verify.posture.healthy import ACCOUNT, BUCKET, STATUS, but_trail, policy, report, result
from tests.verify.posture.statements import BUCKET_ARN, EVERYTHING, FROM_TRAIL, Statement, but, grant
from verify.fact import Value
from verify.posture.model import Status

ALLOWS, NAMES = "bucket_policy_lets_cloudtrail_in", "bucket_policy_names_the_trail"
KEY_ALLOWS = "key_policy_lets_cloudtrail_in"
GRANT = grant(["s3:GetBucketAcl", "s3:PutObject"], condition=FROM_TRAIL)
KEY_GRANT = grant(["kms:GenerateDataKey*", "kms:DescribeKey", "kms:Decrypt"], condition=FROM_TRAIL)
LOGS = f"{BUCKET_ARN}/AWSLogs/{ACCOUNT}"
OUTSIDER = "arn:aws:iam::999999999999:root"
EPOCH_2030 = "1893456000"

LATER: dict[str, dict[str, Any]] = {
    "from a date on": {"DateGreaterThan": {"aws:CurrentTime": "2026-12-01T00:00:00Z"}},
    "from a year on": {"DateGreaterThanEquals": {"aws:CurrentTime": "2031"}},
    "for a second": {"DateEquals": {"aws:CurrentTime": "2027-05-05T05:05:05Z"}},
    "for a while": {
        "DateGreaterThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"},
        "DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:01Z"},
    },
    "by seconds": {"DateGreaterThan": {"aws:EpochTime": EPOCH_2030}},
    "by a number": {"NumericGreaterThan": {"aws:EpochTime": f"{EPOCH_2030}.5"}},
    "between two spellings": {
        "NumericGreaterThan": {"aws:EpochTime": EPOCH_2030},
        "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:02+00:00"},
    },
    "from tonight on, where the request says so": {"DateGreaterThanIfExists": {"aws:CurrentTime": "2026-11-29T20:00Z"}},
}
ENDED: dict[str, dict[str, Any]] = {
    "until a date": {"DateLessThan": {"aws:CurrentTime": "2026-11-29T07:59:59Z"}},
    "by seconds": {"NumericLessThan": {"aws:EpochTime": "1700000000"}},
}
# Whether text operators take a date, AWS's documents do not say.
AT_NIGHT: dict[str, dict[str, Any]] = {
    "hours": {"StringLike": {"aws:CurrentTime": "*T02:*"}},
    "days": {"StringNotLike": {"aws:CurrentTime": "2026-11-*"}},
    "seconds": {"StringLike": {"aws:EpochTime": "*7"}},
}


def denied(condition: dict[str, Any] | None = None, **changes: Any) -> Statement:
    whole = {"Sid": "Later", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": EVERYTHING}
    return {**whole, "Condition": condition or {}, **changes}


def of_bucket(*statements: Statement, check: str = ALLOWS) -> Status:
    return result(healthy.but(bucket_policy=policy(*statements)), check).status


def of_key(*statements: Statement) -> Status:
    return result(healthy.but(key_policy=policy(*statements)), KEY_ALLOWS).status


@pytest.mark.parametrize("condition", LATER.values(), ids=LATER)
def test_a_deny_that_begins_later_is_one(condition: dict[str, Any]) -> None:
    found = result(healthy.but(bucket_policy=policy(GRANT, denied(condition))), ALLOWS)
    assert found.status is Status.FAIL
    assert " UTC is denied by statement Later" in found.actual
    in_key = denied(condition, Action="kms:GenerateDataKey", Resource="*")
    assert of_key(KEY_GRANT, in_key) is Status.FAIL


@pytest.mark.parametrize("condition", ENDED.values(), ids=ENDED)
def test_a_deny_that_has_ended_is_none(condition: dict[str, Any]) -> None:
    assert of_bucket(GRANT, denied(condition)) is Status.PASS


@pytest.mark.parametrize("condition", ENDED.values(), ids=ENDED)
def test_a_grant_that_ends_is_none(condition: dict[str, Any]) -> None:
    until_2040 = {"DateLessThan": {"aws:CurrentTime": "2040-01-01"}}
    assert of_bucket(but(GRANT, Condition={**FROM_TRAIL, **condition})) is Status.FAIL
    assert of_bucket(but(GRANT, Condition={**FROM_TRAIL, **until_2040})) is Status.FAIL
    assert of_key(but(KEY_GRANT, Condition={**FROM_TRAIL, **until_2040})) is Status.FAIL
    # One follows the other without a gap.
    from_2040 = {"DateGreaterThanEquals": {"aws:CurrentTime": "2040-01-01"}}
    two = [but(GRANT, Condition={**FROM_TRAIL, **time}) for time in (until_2040, from_2040)]
    assert of_bucket(*two) is Status.PASS


@pytest.mark.parametrize("condition", AT_NIGHT.values(), ids=AT_NIGHT)
def test_a_delivery_now_tells_nothing_of_other_hours(condition: dict[str, Any]) -> None:
    assert of_bucket(GRANT, denied(condition)) is Status.UNKNOWN
    assert of_key(KEY_GRANT, denied(condition, Action="kms:*", Resource="*")) is Status.UNKNOWN


@pytest.mark.parametrize("condition", LATER.values(), ids=LATER)
def test_an_outsider_who_comes_in_later_is_one(condition: dict[str, Any]) -> None:
    let_in = {"Sid": "In", "Effect": "Allow", "Principal": {"AWS": OUTSIDER}, "Condition": condition}
    bucket = {**let_in, "Action": "s3:GetObject", "Resource": EVERYTHING}
    key = {**let_in, "Action": "kms:Decrypt", "Resource": "*"}
    assert of_bucket(GRANT, bucket, check="bucket_policy_keeps_strangers_out") is Status.FAIL
    found = result(healthy.but(key_policy=policy(KEY_GRANT, key)), "key_keeps_strangers_out")
    assert (found.status, " UTC, by statement In" in found.actual) == (Status.FAIL, True)


@pytest.mark.parametrize("condition", ENDED.values(), ids=ENDED)
def test_an_outsider_who_was_let_in_once_is_out(condition: dict[str, Any]) -> None:
    let_in = {"Effect": "Allow", "Principal": {"AWS": OUTSIDER}, "Condition": condition}
    bucket = {**let_in, "Action": "s3:GetObject", "Resource": EVERYTHING}
    assert of_bucket(GRANT, bucket, check="bucket_policy_keeps_strangers_out") is Status.PASS


PARTS = (
    *("CloudTrail/us-east-1/2027/*", "*/2027/*", "CloudTrail-Digest/*/2028/02/*", "CloudTrail/*/203?/*"),
    *("CloudTrail/*T02*", "CloudTrail/*T2???Z_*", "CloudTrail/*_a*.json.gz", "CloudTrail/eu-west-3/*/12/24/*"),
    *("*CloudTrail-Digest_us-east-1_ch03-security-trail_us-east-1_2027*", "CloudTrail/${aws:SourceAccount}*/2027/*"),
    "CloudTrail/sa-*/2027/1*",
)


@pytest.mark.parametrize("part", PARTS[:-2])
def test_a_deny_of_some_log_files_to_come_is_seen(part: str) -> None:
    assert of_bucket(GRANT, denied(Resource=f"{LOGS}/{part}")) is Status.FAIL
    # Nor does a grant for these alone make up for what is missing.
    other = but(GRANT, Resource=[BUCKET_ARN, f"{LOGS}/{part}"])
    assert of_bucket(other) is Status.FAIL


def test_a_pattern_of_a_group_of_regions_and_one_with_a_variable_are_resolved() -> None:
    assert of_bucket(GRANT, denied(Resource=f"{LOGS}/CloudTrail/sa-*/2027/1*")) is Status.FAIL
    by_variable = f"{BUCKET_ARN}/AWSLogs/${{aws:SourceAccount}}/CloudTrail/us-west-1/2027/*"
    assert of_bucket(GRANT, denied(Resource=by_variable)) is Status.FAIL
    assert of_bucket(GRANT, denied(Resource=f"{LOGS}/CloudTrail/mx-*/2027/*")) is Status.UNKNOWN


@pytest.mark.parametrize("part", ["CloudTrail/*/2025/*", "CloudTrail/*/2026/11/28/*", "secret/*", "CloudTrail/"])
def test_a_deny_of_what_is_not_to_come_harms_nothing(part: str) -> None:
    assert of_bucket(GRANT, denied(Resource=f"{LOGS}/{part}")) is Status.PASS


def test_a_delivery_at_home_tells_nothing_of_other_regions_and_digests() -> None:
    unless = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}
    everywhere = denied(unless, Resource=f"{LOGS}/*")
    assert of_bucket(GRANT, everywhere) is Status.PASS
    for part in ("CloudTrail/eu-west-1/*", "CloudTrail/us-east-1/2031/*", "CloudTrail/*T0*"):
        assert of_bucket(GRANT, denied(unless, Resource=f"{LOGS}/{part}")) is Status.UNKNOWN, part
    digests = policy(GRANT, denied(unless, Resource=f"{LOGS}/CloudTrail-Digest/us-east-1/*"))
    assert result(healthy.but(bucket_policy=digests), ALLOWS).status is Status.PASS
    long_ago = Value(replace(STATUS, last_digest=None))
    assert result(healthy.but(bucket_policy=digests, status=long_ago), ALLOWS).status is Status.UNKNOWN
    of_objects = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": "*/eu-west-1/*"}}
    assert of_key(KEY_GRANT, denied(of_objects, Action="kms:*", Resource="*")) is Status.UNKNOWN


@pytest.mark.parametrize(
    "part",
    ["CloudTrail/eu-central-1/*", "CloudTrail/ap-northeast-3/*", "CloudTrail/mx-central-1/*", "*/2027/*", "*T02*"],
)
def test_another_trail_that_may_write_some_log_files_is_named(part: str) -> None:
    more = grant("s3:PutObject", f"{LOGS}/{part}")
    assert of_bucket(GRANT, more, check=NAMES) is Status.ADVICE
    later = grant("s3:PutObject", f"{LOGS}/*", LATER["from a year on"])
    assert of_bucket(GRANT, later, check=NAMES) is Status.ADVICE


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("222222222222/*", Status.FAIL),
        ("2222*", Status.FAIL),
        ("22222222????/CloudTrail/*", Status.FAIL),
        ("*/CloudTrail/eu-west-2/*", Status.FAIL),
        ("222222222222/CloudTrail/*/2027/*", Status.FAIL),
        # Of some member, which may have switched the region on.
        ("*/CloudTrail/me-south-1/*", Status.UNKNOWN),
        ("222222222222/CloudTrail*/me-south-1/2027/*", Status.UNKNOWN),
    ],
)
def test_a_deny_for_one_member_or_region_of_an_organization_is_seen(part: str, expected: Status) -> None:
    facts = replace(
        healthy.but(bucket_policy=policy(GRANT, denied(Resource=f"{BUCKET_ARN}/AWSLogs/o-abcdefghij/{part}"))),
        target=but_trail(is_organization=True).target,
        organization_id=Value("o-abcdefghij"),
    )
    assert result(facts, ALLOWS).status is expected
    without = replace(facts, bucket_policy=policy(GRANT))
    assert result(without, ALLOWS).status is Status.PASS


@pytest.mark.parametrize(
    "statement",
    [*(denied(condition) for condition in LATER.values()), *(denied(Resource=f"{LOGS}/{p}") for p in PARTS[:4])],
)
def test_the_fix_lifts_what_begins_later(statement: Statement) -> None:
    facts = healthy.but(bucket_policy=policy(GRANT, statement))
    fix = next(fix.command for fix in report(facts).fixes if ALLOWS in fix.checks)
    assert f"put-bucket-policy --bucket {BUCKET}" in fix
    assert "aws:PrincipalServiceName" in fix


def test_many_dates_end_in_seconds() -> None:
    dates = [f"20{year}-{month:02}-01" for year in range(30, 99) for month in range(1, 13)]
    many = [denied({"DateEquals": {"aws:CurrentTime": dates}}, Sid=f"S{n}") for n in range(20)]
    found = result(healthy.but(bucket_policy=policy(GRANT, *many)), ALLOWS)
    assert found.status in (Status.FAIL, Status.UNKNOWN)
    narrow = [f"{LOGS}/*a{n}*b*c*d*e*{n}*/2027/*" for n in range(300)]
    found = result(healthy.but(bucket_policy=policy(GRANT, denied(Resource=narrow))), ALLOWS)
    assert found.status is not Status.PASS
