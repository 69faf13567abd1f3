"""Rows that are written column by column are those that are written one by one."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.logs.engine import ResultColumn
from verify.report.row_json import are_quick, as_objects, text_of, texts_of

TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "VARCHAR": (
        pa.string(),
        st.text(max_size=6) | st.sampled_from(['{"a":"\\"b"}', "\x1b[31m", "\x7f", "é", "\\", ""]),
    ),
    "BOOLEAN": (pa.bool_(), st.booleans()),
    "BIGINT": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "TIMESTAMP": (pa.timestamp("us"), st.datetimes() | st.datetimes().map(lambda at: at.replace(microsecond=0))),
}


@st.composite
def table(draw: st.DrawFn) -> tuple[list[ResultColumn], list[tuple[Any, ...]], int]:
    types = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=5))
    names = draw(st.lists(st.sampled_from(["a", "A", 'x"\x1b']), min_size=len(types), max_size=len(types)))
    columns = [ResultColumn(*each) for each in zip(names, types, strict=True)]
    rows = draw(st.lists(st.tuples(*(st.none() | TYPES[each][1] for each in types)), max_size=4))
    return columns, rows, draw(st.integers(0, len(rows)))


@given(table())
def test_both_ways_write_the_same(made: tuple[list[ResultColumn], list[tuple[Any, ...]], int]) -> None:
    columns, rows, first = made
    arrays = [pa.array([row[at] for row in rows], TYPES[column.type][0]) for at, column in enumerate(columns)]
    batch = pa.RecordBatch.from_arrays(arrays, [str(at) for at in range(len(columns))]).slice(first)

    texts = b"\n".join(texts_of(columns, [batch], "\n")).decode("ascii").splitlines()

    assert texts == [text_of(each) for each in as_objects(columns, rows[first:])]
    assert all(" " <= character <= "~" for text in texts for character in text)
    assert are_quick(columns)


@pytest.mark.parametrize("other", ["DOUBLE", "HUGEINT", "VARCHAR[]", "STRUCT(a VARCHAR)", "DECIMAL(3,1)", "DATE"])
def test_other_types_are_written_one_by_one(other: str) -> None:
    assert not are_quick([ResultColumn("a", "VARCHAR"), ResultColumn("b", other)])


def test_a_time_before_and_after_all_calendars_is_written() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 5)])], ["a"])  # noqa: DTZ001

    (text,) = texts_of([ResultColumn("a", "TIMESTAMP")], [batch], "\n")

    times = [json.loads(line)["a"] for line in bytes(text).splitlines()]
    assert times == ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.000005Z"]
