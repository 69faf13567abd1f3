"""Processes that read for the verifier, and a server that lets them wait."""

from __future__ import annotations

import os
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from select import POLLIN, poll
from threading import Event

from tests.verify.simulation.server import SimulatedAwsServer


def readers_of(parent: int) -> list[int]:
    """The processes that a process has started to read for it."""
    children = [int(child) for path in Path(f"/proc/{parent}/task").glob("*/children") for child in _held(path).split()]
    return [child for child in children if b"read_process" in _held(Path(f"/proc/{child}/cmdline"))]


def _held(path: Path) -> bytes:
    """What a file of a thread or process holds; nothing once that has ended, as a server's threads do meanwhile."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return path.read_bytes()
    return b""


def has_ended(process: int, within_seconds: float = 60) -> bool:
    """Whether a process, of whichever parent, ends in a while."""
    try:
        watched = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        waiting = poll()  # select takes no descriptor above 1,023, and other tests of this process may hold many
        waiting.register(watched, POLLIN)
        return bool(waiting.poll(within_seconds * 1000))
    finally:
        os.close(watched)


class Holding:
    """Lets no object go out while it is on hold.

    :param after: so many of them still go out.
    """

    def __init__(self, server: SimulatedAwsServer, after: int = 0) -> None:
        self.is_asked, self._may_go = Event(), Event()
        self._left = after
        server.instead = self._hold

    def _hold(self, _handler: BaseHTTPRequestHandler, operation: str) -> bool:
        if operation == "GET object":
            self._left -= 1
            if self._left < 0:
                self.is_asked.set()
                self._may_go.wait(60)
        return False

    def let_go(self) -> None:
        self._may_go.set()
