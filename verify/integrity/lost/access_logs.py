"""Finds in S3's server access logs who deleted or wrote files.

S3 delivers them within hours, best effort, and signs nothing: whoever may write to their bucket can forge them.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import unquote

from verify.integrity.result import FileChange
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import Verdict
from verify.storage.objects import Found, ListedObject, ObjectName, ObjectStore
from verify.times import iso

SOURCE = "S3's access logs, which are best effort and not signed"
# bucket owner, bucket, [time], address, requester, request ID, operation, key, "request URI", status, …
_LINE = re.compile(
    r"\S+ (?P<bucket>\S+) \[(?P<time>[^\]]+)\] (?P<address>\S+) (?P<requester>\S+) \S+ (?P<operation>\S+) (?P<key>\S+) "
    r'(?:"(?:[^"\\]|\\.)*"|-) (?P<status>\S+) '
)
_TIME = "%d/%b/%Y:%H:%M:%S %z"
_EXPIRING = frozenset({"S3.EXPIRE.OBJECT", "S3.CREATE.DELETEMARKER"})
_DELETING = frozenset({"REST.DELETE.OBJECT", "BATCH.DELETE.OBJECT"}) | _EXPIRING
_WRITING = frozenset({"REST.PUT.OBJECT", "REST.COPY.OBJECT", "REST.POST.OBJECT", "REST.POST.UPLOAD"})
_OPERATIONS = {Verdict.MISSING: _DELETING, Verdict.ALTERED: _WRITING, Verdict.FOREIGN: _WRITING}
_DELIVERS = "cloudtrail.amazonaws.com"
_DELIVERED_WITHIN = timedelta(days=1)
_MOST_FILES, _AT_ONCE = 5_000, 32
_MOST_BYTES = 16 * 2**20  # of one file


@dataclass(frozen=True, slots=True)
class AccessLogs:
    """Where a bucket's access logs go.

    :param days_at: what their keys begin with, up to the day.
    :param day_format: how they go on.
    """

    bucket: str
    days_at: str
    day_format: str

    @classmethod
    def of(cls, answer: Mapping[str, Any], source: str, region: str, account: str) -> AccessLogs | None:
        """By GetBucketLogging's answer; ``None`` where there are none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html

        :param source: the bucket that was asked of.
        :param account: whose it is.
        :raises LookupError: the answer is not AWS's.
        """
        enabled = answer.get("LoggingEnabled")
        if not enabled:
            return None
        prefix = str(enabled.get("TargetPrefix") or "")
        if "PartitionedPrefix" in (enabled.get("TargetObjectKeyFormat") or {}):
            return cls(str(enabled["TargetBucket"]), f"{prefix}{account}/{region}/{source}/", "%Y/%m/%d/")
        return cls(str(enabled["TargetBucket"]), prefix, "%Y-%m-%d-")

    def files(self, store: ObjectStore, period: Period) -> Iterator[ListedObject]:
        """The files that may tell of a period.

        :raises CannotLook: their bucket could not be listed.
        """
        day, last = period.start.date(), (period.end + _DELIVERED_WITHIN).date()
        while day <= last:
            yield from store.objects(self.bucket, f"{self.days_at}{day.strftime(self.day_format)}")
            day += timedelta(days=1)


def search(
    store: ObjectStore, logs: AccessLogs, period: Period, bucket: str, wanted: Mapping[str, Verdict]
) -> tuple[list[FileChange], str]:
    """The calls of a period that changed files of a bucket.

    :param wanted: keys of files, each with what was found of it.
    :returns: the calls, and a clause that says what was searched.
    :raises CannotLook: the access logs' bucket could not be listed.
    """
    found: list[FileChange] = []
    files = [entry.name for entry in islice(logs.files(store, period), _MOST_FILES + 1)]
    unread = 0
    for first in range(0, min(len(files), _MOST_FILES), _AT_ONCE):
        for result in store.read_each(files[first : first + _AT_ONCE], lambda _: _Text()):
            text, is_whole = result.value if isinstance(result, Found) else ("", False)
            unread += not is_whole
            # Nothing else ends a line: what str.splitlines splits at may come from whoever made the call.
            found += changes_in(text.split("\n"), bucket, wanted)
    return found, said_of(
        min(len(files), _MOST_FILES), "access log of the bucket", period, unread, is_cut=len(files) > _MOST_FILES
    )


def said_of(number: int, kind: str, period: Period, unread: int, *, is_cut: bool) -> str:
    """A clause that says how many files were searched.

    :param kind: what one of them is, and whose, such as ``access log of the bucket``.
    :param period: of which they may tell.
    :param unread: how many of them nobody could read, or not to their end.
    :param is_cut: whether there are more.
    """
    what, _, whose = kind.partition(" of ")
    files, were = (what, "was") if number == 1 else (f"{what}s", "were")
    said = f"{number:,} {files} of {whose} {were} searched ({iso(period.start)} to {iso(period.end)})"
    said += f", of which {unread:,} could not be read to the end" if unread else ""
    return f"{said}, and no more of them" if is_cut else said


def changes_in(lines: Iterable[str], bucket: str, wanted: Mapping[str, Verdict]) -> Iterator[FileChange]:
    """The calls that changed files of a bucket, as lines of access logs tell. Calls that failed are none.

    :param wanted: keys of files, each with what was found of it.
    """
    for line in lines:
        fields = _LINE.match(line)
        if fields is None or fields["bucket"] != bucket or _is_delivery(fields["requester"]):
            continue
        # A key is encoded once or twice; CloudTrail's own keys look the same then.
        once = unquote(fields["key"])
        key = next((key for key in (fields["key"], once, unquote(once)) if key in wanted), None)
        operation = fields["operation"]
        if key is None or operation not in _OPERATIONS[wanted[key]]:
            continue
        if not fields["status"].startswith("2") and operation not in _EXPIRING:
            continue
        try:
            at = datetime.strptime(fields["time"], _TIME).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        address = "" if fields["address"] == "-" else fields["address"]
        yield FileChange(
            str(ObjectName(bucket, key)), operation, _caller(fields["requester"], operation), address, at, SOURCE
        )


def _is_delivery(requester: str) -> bool:
    """Whether it is CloudTrail itself. An ARN may hold its name as well: whoever assumes a role names the session."""
    return _DELIVERS in requester and not requester.startswith("arn:")


def _caller(requester: str, operation: str) -> str:
    if operation in _EXPIRING:
        return "S3, as the bucket's lifecycle rules say"
    return "an anonymous caller" if requester == "-" else requester


class _Text:
    """A sink for a file of text, and whether that is all of it."""

    def __init__(self) -> None:
        self._content = bytearray()

    def feed(self, piece: bytes | memoryview) -> bool:
        """See :class:`verify.storage.objects.Sink`."""
        self._content += piece
        return len(self._content) <= _MOST_BYTES

    def finish(self) -> tuple[str, bool]:
        """See :class:`verify.storage.objects.Sink`."""
        return self._content[:_MOST_BYTES].decode("utf-8", "replace"), len(self._content) <= _MOST_BYTES
