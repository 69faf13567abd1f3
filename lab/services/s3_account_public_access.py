"""The account's own Block Public Access of S3, which MiniStack lacks.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html
"""

import uuid
from collections.abc import Mapping
from xml.etree import ElementTree

from lab.ministack import core, s3
from lab.protocol.answer import Answer
from lab.protocol.asgi import Application, Message, Receive, Send, headers_of, send_answer

_PATH = "/v20180820/configuration/publicAccessBlock"
_SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_MAX_BODY_BYTES = 64 * 1024

_NOT_FOUND = (404, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
_DENIED = (403, "AccessDenied", "Access Denied")
_MALFORMED = (400, "MalformedXML", "The XML you provided was not well-formed")


class AccountPublicAccess:
    """Answers the three operations, and passes everything else on to an inner application."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] != "http" or scope["path"] != _PATH:
            await self._inner(scope, receive, send)
            return
        headers = headers_of(scope["headers"])
        account = core.account_of_request()
        body = await _body(receive)
        if headers.get("x-amz-account-id", account) != account:
            await send_answer(send, _error(*_DENIED))
        elif scope["method"] == "PUT":
            await send_answer(send, _put(account, body))
        elif scope["method"] == "DELETE":
            s3.account_public_access.pop(account, None)
            await send_answer(send, _answer(204, b""))
        else:
            found = s3.account_public_access.get(account)
            await send_answer(send, _error(*_NOT_FOUND) if found is None else _answer(200, _configuration(found)))


def _put(account: str, body: bytes) -> Answer:
    found = _settings(body)
    if found is None:
        return _error(*_MALFORMED)
    s3.account_public_access[account] = found
    return _answer(201, b"")


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if len(body) <= _MAX_BODY_BYTES:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


def _settings(body: bytes) -> Mapping[str, bool] | None:
    """The four settings, off unless they are on; None when the text is not such a configuration."""
    if b"<!" in body or len(body) > _MAX_BODY_BYTES:  # no document type, so no entities
        return None
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - see above
    except ElementTree.ParseError:
        return None
    texts = {element.tag.rpartition("}")[2]: element.text for element in root}
    return {name: texts.get(name) == "true" for name in _SETTINGS}


def _configuration(settings: Mapping[str, bool]) -> bytes:
    root = ElementTree.Element("PublicAccessBlockConfiguration")
    for name, value in settings.items():
        ElementTree.SubElement(root, name).text = str(value).lower()
    return ElementTree.tostring(root)


def _error(status: int, code: str, message: str) -> Answer:
    text = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return _answer(status, text.encode())


def _answer(status: int, body: bytes) -> Answer:
    return status, {"content-type": "application/xml", "x-amz-request-id": str(uuid.uuid4())}, body
