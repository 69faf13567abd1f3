"""Text of unknown origin, made safe for a terminal and for a log.

``COMMAND | python tools/printable.py`` passes a command's output on, line by line.
"""

from __future__ import annotations

import sys
from typing import TextIO


def printable(text: str, *, keep: str = "") -> str:
    r"""The text with every character that could steer a terminal written as its code, such as ``\x1b``.

    :param keep: characters to leave as they are, such as the line feed.
    """
    return "".join(char if char.isprintable() or char in keep else _code(char) for char in text)


def pass_on(source: TextIO, target: TextIO) -> None:
    """Copy each line as soon as it is there."""
    for line in source:
        target.write(printable(line, keep="\n\t"))
        target.flush()


def _code(char: str) -> str:
    point = ord(char)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


if __name__ == "__main__":
    sys.stdin.reconfigure(errors="backslashreplace", newline="\n")  # type: ignore[union-attr]  # a text stream
    pass_on(sys.stdin, sys.stdout)
