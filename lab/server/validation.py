"""What is sent to MiniStack is text that it can store and list, and its answers are XML where their type says XML.

An ASGI application around MiniStack's own. A call that it rejects gets an error in the form of its protocol, and is
recorded as any other call.
"""

import json
import re
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode
from xml.sax.saxutils import escape

from lab.protocol import constraints
from lab.protocol.answer import Answer, error_answer
from lab.protocol.asgi import (
    SIGNED_BY,
    Application,
    Message,
    Receive,
    Send,
    body_source,
    call_in,
    headers_in,
    send_answer,
)
from lab.protocol.decode import MAX_BODY_BYTES, Call, decode, inflated
from lab.protocol.malformed import json_fault, without_unknown_members
from lab.protocol.request import Request, credential_scope
from lab.protocol.tags import tags_fault
from lab.protocol.well_formed import NOT_XML, is_well_formed, repaired

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
_MAX_KEY_BYTES = 1024

# Escaped bytes that may be no text or no XML: all but those of printable ASCII, tab and the ends of lines.
_DOUBTFUL_ESCAPES = re.compile(rb"%(?:0[0-8bcefBCEF]|1[0-9a-fA-F]|[89a-fA-F][0-9a-fA-F])|[^\t\n\r -~]")
_SURROGATE_ESCAPES = re.compile(rb"\\u[dD][89a-fA-F]")
_ACTION = re.compile(r"(?:^|&)Action=(\w+)")
_MARKS = re.compile(b"%3[cC]|%26")
_SHOWN = re.compile(r"Description|\w*Path(Prefix)?|\w+Arn")
_TAGS = re.compile(b"[tT]ag")
_OWN_PAGES = "/_"

_NO_UTF8 = "The request holds bytes that are not UTF-8."
_NO_XML = "The request holds control characters or others that XML has no place for."
_NO_NUMBER = "A parameter that must be a number is none."
_NO_JSON = "The request's body is not JSON in UTF-8."


@dataclass(frozen=True, slots=True)
class _Rejection:
    code: str
    message: str


class _Asked:
    """A request, and the call that it makes, which is decoded when it is first asked for."""

    def __init__(self, request: Request, known: Call | None) -> None:
        """:param known: the call, where it is known."""
        self.request = request
        self._known = known

    @cached_property
    def call(self) -> Call | None:
        """None when no service model has it."""
        found = self._known or decode(self.request)
        return found and found.read_once()


class Validated:
    """Rejects what AWS would not take, and passes everything else on to an inner application."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] != "http" or scope["path"].startswith(_OWN_PAGES):
            await self._inner(scope, receive, send)
            return
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], path, query, headers_in(scope), b"", scope=scope.get(SIGNED_BY))
        if _has_small_body(request):
            request, receive = await _with_body(request, receive)
            plain = inflated(request)
            if plain is not request and not plain.body_is_cut:
                # What is judged here is what MiniStack reads.
                request, scope, receive = plain, _without_encoding(scope), body_source(plain.body, receive)
        asked = _Asked(request, call_in(scope))
        rejected = _rejection(asked)
        if rejected is not None:
            await send_answer(send, rejected)
        elif _is_form_call(request):
            await self._inner(scope, _escaped(request, receive), _Checked(asked, send))
        else:
            await self._inner(scope, _known(asked, receive), send)


def _rejection(asked: _Asked) -> Answer | None:
    request = asked.request
    if not _is_text(request.path) or not (_is_form_call(request) or _is_text(request.query)):
        return _answer(asked, _Rejection("InvalidURI", _NO_UTF8))
    if len(request.path) > _MAX_KEY_BYTES and not request.body:
        call = asked.call
        key = call.labels.get("Key", "") if call and call.service == "s3" else ""
        if len(key.encode()) > _MAX_KEY_BYTES:
            return _answer(asked, _Rejection("KeyTooLongError", "Your key is too long"))
    if _is_form_call(request):
        wrong = _wrong_in_form(request.query) or _wrong_in_form(request.body.decode("latin-1"))
        if wrong:
            return _answer(asked, _Rejection("ValidationError", wrong))
    elif _is_json(request) and not _is_json_text(request.body):
        call = asked.call
        if call is not None and call.service == "lambda":
            return _error(call, "InvalidRequestContentException", _NO_JSON)
        if call is None or not _is_payload(call):
            return _answer(asked, _Rejection("SerializationException", _NO_JSON))
    return _malformed(asked) or _violation(asked)


def _malformed(asked: _Asked) -> Answer | None:
    """The error for a body that no service could read, or whose tags contradict each other."""
    request = asked.request
    is_json = _is_json(request)
    if not is_json and not request.body and not _is_form_call(request):
        return None
    call = asked.call
    rejection = _json_rejection(request, call) if is_json else None
    if rejection is None and call is not None and not request.body_is_cut:
        rejection = _rejection_of_parameters(request, call)
    return _answer(asked, rejection) if rejection else None


def _json_rejection(request: Request, call: Call | None) -> _Rejection | None:
    if call is not None and _is_payload(call):
        return None
    wrong = json_fault(call, request.body)
    if wrong:
        is_for_lambda = call is not None and call.service == "lambda"
        return _Rejection("InvalidRequestContentException" if is_for_lambda else "SerializationException", wrong)
    if call is None and "x-amz-target" in request.headers:
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        return _Rejection("UnknownOperationException", f"There is no operation {operation!a}.")
    return None


def _rejection_of_parameters(request: Request, call: Call) -> _Rejection | None:
    if call.protocol in ("ec2", "query") and call.parameters is None:
        return _Rejection("InvalidParameterValue" if call.protocol == "ec2" else "MalformedInput", _NO_NUMBER)
    if call.service == "iam" or not _TAGS.search(request.body or request.query.encode("latin-1")):
        return None
    fault = tags_fault(call.service, call.parameters or {})
    return _Rejection(*fault) if fault else None


def _violation(asked: _Asked) -> Answer | None:
    request = asked.request
    operation = _operation_name(request)
    scope = credential_scope(request)
    if not operation or scope is None or not constraints.keeps_names(scope.service, operation):
        return None
    call = asked.call
    parameters = call.parameters if call else None
    if call is None or parameters is None or not constraints.keeps_names(call.service, call.operation.name):
        return None
    wrong = constraints.violation(call.service, call.operation, parameters)
    if wrong is None:
        return None
    prefix = "Invalid parameter: " if call.service == "sns" else ""
    return _error(call, constraints.CODES[call.service], f"{prefix}{wrong}")


def _operation_name(request: Request) -> str:
    target = request.headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2]
    if not _is_form_call(request):
        return ""
    found = _ACTION.search(request.body.decode("latin-1")) or _ACTION.search(request.query)
    return found[1] if found else ""


def _is_form_call(request: Request) -> bool:
    return (request.is_form() or "Action=" in request.query) and not _is_for_s3(request)


def _is_json(request: Request) -> bool:
    return _has_json(request) and bool(request.body) and not request.body_is_cut


def _has_json(request: Request) -> bool:
    scope = credential_scope(request)
    if scope is not None and scope.service == "lambda":
        return True  # what a function is called with is JSON, though SDKs do not say so
    content_type = request.headers.get("content-type", "")
    is_json = "json" in content_type or ("x-amz-target" in request.headers and "cbor" not in content_type)
    return is_json and not _is_for_s3(request)


def _has_small_body(request: Request) -> bool:
    if _is_for_s3(request):
        return request.method == "PUT" and "tagging" in request.query_fields()
    return request.is_form() or _has_json(request)


def _is_for_s3(request: Request) -> bool:
    """Whether the body is an object, or a part of one, of whatever content type."""
    scope = credential_scope(request)
    return scope is not None and scope.service.startswith("s3")


def _is_payload(call: Call) -> bool:
    """Whether the body is what its operation passes on as it is."""
    shape = call.operation.input_shape
    payload = shape.members.get(str(shape.serialization.get("payload", ""))) if shape is not None else None
    return payload is not None and payload.type_name in ("blob", "string")


def _is_text(quoted: str) -> bool:
    if "%" not in quoted:
        return True
    try:
        unquote_to_bytes(quoted).decode()
    except UnicodeDecodeError:
        return False
    return True


def _wrong_in_form(text: str) -> str | None:
    if not _DOUBTFUL_ESCAPES.search(text.encode("latin-1")):
        return None
    try:
        plain = unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeDecodeError:
        return _NO_UTF8
    return _NO_XML if NOT_XML.search(plain) else None


def _is_json_text(body: bytes) -> bool:
    """Whether a body is text, with whole characters; whether it is JSON, its service says in its own words."""
    try:
        text = body.decode()
        if _SURROGATE_ESCAPES.search(body):
            json.dumps(json.loads(text), ensure_ascii=False).encode()
    except UnicodeError:
        return False
    except (ValueError, RecursionError):
        return True
    return "\0" not in text


def _escaped(request: Request, receive: Receive) -> Receive:
    """MiniStack's IAM writes descriptions, paths and ARNs into its answers as they are: it gets them ready for that."""
    scope = credential_scope(request)
    if scope is None or scope.service != "iam" or request.body_is_cut or not _MARKS.search(request.body):
        return receive
    fields = parse_qsl(request.body.decode(), keep_blank_values=True)
    shown = [(name, escape(value) if _SHOWN.fullmatch(name) else value) for name, value in fields]
    return body_source(urlencode(shown).encode(), receive)


def _known(asked: _Asked, receive: Receive) -> Receive:
    """Gives MiniStack no member of a body of JSON that its call does not have, and that no policy and no record saw."""
    request = asked.request
    call = asked.call if _is_json(request) and not _is_for_s3(request) else None
    if call is None or _is_payload(call):
        return receive
    known = without_unknown_members(call, request.body)
    return receive if known is request.body else body_source(known, receive)


def _without_encoding(scope: Message) -> Message:
    return {**scope, "headers": [each for each in scope["headers"] if each[0].lower() != b"content-encoding"]}


async def _with_body(request: Request, receive: Receive) -> tuple[Request, Receive]:
    messages = [await receive()]
    size = len(messages[-1].get("body", b""))
    while messages[-1].get("more_body", False) and size < MAX_BODY_BYTES:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
    body = b"".join(each.get("body", b"") for each in messages)
    is_cut = bool(messages[-1].get("more_body", False))

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return replace(request, body=body, body_is_cut=is_cut), again


def _answer(asked: _Asked, rejection: _Rejection) -> Answer:
    request, call = asked.request, asked.call
    if call is not None:
        return _error(call, rejection.code, rejection.message)
    scope = credential_scope(request)
    protocol = "json" if _has_json(request) else "query" if _is_form_call(request) else "rest-xml"
    return error_answer(scope.service if scope else "s3", protocol, 400, rejection.code, rejection.message)


def _error(call: Call, code: str, message: str) -> Answer:
    return error_answer(call.service, call.protocol, 400, code, message)


class _Checked:
    """Passes an answer on once it is known to be XML, if it says that it is."""

    __slots__ = ("_asked", "_send", "_start")

    def __init__(self, asked: _Asked, send: Send) -> None:
        self._asked = asked
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        """Takes the next part of the answer."""
        if message["type"] == "http.response.start":
            if any(name.lower() == b"content-type" and b"xml" in value for name, value in message["headers"]):
                self._start = message
                return
        elif self._start is not None:
            start, self._start = self._start, None
            body = message.get("body", b"")
            if body and not message.get("more_body", False) and not is_well_formed(body):
                call = self._asked.call
                body = repaired(body, call.operation if call else None)
                others = [each for each in start["headers"] if each[0].lower() != b"content-length"]
                start = {**start, "headers": [*others, (b"content-length", str(len(body)).encode())]}
                message = {**message, "body": body}
            await self._send(start)
        await self._send(message)
