"""Parameters and results as CloudTrail writes them: lower camel case, no secrets, no payloads, bounded size.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from lab.records.redaction import Redaction

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_WHOLE_NUMBER = re.compile("-?(0|[1-9][0-9]{0,17})")
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


@dataclass(frozen=True, slots=True)
class Style:
    """How a service writes: `keeps_case` of members' names, `has_comma` in dates after the year (Java's ways before and
    since version 9), `spellings` of members that follow no rule.
    """

    keeps_case: bool = False
    has_comma: bool = False
    spellings: tuple[tuple[str, str], ...] = ()

    def name(self, member: str) -> str:
        """The name of a member in a record."""
        for name, spelling in self.spellings:
            if name == member:
                return spelling
        return member if self.keeps_case else _lower_camel(member)


PLAIN = Style()


def elements(
    shape: Shape | None, value: Mapping[str, Any] | None, redaction: Redaction, style: Style = PLAIN
) -> dict[str, Any] | None:
    """A parsed structure as requestParameters or responseElements; None when there is nothing to show."""
    if not isinstance(shape, StructureShape) or not value:
        return None
    return _structure(shape, value, redaction, style) or None


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


def guessed(text: str) -> Any:
    """The text of an XML element as CloudTrail's reader guesses its type: `true` and `12` are no text, `012` is."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text


def _structure(shape: StructureShape, value: Mapping[str, Any], redaction: Redaction, style: Style) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, member, shown_as, treatment in _members(shape, redaction, style):
        content = value.get(name)
        if content is None:
            continue
        if treatment is _Treatment.SECRET:
            found[shown_as] = HIDDEN
        elif treatment is _Treatment.CONTENT:
            found[shown_as] = _hidden(member, content)
        else:
            found[shown_as] = _element(member, content, redaction, style)
    return found


class _Treatment(Enum):
    """What becomes of a member's value."""

    SHOWN = auto()
    CONTENT = auto()
    SECRET = auto()


# Models have many members, and which of them are secret follows from their names alone.
@lru_cache(maxsize=4096)
def _members(
    shape: StructureShape, redaction: Redaction, style: Style
) -> tuple[tuple[str, Shape, str, _Treatment], ...]:
    """The members of a structure that a record has: the name, the shape, the name in the record, what becomes of it."""
    return tuple(
        (name, member, style.name(name), _treatment(name, member, redaction))
        for name, member in shape.members.items()
        if member.type_name != "blob" and name not in redaction.left_out
    )


def _treatment(name: str, member: Shape, redaction: Redaction) -> _Treatment:
    if (member.metadata.get("sensitive") or is_secret(name)) and name not in redaction.shown:
        return _Treatment.SECRET
    return _Treatment.CONTENT if name in redaction.hidden else _Treatment.SHOWN


def _hidden(shape: Shape, value: Any) -> Any:
    """Content; of a map's, the keys are shown, as CloudTrail shows the attributes of an item."""
    is_map = isinstance(shape, MapShape) and isinstance(value, Mapping)
    return dict.fromkeys(map(str, value), HIDDEN) if is_map else HIDDEN


def _lower_camel(name: str) -> str:
    return name.lower() if name.isupper() else name[0].lower() + name[1:]


def _element(shape: Shape, value: Any, redaction: Redaction, style: Style) -> Any:
    if shape.metadata.get("sensitive"):
        return HIDDEN
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return _structure(shape, value, redaction, style)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_element(shape.member, item, redaction, style) for item in value if shape.member.type_name != "blob"]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {
            str(key): HIDDEN if is_secret(str(key)) else _element(shape.value, item, redaction, style)
            for key, item in value.items()
        }
    if isinstance(value, datetime):
        return _timestamp(value, style)
    return value if isinstance(value, bool | int | float) else str(value)


def _timestamp(value: datetime, style: Style) -> str:
    """Such as 'Jul 10, 2023 12:09:21 PM', as delivered logs have it."""
    moment = value.astimezone(UTC)
    comma = "," if style.has_comma else ""
    return f"{moment:%b} {moment.day}, {moment.year}{comma} {moment.hour % 12 or 12}:{moment:%M:%S %p}"
