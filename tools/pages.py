"""Runs the commands of a page of the documentation, one after the other, and compares what they print with the page.

``python -m tools.pages docs/lab/1-key.md`` says where they differ; with ``--write`` it puts what was printed into the
page. A page has commands in two forms: blocks ``console``, in which each line that begins with ``$`` is a command and
what follows is what it prints on standard output; and blocks ``bash``, each a command as it is pasted, with what it
prints, errors included, in the block ``text`` that follows. A block ``bash`` without such a block prints nothing. A
line ``...`` stands for any lines.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What is another one each time: times, log files' names, ids of calls and keys, durations, ports.
VOLATILE = re.compile(
    r"\d{12}_CloudTrail[\w-]*\.json\.gz|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|\+00:00)?)?"
    r"|\d{4}/\d\d/\d\d|\d+ h \d+ min|\d+ minutes? ago"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\bA(?:[KS]I|ID)A[0-9A-Z]{16,17}\b|127\.0\.0\.1:\d+"
    r"|\b[0-9a-f]{64}\b|\d+\.\d s\b|aws-cli/[^\"\n]*"
)
# What only reads may be asked again: the lab delivers every few seconds, as AWS does every few minutes.
_ONLY_READ = ("python -m verify ", "aws cloudtrail validate-logs ", "python -m lab done")
_ASKED_AT_MOST = 10
_END = "=== end of a command ==="
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a page, and what it prints there.

    :param shown: '...' in a line of its own stands for any lines.
    :param has_errors: whether ``shown`` has standard error, too.
    :param place: where ``shown`` stands in the page, or would stand.
    :param has_place: whether the page has a block for it.
    """

    command: str
    shown: str
    has_errors: bool = False
    place: tuple[int, int] = (0, 0)
    has_place: bool = True


def steps(text: str) -> Iterator[Step]:
    """The commands of a page, in their order."""
    blocks = list(_FENCED.finditer(text))
    for number, block in enumerate(blocks):
        if block[1] == "console":
            for part in re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block[2], re.MULTILINE):
                yield Step(part[1], part[2], place=(block.start(2) + part.start(2), block.start(2) + part.end(2)))
        elif block[1] == "bash":
            following = blocks[number + 1] if number + 1 < len(blocks) else None
            if following is not None and following[1] == "text":
                yield Step(block[2].rstrip("\n"), following[2], has_errors=True, place=following.span(2))
            else:
                yield Step(
                    block[2].rstrip("\n"), "", has_errors=True, place=(block.end(), block.end()), has_place=False
                )


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


def learned(step: Step, printed: str) -> dict[str, str] | None:
    """What stands in this run for the volatile parts of the page; None if it printed something else."""
    plain = "".join(f"{' '.join(line.split())}\n" for line in printed.strip().splitlines())
    found = pattern(step.shown).fullmatch(plain)
    shown = "\n".join(line for line in step.shown.splitlines() if line.strip() != "...")
    return None if found is None else dict(zip(VOLATILE.findall(shown), found.groups(), strict=True))


def with_values(command: str, known: Mapping[str, str]) -> str:
    """A command of the page, with what this run printed in place of what the page shows."""
    return VOLATILE.sub(lambda found: known.get(found[0], found[0]), command)


def copy_of_project(folder: Path) -> Path:
    """The project as a learner has it: a clone with everything installed, in which commands may change files. What is
    not committed yet is part of it.

    :param folder: an empty one, or one that is made.
    """
    git = ("git", "-c", "user.name=learner", "-c", "user.email=learner@example.com", "-C", str(folder))
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(folder)], check=True)  # noqa: S607
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0")[:-1]:
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "As it is"], check=True)
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to((ROOT / name).resolve())
    with (folder / ".git/info/exclude").open("a", encoding="utf-8") as file:
        file.write(".venv\nnode_modules\n")
    return folder


class Shell:
    """One bash in which the commands of a page run, one after the other.

    :param folder: the project's, which commands may change.
    :param home: the learner's own folder. The lab's is ``lab`` in it.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self.lab = home / "lab"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "SECURETRAIL_LAB_HOME": str(self.lab),
        }
        # As Ubuntu and Debian 13 make it: the learner's own group may write into it.
        (home / ".cache").mkdir(exist_ok=True)
        (home / ".cache").chmod(0o775)
        self._errors = (home / "stderr").open("w+")
        self._bash = subprocess.Popen(
            ["bash"],  # noqa: S607 - the learner's own
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            umask=0o002,
        )

    def run(self, command: str, *, has_errors: bool = False) -> str:
        """What it prints on standard output.

        :param has_errors: with standard error.
        :raises RuntimeError: the shell ended.
        """
        assert self._bash.stdin is not None  # noqa: S101 - it was asked for
        assert self._bash.stdout is not None  # noqa: S101
        # The command's own standard input is empty: bash reads the next command from this one.
        merged = "{\n" + command + "\n} </dev/null" + (" 2>&1" if has_errors else "")
        self._bash.stdin.write(f"{merged}\necho; echo '{_END}'\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        for line in self._bash.stdout:
            if line == f"{_END}\n":
                return "".join(lines)
            lines.append(line)
        raise RuntimeError(f"The shell ended at: {command}\n{''.join(lines)}\n{self.errors()}")

    def errors(self) -> str:
        """What was printed on standard error so far."""
        self._errors.seek(0)
        return self._errors.read()

    def close(self) -> None:
        """Ends the shell."""
        self._bash.communicate()  # closes both pipes, and waits
        self._errors.close()


@contextmanager
def shell_in(folder: Path) -> Iterator[Shell]:
    """A shell in a copy of the project, whose lab is stopped in the end.

    :param folder: an empty one. The learner's is one in it, with such a name as people give to theirs.
    """
    home = folder / "Übung macht den Meister"
    home.mkdir()
    shell = Shell(copy_of_project(home / "project"), home)
    try:
        yield shell
    finally:
        shell.close()
        subprocess.run(
            [sys.executable, "-m", "lab", "down", "--home", str(shell.lab)], cwd=ROOT, capture_output=True, check=False
        )


def run_page(shell: Shell, text: str, *, asks_again: bool = True) -> Iterator[tuple[Step, str, bool]]:
    """Runs the commands of a page: each, what it printed, and whether that is what the page shows.

    :param asks_again: whether a command that only reads may run again where it printed something else.
    """
    known: dict[str, str] = {}
    for step in steps(text):
        command = with_values(step.command, known)
        printed, new = "", None
        only_reads = command.startswith(_ONLY_READ) and "\n" not in command
        for _ in range(_ASKED_AT_MOST if asks_again and only_reads else 1):
            printed = shell.run(command, has_errors=step.has_errors)
            new = learned(step, printed)
            if new is not None:
                break
            if only_reads and asks_again:
                # A file that came a moment after a digest is named by the next one.
                shell.run("python -m lab deliver > /dev/null 2>&1")
        yield step, printed, new is not None
        known |= {name: value for name, value in (new or {}).items() if name not in known}


def with_printed(text: str, printed: Mapping[Step, str]) -> str:
    """The page, with what its commands printed."""
    for step in sorted(printed, key=lambda each: each.place, reverse=True):
        start, end = step.place
        lines = "".join(f"{line.rstrip()}\n" for line in printed[step].strip("\n").splitlines())
        if not step.has_place:
            lines = f"\n\n```text\n{lines}```"
        text = text[:start] + lines + text[end:]
    return text


def main() -> int:
    """The command line; 0 if every command printed what its page shows, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tools.pages", description=str(__doc__).replace("``", "'"))
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE", help="run in this order, in one shell")
    parser.add_argument("--first", default="", metavar="COMMAND", help="run before all pages")
    parser.add_argument("--write", action="store_true", help="put what was printed into the pages")
    arguments = parser.parse_args()
    are_same = True
    with tempfile.TemporaryDirectory(prefix="pages-") as folder, shell_in(Path(folder)) as shell:
        shell.run(arguments.first or ":", has_errors=True)
        for page in arguments.pages:
            text = page.read_text(encoding="utf-8")
            other: dict[Step, str] = {}
            for step, printed, is_same in run_page(shell, text, asks_again=not arguments.write):
                if not is_same:
                    are_same = False
                    other[step] = printed
                    print(f"--- {page}\n$ {step.command}\n{printed}", flush=True)
            if arguments.write and other and page.read_text(encoding="utf-8") == text:
                page.write_text(with_printed(text, other), encoding="utf-8")
    return 0 if are_same else 1


if __name__ == "__main__":
    sys.exit(main())
