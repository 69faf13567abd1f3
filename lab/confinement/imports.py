"""What the lab's process may import: the lab, what serves it, and Python's own modules that run nothing.

MiniStack takes engines as soon as it finds them beside itself (DuckDB, Docker, database drivers, an SFTP server), and
some of its services write a caller's text into what these engines run. Here it finds none, whatever is installed.
"""

import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from importlib.metadata import Distribution, DistributionFinder
from types import ModuleType

# Top-level names: the lab's own, MiniStack's and hypercorn's without their extras, and what those are made of.
_SERVING = frozenset(
    {
        "_cffi_backend",
        "_yaml",
        "botocore",
        "cffi",
        "cryptography",
        "dateutil",
        "defusedxml",
        "graphql",
        "h11",
        "h2",
        "hpack",
        "hypercorn",
        "hyperframe",
        "jmespath",
        "jsonata",
        "lab",
        "ministack",
        "priority",
        "six",
        "typing_extensions",
        "urllib3",
        "wsproto",
        "yaml",
    }
)
# Python's own that run other code, load libraries or start processes. hypercorn needs the types of multiprocessing, not
# its processes, and the lab's journal needs SQLite, which MiniStack does not use.
_RUNNING = frozenset(
    {
        "_ctypes",
        "_dbm",
        "_gdbm",
        "_posixshmem",
        "_tkinter",
        "code",
        "codeop",
        "concurrent.futures.process",
        "ctypes",
        "dbm",
        "ensurepip",
        "idlelib",
        "multiprocessing.popen_fork",
        "multiprocessing.popen_forkserver",
        "multiprocessing.popen_spawn_posix",
        "multiprocessing.resource_tracker",
        "pdb",
        "pty",
        "shelve",
        "tkinter",
        "venv",
        "webbrowser",
    }
)
_ALLOWED = sys.stdlib_module_names | _SERVING | {"__main__"}


def allow_only_needed_imports() -> None:
    """Lets this process find nothing but the modules that the lab needs; all others count as not installed, as do those
    that something imported before.

    It is for the start of the process, and cannot be undone in it.
    """
    sys.meta_path[:] = [_OnlyWhatServes]
    for name in [each for each in sys.modules if not _is_allowed(each)]:
        del sys.modules[name]


class _OnlyWhatServes:
    """A finder in the place of all others."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Where a module is; None when it may not be imported. As `importlib.abc.MetaPathFinder` has it."""
        if not _is_allowed(name):
            return None
        for finder in (BuiltinImporter, FrozenImporter, PathFinder):
            found = finder.find_spec(name, path, target)
            if found is not None:
                return found
        return None

    @staticmethod
    def find_distributions(
        context: DistributionFinder.Context | None = None,
    ) -> Iterable[Distribution]:
        """What `importlib.metadata` asks for: what is installed, whether it can be imported or not."""
        return PathFinder.find_distributions(context or DistributionFinder.Context())

    @staticmethod
    def invalidate_caches() -> None:
        """Forgets what was found."""
        PathFinder.invalidate_caches()


def _is_allowed(name: str) -> bool:
    top = name.partition(".")[0]
    if top.startswith("_sysconfigdata_"):  # how Python itself was built
        return True
    return top in _ALLOWED and top not in _RUNNING and name not in _RUNNING
