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
    EventCategory,
    EventSelector,
    Insight,
    InsightType,
    LogReplica,
    ReplicaTarget,
    SecureTrail,
    SecurityProfile,
)
from constructs_lib.compliance import add_rule_packs

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
    "organization_id": ("", "own", "delegated"),
    "event_selectors": ("", "management", "everything"),
    "insights": ("", "management", "both"),
    "aggregation": ("", "all"),
    "send_to_cloud_watch_logs": ("", "true", "false"),
    "delivery": ("", "true", "imported"),
    "retention": ("", "expire", "colder"),
    "object_lock": ("", "governance", "compliance"),
    "break_glass": ("", "role"),
    "replicate": ("", "true", "target"),
    "tamper_alerts": ("", "true", "false"),
    "cis_alarms": ("", "true", "false"),
    "alert_topic": ("", "owned"),
    "log_analytics": ("", "true"),
    "tags": ("", "two"),
    "removal": ("", "destroy"),
}


def possible(row: Row) -> bool:
    """Whether the props of this row belong together; what does not is refused, and has tests of its own."""
    shaped = ("access_log_bucket", "retention", "object_lock", "replicate")
    bucket_exists = row["log_bucket"] in ("owned", "imported")
    logs = row["send_to_cloud_watch_logs"] == "true" or (
        row["send_to_cloud_watch_logs"] == "" and (row["profile"] == "compliance" or row["cis_alarms"] == "true")
    )
    alerts = logs or row["tamper_alerts"] == "true" or (row["profile"] == "compliance" and row["tamper_alerts"] == "")
    return not (
        (bucket_exists and any(row[name] for name in shaped))
        or (row["cis_alarms"] == "true" and row["send_to_cloud_watch_logs"] == "false")
        or (row["aggregation"] and row["event_selectors"] != "everything")
        or (row["insights"] == "both" and row["event_selectors"] != "everything")
        or (row["alert_topic"] and not alerts)
        # What a prop leaves out of the compliance profile is a finding on purpose.
        or (row["profile"] == "compliance" and row["send_to_cloud_watch_logs"] == "false")
        or (row["removal"] == "destroy" and row["object_lock"] == "compliance")
    )


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
    SecureTrail(stack, "SecureTrail", **props_of(stack, row))
    return stack


def props_of(stack: cdk.Stack, row: Row) -> dict[str, Any]:
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
            **({} if row["encryption_key"] else {"key_alias": f"alias/recorder-{own}"}),
            **({} if row["log_bucket"] else {"bucket_name": f"recorder-logs-{own}"}),
        },
        ("s3_key_prefix", "audit/cloudtrail"): {"s3_key_prefix": "audit/cloudtrail"},
        ("organization_id", "own"): {"organization_id": "o-abcdefghij"},
        ("organization_id", "delegated"): {"organization_id": "o-abcdefghij", "management_account_id": "444455556666"},
        ("event_selectors", "management"): {"event_selectors": [EventSelector.management()]},
        ("event_selectors", "everything"): {"event_selectors": everything},
        ("insights", "management"): {"insights": [Insight(InsightType.API_ERROR_RATE)]},
        ("insights", "both"): {"insights": [Insight(type_, both) for type_ in InsightType]},
        ("aggregation", "all"): {"aggregation": list(AggregationTemplate)},
        ("delivery", "true"): {"delivery_notifications": True},
        ("retention", "expire"): {"log_expiration": cdk.Duration.days(2555)},
        ("retention", "colder"): {
            "log_transitions": [
                s3.Transition(
                    storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=cdk.Duration.days(90)
                )
            ],
            "noncurrent_version_expiration": cdk.Duration.days(30),
        },
        ("object_lock", "governance"): {"object_lock": s3.ObjectLockRetention.governance(cdk.Duration.days(30))},
        ("object_lock", "compliance"): {"object_lock": s3.ObjectLockRetention.compliance(cdk.Duration.days(400))},
        ("break_glass", "role"): {
            "break_glass_principal_arns": [arn(service="iam", region="", resource="role/BreakGlass")]
        },
        ("replicate", "true"): {"replicate_logs": True},
        ("replicate", "target"): {
            "replica_target": ReplicaTarget(
                bucket_arn=f"arn:{stack.partition}:s3:::copies",
                key_arn=arn(service="kms", resource="alias/copies", arn_format=cdk.ArnFormat.NO_RESOURCE_NAME),
                region=stack.region,
            )
        },
        ("log_analytics", "true"): {"log_analytics": True},
        ("tags", "two"): {"tags": {"project": "SecureTrail", "owner": "security@example.com"}},
        ("removal", "destroy"): {"removal_policy": cdk.RemovalPolicy.DESTROY},
    }
    props: dict[str, Any] = {}
    for item in row.items():
        props |= choices.get(item, {})
    for name in ("send_to_cloud_watch_logs", "tamper_alerts", "cis_alarms"):
        if row[name]:
            props[name] = row[name] == "true"
    return props | _existing(stack, row)


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
    names = {"delivery": "delivery_topic"}
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
