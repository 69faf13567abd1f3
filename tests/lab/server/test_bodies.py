"""Bodies of requests have a bound, as they come and where they are inflated."""

import asyncio
import base64
import functools
import gzip
import hashlib
import io
import re
import select
import socket
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.confinement.decompression import TooLarge, bound_decompression, check_decompressed_size
from lab.instance import lifecycle
from lab.instance.folder import Lab
from lab.protocol.asgi import Message
from lab.protocol.request import Request
from lab.server import bodies
from lab.server.bodies import Busy, Gone, Unverified, read_body
from tests.lab.conftest import ClientFactory, make_client
from tests.lab.signing import FORM, ask, send, signed


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One of this file's own: its memory is measured, and what it is sent cannot all be understood."""
    home = tmp_path_factory.mktemp("lab")
    yield lifecycle.start(home)
    lifecycle.stop(home)


@pytest.fixture(scope="module")
def client(lab: Lab) -> ClientFactory:
    return functools.cache(lambda service: make_client(lab, service))


HEAD = Request("POST", "/", "", {}, b"")


def source(parts: list[bytes]) -> Any:
    waiting = list(parts)

    async def receive() -> Message:
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)} if waiting else LEFT

    return receive


LEFT: Message = {"type": "http.disconnect"}


def read(parts: list[bytes], limit: int, headers: dict[str, str] | None = None) -> bodies.Body:
    return asyncio.run(read_body(Request("POST", "/", "", headers or {}, b""), source(parts), limit))


async def drained(receive: Any) -> bytes:
    found, is_more = b"", True
    while is_more:
        message = await receive()
        found, is_more = found + message["body"], message["more_body"]
    assert (await receive())["type"] == "http.disconnect"
    return found


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=5))
def test_a_body_is_read_hashed_and_given_once_more(parts: list[bytes]) -> None:
    body = read(parts, 45)

    whole = b"".join(parts)
    assert (body.whole(), body.sha256) == (whole, hashlib.sha256(whole).hexdigest())
    assert asyncio.run(drained(body.again(source([])))) == whole


def test_no_more_is_read_than_the_limit() -> None:
    taken: list[int] = []

    async def endless() -> Message:
        taken.append(1)
        return {"type": "http.request", "body": b"x" * 10, "more_body": True}

    with pytest.raises(TooLarge):
        asyncio.run(read_body(HEAD, endless, 95))
    assert len(taken) == 10


def test_a_body_that_says_that_it_is_too_large_is_not_read_at_all() -> None:
    with pytest.raises(TooLarge):
        read([], 9, {"content-length": "10"})


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 1000])
def test_a_body_takes_as_much_memory_as_it_has_bytes_however_small_its_parts(size: int) -> None:
    count = 2_000_000 // size
    left = count

    async def receive() -> Message:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": bytes(size), "more_body": left > 0}

    async def measured() -> tuple[bodies.Body, int]:
        tracemalloc.start()
        try:
            return await read_body(HEAD, receive, 3_000_000), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    body, peak_bytes = asyncio.run(measured())

    assert len(body.whole()) == count * size
    assert peak_bytes < 4_000_000


def test_a_large_body_is_given_once_more_in_parts_that_are_not_kept() -> None:
    content = bytes(range(256)) * 20_000
    body = read([content], len(content))

    assert asyncio.run(drained(body.again(source([])))) == content
    assert body.whole() == b""


@given(st.lists(st.integers(0, 30), max_size=8), st.integers(0, 60), st.integers(0, 10))
def test_bodies_of_which_nobody_knows_who_signed_them_share_a_bound(sizes: list[int], limit: int, free: int) -> None:
    unverified = Unverified(limit, free)
    held = 0
    with ExitStack() as requests:
        for size in sizes:
            count = requests.enter_context(unverified.share())
            over = max(0, size - free)
            if held + over > limit:
                with pytest.raises(Busy):
                    for so_far in range(size + 1):
                        count(so_far)
                held = limit
            else:
                for so_far in range(size + 1):
                    count(so_far)
                held += over
    with unverified.share() as count:
        count(limit + free)  # all of it was given back
        with pytest.raises(Busy):
            count(limit + free + 1)


def unsigned_head(lab: Lab, length: int) -> bytes:
    """Of a request whose signature only its body can verify, with a key that everybody knows."""
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    scope = f"111122223333/{now[:8]}/us-east-1/dynamodb/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
    return (
        f"POST / HTTP/1.1\r\nHost: localhost:{lab.port}\r\nAuthorization: {authorization}\r\nX-Amz-Date: {now}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def test_who_only_knows_a_keys_name_cannot_fill_the_memory_with_many_connections(
    lab: Lab, client: ClientFactory
) -> None:
    client("dynamodb").list_tables()
    before = memory_bytes(lab)
    with ExitStack() as opened:
        waiting = []
        for _ in range(5):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", lab.port), timeout=60))
            waiting.append(connection)
            with suppress(ConnectionError):  # it may be answered before all of it is sent
                connection.sendall(unsigned_head(lab, bodies.MAX_CALL_BYTES))
                connection.sendall(bytes(bodies.MAX_CALL_BYTES - 1))  # one byte is missing: the lab goes on holding it
        answers: list[bytes] = []
        while len(answers) < 3:  # two of them are what the lab holds; which two, the order of reading decides
            readable, _, _ = select.select(waiting, [], [], 60)
            assert readable, answers
            answers += [connection.recv(65536) for connection in readable]
            waiting = [connection for connection in waiting if connection not in readable]
        client("dynamodb").list_tables()  # usual calls are served all the same
        assert [b" 503 " in each for each in answers] == [True, True, True]
        assert b"SlowDown" in b"".join(answers)

    assert memory_bytes(lab) - before < 250_000_000
    client("dynamodb").list_tables()


UPGRADE = (
    b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
)


@pytest.mark.parametrize(
    "opening",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
        UPGRADE,
    ],
)
def test_no_connection_brings_many_requests_at_a_time(lab: Lab, opening: bytes) -> None:
    """Those of HTTP/2 do."""
    with socket.create_connection(("127.0.0.1", lab.port), timeout=60) as connection:
        connection.sendall(opening.replace(b"Host: localhost", b"Host: localhost:%d" % lab.port))
        assert connection.recv(65536).startswith(b"HTTP/1.1 " + (b"200" if opening == UPGRADE else b"4"))


def test_a_client_that_goes_is_gone() -> None:
    with pytest.raises(Gone):
        read([], 9)


@given(st.binary(max_size=2000), st.integers(1, 3), st.integers(1, 50), st.integers(0, 6001))
def test_a_body_is_as_large_as_it_inflates_to(content: bytes, streams: int, step: int, limit: int) -> None:
    packed = gzip.compress(content) * streams
    parts = [packed[at : at + step] for at in range(0, len(packed), step)]

    if len(gzip.decompress(packed)) > limit:
        with pytest.raises(TooLarge):
            check_decompressed_size(parts, limit)
    else:
        check_decompressed_size(parts, limit)


@given(st.binary(max_size=50))
def test_what_does_not_inflate_is_left_to_whoever_reads_it(junk: bytes) -> None:
    check_decompressed_size([junk], 1_000_000)


def memory_bytes(lab: Lab) -> int:
    """The most memory that the lab's process ever had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{lab.pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """What inflates to a gigabyte."""
    packer = zlib.compressobj(9, wbits=31)
    step = bytes(1024 * 1024)
    return b"".join(packer.compress(step) for _ in range(1024)) + packer.flush()


@pytest.mark.parametrize(
    ("service", "headers"),
    [
        ("monitoring", FORM),
        ("kms", {"x-amz-target": "TrentService.ListKeys", "content-type": "application/x-amz-json-1.1"}),
        ("lambda", {"content-type": "application/json"}),
    ],
)
def test_a_small_body_that_inflates_to_a_gigabyte_is_rejected_and_takes_no_memory(
    lab: Lab, client: ClientFactory, bomb: bytes, service: str, headers: dict[str, str]
) -> None:
    client("cloudwatch").list_metrics()
    before = memory_bytes(lab)
    assert len(bomb) < 1_100_000
    headers = {**headers, "content-encoding": "GZip"}

    status, answer = ask(
        lab, "/", signed(lab, "/", service=service, method="POST", body=bomb, headers=headers), "POST", bomb
    )

    assert (status, b"70,167,211 bytes" in answer) in ((413, True), (400, True))
    assert memory_bytes(lab) - before < 50_000_000


def test_a_compressed_body_of_a_usual_size_is_read(lab: Lab, client: ClientFactory, bomb: bytes) -> None:
    body = gzip.compress(b"Action=ListMetrics&Version=2010-08-01&MetricName=" + b"y" * 20_000)
    headers = FORM | {"content-encoding": "gzip"}

    status, answer = ask(
        lab, "/", signed(lab, "/", service="monitoring", method="POST", body=body, headers=headers), "POST", body
    )

    assert (status, b"ListMetricsResult" in answer) == (200, True)
    wrong = gzip.compress(
        b"Action=CreateTopic&Version=2010-03-31&Name=not+a+name&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value="
        + b"y" * 20_000
    )
    rejected, why = ask(
        lab, "/", signed(lab, "/", service="sns", method="POST", body=wrong, headers=headers), "POST", wrong
    )
    assert (rejected, b"InvalidParameter" in why) == (400, True), "what is compressed is validated, too"
    client("s3").create_bucket(Bucket="compressed-objects")
    client("s3").put_object(Bucket="compressed-objects", Key="k", Body=bomb, ContentEncoding="gzip")
    assert client("s3").head_object(Bucket="compressed-objects", Key="k")["ContentLength"] == len(bomb)


def test_a_member_of_an_archive_is_read_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile.ZipFile, "open", zipfile.ZipFile.open)
    monkeypatch.setattr(gzip, "decompress", gzip.decompress)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small", b"x" * 1000)
        archive.writestr("large", b"x" * 1001)

    bound_decompression(1000)

    with zipfile.ZipFile(packed) as archive:
        assert archive.read("small") == b"x" * 1000
        with pytest.raises(zipfile.BadZipFile, match="'large' inflates to more than 1,000 bytes"):
            archive.read("large")
    assert gzip.decompress(gzip.compress(b"x" * 1000)) == b"x" * 1000
    with pytest.raises(gzip.BadGzipFile, match="more than 1,000 bytes"):
        gzip.decompress(gzip.compress(b"x" * 1001))


@pytest.mark.parametrize("key", ["111122223333", "AKIAGUESSED000000000", ""])
def test_who_signs_nothing_right_cannot_make_the_lab_keep_much(lab: Lab, key: str) -> None:
    """S3 says at once what is in a body, so it is not read when that is not signed; the others' are bounded."""
    before = memory_bytes(lab)
    scope = f"{key}/20260101/us-east-1/s3/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"} if key else {}

    found = send(lab.port, "PUT", "/bucket/key", headers | {"Content-Length": str(4 * 1024**3)})

    assert found.status in (400, 403)
    assert memory_bytes(lab) - before < 10_000_000


def test_entities_of_xml_do_not_multiply(lab: Lab, client: ClientFactory) -> None:
    client("s3").create_bucket(Bucket="entities")
    before = memory_bytes(lab)
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    body = f'<!DOCTYPE a [<!ENTITY e0 "xxxxxxxxxx">{entities}]><Tagging><TagSet>&e11;</TagSet></Tagging>'.encode()
    digest = {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}

    status, _ = ask(
        lab, "/entities?tagging", signed(lab, "/entities?tagging", method="PUT", body=body, headers=digest), "PUT", body
    )

    assert status == 400
    assert memory_bytes(lab) - before < 50_000_000


@pytest.mark.parametrize("claim", [b"\x9b\x7f" + b"\xff" * 7, b"\xbb\x7f" + b"\xff" * 7, b"\x5b\x7f" + b"\xff" * 7])
def test_a_length_that_cbor_only_claims_takes_no_memory(lab: Lab, client: ClientFactory, claim: bytes) -> None:
    client("cloudwatch").list_metrics()
    before = memory_bytes(lab)
    body = b"\xa1\x69Namespace" + claim
    headers = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
    path = "/service/GraniteServiceVersion20100801/operation/ListMetrics"

    ask(lab, path, signed(lab, path, service="monitoring", method="POST", body=body, headers=headers), "POST", body)

    assert client("cloudwatch").list_metrics()["Metrics"] == []
    assert memory_bytes(lab) - before < 50_000_000
