"""What an identity can become by one call that gives it a right it does not have.

The calls are those that public work on privilege escalation in IAM lists, as far as one of them is enough:
https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/ and
https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html. Ways of more calls, and code that already runs
with a role, are not followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from verify.fact import Value
from verify.policy.ternary import all_of, any_of
from verify.posture.who.decide import DENIED, EVERYTHING, Permission, abilities, named_resources, permission
from verify.posture.who.model import Ability, Group, Identity, Kind, Policy, Recorder, Step
from verify.posture.who.powers import ACTIONS as POWER_ACTIONS
from verify.posture.who.powers import POWERS

# What a role can be passed to, and the call that runs something of the caller's with it.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
_RUNS_AS = {
    "lambda.amazonaws.com": ("lambda:CreateFunction",),
    "ec2.amazonaws.com": ("ec2:RunInstances",),
    "cloudformation.amazonaws.com": ("cloudformation:CreateStack", "cloudformation:UpdateStack"),
    "codebuild.amazonaws.com": ("codebuild:CreateProject",),
    "datapipeline.amazonaws.com": ("datapipeline:CreatePipeline",),
    "ecs-tasks.amazonaws.com": ("ecs:RunTask", "ecs:RegisterTaskDefinition"),
    "glue.amazonaws.com": ("glue:CreateJob", "glue:CreateDevEndpoint"),
    "sagemaker.amazonaws.com": ("sagemaker:CreateNotebookInstance", "sagemaker:CreateTrainingJob"),
    "scheduler.amazonaws.com": ("scheduler:CreateSchedule",),
    "ssm.amazonaws.com": ("ssm:StartAutomationExecution",),
    "states.amazonaws.com": ("states:CreateStateMachine",),
    "events.amazonaws.com": ("events:PutTargets",),
}
_ASSUME = "sts:AssumeRole"
_CHANGE_TRUST = "iam:UpdateAssumeRolePolicy"
_OWN_STEPS = (
    "iam:AttachUserPolicy",
    "iam:PutUserPolicy",
    "iam:AttachRolePolicy",
    "iam:PutRolePolicy",
    "iam:AttachGroupPolicy",
    "iam:PutGroupPolicy",
    "iam:AddUserToGroup",
    "iam:CreatePolicyVersion",
    "iam:SetDefaultPolicyVersion",
    "iam:DetachUserPolicy",
    "iam:DeleteUserPolicy",
    "iam:DetachRolePolicy",
    "iam:DeleteRolePolicy",
    "iam:DetachGroupPolicy",
    "iam:DeleteGroupPolicy",
    "iam:RemoveUserFromGroup",
    "iam:DeleteUserPermissionsBoundary",
    "iam:PutUserPermissionsBoundary",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutRolePermissionsBoundary",
)
_BECOMES_ROLE = (_ASSUME, _CHANGE_TRUST, "iam:PassRole")
_BECOMES_USER = ("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile")
# Every action that can matter to the question; statements that include none of them are not kept.
ACTIONS = (
    POWER_ACTIONS
    | {*_OWN_STEPS, *_BECOMES_ROLE, *_BECOMES_USER}
    | {action for calls in _RUNS_AS.values() for action in calls}
)
_ALL = Policy("a policy of its own", ((EVERYTHING, ACTIONS),))


@dataclass(frozen=True, slots=True)
class Account:
    """What the steps of an identity lead to.

    :param able: each user and role that has abilities of its own, with them; service-linked roles are left out.
    :param roles: every role that somebody can assume.
    """

    recorder: Recorder
    able: Sequence[tuple[Identity, tuple[Ability, ...]]]
    groups: dict[str, Group]
    roles: Sequence[Identity]


def steps(identity: Identity, own: tuple[Ability, ...], account: Account) -> tuple[Step, ...]:
    """The single calls that give the identity powers which it does not have for certain.

    :param own: its abilities.
    """
    has = {ability.power for ability in own if not ability.depends_on}
    if has.issuperset(powers_over(account.recorder)):
        return ()
    found = (*_on_itself(identity, account, has), *_by_others(identity, account, has))
    return tuple({(step.action, step.resource): step for step in found}.values())


def powers_over(recorder: Recorder) -> tuple[str, ...]:
    """The powers that anybody can have: those over something that the recorder has."""
    return tuple(power.id for power in POWERS if any(recorder.resources.get(part) for _, part in power.calls))


def _step(action: str, resource: str, way: Permission, gained: Iterable[Ability], has: set[str]) -> Iterator[Step]:
    """The step, if it is possible and adds a power.

    :param gained: what the identity is able to do afterwards.
    """
    after: dict[str, set[str]] = {}
    for ability in gained:
        if ability.power not in has:
            best = after.setdefault(ability.power, set(ability.depends_on))
            if len(ability.depends_on) < len(best):
                after[ability.power] = set(ability.depends_on)
    if way.allowed.is_true is False or not after:
        return
    least = min(after.values(), key=len)
    yield Step(
        action=action,
        resource=resource,
        gains=tuple(power.id for power in POWERS if power.id in after),
        by=way.by,
        depends_on=tuple(sorted({*way.depends_on, *least})),
    )


def _on_itself(identity: Identity, account: Account, has: set[str]) -> Iterator[Step]:
    """What the identity can do to its own policies."""
    changes = (*_direct_changes(identity), *_managed_changes(identity, account), *_group_changes(identity, account))
    for change in changes:
        way = _mentioned(identity, account.recorder, change.action, change.resource)
        if way.allowed.is_true is not False:
            for found in _step(change.action, change.resource, way, abilities(change.after, account.recorder), has):
                yield replace(found, depends_on=(*found.depends_on, *change.depends_on))


@dataclass(frozen=True, slots=True)
class _Change:
    """A call that changes the identity's own policies, and what it is afterwards."""

    action: str
    resource: str
    after: Identity
    depends_on: tuple[str, ...] = ()


def _with_all(identity: Identity) -> Identity:
    return replace(identity, policies=(*identity.policies, _ALL))


def _without_denies(identity: Identity) -> Identity:
    allows = (
        replace(policy, statements=tuple(entry for entry in policy.statements if entry[0].is_allow))
        for policy in identity.policies
    )
    return replace(identity, policies=tuple(allows))


def _direct_changes(identity: Identity) -> Iterator[_Change]:
    """Calls on the user or role itself."""
    what = "User" if identity.kind is Kind.USER else "Role"
    for verb in ("Attach", "Put"):
        yield _Change(f"iam:{verb}{what}Policy", identity.arn, _with_all(identity))
    for verb in ("Detach", "Delete") if _has_denies(identity.policies) else ():
        yield _Change(f"iam:{verb}{what}Policy", identity.arn, _without_denies(identity))
    for verb in ("Delete", "Put") if identity.boundary else ():
        yield _Change(f"iam:{verb}{what}PermissionsBoundary", identity.arn, replace(identity, boundary=None))


def _managed_changes(identity: Identity, account: Account) -> Iterator[_Change]:
    """Calls on managed policies of the account that the identity has."""
    boundary = identity.boundary
    if boundary and _is_own_managed(boundary, account.recorder):
        yield _Change("iam:CreatePolicyVersion", boundary.arn or "", replace(identity, boundary=None))
    for policy in identity.policies:
        if _is_own_managed(policy, account.recorder):
            older = (f"an older version of {policy.name} that allows it",)
            yield _Change("iam:CreatePolicyVersion", policy.arn or "", _with_all(identity))
            yield _Change("iam:SetDefaultPolicyVersion", policy.arn or "", _with_all(identity), older)


def _group_changes(identity: Identity, account: Account) -> Iterator[_Change]:
    """Calls on the groups of a user, and on those that it could join."""
    if identity.kind is not Kind.USER:
        return
    for group in account.groups.values():
        if group.name not in identity.groups:
            joined = replace(identity, policies=(*identity.policies, *group.policies))
            yield _Change("iam:AddUserToGroup", group.arn, joined)
            continue
        for verb in ("Attach", "Put"):
            yield _Change(f"iam:{verb}GroupPolicy", group.arn, _with_all(identity))
        if _has_denies(group.policies):
            for action in ("iam:DetachGroupPolicy", "iam:DeleteGroupPolicy", "iam:RemoveUserFromGroup"):
                yield _Change(action, group.arn, _without_denies(identity))


def _by_others(identity: Identity, account: Account, has: set[str]) -> Iterator[Step]:
    """Whom the identity can become."""
    recorder = account.recorder
    on_users = [action for action in _BECOMES_USER if _mentions(identity, action)]
    on_roles = [action for action in _BECOMES_ROLE if _mentions(identity, action)]
    for other, can in account.able:
        if other.arn == identity.arn:
            continue
        if other.kind is Kind.USER:
            for action in on_users:
                yield from _step(action, other.arn, permission(identity, recorder, action, other.arn), can, has)
            continue
        if _ASSUME in on_roles or _may_name(other, identity):
            yield from _step(_ASSUME, other.arn, assumes(identity, other, recorder), can, has)
        if _CHANGE_TRUST in on_roles:
            way = permission(identity, recorder, _CHANGE_TRUST, other.arn)
            yield from _step(_CHANGE_TRUST, other.arn, way, can, has)
        if "iam:PassRole" in on_roles:
            yield from _passed_on(identity, other, can, recorder, has)
    yield from _raised(identity, account, has)


def _may_name(role: Identity, identity: Identity) -> bool:
    """Whether the role's trust policy can be for the identity itself, and not only for its account."""
    return any(
        statement.principals.excludes or pattern.value in ("*", identity.arn) or ":assumed-role/" in pattern.value
        for statement in role.trust or ()
        if statement.is_allow
        for pattern in statement.principals.patterns
    )


def _raised(identity: Identity, account: Account, has: set[str]) -> Iterator[Step]:
    """Roles that the identity can assume, and give any right before it does."""
    for action in ("iam:AttachRolePolicy", "iam:PutRolePolicy"):
        if not _mentions(identity, action):
            continue
        for role in account.roles:
            way = permission(identity, account.recorder, action, role.arn)
            if way.allowed.is_true is False or role.arn == identity.arn:
                continue
            becomes = assumes(identity, role, account.recorder)
            both = Permission(all_of((way.allowed, becomes.allowed)), (*way.by, *becomes.by))
            can = abilities(_with_all(role), account.recorder)
            yield from _step(f"{action} + {_ASSUME}", role.arn, both, can, has)


def assumes(identity: Identity, role: Identity, recorder: Recorder) -> Permission:
    """Whether the identity may assume the role: its trust policy decides, and where that names the account, both do."""
    if role.trust is None or role.is_service_linked:
        return DENIED
    return permission(identity, recorder, _ASSUME, role.arn, resource_policy=Value(role.trust))


def _passed_on(
    identity: Identity, role: Identity, can: tuple[Ability, ...], recorder: Recorder, has: set[str]
) -> Iterator[Step]:
    """Code of the identity's own that runs with the role."""
    passes = permission(identity, recorder, "iam:PassRole", role.arn)
    if passes.allowed.is_true is False:
        return
    for service, actions in _RUNS_AS.items():
        if not _trusts_service(role, service):
            continue
        for action in actions:
            starts = _on_any_resource(identity, recorder, action)
            both = Permission(all_of((passes.allowed, starts.allowed)), (*passes.by, *starts.by))
            yield from _step(f"iam:PassRole + {action}", role.arn, both, can, has)


def _on_any_resource(identity: Identity, recorder: Recorder, action: str) -> Permission:
    if not _mentions(identity, action):
        return DENIED
    found = [
        permission(identity, recorder, action, place) for place in dict.fromkeys(named_resources(identity, action))
    ]
    return Permission(any_of(entry.allowed for entry in found), tuple({by: None for entry in found for by in entry.by}))


def _trusts_service(role: Identity, service: str) -> bool:
    return any(
        pattern.kind == "Service" and pattern.value == service
        for statement in role.trust or ()
        if statement.is_allow
        for pattern in statement.principals.patterns
    )


def _mentioned(identity: Identity, recorder: Recorder, action: str, resource: str) -> Permission:
    return permission(identity, recorder, action, resource) if _mentions(identity, action) else DENIED


def _mentions(identity: Identity, action: str) -> bool:
    """Whether a policy of the identity has anything about an action; saves most of the work for most identities."""
    return any(action in actions for policy in identity.policies for _, actions in policy.statements) or any(
        policy.problem for policy in identity.policies
    )


def _has_denies(policies: Iterable[Policy]) -> bool:
    return any(not statement.is_allow for policy in policies for statement, _ in policy.statements)


def _is_own_managed(policy: Policy, recorder: Recorder) -> bool:
    """A managed policy of the account; nobody changes AWS's own."""
    return policy.arn is not None and f":iam::{recorder.account}:" in policy.arn
