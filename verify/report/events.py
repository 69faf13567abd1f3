"""Events as rows: a table on a terminal, one tab-separated line an event in a pipe."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from verify.events.event import Event
from verify.report.marks import details
from verify.report.terminal import safe
from verify.times import iso

COLUMNS = ("time", "event", "source", "user", "region", "ip", "error")
# What identifies a call wraps; what only describes it is cut on a narrow terminal.
_FOLDED = ("time", "event", "user", "error")
# Of box.SIMPLE_HEAD, in characters.
_GAP, _EDGE = 3, 1


def row(event: Event) -> tuple[str, ...]:
    """The cells of one event, safe to print, one for each of ``COLUMNS``."""
    cells = (
        iso(event.time),
        event.name,
        event.source.removesuffix(".amazonaws.com"),
        event.user,
        event.region,
        event.source_ip,
        event.error_code or event.problem,
    )
    return tuple(safe(cell).plain for cell in cells)


def render_events(events: Iterable[Event], *, as_table: bool, width: int | None = None) -> Iterator[Table | Text]:
    """The events, piece by piece; nothing when there are none.

    :param as_table: one table, for a terminal. Otherwise a line of column names and one line for each event, each as
        soon as the event is known.
    :param width: the terminal's, in characters: where a table would break or cut what it holds, each event gets a
        few lines instead. Default: - a table in any case.
    """
    rows = map(row, events)
    if as_table:
        all_rows = list(rows)
        if width is not None and _least_width(all_rows) > width:
            yield from _blocks(all_rows)
        else:
            yield from _tables(all_rows)
        return
    for number, cells in enumerate(rows):
        if number == 0:
            yield Text("\t".join(COLUMNS))
        yield Text("\t".join(cells))


def _least_width(rows: Sequence[tuple[str, ...]]) -> int:
    """How wide a table is that breaks and cuts nothing."""
    widths = [max(map(cell_len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    return sum(widths) + _GAP * (len(widths) - 1) + 2 * _EDGE


def _blocks(rows: Sequence[tuple[str, ...]]) -> Iterator[Text]:
    for cells in rows:
        found = dict(zip(COLUMNS, cells, strict=True))
        yield Text.assemble(found.pop("time"), "  ", (found.pop("event"), "bold"))
        yield from details(found.items())


def _tables(rows: list[tuple[str, ...]]) -> Iterator[Table]:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in COLUMNS:
        table.add_column(
            column.upper() if column == "ip" else column.capitalize(),
            overflow="fold" if column in _FOLDED else "ellipsis",
            style="red" if column == "error" else None,
        )
    for cells in rows:
        table.add_row(*cells)
    if rows:
        yield table


def events_as_json(events: Iterable[Event]) -> Iterator[str]:
    """A JSON list of the full CloudTrail events, one a line, in parts to be written one after the other.

    Each part is there as soon as the event is known, and the list is complete JSON even when the search is stopped
    half-way. ASCII only, so that no control character reaches a terminal.
    """
    separator = "[\n"
    for event in events:
        yield separator + json.dumps(event.raw)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"
