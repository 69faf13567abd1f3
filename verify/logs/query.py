"""Answers a query: reads the files of a place, runs the query over their events, and says what the answer rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from verify.logs.answer import MAX_NAMED, Basis, Unread
from verify.logs.decode import decoder_for
from verify.logs.engine import Engine, FileRow, ResultColumn, open_engine
from verify.logs.places import Place
from verify.logs.reading import ReadFile, read_files

# Told how many files and events were read so far.
OnProgress = Callable[[int, int], None]
_MAX_UNREADABLE = 100_000


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    :param rows: its rows, as they come; they are there as long as the answer is open.
    """

    columns: tuple[ResultColumn, ...]
    rows: Iterator[tuple[Any, ...]]
    basis: Basis


def _say_nothing(files: int, events: int) -> None:
    """Whoever asks a short question wants no progress."""


@contextmanager
def answer(sql: str, place: Callable[[], Place], on_progress: OnProgress = _say_nothing) -> Iterator[Answer]:
    """The answer to a query.

    :param place: finds the files; asked only once the query is known to be one that may run.
    :raises UsageError: the query may not run, or fails.
    :raises CannotLook: memory or disk do not suffice.
    """
    with open_engine() as engine:
        columns = engine.prepare(sql)
        found = place()
        basis = _load(engine, found, columns, on_progress)
        result_columns, rows = engine.run()
        yield Answer(result_columns, rows, basis)


def _load(engine: Engine, place: Place, columns: frozenset[str], on_progress: OnProgress) -> Basis:
    decode = decoder_for(columns)
    files: list[tuple[int, FileRow]] = []
    unreadable: list[tuple[int, int, str, bool, str]] = []
    unread: list[Unread] = []
    counts = {"unread": 0, "unreadable": 0, "replaced": 0, "bytes": 0, "events": 0}
    for number, read in enumerate(read_files(place.store, place.files, decode)):
        engine.add(number, read.decoded.tables)
        files.append((number, _row(read)))
        counts["bytes"] += read.size_bytes
        counts["events"] += read.decoded.events
        counts["replaced"] += read.decoded.replaced_count
        counts["unreadable"] += read.decoded.unreadable_count
        if len(unreadable) < _MAX_UNREADABLE:
            unreadable += [
                (number, each.position, each.why, each.is_shown, each.text) for each in read.decoded.unreadable
            ]
        if read.problem:
            counts["unread"] += 1
            if len(unread) < MAX_NAMED:
                unread.append(Unread(read.file.shown_name, read.problem))
        on_progress(number + 1, counts["events"])
    engine.close_input(files, unreadable, place.period)
    return Basis(
        source=place.source,
        period=place.period,
        accounts=_known(row.account for _, row in files),
        regions=_known(row.region for _, row in files),
        days=_known(row.day for _, row in files),
        files=len(files),
        size_bytes=counts["bytes"],
        events=engine.count_events(),
        unread=tuple(unread),
        unread_count=counts["unread"],
        unreadable_records=counts["unreadable"],
        replaced_records=counts["replaced"],
        holes=place.holes,
        notices=place.notices,
    )


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


def _known(values: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values) - {""}))
