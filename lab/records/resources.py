"""The resources of a call: those that it names, for the filters ResourceType and ResourceName of LookupEvents, and the
record's own `resources` element, which only some services write.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Resource.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html (resources)
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html (ARNPrefix)
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lab.authorization.needs import Unknown
from lab.authorization.special_needs import table_of_statement


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
        "SourceKeyId": "AWS::KMS::Key",
        "DestinationKeyId": "AWS::KMS::Key",
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


EventResource = dict[str, str]

_TABLE_LISTS = ("RequestItems", "TransactItems")


def event_resources(
    service: str,
    parameters: Mapping[str, Any],
    used: Iterable[Resource],
    account: str,
    region: str,
    *,
    is_data_event: bool,
) -> list[EventResource]:
    """The resources of one call.

    :param service: botocore's name of the service.
    :param parameters: by the member names of the operation's input.
    :param used: the resources that the call names.
    """
    if service == "s3":
        return _s3(parameters, account, is_data_event=is_data_event)
    arns: dict[str, str] = {}
    if service == "dynamodb":
        start = f"arn:aws:dynamodb:{region}:{account}:table/"
        arns = {_arn(start, name): "AWS::DynamoDB::Table" for name in _tables(parameters)}
    elif service == "lambda" and "FunctionName" in parameters:
        start = f"arn:aws:lambda:{region}:{account}:function:"
        arns = {_arn(start, str(parameters["FunctionName"])): "AWS::Lambda::Function"}
    elif service in ("kms", "sns", "sts"):
        arns = _named_by_arn(service, used, f"arn:aws:kms:{region}:{account}:key/")
    elif service == "ssm":
        start = f"arn:aws:ssm:{region}:{account}:parameter/"
        names = [parameters["Name"]] if "Name" in parameters else parameters.get("Names", ())
        return [{"accountId": account, "ARN": _arn(start, str(each).removeprefix("/"))} for each in names]
    elif service == "sqs" and "QueueUrl" in parameters:
        name = str(parameters["QueueUrl"]).rpartition("/")[2]
        arns = {f"arn:aws:sqs:{region}:{account}:{name}": "AWS::SQS::Queue"}
    return [{"accountId": account_of(arn) or account, "type": kind, "ARN": arn} for arn, kind in arns.items()]


def account_of(arn: str) -> str:
    """The account of an ARN; '' for one without, and for what is no ARN."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4].isdecimal() else ""


def _s3(parameters: Mapping[str, Any], account: str, *, is_data_event: bool) -> list[EventResource]:
    if "Bucket" not in parameters:
        return []
    bucket = {"accountId": account, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{parameters['Bucket']}"}
    if not is_data_event:
        return [bucket]
    kind = "AWS::S3::Object"
    if "Key" in parameters:
        return [{"type": kind, "ARN": f"{bucket['ARN']}/{parameters['Key']}"}, bucket]
    return [{"type": kind, "ARNPrefix": f"{bucket['ARN']}/"}, bucket]


def _tables(parameters: Mapping[str, Any]) -> list[str]:
    names = [str(parameters["TableName"])] if "TableName" in parameters else []
    for member in _TABLE_LISTS:
        items = parameters.get(member)
        if isinstance(items, Mapping):  # by table
            names += map(str, items)
        elif isinstance(items, list):  # one action each
            names += [str(action["TableName"]) for item in items for action in item.values() if "TableName" in action]
    return [*names, *_tables_of_statements(parameters)]


def _tables_of_statements(parameters: Mapping[str, Any]) -> Iterator[str]:
    statements = parameters.get("Statements") or parameters.get("TransactStatements") or [parameters]
    for each in statements:
        if isinstance(each, Mapping) and each.get("Statement"):
            with suppress(Unknown):
                yield table_of_statement(str(each["Statement"]))[1]


def _named_by_arn(service: str, used: Iterable[Resource], key_start: str) -> dict[str, str]:
    arns: dict[str, str] = {}
    for each in used:
        if each.name.startswith("arn:"):
            arns[each.name] = each.type
        elif service == "kms" and each.type == "AWS::KMS::Key" and not each.name.startswith("alias/"):
            arns[key_start + each.name] = each.type
    return arns


def _arn(start: str, name: str) -> str:
    return name if name.startswith("arn:") else start + name
