"""The Python environments of both sides: one for each lock, made once and shared when the locks are equal."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from securetrail.printable import printable
from securetrail.review.errors import ReviewError, WrongUsage
from securetrail.review.machinery.dependencies import with_included

# In this order the first that a repository has is its lock, unless one is named.
LOCKS: Final = ("uv.lock", "requirements.lock", "requirements.txt")
_LAST_LINES: Final = 12


def lock_of(source: Path, name: str | None) -> Path | None:
    """The file that pins what a side's app needs.

    :param source: a side's files.
    :param name: the file's name in the repository. Default: - the first of ``LOCKS`` that is there.
    :returns: None when there is none.
    :raises WrongUsage: the named one lies outside.
    """
    if name is not None:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise WrongUsage(
                f"--lock {printable(name)!r} must be a path inside the repository, such as requirements.txt"
            )
        return source / name if (source / name).is_file() else None
    return next((source / each for each in LOCKS if (source / each).is_file()), None)


def python_for(lock: Path | None, installed_from: Path | None) -> Path:
    """The interpreter whose environment has what the lock pins.

    That is the running one where both locks are equal, or where there is no lock; else one in the user's cache, which
    is installed when it is needed for the first time.

    :param lock: the side's lock.
    :param installed_from: the lock that the running environment was installed from.
    :raises ReviewError: it cannot be installed.
    """
    if lock is None or (installed_from is not None and text_of(lock) == text_of(installed_from)):
        return Path(sys.executable)
    # The interpreter's version is part of the key: wheels are made for one.
    key = f"{sys.implementation.cache_tag}\0{lock.name}\0{text_of(lock)}"
    folder = _cache() / hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:32]
    python = folder / "bin" / "python"
    if not (folder / "installed").is_file():
        _install(lock, folder)
        (folder / "installed").touch()
    return python


def text_of(lock: Path) -> str:
    """All that a lock pins, with what stands in the files that it includes."""

    def read(name: str) -> str | None:
        path = lock.parent / name
        return path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else None

    return with_included(lock.name, read) or ""


def _cache() -> Path:
    """For this user alone: programs are loaded from it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "securetrail" / "environments"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def _install(lock: Path, folder: Path) -> None:
    if folder.exists():  # left by an installation that was interrupted
        shutil.rmtree(folder)
    _run([sys.executable, "-m", "venv", *(["--without-pip"] if _uv() else []), str(folder)], lock)
    python = str(folder / "bin" / "python")
    uv = _uv()
    if lock.name == "uv.lock":
        if uv is None:
            raise ReviewError("The base has a uv.lock, and uv is not installed here. Fix: install uv, or name --lock")
        with tempfile.NamedTemporaryFile(suffix=".txt") as exported:
            export = [uv, "export", "--quiet", "--frozen", "--no-emit-project", "--output-file", exported.name]
            _run(export, lock)
            _run([uv, "pip", "install", "--quiet", "--python", python, "--requirement", exported.name], lock)
    elif uv is not None:
        _run([uv, "pip", "install", "--quiet", "--python", python, "--requirement", str(lock)], lock)
    else:
        _run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", str(lock)], lock
        )


def _uv() -> str | None:
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.is_file() else shutil.which("uv")


def _run(command: list[str], lock: Path) -> None:
    # In the folder of the lock: it may name other files beside it.
    done = subprocess.run(command, cwd=lock.parent, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        last = printable("\n".join(done.stderr.strip().splitlines()[-_LAST_LINES:]), keep="\n")
        raise ReviewError(f"What {lock.name} pins cannot be installed:\n{last}")
