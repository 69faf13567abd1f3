"""Events that a query cannot want are passed over, and no others: neither the answer nor its basis changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.logs.decode import Wanted, _texts_at, decoder_for
from verify.logs.engine import Engine, FileRow
from verify.logs.sql.pushdown import Condition

_Record: Any = msgspec.defstruct("_Record", [("eventVersion", msgspec.Raw, None)])
_Placed: Any = msgspec.defstruct("_Placed", [("Records", list[_Record])])


EQUAL = frozenset({("eventName", "A")})


def conditions(folder: Path, sql: str) -> frozenset[Condition]:
    engine = Engine(folder)
    engine.prepare(sql)
    found = engine.statement
    engine.close()
    assert found is not None
    return found.conditions


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM events WHERE eventName = 'A'", {EQUAL}),
        ("SELECT * FROM events WHERE 'A' = EVENTNAME AND eventTime > now()", {EQUAL}),
        ("SELECT * FROM events e WHERE e.eventName = 'A' AND lower(userName) = 'x'", {EQUAL}),
        ("SELECT count(*) FROM cloudtrail_logs WHERE eventname = 'A'", {EQUAL}),
        (
            "SELECT * FROM events WHERE (eventName IN ('A', 'B')) AND ('x' IN (role, issuerArn))",
            {
                frozenset({("eventName", "A"), ("eventName", "B")}),
                frozenset({("issuerUserName", "x"), ("issuerArn", "x")}),
            },
        ),
        (
            "SELECT * FROM events WHERE eventName = 'A' OR userName = 'b'",
            {frozenset({("eventName", "A"), ("userName", "b")})},
        ),
        ("SELECT * FROM events WHERE eventName = 'A' OR eventTime > now()", set()),
        ("SELECT * FROM events WHERE NOT (eventName = 'A')", set()),
        ("SELECT * FROM events WHERE eventName <> 'A'", set()),
        ("SELECT * FROM events WHERE eventName NOT IN ('A')", set()),
        ("SELECT * FROM events WHERE eventName = userName", set()),
        ("SELECT * FROM events WHERE eventName = NULL", set()),
        ("SELECT * FROM events WHERE requestParameters = '{}'", set()),
        ("SELECT * FROM events WHERE account = '1'", set()),
        ("SELECT count(*) FILTER (WHERE eventName = 'A') FROM events", set()),
        ("SELECT eventName FROM events GROUP BY 1 HAVING eventName = 'A'", set()),
        ("SELECT * FROM events JOIN events f USING (eventID) WHERE f.eventName = 'A'", set()),
        ("SELECT * FROM events, files WHERE eventName = 'A'", set()),
        ("SELECT (SELECT count(*) FROM events) FROM events WHERE eventName = 'A'", set()),
        ("SELECT * FROM events WHERE eventName = 'A' UNION ALL SELECT * FROM events", set()),
        ("WITH e AS (SELECT * FROM events) SELECT * FROM e WHERE eventName = 'A'", set()),
        ("SELECT * FROM events TABLESAMPLE 10% WHERE eventName = 'A'", set()),
        ("SELECT eventname AS username, eventname AS role FROM cloudtrail_logs WHERE username = 'A'", set()),
        ("SELECT eventname AS username, eventname AS role FROM cloudtrail_logs WHERE 'A' = role", set()),
        ("SELECT why AS errorMessage FROM unreadable WHERE errorMessage = 'A'", set()),
        ("SELECT * FROM cloudtrail_logs WHERE useridentity.username = 'A' AND readonly = 'true'", set()),
        ("SELECT * FROM events AS e(x, eventName) WHERE eventName = 'A'", set()),
    ],
)
def test_only_what_every_event_must_meet_is_a_condition(sql: str, expected: set[Condition], tmp_path: Path) -> None:
    assert conditions(tmp_path, sql) == expected


NAMES = st.sampled_from(["A", "B", "a", "", None, 5])
# Where CloudTrail writes the version, a record is found by its place; elsewhere it is not.
FIRST = [{"eventVersion": st.sampled_from(["1.11", None, {"eventVersion": "1"}])}, {}]
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "eventName": NAMES,
    "userIdentity": st.fixed_dictionaries({}, optional={"userName": NAMES, "type": st.just("IAMUser")}),
    "eventTime": st.sampled_from(["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-01-01T00:00:00.5Z", 7]),
    "requestParameters": st.sampled_from([{"a": "A"}, [{"eventVersion": "1.11"}, {"eventVersion": "1.11"}], "],}"]),
    "unknown": st.just(1),
}
RECORD = st.one_of(
    *(st.fixed_dictionaries(first, optional=FIELDS) for first in FIRST),
    st.fixed_dictionaries({}, optional=FIELDS | FIRST[0]),
)
LAYOUTS = [
    json.dumps,
    lambda records: json.dumps(records, separators=(",", ":")),
    lambda records: json.dumps({"Records": records}),
    lambda records: json.dumps({"Records": records}, separators=(",", ":")),
    lambda records: json.dumps({"a": [1], "Records": records, "b": [{}, {}]}, separators=(",", ":")),
    lambda records: json.dumps({"Records": records}, indent=1) + "\n",
]
CONDITION = st.frozensets(
    st.tuples(st.sampled_from(["eventName", "userName"]), st.sampled_from(["A", "B"])), min_size=1, max_size=3
)
PERIOD = (datetime(2026, 1, 1), datetime(2026, 1, 15))  # noqa: DTZ001 - the zone does not matter


@pytest.mark.slow
@given(st.lists(RECORD, max_size=5), st.frozensets(CONDITION, min_size=1, max_size=2), st.sampled_from(LAYOUTS))
def test_no_event_that_meets_the_conditions_is_passed_over(
    records: list[dict[str, Any]], wanted: frozenset[Condition], layout: Callable[[Any], str]
) -> None:
    body = layout(records).encode()
    columns = frozenset({"eventName", "userName", "eventTime", "rest"})

    chosen = decoder_for(columns, Wanted(wanted, PERIOD))(body)
    every = decoder_for(columns)(body)

    def rows(tables: list[Any]) -> list[dict[str, Any]]:
        found = [row for table in tables for row in table.to_pylist()]
        return sorted(found, key=lambda row: row["record_position"])

    def meets(row: dict[str, Any]) -> bool:
        return all(any(row[column] == text for column, text in condition) for condition in wanted)

    def is_in_period(row: dict[str, Any]) -> bool:
        return row["eventTime"] is None or PERIOD[0] <= row["eventTime"] <= PERIOD[1]

    kept = rows(chosen.tables)
    assert [row for row in kept if meets(row)] == [row for row in rows(every.tables) if meets(row)]
    assert chosen.events == every.events == len(records)
    left = [row for row in rows(every.tables) if row not in kept]
    assert chosen.passed_over == sum(map(is_in_period, left))


def test_records_are_found_by_the_place_of_their_first_field() -> None:
    records = [{"eventVersion": "1.11", "eventName": name, "requestParameters": {}} for name in "ABA"]
    body = json.dumps({"Records": records}, separators=(",", ":")).encode()

    found = _texts_at(body, msgspec.json.decode(body, type=_Placed).Records, [0, 2])

    assert found is not None
    assert [json.loads(text) for text in found] == [records[0], records[2]]


@pytest.mark.slow
@given(st.lists(RECORD, max_size=5), st.sampled_from(LAYOUTS))
def test_a_record_that_is_found_by_its_place_is_that_record(
    records: list[dict[str, Any]], layout: Callable[[Any], str]
) -> None:
    body = layout(records).encode()
    placed = msgspec.json.decode(body, type=_Placed if body.startswith(b"{") else list[_Record])

    found = _texts_at(body, placed if isinstance(placed, list) else placed.Records, range(len(records)))

    assert found is None or [json.loads(text) for text in found] == records


@pytest.mark.parametrize("text", ["'A'", "'x'"])
def test_an_answer_rests_on_the_same_with_and_without(text: str, tmp_path: Path) -> None:
    body = json.dumps({"Records": [{"eventName": "A"}, {"eventName": "B", "requestParameters": {}}]}).encode()
    answers = []
    for where in (f"eventName = {text}", f"eventName || '' = {text}"):
        engine = Engine(tmp_path)
        columns = engine.prepare(f"SELECT * FROM events WHERE {where}")  # noqa: S608 - our own
        assert engine.statement is not None
        decoded = decoder_for(columns, Wanted(engine.statement.conditions))(body)
        engine.add(0, decoded.rows)
        engine.close_input([(0, FileRow("f", "", "", "", None, 0, decoded.events, ""))], [], None)
        answers.append((list(engine.run().rows), engine.count_events() + decoded.passed_over))
        engine.close()

    assert answers[0] == answers[1]
