"""Events as rows: a table on a terminal, one tab-separated line an event in a pipe."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rich import box
from rich.table import Table

from verify.events.event import Event
from verify.events.times import iso
from verify.report.terminal import Terminal, safe

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


def print_events(terminal: Terminal, events: Iterable[Event]) -> int:
    """Print the events and return their number. In a pipe each line is written as soon as it is known."""
    rows = map(row, events)
    if terminal.out.is_terminal:
        return _print_table(terminal, list(rows))
    number = 0
    for number, cells in enumerate(rows, 1):
        if number == 1:
            terminal.out.file.write("\t".join(COLUMNS) + "\n")
        terminal.out.file.write("\t".join(cells) + "\n")
    return number


def _print_table(terminal: Terminal, rows: list[tuple[str, ...]]) -> int:
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
        terminal.out.print(table)
    return len(rows)


def print_events_as_json(terminal: Terminal, events: Iterable[Event]) -> int:
    """Print a JSON list of the full CloudTrail events, one a line, and return their number.

    Each line is written as soon as the event is known, and the list is complete JSON even when the
    search is stopped half-way. ASCII only, so that no control character reaches a terminal.
    """
    number = 0
    for number, event in enumerate(events, 1):
        terminal.out.file.write("[\n" if number == 1 else ",\n")
        terminal.out.file.write(json.dumps(event.raw))
    terminal.out.file.write("\n]\n" if number else "[]\n")
    return number
