"""Generated requests: who asks, for what, and every policy that counts, as JSON. A number always gives the same."""

import random
from dataclasses import dataclass
from typing import Any

ACCOUNT, OTHER = "111122223333", "444455556666"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/one"
BUCKET = "arn:aws:s3:::data"

_ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectAcl")
_ACTION_PATTERNS = (*_ACTIONS, "*", "s3:*", "s3:Get*", "S3:getobject", "s3:?etObject", "iam:*", "s3:PutObject*")
_RESOURCES = (f"{BUCKET}/a", f"{BUCKET}/folder/b")
_RESOURCE_PATTERNS = ("*", f"{BUCKET}/*", f"{BUCKET}/a", f"{BUCKET}/folder/?", "arn:aws:s3:::*", BUCKET, f"{BUCKET}/A")
_PRINCIPALS: tuple[Any, ...] = (
    "*",
    {"AWS": "*"},
    {"AWS": ACCOUNT},
    {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    {"AWS": USER},
    {"AWS": [f"arn:aws:iam::{ACCOUNT}:user/bob", ROLE]},
    {"AWS": SESSION},
    {"AWS": f"arn:aws:iam::{OTHER}:root"},
    {"Service": "ec2.amazonaws.com"},
)
_CONDITIONS: tuple[tuple[str, str, Any], ...] = (
    ("StringEquals", "aws:PrincipalAccount", ACCOUNT),
    ("StringNotEquals", "aws:PrincipalAccount", [OTHER, "777788889999"]),
    ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:*"),
    ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*"),
    ("StringLike", "aws:PrincipalArn", "*/ann"),
    ("Bool", "aws:SecureTransport", "false"),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", "true"),
    ("Bool", "aws:MultiFactorAuthPresent", True),
    ("Null", "aws:MultiFactorAuthPresent", "true"),
    ("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "10.0.0.0/8"]),
    ("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"),
    ("StringEquals", "aws:RequestedRegion", ["us-east-1", "eu-west-1"]),
    ("StringEqualsIgnoreCase", "aws:UserAgent", "AWS-CLI"),
    ("DateGreaterThan", "aws:CurrentTime", "2026-01-01T00:00:00Z"),
    ("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z"),
    ("StringNotLikeIfExists", "aws:UserAgent", "aws-*"),
)


@dataclass(frozen=True)
class Case:
    """One request. Policies are documents; `boundary` and `session` are None where there is none."""

    principal: str
    action: str
    resource: str
    owner: str
    context: dict[str, str]
    identity: list[dict[str, Any]]
    bucket: dict[str, Any] | None
    boundary: dict[str, Any] | None
    session: dict[str, Any] | None


def case(number: int) -> Case:
    """The case of a number."""
    chance = random.Random(number)  # noqa: S311 - the same number must give the same case
    principal = chance.choice((USER, SESSION))
    return Case(
        principal=principal,
        action=chance.choice(_ACTIONS),
        resource=chance.choice(_RESOURCES),
        owner=chance.choice((ACCOUNT, ACCOUNT, OTHER)),
        context=_context(chance, principal),
        identity=[_policy(chance) for _ in range(chance.choice((0, 1, 1, 2)))],
        bucket=_policy(chance, has_principals=True) if chance.random() < 0.7 else None,
        boundary=_policy(chance) if chance.random() < 0.3 else None,
        session=_policy(chance) if principal == SESSION and chance.random() < 0.4 else None,
    )


def _context(chance: random.Random, principal: str) -> dict[str, str]:
    found = {
        "aws:PrincipalAccount": ACCOUNT,
        "aws:PrincipalArn": ROLE if principal == SESSION else USER,
        "aws:SecureTransport": "true",
        "aws:SourceIp": chance.choice(("203.0.113.9", "192.0.2.1")),
        "aws:RequestedRegion": chance.choice(("us-east-1", "us-west-2")),
        "aws:CurrentTime": "2026-06-01T12:00:00Z",
    }
    if chance.random() < 0.5:
        found["aws:UserAgent"] = chance.choice(("aws-cli", "curl"))
    if principal == SESSION:
        found["aws:MultiFactorAuthPresent"] = chance.choice(("true", "false"))
    return found


def _policy(chance: random.Random, *, has_principals: bool = False) -> dict[str, Any]:
    statements = [_statement(chance, has_principals=has_principals) for _ in range(chance.randint(1, 3))]
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(chance: random.Random, *, has_principals: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": "Deny" if chance.random() < 0.2 else "Allow"}
    if has_principals:
        found["Principal"] = chance.choice(_PRINCIPALS)
    actions = chance.sample(_ACTION_PATTERNS, chance.randint(1, 2))
    found["NotAction" if chance.random() < 0.1 else "Action"] = actions if len(actions) > 1 else actions[0]
    resources = chance.sample(_RESOURCE_PATTERNS, chance.randint(1, 2))
    found["NotResource" if chance.random() < 0.1 else "Resource"] = resources
    if chance.random() < 0.5:
        conditions: dict[str, dict[str, Any]] = {}
        for operator, key, wanted in chance.sample(_CONDITIONS, chance.randint(1, 2)):
            conditions.setdefault(operator, {})[key] = wanted
        found["Condition"] = conditions
    return found
