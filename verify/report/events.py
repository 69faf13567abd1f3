"""Events as rows: a table on a terminal, one tab-separated line an event in a pipe."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from rich import box
from rich.table import Table
from rich.text import Text

from verify.events.event import Event
from verify.report.terminal import safe
from verify.times import iso

COLUMNS = ("time", "event", "source", "user", "region", "ip", "error")
# What identifies a call wraps; what only describes it is cut on a narrow terminal.
_FOLDED = ("time", "event", "user", "error")


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


def render_events(events: Iterable[Event], *, as_table: bool) -> Iterator[Table | Text]:
    """The events, piece by piece; nothing when there are none.

    :param as_table: one table, for a terminal. Otherwise a line of column names and one line for each event, each as
        soon as the event is known.
    """
    rows = map(row, events)
    if as_table:
        yield from _tables(list(rows))
        return
    for number, cells in enumerate(rows):
        if number == 0:
            yield Text("\t".join(COLUMNS))
        yield Text("\t".join(cells))


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
