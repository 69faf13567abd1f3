"""The first place of an event: one line appended to a file, which costs a tenth of a transaction.

The lines move to the journal's database in batches, segment by segment; the number of the last segment that moved is
kept with the events that it held, so that a kill in between moves nothing twice.
"""

import json
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from lab.delivery.log_file import Event
from lab.delivery.trail import Stream

Line = tuple[str, str, int, str]


class EventLog:
    """Segments `NAME.1`, `NAME.2` … beside each other; the last one is being appended to."""

    def __init__(self, path: Path, last_moved: int) -> None:
        """:param path: what the segments' names begin with.
        :param last_moved: the number of the last segment that was moved; new ones come after it.
        """
        self._path = path
        self._number = max(self._numbers(), default=0)
        self._number = max(self._number, last_moved) + 1
        self._file = -1
        self._is_empty = True
        self._open()

    def append(self, streams: Sequence[Stream], event: Event) -> None:
        """Keeps an event for every stream. When this returns, a kill of the process does not lose it."""
        lines = [f"{_head(each, event.seconds)}\t{event.record}\n" for each in streams]
        os.write(self._file, "".join(lines).encode())
        self._is_empty = False

    def closed_segments(self) -> list[int]:
        """The numbers of the segments to move, oldest first; what was appended so far is among them."""
        if not self._is_empty:
            os.close(self._file)
            self._number += 1
            self._open()
        return [number for number in self._numbers() if number < self._number]

    def lines(self, number: int) -> Iterator[Line]:
        """The events of a closed segment: trail, region, eventTime in epoch seconds, record. A last line that a kill
        cut short is left out: its call was never answered.
        """
        with self._segment(number).open(encoding="utf-8", newline="\n") as file:
            for line in file:
                if line.endswith("\n"):
                    head, record = line[:-1].split("\t", 1)
                    yield *_read_head(head), record

    def remove(self, number: int) -> None:
        """A segment has been moved."""
        self._segment(number).unlink()

    def close(self) -> None:
        """Closes the segment that is being appended to."""
        os.close(self._file)

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(self._segment(self._number), flags, 0o600)
        self._is_empty = True

    def _segment(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _numbers(self) -> list[int]:
        found = self._path.parent.glob(f"{self._path.name}.*")
        return sorted(int(each.suffix[1:]) for each in found if each.suffix[1:].isdecimal())


# Many events have the same head: those of one second and one stream.
@lru_cache(maxsize=256)
def _head(stream: Stream, seconds: int) -> str:
    return json.dumps([stream.trail, stream.region, seconds])


@lru_cache(maxsize=256)
def _read_head(text: str) -> tuple[str, str, int]:
    trail, region, seconds = json.loads(text)
    return trail, region, seconds
