"""May CloudTrail publish to a trail's topic."""

import pytest

from lab.cloudtrail.destination import topic_refused
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
    refused = topic_refused(TARGET, TOPIC, text, NOW)

    assert (refused is None) is is_accepted
    assert refused is None or refused.code == "InsufficientSnsTopicPolicyException"
