"""Which events to search for. Pure: decides which filter AWS applies, and applies the others itself.

LookupEvents takes a time range and one lookup attribute.
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from verify.errors import UsageError
from verify.events.event import Event
from verify.times import TimeRange

# Every lookup attribute and how an event has it, the one that leaves the fewest events first: that one
# goes to AWS, because it decides how many pages have to be read.
_ATTRIBUTES: Mapping[str, Callable[[Event, str], bool]] = {
    "EventId": lambda event, value: event.event_id == value,
    "ResourceName": lambda event, value: any(resource.name == value for resource in event.resources),
    "AccessKeyId": lambda event, value: event.access_key_id == value,
    "EventName": lambda event, value: event.name == value,
    "Username": lambda event, value: event.user == value,
    "ResourceType": lambda event, value: any(resource.type == value for resource in event.resources),
    "EventSource": lambda event, value: event.source == value,
    "ReadOnly": lambda event, value: event.read_only is not None and event.read_only == (value == "true"),
}
# What an event has beside that, and LookupEvents cannot look up.
_OTHERS: Mapping[str, Callable[[Event, str], bool]] = {
    "SourceIPAddress": lambda event, value: event.source_ip == value,
    "ErrorCode": lambda event, value: event.error_code == value,
    "Role": lambda event, value: value in (event.role_name, event.role_arn),
}
_LONGEST_VALUE = 2000


@dataclass(frozen=True, slots=True)
class Query:
    """Selects the events that have every attribute and lie in the time range.

    :param attributes: lookup attributes by AWS's names (``EventName``, ``Username``, …), values exact; and
        ``SourceIPAddress``, ``ErrorCode`` and ``Role``, which AWS cannot look up.
    :raises UsageError: a value that AWS would refuse: empty or over 2,000 characters.
    """

    attributes: Mapping[str, str] = field(default_factory=dict)
    time_range: TimeRange = field(default_factory=TimeRange)

    def __post_init__(self) -> None:
        for key, value in self.attributes.items():
            if not 1 <= len(value) <= _LONGEST_VALUE:
                raise UsageError(f"{key} {value[:40]!r} has {len(value)} characters. Allowed: 1 to {_LONGEST_VALUE}.")

    @property
    def _chosen(self) -> str | None:
        return next((key for key in _ATTRIBUTES if key in self.attributes), None)

    def request(self) -> dict[str, Any]:
        """The parameters of LookupEvents for the part of the query that AWS can answer."""
        parameters: dict[str, Any] = {}
        if (key := self._chosen) is not None:
            parameters["LookupAttributes"] = [{"AttributeKey": key, "AttributeValue": self.attributes[key]}]
        if self.time_range.start:
            parameters["StartTime"] = self.time_range.start
        if self.time_range.end:
            parameters["EndTime"] = self.time_range.end
        return parameters

    def accepts(self, event: Event) -> bool:
        """Whether an event that AWS returned for :meth:`request` meets the rest of the query."""
        conditions = {**_ATTRIBUTES, **_OTHERS}
        return all(conditions[key](event, value) for key, value in self.attributes.items() if key != self._chosen)


def source_name(text: str) -> str:
    """An event source as CloudTrail writes it: ``s3`` → ``s3.amazonaws.com``."""
    return text if "." in text or not text else f"{text}.amazonaws.com"
