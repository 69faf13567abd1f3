"""Statements of a bucket's or a key's policy that deny CloudTrail what it needs, or let any trail or everybody in."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_CLOUDTRAIL: Final = "cloudtrail.amazonaws.com"
# What CloudTrail's own requests do not have, or have in a way that no condition of a customer names: they come from no
# network of the customer's, and no principal of an account makes them.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_OF_OTHERS: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:vpcsourceip",
    }
)
_ABSENT: Final = frozenset({"aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"})
# https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
_FOR_WHOM: Final = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
_NEGATED: Final = re.compile(r"(String|Arn)Not(Equals|EqualsIgnoreCase|Like)|NotIpAddress")


def denies(statement: Mapping[str, Any], action: str, resources: Sequence[str]) -> bool:
    """Whether it certainly denies CloudTrail the action on one of the resources.

    Where it is not certain, such as by ``aws:SourceArn``, it is not said.

    :param statement: as people write it, with texts for what is known only at deployment.
    """
    return (
        statement.get("Effect") == "Deny"
        and _is_about_cloudtrail(statement)
        and _is_on(statement, action, resources)
        and all(
            isinstance(keys, dict)  # and no function of CloudFormation, of which nothing is known here
            and all(
                _is_met(operator, name.lower(), [str(value) for value in _listed(values)])
                for name, values in keys.items()
            )
            for operator, keys in statement.get("Condition", {}).items()
        )
    )


def lets_any_trail(statement: Mapping[str, Any], action: str, resources: Sequence[str]) -> bool:
    """Whether it allows CloudTrail the action, whosever trail it is for."""
    return (
        statement.get("Effect") == "Allow"
        and _CLOUDTRAIL in _listed(_principals(statement.get("Principal")).get("Service", []))
        and _is_on(statement, action, resources)
        and not any(
            # A function of CloudFormation, of which nothing is known here, may name it.
            not isinstance(keys, dict) or _FOR_WHOM & {name.lower() for name in keys}
            for keys in statement.get("Condition", {}).values()
        )
    )


def lets_everybody_in(statement: Mapping[str, Any]) -> bool:
    """Whether it allows everybody something, without any condition."""
    return (
        statement.get("Effect") == "Allow"
        and not statement.get("Condition")
        and any("*" in _listed(each) for each in _principals(statement.get("Principal")).values())
    )


def _is_about_cloudtrail(statement: Mapping[str, Any]) -> bool:
    if "NotPrincipal" in statement:
        return _CLOUDTRAIL not in _listed(_principals(statement["NotPrincipal"]).get("Service", []))
    named = _principals(statement.get("Principal"))
    return "*" in _listed(named.get("AWS", [])) or _CLOUDTRAIL in _listed(named.get("Service", []))


def _principals(written: Any) -> dict[str, Any]:
    return written if isinstance(written, dict) else {"AWS": written}


def _is_on(statement: Mapping[str, Any], action: str, resources: Sequence[str]) -> bool:
    return _names(statement, "Action", lambda pattern: _matches(pattern.lower(), action.lower())) and _names(
        statement, "Resource", lambda pattern: any(_matches(pattern, each) for each in resources)
    )


def _names(statement: Mapping[str, Any], element: str, matches: Callable[[str], bool]) -> bool:
    """Whether the element, or its opposite, is about what matches."""
    if f"Not{element}" in statement:
        return not any(matches(str(each)) for each in _listed(statement[f"Not{element}"]))
    return any(matches(str(each)) for each in _listed(statement.get(element, [])))


def _is_met(operator: str, key: str, values: Sequence[str]) -> bool:
    """Whether CloudTrail's request certainly meets this condition."""
    plain = operator.removesuffix("IfExists")
    if plain == "Null":
        return key in _ABSENT and values == ["true"]
    if key == "aws:principalisawsservice":
        return plain == "Bool" and values == ["true"]
    negated = _NEGATED.fullmatch(plain) is not None
    if key == "aws:principalservicename":
        is_named = any(_matches(value, _CLOUDTRAIL) for value in values)
        return not is_named if negated else plain in ("StringEquals", "StringLike") and is_named
    return negated and key in _OF_OTHERS and "*" not in values


def _matches(pattern: str, text: str) -> bool:
    """As policies do: of what ``fnmatch`` knows beside ``*`` and ``?``, nothing."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
