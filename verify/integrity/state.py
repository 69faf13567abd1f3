"""What was proven before, so that a daily run costs a day's work.

Remembered are, for each chain, the digest up to which everything was proven, by its hash, what was found of each
period of time (logging may have been off), and what the listing of each day looked like. S3 alone sets a file's time
of writing, so a day whose listing is the same holds the same files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from verify.errors import UsageError
from verify.integrity.digests.digest import is_plausible
from verify.integrity.timeline.verdict import HARMLESS, Evidence, JudgedPeriod, Verdict
from verify.storage.layout import ChainName
from verify.storage.objects import ListedObject, ObjectName
from verify.storage.state_file import StateFile, write_state

_FORM = 7
_FILE = StateFile(
    whose="that this command wrote",
    harm="make it say that anything was proven",
    anew="validated from the start",
)


class Anchor(Struct, frozen=True):
    """Up to where one chain was proven.

    :param since: from where on.
    :param end: the midnight up to which.
    :param digest: the last proven digest, with the hash of its content.
    :param periods: what was found of the time from ``since`` to ``end``, oldest first: proven, or not logged.
    :param days: for each whole day, what its listing looked like.
    :param backfills: the proven backfill digests of that time and after it, in order of their end: nothing names the
        newest, nor those that are the newest of before a pause.
    """

    since: datetime
    end: datetime
    digest: ObjectName
    sha256: str
    periods: tuple[JudgedPeriod, ...]
    days: Mapping[date, str]
    backfills: tuple[ObjectName, ...] = ()


Anchors = dict[ChainName, Anchor]


def listing_hash(listed: Iterable[ListedObject]) -> str | None:
    """What changes when any file of the listing is added, removed or written again; ``None`` where nothing would."""
    digest = hashlib.sha256()
    for entry in sorted(listed, key=lambda entry: entry.name):
        if not entry.etag:
            return None
        name = str(entry.name)
        fixed = f"{entry.size_bytes} {entry.last_modified.isoformat()} {len(entry.etag)} {len(name)}"
        digest.update(f"{fixed} {entry.etag} {name}\n".encode())
    return digest.hexdigest()


def load_state(path: Path, trail: str, source: str) -> Anchors:
    """Read a state file; one that is not there holds nothing.

    :param trail: the trail's ARN.
    :param source: where the files are: a copy may be behind, or be gone, and says nothing of what it was made from.
    :raises UsageError: it is damaged, or another trail's or source's, or there is no writing it where it is to be.
    """

    def parse(fields: Any) -> Anchors:
        if fields["form"] != _FORM:
            raise UsageError(
                f"--state {str(path)!r} was written by another version of this program. Name another file, or remove "
                "it: what it remembers is then validated once more."
            )
        if fields["trail"] != trail:
            raise UsageError(f"--state {str(path)!r} belongs to trail {fields['trail']!r}. Name another file.")
        if fields["source"] != source:
            raise UsageError(
                f"--state {str(path)!r} remembers what was proven of {fields['source']!r}, and this is {source!r}. "
                "Name another file: each source has its own."
            )
        return dict(_anchor(entry) for entry in fields["chains"])

    return _FILE.read(path, parse) or {}


def _anchor(entry: dict[str, Any]) -> tuple[ChainName, Anchor]:
    chain = ChainName(entry["account"], entry["region"], entry["trail"], entry["homeRegion"])
    days = {date.fromisoformat(day): str(value) for day, value in entry["days"].items()}
    moments = _moment(entry["since"]), _moment(entry["end"])
    periods = tuple(_judged(judged) for judged in entry["times"])
    digest = ObjectName(str(entry["bucket"]), str(entry["key"]))
    backfills = tuple(ObjectName(str(bucket), str(key)) for bucket, key in entry["backfills"])
    return chain, Anchor(*moments, digest, str(entry["sha256"]), periods, days, backfills)


def _judged(entry: dict[str, Any]) -> JudgedPeriod:
    verdict = Verdict(entry["verdict"])
    if verdict not in HARMLESS:
        raise ValueError("only what is in order is remembered")
    given = entry["evidence"]
    first, last, call, caller, source = (str(given[name]) for name in ("first", "last", "call", "caller", "source"))
    address = str(given.get("address", ""))  # which earlier versions did not write
    evidence = Evidence(int(given["digests"]), first, last, call, caller, source, address=address)
    return JudgedPeriod(_moment(entry["start"]), _moment(entry["end"]), verdict, str(entry["reason"]), evidence)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not is_plausible(moment):
        raise ValueError("a time has no time zone, or is not of our age")
    return moment


def later(known: Anchors, found: Anchors) -> Anchors:
    """What is to be remembered: a run that ends earlier than the one before takes nothing away."""
    return known | {
        chain: anchor for chain, anchor in found.items() if chain not in known or anchor.end >= known[chain].end
    }


def save_state(path: Path, trail: str, source: str, anchors: Anchors) -> None:
    """Write a state file.

    :raises UsageError: it cannot be written.
    """
    chains = [
        {
            "account": chain.account,
            "region": chain.region,
            "trail": chain.trail,
            "homeRegion": chain.home_region,
            "since": anchor.since.isoformat(),
            "end": anchor.end.isoformat(),
            "bucket": anchor.digest.bucket,
            "key": anchor.digest.key,
            "sha256": anchor.sha256,
            "backfills": [[name.bucket, name.key] for name in anchor.backfills],
            "times": [
                {
                    "start": judged.start.isoformat(),
                    "end": judged.end.isoformat(),
                    "verdict": str(judged.verdict),
                    "reason": judged.reason,
                    "evidence": {
                        "digests": judged.evidence.digests,
                        "first": judged.evidence.first,
                        "last": judged.evidence.last,
                        "call": judged.evidence.call,
                        "caller": judged.evidence.caller,
                        "address": judged.evidence.address,
                        "source": judged.evidence.source,
                    },
                }
                for judged in anchor.periods
            ],
            "days": {day.isoformat(): value for day, value in sorted(anchor.days.items())},
        }
        for chain, anchor in sorted(anchors.items())
    ]
    write_state(path, json.dumps({"form": _FORM, "trail": trail, "source": source, "chains": chains}, indent=1))
