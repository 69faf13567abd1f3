"""May EventBridge publish to a topic."""

import dataclasses
from typing import Any

import pytest

from lab.authorization.delivery_access import Target, delivery_denied
from lab.authorization.facts import KeyFacts, RoleFacts
from tests.lab.cloudtrail.cases import ACCOUNT, NOW, policy

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts"
RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/tampering"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:events"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:alarm"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
EVENTBRIDGE = {"Service": "events.amazonaws.com"}
PUBLISH = {"Effect": "Allow", "Principal": EVENTBRIDGE, "Action": "sns:Publish", "Resource": TOPIC}
ENCRYPT = {
    "Effect": "Allow",
    "Principal": EVENTBRIDGE,
    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
    "Resource": "*",
}
FACTS = KeyFacts(KEY, ACCOUNT, "us-east-1", "Enabled", "SYMMETRIC_DEFAULT", policy(ENCRYPT))


def denied(topic_policy: str | None, key: KeyFacts | None = None, key_name: str = "") -> str | None:
    return delivery_denied(Target(TOPIC, topic_policy, key_name or (key.arn if key else ""), key), RULE, NOW)


def key(**changes: Any) -> KeyFacts:
    return dataclasses.replace(FACTS, **changes)


def test_it_can_where_topic_and_key_let_it_in() -> None:
    assert denied(policy(PUBLISH)) is None
    assert denied(policy(PUBLISH), FACTS) is None


@pytest.mark.parametrize(
    ("topic_policy", "why"),
    [
        (None, "there is no such topic"),
        ("", "there is no policy"),
        (policy({**PUBLISH, "Principal": {"Service": "cloudwatch.amazonaws.com"}}), "no statement allows"),
        # EventBridge sends no context.
        (policy({**PUBLISH, "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}), "no statement allows"),
        (policy(PUBLISH, {**PUBLISH, "Sid": "No", "Effect": "Deny"}), "the statement No denies"),
    ],
)
def test_the_topic_must_let_it_publish(topic_policy: str | None, why: str) -> None:
    assert why in str(denied(topic_policy))


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (key(state="Disabled"), f"the key {KEY} is Disabled"),
        (key(policy=policy({**ENCRYPT, "Action": "kms:Decrypt"})), "kms:GenerateDataKey"),
        (key(policy=policy({**ENCRYPT, "Action": "kms:GenerateDataKey*"})), "kms:Decrypt"),
        (key(policy=None), "there is no policy"),
    ],
)
def test_the_topics_key_must_let_it_encrypt(facts: KeyFacts, why: str) -> None:
    assert why in str(denied(policy(PUBLISH), facts))


def test_an_aws_managed_key_allows_no_other_service() -> None:
    assert "alias/aws/sns does not exist, or is an AWS managed key" in str(
        denied(policy(PUBLISH), key_name="alias/aws/sns")
    )


@pytest.mark.parametrize(("arn", "action"), [(QUEUE, "sqs:SendMessage"), (FUNCTION, "lambda:InvokeFunction")])
def test_queues_and_functions_must_let_it_in_and_see_the_rule(arn: str, action: str) -> None:
    allow = {"Effect": "Allow", "Principal": EVENTBRIDGE, "Action": action, "Resource": arn}
    of_rule = {**allow, "Condition": {"ArnEquals": {"aws:SourceArn": RULE}}}
    of_other = {**allow, "Condition": {"ArnEquals": {"aws:SourceArn": f"{RULE}-2"}}}

    assert delivery_denied(Target(arn, policy(allow)), RULE, NOW) is None
    assert delivery_denied(Target(arn, policy(of_rule)), RULE, NOW) is None
    assert "comes nearest" in str(delivery_denied(Target(arn, policy(of_other)), RULE, NOW))
    assert "there is no policy" in str(delivery_denied(Target(arn, ""), RULE, NOW))
    assert "there is no such" in str(delivery_denied(Target(arn, None), RULE, NOW))


def test_a_target_with_a_role_is_reached_as_that_role() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/sender"
    trust = policy({"Effect": "Allow", "Principal": EVENTBRIDGE, "Action": "sts:AssumeRole"})
    send = policy({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE})
    role = RoleFacts(arn, trust, (send,))

    assert delivery_denied(Target(QUEUE, "", role_arn=arn, role=role), RULE, NOW) is None
    assert "no policy allows" in str(
        delivery_denied(Target(QUEUE, "", role_arn=arn, role=dataclasses.replace(role, policies=())), RULE, NOW)
    )
    assert "does not allow" in str(
        delivery_denied(Target(QUEUE, "", role_arn=arn, role=dataclasses.replace(role, trust_policy="{}")), RULE, NOW)
    )
    assert "there is no role" in str(delivery_denied(Target(QUEUE, "", role_arn=arn), RULE, NOW))
    kept_out = policy(
        {"Effect": "Allow", "Principal": EVENTBRIDGE, "Action": "sts:AssumeRole"},
        {"Effect": "Deny", "Principal": EVENTBRIDGE, "Action": "sts:AssumeRole"},
    )
    assert "does not allow" in str(
        delivery_denied(
            Target(QUEUE, "", role_arn=arn, role=dataclasses.replace(role, trust_policy=kept_out)), RULE, NOW
        )
    )


def test_an_encrypted_topic_is_reached_as_a_role_that_may_use_the_key_as_well() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/sender"
    own_rules = {"ArnLike": {"aws:SourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/*"}}
    trust = policy({"Effect": "Allow", "Principal": EVENTBRIDGE, "Action": "sts:AssumeRole", "Condition": own_rules})
    publish = policy({"Effect": "Allow", "Action": "sns:Publish", "Resource": TOPIC})
    encrypt = policy(
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": TOPIC}},
        }
    )

    def why(*policies: str, key: KeyFacts = FACTS, rule: str = RULE) -> str | None:
        role = RoleFacts(arn, trust, policies)
        # The topic has no policy: within an account a role needs none.
        return delivery_denied(Target(TOPIC, "", key.arn, key, role_arn=arn, role=role), rule, NOW)

    assert why(publish, encrypt) is None
    assert "no policy allows" in str(why(encrypt))
    assert "kms:GenerateDataKey" in str(why(publish))
    assert "cannot be used" in str(why(publish, encrypt, key=key(state="Disabled")))
    assert "does not allow" in str(why(publish, encrypt, rule=RULE.replace(ACCOUNT, "999999999999")))


MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:machine"
STARTS = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": MACHINE}


@pytest.mark.parametrize(
    ("service", "statements", "why"),
    [
        ("events.amazonaws.com", [STARTS], "None"),
        ("events.amazonaws.com", [{**STARTS, "Resource": f"{MACHINE}-2"}], "no policy allows"),
        ("events.amazonaws.com", [STARTS, {**STARTS, "Effect": "Deny"}], "no policy allows"),
        ("states.amazonaws.com", [STARTS], "does not allow events.amazonaws.com to assume it"),
        ("", [STARTS], "a state machine is started by a role alone"),
    ],
)
def test_a_state_machine_is_started_by_a_role_that_may(
    service: str, statements: list[dict[str, Any]], why: str
) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/starts"
    trust = policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})
    role = RoleFacts(arn, trust, (policy(*statements),)) if service else None
    target = Target(MACHINE, None, role_arn=arn if role else "", role=role)

    assert why in str(delivery_denied(target, RULE, NOW))


@pytest.mark.parametrize(("target_arn", "target_policy"), [(MACHINE, None), (QUEUE, "")])
def test_a_role_may_be_for_one_rule_whatever_the_target_is(target_arn: str, target_policy: str | None) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/for-one-rule"
    assumes = {"Effect": "Allow", "Principal": EVENTBRIDGE, "Action": "sts:AssumeRole"}
    trust = policy({**assumes, "Condition": {"ArnEquals": {"aws:SourceArn": RULE}}})
    may = policy({"Effect": "Allow", "Action": ["states:StartExecution", "sqs:SendMessage"], "Resource": "*"})
    target = Target(target_arn, target_policy, role_arn=arn, role=RoleFacts(arn, trust, (may,)))

    assert delivery_denied(target, RULE, NOW) is None
    assert "does not allow" in str(delivery_denied(target, f"{RULE}-2", NOW))
