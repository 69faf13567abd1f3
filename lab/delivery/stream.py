"""One trail in one region: what log files and digests are delivered for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stream:
    """A trail, by ARN, and the region whose events it delivers."""

    trail: str
    region: str
