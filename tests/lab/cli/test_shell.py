"""`python -m lab env`: what real shells make of its lines."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.cli import aws_program
from lab.cli.commands import main
from lab.cli.shell import shell_lines
from lab.instance.environment import own_programs_first
from lab.instance.folder import HOME_VARIABLE, Lab
from tests.programs import THIS_PYTHON, needs
from tests.tiers import mostly_slow

ROOT = Path(__file__).parents[3]
SHELLS = ("bash", "dash", "fish", "zsh")
OWN = str(Path(sys.executable).parent)
# Without the user's own settings, which may print and change anything.
PLAIN = {"bash": ["--norc"], "dash": [], "fish": ["--no-config"], "zsh": ["-f"]}

# Everything that an environment can hold, and more often what means something to a shell.
VALUES = st.text(
    st.one_of(
        st.sampled_from("'\"\\$`!#~*?[]{}()<>|&; \t\n\r=%^@:\u2018\u2019"),
        st.characters(codec="utf-8", exclude_characters="\0"),
    ),
    max_size=20,
)


def environment_after(shell: str, lines: list[str], before: dict[str, str], folder: Path) -> dict[str, str]:
    """The environment of a program that is started in a shell which has taken the lines as a learner gives them."""
    (folder / "lines").write_bytes(os.fsencode("\n".join(lines) + "\n"))
    show = f'{THIS_PYTHON} -c \'import os; os.write(1, b"\\0".join(k + b"=" + v for k, v in os.environb.items()))\''
    take = "cat lines | source" if shell == "fish" else 'eval "$(cat lines)"'
    command = [shell, *PLAIN[shell], "-c", f"{take}; {show}"]
    done = subprocess.run(command, env=before, cwd=folder, capture_output=True, check=True)
    assert done.stderr == b""
    pairs = (pair.partition(b"=") for pair in done.stdout.split(b"\0"))
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_takes_every_value_as_it_is_meant(shell: str, tmp_path: Path) -> None:
    needs(shell)
    before = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}

    # A shell takes a hundred values at once: starting one for each would take most of the time.
    @settings(max_examples=15, deadline=None)
    @given(st.lists(VALUES, min_size=1, max_size=100))
    def check(values: list[str]) -> None:
        variables = {f"AWS_V{number}": value for number, value in enumerate(values)}
        found = environment_after(shell, shell_lines(variables, {}, shell), before, tmp_path)
        assert {name: found.get(name) for name in variables} == variables

    check()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_forgets_what_leads_elsewhere_and_keeps_the_rest(shell: str, tmp_path: Path) -> None:
    needs(shell)
    before = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL_S3": "https://real.example.com",
        "AWS_REGION": "us-gov-west-1",
        "https_proxy": "http://proxy",
        "EDITOR": "vi",
    }

    found = environment_after(shell, shell_lines({"AWS_REGION": "eu-west-1"}, before, shell), before, tmp_path)

    assert {name for name in found if name.startswith("AWS_") or "proxy" in name} == {"AWS_REGION"}
    assert (found["AWS_REGION"], found["EDITOR"]) == ("eu-west-1", "vi")


def test_a_universal_variable_of_fish_stays_and_is_named(tmp_path: Path) -> None:
    needs("fish")
    lines = "\n".join(shell_lines({"AWS_REGION": "eu-west-1"}, ["AWS_PROFILE"], "fish"))
    script = 'set -Ux AWS_PROFILE mine; printf %s "$LINES_TO_TAKE" | source; echo $AWS_PROFILE'

    done = subprocess.run(
        ["fish", "-c", script],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LINES_TO_TAKE": lines},
        capture_output=True,
        text=True,
    )

    assert done.stdout == "mine\n"
    [warning] = done.stderr.splitlines()
    assert warning.endswith("AWS_PROFILE still leads elsewhere. Erase it: set -eU AWS_PROFILE")


def test_the_lines_for_powershell() -> None:
    """Compared as text: the machines that run the tests have no PowerShell."""
    values = {
        "AWS_A": 'it\'s $x `n "quoted" \\',
        "AWS_B": "two\nlines",
        "AWS_C": "\u2018\u2019\u201a\u201b",
        "AWS_D": "",
    }

    lines = shell_lines(values, ["AWS_PROFILE", "AWS_A"], "powershell")

    assert lines == [
        "Remove-Item Env:AWS_PROFILE -ErrorAction SilentlyContinue",
        "$env:AWS_A = 'it''s $x `n \"quoted\" \\'",
        "$env:AWS_B = 'two\nlines'",
        "$env:AWS_C = '\u2018\u2018\u2019\u2019\u201a\u201a\u201b\u201b'",
        "$env:AWS_D = ''",
    ]
    assert shell_lines(values, [], "pwsh") == shell_lines(values, [], "powershell")


@pytest.mark.parametrize("shell", mostly_slow(SHELLS, every=4))
def test_the_command_knows_the_shell_that_runs_it(shell: str, lab: Lab, tmp_path: Path) -> None:
    """Twice, in a shell whose PATH has an old aws first and holds what is no text in any encoding."""
    needs(shell)
    strange = os.fsdecode(b"/tmp/\xff it's \\ here")
    old = program_that_says(tmp_path / "old", "aws-cli/2.9.19 Python/3.11.2 Linux/6 source/x86_64.debian.12")
    takes = taking(shell, f"{THIS_PYTHON} -m lab env")
    show = f'{THIS_PYTHON} -c \'import os, shutil; print(ascii([os.environ["PATH"], shutil.which("aws")]))\''

    done = subprocess.run(
        [shell, *PLAIN[shell], "-c", "; ".join([takes, takes, show, "aws configure get region"])],
        cwd=ROOT,
        env={
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",  # in the C locale fish changes such a PATH by itself
            "SHELL": "/bin/another",
            "PATH": f"{old}:{strange}:{os.environ['PATH']}",
            HOME_VARIABLE: str(lab.home),
        },
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    others = [each for each in os.environ["PATH"].split(":") if each != OWN]
    path = ":".join([OWN, str(old), strange, *others])
    assert done.stdout == f"{[path, f'{OWN}/aws']!a}\n{lab.region}\n"


def test_the_shell_of_a_lab_elsewhere_goes_on_with_that_lab(lab: Lab) -> None:
    env, status = (f"{THIS_PYTHON} -m lab {command}" for command in (f"env --home {lab.home}", "status --json"))
    environment = {"HOME": "/", "PATH": os.environ["PATH"]}

    done = subprocess.run(["sh", "-c", f'eval "$({env})"; {status}'], cwd=ROOT, env=environment, capture_output=True)

    assert json.loads(done.stdout)["endpoint"] == lab.endpoint


def test_another_shell_can_be_chosen(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(lab.home))

    assert main(["env", "--shell", "fish"]) == 0

    assert f"set -gx AWS_ENDPOINT_URL '{lab.endpoint}'\n" in capfd.readouterr().out


@given(st.lists(st.sampled_from(["/usr/bin", "/bin", "", OWN, "/opt/aws bin"])))
def test_the_labs_programs_come_first_however_often(folders: list[str]) -> None:
    once = own_programs_first(os.pathsep.join(folders))

    assert own_programs_first(once) == once
    assert once.split(os.pathsep)[0] == OWN
    assert once.split(os.pathsep).count(OWN) == 1
    rest = [each for each in folders if each != OWN]
    assert once.split(os.pathsep)[1:] == rest or folders in ([], [""])


REAL = {
    "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_REGION": "eu-west-1",
}
# Imports of what is installed beside Python fail, as under a python of the system's.
WITHOUT_DEPENDENCIES = f"{THIS_PYTHON} -S -m lab env"


@pytest.mark.parametrize("shell", mostly_slow(SHELLS, every=4))
@pytest.mark.parametrize(
    ("command", "told"),
    mostly_slow(
        [
            (f"{THIS_PYTHON} -m lab env", "error: The lab is not running. Start it: python -m lab up\n"),
            (f"{THIS_PYTHON} -m lab env --account 1", "is not an account"),
            (f"{THIS_PYTHON} -m lab env --wrong", "unrecognized arguments"),
            (f"{THIS_PYTHON} -m lab env --home /proc/1/cwd", "error: "),
            (WITHOUT_DEPENDENCIES, "is missing"),
        ],
        every=4,
    ),
    ids=["no lab", "wrong account", "wrong usage", "wrong folder", "wrong python"],
)
def test_a_shell_that_cannot_be_led_to_the_lab_reaches_nothing(
    shell: str, command: str, told: str, tmp_path: Path
) -> None:
    """Whatever led to a real account: keys, a profile, and endpoints that a server of the test listens on."""
    needs(shell)
    with socket.create_server(("127.0.0.1", 0)) as real:
        url = f"http://127.0.0.1:{real.getsockname()[1]}"
        (tmp_path / "config").write_text(f"[default]\nregion = eu-west-1\nendpoint_url = {url}\n")
        before = {
            "HOME": str(tmp_path),
            "PATH": f"{OWN}:{os.environ['PATH']}",
            HOME_VARIABLE: str(tmp_path / "lab"),
            **REAL,
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_ENDPOINT_URL_CLOUDTRAIL": url,
        }
        calls = "echo status $status" if shell == "fish" else "echo status $?"
        calls += "; aws cloudtrail stop-logging --name ch03-security-trail; aws sts get-caller-identity"

        done = subprocess.run(
            [shell, *PLAIN[shell], "-c", f"{taking(shell, command)}; {calls}"],
            cwd=ROOT,
            env=before,
            capture_output=True,
            text=True,
        )
        real.setblocking(False)  # noqa: FBT003 - its name in Python
        with pytest.raises(BlockingIOError):
            real.accept()

    assert done.stdout == "status 1\n"
    assert told in done.stderr
    assert done.stderr.count('Could not connect to the endpoint URL: "http://127.0.0.1:1/"') == 2


def test_powershell_too_is_told_to_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env", "--shell", "powershell", "--home", str(tmp_path / "lab")]) == 1

    told = capsys.readouterr().out
    assert "$env:AWS_ENDPOINT_URL = 'http://127.0.0.1:1'\n" in told
    assert told.endswith("\n$global:LASTEXITCODE = 1\n")


def taking(shell: str, command: str) -> str:
    """How a shell takes the lines that a command prints."""
    return f"{command} | source" if shell == "fish" else f'eval "$({command})"'


def program_that_says(folder: Path, text: str) -> Path:
    folder.mkdir()
    program = folder / "aws"
    program.write_text(f"#!/bin/sh\necho '{text}'\n")
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("aws-cli/1.28.9 Python/3.8", "is version 1.28.9, which ignores AWS_ENDPOINT_URL"),
        ("aws-cli/1.29.0 Python/3.8", ""),
        ("aws-cli/2.9.19 Python/3.11.2", "is version 2.9.19, which ignores AWS_ENDPOINT_URL"),
        ("aws-cli/2.12.7 Python/3.11.2", "is version 2.12.7, which ignores AWS_ENDPOINT_URL"),
        ("aws-cli/2.13.0 Python/3.11.2", ""),
        ("aws-cli/2.31.0 Python/3.13", ""),
        ("aws-cli/3.0.0 Python/3.13", ""),
        ("hello", "does not say its version"),
    ],
)
def test_an_aws_that_ignores_the_endpoint_is_reported(version: str, told: str, tmp_path: Path) -> None:
    folder = program_that_says(tmp_path / "bin", version)

    notice = aws_program.notice_about_aws(f"{folder}:/usr/bin")

    assert (told in notice, bool(notice), "\n" in notice) == (True, bool(told), False)
    assert str(folder / "aws") in notice or not told


def test_the_labs_own_aws_is_not_run_and_a_missing_one_is_reported() -> None:
    assert aws_program.notice_about_aws(OWN) == ""
    assert "there is no aws" in aws_program.notice_about_aws("/nowhere")
