"""Threads for several calls to AWS at once, and for calls that must end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
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
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is the caller's, as with every executor
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future.result(seconds)


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

    def wait(self, call: Callable[[], T]) -> T:
        """The result of a call.

        :raises TimeoutError: it takes too long, or others took too long before it.
        """
        if self.is_over:
            raise TimeoutError
        began = time.monotonic()
        try:
            return within(self._one_call_seconds, call)
        finally:
            took = time.monotonic() - began
            with self._lock:
                self._left_seconds = min(self._left_seconds - took + self._usual_seconds, self._all_seconds)
