"""Lines on a terminal that are broken between words, and never within one.

`lab` and `verify` do not import each other, and the review takes from `verify` only what compares policies, so each has
this module; a test keeps the copies equal.
A word that is wider than the terminal, such as an ARN, stands alone on its line. A command stays one line, so that it
can be copied.
"""

import io
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Further lines begin below the text: behind the indentation, and behind a label or the mark of an item.
_BEFORE_TEXT = re.compile(r"(?: *(?:[-•] +|\d+\. +|[\w./-]+(?: [\w./-]+){0,2} {2,}|> )?)")
_COMMAND = re.compile(
    r"(?:[$#>] |(?:fix|dig on) +|[\w ]+: {2,})?"
    r"(?:\w+=\S* )*(?:[\w./-]*/)?(?:aws|python|eval|make|sh|bash|cd|export|unset) "
)
_EXPLAINED = re.compile(r"(.*?\S) {3,}(\S.*)")
_EXPLANATION = " " * 6
_LEAST_COLUMNS = 20
_USUAL_COLUMNS = 80
# What other programs read stays as it is.
_FOR_PROGRAMS = re.compile("--(json|format|print-iam-policy|completion)")


def wrap_terminals(typed: Sequence[str]) -> None:
    """From now on, what this process prints to a terminal is broken between words.

    :param typed: the arguments of the command line. A document for programs stays as it is.
    """
    if sys.stdout is not None and not any(map(_FOR_PROGRAMS.match, typed)):
        sys.stdout = _wrapping(sys.stdout)
    if sys.stderr is not None:
        sys.stderr = _wrapping(sys.stderr)


def wrapped(line: str, columns: int) -> list[str]:
    """A line as lines of so many columns at most, but for those of one word that is wider.

    :param line: colours of a terminal count nothing.
    """
    plain = _ESCAPE.sub("", line)
    if _width(plain) <= columns:
        return [line]
    if _COMMAND.match(plain.strip()):
        parts = _EXPLAINED.fullmatch(line)
        if parts is None or not _COMMAND.match(f"{parts[1].strip()} "):
            return [line]
        return [parts[1], *wrapped(f"{_EXPLANATION}{parts[2]}", columns)]
    before = _BEFORE_TEXT.match(plain)
    indentation = " " * len(before[0] if before and len(before[0]) <= columns * 2 // 3 else _indentation(plain))
    # The first line as it is, up to its first word.
    start = _indentation(plain)
    lines: list[str] = []
    current, is_empty = start, True
    for word in re.split(r"(?<! ) ", _without_start(line, start)):
        if not is_empty and _width(_ESCAPE.sub("", current)) + 1 + _width(_ESCAPE.sub("", word)) > columns:
            lines.append(current)
            current = indentation + word.lstrip(" ")
        else:
            current += word if is_empty else f" {word}"
        is_empty = False
    return [*lines, current]


def _indentation(plain: str) -> str:
    return plain[: len(plain) - len(plain.lstrip(" "))]


def _without_start(line: str, start: str) -> str:
    """A line without its indentation; escapes before or in it stay."""
    return line.replace(start, "", 1) if start else line


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


class _Wrapping(io.TextIOWrapper):
    """A terminal whose whole lines are broken between words. What is flushed before its line is whole, such as a
    question or what shows progress, stays as it is.
    """

    _held = ""

    def write(self, text: str) -> int:
        *whole, self._held = (self._held + text).split("\n")
        if whole:
            # The size is asked of stdout, which may be a file while this is stderr.
            own = os.get_terminal_size(self.fileno()).columns or _USUAL_COLUMNS
            columns = max(shutil.get_terminal_size((own, 0)).columns, _LEAST_COLUMNS)
            super().write("".join(f"{part}\n" for line in whole for part in wrapped(line, columns)))
        return len(text)

    def flush(self) -> None:
        held, self._held = self._held, ""
        if held:
            super().write(held)
        super().flush()


def _wrapping(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper) or not stream.isatty():
        return stream
    return _Wrapping(stream.buffer, encoding=stream.encoding, errors=stream.errors, line_buffering=True)
