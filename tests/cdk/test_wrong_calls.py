"""Wrong selectors, alarms and replicas are refused as well, each by an error of its own."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import (
    Condition,
    EventCategory,
    EventSelector,
    LogReplica,
    Operator,
    SecureTrail,
    required_bucket_policy,
)
from tests.cdk.conftest import new_app

MANAGEMENT, DATA, NETWORK = EventCategory.MANAGEMENT, EventCategory.DATA, EventCategory.NETWORK_ACTIVITY


def data(*conditions: Condition) -> EventSelector:
    of_tables = Condition("resources.type", Operator.EQUALS, ("AWS::DynamoDB::Table",))
    return EventSelector("Mine", DATA, (of_tables, *conditions))


def call(name: str, **arguments: Any) -> Callable[[], object]:
    """A method called on a trail that was made without extras."""
    stack = cdk.Stack(new_app(), "Stack")
    return lambda: getattr(SecureTrail(stack, "SecureTrail"), name)(**arguments)


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
    "query": (call("grant_query", grantee=None), "grant_query was called on Stack/SecureTrail"),
    "alarm": (call("alarm_on", construct_id="A", filter_pattern="{}", description=""), "alarm_on was called on"),
    "replica's bucket": (lambda: LogReplica(cdk.Stack(new_app(), "S"), "R", bucket_name="X"), "bucket_name is 'X'"),
    "replica's alias": (lambda: LogReplica(cdk.Stack(new_app(), "S"), "R", key_alias="X"), "key_alias is 'X'"),
    "archive's organization": (
        lambda: required_bucket_policy(
            bucket_arn="arn:aws:s3:::b",
            trail_name="recorder",
            trail_account="1" * 12,
            trail_region="us-east-1",
            organization_id="x",
        ),
        "organization_id is 'x'",
    ),
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
        ({"filter_pattern": "{($.eventName=X)}", "threshold": 0}, "threshold is 0"),
    ],
)
def test_a_wrong_alarm_is_refused(stack: cdk.Stack, arguments: dict[str, Any], words: str) -> None:
    trail = SecureTrail(stack, "SecureTrail", send_to_cloud_watch_logs=True, tamper_alerts=True)

    with pytest.raises(ValueError, match=f"{words}(?s:.*)Fix: "):
        trail.alarm_on("Mine", description="Mine", **arguments)
