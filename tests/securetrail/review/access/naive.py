"""IAM's evaluation once more, written from its documentation for the tests alone: slow, literal, two-valued.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
It shares nothing with verify.policy and knows only what the generator generates.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Policy = dict[str, Any]
# The account that the resource is in.
OWN = "123456789012"


@dataclass(frozen=True)
class Call:
    """A request.

    :param kind: ``aws``, ``service`` or ``anonymous``.
    :param keys: condition keys in lower case → values; one that is not there is absent.
    """

    kind: str
    name: str
    action: str
    resource: str
    keys: tuple[tuple[str, tuple[str, ...]], ...]
    has_identity_policy: bool = False


def allowed(policy: Policy, call: Call) -> bool:
    """Whether the resource's policy, and what IAM allows the caller, allow the call."""
    return decides(policy, call, is_enough=call.has_identity_policy)


def decides(policy: Policy, call: Call, *, is_enough: bool) -> bool:
    """:param is_enough: what IAM allows the caller needs no Allow of the policy."""
    matching = [statement["Effect"] for statement in policy["Statement"] if matches(statement, call)]
    return "Deny" not in matching and (is_enough or "Allow" in matching)


def allowed_by_each(layers: tuple[Policy, ...], call: Call) -> bool:
    """Whether every one of several policies allows the call; what IAM allows the caller counts for the first."""
    return all(
        decides(policy, call, is_enough=call.has_identity_policy and number == 0)
        for number, policy in enumerate(layers)
    )


def matches(statement: Policy, call: Call) -> bool:
    keys = dict(call.keys)
    return (
        principal_matches(statement, call.kind, call.name, has_identity_policy=call.has_identity_policy)
        and action_matches(statement, call.action)
        and resource_matches(statement, call.resource)
        and all(
            condition_matches(operator, key, values, keys)
            for operator, by_key in statement.get("Condition", {}).items()
            for key, values in by_key.items()
        )
    )


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def glob(pattern: str, text: str) -> bool:
    parts = [".*" if sign == "*" else "." if sign == "?" else re.escape(sign) for sign in pattern]
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def arn_glob(pattern: str, text: str) -> bool:
    if pattern.count(":") < 5 or text.count(":") < 5:
        return False
    return all(glob(mine, theirs) for mine, theirs in zip(pattern.split(":", 5), text.split(":", 5), strict=True))


def principal_matches(statement: Policy, kind: str, name: str, *, has_identity_policy: bool) -> bool:
    """:param has_identity_policy: whether IAM allows it, so that an Allow for its account is one for the caller."""
    element: Any = statement["Principal" if "Principal" in statement else "NotPrincipal"]
    if element == "*":
        element = {"AWS": "*"}
    found = False
    for entry in listed(element.get("AWS", [])):
        if entry == "*":
            found = True
        elif kind == "aws":
            account = name.split(":")[4]
            is_open = statement["Effect"] == "Allow" and account == OWN and "Principal" in statement
            found |= entry == name
            if has_identity_policy or not is_open:
                found |= entry in (account, f"arn:aws:iam::{account}:root")
    for entry in listed(element.get("Service", [])):
        found |= kind == "service" and entry == name
    return found if "Principal" in statement else not found


def action_matches(statement: Policy, action: str) -> bool:
    element = statement["Action" if "Action" in statement else "NotAction"]
    found = any(glob(pattern.lower(), action.lower()) for pattern in listed(element))
    return found if "Action" in statement else not found


def resource_matches(statement: Policy, resource: str) -> bool:
    element = statement["Resource" if "Resource" in statement else "NotResource"]
    found = any(glob(pattern, resource) for pattern in listed(element))
    return found if "Resource" in statement else not found


def condition_matches(operator: str, key: str, wanted: Any, keys: dict[str, tuple[str, ...]]) -> bool:
    wanted = [str(value).lower() if isinstance(value, bool) else str(value) for value in listed(wanted)]
    actual = keys.get(key.lower(), ())
    if operator == "Null":
        return ("false" if actual else "true") in wanted
    quantifier, _, name = operator.rpartition(":")
    base = name.removesuffix("IfExists")
    is_negated = "Not" in base

    def one(value: str) -> bool:
        is_equal = any(compare(base.replace("Not", ""), entry, value) for entry in wanted)
        return is_equal != is_negated

    if quantifier == "ForAllValues":
        return all(one(value) for value in actual)
    if quantifier == "ForAnyValue":
        return any(one(value) for value in actual)
    if not actual:
        return is_negated or name != base
    assert len(actual) == 1, (operator, key, actual)
    return one(actual[0])


def compare(operator: str, wanted: str, actual: str) -> bool:
    if operator.startswith("Numeric"):
        return ordered(operator.removeprefix("Numeric"), float(actual), float(wanted))
    if operator.startswith("Date"):
        return ordered(operator.removeprefix("Date"), seconds(actual), seconds(wanted))
    if operator == "IpAddress":
        return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)
    texts = {
        "StringEquals": lambda: wanted == actual,
        "StringEqualsIgnoreCase": lambda: wanted.lower() == actual.lower(),
        "Bool": lambda: wanted.lower() == actual.lower(),
        "StringLike": lambda: glob(wanted, actual),
        "ArnLike": lambda: arn_glob(wanted, actual),
        "ArnEquals": lambda: arn_glob(wanted, actual),
    }
    return texts[operator]()


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def ordered(name: str, actual: float, wanted: float) -> bool:
    return {
        "Equals": actual == wanted,
        "LessThan": actual < wanted,
        "LessThanEquals": actual <= wanted,
        "GreaterThan": actual > wanted,
        "GreaterThanEquals": actual >= wanted,
    }[name]
