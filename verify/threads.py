"""Asking AWS several things at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def concurrently(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A thread pool that is waited for when all went well, and left behind when something did not.

    So that neither Ctrl-C nor the first fatal answer has to sit out the time-outs of the other calls.
    """
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
