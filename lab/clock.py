"""The lab's clock: this machine's, or behind it, so that days of activity pass in seconds; and times as records write
them, remembered, since many calls happen in the same second.
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from lab.errors import LabError


@dataclass(frozen=True, slots=True)
class Shift:
    """From a moment of this machine's clock on (epoch seconds), the lab's clock is `behind_seconds` behind it."""

    real_seconds: float
    behind_seconds: float


class Clock:
    """Lab time. It runs as fast as this machine's clock, can be advanced, and never overtakes it."""

    def __init__(self, shifts: Sequence[Shift], real_time: Callable[[], float] = time.time) -> None:
        """:param shifts: oldest first; at least one."""
        self._shifts = list(shifts)
        self._real_time = real_time

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """Every shift so far: what another clock needs to go on as this one."""
        return tuple(self._shifts)

    @property
    def behind_seconds(self) -> float:
        """How far the lab is behind this machine."""
        return self._shifts[-1].behind_seconds

    def now(self) -> datetime:
        """The lab's time, in UTC."""
        return datetime.fromtimestamp(self._real_time() - self.behind_seconds, UTC)

    def begins(self) -> datetime:
        """The lab's time when it was made."""
        return self.lab_time(self._shifts[0].real_seconds)

    def lab_time(self, real_seconds: float) -> datetime:
        """What the lab's clock showed at a moment of this machine's clock (epoch seconds)."""
        index = max(bisect_right(self._shifts, real_seconds, key=lambda shift: shift.real_seconds) - 1, 0)
        return datetime.fromtimestamp(real_seconds - self._shifts[index].behind_seconds, UTC)

    def advance(self, seconds: float) -> None:
        """Moves the lab's clock forward.

        :raises LabError: it would run ahead of this machine's clock, or backwards.
        """
        self.require_ahead(seconds)
        self._shifts.append(Shift(self._real_time(), self.behind_seconds - seconds))

    def require_ahead(self, seconds: float) -> None:
        """Checks that the clock can be advanced so far.

        :raises LabError: it cannot.
        """
        if not 0 <= seconds <= self.behind_seconds:
            raise LabError(
                f"The lab's clock can go forward by 0 to {self.behind_seconds:.0f} seconds, not {seconds:.0f}: it "
                "cannot be ahead of this machine's. To be able to advance it, start a lab in the past: "
                "python -m lab up --days-ago 3"
            )


_SECONDS_REMEMBERED = 64


@lru_cache(maxsize=_SECONDS_REMEMBERED)
def iso_time(seconds: int) -> str:
    """Epoch seconds as in '2015-08-17T20:17:32Z'."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=_SECONDS_REMEMBERED)
def epoch_seconds(text: str) -> int:
    """The epoch seconds of a record's eventTime."""
    return int(datetime.fromisoformat(text).timestamp())
