"""Objections and findings for code scanning.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html and
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from securetrail.printable import printable
from securetrail.review.comparison import Review
from securetrail.review.findings import SourceLine
from securetrail.review.objections import Objection

_LEVELS: Final = {"error": "error", "warning": "warning"}


@dataclass(frozen=True, slots=True)
class _Result:
    rule: str
    level: str
    message: str
    place: SourceLine
    fingerprint: str


def sarif(review: Review) -> dict[str, Any]:
    """The document. A result without a source line is told on the first line of ``cdk.json``: it has to have one."""
    results = [*_results(review)]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "securetrail-review",
                        "rules": [
                            {"id": rule, "shortDescription": {"text": rule}}
                            for rule in dict.fromkeys(printable(each.rule) for each in results)
                        ],
                    }
                },
                # Code scanning tells the results of one profile from those of another by this.
                "automationDetails": {"id": f"{review.title}/"},
                "results": [_result(each) for each in results],
            }
        ],
    }


def _results(review: Review) -> Iterator[_Result]:
    for each in review.objections:
        yield _Result(
            each.id.split(":")[0], "error", each.says, each.place or SourceLine("cdk.json", 1), each.fingerprint
        )
    for finding in (*review.difference.findings, *review.difference.standing_findings):
        if finding.place is not None and (
            finding.severity != "error" or finding in review.difference.standing_findings
        ):
            same = Objection(finding.rule, finding.construct, "")
            said = f"{finding.construct}: {finding.description}"
            yield _Result(finding.rule, _LEVELS.get(finding.severity, "note"), said, finding.place, same.fingerprint)


def _result(each: _Result) -> dict[str, Any]:
    return {
        "ruleId": printable(each.rule),
        "level": each.level,
        "message": {"text": _message(each.message)},
        "partialFingerprints": {"securetrailReview/v1": each.fingerprint},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(each.place.file, errors="replace")},
                    "region": {"startLine": each.place.line},
                }
            }
        ],
    }


def _message(value: str) -> str:
    """A plain text message of SARIF, in which ``[text](target)`` would be a link.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html (3.11.6, messages with embedded links)
    """
    return re.sub(r"([\\\[\]])", r"\\\1", printable(value, keep="\n"))
