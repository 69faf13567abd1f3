"""Reads one region's event history, page by page, at the rate that AWS allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from threading import Event as Flag
from threading import Lock

from verify.aws import Aws
from verify.events.event import Event, parse_event
from verify.events.query import Query

PERMISSIONS = ("cloudtrail:LookupEvents",)
# "The rate of lookup requests is limited to two per second, per account, per Region."
# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
LOOKUPS_PER_SECOND = 2.0
_PAGE_SIZE = 50  # the most that LookupEvents returns at once


class RateLimiter:
    """Spaces requests evenly; several threads may share one.

    :param per_second: the most requests that may start in one second.
    :param clock: seconds, never going back.
    :param sleep: waits for a number of seconds; may return early when the search is stopped.
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


class History:
    """The event history of an account.

    :param stop: once set, searches end early with what they have found.
    """

    def __init__(self, aws: Aws, stop: Flag) -> None:
        self.stop = stop
        self.pages = 0
        self.events = 0
        self._aws = aws
        self._lock = Lock()
        self._limiters: dict[str, RateLimiter] = {}

    def search(self, region: str, query: Query, limit: int | None = None) -> Iterator[Event]:
        """The matching events of one region, newest first, read as they are asked for.

        :param limit: at most so many. Default: - all.
        :raises CannotLook: LookupEvents is denied or fails in this region.
        """
        return islice(filter(query.accepts, self._events(region, query)), limit)

    def _events(self, region: str, query: Query) -> Iterator[Event]:
        # Made before the first request is due: a slow start would shorten the distance to the second one.
        self._aws.client("cloudtrail", region)
        pages = self._aws.pages(
            "cloudtrail",
            "LookupEvents",
            in_region=region,
            PaginationConfig={"PageSize": _PAGE_SIZE},
            **query.request(),
        )
        limiter = self._limiter(region)
        while not self.stop.is_set():
            limiter.wait()
            page = None if self.stop.is_set() else next(pages, None)
            if page is None:
                return
            events = page.get("Events", [])
            with self._lock:
                self.pages += 1
                self.events += len(events)
            yield from map(parse_event, events)

    def _limiter(self, region: str) -> RateLimiter:
        with self._lock:
            return self._limiters.setdefault(region, RateLimiter(LOOKUPS_PER_SECOND, sleep=self.stop.wait))


def enabled_regions(aws: Aws) -> tuple[str, ...]:
    """Every region that is enabled for the account, by name.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html

    :raises CannotLook: DescribeRegions is denied or fails.
    """
    return tuple(sorted(region["RegionName"] for region in aws.call("ec2", "DescribeRegions")["Regions"]))
