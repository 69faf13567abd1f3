"""What the rule packs find in an app, and what it acknowledges."""

import json
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk


@dataclass(frozen=True)
class Report:
    """What one synth found, accepted and was told to accept."""

    findings: list[str]
    declared: list[tuple[str, str]]  # (id, reason), as written beside the resources
    used: set[str]  # ids that suppressed something


def report(app: cdk.App) -> Report:
    declared = [
        (str(rule_id), str(reason))
        for construct in app.node.find_all()
        for entry in construct.node.metadata
        if entry.type == cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY
        for rule_id, reason in dict(entry.data).items()
    ]
    try:
        app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
    plugins = json.loads((Path(app.outdir) / "validation-report.json").read_text())["pluginReports"]
    return Report(
        findings=[violation["ruleName"] for plugin in plugins for violation in plugin["violations"]],
        declared=declared,
        used={entry["acknowledgedId"] for plugin in plugins for entry in plugin.get("suppressedViolations") or []},
    )
