"""``verify logs`` against ``zcat | jq`` and trailscraper: the same files, the same two questions, the same run.

``python -m benchmarks.logs`` generates 1,000,000 events in 2,000 gzip files (``--events N``), in CloudTrail's layout,
and asks for the ten calls that are made most, by source, and for everything that one role did. trailscraper is
measured if ``--trailscraper PROGRAM`` names it: it pins a boto3 of its own, so it lives in an environment of its own.
What counts is the processor time of all processes; the files are in the page cache.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measuring import Measured, measure
from tests.verify.simulation.trail import Chain, SimulatedAws
from verify.storage.layout import LogName
from verify.storage.objects import ObjectName
from verify.times import iso

_ACCOUNT = "111122223333"
_REGION = "us-east-1"
_EVENTS_A_FILE = 500
ROLES = 26
_ROLE = "role-7"
_ROUNDS = 2
_HOUR = timedelta(hours=1)
_REGIONS = [f"eu-north-{number}" for number in range(10)]
SERVICES = {
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
_ROLE_SQL = f"SELECT * FROM events WHERE role = '{_ROLE}'"  # noqa: S608 - our own name
_JQ_TOP = '.Records[] | .eventSource + " " + .eventName'
_JQ_ROLE = f'.Records[] | select(.userIdentity.sessionContext.sessionIssuer.userName == "{_ROLE}")'


def record(
    chance: random.Random,
    at: datetime,
    role_number: int | None = None,
    services: Mapping[str, Sequence[str]] = SERVICES,
) -> dict[str, Any]:
    """An event of a role's session, in the size and shape of CloudTrail's.

    :param role_number: the role. Default: - any.
    :param services: the calls of which it is one.
    """
    service = chance.choice(tuple(services))
    role = f"role-{chance.randrange(ROLES) if role_number is None else role_number}"
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
        "eventName": chance.choice(services[service]),
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


def make_digests(folder: Path, keys: Path) -> tuple[str, str]:
    """Sign for the files, hour by hour, and write the keys; the first and the last moment of what can be proven.

    In a copy without metadata a digest is proven by its successor: there is one more.
    """
    chain = Chain(SimulatedAws(), account=_ACCOUNT, region=_REGION)
    by_hour: dict[datetime, list[tuple[ObjectName, bytes]]] = {}
    for path in sorted(folder.rglob("*.json.gz")):
        name = ObjectName(chain.bucket, path.relative_to(folder).as_posix())
        found = LogName.parse(name)
        assert found is not None
        by_hour.setdefault(found.delivered.replace(minute=0), []).append((name, gzip.decompress(path.read_bytes())))
    first, last = min(by_hour), max(by_hour)
    hour = first
    while hour <= last + _HOUR:
        chain.deliver(hour, hour + _HOUR, by_hour.pop(hour, []))
        hour += _HOUR
    chain.aws.save(folder)
    (key,) = chain.aws.keys[_REGION]
    described = {
        "Value": base64.b64encode(key.der).decode(),
        "Fingerprint": key.fingerprint,
        "ValidityStartTime": key.valid_from.timestamp(),
        "ValidityEndTime": key.valid_to.timestamp(),
    }
    keys.write_text(json.dumps({"PublicKeyList": [described]}))
    return iso(first), iso(last + _HOUR)


def tenfold(folder: Path, into: Path) -> None:
    """The same files ten times, each as that of another region."""
    for path in folder.rglob(f"{_ACCOUNT}_CloudTrail_{_REGION}_*.json.gz"):
        for region in _REGIONS:
            other = into / path.relative_to(folder).as_posix().replace(_REGION, region)
            other.parent.mkdir(parents=True, exist_ok=True)
            other.hardlink_to(path)


def run(command: Sequence[str], *codes: int) -> Measured:
    """Run a program, and add up what it and its processes took."""
    found = measure(list(command), dict(os.environ))
    assert found.exit_code in (codes or (0, 3)), found
    return found


def best(command: Sequence[str], *codes: int) -> Measured:
    """The run that took the least processor time."""
    return min((run(command, *codes) for _ in range(_ROUNDS)), key=lambda each: each.cpu_seconds)


def show(name: str, found: Measured) -> Measured:
    """Print a row."""
    print(
        f"{name:52}{found.seconds:8.2f} s{found.cpu_seconds:8.2f} CPU-s{found.memory_mb:6.0f} MB",
        flush=True,
    )
    return found


def lines(found: Measured) -> list[str]:
    """Its rows, in an order that does not depend on the way to them."""
    return sorted(found.output.splitlines())


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--trailscraper", metavar="PROGRAM", help="the peer's program, if it is to be measured.")
    parser.add_argument("--without-jq", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, keys = Path(temporary, "copy"), Path(temporary, "keys.json")
        folder.mkdir()
        files, size = make_corpus(folder, arguments.events)
        packed = sum(path.stat().st_size for path in folder.rglob("*.gz"))
        print(
            f"{arguments.events:,} events in {files:,} files, {size / 1e6:,.0f} MB of JSON, {packed / 1e6:,.0f} packed"
        )
        peers(folder, arguments.trailscraper, *raw(folder), with_jq=not arguments.without_jq)
        ten = Path(temporary, "ten")
        ten.mkdir()
        tenfold(folder, ten)
        show(f"verify logs: top ten, of {10 * arguments.events:,} events", run(ours(_TOP, ten)))
        shutil.rmtree(ten)
        proven(folder, keys)


def ours(sql: str, folder: Path, *options: str) -> list[str]:
    """The command of ``verify logs``."""
    return [sys.executable, "-m", "verify", "logs", "query", sql, "--in", str(folder), "--format", "jsonl", *options]


def raw(folder: Path) -> tuple[Measured, Measured]:
    """Both questions, of the files and of a store."""
    packed = sum(path.stat().st_size for path in folder.rglob("*.gz"))
    top = show("verify logs: top ten", best(ours(_TOP, folder)))
    role = show("verify logs: one role, every field", best(ours(_ROLE_SQL, folder)))
    with tempfile.TemporaryDirectory() as store:
        built = show("  building the store, and top ten", run(ours(_TOP, folder, "--cache-dir", store)))
        stored = sum(path.stat().st_size for path in Path(store).rglob("*.parquet"))
        top_again = show("  from the store: top ten", best(ours(_TOP, folder, "--cache-dir", store)))
        role_again = show("  from the store: one role", best(ours(_ROLE_SQL, folder, "--cache-dir", store)))
        assert (lines(top_again), lines(role_again)) == (lines(top), lines(role))
        print(f"  the store is {stored / packed:.2f} x the gzip files")
        print(f"  building: {built.cpu_seconds / top.cpu_seconds:.1f} x the raw read of two columns,")
        print(f"            {built.cpu_seconds / role.cpu_seconds:.1f} x that of one role's every field")
    return top, role


def peers(folder: Path, trailscraper: str | None, top: Measured, role: Measured, *, with_jq: bool) -> None:
    """The same two questions, to other programs."""
    everything = f"find {folder} -name '*.json.gz' -print0 | xargs -0 zcat"
    if with_jq:
        jq_top = run(["bash", "-c", f"{everything} | jq -r '{_JQ_TOP}' | sort | uniq -c | sort -rn | head"])
        jq_role = run(["bash", "-c", f"{everything} | jq -c '{_JQ_ROLE}'"])
        assert len(jq_role.output.splitlines()) == len(role.output.splitlines())
        for name, peer, mine in (("top ten", jq_top, top), ("one role", jq_role, role)):
            show(f"zcat | jq: {name}", peer)
            print(f"  {peer.cpu_seconds / mine.cpu_seconds:.1f} x less processor time")
        both = (jq_top.cpu_seconds + jq_role.cpu_seconds) / (top.cpu_seconds + role.cpu_seconds)
        print(f"  both questions: {both:.1f} x less processor time than zcat | jq")
    if trailscraper:
        command = [trailscraper, "select", "--log-dir", str(folder), "--filter-assumed-role-arn"]
        peer = show("trailscraper: one role", run([*command, f"arn:aws:iam::{_ACCOUNT}:role/{_ROLE}"]))
        print(f"  {peer.cpu_seconds / role.cpu_seconds:.1f} x less processor time than trailscraper")


def proven(folder: Path, keys: Path) -> None:
    """The same answer, of what is proven alone."""
    start, end = make_digests(folder, keys)
    period = ("--start", start, "--end", end)
    proof = (*period, "--proven-only", "--keys", str(keys), "--region", _REGION, "--account", _ACCOUNT)
    for name, sql in (("top ten", _TOP), ("one role", _ROLE_SQL)):
        plain = show(f"of a period: {name}", best(ours(sql, folder, *period), 0))
        of_proof = show("  proven", best(ours(sql, folder, *proof), 0))
        assert lines(of_proof) == lines(plain)
        print(f"  {100 * (of_proof.cpu_seconds / plain.cpu_seconds - 1):.0f} % more processor time")
        with tempfile.TemporaryDirectory() as store:
            cache = ("--cache-dir", store)
            built = show("  building the store", run(ours(sql, folder, *period, *cache), 0))
            built = show("  proven, from the store", best(ours(sql, folder, *proof, *cache), 0))
            assert lines(built) == lines(plain)


if __name__ == "__main__":
    main()
