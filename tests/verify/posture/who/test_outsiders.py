"""Who from outside the account is listed: let in by a policy, or by the trust policy of a role that can."""

from typing import Any

import pytest

from tests.verify.posture.who.accounts import ACCOUNT, BUCKET, TRAIL, Document, allow, recorder, role, trusted, user
from verify.posture.who.judge import judge
from verify.posture.who.model import Ability, Finding
from verify.posture.who.outsiders import ANYONE

STOP = allow("cloudtrail:StopLogging")
OTHER = "arn:aws:iam::999999999999:root"
SAML = f"arn:aws:iam::{ACCOUNT}:saml-provider/Okta"
OIDC = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"


def outside(trust: list[Document], **more: Any) -> dict[str, Finding]:
    powerful = role("admin", STOP, trust=trust, **more)
    return {found.arn: found for found in judge(recorder(), [powerful]) if found.arn != powerful.arn}


def federated(provider: str, action: str, **more: Any) -> Document:
    return {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": action, **more}


@pytest.mark.parametrize(
    ("trust", "name", "kind", "depends_on"),
    [
        (trusted("999999999999"), OTHER, "another account", ()),
        (trusted(OTHER), OTHER, "another account", ()),
        (trusted("*"), ANYONE, "another account", ()),
        (
            trusted(OTHER, Condition={"StringEquals": {"sts:ExternalId": "x"}}),
            OTHER,
            "another account",
            ("sts:ExternalId",),
        ),
        (federated(SAML, "sts:AssumeRoleWithSAML"), SAML, "identity provider", ()),
        (
            federated(
                SAML,
                "sts:AssumeRoleWithSAML",
                Condition={"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
            ),
            SAML,
            "identity provider",
            (),
        ),
        (
            federated(OIDC, "sts:AssumeRoleWithWebIdentity", Condition={"StringLike": {"gh:sub": "repo:o/r:*"}}),
            OIDC,
            "identity provider",
            ("gh:sub",),
        ),
    ],
)
def test_who_can_assume_a_role_that_can_is_listed(
    trust: Document, name: str, kind: str, depends_on: tuple[str, ...]
) -> None:
    (found,) = outside([trust]).values()

    assert (found.arn, found.kind, found.abilities) == (name, kind, ())
    (step,) = found.steps
    assert step.resource == f"arn:aws:iam::{ACCOUNT}:role/admin"
    assert (step.gains, step.depends_on) == (("stop-trail",), depends_on)
    assert step.by == ("trust policy of admin: number 1",)


@pytest.mark.parametrize(
    "trust",
    [
        [trusted(ACCOUNT)],
        [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}],
        [federated(SAML, "sts:TagSession")],
        [federated(SAML, "sts:AssumeRoleWithSAML"), {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}],
        [federated(SAML, "sts:AssumeRoleWithSAML"), {**federated(SAML, "sts:*"), "Effect": "Deny"}],
        [trusted("AIDAEXAMPLEEXAMPLE123")],  # a user who was deleted
    ],
)
def test_who_cannot_assume_it_is_not_listed(trust: list[Document]) -> None:
    assert outside(trust) == {}


def test_a_role_without_powers_lets_nobody_in() -> None:
    assert judge(recorder(), [role("reader", allow("s3:Get*"), trust=[trusted("*")])]) == ()


def test_that_a_role_is_expected_does_not_make_those_expected_whom_it_trusts() -> None:
    powerful = role("admin", STOP, trust=[trusted("*")])

    found = judge(recorder(), [powerful], expected=[powerful.arn])

    assert {finding.arn: finding.is_expected for finding in found} == {powerful.arn: True, ANYONE: False}


def test_a_deleted_user_in_a_policy_is_nobody() -> None:
    statement = {**allow("s3:DeleteObject", on=f"{BUCKET}/*"), "Principal": {"AWS": "AIDAEXAMPLEEXAMPLE123"}}

    assert judge(recorder([statement]), []) == ()


def test_a_canonical_user_is_somebody() -> None:
    statement = {**allow("s3:DeleteObject", on=f"{BUCKET}/*"), "Principal": {"CanonicalUser": "79a59df900b949e5"}}

    assert [found.arn for found in judge(recorder([statement]), [])] == ["canonical user 79a59df900b949e5"]


def test_the_session_of_a_federated_user_is_somebody() -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
    statement = {**allow("s3:DeleteObject", on=f"{BUCKET}/*"), "Principal": {"AWS": arn}}

    assert [(found.arn, found.kind) for found in judge(recorder([statement]), [])] == [(arn, "federated user session")]


def test_whoever_gives_a_saml_provider_new_keys_becomes_any_role_that_trusts_it() -> None:
    who = user("u", allow("iam:UpdateSAMLProvider", on=SAML))
    powerful = role("admin", STOP, trust=[federated(SAML, "sts:AssumeRoleWithSAML")])

    found = {finding.arn: finding for finding in judge(recorder(), [who, powerful])}

    assert [(step.action, step.resource) for step in found[who.arn].steps] == [("iam:UpdateSAMLProvider", SAML)]


def test_a_grant_to_a_session_of_a_role_is_the_roles() -> None:
    ability = Ability("disable-key", "kms:CreateGrant", TRAIL, ("grant 1",))
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/session"

    found = judge(recorder(), [role("app")], granted=[(session, ability)])

    assert [finding.arn for finding in found] == [f"arn:aws:iam::{ACCOUNT}:role/app"]
