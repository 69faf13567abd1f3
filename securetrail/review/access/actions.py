"""Which actions a service has, and on which of its resources: ``actions.json``, from AWS's service authorization
reference (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from securetrail.review.access.texts import OTHER, Form, Pattern, texts
from verify.policy.document import Patterns
from verify.policy.wildcard import matches

# Whoever may do one of these can take protection away, or give himself what he has not: also by changing what a program
# does that runs with another role already, or by getting into where it runs. To start what is there is none.
SENSITIVE: Final = (
    "access-analyzer:CreateArchiveRule",
    "access-analyzer:Delete*",
    "access-analyzer:UpdateArchiveRule",
    "account:CloseAccount",
    "account:DisableRegion",
    "apprunner:UpdateService",
    "athena:Delete*",
    "athena:Update*",
    "backup:Delete*",
    "backup:Disassociate*",
    "backup:PutBackupVaultAccessPolicy",
    "backup:Update*",
    "chatbot:Delete*",
    "chatbot:Update*",
    "cloudformation:Deactivate*",
    "cloudformation:Delete*",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:SetStackPolicy",
    "cloudformation:Update*",
    "cloudtrail:Delete*",
    "cloudtrail:Deregister*",
    "cloudtrail:Disable*",
    "cloudtrail:Put*",
    "cloudtrail:Register*",
    "cloudtrail:Stop*",
    "cloudtrail:Update*",
    "cloudwatch:DeleteAlarm*",
    "cloudwatch:DeleteAnomalyDetector",
    "cloudwatch:DeleteInsightRules",
    "cloudwatch:DeleteMetricStream",
    "cloudwatch:DisableAlarmActions",
    "cloudwatch:DisableInsightRules",
    "cloudwatch:PutAlarmMuteRule",
    "cloudwatch:PutCompositeAlarm",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:PutMetricStream",
    "cloudwatch:SetAlarmState",
    "cloudwatch:StopMetricStreams",
    "codebuild:UpdateProject",
    "codepipeline:UpdatePipeline",
    "cognito-idp:DeleteUserPool",
    "config:Delete*",
    "config:Disassociate*",
    "config:PutConfig*",
    "config:PutConformancePack",
    "config:PutDeliveryChannel",
    "config:PutOrganization*",
    "config:PutRemediationConfigurations",
    "config:PutRetentionConfiguration",
    "config:StartRemediationExecution",
    "config:Stop*",
    "controltower:Delete*",
    "controltower:Disable*",
    "controltower:Update*",
    "datapipeline:PutPipelineDefinition",
    "detective:Delete*",
    "dynamodb:DeleteBackup",
    "dynamodb:DeleteResourcePolicy",
    "dynamodb:DeleteTable",
    "dynamodb:PutResourcePolicy",
    "dynamodb:UpdateContinuousBackups",
    "ec2-instance-connect:SendSSHPublicKey",
    "ec2-instance-connect:SendSerialConsoleSSHPublicKey",
    "ec2:DeleteFlowLogs",
    "ec2:DeleteVpcEndpoints",
    "ec2:DisableImageBlockPublicAccess",
    "ec2:DisableSnapshotBlockPublicAccess",
    "ec2:ModifyInstanceAttribute",
    "ec2:ModifySnapshotAttribute",
    "ec2:ModifyVpcBlockPublicAccess*",
    "ecr:Delete*",
    "ecr:SetRepositoryPolicy",
    "ecs:ExecuteCommand",
    "eks:AssociateAccessPolicy",
    "eks:CreateAccessEntry",
    "eks:UpdateAccessEntry",
    "elasticfilesystem:DeleteFileSystem",
    "events:DeactivateEventSource",
    "events:Delete*",
    "events:DisableRule",
    "events:PutPermission",
    "events:PutRule",
    "events:PutTargets",
    "events:Remove*",
    "events:Update*",
    "firehose:Delete*",
    "firehose:StopDeliveryStreamEncryption",
    "firehose:UpdateDestination",
    "fis:StartExperiment",
    "fms:Delete*",
    "fms:Disassociate*",
    "fms:PutPolicy",
    "glue:BatchDeleteTable*",
    "glue:DeleteDatabase",
    "glue:DeleteResourcePolicy",
    "glue:DeleteTable",
    "glue:PutResourcePolicy",
    "glue:UpdateDatabase",
    "glue:UpdateDevEndpoint",
    "glue:UpdateJob",
    "glue:UpdateTable",
    "guardduty:ArchiveFindings",
    "guardduty:CreateFilter",
    "guardduty:CreateIPSet",
    "guardduty:CreateTrusted*",
    "guardduty:Delete*",
    "guardduty:Disable*",
    "guardduty:Disassociate*",
    "guardduty:Stop*",
    "guardduty:Update*",
    "iam:*AccessKey",
    "iam:*AssumeRolePolicy",
    "iam:*LoginProfile",
    "iam:Add*",
    "iam:Attach*",
    "iam:Create*",
    "iam:Deactivate*",
    "iam:Delete*",
    "iam:Detach*",
    "iam:PassRole",
    "iam:Put*",
    "iam:Remove*",
    "iam:Set*",
    "iam:Tag*",
    "iam:Untag*",
    "iam:Update*",
    "iam:Upload*",
    "identitystore:Create*",
    "identitystore:Delete*",
    "identitystore:Update*",
    "inspector2:CreateFilter",
    "inspector2:Disable*",
    "kinesis:DecreaseStreamRetentionPeriod",
    "kinesis:DeleteStream",
    "kinesis:StopStreamEncryption",
    "kms:CreateAlias",
    "kms:CreateGrant",
    "kms:DeleteAlias",
    "kms:DeleteImportedKeyMaterial",
    "kms:Disable*",
    "kms:ImportKeyMaterial",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdatePrimaryRegion",
    "lambda:AddPermission",
    "lambda:Delete*",
    "lambda:PutFunctionConcurrency",
    "lambda:RemovePermission",
    "lambda:Update*",
    "logs:Delete*",
    "logs:Disassociate*",
    "logs:PutAccountPolicy",
    "logs:PutDataProtectionPolicy",
    "logs:PutDestination*",
    "logs:PutLogGroupDeletionProtection",
    "logs:PutMetricFilter",
    "logs:PutResourcePolicy",
    "logs:PutRetentionPolicy",
    "logs:PutSubscriptionFilter",
    "logs:PutTransformer",
    "macie2:CreateFindingsFilter",
    "macie2:Disable*",
    "macie2:UpdateMacieSession",
    "network-firewall:Delete*",
    "network-firewall:Disassociate*",
    "network-firewall:Update*",
    "notifications-contacts:Delete*",
    "notifications:Delete*",
    "notifications:Disassociate*",
    "notifications:Update*",
    "oam:Delete*",
    "organizations:CloseAccount",
    "organizations:De*",
    "organizations:Disable*",
    "organizations:Leave*",
    "organizations:Move*",
    "organizations:Put*",
    "organizations:Register*",
    "organizations:Remove*",
    "organizations:Update*",
    "pipes:Delete*",
    "pipes:Stop*",
    "pipes:Update*",
    "ram:Associate*",
    "ram:CreateResourceShare",
    "ram:Replace*",
    "ram:UpdateResourceShare",
    "rds:Delete*",
    "rds:ModifyDB*",
    "rolesanywhere:Create*",
    "rolesanywhere:Enable*",
    "rolesanywhere:Put*",
    "rolesanywhere:Update*",
    "route53resolver:DeleteResolverQueryLogConfig",
    "route53resolver:DisassociateResolverQueryLogConfig",
    "s3:BypassGovernanceRetention",
    "s3:CreateAccess*",
    "s3:CreateJob",
    "s3:Delete*",
    "s3:PauseReplication",
    "s3:PutAccess*",
    "s3:PutAccount*",
    "s3:PutBucket*",
    "s3:PutEncryptionConfiguration",
    "s3:PutIntelligentTieringConfiguration",
    "s3:PutInventoryConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutObject*Acl",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutReplicationConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
    "s3:UpdateObjectEncryption",
    "sagemaker:CreatePresigned*",
    "scheduler:Delete*",
    "scheduler:Update*",
    "secretsmanager:DeleteResourcePolicy",
    "secretsmanager:DeleteSecret",
    "secretsmanager:PutResourcePolicy",
    "securityhub:BatchDisable*",
    "securityhub:BatchUpdateFindings",
    "securityhub:CreateAutomationRule",
    "securityhub:Delete*",
    "securityhub:Disable*",
    "securityhub:Disassociate*",
    "securityhub:Update*",
    "securitylake:Delete*",
    "securitylake:Update*",
    "shield:Delete*",
    "shield:Disable*",
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:PutDataProtectionPolicy",
    "sns:RemovePermission",
    "sns:SetSubscriptionAttributes",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
    "sns:Unsubscribe",
    "sqs:AddPermission",
    "sqs:DeleteQueue",
    "sqs:PurgeQueue",
    "sqs:RemovePermission",
    "sqs:SetQueueAttributes",
    "ssm-contacts:Deactivate*",
    "ssm-contacts:Delete*",
    "ssm-contacts:Update*",
    "ssm:CreateAssociation*",
    "ssm:PutResourcePolicy",
    "ssm:RegisterTaskWithMaintenanceWindow",
    "ssm:SendCommand",
    "ssm:Start*",
    "ssm:UpdateAssociation",
    "ssm:UpdateDocument*",
    "ssm:UpdateMaintenanceWindowTask",
    "sso:Attach*",
    "sso:Create*",
    "sso:Delete*",
    "sso:Detach*",
    "sso:Provision*",
    "sso:Put*",
    "sso:Update*",
    "states:UpdateStateMachine",
    "wafv2:Delete*",
    "wafv2:Disassociate*",
    "wafv2:Update*",
)


@cache
def actions_by_resource() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Service → kind of resource → the actions on it, with the service: ``s3`` → ``bucket`` → ``s3:ListBucket``."""
    content = json.loads(Path(__file__).with_name("actions.json").read_text(encoding="utf-8"))
    return {
        service: {kind: tuple(f"{service}:{name}" for name in names.split()) for kind, names in by_resource.items()}
        for service, by_resource in content.items()
    }


def actions_of(service: str, *kinds: str) -> tuple[str, ...]:
    """The actions of a service on resources of these kinds, or on any."""
    by_resource = actions_by_resource().get(service, {})
    return tuple(
        dict.fromkeys(action for kind, names in by_resource.items() if not kinds or kind in kinds for action in names)
    )


def actions_of_every_service() -> tuple[str, ...]:
    """The actions of every service that is listed."""
    return tuple(action for service in actions_by_resource() for action in actions_of(service))


def distinct_actions(listed: Iterable[str], elements: Iterable[Patterns], within: str) -> tuple[str, ...]:
    """The listed actions, those that policies name, and one for each way in which their wildcards overlap elsewhere.

    :param elements: every ``Action`` and ``NotAction`` of both policies.
    :param within: a pattern that every action matches: ``s3:?*``.
    """
    found = {action.casefold(): action for action in listed}
    complete = {action.partition(":")[0] for action in found}
    patterns = dict.fromkeys(pattern for element in elements for pattern in element.patterns)
    for pattern in patterns:
        is_one = "*" not in pattern and "?" not in pattern and "${" not in pattern
        if is_one and matches(within, pattern, ignore_case=True).is_true:
            found.setdefault(pattern.casefold(), pattern)
    lower = (Pattern(Form.LIKE, pattern.casefold()) for pattern in patterns)
    for text in texts(lower, Pattern(Form.LIKE, within)):
        # What a service has is listed: a wildcard matches no more there. Of a service that is not listed all is open.
        if text.value.partition(":")[0] not in complete:
            found.setdefault(text.value, text.value)
    return tuple(found.values())


@cache
def is_sensitive(action: str) -> bool:
    """Whether an action can take protection away."""
    return OTHER in action or any(matches(pattern, action, ignore_case=True).is_true for pattern in SENSITIVE)
