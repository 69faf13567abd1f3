"""``verify integrity`` and servers that are not AWS, or not at their best: it ends, and says what it does not know.

The Update Framework's specification names two of these attacks: endless data and slow retrieval.
"""

from __future__ import annotations

import json
import random
import resource
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from threading import Event
from typing import Any

import pycurl
import pytest

from tests.tiers import mostly_slow
from tests.verify.integrity.hostile.answers import cases
from tests.verify.simulation.scenarios import trail
from tests.verify.simulation.server import SimulatedAwsServer, try_once
from tests.verify.simulation.trail import BUCKET, Chain
from verify.cli import main

pytestmark = pytest.mark.regular

Handler = BaseHTTPRequestHandler
# What a terminal would obey, or show in another order than it is written in.
_CONTROLS = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), *"\u200f\u202e\u2066\u2028"} - {"\n"}


@pytest.fixture
def chain(server: SimulatedAwsServer, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """A trail of all regions: every call is made."""
    chain = trail(4)
    chain.aws.trail["IsMultiRegionTrail"] = True
    server.aws = chain.aws
    # What clients that give up leave behind is no news.
    monkeypatch.setattr(server, "handle_error", lambda *_: None)
    monkeypatch.setattr("verify.cli.integrity.now", lambda: chain.at + timedelta(minutes=30))
    try_once(monkeypatch)
    return chain


@pytest.fixture
def check(chain: Chain, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs the command; its exit code and what it said."""

    def run(*options: str) -> tuple[int, str]:
        capsys.readouterr()
        exit_code = main(["integrity", "--start", f"{chain.hours[0].start:%Y-%m-%dT%H:%M:%SZ}", *options])
        said = capsys.readouterr()
        text = said.out + said.err
        assert not _CONTROLS.intersection(text)
        assert "Traceback" not in text
        return exit_code, text

    return run


def answer(body: bytes) -> Callable[[Handler], None]:
    def send(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


def instead_of(server: SimulatedAwsServer, asked: str, send: Callable[[Handler], None]) -> None:
    """Let the server answer one call in another way."""

    def instead(handler: Handler, operation: str) -> bool:
        if operation != asked:
            return False
        send(handler)
        return True

    server.instead = instead


# ---- what is not AWS's ---------------------------------------------------------------------------------------------


def assert_not_known(
    server: SimulatedAwsServer, check: Callable[..., tuple[int, str]], asked: str, body: bytes
) -> None:
    instead_of(server, asked, answer(body))

    exit_code, said = check()

    # Of a listing in which the digests' folders are not, files are missing; a trail may be none, a region have none.
    allowed = {"GET bucket": (1, 3), "DescribeTrails": (2, 3), "DescribeRegions": (1, 2, 3)}.get(asked, (3,))
    assert exit_code in allowed, (asked, body[:200], said[:2000])


SAMPLE = random.Random(11).sample(list(cases()), 8)  # noqa: S311


@pytest.mark.parametrize(("asked", "body"), SAMPLE, ids=range(len(SAMPLE)))
def test_an_answer_that_is_not_awss_proves_nothing(
    asked: str, body: bytes, server: SimulatedAwsServer, check: Callable[..., tuple[int, str]]
) -> None:
    assert_not_known(server, check, asked, body)


@pytest.mark.slow
def test_no_answer_that_is_not_awss_proves_anything(
    server: SimulatedAwsServer, check: Callable[..., tuple[int, str]]
) -> None:
    for asked, body in cases():
        assert_not_known(server, check, asked, body)


@pytest.mark.slow
def test_no_changed_value_in_an_answer_is_a_traceback(
    server: SimulatedAwsServer, check: Callable[..., tuple[int, str]]
) -> None:
    """A genuine answer of each call with one value replaced, in a hundred ways."""
    genuine: dict[str, bytes] = {}

    def remember(handler: Handler, operation: str) -> bool:
        genuine.setdefault(operation, handler.genuine)  # type: ignore[attr-defined]
        return False

    server.instead = remember
    assert check()[0] == 0
    generator = random.Random(7)  # noqa: S311
    bodies = {call: json.loads(body) for call, body in genuine.items() if body.startswith(b"{")}
    assert {"DescribeTrails", "GetTrailStatus", "ListPublicKeys", "LookupEvents"} <= set(bodies)
    for _ in range(100):
        asked = generator.choice(sorted(bodies))
        instead_of(server, asked, answer(json.dumps(changed(bodies[asked], generator)).encode()))
        assert check()[0] in (0, 1, 2, 3)


VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    2**64,
    "",
    "\0",
    "\x1b[31m",
    "\u202e",
    "..",
    [],
    {},
    [[]],
    [{}],
    "x" * 10_000,
]


def changed(value: Any, generator: random.Random) -> Any:
    """The value with a part of it replaced."""
    if isinstance(value, dict) and value and generator.random() < 0.9:
        name = generator.choice(sorted(value))
        return value | {name: changed(value[name], generator)}
    if isinstance(value, list) and value and generator.random() < 0.9:
        number = generator.randrange(len(value))
        return [*value[:number], changed(value[number], generator), *value[number + 1 :]]
    return generator.choice(VALUES)


# ---- slow retrieval ------------------------------------------------------------------------------------------------


@pytest.fixture
def is_over() -> Iterator[Event]:
    """Set when the test ends, for the server's threads."""
    over = Event()
    yield over
    over.set()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, reached sooner."""
    monkeypatch.setattr("verify.aws._ONE_CALL_SECONDS", 1.0)
    monkeypatch.setattr("verify.aws._ALL_CALLS_SECONDS", 2.0)
    monkeypatch.setattr("verify.aws._USUAL_SECONDS", 0.05)
    monkeypatch.setitem(import_module("verify.storage.transfers")._OPTIONS, pycurl.LOW_SPEED_TIME, 1)


START_OF_GZIP = b"\x1f\x8b\x08\x08\0\0\0\0\0\xff"  # a name follows


def trickle(over: Event, where: str) -> Callable[[Handler], None]:
    """An answer that goes on and on, a byte now and then: no time-out of a read ever ends it."""

    def send(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nLast-Modified: Sun, 01 Nov 2026 00:00:00 GMT\r\n")
        handler.wfile.write(b"x-filler: " if where == "header" else b"Content-Length: 100000\r\n\r\n" + START_OF_GZIP)
        try:
            while not over.wait(0.05):
                handler.wfile.write(b"x")
                handler.wfile.flush()
        except OSError:
            return

    return send


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("where", ["header", "body"])
@pytest.mark.parametrize(
    "asked", ["GetCallerIdentity", "DescribeTrails", "LookupEvents", "ListPublicKeys", "GET bucket", "GET object"]
)
def test_a_byte_now_and_then_does_not_keep_a_run_from_its_end(
    asked: str,
    where: str,
    server: SimulatedAwsServer,
    check: Callable[..., tuple[int, str]],
    is_over: Event,
) -> None:
    instead_of(server, asked, trickle(is_over, where))

    exit_code, said = check()

    assert exit_code == 3
    assert "there was no whole answer within 1 s" in said or "calls before it took so long" in said


@pytest.mark.usefixtures("impatient")
def test_calls_that_are_all_slow_come_to_an_end_together(
    server: SimulatedAwsServer, chain: Chain, check: Callable[..., tuple[int, str]], is_over: Event
) -> None:
    """Each is answered in time. Files without number, each of them slow, would keep a run from its end, too."""
    chain.run(20)

    def late(_handler: Handler, operation: str) -> bool:
        is_over.wait(0.4 if operation == "GET bucket" else 0)
        return False

    server.instead = late

    exit_code, said = check()

    assert exit_code == 3
    assert "calls before it took so long" in said


# ---- endless data --------------------------------------------------------------------------------------------------


def endless_body(over: Event) -> Callable[[Handler], None]:
    def send(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nLast-Modified: Sun, 01 Nov 2026 00:00:00 GMT\r\n\r\n")
        try:
            while not over.is_set():
                handler.wfile.write(b" " * 2**20)
        except OSError:
            return

    return send


@pytest.mark.parametrize("asked", ["DescribeTrails", "GetCallerIdentity", "LookupEvents", "GET bucket"])
def test_an_answer_without_end_is_no_answer(
    asked: str, server: SimulatedAwsServer, check: Callable[..., tuple[int, str]], is_over: Event
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    instead_of(server, asked, endless_body(is_over))

    exit_code, said = check()

    most_bytes = 2**23 if asked == "GET bucket" else 2**26
    assert (exit_code, f"it is longer than {most_bytes:,} bytes" in said) == (3, True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024


def test_an_object_without_end_is_altered(
    server: SimulatedAwsServer, check: Callable[..., tuple[int, str]], is_over: Event
) -> None:
    instead_of(server, "GET object", endless_body(is_over))

    assert check()[0] == 1


def pages(content: Callable[[int], bytes], token: Callable[[int], str]) -> Callable[[Handler], None]:
    """A listing that goes on for ever."""
    number = 0

    def send(handler: Handler) -> None:
        nonlocal number
        number += 1
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token(number)}</NextContinuationToken>"
        answer(b"<ListBucketResult>%s%s</ListBucketResult>" % (more.encode(), content(number)))(handler)

    return send


def entry(number: int) -> bytes:
    key, size = b"AWSLogs/%09d" % number, b"<Size>1</Size>"
    return b"<Contents><Key>%s</Key>%s<LastModified>2026-11-01T00:00:00Z</LastModified></Contents>" % (key, size)


@pytest.mark.parametrize(
    ("content", "token"),
    mostly_slow(
        [
            (lambda _: b"", lambda _: "same"),
            (lambda _: b"", str),
            (lambda _: entry(1), str),
            (entry, str),
            (lambda number: b"<CommonPrefixes><Prefix>%09d/</Prefix></CommonPrefixes>" % number, str),
        ],
        every=4,
    ),
    ids=["the same token", "new tokens, nothing else", "the same key", "new keys", "new folders"],
)
def test_a_listing_without_end_is_no_listing(
    content: Callable[[int], bytes],
    token: Callable[[int], str],
    server: SimulatedAwsServer,
    check: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("verify.storage.s3._MAX_PAGES", 200)
    monkeypatch.setattr("verify.storage.s3._MAX_EMPTY_PAGES", 100)
    instead_of(server, "GET bucket", pages(content, token))

    exit_code, said = check("--bucket", BUCKET)

    assert exit_code == 3
    assert "s3:ListBucket" in said


@pytest.mark.parametrize("asked", ["LookupEvents", "ListPublicKeys"])
def test_an_answer_with_ever_more_pages_is_no_answer(
    asked: str,
    server: SimulatedAwsServer,
    check: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("verify.aws._MAX_PAGES", 50)
    number = 0

    def send(handler: Handler) -> None:
        nonlocal number
        number += 1
        answer(json.dumps({"Events": [], "PublicKeyList": [], "NextToken": str(number)}).encode())(handler)

    instead_of(server, asked, send)

    exit_code, said = check()

    assert (exit_code, f"cloudtrail:{asked}" in said) == (3, True)
