"""Which events classic and advanced selectors ask for."""

from typing import Any

import pytest

from lab.delivery.selectors import selectors
from tests.lab.delivery.world import record


def data_event(kind: str, arn: str, **members: Any) -> dict[str, Any]:
    resources = [{"type": kind, "ARN": arn}]
    return record(managementEvent=False, eventCategory="Data", resources=resources, **members)


READ = record(readOnly=True, eventName="DescribeInstances")
WRITE = record()
KMS = record(eventSource="kms.amazonaws.com", eventName="Decrypt", readOnly=True)
GET = data_event("AWS::S3::Object", "arn:aws:s3:::b/in/k", eventName="GetObject", readOnly=True)
PUT = data_event("AWS::S3::Object", "arn:aws:s3:::b/out/k", eventName="PutObject")
LIST = record(
    managementEvent=False,
    eventCategory="Data",
    eventName="ListObjects",
    readOnly=True,
    resources=[
        {"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::b/"},
        {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"},
    ],
)
INVOKE = data_event("AWS::Lambda::Function", "arn:aws:lambda:us-east-1:1:function:f", eventName="Invoke")
ITEM = data_event("AWS::DynamoDB::Table", "arn:aws:dynamodb:us-east-1:1:table/t", eventName="PutItem")
ALL = {"READ": READ, "WRITE": WRITE, "KMS": KMS, "GET": GET, "PUT": PUT, "LIST": LIST, "INVOKE": INVOKE, "ITEM": ITEM}


def data(kind: str, *values: str) -> dict[str, Any]:
    return {"IncludeManagementEvents": False, "DataResources": [{"Type": kind, "Values": list(values)}]}


def advanced(category: str, **fields: dict[str, list[str]]) -> dict[str, Any]:
    named = {name.replace("__", "."): conditions for name, conditions in fields.items()}
    every = {"eventCategory": {"Equals": [category]}, **named}
    return {"FieldSelectors": [{"Field": name, **conditions} for name, conditions in every.items()]}


def objects(**fields: dict[str, list[str]]) -> dict[str, Any]:
    return advanced("Data", resources__type={"Equals": ["AWS::S3::Object"]}, **fields)


CLASSIC: list[tuple[dict[str, Any], str]] = [
    ({}, "READ WRITE KMS"),
    ({"ReadWriteType": "ReadOnly"}, "READ KMS"),
    ({"ReadWriteType": "WriteOnly"}, "WRITE"),
    ({"IncludeManagementEvents": False}, ""),
    ({"ExcludeManagementEventSources": ["kms.amazonaws.com"]}, "READ WRITE"),
    (data("AWS::S3::Object", "arn:aws:s3"), "GET PUT LIST"),
    (data("AWS::S3::Object", "arn:aws:s3:::"), "GET PUT LIST"),
    (data("AWS::S3::Object", "arn:aws:s3:::b/"), "GET PUT LIST"),
    (data("AWS::S3::Object", "arn:aws:s3:::b/in/"), "GET"),
    (data("AWS::S3::Object", "arn:aws:s3:::bb/"), ""),
    ({**data("AWS::S3::Object", "arn:aws:s3"), "ReadWriteType": "WriteOnly"}, "PUT"),
    (data("AWS::Lambda::Function", "arn:aws:lambda"), "INVOKE"),
    (data("AWS::Lambda::Function", "arn:aws:lambda:us-east-1:1:function:f"), "INVOKE"),
    (data("AWS::Lambda::Function", "arn:aws:lambda:us-east-1:1:function:"), ""),
    (data("AWS::DynamoDB::Table", "arn:aws:dynamodb"), "ITEM"),
    (data("AWS::DynamoDB::Table", "arn:aws:dynamodb:us-east-1:1:table/other"), ""),
]
ADVANCED: list[tuple[dict[str, Any], str]] = [
    (advanced("Management"), "READ WRITE KMS"),
    (advanced("Management", readOnly={"Equals": ["true"]}), "READ KMS"),
    (advanced("Management", readOnly={"Equals": ["false"]}), "WRITE"),
    (advanced("Management", eventSource={"NotEquals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]}), "READ WRITE"),
    (objects(), "GET PUT LIST"),
    (objects(eventName={"Equals": ["GetObject", "PutObject"]}), "GET PUT"),
    (objects(eventName={"StartsWith": ["Get"]}), "GET"),
    (objects(eventName={"EndsWith": ["Objects"]}), "LIST"),
    (objects(eventName={"NotEquals": ["PutObject"]}), "GET LIST"),
    (objects(eventName={"NotStartsWith": ["Get", "List"]}), "PUT"),
    (objects(eventName={"NotEndsWith": ["Object"]}), "LIST"),
    (objects(resources__ARN={"StartsWith": ["arn:aws:s3:::b/in"]}), "GET"),
    (objects(resources__ARN={"NotStartsWith": ["arn:aws:s3:::b/in"]}), "PUT LIST"),
    (objects(resources__ARN={"Equals": ["arn:aws:s3:::b"]}), ""),
    (objects(readOnly={"Equals": ["true"]}, eventName={"NotEquals": ["GetObject"]}), "LIST"),
    (advanced("Data", resources__type={"Equals": ["AWS::Lambda::Function"]}), "INVOKE"),
    # of one field, any select is enough, and every deselect wins
    (objects(eventName={"StartsWith": ["Get"], "Equals": ["PutObject"]}), "GET PUT"),
    (objects(eventName={"StartsWith": ["Get", "Put"], "NotEquals": ["GetObject"]}), "PUT"),
    # what a record does not have equals nothing
    (objects(userIdentity__arn={"Equals": ["arn:aws:iam::1:user/u"]}), ""),
    (objects(userIdentity__arn={"NotEquals": ["arn:aws:iam::1:user/u"]}), "GET PUT LIST"),
]


@pytest.mark.parametrize(("settings", "expected"), CLASSIC + ADVANCED)
def test_a_selector_asks_for_these_events_and_no_others(settings: dict[str, Any], expected: str) -> None:
    [selector] = selectors([settings])

    assert [name for name, each in ALL.items() if selector.selects(each)] == expected.split()


def test_a_nested_field_of_the_record_is_looked_at() -> None:
    [selector] = selectors([objects(userIdentity__arn={"EndsWith": ["/u"]})])

    assert selector.selects({**GET, "userIdentity": {"arn": "arn:aws:iam::1:user/u"}})
    assert not selector.selects({**GET, "userIdentity": {"arn": "arn:aws:iam::1:user/v"}})
