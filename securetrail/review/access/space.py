"""The requests that two versions of a subject's policies tell apart, and each statement as boxes of such requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Final

from securetrail.review.access.actions import actions_of, actions_of_every_service, distinct_actions
from securetrail.review.access.boxes import Box
from securetrail.review.access.callers import (
    CLOUDTRAIL,
    Caller,
    CallerKind,
    Scope,
    Source,
    callers,
    is_of_account,
    sources,
)
from securetrail.review.access.keys import KeyValue, values_of
from securetrail.review.access.policies import GUARDRAIL, MANAGED_POLICY, Kind, Policies, Subject
from securetrail.review.access.texts import Form, Pattern, Text, texts
from verify.policy.conditions import Context, holds
from verify.policy.document import Condition, Patterns, Statement
from verify.policy.evaluation import PrincipalKind, Request, includes, includes_principal
from verify.policy.ternary import Ternary

_SOURCE_KEYS: Final = ("aws:sourcearn", "aws:sourceaccount")
ACTION, RESOURCE, SOURCE = "action", "resource", "source"
# The parts of a subject: service, the kinds of resources in actions.json, and what follows the subject's ARN.
_PARTS: Final[Mapping[Kind, tuple[str, tuple[tuple[str, str], ...]]]] = {
    Kind.BUCKET: ("s3", (("bucket", ""), ("object", "/*"))),
    Kind.ACCESS_POINT: ("s3", (("access point", ""), ("access point object", "/object/*"))),
    Kind.KEY: ("kms", (("key", ""),)),
    Kind.TOPIC: ("sns", (("topic", ""),)),
    Kind.QUEUE: ("sqs", (("queue", ""),)),
    Kind.TRUST: ("sts", (("role", ""),)),
    Kind.FUNCTION: ("lambda", (("function", ""), ("function", ":*"))),
    Kind.SECRET: ("secretsmanager", (("secret", ""),)),
    Kind.EVENT_BUS: ("events", (("event-bus", ""),)),
    Kind.REPOSITORY: ("ecr", (("repository", ""),)),
    Kind.TABLE: ("dynamodb", (("table", ""), ("table", "/*"))),
}
# Who sends requests without credentials is served by these.
_ANONYMOUS: Final = {Kind.BUCKET, Kind.ACCESS_POINT, Kind.TOPIC, Kind.QUEUE, Kind.FUNCTION, Kind.OTHER}
# The account's own principals need an Allow here; elsewhere what IAM allows them is enough.
_NEEDS_ALLOW: Final = {Kind.KEY, Kind.TRUST}
LOG_OBJECTS: Final = "/*AWSLogs/*"
# A set of requests: dimension → values; a dimension that is not there is not restricted.
Part = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ResourceText:
    """A resource, or one that stands for all which the same patterns match.

    :param kind: as in ``actions.json``.
    """

    text: Text
    kind: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """An element whose answer no template tells, such as a policy variable; both answers are tried.

    :param element: two are the same when the elements are.
    """

    element: str
    words: str


# A part, and the elements that have to be true in it.
Match = tuple[Part, frozenset[Unknown]]

# Policies that many identities have: who it is, and of which account, their conditions may ask.
_OF_MANY: Final = {
    "AWS::IAM::Group": ("aws:principalarn",),
    "AWS::SSO::PermissionSet": ("aws:principalarn", "aws:principalaccount", "kms:calleraccount"),
    GUARDRAIL: ("aws:principalarn", "aws:principalaccount", "kms:calleraccount"),
    MANAGED_POLICY: ("aws:principalarn",),
}


class Space:
    """All requests that matter for two versions of a subject's policies.

    :param trails: ARNs of trails, which are told apart from other sources.
    """

    def __init__(self, subject: Subject, versions: Sequence[Policies], trails: Iterable[str]) -> None:
        self._subject = subject
        self.arn, self._account, self._type = versions[-1].arn, versions[-1].account, versions[-1].type
        self._statements = list(dict.fromkeys(s for each in versions for layer in each.layers for s in layer))
        self.trails = tuple(trails)
        self._masks: dict[tuple[Patterns, str], tuple[int, int]] = {}
        self._answers: dict[tuple[Condition, str], tuple[int, int]] = {}
        self._values: dict[str, tuple[KeyValue, ...]] = {}

    @cached_property
    def scope(self) -> Scope:
        """Whose callers there are."""
        partition = self.arn.split(":")[1] if ":" in self.arn else "aws"
        return Scope(self._account, partition, self._subject.kind in _ANONYMOUS, self._subject.kind in _NEEDS_ALLOW)

    @cached_property
    def callers(self) -> tuple[Caller, ...]:
        """For the permissions of an identity, itself."""
        if self._subject.kind is not Kind.PERMISSIONS:
            of_resource = {"aws:resourceaccount": (self._account,)}
            found = callers(self._statements, self.scope)
            return tuple(replace(caller, fixed={**caller.fixed, **of_resource}) for caller in found)
        scope = Scope(self._account, self.scope.partition, has_anonymous=False, needs_allow=True)
        own = next(caller for caller in callers((), scope) if caller.kind is CallerKind.OWN)
        open_keys = _OF_MANY.get(self._type, ())
        fixed = {
            name: value
            for name, value in {**own.fixed, "aws:principalarn": (self.arn,)}.items()
            if name not in open_keys
        }
        principal = replace(own.principal, name=self.arn)
        return (Caller(CallerKind.OWN, principal, str(self._subject.id), fixed, is_named=True),)

    @cached_property
    def conditions(self) -> Mapping[str, list[Condition]]:
        """Every condition of both versions, by its key in lower case."""
        found: dict[str, list[Condition]] = {}
        for statement in self._statements:
            for condition in statement.conditions:
                found.setdefault(condition.key.casefold(), []).append(condition)
        return found

    @cached_property
    def places(self) -> tuple[ResourceText, ...]:
        """The resources that the policies tell apart."""
        patterns = {
            Pattern(Form.LIKE, pattern) for statement in self._statements for pattern in statement.resources.patterns
        }
        parts = _PARTS.get(self._subject.kind)
        if parts is None:
            return tuple(ResourceText(text, "") for text in texts(patterns, Pattern(Form.LIKE, "?*")))
        if self._subject.kind is Kind.BUCKET:
            patterns.add(Pattern(Form.LIKE, self.arn + LOG_OBJECTS))
        return tuple(
            ResourceText(text, kind)
            for kind, suffix in parts[1]
            for text in texts(patterns, Pattern(Form.LIKE if suffix else Form.EQUAL, self.arn + suffix))
        )

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """The actions that the policies can tell apart."""
        elements = [statement.actions for statement in self._statements]
        parts = _PARTS.get(self._subject.kind)
        if parts is None:
            services = {p.partition(":")[0].casefold() for element in elements for p in element.patterns}
            listed = [action for service in sorted(services) for action in actions_of(service)]
            if any("*" in service for service in services) or any(element.excludes for element in elements):
                listed = list(actions_of_every_service())
            return distinct_actions(listed, elements, "?*:?*")
        service, kinds = parts
        return distinct_actions(actions_of(service, *(kind for kind, _ in kinds)), elements, f"{service}:?*")

    @cached_property
    def action_patterns(self) -> list[str]:
        """The wildcards of the policies' actions, the widest first."""
        found = {p for statement in self._statements for p in statement.actions.patterns if "*" in p or "?" in p}
        return sorted(found, key=lambda pattern: (len(pattern), pattern))

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """On whose behalf services call, if a condition asks for it."""
        asked = [condition for key in _SOURCE_KEYS for condition in self.conditions.get(key, ())]
        return sources(asked, self.scope, self.trails) if asked else ()

    @cached_property
    def existing(self) -> tuple[Part, ...]:
        """The actions that there are on each of the places."""
        parts = _PARTS.get(self._subject.kind)
        if parts is None:
            return ({},)
        service, kinds = parts
        listed = {action.casefold() for action in actions_of(service)}
        found = []
        for kind in dict.fromkeys(kind for kind, _ in kinds):
            own = {action.casefold() for action in actions_of(service, kind)}
            actions = _mask(a.casefold() in own or a.casefold() not in listed for a in self.actions)
            found.append({ACTION: actions, RESOURCE: _mask(place.kind == kind for place in self.places)})
        return tuple(found)

    def values(self, key: str) -> tuple[KeyValue, ...]:
        """The values of a condition key that the conditions tell apart."""
        if key not in self._values:
            self._values[key] = values_of(key, self.conditions[key])
        return self._values[key]

    # --- statements as boxes ---

    def parts(self, statement: Statement, caller: Caller) -> list[Match]:
        """The requests of a caller that a statement matches; those with unknowns only where these are true."""
        places = tuple(place.text.value for place in self.places)
        alternatives: list[list[Match]] = [
            [({}, unknown) for unknown in self._for_caller(statement, caller)],
            list(self._selected(statement.actions, ACTION, self.actions, ignore_case=True)),
            list(self._selected(statement.resources, RESOURCE, places, ignore_case=False)),
            *(list(self._meeting(condition, caller)) for condition in statement.conditions),
        ]
        if not all(alternatives):
            return []
        found: list[Match] = []
        for choice in product(*alternatives):
            part: dict[str, int] = {}
            for restriction, _ in choice:
                for dimension, mask in restriction.items():
                    part[dimension] = part.get(dimension, mask) & mask
            if all(part.values()):
                found.append((part, frozenset().union(*(unknown for _, unknown in choice))))
        return found

    def _for_caller(self, statement: Statement, caller: Caller) -> Iterator[frozenset[Unknown]]:
        principals = statement.principals
        if caller.principal.kind is PrincipalKind.AWS:
            # Canonical users are callers of their own.
            known = tuple(pattern for pattern in principals.patterns if pattern.kind != "CanonicalUser")
            principals = of_caller((replace(statement, principals=replace(principals, patterns=known)),), caller)[
                0
            ].principals
        yield from _answered(includes_principal(principals, caller.principal), f"principal {statement.principals}")

    def _selected(
        self, selection: Patterns, dimension: str, values: Sequence[str], *, ignore_case: bool
    ) -> Iterator[Match]:
        if (selection, dimension) not in self._masks:
            answers = [includes(selection, value, ignore_case=ignore_case) for value in values]
            self._masks[selection, dimension] = _masks(answers)
        yes, open_ = self._masks[selection, dimension]
        words = f"what {', '.join(pattern for pattern in selection.patterns if '${' in pattern)} includes"
        yield from _split(dimension, yes, open_, Unknown(f"{dimension} {selection}", words))

    def _meeting(self, condition: Condition, caller: Caller) -> Iterator[Match]:
        key = condition.key.casefold()
        if key in _SOURCE_KEYS and caller.kind is CallerKind.SERVICE:
            dimension, contexts = SOURCE, (_context(source) for source in self.sources)
        elif key in caller.fixed:
            words = _words(condition)
            answer = holds(condition, caller.fixed)
            yield from (({}, unknown) for unknown in _answered(answer, str(condition), words))
            return
        else:
            dimension, contexts = key, ({key: value.values} for value in self.values(key))
        if (condition, dimension) not in self._answers:
            self._answers[condition, dimension] = _masks(holds(condition, context) for context in contexts)
        yes, open_ = self._answers[condition, dimension]
        yield from _split(dimension, yes, open_, Unknown(_same(condition), _words(condition)))

    # --- requests ---

    def dimensions(self, caller: Caller) -> dict[str, int]:
        """The dimensions of a caller's requests and how many values each has."""
        keys = {
            key: len(self.values(key))
            for key in sorted(self.conditions)
            if key not in caller.fixed and not (key in _SOURCE_KEYS and caller.kind is CallerKind.SERVICE)
        }
        has_sources = caller.kind is CallerKind.SERVICE and self.sources
        return {
            ACTION: len(self.actions),
            RESOURCE: len(self.places),
            **({SOURCE: len(self.sources)} if has_sources else {}),
            **keys,
        }

    def existing_of(self, caller: Caller) -> tuple[Part, ...]:
        """What of :attr:`existing` there is for a caller: CloudTrail calls on behalf of trails alone."""
        if caller.principal.name != CLOUDTRAIL or not self.sources:
            return self.existing
        possible = _mask(source.may_be_trail for source in self.sources)
        return tuple({**part, SOURCE: possible} for part in self.existing)

    def request(self, caller: Caller, box: Box) -> Request:
        """One request of those in a box."""
        context: dict[str, tuple[str, ...]] = dict(caller.fixed)
        action = resource = ""
        for dimension, mask in zip(self.dimensions(caller), box, strict=False):
            first = (mask & -mask).bit_length() - 1
            if dimension == ACTION:
                action = self.actions[first]
            elif dimension == RESOURCE:
                resource = self.places[first].text.value
            elif dimension == SOURCE:
                context.update(_context(self.sources[first]))
            else:
                context[dimension] = self.values(dimension)[first].values
        return Request(caller.principal, action, resource, context)


def of_caller(statements: Sequence[Statement], caller: Caller) -> tuple[Statement, ...]:
    """The statements as they are for a caller: an Allow for the account hands over to IAM, and so allows nothing to
    whom IAM allows nothing. Of whom nobody knows the account no entry for an account is.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    is_unknown = caller.principal.kind is PrincipalKind.AWS and not is_of_account(caller.principal.name)
    is_without = caller.kind is CallerKind.OWN and not caller.has_identity_policy
    if not is_unknown and not is_without:
        return tuple(statements)
    account = (caller.principal.name.split(":", 5)[4:5] or [""])[0]
    found = []
    for statement in statements:
        principals = statement.principals
        if not principals.excludes and (statement.is_allow or is_unknown):
            left = (p for p in principals.patterns if p.kind != "AWS" or not _is_account(p.value, account))
            principals = replace(principals, patterns=tuple(left))
        found.append(replace(statement, principals=principals))
    return tuple(found)


def _is_account(principal: str, account: str) -> bool:
    return principal == account or (principal.endswith(":root") and principal.split(":")[4:5] == [account])


def _context(source: Source) -> Context:
    return {"aws:sourcearn": source.arn, "aws:sourceaccount": source.account}


def _answered(answer: Ternary, element: str, words: str = "") -> Iterator[frozenset[Unknown]]:
    if answer.is_true:
        yield frozenset()
    elif answer.is_true is None:
        yield frozenset({Unknown(element, words or ", ".join(reason.what for reason in answer.reasons))})


def _split(dimension: str, yes: int, open_: int, unknown: Unknown) -> Iterator[Match]:
    if yes:
        yield {dimension: yes}, frozenset()
    if open_:
        yield {dimension: open_}, frozenset({unknown})


def _masks(answers: Iterable[Ternary]) -> tuple[int, int]:
    yes = open_ = 0
    for number, answer in enumerate(answers):
        yes |= (answer.is_true is True) << number
        open_ |= (answer.is_true is None) << number
    return yes, open_


def _mask(members: Iterable[bool]) -> int:
    return sum(1 << number for number, is_member in enumerate(members) if is_member)


def _same(condition: Condition) -> str:
    """One text for conditions that differ in case of the key and the order of values alone."""
    return f"{condition.operator} {condition.key.casefold()} {sorted(condition.values)}"


def _words(condition: Condition) -> str:
    return " ".join((condition.operator, condition.key, ", ".join(condition.values))).strip()
