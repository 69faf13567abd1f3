"""The `resources` element of a record: the ARNs of what a call touched. Only some services write it.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html (resources),
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html (ARNPrefix) and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.records.resources import Resource

Owned = dict[str, str]

_TABLE_LISTS = ("RequestItems", "TransactItems")


def owned_resources(
    service: str,
    parameters: Mapping[str, Any],
    used: Iterable[Resource],
    account: str,
    region: str,
    *,
    is_data_event: bool,
) -> list[Owned]:
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
    elif service == "ssm" and "Name" in parameters:
        name = str(parameters["Name"])
        return [{"accountId": account, "ARN": f"arn:aws:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"}]
    elif service == "sqs" and "QueueUrl" in parameters:
        name = str(parameters["QueueUrl"]).rpartition("/")[2]
        arns = {f"arn:aws:sqs:{region}:{account}:{name}": "AWS::SQS::Queue"}
    return [{"accountId": account, "type": kind, "ARN": arn} for arn, kind in arns.items()]


def _s3(parameters: Mapping[str, Any], account: str, *, is_data_event: bool) -> list[Owned]:
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
    return names


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
