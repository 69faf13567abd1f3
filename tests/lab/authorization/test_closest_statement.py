"""A rejection names the statement that comes nearest, and both values of what does not match."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.authorization.closest_statement import decide_and_explain
from lab.authorization.delivery_access import Target as EventTarget
from lab.authorization.delivery_access import delivery_denied
from lab.authorization.facts import BucketFacts, KeyFacts, Target
from lab.authorization.policy import Access, Decision
from lab.cloudtrail.destination import destination_error, topic_error
from tests.lab.cloudtrail.cases import (
    ACCOUNT,
    ACL_CHECK,
    DESCRIBE,
    ENCRYPT,
    NOW,
    TARGET,
    TRAIL,
    WRITE,
    bucket,
    deny,
    key,
    policy,
)
from tests.lab.cloudtrail.cases import conditioned as with_conditions
from tests.policy_mutations import Case, arranged, bucket_grants, cases, faults, key_grants

OBJECT = f"arn:aws:s3:::logs/AWSLogs/{ACCOUNT}/CloudTrail/"


def rejection(case: Case, bucket_policy: str, key_policy: str) -> str:
    """The message with which CreateTrail is rejected; empty when it is not."""
    region = case.trail_arn.split(":")[3]
    target = Target(case.trail_arn, case.account, region, case.bucket, case.prefix, case.key_arn)
    facts = BucketFacts(case.bucket, case.account, region, bucket_policy, uses_bucket_key=True)
    key_facts = KeyFacts(case.key_arn, case.account, region, "Enabled", "SYMMETRIC_DEFAULT", key_policy)
    rejected = destination_error(target, facts, key_facts, NOW)
    return rejected.message if rejected else ""


@given(st.data(), cases())
def test_one_fault_is_named_with_its_statement_and_both_values(data: st.DataObject, case: Case) -> None:
    grants = {"s3": bucket_grants(case), "kms": key_grants(case)}
    sound = {service: data.draw(arranged(case, list(each.values()), service)) for service, each in grants.items()}
    assert rejection(case, sound["s3"][0], sound["kms"][0]) == ""

    service = data.draw(st.sampled_from(sorted(grants)))
    action = data.draw(st.sampled_from(sorted(grants[service])))
    bucket_arn = f"arn:aws:s3:::{case.bucket}"
    asked = {"s3:GetBucketAcl": bucket_arn, "s3:PutObject": f"{case.folder}CloudTrail/"}.get(action, case.key_arn)
    fault = data.draw(faults(case, action, grants[service][action], asked))
    broken = [*({**grants[service], action: fault.statement}).values()]
    text, names = data.draw(arranged(case, broken, service))
    message = rejection(case, *((text, sound["kms"][0]) if service == "s3" else (sound["s3"][0], text)))

    assert f"the statement {names[fault.statement['Sid']]} comes nearest, but its " in message
    # Nothing else than the one fault is named.
    assert message.count(", and the request has ") == 1
    explanation = message.partition("comes nearest, but ")[2]
    assert f"{fault.has}, and the request has {'Service ' * (fault.asked == SERVICE)}{fault.asked}" in explanation


SERVICE = "cloudtrail.amazonaws.com"


def ask(*statements: dict[str, Any], action: str = "s3:PutObject", resource: str = OBJECT, **context: str) -> Decision:
    sent = {"aws:sourcearn": TRAIL, "aws:sourceaccount": ACCOUNT, "s3:x-amz-acl": "bucket-owner-full-control"}
    return decide_and_explain(
        policy(*statements),
        Access(SERVICE, action, resource, {name: (value,) for name, value in (sent | context).items()}),
    )


@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        ({**WRITE, "Action": "s3:PutObjects"}, "did you mean s3:PutObject?"),
        ({**WRITE, "Action": "kms:PutObject"}, "PutObject is an action of s3, not of kms"),
        ({**WRITE, "Action": "PutObject"}, "an action begins with its service: s3:PutObject"),
        ({**WRITE, "Action": "s3:GetBucketLocation"}, "add s3:PutObject to it"),
        ({**WRITE, "Principal": {"AWS": ACCOUNT}}, "asks as a service, not as an account"),
        ({**WRITE, "Principal": {"Service": "cloudtrail.us-east-1.amazonaws.com"}}, f"did you mean {SERVICE}?"),
        ({**WRITE, "Principal": {"Service": "*.amazonaws.com"}}, "takes no wildcard"),
        ({**WRITE, "Resource": "arn:aws:s3:::logs"}, "its objects are arn:aws:s3:::logs/*"),
        ({**WRITE, "Resource": f"arn:aws:s3:::logs/{ACCOUNT}/*"}, "the folder AWSLogs is missing"),
        ({**WRITE, "Resource": f"arn:aws:s3:::logs/awslogs/{ACCOUNT}/*"}, "it is spelled AWSLogs"),
        ({**WRITE, "Resource": "arn:aws:s3:::logs/AWSLogs/1/*"}, f"the account id is 1 instead of {ACCOUNT}"),
        ({**WRITE, "Resource": f"arn:aws:s3:::logs/p/AWSLogs/{ACCOUNT}/*"}, "S3KeyPrefix is not set"),
        ({**WRITE, "Resource": f"arn:aws:s3:::logs/AWSLogs/{ACCOUNT}"}, "it does not end with /*"),
        (
            with_conditions(WRITE, StringEquals={"aws:PrincipalOrgID": "o-1"}),
            "a service never has aws:PrincipalOrgID; aws:SourceAccount or aws:SourceOrgID says",
        ),
        (with_conditions(WRITE, IpAddress={"aws:SourceIp": "10.0.0.0/8"}), "no address and no network of yours"),
        (with_conditions(WRITE, StringEquals={"aws:SourceOrgID": "o-1"}), "belongs to no organization"),
        (with_conditions(WRITE, StringEquals={"s3:Colour": "red"}), f"{SERVICE} does not send s3:Colour"),
        (with_conditions(WRITE, StringEquals={"aws:SourceArn": TRAIL[:-1] + "*"}), "use ArnLike"),
        (with_conditions(WRITE, StringEquals={"aws:SourceAccount": "1111*"}), "use StringLike"),
        (
            with_conditions(WRITE, StringEquals={"aws:SourceArn": TRAIL.replace("us-east-1", "eu-west-1")}),
            "the Region is eu-west-1 instead of us-east-1",
        ),
        (with_conditions(WRITE, StringEquals={"aws:SourceArn": TRAIL.upper()}), "upper and lower case differ"),
        (with_conditions(WRITE, StringEquals={"aws:SourceAccount": "999988887777"}), "another account id"),
        (with_conditions(WRITE, StringSimilar={"aws:SourceArn": TRAIL}), "IAM has no condition operator StringSimilar"),
        ({**WRITE, "Condition": {"StringEquals": "x"}}, "its Condition cannot be evaluated by IAM"),
    ],
)
def test_the_usual_faults_are_recognized(statement: dict[str, Any], hint: str) -> None:
    decision = ask(ACL_CHECK, statement)

    assert not decision.is_allowed
    assert "the statement Write comes nearest, but its" in decision.reason
    assert hint in decision.reason


def test_a_grant_to_the_account_is_not_taken_for_one_to_cloudtrail() -> None:
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "s3:*", "Resource": "*"}
    assert ask(root).reason.endswith(f"; no statement that allows anything has the Principal {SERVICE}")
    assert "is about s3:PutObject: the nearest, Acl, has the Action s3:GetBucketAcl" in ask(root, ACL_CHECK).reason


def test_the_condition_that_lets_a_deny_apply_is_named() -> None:
    denial = deny("s3:*", f"{OBJECT}*", StringNotEquals={"aws:PrincipalOrgID": "o-1"})
    assert ask(WRITE, denial).reason.endswith(
        ": its Condition StringNotEquals aws:PrincipalOrgID o-1 holds, because the request has none"
    )
    assert "it has no Condition that could prevent that" in ask(WRITE, deny("s3:*", f"{OBJECT}*")).reason
    assert ask(WRITE).reason == ""


def test_the_original_texts_key_policy_is_answered_with_what_the_bucket_key_needs() -> None:
    describe = {name: value for name, value in DESCRIBE.items() if name != "Condition"}
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    as_written = key(root, ENCRYPT, {**describe, "Sid": "AllowCloudTrailDescribeKey"})
    rejected = destination_error(TARGET, bucket(uses_bucket_key=True), as_written, NOW)

    assert rejected is not None
    assert rejected.code == "InsufficientEncryptionPolicyException"
    assert rejected.message.startswith("Insufficient permissions to access S3 bucket logs or KMS key ")
    assert "the bucket logs has an S3 Bucket Key, with which CloudTrail also needs kms:Decrypt" in rejected.message
    assert (
        "the statement AllowCloudTrailDescribeKey comes nearest, but its Action is kms:DescribeKey, "
        "and the request has kms:Decrypt (add kms:Decrypt to it)"
    ) in rejected.message
    mended = replace(
        as_written, policy=policy(root, ENCRYPT, {**describe, "Action": ["kms:DescribeKey", "kms:Decrypt"]})
    )
    assert destination_error(TARGET, bucket(uses_bucket_key=True), mended, NOW) is None


def test_a_trails_prefix_has_to_be_in_the_policy() -> None:
    rejected = destination_error(replace(TARGET, prefix="prod"), bucket(), key(), NOW)

    assert rejected is not None
    assert "the trail's S3KeyPrefix is prod, and the statement's not there" in rejected.message


def test_topics_are_explained_as_well() -> None:
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:notices"
    publish = {**WRITE, "Action": "sns:Publish", "Resource": topic}
    for_other = with_conditions(publish, StringEquals={"aws:SourceArn": f"{TRAIL}2"})
    rejected = topic_error(TARGET, topic, policy(for_other), NOW)
    assert rejected is not None
    assert "the name is trail/audit2 instead of trail/audit" in rejected.message

    by_rule = with_conditions(publish, ArnLike={"aws:SourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/*"})
    by_rule = {**by_rule, "Principal": {"Service": "events.amazonaws.com"}}
    rule = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/alarm"
    denied = delivery_denied(EventTarget(topic, policy(by_rule)), rule, NOW)
    assert "events.amazonaws.com does not send aws:SourceArn with this sns:Publish" in str(denied)


def test_what_a_policy_says_cannot_take_over_the_terminal() -> None:
    assert ask({**WRITE, "Sid": "S\x1b]0;x\x07", "Action": "s3:Put\x1b[31mObject"}).reason.isprintable()
    assert ask({**WRITE, "Sid": "S\x1b]0;x\x07", "Effect": "Deny"}).reason.isprintable()


def test_a_huge_policy_is_explained_shortly() -> None:
    many = [{**WRITE, "Sid": f"S{n}é", "Action": [f"s3:Put{n}" * 50] * 30, "Resource": "ü" * 5000} for n in range(300)]
    reason = ask(*many).reason

    assert "the nearest, S0é, has the Action " in reason
    assert len(reason) < 2000


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["Principal", "Action", "Resource", "Condition", "Effect", "Sid", "AWS", "Service", "StringEquals"]
                ),
                inner,
            )
        ),
    )
)
def test_no_statement_is_too_odd_to_be_explained(odd: Any) -> None:
    statement = {**WRITE, **odd} if isinstance(odd, dict) else {**WRITE, "Condition": odd}
    text = json.dumps({"Statement": [{**statement, "Effect": "Allow"}]})
    decision = decide_and_explain(text, Access(SERVICE, "s3:PutObject", OBJECT, {}))

    assert decision.is_allowed or decision.reason.startswith("no statement allows")
