"""A shell at a terminal, into which a test pastes as a person does."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tools.terminal import printed_at_terminal

_ROWS_AND_COLUMNS = 50, 200
_READ_BYTES = 65536
# Ends a hang; nothing is measured by it.
_PATIENCE_SECONDS = 120
# A shell asks for marked pastes when it begins to read, and no longer when it begins to run what it read.
_READS, _RUNS = b"\x1b[?2004h", b"\x1b[?2004l"
_PASTE_BEGINS, _PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"
_CODE = r"\x1b(?:\[[0-9;?>=]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>])"
_ESCAPES = re.compile(rf"{_CODE}|\r")
# What a program does to the lines that stand: it goes up, erases, begins one again, or writes; colours are left out.
_MOVES = re.compile(rf"\x1b\[(?P<up>\d+)A|(?P<erase>\x1b\[2K)|{_CODE}|(?P<control>[\r\n])|(?P<text>[^\x1b\r\n]+)")
# Gives the shell the terminal that it reads from, for job control and Ctrl-C.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A terminal with an interactive shell in it that asks for marked (bracketed) pastes: bash from 5.1, zsh or fish.

    :param environment: the whole of the shell's environment.
    """

    def __init__(self, shell: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *_ROWS_AND_COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *shell],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={"TERM": "xterm", **environment},
            start_new_session=True,
        )
        os.close(theirs)
        self._shown = b""
        self._wait_for(_READS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Hangs up, as a terminal does that is closed."""
        os.close(self._ours)
        self._process.send_signal(signal.SIGHUP)
        try:
            self._process.wait(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def paste(self, text: str) -> str:
        """Pastes a text, presses Enter and waits until the shell reads again.

        :returns: what was printed since, without colours; not the echo of the text.
        """
        self._shown = b""
        left = _PASTE_BEGINS + text.strip("\n").encode() + _PASTE_ENDS + b"\r"
        while left:  # what the shell echoes meanwhile must be read, else it stops reading
            left = left[os.write(self._ours, left[:512]) :]
            self._read(seconds=0)
        self._wait_for(_RUNS)
        self._shown = self._shown.partition(_RUNS)[2]
        self._wait_for(_READS)
        return _ESCAPES.sub("", self._shown.partition(_READS)[0].decode())

    def _wait_for(self, mark: bytes) -> None:
        until = time.monotonic() + _PATIENCE_SECONDS
        while mark not in self._shown:
            self._read(seconds=until - time.monotonic())

    def _read(self, seconds: float) -> None:
        if _has_something(self._ours, max(seconds, 0)):
            self._shown += os.read(self._ours, _READ_BYTES)
        elif seconds:
            raise AssertionError(f"The shell does not go on. It showed: {self._shown.decode(errors='replace')}")


def _has_something(descriptor: int, seconds: float) -> bool:
    """Whether there is something to read, after so long a wait at most; ``select`` takes no number above 1023."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def shown_at_terminal(
    command: Sequence[str], columns: int, environment: Mapping[str, str], folder: Path
) -> tuple[int, str]:
    """Runs a program at a terminal of so many columns; its exit code, and what stands there without colours."""
    code, printed = printed_at_terminal(command, columns, {"TERM": "xterm", **environment}, folder)
    return code, "\n".join(_standing(printed))


def _standing(printed: str) -> list[str]:
    """The lines as they stand in the end: what was written over or erased, as a bar of progress is, does not stand."""
    lines, row, column = [""], 0, 0
    for move in _MOVES.finditer(printed):
        if move["text"]:
            line = lines[row].ljust(column)
            lines[row] = line[:column] + move["text"] + line[column + len(move["text"]) :]
            column += len(move["text"])
        elif move["up"]:
            row = max(row - int(move["up"]), 0)
        elif move["erase"]:
            lines[row] = ""
        elif move["control"] == "\r":
            column = 0
        elif move["control"] == "\n":
            row, column = row + 1, 0
            lines += [""] * (row == len(lines))
    return lines
