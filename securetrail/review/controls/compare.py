"""Which controls a change loses or weakens: each control of each resource, before and after."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from securetrail.review.controls.alerts import (
    COUNTED_BY,
    LESSENS,
    OTHER_UNIT,
    OTHERWISE,
    PUBLISHED_TO,
    SEVERAL_UNITS,
    as_one_metric,
)
from securetrail.review.controls.storage import TAKES_LOGS
from securetrail.review.controls.table import CONTROLS, Control
from securetrail.review.controls.values import Weakening, at
from securetrail.review.template import Id, Resource, Variant, as_json

_ALARM: Final = {"AWS::CloudWatch::Alarm"}
_PUBLISHING: Final = {
    "AWS::CloudTrail::Trail",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Events::Rule",
    "AWS::S3::Bucket",
}
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
_RULE: Final = "AWS::Events::Rule"
_BUCKET, _TRAIL = "AWS::S3::Bucket", "AWS::CloudTrail::Trail"
_NAMES_OF_RULES: Final = {"Description", "EventPattern", "Name", "Tags"}
SUBSCRIPTION, _TOPIC = "AWS::SNS::Subscription", "AWS::SNS::Topic"
# What is there already, its creation does not take away any more.
_KEEPS: Final = {"Retain": 2, "RetainExceptOnCreate": 2, "Snapshot": 1, "Delete": 0}
_ATTRIBUTES: Final = {
    "kept_when_removed": ("deletion_policy", "when it is removed from the stack:"),
    "kept_when_replaced": ("update_replace_policy", "when it is replaced:"),
}
# The policies of a nested stack are about everything in it; what is kept without its policy is open, or closed to all.
_KEPT_TOO: Final = {
    "AWS::CloudFormation::Stack",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
_DESTROYED: Final = "Whoever may delete the stack, or make it replace the resource, deletes what is in it."


class Loss(StrEnum):
    """How a control protects less."""

    LOST = "lost"
    WEAKER = "weaker"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True)
class ControlLoss:
    """A control of a resource that protects less than before.

    :param id: the control's.
    :param what: it, in words that go before a value.
    :param before: the value in words; likewise ``after``.
    :param attack: what somebody could do now.
    :param when: the comparisons of conditions by which it is so, in words; empty where it is always so.
    """

    id: str
    loss: Loss
    resource: Id
    resource_type: str
    what: str
    before: str
    after: str
    attack: str
    when: str = ""


def compare_controls(variants: Sequence[Variant], stateful: frozenset[str]) -> tuple[ControlLoss, ...]:
    """The controls that are lost or weaker in any of the variants, each once.

    :param stateful: types of resources whose content the deletion policy is about.
    """
    found: dict[tuple[Id, str], ControlLoss] = {}
    where: dict[tuple[Id, str], list[set[tuple[str, bool]]]] = {}
    for variant in variants:
        head = _with_new_rules(_with_subscriptions(_fed(variant.head)), {*variant.base})
        head = _recording_new_buckets(head, {*variant.base})
        for loss in _of_variant(_fed(variant.base), head, stateful):
            found.setdefault((loss.resource, loss.id), loss)
            where.setdefault((loss.resource, loss.id), []).append({*variant.assumptions})
    losses = [dataclasses.replace(loss, when=_words(set.intersection(*where[key]))) for key, loss in found.items()]
    return tuple(sorted(losses, key=lambda loss: (list(Loss).index(loss.loss), str(loss.resource), loss.id)))


def _words(assumptions: Collection[tuple[str, bool]]) -> str:
    """What the variants have in common in which something is so: ``when Logging is not "yes"``."""
    words = []
    for comparison, is_so in sorted(assumptions):
        operands = json.loads(comparison).get("Fn::Equals")
        if isinstance(operands, list) and len(operands) == 2:
            # A parameter is named first.
            one, other = (_operand(each) for each in sorted(operands, key=lambda each: isinstance(each, str)))
            words.append(f"{one} {'is' if is_so else 'is not'} {other}")
        else:
            words.append(f"{comparison} {'holds' if is_so else 'does not hold'}")
    return f"when {' and '.join(words)}" if words else ""


def _operand(value: Any) -> str:
    named = value.get("Ref") if isinstance(value, Mapping) and len(value) == 1 else None
    return named if isinstance(named, str) else as_json(value)


def _fed(resources: Mapping[Id, Resource]) -> Mapping[Id, Resource]:
    """The resources, with what others say of them: what feeds an alarm's metric, the name of which may be any, and
    that services publish to a topic.
    """
    filters: dict[tuple[str, str], dict[str, str]] = {}
    for each in resources.values():
        transformations = at(each.properties, "MetricTransformations.0")
        if each.type == "AWS::Logs::MetricFilter" and isinstance(transformations, Mapping):
            metric = str(transformations.get("MetricNamespace")), str(transformations.get("MetricName"))
            value = str(transformations.get("MetricValue"))
            lessens = LESSENS if value.startswith("-") else ""
            otherwise = "" if transformations.get("DefaultValue") is None else OTHERWISE
            unit = str(transformations.get("Unit") or "None")
            filters.setdefault(metric, {})[f"{each.id}{lessens}{otherwise}"] = unit
    fed = {
        name: dataclasses.replace(each, properties=as_one_metric(each.properties)) if each.type in _ALARM else each
        for name, each in resources.items()
    }
    for name, each in fed.items():
        metric = str(each.properties.get("Namespace")), str(each.properties.get("MetricName"))
        if each.type == "AWS::CloudWatch::Alarm" and metric in filters:
            counted = sorted(_in_units(filters[metric], str(each.properties.get("Unit") or "")))
            fed[name] = dataclasses.replace(each, properties={**each.properties, COUNTED_BY: counted})
    telling = (each.dependencies for each in resources.values() if each.type in _PUBLISHING)
    for name in {name for told in telling for name in told & {*resources}}:
        if resources[name].type == "AWS::SNS::Topic":
            fed[name] = dataclasses.replace(fed[name], properties={**fed[name].properties, PUBLISHED_TO: True})
    places = [at(each.properties, "LoggingConfiguration.DestinationBucketName") for each in resources.values()]
    logged = {place for place in places if isinstance(place, str)}
    for name, each in resources.items():
        if each.type == "AWS::S3::Bucket" and each.reference in logged:
            fed[name] = dataclasses.replace(each, properties={**each.properties, TAKES_LOGS: True})
    return fed


def _in_units(filters: Mapping[str, str], asked: str) -> Iterator[str]:
    """The filters that count into a metric, each with what its unit does to an alarm.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html

    :param filters: each with its unit.
    :param asked: the unit that the alarm names. Default: - none.
    """
    for each, unit in filters.items():
        several = SEVERAL_UNITS if not asked and len({*filters.values()}) > 1 else ""
        yield each + (OTHER_UNIT if asked and unit != asked else several)


def _with_subscriptions(resources: Mapping[Id, Resource]) -> Mapping[Id, Resource]:
    """The resources; each topic has the subscriptions that are resources of their own, as a property."""
    found = dict(resources)
    topics = {each.arn: name for name, each in resources.items() if each.type == _TOPIC}
    for each in resources.values():
        name = topics.get(str(each.properties.get("TopicArn"))) if each.type == SUBSCRIPTION else None
        own = found[name].properties.get("Subscription") or [] if name else None
        if name and isinstance(own, list) and not each.properties.get("FilterPolicy"):
            entry = {part: each.properties.get(part) for part in ("Protocol", "Endpoint")}
            found[name] = dataclasses.replace(
                found[name], properties={**found[name].properties, "Subscription": [*own, entry]}
            )
    return found


def _with_new_rules(resources: Mapping[Id, Resource], before: Collection[Id]) -> Mapping[Id, Resource]:
    """The resources; each rule of before also takes what new ones take that tell the same targets the same."""
    found = dict(resources)
    rules = [each for each in resources.values() if each.type == _RULE and isinstance(_pattern(each), Mapping)]
    for each in (rule for rule in rules if rule.id in before):
        new = [_pattern(other) for other in rules if other.id not in before and _tells(other) == _tells(each)]
        if new:
            pattern = {"$or": [_pattern(each), *new]}
            found[each.id] = dataclasses.replace(each, properties={**each.properties, "EventPattern": pattern})
    return found


def _recording_new_buckets(resources: Mapping[Id, Resource], before: Collection[Id]) -> Mapping[Id, Resource]:
    """The resources; the trails also record what happens in buckets that are new. A trail that leaves out what is
    delivered to a bucket of its own, such as one for access logs, loses nothing with one that was not there.
    """
    new = {f"{each.arn}/" for each in resources.values() if each.type == _BUCKET and each.id not in before}
    found = dict(resources)
    for each in resources.values():
        selectors = each.properties.get("AdvancedEventSelectors")
        if new and each.type == _TRAIL and isinstance(selectors, list):
            recorded = [_but_for(selector, new) for selector in selectors]
            found[each.id] = dataclasses.replace(
                each, properties={**each.properties, "AdvancedEventSelectors": recorded}
            )
    return found


def _but_for(selector: Any, new: Collection[str]) -> Any:
    """An advanced event selector that does not leave out some places by their whole names."""
    fields = selector.get("FieldSelectors") if isinstance(selector, Mapping) else None
    if not isinstance(fields, list) or not all(isinstance(each, Mapping) for each in fields):
        return selector
    kept = []
    for each in fields:
        places = each.get("NotStartsWith")
        if each.get("Field") != "resources.ARN" or not isinstance(places, list):
            kept.append(each)
            continue
        rest = {name: value for name, value in each.items() if name != "NotStartsWith"}
        left = [place for place in places if not isinstance(place, str) or place not in new]
        if left:
            kept.append({**rest, "NotStartsWith": left})
        elif len(rest) > 1:
            kept.append(rest)
    return {**selector, "FieldSelectors": kept}


def _pattern(rule: Resource) -> Any:
    return rule.properties.get("EventPattern")


def _tells(rule: Resource) -> Any:
    """All that a rule does but for what it takes, without the names that change nothing."""
    rest = {name: value for name, value in rule.properties.items() if name not in _NAMES_OF_RULES}
    targets = rest.get("Targets")
    for_each = [
        {name: value for name, value in target.items() if name != "Id"} if isinstance(target, Mapping) else target
        for target in (targets if isinstance(targets, list) else [])
    ]
    return {**rest, "State": rest.get("State", "ENABLED"), "Targets": for_each}


def is_subscribed(old: Resource, head: Mapping[Id, Resource]) -> bool:
    """Whether a topic of the head has as a property what was a subscription of its own."""
    for each in head.values():
        own = each.properties.get("Subscription")
        if each.type == _TOPIC and each.arn == old.properties.get("TopicArn") and isinstance(own, list):
            entry = {part: old.properties.get(part) for part in ("Protocol", "Endpoint")}
            return entry in own and not old.properties.get("RedrivePolicy")
    return False


def _of_variant(
    base: Mapping[Id, Resource], head: Mapping[Id, Resource], stateful: frozenset[str]
) -> Iterator[ControlLoss]:
    for resource_id in sorted({*base} & {*head}):
        before, after = base[resource_id], head[resource_id]
        if before.type != after.type:
            continue  # replaced by something else, which the changes say
        if before.properties != after.properties:
            for control in CONTROLS:
                if before.type in control.types and (loss := _loss(control, before, after)) is not None:
                    yield loss
        if before.type in stateful or before.type in _KEPT_TOO:
            yield from _attributes(before, after)


def _loss(control: Control, before: Resource, after: Resource) -> ControlLoss | None:
    try:
        weaker = control.compare(control.read(before.properties), control.read(after.properties))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        weaker = Weakening("", f"it is not what CloudFormation allows here ({error})", is_lost=False, is_known=False)
    if weaker is None:
        return None
    return ControlLoss(
        control.id, _kind(weaker), before.id, before.type, control.what, weaker.before, weaker.after, control.attack
    )


def _kind(weaker: Weakening) -> Loss:
    if not weaker.is_known:
        return Loss.NOT_COMPARABLE
    return Loss.LOST if weaker.is_lost else Loss.WEAKER


def _attributes(before: Resource, after: Resource) -> Iterator[ControlLoss]:
    for name, (attribute, what) in _ATTRIBUTES.items():
        old, new = getattr(before, attribute) or "Delete", getattr(after, attribute) or "Delete"
        if _KEEPS.get(new, 0) < _KEEPS.get(old, 0):
            loss = Loss.WEAKER if _KEEPS.get(new, 0) else Loss.LOST
            yield ControlLoss(name, loss, before.id, before.type, what, old, new, _DESTROYED)
