"""A check report for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify.posture.model import Group, Report, Result

# Changes when the shape of the JSON document does.
FORMAT = "securetrail-check/1"


def report_as_json(report: Report, who: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole report, evidence and all.

    :param who: who can blind the recorder, as a document. Default: - that was not asked.
    """
    return {
        "format": FORMAT,
        "status": report.status,
        "account": report.account,
        "region": report.region,
        "partition": report.partition,
        "endpoint": report.endpoint,
        "target": {
            "trail": report.trail,
            "bucket": report.bucket,
            "key": report.key,
            "meant_by": report.meant_by,
        },
        "notices": report.notices,
        "unanswered": report.unanswered,
        "summary": {
            group: {"passed": tally.passed, "of": tally.of}
            for group in Group
            if group is not Group.WHO
            for tally in (report.tally(group),)
        },
        "results": [_result_as_json(result) for result in report.results],
        "fixes": [{"checks": fix.checks, "command": fix.command, "only_reads": fix.only_reads} for fix in report.fixes],
        "who": who,
    }


def _result_as_json(result: Result) -> dict[str, Any]:
    return {
        "id": result.id,
        "number": result.number,
        "group": result.group,
        "title": result.title,
        "status": result.status,
        "resource": result.resource,
        "expected": result.expected,
        "actual": result.actual,
        "cause": result.cause or None,
        "why": result.why,
        "fix": {"cli": result.fix_cli, "cdk": result.fix_cdk, "diff": result.fix_diff},
        "console_url": result.console_url,
        "source_url": result.source_url,
        "permissions": result.permissions,
        "controls": result.controls,
    }
