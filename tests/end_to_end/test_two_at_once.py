"""The tour, which is what `make lab` runs, from two terminals at the same moment and so one after the other."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lab import emulator, state
from tests.end_to_end.conftest import ROOT

_TOLD = ("7/7", "6/6", "+25", "ListBuckets", "DescribeInstances", "ListUsers", "DescribeSecurityGroups", "user/learner")


def test_of_two_tours_at_once_the_second_waits_and_both_succeed(tmp_path: Path) -> None:
    home = tmp_path / "lab"
    tours = [
        subprocess.Popen(
            [sys.executable, "-m", "lab", "tour", "--home", str(home)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]
    try:
        outputs = [tour.communicate(timeout=170)[0] for tour in tours]
        status = subprocess.check_output(
            [sys.executable, "-m", "lab", "status", "--json", "--home", str(home)], cwd=ROOT
        )
    finally:
        for tour in tours:
            tour.kill()
        emulator.stop(home)

    assert [tour.returncode for tour in tours] == [0, 0], outputs
    for output in outputs:
        assert [told for told in _TOLD if told not in output] == []
        assert [word for word in ("WHO", "WHERE", "WHEN", "WHAT") if output.count(f"   {word}") < 4] == []
    assert json.loads(status)["undecoded_calls"] == 0
    assert ["Another command is deploying to this lab. Waiting" in output for output in outputs].count(True) == 1
    assert ["(no changes)" in output for output in outputs].count(True) == 1
    assert not home.exists()


def test_who_deploys_keeps_the_turn_while_the_lab_starts_and_stops(tmp_path: Path) -> None:
    home, waits, had_its_turn = tmp_path / "lab", threading.Event(), threading.Event()

    def second() -> None:
        with state.deploying(home, waits.set):
            had_its_turn.set()

    other = threading.Thread(target=second)
    with state.deploying(home, lambda: pytest.fail("nobody else is there")):
        emulator.start(home)
        other.start()
        assert waits.wait(10)
        assert not had_its_turn.is_set()
    other.join(10)
    emulator.stop(home)

    assert had_its_turn.is_set()
    assert not home.exists()
