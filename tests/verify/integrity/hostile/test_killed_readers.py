"""The processes that read for the command: one that is killed, and what becomes of them when the command ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.verify.simulation.readers import Holding, has_ended, readers_of
from tests.verify.simulation.server import SimulatedAwsServer
from tests.verify.simulation.trail import Chain, SimulatedAws

pytestmark = pytest.mark.regular

PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from verify.storage import read_processes; read_processes._WORTH_A_PROCESS = 0; "
    "import runpy; sys.argv[0] = 'verify'; runpy.run_module('verify', run_name='__main__')"
)


@pytest.fixture
def command(server: SimulatedAwsServer) -> list[str]:
    chain = Chain(SimulatedAws())
    chain.aws.trail |= {"IsMultiRegionTrail": False}
    chain.run(3, logs=3)
    server.aws = chain.aws
    start, end = chain.hours[0].start, chain.hours[-1].end
    times = ["--start", f"{start:%Y-%m-%dT%H:%M:%SZ}", "--end", f"{end:%Y-%m-%dT%H:%M:%SZ}"]
    return [sys.executable, "-c", PROGRAM, "integrity", *times]


def test_a_process_that_is_killed_meanwhile_makes_the_answer_unknown(
    server: SimulatedAwsServer, command: list[str]
) -> None:
    holding = Holding(server, after=3)  # the digests
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert holding.is_asked.wait(60)
        (reader,) = readers_of(process.pid)
        os.kill(reader, signal.SIGKILL)
        output, _ = process.communicate(timeout=60)
        holding.let_go()

    assert process.returncode == 3
    assert "SIGKILL" in " ".join(output.split())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind_however_the_command_ends(
    how: signal.Signals, server: SimulatedAwsServer, command: list[str]
) -> None:
    holding = Holding(server, after=3)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert holding.is_asked.wait(60)
        (reader,) = readers_of(process.pid)
        os.killpg(process.pid, how)  # as Ctrl-C does: all processes of the group
        _, errors = process.communicate(timeout=60)
        assert has_ended(reader)
        holding.let_go()

    assert (process.returncode, errors) == ((130, "stopped.\n") if how is signal.SIGINT else (-how, ""))
