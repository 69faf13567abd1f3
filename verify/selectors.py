"""Which events a trail's event selectors include, decided by field and never by a selector's name.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from verify.aws import Answer

_BOTH = frozenset(("read", "write"))
_ALL_MANAGEMENT_EVENTS: Answer = {"ReadWriteType": "All", "IncludeManagementEvents": True}
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
_MOST_CLASSIC = 5
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "Equals": str.__eq__,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
}


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector of management events, classic or advanced.

    :param kinds: ``read``, ``write`` or both.
    :param excluded_sources: event sources that it excludes, such as ``kms.amazonaws.com``.
    :param narrowed_by: further fields that it has conditions on, so that it does not include all management events.
    """

    kinds: frozenset[str]
    excluded_sources: frozenset[str]
    narrowed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selectors:
    """A trail's selectors.

    :param management: those of management events.
    :param classic: all classic selectors as JSON, data events included; ``[]`` when the selectors are advanced.
    :param advanced: all advanced selectors as JSON; ``[]`` when there are none.
    """

    management: tuple[Selector, ...]
    classic: str = "[]"
    advanced: str = "[]"


def parse_selectors(answer: Answer) -> Selectors:
    """Read GetEventSelectors' answer.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html

    :raises LookupError: the answer has neither kind of selector.
    """
    if "EventSelectors" not in answer and "AdvancedEventSelectors" not in answer:
        raise LookupError("neither EventSelectors nor AdvancedEventSelectors")
    classic = answer.get("EventSelectors") or []
    advanced = answer.get("AdvancedEventSelectors") or []
    found = (*map(_classic, classic), *map(_advanced, advanced))
    return Selectors(
        tuple(selector for selector in found if selector is not None), json.dumps(classic), json.dumps(advanced)
    )


def unrecorded(selectors: Selectors) -> tuple[str, ...]:
    """The management events that no selector includes, in words; empty when all are recorded."""
    gaps: list[str] = []
    for kind in sorted(_BOTH):
        covering = [entry for entry in selectors.management if kind in entry.kinds and not entry.narrowed_by]
        if not covering:
            narrowed = sorted({name for entry in selectors.management for name in entry.narrowed_by})
            gaps.append(f"{kind} events" + (f" (narrowed by {', '.join(narrowed)})" if narrowed else ""))
            continue
        # What one selector excludes, another may include.
        nowhere = frozenset.intersection(*(entry.excluded_sources for entry in covering))
        gaps.extend(f"{kind} events of {source}" for source in sorted(nowhere))
    return tuple(gaps)


def includes_management_event(selectors: Selectors, *, kind: str, source: str) -> bool:
    """Whether some selector certainly includes a management event.

    :param kind: ``read`` or ``write``.
    :param source: the event's source, such as ``kms.amazonaws.com``.
    """
    return any(
        kind in entry.kinds and source not in entry.excluded_sources and not entry.narrowed_by
        for entry in selectors.management
    )


def with_all_management_events(selectors: Selectors) -> tuple[str, str] | None:
    """The same selectors, with every management event and the same data events.

    :returns: the AWS CLI's option and its value; ``None`` when there is no room for one more selector.
    """
    advanced = json.loads(selectors.advanced)
    if advanced:
        others = [selector for selector in advanced if not _is_of_management_events(selector)]
        all_events = {
            "Name": "Management events",
            "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}],
        }
        return "--advanced-event-selectors", json.dumps([all_events, *others])
    kept = [
        {**selector, "IncludeManagementEvents": False, "ExcludeManagementEventSources": []}
        for selector in json.loads(selectors.classic)
        if selector.get("DataResources")
    ]
    of_both = next((selector for selector in kept if selector.get("ReadWriteType", "All") == "All"), None)
    if of_both is not None:
        of_both["IncludeManagementEvents"] = True
        return "--event-selectors", json.dumps(kept)
    if len(kept) >= _MOST_CLASSIC:
        return None
    return "--event-selectors", json.dumps([_ALL_MANAGEMENT_EVENTS, *kept])


def records_writes_to(selectors: Selectors, object_arn: str, call: str = "PutObject") -> bool:
    """Whether a data event of writing this object is recorded, as far as the fields are known.

    :param call: how it is written, or deleted.
    """
    event = {
        "eventCategory": "Data",
        "eventName": call,
        "eventSource": "s3.amazonaws.com",
        "readOnly": "false",
        "resources.type": "AWS::S3::Object",
        "resources.ARN": object_arn,
    }
    if any(_selects(selector, event) for selector in json.loads(selectors.advanced)):
        return True
    return any(
        selector.get("ReadWriteType", "All") != "ReadOnly"
        and resource.get("Type") == "AWS::S3::Object"
        and any(object_arn.startswith(value) for value in resource.get("Values", ()))
        for selector in json.loads(selectors.classic)
        for resource in selector.get("DataResources", ())
    )


def _selects(selector: Answer, event: Mapping[str, str]) -> bool:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html"""
    return all(
        _field_matches(entry, event[entry["Field"]]) for entry in selector["FieldSelectors"] if entry["Field"] in event
    )


def _field_matches(entry: Answer, actual: str) -> bool:
    for name, matches in _OPERATORS.items():
        wanted, unwanted = entry.get(name), entry.get(f"Not{name}")
        if wanted and not any(matches(actual, value) for value in wanted):
            return False
        if unwanted and any(matches(actual, value) for value in unwanted):
            return False
    return True


def _classic(selector: Answer) -> Selector | None:
    if not selector.get("IncludeManagementEvents", True):
        return None
    kinds = {"ReadOnly": frozenset(("read",)), "WriteOnly": frozenset(("write",))}
    return Selector(
        kinds=kinds.get(selector.get("ReadWriteType", "All"), _BOTH),
        excluded_sources=frozenset(selector.get("ExcludeManagementEventSources", ())),
    )


def _is_of_management_events(selector: Answer) -> bool:
    return any(
        entry["Field"] == "eventCategory" and "Management" in entry.get("Equals", ())
        for entry in selector["FieldSelectors"]
    )


def _advanced(selector: Answer) -> Selector | None:
    if not _is_of_management_events(selector):
        return None
    kinds, excluded, narrowed = _BOTH, frozenset[str](), []
    for entry in selector["FieldSelectors"]:
        operators = [name for name, values in entry.items() if name != "Field" and values]
        match entry["Field"], operators:
            case "eventCategory", _:
                pass
            case "readOnly", ["Equals"] if len(entry["Equals"]) == 1:
                kinds &= {"read"} if entry["Equals"] == ["true"] else {"write"}
            case "eventSource", ["NotEquals"]:
                excluded |= set(entry["NotEquals"])
            case field, _:
                narrowed.append(field)
    return Selector(kinds, excluded, tuple(narrowed))
