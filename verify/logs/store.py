"""A store: what log files hold, as Parquet, so that the next question does not read them again.

A partition is an account, a region and a day. It has parts, and a manifest that names of each part the log files and
the versions of which it was made. A part is used only if every one of these files is still listed with this version:
so the place is always listed, and never believed to be what it was. What is new is read and becomes another part.

What could not be read as a whole is in no part, and is read anew each time. Files are written beside their place and
moved there, so an interruption leaves nothing half done, and of two that write at once one is the last.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from verify.errors import CannotLook, UsageError
from verify.logs.decode import POSITION, arrow_type
from verify.logs.places import LogFile
from verify.logs.reading import ReadFile
from verify.logs.schema import BY_NAME, STORED, Kind

_MARKER = ".securetrail-logs"
_MANIFEST = "manifest.json"
_FORMAT = 1  # of the files; another one is not read
# Rows of one principal lie together, and in small groups: a question about one reads few of them.
_ROW_GROUP = 20_480
_PART_EVENTS = 50_000
# Of a day that was asked about again and again, each part has little. So many are read anew, into one.
_SMALL_EVENTS = 10_000
_MAX_SMALL_PARTS = 24
_MAX_MANIFEST_BYTES = 64 * 2**20
_OLD_SECONDS = 3600.0
# Columns in which few values come again and again. In others a dictionary is one more copy: what lies together, as one
# principal's ARN, is made small anyhow.
_MANY_VALUES = (
    *("eventID", "requestID", "sharedEventID", "accessKeyId", "principalId", "identityArn", "sourceIPAddress"),
    *("eventTime", "sessionCreationDate"),
)
_REPEATED = [
    column.name for column in BY_NAME.values() if column.kind is not Kind.JSON and column.name not in _MANY_VALUES
]
_DELTAS = dict.fromkeys(("file", POSITION, "eventTime", "sessionCreationDate"), "DELTA_BINARY_PACKED")
_ARROW_COLUMNS = {
    "file": pa.int64(),
    "record_position": pa.int32(),
    **{name: arrow_type(name) for name in STORED},
}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A log file of which a part was made.

    :param number: what its rows have in the column ``file``.
    :param version: of what was listed.
    """

    key: str
    version: str
    number: int
    size_bytes: int
    events: int


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file, and the log files whose events it has."""

    path: Path
    files: tuple[StoredFile, ...]
    size_bytes: int


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
        there = {file.name.key: version for file, version in listed}
        found: list[Part] = []
        taken: set[str] = set()
        for part in _read_manifest(folder):
            keys = {file.key for file in part.files}
            is_current = all(there.get(file.key) == file.version for file in part.files)
            is_there = part.path.is_file() and part.path.stat().st_size == part.size_bytes
            if is_current and is_there and not keys & taken:
                found.append(part)
                taken |= keys
        if found:
            os.utime(folder)  # used now
        return found

    def writer(self) -> Writer:
        """Takes in files that were read."""
        return Writer(self._root)

    def tidy_up(self, in_use: Iterable[Part]) -> None:
        """Remove what was used least lately until the rest is within the limit; nothing that is in use now."""
        kept = {part.path.parent for part in in_use}
        partitions = [manifest.parent for manifest in self._folder.glob(f"*/*/*/*/{_MANIFEST}")]
        sizes = {each: sum(file.stat().st_size for file in each.iterdir()) for each in partitions}
        total = sum(sizes.values())
        for each in sorted(partitions, key=lambda path: path.stat().st_mtime):
            if total <= self._limit_bytes:
                return
            if each not in kept:
                shutil.rmtree(each, ignore_errors=True)
                total -= sizes[each]


class Writer:
    """Makes parts of files that were read, partition by partition; a part is there once it is complete."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._partition = ""
        self._base = 0
        self._files: list[StoredFile] = []
        self._tables: list[Any] = []
        self._events = 0

    def add(self, partition: str, version: str, read: ReadFile) -> Part | None:
        """Add a file with all of its columns; when a part is complete, it is returned."""
        is_full = self._events + read.decoded.events > _PART_EVENTS
        done = self._finish() if partition != self._partition or is_full else None
        self._partition = partition
        if not self._files:
            self._base = secrets.randbits(40) << 20
        number = self._base + len(self._files)
        self._files.append(StoredFile(read.file.name.key, version, number, read.size_bytes, read.decoded.events))
        for table in read.decoded.tables:
            numbers = pa.repeat(pa.scalar(number, pa.int64()), table.num_rows)
            self._tables.append(table.add_column(0, "file", numbers))
        self._events += read.decoded.events
        return done

    def close(self) -> Part | None:
        """The last part."""
        return self._finish()

    def _finish(self) -> Part | None:
        if not self._files:
            return None
        import pyarrow.parquet as pq  # noqa: PLC0415 - whoever only reads does without

        folder = self._root / self._partition
        name = f"{secrets.token_hex(12)}.parquet"
        temporary = folder / f".{name}"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            pq.write_table(
                self._sorted(),
                temporary,
                compression="zstd",
                row_group_size=_ROW_GROUP,
                use_dictionary=_REPEATED,
                column_encoding=_DELTAS,
            )
            temporary.replace(folder / name)
            part = Part(folder / name, tuple(self._files), (folder / name).stat().st_size)
            _add_to_manifest(folder, part)
        except (pa.ArrowException, OSError) as error:
            temporary.unlink(missing_ok=True)
            raise CannotLook(f"The store {self._root.parent} cannot be written: {error}") from error
        self._files, self._tables, self._events = [], [], 0
        return part

    def _sorted(self) -> Any:
        """The rows of one principal together, in the order of time."""
        if not self._tables:
            return pa.table({name: pa.array([], type_) for name, type_ in _ARROW_COLUMNS.items()})
        table = pa.concat_tables(self._tables)
        self._tables = []
        who = pc.coalesce(table["issuerArn"], table["identityArn"], table["invokedBy"])
        keyed = pa.table({"who": who, "at": table["eventTime"]})
        return table.take(pc.sort_indices(keyed, sort_keys=[("who", "ascending"), ("at", "ascending")]))


def partition_of(file: LogFile) -> str:
    """The partition of a log file; ``""`` for one of which the key does not tell where it belongs."""
    return f"{file.account}/{file.region}/{file.day.replace('/', '-')}" if file.account and file.day else ""


def forget(folder: Path) -> int:
    """Remove a store; how many bytes it had.

    :raises UsageError: it is none.
    """
    if not (folder / _MARKER).is_file():
        raise UsageError(f"--cache-dir {str(folder)!r} is no store: nothing was removed.")
    size = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    shutil.rmtree(folder)
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
                yield Part(folder / name, files, int(part["bytes"]))
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
            {"name": each.path.name, "bytes": each.size_bytes, "files": [asdict(file) for file in each.files]}
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
