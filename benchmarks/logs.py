"""``verify logs`` against ``zcat | jq`` and trailscraper: the same files, the same two questions, the same run.

``python -m benchmarks.logs`` generates 1,000,000 events in 2,000 gzip files (``--events N``), in CloudTrail's layout,
and asks for the ten calls that are made most, by source, and for everything that one role did. trailscraper is
measured if ``--trailscraper PROGRAM`` names it: it pins a boto3 of its own, so it lives in an environment of its own.
What counts is the processor time of all processes; the files are in the page cache.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from verify.times import iso

_ACCOUNT = "111122223333"
_REGION = "us-east-1"
_EVENTS_A_FILE = 500
_ROLE = "role-7"
_ROUNDS = 2
_SERVICES = {
    "s3": ("GetObject", "PutObject", "ListObjects", "HeadBucket"),
    "kms": ("Decrypt", "GenerateDataKey"),
    "sts": ("AssumeRole", "GetCallerIdentity"),
    "ec2": ("DescribeInstances", "DescribeVolumes", "RunInstances"),
    "dynamodb": ("GetItem", "PutItem", "Query"),
    "iam": ("ListRoles", "GetRole"),
}
_TOP = (
    "SELECT eventSource, eventName, count(*) AS calls FROM events GROUP BY ALL "
    "ORDER BY calls DESC, eventSource, eventName LIMIT 10"
)
_JQ_TOP = '.Records[] | .eventSource + " " + .eventName'
_JQ_ROLE = f'.Records[] | select(.userIdentity.sessionContext.sessionIssuer.userName == "{_ROLE}")'


@dataclass(frozen=True)
class Run:
    """One run of a program with all of its processes."""

    seconds: float
    cpu_seconds: float
    peak_megabytes: float
    output: str


def record(chance: random.Random, at: datetime) -> dict[str, Any]:
    """An event of a role's session, in the size and shape of CloudTrail's."""
    service = chance.choice(tuple(_SERVICES))
    role = f"role-{chance.randrange(26)}"
    name = f"i-{chance.randrange(16**8):017x}"
    unique = f"AROA{role.upper().replace('-', ''):0<17}"
    key = f"reports/{at:%Y/%m/%d}/{chance.randrange(10**9)}.parquet"
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"{unique}:{name}",
            "arn": f"arn:aws:sts::{_ACCOUNT}:assumed-role/{role}/{name}",
            "accountId": _ACCOUNT,
            "accessKeyId": f"ASIA{chance.randrange(36**10):016d}",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": unique,
                    "arn": f"arn:aws:iam::{_ACCOUNT}:role/{role}",
                    "accountId": _ACCOUNT,
                    "userName": role,
                },
                "attributes": {"creationDate": iso(at - timedelta(hours=1)), "mfaAuthenticated": "false"},
                "ec2RoleDelivery": "2.0",
            },
        },
        "eventTime": iso(at),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": chance.choice(_SERVICES[service]),
        "awsRegion": _REGION,
        "sourceIPAddress": f"10.0.{chance.randrange(256)}.{chance.randrange(256)}",
        "userAgent": "[aws-sdk-java/2.20.26 Linux/5.10.186 OpenJDK_64-Bit_Server_VM/17.0.8 cfg/retry-mode/standard]",
        "requestParameters": {
            "bucketName": f"bucket-{chance.randrange(40)}",
            "Host": "s3.us-east-1.amazonaws.com",
            "key": key,
        },
        "responseElements": None,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": 0,
            "bytesTransferredOut": chance.randrange(10**7),
            "x-amz-id-2": f"{chance.randrange(16**32):032x}",
        },
        "requestID": f"{chance.randrange(16**16):016X}",
        "eventID": f"{chance.randrange(16**32):032x}",
        "readOnly": True,
        "resources": [
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::bucket/{key}"},
            {"accountId": _ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::bucket"},
        ],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": _ACCOUNT,
        "eventCategory": "Data",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "s3.us-east-1.amazonaws.com",
        },
    }


def make_corpus(folder: Path, events: int) -> tuple[int, int]:
    """Write the files; their number, and the size of their content."""
    chance = random.Random(7)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    size = files = 0
    for first in range(0, events, _EVENTS_A_FILE):
        at = start + timedelta(minutes=files)
        records = [
            record(chance, at + timedelta(seconds=number % 60)) for number in range(min(_EVENTS_A_FILE, events - first))
        ]
        body = json.dumps({"Records": records}, separators=(",", ":")).encode()
        name = f"{_ACCOUNT}_CloudTrail_{_REGION}_{at:%Y%m%dT%H%MZ}_{files:016d}.json.gz"
        path = folder / f"AWSLogs/{_ACCOUNT}/CloudTrail/{_REGION}/{at:%Y/%m/%d}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(body, 6))
        size, files = size + len(body), files + 1
    return files, size


def run(command: Sequence[str]) -> Run:
    """Run a program, and add up what it and its processes took."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    # The peak is that of the largest process so far, a child's or another's.
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 3), done.stderr
    cpu = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return Run(time.monotonic() - began, cpu, after.ru_maxrss / 1024, done.stdout)


def best(command: Sequence[str], rounds: int = _ROUNDS) -> Run:
    """The run that took the least processor time."""
    return min((run(command) for _ in range(rounds)), key=lambda each: each.cpu_seconds)


def show(name: str, found: Run, peer: float | None = None) -> None:
    """Print a row."""
    times = f"{peer / found.cpu_seconds:8.1f} x" if peer else ""
    print(
        f"{name:44}{found.seconds:9.2f} s{found.cpu_seconds:9.2f} CPU-s{found.peak_megabytes:8.0f} MB{times}",
        flush=True,
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--trailscraper", metavar="PROGRAM", help="the peer's program, if it is to be measured.")
    parser.add_argument("--without-jq", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files, size = make_corpus(folder, arguments.events)
        print(f"{arguments.events:,} events in {files:,} files, {size / 1e6:,.0f} MB of JSON")
        logs = [sys.executable, "-m", "verify", "logs"]
        role_sql = f"SELECT * FROM events WHERE role = '{_ROLE}'"  # noqa: S608 - our own name
        top = best([*logs, "query", _TOP, "--in", temporary, "--format", "jsonl"])
        show("verify logs: top ten", top)
        role = best([*logs, "query", role_sql, "--in", temporary, "--format", "jsonl"])
        show("verify logs: one role, every field", role)
        both = top.cpu_seconds + role.cpu_seconds
        show(
            "verify logs: both", Run(top.seconds + role.seconds, both, max(top.peak_megabytes, role.peak_megabytes), "")
        )
        with tempfile.TemporaryDirectory() as store:
            kept = [*logs, "query", _TOP, "--in", temporary, "--format", "jsonl", "--cache-dir", store]
            built = run(kept)
            show("verify logs: build the store, and top ten", built)
            packed = sum(path.stat().st_size for path in folder.rglob("*.gz"))
            stored = sum(path.stat().st_size for path in Path(store).rglob("*.parquet"))
            ratio = built.cpu_seconds / top.cpu_seconds
            print(f"the store is {stored / packed:.2f} x the gzip files; building takes {ratio:.1f} x the raw read")
            from_store = best(kept)
            assert from_store.output == top.output
            show("from the store: top ten", from_store)
            kept[kept.index(_TOP)] = role_sql
            role_from_store = best(kept)
            assert sorted(role_from_store.output.splitlines()) == sorted(role.output.splitlines())
            show("from the store: one role, every field", role_from_store)
        everything = f"find {temporary} -name '*.json.gz' -print0 | xargs -0 zcat"
        if not arguments.without_jq:
            jq_top = run(["bash", "-c", f"{everything} | jq -r '{_JQ_TOP}' | sort | uniq -c | sort -rn | head"])
            show("zcat | jq: top ten", jq_top)
            jq_role = run(["bash", "-c", f"{everything} | jq -c '{_JQ_ROLE}'"])
            show("zcat | jq: one role", jq_role)
            assert len(jq_role.output.splitlines()) == len(role.output.splitlines())
            peer = jq_top.cpu_seconds + jq_role.cpu_seconds
            print(f"both questions: {peer / both:.1f} x less processor time than zcat | jq")
        if arguments.trailscraper:
            command = [arguments.trailscraper, "select", "--log-dir", temporary, "--filter-assumed-role-arn"]
            peer = run([*command, f"arn:aws:iam::{_ACCOUNT}:role/{_ROLE}"])
            show("trailscraper: one role", peer)
            print(f"one role: {peer.cpu_seconds / role.cpu_seconds:.1f} x less processor time than trailscraper")


if __name__ == "__main__":
    main()
