"""Says on standard error what takes longer than two seconds."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

_QUIET_SECONDS: Final = 2.0
_REPEAT_SECONDS: Final = 10.0


@contextlib.contextmanager
def step(what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Say what is being done, once it takes longer than two seconds, and then every ten."""
    done = threading.Event()
    started = time.monotonic()

    def watch() -> None:
        if done.wait(_QUIET_SECONDS):
            return
        say(f"{what} …")
        while not done.wait(_REPEAT_SECONDS):
            say(f"{what}: {time.monotonic() - started:.0f} s …")

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
