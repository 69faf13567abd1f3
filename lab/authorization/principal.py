"""Who asks, and whether the Principal of a statement means them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-acct.html
(what limits whom: boundaries and session policies do not limit what a wildcard grants)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

from lab.authorization.conditions import Context
from lab.authorization.document import Asked, Statement, document
from lab.authorization.policy import strings


class Named(IntEnum):
    """How a statement names who asks. Each way allows more than the one before it."""

    NOT = 0
    # The account, which leaves it to the identity's own policies.
    ACCOUNT = 1
    # The role of a session: permissions boundary and session policies still limit it.
    LIMITED = 2
    # The user or the session itself, or everybody: nothing limits it but an explicit Deny.
    DIRECTLY = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller and the policies that limit or allow what it does (JSON texts).

    :param arn: a user, a session (`assumed-role/...`, `federated-user/...`) or the root of an account.
    :param role_arn: of a session, the role; '' otherwise.
    :param boundary: of the permissions boundary; None without one.
    :param session: the session policies; None for a session without any, and for what is no session.
    """

    arn: str
    account: str
    user_id: str = ""
    role_arn: str = ""
    policies: tuple[str, ...] = ()
    boundary: str | None = None
    session: tuple[str, ...] | None = None

    @property
    def is_root(self) -> bool:
        """Whether it is the root of its account."""
        return self.arn.endswith(":root")


def named(statement: Statement, who: Principal) -> Named:
    """How a statement of a resource's policy names a caller."""
    found = _named(_hashable(statement.principal), who.arn, who.account, who.role_arn, who.user_id)
    if not statement.excludes_principals:
        return found
    return Named.NOT if found else Named.LIMITED


def names_provider(statement: Statement, provider: str) -> bool:
    """Whether a statement of a trust policy names an identity provider, by ARN or host name."""
    value = statement.principal
    if value == "*":
        return True
    return isinstance(value, Mapping) and provider in strings(value.get("Federated"))


def names_service(statement: Statement, service: str) -> bool:
    """Whether a statement names an AWS service such as `ec2.amazonaws.com`."""
    value = statement.principal
    if value == "*":
        return True
    return isinstance(value, Mapping) and service in map(str.lower, strings(value.get("Service")))


def lets_assume(trust_policy: str, role_arn: str, service: str, context: Context) -> bool:
    """Whether a role's trust policy (JSON text) lets an AWS service assume the role."""
    asked, policy = Asked("sts:AssumeRole", role_arn, context), document(trust_policy)
    if any(names_service(each, service) and each.is_about(asked) for each in policy.denies):
        return False
    return any(names_service(each, service) and each.is_about(asked) for each in policy.allows)


def _hashable(principal: Any) -> tuple[str, ...]:
    """The AWS principals of an element; those of other kinds are services, or identity providers."""
    if isinstance(principal, str):
        return (principal,) if principal == "*" else ()
    return tuple(strings(principal.get("AWS"))) if isinstance(principal, Mapping) else ()


@lru_cache(maxsize=4096)
def _named(values: tuple[str, ...], arn: str, account: str, role_arn: str, user_id: str) -> Named:
    return max((_by(each, arn, account, role_arn, user_id) for each in values), default=Named.NOT)


def _by(value: str, arn: str, account: str, role_arn: str, user_id: str) -> Named:
    root = f"arn:aws:iam::{account}:root"
    if value in (account, root):
        return Named.DIRECTLY if arn == root else Named.ACCOUNT
    if value == "*":
        return Named.DIRECTLY
    if value == arn or (user_id and value == user_id and not role_arn):
        return Named.DIRECTLY
    role_id = user_id.partition(":")[0] if role_arn else ""
    return Named.LIMITED if role_arn and value in (role_arn, role_id) else Named.NOT
