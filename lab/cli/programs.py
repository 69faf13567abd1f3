"""The CDK CLI and the project's own commands, run against the lab."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lab.errors import LabError
from lab.instance.environment import aws_environment
from lab.instance.folder import PROJECT, Lab

_POLL_SECONDS = 0.05
_GROUP_POLLS = 60

# The stack that `cdk bootstrap` makes.
TOOLKIT = "CDKToolkit"


def run_cdk(lab: Lab, verb: str, arguments: Sequence[str] = (), *, project: Path = PROJECT) -> int:
    """Runs `cdk VERB` in the project, with its output on this terminal, and returns its exit code.

    :param verb: bootstrap, deploy or diff.
    :param arguments: passed on to cdk as they are.
    :raises LabError: the CDK CLI or Node is not installed, or there is no CDK app.
    :raises KeyboardInterrupt: Ctrl-C, once cdk has stopped in its own way.
    """
    # An app of one's own imports `constructs_lib` wherever it lies.
    environment = aws_environment(lab) | {"PYTHONPATH": str(project)}
    command = [
        str(_cdk(project, environment["PATH"])),
        verb,
        "--no-notices",
        "--output",
        str(_output(lab)),
    ]
    command += [*_own_arguments(lab, verb), *arguments]
    # Ctrl-C goes to a whole process group, and every Python in it (the app, the node of this environment) answers
    # with a traceback. Where cdk has nothing to ask it gets a group of its own, and a SIGTERM instead.
    is_apart = not arguments
    own_group = {"process_group": 0, "stdin": subprocess.DEVNULL} if is_apart else {}
    with subprocess.Popen(command, cwd=project, env=environment, umask=0o077, **own_group) as child:  # type: ignore[call-overload]
        interrupted = False
        while True:
            try:
                code = child.wait()
                break
            except KeyboardInterrupt:
                interrupted = True
                if is_apart:
                    os.killpg(child.pid, signal.SIGTERM)
    if interrupted:
        if is_apart:
            _wait_for_group(child.pid)
        raise KeyboardInterrupt
    return int(code if code >= 0 else 128 - code)


def run_module(lab: Lab, module: str, arguments: Sequence[str] = ()) -> int:
    """Runs `python -m MODULE` with its input and output on this terminal, and returns its exit code."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=aws_environment(lab), check=False).returncode


def _wait_for_group(group: int) -> None:
    """Waits for what cdk started: as long as it lives, it keeps the next deployment out of cdk's folder."""
    for _ in range(_GROUP_POLLS):
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(_POLL_SECONDS)


def wants_bootstrap(lab: Lab, *, since_seconds: float) -> bool:
    """Whether the app as it was synthesized last has a stack for a bootstrapped account only.

    :param since_seconds: seconds since the epoch; what was synthesized before then tells nothing of a failure after.
    """
    path = _output(lab) / "manifest.json"
    try:
        if path.stat().st_mtime < since_seconds:
            return False
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # the app failed, or Ctrl-C came while it wrote
        return False
    artifacts = manifest.get("artifacts", {}).values()
    return any("requiresBootstrapStackVersion" in each.get("properties", {}) for each in artifacts)


def _own_arguments(lab: Lab, verb: str) -> list[str]:
    if verb == "deploy":
        return ["--require-approval", "never"]
    if verb == "bootstrap":  # the account is all that it needs; an app costs a synth
        return [f"aws://{lab.account}/{lab.region}", "--app", ""]
    return []


def _output(lab: Lab) -> Path:
    return lab.home / "cdk.out"


def _cdk(project: Path, path: str) -> Path:
    binary = project / "node_modules" / ".bin" / "cdk"
    if not binary.exists():
        raise LabError(f"The CDK CLI is not installed in {project}. Install it: make lab (or: npm ci)")
    if shutil.which("node", path=path) is None:
        raise LabError("Node, which the CDK CLI needs, is not installed. Install it: make lab")
    if not (project / "cdk.json").exists():
        raise LabError(f"There is no CDK app in {project}: cdk.json is missing.")
    return binary
