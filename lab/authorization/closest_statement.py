"""Why a policy does not allow a service an action: the statement that comes nearest, and what in it does not match.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html (which keys a request by a
service carries)
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any

from lab.authorization.conditions import NotEvaluable, UnknownOperator, condition_met, condition_values, matches
from lab.authorization.policy import (
    ELEMENTS,
    Access,
    Decision,
    applies,
    decide,
    element_matches,
    shown,
    statements_of,
    strings,
)

# A policy of 20 KB, as much as a bucket may have, has fewer statements; no more are compared, and no longer names.
_MOST_STATEMENTS = 200
_LONGEST_NAME = 64
_MOST_SHOWN = 3
_MOST_MISSES = 4
# From what similarity on (of 1) a name is taken for another one misspelled.
_SIMILAR = 0.75
# How far a statement is from a request when an element of it does not match: one that was meant for the request and
# has a fault (_FAULT), another resource or principal, another action. A statement about another action is as far as
# three faults, so that it is named only where none is about the action.
_FAULT, _OTHER_RESOURCE, _OTHER_PRINCIPAL, _OTHER_ACTION = 1.0, 2.0, 2.5, 3.0
_OF_PRINCIPALS = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:userid",
    "aws:username",
)
_OF_NETWORKS = ("aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip")
_OF_ORGANIZATIONS = ("aws:sourceorgid", "aws:sourceorgpaths")
_ARN_PARTS = ("partition", "service", "Region", "account id", "name")
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A statement that does not allow the request, with the elements and conditions that do not match.

    :param distance: how far it is from allowing it; `unlikeness` (0 to 1) decides among equals.
    """

    name: str
    statement: Mapping[str, Any]
    elements: tuple[str, ...]
    conditions: tuple[tuple[str, str, Any], ...]
    distance: float
    unlikeness: float


def decide_and_explain(policy: str | None, access: Access) -> Decision:
    """Evaluates a policy as `lab.authorization.policy.decide`; the reason of a denial names the nearest statement."""
    decision = decide(policy, access)
    if decision.is_allowed or not policy:
        return decision
    try:
        statements = statements_of(policy)
    except ValueError:
        return decision
    denying = next((each for each in statements if each.get("Effect") == "Deny" and applies(each, access)), None)
    explanation = _nearest(statements, access) if denying is None else _why_denied(denying, access)
    return replace(decision, reason=f"{decision.reason}{explanation}")


def _why_denied(statement: Mapping[str, Any], access: Access) -> str:
    held = [
        f"its Condition {shown(operator)} {shown(key)} {_either(condition_values(wanted))} holds, "
        f"because the request has {_carried(access.context.get(key.lower()))}"
        for operator, key, wanted in _conditions(statement)
    ]
    return f": {'; '.join(held[:_MOST_SHOWN])}" if held else ": it has no Condition that could prevent that"


def _nearest(statements: list[Mapping[str, Any]], access: Access) -> str:
    candidates = [
        _candidate(str(each.get("Sid") or f"number {number}"), each, access)
        for number, each in enumerate(statements[:_MOST_STATEMENTS], start=1)
        if each.get("Effect") == "Allow"
    ]
    near = [each for each in candidates if not _is_for_somebody_else(each, access)]
    if not near:
        return f"; no statement that allows anything has the Principal {access.service}"
    nearest = min(near, key=lambda each: (each.distance, each.unlikeness))
    if nearest.distance > _OTHER_ACTION and "Action" in nearest.elements:
        has = _either(_values(nearest.statement, "Action"))
        return (
            f"; no statement that names {access.service} is about {access.action}: "
            f"the nearest, {shown(nearest.name)}, has the Action {has}"
        )
    misses = [
        *(_element_miss(nearest.statement, element, access) for element in nearest.elements),
        *(_condition_miss(*condition, access) for condition in nearest.conditions),
    ]
    misses = misses or ["its Condition cannot be evaluated by IAM"]
    return f"; the statement {shown(nearest.name)} comes nearest, but {'; '.join(misses[:_MOST_MISSES])}"


def _candidate(name: str, statement: Mapping[str, Any], access: Access) -> _Candidate:
    elements = tuple(element for element in ELEMENTS if not element_matches(statement, element, access))
    conditions = tuple(each for each in _conditions(statement) if not _is_met(*each, access))
    distance = sum(_distance(statement, element, access) for element in elements) + _FAULT * len(conditions)
    likeness = max((_likeness(each, access.action) for each in strings(statement.get("Action"))[:20]), default=0)
    return _Candidate(name, statement, elements, conditions, distance, 1 - likeness)


def _conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    conditions = statement.get("Condition")
    for operator, keys in conditions.items() if isinstance(conditions, Mapping) else ():
        for key, wanted in keys.items() if isinstance(keys, Mapping) else ():
            yield operator, key, wanted


def _is_met(operator: str, key: str, wanted: Any, access: Access) -> bool:
    try:
        return condition_met(operator, key, wanted, access.context)
    except NotEvaluable:
        return False


def _is_for_somebody_else(candidate: _Candidate, access: Access) -> bool:
    """Such as the account's own grant of every action: it was never meant for the service."""
    if "Principal" not in candidate.elements or _distance(candidate.statement, "Principal", access) == _FAULT:
        return False
    actions = strings(candidate.statement.get("Action"))
    names = [each.partition(":")[2] for each in actions if matches(each.lower(), access.action.lower())]
    return not any(name.strip("*?") for name in names)


def _distance(statement: Mapping[str, Any], element: str, access: Access) -> float:
    """Of an element that does not match."""
    values = _values(statement, element)
    if element == "Principal":
        return _FAULT if any(_is_like_service(each, access.service) for each in values) else _OTHER_PRINCIPAL
    if element == "Action":
        return _FAULT if any(_likeness(each, access.action) >= _SIMILAR for each in values[:20]) else _OTHER_ACTION
    bucket = access.resource.partition("/")[0]
    return _FAULT if any(each.partition("/")[0] == bucket for each in values) else _OTHER_RESOURCE


def _values(statement: Mapping[str, Any], element: str) -> list[str]:
    value = statement.get(element, statement.get(f"Not{element}"))
    if isinstance(value, Mapping):
        return [f"{kind} {each}" for kind, many in value.items() for each in strings(many)]
    return strings(value)


def _element_miss(statement: Mapping[str, Any], element: str, access: Access) -> str:
    actual = {"Principal": f"Service {access.service}", "Action": access.action, "Resource": access.resource}[element]
    values = _values(statement, element)
    if not values:
        return f"it has no {element}, and the request has {shown(actual)}"
    if f"Not{element}" in statement:
        return f"its Not{element} {_either(values)} leaves {shown(actual)} out"
    nearest = _most_like(values, actual)
    hint = {"Principal": _principal_hint, "Action": _action_hint, "Resource": _resource_hint}[element](nearest, access)
    return _miss(f"its {element}", [nearest, *(each for each in values if each != nearest)], shown(actual), hint)


def _condition_miss(operator: str, key: str, wanted: Any, access: Access) -> str:
    values, actual = condition_values(wanted), access.context.get(key.lower())
    nearest = _most_like(values, actual[0]) if actual else next(iter(values), "")
    hint = _condition_hint(operator, key, nearest, actual, access)
    values = [nearest, *(each for each in values if each != nearest)]
    return _miss(f"its Condition {shown(operator)} {shown(key)}", values, _carried(actual), hint)


def _miss(what: str, values: list[str], actual: str, hint: str) -> str:
    return f"{what} is {_either(values)}, and the request has {actual}{f' ({hint})' if hint else ''}"


def _principal_hint(value: str, access: Access) -> str:
    kind, _, name = value.partition(" ")
    if kind == "AWS":
        return f"{access.service} asks as a service, not as an account, a role or a user"
    if kind == "Service" and "*" in name:
        return "a service's name takes no wildcard"
    return f"did you mean {access.service}?" if _is_like_service(value, access.service) else ""


def _action_hint(value: str, access: Access) -> str:
    service, colon, name = value.partition(":")
    asked_service, _, asked = access.action.partition(":")
    if not colon:
        return f"an action begins with its service: {access.action}"
    if _likeness(value, access.action) < _SIMILAR:
        return f"add {access.action} to it"
    if service.lower() != asked_service and matches(name.lower(), asked.lower()):
        return f"{asked} is an action of {asked_service}, not of {shown(service)}"
    return f"did you mean {access.action}?"


def _resource_hint(value: str, access: Access) -> str:
    (bucket, slash, path), (asked_bucket, asked_slash, asked_path) = (
        each.partition("/") for each in (value, access.resource)
    )
    if ":s3:::" not in access.resource or not matches(bucket, asked_bucket):
        return _arn_hint(value, access.resource)
    if not slash:
        return f"that is the bucket itself; its objects are {shown(bucket)}/*"
    if not asked_slash:
        return f"those are objects; the bucket itself is {asked_bucket}"
    return _path_hint(path.split("/"), asked_path.split("/"))


def _path_hint(have: list[str], want: list[str]) -> str:
    """The difference between two paths in a bucket, folder by folder."""
    if "AWSLogs" in want and "AWSLogs" not in have:
        return "the folder AWSLogs is missing" if not _has_ignoring_case(have, "AWSLogs") else "it is spelled AWSLogs"
    if "AWSLogs" in want:
        prefix, own = ("/".join(each[: each.index("AWSLogs")]) for each in (want, have))
        if not matches(own, prefix):
            return f"the trail's S3KeyPrefix is {prefix or 'not set'}, and the statement's {shown(own) or 'not there'}"
    for mine, asked in zip(have, want, strict=False):
        if not matches(mine, asked):
            what = "account id" if _ACCOUNT.fullmatch(asked) else "folder"
            return f"the {what} is {shown(mine) or 'empty'} instead of {asked or 'empty'}"
    return "it does not end with /*"


def _condition_hint(operator: str, key: str, wanted: str, actual: tuple[str, ...] | None, access: Access) -> str:
    name = key.lower()
    base = operator.rpartition(":")[2].removesuffix("IfExists")
    try:
        condition_met(operator, key, wanted, access.context)
    except UnknownOperator:
        return f"IAM has no condition operator {shown(operator)}"
    except NotEvaluable:
        return f"{operator} needs an ARN of six parts, such as arn:aws:iam::*:role/*"
    if actual is None:
        return _absence_hint(key, access)
    if "Not" in base or base in ("Null", "Bool"):
        return ""
    if ("*" in wanted or "?" in wanted) and base in ("StringEquals", "StringEqualsIgnoreCase"):
        return f"under {base} * and ? stand for themselves: use {'ArnLike' if name.endswith('arn') else 'StringLike'}"
    return _arn_hint(wanted, actual[0])


def _absence_hint(key: str, access: Access) -> str:
    """Why a request does not carry a condition key."""
    name = key.lower()
    if name in _OF_PRINCIPALS:
        return f"a service never has {key}; aws:SourceAccount or aws:SourceOrgID says for whom it asks"
    if name in _OF_NETWORKS:
        return "a service's requests come from no address and no network of yours"
    if name in _OF_ORGANIZATIONS:
        return "the account belongs to no organization"
    return f"{access.service} does not send {shown(key)} with this {access.action}"


def _arn_hint(wanted: str, actual: str) -> str:
    """The difference between two ARNs, or account ids, part by part."""
    if wanted != actual and wanted.lower() == actual.lower():
        return "upper and lower case differ"
    if _ACCOUNT.fullmatch(actual):
        return "another account id" if _ACCOUNT.fullmatch(wanted) else "an account id has twelve digits"
    if not actual.startswith("arn:"):
        return ""
    have, want = wanted.split(":", 5), actual.split(":", 5)
    if len(have) != len(want):
        return "that is not an ARN"
    differences = [
        f"the {what} is {shown(mine) or 'empty'} instead of {asked or 'empty'}"
        for what, mine, asked in zip(_ARN_PARTS, have[1:], want[1:], strict=True)
        if not matches(mine, asked)
    ]
    return ", ".join(differences)


def _is_like_service(value: str, service: str) -> bool:
    kind, _, name = value.partition(" ")
    ours, theirs = service.partition(".")[0], name.lower().partition(".")[0]
    return kind == "Service" and (_ratio(ours, theirs) >= _SIMILAR or "*" in name)


def _likeness(pattern: str, action: str) -> float:
    """From 0 to 1: how much the names of two actions are alike, whatever service they are of."""
    names = (each.rpartition(":")[2].strip("*").lower() for each in (pattern, action))
    return _ratio(*names)


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:_LONGEST_NAME], other[:_LONGEST_NAME], autojunk=False).ratio()


def _most_like(values: list[str], actual: str) -> str:
    """The value that begins and ends as the actual one for the longest."""

    def alike(value: str) -> int:
        return sum(_in_common(*pair) for pair in ((value, actual), (reversed(value), reversed(actual))))

    return max(values, key=alike, default="")


def _in_common(one: Iterable[str], other: Iterable[str]) -> int:
    """How many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _has_ignoring_case(folders: list[str], name: str) -> bool:
    return name.lower() in map(str.lower, folders)


def _carried(actual: tuple[str, ...] | None) -> str:
    return "none" if actual is None else ", ".join(map(shown, actual))


def _either(values: list[str]) -> str:
    some = " or ".join(map(shown, values[:_MOST_SHOWN])) or "empty"
    return f"{some} or {len(values) - _MOST_SHOWN} more" if len(values) > _MOST_SHOWN else some
