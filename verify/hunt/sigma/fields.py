"""The values that a record has under a field's name, and the texts by which a rule compares them. Pure.

A name with dots leads into objects: ``requestParameters.userName``. In a list every element counts, so that a field may
have several values. Below the record's own fields, a key that has dots itself is found, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from verify.hunt.sigma.accounts import OTHER_ACCOUNTS, other_accounts

# Answers the values of one field of a record; none if the record has no such field.
Getter: TypeAlias = Callable[[Mapping[str, Any]], list[Any]]
_MAX_VALUES = 10_000


class TooManyValues(ValueError):
    """A field has more values than are looked at."""


def getter(field: str) -> Getter:
    """Makes a function that gives a field's values: scalars, ``None`` and objects, lists taken apart.

    An empty list is a value of its own, ``[]``: the field is there.
    """
    if field == OTHER_ACCOUNTS:
        return other_accounts
    parts = tuple(field.split("."))
    if len(parts) == 1:

        def of_top(record: Mapping[str, Any]) -> list[Any]:
            if field not in record:
                return []
            value = record[field]
            return _flat(value) if isinstance(value, list) else [value]

        return of_top

    def of_nested(record: Mapping[str, Any]) -> list[Any]:
        if parts[0] not in record:
            return []
        found: list[Any] = []
        for value in _walk(record[parts[0]], parts[1:]):
            found += _flat(value) if isinstance(value, list) else [value]
            if len(found) > _MAX_VALUES:
                raise TooManyValues(f"{field} has more than {_MAX_VALUES:,} values")
        return found

    return of_nested


def _walk(node: Any, parts: tuple[str, ...]) -> Iterator[Any]:
    if not parts:
        yield node
    elif isinstance(node, Mapping):
        for length in range(1, len(parts) + 1):
            name = ".".join(parts[:length])
            if name in node:
                yield from _walk(node[name], parts[length:])
    elif isinstance(node, list):
        for element in node:
            yield from _walk(element, parts)


def _flat(values: list[Any]) -> list[Any]:
    if not values:
        return [values]
    found: list[Any] = []
    for value in values:
        found += _flat(value) if isinstance(value, list) else [value]
    return found


def texts_of(value: Any) -> tuple[str, ...]:
    """The texts that a value is compared by: numbers and flags as JSON writes them, none for null.

    An object is compared by its JSON text, and by the same text in which the quotes of texts inside it are as they were
    before: a policy is a JSON text in a JSON text.
    """
    if isinstance(value, str):
        return (value,)
    if value is None:
        return ()
    if isinstance(value, bool):
        return ("true",) if value else ("false",)
    if isinstance(value, int | float):
        return (json.dumps(value),)
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return (text, text.replace('\\"', '"')) if '\\"' in text else (text,)
