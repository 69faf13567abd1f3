"""A period of time, stretch by stretch, and what is proven about each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from verify.integrity.timeline.verdict import Span, Verdict, gravest

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` to ``end``, in UTC."""

    start: datetime
    end: datetime

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether some of the span from ``start`` to ``end`` lies in the period. An instant can, too."""
        return (start < self.end and end > self.start) or self.start <= start == end <= self.end


class Timeline:
    """Adds up spans that come from the newest to the oldest, cut to the period and joined where they say the same."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._spans: list[Span] = []

    def add(self, span: Span) -> None:
        """Add the next older span."""
        start, end = max(span.start, self._period.start), min(span.end, self._period.end)
        if self._spans:
            end = min(end, self._spans[-1].start)
        if start >= end:
            return
        span = replace(span, start=start, end=end)
        if self._spans:
            newer = self._spans[-1]
            if (newer.start, newer.verdict, newer.reason) == (span.end, span.verdict, span.reason):
                self._spans[-1] = replace(newer, start=start)
                return
        self._spans.append(span)

    def reaches(self, moment: datetime) -> bool:
        """Whether something has been added about the time from ``moment`` on."""
        return bool(self._spans) and self._spans[-1].start <= max(moment, self._period.start)

    def between(self, start: datetime, end: datetime) -> tuple[Span, ...]:
        """What has been added about the time from ``start`` to ``end``."""
        found = []
        for span in reversed(self._spans):
            if span.start > end:
                break
            if span.end >= start:
                found.append(span)
        return tuple(found)

    def spans(self) -> tuple[Span, ...]:
        """Everything from the period's start to its end, oldest first. What nobody added is unproven."""
        filled: list[Span] = []
        at = self._period.start
        for span in reversed(self._spans):
            if span.start > at:
                filled.append(Span(at, span.start, Verdict.UNPROVEN, "no digest covers it"))
            filled.append(span)
            at = span.end
        if at < self._period.end:
            filled.append(Span(at, self._period.end, Verdict.UNPROVEN, "no digest covers it"))
        return tuple(filled)


def cut(spans: tuple[Span, ...], period: Period) -> tuple[Span, ...]:
    """What they say of the period, oldest first as they are, joined where they say the same."""
    timeline = Timeline(period)
    for span in reversed(spans):
        timeline.add(span)
    return timeline.spans()


def proven_duration(spans: tuple[Span, ...]) -> timedelta:
    """How much of the time is proven."""
    return sum((span.end - span.start for span in spans if span.verdict is Verdict.VALID), timedelta())


def worst_of(spans: tuple[Span, ...]) -> Verdict:
    """The gravest verdict of any span."""
    return gravest(*(span.verdict for span in spans))
