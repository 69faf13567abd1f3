"""A check report as one JSON document; ``format`` changes when the shape does."""

from __future__ import annotations

from typing import Any

from verify.posture.model import Group, Report, Result

FORMAT = "securetrail-check/1"


def report_as_json(report: Report) -> dict[str, Any]:
    """The whole report, evidence and all."""
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
        "summary": {group: {"passed": report.tally(group).passed, "of": report.tally(group).of} for group in Group},
        "results": [_result(result) for result in report.results],
        "fixes": [{"checks": fix.checks, "command": fix.command, "only_reads": fix.only_reads} for fix in report.fixes],
    }


def _result(result: Result) -> dict[str, Any]:
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
        "fix": {"cli": result.fix_cli, "cdk": result.fix_cdk},
        "console_url": result.console_url,
        "source_url": result.source_url,
        "permissions": result.permissions,
        "controls": result.controls,
    }
