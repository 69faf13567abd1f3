"""Small things that delivery remembers, by name: how trails stand, trails that are gone, the lab's clock."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lab.clock import Shift
from lab.delivery.status import DeliveryStatus
from lab.delivery.trail import Stream, Trail

_SCHEMA = "CREATE TABLE IF NOT EXISTS note (kind TEXT, name TEXT, value TEXT, PRIMARY KEY (kind, name))"
_IN = " "  # between a trail's ARN and a region, of which neither has one


class Notes:
    """A table of a database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute(_SCHEMA)

    def status(self, stream: Stream) -> DeliveryStatus:
        """How delivery for a trail in one region stands."""
        return DeliveryStatus(**(self._get("status", f"{stream.trail}{_IN}{stream.region}") or {}))

    def set_status(self, stream: Stream, status: DeliveryStatus) -> None:
        """Remembers how delivery for a trail in one region stands."""
        self._set("status", f"{stream.trail}{_IN}{stream.region}", asdict(status))

    def digests(self, trail: str) -> dict[str, int]:
        """The regions in which a trail delivered digests, and where the last one's period ends, in epoch seconds."""
        start = trail + _IN
        query = "SELECT name, value FROM note WHERE kind = 'status' AND substr(name, 1, ?) = ?"
        found = self._database.execute(query, (len(start), start)).fetchall()
        statuses = ((name[len(start) :], DeliveryStatus(**json.loads(value))) for name, value in found)
        return {region: status.digest_end_seconds for region, status in statuses if status.digest_end_seconds}

    def deleted_trails(self) -> list[Trail]:
        """The trails that are gone but not delivered to the end."""
        found = self._database.execute("SELECT value FROM note WHERE kind = 'deleted' ORDER BY name").fetchall()
        return [Trail(**json.loads(value)) for (value,) in found]

    def add_deleted_trail(self, trail: Trail) -> None:
        """Remembers where a trail that is gone delivered to."""
        kept = {field: value for field, value in asdict(trail).items() if field != "selectors"}
        self._set("deleted", trail.arn, kept | {"is_logging": False})

    def forget_trail(self, trail: str) -> None:
        """A trail that is gone is delivered to the end."""
        self._database.execute("DELETE FROM note WHERE kind = 'deleted' AND name = ?", (trail,))
        start = trail + _IN
        query = "DELETE FROM note WHERE kind = 'status' AND substr(name, 1, ?) = ?"
        self._database.execute(query, (len(start), start))

    def last_segment(self) -> int:
        """The number of the last segment of the event log whose events are in the database."""
        return int((self._get("segment", "") or {"number": 0})["number"])

    def set_last_segment(self, number: int) -> None:
        """Remembers it, in the transaction that takes in the events."""
        self._set("segment", "", {"number": number})

    def shifts(self) -> tuple[Shift, ...]:
        """The shifts of the lab's clock, oldest first."""
        return tuple(Shift(**shift) for shift in (self._get("clock", "") or {"shifts": ()})["shifts"])

    def set_shifts(self, shifts: Sequence[Shift]) -> None:
        """Keeps the shifts of the lab's clock."""
        self._set("clock", "", {"shifts": [asdict(shift) for shift in shifts]})

    def _get(self, kind: str, name: str) -> dict[str, Any] | None:
        row = self._database.execute("SELECT value FROM note WHERE kind = ? AND name = ?", (kind, name)).fetchone()
        return json.loads(row[0]) if row else None

    def _set(self, kind: str, name: str, value: Mapping[str, Any]) -> None:
        self._database.execute("INSERT OR REPLACE INTO note VALUES (?, ?, ?)", (kind, name, json.dumps(value)))
