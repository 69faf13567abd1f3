"""One objection: what a change loses, exposes or hides, with an id by which a decision can accept it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from securetrail.review.findings import SourceLine

_LONGEST_ID: Final = 100


def objection_id(kind: str, detail: str = "") -> str:
    """What a decision calls an objection: ``log_bucket_keeps_logs: 365 days -> 1 day``.

    The values are part of it, so that a decision about one change accepts no later one.

    :param detail: what differs. A long one is shortened to its digest.
    """
    if not detail:
        return kind
    text = f"{kind}: {detail}"
    return (
        text
        if len(text) <= _LONGEST_ID
        else f"{kind}: {hashlib.sha256(detail.encode(errors='replace')).hexdigest()[:12]}"
    )


@dataclass(frozen=True, slots=True)
class Objection:
    """Why nobody should merge this without another look.

    :param id: of :func:`objection_id`, the same in every review of the same change.
    :param resource: what it is about: ``Stack/LogicalId``, a file, a rule pack.
    :param says: what is lost, in one sentence; parts of it come from the change.
    :param attack: what somebody could do now. Default: - nothing that the resource itself tells.
    :param place: the source line, if one is known.
    :param by_dependency: a new version of a dependency makes it, not the change's own code.
    """

    id: str
    resource: str
    says: str
    attack: str = ""
    place: SourceLine | None = None
    by_dependency: bool = False

    @property
    def fingerprint(self) -> str:
        """The same for the same objection in every later review, whatever lines have moved."""
        return hashlib.sha256(f"{self.id}\0{self.resource}".encode(errors="backslashreplace")).hexdigest()[:32]
