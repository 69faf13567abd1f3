"""cdk-nag finds nothing, and whatever is acknowledged is acknowledged properly."""

import json
import sys

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from constructs_lib import Alerts, Analytics, DeliveryNotifications, NewBucket, SecureTrail, SecurityProfile
from constructs_lib.compliance import add_rule_packs
from stacks.secure_trail_stack import SecureTrailStack
from tests.cdk.conftest import ROOT
from tests.cdk.findings import Report, report
from tests.cdk.programs import run

pytestmark = pytest.mark.regular


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


def lab_stack(app: cdk.App, profile: SecurityProfile = SecurityProfile.LAB) -> SecureTrailStack:
    return SecureTrailStack(
        app,
        "SecureTrail",
        profile=profile,
        trail_name="ch03-security-trail",
        bucket_name="ch03-cloudtrail-111122223333",
        key_alias="alias/ch03-cloudtrail-key",
        key_pending_window=cdk.Duration.days(7),
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )


def test_only_an_app_that_adds_the_rule_packs_loads_them() -> None:
    """They take seconds to load, and every module of the construct imports this package's neighbours."""
    program = (
        "import sys, aws_cdk, constructs_lib, constructs_lib.compliance\n"
        "before = 'cdk_nag' in sys.modules\n"
        "constructs_lib.compliance.add_rule_packs(aws_cdk.App())\n"
        "print(before, 'cdk_nag' in sys.modules)\n"
    )
    done = run(sys.executable, "-c", program)

    assert (done.returncode, done.stdout.strip()) == (0, "False True"), done.stderr


@pytest.mark.parametrize("profile", SecurityProfile)
def test_a_profile_has_no_finding_and_no_faulty_acknowledgement(app: cdk.App, profile: SecurityProfile) -> None:
    lab_stack(app, profile)

    found = report(app)
    assert found.findings == []
    assert faults(found) == []


def test_everything_at_once_has_no_finding_and_no_faulty_acknowledgement(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Everything")
    SecureTrail(
        stack,
        "SecureTrail",
        profile=SecurityProfile.COMPLIANCE,
        analytics=Analytics(),
        delivery_notifications=DeliveryNotifications(),
    )

    found = report(app)
    assert found.findings == []
    assert faults(found) == []


def test_what_is_known_only_at_deployment_has_no_faulty_acknowledgement(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Imports")
    for name, arn in (
        ("Export", cdk.Fn.import_value("Topic")),
        ("Parameter", cdk.CfnParameter(stack, "Topic").value_as_string),
        ("Written", cdk.Fn.sub("arn:aws:sns:${AWS::Region}:111122223333:alerts")),
    ):
        topic = sns.Topic.from_topic_arn(stack, f"TopicOf{name}", arn)
        key = kms.Key.from_key_arn(stack, f"KeyOf{name}", cdk.Fn.sub("arn:aws:kms:${AWS::Region}:111122223333:key/1"))
        SecureTrail(stack, name, trail_name=name, encryption_key=key, alerts=Alerts(topic=topic))

    assert faults(report(app)) == []


def test_the_compliance_profile_acknowledges_only_what_aws_makes_impossible(app: cdk.App) -> None:
    lab_stack(app, SecurityProfile.COMPLIANCE)

    rules = {rule_id.split("::", 1)[1].split("[")[0] for rule_id, _ in report(app).declared}
    assert {rule.rpartition("-")[2] for rule in rules} == {
        "S3DefaultEncryptionKMS",  # of access-log buckets: S3 would not deliver to them
        "S3BucketReplicationEnabled",  # of the replica: a copy of the copy, without end
        "IAM5",  # the names of objects and log streams, which AWS chooses
    }


def test_what_is_left_out_of_the_compliance_profile_stays_a_finding(app: cdk.App) -> None:
    SecureTrail(
        cdk.Stack(app, "Less"),
        "SecureTrail",
        profile=SecurityProfile.COMPLIANCE,
        cloudwatch=False,
        log_bucket=NewBucket(replica=False),
    )

    assert {finding.rpartition("-")[2] for finding in report(app).findings} == {
        "CloudTrailCloudWatchLogsEnabled",
        "S3BucketReplicationEnabled",
    }


def test_every_rule_pack_really_runs(app: cdk.App) -> None:
    s3.Bucket(lab_stack(app), "Careless")

    findings = report(app).findings
    assert {"AwsSolutions-S1", "AwsSolutions-S10"} <= set(findings)
    for pack in ("AwsSolutions", "NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321"):
        assert [finding for finding in findings if finding.startswith(pack)], pack


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


def test_what_the_docstrings_say_of_grants_satisfies_the_rule_packs() -> None:
    app = cdk.App()
    add_rule_packs(app)
    stack = cdk.Stack(app, "Stack")
    trail = SecureTrail(stack, "SecureTrail", analytics=Analytics())
    role = iam.Role(stack, "Auditor", assumed_by=iam.AccountRootPrincipal())
    grants = iam.ManagedPolicy(stack, "Grants", roles=[role])
    trail.grant_query(grants)
    iam.ManagedPolicy(grants, "Verify", roles=[role], document=trail.verifier_policy())
    results = "SecureTrailAnalyticsResultsD960B61D"
    for resource in ("<SecureTrailBucket89F6863C.Arn>/AWSLogs/*", f"<{results}.Arn>/*", "*"):
        cdk.Validations.of(grants).acknowledge(
            cdk.Acknowledgment(
                id=f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]",
                reason="Auditors read every log file and every result of a query, and nothing else.",
            )
        )

    found = report(app)
    assert found.findings == []
    assert faults(found) == []
