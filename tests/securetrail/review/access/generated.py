"""Pairs of bucket policies, and calls to try them with. The same seed gives the same pair."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.securetrail.review.access.naive import Call

Keys = dict[str, tuple[str, ...]]
OWN, FOREIGN, OTHER = "123456789012", "999999999999", "555555555555"
BUCKET = "arn:aws:s3:::logs"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{OWN}:trail/audit"
PRINCIPALS: list[Any] = [
    "*",
    {"AWS": "*"},
    {"AWS": OWN},
    {"AWS": f"arn:aws:iam::{OWN}:root"},
    {"AWS": f"arn:aws:iam::{OWN}:role/reader"},
    {"AWS": f"arn:aws:iam::{FOREIGN}:root"},
    {"AWS": [FOREIGN, f"arn:aws:iam::{OWN}:role/reader"]},
    {"AWS": f"arn:aws:iam::{FOREIGN}:role/auditor"},
    {"Service": "cloudtrail.amazonaws.com"},
    {"Service": ["cloudtrail.amazonaws.com", "logging.s3.amazonaws.com"]},
    {"Service": "logging.s3.amazonaws.com", "AWS": f"arn:aws:iam::{OWN}:role/reader"},
]
ACTIONS: list[Any] = [
    "s3:*",
    "*",
    "s3:Get*",
    "s3:GetObject",
    "s3:PutObject",
    "S3:putobject",
    ["s3:GetObject", "s3:ListBucket"],
    "s3:*Object",
    "s3:?etObject",
    ["s3:Put*", "s3:DeleteObject"],
    "s3:GetBucketAcl",
    ["s3:PutBucketPolicy", "s3:Delete*"],
]
RESOURCES: list[Any] = [
    [BUCKET, f"{BUCKET}/*"],
    f"{BUCKET}/*",
    BUCKET,
    "*",
    f"{BUCKET}/AWSLogs/*",
    f"{BUCKET}/AWSLogs/{OWN}/*",
    f"{BUCKET}/*.gz",
    [f"{BUCKET}/AWSLogs/*", f"{BUCKET}/other"],
    f"{BUCKET}*",
    f"{BUCKET}/AWSLogs/????????????/*",
]
_ARNS = [TRAIL, f"arn:aws:cloudtrail:*:{OWN}:trail/*", "arn:aws:cloudtrail:*:*:trail/*", f"{TRAIL}2", "arn:aws:s3:::*"]
_ROLES = [
    f"arn:aws:iam::{OWN}:role/*",
    f"arn:aws:iam::{OWN}:role/reader",
    "arn:aws:iam::*:role/a*",
    f"arn:aws:iam::{FOREIGN}:*",
]
# Key → operators and the values to compare with.
CONDITIONS: dict[str, tuple[list[str], list[Any]]] = {
    "aws:SecureTransport": (["Bool", "BoolIfExists", "StringEquals"], ["true", "false", False]),
    "aws:SourceArn": (
        ["StringEquals", "ArnLike", "StringLike", "ArnNotLike", "StringNotEquals", "ArnEqualsIfExists", "Null"],
        _ARNS,
    ),
    "aws:SourceAccount": (["StringEquals", "StringNotEquals", "StringEqualsIfExists"], [OWN, [OWN, FOREIGN], FOREIGN]),
    "aws:PrincipalArn": (["ArnLike", "ArnNotLike", "StringLike", "StringNotLikeIfExists", "ArnEqualsIfExists"], _ROLES),
    "aws:PrincipalAccount": (["StringEquals", "StringNotEquals"], [OWN, FOREIGN]),
    # Whatever it is like, the key has to be there.
    "aws:PrincipalOrgID": (
        ["StringEquals", "StringNotEquals", "StringEqualsIfExists", "StringLike"],
        ["o-1", "o-2", "o-*", "*"],
    ),
    "aws:SourceIp": (
        ["IpAddress", "NotIpAddress", "IpAddressIfExists"],
        ["203.0.113.0/24", "0.0.0.0/0", ["203.0.113.0/24", "10.0.0.0/8"], "2001:db8::/32"],
    ),
    "aws:SourceVpce": (["StringEquals", "StringNotEquals", "StringNotEqualsIfExists", "Null"], ["vpce-1", "vpce-2"]),
    "s3:x-amz-acl": (
        ["StringEquals", "StringEqualsIfExists", "StringEqualsIgnoreCase"],
        ["private", "Private", ["private", "public-read"]],
    ),
    "s3:TlsVersion": (
        ["NumericLessThan", "NumericGreaterThanEquals", "NumericEquals", "NumericNotEquals"],
        ["1.2", "1.3"],
    ),
    "aws:CurrentTime": (
        ["DateLessThan", "DateGreaterThan", "DateLessThanEquals"],
        ["2030-01-01T00:00:00+00:00", "2031-01-01T00:00:00+00:00"],
    ),
    "aws:TagKeys": (
        [
            "ForAllValues:StringEquals",
            "ForAnyValue:StringEquals",
            "ForAllValues:StringLike",
            "ForAnyValue:StringNotEquals",
        ],
        ["team", ["team", "cost"], "t*", "*"],
    ),
    "aws:PrincipalIsAWSService": (["Bool"], ["true", "false"]),
}
# What calls carry, by key.
VALUES: dict[str, list[tuple[str, ...]]] = {
    "aws:securetransport": [("true",), ("false",)],
    "aws:principalorgid": [(), ("o-1",), ("o-2",), ("o-3",), ("x",)],
    "aws:sourceip": [(), ("203.0.113.9",), ("10.1.1.1",), ("198.51.100.1",), ("2001:db8::7",)],
    "aws:sourcevpce": [(), ("vpce-1",), ("vpce-2",), ("vpce-3",)],
    "s3:x-amz-acl": [(), ("private",), ("PRIVATE",), ("Private",), ("public-read",), ("x",)],
    "s3:tlsversion": [(), ("1.1",), ("1.2",), ("1.25",), ("1.3",), ("2",)],
    "aws:currenttime": [
        ("2029-05-05T00:00:00+00:00",),
        ("2030-01-01T00:00:00+00:00",),
        ("2030-07-07T00:00:00+00:00",),
        ("2031-01-01T00:00:00+00:00",),
        ("2040-01-01T00:00:00+00:00",),
    ],
    "aws:tagkeys": [
        (),
        ("team",),
        ("cost",),
        ("x",),
        ("team", "cost"),
        ("team", "x"),
        ("cost", "x"),
        ("top",),
        ("top", "team"),
    ],
}
CALLED = [
    *(
        (action, BUCKET)
        for action in (
            "s3:ListBucket",
            "s3:GetBucketAcl",
            "s3:PutBucketPolicy",
            "s3:DeleteBucket",
            "s3:GetBucketPolicy",
        )
    ),
    *(
        (action, BUCKET + key)
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:PutObjectAcl", "s3:GetObjectVersion")
        for key in (
            f"/AWSLogs/{OWN}/x",
            f"/AWSLogs/{OWN}/x.gz",
            f"/AWSLogs/{FOREIGN}/x",
            "/AWSLogs/x",
            "/other",
            "/x.gz",
            "/x",
        )
    ),
]


def pair(seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two policies; the second is mostly the first with some changes."""
    random = Random(seed)
    base = [_statement(random) for _ in range(random.randint(0, 4))]
    head = copy.deepcopy(base) if random.random() < 0.85 else [_statement(random) for _ in range(random.randint(0, 4))]
    for _ in range(random.randint(1, 2)):
        head = _changed(random, head)
    return {"Statement": base}, {"Statement": head}


def calls(random: Random, count: int) -> Iterator[Call]:
    """Calls that a grid of all that is above has, in random places of it."""
    for _ in range(count):
        action, resource = random.choice(CALLED)
        kind, name, own, identity = random.choice(CALLERS)
        keys = {key: random.choice(values) for key, values in VALUES.items()} | own
        if kind == "service":
            keys |= random.choice(SOURCES) | dict.fromkeys(_OF_PEOPLE, ()) | {"aws:securetransport": ("true",)}
        elif kind == "anonymous":
            keys["aws:principalorgid"] = ()
        present = tuple(sorted((key, values) for key, values in keys.items() if values))
        yield Call(kind, name, action, resource, present, identity)


_OF_PEOPLE = ("aws:principalorgid", "aws:sourceip", "aws:sourcevpce")


def _of(arn: str) -> Keys:
    return {"aws:sourcearn": (arn,), "aws:sourceaccount": (arn.split(":")[4],)}


SOURCES: list[Keys] = [
    {},
    {"aws:sourceaccount": (OWN,)},
    {"aws:sourceaccount": (OTHER,)},
    *(
        _of(arn)
        for arn in (
            TRAIL,
            f"{TRAIL}2",
            f"arn:aws:cloudtrail:eu-west-1:{OWN}:trail/x",
            f"arn:aws:cloudtrail:us-east-1:{FOREIGN}:trail/audit",
            f"arn:aws:cloudtrail:us-east-1:{OTHER}:trail/audit",
            f"arn:aws:cloudtrail:us-east-1:{OTHER}:channel/x",
        )
    ),
]


def _person(account: str, name: str) -> tuple[str, str, Keys]:
    arn = f"arn:aws:iam::{account}:role/{name}"
    keys: Keys = {
        "aws:principalarn": (arn,),
        "aws:principalaccount": (account,),
        "aws:principalisawsservice": ("false",),
    }
    return "aws", arn, keys


CALLERS: list[tuple[str, str, Keys, bool]] = [
    *((*_person(OWN, name), identity) for name in ("reader", "x", "a1") for identity in (True, False)),
    *((*_person(account, name), False) for account in (FOREIGN, OTHER) for name in ("auditor", "x", "a1")),
    (
        "anonymous",
        "anonymous",
        {"aws:principalisawsservice": ("false",), "aws:principalaccount": ("anonymous",)},
        False,
    ),
    ("service", "cloudtrail.amazonaws.com", {"aws:principalisawsservice": ("true",)}, False),
    ("service", "config.amazonaws.com", {"aws:principalisawsservice": ("true",)}, False),
]


def _statement(random: Random) -> dict[str, Any]:
    return {
        "Effect": random.choice(["Allow", "Allow", "Deny"]),
        **_element(random, "Principal", PRINCIPALS, 0.1),
        **_element(random, "Action", ACTIONS, 0.15),
        **_element(random, "Resource", RESOURCES, 0.1),
        "Condition": _conditions(random),
    }


def _element(random: Random, name: str, values: list[Any], negated: float) -> dict[str, Any]:
    found = random.choice(values)
    if random.random() >= negated:
        return {name: found}
    # Nobody may be everybody but everybody.
    return {f"Not{name}": found if found not in ("*", {"AWS": "*"}) else values[4]}


def _conditions(random: Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
        key = random.choice(list(CONDITIONS))
        operators, values = CONDITIONS[key]
        operator = random.choice(operators)
        found.setdefault(operator, {})[key] = (
            random.choice(["true", "false"]) if operator == "Null" else random.choice(values)
        )
    return found


def _changed(random: Random, statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    move = random.choice(["add", "remove", "element", "condition", "condition", "effect", "order"])
    if move == "add" or not statements:
        return [*statements, _statement(random)]
    chosen = random.randrange(len(statements))
    if move == "remove":
        return [each for number, each in enumerate(statements) if number != chosen]
    if move == "order":
        return random.sample(statements, len(statements))
    statement, other = dict(statements[chosen]), _statement(random)
    if move == "effect":
        statement["Effect"] = other["Effect"]
    elif move == "condition":
        statement["Condition"] = random.choice(
            [{}, other["Condition"], {**statement["Condition"], **other["Condition"]}]
        )
    else:
        name = random.choice(["Principal", "Action", "Resource"])
        kept = {key: value for key, value in statement.items() if key not in (name, f"Not{name}")}
        statement = {**kept, **{key: value for key, value in other.items() if key in (name, f"Not{name}")}}
    return [statement if number == chosen else each for number, each in enumerate(statements)]


def as_text(policy: dict[str, Any]) -> str:
    return json.dumps(policy, indent=1)
