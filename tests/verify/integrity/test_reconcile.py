"""What a log file is that no digest names: foreign only if no trail that delivers there can have delivered it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from tests.verify.integrity.timeline.test_configuration import at
from verify.integrity.digests.digest import Digest, LogReference
from verify.integrity.origin import TRAIL_BUCKET
from verify.integrity.reconcile import (
    Deliverer,
    Reconciliation,
    ReconciliationContext,
    SignedTimes,
    Unlisted,
    judge_unlisted,
)
from verify.integrity.result import Tally
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import Problem, Verdict
from verify.storage.objects import ListedObject, ObjectName

HOUR = timedelta(hours=1)
NAME = ObjectName("bucket", "key")
FULL = Tally(
    digests=Counter({Verdict.PROVEN: 1}),
    backfills=Counter({Verdict.MISSING: 2}),
    logs=Counter({Verdict.FOREIGN: 3}),
    log_bytes=4,
    problems=[Problem(Verdict.FOREIGN, "file", "no digest names it")],
    notes=[Problem(Verdict.PROVEN, "digest", "its successor has its signature")],
    omitted=5,
    not_due_from=at(6),
    doubles=7,
    unsigned=Counter({"main delivers to s3://bucket/": 8}),
)


def trail(*signed: tuple[float, float], off: tuple[float, float] | None = None, signs: bool = True) -> Deliverer:
    times = SignedTimes()
    for start, end in signed:
        times.add(at(start), at(end))

    def is_off(start: datetime, end: datetime) -> bool:
        return off is not None and at(off[0]) <= start and end <= at(off[1])

    return Deliverer("main", times, is_off, lambda _start, _end: signs)


def judged(
    *trails: Deliverer, start: float = 9, end: float = 9.25, now: float = 20, digest_verdict: Verdict | None = None
) -> Verdict:
    verdict, _ = judge_unlisted(Unlisted(NAME, Period(at(start), at(end)), digest_verdict), trails, at(now), 2 * HOUR)
    return verdict


@pytest.mark.parametrize(
    ("trails", "verdict"),
    [
        ([trail((0, 12))], Verdict.FOREIGN),
        # Signed for by several digests, or off in part of the time.
        ([trail((0, 9.1), (9.1, 12))], Verdict.FOREIGN),
        ([trail((0, 9.1), (9.2, 12), off=(9.1, 9.2))], Verdict.FOREIGN),
        # The digest that would name it is not there.
        ([trail((0, 9.1), (9.2, 12))], Verdict.UNPROVEN),
        ([trail((0, 8))], Verdict.UNPROVEN),
        # Another trail delivers there, and may have delivered it.
        ([trail((0, 12)), trail()], Verdict.UNPROVEN),
        ([trail((0, 12)), trail((0, 5), (10, 12))], Verdict.UNPROVEN),
        ([trail((0, 12)), trail((3, 12))], Verdict.FOREIGN),
        # Nothing shows that any trail delivers there.
        ([], Verdict.UNPROVEN),
    ],
)
def test_every_trail_that_delivers_there_has_to_deny_it(trails: list[Deliverer], verdict: Verdict) -> None:
    assert judged(*trails) is verdict


@pytest.mark.parametrize(
    ("now", "verdict"), [(9.3, Verdict.NOT_DUE), (10.9, Verdict.NOT_DUE), (11.2, Verdict.UNPROVEN)]
)
def test_the_next_digest_may_name_it_until_it_is_overdue(now: float, verdict: Verdict) -> None:
    assert judged(trail((0, 9.1)), now=now) is verdict


def test_the_next_digest_of_another_trail_may_name_it() -> None:
    assert judged(trail((0, 12)), trail((0, 9.1)), now=10) is Verdict.NOT_DUE


def test_it_waits_only_for_a_digest_that_there_is_a_ground_to_expect() -> None:
    assert judged(trail((0, 12)), trail(signs=False), now=10) is Verdict.UNPROVEN
    assert judged(trail((0, 9.1)), trail(signs=False), now=10) is Verdict.NOT_DUE


def test_a_file_that_was_written_late_waits_for_the_digest_of_that_time() -> None:
    """CloudTrail tries for thirty days to deliver a file, and lists it when it has. Anybody can keep a file young."""
    assert judged(trail((0, 12)), end=12.2, now=12.5) is Verdict.UNPROVEN
    assert judged(trail((0, 12)), start=11.9, end=12.2, now=12.5) is Verdict.NOT_DUE
    assert judged(trail((0, 13)), end=12.2, now=13.5) is Verdict.FOREIGN


def test_a_file_that_an_unproven_digest_names_is_unproven() -> None:
    assert judged(trail((0, 12)), digest_verdict=Verdict.ALTERED) is Verdict.UNPROVEN


def test_a_name_that_cloudtrail_does_not_give_is_foreign_whoever_delivers_there() -> None:
    assert judge_unlisted(Unlisted(NAME, None), [trail()], at(20), 2 * HOUR)[0] is Verdict.FOREIGN


def test_the_time_of_a_file_whose_name_tells_none_is_what_the_file_is() -> None:
    """An unproven digest names it: neither the file nor the day of its folder is foreign."""
    day = at(0)
    name = ObjectName("bucket", f"AWSLogs/111122223333/CloudTrail/us-east-1/{day:%Y/%m/%d}/another-name.json.gz")
    digest = Digest(
        "111122223333", ObjectName("bucket", "digest"), at(9), at(10), "", "", None, (LogReference(name, ""),)
    )
    context = ReconciliationContext(
        origin=TRAIL_BUCKET,
        now=at(20),
        on_progress=lambda *_done: None,
        on_unlisted=lambda _name: None,
        find_in_later_digests=lambda _unnamed: {},
        deliverers=lambda: [trail((0, 12))],
    )
    reconciliation = Reconciliation(Period(at(0), at(12)), context)

    reconciliation.add_unproven_names(digest, Verdict.UNPROVEN)
    reconciliation.end_day(day.date(), [ListedObject(name, 1, at(9.5), "")])
    periods = reconciliation.close()

    assert reconciliation.tally.logs == {Verdict.UNPROVEN: 1}
    assert {judged.verdict for judged in periods} == {Verdict.UNPROVEN}


def test_nothing_is_lost_when_two_tallies_are_put_together() -> None:
    assert all(getattr(FULL, name) for name in FULL.__struct_fields__)
    assert FULL.plus(Tally()) == FULL == Tally().plus(FULL)
