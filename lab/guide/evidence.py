"""What the verifier says about a learner's lab: it runs as a program, once for each question."""

import json
import subprocess
import sys
from typing import Any

from lab.errors import LabError
from lab.instance.environment import aws_environment
from lab.instance.folder import PROJECT, Lab
from lab.scenarios.answers import saved

# Of `python -m verify`: passed, failed, not known. With 2 it was called wrongly, and 130 is Ctrl-C.
_ANSWERED = (0, 1, 3)


class Evidence:
    """Answers about one lab; what was asked once is not asked again."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._answers: dict[tuple[str, ...], Any] = {}

    def check(self) -> dict[str, Any]:
        """The document of `verify check`."""
        found: dict[str, Any] = self._ask("check")
        return found

    def status(self, check: str) -> str:
        """What came out of one check, by its id: PASS, FAIL, ADVICE, N/A or UNKNOWN."""
        return next(str(each["status"]) for each in self.check()["results"] if each["id"] == check)

    def score(self) -> tuple[int, int]:
        """The lower and the upper end of the account's score, of 100."""
        found = self._ask("score")["score"]
        return int(found["low"]), int(found["high"])

    def calls(self) -> set[str]:
        """The names of the calls that the event history of all regions has and that did not fail."""
        found = self._ask("events", "--all-regions", "--limit", "0")
        return {str(each["eventName"]) for each in found if not each.get("errorCode")}

    def number_of_altered(self) -> int:
        """How many files of the trail are altered or missing."""
        chains = self._ask("integrity", "--since", "1d")["chains"]
        return sum(each["logs"].get(verdict, 0) for each in chains for verdict in ("altered", "missing"))

    def is_solved(self, hunt: str) -> bool:
        """Whether all facts of a hunt are found.

        :raises LabError: what was played cannot be read.
        """
        played = saved.read(self._lab).get(hunt)
        return played is not None and bool(played.facts) and all(each.is_found for each in played.tries.values())

    def _ask(self, *arguments: str) -> Any:
        if arguments not in self._answers:
            self._answers[arguments] = _run(self._lab, arguments)
        return self._answers[arguments]


def _run(lab: Lab, arguments: tuple[str, ...]) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "verify", *arguments, "--json"],
        cwd=PROJECT,
        env=aws_environment(lab),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        if done.returncode not in _ANSWERED:
            raise ValueError  # noqa: TRY301 - as an answer that is none
        answer = json.loads(done.stdout)
        if "error" in answer:  # an error is JSON as well
            raise ValueError  # noqa: TRY301 - as above
    except ValueError as error:
        said = done.stderr.strip() or f"it ended with exit code {done.returncode}"
        raise LabError(f"What was built could not be looked at: python -m verify {arguments[0]}: {said}") from error
    return answer
