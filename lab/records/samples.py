"""Calls that are recorded again: the background of a hunt, thousands of records from a few calls that were really made.

A repeated record is that of a real call, so that its shape is the lab's and its caller and resources exist; its time,
its ids and the number in the names of what it touched are its own.
"""

import json
import random
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from lab.clock import iso_time
from lab.errors import LabError
from lab.records.record import RecordedCall

# Each repeated record has another number in place of this one, wherever a name has it.
NUMBERED = "part-00000"
_NUMBERS = 100_000
# What these services change, credentials above all, exists once: no such call can have been made again and again.
_ONLY_ONCE = frozenset({"iam.amazonaws.com", "sts.amazonaws.com", "cloudtrail.amazonaws.com", "kms.amazonaws.com"})
_S3_REQUEST_ID_LENGTH = 16


class Samples:
    """The calls that some access keys made from `keep` to the first `repeated`, and as many more as are asked for."""

    def __init__(self) -> None:
        self._access_keys: frozenset[str] = frozenset()
        self._calls: list[RecordedCall] = []

    def keep(self, access_keys: frozenset[str]) -> None:
        """From now on keeps the calls of these access keys; forgets those of before."""
        self._access_keys, self._calls = access_keys, []

    def take(self, call: RecordedCall) -> None:
        """Takes a recorded call, if it is one to keep."""
        record = call.record
        if record["userIdentity"].get("accessKeyId") not in self._access_keys:
            return
        gives_credentials = "credentials" in (record["responseElements"] or {})  # AssumeRole is a read, for CloudTrail
        if not gives_credentials and (record["readOnly"] or record["eventSource"] not in _ONLY_ONCE):
            self._calls.append(call)

    def repeated(self, count: int, start: datetime, end: datetime, chance: random.Random) -> Iterator[RecordedCall]:
        """Records like the kept ones, oldest first.

        :param count: how many.
        :param start: all of them are from then on, and before `end`.
        :param chance: chooses which and when; their ids are new in any case.
        :raises LabError: no call was kept.
        """
        self._access_keys = frozenset()  # the repeated calls are no samples
        if not self._calls:
            raise LabError("The lab has kept no calls that could be repeated. The scenario makes them; run it again.")
        length_seconds = (end - start).total_seconds()
        for moment in sorted(chance.random() * length_seconds for _ in range(count)):
            yield _again(chance.choice(self._calls), start + timedelta(seconds=moment), chance.randrange(_NUMBERS))


def _again(call: RecordedCall, moment: datetime, number: int) -> RecordedCall:
    text, resources = call.text, call.resources
    if NUMBERED in text:
        name = f"{NUMBERED.partition('-')[0]}-{number:05}"
        text = text.replace(NUMBERED, name)
        resources = tuple(replace(each, name=each.name.replace(NUMBERED, name)) for each in resources)
    record = json.loads(text)
    record["eventTime"] = iso_time(int(moment.timestamp()))
    record["eventID"] = str(uuid.uuid4())
    is_short = len(record["requestID"]) == _S3_REQUEST_ID_LENGTH
    record["requestID"] = secrets.token_hex(8).upper() if is_short else str(uuid.uuid4())
    if "x-amz-id-2" in (record.get("additionalEventData") or {}):
        record["additionalEventData"]["x-amz-id-2"] = secrets.token_urlsafe(48)
    return RecordedCall(record, call.username, resources, call.is_decoded)
