"""What is proven is a collection with one way in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from tests.verify.integrity.timeline.test_configuration import at
from verify.integrity.timeline.timeline import Period, Proof, Timeline, prove, prove_again, proven_duration
from verify.integrity.timeline.verdict import Evidence, JudgedPeriod, Verdict

PROVEN, ALTERED, UNPROVEN = Verdict.PROVEN, Verdict.ALTERED, Verdict.UNPROVEN


@dataclass(frozen=True)
class Judged:
    """A digest as the chain judged it."""

    verdict: Verdict
    covered: Period | None
    title: str = "s3://bucket/digest"


def proof(start: float, end: float, title: str = "s3://bucket/digest") -> Proof:
    found = prove(Judged(PROVEN, Period(at(start), at(end)), title), [PROVEN])
    assert found
    return found


def test_a_proof_cannot_be_made_by_hand() -> None:
    with pytest.raises(TypeError, match="Only prove"):
        Proof(at(0), at(1), "", Evidence(), object())


def test_nothing_is_proven_without_its_proof() -> None:
    with pytest.raises(ValueError, match="comes with its proof"):
        Timeline(Period(at(0), at(9))).add(JudgedPeriod(at(0), at(1), PROVEN))


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not PROVEN])
def test_a_digest_or_a_log_that_is_not_proven_makes_no_proof(verdict: Verdict) -> None:
    whole = Period(at(0), at(1))

    assert prove(Judged(verdict, whole), []) is None
    assert prove(Judged(PROVEN, whole), [PROVEN, verdict]) is None
    assert prove(Judged(PROVEN, None), []) is None
    assert prove(Judged(PROVEN, whole), []) is not None


DAY = date(2026, 11, 1)
EARLIER = (JudgedPeriod(at(0), at(9), PROVEN), JudgedPeriod(at(9), at(12), Verdict.NOT_LOGGED))


@pytest.mark.parametrize(
    ("remembered", "listed", "is_proven"),
    [
        ({DAY: "a"}, {DAY: "a"}, True),
        ({DAY: "a"}, {DAY: "b"}, False),
        ({}, {DAY: "a"}, False),
        # A store whose listing does not tell whether a file was written again: nothing is not the same as nothing.
        ({}, {DAY: None}, False),
        ({DAY: "a"}, {DAY: None}, False),
    ],
)
def test_what_an_earlier_run_proved_is_proven_while_its_listing_is_the_same(
    remembered: dict[date, str], listed: dict[date, str | None], *, is_proven: bool
) -> None:
    found = prove_again(EARLIER, remembered, listed)

    assert (found is not None) is is_proven
    if found is not None:
        assert isinstance(found[0], Proof) and isinstance(found[1], JudgedPeriod)


def test_a_timeline_joins_what_says_the_same_and_names_what_nobody_spoke_for() -> None:
    timeline = Timeline(Period(at(0.5), at(9)))
    for end in (10, 9, 8):
        timeline.prove(proof(end - 1, end, f"s3://bucket/{end}"))
    timeline.add(JudgedPeriod(at(5), at(6), Verdict.MISSING, "gone"))
    timeline.prove(proof(0, 5))

    periods = timeline.periods()

    assert [(judged.start, judged.end, judged.verdict) for judged in periods] == [
        (at(0.5), at(5), PROVEN),
        (at(5), at(6), Verdict.MISSING),
        (at(6), at(7), UNPROVEN),
        (at(7), at(9), PROVEN),
    ]
    assert periods[-1].evidence == Evidence(2, "s3://bucket/8", "s3://bucket/9")
    assert proven_duration(periods) == timedelta(hours=6.5)


def test_what_was_found_at_a_moment_makes_that_moment_worse_and_never_better() -> None:
    timeline = Timeline(Period(at(0), at(9)))
    timeline.add_problem(JudgedPeriod(at(3), at(4), Verdict.FOREIGN, "planted"))
    timeline.add_problem(JudgedPeriod(at(3.5), at(5), UNPROVEN, "nobody names it"))
    timeline.add_problem(JudgedPeriod(at(7), at(8), Verdict.NOT_DUE, "late"))
    timeline.add(JudgedPeriod(at(6), at(9), ALTERED, "altered"))
    timeline.prove(proof(0, 6))

    assert [(judged.start, judged.end, judged.verdict) for judged in timeline.periods()] == [
        (at(0), at(3), PROVEN),
        (at(3), at(4), Verdict.FOREIGN),
        (at(4), at(5), UNPROVEN),
        (at(5), at(6), PROVEN),
        (at(6), at(9), ALTERED),
    ]


def test_as_many_moments_as_an_attacker_likes_cost_no_more_memory_and_none_is_forgotten() -> None:
    timeline = Timeline(Period(at(0), at(24)))
    for number in range(20_000):
        start = at(number / 1000)
        timeline.add_problem(JudgedPeriod(start, start + timedelta(seconds=1), Verdict.FOREIGN, str(number)))
    timeline.prove(proof(0, 24))

    periods = timeline.periods()

    assert len(periods) < 5_000
    assert periods[-1].verdict is PROVEN and periods[-1].start >= at(19.999)
    assert {judged.verdict for judged in periods if judged.end > at(2.1) and judged.start < at(19.9)} == {
        Verdict.FOREIGN
    }
