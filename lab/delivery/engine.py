"""Delivery as a whole: takes records for the trails that want them, and delivers as the lab's time passes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from lab.clock import Clock, epoch_seconds
from lab.delivery.journal import Journal
from lab.delivery.log_file import Event
from lab.delivery.signing_key import SigningKey
from lab.delivery.status import DeliveryStatus
from lab.delivery.trail import Stream, Trail
from lab.delivery.trail_delivery import TrailDelivery, Write
from lab.settings import Settings

# Called with the start and the end of a step, and how much of the whole way is over with it, from 0 to 1.
Happens = Callable[[datetime, datetime, float], None]


class Engine:
    """Everything between a record and a signed file in a bucket."""

    def __init__(
        self, journal: Journal, clock: Clock, settings: Settings, trails: Callable[[], Sequence[Trail]], write: Write
    ) -> None:
        """:param trails: the trails as they are now, of all accounts."""
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._read_trails = trails
        self._trail_delivery = TrailDelivery(journal, clock, settings.digest_seconds, write)
        self._trails: tuple[Trail, ...] | None = None
        self._stopping: dict[str, Trail] = {}

    def resume(self) -> None:
        """Writes what was about to be written when the process ended: the same bytes under the same names."""
        trails = {trail.arn: trail for trail in (*self._known(), *self._journal.notes.deleted_trails())}
        for prepared in self._journal.prepared():
            trail = trails.get(prepared.stream.trail)
            if trail is None:
                self._journal.abandoned(prepared)
            else:
                self._trail_delivery.put(trail, prepared)

    def trails_changed(self) -> None:
        """Some trail was made, changed or deleted."""
        self._trails = None

    def record(self, record: Mapping[str, Any], text: str) -> bool:
        """Takes a record for every trail that wants it. When this returns, a kill of the process loses nothing.

        :param text: the record as JSON.
        :returns: whether any trail took it.
        """
        wanting = [trail for trail in self._known() if trail.is_logging and trail.wants(record)]
        stopped = self._stopped_by(record)
        if stopped is not None and stopped.wants(record):
            wanting.append(stopped)
        if wanting:
            seconds = epoch_seconds(record["eventTime"])
            self._journal.add([Stream(trail.arn, record["awsRegion"]) for trail in wanting], Event(seconds, text))
        if record["eventName"] == "DeleteBucket" and "errorCode" not in record:
            self._bucket_is_gone((record["requestParameters"] or {}).get("bucketName", ""))
        return bool(wanting)

    # ---- trails that start, stop and go ---------------------------------------------------------------------------

    def stopping(self, trail: Trail) -> None:
        """A logging trail was stopped or deleted: the record of that very call is the last that it takes."""
        if trail.is_logging:
            self._stopping[trail.arn] = trail

    def deleted(self, trail: Trail) -> None:
        """A trail is gone: what it took is delivered all the same, and a last digest."""
        self._journal.notes.add_deleted_trail(trail)
        self.trails_changed()

    def close(self, trail: Trail) -> None:
        """Delivers the rest of a trail that does not log and ends its chains."""
        self._trail_delivery.deliver(trail, ends_period=True)

    def close_deleted(self, arn: str) -> None:
        """Finishes a trail that is gone, as far as its bucket lets it, to make room for another of the same name."""
        for trail in self._journal.notes.deleted_trails():
            if trail.arn == arn:
                self.close(trail)
                self._drop(trail)

    # ---- room on the disk --------------------------------------------------------------------------------------------

    def reserve(self, size_bytes: int) -> None:
        """Makes sure that records of so many bytes can be taken, until that is released.

        :raises OSError: the disk has no room for them.
        """
        self._journal.reserve(size_bytes)

    def release(self, size_bytes: int) -> None:
        """Takes back a reservation, used or not."""
        self._journal.release(size_bytes)

    def logging_trails(self) -> int:
        """How many trails may take a record."""
        return sum(trail.is_logging for trail in self._known())

    # ---- time -----------------------------------------------------------------------------------------------------

    def tick(self, *, ends_period: bool = False) -> None:
        """Delivers what is due now.

        :param ends_period: ends every digest's period now instead of when it is over.
        """
        for trail in self._known():
            self._trail_delivery.deliver(trail, ends_period=ends_period)
        for trail in self._journal.notes.deleted_trails():
            self._close_deleted(trail)

    async def advance(self, seconds: float, happens: Happens | None = None) -> None:
        """Lets lab time pass, digest period by digest period, delivering on the way.

        :param happens: called for each step, before it is delivered.
        :raises LabError: the clock cannot go that far.
        """
        self._clock.require_ahead(seconds)
        self.tick()
        left = seconds
        while left > 0:
            step = min(left, self._settings.digest_seconds)
            left -= step
            start = self._clock.now()
            self._clock.advance(step)
            self._journal.notes.set_shifts(self._clock.shifts)
            if happens is not None:
                happens(start, self._clock.now(), 1 - left / seconds)
            self.tick()
            await asyncio.sleep(0)

    # ---- what the API shows of it ------------------------------------------------------------------------------------

    def status(self, stream: Stream) -> DeliveryStatus:
        """How delivery for a trail in one region stands."""
        return self._journal.notes.status(stream)

    def public_keys(self, region: str, start_seconds: int, end_seconds: int) -> list[SigningKey]:
        """The key pairs of a region that are valid at some moment of a time range, newest first."""
        now = int(self._clock.now().timestamp())
        if start_seconds <= now <= end_seconds:
            self._trail_delivery.key_at(region, now)
        return self._journal.signing_keys(region, start_seconds, end_seconds)

    def _known(self) -> tuple[Trail, ...]:
        if self._trails is None:
            self._trails = tuple(self._read_trails())
        return self._trails

    def _stopped_by(self, record: Mapping[str, Any]) -> Trail | None:
        """The trail that a call has just stopped; None for every other call."""
        if not self._stopping or record["eventName"] not in ("StopLogging", "DeleteTrail") or "errorCode" in record:
            return None
        name = (record.get("requestParameters") or {}).get("name")
        for arn, trail in self._stopping.items():
            if name in (arn, trail.name) and record["recipientAccountId"] == trail.account:
                return self._stopping.pop(arn)
        return None

    def _bucket_is_gone(self, bucket: str) -> None:
        """A bucket made later under this name must not get what trails that are gone had for the old one."""
        for trail in self._journal.notes.deleted_trails():
            if trail.bucket == bucket:
                self._drop(trail)

    def _drop(self, trail: Trail) -> None:
        self._journal.forget_trail(trail.arn)
        self._journal.notes.forget_trail(trail.arn)

    def _close_deleted(self, trail: Trail) -> None:
        self.close(trail)
        waiting = {stream.trail for stream in self._journal.streams_with_events()} | self._journal.trails_with_chains()
        if trail.arn not in waiting:
            self._journal.notes.forget_trail(trail.arn)
