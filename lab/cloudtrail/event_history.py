"""The event history: what LookupEvents searches. Bounded; the oldest events go first.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

from lab.clock import epoch_seconds
from lab.records.record import RecordedCall
from lab.records.resources import Resource

MAX_EVENTS = 50_000
_KEPT_SECONDS = 90 * 24 * 3600
_ALWAYS = (-inf, inf)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the history. `sequence` grows with every event of the lab; `record` is the CloudTrail record as JSON
    text; `epoch_seconds` is the record's eventTime.
    """

    sequence: int
    account: str
    region: str
    epoch_seconds: int
    event_id: str
    event_name: str
    event_source: str
    read_only: bool
    username: str
    access_key_id: str
    resources: tuple[Resource, ...]
    record: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was recorded: events held, events dropped because the history was full, calls that were not decoded."""

    events: int
    dropped: int
    undecoded: int


def shown_at(now_seconds: float, late_seconds: float) -> tuple[float, float]:
    """Of which times the history shows events at a moment: from, and until, in epoch seconds.

    :param late_seconds: how long after a call its event shows; on AWS up to 900.
    """
    return now_seconds - _KEPT_SECONDS, now_seconds - late_seconds if late_seconds else inf


class EventHistory:
    """Management events in the order they completed. Safe to use from several threads."""

    def __init__(
        self, max_events: int = MAX_EVENTS, shown: Callable[[], tuple[float, float]] = lambda: _ALWAYS
    ) -> None:
        """:param shown: of which times events are shown now, in epoch seconds."""
        self._shown = shown
        self._events: deque[Event] = deque(maxlen=max_events)
        self._recorded = 0
        self._undecoded = 0
        self._lock = threading.Lock()

    def add(self, call: RecordedCall) -> None:
        """Takes a recorded call, unless it is a data event: the event history never shows those.

        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
        """
        with self._lock:
            self._undecoded += not call.is_decoded
            if call.record["managementEvent"]:
                self._recorded += 1
                self._events.append(_event(self._recorded, call))

    def newest_first(self, account: str, region: str, before_sequence: int | None = None) -> Iterator[Event]:
        """The events of one account and region that are shown now, from one on (`before_sequence` is exclusive)."""
        with self._lock:
            events = list(self._events)
        start, end = self._shown()
        for event in reversed(events):
            if not start <= event.epoch_seconds <= end:
                continue
            if before_sequence is not None and event.sequence >= before_sequence:
                continue
            if (event.account, event.region) == (account, region):
                yield event

    def counts(self) -> Counts:
        """What the history holds and what it lost."""
        with self._lock:
            return Counts(len(self._events), self._recorded - len(self._events), self._undecoded)


def _event(sequence: int, call: RecordedCall) -> Event:
    record = call.record
    return Event(
        sequence=sequence,
        account=record["recipientAccountId"],
        region=record["awsRegion"],
        epoch_seconds=epoch_seconds(record["eventTime"]),
        event_id=record["eventID"],
        event_name=record["eventName"],
        event_source=record["eventSource"],
        read_only=record["readOnly"],
        username=call.username,
        access_key_id=record["userIdentity"].get("accessKeyId", ""),
        resources=call.resources,
        record=call.text,
    )
