"""Answers from the log files: rows in several formats, and what they rest on.

What a record says was in large part written by whoever made the call. So no text of it reaches a terminal or a
spreadsheet as anything but text: control characters are made visible, and what a spreadsheet takes for a formula gets
an apostrophe.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from verify.logs.answer import Basis
from verify.logs.engine import ResultColumn
from verify.logs.record import record_of
from verify.report.row_json import json_value, unique_names
from verify.report.terminal import cell, safe
from verify.times import iso

# Only a table on a terminal needs these, and they take a while to load.
if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

MAX_TABLE_ROWS = 1_000
# Of box.SIMPLE_HEAD, in characters.
_GAP, _EDGE = 3, 1
BETWEEN: Final = {"json": ",\n", "jsonl": "\n"}  # two rows
_SHOWN_DAYS = 3
_SHOWN_REGIONS = 5
_SHOWN_HOLES = 30
_ASK_FILES = "To see which: SELECT * FROM files WHERE problem IS NOT NULL"
_ASK_RECORDS = "To see which: SELECT * FROM unreadable"


def text_value(value: Any) -> str:
    """A value of an answer, as a line of a table has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    found = json_value(value)
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def as_table(columns: Sequence[ResultColumn], rows: Iterable[tuple[Any, ...]], *, width: int) -> Iterator[Table | Text]:
    """A table for a terminal; of very many rows the first ones, and a line that says so.

    :param width: the terminal's, in characters: where a table would cut a word, each row gets a few lines instead.
    """
    from rich import box  # noqa: PLC0415
    from rich.cells import cell_len  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from verify.report.marks import details  # noqa: PLC0415

    def widest_word(text: Text) -> int:
        return max(map(cell_len, text.plain.split()), default=0)

    rows = iter(rows)
    names = [safe(name) for name in unique_names(columns)]
    shown = [tuple(safe(text_value(value)) for value in row) for row in islice(rows, MAX_TABLE_ROWS)]
    least = [max(map(widest_word, column)) for column in zip(names, *shown, strict=True)]
    if sum(least) + _GAP * (len(least) - 1) + 2 * _EDGE > width:
        for row in shown:
            yield Text()
            yield from details(zip((name.plain for name in names), (value.plain for value in row), strict=True))
    else:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name, word in zip(names, least, strict=True):
            table.add_column(name, overflow="fold", min_width=word)
        for row in shown:
            table.add_row(*row)
        yield table
    more = sum(1 for _ in rows)
    if more:
        yield Text(f"… and {more:,} more rows, which --format csv or jsonl gives.")


def as_lines(columns: Sequence[ResultColumn], rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Tab-separated, for a pipe."""
    yield "\t".join(safe(name).plain for name in unique_names(columns)) + "\n"
    for row in rows:
        yield "\t".join(safe(text_value(value)).plain for value in row) + "\n"


def as_csv(columns: Sequence[ResultColumn], rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """For a spreadsheet, which takes no text in it for a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([cell(name).plain for name in unique_names(columns)])
    yield _taken(buffer)
    for row in rows:
        # A number is none that could be mistaken; a text that begins like one may be a formula.
        is_number = [isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in row]
        writer.writerow(
            [
                text_value(value) if plain else cell(text_value(value)).plain
                for value, plain in zip(row, is_number, strict=True)
            ]
        )
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def as_records(columns: Sequence[ResultColumn], rows: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Each row of ``SELECT * FROM events`` as the record that it was."""
    names = [column.name for column in columns]
    for row in rows:
        yield record_of(dict(zip(names, row, strict=True)))


def as_jsonl(texts: Iterable[str | memoryview]) -> Iterator[str | memoryview]:
    """One JSON object a line.

    :param texts: of the objects; long ones may be their characters in ASCII.
    """
    for text in texts:
        yield text
        yield BETWEEN["jsonl"]


def as_json(texts: Iterable[str | memoryview], basis: Basis) -> Iterator[str | memoryview]:
    """One JSON document: the rows, and what they rest on.

    :param texts: of the rows, each an object; long ones may be their characters in ASCII.
    """
    separator = '{"rows": [\n'
    for text in texts:
        yield separator
        yield text
        separator = BETWEEN["json"]
    start = '{"rows": [' if separator.startswith("{") else "\n"
    yield f'{start}],\n"basis": {json.dumps(basis_as_json(basis), indent=2)}}}\n'


def basis_as_json(basis: Basis) -> dict[str, Any]:
    """What an answer rests on, for programs."""
    start, end = basis.period or (None, None)
    return {
        "whole": basis.is_whole,
        "source": basis.source,
        "start": iso(start) or None,
        "end": iso(end) or None,
        "accounts": basis.accounts,
        "regions": basis.regions,
        "days": basis.days,
        "files": basis.files,
        "bytes": basis.size_bytes,
        "events": basis.events,
        "proven_only": basis.read is not None,
        "read_files": basis.read[0] if basis.read else basis.files,
        "unread": [{"file": each.name, "why": each.why} for each in basis.unread],
        "unread_files": basis.unread_count,
        "unreadable_records": basis.unreadable_records,
        "replaced_records": basis.replaced_records,
        "holes": basis.holes,
        "notices": basis.notices,
    }


def _few(names: tuple[str, ...]) -> tuple[str, ...]:
    """So many names as a line bears."""
    left = len(names) - _SHOWN_REGIONS
    return (*names[:_SHOWN_REGIONS], f"and {left} more") if left > 0 else names


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def basis_as_text(basis: Basis) -> Iterator[str]:
    """What an answer rests on, a line for each fact."""
    yield from basis.notices
    when = f", {iso(basis.period[0])} to {iso(basis.period[1])}" if basis.period else ""
    days = (
        basis.days
        if len(basis.days) <= _SHOWN_DAYS
        else (f"{len(basis.days)} days from {basis.days[0]} to {basis.days[-1]}",)
    )
    parts = [", ".join(each) for each in (_few(basis.accounts), _few(basis.regions), days) if each]
    where = f" ({'; '.join(parts)})" if parts else ""
    proven = "" if basis.read is None else "proven "
    events, files = _number(basis.events, f"{proven}event"), _number(basis.files, f"{proven}file")
    yield f"Rests on {events} of {files}{where} in {basis.source}{when}."
    if basis.read is not None:
        files, events = _number(basis.read[0], "file"), _number(basis.read[1], "event")
        yield f"Read: {files} with {events}; what is not proven is left out."
    for each in basis.unread:
        yield f"Not read: {each.name}: {each.why}."
    if basis.unread_count > len(basis.unread):
        more = basis.unread_count - len(basis.unread)
        yield f"Not read: {_number(more, 'more file')}. {_ASK_FILES}"
    if basis.unreadable_records:
        yield f"{_number(basis.unreadable_records, 'record')} could not be read. {_ASK_RECORDS}"
    if basis.replaced_records:
        yield f"Shown with something replaced: {_number(basis.replaced_records, 'record')}. {_ASK_RECORDS}"
    yield from basis.holes[:_SHOWN_HOLES]
    if len(basis.holes) > _SHOWN_HOLES:
        yield f"… and {len(basis.holes) - _SHOWN_HOLES:,} more such sentences, which --format json has."
    if not basis.files:
        yield "No log file was read, so this answer says nothing."
    elif not basis.is_whole:
        yield "So the answer may lack events."
