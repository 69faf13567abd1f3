"""What the review says of each example when a single prop of its trail changes: reviewed once, and kept."""

import importlib
import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from constructs_lib import (
    AggregationTemplate,
    Alerts,
    Analytics,
    CloudWatchLogs,
    DeliveryNotifications,
    EventSelector,
    Insight,
    InsightType,
    LogReplica,
    ReadWrite,
    Replica,
    ReplicaTarget,
    SecureTrail,
    SecurityProfile,
    SlackChannel,
)
from securetrail.review.comparison import Difference, Side, compare_sides
from tests.cdk.props import GROUPS, props_of
from tests.securetrail.review.apps import CONTEXT, Built, side

pytestmark = pytest.mark.slow

EXAMPLES = ["analytics", "bring_your_own", "compliance", "lab", "organization"]
ACCOUNT = "111122223333"
Make = Callable[[cdk.Stack], Any]


def of(value: Any) -> Make:
    return lambda _stack: value


COPIES = ReplicaTarget(
    f"arn:aws:s3:::copies-{ACCOUNT}", f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/copies", "eu-west-1", object_lock=True
)
# By the path of a field: ``log_bucket__retention__expiration``.
VALUES: dict[str, dict[str, Make]] = {
    "profile": {each.name.lower(): of(each) for each in SecurityProfile},
    "trail_name": {"another": of("another-trail")},
    "organization__organization_id": {"another": of("o-anotherorg1")},
    "organization__management_account_id": {"another": of("444455556666")},
    "recording__event_selectors": {
        "more": of([EventSelector.management(), EventSelector.s3_objects(), EventSelector.lambda_invocations()]),
        "writes": of([EventSelector.management(read_write=ReadWrite.WRITE_ONLY)]),
        "without KMS": of([EventSelector.management(exclude_event_sources=["kms.amazonaws.com"])]),
    },
    "recording__insights": {"none": of([]), "one": of([Insight(InsightType.API_ERROR_RATE)])},
    "recording__aggregation": {"all": of(list(AggregationTemplate))},
    "encryption_key": {"another": lambda stack: kms.Key(stack, "Another", enable_key_rotation=True)},
    "encryption_key__alias": {"another": of("alias/another")},
    "encryption_key__pending_window": {"a week": of(cdk.Duration.days(7)), "a month": of(cdk.Duration.days(30))},
    "log_bucket": {"another": lambda stack: LogReplica(stack, "Another").bucket},
    "log_bucket__bucket_name": {"another": of(f"another-bucket-{ACCOUNT}")},
    "log_bucket__retention__expiration": {
        "three months": of(cdk.Duration.days(90)),
        "twenty years": of(cdk.Duration.days(7300)),
    },
    "log_bucket__retention__transitions": {
        "cold": of(
            [
                s3.Transition(
                    storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=cdk.Duration.days(90)
                )
            ]
        )
    },
    "log_bucket__retention__noncurrent_version_expiration": {
        "a month": of(cdk.Duration.days(30)),
        "two years": of(cdk.Duration.days(730)),
    },
    "log_bucket__retention__object_lock": {
        "a month": of(s3.ObjectLockRetention.governance(cdk.Duration.days(30))),
        "two years": of(s3.ObjectLockRetention.compliance(cdk.Duration.days(730))),
    },
    "log_bucket__replica": {"on": of(Replica()), "off": of(False)},  # noqa: FBT003 (a field's value)
    "log_bucket__replica__target": {"another": of(COPIES)},
    "log_bucket__access_log_bucket": {"another": lambda stack: LogReplica(stack, "Another").access_log_bucket},
    "log_bucket__access_log_bucket__expiration": {
        "a month": of(cdk.Duration.days(30)),
        "two years": of(cdk.Duration.days(730)),
    },
    "s3_key_prefix": {"another": of("another")},
    "cloudwatch": {"on": of(CloudWatchLogs()), "off": of(False)},  # noqa: FBT003 (a prop's value)
    "cloudwatch__retention": {"a day": of(logs.RetentionDays.ONE_DAY), "ever": of(logs.RetentionDays.INFINITE)},
    "cloudwatch__cis_alarms": {"on": of(True), "off": of(False)},  # noqa: FBT003 (a field's value)
    "cloudwatch__log_group": {
        "another": lambda stack: logs.LogGroup.from_log_group_name(stack, "TheirLogGroup", "/shared/audit")
    },
    "cloudwatch__role": {
        "another": lambda stack: iam.Role.from_role_arn(
            stack,
            "TheirRole",
            stack.format_arn(service="iam", region="", resource="role", resource_name="writes-events"),
        )
    },
    "alerts": {"on": of(Alerts()), "off": of(False)},  # noqa: FBT003 (a prop's value)
    "alerts__topic": {
        "another": lambda stack: sns.Topic(
            stack, "MyAlerts", enforce_ssl=True, master_key=kms.Key(stack, "MyKey", enable_key_rotation=True)
        )
    },
    "alerts__on_tampering": {"off": of(False)},  # noqa: FBT003 (a field's value)
    "alerts__emails": {"one": of(["security@example.com"])},
    "alerts__webhooks": {"one": of(["https://alerts.example.com/aws"])},
    "alerts__slack_channels": {"one": of([SlackChannel(workspace_id="T0123ABCD", channel_id="C0123ABCD")])},
    "delivery_notifications": {"on": of(DeliveryNotifications()), "off": of(None)},
    "delivery_notifications__topic": {
        "another": lambda stack: sns.Topic.from_topic_arn(
            stack, "TheirTopic", stack.format_arn(service="sns", resource="their-topic")
        )
    },
    "analytics": {"on": of(Analytics()), "off": of(None)},
    "analytics__regions": {"one": of(["eu-central-1"])},
    "analytics__scan_limit_mebibytes": {"less": of(1024), "more": of(1024 * 1024)},
    "analytics__access_log_bucket": {"another": lambda stack: LogReplica(stack, "Another").access_log_bucket},
    "break_glass_principal_arns": {
        "none": of(None),
        "one": of([f"arn:aws:iam::{ACCOUNT}:role/BreakGlass"]),
        "all": of(["arn:aws:iam::*:role/*"]),
    },
    "tags": {"two": of({"team": "security", "cost": "audit"})},
    "removal_policy": {"destroy": of(cdk.RemovalPolicy.DESTROY), "retain": of(cdk.RemovalPolicy.RETAIN)},
}
CHANGES = [(prop, label) for prop, values in VALUES.items() for label in values]


def build(name: str, monkeypatch: pytest.MonkeyPatch, prop: str = "", make: Make | None = None) -> Built:
    """The example; its trail gets another value for one prop."""
    module: Any = importlib.import_module(f"examples.{name}")
    made: list[SecureTrail] = []

    def trail(scope: cdk.Stack, construct_id: str, **props: Any) -> SecureTrail:
        other = {} if make is None else {prop: make(scope)}
        made.append(SecureTrail(scope, construct_id, **props_of(other, props)))
        return made[0]

    with monkeypatch.context() as patched:
        patched.setattr(module, "SecureTrail", trail)
        app = cdk.App(context=CONTEXT, analytics_reporting=False)
        module.build(app)
    return Built(app, cdk.Stack.of(made[0]), made[0])


def paths(of_group: str = "") -> Iterator[str]:
    """The paths of all props and of all fields of groups."""
    call = GROUPS[of_group].__init__ if of_group else SecureTrail.__init__
    for name in [*inspect.signature(call).parameters][1 if of_group else 3 :]:
        path = f"{of_group}__{name}" if of_group else name
        yield path
        if path in GROUPS:
            yield from paths(path)


def test_every_prop_is_changed() -> None:
    """A group by its fields; and as a whole, where it stands for a feature or in place of an existing resource."""
    whole = {path for path in GROUPS if path not in VALUES}

    assert [*VALUES] == [path for path in paths() if path not in whole]
    assert whole == {"organization", "recording", "log_bucket__retention"}


def answers(name: str, base: Side, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    for prop, label in CHANGES:
        try:
            head = side(build(name, monkeypatch, prop, VALUES[prop][label]))
        except LookupError:
            continue  # the example has an existing resource, which has no such setting
        except (ValueError, TypeError, RuntimeError) as error:
            yield f"{prop}: {label}", f"refused: {str(error).splitlines()[0][:80]}"
            continue
        yield f"{prop}: {label}", said(compare_sides(base, head))


def said(difference: Difference) -> Any:
    """Each kind of objection, with how often it is made; what is changed, when there is no objection."""
    counted = Counter(each.id.split(":")[0] for each in difference.objections)
    if counted:
        return {kind: counted[kind] for kind in sorted(counted)}
    return f"nothing to object to; {len(difference.changes)} resources are touched"


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_answers_are_the_ones_that_were_reviewed(
    name: str, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    """`make snapshot` accepts other answers, and the pull request shows them."""
    base = side(build(name, monkeypatch))

    assert dict(answers(name, base, monkeypatch)) == snapshot(extension_class=JSONSnapshotExtension)
