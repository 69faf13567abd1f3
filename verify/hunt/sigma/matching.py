"""A rule's condition as a tree, evaluated on one record exactly. Pure.

pySigma's parsed condition is taken apart into ``All``, ``Any``, ``Not`` and tests of one field. The semantics are those
of the Sigma specification; where it leaves something open, ``docs/detections.md`` says what holds here:

* Texts are compared without regard to upper and lower case, unless ``cased`` or ``re``.
* A field with several values (a list, or objects in a list) matches if one of them does.
* ``null`` matches a field that is not there, and one that is null. ``exists`` asks for the field alone, null or not.
* Numbers and flags are compared by value, and by the text that JSON has for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any as Anything
from typing import Final, TypeAlias

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    TimestampPart,
)

from verify.hunt.sigma.fields import Getter, getter, texts_of
from verify.hunt.sigma.texts import CannotRun, TextTest, expression_test, literal_of, wildcard_test

Record: TypeAlias = Mapping[str, Anything]
# Whether a field with these values matches; of a field that is not there, none.
ValuesTest: TypeAlias = Callable[[list[Anything]], bool]
Match: TypeAlias = Callable[[Record], bool]
_MAX_DEPTH = 60
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,300}(?:\.[0-9]{0,300})?|\.[0-9]{1,300})(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Test:
    """A test of one field.

    :param literals: the texts, in lower case, of which the field must have one; ``None`` if others match as well.
    """

    field: str
    matches: ValuesTest
    literals: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Same:
    """A comparison of two fields of one record."""

    field: str
    other: str
    matches: Callable[[list[Anything], list[Anything]], bool]


@dataclass(frozen=True, slots=True)
class Keyword:
    """A text that is looked for in the record as a whole."""

    matches: ValuesTest


@dataclass(frozen=True, slots=True)
class All:
    """All of these."""

    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """One of these."""

    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    of: Node


Node: TypeAlias = Test | Same | Keyword | All | Any | Not


def node_of(parsed: Anything) -> Node:
    """The tree of a condition that pySigma parsed.

    :raises CannotRun: it holds what cannot be evaluated.
    """
    return _node(parsed, 0)


def _node(parsed: Anything, depth: int) -> Node:
    if depth > _MAX_DEPTH:
        raise CannotRun(f"its condition is nested more than {_MAX_DEPTH} deep")
    if isinstance(parsed, ConditionAND | ConditionOR):
        parts = tuple(_node(each, depth + 1) for each in parsed.args)
        return All(parts) if isinstance(parsed, ConditionAND) else _any_of(parts)
    if isinstance(parsed, ConditionNOT):
        return Not(_node(parsed.args[0], depth + 1))
    if isinstance(parsed, ConditionFieldEqualsValueExpression):
        return _field_node(parsed.field, parsed.value)
    if isinstance(parsed, ConditionValueExpression):
        return _keyword_node(parsed.value)
    raise CannotRun("its condition is empty" if parsed is None else f"{type(parsed).__name__} is unknown here")


def _any_of(parts: tuple[Node, ...]) -> Node:
    """Many texts of one field are one look into a set."""
    literals: dict[str, set[str]] = {}
    others: list[Node] = []
    for part in parts:
        if isinstance(part, Test) and part.literals is not None:
            literals.setdefault(part.field, set()).update(part.literals)
        else:
            others.append(part)
    tests = [_one_of(field, frozenset(texts)) for field, texts in literals.items()]
    return tests[0] if len(tests) == 1 and not others else Any((*tests, *others))


def _one_of(field: str, texts: frozenset[str]) -> Test:
    def matches(values: list[Anything]) -> bool:
        return any(
            value.lower() in texts if isinstance(value, str) else any(text.lower() in texts for text in texts_of(value))
            for value in values
        )

    return Test(field, matches, texts)


def _field_node(field: str, value: SigmaType) -> Node:
    if isinstance(value, SigmaExpansion):
        return _any_of(tuple(_field_node(field, each) for each in value.values))
    if isinstance(value, SigmaFieldReference):
        return Same(field, value.field, _same_test(value))
    if type(value) is SigmaString and (literal := literal_of(value)) is not None:
        return _one_of(field, frozenset({literal}))
    return Test(field, _values_test(value))


def _values_test(value: SigmaType) -> ValuesTest:
    if isinstance(value, SigmaNull):
        return lambda values: not values or any(each is None for each in values)
    if isinstance(value, SigmaExists):
        return bool if value.exists else (lambda values: not values)
    of_one = _value_test(value)
    return lambda values: any(map(of_one, values))


def _value_test(value: SigmaType) -> Callable[[Anything], bool]:
    if isinstance(value, SigmaString | SigmaRegularExpression):
        text_test = _text_test(value)
        return lambda found: text_test(found) if isinstance(found, str) else any(map(text_test, texts_of(found)))
    if isinstance(value, SigmaBool):
        flag, text = value.boolean, str(value.boolean).lower()
        return lambda found: found.lower() == text if isinstance(found, str) else found is flag
    if isinstance(value, SigmaCompareExpression):
        return _comparison(value)
    if isinstance(value, SigmaTimestampPart):
        part, wanted = value.timestamp_part, value.number
        return lambda found: _part_of(found, part) == wanted
    if isinstance(value, SigmaNumber):
        number, text = value.number, str(value.number)
        return lambda found: found == text if isinstance(found, str) else _number(found) == number
    if isinstance(value, SigmaCIDRExpression):
        network = value.network
        return lambda found: isinstance(found, str) and _is_in(found, network)
    raise CannotRun(f"{type(value).__name__} is unknown here")


def _text_test(value: SigmaString | SigmaRegularExpression) -> TextTest:
    if isinstance(value, SigmaString):
        return wildcard_test(value, cased=isinstance(value, SigmaCasedString))
    if value.contains_placeholder():
        raise CannotRun("a placeholder in a regular expression has no value here")
    flag = SigmaRegularExpressionFlag
    return expression_test(
        str(value.regexp),
        ignore_case=flag.IGNORECASE in value.flags,
        multiline=flag.MULTILINE in value.flags,
        dot_all=flag.DOTALL in value.flags,
    )


def _comparison(value: SigmaCompareExpression) -> Callable[[Anything], bool]:
    bound = value.number.number
    compare: dict[CompareOperators, Callable[[float], bool]] = {
        CompareOperators.LT: lambda found: found < bound,
        CompareOperators.LTE: lambda found: found <= bound,
        CompareOperators.GT: lambda found: found > bound,
        CompareOperators.GTE: lambda found: found >= bound,
        CompareOperators.NEQ: lambda found: found != bound,
    }
    test = compare[value.op]
    read: Callable[[Anything], float | None] = _number
    if isinstance(value.number, SigmaTimestampPart):
        part = value.number.timestamp_part
        read = lambda found: _part_of(found, part)  # noqa: E731

    def matches(found: Anything) -> bool:
        number = read(found)
        return number is not None and test(number)

    return matches


def _number(found: Anything) -> float | None:
    """A number, or a text that is one: CloudTrail writes some as texts."""
    if isinstance(found, int | float):
        return None if isinstance(found, bool) else found
    if isinstance(found, str) and _NUMBER.fullmatch(found):
        return float(found) if not found.lstrip("+-").isdecimal() else int(found)
    return None


def _part_of(found: Anything, part: TimestampPart) -> int | None:
    """A part of a time, in UTC; ``None`` of what is no time."""
    if not isinstance(found, str):
        return None
    try:
        moment = datetime.fromisoformat(found)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None
    return {
        TimestampPart.MINUTE: moment.minute,
        TimestampPart.HOUR: moment.hour,
        TimestampPart.DAY: moment.day,
        TimestampPart.WEEK: moment.isocalendar().week,
        TimestampPart.MONTH: moment.month,
        TimestampPart.YEAR: moment.year,
    }[part]


def _is_in(found: str, network: Anything) -> bool:
    try:
        return ip_address(found) in network
    except ValueError:
        return False


def _same_test(reference: SigmaFieldReference) -> Callable[[list[Anything], list[Anything]], bool]:
    starts, ends = reference.starts_with, reference.ends_with

    def of_texts(text: str, other: str) -> bool:
        if starts and ends:
            return other in text
        return text.startswith(other) if starts else text.endswith(other) if ends else text == other

    def matches(values: list[Anything], others: list[Anything]) -> bool:
        theirs = [text.lower() for other in others for text in texts_of(other)]
        mine = [text.lower() for value in values for text in texts_of(value)]
        return any(of_texts(text, other) for text in mine for other in theirs)

    return matches


def _keyword_node(value: SigmaType) -> Node:
    if isinstance(value, SigmaExpansion):
        return Any(tuple(_keyword_node(each) for each in value.values))
    if isinstance(value, SigmaString):
        test = wildcard_test(value, cased=isinstance(value, SigmaCasedString), anywhere=True)
    elif isinstance(value, SigmaRegularExpression):
        test = _text_test(value)
    elif isinstance(value, SigmaNumber):
        test = wildcard_test(SigmaString(str(value.number)), cased=False, anywhere=True)
    else:
        raise CannotRun(f"a keyword of the type {type(value).__name__} has no meaning")
    return Keyword(lambda values: any(test(text) for each in values for text in texts_of(each)))


# ---- evaluation ------------------------------------------------------------------------------------------------------


def matcher(node: Node, get: Callable[[str], Getter] = getter) -> Match:
    """Makes a function that says whether a record matches.

    :param get: makes the function that gives a field's values.
    """
    if isinstance(node, Test):
        get_one, test = get(node.field), node.matches
        return lambda record: test(get_one(record))
    if isinstance(node, Same):
        mine, theirs, same = get(node.field), get(node.other), node.matches
        return lambda record: same(mine(record), theirs(record))
    if isinstance(node, Keyword):
        keyword = node.matches
        return lambda record: keyword([record])
    if isinstance(node, Not):
        inner = matcher(node.of, get)
        return lambda record: not inner(record)
    parts = [matcher(each, get) for each in node.of]
    if isinstance(node, All):
        return lambda record: all(part(record) for part in parts)
    return lambda record: any(part(record) for part in parts)


def fields_of(node: Node) -> frozenset[str]:
    """The fields that a condition looks at; ``""`` for the record as a whole."""
    if isinstance(node, Test):
        return frozenset({node.field})
    if isinstance(node, Same):
        return frozenset({node.field, node.other})
    if isinstance(node, Keyword):
        return frozenset({""})
    parts: Sequence[Node] = (node.of,) if isinstance(node, Not) else node.of
    return frozenset[str]().union(*(fields_of(each) for each in parts))
