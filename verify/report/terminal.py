"""The two consoles of a command, and text that is safe to print on them."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from io import TextIOWrapper
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

_LEAST_WIDTH = 20
_USUAL_WIDTH = 80
_ASCII = "".join(map(chr, range(0x20, 0x7F)))
_PIECES = 10_000  # of a JSON document, that are written at once


class Later:
    """A part of a JSON document that is made when it is written, and let go then.

    :param make: makes it.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


class Terminal:
    """Results go to ``out`` (standard output), progress and notices to ``err`` (standard error).

    Rich takes a while to load, and nothing needs it for a JSON document: the consoles are made when they are used.

    :param out: Default: - the process's own stream. In a pipe there is no colour and no line is cut.
    :param err: Default: - as for ``out``.
    """

    def __init__(self, out: Console | None = None, err: Console | None = None) -> None:
        if out is not None:
            self.out = out
        if err is not None:
            self.err = err

    @cached_property
    def out(self) -> Console:
        """The console for results."""
        return _console(stderr=False)

    @cached_property
    def err(self) -> Console:
        """The console for progress and notices."""
        return _console(stderr=True)

    @property
    def takes_tables(self) -> bool:
        """Whether a table can be read: on a terminal, and one that is wide enough for whole words."""
        return self.out.is_terminal and self.out.width >= _USUAL_WIDTH

    @property
    def takes_blocks(self) -> bool:
        """Whether a few lines for each row are what can be read: on a narrow terminal."""
        return self.out.is_terminal and not self.takes_tables

    def show(self, piece: RenderableType) -> None:
        """Print one piece of a report to standard output. In a pipe text stays as it is, tabs and all."""
        from rich.text import Text  # noqa: PLC0415 (as below, not for a JSON document)

        if isinstance(piece, Text) and not self.out.is_terminal:
            self.write(f"{piece.plain}\n")
        else:
            self.out.print(piece, soft_wrap=isinstance(piece, Text))

    def working(self, on: str) -> AbstractContextManager[object]:
        """Show on a terminal what takes a while, as long as it does."""
        return self.err.status(on) if sys.stderr.isatty() else nullcontext()

    def notice(self, text: str) -> None:
        """Print one line to standard error, whatever characters it holds."""
        self.err.print(safe(text), soft_wrap=True)

    def print_json(self, value: Any) -> None:
        """Print one JSON document. ASCII only, so that no control character reaches the terminal.

        Piece by piece: the whole text of a document about thousands of identities takes more memory than they do.
        """
        pieces = json.JSONEncoder(indent=2, default=_plain).iterencode(value)
        while text := "".join(islice(pieces, _PIECES)):
            self.write(text)
        self.write("\n")

    def write(self, text: str | memoryview) -> None:
        """Write text to standard output as it is; it must be safe to print. A reader that has seen enough (``| head``)
        ends the output, and not the work: what is found decides the exit code.

        :param text: if it is long, better as its characters in ASCII: they are not copied.
        """
        try:
            if isinstance(text, str):
                self._file.write(text)
            elif (binary := _takes_ascii(self._file)) is None:
                self._file.write(str(text, "ascii"))
            else:
                self._file.flush()  # what was written before comes first
                _write_whole(binary, text)
        except BrokenPipeError:
            discard(self._file)

    def flush(self) -> None:
        """Write what standard output still holds, if anybody reads it."""
        try:
            self._file.flush()
        except BrokenPipeError:
            discard(self._file)

    @property
    def _file(self) -> IO[str]:
        return self.out.file if "out" in vars(self) else sys.stdout


def _plain(value: object) -> Any:
    return value.make() if isinstance(value, Later) else str(value)


def _takes_ascii(stream: IO[str]) -> IO[bytes] | None:
    """Where the characters of a stream can be written as they are in ASCII; ``None`` where there is no such place."""
    is_plain = isinstance(stream, TextIOWrapper) and _ASCII.encode(stream.encoding, "replace") == _ASCII.encode()
    return cast("IO[bytes]", cast("TextIOWrapper", stream).buffer) if is_plain else None


def _write_whole(binary: IO[bytes], text: memoryview) -> None:
    """Write all of it: where Python does not buffer (``python -u``), one call may write a part and say nothing.

    :raises BlockingIOError: the reader is slow, and whoever made the stream wants nobody to wait for it.
    """
    while len(text):
        written = binary.write(text)
        if not written:
            raise BlockingIOError(errno.EAGAIN, "standard output takes no more now")
        text = text[written:]


def discard(stream: IO[str]) -> None:
    """Let what is written to a stream from now on go nowhere, with what it still holds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _console(*, stderr: bool) -> Console:
    from rich.console import Console  # noqa: PLC0415

    class WithoutPipe(Console):
        def on_broken_pipe(self) -> None:
            # Rich would end the program with exit code 1.
            discard(self.file)

    stream = sys.stderr if stderr else sys.stdout
    # Markup and emoji codes stay off: what is printed is data, and data must not format itself.
    width = None if stream.isatty() else 200
    console = WithoutPipe(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False, width=width)
    if console.width < _LEAST_WIDTH:
        console.width = _USUAL_WIDTH  # COLUMNS=0 in the environment, and nothing would be printed at all
    return console


def cell(text: object) -> Text:
    """As :func:`safe`, for a column that a spreadsheet may open: it takes no such text for a formula."""
    from rich.text import Text  # noqa: PLC0415

    shown = safe(text)
    return Text("'") + shown if shown.plain[:1] in tuple("=+-@") else shown


def safe(text: object) -> Text:
    """Text with control characters made visible, and never read as markup."""
    from rich.text import Text  # noqa: PLC0415

    return Text("".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in str(text)))
