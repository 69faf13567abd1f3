"""Alerts about the alerts: whoever silences them first would otherwise touch the trail unseen.

What the topic cannot tell is not told here: once it is gone, has no subscriber, or its key or a policy refuses every
message, neither alerts nor alarms arrive. The trail still has the call, and the state of the alarms in CloudWatch shows
what EventBridge could not publish. Calls on a topic of another account, and on its key, do not come to EventBridge
here. The role, a topic's data protection policy, a chat's configuration and the alarms themselves are not watched.

CloudTrail has no metric of a delivery that failed, nor SNS one of a subscription that nobody has confirmed, so no alarm
can be on them: ``python -m verify check`` finds the first, and ``aws sns list-subscriptions-by-topic`` the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from constructs import Construct

# The two ways in which EventBridge's calls name a rule.
_RULE_CALLS: Final = ("DeleteRule", "DisableRule", "PutRule")
_TARGET_CALLS: Final = ("PutTargets", "RemoveTargets")
_TOPIC_CALLS: Final = ("AddPermission", "DeleteTopic", "RemovePermission", "SetTopicAttributes")
_SUBSCRIPTION_CALLS: Final = ("SetSubscriptionAttributes", "Unsubscribe")
_KEY_CALLS: Final = ("DisableKey", "PutKeyPolicy", "ScheduleKeyDeletion")
# A rule's name has 64 characters at most.
_MAX_BASE: Final = 52
_PERIOD_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class AlertChain:
    """What an alert passes on its way.

    :param rules: the rules that watch the trail, its key and its bucket.
    :param target: where and how rules publish.
    :param topic_name: None of a topic in another account, whose metrics are there: an alarm here would never be raised.
    :param key_ids: the id and the ARN of the key that encrypts the topic. Default: - none is known.
    """

    rules: Sequence[events.CfnRule]
    target: events.CfnRule.TargetProperty
    topic_arn: str
    topic_name: str | None
    key_ids: Sequence[str]


def guard_alerts(scope: Construct, chain: AlertChain) -> None:
    """Two rules that watch the rules, the topic and its key, and each other; alarms on alerts that do not arrive.

    A rule that is disabled does not see that it was: hence two, under names that are known before either is there.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html and
    https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
    """
    base = cdk.Names.unique_resource_name(scope, max_length=_MAX_BASE, separator="-")
    first, second = f"{base}-Guard1", f"{base}-Guard2"
    of_topic = [
        _calls("sns", _TOPIC_CALLS, "topicArn", [chain.topic_arn]),
        _calls("sns", _SUBSCRIPTION_CALLS, "subscriptionArn", [{"prefix": f"{chain.topic_arn}:"}]),
    ]
    of_key = [_calls("kms", _KEY_CALLS, "keyId", chain.key_ids)] if chain.key_ids else []
    of_rules = _of_rules([*(each.ref for each in chain.rules), second])
    rules = [
        *chain.rules,
        _rule(scope, "AlertGuard", first, chain.target, [*of_rules, *of_topic, *of_key]),
        _rule(scope, "AlertGuardGuard", second, chain.target, _of_rules([first])),
    ]
    # One for each: an alarm on the sum is billed by its metrics all the same.
    for rule in rules:
        _alarm(
            scope,
            f"{rule.node.id}NotPublished",
            "EventBridge could not publish an alert about the audit trail: look at the role, the topic and its key",
            ("AWS/Events", "FailedInvocations", "RuleName", rule.ref),
            chain.topic_arn,
        )
    if chain.topic_name is not None:
        _alarm(
            scope,
            "AlertsNotDelivered",
            "SNS could not deliver an alert about the audit trail to a subscriber",
            ("AWS/SNS", "NumberOfNotificationsFailed", "TopicName", chain.topic_name),
            chain.topic_arn,
        )


def _calls(service: str, names: Sequence[str], parameter: str, values: Sequence[Any]) -> dict[str, Any]:
    return {
        "eventSource": [f"{service}.amazonaws.com"],
        "eventName": [*names],
        "requestParameters": {parameter: [*values]},
    }


def _of_rules(names: Sequence[str]) -> list[dict[str, Any]]:
    return [_calls("events", _RULE_CALLS, "name", names), _calls("events", _TARGET_CALLS, "rule", names)]


def _rule(
    scope: Construct,
    construct_id: str,
    name: str,
    target: events.CfnRule.TargetProperty,
    calls: Sequence[dict[str, Any]],
) -> events.CfnRule:
    services = sorted({each["eventSource"][0].partition(".")[0] for each in calls})
    return events.CfnRule(
        scope,
        construct_id,
        name=name,
        description="Somebody touches the alerts about the audit trail",
        state="ENABLED",
        event_pattern={
            "source": [f"aws.{service}" for service in services],
            "detail-type": ["AWS API Call via CloudTrail"],
            "account": [cdk.Stack.of(scope).account],
            "detail": {"$or": [*calls]},
        },
        targets=[target],
    )


def _alarm(
    scope: Construct, construct_id: str, description: str, metric: tuple[str, str, str, str], topic_arn: str
) -> None:
    """An alarm on the first occurrence; of the metric: namespace, name, and its dimension's name and value."""
    namespace, name, dimension, value = metric
    cloudwatch.CfnAlarm(
        scope,
        construct_id,
        alarm_description=description,
        namespace=namespace,
        metric_name=name,
        dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name=dimension, value=value)],
        statistic="Sum",
        period=_PERIOD_SECONDS,
        evaluation_periods=1,
        threshold=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="notBreaching",
        alarm_actions=[topic_arn],
    )
