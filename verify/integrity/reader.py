"""Reads the files of one chain: digests in full, logs by name; and finds in logs when the trail was switched."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Protocol, TypeAlias

from verify.errors import ApiError
from verify.integrity.digests.digest import Digest, LogReference
from verify.integrity.digests.digest_file import DigestFile, SignatureStatus, check_digest_file
from verify.integrity.digests.public_keys import KeyRing
from verify.integrity.timeline.logging_history import Switching, switching_of
from verify.storage.gzip_content import MAX_DIGEST_BYTES, MAX_LOG_BYTES, Content, GzipSink
from verify.storage.layout import ChainName, DeliveryLocation, DigestName
from verify.storage.objects import Found, ListedObject, ObjectName, ObjectStore, ReadResult
from verify.storage.read_pool import R, Reads, T, open_read_pool
from verify.storage.transfers import AT_ONCE
from verify.threads import concurrently

_MAX_DIGESTS_A_DAY = 50_000
_MAX_SEARCHED_BYTES = 64 * 2**20
# An attacker decides how many digests without a signature there are, and what they list.
_MAX_UNSIGNED_BYTES = 64 * 2**20


# Logs that are being read.
LogReads: TypeAlias = Reads[ReadResult[Content], LogReference]


class BackgroundReader(Protocol):
    """See :class:`verify.storage.read_pool.ReadPool`."""

    def start(self, read_each: Callable[[list[T]], Sequence[R]], names: Iterable[T]) -> Reads[R, T]:
        """Start to read."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Threads of three kinds, so that no thread waits for one of its own kind.

    :param days: lists what is read ahead.
    :param digests: reads digests, few at once, because their contents are in memory.
    :param logs: reads logs.
    """

    days: Executor
    digests: BackgroundReader
    logs: BackgroundReader

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Pools]:
        """Threads for one validation."""
        with (
            concurrently(8) as days,
            open_read_pool(1, at_once=32) as digests,
            open_read_pool(2, at_once=AT_ONCE) as logs,
        ):
            yield cls(days, digests, logs)


@dataclass(slots=True)
class DayFiles:
    """What lies in the folders of one day.

    :param hourly: the digests of the chain that are listed.
    :param backfill: the backfill digests that are listed.
    :param others: digests of other trails, unread.
    :param foreign: objects among the digests that are not digests.
    :param logs: everything in the folder of the logs.
    """

    hourly: list[DigestFile] = field(default_factory=list)
    backfill: list[DigestFile] = field(default_factory=list)
    others: list[DigestName] = field(default_factory=list)
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


class _Allowance:
    """A number of bytes, granted to whoever asks first."""

    def __init__(self, size_bytes: int) -> None:
        self._left_bytes = size_bytes
        self._lock = Lock()

    def grants(self, size_bytes: int) -> bool:
        with self._lock:
            self._left_bytes -= size_bytes
            return self._left_bytes >= 0


class ChainReader:
    """Fetches what the validation of one chain asks for.

    :param pools: run the reads.
    :param is_copy: every object is looked for in the location's own bucket, whatever bucket its name says.
    :param reads_unlisted: whether files that no digest lists are read too, so that the store archives them.
    """

    def __init__(
        self,
        store: ObjectStore,
        pools: Pools,
        chain: ChainName,
        keys: KeyRing,
        *,
        is_copy: bool,
        with_logs: bool,
        reads_unlisted: bool,
    ) -> None:
        self._store = store
        self._pools = pools
        self._chain = chain
        self._keys = keys
        self._is_copy = is_copy
        self._with_logs = with_logs
        self._reads_unlisted = reads_unlisted

    def day(self, locations: Iterable[DeliveryLocation], day: date) -> DayFiles:
        """Everything of a day.

        :raises CannotLook: a bucket could not be listed.
        """
        files = DayFiles()
        named: list[DigestName] = []
        for location in locations:
            digests, logs = self.listing(location, day)
            self._sort(digests, files, named)
            files.listed += [*digests, *logs]
            files.logs += logs
        for file in self.digests(named):
            (files.backfill if file.named.chain.is_backfill else files.hourly).append(file)
        return files

    def listing(self, location: DeliveryLocation, day: date) -> tuple[list[ListedObject], list[ListedObject]]:
        """What lies among the digests and among the logs of a day.

        :raises CannotLook: a bucket could not be listed.
        """
        digests = self._listed(location.bucket, location.digests_on(self._chain.region, day))
        logs = self._listed(location.bucket, location.logs_on(self._chain.region, day)) if self._with_logs else []
        return digests, logs

    def has_digest_after(self, moment: datetime, location: DeliveryLocation, day: date) -> bool:
        """Whether a digest of the chain is listed on a day that ends after a moment.

        :raises CannotLook: a bucket could not be listed.
        """
        listed = self._listed(location.bucket, location.digests_on(self._chain.region, day))
        named = filter(None, (DigestName.parse(entry.name) for entry in listed))
        return any(name.chain == self._chain and name.end > moment for name in named)

    def _listed(self, bucket: str, prefix: str) -> list[ListedObject]:
        try:
            found = self._store.objects(bucket, prefix)
            return [entry for entry in found if entry.size_bytes or not entry.name.key.endswith("/")]
        except ApiError as error:
            if error.code == "NoSuchBucket":
                return []
            raise

    def _sort(self, listing: Iterable[ListedObject], files: DayFiles, named: list[DigestName]) -> None:
        for entry in listing:
            name = DigestName.parse(entry.name)
            if name is None or len(named) >= _MAX_DIGESTS_A_DAY:
                files.foreign.append(entry.name)
            elif (name.chain.trail, name.chain.home_region) == (self._chain.trail, self._chain.home_region):
                named.append(name)
            else:
                files.others.append(name)

    def digests(self, named: Sequence[DigestName]) -> list[DigestFile]:
        """Read digests, several at once."""
        unsigned = _Allowance(_MAX_UNSIGNED_BYTES)
        reads = self._pools.digests.start(lambda names: self._read_digests(names, unsigned), named)
        return [file for future, _ in reads for file in future.result()]

    def expected(self, name: ObjectName, locations: list[DeliveryLocation]) -> list[DigestFile]:
        """A digest that the chain names but no listing showed; with its whole day when it lies in a new location.

        :param locations: where the chain is known to lie; a new location is added.
        """
        named = DigestName.parse(name)
        if named is None:
            return []
        (file,) = self.digests([named])
        if file.digest is None or self._is_copy or named.location in locations:
            return [file]
        locations.append(named.location)
        return [file, *self.day([named.location], named.end.date()).hourly]

    def _read_digests(self, named: Sequence[DigestName], unsigned: _Allowance) -> list[DigestFile]:
        results = self._store.read_each(
            [name.name for name in named], lambda _: GzipSink(MAX_DIGEST_BYTES, keep_body=True)
        )
        return [self._checked(name, result, unsigned) for name, result in zip(named, results, strict=True)]

    def _checked(self, named: DigestName, result: ReadResult[Content], unsigned: _Allowance) -> DigestFile:
        file = check_digest_file(named, result, self._keys, is_copy=self._is_copy)
        if file.signature_status is SignatureStatus.VALID or not isinstance(result, Found):
            return file
        if unsigned.grants(result.value.size_bytes):
            return file
        why = "it is one of too many that are not signed"
        return replace(file, digest=None, signature_status=SignatureStatus.MALFORMED, why=why)

    def logs(self, references: Iterable[LogReference]) -> LogReads:
        """Start to read and hash log files."""
        return self._pools.logs.start(self._read_logs, references)

    def read_unlisted(self, name: ObjectName) -> None:
        """Read a file that no digest lists, if that is wanted, so that the store archives it."""
        if self._reads_unlisted:
            self._store.read_each([name], lambda _: GzipSink(MAX_LOG_BYTES))

    def _read_logs(self, references: Sequence[LogReference]) -> list[ReadResult[Content]]:
        return self._store.read_each([log.name for log in references], lambda _: GzipSink(MAX_LOG_BYTES))


def days_back(newest: date, oldest: date) -> Iterable[date]:
    """From the newest day to the oldest."""
    return (newest - timedelta(days=number) for number in range((newest - oldest).days + 1))


def switchings_in_logs(
    store: ObjectStore, digests: Iterable[Digest], trail_name: str, trail_arn: str
) -> Iterator[Switching]:
    """The switchings in the logs of proven digests. Logs that do not match their digest say nothing."""
    for digest in digests:
        for log in digest.logs:
            (result,) = store.read_each(
                [log.name], lambda _: GzipSink(_MAX_SEARCHED_BYTES, keep_body=True)
            )  # one at a time: its content is in memory
            if isinstance(result, Found) and result.value.sha256 == log.sha256 and result.value.body is not None:
                yield from _switchings(result.value.body, trail_name, trail_arn)


def _switchings(body: bytes, trail_name: str, trail_arn: str) -> Iterator[Switching]:
    if trail_name.encode() not in body:
        return
    try:
        records = json.loads(body).get("Records", ())
    except (ValueError, AttributeError, RecursionError):
        return
    for record in records if isinstance(records, list) else ():
        switching = switching_of(record, trail_name, trail_arn) if isinstance(record, dict) else None
        if switching is not None:
            yield switching
