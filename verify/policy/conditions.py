"""The condition operators of IAM policies, as pure functions over the context of one request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from ipaddress import ip_address, ip_network

from verify.policy.document import Condition
from verify.policy.ternary import NO, Ternary, all_of, any_of, negation, undecided, yes_if
from verify.policy.times import TIME_KEYS, moment
from verify.policy.variables import substituted
from verify.policy.wildcard import PLAIN, arn_matches, matches

# Condition key in lower case → its values; an empty tuple: the request certainly does not have the key.
# A key that is missing here is one whose value only AWS knows.
Context = Mapping[str, tuple[str, ...]]
# (value in the policy, value in the request) → whether they match
_Comparison = Callable[[str, str], Ternary]
_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?")
# Keys that can have several values in one request. How a plain operator compares them, AWS's documents do not say.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
_MULTIVALUED = {
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "kms:encryptioncontextkeys",
    "kms:grantoperations",
    "kms:resourcealiases",
}
# The time is a date and a number; what other operators make of it, AWS's documents do not say.
_OF_TIME = ("Date", "Numeric")


def _literally(compare: Callable[[str, str], bool]) -> _Comparison:
    def comparison(wanted: str, actual: str) -> Ternary:
        return yes_if(compare(wanted.translate(PLAIN), actual))

    return comparison


def _numerically(compare: Callable[[float, float], bool]) -> _Comparison:
    def comparison(wanted: str, actual: str) -> Ternary:
        # Python would also take "1e3", "1_000" and "nan" for numbers; what AWS makes of them is not documented.
        if _NUMBER.fullmatch(wanted) is None or _NUMBER.fullmatch(actual) is None:
            return undecided("policy", f"the number {wanted!r}")
        # The request's value comes first: NumericLessThan holds when it is less than the policy's.
        return yes_if(compare(float(actual), float(wanted)))

    return comparison


def _by_date(compare: Callable[[datetime, datetime], bool]) -> _Comparison:
    def comparison(wanted: str, actual: str) -> Ternary:
        try:
            return yes_if(compare(moment(actual), moment(wanted)))
        except ValueError:
            return undecided("policy", f"the date {wanted!r}")

    return comparison


def _in_network(wanted: str, actual: str) -> Ternary:
    try:
        return yes_if(ip_address(actual) in ip_network(wanted, strict=False))
    except ValueError:
        return undecided("policy", f"the IP address range {wanted!r}")


def _equal_ignoring_case(wanted: str, actual: str) -> bool:
    return wanted.casefold() == actual.casefold()


_POSITIVE: dict[str, _Comparison] = {
    "StringEquals": _literally(operator.eq),
    "StringEqualsIgnoreCase": _literally(_equal_ignoring_case),
    "StringLike": matches,
    # Both of AWS's ARN operators take wildcards and do the same.
    "ArnEquals": arn_matches,
    "ArnLike": arn_matches,
    "Bool": _literally(_equal_ignoring_case),
    # Both texts are Base64.
    "BinaryEquals": _literally(operator.eq),
    "DateEquals": _by_date(operator.eq),
    "DateLessThan": _by_date(operator.lt),
    "DateLessThanEquals": _by_date(operator.le),
    "DateGreaterThan": _by_date(operator.gt),
    "DateGreaterThanEquals": _by_date(operator.ge),
    "IpAddress": _in_network,
    "NumericEquals": _numerically(operator.eq),
    "NumericLessThan": _numerically(operator.lt),
    "NumericLessThanEquals": _numerically(operator.le),
    "NumericGreaterThan": _numerically(operator.gt),
    "NumericGreaterThanEquals": _numerically(operator.ge),
}
_NEGATED: dict[str, _Comparison] = {
    "StringNotEquals": _POSITIVE["StringEquals"],
    "StringNotEqualsIgnoreCase": _POSITIVE["StringEqualsIgnoreCase"],
    "StringNotLike": _POSITIVE["StringLike"],
    "ArnNotEquals": _POSITIVE["ArnEquals"],
    "ArnNotLike": _POSITIVE["ArnLike"],
    "NotIpAddress": _POSITIVE["IpAddress"],
    "NumericNotEquals": _POSITIVE["NumericEquals"],
    "DateNotEquals": _POSITIVE["DateEquals"],
}


def holds(condition: Condition, context: Context) -> Ternary:
    """Whether a request meets a condition.

    Undecided when the operator is not one of those above, or when only AWS knows the key's value.
    """
    quantifier, _, name = condition.operator.rpartition(":")
    base = name.removesuffix("IfExists")
    if base == "Null":
        return _is_null(condition, context)
    comparison = _POSITIVE.get(base) or _NEGATED.get(base)
    if comparison is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        return undecided("policy", f"the condition operator {condition.operator!r}")
    key = condition.key.casefold()
    actual = context.get(key)
    if actual is None or (key in TIME_KEYS and not base.startswith(_OF_TIME)):
        return undecided("key" if actual is None else "time", condition.key)
    is_negated = base in _NEGATED

    def compared(wanted: str, value: str) -> Ternary:
        resolved = substituted(wanted, context)
        if not isinstance(resolved, Ternary):
            return comparison(resolved, value)
        # Without a value for its variable nothing equals it; whether all then differs from it is not documented.
        return undecided("policy", f"the policy variable in {wanted!r}") if resolved == NO and is_negated else resolved

    def one(value: str) -> Ternary:
        match = any_of(compared(wanted, value) for wanted in condition.values)
        return negation(match) if is_negated else match

    # An absent key has no value to compare. All of nothing is true and any of nothing is false, IfExists or not:
    # https://repost.aws/questions/QU9HFmDzP0QGuU-fd7rS6B7w/foranyvalue-stringequalsifexists-behaving-unexpectedly
    if quantifier:
        return (all_of if quantifier == "ForAllValues" else any_of)(map(one, actual))
    if len(actual) > 1 or key in _MULTIVALUED:
        return undecided("policy", f"{condition.operator} on {condition.key}, which can have several values")
    # Without a quantifier an absent key meets IfExists and the negated operators.
    return one(actual[0]) if actual else yes_if(is_negated or base != name)


def _is_null(condition: Condition, context: Context) -> Ternary:
    actual = context.get(condition.key.casefold())
    if condition.operator != "Null" or not set(condition.values) <= {"true", "false"}:
        return undecided("policy", f"the condition {condition.operator} on {condition.key}")
    if actual is None:
        return undecided("key", condition.key)
    return yes_if(("false" if actual else "true") in condition.values)
