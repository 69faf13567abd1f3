"""Many GET requests at once over reused connections, signed and carried out by libcurl.

Python runs one thread at a time, and what it does for each request limits their number. libcurl signs, sends and
receives outside of the interpreter.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from heapq import heappop, heappush
from random import uniform
from select import POLLIN, POLLOUT, poll
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

import pycurl

from verify.credentials import Credentials

if TYPE_CHECKING:  # a process that reads needs no more of it
    from verify.storage.objects import Sink

AT_ONCE = 80
_ATTEMPTS = 4  # then boto3 makes its own
_SLOW_SECONDS = 5.0  # to say that it is busy
_FIRST_PAUSE_SECONDS = 0.05
_MOST_SECONDS = 1.0
_BUSY = (429, 500, 502, 503, 504)
_METADATA, _ETAG = b"x-amz-meta-", b"etag:"
_ETAG_BYTES = len(_ETAG)
_OUR_AGE_SECONDS = range(1, 2**32)  # since 1970: of S3's objects none is older, and later ones cannot be reckoned with
_OPTIONS = {
    pycurl.NOSIGNAL: 1,
    pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
    pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
    pycurl.USERAGENT: "SecureTrail-verify",
    pycurl.BUFFERSIZE: 512 * 1024,
    pycurl.CONNECTTIMEOUT: 5,
    # What is slower is left to boto3, which reads one object at a time.
    pycurl.LOW_SPEED_LIMIT: 1_000,  # bytes a second
    pycurl.LOW_SPEED_TIME: 30,
    pycurl.TIMEOUT: 300,
    pycurl.OPT_FILETIME: 1,
}


class Route(NamedTuple):
    """How a host is reached, and as whom.

    :param region: the region that requests are signed for.
    :param ca_file: the certificates to trust.
    :param proxy: the proxy's URL; ``""`` for none.
    """

    region: str
    credentials: Credentials
    ca_file: str
    proxy: str


class Answer(NamedTuple):
    """What came with an object whose content went to the sink.

    :param header: line by line.
    :param last_modified: ``None`` where that is not said.
    """

    header: tuple[bytes, ...]
    last_modified: datetime | None

    @property
    def metadata(self) -> dict[str, str]:
        """The object's own, from the ``x-amz-meta-`` headers, names in lower case and without that prefix."""
        found: dict[str, str] = {}
        if _METADATA not in b"".join(self.header).lower():
            return found
        for line in self.header:
            if line.startswith(b"HTTP/"):
                found.clear()  # what came before was a proxy's
            elif line[: len(_METADATA)].lower() == _METADATA:
                name, _, value = line[len(_METADATA) :].decode("latin-1").partition(":")
                found[name.lower()] = value.strip()
        return found

    @property
    def etag(self) -> str:
        """Of what was read; ``""`` where it was not said. The last one, for what came before was a proxy's."""
        for line in reversed(self.header):
            if line[:_ETAG_BYTES].lower() == _ETAG:
                return line[_ETAG_BYTES:].decode("latin-1").strip()
        return ""


class _Response:
    """Receives one response. It does not refer to its connection, so that both are freed as soon as they are unused."""

    def __init__(self) -> None:
        self.sink: Sink[Any] | None = None
        self.header: list[bytes] = []
        self.is_content = False
        self.is_enough = False
        self.error: Exception | None = None

    def open(self, sink: Sink[Any]) -> None:
        """Prepare for the next response."""
        self.sink = sink
        self.open_again()

    def open_again(self) -> None:
        """Prepare for the response to the same request."""
        self.is_content, self.is_enough, self.error = False, False, None
        self.header.clear()

    def take(self, piece: bytes) -> int | None:
        """Pass a piece on. When -1 of its bytes were taken, libcurl ends the request."""
        try:
            if not self.is_content:
                if not self._is_the_object():
                    return None  # what an error says of itself
                self.is_content = True
            self.is_enough = self.sink is None or not self.sink.feed(piece)
        except Exception as error:  # noqa: BLE001 - pycurl would print it; it is raised once the request is over
            self.error = error
        return -1 if self.is_enough or self.error else None

    def _is_the_object(self) -> bool:
        # The last one: what came before was a proxy's.
        for line in reversed(self.header):
            if line.startswith(b"HTTP/"):
                return line.split(None, 2)[1:2] == [b"200"]
        return False


class _Transfer:
    """A libcurl handle, used for one request after another."""

    def __init__(self) -> None:
        self.curl: Any = pycurl.Curl()
        self.response = _Response()
        self.number = 0
        self.attempts = 0
        self._route: Route | None = None
        for option, value in _OPTIONS.items():
            self.curl.setopt(option, value)
        self.curl.setopt(pycurl.HEADERFUNCTION, self.response.header.append)
        self.curl.setopt(pycurl.WRITEFUNCTION, self.response.take)

    def begin(self, number: int, url: str, route: Route, sink: Sink[Any]) -> None:
        """Prepare the next request."""
        if self._route is not route:
            self._follow(route)
        self.curl.setopt(pycurl.URL, url)
        self.number, self.attempts = number, 1
        self.response.open(sink)

    def _follow(self, route: Route) -> None:
        self.curl.setopt(pycurl.AWS_SIGV4, f"aws:amz:{route.region}:s3")
        self.curl.setopt(pycurl.USERNAME, route.credentials.access_key)
        self.curl.setopt(pycurl.PASSWORD, route.credentials.secret_key)
        token = route.credentials.token
        if token:
            self.curl.setopt(pycurl.HTTPHEADER, [f"x-amz-security-token: {token}"])
        else:
            self.curl.unsetopt(pycurl.HTTPHEADER)  # an empty list would leave the old one as it is
        # Of a text pycurl takes ASCII alone.
        self.curl.setopt(pycurl.CAINFO, os.fsencode(route.ca_file))
        self.curl.setopt(pycurl.PROXY, os.fsencode(route.proxy))
        self._route = route

    def is_to_be_tried_again(self) -> bool:
        """Whether the server was too busy, or broken; then the next request is the same one.

        https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
        """
        is_busy = self.curl.getinfo(pycurl.RESPONSE_CODE) in _BUSY
        if self.attempts >= _ATTEMPTS or not is_busy or self.curl.getinfo(pycurl.TOTAL_TIME) > _SLOW_SECONDS:
            return False
        self.attempts += 1
        self.response.open_again()
        return True

    def answer(self, code: int) -> Answer | None:
        """What came with the object; ``None`` if it did not come as a whole.

        :param code: libcurl's result code; 0 for success.
        """
        if (code and not self.response.is_enough) or self.curl.getinfo(pycurl.RESPONSE_CODE) != 200:
            return None
        written = self.curl.getinfo(pycurl.INFO_FILETIME)  # -1 where it is not said
        is_said = written in _OUR_AGE_SECONDS
        return Answer(tuple(self.response.header), datetime.fromtimestamp(written, UTC) if is_said else None)


class Transfers:
    """The requests of one thread, and the connections that it reuses.

    :param at_once: how many requests are under way at once, at most.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, at_once)
        self._idle: list[_Transfer] = []
        self._active: dict[Any, _Transfer] = {}  # by their pycurl.Curl
        self._again: list[tuple[float, int, _Transfer]] = []  # when to try them once more; a heap
        self._count = 0  # tells apart what is to be tried at the same moment

    @property
    def has_room(self) -> bool:
        """Whether another request may begin."""
        return len(self._active) + len(self._again) < self._at_once

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return not self._active and not self._again

    def get_each(self, route: Route, wanted: Sequence[tuple[str, Sink[Any]]]) -> list[Answer | None]:
        """Get objects into their sinks, so many of them at once.

        :param wanted: the URL of each object, and its sink.
        :returns: for each, what came with it, or ``None`` when it did not come, or not as a
            whole. Such a sink cannot be used again.
        :raises Exception: what a sink raised.
        """
        answers: list[Answer | None] = [None] * len(wanted)
        waiting = iter(enumerate(wanted))
        try:
            while True:
                while self.has_room and (item := next(waiting, None)) is not None:
                    number, (url, sink) = item
                    self.begin(number, url, route, sink)
                if self.is_idle:
                    return answers
                for number, answer in self.ended():
                    answers[number] = answer
        finally:
            self.give_up()

    def begin(self, number: int, url: str, route: Route, sink: Sink[Any]) -> None:
        """Begin a request.

        :param number: what :meth:`ended` calls it.
        """
        transfer = self._idle.pop() if self._idle else _Transfer()
        transfer.begin(number, url, route, sink)
        self._go_on_with(transfer)

    def ended(self, waking: int | None = None) -> list[tuple[int, Answer | None]]:
        """Carry on, and wait for a while if there is nothing to be done.

        :param waking: a file; when something can be read from it, the wait is over.
        :returns: the requests that have ended meanwhile, each with its answer, as in :meth:`get_each`.
        :raises Exception: what a sink raised.
        """
        while self._again and self._again[0][0] <= monotonic():
            self._go_on_with(heappop(self._again)[2])
        self._multi.perform()
        done, more = [], 1
        while more:
            more, good, bad = self._multi.info_read()
            for curl, code in [*((curl, 0) for curl in good), *((curl, code) for curl, code, _ in bad)]:
                done.append((self._active.pop(curl), code))
                self._multi.remove_handle(curl)
        found = [
            (transfer.number, self._answer(transfer, code)) for transfer, code in done if not self._waits(transfer)
        ]
        if not done:
            self._wait(waking)
        return found

    def give_up(self) -> None:
        """End what is under way."""
        for transfer in self._active.values():
            self._multi.remove_handle(transfer.curl)
        for transfer in (*self._active.values(), *(transfer for _, _, transfer in self._again)):
            self._put_away(transfer)
        self._active.clear()
        self._again.clear()

    def _go_on_with(self, transfer: _Transfer) -> None:
        self._multi.add_handle(transfer.curl)
        self._active[transfer.curl] = transfer

    def _waits(self, transfer: _Transfer) -> bool:
        """Whether a request is to be made once more later, since the server was too busy for it."""
        if not transfer.is_to_be_tried_again():
            return False
        # Some of those that were refused together come again together.
        seconds = _FIRST_PAUSE_SECONDS * 2**transfer.attempts * uniform(0.5, 1)  # noqa: S311 - nothing secret
        self._count += 1
        heappush(self._again, (monotonic() + seconds, self._count, transfer))
        return True

    def _answer(self, transfer: _Transfer, code: int) -> Answer | None:
        error, answer = transfer.response.error, transfer.answer(code)
        self._put_away(transfer)
        if error:
            raise error
        return answer

    def _put_away(self, transfer: _Transfer) -> None:
        transfer.response.sink = None  # it may hold a whole digest, and the transfer may not be used again for long
        self._idle.append(transfer)

    def _wait(self, waking: int | None) -> None:
        seconds = _MOST_SECONDS
        if self._again:
            seconds = min(max(self._again[0][0] - monotonic(), 0), seconds)
        if waking is None and self._active:
            self._multi.select(seconds)
            return
        reading, writing, _ = self._multi.fdset()
        due_ms = self._multi.timeout()
        if due_ms >= 0:
            seconds = min(due_ms / 1000, seconds)
        events = dict.fromkeys((*reading, *(() if waking is None else (waking,))), POLLIN)
        events |= {file: events.get(file, 0) | POLLOUT for file in writing}
        waiting = poll()  # select refuses a file whose number is above 1,023
        for file, wanted in events.items():
            waiting.register(file, wanted)
        waiting.poll(seconds * 1000)
