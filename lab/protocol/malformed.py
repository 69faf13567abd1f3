"""Bodies that no service would read: JSON that is none, or whose values are of other types than the model's.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html (SerializationException)
"""

import json
from functools import lru_cache
from operator import is_
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from lab.protocol.decode import Call

_NO_JSON = "The request's body is not JSON."
_TOO_DEEP = "The request's body is nested too deeply."
_NO_OBJECT = "Start of structure or map found where not expected."
_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "blob": (str,),
    "double": (int, float, str),  # NaN and Infinity are text
    "float": (int, float, str),
    "integer": (int, float),
    "long": (int, float),
    "string": (str,),
}
_NAMES = {bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", str: "STRING_VALUE"}


def json_fault(call: Call | None, body: bytes) -> str | None:
    """What is wrong with a body of JSON, in AWS's words; None when a service can read it.

    :param call: what it is for; None when no model has it.
    """
    if not body:
        return None
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return _NO_JSON
    if not isinstance(content, dict):
        return _NO_OBJECT
    shape = call.operation.input_shape if call is not None else None
    if not isinstance(shape, StructureShape):
        return None
    payload = shape.members.get(str(shape.serialization.get("payload", "")))
    try:
        return _fault(payload if payload is not None else shape, content)
    except RecursionError:
        return _TOO_DEEP


def without_unknown_members(call: Call, body: bytes) -> bytes:
    """A body of JSON without members that the call does not have: AWS ignores them, and MiniStack goes by some.

    :param body: of which `json_fault` found nothing wrong.
    """
    shape = call.operation.input_shape
    if not isinstance(shape, StructureShape) or body == b"{}":
        return body
    payload = shape.members.get(str(shape.serialization.get("payload", "")))
    content = json.loads(body)
    known = _known(payload if payload is not None else shape, content)
    return body if known is content else json.dumps(known).encode()


def _known(shape: Shape, value: Any) -> Any:
    """What of a value its shape has; the same object when that is all."""
    if getattr(shape, "is_document_type", False):
        return value
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = _members(shape)
        found = {name: _known(members[name], each) for name, each in value.items() if name in members}
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        found = {name: _known(shape.value, each) for name, each in value.items()}
    elif isinstance(shape, ListShape) and isinstance(value, list):
        kept = [_known(shape.member, each) for each in value]
        return value if all(map(is_, kept, value)) else kept
    else:
        return value
    is_same = len(found) == len(value) and all(each is value[name] for name, each in found.items())
    return value if is_same else found


@lru_cache(maxsize=4096)
def _members(shape: StructureShape) -> dict[str, Shape]:
    """The members that stand in a body, by their names there."""
    return {
        str(member.serialization.get("name", name)): member
        for name, member in shape.members.items()
        if "location" not in member.serialization
    }


def _fault(shape: Shape, value: Any) -> str | None:
    if value is None or getattr(shape, "is_document_type", False):
        return None
    if isinstance(shape, StructureShape | MapShape):
        return _fault_of_members(shape, value) if isinstance(value, dict) else _unexpected(value)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            return _unexpected(value)
        return next(filter(None, (_fault(shape.member, each) for each in value)), None)
    return _fault_of_scalar(shape, value)


def _fault_of_scalar(shape: Shape, value: Any) -> str | None:
    types = _TYPES.get(shape.type_name)
    # Times have several forms; a boolean is a number in Python and not in JSON.
    if types is None or (isinstance(value, types) and (bool in types or not isinstance(value, bool))):
        return None
    if isinstance(value, dict | list):
        return _unexpected(value)
    return f"{_NAMES[type(value)]} cannot be converted to {shape.type_name.capitalize()}"


def _fault_of_members(shape: StructureShape | MapShape, value: dict[str, Any]) -> str | None:
    if isinstance(shape, MapShape):
        return next(filter(None, (_fault(shape.value, each) for each in value.values())), None)
    for name, member in shape.members.items():
        if "location" not in member.serialization:
            found = _fault(member, value.get(str(member.serialization.get("name", name))))
            if found:
                return found
    return None


def _unexpected(value: Any) -> str:
    if isinstance(value, dict):
        return _NO_OBJECT
    kind = "list" if isinstance(value, list) else _NAMES[type(value)]
    return f"Unexpected {kind} found where not expected."
