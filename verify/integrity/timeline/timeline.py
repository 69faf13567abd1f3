"""A period of time in parts, and what is proven about each part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from verify.integrity.timeline.verdict import JudgedPeriod, Verdict, gravest

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` to ``end``, in UTC."""

    start: datetime
    end: datetime

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether some of the time from ``start`` to ``end`` lies in the period. An instant can, too."""
        return (start < self.end and end > self.start) or self.start <= start == end <= self.end


class Timeline:
    """Adds up periods that come from the newest to the oldest, cut to the period and joined where they say the same."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._periods: list[JudgedPeriod] = []

    def add(self, judged: JudgedPeriod) -> None:
        """Add the next older period."""
        start, end = max(judged.start, self._period.start), min(judged.end, self._period.end)
        if self._periods:
            end = min(end, self._periods[-1].start)
        if start >= end:
            return
        judged = replace(judged, start=start, end=end)
        if self._periods:
            newer = self._periods[-1]
            if (newer.start, newer.verdict, newer.reason) == (judged.end, judged.verdict, judged.reason):
                self._periods[-1] = replace(newer, start=start)
                return
        self._periods.append(judged)

    def reaches(self, moment: datetime) -> bool:
        """Whether something has been added about the time from ``moment`` on."""
        return bool(self._periods) and self._periods[-1].start <= max(moment, self._period.start)

    def between(self, start: datetime, end: datetime) -> tuple[JudgedPeriod, ...]:
        """What has been added about the time from ``start`` to ``end``."""
        found = []
        for judged in reversed(self._periods):
            if judged.start > end:
                break
            if judged.end >= start:
                found.append(judged)
        return tuple(found)

    def periods(self) -> tuple[JudgedPeriod, ...]:
        """Everything from the period's start to its end, oldest first. Time without a judgement is unproven."""
        filled: list[JudgedPeriod] = []
        at = self._period.start
        for judged in reversed(self._periods):
            if judged.start > at:
                filled.append(JudgedPeriod(at, judged.start, Verdict.UNPROVEN, "no digest covers it"))
            filled.append(judged)
            at = judged.end
        if at < self._period.end:
            filled.append(JudgedPeriod(at, self._period.end, Verdict.UNPROVEN, "no digest covers it"))
        return tuple(filled)


def cut(periods: tuple[JudgedPeriod, ...], period: Period) -> tuple[JudgedPeriod, ...]:
    """What they say of the period, oldest first as they are, joined where they say the same."""
    timeline = Timeline(period)
    for judged in reversed(periods):
        timeline.add(judged)
    return timeline.periods()


def proven_duration(periods: tuple[JudgedPeriod, ...]) -> timedelta:
    """How much of the time is proven."""
    return sum((judged.end - judged.start for judged in periods if judged.verdict is Verdict.VALID), timedelta())


def worst_of(periods: tuple[JudgedPeriod, ...]) -> Verdict:
    """The gravest verdict of any period."""
    return gravest(*(judged.verdict for judged in periods))
