"""Redaction: what of a call is content and no parameter never gets into a record.

CloudTrail documents the same for the services that it records, and what it says nothing about is left out as well: a
record that holds too little does no harm. Templates and values of parameters:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-api-logging-cloudtrail.html
Messages: https://docs.aws.amazon.com/sns/latest/dg/logging-using-cloudtrail.html and
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-logging-using-cloudtrail.html
Attributes other than keys:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/understanding-ddb-log-entries.html
SQL: https://docs.aws.amazon.com/athena/latest/ug/monitor-with-cloudtrail.html and
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/logging-using-cloudtrail-data-api.html
Prompts: https://docs.aws.amazon.com/bedrock/latest/userguide/logging-using-cloudtrail.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Redaction:
    """Members of an operation's input and output, at any depth: those whose value is hidden, those left out, and those
    shown that are called like a secret.
    """

    hidden: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    shown: frozenset[str] = frozenset()


# Of these, not even the name is shown.
_LEFT_OUT_EVERYWHERE = frozenset({"SecretAccessKey", "SecretBinary", "SecretString"})
_LEFT_OUT = {
    "cloudformation": {"ParameterValue", "TemplateBody"},
    "iam": {"Password", "OldPassword", "NewPassword"},
}
# A session token is worth nothing without its secret access key; delivered log files have it.
_SHOWN = {"sts": frozenset({"SessionToken"})}
# Of what these return, nothing else is recorded.
_RESULTS = {
    ("secretsmanager", "CreateSecret"): frozenset({"ARN"}),
    ("secretsmanager", "PutSecretValue"): frozenset({"ARN"}),
}
_HIDDEN = {
    "athena": {"ExecutionParameters", "QueryStatement", "QueryString"},
    "batch": {"environment"},
    "bedrock-runtime": {
        "additionalModelRequestFields",
        "additionalModelResponseFields",
        "content",
        "input",
        "messages",
        "modelInput",
        "output",
        "outputs",
        "system",
        "toolConfig",
        "trace",
    },
    "cloudformation": {"Configuration"},
    "codebuild": {"environmentVariables", "environmentVariablesOverride"},
    "dynamodb": {
        "AttributeUpdates",
        "Attributes",
        "Expected",
        "ExpressionAttributeValues",
        "Item",
        "Items",
        "KeyConditions",
        "Parameters",
        "QueryFilter",
        "ScanFilter",
        "Statement",
    },
    "ecs": {"environment"},
    "events": {"Detail", "Input"},
    "glue": {"Arguments", "DefaultArguments", "DefaultRunProperties", "NonOverridableArguments", "RunProperties"},
    "logs": {"logEvents"},
    "rds-data": {
        "formattedRecords",
        "generatedFields",
        "parameterSets",
        "parameters",
        "records",
        "sql",
        "sqlStatementResults",
        "sqlStatements",
        "updateResults",
    },
    "redshift-data": {"Parameters", "Sql", "Sqls"},
    "scheduler": {"Input"},
    "ses": {"DefaultTemplateData", "Message", "RawMessage", "ReplacementTemplateData", "TemplateData"},
    "sesv2": {"Content", "DefaultContent", "ReplacementEmailContent", "ReplacementTemplateData", "TemplateData"},
    "sns": {"Message", "MessageAttributes", "Subject"},
    "sqs": {"MessageAttributes", "MessageBody", "MessageSystemAttributes", "Messages"},
}
# A key of these services is its own secret, under a name that says nothing.
_HIDDEN_OF_API_KEYS = {"apigateway": {"value"}, "appsync": {"id"}}
_API_KEY = re.compile("(Create|Delete|Update)ApiKey")


@cache
def redaction_of(service: str, operation: str) -> Redaction:
    """What is left out or hidden of one operation. The service is botocore's name."""
    hidden = _HIDDEN.get(service, set())
    if _API_KEY.fullmatch(operation):
        hidden = hidden | _HIDDEN_OF_API_KEYS.get(service, set())
    left_out = _LEFT_OUT_EVERYWHERE | _LEFT_OUT.get(service, set())
    return Redaction(frozenset(hidden), left_out, _SHOWN.get(service, frozenset()))


def recorded_result(service: str, operation: str, result: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of a result a record may show at all, by member name."""
    only = _RESULTS.get((service, operation))
    return result if only is None else {name: value for name, value in result.items() if name in only}
