"""Events as rules see them: of most only the few fields that are needed to know that no rule concerns them.

A file is read in one go into light structures, in which free-form parts stay as they are until a rule asks for them. A
file that does not fit is read record by record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

import msgspec
from msgspec import UNSET

from verify.hunt.sigma.accounts import OTHER_ACCOUNTS
from verify.hunt.sigma.fields import Getter
from verify.logs.decode import Decoded, list_in, records_of

IDENTITY: Final = "userIdentity"
# The texts that are always read, by their paths.
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
    f"{IDENTITY}.type",
    f"{IDENTITY}.arn",
    f"{IDENTITY}.principalId",
    f"{IDENTITY}.accountId",
    f"{IDENTITY}.accessKeyId",
    f"{IDENTITY}.invokedBy",
    f"{IDENTITY}.userName",
    f"{IDENTITY}.sessionContext.ec2RoleDelivery",
    f"{IDENTITY}.sessionContext.sessionIssuer.type",
    f"{IDENTITY}.sessionContext.sessionIssuer.arn",
)
# What findings tell beside what rules look at.
_ALWAYS: Final = ("requestParameters", "vpcEndpointId")
_WHOLE_FILE_BYTES = 24 * 2**20
_MAX_CALLERS, _MAX_CALLER_BYTES = 10_000, 4_000


@dataclass(slots=True)
class Events(Decoded):
    """The events of a file.

    :param light: structures with ``TEXTS`` and the parts that were asked for.
    :param records: whole records, of a file that does not fit.
    """

    light: list[Any] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)


@lru_cache(maxsize=8)
def event_decoder(fields: frozenset[str]) -> Callable[[bytes | bytearray], Events]:
    """Makes a decoder of files.

    :param fields: the fields that rules look at; with ``""`` among them, whole records are needed.
    """
    tree = _tree((*TEXTS, *_ALWAYS, *(fields - {OTHER_ACCOUNTS})))
    event_type = _struct(tree | {IDENTITY: bytes})
    of_list: Any = msgspec.json.Decoder(list[event_type])  # type: ignore[valid-type]
    callers = _Callers(tree[IDENTITY])
    # An object of which only some fields are read cannot be compared as a whole.
    is_whole = "" in fields or any(isinstance(_at(tree, name), dict) for name in fields - {"", OTHER_ACCOUNTS})

    def decode(body: bytes | bytearray) -> Events:
        events = Events()
        listed = None if is_whole or len(body) > _WHOLE_FILE_BYTES else list_in(body)
        if listed is not None:
            try:
                body.isascii() or body.decode()
                light = of_list.decode(listed)
                for event in light:
                    if event.userIdentity is not UNSET:
                        event.userIdentity = callers[bytes(event.userIdentity)]
                events.light = light
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass
            if events.light:
                events.events = len(events.light)
                return events
        events.records = list(records_of(body, events))
        return events

    return decode


class _Callers(dict[bytes, Any]):
    """Callers by their JSON text, each read once: the text of a session's is the same in all its events.

    :param tree: what is read of them; see :func:`_tree`.
    """

    def __init__(self, tree: Mapping[str, Any]) -> None:
        super().__init__()
        self._decoder = msgspec.json.Decoder(_struct(tree) | None)

    def __missing__(self, text: bytes) -> Any:
        caller = self._decoder.decode(text)
        if len(text) <= _MAX_CALLER_BYTES:
            if len(self) >= _MAX_CALLERS:
                self.clear()
            self[text] = caller
        return caller


def _tree(paths: Iterable[str]) -> dict[str, Any]:
    """The names that lead to texts (``str``), and to parts that stay as they are (``bytes``)."""
    tree: dict[str, Any] = {}
    for path in TEXTS:
        *parents, name = path.split(".")
        at = tree
        for parent in parents:
            at = at.setdefault(parent, {})
        at[name] = str
    for path in paths:
        at = tree
        for name in filter(None, path.split(".")):
            found = at.setdefault(name, bytes)
            if not isinstance(found, dict):
                break
            at = found
    return tree


def _at(tree: dict[str, Any], path: str) -> Any:
    at: Any = tree
    for name in path.split("."):
        if not isinstance(at, dict):
            break
        at = at[name]
    return at


def _struct(tree: Mapping[str, Any]) -> Any:
    # A default is not checked against the type: a field that is not there is UNSET.
    fields = [
        (
            name,
            str | None if kind is str else msgspec.Raw if kind is bytes else _struct(kind) | None,
            UNSET,
        )
        for name, kind in tree.items()
    ]
    # Without eq it can be a key: the same caller is the same object.
    return msgspec.defstruct("Part", fields, gc=False, eq=False)


def light_getter(path: str) -> Getter | None:
    """Makes a function that gives a text's values of a light structure; ``None`` if it has no such text."""
    if path not in TEXTS:
        return None
    *parents, name = path.split(".")

    def get(event: Any) -> list[Any]:
        at = event
        for parent in parents:
            at = getattr(at, parent)
            if at is UNSET or at is None:
                return []
        value = getattr(at, name)
        return [] if value is UNSET else [value]

    return get


def record_of(light: Any, names: Iterable[str] | None = None) -> dict[str, Any]:
    """The record, as far as the structure has it.

    :param names: its own fields that are wanted. Default: - all.
    :raises ValueError: a part of it cannot be read.
    """
    record: dict[str, Any] = {}
    for name in light.__struct_fields__ if names is None else names:
        value = getattr(light, name, UNSET)
        if value is UNSET:
            continue
        if isinstance(value, msgspec.Raw):
            value = json_of(value)
        elif isinstance(value, msgspec.Struct):
            value = record_of(value)
        record[name] = value
    return record


def time_of(text: Any) -> datetime | None:
    """An event's time in UTC; ``None`` of what is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


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


def light_of(record: Mapping[str, Any]) -> Any:
    """The same names for a whole record. A text that is something else is not there: rules look at the record."""
    return _filled(_tree(_ALWAYS), record)


def _filled(tree: Mapping[str, Any], record: Mapping[str, Any]) -> SimpleNamespace:
    values: dict[str, Any] = {}
    for name, kind in tree.items():
        value = record.get(name, UNSET)
        if kind is str:
            values[name] = value if isinstance(value, str) or value is None else UNSET
        elif kind is bytes:
            values[name] = value if value is UNSET else json.dumps(value).encode()
        else:
            values[name] = _filled(kind, value) if isinstance(value, Mapping) else UNSET
    return SimpleNamespace(**values)
