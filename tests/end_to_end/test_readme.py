"""The commands that README.md and docs/usage.md show, run as they stand there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.instance import lifecycle
from lab.instance.folder import HOME_VARIABLE, Lab
from tests.end_to_end.conftest import ROOT, TEMPLATE
from tests.lab.conftest import make_client
from tests.programs import needs

README = "".join((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/usage.md"))
# In place of every program: it writes down the words that it got, one a line.
_WRITES_WORDS = '#!/bin/sh\nprintf "%s\\n" "program ${0##*/}" "$@" >> "$WORDS"\n'


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Lab]:
    """A lab as `make lab` leaves it."""
    lab = lifecycle.start(tmp_path / "lab")
    make_client(lab, "cloudformation").create_stack(StackName="SecureTrail", TemplateBody=TEMPLATE)
    yield lab
    lifecycle.stop(lab.home)


def commands(first: str) -> list[str]:
    """The lines of the pages' block that begins with these words."""
    found = re.findall(r"^```\w*\n(.*?)^```\n", README, flags=re.MULTILINE | re.DOTALL)
    [block] = [block for block in found if block.startswith(first)]
    return str(block).splitlines()


def run(lines: list[str], lab: Lab, folder: Path) -> list[tuple[str, int, str]]:
    """Runs lines in one bash, in a project that is installed; each with its exit code and what it printed."""
    mark = "readme-exit-code"
    installed = [
        line.replace(".venv/bin/python", sys.executable).replace("make lab-down", "python -m lab down")
        for line in lines
    ]
    script = "\n".join(f"{line}\ncode=$?; echo; echo {mark} $code" for line in installed)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), HOME_VARIABLE: str(lab.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    parts = re.split(rf"^{mark} (\d+)\n", done.stdout, flags=re.MULTILINE)
    codes = list(map(int, parts[1::2]))
    assert len(codes) == len(lines), done.stdout
    return list(zip(lines, codes, parts[0::2], strict=False))


@pytest.mark.slow
def test_the_session_in_the_lab(deployed: Lab, tmp_path: Path) -> None:
    done = run([*commands('eval "$('), *commands("aws cloudtrail stop-logging")], deployed, tmp_path)

    shown = "\n".join(f"{line}: {code}\n{told}" for line, code, told in done)
    check, scenario = (next(each for each in done if words in each[0]) for words in ("verify check", "scenario"))
    assert {line for line, code, _ in done if code} == {check[0]}, shown
    assert (check[1], "Course checks: 6/7" in check[2]) == (1, True), shown
    assert "What is asked:     python -m lab answer capital-one" in scenario[2], shown
    assert "nothing will be delivered" not in scenario[2], shown
    assert lifecycle.running(deployed.home) is None


@pytest.mark.slow
def test_the_verifiers_commands(deployed: Lab, tmp_path: Path) -> None:
    shown_for = {"my-trail": "ch03-security-trail", "eu-west-1": deployed.region}
    lines = ['eval "$(.venv/bin/python -m lab env)"', *commands("python -m verify check --trail")]
    for name, own in shown_for.items():
        lines = [line.replace(name, own) for line in lines]

    done = run(lines, deployed, tmp_path)

    shown = "\n".join(f"{line}: {code}\n{told}" for line, code, told in done)
    assert not [line for line, code, told in done if code not in (0, 1, 3) or "Traceback" in told], shown
    assert (tmp_path / "proof").is_dir(), shown


@pytest.mark.parametrize("page", ["README.md", "docs/by-hand.md"])
def test_a_plain_zsh_takes_the_lines_that_are_pasted_before_it_is_the_labs(page: str, tmp_path: Path) -> None:
    """A plain zsh takes a pasted comment for words of the command, and an apostrophe in it for a quote. So the programs
    get the words that they get in a script, where a comment is one.
    """
    needs("zsh")
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    found = "".join(block for language, block in blocks if not language).splitlines(keepends=True)
    lines = "".join(line for line in found if line.isascii())  # not the picture
    for program in ("make", "python", "aws", "bash", ".venv/bin/python"):
        path = tmp_path / "bin" / program if "/" not in program else tmp_path / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_WRITES_WORDS)
        path.chmod(0o755)

    def words(command: list[str]) -> list[str]:
        (tmp_path / "words").write_text("")
        environment = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "WORDS": str(tmp_path / "words")}
        done = subprocess.run(command, cwd=tmp_path, env=environment, input=lines, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return (tmp_path / "words").read_text().splitlines()

    as_a_script = words(["/bin/sh"])
    pasted = words(["zsh", "-f", "-i", "-s", "-o", "no_interactive_comments"])

    assert "env" in as_a_script
    assert pasted == as_a_script
