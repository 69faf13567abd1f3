"""The lab's folder: what is the lab's own, what is not, and who may look into it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli.commands import main
from lab.errors import LabError
from lab.instance import folder, lifecycle
from lab.instance.folder import Lab

NAMES = ("data", "cdk.out", "cdk-home")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A folder of somebody's work that has the names of the lab's own files and folders in it."""
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").write_text("years of work")
    (tmp_path / "lab.log").write_text("measurements")
    yield tmp_path
    lifecycle.stop(tmp_path)


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("description", [None, "{}", "broken"])
def test_down_removes_nothing_from_a_folder_that_never_was_a_labs(project: Path, description: str | None) -> None:
    if description is not None:
        (project / "lab.json").write_text(description)
    before = contents(project)

    assert main(["down", "--home", str(project)]) == 0

    assert contents(project) == before


def test_up_rejects_a_folder_that_holds_something_and_touches_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, mode = contents(project), project.stat().st_mode

    assert main(["up", "--home", str(project)]) == 2

    assert (contents(project), project.stat().st_mode) == (before, mode)
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith(
        f"error: The folder {project} is not the lab's own: it holds 'cdk-home', 'cdk.out', 'data', ..."
    )
    assert "a new folder, an empty one" in told
    assert "--home DIR or SECURETRAIL_LAB_HOME" in told


def test_down_leaves_an_empty_folder_that_is_not_the_labs(tmp_path: Path) -> None:
    assert lifecycle.stop(tmp_path) is False
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_the_lab_made_is_taken_again_with_other_things_in_it(tmp_path: Path) -> None:
    with folder.locked(tmp_path):
        (tmp_path / "mine.txt").write_text("keep me")

    with folder.locked(tmp_path):
        folder.remove(tmp_path)
        folder.remove_folder(tmp_path)

    assert (tmp_path / "mine.txt").read_text() == "keep me"


def test_only_the_owner_may_look_into_the_folder_even_into_one_from_before(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with folder.locked(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o700

    tmp_path.chmod(0o755)
    with folder.locked(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_nothing_that_the_labs_process_writes_is_for_others(lab: Lab) -> None:
    kept = [path for path in (lab.home / "data").rglob("*") if path.is_file()]

    assert kept
    assert [path for path in kept if path.stat().st_mode & 0o077] == []
    assert lab.home.stat().st_mode & 0o077 == 0


def test_a_name_with_control_characters_does_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m").write_text("")

    with pytest.raises(LabError) as rejected, folder.locked(tmp_path):
        pass
    assert "\x1b" not in str(rejected.value)
