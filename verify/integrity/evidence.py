"""Calls that switched the trail on or off, as the proven logs around a gap record them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from verify.integrity.digests.digest import Digest
from verify.integrity.facts import switching_of
from verify.integrity.timeline.gaps import Switching
from verify.storage.gzip_content import GzipSink
from verify.storage.objects import Found, ObjectStore

_MAX_BYTES = 64 * 2**20


def switchings_in_logs(
    store: ObjectStore, digests: Iterable[Digest], trail_name: str, trail_arn: str
) -> Iterator[Switching]:
    """The switchings in the logs of proven digests. Logs that do not match their digest say nothing."""
    for digest in digests:
        for log in digest.logs:
            (result,) = store.read_each(
                [log.name], lambda _: GzipSink(_MAX_BYTES, keep=True)
            )  # one at a time: it is kept
            if isinstance(result, Found) and result.value.sha256 == log.sha256 and result.value.body is not None:
                yield from _switchings(result.value.body, trail_name, trail_arn)


def _switchings(body: bytes, trail_name: str, trail_arn: str) -> Iterator[Switching]:
    if trail_name.encode() not in body:
        return
    try:
        records = json.loads(body).get("Records", ())
    except (ValueError, AttributeError, RecursionError):
        return
    for record in records if isinstance(records, list) else ():
        switching = switching_of(record, trail_name, trail_arn) if isinstance(record, dict) else None
        if switching is not None:
            yield switching
