"""May EventBridge publish to a topic: its policy and that of its key, for the service principal.

EventBridge sends no context that a condition could look at, so statements with aws:SourceArn never let it in:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html (Amazon SNS permissions)
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html (event sources and encrypted topics)
"""

from datetime import datetime

from lab.authorization.closest_statement import decide_and_explain
from lab.authorization.conditions import context_at
from lab.authorization.facts import KeyFacts
from lab.authorization.policy import Access

_SERVICE = "events.amazonaws.com"


def publish_denied(
    topic_arn: str, policy: str | None, key_name: str, key: KeyFacts | None, now: datetime
) -> str | None:
    """Why EventBridge cannot publish, in a part of a sentence; None when it can.

    :param policy: the topic's policy (JSON text); None when there is no such topic.
    :param key_name: the key that the topic names; '' for a topic without encryption.
    :param key: that key; None when there is none of that name, or it is one that AWS manages.
    """
    if policy is None:
        return "there is no such topic"
    common = context_at(now)
    decision = decide_and_explain(policy, Access(_SERVICE, "sns:Publish", topic_arn, common))
    if not decision.is_allowed or not key_name:
        return decision.reason or None
    if key is None:
        return f"the key {key_name} does not exist, or is one of AWS's own, which let no other service in"
    if key.state != "Enabled":
        return f"the key {key.arn} is {key.state}"
    context = common | {"kms:encryptioncontext:aws:sns:topicarn": (topic_arn,)}
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        decision = decide_and_explain(key.policy, Access(_SERVICE, action, key.arn, context))
        if not decision.is_allowed:
            return decision.reason
    return None
