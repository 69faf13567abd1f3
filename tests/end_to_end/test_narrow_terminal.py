"""Every command at a terminal of 60 columns: no word is broken, and no line is wider but for one long word or a command
to be copied. And every command without colours, and stopped with Ctrl-C.
"""

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import lab.cli.commands
import securetrail.review.cli
import verify.cli
from lab.instance import control, lifecycle
from lab.instance.environment import lab_variables
from lab.instance.folder import HOME_VARIABLE, Lab
from tests.end_to_end.conftest import ROOT, TEMPLATE
from tests.lab.conftest import make_client
from tests.terminal import shown_at_terminal

pytestmark = pytest.mark.slow

COLUMNS = 60
# What each command is called with. Those without run the CDK CLI, the AWS CLI or git, which print as they do.
READS = {
    "python -m verify check": ["", "--verbose", "--trail nope"],
    "python -m verify score": ["", "--verbose"],
    "python -m verify events": ["--name CreateTrail", "--name Nothing"],
    "python -m verify detective": [],  # it waits until its calls are recorded; its report: `test_the_detective`
    "python -m verify integrity": ["--since 1h", "export --since 1h --output {folder}/proof"],
    "python -m verify who": ["", "--verbose"],
    "python -m verify logs show": ["--since 1h --event CreateTrail"],
    "python -m verify logs query": [
        "--list",
        "--since 1h 'SELECT eventName, userName FROM events WHERE readOnly = false'",
    ],
    "python -m verify logs shell": ["--since 1h"],
    "python -m verify logs forget": ["--cache-dir {folder}/none"],
    "python -m verify logs stats": ["--since 1h"],
    "python -m verify hunt": ["--since 1h", "--list"],
    "python -m verify hunt timeline": ["--since 1h --principal root"],
    "python -m verify hunt rules test": ["{root}/verify/hunt"],
}
CHANGES = {
    "python -m lab up": [""],
    "python -m lab tour": [],
    "python -m lab deploy": [],
    "python -m lab diff": [],
    "python -m lab bootstrap": [],
    "python -m lab destroy": [],
    "python -m lab status": [""],
    "python -m lab deliver": [""],
    "python -m lab advance": ["0", "60"],
    "python -m lab scenario": ["tamper", "capital-one", "capital-one --solution", "reset"],
    "python -m lab answer": ["capital-one", "tamper"],
    "python -m lab report": ["{root}/README.md", "{folder}/none.md"],
    "python -m lab signin": ["--fail"],
    "python -m lab env": [""],
    "python -m lab start": ["2", "x"],
    "python -m lab done": ["", "3"],
    "python -m lab hint": ["1"],
    "python -m lab down": ["", ""],
}
OTHERS: dict[str, list[str]] = {"python -m securetrail review": []}
COMMAND = re.compile(
    r"(?:[$#>] |(?:fix|dig on) +|[\w ]+: {2,})?"
    r"(?:\w+=\S* )*(?:[\w./-]*/)?(?:aws|python|eval|make|sh|bash|cd|export|unset) "
)
# Where there is no room for a table.
LABELS = {"found", "expected", "resource", "source", "region", "user", "error"}
PROGRESS = re.compile("[\u2801-\u28ff━]")
# Before a word that stands alone: indentation, and a label.
LABEL = re.compile(r"(?:[\w./-]+(?: [\w./-]+){0,2} {2,}|[-•] +|\d+\. +)")


def every_command() -> Iterator[str]:
    def inside(parser: argparse.ArgumentParser) -> Iterator[str]:
        groups = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
        if not any(each.required for each in groups):
            yield parser.prog
        for group in groups:
            for each in dict.fromkeys(group.choices.values()):
                yield from inside(each)

    for module in (verify.cli, lab.cli.commands, securetrail.review.cli):
        yield from inside(module.build_parser())


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab in which the reviewed template is deployed and something was delivered."""
    lab = lifecycle.start(tmp_path_factory.mktemp("narrow"))
    make_client(lab, "cloudformation").create_stack(StackName="SecureTrail", TemplateBody=TEMPLATE)
    make_client(lab, "ec2").describe_vpcs()
    control.deliver(lab)
    yield lab
    lifecycle.stop(lab.home)


def environment(lab: Lab) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(lab.home), HOME_VARIABLE: str(lab.home), **lab_variables(lab)}


def words_of(command: str, given: str, folder: Path) -> list[str]:
    return [sys.executable, *shlex.split(f"{command} {given}".format(folder=folder, root=ROOT))[1:]]


def too_wide(shown: str) -> list[str]:
    return [
        line
        for line in shown.split("\n")
        if len(line) > COLUMNS
        and not COMMAND.match(line.strip())
        and len(LABEL.sub("", line.strip(), count=1).split(" ")) > 1
    ]


def plain_words(text: str) -> set[str]:
    """Without those that show progress."""
    lines = [line for line in text.lower().split("\n") if not PROGRESS.search(line)]
    return {word for word in (each.strip(".,:;()'\"") for each in " ".join(lines).split()) if word.isalpha()}


def test_every_command_is_tried() -> None:
    assert list(every_command()) == [*READS, *sorted(CHANGES, key=list(every_command()).index), *OTHERS]


@pytest.mark.parametrize("command", [*READS, *CHANGES, *OTHERS])
def test_a_help_fits(command: str, tmp_path: Path) -> None:
    words = [sys.executable, *command.split()[1:], "--help"]

    code, shown = shown_at_terminal(words, COLUMNS, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, ROOT)

    assert (code, too_wide(shown)) == (0, [])


@pytest.mark.parametrize("command", [each for each in READS if READS[each]])
def test_a_report_fits_and_has_whole_words(command: str, played: Lab, tmp_path: Path) -> None:
    for number, given in enumerate(READS[command]):
        folders = [tmp_path / f"{number}-{form}" for form in ("narrow", "piped")]
        narrow, piped = (words_of(command, given, folder) for folder in folders)

        # Both at once: what the first one calls is delivered soon, and a second one would have other things to tell.
        with subprocess.Popen(
            piped,
            cwd=ROOT,
            env=environment(played),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            shown = shown_at_terminal(narrow, COLUMNS, environment(played), ROOT)[1]
            whole = process.communicate()[0]

        assert (too_wide(shown), "Traceback" in shown) == ([], False), shown
        assert plain_words(shown) <= plain_words(whole) | LABELS, shown


def test_what_the_lab_says_fits(tmp_path: Path) -> None:
    lab = lifecycle.start(tmp_path / "lab")
    make_client(lab, "cloudformation").create_stack(StackName="SecureTrail", TemplateBody=TEMPLATE)
    try:
        faults = {}
        for command, lines in CHANGES.items():
            for given in lines:
                words = words_of(command, given, tmp_path)
                shown = shown_at_terminal(words, COLUMNS, environment(lab), ROOT)[1]
                if too_wide(shown) or "Traceback" in shown:
                    faults[f"{command} {given}"] = too_wide(shown)
        assert faults == {}
    finally:
        lifecycle.stop(lab.home)


@pytest.mark.parametrize("command", ["verify check", "verify score", "verify events --limit 3", "lab status"])
def test_colours_are_chosen(command: str, played: Lab) -> None:
    def printed(more: Mapping[str, str], *options: str) -> str:
        words = [sys.executable, "-m", *command.split(), *options]
        done = subprocess.run(
            words, cwd=ROOT, env=environment(played) | {"TERM": "xterm", **more}, capture_output=True, text=True
        )
        return done.stdout

    colour = re.compile(r"\x1b\[(?:\d+;)*(?:3\d|4\d|9\d)(?:;\d+)*m")
    assert not colour.search(printed({}))
    assert not colour.search(printed({"FORCE_COLOR": "1"}, "--color", "never"))
    assert not colour.search(printed({"FORCE_COLOR": "1", "NO_COLOR": "1"}))
    if command.split()[1] in ("check", "score"):
        assert colour.search(printed({"NO_COLOR": "1"}, "--color", "always"))


# From the beginning of the imports to the end of the work of a short command.
SECONDS = (0.1, 0.3, 0.8)


@pytest.mark.parametrize("command", ["check", "events", "integrity", "logs stats", "hunt", "lab status", "lab answer"])
def test_ctrl_c_leaves_one_line(command: str, played: Lab, tmp_path: Path) -> None:
    program = f"python -m {command}" if command.startswith("lab ") else f"python -m verify {command}"
    words = words_of(program, {**READS, **CHANGES}[program][0], tmp_path)
    for seconds in SECONDS:
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env=environment(played),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            told = process.communicate(timeout=seconds)[1]
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            told = process.communicate()[1]
            if process.returncode == 130:
                assert len(re.findall(r"^(?:stopped|Interrupted\.)", told, re.MULTILINE)) == 1, told
                assert re.match("stopped|Interrupted", told.splitlines()[-1]), told
        # Python itself, before a line of this program ran, ends by the signal.
        assert "Traceback" not in told or (process.returncode in (-signal.SIGINT, 1) and "verify" not in told), told
