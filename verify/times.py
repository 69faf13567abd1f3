"""Time ranges given as text, as moments in UTC. Pure: the present moment is an argument."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from verify.errors import UsageError

# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
HISTORY_DAYS = 90

_UNIT_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "week", "weeks"), 604800),
}
_DURATION = re.compile(rf"([0-9]{{1,9}})({'|'.join(_UNIT_SECONDS)})", re.IGNORECASE | re.ASCII)
_MONTHS = "M"  # to many programs, which call minutes m or min
_SINCE, _START = "--since", "--start"  # which people take for each other
_DATE = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From ``start`` to ``end``, both included and in UTC; ``None`` is as far as the history reaches."""

    start: datetime | None = None
    end: datetime | None = None


def parse_duration(text: str, option: str) -> timedelta:
    """``30s``, ``20m``, ``2h``, ``7d`` or ``1w`` as a duration; ``90min`` and ``3D`` are what they look like.

    :param option: the option that the text was given for, such as ``--since``; errors name it.
    :raises UsageError: anything else, nothing at all or zero.
    """
    matched = None if text.endswith(_MONTHS) else _DURATION.fullmatch(text)
    if matched is None or int(matched[1]) == 0:
        raise UsageError(
            f"{option} {text!r} is not a duration. "
            "Allowed: a whole number above 0 and a unit: s, m, h, d or w, for example 30s, 20m, 2h, 7d, 1w."
            + (f" Fix: {_START} {text}" if option == _SINCE and _DATE.match(text) else "")
        )
    try:
        return timedelta(seconds=int(matched[1]) * _UNIT_SECONDS[matched[2].lower()])
    except OverflowError as error:
        raise UsageError(f"{option} {text!r} is longer than a calendar. Try {HISTORY_DAYS}d.") from error


def parse_moment(text: str, option: str, now: datetime, *, end_of_day: bool = False) -> datetime:
    """``now``, an ISO 8601 date or an ISO 8601 date and time, in UTC unless it carries an offset.

    :param end_of_day: a date without a time means its last moment rather than its first.
    :raises UsageError: not a moment.
    """
    if text == "now":
        return now
    try:
        if _DATE.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), time.max if end_of_day else time.min, UTC)
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option} {text!r} is not a moment. Allowed: now, a date such as 2026-01-31, "
            "or a date and time such as 2026-01-31T09:30:00Z (UTC unless it has an offset)."
            + (f" Fix: {_SINCE} {text}" if option == _START and _DURATION.fullmatch(text) else "")
        ) from error


def time_range(since: str | None, start: str | None, end: str | None, now: datetime) -> TimeRange:
    """The range that ``--since`` or ``--start`` and ``--end`` describe.

    :param now: the present moment, in UTC.
    :raises UsageError: a range that is unreadable, contradictory, or holds nothing because it lies in the
        future or before the event history begins.
    """
    if since is not None and start is not None:
        raise UsageError(f"--since {since} and --start {start} both say where to begin. Give one of them.")
    first = parse_moment(start, "--start", now) if start is not None else None
    last = parse_moment(end, "--end", now, end_of_day=True) if end is not None else None
    if since is not None:
        try:
            first = (last or now) - parse_duration(since, "--since")
        except OverflowError as error:
            raise UsageError(f"--since {since} begins before the calendar. Try {HISTORY_DAYS}d.") from error
    if first is not None and first > now:
        raise UsageError(f"The range begins at {iso(first)}, in the future: it is {iso(now)} now.")
    if first is not None and last is not None and first > last:
        raise UsageError(f"The range begins at {iso(first)}, after its end at {iso(last)}. Swap the two.")
    oldest = now - timedelta(days=HISTORY_DAYS)
    if last is not None and last < oldest:
        raise UsageError(
            f"The range ends at {iso(last)}, but the event history keeps {HISTORY_DAYS} days and begins at "
            f"{iso(oldest)}. Older events are in a trail's log files only."
        )
    return TimeRange(first, last)


def iso(moment: datetime | None) -> str:
    """A moment as CloudTrail writes it: ``2026-01-31T09:30:00Z``; ``""`` for none."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
