"""A stack as people write it, with everything that has a policy, and what a change of it makes allowed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from securetrail.review.access import AccessDifference, compare_access
from securetrail.review.template import Template, variants

Json = dict[str, Any]
Change = Callable[[Json], object]
OWN, FOREIGN = "123456789012", "999999999999"
TRAIL = {"Fn::Sub": "arn:${AWS::Partition}:cloudtrail:${AWS::Region}:${AWS::AccountId}:trail/audit"}
BUCKET = {"Fn::GetAtt": ["Logs", "Arn"]}
OBJECTS = {"Fn::Join": ["", [BUCKET, "/*"]]}
ROOT = {"AWS": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::", {"Ref": "AWS::AccountId"}, ":root"]]}}
CLOUDTRAIL = {"Service": "cloudtrail.amazonaws.com"}
BLOCKED = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}


def grant(sid: str, principal: Any, action: Any, resource: Any = "*", **conditions: Any) -> Json:
    found = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}
    return {**found, **({"Condition": conditions} if conditions else {})}


def deny(sid: str, action: Any, resource: Any = "*", **conditions: Any) -> Json:
    return {**grant(sid, "*", action, resource, **conditions), "Effect": "Deny"}


def document(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _resources() -> Json:
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    return {
        "Trail": {
            "Type": "AWS::CloudTrail::Trail",
            "DependsOn": ["LogsPolicy"],
            "Properties": {
                "TrailName": "audit",
                "IsLogging": True,
                "IsMultiRegionTrail": True,
                "EnableLogFileValidation": True,
                "S3BucketName": {"Ref": "Logs"},
                "KMSKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
            },
        },
        "Logs": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketName": {"Fn::Sub": "audit-${AWS::AccountId}"},
                "PublicAccessBlockConfiguration": BLOCKED,
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            },
        },
        "LogsPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Logs"},
                "PolicyDocument": document(
                    deny("Tls", "s3:*", [BUCKET, OBJECTS], **tls),
                    deny(
                        "Keep",
                        ["s3:DeleteObject*", "s3:PutLifecycleConfiguration"],
                        [BUCKET, OBJECTS],
                        ArnNotLike={"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/admin"},
                    ),
                    grant("Acl", CLOUDTRAIL, "s3:GetBucketAcl", BUCKET, StringEquals={"aws:SourceArn": TRAIL}),
                    grant(
                        "Write",
                        CLOUDTRAIL,
                        "s3:PutObject",
                        {"Fn::Sub": "${Logs.Arn}/AWSLogs/${AWS::AccountId}/*"},
                        StringEquals={"aws:SourceArn": TRAIL, "s3:x-amz-acl": "bucket-owner-full-control"},
                    ),
                    grant(
                        "Readers",
                        "*",
                        ["s3:GetObject", "s3:ListBucket"],
                        [BUCKET, OBJECTS],
                        StringEquals={"aws:PrincipalOrgID": "o-security00", "aws:SourceVpce": "vpce-1"},
                        **{"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-security00/r-1/ou-1/*"}},
                    ),
                ),
            },
        },
        "Key": {
            "Type": "AWS::KMS::Key",
            "Properties": {
                "KeyPolicy": document(
                    grant("Root", ROOT, "kms:*"),
                    grant(
                        "Encrypt",
                        CLOUDTRAIL,
                        "kms:GenerateDataKey*",
                        StringEquals={"aws:SourceArn": TRAIL},
                        StringLike={"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{OWN}:trail/*"},
                    ),
                    grant("Use", CLOUDTRAIL, ["kms:Decrypt", "kms:DescribeKey"], StringEquals={"aws:SourceArn": TRAIL}),
                    grant(
                        "Auditors",
                        {"AWS": f"arn:aws:iam::{FOREIGN}:role/auditor"},
                        "kms:Decrypt",
                        StringEquals={"kms:ViaService": "s3.us-east-1.amazonaws.com"},
                    ),
                    grant(
                        "Grants",
                        {"AWS": f"arn:aws:iam::{FOREIGN}:role/auditor"},
                        "kms:CreateGrant",
                        Bool={"kms:GrantIsForAWSResource": "true"},
                    ),
                )
            },
        },
        "Alerts": {"Type": "AWS::SNS::Topic", "Properties": {}},
        "AlertsPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [{"Ref": "Alerts"}],
                "PolicyDocument": document(
                    grant(
                        "Alarms",
                        {"Service": "cloudwatch.amazonaws.com"},
                        "sns:Publish",
                        {"Ref": "Alerts"},
                        StringEquals={"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
                    )
                ),
            },
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {"AlarmActions": [{"Ref": "Alerts"}], "MetricName": "Unauthorized"},
        },
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {}},
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Queue"}],
                "PolicyDocument": document(
                    grant(
                        "FromTopic",
                        "*",
                        "sqs:SendMessage",
                        {"Fn::GetAtt": ["Queue", "Arn"]},
                        ArnEquals={"aws:SourceArn": {"Ref": "Alerts"}},
                    )
                ),
            },
        },
        "Function": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "forward"}},
        "Invoke": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
                "Principal": "sns.amazonaws.com",
                "SourceArn": {"Ref": "Alerts"},
            },
        },
        "Boundary": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "PolicyDocument": document({"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"})
            },
        },
        "Reader": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "PermissionsBoundary": {"Ref": "Boundary"},
                "AssumeRolePolicyDocument": document(
                    {
                        "Sid": "Partner",
                        "Effect": "Allow",
                        "Principal": {"AWS": f"arn:aws:iam::{FOREIGN}:role/partner"},
                        "Action": "sts:AssumeRole",
                        "Condition": {"StringEquals": {"sts:ExternalId": "b2f1"}},
                    },
                    {
                        "Sid": "GitHub",
                        "Effect": "Allow",
                        "Principal": {
                            "Federated": f"arn:aws:iam::{OWN}:oidc-provider/token.actions.githubusercontent.com"
                        },
                        "Action": "sts:AssumeRoleWithWebIdentity",
                        "Condition": {
                            "StringEquals": {
                                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                                "token.actions.githubusercontent.com:sub": "repo:acme/audit:ref:refs/heads/main",
                            }
                        },
                    },
                ),
                "Policies": [
                    {
                        "PolicyName": "read",
                        "PolicyDocument": document(
                            {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": OBJECTS},
                            {"Sid": "NoKeys", "Effect": "Deny", "Action": "kms:*", "Resource": "*"},
                        ),
                    }
                ],
            },
        },
        "Worker": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": document(
                    {
                        "Sid": "Lambda",
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                )
            },
        },
        "WorkerPolicy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": "work",
                "Roles": [{"Ref": "Worker"}],
                "PolicyDocument": document(
                    {
                        "Sid": "Send",
                        "Effect": "Allow",
                        "Action": "sqs:SendMessage",
                        "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                    }
                ),
            },
        },
        "Point": {
            "Type": "AWS::S3::AccessPoint",
            "Properties": {
                "Name": "readers",
                "Bucket": {"Ref": "Logs"},
                "PublicAccessBlockConfiguration": BLOCKED,
                "Policy": document(
                    grant(
                        "Point",
                        {"AWS": f"arn:aws:iam::{OWN}:role/reader"},
                        "s3:GetObject",
                        {"Fn::Sub": "arn:aws:s3:${AWS::Region}:${AWS::AccountId}:accesspoint/readers/object/*"},
                    )
                ),
            },
        },
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "token"}},
        "SecretPolicy": {
            "Type": "AWS::SecretsManager::ResourcePolicy",
            "Properties": {
                "SecretId": {"Ref": "Secret"},
                "ResourcePolicy": document(
                    deny("Mine", "secretsmanager:GetSecretValue", "*", StringNotEquals={"aws:PrincipalAccount": OWN})
                ),
            },
        },
        "Endpoint": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "ServiceName": "com.amazonaws.us-east-1.s3",
                "PolicyDocument": document(grant("Logs", "*", "s3:PutObject", OBJECTS)),
            },
        },
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "audit"}},
        "BusPolicy": {
            "Type": "AWS::Events::EventBusPolicy",
            "Properties": {
                "EventBusName": {"Ref": "Bus"},
                "StatementId": "Members",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "events:PutEvents",
                    "Resource": {"Fn::GetAtt": ["Bus", "Arn"]},
                    "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-security00"}},
                },
            },
        },
    }


def template() -> Json:
    return {"Resources": _resources()}


def difference(change: Change, base_change: Change | None = None) -> AccessDifference:
    """What a change of the template, or of both sides' templates, makes allowed and denied."""
    base = template()
    if base_change:
        base_change(base)
    head = copy.deepcopy(base)
    change(head)
    return compare_access(variants([Template("Stack", base)], [Template("Stack", head)]))


_DOCUMENTS = {
    "LogsPolicy": ("PolicyDocument",),
    "Key": ("KeyPolicy",),
    "AlertsPolicy": ("PolicyDocument",),
    "QueuePolicy": ("PolicyDocument",),
    "Reader": ("AssumeRolePolicyDocument",),
    "Worker": ("AssumeRolePolicyDocument",),
    "WorkerPolicy": ("PolicyDocument",),
    "Point": ("Policy",),
    "SecretPolicy": ("ResourcePolicy",),
    "Boundary": ("PolicyDocument",),
}


def statements(template: Json, resource: str) -> list[Json]:
    """The statements of a resource's policy, to change them."""
    properties = template["Resources"][resource]["Properties"]
    found: list[Json] = properties[_DOCUMENTS[resource][0]]["Statement"]
    return found


def statement(template: Json, resource: str, sid: str) -> Json:
    return next(each for each in statements(template, resource) if each["Sid"] == sid)


def properties(template: Json, resource: str) -> Json:
    found: Json = template["Resources"][resource]["Properties"]
    return found
