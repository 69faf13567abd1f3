"""What all policies together decide, against three other evaluators that share no code with the lab's: the verifier's,
a naive one, and, in the slow tests, a program of others.
"""

import fnmatch
import ipaddress
import json
from collections.abc import Callable
from typing import Any

import pytest

from lab.authorization.decision import (
    BOUNDARY,
    IDENTITY,
    RESOURCE,
    SESSION,
    Refusal,
    ResourcePolicy,
    granted,
    refusal,
)
from lab.authorization.document import Asked, document
from lab.authorization.facts import Grant
from lab.authorization.principal import Named, Principal
from tests.iam_simulate import simulate
from tests.lab.authorization.cases import ACCOUNT, OTHER, ROLE, USER, Case, case
from tests.lab.authorization.cases import SESSION as SESSION_ARN
from verify.policy.document import parse_policy
from verify.policy.evaluation import Principal as VerifierPrincipal
from verify.policy.evaluation import PrincipalKind, Request, decide


def context(found: Case) -> dict[str, tuple[str, ...]]:
    return {name.lower(): (value,) for name, value in found.context.items()}


def decided(found: Case) -> Refusal | None:
    who = Principal(
        arn=found.principal,
        account=ACCOUNT,
        role_arn=ROLE if found.principal == SESSION_ARN else "",
        policies=tuple(map(json.dumps, found.identity)),
        boundary=None if found.boundary is None else json.dumps(found.boundary),
        session=None if found.session is None else (json.dumps(found.session),),
    )
    resource = ResourcePolicy("" if found.bucket is None else json.dumps(found.bucket), found.owner)
    return refusal(Asked(found.action, found.resource, context(found)), who, resource)


# ---- a naive evaluator: as AWS's page on the evaluation of policies says it, statement by statement ----


def naive(found: Case) -> bool:
    layers = [found.identity, [found.boundary or {}], [found.session or {}], [found.bucket or {}]]
    statements = [_statements(layer) for layer in layers]
    about = [[each for each in layer if _is_about(each, found)] for layer in statements]
    about[3] = [each for each in about[3] if _how(each["Principal"], found)]
    if any(each["Effect"] == "Deny" for layer in about for each in layer):
        return False
    identity, boundary, session, bucket = about
    allows = bool(identity)
    within = (found.boundary is None or bool(boundary)) and (found.session is None or bool(session))
    how = max((_how(each["Principal"], found) for each in bucket), default=0)
    if found.owner != ACCOUNT:
        return allows and within and how > 0
    return how == 3 or (within and (allows or how == 2))


def _statements(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for policy in policies for each in policy.get("Statement", [])]


def _how(principal: Any, found: Case) -> int:
    """1: the account is named, 2: the role, 3: the caller, or everybody."""
    if principal == "*":
        return 3
    names = principal.get("AWS", [])
    ways = []
    for name in [names] if isinstance(names, str) else names:
        ways.append(3 if name in ("*", found.principal) else 0)
        ways.append(2 if name == ROLE and found.principal == SESSION_ARN else 0)
        ways.append(1 if name in (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root") else 0)
    return max(ways, default=0)


def _is_about(statement: dict[str, Any], found: Case) -> bool:
    def includes(element: str, value: str, fold: Callable[[str], str]) -> bool:
        name = element if element in statement else f"Not{element}"
        patterns = statement[name] if isinstance(statement[name], list) else [statement[name]]
        return any(fnmatch.fnmatchcase(fold(value), fold(each)) for each in patterns) == (name == element)

    if not includes("Action", found.action, str.lower) or not includes("Resource", found.resource, str):
        return False
    return all(
        _is_met(operator, found.context.get(key), wanted if isinstance(wanted, list) else [wanted])
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _is_met(operator: str, actual: str | None, wanted: list[Any]) -> bool:
    texts = [str(each).lower() if isinstance(each, bool) else str(each) for each in wanted]
    plain = operator.removesuffix("IfExists")
    if plain == "Null":
        return (actual is None) == (texts[0] == "true")
    is_negated = "Not" in plain
    if actual is None:
        return is_negated or plain != operator
    compare: Callable[[str], bool] = {
        "StringEquals": lambda each: actual == each,
        "StringEqualsIgnoreCase": lambda each: actual.lower() == each.lower(),
        "StringLike": lambda each: fnmatch.fnmatchcase(actual, each),
        "ArnLike": lambda each: all(map(fnmatch.fnmatchcase, actual.split(":", 5), each.split(":", 5))),
        "Bool": lambda each: actual == each,
        "IpAddress": lambda each: ipaddress.ip_address(actual) in ipaddress.ip_network(each),
        "DateGreaterThan": lambda each: actual > each,
        "DateLessThan": lambda each: actual < each,
    }[plain.replace("Not", "")]
    return any(map(compare, texts)) != is_negated


def differences_from_the_naive(numbers: range) -> list[int]:
    return [number for number in numbers if (decided(case(number)) is None) != naive(case(number))]


def differences_from_the_verifiers(numbers: range) -> list[int]:
    """It evaluates resource policies alone, and takes no session's role for the session."""
    found = []
    for number in numbers:
        one = case(number)
        if one.bucket is None or one.principal != USER:
            continue
        text = json.dumps(one.bucket)
        keys = {name.lower(): (value,) for name, value in one.context.items()}
        absent = {name: () for name in ("aws:useragent", "aws:multifactorauthpresent") if name not in keys}
        principal = VerifierPrincipal(PrincipalKind.AWS, one.principal)
        theirs = decide(parse_policy(text), Request(principal, one.action, one.resource, {**keys, **absent}))
        asked = Asked(one.action, one.resource, keys)
        who = Principal(
            one.principal, ACCOUNT, policies=('{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',)
        )
        # Of another account's bucket nothing is allowed but what its policy allows.
        ours = refusal(asked, who, ResourcePolicy(text, OTHER)) is None
        is_undecided = theirs.is_allowed.is_true is None and "Date" in text  # it does not compare dates
        if not is_undecided and ours is not theirs.is_allowed.is_true:
            found.append(number)
    return found


def test_decisions_are_those_of_a_naive_evaluator() -> None:
    assert differences_from_the_naive(range(1500)) == []


def test_decisions_about_a_bucket_are_those_of_the_verifier() -> None:
    assert differences_from_the_verifiers(range(1500)) == []


def test_generated_requests_are_allowed_and_refused_for_every_reason() -> None:
    found = [decided(case(number)) for number in range(1500)]

    assert {(each.policy, each.is_explicit) for each in found if each} == {
        (policy, is_explicit) for policy in (IDENTITY, BOUNDARY, SESSION, RESOURCE) for is_explicit in (True, False)
    }
    assert found.count(None) > 200


@pytest.mark.slow
def test_more_decisions_are_those_of_a_naive_evaluator_and_of_the_verifier() -> None:
    assert differences_from_the_naive(range(1500, 40_000)) == []
    assert differences_from_the_verifiers(range(1500, 20_000)) == []


@pytest.mark.slow
def test_decisions_are_those_of_a_program_of_others() -> None:
    """`@cloud-copilot/iam-simulate`, in a process of its own."""
    numbers = range(4000)
    theirs = dict(zip(numbers, simulate(simulation(case(number)) for number in numbers), strict=True))

    differing = [each for each in numbers if (theirs[each] == "Allowed") != (decided(case(each)) is None)]
    assert [
        each for each in differing if not (theirs[each] == "ImplicitlyDenied" and _is_outside_session(case(each)))
    ] == []


def _is_outside_session(found: Case) -> bool:
    """The one difference: to the program, session policies also limit what a bucket's policy grants to the session
    or to everybody; to AWS they do not
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-acct.html).
    """
    allows = [
        each for each in _statements([found.session or {}]) if each["Effect"] == "Allow" and _is_about(each, found)
    ]
    return found.session is not None and not allows


def simulation(found: Case) -> dict[str, Any]:
    """A case as the program takes it."""
    return {
        "request": {
            "principal": found.principal,
            "action": found.action,
            "resource": {"resource": found.resource, "accountId": found.owner},
            "contextVariables": found.context,
        },
        "identityPolicies": [{"name": str(number), "policy": each} for number, each in enumerate(found.identity)],
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
        **({"resourcePolicy": found.bucket} if found.bucket else {}),
        **({"sessionPolicy": found.session} if found.session else {}),
        **({"permissionBoundaryPolicies": [{"name": "b", "policy": found.boundary}]} if found.boundary else {}),
    }


KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"


@pytest.mark.parametrize(
    ("grant", "how"),
    [
        (Grant(USER, "", frozenset({"Decrypt"})), Named.DIRECTLY),
        (Grant(ROLE, "", frozenset({"Decrypt"})), Named.NOT),
        (Grant(USER, "", frozenset({"Encrypt"})), Named.NOT),
        (Grant(USER, "", frozenset({"Decrypt"}), context_equals=(("Purpose", "test"),)), Named.DIRECTLY),
        (Grant(USER, "", frozenset({"Decrypt"}), context_equals=()), Named.NOT),
        (Grant(USER, "", frozenset({"Decrypt"}), context_subset=(("Purpose", "test"),)), Named.DIRECTLY),
        (Grant(USER, "", frozenset({"Decrypt"}), context_subset=(("Purpose", "other"),)), Named.NOT),
        (Grant(f"arn:aws:iam::{ACCOUNT}:user/bob", USER, frozenset({"Decrypt"})), Named.NOT),
    ],
)
def test_a_grant_allows_its_grantee_its_operations_in_its_context(grant: Grant, how: Named) -> None:
    asked = Asked("kms:Decrypt", KEY, {"kms:encryptioncontext:purpose": ("test",)})

    assert granted([grant], asked, Principal(USER, ACCOUNT)) is how


ALL, ONE, TWO = None, (("a", "1"),), (("a", "1"), ("b", "2"))


@pytest.mark.parametrize(
    ("has", "wants", "is_granted"),
    [
        ((ALL, ALL), (ALL, ALL), True),
        ((ALL, ALL), (ALL, ONE), True),
        ((ALL, ONE), (ALL, ALL), False),
        ((ALL, ONE), (ALL, ONE), True),
        ((ALL, ONE), (ALL, TWO), True),
        ((ALL, TWO), (ALL, ONE), False),
        ((ALL, ONE), (TWO, ALL), True),
        ((ALL, ONE), ((), ONE), False),
        ((ONE, ALL), (ONE, ALL), True),
        ((ONE, ALL), (TWO, ALL), False),
        ((ONE, ALL), (ALL, ONE), False),
    ],
)
def test_a_grant_gives_away_no_more_than_it_allows(has: Any, wants: Any, *, is_granted: bool) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html (Constraints)"""
    caller, asked = Principal(USER, ACCOUNT), Asked("kms:CreateGrant", KEY, {})
    grant = Grant(USER, "", frozenset({"Encrypt", "CreateGrant"}), *has)

    def wanted(*operations: str) -> Grant:
        return Grant(f"arn:aws:iam::{ACCOUNT}:user/bob", "", frozenset(operations), *wants)

    assert granted([grant], asked, caller, wanted("Encrypt")) is (Named.DIRECTLY if is_granted else Named.NOT)
    assert granted([grant], asked, caller, wanted("Encrypt", "Decrypt")) is Named.NOT
    assert granted([grant], asked, caller) is Named.NOT
    described = Grant(USER, "", frozenset({"DescribeKey"}), *has)
    assert granted([described], Asked("kms:DescribeKey", KEY, {}), caller) is Named.DIRECTLY


def test_a_grant_can_be_retired_by_whom_it_names() -> None:
    grant = Grant(f"arn:aws:iam::{ACCOUNT}:user/bob", ROLE, frozenset({"Decrypt"}))
    session = Principal(SESSION_ARN, ACCOUNT, role_arn=ROLE)

    assert granted([grant], Asked("kms:RetireGrant", KEY, {}), session) is Named.LIMITED
    assert granted([grant], Asked("kms:Decrypt", KEY, {}), session) is Named.NOT
    nobodys = Grant(f"arn:aws:iam::{ACCOUNT}:user/bob", "", frozenset({"Decrypt"}))
    assert granted([nobodys], Asked("kms:RetireGrant", KEY, {}), Principal(USER, ACCOUNT)) is Named.NOT


def test_what_the_lab_cannot_name_only_statements_about_everything_allow_and_every_deny_is_about() -> None:
    def decides(*statements: dict[str, Any]) -> bool:
        who = Principal(USER, ACCOUNT, policies=(json.dumps({"Statement": statements}),))
        return refusal(Asked("kms:Decrypt", "*", {}, is_resource_known=False), who, None) is None

    every, some = ({"Effect": "Allow", "Action": "kms:*", "Resource": each} for each in ("*", KEY))
    assert decides(every)
    assert not decides(some)
    assert not decides({"Effect": "Allow", "Action": "kms:*", "NotResource": KEY})
    assert not decides(every, {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": f"{KEY}-other"})


def test_of_what_has_only_its_form_known_all_of_that_form_must_be_allowed_and_none_denied() -> None:
    form = "arn:aws:rds:us-east-1:111122223333:pg:*"

    def is_allowed(*statements: tuple[str, str]) -> bool:
        made = [{"Effect": effect, "Action": "rds:*", "Resource": resource} for effect, resource in statements]
        who = Principal(USER, ACCOUNT, policies=(json.dumps({"Statement": made}),))
        asked = Asked("rds:CreateDBParameterGroup", form, {}, is_resource_known=False, is_of_form=True)
        return refusal(asked, who, None) is None

    assert is_allowed(("Allow", form))
    assert is_allowed(("Allow", "*"))
    assert not is_allowed(("Allow", "arn:aws:rds:*:*:pg:dev-*"))
    assert not is_allowed(("Allow", "arn:aws:rds:*:*:pg:????????"))
    assert not is_allowed(("Allow", "*"), ("Deny", "arn:aws:rds:*:*:pg:prod-*"))


def test_a_list_that_the_lab_does_not_know_allows_nothing() -> None:
    def is_allowed(key: str) -> bool:
        condition = {"ForAllValues:StringEquals": {key: ["mine"]}}
        made = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*", "Condition": condition}
        who = Principal(USER, ACCOUNT, policies=(json.dumps({"Statement": made}),))
        return refusal(Asked("dynamodb:GetItem", "arn:aws:dynamodb:::table/t", {}), who, None) is None

    assert not is_allowed("dynamodb:LeadingKeys")
    assert is_allowed("aws:TagKeys")


def test_variables_are_those_of_the_version_that_has_them() -> None:
    def decides(version: dict[str, str], resource: str) -> bool:
        statement = {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::data/${aws:username}"}
        who = Principal(USER, ACCOUNT, policies=(json.dumps({**version, "Statement": statement}),))
        return refusal(Asked("s3:GetObject", resource, {"aws:username": ("ann",)}), who, None) is None

    for version, value in (("2012-10-17", "ann"), ("2008-10-17", "${aws:username}")):
        assert decides({"Version": version}, f"arn:aws:s3:::data/{value}")
    assert not decides({}, "arn:aws:s3:::data/ann")


def test_what_is_no_policy_allows_nothing() -> None:
    without_resource = Principal(USER, ACCOUNT, policies=('{"Statement":{"Effect":"Allow","Action":"*"}}',))
    assert refusal(Asked("s3:GetObject", "arn:aws:s3:::data/a", {}), without_resource, None) is not None
    for text in ("", "[]", "{}", '{"Statement":"all"}', '{"Statement":[{"Effect":"Permit","Action":"*"}]}'):
        assert document(text).allows == ()
