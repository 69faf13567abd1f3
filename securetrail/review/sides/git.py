"""What git knows: the base's commit, its files in a worktree of their own, and which files the change touches.

Names of branches are somebody else's text. They reach git as arguments after ``--end-of-options``, never a shell. No
hook of the repository runs, and no file system monitor.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from securetrail.printable import printable
from securetrail.review.errors import ReviewError, WrongUsage

_GIT: Final = ("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
# What would make git look at another repository than the folder's.
_ELSEWHERE: Final = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)


def repository_of(folder: Path) -> Path:
    """The root of the repository that a folder is in.

    :raises WrongUsage: it is in none.
    """
    done = _run(folder, "rev-parse", "--show-toplevel")
    if done.returncode:
        raise WrongUsage(
            f"{printable(str(folder))} is in no git repository. Fix: run this in a clone, or name one by --repository"
        )
    return Path(done.stdout.removesuffix("\n"))


def commit_of(repository: Path, name: str) -> str:
    """The full id of the commit that a branch, a tag or an id names.

    :raises WrongUsage: there is none.
    """
    usable = name and "\0" not in name
    done = (
        _run(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if usable
        else None
    )
    if done is None or done.returncode:
        raise WrongUsage(
            f"The base {printable(name)!r} is no commit here. Allowed: a branch, a tag or a commit that git knows. "
            "Fix: git fetch origin, then --base origin/main; in CI, check out with the whole history (fetch-depth: 0)"
        )
    return done.stdout.strip()


def commits_missing(repository: Path, commit: str) -> int:
    """How many commits of the base the change does not have yet."""
    done = _run(repository, "rev-list", "--count", f"HEAD..{commit}", "--")
    return int(done.stdout) if done.returncode == 0 else 0


def changed_files(repository: Path, commit: str) -> tuple[str, ...]:
    """The files that differ between a commit and the working tree, those that git does not track yet included.

    :raises ReviewError: git cannot say.
    """
    names: set[str] = set()
    for arguments in (
        ("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", commit, "--"),
        ("ls-files", "--others", "--exclude-standard", "-z"),
    ):
        done = _run(repository, *arguments)
        if done.returncode:
            raise ReviewError(f"git does not say what changed: {printable(done.stderr.strip())}")
        names.update(name for name in done.stdout.split("\0") if name)
    return tuple(sorted(names))


@contextlib.contextmanager
def worktree(repository: Path, commit: str) -> Iterator[Path]:
    """The files of a commit in a temporary worktree, which is gone afterwards, however this ends.

    :raises ReviewError: git cannot check it out.
    """
    parent = Path(tempfile.mkdtemp(prefix="securetrail-review-"))
    folder = parent / "base"
    try:
        done = _run(repository, "worktree", "add", "--quiet", "--detach", str(folder), commit)
        if done.returncode:
            raise ReviewError(f"git cannot check out the base: {printable(done.stderr.strip())}")
        yield folder
    finally:
        with _uninterrupted():
            _run(repository, "worktree", "remove", "--force", "--force", str(folder))
            shutil.rmtree(parent, ignore_errors=True)
            _run(repository, "worktree", "prune")


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """A second Ctrl-C does not keep the worktree from being removed."""
    try:
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread, which alone gets signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # In a session of its own: a Ctrl-C at the terminal ends the review, not a git that is about to lay files out.
    return subprocess.run(
        [*_GIT, *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in _ELSEWHERE},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        start_new_session=True,
    )
