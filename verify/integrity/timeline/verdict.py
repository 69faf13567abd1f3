"""What can be said of a file or of a period of time, and how it adds up."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Verdict(StrEnum):
    """From good to bad; the worst decides."""

    PROVEN = "proven"
    NOT_LOGGED = "not logged"
    NOT_DUE = "digest not yet due"
    UNPROVEN = "unproven"
    FOREIGN = "foreign"
    MISSING = "missing"
    ALTERED = "altered"


MEANING = {
    Verdict.PROVEN: "It is exactly what CloudTrail delivered.",
    Verdict.NOT_LOGGED: "Logging was off: there is no record of this time, and none was removed.",
    Verdict.NOT_DUE: "CloudTrail has not signed for it yet. Ask again in about two hours.",
    Verdict.UNPROVEN: "No signed digest that could be read covers it. This is neither a sign of tampering nor its "
    "absence.",
    Verdict.FOREIGN: "CloudTrail has not signed for it. Somebody else put it there.",
    Verdict.MISSING: "CloudTrail delivered it and it is gone. What it recorded is lost.",
    Verdict.ALTERED: "It is not what CloudTrail delivered. Do not believe what it says.",
}

# How the reason begins where nobody signed: no later look makes that better.
VALIDATION_OFF = "log file validation was off"
# How a cause begins that says so of the present, and how the reason begins that it may explain.
VALIDATION_IS_OFF = "Log file validation is off today"
NOT_DELIVERED = "CloudTrail says that it could not deliver"
NO_DIGEST_CAME = ("there is no digest", "no digest was")
HARMLESS = frozenset({Verdict.PROVEN, Verdict.NOT_LOGGED, Verdict.NOT_DUE})
BAD = frozenset({Verdict.FOREIGN, Verdict.MISSING, Verdict.ALTERED})
_GRAVITY = {verdict: number for number, verdict in enumerate(Verdict)}


def gravest(*verdicts: Verdict) -> Verdict:
    """The one that decides; ``PROVEN`` when there is none."""
    return max(verdicts, key=_GRAVITY.__getitem__, default=Verdict.PROVEN)


def is_graver(one: Verdict, other: Verdict) -> bool:
    """Whether ``one`` decides against ``other``."""
    return _GRAVITY[one] > _GRAVITY[other]


class Problem(Struct, frozen=True):
    """An object, or everything below a prefix, that is not proven.

    :param subject: for people, as :func:`verify.storage.objects.address` writes it; a prefix ends in ``/``.
    :param reason: a clause that says what is wrong with it.
    """

    verdict: Verdict
    subject: str
    reason: str


class Evidence(Struct, frozen=True):
    """What a verdict rests on.

    :param digests: how many proven digests cover the time.
    :param first: the oldest of them, as ``s3://bucket/key``.
    :param last: the newest.
    :param call: the call that turned logging off, such as ``StopLogging``; ``caller`` is whose, and ``address`` from
        where it was made, ``""`` where that is not recorded.
    :param source: what tells of that call, or that logging was off.
    :param until: when a digest that is not due yet is due.
    :param settles: what would settle what is unproven, as a sentence.
    """

    digests: int = 0
    first: str = ""
    last: str = ""
    call: str = ""
    caller: str = ""
    source: str = ""
    until: datetime | None = None
    settles: str = ""
    address: str = ""


NO_EVIDENCE = Evidence()


class JudgedPeriod(Struct, frozen=True):
    """A period of time about which one thing can be said.

    :param reason: a clause; ``""`` when there is nothing to explain.
    """

    start: datetime
    end: datetime
    verdict: Verdict
    reason: str = ""
    evidence: Evidence = NO_EVIDENCE
