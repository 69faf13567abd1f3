from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import pytest

from tests.verify.simulation.aws_double import lookup_answer, record
from verify.errors import UsageError
from verify.events.event import Event, parse_event
from verify.events.query import Query, source_name
from verify.times import TimeRange

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HAS = {
    "EventId": "e-1",
    "EventName": "ListBuckets",
    "Username": "learner",
    "EventSource": "s3.amazonaws.com",
    "AccessKeyId": "AKIAEXAMPLE",
    "ResourceName": "logs",
    "ResourceType": "AWS::S3::Bucket",
    "ReadOnly": "true",
}


def event(**changes: Any) -> Event:
    resources = [{"ResourceType": "AWS::KMS::Key", "ResourceName": "key"}]
    resources.append({"ResourceType": "AWS::S3::Bucket", "ResourceName": "logs"})
    answer = lookup_answer(record("ListBuckets", AT, eventID="e-1"))
    return parse_event(answer | {"EventTime": AT, "Resources": resources} | changes)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        (["EventName", "ReadOnly"], "EventName"),
        (["ReadOnly", "EventSource"], "EventSource"),
        (["EventSource", "Username", "EventName"], "EventName"),
        (["ResourceType", "ResourceName"], "ResourceName"),
        (["AccessKeyId", "Username"], "AccessKeyId"),
        (list(HAS), "EventId"),
    ],
)
def test_aws_gets_the_most_telling_filter_and_only_that(given: list[str], chosen: str) -> None:
    request = Query({key: HAS[key] for key in given}).request()
    assert request == {"LookupAttributes": [{"AttributeKey": chosen, "AttributeValue": HAS[chosen]}]}


def test_no_filter_asks_for_everything_in_the_range() -> None:
    assert Query().request() == {}
    assert Query(time_range=TimeRange(AT, AT)).request() == {"StartTime": AT, "EndTime": AT}


@pytest.mark.parametrize("pair", list(combinations(HAS, 2)))
def test_of_two_filters_the_one_that_aws_does_not_get_is_applied_here(pair: tuple[str, str]) -> None:
    query = Query({key: HAS[key] for key in pair})
    assert query.accepts(event())
    asked = query.request()["LookupAttributes"][0]["AttributeKey"]
    left = next(key for key in pair if key != asked)
    other = "false" if left == "ReadOnly" else "another"
    assert not Query({asked: HAS[asked], left: other}).accepts(event())


def test_an_event_that_does_not_say_whether_it_only_reads_matches_neither() -> None:
    unclear = event(ReadOnly=None)
    assert not Query({"EventId": "e-1", "ReadOnly": "true"}).accepts(unclear)
    assert not Query({"EventId": "e-1", "ReadOnly": "false"}).accepts(unclear)


@pytest.mark.parametrize("value", ["", "x" * 2001])
def test_a_value_that_aws_would_refuse_is_refused_before_asking(value: str) -> None:
    with pytest.raises(UsageError, match="Allowed: 1 to 2000"):
        Query({"Username": value})


@pytest.mark.parametrize(
    ("text", "source"), [("s3", "s3.amazonaws.com"), ("s3.amazonaws.com", "s3.amazonaws.com"), ("", "")]
)
def test_a_source_may_be_short(text: str, source: str) -> None:
    assert source_name(text) == source
