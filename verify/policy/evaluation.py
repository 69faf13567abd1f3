"""What a resource policy decides about one request: a pure evaluator of IAM's policy language.

The order is AWS's: an explicit Deny decides, then an Allow, else it is an implicit deny.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import lru_cache

from verify.policy.conditions import Context, holds
from verify.policy.document import MalformedPolicy, Patterns, PrincipalPattern, Principals, Statement
from verify.policy.probes import readable
from verify.policy.ternary import NO, YES, Ternary, all_of, any_of, negation, undecided, yes_if
from verify.policy.times import CURRENT_TIME, context_at, later_times, moment
from verify.policy.variables import substituted
from verify.policy.wildcard import matches

# Comparisons of a request with an entry of a policy; so many take seconds. Usual policies have some dozens of entries.
_MOST_COMPARISONS = 1_000_000


class PrincipalKind(Enum):
    """The kind of principal. ``EVERYBODY`` stands for all principals: only what holds for each of them holds."""

    EVERYBODY = "everybody"
    SERVICE = "service"
    AWS = "aws"
    FEDERATED = "federated"
    CANONICAL_USER = "canonical user"


@dataclass(frozen=True, slots=True)
class Principal:
    """``name`` is a service's host name, the ARN of a role or user, an identity provider or a canonical user id.

    It is empty for everybody.
    """

    kind: PrincipalKind
    name: str = ""


EVERYBODY = Principal(PrincipalKind.EVERYBODY)
# The kinds that match only an entry of their own kind with the same name, and how a policy calls them.
_KINDS = {
    PrincipalKind.SERVICE: "Service",
    PrincipalKind.FEDERATED: "Federated",
    PrincipalKind.CANONICAL_USER: "CanonicalUser",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One API call on one resource, such as ``s3:PutObject`` on an object's ARN.

    :param at: when; ``None`` for now.
    """

    principal: Principal
    action: str
    resource: str
    context: Context
    at: datetime | None = None

    def __str__(self) -> str:
        return readable(f"{self.action} on {self.resource}{self.when}")

    @property
    def when(self) -> str:
        """When, for people; empty for now."""
        return "" if self.at is None else f" at {self.at:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Decision:
    """Which statements apply: is an Allow among them, is a Deny, and which Deny.

    :param denied_by: the label of the Deny that applies, if one does.
    :param may_be_denied_by: the labels of those of which it is undecided.
    """

    allow: Ternary
    deny: Ternary
    denied_by: str | None
    may_be_denied_by: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> Ternary:
        """Whether the policy allows the request: an Allow applies and no Deny."""
        return all_of((self.allow, negation(self.deny)))


def decide(statements: tuple[Statement, ...], request: Request) -> Decision:
    """What the policy decides about the request.

    Whether the request is allowed in the end can also depend on identity policies and organization policies;
    for a service principal the resource policy alone decides.
    """
    denies = [(statement.label, applies(statement, request)) for statement in statements if not statement.is_allow]
    return Decision(
        allow=any_of(applies(statement, request) for statement in statements if statement.is_allow),
        deny=any_of(answer for _, answer in denies),
        denied_by=next((label for label, answer in denies if answer.is_true), None),
        may_be_denied_by=tuple(label for label, answer in denies if answer.is_true is None),
    )


def decide_each(statements: tuple[Statement, ...], requests: Iterable[Request]) -> Iterator[tuple[Request, Decision]]:
    """What the policy decides about each request, one after the other; as :func:`at_all_times`."""
    for request in at_all_times(statements, requests):
        yield request, decide(statements, request)


def one_of_each(statements: tuple[Statement, ...], requests: Iterable[Request]) -> Iterator[Request]:
    """The first of the requests that a policy cannot tell apart: all its resources match each of them alike.

    :raises MalformedPolicy: the policy is too large for so many requests.
    """
    patterns = tuple(dict.fromkeys(pattern for each in statements for pattern in each.resources.patterns))
    depends_on_context = any("${" in pattern for pattern in patterns)
    seen: set[object] = set()
    for number, request in enumerate(requests, start=1):
        if number * len(patterns) > _MOST_COMPARISONS:
            raise MalformedPolicy("the policy is too large to be evaluated for every request")
        if depends_on_context:
            yield request
            continue
        alike = tuple(matches(pattern, request.resource).is_true for pattern in patterns)
        kind = (request.principal, request.action, frozenset(request.context.items()), alike)
        if kind not in seen:
            seen.add(kind)
            yield request


def at_all_times(statements: tuple[Statement, ...], requests: Iterable[Request]) -> Iterator[Request]:
    """Each request, as far as its time is known: now, and at each later time at which the policy decides otherwise.

    A grant that ends and a Deny that has yet to begin are as good as none, and as one, for what is to last.

    :raises MalformedPolicy: the policy is too large for so many requests.
    """
    size = sum(map(_size, statements))
    times = lru_cache(lambda now: later_times(statements, moment(now)))
    timed = (each for request in requests for each in (request, *_later(request, times)))
    for number, request in enumerate(timed, start=1):
        if number * size > _MOST_COMPARISONS:
            raise MalformedPolicy("the policy is too large to be evaluated for every request")
        yield request


def _later(request: Request, times: Callable[[str], tuple[datetime, ...]]) -> Iterator[Request]:
    for now in request.context.get(CURRENT_TIME, ()) if request.at is None else ():
        for at in times(now):
            yield replace(request, context={**request.context, **context_at(at)}, at=at)


def _size(statement: Statement) -> int:
    """In entries; a long one counts for more."""
    texts = [*statement.actions.patterns, *statement.resources.patterns]
    texts += [entry.value for entry in statement.principals.patterns]
    texts += [value for condition in statement.conditions for value in condition.values]
    return sum(1 + len(text) // 64 for text in texts)


def applies(statement: Statement, request: Request) -> Ternary:
    """Whether the statement, Allow or Deny, matches the request."""
    return all_of(_parts(statement, request))


def _parts(statement: Statement, request: Request) -> Iterator[Ternary]:
    """Whether each element matches; one after the other, because a single no decides."""
    yield includes_principal(statement.principals, request.principal)
    yield includes(statement.actions, request.action, ignore_case=True)
    yield includes(statement.resources, request.resource, ignore_case=False, context=request.context)
    for condition in statement.conditions:
        yield holds(condition, request.context)


def includes(selection: Patterns, text: str, *, ignore_case: bool, context: Context | None = None) -> Ternary:
    """Whether the actions or resources of a statement include this one.

    :param context: what policy variables stand for. Default: - none is resolved.
    """

    def one(pattern: str) -> Ternary:
        resolved = pattern if context is None else substituted(pattern, context)
        if not isinstance(resolved, Ternary):
            return matches(resolved, text, ignore_case=ignore_case)
        # What NotResource then leaves out is not documented.
        return undecided("policy", f"the policy variable in {pattern!r}") if selection.excludes else resolved

    found = any_of(map(one, selection.patterns))
    return negation(found) if selection.excludes else found


def includes_principal(principals: Principals, principal: Principal) -> Ternary:
    """Whether a statement is for this principal."""
    found = any_of(_is_principal(pattern, principal) for pattern in principals.patterns)
    if not principals.excludes:
        return found
    if principal.kind is PrincipalKind.EVERYBODY:
        # NotPrincipal always excludes some principal.
        return NO
    return negation(found)


def _is_principal(pattern: PrincipalPattern, principal: Principal) -> Ternary:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""
    if pattern.kind == "AWS" and pattern.value == "*":
        return YES
    if principal.kind is PrincipalKind.EVERYBODY:
        return NO
    if principal.kind is PrincipalKind.SERVICE and pattern.kind == "Service" and "*" in pattern.value:
        return undecided("policy", f"the service principal {pattern.value!r}")
    if principal.kind in _KINDS:
        return yes_if(pattern.kind == _KINDS[principal.kind] and pattern.value == principal.name)
    if pattern.kind == "CanonicalUser":
        return undecided("policy", "a canonical user id")
    # An account id or root user ARN in a policy means every principal of the account.
    account, root = _account_and_root(principal.name)
    return yes_if(pattern.kind == "AWS" and pattern.value in (principal.name, account, root))


def _account_and_root(arn: str) -> tuple[str, str]:
    parts = arn.split(":", 5)
    account = parts[4] if len(parts) == 6 else ""
    return account, ":".join((*parts[:2], "iam", "", account, "root"))
