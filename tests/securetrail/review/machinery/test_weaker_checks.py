"""Tests that cannot fail any more, a conftest.py that keeps them from running, and what a verb or an action does."""

import json
from pathlib import Path
from typing import Final

import pytest

from securetrail.review.cli import _reader
from securetrail.review.machinery.files import compare_machinery
from securetrail.review.machinery.shell import called_scripts

PATH, CONFTEST, WORKFLOW = "tests/test_a.py", "tests/conftest.py", ".github/workflows/ci.yml"
BODY = "    y = f()\n    assert y == 1\n"
TEST: Final = f"import pytest\n\ndef test_a(x):\n{BODY}"


def kinds(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The kinds of objections to a change of files."""
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    workflows = [name for name in before if name.startswith(".github/workflows/")]
    return {each.id.split(":")[0] for each in compare_machinery(changed, before.get, after.get, workflows)}


def written(*lines: str) -> str:
    """The test with another body."""
    return TEST.replace(BODY, "".join(f"    {line}\n" for line in lines))


VOID = {
    "it compares something with itself": written("y = f()", "assert y == y"),
    "it compares something with anything": written("y = f()", "assert y == mock.ANY"),
    "it looks for something in itself": written("y = f()", "assert y in y"),
    "it asserts a list": written("y = f()", "assert [y == 1]"),
    "it asserts a function": written("y = f()", "assert lambda: y == 1"),
    "it asserts a text": written("y = f()", "assert f'{y} is 1'"),
    "it asserts one of two that hold": written("y = f()", "assert 1 if y else 2"),
    "it asserts one of many that hold": written("y = f()", f"assert {'(' * 60}1{' if y else 2)' * 60}"),
    "it asserts a name for what holds": written("y = f()", "assert (z := [y == 1])"),
    "its failure is suppressed": written("y = f()", "with suppress(AssertionError):", "    assert y == 1"),
    "its failure is caught": written("y = f()", "try:", "    assert y == 1", "except AssertionError:", "    pass"),
    "every failure is caught": written("try:", "    assert f() == 1", "except:", "    print('no')"),
    "any failure will do": written("y = f()", "with pytest.raises(Exception):", "    assert y == 2"),
    "it stands under what never holds": written("y = f()", "if False:", "    assert y == 1"),
    "it runs without its assertions": written("y = f()", "if not __debug__:", "    assert y == 1"),
    "it looks at each of none": written("y = f()", "for _ in ():", "    assert y == 1"),
    "it looks at each of no number": written("y = f()", "for _ in range(0):", "    assert y == 1"),
    "it asserts for type checkers": written("y = f()", "if TYPE_CHECKING:", "    assert y == 1"),
    "it never goes round": written("y = f()", "while 0:", "    assert y == 1"),
    "it goes on before": written("for y in f():", "    continue", "    assert y == 1"),
    "nobody calls what asserts": written("def check():", "    assert f() == 1"),
    "it asserts nothing": written("y = f()", "print(y)"),
}
SKIPPED = {
    "an error that skips": written("raise unittest.SkipTest('x')", "assert f() == 1"),
    "pytest's own error": written("raise pytest.skip.Exception('x')", "assert f() == 1"),
    "a mark in its body": written("request.node.add_marker(pytest.mark.xfail)", "assert f() == 1"),
    "the end of the run": written("pytest.exit('x', returncode=0)", "assert f() == 1"),
    "another name of skip": f"from pytest import skip as later\n{written('later()', 'assert f() == 1')}",
    "a coroutine": TEST.replace("def test_a", "async def test_a"),
    "a generator": written("yield", "assert f() == 1"),
    "the end of Python": f"import os\nos._exit(0)\n{TEST}",
    "the end under a condition": f"import sys\nif x:\n    sys.exit(0)\n{TEST}",
    "a fixture for all": TEST.replace(
        "def", "@pytest.fixture(autouse=True)\ndef no():\n    pytest.skip('x')\n\ndef", 1
    ),
    "a fixture for all, in other words": TEST.replace(
        "def", "@pytest.fixture(autouse=1)\ndef no():\n    pytest.skip('x')\n\ndef", 1
    ),
    "whenever it is imported": f"if __name__ != '__main__':\n    pytest.skip('x', allow_module_level=True)\n{TEST}",
    "whenever it is not started": f"if __name__ == '__main__':\n    pass\nelse:\n    pytest.exit('x')\n{TEST}",
    "a fixture that it asks for": TEST.replace("def", "@pytest.fixture\ndef x():\n    pytest.skip('x')\n\ndef", 1),
    "a mark of another name": TEST.replace("def", "later = pytest.mark.skip(reason='x')\n\n@later\ndef", 1),
    "a mark that a text names": TEST.replace("def", "@getattr(pytest.mark, 'skip')\ndef", 1),
    "a mark more for all": f"pytestmark = []\n{TEST}\npytestmark += [pytest.mark.skip]\n",
    "a switch behind it": f"{TEST}\ntest_a.__test__ = False\n",
}


@pytest.mark.parametrize("name", VOID)
def test_a_test_that_cannot_fail_any_more_is_emptied(name: str) -> None:
    assert kinds({PATH: TEST}, {PATH: VOID[name]}) == {"test_emptied"}


@pytest.mark.parametrize("name", SKIPPED)
def test_a_test_that_does_not_run_to_its_end_is_skipped(name: str) -> None:
    assert kinds({PATH: TEST}, {PATH: SKIPPED[name]}) == {"test_skipped"}


CLASS = "class TestIt:\n    def test_a(self):\n        assert f() == 1\n"
CASES = TEST.replace("def", "@pytest.mark.parametrize('x', [1, 2])\ndef", 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CLASS, CLASS.replace("    def", "    def __init__(self):\n        self.x = 1\n    def", 1)),
        (CASES, CASES.replace("[1, 2]", "[1]")),
        (CASES, CASES.replace("[1, 2]", "list()")),
    ],
)
def test_a_class_with_a_constructor_and_fewer_cases_are_skipped(before: str, after: str) -> None:
    assert kinds({PATH: before}, {PATH: after}) == {"test_skipped"}


@pytest.mark.parametrize("place", ["attic/test_a.py", "tests/build/test_a.py", "tests/.old/test_a.py"])
def test_a_test_where_nobody_looks_is_gone(place: str) -> None:
    assert kinds({PATH: TEST}, {place: TEST}) == {"test_removed"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({PATH: TEST}, {"tests/more/test_b.py": TEST}),
        ({PATH: TEST}, {PATH: written("y = f()", "assert y == 1, 'it is one'", "assert y")}),
        ({PATH: TEST}, {PATH: f"def looks_right(y):\n    assert y == 1\n\n{written('looks_right(f())')}"}),
        ({PATH: TEST}, {PATH: f"from tests.helpers import look\n\n{written('look(f())')}"}),
        ({PATH: TEST}, {PATH: written("with pytest.raises(ValueError):", "    f()")}),
        ({PATH: TEST}, {PATH: written("try:", "    assert f() == 1", "finally:", "    g()")}),
        ({PATH: TEST}, {PATH: written("try:", "    assert f() == 1", "except Exception:", "    g()", "    raise")}),
        ({PATH: TEST}, {PATH: written("for y in f():", "    if not y:", "        continue", "    assert y == 1")}),
        ({PATH: TEST}, {PATH: written("def g():", "    return 1", "assert f() == g()")}),
        ({PATH: TEST}, {PATH: f"{TEST}\nif __name__ == '__main__':\n    sys.exit(pytest.main())\n"}),
        ({PATH: TEST}, {PATH: TEST.replace("def", "@pytest.fixture\ndef other():\n    return 1\n\ndef", 1)}),
        ({PATH: TEST}, {PATH: TEST.replace("def", "@pytest.mark.asyncio\nasync def", 1)}),
        ({PATH: CASES}, {PATH: CASES.replace("[1, 2]", "[1, 3, 4]")}),
    ],
)
def test_a_test_that_is_only_written_otherwise_is_not_objected_to(
    before: dict[str, str], after: dict[str, str]
) -> None:
    assert kinds(before, after) == set()


@pytest.mark.parametrize(
    ("text", "is_less"),
    [
        ("@pytest.fixture(autouse=True)\ndef no():\n    pytest.skip('x')\n", True),
        ("import os\nos._exit(0)\n", True),
        ("pytest_plugins = ['quiet']\n", True),
        ("pytest_collection_modifyitems = lambda items: items.clear()\n", True),
        ("from helpers import pytest_collection_modifyitems\n", True),
        ("from helpers import *\n", True),
        ("if 1:\n    def pytest_collection_modifyitems(items):\n        items.clear()\n", True),
        ("def pytest_configure(config):\n    config.option.collectonly = True\n", True),
        ("def pytest_cmdline_main(config):\n    return 0\n", True),
        ("pytest.raises = lambda *_: nullcontext()\n", True),
        ("def pytest_configure(config):\n    config.addinivalue_line('norecursedirs', 'tests')\n", True),
        ("def pytest_configure(config):\n    config.addinivalue_line('markers', 'x')\n", False),
        ("from helpers import made\n", False),
        ("@pytest.fixture\ndef it():\n    yield 1\n", False),
    ],
)
def test_a_conftest_that_keeps_tests_from_running_is_objected_to(text: str, is_less: bool) -> None:  # noqa: FBT001 (a case's)
    before = {CONFTEST: "import pytest\n"}

    assert kinds(before, {CONFTEST: f"import pytest\n{text}"}) == ({"tests_left_out"} if is_less else set())


@pytest.mark.parametrize("name", ["pytest.so", "pytest.cpython-313-x86_64-linux-gnu.so", "pytest.pyc", "yaml/it.py"])
def test_a_module_of_any_kind_hides_an_installed_one(name: str) -> None:
    lock = {"requirements.txt": "pyyaml==6.0 --hash=sha256:aa\n"}

    assert kinds(lock, {**lock, name: "x"}) == {"module_hidden"}


# ---- what a verb, a script and an action do ----


def runs(command: str) -> dict[str, str]:
    """A workflow that runs a command."""
    return {WORKFLOW: f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {command}\n"}


VERBS = ".PHONY: test\nPY := python3\ntest:\n\t$(PY) -m pytest\n\ttools/more.sh\nother:\n\ttrue\n"
OTHER = VERBS.replace("pytest", "pytest --co")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # A folder of this name is what make takes a verb for.
        (runs("make test") | {"Makefile": VERBS}, {"Makefile": VERBS.replace(".PHONY: test\n", "")}),
        (runs("make other") | {"Makefile": VERBS}, {"other/it.txt": "x"}),
        (runs("make") | {"Makefile": VERBS}, {"Makefile": VERBS.replace("PY :=", "other:\n\ttrue\nPY :=")}),
        (runs("make") | {"Makefile": VERBS}, {"Makefile": OTHER}),
        (runs("make -C api test") | {"api/Makefile": VERBS}, {"api/Makefile": OTHER}),
        (runs("make -Capi test") | {"api/Makefile": VERBS}, {"api/Makefile": OTHER}),
        (runs("make --directory=api test") | {"api/Makefile": VERBS}, {"api/Makefile": OTHER}),
        (runs("make --directory api") | {"api/Makefile": VERBS}, {"api/Makefile": OTHER}),
        (runs("make -f ci.mk test") | {"ci.mk": VERBS}, {"ci.mk": OTHER}),
        (runs("make --file=ci.mk test") | {"ci.mk": VERBS}, {"ci.mk": OTHER}),
        (runs("make --makefile ci.mk") | {"ci.mk": VERBS}, {"ci.mk": OTHER}),
        (runs("make test") | {"Makefile": "include ci.mk\n", "ci.mk": VERBS}, {"ci.mk": OTHER}),
    ],
)
def test_a_verb_that_does_something_else_is_objected_to_wherever_it_stands(
    before: dict[str, str], after: dict[str, str]
) -> None:
    assert kinds(before, {**before, **after}) == {"make_changed"}


SCRIPT = "#!/bin/sh\nset -e\n# why\npytest\n"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (SCRIPT.replace("pytest", "true"), {"script_changed"}),
        (SCRIPT.replace("set -e\n", ""), {"script_changed"}),
        (SCRIPT.replace("set -e", "exit 0"), {"script_changed"}),
        (SCRIPT.replace("why", "because"), set()),
        (SCRIPT.replace("/bin/sh", "/bin/true"), {"script_changed"}),
        (f"{SCRIPT}mypy\n", set()),
    ],
)
def test_a_shell_script_that_workflows_run_does_all_that_it_did(script: str, expected: set[str]) -> None:
    for command, name in (
        ("./ci.sh", "ci.sh"),
        ("sh tools/check", "tools/check"),
        ("make test", "tools/more.sh"),
        ("true", ".ci/run"),
    ):
        before = {**runs(command), "Makefile": VERBS, name: SCRIPT}

        assert kinds(before, {**before, name: script}) == expected
        assert kinds(before, {each: text for each, text in before.items() if each != name}) == {"script_changed"}
    of_nobody = {**runs("true"), "Makefile": VERBS, "ci.sh": SCRIPT}
    assert kinds(of_nobody, {**of_nobody, "ci.sh": script}) == set()


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("#!/bin/sh", {"script_changed"}),
        ("#!/bin/sh -e", set()),
        ("#!/usr/bin/env -S bash -e", set()),
        ("#!/bin/sh\nset -euo pipefail", set()),
        ("#!/bin/bash\nset -u -o errexit", set()),
        ("#!/bin/bash\nset -u", {"script_changed"}),
        ("#!/usr/bin/env bash\nset -o pipefail", {"script_changed"}),
    ],
)
def test_what_is_added_to_a_shell_script_counts_where_a_failure_does_not_end_it(first: str, expected: set[str]) -> None:
    before = {**runs("./ci.sh"), "ci.sh": f"{first}\npytest\n"}

    assert kinds(before, {**before, "ci.sh": f"{first}\npytest\nexit 0\n"}) == expected


CHECKS = "#!/bin/bash\nset -euo pipefail\ncheck_one\ncheck_two --all\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (CHECKS, CHECKS.replace("one", "one || true"), {"script_changed"}),
        (CHECKS, CHECKS.replace("check_one", "set +e\ncheck_one"), {"script_changed"}),
        (CHECKS, CHECKS.replace("check_one", "check_one() { :; }\ncheck_one"), {"script_changed"}),
        (CHECKS, CHECKS.replace("one", "one \\\n  || true"), {"script_changed"}),
        # It is reached only where everything before it succeeded, but for what fails and goes on.
        (CHECKS, f"{CHECKS}exit 0\n", set()),
        (f"{CHECKS}test -z x && echo yes\n", f"{CHECKS}test -z x && echo yes\ntrue\n", {"script_changed"}),
        (f"{CHECKS}! grep x y\n", f"{CHECKS}! grep x y\necho done\n", {"script_changed"}),
        (f"{CHECKS}if x\nthen\na && b\nfi\n", f"{CHECKS}if x\nthen\na && b\nfi\ntrue\n", {"script_changed"}),
        (f"{CHECKS}if x\nthen\na\nfi\n", f"{CHECKS}if x\nthen\na\nfi\nb\n", set()),
        (f"{CHECKS}x &&\ny\n", f"{CHECKS}x &&\ny\necho done\n", {"script_changed"}),
        ("if x\nthen\n  set -e\nfi\ny\n", "if x\nthen\n  set -e\nfi\ny\nz\n", {"script_changed"}),
        ("f() { # a\n  set -e\n}\ny\n", "f() { # a\n  set -e\n}\ny\nz\n", {"script_changed"}),
        (f"{CHECKS}x && # a\ny\n", f"{CHECKS}x && # a\ny\necho done\n", {"script_changed"}),
        (f"{CHECKS}x & # a\nwait\n", f"{CHECKS}x & # a\nwait\necho done\n", {"script_changed"}),
        (f"{CHECKS}x \\\n", f"{CHECKS}x \\\n  || true\n", {"script_changed"}),
        (f"{CHECKS}trap y EXIT\nx\n", f"{CHECKS}trap y EXIT\nx\ntrap - EXIT\n", {"script_changed"}),
        (f"{CHECKS}set +e\nx\n", f"{CHECKS}set +e\nx\necho done\n", {"script_changed"}),
        (f"{CHECKS}x &\nwait $!\n", f"{CHECKS}x &\nwait $!\n", set()),
        # What it only says may be the answer of a function.
        ("set -e\nf() {\n  x\n}\nf || exit 1\n", "set -e\nf() {\n  x\necho ok\n}\nf || exit 1\n", {"script_changed"}),
        # A comment does not go on in the next line, and ends a command that does.
        (CHECKS, CHECKS.replace("pipefail", "pipefail # all of it \\\nexit 0"), {"script_changed"}),
        (
            CHECKS.replace("check_one", "S=1 check"),
            CHECKS.replace("check_one", "S=1 \\\n# x\ncheck"),
            {"script_changed"},
        ),
        (CHECKS.replace("one", "\\\none"), CHECKS.replace("one", "\\\n# x\none"), {"script_changed"}),
        (CHECKS.replace("one", "\\\none"), CHECKS.replace("one", "\\\n\none"), {"script_changed"}),
        (CHECKS.replace("one", "\\\none"), CHECKS.replace("one", "\\ \none"), {"script_changed"}),
        (CHECKS, CHECKS.replace("check_one", "# why \\\ncheck_one"), set()),
        (CHECKS, CHECKS.replace("check_one", "# why\u2028check_one"), {"script_changed"}),
        (CHECKS, CHECKS.replace("\n", "\r\n"), {"script_changed"}),
        # Within a text no line is a comment, and blanks count.
        (f"{CHECKS}sh -c '\nx\n'\n", f"{CHECKS}sh -c '\n# it'; exit 0\nx\n'\n", {"script_changed"}),
        (f"{CHECKS}sh <<E\nx\nE\ny\n", f"{CHECKS}sh <<E\nx\n E\ny\n", {"script_changed"}),
        (f"{CHECKS}sh <<E\nx\nE\ny\n", f"{CHECKS}sh <<E\nx\nE\ny\nz\n", set()),
        # What runs it stands at its very beginning.
        ("#!/bin/sh -e\nx\ny\n", "\n#!/bin/sh -e\nx\ny\n", {"script_changed"}),
        ("#!/bin/sh -e\nx\ny\n", "\ufeff#!/bin/sh -e\nx\ny\n", {"script_changed"}),
        # In other words.
        (CHECKS, CHECKS.replace("check_two", "\n  # the other, isn't it?\n  check_two"), set()),
        (CHECKS, CHECKS.replace("/bin/bash", "/usr/bin/env bash"), set()),
        (CHECKS.replace("set -euo pipefail\n", ""), f"{CHECKS}echo done\n", {"script_changed"}),
    ],
)
def test_what_a_script_does_is_compared_and_not_how_it_is_written(before: str, after: str, expected: set[str]) -> None:
    base = {**runs("./ci.sh"), "ci.sh": before}

    assert kinds(base, {**base, "ci.sh": after}) == expected


@pytest.mark.parametrize("called", [". tools/more.sh", "tools/more.sh", '"$(dirname "$0")/more.sh"', "bash more.sh"])
def test_a_script_that_such_a_script_runs_counts_as_well(called: str) -> None:
    base = {**runs("tools/ci.sh"), "tools/ci.sh": CHECKS.replace("check_one", called), "tools/more.sh": SCRIPT}

    assert kinds(base, {**base, "tools/more.sh": SCRIPT.replace("pytest", "true")}) == {"script_changed"}
    unused = {**base, "tools/ci.sh": CHECKS}
    assert kinds(unused, {**unused, "tools/more.sh": SCRIPT.replace("pytest", "true")}) == set()


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("$GITHUB_WORKSPACE/tools/ci.sh", "tools/ci.sh"),
        ("${{ github.workspace }}/tools/ci.sh", "tools/ci.sh"),
        ('"$PWD/tools/ci.sh"', "tools/ci.sh"),
        ('"${ROOT}tools/ci.sh"', "tools/ci.sh"),
        ("X=tools/ci.sh; sh $X", "tools/ci.sh"),
        ("tools/c++@ci.sh", "tools/c++@ci.sh"),
        ("tools/c=i,1", "tools/c=i,1"),
        ("'tools/all checks'", "tools/all checks"),
        ("tools/ci.check", "tools/ci.check"),
    ],
)
def test_a_script_counts_however_it_is_called(called: str, name: str) -> None:
    weaker = {name: SCRIPT.replace("pytest", "true")}
    step = {WORKFLOW: json.dumps({"on": "push", "jobs": {"a": {"steps": [{"run": called}]}}})}
    by_make = {**runs("make"), "Makefile": f"all:\n\t{called.replace('$', '$$')}\n"}
    by_another = {**runs("$HOME/a.sh"), "a.sh": f"#!/bin/sh\n{called}\n"}
    for base in ({**each, name: SCRIPT} for each in (step, by_make, by_another)):
        assert kinds(base, {**base, **weaker}) == {"script_changed"}
    if {*name} & {*"= "}:
        return
    # And what it runs does, though it is as it was.
    last = {name: f"{SCRIPT}$ROOT/tools/last.sh\n", "tools/last.sh": SCRIPT}
    assert kinds({**step, **last}, {**step, **last, "tools/last.sh": "exit 0\n"}) == {"script_changed"}


def test_files_are_read_as_those_see_them_who_run_them(tmp_path: Path) -> None:
    read = _reader(tmp_path)
    for name in ("a.sh", "a", "a.py", "a.toml", "a.yml", "a.yaml"):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf#!/bin/sh -e\r\nx\n")
        marked = name in ("a.sh", "a")
        assert read(name) == ("\ufeff#!/bin/sh -e\r\nx\n" if marked else "#!/bin/sh -e\nx\n")
    # What is too long for a name is none.
    assert called_scripts([f"openssl dgst {'a' * 300} /{'b/' * 5000}"], read) == frozenset()


ACTION = "runs:\n  using: composite\n  steps:\n    - run: pytest\n      shell: bash\n"


@pytest.mark.parametrize("path", [".github/actions/check/action.yml", "ci/check/action.yaml"])
def test_an_action_of_the_repository_does_all_that_it_did(path: str) -> None:
    assert kinds({path: ACTION}, {path: ACTION.replace("pytest", "true")}) == {"step_removed"}
    assert kinds({path: ACTION}, {path: "runs:\n  using: node24\n  main: it.js\n"}) == {
        "action_changed",
        "step_removed",
    }
    assert kinds({path: ACTION}, {path: f"description: it\n{ACTION}"}) == set()


def npm(version: str = "1", place: str = "https://registry.npmjs.org", integrity: str = "sha512-x") -> dict[str, str]:
    package = {"version": version, "resolved": f"{place}/cdk-{version}.tgz", "integrity": integrity}
    return {"package-lock.json": json.dumps({"packages": {"": {}, "node_modules/aws-cdk": package}})}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (npm(place="https://example.net"), {"lock_place"}),
        (npm(integrity=""), {"lock_hashes"}),
        (npm(integrity="sha512-y"), {"lock_hashes"}),
        (npm("2", integrity="sha512-y"), set()),
    ],
)
def test_a_lock_of_npm_is_read_as_well(after: dict[str, str], expected: set[str]) -> None:
    assert kinds(npm(), after) == expected


def test_npm_installs_under_a_name_what_has_this_name() -> None:
    def lock(resolved: str, **more: str) -> dict[str, str]:
        package = {"version": "1", "resolved": f"https://registry.npmjs.org/{resolved}", "integrity": "x", **more}
        return {"package-lock.json": json.dumps({"packages": {"": {}, "node_modules/aws-cdk": package}})}

    before = lock("aws-cdk/-/aws-cdk-1.tgz")
    assert kinds(before, lock("aws-cdk/-/aws-cdk-2.tgz", version="2", integrity="y")) == set()
    for other in ("evil/-/evil-2.tgz", "@evil/aws-cdk/-/aws-cdk-2.tgz"):
        assert kinds(before, lock(other, version="2", integrity="y")) == {"lock_place"}
    more = json.loads(before["package-lock.json"])
    more["packages"]["node_modules/more"] = {"version": "1", "resolved": "https://registry.npmjs.org/more/-/more-1.tgz"}
    assert kinds(before, {"package-lock.json": json.dumps(more)}) == {"lock_hashes"}
    more["packages"]["node_modules/more"]["inBundle"] = True
    assert kinds(before, {"package-lock.json": json.dumps(more)}) == set()


def test_one_version_has_one_hash() -> None:
    lock = "attrs==26.1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"

    assert kinds({"requirements.txt": lock}, {"requirements.txt": lock.replace(":aa", ":cc")}) == set()
    other = lock.replace(":aa", ":cc").replace(":bb", ":dd")
    assert kinds({"requirements.txt": lock}, {"requirements.txt": other}) == {"lock_hashes"}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (".npmrc", "registry=https://example.net\n", {"lock_place"}),
        ("pip.conf", "[global]\nindex-url = https://example.net\n", {"lock_place"}),
        ("pip.conf", "[global]\nTrusted_Host = example.net\n", {"lock_place"}),
        ("pip.conf", "[global]\n# where from\ntimeout = 60\n", set()),
        ("uv.toml", "index-url = 'https://example.net'\n", {"lock_place"}),
        ("pyproject.toml", "[[tool.uv.index]]\nurl = 'https://example.net'\n", {"lock_place"}),
        (".npmrc", "# registry\nfund=false\n", set()),
        ("package.json", '{"scripts": {"postinstall": "node it.js"}}', {"lock_place"}),
        ("package.json", '{"scripts": {"build": "tsc"}}', set()),
        ("pyproject.toml", "[tool.uv]\npackage = false\n", set()),
    ],
)
def test_settings_by_which_packages_come_from_elsewhere_are_objected_to(
    name: str, text: str, expected: set[str]
) -> None:
    assert kinds({}, {name: text}) == expected


def test_a_place_more_in_a_list_of_several_lines_is_objected_to() -> None:
    before = "[global]\nextra-index-url =\n    https://example.org\n"

    assert kinds({"pip.conf": before}, {"pip.conf": f"{before}    https://example.net\n"}) == {"lock_place"}


PACK = "Aspects.of(app).add(AwsSolutionsChecks())\n"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (f"match x:\n    case 1:\n        {PACK}", {"rule_pack_conditional"}),
        (f"try:\n    f()\nexcept ValueError:\n    {PACK}", {"rule_pack_conditional"}),
        (f"if x:\n    sys.exit(0)\n{PACK}", {"rule_pack_conditional"}),
        (f"raise SystemExit\n{PACK}", {"rule_pack_conditional"}),
        (f"[{PACK.strip()} for app in apps]\n", {"rule_pack_conditional"}),
        ("AwsSolutionsChecks()\n", {"rule_pack_removed"}),
        (f"def add(app):\n    {PACK}\nadd(app)\n", set()),
        ("checks = AwsSolutionsChecks()\nAspects.of(app).add(checks)\n", set()),
    ],
)
def test_a_rule_pack_is_added_whatever_happens(after: str, expected: set[str]) -> None:
    assert kinds({"app.py": PACK}, {"app.py": after}) == expected
