"""Threads for several calls to AWS at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


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
