"""Condition keys: which values of a key to try, so that every answer that the conditions on it can give is among them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Final

from securetrail.review.access.texts import Form, Pattern, texts
from verify.policy.conditions import holds
from verify.policy.document import Condition
from verify.policy.times import moment

# Every request has them.
_ALWAYS_THERE: Final = {
    "aws:securetransport",
    "aws:currenttime",
    "aws:epochtime",
    "aws:principalisawsservice",
    "aws:viaawsservice",
}
_TRUE_OR_FALSE: Final = {
    "aws:securetransport",
    "aws:principalisawsservice",
    "aws:viaawsservice",
    "aws:multifactorauthpresent",
    "kms:grantisforawsresource",
    "kms:bypasspolicylockoutsafetycheck",
    "kms:multiregion",
    "lambda:invokedviafunctionurl",
}
_SEVERAL_VALUES: Final = {
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "kms:encryptioncontextkeys",
    "kms:grantoperations",
    "kms:resourcealiases",
    "s3:requestobjecttagkeys",
}
_ONE_VALUE: Final = {
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:userid",
    "aws:username",
    "kms:viaservice",
    "kms:calleraccount",
    "s3:x-amz-acl",
    "s3:prefix",
    *_TRUE_OR_FALSE,
}
_FORMS: Final = {
    "StringEquals": Form.EQUAL,
    "StringNotEquals": Form.EQUAL,
    "StringEqualsIgnoreCase": Form.EQUAL_IGNORING_CASE,
    "StringNotEqualsIgnoreCase": Form.EQUAL_IGNORING_CASE,
    "StringLike": Form.LIKE,
    "StringNotLike": Form.LIKE,
    "ArnEquals": Form.ARN,
    "ArnLike": Form.ARN,
    "ArnNotEquals": Form.ARN,
    "ArnNotLike": Form.ARN,
    "Bool": Form.EQUAL_IGNORING_CASE,
    "BinaryEquals": Form.EQUAL,
}
_ANY_TEXT: Final = Pattern(Form.LIKE, "*")
# Beside the texts of the conditions: a value that is none of them.
OTHER_ADDRESSES: Final = ("203.0.113.199", "2001:db8:ffff::1")
_MOST_SETS: Final = 256


class TooManyValues(ValueError):
    """The conditions on a key divide its values into too many sets."""


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A value that a request can have for a key.

    :param values: as a request's context has them; empty when the request does not have the key.
    :param matched: the texts of the policies that it matches: patterns, or networks that it lies in.
    """

    values: tuple[str, ...]
    matched: frozenset[Pattern] = frozenset()


def base_operator(operator: str) -> str:
    """The operator without its quantifier and ``IfExists``."""
    return operator.rpartition(":")[2].removesuffix("IfExists")


def patterns_of(conditions: Iterable[Condition]) -> Iterator[Pattern]:
    """The texts of the conditions that compare texts or ARNs."""
    for condition in conditions:
        form = _FORMS.get(base_operator(condition.operator))
        if form is not None:
            yield from (Pattern(form, value) for value in condition.values)


def values_of(key: str, conditions: Sequence[Condition], *, may_be_absent: bool = True) -> tuple[KeyValue, ...]:
    """Values of a key that give every combination of answers which any value gives to the conditions.

    :param key: in lower case.
    :param conditions: all conditions on the key, of both policies.
    :param may_be_absent: whether a request of this kind can lack the key.
    :raises TooManyTexts: the texts overlap in too many ways; TooManyValues: the sets of values do.
    """
    singles = _single_values(key, conditions)
    absent = [KeyValue(())] if may_be_absent and key not in _ALWAYS_THERE else []
    is_quantified = any(":" in condition.operator for condition in conditions)
    if key in _SEVERAL_VALUES or (is_quantified and key not in _ONE_VALUE):
        return (*absent, *_sets(singles, conditions))
    return (*absent, *singles)


def _single_values(key: str, conditions: Sequence[Condition]) -> list[KeyValue]:
    if key in _TRUE_OR_FALSE:
        return [KeyValue(("true",), _matched("true", conditions)), KeyValue(("false",), _matched("false", conditions))]
    found: dict[str, frozenset[Pattern]] = {}
    bases = {base_operator(condition.operator) for condition in conditions}
    for others in (_numbers, _dates):
        found.update(dict.fromkeys(others(conditions), frozenset()))
    found.update((address, _networks_of(address, conditions)) for address in _addresses(conditions))
    if not found or bases & _FORMS.keys():
        if bases & _FORMS.keys() <= {"Bool"}:
            found.update((text, _matched(text, conditions)) for text in ("true", "false"))
        else:
            found.update((text.value, text.matched) for text in texts(patterns_of(conditions), _ANY_TEXT))
    return [KeyValue((value,), matched - {_ANY_TEXT}) for value, matched in found.items()]


def _matched(text: str, conditions: Sequence[Condition]) -> frozenset[Pattern]:
    return frozenset(pattern for pattern in patterns_of(conditions) if pattern.text.casefold() == text)


def _sets(singles: Sequence[KeyValue], conditions: Sequence[Condition]) -> Iterator[KeyValue]:
    """Sets of values for a key that has several: one set for each combination of what any and what all of its values
    answer, which is all that a quantifier can tell.
    """
    compared = [
        Condition(f"ForAnyValue:{base_operator(condition.operator)}", condition.key, condition.values)
        for condition in conditions
        if base_operator(condition.operator) != "Null"
    ]

    def answers(value: KeyValue) -> tuple[bool | None, ...]:
        context = dict.fromkeys({condition.key.casefold() for condition in conditions}, value.values)
        return tuple(holds(condition, context).is_true for condition in compared)

    vectors = [(value, answers(value)) for value in singles]
    seen: dict[tuple[tuple[bool | None, ...], tuple[bool | None, ...]], KeyValue] = {}
    queue = [(value, (vector, vector)) for value, vector in vectors]
    for value, state in queue:
        if state in seen:
            continue
        if len(seen) >= _MOST_SETS:
            raise TooManyValues(f"the conditions on {conditions[0].key} divide its values into more than {_MOST_SETS}")
        seen[state] = value
        some, all_ = state
        for single, vector in vectors:
            wider = KeyValue((*value.values, *single.values), value.matched | single.matched)
            queue.append(
                (
                    wider,
                    (
                        tuple(a or b for a, b in zip(some, vector, strict=True)),
                        tuple(a and b for a, b in zip(all_, vector, strict=True)),
                    ),
                )
            )
    yield from seen.values()


def _numbers(conditions: Sequence[Condition]) -> Iterator[str]:
    yield from _between(_parsed(conditions, "Numeric", float), lambda number: f"{number:.17g}")


def _dates(conditions: Sequence[Condition]) -> Iterator[str]:
    # "Never" is often written as the last second of the calendar; no time is after it.
    first = datetime.min.replace(tzinfo=UTC).timestamp()
    last = datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()

    def written(seconds: float) -> str:
        return datetime.fromtimestamp(min(max(seconds, first), last), UTC).isoformat()

    yield from _between(_parsed(conditions, "Date", lambda text: moment(text).timestamp()), written)


def _parsed(conditions: Sequence[Condition], operators: str, read: Callable[[str], float]) -> list[float]:
    found = set()
    for condition in conditions:
        if base_operator(condition.operator).startswith(operators):
            for value in condition.values:
                try:
                    found.add(read(value))
                except ValueError:
                    continue  # verify.policy does not decide such a value; the condition stays undecided.
    return sorted(found)


def _between(marks: list[float], written: Callable[[float], str]) -> Iterator[str]:
    """Each mark, and a number below, between and above them."""
    if not marks:
        return
    yield written(marks[0] - 1)
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        yield written(mark)
        yield written(mark + 1 if after is None else (mark + after) / 2)


def _networks_of(address: str, conditions: Sequence[Condition]) -> frozenset[Pattern]:
    """The networks of the conditions that an address lies in."""
    found = set()
    for condition in conditions:
        for value in condition.values:
            alone = Condition("IpAddress", condition.key, (value,))
            if holds(alone, {condition.key.casefold(): (address,)}).is_true:
                found.add(Pattern(Form.LIKE, value))
    return frozenset(found)


def _addresses(conditions: Sequence[Condition]) -> Iterator[str]:
    """The first address of each network and the one behind its last: between these nothing changes."""
    compared = [c for c in conditions if base_operator(c.operator) in ("IpAddress", "NotIpAddress")]
    for condition in compared:
        for value in condition.values:
            try:
                network = ip_network(value, strict=False)
            except ValueError:
                continue  # As in _parsed.
            yield str(network.network_address)
            if int(network.broadcast_address) + 1 < 2**network.max_prefixlen:
                yield str(ip_address(type(network.network_address)(int(network.broadcast_address) + 1)))
    if compared:
        yield from OTHER_ADDRESSES
