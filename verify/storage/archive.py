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

from msgspec.structs import replace

from verify.errors import CannotLook
from verify.storage.folder import (
    KEPT,
    METADATA,
    OBJECTS,
    BundleObjectStore,
    KeptObject,
    kept_lines,
    kept_path,
    other_path,
)
from verify.storage.objects import Found, Level, ListedObject, ObjectName, ObjectStore, ReadResult, Sink, T, Unreadable

_MAX_BYTES = 2**32
_PARTIAL = "partial"  # beside the objects, for what lies among them is evidence
_HALF = ".partial-"


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
            # What interrupted exports kept; the last line of them may be half a line.
            lines = kept_lines(folder / KEPT) if (folder / KEPT).exists() else ()
            self._before = dict(kept for _, kept in lines if kept is not None)
        except OSError as error:
            raise CannotLook(f"--output {str(folder)!r} cannot be used: {error}") from error
        self._kept = BundleObjectStore(folder, self._before)
        self._now: dict[ObjectName, KeptObject] = {}
        self._written: dict[ObjectName, int] = {}  # of what is kept, by the listings of today

    def finish(self) -> None:
        """When no more is to be read: say what was kept, and remove what interrupted exports left, and nothing else.

        :raises CannotLook: the folder cannot be written to.
        """
        with suppress(OSError):
            for left in (self._folder / _PARTIAL).glob(f"{_HALF}*"):
                left.unlink()
            (self._folder / _PARTIAL).rmdir()
        for name, before in self._before.items():
            now = self._now.get(name)
            if now is None or now.is_renamed != before.is_renamed:
                place = other_path if before.is_renamed else kept_path
                _remove(self._folder / OBJECTS, place(self._folder, OBJECTS, name))
            for place in (kept_path, other_path) if now is None else ():
                _remove(self._folder / METADATA, place(self._folder, METADATA, name))
        try:
            text = "".join(kept.line(name) for name, kept in sorted(self._now.items(), key=lambda item: item[0]))
            write_atomically(self._folder / KEPT, text)
        except OSError as error:
            raise CannotLook(f"{self._folder} cannot be written to: {error}") from error

    def level(self, bucket: str, prefix: str) -> Level:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return self._source.level(bucket, prefix)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        for entry in self._source.objects(bucket, prefix):
            if entry.name in self._before:
                self._written[entry.name] = _second(entry.last_modified)
            yield entry

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        results = self._read_kept([name for name in names if name in self._before], sink)
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
        wanted = list(dict.fromkeys(names))
        found = self._kept.read_each(wanted, sink)
        results: dict[ObjectName, ReadResult[T]] = {
            name: result
            for name, result in zip(wanted, found, strict=True)
            if isinstance(result, Found)
            and name not in self._kept.altered
            and self._written.get(name) == _second(result.last_modified)
        }
        with self._lock:
            self._now |= {name: self._before[name] for name in results}
        return results

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
            size = os.fstat(file.fileno()).st_size
        text = json.dumps(dict(result.metadata), indent=2) if result.metadata else ""
        of_metadata = hashlib.sha256(text.encode()).hexdigest() if text else ""
        kept = KeptObject(sha256, size, result.last_modified, metadata_sha256=of_metadata)
        for old in (kept_path(self._folder, METADATA, name), other_path(self._folder, METADATA, name)):
            with suppress(OSError):  # what it had when it was kept before is not what it has now
                old.unlink()
        if text:
            self._place(METADATA, name, lambda path: write_atomically(path, text))
        self._note(name, kept)  # first: of what is noted and not there, nothing is believed
        if self._place(OBJECTS, name, lambda path: _renamed(Path(partial.name), path)):
            kept = replace(kept, is_renamed=True)
            self._note(name, kept)
        with self._lock:
            self._now[name] = kept

    def _note(self, name: ObjectName, kept: KeptObject) -> None:
        with self._lock, (self._folder / KEPT).open("a", encoding="utf-8") as lines:
            lines.write(kept.line(name))

    def _place(self, kind: str, name: ObjectName, write: Callable[[Path], None]) -> bool:
        """Write a file under an object's name, or under another one if there can be no file of that name.

        :returns: whether it is another one.
        """
        path = kept_path(self._folder, kind, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
        except OSError:
            path = other_path(self._folder, kind, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
            return True
        return False


def _second(moment: datetime) -> int:
    """S3 tells when an object was written to the second, and in a listing with zeros behind it."""
    return int(moment.timestamp())


def _renamed(partial: Path, path: Path) -> None:
    partial.rename(path)


def _remove(top: Path, path: Path) -> None:
    """Remove a file, and the folders above it that are empty then."""
    with suppress(OSError):
        path.unlink()
        for above in path.parents:
            if above == top:
                break
            above.rmdir()


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
