"""May CloudTrail publish to a trail's topic.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-permissions-for-sns-notifications.html
"""

from datetime import datetime

from lab.authorization.closest_statement import decide_and_explain
from lab.authorization.cloudtrail_access import SERVICE, service_context
from lab.authorization.facts import Target
from lab.authorization.policy import Access
from lab.cloudtrail.refused import Refused


def topic_refused(target: Target, topic_arn: str, policy: str | None, now: datetime) -> Refused | None:
    """Why a trail cannot notify a topic; None when it can.

    :param policy: the topic's policy (JSON text); None when there is no such topic.
    """
    region = topic_arn.split(":")[3]
    context = service_context(target, now, target.account, region)
    decision = decide_and_explain(policy, Access(SERVICE, "sns:Publish", topic_arn, context))
    if decision.is_allowed:
        return None
    return Refused(
        "InsufficientSnsTopicPolicyException",
        f"SNS Topic does not exist or the topic policy is incorrect! ({topic_arn}: {decision.reason})",
    )
