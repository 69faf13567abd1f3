"""A trail of the lab as the model of CloudTrail sees its own, so that the model's attacker can attack it.

The attacker changes a dict of objects; :meth:`LabWorld.attack` makes each change by a real call, DeleteObjects or
PutObject, and :meth:`LabWorld.undo` takes it back: the bucket keeps versions.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.verify.integrity.model.attacker import Attacker
from tests.verify.integrity.model.case import BEGIN, MINUTE, Attack, Case, TrailStart
from tests.verify.integrity.model.cloudtrail import Genuine, Key, Name, Segment, Stored, World

_FILE = re.compile(
    r"AWSLogs/(\d{12})/(CloudTrail|CloudTrail-Digest)/([a-z0-9-]+)/.*_(\d{8}T\d{4,6}Z)(?:_\w+)?\.json\.gz$"
)


class LabWorld(World):
    """What a trail delivered to its bucket and a digest has signed for, and what lies there now.

    :param began: from when on it may be attacked; ``now`` is when it is. As long lies between in every run, so that an
        attack falls on the same.
    :param places: each prefix to which it delivered since, until when: ``None`` for where it is.
    """

    def __init__(
        self, s3: Any, trail: TrailStart, began: datetime, now: datetime, places: dict[str, datetime | None]
    ) -> None:
        # A trail that never logs plays nothing: all that is there comes from the lab.
        super().__init__(Case(1, int((now - BEGIN) / MINUTE), (replace(trail, is_logging=False),)))
        self.s3, self.began, self.now, self.bucket = s3, began, now, trail.bucket
        for key in self._keys():
            found = s3.get_object(Bucket=self.bucket, Key=key)
            stored = Stored(found["Body"].read(), found["Metadata"], found["LastModified"])
            self.originals[self.bucket, key] = stored
        self.objects = dict(self.originals)
        delivered = {name: _genuine(name, stored) for name, stored in self.originals.items()}
        for name, one in delivered.items():
            if one.is_digest and one.end and one.end > began:
                self.genuine[name] = one
                for log in json.loads(one.content)["logFiles"]:
                    listed = self.bucket, log["s3Object"]
                    self.genuine[listed] = replace(delivered[listed], digest=name)
        self.segments = {}
        for chain in {one.key for one in self.genuine.values()}:
            since = began
            for prefix, until in places.items():
                segment = Segment(since, until, self.bucket, prefix, is_organization=False, is_signed=True)
                self.segments.setdefault(chain, []).append(segment)
                since = until or since

    def attack(self, attack: Attack) -> bool:
        """Carry out an attack in the lab; whether it changed anything."""
        attacker = Attacker(self, self.now, self.began)
        before = dict(self.objects)
        attacker.attack(attack)
        self._delete([{"Key": key} for _, key in sorted(before.keys() - self.objects.keys())])
        for name, stored in self.objects.items():
            if before.get(name) != stored:
                self.s3.put_object(Bucket=name[0], Key=name[1], Body=stored.body, Metadata=stored.metadata)
        return bool(attacker.happened)

    @property
    def deleted(self) -> list[str]:
        """The keys of files that are gone."""
        return sorted(key for _, key in self.originals.keys() - self.objects.keys())

    @property
    def written(self) -> list[str]:
        """The keys of files that are not what CloudTrail delivered, or that it did not deliver."""
        return sorted(name[1] for name, stored in self.objects.items() if self.originals.get(name) != stored)

    def undo(self) -> None:
        """Let the bucket be what it was: each version that came since goes, and each mark that something is gone."""
        touched, kept, newer = {*self.deleted, *self.written}, dict[str, str](), list[dict[str, str]]()
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket):
            versions = [one for one in page.get("Versions", ()) if one["Key"] in touched]
            for one in (*versions, *(one for one in page.get("DeleteMarkers", ()) if one["Key"] in touched)):
                newer.append({"Key": one["Key"], "VersionId": one["VersionId"]})
            kept |= {one["Key"]: one["VersionId"] for one in versions}  # the oldest comes last
        delivered = {key: version for key, version in kept.items() if (self.bucket, key) in self.originals}
        self._delete([one for one in newer if delivered.get(one["Key"]) != one["VersionId"]])
        self.objects = dict(self.originals)

    def _delete(self, names: list[dict[str, str]]) -> None:
        if names:
            done = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": names, "Quiet": True})
            assert not done.get("Errors")

    def _keys(self) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]


def _genuine(name: Name, stored: Stored) -> Genuine:
    """A file that the lab delivered. When, its name tells: the lab's S3 has the time of this machine."""
    found = _FILE.search(name[1])
    assert found, name
    account, kind, region, moment = found.groups()
    content = gzip.decompress(stored.body)
    key = Key(0, account, region)
    minute = _moment(moment)
    if kind == "CloudTrail":
        calls = tuple(
            one["eventName"] for one in json.loads(content)["Records"]
            if one["eventSource"] == "cloudtrail.amazonaws.com" and not one.get("readOnly")
        )  # fmt: skip
        return Genuine(key, name, content, minute, minute, minute, calls=calls)
    fields = json.loads(content)
    start, end = (datetime.fromisoformat(fields[each]) for each in ("digestStartTime", "digestEndTime"))
    return Genuine(key, name, content, end, end, end, start, end)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ" if len(text) == 16 else "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
