"""The door of the lab: every HTTP request passes here, is served by MiniStack, and is recorded.

An ASGI application around MiniStack's own. Who may come in is said in `lab.door`.
"""

import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from lab import door, seams
from lab.callers import caller
from lab.calls.decode import MAX_BODY_BYTES
from lab.calls.request import CredentialScope, Request, credential_scope
from lab.errors import LabError
from lab.exchange import Exchange, decoded
from lab.history.record import Origin
from lab.recorder import Recorder, current_origin
from lab.seams import Answer, Application, Message, Receive, Send

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+")
# MiniStack's own pages, which AWS does not have: what may be looked at, and the doors of a learner's own applications.
_LOOKS = re.compile("/health|/_(ministack|localstack)/.+")
_APPLICATIONS = re.compile("/_aws/(execute-api|lambda-url)/[^/]+/.*|/_alb/[^/]+/.*")

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
        headers = decoded(scope["headers"])
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        if not door.is_from_this_machine(headers):
            await _send_json(send, 403, {"message": "The lab answers only programs on this machine."})
        elif page := self._pages.get(f"{scope['method']} {path}"):
            await _serve_page(page, query, send)
        elif _is_page_of_ministack(scope["method"], path, query):
            await self._inner(scope, receive, send)
        else:
            await self._serve_call(Request(scope["method"], path, query, headers, b""), scope, receive, send)

    async def _serve_call(self, head: Request, scope: Message, receive: Receive, send: Send) -> None:
        signed = credential_scope(head)
        origin = _origin(head, signed, scope, self._lab_time)
        whole = head
        if door.needs_body(head):
            whole, receive = await _read_ahead(head, receive)
        refusal = door.refusal(whole, origin.user_identity)
        if refusal is not None:
            await _send(send, refusal)
            return
        current_origin.set(origin)
        record = partial(self._recorder.record, origin=origin)
        is_for_s3 = signed is None or signed.service == "s3"
        exchange = Exchange(head, receive, send, record, is_for_s3=is_for_s3)
        try:
            await self._inner(scope, exchange.receive, exchange.send)
        except Exception:
            exchange.record()
            raise


def _origin(
    request: Request, signed: CredentialScope | None, scope: Message, lab_time: Callable[[float], datetime]
) -> Origin:
    access_key_id = signed.access_key_id if signed else ""
    seams.set_account_of_request(access_key_id)
    # A region becomes part of records, ARNs and file names; a text that is none counts as the lab's own.
    seams.set_region_of_request(signed.region if signed and _REGION.fullmatch(signed.region) else "")
    account = seams.account_of_request()
    who = caller(access_key_id, account, lab_time)
    address = _source_address(request.headers, scope)
    user_agent = request.headers.get("user-agent", "")
    return Origin(account, seams.region_of_request(), who.username, who.user_identity, address, user_agent)


def _source_address(headers: Mapping[str, str], scope: Message) -> str:
    """The caller's address. Every caller is on this machine, so one may say for whom it calls, as a proxy does."""
    if "x-forwarded-for" in headers:
        try:
            return str(ipaddress.ip_address(headers["x-forwarded-for"].partition(",")[0].strip()))
        except ValueError:
            pass  # not an address, so not a proxy
    return str((scope.get("client") or ("127.0.0.1",))[0])


def _is_page_of_ministack(method: str, path: str, query: str) -> bool:
    """MiniStack takes a page that it does not know for a call, so no parameters of a call may come with one."""
    if _APPLICATIONS.fullmatch(path):
        return "Action" not in dict(parse_qsl(query, keep_blank_values=True))
    return method == "GET" and not query and bool(_LOOKS.fullmatch(path))


async def _read_ahead(request: Request, receive: Receive) -> tuple[Request, Receive]:
    """The request with its body, and a source that gives the body once more."""
    messages = [await receive()]
    while (
        messages[-1].get("more_body", False) and sum(len(each.get("body", b"")) for each in messages) < MAX_BODY_BYTES
    ):
        messages.append(await receive())
    body = b"".join(each.get("body", b"") for each in messages)

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return replace(request, body=body), again


async def _serve_page(page: Page, query: str, send: Send) -> None:
    try:
        await _send_json(send, 200, await page(dict(parse_qsl(query))))
    except (LabError, ValueError, KeyError) as error:
        await _send_json(send, 400, {"message": str(error)})


async def _send_json(send: Send, status: int, content: dict[str, Any]) -> None:
    await _send(send, (status, {"content-type": "application/json"}, json.dumps(content).encode()))


async def _send(send: Send, answer: Answer) -> None:
    status, fields, body = answer
    headers = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
