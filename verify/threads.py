"""Threads for several calls to AWS at once, and for calls that must end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def concurrently(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A thread pool: its threads are waited for after success, and abandoned after an exception.

    So neither Ctrl-C nor a fatal error waits for the time-outs of the other calls.
    """
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def within(seconds: float, call: Callable[[], T]) -> T:
    """The result of a call that is waited for no longer than that.

    What takes longer is abandoned: its thread goes on, and keeps the program from nothing, least of all from its end.

    :raises TimeoutError: there is no result yet.
    """
    return started(call).result(seconds)


# What does not end by then does not look whether it should.
_ENDS_WITHIN_SECONDS = 5.0


class StillRunning(KeyboardInterrupt):
    """Ctrl-C was pressed, and the call goes on all the same, in a thread that is abandoned."""


def unless_interrupted(call: Callable[[], T], stop: Callable[[], object]) -> T:
    """The result of a call that would not see Ctrl-C, since it does not come back to Python.

    :param stop: ends the call. It is asked, and the end awaited, where Ctrl-C is pressed meanwhile.
    :raises StillRunning: that was in vain.
    """
    future = started(call)
    try:
        return future.result()
    except KeyboardInterrupt as pressed:
        stop()
        with suppress(KeyboardInterrupt):  # pressed once more, which asks for the end at once
            wait([future], _ENDS_WITHIN_SECONDS)
        if not future.done():
            raise StillRunning from pressed
        raise


def started(call: Callable[[], T]) -> Future[T]:
    """The result to come of a call in a thread of its own, which does not keep the program from its end."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is the caller's, as with every executor
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


class Patience:
    """Waits for many calls, but not for ever: a server that answers all of them, slowly, must not keep a run from its
    end.

    :param one_call_seconds: the most that is waited for one call.
    :param usual_seconds: what a call may take whatever came before.
    :param all_seconds: what all calls together may take above that; calls that are quicker make up for slow ones.
    """

    def __init__(self, one_call_seconds: float, usual_seconds: float, all_seconds: float) -> None:
        self._one_call_seconds = one_call_seconds
        self._usual_seconds = usual_seconds
        self._all_seconds = self._left_seconds = all_seconds
        self._lock = Lock()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is waited for."""
        return self._left_seconds <= 0

    def wait(self, call: Callable[[], T], at_most_seconds: float | None = None) -> T:
        """The result of a call.

        :param at_most_seconds: how long this one is waited for, if that is less than one call has.
        :raises TimeoutError: it takes too long, or others took too long before it; its text says which, as a clause.
        """
        if self.is_over:
            more = f"{_readable(self._all_seconds)} more than they should"
            raise TimeoutError(f"calls before it took so long ({more}) that it was not made")
        seconds = self._one_call_seconds if at_most_seconds is None else min(self._one_call_seconds, at_most_seconds)
        if seconds <= 0:
            raise TimeoutError("calls before it took so long that it was not made")
        began = time.monotonic()
        try:
            return within(seconds, call)
        except TimeoutError as error:
            raise TimeoutError(f"there was no whole answer within {_readable(seconds)}") from error
        finally:
            took = time.monotonic() - began
            with self._lock:
                self._left_seconds = min(self._left_seconds - took + self._usual_seconds, self._all_seconds)


def _readable(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
