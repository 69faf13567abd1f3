"""Each step that ``verify who`` lists works in the lab, and every other one that could be a step does not.

A step is one call by which an identity gets a power that it does not have. Here each is carried out, whether it is
listed or not; then the lab, which decides by an evaluation of its own, says what the identity can.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.end_to_end.conftest import Account
from tests.end_to_end.who.test_who_enforced import ADMIN, ALL, Call, Client, calls, can, is_allowed, session, text, user
from verify.aws import Aws
from verify.posture.who.run import find_who
from verify.target import TargetOptions

Document = dict[str, Any]
USERS = 10
STEPS = ("iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:DetachUserPolicy", "iam:DeleteUserPolicy",
         "iam:AddUserToGroup", "iam:RemoveUserFromGroup", "iam:AttachGroupPolicy", "iam:DeleteGroupPolicy",
         "iam:CreatePolicyVersion", "iam:DeleteUserPermissionsBoundary", "iam:PutUserPermissionsBoundary",
         "iam:CreateAccessKey", "iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePolicy",
         "iam:TagUser", "sts:AssumeRole", "iam:*User*", "iam:*Role*")  # fmt: skip
POWERS = {
    "stop-trail": ("cloudtrail:StopLogging", "cloudtrail:UpdateTrail"),
    "alter-logs": ("s3:PutObject", "s3:DeleteObject"),
    "change-bucket": ("s3:PutBucketPolicy", "s3:PutBucketVersioning"),
    "disable-key": ("kms:DisableKey", "kms:PutKeyPolicy"),
}
ABLE = ("cloudtrail:*", "s3:*", "kms:*", "*")
# A login has a password, by which nobody calls the lab; an older version of a policy is not known.
NOT_TRIED = {"iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:SetDefaultPolicyVersion"}


@dataclass(frozen=True)
class Try:
    """A step: its call, what the caller is able to act as afterwards, and what puts everything back."""

    action: str
    resource: str
    make: Callable[[Client], Any]
    undo: Callable[[], Any]
    becomes: Callable[[Client], Client] = field(default=lambda client: client)


def by_iam(operation: str, **parameters: Any) -> Callable[[Client], Any]:
    """A call of IAM by whoever it is that takes a step."""
    return lambda client: getattr(client("iam"), operation)(**parameters)


class People:
    """Users with groups, managed policies and boundaries, roles, and what each was made of."""

    def __init__(self, account: Account, chance: random.Random) -> None:
        self.account, self.chance, self.iam = account, chance, account.client("iam")
        self.users: dict[str, Client] = {}
        self.groups = ("admins", "denied")
        self._policies()
        for number in range(USERS):
            self._user(f"u{number}")
        # Somebody of another account: for a role that anybody may assume.
        elsewhere = account.other()
        _, self.stranger = user(elsewhere, "stranger")
        elsewhere.client("iam").put_user_policy(UserName="stranger", PolicyName="p", PolicyDocument=text(ALL))

    def _policies(self) -> None:
        make = self.iam.create_policy
        self.limits = make(PolicyName="limits", PolicyDocument=text({**ALL, "Action": ["iam:*", "sts:*"]}))["Policy"]
        self.own = make(PolicyName="own", PolicyDocument=text({**ALL, "Action": "ec2:*"}))["Policy"]
        deny = text({**ALL, "Effect": "Deny", "Action": ["cloudtrail:*", "s3:*", "kms:*"]})
        self.forbids = make(PolicyName="forbids", PolicyDocument=deny)["Policy"]
        for name, document in (("admins", text({**ALL, "Action": "s3:*"})), ("denied", deny)):
            self.iam.create_group(GroupName=name)
            self.iam.put_group_policy(GroupName=name, PolicyName="p", PolicyDocument=document)
        self.trust = text({"Effect": "Allow", "Principal": {"AWS": self.account.id}, "Action": "sts:AssumeRole"})
        closed = text({"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": "sts:AssumeRole"})
        self.roles = {"able": (self.trust, "cloudtrail:*"), "closed": (closed, "kms:*"), "weak": (self.trust, "ec2:*")}
        for name, (trust, action) in self.roles.items():
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
            self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=text({**ALL, "Action": action}))

    def _user(self, name: str) -> None:
        chance, iam = self.chance, self.iam
        limit = {"PermissionsBoundary": self.limits["Arn"]} if chance.random() < 0.3 else {}
        arn, self.users[name] = user(self.account, name, **limit)
        places = [arn, "*", f"arn:aws:iam::{self.account.id}:role/*", f"arn:aws:iam::{self.account.id}:group/*",
                  self.own["Arn"], self.limits["Arn"], f"arn:aws:iam::{self.account.id}:user/u1"]  # fmt: skip
        may: Document = {**ALL, "Action": chance.sample(STEPS, 4), "Resource": chance.sample(places, 2)}
        statements: list[Document] = [may]
        if chance.random() < 0.4:
            statements.append({**ALL, "Action": chance.choice(ABLE)})
        if chance.random() < 0.3:
            tagged: Document = {"StringEquals": {"aws:PrincipalTag/team": "logs"}}
            statements.append({**ALL, "Action": "kms:*", "Condition": tagged})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=text(*statements))
        if chance.random() < 0.3:
            never = {**ALL, "Effect": "Deny", "Action": ["cloudtrail:*", "s3:*", "kms:*"]}
            iam.put_user_policy(UserName=name, PolicyName="never", PolicyDocument=text(never))
        for attached in (self.own, self.forbids):
            if chance.random() < 0.4:
                iam.attach_user_policy(UserName=name, PolicyArn=attached["Arn"])
        for group in self.groups:
            if chance.random() < 0.3:
                iam.add_user_to_group(UserName=name, GroupName=group)

    def tries(self, name: str) -> Iterator[Try]:
        """Every step that the user could take, one call or the same call for each of several policies."""
        yield from self._on_inline(name)
        yield from self._on_attached(name)
        yield from self._on_groups(name)
        yield from self._on_roles()
        for other in sorted(self.users):
            if other != name:
                yield self._key_of(other)

    def _on_inline(self, name: str) -> Iterator[Try]:
        iam, arn = self.iam, f"arn:aws:iam::{self.account.id}:user/{name}"
        denies = "never" in iam.list_user_policies(UserName=name)["PolicyNames"]
        it = {"UserName": name, "PolicyName": "never" if denies else "new"}
        document = json.dumps(iam.get_user_policy(**it)["PolicyDocument"]) if denies else ""

        def put_back() -> None:
            if denies:
                iam.put_user_policy(**it, PolicyDocument=document)
            else:
                iam.delete_user_policy(**it)

        put: Callable[[Client], Any] = lambda client: client("iam").put_user_policy(**it, PolicyDocument=text(ALL))  # noqa: E731
        yield Try("iam:PutUserPolicy", arn, put, put_back)
        if denies:
            yield Try("iam:DeleteUserPolicy", arn, lambda client: client("iam").delete_user_policy(**it), put_back)
        tag = [{"Key": "team", "Value": "logs"}]
        yield Try(
            "iam:TagUser",
            arn,
            lambda client: client("iam").tag_user(UserName=name, Tags=tag),
            lambda: iam.untag_user(UserName=name, TagKeys=["team"]),
        )

    def _on_attached(self, name: str) -> Iterator[Try]:
        iam, arn = self.iam, f"arn:aws:iam::{self.account.id}:user/{name}"
        attached = {each["PolicyArn"] for each in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]}
        boundary = iam.get_user(UserName=name)["User"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        more = {"UserName": name, "PolicyArn": ADMIN}
        attach: Callable[[Client], Any] = lambda client: client("iam").attach_user_policy(**more)  # noqa: E731
        yield Try("iam:AttachUserPolicy", arn, attach, lambda: iam.detach_user_policy(**more))
        if self.forbids["Arn"] in attached:
            less = {"UserName": name, "PolicyArn": self.forbids["Arn"]}
            detach: Callable[[Client], Any] = lambda client: client("iam").detach_user_policy(**less)  # noqa: E731
            yield Try("iam:DetachUserPolicy", arn, detach, lambda: iam.attach_user_policy(**less))
        yield from map(self._version_of, sorted({*attached, *([boundary] if boundary else ())}))
        if boundary:
            yield from self._on_boundary(name, arn, boundary)

    def _on_boundary(self, name: str, arn: str, boundary: str) -> Iterator[Try]:
        iam = self.iam
        bind = {"UserName": name, "PermissionsBoundary": boundary}
        yield Try(
            "iam:DeleteUserPermissionsBoundary",
            arn,
            lambda client: client("iam").delete_user_permissions_boundary(UserName=name),
            lambda: iam.put_user_permissions_boundary(**bind),
        )
        yield Try(
            "iam:PutUserPermissionsBoundary",
            arn,
            lambda client: client("iam").put_user_permissions_boundary(UserName=name, PermissionsBoundary=ADMIN),
            lambda: iam.put_user_permissions_boundary(**bind),
        )

    def _inline(self, name: str, policy: str) -> str:
        return json.dumps(self.iam.get_user_policy(UserName=name, PolicyName=policy)["PolicyDocument"])

    def _version_of(self, arn: str) -> Try:
        """A new default version, which allows everything."""
        iam = self.iam
        default = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        before = iam.get_policy_version(PolicyArn=arn, VersionId=default)["PolicyVersion"]["Document"]

        def undo() -> None:
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(before), SetAsDefault=True)
            for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
                if not version["IsDefaultVersion"]:
                    iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])

        new = {"PolicyArn": arn, "PolicyDocument": text(ALL), "SetAsDefault": True}
        return Try("iam:CreatePolicyVersion", arn, lambda client: client("iam").create_policy_version(**new), undo)

    def _on_groups(self, name: str) -> Iterator[Try]:
        iam = self.iam
        own = {group["GroupName"] for group in iam.list_groups_for_user(UserName=name)["Groups"]}
        for group in self.groups:
            arn, both = f"arn:aws:iam::{self.account.id}:group/{group}", {"UserName": name, "GroupName": group}
            join, leave = partial(iam.add_user_to_group, **both), partial(iam.remove_user_from_group, **both)
            if group not in own:
                yield Try("iam:AddUserToGroup", arn, by_iam("add_user_to_group", **both), leave)
                continue
            more = {"GroupName": group, "PolicyArn": ADMIN}
            detach = partial(iam.detach_group_policy, **more)
            yield Try("iam:AttachGroupPolicy", arn, by_iam("attach_group_policy", **more), detach)
            if group == "denied":
                yield Try("iam:RemoveUserFromGroup", arn, by_iam("remove_user_from_group", **both), join)
                yield from self._on_policy_of(group, arn)
            else:
                new = {"GroupName": group, "PolicyName": "new"}
                put = by_iam("put_group_policy", **new, PolicyDocument=text(ALL))
                yield Try("iam:PutGroupPolicy", arn, put, partial(iam.delete_group_policy, **new))

    def _on_policy_of(self, group: str, arn: str) -> Iterator[Try]:
        """Calls by which a group loses the policy that denies."""
        it = {"GroupName": group, "PolicyName": "p"}
        document = json.dumps(self.iam.get_group_policy(**it)["PolicyDocument"])
        put_back = partial(self.iam.put_group_policy, **it, PolicyDocument=document)
        yield Try("iam:DeleteGroupPolicy", arn, by_iam("delete_group_policy", **it), put_back)
        yield Try("iam:PutGroupPolicy", arn, by_iam("put_group_policy", **it, PolicyDocument=text(ALL)), put_back)

    def _on_roles(self) -> Iterator[Try]:
        iam = self.iam
        anybody = text({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"})
        for name, (trust, _) in self.roles.items():
            arn = f"arn:aws:iam::{self.account.id}:role/{name}"
            assume = partial(session, self.account, role=arn)
            yield Try("sts:AssumeRole", arn, assume, lambda: None, assume)
            change = by_iam("update_assume_role_policy", RoleName=name, PolicyDocument=anybody)
            undo = partial(iam.update_assume_role_policy, RoleName=name, PolicyDocument=trust)
            yield Try("iam:UpdateAssumeRolePolicy", arn, change, undo, partial(self._as_the_stranger, assume))
            both = {"RoleName": name, "PolicyArn": ADMIN}
            attach, detach = by_iam("attach_role_policy", **both), partial(iam.detach_role_policy, **both)
            yield Try("iam:AttachRolePolicy + sts:AssumeRole", arn, attach, detach, assume)
            new = {"RoleName": name, "PolicyName": "new"}
            put = by_iam("put_role_policy", **new, PolicyDocument=text(ALL))
            yield Try("iam:PutRolePolicy + sts:AssumeRole", arn, put, partial(iam.delete_role_policy, **new), assume)

    def _as_the_stranger(self, assume: Callable[[Client], Client], _: Client) -> Client:
        return assume(self.stranger)

    def _key_of(self, other: str) -> Try:
        """A further access key of another user, who is what the lab then takes the caller for."""
        made: list[Mapping[str, str]] = []

        def make(client: Client) -> None:
            made.append(client("iam").create_access_key(UserName=other)["AccessKey"])

        def undo() -> None:
            self.iam.delete_access_key(UserName=other, AccessKeyId=made.pop()["AccessKeyId"])

        arn = f"arn:aws:iam::{self.account.id}:user/{other}"
        return Try("iam:CreateAccessKey", arn, make, undo, lambda _: self.users[other])


def powers(made: Mapping[str, Call], client: Client) -> set[str]:
    """The powers that somebody has, as the lab has it."""
    return {power for power, actions in POWERS.items() if any(can(made[action], client) for action in actions)}


def after(step: Try, made: Mapping[str, Call], client: Client) -> set[str]:
    """The powers that somebody has after a step; none where the step is refused."""
    if not is_allowed(lambda: step.make(client)):
        return set()
    try:
        become: list[Client] = []
        if not is_allowed(lambda: become.append(step.becomes(client))):
            return set()
        return powers(made, become[0])
    finally:
        step.undo()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_each_step_that_is_listed_works_and_no_other_does(account: Account, aws: Aws, seed: int) -> None:
    account.deploy()
    people = People(account, random.Random(seed))  # noqa: S311

    findings = {finding.arn: finding for finding in find_who(aws, TargetOptions()).findings}

    made = calls(account)
    worked, listed = set(), set()
    for name, client in people.users.items():
        has = powers(made, client)
        for step in people.tries(name) if has != set(POWERS) else ():
            if after(step, made, client) - has:
                worked.add((name, step.action, step.resource))
        found = findings.get(f"arn:aws:iam::{account.id}:user/{name}")
        listed |= {
            (name, step.action, step.resource)
            for step in (found.steps if found else ())
            if not step.depends_on and step.action not in NOT_TRIED
        }
    assert sorted(listed) == sorted(worked)
    assert len(worked) > USERS
