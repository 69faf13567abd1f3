"""What the validation of a trail found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from verify.integrity.state import Anchor
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import COULD_NOT_LOOK, HARMLESS, JudgedPeriod, Problem, Verdict
from verify.storage.layout import ChainName

MAX_PROBLEMS = 10_000

# Told what has been done since the last call: logs judged, days completed. May be called from any thread.
OnProgress: TypeAlias = Callable[[int, int], None]


@dataclass(slots=True)
class Tally:
    """Counts files by verdict, and lists problems up to a limit: an attacker decides how many there are.

    :param notes: valid files that were proven in an unusual way.
    :param omitted: how many problems and notes were not listed.
    :param not_due_from: when the oldest log file was delivered whose digest is not yet due.
    """

    digests: Counter[Verdict] = field(default_factory=Counter)
    backfills: Counter[Verdict] = field(default_factory=Counter)
    logs: Counter[Verdict] = field(default_factory=Counter)
    log_bytes: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    omitted: int = 0
    not_due_from: datetime | None = None

    def add_not_due(self, delivered: datetime) -> None:
        """Note a log file whose digest is not yet due."""
        self.not_due_from = min(delivered, self.not_due_from or delivered)

    def record(self, problem: Problem) -> None:
        """List a problem or a note, or count it as omitted when there are too many."""
        listed = self.notes if problem.verdict is Verdict.VALID else self.problems
        if len(listed) < MAX_PROBLEMS:
            listed.append(problem)
        else:
            self.omitted += 1


@dataclass(frozen=True, slots=True)
class ChainResult:
    """One account and region.

    :param anchor: up to where it is proven, for the next run; ``None`` unless all of it is.
    """

    chain: ChainName
    periods: tuple[JudgedPeriod, ...]
    tally: Tally
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The whole validation.

    :param notices: what the reader must know about its scope.
    :param unseen: what could not be looked at, each as a sentence.
    """

    trail: str
    source: str
    period: Period
    made_at: datetime
    is_quick: bool
    chains: tuple[ChainResult, ...]
    notices: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def not_due_from(self) -> datetime | None:
        """From when on files may be in no digest yet; ``None`` when digests cover all of the period."""
        periods = [judged for chain in self.chains for judged in chain.periods]
        starts = [judged.start for judged in periods if judged.verdict is Verdict.NOT_DUE]
        starts += [chain.tally.not_due_from for chain in self.chains if chain.tally.not_due_from]
        return max(min(starts), self.period.start) if starts else None

    @property
    def exit_code(self) -> int:
        """0 all proven, 1 tampering or loss, 3 something could not be looked at or there was nothing to prove."""
        verdicts = {judged.verdict for chain in self.chains for judged in chain.periods}
        for chain in self.chains:
            for counter in (chain.tally.digests, chain.tally.backfills, chain.tally.logs):
                verdicts |= set(counter)
        if verdicts - HARMLESS - COULD_NOT_LOOK:
            return 1
        if verdicts & COULD_NOT_LOOK or self.unseen or Verdict.VALID not in verdicts:
            return 3
        return 0
