"""Calls that carry content: service, method and parameters of boto3, and what of the parameters a record shows."""

import json
from typing import Any

from lab.records.elements import HIDDEN

SECRET = "very-secret"
TEMPLATE = json.dumps({"Parameters": {"Password": {"Type": "String", "NoEcho": True, "Default": SECRET}}})
PARAMETERS = [{"ParameterKey": "Password", "ParameterValue": SECRET}]
ITEM = {"Artist": {"S": SECRET}, "Year": {"N": "1973"}}
VALUES = {":v": {"S": SECRET}}

CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "cloudformation",
        "create_stack",
        {"StackName": "s", "TemplateBody": TEMPLATE, "Parameters": PARAMETERS},
        {"stackName": "s", "parameters": [{"parameterKey": "Password"}]},
    ),
    (
        "cloudformation",
        "create_change_set",
        {"StackName": "s", "ChangeSetName": "c", "TemplateBody": TEMPLATE, "Parameters": PARAMETERS},
        {"stackName": "s", "changeSetName": "c", "parameters": [{"parameterKey": "Password"}]},
    ),
    (
        "elasticache",
        "create_user",
        {"UserId": "u", "UserName": "u", "Engine": "redis", "AccessString": "on", "Passwords": [SECRET]},
        {"userId": "u", "userName": "u", "engine": "redis", "accessString": "on", "passwords": HIDDEN},
    ),
    ("apigateway", "create_api_key", {"name": "k", "value": SECRET}, {"name": "k", "value": HIDDEN}),
    ("appsync", "delete_api_key", {"apiId": "a", "id": SECRET}, {"apiId": "a", "id": HIDDEN}),
    (
        "sqs",
        "send_message",
        {"QueueUrl": "https://q", "MessageBody": SECRET, "MessageGroupId": "g"},
        {"queueUrl": "https://q", "messageBody": HIDDEN, "messageGroupId": "g"},
    ),
    (
        "sns",
        "publish",
        {"TopicArn": "t", "Message": SECRET, "Subject": SECRET},
        {"topicArn": "t", "message": HIDDEN, "subject": HIDDEN},
    ),
    (
        "dynamodb",
        "put_item",
        {"TableName": "t", "Item": ITEM},
        {"tableName": "t", "item": {"Artist": HIDDEN, "Year": HIDDEN}},
    ),
    (
        "dynamodb",
        "update_item",
        {
            "TableName": "t",
            "Key": {"Id": {"S": "1"}},
            "UpdateExpression": "SET a = :v",
            "ExpressionAttributeValues": VALUES,
        },
        {
            "tableName": "t",
            "key": {"Id": {"s": "1"}},
            "updateExpression": "SET a = :v",
            "expressionAttributeValues": {":v": HIDDEN},
        },
    ),
    (
        "dynamodb",
        "batch_write_item",
        {"RequestItems": {"t": [{"PutRequest": {"Item": ITEM}}]}},
        {"requestItems": {"t": [{"putRequest": {"item": {"Artist": HIDDEN, "Year": HIDDEN}}}]}},
    ),
    (
        "dynamodb",
        "execute_statement",
        {"Statement": f"INSERT '{SECRET}'", "Parameters": [{"S": SECRET}]},
        {"statement": HIDDEN, "parameters": HIDDEN},
    ),
    (
        "logs",
        "put_log_events",
        {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": SECRET}]},
        {"logGroupName": "g", "logStreamName": "s", "logEvents": HIDDEN},
    ),
    (
        "events",
        "put_events",
        {"Entries": [{"Source": "x", "DetailType": "y", "Detail": SECRET}]},
        {"entries": [{"source": "x", "detailType": "y", "detail": HIDDEN}]},
    ),
    (
        "rds-data",
        "execute_statement",
        {"resourceArn": "r", "secretArn": "s", "sql": f"select '{SECRET}'"},
        {"resourceArn": "r", "secretArn": "s", "sql": HIDDEN},
    ),
    (
        "bedrock-runtime",
        "converse",
        {
            "modelId": "m",
            "messages": [{"role": "user", "content": [{"text": SECRET}]}],
            "system": [{"text": SECRET}],
        },
        {"modelId": "m", "messages": HIDDEN, "system": HIDDEN},
    ),
    (
        "ses",
        "send_email",
        {"Source": "a", "Destination": {}, "Message": {"Subject": {"Data": SECRET}, "Body": {}}},
        {"source": "a", "message": HIDDEN},
    ),
    (
        "sesv2",
        "send_email",
        {"Content": {"Simple": {"Subject": {"Data": SECRET}, "Body": {}}}},
        {"content": HIDDEN},
    ),
    ("athena", "start_query_execution", {"QueryString": SECRET}, {"queryString": HIDDEN}),
    (
        "scheduler",
        "create_schedule",
        {
            "Name": "s",
            "ScheduleExpression": "rate(1 hour)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": "a", "RoleArn": "r", "Input": SECRET},
        },
        {"name": "s", "target": {"arn": "a", "roleArn": "r", "input": HIDDEN}},
    ),
    (
        "batch",
        "register_job_definition",
        {
            "jobDefinitionName": "j",
            "type": "container",
            "containerProperties": {"image": "i", "environment": [{"name": "P", "value": SECRET}]},
        },
        {"jobDefinitionName": "j", "containerProperties": {"image": "i", "environment": HIDDEN}},
    ),
    (
        "glue",
        "start_job_run",
        {"JobName": "j", "Arguments": {"--password": SECRET, "--token": SECRET}},
        {"jobName": "j", "arguments": {"--password": HIDDEN, "--token": HIDDEN}},
    ),
    (
        "autoscaling",
        "create_launch_configuration",
        {"LaunchConfigurationName": "l", "UserData": SECRET},
        {"launchConfigurationName": "l", "userData": HIDDEN},
    ),
]
