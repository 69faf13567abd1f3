"""The two consoles of a command, and text that is safe to print on them."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import IO, Any

from rich.console import Console, RenderableType
from rich.text import Text

_LEAST_WIDTH = 20
_USUAL_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Terminal:
    """Results go to ``out`` (standard output), progress and notices to ``err`` (standard error)."""

    out: Console
    err: Console

    @classmethod
    def standard(cls) -> Terminal:
        """The process's own streams. In a pipe there is no colour and no line is cut."""
        return cls(out=_console(stderr=False), err=_console(stderr=True))

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
        if isinstance(piece, Text) and not self.out.is_terminal:
            self.write(f"{piece.plain}\n")
        else:
            self.out.print(piece, soft_wrap=isinstance(piece, Text))

    def notice(self, text: str) -> None:
        """Print one line to standard error, whatever characters it holds."""
        self.err.print(safe(text), soft_wrap=True)

    def print_json(self, value: Any) -> None:
        """Print one JSON document. ASCII only, so that no control character reaches the terminal."""
        self.write(json.dumps(value, indent=2, default=str) + "\n")

    def write(self, text: str) -> None:
        """Write text to standard output as it is; it must be safe to print. A reader that has seen enough (``| head``)
        ends the output, and not the work: what is found decides the exit code.
        """
        try:
            self.out.file.write(text)
        except BrokenPipeError:
            discard(self.out.file)

    def flush(self) -> None:
        """Write what standard output still holds, if anybody reads it."""
        try:
            self.out.file.flush()
        except BrokenPipeError:
            discard(self.out.file)


def discard(stream: IO[str]) -> None:
    """Let what is written to a stream from now on go nowhere, with what it still holds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # Rich would end the program with exit code 1.
        discard(self.file)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    # Markup and emoji codes stay off: what is printed is data, and data must not format itself.
    width = None if stream.isatty() else 200
    console = _Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False, width=width)
    if console.width < _LEAST_WIDTH:
        console.width = _USUAL_WIDTH  # COLUMNS=0 in the environment, and nothing would be printed at all
    return console


def cell(text: object) -> Text:
    """As :func:`safe`, for a column that a spreadsheet may open: it takes no such text for a formula."""
    shown = safe(text)
    return Text("'") + shown if shown.plain[:1] in tuple("=+-@") else shown


def safe(text: object) -> Text:
    """Text with control characters made visible, and never read as markup."""
    return Text("".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in str(text)))
