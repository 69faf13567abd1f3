"""What the services hold, entry by entry: which entries a call looked at, and which of those differ from what was
saved.

MiniStack changes its entries in place, so whoever looks at one may change it. Those that were looked at are compared
with what was saved of them; the others, however many, cost nothing.
"""

import copy
import marshal
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any

_numbers = count()
# In the place of an entry that there is not.
NOTHING = object()
# A mark that is of no value: what has it is written the next time.
_UNKNOWN = object()


class Entries(dict[Any, Any]):
    """Entries that note the keys of those that are looked at. `seen` has a mark of each as it was saved last, `inside`
    those of what is inside of them, and `number` tells these entries from others that take their place.
    """

    __slots__ = ("inside", "number", "seen")
    __hash__ = object.__hash__  # type: ignore[assignment]  # each is what it is, whatever it holds

    def __init__(self, entries: Mapping[Any, Any] = {}) -> None:
        super().__init__(entries)
        self.number = next(_numbers)
        self.seen: dict[Any, Any] = {}
        self.inside: dict[Any, Any] = {}

    def _note(self, key: Any) -> None:
        noted = _call.get().noted
        try:
            noted[self][key] = None
        except KeyError:
            noted[self] = {key: None}

    def note_all(self) -> None:
        """Notes all entries."""
        if self:
            _call.get().noted.setdefault(self, {}).update(dict.fromkeys(self))

    def __getitem__(self, key: Any) -> Any:
        """The entry, which is noted."""
        self._note(key)
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Sets an entry, which is noted; a new one after all others, as it is here."""
        if key not in self:
            _call.get().noted.get(self, {}).pop(key, None)
        self._note(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        """Deletes an entry, which is noted."""
        self._note(key)
        super().__delitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """The entry, which is noted."""
        self._note(key)
        return super().get(key, default)

    def pop(self, key: Any, *default: Any) -> Any:
        """Takes out an entry, which is noted."""
        self._note(key)
        return super().pop(key, *default)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The entry, made when it is missing, which is noted."""
        self._note(key)
        return super().setdefault(key, default)

    def popitem(self) -> tuple[Any, Any]:
        """Takes out some entry; all are noted."""
        self.note_all()
        return super().popitem()

    def clear(self) -> None:
        """Takes out all entries, which are noted."""
        self.note_all()
        super().clear()

    def update(self, *more: Any, **named: Any) -> None:
        """Sets some entries, which are noted."""
        for key, value in dict(*more, **named).items():
            self[key] = value

    def values(self) -> Any:
        """All entries, which are noted."""
        self.note_all()
        return super().values()

    def items(self) -> Any:
        """All keys and entries, which are noted."""
        self.note_all()
        return super().items()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[Any, Any]:
        """A copy, which notes nothing."""
        return {key: copy.deepcopy(value, memo) for key, value in dict.items(self)}


class Items(Entries):
    """The items of a table: by partition key, then by sort key; a partition is made when it is looked for."""

    __slots__ = ()

    def __init__(self, items: Mapping[Any, Mapping[Any, Any]]) -> None:
        super().__init__({key: Entries(partition) for key, partition in items.items()})

    def __missing__(self, key: Any) -> Entries:
        """An empty partition."""
        made = Entries()
        self[key] = made
        return made

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The partition, which notes what of it is looked at."""
        return super().setdefault(key, Entries(default) if type(default) is dict else default)


class Messages(list[Any]):
    """The messages of a queue. Appending changes no other message; whoever goes through them, or made this list of
    others, may have changed any.
    """

    __slots__ = ("is_read",)

    def __init__(self, messages: Iterable[Any]) -> None:
        super().__init__(messages)
        self.is_read = True

    def __iter__(self) -> Any:
        """Goes through them."""
        self.is_read = True
        return super().__iter__()

    def __getitem__(self, at: Any) -> Any:
        """One, or some."""
        self.is_read = True
        return super().__getitem__(at)

    def __setitem__(self, at: Any, message: Any) -> None:
        """Replaces one, or some."""
        self.is_read = True
        super().__setitem__(at, message)

    def __delitem__(self, at: Any) -> None:
        """Takes out one, or some."""
        self.is_read = True
        super().__delitem__(at)

    def clear(self) -> None:
        """Takes out all."""
        self.is_read = True
        super().clear()

    def pop(self, *at: Any) -> Any:
        """Takes out one."""
        self.is_read = True
        return super().pop(*at)

    def remove(self, message: Any) -> None:
        """Takes out one."""
        self.is_read = True
        super().remove(message)

    def insert(self, at: Any, message: Any) -> None:
        """Adds one somewhere."""
        self.is_read = True
        super().insert(at, message)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        """A copy, which notes nothing."""
        return [copy.deepcopy(each, memo) for each in list.__iter__(self)]


# In the order in which they were looked at first.
Noted = dict[Entries, dict[Any, None]]


class _Call:
    """A call, or whatever else looks at entries. It lives as long as a context that it is in: that of the call, and of
    the threads and tasks that go on for it.
    """

    __slots__ = ("__weakref__", "noted")

    def __init__(self) -> None:
        self.noted: Noted = {}


_no_call = _Call()
# What no call looked at, such as a thread that polls queues.
outside = _no_call.noted
_call: ContextVar[_Call] = ContextVar("call", default=_no_call)
# What was given already of those, but whoever looked at it may change it a moment later.
_again: Noted = {}
# Calls that have ended, and what they looked at. What goes on for them changes that until they are no more.
_ended: list[tuple[weakref.ref[_Call], Noted]] = []


def begin_call() -> None:
    """From now on entries are noted for a new call: whatever is done for it in this context, or one made from it."""
    _call.set(_Call())


def end_call() -> None:
    """The call in this context has its answer. What goes on for it may change what it looked at, and more."""
    call, looked_at = weakref.ref(_call.get()), _call.get().noted
    _call.set(_no_call)
    if looked_at is not outside and call() is not None:
        _ended.append((call, looked_at))


@contextmanager
def only_looking() -> Iterator[None]:
    """Nothing is noted, since whoever looks changes nothing."""
    token = _call.set(_Call())
    try:
        yield
    finally:
        _call.reset(token)


def noted() -> Noted:
    """What was looked at for the call that is being served, and by no call, which is not given again but once."""
    own = _call.get().noted
    found = {} if own is outside else {entries: dict(keys) for entries, keys in list(own.items())}
    while outside:
        entries, keys = outside.popitem()  # other threads add to it
        _add(found, entries, keys)
        _add(_again, entries, keys)
    return found


def noted_since() -> Noted:
    """What was looked at by no call since the last time, and what is looked at for calls that have ended."""
    living = [(call, keys) for call, keys in _ended if call() is not None]
    given = dict(_again)
    _again.clear()
    found = noted()
    for each in (given, *(looked_at for _, looked_at in _ended)):
        for entries, keys in list(each.items()):
            _add(found, entries, keys)
    _ended[:] = living  # the others may have changed something before they were no more
    return found


def _add(noted: Noted, entries: Entries, keys: dict[Any, None]) -> None:
    noted.setdefault(entries, {}).update(keys)


class Differences:
    """Compares entries with what was saved of them, and takes them as saved, until that is taken back."""

    def __init__(self, looked_at: Noted | None) -> None:
        """:param looked_at: what may differ; everything when None."""
        self.looked_at = looked_at
        self._taken: list[tuple[dict[Any, Any], Any]] = []

    def keys(self, entries: Entries) -> list[Any]:
        """The keys of the entries that may differ."""
        if self.looked_at is None:
            return list({**dict.fromkeys(list(entries)), **entries.seen})
        return list(self.looked_at.get(entries, ()))

    def is_other(self, seen: dict[Any, Any], key: Any, mark: Any) -> bool:
        """Whether something differs from what was saved last, by its mark."""
        if seen.get(key, NOTHING) == mark:
            return False
        seen[key] = mark
        self._taken.append((seen, key))
        return True

    def is_gone(self, seen: dict[Any, Any], key: Any) -> bool:
        """Whether something that is no more was saved."""
        if seen.pop(key, NOTHING) is NOTHING:
            return False
        self._taken.append((seen, key))
        return True

    def of_entries(self, entries: Entries) -> dict[str, Any]:
        """What differs in a part of an entry: what is set, gone, or differs inside; {} when nothing does."""
        changed: dict[str, Any] = {"set": {}, "gone": [], "in": {}}
        for key in self.keys(entries):
            value = dict.get(entries, key, NOTHING)
            if value is NOTHING:
                if self.is_gone(entries.seen, key):
                    changed["gone"].append(str(key))
            elif isinstance(value, Entries):
                is_new = self.is_other(entries.seen, key, value.number)
                inside = self.whole(value) if is_new else self.of_entries(value)
                if inside:
                    changed["in"][key] = inside
            elif self.is_other(entries.seen, key, mark_of(value)):
                changed["set"][key] = value
        return changed if any(changed.values()) else {}

    def of_messages(self, messages: Messages, saved: dict[Any, Any], queue: Any) -> dict[str, Any]:
        """What differs in the messages of a queue, by their ids.

        :param saved: the marks of those that were saved, by queue.
        """
        seen = saved.get(queue)
        if not isinstance(seen, dict):
            saved[queue] = {each["id"]: mark_of(each) for each in messages}
            self._taken.append((saved, queue))
            messages.is_read = False
            return {"whole": messages}
        gone: list[Any] = []
        if messages.is_read or self.looked_at is None:
            now = list(messages)
            gone = [key for key in seen.keys() - {each["id"] for each in now} if self.is_gone(seen, key)]
        else:
            now = messages[len(seen) :]
        messages.is_read = False
        changed = {each["id"]: each for each in now if self.is_other(seen, each["id"], mark_of(each))}
        return {"set": changed, "gone": gone} if changed or gone else {}

    def whole(self, part: Any) -> dict[str, Any]:
        """A part of an entry as a whole, all of it taken as saved."""
        everything = Differences(None)
        if isinstance(part, Entries):
            part.seen.clear()
            everything.of_entries(part)
        return {"whole": part}

    def take_back(self) -> None:
        """Nothing was saved: all of it still differs."""
        for seen, key in self._taken:
            seen[key] = _UNKNOWN


def mark_of(value: Any) -> Any:
    """A mark that differs when a value does."""
    try:
        return hash(marshal.dumps(value, 2))
    except ValueError:  # it holds what is no plain data, such as a private key, which is told by its place in memory
        return hash(repr(value))
