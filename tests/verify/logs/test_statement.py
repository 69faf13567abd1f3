"""A query can read the tables that are named, and nothing else: neither files, settings nor the network."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event

import duckdb
import pytest

from verify.errors import UsageError
from verify.logs.engine import Engine
from verify.logs.schema import DERIVED, STORED
from verify.logs.sql.athena import translated
from verify.logs.sql.functions import ALLOWED
from verify.threads import StillRunning, unless_interrupted

pytestmark = pytest.mark.regular


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path)
    yield made
    made.close()


def asked(engine: Engine, sql: str) -> list[str]:
    """The columns of the answer over an empty table."""
    engine.prepare(sql)
    engine.close_input([], [], None)
    found = engine.run()
    list(found.rows)
    return [column.name for column in found.columns]


REFUSED = [
    "",
    ";",
    "SELECT 1; SELECT 2",
    "SELEC 1",
    "COPY events TO '/tmp/x'",
    "CREATE TABLE x AS SELECT 1",
    "INSERT INTO events SELECT 1",
    "DROP VIEW events",
    "ATTACH 'x.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET threads = 9",
    "PRAGMA version",
    "CALL pragma_version()",
    "EXPLAIN SELECT 1",
    "DESCRIBE events",
    "SUMMARIZE events",
    "SHOW TABLES",
    "EXPORT DATABASE 'x'",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'https://example.com/x.csv'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM glob('*')",
    "SELECT * FROM records",
    "SELECT * FROM read_files",
    "SELECT * FROM main.events",
    "SELECT * FROM memory.main.events",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_settings",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('events')",
    "SELECT * FROM range(10)",
    "SELECT * FROM (DESCRIBE events)",
    "SELECT * FROM events AT (VERSION => 3)",
    "WITH duckdb_settings AS (SELECT 1) SELECT * FROM duckdb_settings",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT * FROM events WHERE eventName IN (SELECT name FROM duckdb_settings())",
    "SELECT current_setting('temp_directory')",
    "SELECT getenv('HOME')",
    "SELECT getvariable('x')",
    "SELECT pg_sleep(100)",
    "SELECT repeat('x', 2000000000)",
    "SELECT range(2000000000)",
    "SELECT write_log('x')",
    "SELECT nextval('x')",
    "SELECT json_serialize_sql('SELECT 1')",
    "SELECT json_execute_serialized_sql('x')",
    "SELECT system.main.current_setting('threads')",
    "SELECT 'x'.current_setting()",
    "SELECT no_such_function(1)",
    "SELECT $1",
    "SELECT ?",
    "SELECT #1 FROM events",
    "SELECT 'a' COLLATE nocase",
    "PIVOT events ON eventName",
    "SELECT 'a\0b'",
    "(" * 20_000 + "SELECT 1" + ")" * 20_000,
    "SELECT " + "NOT " * 5_000 + "TRUE",
]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that many queries are put to, none of which it takes."""
    made = Engine(tmp_path_factory.mktemp("engine"))
    yield made
    made.close()


@pytest.mark.parametrize("sql", REFUSED, ids=lambda sql: sql[:50])
def test_what_is_not_one_select_over_the_tables_is_refused(judge: Engine, sql: str) -> None:
    with pytest.raises(UsageError):
        judge.prepare(sql)


ALLOWED_QUERIES = [
    "FROM events SELECT eventName",
    "SELECT eventName FROM events;",
    "SELECT eventName, count(*) FROM events GROUP BY ALL ORDER BY 2 DESC LIMIT 10",
    "SELECT DISTINCT ON (eventName) * EXCLUDE (rest) FROM events QUALIFY row_number() OVER (ORDER BY eventTime) = 1",
    "SELECT requestParameters ->> 'bucketName' FROM events WHERE (requestParameters ->> '$.a.b') LIKE 'x%'",
    "SELECT requestParameters::JSON, [x FOR x IN [1, 2] IF x > 1], {'a': 1}.a FROM events",
    "SELECT date_trunc('hour', eventTime), eventTime - INTERVAL 1 DAY, extract(hour FROM eventTime) FROM events",
    "SELECT a.eventName, b.eventName FROM events a JOIN events b USING (eventID)",
    "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r WHERE a < 5) SELECT * FROM r",
    'SELECT unnest(from_json(resources, \'[{"ARN": "VARCHAR"}]\')).ARN FROM events',
    "SELECT events FROM events",
    "SELECT COLUMNS('event.*') FROM events",
    "SELECT e.* FROM events e NATURAL JOIN events f",
    "SELECT principal, role, sessionName, account, region, day, file, position FROM events",
    "SELECT useridentity.sessioncontext.sessionissuer.username, resources[1].arn, day FROM cloudtrail_logs",
    "SELECT * FROM cloudtrail_logs",
    "SELECT * FROM files, unreadable",
    "SELECT eventName FROM events UNION SELECT eventSource FROM events",
]


@pytest.mark.parametrize("sql", ALLOWED_QUERIES, ids=lambda sql: sql[:50])
def test_a_select_over_the_tables_runs(engine: Engine, sql: str) -> None:
    assert asked(engine, sql)


@pytest.mark.slow
def test_every_column_can_be_asked_for_alone(tmp_path: Path) -> None:
    for name in (*STORED, *(each.name for each in DERIVED)):
        engine = Engine(tmp_path)
        assert asked(engine, f'SELECT "{name.upper()}" FROM events') == [name]  # noqa: S608
        engine.close()


def test_only_the_columns_that_a_query_names_are_read(engine: Engine) -> None:
    assert engine.prepare("SELECT eventName FROM events WHERE role = 'x'") == {
        "eventTime",
        "eventName",
        "issuerType",
        "issuerUserName",
    }


def test_a_column_that_is_not_there_is_named(engine: Engine) -> None:
    with pytest.raises(UsageError, match="eventNam"):
        asked(engine, "SELECT eventNam FROM events")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/securetrail-test'",
        "ATTACH '/tmp/securetrail-test.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
    ],
)
def test_the_engine_is_locked_even_for_what_is_not_judged(engine: Engine, sql: str) -> None:
    engine.prepare("SELECT 1")
    engine.close_input([], [], None)

    with pytest.raises(duckdb.Error):
        engine._db.execute(sql)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to the memory that it may have")
def test_a_query_cannot_take_more_memory_than_it_may(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text(json.dumps({"Records": [{"eventName": "a" * 1_000}]}))
    sql = f"SELECT length(replace(replace(eventName, 'a', '{'a' * 1_000}'), 'a', '{'b' * 10_000}')) FROM events"  # noqa: S608 - our own text

    done = subprocess.run(
        [sys.executable, "-m", "verify", "logs", "query", sql, "--in", str(log)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )

    assert done.returncode == 3
    assert "needs more memory" in done.stderr


def test_every_allowed_function_is_one_of_the_engines() -> None:
    there = {row[0].lower() for row in duckdb.sql("SELECT function_name FROM duckdb_functions()").fetchall()}
    of_the_parser = {"->", "coalesce", "current_timestamp", "grouping", "grouping_id", "if", "ifnull"}

    assert ALLOWED - there <= of_the_parser


def test_no_allowed_function_reads_waits_or_writes() -> None:
    suspicious = re.compile(r"\bread_|write|file$|glob|setting|env|sleep|query|_sql|secret|variable|attach|load")

    assert {name for name in ALLOWED if suspicious.search(name)} == set()


@pytest.mark.slow
def test_a_query_of_athenas_is_translated() -> None:
    sql = (
        "SELECT useridentity.arn, json_extract_scalar(requestparameters, '$.bucketName') FROM cloudtrail_logs "
        "WHERE from_iso8601_timestamp(eventtime) > date_add('day', -1, now()) AND regexp_like(eventname, '^Get')"
    )

    assert "json_extract_scalar" not in translated(sql).lower()


@pytest.mark.slow
@pytest.mark.parametrize("sql", ["SELEC 1 FRO", "SELECT ((((", "SELECT 'a"])
def test_what_is_not_athenas_sql_is_refused(sql: str) -> None:
    with pytest.raises(UsageError):
        translated(sql)


def test_other_commands_load_neither_the_engine_nor_what_it_needs() -> None:
    program = (
        "import sys\n"
        "from verify.cli import build_parser\n"
        "build_parser().parse_args(['logs', 'stats'])\n"
        "loaded = {'duckdb', 'pyarrow', 'sqlglot'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_ends_a_query_that_has_no_end(engine: Engine) -> None:
    engine.prepare("WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT 1 - x FROM t) SELECT count(*) FROM t")
    engine.close_input([], [], None)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)  # workers that run tests ignore SIGINT
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            list(engine.run().rows)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_ctrl_c_pressed_twice_does_not_wait_for_what_goes_on() -> None:
    go_on = Event()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
        with pytest.raises(StillRunning):
            unless_interrupted(lambda: go_on.wait(60), lambda: None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        go_on.set()


def test_ctrl_c_does_not_wait_for_what_does_not_end(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pressed(Future[None]):
        """A call that goes on, at which Ctrl-C is pressed."""

        def result(self, timeout: float | None = None) -> None:  # noqa: ARG002 - as in Future
            raise KeyboardInterrupt

    monkeypatch.setattr("verify.threads._ENDS_WITHIN_SECONDS", 0.0)
    monkeypatch.setattr("verify.threads.started", lambda _call: Pressed())
    engine.prepare("SELECT 1")
    engine.close_input([], [], None)

    with pytest.raises(StillRunning):
        engine.run()

    engine.close()
    assert engine._db.execute("SELECT 1").fetchall() == [(1,)], "it is left to itself: to close it would wait for it"
