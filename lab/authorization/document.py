"""Policy documents, read once for each text: which of their statements are about a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from lab.authorization.conditions import (
    Condition,
    Context,
    NotEvaluable,
    all_met,
    compiled,
    conditions_of,
    matches,
)
from lab.authorization.policy import statements_of, strings

# Texts that are in use at a time: policies of users, roles, buckets and keys.
_MOST_DOCUMENTS = 4096
_VARIABLE = "${"
# The beginnings of condition keys whose lists the lab always has.
_LISTS_OF = ("aws:", "kms:", "s3:", "sts:")
# No pattern but `*` matches it: it is longer than any row of `?`.
_ANYTHING = "\0" * 64


@dataclass(frozen=True, slots=True)
class Asked:
    """One action on one resource, and the request's context.

    :param resource: an ARN; `*` for an action that is for no resource of its own.
    :param is_resource_known: False where the request has a resource that the lab cannot name: no statement about
        certain resources allows it then, and every Deny is about it.
    :param is_of_form: of such a resource, whether it has the form of `resource`, whose `*` stand for anything: a
        statement about all of that form allows it.
    """

    action: str
    resource: str
    context: Context
    is_resource_known: bool = True
    is_of_form: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `principal` is the element as it is written; `excludes_principals`: it is NotPrincipal.

    :param conditions: None for what is not as policies are written.
    """

    is_deny: bool
    actions: tuple[str, ...]
    excludes_actions: bool
    resources: tuple[str, ...] | None
    excludes_resources: bool
    principal: Any
    excludes_principals: bool
    conditions: tuple[Condition, ...] | None
    # Which actions it is about: their number is limited by the services' models.
    _known: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    def is_about(self, asked: Asked) -> bool:
        """Whether action, resource and conditions match, whoever asks."""
        return self.is_about_action(asked.action) and self._is_about_resource(asked) and self._are_conditions_met(asked)

    def is_about_action(self, action: str) -> bool:
        """Whether the action matches, in any case of its letters."""
        found = self._known.get(action)
        if found is None:
            name = action.lower()
            found = any(compiled(each).fullmatch(name) for each in self.actions) != self.excludes_actions
            self._known[action] = found
        return found

    def _is_about_resource(self, asked: Asked) -> bool:
        if self.resources is None:  # as in a trust policy, which is the role's own; AWS stores no other one without
            return asked.action.startswith("sts:")
        if not asked.is_resource_known and self.is_deny:
            return True
        if not asked.is_resource_known and self.excludes_resources:
            return False
        found = any(_is_resource(each, asked) for each in self.resources)
        return found != self.excludes_resources

    def _are_conditions_met(self, asked: Asked) -> bool:
        if self.conditions == ():
            return True
        try:
            if self.conditions is None:
                return self.is_deny
            # A list that the lab does not have of the request may hold what the condition does not allow.
            if not self.is_deny and any(_is_not_known(each, asked.context) for each in self.conditions):
                return False
            return all_met(self.conditions, asked.context)
        except NotEvaluable:
            # Not evaluable: it must neither allow a request nor fail to deny one.
            return self.is_deny


@dataclass(frozen=True, slots=True)
class Document:
    """The statements of a policy, in two groups."""

    denies: tuple[Statement, ...]
    allows: tuple[Statement, ...]

    def denies_to(self, asked: Asked) -> bool:
        """Whether a Deny of a policy without principals is about a request."""
        return any(each.is_about(asked) for each in self.denies)

    def allows_to(self, asked: Asked) -> bool:
        """Whether an Allow of a policy without principals is about a request."""
        return any(each.is_about(asked) for each in self.allows)


@lru_cache(maxsize=_MOST_DOCUMENTS)
def document(text: str) -> Document:
    """A policy (JSON text). What is no policy has no statements: it allows nothing."""
    try:
        found = tuple(_statements(text))
    except ValueError:
        found = ()
    return Document(
        denies=tuple(each for each in found if each.is_deny), allows=tuple(each for each in found if not each.is_deny)
    )


def _statements(text: str) -> Iterator[Statement]:
    for each in statements_of(text):
        if each.get("Effect") in ("Allow", "Deny"):
            yield _statement(each)


def _statement(raw: Mapping[str, Any]) -> Statement:
    has_resource = "Resource" in raw or "NotResource" in raw
    return Statement(
        is_deny=raw["Effect"] == "Deny",
        actions=tuple(each.lower() for each in strings(raw.get("Action", raw.get("NotAction")))),
        excludes_actions="NotAction" in raw and "Action" not in raw,
        resources=tuple(strings(raw.get("Resource", raw.get("NotResource")))) if has_resource else None,
        excludes_resources="NotResource" in raw and "Resource" not in raw,
        principal=raw.get("Principal", raw.get("NotPrincipal")),
        excludes_principals="NotPrincipal" in raw and "Principal" not in raw,
        conditions=_conditions(raw.get("Condition")),
    )


def _is_not_known(condition: Condition, context: Context) -> bool:
    is_of_all = condition.operator.startswith("ForAllValues:")
    return is_of_all and not condition.key.startswith(_LISTS_OF) and context.get(condition.key) is None


def _conditions(element: Any) -> tuple[Condition, ...] | None:
    try:
        return conditions_of(element)
    except AttributeError:
        return None


def _is_resource(pattern: str, asked: Asked) -> bool:
    if pattern == "*":
        return True
    resource = asked.resource
    if not asked.is_resource_known:
        if not asked.is_of_form:
            return False
        resource = resource.replace("*", _ANYTHING)
    if _VARIABLE in pattern:
        return matches(pattern, resource, asked.context)
    return compiled(pattern).fullmatch(resource) is not None
