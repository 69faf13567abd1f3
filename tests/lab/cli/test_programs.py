"""Running the CDK CLI: what it gets, what comes back, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lab.cli import programs
from lab.cli.bootstrapping import Environment
from lab.errors import LabError
from lab.instance import lifecycle
from lab.instance.folder import HOME_VARIABLE, Lab

ROOT = Path(__file__).parents[3]
Output = pytest.CaptureFixture[str]


def project(folder: Path, script: str) -> Path:
    """A project whose cdk is a script of the test."""
    binary = folder / "node_modules" / ".bin" / "cdk"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    (folder / "cdk.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("deploy", ["--require-approval", "never"]),
        ("diff", []),
        ("bootstrap", ["aws://111122223333/us-east-1", "--app", ""]),
    ],
)
def test_cdk_gets_the_labs_environment_output_folder_and_extra_arguments(
    lab: Lab, tmp_path: Path, capfd: Output, verb: str, expected: list[str]
) -> None:
    where = project(
        tmp_path, 'echo "$AWS_ENDPOINT_URL|$CDK_HOME|$PWD|$PYTHONPATH|$AWS_PROFILE"; for each; do echo "$each"; done'
    )

    code = programs.run_cdk(lab, verb, ["-c", "a=b c"], project=where)

    first, *arguments = capfd.readouterr().out.splitlines()
    assert code == 0
    assert first == f"{lab.endpoint}|{lab.home}/cdk-home|{where}|{where}|"
    assert arguments == [verb, "--no-notices", "--output", str(lab.home / "cdk.out"), *expected, "-c", "a=b c"]


def test_an_account_is_bootstrapped_by_its_own_root_and_trusts_the_labs(
    lab: Lab, tmp_path: Path, capfd: Output
) -> None:
    where = project(tmp_path, 'echo "$AWS_ACCESS_KEY_ID"; for each; do echo "$each"; done')

    ours = Environment("111122223333", "eu-west-1", "ours", "CDKToolkit-ours")
    for environment in (ours, Environment("444455556666", "eu-west-1")):
        assert programs.bootstrap(lab, environment, project=where) == 0

    told = capfd.readouterr().out.splitlines()
    other = told.index("444455556666")
    assert told[0] == lab.access_key_id
    named = ["--qualifier", "ours", "--toolkit-stack-name", "CDKToolkit-ours"]
    assert told[1:other][4:] == ["aws://111122223333/eu-west-1", "--app", "", *named]
    assert told[other + 1 :][4:8] == ["aws://444455556666/eu-west-1", "--app", "", "--trust"]
    assert told[other + 1 :][8] == "111122223333"


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ([], []),
        (["--app", "python3 app.py", "--all"], ["--all"]),
        (["-a", "python3 app.py", "-c", "a=b"], ["-c", "a=b"]),
        (["One", "--app=python3 app.py", "--outputs-file", "app"], ["One", "--outputs-file", "app"]),
        (["-apython3 app.py", "--all"], ["--all"]),
    ],
)
def test_deploying_again_takes_the_assembly_in_place_of_the_app(
    lab: Lab, tmp_path: Path, capfd: Output, monkeypatch: pytest.MonkeyPatch, given: list[str], passed: list[str]
) -> None:
    monkeypatch.setattr(programs, "PROJECT", project(tmp_path, 'for each; do echo "$each"; done'))

    assert programs.deploy_again(lab, given) == 0

    out = str(lab.home / "cdk.out")
    expected = ["deploy", "--no-notices", "--output", out, "--require-approval", "never", *passed, "--app", out]
    assert capfd.readouterr().out.splitlines() == expected


@pytest.mark.parametrize("given", [["--app", "{}"], ["-c", "a=b", "-a", "{}"], ["--app={}"], ["-a{}"], ["-a={}"]])
def test_a_cloud_assembly_in_place_of_an_app_is_deployed_again(
    lab: Lab, tmp_path: Path, capfd: Output, monkeypatch: pytest.MonkeyPatch, given: list[str]
) -> None:
    monkeypatch.setattr(programs, "PROJECT", project(tmp_path, 'for each; do echo "$each"; done'))
    ready = tmp_path / "ready"
    assert programs.ready_assembly([each.format("ready") for each in given]) is None
    ready.mkdir()

    for arguments in ([each.format(name) for each in given] for name in ("ready", ready)):
        assert programs.ready_assembly(arguments) == ready
        assert programs.deploy_again(lab, arguments) == 0
        assert capfd.readouterr().out.splitlines()[-2:] == ["--app", str(ready)]
    assert programs.ready_assembly(["--app"]) is None


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -9 $$", 137)])
def test_the_exit_code_of_cdk_is_passed_on(lab: Lab, tmp_path: Path, script: str, code: int) -> None:
    assert programs.run_cdk(lab, "diff", project=project(tmp_path, script)) == code


def test_a_missing_cdk_or_app_is_named_with_its_fix(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="Install it: make lab"):
        programs.run_cdk(lab, "deploy", project=tmp_path)
    (project(tmp_path, "exit 0") / "cdk.json").unlink()
    with pytest.raises(LabError, match=r"cdk\.json is missing"):
        programs.run_cdk(lab, "deploy", project=tmp_path)


def test_a_missing_node_is_named_with_its_fix(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    with pytest.raises(LabError, match="Node, which the CDK CLI needs, is not installed"):
        programs.run_cdk(lab, "deploy", project=project(tmp_path, "exit 0"))


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 180
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("arguments", "expected"), [([], "TERM"), (["--require-approval", "any-change"], "INT")])
def test_ctrl_c_waits_for_cdk_to_stop_in_its_own_way_and_leaves_the_lab_running(
    lab: Lab, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    script = f'trap "sleep 0.5; touch cleaned; exit 1" {expected}; touch started; while :; do sleep 0.1; done'
    where = project(tmp_path, script)
    program = (
        "import sys; from pathlib import Path; from lab.cli import programs;"
        "from lab.instance import lifecycle; lab = lifecycle.running(Path(sys.argv[1]));"
        "programs.run_cdk(lab, 'deploy', sys.argv[3:], project=Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, str(lab.home), str(where), *arguments]

    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as running:
        wait_for(where / "started")
        os.killpg(running.pid, signal.SIGINT)
        code = running.wait(timeout=60)

    assert (code, (where / "cleaned").exists()) == (-signal.SIGINT, True)
    assert lifecycle.running(lab.home) == lab


@pytest.mark.parametrize("arguments", [[], ["--require-approval", "any-change"]])
def test_ctrl_c_while_cdk_is_being_started_ends_it(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """The process is there, and the object that stands for it is not yet."""

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            if "cdk" in str(given[0][0]):
                started.append(self.pid)
                signal.raise_signal(signal.SIGINT)

    started: list[int] = []
    monkeypatch.setattr(subprocess, "Popen", Interrupted)

    with pytest.raises(KeyboardInterrupt):
        programs.run_cdk(lab, "deploy", arguments, project=project(tmp_path, "exec sleep 600"))

    with pytest.raises(ProcessLookupError):
        os.kill(started[0], signal.SIGKILL)


def test_ctrl_c_while_starting_leaves_nothing_that_breaks_the_next_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "lab", "up"]
    environment = {**os.environ, HOME_VARIABLE: str(home)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, start_new_session=True) as up:
        wait_for(home / "lab.json")
        os.killpg(up.pid, signal.SIGINT)
        _, told = up.communicate(timeout=60)

    interrupted = up.returncode, told.decode().splitlines()[-1], lifecycle.running(home)
    restarted = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    found = lifecycle.running(home)
    lifecycle.stop(home)

    assert interrupted == (130, "Interrupted.", None)
    assert (restarted.returncode, found is not None) == (0, True)


@pytest.mark.slow
def test_ctrl_c_during_a_deployment_is_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path / "home")}
    command = [sys.executable, "-m", "lab", "deploy"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as deploying:
        assert deploying.stderr
        while not deploying.stderr.readline().startswith("cdk deploy"):
            assert deploying.poll() is None
        time.sleep(1)  # so that Python, Node and the app are on their way
        os.killpg(deploying.pid, signal.SIGINT)
        told = deploying.stderr.read()
    lifecycle.stop(tmp_path / "home")

    assert (deploying.returncode, told) == (130, "Interrupted.\n")


@pytest.mark.slow
def test_ctrl_c_in_the_tour_says_that_the_lab_goes_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = {**os.environ, HOME_VARIABLE: str(home)}
    with subprocess.Popen(
        [sys.executable, "-m", "lab", "tour"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as tour:
        assert tour.stdout
        assert tour.stderr
        while not tour.stdout.readline().startswith("── 1."):
            assert tour.poll() is None
        os.killpg(tour.pid, signal.SIGINT)
        told = tour.stderr.read()
    is_running = lifecycle.running(home) is not None
    lifecycle.stop(home)

    assert (tour.returncode, is_running) == (130, True)
    # A program of the deployment may end its own line after that.
    assert told.rstrip("\n").endswith("\nInterrupted. The lab goes on running; make lab-down stops it.")
    assert told.count("Interrupted.") == 1
