"""Log files: their names and bytes.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html (names) and
cloudtrail-log-file-examples.html (contents).
"""

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.clock import iso_time
from lab.delivery.trail import Trail

_LEVEL = 3  # half the time of the usual one, for files a tenth bigger


@dataclass(frozen=True, slots=True)
class Event:
    """One record that waits for delivery: its eventTime in epoch seconds, and the record as JSON text."""

    seconds: int
    record: str


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file as it is delivered. `sha256` is of the content before compression (hex); times are ISO 8601."""

    bucket: str
    key: str
    content: bytes
    sha256: str
    oldest: str
    newest: str


def log_file(trail: Trail, region: str, events: Sequence[Event], delivered: datetime, unique: str) -> LogFile:
    """The log file of one trail and region.

    :param events: at least one.
    :param delivered: when it is delivered, in UTC; part of its name.
    :param unique: sixteen random letters or digits, which keep files of one minute apart.
    """
    text = f'{{"Records":[{",".join(event.record for event in events)}]}}'.encode()
    account = trail.account
    name = f"{account}_CloudTrail_{region}_{delivered:%Y%m%dT%H%MZ}_{unique}.json.gz"
    times = [event.seconds for event in events]
    return LogFile(
        bucket=trail.bucket,
        key=f"{folder(trail, 'CloudTrail', region)}/{delivered:%Y/%m/%d}/{name}",
        content=gzip.compress(text, compresslevel=_LEVEL, mtime=0),
        sha256=hashlib.sha256(text).hexdigest(),
        oldest=iso_time(min(times)),
        newest=iso_time(max(times)),
    )


def folder(trail: Trail, kind: str, region: str) -> str:
    """Where files of a kind (CloudTrail, CloudTrail-Digest) and region go, without a slash at the end."""
    start = f"{trail.prefix}/" if trail.prefix else ""
    return f"{start}AWSLogs/{trail.account}/{kind}/{region}"
