"""Whether an identity may make a call: identity policies, boundary, resource policy and service control policies.

The order is AWS's, for one account: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
The question is whether there is any request of the identity that AWS allows. What the identity chooses, such as TLS, is
taken as it suits it; what is not known, such as its address, stays undecided and is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from sys import intern
from typing import Any

from verify.fact import Fact, Missing, Value
from verify.policy.common_text import common_text
from verify.policy.document import MalformedPolicy, Patterns, PrincipalPattern, Principals, Statement
from verify.policy.evaluation import Principal, PrincipalKind, Request, applies
from verify.policy.probes import probe, readable
from verify.policy.ternary import NO, YES, Ternary, all_of, any_of, negation, undecided
from verify.posture.who.model import Ability, Identity, Kind, Policy, Recorder
from verify.posture.who.powers import OWN_ACCOUNT_ONLY, POWERS, Part

_ASSUMED_ROLE = ":assumed-role/"
_TAG = "aws:principaltag/"
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
# Of these parts a call needs one: the ARNs are samples, or other ways to write the same.
_ONE_IS_ENOUGH = (Part.LOG_FILES, Part.LOG_GROUP)


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a call is allowed.

    :param by: the statements that allow it, or may, each as ``policy: statement``.
    """

    allowed: Ternary
    by: tuple[str, ...] = ()

    @property
    def depends_on(self) -> tuple[str, ...]:
        """What decides it; empty when it is decided."""
        return tuple(sorted({reason.what for reason in self.allowed.reasons}))


DENIED = Permission(NO)


def abilities(identity: Identity, recorder: Recorder) -> tuple[Ability, ...]:
    """The calls that blind the recorder and that the identity can make."""
    return tuple(
        Ability(power.id, action, resource, found.by, (*found.depends_on, *unsure_of(part, recorder)))
        for power in POWERS
        for action, part in power.calls
        for resource, found in _best(identity, recorder, action, part)
    )


def unsure_of(part: Part, recorder: Recorder) -> tuple[str, ...]:
    """What decides whether a part matters; empty when it does."""
    return (recorder.unsure[part],) if part in recorder.unsure else ()


def _best(identity: Identity, recorder: Recorder, action: str, part: Part) -> Iterator[tuple[str, Permission]]:
    """Each resource of a part on which the call is allowed; of the log files the one where it is decided best."""
    # Looked for one after the other: usually the first sample decides.
    named = _named_log_files(identity, recorder, action) if part is Part.LOG_FILES else ()
    possible = []
    for place in chain(_of(recorder, part), named):
        if place in recorder.elsewhere and action in OWN_ACCOUNT_ONLY:
            continue
        found = permission(identity, recorder, action, place)
        if found.allowed.is_true and part in _ONE_IS_ENOUGH:
            possible = [(readable(place), found)]
            break
        if found.allowed.is_true is not False:
            possible.append((readable(place), found))
    yield from possible[:1] if part in _ONE_IS_ENOUGH else possible


def _of(recorder: Recorder, part: Part) -> tuple[str, ...]:
    return recorder.resources.get(part, ())


def _named_log_files(identity: Identity, recorder: Recorder, action: str) -> Iterator[str]:
    """Log files that a statement names more narrowly than the samples, such as those of one day or another region."""
    yield from map(probe, recorder.log_file_patterns)
    for bucket in _of(recorder, Part.BUCKET):
        for pattern in _named(identity, recorder, action, recorder.resource_policies.get(bucket)):
            # A policy variable may stand for anything; applying the statement tells what is known of it.
            named = _VARIABLE.sub("*", pattern)
            yield from filter(None, (common_text(files, named) for files in recorder.log_file_patterns))


def _named(
    identity: Identity, recorder: Recorder, action: str, resource_policy: Fact[tuple[Statement, ...]] | None
) -> Iterator[str]:
    """Patterns of resources that a statement allows, or that a Deny leaves out."""
    levels = (policy for level in recorder.service_control_policies for policy in level)
    policies = (*identity.policies, *((identity.boundary,) if identity.boundary else ()), *levels)
    own = (statement for policy in policies for statement, actions in policy.statements if action in actions)
    for statement in (*own, *(resource_policy.value if isinstance(resource_policy, Value) else ())):
        if statement.resources.excludes is not statement.is_allow:
            yield from statement.resources.patterns


def named_resources(
    identity: Identity, action: str, resource_policy: Fact[tuple[Statement, ...]] | None = None
) -> Iterator[str]:
    """A resource for each pattern of a statement that allows the action: whoever makes the call picks the name."""
    own = (statement for policy in identity.policies for statement, actions in policy.statements if action in actions)
    others = resource_policy.value if isinstance(resource_policy, Value) else ()
    for statement in (*own, *others):
        if statement.is_allow:
            # What a NotResource excludes is the exception: any other name will do.
            for pattern in ("*",) if statement.resources.excludes else statement.resources.patterns:
                try:
                    yield probe(pattern)
                except MalformedPolicy:
                    continue  # No resource has so long a name.


def permission(
    identity: Identity,
    recorder: Recorder,
    action: str,
    resource: str,
    *,
    resource_policy: Fact[tuple[Statement, ...]] | None = None,
    more: Mapping[str, tuple[str, ...]] | None = None,
) -> Permission:
    """Whether AWS allows the identity one call on one resource.

    :param resource_policy: of the resource. Default: - the recorder's.
    :param more: condition keys in lower case, with their values, that are known of this call.
    """
    owner = resource.split("/", 1)[0] if resource.split(":", 3)[2:3] == ["s3"] else resource
    context = context_of(identity, recorder)
    context.update(_of_resource(owner, recorder))
    context.update(more or {})
    request = Request(Principal(PrincipalKind.AWS, identity.arn), action, resource, context)
    policy = resource_policy or recorder.resource_policies.get(owner)
    own = _Effect.of(identity.policies, request)
    boundary = _Effect.of((identity.boundary,), request) if identity.boundary else _Effect(YES, NO)
    direct, by_account, resource_deny, resource_by = _resource_effect(identity, recorder, request, policy, owner)
    limited = all_of((own.allow, boundary.allow))
    # A boundary limits what a resource policy grants a role, but not what it grants a user.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    direct = all_of((direct, boundary.allow)) if identity.kind is Kind.ROLE else direct
    if owner in recorder.elsewhere:
        allow = all_of((limited, any_of((direct, by_account))))
    elif action.startswith(("kms:", "sts:")):
        # Without its policy's consent nobody uses a key or a role.
        allow = any_of((direct, all_of((limited, by_account))))
    else:
        allow = any_of((limited, direct))
    levels = [_Effect.of(level, request) for level in recorder.service_control_policies]
    allowed = all_of(
        (
            allow,
            *(negation(effect.deny) for effect in (own, boundary, *levels)),
            negation(resource_deny),
            *(level.allow for level in levels),
        )
    )
    if allowed.is_true is False:
        return DENIED
    return Permission(allowed, tuple(dict.fromkeys((*own.by, *resource_by))))


class _Known(dict[str, tuple[str, ...]]):
    """What is known of a user's requests: tags that the user does not have are known to be absent."""

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, () if key.startswith(_TAG) else default)


def _of_resource(owner: str, recorder: Recorder) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a resource tells of every request about it: the account that has it, and the region that is asked."""
    if owner not in recorder.elsewhere:
        yield "aws:resourceaccount", (recorder.account,)
    region = owner.split(":", 4)[3:4]
    if region and region[0]:
        yield "aws:requestedregion", (region[0],)


def context_of(identity: Identity, recorder: Recorder) -> dict[str, tuple[str, ...]]:
    """What is known of every request of the identity.

    A key without an entry is not known. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    is_user = identity.kind is Kind.USER
    context: dict[str, tuple[str, ...]] = {
        "aws:principalarn": (identity.arn,),
        "aws:principalaccount": (recorder.account,),
        "aws:principaltype": ({Kind.ROOT: "Account", Kind.USER: "User", Kind.ROLE: "AssumedRole"}[identity.kind],),
        "aws:principalisawsservice": ("false",),
        "aws:principalservicename": (),
        "aws:principalservicenameslist": (),
        "aws:username": (identity.name,) if is_user else (),
        "aws:sourcearn": (),
        "aws:sourceaccount": (),
        "aws:securetransport": ("true",),
        "kms:calleraccount": (recorder.account,),
    }
    if identity.chooses_tags:
        return context
    context |= {f"{_TAG}{name.casefold()}": (value,) for name, value in identity.tags.items()}
    # A role's session can bring tags of its own.
    return _Known(context) if is_user else context


@dataclass(frozen=True, slots=True)
class _Effect:
    """Whether a statement of some policies allows a request, and whether one denies it."""

    allow: Ternary
    deny: Ternary
    by: tuple[str, ...] = ()

    @classmethod
    def of(cls, policies: Iterable[Policy], request: Request) -> _Effect:
        allows: list[Ternary] = []
        denies: list[Ternary] = []
        by: list[str] = []
        for policy in policies:
            if policy.problem:
                about = undecided("policy", f"{policy.name}, which could not be read")
                allows.append(about)
                denies.append(about)
            for statement, actions in policy.statements:
                if request.action not in actions:
                    continue
                answer = applies(statement, request)
                if not statement.is_allow:
                    denies.append(answer)
                elif answer.is_true is not False:
                    allows.append(answer)
                    # The same for each of an identity's calls: kept once.
                    by.append(intern(f"{policy.name}: {statement.label}"))
        return cls(any_of(allows), any_of(denies), tuple(by))


def _resource_effect(
    identity: Identity, recorder: Recorder, request: Request, policy: Fact[tuple[Statement, ...]] | None, owner: str
) -> tuple[Ternary, Ternary, Ternary, tuple[str, ...]]:
    """What a resource policy says: allowed to the identity itself, allowed to its account, denied; and by what."""
    if policy is None or isinstance(policy, Missing):
        return NO, NO, NO, ()
    if not isinstance(policy, Value):
        unread = undecided("policy", f"the policy of {owner}, which could not be read")
        # To whom an unread policy grants something is not asked of each identity: the answer as a whole says so.
        return NO, unread, unread, ()
    direct: list[Ternary] = []
    by_account: list[Ternary] = []
    denies: list[Ternary] = []
    by: list[str] = []
    for statement in policy.value:
        of_identity, of_account = _for(statement, identity, recorder.account)
        for part, answers in ((of_identity, direct), (of_account, by_account)):
            if part is None:
                continue
            answer = applies(part, request)
            if not statement.is_allow:
                denies.append(answer)
            else:
                answers.append(answer)
                if answer.is_true is not False:
                    by.append(intern(f"policy of {last_part(owner)}: {statement.label}"))
    return any_of(direct), any_of(by_account), any_of(denies), tuple(by)


def last_part(arn: str) -> str:
    """A short name for people: what follows the last colon."""
    return arn.rsplit(":", 1)[-1]


def _for(statement: Statement, identity: Identity, account: str) -> tuple[Statement | None, Statement | None]:
    """The statement as far as it names the identity, and as far as it names the identity's account."""
    if statement.principals.excludes and statement.is_allow:
        return statement, None
    of_identity, of_account = [], []
    for pattern in statement.principals.patterns:
        if pattern.value == account or pattern.value.endswith(f":iam::{account}:root"):
            of_account.append(pattern)
        elif _ASSUMED_ROLE in pattern.value and identity.kind is Kind.ROLE:
            # One session of the role. A Deny for one leaves the others; an Allow for one is enough.
            named = pattern.value.split(_ASSUMED_ROLE)[1].split("/")[0]
            if statement.is_allow is not statement.principals.excludes and named == identity.name:
                of_identity.append(PrincipalPattern("AWS", identity.arn))
        else:
            of_identity.append(pattern)
    if statement.principals.excludes:
        # That a Deny leaves out the account leaves out no identity of it, except the root user.
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
        left_out = (*of_identity, *of_account) if identity.kind is Kind.ROOT else of_identity
        return replace(statement, principals=Principals(tuple(left_out), excludes=True)), None
    return _with(statement, of_identity), _with(statement, of_account)


def _with(statement: Statement, patterns: list[PrincipalPattern]) -> Statement | None:
    return replace(statement, principals=Principals(tuple(patterns), excludes=False)) if patterns else None


EVERYTHING = Statement(
    label="a new statement that allows everything",
    is_allow=True,
    principals=Principals((PrincipalPattern("AWS", "*"),), excludes=False),
    actions=Patterns(("*",), excludes=False),
    resources=Patterns(("*",), excludes=False),
    conditions=(),
)
