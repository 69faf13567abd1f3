"""Bodies of requests: read whole before they are acted on, and bounded, also when decompressed."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.confinement.decompression import TooLarge
from lab.protocol.asgi import Message, Receive
from lab.protocol.request import Request

# AWS's own largest: a Lambda function's code in the request itself
# (https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html), and an object or part of S3
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html).
MAX_CALL_BYTES = 70_167_211
MAX_S3_BYTES = 5 * 1024**3
# Of requests whose signature only the whole body can verify: two of the largest calls at a time.
MAX_UNVERIFIED_BYTES = 2 * MAX_CALL_BYTES
FREE_BYTES = 64 * 1024

# A megabyte for those whose every parameter is a name or a document of AWS's own limits, none of which is larger.
_MAX_FORM_BYTES = 1024 * 1024
_OF_SMALL_FORMS = frozenset(
    {"autoscaling", "cloudformation", "ec2", "elasticache", "elasticloadbalancing", "iam", "rds", "sts"}
)

_PART_BYTES = 1024 * 1024


def limit_bytes(service: str, *, is_for_s3: bool) -> int:
    """How many bytes a body may have of a call that is signed for a service."""
    if is_for_s3:
        return MAX_S3_BYTES
    return _MAX_FORM_BYTES if service in _OF_SMALL_FORMS else MAX_CALL_BYTES


class Gone(Exception):
    """The client closed the connection before its request was complete."""


class Busy(Exception):
    """Others' requests take the memory that there is for bodies of which nobody knows yet who signed them."""


class Unverified:
    """How much of bodies that nobody's signature covers yet the process holds, all requests together."""

    def __init__(self, limit_bytes: int = MAX_UNVERIFIED_BYTES, free_bytes: int = FREE_BYTES) -> None:
        """:param free_bytes: what each request may have in any case, so that usual calls are served whoever holds the
        rest.
        """
        self._limit_bytes = limit_bytes
        self._free_bytes = free_bytes
        self._held_bytes = 0

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """What one request takes, given back at the end: call it with the size of its body so far (bytes).

        :raises Busy: all together would have more than the limit.
        """
        taken_bytes = 0

        def take(size_bytes: int) -> None:
            nonlocal taken_bytes
            more_bytes = max(0, size_bytes - self._free_bytes) - taken_bytes
            if more_bytes > 0 and self._held_bytes + more_bytes > self._limit_bytes:
                raise Busy
            self._held_bytes += more_bytes
            taken_bytes += more_bytes

        try:
            yield take
        finally:
            self._held_bytes -= taken_bytes


def count_nothing(_size_bytes: int) -> None:
    """For a body of a request that is known to be signed by a key of the lab."""


@dataclass(slots=True)
class Body:
    """A body as it came, and its SHA-256 in hexadecimal."""

    content: bytearray
    sha256: str

    def whole(self) -> bytes:
        """A copy of the body."""
        return bytes(self.content)

    def start(self, size_bytes: int) -> bytes:
        """A copy of the body's first part."""
        return bytes(self.content[:size_bytes])

    def again(self, receive: Receive) -> Receive:
        """A source that gives the body once more, without keeping what it gave, and then what `receive` gives."""
        content, is_given = self.content, False
        self.content = bytearray()

        async def next_part() -> Message:
            nonlocal is_given
            if is_given:
                return await receive()
            part = bytes(content[:_PART_BYTES])
            del content[:_PART_BYTES]
            is_given = not content
            return {"type": "http.request", "body": part, "more_body": not is_given}

        return next_part


async def read_body(
    request: Request, receive: Receive, limit_bytes: int, count: Callable[[int], None] = count_nothing
) -> Body:
    """The body of a request.

    :param count: called with the size so far (bytes); what it raises ends the reading.
    :raises TooLarge: it has more bytes than the limit; no more than that is read.
    :raises Gone: the client closed the connection.
    """
    if request.headers.get("content-length", "").isdecimal() and int(request.headers["content-length"]) > limit_bytes:
        raise TooLarge(limit_bytes)
    content, digest, is_more = bytearray(), hashlib.sha256(), True
    while is_more:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        part = message.get("body", b"")
        size_bytes = len(content) + len(part)
        if size_bytes > limit_bytes:
            raise TooLarge(limit_bytes)
        count(size_bytes)
        digest.update(part)
        content += part
        is_more = message.get("more_body", False)
    return Body(content, digest.hexdigest())


async def pass_by(receive: Receive) -> None:
    """Reads a body to its end for what is copied on the way."""
    while (await receive()).get("more_body", False):
        pass
