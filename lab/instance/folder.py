"""What the lab keeps on disk: one folder, and in it the description of the running lab.

A folder is the lab's when the lab's mark is in it, which only an empty or new folder gets. In a folder without the mark
nothing is ever written or removed, and in one with it only what is named here, so that a mistaken folder loses nothing.
"""

import errno
import fcntl
import grp
import json
import os
import pwd
import re
import shlex
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.handshake import root_secret
from lab.private_files import open_private

HOME_VARIABLE = "SECURETRAIL_LAB_HOME"
# The folder that holds the lab, its stacks and the verifier.
PROJECT = Path(__file__).resolve().parents[2]

# Long and random: a shorter text could be found on the command line of a program that is none of ours.
_INSTANCE = re.compile("[0-9a-f]{32}")
_WRITTEN = ("lab.json", "aws-config", "aws-credentials", "aws-ca-bundle.pem")
_FILES = (*_WRITTEN, *(f"{name}.new" for name in _WRITTEN), "lab.log", "lab.log.1")
# Held, maybe by another process, while the files above come and go.
_LOCKS = ("lock", "deploying")
_FOLDERS = ("cdk-home", "cdk.out", "data")
_MARK = "securetrail-lab"
_ANOTHER = f"Choose another folder with --home DIR or {HOME_VARIABLE}."
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
# The last line tells whether the folder was made here: a copy, as git or an archive makes one, is another folder. The
# number of the file system (st_dev) is none of it, because it changes when a machine starts again.
_MARK_TEXT = """\
This folder belongs to a lab of SecureTrail, which removes its own files in it: python -m lab down
Made by user {user} of machine {machine}, as folder {inode}, at second {second}.
"""
_MACHINE = Path("/etc/machine-id")  # https://www.freedesktop.org/software/systemd/man/latest/machine-id.html


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab. `instance` tells it from any other program that may hold its port or process id later; `started`
    is in UTC (ISO 8601). `secret` is the lab's own (`lab.handshake`); '' in what an older lab left.
    """

    endpoint: str
    account: str
    region: str
    access_key_id: str
    secret_access_key: str
    pid: int
    port: int
    home: Path
    instance: str
    started: str
    secret: str = field(default="", repr=False)

    def root_secret(self, account: str) -> str:
        """The secret access key of the root of an account, whose access key id is the account's number."""
        return root_secret(self.secret, account)


def default_home() -> Path:
    """`.lab` in the project's folder, unless SECURETRAIL_LAB_HOME names another."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen) if chosen else PROJECT / ".lab"


def read(home: Path) -> Lab | None:
    """The lab that a folder describes, running or not; None without a description or with one that is broken.

    :raises LabError: the folder cannot be read, or another user can change what is in it.
    """
    try:
        require_own(home)
        content: dict[str, Any] = json.loads(_read_file(home / "lab.json"))
        pid, port = int(content.pop("pid")), int(content.pop("port"))
        texts = {name: str(value) for name, value in content.items()}
        lab = Lab(home=home, pid=pid, port=port, **texts)
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError, AttributeError):
        return None
    except OSError as error:
        raise LabError(
            f"The lab cannot read the folder {home} ({error.strerror}). Choose another: --home DIR"
        ) from error
    return lab if _INSTANCE.fullmatch(lab.instance) and lab.pid > 1 else None


def write(lab: Lab) -> None:
    """Writes the description at once or not at all; only its owner may read it, since it holds secrets."""
    content = {name: value for name, value in asdict(lab).items() if name != "home"}
    write_file(lab.home, "lab.json", json.dumps(content, indent=2))


def write_file(home: Path, name: str, text: str) -> None:
    """Writes one of the lab's own files at once or not at all; only its owner may read it."""
    partial = home / f"{name}.new"
    partial.unlink(missing_ok=True)  # an interrupted one's; whoever else made it may hold it open
    with open_private(partial, "x") as file:
        file.write(text)
    partial.replace(home / name)


def _read_file(path: Path) -> str:
    with open_private(path, "r") as file:
        return str(file.read())


def is_marked(home: Path) -> bool:
    """Whether a folder is a lab's own; one that cannot be looked into is not."""
    try:
        return (home / _MARK).is_file()
    except PermissionError:
        return False


def remove(home: Path) -> None:
    """Removes what the lab made; nothing from a folder that is not a lab's own."""
    if not is_marked(home):
        return
    for name in _FILES:
        (home / name).unlink(missing_ok=True)
    for name in _FOLDERS:
        if (home / name).is_symlink():
            (home / name).unlink()
        shutil.rmtree(home / name, ignore_errors=True)


def remove_folder(home: Path) -> None:
    """Removes the folder when it is a lab's own and nothing of anybody else's is in it."""
    if {_MARK} <= {each.name for each in home.iterdir()} <= {_MARK, *_LOCKS}:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """One `up` or `down` at a time for each folder; a second one waits. The folder is marked as the lab's, and only its
    owner may look into it, since keys and secrets of the lab are in it.

    :raises LabError: the folder cannot be made or written, or holds something and is not a lab's own.
    """
    with _only_one(home, _LOCKS[0], lambda: None):
        yield


@contextmanager
def deploying(home: Path, before_waiting: Callable[[], None]) -> Iterator[None]:
    """One deployment at a time for each folder, since the CDK CLI does not share its output folder; a second one waits.

    :param before_waiting: called when there is another.
    :raises LabError: as `locked`.
    """
    with _only_one(home, _LOCKS[1], before_waiting):
        yield


@contextmanager
def _only_one(home: Path, name: str, before_waiting: Callable[[], None]) -> Iterator[None]:
    path = home / name
    while True:
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            _claim(home)
            file = open_private(path, "w")
        except OSError as error:
            raise LabError(
                f"The lab cannot use the folder {home} ({error.strerror}). Choose another with --home DIR."
            ) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                before_waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            # The one before may have removed the folder, and with it the mark and the file that this one waited for.
            if is_marked(home) and path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                yield
                return


def _claim(home: Path) -> None:
    require_own(home)
    found = sorted(each.name for each in home.iterdir())
    if _MARK not in found and any(name != _LOCKS[0] and not name.startswith(f"{_MARK}.") for name in found):
        shown = ", ".join(map(ascii, found[:3])) + (", ..." if found[3:] else "")
        raise LabError(
            f"The folder {home} is not the lab's own: it holds {shown}. The lab takes a new folder, an empty one, or "
            f"one that it made. {_ANOTHER}"
        )
    home.chmod(0o700)
    if _MARK not in found:
        _mark(home)


def _mark(home: Path) -> None:
    """Marks a folder as the lab's own, at once: another process may do the same."""
    second = int(time.time())
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix=f"{_MARK}.", dir=home, delete=False) as file:
        file.write(_mark_text(home, second))
    os.utime(file.name, (second, second))
    Path(file.name).replace(home / _MARK)


def _mark_text(home: Path, second: int) -> str:
    try:
        machine = _MACHINE.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # there is none on macOS, nor in some containers
        machine = "unknown"
    return _MARK_TEXT.format(user=os.geteuid(), machine=machine, inode=home.stat().st_ino, second=second)


def _require_made_here(home: Path) -> None:
    mark = home / _MARK
    if not mark.exists() or _read_file(mark) == _mark_text(home, int(mark.stat().st_mtime)):
        return
    raise LabError(
        f"The lab in the folder {home} was not made here: the folder was copied, came with a repository or an archive, "
        f"or is an older version's. Somebody else may have its keys. {_ANOTHER} Or remove it, with what the lab holds: "
        f"rm -r {shlex.quote(str(home))}"
    )


def require_own(home: Path) -> None:
    """Makes sure that nobody else can change what is in a lab's folder, or could have put something there, and that the
    lab in it, if any, was made here.

    :raises LabError: one can; the message names the folder and the fix.
    :raises OSError: the folder cannot be looked into.
    """
    status = home.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise LabError(f"The folder {home} is a symbolic link. Name the folder itself: --home {home.resolve()}")
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(home))
    _require_owner(home, status)
    for each in _passed(home.absolute()):
        _require_lasting(each, home)
    own = [home / name for name in (*_FILES, *_LOCKS, *_FOLDERS, _MARK)]
    present = [each for each in own if each.is_symlink() or each.exists()]
    if present and status.st_mode & _WRITABLE_BY_OTHERS:
        raise LabError(
            f"Other users of this machine can write into the lab's folder {home} (its mode is "
            f"{status.st_mode & 0o777:o}). {_ANOTHER}"
        )
    for each in present:
        found = each.lstat()
        _require_owner(each, found)
        if stat.S_ISLNK(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink > 1):
            raise LabError(f"{each} is a link to another file, which the lab did not make. {_ANOTHER}")
    _require_made_here(home)


def _passed(path: Path) -> Iterator[Path]:
    """The folders and links on the way to a path, through links as well."""
    for each in reversed(path.parents):
        yield each
        if each.is_symlink():
            yield from _passed(each.parent / each.readlink() / "within")


def _require_lasting(passed: Path, home: Path) -> None:
    """Makes sure that nobody but this user and root can put something else in a folder's or a link's place, or in place
    of what this user has in the folder: not even in a sticky folder whose owner may do so
    (https://man7.org/linux/man-pages/man2/rename.2.html, EPERM).
    """
    status = passed.lstat()
    mode = status.st_mode
    if status.st_uid not in (0, os.geteuid()):
        raise LabError(
            f"Another user of this machine (uid {status.st_uid}) owns {passed}, and so may replace the lab's folder "
            f"{home}. {_ANOTHER}"
        )
    if stat.S_ISLNK(mode) or mode & stat.S_ISVTX:
        return
    if mode & stat.S_IWOTH:
        raise LabError(
            f"Every user of this machine can replace what is in {passed}, and so the lab's folder {home}. {_ANOTHER}"
        )
    if mode & stat.S_IWGRP and not _is_private_group(status.st_gid):
        raise LabError(
            f"The group {status.st_gid} can replace what is in {passed}, and so the lab's folder {home}. {_ANOTHER} Or "
            f"take the right away: chmod g-w {shlex.quote(str(passed))}"
        )


def _is_private_group(group: int) -> bool:
    """Whether a group is this user's alone, as most Linux systems give each user one of the same name, under which new
    folders may be for the group to write (https://wiki.debian.org/UserPrivateGroups).
    """
    try:
        user, found = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return user.pw_gid == group and found.gr_name == user.pw_name and set(found.gr_mem) <= {user.pw_name}


def _require_owner(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise LabError(f"{path} belongs to another user of this machine (uid {status.st_uid}). {_ANOTHER}")
