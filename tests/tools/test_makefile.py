"""`make` as a newcomer meets it: an old make, and Ctrl-C while it installs."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.programs import needs

ROOT = Path(__file__).parents[2]
# Answers as an interrupted Python does, and tells when it can be interrupted.
PYTHON = """#!/bin/sh
[ "$1" = -m ] || exit 0
trap 'echo Traceback >&2; exit 1' INT
echo ready
while :; do sleep 0.05; done
"""


def test_a_make_that_is_too_old_says_what_is_needed() -> None:
    """macOS has 3.81, which runs each line of a recipe in a shell of its own."""
    done = subprocess.run(
        ["make", ".FEATURES=target-specific", "MAKE_VERSION=3.81", "help"], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 2
    assert "GNU make 3.82 or newer is needed; this is 3.81. On macOS: brew install make, then gmake" in done.stderr


def project_in(folder: Path, program: str) -> list[str]:
    """A project without an environment, and the make that begins one with a program for Python."""
    needs("make")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "tools").mkdir()
    (folder / "tools/uv.txt").touch()
    python = folder / "python"
    python.write_text(program)
    python.chmod(0o755)
    return ["make", f"PYTHON={python}"]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}


def test_what_python_says_of_its_failure_is_shown_also_right_after_everything_was_removed(tmp_path: Path) -> None:
    make = project_in(tmp_path, "#!/bin/sh\n[ $1 = -m ] || exit 0\necho no venv here >&2\nexit 1\n")

    done = subprocess.run(
        [*make, "clean", ".venv/.uv"], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )

    assert done.returncode == 2
    assert done.stderr.splitlines()[:2] == ["Making .venv …", "no venv here"]


def test_ctrl_c_while_the_environment_is_made_leaves_one_line(tmp_path: Path) -> None:
    make = project_in(tmp_path, PYTHON)

    with subprocess.Popen(
        [*make, ".venv/.uv"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as made:
        assert made.stdout
        assert made.stdout.readline() == "ready\n"
        os.killpg(made.pid, signal.SIGINT)
        told = made.communicate()[1].splitlines()

    assert told[0] == "Making .venv …"
    assert (len(told), told[1].startswith("make: *** ")) == (2, True)
    assert not (tmp_path / ".venv/.uv").exists()
