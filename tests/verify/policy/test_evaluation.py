import json
from typing import Any

import pytest

from verify.policy.document import parse_policy
from verify.policy.evaluation import EVERYBODY, Principal, PrincipalKind, Request, decide
from verify.policy.ternary import NO, YES, Ternary, all_of, any_of, negation, undecided

CLOUDTRAIL = Principal(PrincipalKind.SERVICE, "cloudtrail.amazonaws.com")
ROLE = Principal(PrincipalKind.AWS, "arn:aws:iam::123456789012:role/reader")
OBJECT = "arn:aws:s3:::logs/AWSLogs/123456789012/a"
ALLOW: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudtrail.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::logs/AWSLogs/123456789012/*",
}
DENY = {**ALLOW, "Effect": "Deny", "Sid": "No"}


def changed(statement: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**statement, **changes}


def swapped(statement: dict[str, Any], old: str, new: str, value: Any) -> dict[str, Any]:
    return {key: entry for key, entry in statement.items() if key != old} | {new: value}


def allowed(*statements: dict[str, Any], principal: Principal = CLOUDTRAIL, action: str = "s3:PutObject") -> Ternary:
    request = Request(principal, action, OBJECT, {"aws:securetransport": ("true",), "aws:principalorgid": ()})
    return decide(parse_policy(json.dumps({"Statement": statements})), request).is_allowed


UNKNOWN_KEY = {"StringEquals": {"aws:SourceOrgID": "o-1"}}
NEVER = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], False),
        ([ALLOW], True),
        ([changed(ALLOW, Action=["s3:Get*", "S3:PUT*"])], True),
        ([changed(ALLOW, Action="s3:GetObject")], False),
        ([changed(ALLOW, Resource=["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"])], True),
        ([changed(ALLOW, Resource="arn:aws:s3:::logs")], False),
        ([changed(ALLOW, Resource="arn:aws:s3:::logs/awslogs/*")], False),
        ([changed(ALLOW, Principal="*")], True),
        ([changed(ALLOW, Principal={"AWS": "*"})], True),
        ([changed(ALLOW, Principal={"Service": ["config.amazonaws.com", "cloudtrail.amazonaws.com"]})], True),
        ([changed(ALLOW, Principal={"Service": "config.amazonaws.com"})], False),
        ([changed(ALLOW, Principal={"Service": "*"})], None),
        ([changed(ALLOW, Principal={"AWS": "cloudtrail.amazonaws.com"})], False),
        ([changed(ALLOW, Principal={"AWS": "arn:aws:iam::123456789012:root"})], False),
        ([swapped(ALLOW, "Action", "NotAction", "s3:GetObject")], True),
        ([swapped(ALLOW, "Action", "NotAction", "s3:*")], False),
        ([swapped(ALLOW, "Resource", "NotResource", "arn:aws:s3:::other/*")], True),
        ([swapped(ALLOW, "Resource", "NotResource", "arn:aws:s3:::logs/*")], False),
        ([swapped(ALLOW, "Principal", "NotPrincipal", {"Service": "config.amazonaws.com"})], True),
        ([swapped(ALLOW, "Principal", "NotPrincipal", {"Service": "cloudtrail.amazonaws.com"})], False),
        ([ALLOW, DENY], False),
        ([DENY, ALLOW], False),
        ([ALLOW, changed(DENY, Condition=NEVER)], True),
        ([ALLOW, swapped(DENY, "Principal", "NotPrincipal", {"AWS": "123456789012"})], False),
        ([changed(ALLOW, Condition=UNKNOWN_KEY)], None),
        ([changed(ALLOW, Condition=UNKNOWN_KEY), ALLOW], True),
        ([changed(ALLOW, Condition=UNKNOWN_KEY), DENY], False),
        ([ALLOW, changed(DENY, Condition=UNKNOWN_KEY)], None),
        ([changed(DENY, Condition=UNKNOWN_KEY)], False),
        ([changed(ALLOW, Condition={**UNKNOWN_KEY, **NEVER})], False),
        ([changed(ALLOW, Principal={"AWS": "123456789012"}, Condition=UNKNOWN_KEY)], False),
        ([changed(ALLOW, Resource="arn:aws:s3:::logs/${aws:username}/*")], None),
    ],
)
def test_decisions_follow_aws_and_never_guess(statements: list[dict[str, Any]], *, expected: bool | None) -> None:
    assert allowed(*statements).is_true is expected


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"AWS": "arn:aws:iam::123456789012:role/reader"}, True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, True),
        ({"AWS": "123456789012"}, True),
        ({"AWS": ["999999999999", "*"]}, True),
        ({"AWS": "arn:aws:iam::999999999999:root"}, False),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, False),
        ({"AWS": "AIDAEXAMPLE"}, False),
        ({"Federated": "cognito-identity.amazonaws.com"}, False),
        ({"CanonicalUser": "79a59df900b949e5"}, None),
    ],
)
def test_an_account_stands_for_its_principals(principal: dict[str, Any], *, expected: bool | None) -> None:
    assert allowed(changed(ALLOW, Principal=principal), principal=ROLE).is_true is expected


@pytest.mark.parametrize(
    ("kind", "principal", "expected"),
    [
        ("Federated", {"Federated": "cognito-identity.amazonaws.com"}, True),
        ("Federated", {"Federated": ["accounts.google.com", "cognito-identity.amazonaws.com"]}, True),
        ("Federated", {"Federated": "accounts.google.com"}, False),
        ("Federated", {"Service": "cognito-identity.amazonaws.com"}, False),
        ("Federated", "*", True),
        ("CanonicalUser", {"CanonicalUser": "cognito-identity.amazonaws.com"}, True),
        ("CanonicalUser", {"CanonicalUser": "79a59df900b949e5"}, False),
        ("CanonicalUser", {"AWS": "123456789012"}, False),
    ],
)
def test_identity_providers_and_canonical_users_match_only_their_own_kind(
    kind: str, principal: Any, *, expected: bool
) -> None:
    kinds = {"Federated": PrincipalKind.FEDERATED, "CanonicalUser": PrincipalKind.CANONICAL_USER}
    who = Principal(kinds[kind], "cognito-identity.amazonaws.com")
    assert allowed(changed(ALLOW, Principal=principal), principal=who).is_true is expected
    others = swapped(ALLOW, "Principal", "NotPrincipal", principal)
    assert allowed(others, principal=who).is_true is not expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (changed(DENY, Principal="*"), True),
        (changed(DENY, Principal={"AWS": "*"}), True),
        (changed(DENY, Principal={"AWS": "123456789012"}), False),
        (swapped(DENY, "Principal", "NotPrincipal", {"AWS": "123456789012"}), False),
    ],
)
def test_everybody_is_denied_only_when_nobody_is_left_out(statement: dict[str, Any], *, expected: bool) -> None:
    decision = decide(
        parse_policy(json.dumps({"Statement": statement})), Request(EVERYBODY, "s3:PutObject", OBJECT, {})
    )
    assert decision.deny.is_true is expected
    assert decision.denied_by == ("No" if expected else None)


def test_three_valued_logic_decides_where_it_makes_no_difference() -> None:
    open_answer = undecided("key", "k")
    assert all_of([open_answer, NO]) == NO
    assert any_of([open_answer, YES]) == YES
    assert all_of([YES, open_answer]) == any_of([NO, open_answer]) == negation(open_answer) == open_answer
    assert (all_of([]), any_of([]), negation(YES)) == (YES, NO, NO)
