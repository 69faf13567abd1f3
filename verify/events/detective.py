"""Waits until CloudTrail has recorded the four calls, then searches the history for related events."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from verify.aws import Caller
from verify.events.calls import Finding, MadeCall, match, query_for
from verify.events.event import Event
from verify.events.history import History
from verify.events.query import Query
from verify.events.search import Search, find_all
from verify.times import TimeRange

_RECENT = 5
_MOST_LISTINGS = 1000
_TICK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long to wait and how often to look, in seconds."""

    timeout_seconds: float
    poll_seconds: float


@dataclass(frozen=True, slots=True)
class Listings:
    """Who used a role to list this account's buckets.

    :param regions: where they were looked for.
    :param count: events of ``ListBuckets`` by identities of type ``AssumedRole``.
    :param instances: those among them whose role session is an EC2 instance (``…/i-0abc…``).
    :param is_complete: ``False``: only the newest were counted; there may be more.
    """

    regions: tuple[str, ...]
    count: int
    instances: int
    is_complete: bool


class Detective:
    """Finds calls in the event history.

    :param on_wait: called several times a second with the findings so far.
    """

    def __init__(
        self, history: History, caller: Caller, on_wait: Callable[[Sequence[Finding]], None] = lambda _: None
    ) -> None:
        self._history = history
        self._caller = caller
        self._on_wait = on_wait

    def wait_for(self, calls: Sequence[MadeCall], waiting: Waiting) -> tuple[Finding, ...]:
        """Search again and again until every call is found, the time is over or the search is stopped.

        :returns: one finding a call, in the order of the calls; those without an event were not found.
        """
        findings = [Finding(made) for made in calls]
        deadline = time.monotonic() + waiting.timeout_seconds
        while True:
            next_look = time.monotonic() + waiting.poll_seconds
            for index, finding in enumerate(findings):
                if finding.is_open and not self._history.stop.is_set():
                    findings[index] = self._look_for(finding.made, lambda: self._on_wait(findings))
                self._on_wait(findings)
            if not any(finding.is_open for finding in findings):
                return tuple(findings)
            if not self._pause(findings, next_look, deadline):
                return tuple(findings)

    def _pause(self, findings: Sequence[Finding], next_look: float, deadline: float) -> bool:
        """Wait for the next look; ``False`` when there is to be none."""
        while time.monotonic() < deadline and not self._history.stop.is_set():
            if time.monotonic() >= next_look:
                return True
            self._on_wait(findings)
            self._history.stop.wait(_TICK_SECONDS)
        return False

    def _look_for(self, made: MadeCall, on_wait: Callable[[], None]) -> Finding:
        search = Search(self._history, made.call.regions, query_for(made), on_wait=on_wait)
        for event in search:
            if finding := match(made, event, self._caller):
                return finding
        return Finding(made, failures=tuple(search.failures.values()))


def recent(history: History, region: str, event_source: str) -> tuple[Event, ...]:
    """The last few events of one service.

    :raises CannotLook: the history cannot be read.
    """
    return find_all(history, (region,), Query({"EventSource": event_source}), _RECENT)


def bucket_listings(history: History, regions: tuple[str, ...], now: datetime) -> Listings:
    """How often a role listed the buckets within the last 24 hours.

    :raises CannotLook: the history cannot be read.
    """
    day = Query({"EventName": "ListBuckets"}, TimeRange(now - timedelta(hours=24), now))
    events = find_all(history, regions, day, _MOST_LISTINGS)
    by_roles = [event for event in events if event.identity_type == "AssumedRole"]
    return Listings(
        regions=regions,
        count=len(by_roles),
        instances=sum(event.identity_arn.rpartition("/")[2].startswith("i-") for event in by_roles),
        is_complete=not history.stop.is_set() and len(events) < _MOST_LISTINGS,
    )
