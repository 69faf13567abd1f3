"""Many GET requests at once over reused connections, signed and carried out by libcurl.

Python runs one thread at a time, and what it does for each request limits their number. libcurl signs, sends and
receives outside of the interpreter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pycurl

from verify.credentials import Credentials
from verify.storage.objects import Sink

AT_ONCE = 80
_METADATA = b"x-amz-meta-"
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


@dataclass(frozen=True, slots=True)
class Route:
    """How a host is reached, and as whom.

    :param region: the region that requests are signed for.
    :param ca_file: the certificates to trust.
    :param proxy: the proxy's URL; ``""`` for none.
    """

    region: str
    credentials: Credentials
    ca_file: str
    proxy: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came with an object whose content went to the sink.

    :param metadata: the object's own, names in lower case and without ``x-amz-meta-``.
    """

    metadata: Mapping[str, str]
    last_modified: datetime


class _Response:
    """Receives one response. It does not refer to its connection, so that both are freed as soon as they are unused."""

    def __init__(self) -> None:
        self.sink: Sink[Any] | None = None
        self.header: list[bytes] = []
        self.is_enough = False
        self.error: Exception | None = None

    def open(self, sink: Sink[Any]) -> None:
        """Prepare for the next response."""
        self.sink, self.is_enough, self.error = sink, False, None
        self.header.clear()

    def take(self, piece: bytes) -> int | None:
        """Pass a piece on. When -1 of its bytes were taken, libcurl ends the request."""
        try:
            self.is_enough = self.sink is None or not self.sink.feed(piece)
        except Exception as error:  # noqa: BLE001 - pycurl would print it; it is raised once the request is over
            self.error = error
        return -1 if self.is_enough or self.error else None

    def metadata(self) -> dict[str, str]:
        """The object's metadata, from the ``x-amz-meta-`` headers."""
        found: dict[str, str] = {}
        for line in self.header:
            if line.startswith(b"HTTP/"):
                found.clear()  # what came before was a proxy's
            elif line[: len(_METADATA)].lower() == _METADATA:
                name, _, value = line[len(_METADATA) :].decode("latin-1").partition(":")
                found[name.lower()] = value.strip()
        return found


class _Transfer:
    """A libcurl handle, used for one request after another."""

    def __init__(self) -> None:
        self.curl: Any = pycurl.Curl()
        self.response = _Response()
        self.number = 0
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
        self.number = number
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
        self.curl.setopt(pycurl.CAINFO, route.ca_file)
        self.curl.setopt(pycurl.PROXY, route.proxy)
        self._route = route

    def answer(self, code: int) -> Answer | None:
        """What came with the object; ``None`` if it did not come as a whole.

        :param code: libcurl's result code; 0 for success.
        """
        if (code and not self.response.is_enough) or self.curl.getinfo(pycurl.RESPONSE_CODE) != 200:
            return None
        last_modified = datetime.fromtimestamp(self.curl.getinfo(pycurl.INFO_FILETIME), UTC)
        return Answer(self.response.metadata(), last_modified)


class Transfers:
    """The requests of one thread, and the connections that it reuses."""

    def __init__(self) -> None:
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, AT_ONCE)
        self._idle: list[_Transfer] = []
        self._active: dict[Any, _Transfer] = {}  # by their pycurl.Curl

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
            self._fill(route, waiting)
            while self._active:
                self._multi.perform()
                for transfer, code in self._ended():
                    if transfer.response.error:
                        raise transfer.response.error
                    answers[transfer.number] = transfer.answer(code)
                self._fill(route, waiting)
                if self._active:
                    self._multi.select(1.0)
        finally:
            for transfer in list(self._active.values()):
                self._end(transfer)
        return answers

    def _fill(self, route: Route, waiting: Iterator[tuple[int, tuple[str, Sink[Any]]]]) -> None:
        while len(self._active) < AT_ONCE and (item := next(waiting, None)) is not None:
            number, (url, sink) = item
            transfer = self._idle.pop() if self._idle else _Transfer()
            transfer.begin(number, url, route, sink)
            self._multi.add_handle(transfer.curl)
            self._active[transfer.curl] = transfer

    def _ended(self) -> Iterator[tuple[_Transfer, int]]:
        more = 1
        while more:
            more, done, failed = self._multi.info_read()
            for curl, code in [*((curl, 0) for curl in done), *((curl, code) for curl, code, _ in failed)]:
                transfer = self._active[curl]
                self._end(transfer)
                yield transfer, code

    def _end(self, transfer: _Transfer) -> None:
        self._multi.remove_handle(transfer.curl)
        del self._active[transfer.curl]
        transfer.response.sink = None  # it may hold a whole digest, and the transfer may not be used again for long
        self._idle.append(transfer)
