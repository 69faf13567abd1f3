"""Events as rules see them: of most only the few fields that are needed to know that no rule concerns them.

A file is read in one go into light structures, in which free-form parts stay as they are until a rule asks for them. A
file that does not fit is read record by record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import UNSET

from verify.logs.decode import Decoded, records_of

TEXTS: Final = (
    "eventName",
    "eventSource",
    "eventTime",
    "eventID",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "recipientAccountId",
)
IDENTITY: Final = "userIdentity"
# What findings tell beside what rules look at.
ALWAYS: Final = frozenset({"requestParameters", "vpcEndpointId"})
_WHOLE_FILE_BYTES = 24 * 2**20


@dataclass(slots=True)
class Events(Decoded):
    """The events of a file.

    :param light: structures with ``TEXTS``, ``IDENTITY`` and the parts that were asked for.
    :param records: whole records, of a file that does not fit.
    """

    light: list[Any] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)


@lru_cache(maxsize=8)
def event_decoder(parts: frozenset[str]) -> Callable[[bytes], Events]:
    """Makes a decoder of files.

    :param parts: the record's fields that rules look at; with ``""`` among them, whole records are needed.
    """
    names = sorted((parts | ALWAYS) - {*TEXTS, IDENTITY, ""})
    fields = [(name, str | None, UNSET) for name in TEXTS]
    fields += [(name, msgspec.Raw, UNSET) for name in (IDENTITY, *names)]  # type: ignore[misc]
    event = msgspec.defstruct("Event", fields, gc=False, rename=None)
    envelope = msgspec.defstruct("Envelope", [("Records", list[event])])  # type: ignore[valid-type]
    of_envelope: Any = msgspec.json.Decoder(envelope)
    of_list = msgspec.json.Decoder(list[event])  # type: ignore[valid-type]

    def decode(body: bytes) -> Events:
        events = Events()
        start = body[:64].lstrip()[:1]
        if "" not in parts and len(body) <= _WHOLE_FILE_BYTES and start in (b"{", b"["):
            try:
                body.isascii() or body.decode()
                events.light = of_list.decode(body) if start == b"[" else of_envelope.decode(body).Records
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass
            if events.light:
                events.events = len(events.light)
                return events
        events.records = list(records_of(body, events))
        return events

    return decode


def record_of(light: Any) -> dict[str, Any]:
    """The record, as far as the structure has it.

    :raises ValueError: a part of it cannot be read.
    """
    record: dict[str, Any] = {}
    for name in light.__struct_fields__:
        value = getattr(light, name)
        if value is not UNSET:
            record[name] = json_of(value) if isinstance(value, msgspec.Raw) else value
    return record


def json_of(raw: bytes | msgspec.Raw) -> Any:
    """A part of a record; what no text can hold is replaced.

    :raises ValueError: it cannot be read.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        value = json.loads(bytes(raw))
        return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def texts_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """``TEXTS`` of a whole record; ``UNSET`` where there is none, or something else."""
    return {name: value if isinstance(value := record.get(name, UNSET), str) else UNSET for name in TEXTS}
