"""What can be said of a file or of a period of time, and how it adds up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """From harmless to grave; the gravest decides."""

    VALID = "valid"
    NOT_DUE = "not due yet"
    NOT_LOGGED = "not logged"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    UNPROVEN = "unproven"
    UNSIGNED = "unsigned"
    MISSING = "missing"
    MODIFIED = "modified"


MEANING = {
    Verdict.VALID: "It is exactly what CloudTrail delivered.",
    Verdict.NOT_DUE: "CloudTrail's digest for this time is not yet due. Validate again in about two hours.",
    Verdict.NOT_LOGGED: "Logging was off: there is no record of this time, and none was removed.",
    Verdict.UNREADABLE: "It could not be read, so nothing is known about it. This is not a sign of tampering.",
    Verdict.UNKNOWN: "AWS could not be asked for what would decide this. This is not a sign of tampering.",
    Verdict.UNPROVEN: "It may be genuine, but the signature that would prove it is missing or invalid.",
    Verdict.UNSIGNED: "No digest lists it. It may not have been delivered by CloudTrail.",
    Verdict.MISSING: "CloudTrail delivered it, and it is no longer there. Its events are lost.",
    Verdict.MODIFIED: "It is not what CloudTrail delivered. Do not rely on its content.",
}

HARMLESS = frozenset({Verdict.VALID, Verdict.NOT_DUE, Verdict.NOT_LOGGED})
COULD_NOT_LOOK = frozenset({Verdict.UNREADABLE, Verdict.UNKNOWN})
_GRAVITY = {verdict: number for number, verdict in enumerate(Verdict)}


def gravest(*verdicts: Verdict) -> Verdict:
    """The one that decides; ``VALID`` when there is none."""
    return max(verdicts, key=_GRAVITY.__getitem__, default=Verdict.VALID)


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is not valid.

    :param subject: the object, as ``s3://bucket/key``.
    :param reason: a clause that says what is wrong with it.
    """

    verdict: Verdict
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class JudgedPeriod:
    """A period of time about which one thing can be said.

    :param reason: a clause; ``""`` when there is nothing to explain.
    """

    start: datetime
    end: datetime
    verdict: Verdict
    reason: str = ""
