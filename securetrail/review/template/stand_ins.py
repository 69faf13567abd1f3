"""Stand-ins for what CloudFormation knows only after the deployment: what ``Ref`` and ``Fn::GetAtt`` return.

They have AWS's forms, so that a policy can be evaluated with them, and depend on nothing but the resource's id and the
name that the template gives it: the same resource has the same stand-ins on both sides of a review.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from securetrail.review.template.model import Id

# The property that names a resource of a type, where the template chooses the name.
NAME_PROPERTIES: Final = {
    "AWS::CloudTrail::Trail": "TrailName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::OIDCProvider": "Url",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::SAMLProvider": "Name",
    "AWS::IAM::User": "UserName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::AccessPoint": "Name",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
# The ARN of a resource: service, whether it names region and account, and what stands before the name.
_ARNS: Final = {
    "AWS::CloudTrail::Trail": ("cloudtrail", True, True, "trail/"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", True, True, "alarm:"),
    "AWS::DynamoDB::Table": ("dynamodb", True, True, "table/"),
    "AWS::ECR::Repository": ("ecr", True, True, "repository/"),
    "AWS::Events::EventBus": ("events", True, True, "event-bus/"),
    "AWS::Events::Rule": ("events", True, True, "rule/"),
    "AWS::IAM::Group": ("iam", False, True, "group/"),
    "AWS::IAM::InstanceProfile": ("iam", False, True, "instance-profile/"),
    "AWS::IAM::ManagedPolicy": ("iam", False, True, "policy/"),
    "AWS::IAM::OIDCProvider": ("iam", False, True, "oidc-provider/"),
    "AWS::IAM::Role": ("iam", False, True, "role/"),
    "AWS::IAM::SAMLProvider": ("iam", False, True, "saml-provider/"),
    "AWS::IAM::User": ("iam", False, True, "user/"),
    "AWS::KMS::Alias": ("kms", True, True, ""),
    "AWS::KMS::Key": ("kms", True, True, "key/"),
    "AWS::KMS::ReplicaKey": ("kms", True, True, "key/"),
    "AWS::KinesisFirehose::DeliveryStream": ("firehose", True, True, "deliverystream/"),
    "AWS::Lambda::Function": ("lambda", True, True, "function:"),
    "AWS::Logs::LogGroup": ("logs", True, True, "log-group:"),
    "AWS::S3::AccessPoint": ("s3", True, True, "accesspoint/"),
    "AWS::S3::Bucket": ("s3", False, False, ""),
    "AWS::SNS::Topic": ("sns", True, True, ""),
    "AWS::SQS::Queue": ("sqs", True, True, ""),
    "AWS::SecretsManager::Secret": ("secretsmanager", True, True, "secret:"),
    "AWS::StepFunctions::StateMachine": ("states", True, True, "stateMachine:"),
}
# Types whose Ref is their ARN. The Ref of most others is their name.
_REF_IS_ARN: Final = {
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::OIDCProvider",
    "AWS::IAM::SAMLProvider",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
}
_CUSTOM: Final = ("Custom::", "AWS::CloudFormation::CustomResource")
_PATHS: Final = {"AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group", "AWS::IAM::ManagedPolicy"}


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a stack is deployed to."""

    account: str
    region: str
    partition: str = "aws"


@dataclass(frozen=True, slots=True)
class Named:
    """A resource, as far as its stand-ins depend on it.

    :param name: that the template gives it; empty when CloudFormation makes one.
    :param path: of an IAM resource, ``/`` for most.
    """

    id: Id
    type: str
    environment: Environment
    name: str = ""
    path: str = "/"


def generated_name(named: Named) -> str:
    """A name such as CloudFormation makes of stack, logical id and random letters."""
    if named.type in ("AWS::KMS::Key", "AWS::KMS::ReplicaKey"):
        return str(UUID(hashlib.sha256(str(named.id).encode()).hexdigest()[:32]))
    letters = hashlib.sha256(str(named.id).encode()).hexdigest()[:12]
    stack = re.sub(r"[^A-Za-z0-9]+", "-", named.id.stack)
    name = f"{stack[:24]}-{named.id.logical_id[:24]}-{letters}"
    return name.lower() if named.type.startswith("AWS::S3::") else name


def reference(named: Named) -> str:
    """What ``Ref`` returns."""
    name = named.name or generated_name(named)
    if named.type in _REF_IS_ARN:
        return arn(named)
    if named.type == "AWS::SQS::Queue":
        where = named.environment
        return f"https://sqs.{where.region}.amazonaws.com/{where.account}/{name}"
    return name


def attribute(named: Named, attribute_name: str) -> str:
    """What ``Fn::GetAtt`` returns."""
    name = named.name or generated_name(named)
    where = named.environment
    known = {
        ("AWS::KMS::Key", "KeyId"): name,
        ("AWS::KMS::ReplicaKey", "KeyId"): name,
        # A log group's ARN ends with :*, its LogGroupArn does not.
        ("AWS::Logs::LogGroup", "Arn"): f"{arn(named)}:*",
        ("AWS::S3::Bucket", "DomainName"): f"{name}.s3.amazonaws.com",
        ("AWS::S3::Bucket", "RegionalDomainName"): f"{name}.s3.{where.region}.amazonaws.com",
    }
    if named.type.startswith(_CUSTOM):
        # Whatever its program returns: the ARN of anybody.
        return f"(value of {named.id}.{attribute_name})"
    if (named.type, attribute_name) in known:
        return known[named.type, attribute_name]
    if attribute_name == "Arn" or _own_arn(named, attribute_name):
        return arn(named)
    if attribute_name.endswith("Name") and named.type.rpartition("::")[2] in attribute_name:
        return name
    if attribute_name.endswith("Arn"):
        service = named.type.split("::")[1].lower() if "::" in named.type else "custom"
        return f"arn:{where.partition}:{service}:{where.region}:{where.account}:{name}/{attribute_name}"
    return f"{name}.{attribute_name}"


def arn(named: Named) -> str:
    """The resource's ARN."""
    where = named.environment
    parts = named.type.split("::")
    service, has_region, has_account, before = _ARNS.get(
        named.type, (parts[1].lower() if len(parts) > 1 else "custom", True, True, f"{parts[-1].lower()}/")
    )
    name = named.name or generated_name(named)
    if named.type == "AWS::IAM::OIDCProvider":
        name = name.partition("://")[2] or name
    if named.type in _PATHS:
        name = named.path.lstrip("/") + name
    region, account = (where.region if has_region else ""), (where.account if has_account else "")
    return f"arn:{where.partition}:{service}:{region}:{account}:{before}{name}"


def _own_arn(named: Named, attribute_name: str) -> bool:
    """Whether the attribute is the resource's own ARN under another name: ``TopicArn``, ``LogGroupArn``."""
    return attribute_name == f"{named.type.rpartition('::')[2]}Arn"
