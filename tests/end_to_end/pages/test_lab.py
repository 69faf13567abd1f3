"""docs/lab/: every command of the guided lab is run, part by part in one shell, and prints what the page says."""

from pathlib import Path

import pytest

from lab.guide.parts import PARTS
from tests.end_to_end.conftest import ROOT
from tests.programs import needs
from tools import pages


@pytest.mark.slow
def test_every_command_of_the_guided_lab_prints_what_the_page_says(tmp_path: Path) -> None:
    for program in ("jq", "node", "git"):
        needs(program)
    with pages.shell_in(tmp_path) as shell:
        for part in PARTS:
            for step, printed, is_same in pages.run_page(shell, (ROOT / part.page).read_text(encoding="utf-8")):
                assert is_same, f"{part.page}\n$ {step.command}\n{printed}\nand not\n{step.shown}\n{shell.errors()}"
