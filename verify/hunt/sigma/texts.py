"""Tests of texts: Sigma's wildcards and regular expressions, each in time linear in the text. Pure."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import re2
from sigma.types import SigmaString, SpecialChars

TextTest: TypeAlias = Callable[[str], bool]
# Memory that RE2 may use for one expression; it refuses what needs more.
_RE2_BYTES = 4 * 2**20
# Of a regular expression: classes, counts, escaped characters, and single ones.
_TOKENS = re.compile(r"\[\^?\]?(?:\\.|\[:[a-z^]+:\]|[^\]\\])*\]|\{[^}]*\}|\\.|.", re.DOTALL)
_SPECIAL = frozenset("[.^$()+")
_KNOWN = frozenset(f"\\{letter}" for letter in "dDwWsSbBAzfnrtv" + string.punctuation)


class CannotRun(ValueError):
    """A rule, or a part of one, that cannot be run, and why."""


def wildcard_test(pattern: SigmaString, *, cased: bool, anywhere: bool = False) -> TextTest:
    """Whether a text as a whole is of a pattern, in which ``*`` stands for anything and ``?`` for one character.

    :param cased: whether upper and lower case differ.
    :param anywhere: whether the pattern may begin and end anywhere in the text.
    :raises CannotRun: the pattern has a placeholder, which has no value here.
    """
    parts = _parts(pattern, cased=cased)
    if anywhere:
        parts = [SpecialChars.WILDCARD_MULTI, *parts, SpecialChars.WILDCARD_MULTI]
    test = _test_of(parts)
    return test if cased else lambda text: test(text.lower())


def literal_of(pattern: SigmaString) -> str | None:
    """A pattern's text in lower case; ``None`` if it has wildcards."""
    if any(not isinstance(part, str) for part in pattern.s):
        return None
    return "".join(str(part) for part in pattern.s).lower()


def _parts(pattern: SigmaString, *, cased: bool) -> list[str | SpecialChars]:
    parts: list[str | SpecialChars] = []
    for part in pattern.s:
        if isinstance(part, SpecialChars):
            parts.append(part)
        elif isinstance(part, str):
            parts.append(part if cased else part.lower())
        else:
            raise CannotRun(f"the placeholder %{part.name}% has no value here")
    return parts


def _test_of(parts: Sequence[str | SpecialChars]) -> TextTest:
    segments = _segments(parts)
    plain = [segment for segment in segments if SpecialChars.WILDCARD_SINGLE not in segment]
    if len(plain) == len(segments):
        return _plain_test(["".join(map(str, segment)) for segment in segments])
    first, *others = [_Segment(segment) for segment in segments]
    if not others:
        return first.is_whole
    return lambda text: _in_order(text, first, others)


def _plain_test(texts: list[str]) -> TextTest:
    if len(texts) == 1:
        return texts[0].__eq__
    first, *middle, last = texts
    if not any(middle):
        if not first:
            return (lambda text: text.endswith(last)) if last else (lambda _text: True)
        least = len(first) + len(last)
        return lambda text: len(text) >= least and text.startswith(first) and text.endswith(last)
    if not first and not last and sum(map(bool, middle)) == 1:
        wanted = "".join(middle)
        return lambda text: wanted in text

    def in_order(text: str) -> bool:
        if not text.startswith(first):
            return False
        at = len(first)
        for each in middle:
            found = text.find(each, at)
            if found < 0:
                return False
            at = found + len(each)
        return len(text) - at >= len(last) and text.endswith(last)

    return in_order


def _segments(parts: Sequence[str | SpecialChars]) -> list[list[str | SpecialChars]]:
    """What stands before, between and after the ``*``."""
    segments: list[list[str | SpecialChars]] = [[]]
    for part in parts:
        if part is SpecialChars.WILDCARD_MULTI:
            segments.append([])
        else:
            segments[-1].append(part)
    return segments


class _Segment:
    """A piece of a pattern with ``?`` in it: of fixed length, and so found without going back."""

    def __init__(self, parts: Sequence[str | SpecialChars]) -> None:
        self.length = sum(len(part) if isinstance(part, str) else 1 for part in parts)
        text = "".join(re.escape(part) if isinstance(part, str) else "." for part in parts)
        self._expression = re.compile(text, re.DOTALL)

    def is_whole(self, text: str) -> bool:
        return self._expression.fullmatch(text) is not None

    def is_at(self, text: str, at: int) -> bool:
        return self._expression.match(text, at) is not None

    def find(self, text: str, at: int) -> int:
        found = self._expression.search(text, at)
        return found.start() if found else -1


def _in_order(text: str, first: _Segment, others: Sequence[_Segment]) -> bool:
    if not first.is_at(text, 0):
        return False
    at = first.length
    for each in others[:-1]:
        found = each.find(text, at)
        if found < 0:
            return False
        at = found + each.length
    last = others[-1]
    return len(text) - at >= last.length and last.is_at(text, len(text) - last.length)


def expression_test(expression: str, *, ignore_case: bool, multiline: bool, dot_all: bool) -> TextTest:
    """Whether a regular expression matches somewhere in a text. RE2 runs it, which never goes back.

    :raises CannotRun: RE2 does not have it, such as a look-ahead, or it is too large.
    """
    flags = "".join(flag for flag, given in (("i", ignore_case), ("m", multiline), ("s", dot_all)) if given)
    try:
        compiled = compiled_expression(f"(?{flags}){expression}" if flags else expression)
    except re2.error as error:
        raise CannotRun(f"the regular expression {expression[:100]!r} cannot be run by RE2: {error}") from None

    needed = "" if flags else needed_text(expression)

    def test(text: str) -> bool:
        return needed in text and compiled.search(text.encode(errors="replace").decode()) is not None

    return test


def needed_text(expression: str) -> str:
    """A text that is in everything that a regular expression matches: to look for it takes next to nothing.

    Of what stands in groups, classes and repetitions nothing is known; with alternatives, of nothing.
    """
    parts = _TOKENS.findall(expression)
    if "|" in parts or "(?" in expression or any(part[0] == "\\" and part not in _KNOWN for part in parts):
        return ""
    runs = [""]
    depth = 0
    for part in parts:
        depth += (part == "(") - (part == ")")
        if part[0] in "*?{":
            runs[-1:] = [runs[-1][:-1], ""]
        elif depth == 0 and part[0] not in _SPECIAL and not part[1:].isalnum():
            runs[-1] += part[-1]
        else:
            runs.append("")
    return max(runs, key=len)


def compiled_expression(expression: str) -> Any:
    """An expression as RE2 has it.

    :raises re2.error: it is none.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _RE2_BYTES
    return re2.compile(expression, options)
