"""Keeps a copy in a folder of every object that is read: evidence is what was validated, byte for byte."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Generic

from verify.errors import CannotLook
from verify.logs.folder import METADATA, OBJECTS, FolderObjectStore, path_in
from verify.logs.objects import Found, ListedObject, ObjectName, ObjectStore, ReadResult, Sink, T, Unreadable

_MAX_BYTES = 2**32
_PARTIAL = "partial"  # beside the objects, for what lies among them is evidence


class KeepingObjectStore:
    """Reads from another store, and keeps what it reads; what is kept already is read from the folder.

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
        self._kept = FolderObjectStore(folder)

    def folders(self, bucket: str, prefix: str) -> tuple[str, ...]:
        """See :class:`verify.logs.objects.ObjectStore`."""
        return self._source.folders(bucket, prefix)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.logs.objects.ObjectStore`."""
        return self._source.objects(bucket, prefix)

    def read(self, name: ObjectName, sink: Callable[[], Sink[T]]) -> ReadResult[T]:
        """See :class:`verify.logs.objects.ObjectStore`."""
        kept = self._kept.read(name, sink)
        if isinstance(kept, Found):
            return kept
        path = path_in(self._folder / OBJECTS, f"{name.bucket}/{name.key}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder / _PARTIAL, delete=False) as file:
                try:
                    return self._keep(name, path, file, Path(file.name), sink)
                finally:
                    with suppress(FileNotFoundError):
                        Path(file.name).unlink()
        except OSError as error:
            return Unreadable(CannotLook(f"{path} cannot be written: {error}"))

    def _keep(
        self, name: ObjectName, path: Path, file: IO[bytes], partial: Path, sink: Callable[[], Sink[T]]
    ) -> ReadResult[T]:
        result = self._source.read(name, lambda: _Tee(sink(), _rewound(file)))
        if isinstance(result, Found):
            file.close()
            if result.metadata:
                self._write_metadata(name, json.dumps(dict(result.metadata), indent=2))
            moment = result.last_modified.timestamp()
            os.utime(partial, (moment, moment))
            partial.rename(path)
        return result

    def _write_metadata(self, name: ObjectName, text: str) -> None:
        path = path_in(self._folder / METADATA, f"{name.bucket}/{name.key}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is either there and whole or not there."""
    # A name of its own: two threads may write the same file at the same moment.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".partial-", delete=False) as file:
        file.write(text)
    Path(file.name).rename(path)


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
        """See :class:`verify.logs.objects.Sink`."""
        self.size_bytes += len(piece)
        self.file.write(piece)
        self.is_wanted = self.is_wanted and self.sink.feed(piece)
        return self.size_bytes < _MAX_BYTES

    def finish(self) -> T:
        """See :class:`verify.logs.objects.Sink`."""
        return self.sink.finish()
