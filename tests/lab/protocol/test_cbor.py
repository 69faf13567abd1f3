"""What is said in CBOR and in JSON is the same, both ways."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from lab.protocol import cbor
from lab.protocol.answer import CBOR, JAVA_CBOR
from lab.protocol.catalogue import service_model
from lab.protocol.decode import Call, decode, parser
from lab.protocol.request import Headers, Request
from lab.protocol.response import Response, outcome

OPERATIONS = [
    service_model(service).operation_model(name)
    for service in ("cloudwatch", "kinesis")
    for name in service_model(service).operation_names
    if not service_model(service).operation_model(name).has_event_stream_output
]
TYPES: dict[str, st.SearchStrategy[Any]] = {
    "blob": st.binary(max_size=300),
    "boolean": st.booleans(),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "string": st.text(max_size=300),
    "timestamp": st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
}


def values(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a shape; what is deep in it is left out, or empty."""
    if isinstance(shape, StructureShape):
        members = shape.members.items() if depth < 4 or shape.is_tagged_union else ()
        if shape.is_tagged_union:
            return st.one_of(*(st.fixed_dictionaries({name: values(each, depth + 1)}) for name, each in members))
        return st.fixed_dictionaries({}, optional={name: values(each, depth + 1) for name, each in members})
    if isinstance(shape, ListShape):
        return st.lists(values(shape.member, depth + 1), max_size=2)
    if isinstance(shape, MapShape):
        return st.dictionaries(st.text(max_size=9), values(shape.value, depth + 1), max_size=2)
    return TYPES[shape.type_name]


@given(data=st.data(), operation=st.sampled_from(OPERATIONS), protocol=st.sampled_from(sorted(cbor.PROTOCOLS)))
def test_what_is_written_is_read_as_the_same(data: st.DataObject, operation: OperationModel, protocol: str) -> None:
    shape = operation.output_shape or operation.input_shape
    assert shape is not None
    value = data.draw(values(shape))
    parts = {"status_code": 200, "headers": Headers(), "body": cbor.encoded(shape, value, protocol)}

    found = parser(protocol).parse(parts, shape)
    found.pop("ResponseMetadata")

    assert found == value


def requested(operation: OperationModel, protocol: str, parameters: dict[str, Any]) -> tuple[Request, Call]:
    """A request in CBOR, and the call that it makes."""
    prefix = operation.service_model.metadata["targetPrefix"]
    if protocol == CBOR:
        path, headers = f"/service/{prefix}/operation/{operation.name}", {"smithy-protocol": "rpc-v2-cbor"}
    else:
        path, headers = "/", {"x-amz-target": f"{prefix}.{operation.name}"}
    headers["content-type"] = "application/cbor" if protocol == CBOR else "application/x-amz-cbor-1.1"
    assert operation.input_shape is not None
    request = Request("POST", path, "", headers, cbor.encoded(operation.input_shape, parameters, protocol))
    call = decode(request)
    assert call is not None
    return request, call


@given(data=st.data(), operation=st.sampled_from(OPERATIONS), protocol=st.sampled_from(sorted(cbor.PROTOCOLS)))
def test_the_request_in_json_makes_the_same_call(data: st.DataObject, operation: OperationModel, protocol: str) -> None:
    assert operation.input_shape is not None
    parameters = data.draw(values(operation.input_shape))
    request, call = requested(operation, protocol, parameters)
    in_json = decode(cbor.json_request(call, request))

    assert call.protocol == protocol
    assert in_json is not None
    assert (in_json.service, in_json.operation.name, in_json.protocol) == (call.service, operation.name, "json")
    assert in_json.parameters == call.parameters == parameters


@given(data=st.data(), operation=st.sampled_from(OPERATIONS), protocol=st.sampled_from(sorted(cbor.PROTOCOLS)))
def test_the_answer_in_cbor_says_the_same(data: st.DataObject, operation: OperationModel, protocol: str) -> None:
    _, call = requested(operation, protocol, {})
    shape = operation.output_shape
    # The serializer is for requests: the answer of one operation is as a request of another one.
    value = data.draw(values(shape)) if shape is not None else {}
    body = _json(shape, value)
    answered = Response(200, {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "r"}, body, len(body))

    status, headers, content = cbor.cbor_answer(call, answered)
    found = outcome(
        call, Response(status, {name.lower(): each for name, each in headers.items()}, content, len(content))
    )

    assert (status, found.request_id, found.error_code) == (200, "r", None)
    assert (found.elements or {}) == value


def _json(shape: StructureShape | None, value: dict[str, Any]) -> bytes:
    if shape is None:
        return b"{}"
    body: dict[str, Any] = {}
    create_serializer("json", include_validation=False)._serialize(body, value, shape)  # type: ignore[attr-defined]
    return json.dumps(body).encode()


@pytest.mark.parametrize("protocol", [CBOR, JAVA_CBOR])
def test_an_error_stays_one(protocol: str) -> None:
    _, call = requested(OPERATIONS[0], protocol, {})
    text = "gone: " + "é" * 40_000
    body = json.dumps({"__type": "ResourceNotFound", "message": text}).encode()
    status, headers, content = cbor.cbor_answer(
        call, Response(404, {"content-type": "application/json"}, body, len(body))
    )

    found = outcome(
        call, Response(status, {name.lower(): each for name, each in headers.items()}, content, len(content))
    )

    assert (status, found.error_code, found.error_message) == (404, "ResourceNotFound", text)


def test_numbers_that_json_writes_as_text_are_numbers() -> None:
    operation = service_model("cloudwatch").operation_model("GetMetricStatistics")
    _, call = requested(operation, CBOR, {})
    body = b'{"Datapoints":[{"Sum":"NaN","Average":1,"Maximum":"Infinity"}]}'
    answer = cbor.cbor_answer(call, Response(200, {"content-type": "application/json"}, body, len(body)))
    point = outcome(call, Response(200, {}, answer[2], len(answer[2]))).elements["Datapoints"][0]  # type: ignore[index]

    assert math.isnan(point["Sum"])
    assert (point["Average"], point["Maximum"]) == (1.0, math.inf)
