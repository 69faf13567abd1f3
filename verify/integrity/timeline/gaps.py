"""Why a period of time has no digest: logging was off, a digest is not due yet, or one was removed.

CloudTrail delivers a digest for every hour, one more after StopLogging that still covers that call, and starts a new
chain after StartLogging.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from verify.integrity.timeline.logging_history import TO_OFF, LoggingHistory, NoStatus, Switch, Switching, TrailStatus
from verify.integrity.timeline.timeline import HOUR, Period
from verify.integrity.timeline.verdict import JudgedPeriod, Verdict

# A digest is delivered within an hour of the hour that it covers.
DUE_AFTER = 2 * HOUR
NEVER_OFF = "logging was on, as no recorded call turned it off"


def gap_before_restart(older: Period | None, newer: Period, since: datetime, history: LoggingHistory) -> JudgedPeriod:
    """What lies before a starting digest.

    :param older: what the digest before the gap covers. Default: - there is none from ``since`` on.
    :param newer: what the starting digest covers.
    :param since: where the gap starts.
    """
    calls = history.between(older.start if older else since, newer.end)
    call = _switched_on(calls, older, newer)
    if call is not None:
        return JudgedPeriod(since, newer.start, Verdict.NOT_LOGGED, f"logging was off: {call}")
    if older is None and _is_unclear(calls):
        names = " and ".join(call.call for call in calls if call.at == calls[0].at)
        why = f"which came first in one second is not recorded: {names}"
        return JudgedPeriod(since, newer.start, Verdict.UNKNOWN, why)
    if history.complete_from is not None and history.complete_from <= (older.start if older else since):
        return JudgedPeriod(since, newer.start, Verdict.MISSING, NEVER_OFF)
    why = f"a new chain starts after it; whether logging was off is not known: {history.unknown_because}"
    return JudgedPeriod(since, newer.start, Verdict.UNKNOWN, why)


def _switched_on(calls: tuple[Switching, ...], older: Period | None, newer: Period) -> str | None:
    """The calls that explain the gap, when logging was off all through it."""
    if older is None:
        # What comes first shows how things were before it.
        if not calls or calls[0].switch in TO_OFF or _is_unclear(calls):
            return None
        off, after = None, calls
    else:
        offs = [call for call in calls if call.switch in TO_OFF and call.at <= older.end]
        if not offs:
            return None
        off, after = offs[-1], calls[calls.index(offs[-1]) + 1 :]
    first_on = next((call for call in after if call.switch is Switch.ON), None)
    if first_on is None or newer.start - first_on.at > HOUR:
        return None
    if any(call.switch in TO_OFF and first_on.at < call.at < newer.start for call in after):
        return None
    return f"{off.call}, {first_on.call}" if off else first_on.call


def _is_unclear(calls: tuple[Switching, ...]) -> bool:
    """Whether logging may have been on as well as off before the first calls: a record tells the second of a call only.

    A new trail was off before, unless it took the place of one of the same name.
    """
    first = {call.switch for call in calls if call.at == calls[0].at}
    if Switch.CREATED in first:
        return Switch.DELETED in first
    return Switch.ON in first and bool(first & TO_OFF)


def gaps_before_first(newer: Period, since: datetime, history: LoggingHistory) -> tuple[JudgedPeriod, ...]:
    """What lies before a starting digest that has none before it, the newest first.

    Only the time in which logging was on lacks its digests: not that before the trail was made, nor that of a pause.

    :param newer: what the starting digest covers.
    :param since: where the time in question starts.
    """
    whole = gap_before_restart(None, newer, since, history)
    calls = history.between(since, newer.end)
    if whole.verdict is not Verdict.MISSING or not calls:
        return (whole,)
    periods = _on_and_off(calls, newer, since)
    return tuple(reversed(periods)) if periods else (whole,)


def _on_and_off(calls: tuple[Switching, ...], newer: Period, since: datetime) -> list[JudgedPeriod]:
    """The time up to the digest, as periods of being on and off, oldest first; none when it ends in being off."""
    periods: list[JudgedPeriod] = []
    start, is_on = since, calls[0].switch in TO_OFF  # what comes first shows how things were before it
    for call in calls:
        at = min(call.at, newer.start)
        if is_on and call.switch is not Switch.ON:
            reason = f"logging was on until {call.call}, and the digests of that time are missing"
            periods.append(JudgedPeriod(start, at, Verdict.MISSING, reason))
        elif not is_on and call.switch is Switch.ON:
            periods.append(JudgedPeriod(start, at, Verdict.NOT_LOGGED, f"logging was off: {call.call}"))
        else:
            continue
        start, is_on = at, not is_on
    if not is_on:
        return []
    if newer.start - start > HOUR:
        periods.append(JudgedPeriod(start, newer.start, Verdict.MISSING, NEVER_OFF))
    elif periods:
        periods[-1] = replace(periods[-1], end=newer.start)
    return [judged for judged in periods if judged.start < judged.end]


def gap_at_end(
    newest: Period | None,
    written: datetime | None,
    period: Period,
    status: TrailStatus | NoStatus,
    now: datetime,
    interval: timedelta = HOUR,
) -> JudgedPeriod | None:
    """What lies between the newest proven digest and the end of the period.

    :param newest: what that digest covers. Default: - there is none at all.
    :param written: when the bucket says that it was written.
    :param now: the present, or the moment that a copy was made.
    :param interval: how often digests come.
    """
    start = newest.end if newest else period.start
    end = min(period.end, now)
    if start >= end:
        return None
    verdict, reason = _judge_end(newest, written, period, status, now, interval)
    return JudgedPeriod(start, period.end, verdict, reason)


def _judge_end(
    newest: Period | None,
    written: datetime | None,
    period: Period,
    status: TrailStatus | NoStatus,
    now: datetime,
    interval: timedelta,
) -> tuple[Verdict, str]:
    is_due = newest is None or now >= newest.end + DUE_AFTER
    if isinstance(status, NoStatus):
        if not is_due:
            return Verdict.NOT_DUE, ""
        return Verdict.UNKNOWN, f"there is no digest, and whether there was one is not known: {status.why}"
    removed = _judge_later_delivery(newest, written, period, status, interval)
    if removed is not None:
        return removed
    off = _off_since(newest.end if newest else period.start, status)
    if not is_due or _began_lately(newest, status, now):
        return Verdict.NOT_DUE, f"{off}, and what was recorded until then may still come" if off else ""
    return (Verdict.NOT_LOGGED, off) if off else _judge_overdue(newest, status)


def _judge_later_delivery(
    newest: Period | None, written: datetime | None, period: Period, status: TrailStatus, interval: timedelta
) -> tuple[Verdict, str] | None:
    """The verdict when CloudTrail delivered after the newest digest here, or logging began only after the period."""
    delivered = status.latest_digest_delivery
    if newest is None and status.started is not None and status.started >= period.end:
        began = f"logging was last switched on at {status.started:%Y-%m-%dT%H:%M:%SZ}"
        return Verdict.UNKNOWN, f"there is no digest, and {began}, after it"
    if delivered is not None and _is_later(delivered, newest, written, period, interval):
        return Verdict.MISSING, f"CloudTrail delivered a digest at {delivered:%Y-%m-%dT%H:%M:%SZ}, and it is not there"
    return None


def _judge_overdue(newest: Period | None, status: TrailStatus) -> tuple[Verdict, str]:
    """The verdict on a time in which logging was on, when a digest should have come and CloudTrail reports none."""
    delivered = status.latest_digest_delivery
    if not status.is_logging and status.stopped is not None:
        stopped = f"logging stopped at {status.stopped:%Y-%m-%dT%H:%M:%SZ}"
        if newest is None and delivered is None:
            return Verdict.UNPROVEN, f"{stopped}, and CloudTrail reports no digest that it delivered for it"
        return Verdict.MISSING, f"{stopped}, and its last digest is not there"
    latest = f"; CloudTrail's last delivery was at {delivered:%Y-%m-%dT%H:%M:%SZ}" if delivered else ""
    return Verdict.UNPROVEN, f"no digest was delivered for it, though one was due{latest}"


def _off_since(moment: datetime, status: TrailStatus) -> str:
    """A clause, when logging was off already at a moment and still is; otherwise ``""``."""
    if status.is_logging or status.stopped is None or status.stopped > moment:
        return ""
    return f"logging has been off since {status.stopped:%Y-%m-%dT%H:%M:%SZ}"


def _began_lately(newest: Period | None, status: TrailStatus, now: datetime) -> bool:
    """Whether logging was switched on so lately that its first digest is not due, and was off before, as is proven."""
    if status.started is None or now >= status.started + DUE_AFTER:
        return False
    if newest is None:  # it may have been switched off again: the last digest, which is the first, is not due either
        return status.is_logging or status.latest_digest_delivery is None
    return status.is_logging and status.stopped is not None and status.stopped <= newest.end <= status.started


def _is_later(
    delivered: datetime, newest: Period | None, written: datetime | None, period: Period, interval: timedelta
) -> bool:
    """Whether CloudTrail's latest delivery was that of a digest after the newest one here."""
    if newest is None:
        return delivered > period.start + HOUR
    tolerance = interval / 12  # five minutes of an hour
    if written is not None and abs(delivered - written) <= tolerance:
        return False
    # The status is asked before the bucket is listed: it may tell of the digest before the newest one.
    return delivered >= newest.end + interval - tolerance
