"""Events are asked where they lie: the answer is the same whether the engine has a copy of them or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tiers import mostly_slow
from verify.errors import CannotLook, UsageError
from verify.logs.decode import Wanted, decoder_for
from verify.logs.engine import Engine, FileRow
from verify.logs.schema import DERIVED, STORED

pytestmark = pytest.mark.regular

FILES = [
    [
        {"eventName": name, "eventTime": f"2026-01-0{day}T00:00:00Z", "readOnly": name < "C", "sourceIPAddress": None}
        for name in "ABCDA"
    ]
    for day in range(1, 6)
]
QUESTIONS = [
    "SELECT eventName, count(*) FROM events GROUP BY 1 ORDER BY 1",
    "SELECT count(*) FROM events",
    "SELECT file, position, eventName FROM events WHERE eventName = 'A' ORDER BY 1, 2",
    "SELECT file FROM events WHERE eventTime > '2026-01-02' AND readOnly AND eventName IN ('A', 'C') ORDER BY 1",
    "SELECT count(*) FROM events a JOIN events b ON a.eventName = b.eventName AND a.eventTime < b.eventTime",
    "SELECT nulls, count(*) FROM events WHERE sourceIPAddress IS NULL GROUP BY 1",
    "WITH held_records AS (SELECT 1), records AS (SELECT 2) SELECT count(*) FROM events",
]


@pytest.mark.parametrize("sql", mostly_slow(QUESTIONS, 3))
@pytest.mark.parametrize("kept", mostly_slow([None, {1, 3}], 2))
def test_a_copy_gives_the_same_answer(
    sql: str, kept: set[int] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    for held_bytes in (0, 10**9):
        monkeypatch.setattr("verify.logs.engine._MOST_HELD_BYTES", held_bytes)
        answers.append(ask(sql, kept, tmp_path))

    assert answers[0] == answers[1] != []


def ask(sql: str, kept: set[int] | None, folder: Path) -> list[tuple[Any, ...]]:
    engine = Engine(folder)
    columns = engine.prepare(sql, is_timed=False, by_file=kept is not None)
    assert engine.statement is not None
    wanted = Wanted(engine.statement.conditions)
    decode = decoder_for(columns, wanted, with_position=engine.needs_position, is_compact=True)
    for number, records in enumerate(FILES):
        engine.add(number, decode(json.dumps({"Records": records}).encode()).rows)
        engine._combine()
    if kept is not None:
        engine.keep(frozenset(kept))
    files = [(number, FileRow(f"file {number}", "", "", "", None, 0, 5, "")) for number in kept or range(len(FILES))]
    engine.close_input(files, [], None)
    try:
        return list(engine.run().rows)
    finally:
        engine.close()


def test_what_fails_after_many_rows_fails_as_a_query_does(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    found = engine._db.execute("SELECT if(i = 1500000, error('late'), 'a') FROM range(2000000) t(i)")
    try:
        # Which thread's error the engine hands on is chance.
        with pytest.raises((UsageError, CannotLook), match=r"Invalid Input Error: late|does not say why"):
            list(engine._batches(found))
    finally:
        engine.close()


# The first three are in no column of cloudtrail_logs by themselves.
ANY = list(dict.fromkeys(["userName", "sessionName", "rest", *STORED, *(each.name for each in DERIVED)]))


@pytest.mark.parametrize("column", mostly_slow(ANY, 3))
def test_each_column_can_be_asked_for_alone(column: str, tmp_path: Path) -> None:
    sql = f"SELECT {column}, (SELECT count(*) FROM cloudtrail_logs) FROM events LIMIT 1"  # noqa: S608 - our own

    assert [row[1] for row in ask(sql, None, tmp_path)] == [25]
    assert len(ask(f"SELECT {column} FROM events", None, tmp_path)) == 25  # noqa: S608 - our own


def test_columns_that_get_names_by_their_order_are_all_there(tmp_path: Path) -> None:
    every = ask("SELECT * FROM events", None, tmp_path)

    first = ask("SELECT a, c FROM events AS e(a, b, c)", None, tmp_path)
    found = ask("SELECT count(*) FROM events AS e(x, eventName, y) WHERE y = 'A' AND eventName IS NULL", None, tmp_path)

    assert sorted(map(repr, first)) == sorted(repr((row[0], row[2])) for row in every)
    assert found == [(10,)]
