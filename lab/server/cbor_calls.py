"""Calls in CBOR are made of MiniStack in JSON, which it reads without a package that is none of the lab's."""

from lab.protocol import cbor
from lab.protocol.asgi import SIGNED_BY, Application, Message, Receive, Send, body_source, headers_of, send_answer
from lab.protocol.decode import decode
from lab.protocol.request import Request
from lab.protocol.response import Response
from lab.server.bodies import MAX_CALL_BYTES


class CborCalls:
    """Passes calls in CBOR on in JSON, and all others as they are."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] != "http" or not _may_be_cbor(scope):
            await self._inner(scope, receive, send)
            return
        body = await _whole(receive)
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], path, query, headers_of(scope["headers"]), body, scope=scope.get(SIGNED_BY))
        call = decode(request, MAX_CALL_BYTES)
        if call is None or call.protocol not in cbor.PROTOCOLS:
            await self._inner(scope, body_source(body, receive), send)
            return
        answered = _Answer()
        made = cbor.json_request(call, request)
        await self._inner(_scope(scope, made), body_source(made.body, receive), answered.take)
        await send_answer(send, cbor.cbor_answer(call, answered.response()))


class _Answer:
    """An answer, kept until it is complete."""

    def __init__(self) -> None:
        self._status = 500
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []

    async def take(self, message: Message) -> None:
        """Takes the next part."""
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], headers_of(message["headers"])
        else:
            self._parts.append(message.get("body", b""))

    def response(self) -> Response:
        """The whole."""
        body = b"".join(self._parts)
        return Response(self._status, self._headers, body, len(body))


def _may_be_cbor(scope: Message) -> bool:
    return any(b"cbor" in value for name, value in scope["headers"] if name in (b"content-type", b"smithy-protocol"))


def _scope(scope: Message, request: Request) -> Message:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
    headers.append((b"content-length", str(len(request.body)).encode()))
    return {**scope, "path": request.path, "raw_path": request.path.encode(), "query_string": b"", "headers": headers}


async def _whole(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
