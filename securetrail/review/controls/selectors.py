"""Which events a trail's selectors ask for.

Classic: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html and API_DataResource.html.
Advanced: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html; of one field's
operators any "select" is enough and every "deselect" wins:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

# What a classic selector says for "all of them".
_EVERY: Final = {
    "AWS::S3::Object": ("arn:aws:s3", "arn:aws:s3:::"),
    "AWS::Lambda::Function": ("arn:aws:lambda",),
    "AWS::DynamoDB::Table": ("arn:aws:dynamodb",),
}
_MATCHES: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "Equals": operator.eq,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
}


def selects(selector: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a selector asks for an event.

    :param selector: classic or advanced, as the API writes it; an advanced one has ``FieldSelectors``.
    :param record: the event's ``eventCategory``, ``managementEvent``, ``readOnly``, ``eventSource`` and ``resources``,
        and what else the selector names.
    """
    if "FieldSelectors" in selector:
        return all(_accepts(each, _values(record, each["Field"])) for each in selector["FieldSelectors"])
    if record["eventCategory"] == "NetworkActivity":
        return False  # they are for advanced selectors alone
    asked_for = selector.get("ReadWriteType") or "All"
    if asked_for != "All" and record["readOnly"] != (asked_for == "ReadOnly"):
        return False
    if record["managementEvent"]:
        excluded = selector.get("ExcludeManagementEventSources") or ()
        return bool(selector.get("IncludeManagementEvents", True)) and record["eventSource"] not in excluded
    return any(
        each["type"] == asked["Type"] and _names(asked["Type"], value, each["ARN"])
        for asked in selector.get("DataResources") or ()
        for value in asked.get("Values") or ()
        for each in record["resources"]
    )


def _names(kind: str, value: str, arn: str) -> bool:
    if value in _EVERY.get(kind, ()):
        return True
    return arn.startswith(value) if kind == "AWS::S3::Object" else arn == value


def _accepts(field: Mapping[str, Any], actual: Sequence[str]) -> bool:
    def holds(prefix: str) -> list[bool]:
        """For each value of each operator that is there: does one of the event's values match it?"""
        return [
            any(matches(one, value) for one in actual)
            for name, matches in _MATCHES.items()
            for value in field.get(f"{prefix}{name}") or ()
        ]

    wanted = holds("")
    return not any(holds("Not")) and (any(wanted) or not wanted)


def _values(record: Mapping[str, Any], field: str) -> list[str]:
    if field.startswith("resources."):
        return [str(each.get(field.removeprefix("resources."), "")) for each in record["resources"]]
    value: Any = record
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return [str(value).lower() if isinstance(value, bool) else str("" if value is None else value)]
