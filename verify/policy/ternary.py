"""Yes, no, or undecided with the reason: three-valued logic for policies that depend on what nobody can know.

An undecided part never turns a whole into yes or no by guessing; it does so only where it makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a policy could not be decided.

    :param about: ``key`` (a condition key whose value only AWS knows) or ``policy`` (something in the policy
        that is not understood).
    :param what: the key or the element, for people.
    """

    about: str
    what: str


@dataclass(frozen=True, slots=True)
class Truth:
    """``is_true`` is ``None`` when undecided; then ``doubts`` says why."""

    is_true: bool | None
    doubts: tuple[Doubt, ...] = ()


YES = Truth(is_true=True)
NO = Truth(is_true=False)


def yes_if(condition: bool) -> Truth:  # noqa: FBT001 (the one positional argument is the point)
    """An ordinary boolean."""
    return YES if condition else NO


def undecided(about: str, what: str) -> Truth:
    """Neither, for this reason."""
    return Truth(is_true=None, doubts=(Doubt(about, what),))


def negation(truth: Truth) -> Truth:
    """No for yes, yes for no; undecided stays undecided."""
    return truth if truth.is_true is None else yes_if(not truth.is_true)


def all_of(truths: Iterable[Truth]) -> Truth:
    """Yes when all are; a single no decides."""
    doubts: list[Doubt] = []
    for truth in truths:
        if truth.is_true is False:
            return NO
        doubts.extend(truth.doubts)
    return Truth(is_true=None, doubts=tuple(dict.fromkeys(doubts))) if doubts else YES


def any_of(truths: Iterable[Truth]) -> Truth:
    """Yes when one is; a single yes decides."""
    doubts: list[Doubt] = []
    for truth in truths:
        if truth.is_true:
            return YES
        doubts.extend(truth.doubts)
    return Truth(is_true=None, doubts=tuple(dict.fromkeys(doubts))) if doubts else NO


def reasons(truths: Iterable[Truth], about: str | None = None) -> str:
    """What the undecided ones depend on, for people; empty when nothing is undecided.

    :param about: only doubts about this. Default: - all.
    """
    doubts = {doubt.what for truth in truths for doubt in truth.doubts if about in (None, doubt.about)}
    return ", ".join(sorted(doubts))
