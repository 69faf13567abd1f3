"""Settings of pytest are compared by which tests run and fail, not by how they are written."""

import pytest

from securetrail.review.machinery.pytest_settings import leaves_out_tests, lets_pass
from tests.securetrail.review.machinery.test_weaker_checks import kinds

PYPROJECT = "pyproject.toml"


def said(before: str, after: str, path: str = "pytest.ini", part: str = "pytest") -> list[str]:
    """The settings that a change of an ini file weakens."""
    texts = [f"[{part}]\n{each}\n" for each in (before, after)]
    found = [*leaves_out_tests(path, *texts), *lets_pass(path, *texts)]
    return [each.resource.partition(": ")[2] for each in found]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("--ignore=x -p no:y --color=yes", "--color=yes -p no:y --ignore=x"),
        ("--ignore=x", "--ignore=x --durations=5"),
        ("--ignore=x", "--durations 5 --ignore x"),
        ("-k 'not slow'", "-k='not slow'"),
        ("-k'not slow' -q", "-qk 'not slow'"),
        ("-c other.ini", "--config-file=other.ini"),
        ("-W ignore", "--pythonwarnings=ignore"),
        ("-W error -W ignore::X -q", "-q --pythonwarnings=error -Wignore::X"),
        ("-W error -W ignore::X", "-W ignore::X -W error"),
        ("-m fast", "-m slow -m fast"),
        ("--ignore=x", ""),
        ("--junitxml out.xml", "-v --junitxml out.xml"),
        ("", "-x --maxfail=1 --ff -n auto --tb short -ra -vv"),
        ("-q", "-q --strict-markers --doctest-modules"),
        ("--cov-fail-under=80", "--cov-fail-under=90"),
        ("-q tests", "-q tests examples"),
        ("-p no:x", ""),
    ],
)
def test_options_that_do_the_same_or_more_are_no_loss(before: str, after: str) -> None:
    assert said(f"addopts = {before}", f"addopts = {after}") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "-qknothing"),
        ("", "-xk nothing"),
        ("", "-q tests/fast"),
        ("", "tests/test_a.py"),
        ("--showlocals", "--showlocals tests/cdk"),
        ("", "--no-header tests"),
        ("", "--tb=short tests"),
        ("-q tests examples", "-q tests"),
        ("-m fast -m slow", "-m slow -m fast"),
        ("--doctest-modules", ""),
        ("--strict-markers", ""),
        ("-Werror", ""),
        ("-W ignore::X -W error", "-W error -W ignore::X"),
        ("-W ignore::X --pythonwarnings=error", "-Werror -qWignore::X"),
        ("-W error::Y -W ignore::X -W error", "-W error::Y -W error -W ignore::X"),
        ("-W ignore::X -W error -W ignore::X", "-W error -W ignore::X -W error::Y -W ignore::X -W ignore"),
        ("-p our.plugin", ""),
        ("", "--disable-plugin-autoload"),
        ("--cov-fail-under=80", "--cov-fail-under 10"),
        ("--cov-fail-under=80", "--cov-fail-under=80 --no-cov"),
        ("--ignore=x", "--ignore=y"),
    ],
)
def test_options_by_which_less_runs_or_fails_are_a_loss(before: str, after: str) -> None:
    assert said(f"addopts = {before}", f"addopts = {after}") == ["addopts"]


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("norecursedirs = a b", "norecursedirs = b", []),
        ("norecursedirs = a b", "norecursedirs = b a", []),
        ("norecursedirs = a", "norecursedirs = a b", ["norecursedirs"]),
        ("", "python_files = test_*.py *_test.py check_*.py", []),
        ("python_files = test_*.py check_*.py", "python_files = test_*.py", ["python_files"]),
        ("", "python_classes = Check", ["python_classes"]),
        ("", "python_functions = test check", []),
        ("testpaths = a b", "testpaths = b a", []),
        ("filterwarnings =\n  error\n  ignore::X", "filterwarnings =\n  ignore::X\n  error", []),
        ("filterwarnings =\n  ignore::X\n  error", "filterwarnings =\n  error\n  ignore::X", ["filterwarnings"]),
        (
            "filterwarnings =\n  error::Y\n  ignore::X\n  error",
            "filterwarnings =\n  error::Y\n  error\n  ignore::X",
            ["filterwarnings"],
        ),
        ("", "env = CI=", ["env"]),
        ("", "markers = slow", []),
    ],
)
def test_lists_are_compared_by_what_they_let_run(before: str, after: str, lost: list[str]) -> None:
    assert said(before, after) == lost


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (PYPROJECT, "[tool.coverage.report]\nfail_under = {}\n"),
        ("setup.cfg", "[coverage:report]\nfail_under = {}\n"),
        (".coveragerc", "[report]\nfail_under = {}\n"),
    ],
)
def test_tests_go_on_covering_as_much(path: str, text: str) -> None:
    assert kinds({path: text.format(90)}, {path: text.format(10)}) == {"tests_left_out"}
    assert kinds({path: text.format(90)}, {path: ""}) == {"tests_left_out"}
    assert kinds({path: text.format(90)}, {path: text.format(95)}) == set()


INI = "[pytest]\naddopts = --strict-markers -q\ntestpaths = tests\nxfail_strict = true\n"
TOML = "[tool.pytest.ini_options]\naddopts = ['--strict-markers', '-q']\ntestpaths = ['tests']\nxfail_strict = true\n"


def test_the_same_settings_in_another_file_are_the_same() -> None:
    assert kinds({"pytest.ini": INI}, {PYPROJECT: TOML}) == set()
    assert kinds({PYPROJECT: TOML}, {PYPROJECT: TOML, "pytest.ini": INI}) == set()
    assert kinds({"pytest.ini": INI}, {PYPROJECT: TOML.replace("'-q'", "'-k', 'x'")}) == {"tests_left_out"}
    assert kinds({"pytest.ini": INI}, {}) == {"tests_left_out"}
    # Within a folder of tests they hide those of the root.
    assert kinds({PYPROJECT: TOML}, {PYPROJECT: TOML, "tests/pytest.ini": INI}) == {"tests_left_out"}


@pytest.mark.parametrize("name", ["pytest.toml", ".pytest.toml"])
def test_a_file_that_only_a_new_pytest_reads_hides_nothing(name: str) -> None:
    own = TOML.replace("tool.pytest.ini_options", "pytest")
    weaker = TOML.replace("'-q'", "'-k', 'nothing'")

    assert kinds({PYPROJECT: TOML}, {PYPROJECT: weaker, name: own}) == {"tests_left_out"}
    assert kinds({PYPROJECT: TOML, name: own}, {PYPROJECT: weaker, name: own}) == {"tests_left_out"}
    assert kinds({PYPROJECT: TOML}, {name: own}) == {"tests_left_out"}
    assert kinds({PYPROJECT: TOML}, {PYPROJECT: TOML, name: own}) == set()
    assert kinds({PYPROJECT: TOML, name: own}, {PYPROJECT: TOML}) == set()


@pytest.mark.parametrize("name", ["pytest.toml", ".pytest.toml"])
def test_a_file_of_pytests_own_has_settings_as_well(name: str) -> None:
    def settings(addopts: str) -> dict[str, str]:
        return {name: f"[pytest]\naddopts = ['{addopts}']\n"}

    assert kinds(settings("-q"), settings("--co")) == {"tests_left_out"}
    assert kinds(settings("-q"), settings("-v")) == set()
