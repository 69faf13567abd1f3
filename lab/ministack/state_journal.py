"""What the services hold, on disk: their states as they were written whole, and a journal of what changed since.

A call appends the entries that it changed, so that a kill of the process loses nothing, and what is held besides makes
no call slower. A start applies the journal to the states; when it is long, all states are written anew, and it begins
again. To apply it again to newer states changes nothing: the last word about each entry is the same.
"""
# ruff: noqa: SLF001

import ast
import json
import os
import sys
import threading
import types
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from ministack import app as ministack_app
from ministack.core import persistence, responses
from ministack.services import s3

from lab.ministack import core, entries
from lab.ministack.entries import Differences, Entries, Items, Messages

Store = Any  # one of these, which have no types
_STORES = (responses.AccountScopedDict, responses.AccountRegionScopedDict)
_NAME = "changes"
_CLOUDFORMATION = "cloudformation.amazonaws.com"
# All states are written anew when the journal is longer than this and twice all of them.
_SPARE_BYTES = 16 * 2**20
# What MiniStack writes of these is not store by store what it holds; they are written whole when one of their stores
# was looked at.
_WHOLE = frozenset(
    {"acm", "apigateway", "apigateway_v1", "bedrock_runtime", "documentdb", "ecs", "eks", "lambda_svc", "mwaa", "rds"}
)


@dataclass(frozen=True, slots=True)
class _Inside:
    """Where the entries of a store hold very much: a field that has entries of its own, as `kind` makes them of it, and
    what is not saved, or elsewhere.
    """

    name: str = ""
    kind: type[Entries] | type[Messages] = Entries
    left_out: frozenset[str] = frozenset()


_PLAIN = _Inside()
_INSIDE = {
    ("dynamodb", "_tables"): _Inside("items", Items, frozenset({"_index_members"})),
    ("sqs", "_queues"): _Inside("messages", Messages),
    ("s3", "_multipart_uploads"): _Inside("parts", Entries),
    ("s3", "_buckets"): _Inside(left_out=frozenset({"objects"})),
}


@dataclass(frozen=True, slots=True)
class _Service:
    """A service that is saved: its name there, and its stores by their names in the module, with those in its state;
    without any, it is saved whole. `names` are those that MiniStack uses when it saves the service.
    """

    name: str
    module: ModuleType
    stores: Mapping[str, Store]
    names_in_state: Mapping[str, str]
    names: frozenset[str] = frozenset()
    seen: dict[str, Any] = field(default_factory=dict)

    def inside(self, store: str) -> _Inside:
        """Where the entries of a store hold very much."""
        return _INSIDE.get((self.name, store), _PLAIN)

    def state(self, parts: Mapping[str, Store]) -> dict[str, Any]:
        """What MiniStack saves when this is all that its stores hold."""
        found: dict[str, Any] = _state(self.module, self.names, self.stores, parts)
        return found

    def whole_state(self) -> dict[str, Any]:
        """What MiniStack saves of the service."""
        if not self.names_in_state:
            found: dict[str, Any] = self.module.get_state()
            return found
        parts = {name: type(store)() for name, store in self.stores.items()}
        for name, part in parts.items():
            part._data = {key: _copy(entry) for key, entry in dict.items(self.stores[name]._data)}
        return self.state(parts)


class StateJournal:
    """The journal of all services, in MiniStack's folder of states."""

    def __init__(self) -> None:
        self._services: dict[str, _Service] = {}
        self._owners: dict[Entries, tuple[_Service, str]] = {}
        self._modules = 0
        self._read: set[str] = set()
        # What is written first is what was there first; scheduled rules have threads of their own.
        self._writing = threading.RLock()

    # ---- reading --------------------------------------------------------------------------------------------------

    def install(self) -> None:
        """MiniStack reads every state as the journal has left it."""
        load = ministack_app.load_state
        Path(persistence.STATE_DIR).mkdir(parents=True, exist_ok=True)
        changes: dict[str, list[dict[str, Any]]] = {}
        for line in _lines(_file()):
            for name, change in line.items():
                changes.setdefault(name, []).append(change)

        def load_changed(name: str) -> Any:
            state = load(name)
            is_unreadable = state is None and Path(persistence.STATE_DIR, f"{name}.json").exists()
            if not is_unreadable:
                state = _all_applied(state, changes.pop(name, ()))
            if state:
                self._read.add(name)
            return state

        ministack_app.load_state = load_changed

    def begin(self) -> None:
        """Takes what the services have read as saved. What MiniStack makes for others is saved with the next call."""
        for upload in s3._multipart_uploads._data.values():
            upload["parts"] = {int(number): part for number, part in upload["parts"].items()}
        self._find_services()
        self._changes(Differences(None), self._read)
        for each in [each for each, (service, _) in self._owners.items() if service.name in self._read]:
            entries.outside.pop(each, None)

    # ---- writing --------------------------------------------------------------------------------------------------

    def save(self, source: str) -> None:
        """Appends what changed of what the call that is served, and no call, looked at.

        :param source: of the call. How far a stack has come is saved with calls of CloudFormation, not with each call
            that a stack makes. Without a source, what was looked at for calls that have ended is saved too.
        :raises OSError: it could not be written; `save_everything` tries it again.
        """
        with self._writing:
            self._find_services()
            names = self._services.keys() - (() if source in ("", _CLOUDFORMATION) else {"cloudformation"})
            self._append(Differences(entries.noted() if source else entries.noted_since()), names)

    def save_everything(self) -> None:
        """Appends whatever changed, and begins the journal anew when it is long.

        :raises OSError: it could not be written; the next time it is tried again.
        """
        with self._writing:
            self._find_services()
            entries.noted_since()
            self._append(Differences(None), self._services)
            if _size(_file()) > _SPARE_BYTES + 2 * sum(map(_size, Path(persistence.STATE_DIR).glob("*.json"))):
                with suppress(OSError):  # all that there is to save is in the journal
                    self._write_anew()

    def _append(self, differences: Differences, names: Collection[str]) -> None:
        try:
            with entries.only_looking():
                changes = self._changes(differences, names)
                text = json.dumps(changes, default=persistence._json_default)
            if changes:  # after a line that a kill cut short, too
                _append(f"{persistence.STATE_DIR}/{_NAME}", f"\n{text}\n".encode())
        except BaseException:
            differences.take_back()
            raise

    def _write_anew(self) -> None:
        for each in self._services.values():
            with entries.only_looking():
                state = each.whole_state()
            content = {"__ministack_format__": persistence._state_format_version(each.name), "payload": state}
            text = json.dumps(content, default=persistence._json_default)
            core.write_whole(Path(persistence.STATE_DIR, f"{each.name}.json"), text)
        _file().unlink(missing_ok=True)

    # ---- what changed -----------------------------------------------------------------------------------------------

    def _find_services(self) -> None:
        """Finds the services that MiniStack has loaded since the last time."""
        if len(sys.modules) == self._modules:
            return
        self._modules = len(sys.modules)
        for name, module_name in ministack_app._state_map.items():
            module = sys.modules.get(f"ministack.services.{module_name}")
            if name not in self._services and module is not None and hasattr(module, "get_state"):
                self._services[name] = found = _service(name, module)
                for each, store in found.stores.items():
                    if not isinstance(store._data, Entries):
                        store._data = Entries(store._data)
                        store._data.note_all()
                    self._owners[store._data] = (found, each)

    def _changes(self, differences: Differences, names: Collection[str]) -> dict[str, Any]:
        """What changed, by service, of these services."""
        looked_at = self._owners if differences.looked_at is None else differences.looked_at
        by_service: dict[str, list[str]] = {}
        for each in list(looked_at):
            service, store = self._owners.get(each, (None, ""))
            if service is not None and service.name in names:
                by_service.setdefault(service.name, []).append(store)
        found = {name: self._change(self._services[name], stores, differences) for name, stores in by_service.items()}
        return {name: change for name, change in found.items() if change}

    def _change(self, service: _Service, stores: list[str], differences: Differences) -> dict[str, Any]:
        if not service.names_in_state:
            state = service.whole_state()
            text = json.dumps(state, default=persistence._json_default)
            return {"whole": state} if differences.is_other(service.seen, "", hash(text)) else {}
        changed: dict[str, Store] = {}
        change: dict[str, Any] = {"gone": [], "inside": [], "fields": {}}
        for name in stores:
            changed[name] = part = type(service.stores[name])()
            place, in_state = service.inside(name), service.names_in_state[name]
            for key, entry, inside in _differing(service.stores[name]._data, place, differences):
                if entry is entries.NOTHING:
                    change["gone"].append([in_state, repr(key)])
                else:
                    part._data[key] = entry
                if inside:
                    change["inside"].append([in_state, repr(key), place.name, inside])
            if place.name:
                change["fields"][in_state] = place.name
        if not change["gone"] and not any(part._data for part in changed.values()):
            return {}
        found = service.state(changed)
        return {"state": {name: each for name, each in found.items() if not _is_empty(each)}, **change}


def _differing(store: Entries, place: _Inside, differences: Differences) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """The keys of the entries of a store that differ; the entries, without what is inside of them, NOTHING for those
    that are gone; and what differs inside.
    """
    for key in differences.keys(store):
        entry = dict.get(store, key, entries.NOTHING)
        if entry is entries.NOTHING:
            store.inside.pop(key, None)
            if differences.is_gone(store.seen, key):
                yield key, entry, {}
            continue
        inside: dict[str, Any] = {}
        if place is not _PLAIN:
            inside = _inside(store, key, entry, place, differences)
            entry = {name: value for name, value in entry.items() if name not in (*place.left_out, place.name)}
        if differences.is_other(store.seen, key, entries.mark_of(entry)) or inside:
            yield key, _copy(entry), inside


def _inside(
    store: Entries, key: Any, entry: dict[str, Any], place: _Inside, differences: Differences
) -> dict[str, Any]:
    """What differs in the field of an entry that has entries of its own."""
    part = entry.get(place.name)
    if part is None:
        return {}
    if not isinstance(part, Entries | Messages):
        part = entry[place.name] = place.kind(part)
    if isinstance(part, Messages):
        return differences.of_messages(part, store.inside, key)
    if differences.is_other(store.inside, key, part.number):
        return differences.whole(part)
    return differences.of_entries(part)


def _copy(entry: Any) -> Any:
    """An entry from which MiniStack can leave out something."""
    return dict(entry) if type(entry) is dict else entry


def _is_empty(value: Any) -> bool:
    return isinstance(value, _STORES) and not value._data


# ---- the services of MiniStack -------------------------------------------------------------------------------------


def _service(name: str, module: ModuleType) -> _Service:
    stores = dict(_stores_of(module))
    if module.__name__.rpartition(".")[2] in _WHOLE:
        return _Service(name, module, stores, {})
    probes = {each: type(store)() for each, store in stores.items()}
    for each, probe in probes.items():
        probe[each] = {}
    names = frozenset(_names_in(module.get_state.__code__) & vars(module).keys() - {"copy"})
    try:
        state = _state(module, names, stores, probes)
    except Exception:  # noqa: BLE001 - it does more than copy its stores
        return _Service(name, module, stores, {})
    found = {}
    for in_state, value in (state or {}).items():
        probed = [key[-1] for key in value._data] if isinstance(value, _STORES) else []
        if isinstance(value, dict) or (probed and (len(probed) != 1 or probed[0] not in stores)):
            return _Service(name, module, stores, {})
        found.update(dict.fromkeys(probed, in_state))
    return _Service(name, module, {each: stores[each] for each in found} or stores, found, names)


def _stores_of(module: ModuleType) -> Iterator[tuple[str, Store]]:
    """A module's stores, by their names, or by their places in a table of such."""
    known = set()
    for name, value in vars(module).items():
        if isinstance(value, _STORES):
            known.add(id(value))
            yield name, value
    for name, value in vars(module).items():
        if _is_table(value):
            yield from ((f"{name}.{key}", each) for key, each in value.items() if id(each) not in known)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(each, _STORES) for each in value.values())


def _state(module: ModuleType, names: frozenset[str], stores: Mapping[str, Store], parts: Mapping[str, Store]) -> Any:
    """What MiniStack saves of a service that holds these parts of its stores, which are not copied for that."""
    instead = {id(store): parts[name] if name in parts else type(store)() for name, store in stores.items()}
    known: dict[str, Any] = {"copy": _NoCopies}
    for name in names:
        value = getattr(module, name)
        if _is_table(value):
            value = {key: instead.get(id(each), each) for key, each in value.items()}
        known[name] = instead.get(id(value), value)
    return types.FunctionType(module.get_state.__code__, known)()


class _NoCopies:
    """In the place of `copy`: what is given to it is written at once, and of no further use."""

    @staticmethod
    def deepcopy(value: Any) -> Any:
        """The same."""
        return value


def _names_in(code: types.CodeType) -> set[str]:
    inner = (each for each in code.co_consts if isinstance(each, types.CodeType))
    return set(code.co_names).union(*map(_names_in, inner))


# ---- the file --------------------------------------------------------------------------------------------------------


def _file() -> Path:
    return Path(persistence.STATE_DIR, _NAME)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _append(path: str, line: bytes) -> None:
    """Appends a line, at once or not at all."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size_bytes = os.fstat(file).st_size
        left = memoryview(line)
        try:
            while left:
                left = left[os.write(file, left) :]
        except OSError:
            os.ftruncate(file, size_bytes)
            raise
    finally:
        os.close(file)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The changes, oldest first. A line that a kill cut short is of no answered call."""
    for line in path.read_bytes().split(b"\n") if path.exists() else ():
        with suppress(ValueError):
            found = json.loads(line, object_hook=persistence._json_object_hook)
            if isinstance(found, dict):
                yield found


class _ById(dict[Any, Any]):
    """In the place of a list while changes are applied to it: what is in it, by its ids."""


def _all_applied(state: dict[str, Any] | None, changes: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """A state after changes, which takes as long as they are."""
    for change in changes:
        state = _applied(state or {}, change)
    for store in (state or {}).values():
        for entry in store._data.values() if isinstance(store, _STORES) else ():
            for name, part in entry.items() if isinstance(entry, dict) else ():
                if isinstance(part, _ById):
                    entry[name] = list(part.values())
    return state


def _applied(state: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A state after a change."""
    if "whole" in change:
        return dict(change["whole"])
    for name, value in change["state"].items():
        if not isinstance(value, _STORES):
            state[name] = value
            continue
        kept = state.setdefault(name, type(value)())._data
        field_name = change["fields"].get(name)
        for key, entry in value._data.items():
            has_inside = field_name and isinstance(kept.get(key), dict) and field_name in kept[key]
            kept[key] = {**entry, field_name: kept[key][field_name]} if has_inside else entry
    for name, key in change["gone"]:
        if name in state:
            state[name]._data.pop(ast.literal_eval(key), None)
    for name, key, field_name, inside in change["inside"]:
        entry = state[name]._data[ast.literal_eval(key)]
        entry[field_name] = _part_applied(entry.get(field_name), inside)
    return state


def _part_applied(part: Any, change: Mapping[str, Any]) -> Any:
    """What is inside of an entry, after a change."""
    if "whole" in change:
        return change["whole"]
    if isinstance(part, list):
        part = _ById({each["id"]: each for each in part})
    found: dict[Any, Any] = {} if part is None else part
    found.update(change["set"])
    for key in change["gone"]:
        found.pop(key, None)
    for key, inside in change.get("in", {}).items():
        found[key] = _part_applied(found.get(key), inside)
    return found
