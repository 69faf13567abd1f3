"""Generated resource policies, each with a request. A number always gives the same."""

import random
from dataclasses import dataclass
from typing import Any

ACCOUNT, OTHER = "111122223333", "444455556666"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
SERVICE = "cloudtrail.amazonaws.com"
BUCKET = "arn:aws:s3:::data"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"

_ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectAcl")
_ACTION_PATTERNS = (
    *_ACTIONS,
    "*",
    "s3:*",
    "s3:Get*",
    "S3:getobject",
    "s3:?etObject",
    "iam:*",
    "s3:*Object",
    "s3:P*O*t",
)
_RESOURCES = (f"{BUCKET}/a", f"{BUCKET}/ann/b", f"{BUCKET}/red/*")
_RESOURCE_PATTERNS = (
    *("*", f"{BUCKET}/*", f"{BUCKET}/a", f"{BUCKET}/???/?", "arn:aws:s3:::*", BUCKET, f"{BUCKET}/A", f"{BUCKET}/*/*"),
    *(f"{BUCKET}/${{aws:username}}/*", f"{BUCKET}/${{aws:PrincipalTag/team, 'blue'}}/*", f"{BUCKET}/red/${{*}}"),
)
_PRINCIPALS: tuple[Any, ...] = (
    *("*", {"AWS": "*"}, {"AWS": ACCOUNT}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {"AWS": USER}),
    *({"AWS": [f"arn:aws:iam::{ACCOUNT}:user/bob", ROLE]}, {"AWS": f"arn:aws:iam::{OTHER}:root"}, {"AWS": OTHER}),
    *({"Service": SERVICE}, {"Service": ["ec2.amazonaws.com", SERVICE]}, {"Service": "ec2.amazonaws.com"}),
    *({"AWS": USER, "Service": SERVICE}, {"Federated": "accounts.google.com"}),
)
_WILDCARDS = ("*", "a*", "?nn", "*n*n*", "", "**", "ann?", "${*}", "a${?}", "${$}")
_TEXTS = ("ann", "Ann", "red", "a*", "${aws:username}", "${aws:PrincipalTag/team}", "${aws:PrincipalTag/team, 'blue'}")
_ARNS = (
    *(USER, ROLE, TRAIL, f"arn:aws:iam::{ACCOUNT}:*", "arn:aws:iam::*:role/*", "arn:*:iam::1*3:user/${aws:username}"),
    *("arn:aws:*:*:*:*", f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*", "arn:aws:iam::*:*/???", "*", "arn:*"),
)
_DATES = ("2026-01-01T00:00:00Z", "2026-06-01T12:00:00Z", "2026-06-01T14:00:00+02:00", "2027-01-01", "1780315200")
_NUMBERS: tuple[Any, ...] = ("1", "1.2", 1.3, "300", 300, "-1", "1e3")
_NETWORKS = ("203.0.113.0/24", "10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "0.0.0.0/0", "203.0.113.9/32")
_ORDERS = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
# What an operator compares → its names, keys that have such a value, and values that policies name.
_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[Any, ...]]] = {
    "text": (
        ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        ("aws:username", "aws:PrincipalTag/team", "aws:UserAgent", "aws:PrincipalAccount", "s3:x-amz-acl"),
        (*_TEXTS, ACCOUNT, OTHER, "bucket-owner-full-control"),
    ),
    "pattern": (
        ("StringLike", "StringNotLike"),
        ("aws:username", "aws:PrincipalTag/team", "aws:UserAgent", "aws:PrincipalArn", "aws:SourceArn"),
        (*_TEXTS, *_WILDCARDS, *_ARNS),
    ),
    "arn": (
        ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
        ("aws:PrincipalArn", "aws:SourceArn"),
        _ARNS,
    ),
    "bool": (
        ("Bool",),
        ("aws:SecureTransport", "aws:MultiFactorAuthPresent"),
        ("true", "false", True, False, "True"),
    ),
    "number": (
        tuple(f"Numeric{name}" for name in _ORDERS),
        ("aws:MultiFactorAuthAge", "s3:TlsVersion"),
        _NUMBERS,
    ),
    "date": (
        tuple(f"Date{name}" for name in _ORDERS),
        ("aws:CurrentTime", "aws:TokenIssueTime"),
        _DATES,
    ),
    "address": (("IpAddress", "NotIpAddress"), ("aws:SourceIp",), _NETWORKS),
    "texts": (
        ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"),
        ("aws:TagKeys",),
        _TEXTS + _WILDCARDS,
    ),
}


@dataclass(frozen=True)
class Case:
    """One request and the policy of its resource, which another account than the caller's has.

    :param principal: an ARN, or a service's host name.
    :param context: condition keys with their values; the request has no others.
    """

    principal: str
    action: str
    resource: str
    context: dict[str, tuple[str, ...]]
    policy: dict[str, Any]

    @property
    def is_service(self) -> bool:
        """Whether an AWS service asks."""
        return not self.principal.startswith("arn:")


def case(number: int) -> Case:
    """The case of a number."""
    chance = random.Random(number)  # noqa: S311 - the same number must give the same case
    principal = chance.choice((USER, USER, ROLE, SERVICE))
    action = chance.choice(_ACTIONS)
    return Case(
        principal=principal,
        action=action,
        resource=chance.choice(_RESOURCES),
        context=_context(chance, principal, action),
        policy={
            "Version": chance.choice(("2012-10-17",) * 5 + ("2008-10-17",)),
            "Statement": [_statement(chance) for _ in range(chance.randint(1, 4))],
        },
    )


def _context(chance: random.Random, principal: str, action: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {
        "aws:SecureTransport": (chance.choice(("true", "false")),),
        "aws:SourceIp": (chance.choice(("203.0.113.9", "192.0.2.1", "2001:db8::1")),),
        "aws:CurrentTime": (chance.choice(("2026-06-01T12:00:00Z", "2027-01-01T00:00:00Z")),),
        "s3:TlsVersion": (chance.choice(("1.2", "1.3")),),
    }
    if principal == SERVICE:
        found["aws:SourceArn"] = (TRAIL,)
    else:
        found |= {"aws:PrincipalArn": (principal,), "aws:PrincipalAccount": (ACCOUNT,)}
    maybe = {
        "aws:UserAgent": ("ann", "curl", "a*"),
        "aws:PrincipalTag/team": ("red", "ann", "Red", "a*"),
        "aws:MultiFactorAuthPresent": ("true", "false"),
        "aws:MultiFactorAuthAge": ("1", "300", "1000"),
        "aws:TokenIssueTime": ("2026-01-01T00:00:00Z", "2026-06-01T12:00:00Z"),
    }
    if action == "s3:PutObject":
        maybe["s3:x-amz-acl"] = ("bucket-owner-full-control", "private")
    found |= {key: (chance.choice(values),) for key, values in maybe.items() if chance.random() < 0.5}
    if principal == USER:
        found["aws:username"] = ("ann",)
    if chance.random() < 0.5:
        found["aws:TagKeys"] = tuple(chance.sample(("ann", "red", "blue", "a*"), chance.randint(1, 3)))
    return found


def _statement(chance: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": "Deny" if chance.random() < 0.25 else "Allow"}
    found["NotPrincipal" if chance.random() < 0.1 else "Principal"] = chance.choice(_PRINCIPALS)
    actions = chance.sample(_ACTION_PATTERNS, chance.randint(1, 2))
    found["NotAction" if chance.random() < 0.1 else "Action"] = actions if len(actions) > 1 else actions[0]
    resources = chance.sample(_RESOURCE_PATTERNS, chance.randint(1, 2))
    found["NotResource" if chance.random() < 0.1 else "Resource"] = resources
    conditions: dict[str, dict[str, Any]] = {}
    for _ in range(chance.choice((0, 1, 1, 2))):
        operator, key, wanted = _condition(chance)
        conditions.setdefault(operator, {})[key] = wanted
    return found | ({"Condition": conditions} if conditions else {})


def _condition(chance: random.Random) -> tuple[str, str, Any]:
    names, keys, values = _KINDS[chance.choice(tuple(_KINDS))]
    key = chance.choice(keys)
    if chance.random() < 0.1:
        return "Null", key, chance.choice(("true", "false", True))
    wanted = chance.sample(values, chance.randint(1, 2))
    operator = chance.choice(names) + ("IfExists" if chance.random() < 0.2 else "")
    # Without a quantifier it is not documented what a key with several values is compared to.
    has_several = key == "aws:TagKeys"
    if chance.random() < (0.9 if has_several else 0.05):
        operator = f"{chance.choice(('ForAllValues', 'ForAnyValue'))}:{operator}"
    return operator, chance.choice((key, key, key.lower())), wanted if len(wanted) > 1 else wanted[0]
