"""Answers a query: reads the files of a place, runs the query over their events, and says what the answer rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from verify.integrity.sources import PreparedValidation
from verify.logs.answer import MAX_NAMED, Basis, Unread
from verify.logs.decode import Wanted, decoder_for
from verify.logs.engine import Engine, FileRow, ResultColumn, open_engine
from verify.logs.places import Place
from verify.logs.proof import read_proven
from verify.logs.reading import ReadFile, read_files

# Told how many files and events were read so far.
OnProgress = Callable[[int, int], None]
_MAX_UNREADABLE = 100_000


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
    sql: str, place: Callable[[], Place | PreparedValidation], on_progress: OnProgress = _say_nothing
) -> Iterator[Answer]:
    """The answer to a query.

    :param place: finds the files, asked only once the query is known to be one that may run. Of a validation, only
        what is proven is read.
    :raises UsageError: the query may not run, or fails.
    :raises CannotLook: memory or disk do not suffice.
    """
    with open_engine() as engine:
        columns = engine.prepare(sql)
        found = place()
        loading = _Loading(engine, on_progress)
        basis = (
            loading.files_of(found, columns) if isinstance(found, Place) else loading.proven_files_of(found, columns)
        )
        result = engine.run()
        yield Answer(result.columns, result.rows, basis, result.reader)


class _Loading:
    """Puts the events of files into an engine, and keeps count."""

    def __init__(self, engine: Engine, on_progress: OnProgress) -> None:
        self._engine = engine
        self._conditions = engine.statement.conditions if engine.statement else frozenset()
        self._on_progress = on_progress
        self._reads: list[_Read] = []
        self._unreadable: list[tuple[int, int, str, bool, str]] = []
        self._events = 0

    def files_of(self, place: Place, columns: frozenset[str]) -> Basis:
        """All files of a place."""
        decode = decoder_for(columns, Wanted(self._conditions, place.period))
        for read in read_files(place.store, place.files, decode):
            self.add(read)
        return self._close(place.source, place.period, place.holes, place.notices)

    def proven_files_of(self, ready: PreparedValidation, columns: frozenset[str]) -> Basis:
        """Those files that the digest chain vouches for."""
        period = ready.request.period.start, ready.request.period.end
        proven = read_proven(ready, decoder_for(columns, Wanted(self._conditions, period)), self.add)
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
    ) -> Basis:
        self._engine.close_input([(read.number, read.row) for read in self._reads], self._unreadable, period)
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


def _known(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values) - {""}))
