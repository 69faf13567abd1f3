"""One request id for one answer: MiniStack gives the headers and the XML ids of their own, AWS gives them the same.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#RESTErrorResponses
"""

import re
from collections.abc import Iterable, Mapping

Headers = list[tuple[bytes, bytes]]

NAMES = ("x-amzn-requestid", "x-amz-request-id")
_NAMES_IN_BYTES = frozenset(name.encode() for name in NAMES)
_IN_BODY = re.compile(rb"<[Rr]equestI[dD]>([0-9A-Za-z-]{1,64})<")


def request_id(headers: Mapping[str, str], body: bytes, *, is_object: bool) -> str | None:
    """The id that an answer's body has, which is the one that SDKs show, or else the first of its headers'.

    :param headers: by lower-case name.
    :param body: its first part.
    :param is_object: whether the body may be what somebody stored, where an id means nothing.
    """
    if not is_object and "xml" in headers.get("content-type", ""):
        in_body = _IN_BODY.search(body)
        if in_body:
            return in_body[1].decode()
    return next((headers[name] for name in NAMES if name in headers), None)


def with_request_id(headers: Iterable[tuple[bytes, bytes]], identity: str) -> Headers:
    """The headers of an answer, those that hold an id with this one."""
    value = identity.encode()
    return [(name, value if name.lower() in _NAMES_IN_BYTES else old) for name, old in headers]
