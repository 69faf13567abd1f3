"""A copy of buckets in a folder. Nothing here talks to AWS.

Two layouts are understood: ``FOLDER/objects/BUCKET/KEY`` with the metadata beside it (an evidence bundle), and
``FOLDER/KEY``, as ``aws s3 sync s3://BUCKET FOLDER`` leaves it, without metadata.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from verify.errors import CannotLook, UsageError
from verify.storage.objects import Absent, Found, ListedObject, ObjectName, ReadResult, Sink, T, Unreadable

OBJECTS = "objects"
METADATA = "metadata"
_PIECE_BYTES = 2**20
_EMPTY = "%"  # stands for a folder without a name; in any other name a percent sign is followed by its code
_MAX_METADATA_BYTES = 2**16


def path_in(folder: Path, key: str) -> Path:
    """Where a key's object lies below a folder. No key leads out of it.

    Characters that a file system may not allow are percent-encoded, and so are ``.`` and ``..``.
    """
    parts = [quote(part, safe=" !$&'()+,-.=@_~") for part in key.split("/")]
    return folder.joinpath(*(part if part.strip(".") else part.replace(".", "%2E") or _EMPTY for part in parts))


def key_of(folder: Path, path: Path) -> str:
    """The key of the object at ``path``; the inverse of :func:`path_in`."""
    return "/".join("" if part == _EMPTY else unquote(part) for part in path.relative_to(folder).parts)


class FolderObjectStore:
    """A copy of one or more buckets.

    :raises UsageError: there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(f"--source {str(folder)!r} is not a folder. Name one, or a bucket as s3://NAME.")
        self._folder = folder
        self.is_bundle = (folder / OBJECTS).is_dir()

    def buckets(self) -> tuple[str, ...]:
        """The buckets of an evidence bundle; a plain copy is one bucket without a name."""
        names = (unquote(path.name) for path in (self._folder / OBJECTS).iterdir()) if self.is_bundle else ("",)
        return tuple(sorted(names))

    def folders(self, bucket: str, prefix: str) -> tuple[str, ...]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        root = self._root(bucket)
        with self._reading():
            inside = path_in(root, prefix.rstrip("/")) if prefix else root
            entries = sorted(inside.iterdir()) if inside.is_dir() else []
            return tuple(unquote(entry.name) for entry in entries if entry.is_dir() and not entry.is_symlink())

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        root = self._root(bucket)
        start = path_in(root, prefix.rpartition("/")[0]) if "/" in prefix else root
        for path in self._files(start):
            key = key_of(root, path)
            if key.startswith(prefix):
                yield self._listed(ObjectName(bucket, key), path)

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return [self._read(name, sink(name)) for name in names]

    def _read(self, name: ObjectName, into: Sink[T]) -> ReadResult[T]:
        path = path_in(self._root(name.bucket), name.key)
        try:
            with self._inside(path).open("rb") as file:
                modified = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
                while (piece := file.read(_PIECE_BYTES)) and into.feed(piece):
                    pass
            return Found(into.finish(), self._metadata(name), modified)
        except (FileNotFoundError, NotADirectoryError):
            return Absent()
        except (OSError, ValueError) as error:
            return Unreadable(CannotLook(f"{path}: {error}"))

    def _root(self, bucket: str) -> Path:
        return path_in(self._folder / OBJECTS, bucket) if self.is_bundle else self._folder

    def _files(self, start: Path) -> Iterator[Path]:
        with self._reading():
            entries = sorted(os.scandir(start), key=lambda entry: entry.name) if start.is_dir() else []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from self._files(Path(entry.path))
            else:
                yield Path(entry.path)

    def _listed(self, name: ObjectName, path: Path) -> ListedObject:
        with self._reading():
            stat = path.lstat()
        # A file's times can be set to anything: they say nothing of whether it was written again.
        return ListedObject(name, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC), etag="")

    def _metadata(self, name: ObjectName) -> Mapping[str, str]:
        path = path_in(self._folder / METADATA, f"{name.bucket}/{name.key}.json") if self.is_bundle else None
        if path is None or not path.is_file() or path.stat().st_size > _MAX_METADATA_BYTES:
            return {}
        fields = json.loads(self._inside(path).read_bytes())
        return (
            {key: value for key, value in fields.items() if isinstance(value, str)} if isinstance(fields, dict) else {}
        )

    def _inside(self, path: Path) -> Path:
        """The real path of a regular file.

        :raises OSError: it is no regular file, or a link leads out of the folder.
        """
        real = path.resolve(strict=True)
        if not real.is_relative_to(self._folder.resolve()):
            raise OSError("a link in it leads out of the folder")
        if not real.is_file():
            raise OSError("it is not a regular file")
        return real

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CannotLook(f"The folder cannot be read: {error}") from error
