"""An HTTP response as it went back over the wire, read as the outcome of a call."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.protocol.answer import CBOR, JAVA_CBOR, Answer
from lab.protocol.decode import UNREADABLE, Call, parser
from lab.protocol.request import Headers

_REQUEST_ID = re.compile(rb"<[Rr]equestI[dD]>([^<]+)<")


@dataclass(frozen=True, slots=True)
class Response:
    """Header names are lower case; `body` may be cut (`body_is_cut`); `size` is the whole body's length in bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    size: int
    body_is_cut: bool = False

    @property
    def request_id(self) -> str | None:
        """The id in the headers."""
        return self.headers.get("x-amzn-requestid") or self.headers.get("x-amz-request-id")


def response_of(answer: Answer) -> Response:
    """What a service's answer is over the wire."""
    status, headers, body = answer
    body = body.encode() if isinstance(body, str) else bytes(body or b"")
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    return Response(status, {"x-amzn-requestid": str(uuid.uuid4()), **lowered}, body, len(body))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call led to: its result by member name (None when it cannot be read), or an error. `request_id` is the
    one that the caller's SDK shows.
    """

    request_id: str | None
    elements: dict[str, Any] | None
    error_code: str | None = None
    error_message: str | None = None


def outcome(call: Call, response: Response, *, wants_result: bool = True) -> Outcome:
    """Reads a response as the caller's SDK does.

    :param wants_result: whether `elements` are wanted; reading them can take longer than serving the call.
    """
    is_error = response.status >= 300
    if not is_error and not wants_result:
        return Outcome(_request_id(call, response), None)
    shape = call.operation.output_shape
    payload = shape.members.get(str(shape.serialization.get("payload", ""))) if shape else None
    is_stream = payload is not None and payload.type_name in ("blob", "string")
    if not is_error and (shape is None or is_stream or response.body_is_cut):
        return Outcome(response.request_id, None)
    body = response.body
    if call.protocol == "query" and shape is not None and "resultWrapper" not in shape.serialization:
        # The model is of another protocol (SQS), and the parser does not expect the element around the result.
        body = re.sub(rb"</?%sResult>" % call.operation.name.encode(), b"", body)
    parts = {
        "status_code": response.status,
        "headers": Headers(response.headers),
        "body": body,
    }
    try:
        parsed: Any = parser(_protocol(call, response)).parse(parts, shape)  # type: ignore[arg-type]
    except UNREADABLE:
        parsed = None
    if not isinstance(parsed, dict):
        return Outcome(response.request_id, None, f"HTTP{response.status}" if is_error else None)
    request_id = parsed.pop("ResponseMetadata", {}).get("RequestId") or response.request_id
    if is_error:
        error = parsed.get("Error", {})
        code = str(error.get("Code") or f"HTTP{response.status}")
        return Outcome(request_id, None, code.rpartition("#")[2], str(error.get("Message", "")))
    return Outcome(request_id, parsed)


def _protocol(call: Call, response: Response) -> str:
    """The protocol of an answer: a service may answer in JSON what was asked in CBOR."""
    is_json = call.protocol in (CBOR, JAVA_CBOR) and "json" in response.headers.get("content-type", "")
    return "json" if is_json else call.protocol


def _request_id(call: Call, response: Response) -> str | None:
    found = _REQUEST_ID.search(response.body) if call.protocol in ("ec2", "query") else None
    return found[1].decode("utf-8", "replace") if found else response.request_id
