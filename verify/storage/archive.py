"""Keeps a copy in a folder of every object that is read: evidence is what was validated, byte for byte."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import IO, Generic

from verify.errors import CannotLook
from verify.storage.folder import METADATA, NAMES, OBJECTS, BundleObjectStore, hash_of, kept_path, other_path
from verify.storage.objects import Found, Level, ListedObject, ObjectName, ObjectStore, ReadResult, Sink, T, Unreadable

_MAX_BYTES = 2**32
_PARTIAL = "partial"  # beside the objects, for what lies among them is evidence
_HALF = ".partial-"
_SUMS = "kept.jsonl"


class ArchivingObjectStore:
    """Reads from another store, and keeps what it reads.

    What is kept already is read from the folder, if the listing shows it as it was when it was kept. A file appears
    under its name only when it is whole, so an export that was interrupted can simply be run again.

    :raises CannotLook: the folder cannot be made.
    """

    def __init__(self, source: ObjectStore, folder: Path) -> None:
        self._source = source
        self._folder = folder
        self._lock = Lock()
        self.unread: set[ObjectName] = set()
        try:
            for part in (OBJECTS, METADATA, _PARTIAL):
                (folder / part).mkdir(parents=True, exist_ok=True)
            self._sums = _sums_in(folder / _SUMS)
        except OSError as error:
            raise CannotLook(f"--output {str(folder)!r} cannot be used: {error}") from error
        self._kept = BundleObjectStore(folder)
        self._written: dict[ObjectName, int] = {}  # of what is kept, by the listings of today

    def tidy_up(self) -> None:
        """Remove what interrupted exports left half written, and nothing else, when no more is to be read."""
        with suppress(OSError):
            for left in (self._folder / _PARTIAL).glob(f"{_HALF}*"):
                left.unlink()
            (self._folder / _PARTIAL).rmdir()

    def level(self, bucket: str, prefix: str) -> Level:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return self._source.level(bucket, prefix)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        for entry in self._source.objects(bucket, prefix):
            if entry.name in self._sums:
                self._written[entry.name] = _second(entry.last_modified)
            yield entry

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        results = self._read_kept([name for name in names if name in self._sums], sink)
        missing = [name for name in dict.fromkeys(names) if name not in results]
        try:
            results |= self._fetch(missing, sink)
        except OSError as error:
            failed = Unreadable(CannotLook(f"{self._folder} cannot be written to: {error}"))
            results |= dict.fromkeys((name for name in missing if name not in results), failed)
        with self._lock:
            self.unread |= {name for name in names if isinstance(results[name], Unreadable)}
            self.unread -= {name for name in names if not isinstance(results[name], Unreadable)}
        return [results[name] for name in names]

    def _read_kept(
        self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]
    ) -> dict[ObjectName, ReadResult[T]]:
        """What an interrupted export kept, unless it is not what that export wrote, or not what is there today."""
        summing = {name: _Summing(sink(name)) for name in dict.fromkeys(names)}
        found = self._kept.read_each(list(summing), lambda name: summing[name])
        return {
            name: result
            for name, result in zip(summing, found, strict=True)
            if isinstance(result, Found)
            and summing[name].sha256() == self._sums[name]
            and self._written.get(name) == _second(result.last_modified)
        }

    def _fetch(
        self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]
    ) -> dict[ObjectName, ReadResult[T]]:
        with ExitStack() as stack:
            partials = {name: stack.enter_context(_partial_file(self._folder / _PARTIAL)) for name in names}
            found = self._source.read_each(names, lambda name: _Tee(sink(name), _rewound(partials[name])))
            results: dict[ObjectName, ReadResult[T]] = dict(zip(names, found, strict=True))
            for name, result in results.items():
                if isinstance(result, Found):
                    try:
                        self._keep(name, result, partials[name])
                    except OSError as error:
                        results[name] = Unreadable(CannotLook(f"it cannot be written to {self._folder}: {error}"))
            return results

    def _keep(self, name: ObjectName, result: Found[T], partial: IO[bytes]) -> None:
        partial.close()
        with Path(partial.name).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        moment = result.last_modified.timestamp()
        os.utime(partial.name, (moment, moment))
        for old in (kept_path(self._folder, METADATA, name), other_path(self._folder, METADATA, name)):
            with suppress(OSError):  # what it had when it was kept before is not what it has now
                old.unlink()
        if result.metadata:
            text = json.dumps(dict(result.metadata), indent=2)
            self._place(METADATA, name, lambda path: write_atomically(path, text))
        self._place(OBJECTS, name, lambda path: _renamed(Path(partial.name), path))
        with self._lock, (self._folder / _SUMS).open("a", encoding="utf-8") as sums:
            sums.write(json.dumps([name.bucket, name.key, sha256]) + "\n")

    def _place(self, kind: str, name: ObjectName, write: Callable[[Path], None]) -> None:
        """Write a file under an object's name, or under another one if there can be no file of that name."""
        path = kept_path(self._folder, kind, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
        except OSError:
            path = other_path(self._folder, kind, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
            (self._folder / NAMES).mkdir(exist_ok=True)
            write_atomically(self._folder / NAMES / hash_of(name), json.dumps({"bucket": name.bucket, "key": name.key}))


def _second(moment: datetime) -> int:
    """S3 tells when an object was written to the second, and in a listing with zeros behind it."""
    return int(moment.timestamp())


def _renamed(partial: Path, path: Path) -> None:
    partial.rename(path)


def _sums_in(path: Path) -> dict[ObjectName, str]:
    """The hashes of what an interrupted export kept."""
    found: dict[ObjectName, str] = {}
    if not path.is_file():
        return found
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with suppress(ValueError, TypeError, RecursionError):  # the last line may be half a line
                bucket, key, sha256 = json.loads(line)
                found[ObjectName(bucket, key)] = sha256
    return found


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that it is either there and whole or not there."""
    # A name of its own: two threads may write the same file at the same moment.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=_HALF, delete=False) as file:
        file.write(text)
    Path(file.name).rename(path)


@contextmanager
def _partial_file(folder: Path) -> Iterator[IO[bytes]]:
    """A file that is gone in the end, unless it was given a name of its own."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=_HALF, delete=False) as file:
        try:
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def _rewound(file: IO[bytes]) -> IO[bytes]:
    """The file from its start: a read that failed half way is tried again."""
    file.seek(0)
    file.truncate()
    return file


@dataclass(slots=True)
class _Tee(Generic[T]):
    """Passes on what it is fed and writes all of it, also what the sink does not want any more."""

    sink: Sink[T]
    file: IO[bytes]
    size_bytes: int = 0
    is_wanted: bool = True

    def feed(self, piece: bytes | memoryview) -> bool:
        """See :class:`verify.storage.objects.Sink`."""
        self.size_bytes += len(piece)
        self.file.write(piece)
        self.is_wanted = self.is_wanted and self.sink.feed(piece)
        return self.size_bytes < _MAX_BYTES

    def finish(self) -> T:
        """See :class:`verify.storage.objects.Sink`."""
        return self.sink.finish()


class _Summing(Generic[T]):
    """Passes on what it is fed, and hashes all of it."""

    def __init__(self, sink: Sink[T]) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self._is_wanted = True

    def feed(self, piece: bytes | memoryview) -> bool:
        """See :class:`verify.storage.objects.Sink`."""
        self._hash.update(piece)
        self._is_wanted = self._is_wanted and self._sink.feed(piece)
        return True

    def finish(self) -> T:
        """See :class:`verify.storage.objects.Sink`."""
        return self._sink.finish()

    def sha256(self) -> str:
        """Of the file as it is, in lower-case hex."""
        return self._hash.hexdigest()
