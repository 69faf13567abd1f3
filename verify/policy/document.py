"""A resource policy as text → its statements. Strict: what is not understood is an error, never skipped.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# A bucket policy has at most 20 KB, a key policy 32 KB.
# https://docs.aws.amazon.com/general/latest/gr/s3.html and
# https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
MAX_CHARACTERS = 256 * 1024
_WITH_VARIABLES = "2012-10-17"
# What an element of another name means is not known, and so not what the statement does without it.
_OF_POLICY = {"Version", "Id", "Statement"}
_OF_STATEMENT = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
}


class MalformedPolicy(ValueError):
    """The text is not a policy that AWS would store."""


@dataclass(frozen=True, slots=True)
class PrincipalPattern:
    """One entry of ``Principal``: ``kind`` is ``AWS``, ``Service``, ``Federated`` or ``CanonicalUser``."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Principals:
    """``Principal``, or with ``excludes`` ``NotPrincipal``."""

    patterns: tuple[PrincipalPattern, ...]
    excludes: bool


@dataclass(frozen=True, slots=True)
class Patterns:
    """``Action`` or ``Resource``, or with ``excludes`` ``NotAction`` or ``NotResource``."""

    patterns: tuple[str, ...]
    excludes: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator and key of ``Condition``: ``{"StringEquals": {"aws:SourceArn": ["…"]}}``."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; ``label`` is its Sid, or its number in the policy."""

    label: str
    is_allow: bool
    principals: Principals
    actions: Patterns
    resources: Patterns
    conditions: tuple[Condition, ...]


@lru_cache(maxsize=8)  # each check of one policy reads it again
def parse_policy(text: str) -> tuple[Statement, ...]:
    """Read a resource policy.

    :raises MalformedPolicy: not JSON, not a policy, or an element that the policy grammar does not have.
    """
    return _statements(_document(text))


def parse_identity_policy(text: str) -> tuple[Statement, ...]:
    """Read a policy of a user, group or role, a boundary or a service control policy: statements without a principal.

    They apply to whoever has the policy, so each statement is for every principal.

    :raises MalformedPolicy: as :func:`parse_policy`; a statement with a principal too.
    """
    return _statements(_document(text), without="Principal")


def parse_trust_policy(text: str) -> tuple[Statement, ...]:
    """Read the policy that says who may assume a role: statements without a resource, which is the role.

    :raises MalformedPolicy: as :func:`parse_policy`; a statement with a resource too.
    """
    return _statements(_document(text), without="Resource")


def _document(text: str) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise MalformedPolicy(f"the policy has {len(text):,} characters; AWS stores no more than 32 KB")
    try:
        document = json.loads(text)
        if isinstance(document, dict) and document.get("Version") != _WITH_VARIABLES:
            # In the older version, which is the default, ``${…}`` is plain text: https://docs.aws.amazon.com/IAM/
            # latest/UserGuide/reference_policies_elements_version.html. So is ``${$}``, in the newer one, for a dollar
            # sign. The text of a key policy is as it was put, where a dollar sign can be an escape.
            return json.loads(json.dumps(document).replace("${", "${$}{"))
    except (ValueError, RecursionError) as error:
        raise MalformedPolicy(f"the policy is not JSON: {error}") from error
    return document


def _statements(document: Any, *, without: str = "") -> tuple[Statement, ...]:
    if not isinstance(document, dict) or "Statement" not in document:
        raise MalformedPolicy("the policy has no Statement")
    if document.keys() - _OF_POLICY or not all(isinstance(document.get(name, ""), str) for name in ("Version", "Id")):
        raise MalformedPolicy("the policy has an element that the policy grammar does not have")
    statements = document["Statement"]
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list):
        raise MalformedPolicy("Statement is neither a statement nor a list of them")
    return tuple(_statement(statement, number, without) for number, statement in enumerate(statements, start=1))


def _statement(raw: Any, number: int, without: str) -> Statement:
    """:param without: the element that statements of this kind of policy do not have."""
    if not isinstance(raw, dict):
        raise MalformedPolicy(f"statement {number} is not an object")
    if raw.keys() - _OF_STATEMENT or not isinstance(raw.get("Sid", ""), str):
        raise MalformedPolicy(f"statement {number} has an element that the policy grammar does not have")
    label = raw.get("Sid") or f"number {number}"
    if without:
        if {without, f"Not{without}"} & raw.keys():
            raise MalformedPolicy(f"statement {label} has {without}, which this kind of policy does not have")
        raw = {**raw, without: "*"}
    if raw.get("Effect") not in ("Allow", "Deny"):
        raise MalformedPolicy(f"statement {label}: Effect is neither Allow nor Deny")
    return Statement(
        label=label,
        is_allow=raw["Effect"] == "Allow",
        principals=_principals(raw, label),
        actions=_patterns(raw, "Action", label),
        resources=_patterns(raw, "Resource", label),
        conditions=_conditions(raw.get("Condition", {}), label),
    )


def _one_of(raw: dict[str, Any], element: str, label: str) -> tuple[Any, bool]:
    """The value of ``element`` or of ``Not<element>``, and which of the two it was."""
    names = [name for name in (element, f"Not{element}") if name in raw]
    if len(names) != 1:
        raise MalformedPolicy(f"statement {label} needs {element} or Not{element}, and not both")
    return raw[names[0]], names[0] != element


def _principals(raw: dict[str, Any], label: str) -> Principals:
    value, excludes = _one_of(raw, "Principal", label)
    if value == "*":
        # In a resource-based policy the same as {"AWS": "*"}: every principal.
        value = {"AWS": "*"}
    if not isinstance(value, dict):
        raise MalformedPolicy(f'statement {label}: Principal is neither "*" nor an object')
    patterns = (PrincipalPattern(kind, entry) for kind, entries in value.items() for entry in _strings(entries, label))
    return Principals(tuple(patterns), excludes)


def _patterns(raw: dict[str, Any], element: str, label: str) -> Patterns:
    value, excludes = _one_of(raw, element, label)
    return Patterns(_strings(value, label), excludes)


def _conditions(raw: Any, label: str) -> tuple[Condition, ...]:
    if not isinstance(raw, dict) or not all(isinstance(keys, dict) for keys in raw.values()):
        raise MalformedPolicy(f"statement {label}: Condition is not an object of objects")
    return tuple(
        Condition(operator, key, _strings(values, label))
        for operator, keys in raw.items()
        for key, values in keys.items()
    )


def _strings(raw: Any, label: str) -> tuple[str, ...]:
    """A string or a list of strings; AWS also stores booleans and numbers where it means strings."""
    values = raw if isinstance(raw, list) else [raw]
    if not all(isinstance(value, str | bool | int | float) for value in values):
        raise MalformedPolicy(f"statement {label}: a value is neither a string nor a list of strings")
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
