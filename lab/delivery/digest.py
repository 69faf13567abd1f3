"""Digest files: what they say, how they are signed and how each points at the one before.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html (what is signed)
"""

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lab.clock import iso_time
from lab.delivery.log_file import folder
from lab.delivery.signing_key import SigningKey
from lab.delivery.trail import Trail

SIGNATURE_ALGORITHM = "SHA256withRSA"
_HASH_ALGORITHM = "SHA-256"


@dataclass(frozen=True, slots=True)
class DeliveredLog:
    """A log file that was delivered since the last digest; hash in hex, times in ISO 8601."""

    bucket: str
    key: str
    sha256: str
    oldest: str
    newest: str


@dataclass(frozen=True, slots=True)
class Link:
    """What a digest says about the one before it; hash and signature in hex."""

    bucket: str
    key: str
    sha256: str
    signature: str


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest file as it is delivered, and the link that the next one carries."""

    content: bytes
    link: Link


@dataclass(frozen=True, slots=True)
class Period:
    """The time a digest covers, in epoch seconds."""

    start_seconds: int
    end_seconds: int


def digest(
    trail: Trail,
    region: str,
    period: Period,
    logs: Sequence[DeliveredLog],
    previous: Link | None,
    signing_key: SigningKey,
) -> Digest:
    """The digest of one trail and region.

    :param logs: the log files delivered in the period; none makes an empty digest, which is delivered all the same.
    :param previous: None for the first digest after logging or validation began.
    """
    end = iso_time(period.end_seconds)
    key = digest_key(trail, region, period.end_seconds)
    body: dict[str, Any] = {
        "awsAccountId": trail.account,
        "digestStartTime": iso_time(period.start_seconds),
        "digestEndTime": end,
        "digestS3Bucket": trail.bucket,
        "digestS3Object": key,
        "digestPublicKeyFingerprint": signing_key.fingerprint,
        "digestSignatureAlgorithm": SIGNATURE_ALGORITHM,
        "newestEventTime": max((log.newest for log in logs), default=None),
        "oldestEventTime": min((log.oldest for log in logs), default=None),
        "previousDigestS3Bucket": previous and previous.bucket,
        "previousDigestS3Object": previous and previous.key,
        "previousDigestHashValue": previous and previous.sha256,
        "previousDigestHashAlgorithm": previous and _HASH_ALGORITHM,
        "previousDigestSignature": previous and previous.signature,
        "logFiles": [
            {
                "s3Bucket": log.bucket,
                "s3Object": log.key,
                "hashValue": log.sha256,
                "hashAlgorithm": _HASH_ALGORITHM,
                "newestEventTime": log.newest,
                "oldestEventTime": log.oldest,
            }
            for log in logs
        ],
    }
    text = json.dumps(body, separators=(",", ":")).encode()
    sha256 = hashlib.sha256(text).hexdigest()
    signature = signing_key.sign(
        string_to_sign(end, trail.bucket, key, sha256, previous.signature if previous else None)
    )
    return Digest(gzip.compress(text, mtime=0), Link(trail.bucket, key, sha256, signature))


def string_to_sign(end_time: str, bucket: str, key: str, sha256: str, previous_signature: str | None) -> bytes:
    """What a digest's signature signs: four lines, the last one `null` for a first digest."""
    return f"{end_time}\n{bucket}/{key}\n{sha256}\n{previous_signature or 'null'}".encode()


def digest_key(trail: Trail, region: str, end_seconds: int) -> str:
    """The object key of the digest that ends at a moment (epoch seconds)."""
    end = datetime.fromtimestamp(end_seconds, UTC)
    name = f"{trail.account}_CloudTrail-Digest_{region}_{trail.name}_{trail.home_region}_{end:%Y%m%dT%H%M%SZ}.json.gz"
    return f"{folder(trail, 'CloudTrail-Digest', region)}/{end:%Y/%m/%d}/{name}"
