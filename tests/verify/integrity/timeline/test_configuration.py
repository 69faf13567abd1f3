"""How a trail was configured: what each kind of statement tells of the time before it, after it and in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from verify.integrity.timeline.configuration import (
    Configuration,
    DeliveryState,
    Known,
    Setting,
    Source,
    Today,
    TrailCall,
    call_in,
)

DAY = datetime(2026, 11, 1, tzinfo=UTC)
ACCOUNT, HOME, AWAY = "111122223333", "us-east-1", "eu-west-1"
ARN = f"arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/main"
SIGNED, UNSIGNED, OFF, UNKNOWN = DeliveryState.SIGNED, DeliveryState.UNSIGNED, DeliveryState.OFF, DeliveryState.UNKNOWN


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def event(name: str, hours: float, **parameters: Any) -> dict[str, Any]:
    return {
        "eventTime": f"{at(hours):%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": name,
        "awsRegion": HOME,
        "recipientAccountId": ACCOUNT,
        "userIdentity": {"arn": "arn:aws:iam::111122223333:user/admin"},
        "sourceIPAddress": "203.0.113.9",
        "requestParameters": {"name": "main"} | parameters,
    }


def call(name: str, hours: float, **parameters: Any) -> TrailCall:
    found = call_in(event(name, hours, **parameters), "main", ARN, Source.HISTORY, ACCOUNT, HOME)
    assert found
    return found


def create(hours: float, **parameters: Any) -> TrailCall:
    defaults = {"enableLogFileValidation": True, "isMultiRegionTrail": True, "isOrganizationTrail": False}
    return call("CreateTrail", hours, **(defaults | parameters))


def known(*calls: TrailCall, start: float = 0, end: float = 100, today: Today | None = None) -> Configuration:
    return Configuration(HOME, calls, Known(at(start), at(end), "it reaches no further"), today)


def told(
    configuration: Configuration, start: float, end: float, region: str = HOME, signed_at: float | None = None
) -> list[tuple[float, float, DeliveryState]]:
    moment = None if signed_at is None else at(signed_at)
    return [
        ((one.start - DAY) / timedelta(hours=1), (one.end - DAY) / timedelta(hours=1), one.delivery)
        for one in configuration.between(region, at(start), at(end), moment)
    ]


def test_the_whole_life_of_a_trail() -> None:
    life = known(
        create(10),
        call("StartLogging", 11),
        call("StopLogging", 20),
        call("StartLogging", 30),
        call("UpdateTrail", 40, enableLogFileValidation=False),
        call("UpdateTrail", 50, enableLogFileValidation=True),
        call("DeleteTrail", 60),
    )

    # The first two have one reason each, and both are off.
    assert told(life, 5, 70) == [
        (5, 10, OFF),
        (10, 11, OFF),
        (11, 20, SIGNED),
        (20, 30, OFF),
        (30, 40, SIGNED),
        (40, 50, UNSIGNED),
        (50, 60, SIGNED),
        (60, 70, OFF),
    ]


def test_start_logging_does_not_tell_that_logging_was_off_before() -> None:
    today = Today(at(100), {Setting.EXISTS: True, Setting.VALIDATION: True, Setting.ALL_REGIONS: True})

    assert told(known(call("StartLogging", 10), today=today), 5, 20) == [(5, 10, UNKNOWN), (10, 20, SIGNED)]


@pytest.mark.parametrize("name", ["StartLogging", "UpdateTrail"])
def test_a_call_that_changes_nothing_is_no_boundary(name: str) -> None:
    parameters = {"enableLogFileValidation": True} if name == "UpdateTrail" else {}
    life = known(create(0), call("StartLogging", 1), call(name, 10, **parameters))

    assert {delivery for _, _, delivery in told(life, 2, 20)} == {SIGNED}


def test_validation_that_is_switched_off_is_not_logging_that_is_off() -> None:
    life = known(create(0), call("StartLogging", 1), call("UpdateTrail", 5, enableLogFileValidation=False))

    assert told(life, 2, 10) == [(2, 5, SIGNED), (5, 10, UNSIGNED)]


def test_two_calls_tell_nothing_of_the_time_between_them_where_the_history_is_not_complete() -> None:
    """A chain that began and ended in between can have been removed whole."""
    calls = (call("StopLogging", 10), call("StartLogging", 20))

    assert told(Configuration(HOME, calls), 11, 19) == [(11, 19, UNKNOWN)]
    assert told(known(*calls, start=9, end=15), 11, 19) == [(11, 15, OFF), (15, 19, UNKNOWN)]
    assert told(known(*calls, start=9), 11, 19) == [(11, 19, OFF)]


def test_a_history_that_begins_after_the_stop_does_not_prove_that_it_lasted() -> None:
    assert told(known(call("StopLogging", 10), start=12), 13, 20) == [(13, 20, UNKNOWN)]


def test_a_trail_that_was_made_in_the_history_was_not_there_before() -> None:
    assert told(known(create(10)), 1, 9) == [(1, 9, OFF)]
    assert told(known(create(10), start=5), 1, 9) == [(1, 5, UNKNOWN), (5, 9, OFF)]


def test_a_trail_that_was_made_anew_was_one_before_it_was_deleted() -> None:
    life = known(call("DeleteTrail", 10), create(12), start=3)

    assert told(life, 5, 12) == [(5, 10, UNKNOWN), (10, 12, OFF)]


def test_calls_of_one_second_that_disagree_tell_nothing() -> None:
    life = known(create(0), call("StartLogging", 10), call("StopLogging", 10))

    (part,) = life.between(HOME, at(11), at(12))
    assert part.delivery is UNKNOWN
    assert "which came first in one second is not recorded" in part.why


def test_other_regions_are_off_while_the_trail_is_of_one_region() -> None:
    life = known(
        create(0, isMultiRegionTrail=False), call("StartLogging", 1), call("UpdateTrail", 5, isMultiRegionTrail=True)
    )

    assert told(life, 2, 10, AWAY) == [(2, 5, OFF), (5, 10, SIGNED)]
    assert {delivery for _, _, delivery in told(life, 2, 10)} == {SIGNED}
    assert life.was_ever(Setting.ALL_REGIONS, at(2), at(4)) is False
    assert life.was_ever(Setting.ALL_REGIONS, at(2), at(10)) is True
    assert Configuration(HOME).was_ever(Setting.ALL_REGIONS, at(2), at(4)) is None
    # Before there was a trail, nothing of it was on.
    assert known(create(3, isMultiRegionTrail=False)).was_ever(Setting.ORGANIZATION, at(1), at(5)) is False


def test_the_answer_of_a_call_tells_what_its_request_leaves_open() -> None:
    record = event("UpdateTrail", 5) | {
        "responseElements": {"isMultiRegionTrail": False, "logFileValidationEnabled": True}
    }
    found = call_in(record, "main", ARN, Source.HISTORY, ACCOUNT, HOME)

    assert found and dict(found.settings) == {
        Setting.EXISTS: True,
        Setting.ALL_REGIONS: False,
        Setting.VALIDATION: True,
    }


def test_the_status_tells_since_when_it_is_as_it_is() -> None:
    settings = {Setting.EXISTS: True, Setting.VALIDATION: True}
    off = known(end=99, today=Today(at(100), settings, stopped=at(50)))
    on = known(end=99, today=Today(at(100), settings, started=at(60), stopped=at(50)))

    assert told(off, 40, 99) == [(40, 50, UNKNOWN), (50, 99, OFF)]
    assert told(on, 40, 99) == [(40, 50, UNKNOWN), (50, 60, OFF), (60, 99, SIGNED)]


def test_the_last_minutes_are_not_in_the_history_yet() -> None:
    life = known(create(0), call("StartLogging", 1), end=10)

    assert told(life, 2, 11) == [(2, 10, SIGNED), (10, 11, UNKNOWN)]


def test_a_signed_digest_shows_that_logging_was_on_and_what_followed_must_be_known() -> None:
    calls = (call("StopLogging", 10), call("StartLogging", 20))

    assert told(known(*calls), 6, 25, signed_at=5) == [(6, 10, SIGNED), (10, 20, OFF), (20, 25, SIGNED)]
    assert told(known(*calls, end=8), 6, 25, signed_at=5) == [(6, 8, SIGNED), (8, 25, UNKNOWN)]


@pytest.mark.parametrize("setting", [Setting.EXISTS, Setting.ALL_REGIONS])
def test_what_is_off_today_may_have_been_turned_off_in_the_last_minutes(setting: Setting) -> None:
    """They are not in the history yet: so of a trail that is not there today, nothing tells that it was not there."""
    life = known(today=Today(at(100), {Setting.EXISTS: True, setting: False}, started=at(0)))

    assert told(life, 5, 10, region=AWAY) == [(5, 10, UNKNOWN)]


@pytest.mark.parametrize(
    "change",
    [
        {"errorCode": "AccessDenied"},
        {"eventSource": "s3.amazonaws.com"},
        {"awsRegion": AWAY},
        {"recipientAccountId": "444455556666"},
        {"requestParameters": {"name": "another"}},
        {"requestParameters": {"name": ARN.replace(HOME, AWAY)}},
        {"requestParameters": None},
        {"eventTime": "2026-11-01"},
        {"eventTime": "yesterday"},
        {"eventName": "GetTrailStatus"},
    ],
    ids=lambda change: next(iter(change.items()))[0],
)
def test_what_is_no_call_on_this_very_trail_tells_nothing(change: dict[str, Any]) -> None:
    """A trail of the same name may live in another region or account."""
    record = event("StopLogging", 5) | change

    assert call_in(record, "main", ARN, Source.HISTORY, ACCOUNT, HOME) is None


def test_a_full_name_tells_the_trail_wherever_it_was_called() -> None:
    record = event("StopLogging", 5) | {"requestParameters": {"name": ARN}}

    assert call_in(record, "main", ARN, Source.SIGNED, ACCOUNT, HOME) is not None


def test_what_is_so_today_does_not_tell_of_the_last_minutes_that_the_history_does_not_hold() -> None:
    there = known(call("StartLogging", 1), end=9, today=Today(at(10), {Setting.VALIDATION: True}))

    assert told(there, 5, 10) == [(5, 9, SIGNED), (9, 10, UNKNOWN)]


def test_a_last_digest_that_begins_after_the_stop_does_not_show_that_logging_was_on() -> None:
    life = known(create(0), call("StartLogging", 1), call("StopLogging", 5), call("StartLogging", 9))

    assert told(life, 5.02, 9, signed_at=5.01) == [(5.02, 9, OFF)]


def answered(name: str, hours: float, answer: dict[str, Any], **parameters: Any) -> TrailCall:
    found = call_in(
        event(name, hours, **parameters) | {"responseElements": answer}, "main", ARN, Source.HISTORY, ACCOUNT, HOME
    )
    assert found
    return found


def test_a_setting_that_only_the_answer_names_was_so_before_as_far_as_every_call_is_known() -> None:
    answer = {"isMultiRegionTrail": True, "logFileValidationEnabled": True}
    calls = call("StartLogging", 10), answered("UpdateTrail", 50, answer, kmsKeyId="another")

    assert {one[2] for one in told(known(*calls), 20, 60, region=AWAY)} == {SIGNED}
    assert {one[2] for one in told(known(*calls, start=15), 20, 60, region=AWAY)} == {UNKNOWN}
    assert told(known(*calls, end=45), 20, 50, region=AWAY) == [(20, 50, UNKNOWN)]


def test_a_setting_that_is_asked_for_may_have_been_another_before() -> None:
    update = answered("UpdateTrail", 50, {"isMultiRegionTrail": True}, isMultiRegionTrail=True)

    assert told(known(create(1, isMultiRegionTrail=False), call("StartLogging", 2), update), 20, 50, region=AWAY) == [
        (20, 50, OFF)
    ]
    assert told(known(call("StartLogging", 2), update), 20, 50, region=AWAY) == [(20, 50, UNKNOWN)]


def place(bucket: str, prefix: str = "") -> dict[str, Any]:
    return {"s3BucketName": bucket} | ({"s3KeyPrefix": prefix} if prefix else {})


def test_since_when_a_trail_delivered_to_known_places_only() -> None:
    looked_at = {("old", ""), ("new", "logs")}.__contains__
    made = answered("CreateTrail", 10, place("old"), **place("old"))
    moved = answered("UpdateTrail", 20, place("new", "logs"), **place("new", "logs"))
    elsewhere = answered("UpdateTrail", 15, place("strange"), **place("strange"))
    two_hours = timedelta(hours=2)

    assert known(made, moved).settled_since(two_hours, looked_at) == at(10)
    assert known(made, elsewhere, moved).settled_since(two_hours, looked_at) == at(22)
    # Where it delivered before the first call that moved it is not known.
    assert known(moved).settled_since(two_hours, looked_at) == at(22)
    assert known(answered("UpdateTrail", 5, place("old")), moved).settled_since(two_hours, looked_at) == at(0)
    assert Configuration(HOME, (made,)).settled_since(two_hours, looked_at) is None


def test_when_a_trail_left_a_place() -> None:
    moved = answered("UpdateTrail", 10, place("new"), **place("new"))
    back = answered("UpdateTrail", 20, place("old"), **place("old"))
    again = answered("UpdateTrail", 30, place("new"), **place("new"))
    calls = known(answered("UpdateTrail", 5, place("old")), moved, back, again)

    assert (calls.left(("old", "")), calls.left(("new", "")), calls.left(("strange", ""))) == (at(30), at(20), None)
    # Of the first move nobody tells what it left: that may be any place to which digests lead.
    assert (known(moved).left(("strange", "")), known(moved).left(("new", ""))) == (at(10), None)
    assert [calls.left_before(at(hours)) for hours in (15, 25, 35)] == [set(), set(), {("old", "")}]
    assert known(moved).left_before(at(15)) == set()
    # Where not every call is known, one may have brought it there again, and another one away.
    assert replace(calls, known=Known()).left(("old", "")) is None
    assert replace(calls, known=Known(at(35), at(100))).left(("old", "")) == at(35)


def test_when_a_trail_came_to_a_place() -> None:
    moved = answered("UpdateTrail", 10, place("new"), **place("new"))
    back = answered("UpdateTrail", 20, place("old"), **place("old"))
    again = answered("UpdateTrail", 30, place("new"), **place("new"))
    calls = known(answered("UpdateTrail", 5, place("old")), moved, back, again)

    # The first call that tells of the old place found the trail there.
    assert (calls.came(("new", "")), calls.came(("old", "")), calls.came(("strange", ""))) == (at(10), None, None)
    # Where calls tell that it was elsewhere by a moment, it came there for the first time after that.
    assert [calls.came(("new", ""), at(hours)) for hours in (5, 15, 25)] == [at(10), at(10), at(30)]
    assert [calls.came(("old", ""), at(hours)) for hours in (9, 15)] == [None, at(20)]
    lost = call("UpdateTrail", 22, s3KeyPrefix="logs")
    assert replace(calls, calls=(*calls.calls, lost)).came(("new", ""), at(25)) == at(22)
    assert (calls.place_is_untold_until(), known(moved, back).place_is_untold_until()) == (None, at(10))
    assert known(moved, answered("UpdateTrail", 10, place("new"))).came(("new", "")) is None
    # One that does not tell where it moved the trail may have moved it there.
    assert known(call("UpdateTrail", 7, s3KeyPrefix="logs"), moved).came(("new", "")) == at(7)


ONE_ACCOUNTS = Today(at(100), {Setting.ORGANIZATION: False})


@pytest.mark.parametrize(
    ("calls", "since"),
    [
        ((), 0),
        ((call("StopLogging", 10),), 0),
        # A call of the minutes that the history does not hold yet may follow another one of them.
        ((call("UpdateTrail", 100.1, isOrganizationTrail=False),), 0),
        ((call("UpdateTrail", 10, isOrganizationTrail=False),), None),
        ((create(10), call("StartLogging", 11)), None),
        ((create(10), call("DeleteTrail", 20)), None),
        ((call("DeleteTrail", 20),), 20),
    ],
)
def test_since_when_nothing_shows_that_the_trail_was_one_accounts(
    calls: tuple[TrailCall, ...], since: float | None
) -> None:
    found = known(*calls, today=ONE_ACCOUNTS).is_one_accounts_unshown_since()

    assert found == (None if since is None else at(since))


def test_of_a_trail_that_is_said_to_be_an_organizations_there_is_nothing_to_show() -> None:
    organizations = Today(at(100), {Setting.ORGANIZATION: True})

    assert known(today=organizations).is_one_accounts_unshown_since() is None
    assert Configuration(HOME, today=ONE_ACCOUNTS).is_one_accounts_unshown_since() is None


def test_what_a_call_of_the_last_minutes_tells_shows_nothing_of_before() -> None:
    """Nor does it where DescribeTrails says nothing."""
    anew = known(call("DeleteTrail", 40), create(99.9), end=99.75, today=Today(at(100), {}))

    assert anew.is_one_accounts_unshown_since() == at(40)


def test_without_its_history_a_stop_tells_nothing_and_what_is_young_is_as_young_as_before() -> None:
    doubted = known(call("StopLogging", 10), today=ONE_ACCOUNTS).without_history("who knows")

    assert told(doubted, 5, 100) == [(5, 100, UNKNOWN)]
    assert doubted.between(HOME, at(5), at(100))[0].why == "who knows"
    assert (doubted.is_beyond_history(at(99)), doubted.is_beyond_history(at(100))) == (False, True)
