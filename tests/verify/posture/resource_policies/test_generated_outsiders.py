"""Generated bucket policies: one that passes lets in no outsider of a wide grid of requests, and one that fails does.

Each request of the grid is decided by the naive evaluator of the policy's tests, which shares no code with the check.
"""

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.verify.policy.generated import ACCOUNT as THEIRS
from tests.verify.policy.generated import ROLE, USER, Case
from tests.verify.policy.test_generated import naive
from tests.verify.posture import healthy
from tests.verify.posture.healthy import ACCOUNT as OURS
from tests.verify.posture.healthy import policy, result
from tests.verify.posture.statements import BUCKET_ARN
from verify.posture.facts.trail import IN_NO_ORGANIZATION
from verify.posture.model import Status

ANOTHER = "777788889999"
ACTIONS = {"s3:GetObject": f"{BUCKET_ARN}/x", "s3:PutObject": f"{BUCKET_ARN}/x", "s3:ListBucket": BUCKET_ARN}
PRINCIPALS: tuple[Any, ...] = (
    *("*", {"AWS": "*"}, {"AWS": THEIRS}, {"AWS": ROLE}, {"AWS": OURS}, {"AWS": f"arn:aws:iam::{OURS}:role/app"}),
    {"Service": "config.amazonaws.com"},
)
# What a caller chooses: key → values that a policy names, and values that are sent.
CHOSEN: dict[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    "s3:x-amz-acl": (
        ("private", "bucket-owner-full-control"),
        ((), ("private",), ("bucket-owner-full-control",), ("x",)),
    ),
    "aws:Referer": (("https://a/*", "https://b/"), ((), ("https://a/1",), ("https://b/",), ("x",))),
    "s3:prefix": (("AWSLogs/", "home/"), ((), ("AWSLogs/",), ("home/",), ("x",))),
    "aws:SecureTransport": (("true", "false"), (("true",), ("false",))),
}
# What it does not choose.
GIVEN = {
    "aws:PrincipalAccount": (OURS, THEIRS),
    "aws:SourceAccount": (OURS, THEIRS),
    "aws:PrincipalIsAWSService": ("true", "false"),
    "aws:PrincipalServiceName": ("config.amazonaws.com", "ec2.amazonaws.com"),
    "aws:PrincipalArn": (ROLE, f"arn:aws:iam::{OURS}:role/*"),
}


def condition(chance: random.Random, chosen: list[str]) -> dict[str, Any]:
    key = chance.choice([*chosen, *GIVEN])
    values = CHOSEN[key][0] if key in CHOSEN else GIVEN[key]
    if chance.random() < 0.2 and key != "aws:SecureTransport":
        return {"Null": {key: chance.choice(["true", "false"])}}
    operator = "Bool" if key in ("aws:SecureTransport", "aws:PrincipalIsAWSService") else "StringLike"
    if operator == "StringLike" and chance.random() < 0.3:
        operator = chance.choice(["StringNotLike", "StringLikeIfExists"])
    return {operator: {key: chance.choice(values)}}


def statements(number: int) -> tuple[list[dict[str, Any]], list[str]]:
    """A policy, and the keys of which callers of this one choose values."""
    chance = random.Random(number)  # noqa: S311
    chosen = chance.sample(sorted(CHOSEN), 2)
    made = []
    for place in range(chance.choice([1, 2, 3])):
        conditions: dict[str, Any] = {}
        for _ in range(chance.choice([0, 1, 1, 2])):
            conditions |= condition(chance, chosen)
        made.append(
            {
                "Sid": f"S{place}",
                "Effect": "Deny" if place and chance.random() < 0.4 else "Allow",
                "Principal": chance.choice(PRINCIPALS),
                "Action": chance.choice([*ACTIONS, "s3:*", "s3:*Object"]),
                "Resource": [BUCKET_ARN, f"{BUCKET_ARN}/*"],
                **({"Condition": conditions} if conditions else {}),
            }
        )
    return made, chosen


def requests(document: dict[str, Any], chosen: list[str]) -> Iterator[Case]:
    """Everything that outsiders could ask, as far as the generator's policies tell it apart."""
    callers: list[tuple[str, bool, dict[str, tuple[str, ...]]]] = [
        (who, False, {"aws:PrincipalAccount": (who.split(":")[4],), "aws:PrincipalArn": (who,)})
        for who in (ROLE, USER, ROLE.replace(THEIRS, ANOTHER))
    ]
    callers += [
        (service, True, {"aws:SourceAccount": (account,), "aws:PrincipalServiceName": (service,)})
        for service in ("config.amazonaws.com", "ec2.amazonaws.com", "sns.amazonaws.com")
        for account in (THEIRS, ANOTHER)
    ]
    for who, is_service, known in callers:
        # To the naive evaluator every caller is of one account, so that a grant to that account is none to another's.
        asked = document if is_service or THEIRS in who else _for_nobody(document)
        sent = [((("true",),) if is_service and key == "aws:SecureTransport" else CHOSEN[key][1]) for key in chosen]
        for action, values in itertools.product(ACTIONS, itertools.product(*sent)):
            picked = {key: value for key, value in zip(chosen, values, strict=True) if value}
            is_it = {"aws:PrincipalIsAWSService": (str(is_service).lower(),)}
            yield Case(who, action, ACTIONS[action], {**known, **is_it, **picked}, asked)


def _for_nobody(document: dict[str, Any]) -> dict[str, Any]:
    """The policy, in which what names the one account as a principal names one that nobody has."""
    made = [
        {**each, "Principal": json.loads(json.dumps(each["Principal"]).replace(THEIRS, "0" * 12))}
        for each in document["Statement"]
    ]
    return {**document, "Statement": made}


def check(number: int) -> Status:
    made, chosen = statements(number)
    document = {"Version": "2012-10-17", "Statement": made}
    found = result(healthy.but(bucket_policy=policy(*made)), "bucket_policy_keeps_strangers_out").status

    let_in = [case for case in requests(document, chosen) if naive(case)]

    assert found is not Status.UNKNOWN, document
    assert (found is Status.FAIL) is bool(let_in), (document, let_in[:1])
    return found


def test_who_is_let_in_by_a_generated_policy_is_found_and_nobody_else() -> None:
    assert {check(number) for number in range(30)} == {Status.PASS, Status.FAIL}


# ---- one value, several patterns -------------------------------------------------------------------------------------

NAMES = ["".join(each) for length in range(1, 5) for each in itertools.product("abx", repeat=length)]
PATTERNS = ("a*", "*b", "?", "??*", "a?*", "*a*", "a*b", "b*", "?b*", "*", "ab", "b")
# What is compared with several patterns → the condition key, and how its value is made of a name.
VALUES = {
    "role": ("aws:PrincipalArn", f"arn:aws:iam::{THEIRS}:role/{{}}"),
    "point": ("s3:DataAccessPointArn", f"arn:aws:s3:eu-west-1:{THEIRS}:accesspoint/{{}}"),
    "source": ("aws:SourceArn", f"arn:aws:config:eu-west-1:{THEIRS}:{{}}"),
    "organization": ("aws:PrincipalOrgID", "o-{}"),
    "prefix": ("s3:prefix", "{}"),
    "object": ("", f"{BUCKET_ARN}/{{}}"),
}


def about_one_value(number: int) -> tuple[list[dict[str, Any]], str]:
    """A policy whose statements compare one value with several patterns, and what that value is."""
    chance = random.Random(number)  # noqa: S311
    what = chance.choice(sorted(VALUES))
    key, form = VALUES[what]
    made = []
    for place in range(chance.choice([1, 2, 2, 3])):
        found: dict[str, Any] = {
            "Sid": f"S{place}",
            "Effect": "Deny" if place and chance.random() < 0.6 else "Allow",
            "Principal": {"Service": "config.amazonaws.com"} if what == "source" else "*",
            "Action": "s3:ListBucket" if what == "prefix" else "s3:GetObject",
        }
        patterns = [form.format(each) for each in chance.sample(PATTERNS, chance.choice([1, 1, 2]))]
        if what == "object":
            found["NotResource" if place and chance.random() < 0.4 else "Resource"] = patterns
        else:
            found["Resource"] = "*"
            operators = chance.sample(["StringLike", "StringNotLike", "StringEquals"], chance.choice([1, 2]))
            found["Condition"] = {operator: {key: chance.choice(patterns)} for operator in operators}
        made.append(found)
    return made, what


def about_one_value_asked(document: dict[str, Any], what: str) -> Iterator[Case]:
    key, form = VALUES[what]
    who, action = ROLE, "s3:ListBucket" if what == "prefix" else "s3:GetObject"
    context: dict[str, tuple[str, ...]] = {"aws:PrincipalAccount": (THEIRS,)}
    if what == "source":
        who, context = "config.amazonaws.com", {"aws:SourceAccount": (THEIRS,)}
    # Chosen texts may have stars of their own; names of IAM and of resources have none.
    literal = [*PATTERNS, ""] if what == "prefix" else []
    for name in (*NAMES, *literal):
        value = form.format(name)
        if what == "role":
            who = value
        sent = {key: (value,)} if key else {}
        resource = BUCKET_ARN if what == "prefix" else value if what == "object" else f"{BUCKET_ARN}/x"
        yield Case(who, action, resource, {**context, **sent}, document)
    if what in ("point", "prefix"):  # need not be sent
        yield Case(who, action, BUCKET_ARN if what == "prefix" else f"{BUCKET_ARN}/x", context, document)


def check_one_value(number: int) -> Status:
    made, what = about_one_value(number)
    document = {"Version": "2012-10-17", "Statement": made}
    facts = healthy.but(bucket_policy=policy(*made), organization_id=IN_NO_ORGANIZATION)
    found = result(facts, "bucket_policy_keeps_strangers_out").status

    let_in = [case for case in about_one_value_asked(document, what) if naive(case)]

    assert not let_in or found is Status.FAIL, (document, let_in[:1])
    return found


def test_one_value_that_several_patterns_decide_is_found() -> None:
    assert {check_one_value(number) for number in range(15)} == {Status.PASS, Status.FAIL}


@pytest.mark.slow
def test_generated_policies_let_in_nobody_unseen() -> None:
    for number in range(30, 250):
        check(number)
    for number in range(15, 700):
        check_one_value(number)
