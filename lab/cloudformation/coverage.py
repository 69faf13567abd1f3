"""What of a resource type that MiniStack provisions has no effect in the lab: one sentence for each property.

The properties listed here were read back through the API of their service. A type that is not listed is not tested.
"""

from collections.abc import Iterator
from typing import Any

from lab.cloudformation.properties import Properties
from lab.cloudformation.trail import TRAIL
from lab.ministack.cloudformation import ResourceHandler

ALARM = "AWS::CloudWatch::Alarm"
_LOG_GROUP, _RULE = "AWS::Logs::LogGroup", "AWS::Events::Rule"
_HONOURED = {
    ALARM: "ActionsEnabled AlarmActions AlarmDescription AlarmName ComparisonOperator "
    "DatapointsToAlarm Dimensions EvaluationPeriods ExtendedStatistic InsufficientDataActions MetricName Namespace "
    "OKActions Period Statistic Tags Threshold TreatMissingData Unit",
    "AWS::ECR::Repository": "ImageTagMutability LifecyclePolicy RepositoryName RepositoryPolicyText Tags",
    _RULE: "Description EventBusName EventPattern Name RoleArn ScheduleExpression State Tags Targets",
    "AWS::IAM::ManagedPolicy": "Description Groups ManagedPolicyName Path PolicyDocument Roles Users",
    "AWS::IAM::Policy": "Groups PolicyDocument PolicyName Roles Users",
    "AWS::IAM::Role": "AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path Policies "
    "RoleName Tags",
    "AWS::IAM::User": "ManagedPolicyArns Path Policies Tags UserName",
    _LOG_GROUP: "KmsKeyId LogGroupClass LogGroupName ResourcePolicyDocument RetentionInDays Tags",
    "AWS::Logs::MetricFilter": "FilterName FilterPattern LogGroupName MetricTransformations",
    "AWS::SecretsManager::Secret": "Description KmsKeyId Name SecretString Tags",
    "AWS::SNS::Topic": "DisplayName KmsMasterKeyId Subscription Tags TopicName",
    "AWS::SNS::TopicPolicy": "PolicyDocument Topics",
    "AWS::SSM::Parameter": "Description Name Tags Type Value",
}


def limitations(resource_type: str, properties: Properties) -> Iterator[str]:
    """What of a resource the lab does not do, a sentence each.

    :param resource_type: any type that the lab does not provision itself, or a trail.
    """
    if resource_type == TRAIL:
        if properties.get("CloudWatchLogsLogGroupArn"):
            yield (
                "CloudTrail in the lab does not write to CloudWatch Logs: the trail's log group stays empty, "
                "and metric filters and alarms on it stay quiet."
            )
        return
    if resource_type not in _HONOURED:
        yield f"The lab does not test {resource_type}: its properties may be ignored."
        return
    for name in sorted(set(properties) - set(_HONOURED[resource_type].split())):
        if (resource_type, name) == (ALARM, "Metrics"):
            yield "The lab has no metric math: an alarm on it stays quiet."
        elif (resource_type, name) != (ALARM, "EvaluationWindow") or "Metrics" not in properties:
            yield f"The lab ignores {name} of {resource_type}."
    if resource_type == _RULE and properties.get("State", "ENABLED") not in ("ENABLED", "DISABLED"):
        yield f"The lab treats a rule in the state {properties['State']} as disabled."


def without_metric_math(handler: ResourceHandler) -> ResourceHandler:
    """The same handler of alarms, for metric math as well, which MiniStack refuses: here such an alarm never goes off.

    It shows the expression as the name of its metric, which nothing counts.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """

    def flat(value: Any) -> Any:
        if not isinstance(value, dict) or not value.get("Metrics"):
            return value
        expressions = [each["Expression"] for each in value["Metrics"] if each.get("Expression")]
        rest = {name: each for name, each in value.items() if name != "Metrics"}
        return {**rest, "Namespace": "Metric math", "MetricName": next(iter(expressions), "no expression")}

    def create(*args: Any) -> Any:
        return handler["create"](*map(flat, args))

    def update(*args: Any) -> Any:
        return handler["update"](*map(flat, args))

    return handler | {"create": create, "update": update}
