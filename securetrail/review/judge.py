"""Whose code judges a change: the base's, never the change's own.

In a repository that holds the review itself, that is the base's ``securetrail/`` with the base's locked environment;
in another one, the version that the base's lock pins. When the running program is just that, it goes on; else it
starts it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from securetrail.review.machinery.dependencies import versions
from securetrail.review.sides.environment import python_for, text_of

_ROOT: Final = Path(__file__).resolve().parents[2]
# What decides: this package and what it imports of the parts.
_CODE: Final = ("securetrail", "verify")
_PACKAGE: Final = "securetrail"


@dataclass(frozen=True, slots=True)
class Judge:
    """Who judges.

    :param command: what to start in the place of the running program. Default: - that one judges.
    :param folder: where to start it.
    :param notice: what a reader must know of it.
    """

    command: tuple[str, ...]
    folder: Path
    notice: str


def judge_of(base: Path, lock: Path | None, installed_from: Path | None, commit: str) -> Judge:
    """Who judges changes of a base.

    :param base: the root of the base's files.
    :param lock: the base's lock.
    :param installed_from: the lock that the running environment was installed from.
    :raises ReviewError: the environment of the base cannot be installed.
    """
    short = commit[:12]
    if (base / "securetrail/review/judge.py").is_file():
        python = python_for(lock, installed_from)
        notice = f"Judged by the base's own code, at {short}."
        if python == Path(sys.executable) and _digest(base) == _digest(_ROOT):
            return Judge((), base, notice)
        return Judge((str(python), "-m", _PACKAGE), base, notice)
    pinned = versions(lock.name, text_of(lock)).get(_PACKAGE) if lock is not None else None
    if pinned is None:
        return Judge((), base, f"The base at {short} pins no {_PACKAGE}, so that the running version judges.")
    notice = f"Judged by {_PACKAGE} {pinned}, which the base pins."
    if pinned == _running_version():
        return Judge((), base, notice)
    # -P: what lies in the folder is the repository's, not the judge's.
    return Judge((str(python_for(lock, installed_from)), "-P", "-m", _PACKAGE), base, notice)


def environment_of_judge() -> dict[str, str]:
    """The environment, without what would make Python load the change's modules."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _running_version() -> str | None:
    try:
        return metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError:
        return None


def _digest(root: Path) -> tuple[tuple[str, bytes], ...]:
    return tuple(sorted((path.relative_to(root).as_posix(), path.read_bytes()) for path in _code(root)))


def _code(root: Path) -> Iterator[Path]:
    for name in _CODE:
        place = root / name
        files = [place] if place.is_file() else place.rglob("*")
        yield from (path for path in files if path.suffix in (".py", ".json"))
