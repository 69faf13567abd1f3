"""`python -m lab` and `python -m verify` by a Python that is not the project's: one line says what to run."""

import ast
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMANDS = ("lab", "verify")
WHAT_TO_RUN = "'make lab'", "source .venv/bin/activate"


def run(*command: str) -> str:
    """The one line of standard error that a refused command leaves."""
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert all(words in line for words in WHAT_TO_RUN)
    return line


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bare_environment(command: str, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    python = str(tmp_path / "bare/bin/python")

    line = run(python, "-m", command, "--help")

    assert line.startswith("error: The Python module ")
    assert f"is missing ({python})" in line


@pytest.mark.parametrize("command", COMMANDS)
def test_a_python_that_is_too_old(command: str) -> None:
    program = f"import runpy, sys; sys.version_info = (3, 10, 13); runpy.run_module({command!r}, run_name='__main__')"

    assert run(sys.executable, "-c", program).startswith("error: SecureTrail needs Python 3.11 or newer, not ")


def test_an_environment_with_all_but_the_embedded_aws() -> None:
    program = (
        "import importlib.util as u, runpy, sys; find = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'ministack' else find(name, package)\n"
        "sys.argv = ['lab', 'up']; runpy.run_module('lab', run_name='__main__')"
    )

    assert run(sys.executable, "-c", program).startswith("error: The Python module ministack is missing ")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_an_old_python_can_read_what_tells_it(command: str, name: str) -> None:
    ast.parse((ROOT / command / name).read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_of_the_projects_own_is_not_explained_away(command: str) -> None:
    first = {"lab": "lab.cli.commands", "verify": "verify.cli"}[command]
    program = f"import runpy, sys; sys.modules['{first}'] = None; runpy.run_module({command!r}, run_name='__main__')"

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    # Of the verifier, 1 would say that something failed, or was tampered with.
    assert done.returncode == {"lab": 1, "verify": 3}[command]
    assert f"ModuleNotFoundError: import of {first} halted" in done.stderr


@pytest.mark.parametrize(("command", "told"), [("verify", "stopped.\n"), ("lab", "Interrupted.\n")])
def test_ctrl_c_in_the_very_first_imports_leaves_one_line(command: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "signal.py").write_text("raise KeyboardInterrupt")

    done = subprocess.run(
        [sys.executable, "-m", command, "--help"],
        cwd=ROOT,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "", told)


@pytest.mark.parametrize(
    ("command", "program", "told"),
    [("verify", "verify.cli", "stopped.\n"), ("lab", "lab.cli.commands", "Interrupted.\n")],
)
def test_ctrl_c_keeps_its_exit_code_where_nobody_reads_the_output(command: str, program: str, told: str) -> None:
    """Ctrl-C ends what reads the output, too."""
    interrupted = (
        f"import runpy, sys, {program} as program\n"
        "def main(*_):\n"
        "    sys.stdout.write('half of it')\n"
        "    raise KeyboardInterrupt\n"
        "program.main = main\n"
        f"sys.argv = ['{command}', 'status']\n"
        f"runpy.run_module('{command}', run_name='__main__')"
    )
    reading, writing = os.pipe()
    os.close(reading)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}

    done = subprocess.run(
        [sys.executable, "-c", interrupted], cwd=ROOT, env=kept, stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (130, told)
