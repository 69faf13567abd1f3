"""A hunt: an attack that is played, told as an engineer on call would hear of it, and whose facts are to be found."""

import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lab.errors import LabError
from lab.instance import control, lifecycle
from lab.instance.folder import Lab
from lab.scenarios import noise
from lab.scenarios.answers import saved
from lab.scenarios.answers.facts import Fact, Tries
from lab.scenarios.answers.saved import Played, Stage
from lab.scenarios.people import Staff, Worker
from lab.scenarios.reset import undo

NOISE_EVENTS = 1000

_SEED_BITS = 32
# When the attack comes, of the time that passes.
_EARLIEST, _LATEST = 0.45, 0.6
# Not all of the time in hand, since the clock's own seconds count as well.
_SPARE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class HuntOutcome:
    """What is known of an attack when it is over.

    :param alarm: what the engineer on call gets, in lines; nothing of the solution.
    :param facts: what is to be found.
    :param story: what was done, step by step, for `--solution`.
    :param notes: why something cannot be found, and what to do about it.
    """

    alarm: Sequence[str]
    facts: Sequence[Fact]
    story: Sequence[str]
    notes: Sequence[str] = ()


@dataclass(slots=True)
class Director:
    """What an attack may use while it is played: chance, the time that passes before and after it, and a memory.

    :param days: how much lab time passes; None for all that the lab's clock is behind.
    :param events: how many events of ordinary business are around it.
    """

    lab: Lab
    name: str
    chance: random.Random
    events: int = 0
    days: float | None = None
    objects: int | None = None
    passes_days: bool = field(default=False, init=False)
    _staff: Staff | None = field(default=None, init=False)
    _seconds: float = field(default=0.0, init=False)

    def keep(self, stage: Stage) -> None:
        """Remembers what is about to be made or changed, so that `reset` undoes it even after an interruption."""
        saved.keep(self.lab, self.name, Played(stage))

    def before(self, others: Callable[[], Sequence[Worker]] = tuple, share: float = 0.5) -> None:
        """Lets the time before the attack pass, with ordinary business.

        :param others: who is at work beside the usual staff; asked at the beginning of each shift.
        :param share: of the events that are around the attack, those that come before it.
        :raises LabError: there is less time in hand than is asked for.
        """
        self._seconds = _seconds_to_pass(self.lab, self.days)
        self.passes_days = self._seconds > noise.DAY_SECONDS / 2
        if self.events:
            self._staff = Staff(self.lab)
            saved.keep(self.lab, "noise", Played(self._staff.stage()))
            self._staff.hire()
        before = round(self.events * share)
        self.events -= before
        self._pass(self.chance.uniform(_EARLIEST, _LATEST), before, others)

    def after(self, others: Callable[[], Sequence[Worker]] = tuple) -> None:
        """Lets the rest of the time pass, with the rest of the events."""
        self._pass(1.0, self.events, others)

    def now(self) -> str:
        """The lab's time, as a fact has it.

        :raises LabError: the lab does not answer.
        """
        return datetime.fromisoformat(_status(self.lab).now).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _pass(self, share: float, events: int, others: Callable[[], Sequence[Worker]]) -> None:
        seconds = self._seconds * share
        self._seconds -= seconds
        if self._staff is not None:
            noise.background(self.lab, self._staff, events, seconds, self.chance, others)
        elif seconds:
            control.advance(self.lab, seconds)


Hunt = Callable[[Director], HuntOutcome]


def play(lab: Lab, name: str, hunt: Hunt, director: Callable[[random.Random], Director], seed: int) -> Iterator[str]:
    """Plays an attack, keeps its solution, and tells what the engineer on call gets.

    :param seed: another one, another attack; 0 for one that nobody knows.
    :raises LabError: it cannot be played here.
    """
    before = saved.read(lab)
    if name in before:
        undo(lab, before.pop(name).stage)
        saved.write(lab, before)
    chance = random.Random(seed or secrets.randbits(_SEED_BITS))  # noqa: S311 - chooses names, no secrets
    told = hunt(director(chance))
    stage = saved.read(lab)[name].stage
    tries = {fact.name: Tries() for fact in told.facts}
    saved.keep(lab, name, Played(stage, tuple(told.alarm), tuple(told.facts), tuple(told.story), tries))
    control.deliver(lab)
    yield from told.alarm
    yield ""
    yield from told.notes
    yield f"What is asked:     python -m lab answer {name}"
    yield f"Hand in a finding: python -m lab answer {name} {told.facts[0].name}=..."
    yield f"Or a report:       python -m lab report {name} report.md (--template prints one to fill in)"


def _seconds_to_pass(lab: Lab, days: float | None) -> float:
    if days is not None:
        noise.require_time(lab, days)
        return days * noise.DAY_SECONDS
    return max(0.0, _status(lab).behind_seconds - _SPARE_SECONDS)


def _status(lab: Lab) -> lifecycle.Status:
    status = lifecycle.ask(lab)
    if status is None:
        raise LabError(f"The lab at {lab.endpoint} does not answer. See: python -m lab status")
    return status
