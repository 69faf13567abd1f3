"""Why there is no digest: the table of what CloudTrail's status and recorded calls can say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from verify.integrity.timeline.gaps import gap_at_end, gap_before_restart, gaps_before_first
from verify.integrity.timeline.logging_history import LoggingHistory, NoStatus, Switch, Switching, TrailStatus
from verify.integrity.timeline.timeline import Period, Timeline, proven_duration, worst_of
from verify.integrity.timeline.verdict import JudgedPeriod, Verdict

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def hour(end: float) -> Period:
    return Period(at(end - 1), at(end))


LOGGING = TrailStatus(is_logging=True, latest_digest_delivery=at(10.3), started=at(0), stopped=None)
UNKNOWN = NoStatus("cloudtrail:GetTrailStatus is denied")


def stopped(when: float, delivered: float) -> TrailStatus:
    return TrailStatus(is_logging=False, latest_digest_delivery=at(delivered), started=at(0), stopped=at(when))


def silent(started: float | None = 0, stopped: float | None = None) -> TrailStatus:
    return TrailStatus(
        is_logging=stopped is None,
        latest_digest_delivery=None,
        started=None if started is None else at(started),
        stopped=None if stopped is None else at(stopped),
    )


@pytest.mark.parametrize(
    ("newest", "written", "status", "now", "verdict"),
    [
        (hour(10), 10.3, LOGGING, 10.5, Verdict.NOT_DUE),
        (hour(10), 10.3, LOGGING, 11.9, Verdict.NOT_DUE),
        (hour(9), 9.3, LOGGING, 10.5, Verdict.MISSING),
        (hour(4), 4.3, LOGGING, 10.5, Verdict.MISSING),
        (None, None, LOGGING, 10.5, Verdict.MISSING),
        # A digest that came very late is its own latest delivery.
        (hour(9), 10.3, LOGGING, 10.5, Verdict.NOT_DUE),
        (hour(10), 10.3, LOGGING, 20, Verdict.UNPROVEN),
        (hour(10), 10.3, UNKNOWN, 11, Verdict.NOT_DUE),
        (hour(10), 10.3, UNKNOWN, 13, Verdict.UNKNOWN),
        (None, None, UNKNOWN, 13, Verdict.UNKNOWN),
        (hour(10), 10.3, stopped(9.9, 10.3), 20, Verdict.NOT_LOGGED),
        (hour(9), 9.3, stopped(9.9, 9.3), 20, Verdict.MISSING),
        (None, None, silent(started=30), 40, Verdict.UNKNOWN),
        (None, None, silent(started=19), 20, Verdict.NOT_DUE),
        (None, None, silent(started=None), 20, Verdict.UNPROVEN),
        (None, None, silent(), 20, Verdict.UNPROVEN),
        # Switched off before anything was delivered in this region: no digest was taken away.
        (None, None, silent(started=18.5, stopped=18.6), 20, Verdict.NOT_DUE),
        (None, None, silent(started=17, stopped=17.1), 20, Verdict.UNPROVEN),
        (None, None, silent(started=0, stopped=19.9), 20, Verdict.UNPROVEN),
        (None, None, stopped(9.9, 9.3), 20, Verdict.MISSING),
    ],
)
def test_the_end_of_a_chain_is_told_from_a_chain_that_was_cut(
    newest: Period | None, written: float | None, status: TrailStatus | NoStatus, now: float, verdict: Verdict
) -> None:
    judged = gap_at_end(newest, None if written is None else at(written), Period(at(0), at(20)), status, at(now))

    assert judged
    assert (judged.verdict, judged.end) == (verdict, at(20))
    assert judged.start == (newest.end if newest else at(0))


def test_what_a_trail_recorded_shortly_before_it_was_switched_off_may_still_come() -> None:
    judged = gap_at_end(hour(10), at(10.3), Period(at(0), at(11)), stopped(9.9, 10.3), at(11))

    assert judged
    assert judged.verdict is Verdict.NOT_DUE
    assert "logging has been off since 2026-11-01T09:54:00Z" in judged.reason


def test_a_chain_that_reaches_beyond_the_period_has_no_end_to_explain() -> None:
    assert gap_at_end(hour(10), None, Period(at(0), at(10)), LOGGING, at(20)) is None


def calls(*known: tuple[float, Switch], complete_from: float | None = -1) -> LoggingHistory:
    found = tuple(Switching(at(when), switch, switch.value) for when, switch in known)
    return LoggingHistory(found, None if complete_from is None else at(complete_from), "the event history was not read")


ON, OFF, CREATED, DELETED = Switch.ON, Switch.OFF, Switch.CREATED, Switch.DELETED


@pytest.mark.parametrize(
    ("older", "history", "verdict"),
    [
        (hour(5), calls((4.5, OFF), (9, ON)), Verdict.NOT_LOGGED),
        (hour(5), calls((4.5, OFF), (9, ON), complete_from=None), Verdict.NOT_LOGGED),
        (hour(5), calls((4.5, OFF), (9.1, ON)), Verdict.NOT_LOGGED),
        # The last digest covers the call that stopped logging. This one is older: a later digest is gone.
        (hour(5), calls((5.5, OFF), (9, ON)), Verdict.MISSING),
        (hour(5), calls((9, ON)), Verdict.MISSING),
        (hour(5), calls(), Verdict.MISSING),
        (hour(5), calls((4.5, OFF)), Verdict.MISSING),
        # On again for two hours in between: a chain of its own is gone.
        (hour(5), calls((4.5, OFF), (5.5, ON), (7.5, OFF), (9, ON)), Verdict.MISSING),
        (hour(5), calls(complete_from=None), Verdict.UNKNOWN),
        (hour(5), calls(complete_from=7), Verdict.UNKNOWN),
        (None, calls((8, CREATED), (9, ON)), Verdict.NOT_LOGGED),
        (None, calls((9, ON)), Verdict.NOT_LOGGED),
        (None, calls((8, OFF), (9, ON)), Verdict.MISSING),
        (None, calls(), Verdict.MISSING),
        (None, calls((8, CREATED)), Verdict.MISSING),
        (None, calls(complete_from=None), Verdict.UNKNOWN),
        # Made, switched on and off within a second: a new trail was off before, whatever the order it is told in.
        *(
            (None, calls(*((9, switch) for switch in order)), Verdict.NOT_LOGGED)
            for order in permutations((CREATED, ON, OFF))
        ),
        # Which of two calls in one second came first is not recorded.
        (None, calls((9, ON), (9, OFF)), Verdict.UNKNOWN),
        (None, calls((9, OFF), (9, ON)), Verdict.UNKNOWN),
        (None, calls((9, OFF), (9, OFF)), Verdict.MISSING),
        # A trail that is made anew in the second in which it is deleted may have logged before.
        (None, calls((9, DELETED), (9, CREATED), (9, ON)), Verdict.UNKNOWN),
        (None, calls((9, CREATED), (9, ON), (9, DELETED)), Verdict.UNKNOWN),
        (None, calls((8, DELETED), (9, CREATED), (9, ON)), Verdict.MISSING),
        (hour(5), calls((4.5, DELETED), (9, CREATED), (9, ON)), Verdict.NOT_LOGGED),
    ],
)
def test_a_pause_is_told_from_digests_that_were_removed(
    older: Period | None, history: LoggingHistory, verdict: Verdict
) -> None:
    since = older.end if older else at(0)

    judged = gap_before_restart(older, hour(10), since, history)

    assert (judged.start, judged.end, judged.verdict) == (since, at(9), verdict)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (calls((8, CREATED), (9, ON)), [(0, 9, Verdict.NOT_LOGGED)]),
        (calls(), [(0, 9, Verdict.MISSING)]),
        (calls(complete_from=None), [(0, 9, Verdict.UNKNOWN)]),
        # Switched off and on again: only the time between lacks its digests.
        (
            calls((2, CREATED), (3, ON), (5, OFF), (9, ON)),
            [(0, 3, Verdict.NOT_LOGGED), (3, 5, Verdict.MISSING), (5, 9, Verdict.NOT_LOGGED)],
        ),
        (calls((5, OFF), (9, ON)), [(0, 5, Verdict.MISSING), (5, 9, Verdict.NOT_LOGGED)]),
        # Deleted and made anew, as after a stack was destroyed.
        (
            calls((2, CREATED), (3, ON), (5, OFF), (6, DELETED), (8, CREATED), (9, ON)),
            [(0, 3, Verdict.NOT_LOGGED), (3, 5, Verdict.MISSING), (5, 9, Verdict.NOT_LOGGED)],
        ),
        # The first digest comes hours after logging began: those before it are gone.
        (calls((2, CREATED), (3, ON)), [(0, 3, Verdict.NOT_LOGGED), (3, 9, Verdict.MISSING)]),
        # No recorded call switched logging on: nothing explains the digest.
        (calls((2, CREATED), (3, ON), (5, OFF)), [(0, 9, Verdict.MISSING)]),
    ],
)
def test_only_the_time_in_which_logging_was_on_lacks_its_digests(
    history: LoggingHistory, expected: list[tuple[float, float, Verdict]]
) -> None:
    periods = gaps_before_first(hour(10), at(0), history)

    assert [(judged.start, judged.end, judged.verdict) for judged in reversed(periods)] == [
        (at(start), at(end), verdict) for start, end, verdict in expected
    ]


def test_a_timeline_joins_what_says_the_same_and_shows_time_without_a_judgement_as_unproven() -> None:
    timeline = Timeline(Period(at(0.5), at(9)))
    for end in (10, 9, 8):
        timeline.add(JudgedPeriod(at(end - 1), at(end), Verdict.VALID))
    timeline.add(JudgedPeriod(at(5), at(6), Verdict.MISSING, "gone"))
    timeline.add(JudgedPeriod(at(0), at(5), Verdict.VALID))

    periods = timeline.periods()

    assert [(judged.start, judged.end, judged.verdict) for judged in periods] == [
        (at(0.5), at(5), Verdict.VALID),
        (at(5), at(6), Verdict.MISSING),
        (at(6), at(7), Verdict.UNPROVEN),
        (at(7), at(9), Verdict.VALID),
    ]
    assert proven_duration(periods) == timedelta(hours=6.5)
    assert worst_of(periods) is Verdict.MISSING
