"""The policies that a fix writes: the current statements, and those that CloudTrail needs for this trail.

The statements are those that AWS documents, each bound to the trail by ``aws:SourceArn``:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from verify.arn import Arn
from verify.policy.document import Condition, Patterns, PrincipalPattern, Statement, parse_policy
from verify.policy.evaluation import Request, applies, at_all_times, one_of_each
from verify.policy.wildcard import matches
from verify.posture.resource_policies.cloudtrail_requests import CLOUDTRAIL

_SERVICE = {"Service": CLOUDTRAIL.name}
# A statement as JSON has it.
_Json = dict[str, Any]
_CLOUDTRAIL = PrincipalPattern("Service", CLOUDTRAIL.name)
_EQUALITY = {"StringEquals", "StringLike", "ArnEquals", "ArnLike"}


# Holds for every caller but CloudTrail: only requests by a service have the key.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_EXEMPTION = ("StringNotEqualsIfExists", "aws:PrincipalServiceName")


@dataclass(frozen=True, slots=True)
class Exemption:
    """CloudTrail's requests that no Deny may hit.

    :param includes_undecided: exempt CloudTrail from a Deny too of which the policy alone does not say whether it hits.
    """

    requests: Sequence[Request] = ()
    includes_undecided: bool = False


NO_EXEMPTION = Exemption()


def corrected_bucket_policy(
    current: str | None,
    trail_arn: str,
    bucket: str,
    prefix: str | None,
    *,
    organization_id: str | None = None,
    exemption: Exemption = NO_EXEMPTION,
    binds: bool = False,
) -> str:
    """A bucket policy with the grants for the trail and the Deny without TLS, and no other Deny for CloudTrail.

    :param current: the policy that the bucket has, if it has one.
    :param organization_id: of an organization trail.
    :param binds: replace grants to any trail, see :func:`_retained`. Default: - add them only.
    :raises MalformedPolicy: ``current`` is no policy.
    """
    trail = Arn.parse(trail_arn)
    bucket_arn = f"arn:{trail.partition}:s3:::{bucket}"
    folder = f"{prefix}/AWSLogs" if prefix else "AWSLogs"
    from_trail = {"aws:SourceArn": trail_arn}
    folders = [f"{bucket_arn}/{folder}/{owner}/*" for owner in (trail.account, organization_id) if owner]
    required: list[_Json] = [
        {
            "Sid": "AWSCloudTrailAclCheck20150319",
            "Effect": "Allow",
            "Principal": _SERVICE,
            "Action": "s3:GetBucketAcl",
            "Resource": bucket_arn,
            "Condition": {"StringEquals": from_trail},
        },
        {
            "Sid": "AWSCloudTrailWrite20150319",
            "Effect": "Allow",
            "Principal": _SERVICE,
            "Action": "s3:PutObject",
            "Resource": folders if organization_id else folders[0],
            "Condition": {"StringEquals": {**from_trail, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
        {
            "Sid": "DenyWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, f"{bucket_arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    return _corrected(current, required, trail_arn, exemption, binds=binds)


def corrected_key_policy(
    current: str | None, trail_arn: str, *, exemption: Exemption = NO_EXEMPTION, binds: bool = False
) -> str:
    """A key policy with the account's own access and the grants for the trail; as :func:`corrected_bucket_policy`."""
    trail = Arn.parse(trail_arn)
    from_trail = {"aws:SourceArn": trail_arn}
    any_trail = f"arn:{trail.partition}:cloudtrail:*:{trail.account}:trail/*"
    required: list[_Json] = [
        {
            "Sid": "Account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{trail.partition}:iam::{trail.account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "CloudTrailEncrypts",
            "Effect": "Allow",
            "Principal": _SERVICE,
            "Action": "kms:GenerateDataKey*",
            "Resource": "*",
            "Condition": {
                "StringEquals": from_trail,
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": any_trail},
            },
        },
        {
            "Sid": "CloudTrailDescribesAndDecrypts",
            "Effect": "Allow",
            "Principal": _SERVICE,
            "Action": ["kms:DescribeKey", "kms:Decrypt"],
            "Resource": "*",
            "Condition": {"StringEquals": from_trail},
        },
    ]
    return _corrected(current, required, trail_arn, exemption, binds=binds)


def _corrected(current: str | None, required: list[_Json], trail_arn: str, exemption: Exemption, *, binds: bool) -> str:
    retained = [] if current is None else _retained(current, required, trail_arn, exemption, binds=binds)
    taken = {statement.get("Sid") for statement in retained}
    added = [
        {**statement, "Sid": _unused_sid(statement["Sid"], taken)}
        for statement in required
        if _without_sid(statement) not in map(_without_sid, retained)
    ]
    # Its version decides what ``${`` means in it.
    around = {"Version": "2012-10-17"} if current is None else json.loads(current)
    return json.dumps({**around, "Statement": [*retained, *added]})


def _retained(current: str, required: list[_Json], trail_arn: str, exemption: Exemption, *, binds: bool) -> list[_Json]:
    """The current statements, with each Deny that hits CloudTrail made one for all others. With ``binds`` without the
    grants to CloudTrail, if all of them are for this account alone: one that others may rely on is a sign that they
    share the bucket or the key, and then every grant stays.
    """
    parsed = parse_policy(current)
    raw = json.loads(current)["Statement"]
    listed: list[_Json] = raw if isinstance(raw, list) else [raw]
    statements = [_exempting(each, read, exemption) for each, read in zip(listed, parsed, strict=True)]
    grants = [statement for statement in parsed if _is_grant_to_cloudtrail(statement)]
    by = parse_policy(json.dumps({"Statement": required}))
    if not binds or not all(_is_redundant(grant, by, trail_arn) for grant in grants):
        return statements
    return [statement for statement, read in zip(statements, parsed, strict=True) if read not in grants]


def _exempting(statement: _Json, read: Statement, exemption: Exemption) -> _Json:
    """The statement. A Deny that hits a request of CloudTrail without naming it gets a condition that leaves it out."""
    if read.is_allow or (not read.principals.excludes and _CLOUDTRAIL in read.principals.patterns):
        return statement
    hits = {
        applies(read, request).is_true for request in at_all_times((read,), one_of_each((read,), exemption.requests))
    }
    if True not in hits and not (exemption.includes_undecided and None in hits):
        return statement
    conditions = {operator: dict(keys) for operator, keys in statement.get("Condition", {}).items()}
    operator, key = _EXEMPTION
    keys = conditions.setdefault(operator, {})
    name = next((name for name in keys if name.casefold() == key.casefold()), key)
    values = keys.get(name, [])
    keys[name] = [*(values if isinstance(values, list) else [values]), CLOUDTRAIL.name]
    if len(keys[name]) == 1:
        keys[name] = CLOUDTRAIL.name
    return {**statement, "Condition": conditions}


def _unused_sid(sid: str, taken: set[Any]) -> str:
    """The Sid, or one like it that no statement has."""
    return next(name for name in chain((sid,), (f"{sid}x{number}" for number in count(2))) if name not in taken)


def _without_sid(statement: _Json) -> _Json:
    return {name: value for name, value in statement.items() if name != "Sid"}


def _is_grant_to_cloudtrail(statement: Statement) -> bool:
    """Whether the statement allows something and names CloudTrail as a principal."""
    return statement.is_allow and not statement.principals.excludes and _CLOUDTRAIL in statement.principals.patterns


def _is_redundant(grant: Statement, by: Iterable[Statement], trail_arn: str) -> bool:
    """Whether the grant is for CloudTrail and this account alone, and for nothing that ``by`` does not grant as well.

    :param by: grants to CloudTrail on behalf of the trail.
    """
    own = [statement for statement in by if _is_grant_to_cloudtrail(statement)]
    return (
        set(grant.principals.patterns) == {_CLOUDTRAIL}
        and _are_among(grant.actions, [pattern for s in own for pattern in s.actions.patterns], ignore_case=True)
        and _are_among(grant.resources, [pattern for s in own for pattern in s.resources.patterns], ignore_case=False)
        and all(_is_of_account(condition, Arn.parse(trail_arn)) for condition in grant.conditions)
    )


def _are_among(selection: Patterns, granted: list[str], *, ignore_case: bool) -> bool:
    """Wildcards of the selection are plain characters here: a pattern that matches them matches all that they match."""
    return not selection.excludes and all(
        any(matches(wide, pattern, ignore_case=ignore_case).is_true for wide in granted)
        for pattern in selection.patterns
    )


def _is_of_account(condition: Condition, trail: Arn) -> bool:
    """Whether the condition limits the grant to the trail's account, or does not concern the caller."""
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
