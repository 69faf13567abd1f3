"""ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html): its types, headers by name, and sending an answer."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from lab.protocol.answer import Answer

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
# Where a request's scope has who signed it, once that is verified.
SIGNED_BY = "lab.signed_by"


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
