"""Alerts about the alerts: whoever silences them first would otherwise touch the trail unseen.

What the topic cannot tell is not told here: once it is gone, has no subscriber, or its key or a policy refuses every
message, neither alerts nor alarms arrive. The trail still has the call, and the state of the alarms in CloudWatch shows
what EventBridge could not publish. Calls on a topic of another account, and on its key, do not come to EventBridge
here. The role, a topic's data protection policy, a chat's configuration and the alarms themselves are not watched.

CloudTrail has no metric of a delivery that failed, nor SNS one of a subscription that nobody has confirmed. What they
leave behind has one: messages that were delivered to fewer than they should, and deliveries that cease.
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
_KEY_CALLS: Final = ("DeleteImportedKeyMaterial", "DisableKey", "PutKeyPolicy", "ScheduleKeyDeletion")
# A rule's name has 64 characters at most.
_MAX_BASE: Final = 52
_PERIOD_SECONDS: Final = 300
# So long that what is published at its end and delivered in the next one hardly ever happens.
_HOUR_SECONDS: Final = 3600
# CloudTrail delivers about five minutes after a call, which even a quiet account makes in some hours.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
_SILENT_HOURS: Final = 6


@dataclass(frozen=True, slots=True)
class AlertChain:
    """What an alert passes on its way.

    :param rules: the rules that watch the trail, its key and its bucket.
    :param target: where and how rules publish.
    :param topic_name: None of a topic in another account, whose metrics are there: an alarm here would never be raised.
    :param key_ids: the id and the ARN of the key that encrypts the topic. Default: - none is known.
    :param subscribers: how many each message must reach, as far as it is known.
    """

    rules: Sequence[events.CfnRule]
    target: events.CfnRule.TargetProperty
    topic_arn: str
    topic_name: str | None
    key_ids: Sequence[str]
    subscribers: int


def guard_alerts(scope: Construct, chain: AlertChain) -> list[cloudwatch.CfnAlarm]:
    """Two rules that watch the rules, the topic and its key, and each other; alarms on alerts that do not arrive.

    A rule that is disabled does not see that it was: hence two, under names that are known before either is there. The
    second one watches topic and key, because a pattern has 2,048 characters at most, and names may be long.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html and
    https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html

    :returns: the alarms.
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
        _rule(scope, "AlertGuard", first, chain.target, of_rules),
        _rule(scope, "AlertGuardGuard", second, chain.target, [*_of_rules([first]), *of_topic, *of_key]),
    ]
    # One for each: an alarm on the sum is billed by its metrics all the same.
    alarms = [
        _alarm(
            scope,
            f"{rule.node.id}NotPublished",
            "EventBridge could not publish an alert about the audit trail: look at the role, the topic and its key",
            ("AWS/Events", "FailedInvocations", "RuleName", rule.ref),
            chain.topic_arn,
        )
        for rule in rules
    ]
    if chain.topic_name is not None:
        alarms.append(
            _alarm(
                scope,
                "AlertsNotDelivered",
                "SNS could not deliver an alert about the audit trail to a subscriber",
                ("AWS/SNS", "NumberOfNotificationsFailed", "TopicName", chain.topic_name),
                chain.topic_arn,
            )
        )
        if chain.subscribers:
            alarms.append(_alarm_on_missing_subscribers(scope, chain.topic_name, chain.topic_arn, chain.subscribers))
    return alarms


def guard_deliveries(
    scope: Construct, *, topic_name: str | None, log_group_name: str | None, alert_topic_arn: str
) -> list[cloudwatch.CfnAlarm]:
    """Alarms on what comes with each delivery of the trail, and ceases when deliveries fail for whatever reason.

    CloudTrail sends a message for each log file that it has written to the bucket:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html
    The events that it sends to CloudWatch Logs are counted, but say nothing of the bucket:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html

    No data is what this is about, so it counts as breaching: after a first deployment both are in ALARM until the first
    delivery. Where some data is missing CloudWatch looks further back first: it can take some hours more than six.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

    :param topic_name: the topic that CloudTrail, and nobody else, tells about each log file, if there is one.
    :param log_group_name: the log group that nobody else sends to, if there is one.
    """
    alarms = []
    if topic_name is not None:
        alarms.append(
            _alarm(
                scope,
                "LogFilesNotDelivered",
                "CloudTrail has told of no log file of the audit trail in the bucket for six hours: run verify check",
                ("AWS/SNS", "NumberOfMessagesPublished", "TopicName", topic_name),
                alert_topic_arn,
                ceases=True,
            )
        )
    if log_group_name is not None:
        alarms.append(
            _alarm(
                scope,
                "EventsNotSent",
                "CloudTrail has sent no event of the audit trail to CloudWatch Logs for six hours: run verify check",
                ("AWS/Logs", "IncomingLogEvents", "LogGroupName", log_group_name),
                alert_topic_arn,
                ceases=True,
            )
        )
    return alarms


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
    scope: Construct,
    construct_id: str,
    description: str,
    metric: tuple[str, str, str, str],
    topic_arn: str,
    *,
    ceases: bool = False,
) -> cloudwatch.CfnAlarm:
    """An alarm on the first occurrence; of the metric: namespace, name, and its dimension's name and value.

    :param ceases: an alarm on none for some hours instead.
    """
    namespace, name, dimension, value = metric
    return cloudwatch.CfnAlarm(
        scope,
        construct_id,
        alarm_description=description,
        namespace=namespace,
        metric_name=name,
        dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name=dimension, value=value)],
        statistic="Sum",
        period=_HOUR_SECONDS if ceases else _PERIOD_SECONDS,
        evaluation_periods=_SILENT_HOURS if ceases else 1,
        threshold=1,
        comparison_operator="LessThanThreshold" if ceases else "GreaterThanOrEqualToThreshold",
        treat_missing_data="breaching" if ceases else "notBreaching",
        alarm_actions=[topic_arn],
    )


def _alarm_on_missing_subscribers(
    scope: Construct, topic_name: str, topic_arn: str, subscribers: int
) -> cloudwatch.CfnAlarm:
    """An alarm on messages that were delivered to fewer subscribers than there should be.

    SNS sends nothing to a subscription that is not confirmed, and counts that nowhere. Where nothing was delivered the
    metric has no data, which ``FILL`` makes a 0; and AWS says of arithmetic that values that a series lacks are 0. Of a
    series that has had none at all it says nothing apart: if CloudWatch has no result then, this alarm is quiet until
    the first delivery. Deliveries to others, whom the props do not name, can hide it. How many there should be is the
    threshold: who reviews a change sees that one more is more.
    https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html and
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html

    By the hour of the clock: a window that slides by a minute ends between each message and its delivery once.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
    """
    counted = {"published": "NumberOfMessagesPublished", "delivered": "NumberOfNotificationsDelivered"}
    return cloudwatch.CfnAlarm(
        scope,
        "AlertsNotReceived",
        alarm_description="An alert about the audit trail has not reached every subscriber: has each confirmed the "
        "message that SNS sent? Look with aws sns list-subscriptions-by-topic",
        metrics=[
            cloudwatch.CfnAlarm.MetricDataQueryProperty(
                id="received", expression="FILL(delivered, 0) / published", return_data=True
            ),
            *(
                cloudwatch.CfnAlarm.MetricDataQueryProperty(
                    id=each,
                    metric_stat=cloudwatch.CfnAlarm.MetricStatProperty(
                        metric=cloudwatch.CfnAlarm.MetricProperty(
                            namespace="AWS/SNS",
                            metric_name=name,
                            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="TopicName", value=topic_name)],
                        ),
                        period=_HOUR_SECONDS,
                        stat="Sum",
                    ),
                    return_data=False,
                )
                for each, name in counted.items()
            ),
        ],
        evaluation_periods=1,
        evaluation_window=cloudwatch.CfnAlarm.EvaluationWindowProperty(
            wall_clock_window=cloudwatch.CfnAlarm.WallClockWindowProperty(timezone="UTC")
        ),
        threshold=subscribers,
        comparison_operator="LessThanThreshold",
        treat_missing_data="notBreaching",
        alarm_actions=[topic_arn],
    )
