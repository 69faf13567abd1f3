"""A branch's name is data: `make review` compares with the branch, or says that there is none, and runs nothing."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.regular

ROOT = Path(__file__).parents[3]
STAMPS = (
    ".venv/.uv",
    ".venv/.installed-lab",
    ".venv/.installed-dev",
    ".venv/checkov/.installed",
    "node_modules/.installed",
)
TRAP = "trap-was-sprung"
BRANCHES = [
    "main",
    "feature/don't",
    f"$(touch${{IFS}}{TRAP})",
    f"`touch${{IFS}}{TRAP}`",
    f"a;touch${{IFS}}{TRAP}",
    f"a&touch${{IFS}}{TRAP}&",
    f"a|touch${{IFS}}{TRAP}",
    f"'$(touch${{IFS}}{TRAP})'",
    f'"$(touch${{IFS}}{TRAP})"',
    f"$(shell>{TRAP})",
    "a#b",
    "a=b",
    "a%b",
    "$$",
    "$(BASE)",
    "größe",
]
NO_COMMITS = [
    f"$(shell touch {TRAP})",
    f"$(touch {TRAP})",
    f"`touch {TRAP}`",
    f"main; touch {TRAP}",
    f"main\ntouch {TRAP}",
    f"main' ; touch {TRAP} ; '",
    f"--upload-pack=touch {TRAP}",
    f"--output={TRAP}",
    "-h",
    "no such branch",
    "main^{tree}",
    "\x1b[31mred",
    "$(error stop)",
]


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the project's own Makefile and tools, every branch, and all that counts as installed."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    for name in ("requirements-lab.txt", "requirements-dev.txt", "requirements-checkov.txt", "package-lock.json"):
        (folder / name).touch()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "main")
    for stamp in STAMPS:
        path = folder / stamp
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for branch in BRANCHES[1:]:
        git(folder, "checkout", "--quiet", "-b", branch, "main")
        commit(folder, branch)
    git(folder, "checkout", "--quiet", "main")
    return folder


@pytest.fixture
def project(repository: Path) -> Iterator[Path]:
    """The repository, without what another test's review left."""
    yield repository
    for path in (*sprung(repository), repository / "cdk.out"):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def commit(folder: Path, text: str) -> None:
    (folder / "which.txt").write_text(text)
    git(folder, "add", "Makefile", "tools", "which.txt")
    git(folder, "commit", "--quiet", "--message", "A state of the project")


def review(folder: Path, base: str, *, by: str) -> subprocess.CompletedProcess[str]:
    """``make review``, told of the base in either of the ways that it has."""
    environment = {name: value for name, value in os.environ.items() if name not in ("BASE", "MAKEFLAGS", "MAKELEVEL")}
    if by == "environment":
        return subprocess.run(
            ["make", "review"], cwd=folder, env=environment | {"BASE": base}, capture_output=True, text=True
        )
    return subprocess.run(
        ["make", "review", f"BASE={base}"], cwd=folder, env=environment, capture_output=True, text=True
    )


def sprung(folder: Path) -> list[Path]:
    """What a command in a name has made."""
    return [path for path in folder.rglob(f"*{TRAP}*") if ".git" not in path.relative_to(folder).parts]


@pytest.mark.parametrize("by", ["environment", "argument"])
@pytest.mark.parametrize("branch", BRANCHES)
def test_the_review_compares_with_a_branch_of_any_name(project: Path, branch: str, by: str) -> None:
    done = review(project, branch, by=by)

    # Nothing is really installed, so the review ends at its first program, with the branch's source laid out.
    assert "is no commit here" not in done.stderr
    assert (project / "cdk.out/review/source/which.txt").read_text() == branch
    assert sprung(project) == []


@pytest.mark.parametrize("by", ["environment", "argument"])
@pytest.mark.parametrize("base", NO_COMMITS)
def test_what_is_no_commit_is_refused_and_runs_nothing(project: Path, base: str, by: str) -> None:
    done = review(project, base, by=by)

    assert done.returncode == 2
    assert "is no commit here" in done.stderr
    assert "Fix: git fetch origin" in done.stderr
    assert "\x1b" not in done.stderr
    assert sprung(project) == []
    assert not (project / "cdk.out").exists()


def test_an_empty_base_is_refused(project: Path) -> None:
    done = review(project, "", by="environment")

    assert done.returncode == 2
    assert "BASE: names the branch" in done.stderr
