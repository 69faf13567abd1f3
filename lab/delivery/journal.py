"""What delivery must not lose when the process ends: a SQLite database, and beside it a log of the newest events.

It is written ahead of every step. A record is in the log (`event_log`) before its caller has the answer, and later in
the database. A file is in the database with its content before it is written to the bucket, and is removed only when it
is known to be in the bucket: a start after a kill writes such a file once more, the same bytes under the same name.
https://www.sqlite.org/wal.html
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from lab.delivery.digest import DeliveredLog, Digest, Link
from lab.delivery.event_log import EventLog
from lab.delivery.log_file import Event, LogFile
from lab.delivery.notes import Notes
from lab.delivery.signing_key import SigningKey
from lab.delivery.trail import Stream

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, trail TEXT, region TEXT, seconds INTEGER, record TEXT);
CREATE TABLE IF NOT EXISTS file (trail TEXT, region TEXT, bucket TEXT, key TEXT, content BLOB, sha256 TEXT,
  oldest TEXT, newest TEXT, signature TEXT, last_event INTEGER, end_seconds INTEGER, PRIMARY KEY (trail, region));
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, trail TEXT, region TEXT, bucket TEXT, key TEXT, sha256 TEXT,
  oldest TEXT, newest TEXT);
CREATE INDEX IF NOT EXISTS log_of_stream ON log (trail, region, id);
CREATE TABLE IF NOT EXISTS chain (trail TEXT, region TEXT, since_seconds INTEGER, bucket TEXT, key TEXT, sha256 TEXT,
  signature TEXT, PRIMARY KEY (trail, region));
CREATE TABLE IF NOT EXISTS signing_key (region TEXT, starts_seconds INTEGER, ends_seconds INTEGER, public_key BLOB,
  private_key BLOB);
"""
_OF_STREAM = "trail = ? AND region = ?"


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a stream's digests stand: the end of the last one (epoch seconds), and the link to it, None before the
    first.
    """

    since_seconds: int
    previous: Link | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that is about to be written, or was when the process ended. A digest has a signature and the end of its
    period in epoch seconds; a log file the id of its last event.
    """

    stream: Stream
    file: LogFile
    signature: str | None
    last_event: int | None
    end_seconds: int | None


class Journal:
    """The file; `notes` are the small things in it. Used from one thread only."""

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it; only its owner may read it, since it holds private keys."""
        path.touch(mode=0o600, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")  # a kill of the process is what it must survive
        self._database.executescript(_SCHEMA)
        self.notes = Notes(self._database)
        self._log = EventLog(path.with_name(f"{path.name}-events"), self.notes.last_segment())
        self._waiting = self._streams_with_events()

    def close(self) -> None:
        """Closes the file."""
        self._log.close()
        self._database.close()

    # ---- events ---------------------------------------------------------------------------------------------------

    def add(self, streams: Sequence[Stream], event: Event) -> None:
        """Keeps an event for every stream that wants it, at once or not at all."""
        self._log.append(streams, event)

    def reserve(self, size_bytes: int) -> None:
        """Makes sure that so much can be added, until it is released.

        :raises OSError: the disk has no room for it.
        """
        self._log.reserve(size_bytes)

    def release(self, size_bytes: int) -> None:
        """Takes back a reservation, used or not."""
        self._log.release(size_bytes)

    def streams_with_events(self) -> list[Stream]:
        """The streams that have something to deliver."""
        for number in self._log.closed_segments():
            self._take_in(number)
        return sorted(self._waiting, key=astuple)

    def events(self, stream: Stream, most: int, most_bytes: int) -> tuple[list[Event], int]:
        """The oldest events of a stream, at least one when it has any, and the id of the last of them (0 without)."""
        found: list[Event] = []
        last = size = 0
        query = f"SELECT id, seconds, record FROM event WHERE {_OF_STREAM} ORDER BY id LIMIT ?"  # noqa: S608
        for identity, seconds, record in self._database.execute(query, (*astuple(stream), most)):
            size += len(record)
            if found and size > most_bytes:
                break
            found.append(Event(seconds, record))
            last = identity
        return found, last

    def forget_events(self, trail: str, before_seconds: int) -> int:
        """Drops a trail's events from before a moment; how many there were."""
        query = "DELETE FROM event WHERE trail = ? AND seconds < ?"
        count = self._database.execute(query, (trail, before_seconds)).rowcount
        self._waiting = self._streams_with_events()
        return count

    def forget_trail(self, trail: str) -> None:
        """Drops a trail's events and ends its chains."""
        self.streams_with_events()  # takes in what is only in the log yet
        with self._transaction():
            for table in ("event", "chain", "log"):
                self._database.execute(f"DELETE FROM {table} WHERE trail = ?", (trail,))  # noqa: S608
        self._waiting = self._streams_with_events()

    # ---- files ----------------------------------------------------------------------------------------------------

    def prepare_log(self, stream: Stream, file: LogFile, last_event: int) -> Prepared:
        """Keeps a log file that is about to be written."""
        return self._prepare(Prepared(stream, file, None, last_event, None))

    def prepare_digest(self, stream: Stream, made: Digest, end_seconds: int) -> Prepared:
        """Keeps a digest that is about to be written."""
        link = made.link
        file = LogFile(link.bucket, link.key, made.content, link.sha256, "", "")
        return self._prepare(Prepared(stream, file, link.signature, None, end_seconds))

    def prepared(self) -> list[Prepared]:
        """The files that were about to be written when the process ended, or the disk was full."""
        query = (
            "SELECT trail, region, bucket, key, content, sha256, oldest, newest, signature, last_event, end_seconds"
            " FROM file"
        )
        return [
            Prepared(Stream(*row[:2]), LogFile(*row[2:8]), *row[8:]) for row in self._database.execute(query).fetchall()
        ]

    def written(self, prepared: Prepared) -> None:
        """A prepared file is in its bucket: its events are delivered, or its chain goes on from it."""
        stream, file = astuple(prepared.stream), prepared.file
        with self._transaction():
            self._database.execute(f"DELETE FROM file WHERE {_OF_STREAM}", stream)  # noqa: S608
            if prepared.signature is None:
                query = f"DELETE FROM event WHERE {_OF_STREAM} AND id <= ?"  # noqa: S608
                self._database.execute(query, (*stream, prepared.last_event))
                self._waiting = self._streams_with_events()
                query = (
                    "INSERT INTO log (trail, region, bucket, key, sha256, oldest, newest) VALUES (?, ?, ?, ?, ?, ?, ?)"
                )
                self._database.execute(query, (*stream, file.bucket, file.key, file.sha256, file.oldest, file.newest))
            else:
                self._database.execute(f"DELETE FROM log WHERE {_OF_STREAM}", stream)  # noqa: S608
                query = "INSERT OR REPLACE INTO chain VALUES (?, ?, ?, ?, ?, ?, ?)"
                link = (file.bucket, file.key, file.sha256, prepared.signature)
                self._database.execute(query, (*stream, prepared.end_seconds, *link))

    def abandoned(self, prepared: Prepared) -> None:
        """A prepared file could not be written: everything is as before."""
        self._database.execute(f"DELETE FROM file WHERE {_OF_STREAM}", astuple(prepared.stream))  # noqa: S608

    def _prepare(self, prepared: Prepared) -> Prepared:
        row = (*astuple(prepared.stream), *astuple(prepared.file), *astuple(prepared)[2:])
        self._database.execute(f"INSERT OR REPLACE INTO file VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
        return prepared

    # ---- digests --------------------------------------------------------------------------------------------------

    def chains(self, trail: str) -> dict[str, Chain]:
        """A trail's chains by region."""
        query = (
            "SELECT region, since_seconds, bucket, key, sha256, signature FROM chain WHERE trail = ? ORDER BY region"
        )
        return {
            region: Chain(since, Link(*link) if link[0] is not None else None)
            for region, since, *link in self._database.execute(query, (trail,)).fetchall()
        }

    def trails_with_chains(self) -> set[str]:
        """The trails, by ARN, that have a chain in some region."""
        return {trail for (trail,) in self._database.execute("SELECT DISTINCT trail FROM chain")}

    def begin_chain(self, stream: Stream, since_seconds: int) -> None:
        """Starts a stream's chain, unless it has one."""
        query = "INSERT OR IGNORE INTO chain (trail, region, since_seconds) VALUES (?, ?, ?)"
        self._database.execute(query, (*astuple(stream), since_seconds))

    def end_chain(self, stream: Stream) -> None:
        """Ends a stream's chain: its next digest will have no predecessor and only files delivered from now on."""
        with self._transaction():
            for table in ("chain", "log"):
                self._database.execute(f"DELETE FROM {table} WHERE {_OF_STREAM}", astuple(stream))  # noqa: S608

    def logs(self, stream: Stream) -> list[DeliveredLog]:
        """The log files delivered since a stream's last digest."""
        query = f"SELECT bucket, key, sha256, oldest, newest FROM log WHERE {_OF_STREAM} ORDER BY id"  # noqa: S608
        return [DeliveredLog(*row) for row in self._database.execute(query, astuple(stream))]

    def add_signing_key(self, key: SigningKey) -> None:
        """Keeps a key pair."""
        query = "INSERT INTO signing_key VALUES (?, ?, ?, ?, ?)"
        self._database.execute(query, astuple(key))

    def signing_keys(self, region: str, start_seconds: int, end_seconds: int) -> list[SigningKey]:
        """A region's key pairs that are valid at some moment of a time range, newest first."""
        query = (
            "SELECT * FROM signing_key WHERE region = ? AND starts_seconds <= ? AND ends_seconds > ?"
            " ORDER BY starts_seconds DESC"
        )
        return [SigningKey(*row) for row in self._database.execute(query, (region, end_seconds, start_seconds))]

    def _take_in(self, number: int) -> None:
        if number > self.notes.last_segment():
            lines = list(self._log.lines(number))
            with self._transaction():
                query = "INSERT INTO event (trail, region, seconds, record) VALUES (?, ?, ?, ?)"
                self._database.executemany(query, lines)
                self.notes.set_last_segment(number)
            self._waiting.update(Stream(trail, region) for trail, region, *_ in lines)
        self._log.remove(number)

    def _streams_with_events(self) -> set[Stream]:
        return {Stream(*row) for row in self._database.execute("SELECT DISTINCT trail, region FROM event")}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")  # fails when the disk is full
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
