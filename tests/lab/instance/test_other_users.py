"""Two users on one machine: what one of them keeps in a lab's folder is not for the other, who can plant nothing there.

The other user is played by shells of `nobody`, which only root can start.
"""

import grp
import os
import pwd
import shlex
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.cli.commands import main
from lab.errors import LabError
from lab.instance import control, folder, lifecycle
from lab.instance.folder import Lab
from lab.private_files import open_private
from lab.scenarios.exercise import exercise
from tests.tiers import mostly_slow

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
FILES = ("lab.json", "lab.json.new", "lab.log", "lab.log.1", "aws-config", "aws-credentials", "lock", "deploying")
FOLDERS = ("cdk-home", "cdk.out", "data")
MARK = "securetrail-lab"


def as_nobody(command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of the shell as another user of this machine, in none of this one's groups."""
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
    )


@contextmanager
def folder_of_ones_own() -> Iterator[Path]:
    """A folder beside pytest's: whichever pytest starts closes its own to all others, though another one uses it."""
    with tempfile.TemporaryDirectory(prefix="securetrail-") as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        if os.geteuid() == 0:
            assert as_nobody(f"cd {shlex.quote(str(path))}").returncode == 0
        yield path


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with folder_of_ones_own() as path:
        yield path


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder that everybody may use as /tmp is used."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


@pytest.fixture(scope="module")
def worked() -> Iterator[Lab]:
    """A lab in which somebody worked whose other files are for everybody."""
    mask = os.umask(0)
    try:
        with folder_of_ones_own() as parent:
            home = parent / "home"
            parent.chmod(0o1777)
            lab = lifecycle.start(home)
            for _ in exercise(lab):
                pass
            with folder.deploying(home, lambda: None):
                pass
            control.deliver(lab)
            yield lab
            lifecycle.stop(home)
    finally:
        os.umask(mask)


def loose(home: Path) -> list[str]:
    """What in a lab's folder somebody else may look into or change."""
    found = [home, *home.rglob("*")]
    return [f"{each} {each.lstat().st_mode:o}" for each in found if each.lstat().st_mode & 0o077 and not is_link(each)]


def is_link(path: Path) -> bool:
    return stat.S_ISLNK(path.lstat().st_mode)


def test_everything_in_the_folder_is_for_its_owner_alone(worked: Lab) -> None:
    assert len(list(worked.home.rglob("*"))) > 10
    assert loose(worked.home) == []
    assert {each.lstat().st_mode & 0o777 for each in worked.home.rglob("*") if each.is_file()} == {0o600}


@needs_root
@pytest.mark.parametrize("name", ["", "lab.json", "lab.log", "aws-credentials", "data", "data/state", MARK])
def test_another_user_can_read_nothing_of_it(worked: Lab, name: str) -> None:
    path = shlex.quote(str(worked.home / name))

    for command in (f"cat {path}", f"ls {path}", f"cat {path}/*", f"echo x >> {path}", f"rm -rf {path}", f"cd {path}"):
        done = as_nobody(command)
        assert (done.returncode != 0, done.stdout) == (True, "")
    assert lifecycle.running(worked.home) is not None


@needs_root
def test_another_user_can_not_take_the_folders_place(worked: Lab) -> None:
    home = shlex.quote(str(worked.home))

    assert as_nobody(f"mv {home} {home}.old").returncode != 0
    assert as_nobody(f"ln -s / {home}/data/link").returncode != 0
    assert lifecycle.running(worked.home) is not None


def rejected(home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What every command says that would read or write a folder."""
    with pytest.raises(LabError) as error:
        lifecycle.start(home)
    for command in ("up", "status", "down", "env"):
        assert main([command, "--home", str(home)]) == 2
        assert str(error.value) in capsys.readouterr().err
    return str(error.value)


@needs_root
@pytest.mark.parametrize("made", ["mkdir {0}", "mkdir -m 777 {0}", "mkdir -m 777 {0} && touch {0}/" + MARK])
def test_a_folder_of_another_user_is_rejected(shared: Path, capsys: pytest.CaptureFixture[str], made: str) -> None:
    home = shared / "home"
    assert as_nobody(made.format(shlex.quote(str(home)))).returncode == 0
    before = [(each.name, each.lstat().st_mode) for each in [home, *home.iterdir()]]

    assert f"belongs to another user of this machine (uid {NOBODY})" in rejected(home, capsys)
    assert [(each.name, each.lstat().st_mode) for each in [home, *home.iterdir()]] == before


@needs_root
def test_a_description_of_another_user_is_not_believed(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It names a process to end and a port to send keys to."""
    home = shared / "home"
    assert as_nobody(f"mkdir -m 755 {home}; echo '{{}}' > {home}/lab.json; touch {home}/{MARK}").returncode == 0

    assert "belongs to another user" in rejected(home, capsys)


@needs_root
def test_a_link_to_a_folder_is_rejected(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    victim, home = tmp_path / "victim", shared / "home"
    victim.mkdir()
    assert as_nobody(f"ln -s {victim} {home}").returncode == 0

    assert "is a symbolic link" in rejected(home, capsys)
    assert list(victim.iterdir()) == []


@needs_root
@pytest.mark.parametrize("link", ["ln -s", "ln"])
@pytest.mark.parametrize("name", mostly_slow([*FILES, MARK, *FOLDERS], every=4))
def test_a_link_in_place_of_a_file_of_the_lab_is_rejected(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], link: str, name: str
) -> None:
    """The folder was everybody's once, and is no more."""
    victim, home = shared / "victim", shared / "home"
    home.mkdir()
    home.chmod(0o777)
    (tmp_path / "kept").mkdir()
    if link == "ln -s":
        victim = tmp_path / "kept" / "thesis.txt"
        victim.write_text("years of work")
    else:  # a file of one's own is the only one that Linux lets others link
        assert as_nobody(f"echo years of work > {victim}").returncode == 0
    names = "" if name == MARK else f"touch {home}/{MARK};"
    assert as_nobody(f"{names} {link} {victim} {home}/{name}").returncode == 0
    for mode in (0o777, 0o755, 0o700):
        home.chmod(mode)
        rejected(home, capsys)

    assert (home / name).exists()
    assert victim.read_text().strip() == "years of work"


@pytest.mark.parametrize("name", [*FILES, MARK])
def test_a_file_of_the_lab_is_never_opened_through_a_link(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "thesis.txt"
    victim.write_text("years of work")
    (tmp_path / name).symlink_to(victim)

    for mode in ("w", "ab", "r"):
        with pytest.raises(OSError, match="symbolic links"):
            open_private(tmp_path / name, mode)
    assert victim.read_text() == "years of work"


@pytest.mark.parametrize("name", FOLDERS)
def test_down_does_not_follow_a_link(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "thesis.txt").write_text("years of work")
    home = tmp_path / "home"
    with folder.locked(home):
        (home / name).symlink_to(victim)
        folder.remove(home)
        assert not (home / name).is_symlink()

    assert (victim / "thesis.txt").read_text() == "years of work"


def test_a_folder_that_everybody_may_replace_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parent = tmp_path / "open"
    parent.mkdir()
    (parent / "home").mkdir(mode=0o700)
    parent.chmod(0o777)

    assert "Every user of this machine can replace what is in" in rejected(parent / "home", capsys)
    parent.chmod(0o1777)
    with folder.locked(parent / "home"):
        pass


@needs_root
@pytest.mark.parametrize("mode", [0o755, 0o700, 0o1777, 0o1755])
def test_a_folder_within_another_users_is_refused(shared: Path, capsys: pytest.CaptureFixture[str], mode: int) -> None:
    """Its owner may rename what is in it, sticky or not."""
    parent = shared / "theirs"
    parent.mkdir()
    home = parent / "deeper" / "home"
    home.mkdir(parents=True)
    parent.chmod(mode)
    os.chown(parent, NOBODY, NOBODY)

    assert f"(uid {NOBODY}) owns {parent}" in rejected(home, capsys)
    assert list(home.iterdir()) == []


@needs_root
def test_a_folder_by_way_of_another_users_link_is_refused(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "real" / "home").mkdir(parents=True)
    assert as_nobody(f"ln -s {shlex.quote(str(tmp_path / 'real'))} {shared}/theirs").returncode == 0
    (tmp_path / "mine").symlink_to(shared / "theirs")

    assert f"owns {shared}/theirs" in rejected(shared / "theirs" / "home", capsys)
    assert f"owns {shared}/theirs" in rejected(tmp_path / "mine" / "home", capsys)


def test_a_folder_by_way_of_ones_own_link_is_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o755)
    (tmp_path / "mine").symlink_to("real")

    with folder.locked(tmp_path / "mine" / "home"):
        assert folder.is_marked(tmp_path / "real" / "home")


@needs_root
@pytest.mark.parametrize("mode", [0o775, 0o770])
def test_a_folder_that_a_group_may_replace_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: int
) -> None:
    parent = tmp_path / "team"
    (parent / "home").mkdir(parents=True)
    os.chown(parent, -1, NOBODY)
    parent.chmod(mode)

    assert f"chmod g-w {parent}" in rejected(parent / "home", capsys)
    parent.chmod(mode | 0o1000)
    with folder.locked(parent / "home"):
        pass


def test_the_users_own_group_may_write_around_the_folder(tmp_path: Path) -> None:
    """As with a umask of 002, where every user has a group of the same name."""
    user = pwd.getpwuid(os.geteuid())
    group = grp.getgrgid(user.pw_gid)
    if group.gr_name != user.pw_name or group.gr_mem:
        pytest.skip("this user has no group of their own")
    tmp_path.chmod(0o775)
    os.chown(tmp_path, -1, group.gr_gid)

    with folder.locked(tmp_path / "home"):
        pass


@pytest.mark.parametrize("kind", ["file", "link", "hard link"])
def test_what_was_put_in_place_of_a_partial_file_is_never_written_into(tmp_path: Path, kind: str) -> None:
    """Whoever put it there may hold it open."""
    theirs, partial = tmp_path / "theirs", tmp_path / "lab.json.new"
    theirs.write_text("")
    with theirs.open() as held:
        if kind == "file":
            theirs.rename(partial)
        elif kind == "link":
            partial.symlink_to(theirs)
        else:
            partial.hardlink_to(theirs)
        folder.write_file(tmp_path, "lab.json", "secret")
        assert held.read() == ""

    assert (tmp_path / "lab.json").read_text() == "secret"
    assert (tmp_path / "lab.json").stat().st_nlink == 1


def test_an_empty_folder_with_a_loose_mode_is_tightened(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)

    with folder.locked(home):
        assert loose(home) == []
