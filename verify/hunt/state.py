"""Which delivered files were hunted in already, so that each is hunted once, however late it was delivered.

A file is known by its name, its size, and, where something tells, its version: one that is written again is hunted
again. Remembered are also the missing log files that were told, and until when files were listed: a hunt that lists
none of the time since then says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from verify.errors import UsageError
from verify.logs.places import LogFile, LogSource
from verify.storage.state_file import StateFile, write_state
from verify.times import iso

_FORM: Final = 1
_FILE: Final = StateFile(whose="of 'hunt --since-last'", harm="hide files from the hunt", anew="hunted in once more")
_MARK_CHARACTERS = 32
# Folders are by UTC days, and a file of midnight may lie in the next one.
_KEPT_BEFORE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Hunted:
    """What was hunted in.

    :param files: by a file's mark, the day of its folder, as ``2026/01/31``; ``""`` where it has none.
    :param missing: keys of log files that were told to be missing.
    :param until: until when files were listed; ``None`` before the first hunt.
    :param days: how far back they were listed at most: a hunt that lists as much again shall know them all.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    until: datetime | None = None
    days: int = 0


def marks_of(place: LogSource) -> dict[str, str]:
    """By its shown name, how each file is remembered. To be asked before files are read: one that is written again
    while they are is another one the next time.
    """
    return {file.shown_name: _mark(file, place.version_of) for file in place.files}


def only_new(place: LogSource, marks: Mapping[str, str], known: Hunted) -> LogSource:
    """The place with the files alone in which nobody hunted yet; their events count whenever they happened.

    :param marks: see :func:`marks_of`.
    """
    files = tuple(file for file in place.files if marks[file.shown_name] not in known.files)
    missing = tuple(
        (account, region, left)
        for account, region, keys in place.missing
        if (left := tuple(key for key in keys if key not in known.missing))
    )
    before = len(place.files) - len(files)
    notice = f"{len(files):,} files were delivered since the last hunt; {before:,} were hunted in before."
    holes = [*place.holes]
    if known.until is not None and place.period is not None and known.until < place.period[0]:
        holes.append(
            f"Files that were delivered from {iso(known.until)}, when the last hunt was, to {iso(place.period[0])} "
            "were not listed: ask for more with --since."
        )
    return replace(
        place, files=files, missing=missing, period=None, holes=tuple(holes), notices=(*place.notices, notice)
    )


def after(
    known: Hunted,
    place: LogSource,
    marks: Mapping[str, str],
    read: frozenset[str],
    missing: Iterable[str],
    now: datetime,
) -> Hunted:
    """What is to be remembered after a hunt.

    :param place: as it was listed; what lies long before the longest period is not listed again, and forgotten.
    :param marks: see :func:`marks_of`.
    :param read: the shown names of the files that could be read: the others are tried again.
    :param missing: the keys that were told to be missing; one that is there again is told anew when it is gone.
    :param now: when the place was listed.
    """
    files = dict(known.files)
    files |= {marks[file.shown_name]: file.day for file in place.files if file.shown_name in read}
    days = known.days
    if place.period is not None:
        days = max(days, (now - place.period[0]).days)
        oldest = f"{min(place.period[0], now - timedelta(days)) - _KEPT_BEFORE:%Y/%m/%d}"
        files = {mark: day for mark, day in files.items() if not day or day >= oldest}
    there = {file.name.key for file in (*place.files, *place.beside)}
    return Hunted(files, (known.missing - there) | frozenset(missing), now, days)


def _mark(file: LogFile, version_of: Callable[[LogFile], str]) -> str:
    text = json.dumps([file.shown_name, file.size_bytes, version_of(file)])
    return hashlib.sha256(text.encode()).hexdigest()[:_MARK_CHARACTERS]


def load_hunted(path: Path, source: str) -> Hunted:
    """Read a state file; one that is not there holds nothing.

    :param source: where the files are: each source has a state file of its own.
    :raises UsageError: it is damaged, another source's, or others could have written it.
    """

    def parse(given: Any) -> Hunted:
        if given["form"] != _FORM:
            raise ValueError("another form")
        if given["source"] != source:
            raise UsageError(
                f"--state {str(path)!r} remembers what was hunted in at {given['source']!r}, and this is {source!r}. "
                "Name another file: each source has its own."
            )
        return Hunted(
            {str(mark): str(day) for mark, day in given["files"].items()},
            frozenset(given["missing"]),
            datetime.fromisoformat(given["until"]).astimezone(UTC),
            int(given.get("days", 0)),
        )

    return _FILE.read(path, parse) or Hunted()


def save_hunted(path: Path, source: str, hunted: Hunted) -> None:
    """Write a state file, which its owner alone may read and write.

    :raises UsageError: it cannot be written.
    """
    content = {
        "form": _FORM,
        "source": source,
        "files": dict(sorted(hunted.files.items())),
        "missing": sorted(hunted.missing),
        "until": iso(hunted.until),
        "days": hunted.days,
    }
    write_state(path, json.dumps(content))
