"""CBOR (https://www.rfc-editor.org/rfc/rfc8949.html), in which some SDKs call CloudWatch and Kinesis, and the JSON that
says the same.

There are two protocols: Smithy's (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html), and that of
Java's clients of Kinesis, whose calls are named as those in JSON are and whose times are milliseconds.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.serialize import create_serializer

from lab.protocol.answer import CBOR, JAVA_CBOR, Answer, cbor_head, cbor_headers, cbor_text, error_answer
from lab.protocol.decode import Call
from lab.protocol.request import Request
from lab.protocol.response import Response, outcome

PROTOCOLS = frozenset({CBOR, JAVA_CBOR})

_ARRAY, _MAP, _BYTES, _TIME = 4, 5, 2, b"\xc1"
_OF_CBOR = frozenset({"accept", "content-encoding", "content-length", "content-type", "smithy-protocol"})


def json_request(call: Call, request: Request) -> Request:
    """The request in JSON that makes the same call, with the same headers otherwise.

    :param call: in CBOR, with parameters that could be read.
    """
    made = create_serializer("json", include_validation=False).serialize_to_request(
        call.parameters or {}, call.operation
    )
    headers = {name: value for name, value in request.headers.items() if name not in _OF_CBOR}
    headers |= {str(name).lower(): str(value) for name, value in made["headers"].items()}
    body = made["body"]
    return replace(
        request, path="/", query="", headers=headers, body=body if isinstance(body, bytes) else body.encode()
    )


def cbor_answer(call: Call, response: Response) -> Answer:
    """The answer in CBOR that says the same as one in JSON.

    :param call: in CBOR.
    """
    kept = {name: value for name, value in response.headers.items() if name not in _OF_CBOR}
    found = outcome(replace(call, protocol="json"), response)
    if found.error_code is not None:
        status, headers, body = error_answer(
            call.service, call.protocol, response.status, found.error_code, found.error_message or ""
        )
        return status, kept | {name.lower(): value for name, value in headers.items() if name.lower() not in kept}, body
    shape = call.operation.output_shape
    body = cbor_head(_MAP, 0) if shape is None else encoded(shape, found.elements or {}, call.protocol)
    return response.status, kept | {name.lower(): value for name, value in cbor_headers(call.protocol).items()}, body


def encoded(shape: Shape, value: Any, protocol: str) -> bytes:
    """A value of a shape in CBOR.

    :param value: as botocore's parsers give it.
    :param protocol: one of `PROTOCOLS`.
    """
    if isinstance(shape, StructureShape):
        return _structure(shape, value, protocol)
    if isinstance(shape, ListShape):
        parts = [encoded(shape.member, each, protocol) for each in value]
        return cbor_head(_ARRAY, len(parts)) + b"".join(parts)
    if isinstance(shape, MapShape):
        pairs = [cbor_text(str(name)) + encoded(shape.value, each, protocol) for name, each in value.items()]
        return cbor_head(_MAP, len(pairs)) + b"".join(pairs)
    if shape.type_name == "timestamp":
        return _time(value, protocol)
    return _SCALARS.get(shape.type_name, lambda text: cbor_text(str(text)))(value)


def _structure(shape: StructureShape, value: Mapping[str, Any], protocol: str) -> bytes:
    parts = [
        cbor_text(str(member.serialization.get("name", name))) + encoded(member, value[name], protocol)
        for name, member in shape.members.items()
        if value.get(name) is not None
    ]
    return cbor_head(_MAP, len(parts)) + b"".join(parts)


def _time(moment: datetime, protocol: str) -> bytes:
    seconds = moment.timestamp()
    return _TIME + (_number(seconds) if protocol == CBOR else _integer(round(seconds * 1000)))


def _number(value: float) -> bytes:
    return b"\xfb" + struct.pack(">d", float(value))


def _integer(value: int) -> bytes:
    return cbor_head(0, int(value)) if value >= 0 else cbor_head(1, -1 - int(value))


def _bytes(value: bytes) -> bytes:
    return cbor_head(_BYTES, len(value)) + value


_SCALARS: dict[str, Callable[[Any], bytes]] = {
    "blob": _bytes,
    "boolean": lambda value: b"\xf5" if value else b"\xf4",
    "double": _number,
    "float": _number,
    "integer": _integer,
    "long": _integer,
}
