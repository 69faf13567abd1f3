"""What keeps a check from running, or changes what it finds, without removing it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from securetrail.review.machinery.files import compare_machinery
from securetrail.review.sides import environment

ROOT = Path(__file__).parents[4]
REVIEW, MAKEFILE, PYPROJECT = ".github/workflows/review.yml", "Makefile", "pyproject.toml"
WORKFLOW, VERBS, PROJECT = ((ROOT / name).read_text() for name in (REVIEW, MAKEFILE, PYPROJECT))


def kinds(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The objections to a change of files; a workflow is there on both sides."""
    base, head = {REVIEW: WORKFLOW, **before}, {REVIEW: WORKFLOW, **after}
    changed = [name for name in {**base, **head} if base.get(name) != head.get(name)]
    return [each.id.split(":")[0] for each in compare_machinery(changed, base.get, head.get, [REVIEW])]


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


# ---- workflows ----

COPIES = {"run": 'cp -r . "$RUNNER_TEMP/judge"'}
ACTION = {"uses": f"somebody/setup@{'a' * 40}"}


def with_step(step: dict[str, Any], before: str) -> str:
    document = yaml.safe_load(WORKFLOW)
    steps = document["jobs"]["review"]["steps"]
    place = next(number for number, each in enumerate(steps) if each.get("run", "").startswith(before))
    steps.insert(place, step)
    return yaml.safe_dump(document, sort_keys=False)


@pytest.mark.parametrize("step", [COPIES, ACTION, {"run": 'echo PATH=. >>"$GITHUB_ENV"'}])
def test_a_new_step_before_the_judge_can_change_what_judges(step: dict[str, Any]) -> None:
    assert kinds({}, {REVIEW: with_step(step, "make -C")}) == ["step_inserted"]


def test_a_step_that_becomes_another_one_is_said_once() -> None:
    other = replaced(WORKFLOW, "- run: make check", "- run: make check || true")

    assert kinds({}, {REVIEW: other}) == ["step_removed"]


# ---- Makefile ----

TEST = "@$(PYTEST) -m 'not slow' $(TESTS)"
IS_LESS = {
    "nothing runs": (TEST, "@true"),
    "its failure does not count": (TEST, f"-{TEST}"),
    "it ends before": (TEST, f"@exit 0\n\t{TEST}"),
    "fewer tests": (TEST, TEST.replace("not slow", "not slow and not securetrail")),
    "one check less": ("\tmypy\n", ""),
    "no review": ("@tools/review.sh", "@echo reviewed"),
    "a variable": ("TMPDIR=$$MACHINE_TMPDIR python -m pytest $(WORKERS)", "true"),
    "a shell in which everything succeeds": ("SHELL := /bin/bash", "SHELL := /bin/true"),
    "failures do not end a recipe": ("-eu -o pipefail -c", "-c"),
    "all failures are ignored": (".DELETE_ON_ERROR:", ".DELETE_ON_ERROR:\n.IGNORE:"),
    "another recipe below": ("\nformat:", "\ntest:\n\t@true\n\nformat:"),
    "another file's recipes": (".DELETE_ON_ERROR:", ".DELETE_ON_ERROR:\ninclude more.mk"),
    "a variable for one verb": ("\nformat:", "\ntest: PYTEST=true\n\nformat:"),
    "a variable of several lines": ("\nformat:", "\ndefine PYTEST\ntrue\nendef\n\nformat:"),
    "what make evaluates": ("\nformat:", "\n$(eval SHELL := /bin/true)\n\nformat:"),
    "an option of pytest in the environment": ("\nformat:", "\nexport PYTEST_ADDOPTS := -k 'not key'\n\nformat:"),
    "a python before the right one": ("\nformat:", "\nexport PATH := $(CURDIR)/tools/bin:$(PATH)\n\nformat:"),
    "everything in the environment": (".DELETE_ON_ERROR:", ".DELETE_ON_ERROR:\n.EXPORT_ALL_VARIABLES:"),
    "a variable that nobody set before": ("\nformat:", "\nTESTS := tests/cdk\n\nformat:"),
    "a variable that the environment decides": ("\nPYTEST =", "\nPYTEST ?="),
    "a value that a later one does not replace": ("\nPYTEST =", "\noverride PYTEST = true\nPYTEST ="),
    "another recipe under a condition": ("\nreview:", "\nifdef CI\nreview:\n\t@true\nelse\nendif\nreview:"),
    "the installed packages": ('\t@echo "Installing $< …" >&2\n', "\t@exit 0\n"),
    "a rule in the place of a pattern": ("\nformat:", "\n$(VENV)/.installed-dev:\n\ttouch $@\n\nformat:"),
    "a recipe for a name in a variable": ("\nformat:", "\nNAME := test\n$(NAME):\n\t@true\n\nformat:"),
    "a variable with one letter": ("@tools/review.sh", "@$Xtools/review.sh"),
    "without what it needs": ("review: $(VENV)/.installed-dev ", "review: "),
}


@pytest.mark.parametrize("name", IS_LESS)
def test_a_verb_that_the_workflow_runs_and_that_does_something_else_is_objected_to(name: str) -> None:
    assert kinds({MAKEFILE: VERBS}, {MAKEFILE: replaced(VERBS, *IS_LESS[name])}) == ["make_changed"]


RENAMED = VERBS.replace("$(PYTEST)", "$(RUN_TESTS)").replace("\nPYTEST =", "\nRUN_TESTS =")


@pytest.mark.parametrize(
    "head",
    [
        RENAMED,
        VERBS.replace("$(VENV)", "$(ENVIRONMENT)").replace("\nVENV :=", "\nENVIRONMENT :="),
        VERBS.replace("$(VENV)", "${VENV}"),
        VERBS.replace("$(NODE_MODULES)", "node_modules/.installed"),
    ],
)
def test_a_variable_of_another_name_with_the_same_value_is_not_objected_to(head: str) -> None:
    assert head != VERBS
    assert kinds({MAKEFILE: VERBS}, {MAKEFILE: head}) == []


def test_a_variable_of_another_name_with_another_value_is_objected_to() -> None:
    for value in ("RUN_TESTS = true", "RUN_TESTS ?="):
        head = RENAMED.replace("\nRUN_TESTS =", f"\n{value}")

        assert {*kinds({MAKEFILE: VERBS}, {MAKEFILE: head})} == {"make_changed"}


MORE = """
RUN = pytest
ONLY :=
export ONLY
export PYTEST_ADDOPTS = $(ONLY)
define CHECK
  ruff $(1)
endef

check:
	$(call CHECK,.)
ifdef CI
	$(RUN)
endif
	mypy
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [("  ruff", "  true"), ("ONLY :=", "ONLY := -k x"), ("\tmypy", "\ttrue"), ("ifdef", "ifndef"), ("pytest", "true")],
)
def test_every_part_of_a_makefile_that_a_verb_uses_counts(old: str, new: str) -> None:
    assert "make_changed" in kinds({MAKEFILE: MORE}, {MAKEFILE: replaced(MORE, old, new)})
    assert kinds({MAKEFILE: MORE}, {MAKEFILE: f"{MORE}\nformat:\n\truff format\n"}) == []


def test_variables_within_variables_have_an_end() -> None:
    doubling = "".join(f"A{n} = $(A{n + 1})$(A{n + 2})$(A{n + 1})\n" for n in range(1200))  # deeper than Python calls
    check = "\ncheck:\n\techo $(A0) $(B) $(A1190)\n"
    head = f"{doubling}B = $(B){check}"

    assert kinds({MAKEFILE: f"{doubling}B = $(C)\nC = $(B){check}"}, {MAKEFILE: head}) == ["make_changed"]
    assert kinds({MAKEFILE: head}, {MAKEFILE: f"{head}\nformat:\n"}) == []


def test_a_long_value_is_compared_to_its_end() -> None:
    text = f"RUN = {'x' * 20_000} {{}}\nMORE = $(RUN)\ncheck:\n\t$(MORE)\n"

    assert "make_changed" in kinds({MAKEFILE: text.format("pytest")}, {MAKEFILE: text.format("true")})


@pytest.mark.parametrize("name", ["GNUmakefile", "makefile"])
def test_a_makefile_that_hides_another_one_is_objected_to(name: str) -> None:
    verbs = {"check", "review", "test", "test-slow"}

    assert {*kinds({MAKEFILE: VERBS}, {MAKEFILE: VERBS, name: "all:\n\ttrue\n"})} == {"make_changed"}
    assert len(kinds({MAKEFILE: VERBS}, {MAKEFILE: VERBS, name: "all:\n\ttrue\n"})) >= len(verbs)
    assert kinds({MAKEFILE: VERBS}, {MAKEFILE: VERBS, name: VERBS}) == []


def test_a_makefile_that_is_gone_is_objected_to() -> None:
    assert kinds({MAKEFILE: VERBS}, {}) == ["judge_removed"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@python -m lab tour", "@python -m lab tour --quiet"),  # no workflow runs it
        ("\tmypy\n", "\t@mypy\n"),
        ("## lint, format, types", "## style, types"),
        ("@tools/review.sh", "@tools/review.sh\n\techo done"),
        ("test-fast: ", "more:\n\t@true\n\ntest-fast: "),
        ("review: $(VENV)/.installed-dev ", "review: $(NODE_MODULES) $(VENV)/.installed-dev "),
    ],
)
def test_a_makefile_that_does_as_much_is_not_objected_to(old: str, new: str) -> None:
    assert kinds({MAKEFILE: VERBS}, {MAKEFILE: replaced(VERBS, old, new)}) == []


def test_a_makefile_that_no_workflow_uses_is_nobodys_business() -> None:
    base, head = {MAKEFILE: VERBS}, {MAKEFILE: "all:\n\ttrue\n"}

    assert compare_machinery([MAKEFILE], base.get, head.get) == ()


# ---- pytest ----

ADDOPTS = '"--no-loadscope-reorder"]'


@pytest.mark.parametrize(
    "more",
    [
        "'-k', 'not review'",
        "'-knot review'",
        "'-m', 'fast'",
        "'--ignore=tests/securetrail'",
        "'--deselect', 'tests/x.py'",
        "'--collect-only'",
        "'-p', 'no:python'",
        "'-o', 'xfail_strict=false'",
        "'--override-ini=xfail_strict=false'",
        "'-c', 'other.ini'",
        "'-W', 'ignore'",
        "'--pythonwarnings=ignore'",
        "'--reruns', '5'",
        "'--suppress-no-test-exit-code'",
    ],
)
def test_options_by_which_fewer_tests_run_are_objected_to(more: str) -> None:
    after = replaced(PROJECT, ADDOPTS, f"{ADDOPTS[:-1]}, {more}]")

    assert kinds({PYPROJECT: PROJECT}, {PYPROJECT: after}) == ["tests_left_out"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('testpaths = ["tests"]', 'testpaths = ["tests/cdk"]'),
        ('testpaths = ["tests"]', 'testpaths = ["tests"]\npython_files = ["check_*.py"]'),
        ('testpaths = ["tests"]', 'testpaths = ["tests"]\nnorecursedirs = ["securetrail"]'),
        ("xfail_strict = true", "xfail_strict = false"),
        ('"--strict-markers", ', ""),
        ('filterwarnings = ["error"]\n', ""),
        ('filterwarnings = ["error"]', 'filterwarnings = ["error", "ignore::DeprecationWarning"]'),
        ('pythonpath = ["."]', 'pythonpath = ["fake", "."]'),
        ('pythonpath = ["."]', 'pythonpath = ["."]\nusefixtures = ["skips"]'),
    ],
)
def test_settings_by_which_fewer_tests_run_or_fail_are_objected_to(old: str, new: str) -> None:
    assert kinds({PYPROJECT: PROJECT}, {PYPROJECT: replaced(PROJECT, old, new)}) == ["tests_left_out"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('testpaths = ["tests"]', 'testpaths = ["tests", "examples"]'),
        (ADDOPTS, '"--no-loadscope-reorder", "--color=yes", "--durations=5"]'),
        ("line-length = 120", "line-length = 100"),
        (ADDOPTS, '"--no-loadscope-reorder", "-W", "error", "--pythonwarnings=error::UserWarning"]'),
        ('filterwarnings = ["error"]', 'filterwarnings = ["error", "error::ResourceWarning"]'),
        ("xfail_strict = true", "xfail_strict = true\nstrict = true"),
    ],
)
def test_settings_by_which_as_much_runs_are_not_objected_to(old: str, new: str) -> None:
    assert kinds({PYPROJECT: PROJECT}, {PYPROJECT: replaced(PROJECT, old, new)}) == []


def test_settings_in_other_files_count_as_well() -> None:
    assert kinds({}, {"pytest.ini": "[pytest]\naddopts = --ignore=tests"}) == ["tests_left_out"]
    assert kinds({}, {"tox.ini": "[pytest]\naddopts = -k nothing"}) == ["tests_left_out"]
    assert kinds({}, {"setup.cfg": "[tool:pytest]\naddopts = -m fast"}) == ["tests_left_out"]
    assert kinds({}, {"setup.cfg": "[metadata]\nname = it"}) == []
    assert kinds({"pytest.ini": "[pytest]"}, {"pytest.ini": "[pytest]\naddopts = -k x"}) == ["tests_left_out"]
    # It hides those of pyproject.toml, whatever it says.
    assert kinds({}, {"pytest.toml": ""}) == ["tests_left_out"]
    # And so it does for whoever says which folder to run.
    assert kinds({}, {"tests/pytest.ini": ""}) == ["tests_left_out"]
    assert kinds({}, {"tests/pyproject.toml": "[tool.pytest.ini_options]\nminversion = '9'"}) == ["tests_left_out"]
    assert kinds({}, {"tests/pyproject.toml": "[project]\nname = 'it'", "examples/pytest.ini": ""}) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # A module that tests import skips them all.
        ("tests/__init__.py", "import pytest\npytest.skip('later', allow_module_level=True)\n"),
        ("tests/helpers.py", "import unittest\nraise unittest.SkipTest\n"),
        ("tests/helpers.py", "def pytest_collection_modifyitems(items):\n    items.clear()\n"),
        # pytest has it from pytest_plugins, -p or an entry point.
        ("more/plugin.py", "def pytest_runtest_protocol(item): return True\n"),
    ],
)
def test_hooks_and_skips_in_any_module_are_objected_to(name: str, text: str) -> None:
    assert kinds({name: "X = 1\n"}, {name: f"X = 1\n{text}"}) == ["tests_left_out"]
    assert kinds({name: f"X = 1\n{text}"}, {name: f"X = 2\n{text}"}) == []


@pytest.mark.parametrize("name", ["tests/test_more.py", "tests/helpers.py", "tests/conftest.py"])
@pytest.mark.parametrize(
    "text",
    [
        "import atexit, os\natexit.register(os._exit, 0)\n",
        "import os, threading\nthreading.Timer(5, lambda: os._exit(0)).start()\n",
        "from os import _exit as leave\n\ndef last():\n    leave(0)\n",
        "import pytest\n\ndef test_a():\n    assert f()\n    pytest.exit('done', returncode=0)\n",
        "def passes(session):\n    session.testsfailed = 0\n",
        "import sys\nsys.modules['verify'] = None\n",
        "globals().pop('test_a')\n",
    ],
)
def test_what_ends_the_run_is_objected_to_wherever_it_is(name: str, text: str) -> None:
    assert kinds({}, {name: text}) == ["tests_left_out"]
    assert kinds({name: text}, {name: f"X = 1\n{text}"}) == []


def test_a_plugin_that_comes_with_the_project_is_objected_to() -> None:
    plugin = "\n[project.entry-points.pytest11]\nours = 'more.plugin'\n"

    assert kinds({PYPROJECT: PROJECT}, {PYPROJECT: PROJECT + plugin}) == ["tests_left_out"]
    assert kinds({PYPROJECT: PROJECT + plugin}, {PYPROJECT: PROJECT}) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def pytest_collection_modifyitems(items):\n    items.clear()\n", ["tests_left_out"]),
        ("def pytest_runtest_makereport(item, call): ...\n", ["tests_left_out"]),
        ("def pytest_ignore_collect(): return True\n", ["tests_left_out"]),
        ("collect_ignore = ['test_it.py']\n", ["tests_left_out"]),
        ("collect_ignore_glob: list[str] = ['*.py']\n", ["tests_left_out"]),
        ("import pytest\n\n@pytest.fixture\ndef it(): ...\n", []),
    ],
)
def test_a_hook_that_decides_which_tests_run_is_objected_to(text: str, expected: list[str]) -> None:
    assert kinds({"tests/conftest.py": "X = 1\n"}, {"tests/conftest.py": f"X = 1\n{text}"}) == expected
    assert kinds({}, {"tests/conftest.py": text}) == expected
    assert kinds({"tests/conftest.py": text}, {"tests/conftest.py": f"# why\n{text}"}) == []


# ---- locks ----

LOCK = "attrs==26.1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nboto3==1.0 \\\n    --hash=sha256:cc\n"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (f"--extra-index-url https://example.net/simple\n{LOCK}", ["lock_place"]),
        (f"-i https://example.net/simple\n{LOCK}", ["lock_place"]),
        (f"--find-links ./wheels\n{LOCK}", ["lock_place"]),
        (f"--trusted-host example.net\n{LOCK}", ["lock_place"]),
        (LOCK.replace("boto3==1.0", "boto3 @ https://example.net/boto3.whl"), ["lock_place"]),
        (LOCK.replace("boto3==1.0", "git+https://example.net/boto3"), ["lock_place"]),
        (LOCK.replace(" \\\n    --hash=sha256:cc", ""), ["lock_hashes"]),
        (LOCK.replace("1.0", "1.1").replace("cc", "dd"), []),
        (f"# renewed\n{LOCK}", []),
        (LOCK.replace("boto3==1.0 \\\n    --hash=sha256:cc\n", ""), []),
    ],
)
def test_a_lock_that_lets_others_decide_what_is_installed_is_objected_to(after: str, expected: list[str]) -> None:
    assert kinds({"requirements.txt": LOCK}, {"requirements.txt": after}) == expected


@pytest.mark.parametrize(
    ("after", "more", "expected"),
    [
        (f"{LOCK}-r more.txt\n", "--extra-index-url https://example.net/simple\n", ["lock_place"]),
        (f"{LOCK}--constraint=more.txt\n", "boto3 @ https://example.net/boto3.whl\n", ["lock_place", "lock_hashes"]),
        (f"{LOCK}evil==1.0\n", "", ["lock_hashes"]),
        (f"{LOCK}evil\n", "", ["lock_hashes"]),
        # The same in two files is the same.
        (f"-r more.txt\n{LOCK.partition('boto3')[0]}", f"boto3{LOCK.partition('boto3')[2]}", []),
        (f"{LOCK}more==1 \\\n    --hash=sha256:dd\n", "", []),
    ],
)
def test_what_a_lock_includes_counts_and_what_is_new_has_a_hash(after: str, more: str, expected: list[str]) -> None:
    assert kinds({"requirements.txt": LOCK}, {"requirements.txt": after, "more.txt": more}) == expected


def test_a_file_that_a_lock_includes_is_part_of_it_and_so_is_a_lock_of_any_name() -> None:
    lock, other = {"requirements.txt": f"-r more.txt\n{LOCK}"}, LOCK.replace("aa", "dd").replace("bb", "ee")

    assert kinds({**lock, "more.txt": ""}, {**lock, "more.txt": "-i https://example.net"}) == ["lock_place"]
    assert kinds({"tools/uv.txt": LOCK}, {"tools/uv.txt": other}) == ["lock_hashes"]
    assert kinds({"notes.txt": "attrs==1"}, {"notes.txt": "attrs==2"}) == []
    # What is only about locks, such as a program or a page, is none.
    for name in ("tools/locks.py", "docs/locks.md"):
        assert kinds({name: f'"""\n{LOCK}"""'}, {name: f'"""\n{other}more\n"""'}) == []


def test_sides_that_include_different_files_share_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(environment, "_install", lambda _lock, folder: folder.mkdir())
    locks = [tmp_path / name / "requirements.txt" for name in ("base", "same", "other")]
    for lock in locks:
        lock.parent.mkdir()
        lock.write_text("-r more.txt\n")
        (lock.parent / "more.txt").write_text(f"boto3=={'2' if lock.parent.name == 'other' else '1'}\n")

    base, same, other = (environment.python_for(lock, locks[1]) for lock in locks)
    assert str(base) == str(same) == sys.executable
    assert other.is_relative_to(tmp_path)


def test_a_new_lock_takes_packages_from_where_they_come_from() -> None:
    assert kinds({}, {"uv.lock": UV}) == []
    assert kinds({}, {"uv.lock": replaced(UV, "https://pypi.org/simple", "https://example.net/simple")}) == [
        "lock_place"
    ]
    assert kinds({}, {"requirements.txt": f"-i https://example.net/simple\n{LOCK}"}) == ["lock_place"]


UV = """
[[package]]
name = "boto3"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.pythonhosted.org/boto3.tar.gz", hash = "sha256:aa" }
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("https://pypi.org/simple", "https://example.net/simple", ["lock_place"]),
        ('{ registry = "https://pypi.org/simple" }', '{ git = "https://example.net/boto3" }', ["lock_place"]),
        (', hash = "sha256:aa"', "", ["lock_hashes"]),
        ('version = "1.0"', 'version = "1.1"', []),
    ],
)
def test_so_is_a_lock_of_uv(old: str, new: str, expected: list[str]) -> None:
    assert kinds({"uv.lock": UV}, {"uv.lock": replaced(UV, old, new)}) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pytest.py", ["module_hidden"]),
        ("boto3/__init__.py", ["module_hidden"]),
        ("json.py", ["module_hidden"]),
        ("sitecustomize.py", ["module_hidden"]),
        ("stacks/json.py", []),
        ("more.py", []),
        ("test/it.py", []),
        ("json/data.txt", []),
    ],
)
def test_a_module_that_takes_the_place_of_an_installed_one_is_objected_to(name: str, expected: list[str]) -> None:
    locks = {"requirements-dev.txt": LOCK + "pytest==9.2.0\n"}

    assert kinds(locks, {**locks, name: "X = 1\n"}) == expected
    assert kinds({**locks, name: "X = 1\n"}, {**locks, name: "X = 2\n"}) == []


# ---- cdk.json, CODEOWNERS ----


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"build": "./before.sh"}, ["deployment_changed"]),
        ({"plugin": ["./more.js"]}, ["deployment_changed"]),
        ({"requireApproval": "never"}, ["deployment_changed"]),
        ({"roleArn": "arn:aws:iam::999988887777:role/theirs"}, ["deployment_changed"]),
        ({"ignoreErrors": True}, ["deployment_changed"]),
        ({"tags": [{"Key": "team", "Value": "security"}]}, ["deployment_changed"]),
        ({"toolkitBucket": {"bucketName": "somebody-elses"}}, ["deployment_changed"]),
        ({"requireApproval": "any-change"}, []),
        ({"requireApproval": "broadening"}, []),
        ({"output": "out"}, []),
        ({"watch": {"include": ["**"]}}, []),
    ],
)
def test_what_a_deployment_does_and_no_synth_shows_is_objected_to(more: dict[str, Any], expected: list[str]) -> None:
    before = json.loads((ROOT / "cdk.json").read_text())

    assert kinds({"cdk.json": json.dumps(before)}, {"cdk.json": json.dumps(before | more)}) == expected


def test_a_deployment_that_asks_less_than_before_is_objected_to() -> None:
    always = json.dumps({"app": "python3 app.py", "requireApproval": "any-change"})

    assert kinds({"cdk.json": always}, {"cdk.json": '{"app": "python3 app.py"}'}) == ["deployment_changed"]


def test_a_finding_of_cdks_own_validators_goes_on_failing_the_synth() -> None:
    def settings(**flags: Any) -> dict[str, str]:
        return {"cdk.json": json.dumps({"context": {f"@aws-cdk/core:{name}": value for name, value in flags.items()}})}

    before = settings(validateAgainstDefaultRules=True, other=True)
    assert kinds(before, settings(validateAgainstDefaultRules=False, other=True)) == ["rule_pack_conditional"]
    assert kinds(before, settings()) == ["rule_pack_conditional"]
    assert kinds(before, settings(validateAgainstDefaultRules=True)) == []
    assert kinds(settings(), before) == []


def test_a_file_of_owners_that_is_too_large_for_github_has_no_owners() -> None:
    owners = "/securetrail/ @org/security\n"

    assert kinds({"CODEOWNERS": owners}, {"CODEOWNERS": owners + "#" * 3_000_000}) == ["owner_removed"]
    assert kinds({"CODEOWNERS": owners}, {"CODEOWNERS": owners + "#" * 2_000_000}) == []
