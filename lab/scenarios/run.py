"""The scenarios by name, and what each does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab.instance.folder import Lab
from lab.scenarios.capital_one import capital_one
from lab.scenarios.console import console
from lab.scenarios.exercise import exercise
from lab.scenarios.noise import noise
from lab.scenarios.tamper import tamper


@dataclass(frozen=True, slots=True)
class Size:
    """How big a scenario is; each scenario looks at what concerns it."""

    calls: int
    days: float
    objects: int
    seed: int


SCENARIOS: dict[str, Callable[[Lab, Size], Iterator[str]]] = {
    "exercise": lambda lab, _size: exercise(lab),
    "capital-one": lambda lab, size: capital_one(lab, size.objects),
    "console": lambda lab, _size: console(lab),
    "tamper": lambda lab, _size: tamper(lab),
    "noise": lambda lab, size: noise(lab, size.calls, size.days, size.seed),
}

# What each does, for --help.
TEXTS: dict[str, str] = {
    "exercise": "four calls that only read, to be found in the event history",
    "capital-one": "somebody outside uses the role of a web server, lists every bucket and reads all objects of one",
    "console": "sign-ins: a guessed password, no second factor, a switch to a role, and the root user",
    "tamper": "an attacker who removes traces: records less, stops the trail, deletes and edits its files",
    "noise": "what an ordinary account does in a day: people and programs, most of them reading",
}
