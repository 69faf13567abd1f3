"""Finds in records of S3 data events who deleted or wrote files.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from verify.integrity.result import FileChange
from verify.integrity.timeline.verdict import Verdict
from verify.storage.objects import ObjectName

_DELETING = frozenset({"DeleteObject"})
_WRITING = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload", "PostObject", "RenameObject"})
# Of up to a thousand files; its record names none of them.
_DELETING_MANY = "DeleteObjects"
_DELIVERS = "cloudtrail.amazonaws.com"
# What there is no file of was deleted; all else was written.
_CALLS = {Verdict.MISSING: _DELETING, Verdict.ALTERED: _WRITING, Verdict.FOREIGN: _WRITING}


def changes_in(
    body: bytes | bytearray, bucket: str, wanted: Mapping[str, Verdict], source: str
) -> Iterator[FileChange]:
    """The calls in a log file that changed files of a bucket, as its records tell.

    CloudTrail's own deliveries are none, and neither is a call that failed.

    :param wanted: keys of files, each with what was found of it.
    :param source: of what the log file is one.
    """
    if bucket.encode() not in body or b"s3.amazonaws.com" not in body:
        return
    try:
        records = json.loads(body).get("Records")
    except (ValueError, AttributeError, RecursionError):
        return
    for record in records if isinstance(records, list) else ():
        try:
            yield from _changes(record, bucket, wanted, source)
        except (LookupError, TypeError, AttributeError, ValueError, OverflowError):
            continue  # it is not as CloudTrail writes it: nothing follows from it


def _changes(record: Any, bucket: str, wanted: Mapping[str, Verdict], source: str) -> Iterator[FileChange]:
    name, asked = record["eventName"], record.get("requestParameters") or {}
    if record["eventSource"] != "s3.amazonaws.com" or record.get("errorCode") or asked.get("bucketName") != bucket:
        return
    identity = record.get("userIdentity") or {}
    if _DELIVERS in (identity.get("invokedBy"), record.get("sourceIPAddress")):
        return
    at = datetime.fromisoformat(record["eventTime"])
    if at.tzinfo is None:
        return
    told = str(name), _caller(identity), str(record.get("sourceIPAddress") or ""), at.astimezone(UTC), source
    key = asked.get("key")
    if isinstance(key, str) and key in wanted and name in _CALLS[wanted[key]]:
        yield FileChange(str(ObjectName(bucket, key)), *told)
    if name == _DELETING_MANY:
        for one, verdict in wanted.items():
            if verdict is Verdict.MISSING:
                yield FileChange(str(ObjectName(bucket, one)), *told, names_file=False)


def _caller(identity: Mapping[str, Any]) -> str:
    """The caller's ARN, or what its record has instead: of another account's, that alone is told."""
    account = identity.get("accountId")
    other = "an anonymous caller" if account == "anonymous" else f"somebody of account {account}" if account else ""
    return str(identity.get("arn") or identity.get("invokedBy") or other or "an unnamed caller")
