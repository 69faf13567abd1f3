"""Which events a trail's selectors ask for.

Classic: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html and API_DataResource.html.
Advanced: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html; of one field's
operators any "select" is enough and every "deselect" wins:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
Settings = Mapping[str, Any]

# "All of them", for each resource type that classic selectors know.
_ALL = {
    "AWS::S3::Object": ("arn:aws:s3", "arn:aws:s3:::"),
    "AWS::Lambda::Function": ("arn:aws:lambda",),
    "AWS::DynamoDB::Table": ("arn:aws:dynamodb",),
}
_SELECT: dict[str, Callable[[str, str], bool]] = {
    "Equals": lambda actual, wanted: actual == wanted,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
}
_DESELECT = {f"Not{name}": matches for name, matches in _SELECT.items()}
OPERATORS = frozenset(_SELECT | _DESELECT)


@dataclass(frozen=True, slots=True)
class EventSelector:
    """A classic selector. `data_resources` is (resource type, ARNs or ARN prefixes)."""

    read_write_type: str
    includes_management_events: bool
    excluded_sources: frozenset[str]
    data_resources: tuple[tuple[str, tuple[str, ...]], ...]

    def selects(self, record: Record) -> bool:
        """Whether this selector asks for an event."""
        if self.read_write_type != "All" and record["readOnly"] != (self.read_write_type == "ReadOnly"):
            return False
        if record["managementEvent"]:
            return self.includes_management_events and record["eventSource"] not in self.excluded_sources
        return any(
            _names(kind, value, arn)
            for kind, values in self.data_resources
            for arn in resource_arns(record, (kind,))
            for value in values
        )


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """One field of an advanced selector with its operators and their values."""

    field: str
    operators: tuple[tuple[str, tuple[str, ...]], ...]

    def accepts(self, actual: Sequence[str]) -> bool:
        """Whether a field with these values (usually one) passes."""
        selects = [pair for pair in self.operators if pair[0] in _SELECT]
        deselects = [pair for pair in self.operators if pair[0] in _DESELECT]
        if _any(_DESELECT, deselects, actual):
            return False
        return not selects or _any(_SELECT, selects, actual)


@dataclass(frozen=True, slots=True)
class AdvancedEventSelector:
    """An advanced selector: every field must pass."""

    fields: tuple[FieldSelector, ...]

    def selects(self, record: Record) -> bool:
        """Whether this selector asks for an event."""
        kinds = [
            value for each in self.fields if each.field == "resources.type" for _, v in each.operators for value in v
        ]
        return all(each.accepts(_field_values(record, each.field, kinds)) for each in self.fields)


Selector = EventSelector | AdvancedEventSelector

DEFAULT_SELECTORS: tuple[Selector, ...] = (
    EventSelector("All", includes_management_events=True, excluded_sources=frozenset(), data_resources=()),
)


def selectors(settings: Iterable[Settings]) -> tuple[Selector, ...]:
    """Reads selectors as the API writes them; advanced ones carry FieldSelectors."""
    return tuple(_advanced(each) if "FieldSelectors" in each else _classic(each) for each in settings)


def resource_arns(record: Record, types: Iterable[str]) -> list[str]:
    """The ARNs (or ARN prefixes) of an event's resources of these types."""
    wanted = set(types)
    found = (each for each in record.get("resources") or () if each.get("type") in wanted)
    return [str(each.get("ARN") or each.get("ARNPrefix") or "") for each in found]


def _classic(settings: Settings) -> EventSelector:
    resources = settings.get("DataResources") or ()
    return EventSelector(
        settings.get("ReadWriteType") or "All",
        includes_management_events=settings.get("IncludeManagementEvents", True),
        excluded_sources=frozenset(settings.get("ExcludeManagementEventSources") or ()),
        data_resources=tuple((each["Type"], tuple(each.get("Values") or ())) for each in resources),
    )


def _advanced(settings: Settings) -> AdvancedEventSelector:
    fields = []
    for each in settings["FieldSelectors"]:
        operators = tuple((name, tuple(each[name])) for name in sorted(OPERATORS) if each.get(name))
        fields.append(FieldSelector(each["Field"], operators))
    return AdvancedEventSelector(tuple(fields))


def _names(kind: str, value: str, arn: str) -> bool:
    if value in _ALL.get(kind, ()):
        return True
    return arn.startswith(value) if kind == "AWS::S3::Object" else arn == value


def _any(
    operators: Mapping[str, Callable[[str, str], bool]],
    pairs: Iterable[tuple[str, tuple[str, ...]]],
    actual: Sequence[str],
) -> bool:
    return any(operators[name](value, wanted) for name, values in pairs for value in actual for wanted in values)


def _field_values(record: Record, field: str, kinds: Sequence[str]) -> list[str]:
    if field == "resources.type":
        return [str(each.get("type", "")) for each in record.get("resources") or ()]
    if field == "resources.ARN":
        return resource_arns(record, kinds)
    value: Any = record
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return [str(value).lower() if isinstance(value, bool) else str("" if value is None else value)]
