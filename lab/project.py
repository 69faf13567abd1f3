"""The project's own commands, run against the lab."""

import subprocess
import sys
from collections.abc import Sequence

from lab.cdk import PROJECT
from lab.environment import aws_environment
from lab.state import Lab


def run(lab: Lab, module: str, arguments: Sequence[str] = ()) -> int:
    """Run `python -m MODULE` with its input and output on this terminal, and return its exit code."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=aws_environment(lab), check=False).returncode
