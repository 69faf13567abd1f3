"""The CDK CLI and the project's own commands, run against the lab."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.cli.bootstrapping import Environment
from lab.errors import LabError
from lab.instance.environment import aws_environment, lab_variables
from lab.instance.folder import PROJECT, Lab

_POLL_SECONDS = 0.05
_GROUP_POLLS = 60


def run_cdk(lab: Lab, verb: str, arguments: Sequence[str] = (), *, project: Path = PROJECT) -> int:
    """Runs `cdk VERB` in the project, with its output on this terminal, and returns its exit code.

    :param verb: bootstrap, deploy or diff.
    :param arguments: passed on to cdk as they are.
    :raises LabError: the CDK CLI or Node is not installed, or there is no CDK app.
    :raises KeyboardInterrupt: Ctrl-C, once cdk has stopped in its own way.
    """
    return _run(lab, verb, [*_own_arguments(lab, verb), *arguments], project, is_apart=not arguments)


def bootstrap(lab: Lab, environment: Environment, *, project: Path = PROJECT) -> int:
    """Runs `cdk bootstrap` for an account and a Region of the lab, as the root of the account if it is another one.

    :raises LabError: as `run_cdk`.
    :raises KeyboardInterrupt: as `run_cdk`.
    """
    arguments = environment.arguments(lab)
    other = environment.account if environment.account != lab.account else None
    return _run(lab, "bootstrap", arguments, project, is_apart=True, account=other)


def assembly(lab: Lab) -> Path:
    """The folder that cdk writes the cloud assembly of an app to."""
    return lab.home / "cdk.out"


def ready_assembly(arguments: Sequence[str]) -> Path | None:
    """The folder that was given in place of an app: a cloud assembly that cdk takes as it is."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--app", "-a", nargs="?")
    app = parser.parse_known_args(arguments)[0].app
    folder = PROJECT / app if app else None
    return folder if folder is not None and folder.is_dir() else None


def deploy_again(lab: Lab, arguments: Sequence[str]) -> int:
    """Runs `cdk deploy` with the arguments of a deployment that failed, and the cloud assembly that it made.

    :raises LabError: as `run_cdk`.
    :raises KeyboardInterrupt: as `run_cdk`.
    """
    app = ready_assembly(arguments) or assembly(lab)
    again = [*_own_arguments(lab, "deploy"), *_without_app(arguments), "--app", str(app)]
    return _run(lab, "deploy", again, PROJECT, is_apart=not arguments)


def _without_app(arguments: Sequence[str]) -> Iterator[str]:
    rest = iter(arguments)
    for each in rest:
        if each in ("--app", "-a"):
            next(rest, None)
        elif not each.startswith(("--app=", "-a")):
            yield each


def _run(
    lab: Lab, verb: str, arguments: Sequence[str], project: Path, *, is_apart: bool, account: str | None = None
) -> int:
    # An app of one's own imports `constructs_lib` wherever it lies.
    environment = aws_environment(lab) | lab_variables(lab, account) | {"PYTHONPATH": str(project)}
    cdk = str(_cdk(project, environment["PATH"]))
    command = [cdk, verb, "--no-notices", "--output", str(assembly(lab)), *arguments]
    # Ctrl-C goes to a whole process group, and every Python in it (the app, the node of this environment) answers
    # with a traceback. Where cdk has nothing to ask it gets a group of its own, and a SIGTERM instead.
    own_group = {"process_group": 0, "stdin": subprocess.DEVNULL} if is_apart else {}
    children: list[subprocess.Popen[bytes]] = []

    def end() -> None:
        for child in children:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(child.pid, signal.SIGTERM)

    with _ctrl_c_later(end if is_apart else None) as presses:
        with subprocess.Popen(command, cwd=project, env=environment, umask=0o077, **own_group) as child:  # type: ignore[call-overload]
            if is_apart:
                children.append(child)
            if presses:  # while it was being started, when nothing of it could be told
                end() if is_apart else child.send_signal(signal.SIGINT)
            code = child.wait()
        if presses and is_apart:
            _wait_for_group(child.pid)
    return int(code if code >= 0 else 128 - code)


def run_module(lab: Lab, module: str, arguments: Sequence[str] = ()) -> int:
    """Runs `python -m MODULE` with its input and output on this terminal, and returns its exit code."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=aws_environment(lab), check=False).returncode


@contextmanager
def _ctrl_c_later(action: Callable[[], None] | None) -> Iterator[list[int]]:
    """Ctrl-C within the block is an action and nothing else, and raises KeyboardInterrupt where the block ends: raised
    while a program is being started, it would leave the program running, known to nobody.

    :returns: grows with each Ctrl-C.
    """
    presses: list[int] = []

    def pressed(number: int, _frame: object) -> None:
        presses.append(number)
        if action is not None:
            action()

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # `nohup`, and whoever has a handler of their own
        yield presses
        return
    signal.signal(signal.SIGINT, pressed)
    try:
        yield presses
    finally:
        signal.signal(signal.SIGINT, before)
    if presses:
        raise KeyboardInterrupt


def _wait_for_group(group: int) -> None:
    """Waits for what cdk started: as long as it lives, it keeps the next deployment out of cdk's folder."""
    for _ in range(_GROUP_POLLS):
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(_POLL_SECONDS)


def _own_arguments(lab: Lab, verb: str) -> list[str]:
    if verb == "deploy":
        return ["--require-approval", "never"]
    if verb == "bootstrap":
        return Environment(lab.account, lab.region).arguments(lab)
    return []


def _cdk(project: Path, path: str) -> Path:
    binary = project / "node_modules" / ".bin" / "cdk"
    if not binary.exists():
        raise LabError(f"The CDK CLI is not installed in {project}. Install it: make lab (or: npm ci)")
    if shutil.which("node", path=path) is None:
        raise LabError("Node, which the CDK CLI needs, is not installed. Install it: make lab")
    if not (project / "cdk.json").exists():
        raise LabError(f"There is no CDK app in {project}: cdk.json is missing.")
    return binary
