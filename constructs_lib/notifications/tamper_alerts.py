"""Alerts, within seconds, on API calls that change or delete the trail, its key or its bucket.

EventBridge receives the calls from CloudTrail, in the region and account where they are made. The trail is in
the stack's; a key or a bucket that exists elsewhere gets a warning. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from constructs import Construct

_TRAIL_CALLS: Final = ("DeleteTrail", "StopLogging", "UpdateTrail")
_SELECTOR_CALLS: Final = ("PutEventSelectors", "PutInsightSelectors")
_KEY_CALLS: Final = (
    "CreateGrant",
    "DeleteImportedKeyMaterial",  # of a key that exists; until it is imported again nobody encrypts or decrypts
    "DisableKey",
    "DisableKeyRotation",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
)
_BUCKET_CALLS: Final = (
    "DeleteBucket",
    "DeleteBucketEncryption",
    "DeleteBucketLifecycle",
    "DeleteBucketOwnershipControls",
    "DeleteBucketPolicy",
    "DeleteBucketPublicAccessBlock",
    "DeleteBucketReplication",
    "PutBucketAcl",
    "PutBucketEncryption",
    "PutBucketLifecycle",
    "PutBucketLogging",
    "PutBucketObjectLockConfiguration",
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
    "PutBucketPublicAccessBlock",
    "PutBucketReplication",
    "PutBucketRequestPayment",
    "PutBucketVersioning",
    # A data event: EventBridge receives it where a trail records those of the log bucket, which this one never does.
    "UpdateObjectEncryption",
)
_TITLE: Final = "<call> touches the audit trail"
_MESSAGE: Final = (
    "<call> on <service> by <who> from <address> at <time> in <region>, account <account>. "
    "This call touches the audit trail: find out now whether it was intended."
)
_MESSAGE_FIELDS: Final = {
    "call": "$.detail.eventName",
    "service": "$.detail.eventSource",
    "who": "$.detail.userIdentity.arn",
    "address": "$.detail.sourceIPAddress",
    "time": "$.time",
    "region": "$.region",
    "account": "$.account",
}


@dataclass(frozen=True, slots=True)
class WatchedResources:
    """The resources that alerts are about."""

    trail_name: str
    trail_arn: str
    key_id: str
    key_arn: str
    bucket_name: str


def alert_target(topic_arn: str, role_arn: str, *, for_chat: bool = False) -> events.CfnRule.TargetProperty:
    """Where the rules publish, by which role, and in which words.

    :param for_chat: whether a chat is to show them.
    """
    template = f'"{_MESSAGE}"'
    if for_chat:
        from constructs_lib.notifications.chat import as_custom_notification  # noqa: PLC0415 (slow to load)

        template = as_custom_notification(_TITLE, _MESSAGE)
    return events.CfnRule.TargetProperty(
        id="AlertTopic",
        arn=topic_arn,
        role_arn=role_arn,
        input_transformer=events.CfnRule.InputTransformerProperty(
            input_paths_map=_MESSAGE_FIELDS, input_template=template
        ),
    )


def create_tamper_alerts(
    scope: Construct, watched: WatchedResources, to: events.CfnRule.TargetProperty
) -> list[events.CfnRule]:
    """One rule for each of trail, key and bucket; all publish to the target.

    The L1 rule is used because the L2's SNS target writes the topic's policy itself.
    """
    trail = [watched.trail_name, watched.trail_arn]
    # Most calls say `name`, the ones about selectors `trailName`; both take the name or the ARN.
    trail_calls = {
        "$or": [
            {"eventName": list(_TRAIL_CALLS), "requestParameters": {"name": trail}},
            {"eventName": list(_SELECTOR_CALLS), "requestParameters": {"trailName": trail}},
        ]
    }
    key_calls = {
        "eventName": list(_KEY_CALLS),
        "requestParameters": {"keyId": [watched.key_id, watched.key_arn]},
    }
    bucket_calls = {
        "eventName": list(_BUCKET_CALLS),
        "requestParameters": {"bucketName": [watched.bucket_name]},
    }
    return [
        _rule(scope, "TrailTampering", "cloudtrail", trail_calls, to),
        _rule(scope, "KeyTampering", "kms", key_calls, to),
        _rule(scope, "BucketTampering", "s3", bucket_calls, to),
    ]


def _rule(
    scope: Construct, construct_id: str, service: str, detail: dict[str, Any], to: events.CfnRule.TargetProperty
) -> events.CfnRule:
    return events.CfnRule(
        scope,
        construct_id,
        description=f"Somebody touches the audit trail through {service}",
        state="ENABLED",
        event_pattern={
            "source": [f"aws.{service}"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "account": [cdk.Stack.of(scope).account],
            "detail": {"eventSource": [f"{service}.amazonaws.com"], **detail},
        },
        targets=[to],
    )
