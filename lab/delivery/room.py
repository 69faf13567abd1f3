"""Room on the disk: no call is carried out whose record, or whose effect, could not be kept.

Until the disk has room, calls are answered with an error that says so. What was acknowledged before stays, and what
waits for delivery is delivered later.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# A record's parameters and result have 100 KB each at most (lab.records.elements), everything else a few KB.
RECORD_BYTES = 256 * 1024
# For what the services' state grows by, and the delivery's journal.
_MARGIN_BYTES = 1024 * 1024
# A part of an upload is kept as text until the upload is complete.
_BYTES_FOR_A_BYTE = 2
# With so much room the disk is asked again a moment later: nothing fills it faster.
_PLENTY_BYTES = 1024 * 1024 * 1024
_PLENTY_SECONDS = 0.01


class NoRoom(Exception):
    """The disk is too full; the text says which and by how much."""


class Room:
    """The room that calls need."""

    def __init__(
        self,
        folder: Path,
        reserve: Callable[[int], None],
        release: Callable[[int], None],
        trails: Callable[[], int],
    ) -> None:
        """:param folder: where the lab keeps everything.
        :param reserve: takes room for records (bytes), or raises OSError.
        :param release: gives it back.
        :param trails: how many trails may take a record.
        """
        self._folder = folder
        self._reserve = reserve
        self._release = release
        self._trails = trails
        self._plenty_until = 0.0

    @contextmanager
    def for_call(self, body_bytes: int = 0) -> Iterator[None]:
        """Holds what one call needs while it is carried out and recorded.

        :param body_bytes: what the call may want to keep besides.
        :raises NoRoom: there is not enough.
        """
        shortage = self.shortage(body_bytes)
        if shortage:
            raise NoRoom(shortage)
        size_bytes = RECORD_BYTES * self._trails()
        try:
            self._reserve(size_bytes)
        except OSError as error:
            raise NoRoom(self._text(size_bytes, 0)) from error
        try:
            yield
        finally:
            self._release(size_bytes)

    def shortage(self, body_bytes: int = 0) -> str:
        """Why calls are not carried out now; '' when there is room."""
        now = time.monotonic()
        if now < self._plenty_until and body_bytes < _MARGIN_BYTES:
            return ""
        free_bytes = self.free_bytes()
        self._plenty_until = now + _PLENTY_SECONDS if free_bytes > _PLENTY_BYTES else 0.0
        wanted_bytes = _MARGIN_BYTES + _BYTES_FOR_A_BYTE * body_bytes
        return self._text(wanted_bytes, free_bytes) if free_bytes < wanted_bytes else ""

    def free_bytes(self) -> int:
        """What the disk of the lab's folder has left."""
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize

    def _text(self, wanted_bytes: int, free_bytes: int) -> str:
        return (
            f"The disk of the lab's folder {self._folder} is full: {free_bytes:,} bytes are free, and a call needs "
            f"{wanted_bytes:,}, or else it could not be recorded. Calls are not carried out until there is room."
        )
