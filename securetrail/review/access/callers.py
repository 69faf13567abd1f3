"""Who could call: each kind of principal that the policies of a resource tell apart, and what its requests carry.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html (which requests have which key)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from securetrail.review.access.keys import KeyValue, patterns_of, values_of
from securetrail.review.access.texts import OTHER, Form, Pattern, Text, texts
from verify.policy.document import Condition, PrincipalPattern, Statement
from verify.policy.evaluation import Principal, PrincipalKind

_ACCOUNT: Final = re.compile(r"\d{12}")
_ROOT: Final = re.compile(r"arn:[^:]*:iam::(?P<account>[^:]*):root")
_OF_IAM: Final = re.compile(r"arn:[^:]*:(?:iam|sts):[^:]*:[^:]*:.")
# What follows from who calls; a request of another kind of caller certainly lacks it.
_OF_PRINCIPALS: Final = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principaltype",
    "aws:userid",
    "aws:username",
    "aws:federatedprovider",
    "aws:multifactorauthpresent",
    "aws:multifactorauthage",
    "aws:tokenissuetime",
)
_OF_SERVICES: Final = ("aws:principalservicename", "aws:principalservicenameslist")
_OF_SOURCES: Final = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")
_OF_NETWORKS: Final = ("aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:vpcsourceip")
_OF_CLOUDTRAIL: Final = Pattern(Form.ARN, "arn:*:cloudtrail:*:?*:?*")
CLOUDTRAIL: Final = "cloudtrail.amazonaws.com"
_ACCOUNT_KEYS: Final = ("aws:principalaccount", "kms:calleraccount")


class CallerKind(Enum):
    """How near a caller is to the account."""

    OWN = "a principal of the account"
    FOREIGN = "a principal of another account"
    ANONYMOUS = "without credentials"
    SERVICE = "an AWS service"
    FEDERATED = "an identity provider"


@dataclass(frozen=True, slots=True)
class Caller:
    """One kind of caller.

    :param name: in words, for people: the ARN, account or service.
    :param fixed: the condition keys whose values follow from who calls.
    :param is_named: a policy names it; otherwise it stands for all whom no policy names.
    :param has_identity_policy: IAM allows it everything, so that what the account may do it may, and elsewhere than
        at a key and a role only a Deny stops it. The other callers of the account have no identity policy: what the
        resource's policy allows the account is not allowed to them.
    :param needs_allow: whether the resource's policy has to allow it, whatever IAM does.
    """

    kind: CallerKind
    principal: Principal
    name: str
    fixed: Mapping[str, tuple[str, ...]] = field(hash=False)
    is_named: bool = True
    has_identity_policy: bool = False
    needs_allow: bool = True

    @property
    def is_always_allowed(self) -> bool:
        """Whether only a Deny stops it."""
        return self.has_identity_policy and not self.needs_allow


@dataclass(frozen=True, slots=True)
class Source:
    """On whose behalf a service calls.

    :param arn: the value of ``aws:SourceArn``; empty when the request has none.
    :param account: the same of ``aws:SourceAccount``.
    :param matched: the patterns that the ARN matches.
    :param may_be_trail: whether CloudTrail can call on its behalf.
    """

    arn: tuple[str, ...]
    account: tuple[str, ...]
    matched: frozenset[Pattern]
    may_be_trail: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose callers to list.

    :param account: of the resource.
    :param partition: ``aws`` for most.
    :param has_anonymous: whether the service takes requests without credentials.
    :param needs_allow: whether the account's principals too need an Allow of the resource's policy (a key, a role).
    """

    account: str
    partition: str
    has_anonymous: bool
    needs_allow: bool


def is_of_account(principal: str) -> bool:
    """Whether a principal's name tells its account: the ARN of a role, user or session."""
    return _OF_IAM.match(principal) is not None


def callers(statements: Sequence[Statement], scope: Scope) -> tuple[Caller, ...]:
    """Every kind of caller that the statements of both policies tell apart."""
    entries = [entry for statement in statements for entry in statement.principals.patterns]
    conditions = [condition for statement in statements for condition in statement.conditions]
    return (
        *_iam_callers(entries, conditions, scope),
        *([_anonymous()] if scope.has_anonymous else []),
        *_services(entries, conditions),
        *_others(entries),
    )


def sources(conditions: Sequence[Condition], scope: Scope, trails: Iterable[str]) -> tuple[Source, ...]:
    """Every source of a service's calls that the conditions tell apart; an ARN tells its account.

    :param trails: ARNs to tell apart in any case.
    """
    of_arns = [condition for condition in conditions if condition.key.casefold() == "aws:sourcearn"]
    of_accounts = [condition for condition in conditions if condition.key.casefold() == "aws:sourceaccount"]
    patterns = frozenset(patterns_of(of_arns))
    accounts = {scope.account, *(p.text.split(":", 5)[4] for p in patterns if p.text.count(":") > 4)}
    accounts |= {value for condition in of_accounts for value in condition.values}
    in_accounts = frozenset(Pattern(Form.ARN, f"*:*:*:*:{each}:*") for each in accounts if ":" not in each)
    known = [Pattern(Form.EQUAL, trail) for trail in trails]
    arns = texts([*patterns, *in_accounts, *known, _OF_CLOUDTRAIL], Pattern(Form.ARN, "arn:*:?*:*:*:?*"))
    found = [
        Source(
            arn=(arn.value,),
            account=account.values,
            matched=arn.matched - in_accounts - {_OF_CLOUDTRAIL},
            may_be_trail=_OF_CLOUDTRAIL in arn.matched,
        )
        for arn in arns
        for account in _accounts_of(arn, of_accounts, scope)
    ]
    without_arn = [
        Source((), value.values, frozenset(), may_be_trail=True) for value in _account_values(of_accounts, scope)
    ]
    return (*found, *without_arn)


def _accounts_of(arn: Text, conditions: Sequence[Condition], scope: Scope) -> tuple[KeyValue, ...]:
    """``aws:SourceAccount`` beside an ARN: the ARN's account, if it has one, as all but those of buckets do; S3
    always sends the key.
    """
    account = arn.value.split(":", 5)[4]
    if account:
        return (KeyValue((account,)),)
    return tuple(value for value in _account_values(conditions, scope) if value.values)


def _account_values(conditions: Sequence[Condition], scope: Scope) -> tuple[KeyValue, ...]:
    own = Condition("StringEquals", "aws:SourceAccount", (scope.account,))
    return values_of("aws:sourceaccount", [*conditions, own])


def _iam_callers(
    entries: Sequence[PrincipalPattern], conditions: Sequence[Condition], scope: Scope
) -> Iterator[Caller]:
    named = [entry.value for entry in entries if entry.kind == "AWS" and entry.value != "*"]
    of_arns = [condition for condition in conditions if condition.key.casefold() == "aws:principalarn"]
    of_accounts = [value for c in conditions if c.key.casefold() in _ACCOUNT_KEYS for value in c.values]
    roots = [match["account"] for match in map(_ROOT.fullmatch, named) if match]
    numbers = [value for value in named if _ACCOUNT.fullmatch(value)]
    accounts = dict.fromkeys((scope.account, *roots, *numbers, *(a for a in of_accounts if a and ":" not in a)))
    arns = [value for value in named if _OF_IAM.match(value) and not _ROOT.fullmatch(value)]
    accounts |= dict.fromkeys(value.split(":", 5)[4] for value in arns)
    in_accounts = {account: Pattern(Form.ARN, f"*:*:*:*:{account}:*") for account in accounts}
    patterns = [*(Pattern(Form.EQUAL, value) for value in arns), *patterns_of(of_arns), *in_accounts.values()]
    for service in ("iam", "sts") if any(":sts:" in pattern.text for pattern in patterns) else ("iam",):
        for text in texts(patterns, Pattern(Form.ARN, f"arn:{scope.partition}:{service}::?*:?*")):
            yield from _iam_caller(text, frozenset(in_accounts.values()), scope)
    for value in dict.fromkeys(named):
        if not _OF_IAM.match(value) and not _ACCOUNT.fullmatch(value):
            # An id of a principal, a parameter's value, or what a custom resource returns: nothing more is known of it.
            yield Caller(CallerKind.FOREIGN, Principal(PrincipalKind.AWS, value), value, _without(_OF_SOURCES))


def _iam_caller(text: Text, in_accounts: frozenset[Pattern], scope: Scope) -> Iterator[Caller]:
    account = text.value.split(":", 5)[4]
    own = account == scope.account
    special = [pattern for pattern in text.matched - in_accounts if pattern.text != "*"]
    exact = next((p.text for p in special if p.form is Form.EQUAL and p.text == text.value), "")
    like = sorted(p.text for p in special if p.form is not Form.EQUAL)
    is_named_account = not own and OTHER not in account
    whose = "the account" if own else f"account {account}" if is_named_account else "any other account"
    name = exact or (f"principals of {whose} like {like[0]}" if like else f"principals of {whose}")
    fixed = {
        "aws:principalarn": (text.value,),
        "aws:principalaccount": (account,),
        "kms:calleraccount": (account,),
        "aws:principalisawsservice": ("false",),
        **_without((*_OF_SERVICES, *_OF_SOURCES)),
    }
    kind = CallerKind.OWN if own else CallerKind.FOREIGN
    principal = Principal(PrincipalKind.AWS, text.value)
    is_named = bool(exact or like or is_named_account)
    yield Caller(kind, principal, name, fixed, is_named)
    if own:
        yield Caller(kind, principal, name, fixed, is_named, has_identity_policy=True, needs_allow=scope.needs_allow)


def _anonymous() -> Caller:
    fixed = {
        **_without((*_OF_PRINCIPALS, *_OF_SERVICES, *_OF_SOURCES)),
        "aws:principalaccount": ("anonymous",),
        "aws:principaltype": ("Anonymous",),
        "aws:userid": ("anonymous",),
        "aws:principalisawsservice": ("false",),
    }
    return Caller(
        CallerKind.ANONYMOUS, Principal(PrincipalKind.AWS, "anonymous"), "without credentials", fixed, is_named=False
    )


def _services(entries: Sequence[PrincipalPattern], conditions: Sequence[Condition]) -> Iterator[Caller]:
    names = [entry.value for entry in entries if entry.kind == "Service" and "*" not in entry.value]
    names += [
        value
        for condition in conditions
        if condition.key.casefold() in _OF_SERVICES
        for value in condition.values
        if "*" not in value
    ]
    for name in (*dict.fromkeys(names), f"{OTHER}.amazonaws.com"):
        fixed = {
            **_without((*_OF_PRINCIPALS, *_OF_NETWORKS)),
            "aws:principalisawsservice": ("true",),
            "aws:principalservicename": (name,),
            "aws:principalservicenameslist": (name,),
            # Services call one another with TLS.
            "aws:securetransport": ("true",),
        }
        is_named = OTHER not in name
        yield Caller(
            CallerKind.SERVICE,
            Principal(PrincipalKind.SERVICE, name),
            name if is_named else "any other AWS service",
            fixed,
            is_named,
        )


def _others(entries: Sequence[PrincipalPattern]) -> Iterator[Caller]:
    kinds = {"Federated": PrincipalKind.FEDERATED, "CanonicalUser": PrincipalKind.CANONICAL_USER}
    for entry in dict.fromkeys(entries):
        if entry.kind in kinds:
            words = "users of " if entry.kind == "Federated" else "the canonical user "
            fixed = {**_without((*_OF_SERVICES, *_OF_SOURCES)), "aws:principalisawsservice": ("false",)}
            if entry.kind == "Federated":
                fixed["aws:federatedprovider"] = (entry.value,)
            yield Caller(CallerKind.FEDERATED, Principal(kinds[entry.kind], entry.value), words + entry.value, fixed)


def _without(keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(keys, ())
