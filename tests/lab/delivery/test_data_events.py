"""Data events: to trails that ask for them, and nowhere else."""

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.instance import control, lifecycle
from lab.instance.folder import Lab
from lab.settings import Settings
from tests.lab.conftest import ClientFactory, make_client
from tests.lab.destination import ACCOUNT, make_bucket

LOGS, DATA = "data-event-logs", "data-event-data"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:data-event-function"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/data-event-table"
NONE = {"IncludeManagementEvents": False}

SELECTORS: dict[str, dict[str, Any]] = {
    "nothing": {"EventSelectors": [{}]},
    "objects": {
        "EventSelectors": [
            {**NONE, "DataResources": [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{DATA}/"]}]}
        ]
    },
    "writes": {
        "EventSelectors": [
            {
                **NONE,
                "ReadWriteType": "WriteOnly",
                "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
            }
        ]
    },
    "others": {
        "EventSelectors": [
            {
                **NONE,
                "DataResources": [
                    {"Type": "AWS::Lambda::Function", "Values": [FUNCTION]},
                    {"Type": "AWS::DynamoDB::Table", "Values": [TABLE]},
                ],
            }
        ]
    },
    "advanced": {
        "AdvancedEventSelectors": [
            {
                "FieldSelectors": [
                    {"Field": "eventCategory", "Equals": ["Data"]},
                    {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
                    {"Field": "resources.ARN", "StartsWith": [f"arn:aws:s3:::{DATA}/in/"]},
                    {"Field": "eventName", "NotEquals": ["HeadObject"]},
                ]
            }
        ]
    },
}
S3_CALLS = ["PutObject", "GetObject", "HeadObject", "ListObjects", "DeleteObject", "GetObject"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One that delivers when it is told to, so that the records of all calls are in one file, in their order."""
    home = tmp_path_factory.mktemp("lab")
    yield lifecycle.start(home, settings=Settings(delivery_seconds=3600))
    lifecycle.stop(home)


@pytest.fixture(scope="module")
def client(lab: Lab) -> ClientFactory:
    return partial(make_client, lab)


@pytest.fixture(scope="module")
def delivered(lab: Lab, client: ClientFactory) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """The records of one round of calls, by the trail that has them."""
    s3, cloudtrail = client("s3"), client("cloudtrail")
    make_bucket(s3, LOGS)
    s3.create_bucket(Bucket=DATA)
    table = {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "id", "KeyType": "HASH"}
    client("dynamodb").create_table(
        TableName="data-event-table",
        AttributeDefinitions=[table[0]],
        KeySchema=[table[1]],
        BillingMode="PAY_PER_REQUEST",
    )
    make_function(client)
    for name, chosen in SELECTORS.items():
        cloudtrail.create_trail(Name=name, S3BucketName=LOGS, S3KeyPrefix=name)
        cloudtrail.put_event_selectors(TrailName=name, **chosen)
        cloudtrail.start_logging(Name=name)
    call_everything(client)
    control.deliver(lab)
    yield {name: records(s3, name) for name in SELECTORS}
    for name in SELECTORS:
        cloudtrail.delete_trail(Name=name)


def make_function(client: ClientFactory) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", "def handler(event, context):\n    return event\n")
    client("lambda").create_function(
        FunctionName="data-event-function",
        Runtime="python3.12",
        Role=f"arn:aws:iam::{ACCOUNT}:role/f",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )


def call_everything(client: ClientFactory) -> None:
    s3, dynamodb = client("s3"), client("dynamodb")
    s3.put_object(Bucket=DATA, Key="in/k", Body=b"x")
    s3.get_object(Bucket=DATA, Key="in/k")
    s3.head_object(Bucket=DATA, Key="in/k")
    s3.list_objects_v2(Bucket=DATA)
    s3.delete_object(Bucket=DATA, Key="in/k")
    with pytest.raises(ClientError):
        s3.get_object(Bucket=DATA, Key="in/k")
    s3.put_object(Bucket=LOGS, Key="not-a-log", Body=b"y")
    dynamodb.put_item(TableName="data-event-table", Item={"id": {"S": "1"}})
    dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": [{"id": {"S": "1"}}]}})
    client("lambda").invoke(FunctionName="data-event-function", Payload=b"{}", InvocationType="DryRun")


def records(s3: Any, prefix: str) -> list[dict[str, Any]]:
    """In the order of delivery: what names tell of it is the minute, and a delivery may be due at any moment."""
    listed = s3.list_objects_v2(Bucket=LOGS, Prefix=f"{prefix}/AWSLogs/").get("Contents", ())
    listed = sorted(listed, key=lambda each: each["LastModified"])
    bodies = [s3.get_object(Bucket=LOGS, Key=each["Key"])["Body"].read() for each in listed]
    return [record for body in bodies for record in json.loads(gzip.decompress(body))["Records"]]


@pytest.mark.parametrize(
    ("trail", "expected"),
    [
        ("objects", S3_CALLS),
        ("writes", ["PutObject", "DeleteObject", "PutObject"]),
        ("others", ["PutItem", "BatchGetItem", "Invoke"]),
        ("advanced", ["PutObject", "GetObject", "DeleteObject", "GetObject"]),
    ],
)
def test_a_trail_has_the_data_events_that_its_selectors_ask_for(
    delivered: dict[str, list[dict[str, Any]]], trail: str, expected: list[str]
) -> None:
    assert [record["eventName"] for record in delivered[trail]] == expected
    assert {(each["eventCategory"], each["managementEvent"]) for each in delivered[trail]} == {("Data", False)}


def test_without_a_selector_there_are_management_events_only(delivered: dict[str, list[dict[str, Any]]]) -> None:
    assert {record["eventCategory"] for record in delivered["nothing"]} == {"Management"}
    assert "PutEventSelectors" in [record["eventName"] for record in delivered["nothing"]]


def test_the_event_history_has_no_data_events(
    delivered: dict[str, list[dict[str, Any]]], client: ClientFactory
) -> None:
    assert delivered
    for name in (*S3_CALLS, "PutItem", "BatchGetItem", "Invoke"):
        attribute = {"AttributeKey": "EventName", "AttributeValue": name}
        assert client("cloudtrail").lookup_events(LookupAttributes=[attribute])["Events"] == []


def test_a_record_names_the_object_and_its_bucket(delivered: dict[str, list[dict[str, Any]]]) -> None:
    put, _get, _head, listed, _delete, failed = delivered["objects"]
    bucket = {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{DATA}"}

    assert put["resources"] == [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{DATA}/in/k"}, bucket]
    assert listed["resources"] == [{"type": "AWS::S3::Object", "ARNPrefix": f"arn:aws:s3:::{DATA}/"}, bucket]
    assert (put["requestParameters"]["bucketName"], put["requestParameters"]["key"]) == (DATA, "in/k")
    assert failed["errorCode"] == "NoSuchKey"


def test_a_record_names_the_function_or_the_table(delivered: dict[str, list[dict[str, Any]]]) -> None:
    put, batch, invoke = delivered["others"]

    assert (
        put["resources"] == batch["resources"] == [{"accountId": ACCOUNT, "type": "AWS::DynamoDB::Table", "ARN": TABLE}]
    )
    assert invoke["resources"] == [{"accountId": ACCOUNT, "type": "AWS::Lambda::Function", "ARN": FUNCTION}]
