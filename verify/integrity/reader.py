"""Reads the files of one chain: digests in full, of logs the hash; and finds in logs the calls on the trail."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import date, timedelta
from enum import Enum, auto
from threading import Lock
from typing import Protocol, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from verify.errors import ApiError
from verify.integrity.digests.digest import Digest, LogReference
from verify.integrity.digests.digest_file import DigestFile, SignatureStatus, check_digest_file
from verify.integrity.digests.public_keys import KeyRing
from verify.integrity.facts import TrailName
from verify.integrity.inventory import Days, is_marker
from verify.integrity.origin import Origin
from verify.integrity.timeline.configuration import Source, TrailCall, call_in
from verify.storage.gzip_content import MAX_DIGEST_BYTES, MAX_LOG_BYTES, Content, GzipSink
from verify.storage.layout import ChainName, DeliveryLocation, DigestName
from verify.storage.objects import Found, ListedObject, ObjectName, ObjectStore, ReadResult
from verify.storage.read_pool import R, Reads, T, open_read_pool
from verify.storage.transfers import AT_ONCE
from verify.threads import concurrently

_MAX_DIGESTS_A_DAY = 50_000
_MAX_SEARCHED_BYTES = 64 * 2**20
# Of digests that are not signed, an attacker decides how many there are and what they name.
_MAX_UNSIGNED_BYTES = 64 * 2**20


# Logs that are being read.
LogReads: TypeAlias = Reads[ReadResult[Content], LogReference]


class BackgroundReader(Protocol):
    """See :class:`verify.storage.read_pool.ReadPool`."""

    def start(self, read_each: Callable[[list[T]], Sequence[R]], names: Iterable[T]) -> Reads[R, T]:
        """Start to read."""


class Pools(Struct, frozen=True):
    """Threads. Three kinds, so that none waits for its own.

    :param days: lists what is read ahead.
    :param digests: reads digests, few at once, for their contents are kept in memory.
    :param logs: reads logs.
    """

    days: Executor
    digests: BackgroundReader
    logs: BackgroundReader

    @classmethod
    @contextmanager
    def open(cls, *, with_processes: bool = False) -> Iterator[Pools]:
        """Threads for one validation.

        :param with_processes: whether other processes read the logs: then many portions are to be under way, for their
            threads do nothing but wait.
        """
        with (
            concurrently(24) as days,
            open_read_pool(2, at_once=24) as digests,
            open_read_pool(4 if with_processes else 2, at_once=AT_ONCE) as logs,
        ):
            yield cls(days, digests, logs)


class DayFiles(Struct):
    """What lies in the folders of one day.

    :param hourly: the digests of the chain that are listed.
    :param backfill: the backfill digests that are listed.
    :param others: digests of other trails, backfill digests among them.
    :param foreign: objects among the digests that are none.
    :param logs: everything in the folder of the logs.
    """

    hourly: list[DigestFile] = field(default_factory=list)
    backfill: list[DigestFile] = field(default_factory=list)
    others: list[DigestFile] = field(default_factory=list)
    foreign: list[ObjectName] = field(default_factory=list)
    logs: list[ListedObject] = field(default_factory=list)
    listed: list[ListedObject] = field(default_factory=list)

    def add(self, more: DayFiles) -> None:
        """Add the files of another location."""
        self.hourly += more.hourly
        self.backfill += more.backfill
        self.others += more.others
        self.foreign += more.foreign
        self.logs += more.logs
        self.listed += more.listed


class _ByteLimit:
    """So many bytes, whoever asks first."""

    def __init__(self, size_bytes: int) -> None:
        self._left_bytes = size_bytes
        self._lock = Lock()

    def grants(self, size_bytes: int) -> bool:
        with self._lock:
            self._left_bytes -= size_bytes
            return self._left_bytes >= 0


class LogReading(Enum):
    """Which log files are read."""

    NONE = auto()
    LISTED = auto()  # in a digest
    ALL = auto()  # also what no digest names, for the store to keep it


class ChainReader:
    """Fetches what the validation of one chain asks for.

    :param pools: run the reads.
    :param origin: where the files are from.
    :param days: the days of a location that have a folder; the others are not listed.
    :param logs: which log files are read.
    """

    def __init__(
        self,
        store: ObjectStore,
        pools: Pools,
        chain: ChainName,
        keys: KeyRing,
        origin: Origin,
        days: Callable[[DeliveryLocation], Days],
        logs: LogReading,
    ) -> None:
        self._store = store
        self._pools = pools
        self._chain = chain
        self._keys = keys
        self._origin = origin
        self._days = days
        self._logs = logs
        self._known: tuple[tuple[DeliveryLocation, date], list[ListedObject]] | None = None

    def day(self, locations: Iterable[DeliveryLocation], day: date) -> DayFiles:
        """Everything of a day.

        :raises CannotLook: a bucket could not be listed.
        """
        files = DayFiles()
        named: list[DigestName] = []
        others: list[DigestName] = []
        for location in locations:
            digests, logs = self.digests_listed(location, day), self.logs_listed(location, day)
            own, of_others, foreign = self._sorted(location, digests, _MAX_DIGESTS_A_DAY - len(named) - len(others))
            named += own
            others += of_others
            files.foreign += foreign
            files.listed += [*digests, *logs]
            files.logs += logs
        for file in self.digests(named):
            (files.backfill if file.named.chain.is_backfill else files.hourly).append(file)
        files.others += self.digests(others)
        return files

    def digests_listed(self, location: DeliveryLocation, day: date) -> list[ListedObject]:
        """What lies among the digests of a day.

        :raises CannotLook: the bucket could not be listed.
        """
        known = self._known
        if known is not None and known[0] == (location, day):
            self._known = None
            return known[1]
        is_there = day in self._days(location).digests
        return self._listed(location.bucket, location.digests_on(self._chain.region, day)) if is_there else []

    def logs_listed(self, location: DeliveryLocation, day: date) -> list[ListedObject]:
        """What lies among the logs of a day.

        :raises CannotLook: the bucket could not be listed.
        """
        is_wanted = self._logs is not LogReading.NONE and day in self._days(location).logs
        return self._listed(location.bucket, location.logs_on(self._chain.region, day)) if is_wanted else []

    def digest_days(self, location: DeliveryLocation) -> frozenset[date]:
        """The days on which digests of the region lie."""
        return self._days(location).digests

    def listed_digests(
        self, location: DeliveryLocation, day: date, *, is_read_next: bool = False
    ) -> list[tuple[DigestName, ListedObject]]:
        """The chain's digests of a day, backfill digests among them, unread.

        :param is_read_next: whether :meth:`day` is asked for that day right after this, and need not list it again.
        :raises CannotLook: a bucket could not be listed.
        """
        if day not in self._days(location).digests:
            return []
        listed = self._listed(location.bucket, location.digests_on(self._chain.region, day))
        if is_read_next:
            self._known = (location, day), listed
        named = ((DigestName.parse(entry.name), entry) for entry in listed)
        return [
            (name, entry)
            for name, entry in named
            if name is not None and name.location == location and self._is_own(name)
        ]

    def _is_own(self, name: DigestName) -> bool:
        return replace(name.chain, is_backfill=False) == self._chain

    def _listed(self, bucket: str, prefix: str) -> list[ListedObject]:
        try:
            found = self._store.objects(bucket, prefix)
            return [entry for entry in found if not is_marker(entry)]
        except ApiError as error:
            if error.code == "NoSuchBucket":
                return []
            raise

    def _sorted(
        self, location: DeliveryLocation, listing: Iterable[ListedObject], limit: int
    ) -> tuple[list[DigestName], list[DigestName], list[ObjectName]]:
        """The chain's own digests, those of other trails, and what is none of either.

        :param limit: how many digests are looked at.
        """
        own, others, foreign = list[DigestName](), list[DigestName](), list[ObjectName]()
        for entry in listing:
            name = DigestName.parse(entry.name)
            # CloudTrail signs for every trail of every account: what lies deeper may be genuine, and another's.
            if name is None or name.location != location or len(own) + len(others) >= limit:
                foreign.append(entry.name)
            else:
                (own if self._is_own(name) else others).append(name)
        return own, others, foreign

    def digests(self, named: Sequence[DigestName]) -> list[DigestFile]:
        """Read digests, several at once."""
        unsigned = _ByteLimit(_MAX_UNSIGNED_BYTES)
        reads = self._pools.digests.start(lambda names: self._read_digests(names, unsigned), named)
        return [file for future, _ in reads for file in future.result()]

    def expected(
        self, name: ObjectName, locations: Collection[DeliveryLocation]
    ) -> tuple[list[DigestFile], DeliveryLocation | None]:
        """A digest that the chain names but no listing showed; with its whole day when it lies in a new location.

        :param locations: where the chain is known to lie.
        :returns: the files, and the new location.
        """
        named = DigestName.parse(name)
        if named is None:
            return [], None
        (file,) = self.digests([named])
        if file.digest is None or not self._origin.may_be_followed or named.location in locations:
            return [file], None
        return [file, *self.day([named.location], named.end.date()).hourly], named.location

    def _read_digests(self, named: Sequence[DigestName], unsigned: _ByteLimit) -> list[DigestFile]:
        results = self._store.read_each(
            [name.name for name in named], lambda _: GzipSink(MAX_DIGEST_BYTES, keep_body=True)
        )
        return [self._examined(name, result, unsigned) for name, result in zip(named, results, strict=True)]

    def _examined(self, named: DigestName, result: ReadResult[Content], unsigned: _ByteLimit) -> DigestFile:
        file = check_digest_file(named, result, self._keys, self._origin)
        if (
            file.signature_status is SignatureStatus.VALID
            or not isinstance(result, Found)
            or unsigned.grants(result.value.size_bytes)
        ):
            return file
        return replace(
            file,
            digest=None,
            signature_status=SignatureStatus.MALFORMED,
            why="it is one of too many that are not signed",
        )

    def logs(self, references: Iterable[LogReference]) -> LogReads:
        """Start to read and hash log files."""
        return self._pools.logs.start(self._read_logs, references)

    def contents(self, names: Sequence[ObjectName]) -> list[ReadResult[Content]]:
        """Read files, whoever names them."""
        return self._store.read_each(names, lambda _: GzipSink(MAX_LOG_BYTES))

    def read_unlisted(self, name: ObjectName) -> None:
        """Read a file of which only the listing tells something, if that is wanted. What it holds is of no matter."""
        if self._logs is LogReading.ALL:
            self._store.read_each([name], lambda _: GzipSink(MAX_LOG_BYTES))

    def _read_logs(self, references: Sequence[LogReference]) -> list[ReadResult[Content]]:
        return self._store.read_each([log.name for log in references], lambda _: GzipSink(MAX_LOG_BYTES))


def days_back(newest: date, oldest: date) -> Iterable[date]:
    """From the newest day to the oldest."""
    return (newest - timedelta(days=number) for number in range((newest - oldest).days + 1))


def calls_in_logs(store: ObjectStore, digests: Iterable[Digest], trail: TrailName, region: str) -> Iterator[TrailCall]:
    """The calls on the trail in the logs of proven digests. Logs that do not match their digest say nothing."""
    for digest in digests:
        for log in digest.logs:
            (result,) = store.read_each(
                [log.name], lambda _: GzipSink(_MAX_SEARCHED_BYTES, keep_body=True)
            )  # one at a time: it is kept
            if isinstance(result, Found) and result.value.sha256 == log.sha256 and result.value.body is not None:
                yield from _calls(result.value.body, trail, digest.account, region)


def _calls(body: bytes | bytearray, trail: TrailName, account: str, region: str) -> Iterator[TrailCall]:
    if trail.name.encode() not in body:
        return
    try:
        records = json.loads(body).get("Records", ())
    except (ValueError, AttributeError, RecursionError):
        return
    for record in records if isinstance(records, list) else ():
        if isinstance(record, dict):
            call = call_in(record, trail.name, trail.arn, Source.SIGNED, account, region)
            if call is not None:
                yield call
