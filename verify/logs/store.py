"""A store: what log files hold, as Parquet, so that the next question does not read them again.

A partition is an account, a region and a day. It has parts, and a manifest that names of each part the log files and
the versions of which it was made. A part is used only if every one of these files is still listed with this version:
so the place is always listed, and never believed to be what it was. What is new is read and becomes another part.

Of each log file the manifest has the hash of the very bytes that were parsed. By it a validation judges the file anew
without reading it. Of each part it has a checksum, also of what it says of the part's columns: on a disk that is
failing, a bit that has changed is no answer.

What could not be read as a whole is in no part, and is read anew each time. Files are written beside their place and
moved there, so an interruption leaves nothing half done, and of two that write at once one is the last.
"""

from __future__ import annotations

import json
import mmap
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import deflate
import pyarrow as pa
import pyarrow.compute as pc

from verify.errors import CannotLook, UsageError
from verify.logs.decode import POSITION, arrow_type, repeated
from verify.logs.engine import FILE_TEXTS
from verify.logs.places import LogFile, LogSource
from verify.logs.reading import ReadFile
from verify.logs.schema import BY_NAME, REPEATED, STORED, Kind

_MARKER = ".securetrail-logs"
_MANIFEST = "manifest.json"
_FORMAT = 3  # of the files; another one is not read
# Rows of one principal lie together, and in small groups that begin with a principal's first row where they can: a
# question about one reads few others. The reader looks at what each group says of each column, so not too small.
_LEAST_ROWS, _MOST_ROWS = 4_096, 20_480
_PART_EVENTS = 50_000
# Of a day that was asked about again and again, each part has little. So many are read anew, into one.
_SMALL_EVENTS = 10_000
_MAX_SMALL_PARTS = 24
_MAX_MANIFEST_BYTES = 64 * 2**20
_OLD_SECONDS = 3600.0
# Columns in which few values come again and again. In others a dictionary is one more copy: what lies together, as one
# principal's ARN, is made small anyhow.
_WITH_DICTIONARY = [
    *FILE_TEXTS,
    *(name for name, column in BY_NAME.items() if name in REPEATED or column.kind in (Kind.FLAG, Kind.TEXT_FLAG)),
]
# Of free-form texts, the first and the last in a group tell nothing, and take a lot of room.
_WITH_STATISTICS = [
    "file",
    POSITION,
    *(name for name in STORED if name in BY_NAME and BY_NAME[name].kind is not Kind.JSON),
]
_DELTAS = dict.fromkeys(("file", POSITION, "eventTime", "sessionCreationDate"), "DELTA_BINARY_PACKED")
_ARROW_COLUMNS = {
    "file": pa.int64(),
    "record_position": pa.int32(),
    **{name: arrow_type(name) for name in STORED},
    **dict.fromkeys(FILE_TEXTS, pa.string()),
}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A log file of which a part was made.

    :param number: what its rows have in the column ``file``.
    :param version: of what was listed.
    :param sha256: of its content; ``""`` of a file that no digest can vouch for, since it is not packed.
    """

    key: str
    version: str
    number: int
    size_bytes: int
    events: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file, and the log files whose events it has.

    :param crc32: of the file and of ``empty``.
    :param empty: the columns in which no event has a value; they need not be read.
    """

    path: Path
    files: tuple[StoredFile, ...]
    size_bytes: int
    crc32: int
    empty: frozenset[str]


class Store:
    """A folder with partitions.

    :param folder: it is made if it is not there.
    :param source: what tells one place from another.
    :param limit_bytes: what it may take; what was used least lately goes first.
    :raises UsageError: the folder holds other things, or somebody else could write into it.
    """

    def __init__(self, folder: Path, source: str, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        _make_private(folder)
        self._root = folder / sha256(source.encode()).hexdigest()[:32]

    def parts(self, files: Mapping[str, Sequence[tuple[LogFile, str]]]) -> list[Part]:
        """The parts that can be used.

        :param files: by partition, all files that are listed, each with its version.
        """
        return [part for name, listed in files.items() for part in self._usable(name, listed)]

    def _usable(self, partition: str, listed: Sequence[tuple[LogFile, str]]) -> list[Part]:
        folder = self._root / partition
        there = {file.shown_name: version for file, version in listed}
        found: list[Part] = []
        taken: set[str] = set()
        for part in _read_manifest(folder):
            keys = {file.key for file in part.files}
            is_current = all(there.get(file.key) == file.version for file in part.files)
            if is_current and not keys & taken and _is_intact(part):
                found.append(part)
                taken |= keys
        if found:
            with suppress(FileNotFoundError):  # another process may have removed it just now
                os.utime(folder)  # used now
        return found

    def writer(self) -> Writer:
        """Takes in files that were read."""
        return Writer(self._root)

    def tidy_up(self, in_use: Iterable[Part]) -> None:
        """Remove what was used least lately until the rest is within the limit; nothing that is in use now."""
        kept = {part.path.parent for part in in_use}
        partitions = [manifest.parent for manifest in self._folder.glob(f"*/*/*/*/{_MANIFEST}")]
        sizes = {each: _bytes_of(each) for each in partitions}
        total = sum(sizes.values())
        for each in sorted(partitions, key=_last_used):
            if total <= self._limit_bytes:
                return
            if each not in kept:
                shutil.rmtree(each, ignore_errors=True)
                total -= sizes[each]


@dataclass(slots=True)
class _Begun:
    """What will be a part.

    :param base: the number of its first file.
    """

    base: int = field(default_factory=lambda: secrets.randbits(40) << 20)
    files: list[StoredFile] = field(default_factory=list)
    tables: list[Any] = field(default_factory=list)
    events: int = 0


class Writer:
    """Makes parts of files that were read, in any order; a part is there once it is complete."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._begun: dict[str, _Begun] = {}

    def add(self, partition: str, version: str, read: ReadFile) -> tuple[int, list[Part]]:
        """Add a file with all of its columns; its number is returned, and the parts that are complete by it."""
        begun = self._begun.setdefault(partition, _Begun())
        number = begun.base + len(begun.files)
        events = read.decoded.events
        begun.files.append(StoredFile(read.file.shown_name, version, number, read.size_bytes, events, read.sha256))
        begun.tables += [_with_file(table, number, read.file) for table in read.decoded.tables]
        begun.events += events
        if sum(each.events for each in self._begun.values()) <= _PART_EVENTS:
            return number, []
        largest = max(self._begun, key=lambda name: self._begun[name].events)
        return number, [self._finished(largest)]

    def close(self) -> list[Part]:
        """The last parts."""
        return [self._finished(partition) for partition in list(self._begun)]

    def _finished(self, partition: str) -> Part:
        import pyarrow.parquet as pq  # noqa: PLC0415 - whoever only reads does without

        begun = self._begun.pop(partition)
        folder = self._root / partition
        path = folder / f"{secrets.token_hex(12)}.parquet"
        temporary = folder / f".{path.name}"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            table, ends = _sorted(begun.tables)
            with pq.ParquetWriter(
                temporary,
                table.schema,
                compression="zstd",
                use_dictionary=_WITH_DICTIONARY,
                write_statistics=_WITH_STATISTICS,
                column_encoding=_DELTAS,
            ) as writer:
                for first, end in pairwise((0, *ends)):
                    writer.write_table(table.slice(first, end - first), row_group_size=_MOST_ROWS)
            empty = frozenset(name for name in STORED if table[name].null_count == len(table))
            part = Part(path, tuple(begun.files), temporary.stat().st_size, _crc32(temporary, empty), empty)
            temporary.replace(path)
            _add_to_manifest(folder, part)
        except (pa.ArrowException, OSError) as error:
            temporary.unlink(missing_ok=True)
            raise CannotLook(f"The store {self._root.parent} cannot be written: {error}") from error
        return part


def _with_file(table: Any, number: int, file: LogFile) -> Any:
    """Events, each with the file that it is from, so that a question need not look for that."""
    found = table.add_column(0, "file", pa.repeat(pa.scalar(number, pa.int64()), table.num_rows))
    for name, text in zip(FILE_TEXTS, (file.shown_name, file.account, file.region, file.day), strict=True):
        found = found.append_column(name, repeated(text, table.num_rows))
    return found


def _sorted(tables: list[Any]) -> tuple[Any, list[int]]:
    """The rows of one principal together, in the order of time, and where groups end. The tables are given up."""
    if not tables:
        return pa.table({name: pa.array([], type_) for name, type_ in _ARROW_COLUMNS.items()}), []
    table = pa.concat_tables(tables).unify_dictionaries()
    tables.clear()
    who = pc.coalesce(*(table[name].cast(pa.string()) for name in ("issuerArn", "identityArn", "invokedBy")))
    keyed = pa.table({"who": who, "at": table["eventTime"]})
    order = pc.sort_indices(keyed, sort_keys=[("who", "ascending"), ("at", "ascending")])
    ends = list(_group_ends(who.take(order)))
    left = dict(zip(table.column_names, table.columns, strict=True))
    del table, keyed, who
    # One after the other, so that the next one takes the room of the last. Many are empty, and stay so in any order.
    for name, column in left.items():
        left[name] = column if column.null_count == len(column) else column.combine_chunks().take(order)
    return pa.table(left), ends


def _group_ends(who: Any) -> Iterator[int]:
    """Where groups of rows end, of which each has enough: with the last row of a principal, as a rule."""
    first = 0
    of_principals = pc.run_end_encode(who.combine_chunks()).run_ends.to_pylist()
    for end in of_principals:
        if end - first >= _LEAST_ROWS or end == len(who):
            yield end
            first = end


def _crc32(path: Path, empty: frozenset[str]) -> int:
    """Of a file, and of which columns have no value in it: that is as much of the answer."""
    named = deflate.crc32(json.dumps(sorted(empty)).encode())
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return named
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return deflate.crc32(content, named)


def _is_intact(part: Part) -> bool:
    """Whether a part is what was written, to the last bit."""
    try:
        return part.path.stat().st_size == part.size_bytes and _crc32(part.path, part.empty) == part.crc32
    except (OSError, ValueError):
        return False


class StoredSource:
    """What a store has of a place's files, and what it takes of those that are read now."""

    def __init__(self, place: LogSource, store: Store) -> None:
        self._store = store
        self._version_of = place.version_of
        self._files = {file.shown_name: file for file in place.files}
        self._versions: dict[str, str] = {}
        by_partition: dict[str, list[tuple[LogFile, str]]] = {}
        for file in (*place.files, *place.beside):
            version, partition = place.version_of(file), _partition_of(file)
            if version and partition:
                self._versions[file.shown_name] = version
                by_partition.setdefault(partition, []).append((file, version))
        parts = store.parts(by_partition)
        self._parts = [part for part in parts if any(each.key in self._files for each in part.files)]
        self._known = {each.key: each for part in self._parts for each in part.files if each.key in self._files}
        self._writer = store.writer()

    def __contains__(self, file: LogFile) -> bool:
        return file.shown_name in self._known

    def get(self, file: LogFile) -> StoredFile | None:
        """What is known of a file from an earlier time."""
        return self._known.get(file.shown_name)

    def take(self, read: ReadFile) -> int | None:
        """Keep a file that was read, with all of its columns; its number, or ``None`` if it cannot be kept.

        A file that was written again after it was listed is not kept: it would be taken for what was listed.

        :raises CannotLook: there is no room, among others.
        """
        name, decoded = read.file.shown_name, read.decoded
        version = self._versions.get(name)
        is_whole = not (read.problem or decoded.unreadable_count or decoded.replaced_count)
        if not version or not is_whole or self._version_of(replace(self._files[name], etag=read.etag)) != version:
            return None
        number, parts = self._writer.add(_partition_of(read.file), version, read)
        self._parts += parts
        return number

    def close(self) -> tuple[Part, ...]:
        """All parts in which events of the place are; what is too much in the store is removed."""
        self._parts += self._writer.close()
        self._store.tidy_up(self._parts)
        return tuple(self._parts)

    def files(self) -> Iterator[tuple[StoredFile, LogFile]]:
        """The files of the place that are in the parts."""
        for part in self._parts:
            for each in part.files:
                if (file := self._files.get(each.key)) is not None:
                    yield each, file


def _partition_of(file: LogFile) -> str:
    """The partition of a log file; ``""`` for one of which the key does not tell where it belongs."""
    return f"{file.account}/{file.region}/{file.day.replace('/', '-')}" if file.account and file.day else ""


def _bytes_of(folder: Path) -> int:
    """What the files of a folder take, without those that another process removes or moves meanwhile."""
    size_bytes = 0
    with suppress(FileNotFoundError):
        for file in folder.iterdir():
            with suppress(FileNotFoundError):
                size_bytes += file.stat().st_size
    return size_bytes


def _last_used(folder: Path) -> float:
    """When a partition was used last; of one that another process has removed, long ago."""
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def forget(folder: Path) -> int:
    """Remove a store; how many bytes it had.

    :raises UsageError: it is none.
    :raises CannotLook: not all of it could be removed.
    """
    if not (folder / _MARKER).is_file():
        raise UsageError(f"--cache-dir {str(folder)!r} is no store: nothing was removed.")
    try:
        size = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
        shutil.rmtree(folder.resolve())
        if folder.is_symlink():
            folder.unlink()
    except OSError as error:
        raise CannotLook(f"--cache-dir {str(folder)!r} could not be removed as a whole: {error}") from error
    return size


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.stat()
        if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise UsageError(
                f"--cache-dir {str(folder)!r} can be reached by others, who could change answers in it. Make it yours "
                "alone: chmod 700."
            )
        # In this order: another process may be making the same store, and makes its mark first.
        has_something = any(folder.iterdir())
        if not (folder / _MARKER).exists():
            if has_something:
                raise UsageError(f"--cache-dir {str(folder)!r} holds other things. Name a new or empty folder.")
            (folder / _MARKER).write_text(
                "What log files hold, stored by 'python -m verify logs'. It can be removed.\n"
            )
    except OSError as error:
        raise UsageError(f"--cache-dir {str(folder)!r} cannot be used: {error.strerror or error}.") from error


def _read_manifest(folder: Path) -> Iterator[Part]:
    """The parts of a partition; none where the manifest is damaged, so that all is read anew."""
    try:
        text = (folder / _MANIFEST).read_bytes()[:_MAX_MANIFEST_BYTES]
        said = json.loads(text)
        if said["format"] != _FORMAT or said["columns"] != list(STORED):
            return
        for part in said["parts"]:
            name = str(part["name"])
            files = tuple(StoredFile(**file) for file in part["files"])
            if Path(name).name == name and name.endswith(".parquet"):
                empty = frozenset(STORED).intersection(part["empty"])
                yield Part(folder / name, files, int(part["bytes"]), int(part["crc32"]), empty)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return


def _add_to_manifest(folder: Path, part: Part) -> None:
    """Name a part. What it has newer versions of is named no more, and neither are small parts once they are many."""
    mine = {file.key for file in part.files}
    parts = [each for each in _read_manifest(folder) if not mine & {file.key for file in each.files}]
    small = [each for each in parts if sum(file.events for file in each.files) < _SMALL_EVENTS]
    given_up = {each.path.name for each in small} if len(small) > _MAX_SMALL_PARTS else set()
    parts = [*(each for each in parts if each.path.name not in given_up), part]
    said = {
        "format": _FORMAT,
        "columns": list(STORED),
        "parts": [
            {
                "name": each.path.name,
                "bytes": each.size_bytes,
                "crc32": each.crc32,
                "empty": sorted(each.empty),
                "files": [asdict(file) for file in each.files],
            }
            for each in parts
        ],
    }
    temporary = folder / f".{secrets.token_hex(12)}.json"
    temporary.write_text(json.dumps(said))
    temporary.replace(folder / _MANIFEST)
    named = {each.path.name for each in parts}
    for path in folder.glob("*.parquet"):
        # Another process may still read what is no longer named: it goes once it is old.
        if path.name not in named and time.time() - path.stat().st_mtime > _OLD_SECONDS:
            path.unlink(missing_ok=True)
