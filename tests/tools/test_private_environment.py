"""What make and the review start loads no code from a folder of everybody's, and a review hands no secret on."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.securetrail.review.repositories import APP, commit, git, new_repository

pytestmark = pytest.mark.regular

ROOT = Path(__file__).parents[2]
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "the-reviewers-own",
    "AWS_PROFILE": "production",
    "GITHUB_TOKEN": "the-reviewers-own",
    "NPM_TOKEN": "the-reviewers-own",
    "SSH_AUTH_SOCK": "/agent",
    "HTTPS_PROXY": "http://user:password@proxy",
    "NODE_OPTIONS": "--no-warnings",
    "PYTHONPATH": "/elsewhere",
}
# Says where it keeps temporary files, and who may write there.
PROBE = """#!/bin/sh
stat -c '%a %n' "$TMPDIR" >>"{seen}"
echo "$HOME" >>"{seen}.home"
echo '[]'
"""


@pytest.fixture
def everybodys(tmp_path: Path) -> Path:
    """A folder as /tmp is."""
    folder = tmp_path / "everybodys"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def environment(everybodys: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "NODE_", "MACHINE_"))}
    return {**kept, "TMPDIR": str(everybodys), **more}


def test_what_make_starts_loads_nothing_from_a_folder_of_everybody(tmp_path: Path, everybodys: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    shows = "probe:; @npm --version; python -c 'import tempfile; print(tempfile.gettempdir())'"
    path = os.pathsep.join([str(ROOT / ".venv/bin"), os.environ["PATH"]])

    told = subprocess.run(
        ["make", "--eval", shows, "probe"],
        cwd=tmp_path,
        env=environment(everybodys, PATH=path),
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    private = Path(told.splitlines()[-1])
    assert private == tmp_path / ".venv/tmp"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert list(everybodys.iterdir()) == []
    assert list(private.iterdir()) == []  # nor does Node keep compiled code


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project's review, of apps that write down their environment, on either side."""
    folder = tmp_path / "project"
    new_repository(folder)
    for name in ("tools", "securetrail", "verify", "lab", "constructs_lib"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    (folder / ".gitignore").write_text(".venv/\ncdk.out/\n__pycache__/\n")
    (folder / "requirements-dev.txt").touch()
    for side in ("strangers", "main"):
        seen = f"pathlib.Path({str(tmp_path / side)!r}).write_text(json.dumps(dict(os.environ)))"
        (folder / "app.py").write_text(f"{APP}\n{seen}\n")
        commit(folder)
        if side == "strangers":
            git(folder, "branch", side)
    checkov = folder / ".venv/checkov/bin/checkov"
    checkov.parent.mkdir(parents=True)
    checkov.write_text(PROBE.format(seen=tmp_path / "checkov"))
    checkov.chmod(0o755)
    return folder


@pytest.mark.slow
def test_a_review_hands_no_secret_to_the_code_of_either_side(tmp_path: Path, everybodys: Path, project: Path) -> None:
    path = os.pathsep.join([str(ROOT / ".venv/bin"), os.environ["PATH"]])
    subprocess.run(
        ["tools/review.sh"],
        cwd=project,
        env=environment(everybodys, PATH=path, BASE="strangers", **SECRETS),
        capture_output=True,
    )

    for side in ("main", "strangers"):
        seen = json.loads((tmp_path / side).read_text())
        assert {name: seen[name] for name in SECRETS if name in seen} == {}
        assert seen["HOME"] != os.environ["HOME"]
        assert seen["AWS_CONFIG_FILE"] == seen["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    # checkov, too, has a folder of its own, which is gone afterwards.
    modes = {line.split()[0] for line in (tmp_path / "checkov").read_text().splitlines()}
    homes = set((tmp_path / "checkov.home").read_text().splitlines())
    assert (modes, os.environ["HOME"] in homes) == ({"700"}, False)
    assert list(everybodys.iterdir()) == []


def test_what_is_handed_over_holds_nothing_but_files_that_are_seen(tmp_path: Path, everybodys: Path) -> None:
    folder, templates, seen = tmp_path / "project", tmp_path / "templates", tmp_path / "seen"
    for name, script in (
        ("bin/python", ""),
        # As checkov does: of a folder that is a word of its own, it reads the settings.
        (
            ".venv/checkov/bin/checkov",
            f"""echo "$1" >>{seen}
find "${{1#*=}}" >>{seen}
[ "$1" != --directory ] || cat "$2/.checkov.yaml" >>{seen}
""",
        ),
    ):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(f"#!/bin/bash\n{script}")
        (folder / name).chmod(0o755)
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools/review.sh", folder / "tools")
    (tmp_path / "elsewhere/head").mkdir(parents=True)
    (tmp_path / "elsewhere/head/theirs").touch()
    made = templates / "lab/head"
    for name in ("manifest.json", ".checkov.yaml", "more/.checkov.yml", "more/a.json", ".more/a.json"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text("external-checks-dir: [here]\n")
    (made / "link").symlink_to(tmp_path)
    (templates / "compliance").symlink_to(tmp_path / "elsewhere")
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    known = environment(everybodys, PATH=path, BASE="main", PART="judge", TEMPLATES=str(templates))

    subprocess.run(["tools/review.sh"], cwd=folder, env=known, capture_output=True, check=False)

    out = folder / "cdk.out/review"
    files = {each.relative_to(out).as_posix() for each in out.rglob("*") if not each.is_dir() or each.is_symlink()}
    assert {each for each in files if "/head/" in each} == {"lab/head/manifest.json", "lab/head/more/a.json"}
    told = seen.read_text().splitlines()
    assert f"--directory={out}/lab/head" in told
    assert "external-checks-dir: [here]" not in told
    assert list(everybodys.iterdir()) == []


@pytest.mark.slow
def test_what_judges_in_ci_runs_no_code_of_the_change(tmp_path: Path, everybodys: Path, project: Path) -> None:
    path = os.pathsep.join([str(ROOT / ".venv/bin"), os.environ["PATH"]])

    def part(name: str) -> subprocess.CompletedProcess[str]:
        known = environment(everybodys, PATH=path, BASE="strangers", PART=name, TEMPLATES=str(tmp_path / "templates"))
        return subprocess.run(["tools/review.sh"], cwd=project, env=known, capture_output=True, text=True)

    done = part("change")
    assert (done.returncode, done.stdout) == (0, "")
    assert ((tmp_path / "main").exists(), (tmp_path / "strangers").exists()) == (True, False)
    assert {each.name for each in (project / "cdk.out/review/lab").iterdir()} == {"head"}
    # On another machine: what was made is there, and nothing else.
    shutil.move(project / "cdk.out/review", tmp_path / "templates")
    (tmp_path / "main").unlink()

    done = part("judge")
    assert ((tmp_path / "main").exists(), (tmp_path / "strangers").exists()) == (False, True)
    assert (done.returncode, done.stdout.count("Profile: ")) == (0, 2), done.stderr

    shutil.rmtree(tmp_path / "templates")
    assert part("judge").returncode == 3
    assert part("jugde").returncode == 2
    shutil.rmtree(project / "cdk.out")
    (project / "cdk.out").symlink_to(tmp_path)
    assert part("judge").returncode == 3
