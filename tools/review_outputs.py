"""A review in the forms that people and GitHub read. What comes from the template is data: it is escaped everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from tools.review_changes import Change, Kind
from tools.review_findings import Acknowledgement, Finding, Place

_LEVELS: Final = {"error": "error", "warning": "warning"}
_ORDER: Final = (Kind.REPLACED, Kind.REMOVED, Kind.ADDED, Kind.CHANGED)


def markdown(
    title: str,
    changes: Sequence[Change],
    findings: Sequence[Finding],
    acknowledgements: Sequence[Acknowledgement],
    controls: dict[str, bool | None],
) -> str:
    """The summary for a pull request."""
    counts = ", ".join(f"{sum(change.kind is kind for change in changes)} {kind}" for kind in _ORDER)
    destructive = any(change.kind in (Kind.REPLACED, Kind.REMOVED) for change in changes)
    lines = [f"## {_text(title)}", "", f"**Resources:** {counts}.{' **Look twice.**' if destructive else ''}", ""]
    ordered = sorted(changes, key=lambda change: (_ORDER.index(change.kind), change.stack, change.logical_id))
    lines += _table(
        ("", "Resource", "Type", "What"),
        ((change.kind, change.logical_id, change.resource_type, ", ".join(change.properties)) for change in ordered),
    )
    lines += [f"**Findings:** {len(findings)}.", ""]
    lines += _table(
        ("Severity", "Rule", "Construct", "Why", "Where"),
        (
            (finding.severity, finding.rule, finding.construct, finding.description, _where(finding.place))
            for finding in findings
        ),
    )
    lines += [f"**Acknowledged, with a reason:** {len(acknowledgements)}.", ""]
    lines += _table(
        ("Construct", "Reason", "Rules", "Where"),
        (
            (construct, reason, ", ".join(rules), _where(place))
            for (construct, reason, place), rules in _by_reason(acknowledgements).items()
        ),
    )
    met = [name for name, is_met in controls.items() if is_met]
    missed = [name for name, is_met in controls.items() if is_met is False]
    lines += [f"**Controls met at synth:** {len(met)} of {len(met) + len(missed)}."]
    lines += [f"Not met: {', '.join(_text(name) for name in missed)}."] if missed else []
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
                            {"id": rule, "shortDescription": {"text": text}} for rule, text in descriptions.items()
                        ],
                    }
                },
                # Code scanning tells the results of one profile from those of another by this.
                "automationDetails": {"id": f"{title}/"},
                "results": [
                    {
                        "ruleId": finding.rule,
                        "level": _LEVELS.get(finding.severity, "note"),
                        "message": {"text": f"{finding.construct}: {finding.description}"},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": place.file},
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


def workflow_commands(findings: Sequence[Finding]) -> list[str]:
    """Workflow commands that put each finding on its source line.

    https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    """
    lines = []
    for finding in findings:
        level = _LEVELS.get(finding.severity, "notice")
        place = "" if finding.place is None else f"file={_value(finding.place.file)},line={finding.place.line},"
        message = _escaped(f"{finding.construct}: {finding.description}")
        lines.append(f"::{level} {place}title={_value(finding.rule)}::{message}")
    return lines


def _by_reason(acknowledgements: Sequence[Acknowledgement]) -> dict[tuple[str, str, Place | None], list[str]]:
    """One reason often answers the same rule of several packs."""
    grouped: dict[tuple[str, str, Place | None], list[str]] = {}
    for entry in acknowledgements:
        grouped.setdefault((entry.construct, entry.reason, entry.place), []).append(entry.rule.split("::", 1)[-1])
    return grouped


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    body = [f"| {' | '.join(_text(cell) for cell in row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *body, ""] if body else []


def _where(place: Place | None) -> str:
    return "" if place is None else f"{place.file}:{place.line}"


def _text(value: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no mention, one line, no control characters."""
    printable = "".join(character if character.isprintable() else " " for character in value)
    escaped = "".join(f"\\{character}" if character in r"\`*_[]<>|#!~$" else character for character in printable)
    return escaped.replace("&", "&amp;").replace("@", "&#64;")


def _escaped(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(value: str) -> str:
    return _escaped(value).replace(":", "%3A").replace(",", "%2C")
