"""cdk-nag finds nothing, and whatever is acknowledged is acknowledged properly."""

import json
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from constructs_lib.compliance import add_rule_packs
from stacks.secure_trail_stack import SecureTrailStack
from tests.cdk.conftest import ROOT


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


def faults(report: Report) -> list[str]:
    """What a reviewer would object to in the acknowledgements."""
    return [
        f"{rule_id}: {fault}"
        for rule_id, reason in report.declared
        for fault, is_there in (
            # CDK files an id without a pack under its own annotations, and the report forgets it.
            ("has no rule pack in front", rule_id.startswith("Annotation::")),
            ("has no real reason", len(reason.split()) < 8),
            ("suppresses nothing: stale or misspelled", rule_id not in report.used),
        )
        if is_there
    ]


@pytest.fixture
def app() -> cdk.App:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = cdk.App(context=context, analytics_reporting=False)
    add_rule_packs(app)
    return app


def lab_stack(app: cdk.App) -> SecureTrailStack:
    return SecureTrailStack(
        app,
        "SecureTrail",
        trail_name="ch03-security-trail",
        bucket_name="ch03-cloudtrail-111122223333",
        key_alias="alias/ch03-cloudtrail-key",
        key_pending_window=cdk.Duration.days(7),
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )


def test_the_lab_stack_has_no_finding_and_no_faulty_acknowledgement(app: cdk.App) -> None:
    lab_stack(app)

    found = report(app)
    assert found.findings == []
    assert faults(found) == []


def test_the_rule_pack_really_runs(app: cdk.App) -> None:
    s3.Bucket(lab_stack(app), "Careless")

    assert set(report(app).findings) == {"AwsSolutions-S1", "AwsSolutions-S10"}


REASON = "This bucket is emptied every hour and holds nothing that anybody would miss."


@pytest.mark.parametrize(
    ("rule_id", "reason", "fault"),
    [
        ("AwsSolutions::AwsSolutions-S1", REASON, None),
        ("AwsSolutions::AwsSolutions-S1", "later", "no real reason"),
        ("AwsSolutions-S1", REASON, "no rule pack"),
        ("AwsSolutions::AwsSolutions-S01", REASON, "stale or misspelled"),
        ("AwsSolutions::AwsSolutions-SQS3", REASON, "stale or misspelled"),
    ],
)
def test_a_faulty_acknowledgement_would_be_seen(app: cdk.App, rule_id: str, reason: str, fault: str | None) -> None:
    bucket = s3.Bucket(lab_stack(app), "Careless", enforce_ssl=True)
    cdk.Validations.of(bucket).acknowledge(cdk.Acknowledgment(id=rule_id, reason=reason))

    found = faults(report(app))
    assert found == [] if fault is None else any(fault in text for text in found)
