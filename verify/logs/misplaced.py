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
from verify.logs.coverage import NAMED, Span, days_of, is_delivered_in
from verify.storage.layout import DeliveryLocation
from verify.storage.objects import S3, Found, ListedObject, ObjectName, ObjectStore

DELIVERED_NAME = re.compile(
    r"(?P<account>[0-9]{12})_CloudTrail_(?P<region>[a-z0-9-]+)_(?P<time>[0-9]{8}T[0-9]{4})Z_[A-Za-z0-9]+\.json(?:\.gz)?"
)
# What CloudTrail writes without digests has such a name, too.
_NAMED = re.compile(DELIVERED_NAME.pattern.replace("_CloudTrail_", "_CloudTrail(?:-[A-Za-z]+)?_"))
# A folder tells whose files it has, of which region and of which year, month or day.
_PLACE = re.compile(
    r"(?:^|/)AWSLogs/(?:o-[a-z0-9]{10,32}/)?(?P<account>[0-9]{12})/"
    r"(?:[^/]+/(?P<region>[a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]{1,2})/(?:(?P<day>[0-9]{4}(?:/[0-9]{2}){0,2})/)?)?"
)
# Beside logs there often lies what tells of them.
NO_LOGS = (".md", ".txt")
NO_LOG_NAMES = ("LICENSE", ".DS_Store", "Thumbs.db", "desktop.ini")
_MOST_FILES, _READ_AT_ONCE = 100_000, 32
_MOST_LISTED, MOST_REQUESTS = 10_000, 200  # of a bucket
_START_BYTES, _LEAST_BYTES = 2**16, 2**12
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31
_OF_EVENTS = re.compile(rb'"(?:eventVersion|Records)"\s*:')
# Below a region's folder of events without digests: the year, the month and the day.
_LEVELS = tuple(map(re.compile, ("[0-9]{4}", "[0-9]{2}", "[0-9]{2}")))
# Told the account and the region of a file, ``""`` where nothing tells it.
Takes = Callable[[str, str], bool]


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
    store: ObjectStore, subjects: Iterable[str], takes: Takes, period: Span | None, most_read: int | None = None
) -> Misplaced:
    """Look at objects, and at all that lies in folders, of which the layout knows nothing.

    :param subjects: as :func:`verify.storage.objects.address` writes them; a folder ends in a slash.
    :param takes: whether files of an account and region were asked for; a file's name tells them, or else its folder.
    :param period: the time that was asked for; ``None`` for all.
    :param most_read: of how many others the beginning is read. Default: - of as many as are looked at.
    """
    found = Misplaced()
    unnamed: list[ObjectName] = []
    days = _known_days(period)
    most = _MOST_FILES if most_read is None else _MOST_LISTED
    for number, entry in enumerate(islice(_entries(store, subjects, found.problems), most + 1)):
        last = entry.name.key.rpartition("/")[2]
        named = _NAMED.fullmatch(last)
        moment = _moment(named["time"]) if named else None
        if number == most or len(unnamed) == most_read:
            found.problems.append(
                f"{entry.name} and what comes after it lie where CloudTrail puts none: too many to see."
            )
            break
        if named is not None and moment is not None:
            if takes(named["account"], named["region"]) and is_delivered_in(moment, period):
                found.logs.append(str(entry.name))
        elif last and not last.endswith(NO_LOGS) and last not in NO_LOG_NAMES and _is_place_asked(entry, takes, days):
            unnamed.append(entry.name)
    for first in range(0, len(unnamed), _READ_AT_ONCE):
        some = unnamed[first : first + _READ_AT_ONCE]
        for name, result in zip(some, store.read_each(some, lambda _: _Start()), strict=True):
            is_other = isinstance(result, Found) and not _begins_as_a_log(result.value)
            (found.others if is_other else found.logs).append(str(name))
    return found


def _known_days(period: Span | None) -> frozenset[str] | None:
    """The years, months and days of a period, as folders have them."""
    if period is None:
        return None
    return frozenset(day.strftime(form) for day in days_of(period) for form in ("%Y", "%Y/%m", "%Y/%m/%d"))


def _is_place_asked(entry: ListedObject, takes: Takes, days: frozenset[str] | None) -> bool:
    """Whether the folder of a file whose name tells nothing may hold what was asked for."""
    place = _PLACE.search(entry.name.key)
    if place is None:
        return True
    is_in_period = days is None or place["day"] is None or place["day"] in days
    return is_in_period and takes(place["account"], place["region"] or "")


def outside_days(store: ObjectStore, location: DeliveryLocation, kind: str, regions: Collection[str]) -> Iterator[str]:
    """What lies in an account's folder of events without digests, and in no folder of a day.

    :param regions: those of which the days are read.
    """
    folders = [f"{location.root}{kind}/"]
    levels: list[Callable[[str], object]] = [regions.__contains__, *(level.fullmatch for level in _LEVELS)]
    for is_known in levels:
        below: list[str] = []
        for folder in folders:
            try:
                there = store.level(location.bucket, folder)
            except CannotLook:
                yield str(ObjectName(location.bucket, folder))  # that it cannot be listed is told of it
                continue
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
            yield from listed
        except CannotLook as error:
            problems.append(f"{subject} could not be listed: {error}")


def _name_of(subject: str) -> ObjectName:
    if not subject.startswith(S3):
        return ObjectName("", subject)
    bucket, _, key = subject.removeprefix(S3).partition("/")
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
    packed, content = start, b""
    while packed[:2] == _GZIP and len(content) < _START_BYTES:  # of several parts, the first ones may be empty
        inflater = zlib.decompressobj(_GZIP_WINDOW)
        try:
            content += inflater.decompress(packed, _START_BYTES - len(content))
        except zlib.error:
            return True
        if not inflater.eof and len(content) < _LEAST_BYTES:
            return True
        packed = inflater.unused_data
    content = content if start[:2] == _GZIP else start
    return _OF_EVENTS.search(content.replace(b"\0", b"")) is not None  # PowerShell writes UTF-16
