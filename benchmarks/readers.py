"""Ways to read many small objects from S3: each reads, inflates and hashes the same logs from the same server.

``python -m benchmarks.readers`` takes about a minute. The verifier uses the first one. Of the others, those that are
not installed are left out: ``.venv/bin/uv pip install -p .venv aiohttp awscrt obstore``.
"""

from __future__ import annotations

import asyncio
import os
import resource
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.integrity import Trail, served
from verify.aws import Aws
from verify.integrity.reader import Pools
from verify.storage.gzip_content import MAX_LOG_BYTES, Content, GzipSink, content_of
from verify.storage.objects import Found, ObjectName
from verify.storage.s3 import S3ObjectStore

_DIGESTS = 300
_BUCKET = "trail-logs"
_IN_FLIGHT = 64
Read = Callable[[Trail, list[str]], Iterable[Content]]


def libcurl(trail: Trail, keys: list[str]) -> Iterable[Content]:  # noqa: ARG001 - every way has the same arguments
    """The verifier's own."""
    store = S3ObjectStore(Aws())
    read = partial(store.read_each, sink=lambda _: GzipSink(MAX_LOG_BYTES))
    with Pools.open() as pools:
        for future, _ in pools.logs.start(read, [ObjectName(_BUCKET, key) for key in keys]):
            yield from (found.value for found in future.result() if isinstance(found, Found))


def boto3_in(threads: int, trail: Trail, keys: list[str]) -> Iterable[Content]:  # noqa: ARG001
    """boto3's get_object."""
    client = Aws().client("s3")
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(lambda key: content_of(client.get_object(Bucket=_BUCKET, Key=key)["Body"].read()), keys)


def obstore_in(threads: int, trail: Trail, keys: list[str]) -> Iterable[Content]:
    """object_store, in Rust."""
    obstore: Any = import_module("obstore")
    import_module("obstore.store")
    config = {"region": "us-east-1", "endpoint": trail.url, "access_key_id": "A", "secret_access_key": "s"}
    store = obstore.store.S3Store(_BUCKET, config=config, client_options={"allow_http": True})
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(lambda key: content_of(bytes(obstore.get(store, key).bytes())), keys)


def aiohttp_with_botocore(trail: Trail, keys: list[str]) -> Iterable[Content]:
    """Asyncio, signed by botocore."""
    aiohttp: Any = import_module("aiohttp")
    signer = S3SigV4Auth(Credentials("A", "s"), "s3", "us-east-1")

    async def read_all() -> list[Content]:
        at_once = asyncio.Semaphore(_IN_FLIGHT)

        async def read(key: str) -> Content:
            request = AWSRequest("GET", f"{trail.url}/{_BUCKET}/{key}")
            request.context["payload_signing_enabled"] = False
            async with at_once:
                signer.add_auth(request)
                async with session.get(request.url, headers=dict(request.headers), auto_decompress=False) as answer:
                    return content_of(await answer.read())

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_IN_FLIGHT)) as session:
            return await asyncio.gather(*map(read, keys))

    return asyncio.run(read_all())


def awscrt(trail: Trail, keys: list[str]) -> Iterable[Content]:
    """AWS's own client in C, through its HTTP connections and its signer."""
    auth, http, io = (import_module(f"awscrt.{name}") for name in ("auth", "http", "io"))
    host, port = trail.url.removeprefix("http://").split(":")
    group = io.EventLoopGroup(1)
    bootstrap = io.ClientBootstrap(group, io.DefaultHostResolver(group))
    connecting = [http.HttpClientConnection.new(host, int(port), bootstrap) for _ in range(_IN_FLIGHT)]
    provider = auth.AwsCredentialsProvider.new_static("A", "s")
    waiting, found, is_done = iter(keys), list[Content](), threading.Event()

    def begin(connection: Any) -> None:
        key = next(waiting, None)
        if key is None:
            return
        config = auth.AwsSigningConfig(
            algorithm=auth.AwsSigningAlgorithm.V4,
            signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
            credentials_provider=provider,
            region="us-east-1",
            service="s3",
            use_double_uri_encode=False,
            signed_body_value="UNSIGNED-PAYLOAD",
        )
        request = http.HttpRequest("GET", f"/{_BUCKET}/{key}", http.HttpHeaders([("host", f"{host}:{port}")]))
        auth.aws_sign_request(request, config).add_done_callback(lambda _: send(connection, request))

    def send(connection: Any, request: Any) -> None:
        sink = GzipSink(MAX_LOG_BYTES)
        stream = connection.request(request, None, lambda chunk, **_: sink.feed(chunk))
        stream.completion_future.add_done_callback(lambda _: take(connection, sink))
        stream.activate()

    def take(connection: Any, sink: GzipSink) -> None:
        found.append(sink.finish())
        begin(connection)
        if len(found) == len(keys):
            is_done.set()

    for connection in connecting:
        begin(connection.result())
    is_done.wait()
    return found


_WAYS: dict[str, Read] = {
    "libcurl": libcurl,
    "boto3, 1 thread": partial(boto3_in, 1),
    "boto3, 16 threads": partial(boto3_in, 16),
    "obstore, 4 threads": partial(obstore_in, 4),
    "obstore, 64 threads": partial(obstore_in, 64),
    "aiohttp, 64 in flight": aiohttp_with_botocore,
    "awscrt, 64 in flight": awscrt,
}


def measure(trail: Trail, keys: list[str], read: Read) -> tuple[float, float]:
    """Seconds on the clock and of processor time, all threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    contents = list(read(trail, keys))
    seconds = time.monotonic() - began
    assert len(contents) == len(keys) and all(content.flaw is None for content in contents)
    now = resource.getrusage(resource.RUSAGE_SELF)
    return seconds, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def compare(delay_ms: float) -> None:
    """Every way, twice; the better run counts."""
    with served(_DIGESTS, delay_ms) as trail:
        os.environ.update(trail.environment)
        keys = [log.name.key for log in S3ObjectStore(Aws()).objects(_BUCKET, "") if "/CloudTrail/" in log.name.key]
        print(f"{len(keys):,} logs, {delay_ms:g} ms added to every request")
        for name, read in _WAYS.items():
            try:
                seconds, cpu_seconds = min(measure(trail, keys, read) for _ in range(2))
            except ImportError as error:
                print(f"  {name:22} {error}")
                continue
            rate, each = len(keys) / seconds, cpu_seconds / len(keys) * 1e6
            print(f"  {name:22} {rate:8,.0f} logs/s {each:8,.0f} microseconds of a processor each", flush=True)


if __name__ == "__main__":
    compare(0)
    compare(20)
