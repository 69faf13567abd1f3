"""The calls that every SDK makes to the lab, and what CloudTrail is to record of each."""

import json
from dataclasses import dataclass
from typing import Any

from lab.records.names import event_name, event_source

_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
_ABSENT_ALARM = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:absent"
_ABSENT_KEY = "11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True, slots=True)
class Call:
    """One call, by botocore's names. `shown` is what the record's requestParameters hold, among others; `error` is its
    errorCode, None when the call succeeds.
    """

    service: str
    operation: str
    input: dict[str, Any]
    shown: dict[str, Any]
    error: str | None = None

    @property
    def event(self) -> tuple[str, str]:
        return event_source(self.service), event_name(self.service, self.operation)


def calls_of(who: str) -> list[Call]:
    """The calls of one SDK, of every protocol and with errors of each.

    :param who: its name, of which the names of what it makes are built.
    """
    return [*_query(who), *_ec2(who), *_json(who), *_rest(who)]


def _query(who: str) -> list[Call]:
    bucket = f"absent-{who}"
    tags = {"Tags": [{"Key": "a", "Value": "b"}]}
    alarm = {"AlarmName": who, "MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 60}
    alarm |= {"EvaluationPeriods": 2, "Threshold": 1.5, "ComparisonOperator": "GreaterThanThreshold"}
    return [
        Call("iam", "CreateUser", {"UserName": who, "Path": "/sdk/"}, {"userName": who, "path": "/sdk/"}),
        Call("iam", "GetUser", {"UserName": "absent"}, {"userName": "absent"}, "NoSuchEntityException"),
        Call(
            "iam",
            "CreateRole",
            {"RoleName": who, "AssumeRolePolicyDocument": _TRUST, **tags},
            {"roleName": who, "assumeRolePolicyDocument": _TRUST, "tags": [{"key": "a", "value": "b"}]},
        ),
        Call("sts", "GetCallerIdentity", {}, {}),
        Call("sns", "CreateTopic", {"Name": who}, {"name": who}),
        Call("cloudformation", "DescribeStacks", {"StackName": bucket}, {"stackName": bucket}, "ValidationError"),
        Call(
            "cloudformation",
            "ListStacks",
            {"StackStatusFilter": ["CREATE_COMPLETE"]},
            {"stackStatusFilter": ["CREATE_COMPLETE"]},
        ),
        # query, json or CBOR, as the SDK likes
        Call("cloudwatch", "PutMetricAlarm", alarm, {"alarmName": who, "period": 60, "threshold": 1.5}),
        Call("cloudwatch", "DescribeAlarms", {"AlarmNames": [who]}, {"alarmNames": [who]}),
        Call(
            "cloudwatch",
            "ListTagsForResource",
            {"ResourceARN": _ABSENT_ALARM},
            {"resourceARN": _ABSENT_ALARM},
            "ResourceNotFound",
        ),
        # query or json
        Call(
            "sqs",
            "CreateQueue",
            {"QueueName": who, "Attributes": {"VisibilityTimeout": "7"}},
            {"queueName": who, "attributes": {"VisibilityTimeout": "7"}},
        ),
        Call(
            "sqs",
            "GetQueueUrl",
            {"QueueName": "absent"},
            {"queueName": "absent"},
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
    ]


def _ec2(who: str) -> list[Call]:
    filters = [{"Name": "tag:a", "Values": ["b", who]}]
    return [
        Call(
            "ec2",
            "CreateSecurityGroup",
            {"GroupName": who, "Description": "d"},
            {"groupName": who, "groupDescription": "d"},
        ),
        Call(
            "ec2",
            "DescribeInstances",
            {"Filters": filters},
            {"filterSet": {"items": [{"name": "tag:a", "valueSet": {"items": [{"value": "b"}, {"value": who}]}}]}},
        ),
        Call(
            "ec2",
            "DescribeInstances",
            {"InstanceIds": ["i-0123456789abcdef0"]},
            {"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]}},
            "Client.InvalidInstanceID.NotFound",
        ),
    ]


def _json(who: str) -> list[Call]:
    pattern = '{"source":["aws.s3"]}'
    missing = "ResourceNotFoundException"
    return [
        Call("cloudtrail", "DescribeTrails", {"trailNameList": ["absent"]}, {"trailNameList": ["absent"]}),
        Call("cloudtrail", "StopLogging", {"Name": "absent"}, {"name": "absent"}, "TrailNotFoundException"),
        Call(
            "cloudtrail",
            "CreateTrail",
            {"Name": who, "S3BucketName": f"absent-{who}", "IsMultiRegionTrail": True},
            {"name": who, "s3BucketName": f"absent-{who}", "isMultiRegionTrail": True},
            "S3BucketDoesNotExistException",
        ),
        Call("logs", "CreateLogGroup", {"logGroupName": who}, {"logGroupName": who}),
        Call("logs", "DeleteLogGroup", {"logGroupName": "absent"}, {"logGroupName": "absent"}, missing),
        Call("dynamodb", "ListTables", {"Limit": 10}, {"limit": 10}),
        Call("dynamodb", "DescribeTable", {"TableName": "absent"}, {"tableName": "absent"}, missing),
        Call("events", "PutRule", {"Name": who, "EventPattern": pattern}, {"name": who, "eventPattern": pattern}),
        Call("events", "DescribeRule", {"Name": "absent"}, {"name": "absent"}, missing),
        Call("kms", "CreateKey", {"Description": who}, {"description": who}),
        Call("kms", "DescribeKey", {"KeyId": _ABSENT_KEY}, {"keyId": _ABSENT_KEY}, "NotFoundException"),
        Call("secretsmanager", "CreateSecret", {"Name": who, "SecretString": "s"}, {"name": who}),
        Call("secretsmanager", "GetSecretValue", {"SecretId": "absent"}, {"secretId": "absent"}, missing),
        Call("ssm", "PutParameter", {"Name": who, "Value": "v", "Type": "String"}, {"name": who, "type": "String"}),
        Call("ssm", "GetParameter", {"Name": "absent"}, {"name": "absent"}, "ParameterNotFound"),
    ]


def _rest(who: str) -> list[Call]:
    bucket, absent = f"{who}-bucket", f"absent-{who}"
    return [
        Call("lambda", "ListFunctions", {"MaxItems": 5}, {"maxItems": 5}),
        Call(
            "lambda", "GetFunction", {"FunctionName": "absent"}, {"functionName": "absent"}, "ResourceNotFoundException"
        ),
        Call("s3", "CreateBucket", {"Bucket": bucket}, {"bucketName": bucket}),
        Call(
            "s3",
            "PutBucketVersioning",
            {"Bucket": bucket, "VersioningConfiguration": {"Status": "Enabled"}},
            {"bucketName": bucket, "versioning": ""},
        ),
        Call("s3", "GetBucketPolicy", {"Bucket": bucket}, {"bucketName": bucket, "policy": ""}, "NoSuchBucketPolicy"),
        Call(
            "s3",
            "PutObject",
            {"Bucket": bucket, "Key": "a/b c+é", "Body": "text"},
            {"bucketName": bucket, "key": "a/b c+é"},
        ),
        Call("s3", "GetObject", {"Bucket": bucket, "Key": "b"}, {"bucketName": bucket, "key": "b"}, "NoSuchKey"),
        Call(
            "s3",
            "ListObjectsV2",
            {"Bucket": absent, "Prefix": "a"},
            {"bucketName": absent, "prefix": "a"},
            "NoSuchBucket",
        ),
    ]
