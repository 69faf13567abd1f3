"""The fifteen alarms that CIS AWS Foundations asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib.notifications.log_alarm import LogAlarm, create_alarm


def _calls(*names: str, source: str | None = None) -> str:
    """The filter pattern for these calls, of this service."""
    any_of = " || ".join(f"($.eventName={name})" for name in names)
    return f"{{{any_of}}}" if source is None else f"{{($.eventSource={source}.amazonaws.com) && ({any_of})}}"


@dataclass(frozen=True, slots=True)
class CisAlarm:
    """One alarm of CIS AWS Foundations section 4, with the filter pattern that Security Hub looks for.

    https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html has the patterns, to the letter:
    "additional fields or terms cannot be added". Where CIS names no service, AWS's pattern may (4.4, 4.13).

    :param cis: the number in CIS 1.4, 3.0 and 5.0.
    :param wider_pattern: what CIS 5.0 asks for, where Security Hub takes its own text only. Default: - the same.
    :param security_hub: the control's id there. There is none for 4.15; 4.1 and
        4.2 Security Hub checks as 3.1 and 3.2 of CIS 1.2.
    """

    cis: str
    security_hub: str | None
    name: str
    pattern: str
    wider_pattern: str | None = None


_SECURITY_GROUP_CALLS: Final = (
    *("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
    *("RevokeSecurityGroupEgress", "CreateSecurityGroup", "DeleteSecurityGroup"),
)

CIS_ALARMS: Final = (
    CisAlarm(
        "4.1",
        "CloudWatch.2",
        "UnauthorizedApiCalls",
        '{($.errorCode="*UnauthorizedOperation") || ($.errorCode="AccessDenied*")}',
    ),
    CisAlarm(
        "4.2",
        "CloudWatch.3",
        "ConsoleSignInWithoutMfa",
        '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && '
        '($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }',
    ),
    CisAlarm(
        "4.3",
        "CloudWatch.1",
        "RootUserUsed",
        '{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType !="AwsServiceEvent"}',
    ),
    CisAlarm(
        "4.4",
        "CloudWatch.4",
        "IamPolicyChanges",
        _calls(
            *("DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy", "PutRolePolicy"),
            *("PutUserPolicy", "CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion"),
            *("AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy"),
            *("AttachGroupPolicy", "DetachGroupPolicy"),
            source="iam",
        ),
    ),
    CisAlarm(
        "4.5",
        "CloudWatch.5",
        "CloudTrailChanges",
        _calls("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"),
    ),
    CisAlarm(
        "4.6",
        "CloudWatch.6",
        "ConsoleSignInFailures",
        '{($.eventName=ConsoleLogin) && ($.errorMessage="Failed authentication")}',
    ),
    CisAlarm("4.7", "CloudWatch.7", "KeysDisabledOrDeleted", _calls("DisableKey", "ScheduleKeyDeletion", source="kms")),
    CisAlarm(
        "4.8",
        "CloudWatch.8",
        "BucketPolicyChanges",
        _calls(
            *("PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle", "PutBucketReplication"),
            *("DeleteBucketPolicy", "DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketReplication"),
            source="s3",
        ),
    ),
    CisAlarm(
        "4.9",
        "CloudWatch.9",
        "ConfigChanges",
        _calls(
            *("StopConfigurationRecorder", "DeleteDeliveryChannel", "PutDeliveryChannel", "PutConfigurationRecorder"),
            source="config",
        ),
    ),
    CisAlarm(
        "4.10",
        "CloudWatch.10",
        "SecurityGroupChanges",
        _calls(*_SECURITY_GROUP_CALLS),
        wider_pattern=_calls(*_SECURITY_GROUP_CALLS, "ModifySecurityGroupRules"),
    ),
    CisAlarm(
        "4.11",
        "CloudWatch.11",
        "NetworkAclChanges",
        _calls(
            *("CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry"),
            *("ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation"),
        ),
    ),
    CisAlarm(
        "4.12",
        "CloudWatch.12",
        "NetworkGatewayChanges",
        _calls(
            *("CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway", "CreateInternetGateway"),
            *("DeleteInternetGateway", "DetachInternetGateway"),
        ),
    ),
    CisAlarm(
        "4.13",
        "CloudWatch.13",
        "RouteTableChanges",
        _calls(
            *("CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation"),
            *("DeleteRouteTable", "DeleteRoute", "DisassociateRouteTable"),
            source="ec2",
        ),
    ),
    CisAlarm(
        "4.14",
        "CloudWatch.14",
        "VpcChanges",
        _calls(
            *("CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection"),
            *("CreateVpcPeeringConnection", "DeleteVpcPeeringConnection", "RejectVpcPeeringConnection"),
            *("AttachClassicLinkVpc", "DetachClassicLinkVpc", "DisableVpcClassicLink", "EnableVpcClassicLink"),
        ),
    ),
    CisAlarm(
        "4.15",
        None,
        "OrganizationsChanges",
        _calls(
            *("AcceptHandshake", "AttachPolicy", "CreateAccount", "CreateOrganizationalUnit", "CreatePolicy"),
            *("DeclineHandshake", "DeleteOrganization", "DeleteOrganizationalUnit", "DeletePolicy", "DetachPolicy"),
            *("DisablePolicyType", "EnablePolicyType", "InviteAccountToOrganization", "LeaveOrganization"),
            *("MoveAccount", "RemoveAccountFromOrganization", "UpdatePolicy", "UpdateOrganizationalUnit"),
            # The benchmark's text lacks these three, and they are as grave.
            *("CancelHandshake", "CreateOrganization", "EnableAllFeatures"),
            source="organizations",
        ),
    ),
)


def create_cis_alarms(
    scope: Construct, *, trail_name: str, log_group: logs.ILogGroup, topic_arn: str
) -> list[cloudwatch.CfnAlarm]:
    """The fifteen alarms of CIS AWS Foundations, section 4."""
    return [
        create_alarm(
            scope,
            LogAlarm(
                name=alarm.name,
                filter_pattern=alarm.pattern,
                description=f"CIS AWS Foundations {alarm.cis}"
                + (f", {alarm.security_hub}" if alarm.security_hub else ""),
                threshold=1,
                period=cdk.Duration.minutes(5),
                wider_pattern=alarm.wider_pattern,
            ),
            trail_name=trail_name,
            log_group=log_group,
            topic_arn=topic_arn,
        )
        for alarm in CIS_ALARMS
    ]
