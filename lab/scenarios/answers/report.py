"""A learner's incident report, in Markdown: which of the asked facts it states.

A fact is looked for where the report names it: a row of a table (`| Address | 192.0.2.1 |`), a line
(`Address: 192.0.2.1`, in a list or bold as well), or a heading (`## Address`) with the fact in the next line. Where it
names none, names, addresses and files are looked for in the text as a whole.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.scenarios.answers.facts import Fact, Kind

# Who names more than that has not decided.
_MOST = 3
_CANDIDATES = {
    Kind.NAME: re.compile(r"[\w+=,.@:/-]*\w"),
    Kind.ADDRESS: re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:]+)(?![\w:])"),
    Kind.TIME: re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:\d\d))?"),
    Kind.COUNT: re.compile(r"(?<![\w.:/-])\d{1,3}(?:[,'_ ]?\d{3})*(?![\w:/-])"),
    Kind.FILE: re.compile(r"[\w./:-]+\.json\.gz"),
}
_MARKS = re.compile(r"[*`]|^[\s>#-]+|^\s*\d+[.)]\s", re.MULTILINE)
_LINE = re.compile(r"^(?P<label>[^:|]{2,40}?)\s*(?::\s+|\|)\s*(?P<value>\S.*)$")


class Verdict(StrEnum):
    """What a report says of a fact."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Judged:
    """A fact and what the report says of it; `said` is '' if nothing."""

    fact: Fact
    verdict: Verdict
    said: str = ""


def judge(markdown: str, facts: Sequence[Fact]) -> list[Judged]:
    """What a report says of each of these facts."""
    stated = list(_stated(markdown))
    return [_judged(fact, [value for label, value in stated if label == _label(fact.name)], markdown) for fact in facts]


def template(title: str, facts: Sequence[Fact]) -> str:
    """A report to be filled in."""
    rows = "\n".join(f"| {fact.name} |  |" for fact in facts)
    return (
        f"# Incident report: {title}\n\n## Summary\n\n\n## Facts\n\n| Fact | Found |\n|---|---|\n{rows}\n\n"
        "## How it was found\n\n\n## What to do next\n\n"
    )


def _judged(fact: Fact, stated: Sequence[str], markdown: str) -> Judged:
    if not stated:
        return _judged_by_the_text(fact, markdown)
    found = [value for text in stated for value in _candidates(fact, text)]
    said = "; ".join(stated)
    if not found:
        return Judged(fact, Verdict.WRONG, said)
    if fact.kind is Kind.NAME:
        found = found[:_MOST]  # what follows a name explains it
    distinct = list(dict.fromkeys(found))
    is_right = len(distinct) <= _MOST and any(_is_right(fact, value) for value in distinct)
    return Judged(fact, Verdict.RIGHT if is_right else Verdict.WRONG, said)


def _judged_by_the_text(fact: Fact, markdown: str) -> Judged:
    """Of a report that names no such fact. A number and a time can be any; so they are asked for by name."""
    if fact.kind in (Kind.COUNT, Kind.TIME):
        return Judged(fact, Verdict.MISSING)
    found = list(dict.fromkeys(_candidates(fact, markdown)))
    is_right = any(_is_right(fact, value) for value in found)
    if fact.kind is Kind.NAME:
        return Judged(fact, Verdict.RIGHT if is_right else Verdict.MISSING)
    if len(found) > _MOST:
        return Judged(fact, Verdict.MISSING)
    if is_right:
        return Judged(fact, Verdict.RIGHT)
    return Judged(fact, Verdict.WRONG, ", ".join(found)) if found else Judged(fact, Verdict.MISSING)


def _is_right(fact: Fact, text: str) -> bool:
    try:
        return fact.is_right(text)
    except ValueError:
        return False


def _candidates(fact: Fact, text: str) -> list[str]:
    return [found[0] for found in _CANDIDATES[fact.kind].finditer(text.replace("`", " ").replace("*", " "))]


def _stated(markdown: str) -> Iterator[tuple[str, str]]:
    """What a report states by name: label and text."""
    heading = ""
    for line in markdown.splitlines():
        plain = _MARKS.sub("", line).strip()
        if not plain or set(plain) <= set("|-: "):
            continue
        if line.lstrip().startswith("#"):
            heading = _label(plain)
            continue
        if heading:
            yield heading, plain
            heading = ""
        # A table's row begins with a bar, which is no label.
        found = _LINE.match(plain.strip("| ") if plain.startswith("|") else plain)
        if found:
            yield _label(found["label"]), found["value"].strip("| ")


def _label(text: str) -> str:
    return re.sub(r"[\W_]+", "-", text.strip().casefold()).strip("-")
