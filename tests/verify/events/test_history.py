from __future__ import annotations

from threading import Barrier, Thread

import pytest

from verify.events.history import RateLimiter


class FakeTime:
    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("work_seconds", [[0.0] * 6, [0.3, 0.0, 0.1, 2.0, 0.0, 0.0], [0.5] * 6])
def test_no_second_sees_more_than_two_starts_and_no_start_is_late(work_seconds: list[float]) -> None:
    time = FakeTime()
    limiter = RateLimiter(2.0, clock=time.clock, sleep=time.sleep)
    starts = []
    for work in work_seconds:
        limiter.wait()
        starts.append(time.now)
        time.now += work
    assert starts[0] == 100.0
    for before, after, work in zip(starts, starts[1:], work_seconds, strict=False):
        assert after - before == pytest.approx(max(0.5, work))


def test_idle_time_is_not_saved_up_for_a_burst() -> None:
    time = FakeTime()
    limiter = RateLimiter(2.0, clock=time.clock, sleep=time.sleep)
    limiter.wait()
    time.now += 60
    limiter.wait()
    limiter.wait()
    assert time.now == 160.5


def test_threads_that_share_a_pacer_share_its_pace() -> None:
    slept: list[float] = []
    limiter = RateLimiter(2.0, clock=lambda: 0.0, sleep=slept.append)
    together = Barrier(8)

    def ask() -> None:
        together.wait()
        limiter.wait()

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(slept) == [0.5 * number for number in range(1, 8)]
