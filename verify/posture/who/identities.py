"""The identities of an account, from IAM's authorization details, page by page.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from verify.aws import Answer, Aws
from verify.errors import CannotLook
from verify.fact import Value, ask
from verify.policy.document import (
    MalformedPolicy,
    Patterns,
    Statement,
    parse_identity_policy,
    parse_trust_policy,
)
from verify.policy.evaluation import includes
from verify.posture.who.decide import EVERYTHING
from verify.posture.who.model import Group, Identity, Kind, Policy
from verify.posture.who.steps import ACTIONS

PERMISSIONS = ("iam:GetAccountAuthorizationDetails", "iam:GetPolicy", "iam:GetPolicyVersion")
# Roles below this path are an AWS service's own.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
_SERVICE_LINKED = ":role/aws-service-role/"


@dataclass(frozen=True, slots=True)
class Identities:
    """Everybody in the account.

    :param unseen: what of them could not be read.
    """

    identities: tuple[Identity, ...]
    groups: tuple[Group, ...]
    unseen: tuple[str, ...]


def read_identities(aws: Aws, account: str, partition: str) -> Identities:
    """Read every user and role of the account; its root user comes first.

    A page is let go when the next one comes. Of each policy only what can matter is kept.

    :raises CannotLook: the authorization details cannot be read, or are not what AWS documents.
    """
    try:
        managed = _Managed(aws, _pages(aws, "LocalManagedPolicy", "AWSManagedPolicy", field="Policies"))
        groups = {
            group["GroupName"]: Group(group["GroupName"], group["Arn"], tuple(_policies(group, "Group", managed)))
            for group in _pages(aws, "Group", field="GroupDetailList")
        }
        identities = (
            _root(account, partition),
            *(_user(user, managed, groups) for user in _pages(aws, "User", field="UserDetailList")),
            *(_role(role, managed) for role in _pages(aws, "Role", field="RoleDetailList")),
        )
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise CannotLook(
            f"iam:GetAccountAuthorizationDetails gave an answer that is not AWS's: {type(error).__name__}: {error}"
        ) from error
    once, differing = _each_once(identities)
    return Identities(once, tuple(groups.values()), (*_problems(once), *differing))


def _each_once(identities: Iterable[Identity]) -> tuple[tuple[Identity, ...], tuple[str, ...]]:
    """Each identity as it is listed last, and those that AWS lists twice and not alike: they changed in between."""
    found: dict[str, Identity] = {}
    differing: dict[str, str] = {}
    for identity in identities:
        other = found.setdefault(identity.arn, identity)
        if other is not identity and _content(other) != _content(identity):
            differing[identity.arn] = f"what {identity.arn} is allowed: it is listed twice, with other policies"
        found[identity.arn] = identity
    return tuple(found.values()), tuple(differing.values())


def _content(identity: Identity) -> tuple[object, ...]:
    """What decides, of an identity."""
    return identity.policies, identity.boundary, identity.tags, identity.groups, identity.trust


def _pages(aws: Aws, *kinds: str, field: str) -> Iterator[Answer]:
    for page in aws.pages("iam", "GetAccountAuthorizationDetails", Filter=list(kinds)):
        if "IsTruncated" not in page:
            raise LookupError("IsTruncated")
        yield from page[field]


class _Managed:
    """The managed policies, by ARN. One that the details do not hold is asked for."""

    def __init__(self, aws: Aws, details: Iterable[Answer]) -> None:
        self._aws = aws
        self._known = {detail["Arn"]: _default_version(detail) for detail in details}

    def get(self, arn: str) -> Policy:
        if arn not in self._known:
            self._known[arn] = self._asked(arn)
        return self._known[arn]

    def _asked(self, arn: str) -> Policy:
        name = _managed_name(arn)

        def text() -> str:
            version = self._aws.call("iam", "GetPolicy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
            answer = self._aws.call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=version)
            return _text(answer["PolicyVersion"]["Document"])

        found = ask(text)
        return policy_of(name, found.value, arn) if isinstance(found, Value) else Policy(name, (), arn, str(found))


def _managed_name(arn: str) -> str:
    return f"managed policy {arn.rpartition('/')[2]}"


def _default_version(detail: Answer) -> Policy:
    name = _managed_name(detail["Arn"])
    default = [version for version in detail["PolicyVersionList"] if version["IsDefaultVersion"]]
    if not default:
        return Policy(name, (), detail["Arn"], "AWS shows no default version of it")
    return _policy(name, default[0]["Document"], detail["Arn"])


def _user(user: Answer, managed: _Managed, groups: Mapping[str, Group]) -> Identity:
    names = tuple(user["GroupList"])
    of_groups = [policy for name in names for policy in (groups[name].policies if name in groups else (_absent(name),))]
    return Identity(
        kind=Kind.USER,
        arn=user["Arn"],
        name=user["UserName"],
        policies=(*_policies(user, "User", managed), *of_groups),
        boundary=_boundary(user, managed),
        tags=_tags(user),
        groups=names,
    )


def _absent(group: str) -> Policy:
    return Policy(f"the policies of group {group}", (), None, "AWS shows no such group")


def _role(role: Answer, managed: _Managed) -> Identity:
    try:
        trust: tuple[Statement, ...] | None = parse_trust_policy(_text(role["AssumeRolePolicyDocument"]))
    except MalformedPolicy:
        trust = None
    return Identity(
        kind=Kind.ROLE,
        arn=role["Arn"],
        name=role["RoleName"],
        policies=tuple(_policies(role, "Role", managed)),
        boundary=_boundary(role, managed),
        tags=_tags(role),
        trust=trust,
        is_service_linked=_SERVICE_LINKED in role["Arn"],
    )


def _root(account: str, partition: str) -> Identity:
    everything = Policy("the account itself", ((EVERYTHING, ACTIONS),))
    return Identity(Kind.ROOT, f"arn:{partition}:iam::{account}:root", "root", (everything,))


def _policies(detail: Answer, what: str, managed: _Managed) -> Iterator[Policy]:
    """The inline policies of a user, group or role, and those attached to it."""
    name = detail[f"{what}Name"]
    for inline in detail.get(f"{what}PolicyList", ()):  # AWS leaves it out for who has none
        yield _policy(f"inline policy {inline['PolicyName']} of {name}", inline["PolicyDocument"])
    for attached in detail["AttachedManagedPolicies"]:
        yield managed.get(attached["PolicyArn"])


def _boundary(detail: Answer, managed: _Managed) -> Policy | None:
    boundary = detail.get("PermissionsBoundary")
    return managed.get(boundary["PermissionsBoundaryArn"]) if boundary else None


def _tags(detail: Answer) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in detail.get("Tags", ())}


def _policy(name: str, document: Any, arn: str | None = None) -> Policy:
    """A policy without the statements that cannot matter here."""
    return policy_of(name, _text(document), arn)


def policy_of(name: str, text: str, arn: str | None = None) -> Policy:
    """Read an identity policy, a boundary or a service control policy.

    :param text: its JSON.
    :returns: the policy; one that is not understood carries the problem.
    """
    try:
        statements = parse_identity_policy(text)
    except MalformedPolicy as error:
        return Policy(name, (), arn, str(error))
    kept = ((statement, _matching(statement.actions)) for statement in statements)
    return Policy(name, tuple((statement, actions) for statement, actions in kept if actions), arn)


@lru_cache(maxsize=4096)
def _matching(selection: Patterns) -> frozenset[str]:
    return frozenset(action for action in ACTIONS if includes(selection, action, ignore_case=True).is_true is not False)


def _text(document: Any) -> str:
    """A policy document as text; botocore has read it already."""
    return document if isinstance(document, str) else json.dumps(document)


def _problems(identities: Iterable[Identity]) -> Iterator[str]:
    said = set()
    for identity in identities:
        if identity.kind is Kind.ROLE and identity.trust is None:
            yield f"who may assume {identity.arn}: its trust policy is not understood"
        for policy in (*identity.policies, *((identity.boundary,) if identity.boundary else ())):
            if policy.problem and policy.name not in said:
                said.add(policy.name)
                yield f"what {policy.name} allows: {policy.problem}"
