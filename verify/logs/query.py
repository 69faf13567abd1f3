"""Answers a query: reads the files of a place, runs the query over their events, and says what the answer rests on."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from verify.logs.answer import MAX_NAMED, Basis, Unread
from verify.logs.decode import Decoder, Wanted, decoder_for
from verify.logs.engine import Engine, FileRow, Result, ResultColumn, open_engine
from verify.logs.places import LogFile, LogSource
from verify.logs.reading import OnProgress, ReadFile, read_files
from verify.logs.schema import STORED
from verify.logs.store import Part, Store, StoredFile, StoredSource

if TYPE_CHECKING:
    from verify.integrity.sources import PreparedValidation

_MAX_UNREADABLE = 100_000
_GC_THRESHOLD = (50_000, 20, 100)
_EVERYTHING = "SELECT * FROM events, cloudtrail_logs"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    :param rows: its rows, as they come; they are there as long as the answer is open.
    :param batches: gives them as ``pyarrow.RecordBatch``, in place of the rows.
    :param reader: makes a ``pyarrow.RecordBatchReader`` in place of the rows.
    """

    columns: tuple[ResultColumn, ...]
    rows: Iterator[tuple[Any, ...]]
    basis: Basis
    batches: Callable[[], Iterator[Any]]
    reader: Callable[[], Any]


def _say_nothing(files: int, events: int) -> None:
    """Whoever asks a short question wants no progress."""


@contextmanager
def answer(
    sql: str,
    place: Callable[[], LogSource | PreparedValidation],
    on_progress: OnProgress = _say_nothing,
    store_of: Callable[[LogSource], Store] | None = None,
    listing: Callable[[], LogSource] | None = None,
) -> Iterator[Answer]:
    """The answer to a query.

    :param place: finds the files, asked only once the query is known to be one that may run. Of a validation, only
        what is proven is read.
    :param store_of: gives the store in which what was read is looked for, and kept. Default: - none.
    :param listing: finds the files of a validation, for the store. Default: - no store for a validation.
    :raises UsageError: the query may not run, or fails.
    :raises CannotLook: memory or disk do not suffice.
    """
    with open_engine() as engine, _collecting_seldom():
        engine.judge(sql)
        found = place()
        is_proof = not isinstance(found, LogSource)
        is_timed = not isinstance(found, LogSource) or found.period is not None
        listed = found if isinstance(found, LogSource) else listing() if listing else None
        stored = StoredSource(listed, store_of(listed)) if store_of and listed else None
        only = found.only if isinstance(found, LogSource) else {}
        columns = engine.prepare(sql, is_timed=is_timed, by_file=is_proof or stored is not None, only=only)
        loading = _Loading(engine, on_progress)
        if not isinstance(found, LogSource):
            basis = loading.proven_files_of(found, columns, stored)
        elif stored is None:
            basis = loading.files_of(found, columns)
        else:
            basis = loading.stored_files_of(found, stored)
        result = engine.run()
        yield Answer(result.columns, result.rows, basis, result.batches, result.reader)


@dataclass(frozen=True, slots=True)
class Session:
    """Files that were read once, for one query after the other."""

    basis: Basis
    ask: Callable[[str], Result]


@contextmanager
def session(place: LogSource | PreparedValidation, on_progress: OnProgress = _say_nothing) -> Iterator[Session]:
    """Read all of the files, every column."""
    with open_engine() as engine, _collecting_seldom():
        columns = engine.prepare(_EVERYTHING, only=place.only if isinstance(place, LogSource) else {})
        loading = _Loading(engine, on_progress)
        if isinstance(place, LogSource):
            basis = loading.files_of(place, columns)
        else:
            basis = loading.proven_files_of(place, columns, None)
        yield Session(basis, engine.ask)


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Let Python look for cycles less often: each of a million records is a handful of objects without any."""
    before = gc.get_threshold()
    gc.set_threshold(*_GC_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Loading:
    """Puts the events of files into an engine, and keeps count."""

    def __init__(self, engine: Engine, on_progress: OnProgress) -> None:
        self._engine = engine
        # What is passed over is counted, so it must not be of another account or region.
        self._conditions = engine.statement.conditions if engine.statement and not engine.only else frozenset()
        self._on_progress = on_progress
        self._reads: list[_Read] = []
        self._unreadable: list[tuple[int, int, str, bool, str]] = []
        self._events = 0

    def _decoder(self, columns: frozenset[str], period: tuple[datetime, datetime] | None) -> Decoder:
        wanted = Wanted(self._conditions, period)
        # Of few events, dictionaries are made more dearly than the texts take room.
        is_compact = not self._conditions
        return decoder_for(columns, wanted, with_position=self._engine.needs_position, is_compact=is_compact)

    def files_of(self, place: LogSource, columns: frozenset[str]) -> Basis:
        """All files of a place."""
        for read in read_files(place.store, place.files, self._decoder(columns, place.period)):
            self.add(read)
        return self._close(place.source, place.period, (*place.holes, *place.not_due), place.notices)

    def stored_files_of(self, place: LogSource, stored: StoredSource) -> Basis:
        """All files of a place: those that the store has from there, and the others from the place."""
        unknown = [file for file in place.files if file not in stored]
        taken_events = 0
        reads = read_files(place.store, unknown, decoder_for(frozenset(STORED), is_compact=True), hashes=True)
        for number, read in enumerate(reads, 1):
            if stored.take(read) is None:
                self.add(read)
            taken_events += read.decoded.events
            self._on_progress(number, taken_events)
        parts = stored.close()
        for each, file in stored.files():
            self._add_stored(each, file)
        return self._close(place.source, place.period, (*place.holes, *place.not_due), place.notices, parts)

    def proven_files_of(self, ready: PreparedValidation, columns: frozenset[str], stored: StoredSource | None) -> Basis:
        """Those files that the digest chain vouches for: of the store, if there is one, those whose hash it signed."""
        from verify.logs.proof import Known, read_proven  # noqa: PLC0415 - it takes long to load

        period = ready.request.period.start, ready.request.period.end
        decoder = self._decoder(columns, period) if stored is None else decoder_for(frozenset(STORED), is_compact=True)

        judged: set[int] = set()  # of the store's files, those that the validation asked for

        def known(file: LogFile) -> Known | None:
            found = stored.get(file) if stored else None
            if found is None or not found.sha256:
                return None
            judged.add(found.number)
            return Known(found.sha256, found.size_bytes, found.number)

        def on_read(read: ReadFile) -> int:
            number = stored.take(read) if stored else None
            if number is None:
                return self.add(read)
            judged.add(number)
            return number

        proven = read_proven(ready, decoder, on_read, known if stored else None)
        parts = stored.close() if stored else ()
        for each, file in stored.files() if stored else ():
            if each.number in judged:
                self._add_stored(each, file)
        self._engine.keep(proven.files)
        counts = len(self._reads), self._events
        self._reads = [read for read in self._reads if read.number in proven.files]
        self._unreadable = [each for each in self._unreadable if each[0] in proven.files]
        basis = self._close(ready.request.source, period, proven.holes, proven.notices, parts)
        return replace(basis, read=counts)

    def _events_in(self, period: tuple[datetime, datetime] | None) -> int:
        """How many events of the files count. Without a period all do, and how many a file has is known."""
        if period is None and not self._engine.only:
            return sum(read.row.events for read in self._reads)
        return self._engine.count_events() + sum(read.passed_over for read in self._reads)

    def add(self, read: ReadFile) -> int:
        """Add a file's events; the file's number is returned."""
        number, decoded = len(self._reads), read.decoded
        self._engine.add(number, decoded.rows)
        self._events += decoded.events
        if len(self._unreadable) < _MAX_UNREADABLE:
            self._unreadable += [
                (number, each.position, each.why, each.is_shown, each.text) for each in decoded.unreadable
            ]
        row = _row(read.file, read.size_bytes, decoded.events, read.problem)
        self._reads.append(_Read(number, row, decoded.unreadable_count, decoded.replaced_count, decoded.passed_over))
        self._on_progress(number + 1, self._events)
        return number

    def _add_stored(self, stored: StoredFile, file: LogFile) -> None:
        self._events += stored.events
        self._reads.append(_Read(stored.number, _row(file, stored.size_bytes, stored.events), 0, 0, 0))

    def _close(
        self,
        source: str,
        period: tuple[datetime, datetime] | None,
        holes: tuple[str, ...],
        notices: tuple[str, ...],
        parts: Sequence[Part] = (),
    ) -> Basis:
        files = [(read.number, read.row) for read in self._reads]
        numbers = {number for number, _ in files}
        has_more = any(each.number not in numbers for part in parts for each in part.files)
        parquet = [part.path for part in parts]
        empty = frozenset.intersection(*(part.empty for part in parts)) if parts else frozenset()
        self._engine.close_input(files, self._unreadable, period, parquet, has_more=has_more, empty=empty)
        rows = [read.row for read in self._reads]
        unread = [Unread(row.name, row.problem) for row in rows if row.problem]
        lacking = [f"{name} was asked for, and no event of it is in the files." for name in self._engine.lacking()]
        return Basis(
            source=source,
            period=period,
            accounts=_known(row.account for row in rows),
            regions=_known(row.region for row in rows),
            days=_known(row.day for row in rows),
            files=len(rows),
            size_bytes=sum(row.size_bytes for row in rows),
            events=self._events_in(period),
            unread=tuple(unread[:MAX_NAMED]),
            unread_count=len(unread),
            unreadable_records=sum(read.unreadable for read in self._reads),
            replaced_records=sum(read.replaced for read in self._reads),
            holes=(*holes, *lacking),
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


def _row(file: LogFile, size_bytes: int, events: int, problem: str = "") -> FileRow:
    return FileRow(file.shown_name, file.account, file.region, file.day, file.delivered, size_bytes, events, problem)


def _known(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values) - {""}))
