"""Files of the lab's folder, which both processes write: for their owner alone, and never through a symbolic link."""

import os
from pathlib import Path
from typing import IO, Any


def open_private(path: Path, mode: str) -> IO[Any]:
    """Opens a file, which only its owner may read when it is new. Text is UTF-8.

    :raises OSError: among others for a symbolic link.
    """
    encoding = None if "b" in mode else "utf-8"
    return open(path, mode, encoding=encoding, opener=_opener)


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
