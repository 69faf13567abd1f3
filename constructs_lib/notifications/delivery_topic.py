"""The SNS topic to which CloudTrail publishes a message for each log file that it delivers."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib.policies.principals import CLOUDTRAIL


def create_delivery_topic(scope: Construct, *, trail_name: str, key: kms.IKey) -> sns.Topic:
    """An encrypted topic that refuses publishing without TLS."""
    return sns.Topic(
        scope,
        "DeliveryTopic",
        display_name=f"Log files of {trail_name}"[:100],
        master_key=key,
        enforce_ssl=True,
    )


def delivery_topic_statement(*, topic_arn: str, trail_arn: str) -> iam.PolicyStatement:
    """What CloudTrail needs on the topic, for this trail and no other.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-permissions-for-sns-notifications.html
    """
    return iam.PolicyStatement(
        sid="AWSCloudTrailSNSPolicy",
        principals=[CLOUDTRAIL],
        actions=["sns:Publish"],
        resources=[topic_arn],
        conditions={"StringEquals": {"aws:SourceArn": trail_arn}},
    )
