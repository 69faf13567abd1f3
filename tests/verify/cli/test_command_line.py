"""The command line's own edges: empty options, outputs that cannot be written, endpoints that are none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.aws_environment import aws_variables, use_clean_aws_environment
from tests.programs import THIS_PYTHON
from tests.verify.simulation.refusing_aws import RefusingAws, serve
from verify.cli import main

pytestmark = pytest.mark.regular

REPOSITORY = Path(__file__).parents[3]
COMMANDS = ["check", "score", "events", "integrity"]
_AWS = aws_variables(AWS_REGION="us-east-1")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    use_clean_aws_environment(monkeypatch, AWS_REGION="us-east-1")


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command.replace("verify", f"{THIS_PYTHON} -m verify", 1)],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **_AWS, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *(("check", option) for option in ("--trail", "--bucket", "--key", "--stack")),
        *(("integrity", option) for option in ("--trail", "--source", "--state", "--prefix", "--keys", "--output")),
        *(("events", option) for option in ("--name", "--source", "--resource-type", "--since")),
        *((command, option) for command in COMMANDS for option in ("--region", "--profile", "--endpoint-url")),
    ],
)
def test_an_empty_option_is_wrong_usage_and_named(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, option, ""]) == 2

    printed = capsys.readouterr()
    assert printed.err.startswith(f"error: {option} is empty.")
    assert (printed.out, printed.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (["hunt", "timeline", "--principal", "alice", "--in", ""], "--in"),
        (["hunt", "timeline", "--principal", "alice", "--trust-key", ""], "--trust-key"),
        (["hunt", "rules", "test", ""], "PLACE"),
        (["hunt", "--in", ""], "--in"),
        (["logs", "query", ""], "SELECT"),
        (["logs", "show", "--event-id", ""], "--event-id"),
    ],
)
def test_what_is_empty_is_named_as_the_usage_names_it(
    typed: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == 2

    assert capsys.readouterr().err.startswith(f"error: {name} is empty.")


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://127.0.0.1:abc", "ftp://x"])
@pytest.mark.parametrize("command", [*COMMANDS, "detective"])
def test_an_endpoint_that_is_none_is_wrong_usage(command: str, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--region", "us-east-1", "--endpoint-url", url]) == 2

    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("command", ["events", "integrity"])
def test_an_endpoint_where_nothing_listens_is_known_soon(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = time.monotonic()

    assert main([command, "--region", "us-east-1", "--endpoint-url", "http://127.0.0.1:1"]) == 3

    assert time.monotonic() - before < 30
    told = capsys.readouterr().err
    assert "http://127.0.0.1:1" in told
    assert "Is it the lab's? Then start it (python -m lab up)" in told


@pytest.mark.parametrize("command", ["check", "score", "check --print-iam-policy"])
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_an_output_that_cannot_be_written_is_one_line_and_exit_3(command: str, redirection: str) -> None:
    with serve(RefusingAws("AccessDenied")) as aws:
        done = shell(f"verify {command} {redirection}", AWS_ENDPOINT_URL=aws.url)

    assert done.returncode == 3
    assert done.stderr.startswith("error: ")
    assert done.stderr.splitlines()[1:] == []


def test_an_error_whose_json_cannot_be_written_is_the_same_error() -> None:
    done = shell("verify integrity --json --since nonsense >/dev/full")

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and "'nonsense' is not a duration" in done.stderr


@pytest.mark.parametrize("columns", ["0", "40", "200"])
def test_a_terminal_of_any_width_gets_the_report(columns: str) -> None:
    on_a_terminal = [sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])"]
    with serve(RefusingAws("AccessDenied")) as aws:
        done = subprocess.run(
            [*on_a_terminal, sys.executable, "-m", "verify", "check"],
            cwd=REPOSITORY,
            env={**_AWS, "PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": aws.url, "COLUMNS": columns, "TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert "Course checks: 0/7" in done.stdout
    assert ("Resource" in done.stdout) is (columns != "40")


def test_a_locale_without_the_characters_of_the_report_gets_others() -> None:
    with serve(RefusingAws("AccessDenied")) as aws:
        done = shell("verify score", AWS_ENDPOINT_URL=aws.url, LC_ALL="C", PYTHONIOENCODING="ascii")

    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert "Score: 0?100 of 100" in done.stdout


@pytest.mark.parametrize(
    ("command", "alone"),
    [
        ("check", 3),
        pytest.param("check --json", 3, marks=pytest.mark.slow),
        pytest.param("score", 3, marks=pytest.mark.slow),
        ("score --json", 3),
        ("events", 3),
        ("integrity", 3),
        ("who", 3),
        *(pytest.param(each, 3, marks=pytest.mark.slow) for each in ("detective", "logs stats", "hunt", "check --who")),
        ("check --print-iam-policy", 0),
    ],
)
def test_a_closed_pipe_changes_no_exit_code(command: str, alone: int) -> None:
    with serve(RefusingAws("AccessDenied")) as aws:
        done = shell(f"set -o pipefail; verify {command} | true", AWS_ENDPOINT_URL=aws.url)

    assert (done.returncode, "Traceback" in done.stderr) == (alone, False), done.stderr


@pytest.mark.parametrize("command", ["check", "score", "events"])
def test_a_region_that_does_not_exist_is_wrong_usage(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with serve(RefusingAws("AccessDenied")) as aws:
        assert main([command, "--region", "us-east-9", "--endpoint-url", aws.url]) == 2

    told = capsys.readouterr().err
    assert "us-east-9" in told
    assert "us-east-1" in told


@pytest.mark.slow
def test_when_everything_is_throttled_the_answer_comes_within_half_a_minute() -> None:
    """Nearly all of it is waiting, so the commands wait beside each other."""
    before = time.monotonic()
    with (
        serve(RefusingAws("SlowDown", status=503)) as s3,
        serve(RefusingAws("ThrottlingException", status=503)) as others,
        ThreadPoolExecutor(3) as pool,
    ):
        asked = [f"check --endpoint-url {s3.url}", f"score --endpoint-url {others.url}"]
        asked.append(f"check --who --endpoint-url {others.url}")
        ended = list(pool.map(shell, [f"verify {command} --json" for command in asked]))

    assert [done.returncode for done in ended] == [3, 3, 3]
    assert all("UNKNOWN" in done.stdout for done in ended)
    assert time.monotonic() - before < 30


@pytest.mark.parametrize("command", ["check", "score", "events", "detective", "integrity", "who"])
def test_a_fault_of_the_program_is_one_line_and_no_verdict(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own exit code is 1, which says that something failed, or was tampered with."""

    def run(*_: object) -> int:
        raise KeyError("what nobody\nforesaw \x1b[31m")

    monkeypatch.setattr(f"verify.cli.{command}.run", run)

    assert main([command]) == 3

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1 and "\x1b" not in said.err
    assert "Please report it" in said.err and "KeyError" in said.err and "test_command_line.py:" in said.err


@pytest.mark.parametrize("options", [["--json"], ["--format", "json"], ["--format=json"]])
@pytest.mark.parametrize("code", [2, 3])
def test_a_program_finds_an_error_where_it_looks_for_the_answer(
    options: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object) -> int:
        raise KeyError("nobody foresaw this")

    if code == 3:
        monkeypatch.setattr("verify.cli.integrity.run", run)

    assert main(["integrity", "--since", "a while", *options]) == code

    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["exitCode"] == code and found["error"] in said.err


@pytest.mark.parametrize(
    "command", ["integrity --sicne 2d --json", "integrity --format json nothing", "nothing --json", "check --json 2"]
)
def test_a_program_finds_also_what_is_wrong_with_the_command_line(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(command.split())

    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["exitCode"] == 2 and f"error: {found['error']}\n" in said.err


@pytest.mark.parametrize("environment", [{}, {"PYTHONDEVMODE": "1"}])
def test_a_fault_at_the_start_is_one_line_and_no_verdict(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['verify.cli'] = object()\n")

    done = shell("verify check", PYTHONPATH=str(tmp_path), **environment)

    assert done.returncode == 3
    assert ("Traceback" in done.stderr) == bool(environment)
    assert "Please report it" in done.stderr
