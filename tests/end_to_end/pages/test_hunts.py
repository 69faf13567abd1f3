"""docs/hunts.md: every command in it is run, and prints what the page says."""

from pathlib import Path

import pytest

from tests.end_to_end.conftest import ROOT
from tests.programs import needs
from tools import pages

PAGE = ROOT / "docs" / "hunts.md"


@pytest.mark.slow
def test_every_command_of_the_page_prints_what_the_page_says(tmp_path: Path) -> None:
    needs("node")
    with pages.shell_in(tmp_path) as shell:
        for step, printed, is_same in pages.run_page(shell, PAGE.read_text(encoding="utf-8")):
            assert is_same, f"$ {step.command}\n{printed}\nand not\n{step.shown}\n{shell.errors()}"
