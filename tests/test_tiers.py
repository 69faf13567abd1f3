"""Every test is run by one of `make test-fast`, `make test` and `make test-slow`, and CI runs them all."""

import re
import subprocess
import sys
from pathlib import Path, PurePath

import pytest

from tests.programs import needs
from tests.tiers import LONG, MINUTES, TIERS, is_worth_reading, mostly_slow, tier_of, turn_of

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.mark.parametrize(
    ("file", "tier"),
    [
        ("tests/test_tiers.py", "fast"),
        ("tests/verify/posture/test_score.py", "fast"),
        ("tests/lab/delivery/test_kill.py", "regular"),
        ("tests/end_to_end/pages/test_by_hand.py", "regular"),
    ],
)
def test_a_file_is_of_the_tier_of_the_nearest_folder(file: str, tier: str) -> None:
    assert tier_of(PurePath(file)) == tier


def test_only_files_that_may_hold_tests_of_the_tier_are_read(tmp_path: Path) -> None:
    lab = tmp_path / "tests/lab"
    lab.mkdir(parents=True)
    texts = {
        "lab/test_plain.py": "def test_a(): ...",
        "lab/test_marked.py": "@pytest.mark.fast\ndef test_a(): ...",
        "lab/test_all_fast.py": 'pytestmark = [pytest.mark.usefixtures("x"), pytest.mark.fast]\n',
        "lab/conftest.py": "",
        "test_plain.py": "def test_a(): ...",
        "test_all_slow.py": "pytestmark = pytest.mark.slow\n",
    }
    for name, text in texts.items():
        (tmp_path / "tests" / name).write_text(text)

    read = {
        path.relative_to(tmp_path / "tests").as_posix()
        for path in (tmp_path / "tests").rglob("*")
        if is_worth_reading(path, "fast", tmp_path)
    }
    assert read == {"lab", "lab/test_marked.py", "lab/test_all_fast.py", "lab/conftest.py", "test_plain.py"}


def test_this_test_has_one_tier(request: pytest.FixtureRequest) -> None:
    assert [tier for tier in TIERS if request.node.get_closest_marker(tier)] == ["fast"]


def test_the_verbs_run_every_tier() -> None:
    runs = dict(re.findall(r"^(test[\w-]*):.*\n\t@\$\(PYTEST\) -m (.*) \$\(TESTS\)$", MAKEFILE, re.MULTILINE))

    assert runs == {
        "test-fast": "fast",
        "test": "'not slow'",
        "test-slow": "'slow or hypothesis' --hypothesis-profile=long",
    }


@pytest.mark.parametrize("file", [".ci/run", ".github/workflows/review.yml"])
def test_ci_checks_and_runs_all_tests_in_a_random_order_that_can_be_had_again(file: str) -> None:
    text = (ROOT / file).read_text()

    assert re.findall(
        r"(?:^|run: )(make (?:check|test-slow|test)(?: SEED=)?|tools/install_programs\.sh)", text, re.M
    ) == [
        "tools/install_programs.sh",
        "make check",
        "make test SEED=",
        "make test-slow SEED=",
    ]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_order_on_every_worker(tmp_path: Path) -> None:
    """Workers that collect in different orders end the run."""
    for name in "abc":
        tests = "\n".join(f"def test_{number}(): ..." for number in range(8))
        (tmp_path / f"test_{name}.py").write_text(tests)

    def run(*options: str) -> str:
        shuffled = ("-p", "no:cacheprovider", "--random-order", *options)
        done = subprocess.run([sys.executable, "-m", "pytest", *shuffled], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def order(seed: int) -> list[str]:
        return re.findall(r"^test_\w\.py::test_\d$", run("--collect-only", "-q", f"--random-order-seed={seed}"), re.M)

    first, again, other = order(1), order(1), order(2)
    assert first == again != other
    assert sorted(first) == sorted(other)
    at_once = run("--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder", "--random-order-seed=1")
    assert "Using --random-order-seed=1" in at_once
    assert "24 passed" in at_once


def test_the_longest_files_exist_and_are_named_once() -> None:
    assert [file for file in (*MINUTES, *LONG) if not (ROOT / file).is_file()] == []
    assert len({*MINUTES, *LONG}) == len([*MINUTES, *LONG])


@pytest.mark.slow
def test_the_longest_files_come_first_in_every_order_and_the_others_are_shuffled() -> None:
    asked = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", "--random-order"]

    def order(seed: int) -> list[str]:
        command = [*asked, f"--random-order-seed={seed}", "tests/lab/instance"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return list(dict.fromkeys(re.findall(r"^(tests/\S+?\.py)::", done.stdout, re.MULTILINE)))

    first, second = order(1), order(2)
    assert [turn_of(PurePath(file)) for file in first] == [turn_of(PurePath(file)) for file in second]
    assert turn_of(PurePath(first[0])) == 1
    assert first[1:] != second[1:]
    assert sorted(first) == sorted(second)


def test_what_a_machine_lacks_is_skipped_with_the_reason_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("python3")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed"):
        needs("no-such-program")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        needs("no-such-program")


def test_one_value_of_so_many_stays_in_the_tier_of_its_test() -> None:
    assert mostly_slow([1, (2, 3), (4, 5), 6], every=3) == [
        1,
        pytest.param(2, 3, marks=pytest.mark.slow),
        pytest.param(4, 5, marks=pytest.mark.slow),
        6,
    ]
