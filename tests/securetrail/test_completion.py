"""What the shells offer after a Tab, asked of the shells themselves."""

import subprocess
import sys
from pathlib import Path

import pytest

from securetrail.__main__ import COMMANDS, main
from tests.programs import needs
from verify.cli import build_parser

pytestmark = pytest.mark.regular

ROOT = Path(__file__).parents[2]
# A line, and some of what may end it; the last one says what must not.
CASES = [
    ("securetrail ", {"check", "integrity", "review", "completion"}, {"--json", "show"}),
    ("securetrail --", {"--help", "--version"}, {"--json", "check"}),
    ("securetrail int", {"integrity"}, {"check", "review"}),
    ("securetrail check --ver", {"--verbose"}, {"--version"}),
    ("securetrail logs ", {"show", "query", "stats"}, {"check", "--name"}),
    ("securetrail logs query --dialect ", {"duckdb", "athena"}, {"--name", "show"}),
    ("securetrail integrity ex", {"export"}, {"show"}),
    ("securetrail review --format ", {"markdown", "sarif"}, {"--base"}),
    ("securetrail check --trail logs --j", {"--json"}, {"show"}),
    ("securetrail completion ", {"bash", "zsh", "fish"}, {"check"}),
    ("securetrail review --format=s", {"--format=sarif"}, {"--base"}),
]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripts")
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run(
            [sys.executable, "-m", "securetrail", "completion", shell], cwd=ROOT, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        (folder / shell).write_text(done.stdout)
    return folder


def offered(shell: str, script: Path, line: str, folder: Path) -> set[str]:
    """The words that the shell offers for the end of the line."""
    if shell == "fish":
        program = ("fish", "--no-config", "-c", f"source {script}; complete --do-complete '{line}'")
    else:
        words = f"{line}''" if line.endswith(" ") else line
        asked = f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _securetrail"
        program = ("bash", "--norc", "-c", f"source {script}; {asked}; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert done.stderr == ""
    return {each.partition("\t")[0] for each in done.stdout.splitlines() if each}


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize(("line", "some", "none"), CASES)
def test_a_shell_offers_what_the_parser_takes(
    shell: str, scripts: Path, line: str, some: set[str], none: set[str], tmp_path: Path
) -> None:
    needs(shell)

    found = offered(shell, scripts / shell, line, tmp_path)

    assert some <= found
    assert none & found == set()


@pytest.mark.parametrize(("words", "some"), [("--format =", "sarif"), ("--format = ma", "markdown")])
def test_bash_offers_values_after_an_equals_sign_at_which_it_splits(words: str, some: str, scripts: Path) -> None:
    """As ``COMP_WORDBREAKS`` has it."""
    assert some in offered("bash", scripts / "bash", f"securetrail review {words}", scripts)


# zsh completes in a terminal only.
ZSH = """
zmodload zsh/zpty
zpty -b z zsh -f -i
zpty -w z 'autoload -U compinit && compinit -D -u; source {script}; print RE""ADY'
zpty -r -m z shown '*READY*'
zpty -n -w z $'{typed}\\t'
zpty -r -m z shown '*{completed}*' && print -r -- found
"""


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("securetrail int", "integrity"), ("securetrail logs query --dialect=a", "--dialect=athena")],
)
def test_zsh_completes_in_a_terminal(scripts: Path, typed: str, completed: str, tmp_path: Path) -> None:
    needs("zsh")
    program = ZSH.format(script=scripts / "zsh", typed=typed, completed=completed)

    done = subprocess.run(
        ("zsh", "-f", "-c", program),
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "TERM": "dumb", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stdout == "found\n", done.stderr


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    verifiers = next(each.choices for each in build_parser()._actions if each.dest == "==SUPPRESS==" and each.choices)

    assert main(["--help"]) == 0
    assert {"review", "completion", *(verifiers or ())} == COMMANDS.keys()
    shown = capsys.readouterr().out
    assert [name for name in COMMANDS if f"\n  {name} " not in shown] == []
