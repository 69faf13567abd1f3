"""When an alert comes: the events that an EventBridge rule takes, and how soon a CloudWatch alarm goes off."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from securetrail.review.controls.values import (
    Fixed,
    Level,
    Properties,
    Unknown,
    Value,
    Weakening,
    reads,
    shown,
    unresolved,
    where_known,
)

_STATISTIC: Final = ("Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic", "Metrics", "Unit")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_ABOVE: Final = {"GreaterThanThreshold", "GreaterThanOrEqualToThreshold"}
_BELOW: Final = {"LessThanThreshold", "LessThanOrEqualToThreshold"}


def alarm_metric(properties: Properties) -> Value:
    """What the alarm looks at, and by which comparison."""
    watched = {
        name: properties[name]
        for name in (*_STATISTIC, "ComparisonOperator", "ThresholdMetricId")
        if name in properties
    }
    gap = unresolved(watched)
    if gap is not None:
        return Unknown(gap.why, repr(watched))
    return Fixed(json.dumps(watched, sort_keys=True, default=str))


def alarm_threshold(properties: Properties) -> Value:
    """From which value on it goes off; the farther away, the weaker."""
    threshold, operator = properties.get("Threshold"), properties.get("ComparisonOperator")
    if unresolved([threshold, operator]) is not None:
        return Unknown("the threshold cannot be resolved", repr(threshold))
    if threshold is None or operator not in _ABOVE | _BELOW:
        return Fixed("" if threshold is None else f"{threshold}")
    amount = float(threshold)
    # Any rank above 0: a threshold can be negative and is a control all the same.
    return Level(_above_zero(-amount if operator in _ABOVE else amount), f"{amount:g}")


def _above_zero(amount: float) -> float:
    """The same order, in positive numbers."""
    return 1 / (1 - amount) if amount < 0 else 1 + amount


def alarm_delay(properties: Properties) -> Value:
    """How long what it looks at must last before it goes off."""
    parts = [properties.get("Period"), properties.get("DatapointsToAlarm"), properties.get("EvaluationPeriods")]
    if unresolved(parts) is not None:
        return Unknown("the periods cannot be resolved", repr(parts))
    period, points, periods = (None if part is None else float(part) for part in parts)
    seconds = (period or 1.0) * (points or periods or 1.0)
    return Level(1 / max(seconds, 1e-9), f"{seconds:g} seconds" if period else f"{points or periods or 1:g} periods")


def alarm_window(properties: Properties) -> Value:
    """In how long a time as much must happen as an alarm that sums up asks for; the shorter, the weaker.

    Nothing where one event is enough, and where nothing is summed up.
    """
    names = ("Statistic", "ComparisonOperator", "Threshold", "Period")
    statistic, operator, threshold, period = parts = [properties.get(name) for name in names]
    if unresolved(parts) is not None:
        return Unknown("the period cannot be resolved", repr(parts))
    if statistic not in ("Sum", "SampleCount") or operator not in _ABOVE or threshold is None or period is None:
        return Fixed("")
    one_is_enough = float(threshold) < 1 if operator == "GreaterThanThreshold" else float(threshold) <= 1
    return Fixed("") if one_is_enough else Level(float(period), f"{float(period):g} seconds")


@reads("State")
def rule_is_on(state: Any) -> Value:
    """A rule without a state is enabled."""
    state = "ENABLED" if state is None else state
    known = {
        "ENABLED": Level(1, "enabled"),
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
        "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS": Level(2, "enabled, also for calls that only read"),
        "DISABLED": Level(0, "disabled"),
    }
    return known.get(str(state), Unknown(f"the state {state}", str(state)))


@reads("EventPattern")
def event_pattern(pattern: Any) -> Value:
    """The events that a rule takes, as :func:`takes_less` compares them."""
    if isinstance(pattern, str):
        try:
            pattern = json.loads(pattern)
        except ValueError:
            return Unknown("the event pattern is no JSON", pattern)
    return Fixed("" if pattern is None else json.dumps(pattern, sort_keys=True))


@where_known(shown)
def takes_less(before: Value, after: Value) -> Weakening | None:
    """How a rule takes fewer events than before; a value that was added, or a condition that is gone, takes more.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """
    if not isinstance(before, Fixed) or not isinstance(after, Fixed):
        raise TypeError(f"{before!r} and {after!r} are no event patterns")
    if not before.text or not after.text:
        return Weakening(before.text, after.text or "nothing", is_lost=True) if before.text else None
    first, second = _conditions(json.loads(before.text)), _conditions(json.loads(after.text))
    if all(path in first and first[path] <= accepted for path, accepted in second.items()):
        return None
    lost = {path: first.get(path, frozenset({"any"})) - second[path] for path in second}
    kept = {path: second[path] for path, gone in lost.items() if gone}
    return Weakening(_shown({path: first.get(path, frozenset({"any"})) for path in kept}), _shown(kept), is_lost=False)


Told = frozenset[tuple[str, frozenset[str]]]
_WHOLE: Final = "$"
_IN_TEMPLATE: Final = re.compile(r"<([^<>\s]+)>")


def told(properties: Properties) -> Told | Unknown:
    """What each target of a rule is told of an event, as paths in it; a constant input tells nothing of it.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    """
    targets = properties.get("Targets") or []
    if (gap := unresolved(targets)) is not None:
        return Unknown(gap.why, repr(targets))
    if properties.get("EventPattern") is None:
        return frozenset()  # what runs by the clock has no event to tell of
    paths: dict[str, frozenset[str]] = {}
    for target in targets:
        paths[target["Arn"]] = paths.get(target["Arn"], frozenset()) | _paths(target)
    return frozenset(paths.items())


def _paths(target: Mapping[str, Any]) -> frozenset[str]:
    if target.get("Input") is not None:
        return frozenset()
    transformer = target.get("InputTransformer")
    if transformer is None:
        return frozenset({target.get("InputPath") or _WHOLE})
    names = {*_IN_TEMPLATE.findall(str(transformer["InputTemplate"]))}
    whole = {_WHOLE} if names & {"aws.events.event", "aws.events.event.json"} else set()
    return frozenset({path for name, path in (transformer.get("InputPathsMap") or {}).items() if name in names} | whole)


def _told_words(value: Told) -> str:
    return "; ".join(f"{arn}: {', '.join(sorted(paths)) or 'nothing of the event'}" for arn, paths in sorted(value))


@where_known(_told_words)
def tells_less(before: Told, after: Told) -> Weakening | None:
    """What targets that there still are do not hear of an event any more."""
    now = dict(after)
    lost = {arn: paths for arn, paths in before if arn in now and not all(_is_told(each, now[arn]) for each in paths)}
    if not lost:
        return None
    kept = frozenset((arn, now[arn]) for arn in lost)
    return Weakening(_told_words(frozenset(lost.items())), _told_words(kept), is_lost=not any(dict(kept).values()))


def _is_told(path: str, by: frozenset[str]) -> bool:
    if path == _WHOLE:
        # A readable text in its place is no loss, as long as it says what happened.
        return any(re.match(r"\$($|\.detail($|[.\[]))", each) for each in by)
    return any(each in (_WHOLE, path) or path.startswith((f"{each}.", f"{each}[")) for each in by)


def _conditions(pattern: Mapping[str, Any], path: str = "") -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for name, value in pattern.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, Mapping):
            found |= _conditions(value, here)
        else:
            entries = value if isinstance(value, list) else [value]
            found[here] = frozenset(json.dumps(entry, sort_keys=True) for entry in entries)
    return found


def _shown(conditions: Mapping[str, frozenset[str]]) -> str:
    return "; ".join(f"{path}: {', '.join(sorted(values))}" for path, values in sorted(conditions.items()))
