"""Bodies of requests: read whole before anybody acts on them, and bounded, also where they are inflated."""

import hashlib
from dataclasses import dataclass

from lab.confinement.decompression import TooLarge
from lab.protocol.asgi import Message, Receive
from lab.protocol.request import Request

# AWS's own largest: a Lambda function's code in the request itself
# (https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html), and an object or part of S3
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html).
MAX_CALL_BYTES = 70_167_211
MAX_S3_BYTES = 5 * 1024**3


class Gone(Exception):
    """The client went before its request was complete."""


@dataclass(slots=True)
class Body:
    """The parts of a body as they came, and the SHA-256 of it all in hexadecimal."""

    parts: list[bytes]
    sha256: str

    def whole(self) -> bytes:
        """The body in one piece."""
        return b"".join(self.parts)

    def again(self, receive: Receive) -> Receive:
        """A source that gives the body once more, without keeping what it gave, and then what `receive` gives."""
        waiting = self.parts[::-1] or [b""]
        self.parts = []

        async def next_part() -> Message:
            if not waiting:
                return await receive()
            part = waiting.pop()
            return {"type": "http.request", "body": part, "more_body": bool(waiting)}

        return next_part


async def read_body(request: Request, receive: Receive, limit_bytes: int) -> Body:
    """The body of a request.

    :raises TooLarge: it has more bytes than the limit; no more than that is read.
    :raises Gone: the client went.
    """
    if request.headers.get("content-length", "").isdecimal() and int(request.headers["content-length"]) > limit_bytes:
        raise TooLarge(limit_bytes)
    parts: list[bytes] = []
    digest, size, is_more = hashlib.sha256(), 0, True
    while is_more:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > limit_bytes:
            raise TooLarge(limit_bytes)
        if part:
            digest.update(part)
            parts.append(part)
        is_more = message.get("more_body", False)
    return Body(parts, digest.hexdigest())
