"""Files that lie where CloudTrail puts none, so that no answer has them: which of them look like its log files.

What CloudTrail wrote has a name that tells it, and whatever else was copied there shows it by its beginning: each
record begins with ``eventVersion``. Other files may lie beside log files, such as notes and keys.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from verify.errors import CannotLook
from verify.logs.coverage import NAMED
from verify.storage.layout import DeliveryLocation
from verify.storage.objects import Found, ListedObject, ObjectName, ObjectStore

DELIVERED_NAME = re.compile(
    r"(?P<account>[0-9]{12})_CloudTrail_(?P<region>[a-z0-9-]+)_(?P<time>[0-9]{8}T[0-9]{4})Z_[A-Za-z0-9]+\.json(?:\.gz)?"
)
# Beside logs there often lies what tells of them.
NO_LOGS = (".md", ".txt")
NO_LOG_NAMES = ("LICENSE", ".DS_Store", "Thumbs.db", "desktop.ini")
_S3 = "s3://"
_MOST_FILES, _READ_AT_ONCE = 10_000, 32
MOST_REQUESTS = 200  # to a bucket
_START_BYTES, _LEAST_BYTES = 2**16, 2**12
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31
_OF_EVENTS = re.compile(rb'"(?:eventVersion|Records)"\s*:')
# Below a region's folder of events without digests: the year, the month and the day.
_LEVELS = tuple(map(re.compile, ("[0-9]{4}", "[0-9]{2}", "[0-9]{2}")))
# Told the account, the region and the time of delivery of a file.
IsAsked = Callable[[str, str, datetime], bool]


@dataclass(slots=True)
class Misplaced:
    """What was found.

    :param logs: files that look like log files, or of which nothing can be seen.
    :param others: files that do not.
    :param problems: what could not be looked at, each as a sentence.
    """

    logs: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def holes(self) -> list[str]:
        """Why the answer may lack events, each as a sentence."""
        files = "1 file looks like a log file, or cannot be looked at, and lies"
        if len(self.logs) > 1:
            files = f"{len(self.logs):,} files look like log files, or cannot be looked at, and lie"
        told = f"{files} where CloudTrail puts none: not read. {_few(self.logs)}"
        return [*([f"{told}."] if self.logs else []), *self.problems]

    def notices(self) -> list[str]:
        """What the reader may want to know."""
        files = f"{len(self.others):,} files" if len(self.others) > 1 else "1 file"
        told = (
            f"{files} where CloudTrail puts none, and without any event at the beginning: not read. {_few(self.others)}"
        )
        return [f"{told}."] if self.others else []


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def look_at_misplaced(
    store: ObjectStore, subjects: Iterable[str], is_asked: IsAsked, most_read: int | None = None
) -> Misplaced:
    """Look at objects, and at all that lies in folders, of which the layout knows nothing.

    :param subjects: as :func:`verify.storage.objects.address` writes them; a folder ends in a slash.
    :param is_asked: of files whose names tell, whether they were asked for.
    :param most_read: of how many others the beginning is read. Default: - of as many as are looked at.
    """
    found = Misplaced()
    unnamed: list[ObjectName] = []
    entries = islice(_entries(store, subjects, found.problems), _MOST_FILES + 1)
    for number, entry in enumerate(entries):
        named = DELIVERED_NAME.fullmatch(entry.name.key.rpartition("/")[2])
        moment = _moment(named["time"]) if named else None
        if number == _MOST_FILES or len(unnamed) == most_read:
            found.problems.append(
                f"{entry.name} and what comes after it lie where CloudTrail puts none: too many to see."
            )
            break
        if named is None or moment is None:
            unnamed.append(entry.name)
        elif is_asked(named["account"], named["region"], moment):
            found.logs.append(str(entry.name))
    for first in range(0, len(unnamed), _READ_AT_ONCE):
        some = unnamed[first : first + _READ_AT_ONCE]
        for name, result in zip(some, store.read_each(some, lambda _: _Start()), strict=True):
            is_other = isinstance(result, Found) and not _begins_as_a_log(result.value)
            (found.others if is_other else found.logs).append(str(name))
    return found


def outside_days(store: ObjectStore, location: DeliveryLocation, kind: str, regions: Collection[str]) -> Iterator[str]:
    """What lies in an account's folder of events without digests, and in no folder of a day.

    :param regions: those of which the days are read.
    """
    folders = [f"{location.root}{kind}/"]
    levels: list[Callable[[str], object]] = [regions.__contains__, *(level.fullmatch for level in _LEVELS)]
    for is_known in levels:
        below: list[str] = []
        for folder in folders:
            there = store.level(location.bucket, folder)
            yield from (str(entry.name) for entry in there.objects)
            for name in there.folders:
                if is_known(name):
                    below.append(f"{folder}{name}/")
                else:
                    yield str(ObjectName(location.bucket, f"{folder}{name}/"))
        folders = below


def _entries(store: ObjectStore, subjects: Iterable[str], problems: list[str]) -> Iterator[ListedObject]:
    for subject in dict.fromkeys(subjects):
        name = _name_of(subject)
        try:
            listed = store.objects(name.bucket, name.key) if name.key.endswith("/") else [_entry(name)]
            for entry in listed:
                last = entry.name.key.rpartition("/")[2]
                if last and not last.endswith(NO_LOGS) and last not in NO_LOG_NAMES:
                    yield entry
        except CannotLook as error:
            problems.append(f"{subject} could not be listed: {error}")


def _name_of(subject: str) -> ObjectName:
    if not subject.startswith(_S3):
        return ObjectName("", subject)
    bucket, _, key = subject.removeprefix(_S3).partition("/")
    return ObjectName(bucket, key)


def _entry(name: ObjectName) -> ListedObject:
    return ListedObject(name, 0, datetime.min.replace(tzinfo=UTC), "")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


class _Start:
    """Takes in the beginning of a file."""

    def __init__(self) -> None:
        self._start = b""

    def feed(self, piece: bytes | memoryview) -> bool:
        """See :class:`verify.storage.objects.Sink`."""
        self._start += bytes(piece[: _START_BYTES - len(self._start)])
        return len(self._start) < _START_BYTES

    def finish(self) -> bytes:
        """See :class:`verify.storage.objects.Sink`."""
        return self._start


def _begins_as_a_log(start: bytes) -> bool:
    """Whether events are at the beginning; of what is packed and damaged nobody knows, so that it may be one."""
    if start[:2] == _GZIP:
        inflater = zlib.decompressobj(_GZIP_WINDOW)
        try:
            start = inflater.decompress(start, _START_BYTES)
        except zlib.error:
            return True
        if not inflater.eof and len(start) < _LEAST_BYTES:
            return True
    return _OF_EVENTS.search(start) is not None
