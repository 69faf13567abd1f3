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


class _Unbuffered(io.RawIOBase):
    """Takes a little of what it is given, as a pipe does that nobody may wait for, and at last nothing."""

    def __init__(self, room: int) -> None:
        self.content, self._room = b"", room

    def writable(self) -> bool:
        return True

    def write(self, text: object) -> int | None:
        taken = bytes(memoryview(text)[: min(7, self._room - len(self.content))])  # type: ignore[arg-type]
        self.content += taken
        return len(taken) or None


def test_what_is_not_buffered_is_written_whole_or_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = _Unbuffered(room=25)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8", write_through=True))  # type: ignore[type-var]

    Terminal().write(memoryview(b"b" * 20))
    assert raw.content == b"b" * 20

    with pytest.raises(BlockingIOError):
        Terminal().write(memoryview(b"c" * 20))
