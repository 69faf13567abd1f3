"""``verify integrity`` against ``aws cloudtrail validate-logs``: the same files, the same server, the same run.

``python -m benchmarks.integrity`` takes three to six minutes; ``--large`` adds 100,000 logs, and ``--million``
1,000,000 as well, which takes four minutes more: do memory and time grow?
The server shares the machine's cores with what is measured, which costs the faster of the two more; so do other
programs, so the load is printed, and a ratio of times is to be taken on a machine that does nothing else.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.lean_s3 import log_body
from tests.verify.simulation.signing import private_key, sign
from tests.verify.simulation.trail import TRAIL_ARN
from verify.storage.gzip_content import content_of

_BIN = Path(sys.executable).parent
_LOGS_PER_DIGEST = 10
_MANY_LOGS_PER_DIGEST = 100  # with ten, a million would begin before the key that signs them
_ROUNDS = 3
_REGIONS = 17


@dataclass(frozen=True)
class Trail:
    """A trail that is being served."""

    digests: int
    url: str
    start: str
    end: str
    logs_per_digest: int = _LOGS_PER_DIGEST

    @property
    def logs(self) -> int:
        """How many log files it has."""
        return self.digests * self.logs_per_digest

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find it."""
        # Both programs come compiled, as to whoever installs them.
        others = ("AWS_", "PYTHONDONTWRITEBYTECODE")
        keep = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        return keep | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@dataclass(frozen=True)
class Run:
    """One run of a program, from its start to its end."""

    seconds: float
    cpu_seconds: float
    peak_megabytes: float
    output: str


@contextmanager
def served(
    digests: int, delay_ms: float, busy_every: int = 0, *, regions: int = 1, logs_per_digest: int = _LOGS_PER_DIGEST
) -> Iterator[Trail]:
    """A trail behind a server of its own.

    :param busy_every: of so many requests, one is answered with 503; 0 for none.
    :param regions: in how many it logs; all that it delivered is in the first.
    """
    numbers = (digests, logs_per_digest, delay_ms, busy_every, regions)
    command = [sys.executable, "-m", "benchmarks.lean_s3", *map(str, numbers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            port, start, end = server.stdout.readline().split()
            yield Trail(digests, f"http://127.0.0.1:{port}", start, end, logs_per_digest)
        finally:
            server.terminate()


def run(command: list[str], trail: Trail, exit_code: int = 0) -> Run:
    """Run a program that must end with an exit code, and measure it."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=trail.environment) as process:
        assert process.stdout
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    if process.returncode != exit_code:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def ours(trail: Trail, start: str = "", exit_code: int = 0) -> Run:
    """``verify integrity``, which must find every file valid.

    :param start: of the period. Default: - the trail's first moment.
    """
    command = [sys.executable, "-m", "verify", "integrity", "--start", start or trail.start, "--end", trail.end]
    done = run([*command, "--json"], trail, exit_code)
    (chain,) = json.loads(done.output)["chains"]
    assert (chain["logs"], chain["digests"]) == ({"proven": trail.logs}, {"proven": trail.digests})
    return done


def aws_cli(trail: Trail) -> Run:
    """``aws cloudtrail validate-logs``, which must find every file valid."""
    arguments = ["--trail-arn", TRAIL_ARN, "--start-time", trail.start, "--end-time", trail.end]
    done = run([str(_BIN / "aws"), "cloudtrail", "validate-logs", *arguments], trail)
    assert f"{trail.logs}/{trail.logs} log files valid" in done.output
    return done


def floor_seconds(digests: int) -> float:
    """Only the work itself, on bytes in memory, on as many threads as there are cores."""
    generator = random.Random(1)
    packed = [gzip.compress(log_body(generator)) for _ in range(100)]
    signature, key = bytes.fromhex(sign(0, "text")), private_key(0).public_key()

    def work(number: int) -> None:
        for log in range(_LOGS_PER_DIGEST):
            content_of(packed[(number + log) % len(packed)])
        key.verify(signature, b"text", PKCS1v15(), SHA256())

    began = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, range(digests)))
    return time.monotonic() - began


def show(name: str, trail: Trail, done: Run) -> None:
    """Print one run."""
    rate = trail.logs / done.seconds
    print(
        f"  {name:18} {done.seconds:7.2f} s {rate:8,.0f} logs/s {rate * 0.0717:7,.0f} MB/s "
        f"{done.cpu_seconds:6.2f} CPU-s {done.peak_megabytes:5.0f} MB peak"
    )


def best(runs: list[Run]) -> Run:
    """The quickest."""
    return min(runs, key=lambda done: done.seconds)


def compare(digests: int, cli_digests: int, delay_ms: float) -> None:
    """Measure both, alternately; the CLI on fewer files where it would take minutes."""
    print(f"{digests:,} digests, {digests * _LOGS_PER_DIGEST:,} logs, {delay_ms:g} ms added to every request")
    with served(digests, delay_ms) as trail, served(cli_digests, delay_ms) as cli_trail:
        ours_runs, cli_runs = [], []
        for _ in range(_ROUNDS):
            ours_runs.append(ours(trail))
            cli_runs.append(aws_cli(cli_trail))
        mine, theirs = best(ours_runs), best(cli_runs)
        show("verify integrity", trail, mine)
        show("aws validate-logs", cli_trail, theirs)
        ratio = (trail.logs / mine.seconds) / (cli_trail.logs / theirs.seconds)
        cpu = (theirs.cpu_seconds / cli_trail.logs) / (mine.cpu_seconds / trail.logs)
        busy = os.getloadavg()[0]
        print(f"  ratio {ratio:.1f}; of processor time {cpu:.1f}; {busy:.1f} processes ran on {os.cpu_count()} cores")
        if not delay_ms:
            floor = floor_seconds(digests)
            print(f"  floor (inflate, hash, verify in memory) {floor:.2f} s: {mine.seconds / floor:.1f} times that")


def again(digests: int, delay_ms: float) -> None:
    """A second run over a period that the first one proved, against the AWS CLI that only lists the same files."""
    print(f"a second run with --state, {delay_ms:g} ms added to every request")
    with served(digests, delay_ms) as trail, tempfile.TemporaryDirectory() as folder:
        state = str(Path(folder) / "state.json")
        command = [sys.executable, "-m", "verify", "integrity", "--start", trail.start, "--end", trail.end, "--json"]
        run([*command, "--state", state], trail)
        show("second run", trail, best([run([*command, "--state", state], trail) for _ in range(_ROUNDS)]))
        listing = [str(_BIN / "aws"), "s3", "ls", "--recursive", "s3://trail-logs/AWSLogs/"]
        show("aws s3 ls", trail, best([run(listing, trail) for _ in range(_ROUNDS)]))


def busy() -> None:
    """Every third request is answered with 503."""
    print("every third request answered with 503")
    with served(100, 0, busy_every=3) as trail, served(10, 0, busy_every=3) as cli_trail:
        mine, theirs = ours(trail), aws_cli(cli_trail)
        show("verify integrity", trail, mine)
        show("aws validate-logs", cli_trail, theirs)
        print(f"  ratio {(trail.logs / mine.seconds) / (cli_trail.logs / theirs.seconds):.1f}")


def grow(logs_per_digest: int) -> None:
    """Ten times the files: ten times the time, and no more memory."""
    print(f"growth, with {logs_per_digest} logs in each digest")
    for digests in (1_000, 10_000):
        with served(digests, 0, logs_per_digest=logs_per_digest) as trail:
            show(f"{trail.logs:,} logs", trail, ours(trail))


def long_ago() -> None:
    """A period of ten years over a bucket that has one, and a month of years ago, of which a bucket has nothing."""
    print("ten years, of which the bucket has one")
    start = f"{datetime.now(UTC) - timedelta(days=3650):%Y-%m-%d}"
    with served(365 * 24, 0, logs_per_digest=1) as trail:
        one, ten = [], []
        for _ in range(_ROUNDS):
            one.append(ours(trail))
            ten.append(ours(trail, start, exit_code=3))
        show("that one year", trail, best(one))
        show("ten years", trail, best(ten))
        print(f"  ratio {best(ten).seconds / best(one).seconds:.2f}")
    print("an empty month of years ago")
    with served(100, 0, regions=_REGIONS) as trail:
        month = ("2019-03-01", "2019-03-31")
        command = [sys.executable, "-m", "verify", "integrity", "--start", month[0], "--end", month[1], "--json"]
        mine = run(command, trail, exit_code=3)
        listed = _listed(trail)
        arguments = ["--trail-arn", TRAIL_ARN, "--start-time", month[0], "--end-time", month[1]]
        theirs = run([str(_BIN / "aws"), "cloudtrail", "validate-logs", *arguments], trail)
        print(f"  verify integrity, {_REGIONS} regions: {mine.seconds:.2f} s, {listed / _REGIONS:.1f} LISTs a region")
        print(f"  aws validate-logs, 1 region: {theirs.seconds:.2f} s, {_listed(trail) - listed} LISTs")


def _listed(trail: Trail) -> int:
    """How many LIST requests came so far."""
    with urllib.request.urlopen(f"{trail.url}/listed") as answer:  # noqa: S310 - our own server
        return int(answer.read())


if __name__ == "__main__":
    compare(1_000, 1_000, 0)
    compare(1_000, 100, 20)
    again(1_000, 20)
    busy()
    long_ago()
    if {"--large", "--million"} & set(sys.argv):
        grow(_LOGS_PER_DIGEST)
    if "--million" in sys.argv:
        grow(_MANY_LOGS_PER_DIGEST)
