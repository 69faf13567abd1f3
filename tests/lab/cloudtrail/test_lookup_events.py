"""LookupEvents as documented: filters, time range, pages, order, errors."""

from collections.abc import Callable
from typing import Any

import pytest

from lab.cloudtrail.event_history import EventHistory, shown_at
from lab.cloudtrail.lookup_events import LookupEventsError, lookup_events
from lab.records.record import RecordedCall
from lab.records.resources import Resource

ACCOUNT, REGION = "111122223333", "us-east-1"
NOON = 1_798_977_600  # 2027-01-03T12:00:00Z


def recorded(number: int = 0, *, region: str = REGION, is_data: bool = False, decoded: bool = True) -> RecordedCall:
    record = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "accessKeyId": f"AKIA{number}"},
        "eventTime": f"2027-01-03T12:{number // 60:02}:{number % 60:02}Z",
        "eventSource": "s3.amazonaws.com" if number % 2 else "iam.amazonaws.com",
        "eventName": f"Call{number}",
        "awsRegion": region,
        "eventID": f"id-{number}",
        "readOnly": number % 2 == 0,
        "managementEvent": not is_data,
        "recipientAccountId": ACCOUNT,
    }
    resources = (Resource("AWS::S3::Bucket", f"bucket-{number}"),)
    return RecordedCall(record, f"user-{number}", resources, is_decoded=decoded)


@pytest.fixture
def history() -> EventHistory:
    found = EventHistory()
    for number in range(120):
        found.add(recorded(number))
    return found


def names(answer: dict[str, Any]) -> list[str]:
    return [event["EventName"] for event in answer["Events"]]


def test_a_page_has_fifty_events_newest_first_unless_asked_otherwise(history: EventHistory) -> None:
    assert names(lookup_events(history, ACCOUNT, REGION, {})) == [f"Call{number}" for number in range(119, 69, -1)]
    assert names(lookup_events(history, ACCOUNT, REGION, {"MaxResults": 2})) == ["Call119", "Call118"]


def test_pages_follow_each_other_while_new_events_arrive(history: EventHistory) -> None:
    seen: list[str] = []
    request: dict[str, Any] = {"MaxResults": 50}
    while True:
        answer = lookup_events(history, ACCOUNT, REGION, request)
        seen += names(answer)
        if "NextToken" not in answer:
            break
        history.add(recorded(1000 + len(seen)))
        request["NextToken"] = answer["NextToken"]

    assert seen == [f"Call{number}" for number in range(119, -1, -1)]


def test_a_full_last_page_has_no_token(history: EventHistory) -> None:
    request = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "Call7"}], "MaxResults": 1}

    assert "NextToken" not in lookup_events(history, ACCOUNT, REGION, request)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("EventId", "id-7", ["Call7"]),
        ("EventName", "Call7", ["Call7"]),
        ("EventName", "call7", []),
        ("Username", "user-7", ["Call7"]),
        ("ResourceName", "bucket-7", ["Call7"]),
        ("AccessKeyId", "AKIA7", ["Call7"]),
    ],
)
def test_an_attribute_selects_events(history: EventHistory, key: str, value: str, expected: list[str]) -> None:
    request = {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}

    assert names(lookup_events(history, ACCOUNT, REGION, request)) == expected


@pytest.mark.parametrize(
    ("key", "value", "holds"),
    [
        ("ReadOnly", "true", lambda event: event["ReadOnly"] == "true"),
        ("ReadOnly", "false", lambda event: event["ReadOnly"] == "false"),
        ("EventSource", "s3.amazonaws.com", lambda event: event["EventSource"] == "s3.amazonaws.com"),
        ("ResourceType", "AWS::S3::Bucket", lambda event: event["Resources"][0]["ResourceType"] == "AWS::S3::Bucket"),
    ],
)
def test_an_attribute_selects_only_what_has_it(
    history: EventHistory, key: str, value: str, holds: Callable[[dict[str, Any]], bool]
) -> None:
    request = {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}

    events = lookup_events(history, ACCOUNT, REGION, request)["Events"]

    assert events
    assert all(holds(event) for event in events)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (NOON + 10, NOON + 12, ["Call12", "Call11", "Call10"]),
        (NOON + 118, None, ["Call119", "Call118"]),
        (None, NOON + 1, ["Call1", "Call0"]),
        (NOON + 5, NOON + 5, ["Call5"]),
        (NOON + 5.9, NOON + 5.9, ["Call5"]),
        (NOON + 1000, None, []),
    ],
)
def test_both_ends_of_a_time_range_are_inside(
    history: EventHistory, start: float | None, end: float | None, expected: list[str]
) -> None:
    times = {"StartTime": start, "EndTime": end}
    request = {name: value for name, value in times.items() if value is not None}

    assert names(lookup_events(history, ACCOUNT, REGION, request)) == expected


ONE = {"AttributeKey": "EventName", "AttributeValue": "x"}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"LookupAttributes": [ONE, ONE]}, "InvalidLookupAttributesException"),
        ({"LookupAttributes": [ONE | {"AttributeKey": "Colour"}]}, "InvalidLookupAttributesException"),
        ({"LookupAttributes": [ONE | {"AttributeValue": ""}]}, "InvalidLookupAttributesException"),
        ({"StartTime": 2, "EndTime": 1}, "InvalidTimeRangeException"),
        ({"StartTime": "yesterday"}, "InvalidTimeRangeException"),
        ({"StartTime": "nan"}, "InvalidTimeRangeException"),
        ({"MaxResults": 0}, "InvalidMaxResultsException"),
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"MaxResults": "many"}, "InvalidMaxResultsException"),
        ({"EventCategory": "data"}, "InvalidEventCategoryException"),
        ({"NextToken": "made up"}, "InvalidNextTokenException"),
        ({"NextToken": "AAAA"}, "InvalidNextTokenException"),
        ({"NextToken": "é"}, "InvalidNextTokenException"),
    ],
)
def test_a_request_that_breaks_a_rule_is_rejected_by_the_documented_name(
    history: EventHistory, request_: dict[str, Any], code: str
) -> None:
    with pytest.raises(LookupEventsError) as rejected:
        lookup_events(history, ACCOUNT, REGION, request_)

    assert rejected.value.code == code


@pytest.mark.parametrize("change", [{"LookupAttributes": [ONE]}, {"StartTime": 1}, {"EndTime": 9_999_999_999}])
def test_a_token_belongs_to_the_query_that_got_it(history: EventHistory, change: dict[str, Any]) -> None:
    token = lookup_events(history, ACCOUNT, REGION, {"MaxResults": 5})["NextToken"]

    assert lookup_events(history, ACCOUNT, REGION, {"NextToken": token, "MaxResults": 9})["Events"]
    for account, region, request in (
        (ACCOUNT, REGION, change),
        ("999999999999", REGION, {}),
        (ACCOUNT, "eu-west-1", {}),
    ):
        with pytest.raises(LookupEventsError, match="token"):
            lookup_events(history, account, region, request | {"NextToken": token})


def test_each_region_and_account_has_its_own_history(history: EventHistory) -> None:
    history.add(recorded(7, region="eu-west-1"))

    assert names(lookup_events(history, ACCOUNT, "eu-west-1", {})) == ["Call7"]
    assert lookup_events(history, "999999999999", REGION, {}) == {"Events": []}


def test_there_are_no_insights(history: EventHistory) -> None:
    assert lookup_events(history, ACCOUNT, REGION, {"EventCategory": "insight"}) == {"Events": []}


def test_data_events_are_not_part_of_the_history() -> None:
    history = EventHistory()
    history.add(recorded(1, is_data=True))

    assert lookup_events(history, ACCOUNT, REGION, {}) == {"Events": []}


def test_the_oldest_events_go_when_the_history_is_full_and_what_went_is_counted() -> None:
    history = EventHistory(max_events=3)
    for number in range(5):
        history.add(recorded(number, decoded=number != 4))

    assert names(lookup_events(history, ACCOUNT, REGION, {})) == ["Call4", "Call3", "Call2"]
    assert (history.counts().events, history.counts().dropped, history.counts().undecoded) == (3, 2, 1)


DAY = 24 * 3600


@pytest.mark.parametrize(
    ("after_seconds", "late_seconds", "is_shown"),
    [
        (0, 0, True),
        (899, 900, False),
        (900, 900, True),
        (90 * DAY, 0, True),
        (90 * DAY + 1, 0, False),
        (90 * DAY + 1, 900, False),
    ],
)
def test_an_event_shows_late_and_for_ninety_days(after_seconds: int, late_seconds: int, *, is_shown: bool) -> None:
    history = EventHistory(shown=lambda: shown_at(NOON + after_seconds, late_seconds))
    history.add(recorded(0))

    assert names(lookup_events(history, ACCOUNT, REGION, {})) == (["Call0"] if is_shown else [])
