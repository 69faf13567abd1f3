"""The door of the lab: every HTTP request passes here, is served by MiniStack, and is recorded.

An ASGI application around MiniStack's own. It also keeps web pages out: a browser that visits a hostile page must not
be able to call the lab, neither by that page's own name (DNS rebinding) nor across origins.
"""

import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lab import seams
from lab.callers import caller
from lab.calls.decode import MAX_BODY_BYTES
from lab.calls.request import Request, credential_scope
from lab.calls.response import Response
from lab.endpoint import is_loopback
from lab.errors import LabError
from lab.history.record import Origin
from lab.recorder import Recorder, current_origin
from lab.seams import Application, Message, Receive, Send

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+")

# An own page of the lab: takes the query string's fields, gives the content of the answer.
Page = Callable[[dict[str, str]], Awaitable[dict[str, Any]]]


class Gateway:
    """Serves requests through an inner application and records those that are AWS calls."""

    def __init__(
        self, inner: Application, recorder: Recorder, lab_time: Callable[[float], datetime], pages: Mapping[str, Page]
    ) -> None:
        """:param lab_time: the lab's time at a moment of this machine's clock (epoch seconds).
        :param pages: the lab's own pages, by method and path such as `GET /_lab/status`.
        """
        self._inner = inner
        self._recorder = recorder
        self._lab_time = lab_time
        self._pages = pages

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        if not _is_local(headers.get("host", ""), headers.get("origin", "//localhost")):
            await _send_json(send, 403, {"message": "The lab answers only programs on this machine."})
        elif page := self._pages.get(f"{scope['method']} {path}"):
            await _serve_page(page, scope["query_string"].decode("latin-1"), send)
        elif path.startswith(("/_", "/health")):  # MiniStack's own pages, which AWS does not have
            await self._inner(scope, receive, send)
        else:
            query = scope["query_string"].decode("latin-1")
            await self._serve_call(Request(scope["method"], path, query, headers, b""), scope, receive, send)

    async def _serve_call(self, head: Request, scope: Message, receive: Receive, send: Send) -> None:
        origin = _origin(head, scope, self._lab_time)
        current_origin.set(origin)
        sent = _Copy()
        answered = _Copy()
        start: Message = {"status": 500, "headers": []}

        def record() -> None:
            request = Request(
                head.method, head.path, head.query, head.headers, bytes(sent.content), body_is_cut=sent.is_cut
            )
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
            content = bytes(answered.content)
            response = Response(start["status"], headers, content, answered.size, body_is_cut=answered.is_cut)
            self._recorder.record(request, response, origin)

        async def receive_and_copy() -> Message:
            message = await receive()
            sent.add(message.get("body", b""))
            return message

        async def copy_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                answered.add(message.get("body", b""))
                if not message.get("more_body", False):
                    record()  # before the client can know, so that it finds its own call
            await send(message)

        try:
            await self._inner(scope, receive_and_copy, copy_and_send)
        except Exception:
            record()
            raise


class _Copy:
    """The first part of a body that passes by: enough to decode a call, whatever is uploaded."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.size = 0

    def add(self, chunk: bytes) -> None:
        self.content += chunk[: MAX_BODY_BYTES - len(self.content)]
        self.size += len(chunk)

    @property
    def is_cut(self) -> bool:
        return self.size > len(self.content)


def _origin(request: Request, scope: Message, lab_time: Callable[[float], datetime]) -> Origin:
    signed = credential_scope(request)
    access_key_id = signed.access_key_id if signed else ""
    seams.set_account_of_request(access_key_id)
    # A region becomes part of records, ARNs and file names; a text that is none counts as the lab's own.
    seams.set_region_of_request(signed.region if signed and _REGION.fullmatch(signed.region) else "")
    who = caller(access_key_id, seams.account_of_request(), lab_time)
    address = _source_address(request.headers, scope)
    user_agent = request.headers.get("user-agent", "")
    return Origin(
        seams.account_of_request(), seams.region_of_request(), who.username, who.user_identity, address, user_agent
    )


def _source_address(headers: Mapping[str, str], scope: Message) -> str:
    """The caller's address. Every caller is on this machine, so one may say for whom it calls, as a proxy does."""
    if "x-forwarded-for" in headers:
        try:
            return str(ipaddress.ip_address(headers["x-forwarded-for"].partition(",")[0].strip()))
        except ValueError:
            pass  # not an address, so not a proxy
    return str((scope.get("client") or ("127.0.0.1",))[0])


@lru_cache(maxsize=256)
def _is_local(host_header: str, origin_header: str) -> bool:
    try:
        host = urlsplit(f"//{host_header}").hostname or ""
        origin = urlsplit(origin_header).hostname or ""
    except ValueError:
        return False
    return is_loopback(origin) and (is_loopback(host) or host.endswith(".localhost"))


async def _serve_page(page: Page, query: str, send: Send) -> None:
    try:
        await _send_json(send, 200, await page(dict(parse_qsl(query))))
    except (LabError, ValueError, KeyError) as error:
        await _send_json(send, 400, {"message": str(error)})


async def _send_json(send: Send, status: int, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
