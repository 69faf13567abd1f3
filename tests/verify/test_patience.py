"""Calls end: each by itself, all together, and all by the time that a command gives them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from verify.aws import Aws
from verify.errors import Unreachable
from verify.threads import Patience


@pytest.fixture
def dripping() -> Iterator[str]:
    """The URL of a server whose answers go on and on, a byte now and then: no time-out of a read ends them."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            try:
                while not over.wait(0.05):
                    self.wfile.write(b"x")
                    self.wfile.flush()
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    over.set()
    server.shutdown()
    server.server_close()


@pytest.mark.slow
@pytest.mark.usefixtures("clean_aws_environment")
def test_a_call_that_drips_ends_with_the_time_that_the_command_has(
    dripping: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr("verify.aws._ONE_CALL_SECONDS", 20.0)  # so that the test ends where the mend is not
    monkeypatch.setattr("verify.aws._LAST_CALL_SECONDS", 1.0, raising=False)
    aws = Aws(region="us-east-1", endpoint_url=dripping, patience_seconds=1.5)
    began = time.monotonic()

    with pytest.raises(Unreachable, match=r"there was no whole answer within [12] s"):
        aws.caller()
    assert time.monotonic() - began < 10
    with pytest.raises(Unreachable, match="calls before it took so long that it was not made"):
        aws.caller()


def test_the_call_that_used_up_the_time_of_all_was_made() -> None:
    patience = Patience(one_call_seconds=0.2, usual_seconds=0.0, all_seconds=0.1)

    with pytest.raises(TimeoutError, match=r"there was no whole answer within 0\.2 s"):
        patience.wait(lambda: time.sleep(1))
    with pytest.raises(TimeoutError, match=r"calls before it took so long \(0.1 s more than they should\)"):
        patience.wait(lambda: None)


@pytest.mark.usefixtures("clean_aws_environment")
def test_patience_that_is_renewed_counts_from_the_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("verify.aws.monotonic", lambda: now)
    aws = Aws(region="us-east-1", patience_seconds=20)
    now = 115.0
    aws.waited_for(lambda: None, "iam", "ListUsers")
    now = 125.0
    with pytest.raises(Unreachable, match="was not made"):
        aws.waited_for(lambda: None, "iam", "ListUsers")

    aws.renew_patience()
    for later in (130.0, 145.0, 160.0):  # each answer gives as much time again
        now = later
        aws.waited_for(lambda: None, "iam", "ListUsers")
    now = 181.0
    with pytest.raises(Unreachable, match="was not made"):
        aws.waited_for(lambda: None, "iam", "ListUsers")
