"""What no control orders, of resources that carry alerts or protect by being there: any other value may protect less.

A control knows which of two values of a property is weaker. Of the other properties nobody knows it here, and new ones
come with every release of CloudFormation, so that each of them counts that is not known to be harmless.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from securetrail.review.access import GUARDRAIL, GUARDRAILS
from securetrail.review.controls.table import CONTROLS
from securetrail.review.controls.values import at
from securetrail.review.template import Id, NotComparable, Resource, as_json

_FUNCTION: Final = "AWS::Lambda::Function"
_RULE: Final = "AWS::Events::Rule"
_TELLING: Final = (
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Logs::SubscriptionFilter",
    "AWS::SNS::Subscription",
    _RULE,
)
SAYS_NOTHING: Final = frozenset({"Description", "Tags", "TagsMap", "Name", "DisplayName"})
# Of each type: what its controls compare, and what changes nothing of who is told of what.
_COMPARED: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::CloudWatch::Alarm": (
        "ActionsEnabled",
        "AlarmActions",
        "AlarmDescription",
        "AlarmName",
        "ComparisonOperator",
        "DatapointsToAlarm",
        "Dimensions",
        "EvaluationPeriods",
        "ExtendedStatistic",
        "InsufficientDataActions",
        "MetricName",
        "Metrics",
        "Namespace",
        "OKActions",
        "Period",
        "Statistic",
        "Threshold",
        "ThresholdMetricId",
        "TreatMissingData",
        "Unit",
    ),
    "AWS::CloudWatch::CompositeAlarm": (
        "ActionsEnabled",
        "ActionsSuppressor",
        "ActionsSuppressorExtensionPeriod",
        "ActionsSuppressorWaitPeriod",
        "AlarmActions",
        "AlarmDescription",
        "AlarmName",
        "AlarmRule",
        "InsufficientDataActions",
        "OKActions",
    ),
    "AWS::EC2::FlowLog": ("TrafficType",),
    # Policies are compared by what they allow.
    "AWS::Events::EventBus": ("Policy",),
    "AWS::Logs::Destination": ("DestinationPolicy",),
    "AWS::Events::Rule": ("EventBusName", "EventPattern", "ScheduleExpression", "State", "Targets"),
    "AWS::KMS::Key": (
        "BypassPolicyLockoutSafetyCheck",
        "EnableKeyRotation",
        "Enabled",
        "KeyPolicy",
        "PendingWindowInDays",
        "RotationPeriodInDays",
    ),
    "AWS::CloudTrail::Trail": (
        "AdvancedEventSelectors",
        "AggregationConfigurations",
        "CloudWatchLogsLogGroupArn",
        "CloudWatchLogsRoleArn",
        "EnableLogFileValidation",
        "EventSelectors",
        "IncludeGlobalServiceEvents",
        "InsightSelectors",
        "IsLogging",
        "IsMultiRegionTrail",
        "IsOrganizationTrail",
        "KMSKeyId",
        "S3BucketName",
        "S3KeyPrefix",
        "SnsTopicName",
        "TrailName",
    ),
    "AWS::GuardDuty::Detector": ("DataSources", "Enable", "Features", "FindingPublishingFrequency"),
    "AWS::Config::ConfigurationRecorder": ("Name", "RecordingGroup", "RecordingMode"),
    "AWS::Lambda::EventSourceMapping": (
        "BatchSize",
        "Enabled",
        "MaximumBatchingWindowInSeconds",
        "ParallelizationFactor",
        "ScalingConfig",
    ),
    "AWS::Logs::LogGroup": (
        "DeletionProtectionEnabled",
        "FieldIndexPolicies",
        "KmsKeyId",
        "LogGroupName",
        "ResourcePolicyDocument",
        "RetentionInDays",
    ),
    "AWS::Logs::MetricFilter": (
        "FilterName",
        "FilterPattern",
        "LogGroupName",
        "MetricTransformations.MetricName",
        "MetricTransformations.MetricNamespace",
        "MetricTransformations.MetricValue",
        "MetricTransformations.Unit",
    ),
    "AWS::Logs::SubscriptionFilter": ("DestinationArn", "Distribution", "FilterName", "FilterPattern"),
    "AWS::SNS::Subscription": (
        "Endpoint",
        "FilterPolicy",
        "FilterPolicyScope",
        "Protocol",
        "RawMessageDelivery",
        "RedrivePolicy",
        "ReplayPolicy",
        "TopicArn",
    ),
    "AWS::SNS::Topic": (
        "DeliveryStatusLogging",
        "FifoThroughputScope",
        "FifoTopic",
        "KmsMasterKeyId",
        "SignatureVersion",
        "Subscription",
        "TopicName",
        "TracingConfig",
    ),
}
# A macro writes any property; that it is another one is an objection of its own.
_OF_MACROS: Final = ("Fn::Transform", "Properties")
_COMPARED_OF_TARGETS: Final = {"Arn", "DeadLetterConfig", "Id", "RetryPolicy"}
_TOLD: Final = {"Input", "InputPath", "InputTransformer"}
# AWS's defaults: written out, they are no other values.
_DEFAULTS: Final = {
    "ApplyOnTransformedLogs": "false",
    "BearerTokenAuthenticationEnabled": "false",
    "ContentBasedDeduplication": "false",
    "DefaultValue": "0",
    "DesiredState": "RUNNING",
    "KeySpec": "SYMMETRIC_DEFAULT",
    "KeyUsage": "ENCRYPT_DECRYPT",
    "LogGroupClass": "STANDARD",
    "MultiRegion": "false",
    "Origin": "AWS_KMS",
    "State": "ENABLED",
}
_ADDRESS: Final = re.compile(r"://|@")
_CALLED_SO: Final = re.compile("address|channel|endpoint|mail|topic|ur[il]|webhook", re.IGNORECASE)
_CONTROLLED: Final = frozenset(type_ for control in CONTROLS for type_ in control.types)
_TARGET: Final = "Targets: "


def different(
    base: Mapping[Id, Resource], head: Mapping[Id, Resource], protective: Collection[str]
) -> Iterator[tuple[Resource, str, str, str]]:
    """Each resource of both sides with other values of what no control orders: their names, and both values.

    :param protective: types of resources that protect by being there.
    :returns: the base's resource, the names in words, and the values as JSON.
    """
    telling = {each for resource in base.values() if resource.type in _TELLING for each in resource.dependencies}
    judged = {*_COMPARED, *protective} - (_CONTROLLED - _COMPARED.keys())
    for each in sorted({*base} & {*head}):
        old, new = base[each], head[each]
        if old.type != new.type or old.properties == new.properties:
            continue
        if old.type in judged:
            before, after = _rest(old), _rest(new)
        elif old.type == _FUNCTION and each in telling:
            before = _addresses(old)
            after = {name: value for name, value in _addresses(new, before).items() if name in before}
        else:
            continue
        names = [name for name in sorted(before.keys() | after.keys()) if _is_another(name, before, after)]
        if names:
            first, second = (as_json({name: side.get(name) for name in names}) for side in (before, after))
            yield old, ", ".join(names), first, second


def _is_another(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if not name.startswith(_TARGET):
        return before.get(name) != after.get(name)
    # That a target is gone says a control; one that is told in two ways is told in each.
    return name in after and any(each not in after[name] for each in before.get(name, ()))


def _rest(resource: Resource) -> dict[str, Any]:
    compared = _COMPARED.get(resource.type, ())
    left = {*compared, *SAYS_NOTHING, *_OF_MACROS}
    if resource.type == GUARDRAIL and resource.properties.get("Type") in GUARDRAILS:
        left.add("Content")  # compared by what it leaves to members
    found = {name: _plain(value, name, compared) for name, value in resource.properties.items() if name not in left}
    if resource.type == _RULE:
        found |= _targets(resource)
    return {name: value for name, value in found.items() if value not in (None, "", [], {}, _DEFAULTS.get(name))}


def _plain(value: Any, path: str, compared: Iterable[str] = ()) -> Any:
    """A value without what controls compare of it, with each boolean and number as text."""
    if isinstance(value, Mapping):
        found = {
            name: _plain(entry, f"{path}.{name}", compared)
            for name, entry in value.items()
            if f"{path}.{name}" not in compared
        }
        return {name: entry for name, entry in found.items() if entry != _DEFAULTS.get(name)}
    if isinstance(value, list):
        entries = [_plain(entry, path, compared) for entry in value]
        return [] if all(entry == {} for entry in entries) else entries
    if isinstance(value, NotComparable) or value is None:
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _targets(rule: Resource) -> dict[str, Any]:
    """What each target is told with; what a rule by the clock gives its target is the target's order."""
    by_clock = rule.properties.get("EventPattern") is None
    compared = _COMPARED_OF_TARGETS | (set() if by_clock else _TOLD)
    targets = rule.properties.get("Targets")
    found: dict[str, Any] = {}
    for target in targets if isinstance(targets, list) else ():
        if isinstance(target, Mapping):
            rest = {name: _plain(value, name) for name, value in target.items() if name not in compared}
            found.setdefault(f"{_TARGET}{target.get('Arn')}", []).append(rest)
    return found


def _addresses(function: Resource, names: Iterable[str] = ()) -> dict[str, Any]:
    """The variables that say where a function sends what it is told."""
    variables = at(function.properties, "Environment.Variables")
    return {
        f"Environment.Variables.{name}": _plain(value, name)
        for name, value in (variables.items() if isinstance(variables, Mapping) else ())
        if f"Environment.Variables.{name}" in names or _CALLED_SO.search(name) or _ADDRESS.search(str(value))
    }
