"""The guided tour: deploy, check, score, and find one's own calls.

Every step is an ordinary command that a learner can run again; the tour only puts them in order and keeps the score
from before the deployment, so that the score after it can be compared.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.cli import programs
from lab.errors import LabError
from lab.instance import control
from lab.instance.environment import aws_environment
from lab.instance.folder import PROJECT, Lab, write_file

# The lab has no GuardDuty, for instance, so that the score is a range: 3.
_SCORED = (0, 3)


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the tour.

    :param title: what it is for, for the learner.
    :param command: what to type to run it again, without the program's path.
    :param fine: the exit codes after which the tour goes on.
    """

    title: str
    command: tuple[str, ...]
    fine: tuple[int, ...] = (0,)


def steps(lab: Lab) -> Iterator[Step]:
    """The tour's steps, in order."""
    yield Step("Deploy the key, the bucket and the trail with the ordinary CDK CLI", ("lab", "deploy"))
    yield Step("Check what is deployed", ("verify", "check"))
    yield Step("Score the account", ("verify", "score", "--compare", str(_score_before(lab))), fine=_SCORED)
    yield Step("Make four calls that only read and find them in the event history", ("verify", "detective"))


def remember_score(lab: Lab) -> None:
    """Keep the account's score from before the first deployment.

    :raises LabError: the score could not be computed.
    """
    path = _score_before(lab)
    if path.exists():
        return
    done = subprocess.run(
        [sys.executable, "-m", "verify", "score", "--json"],
        cwd=PROJECT,
        env=aws_environment(lab),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    # An error is JSON as well, and can end with 3; a score has a format.
    if done.returncode not in _SCORED or '"format"' not in done.stdout:
        raise LabError(f"The account could not be scored; 'python -m verify score' ended with {done.returncode}.")
    # Renamed into place: an interrupted tour must not leave half a score behind.
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_file(path.parent, path.name, done.stdout)


def run(lab: Lab, step: Step) -> int:
    """Run one step with its output on this terminal, and return its exit code."""
    if step.command == ("lab", "deploy"):
        code = programs.run_cdk(lab, "deploy")
        if code == 0:
            # The check that follows does not know whether a trail delivers before it has delivered something.
            control.deliver(lab)
        return code
    module, *arguments = step.command
    return programs.run_module(lab, module, arguments)


def _score_before(lab: Lab) -> Path:
    return lab.home / "data" / "score-before.json"
