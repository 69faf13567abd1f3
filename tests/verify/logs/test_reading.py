"""As many threads as the latency asks for."""

from __future__ import annotations

import time
from threading import active_count

import pytest

from verify.logs.reading import reading


def read_all(seconds: float, number: int) -> tuple[list[int], int]:
    def read(name: int) -> int:
        time.sleep(seconds)
        return name

    before = active_count()
    with reading(32) as pool:
        found = [name for future, _ in pool.read_each(read, range(number)) for name in future.result()]
        return found, active_count() - before


def test_results_come_in_order_and_few_threads_suffice_when_nothing_is_slow() -> None:
    assert read_all(0, 3000) == (list(range(3000)), 4)


def test_threads_are_added_while_reads_wait_for_the_network() -> None:
    found, threads = read_all(0.01, 600)

    assert found == list(range(600))
    assert threads > 16


def test_an_error_is_raised_where_the_result_is_asked_for() -> None:
    def fail(name: str) -> str:
        raise LookupError(name)

    with reading(4) as pool:
        ((future, names),) = pool.read_each(fail, ["a"])
        assert names == ["a"]
        with pytest.raises(LookupError):
            future.result()
