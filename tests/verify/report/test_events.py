"""Events on terminals of every width."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from tests.verify.simulation.aws_double import lookup_answer, record
from verify.events.event import parse_event
from verify.report.events import render_events

AT = datetime(2026, 1, 31, 12, 30, 59, tzinfo=UTC)
WORDS = ("2026-01-31T12:30:59Z", "DescribeSecurityGroups", "learner", "UnauthorizedOperation")


def shown(columns: int, **changes: str) -> str:
    event = parse_event(lookup_answer(record("DescribeSecurityGroups", AT, **changes)) | {"EventTime": AT})
    console = Console(file=io.StringIO(), width=columns, force_terminal=True, color_system=None)
    for piece in render_events([event], as_table=True, width=columns):
        console.print(piece, soft_wrap=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("columns", [*range(40, 130), 200])
def test_no_word_is_broken(columns: int) -> None:
    printed = shown(columns, errorCode="UnauthorizedOperation")

    assert all(word in printed for word in WORDS)


def test_a_table_is_there_as_soon_as_it_has_room() -> None:
    assert "─" not in shown(80, errorCode="UnauthorizedOperation")
    assert "─" in shown(116, errorCode="UnauthorizedOperation")
