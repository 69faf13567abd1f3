"""What lies before the first digest of a trail that was switched on and off before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from verify.integrity.timeline.gaps import HOUR, NEVER_OFF, TO_OFF, LoggingHistory, Switch, Switching, restart
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import Span, Verdict


def before_first(newer: Period, since: datetime, history: LoggingHistory) -> tuple[Span, ...]:
    """What lies before a starting digest that has none before it, the newest first.

    Only the time in which logging was on lacks its digests: not that before the trail was made, nor that of a pause.

    :param newer: what the starting digest covers.
    :param since: where the time in question starts.
    """
    whole = restart(None, newer, since, history)
    calls = history.between(since, newer.end)
    if whole.verdict is not Verdict.MISSING or not calls:
        return (whole,)
    spans = _stretches(calls, newer, since)
    return tuple(reversed(spans)) if spans else (whole,)


def _stretches(calls: tuple[Switching, ...], newer: Period, since: datetime) -> list[Span]:
    """The time up to the digest, in stretches of being on and off, oldest first; none when it ends in being off."""
    spans: list[Span] = []
    start, is_on = since, calls[0].switch in TO_OFF  # what comes first shows how things were before it
    for call in calls:
        at = min(call.at, newer.start)
        if is_on and call.switch is not Switch.ON:
            reason = f"logging was on until {call.call}, and the digests of that time are gone"
            spans.append(Span(start, at, Verdict.MISSING, reason))
        elif not is_on and call.switch is Switch.ON:
            spans.append(Span(start, at, Verdict.NOT_LOGGED, f"logging was off: {call.call}"))
        else:
            continue
        start, is_on = at, not is_on
    if not is_on:
        return []
    if newer.start - start > HOUR:
        spans.append(Span(start, newer.start, Verdict.MISSING, NEVER_OFF))
    elif spans:
        spans[-1] = replace(spans[-1], end=newer.start)
    return [span for span in spans if span.start < span.end]
