"""The ordinary CDK CLI, run against the lab."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.environment import aws_environment
from lab.errors import LabError
from lab.state import Lab

PROJECT = Path(__file__).resolve().parents[1]

_WITHOUT_QUESTIONS = {"deploy": ["--require-approval", "never"]}


def run(lab: Lab, verb: str, arguments: Sequence[str] = (), *, project: Path = PROJECT) -> int:
    """Runs `cdk VERB` in the project, with its output on this terminal, and returns its exit code (130 for Ctrl-C).

    :param verb: deploy or diff.
    :param arguments: passed on to cdk as they are.
    :raises LabError: the CDK CLI or Node is not installed, or there is no CDK app.
    """
    environment = aws_environment(lab)
    command = [
        str(_cdk(project, environment["PATH"])),
        verb,
        "--no-notices",
        "--output",
        str(lab.home / "cdk.out"),
    ]
    command += [*_WITHOUT_QUESTIONS.get(verb, ()), *arguments]
    with subprocess.Popen(command, cwd=project, env=environment) as child:
        interrupted = False
        while True:
            try:
                code = child.wait()
                break
            except KeyboardInterrupt:  # cdk got it too, and stops in its own way
                interrupted = True
    if interrupted:
        return 130
    return code if code >= 0 else 128 - code


def _cdk(project: Path, path: str) -> Path:
    binary = project / "node_modules" / ".bin" / "cdk"
    if not binary.exists():
        raise LabError(f"The CDK CLI is not installed in {project}. Install it: make lab (or: npm ci)")
    if shutil.which("node", path=path) is None:
        raise LabError("Node, which the CDK CLI needs, is not installed. Install it: make lab")
    if not (project / "cdk.json").exists():
        raise LabError(f"There is no CDK app in {project}: cdk.json is missing.")
    return binary
