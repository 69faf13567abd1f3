"""No field of a record is lost or altered, however odd it is: a round trip compared with :mod:`json`."""

# ruff: noqa: DTZ001 - a column of the type TIMESTAMP has no zone

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.logs.decode import (
    MAX_RECORD_BYTES,
    Decoded,
    Wanted,
    _day,
    _exact_times,
    _microseconds,
    _minute,
    _second,
    decoder_for,
    records_of,
)
from verify.logs.record import exact_time, record_of, row_of
from verify.logs.schema import COLUMNS, STORED, Kind

ALL = frozenset(STORED)
DATASETS = Path(__file__).parents[4] / "shared" / "datasets"
ATTACK, DETONATIONS = DATASETS / "stratus-attack", DATASETS / "stratus-detonations"


def rows(decoded: Decoded) -> list[dict[str, Any]]:
    """The rows of a file, in the order of its records."""
    found = [row for table in decoded.tables for row in table.to_pylist()]
    return sorted(found, key=lambda row: row["record_position"])


def decoded_from(records: list[Any], *, is_list: bool = False) -> Decoded:
    return decoder_for(ALL)(json.dumps(records if is_list else {"Records": records}).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)
TIMES = st.datetimes(datetime(2013, 1, 1), datetime(2100, 1, 1)).map(
    lambda at: f"{at.replace(microsecond=0).isoformat()}Z"
)
USUAL = {
    Kind.TEXT: st.text(max_size=20),
    Kind.JSON: JSON,
    Kind.TIME: TIMES,
    Kind.FLAG: st.booleans(),
    Kind.TEXT_FLAG: st.sampled_from(["true", "false"]),
}


@st.composite
def record(draw: st.DrawFn) -> dict[str, Any]:
    """A record: most fields as CloudTrail writes them, some of another type, some unknown."""
    made: dict[str, Any] = {}
    for column in draw(st.lists(st.sampled_from(COLUMNS), max_size=8, unique=True)):
        at = made
        for name in column.path[:-1]:
            inner = at.setdefault(name, {})
            at = inner if isinstance(inner, dict) else {}
        at[column.path[-1]] = draw(USUAL[column.kind] if draw(st.integers(0, 5)) else JSON)
    odd = st.sampled_from(["unknown", "userIdentity", "EventName", "tlsDetails", "eventTime", ""])
    made |= draw(st.dictionaries(odd, JSON | st.just({}) | st.just({"sessionContext": {}}), max_size=2))
    return made


def without_lone_surrogates(value: Any) -> Any:
    return json.loads(
        json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    )


@given(record())
def test_a_record_comes_back_as_it_was(made: dict[str, Any]) -> None:
    assert record_of(row_of(json.dumps(made).encode())) == made


@given(st.lists(record(), max_size=4), st.booleans())
def test_every_record_of_a_file_comes_back_as_it_was(made: list[dict[str, Any]], is_list: bool) -> None:  # noqa: FBT001
    decoded = decoded_from(made, is_list=is_list)

    assert [record_of(row) for row in rows(decoded)] == made
    assert (decoded.events, decoded.unreadable_count, decoded.flaw) == (len(made), 0, "")


@pytest.mark.slow
@given(st.lists(record(), min_size=1, max_size=4))
def test_lines_are_read_as_a_file_is(made: list[dict[str, Any]]) -> None:
    lines = "\n".join(json.dumps(each) for each in made).encode()

    found = rows(decoder_for(ALL)(lines))

    assert [record_of(row) for row in found] == made


@pytest.mark.slow
@given(st.lists(record(), max_size=4), st.sets(st.sampled_from(STORED), min_size=1, max_size=4))
def test_a_column_is_the_same_whatever_others_are_asked_for(made: list[dict[str, Any]], asked: set[str]) -> None:
    body = json.dumps({"Records": made}).encode()

    some, every = rows(decoder_for(frozenset(asked))(body)), rows(decoder_for(ALL)(body))

    assert some == [
        {name: row[name] for name in ("record_position", *STORED) if name in asked | {"record_position"}}
        for row in every
    ]


@pytest.mark.slow
@given(st.lists(record(), max_size=4))
def test_the_quick_way_and_the_exact_way_agree(made: list[dict[str, Any]]) -> None:
    quick = [{name: value for name, value in row.items() if value is not None} for row in rows(decoded_from(made))]

    assert quick == [{"record_position": at, **row_of(json.dumps(each).encode())} for at, each in enumerate(made)]


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31 09:30:00Z",
        "2026-02-30T00:00:00Z",
        "2026-W05-6T09:30:0Z",
        "2026-01-31T09:30:00.000Z",
        "",
        "2026-01-31T24:00:00Z",
    ],
)
def test_a_time_in_another_spelling_is_not_taken_for_exact(text: str) -> None:
    assert exact_time(text) is None


def test_a_long_text_in_place_of_a_time_is_not_kept_in_memory() -> None:
    kept = [each.cache_info().currsize for each in (_day, _minute, _second)]

    assert rows(decoded_from([{"eventID": "1", "eventTime": f"2031-01-31T{'9' * 1_000_000}Z"}]))
    assert [each.cache_info().currsize for each in (_day, _minute, _second)] == kept


@given(at=st.datetimes(), changed=st.lists(st.tuples(st.integers(0, 19), st.sampled_from("0123456789:-TZ +٣"))))
def test_a_time_is_read_in_parts_as_it_is_read_as_a_whole(at: datetime, changed: list[tuple[int, str]]) -> None:
    text = list(f"{at.replace(microsecond=0).isoformat()}Z")
    for place, character in changed:
        text[place] = character

    exact = exact_time("".join(text))
    expected = None if exact is None else (exact - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    assert _microseconds("".join(text)) == expected
    together = _exact_times([None, "2026-01-31T09:30:00Z", "".join(text)])
    assert (None if together is None else together.to_pylist()[2]) == exact


def test_a_time_in_another_spelling_is_a_time_all_the_same_and_comes_back_as_it_was() -> None:
    made = {"eventTime": "2026-01-31T10:30:00.250+01:00"}
    row = row_of(json.dumps(made).encode())

    assert row["eventTime"] == datetime(2026, 1, 31, 9, 30)
    assert record_of(row) == made


# Deeper than whatever a library of another test may have let Python go.
DEEP = "[" * 50_000 + "]" * 50_000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("5", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("null", "not a JSON object"),
        ("[1, [2]]", "not a JSON object"),
        (f'{{"eventName": "Deep", "requestParameters": {DEEP}}}', "nested too deeply"),
    ],
)
def test_a_record_that_is_none_is_counted_and_hides_no_other(text: str, why: str) -> None:
    body = f'{{"Records": [{{"eventName": "First"}}, {text}, {{"eventName": "Last"}}]}}'.encode()

    decoded = decoder_for(ALL)(body)

    assert [row["eventName"] for row in rows(decoded)] == ["First", "Last"]
    assert decoded.unreadable_count == 1
    assert why in decoded.unreadable[0].why


@pytest.mark.parametrize(
    "text",
    [
        b'{"eventName": "Odd", "userAgent": "\\ud800"}',
        b'{"eventName": "Odd", "userAgent": "\xff"}',
        b'{"eventName": "Odd", "apiVersion": NaN}',
    ],
)
def test_a_record_of_which_something_is_replaced_is_shown_and_counted(text: bytes) -> None:
    decoded = decoder_for(ALL)(b'{"Records": [{"eventName": "First"}, ' + text + b"]}")

    assert [row["eventName"] for row in rows(decoded)] == ["First", "Odd"]
    assert [each.is_shown for each in decoded.unreadable] == [True]


@pytest.mark.parametrize("layout", ['{{"Records": [{}]}}', "[{}]", '{{"Records": [{}, ', "{}"])
@pytest.mark.parametrize("wanted", [Wanted(), Wanted(frozenset({frozenset({("eventName", "Last")})}))])
def test_a_record_that_is_too_large_takes_no_memory_and_hides_no_other(layout: str, wanted: Wanted) -> None:
    large = json.dumps({"eventName": "Large", "requestParameters": "x" * MAX_RECORD_BYTES})
    separator = "\n" if layout == "{}" else ","
    body = layout.format(separator.join(['{"eventName": "First"}', large, '{"eventName": "Last"}'])).encode()

    decoded = decoder_for(ALL, wanted)(body)

    assert "Last" in [row["eventName"] for row in rows(decoded)]
    assert (decoded.events, decoded.unreadable_count) == (2, 1)
    assert "larger than" in decoded.unreadable[0].why
    seen = Decoded()
    assert [record["eventName"] for record in records_of(body, seen)] == ["First", "Last"]
    assert seen.unreadable_count == 1


@pytest.mark.parametrize("start", [b"[", b'{"a": "}'])
def test_a_record_without_an_end_is_not_searched_for_ever(start: bytes) -> None:
    decoded = decoder_for(ALL)(b'[{"eventName": "First"}, ' + start + b"[" * 30 * 2**20 + b'{"eventName": "Inside"}')

    assert [row["eventName"] for row in rows(decoded)] == ["First"]
    assert (decoded.unreadable_count, bool(decoded.flaw)) == (1, True)


@given(st.lists(JSON, max_size=4))
def test_where_a_record_ends_does_not_hang_on_what_follows(made: list[Any]) -> None:
    texts = [json.dumps({"requestParameters": value}) for value in made]
    decoded = decoder_for(ALL)(f"[{', '.join([*texts, 'x'])}".encode())

    assert [json.loads(row["requestParameters"]) for row in rows(decoded) if row["requestParameters"]] == [
        value for value in made if value is not None
    ]


def test_what_comes_before_the_end_of_a_torn_file_is_read_and_the_rest_is_told() -> None:
    body = json.dumps({"Records": [{"eventName": "First"}, {"eventName": "Second"}]}).encode()

    for end in range(len(body) - 2, len('{"Records": [{"eventName": "First"}'), -3):
        decoded = decoder_for(ALL)(body[:end])
        assert rows(decoded)[0]["eventName"] == "First"
        assert decoded.flaw or decoded.unreadable_count


@pytest.mark.parametrize("between", [b"", b"\n", b" \r\n\t"])
@pytest.mark.parametrize("is_list", [False, True])
def test_documents_that_were_put_into_one_file_are_all_read(between: bytes, is_list: bool) -> None:  # noqa: FBT001
    documents = [[{"eventName": "A"}, {"eventName": "B"}], [], [{"eventName": "C"}]]
    body = between.join(json.dumps(each if is_list else {"Records": each}).encode() for each in documents)

    decoded = decoder_for(ALL)(body)

    assert [row["eventName"] for row in rows(decoded)] == ["A", "B", "C"]
    assert (decoded.events, decoded.unreadable_count, decoded.flaw) == (3, 0, "")


@pytest.mark.parametrize(
    "after",
    [b"x", b"}x", b'}{"eventName": "B"}', b","],
)
def test_what_follows_the_records_is_told(after: bytes) -> None:
    decoded = decoder_for(ALL)(b'{"Records": [{"eventName": "A"}, 5]' + after)
    as_list = decoder_for(ALL)(b'[{"eventName": "A"}]' + after)

    assert [row["eventName"] for row in rows(decoded)] == ["A"]
    assert decoded.flaw
    assert as_list.flaw


def test_other_fields_of_the_envelope_are_no_flaw() -> None:
    decoded = decoder_for(ALL)(b'{"Records": [{"eventName": "A"}, 5], "a": [{"Records": []}], "b": {}}')

    assert (decoded.events, decoded.unreadable_count, decoded.flaw) == (1, 1, "")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{}", b"{}{}", b"\x00" * 100, b"hello", b'{"Other": []}', b'{"Records": 5}', b"[[[["),
        *(b'{"records": [{"eventName": "A"}]}', b'{"Events": [{"EventName": "A"}]}'),
        b'{"eventName": "A"}\n{"detail": {"eventName": "B"}, "resources": []}',
    ],
)
def test_what_is_no_log_file_is_told(body: bytes) -> None:
    decoded = decoder_for(ALL)(body)

    assert decoded.flaw or decoded.unreadable_count


@pytest.mark.slow
@pytest.mark.skipif(not ATTACK.is_dir(), reason="the real log files are not on this machine")
def test_every_field_of_a_recorded_attack_comes_back_as_it_was() -> None:
    total = 0
    for path in ATTACK.rglob("*.json.gz"):
        body = gzip.decompress(path.read_bytes())
        found = rows(decoder_for(ALL)(body))
        total += len(found)
        assert [record_of(row) for row in found] == json.loads(body)["Records"]

    assert total == 2_093


@pytest.mark.skipif(not DETONATIONS.is_dir(), reason="the real log files are not on this machine")
def test_every_field_of_the_recorded_techniques_comes_back_as_it_was() -> None:
    total = 0
    for path in DETONATIONS.glob("*.json"):
        found = rows(decoder_for(ALL)(path.read_bytes()))
        total += len(found)
        assert [record_of(row) for row in found] == json.loads(path.read_bytes())

    assert total == 170


@pytest.mark.parametrize("where", [None, frozenset({frozenset({("eventName", "A")})})])
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{"Records":[A,A],"Records":[B]}', "AAB"),
        ('{"Records" : [A] , "Records" : [B,B]} ', "ABB"),
        ('{"Records":[A],"Records":[]}', "A"),
        ('{"Records":[A],"Records":[B]', "AB"),
        ('{"Records":[A]}\n{"Records":[A],"Records":[B]}', "AAB"),
        ('{"Records":[A],"a":1,"Records":[B]}', "A"),
        ('{"Records":[A],"\\u0052ecords":[B]}', "A"),
        ('{"\\u0052ecords":[A],"Records":[B]}', "B"),
        ('{"a":1,"Records":[A],"Records":[B]}', "B"),
        ('{"Records":[A],"Records":null}', "A"),
    ],
)
def test_of_an_envelope_with_two_lists_nothing_is_lost_in_silence(text: str, names: str, where: Any) -> None:
    for name in "AB":
        text = text.replace(name, f'{{"eventVersion":"1.11","eventName":"{name}"}}')

    decoded = decoder_for(ALL, Wanted(where) if where else Wanted())(text.encode())

    assert "".join(row["eventName"] for row in rows(decoded)) == names
    assert decoded.flaw


def test_other_fields_of_an_envelope_do_not_make_it_odd() -> None:
    for text in ('{"a":[{"b":[]}],"Records":[A]}', '{"Records":[A],"a":[1],"b":{"Records":[2]}}', "\n[A]\n"):
        decoded = decoder_for(ALL)(text.replace("A", '{"eventName":"A"}').encode())

        assert [row["eventName"] for row in rows(decoded)] == ["A"]
        assert not decoded.flaw
