"""The scenarios by name, and what each does."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from lab.instance.folder import Lab
from lab.scenarios.answers import saved
from lab.scenarios.answers.saved import Played
from lab.scenarios.attacks.capital_one import capital_one
from lab.scenarios.attacks.function import function
from lab.scenarios.attacks.leaked_key import leaked_key
from lab.scenarios.attacks.outside_trust import outside_trust
from lab.scenarios.attacks.ransom import ransom
from lab.scenarios.attacks.role_chain import role_chain
from lab.scenarios.attacks.shared_snapshot import shared_snapshot
from lab.scenarios.attacks.tamper import tamper
from lab.scenarios.console import console
from lab.scenarios.console import stage as stage_of_console
from lab.scenarios.exercise import exercise
from lab.scenarios.hunt import NOISE_EVENTS, Director, Hunt, play
from lab.scenarios.noise import CALLS, noise
from lab.scenarios.people import Staff


@dataclass(frozen=True, slots=True)
class Size:
    """How big a scenario is; each scenario looks at what concerns it. What is None is its own choice.

    :param calls: noise: how many calls are really made.
    :param events: how many more events there are around it, or in all of the noise.
    :param days: of lab time.
    """

    calls: int = CALLS
    events: int | None = None
    days: float | None = None
    objects: int | None = None
    seed: int = 0


# Those whose facts are to be found.
HUNTS: dict[str, Hunt] = {
    "capital-one": capital_one,
    "tamper": tamper,
    "leaked-key": leaked_key,
    "shared-snapshot": shared_snapshot,
    "outside-trust": outside_trust,
    "role-chain": role_chain,
    "function": function,
    "ransom": ransom,
}

# What each does, for --help: of a hunt not more than its alarm tells.
TEXTS: dict[str, str] = {
    "exercise": "four calls that only read, to be found in the event history",
    "capital-one": "a hunt: customer data leaked",
    "console": "sign-ins: a guessed password, no second factor, a switch to a role, and the root user",
    "tamper": "a hunt: a record that should be in the log files is not there",
    "leaked-key": "a hunt: the bill rises twelve times",
    "shared-snapshot": "a hunt: a database is out, and nobody has read it",
    "outside-trust": "a hunt: somebody sells a way in",
    "role-chain": "a hunt: a secret was used that only a role can read",
    "function": "a hunt: a function does something that nobody has written",
    "ransom": "a hunt: files that cannot be opened any more",
    "noise": "what an ordinary account does in a day: people and programs, most of them reading",
}


def scenario(lab: Lab, name: str, size: Size) -> Iterator[str]:
    """Plays a scenario, and tells of it line by line.

    :raises LabError: it cannot be played in this lab.
    """
    if name in HUNTS:
        yield from _hunt(lab, name, size)
    elif name == "noise":
        saved.keep(lab, name, Played(Staff(lab).stage()))
        yield from noise(lab, size.calls, size.days or 0.0, size.seed, size.events or 0)
    elif name == "console":
        saved.keep(lab, name, Played(stage_of_console()))
        yield from console(lab)
    else:
        yield from exercise(lab)


def _hunt(lab: Lab, name: str, size: Size) -> Iterator[str]:
    def director(chance: random.Random) -> Director:
        events = NOISE_EVENTS if size.events is None else size.events
        return Director(lab, name, chance, events, size.days, size.objects)

    return play(lab, name, HUNTS[name], director, size.seed)
