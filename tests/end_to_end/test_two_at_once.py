"""The tour, which is what `make lab` runs, while another terminal deploys: the one waits for the other."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lab.instance import folder, lifecycle
from tests.end_to_end.conftest import ROOT

pytestmark = pytest.mark.slow

_TOLD = ("7/7", "6/6", "+25", "ListBuckets", "DescribeInstances", "ListUsers", "DescribeSecurityGroups", "user/learner")


def start(verb: str, home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "lab", verb, "--home", str(home)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_a_tour_and_a_deployment_at_once_take_turns_and_both_succeed(tmp_path: Path) -> None:
    home = tmp_path / "lab"
    tour = start("tour", home)
    while tour.poll() is None and not (home / "deploying").exists():
        time.sleep(0.01)
    deployment = start("deploy", home)
    try:
        outputs = [command.communicate(timeout=170)[0] for command in (tour, deployment)]
        status = subprocess.check_output(
            [sys.executable, "-m", "lab", "status", "--json", "--home", str(home)], cwd=ROOT
        )
    finally:
        tour.kill()
        deployment.kill()
        lifecycle.stop(home)

    assert (tour.returncode, deployment.returncode) == (0, 0), outputs
    assert [told for told in _TOLD if told not in outputs[0]] == []
    assert [word for word in ("WHO", "WHERE", "WHEN", "WHAT") if outputs[0].count(f"   {word}") < 4] == []
    assert json.loads(status)["undecoded_calls"] == 0
    assert ["Another command is deploying to this lab. Waiting" in output for output in outputs] == [False, True]
    assert ["(no changes)" in output for output in outputs] == [False, True]
    assert not home.exists()


def test_who_deploys_keeps_the_turn_while_the_lab_starts_and_stops(tmp_path: Path) -> None:
    home, waits, had_its_turn = tmp_path / "lab", threading.Event(), threading.Event()

    def second() -> None:
        with folder.deploying(home, waits.set):
            had_its_turn.set()

    other = threading.Thread(target=second)
    with folder.deploying(home, lambda: pytest.fail("nobody else is there")):
        lifecycle.start(home)
        other.start()
        assert waits.wait(60)
        assert not had_its_turn.is_set()
    other.join(60)
    lifecycle.stop(home)

    assert had_its_turn.is_set()
    assert not home.exists()
