"""Does a resource's policy let an AWS service principal do something.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html: a
service principal has no policies of its own, so the resource's must allow, and nothing in it may deny.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.authorization.conditions import Context, NotEvaluable, conditions_met, matches

# The elements that say whom and what a statement is about; each may be there with Not before its name.
ELEMENTS = ("Principal", "Action", "Resource")
_LONGEST_SHOWN = 200
_WITH_VARIABLES = "2012-10-17"


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
        statements = statements_of(policy)
    except ValueError:
        return Decision(is_allowed=False, reason="the policy is not valid JSON with a Statement")
    applying = [each for each in statements if applies(each, access)]
    denying = [each for each in applying if each.get("Effect") == "Deny"]
    if denying:
        name = str(denying[0].get("Sid") or f"number {statements.index(denying[0]) + 1}")
        return Decision(is_allowed=False, reason=f"the statement {shown(name)} denies {_asked(access)}")
    if any(each.get("Effect") == "Allow" for each in applying):
        return Decision(is_allowed=True)
    return Decision(is_allowed=False, reason=f"no statement allows {_asked(access)}")


def statements_of(policy: str) -> list[Mapping[str, Any]]:
    """The statements of a policy document.

    :raises ValueError: it is not JSON with a Statement.
    """
    document = json.loads(policy)
    if isinstance(document, dict) and document.get("Version") != _WITH_VARIABLES and "${" in policy:
        # In the older version, which is the default, `${…}` is plain text: https://docs.aws.amazon.com/IAM/latest/
        # UserGuide/reference_policies_elements_version.html. So is `${$}`, in the newer one, for a dollar sign.
        document = json.loads(policy.replace("${", "${$}{"))
    try:
        statements = document["Statement"]
    except (KeyError, TypeError) as error:
        raise ValueError("the policy has no Statement") from error
    return [
        each for each in (statements if isinstance(statements, list) else [statements]) if isinstance(each, Mapping)
    ]


def applies(statement: Mapping[str, Any], access: Access) -> bool:
    """Whether a statement, be it Allow or Deny, is about an access."""
    if not all(element_matches(statement, element, access) for element in ELEMENTS):
        return False
    try:
        return conditions_met(statement.get("Condition"), access.context)
    except (NotEvaluable, AttributeError):
        # Not evaluable: it must neither allow a request nor fail to deny one.
        return statement.get("Effect") == "Deny"


def element_matches(statement: Mapping[str, Any], element: str, access: Access) -> bool:
    """Whether one of :data:`ELEMENTS`, or its `Not...`, includes what the access has there."""
    negated = f"Not{element}"
    if negated in statement:
        return not _includes(element, statement[negated], access)
    return _includes(element, statement.get(element), access)


def strings(value: Any) -> list[str]:
    """The strings of an element that may be one string or a list; none when it is left out."""
    return [str(each) for each in (value if isinstance(value, list) else [] if value is None else [value])]


def shown(text: str) -> str:
    """Text from a policy for an error message: short, and without what a terminal would obey."""
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:_LONGEST_SHOWN])
    return line if len(text) <= _LONGEST_SHOWN else f"{line}…"


def _asked(access: Access) -> str:
    return f"{access.service} to use {access.action} on {access.resource}"


def _includes(element: str, value: Any, access: Access) -> bool:
    if element == "Principal":
        return _is_principal(value, access.service)
    if element == "Action":
        return any(matches(each.lower(), access.action.lower()) for each in strings(value))
    return any(matches(each, access.resource, access.context) for each in strings(value))


def _is_principal(principal: Any, service: str) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        return False
    return "*" in strings(principal.get("AWS")) or service in map(str.lower, strings(principal.get("Service")))
