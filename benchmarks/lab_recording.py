"""What recording and authorization cost: the same calls to the lab and to bare MiniStack, in turns, in one run.

``python -m benchmarks.lab_recording`` takes about a minute and prints the processor time of each server per call, and
the ratio. Both servers run the same MiniStack with the same settings; the lab also verifies signatures, authorizes and
records every call, keeps the event history, and delivers to a trail that logs all management events and the data events
of S3. The caller is an IAM user with policies of its own and of a group, for which every call is decided anew.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
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
from lab.instance.folder import Lab
from lab.settings import Settings
from tests.lab.conftest import make_client
from tests.lab.destination import make_bucket

_BUCKET = "benchmark-data"
_ACCOUNT = lifecycle.ACCOUNT
_ROUNDS = 20
_CALLS_PER_ROUND = 300
_NUMBERS = itertools.count()  # each call has its own signature, as with an SDK, so that nothing can be kept by it


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
    Call("kms:CreateKey", "POST", "/", "kms", {"x-amz-target": "TrentService.CreateKey"}, b"{}"),
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
        """Processor time that the process has used, all its threads together."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(each.read_text(encoding="utf-8").split()[0]) for each in tasks) / 1e9


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
        yield Server(found.port, found.pid, _caller(found))
    finally:
        lifecycle.stop(folder)


def _caller(found: Lab) -> Credentials:
    """A user whose policies allow the calls, of its own and of a group, beside some that are about other things."""
    iam = make_client(found, "iam")
    iam.create_user(UserName="caller")
    iam.create_group(GroupName="callers")
    iam.add_user_to_group(GroupName="callers", UserName="caller")
    iam.put_user_policy(
        UserName="caller", PolicyName="p", PolicyDocument=_policy("ec2:Describe*", "iam:List*", "kms:*")
    )
    iam.put_group_policy(GroupName="callers", PolicyName="p", PolicyDocument=_policy("s3:*", "sns:Publish"))
    iam.attach_group_policy(GroupName="callers", PolicyArn="arn:aws:iam::aws:policy/AWSCloudFormationReadOnlyAccess")
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def _policy(*actions: str) -> str:
    is_here = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    statements = [{"Effect": "Allow", "Action": list(actions), "Resource": "*", "Condition": is_here}]
    statements.append({"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "arn:aws:s3:::benchmark-logs"})
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@contextmanager
def bare(folder: Path, beside: Server) -> Iterator[Server]:
    """MiniStack alone, with the lab's settings, called with the same key."""
    port = beside.port + 1
    folder.mkdir()
    command = [sys.executable, "-m", "ministack"]
    environment = server_environment(folder, port, _ACCOUNT, "us-east-1")
    quiet = subprocess.DEVNULL
    # In a session of its own, as the lab: Linux shares the processors among sessions.
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
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


def measure(servers: dict[str, Server], clients: dict[str, Client], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Processor seconds of the server per call, by server and call, of every round; the servers take turns."""
    found: dict[str, dict[str, list[float]]] = {name: {call.name: [] for call in _CALLS} for name in clients}
    count = _CALLS_PER_ROUND // len(_CALLS)
    for number in range(rounds):
        order = list(clients) if number % 2 else list(clients)[::-1]
        for call in _CALLS:
            for name in order:
                every = [signed(clients[name], call) for _ in range(count)]
                start = servers[name].cpu_seconds()
                for headers in every:
                    make(clients[name], call, headers)
                found[name][call.name].append((servers[name].cpu_seconds() - start) / count)
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
        servers = {"lab": ours, "bare": theirs}
        found = measure(servers, {name: connect(server) for name, server in servers.items()}, rounds)
    print(f"{'call':24}{'MiniStack':>12}{'lab':>12}{'ratio':>8}   (processor microseconds, median of {rounds} rounds)")
    medians = {call.name: [statistics.median(found[name][call.name]) for name in ("bare", "lab")] for call in _CALLS}
    for name, (theirs_seconds, ours_seconds) in medians.items():
        _row(name, theirs_seconds, ours_seconds)
    _row("all", *map(sum, zip(*medians.values(), strict=True)))
    ratios = [ours_seconds / theirs_seconds for theirs_seconds, ours_seconds in medians.values()]
    print(f"median of the ratios: {statistics.median(ratios):.2f}")


def _row(name: str, theirs: float, ours: float) -> None:
    print(f"{name:24}{theirs * 1e6:12.0f}{ours * 1e6:12.0f}{ours / theirs:8.2f}")


if __name__ == "__main__":
    main()
