"""A period of time, part by part, and what is proven about each.

:class:`Timeline` makes the verdict "proven", and :class:`Proof` is the one way into it: nothing but
:func:`prove`, which asks for the chain's judgement of a digest and for the verdict on each of its log files, and
:func:`prove_again`, which asks for an unchanged listing of what was proven before, can make one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from verify.integrity.timeline.verdict import Evidence, JudgedPeriod, Verdict, gravest, is_graver

_MAX_PROBLEMS = 2_000
_CHECKED = object()
NO_DIGEST_COVERS_IT = "no digest covers it"


class Period(Struct, frozen=True):
    """From ``start`` to ``end``, in UTC."""

    start: datetime
    end: datetime

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether some of the time from ``start`` to ``end`` lies in the period. An instant can, too."""
        return (start < self.end and end > self.start) or self.start <= start == end <= self.end


@dataclass(frozen=True, slots=True)
class Proof:
    """That all that CloudTrail delivered from ``start`` to ``end`` is there and unaltered. See :func:`prove`.

    :param reason: a clause; ``""`` for the ordinary way.
    """

    start: datetime
    end: datetime
    reason: str
    evidence: Evidence
    _made_by: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._made_by is not _CHECKED:
            raise TypeError("Only prove() and prove_again() make a proof: they check what it rests on.")


class ProvenDigest(Protocol):
    """What :class:`verify.integrity.digests.chain.JudgedDigest` says of a digest."""

    @property
    def verdict(self) -> Verdict:
        """The chain's judgement: signed, linked and where it belongs."""

    @property
    def covered(self) -> Period | None:
        """What it signs for, when it is proven."""

    @property
    def title(self) -> str:
        """As ``s3://bucket/key``."""


def prove(digest: ProvenDigest, logs: Iterable[Verdict]) -> Proof | None:
    """The proof that a digest and its log files amount to; ``None`` if anything about them is not proven.

    :param digest: as the chain judged it: by its signature, and by its link to its neighbours.
    :param logs: the verdict on each log file that it names: there, and with the hash that was signed.
    """
    covered = digest.covered
    if digest.verdict is not Verdict.PROVEN or covered is None:
        return None
    if any(verdict is not Verdict.PROVEN for verdict in logs):
        return None
    return Proof(covered.start, covered.end, "", Evidence(1, digest.title, digest.title), _CHECKED)


def prove_again(
    proven: Iterable[JudgedPeriod], remembered: Mapping[date, str], listed: Mapping[date, str | None]
) -> tuple[Proof | JudgedPeriod, ...] | None:
    """What an earlier run found, if it is still there as it was; ``None`` when anything was written, added or removed.

    :param proven: what the earlier run found.
    :param remembered: what the listing of each day looked like then.
    :param listed: what it looks like now; ``None`` for a store whose listing does not show that a file was rewritten.
    """
    if any(now is None or remembered.get(day) != now for day, now in listed.items()):
        return None
    how = "proven by an earlier run; its listing is the same"
    return tuple(
        Proof(judged.start, judged.end, how, judged.evidence, _CHECKED) if judged.verdict is Verdict.PROVEN else judged
        for judged in proven
    )


class Timeline:
    """Adds up what is known, from the newest to the oldest, cut to the period and joined where it says the same."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._periods: list[JudgedPeriod] = []
        self._problems: list[JudgedPeriod] = []
        self._early: list[JudgedPeriod] = []

    def prove(self, proof: Proof) -> None:
        """Add the next older period that is proven."""
        self._append(JudgedPeriod(proof.start, proof.end, Verdict.PROVEN, proof.reason, proof.evidence))

    def add(self, judged: JudgedPeriod) -> None:
        """Add the next older period of which anything but proof is there.

        :raises ValueError: it says "proven".
        """
        if judged.verdict is Verdict.PROVEN:
            raise ValueError("what is proven comes with its proof")
        self._append(judged)

    def add_problem(self, judged: JudgedPeriod) -> None:
        """Say that something was found at a time that makes it worse than what was added of it, or will be."""
        if judged.start < self._period.start and len(self._early) < _MAX_PROBLEMS:
            self._early.append(replace(judged, end=min(judged.end, self._period.start)))
        start, end = max(judged.start, self._period.start), min(judged.end, self._period.end)
        if start >= end:
            return
        if len(self._problems) >= _MAX_PROBLEMS:  # an attacker decides how many: the last one grows over all of them
            last = self._problems[-1]
            reason = "there are too many such files to tell their times apart"
            start, end = min(start, last.start), max(end, last.end)
            self._problems[-1] = JudgedPeriod(start, end, gravest(last.verdict, judged.verdict), reason)
            return
        self._problems.append(replace(judged, start=start, end=end))

    def _append(self, judged: JudgedPeriod) -> None:
        start, end = max(judged.start, self._period.start), min(judged.end, self._period.end)
        if self._periods:
            end = min(end, self._periods[-1].start)
        if start >= end:
            return
        _join(self._periods, replace(judged, start=start, end=end), is_older=True)

    def early(self) -> tuple[JudgedPeriod, ...]:
        """What was found to be wrong with the time before the period."""
        return tuple(self._early)

    def problems(self) -> tuple[JudgedPeriod, ...]:
        """Only what was found to be wrong, oldest first."""
        if not self._problems:
            return ()
        whole = JudgedPeriod(self._period.start, self._period.end, Verdict.NOT_LOGGED)
        return tuple(
            judged for judged in with_problems([whole], self._problems) if judged.verdict is not Verdict.NOT_LOGGED
        )

    def periods(self) -> tuple[JudgedPeriod, ...]:
        """Everything from the period's start to its end, oldest first. What nobody added is unproven."""
        unknown = JudgedPeriod(self._period.start, self._period.end, Verdict.UNPROVEN, NO_DIGEST_COVERS_IT)
        return with_problems(filled(reversed(self._periods), unknown), self._problems)


def filled(periods: Iterable[JudgedPeriod], rest: JudgedPeriod) -> tuple[JudgedPeriod, ...]:
    """The periods, oldest first, and what lies between them of all that ``rest`` spans as ``rest`` says."""
    found: list[JudgedPeriod] = []
    at = rest.start
    for judged in periods:
        if judged.start > at:
            found.append(replace(rest, start=at, end=judged.start))
        found.append(judged)
        at = judged.end
    if at < rest.end:
        found.append(replace(rest, start=at))
    return tuple(found)


def with_problems(periods: Iterable[JudgedPeriod], problems: Iterable[JudgedPeriod]) -> tuple[JudgedPeriod, ...]:
    """The periods, and where a problem is graver than what lies under it, the problem."""
    by_time = sorted(problems, key=lambda problem: problem.start)
    found: list[JudgedPeriod] = []
    first = 0
    for judged in periods:
        while first < len(by_time) and by_time[first].end <= judged.start:
            first += 1
        over = []
        for problem in by_time[first:]:
            if problem.start >= judged.end:
                break
            if problem.end > judged.start and is_graver(problem.verdict, judged.verdict):
                over.append(problem)
        for piece in _cut_by(judged, over):
            _join(found, piece, is_older=False)
    return tuple(found)


def _cut_by(judged: JudgedPeriod, problems: list[JudgedPeriod]) -> Iterable[JudgedPeriod]:
    """The period in pieces: each with its own verdict, or that of the gravest problem over it."""
    if not problems:
        yield judged
        return
    inside = (
        moment for problem in problems for moment in (problem.start, problem.end) if judged.start < moment < judged.end
    )
    edges = sorted({judged.start, judged.end, *inside})
    for start, end in pairwise(edges):
        worst = judged
        for problem in problems:
            if problem.start <= start and end <= problem.end and is_graver(problem.verdict, worst.verdict):
                worst = problem
        yield replace(worst, start=start, end=end)


def _join(periods: list[JudgedPeriod], judged: JudgedPeriod, *, is_older: bool) -> None:
    """Append a period, or widen the last one if it says the same."""
    if periods:
        last = periods[-1]
        older, newer = (judged, last) if is_older else (last, judged)
        if (older.end, older.verdict, older.reason) == (newer.start, newer.verdict, newer.reason) and (
            (one := older.evidence) == (two := newer.evidence) or (one.digests and two.digests)
        ):
            periods[-1] = replace(last, start=older.start, end=newer.end, evidence=_both(one, two))
            return
    periods.append(judged)


def _both(older: Evidence, newer: Evidence) -> Evidence:
    if older == newer:
        return older
    return replace(older, digests=older.digests + newer.digests, last=newer.last)


def cut(periods: Iterable[JudgedPeriod], period: Period) -> tuple[JudgedPeriod, ...]:
    """What they say of the period, oldest first as they are. Nothing is added."""
    found = (
        replace(judged, start=max(judged.start, period.start), end=min(judged.end, period.end)) for judged in periods
    )
    return tuple(judged for judged in found if judged.start < judged.end)


def outside(period: Period, covered: Iterable[Period]) -> tuple[Period, ...]:
    """The parts of a period that nothing covers, the oldest first."""
    found, at = [], period.start
    for one in sorted(covered, key=lambda one: one.start):
        if at < min(one.start, period.end):
            found.append(Period(at, min(one.start, period.end)))
        at = max(at, one.end)
    return (*found, Period(at, period.end)) if at < period.end else tuple(found)


def proven_duration(periods: Iterable[JudgedPeriod]) -> timedelta:
    """How much of the time is proven."""
    return sum((judged.end - judged.start for judged in periods if judged.verdict is Verdict.PROVEN), timedelta())
