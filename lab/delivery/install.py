"""Puts delivery into the lab's process."""

import time
from dataclasses import dataclass
from pathlib import Path

from lab.clock import Clock, Shift
from lab.delivery import actions
from lab.delivery.bucket import BucketWriter
from lab.delivery.engine import Engine
from lab.delivery.journal import Journal
from lab.settings import Settings


@dataclass(frozen=True, slots=True)
class Delivery:
    """What delivers, and the clock it goes by."""

    clock: Clock
    engine: Engine


def open_delivery(folder: Path, settings: Settings) -> Delivery:
    """Opens the journal in a folder, which is made when it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder / "delivery.sqlite")
    shifts = journal.notes.shifts()
    if not shifts:
        shifts = (Shift(time.time(), settings.behind_seconds),)
        journal.notes.set_shifts(shifts)
    clock = Clock(shifts)
    return Delivery(clock, Engine(journal, clock, settings, actions.trails, BucketWriter(clock)))


def add_delivery(delivery: Delivery) -> None:
    """Adds CloudTrail's operations to the lab's."""
    actions.install(delivery.engine, delivery.clock)
