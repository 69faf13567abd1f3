"""A program at a terminal, and what it prints there."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROWS = 50
_READ_BYTES = 65536


def printed_at_terminal(
    command: Sequence[str], columns: int, environment: Mapping[str, str], folder: Path, *, with_errors: bool = True
) -> tuple[int, str]:
    """Run a program at a terminal of so many columns, until nobody writes to it any more.

    :param environment: the whole of the program's environment.
    :param with_errors: stderr is the terminal as well; else it is thrown away.
    :returns: its exit code, and what it printed, with its colours.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs if with_errors else subprocess.DEVNULL,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    printed = b""
    while part := _part(ours):
        printed += part
    os.close(ours)
    return process.wait(), printed.decode().replace("\r\n", "\n")


def _part(terminal: int) -> bytes:
    try:
        return os.read(terminal, _READ_BYTES)
    except OSError:  # nobody writes any more
        return b""
