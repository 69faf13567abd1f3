"""``verify check`` against Prowler, and against seven calls of the AWS CLI: one account of the lab, in the same run.

Prowler is restricted to the services that ``check`` asks about: CloudTrail, S3 and KMS, in one region. It lives in an
environment of its own (``make .venv/prowler/.installed``). The seven calls are those by which a shell script would look
at what the course's seven checks are about, one for each.

``python -m benchmarks.check`` takes some two minutes, most of them Prowler's. The bars: Prowler takes at least 50 times
the processor time, ``check`` holds at most 80 MB, and it is there before the seven calls are.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Measured, measure
from lab.instance import control, lifecycle
from lab.instance.environment import aws_environment, lab_variables
from lab.settings import Settings
from tests.end_to_end.conftest import Account

_ROUNDS = 5
_LEAST_RATIO, _MOST_MEGABYTES = 50, 80
_PROWLER = Path(sys.prefix) / "prowler/bin/prowler"
_SERVICES = ("cloudtrail", "s3", "kms")


@dataclass(frozen=True)
class Cost:
    """What something costs that may be several commands one after the other."""

    seconds: float
    cpu_seconds: float
    memory_mb: float

    @classmethod
    def of(cls, runs: Sequence[Measured]) -> Cost:
        """The cost of commands one after the other."""
        return cls(
            sum(run.seconds for run in runs),
            sum(run.cpu_seconds for run in runs),
            max(run.memory_mb for run in runs),
        )


def check(environment: dict[str, str]) -> Cost:
    """``verify check``, which must pass."""
    done = measure([sys.executable, "-m", "verify", "check", "--json"], environment)
    assert done.exit_code == 0
    assert json.loads(done.output)["summary"]["lab"] == {"passed": 7, "of": 7}
    return Cost.of([done])


def seven_calls(account: Account, environment: dict[str, str]) -> Cost:
    """The AWS CLI, once for each of the course's checks; each call must succeed."""
    aws = str(Path(sys.executable).with_name("aws"))
    trail = ["cloudtrail", "describe-trails", "--trail-name-list", account.trail]
    calls = (
        ["kms", "describe-key", "--key-id", account.key],
        ["s3api", "head-bucket", "--bucket", account.bucket],
        ["s3api", "get-bucket-encryption", "--bucket", account.bucket],
        trail,
        [*trail, "--query", "trailList[0].IsMultiRegionTrail"],
        [*trail, "--query", "trailList[0].LogFileValidationEnabled"],
        ["cloudtrail", "get-trail-status", "--name", account.trail],
    )
    done = [measure([aws, *call], environment) for call in calls]
    assert [run.exit_code for run in done] == [0] * 7
    return Cost.of(done)


def prowler(region: str, environment: dict[str, str]) -> tuple[Cost, int]:
    """Prowler, which must have findings, and their number."""
    with tempfile.TemporaryDirectory() as folder:
        output = ["--output-formats", "csv", "--output-directory", folder, "--output-filename", "found"]
        command = [str(_PROWLER), "aws", "--services", *_SERVICES, "--region", region, "--no-banner", *output]
        # Prowler exits with 3 when a check fails, which some of its always do.
        done = measure(command, {**environment, "HOME": folder})
        assert done.exit_code in (0, 3), done.output
        with (Path(folder) / "found.csv").open(encoding="utf-8", newline="") as file:
            findings = list(csv.DictReader(file, delimiter=";"))
    assert {found["SERVICE_NAME"] for found in findings} == set(_SERVICES)
    return Cost.of([done]), len(findings)


def show(name: str, cost: Cost) -> None:
    """Print one line of the table."""
    print(f"  {name:<28} {cost.seconds:6.2f} s {cost.cpu_seconds:7.2f} CPU-s {cost.memory_mb:5.0f} MB peak")


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each."""
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.cpu_seconds for cost in costs),
        max(cost.memory_mb for cost in costs),
    )


def main() -> int:
    """Measure all three, and print a table and whether the bars are met."""
    if not _PROWLER.exists():
        sys.exit("Prowler is not installed: make .venv/prowler/.installed")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        # Nothing is delivered while something is measured.
        lab = lifecycle.start(home, settings=Settings(delivery_seconds=86_400))
        try:
            account = Account(lab)
            account.deploy()
            control.deliver(lab)
            environment = {**aws_environment(lab), **lab_variables(lab, account.id)}
            check(environment)  # for the files that are read from the disk once
            ours, calls = [], []
            for _ in range(_ROUNDS):
                ours.append(check(environment))
                calls.append(seven_calls(account, environment))
            theirs, findings = prowler(lab.region, environment)
        finally:
            lifecycle.stop(home)
    mine, aws = median(ours), median(calls)
    print(f"one trail, its key and its bucket in the lab; Prowler has {findings} findings")
    show("verify check", mine)
    show("seven calls of the AWS CLI", aws)
    show(f"prowler {' '.join(_SERVICES)}", theirs)
    bars = {
        f"Prowler takes {theirs.cpu_seconds / mine.cpu_seconds:.0f} times the processor time": (
            theirs.cpu_seconds >= _LEAST_RATIO * mine.cpu_seconds
        ),
        f"check holds {mine.memory_mb:.0f} MB": mine.memory_mb <= _MOST_MEGABYTES,
        f"the seven calls take {aws.seconds / mine.seconds:.1f} times as long": aws.seconds > mine.seconds,
    }
    for bar, is_met in bars.items():
        print(f"  {'met' if is_met else 'MISSED'}: {bar}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
