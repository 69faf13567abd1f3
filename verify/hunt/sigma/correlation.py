"""Rules over many events: so many of them, so many different values, several rules together or in order. Pure.

A window is as long as the rule's timespan, both ends included, and ends at an event. Events count in the order of their
own times, whenever they were delivered; an event that was delivered twice counts once. A field of ``group-by`` that an
event has not is a value like any other, so that no event is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

# A rule may say any number. Python's times are of 10,000 years.
_LONGEST_SECONDS: Final = 10_000 * 366 * 24 * 3600
# For each name of a rule: the values of the fields that correlations ask for.
Values: TypeAlias = Mapping[str, Hashable]
_OPERATORS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "lt": lambda count, bound: count < bound,
    "lte": lambda count, bound: count <= bound,
    "gt": lambda count, bound: count > bound,
    "gte": lambda count, bound: count >= bound,
    "eq": lambda count, bound: count == bound,
    "neq": lambda count, bound: count != bound,
}


class CorrelationType(Enum):
    """What is counted or looked for within the timespan."""

    EVENT_COUNT = "event_count"
    VALUE_COUNT = "value_count"
    TEMPORAL = "temporal"
    TEMPORAL_ORDERED = "temporal_ordered"


class Matched(NamedTuple):
    """An event that a rule matched.

    :param rule: the rule's number.
    :param event: what tells it from every other event.
    :param values: its values of the fields that correlations ask for.
    """

    rule: int
    time: datetime
    event: str
    values: Values


@dataclass(frozen=True, slots=True)
class Correlation:
    """A rule over events that other rules matched.

    :param rules: the other rules' numbers; of ``temporal_ordered`` in order.
    :param group_by: for each field of ``group-by`` its name in the events of each rule.
    :param fields: of ``value_count``, the fields whose values are counted.
    :param operator: ``gte`` and so on, with ``bound``. Of the temporal ones, of how many of the rules there must be.
    :param alternatives: of a temporal rule with a condition of its own: sets of rules of which one must be there as a
        whole.
    """

    type: CorrelationType
    rules: tuple[int, ...]
    timespan_seconds: int
    group_by: tuple[Mapping[int, str], ...] = ()
    fields: tuple[str, ...] = ()
    operator: str = "gte"
    bound: int = 1
    alternatives: tuple[frozenset[int], ...] = ()

    @property
    def needs(self) -> dict[int, set[str]]:
        """For each rule the fields of its events that are looked at."""
        return {rule: {*self.fields, *(names[rule] for names in self.group_by)} for rule in self.rules}


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in which a correlation holds without a break: windows that hold and overlap are one.

    :param at: the event by which it came to hold for the first time.
    :param count: how many events its windows have, together.
    """

    at: Matched
    start: datetime
    end: datetime
    count: int
    events: tuple[str, ...]


def episodes(rule: Correlation, matched: Iterable[Matched]) -> list[Episode]:
    """When a correlation holds, by time.

    :param matched: the events that its rules matched, in any order.
    """
    groups: dict[Hashable, dict[tuple[int, str], Matched]] = {}
    for each in matched:
        key = tuple([each.values.get(names[each.rule]) for names in rule.group_by])
        groups.setdefault(key, {})[each.rule, each.event] = each
    found = [
        episode
        for group in groups.values()
        for episode in _of_group(rule, sorted(group.values(), key=attrgetter("time", "event", "rule")))
    ]
    return sorted(found, key=lambda each: (each.at.time, each.at.event))


def needed_events(rule: Correlation) -> int:
    """How many events within its timespan a correlation needs at least; 0 if that is not known."""
    if rule.type not in (CorrelationType.EVENT_COUNT, CorrelationType.VALUE_COUNT):
        return 0
    return {"gte": rule.bound, "eq": rule.bound, "gt": rule.bound + 1}.get(rule.operator, 0)


def can_hold(rule: Correlation, matched: Sequence[int]) -> bool:
    """Whether a correlation can hold at all in a group of events, by the rules that matched them."""
    if rule.type in (CorrelationType.EVENT_COUNT, CorrelationType.VALUE_COUNT):
        return len(matched) >= needed_events(rule)
    if rule.type is CorrelationType.TEMPORAL_ORDERED:
        return set(matched) >= set(rule.rules)
    return bool(rule.alternatives) or rule.operator not in ("gte", "gt", "eq") or len(set(matched)) >= rule.bound


def _of_group(rule: Correlation, events: Sequence[Matched]) -> Iterator[Episode]:
    """The windows are pieces of ``events``, and so is an episode: ``begin`` to ``end``."""
    state = _STATES[rule.type](rule)
    timespan = timedelta(seconds=min(rule.timespan_seconds, _LONGEST_SECONDS))
    first: Matched | None = None
    begin = end = oldest = at = 0
    while at < len(events):
        now = events[at].time
        while at < len(events) and events[at].time == now:
            state.add(events[at])
            at += 1
        while now - events[oldest].time > timespan:
            state.remove(events[oldest])
            oldest += 1
        if not state.holds(now):
            continue
        if first is not None and oldest >= end:
            yield _episode(first, events[begin:end])
            first = None
        if first is None:
            first, begin = events[at - 1], oldest
        end = at
    if first is not None:
        yield _episode(first, events[begin:end])


def _episode(first: Matched, events: Sequence[Matched]) -> Episode:
    names = tuple(dict.fromkeys(each.event for each in events))
    return Episode(first, events[0].time, events[-1].time, len(names), names)


class _Counted:
    """Counts, within the window, events, values or rules."""

    def __init__(self, rule: Correlation) -> None:
        self._rule = rule
        self._key = _keys_of(rule)
        self._counts: Counter[Hashable] = Counter()

    def add(self, each: Matched) -> None:
        """An event comes into the window."""
        key = self._key(each)
        if key is not None:
            self._counts[key] += 1

    def remove(self, each: Matched) -> None:
        """An event leaves the window."""
        key = self._key(each)
        if key is not None:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]

    def holds(self, _now: datetime) -> bool:
        """Whether the window is as the rule says."""
        if self._rule.alternatives:
            return any(needed <= self._counts.keys() for needed in self._rule.alternatives)
        return _OPERATORS[self._rule.operator](len(self._counts), self._rule.bound)


def _keys_of(rule: Correlation) -> Callable[[Matched], Hashable]:
    """Gives what is counted of an event; ``None`` if that is nothing."""
    if rule.type is CorrelationType.EVENT_COUNT:
        return attrgetter("event")
    if rule.type is CorrelationType.TEMPORAL:
        return attrgetter("rule")
    fields = rule.fields

    def values_of(each: Matched) -> Hashable:
        values = [each.values.get(field) for field in fields]
        return None if None in values else tuple(values)

    return values_of


class _InOrder:
    """Knows of each beginning of the rules' order when the latest chain of events for it began."""

    def __init__(self, rule: Correlation) -> None:
        self._rule = rule
        self._began: list[datetime | None] = [None] * len(rule.rules)
        self._now: datetime | None = None
        self._seen: set[int] = set()

    def add(self, each: Matched) -> None:
        """An event comes. Those of the same second may have been in any order."""
        if each.time != self._now:
            self._now, self._seen = each.time, set()
        self._seen.add(each.rule)
        for position, rule in enumerate(self._rule.rules):
            if rule in self._seen:
                before = each.time if position == 0 else self._began[position - 1]
                self._began[position] = before or self._began[position]

    def remove(self, _each: Matched) -> None:
        """What is too old is known by its time."""

    def holds(self, now: datetime) -> bool:
        """Whether the events of a chain as a whole lie within the timespan."""
        began = self._began[-1]
        is_last_now = self._rule.rules[-1] in self._seen and self._now == now
        return began is not None and is_last_now and (now - began).total_seconds() <= self._rule.timespan_seconds


_STATES: Final[Mapping[CorrelationType, Callable[[Correlation], _Counted | _InOrder]]] = {
    CorrelationType.EVENT_COUNT: _Counted,
    CorrelationType.VALUE_COUNT: _Counted,
    CorrelationType.TEMPORAL: _Counted,
    CorrelationType.TEMPORAL_ORDERED: _InOrder,
}
