"""docs/hunts.md: every command in it is run, and prints what the page says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.instance import lifecycle
from lab.instance.folder import HOME_VARIABLE
from tests.end_to_end.conftest import ROOT
from tests.programs import needs

PAGE = ROOT / "docs" / "hunts.md"
_END = "=== end of a command ==="
# What is another one each time: times, log files' names, ids of calls and keys.
VOLATILE = re.compile(
    r"\d{12}_CloudTrail[\w-]*\.json\.gz|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?|\d{4}/\d\d/\d\d|\d+ h \d+ min"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\bA[KS]IA[0-9A-F]{16}\b|127\.0\.0\.1:\d+|\d+\.\d s\b"
)


_ONLY_READ = ("python -m verify ", "aws cloudtrail validate-logs ")
_ASKED_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the page, and what it prints there; '...' in a line of its own stands for any lines."""

    command: str
    shown: str


def steps(text: str) -> Iterator[Step]:
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield Step(command, shown)


def pattern(shown: str) -> re.Pattern[str]:
    """What a command may print, each volatile part a group; white space counts as one space."""
    lines = []
    for line in shown.strip().splitlines():
        if line.strip() == "...":
            lines.append(r"(?:[^\n]*\n)*?")
            continue
        words = " ".join(line.split())
        parts, end = "", 0
        for found in VOLATILE.finditer(words):
            parts += re.escape(words[end : found.start()]) + f"({VOLATILE.pattern})"
            end = found.end()
        lines.append(parts + re.escape(words[end:]) + r"\n")
    return re.compile("".join(lines))


def plain(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.strip().splitlines()]
    return "".join(f"{line}\n" for line in lines)


def learned(step: Step, printed: str) -> dict[str, str] | None:
    """What stands in this run for the volatile parts of the page; None if it printed something else."""
    found = pattern(step.shown).fullmatch(plain(printed))
    shown = "\n".join(line for line in step.shown.splitlines() if line.strip() != "...")
    return None if found is None else dict(zip(VOLATILE.findall(shown), found.groups(), strict=True))


def with_values(command: str, known: Mapping[str, str]) -> str:
    """A command of the page, with what this run printed in place of what the page shows."""
    return VOLATILE.sub(lambda found: known.get(found[0], found[0]), command)


class Shell:
    """One bash in which the page's commands run, one after the other."""

    def __init__(self, folder: Path) -> None:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            HOME_VARIABLE: str(folder / "lab"),
        }
        self._errors = (folder / "stderr").open("w+")
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def run(self, command: str) -> str:
        """What it prints on standard output."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{command}\necho '{_END}'\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        for line in self._bash.stdout:
            if line == f"{_END}\n":
                break
            lines.append(line)
        return "".join(lines)

    def errors(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    def close(self) -> None:
        self._bash.communicate()  # closes both pipes, and waits
        self._errors.close()


@pytest.mark.slow
def test_every_command_of_the_page_prints_what_the_page_says(tmp_path: Path) -> None:
    needs("node")
    shell = Shell(tmp_path)
    known: dict[str, str] = {}
    try:
        for step in steps(PAGE.read_text(encoding="utf-8")):
            command = with_values(step.command, known)
            printed, new = shell.run(command), None
            for _ in range(_ASKED_AT_MOST):
                new = learned(step, printed)
                if new is not None or not command.startswith(_ONLY_READ):
                    break
                printed = shell.run(command)  # the lab delivers every few seconds, as AWS does every few minutes
            assert new is not None, f"$ {command}\n{printed}\nand not\n{step.shown}\n{shell.errors()}"
            known |= {name: value for name, value in new.items() if name not in known}
    finally:
        shell.close()
        lifecycle.stop(tmp_path / "lab")


@pytest.mark.parametrize(
    ("shown", "printed", "is_same"),
    [
        ("a  b\n", "a\tb\n", True),
        ("a\n...\nb\n", "a\nx\ny\nb\n", True),
        ("a\n...\nb\n", "a\nb\n", True),
        ("a\n...\n", "b\n", False),
        ("at 2026-11-28T14:11:45Z\n", "at 2027-01-01T00:00:00Z\n", True),
        ("at 2026-11-28T14:11:45Z\n", "at noon\n", False),
        ("377 objects\n", "376 objects\n", False),
        ("", "a\n", False),
    ],
)
def test_what_a_page_shows_is_what_is_printed(shown: str, printed: str, is_same: bool) -> None:  # noqa: FBT001
    assert (learned(Step("x", shown), printed) is not None) == is_same
