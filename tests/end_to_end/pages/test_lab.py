"""docs/lab/: every command of the guided lab is run, part by part in one shell, and prints what the page says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.guide.parts import PARTS
from lab.instance import lifecycle
from lab.instance.environment import lab_variables
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


@pytest.mark.slow
def test_whoever_has_an_account_is_signed_in_as_the_first_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs/lab/README.md").read_text(encoding="utf-8")
    [commands] = re.findall(r"^```sh\n(source .*?)^```\n", page, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    lab = lifecycle.start(tmp_path / "lab")
    try:
        account = lab_variables(lab)  # the lab stands for it: nothing else leads the AWS CLI there
        typed = [account["AWS_ACCESS_KEY_ID"], account["AWS_SECRET_ACCESS_KEY"], "eu-west-1", ""]
        done = subprocess.run(
            ["bash", "-e", "-c", commands],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "AWS_ENDPOINT_URL": account["AWS_ENDPOINT_URL"],
            },
            input="".join(f"{line}\n" for line in typed),
            capture_output=True,
            text=True,
        )
    finally:
        lifecycle.stop(lab.home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout[done.stdout.index("{") :])["Arn"] == "arn:aws:iam::111122223333:user/learner"
    assert "region = eu-west-1" in (tmp_path / ".aws/config").read_text(encoding="utf-8")
