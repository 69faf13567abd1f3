"""Which events a trail records: its selectors as the set of those that they ask for, never as text.

Both sides' selectors are asked about the same events: one for each combination of the values that either side names,
and of one that nobody names.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from securetrail.review.controls.selectors import selects

_MOST_EVENTS: Final = 100_000
_OTHER: Final = "any other"
_OPERATORS: Final = ("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith")
_CATEGORIES: Final = ("Management", "Data", "NetworkActivity")
_EVERY_MANAGEMENT_EVENT: Final[tuple[Mapping[str, Any], ...]] = ({"IncludeManagementEvents": True},)
_CALLED: Final = {
    "Management": "management events",
    "Data": "data events",
    "NetworkActivity": "network activity events",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """A trail's selectors, as the template has them.

    :param settings: classic or advanced. Default: - every management event.
    """

    settings: tuple[Mapping[str, Any], ...]

    def __str__(self) -> str:
        if not self.settings:
            return "every management event"
        names = [str(each.get("Name") or _summary(each)) for each in self.settings]
        return "; ".join(names)


def recording(properties: Mapping[str, Any]) -> Recording:
    """What a trail is set to record.

    :param properties: of an ``AWS::CloudTrail::Trail`` or ``AWS::CloudTrail::EventDataStore``, resolved.
    """
    settings = properties.get("AdvancedEventSelectors") or properties.get("EventSelectors") or ()
    return Recording(tuple(_plain(each) for each in settings))


def no_longer_recorded(before: Recording, after: Recording) -> tuple[str, ...]:
    """The events that only the first records, in words.

    :raises ValueError: the selectors name too many values to ask about every combination.
    """
    if [_unnamed(each) for each in before.settings] == [_unnamed(each) for each in after.settings]:
        return ()
    first, second = _selectors(before), _selectors(after)
    fields = _fields((*before.settings, *after.settings))
    lost: dict[str, list[dict[str, str]]] = {}
    asked: dict[str, list[dict[str, str]]] = {}
    for event in _events(fields):
        record = _record(event)
        asked.setdefault(event["eventCategory"], []).append(event)
        if _records(first, record) and not _records(second, record):
            lost.setdefault(event["eventCategory"], []).append(event)
    return tuple(_words(category, events, asked[category]) for category, events in lost.items())


def _unnamed(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "Name"}


def _records(selectors: Iterable[Mapping[str, Any]], record: Mapping[str, Any]) -> bool:
    return any(selects(each, record) for each in selectors)


def _selectors(of: Recording) -> tuple[Mapping[str, Any], ...]:
    return of.settings or _EVERY_MANAGEMENT_EVENT


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """As the API has it: booleans that a template holds as text are booleans."""
    include = settings.get("IncludeManagementEvents", True)
    return {**settings, "IncludeManagementEvents": str(include).lower() == "true"}


def _fields(settings: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """For each field that matters, values of which at least one is on each side of every condition."""
    found: dict[str, set[str]] = {
        "eventCategory": set(_CATEGORIES),
        "readOnly": {"true", "false"},
        "eventSource": {_OTHER},
        "resources.type": {_OTHER},
        "resources.ARN": {_OTHER},
    }
    for each in settings:
        for field in each.get("FieldSelectors", ()):
            values = found.setdefault(field["Field"], {_OTHER})
            for operator in _OPERATORS:
                for value in field.get(operator) or ():
                    values |= {
                        value,
                        *([f"{value}…"] if "Starts" in operator else [f"…{value}"] if "Ends" in operator else []),
                    }
        found["eventSource"] |= set(each.get("ExcludeManagementEventSources") or ())
        for resource in each.get("DataResources") or ():
            found["resources.type"].add(resource["Type"])
            for value in resource.get("Values") or ():
                found["resources.ARN"] |= {value, f"{value}…"}
    if found["eventCategory"] - set(_CATEGORIES) <= {_OTHER}:
        found["eventCategory"] = set(_CATEGORIES)
    found["readOnly"] = {"true", "false"}
    return found


def _events(fields: Mapping[str, set[str]]) -> Iterable[dict[str, str]]:
    names = sorted(fields)
    if math.prod(len(fields[name]) for name in names) > _MOST_EVENTS:
        raise ValueError("the selectors name too many values to compare every combination")
    for values in itertools.product(*(sorted(fields[name]) for name in names)):
        event = dict(zip(names, values, strict=True))
        # A management event is about no resource that a selector could name.
        if event["eventCategory"] == "Management" and (event["resources.type"], event["resources.ARN"]) != (
            _OTHER,
            _OTHER,
        ):
            continue
        yield event


def _record(event: Mapping[str, str]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "managementEvent": event["eventCategory"] == "Management",
        "resources": [{"type": event["resources.type"], "ARN": event["resources.ARN"]}],
    }
    for name, value in event.items():
        if name in ("resources.type", "resources.ARN"):
            continue
        *path, last = name.split(".")
        inner = record
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value == "true" if name == "readOnly" else value
    return record


def _words(category: str, lost: Sequence[Mapping[str, str]], asked: Sequence[Mapping[str, str]]) -> str:
    """What the lost events have in common."""
    conditions = []
    for field in sorted({name for event in asked for name in event} - {"eventCategory"}):
        values, possible = {event[field] for event in lost}, {event[field] for event in asked}
        if values == possible:
            continue
        if field == "readOnly":
            conditions.append("that only read" if values == {"true"} else "that write")
        elif _OTHER in values:
            conditions.append(f"whose {field} is not {' or '.join(sorted(possible - values))}")
        else:
            conditions.append(f"whose {field} is {' or '.join(sorted(values))}")
    return " ".join([_CALLED.get(category, f"{category} events"), *conditions])


def _summary(settings: Mapping[str, Any]) -> str:
    if "FieldSelectors" in settings:
        return " and ".join(
            f"{each['Field']} {name} {', '.join(map(str, each[name]))}"
            for each in settings["FieldSelectors"]
            for name in _OPERATORS
            if each.get(name)
        )
    kinds = [f"{settings.get('ReadWriteType') or 'All'} events"]
    kinds += [] if settings["IncludeManagementEvents"] else ["without management events"]
    kinds += [f"without {source}" for source in settings.get("ExcludeManagementEventSources") or ()]
    kinds += [f"{each['Type']} {', '.join(each.get('Values') or ())}" for each in settings.get("DataResources") or ()]
    return " ".join(kinds)
