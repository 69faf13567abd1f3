"""A metric filter on the trail's log group, and an alarm on its metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
_MAX_PATTERN_LENGTH: Final = 1024
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html; 10, 20 and 30 seconds, which
# it takes as well, are for metrics of a finer resolution.
_MAX_PERIOD_SECONDS: Final = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class LogAlarm:
    """An alarm on how many events of a kind arrive within a period.

    :param name: the metric's name, and the end of the alarm's.
    :param filter_pattern: which events count, such as ``{($.eventName=DeleteTrail)}``.
    :param description: what the alarm's reader needs to know.
    :param threshold: how many events within the period raise the alarm.
    :param period: whole minutes.
    :param wider_pattern: counted in the same metric, by a filter of its own. It matches all that ``filter_pattern``
        matches, and what does is counted twice. Default: - one filter.
    """

    name: str
    filter_pattern: str
    description: str
    threshold: int
    period: cdk.Duration
    wider_pattern: str | None = None


def create_alarm(
    scope: Construct, alarm: LogAlarm, *, trail_name: str, log_group: logs.ILogGroup, topic_arn: str
) -> cloudwatch.CfnAlarm:
    """The alarm, and the metric filter that counts its events.

    :raises ValueError: the pattern, the threshold or the period is one that CloudWatch would refuse.
    """
    pattern = alarm.filter_pattern.strip()
    in_braces = pattern.startswith("{") and pattern.endswith("}") and pattern.strip("{} ")
    if not in_braces or len(pattern) > _MAX_PATTERN_LENGTH:
        raise ValueError(
            f"filter_pattern is {alarm.filter_pattern[:60]!r} ({len(alarm.filter_pattern)} characters). "
            f"Allowed: a JSON pattern in braces, at most {_MAX_PATTERN_LENGTH} characters, because events are JSON. "
            "Fix: write it as '{($.eventName=DeleteTrail)}'."
        )
    if alarm.threshold < 1:
        raise ValueError(
            f"threshold is {alarm.threshold}. Allowed: 1 or more events; below that the state would always be ALARM. "
            "Fix: threshold=1 raises the alarm at the first event."
        )
    seconds = alarm.period.to_seconds(integral=False)
    if not 0 < seconds <= _MAX_PERIOD_SECONDS or seconds % 60:
        raise ValueError(
            f"period is {seconds:g} seconds. Allowed: whole minutes, up to seven days, because CloudWatch counts "
            "what a metric filter finds by the minute. Fix: write for example period=cdk.Duration.minutes(5)."
        )
    for construct_id, each in ((f"{alarm.name}Filter", pattern), (f"{alarm.name}WiderFilter", alarm.wider_pattern)):
        if each is not None:
            logs.CfnMetricFilter(
                scope,
                construct_id,
                log_group_name=log_group.log_group_name,
                filter_pattern=each,
                metric_transformations=[
                    logs.CfnMetricFilter.MetricTransformationProperty(
                        metric_namespace=f"SecureTrail/{trail_name}", metric_name=alarm.name, metric_value="1"
                    )
                ],
            )
    return cloudwatch.CfnAlarm(
        scope,
        f"{alarm.name}Alarm",
        alarm_name=f"{trail_name}-{alarm.name}",
        alarm_description=alarm.description,
        namespace=f"SecureTrail/{trail_name}",
        metric_name=alarm.name,
        statistic="Sum",
        period=int(seconds),
        evaluation_periods=1,
        threshold=alarm.threshold,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="notBreaching",
        alarm_actions=[topic_arn],
    )
