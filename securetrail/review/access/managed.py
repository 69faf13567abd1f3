"""Policies that AWS manages and that roles of ordinary apps have: what they allow.

Of every other one that no template has, nobody here knows it. AWS adds to these policies at times; what they have are
the actions of https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html, all on any resource.
"""

from __future__ import annotations

import re
from typing import Final

_WRITES_LOGS: Final = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_TRACES: Final = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
)
# What these have would fill pages; they change nothing.
_READS: Final = {"AmazonS3ReadOnlyAccess", "ReadOnlyAccess", "SecurityAudit", "job-function/ViewOnlyAccess"}
_ACTIONS: Final = {
    "AWSXRayDaemonWriteAccess": _TRACES,
    "AWSXrayWriteOnlyAccess": _TRACES,
    "AmazonEC2ContainerRegistryReadOnly": (
        "ecr:BatchCheck*",
        "ecr:BatchGet*",
        "ecr:Describe*",
        "ecr:Get*",
        "ecr:List*",
    ),
    "AmazonSSMManagedInstanceCore": (
        "ssm:DescribeAssociation",
        "ssm:DescribeDocument",
        "ssm:GetDeployablePatchSnapshotForInstance",
        "ssm:GetDocument",
        "ssm:GetManifest",
        "ssm:GetParameter",
        "ssm:GetParameters",
        "ssm:ListAssociations",
        "ssm:ListInstanceAssociations",
        "ssm:PutComplianceItems",
        "ssm:PutConfigurePackageResult",
        "ssm:PutInventory",
        "ssm:UpdateAssociationStatus",
        "ssm:UpdateInstanceAssociationStatus",
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
        "ec2messages:AcknowledgeMessage",
        "ec2messages:DeleteMessage",
        "ec2messages:FailMessage",
        "ec2messages:GetEndpoint",
        "ec2messages:GetMessages",
        "ec2messages:SendReply",
    ),
    "CloudWatchLambdaInsightsExecutionRolePolicy": _WRITES_LOGS,
    "service-role/AWSAppSyncPushToCloudWatchLogs": _WRITES_LOGS,
    "service-role/AWSLambdaBasicExecutionRole": _WRITES_LOGS,
    "service-role/AWSLambdaDynamoDBExecutionRole": (
        *_WRITES_LOGS,
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    ),
    "service-role/AWSLambdaKinesisExecutionRole": (
        *_WRITES_LOGS,
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
        "kinesis:ListStreams",
        "kinesis:SubscribeToShard",
    ),
    "service-role/AWSLambdaSQSQueueExecutionRole": (
        *_WRITES_LOGS,
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    ),
    "service-role/AWSLambdaVPCAccessExecutionRole": (
        *_WRITES_LOGS,
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ec2:GetSecurityGroupsForVpc",
        "ec2:UnassignPrivateIpAddresses",
    ),
    "service-role/AmazonAPIGatewayPushToCloudWatchLogs": (
        *_WRITES_LOGS,
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
    ),
    "service-role/AmazonECSTaskExecutionRolePolicy": (
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ),
}
_OF_AWS: Final = re.compile(r"arn:[^:]+:iam::aws:policy/(.+)")


def actions_of_managed(arn: str) -> tuple[str, ...]:
    """What a policy that AWS manages allows; nothing when it is not known here."""
    found = _OF_AWS.fullmatch(arn)
    return _ACTIONS.get(found[1], ()) if found else ()


def only_reads(arn: str) -> bool:
    """Whether a policy that AWS manages lets nobody change anything."""
    found = _OF_AWS.fullmatch(arn)
    return found is not None and found[1] in _READS
