import json

import pytest

from tests.verify.posture import healthy
from tests.verify.posture.healthy import (
    ACCOUNT,
    KEY_ARN,
    NOTHING_DELIVERED,
    OTHER_KEY_ARN,
    TRAIL_ARN,
    policy,
    result,
)
from tests.verify.posture.statements import FROM_ACCOUNT, FROM_ORGANIZATION, FROM_TRAIL, Statement, but, grant
from verify.fact import Denied, Value
from verify.posture.model import Status
from verify.posture.resource_policies.rewrite import corrected_key_policy

ALLOWS_CLOUDTRAIL = "key_policy_lets_cloudtrail_in"
NO_OTHER = "key_policy_names_the_trail"
BUCKET_KEY = "log_bucket_uses_bucket_key"
NO_EXTERNAL_PRINCIPAL = "key_keeps_strangers_out"
ROOT = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
BOTH = ["kms:GenerateDataKey*", "kms:DescribeKey"]
ENCRYPTS = {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"}}
OTHER_TRAIL = {"ArnEquals": {"aws:SourceArn": TRAIL_ARN + "2"}}
WORLD = but(grant("kms:*"), Principal="*")

NOT_READ = Denied("organizations:DescribeOrganization")

POLICIES: dict[str, list[Statement]] = {
    "as AWS documents it": json.loads(corrected_key_policy(None, TRAIL_ARN))["Statement"],
    "by hand": [ROOT, grant(BOTH)],
    "by hand, one statement under the encryption context": [ROOT, grant(BOTH, condition=ENCRYPTS)],
    "by hand, for the account": [ROOT, grant(BOTH, condition=FROM_ACCOUNT)],
    "everything to the trail": [ROOT, grant("kms:*", KEY_ARN, FROM_TRAIL)],
    "only the account": [ROOT],
    "no DescribeKey": [ROOT, grant("kms:GenerateDataKey*")],
    "no GenerateDataKey": [ROOT, grant("kms:DescribeKey")],
    "for another key": [ROOT, grant("kms:*", OTHER_KEY_ARN)],
    "for another trail": [ROOT, grant("kms:*", condition=OTHER_TRAIL)],
    "for another account": [ROOT, grant("kms:*", condition={"StringEquals": {"aws:SourceAccount": "1"}})],
    "denied": [ROOT, grant("kms:*"), but(grant("kms:GenerateDataKey"), Effect="Deny", Sid="Never")],
    "for an organization": [ROOT, grant("kms:*", condition=FROM_ORGANIZATION)],
    "an operator nobody knows": [ROOT, grant("kms:*", condition={"StringIs": {"aws:SourceArn": "x"}})],
    "for the world": [WORLD],
    "for the world through the account": [but(WORLD, Condition={"StringEquals": {"kms:CallerAccount": ACCOUNT}})],
    "for the world through an organization": [but(WORLD, Condition={"StringEquals": {"aws:PrincipalOrgID": "o"}})],
}


@pytest.mark.parametrize(
    ("name", "check", "expected"),
    [
        ("as AWS documents it", ALLOWS_CLOUDTRAIL, Status.PASS),
        ("by hand", ALLOWS_CLOUDTRAIL, Status.PASS),
        ("by hand, one statement under the encryption context", ALLOWS_CLOUDTRAIL, Status.PASS),
        ("by hand, for the account", ALLOWS_CLOUDTRAIL, Status.PASS),
        ("everything to the trail", ALLOWS_CLOUDTRAIL, Status.PASS),
        ("for the world", ALLOWS_CLOUDTRAIL, Status.PASS),
        ("only the account", ALLOWS_CLOUDTRAIL, Status.FAIL),
        ("no DescribeKey", ALLOWS_CLOUDTRAIL, Status.FAIL),
        ("no GenerateDataKey", ALLOWS_CLOUDTRAIL, Status.FAIL),
        ("for another key", ALLOWS_CLOUDTRAIL, Status.FAIL),
        ("for another trail", ALLOWS_CLOUDTRAIL, Status.FAIL),
        ("for another account", ALLOWS_CLOUDTRAIL, Status.FAIL),
        ("denied", ALLOWS_CLOUDTRAIL, Status.FAIL),
        ("for an organization", ALLOWS_CLOUDTRAIL, Status.UNKNOWN),
        ("an operator nobody knows", ALLOWS_CLOUDTRAIL, Status.UNKNOWN),
        ("as AWS documents it", NO_OTHER, Status.PASS),
        ("everything to the trail", NO_OTHER, Status.PASS),
        ("by hand", NO_OTHER, Status.ADVICE),
        ("by hand, for the account", NO_OTHER, Status.ADVICE),
        ("by hand, one statement under the encryption context", NO_OTHER, Status.ADVICE),
        ("for an organization", NO_OTHER, Status.UNKNOWN),
        ("as AWS documents it", BUCKET_KEY, Status.PASS),
        ("by hand", BUCKET_KEY, Status.ADVICE),
        ("for an organization", BUCKET_KEY, Status.UNKNOWN),
        ("as AWS documents it", NO_EXTERNAL_PRINCIPAL, Status.PASS),
        ("for the world through the account", NO_EXTERNAL_PRINCIPAL, Status.PASS),
        ("for the world", NO_EXTERNAL_PRINCIPAL, Status.FAIL),
        ("for the world through an organization", NO_EXTERNAL_PRINCIPAL, Status.UNKNOWN),
    ],
)
def test_a_key_policy_is_judged_by_what_it_does(name: str, check: str, expected: Status) -> None:
    facts = healthy.but(key_policy=policy(*POLICIES[name]), status=NOTHING_DELIVERED, organization_id=NOT_READ)
    assert result(facts, check).status is expected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("only the account", ["kms:GenerateDataKey", KEY_ARN, "allowed by no statement"]),
        ("denied", ["denied by statement Never"]),
        ("for an organization", ["aws:SourceOrgID"]),
        ("an operator nobody knows", ["StringIs"]),
    ],
)
def test_the_reason_is_named(name: str, words: list[str]) -> None:
    facts = healthy.but(key_policy=policy(*POLICIES[name]), status=NOTHING_DELIVERED)
    actual = result(facts, ALLOWS_CLOUDTRAIL).actual
    assert [word for word in words if word not in actual] == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Statement": [{"Effect": "Allow"}]}', "x" * 300_000])
def test_a_key_policy_that_cannot_be_read_is_unknown(text: str) -> None:
    facts = healthy.but(key_policy=Value(text))
    assert {
        result(facts, check).status for check in (ALLOWS_CLOUDTRAIL, NO_OTHER, BUCKET_KEY, NO_EXTERNAL_PRINCIPAL)
    } == {Status.UNKNOWN}
