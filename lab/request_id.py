"""One request id for one answer: MiniStack gives the headers and the XML ids of their own, AWS gives them the same.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#RESTErrorResponses
"""

import re
from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

_NAMES = (b"x-amzn-requestid", b"x-amz-request-id")
_IN_BODY = re.compile(rb"<[Rr]equestI[dD]>([0-9A-Za-z-]{1,64})<")


def with_one_request_id(headers: Iterable[tuple[bytes, bytes]], body: bytes, *, is_object: bool) -> Headers:
    """The headers with the id that the body has, which is the one that SDKs show, or else with the first of their own.

    :param body: its first part.
    :param is_object: whether the body may be what somebody stored, where an id means nothing.
    """
    found = {name.lower(): value for name, value in headers}
    is_xml = not is_object and b"xml" in found.get(b"content-type", b"")
    in_body = _IN_BODY.search(body) if is_xml else None
    own = next((found[name] for name in _NAMES if name in found), None)
    request_id = in_body[1] if in_body else own
    if request_id is None:
        return list(headers)
    return [(name, request_id if name.lower() in _NAMES else value) for name, value in headers]
