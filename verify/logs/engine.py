"""The embedded engine, locked: no files, no network, no extensions, no settings; memory and disk are bounded.

DuckDB 1.5.6, by measurement (``docs/logs.md``): DuckDB 2 reads this JSON ten times slower. The engine never sees a log
file: it gets tables of Arrow that ``decode`` made from the bytes that were hashed.
https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
"""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from verify.errors import CannotLook, UsageError
from verify.logs.decode import POSITION, Rows
from verify.logs.schema import BY_NAME, DERIVED, NULLS, REST, STORED, Derived, sql_type
from verify.logs.sql import athena
from verify.logs.sql.filters import sql_text
from verify.logs.sql.statement import Statement, check_statement
from verify.threads import StillRunning, unless_interrupted

EVENTS, FILES, UNREADABLE = "events", "files", "unreadable"
TABLES = frozenset({EVENTS, FILES, UNREADABLE, athena.TABLE})
_MEMORY = "120MB"
_DISK = "20GB"
_OF_RESOURCES = ("Out of Memory Error", "IO Error")  # as the engine begins such an error
# A thread that ends because another one failed; which error the engine hands on is chance.
_INTERRUPTED = "INTERRUPT Error"
_ENDED = (
    "The query ended before all its rows were there, and the engine does not say why: an expression in it fails for "
    "some row, or it needs more memory or disk than it may have. Ask for less time, or for fewer columns."
)
_ROWS_AT_ONCE = 2_048  # as many as the engine works on at once
_BATCH_ROWS = 20_000
_MORE_BYTES = 2**30
_OF_FILE = ("account", "region", "day", "file")
_OF_PLACE = {"file": "BIGINT", POSITION: "INTEGER"}  # where an event is from; only made where it is asked for
_ROWS_COMBINED_AT_ONCE = 20_000
# So much is left where it is, and only read there: the engine's own copy of it takes longer than most queries.
_MOST_HELD_BYTES = 96 * 2**20
_FILE_COLUMNS = {
    "file": "BIGINT",
    "file_name": "VARCHAR",
    "file_account": "VARCHAR",
    "file_region": "VARCHAR",
    "file_day": "VARCHAR",
    "file_delivered": "TIMESTAMP",
    "file_bytes": "BIGINT",
    "file_events": "BIGINT",
    "file_problem": "VARCHAR",
}
# What derived columns are made of. The rows of a store have it with them.
FILE_TEXTS = ("file_name", "file_account", "file_region", "file_day")
_UNREADABLE_COLUMNS = {
    "file": "BIGINT",
    "record_position": "INTEGER",
    "why": "VARCHAR",
    "is_shown": "BOOLEAN",
    "record_text": "VARCHAR",
}


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of an answer, with its type in SQL."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gives; its rows can be taken once, as tuples or as batches of Arrow.

    :param batches: gives them as ``pyarrow.RecordBatch``.
    :param reader: makes a ``pyarrow.RecordBatchReader``.
    """

    columns: tuple[ResultColumn, ...]
    rows: Iterator[tuple[Any, ...]]
    batches: Callable[[], Iterator[Any]]
    reader: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file, as the table ``files`` has it.

    :param problem: why it, or something of it, could not be read; ``""`` if all was.
    """

    name: str
    account: str
    region: str
    day: str
    delivered: datetime | None
    size_bytes: int
    events: int
    problem: str


class Engine:
    """One database in memory, for one query.

    :param folder: where the engine puts what does not fit in memory.
    """

    def __init__(self, folder: Path) -> None:
        self._db = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": _MEMORY,
                "threads": min(os.cpu_count() or 1, 4),
                "temp_directory": str(folder),
                "max_temp_directory_size": _DISK,
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                "python_enable_replacements": False,
                "python_scan_all_frames": False,
            },
        )
        self._db.execute("SET TimeZone = 'UTC'")
        self._columns: tuple[str, ...] = ()
        self._places: tuple[str, ...] = tuple(_OF_PLACE)
        self._waiting: list[tuple[int, Rows]] = []
        self._waiting_rows = 0
        self._held: list[Any] = []  # tables of Arrow with many rows each
        self._has_copied = False
        self._counting, self._everything = "SELECT 0", "records"
        self.statement: Statement | None = None
        self.only: Mapping[str, frozenset[str]] = {}
        self._is_stuck = False

    def parse(self, sql: str) -> str:
        """See :class:`verify.logs.sql.statement.Parser`."""
        try:
            return str(self._one("SELECT json_serialize_sql(?::VARCHAR)", [sql])[0])
        except duckdb.Error as error:
            raise UsageError(f"The query cannot be judged: {_first_line(error)}") from error

    def _one(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
        return self._db.execute(sql, parameters).fetchone() or (None,)

    def judge(self, sql: str) -> Statement:
        """Judge a query.

        :raises UsageError: it may not run.
        """
        self.statement = check_statement(sql, TABLES, self)
        return self.statement

    def prepare(
        self,
        sql: str,
        *,
        is_timed: bool = True,
        by_file: bool = True,
        only: Mapping[str, frozenset[str]] = MappingProxyType({}),
    ) -> frozenset[str]:
        """Judge a query, and make the tables.

        :param is_timed: whether there will be a period.
        :param by_file: whether it must be known of which file an event is, whatever the query asks for.
        :param only: by stored column, the values of which an event must have one. One without any is kept.
        :returns: the stored columns that are needed.
        :raises UsageError: it may not run.
        """
        statement = self.judge(sql)
        needed = {name for name in STORED if statement.reads(name)}
        needed |= {name for each in (*DERIVED, *athena.COLUMNS) if statement.reads(each.name) for name in each.needs}
        self.only = only
        needed |= only.keys()
        if is_timed:
            needed.add("eventTime")
        needed = needed or {"eventName"}  # a table has a column, even where a query only counts
        self._columns = tuple(name for name in STORED if name in needed)
        asked = {"file": by_file or self._asks_for_file(), POSITION: statement.reads("position")}
        self._places = tuple(name for name in _OF_PLACE if asked[name])
        types = _OF_PLACE | {name: sql_type(name) for name in self._columns}
        columns = ", ".join(f'"{name}" {types[name]}' for name in self._names)
        self._db.execute(f"CREATE TABLE records ({columns})")
        for table, described in (("read_files", _FILE_COLUMNS), ("unread_records", _UNREADABLE_COLUMNS)):
            self._db.execute(
                f"CREATE TABLE {table} ({', '.join(f'{name} {type_}' for name, type_ in described.items())})"
            )
        return frozenset(self._columns)

    @property
    def _names(self) -> tuple[str, ...]:
        return (*self._places, *self._columns)

    @property
    def needs_position(self) -> bool:
        """Whether the position of an event in its file is asked for."""
        return POSITION in self._places

    def _asks_for_file(self) -> bool:
        """Whether what a file's name tells is looked up."""
        return self.statement is None or any(self.statement.reads(name) for name in _OF_FILE)

    def add(self, file: int, several: Iterable[Rows]) -> None:
        """Add the events of a file."""
        for rows in several:
            if rows.number:
                self._waiting.append((file, rows))
                self._waiting_rows += rows.number
        if self._waiting_rows >= _ROWS_COMBINED_AT_ONCE:
            self._combine()

    def _combine(self) -> None:
        if not self._waiting:
            return
        together: list[Rows] = []
        for _, each in self._waiting:
            with_next = together[-1].with_next(each) if together else None
            if with_next is None:
                together.append(each)
            else:
                together[-1] = with_next
        rows = pa.concat_tables([each.table() for each in together]).unify_dictionaries().combine_chunks()
        if "file" in self._places:
            numbers = [pa.repeat(pa.scalar(file, pa.int64()), each.number) for file, each in self._waiting]
            rows = rows.append_column("file", pa.chunked_array(numbers).combine_chunks())
        self._held.append(rows)
        self._waiting, self._waiting_rows = [], 0
        if sum(each.nbytes for each in self._held) > _MOST_HELD_BYTES:
            self._copy()

    def _copy(self) -> None:
        """Let the engine have the events, which puts them on disk where they do not fit in its memory."""
        for rows in self._held:
            self._insert_arrow("records", self._quoted_names(), rows)
        self._held, self._has_copied = [], True

    def _quoted_names(self) -> str:
        return ", ".join(f'"{name}"' for name in self._names)

    def _insert_arrow(self, table: str, names: str, rows: Any) -> None:
        # Taken once. Of a table as such the engine would load all of Arrow's readers of files, to ask what it is.
        self._db.register("arriving", rows.__arrow_c_stream__())
        try:
            self._db.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM arriving")  # noqa: S608 - own names
        except duckdb.Error as error:
            raise CannotLook(f"The events do not fit on this machine: {_first_line(error)}") from error
        finally:
            self._db.unregister("arriving")

    def keep(self, files: frozenset[int]) -> None:
        """Forget the events of all other files."""
        self._waiting = [(file, rows) for file, rows in self._waiting if file in files]
        self._combine()
        numbers = pa.array(sorted(files), pa.int64())
        are_kept = [pc.is_in(rows["file"], value_set=numbers) for rows in self._held]
        # Mostly all of them are.
        self._held = [
            rows if pc.all(kept).as_py() else rows.filter(kept) for rows, kept in zip(self._held, are_kept, strict=True)
        ]
        if not self._has_copied:
            return
        self._db.execute("CREATE TABLE kept (file BIGINT)")
        self._insert_arrow("kept", "file", pa.table({"file": numbers}))
        self._db.execute("DELETE FROM records WHERE file NOT IN (SELECT file FROM kept)")

    def close_input(
        self,
        files: Sequence[tuple[int, FileRow]],
        unreadable: Sequence[tuple[int, int, str, bool, str]],
        period: tuple[datetime, datetime] | None,
        parquet: Sequence[Path] = (),
        *,
        has_more: bool = False,
        empty: frozenset[str] = frozenset(),
    ) -> None:
        """Make the views that a query sees, and lock the engine.

        :param files: what was read, with its number.
        :param unreadable: file, position, reason, whether it is shown, and text of records that could not be read.
        :param period: the times between which an event must lie. An event without a readable time is kept.
        :param parquet: files of the store with more events. They are the only ones that can be opened after this.
        :param has_more: whether these have events of other log files, too, which do not count.
        :param empty: columns in which none of their events has a value.
        """
        self._combine()
        rows = [
            (
                number,
                each.name,
                each.account,
                each.region,
                each.day,
                each.delivered.replace(tzinfo=None) if each.delivered else None,
                each.size_bytes,
                each.events,
                each.problem or None,
            )
            for number, each in files
        ]
        files_table = self._insert_rows("read_files", _FILE_COLUMNS, rows)
        self._insert_rows("unread_records", _UNREADABLE_COLUMNS, unreadable)
        named = ", ".join("'" + str(path).replace("'", "''") + "'" for path in parquet)
        if self._held:
            held = pa.concat_tables(self._held)
            self._db.register("held_records", _with_file(held, files_table) if self._asks_for_file() else held)
        with _reading_events():
            self._make_views(period, _stored(named, empty), has_more=has_more)
        if named:
            self._db.execute(f"SET allowed_paths = [{named}]")
        self._db.execute("SET enable_external_access = false")
        self._db.execute("SET lock_configuration = true")

    def _insert_rows(self, table: str, described: dict[str, str], rows: Sequence[Sequence[Any]]) -> Any:
        types = {"INTEGER": pa.int32(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_(), "TIMESTAMP": pa.timestamp("us")}
        columns = {
            name: pa.array([row[at] for row in rows], types.get(type_, pa.string()))
            for at, (name, type_) in enumerate(described.items())
        }
        found = pa.table(columns)
        self._insert_arrow(table, ", ".join(described), found)
        return found

    def _make_views(self, period: tuple[datetime, datetime] | None, stored: str, *, has_more: bool) -> None:
        demands = [
            f'"{column}" IS NULL OR "{column}" IN ({", ".join(map(sql_text, sorted(values)))})'
            for column, values in self.only.items()
        ]
        if period is not None:
            start, end = (each.replace(tzinfo=None).isoformat() for each in period)
            demands.append(
                f"eventTime IS NULL OR (eventTime >= TIMESTAMP '{start}' AND eventTime <= TIMESTAMP '{end}')"
            )
        when = _where(demands)
        names = self._quoted_names()
        is_asked = self._asks_for_file()
        own = ["file IN (SELECT file FROM read_files)"] if has_more else []
        # Of the store's files only those groups of rows are read in which such an event may be.
        wanted = f"({stored}{_where([*own, *self._conditions()])})"
        joined = " JOIN read_files USING (file)" if is_asked else ""
        sources = [f"records{joined}"] if self._has_copied or not (self._held or stored) else []
        sources += ["held_records"] if self._held else []
        with_file = ", ".join([names, *FILE_TEXTS]) if is_asked else names
        records = _union(with_file, [*sources, *([wanted] if stored else [])])
        everything = _union(names, [*sources, *([f"({stored}{_where(own)})"] if stored else [])])
        self._counting = f"SELECT count(*) FROM {everything}{when}"  # noqa: S608 - own names
        self._everything = everything
        source = f"FROM {records}{when}"
        plain = [f'"{name}"' for name in self._columns if name in {*BY_NAME, NULLS, REST}]
        left_out = (*(() if is_asked else _OF_FILE), *(() if self.needs_position else ("position",)))
        self._view(EVENTS, [*plain, *self._expressions(DERIVED, left_out)], source)
        self._view(athena.TABLE, self._expressions(athena.COLUMNS, left_out), source)
        self._view(
            FILES,
            [
                "file_name AS file",
                "file_account AS account",
                "file_region AS region",
                "file_day AS day",
                "file_delivered AS delivered",
                "file_bytes AS bytes",
                "file_events AS events",
                "file_problem AS problem",
            ],
            "FROM read_files",
        )
        self._view(
            UNREADABLE,
            ["file_name AS file", "record_position AS position", "why", "is_shown", "record_text AS text"],
            "FROM unread_records JOIN read_files USING (file)",
        )

    def _expressions(self, columns: Iterable[Derived], left_out: Sequence[str] = ()) -> list[str]:
        """The columns of which all is here that they are computed from."""
        here = set(self._columns)
        return [
            f'{each.sql} AS "{each.name}"'
            for each in columns
            if here.issuperset(each.needs) and each.name not in left_out
        ]

    def _view(self, name: str, expressions: Sequence[str], source: str) -> None:
        # A table has a column, even where none of it is asked for.
        self._db.execute(f"CREATE VIEW {name} AS SELECT {', '.join(expressions or ['NULL AS nothing'])} {source}")

    def _conditions(self) -> list[str]:
        """What every event must meet that the query wants, each as SQL over the stored columns."""
        conditions = self.statement.conditions if self.statement else frozenset()
        return [
            " OR ".join(f'"{column}" = {sql_text(text)}' for column, text in sorted(each))
            for each in sorted(conditions, key=sorted)
        ]

    def count_events(self) -> int:
        """How many events lie in the period."""
        with _reading_events():
            return int(self._one(self._counting)[0])

    def lacking(self) -> list[str]:
        """Those of the values that events must have one of, of which there is no event, whatever the period."""
        found: set[str] = set()
        for column, values in self.only.items():
            with _reading_events():
                rows = self._db.execute(f'SELECT DISTINCT "{column}" FROM {self._everything}').fetchall()  # noqa: S608 - own names
            there = {text for (text,) in rows}
            found |= values - there if None not in there else set()
        return sorted(found)

    def ask(self, sql: str) -> Result:
        """Judge and run another query over what is here. The first one, of :meth:`prepare`, decided what that is.

        :raises UsageError: it may not run, or fails.
        """
        self.judge(sql)
        return self.run()

    def run(self) -> Result:
        """The answer: its columns, and its rows as they come.

        :raises UsageError: the query names what is not there, or fails on a value.
        :raises CannotLook: memory or disk do not suffice.
        """
        assert self.statement is not None  # noqa: S101 - prepare() comes first
        with _translating_errors():
            found = self._unless_interrupted(partial(self._db.execute, self.statement.sql))
        columns = tuple(ResultColumn(name, str(type_)) for name, type_, *_ in found.description or ())
        return Result(columns, self._rows(found), lambda: self._batches(found), lambda: self._reader(found))

    def _unless_interrupted(self, call: Callable[[], Any]) -> Any:
        # Of Ctrl-C alone the engine tells neither its other threads nor a recursion, which would go on for ever.
        try:
            return unless_interrupted(call, self._db.interrupt)
        except StillRunning:  # a plan of a hundred joins is made without looking whether it should be
            self._is_stuck = True
            raise

    def _batches(self, found: Any) -> Iterator[Any]:
        yield from self._reader(found, _ROWS_AT_ONCE)

    def _reader(self, found: Any, rows_at_once: int = _BATCH_ROWS) -> Any:
        with _translating_errors():
            reader = found.to_arrow_reader(rows_at_once)
        return pa.RecordBatchReader.from_batches(reader.schema, iter(partial(self._next, reader), None))

    def _next(self, reader: Any) -> Any:
        with _translating_errors():
            return self._unless_interrupted(partial(next, reader, None))

    def _rows(self, found: Any) -> Iterator[tuple[Any, ...]]:
        while True:
            with _translating_errors():
                rows = self._unless_interrupted(partial(found.fetchmany, _ROWS_AT_ONCE))
            if not rows:
                return
            yield from rows

    def close(self) -> None:
        """Forget everything. What does not end is abandoned with the process: the engine would wait for it."""
        if not self._is_stuck:
            self._db.close()


def _with_file(events: Any, files: Any) -> Any:
    """Events, each with what the name of its file tells: the engine's own join would copy them all."""
    places = pc.index_in(events["file"], value_set=files["file"])
    for name in FILE_TEXTS:
        texts = files[name].combine_chunks()
        chunks = [pa.DictionaryArray.from_arrays(each, texts) for each in places.chunks]
        events = events.append_column(name, pa.chunked_array(chunks))
    return events


def _stored(parquet: str, empty: frozenset[str]) -> str:
    """The events of the store's files; what is empty in all of them is not looked for in each of their groups."""
    if not parquet:
        return ""
    nothing = ", ".join(f'NULL::{sql_type(name)} AS "{name}"' for name in STORED if name in empty)
    columns = f"SELECT * REPLACE ({nothing}) " if nothing else ""
    return f"{columns}FROM read_parquet([{parquet}])"


def _union(names: str, sources: Iterable[str]) -> str:
    return f"({' UNION ALL '.join(f'SELECT {names} FROM {each}' for each in sources)})"  # noqa: S608 - own names


def _where(conditions: Iterable[str]) -> str:
    all_of = " AND ".join(f"({each})" for each in conditions)
    return f" WHERE {all_of}" if all_of else ""


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Let this process take so much more memory and no more, where the system can hold it to that (Linux).

    The engine's own limit is one of what it stores. One value of a query can be larger: a text in which each letter is
    replaced by a long one. The limit is the whole process's, and the stacks of its threads count: so it ends with what
    it is for.
    """
    before = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        used_bytes = int(status.partition("VmData:")[2].split()[0]) * 1024
        wanted = used_bytes + _MORE_BYTES
        if before[0] == resource.RLIM_INFINITY or wanted < before[0]:
            resource.setrlimit(resource.RLIMIT_DATA, (wanted, before[1]))
    except (OSError, ValueError, IndexError):
        pass  # there is no such limit here
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


@contextmanager
def open_engine() -> Iterator[Engine]:
    """An engine, with a private folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="securetrail-logs-"))
    engine = None
    try:
        engine = Engine(folder)
        yield engine
    finally:
        if engine is not None:
            engine.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _reading_events() -> Iterator[None]:
    """Nobody's query runs yet: what fails is the reading of what is here, such as of a store that is damaged."""
    try:
        yield
    except duckdb.Error as error:
        raise CannotLook(
            f"The events cannot be read: {_first_line(error)}. If the store is damaged, 'logs forget' removes it."
        ) from error


@contextmanager
def _translating_errors() -> Iterator[None]:
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException, MemoryError) as error:
        raise CannotLook(f"The query needs more memory or disk than it may have: {_first_line(error)}") from error
    except duckdb.InterruptException as error:
        raise CannotLook(_ENDED) from error
    except duckdb.Error as error:
        raise UsageError(f"The query fails: {_first_line(error)}") from error
    except (pa.ArrowException, OSError) as error:  # Arrow hands the engine's errors on as its own
        if str(error).startswith(_OF_RESOURCES):
            raise CannotLook(f"The query needs more memory or disk than it may have: {_first_line(error)}") from error
        if str(error).startswith(_INTERRUPTED):
            raise CannotLook(_ENDED) from error
        raise UsageError(f"The query fails: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """What the engine says, without its drawing of the place."""
    return str(error).split("\n\nLINE ")[0].replace("\n", " ")[:500]
