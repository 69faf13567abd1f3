"""What check and score reports have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from verify.posture.model import Status
from verify.report.terminal import safe

# Status → the mark and the colour on a terminal.
_MARKS = {
    Status.PASS: ("✔", "green"),
    Status.FAIL: ("✘", "red"),
    Status.UNKNOWN: ("?", "yellow"),
    Status.NOT_APPLICABLE: ("-", "dim"),
    Status.ADVICE: ("○", "cyan"),
}


def mark(status: Status) -> Text:
    """A status for a table cell: a mark and the word."""
    sign, colour = _MARKS[status]
    return Text(f"{sign} {status}", style=colour)


def headline(status: Status, title: str) -> Text:
    """A status and a title, where there is no room for a table."""
    return Text.assemble(mark(status), (f"  {title}", "bold"))


def not_aws(endpoint: str | None) -> Iterator[Text]:
    """The line that a report must have when its answers did not come from AWS."""
    if endpoint is not None:
        yield safe(f"Endpoint {endpoint} is not AWS: these results do not describe an AWS account.")


def details(pairs: Iterable[tuple[str, str | None]]) -> Iterator[Text]:
    """Evidence, one indented line each, without empty values."""
    for name, value in pairs:
        if value:
            yield Text(f"    {name:<9} ") + safe(value)
