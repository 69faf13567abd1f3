"""Workflow commands that put each objection on its source line.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from securetrail.printable import printable
from securetrail.review.comparison import Review
from securetrail.review.findings import SourceLine


def workflow_commands(review: Review) -> list[str]:
    """One line for each objection, and one for each new exception and decision that is none."""
    lines = [_command("error", each.place, each.id, f"{each.says} {each.attack}".strip()) for each in review.objections]
    known = {each.place for each in review.objections if each.place is not None}
    lines += [
        _command("warning", entry.place, "New exception", f"{entry.construct}: {entry.rule}: {entry.reason}")
        for entry in review.difference.exceptions
        if entry.place is None or entry.place not in known
    ]
    lines += [
        _command("warning", each.objection.place, f"Accepted: {each.objection.id}", each.decision.reason)
        for each in review.accepted
    ]
    return lines


def _command(level: str, place: SourceLine | None, title: str, message: str) -> str:
    where = "" if place is None else f"file={_value(place.file)},line={place.line},"
    return f"::{level} {where}title={_value(title)}::{_escaped(message)}"


def _escaped(value: str) -> str:
    return printable(value, keep="\r\n").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(value: str) -> str:
    return _escaped(value).replace(":", "%3A").replace(",", "%2C")
