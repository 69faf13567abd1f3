"""What a control's value can be, and when one is weaker than another.

A value is read from the resolved properties of one resource by a function of this module or of one beside it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from securetrail.review.template import NotComparable

Properties = Mapping[str, Any]
NEVER: Final = math.inf
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Level:
    """One of ordered values, more is stronger.

    :param rank: where it stands in the order; 0 and below: the control is not there at all.
    :param text: the value in words, such as ``365 days``.
    """

    rank: float
    text: str


@dataclass(frozen=True, slots=True)
class Needed:
    """A set of which each member counts: one that is missing afterwards is lost."""

    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class Exposed:
    """A set of those who get something: one that is new afterwards is a loss."""

    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value without an order: any other one may protect less. Nothing before means nothing to lose."""

    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The template does not tell the value.

    :param same_as: equal for two values that are the same text.
    """

    why: str
    same_as: str = ""

    def __str__(self) -> str:
        return f"not known ({self.why})"


Value = Level | Needed | Exposed | Fixed | Unknown
Reader = Callable[[Properties], Value]


@dataclass(frozen=True, slots=True)
class Weakening:
    """How one value is weaker than another.

    :param is_lost: nothing is left of the control.
    :param is_known: False when the template does not tell.
    """

    before: str
    after: str
    is_lost: bool
    is_known: bool = True


def weakening(before: Value, after: Value) -> Weakening | None:
    """How the second value protects less than the first; None if it does not."""
    if before == after:
        return None
    if isinstance(before, Level) and isinstance(after, Level):
        return Weakening(before.text, after.text, after.rank <= 0) if after.rank < before.rank else None
    if isinstance(before, Needed) and isinstance(after, Needed):
        lost = before.members - after.members
        return Weakening(_list(before.members), _list(after.members), not after.members) if lost else None
    if isinstance(before, Exposed) and isinstance(after, Exposed):
        new = after.members - before.members
        return Weakening(_list(before.members), _list(after.members), is_lost=False) if new else None
    if isinstance(before, Fixed) and isinstance(after, Fixed):
        return Weakening(before.text, after.text or "nothing", not after.text) if before.text else None
    # Such as a threshold that is a number, and one that a model makes; or one of both is not known.
    return Weakening(shown(before), shown(after), is_lost=False, is_known=False)


def weakening_of_both(before: Value, after: Value) -> Weakening | None:
    """The same where there is something before and after; that it is gone is said by another control."""
    return None if Fixed("") in (before, after) else weakening(before, after)


def weakening_of_keys(before: Value, after: Value) -> Weakening | None:
    """The same of keys, of which one of one's own in the place of AWS's is no loss."""
    is_of_aws = isinstance(before, Fixed) and before.text.startswith("alias/aws/")
    return None if is_of_aws and isinstance(after, Fixed) and after.text else weakening(before, after)


def weakening_of_rates(before: Value, after: Value) -> Weakening | None:
    """The same of schedules, of which a rate can be compared with a rate alone; before there was one, nothing ran."""
    if Fixed("") in (before, after) or type(before) is not type(after):
        before, after = (Fixed(shown(each)) if isinstance(each, Level) else each for each in (before, after))
    return weakening(before, after)


def shown(value: Value) -> str:
    """The value in words."""
    match value:
        case Level(text=text):
            return text
        case Needed(members=members) | Exposed(members=members):
            return _list(members)
        case Fixed(text=text):
            return text or "nothing"
        case Unknown():
            return str(value)


def where_known(
    shown: Callable[[Any], str] = str,
) -> Callable[[Callable[[_T, _T], Weakening | None]], Callable[[_T | Unknown, _T | Unknown], Weakening | None]]:
    """Let a comparison have only values that differ and are both known; of others nobody knows which is weaker.

    :param shown: a value in words.
    """

    def decorate(
        compare: Callable[[_T, _T], Weakening | None],
    ) -> Callable[[_T | Unknown, _T | Unknown], Weakening | None]:
        @functools.wraps(compare)
        def comparison(before: _T | Unknown, after: _T | Unknown) -> Weakening | None:
            if before == after:
                return None
            if isinstance(before, Unknown) or isinstance(after, Unknown):
                first, second = (str(each) if isinstance(each, Unknown) else shown(each) for each in (before, after))
                return Weakening(first, second, is_lost=False, is_known=False)
            return compare(before, after)

        return comparison

    return decorate


def _list(members: Iterable[str]) -> str:
    return ", ".join(sorted(members)) or "none"


# ---- readers: a path of names, dots between them, numbers for places in a list ------------------------------------


def at(properties: Any, path: str) -> Any:
    """What stands at a path; None when nothing does, and what cannot be resolved as itself."""
    value = properties
    for name in path.split("."):
        if isinstance(value, NotComparable):
            return value
        if isinstance(value, list):
            value = value[int(name)] if name.isdecimal() and int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value


def unresolved(value: Any) -> NotComparable | None:
    """The first part of a value that cannot be resolved."""
    if isinstance(value, NotComparable):
        return value
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return next((found for part in parts if (found := unresolved(part)) is not None), None)


def reader(path: str, read: Callable[[Any], _T]) -> Callable[[Properties], _T | Unknown]:
    """A reader of what stands at a path; what cannot be resolved is not known."""

    def value(properties: Properties) -> _T | Unknown:
        found = at(properties, path)
        gap = unresolved(found)
        if gap is not None:
            return Unknown(gap.why, repr(found))
        try:
            return read(found)
        except (ValueError, TypeError, KeyError, AttributeError):
            return Unknown("it is not what CloudFormation allows here", repr(found))

    return value


def reads(path: str) -> Callable[[Callable[[Any], _T]], Callable[[Properties], _T | Unknown]]:
    """The same, as a decorator."""
    return lambda read: functools.update_wrapper(reader(path, read), read)


def flag(path: str, *, default: bool = False, good: bool = True) -> Reader:
    """On or off.

    :param default: what AWS takes when the property is missing.
    :param good: the stronger one of both.
    """

    def read(found: Any) -> Level:
        value = default if found is None else truth(found)
        return Level(float(value is good), "on" if value else "off")

    return reader(path, read)


def number(path: str, unit: str, *, default: float, default_text: str, more_is_stronger: bool = True) -> Reader:
    """A number; how a missing property counts, and what it is called, says AWS's document."""

    def read(found: Any) -> Level:
        if found is None:
            return Level(default if more_is_stronger else 1 / default, default_text)
        amount = float(found)
        return Level(
            amount if more_is_stronger else 1 / max(amount, 1e-9),
            f"{amount:g} {unit.removesuffix('s') if amount == 1 else unit}",
        )

    return reader(path, read)


def grade(path: str, order: Mapping[Any, int], *, default: Any) -> Reader:
    """One of AWS's words, of which each has a rank.

    :raises KeyError: never; a word that is not in the order is not known.
    """

    def read(found: Any) -> Level:
        word = default if found is None else found
        return Level(order[word], str(word))

    return reader(path, read)


def fixed(path: str, *, missing: str = "") -> Reader:
    """Text that must stay as it is, or any JSON.

    :param missing: what the missing property is called, when it is not nothing.
    """
    return reader(path, lambda found: Fixed(_text(found) or missing))


def switches(path: str) -> Reader:
    """Everything below a path that is on, each by its own path."""

    def on(value: Any, name: str) -> Iterator[str]:
        if isinstance(value, Mapping):
            for key, entry in value.items():
                yield from on(entry, f"{name}.{key}" if name else str(key))
        elif str(value).lower() == "true":
            yield name

    return reader(path, lambda found: Needed(frozenset(on(found, ""))))


def members(path: str, name: Callable[[Any], str | None], kind: type[Needed] | type[Exposed] = Needed) -> Reader:
    """The members of a list, each by what makes it the same; those without a name are left out."""

    def read(found: Any) -> Value:
        entries = found if isinstance(found, list) else [] if found is None else [found]
        return kind(frozenset(text for entry in entries if (text := name(entry)) is not None))

    return reader(path, read)


def truth(value: Any) -> bool:
    """A boolean, which a template may hold as text.

    :raises ValueError: it is none.
    """
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise ValueError(f"{value!r} is neither true nor false")
    return found


def _text(value: Any) -> str:
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_text(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return ", ".join(_text(entry) for entry in value)
    return " ".join(str(value).split())
