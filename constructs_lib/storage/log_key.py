"""The customer-managed key that encrypts the log files, and what AWS services may do with it."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from constructs_lib.policies.principals import CLOUDTRAIL


def create_log_key(
    scope: Construct,
    *,
    alias: str | None,
    description: str,
    pending_window: cdk.Duration | None,
    removal_policy: cdk.RemovalPolicy,
) -> kms.Key:
    """A symmetric customer-managed key that rotates every year.

    The account's root has full access (CDK's default key policy), so that IAM policies decide who may read the logs:
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return kms.Key(
        scope,
        "Key",
        description=description,
        alias=alias,
        enable_key_rotation=True,
        pending_window=pending_window,
        removal_policy=removal_of_key(removal_policy),
    )


def removal_of_key(policy: cdk.RemovalPolicy) -> cdk.RemovalPolicy:
    """What becomes of a key: one that encrypts files stays also where the deployment that made it fails.

    A bucket with files stays by itself, and nothing could read them once the key's waiting period is over. A key that
    is left behind costs a dollar a month and is not in the way: its alias goes. Who wants it to go says ``DESTROY``.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    return cdk.RemovalPolicy.RETAIN if policy is cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE else policy


def any_trail_of(account: str, partition: str) -> str:
    """What CloudTrail puts into the encryption context, as a pattern.

    It sends the trail of whichever region wrote the file, hence the wildcards: the account is what binds.
    """
    return f"arn:{partition}:cloudtrail:*:{account}:trail/*"


def key_policy_statements(*, trail_arn: str, account: str, partition: str) -> list[iam.PolicyStatement]:
    """What CloudTrail needs on the key, for this trail and no other.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html

    :param account: the account that owns the trail; for an organization, its management account.
    """
    return [
        iam.PolicyStatement(
            sid="CloudTrailEncryptsLogs",
            principals=[CLOUDTRAIL],
            actions=["kms:GenerateDataKey*"],
            resources=["*"],
            conditions={
                "StringEquals": {"aws:SourceArn": trail_arn},
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": any_trail_of(account, partition)},
            },
        ),
        # DescribeKey carries no encryption context. Decrypt is what a bucket with an S3 Bucket Key asks of CloudTrail.
        iam.PolicyStatement(
            sid="CloudTrailUsesKey",
            principals=[CLOUDTRAIL],
            actions=["kms:DescribeKey", "kms:Decrypt"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceArn": trail_arn}},
        ),
    ]


def log_group_statement(*, log_group_arn: str, region: str) -> iam.PolicyStatement:
    """What CloudWatch Logs needs on the key to encrypt one log group.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    return iam.PolicyStatement(
        sid="CloudWatchLogsEncryptsLogGroup",
        principals=[iam.ServicePrincipal(f"logs.{region}.{cdk.Aws.URL_SUFFIX}")],
        actions=["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        resources=["*"],
        conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": log_group_arn}},
    )


def notification_statement(*, trail_arn: str, topics_of_the_account: str) -> iam.PolicyStatement:
    """What CloudTrail needs on the key to publish to a topic that the key encrypts.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html (compatibility with AWS services, and the
    encryption context ``aws:sns:topicArn``).
    """
    return iam.PolicyStatement(
        sid="CloudTrailPublishes",
        principals=[CLOUDTRAIL],
        actions=["kms:Decrypt", "kms:GenerateDataKey*"],
        resources=["*"],
        conditions={
            "StringEquals": {"aws:SourceArn": trail_arn},
            "StringLike": {"kms:EncryptionContext:aws:sns:topicArn": topics_of_the_account},
        },
    )
