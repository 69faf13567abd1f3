"""The trail's log group: a copy of its events in CloudWatch Logs, searchable within minutes, read by metric filters."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib.compliance.acknowledgements import acknowledge_wildcards
from constructs_lib.policies.principals import CLOUDTRAIL


def log_group_name(trail_name: str) -> str:
    """The name of the log group that is made for a trail."""
    return f"/aws/cloudtrail/{trail_name}"


def log_group_arn(scope: Construct, name: str) -> str:
    """The ARN of the log group of this name, without the ``:*`` that CloudFormation adds."""
    return cdk.Stack.of(scope).format_arn(
        service="logs",
        resource="log-group",
        resource_name=name,
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def create_log_group(
    scope: Construct,
    *,
    name: str,
    key: kms.IKey,
    retention: logs.RetentionDays,
    removal_policy: cdk.RemovalPolicy,
) -> logs.LogGroup:
    """An encrypted log group for the trail's events."""
    return logs.LogGroup(
        scope,
        "LogGroup",
        log_group_name=name,
        encryption_key=key,
        retention=retention,
        removal_policy=removal_policy,
    )


def create_log_role(
    scope: Construct,
    *,
    trail_name: str,
    trail_arn: str,
    trail_account: str,
    organization_id: str | None,
    group_arn: str,
) -> iam.Role:
    """The role by which CloudTrail, for this trail only, writes to its log group.

    The policy is a managed one: NIST 800-53, HIPAA and PCI DSS rules refuse inline policies.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html and
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cross-service-confused-deputy-prevention.html

    CloudTrail tries to write while the trail is created, and the role can only with its policy: the trail waits for all
    that is part of its construct.

    :param group_arn: the log group's, as :func:`log_group_arn` has it.
    """
    stack = cdk.Stack.of(scope)
    role = iam.Role(
        scope,
        "LogRole",
        description=f"Lets CloudTrail write the events of the trail {trail_name} to CloudWatch Logs",
        assumed_by=CLOUDTRAIL.with_conditions(
            {"StringEquals": {"aws:SourceArn": trail_arn, "aws:SourceAccount": trail_account}}
        ),
    )
    # CloudTrail names a stream after the account or organization and adds a suffix of its own.
    stream_prefixes = [f"{trail_account}_CloudTrail_{stack.region}"]
    if organization_id is not None:
        stream_prefixes.append(f"{organization_id}_")
    statement = iam.PolicyStatement(
        sid="WriteEvents",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[f"{group_arn}:log-stream:{prefix}*" for prefix in stream_prefixes],
    )
    policy = iam.ManagedPolicy(
        scope,
        "LogRolePolicy",
        description=f"Streams of the trail {trail_name} in its log group",
        roles=[role],
        statements=[statement],
    )
    acknowledge_wildcards(
        policy,
        [statement],
        "CloudTrail chooses the end of each log stream's name, so AWS's own policy has the same wildcard: "
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/"
        "cloudtrail-required-policy-for-cloudwatch-logs.html",
    )
    return role
