"""The table of ``docs/detections.md``: every detection that comes with the program."""

from __future__ import annotations

from verify.hunt.rules import built_in
from verify.hunt.run import PYTHON_RULES


def as_markdown() -> str:
    """A row for each detection."""
    rules = [*(rule for rule in built_in().rules if rule.is_alone), *PYTHON_RULES]
    rows = [("Detection", "Severity", "Confidence", "ATT&CK", "Innocent if", "In")]
    rows += [
        (
            rule.title,
            rule.level,
            str(rule.more["confidence"]),
            ", ".join(tag.removeprefix("attack.").upper() for tag in rule.tags),
            " ".join(rule.false_positives),
            rule.source.rpartition("/")[2],
        )
        for rule in rules
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---|---|---|---|---|---|", *lines[1:]]) + "\n"
