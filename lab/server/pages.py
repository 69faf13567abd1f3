"""The lab's own pages: status, deliver now, let time pass. They need proof of the lab's secret."""

import hmac
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from lab.clock import Clock
from lab.delivery.engine import Engine
from lab.errors import LabError
from lab.handshake import ADVANCE, DELIVER, MAC_HEADER, answer_mac, request_mac
from lab.protocol.answer import Answer
from lab.protocol.request import Request

# Takes the query string's fields, gives the content of the answer.
Page = Callable[[dict[str, str]], Awaitable[dict[str, Any]]]

_VALID_SECONDS = 300.0


def pages_about_time(engine: Engine, clock: Clock) -> dict[str, Page]:
    """The pages that deliver now and let time pass, by method and path."""

    async def deliver(_fields: Mapping[str, str]) -> dict[str, Any]:
        engine.tick(ends_period=True)
        return {"now": clock.now().isoformat(timespec="seconds")}

    async def advance(fields: Mapping[str, str]) -> dict[str, Any]:
        await engine.advance(float(fields["seconds"]))
        return {"now": clock.now().isoformat(timespec="seconds")}

    return {f"POST {DELIVER}": deliver, f"POST {ADVANCE}": advance}


class OwnPages:
    """The pages, and which requests for them prove that their sender knows the secret."""

    def __init__(
        self, pages: Mapping[str, Page], secret: str, instance: str, now: Callable[[], float] = time.time
    ) -> None:
        """:param pages: by method and path, such as `GET /_lab/status`.
        :param now: this machine's clock (epoch seconds).
        """
        self._pages = pages
        self._secret = secret
        self._instance = instance
        self._now = now
        self._used: dict[str, float] = {}

    def page_for(self, request: Request) -> Page | None:
        """The page that a request is for; None when it is for none of them."""
        return self._pages.get(f"{request.method} {request.path}")

    async def answer(self, page: Page, request: Request) -> Answer:
        """The page's answer, or an error for a sender that does not prove to know the secret."""
        target = f"{request.path}?{request.query}" if request.query else request.path
        nonce = self.nonce(request.method, target, request.headers)
        if nonce is None:
            return json_answer(403, {"message": "This page needs the lab's secret. Use: python -m lab"})
        try:
            status, content = 200, await page(dict(parse_qsl(request.query)))
        except (LabError, ValueError, KeyError) as error:
            status, content = 400, {"message": str(error)}
        except (OSError, sqlite3.OperationalError) as error:
            status, content = 507, {"message": f"The lab cannot write to its disk: {error}"}
        _, headers, body = json_answer(status, content)
        return status, {**headers, MAC_HEADER: answer_mac(self._secret, nonce, status, body)}, body

    def nonce(self, method: str, target: str, headers: Mapping[str, str]) -> str | None:
        """The nonce of a request whose code is right, to make the answer's code with; None for every other request.

        :param headers: by lower-case name.
        """
        seconds, _, rest = headers.get(MAC_HEADER, "").partition(":")
        nonce, _, mac = rest.partition(":")
        expected = request_mac(self._secret, self._instance, method, target, seconds, nonce)
        if not hmac.compare_digest(mac.encode("latin-1"), expected.encode()):
            return None
        now = self._now()  # its sender knows the secret, or it is a copy of such a request
        self._used = {each: until for each, until in self._used.items() if until > now}
        if abs(now - int(seconds)) > _VALID_SECONDS or nonce in self._used:
            return None
        self._used[nonce] = now + 2 * _VALID_SECONDS
        return nonce


def json_answer(status: int, content: dict[str, Any]) -> Answer:
    """An answer of the lab's own, which is none of AWS's."""
    return status, {"content-type": "application/json"}, json.dumps(content).encode()
