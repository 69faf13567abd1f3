"""What is content and no parameter does not get into a record, whatever service takes it."""

import json
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.model import ListShape, MapShape, Shape, StructureShape

from lab.protocol.catalogue import service_model
from lab.protocol.decode import decode
from lab.protocol.request import Request
from lab.records import names
from lab.records import redaction as tables
from tests.lab.records.contents import CASES, SECRET
from tests.lab.records.test_records import json_call, query_call, record, signed


class Sent(Exception):
    """Carries a request instead of sending it."""


def request_of(service: str, method: str, parameters: dict[str, Any]) -> Request:
    """The request that boto3 would send."""
    keys = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "x"}
    config = Config(parameter_validation=False)
    client: Any = boto3.client(service, region_name="us-east-1", config=config, **keys)  # type: ignore[call-overload]

    def stop(request: AWSPreparedRequest, **_: Any) -> None:
        raise Sent(request)

    client.meta.events.register("before-send", stop)
    with pytest.raises(Sent) as sent:
        getattr(client, method)(**parameters)
    made = sent.value.args[0]
    _scheme, _, rest = made.url.partition("://")
    path, _, query = rest.partition("/")[2].partition("?")
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value) for name, value in made.headers.items()
    }
    body = made.body or b""
    return Request(made.method, f"/{path}", query, headers, body if isinstance(body, bytes) else body.encode())


@pytest.mark.parametrize(
    ("service", "method", "parameters", "shown"),
    CASES,
)
def test_content_is_hidden_and_parameters_are_shown(
    service: str, method: str, parameters: dict[str, Any], shown: dict[str, Any]
) -> None:
    found = record(request_of(service, method, parameters)).record

    assert SECRET not in json.dumps(found)
    assert {name: found["requestParameters"].get(name) for name in shown} == shown


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (Request("POST", "/apikeys", "", signed("apigateway"), b"{}"), {"id": "i", "value": SECRET}),
        (Request("POST", "/v1/apis/a/apikeys", "", signed("appsync"), b"{}"), {"apiKey": {"id": SECRET}}),
        (json_call("sqs", "AmazonSQS.ReceiveMessage", {"QueueUrl": "q"}), {"Messages": [{"Body": SECRET}]}),
        (
            json_call("dynamodb", "DynamoDB_20120810.DeleteItem", {"TableName": "t", "Key": {}}),
            {"Attributes": {"Artist": {"S": SECRET}}},
        ),
    ],
)
def test_content_that_comes_back_is_hidden(request_: Request, answer: dict[str, Any]) -> None:
    response = record(request_, 200, json.dumps(answer).encode())

    assert response.is_decoded
    assert response.record["responseElements"] is not None
    assert SECRET not in json.dumps(response.record)


def test_metadata_of_an_object_and_the_signature_of_an_address_are_not_shown() -> None:
    headers = {"host": "127.0.0.1", "x-amz-meta-patient": SECRET, "x-amz-storage-class": "STANDARD"}
    query = f"AWSAccessKeyId=AKIAEXAMPLE&Signature={SECRET}&Expires=1"

    found = record(Request("PUT", "/b/k", query, headers, b"")).record

    assert found["eventName"] == "PutObject"
    assert found["requestParameters"]["x-amz-storage-class"] == "STANDARD"
    assert SECRET not in json.dumps(found)


@pytest.mark.parametrize(
    "request_",
    [
        json_call("logs", "Logs_20140328.PutLogEvents", {}),
        json_call("events", "AWSEvents.PutEvents", {}),
        query_call("ses", b"Action=SendEmail&Version=2010-12-01"),
        Request("POST", "/v2/email/outbound-emails", "", signed("ses"), b"{}"),
        Request("POST", "/Execute", "", signed("rds-data"), b"{}"),
    ],
)
def test_a_call_that_carries_content_is_no_management_event(request_: Request) -> None:
    call = decode(request_)

    assert call is not None
    assert names.is_data_event(call.service, call.operation.name)
    assert record(request_).record["managementEvent"] is False


def members(shape: Shape | None, seen: set[str]) -> set[str]:
    if shape is None or shape.name in seen:
        return set()
    seen.add(shape.name)
    if isinstance(shape, StructureShape):
        return set(shape.members).union(*(members(each, seen) for each in shape.members.values()))
    if isinstance(shape, ListShape):
        return members(shape.member, seen)
    return members(shape.value, seen) if isinstance(shape, MapShape) else set()


@pytest.mark.parametrize("table", [tables._HIDDEN, tables._LEFT_OUT, tables._HIDDEN_OF_API_KEYS])
def test_every_name_in_a_table_is_one_of_its_service(table: dict[str, set[str]]) -> None:
    for service, listed in table.items():
        model, seen, known = service_model(service), set[str](), set[str]()
        for operation in map(model.operation_model, model.operation_names):
            known |= members(operation.input_shape, seen) | members(operation.output_shape, seen)

        assert listed <= known, service
