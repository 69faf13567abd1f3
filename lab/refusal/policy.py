"""Does a resource's policy let an AWS service principal do something.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html: a
service principal has no policies of its own, so the resource's must allow, and nothing in it may deny.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.refusal.conditions import Context, UnknownOperator, conditions_met, matches


@dataclass(frozen=True, slots=True)
class Access:
    """What a service asks for: `action` such as s3:PutObject, the resource's ARN, and the request's context."""

    service: str
    action: str
    resource: str
    context: Context


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a policy allows an access, and if not, why: a part of a sentence."""

    is_allowed: bool
    reason: str = ""


def decide(policy: str | None, access: Access) -> Decision:
    """Evaluates a policy document (JSON text; None when there is none)."""
    if not policy:
        return Decision(is_allowed=False, reason="there is no policy")
    try:
        statements = json.loads(policy)["Statement"]
    except (ValueError, KeyError, TypeError):
        return Decision(is_allowed=False, reason="the policy is not valid JSON with a Statement")
    applying = [
        each
        for each in (statements if isinstance(statements, list) else [statements])
        if isinstance(each, Mapping) and _applies(each, access)
    ]
    denying = [each for each in applying if each.get("Effect") == "Deny"]
    if denying:
        name = denying[0].get("Sid") or "without a Sid"
        return Decision(is_allowed=False, reason=f"the statement {name} denies {_asked(access)}")
    if any(each.get("Effect") == "Allow" for each in applying):
        return Decision(is_allowed=True)
    return Decision(is_allowed=False, reason=f"no statement allows {_asked(access)}")


def _asked(access: Access) -> str:
    return f"{access.service} to use {access.action} on {access.resource}"


def _applies(statement: Mapping[str, Any], access: Access) -> bool:
    if not _concerns(statement, access):
        return False
    try:
        return conditions_met(statement.get("Condition"), access.context)
    except (UnknownOperator, AttributeError):
        # Not evaluable: it must neither let anything in nor fail to keep anything out.
        return statement.get("Effect") == "Deny"


def _concerns(statement: Mapping[str, Any], access: Access) -> bool:
    if "NotPrincipal" in statement:
        named = not _is_principal(statement["NotPrincipal"], access.service)
    else:
        named = _is_principal(statement.get("Principal"), access.service)
    return (
        named
        and _listed_or_not(statement, "Action", lambda each: matches(each.lower(), access.action.lower()))
        and _listed_or_not(statement, "Resource", lambda each: matches(each, access.resource, access.context))
    )


def _listed_or_not(statement: Mapping[str, Any], element: str, is_match: Any) -> bool:
    if f"Not{element}" in statement:
        return not any(map(is_match, _strings(statement[f"Not{element}"])))
    return any(map(is_match, _strings(statement.get(element))))


def _is_principal(principal: Any, service: str) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        return False
    return "*" in _strings(principal.get("AWS")) or service in map(str.lower, _strings(principal.get("Service")))


def _strings(value: Any) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [] if value is None else [value])]
