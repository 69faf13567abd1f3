"""For generated accounts a second, deliberately simple evaluation names the same identities and calls."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.verify.posture.who.accounts import (
    ACCOUNT,
    BUCKET,
    KEY,
    RESOURCES,
    TRAIL,
    Document,
    policy,
    recorder,
    role,
    user,
)
from verify.posture.who.judge import judge
from verify.posture.who.powers import POWERS

NAMES = ("ann", "bob", "eve")
ACTIONS = ("*", "cloudtrail:*", "cloudtrail:Stop*", "s3:*", "s3:Delete*", "s3:Put?ucket*", "kms:*", "kms:DisableKey",
           "events:DisableRule", "ec2:*")  # fmt: skip
PLACES = ("*", TRAIL, "arn:aws:cloudtrail:*:*:trail/other", BUCKET, f"{BUCKET}/*", f"{BUCKET}*", "arn:aws:s3:::other/*",
          KEY, "arn:aws:kms:*:*:key/*")  # fmt: skip
statements = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Allow", "Deny"]),
        "Action": st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2),
        "Resource": st.lists(st.sampled_from(PLACES), min_size=1, max_size=2),
    }
)
policies = st.lists(statements, max_size=3)
principals = st.sampled_from(["*", ACCOUNT, *(f"arn:aws:iam::{ACCOUNT}:{kind}/{name}" for kind in ("user", "role")
                                              for name in NAMES)])  # fmt: skip
resource_policies = st.lists(
    st.builds(
        lambda s, who: {**s, "Principal": {"AWS": who}}, statements, st.lists(principals, min_size=1, max_size=2)
    ),
    max_size=3,
)


@dataclass(frozen=True)
class Case:
    kind: str
    identity: Sequence[Document]
    boundary: Sequence[Document] | None
    bucket: Sequence[Document]
    key: Sequence[Document]
    levels: Sequence[Sequence[Document]]


cases = st.builds(
    Case,
    kind=st.sampled_from(["user", "role"]),
    identity=policies,
    boundary=st.none() | policies,
    bucket=resource_policies,
    key=resource_policies,
    levels=st.lists(policies, max_size=2),
)


def fits(patterns: Sequence[str], text: str) -> bool:
    translated = (re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in patterns)
    return any(re.fullmatch(pattern, text, re.DOTALL) for pattern in translated)


def says(effect: str, policy_of: Sequence[Mapping[str, Any]], action: str, place: str, *principals: str) -> bool:
    return any(
        s["Effect"] == effect
        and fits(s["Action"], action)
        and fits(s["Resource"], place)
        and ("Principal" not in s or set(s["Principal"]["AWS"]) & set(principals))
        for s in policy_of
    )


def is_allowed(case: Case, arn: str, action: str, place: str) -> bool:
    """As AWS's flow chart has it, step by step."""
    of_resource = {"s3": case.bucket, "kms": case.key}.get(action.split(":", maxsplit=1)[0], [])
    everywhere = [case.identity, case.boundary or [], of_resource, *case.levels]
    if any(says("Deny", one, action, place, arn, ACCOUNT, "*") for one in everywhere):
        return False
    if not all(says("Allow", level, action, place) for level in case.levels):
        return False
    bounded = case.boundary is None or says("Allow", case.boundary, action, place)
    if says("Allow", of_resource, action, place, arn, "*") and (bounded or case.kind == "user"):
        return True
    if action.startswith("kms:") and not says("Allow", of_resource, action, place, ACCOUNT):
        return False
    return says("Allow", case.identity, action, place) and bounded


def check(case: Case) -> None:
    make = user if case.kind == "user" else role
    who = make("ann", *case.identity, boundary=None if case.boundary is None else policy(*case.boundary))
    where = recorder(case.bucket, case.key, service_control_policies=tuple((policy(*level),) for level in case.levels))

    found = {finding.arn: finding for finding in judge(where, [who])}

    listed = {(can.action, can.resource) for can in found[who.arn].abilities} if who.arn in found else set()
    assert listed == {
        (action, place)
        for power in POWERS
        for action, part in power.calls
        for place in RESOURCES.get(part, ())
        if is_allowed(case, who.arn, action, place)
    }


@given(cases)
def test_both_evaluations_list_the_same_calls(case: Case) -> None:
    check(case)
