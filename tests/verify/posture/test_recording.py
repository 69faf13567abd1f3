"""Is it recording? By selectors, errors, times and the newest file; and why a delivery fails."""

import dataclasses
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.verify.posture.healthy import (
    BUCKET,
    KEY_ARN,
    NOW,
    OTHER_KEY_ARN,
    STATUS,
    TARGET,
    TRAIL,
    but,
    but_trail,
    policy,
    report,
    result,
)
from tests.verify.posture.resource_policies.test_rewrite import BY_HAND, SHUT_OUT
from tests.verify.posture.statements import deny
from verify.fact import Denied, Fact, Failed, Missing, Value
from verify.posture.facts.trail import Event, Key, TrailFacts
from verify.posture.model import Status
from verify.posture.resource_policies.rewrite import corrected_key_policy

DELIVERS = "trail_delivers_without_error"
BUCKET_POLICY = "bucket_policy_lets_cloudtrail_in"
HOUR = timedelta(hours=1)
QUIET: Fact[Event | None] = Value(None)
BUSY: Fact[Event | None] = Value(Event("RunInstances", "ec2.amazonaws.com", NOW - 3 * HOUR))
NOT_READ: Fact[Event | None] = Denied("cloudtrail:LookupEvents")


def status(missed: Fact[Event | None] = QUIET, validates: bool = True, **changes: Any) -> TrailFacts:  # noqa: FBT001, FBT002
    trail = dataclasses.replace(TRAIL, validates_log_files=validates)
    return but(
        target=dataclasses.replace(TARGET, trail=Value(trail)),
        status=Value(dataclasses.replace(STATUS, **changes)),
        missed_event=missed,
    )


def turned_on(answer: Fact[datetime | None], **changes: Any) -> TrailFacts:
    return dataclasses.replace(status(**changes), validation_turned_on=answer)


def ago(**duration: float) -> Any:
    return NOW - timedelta(**duration)


TIMES: list[tuple[str, TrailFacts, Status, str]] = [
    ("a recent log file", status(), Status.PASS, "5 minutes ago"),
    ("nothing for days, and something happened", status(BUSY, last_delivery=ago(days=3)), Status.FAIL, "RunInstances"),
    ("nothing for days, and nothing happened", status(QUIET, last_delivery=ago(days=3)), Status.PASS, "3 days ago"),
    ("nothing for days, history denied", status(NOT_READ, last_delivery=ago(days=3)), Status.UNKNOWN, "LookupEvents"),
    ("nothing for an hour", status(NOT_READ, last_delivery=ago(hours=1.5)), Status.PASS, "90 minutes ago"),
    (
        "never, and something happened",
        status(BUSY, last_delivery=None, last_digest=ago(hours=1)),
        Status.FAIL,
        "no log file came since logging began 30 days ago",
    ),
    ("never, history denied", status(NOT_READ, last_delivery=None), Status.UNKNOWN, "LookupEvents"),
    (
        "never, and nothing happened, but digests come",
        status(last_delivery=None),
        Status.PASS,
        "nothing else to deliver",
    ),
    (
        "never, and nothing shows that anything comes",
        status(last_delivery=None, last_digest=None, validates=False, logging_since=ago(days=2)),
        Status.UNKNOWN,
        "nothing was ever delivered",
    ),
    (
        "made minutes ago",
        status(NOT_READ, last_delivery=None, last_digest=None, logging_since=ago(minutes=4)),
        Status.UNKNOWN,
        "nothing came yet: check again, at 09:56 UTC at the latest",
    ),
    (
        "made an hour ago, and before the first digest",
        status(last_digest=None, logging_since=ago(hours=1)),
        Status.PASS,
        "no digest is due yet",
    ),
    (
        "started again minutes ago",
        status(NOT_READ, last_delivery=ago(days=9), last_digest=ago(days=9), logging_since=ago(minutes=4)),
        Status.UNKNOWN,
        "the last log file came 9 days ago, at",
    ),
    (
        "started again hours ago, and nothing happened, but digests come",
        status(last_delivery=ago(days=9), last_digest=ago(hours=1), logging_since=ago(hours=5)),
        Status.PASS,
        "digests come",
    ),
    (
        "started again hours ago, and nothing shows that anything comes",
        status(last_delivery=ago(days=9), last_digest=None, validates=False, logging_since=ago(hours=5)),
        Status.UNKNOWN,
        "9 days ago",
    ),
    ("digests stopped", status(last_digest=ago(hours=5)), Status.FAIL, "one is due every hour"),
    (
        "digests stopped, and validation was turned on again",
        turned_on(Value(ago(minutes=20)), last_digest=ago(hours=30)),
        Status.UNKNOWN,
        # It is 08:00.
        "log file validation was turned on 20 minutes ago, at 2026-11-29 07:40 UTC: check again, at 10:40 UTC at",
    ),
    (
        "digests stopped, and validation was not turned on",
        turned_on(Value(None), last_digest=ago(hours=30)),
        Status.FAIL,
        "one is due every hour",
    ),
    (
        "digests stopped, history denied",
        turned_on(Denied("cloudtrail:LookupEvents"), last_digest=ago(hours=30)),
        Status.UNKNOWN,
        "LookupEvents is denied",
    ),
    ("digests without validation", status(last_digest=ago(hours=5), validates=False), Status.PASS, "5 minutes"),
    ("no digest ever", status(last_digest=None), Status.UNKNOWN, "no digest was ever delivered"),
    (
        "no digest since it was started again",
        status(last_digest=ago(days=40)),
        Status.FAIL,
        "no digest came since logging began",
    ),
    (
        "no digest since it was started again, and validation was turned on later",
        turned_on(Value(ago(hours=2)), last_digest=ago(days=40)),
        Status.UNKNOWN,
        "check again, at 09:00 UTC",
    ),
    ("a delivery to come", status(last_delivery=ago(days=-9)), Status.UNKNOWN, "yet to come"),
    ("a digest to come", status(last_digest=ago(days=-9)), Status.UNKNOWN, "yet to come"),
    ("stopped", status(is_logging=False, last_delivery=ago(days=9)), Status.NOT_APPLICABLE, "stopped"),
    ("stopped with an error", status(is_logging=False, delivery_error="AccessDenied"), Status.FAIL, "AccessDenied"),
    ("without any time", status(last_delivery=None, logging_since=None), Status.UNKNOWN, "neither"),
]


@pytest.mark.parametrize(("facts", "expected", "words"), [case[1:] for case in TIMES], ids=[case[0] for case in TIMES])
def test_deliveries_are_judged_by_their_times(facts: TrailFacts, expected: Status, words: str) -> None:
    found = result(facts, DELIVERS)
    assert (found.status, words in found.actual) == (expected, True), found.actual


def test_a_delivery_of_which_the_bucket_has_nothing_is_no_delivery() -> None:
    found = result(dataclasses.replace(status(), newest_log_file=Value(None)), DELIVERS)
    assert found.status is Status.FAIL
    assert "deleted" in found.cause
    # Nor is it one where of something else nobody knows whether it is late.
    for unsure in (
        turned_on(Value(ago(minutes=20)), last_digest=ago(hours=30)),
        turned_on(Denied("cloudtrail:LookupEvents"), last_digest=ago(hours=30)),
        status(last_digest=None),
        status(NOT_READ, last_delivery=ago(hours=9)),
    ):
        found = result(dataclasses.replace(unsure, newest_log_file=Value(None)), DELIVERS)
        assert (found.status, "deleted" in found.cause) == (Status.FAIL, True)
    # It is no delivery yet.
    to_come = dataclasses.replace(status(last_delivery=ago(days=-9)), newest_log_file=Value(None))
    assert result(to_come, DELIVERS).status is Status.UNKNOWN
    for unread in (Denied("s3:ListBucket"), Failed("throttled"), Missing("not asked")):
        assert result(dataclasses.replace(status(), newest_log_file=unread), DELIVERS).status is Status.PASS


FAILING = Value(dataclasses.replace(STATUS, delivery_error="AccessDenied"))
DISABLED = Value(Key(KEY_ARN, is_customer_managed=True, state="Disabled"))
FOREIGN_KEY = KEY_ARN.replace("123456789012", "999999999999")
CAUSES: dict[str, tuple[TrailFacts, str]] = {
    "Requester Pays": (but(payer=Value("Requester")), "Requester Pays"),
    "no bucket": (but(bucket=Missing(f"there is no bucket {BUCKET}")), "there is no bucket"),
    "another account's bucket": (but(bucket=Denied("s3:ListBucket")), "may be of another account"),
    "no bucket policy": (but(bucket_policy=Missing("has no policy")), "has no policy"),
    "another bucket": (but_trail(bucket="attacker"), "delivers to attacker"),
    "a disabled key": (but(key=DISABLED), "the key is Disabled"),
    "another account's key": (but(trail_key_arn=Value(FOREIGN_KEY)), "is of another account"),
    "another key": (but(trail_key_arn=Value(OTHER_KEY_ARN)), "whose policy was not looked at"),
    "a key without a grant": (but(key_policy=policy()), "allowed by no statement"),
    **{
        f"shut out {name}": (
            but(bucket_policy=policy(*BY_HAND, deny(condition, Action="s3:PutObject", Sid="X"))),
            "denied by statement X",
        )
        for name, condition in SHUT_OUT.items()
    },
    "a header": (
        but(
            bucket_policy=policy(
                *BY_HAND, deny({"Null": {"s3:x-amz-server-side-encryption": "true"}}, Action="s3:PutObject", Sid="X")
            )
        ),
        "statement X",
    ),
}


@pytest.mark.parametrize(("facts", "words"), CAUSES.values(), ids=CAUSES)
def test_the_cause_of_a_failing_delivery_is_named(facts: TrailFacts, words: str) -> None:
    found = result(dataclasses.replace(facts, status=FAILING), DELIVERS)
    assert found.status is Status.FAIL
    assert words in found.cause


HEADER = deny({"Null": {"s3:x-amz-server-side-encryption": "true"}}, Action="s3:PutObject", Sid="Header")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"delivery_error": "AccessDenied"}, Status.FAIL),
        ({"last_delivery": ago(minutes=5)}, Status.PASS),
        ({"last_delivery": ago(hours=5)}, Status.UNKNOWN),
        ({"last_delivery": None}, Status.UNKNOWN),
    ],
)
def test_what_the_policy_leaves_open_is_decided_by_what_cloudtrail_reports(
    changes: dict[str, Any], expected: Status
) -> None:
    facts = but(bucket_policy=policy(*BY_HAND, HEADER), status=Value(dataclasses.replace(STATUS, **changes)))
    found = result(facts, BUCKET_POLICY)
    assert found.status is expected
    assert "statement Header" in found.actual
    if expected is Status.FAIL:
        assert "StringNotEqualsIfExists" in found.fix_cli


@pytest.mark.parametrize(
    ("group", "expected"), [(None, Status.PASS), ("arn:aws:logs:us-east-1:123456789012:log-group:x:*", Status.FAIL)]
)
def test_events_that_do_not_reach_the_trails_log_group_are_named(group: str | None, expected: Status) -> None:
    failing = Value(dataclasses.replace(STATUS, log_group_error="AccessDenied"))
    found = result(dataclasses.replace(but_trail(log_group=group), status=failing), DELIVERS)
    assert (found.status, "CloudWatch Logs" in found.actual) == (expected, group is not None)


# Conditions on what only AWS knows of CloudTrail's requests.
OF_AWS = [
    {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}},
    {"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}},
    {"StringEquals": {"s3:authType": "REST-HEADER"}},
    {"StringLike": {"aws:UserAgent": "*"}},
    {"Null": {"s3:x-amz-content-sha256": "false"}},
    {"StringEquals": {"aws:ResourceAccount": "123456789012"}},
]


@pytest.mark.parametrize(
    ("changed", "expected", "words"),
    [
        (Value(None), Status.PASS, "no change of the policy since"),
        (Value(ago(minutes=2)), Status.UNKNOWN, "the policy was changed at 07:58:00 UTC"),
        (Denied("cloudtrail:LookupEvents"), Status.UNKNOWN, "cloudtrail:LookupEvents is denied"),
        (Failed("throttled"), Status.UNKNOWN, "throttled"),
        (Missing("not asked"), Status.UNKNOWN, "not asked"),
    ],
)
@pytest.mark.parametrize("condition", OF_AWS, ids=str)
def test_a_delivery_decides_nothing_about_a_policy_that_is_or_may_be_a_later_one(
    condition: dict[str, Any], changed: Fact[Any], expected: Status, words: str
) -> None:
    bucket = policy(*BY_HAND, deny(condition, Action="s3:PutObject", Sid="OfAws"))
    found = result(but(bucket_policy=bucket, bucket_policy_change=changed), BUCKET_POLICY)
    assert (found.status, words in found.actual) == (expected, True), found.actual
    own = json.loads(corrected_key_policy(None, TRAIL.arn))["Statement"]
    key = [*own, deny(condition, Action="kms:*", Resource="*", Sid="OfAws")]
    found = result(but(key_policy=policy(*key), key_policy_change=changed), "key_policy_lets_cloudtrail_in")
    assert (found.status, words in found.actual) == (expected, True), found.actual


def test_a_header_that_the_first_write_lacks_is_named_when_the_trail_must_be_changed() -> None:
    facts = dataclasses.replace(but_trail(validates_log_files=False), bucket_policy=policy(*BY_HAND, HEADER))
    found = result(facts, BUCKET_POLICY)
    assert found.status is Status.FAIL
    assert "without an encryption header" in found.actual
    assert "Header" in found.actual


@pytest.mark.parametrize("fact", ["status", "selectors"])
@pytest.mark.parametrize("instead", [Denied("cloudtrail:X"), Failed("throttled")])
def test_a_trail_whose_recording_could_not_be_read_never_passes(fact: str, instead: Fact[Any]) -> None:
    assert report(but(**{fact: instead})).status is Status.UNKNOWN


def test_seen_from_a_member_account_nothing_is_said_to_be_missing_and_no_fix_is_for_the_wrong_account() -> None:
    member = dataclasses.replace(TARGET, account=Value("222222222222"))
    facts = but(target=dataclasses.replace(member, trail=Value(dataclasses.replace(TRAIL, is_multi_region=False))))
    found = result(facts, "trail_is_multi_region")
    assert found.fix_cli == (
        "# Decide first: with credentials of account 123456789012, whose trail it is: run verify check there"
    )
