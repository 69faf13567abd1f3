"""The resources that a call names, for the ResourceType and ResourceName filters of LookupEvents.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Resource.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of an event: its CloudFormation type and its name or ARN."""

    type: str
    name: str


_S3_BUCKET = {"Bucket": "AWS::S3::Bucket"}
_TYPES: dict[str, dict[str, str]] = {
    "cloudformation": {"StackName": "AWS::CloudFormation::Stack", "StackId": "AWS::CloudFormation::Stack"},
    "cloudtrail": {
        "Name": "AWS::CloudTrail::Trail",
        "TrailName": "AWS::CloudTrail::Trail",
        "TrailARN": "AWS::CloudTrail::Trail",
        "trailNameList": "AWS::CloudTrail::Trail",
        "ResourceId": "AWS::CloudTrail::Trail",
        "ResourceIdList": "AWS::CloudTrail::Trail",
        "S3BucketName": "AWS::S3::Bucket",
        "KmsKeyId": "AWS::KMS::Key",
    },
    "cloudwatch": {"AlarmName": "AWS::CloudWatch::Alarm", "AlarmNames": "AWS::CloudWatch::Alarm"},
    "ec2": {
        "GroupId": "AWS::EC2::SecurityGroup",
        "GroupIds": "AWS::EC2::SecurityGroup",
        "InstanceId": "AWS::EC2::Instance",
        "InstanceIds": "AWS::EC2::Instance",
        "VpcId": "AWS::EC2::VPC",
        "VpcIds": "AWS::EC2::VPC",
    },
    "events": {"Name": "AWS::Events::Rule", "Rule": "AWS::Events::Rule"},
    "iam": {
        "UserName": "AWS::IAM::User",
        "RoleName": "AWS::IAM::Role",
        "GroupName": "AWS::IAM::Group",
        "PolicyName": "AWS::IAM::Policy",
        "PolicyArn": "AWS::IAM::Policy",
        "InstanceProfileName": "AWS::IAM::InstanceProfile",
        "AccessKeyId": "AWS::IAM::AccessKey",
    },
    "kms": {
        "KeyId": "AWS::KMS::Key",
        "TargetKeyId": "AWS::KMS::Key",
        "Arn": "AWS::KMS::Key",
        "AliasName": "AWS::KMS::Alias",
    },
    "lambda": {"FunctionName": "AWS::Lambda::Function", "FunctionArn": "AWS::Lambda::Function"},
    "logs": {"logGroupName": "AWS::Logs::LogGroup"},
    "s3": _S3_BUCKET,
    "s3control": _S3_BUCKET,
    "secretsmanager": {"SecretId": "AWS::SecretsManager::Secret", "ARN": "AWS::SecretsManager::Secret"},
    "sns": {"TopicArn": "AWS::SNS::Topic"},
    "sqs": {"QueueUrl": "AWS::SQS::Queue"},
    "ssm": {"Name": "AWS::SSM::Parameter"},
    "sts": {"RoleArn": "AWS::IAM::Role", "RoleSessionName": "AWS::STS::AssumedRole"},
}


def resources(service: str, *sources: Mapping[str, Any] | None) -> tuple[Resource, ...]:
    """The resources named in parameters and results (by member name, one level deep), each once, in order."""
    types = _TYPES.get(service)
    if types is None:
        return ()
    found: dict[Resource, None] = {}
    for source in sources:
        for member, name in _named(source or {}):
            if member in types and name:
                found[Resource(types[member], name)] = None
    return tuple(found)


def _named(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for member, value in source.items():
        if isinstance(value, str):
            yield member, value
        elif isinstance(value, Mapping):
            yield from ((inner, text) for inner, text in value.items() if isinstance(text, str))
        elif isinstance(value, list):
            yield from ((member, text) for text in value if isinstance(text, str))
