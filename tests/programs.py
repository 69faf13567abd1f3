"""Programs that a test needs and that its environment may lack."""

import os
import shlex
import shutil
import sys

import pytest

# As a shell takes it: whoever tests may have a space in the path of the project.
THIS_PYTHON = shlex.quote(sys.executable)


def needs(program: str) -> None:
    """Skips the test on a machine without the program. CI has them all, so there the test fails."""
    if shutil.which(program) is None:
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop(f"{program} is not installed")
