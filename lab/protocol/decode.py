"""From an HTTP request to the AWS operation it calls: the service, the operation and the parameters.

Protocols: https://smithy.io/2.0/aws/protocols/index.html. A request tells its protocol by the headers it carries; the
signature names the service, or narrows it to the few that share a signing name.
"""

import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import OperationModel, Shape, StructureShape
from botocore.parsers import ResponseParser, ResponseParserError, RpcV2CBORParser, create_parser

from lab.protocol import catalogue, rest
from lab.protocol.answer import CBOR, JAVA_CBOR
from lab.protocol.catalogue import Service
from lab.protocol.form import CONVERSIONS, Form, sqs_names
from lab.protocol.request import CredentialScope, Headers, Request, credential_scope

MAX_BODY_BYTES = 1024 * 1024
# SDKs make one; each more costs a copy of all that follow it.
_MOST_COMPRESSED_PARTS = 16

_NO_PARAMETERS = frozenset({"Action", "Version"})
# What a presigned URL has beside them.
_SIGNING_NAMES = "Algorithm Credential Date Expires Security-Token Signature SignedHeaders"
_SIGNING = frozenset(f"X-Amz-{name}" for name in _SIGNING_NAMES.split())
QUEUE_PATH = re.compile(r"/[0-9]{12}/[A-Za-z0-9_.-]{1,80}")  # some SDKs send calls for a queue to its own URL
CBOR_PATH = re.compile(r"/service/(?P<target>[^/]+)/operation/(?P<operation>[^/]+)")
# What botocore's parsers raise for text they did not expect; a length that a body only claims is a MemoryError.
UNREADABLE = (
    ResponseParserError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One decoded call; `service` is botocore's name, `protocol` the one that the caller speaks, and `labels` are the
    parameters that the path holds, which cost nothing.
    """

    service: str
    operation: OperationModel
    protocol: str
    labels: dict[str, str]
    read: Callable[[], dict[str, Any] | None]
    # Of a form: the fields that are no parameter of the operation.
    unknown_fields: Callable[[], tuple[str, ...]] = tuple

    @property
    def parameters(self) -> dict[str, Any] | None:
        """All parameters by the member names of `operation.input_shape`; None when the body could not be read. Each
        time they are read anew.
        """
        return self.read()

    def read_once(self) -> "Call":
        """The same call, whose parameters are read when they are first asked for and then kept."""
        return self if isinstance(self.read, _Once) else replace(self, read=_Once(self.read))


class _Once:
    """What a function without arguments gives, worked out when it is first asked for. Every call has some of these."""

    __slots__ = ("_found", "_work_out")

    def __init__(self, work_out: Callable[[], Any]) -> None:
        self._work_out: Callable[[], Any] | None = work_out
        self._found: Any = None

    def __call__(self) -> Any:
        if self._work_out is not None:
            self._found = self._work_out()
            self._work_out = None
        return self._found


@cache
def parser(protocol: str) -> ResponseParser:
    """The parser of a protocol, botocore's own, which keeps nothing between calls.

    :param protocol: one of botocore's, or `JAVA_CBOR`.
    """
    if protocol == JAVA_CBOR:
        in_milliseconds: ResponseParser = RpcV2CBORParser(timestamp_parser=_of_milliseconds)
        return in_milliseconds
    found: ResponseParser = create_parser(protocol)
    return found


def _of_milliseconds(value: Any) -> datetime:
    return datetime.fromtimestamp(value / 1000, UTC)


def decode(request: Request, most_bytes: int = MAX_BODY_BYTES) -> Call | None:
    """The call that a request makes, or None when no service model has such a call.

    :param most_bytes: what is read of a body that was compressed.
    """
    scope = credential_scope(request)
    request = inflated(request, most_bytes)
    cbor = CBOR_PATH.fullmatch(request.path)
    if cbor and request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        services = catalogue.by_target_prefix(cbor["target"])
        return _named_call(services, cbor["operation"], CBOR, request)
    target, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
    if target:
        protocol = JAVA_CBOR if "cbor" in request.headers.get("content-type", "") else "json"
        return _named_call(catalogue.by_target_prefix(target), operation, protocol, request)
    fields = _form_fields(request)
    found = _form_call(fields, scope, request) if "Action" in fields else None
    return found or _rest_call(scope, request)  # in REST, a field of this name means nothing


def _named_call(services: tuple[Service, ...], operation: str, protocol: str, request: Request) -> Call | None:
    for service in services:
        found = catalogue.operation_model(service.name, operation)
        if found is not None:
            read: Callable[[], dict[str, Any] | None] = partial(_parsed, found, protocol, request, {})
            if service.name == "sqs":
                read = _at_queue(read, found, request)
            return Call(service.name, found, protocol, {}, read)
    return None


def _form_call(fields: dict[str, str], scope: CredentialScope | None, request: Request) -> Call | None:
    found = _form_operation(scope.service if scope else None, fields.get("Version"), fields["Action"])
    if found is None:
        return None
    service, operation = found
    is_ec2 = catalogue.protocol(service) == "ec2"
    read = _Once(partial(_from_form, operation, fields, request, is_ec2=is_ec2))
    call = Call(service, operation, "ec2" if is_ec2 else "query", {}, lambda: read()[0], lambda: read()[1])
    return replace(call, read=_at_queue(call.read, operation, request)) if service == "sqs" else call


class QueueOfPath(str):
    """The URL of a queue that a request of SQS does not name, but is sent to."""

    __slots__ = ()


def _at_queue(
    read: Callable[[], dict[str, Any] | None], operation: OperationModel, request: Request
) -> Callable[[], dict[str, Any] | None]:
    """The parameters of a call of SQS, with the queue to whose path it is sent if they name none."""
    shape = operation.input_shape
    if not QUEUE_PATH.fullmatch(request.path) or shape is None or "QueueUrl" not in shape.members:
        return read

    def with_queue() -> dict[str, Any] | None:
        found = read()
        url = QueueOfPath(f"http://{request.headers.get('host', '')}{request.path}")
        return None if found is None else {"QueueUrl": url, **found}

    return with_queue


@lru_cache(maxsize=1024)
def _form_operation(signing_name: str | None, version: str | None, action: str) -> tuple[str, OperationModel] | None:
    """The service and the operation of a form, which an unsigned one (no `signing_name`) names by its version."""
    known = catalogue.services() if signing_name is None else catalogue.by_signing_name(signing_name)
    for service in sorted(known, key=lambda each: each.api_version != version):
        if signing_name is None and service.api_version != version:
            return None
        operation = catalogue.operation_model(service.name, action)
        if operation is not None:
            return service.name, operation
    return None


def _rest_call(scope: CredentialScope | None, request: Request) -> Call | None:
    known = catalogue.by_signing_name(scope.service if scope else "s3")
    best: tuple[rest.RestMatch, str] | None = None
    for service in known:
        if not catalogue.protocol(service.name).startswith("rest"):
            continue
        found = rest.match(service.name, request)
        if found and (best is None or found.specificity > best[0].specificity):
            best = found, service.name
    if best is None:
        return None
    route, name = best
    operation = catalogue.service_model(name).operation_model(route.operation)
    protocol = catalogue.protocol(name)
    read = partial(_parsed, operation, protocol, request, route.labels)
    return Call(name, operation, protocol, route.labels, read)


def _form_fields(request: Request) -> dict[str, str]:
    text = request.query
    if request.is_form():
        text = f"{text}&{request.body.decode('utf-8', 'replace')}"
    elif "Action=" not in text:
        return {}
    return dict(parse_qsl(text, keep_blank_values=True))


def _from_form(
    operation: OperationModel, fields: dict[str, str], request: Request, *, is_ec2: bool
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The parameters, None when they cannot be read; and the fields that are none."""
    others = fields.keys() - _NO_PARAMETERS
    if request.body_is_cut:
        return None, ()
    if not others:
        return {}, ()
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return {}, tuple(sorted(others - _SIGNING))
    try:
        names = sqs_names(operation.name) if operation.service_model.service_name == "sqs" else None
        form = Form.of(fields, is_ec2=is_ec2, names=names)
        found = form.parameters(shape)
    except UNREADABLE:
        return None, ()
    left = others - form.read
    return found, tuple(sorted(left - _SIGNING)) if left else ()


def _parsed(
    operation: OperationModel, protocol: str, request: Request, labels: dict[str, str]
) -> dict[str, Any] | None:
    """Reads a request with botocore's own parser for responses: both directions share shapes and encodings."""
    if protocol == "json" and request.body in (b"", b"{}"):
        return {}
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return {}
    payload = shape.members.get(str(shape.serialization.get("payload", "")))
    is_stream = payload is not None and payload.type_name in ("blob", "string")
    if request.body_is_cut and not is_stream:
        return None
    body = b"" if is_stream else request.body
    if protocol in (CBOR, JAVA_CBOR) and not body:
        body = b"\xa0"  # an empty map
    response = {"status_code": 200, "headers": Headers(request.headers), "body": body}
    try:
        if protocol.endswith("json") and not isinstance(json.loads(body or b"{}"), dict):
            return None  # botocore would take text that is not JSON for an empty answer
        found: dict[str, Any] = parser(protocol).parse(response, shape)
    except UNREADABLE:
        return None
    found.pop("ResponseMetadata", None)
    if is_stream:
        found.pop(str(shape.serialization["payload"]), None)
    return {**_from_query(shape, request), **found, **labels}


def _from_query(shape: StructureShape, request: Request) -> dict[str, Any]:
    query = request.query_fields()
    found: dict[str, Any] = {}
    if not query:
        return found
    for member, member_shape in shape.members.items():
        values = query.get(str(member_shape.serialization.get("name", member)))
        if member_shape.serialization.get("location") == "querystring" and values:
            found[member] = values if member_shape.type_name == "list" else _converted(member_shape, values[0])
    return found


def _converted(shape: Shape, text: str) -> Any:
    """A value of a query string in its type; text that is none of that type stays as it is."""
    try:
        return CONVERSIONS.get(shape.type_name, str)(text)
    except ValueError:
        return text


def inflated(request: Request, most_bytes: int = MAX_BODY_BYTES) -> Request:
    """SDKs gzip the larger bodies of some services; S3 is different: there it describes the object. Several compressed
    texts that follow each other are one, as MiniStack reads them.

    :param most_bytes: what is read of the body that was compressed.
    """
    if "gzip" not in request.headers.get("content-encoding", "").lower() or not request.body:
        return request
    parts: list[bytes] = []
    waiting, left_bytes = request.body, most_bytes
    try:
        while waiting and left_bytes and len(parts) < _MOST_COMPRESSED_PARTS:
            inflater = zlib.decompressobj(wbits=31)
            parts.append(inflater.decompress(waiting, left_bytes))
            left_bytes -= len(parts[-1])
            waiting = inflater.unused_data.lstrip(b"\0") if inflater.eof else inflater.unconsumed_tail
    except zlib.error:
        return request
    return replace(request, body=b"".join(parts), body_is_cut=request.body_is_cut or bool(waiting))
