"""Requests that AWS would not take: its errors, and no Python in them."""

import csv
import html
import http.client
import io
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory, error_of
from tests.lab.signing import FORM, signed

TARGETS = {
    "cloudtrail": "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.DescribeTrails",
    "dynamodb": "DynamoDB_20120810.ListTables",
    "events": "AWSEvents.PutRule",
    "kms": "TrentService.CreateKey",
    "logs": "Logs_20140328.CreateLogGroup",
    "secretsmanager": "secretsmanager.CreateSecret",
    "sqs": "AmazonSQS.CreateQueue",
    "ssm": "AmazonSSM.PutParameter",
}
TWICE = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]


def answer(lab: Lab, service: str, body: bytes, headers: dict[str, str], path: str = "/") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=60)
    all_headers = signed(lab, path, service=service, method="POST", body=body, headers=headers)
    connection.request("POST", path, body, all_headers)
    response = connection.getresponse()
    found = response.read()
    connection.close()
    return response.status, found


@pytest.mark.parametrize("service", TARGETS)
@pytest.mark.parametrize("body", [b'{"a":', b"[1]", b'"x"', b"null", b"1", b"{'a': 1}"])
def test_json_that_is_no_object_is_a_serialization_exception(lab: Lab, service: str, body: bytes) -> None:
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": TARGETS[service]}

    status, found = answer(lab, service, body, headers)

    assert (status, json.loads(found)["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("service", "content", "message"),
    [
        ("ssm", {"Name": 5}, "NUMBER_VALUE cannot be converted to String"),
        ("secretsmanager", {"Name": True}, "BOOLEAN_VALUE cannot be converted to String"),
        ("kms", {"MultiRegion": "yes"}, "STRING_VALUE cannot be converted to Boolean"),
        ("dynamodb", {"Limit": "ten"}, "STRING_VALUE cannot be converted to Integer"),
        ("events", {"Tags": {"Key": "a"}}, "Start of structure or map found where not expected."),
        ("kms", {"Tags": [1]}, "Unexpected NUMBER_VALUE found where not expected."),
        ("ssm", {"Name": ["a"]}, "Unexpected list found where not expected."),
    ],
)
def test_values_of_the_wrong_type_are_a_serialization_exception(
    lab: Lab, service: str, content: dict[str, Any], message: str
) -> None:
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": TARGETS[service]}

    status, found = answer(lab, service, json.dumps(content).encode(), headers)

    error = json.loads(found)
    assert (status, error["__type"], error["message"]) == (400, "SerializationException", message)


@pytest.mark.parametrize(
    ("service", "body", "code"),
    [
        ("ec2", b"Action=DescribeVpcs&Version=2016-11-15&MaxResults=many", b"<Code>InvalidParameterValue<"),
        ("iam", b"Action=ListUsers&Version=2010-05-08&MaxItems=many", b"<Code>MalformedInput<"),
    ],
)
def test_a_number_of_a_form_that_is_none_is_refused(lab: Lab, service: str, body: bytes, code: bytes) -> None:
    status, found = answer(lab, service, body, FORM)

    assert status == 400
    assert code in found


@pytest.mark.parametrize(
    ("action", "wrong"),
    [
        (
            "GetSessionToken&DurationSeconds=1",
            "Value '1' at 'durationSeconds' failed to satisfy constraint: Member must have value greater",
        ),
        ("GetSessionToken&DurationSeconds=129601", "Member must have value less than or equal to 129600"),
        ("AssumeRole&RoleArn={role}&RoleSessionName=x+y", "Value 'x y' at 'roleSessionName' failed to satisfy"),
    ],
)
def test_values_that_sts_does_not_take_are_validation_errors(
    lab: Lab, client: ClientFactory, action: str, wrong: str
) -> None:
    trusts = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": lab.account}}
    name = f"of-validation-{uuid4().hex}"
    made = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trusts]}))
    body = f"Action={action.format(role=made['Role']['Arn'])}&Version=2011-06-15".encode()

    status, found = answer(lab, "sts", body, FORM)

    assert (status, b"<Code>ValidationError</Code>" in found) == (400, True)
    assert wrong in html.unescape(found.decode())


def test_an_operation_that_does_not_exist_is_called_so(lab: Lab) -> None:
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "CloudTrail_20131101.StopTheWorld"}

    status, found = answer(lab, "cloudtrail", b"{}", headers)

    assert (status, json.loads(found)["__type"]) == (400, "UnknownOperationException")


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("iam", "list_users", "SignatureDoesNotMatch"),
        ("kms", "list_keys", "InvalidSignatureException"),
        ("s3", "list_buckets", "AuthorizationHeaderMalformed"),
        ("ec2", "describe_vpcs", "AuthFailure"),
        ("cloudtrail", "describe_trails", "InvalidSignatureException"),
        ("cloudwatch", "describe_alarms", "InvalidSignatureException"),
        ("lambda", "list_functions", "InvalidSignatureException"),
    ],
)
def test_a_region_that_does_not_exist_is_refused(client: ClientFactory, service: str, method: str, code: str) -> None:
    with pytest.raises(ClientError, match="valid Region") as refused:
        getattr(client(service, region_name="us-esat-1"), method)()

    assert refused.value.response["Error"]["Code"] == code


def _calls_with_tags(client: ClientFactory) -> dict[str, tuple[str, Callable[[], Any]]]:
    name = f"t{uuid4().hex[:10]}"
    key = {"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}
    key |= {"KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}]}
    kms_tags = [{"TagKey": each["Key"], "TagValue": each["Value"]} for each in TWICE]
    specification = [{"ResourceType": "vpc", "Tags": TWICE}]
    template = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    return {
        "cloudformation": (
            "ValidationError",
            lambda: client("cloudformation").create_stack(StackName=name, TemplateBody=template, Tags=TWICE),
        ),
        "cloudtrail": (
            "InvalidTagParameterException",
            lambda: client("cloudtrail").create_trail(Name=name, S3BucketName=name, TagsList=TWICE),
        ),
        "dynamodb": (
            "ValidationException",
            lambda: client("dynamodb").create_table(TableName=name, BillingMode="PAY_PER_REQUEST", Tags=TWICE, **key),
        ),
        "ec2": (
            "InvalidParameterValue",
            lambda: client("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification),
        ),
        "iam": ("InvalidInput", lambda: client("iam").create_user(UserName=name, Tags=TWICE)),
        "kms": ("TagException", lambda: client("kms").create_key(Tags=kms_tags)),
        "s3": ("InvalidTag", lambda: client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": TWICE})),
        "secretsmanager": (
            "InvalidParameterException",
            lambda: client("secretsmanager").create_secret(Name=name, SecretString="s", Tags=TWICE),
        ),
        "sns": ("InvalidParameter", lambda: client("sns").create_topic(Name=name, Tags=TWICE)),
    }


def test_a_key_of_a_tag_appears_once(client: ClientFactory) -> None:
    calls = _calls_with_tags(client)

    assert {service: error_of(call) for service, (_, call) in calls.items()} == {
        service: code for service, (code, _) in calls.items()
    }


def test_the_last_use_of_a_key_and_the_root_are_in_the_reports(lab: Lab, client: ClientFactory) -> None:
    iam = client("iam")
    name = f"u{uuid4().hex[:10]}"
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    never = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    client("kms", region_name="eu-west-1", **keys).list_keys()

    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]

    assert never == {"ServiceName": "N/A", "Region": "N/A"}
    assert (used["ServiceName"], used["Region"]) == ("kms", "eu-west-1")
    iam.generate_credential_report()
    text = iam.get_credential_report()["Content"].decode()
    rows = {row["user"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows[name]["access_key_1_last_used_service"] == "kms"
    assert rows[name]["access_key_1_last_used_date"] == used["LastUsedDate"].strftime("%Y-%m-%dT%H:%M:%SZ")
    root = rows["<root_account>"]
    # Other tests of this lab may have signed in as root.
    assert re.fullmatch(r"no_information|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", root["password_last_used"])
    assert root["user_creation_time"] <= rows["learner"]["user_creation_time"]
    assert root["arn"] == f"arn:aws:iam::{lab.account}:root"
