"""A CloudTrail of one's own: signs digests with its own keys and delivers into buckets that live in memory."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.verify.simulation.signing import public_key, sign
from verify.integrity.digests.public_keys import PublicKey
from verify.storage.layout import ChainName, DeliveryLocation, DigestName
from verify.storage.objects import ObjectName

ACCOUNT = "111122223333"
HOME = "us-east-1"
TRAIL = "my-trail"
TRAIL_ARN = f"arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/{TRAIL}"
BUCKET = "trail-logs"
HOUR = timedelta(hours=1)
START = datetime(2026, 11, 1, 0, 1, 31, tzinfo=UTC)


@dataclass(frozen=True)
class Stored:
    body: bytes
    metadata: dict[str, str]
    last_modified: datetime

    @property
    def etag(self) -> str:
        return f'"{abs(hash(self.body)):x}"'


@dataclass(frozen=True)
class Delivered:
    """A digest and the logs that it names."""

    name: ObjectName
    start: datetime
    end: datetime
    sha256: str
    signature: str
    logs: tuple[ObjectName, ...]


@dataclass
class SimulatedAws:
    """The buckets, keys, status and event history of one trail."""

    objects: dict[ObjectName, Stored] = field(default_factory=dict)
    keys: dict[str, list[PublicKey]] = field(default_factory=dict)
    status: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    trail: dict[str, Any] = field(default_factory=dict)
    is_deleted: bool = False
    organization: str = ""
    denied: set[str] = field(default_factory=set)
    caller: str = ACCOUNT
    selectors: dict[str, Any] = field(
        default_factory=lambda: {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}
    )

    def put(self, name: ObjectName, body: bytes, at: datetime, **metadata: str) -> None:
        self.objects[name] = Stored(body, metadata, at)

    def edit(self, name: ObjectName, **changes: Any) -> None:
        self.objects[name] = replace(self.objects[name], **changes)

    def delete(self, *names: ObjectName) -> None:
        for name in names:
            del self.objects[name]

    def status_in(self, region: str) -> dict[str, Any]:
        """What GetTrailStatus says: of deliveries, those of the region; of logging, the same in all of them."""
        known = next(iter(self.status.values()), {"IsLogging": False})
        shared = ("IsLogging", "StartLoggingTime", "StopLoggingTime")
        return {name: known[name] for name in shared if name in known} | self.status.get(region, {})

    def save(self, folder: Path) -> None:
        """As ``aws s3 sync`` would: without metadata."""
        for name, stored in self.objects.items():
            path = folder / name.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stored.body)


def event(name: str, at: datetime, **parameters: Any) -> dict[str, Any]:
    """A record of a call on the trail."""
    return {
        "eventVersion": "1.11",
        "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": name,
        "awsRegion": HOME,
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/admin"},
        "sourceIPAddress": "203.0.113.9",
        "requestParameters": {"name": TRAIL_ARN} | parameters,
    }


@dataclass
class Chain:
    """One account and region of the trail. Each step delivers as CloudTrail would and moves the time on."""

    aws: SimulatedAws
    region: str = HOME
    account: str = ACCOUNT
    bucket: str = BUCKET
    prefix: str = ""
    trail: str = TRAIL
    at: datetime = START
    key: int = 0
    previous: Delivered | None = None
    previous_backfill: Delivered | None = None
    hours: list[Delivered] = field(default_factory=list)
    backfills: list[Delivered] = field(default_factory=list)
    number: int = 0
    every: timedelta = HOUR
    written_after: timedelta = timedelta(minutes=12)
    started: datetime | None = None

    def __post_init__(self) -> None:
        self.aws.keys.setdefault(self.region, [public_key(self.key)])
        self.aws.trail.setdefault("S3BucketName", self.bucket)
        self.aws.trail.setdefault("S3KeyPrefix", self.prefix)

    @property
    def location(self) -> DeliveryLocation:
        return DeliveryLocation(self.bucket, self.prefix, self.aws.organization, self.account)

    def log(self, at: datetime, *records: dict[str, Any]) -> tuple[ObjectName, bytes]:
        """Deliver a log file."""
        self.number += 1
        body = json.dumps({"Records": list(records) or [{"eventName": "ListBuckets", "number": self.number}]}).encode()
        unique = hashlib.sha256(f"{self.region}{self.account}{self.trail}{self.number}".encode()).hexdigest()[:16]
        file = f"{self.account}_CloudTrail_{self.region}_{at:%Y%m%dT%H%MZ}_{unique}.json.gz"
        name = ObjectName(self.bucket, self.location.logs_on(self.region, at.date()) + file)
        self.aws.put(name, gzip.compress(body, mtime=0), at)
        return name, body

    def deliver(
        self, start: datetime, end: datetime, logs: list[tuple[ObjectName, bytes]], *, is_backfill: bool = False
    ) -> Delivered:
        """Deliver a digest that follows the last one."""
        last = self.previous_backfill if is_backfill else self.previous
        chain = ChainName(self.account, self.region, self.trail, HOME, is_backfill)
        name = DigestName.of(self.location, chain, end).name
        fields = digest_fields(self, name, start, end, last, logs)
        body = json.dumps(fields).encode()
        sha256 = hashlib.sha256(body).hexdigest()
        previous = last.signature if last else "null"
        signature = sign(self.key, "\n".join((fields["digestEndTime"], f"{name.bucket}/{name.key}", sha256, previous)))
        metadata = {"signature": signature, "signature-algorithm": "SHA256withRSA"}
        written = end + self.written_after
        if is_backfill:
            metadata["backfill-generation-timestamp"] = f"{end + 5 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
            written = end + 5 * HOUR
        self.aws.put(name, gzip.compress(body, mtime=0), written, **metadata)
        delivered = Delivered(name, start, end, sha256, signature, tuple(log for log, _ in logs))
        if is_backfill:
            self.previous_backfill = delivered
            self.backfills.append(delivered)
        else:
            self.previous = delivered
            self.hours.append(delivered)
            self.started = self.started or start
            status = {"IsLogging": True, "LatestDigestDeliveryTime": written, "StartLoggingTime": self.started}
            self.aws.status[self.region] = status
        return delivered

    def run(self, hours: int, logs: int = 2) -> None:
        """Go on for some hours, or what stands for an hour."""
        for _ in range(hours):
            minutes = [self.every / 60 * (5 + 50 * number // max(logs, 1)) for number in range(logs)]
            written = [self.log(self.at + minute) for minute in minutes]
            self.deliver(self.at, self.at + self.every, written)
            self.at += self.every

    def backfill(self, hour: Delivered, logs: int = 1) -> Delivered:
        """Deliver a digest for logs that an hour's own digest left out."""
        written = [self.log(hour.start + timedelta(minutes=7 + number)) for number in range(logs)]
        return self.deliver(hour.start, hour.end, written, is_backfill=True)

    def pause(self, hours: int, *, is_recorded: bool = True) -> None:
        """StopLogging at the half hour, with its last digest; StartLogging after some hours starts a new chain."""
        half = self.at + HOUR / 2
        stop, start = event("StopLogging", half - timedelta(minutes=5)), event("StartLogging", self.at + hours * HOUR)
        if is_recorded and self.region == HOME:
            self.aws.events += [stop, start]
        self.deliver(self.at, half, [self.log(half - timedelta(minutes=2), *([stop] if is_recorded else []))])
        self.previous = self.previous_backfill = None
        self.at += hours * HOUR
        self.started = self.at
        first = self.log(self.at + timedelta(minutes=6), *([start] if is_recorded else []))
        self.deliver(self.at, self.at + HOUR, [first])
        self.at += HOUR

    def rotate(self) -> None:
        """From now on sign with another key."""
        self.key += 1
        self.aws.keys[self.region].append(public_key(self.key))


def digest_fields(
    chain: Chain,
    name: ObjectName,
    start: datetime,
    end: datetime,
    last: Delivered | None,
    logs: list[tuple[ObjectName, bytes]],
) -> dict[str, Any]:
    """A digest file's content."""

    def moment(at: datetime) -> str:
        return f"{at:%Y-%m-%dT%H:%M:%SZ}"

    return {
        "awsAccountId": chain.account,
        "digestStartTime": moment(start),
        "digestEndTime": moment(end),
        "digestS3Bucket": name.bucket,
        "digestS3Object": name.key,
        "digestPublicKeyFingerprint": public_key(chain.key).fingerprint,
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": moment(end) if logs else None,
        "oldestEventTime": moment(start) if logs else None,
        "previousDigestS3Bucket": last.name.bucket if last else None,
        "previousDigestS3Object": last.name.key if last else None,
        "previousDigestHashValue": last.sha256 if last else None,
        "previousDigestHashAlgorithm": "SHA-256" if last else None,
        "previousDigestSignature": last.signature if last else None,
        "logFiles": [
            {
                "s3Bucket": log.bucket,
                "s3Object": log.key,
                "hashValue": hashlib.sha256(body).hexdigest(),
                "hashAlgorithm": "SHA-256",
                "newestEventTime": moment(end),
                "oldestEventTime": moment(start),
            }
            for log, body in logs
        ],
    }


def regunzip(body: bytes) -> bytes:
    """The same content, compressed differently."""
    return gzip.compress(gzip.decompress(body), compresslevel=1, mtime=1)


def listed(aws: SimulatedAws, bucket: str, prefix: str) -> Iterator[ObjectName]:
    """The names that begin so, in order."""
    return iter(sorted(name for name in aws.objects if name.bucket == bucket and name.key.startswith(prefix)))
