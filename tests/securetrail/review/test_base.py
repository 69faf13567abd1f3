"""A branch's name is data: `make review` compares with the branch, or says that there is none, and runs nothing."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.securetrail.review.repositories import APP, TRAIL, git
from tests.tiers import mostly_slow

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


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own Makefile, tools and review, every branch, and all that counts as installed."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("tools", "securetrail", "verify", "lab", "constructs_lib"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    for name in ("requirements-lab.txt", "requirements-dev.txt", "requirements-checkov.txt", "package-lock.json"):
        (folder / name).touch()
    (folder / "cdk.json").write_text('{"app": "python3 app.py"}')
    (folder / "app.py").write_text(APP)
    (folder / ".gitignore").write_text(".venv/\nnode_modules/\ncdk.out/\n__pycache__/\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    state(folder, "main")
    for stamp in STAMPS:
        path = folder / stamp
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for branch in BRANCHES[1:]:
        git(folder, "checkout", "--quiet", "-b", branch, "main")
        state(folder, branch)
    git(folder, "checkout", "--quiet", "main")
    return folder


@pytest.fixture
def project(repository: Path) -> Iterator[Path]:
    """The repository, without what another test's review left."""
    yield repository
    for path in (*sprung(repository), repository / "cdk.out"):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def state(folder: Path, text: str) -> None:
    (folder / "template.json").write_text(json.dumps({"Description": text, "Resources": {"T": TRAIL}}))
    git(folder, "add", "--all")
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


def check_branch(project: Path, branch: str, by: str) -> None:
    done = review(project, branch, by=by)

    # checkov is not really installed, so the review ends there, with both sides synthesized: nobody knows.
    assert "checkov failed" in done.stderr
    assert "Error 3" in done.stderr
    assert "is no commit here" not in done.stderr
    template = json.loads((project / "cdk.out/review/lab/base/S.template.json").read_text())
    assert template["Description"] == branch
    assert git(project, "worktree", "list").count("\n") == 1
    assert sprung(project) == []


def check_no_commit(project: Path, base: str, by: str) -> None:
    done = review(project, base, by=by)

    assert done.returncode == 2
    assert "is no commit here" in done.stderr
    assert "Fix: git fetch origin" in done.stderr
    assert "\x1b" not in done.stderr
    assert sprung(project) == []
    assert not list((project / "cdk.out/review").iterdir())


@pytest.mark.regular
@pytest.mark.parametrize(
    "branch", mostly_slow(["feature/don't", f"$(touch${{IFS}}{TRAP})", f"$(shell>{TRAP})"], every=3)
)
def test_the_review_compares_with_a_branch_of_a_hostile_name(project: Path, branch: str) -> None:
    check_branch(project, branch, "argument")


@pytest.mark.regular
@pytest.mark.parametrize("base", [f"main; touch {TRAP}", f"--upload-pack=touch {TRAP}", "\x1b[31mred"])
def test_a_hostile_text_is_refused_and_runs_nothing(project: Path, base: str) -> None:
    check_no_commit(project, base, "argument")


@pytest.mark.slow
@pytest.mark.parametrize("by", ["environment", "argument"])
@pytest.mark.parametrize("branch", BRANCHES)
def test_the_review_compares_with_a_branch_of_any_name(project: Path, branch: str, by: str) -> None:
    check_branch(project, branch, by)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["environment", "argument"])
@pytest.mark.parametrize("base", NO_COMMITS)
def test_what_is_no_commit_is_refused_and_runs_nothing(project: Path, base: str, by: str) -> None:
    check_no_commit(project, base, by)


@pytest.mark.regular
def test_an_empty_base_is_refused(project: Path) -> None:
    done = review(project, "", by="environment")

    assert done.returncode == 2
    assert "BASE: names the branch" in done.stderr
