from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from threading import Event as Flag
from threading import enumerate as enumerate_threads
from typing import Any

import pytest

from tests.verify.simulation.aws_double import AwsDouble, record
from verify.aws import Aws
from verify.errors import AccessDenied
from verify.events.history import History
from verify.events.query import Query
from verify.events.search import Search

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def ago(seconds: float, name: str = "ListBuckets", **changes: Any) -> dict[str, Any]:
    return record(name, AT - timedelta(seconds=seconds), **changes)


def history(aws: AwsDouble) -> History:
    return History(Aws(endpoint_url=aws.url), Flag())


@pytest.mark.regular
def test_pages_are_read_at_most_twice_a_second_and_only_as_far_as_needed(aws: AwsDouble) -> None:
    aws.add("us-east-1", *(ago(number) for number in range(230)))
    reader = history(aws)
    begun = time.monotonic()
    found = list(reader.search("us-east-1", Query(), 120))
    found_again = list(reader.search("us-east-1", Query(), 1))
    assert [event.time for event in found] == [AT - timedelta(seconds=number) for number in range(120)]
    assert [request["MaxResults"] for _, _, request in aws.lookups] == [50, 50, 50, 50]
    assert aws.lookups[-1][0] - begun > 1.5, "the pace holds from one search to the next"
    assert len(found_again) == 1


@pytest.mark.usefixtures("fast_rate")
def test_the_limit_counts_what_is_left_after_the_filters_that_aws_does_not_apply(aws: AwsDouble) -> None:
    aws.add("us-east-1", *(ago(number, readOnly=number % 60 != 59) for number in range(120)))
    query = Query({"EventName": "ListBuckets", "ReadOnly": "false"})
    found = list(history(aws).search("us-east-1", query, 2))
    assert [event.time for event in found] == [AT - timedelta(seconds=number) for number in (59, 119)]


@pytest.mark.usefixtures("fast_rate")
def test_regions_are_searched_at_once_and_merged_newest_first(aws: AwsDouble) -> None:
    regions = tuple(f"us-west-{number}" for number in range(1, 6))
    for offset, region in enumerate(regions):
        aws.add(region, *(ago(number * 5 + offset) for number in range(10)))
    together = Barrier(len(regions))
    aws.on_lookup = lambda: together.wait(60)
    reader = history(aws)
    found = list(Search(reader, regions, Query()))
    assert [event.time for event in found] == [AT - timedelta(seconds=number) for number in range(50)]
    assert {event.region for event in found} == set(regions)
    assert not together.broken, "all five requests were on their way at the same time"
    assert (reader.pages, reader.events) == (5, 50)


@pytest.mark.usefixtures("fast_rate")
def test_the_limit_holds_for_all_regions_together(aws: AwsDouble) -> None:
    aws.add("us-east-1", *(ago(number) for number in range(10)))
    aws.add("eu-west-1", *(ago(number + 100) for number in range(10)))
    found = list(Search(history(aws), ("eu-west-1", "us-east-1"), Query(), limit=12))
    assert [event.region for event in found] == ["us-east-1"] * 10 + ["eu-west-1"] * 2


@pytest.mark.usefixtures("fast_rate")
def test_a_region_that_is_denied_takes_nothing_from_the_others(aws: AwsDouble) -> None:
    aws.add("us-east-1", ago(1))
    aws.denied_regions = {"eu-west-1"}
    search = Search(history(aws), ("eu-west-1", "us-east-1"), Query())
    assert [event.region for event in search] == ["us-east-1"]
    assert list(search.failures) == ["eu-west-1"]
    failure = search.failures["eu-west-1"]
    assert isinstance(failure, AccessDenied)
    assert failure.permission == "cloudtrail:LookupEvents"


@pytest.mark.usefixtures("fast_rate")
def test_a_fault_of_our_own_in_a_thread_is_raised_where_the_result_is_awaited(
    aws: AwsDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.add("us-east-1", ago(1))
    monkeypatch.setattr("verify.events.history.parse_event", lambda answer: answer["NoSuchKey"])
    with pytest.raises(KeyError, match="NoSuchKey"):
        list(Search(history(aws), ("us-east-1",), Query()))


@pytest.mark.usefixtures("fast_rate")
def test_an_event_without_a_time_comes_last_and_is_not_lost(aws: AwsDouble) -> None:
    aws.add("us-east-1", ago(1), ago(2))
    aws.add("eu-west-1", ago(3, eventID="timeless"))
    del aws.answers["eu-west-1"][0]["EventTime"]
    found = list(Search(history(aws), ("eu-west-1", "us-east-1"), Query()))
    assert [event.event_id for event in found][-1] == "timeless"
    assert len(found) == 3


def test_stopping_returns_what_was_found_without_waiting_for_answers(aws: AwsDouble) -> None:
    aws.add("us-east-1", *(ago(number) for number in range(500)))
    reader = history(aws)
    found = []
    begun = time.monotonic()
    for event in Search(reader, ("us-east-1",), Query()):
        found.append(event)
        if len(found) == 50:
            aws.hangs = True
            reader.stop.set()
    assert 50 <= len(found) <= 100
    assert time.monotonic() - begun < 30


def readers() -> set[Thread]:
    return {thread for thread in enumerate_threads() if thread.name.startswith("history ")}


@pytest.mark.usefixtures("fast_rate")
def test_a_search_that_is_abandoned_leaves_no_thread_behind(aws: AwsDouble) -> None:
    aws.add("us-east-1", *(ago(number) for number in range(1000)))
    aws.add("eu-west-1", ago(0))
    others = readers()
    events = iter(Search(history(aws), ("us-east-1", "eu-west-1"), Query()))
    next(events)
    assert readers() - others
    del events
    for thread in readers() - others:
        thread.join(timeout=60)
    assert readers() <= others
