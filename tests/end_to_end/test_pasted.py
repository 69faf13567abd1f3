"""A reader's own commands, pasted block by block into the shells that people use, give what their course promises."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.instance import control, lifecycle
from lab.instance.folder import HOME_VARIABLE, Lab
from tests.end_to_end.conftest import ROOT
from tests.programs import needs
from tests.terminal import Terminal

# The text of a course, when it lies beside the project; ours says the same in other words.
COURSE = ROOT.parent / "shared/reference/original-lab.md"
OURS = Path(__file__).with_name("pasted.md")
PYTHON = sys.executable
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+]00:00"


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Lab]:
    yield lifecycle.start(tmp_path / "lab")
    lifecycle.stop(tmp_path / "lab")


def blocks(text: Path) -> list[str]:
    """The blocks of commands, without those that run a script of the course."""
    found = re.findall(r"^```bash\n(.*?)^```", text.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [block for block in found if not block.startswith("bash ")]


def block_with(words: str, of: list[str]) -> str:
    return next(block for block in of if words in block)


@pytest.mark.slow
@pytest.mark.parametrize("text", [OURS, COURSE], ids=["ours", "course"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_course_works_after_the_one_printed_fix(shell: str, text: Path, own_lab: Lab, tmp_path: Path) -> None:
    needs(shell)
    if not text.exists():
        pytest.skip("the text of the course does not lie beside the project")
    if text == OURS and COURSE.exists() and shell != "bash":
        pytest.skip("the course itself is pasted into this shell")
    (tmp_path / ".zshrc").touch()  # without one zsh first asks what is to be in it
    # As the installers of many programs write it.
    (tmp_path / ".bashrc").write_text(f'PATH="{program_that_fails(tmp_path / "theirs", "aws")}:$PATH"\n')
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        HOME_VARIABLE: str(own_lab.home),
    }
    commands = blocks(text)
    with Terminal([shell, "-i"], folder=ROOT, environment=environment) as terminal:
        lead_to_the_lab(terminal, shell)
        shown = terminal.paste(commands[0])
        assert f"Account: {own_lab.account}\nRegion: {own_lab.region}\n" in shown
        trail = next(number for number, block in enumerate(commands) if "create-trail" in block)
        for block in commands[1:trail]:
            assert "rror" not in terminal.paste(block)

        shown = terminal.paste(commands[trail])
        assert "(InsufficientEncryptionPolicyException)" in shown
        assert "kms:Decrypt" in shown
        terminal.paste(printed_fix(terminal.paste("python -m verify check")))
        assert '"LogFileValidationEnabled": true' in terminal.paste(commands[trail])

        terminal.paste(block_with("start-logging", commands))
        control.deliver(own_lab)
        status = terminal.paste(block_with("get-trail-status", commands))
        assert re.search(r"\|  IsLogging +\|  +LatestDeliveryTime +\|", status)
        assert re.search(rf"\|  True +\|  {TIME} +\|", status)

        assert "1\n0\n1\n" in terminal.paste(block_with("list-buckets", commands))
        history = terminal.paste(block_with("--max-results 10", commands))
        for event, service in (("ListBuckets", "s3"), ("DescribeInstances", "ec2"), ("ListUsers", "iam")):
            assert re.search(rf"\|  {event} *\|  {service}[.]amazonaws[.]com *\|  {TIME} +\|", history)
        of_iam = terminal.paste(block_with("--max-results 5", commands))
        assert re.search(rf"\|  ListUsers +\|  {TIME} +\|  learner +\|", of_iam)

        assert "Course checks: 7/7" in terminal.paste("python -m verify check")
        assert "Found 4 of the 4 calls" in terminal.paste("python -m verify detective")
        assert "Score: 40" in terminal.paste("python -m verify score")


def lead_to_the_lab(terminal: Terminal, shell: str) -> None:
    """What docs/by-hand.md says for each shell. fish knows no `NAME=value`, so that its people start a bash first."""
    if shell == "fish":
        terminal.paste("bash")
    terminal.paste(f'eval "$({PYTHON} -m lab env)"')


def program_that_fails(folder: Path, name: str) -> Path:
    """The folder of a program that is not the lab's."""
    folder.mkdir()
    (folder / name).write_text("#!/bin/sh\necho error: not the one of the lab\nexit 1\n")
    (folder / name).chmod(0o755)
    return folder


def printed_fix(report: str) -> str:
    """The command that puts the key policy right, as somebody copies it from the report: out of the block of all fixes,
    else from where it stands alone.
    """
    found = re.findall(r"^(.*?)(aws .*kms put-key-policy .*kms:Decrypt.*)$", report, flags=re.MULTILINE)
    return str(next((fix for before, fix in found if not before), found[0][1]))
