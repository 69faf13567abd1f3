"""The times at which a policy begins to decide otherwise: those that it compares the time of a request with.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from verify.policy.document import Statement

CURRENT_TIME, EPOCH_TIME = "aws:currenttime", "aws:epochtime"
TIME_KEYS = (CURRENT_TIME, EPOCH_TIME)
_LATER = timedelta(days=1)


@lru_cache(maxsize=4096)
def moment(text: str) -> datetime:
    """A date as W3C's profile of ISO 8601 writes it, or in seconds since 1970; without an offset it is UTC.

    :raises ValueError: neither.
    """
    if text.isdecimal() and len(text) != len("2026"):
        return _since_1970(text)
    found = datetime.fromisoformat({4: f"{text}-01-01", 7: f"{text}-01"}.get(len(text), text))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _since_1970(seconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds!r} is no date") from error


def context_at(at: datetime) -> dict[str, tuple[str, ...]]:
    """The condition keys that say when a request is made."""
    utc = at.astimezone(UTC)
    fraction = "%S.%fZ" if utc.microsecond else "%SZ"
    return {CURRENT_TIME: (utc.strftime(f"%Y-%m-%dT%H:%M:{fraction}"),), EPOCH_TIME: (str(int(utc.timestamp())),)}


def later_times(statements: Iterable[Statement], now: datetime) -> tuple[datetime, ...]:
    """Each time from now on that a policy names, and one between it and the next: at all others it decides as at one of
    these, or as it does now.
    """
    named = sorted(
        {
            time
            for statement in statements
            for condition in statement.conditions
            if condition.key.casefold() in TIME_KEYS
            for value in condition.values
            for time in _times(value)
            if time >= now
        }
    )
    following = (*named[1:], named[-1] + _LATER) if named else ()
    return tuple(each for time, end in zip(named, following, strict=True) for each in (time, time + (end - time) / 2))


def _times(value: str) -> Iterator[datetime]:
    """What a value may mean: as a date, and as a number."""
    for read in (moment, _since_1970):
        try:
            time = read(value)
            time + _LATER  # raises at the end of the calendar
        except (ValueError, OverflowError):
            continue
        yield time.astimezone(UTC)
