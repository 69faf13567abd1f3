"""Are event selectors valid.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lab.cloudtrail.trail_request import ServiceError

Selectors = Sequence[Mapping[str, Any]]

_MAX_SELECTORS = 5
_MAX_DATA_RESOURCES = 250
_MAX_VALUES = 500
_READ_WRITE_TYPES = ("All", "ReadOnly", "WriteOnly")
_CLASSIC_TYPES = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb",
    "AWS::Lambda::Function": "arn:aws:lambda",
    "AWS::S3::Object": "arn:aws:s3",
}
_EXCLUDABLE_SOURCES = ("kms.amazonaws.com", "rdsdata.amazonaws.com")
_OPERATORS = ("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith")
_EQUALS_ONLY = ("eventCategory", "readOnly", "resources.type")
_FIELDS = {
    "Management": ("eventCategory", "eventSource", "readOnly"),
    "Data": (
        "eventCategory",
        "eventName",
        "eventSource",
        "eventType",
        "readOnly",
        "resources.ARN",
        "resources.type",
        "sessionCredentialFromConsole",
        "userIdentity.arn",
    ),
    "NetworkActivity": ("errorCode", "eventCategory", "eventName", "eventSource", "vpcEndpointId"),
}
_REQUIRED = {"Management": (), "Data": ("resources.type",), "NetworkActivity": ("eventSource",)}
_NETWORK_ERROR = "VpceAccessDenied"


def selectors_error(basic: Selectors | None, advanced: Selectors | None) -> ServiceError | None:
    """Why selectors are rejected; None when they are valid.

    :param basic: EventSelectors as in the request; None when it has none.
    :param advanced: AdvancedEventSelectors as in the request; None when it has none.
    """
    if (basic is None) == (advanced is None):
        fault = "Give either EventSelectors or AdvancedEventSelectors, and not both."
    elif basic is not None:
        fault = _basic_fault(basic)
    else:
        fault = _advanced_fault(advanced or ())
    return ServiceError("InvalidEventSelectorsException", fault) if fault else None


def _basic_fault(selectors: Selectors) -> str:
    if not 1 <= len(selectors) <= _MAX_SELECTORS:
        return f"Specify a valid number of selectors (1 to {_MAX_SELECTORS}) for your trail, not {len(selectors)}."
    resources = [each for selector in selectors for each in selector.get("DataResources") or ()]
    count = sum(len(each.get("Values") or ()) for each in resources)
    if count > _MAX_DATA_RESOURCES:
        return f"A trail has at most {_MAX_DATA_RESOURCES} data resources, not {count}."
    for selector in selectors:
        kind = selector.get("ReadWriteType", "All")
        if kind not in _READ_WRITE_TYPES:
            return f"ReadWriteType {kind!r} is not one of {', '.join(_READ_WRITE_TYPES)}."
        for source in selector.get("ExcludeManagementEventSources") or ():
            if source not in _EXCLUDABLE_SOURCES:
                return f"Management events of {source!r} cannot be excluded, only of {', '.join(_EXCLUDABLE_SOURCES)}."
    return next(filter(None, map(_resource_fault, resources)), "")


def _resource_fault(resource: Mapping[str, Any]) -> str:
    kind, values = str(resource.get("Type", "")), resource.get("Values") or ()
    start = _CLASSIC_TYPES.get(kind)
    if start is None:
        return f"Data resource type {kind!r} is not one of {', '.join(_CLASSIC_TYPES)}; others need advanced selectors."
    if not values:
        return f"The data resource of type {kind} has no values; {start} means all of them."
    wrong = [value for value in values if value != start and not str(value).startswith(f"{start}:")]
    if wrong:
        return f"{wrong[0]!r} is not an ARN of {kind}; they begin with {start}."
    wrong = [value for value in values if "*" in str(value)]
    return (
        f"Value {wrong[0]} for DataResources.Values is invalid: it has no wildcards. {start} means all."
        if wrong
        else ""
    )


def _advanced_fault(selectors: Selectors) -> str:
    fields = [each for selector in selectors for each in selector.get("FieldSelectors") or ()]
    count = sum(len(each.get(operator) or ()) for each in fields for operator in _OPERATORS)
    if not selectors or count > _MAX_VALUES:
        return f"Specify at least one selector and at most {_MAX_VALUES} values in all; there are {count}."
    return next(filter(None, map(_selector_fault, selectors)), "")


def _selector_fault(selector: Mapping[str, Any]) -> str:
    fields = selector.get("FieldSelectors") or ()
    names = Counter(str(each.get("Field", "")) for each in fields)
    repeated = [name for name, count in names.items() if count > 1]
    if repeated:
        return f"The field {repeated[0]} appears more than once in a selector; give it several values instead."
    categories = (each.get("Equals") or () for each in fields if each.get("Field") == "eventCategory")
    category: Sequence[str] = next(categories, ())
    if len(category) != 1 or category[0] not in _FIELDS:
        return f"eventCategory must be Equals one of {', '.join(_FIELDS)}, not {list(category)}."
    missing = [name for name in _REQUIRED[category[0]] if name not in names]
    if missing:
        return f"A selector of {category[0]} events needs the field {missing[0]}."
    return next(filter(None, (_field_fault(category[0], each) for each in fields)), "")


def _field_fault(category: str, field: Mapping[str, Any]) -> str:
    name = str(field.get("Field", ""))
    if name not in _FIELDS[category]:
        return f"{name!r} is not a field of {category} events, which are {', '.join(_FIELDS[category])}."
    used = [operator for operator in _OPERATORS if field.get(operator)]
    if not used:
        return f"The field {name} has no condition; use one of {', '.join(_OPERATORS)}."
    return _value_fault(category, name, used, field)


def _value_fault(category: str, name: str, used: Sequence[str], field: Mapping[str, Any]) -> str:
    """What is wrong with the operators and values of a field that its category has."""
    if name in _EQUALS_ONLY and (used != ["Equals"] or len(field["Equals"]) != 1):
        return f"The field {name} takes Equals with one value, not {', '.join(used)}."
    if name == "readOnly" and field["Equals"][0] not in ("true", "false"):
        return f"readOnly must be Equals true or false, not {field['Equals'][0]!r}."
    if category == "Management" and name == "eventSource":
        sources = field.get("NotEquals") or ()
        if used != ["NotEquals"] or any(source not in _EXCLUDABLE_SOURCES for source in sources):
            return f"eventSource of management events takes NotEquals {' or '.join(_EXCLUDABLE_SOURCES)} only."
    if name == "errorCode" and (used != ["Equals"] or list(field["Equals"]) != [_NETWORK_ERROR]):
        return f"errorCode takes Equals {_NETWORK_ERROR} only."
    return ""
