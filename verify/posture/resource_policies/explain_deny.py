"""Why a policy denies a request: the conditions of the explicit Deny, or, where no statement allows the request (an
implicit deny), the statement that comes nearest and what in it does not match.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html (which keys a request by a
service carries)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile

from verify.policy.conditions import holds
from verify.policy.document import Condition, Patterns, Statement
from verify.policy.evaluation import Request, applies, includes, includes_principal
from verify.policy.probes import readable
from verify.policy.wildcard import matches

# A policy of 32 KB has fewer statements. A word or a list that is longer is shortened.
_MOST_STATEMENTS = 200
_MOST_ACTIONS = 20
_LONGEST_WORD = 64
_LONGEST_SHOWN = 200
_MOST_SHOWN = 3
_MOST_MISMATCHES = 4
# Two words at least this similar (of 1) are taken for one word and its misspelling.
_ALIKE = 0.75
# How much each element that does not match weighs. A statement about another action weighs as much as several faults
# in one about this action, so that it is named only when there is none.
_FAULT, _OTHER_RESOURCE, _OTHER_PRINCIPAL, _OTHER_ACTION = 2, 4, 5, 6
# Requests by a service carry neither the keys of IAM principals nor those of networks.
_PRINCIPAL_KEYS = {
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:userid",
    "aws:username",
}
_NETWORK_KEYS = {"aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"}
_ARN_PARTS = ("partition", "service", "region", "account id", "name")
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True, slots=True)
class _Mismatch:
    """An element of a statement that does not match.

    :param weight: how far it is from matching.
    :param text: a part of a sentence with what the statement has and what the request has.
    """

    weight: int
    text: str


def explain_implicit_deny(statements: Sequence[Statement], request: Request) -> str:
    """Which statement comes nearest to allowing a request, and why it does not: a sentence without its full stop.

    :param statements: a policy of which no statement allows the request.
    """
    allows = [statement for statement in statements if statement.is_allow][:_MOST_STATEMENTS]
    near = [statement for statement in allows if not _is_for_other_principals(statement, request)]
    if not near:
        return f"no statement that allows anything has the principal {request.principal.name}"
    nearest = min(near, key=lambda statement: _distance(statement, request))
    mismatches = list(_mismatches(nearest, request))
    if not _includes_action(nearest, request) and sum(mismatch.weight for mismatch in mismatches) > _OTHER_ACTION:
        return (
            f"no statement that names {request.principal.name} is about {request.action}: "
            f"the nearest, {_cut(nearest.label)}, has the Action {_either(nearest.actions.patterns)}"
        )
    return (
        f"statement {_cut(nearest.label)} comes nearest, but {'; '.join(m.text for m in mismatches[:_MOST_MISMATCHES])}"
    )


def explain_explicit_deny(statements: Sequence[Statement], request: Request) -> str:
    """Which conditions make the first Deny apply that does: a sentence without its full stop.

    :param statements: a policy with a Deny that applies to the request.
    """
    denying = next(each for each in statements if not each.is_allow and applies(each, request).is_true)
    met = [
        f"{_cut(condition.operator)} {_cut(condition.key)} {_either(condition.values)} holds, because the request has "
        f"{_carried(request.context.get(condition.key.casefold()))}"
        for condition in denying.conditions
    ]
    return "; ".join(met[:_MOST_SHOWN]) or "the statement has no condition"


def _distance(statement: Statement, request: Request) -> tuple[int, float]:
    """The weight of all that does not match; among equals, how similar its action is to the one in the request."""
    weight = sum(mismatch.weight for mismatch in _mismatches(statement, request))
    alike = max((_likeness(each, request.action) for each in statement.actions.patterns[:_MOST_ACTIONS]), default=0.0)
    return weight, -alike


def _mismatches(statement: Statement, request: Request) -> Iterator[_Mismatch]:
    """All that certainly does not match; what is undecided is no mismatch."""
    if includes_principal(statement.principals, request.principal).is_true is False:
        yield _principal_mismatch(statement, request)
    if not _includes_action(statement, request):
        yield _action_mismatch(statement.actions, request.action)
    if includes(statement.resources, request.resource, ignore_case=False).is_true is False:
        yield _resource_mismatch(statement.resources, request.resource)
    for condition in statement.conditions:
        if holds(condition, request.context).is_true is False:
            yield _Mismatch(_FAULT, _condition_text(condition, request))


def _includes_action(statement: Statement, request: Request) -> bool:
    return includes(statement.actions, request.action, ignore_case=True).is_true is not False


def _is_for_other_principals(statement: Statement, request: Request) -> bool:
    """Whether it names other principals alone, and no action by its name: the account's own grant, for example."""
    if includes_principal(statement.principals, request.principal).is_true is not False:
        return False
    if any(_is_like_service(entry.kind, entry.value, request) for entry in statement.principals.patterns):
        return False
    return not any(
        each.partition(":")[2].strip("*?") and matches(each, request.action, ignore_case=True).is_true
        for each in statement.actions.patterns
    )


def _principal_mismatch(statement: Statement, request: Request) -> _Mismatch:
    entries = [f"{entry.kind} {entry.value}" for entry in statement.principals.patterns]
    asked = f"Service {request.principal.name}"
    if statement.principals.excludes:
        return _Mismatch(_OTHER_PRINCIPAL, f"its NotPrincipal {_either(entries)} leaves out {asked}")
    nearest = _nearest(entries, asked)
    kind, _, name = nearest.partition(" ")
    like = _is_like_service(kind, name, request)
    hint = ""
    if kind == "AWS":
        hint = f"{request.principal.name} is a service principal, not an account, a role or a user"
    elif kind == "Service" and "*" in name:
        hint = "the name of a service takes no wildcard"
    elif like:
        hint = f"did you mean {request.principal.name}?"
    return _Mismatch(_FAULT if like else _OTHER_PRINCIPAL, _text("Principal", entries, nearest, asked, hint))


def _action_mismatch(actions: Patterns, asked: str) -> _Mismatch:
    if actions.excludes:
        return _Mismatch(_OTHER_ACTION, f"its NotAction {_either(actions.patterns)} leaves out {asked}")
    nearest = max(actions.patterns[:_MOST_ACTIONS], key=lambda each: _likeness(each, asked), default="")
    service, colon, name = nearest.partition(":")
    asked_service, _, asked_name = asked.partition(":")
    weight, hint = _FAULT, f"did you mean {asked}?"
    if not colon:
        hint = f"an action begins with its service: {asked}"
    elif _likeness(nearest, asked) < _ALIKE:
        weight, hint = _OTHER_ACTION, f"add {asked} to it"
    elif service.lower() != asked_service and matches(name, asked_name, ignore_case=True).is_true:
        hint = f"{asked_name} is an action of {asked_service}, not of {_cut(service)}"
    return _Mismatch(weight, _text("Action", actions.patterns, nearest, asked, hint))


def _resource_mismatch(resources: Patterns, asked: str) -> _Mismatch:
    if resources.excludes:
        return _Mismatch(
            _OTHER_RESOURCE, f"its NotResource {_either(resources.patterns)} leaves out {_cut(readable(asked))}"
        )
    nearest = _nearest(resources.patterns, asked)
    name, slash, path = nearest.partition("/")
    asked_name, asked_slash, asked_path = asked.partition("/")
    is_same = matches(name, asked_name).is_true
    if not is_same or ":s3:::" not in asked:
        hint = _arn_difference(nearest, asked)
    elif not slash:
        hint = f"that is the bucket itself; its objects are {_cut(name)}/*"
    elif not asked_slash:
        hint = f"those are objects; the bucket itself is {asked_name}"
    else:
        hint = _path_difference(path.split("/"), asked_path.split("/"))
    return _Mismatch(
        _FAULT if is_same else _OTHER_RESOURCE, _text("Resource", resources.patterns, nearest, asked, hint)
    )


def _path_difference(pattern: list[str], asked: list[str]) -> str:
    """The first difference between two paths below a bucket, folder by folder."""
    if "AWSLogs" in asked and "AWSLogs" not in pattern:
        lower = [folder.lower() for folder in pattern]
        return "the folder is spelled AWSLogs" if "awslogs" in lower else "the folder AWSLogs is missing"
    if "AWSLogs" in asked:
        own, prefix = ("/".join(each[: each.index("AWSLogs")]) for each in (pattern, asked))
        if matches(own, prefix).is_true is False:
            return f"the trail's prefix is {prefix or 'not set'}, and the statement's {_cut(own) or 'not there'}"
    for mine, theirs in zip(pattern, asked, strict=False):
        if matches(mine, theirs).is_true is False:
            what = "account id" if _ACCOUNT.fullmatch(theirs) else "folder"
            return f"the {what} is {_cut(mine) or 'empty'} instead of {theirs or 'empty'}"
    return "it does not end with /*"


def _condition_text(condition: Condition, request: Request) -> str:
    actual = request.context.get(condition.key.casefold(), ())
    nearest = _nearest(condition.values, actual[0] if actual else "")
    what = f"Condition {_cut(condition.operator)} {_cut(condition.key)}"
    return _text(
        what, condition.values, nearest, _carried(actual), _condition_hint(condition, nearest, actual, request)
    )


def _condition_hint(condition: Condition, wanted: str, actual: tuple[str, ...], request: Request) -> str:
    key, base = condition.key.casefold(), condition.operator.rpartition(":")[2].removesuffix("IfExists")
    if not actual:
        if key in _PRINCIPAL_KEYS:
            return f"requests by a service do not carry {condition.key}: use aws:SourceAccount or aws:SourceOrgID"
        if key in _NETWORK_KEYS:
            return "requests by a service do not come from an address or a VPC of yours"
        return f"{request.principal.name} does not send this key with {request.action}"
    if "Not" in base or base in ("Null", "Bool"):
        return ""
    if base in ("StringEquals", "StringEqualsIgnoreCase") and ("*" in wanted or "?" in wanted):
        return f"under {base} * and ? are no wildcards: use {'ArnLike' if key.endswith('arn') else 'StringLike'}"
    return _arn_difference(wanted, actual[0])


def _arn_difference(wanted: str, actual: str) -> str:
    """How two ARNs or account ids differ, part by part."""
    if wanted != actual and wanted.casefold() == actual.casefold():
        return "upper and lower case differ"
    if _ACCOUNT.fullmatch(actual):
        return "another account id" if _ACCOUNT.fullmatch(wanted) else "an account id has twelve digits"
    if not actual.startswith("arn:"):
        return ""
    mine, theirs = wanted.split(":", 5), actual.split(":", 5)
    if len(mine) != len(theirs):
        return "that is not an ARN"
    return ", ".join(
        f"the {what} is {_cut(has) or 'empty'} instead of {needs or 'empty'}"
        for what, has, needs in zip(_ARN_PARTS, mine[1:], theirs[1:], strict=True)
        if matches(has, needs).is_true is False
    )


def _is_like_service(kind: str, name: str, request: Request) -> bool:
    label = name.casefold().partition(".")[0]
    return kind == "Service" and ("*" in name or _ratio(label, request.principal.name.partition(".")[0]) >= _ALIKE)


def _likeness(pattern: str, action: str) -> float:
    """How similar the names of two actions are, whatever their services: 0 to 1."""
    return _ratio(*(each.rpartition(":")[2].strip("*").casefold() for each in (pattern, action)))


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:_LONGEST_WORD], other[:_LONGEST_WORD], autojunk=False).ratio()


def _nearest(values: Sequence[str], actual: str) -> str:
    """The value with the longest beginning and end in common with the actual one."""

    def alike(value: str) -> int:
        return sum(_common_length(*pair) for pair in ((value, actual), (reversed(value), reversed(actual))))

    return max(values, key=alike, default="")


def _common_length(one: Iterable[str], other: Iterable[str]) -> int:
    """The length of the common beginning of two texts."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _text(what: str, values: Sequence[str], nearest: str, actual: str, hint: str) -> str:
    """Both values, the statement's nearest one first, and a hint about the difference."""
    has = _either([nearest, *(value for value in values if value != nearest)])
    return f"its {what} is {has}, and the request has {_cut(readable(actual))}{f' ({hint})' if hint else ''}"


def _carried(actual: tuple[str, ...] | None) -> str:
    return ", ".join(map(_cut, actual)) if actual else "none"


def _either(values: Sequence[str]) -> str:
    some = " or ".join(map(_cut, values[:_MOST_SHOWN])) or "empty"
    return f"{some} or {len(values) - _MOST_SHOWN} more" if len(values) > _MOST_SHOWN else some


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
