"""Yes, no, or undecided with the reason: three-valued logic, because policies can depend on what only AWS knows.

Nothing is guessed: with an undecided part the whole is decided only where that part makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a policy could not be decided.

    :param about: ``key`` (a condition key whose value only AWS knows), ``policy`` (something in the policy that is not
        understood) or ``time`` (the same, and the answer may be another one at another time).
    :param what: the key or the element, in words.
    """

    about: str
    what: str


@dataclass(frozen=True, slots=True)
class Ternary:
    """``is_true`` is ``None`` when undecided; then ``reasons`` says why."""

    is_true: bool | None
    reasons: tuple[Reason, ...] = ()


YES = Ternary(is_true=True)
NO = Ternary(is_true=False)


def yes_if(condition: bool) -> Ternary:  # noqa: FBT001 (the one positional argument is the point)
    """An ordinary boolean."""
    return YES if condition else NO


def undecided(about: str, what: str) -> Ternary:
    """Neither yes nor no, for this reason."""
    return Ternary(is_true=None, reasons=(Reason(about, what),))


def negation(value: Ternary) -> Ternary:
    """No for yes, yes for no; undecided stays undecided."""
    return value if value.is_true is None else yes_if(not value.is_true)


def all_of(values: Iterable[Ternary]) -> Ternary:
    """Yes when all are; a single no decides."""
    reasons: list[Reason] = []
    for value in values:
        if value.is_true is False:
            return NO
        reasons.extend(value.reasons)
    return Ternary(is_true=None, reasons=tuple(dict.fromkeys(reasons))) if reasons else YES


def any_of(values: Iterable[Ternary]) -> Ternary:
    """Yes when one is; a single yes decides."""
    reasons: list[Reason] = []
    for value in values:
        if value.is_true:
            return YES
        reasons.extend(value.reasons)
    return Ternary(is_true=None, reasons=tuple(dict.fromkeys(reasons))) if reasons else NO


def reasons_of(values: Iterable[Ternary], about: str | None = None) -> str:
    """What the undecided ones depend on, for people; empty when nothing is undecided.

    :param about: only reasons about this. Default: - all.
    """
    reasons = {reason.what for value in values for reason in value.reasons if about in (None, reason.about)}
    return ", ".join(sorted(reasons))
