"""What passes between a client and a service: copied for the record on its way, and given one request id.

MiniStack gives the headers and the XML of an answer ids of their own, AWS gives them the same
(https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#RESTErrorResponses).
"""

import re
from collections.abc import Callable, Iterable, Mapping

from lab.protocol.answer import Answer
from lab.protocol.asgi import Message, Receive, Send, headers_of, send_answer
from lab.protocol.decode import MAX_BODY_BYTES
from lab.protocol.request import Request
from lab.protocol.response import Response


def _for_one_origin(headers: Iterable[tuple[bytes, bytes]], origin: str | None) -> list[tuple[bytes, bytes]]:
    """An answer's headers, readable for the page that asked and for no other, where MiniStack lets every page read it
    (https://fetch.spec.whatwg.org/#http-cors-protocol). Only pages of this machine come so far.
    """
    kept = [each for each in headers if not each[0].lower().startswith(b"access-control-")]
    if origin is not None:
        kept += [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]
    return kept


class Exchange:
    """One request and its answer. The answer's start waits until the request id in its body is known."""

    __slots__ = (
        "_answered",
        "_head",
        "_headers",
        "_held",
        "_is_for_s3",
        "_is_recorded",
        "_not_saved",
        "_receive",
        "_record",
        "_send",
        "_sent",
        "_status",
    )

    def __init__(
        self,
        head: Request,
        receive: Receive,
        send: Send,
        record: Callable[[Request, Response], None],
        *,
        not_saved: Callable[[OSError, int], Answer],
        is_for_s3: bool,
    ) -> None:
        """:param head: the request without its body.
        :param record: called with both when the answer is complete, before the client has the end of it; raises OSError
            when it could not be recorded, or what the call changed could not be saved.
        :param not_saved: gives the answer that the client has then, for the error and the HTTP status that the service
            answered with.
        """
        self._head = head
        self._receive = receive
        self._send = send
        self._record = record
        self._not_saved = not_saved
        self._is_for_s3 = is_for_s3
        self._sent = _Copy()
        self._answered = _Copy()
        self._status = 500
        self._headers: dict[str, str] = {}
        self._held: Message | None = None
        self._is_recorded = False

    async def receive(self) -> Message:
        """The next part of the request."""
        message = await self._receive()
        if body := message.get("body"):
            self._sent.add(body)
        return message

    async def send(self, message: Message) -> None:
        """Sends the next part of the answer."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message = {**message, "headers": _for_one_origin(message["headers"], self._head.headers.get("origin"))}
            self._headers = headers_of(message["headers"])
            self._held = message
            return
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            self._answered.add(body)
            start, self._held = self._held, None
            if start is not None:
                start = self._with_one_request_id(start, body)
            if not message.get("more_body", False):
                try:
                    self.record()  # before the client can know, so that it finds its own call
                except OSError as error:
                    if start is None:
                        raise
                    await send_answer(self._send, self._not_saved(error, self._status))
                    return
            if start is not None:
                await self._send(start)
        await self._send(message)

    def record(self) -> None:
        """Records the call as far as it went, once."""
        if self._is_recorded:
            return
        self._is_recorded = True
        head, sent, answered = self._head, self._sent, self._answered
        request = Request(head.method, head.path, head.query, head.headers, sent.content, sent.is_cut)
        response = Response(self._status, self._headers, answered.content, answered.size, answered.is_cut)
        self._record(request, response)

    def _with_one_request_id(self, start: Message, body: bytes) -> Message:
        is_object = self._is_for_s3 and self._status < 300
        identity = request_id(self._headers, body, is_object=is_object)
        others = [name for name in REQUEST_ID_HEADERS if self._headers.get(name, identity) != identity]
        if identity is None or not others:
            return start
        self._headers |= dict.fromkeys(others, identity)
        return {**start, "headers": with_request_id(start["headers"], identity)}


class _Copy:
    """The first part of a body that passes by: enough to decode a call, whatever is uploaded."""

    __slots__ = ("_parts", "size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def add(self, chunk: bytes) -> None:
        if self.size < MAX_BODY_BYTES:
            self._parts.append(chunk[: MAX_BODY_BYTES - self.size])
        self.size += len(chunk)

    @property
    def content(self) -> bytes:
        return b"".join(self._parts)

    @property
    def is_cut(self) -> bool:
        return self.size > MAX_BODY_BYTES


Headers = list[tuple[bytes, bytes]]

REQUEST_ID_HEADERS = ("x-amzn-requestid", "x-amz-request-id")
_REQUEST_ID_HEADERS_IN_BYTES = frozenset(name.encode() for name in REQUEST_ID_HEADERS)
_ID_IN_BODY = re.compile(rb"<[Rr]equestI[dD]>([0-9A-Za-z-]{1,64})<")


def request_id(headers: Mapping[str, str], body: bytes, *, is_object: bool) -> str | None:
    """The id that an answer's body has, which is the one that SDKs show, or else the first of its headers'.

    :param headers: by lower-case name.
    :param body: its first part.
    :param is_object: whether the body may be what somebody stored, where an id means nothing.
    """
    if not is_object and "xml" in headers.get("content-type", ""):
        in_body = _ID_IN_BODY.search(body)
        if in_body:
            return in_body[1].decode()
    return next((headers[name] for name in REQUEST_ID_HEADERS if name in headers), None)


def with_request_id(headers: Iterable[tuple[bytes, bytes]], identity: str) -> Headers:
    """The headers of an answer, those that hold an id with this one."""
    value = identity.encode()
    return [(name, value if name.lower() in _REQUEST_ID_HEADERS_IN_BYTES else old) for name, old in headers]
