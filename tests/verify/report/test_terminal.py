"""Text that is written to standard output."""

from __future__ import annotations

import io
import sys

import pytest

from verify.report.terminal import Terminal


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "utf-16", "utf-7"])
def test_characters_are_written_where_they_belong_in_the_streams_encoding(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    terminal = Terminal()

    for text in ("a", memoryview(b"b+" * 50_000), "c"):
        terminal.write(text)
    terminal.flush()

    assert stream.buffer.getvalue().decode(encoding) == f"a{'b+' * 50_000}c"


def test_characters_are_text_where_nothing_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)

    Terminal().write(memoryview(b"ab"))

    assert stream.getvalue() == "ab"
