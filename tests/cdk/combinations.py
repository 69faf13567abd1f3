"""SecureTrails for every pair of props that can meet, in as few stacks as will do.

``python -m tests.cdk.combinations OUT`` synthesizes them with CDK's own template validation and all rule packs on.
"""

import itertools
import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from constructs_lib import (
    AggregationTemplate,
    Alerts,
    Analytics,
    CloudWatchLogs,
    DeliveryNotifications,
    EventCategory,
    EventSelector,
    Insight,
    InsightType,
    LogReplica,
    Organization,
    Replica,
    ReplicaTarget,
    SecureTrail,
    SecurityProfile,
)
from constructs_lib.compliance import add_rule_packs
from tests.cdk.props import props_of

ACCOUNT = "111122223333"
ROOT = Path(__file__).parents[2]
Row = dict[str, str]

# Each prop and the ways to use it; the first leaves it out.
FACTORS: dict[str, tuple[str, ...]] = {
    "region": ("", "us-gov-west-1", "cn-north-1"),
    "profile": ("lab", "compliance"),
    "names": ("", "given"),
    "encryption_key": ("", "owned", "imported"),
    "log_bucket": ("", "owned", "imported"),
    "access_log_bucket": ("", "owned"),
    "s3_key_prefix": ("", "audit/cloudtrail"),
    "organization": ("", "own", "delegated"),
    "event_selectors": ("", "management", "everything"),
    "insights": ("", "management", "both"),
    "aggregation": ("", "all"),
    "cloudwatch": ("", "true", "false"),
    "delivery": ("", "true", "imported"),
    "retention": ("", "expire", "colder"),
    "object_lock": ("", "governance", "compliance"),
    "break_glass": ("", "role"),
    "replicate": ("", "true", "target"),
    "alerts": ("", "true", "false"),
    "cis_alarms": ("", "true", "false"),
    "alert_topic": ("", "owned"),
    "analytics": ("", "true"),
    "tags": ("", "two"),
    "removal": ("", "destroy"),
}


def possible(row: Row) -> bool:
    """Whether the props of this row belong together; what does not is refused, and has tests of its own."""
    shaped = ("access_log_bucket", "retention", "object_lock", "replicate")
    bucket_exists = row["log_bucket"] in ("owned", "imported")
    return not (
        (bucket_exists and any(row[name] for name in shaped))
        or (row["cis_alarms"] == "true" and row["cloudwatch"] == "false")
        or (row["aggregation"] and row["event_selectors"] != "everything")
        or (row["insights"] == "both" and row["event_selectors"] != "everything")
        or (row["alert_topic"] and not (_logs(row) or _alerts(row)))
        # What a prop leaves out of the compliance profile is a finding on purpose.
        or (row["profile"] == "compliance" and row["cloudwatch"] == "false")
        or (row["removal"] == "destroy" and row["object_lock"] == "compliance")
    )


def _logs(row: Row) -> bool:
    """Whether there is a copy in CloudWatch Logs."""
    asked = row["cloudwatch"]
    return asked == "true" or (asked == "" and (row["profile"] == "compliance" or row["cis_alarms"] == "true"))


def _alerts(row: Row) -> bool:
    """Whether there are alerts on tampering."""
    asked = row["alerts"]
    return asked == "true" or (asked == "" and row["profile"] == "compliance")


def covering_rows() -> list[Row]:
    """Rows in which every pair of values that can meet does: the fewest that a greedy choice finds.

    The seed makes the choice the same every time.
    """
    chance = random.Random(20_261_124)  # noqa: S311 (a test plan, not a secret)
    drawn = ({name: chance.choice(values) for name, values in FACTORS.items()} for _ in range(12_000))
    candidates = [(row, set(_pairs(row))) for row in drawn if possible(row)]
    missing = set().union(*(pairs for _, pairs in candidates))
    chosen: list[Row] = [dict.fromkeys(FACTORS, "") | {"profile": "lab"}]
    while missing:
        row, pairs = max(candidates, key=lambda candidate: len(candidate[1] & missing))
        chosen.append(row)
        missing -= pairs
    return chosen


def _pairs(row: Row) -> Iterator[tuple[tuple[str, str], ...]]:
    return itertools.combinations(sorted(row.items()), 2)


def add_stack(app: cdk.App, name: str, row: Row) -> cdk.Stack:
    """A stack with the row's SecureTrail."""
    env = cdk.Environment(account=ACCOUNT, region=row["region"]) if row["region"] else None
    stack = cdk.Stack(app, name, env=env)
    SecureTrail(stack, "SecureTrail", **row_props(stack, row))
    return stack


def row_props(stack: cdk.Stack, row: Row) -> dict[str, Any]:
    """The row as props."""
    arn = stack.format_arn
    own = stack.node.id.lower()  # names are one trail's alone
    everything = [
        EventSelector.management(exclude_event_sources=["kms.amazonaws.com"]),
        EventSelector.s3_objects(event_names=["DeleteObject"]),
        EventSelector.lambda_invocations(),
        EventSelector.dynamodb_items(),
        EventSelector.network_activity("s3.amazonaws.com", only_denied=True),
    ]
    both = (EventCategory.MANAGEMENT, EventCategory.DATA)
    choices: dict[tuple[str, str], dict[str, Any]] = {
        ("profile", "compliance"): {"profile": SecurityProfile.COMPLIANCE},
        ("names", "given"): {
            "trail_name": f"flight.recorder-{own}",
            **({} if row["encryption_key"] else {"encryption_key__alias": f"alias/recorder-{own}"}),
            **({} if row["log_bucket"] else {"log_bucket__bucket_name": f"recorder-logs-{own}"}),
        },
        ("s3_key_prefix", "audit/cloudtrail"): {"s3_key_prefix": "audit/cloudtrail"},
        ("organization", "own"): {"organization": Organization("o-abcdefghij")},
        ("organization", "delegated"): {"organization": Organization("o-abcdefghij", "444455556666")},
        ("event_selectors", "management"): {"recording__event_selectors": [EventSelector.management()]},
        ("event_selectors", "everything"): {"recording__event_selectors": everything},
        ("insights", "management"): {"recording__insights": [Insight(InsightType.API_ERROR_RATE)]},
        ("insights", "both"): {"recording__insights": [Insight(type_, both) for type_ in InsightType]},
        ("aggregation", "all"): {"recording__aggregation": list(AggregationTemplate)},
        ("delivery", "true"): {"delivery_notifications": DeliveryNotifications()},
        ("retention", "expire"): {"log_bucket__retention__expiration": cdk.Duration.days(2555)},
        ("retention", "colder"): {
            "log_bucket__retention__transitions": [
                s3.Transition(
                    storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=cdk.Duration.days(90)
                )
            ],
            "log_bucket__retention__noncurrent_version_expiration": cdk.Duration.days(30),
        },
        ("object_lock", "governance"): {
            "log_bucket__retention__object_lock": s3.ObjectLockRetention.governance(cdk.Duration.days(30))
        },
        ("object_lock", "compliance"): {
            "log_bucket__retention__object_lock": s3.ObjectLockRetention.compliance(cdk.Duration.days(400))
        },
        ("break_glass", "role"): {
            "break_glass_principal_arns": [arn(service="iam", region="", resource="role/BreakGlass")]
        },
        ("replicate", "true"): {"log_bucket__replica": Replica()},
        ("replicate", "target"): {
            "log_bucket__replica__target": ReplicaTarget(
                bucket_arn=f"arn:{stack.partition}:s3:::copies",
                key_arn=arn(service="kms", resource="alias/copies", arn_format=cdk.ArnFormat.NO_RESOURCE_NAME),
                region=stack.region,
            )
        },
        ("analytics", "true"): {"analytics": Analytics()},
        ("tags", "two"): {"tags": {"project": "SecureTrail", "owner": "security@example.com"}},
        ("removal", "destroy"): {"removal_policy": cdk.RemovalPolicy.DESTROY},
    }
    fields: dict[str, Any] = {}
    for item in row.items():
        fields |= choices.get(item, {})
    return props_of({**fields, **_logs_and_alerts(row), **_existing(stack, row)})


def _logs_and_alerts(row: Row) -> dict[str, Any]:
    """The row's copy in CloudWatch Logs, with its alarms, and its alerts."""
    fields: dict[str, Any] = {}
    if row["cloudwatch"]:
        fields["cloudwatch"] = row["cloudwatch"] == "true" and CloudWatchLogs()
    if row["cis_alarms"] == "true" or (row["cis_alarms"] and fields.get("cloudwatch") is not False and _logs(row)):
        fields["cloudwatch__cis_alarms"] = row["cis_alarms"] == "true"
    if row["alerts"]:
        fields["alerts"] = row["alerts"] == "true" and Alerts()
    if row["alert_topic"] and not _alerts(row):  # for alarms alone
        fields["alerts"] = Alerts(on_tampering=False)
    return fields


def _existing(stack: cdk.Stack, row: Row) -> dict[str, Any]:
    """Existing resources of the row."""
    key_arn = stack.format_arn(service="kms", resource="key", resource_name="11111111-2222-3333-4444-555555555555")
    makers: dict[tuple[str, str], Callable[[], Any]] = {
        ("encryption_key", "owned"): lambda: kms.Key(stack, "MyKey", enable_key_rotation=True),
        ("encryption_key", "imported"): lambda: kms.Key.from_key_arn(stack, "TheirKey", key_arn),
        ("log_bucket", "owned"): lambda: LogReplica(stack, "MyBucket").bucket,
        ("log_bucket", "imported"): lambda: s3.Bucket.from_bucket_name(stack, "TheirBucket", "their-bucket"),
        ("access_log_bucket", "owned"): lambda: LogReplica(stack, "MyAccessLogs").access_log_bucket,
        ("delivery", "imported"): lambda: sns.Topic.from_topic_arn(
            stack, "TheirTopic", stack.format_arn(service="sns", resource="their-topic")
        ),
        ("alert_topic", "owned"): lambda: sns.Topic(
            stack, "MyAlerts", enforce_ssl=True, master_key=kms.Key(stack, "MyAlertKey", enable_key_rotation=True)
        ),
    }
    names = {
        "delivery": "delivery_notifications__topic",
        "alert_topic": "alerts__topic",
        "access_log_bucket": "log_bucket__access_log_bucket",
    }
    return {names.get(name, name): make() for (name, value), make in makers.items() if row[name] == value}


def main(out: str) -> None:
    """Synthesize every row into a folder, one half with the flags of cdk.json and one half without any."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    for flags in (True, False):
        app = cdk.App(
            context=context if flags else {"@aws-cdk/core:validateAgainstDefaultRules": True},
            analytics_reporting=False,
            outdir=f"{out}/flags-{flags}",
        )
        add_rule_packs(app)
        for number, row in enumerate(covering_rows()):
            if number % 2 == flags:
                add_stack(app, f"Row{number}", row)
        app.synth()


if __name__ == "__main__":
    main(sys.argv[1])
