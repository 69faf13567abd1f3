"""The lab's folder: what is the lab's own, what is not, and who may look into it."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.cli.commands import main
from lab.errors import LabError
from lab.instance import folder, lifecycle
from lab.instance.folder import Lab

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
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


def refused(home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What every command says that would go on from a folder, or remove something in it."""
    before = contents(home)
    for command in ("up", "status", "down", "env", "deliver"):
        assert main([command, "--home", str(home)]) == 2
    assert contents(home) == before
    return capsys.readouterr().err


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder of a lab that is gone, with what the next one would go on from."""
    home = tmp_path / "project" / ".lab"
    with folder.locked(home):
        (home / "data" / "state").mkdir(parents=True)
        (home / "data" / "state" / "iam.json").write_text("{}")
        lab = Lab("http://127.0.0.1:9", "1", "us-east-1", "key", "s", 99999999, 9, home, uuid.uuid4().hex, "2027")
        folder.write(lab)
    return home


def test_a_folder_that_came_with_a_repository_is_refused(
    tmp_path: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever committed it has the keys of the lab that would go on from it."""
    project, clone = made.parent, tmp_path / "clone"
    for command in (["init", "-q"], ["add", "--force", ".lab"], [*IDENTITY, "commit", "-qm", "harmless"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    subprocess.run(["git", "clone", "-q", project, clone], check=True)

    told = refused(clone / ".lab", capsys)

    assert "was not made here" in told
    assert f"rm -r {clone}/.lab" in told


@pytest.mark.parametrize("mask", ["u=rwX,go=", "u=rwX,go=rX"])
def test_a_copy_of_a_folder_is_refused_with_all_that_a_copy_can_keep(
    tmp_path: Path, made: Path, capsys: pytest.CaptureFixture[str], mask: str
) -> None:
    subprocess.run(["chmod", "-R", mask, made], check=True)
    subprocess.run(["cp", "--archive", made, tmp_path / "copy"], check=True)

    assert "was not made here" in refused(tmp_path / "copy", capsys)


def test_a_folder_of_another_machine_is_refused(
    tmp_path: Path, made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_MACHINE", tmp_path / "machine-id")
    (tmp_path / "machine-id").write_text("0" * 32)

    assert "was not made here" in refused(made, capsys)


def test_a_checkout_whose_number_was_guessed_is_refused_by_its_time(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """git gives a file the time of the checkout, and nobody can foretell both."""
    os.utime(made / "securetrail-lab", (1, 1))

    assert "was not made here" in refused(made, capsys)


def test_the_mark_of_an_older_version_does_not_do(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (made / "securetrail-lab").write_text("This folder belongs to a lab of SecureTrail\n")

    assert "is an older version's" in refused(made, capsys)


def test_a_folder_may_be_moved(tmp_path: Path, made: Path) -> None:
    moved = made.rename(tmp_path / "moved")

    assert lifecycle.stop(moved) is False
    assert not moved.exists()


def test_a_mark_is_there_as_a_whole_whoever_else_makes_one(tmp_path: Path) -> None:
    def claim(_: int) -> str:
        with folder.deploying(tmp_path / "home", lambda: None):
            return (tmp_path / "home" / "securetrail-lab").read_text()

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(claim, range(40)))

    assert all(text.endswith(".\n") for text in texts)
    assert sorted(each.name for each in (tmp_path / "home").iterdir()) == ["deploying", "securetrail-lab"]


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
