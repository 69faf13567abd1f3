"""ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html): its types, headers by name, and sending an answer."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from lab.protocol.answer import Answer

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
# Where a request's scope has who signed it, once that is verified.
SIGNED_BY = "lab.signed_by"
# Where it has its headers by name and the call that it makes, beside the list of headers that both were read from.
_READ = "lab.read"


def headers_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """HTTP headers by lower-case name; several of one name are one, with commas
    (https://www.rfc-editor.org/rfc/rfc9110#name-combined-field-values).
    """
    found: dict[str, str] = {}
    for raw_name, value in headers:
        name = raw_name.decode("latin-1").lower()
        text = value.decode("latin-1")
        found[name] = f"{found[name]},{text}" if name in found else text
    return found


def as_read(scope: Message, headers: Mapping[str, str], call: Any = None) -> Message:
    """A request's scope that tells `headers_in` its headers by name, and `call_in` the call that it makes.

    :param call: None where nobody must go by it.
    """
    return {**scope, _READ: (scope["headers"], headers, call)}


def headers_in(scope: Message) -> Mapping[str, str]:
    """The headers of a request by lower-case name, read again only if somebody has changed them since."""
    of, headers, _ = scope.get(_READ, (None, None, None))
    return headers if headers is not None and of is scope["headers"] else headers_of(scope["headers"])


def call_in(scope: Message) -> Any:
    """The call that a request makes, if that is known and nobody has made another request of it since."""
    of, _, call = scope.get(_READ, (None, None, None))
    return call if of is scope["headers"] else None


def body_source(body: bytes, receive: Receive) -> Receive:
    """Gives this body as the request's, and then what `receive` gives."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def source() -> Message:
        return messages.pop() if messages else await receive()

    return source


async def send_answer(send: Send, answer: Answer) -> None:
    """Sends a whole answer, with the length of its body (bytes)."""
    status, fields, body = answer
    headers = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
