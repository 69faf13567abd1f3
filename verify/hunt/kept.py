"""The events that correlations rest on, as little of each as findings tell, until all were read. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import UNSET

from verify.hunt.events import TEXTS, time_of
from verify.hunt.sigma.correlation import Correlation, Matched, can_hold, needed_events
from verify.hunt.sigma.fields import Getter, texts_of

_MAX_VALUE_CHARACTERS: Final = 1_000
# Of an event that is kept, these are there under the same names.
_LIGHT: Final = frozenset(TEXTS) - {"eventTime", "eventID", "eventSource", "errorCode"}


class Kept(msgspec.Struct, frozen=True, gc=False):
    """An event that a correlation rests on, with what a finding tells of it; the fields are named as the event's.

    :param values: its values of the fields that correlations ask for, in their order, if they are not among these.
    """

    time: str
    name: str
    userIdentity: Any  # noqa: N815
    eventName: Any  # noqa: N815
    recipientAccountId: Any  # noqa: N815
    awsRegion: Any  # noqa: N815
    sourceIPAddress: Any  # noqa: N815
    userAgent: Any  # noqa: N815
    requestParameters: Any  # noqa: N815
    values: tuple[Any, ...] = ()


class KeptOfRule:
    """The kept events of one rule.

    :param getters: for each field that is asked for, how to get it of a record.
    """

    def __init__(self, getters: Mapping[str, Getter]) -> None:
        self.getters = getters
        self.events: list[Kept] = []
        self.is_light = getters.keys() <= _LIGHT
        self._names = tuple(getters)
        self._of_light = [_light_value(name) for name in getters] if self.is_light else []
        # A second name, that every event has, makes it a tuple also of one.
        self._all_of_light = attrgetter(*getters, "name") if self.is_light else None
        self._named: dict[tuple[Any, ...], dict[str, Hashable]] = {}

    def values_of(self, names: Sequence[str]) -> Iterable[tuple[Hashable, ...]]:
        """Of each event, the values of some fields."""
        if not names:
            return [()] * len(self.events)
        if not self.is_light:
            places = [self._names.index(name) for name in names]
            return [tuple([each.values[place] for place in places]) for each in self.events]
        return zip(*(_light_values(name, self.events) for name in names), strict=True)

    def named_values(self, event: Kept) -> dict[str, Hashable]:
        """One event's values of all fields that are asked for; the same object for events that are alike in them."""
        if self._all_of_light is None:
            return dict(zip(self._names, event.values, strict=True))
        try:
            *values, _ = self._all_of_light(event)
        except AttributeError:  # it has not all that leads to them
            values = [get(event) for get in self._of_light]
        key = tuple(values)
        named = self._named.get(key)
        if named is None:
            named = self._named[key] = dict(zip(self._names, map(_plain, values), strict=True))
        return named


def values_in(record: Mapping[str, Any], getters: Iterable[Getter]) -> tuple[Any, ...]:
    """What correlations compare of a record."""
    return tuple([_value(get(record)) for get in getters])


def _value(values: list[Any]) -> Any:
    """What a correlation compares of a field; ``None`` of one that is not there."""
    texts = tuple(text[:_MAX_VALUE_CHARACTERS] for value in values for text in texts_of(value)[:1])
    return None if not texts else texts[0] if len(texts) == 1 else texts


def _light_values(name: str, events: Sequence[Kept]) -> list[str | None]:
    """As :func:`_value` of a light field, of very many events."""
    try:
        found = list(map(attrgetter(name), events))
    except AttributeError:  # some have not all that leads to it
        of_one = _light_value(name)
        found = list(map(of_one, events))
    plain = {value: _plain(value) for value in set(found)}
    return [plain[value] for value in found]


def _plain(value: Any) -> str | None:
    return value[:_MAX_VALUE_CHARACTERS] if type(value) is str else None


def _light_value(name: str) -> Callable[[Any], Any]:
    parts = name.split(".")

    def value(event: Any) -> Any:
        for part in parts:
            if event is UNSET or event is None:
                return None
            event = getattr(event, part)
        return event

    return value


def matched_of(
    correlation: Correlation, kept: Mapping[int, KeptOfRule], *, is_simple: bool
) -> Iterator[tuple[Matched | None, Kept]]:
    """The kept events of a correlation's rules, but those whose groups are such that it cannot hold.

    An event without a time is told with ``None``.

    :param is_simple: whether no rule of the correlation is a correlation itself.
    """
    least = needed_events(correlation) if is_simple else 0
    of_rules = [(rule, kept[rule]) for rule in correlation.rules if rule in kept]
    if is_simple and (
        sum(len(of_rule.events) for _, of_rule in of_rules) < least
        or (least == 0 and not can_hold(correlation, [rule for rule, of_rule in of_rules if of_rule.events]))
    ):
        return
    groups: defaultdict[Hashable, list[tuple[int, Kept, Hashable]]] = defaultdict(list)
    for rule, of_rule in of_rules:
        keys = of_rule.values_of([names[rule] for names in correlation.group_by])
        counted = of_rule.values_of(correlation.fields) if least else repeat(())
        for event, key, value in zip(of_rule.events, keys, counted, strict=False):
            groups[key].append((rule, event, value))
    for group in groups.values():
        if is_simple and not _may_hold(correlation, group, least):
            continue
        for rule, event, _ in group:
            moment = known_time(event.time)
            yield None if moment is None else Matched(rule, moment, event.name, kept[rule].named_values(event)), event


def _may_hold(correlation: Correlation, group: Sequence[tuple[int, Kept, Hashable]], least: int) -> bool:
    """Whether a group has as many events as it takes, with as many values, and as close together."""
    if len(group) < least or (correlation.fields and len({value for _, _, value in group}) < least):
        return False
    if not can_hold(correlation, [rule for rule, _, _ in group]):
        return False
    return least < 2 or _are_close([event.time for _, event, _ in group], least, correlation.timespan_seconds)


# Very many events are of the same seconds.
known_time = lru_cache(maxsize=100_000)(time_of)


def _are_close(times: Iterable[str], least: int, timespan_seconds: int) -> bool:
    """Whether so many of these times lie within the timespan, or some are none."""
    moments = [known_time(time) for time in sorted(times)]
    seconds = [moment.timestamp() for moment in moments if moment is not None]
    if len(seconds) < len(moments):
        return True
    return any(last - first <= timespan_seconds for first, last in zip(seconds, seconds[least - 1 :], strict=False))
