"""May EventBridge publish to a topic."""

import dataclasses
from typing import Any

import pytest

from lab.authorization.eventbridge_access import publish_denied
from lab.authorization.facts import KeyFacts
from tests.lab.cloudtrail.cases import ACCOUNT, NOW, policy

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts"
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
    return publish_denied(TOPIC, topic_policy, key_name or (key.arn if key else ""), key, NOW)


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


def test_a_key_of_aws_lets_nobody_in() -> None:
    assert "alias/aws/sns does not exist, or is one of AWS's own" in str(
        denied(policy(PUBLISH), key_name="alias/aws/sns")
    )
