"""One record: taken apart into columns, and put together again. Pure, slow and exact.

``decode`` does the same for whole files, as long as their records are as CloudTrail writes them, and leaves all others
to this module.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from verify.logs.schema import BY_NAME, COLUMNS, NULLS, REST, TREE, Column, Kind, Tree

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TIME = "%Y-%m-%dT%H:%M:%SZ"
TIME_CHARACTERS = len("2026-01-31T09:30:00Z")
_FLAGS = {"true": True, "false": False}
_MOST_LEVELS = 500
_PARTS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]')
_ORDER = {column.name: number for number, column in enumerate(COLUMNS)}


def exact_time(text: str) -> datetime | None:
    """A time as CloudTrail writes it; ``None`` for any other text."""
    if len(text) != TIME_CHARACTERS or text[-1] != "Z" or not text.isascii():
        return None
    try:
        moment = datetime.fromisoformat(text[:-1])
    except ValueError:
        return None
    # Python reads other spellings too, such as a week's day, or a blank in place of the T.
    return moment if f"{moment.isoformat()}Z" == text else None


def exact_flag(text: str) -> bool | None:
    """``true`` or ``false``; ``None`` for any other text."""
    return _FLAGS.get(text)


def row_of(record: bytes) -> dict[str, Any]:
    """The stored columns of a record; those that it lacks are not in the answer.

    :raises msgspec.DecodeError: it is no JSON object.
    """
    row: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    nulls: list[Column] = []
    _take(TREE, _OBJECT.decode(record), row, rest, nulls)
    if nulls:
        row[NULLS] = ",".join(".".join(column.path) for column in sorted(nulls, key=lambda each: _ORDER[each.name]))
    if rest:
        row[REST] = msgspec.json.encode(rest).decode()
    return row


def _take(
    tree: Tree, fields: Mapping[str, msgspec.Raw], row: dict[str, Any], rest: dict[str, Any], nulls: list[Column]
) -> None:
    for name, raw in fields.items():
        at, text = tree.get(name), bytes(raw)
        if at is None:
            rest[name] = raw
        elif not isinstance(at, Column):
            inner = _OBJECT.decode(raw) if text[:1] == b"{" else {}
            below: dict[str, Any] = {}
            _take(at, inner, row, below, nulls)
            if not inner:
                rest[name] = raw
            elif below:
                rest[name] = below
        elif text == b"null":
            nulls.append(at)
        elif at.kind is Kind.JSON:
            row[at.name] = text.decode()
        else:
            value, is_exact = _read(at.kind, text)
            if value is not None:
                row[at.name] = value
            if not is_exact:
                rest[name] = raw


def _read(kind: Kind, text: bytes) -> tuple[Any, bool]:
    """The column's value, and whether it says all that the record does."""
    value = msgspec.json.decode(text) if text[:1] == b'"' else text.decode()
    is_text = text[:1] == b'"'
    if kind is Kind.TEXT:
        return value, is_text
    if kind is Kind.TIME:
        found = exact_time(value) if is_text else None
        return (found, True) if found is not None else (_time(value) if is_text else None, False)
    flag = _FLAGS.get(value.lower())
    return flag, flag is not None and is_text == (kind is Kind.TEXT_FLAG) and value in _FLAGS


def _time(text: str) -> datetime | None:
    """A time in another spelling, to the second and in UTC."""
    try:
        moment = datetime.fromisoformat(text)
        offset = moment.utcoffset()
        return (moment - offset if offset else moment).replace(tzinfo=None, microsecond=0)
    except (ValueError, OverflowError):
        return None


def record_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The record that these columns were taken from, as :mod:`json` reads it."""
    record: dict[str, Any] = {}
    for name, column in BY_NAME.items():
        value = row.get(name)
        if value is not None:
            _put(record, column.path, _written(column.kind, value))
    for path in filter(None, (row.get(NULLS) or "").split(",")):
        _put(record, tuple(path.split(".")), None)
    rest = row.get(REST)
    more = _loaded(rest) if rest else {}
    return _merged(record, more if isinstance(more, dict) else {REST: more})


def _loaded(text: str) -> Any:
    """What a JSON text says. A number that Python's have no room for stays the text that it is, and so does what is
    nested so deeply that it could not be written again.
    """
    if text.count("[") + text.count("{") > _MOST_LEVELS and _levels(text) > _MOST_LEVELS:
        return text
    try:
        return _AS_JSON_DOES(text)
    except ValueError:  # an integer of thousands of digits
        return _WITH_LONG_INTEGERS(text)


def _levels(text: str) -> int:
    """How deeply a JSON text is nested."""
    most = levels = 0
    for part in _PARTS.findall(text):
        levels += 1 if part in "[{" else -1 if part in "]}" else 0
        most = max(most, levels)
    return most


def _integer(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def _fraction(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


_AS_JSON_DOES: Final = json.JSONDecoder(parse_float=_fraction).decode
_WITH_LONG_INTEGERS: Final = json.JSONDecoder(parse_float=_fraction, parse_int=_integer).decode


def _written(kind: Kind, value: Any) -> Any:
    if kind is Kind.JSON:
        return _loaded(value)
    if kind is Kind.TIME:
        return f"{value.replace(tzinfo=None).isoformat()}Z"
    return str(value).lower() if kind is Kind.TEXT_FLAG else value


def _put(record: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        record = record.setdefault(name, {})
    record[path[-1]] = value


def _merged(record: dict[str, Any], rest: dict[str, Any], tree: Any = TREE) -> dict[str, Any]:
    for name, value in rest.items():
        at = tree.get(name) if isinstance(tree, Mapping) else None
        if isinstance(at, Mapping) and isinstance(value, dict) and isinstance(record.get(name), dict):
            _merged(record[name], value, at)
        else:
            record[name] = value
    return record
