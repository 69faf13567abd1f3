"""The commands, as a learner types them."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli.commands import main
from lab.instance import lifecycle
from lab.instance.folder import HOME_VARIABLE, Lab
from lab.scenarios.run import TEXTS
from tests.lab.conftest import Stack, make_client
from tests.programs import THIS_PYTHON

ROOT = Path(__file__).parents[3]
Output = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    found = tmp_path / "home"
    monkeypatch.setenv(HOME_VARIABLE, str(found))
    yield found
    lifecycle.stop(found)


@pytest.fixture
def running(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv(HOME_VARIABLE, str(lab.home))
    return lab


def test_a_session_from_up_to_down(home: Path, capsys: Output) -> None:
    codes = [main([command]) for command in ("status", "up", "up", "status", "down", "down", "status")]

    told = capsys.readouterr()
    assert codes == [1, 0, 0, 0, 0, 0, 1]
    assert "The lab is running at http://127.0.0.1:" in told.out
    assert "The lab is already running at" in told.out
    assert told.out.count("The lab is not running.") == 2
    assert "The lab is stopped.\nThe lab was not running." in told.out
    assert told.err == "Starting the lab ...\n"
    assert not home.exists()


@pytest.mark.usefixtures("running")
def test_status_for_programs_says_what_the_lab_holds(stack: Stack, capsys: Output) -> None:
    stack.deploy({"Queue": {"Type": "AWS::SQS::Queue"}})

    assert main(["status", "--json"]) == 0

    shown = json.loads(capsys.readouterr().out)
    assert shown["running"] is True
    assert shown["account"] == "111122223333"
    assert shown["stacks"][stack.name] == "CREATE_COMPLETE"
    assert shown["events"] > 0
    assert "The lab does not test AWS::SQS::Queue: its properties may be ignored." in shown["warnings"]


def test_status_warns_on_standard_error(running: Lab, stack: Stack, capsys: Output) -> None:
    stack.deploy({"Queue": {"Type": "AWS::SQS::Queue"}})

    assert main(["status"]) == 0

    told = capsys.readouterr()
    assert running.endpoint in told.out
    assert "warning: The lab does not test AWS::SQS::Queue" in told.err


def test_the_key_is_shown_by_env_alone(running: Lab, capsys: Output) -> None:
    for command in (["up"], ["status"], ["status", "--json"]):
        main(command)
    before = capsys.readouterr()
    main(["env"])

    assert running.secret_access_key not in before.out + before.err
    assert f"export AWS_SECRET_ACCESS_KEY='{running.secret_access_key}'" in capsys.readouterr().out


def test_env_for_a_further_account_gives_the_keys_of_its_root(running: Lab, capsys: Output) -> None:
    assert main(["env", "--account", "444455556669"]) == 0

    words = shlex.split(capsys.readouterr().out)
    found = dict(word.split("=", 1) for word in words if re.match("AWS_[A-Z_]+=", word))
    keys = {name: found[name.upper()] for name in ("aws_access_key_id", "aws_secret_access_key")}
    root = make_client(running, "sts", **keys)
    assert root.get_caller_identity()["Arn"] == "arn:aws:iam::444455556669:root"


@pytest.mark.parametrize("account", ["", "44445555666", "4444555566667", "44445555666x", "\u0664" * 12])
def test_an_account_has_twelve_digits(account: str, capsys: Output) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["env", "--account", account])

    assert ended.value.code == 2
    assert f"{account!r} is not an account: it has twelve digits, such as 444455556666" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("command", [["env"], ["deliver"], ["advance", "1"], ["scenario", "exercise"]])
def test_without_a_lab_a_command_says_how_to_start_one(command: list[str], capsys: Output) -> None:
    assert main(command) == 1

    assert capsys.readouterr().err == "error: The lab is not running. Start it: python -m lab up\n"


def test_a_hint_names_the_folder_that_is_not_the_default(running: Lab, tmp_path: Path, capsys: Output) -> None:
    elsewhere = tmp_path / "my lab"

    assert main(["deliver", "--home", str(elsewhere)]) == 1
    [hint] = capsys.readouterr().err.splitlines()
    assert main(["up", "--home", str(running.home), "--region", "eu-west-1"]) == 0

    assert hint.endswith(f"Start it: python -m lab up --home '{elsewhere}'")
    assert capsys.readouterr().err.endswith("stop it first: python -m lab down\n"), "the variable names this one"


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("asked", ["--region=eu-west-1", "--days-ago=2", "--delivery-seconds=9", "--history-seconds=9"])
def test_a_running_lab_keeps_how_it_runs_and_says_so(asked: str, capsys: Output) -> None:
    assert main(["up", asked]) == 0

    assert "keeps its region, port, clock and times of delivery" in capsys.readouterr().err


def test_a_lab_that_is_stopped_while_a_scenario_plays_is_an_error_in_one_line(
    running: Lab, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(lifecycle, "running", lambda _: replace(running, endpoint="http://127.0.0.1:1"))

    assert main(["scenario", "exercise"]) == 2

    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("error: The lab does not answer any more; what was begun is not done.")


@pytest.mark.usefixtures("running")
def test_a_running_lab_of_which_nothing_else_is_asked_says_nothing(capsys: Output) -> None:
    assert main(["up"]) == 0

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments", [[], ["fly"], ["up", "--port", "many"], ["status", "--wrong"]])
def test_wrong_usage_is_exit_code_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)

    assert stopped.value.code == 2


def test_an_option_of_cdk_without_the_dashes_is_told_where_it_goes(capsys: Output) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["deploy", "--app", "python3 app.py"])

    assert stopped.value.code == 2
    assert "goes after --: python -m lab deploy -- --app ..." in capsys.readouterr().err


def test_the_help_of_scenario_says_what_each_does(capsys: Output) -> None:
    with pytest.raises(SystemExit):
        main(["scenario", "--help"])

    told = capsys.readouterr().out.partition("\nscenarios:\n")[2].splitlines()
    assert [line.split()[0] for line in told] == list(TEXTS)
    assert all(len(line.split()) > 5 for line in told)


@pytest.mark.usefixtures("home")
def test_an_error_is_one_line_and_exit_code_two(capsys: Output) -> None:
    assert main(["up", "--region", "moon"]) == 2

    assert capsys.readouterr().err.splitlines()[-1].startswith("error: 'moon' is not a region of the lab.")


def test_help_teaches(capsys: Output) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])

    told = capsys.readouterr().out
    assert stopped.value.code == 0
    assert 'eval "$(python -m lab env)"' in told
    assert "exit codes" in told


def test_ctrl_c_is_exit_code_130(running: Lab, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lifecycle, "ask", interrupt)

    assert main(["status"]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"
    assert running.home.exists()


def test_output_into_a_closed_pipe_is_no_error(running: Lab) -> None:
    command = f"{THIS_PYTHON} -m lab env | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, HOME_VARIABLE: str(running.home)}

    done = subprocess.run(["/bin/bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("running")
def test_somebody_signs_in_to_the_console_or_fails_to(capsys: Output) -> None:
    codes = [
        main(["signin"]),
        main(["signin", "--mfa", "--from", "203.0.113.9"]),
        main(["signin", "--user", "learner", "--fail"]),
        main(["signin", "--user", "learner"]),
    ]

    told = capsys.readouterr()
    assert codes == [0, 0, 0, 2]
    assert told.out.splitlines() == ["ConsoleLogin: Success", "ConsoleLogin: Success", "ConsoleLogin: Failure"]
    assert "The user learner has no password for the console." in told.err
