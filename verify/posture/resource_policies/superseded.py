"""Which grants to CloudTrail a fix may take out of a policy, because others take their place."""

from __future__ import annotations

from collections.abc import Iterable

from verify.arn import Arn
from verify.policy.document import Condition, Patterns, PrincipalPattern, Statement
from verify.policy.wildcard import matches
from verify.posture.resource_policies.cloudtrail_requests import CLOUDTRAIL

_CLOUDTRAIL = PrincipalPattern("Service", CLOUDTRAIL.name)
_EQUALITY = {"StringEquals", "StringLike", "ArnEquals", "ArnLike"}


def is_grant_to_cloudtrail(statement: Statement) -> bool:
    """CloudTrail is among those whom the statement lets in by name."""
    return statement.is_allow and not statement.principals.excludes and _CLOUDTRAIL in statement.principals.patterns


def is_superseded(grant: Statement, by: Iterable[Statement], trail_arn: str) -> bool:
    """Whether the grant is for CloudTrail and this account alone, and for nothing that ``by`` does not grant as well.

    :param by: grants to CloudTrail on behalf of the trail.
    """
    own = [statement for statement in by if is_grant_to_cloudtrail(statement)]
    return (
        set(grant.principals.patterns) == {_CLOUDTRAIL}
        and _are_among(grant.actions, [pattern for s in own for pattern in s.actions.patterns], ignore_case=True)
        and _are_among(grant.resources, [pattern for s in own for pattern in s.resources.patterns], ignore_case=False)
        and all(_is_of_account(condition, Arn.parse(trail_arn)) for condition in grant.conditions)
    )


def _are_among(selection: Patterns, granted: list[str], *, ignore_case: bool) -> bool:
    """A pattern's own wildcards are letters here: what matches them as such matches all that they stand for."""
    return not selection.excludes and all(
        any(matches(wide, pattern, ignore_case=ignore_case).is_true for wide in granted)
        for pattern in selection.patterns
    )


def _is_of_account(condition: Condition, trail: Arn) -> bool:
    """The condition keeps the grant to the trail's account, or has nothing to do with who asks."""
    like_own = {
        "s3:x-amz-acl": "*",
        "aws:sourceaccount": trail.account,
        "aws:sourcearn": str(trail),
        "kms:encryptioncontext:aws:cloudtrail:arn": f"arn:{trail.partition}:cloudtrail:*:{trail.account}:trail/*",
    }.get(condition.key.casefold())
    return (
        condition.operator in _EQUALITY
        and like_own is not None
        and all(matches(like_own, value).is_true for value in condition.values)
    )
