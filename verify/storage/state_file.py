"""A file in which a command remembers something from one run to the next."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from verify.errors import UsageError
from verify.storage.archive import write_atomically

T = TypeVar("T")
_MAX_BYTES = 256 * 2**20


class StateFile(Struct, frozen=True):
    """What is said of a command's state file where there is something wrong with it.

    :param whose: which command's it is, after "a state file".
    :param harm: what others could do if they could write it.
    :param anew: what becomes of everything with a new one.
    """

    whose: str
    harm: str
    anew: str

    def read(self, path: Path, parse: Callable[[Any], T]) -> T | None:
        """Read a file; ``None`` where there is none yet.

        :param parse: makes something of the JSON document; what it raises because of another form is told as damage.
        :raises UsageError: it is damaged, others could have written it, or there is no writing it where it is to be.
        """
        option = f"--state {str(path)!r}"
        try:
            with path.open("rb") as file:
                self._refuse_others(path, os.fstat(file.fileno()))
                return parse(json.loads(file.read(_MAX_BYTES)))
        except FileNotFoundError:
            if os.access(path.parent, os.W_OK):
                return None
            raise UsageError(
                f"{option} cannot be written: {str(path.parent)!r} is not a folder that you may write to."
            ) from None
        except OSError as error:
            raise UsageError(f"{option} cannot be read: {error.strerror or error}. Name a file.") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise UsageError(
                f"{option} is not a state file {self.whose}, or it is damaged. Name another file: one that is not "
                f"there yet is made, and everything is {self.anew}."
            ) from error

    def _refuse_others(self, path: Path, status: os.stat_result) -> None:
        """Whoever can write the file decides what is not looked at.

        :raises UsageError: it is another user's, or others may write to it.
        """
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise UsageError(
                f"--state {str(path)!r} can be written by others (mode {status.st_mode & 0o777:o}, owner "
                f"{status.st_uid}), who could {self.harm}. Remove it, or make it yours alone (chmod 600) if you trust "
                "it."
            )


def write_state(path: Path, text: str) -> None:
    """Write a state file, which its owner alone may read and write.

    :raises UsageError: it cannot be written.
    """
    try:
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"--state {str(path)!r} cannot be written: {error.strerror or error}.") from error
