"""Few threads, each with many reads at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from threading import Event

import pytest

from verify.storage.read_pool import ReadPool, open_read_pool


def numbers(pool: ReadPool, read_each: Callable[[list[int]], list[int]], wanted: list[list[int]]) -> list[int]:
    started = [pool.start(read_each, names) for names in wanted]
    return [number for reads in started for future, _ in reads for number in future.result()]


def test_results_come_in_order_with_the_names_they_are_of() -> None:
    with open_read_pool(3, at_once=4) as pool:
        reads = pool.start(lambda names: [-name for name in names], range(10))
        assert [
            (name, result) for future, names in reads for name, result in zip(names, future.result(), strict=True)
        ] == [(number, -number) for number in range(10)]


def test_small_requests_are_read_together_and_large_ones_in_portions() -> None:
    batches: list[int] = []
    is_free = Event()

    def read_each(names: list[int]) -> list[int]:
        is_free.wait(60)
        batches.append(len(names))
        return names

    with open_read_pool(1, at_once=8) as pool:
        first = pool.start(read_each, [0])  # keeps the thread busy
        more = [pool.start(read_each, [number]) for number in range(8)]
        large = pool.start(read_each, range(20))
        is_free.set()
        for reads in [first, *more, large]:
            for future, _ in reads:
                future.result()

    assert sum(batches) == 29 and max(batches) <= 8 + 1
    assert len(batches) <= 5, "the first one, alone or not, eight small ones, then eight, eight and four"


def test_what_is_read_in_another_way_is_not_read_together() -> None:
    def double(names: list[int]) -> list[int]:
        return [2 * name for name in names]

    def negate(names: list[int]) -> list[int]:
        return [-name for name in names]

    with open_read_pool(1, at_once=100) as pool:
        reads = [pool.start(each, [number]) for number in range(50) for each in (double, negate)]
        found = [future.result() for ((future, _),) in reads]

    assert found == [[result] for number in range(50) for result in (2 * number, -number)]


def test_an_error_is_raised_where_a_result_is_asked_for_and_the_thread_goes_on() -> None:
    def fail(names: list[str]) -> list[str]:
        raise LookupError(names[0])

    with open_read_pool(1, at_once=4) as pool:
        ((future, names),) = pool.start(fail, ["a"])
        assert names == ["a"]
        with pytest.raises(LookupError):
            future.result()
        assert numbers(pool, lambda them: them, [[1], [2, 3]]) == [1, 2, 3]


def test_whoever_waits_for_a_read_that_never_began_is_told_when_the_pool_ends() -> None:
    """As after Ctrl-C: a thread that goes on waiting would keep the program from ending."""
    is_free, has_begun = Event(), Event()

    def read_each(names: list[int]) -> list[int]:
        has_begun.set()
        is_free.wait(60)
        return names

    with open_read_pool(1, at_once=1) as pool:
        (_, (waiting, _)) = pool.start(read_each, [1, 2])
        has_begun.wait(60)
    is_free.set()

    with pytest.raises(CancelledError):
        waiting.result(timeout=30)
