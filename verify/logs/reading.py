"""Threads that read objects: as many as the network's latency asks for, and no more.

Waiting threads are free; threads that are ready to run fight for Python's one interpreter, and 64 of them cost half the
speed that 4 have when nothing keeps them waiting.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
_HANDFUL = 8
_FIRST = 4
# What two cores can inflate and hash; to reach it, this many reads must be under way for every second that one takes.
_READS_A_SECOND = 3_000
_REMEMBERED = 50


class ReadPool:
    """Begins with a few threads and adds others while the quickest reads show that time is spent waiting.

    :param most: the most threads.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = Lock()
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)
        self._threads = 0
        for _ in range(min(_FIRST, most)):
            self._add_thread()

    def read_each(self, read: Callable[[T], R], names: Iterable[T]) -> list[tuple[Future[list[R]], list[T]]]:
        """Start to read, a handful at a time: waking a thread costs as much as a small read.

        :returns: the handfuls, in order, each with its results to come.
        """
        waiting = list(names)
        handfuls = [waiting[first : first + _HANDFUL] for first in range(0, len(waiting), _HANDFUL)]
        return [(self._start(read, handful), handful) for handful in handfuls]

    def _start(self, read: Callable[[T], R], handful: list[T]) -> Future[list[R]]:
        future: Future[list[R]] = Future()
        self._tasks.put(partial(self._read, read, handful, future))
        return future

    def _read(self, read: Callable[[T], R], names: list[T], future: Future[list[R]]) -> None:
        results = []
        try:
            for name in names:
                began = monotonic()
                results.append(read(name))
                self._note(monotonic() - began)
        except BaseException as error:  # noqa: BLE001 - it is the caller's, as with every executor
            future.set_exception(error)
        else:
            future.set_result(results)

    def end(self) -> None:
        """Let the threads end after what they are doing; forget what waits. They only read: nothing is lost."""
        with suppress(Empty):
            while True:
                self._tasks.get_nowait()
        for _ in range(self._threads):
            self._tasks.put(None)

    def _add_thread(self) -> None:
        self._threads += 1
        Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()

    def _note(self, seconds: float) -> None:
        with self._lock:
            self._seconds.append(seconds)
            if len(self._seconds) == _REMEMBERED and self._threads < self._most:
                wanted = min(self._seconds) * _READS_A_SECOND
                if wanted > self._threads:
                    self._seconds.clear()
                    for _ in range(min(int(wanted), self._most) - self._threads):
                        self._add_thread()


@contextmanager
def reading(most: int) -> Iterator[ReadPool]:
    """A pool of at most so many threads."""
    pool = ReadPool(most)
    try:
        yield pool
    finally:
        pool.end()
