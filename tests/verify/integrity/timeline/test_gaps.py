"""A time without a digest: only a proven stop makes it "not logged", and only a delivery makes it "missing"."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from tests.verify.integrity.timeline.test_configuration import DAY, HOME, at, call, create, known
from verify.integrity.timeline.configuration import Configuration, Setting, Today, TrailCall
from verify.integrity.timeline.gaps import GapContext, LatestDelivery, broken, linked, restart, tail
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import JudgedPeriod, Verdict

MISSING, NOT_LOGGED, UNPROVEN, NOT_DUE = Verdict.MISSING, Verdict.NOT_LOGGED, Verdict.UNPROVEN, Verdict.NOT_DUE
HERE = LatestDelivery(at(10.3), is_here=True)


def hour(end: float) -> Period:
    return Period(at(end - 1), at(end))


def setting(configuration: Configuration, now: float = 100, *, is_always_enabled: bool = True) -> GapContext:
    return GapContext(HOME, configuration, is_always_enabled, at(now))


def short(periods: tuple[JudgedPeriod, ...]) -> list[tuple[float, float, Verdict]]:
    """Oldest first."""

    def hours(moment: datetime) -> float:
        return round((moment - DAY) / timedelta(hours=1), 4)

    return [(hours(one.start), hours(one.end), one.verdict) for one in reversed(periods)]


def calls(*given: tuple[float, str]) -> tuple[TrailCall, ...]:
    return tuple(create(when) if name == "CreateTrail" else call(name, when) for when, name in given)


ON, OFF, CREATED, DELETED = "StartLogging", "StopLogging", "CreateTrail", "DeleteTrail"


@pytest.mark.parametrize(
    ("known_calls", "expected"),
    [
        ([(4.5, OFF), (9, ON)], [(5, 9, NOT_LOGGED)]),
        # The first digest of a chain begins up to a minute after the start.
        ([(5, OFF), (8.99, ON)], [(5, 9, NOT_LOGGED)]),
        # The trail's status tells of less than a second, which digests do not.
        ([(5 + 1 / 7200, OFF), (9, ON)], [(5, 9, NOT_LOGGED)]),
        # A digest that ends seconds before the stop is not the last one, which covers it.
        ([(5.01, OFF), (9, ON)], [(5, 5.01, UNPROVEN), (5.01, 5.26, UNPROVEN), (5.26, 9, NOT_LOGGED)]),
        # The last digest covers the call that stopped logging. This one is older: a later digest is gone.
        ([(5.5, OFF), (9, ON)], [(5, 5.5, MISSING), (5.5, 5.75, UNPROVEN), (5.75, 9, NOT_LOGGED)]),
        ([(9, ON)], [(5, 9, MISSING)]),
        ([], [(5, 9, MISSING)]),
        ([(4.5, OFF)], [(5, 9, NOT_LOGGED)]),
        # On again for two hours in between: a chain of its own is gone.
        (
            [(4.5, OFF), (5.5, ON), (7.5, OFF), (9, ON)],
            [(5, 5.5, NOT_LOGGED), (5.5, 7.5, MISSING), (7.5, 7.75, UNPROVEN), (7.75, 9, NOT_LOGGED)],
        ),
        # On for a minute in between: whether that makes a digest is documented nowhere.
        (
            [(4.5, OFF), (6, ON), (6.02, OFF), (9, ON)],
            [(5, 6, NOT_LOGGED), (6, 6.02, UNPROVEN), (6.02, 6.27, UNPROVEN), (6.27, 9, NOT_LOGGED)],
        ),
        ([(4.5, DELETED), (9, CREATED), (9, ON)], [(5, 9, NOT_LOGGED)]),
        # A call that changes nothing does not split the seconds before the first digest in two.
        ([(4.5, OFF), (8.99, ON), (8.995, ON)], [(5, 9, NOT_LOGGED)]),
    ],
)
def test_between_two_chains(known_calls: list[tuple[float, str]], expected: list[tuple[float, float, Verdict]]) -> None:
    history = known(*calls(*known_calls))

    assert short(restart(setting(history), hour(5), hour(10), at(5))) == expected


def test_where_the_history_is_not_complete_nothing_is_known_of_a_gap() -> None:
    for history in (known(*calls((4.5, OFF), (9, ON)), end=7), Configuration(HOME, calls((4.5, OFF), (9, ON)))):
        assert short(restart(setting(history), hour(5), hour(10), at(5)))[-1] == (
            7 if history.known.end else 5,
            9,
            UNPROVEN,
        )


def test_a_chain_that_starts_anew_in_a_region_that_can_be_left_is_no_sign_of_tampering() -> None:
    found = restart(setting(known(), is_always_enabled=False), hour(5), hour(10), at(5))

    assert short(found) == [(5, 9, UNPROVEN)]


@pytest.mark.parametrize(
    ("known_calls", "expected"),
    [
        ([(8, CREATED), (9, ON)], [(1, 8, NOT_LOGGED), (8, 9, NOT_LOGGED)]),
        # A call that may have changed nothing does not tell what was before it.
        ([(9, ON)], [(1, 9, UNPROVEN)]),
        ([], [(1, 9, UNPROVEN)]),
        ([(8, OFF), (9, ON)], [(1, 8, UNPROVEN), (8, 8.25, UNPROVEN), (8.25, 9, NOT_LOGGED)]),
        (
            [(2, CREATED), (3, ON), (5, OFF), (9, ON)],
            [(1, 2, NOT_LOGGED), (2, 3, NOT_LOGGED), (3, 5, MISSING), (5, 5.25, UNPROVEN), (5.25, 9, NOT_LOGGED)],
        ),
        # The first digest comes hours after logging began: those before it are gone.
        ([(2, CREATED), (3, ON)], [(1, 2, NOT_LOGGED), (2, 3, NOT_LOGGED), (3, 9, MISSING)]),
        # A trail of that name was deleted and made anew: of the first one nothing is known.
        (
            [(4, DELETED), (8, CREATED), (9, ON)],
            [(1, 4, UNPROVEN), (4, 4.25, UNPROVEN), (4.25, 8, NOT_LOGGED), (8, 9, NOT_LOGGED)],
        ),
    ],
)
def test_before_the_first_chain(
    known_calls: list[tuple[float, str]], expected: list[tuple[float, float, Verdict]]
) -> None:
    history = known(*calls(*known_calls))

    assert short(restart(setting(history), None, hour(10), at(1))) == expected


def test_time_with_logging_on_and_validation_off_is_unproven() -> None:
    history = known(
        call("UpdateTrail", 4.5, enableLogFileValidation=False), call("UpdateTrail", 9, enableLogFileValidation=True)
    )

    (judged,) = restart(setting(history), hour(5), hour(10), at(5))
    assert (judged.verdict, "validation was off" in judged.reason) == (UNPROVEN, True)


def test_who_turned_logging_off_is_said() -> None:
    (judged,) = restart(setting(known(*calls((4.5, OFF), (9, ON)))), hour(5), hour(10), at(5))

    assert (judged.evidence.call, judged.evidence.caller) == (OFF, "arn:aws:iam::111122223333:user/admin")


def test_a_chain_that_goes_on_after_a_hole_signs_for_nothing_in_it() -> None:
    assert short(linked(setting(known()), hour(5), hour(10))) == [(5, 9, UNPROVEN)]


@pytest.mark.parametrize(
    ("cause", "verdict"),
    [(MISSING, MISSING), (Verdict.ALTERED, Verdict.ALTERED), (UNPROVEN, UNPROVEN), (Verdict.PROVEN, UNPROVEN)],
)
def test_a_broken_chain(cause: Verdict, verdict: Verdict) -> None:
    assert short(broken(setting(known()), at(5), at(9), cause)) == [(5, 9, verdict)]


def test_where_a_chain_is_broken_a_proven_pause_is_one_all_the_same() -> None:
    history = known(*calls((6, OFF), (8, ON)))

    expected = [(5, 6, UNPROVEN), (6, 6.25, UNPROVEN), (6.25, 8, NOT_LOGGED), (8, 9, UNPROVEN)]
    assert short(broken(setting(history), at(5), at(9), UNPROVEN)) == expected


Ended = list[tuple[float, float, Verdict]]
TODAY = {Setting.EXISTS: True, Setting.VALIDATION: True, Setting.ALL_REGIONS: True}
LOGGING = known(today=Today(at(100), TODAY, started=at(0)))


def ended(configuration: Configuration, latest: LatestDelivery, now: float, newest: float | None = 10) -> Ended:
    end = None if newest is None else at(newest)
    signed_at = None if newest is None else at(newest - 1)
    return short(tail(setting(configuration, now), end, signed_at, latest, Period(at(0), at(now))))


@pytest.mark.parametrize(
    ("latest", "now", "newest", "expected"),
    [
        (HERE, 10.5, 10, [(10, 10.5, NOT_DUE)]),
        (HERE, 11.9, 10, [(10, 11.9, NOT_DUE)]),
        # What is overdue is not "not yet due", and only what is younger still is.
        (HERE, 20, 10, [(10, 18, UNPROVEN), (18, 20, NOT_DUE)]),
        (replace(HERE, is_here=False), 10.5, 9, [(9, 10.5, MISSING)]),
        (replace(HERE, is_here=False), 10.5, None, [(0, 10.5, MISSING)]),
        # Written again since: it cannot be told.
        (replace(HERE, is_here=None), 10.5, 9, [(9, 10.5, UNPROVEN)]),
        (LatestDelivery(is_known=False, why_not="denied"), 11, 10, [(10, 11, NOT_DUE)]),
        (LatestDelivery(is_known=False, why_not="denied"), 13, 10, [(10, 11, UNPROVEN), (11, 13, NOT_DUE)]),
        (LatestDelivery(), 13, None, [(0, 11, UNPROVEN), (11, 13, NOT_DUE)]),
    ],
)
def test_the_end_of_a_chain_is_told_from_a_chain_that_was_cut(
    latest: LatestDelivery, now: float, newest: float | None, expected: list[tuple[float, float, Verdict]]
) -> None:
    assert ended(LOGGING, latest, now, newest) == expected


def test_after_a_stop_nothing_is_due() -> None:
    off = known(*calls((9.9, OFF)), today=Today(at(100), TODAY, stopped=at(9.9)))

    assert ended(off, HERE, 20) == [(10, 20, NOT_LOGGED)]


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (Today(at(20), TODAY, never_logged=True), NOT_DUE),
        (Today(at(20), TODAY | {Setting.VALIDATION: False}, never_logged=True), UNPROVEN),
        (Today(at(20), TODAY), UNPROVEN),
    ],
)
def test_what_ended_in_the_last_minutes_is_not_due_where_the_trail_never_logged_since(
    today: Today, expected: Verdict
) -> None:
    anew = known(*calls((9.9, DELETED), (15, CREATED)), end=19.75, today=today)

    said = ended(anew, LatestDelivery(), 20, None)

    assert said[-1] == (19.75, 20, expected)


def test_the_last_digest_before_a_stop_is_waited_for_and_then_unproven() -> None:
    off = known(*calls((10.5, OFF)), today=Today(at(100), TODAY, stopped=at(10.5)))

    # Files of before the stop may come for a while after it, and only the last digest would tell.
    assert ended(off, HERE, 11) == [(10, 10.75, NOT_DUE), (10.75, 11, NOT_LOGGED)]
    assert ended(off, HERE, 20) == [(10, 10.5, UNPROVEN), (10.5, 10.75, UNPROVEN), (10.75, 20, NOT_LOGGED)]


@pytest.mark.parametrize(
    ("latest", "given", "expected"),
    [
        (HERE, [(9.9, OFF), (10.5, ON)], NOT_DUE),
        (LatestDelivery(), [(9.9, OFF), (10.5, ON)], NOT_DUE),
        # The trail is gone, and nobody tells whether a digest of the later chain was delivered, and is gone, too.
        (LatestDelivery(is_known=False), [(9.9, OFF), (10.5, ON), (10.9, DELETED)], UNPROVEN),
        (LatestDelivery(is_known=False), [(9.9, OFF), (10.9, DELETED)], NOT_DUE),
        # So short a time of logging may have no digest of its own.
        (LatestDelivery(is_known=False), [(9.8, OFF), (9.9, ON), (9.95, OFF), (10.5, ON), (10.9, DELETED)], UNPROVEN),
        (LatestDelivery(is_known=False), [(9.8, OFF), (9.9, ON), (9.95, OFF), (10.9, DELETED)], NOT_DUE),
        (LatestDelivery(is_known=False), [(9.8, OFF), (9.9, ON), (10.5, OFF), (10.7, ON), (10.9, DELETED)], NOT_DUE),
    ],
)
def test_no_digest_is_waited_for_where_one_of_a_later_chain_may_have_come(
    latest: LatestDelivery, given: list[tuple[float, str]], expected: Verdict
) -> None:
    """A region's digests come in their order."""
    history = known(*calls((9.5, CREATED), (9.6, ON), *given))

    (said,) = tail(setting(history, 11), None, None, latest, Period(at(9.91), at(9.94)))

    assert said.verdict is expected


def test_a_chain_that_reaches_beyond_the_period_has_no_end_to_explain() -> None:
    assert tail(setting(LOGGING), at(10), at(9), HERE, Period(at(0), at(10))) == ()
