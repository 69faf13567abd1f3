"""Rows as JSON of printable ASCII alone, so that no control character reaches a terminal.

``as_objects`` and ``text_of`` write every row that there is, one by one. ``texts_of`` writes the same column by column,
several times as quickly, where each column is of a type that ``are_quick`` knows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from verify.logs.engine import ResultColumn

_DELETE = b"\x7f"
_PLAIN = frozenset({str, int, bool})
_QUICK: Final = frozenset(
    {"VARCHAR", "JSON", "BOOLEAN", "TIMESTAMP", "INTEGER", "BIGINT", "SMALLINT", "TINYINT"}
    | {"UINTEGER", "UBIGINT", "USMALLINT", "UTINYINT"}
)
_PRINTABLE = range(0x20, 0x7F)
# Offsets of 64 bits: what is joined may be long.
_TEXT: Final = pa.large_string()
_WRITTEN_AT_ONCE_BYTES = 2**23


def unique_names(columns: Iterable[ResultColumn]) -> list[str]:
    """The names of an answer's columns, each once: SQL allows the same one twice."""
    names: list[str] = []
    for column in columns:
        name, number = column.name, 1
        while name in names:
            name, number = f"{column.name}_{number}", number + 1
        names.append(name)
    return names


def json_value(value: Any) -> Any:
    """A value of an answer, as JSON has it."""
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, datetime):
        return f"{value.isoformat()}{'' if value.tzinfo else 'Z'}"
    if isinstance(value, bytes | bytearray):
        return value.hex()
    is_number = isinstance(value, float | Decimal) and math.isfinite(value)
    return float(value) if is_number else value if value is None or isinstance(value, str | int) else str(value)


def as_objects(columns: Sequence[ResultColumn], rows: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Each row as an object."""
    names = unique_names(columns)
    for row in rows:
        yield {
            name: value if value is None or type(value) in _PLAIN else json_value(value)
            for name, value in zip(names, row, strict=True)
        }


def text_of(value: Any) -> str:
    """As JSON."""
    try:
        quick = msgspec.json.encode(value)  # several times as quick as json, and leaves other characters as they are
    except (TypeError, OverflowError, ValueError, RecursionError):
        quick = _DELETE
    is_ascii = quick.isascii() and _DELETE not in quick
    return quick.decode() if is_ascii else json.dumps(value, separators=(",", ":"))


def are_quick(columns: Iterable[ResultColumn]) -> bool:
    """Whether rows of these columns can be written by :func:`texts_of`."""
    return all(column.type in _QUICK for column in columns)


def texts_of(columns: Iterable[ResultColumn], batches: Iterable[Any], separator: str) -> Iterator[memoryview]:
    """The rows of batches of Arrow as the texts of objects, in ASCII, many in each answer: a text of Python's would be
    one more copy.

    :param columns: of them, all of types that :func:`are_quick` knows.
    :param separator: what is between two of an answer, in ASCII.
    """
    names = [text_of(name) for name in unique_names(columns)]
    for batch in batches:
        at_once = max(1, batch.num_rows * _WRITTEN_AT_ONCE_BYTES // max(batch.nbytes, _WRITTEN_AT_ONCE_BYTES))
        for first in range(0, batch.num_rows, at_once):
            yield _text(names, batch.slice(first, at_once), separator)


def _text(names: Sequence[str], batch: Any, separator: str) -> memoryview:
    pieces: list[Any] = []
    literal = "{"
    for name, column in zip(names, batch.columns, strict=True):
        literal += f"{name}:"
        if _is_always_the_same(column):
            literal += f"{_one(column)},"
            continue
        before, content, after = _written(column)
        if column.null_count:
            content, before, after = _between(before, content, after), "", ""
        pieces += [pa.scalar(literal + before, _TEXT), content]
        literal = f"{after},"
    last = f"{literal.removesuffix(',')}}}"
    if not pieces:
        return memoryview(separator.join([last] * batch.num_rows).encode())
    pieces.append(pa.scalar(last + separator, _TEXT))
    joined = pc.binary_join_element_wise(
        *pieces, pa.scalar("", _TEXT), null_handling="replace", null_replacement="null"
    )
    return _content(joined)[: -len(separator)]


def _is_always_the_same(column: Any) -> bool:
    """Whether a column has one value in all rows, as many of one role's have."""
    if column.null_count:
        return bool(column.null_count == len(column))
    first = column[0]
    return bool(first == column[-1] and pc.all(pc.equal(column, first)).as_py())


def _one(column: Any) -> str:
    """A column's first value as JSON."""
    if pa.types.is_string(column.type):
        return text_of(column[0].as_py())
    before, content, after = _written(column.slice(0, 1))  # Python has no year 10000
    text = content[0].as_py()
    return "null" if text is None else f"{before}{text}{after}"


def _written(column: Any) -> tuple[str, Any, str]:
    """The values of a column as JSON, and what comes before and after each; null stays null."""
    if pa.types.is_boolean(column.type):
        return "", pc.if_else(column, pa.scalar("true", _TEXT), pa.scalar("false", _TEXT)), ""
    if pa.types.is_integer(column.type):
        return "", column.cast(_TEXT), ""
    if pa.types.is_timestamp(column.type):
        return '"', _written_times(column), 'Z"'
    text = column.cast(_TEXT)
    content = bytes(_content(text))
    if not _is_printable(content):  # seldom
        return "", pa.array([None if value is None else text_of(value) for value in text.to_pylist()], _TEXT), ""
    for special in ("\\", '"'):
        if special.encode() in content:
            text = pc.replace_substring(text, special, f"\\{special}")
    return '"', text, '"'


def _is_printable(content: bytes) -> bool:
    """Whether a text is of ASCII's printable characters alone."""
    found = pc.min_max(pa.Array.from_buffers(pa.uint8(), len(content), [None, pa.py_buffer(content)])).as_py()
    return not content or (found["min"] in _PRINTABLE and found["max"] in _PRINTABLE)


def _written_times(column: Any) -> Any:
    try:
        text = column.cast(pa.timestamp("s")).cast(_TEXT)
    except pa.ArrowInvalid:  # some have fractions of a second
        text = pc.replace_substring_regex(column.cast(_TEXT), r"\.000000$", "")
    return pc.replace_substring(text, " ", "T", max_replacements=1)


def _between(before: str, text: Any, after: str) -> Any:
    return pc.binary_join_element_wise(pa.scalar(before, _TEXT), text, pa.scalar(after, _TEXT), pa.scalar("", _TEXT))


def _content(text: Any) -> memoryview:
    """All texts of an array, one after the other."""
    _, offsets, content = text.buffers()
    at = memoryview(offsets).cast("q")
    return memoryview(content or b"")[at[text.offset] : at[text.offset + len(text)]]
