"""What tests read from a template."""

from typing import Any

from aws_cdk.assertions import Template


def plain(value: Any, partition: str) -> Any:
    """The value as CloudFormation would resolve it in this partition."""
    known = {
        "AWS::Partition": partition,
        "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
    }
    match value:
        case list():
            return [plain(item, partition) for item in value]
        case {"Ref": str(name)} if name in known:
            return known[name]
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(str(plain(part, partition)) for part in parts)
        case {"Fn::GetAtt": _}:
            return "BUCKET_ARN"
        case dict():
            return {key: plain(item, partition) for key, item in value.items()}
    return value


def cloudtrail_statements(document: dict[str, Any], partition: str) -> list[dict[str, Any]]:
    return [
        statement
        for statement in plain(document, partition)["Statement"]
        if statement["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    ]


def log_bucket(template: Template) -> dict[str, object]:
    return next(
        bucket["Properties"]
        for bucket in template.find_resources("AWS::S3::Bucket").values()
        if "LoggingConfiguration" in bucket["Properties"]
    )
