"""Archives in a folder every object that is read, byte for byte as it was validated."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Generic

from verify.errors import CannotLook
from verify.storage.folder import METADATA, OBJECTS, FolderObjectStore, path_in
from verify.storage.objects import Found, ListedObject, ObjectName, ObjectStore, ReadResult, Sink, T, Unreadable

_MAX_BYTES = 2**32
_PARTIAL = "partial"  # beside the objects: everything in their folder is evidence
_PARTIAL_PREFIX = ".partial-"


class ArchivingObjectStore:
    """Reads from another store and archives what it reads; what is archived already is read from the folder.

    A file appears under its name only when it is whole, so an export that was interrupted can simply be run again.

    :raises CannotLook: the folder cannot be made.
    """

    def __init__(self, source: ObjectStore, folder: Path) -> None:
        self._source = source
        self._folder = folder
        try:
            for part in (OBJECTS, METADATA, _PARTIAL):
                (folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotLook(f"--output {str(folder)!r} cannot be used: {error}") from error
        self._archived = FolderObjectStore(folder)

    def tidy_up(self) -> None:
        """Remove the partial files of interrupted exports, and nothing else, when no more is to be read."""
        with suppress(OSError):
            for left in (self._folder / _PARTIAL).glob(f"{_PARTIAL_PREFIX}*"):
                left.unlink()
            (self._folder / _PARTIAL).rmdir()

    def folders(self, bucket: str, prefix: str) -> tuple[str, ...]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return self._source.folders(bucket, prefix)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return self._source.objects(bucket, prefix)

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        results = dict(zip(names, self._archived.read_each(names, sink), strict=True))
        missing = [name for name, result in results.items() if not isinstance(result, Found)]
        try:
            results |= self._fetch(missing, sink)
        except OSError as error:
            results |= dict.fromkeys(missing, Unreadable(CannotLook(f"{self._folder} cannot be written to: {error}")))
        return [results[name] for name in names]

    def _fetch(
        self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]
    ) -> Mapping[ObjectName, ReadResult[T]]:
        with ExitStack() as stack:
            partials = {name: stack.enter_context(_partial_file(self._folder / _PARTIAL)) for name in names}
            found = self._source.read_each(names, lambda name: _Tee(sink(name), _rewound(partials[name])))
            results = dict(zip(names, found, strict=True))
            for name, result in results.items():
                if isinstance(result, Found):
                    self._archive(name, result, partials[name])
            return results

    def _archive(self, name: ObjectName, result: Found[T], partial: IO[bytes]) -> None:
        if result.metadata:
            self._write_metadata(name, json.dumps(dict(result.metadata), indent=2))
        partial.close()
        moment = result.last_modified.timestamp()
        os.utime(partial.name, (moment, moment))
        path = path_in(self._folder / OBJECTS, f"{name.bucket}/{name.key}")
        path.parent.mkdir(parents=True, exist_ok=True)
        Path(partial.name).rename(path)

    def _write_metadata(self, name: ObjectName, text: str) -> None:
        path = path_in(self._folder / METADATA, f"{name.bucket}/{name.key}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that it exists as a whole or not at all."""
    # A name of its own: two threads may write the same file at the same moment.
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=_PARTIAL_PREFIX, delete=False
    ) as file:
        file.write(text)
    Path(file.name).rename(path)


@contextmanager
def _partial_file(folder: Path) -> Iterator[IO[bytes]]:
    """A temporary file, removed in the end unless it was renamed."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=_PARTIAL_PREFIX, delete=False) as file:
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
    """Passes on what it is fed and writes all of it to a file, also what the sink does not want any more."""

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
