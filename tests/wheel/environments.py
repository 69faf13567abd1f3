"""Environments outside the repository that a built distribution is installed in, as its users do it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The programs of the tests' own environment: uv, which installs, and Node, which the CDK needs.
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and how to run what is in it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin/python"

    def run(self, *command: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a program of the environment.

        :param variables: the whole environment of the process, beside PATH and HOME.
        """
        path = f"{self.folder}/bin:/usr/bin:/bin"
        return subprocess.run(
            command,
            cwd=cwd,
            env={"PATH": path, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"} | variables,
            capture_output=True,
            text=True,
        )

    def distributions(self) -> set[str]:
        """The names of what is installed."""
        program = "import importlib.metadata as m; print(*(each.name.lower() for each in m.distributions()), sep='\\n')"
        return {*subprocess.check_output([self.python, "-I", "-c", program], text=True).split()}


def environment(
    folder: Path, *requirements: str, lock: str = "requirements-dev.txt", python: str = sys.executable
) -> Environment:
    """An environment with these requirements, in the versions that the repository pins.

    :param lock: the file that pins them. Without requirements, all of the file is installed.
    """
    _uv("venv", "--quiet", "--python", python, str(folder))
    made = Environment(folder)
    # Not this project's settings: they are no user's.
    install = ("pip", "install", "--quiet", "--no-config", "--python", str(made.python))
    _uv(*install, *(("--constraint", str(ROOT / lock), *requirements) if requirements else ("-r", str(ROOT / lock))))
    return made


def _uv(*arguments: str) -> None:
    done = subprocess.run([BIN / "uv", *arguments], cwd="/", env={**os.environ, "VIRTUAL_ENV": ""}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
