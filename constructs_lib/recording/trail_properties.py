"""The event selectors of a trail as ``CfnTrail`` takes them, without what CloudTrail writes to its own buckets.

A single selector is checked where it is made; here the selectors of a trail are checked together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_s3 as s3

from constructs_lib.policies.attach import as_people_write
from constructs_lib.recording.event_fields import Condition, EventCategory, Operator, ReadWrite
from constructs_lib.recording.event_selectors import S3_OBJECT, EventSelector
from constructs_lib.storage.log_replica import ReplicaTarget
from constructs_lib.validation.existing_resources import differ

# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
_MAX_VALUES: Final = 500
_TOPIC: Final = "AWS::SNS::Topic"
_MESSAGE_CALLS: Final = ("Publish", "PublishBatch")
# As which S3 may write access logs and copies; AWS does not say which of them it uses.
_DELIVERY_CALLS: Final = ("PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")


def check_selectors(selectors: Sequence[EventSelector]) -> None:
    """Refuse selectors that are none, or that ask for the same twice.

    :raises ValueError: what CloudTrail would refuse of them together.
    """
    if not selectors:
        raise ValueError(
            "event_selectors is empty, so the trail would record nothing. Allowed: at least one selector. "
            "Fix: leave event_selectors out to record every management event, or add EventSelector.management()."
        )
    sources = [
        selector.values_of("eventSource")
        for selector in selectors
        if selector.category is EventCategory.NETWORK_ACTIVITY
    ]
    for source in sources:
        if sources.count(source) > 1:
            raise ValueError(
                f"event_selectors has {sources.count(source)} network activity selectors for {source[0]}. "
                "Allowed: one for each event source. Fix: put their conditions into one selector."
            )


def records_every_management_event(selectors: Sequence[EventSelector] | None) -> bool:
    """Whether no management event is left out.

    :param selectors: the trail's. Default: - CloudTrail's, every management event.
    """
    return selectors is None or any(
        selector.category is EventCategory.MANAGEMENT and not selector.conditions for selector in selectors
    )


def advanced_event_selectors(
    selectors: Sequence[EventSelector], own_bucket_arns: Sequence[str]
) -> list[cloudtrail.CfnTrail.AdvancedEventSelectorProperty]:
    """The selectors as CloudFormation takes them, without what CloudTrail itself writes to the trail's own buckets.

    Recording those writes would make every delivered log file cause the next one.

    :param own_bucket_arns: the buckets whose objects no S3 selector may record.
    :raises ValueError: there are too many values.
    """
    own_objects = tuple(f"{arn}/" for arn in own_bucket_arns)
    complete = [_without(selector, own_objects) for selector in selectors]
    values = sum(len(condition.values) for selector in complete for condition in selector.conditions)
    if values > _MAX_VALUES:
        raise ValueError(
            f"event_selectors has {values} values in all its conditions, the trail's own buckets included. "
            f"Allowed: {_MAX_VALUES} in one trail. Fix: use ARN prefixes instead of single ARNs, or a second trail."
        )
    return [
        cloudtrail.CfnTrail.AdvancedEventSelectorProperty(
            name=selector.name,
            field_selectors=[
                cloudtrail.CfnTrail.AdvancedFieldSelectorProperty(
                    field="eventCategory", equal_to=[selector.category.value]
                ),
                *_field_selectors(selector.conditions),
            ],
        )
        for selector in complete
    ]


def _without(selector: EventSelector, own_objects: tuple[str, ...]) -> EventSelector:
    if selector.values_of("resources.type") != (S3_OBJECT,):
        return selector
    exclusion = Condition("resources.ARN", Operator.NOT_STARTS_WITH, own_objects)
    return EventSelector(selector.name, selector.category, (*selector.conditions, exclusion))


def _field_selectors(
    conditions: Sequence[Condition],
) -> list[cloudtrail.CfnTrail.AdvancedFieldSelectorProperty]:
    """One field selector for each field: a field that appears twice is an error to CloudTrail."""
    by_field: dict[str, dict[Operator, list[str]]] = {}
    for condition in conditions:
        by_field.setdefault(condition.field, {}).setdefault(condition.operator, []).extend(condition.values)
    return [
        cloudtrail.CfnTrail.AdvancedFieldSelectorProperty(
            field=field, **{operator.value: values for operator, values in comparisons.items()}
        )
        for field, comparisons in by_field.items()
    ]


def selector_warnings(
    selectors: Sequence[EventSelector],
    unknown_bucket: str | None,
    unknown_archive: str | None = None,
    delivery_topic_arn: str | None = None,
) -> dict[str, str]:
    """Warnings about selectors that CloudTrail accepts: warning id → text.

    :param unknown_bucket: describes a bucket that cannot be excluded, because its name is not known in this stack.
    :param unknown_archive: an existing bucket because of which S3 delivers to buckets that this stack does not know.
    :param delivery_topic_arn: the topic that CloudTrail tells about each log file. Default: - none.
    """
    may_record_deliveries = any(_may_record(selector, S3_OBJECT, _DELIVERY_CALLS) for selector in selectors)
    found = {}
    management = [selector for selector in selectors if selector.category is EventCategory.MANAGEMENT]
    excluded = sorted({value for selector in management for value in selector.values_of("eventSource")})
    everything = [
        selector.values_of("resources.type")[0]
        for selector in selectors
        if selector.category is EventCategory.DATA
        and not any(condition.field not in ("resources.type", "readOnly") for condition in selector.conditions)
    ]
    if everything:
        found["data-events-cost"] = (
            f"Every data event of {', '.join(everything)} in the account is recorded, in every region, and each is "
            "billed (https://aws.amazon.com/cloudtrail/pricing/). Fix: name the resources that matter, or acknowledge."
        )
    if unknown_bucket is not None and may_record_deliveries:
        found["own-deliveries"] = (
            f"Data events of S3 are recorded, also of what S3 delivers to {unknown_bucket}: each delivery causes the "
            "next one. Fix: a LogReplica with an access_log_bucket that has a name, or its name in the ReplicaTarget, "
            "or the buckets that matter in s3_objects(…)."
        )
    if unknown_archive is not None and may_record_deliveries:
        found["archive-deliveries"] = (
            f"Data events of S3 are recorded, also of what S3 delivers because of the bucket {unknown_archive}, such "
            "as its access logs, to buckets that are not known here: each delivery causes the next one. Fix: the "
            "buckets that matter in s3_objects(…); or acknowledge, if that bucket has neither access logs nor a "
            "replica, or if this trail records no events of the account where they are delivered."
        )
    if delivery_topic_arn is not None and any(
        _may_record(selector, _TOPIC, _MESSAGE_CALLS, delivery_topic_arn) for selector in selectors
    ):
        found["own-messages"] = (
            "Data events of SNS are recorded, also of the message that CloudTrail publishes for each log file: each "
            "log file causes the next one. Fix: EventSelector.data('AWS::SNS::Topic', arns=[…]) with the topics that "
            "matter, or leave out delivery_notifications."
        )
    if not management:
        found["no-management-events"] = (
            "event_selectors has no management selector, so this trail does not record operations on resources, and "
            "alerts on them may not arrive: EventBridge needs a trail that records the call. "
            "Fix: add EventSelector.management() unless another trail of the account records it."
        )
    recorded = {selector.read_write for selector in management}
    if recorded == {ReadWrite.READ_ONLY}:
        found["only-reads"] = (
            "Of management events event_selectors has only those that read, so this trail records no change, and "
            "alerts on changes may not arrive: EventBridge needs a trail that records the call "
            "(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html). "
            "Fix: EventSelector.management(), unless another trail of the account records them."
        )
    if recorded == {ReadWrite.WRITE_ONLY}:
        found["only-writes"] = (
            "Of management events event_selectors has only those that write, so what somebody read cannot be "
            "investigated later. Fix: EventSelector.management(), unless another trail of the account records them."
        )
    if excluded:
        found["excluded-sources"] = (
            f"Management events of {', '.join(excluded)} are excluded, so they cannot be investigated later, and "
            "alerts on them may not arrive: EventBridge needs a trail that records the call. "
            "Fix: record them, unless another trail of the account does."
        )
    return found


def _may_record(selector: EventSelector, resource_type: str, calls: Sequence[str], arn: str | None = None) -> bool:
    """Whether it may record that a service makes one of these calls; a condition that could hold counts as met.

    :param arn: on which resource. Default: - one that the selector does not name.
    """
    return selector.values_of("resources.type") == (resource_type,) and all(
        _may_hold(condition, calls, arn) for condition in selector.conditions
    )


def _may_hold(condition: Condition, calls: Sequence[str], arn: str | None) -> bool:
    values = condition.values
    match condition.field:
        case "readOnly":
            return values != ("true",)
        case "sessionCredentialFromConsole":
            return condition.operator is not Operator.EQUALS or values != ("true",)
        case "eventName":
            return any(_holds(condition, name) for name in calls)
        case "resources.ARN":
            return _may_be_about(condition, arn)
    return True


def _may_be_about(condition: Condition, arn: str | None) -> bool:
    values = condition.values
    match condition.operator:
        case Operator.EQUALS:
            return arn in values
        case Operator.NOT_EQUALS:
            return arn not in values
        case Operator.STARTS_WITH:
            # Behind a slash the name of a bucket is over.
            return arn is not None or any("/" not in value for value in values)
    return True


def _holds(condition: Condition, given: str) -> bool:
    values, known = condition.values, [value for value in condition.values if not cdk.Token.is_unresolved(value)]
    match condition.operator:
        case Operator.EQUALS:
            return len(known) < len(values) or given in known
        case Operator.NOT_EQUALS:
            return given not in known
        case Operator.STARTS_WITH:
            return len(known) < len(values) or given.startswith(tuple(known))
        case Operator.NOT_STARTS_WITH:
            return not given.startswith(tuple(known))
        case Operator.ENDS_WITH:
            return len(known) < len(values) or given.endswith(tuple(known))
        case Operator.NOT_ENDS_WITH:
            return not given.endswith(tuple(known))


def own_bucket_arns(
    stack: cdk.Stack, buckets: Sequence[s3.IBucket], target: ReplicaTarget | None, *, of_organization: bool
) -> tuple[list[str], str | None]:
    """The buckets that S3 and CloudTrail deliver to because of this trail: their ARNs, and one without a known name.

    :param buckets: the log bucket, and those with access logs.
    :param target: where they are copied to.
    :param of_organization: whether the trail records what is delivered to other accounts.
    """
    arns = [*dict.fromkeys(bucket.bucket_arn for bucket in buckets)]
    if target is None:
        return arns, None
    arns.append(target.bucket_arn)
    name = target.access_log_bucket_name
    # A name that CloudFormation chooses in another account or region cannot be referred to from here.
    is_here = target.region == stack.region and target.account in (None, stack.account)
    if name is None or (cdk.Token.is_unresolved(name) and not is_here):
        is_recorded = of_organization or target.account is None or not differ(target.account, stack.account)
        unnamed = f"the access logs of the replica {as_people_write(stack.resolve(target.bucket_arn))}"
        return arns, unnamed if is_recorded else None
    return [*arns, f"arn:{stack.partition}:s3:::{name}"], None
