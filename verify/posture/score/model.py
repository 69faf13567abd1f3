"""The score as a range: points that are certain, and points that are possible where something is not known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from verify.posture.model import Status, Verdict
from verify.posture.score.facts import AccountFacts


class Pillar(StrEnum):
    """The five pillars."""

    IDENTITY = "Identity"
    NETWORK = "Network"
    DATA = "Data"
    DETECTION = "Detection"
    COMPLIANCE = "Compliance"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that earns points; its fields are those of :class:`verify.posture.model.Check`."""

    id: str
    pillar: Pillar
    points: int
    title: str
    judge: Callable[[AccountFacts], Verdict]
    expected: str
    why: str
    fix: str
    source: str


@dataclass(frozen=True, slots=True)
class Scored:
    """An item with its verdict."""

    id: str
    pillar: Pillar
    points: int
    title: str
    status: Status
    expected: str
    actual: str
    why: str
    fix_cli: str
    source_url: str


@dataclass(frozen=True, slots=True)
class Range:
    """From the points that are certain to those that are possible, of ``of``."""

    low: int
    high: int
    of: int

    def __str__(self) -> str:
        points = str(self.low) if self.low == self.high else f"{self.low}–{self.high}"  # noqa: RUF001 (a range)
        return f"{points} of {self.of}"


def range_of(items: tuple[Scored, ...]) -> Range:
    """An unknown item counts for the upper end alone."""
    certain = sum(item.points for item in items if item.status is Status.PASS)
    possible = sum(item.points for item in items if item.status is Status.UNKNOWN)
    return Range(certain, certain + possible, sum(item.points for item in items))


@dataclass(frozen=True, slots=True)
class Score:
    """The account's score.

    :param endpoint: the endpoint that answered, when that was not AWS.
    :param unanswered: why calls got no answer, whichever points they are for; each reason once.
    """

    account: str
    region: str
    endpoint: str | None
    items: tuple[Scored, ...]
    unanswered: tuple[str, ...] = ()

    @property
    def total(self) -> Range:
        """Of 100."""
        return range_of(self.items)

    @property
    def is_complete(self) -> bool:
        """Whether each point is certain, and each call was answered."""
        return not self.unanswered and self.total.low == self.total.high

    def pillar(self, pillar: Pillar) -> tuple[Scored, ...]:
        """The items of one pillar."""
        return tuple(item for item in self.items if item.pillar is pillar)
