"""No more requests than AWS allows."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

# "The rate of lookup requests is limited to two per second, per account, per Region."
# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
LOOKUPS_PER_SECOND = 2.0


class Pacer:
    """Spaces requests evenly; several threads may share one.

    :param per_second: the most requests that may start in one second.
    :param clock: seconds, never going back.
    :param sleep: waits for a number of seconds; may return early when the user has had enough.
    """

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._interval_seconds = 1 / per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._next_start = float("-inf")

    def wait(self) -> None:
        """Return when the next request may start."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next_start)
            self._next_start = start + self._interval_seconds
        if start > now:
            self._sleep(start - now)
