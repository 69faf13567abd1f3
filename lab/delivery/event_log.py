"""The first place of an event: one line appended to a file, which costs a tenth of a transaction.

The lines move to the journal's database in batches, segment by segment; the number of the last segment that moved is
kept with the events that it held, so that a kill in between moves nothing twice.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from lab.delivery.log_file import Event
from lab.delivery.trail import Stream

Line = tuple[str, str, int, str]

_ROOM_BYTES = 256 * 1024


class EventLog:
    """Segments `NAME.1`, `NAME.2` … beside each other; the last one is being appended to.

    A segment has its room on the disk before it is written to, so that a disk that fills up in between does not matter.
    """

    def __init__(self, path: Path, last_moved: int) -> None:
        """:param path: what the segments' names begin with.
        :param last_moved: the number of the last segment that was moved; new ones come after it.
        """
        self._path = path
        self._number = max(self._numbers(), default=0)
        self._number = max(self._number, last_moved) + 1
        self._file = self._open(self._number)
        self._end = 0
        self._room_end = 0
        self._reserved_bytes = 0

    def reserve(self, size_bytes: int) -> None:
        """Makes sure that so much more can be appended, besides what is reserved already, until it is released.

        :raises OSError: the disk has no room for it.
        """
        self._make_room(self._end + self._reserved_bytes + size_bytes)
        self._reserved_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Takes back a reservation, used or not."""
        self._reserved_bytes -= size_bytes

    def append(self, streams: Sequence[Stream], event: Event) -> None:
        """Keeps an event for every stream. When this returns, a kill of the process does not lose it.

        :raises OSError: the disk is full, and nothing was reserved.
        """
        lines = "".join(f"{_head(each, event.seconds)}\t{event.record}\n" for each in streams).encode()
        self._make_room(self._end + len(lines))
        written = 0
        while written < len(lines):
            written += os.pwrite(self._file, lines[written:], self._end + written)
        self._end += len(lines)

    def closed_segments(self) -> list[int]:
        """The numbers of the segments to move, oldest first; what was appended so far is among them, unless the disk
        has no room for another segment.
        """
        if self._end:
            with suppress(OSError):
                self._close_segment()
        return [number for number in self._numbers() if number < self._number]

    def lines(self, number: int) -> Iterator[Line]:
        """The events of a closed segment: trail, region, eventTime in epoch seconds, record. A last line that a kill
        cut short is left out: its call was never answered. What follows is room that was not used.
        """
        with self._segment(number).open(encoding="utf-8", newline="\n") as file:
            for line in file:
                if line.endswith("\n") and not line.startswith("\0"):
                    head, record = line[:-1].split("\t", 1)
                    yield *_read_head(head), record

    def remove(self, number: int) -> None:
        """A segment has been moved."""
        self._segment(number).unlink()

    def close(self) -> None:
        """Closes the segment that is being appended to."""
        os.close(self._file)

    def _make_room(self, end: int) -> None:
        if end > self._room_end:
            wanted = max(end, self._room_end + _ROOM_BYTES)
            try:
                _allocate(self._file, self._room_end, wanted)
            except OSError:
                wanted = end
                _allocate(self._file, self._room_end, wanted)
            self._room_end = wanted

    def _close_segment(self) -> None:
        """:raises OSError: there is no room for what is reserved in another segment; this one goes on."""
        file = self._open(self._number + 1)
        try:
            _allocate(file, 0, self._reserved_bytes)
        except OSError:
            os.close(file)
            self._segment(self._number + 1).unlink()
            raise
        os.ftruncate(self._file, self._end)
        os.close(self._file)
        self._number += 1
        self._file, self._end, self._room_end = file, 0, self._reserved_bytes

    def _open(self, number: int) -> int:
        return os.open(self._segment(number), os.O_RDWR | os.O_CREAT, 0o600)

    def _segment(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _numbers(self) -> list[int]:
        found = self._path.parent.glob(f"{self._path.name}.*")
        return sorted(int(each.suffix[1:]) for each in found if each.suffix[1:].isdecimal())


def _allocate(file: int, start: int, end: int) -> None:
    """Takes room on the disk for a part of a file.

    :raises OSError: there is not enough.
    """
    if end <= start:
        return
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, start, end - start)
        return
    for at in range(start, end, _ROOM_BYTES):  # macOS
        os.pwrite(file, bytes(min(_ROOM_BYTES, end - at)), at)


# Many events have the same head: those of one second and one stream.
@lru_cache(maxsize=256)
def _head(stream: Stream, seconds: int) -> str:
    return json.dumps([stream.trail, stream.region, seconds])


@lru_cache(maxsize=256)
def _read_head(text: str) -> tuple[str, str, int]:
    trail, region, seconds = json.loads(text)
    return trail, region, seconds
