"""The SNS topic for alerts, encrypted with a key of its own.

Not with the log key: whoever disables that key would also stop the alert about it.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

_EVENTBRIDGE = iam.ServicePrincipal("events.amazonaws.com")
_CLOUDWATCH = iam.ServicePrincipal("cloudwatch.amazonaws.com")


def create_alert_topic(scope: Construct, *, trail_name: str, removal_policy: cdk.RemovalPolicy) -> sns.Topic:
    """An encrypted topic for alerts; subscriptions are added after the deployment.

    The AWS-managed key ``alias/aws/sns`` cannot be used: its policy allows neither EventBridge nor CloudWatch.
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    key = kms.Key(
        scope,
        "AlertKey",
        description=f"Encrypts the alerts about the CloudTrail trail {trail_name}",
        enable_key_rotation=True,
        removal_policy=removal_policy,
    )
    key.add_to_resource_policy(alert_key_statement())
    return sns.Topic(
        scope,
        "AlertTopic",
        display_name=f"Alerts of {trail_name}"[:100],
        master_key=key,
        enforce_ssl=True,
    )


def alert_key_statement() -> iam.PolicyStatement:
    """What EventBridge rules and CloudWatch alarms need on the key that encrypts the topic.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html (compatibility with AWS services)
    """
    return iam.PolicyStatement(
        sid="AlertsAreEncrypted",
        principals=[_EVENTBRIDGE, _CLOUDWATCH],
        actions=["kms:Decrypt", "kms:GenerateDataKey*"],
        resources=["*"],
    )


def alert_topic_statements(*, topic_arn: str, account: str) -> list[iam.PolicyStatement]:
    """What EventBridge rules and CloudWatch alarms need on the topic.

    EventBridge sends no context that a condition could look at, and would be denied:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html (Amazon SNS permissions). For
    alarms: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    return [
        iam.PolicyStatement(
            sid="EventBridgeAlerts", principals=[_EVENTBRIDGE], actions=["sns:Publish"], resources=[topic_arn]
        ),
        iam.PolicyStatement(
            sid="CloudWatchAlerts",
            principals=[_CLOUDWATCH],
            actions=["sns:Publish"],
            resources=[topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": account}},
        ),
    ]
