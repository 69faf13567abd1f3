"""What an identity can become by one call that gives it a right it does not have.

The calls are those that public work on privilege escalation in IAM lists, as far as one of them is enough:
https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/ and
https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html. Ways of more calls are not followed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from verify.fact import Value
from verify.policy.evaluation import Principal, PrincipalKind, Request
from verify.policy.evaluation import decide as evaluate
from verify.policy.ternary import YES, Ternary, all_of, any_of, undecided
from verify.posture.who.decide import DENIED, EVERYTHING, Permission, abilities, named_resources, permission
from verify.posture.who.model import Ability, Group, Identity, Kind, Policy, Recorder, Step
from verify.posture.who.powers import ACTIONS as POWER_ACTIONS
from verify.posture.who.powers import POWERS

# What a role can be passed to, and the call that runs something of the caller's with it.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
_RUNS_AS = {
    "airflow": ("airflow:CreateEnvironment",),
    "appsync": ("appsync:CreateDataSource",),
    "bedrock-agentcore": ("bedrock-agentcore:CreateAgentRuntime", "bedrock-agentcore:CreateCodeInterpreter"),
    "cloudformation": (
        "cloudformation:CreateStack",
        "cloudformation:UpdateStack",
        "cloudformation:CreateChangeSet",
        "cloudformation:CreateStackSet",
    ),
    "codebuild": (
        "codebuild:CreateProject",
        "codebuild:UpdateProject",
        # With another role than the project's.
        "codebuild:StartBuild",
        "codebuild:StartBuildBatch",
    ),
    "codepipeline": ("codepipeline:CreatePipeline", "codepipeline:UpdatePipeline"),
    "datapipeline": ("datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"),
    "ec2": (
        "ec2:RunInstances",
        "ec2:AssociateIamInstanceProfile",
        "ec2:ReplaceIamInstanceProfileAssociation",
        "ec2:RequestSpotInstances",
        "ec2:RequestSpotFleet",
        "autoscaling:CreateLaunchConfiguration",
        "autoscaling:CreateAutoScalingGroup",
        "elasticmapreduce:RunJobFlow",
        "imagebuilder:CreateInfrastructureConfiguration",
    ),
    "ecs-tasks": (
        "ecs:RunTask",
        "ecs:RegisterTaskDefinition",
        "ecs:StartTask",
        "ecs:CreateService",
        "ecs:UpdateService",
        "batch:RegisterJobDefinition",
    ),
    "emr-serverless": ("emr-serverless:StartJobRun",),
    "events": ("events:PutTargets",),
    "glue": (
        "glue:CreateJob",
        "glue:UpdateJob",
        "glue:CreateSession",
        "glue:CreateDevEndpoint",
        "glue:CreateMLTransform",
    ),
    "lambda": ("lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"),
    "pipes": ("pipes:CreatePipe", "pipes:UpdatePipe"),
    "pods.eks": ("eks:CreatePodIdentityAssociation", "eks:UpdatePodIdentityAssociation"),
    "sagemaker": (
        "sagemaker:CreateNotebookInstance",
        "sagemaker:UpdateNotebookInstance",
        "sagemaker:CreateProcessingJob",
        "sagemaker:CreateTrainingJob",
        "sagemaker:CreateHyperParameterTuningJob",
        "sagemaker:CreateModel",
        "sagemaker:CreateDomain",
        "sagemaker:CreateUserProfile",
    ),
    "scheduler": ("scheduler:CreateSchedule", "scheduler:UpdateSchedule"),
    "ssm": (
        "ssm:StartAutomationExecution",
        "ssm:CreateAssociation",
        "ssm:UpdateAssociation",
        "ssm:RegisterTaskWithMaintenanceWindow",
        "ssm:UpdateMaintenanceWindowTask",
    ),
    "states": ("states:CreateStateMachine", "states:UpdateStateMachine"),
    "tasks.apprunner": ("apprunner:CreateService", "apprunner:UpdateService"),
    "transfer": ("transfer:CreateUser", "transfer:UpdateUser"),
}
# Those of them that give a role to what somebody made before. Whether anybody did is not read.
_ON_OTHERS = re.compile(r"[a-z0-9-]+:(Associate|Put|Replace|StartBuild|Update)")
# What runs with a role for good, and the calls by which somebody has it do something else, without passing the role on.
# Whether anything does run with a role is not read.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
_RUNS_ALREADY = {
    "bedrock-agentcore": (
        "a code interpreter",
        ("bedrock-agentcore:InvokeCodeInterpreter", "bedrock-agentcore:StartCodeInterpreterSession"),
    ),
    "cloudformation": (
        "a stack",
        (
            "cloudformation:DeleteStack",
            "cloudformation:UpdateStack",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:RollbackStack",
            "cloudformation:ContinueUpdateRollback",
        ),
    ),
    "codebuild": ("a project", ("codebuild:StartBuild", "codebuild:StartBuildBatch", "codebuild:UpdateProject")),
    "ec2": (
        "an instance",
        (
            "ssm:SendCommand",
            "ssm:StartSession",
            "ssm:CreateAssociation",
            "ssm:UpdateAssociation",
            "ec2-instance-connect:SendSSHPublicKey",
            "ec2-instance-connect:SendSerialConsoleSSHPublicKey",
            "ec2:ModifyInstanceAttribute",
        ),
    ),
    "ecs-tasks": ("a task", ("ecs:ExecuteCommand",)),
    "glue": ("a job or an endpoint", ("glue:UpdateJob", "glue:UpdateDevEndpoint")),
    "tasks.apprunner": ("a service", ("apprunner:UpdateService",)),
    "lambda": ("a function", ("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration")),
    "sagemaker": (
        "a notebook",
        (
            "sagemaker:CreatePresignedDomainUrl",
            "sagemaker:CreatePresignedNotebookInstanceUrl",
            "sagemaker:CreateNotebookInstanceLifecycleConfig",
            "sagemaker:UpdateNotebookInstanceLifecycleConfig",
        ),
    ),
    "states": ("a state machine", ("states:UpdateStateMachine",)),
}
# states.us-east-1.amazonaws.com is states.amazonaws.com, as is states.amazonaws.com.cn.
_SERVICE = re.compile(r"(?P<name>.+?)(\.[a-z]{2,}(-[a-z]+)+-\d+)?\.amazonaws\.com(\.cn)?")
_ASSUME = "sts:AssumeRole"
_CHANGE_TRUST = "iam:UpdateAssumeRolePolicy"
_ON_TAGS = ("iam:TagUser", "iam:UntagUser", "iam:TagRole", "iam:UntagRole")
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
    *_ON_TAGS,
)
_CHANGE_PROVIDER = "iam:UpdateSAMLProvider"
_GIVES_ROLE = "iam:PassRole"
_BECOMES_ROLE = (_ASSUME, _CHANGE_TRUST, _CHANGE_PROVIDER, _GIVES_ROLE)
_BECOMES_USER = ("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile")
# Every action that can matter to the question; statements that include none of them are not kept.
ACTIONS = (
    POWER_ACTIONS
    | {*_OWN_STEPS, *_BECOMES_ROLE, *_BECOMES_USER}
    | {action for calls in _RUNS_AS.values() for action in calls}
    | {action for _, calls in _RUNS_ALREADY.values() for action in calls}
)
_ALL = Policy("a policy of its own", ((EVERYTHING, ACTIONS),))
_ANYBODY = "*"
# So many steps that are alike tell what an identity can; after so many that depend on something, one that does not is
# looked for no longer.
_MOST_ALIKE, _MOST_TRIED = 20, 40


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
    _raised: dict[str, tuple[Ability, ...]] = field(default_factory=dict)
    _trusting: dict[str, list[Identity]] = field(default_factory=dict)

    def trusting(self, identity: Identity) -> Iterator[Identity]:
        """The roles whose trust policies can be for the identity itself, and not only for its account."""
        if not self._trusting:
            self._trusting[_ANYBODY] = []
            for role in self.roles:
                for name in _trusted_by(role):
                    self._trusting.setdefault(name, []).append(role)
        yield from self._trusting.get(identity.arn, ())
        yield from self._trusting[_ANYBODY]

    def raised(self, role: Identity) -> tuple[Ability, ...]:
        """What a role can once it has every right: the same for whoever gives it."""
        if role.arn not in self._raised:
            self._raised[role.arn] = abilities(_with_all(role), self.recorder)
        return self._raised[role.arn]

    def gained_by(self, *, others: bool, has: set[str]) -> tuple[str, ...]:
        """The most that anybody can gain by becoming another identity, or by one that gets every right before."""
        most = {can.power for _, abilities in self.able for can in abilities} if others else powers_over(self.recorder)
        return tuple(power.id for power in POWERS if power.id in most and power.id not in has)


@dataclass(frozen=True, slots=True)
class Found:
    """The steps of an identity.

    :param is_cut: only some of those that are alike are among them.
    """

    steps: tuple[Step, ...] = ()
    is_cut: bool = False


class _Kept:
    """The steps that are kept of an identity: of those that are alike, one call with the same gain, a few.

    Whoever may assume a thousand roles is not better known by a thousand lines, which in an account of thousands of
    identities would be millions.
    """

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str], Step] = {}  # by call
        self._alike: Counter[tuple[str, tuple[str, ...], bool]] = Counter()
        self.is_cut = False

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps.values())

    def add(self, step: Step) -> None:
        """Keep a step; of one call the way that depends on least."""
        call = step.action, step.resource
        other = self._steps.get(call)
        if other is not None:
            if (len(step.depends_on), -len(step.gains)) < (len(other.depends_on), -len(other.gains)):
                self._steps[call] = step
            return
        alike = step.action, step.gains, not step.depends_on
        self._alike[alike] += 1
        if self._alike[alike] > _MOST_ALIKE:
            self.is_cut = True
        else:
            self._steps[call] = step

    def has_enough(self, action: str, gains: tuple[str, ...]) -> bool:
        """Whether further ways of an action, which cannot gain more than that, need not be looked for."""
        enough = self._alike[action, gains, True] >= _MOST_ALIKE or self._alike[action, gains, False] >= _MOST_TRIED
        self.is_cut = self.is_cut or enough
        return enough


def steps(identity: Identity, own: tuple[Ability, ...], account: Account) -> Found:
    """The single calls that give the identity powers which it does not have for certain.

    :param own: its abilities.
    """
    has = {ability.power for ability in own if not ability.depends_on}
    if has.issuperset(powers_over(account.recorder)):
        return Found()
    kept = _Kept()
    for step in chain(_on_itself(identity, account, has), _by_others(identity, account, has, kept)):
        kept.add(step)
    return Found(kept.steps, kept.is_cut)


def powers_over(recorder: Recorder) -> tuple[str, ...]:
    """The powers that anybody can have: those over something that the recorder has."""
    return tuple(power.id for power in POWERS if any(recorder.resources.get(part) for _, part in power.calls))


def step_to(action: str, resource: str, way: Permission, gained: Iterable[Ability], has: set[str]) -> Iterator[Step]:
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
    if not any(_mentions(identity, action) for action in _OWN_STEPS):
        return
    changes = (
        *_direct_changes(identity, account),
        *_tag_changes(identity),
        *_managed_changes(identity, account),
        *_group_changes(identity, account),
    )
    for change in changes:
        way = _mentioned(identity, account.recorder, change.action, change.resource)
        if way.allowed.is_true is not False:
            gained = abilities(change.after, account.recorder)
            if change.action in _ON_TAGS:
                # Only what the tags open: all else that it may, it may without them.
                before = {(ability.action, ability.resource) for ability in abilities(identity, account.recorder)}
                gained = tuple(ability for ability in gained if (ability.action, ability.resource) not in before)
            for found in step_to(change.action, change.resource, way, gained, has):
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


def _instead_of(identity: Identity, written: Iterable[Policy]) -> Identity:
    """The identity after policies were overwritten with one that allows everything; it may be the boundary too."""
    gone = {id(policy) for policy in written}
    return replace(
        identity,
        policies=(*(policy for policy in identity.policies if id(policy) not in gone), _ALL),
        boundary=None if id(identity.boundary) in gone else identity.boundary,
    )


def _without(identity: Identity, policies: Sequence[Policy]) -> Identity:
    """The identity without policies; one that it has twice, itself and from a group, it keeps once."""
    left = list(identity.policies)
    for policy in policies:
        if policy in left:
            left.remove(policy)
    return replace(identity, policies=tuple(left))


def _denying(policies: Sequence[Policy]) -> Iterator[Sequence[Policy]]:
    """Each policy that denies something, and all of them."""
    found = [policy for policy in policies if _has_denies(policy)]
    yield from ((policy,) for policy in found)
    if len(found) > 1:
        yield found


def _changes_of(what: str, resource: str, identity: Identity, policies: Sequence[Policy]) -> Iterator[_Change]:
    """Calls on a user, role or group by which the policies that the identity has from it become others.

    :param what: ``User``, ``Role`` or ``Group``.
    """
    inline = [policy for policy in policies if policy.arn is None]
    attached = [policy for policy in policies if policy.arn is not None]
    yield _Change(f"iam:Attach{what}Policy", resource, _with_all(identity))
    # A policy that is put replaces the one of the same name.
    yield _Change(f"iam:Put{what}Policy", resource, _instead_of(identity, filter(_has_denies, inline)))
    for verb, removable in (("Delete", inline), ("Detach", attached)):
        for removed in _denying(removable):
            yield _Change(f"iam:{verb}{what}Policy", resource, _without(identity, removed))


def _direct_changes(identity: Identity, account: Account) -> Iterator[_Change]:
    """Calls on the user or role itself."""
    what = "User" if identity.kind is Kind.USER else "Role"
    of_groups = [
        policy for name in identity.groups if name in account.groups for policy in account.groups[name].policies
    ]
    yield from _changes_of(what, identity.arn, identity, _without(identity, _had(identity, of_groups)).policies)
    for verb in ("Delete", "Put") if identity.boundary else ():
        yield _Change(f"iam:{verb}{what}PermissionsBoundary", identity.arn, replace(identity, boundary=None))


def _tag_changes(identity: Identity) -> Iterator[_Change]:
    """Calls that give the user or role the tags that it likes, or take off all that it has."""
    what = "User" if identity.kind is Kind.USER else "Role"
    yield _Change(f"iam:Tag{what}", identity.arn, replace(identity, chooses_tags=True))
    if identity.tags:
        yield _Change(f"iam:Untag{what}", identity.arn, replace(identity, tags={}))


def _had(identity: Identity, policies: Iterable[Policy]) -> Sequence[Policy]:
    """Those policies that the identity has."""
    return [policy for policy in policies if policy in identity.policies]


def _managed_changes(identity: Identity, account: Account) -> Iterator[_Change]:
    """Calls on managed policies of the account that the identity has, as its boundary or otherwise."""
    for policy in (*identity.policies, *((identity.boundary,) if identity.boundary else ())):
        if _is_own_managed(policy, account.recorder):
            older = (f"an older version of {policy.name} that allows it",)
            is_boundary = policy is identity.boundary
            after = replace(identity, boundary=None) if is_boundary else _instead_of(identity, [policy])
            yield _Change("iam:CreatePolicyVersion", policy.arn or "", after)
            yield _Change("iam:SetDefaultPolicyVersion", policy.arn or "", after, older)


def _group_changes(identity: Identity, account: Account) -> Iterator[_Change]:
    """Calls on the groups of a user, and on those that it could join."""
    if identity.kind is not Kind.USER:
        return
    for group in account.groups.values():
        if group.name not in identity.groups:
            joined = replace(identity, policies=(*identity.policies, *group.policies))
            yield _Change("iam:AddUserToGroup", group.arn, joined)
            continue
        policies = _had(identity, group.policies)
        yield from _changes_of("Group", group.arn, identity, policies)
        if any(map(_has_denies, policies)):
            yield _Change("iam:RemoveUserFromGroup", group.arn, _without(identity, policies))


def _by_others(identity: Identity, account: Account, has: set[str], kept: _Kept) -> Iterator[Step]:
    """Whom the identity can become."""
    recorder = account.recorder
    on_users = [action for action in _BECOMES_USER if _mentions(identity, action)]
    on_roles = [action for action in _BECOMES_ROLE if _mentions(identity, action)]
    most = account.gained_by(others=True, has=has)
    trusting = {role.arn for role in account.trusting(identity)}
    tells_what_runs = any(_mentions(identity, action) for _, calls in _RUNS_ALREADY.values() for action in calls)
    for other, can in account.able:
        if other.arn == identity.arn:
            continue
        if other.kind is Kind.USER:
            for action in (each for each in on_users if not kept.has_enough(each, most)):
                yield from step_to(action, other.arn, permission(identity, recorder, action, other.arn), can, has)
            continue
        may_assume = _ASSUME in on_roles or other.arn in trusting
        if may_assume and not kept.has_enough(_ASSUME, most):
            yield from step_to(_ASSUME, other.arn, assumes(identity, other, recorder), can, has)
        if _CHANGE_TRUST in on_roles and not kept.has_enough(_CHANGE_TRUST, most):
            way = permission(identity, recorder, _CHANGE_TRUST, other.arn)
            yield from step_to(_CHANGE_TRUST, other.arn, way, can, has)
        for provider in _saml_providers(other) if _CHANGE_PROVIDER in on_roles else ():
            way = permission(identity, recorder, _CHANGE_PROVIDER, provider)
            yield from step_to(_CHANGE_PROVIDER, provider, way, can, has)
        if _GIVES_ROLE in on_roles:
            yield from _passed_on(identity, other, can, recorder, has)
        if tells_what_runs:
            yield from _told_otherwise(identity, other, can, recorder, has)
    yield from _raised(identity, account, has, kept)


def _trusted_by(role: Identity) -> set[str]:
    """Whom a role's trust policy names: ARNs, and :data:`_ANYBODY` for what more than one of them can be."""
    allowing = [statement.principals for statement in role.trust or () if statement.is_allow]
    names = {pattern.value for principals in allowing for pattern in principals.patterns}
    wide = any(principals.excludes for principals in allowing) or any(":assumed-role/" in name for name in names)
    return names | {_ANYBODY} if wide else names


def _raised(identity: Identity, account: Account, has: set[str], kept: _Kept) -> Iterator[Step]:
    """Roles that the identity can assume, and give any right before it does."""
    most = account.gained_by(others=False, has=has)
    for action in ("iam:AttachRolePolicy", "iam:PutRolePolicy"):
        if not _mentions(identity, action):
            continue
        # Without a right of its own to assume roles only those are left that trust it by name.
        for role in account.roles if _mentions(identity, _ASSUME) else account.trusting(identity):
            if kept.has_enough(f"{action} + {_ASSUME}", most):
                break
            way = permission(identity, account.recorder, action, role.arn)
            if way.allowed.is_true is False or role.arn == identity.arn:
                continue
            becomes = assumes(identity, role, account.recorder)
            both = Permission(all_of((way.allowed, becomes.allowed)), (*way.by, *becomes.by))
            yield from step_to(f"{action} + {_ASSUME}", role.arn, both, account.raised(role), has)


def assumes(identity: Identity, role: Identity, recorder: Recorder) -> Permission:
    """Whether the identity may assume the role: its trust policy decides, and where that names the account, both do."""
    if role.trust is None or role.is_service_linked:
        return DENIED
    return permission(identity, recorder, _ASSUME, role.arn, resource_policy=Value(role.trust))


def _passed_on(
    identity: Identity, role: Identity, can: tuple[Ability, ...], recorder: Recorder, has: set[str]
) -> Iterator[Step]:
    """Code of the identity's own that runs with the role."""
    for service in _services(role):
        passes = permission(identity, recorder, _GIVES_ROLE, role.arn, more={"iam:passedtoservice": (service,)})
        takes = _takes(role, service, recorder)
        to_service = Permission(all_of((passes.allowed, takes)), passes.by)
        if to_service.allowed.is_true is False:
            continue
        found = _SERVICE.fullmatch(service)
        actions = _RUNS_AS.get(found["name"]) if found else None
        if actions is None:
            what = f"what {service} does with a role for whoever passes it one"
            unknown = Permission(all_of((to_service.allowed, undecided("service", what))), passes.by)
            yield from step_to(_GIVES_ROLE, role.arn, unknown, can, has)
        for action in actions or ():
            starts = _on_any_resource(identity, recorder, action)
            is_there = undecided("service", "whether there is one already") if _ON_OTHERS.match(action) else YES
            both = Permission(all_of((to_service.allowed, starts.allowed, is_there)), (*passes.by, *starts.by))
            yield from step_to(f"{_GIVES_ROLE} + {action}", role.arn, both, can, has)


def _told_otherwise(
    identity: Identity, role: Identity, can: tuple[Ability, ...], recorder: Recorder, has: set[str]
) -> Iterator[Step]:
    """What may run with the role already, and does what the identity says."""
    for service in _services(role):
        found = _SERVICE.fullmatch(service)
        what, actions = _RUNS_ALREADY.get(found["name"] if found else "", ("", ()))
        for action in actions:
            tells, takes = _on_any_resource(identity, recorder, action), _takes(role, service, recorder)
            runs = undecided("service", f"whether {what} runs with the role")
            way = Permission(all_of((tells.allowed, takes, runs)), tells.by)
            yield from step_to(action, role.arn, way, can, has)


def _on_any_resource(identity: Identity, recorder: Recorder, action: str) -> Permission:
    if not _mentions(identity, action):
        return DENIED
    found = [
        permission(identity, recorder, action, place) for place in dict.fromkeys(named_resources(identity, action))
    ]
    return Permission(any_of(entry.allowed for entry in found), tuple({by: None for entry in found for by in entry.by}))


def _services(role: Identity) -> tuple[str, ...]:
    """The AWS services that the role's trust policy names."""
    return tuple(
        dict.fromkeys(
            pattern.value
            for statement in role.trust or ()
            if statement.is_allow
            for pattern in statement.principals.patterns
            if pattern.kind == "Service"
        )
    )


def _takes(role: Identity, service: str, recorder: Recorder) -> Ternary:
    """Whether the role's trust policy lets the service assume it."""
    context = {"aws:sourceaccount": (recorder.account,), "aws:principalisawsservice": ("true",)}
    request = Request(Principal(PrincipalKind.SERVICE, service), _ASSUME, role.arn, context)
    return evaluate(role.trust or (), request).is_allowed


def _saml_providers(role: Identity) -> tuple[str, ...]:
    """The SAML providers whose users the role's trust policy lets in: who gives one new keys can sign for anybody."""
    return tuple(
        pattern.value
        for statement in role.trust or ()
        if statement.is_allow
        for pattern in statement.principals.patterns
        if pattern.kind == "Federated" and ":saml-provider/" in pattern.value
    )


def _mentioned(identity: Identity, recorder: Recorder, action: str, resource: str) -> Permission:
    return permission(identity, recorder, action, resource) if _mentions(identity, action) else DENIED


def _mentions(identity: Identity, action: str) -> bool:
    """Whether a policy of the identity has anything about an action; saves most of the work for most identities."""
    return any(action in actions for policy in identity.policies for _, actions in policy.statements) or any(
        policy.problem for policy in identity.policies
    )


def _has_denies(policy: Policy) -> bool:
    return any(not statement.is_allow for statement, _ in policy.statements)


def _is_own_managed(policy: Policy, recorder: Recorder) -> bool:
    """A managed policy of the account; nobody changes AWS's own."""
    return policy.arn is not None and f":iam::{recorder.account}:" in policy.arn
