"""Who from outside the account can blind the recorder: let in by a policy of its parts, by a grant, or as a role.

Their own account, or the identity provider, decides who of them may; what is judged here is whether they are let in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from verify.fact import Value
from verify.policy.conditions import Context
from verify.policy.document import PrincipalPattern, Principals, Statement
from verify.policy.evaluation import Principal, PrincipalKind, Request, decide
from verify.policy.probes import ANY_OTHER, readable
from verify.posture.who.decide import Permission, last_part, unsure_of
from verify.posture.who.model import Ability, Finding, Identity, Recorder, Step
from verify.posture.who.powers import OWN_ACCOUNT_ONLY, POWERS, Part
from verify.posture.who.steps import Account, step_to

ANYONE = "anyone"
_OTHER_ACCOUNT = "another account"
_FEDERATED_USER = ":federated-user/"
_ASSUME = "sts:AssumeRole"
_WITH_A_TOKEN = ("sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
_EVERYBODY = Principals((PrincipalPattern("AWS", "*"),), excludes=False)
# What every answer of a SAML provider to AWS is made out to.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
_SAML_AUDIENCE = ("https://signin.aws.amazon.com/saml",)


def outsiders(account: Account, granted: Sequence[tuple[str, Ability]]) -> Iterator[Finding]:
    """Everybody from outside the account, with what they can do and the roles that they can assume.

    :param granted: ARN of somebody outside → an ability that a grant of the key gives.
    """
    abilities: dict[tuple[str, str], list[Ability]] = {}
    ways: dict[tuple[str, str], list[Step]] = {}
    for arn, ability in granted:
        abilities.setdefault((arn, _kind(arn)), []).append(ability)
    for name, ability in _allowed_by_policies(account.recorder):
        abilities.setdefault((name, _kind(name)), []).append(ability)
    for role, can in account.able:
        for who, step in _assuming(role, can, account.recorder):
            ways.setdefault(who, []).append(step)
    for name, kind in dict.fromkeys((*abilities, *ways)):
        can_do = dict.fromkeys(abilities.get((name, kind), ()))
        yield Finding(name, kind, tuple(can_do), tuple(ways.get((name, kind), ())))


def _kind(name: str) -> str:
    return "federated user session" if _FEDERATED_USER in name else _OTHER_ACCOUNT


def _allowed_by_policies(recorder: Recorder) -> Iterator[tuple[str, Ability]]:
    for power in POWERS:
        for action, part in power.calls:
            if action in OWN_ACCOUNT_ONLY:
                continue
            for resource in recorder.resources.get(part, ()):
                owner = resource.split("/", 1)[0] if part is Part.LOG_FILES else resource
                policy = recorder.resource_policies.get(owner)
                if not isinstance(policy, Value):
                    continue
                for name, principal in _named(policy.value, recorder).items():
                    by = f"policy of {last_part(owner)}"
                    found = _allowed(policy.value, principal, action, resource, by, recorder)
                    if found.allowed.is_true is not False:
                        depends_on = (*found.depends_on, *unsure_of(part, recorder))
                        yield name, Ability(power.id, action, readable(resource), found.by, depends_on)


def _named(statements: Sequence[Statement], recorder: Recorder) -> dict[str, Principal]:
    """Each principal from outside that a policy names, as a person calls it and as a request has it."""
    allowing = [statement.principals for statement in statements if statement.is_allow]
    patterns = [pattern for principals in allowing if not principals.excludes for pattern in principals.patterns]
    # A NotPrincipal leaves out some, and so is for anyone.
    patterns += [PrincipalPattern("AWS", "*") for principals in allowing if principals.excludes]
    return dict(named for pattern in patterns if (named := _outsider(pattern, recorder)) is not None)


def _outsider(pattern: PrincipalPattern, recorder: Recorder) -> tuple[str, Principal] | None:
    value = pattern.value
    if pattern.kind == "CanonicalUser":
        return f"canonical user {value}", Principal(PrincipalKind.CANONICAL_USER, value)
    if pattern.kind != "AWS" or value == recorder.account:
        return None
    if value == "*":
        return ANYONE, _principal(f"arn:{recorder.partition}:iam::{ANY_OTHER}:role/{ANY_OTHER}")
    if value.isdigit():
        arn = f"arn:{recorder.partition}:iam::{value}:root"
        return arn, _principal(arn)
    # Anything else than an ARN is the id that AWS shows in the place of somebody who was deleted; nobody gets it again.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
    if not value.startswith("arn:"):
        return None
    is_own = value.split(":")[4:5] == [recorder.account] and _FEDERATED_USER not in value
    return None if is_own else (value, _principal(value))


def _principal(arn: str) -> Principal:
    return Principal(PrincipalKind.AWS, arn)


def _allowed(
    statements: Sequence[Statement], principal: Principal, action: str, resource: str, name: str, recorder: Recorder
) -> Permission:
    """Whether a policy of a resource lets a principal in.

    :param name: of the policy, for people.
    """
    account = principal.name.split(":")[4] if principal.name.count(":") >= 5 else ""
    context = {
        "aws:principalarn": (principal.name,),
        "aws:principalaccount": (account,),
        "aws:principalisawsservice": ("false",),
        "aws:securetransport": ("true",),
        "aws:sourcearn": (),
        "aws:sourceaccount": (),
        "aws:resourceaccount": (recorder.account,),
        "kms:calleraccount": (account,),
    }
    # The root user's ARN stands for everybody in its account: who of them it is, is not known.
    if principal.name.endswith(":root"):
        del context["aws:principalarn"]
    return _decided(statements, Request(principal, action, resource, context), name)


def _decided(statements: Sequence[Statement], request: Request, policy: str) -> Permission:
    by = tuple(
        f"{policy}: {statement.label}"
        for statement in statements
        if statement.is_allow and decide((statement,), request).allow.is_true is not False
    )
    return Permission(decide(tuple(statements), request).is_allowed, by)


def _assuming(role: Identity, can: tuple[Ability, ...], recorder: Recorder) -> Iterator[tuple[tuple[str, str], Step]]:
    """Who from outside can assume a role that has abilities, each with its kind."""
    trust = role.trust or ()
    if not any(statement.is_allow for statement in trust):
        return
    policy = f"trust policy of {role.name}"
    for name, principal in _named(trust, recorder).items():
        way = _allowed(trust, principal, _ASSUME, role.arn, policy, recorder)
        yield from (((name, _kind(name)), step) for step in step_to(_ASSUME, role.arn, way, can, set()))
    for provider in _providers(trust):
        # To a provider the statements that name it are statements for everybody.
        own = [_of_provider(statement, provider) for statement in trust]
        known: Context = {"saml:aud": _SAML_AUDIENCE} if ":saml-provider/" in provider else {}
        for action in _WITH_A_TOKEN:
            request = Request(_principal(provider), action, role.arn, known)
            way = _decided([statement for statement in own if statement], request, policy)
            yield from (((provider, "identity provider"), step) for step in step_to(action, role.arn, way, can, set()))


def _providers(trust: Sequence[Statement]) -> tuple[str, ...]:
    found = (pattern for statement in trust if statement.is_allow for pattern in statement.principals.patterns)
    return tuple(dict.fromkeys(pattern.value for pattern in found if pattern.kind == "Federated"))


def _of_provider(statement: Statement, provider: str) -> Statement | None:
    """The statement, for everybody, if it is for those whom the provider vouches for."""
    is_named = any(pattern.value in (provider, "*") for pattern in statement.principals.patterns)
    return replace(statement, principals=_EVERYBODY) if is_named is not statement.principals.excludes else None
