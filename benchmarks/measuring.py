"""What a command costs from its start to its end: time, processor time and memory.

Linux counts what a process held when it started another one as memory of that other one, too. So the command is started
by a small process in between: this module, run as a program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """A command's cost; memory is the most that it held at once."""

    exit_code: int
    seconds: float
    cpu_seconds: float
    memory_mb: float
    output: str


def measure(command: list[str], environment: dict[str, str]) -> Measured:
    """Run a command to its end."""
    reading, writing = os.pipe()
    starter = [sys.executable, "-I", "-S", __file__, str(writing), *command]
    process = subprocess.Popen(starter, env=environment, stdout=subprocess.PIPE, text=True, pass_fds=[writing])
    os.close(writing)
    assert process.stdout
    output = process.stdout.read()
    process.wait()
    with os.fdopen(reading, encoding="utf-8") as pipe:
        return Measured(**json.load(pipe), output=output)


def _start(report_to: int, command: list[str]) -> None:
    start = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, report_to)])
    _, status, usage = os.wait4(process, 0)
    found = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "seconds": time.perf_counter() - start,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "memory_mb": usage.ru_maxrss / 1024,
    }
    os.write(report_to, json.dumps(found).encode())


if __name__ == "__main__":
    _start(int(sys.argv[1]), sys.argv[2:])
