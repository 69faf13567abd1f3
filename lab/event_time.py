"""The seconds in which things happen, as numbers and as text; many calls fall into each, so both are remembered."""

from datetime import UTC, datetime
from functools import lru_cache

_SECONDS_REMEMBERED = 64


@lru_cache(maxsize=_SECONDS_REMEMBERED)
def iso_time(seconds: int) -> str:
    """Epoch seconds as in '2015-08-17T20:17:32Z'."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=_SECONDS_REMEMBERED)
def epoch_seconds(text: str) -> int:
    """The epoch seconds of a record's eventTime."""
    return int(datetime.fromisoformat(text).timestamp())
