"""What the repository's owners have decided to lose: a file of decisions, each of which accepts one objection.

The file is ``review-decisions.toml`` in the root of the repository::

    [[decision]]
    id = "log_bucket_keeps_logs: never -> 2555 days"   # as the review calls it
    resource = "SecureTrail/SecureTrailBucket89F6863C"
    reason = "Seven years are what the law asks for; before, log files stayed for ever."
    expires = 2027-03-31

Decisions of the base count. One that the change itself brings counts only when whoever reviews says so.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from securetrail.printable import printable
from securetrail.review.errors import ReviewError
from securetrail.review.findings import SourceLine
from securetrail.review.objections import Objection

FILE: Final = "review-decisions.toml"
_HEADER: Final = re.compile(r"\s*\[\[\s*decision\s*\]\]")
_KEYS: Final = {"id", "resource", "reason", "expires"}


@dataclass(frozen=True, slots=True)
class Decision:
    """An objection that is accepted.

    :param id: the objection's.
    :param resource: the objection's.
    :param expires: the last day on which it counts.
    :param line: of the file, where it begins.
    """

    id: str
    resource: str
    reason: str
    expires: dt.date
    line: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """An objection, and the decision that accepts it.

    :param is_new: the decision comes with this change.
    """

    objection: Objection
    decision: Decision
    is_new: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """What is left after the decisions.

    :param objections: what the change would decide itself, what no decision accepts, what is wrong with decisions.
    :param accepted: new ones first.
    """

    objections: tuple[Objection, ...]
    accepted: tuple[Accepted, ...]


def parse_decisions(text: str) -> tuple[Decision, ...]:
    """Read a file of decisions.

    :raises ReviewError: it is not as it should be; the message says where.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ReviewError(f"{FILE} is no TOML: {printable(str(error))}") from error
    entries = document.get("decision", [])
    unknown = sorted({*document} - {"decision"})
    if unknown or not isinstance(entries, list):
        raise ReviewError(f"{FILE} has {printable(repr(unknown or entries))}. Allowed: tables [[decision]] alone")
    headers = [line for line, text in enumerate(text.splitlines(), start=1) if _HEADER.match(text)]
    lines = headers if len(headers) == len(entries) else [1] * len(entries)
    return tuple(
        _decision(number, entry, line) for number, (entry, line) in enumerate(zip(entries, lines, strict=True), start=1)
    )


def decide(
    objections: Sequence[Objection],
    base: Sequence[Decision],
    head: Sequence[Decision],
    *,
    today: dt.date,
    allow_new: bool,
    elsewhere: Collection[tuple[str, str]] = (),
) -> Decided:
    """Accept the objections that decisions are about.

    :param base: the decisions of the base; they count as far as the change keeps them.
    :param head: those of the change.
    :param allow_new: count those that come with the change as well.
    :param elsewhere: ids and resources of the objections of other reviews of the same change. A decision about one of
        them is used there.
    """
    left: list[Objection] = []
    own: list[Objection] = []
    accepted: list[Accepted] = []
    used: set[Decision] = set()
    for objection in objections:
        fitting = [each for each in head if (each.id, each.resource) == (objection.id, objection.resource)]
        used |= {*fitting}
        current = [each for each in fitting if each.expires >= today]
        # One that counts is better than one that needs a word of the reviewer.
        chosen = next((each for each in current if each in base), next(iter(current), None))
        if chosen is None:
            left.append(objection)
        elif chosen in base or allow_new:
            accepted.append(Accepted(objection, chosen, chosen not in base))
        else:
            left.append(objection)
            own.append(
                Objection(
                    "new_decision",
                    objection.resource,
                    f"{objection.id} is accepted by this change itself, because: {chosen.reason} "
                    "Whoever reviews agrees by --allow-new-decisions.",
                    place=SourceLine(FILE, chosen.line),
                )
            )
    for decision in head:
        said = f"The decision on {decision.id}"
        if decision.expires < today:
            left.append(
                Objection(
                    "expired_decision",
                    decision.resource,
                    f"{said} expired on {decision.expires}. Fix: remove it from {FILE}, or decide again",
                    place=SourceLine(FILE, decision.line),
                )
            )
        elif decision not in used and (decision.id, decision.resource) not in elsewhere:
            left.append(
                Objection(
                    "unused_decision",
                    decision.resource,
                    f"{said} accepts nothing in this change. Fix: remove it from {FILE}",
                    place=SourceLine(FILE, decision.line),
                )
            )
    order = sorted(accepted, key=lambda each: not each.is_new)
    # First what the change would decide about itself.
    return Decided((*own, *left), tuple(order))


def _decision(number: int, entry: Any, line: int) -> Decision:
    here = f"Decision {number} in {FILE}"
    if not isinstance(entry, dict) or {*entry} != _KEYS:
        given = sorted(entry) if isinstance(entry, dict) else entry
        raise ReviewError(f"{here} has {printable(repr(given))}. Allowed, and all of them: {', '.join(sorted(_KEYS))}")
    for key in ("id", "resource", "reason"):
        if not isinstance(entry[key], str) or not entry[key].strip():
            raise ReviewError(f"{here}: {key} must be text, not {printable(repr(entry[key]))}")
    expires = entry["expires"]
    if isinstance(expires, dt.datetime) or not isinstance(expires, dt.date):
        raise ReviewError(f"{here}: expires must be a date such as 2027-03-31, not {printable(repr(expires))}")
    return Decision(entry["id"], entry["resource"], entry["reason"], expires, line)
