"""A simulated AWS, seen without a network: the store and the facts that the validation asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.verify.simulation.trail import ACCOUNT, HOME, HOUR, START, TRAIL, TRAIL_ARN, Chain, SimulatedAws, listed
from verify.errors import AccessDenied, CannotLook
from verify.integrity.digests.public_keys import KeyRing
from verify.integrity.facts import Regions, TrailName
from verify.integrity.inventory import walk_all
from verify.integrity.reader import Pools
from verify.integrity.result import Result
from verify.integrity.scope import Destination, Expected, Members, Selection, scope_in_bucket
from verify.integrity.timeline.configuration import (
    Configuration,
    Known,
    NoStatus,
    Setting,
    Source,
    Today,
    TrailStatus,
    call_in,
)
from verify.integrity.timeline.timeline import Period
from verify.integrity.validate import Validation, ValidationRequest
from verify.storage.layout import DigestName
from verify.storage.objects import Absent, Found, Level, ListedObject, ObjectName, ReadResult, Sink, T, Unreadable

TRAIL_NAME = TrailName(TRAIL, HOME, ACCOUNT, TRAIL_ARN)


@dataclass
class MemoryStore:
    """The buckets of a simulation."""

    aws: SimulatedAws

    def level(self, bucket: str, prefix: str) -> Level:
        if "list" in self.aws.denied:
            raise AccessDenied("s3:ListBucket", "not you")
        names = list(listed(self.aws, bucket, prefix))
        folders = {name.key[len(prefix) :].split("/")[0] for name in names if "/" in name.key[len(prefix) :]}
        here = tuple(self._listed(name) for name in names if "/" not in name.key[len(prefix) :])
        return Level(tuple(sorted(folders)), here)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        if "list" in self.aws.denied:
            raise AccessDenied("s3:ListBucket", "not you")
        yield from map(self._listed, listed(self.aws, bucket, prefix))

    def _listed(self, name: ObjectName) -> ListedObject:
        stored = self.aws.objects[name]
        return ListedObject(name, len(stored.body), stored.last_modified, stored.etag)

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        return [self._read(name, sink(name)) for name in names]

    def _read(self, name: ObjectName, into: Sink[T]) -> ReadResult[T]:
        if str(name) in self.aws.denied:
            return Unreadable(AccessDenied("s3:GetObject", "not you"))
        stored = self.aws.objects.get(name)
        if stored is None:
            return Absent()
        into.feed(stored.body)
        return Found(into.finish(), stored.metadata, stored.last_modified, stored.etag)


@dataclass
class MemoryFacts:
    """What the simulated CloudTrail says."""

    aws: SimulatedAws
    now: datetime
    history_from: datetime | None = None

    def keys(self, region: str) -> KeyRing:
        if "keys" in self.aws.denied:
            return KeyRing(unknown_because="cloudtrail:ListPublicKeys is denied")
        return KeyRing.of(self.aws.keys.get(region, []), is_complete=True)

    def status(self, region: str) -> TrailStatus | NoStatus:
        if "status" in self.aws.denied:
            return NoStatus("cloudtrail:GetTrailStatus is denied")
        found = self.aws.status_in(region)
        return TrailStatus(
            found.get("IsLogging", False),
            found.get("LatestDigestDeliveryTime"),
            found.get("StartLoggingTime"),
            found.get("StopLoggingTime"),
            found.get("LatestDeliveryTime"),
        )

    def configuration(self) -> Configuration:
        found = (call_in(record, TRAIL, TRAIL_ARN, Source.HISTORY, ACCOUNT, HOME) for record in self.aws.events)
        known = Known(self.history_from, self.now - timedelta(minutes=15)) if self.history_from else Known()
        status = self.status(HOME)
        settings = {Setting.EXISTS: True, Setting.VALIDATION: True, Setting.ALL_REGIONS: True}
        settings[Setting.ORGANIZATION] = bool(self.aws.organization)
        today = Today(self.now, settings)
        if isinstance(status, TrailStatus):
            on = status.started if status.is_logging else None
            today = Today(self.now, settings, on, None if status.is_logging else status.stopped)
        return Configuration(HOME, tuple(filter(None, found)), known, today)


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
    history_from: datetime | None = START - 2 * HOUR,
    is_quick: bool = False,
    absent_regions: tuple[str, ...] = (),
) -> Result:
    """Validate the trail of a chain, from the chain's first hour to its last, a little after the last digest came."""
    aws = chain.aws
    store = MemoryStore(aws)
    now = now or chain.at + timedelta(minutes=30)
    is_organization = bool(aws.organization)
    destination = Destination(
        aws.trail["S3BucketName"],
        aws.trail["S3KeyPrefix"],
        is_organization=is_organization,
        is_multi_region=True,
        other_prefixes=tuple({name.key.partition("AWSLogs")[0].rstrip("/") for name in aws.objects} - {""}),
    )
    accounts = frozenset(named.location.account for name in aws.objects if (named := DigestName.parse(name)))
    members = Members(accounts, owner=ACCOUNT, organization=aws.organization)
    regions = frozenset({*aws.keys, *absent_regions, chain.region})
    scope = scope_in_bucket(
        store,
        TRAIL_NAME,
        destination,
        Expected(Regions(regions, frozenset()), members if is_organization else None),
        Selection(None, chain.region if chain.region != HOME else None),
        walk_all(store, destination.bucket, destination.prefix, destination.other_prefixes),
    )
    request = ValidationRequest(
        trail=TRAIL_NAME,
        source=str(destination.bucket),
        scope=scope,
        period=Period(start or chain.hours[0].start, end or now),
        now=now,
        is_quick=is_quick,
    )
    here = Here()
    facts = MemoryFacts(aws, now, history_from)
    return Validation(request, store, facts, Pools(here, here, here), lambda *_done: None).run()
