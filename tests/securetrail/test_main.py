"""`securetrail COMMAND`, beside `python -m verify COMMAND`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from securetrail.__main__ import main


@pytest.mark.parametrize("command", [["check"], ["logs", "show"]])
def test_the_examples_of_a_command_call_the_program_that_was_called(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A repository may have a module `verify` of its own, and `python -m verify` would run that."""
    with pytest.raises(SystemExit):
        main([*command, "--help"])

    told = capsys.readouterr().out
    assert "python -m verify" not in told
    assert f"\n  securetrail {' '.join(command)} --" in told


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["completion", "tcsh"]])
def test_wrong_usage_is_told_by_the_exit_code_also_to_a_closed_pipe(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-m", "securetrail", *arguments], cwd=Path(__file__).parents[2], stdout=writer, stderr=writer
    )

    os.close(writer)
    assert done.returncode == 2
