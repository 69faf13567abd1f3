"""What the lab's process cannot do, whatever a caller sends: start a program, reach another machine, touch other files.

Python asks before each such act (https://docs.python.org/3/library/audit_events.html), and a no is an error where the
act would have been. Code that is not Python's would not ask: `lab.confinement.imports` keeps it out.
"""

import errno
import mimetypes
import os
import sys
import zoneinfo
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

NO_CODE = "The lab runs no code, so that nothing uploaded to it can reach this machine's files"
NO_CALLS = "The lab makes no outgoing calls, neither on this machine nor outside it"
NO_FILES = "The lab's process opens no files but the lab's own"

_STARTS = (
    "ctypes.dlopen",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.kill",
    "os.killpg",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.system",
    "pty.spawn",
    "signal.pthread_kill",
    "sqlite3.enable_load_extension",
    "sqlite3.load_extension",
    "subprocess.Popen",
)
_CONNECTS = ("socket.bind", "socket.connect", "socket.sendto")
_LOOKS_UP = ("socket.getaddrinfo", "socket.gethostbyname")
# By event, which of its arguments are paths.
_CHANGES: dict[str, tuple[int, ...]] = {
    "os.chflags": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.link": (0, 1),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.removexattr": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.setxattr": (0,),
    "os.truncate": (0,),
    "os.utime": (0,),
    "sqlite3.connect": (0,),
}
_LISTS = ("glob.glob", "os.getxattr", "os.listdir", "os.listxattr", "os.scandir", "os.walk")
# A symbolic link or another working folder would make one path of another.
_NEVER = ("os.chdir", "os.symlink")

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DEVICES = ("/dev/null", "/dev/urandom")
_IMPORT_SYSTEM = "<frozen importlib._bootstrap_external>"

_Check = Callable[[tuple[Any, ...]], None]


def confine(home: Path, warn: Callable[[str], None]) -> None:
    """Confines this process for good: no further program, no connection or address, no file outside the lab's folder
    but Python's own and those of the packages it runs, which it only reads.

    :param home: the lab's folder, which is the working folder.
    :param warn: called with one line for each host that was to be called; lines repeat.
    """
    checks: dict[str, _Check] = dict.fromkeys(_STARTS, _reject_start)
    checks |= dict.fromkeys(_CONNECTS, lambda arguments: _reject_call(arguments[1], warn))
    checks |= dict.fromkeys(_LOOKS_UP, lambda arguments: _reject_call(arguments[0], warn))
    checks["socket.sendmsg"] = lambda arguments: None if arguments[1] is None else _reject_call(arguments[1], warn)
    checks["urllib.Request"] = lambda arguments: _check_url(arguments[0], warn)
    files = _Files(home)
    checks["open"] = files.check_open
    for event, positions in _CHANGES.items():
        checks[event] = partial(files.check_change, positions)
    checks |= dict.fromkeys(_LISTS, lambda arguments: files.check_read(arguments[0]))
    checks |= dict.fromkeys(_NEVER, lambda arguments: _reject_file(arguments[-1]))
    find = checks.get

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        check = find(event)
        if check is not None:
            check(arguments)

    sys.addaudithook(hook)


def _reject_start(_arguments: tuple[Any, ...]) -> None:
    raise PermissionError(f"{NO_CODE}. Use an AWS account to run it.")


def _check_url(url: object, warn: Callable[[str], None]) -> None:
    """Those of HTTP go on until they look up their host, where libraries expect errors; others would read files."""
    if not str(url).lower().startswith(("http:", "https:")):
        _reject_call(str(url).partition(":")[0], warn)


def _reject_call(address: object, warn: Callable[[str], None]) -> None:
    host = address[0] if isinstance(address, tuple) and address else address
    shown = host.decode("latin-1") if isinstance(host, bytes) else str(host)
    message = f"{NO_CALLS}: {shown!a} was not called. Use an AWS account if you need this call."
    warn(message)
    raise PermissionError(errno.EACCES, message)


def _reject_file(path: object) -> None:
    raise PermissionError(errno.EACCES, NO_FILES, str(path))


class _Files:
    """Which paths may be read, and which changed."""

    def __init__(self, home: Path) -> None:
        self._home = str(home)
        self._own = (f"{home}{os.sep}", f"{os.path.realpath(home)}{os.sep}")
        self._read_folders = (*self._own, *(f"{folder}{os.sep}" for folder in _folders_of_python()))
        self._read_files = frozenset({*_DEVICES, "/etc/localtime", *mimetypes.knownfiles})

    def check_open(self, arguments: tuple[Any, ...]) -> None:
        """Looks at one file that is to be opened."""
        path, _mode, flags = arguments
        if flags & _WRITING:
            if path != os.devnull:
                self.check_change((0,), (path,))
        else:
            self.check_read(path)

    def check_read(self, path: Any) -> None:
        """Looks at one file or folder that is to be read."""
        if isinstance(path, int):
            return  # what it stands for was open before
        whole = self._whole(path)
        if not whole.startswith(self._read_folders) and whole not in self._read_files:
            folder = f"{whole}{os.sep}"
            if folder not in self._read_folders and not _is_import_system():
                _reject_file(path)

    def check_change(self, positions: tuple[int, ...], arguments: tuple[Any, ...]) -> None:
        """Looks at the paths of what is to be changed."""
        for path in (arguments[each] for each in positions):
            if not isinstance(path, int) and not self._whole(path).startswith(self._own) and not _is_import_system():
                _reject_file(path)

    def _whole(self, path: Any) -> str:
        name = os.fsdecode(path or ".")
        # The working folder is the lab's, so a name that is relative to a descriptor is in it, too.
        return os.path.normpath(name if name.startswith(os.sep) else f"{self._home}{os.sep}{name}")


def _folders_of_python() -> set[str]:
    installed = {each for each in sys.path if each.endswith(("site-packages", "dist-packages", "lib-dynload"))}
    own = {str(Path(os.__file__).parent), str(Path(__file__).parents[1])}
    # Some systems keep Python's own modules behind a link.
    found = {*own, *installed, *zoneinfo.TZPATH}
    return {each for folder in found for each in (os.path.normpath(folder), os.path.realpath(folder))}


def _is_import_system() -> bool:
    """Whether Python itself keeps a module that it has compiled, or looks for one."""
    frame = sys._getframe(1)  # noqa: SLF001 - there is no other way to know who asks
    for _ in range(5):
        if frame is None:
            return False
        if frame.f_code.co_filename == _IMPORT_SYSTEM:
            return True
        if frame.f_code.co_filename != __file__:
            return False
        frame = frame.f_back  # type: ignore[assignment]
    return False
