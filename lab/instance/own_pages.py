"""The lab's own pages, and how both sides prove that they know the lab's secret without sending it.

A request carries a mark over its method, its target and a number that is used once; the answer carries a mark over that
number and its body. So neither a stranger can ask, nor can a program that took over the lab's port answer for the lab,
or use what it was asked.
"""

import hashlib
import hmac
import http.client
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from lab.errors import LabError
from lab.instance.folder import Lab
from lab.secret import derived

STATUS = "/_lab/status"
DELIVER = "/_lab/deliver"
ADVANCE = "/_lab/advance"

MARK = "x-lab-mark"
_VALID_SECONDS = 300.0
_MAX_ANSWER_BYTES = 1024 * 1024


def ask_page(lab: Lab, method: str, target: str, timeout_seconds: float) -> tuple[int, dict[str, Any]]:
    """Asks a page of a running lab: the HTTP status and the content of the answer.

    :param target: the page's path, and a query string if it takes one.
    :raises OSError: nobody answers.
    :raises http.client.HTTPException: who answers does not speak HTTP.
    :raises LabError: who answers does not know the lab's secret.
    """
    nonce, now = secrets.token_hex(16), str(int(time.time()))
    mark = derived(lab.secret, "ask", lab.instance, method, target, now, nonce)
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=timeout_seconds)
    try:
        connection.request(method, target, headers={MARK: f"{now}:{nonce}:{mark}"})
        response = connection.getresponse()
        body = response.read(_MAX_ANSWER_BYTES)
    finally:
        connection.close()
    expected = _mark_of_answer(lab.secret, nonce, response.status, body)
    if not lab.secret or not hmac.compare_digest(response.headers.get(MARK, "").encode(), expected.encode()):
        raise LabError(f"What answers at {lab.endpoint} is not this lab. See: python -m lab status")
    content: dict[str, Any] = json.loads(body)
    return response.status, content


class Asked:
    """The lab's side: which requests come from somebody who knows the secret."""

    def __init__(self, secret: str, instance: str, now: Callable[[], float] = time.time) -> None:
        """:param now: this machine's clock (epoch seconds)."""
        self._secret = secret
        self._instance = instance
        self._now = now
        self._used: dict[str, float] = {}

    def nonce(self, method: str, target: str, headers: Mapping[str, str]) -> str | None:
        """The number that a rightly marked request used, to mark the answer with; None for every other request.

        :param headers: by lower-case name.
        """
        seconds, _, rest = headers.get(MARK, "").partition(":")
        nonce, _, mark = rest.partition(":")
        expected = derived(self._secret, "ask", self._instance, method, target, seconds, nonce)
        if not hmac.compare_digest(mark.encode("latin-1"), expected.encode()):
            return None
        now = self._now()  # from here on the request is of somebody who knows the secret, or a copy of one
        self._used = {each: until for each, until in self._used.items() if until > now}
        if abs(now - int(seconds)) > _VALID_SECONDS or nonce in self._used:
            return None
        self._used[nonce] = now + 2 * _VALID_SECONDS
        return nonce

    def mark(self, nonce: str, status: int, body: bytes) -> str:
        """The mark of an answer."""
        return _mark_of_answer(self._secret, nonce, status, body)


def _mark_of_answer(secret: str, nonce: str, status: int, body: bytes) -> str:
    return derived(secret, "answer", nonce, str(status), hashlib.sha256(body).hexdigest())
