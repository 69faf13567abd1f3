"""The customer-managed key that encrypts the log files, and what CloudTrail may do with it."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from constructs_lib.service import CLOUDTRAIL


def create_log_key(
    scope: Construct,
    *,
    alias: str,
    trail_name: str,
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
        description=f"Encrypts the log files of the CloudTrail trail {trail_name}",
        alias=alias,
        enable_key_rotation=True,
        pending_window=pending_window,
        removal_policy=removal_policy,
    )


def key_policy_statements(scope: Construct, trail_arn: str) -> list[iam.PolicyStatement]:
    """What CloudTrail needs on the key, for this trail and no other.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    # CloudTrail sends the trail of whichever region wrote the file, hence the wildcards: the account is what binds.
    any_trail_of_the_account = cdk.Stack.of(scope).format_arn(
        service="cloudtrail", region="*", resource="trail", resource_name="*"
    )
    return [
        iam.PolicyStatement(
            sid="CloudTrailEncryptsLogs",
            principals=[CLOUDTRAIL],
            actions=["kms:GenerateDataKey*"],
            resources=["*"],
            conditions={
                "StringEquals": {"aws:SourceArn": trail_arn},
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": any_trail_of_the_account},
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
