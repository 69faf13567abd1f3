"""A failed check of a policy names the statement that comes nearest, and both values of what does not match."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy_mutations import OTHER_ACCOUNT, SERVICE, Case, arranged, bucket_grants, cases, faults, key_grants
from tests.verify.posture import healthy
from tests.verify.posture.healthy import ACCOUNT, BUCKET, HEALTHY, KEY_ARN, TARGET, TRAIL, TRAIL_ARN, policy, result
from tests.verify.posture.resource_policies.test_key_policy import ROOT
from tests.verify.posture.statements import BUCKET_ARN, FROM_TRAIL, Statement, but, deny, grant
from verify.fact import Denied, Missing, Value
from verify.policy.document import parse_policy
from verify.posture.facts.trail import BucketEncryption, TrailFacts
from verify.posture.model import Result, Status
from verify.posture.resource_policies.cloudtrail_requests import Delivery, bucket_requests
from verify.posture.resource_policies.delivery_access import (
    bucket_policy_allows_cloudtrail,
    key_policy_allows_cloudtrail,
)
from verify.posture.resource_policies.explain_deny import explain_implicit_deny

CHECK = {"s3": "bucket_policy_lets_cloudtrail_in", "kms": "key_policy_lets_cloudtrail_in"}
JUDGE = {"s3": bucket_policy_allows_cloudtrail, "kms": key_policy_allows_cloudtrail}
WRITE = but(grant("s3:PutObject", f"{BUCKET_ARN}/AWSLogs/{ACCOUNT}/*", FROM_TRAIL), Sid="Write")
ACL = but(grant("s3:GetBucketAcl", BUCKET_ARN, FROM_TRAIL), Sid="Acl")
NO_TRAIL = Missing("there is no trail")


def account(case: Case, bucket_policy: str, key_policy: str) -> TrailFacts:
    """In which the trail of the case is yet to be made, on a bucket with an S3 Bucket Key."""
    trail = replace(TRAIL, arn=case.trail_arn, bucket=case.bucket, prefix=case.prefix or None, is_multi_region=False)
    target = replace(
        TARGET,
        trail_arn=Value(case.trail_arn),
        trail=Value(trail),
        bucket=Value(case.bucket),
        account=Value(case.account),
    )
    return healthy.but(
        target=target,
        bucket=Value(case.bucket),
        key_arn=Value(case.key_arn),
        bucket_encryption=Value(BucketEncryption("aws:kms", case.key_arn, uses_bucket_key=True)),
        bucket_policy=Value(bucket_policy),
        key_policy=Value(key_policy),
    )


@given(st.data(), cases())
def test_one_fault_is_named_with_its_statement_and_both_values(data: st.DataObject, case: Case) -> None:
    grants = {"s3": bucket_grants(case), "kms": key_grants(case)}
    sound = {service: data.draw(arranged(case, list(each.values()), service)) for service, each in grants.items()}
    facts = account(case, sound["s3"][0], sound["kms"][0])
    for judge in JUDGE.values():
        assert (judge(facts).status, judge(facts).cause) == (Status.PASS, "")

    service = data.draw(st.sampled_from(sorted(grants)))
    action = data.draw(st.sampled_from(sorted(grants[service])))
    asked = {"s3:GetBucketAcl": f"arn:aws:s3:::{case.bucket}", "s3:PutObject": f"{case.folder}CloudTrail"}
    fault = data.draw(faults(case, action, grants[service][action], asked.get(action, case.key_arn)))
    text, names = data.draw(arranged(case, [*({**grants[service], action: fault.statement}).values()], service))
    wrong = Value(text)
    broken = replace(facts, bucket_policy=wrong) if service == "s3" else replace(facts, key_policy=wrong)
    found = JUDGE[service](broken)

    assert found.status is Status.FAIL
    assert found.cause.startswith(f"statement {names[fault.statement['Sid']]} comes nearest, but its ")
    assert found.cause.count(", and the request has ") == 1
    assert f"{fault.has}, and the request has {'Service ' * (fault.asked == SERVICE)}{fault.asked}" in found.cause


def judged(*statements: Statement) -> Result:
    return result(healthy.but(bucket_policy=policy(*statements)), CHECK["s3"])


def conditioned(**condition: dict[str, Any]) -> Statement:
    return but(WRITE, Condition=condition)


@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        (but(WRITE, Action="s3:PutObjects"), "did you mean s3:PutObject?"),
        (but(WRITE, Action="kms:PutObject"), "PutObject is an action of s3, not of kms"),
        (but(WRITE, Action="PutObject"), "an action begins with its service: s3:PutObject"),
        (but(WRITE, Action="s3:GetBucketLocation"), "add s3:PutObject to it"),
        (but(WRITE, Principal={"AWS": ACCOUNT}), "is a service principal, not an account"),
        (but(WRITE, Principal={"Service": "cloudtrail.us-east-1.amazonaws.com"}), f"did you mean {SERVICE}?"),
        (but(WRITE, Resource=BUCKET_ARN), f"its objects are {BUCKET_ARN}/*"),
        (but(WRITE, Resource=f"{BUCKET_ARN}/{ACCOUNT}/*"), "the folder AWSLogs is missing"),
        (but(WRITE, Resource=f"{BUCKET_ARN}/awslogs/{ACCOUNT}/*"), "the folder is spelled AWSLogs"),
        (but(WRITE, Resource=f"{BUCKET_ARN}/AWSLogs/1/*"), f"the account id is 1 instead of {ACCOUNT}"),
        (but(WRITE, Resource=f"{BUCKET_ARN}/p/AWSLogs/{ACCOUNT}/*"), "the trail's prefix is not set"),
        (but(WRITE, Resource=f"{BUCKET_ARN}/AWSLogs/{ACCOUNT}"), "it does not end with /*"),
        (
            conditioned(StringEquals={"aws:PrincipalOrgID": "o-1"}),
            "requests by a service do not carry aws:PrincipalOrgID: use aws:SourceAccount or aws:SourceOrgID",
        ),
        (
            conditioned(StringEquals={"aws:SourceVpce": "vpce-1"}),
            "requests by a service do not come from an address or a VPC of yours",
        ),
        (conditioned(StringEquals={"aws:SourceArn": TRAIL_ARN[:-1] + "*"}), "use ArnLike"),
        (conditioned(StringEquals={"aws:SourceAccount": "1234*"}), "use StringLike"),
        (
            conditioned(StringEquals={"aws:SourceArn": TRAIL_ARN.replace("us-east-1", "eu-west-1")}),
            "the region is eu-west-1 instead of us-east-1",
        ),
        (conditioned(StringEquals={"aws:SourceArn": TRAIL_ARN.upper()}), "upper and lower case differ"),
        (conditioned(StringEquals={"aws:SourceAccount": OTHER_ACCOUNT}), "another account id"),
        (conditioned(StringEquals={"s3:x-amz-acl": "private"}), "has bucket-owner-full-control"),
    ],
)
def test_the_usual_faults_are_recognized(statement: Statement, hint: str) -> None:
    found = judged(ACL, statement)

    assert found.cause.startswith("statement Write comes nearest, but its ")
    assert hint in found.cause


def test_a_grant_to_the_account_is_not_taken_for_one_to_cloudtrail() -> None:
    everything = but(ROOT, Action="s3:*")
    assert judged(everything).cause == f"no statement that allows anything has the principal {SERVICE}"
    assert judged(everything, ACL).cause.endswith(
        "is about s3:PutObject: the nearest, Acl, has the Action s3:GetBucketAcl"
    )


def test_the_condition_that_makes_a_deny_apply_is_named() -> None:
    found = judged(ACL, WRITE, deny({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}))
    assert found.cause == "StringNotEquals aws:PrincipalOrgID o-1 holds, because the request has none"
    assert judged(ACL, WRITE, deny({})).cause == "the statement has no condition"


def as_the_original_text_has_it(**changes: Any) -> TrailFacts:
    """After its Part 2: a bucket with an S3 Bucket Key, and no word of kms:Decrypt in the key policy."""
    only_here = {"StringEquals": {"aws:SourceArn": TRAIL_ARN}}
    encrypt = but(grant("kms:GenerateDataKey*", condition=only_here), Sid="AllowCloudTrailEncrypt")
    describe = but(grant("kms:DescribeKey"), Sid="AllowCloudTrailDescribeKey", Condition=None)
    facts = {"target": replace(TARGET, trail=NO_TRAIL), "key_policy": policy(ROOT, encrypt, describe), **changes}
    return healthy.but(**facts)


def test_the_original_texts_key_policy_is_told_what_the_bucket_key_needs() -> None:
    found = result(as_the_original_text_has_it(), CHECK["kms"])

    assert found.status is Status.FAIL
    assert found.actual == f"the bucket has an S3 Bucket Key, and kms:Decrypt on {KEY_ARN} is allowed by no statement"
    assert found.cause == (
        "statement AllowCloudTrailDescribeKey comes nearest, but its Action is kms:DescribeKey, "
        "and the request has kms:Decrypt (add kms:Decrypt to it)"
    )
    assert "kms put-key-policy" in found.fix_cli


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # A trail that needs no change delivers without it, and the advice says what is missing.
        ({"target": TARGET}, Status.PASS),
        ({"target": replace(TARGET, trail=Value(replace(TRAIL, is_multi_region=False)))}, Status.FAIL),
        ({"target": replace(TARGET, trail=Value(replace(TRAIL, bucket="another")))}, Status.FAIL),
        ({"target": TARGET, "trail_key_arn": Value("another")}, Status.FAIL),
        ({"bucket_encryption": Value(BucketEncryption("aws:kms", KEY_ARN, uses_bucket_key=False))}, Status.PASS),
        ({"bucket": Missing("no bucket"), "bucket_encryption": Missing("no bucket")}, Status.PASS),
        ({"bucket_encryption": Denied("s3:GetEncryptionConfiguration")}, Status.UNKNOWN),
        ({"target": replace(TARGET, trail=Denied("cloudtrail:DescribeTrails"))}, Status.UNKNOWN),
    ],
)
def test_decrypt_is_needed_where_aws_would_refuse_the_trail(changes: dict[str, Any], expected: Status) -> None:
    assert result(as_the_original_text_has_it(**changes), CHECK["kms"]).status is expected


@pytest.mark.parametrize("is_on", [True, False])
def test_a_fix_turns_a_bucket_key_on_only_where_cloudtrail_may_decrypt(*, is_on: bool) -> None:
    def written(facts: TrailFacts) -> object:
        text = result(facts, "log_bucket_encrypts_with_the_key").fix_cli.partition("configuration ")[2]
        return json.loads(text.strip("'"))["Rules"][0]["BucketKeyEnabled"]

    plain = BucketEncryption("AES256", None, uses_bucket_key=is_on)
    assert written(replace(HEALTHY, bucket_encryption=Value(plain))) is True
    # What is on stays on: to turn it off would be a change that nobody asked for.
    assert written(as_the_original_text_has_it(bucket_encryption=Value(plain))) is is_on


def test_a_huge_policy_is_explained_shortly() -> None:
    many = [but(WRITE, Sid=f"S{n}é", Action=[f"s3:Put{n}" * 20] * 8, Resource="ü" * 30) for n in range(100)]
    asked = bucket_requests(Delivery(TRAIL_ARN, BUCKET, None, is_multi_region=True, has_digests=True))[1]
    cause = explain_implicit_deny(parse_policy(policy(*many).value), asked)

    assert "the nearest, S0é, has the Action " in cause
    assert len(cause) < 2000
