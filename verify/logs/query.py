"""Answers a query: reads the files of a place, runs the query over their events, and says what the answer rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verify.logs.answer import MAX_NAMED, Basis, Unread
from verify.logs.decode import Decoder, Wanted, decoder_for
from verify.logs.engine import Engine, FileRow, Result, ResultColumn, open_engine
from verify.logs.places import LogFile, Place
from verify.logs.reading import ReadFile, read_files
from verify.logs.schema import STORED
from verify.logs.store import Store, StoredFile, partition_of

if TYPE_CHECKING:
    from verify.integrity.sources import PreparedValidation

# Told how many files and events were read so far.
OnProgress = Callable[[int, int], None]
_MAX_UNREADABLE = 100_000
_EVERYTHING = "SELECT * FROM events, cloudtrail_logs"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    :param rows: its rows, as they come; they are there as long as the answer is open.
    :param reader: makes a ``pyarrow.RecordBatchReader`` in place of the rows.
    """

    columns: tuple[ResultColumn, ...]
    rows: Iterator[tuple[Any, ...]]
    basis: Basis
    reader: Callable[[], Any]


def _say_nothing(files: int, events: int) -> None:
    """Whoever asks a short question wants no progress."""


@contextmanager
def answer(
    sql: str,
    place: Callable[[], Place | PreparedValidation],
    on_progress: OnProgress = _say_nothing,
    store_of: Callable[[Place], Store] | None = None,
) -> Iterator[Answer]:
    """The answer to a query.

    :param place: finds the files, asked only once the query is known to be one that may run. Of a validation, only
        what is proven is read.
    :param store_of: gives the store in which what was read is looked for, and kept. Default: - none.
    :raises UsageError: the query may not run, or fails.
    :raises CannotLook: memory or disk do not suffice.
    """
    with open_engine() as engine:
        engine.judge(sql)
        found = place()
        is_proof = not isinstance(found, Place)
        is_timed = not isinstance(found, Place) or found.period is not None
        columns = engine.prepare(sql, is_timed=is_timed, by_file=is_proof)
        loading = _Loading(engine, on_progress)
        if not isinstance(found, Place):
            basis = loading.proven_files_of(found, columns)
        elif store_of is None:
            basis = loading.files_of(found, columns)
        else:
            basis = loading.stored_files_of(found, store_of(found))
        result = engine.run()
        yield Answer(result.columns, result.rows, basis, result.reader)


@dataclass(frozen=True, slots=True)
class Session:
    """Files that were read once, for one query after the other."""

    basis: Basis
    ask: Callable[[str], Result]


@contextmanager
def session(place: Place | PreparedValidation, on_progress: OnProgress = _say_nothing) -> Iterator[Session]:
    """Read all of the files, every column."""
    with open_engine() as engine:
        columns = engine.prepare(_EVERYTHING)
        loading = _Loading(engine, on_progress)
        basis = (
            loading.files_of(place, columns) if isinstance(place, Place) else loading.proven_files_of(place, columns)
        )
        yield Session(basis, engine.ask)


class _Loading:
    """Puts the events of files into an engine, and keeps count."""

    def __init__(self, engine: Engine, on_progress: OnProgress) -> None:
        self._engine = engine
        self._conditions = engine.statement.conditions if engine.statement else frozenset()
        self._on_progress = on_progress
        self._reads: list[_Read] = []
        self._unreadable: list[tuple[int, int, str, bool, str]] = []
        self._events = 0

    def _decoder(self, columns: frozenset[str], period: tuple[datetime, datetime] | None) -> Decoder:
        wanted = Wanted(self._conditions, period)
        return decoder_for(columns, wanted, with_position=self._engine.needs_position)

    def files_of(self, place: Place, columns: frozenset[str]) -> Basis:
        """All files of a place."""
        decode = self._decoder(columns, place.period)
        for read in read_files(place.store, place.files, decode):
            self.add(read)
        return self._close(place.source, place.period, place.holes, place.notices)

    def stored_files_of(self, place: Place, store: Store) -> Basis:
        """All files of a place: those that the store has from there, and the others from the place."""
        versions: dict[str, str] = {}
        by_partition: dict[str, list[tuple[LogFile, str]]] = {}
        for file in place.files:
            version, partition = place.version_of(file), partition_of(file)
            if version and partition:
                versions[file.name.key] = version
                by_partition.setdefault(partition, []).append((file, version))
        parts = store.parts(by_partition)
        stored = {file.key for part in parts for file in part.files}
        writer = store.writer()
        for read in read_files(
            place.store, [each for each in place.files if each.name.key not in stored], decoder_for(frozenset(STORED))
        ):
            decoded = read.decoded
            is_whole = not (read.problem or decoded.unreadable_count or decoded.replaced_count)
            version = versions.get(read.file.name.key, "")
            if version and is_whole:
                parts += filter(None, [writer.add(partition_of(read.file), version, read)])
                self._on_progress(len(self._reads), self._events)
            else:
                self.add(read)
        parts += filter(None, [writer.close()])
        files = {file.name.key: file for file in place.files}
        for part in parts:
            self._reads += [_Read(each.number, _stored_row(files[each.key], each), 0, 0, 0) for each in part.files]
        store.tidy_up(parts)
        parquet = [part.path for part in parts]
        return self._close(place.source, place.period, place.holes, place.notices, parquet)

    def proven_files_of(self, ready: PreparedValidation, columns: frozenset[str]) -> Basis:
        """Those files that the digest chain vouches for."""
        from verify.logs.proof import read_proven  # noqa: PLC0415 - it takes long to load

        period = ready.request.period.start, ready.request.period.end
        proven = read_proven(ready, self._decoder(columns, period), self.add)
        self._engine.keep(proven.files)
        counts = len(self._reads), self._events
        self._reads = [read for read in self._reads if read.number in proven.files]
        self._unreadable = [each for each in self._unreadable if each[0] in proven.files]
        basis = self._close(ready.request.source, period, proven.holes, proven.notices)
        return replace(basis, read=counts)

    def add(self, read: ReadFile) -> int:
        """Add a file's events; the file's number is returned."""
        number, decoded = len(self._reads), read.decoded
        self._engine.add(number, decoded.tables)
        self._events += decoded.events
        if len(self._unreadable) < _MAX_UNREADABLE:
            self._unreadable += [
                (number, each.position, each.why, each.is_shown, each.text) for each in decoded.unreadable
            ]
        row = _row(read)
        self._reads.append(_Read(number, row, decoded.unreadable_count, decoded.replaced_count, decoded.passed_over))
        self._on_progress(number + 1, self._events)
        return number

    def _close(
        self,
        source: str,
        period: tuple[datetime, datetime] | None,
        holes: tuple[str, ...],
        notices: tuple[str, ...],
        parquet: Sequence[Path] = (),
    ) -> Basis:
        files = [(read.number, read.row) for read in self._reads]
        self._engine.close_input(files, self._unreadable, period, parquet)
        rows = [read.row for read in self._reads]
        unread = [Unread(row.name, row.problem) for row in rows if row.problem]
        return Basis(
            source=source,
            period=period,
            accounts=_known(row.account for row in rows),
            regions=_known(row.region for row in rows),
            days=_known(row.day for row in rows),
            files=len(rows),
            size_bytes=sum(row.size_bytes for row in rows),
            events=self._engine.count_events() + sum(read.passed_over for read in self._reads),
            unread=tuple(unread[:MAX_NAMED]),
            unread_count=len(unread),
            unreadable_records=sum(read.unreadable for read in self._reads),
            replaced_records=sum(read.replaced for read in self._reads),
            holes=holes,
            notices=notices,
        )


@dataclass(frozen=True, slots=True)
class _Read:
    """A file whose events are in the engine, with its number there."""

    number: int
    row: FileRow
    unreadable: int
    replaced: int
    passed_over: int


def _row(read: ReadFile) -> FileRow:
    file = read.file
    return FileRow(
        file.shown_name,
        file.account,
        file.region,
        file.day,
        file.delivered,
        read.size_bytes,
        read.decoded.events,
        read.problem,
    )


def _stored_row(file: LogFile, stored: StoredFile) -> FileRow:
    return FileRow(
        file.shown_name,
        file.account,
        file.region,
        file.day,
        file.delivered,
        stored.size_bytes,
        stored.events,
        "",
    )


def _known(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values) - {""}))
