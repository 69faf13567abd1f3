"""A process that reads objects and hashes what they inflate to: what :mod:`verify.storage.read_processes` starts.

It is asked on one pipe and answers on another, in JSON. It knows nothing but what it is asked, and it ends when nobody
can ask any more, whatever it is at.
"""

from __future__ import annotations

import gc
import json
import os
from collections import deque
from collections.abc import Iterator
from itertools import count
from select import POLLIN, poll
from typing import Any

from verify.credentials import Credentials
from verify.storage.gzip_content import Content, GzipSink
from verify.storage.transfers import Answer, Route, Transfers

_LENGTH_BYTES = 8
_AT_ONCE = 160
_COLLECT_SELDOM = 50_000


def send(to: int, value: Any) -> None:
    """Write a value to a pipe.

    :raises OSError: nobody reads it.
    """
    data = json.dumps(value).encode()
    rest = memoryview(len(data).to_bytes(_LENGTH_BYTES, "big") + data)
    while rest:
        rest = rest[os.write(to, rest) :]


def receive(source: int) -> Any:
    """Read a value from a pipe.

    :raises EOFError: nobody writes to it any more.
    """
    return json.loads(_read(source, int.from_bytes(_read(source, _LENGTH_BYTES), "big")))


def _read(source: int, size_bytes: int) -> bytes:
    pieces = []
    while size_bytes:
        piece = os.read(source, size_bytes)
        if not piece:
            raise EOFError
        pieces.append(piece)
        size_bytes -= len(piece)
    return b"".join(pieces)


def as_sent(answer: Answer | None, content: Content) -> list[Any] | None:
    """An object's answer and content as they are sent; ``None`` for an object of which not all came."""
    if answer is None or answer.last_modified is None:
        return None
    return [content.sha256, content.size_bytes, content.flaw, int(answer.last_modified.timestamp()), answer.metadata]


class _Tasks:
    """What was asked for, and is not answered yet."""

    def __init__(self, answers: int) -> None:
        self._answers = answers
        self._waiting: deque[tuple[int, int, str, Route, int]] = deque()
        self._left: dict[int, int] = {}
        self._results: dict[int, list[list[Any] | None]] = {}
        self._route: Route | None = None

    def add(self, asked: Any) -> None:
        """Take a task."""
        task, (region, credentials, ca_file, proxy), limit_bytes, urls = asked
        route = Route(region, Credentials(*credentials), ca_file, proxy)
        # A transfer prepares itself anew for each route.
        self._route = route = self._route if self._route == route else route
        self._waiting.extend((task, place, url, route, limit_bytes) for place, url in enumerate(urls))
        self._left[task] = len(urls)
        self._results[task] = [None] * len(urls)

    @property
    def are_begun(self) -> bool:
        """Whether nothing waits to be begun."""
        return not self._waiting

    def next(self) -> tuple[int, int, str, Route, int] | None:
        """The next object to be read."""
        return self._waiting.popleft() if self._waiting else None

    def done(self, task: int, place: int, result: list[Any] | None) -> None:
        """Note what came of an object, and answer when it was the last one of its task."""
        self._results[task][place] = result
        self._left[task] -= 1
        if not self._left[task]:
            del self._left[task]
            send(self._answers, [task, self._results.pop(task)])


def serve(questions: int, answers: int) -> None:
    """Read what is asked for.

    :param questions: a pipe that brings, for each task, its number, the route, the most that an object may inflate to,
        and URLs.
    :param answers: a pipe that takes, for each task, its number and what became of each URL: see :func:`as_sent`.
        ``None`` for what could not be read.
    :raises EOFError: nobody asks any more.
    :raises OSError: nobody reads the answers.
    """
    transfers, tasks, numbers = Transfers(_AT_ONCE), _Tasks(answers), count()
    under_way: dict[int, tuple[int, int, GzipSink]] = {}
    while True:
        for asked in _asked(questions, must_wait=transfers.is_idle and tasks.are_begun):
            tasks.add(asked)
        while transfers.has_room and (wanted := tasks.next()) is not None:
            task, place, url, route, limit_bytes = wanted
            number, sink = next(numbers), GzipSink(limit_bytes)
            under_way[number] = (task, place, sink)
            transfers.begin(number, url, route, sink)
        for number, answer in transfers.ended(waking=questions):
            task, place, sink = under_way.pop(number)
            tasks.done(task, place, as_sent(answer, sink.finish()))


def _asked(questions: int, *, must_wait: bool) -> Iterator[Any]:
    waiting = poll()  # select refuses a file whose number is above 1,023
    waiting.register(questions, POLLIN)
    while must_wait or waiting.poll(0):
        yield receive(questions)
        must_wait = False


def main() -> None:
    """Serve on standard input and output."""
    gc.freeze()
    gc.set_threshold(_COLLECT_SELDOM)
    try:
        serve(0, 1)
    except (EOFError, BrokenPipeError):
        os._exit(0)  # whoever asked is gone
