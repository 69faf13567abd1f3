"""Answers for other programs: files of one's own, Parquet, Timesketch, and Python."""

from __future__ import annotations

import json
import stat
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from verify.cli import main
from verify.errors import UsageError
from verify.logs.api import Logs
from verify.logs.export import as_timesketch
from verify.logs.sql.named import named_query

CALL: dict[str, Any] = {
    "eventTime": "2026-11-01T10:00:00Z",
    "eventName": "GetObject",
    "sourceIPAddress": "203.0.113.7",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/alice", "userName": "alice"},
}


@pytest.fixture
def log(tmp_path: Path) -> str:
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"Records": [CALL, {**CALL, "eventName": "PutObject"}]}))
    return str(path)


@pytest.mark.parametrize(
    "format_",
    ["csv", "parquet", *(pytest.param(name, marks=pytest.mark.slow) for name in ("table", "json", "timesketch"))],
)
def test_an_answer_goes_to_a_new_file_that_nobody_else_can_read(
    format_: str, log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    ask = ["logs", "query", "SELECT eventTime, eventName FROM events", "--in", log, "--format", format_]

    assert main([*ask, "--output", str(out)]) == 0
    assert capsys.readouterr().out == ""
    assert main([*ask, "--output", str(out)]) == 2

    printed = capsys.readouterr()
    assert "is there already" in printed.err
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert out.read_bytes()


def test_parquet_has_the_rows_and_their_types(log: str, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"

    assert main(["logs", "show", "--event", "GetObject", "--in", log, "--format", "parquet", "--output", str(out)]) == 0

    (row,) = pq.read_table(out).to_pylist()
    assert (row["eventTime"], row["eventName"]) == (datetime(2026, 11, 1, 10), "GetObject")  # noqa: DTZ001


def test_parquet_is_not_for_a_terminal(log: str) -> None:
    assert main(["logs", "stats", "--in", log, "--format", "parquet"]) == 2


def test_timesketch_gets_a_message_a_time_and_the_record(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "show", "--event", "GetObject", "--in", log, "--format", "timesketch"]) == 0

    line = json.loads(capsys.readouterr().out)
    assert line["message"] == "GetObject by arn:aws:iam::111122223333:user/alice from 203.0.113.7"
    assert (line["datetime"], line["timestamp_desc"]) == ("2026-11-01T10:00:00+00:00", "CloudTrail event")
    assert {name: line[name] for name in CALL} == CALL


def test_rows_without_a_time_are_nothing_for_timesketch() -> None:
    with pytest.raises(UsageError, match="eventTime"):
        list(as_timesketch([{"calls": 5}]))


@pytest.mark.slow
def test_python_gets_a_table_and_what_it_rests_on(log: str) -> None:
    logs = Logs((log,))

    found = logs.query("SELECT eventName FROM events ORDER BY 1")

    assert found.arrow.to_pylist() == [{"eventName": "GetObject"}, {"eventName": "PutObject"}]
    assert found.basis.is_whole
    assert found.duckdb().fetchall() == [("GetObject",), ("PutObject",)]
    assert logs.query("SELECT count(*) AS n FROM cloudtrail_logs", dialect="athena").arrow.to_pylist() == [{"n": 2}]
    assert logs.named("top-callers").arrow.num_rows == 1


def test_python_takes_one_place_as_one_and_lists_as_sets(log: str) -> None:
    sql = "SELECT count(*) AS n FROM events"

    for logs in (Logs(log), Logs(Path(log)), Logs([Path(log)], accounts=["111122223333"], regions="us-east-1")):
        assert logs.query(sql).arrow.to_pylist() == [{"n": 2}]


@pytest.mark.slow
def test_python_is_told_of_a_named_querys_own_limit(tmp_path: Path) -> None:
    limit = named_query("console-sign-ins").limit
    path = tmp_path / "log.json"
    for count, is_told in ((limit - 1, False), (limit, True)):
        path.write_text(json.dumps([CALL | {"eventName": "ConsoleLogin"}] * count))
        assert (
            any("the query's own LIMIT" in each for each in Logs(path).named("console-sign-ins").basis.notices)
            is is_told
        )


def test_python_is_told_what_is_not_installed(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Logs(log).query("SELECT 1")
    for name, frame in (("pandas", found.pandas), ("polars", found.polars)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(UsageError, match=f"{name} is not installed"):
            frame()


def test_python_is_told_as_the_command_line_is(log: str) -> None:
    with pytest.raises(UsageError):
        Logs((log,)).query("SELECT * FROM read_text('/etc/passwd')")
    with pytest.raises(UsageError):
        Logs((log,), proven_only=True).query("SELECT 1")


@pytest.mark.parametrize("format_", ["csv", "parquet", "jsonl"])
def test_an_answer_that_fails_half_way_leaves_no_file(format_: str, log: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sql = "SELECT CAST(eventName AS INTEGER) FROM events"

    assert main(["logs", "query", sql, "--in", log, "--format", format_, "--output", str(out)]) == 2

    assert not out.exists()
