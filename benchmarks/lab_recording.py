"""What recording costs: the same calls to the lab and to bare MiniStack, in turns, in one run.

``python -m benchmarks.lab_recording`` takes about a minute and prints microseconds per call and the ratio. Both servers
run the same MiniStack with the same settings; the lab also verifies signatures, records every call, keeps the event
history, and delivers to a trail that logs all management events and the data events of S3.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lab.instance import control, lifecycle
from lab.instance.environment import server_environment
from lab.settings import Settings
from tests.lab.conftest import make_client
from tests.lab.destination import make_bucket

_BUCKET = "benchmark-data"
_ACCOUNT = lifecycle.ACCOUNT
_ROUNDS = 20
_CALLS_PER_ROUND = 300
_NUMBERS = itertools.count()  # each call has its own signature, as with an SDK, so that nothing can be kept by it
_CPU_TICKS = re.compile(r"\) \S+ (?:\S+ ){10}(\d+) (\d+) ")


@dataclass(frozen=True)
class Call:
    """One request, as its bytes go over the wire."""

    name: str
    method: str
    path: str
    service: str
    headers: dict[str, str]
    body: bytes = b""


_FORM = {"content-type": "application/x-www-form-urlencoded"}
_CALLS = (
    Call("ec2:DescribeVpcs", "POST", "/", "ec2", _FORM, b"Action=DescribeVpcs&Version=2016-11-15"),
    Call("iam:ListUsers", "POST", "/", "iam", _FORM, b"Action=ListUsers&Version=2010-05-08"),
    Call("sts:GetCallerIdentity", "POST", "/", "sts", _FORM, b"Action=GetCallerIdentity&Version=2011-06-15"),
    Call("kms:ListKeys", "POST", "/", "kms", {"x-amz-target": "TrentService.ListKeys"}, b"{}"),
    Call("s3:ListBuckets", "GET", "/", "s3", {}),
    Call("s3:PutObject", "PUT", f"/{_BUCKET}/key", "s3", {"content-type": "text/plain"}, b"x" * 1024),
    Call("s3:GetObject", "GET", f"/{_BUCKET}/key", "s3", {}),
)


@dataclass(frozen=True)
class Server:
    """A running server: its port and process id, and the key that calls are signed with."""

    port: int
    pid: int
    key: Credentials

    def cpu_seconds(self) -> float:
        """Processor time that the process has used."""
        found = _CPU_TICKS.search(Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8"))
        if found is None:
            raise OSError(f"/proc/{self.pid}/stat is not as expected")
        return (int(found[1]) + int(found[2])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def lab(folder: Path) -> Iterator[Server]:
    """The lab, with a trail."""
    found = lifecycle.start(folder, settings=Settings(delivery_seconds=1, digest_seconds=10))
    try:
        s3, cloudtrail = make_client(found, "s3"), make_client(found, "cloudtrail")
        make_bucket(s3, "benchmark-logs")
        cloudtrail.create_trail(Name="benchmark", S3BucketName="benchmark-logs", EnableLogFileValidation=True)
        data = {"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{_BUCKET}/"]}
        cloudtrail.put_event_selectors(TrailName="benchmark", EventSelectors=[{"DataResources": [data]}])
        cloudtrail.start_logging(Name="benchmark")
        control.deliver(found)  # makes the key pair that signs the region's digests for a day
        yield Server(found.port, found.pid, Credentials(found.access_key_id, found.secret_access_key))
    finally:
        lifecycle.stop(folder)


@contextmanager
def bare(folder: Path, beside: Server) -> Iterator[Server]:
    """MiniStack alone, with the lab's settings, called with the same key."""
    port = beside.port + 1
    folder.mkdir()
    command = [sys.executable, "-m", "ministack"]
    environment = server_environment(folder, port, _ACCOUNT, "us-east-1")
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=quiet, stderr=quiet) as process:
        try:
            _wait(port)
            yield Server(port, process.pid, beside.key)
        finally:
            process.terminate()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/_ministack/health")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"MiniStack does not answer on port {port}")


@dataclass(frozen=True)
class Client:
    """A connection, and the key that calls are signed with."""

    connection: http.client.HTTPConnection
    key: Credentials


def signed(client: Client, call: Call) -> dict[str, str]:
    """The headers of a call, with its signature, which is made before the time is taken."""
    url = f"http://127.0.0.1:{client.connection.port}{call.path}"
    request = AWSRequest(call.method, url, call.headers | {"x-number": str(next(_NUMBERS))}, call.body)
    signer = S3SigV4Auth if call.service == "s3" else SigV4Auth
    signer(client.key, call.service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def make(client: Client, call: Call, headers: dict[str, str]) -> None:
    """Makes one call.

    :raises RuntimeError: it failed.
    """
    client.connection.request(call.method, call.path, call.body, headers)
    response = client.connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise RuntimeError(f"{call.name}: {response.status} {answer[:200]!r}")


def connect(server: Server) -> Client:
    """A client of a server that has made every call often enough for the server to have loaded what it needs."""
    client = Client(http.client.HTTPConnection("127.0.0.1", server.port), server.key)
    bucket = Call("s3:CreateBucket", "PUT", f"/{_BUCKET}", "s3", {})
    for call in (bucket, *_CALLS * 20):
        make(client, call, signed(client, call))
    return client


def measure(clients: dict[str, Client], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds per call, by server and call, of every round; the servers take turns."""
    found: dict[str, dict[str, list[float]]] = {name: {call.name: [] for call in _CALLS} for name in clients}
    count = _CALLS_PER_ROUND // len(_CALLS)
    for number in range(rounds):
        order = list(clients) if number % 2 else list(clients)[::-1]
        for call in _CALLS:
            for name in order:
                every = [signed(clients[name], call) for _ in range(count)]
                start = time.perf_counter()
                for headers in every:
                    make(clients[name], call, headers)
                found[name][call.name].append((time.perf_counter() - start) / count)
    return found


def main() -> None:
    """Runs the benchmark and prints its table."""
    parser = argparse.ArgumentParser(description="What recording adds to a call of the emulator.")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="how many rounds (default: %(default)s)")
    rounds = parser.parse_args().rounds
    with (
        tempfile.TemporaryDirectory() as folder,
        lab(Path(folder) / "lab") as ours,
        bare(Path(folder) / "bare", ours) as theirs,
    ):
        clients = {"lab": connect(ours), "bare": connect(theirs)}
        before = ours.cpu_seconds(), theirs.cpu_seconds()
        found = measure(clients, rounds)
        cpu = ours.cpu_seconds() - before[0], theirs.cpu_seconds() - before[1]
    print(f"{'call':24}{'MiniStack':>12}{'lab':>12}{'ratio':>8}   (microseconds, median of {rounds} rounds)")
    for call in _CALLS:
        _row(call.name, *(statistics.median(found[name][call.name]) for name in ("bare", "lab")))
    _row("all", *(sum(statistics.median(times) for times in found[name].values()) for name in ("bare", "lab")))
    print(f"processor seconds: MiniStack {cpu[1]:.2f}, lab {cpu[0]:.2f}, ratio {cpu[0] / cpu[1]:.2f}")


def _row(name: str, theirs: float, ours: float) -> None:
    print(f"{name:24}{theirs * 1e6:12.0f}{ours * 1e6:12.0f}{ours / theirs:8.2f}")


if __name__ == "__main__":
    main()
