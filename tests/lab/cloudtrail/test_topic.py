"""May CloudTrail publish to a trail's topic."""

import pytest

from lab.cloudtrail.destination import topic_error
from tests.lab.cloudtrail.cases import ACCOUNT, NOW, SERVICE, TARGET, TRAIL, policy

OTHER_TRAIL = TRAIL.replace("audit", "other")
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:notices"
PUBLISH = {"Effect": "Allow", "Principal": SERVICE, "Action": "SNS:Publish", "Resource": TOPIC}


@pytest.mark.parametrize(
    ("text", "is_accepted"),
    [
        (policy(PUBLISH), True),
        (policy({**PUBLISH, "Condition": {"StringEquals": {"aws:SourceArn": TRAIL}}}), True),
        (policy({**PUBLISH, "Condition": {"StringEquals": {"aws:SourceArn": OTHER_TRAIL}}}), False),
        (policy({**PUBLISH, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}), False),
        (None, False),
    ],
)
def test_a_topic_must_let_cloudtrail_publish(text: str | None, is_accepted: object) -> None:
    rejected = topic_error(TARGET, TOPIC, text, NOW)

    assert (rejected is None) is is_accepted
    assert rejected is None or rejected.code == "InsufficientSnsTopicPolicyException"
