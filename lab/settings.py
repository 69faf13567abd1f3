"""How a lab runs: what `up` chooses and the lab's process goes by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """How often log files and digests are delivered, and how far a new lab's clock is behind this machine's."""

    delivery_seconds: float = 5.0
    digest_seconds: int = 60
    behind_seconds: float = 0.0
