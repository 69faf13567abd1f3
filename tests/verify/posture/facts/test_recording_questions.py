"""What CloudTrail answers about recording, and what that means to the account that asks."""

import dataclasses
import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.verify.posture.healthy import (
    ACCOUNT,
    BUCKET,
    KEY_ARN,
    NOTHING_DELIVERED,
    NOW,
    STATUS,
    TARGET,
    TRAIL,
    TRAIL_ARN,
    but,
    policy,
    result,
)
from tests.verify.posture.resource_policies.test_rewrite import BY_HAND
from tests.verify.posture.statements import deny
from tests.verify.simulation.stubbed import answers, offline
from verify.fact import Denied, Fact, Failed, Missing, Value
from verify.posture.check import needed_permissions
from verify.posture.facts.bucket import BucketQuestions
from verify.posture.facts.recording import RecordingQuestions
from verify.posture.facts.trail import Event, LogFile, OtherTrail, TrailFacts, TrailStatus
from verify.posture.model import Status
from verify.posture.policy_changes import with_policy_changes
from verify.posture.resource_policies.rewrite import corrected_key_policy
from verify.selectors import Selectors, parse_selectors
from verify.trail import trails_in

ALL = {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}
WRITES = {"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]}
LATE = Value(dataclasses.replace(STATUS, last_delivery=NOW - timedelta(hours=10)))


def ask_in(monkeypatch: pytest.MonkeyPatch, account: Fact[str] = Value(ACCOUNT)) -> RecordingQuestions:  # noqa: B008
    return RecordingQuestions(offline(monkeypatch), account)


def event(name: str, source: str, *, read: bool, hours: float = 3) -> dict[str, Any]:
    moment = NOW - timedelta(hours=hours)
    return {"EventName": name, "EventSource": source, "ReadOnly": str(read).lower(), "EventTime": moment}


def test_a_status_has_its_times_in_utc_and_what_is_not_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = ask_in(monkeypatch)
    local = datetime(2026, 11, 29, 9, 0).astimezone()
    with answers(questions.aws, "cloudtrail", "get_trail_status", {"IsLogging": True, "LatestDeliveryTime": local}):
        found = questions.status(TRAIL)
    assert found == Value(TrailStatus(True, None, None, last_delivery=local.astimezone(UTC)))  # noqa: FBT003


def test_selectors_that_are_not_in_the_answer_are_not_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = ask_in(monkeypatch)
    with answers(questions.aws, "cloudtrail", "get_event_selectors", {"TrailARN": TRAIL_ARN}):
        assert isinstance(questions.selectors(TRAIL), Failed)


@pytest.mark.parametrize(("error", "expected"), [("TrailNotFoundException", Missing), ("AccessDenied", Denied)])
def test_the_owner_is_told_that_a_trail_is_not_there(
    monkeypatch: pytest.MonkeyPatch, error: str, expected: type
) -> None:
    questions = ask_in(monkeypatch)
    with answers(questions.aws, "cloudtrail", "get_trail_status", error):
        assert isinstance(questions.status(TRAIL), expected)


@pytest.mark.parametrize("question", ["status", "selectors"])
def test_a_member_account_is_told_nothing_about_its_organizations_trail(
    monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    questions = ask_in(monkeypatch, Value("222222222222"))
    operation = {"status": "get_trail_status", "selectors": "get_event_selectors"}[question]
    with answers(questions.aws, "cloudtrail", operation, "TrailNotFoundException"):
        found = getattr(questions, question)(TRAIL)
    assert isinstance(found, Failed)
    assert f"the trail is of account {ACCOUNT}" in found.why


@pytest.mark.parametrize(
    ("selectors", "events", "expected"),
    [
        (ALL, [], None),
        (ALL, [event("RunInstances", "ec2.amazonaws.com", read=False)], "RunInstances"),
        (ALL, [event("DescribeKey", "kms.amazonaws.com", read=True)], "DescribeKey"),
        (WRITES, [event("DescribeKey", "kms.amazonaws.com", read=True)], None),
        (
            WRITES,
            [event("X", "kms.amazonaws.com", read=True), event("Y", "iam.amazonaws.com", read=False, hours=4)],
            "Y",
        ),
        ({"EventSelectors": []}, [event("RunInstances", "ec2.amazonaws.com", read=False)], None),
    ],
)
def test_an_event_that_the_trail_records_and_did_not_deliver_is_missed(
    monkeypatch: pytest.MonkeyPatch, selectors: dict[str, Any], events: list[dict[str, Any]], expected: str | None
) -> None:
    questions = ask_in(monkeypatch)
    stubber: Stubber = answers(questions.aws, "cloudtrail", "lookup_events", {"Events": events})
    with stubber:
        found = questions.missed_event(TRAIL, LATE, Value(parse_selectors(selectors)), NOW)
    assert isinstance(found, Value)
    assert (found.value and found.value.name) == expected
    assert found.value is None or isinstance(found.value, Event)


def test_a_first_page_without_an_event_of_the_trail_tells_nothing_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = ask_in(monkeypatch)
    page = {"Events": [event("DescribeKey", "kms.amazonaws.com", read=True)], "NextToken": "more"}
    with answers(questions.aws, "cloudtrail", "lookup_events", page):
        assert isinstance(questions.missed_event(TRAIL, LATE, Value(parse_selectors(WRITES)), NOW), Failed)


def put(parameters: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    record = json.dumps({"requestParameters": parameters, **more})
    return {"EventName": "PutBucketPolicy", "EventTime": NOW, "CloudTrailEvent": record}


KEY_ID = KEY_ARN.rpartition("/")[2]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], Value(None)),
        ([put({"bucketName": BUCKET})], Value(NOW)),
        ([put({"bucketName": f"{BUCKET}-x"})], Value(None)),
        ([put({"bucketName": f"x-{BUCKET}"}), put({"bucketName": BUCKET})], Value(NOW)),
        ([put({"bucketName": BUCKET}, errorCode="AccessDenied")], Value(None)),
        ([put(None)], Value(NOW)),  # about what, it does not say
        ([{"EventName": "PutBucketPolicy", "EventTime": NOW}], Failed),
        ([{"EventName": "PutBucketPolicy", "EventTime": NOW, "CloudTrailEvent": "{"}], Failed),
        ("AccessDeniedException", Denied("cloudtrail:LookupEvents")),
    ],
)
def test_a_change_of_the_bucket_policy_is_one_that_succeeded_on_this_bucket(
    monkeypatch: pytest.MonkeyPatch, events: Any, expected: Any
) -> None:
    questions = ask_in(monkeypatch)
    answer = events if isinstance(events, str) else {"Events": events}
    with answers(questions.aws, "cloudtrail", "lookup_events", answer):
        found = questions.last_change("PutBucketPolicy", "bucketName", BUCKET, region="us-east-1", since=NOW)
    assert found == expected or (expected is Failed and isinstance(found, Failed))


@pytest.mark.parametrize("name", [KEY_ID, KEY_ARN])
def test_a_change_of_the_key_policy_names_the_key_in_two_ways(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    questions = ask_in(monkeypatch)
    with answers(questions.aws, "cloudtrail", "lookup_events", {"Events": [put({"keyId": name})]}):
        found = questions.last_change("PutKeyPolicy", "keyId", KEY_ID, region="us-east-1", since=NOW)
    assert found == Value(NOW)


AGAIN = {"name": TRAIL.name, "enableLogFileValidation": True}
OFF = {**AGAIN, "enableLogFileValidation": False}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([put(AGAIN), put(OFF)], Value(NOW)),
        ([put({**AGAIN, "name": TRAIL.arn}), put(OFF)], Value(NOW)),
        ([put(AGAIN), put({**OFF, "name": TRAIL.arn})], Value(NOW)),
        ([put({"name": TRAIL.name}), put(OFF), put({**AGAIN, "name": "other"})], Value(None)),
        # It was on all the time: a call that turns it on again, such as a deployment's, makes no digest late.
        ([put(AGAIN), put(AGAIN), put({"name": TRAIL.name})], Value(None)),
        ([put(AGAIN), put({**OFF, "name": "other"}), put(OFF, errorCode="AccessDenied")], Value(None)),
        ([put(AGAIN, errorCode="AccessDenied")], Value(None)),
        ("AccessDeniedException", Denied("cloudtrail:LookupEvents")),
    ],
)
def test_validation_was_turned_on_by_a_call_that_says_so(
    monkeypatch: pytest.MonkeyPatch, events: Any, expected: Any
) -> None:
    questions = ask_in(monkeypatch)
    late = Value(dataclasses.replace(STATUS, last_digest=NOW - timedelta(hours=4)))
    with answers(
        questions.aws, "cloudtrail", "lookup_events", events if isinstance(events, str) else {"Events": events}
    ):
        assert questions.validation_turned_on(TRAIL, late, NOW) == expected


def test_whether_validation_was_off_before_the_event_history_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = ask_in(monkeypatch)
    for days, expected in ((80, None), (95, NOW)):
        late = Value(dataclasses.replace(STATUS, last_digest=NOW - timedelta(days=days)))
        with answers(questions.aws, "cloudtrail", "lookup_events", {"Events": [put(AGAIN)]}):
            assert questions.validation_turned_on(TRAIL, late, NOW) == Value(expected)


def test_whether_validation_was_turned_on_is_asked_where_a_digest_is_late_and_the_trail_ones_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    questions = ask_in(monkeypatch)  # a call would fail: nothing listens
    late = dataclasses.replace(STATUS, last_digest=NOW - timedelta(hours=4))
    for status in (STATUS, dataclasses.replace(late, is_logging=False), dataclasses.replace(late, last_digest=None)):
        assert isinstance(questions.validation_turned_on(TRAIL, Value(status), NOW), Missing)
    foreign = dataclasses.replace(TRAIL, arn=TRAIL.arn.replace("123456789012", "999999999999"))
    assert isinstance(questions.validation_turned_on(foreign, Value(late), NOW), Failed)


NOT_ASKED: dict[str, Any] = {"bucket_policy_change": Missing("not asked"), "key_policy_change": Missing("not asked")}
FOR_AWS = deny({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, Resource="*", Action="*")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (but(bucket_policy=policy(*BY_HAND, FOR_AWS)), Value(NOW)),
        (but(bucket_policy=policy(*BY_HAND, FOR_AWS), bucket_owner=Value(None)), Failed),
        (but(bucket_policy=policy(*BY_HAND, FOR_AWS), bucket_region=Failed("no")), Failed("no")),
        # A call would fail: nothing listens.
        (but(bucket_policy=policy(*BY_HAND)), Missing("not asked")),
        (but(bucket_policy=policy(*BY_HAND, FOR_AWS), status=NOTHING_DELIVERED), Missing("not asked")),
    ],
)
def test_the_history_is_asked_where_a_delivery_decides(
    monkeypatch: pytest.MonkeyPatch, facts: TrailFacts, expected: Any
) -> None:
    aws = offline(monkeypatch)
    asking = expected == Value(NOW)
    event = put({"bucketName": BUCKET})
    with answers(aws, "cloudtrail", "lookup_events", {"Events": [event]}) if asking else nullcontext():
        found = with_policy_changes(aws, dataclasses.replace(facts, **NOT_ASKED)).bucket_policy_change
    assert found == expected or (expected is Failed and isinstance(found, Failed))


@pytest.mark.parametrize("account", [ACCOUNT, "999999999999"])
def test_of_another_accounts_key_the_history_tells_nothing(monkeypatch: pytest.MonkeyPatch, account: str) -> None:
    aws, arn = offline(monkeypatch), KEY_ARN.replace(ACCOUNT, account)
    own = json.loads(corrected_key_policy(None, TRAIL_ARN))["Statement"]
    facts = but(key_policy=policy(*own, FOR_AWS), key_arn=Value(arn), trail_key_arn=Value(arn))
    with answers(aws, "cloudtrail", "lookup_events", {"Events": []}):
        found = with_policy_changes(aws, dataclasses.replace(facts, **NOT_ASKED)).key_policy_change
    assert found == Value(None) if account == ACCOUNT else isinstance(found, Failed)


@pytest.mark.parametrize(
    "status",
    [
        STATUS,
        dataclasses.replace(STATUS, last_delivery=None, logging_since=NOW),
        dataclasses.replace(STATUS, is_logging=False),
    ],
)
def test_nothing_can_be_missed_so_soon_and_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch, status: TrailStatus
) -> None:
    # A call would fail: nothing listens.
    assert ask_in(monkeypatch).missed_event(TRAIL, Value(status), Value(Selectors(())), NOW) == Value(None)


@pytest.mark.parametrize("left_out", [[], ["kms.amazonaws.com"]])
def test_other_trails_count_when_they_log(monkeypatch: pytest.MonkeyPatch, left_out: list[str]) -> None:
    questions = ask_in(monkeypatch)
    described = {"HomeRegion": "us-east-1", "S3BucketName": BUCKET}
    listed = [
        {**described, "Name": name, "TrailARN": TRAIL_ARN.replace(TRAIL.name, name)} for name in ("a", TRAIL.name)
    ]
    with answers(questions.aws, "cloudtrail", "describe_trails", {"trailList": listed}):
        target = dataclasses.replace(TARGET, trails=Value(trails_in(questions.aws, "us-east-1")))
    stubber = answers(questions.aws, "cloudtrail", "get_trail_status", {"IsLogging": True})
    selector = {**ALL["EventSelectors"][0], "ExcludeManagementEventSources": left_out}
    stubber.add_response("get_event_selectors", {"EventSelectors": [selector]})
    with stubber:
        other = OtherTrail("a", True, TRAIL_ARN.replace(TRAIL.name, "a"), BUCKET)  # noqa: FBT003
        assert questions.other_trails(target) == Value((other,))


@pytest.mark.parametrize(
    ("denied", "permission"),
    [("get_trail_status", "cloudtrail:GetTrailStatus"), ("get_event_selectors", "cloudtrail:GetEventSelectors")],
)
def test_another_trail_of_which_something_is_denied_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, denied: str, permission: str
) -> None:
    questions = ask_in(monkeypatch)
    another = dataclasses.replace(TRAIL, name="a", arn=TRAIL_ARN.replace(TRAIL.name, "a"))
    told: dict[str, dict[str, Any]] = {"get_trail_status": {"IsLogging": False}, "get_event_selectors": ALL}
    with Stubber(questions.aws.client("cloudtrail")) as stubber:
        for operation, answer in told.items():
            if operation == denied:
                stubber.add_client_error(operation, "AccessDeniedException")
            else:
                stubber.add_response(operation, answer)
        found = questions.other_trails(dataclasses.replace(TARGET, trails=Value((TRAIL, another))))
    assert found == Denied(permission)
    assert permission in needed_permissions()
    for check in ("trail_is_the_only_paid_copy", "other_trails_keep_strangers_out"):
        assert result(but(other_trails=found), check).status is Status.UNKNOWN


def test_the_newest_log_file_is_the_last_of_two_days(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = offline(monkeypatch)
    folder = f"AWSLogs/{ACCOUNT}/"
    stubber = answers(aws, "s3", "list_objects_v2", {"KeyCount": 1, "Contents": [{"Key": "k1", "LastModified": NOW}]})
    later = {"Key": "k2", "LastModified": NOW + timedelta(hours=1)}
    stubber.add_response("list_objects_v2", {"KeyCount": 1, "Contents": [later]})
    with stubber:
        found = BucketQuestions(aws, "us-east-1").newest_log_file(
            BUCKET, folder, TRAIL_ARN, NOW, NOW + timedelta(days=1)
        )
    assert found == Value(LogFile("k2", NOW + timedelta(hours=1)))
    with answers(aws, "s3", "list_objects_v2", {"KeyCount": 0}):
        # Nothing is named after a day to come, and nobody is asked for it.
        assert BucketQuestions(aws, "us-east-1").newest_log_file(BUCKET, folder, TRAIL_ARN, NOW, NOW) == Value(None)
