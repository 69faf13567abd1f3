"""A copy of buckets in a folder. Nothing here talks to AWS.

Two layouts are understood: ``FOLDER/KEY``, as ``aws s3 sync s3://BUCKET FOLDER`` leaves it, keys as they are, without
metadata (:class:`FolderObjectStore`), and ``FOLDER/objects/BUCKET/KEY`` with the metadata beside it, an evidence bundle
(:class:`BundleObjectStore`). A key that cannot be a file's name (a part of it is too long, or it continues another
object's key) lies in ``FOLDER/objects/BUCKET/%renamed/HASH``. ``FOLDER/kept.jsonl`` says of every object what was kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Generic
from urllib.parse import quote

from msgspec import Struct

from verify.errors import CannotLook, UsageError
from verify.storage.objects import Absent, Found, Level, ListedObject, ObjectName, ReadResult, Sink, T, Unreadable

OBJECTS = "objects"
METADATA = "metadata"
KEPT = "kept.jsonl"
_PIECE_BYTES = 2**20
_LEFT_BY_DESKTOPS = (".DS_Store", "Thumbs.db", "desktop.ini")
_RENAMED = "%renamed"  # no key leads there: a percent sign is followed by a code, or by nothing
_EMPTY = "%"  # stands for a nameless folder; in any other name a percent sign is followed by its code
_NO_NAMES = frozenset({"", ".", ".."})
_MAX_METADATA_BYTES = 2**16
_MAX_KEPT_BYTES = 2**31
_MAX_LINE_BYTES = 2**16
_MAX_SEARCHED = 10_000  # entries of folders that no export made
_SHA256 = re.compile(r"[0-9a-f]{64}")
# A copy's file times are those of the copying, and whoever has the file can set them: they say nothing.
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def path_in(folder: Path, key: str) -> Path:
    """Where an export puts a key's object below a folder. No key leads out of it.

    Characters that a file system may not bear are percent-encoded, and so are ``.`` and ``..``.
    """
    parts = [quote(part, safe=" !$&'()+,-.=@_~") for part in key.split("/")]
    return folder.joinpath(*(part if part.strip(".") else part.replace(".", "%2E") or _EMPTY for part in parts))


def kept_path(folder: Path, kind: str, name: ObjectName) -> Path:
    """Where a bundle keeps an object, or what belongs to it (``METADATA``), under its own name."""
    suffix = ".json" if kind == METADATA else ""
    return path_in(folder / kind, f"{name.bucket}/{name.key}{suffix}")


def other_path(folder: Path, kind: str, name: ObjectName) -> Path:
    """Where a bundle keeps it when its own name cannot be a file's."""
    suffix = ".json" if kind == METADATA else ""
    hashed = hashlib.sha256(f"{name.bucket}/{name.key}".encode()).hexdigest()
    return path_in(folder / kind, name.bucket) / _RENAMED / f"{hashed}{suffix}"


class KeptObject(Struct, frozen=True):
    """What an export wrote of an object that it kept.

    :param sha256: of the file as it is, in lower-case hex.
    :param written: when S3 wrote the object.
    :param is_renamed: whether it lies under another name than its own.
    :param metadata_sha256: of the file that holds its metadata; ``""`` where it has none.
    """

    sha256: str
    size_bytes: int
    written: datetime
    is_renamed: bool = False
    metadata_sha256: str = ""

    def line(self, name: ObjectName) -> str:
        """As ``kept.jsonl`` has it."""
        file = [self.sha256, self.size_bytes, self.written.isoformat(), self.is_renamed, self.metadata_sha256]
        return json.dumps([name.bucket, name.key, *file]) + "\n"


def kept_lines(path: Path) -> Iterator[tuple[bytes, tuple[ObjectName, KeptObject] | None]]:
    """The lines of ``kept.jsonl``, each with what it says; ``None`` for one that an export did not write.

    :raises OSError: it cannot be read.
    """
    read = 0
    if not path.is_file():
        raise FileNotFoundError(2, "there is no such file", str(path))
    with path.open("rb") as file:
        while read < _MAX_KEPT_BYTES and (line := file.readline(_MAX_LINE_BYTES)):
            read += len(line)
            yield line, _kept_in(line)


def _kept_in(line: bytes) -> tuple[ObjectName, KeptObject] | None:
    try:
        bucket, key, sha256, size, written, is_renamed, of_metadata = json.loads(line)
        f"{bucket}/{key}".encode()
        moment = datetime.fromisoformat(written)
        is_written_so = isinstance(bucket, str) and isinstance(key, str) and type(size) is int
        are_hashes = _SHA256.fullmatch(sha256) and (of_metadata == "" or _SHA256.fullmatch(of_metadata))
        if not is_written_so or not are_hashes or type(is_renamed) is not bool or not moment.tzinfo:
            return None
        return ObjectName(bucket, key), KeptObject(sha256, size, moment.astimezone(UTC), is_renamed, of_metadata)
    except (ValueError, TypeError, RecursionError, OverflowError):
        return None


class FolderObjectStore:
    """A copy of one bucket.

    :raises UsageError: there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(f"--source {str(folder)!r} is not a folder. Name one, or a bucket as s3://NAME.")
        self._folder = folder
        self._root = _real_root(folder)

    def level(self, bucket: str, prefix: str) -> Level:
        """See :class:`verify.storage.objects.ObjectStore`."""
        inside = self.path_of(prefix.removesuffix("/")) if prefix else self._folder
        entries = self._entries(inside) if inside else []
        folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        files = [entry for entry in entries if not entry.is_dir(follow_symlinks=False)]
        above = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        return Level(tuple(folders), tuple(_listed(bucket, f"{above}{entry.name}", entry) for entry in files))

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        above, slash, _ = prefix.rpartition("/")
        start = self.path_of(above) if slash else self._folder
        for key, entry in self._files(start, f"{above}{slash}") if start else ():
            if key.startswith(prefix):
                yield _listed(bucket, key, entry)

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return [self._read(name, sink(name)) for name in names]

    def _read(self, name: ObjectName, into: Sink[T]) -> ReadResult[T]:
        path = self.path_of(name.key)
        return Absent() if path is None else _read(self._root, path, into, dict)[0]

    def path_of(self, key: str) -> Path | None:
        """Where an object lies: its key is the name of its file. ``None`` where no file can have the name."""
        parts = key.split("/")
        return None if "\0" in key or not _NO_NAMES.isdisjoint(parts) else self._folder / key

    def _files(self, start: Path, above: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Every file below with its key, in the order of a listing; without recursion, for folders may be a thousand
        deep.

        :param above: the key of the start, with a slash at its end.
        """
        waiting = self._entries_with_keys(start, above) if not start.is_symlink() else []
        while waiting:
            key, entry = waiting.pop()
            if entry.is_dir(follow_symlinks=False):
                waiting += self._entries_with_keys(Path(entry.path), f"{key}/")
            else:
                yield key, entry

    def _entries_with_keys(self, folder: Path, above: str) -> list[tuple[str, os.DirEntry[str]]]:
        """What lies in a folder, the last one first."""
        return [(f"{above}{entry.name}", entry) for entry in reversed(self._entries(folder))]

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            if not folder.is_dir():
                return []
            with os.scandir(folder) as entries:
                return sorted((entry for entry in entries if not _is_litter(entry)), key=lambda entry: entry.name)
        except OSError as error:
            raise _unreadable(error) from error


def _listed(bucket: str, key: str, entry: os.DirEntry[str]) -> ListedObject:
    try:
        size = entry.stat(follow_symlinks=False).st_size
    except OSError as error:
        raise _unreadable(error) from error
    return ListedObject(ObjectName(bucket, key), size, _NO_TIME, etag="")


def _unreadable(error: OSError) -> CannotLook:
    return CannotLook(f"The folder cannot be read: {error}")


def _is_litter(entry: os.DirEntry[str]) -> bool:
    """Whether an entry stands for no object: a file that a desktop leaves in the folders that it shows does not."""
    return entry.name in _LEFT_BY_DESKTOPS and entry.is_file(follow_symlinks=False)


def _read(
    root: str, path: Path, into: Sink[T], metadata: Callable[[], Mapping[str, str]], written: datetime = _NO_TIME
) -> tuple[ReadResult[T], int]:
    """Read a file, and say how large it is."""
    try:
        with _opened(root, path) as file:
            size = os.fstat(file.fileno()).st_size
            while (piece := file.read(_PIECE_BYTES)) and into.feed(piece):
                pass
        return Found(into.finish(), metadata(), written), size
    except (FileNotFoundError, NotADirectoryError):
        return Absent(), 0
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links is a RuntimeError, so is too deep JSON
        return Unreadable(CannotLook(f"{path}: {error}")), 0


@contextmanager
def _opened(root: str, path: Path) -> Iterator[BinaryIO]:
    """A regular file.

    :param root: the real path of the folder, with a slash at its end.
    :raises OSError: it is no regular file, or a link leads out of the folder.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # before it is opened: to open a device may set it going
        raise OSError("it is not a regular file")
    with path.open("rb", buffering=0) as file:
        if not _real_path(file, path).startswith(root):
            raise OSError("a link in it leads out of the folder")
        yield file


def _real_path(file: BinaryIO, path: Path) -> str:
    """Where an open file lies: on Linux the system knows, of the very file that is open, and at once."""
    try:
        return os.readlink(f"/proc/self/fd/{file.fileno()}")  # noqa: PTH115 - of thousands, a path is made more dearly
    except FileNotFoundError:
        return os.path.realpath(path, strict=True)


def _real_root(folder: Path) -> str:
    return os.path.join(os.path.realpath(folder), "")  # noqa: PTH118 - with a slash at its end


class BundleObjectStore:
    """The objects of an evidence bundle, with their metadata: those that its export kept, and no others.

    :param kept: what the export wrote of each. No time that a file system tells is believed.
    :param unread: objects that the export could not read: nobody knows whether they were there.
    :param is_authentic: whether ``kept`` is what the export wrote; if not, its hashes are worth nothing.
    """

    def __init__(
        self,
        folder: Path,
        kept: Mapping[ObjectName, KeptObject],
        unread: frozenset[ObjectName] = frozenset(),
        *,
        is_authentic: bool = True,
    ) -> None:
        self._folder = folder
        self._root = _real_root(folder)
        self._kept = kept
        self._is_authentic = is_authentic
        self._unread = unread
        # Of those that were read, the ones of which the object or its metadata are not what the export kept.
        self.altered: set[ObjectName] = set()
        # Of those that were read, the ones that the export kept and nobody can read now, each with the reason.
        self.unreadable: dict[ObjectName, str] = {}
        self._looked_at: set[ObjectName] = set()
        self._was_read: set[ObjectName] = set()

    def level(self, bucket: str, prefix: str) -> Level:
        """See :class:`verify.storage.objects.ObjectStore`."""
        keys = self._there.get(bucket, [])
        folders, objects = [], []
        at = bisect_left(keys, prefix)
        while at < len(keys) and keys[at].startswith(prefix):
            name, slash, _ = keys[at][len(prefix) :].partition("/")
            if slash:
                folders.append(name)
                at = bisect_left(keys, f"{prefix}{name}0", at)  # 0 comes after the slash
            else:
                objects.append(self._listed(ObjectName(bucket, keys[at])))
                at += 1
        return Level(tuple(folders), tuple(objects))

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        keys = self._there.get(bucket, [])
        at = bisect_left(keys, prefix)
        while at < len(keys) and keys[at].startswith(prefix):
            yield self._listed(ObjectName(bucket, keys[at]))
            at += 1

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return [
            Unreadable(CannotLook("the export could not read it"))
            if name in self._unread
            else self._read(name, sink(name))
            for name in names
        ]

    def gone(self) -> Iterator[ObjectName]:
        """What the export kept that is not there."""
        for name in self._kept:
            if not os.path.lexists(self._path(name)):
                yield name

    def passed_over(self) -> Iterator[ObjectName]:
        """What is there and was neither listed nor read."""
        return (name for name in self._kept if name not in self._looked_at)

    def compare_rest(self, is_meant: Callable[[ObjectName], bool]) -> None:
        """Hold what was not read against what the export kept: what is not is among :attr:`altered` then.

        :param is_meant: says of which objects.
        """
        if self._is_authentic:
            self.read_each([name for name in self._kept if name not in self._was_read and is_meant(name)], _Unwanted)

    def added(self) -> Iterator[str]:
        """What lies among the objects that the export did not put there, each by its path.

        :raises CannotLook: a folder could not be read.
        """
        files = {str(self._path(name)) for name in self._kept}
        top = str(self._folder / OBJECTS)
        folders = {top}
        for path in files:
            above = os.path.dirname(path)  # noqa: PTH120 - for every file there is
            while above not in folders:
                folders.add(above)
                above = os.path.dirname(above)  # noqa: PTH120
        waiting, searched = [top], 0
        while waiting:
            at = waiting.pop()
            is_known = at in folders
            try:
                entries = _scanned(at)
            except CannotLook:
                if is_known:
                    raise
                yield at
                continue
            searched += 0 if is_known else len(entries)
            if searched > _MAX_SEARCHED:
                yield at
                return
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.path not in files and not _is_litter(entry):
                    yield entry.path

    @cached_property
    def _there(self) -> dict[str, list[str]]:
        """The keys of each bucket, in order."""
        found: dict[str, list[str]] = {}
        gone = set(self.gone())
        for name in self._kept:
            if name not in gone:
                found.setdefault(name.bucket, []).append(name.key)
        return {bucket: sorted(keys) for bucket, keys in found.items()}

    def _listed(self, name: ObjectName) -> ListedObject:
        self._looked_at.add(name)
        return ListedObject(name, self._kept[name].size_bytes, self._kept[name].written, etag="")

    def _path(self, name: ObjectName) -> Path:
        place = other_path if self._kept[name].is_renamed else kept_path
        return place(self._folder, OBJECTS, name)

    def _read(self, name: ObjectName, into: Sink[T]) -> ReadResult[T]:
        kept = self._kept.get(name)
        if kept is None:
            return Absent()
        self._looked_at.add(name)
        self._was_read.add(name)
        summing = Summing(into, kept.size_bytes if self._is_authentic else 0)
        metadata = self._metadata(name)
        path = self._path(name)
        result, size = _read(self._root, path, summing, lambda: _texts_in(metadata), kept.written)
        if isinstance(result, Found):
            self.unreadable.pop(name, None)
        elif isinstance(result, Unreadable):
            self.unreadable[name] = str(result.error)
        elif os.path.lexists(path):  # whatever is not there is gone
            self.unreadable[name] = f"{path}: it is a link that leads nowhere"
        if self._is_authentic:
            is_other = size != kept.size_bytes or summing.sha256() != kept.sha256
            has_other = (hashlib.sha256(metadata).hexdigest() if metadata else "") != kept.metadata_sha256
            if (isinstance(result, Found) and is_other) or (not isinstance(result, Absent) and has_other):
                self.altered.add(name)
            elif isinstance(result, Found):
                self.altered.discard(name)
        return result

    def _metadata(self, name: ObjectName) -> bytes:
        """What the file with an object's metadata holds; nothing where there is none that can be read."""
        for place in (other_path, kept_path):
            path = place(self._folder, METADATA, name)
            try:
                if path.is_file():
                    is_small = path.stat().st_size <= _MAX_METADATA_BYTES
                    if not is_small:
                        return b""
                    with _opened(self._root, path) as file:
                        return file.read()
            except OSError:  # a part of the name is too long for this file system, or a link leads elsewhere
                continue
        return b""


def _texts_in(metadata: bytes) -> Mapping[str, str]:
    """An object's metadata.

    :raises ValueError: it is not JSON.
    """
    fields = json.loads(metadata or b"{}")
    return {key: value for key, value in fields.items() if isinstance(value, str)} if isinstance(fields, dict) else {}


def _scanned(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise CannotLook(f"The folder cannot be read: {error}") from error


class _Unwanted:
    """Takes in nothing."""

    def __init__(self, _name: ObjectName) -> None:
        pass

    def feed(self, _piece: bytes | memoryview) -> bool:
        """See :class:`verify.storage.objects.Sink`."""
        return False

    def finish(self) -> None:
        """See :class:`verify.storage.objects.Sink`."""


class Summing(Generic[T]):
    """Passes on what it is fed, and hashes all of it, up to a size."""

    def __init__(self, sink: Sink[T], size_bytes: int) -> None:
        self._sink = sink
        self._left_bytes = size_bytes
        self._hash = hashlib.sha256()
        self._is_wanted = True

    def feed(self, piece: bytes | memoryview) -> bool:
        """See :class:`verify.storage.objects.Sink`."""
        self._hash.update(piece)
        self._left_bytes -= len(piece)
        self._is_wanted = self._is_wanted and self._sink.feed(piece)
        return self._is_wanted or self._left_bytes > 0

    def finish(self) -> T:
        """See :class:`verify.storage.objects.Sink`."""
        return self._sink.finish()

    def sha256(self) -> str:
        """Of what was fed, in lower-case hex."""
        return self._hash.hexdigest()
