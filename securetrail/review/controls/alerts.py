"""When an alert comes: the events that an EventBridge rule takes, and how soon a CloudWatch alarm goes off."""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from securetrail.review.controls.values import (
    Fixed,
    Level,
    Needed,
    Properties,
    Unknown,
    Value,
    Weakening,
    reads,
    shown,
    unresolved,
    weakening,
    where_known,
)

# What must hold of an event: by path, the sets of values of each of which the event has one.
Conditions = Mapping[str, frozenset[frozenset[str]]]
_ANY: Final = frozenset({frozenset({"any"})})
_MOST_ALTERNATIVES: Final = 1000
_A_LITTLE: Final = 1e-9
_STATISTIC: Final = ("Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic", "Metrics", "Unit")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
# What the comparison adds to properties: what feeds an alarm's metric, and that services publish to a topic.
COUNTED_BY, LESSENS, PUBLISHED_TO = "CountedBy", " by less than nothing", "PublishedTo"
# What a filter counts while it finds nothing: it makes averages and minima smaller, and sums and maxima no larger.
OTHERWISE: Final = " with a value for what does not match"
# An alarm that names a unit looks at what is counted in it alone; one that names none, at nothing certain of several.
OTHER_UNIT, SEVERAL_UNITS = " in another unit", " in one of several units"
_STATISTICS: Final = {"Average", "Maximum", "Minimum", "SampleCount", "Sum"}
_IGNORE: Final = "ignore"
_ABOVE: Final = {"GreaterThanThreshold", "GreaterThanOrEqualToThreshold"}
_BELOW: Final = {"LessThanThreshold", "LessThanOrEqualToThreshold"}


@dataclass(frozen=True, slots=True)
class Watched:
    """What an alarm looks at.

    :param rest: all but what feeds the metric, in words.
    :param filters: the metric filters that do, when some are known.
    :param may_be_fed_more: whether what else feeds the metric can only make the alarm go off sooner.
    """

    rest: str
    filters: frozenset[str]
    may_be_fed_more: bool

    def __str__(self) -> str:
        return f"{self.rest}, counted by {', '.join(sorted(self.filters))}" if self.filters else self.rest


def as_one_metric(properties: Properties) -> Properties:
    """An alarm's properties with its metric beside the others, where it is written as metric math that changes nothing.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html
    """
    metrics = properties.get("Metrics")
    if not isinstance(metrics, list) or unresolved(metrics) is not None:
        return _with_sorted_dimensions(properties)
    by_id = {str(each.get("Id")): each for each in metrics if isinstance(each, Mapping)}
    shown_to_all = [each for each in by_id.values() if str(each.get("ReturnData", True)).lower() == "true"]
    if len(by_id) != len(metrics) or len(shown_to_all) != 1:
        return properties
    found = shown_to_all[0]
    for _ in by_id:
        found = by_id.get(str(found.get("Expression", "")).strip(" ()"), found)
    asked = found.get("MetricStat")
    metric = asked.get("Metric") if isinstance(asked, Mapping) else None
    if not isinstance(asked, Mapping) or not isinstance(metric, Mapping) or "AccountId" in found:
        return properties
    name = "Statistic" if asked.get("Stat") in _STATISTICS else "ExtendedStatistic"
    flat = {**metric, name: asked.get("Stat"), "Period": asked.get("Period"), "Unit": asked.get("Unit")}
    rest = {key: value for key, value in properties.items() if key != "Metrics"}
    return _with_sorted_dimensions({**rest, **{key: value for key, value in flat.items() if value is not None}})


def _with_sorted_dimensions(properties: Properties) -> Properties:
    dimensions = properties.get("Dimensions")
    if not isinstance(dimensions, list):
        return properties
    rest = {key: value for key, value in properties.items() if key != "Dimensions"}
    return {**rest, "Dimensions": sorted(dimensions, key=str)} if dimensions else rest


def alarm_metric(properties: Properties) -> Watched | Unknown:
    """What the alarm looks at, and in which direction it compares."""
    watched = {
        name: properties[name]
        for name in (*_STATISTIC, "ComparisonOperator", "ThresholdMetricId")
        if name in properties
    }
    gap = unresolved(watched)
    if gap is not None:
        return Unknown(gap.why, repr(watched))
    operator = watched.pop("ComparisonOperator", None)
    direction = "above" if operator in _ABOVE else "below" if operator in _BELOW else operator
    if direction is not None:
        watched["compares"] = direction
    filters = frozenset(properties.get(COUNTED_BY) or ())
    for name in ("Namespace", "MetricName") if filters else ():
        watched.pop(name, None)
    is_count = watched.get("Statistic") in ("Maximum", "SampleCount", "Sum")
    if direction == "above" and watched.get("Statistic") in ("Maximum", "Sum"):
        filters = frozenset(each.removesuffix(OTHERWISE) for each in filters)
    rest = json.dumps(watched, sort_keys=True, default=str) if watched else ""
    return Watched(rest, filters, is_count and direction == "above")


@where_known()
def watches_less(before: Watched, after: Watched) -> Weakening | None:
    """How an alarm looks at something else; one more filter that counts into its metric is no loss."""
    if before == Watched("", frozenset(), False):  # noqa: FBT003 (a value of the alarm's)
        return None
    new = after.filters - before.filters
    is_fed_more = after.may_be_fed_more and before.filters <= after.filters and not any(LESSENS in each for each in new)
    if before.rest == after.rest and before.filters and is_fed_more:
        return None
    return Weakening(str(before), str(after), is_lost=not str(after))


def alarm_threshold(properties: Properties) -> Value:
    """From which value on it goes off; the farther away, the weaker."""
    threshold, operator = properties.get("Threshold"), properties.get("ComparisonOperator")
    if unresolved([threshold, operator]) is not None:
        return Unknown("the threshold cannot be resolved", repr(threshold))
    if threshold is None or operator not in _ABOVE | _BELOW:
        return Fixed("" if threshold is None else f"{threshold}")
    amount = float(threshold)
    is_strict = operator in ("GreaterThanThreshold", "LessThanThreshold")
    farther = amount if operator in _ABOVE else -amount
    # Any rank above 0: a threshold can be negative and is a control all the same. Beyond a value is farther than at it.
    rank = _above_zero(-(farther + _A_LITTLE * max(1.0, abs(farther)) if is_strict else farther))
    return Level(rank, f"{'more' if operator in _ABOVE else 'less'} than {amount:g}" if is_strict else f"{amount:g}")


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
    first, second = ([*_alternatives(json.loads(each.text))] for each in (before, after))
    if all(any(_takes_all(new, old) for new in second) for old in first):
        return None
    if len(first) > 1 or len(second) > 1:
        return Weakening(before.text, after.text, is_lost=False)
    lost = {path for path in second[0] if not _takes_all({path: second[0][path]}, first[0])}
    was, is_now = (_shown({path: each.get(path, _ANY) for path in lost}) for each in (first[0], second[0]))
    return Weakening(was, is_now, is_lost=False)


_RATE: Final = re.compile(r"rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)")
_SECONDS: Final = {"minute": 60, "hour": 3600, "day": 86_400}


@reads("ScheduleExpression")
def schedule(found: Any) -> Level | Fixed:
    """How often a rule runs by the clock; of what is no rate nobody knows it."""
    rate = _RATE.fullmatch(str(found or ""))
    if rate is None or int(rate[1]) == 0:
        return Fixed(str(found or ""))
    return Level(1 / (int(rate[1]) * _SECONDS[rate[2]]), str(found))


@where_known(shown)
def goes_off_less(before: Value, after: Value) -> Weakening | None:
    """How a composite alarm goes off for less: one more alarm as an alternative is none."""
    if not isinstance(before, Fixed) or not isinstance(after, Fixed):
        raise TypeError(f"{before!r} and {after!r} are no rules of alarms")
    first, second = ({*_OR.split(_without_spaces(each.text))} for each in (before, after))
    is_list = all(_is_whole(part) and _AND.search(part) is None for part in (*first, *second))
    if not before.text or (is_list and first <= second):
        return None
    return Weakening(before.text, after.text or "nothing", is_lost=not after.text)


_OR: Final = re.compile(r"\s+OR\s+")
_AND: Final = re.compile(r"\b(?:AND|NOT|AT_LEAST)\b(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)")


def _without_spaces(rule: str) -> str:
    """A rule with each alarm written in one way, and without parentheses around all of it."""
    text = re.sub(r"\(\s*\"?([^()\"]*?)\"?\s*\)", r'("\1")', " ".join(rule.split()))
    while text.startswith("(") and text.endswith(")") and _is_whole(text[1:-1]):
        text = text[1:-1].strip()
    return text


Notified = frozenset[tuple[str, frozenset[str]]]
_WHOLE: Final = "$"
_IN_TEMPLATE: Final = re.compile(r"<([^<>\s]+)>")


def told(properties: Properties) -> Notified | Unknown:
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


def _told_words(value: Notified) -> str:
    return "; ".join(f"{arn}: {', '.join(sorted(paths)) or 'nothing of the event'}" for arn, paths in sorted(value))


@where_known(_told_words)
def tells_less(before: Notified, after: Notified) -> Weakening | None:
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


def _alternatives(pattern: Mapping[str, Any]) -> Iterator[Conditions]:
    """What must hold of an event, for each choice among what ``$or`` stands for."""
    choices: list[list[Conditions]] = [[each] for each in _conditions(pattern)]
    choices += [[*itertools.chain.from_iterable(map(_alternatives, each))] for each in _ors(pattern)]
    if math.prod(len(each) for each in choices) > _MOST_ALTERNATIVES:
        raise ValueError("the pattern has too many alternatives to compare")
    for chosen in itertools.product(*choices):
        found: dict[str, frozenset[frozenset[str]]] = {}
        for conditions in chosen:
            for path, values in conditions.items():
                found[path] = found.get(path, frozenset()) | values
        yield found


def _ors(pattern: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[list[Mapping[str, Any]]]:
    """The alternatives of each ``$or``, each as a pattern of its own."""
    for name, value in pattern.items():
        if name == "$or" and isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
            yield [functools.reduce(lambda inner, outer: {outer: inner}, path[::-1], each) for each in value]
        elif isinstance(value, Mapping):
            yield from _ors(value, (*path, name))


def _conditions(pattern: Mapping[str, Any], path: str = "") -> Iterator[Conditions]:
    for name, value in pattern.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, Mapping):
            yield from _conditions(value, here)
        elif name != "$or" or not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
            entries = value if isinstance(value, list) else [value]
            yield {here: frozenset({frozenset(json.dumps(entry, sort_keys=True) for entry in entries)})}


def _takes_all(new: Conditions, old: Conditions) -> bool:
    """Whether conditions hold of each event of which others hold."""
    return all(
        any(all(_is_within(each, wider) for each in values) for values in old.get(path, ()))
        for path, asked in new.items()
        for wider in asked
    )


def _is_within(value: str, wider: frozenset[str]) -> bool:
    if value in wider:
        return True
    found = json.loads(value)
    text = found.get("prefix") if isinstance(found, Mapping) and len(found) == 1 else found
    prefixes = [each.get("prefix") for each in map(json.loads, wider) if isinstance(each, Mapping) and len(each) == 1]
    return isinstance(text, str) and any(isinstance(each, str) and text.startswith(each) for each in prefixes)


def _shown(conditions: Conditions) -> str:
    return "; ".join(
        f"{path}: {' and '.join(', '.join(sorted(values)) for values in each)}"
        for path, each in sorted(conditions.items())
    )


def messages(properties: Properties) -> Value:
    """The messages that a subscription takes: its filter is compared as the pattern of a rule is."""
    policy = properties.get("FilterPolicy")
    scope = properties.get("FilterPolicyScope", "MessageAttributes")
    if (gap := unresolved([policy, scope])) is not None:
        return Unknown(gap.why, repr([policy, scope]))
    policy = json.loads(policy) if isinstance(policy, str) and policy else policy
    return Fixed(json.dumps({str(scope): policy} if policy else {}, sort_keys=True))


# ---- what a rule does when a target does not answer: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html


def kept_failures(properties: Properties) -> Value:
    """Where events go that a target does not take."""
    targets = properties.get("Targets") or []
    if (gap := unresolved(targets)) is not None:
        return Unknown(gap.why, repr(targets))
    kept = ((each["Arn"], (each.get("DeadLetterConfig") or {}).get("Arn")) for each in targets)
    return Needed(frozenset(f"{queue} for {arn}" for arn, queue in kept if queue))


def tries(properties: Properties) -> frozenset[tuple[str, float, float]] | Unknown:
    """How often, and for how many seconds, each target is tried."""
    targets = properties.get("Targets") or []
    if (gap := unresolved(targets)) is not None:
        return Unknown(gap.why, repr(targets))
    policies = [(str(each["Arn"]), each.get("RetryPolicy") or {}) for each in targets]
    return frozenset(
        (arn, float(each.get("MaximumRetryAttempts", 185)), float(each.get("MaximumEventAgeInSeconds", 86_400)))
        for arn, each in policies
    )


def _tried(value: frozenset[tuple[str, float, float]]) -> str:
    return (
        "; ".join(f"{arn}: {times:g} times in {seconds:g} seconds" for arn, times, seconds in sorted(value)) or "none"
    )


@where_known(_tried)
def tries_less(
    before: frozenset[tuple[str, float, float]], after: frozenset[tuple[str, float, float]]
) -> Weakening | None:
    """The targets of both that are tried less often, or for a shorter time."""
    now: dict[str, tuple[float, float]] = {}
    for arn, times, seconds in after:
        more = now.get(arn, (0.0, 0.0))
        now[arn] = max(times, more[0]), max(seconds, more[1])
    lost = [each for each in before if each[0] in now and (now[each[0]][0] < each[1] or now[each[0]][1] < each[2])]
    kept = frozenset((arn, *now[arn]) for arn, _, _ in lost)
    return Weakening(_tried(frozenset(lost)), _tried(kept), is_lost=False) if lost else None


def takes_from_services(properties: Properties) -> Value:
    """Whether the key lets in the services that publish to a topic; nobody can open AWS's own key to them.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    key = properties.get("KmsMasterKeyId")
    if not properties.get(PUBLISHED_TO) or unresolved(key) is not None:
        return Fixed("")
    return Level(0, "no") if str(key).endswith("alias/aws/sns") else Level(1, "yes")


# ---- patterns of CloudWatch Logs: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

_ALL: Final = "all of them"
# In a text in quotes and in a regular expression, each space counts.
_QUOTED: Final = re.compile(r'("(?:[^"\\]|\\.)*"|%[^%]*%)')
_SPACED: Final = re.compile(r"\s*(\|\||&&|!=|>=|<=|[(){}<>=])\s*")


@reads("FilterPattern")
def log_pattern(found: Any) -> Fixed:
    """The events of a log group that a filter takes."""
    parts = enumerate(_QUOTED.split(str(found).strip()) if found else [_ALL])
    return Fixed("".join(part if number % 2 else re.sub(r"\s+", " ", part) for number, part in parts))


@where_known(shown)
def takes_fewer_logs(before: Fixed, after: Fixed) -> Weakening | None:
    """How a filter takes other events; everything is no loss, nor is what was taken with something besides."""
    first, second = _unspaced(before.text), _unspaced(after.text)
    if first == second or after.text == _ALL:
        return None
    old, new = _choices(first), _choices(second)
    # Whatever meets all conditions of a choice also meets some of them.
    if old and new and all(any(wider <= each for wider in new) for each in old):
        return None
    return Weakening(before.text, after.text, is_lost=False)


def _choices(pattern: str) -> list[frozenset[str]]:
    """The alternatives of a pattern for JSON, each as the conditions that must hold; none of other patterns."""
    if not pattern.startswith("{") or not pattern.endswith("}"):
        return []
    tokens = [each for each in _TOKENS.split(pattern[1:-1]) if each and each.strip()]
    found, rest = _either(tokens)
    return [] if rest else found


# A text in quotes and a regular expression may have any character.
_TOKENS: Final = re.compile(r'((?:"(?:[^"\\]|\\.)*"|%[^%]*%|[^"%()&|]|&(?!&)|\|(?!\|))+|\|\||&&|[()])')


def _either(tokens: list[str]) -> tuple[list[frozenset[str]], list[str]]:
    """The alternatives at the beginning of the tokens, and what is left of these."""
    found, rest = _both(tokens)
    while found and rest and rest[0] == "||":
        more, rest = _both(rest[1:])
        found = [*found, *more] if more else []
    return (found, rest) if len(found) <= _MOST_ALTERNATIVES else ([], rest)


def _both(tokens: list[str]) -> tuple[list[frozenset[str]], list[str]]:
    found, rest = _one(tokens)
    while found and rest and rest[0] == "&&":
        more, rest = _one(rest[1:])
        found = [each | other for each in found for other in more]
    return (found, rest) if len(found) <= _MOST_ALTERNATIVES else ([], rest)


def _one(tokens: list[str]) -> tuple[list[frozenset[str]], list[str]]:
    if not tokens or tokens[0] in ("||", "&&", ")"):
        return [], tokens
    if tokens[0] != "(":
        return [frozenset({tokens[0].strip()})], tokens[1:]
    found, rest = _either(tokens[1:])
    return (found, rest[1:]) if rest and rest[0] == ")" else ([], rest)


def _is_whole(text: str) -> bool:
    """Whether each parenthesis of a part is closed in it."""
    depth, plain = 0, _QUOTED.sub("", text)
    for character in plain:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0 and '"' not in plain


def _unspaced(text: str) -> str:
    if not text.strip().startswith("{"):
        return text
    parts = _QUOTED.split(text.strip())
    return "".join(part if number % 2 else _SPACED.sub(r"\1", part) for number, part in enumerate(parts))


@where_known()
def goes_off_again_less(before: Value, after: Value) -> Weakening | None:
    """What missing data counts as. Beside the order: an alarm that ignores it stays on, once it went off, until data
    says otherwise; it acts when it changes, so that nobody is told of the next event. The metric of a filter has no
    data but while something happens.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    stays_on = shown(after) == _IGNORE and shown(before) != "breaching"
    return Weakening(shown(before), shown(after), is_lost=False) if stays_on else weakening(before, after)
