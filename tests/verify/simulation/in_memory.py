"""A simulated AWS, seen without a network: the store and the facts that the validation asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.verify.simulation.trail import ACCOUNT, HOME, TRAIL, TRAIL_ARN, Chain, SimulatedAws, listed
from verify.errors import AccessDenied, CannotLook
from verify.integrity.digests.public_keys import KeyRing
from verify.integrity.reader import Pools
from verify.integrity.result import Result
from verify.integrity.scope import Delivery, TrailName, chains_in
from verify.integrity.timeline.logging_history import LoggingHistory, NoStatus, TrailStatus, switching_of
from verify.integrity.timeline.timeline import Period
from verify.integrity.validate import Validation, ValidationRequest
from verify.storage.objects import Absent, Found, ListedObject, ObjectName, ReadResult, Sink, T, Unreadable

TRAIL_NAME = TrailName(TRAIL, HOME, ACCOUNT, TRAIL_ARN)


@dataclass
class MemoryStore:
    """The buckets of a simulation."""

    aws: SimulatedAws

    def folders(self, bucket: str, prefix: str) -> tuple[str, ...]:
        keys = (name.key[len(prefix) :] for name in listed(self.aws, bucket, prefix))
        return tuple(sorted({key.split("/")[0] for key in keys if "/" in key}))

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        if "list" in self.aws.denied:
            raise AccessDenied("s3:ListBucket", "not you")
        for name in listed(self.aws, bucket, prefix):
            stored = self.aws.objects[name]
            yield ListedObject(name, len(stored.body), stored.last_modified, str(hash(stored.body)))

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        return [self._read(name, sink(name)) for name in names]

    def _read(self, name: ObjectName, into: Sink[T]) -> ReadResult[T]:
        if str(name) in self.aws.denied:
            return Unreadable(AccessDenied("s3:GetObject", "not you"))
        stored = self.aws.objects.get(name)
        if stored is None:
            return Absent()
        into.feed(stored.body)
        return Found(into.finish(), stored.metadata, stored.last_modified)


@dataclass
class MemoryFacts:
    """What the simulated CloudTrail says."""

    aws: SimulatedAws
    history_from: datetime | None = None

    def keys(self, region: str) -> KeyRing:
        if "keys" in self.aws.denied:
            return KeyRing(unknown_because="cloudtrail:ListPublicKeys is denied")
        return KeyRing.of(self.aws.keys.get(region, []))

    def status(self, region: str) -> TrailStatus | NoStatus:
        if "status" in self.aws.denied:
            return NoStatus("cloudtrail:GetTrailStatus is denied")
        found = self.aws.status.get(region, {})
        return TrailStatus(
            found.get("IsLogging", False),
            found.get("LatestDigestDeliveryTime"),
            found.get("StartLoggingTime"),
            found.get("StopLoggingTime"),
        )

    def history(self) -> LoggingHistory:
        found = (switching_of(record, TRAIL, TRAIL_ARN) for record in self.aws.events)
        calls = tuple(sorted(filter(None, found), key=lambda call: call.at))
        return LoggingHistory(calls, self.history_from, "the event history was not asked")


class Here(Executor):
    """Runs everything at once, in this thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except CannotLook as error:
            future.set_exception(error)
        return future

    def start(self, read_each: Callable[[list[Any]], Any], names: Iterable[Any]) -> list[tuple[Future[Any], list[Any]]]:
        return [(self.submit(read_each, [name]), [name]) for name in names]


def validate(
    chain: Chain,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    now: datetime | None = None,
    history_from: datetime | None = None,
    is_quick: bool = False,
    absent_regions: tuple[str, ...] = (),
) -> Result:
    """Validate the trail of a chain, from the chain's first hour to its last, a little after the last digest came."""
    aws = chain.aws
    store = MemoryStore(aws)
    now = now or chain.at + timedelta(minutes=30)
    delivery = Delivery(aws.trail["S3BucketName"], aws.trail["S3KeyPrefix"], bool(aws.organization))
    request = ValidationRequest(
        trail=TRAIL_NAME,
        source=str(delivery.bucket),
        chains=chains_in(store, TRAIL_NAME, delivery, None, chain.region if chain.region != HOME else None),
        period=Period(start or chain.hours[0].start, end or now),
        now=now,
        is_quick=is_quick,
        absent_regions=absent_regions,
    )
    here = Here()
    facts = MemoryFacts(aws, history_from)
    return Validation(request, store, facts, Pools(here, here, here), lambda _logs, _days: None).run()
