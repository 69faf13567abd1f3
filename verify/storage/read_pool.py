"""Threads that read objects: few of them, each with many requests under way.

Threads that are ready to run compete for Python's one interpreter: four of them cost a sixth more processor time than
two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct, field

T = TypeVar("T")
R = TypeVar("R")
Reads: TypeAlias = list[tuple[Future[list[R]], list[T]]]


class _Task(Struct, frozen=True):
    read_each: Callable[[list[Any]], Sequence[Any]]
    names: list[Any]
    future: Future[list[Any]] = field(default_factory=Future)


class ReadPool:
    """Threads that each read several objects at once.

    :param threads: how many threads there are.
    :param at_once: how many objects one thread reads at once.
    """

    def __init__(self, threads: int, at_once: int) -> None:
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads = threads
        self._at_once = at_once
        for _ in range(threads):
            Thread(target=self._work, daemon=True).start()

    def start(self, read_each: Callable[[list[T]], Sequence[R]], names: Iterable[T]) -> Reads[R, T]:
        """Start to read.

        :param read_each: reads several objects at once and gives their results in order. What is started with the
            same one is read together.
        :returns: portions of the names, in order, each with its results to come.
        """
        waiting = list(names)
        portions = [waiting[first : first + self._at_once] for first in range(0, len(waiting), self._at_once)]
        tasks = [_Task(read_each, portion) for portion in portions]
        for task in tasks:
            self._tasks.put(task)
        return [(task.future, task.names) for task in tasks]

    def end(self) -> None:
        """Let the threads end after what they are doing; forget what waits. They only read: nothing is lost."""
        with suppress(Empty):
            while True:
                if task := self._tasks.get_nowait():
                    task.future.cancel()  # for whoever waits for it
        for _ in range(self._threads):
            self._tasks.put(None)

    def _work(self) -> None:
        task = self._tasks.get()
        while task is not None:
            together, task = self._take_more(task)
            _read(together)
            task = task or self._tasks.get()

    def _take_more(self, first: _Task) -> tuple[list[_Task], _Task | None]:
        """Tasks that can be read together, and one that was taken but cannot."""
        together, number = [first], len(first.names)
        with suppress(Empty):
            while number < self._at_once:
                more = self._tasks.get_nowait()
                if more is None or more.read_each != first.read_each:
                    if more is None:
                        self._tasks.put(None)  # for whichever thread comes next
                    return together, more
                together.append(more)
                number += len(more.names)
        return together, None


def _read(tasks: list[_Task]) -> None:
    try:
        results = list(tasks[0].read_each([name for task in tasks for name in task.names]))
    except BaseException as error:  # noqa: BLE001 - it is the caller's, as with every executor
        for task in tasks:
            task.future.set_exception(error)
        return
    first = 0
    for task in tasks:
        task.future.set_result(results[first : first + len(task.names)])
        first += len(task.names)


@contextmanager
def open_read_pool(threads: int, at_once: int) -> Iterator[ReadPool]:
    """A pool of so many threads."""
    pool = ReadPool(threads, at_once)
    try:
        yield pool
    finally:
        pool.end()
