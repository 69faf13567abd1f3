"""Each side runs with what its own lock pins, and what a dependency alone changes is told apart."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.securetrail.review.repositories import APP, TRAIL, commit, new_repository, wheel

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
# The library decides about digest files, the app about logging.
USES_THE_LIBRARY = """
import settings
template = json.loads((out / "S.template.json").read_text())
template["Resources"]["T"]["Properties"]["EnableLogFileValidation"] = settings.VALIDATES
(out / "S.template.json").write_text(json.dumps(template))
"""


def lock(project: Path, version: str) -> None:
    (project / "requirements.txt").write_text(f"--no-index\n--find-links wheels\nsettings=={version}\n")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = new_repository(tmp_path / "project")
    (folder / "app.py").write_text(APP + USES_THE_LIBRARY)
    for version, validates in (("1.0", True), ("2.0", False)):
        wheel(folder / "wheels", "settings", version, {"settings.py": f"VALIDATES = {validates}\n"})
    lock(folder, "1.0")
    commit(folder)
    return folder


def run(project: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    (tmp_path / "installed.txt").write_text("nothing of either side\n")
    return subprocess.run(
        [
            *(sys.executable, "-P", "-m", "securetrail", "review", "--base=main", "--json"),
            f"--installed-from={tmp_path / 'installed.txt'}",
        ],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )


def review(project: Path, tmp_path: Path) -> dict[str, Any]:
    done = run(project, tmp_path)
    assert done.returncode in (0, 1), done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def environments(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache/securetrail/environments").iterdir())


def test_equal_locks_share_an_environment_that_is_made_once(project: Path, tmp_path: Path) -> None:
    assert review(project, tmp_path)["objections"] == []
    (made,) = environments(tmp_path)
    before = (made / "installed").stat().st_mtime_ns

    assert review(project, tmp_path)["dependencies"] == []
    assert [each.joinpath("installed").stat().st_mtime_ns for each in environments(tmp_path)] == [before]


def test_what_a_dependency_alone_changes_is_told_apart(project: Path, tmp_path: Path) -> None:
    lock(project, "2.0")
    own = {**TRAIL, "Properties": {**TRAIL["Properties"], "IsLogging": False}}  # type: ignore[dict-item]
    (project / "template.json").write_text(json.dumps({"Resources": {"T": own}}))

    document = review(project, tmp_path)

    assert document["dependencies"] == ["settings 1.0 -> 2.0"]
    assert {each["id"]: each["by_dependency"] for each in document["objections"]} == {
        "trail_is_logging: on -> off": False,
        "trail_validates_log_files: on -> off": True,
    }
    assert len(environments(tmp_path)) == 2


def test_a_lock_that_cannot_be_installed_is_no_answer(project: Path, tmp_path: Path) -> None:
    lock(project, "3.0")

    done = run(project, tmp_path)

    assert (done.returncode, done.stdout) == (3, "")
    assert "What requirements.txt pins cannot be installed" in done.stderr
