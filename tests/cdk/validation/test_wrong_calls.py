"""Wrong selectors, alarms and replicas are refused as well, each by an error of its own."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import (
    CloudWatchLogs,
    Condition,
    EventCategory,
    EventSelector,
    LogReplica,
    Operator,
    ReplicaTarget,
    SecureTrail,
    required_bucket_policy,
)
from tests.cdk.conftest import new_app

MANAGEMENT, DATA, NETWORK = EventCategory.MANAGEMENT, EventCategory.DATA, EventCategory.NETWORK_ACTIVITY
BUCKET, KEY = "arn:aws:s3:::copies", "arn:aws:kms:eu-west-1:111122223333:alias/copies"
PATTERN = "{($.eventName=X)}"


def data(*conditions: Condition) -> EventSelector:
    of_tables = Condition("resources.type", Operator.EQUALS, ("AWS::DynamoDB::Table",))
    return EventSelector("Mine", DATA, (of_tables, *conditions))


def call(name: str, **arguments: Any) -> Callable[[], object]:
    """A method called on a trail that was made without features."""
    stack = cdk.Stack(new_app(), "Stack")
    return lambda: getattr(SecureTrail(stack, "SecureTrail"), name)(**arguments)


def replica(**props: Any) -> Callable[[], object]:
    return lambda: LogReplica(cdk.Stack(new_app(), "Stack"), "Replica", **props)


def archive(**wrong: str) -> Callable[[], object]:
    right = {
        "bucket_arn": BUCKET,
        "trail_name": "recorder",
        "trail_account": "111122223333",
        "trail_region": "us-east-1",
    }
    return lambda: required_bucket_policy(**right | wrong)


WRONG_CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "field": (lambda: data(Condition("userAgent", Operator.EQUALS, ("x",))), "a condition on 'userAgent'"),
    "operator": (lambda: data(Condition("readOnly", Operator.NOT_EQUALS, ("true",))), "readOnly with NOT_EQUALS"),
    "wildcard": (lambda: data(Condition("eventName", Operator.EQUALS, ("Get*",))), "with 'Get\\*'"),
    "no value": (lambda: data(Condition("eventName", Operator.EQUALS, ())), "eventName with nothing"),
    "neither": (lambda: data(Condition("readOnly", Operator.EQUALS, ("true", "false"))), "readOnly with 2 values"),
    "excluded source": (
        lambda: EventSelector.management(exclude_event_sources=["s3.amazonaws.com"]),
        "eventSource with 's3.amazonaws.com'",
    ),
    "error code": (
        lambda: EventSelector("X", NETWORK, (Condition("errorCode", Operator.EQUALS, ("AccessDenied",)),)),
        "errorCode with 'AccessDenied'",
    ),
    "two types": (lambda: data(Condition("resources.type", Operator.EQUALS, ("AWS::S3::Object",))), "exactly one"),
    "no source": (lambda: EventSelector("X", NETWORK), "exactly one value"),
    "label": (lambda: EventSelector("x" * 1001, MANAGEMENT), "1001 characters"),
    "no label": (lambda: EventSelector("", MANAGEMENT), "0 characters"),
    "resource type": (lambda: EventSelector.data("s3"), "resources.type with 's3'"),
    "service": (lambda: EventSelector.network_activity("s3"), "eventSource with 's3'"),
    "query": (call("grant_query", grantee=None), "grant_query was called on Stack/SecureTrail"),
    "alarm": (call("alarm_on", construct_id="A", filter_pattern="{}", description=""), "alarm_on was called on"),
    "replica's bucket": (replica(bucket_name="X"), "bucket_name is 'X'"),
    "replica's alias": (replica(key_alias="X"), "the key's alias is 'X'"),
    "replica's snapshot": (replica(removal_policy=cdk.RemovalPolicy.SNAPSHOT), "removal_policy is SNAPSHOT"),
    "replica's hours": (
        replica(noncurrent_version_expiration=cdk.Duration.hours(3)),
        "noncurrent_version_expiration is 3 hours",
    ),
    "target's bucket": (lambda: ReplicaTarget("copies", KEY, "eu-west-1"), "bucket_arn is 'copies'"),
    "target's key": (lambda: ReplicaTarget(BUCKET, "alias/foo", "eu-west-1"), "key_arn is 'alias/foo'"),
    "target's key elsewhere": (lambda: ReplicaTarget(BUCKET, KEY, "eu-west-2"), "key_arn is 'arn:aws:kms:eu-west-1"),
    "target's region": (lambda: ReplicaTarget(BUCKET, KEY, "nowhere"), "region is 'nowhere'"),
    "archive's organization": (archive(organization_id="x"), "organization_id is 'x'"),
    "archive's account": (archive(trail_account="12"), "trail_account is '12'"),
    "archive's region": (archive(trail_region="eu"), "trail_region is 'eu'"),
    "archive's bucket": (archive(bucket_arn="nonsense"), "bucket_arn is 'nonsense'"),
    "archive's partition": (archive(partition="gov"), "partition is 'gov'"),
}


@pytest.mark.parametrize(("make", "words"), WRONG_CALLS.values(), ids=WRONG_CALLS)
def test_a_wrong_argument_is_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=f"{words}(?s:.*)Fix: "):
        make()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"filter_pattern": "DeleteTrail"}, "filter_pattern is 'DeleteTrail'"),
        ({"filter_pattern": "{" + " " * 1024 + "}"}, "1026 characters"),
        ({"filter_pattern": "{ }"}, "filter_pattern is '{ }'"),
        ({"filter_pattern": PATTERN, "threshold": 0}, "threshold is 0"),
        ({"filter_pattern": PATTERN, "period": cdk.Duration.seconds(90)}, "period is 90 seconds"),
        ({"filter_pattern": PATTERN, "period": cdk.Duration.seconds(10)}, "period is 10 seconds"),
        ({"filter_pattern": PATTERN, "period": cdk.Duration.days(8)}, "period is 691200 seconds"),
        ({"filter_pattern": PATTERN, "construct_id": "RootUserUsed"}, "construct_id is 'RootUserUsed'"),
    ],
)
def test_a_wrong_alarm_is_refused(stack: cdk.Stack, arguments: dict[str, Any], words: str) -> None:
    trail = SecureTrail(stack, "SecureTrail", cloudwatch=CloudWatchLogs(cis_alarms=True))

    with pytest.raises(ValueError, match=f"{words}(?s:.*)Fix: "):
        trail.alarm_on(**{"construct_id": "Mine", "description": "Mine", **arguments})
