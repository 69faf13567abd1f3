"""Parameters and results as CloudTrail writes them: lower camel case, no secrets, no payloads, bounded size.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from lab.records.redaction import Withheld

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_MAX_BYTES = 100 * 1024
_SECRET_WORDS = (
    "apikeyvalue",
    "authtoken",
    "clientsecret",
    "password",
    "plaintext",
    "privatekey",
    "samlassertion",
    "secretaccesskey",
    "secretbinary",
    "secretstring",
    "sessiontoken",
    "userdata",
    "webidentitytoken",
)


def elements(shape: Shape | None, value: Mapping[str, Any] | None, withheld: Withheld) -> dict[str, Any] | None:
    """A parsed structure as requestParameters or responseElements; None when there is nothing to show."""
    if not isinstance(shape, StructureShape) or not value:
        return None
    return _structure(shape, value, withheld) or None


def ec2_elements(shape: Shape | None, value: Mapping[str, Any] | None, withheld: Withheld) -> dict[str, Any] | None:
    """A result of EC2 as responseElements, which CloudTrail writes after the wire: by the names in the XML, and every
    list as `items`.
    """
    found = elements(shape, value, withheld)
    return found and _as_on_the_wire(shape, found)


def bounded(found: dict[str, Any] | None, field: str) -> dict[str, Any] | None:
    """Contents over 100 KB are left out of a record, which says so."""
    size = len(json.dumps(found, default=str)) if found else 0
    if size <= _MAX_BYTES:
        return found
    return {"omitted": True, "originalSize": size, "reason": f"{field} too large"}


def is_secret(name: str) -> bool:
    """Whether a member's name says that its value must not be recorded."""
    lowered = name.lower().replace("-", "").replace("_", "")
    return any(lowered.removesuffix("s").endswith(word) for word in _SECRET_WORDS)


def _structure(shape: StructureShape, value: Mapping[str, Any], withheld: Withheld) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        if value.get(name) is None or member.type_name == "blob":
            continue
        if name in withheld.left_out:
            continue
        if member.metadata.get("sensitive") or is_secret(name):
            found[_lower_camel(name)] = HIDDEN
        elif name in withheld.hidden:
            found[_lower_camel(name)] = _hidden(member, value[name])
        else:
            found[_lower_camel(name)] = _element(member, value[name], withheld)
    return found


def _hidden(shape: Shape, value: Any) -> Any:
    """Content; of a map's, the keys are shown, as CloudTrail shows the attributes of an item."""
    is_map = isinstance(shape, MapShape) and isinstance(value, Mapping)
    return dict.fromkeys(map(str, value), HIDDEN) if is_map else HIDDEN


def _lower_camel(name: str) -> str:
    return name.lower() if name.isupper() else name[0].lower() + name[1:]


def _as_on_the_wire(shape: Shape | None, value: Any) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = {_lower_camel(name): member for name, member in shape.members.items()}
        return {
            str(members[name].serialization.get("name", name)): _as_on_the_wire(members[name], each)
            for name, each in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return {"items": [_as_on_the_wire(shape.member, each) for each in value]}
    return value


def _element(shape: Shape, value: Any, withheld: Withheld) -> Any:
    if shape.metadata.get("sensitive"):
        return HIDDEN
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return _structure(shape, value, withheld)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_element(shape.member, item, withheld) for item in value if shape.member.type_name != "blob"]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {
            str(key): HIDDEN if is_secret(str(key)) else _element(shape.value, item, withheld)
            for key, item in value.items()
        }
    if isinstance(value, datetime):
        return _timestamp(value)
    return value if isinstance(value, bool | int | float) else str(value)


def _timestamp(value: datetime) -> str:
    """Such as 'Jul 10, 2023 12:09:21 PM', as delivered logs have it."""
    moment = value.astimezone(UTC)
    return f"{moment:%b} {moment.day}, {moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p}"
