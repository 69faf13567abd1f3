"""An engine without the emulator: a clock that is set by hand, trails that are changed by hand, a bucket in memory."""

import gzip
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lab.clock import Clock, Shift
from lab.delivery.engine import Engine
from lab.delivery.journal import Journal
from lab.delivery.trail import Trail
from lab.delivery.trail_delivery import DeliveryFailed
from lab.settings import Settings

ACCOUNT = "111122223333"
START = 1_700_000_000
DIGEST_SECONDS = 3600
AUDIT = Trail(
    arn=f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit",
    name="audit",
    account=ACCOUNT,
    home_region="us-east-1",
    bucket="logs",
    is_multi_region=True,
    validates_log_files=True,
    is_logging=True,
    chain_since_seconds=START,
)


@dataclass
class Bucket:
    """What was written, and a way to break it."""

    objects: dict[str, tuple[bytes, Mapping[str, str]]] = field(default_factory=dict)
    fails_with: str = ""
    takes_seconds: Callable[[], None] = lambda: None
    writes: list[str] = field(default_factory=list)

    def __call__(self, trail: Trail, region: str, key: str, content: bytes, metadata: Mapping[str, str]) -> None:
        assert trail.bucket
        if self.fails_with:
            raise DeliveryFailed(self.fails_with, "broken on purpose")
        assert f"/{region}/" in key
        self.takes_seconds()
        self.writes.append(key)
        self.objects[key] = (content, metadata)

    def body(self, key: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(gzip.decompress(self.objects[key][0]))
        return content

    def logs(self, region: str = "") -> list[str]:
        return sorted(key for key in self.objects if f"/CloudTrail/{region}" in key)

    def digests(self, region: str = "") -> list[str]:
        return sorted(key for key in self.objects if f"/CloudTrail-Digest/{region}" in key)

    def event_ids(self) -> list[str]:
        return [record["eventID"] for key in self.logs() for record in self.body(key)["Records"]]


class World:
    """One engine and what is around it; `restart` is what a kill and a new start of the process come to."""

    def __init__(self, folder: Path, *trails: Trail) -> None:
        self.seconds = float(START)
        self.trails = list(trails or [AUDIT])
        self.bucket = Bucket()
        self._path = folder / "journal"
        self.restart()

    def restart(self) -> None:
        self.journal = Journal(self._path)
        self.clock = Clock([Shift(0, 0)], lambda: self.seconds)
        settings = Settings(digest_seconds=DIGEST_SECONDS)
        self.engine = Engine(self.journal, self.clock, settings, lambda: self.trails, self.bucket)
        self.engine.resume()

    def change(self, **settings: Any) -> Trail:
        """Changes the first trail."""
        self.trails[0] = replace(self.trails[0], **settings)
        self.engine.trails_changed()
        return self.trails[0]

    def call(self, **members: Any) -> str:
        """Records one call, and returns its eventID."""
        made = record(**members)
        self.engine.record(made, json.dumps(made))
        return str(made["eventID"])

    def call_with(self, first: dict[str, Any]) -> str:
        """Records one call whose record begins with these members, as it is written."""
        made = {**first, **record()}
        self.engine.record(made, json.dumps(made, separators=(",", ":")))
        return str(made["eventID"])

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.engine.tick()


def record(**members: Any) -> dict[str, Any]:
    """A record as far as delivery looks at it."""
    return {
        "eventID": str(uuid.uuid4()),
        "eventTime": "2023-11-14T22:13:20Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "RunInstances",
        "awsRegion": "us-east-1",
        "readOnly": False,
        "managementEvent": True,
        "eventCategory": "Management",
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
        **members,
    }
