"""Puts delivery into the lab's process."""

import time
from dataclasses import dataclass
from pathlib import Path

from lab.clock import Clock, Shift
from lab.cloudtrail import trails
from lab.delivery.bucket_writer import BucketWriter
from lab.delivery.engine import Engine
from lab.delivery.journal import Journal
from lab.settings import Settings


@dataclass(frozen=True, slots=True)
class Delivery:
    """What delivers, and the clock it goes by. `is_resumed`: an earlier process began it, and ended."""

    clock: Clock
    engine: Engine
    is_resumed: bool


def open_delivery(folder: Path, settings: Settings) -> Delivery:
    """Opens the journal in a folder, which is made when it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder / "delivery.sqlite")
    shifts = journal.notes.shifts()
    is_resumed = bool(shifts)
    if not is_resumed:
        shifts = (Shift(time.time(), settings.behind_seconds),)
        journal.notes.set_shifts(shifts)
    clock = Clock(shifts)
    return Delivery(clock, Engine(journal, clock, settings, trails.trails, BucketWriter(clock)), is_resumed)


def add_delivery(delivery: Delivery) -> None:
    """Adds CloudTrail's operations to the lab's."""
    trails.install(delivery.engine, delivery.clock)
