"""A review in the forms that people and GitHub read.

What comes from the change under review, be it an id, a path, a reason or a message, is data. In Markdown it stands in
code spans, because nothing else keeps GitHub from making links, mentions and references of it: those are made of the
rendered text, so that no escape helps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote

from tools.printable import printable
from tools.review_changes import Change, Kind
from tools.review_findings import Acknowledgement, Finding, Place
from tools.review_sides import Comparison

_BACKTICKS: Final = re.compile("`+")
_LEVELS: Final = {"error": "error", "warning": "warning"}
_ORDER: Final = (Kind.REPLACED, Kind.REMOVED, Kind.ADDED, Kind.CHANGED)


def markdown(title: str, comparison: Comparison) -> str:
    """The summary for a pull request: first what is new and what is lost.

    :param title: its heading, which is the caller's own text: Markdown.
    """
    lines = [f"## {title}", ""]
    lines += [
        f"**Look twice:** {objection.why}{': ' if objection.names else ''}{_names(objection.names)}.\n"
        for objection in comparison.objections
    ]
    lines += [f"**New exceptions:** {len(comparison.new_exceptions)}.", ""]
    lines += _exceptions(comparison.new_exceptions)
    for trail in comparison.controls:
        lines += [f"**Controls lost** by {_code(trail.trail)}: {_names(trail.lost)}.", ""] if trail.lost else []
    counts = ", ".join(f"{sum(change.kind is kind for change in comparison.changes)} {kind}" for kind in _ORDER)
    lines += [f"**Resources:** {counts}.", ""]
    lines += _changes("Resource", comparison.changes)
    if comparison.declarations:
        lines += [f"**Outputs, parameters, conditions, mappings:** {len(comparison.declarations)}.", ""]
        lines += _changes("Name", comparison.declarations)
    lines += [f"**Findings:** {len(comparison.findings)}.", ""]
    lines += _table(
        ("Severity", "Rule", "Construct", "Why", "Where"),
        (
            (finding.severity, finding.rule, finding.construct, finding.description, _where(finding.place))
            for finding in comparison.findings
        ),
    )
    lines += [f"**Standing exceptions, with a reason:** {len(comparison.standing)}.", ""]
    lines += _exceptions(comparison.standing)
    for trail in comparison.controls:
        was = "the trail is new" if trail.met_before is None else f"was {trail.met_before}"
        of = len(trail.met) + len(trail.missed)
        lines += [f"**Controls that {_code(trail.trail)} meets at synth:** {len(trail.met)} of {of} ({was})."]
        lines += [f"Not met: {_names(trail.missed)}."] if trail.missed else []
        lines += [""]
    lines += [] if comparison.controls else ["**Controls met at synth:** no template has a trail."]
    return "\n".join(lines) + "\n"


def sarif(title: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """The findings for code scanning. Those without a source line have none to show and are left out.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    placed = [(finding, finding.place) for finding in findings if finding.place is not None]
    descriptions = {finding.rule: finding.description for finding, _ in placed}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "securetrail-review",
                        "rules": [
                            {"id": printable(rule), "shortDescription": {"text": _message(text)}}
                            for rule, text in descriptions.items()
                        ],
                    }
                },
                # Code scanning tells the results of one profile from those of another by this.
                "automationDetails": {"id": f"{title}/"},
                "results": [
                    {
                        "ruleId": printable(finding.rule),
                        "level": _LEVELS.get(finding.severity, "note"),
                        "message": {"text": _message(f"{finding.construct}: {finding.description}")},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": quote(place.file, errors="replace")},
                                    "region": {"startLine": place.line},
                                }
                            }
                        ],
                    }
                    for finding, place in placed
                ],
            }
        ],
    }


def workflow_commands(findings: Sequence[Finding], new_exceptions: Sequence[Acknowledgement]) -> list[str]:
    """Workflow commands that put each finding and each new exception on its source line.

    https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    """
    lines = [
        _command(
            _LEVELS.get(finding.severity, "notice"),
            finding.place,
            finding.rule,
            f"{finding.construct}: {finding.description}",
        )
        for finding in findings
    ]
    lines += [
        _command("warning", place, "New exception", f"{construct}: {', '.join(rules)}: {reason}")
        for (construct, reason, place), rules in _by_reason(new_exceptions).items()
    ]
    return lines


def _command(level: str, place: Place | None, title: str, message: str) -> str:
    where = "" if place is None else f"file={_value(place.file)},line={place.line},"
    return f"::{level} {where}title={_value(title)}::{_escaped(message)}"


def _changes(head: str, changes: Sequence[Change]) -> list[str]:
    ordered = sorted(changes, key=lambda change: (_ORDER.index(change.kind), change.stack, change.logical_id))
    return _table(
        ("", head, "Type", "Stack", "What"),
        (
            (change.kind, change.logical_id, change.resource_type, change.stack, ", ".join(change.properties))
            for change in ordered
        ),
    )


def _exceptions(acknowledgements: Sequence[Acknowledgement]) -> list[str]:
    return _table(
        ("Construct", "Reason", "Rules", "Where"),
        (
            (construct, reason, ", ".join(rules), _where(place))
            for (construct, reason, place), rules in _by_reason(acknowledgements).items()
        ),
    )


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(_code, names))


def _by_reason(acknowledgements: Sequence[Acknowledgement]) -> dict[tuple[str, str, Place | None], list[str]]:
    """One reason often answers the same rule of several packs."""
    grouped: dict[tuple[str, str, Place | None], list[str]] = {}
    for entry in acknowledgements:
        grouped.setdefault((entry.construct, entry.reason, entry.place), []).append(entry.rule.split("::", 1)[-1])
    return grouped


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    body = [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *body, ""] if body else []


def _cell(value: str) -> str:
    """A pipe ends a cell, in a code span as well, unless a backslash precedes it."""
    return _code(value).replace("|", r"\|")


def _where(place: Place | None) -> str:
    return "" if place is None else f"{place.file}:{place.line}"


def _code(value: str) -> str:
    """A code span that shows the text as it is, on one line; nothing for no text.

    https://github.github.com/gfm/#code-spans and https://github.github.com/gfm/#tables-extension-
    """
    # A backslash before a table's pipe would take away the pipe's own.
    text = printable(value.replace("\\", r"\x5c"))
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * (longest + 1)
    # Next to the fence a backtick would lengthen it, and one space on either side of something is taken for padding.
    padding = " " if text.strip(" ") and (text[0] in "` " or text[-1] in "` ") else ""
    return f"{fence}{padding}{text}{padding}{fence}" if text else ""


def _message(value: str) -> str:
    """A plain text message of SARIF, in which ``[text](target)`` would be a link.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html (3.11.6, messages with embedded links)
    """
    return re.sub(r"([\\\[\]])", r"\\\1", printable(value, keep="\n"))


def _escaped(value: str) -> str:
    return printable(value, keep="\r\n").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(value: str) -> str:
    return _escaped(value).replace(":", "%3A").replace(",", "%2C")
