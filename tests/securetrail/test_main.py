"""`securetrail COMMAND`, beside `python -m verify COMMAND`."""

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
