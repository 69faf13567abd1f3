"""``verify hunt`` against the plain read of ``verify logs``: the same files, the same run.

``python -m benchmarks.hunt`` generates 1,000,000 events in 2,000 gzip files (``--events N``) as an account of some
hundred instances and people makes them: an instance has a role, an address and the few calls of its program; a person
makes all kinds of calls. With ``--restless`` an instance does so, too, which is what an attack looks like: each of them
is a finding, and a third of all events is kept until the end.

It measures the processor time of three processes: ``verify logs stats``, which reads and counts; the hunt with the
rules that come with the program, and with those of ``--rules`` as well. What counts is the ratio to the read.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.logs import ROLES, SERVICES, best, record, show
from verify.times import iso

_ACCOUNT = "111122223333"
_REGION = "us-east-1"
_EVENTS_A_FILE = 500
_INSTANCES = 120
_PEOPLE = 40
_OF_PROGRAMS = {
    "s3": ("GetObject", "PutObject", "HeadBucket"),
    "kms": ("Decrypt", "GenerateDataKey"),
    "dynamodb": ("GetItem", "PutItem", "Query"),
}
_RULES = Path(__file__).parents[2] / "shared/datasets/sigma-rules"


def ordinary(chance: random.Random, at: datetime, *, is_restless: bool) -> dict[str, Any]:
    """An event by one of few callers, each with a role and an address of its own; three quarters are instances."""
    number = chance.randrange(_INSTANCES + _PEOPLE)
    services = SERVICES if is_restless or number >= _INSTANCES else _OF_PROGRAMS
    made = record(chance, at, number % ROLES, services)
    caller = made["userIdentity"]
    role = caller["sessionContext"]["sessionIssuer"]["userName"]
    name = f"i-{number:017x}" if number < _INSTANCES else f"session-{number}"
    caller["principalId"] = f"{caller['principalId'].partition(':')[0]}:{name}"
    caller["arn"] = f"arn:aws:sts::{_ACCOUNT}:assumed-role/{role}/{name}"
    caller["accessKeyId"] = f"ASIA{at:%d%H}{number:010d}"
    # A session has one key, and was made at one time.
    caller["sessionContext"]["attributes"]["creationDate"] = iso(at.replace(minute=0, second=0))
    if number >= _INSTANCES:
        del caller["sessionContext"]["ec2RoleDelivery"]
    made["sourceIPAddress"] = f"198.51.{number}.{number}"
    return made


def make_corpus(folder: Path, events: int, *, is_restless: bool = False) -> None:
    """Write the files."""
    chance = random.Random(7)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number, first in enumerate(range(0, events, _EVENTS_A_FILE)):
        at = start + timedelta(minutes=number)
        records = [
            ordinary(chance, at + timedelta(seconds=each % 60), is_restless=is_restless)
            for each in range(min(_EVENTS_A_FILE, events - first))
        ]
        name = f"{_ACCOUNT}_CloudTrail_{_REGION}_{at:%Y%m%dT%H%MZ}_{number:016d}.json.gz"
        path = folder / f"AWSLogs/{_ACCOUNT}/CloudTrail/{_REGION}/{at:%Y/%m/%d}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode(), 6))


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--restless", action="store_true", help="instances make all kinds of calls.")
    parser.add_argument("--rules", type=Path, default=_RULES, help="a folder with folders of Sigma rules.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        make_corpus(Path(temporary), arguments.events, is_restless=arguments.restless)
        verify = [sys.executable, "-m", "verify"]
        plain = best([*verify, "logs", "stats", "--in", temporary])
        show("verify logs stats", plain)
        hunt = [*verify, "hunt", "--in", temporary, "--format", "json", "--fail-on", "critical"]
        sets = {"its own rules": hunt}
        for folder in sorted(each for each in arguments.rules.glob("*") if each.is_dir()):
            sets[f"and {folder.name}"] = [*hunt, "--rules", str(folder)]
        for name, command in sets.items():
            found = best(command)
            show(f"verify hunt: {name}", found)
            rules = json.loads(found.output)["rules"]
            print(f"{rules:,} rules: {found.cpu_seconds / plain.cpu_seconds:.2f} x the plain read", flush=True)


if __name__ == "__main__":
    main()
