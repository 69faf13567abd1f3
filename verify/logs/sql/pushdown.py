"""Which events a query cannot want, by its own conditions, so that no more of them is read than these need. Pure.

Only what the engine would leave out anyhow is left out: the query has one table and one SELECT, and its WHERE demands
that a text column is one of some texts. The engine applies the conditions once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from verify.logs.schema import BY_NAME, Kind
from verify.logs.sql import athena

# One of these columns must have this text. A query has several, all of which must hold.
Condition: TypeAlias = frozenset[tuple[str, str]]

_COLUMNS: Final = {column.name.lower(): column.name for column in BY_NAME.values() if column.kind is Kind.TEXT}
# By table. A name that is no column of it can be one that the SELECT gives to something else.
_OF_TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    # A role's name is its issuer's, so an event with another issuer is another role's.
    "events": {**_COLUMNS, "role": "issuerUserName"},
    athena.TABLE: {
        each.name: _COLUMNS[each.name] for each in athena.COLUMNS if each.needs == (_COLUMNS.get(each.name),)
    },
}


@dataclass(frozen=True, slots=True)
class _TableNames:
    """The names by which a query may call its table, and the stored columns by the names that they have in it."""

    names: frozenset[str]
    columns: Mapping[str, str]


def conditions_of(node: Mapping[str, Any]) -> frozenset[Condition]:
    """What every event must meet, of a statement's node as the parser gives it; nothing where that is not certain.

    :param node: of a statement that may run.
    """
    table = node.get("from_table") or {}
    is_plain = node.get("type") == "SELECT_NODE" and table.get("type") == "BASE_TABLE" and not table.get("sample")
    is_plain = is_plain and not table.get("column_name_alias")  # AS e(a, b) gives the columns other names
    if not is_plain or node.get("sample") or _number_of_selects(node) != 1:
        return frozenset()
    name = str(table["table_name"]).lower()
    own = _TableNames(frozenset((name, str(table.get("alias") or "").lower())), _OF_TABLES.get(name, {}))
    found = (_alternatives(each, own) for each in _all_of(node.get("where_clause") or {}))
    return frozenset(each for each in found if each)


def _number_of_selects(node: Any) -> int:
    waiting, number = [node], 0
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            number += str(each.get("type", "")).endswith("_NODE")
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return number


def _all_of(expression: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of a condition that must all hold."""
    if expression.get("type") == "CONJUNCTION_AND":
        for child in expression["children"]:
            yield from _all_of(child)
    elif expression:
        yield expression


def _alternatives(expression: Mapping[str, Any], own: _TableNames) -> Condition | None:
    """The equalities of which one must hold; ``None`` where the condition is of another form."""
    kind = expression.get("type")
    if kind == "CONJUNCTION_OR":
        parts = [_alternatives(child, own) for child in expression["children"]]
        if any(part is None for part in parts):
            return None
        return frozenset(each for part in parts if part for each in part)
    if kind == "COMPARE_EQUAL":
        return _equalities([(expression["left"], expression["right"])], own)
    if kind == "COMPARE_IN":
        first, *others = expression["children"]
        return _equalities([(first, other) for other in others], own)
    return None


def _equalities(pairs: list[tuple[Mapping[str, Any], Mapping[str, Any]]], own: _TableNames) -> Condition | None:
    found = set()
    for one, other in pairs:
        column, text = _column(one, own) or _column(other, own), _text(other) or _text(one)
        if column is None or text is None:
            return None
        found.add((column, text))
    return frozenset(found)


def _column(expression: Mapping[str, Any], own: _TableNames) -> str | None:
    if expression.get("class") != "COLUMN_REF":
        return None
    *before, name = (str(each).lower() for each in expression["column_names"])
    is_own = not before or (len(before) == 1 and before[0] in own.names)
    return own.columns.get(name) if is_own else None


def _text(expression: Mapping[str, Any]) -> str | None:
    """A text; ``""`` too is left to the engine."""
    value = expression.get("value") or {}
    is_text = expression.get("class") == "CONSTANT" and (value.get("type") or {}).get("id") == "VARCHAR"
    return value["value"] if is_text and not value.get("is_null") and isinstance(value.get("value"), str) else None
