"""libcurl's requests, judged by botocore's own signer and by a server that breaks off."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from verify.credentials import Credentials
from verify.storage.transfers import AT_ONCE, Route, Transfers

MODIFIED = "Sun, 01 Nov 2026 00:00:00 GMT"
KEYS = ["plain", "AWSLogs/a_b-c=d.json.gz", "a//b", "/a", "a/", "ü ~%41+&?#'()*!@:;,$.gz", "x" * 900, "\u202e\t"]


@dataclass
class CollectingSink:
    """A sink that collects what it is fed, up to a size."""

    most: int = 10**9
    body: bytearray = field(default_factory=bytearray)

    def feed(self, piece: bytes | memoryview) -> bool:
        self.body += piece
        return len(self.body) < self.most

    def finish(self) -> bytes:
        return bytes(self.body)


class FailingSink(CollectingSink):
    def feed(self, piece: bytes | memoryview) -> bool:
        raise OSError(f"no room for {len(piece)} bytes")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.connections: set[Any] = set()
        self.url = f"http://127.0.0.1:{self.server_port}/bucket"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.server.connections.add(self.client_address)
        body = b"content of " + self.path.encode()
        length = len(body) + (100 if "short" in self.path else 0)
        self.send_response(404 if "missing" in self.path else 200)
        self.send_header("Content-Length", str(length))
        self.send_header("Last-Modified", MODIFIED)
        self.send_header("X-Amz-Meta-Signature", "abc: def")
        self.end_headers()
        self.wfile.write(body)
        if "short" in self.path:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield running
        running.shutdown()


def route(token: str | None = None) -> Route:
    return Route("eu-west-1", Credentials("AKIDEXAMPLE", "wJalr/+:=KEY", token), "", "")


@pytest.mark.parametrize("token", [None, "IQoJb3JpZ2lu+/=="])
@pytest.mark.parametrize("key", KEYS)
def test_a_request_is_signed_as_botocore_signs_it(key: str, token: str | None, server: Server) -> None:
    sink = CollectingSink()
    (answer,) = Transfers().get_each(route(token), [(f"{server.url}/{quote(key, safe='/~')}", sink)])
    assert answer is not None
    assert_signed_as_by_botocore(server, token)


@pytest.mark.parametrize("key", KEYS)
def test_a_listing_is_signed_as_botocore_signs_it(key: str, server: Server) -> None:
    query = f"continuation-token={quote('1/+=' + key, safe='')}&list-type=2&prefix={quote(key, safe='')}"
    (answer,) = Transfers().get_each(route(), [(f"{server.url}?{query}", CollectingSink())])
    assert answer is not None
    assert_signed_as_by_botocore(server, None)


def assert_signed_as_by_botocore(server: Server, token: str | None) -> None:
    ((path, headers),) = server.requests
    assert headers.get("x-amz-security-token") == token
    request = AWSRequest("GET", f"http://{headers['host']}{path}")
    request.context["timestamp"] = headers["x-amz-date"]
    signed = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    for name in signed:
        request.headers[name] = headers[name]
    signer = S3SigV4Auth(BotocoreCredentials("AKIDEXAMPLE", "wJalr/+:=KEY", token), "s3", "eu-west-1")
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert headers["authorization"].rpartition("Signature=")[2] == signature
    assert {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed)


def test_each_object_goes_to_its_own_sink_over_reused_connections(server: Server) -> None:
    transfers = Transfers()
    for _ in range(3):
        sinks = [CollectingSink() for _ in range(3 * AT_ONCE)]
        wanted = [(f"{server.url}/key-{number}", sink) for number, sink in enumerate(sinks)]
        answers = transfers.get_each(route(), wanted)

        said = [(answer.metadata, answer.last_modified) for answer in answers if answer]
        assert said == [({"signature": "abc: def"}, datetime(2026, 11, 1, tzinfo=UTC))] * len(sinks)
        assert [sink.finish() for sink in sinks] == [f"content of /bucket/key-{n}".encode() for n in range(len(sinks))]
    assert len(server.connections) <= AT_ONCE


def test_what_is_missing_or_breaks_off_has_no_answer_and_the_others_have_theirs(server: Server) -> None:
    names = ["a", "missing", "short", "b"]
    answers = Transfers().get_each(route(), [(f"{server.url}/{name}", CollectingSink()) for name in names])

    assert [answer is not None for answer in answers] == [True, False, False, True]


def test_a_host_that_refuses_the_connection_gives_no_answer() -> None:
    assert Transfers().get_each(route(), [("http://127.0.0.1:9/bucket/key", CollectingSink())]) == [None]


def test_a_sink_that_wants_no_more_has_its_answer(server: Server) -> None:
    transfers = Transfers()
    (answer,) = transfers.get_each(route(), [(f"{server.url}/long", CollectingSink(most=3))])
    assert answer is not None and answer.metadata == {"signature": "abc: def"}
    assert None not in transfers.get_each(route(), [(f"{server.url}/after", CollectingSink())])


def test_what_a_sink_raises_is_raised_and_the_connections_can_be_used_again(server: Server) -> None:
    transfers = Transfers()
    with pytest.raises(OSError, match="no room"):
        transfers.get_each(route(), [(f"{server.url}/{number}", FailingSink()) for number in range(AT_ONCE * 2)])
    assert None not in transfers.get_each(
        route(), [(f"{server.url}/{number}", CollectingSink()) for number in range(AT_ONCE)]
    )


def test_refreshed_credentials_are_used_for_the_next_request(server: Server) -> None:
    transfers = Transfers()
    for token in ("first", "second", None):
        transfers.get_each(route(token), [(f"{server.url}/key", CollectingSink())])
    assert [headers.get("x-amz-security-token") for _, headers in server.requests] == ["first", "second", None]


def test_a_proxy_is_asked_for_the_whole_url_and_sees_no_secret(server: Server) -> None:
    through = route()._replace(proxy=server.url.removesuffix("/bucket"))
    (answer,) = Transfers().get_each(through, [("http://s3.example/bucket/key", CollectingSink())])

    ((path, headers),) = server.requests
    assert answer is not None and path == "http://s3.example/bucket/key"
    assert "wJalr" not in str(headers)


def test_only_http_is_spoken(tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("secret")
    sink = CollectingSink()
    assert Transfers().get_each(route(), [(f"file://{tmp_path}/secret", sink)]) == [None]
    assert not sink.body


class BusyServer(Server):
    """Answers that it is too busy, as often as told for each object."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.RequestHandlerClass = _BusyHandler
        self.times = times


class _BusyHandler(_Handler):
    server: BusyServer

    def do_GET(self) -> None:
        if [path for path, _ in self.server.requests].count(self.path) >= self.server.times:
            super().do_GET()
            return
        self.server.requests.append((self.path, {}))
        body = b"<Error><Code>SlowDown</Code></Error>"
        self.send_response(503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.mark.parametrize("times", [1, 3, 4])
def test_what_a_server_is_too_busy_for_is_asked_again_a_few_times_and_its_excuse_is_no_content(
    times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_read = times < 4
    monkeypatch.setattr("verify.storage.transfers._FIRST_PAUSE_SECONDS", 0.001)
    with BusyServer(times) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        sinks = [CollectingSink() for _ in range(5)]
        wanted = [(f"{server.url}/key-{number}", sink) for number, sink in enumerate(sinks)]
        answers = Transfers(at_once=2).get_each(route(), wanted)
        server.shutdown()

    assert [answer is not None for answer in answers] == [is_read] * len(sinks)
    read = [f"content of /bucket/key-{number}".encode() if is_read else b"" for number in range(len(sinks))]
    assert [sink.finish() for sink in sinks] == read


def test_what_an_error_says_is_no_content(server: Server) -> None:
    sink = CollectingSink()
    assert Transfers().get_each(route(), [(f"{server.url}/missing", sink)]) == [None]
    assert not sink.body
