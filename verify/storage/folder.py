"""A copy of buckets in a folder. Nothing here talks to AWS.

Two layouts are understood: ``FOLDER/KEY``, as ``aws s3 sync s3://BUCKET FOLDER`` leaves it, keys as they are, without
metadata (:class:`FolderObjectStore`), and ``FOLDER/objects/BUCKET/KEY`` with the metadata beside it, an evidence bundle
(:class:`BundleObjectStore`). A key that cannot be a file's name (a part of it is too long, or it continues another
object's key) lies in ``FOLDER/objects/BUCKET/%renamed/HASH``, its name in ``FOLDER/names/HASH``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from verify.errors import CannotLook, UsageError
from verify.storage.objects import Absent, Found, Level, ListedObject, ObjectName, ReadResult, Sink, T, Unreadable

OBJECTS = "objects"
METADATA = "metadata"
NAMES = "names"
_PIECE_BYTES = 2**20
_LEFT_BY_DESKTOPS = (".DS_Store", "Thumbs.db", "desktop.ini")
_RENAMED = "%renamed"  # no key leads there: a percent sign is followed by a code, or by nothing
_EMPTY = "%"  # stands for a nameless folder; in any other name a percent sign is followed by its code
_MAX_METADATA_BYTES = 2**16


def path_in(folder: Path, key: str) -> Path:
    """Where a key's object lies below a folder. No key leads out of it.

    Characters that a file system may not bear are percent-encoded, and so are ``.`` and ``..``. So an export writes it.
    """
    parts = [quote(part, safe=" !$&'()+,-.=@_~") for part in key.split("/")]
    return folder.joinpath(*(part if part.strip(".") else part.replace(".", "%2E") or _EMPTY for part in parts))


def key_of(folder: Path, path: Path) -> str:
    """The key of the object at ``path``; the inverse of :func:`path_in`."""
    return "/".join(
        "" if part == _EMPTY else part if part == _RENAMED else unquote(part) for part in path.relative_to(folder).parts
    )


def kept_path(folder: Path, kind: str, name: ObjectName) -> Path:
    """Where a bundle keeps an object, or what belongs to it (``METADATA``), under its own name."""
    suffix = ".json" if kind == METADATA else ""
    return path_in(folder / kind, f"{name.bucket}/{name.key}{suffix}")


def other_path(folder: Path, kind: str, name: ObjectName) -> Path:
    """Where a bundle keeps it when its own name cannot be a file's."""
    suffix = ".json" if kind == METADATA else ""
    return path_in(folder / kind, name.bucket) / _RENAMED / f"{hash_of(name)}{suffix}"


def hash_of(name: ObjectName) -> str:
    """What stands for a name that cannot be a file's."""
    return hashlib.sha256(f"{name.bucket}/{name.key}".encode()).hexdigest()


class FolderObjectStore:
    """A copy of one bucket.

    :raises UsageError: there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(f"--source {str(folder)!r} is not a folder. Name one, or a bucket as s3://NAME.")
        self._folder = folder

    def level(self, bucket: str, prefix: str) -> Level:
        """See :class:`verify.storage.objects.ObjectStore`."""
        root = self._root(bucket)
        inside = self._at(root, prefix.removesuffix("/")) if prefix else root
        folders, objects = [], []
        for entry in self._entries(inside) if inside else ():
            if entry.is_dir(follow_symlinks=False):
                folders.append(self._name_at(Path(inside or root), Path(entry.path)))
            else:
                path = Path(entry.path)
                objects.append(self._listed(ObjectName(bucket, self._name_at(root, path)), path))
        return Level(tuple(folders), tuple(objects))

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        root = self._root(bucket)
        start = self._at(root, prefix.rpartition("/")[0]) if "/" in prefix else root
        for path in self._files(start) if start else ():
            key = self._name_at(root, path)
            if key.startswith(prefix):
                yield self._listed(ObjectName(bucket, key), path)

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return [self._read(name, sink(name)) for name in names]

    def _read(self, name: ObjectName, into: Sink[T]) -> ReadResult[T]:
        path = self._path(name)
        if path is None:
            return Absent()
        try:
            with self._inside(path).open("rb") as file:
                modified = _time_of(os.fstat(file.fileno()))
                while (piece := file.read(_PIECE_BYTES)) and into.feed(piece):
                    pass
            return Found(into.finish(), self._metadata(name), modified)
        except (FileNotFoundError, NotADirectoryError):
            return Absent()
        except (OSError, ValueError, RuntimeError) as error:  # a loop of links is a RuntimeError, so is too deep JSON
            return Unreadable(CannotLook(f"{path}: {error}"))

    def _root(self, bucket: str) -> Path:  # noqa: ARG002 - a copy is one nameless bucket
        return self._folder

    def _path(self, name: ObjectName) -> Path | None:
        return self._at(self._root(name.bucket), name.key)

    def _at(self, root: Path, key: str) -> Path | None:
        """Where an object lies: its key is the name of its file. ``None`` where no file can have the name."""
        parts = key.split("/")
        return None if "\0" in key or {"", ".", ".."} & set(parts) else root.joinpath(*parts)

    def _name_at(self, root: Path, path: Path) -> str:
        """The key of the object at a path: the inverse of :meth:`_at`."""
        return "/".join(path.relative_to(root).parts)

    def _files(self, start: Path) -> Iterator[Path]:
        """Every file below, in the order of a listing; without recursion, for folders may be a thousand deep."""
        waiting = [start] if start.is_dir() and not start.is_symlink() else []
        while waiting:
            path = waiting.pop()
            if path.is_dir() and not path.is_symlink():
                waiting += reversed([Path(entry.path) for entry in self._entries(path)])
            else:
                yield path

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        with self._reading():
            if not folder.is_dir():
                return []
            with os.scandir(folder) as entries:
                return sorted((entry for entry in entries if self._is_kept(entry)), key=lambda entry: entry.name)

    def _is_kept(self, entry: os.DirEntry[str]) -> bool:
        """Whether an entry stands for an object: a file that a desktop leaves in the folders that it shows does not."""
        return entry.name not in _LEFT_BY_DESKTOPS or not entry.is_file(follow_symlinks=False)

    def _listed(self, name: ObjectName, path: Path) -> ListedObject:
        with self._reading():
            stat = path.lstat()
        # A file's times can be set to anything: they say nothing of whether it was written again.
        return ListedObject(name, stat.st_size, _time_of(stat), etag="")

    def _metadata(self, name: ObjectName) -> Mapping[str, str]:  # noqa: ARG002 - a plain copy has none
        return {}

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


def _time_of(stat: os.stat_result) -> datetime:
    """What a file says of when it was written; the year 1970 where that is in no calendar."""
    try:
        return datetime.fromtimestamp(stat.st_mtime, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


class BundleObjectStore(FolderObjectStore):
    """The objects of an evidence bundle, with their metadata.

    :param unread: objects that the export could not read: nobody knows whether they were there.
    """

    def __init__(self, folder: Path, unread: frozenset[ObjectName] = frozenset()) -> None:
        super().__init__(folder)
        self._unread = unread

    def level(self, bucket: str, prefix: str) -> Level:
        """See :class:`verify.storage.objects.ObjectStore`."""
        found = super().level(bucket, prefix)
        return Level(tuple(name for name in found.folders if prefix or name != _RENAMED), found.objects)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.storage.objects.ObjectStore`. Keys that were renamed come last."""
        yield from (entry for entry in super().objects(bucket, prefix) if not entry.name.key.startswith(f"{_RENAMED}/"))
        renamed = path_in(self._folder / OBJECTS, bucket) / _RENAMED
        for entry in self._entries(renamed):
            name = self._name_of(entry.name)
            if name is not None and name.bucket == bucket and name.key.startswith(prefix):
                yield self._listed(name, Path(entry.path))

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return [
            Unreadable(CannotLook("the export could not read it"))
            if name in self._unread
            else self._read(name, sink(name))
            for name in names
        ]

    def _root(self, bucket: str) -> Path:
        return path_in(self._folder / OBJECTS, bucket)

    def _path(self, name: ObjectName) -> Path:
        return self._own_or_other(OBJECTS, name)

    def _at(self, root: Path, key: str) -> Path | None:
        return path_in(root, key)

    def _name_at(self, root: Path, path: Path) -> str:
        return key_of(root, path)

    def _own_or_other(self, kind: str, name: ObjectName) -> Path:
        try:
            other = other_path(self._folder, kind, name)
            return other if other.is_file() else kept_path(self._folder, kind, name)
        except OSError:  # a part of the name is too long for this file system
            return other_path(self._folder, kind, name)

    def _name_of(self, file_name: str) -> ObjectName | None:
        """The name of an object that lies under another one."""
        try:
            fields = json.loads((self._folder / NAMES / file_name).read_bytes())
            name = ObjectName(str(fields["bucket"]), str(fields["key"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return name if hash_of(name) == file_name else None

    def _metadata(self, name: ObjectName) -> Mapping[str, str]:
        path = self._own_or_other(METADATA, name)
        if not path.is_file() or path.stat().st_size > _MAX_METADATA_BYTES:
            return {}
        fields = json.loads(self._inside(path).read_bytes())
        return (
            {key: value for key, value in fields.items() if isinstance(value, str)} if isinstance(fields, dict) else {}
        )
