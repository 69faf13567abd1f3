"""Props of SecureTrail, field by field: ``log_bucket__retention__expiration`` is that field of that group."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from constructs_lib import (
    Alerts,
    Analytics,
    CloudWatchLogs,
    DeliveryNotifications,
    LogRetention,
    NewAccessLogBucket,
    NewBucket,
    NewKey,
    Organization,
    Recording,
    Replica,
)

# The group that a prop, or a field of a group, takes.
GROUPS: Mapping[str, type[Any]] = {
    "organization": Organization,
    "recording": Recording,
    "encryption_key": NewKey,
    "log_bucket": NewBucket,
    "log_bucket__retention": LogRetention,
    "log_bucket__replica": Replica,
    "log_bucket__access_log_bucket": NewAccessLogBucket,
    "cloudwatch": CloudWatchLogs,
    "alerts": Alerts,
    "delivery_notifications": DeliveryNotifications,
    "analytics": Analytics,
}


def props_of(fields: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Props with these fields; what ``given`` has beside them stays.

    :raises LookupError: a field is one of a group, and ``given`` has an existing resource there.
    """
    return {**(given or {}), **_values("", fields, given or {})}


def _values(path: str, fields: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for name, value in fields.items():
        first, _, rest = name.partition("__")
        if rest:
            inner.setdefault(first, {})[rest] = value
        else:
            values[name] = value
    for name, wanted in inner.items():
        kind = GROUPS[f"{path}{name}"]
        old = values.get(name, given.get(name))
        if old and not isinstance(old, kind):
            raise LookupError(f"{path}{name} is {old!r}, which has no fields")
        has = {each.name: getattr(old, each.name) for each in dataclasses.fields(kind)} if old else {}
        values[name] = kind(**{**has, **_values(f"{path}{name}__", wanted, has)})
    return values
