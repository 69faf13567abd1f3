"""What a condition of an advanced event selector may compare: CloudTrail's fields, operators and values.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html says which field and which
operator goes with which kind of event; the tables below are that page for trails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

import aws_cdk as cdk

from constructs_lib.validation.argument_types import STRING, instance_of

_MAX_VALUE_LENGTH: Final = 2048


class EventCategory(Enum):
    """The kinds of events that a selector can ask for."""

    MANAGEMENT = "Management"
    DATA = "Data"
    NETWORK_ACTIVITY = "NetworkActivity"


class ReadWrite(Enum):
    """Whether calls that only read, calls that change something, or both are recorded; the value is ``readOnly``."""

    ALL = None
    READ_ONLY = "true"
    WRITE_ONLY = "false"


class Operator(Enum):
    """How a field is compared; several values of one operator are alternatives."""

    EQUALS = "equal_to"
    NOT_EQUALS = "not_equals"
    STARTS_WITH = "starts_with"
    NOT_STARTS_WITH = "not_starts_with"
    ENDS_WITH = "ends_with"
    NOT_ENDS_WITH = "not_ends_with"


CATEGORY: Final = instance_of("EventCategory", "EventCategory.MANAGEMENT")
READ_WRITE: Final = instance_of("ReadWrite", "ReadWrite.WRITE_ONLY")
_OPERATOR: Final = instance_of("Operator", "Operator.EQUALS")
_ANY: Final = frozenset(Operator)
_EQUALS: Final = frozenset({Operator.EQUALS})
_ALLOWED: Final = {
    EventCategory.MANAGEMENT: {"eventSource": frozenset({Operator.NOT_EQUALS}), "readOnly": _EQUALS},
    EventCategory.DATA: {
        "eventName": _ANY,
        "eventSource": _ANY,
        "eventType": _ANY,
        "readOnly": _EQUALS,
        "resources.ARN": _ANY,
        "resources.type": _EQUALS,
        "sessionCredentialFromConsole": frozenset({Operator.EQUALS, Operator.NOT_EQUALS}),
        "userIdentity.arn": _ANY,
    },
    EventCategory.NETWORK_ACTIVITY: {
        "errorCode": _EQUALS,
        "eventName": _ANY,
        "eventSource": _EQUALS,
        "vpcEndpointId": _ANY,
    },
}
REQUIRED_FIELD: Final = {
    EventCategory.MANAGEMENT: None,
    EventCategory.DATA: "resources.type",
    EventCategory.NETWORK_ACTIVITY: "eventSource",
}
_ALLOWED_VALUES: Final = {
    (EventCategory.MANAGEMENT, "eventSource"): {"kms.amazonaws.com", "rdsdata.amazonaws.com"},
    (EventCategory.NETWORK_ACTIVITY, "errorCode"): {"VpceAccessDenied"},
    (EventCategory.MANAGEMENT, "readOnly"): {"true", "false"},
    (EventCategory.DATA, "readOnly"): {"true", "false"},
}
# Values that have a format, with an example; only CloudTrail knows which types and services exist.
_FORMATS: Final = {
    (EventCategory.DATA, "resources.type"): (re.compile(r"AWS::[A-Za-z0-9]+::[A-Za-z0-9]+"), "AWS::S3::Object"),
    (EventCategory.NETWORK_ACTIVITY, "eventSource"): (re.compile(r"[a-z0-9.-]+\.amazonaws\.com"), "s3.amazonaws.com"),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of one field of the event record.

    :param field: the field, in CloudTrail's spelling, such as ``eventName`` or ``resources.ARN``.
    :param operator: how it is compared.
    :param values: what it is compared with; one match is enough.
    :raises TypeError: a field of another type.
    """

    field: str
    operator: Operator
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        STRING.check("Condition", field=self.field)
        _OPERATOR.check("Condition", operator=self.operator)
        STRING.several.check("Condition", values=self.values)


def check_condition(selector_name: str, category: EventCategory, condition: Condition) -> None:
    """Refuse a condition that CloudTrail would refuse.

    :raises ValueError: the field, the operator or a value does not go with this category of events.
    """
    where, allowed = f"event selector {selector_name!r} ({category.value})", _ALLOWED[category]
    if condition.field not in allowed:
        raise ValueError(
            f"{where} has a condition on {condition.field!r}. Allowed: {', '.join(sorted(allowed))}. "
            "Fix: use one of these fields, or leave the condition out."
        )
    if condition.operator not in allowed[condition.field]:
        operators = ", ".join(sorted(operator.name for operator in allowed[condition.field]))
        raise ValueError(
            f"{where} compares {condition.field} with {condition.operator.name}. Allowed: {operators}. "
            "Fix: use one of these operators."
        )
    if not condition.values:
        raise ValueError(
            f"{where} compares {condition.field} with nothing. Allowed: one value or more. "
            "Fix: name a value, or leave the condition out."
        )
    if condition.field == "readOnly" and len(condition.values) > 1:
        raise ValueError(
            f"{where} compares readOnly with {len(condition.values)} values. Allowed: one; both together exclude "
            "nothing. Fix: leave the condition out to record reads and writes."
        )
    known = _ALLOWED_VALUES.get((category, condition.field))
    pattern, example = _FORMATS.get((category, condition.field), (None, ""))
    for value in condition.values:
        if cdk.Token.is_unresolved(value):
            continue
        if known is not None and value not in known:
            raise ValueError(
                f"{where} compares {condition.field} with {value!r}. Allowed: {', '.join(sorted(known))}. "
                "Fix: choose one of these, or leave the condition out."
            )
        if pattern is not None and not pattern.fullmatch(value):
            raise ValueError(
                f"{where} compares {condition.field} with {value[:60]!r}. Allowed: names such as {example!r}. "
                "Fix: copy the name from CloudTrail's documentation."
            )
        if not 1 <= len(value) <= _MAX_VALUE_LENGTH or "*" in value:
            raise ValueError(
                f"{where} compares {condition.field} with {value[:60]!r}. Allowed: 1 to {_MAX_VALUE_LENGTH} characters "
                "without '*', which is no wildcard here. Fix: for a pattern use STARTS_WITH or ENDS_WITH."
            )
