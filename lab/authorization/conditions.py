"""The Condition element of a policy statement.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

# Context keys in lower case; a key that is not part of the request is missing.
Context = Mapping[str, tuple[str, ...]]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_ARN_PARTS = 6
# What stands for `*` and `?` where those may also be part of a value.
_ANY, _ONE = "\0", "\1"
_MOST_PATTERNS = 16384


class NotEvaluable(ValueError):
    """Whether a condition is met is not known: it must neither allow a request nor fail to deny one."""


class UnknownOperator(NotEvaluable):
    """A condition operator that IAM does not have."""


def context_at(now: datetime) -> dict[str, tuple[str, ...]]:
    """What every request carries, whichever service makes it: the time, and that it came encrypted."""
    return {"aws:currenttime": (now.strftime("%Y-%m-%dT%H:%M:%SZ"),), "aws:securetransport": ("true",)}


@dataclass(frozen=True, slots=True)
class Condition:
    """An operator, a context key in lower case, and the values of which one must fit."""

    operator: str
    key: str
    values: tuple[str, ...]


def conditions_of(element: Any) -> tuple[Condition, ...]:
    """The conditions of a statement's Condition element; those come last that may not be evaluable, and so do their
    values, since another one may decide.

    :raises AttributeError: it is not as policies are written.
    """
    found = (
        Condition(operator, key.lower(), tuple(sorted(condition_values(wanted), key=partial(_is_short, operator))))
        for operator, keys in (element or {}).items()
        for key, wanted in keys.items()
    )
    return tuple(sorted(found, key=lambda each: any(_is_short(each.operator, value) for value in each.values)))


def _is_short(operator: str, pattern: str) -> bool:
    return "Arn" in operator and pattern.count(":") < _ARN_PARTS - 1


def all_met(conditions: Iterable[Condition], context: Context) -> bool:
    """Whether a request meets every condition.

    :raises NotEvaluable: that is not known, such as of an operator that is none of IAM's.
    """
    return all(_met(each.operator, context.get(each.key), each.values, context) for each in conditions)


def conditions_met(conditions: Any, context: Context) -> bool:
    """Whether a request meets every condition of a statement.

    :raises NotEvaluable: that is not known, such as of an operator that is none of IAM's.
    """
    return all_met(conditions_of(conditions), context)


def condition_met(operator: str, key: str, wanted: Any, context: Context) -> bool:
    """Whether a request meets one condition: an operator, a context key, and the value or list of values it names.

    :raises NotEvaluable: that is not known, such as of an operator that is none of IAM's.
    """
    return all_met(conditions_of({operator: {key: wanted}}), context)


def matches(pattern: str, value: str, context: Context | None = None) -> bool:
    """Whether a value matches a pattern with `*`, `?` and policy variables."""
    if "${" not in pattern:
        return compiled(pattern).fullmatch(value) is not None
    filled = _filled(pattern, context or {})
    return filled is not None and _glob(filled).fullmatch(value) is not None


def _met(operator: str, actual: tuple[str, ...] | None, wanted: tuple[str, ...], context: Context) -> bool:
    if operator.endswith("Null") and operator.rpartition(":")[2] == "Null":
        return (actual is None) == (wanted[:1] == ("true",))
    qualifier, if_exists, negated, positive = _operator(operator)

    def passes(value: str) -> bool:
        return negated != any(positive(value, each, context) for each in wanted)

    if actual is None:
        # All of nothing is true and any of nothing is false, IfExists or not: https://repost.aws/questions/
        # QU9HFmDzP0QGuU-fd7rS6B7w/foranyvalue-stringequalsifexists-behaving-unexpectedly
        return qualifier == "ForAllValues" or (not qualifier and (if_exists or negated))
    return any(map(passes, actual)) if qualifier == "ForAnyValue" else all(map(passes, actual))


@lru_cache(maxsize=1024)
def _operator(text: str) -> tuple[str, bool, bool, Callable[[str, str, Context], bool]]:
    """An operator's qualifier, whether an absent key meets it, whether it is negated, and how it compares.

    :raises UnknownOperator: it is none of IAM's.
    """
    qualifier, _, name = text.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    positive = _POSITIVE.get(_NEGATED.get(name, name))
    if positive is None or qualifier not in ("", "ForAllValues", "ForAnyValue"):
        raise UnknownOperator(f"{text} is not a condition operator")
    return qualifier, if_exists, name in _NEGATED, positive


def condition_values(values: Any) -> list[str]:
    """The values of a condition as strings, whether the policy has one or a list; a boolean is `true` or `false`."""
    many = values if isinstance(values, list) else [values]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in many]


def _filled(pattern: str, context: Context) -> str | None:
    """A pattern with the values of its variables, and marks for its wildcards, which values do not have; None when it
    holds a variable that the request does not have.
    """
    filled, position = "", 0
    for found in _VARIABLE.finditer(pattern):
        filled += _marked(pattern[position : found.start()])
        name, _, default = found[1].partition(",")
        values = context.get(name.strip().lower(), ())
        if found[1] in ("*", "?", "$"):
            filled += found[1]
        elif len(values) == 1 or default:
            filled += values[0] if values else default.strip().strip("'")
        else:
            return None
        position = found.end()
    return filled + _marked(pattern[position:])


def _marked(text: str) -> str:
    return text.replace("*", _ANY).replace("?", _ONE)


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern with `*` and `?` as a regular expression."""
    return _glob(_marked(pattern))


@lru_cache(maxsize=_MOST_PATTERNS)
def _glob(marked: str) -> re.Pattern[str]:
    """Between two `*`, the first place that fits is the right one: nothing is tried again, so that no pattern takes
    more time than in proportion to pattern and text.
    """
    first, *between = (".".join(map(re.escape, each.split(_ONE))) for each in marked.split(_ANY))
    if not between:
        return re.compile(first, re.DOTALL)
    *middle, last = between
    return re.compile(f"{first}{''.join(f'(?>.*?{each})' for each in middle if each)}.*{last}", re.DOTALL)


def _equals(actual: str, wanted: str, context: Context) -> bool:
    if "${" not in wanted:
        return actual == wanted
    filled = _filled(wanted, context)
    return filled is not None and filled.replace(_ANY, "*").replace(_ONE, "?") == actual


def _equals_in_any_case(actual: str, wanted: str, context: Context) -> bool:
    filled = _filled(wanted, context)
    return filled is not None and filled.replace(_ANY, "*").replace(_ONE, "?").lower() == actual.lower()


def _arn(actual: str, wanted: str, context: Context) -> bool:
    """ArnEquals and ArnLike are the same: each of the six parts may have wildcards, which do not reach over a colon.

    :raises NotEvaluable: the pattern has fewer parts, such as `*`: no document of AWS says what it matches.
    """
    filled = _filled(wanted, context)
    if filled is None:
        return False
    have, want = actual.split(":", _ARN_PARTS - 1), filled.split(":", _ARN_PARTS - 1)
    if len(want) < _ARN_PARTS:
        raise NotEvaluable(f"{wanted} is not the pattern of an ARN")
    return len(have) == len(want) and all(
        _glob(each).fullmatch(part) is not None for each, part in zip(want, have, strict=True)
    )


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str, Context], bool]:
    def numeric(actual: str, wanted: str, _context: Context) -> bool:
        try:
            return compare(float(actual), float(wanted))
        except ValueError:
            return False

    return numeric


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, str, Context], bool]:
    def dated(actual: str, wanted: str, _context: Context) -> bool:
        try:
            return compare(_epoch(actual), _epoch(wanted))
        except ValueError:
            return False

    return dated


def _epoch(text: str) -> float:
    if text.isdecimal():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _address(actual: str, wanted: str, _context: Context) -> bool:
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "Equals": float.__eq__,
    "LessThan": float.__lt__,
    "LessThanEquals": float.__le__,
    "GreaterThan": float.__gt__,
    "GreaterThanEquals": float.__ge__,
}
_POSITIVE: dict[str, Callable[[str, str, Context], bool]] = {
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "BinaryEquals": _equals,
    "Bool": lambda actual, wanted, _context: actual.lower() == wanted.lower(),
    "IpAddress": _address,
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_in_any_case,
    "StringLike": lambda actual, wanted, context: matches(wanted, actual, context),
    **{f"Numeric{name}": _number(compare) for name, compare in _COMPARISONS.items()},
    **{f"Date{name}": _date(compare) for name, compare in _COMPARISONS.items()},
}
_NEGATED = {
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
}
