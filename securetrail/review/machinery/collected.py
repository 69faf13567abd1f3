"""Which tests pytest still collects and runs: its settings, and the hooks of conftest.py.

https://docs.pytest.org/en/stable/reference/reference.html
"""

from __future__ import annotations

import ast
import configparser
import itertools
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from securetrail.review.machinery.tests import ends_tests, full_name, imported
from securetrail.review.objections import Objection, objection_id

# In which part of which file pytest has its settings.
_PLACES: Final = {"pytest.ini": "pytest", "setup.cfg": "tool:pytest", "tox.ini": "pytest"}
_PYPROJECT: Final = "pyproject.toml"
# What is collected.
_NAMES: Final = ("norecursedirs", "python_classes", "python_files", "python_functions")
# By these options of the command line fewer tests run, or fail.
_LEAVES_OUT: Final = {
    "-c",
    "-k",
    "-m",
    "-o",
    "-p",
    "-W",
    "--co",
    "--collect-only",
    "--confcutdir",
    "--config-file",
    "--deselect",
    "--ignore",
    "--ignore-glob",
    "--last-failed",
    "--lf",
    "--noconftest",
    "--override-ini",
    "--pythonwarnings",
    "--reruns",
    "--rootdir",
    "--runxfail",
    "--setup-only",
    "--setup-plan",
    "--stepwise",
    "--suppress-no-test-exit-code",
    "--sw",
}
# Options by which more fails.
_FAILING: Final = ("--cov-fail-under", "--pythonwarnings=error", "--strict", "-Werror")
# Settings that turn into failures what would pass, or run what would not be run; whether it is so by itself, when they
# are true. What every test uses, and where modules are found first.
_STRICT: Final = (
    "asyncio_mode",
    "empty_parameter_set_mark",
    "strict",
    "strict_config",
    "strict_markers",
    "strict_xfail",
    "xfail_strict",
)
_TRUE: Final = {"1", "on", "true", "yes"}
_USED: Final = ("pythonpath", "usefixtures")
# Hooks that decide what runs and what it says.
_HOOKS: Final = (
    "pytest_addhooks",
    "pytest_assertion_pass",
    "pytest_cmdline",
    "pytest_collect",
    "pytest_configure",
    "pytest_deselected",
    "pytest_exception_interact",
    "pytest_fixture_setup",
    "pytest_generate_tests",
    "pytest_ignore_collect",
    "pytest_itemcollected",
    "pytest_load_initial",
    "pytest_make",
    "pytest_pycollect",
    "pytest_pyfunc_call",
    "pytest_report_",
    "pytest_runtest",
    "pytest_sessionfinish",
    "pytest_sessionstart",
    "pytest_unconfigure",
)
_LISTS: Final = ("collect_ignore", "collect_ignore_glob", "pytest_plugins")
# What pytest and unittest do is another thing once a part of them is replaced.
_REPLACED: Final = ("builtins.", "pytest.", "unittest.")
# By these a run ends before its end, with the exit code that they give, or with one that does not tell what failed.
_ENDS_RUNS: Final = {"os._exit", "os.abort", "pytest.exit"}
_TELLS_OF_RUNS: Final = {"exitstatus", "shouldfail", "shouldstop", "testsfailed"}
# What a hook does for people alone.
_HARMLESS: Final = ("config.addinivalue_line('markers',",)
_UNTESTED: Final = "What the tests showed can break, and nobody is told."


def leaves_out_tests(path: str, base: str, head: str) -> Iterator[Objection]:
    """What of pytest's settings lets fewer tests run, or fail.

    :param path: of ``pyproject.toml`` or another file that pytest has its settings in.
    :param base: the file's text; likewise ``head``.
    """
    before, after = _settings(path, base), _settings(path, head)
    for name in _NAMES:
        if _words(before.get(name)) != _words(after.get(name)):
            yield _objection(path, name, before.get(name), after.get(name))
    lost = [each for each in _words(before.get("testpaths")) if each not in _words(after.get("testpaths"))]
    if after.get("testpaths") and (lost or not before.get("testpaths")):
        yield _objection(path, "testpaths", before.get("testpaths"), after.get("testpaths"))
    old, new = _words(before.get("addopts")), _words(after.get("addopts"))
    failing = ({each for each in _joined(words) if each.startswith(_FAILING)} for words in (old, new))
    is_looser = not next(failing) <= next(failing)
    if is_looser or not {*_leaving_out(new)} <= {*_leaving_out(old)}:
        yield _objection(path, "addopts", before.get("addopts"), after.get("addopts"))
    for name in _STRICT:
        is_stricter = str(after.get(name)).lower() in _TRUE
        if name in before and before[name] != after.get(name) and not is_stricter:
            yield _objection(path, name, before[name], after.get(name))
    for name in _USED:
        if {*_words(after.get(name))} - {*_words(before.get(name))}:
            yield _objection(path, name, before.get(name), after.get(name))
    if not _fails_as_much(_lines(before.get("filterwarnings")), _lines(after.get("filterwarnings"))):
        yield _objection(path, "filterwarnings", before.get("filterwarnings"), after.get("filterwarnings"))
    yield from _new_plugins(path, base, head)


def _fails_as_much(before: list[str], after: list[str]) -> bool:
    """Whether every warning that failed a test still does: of two filters that fit, the last one counts."""
    fails = [each for each in before if each.startswith("error")]
    others = {each for each in after if not each.startswith("error")} - {*before}
    return not fails or ({*fails} <= {*after} and not others)


def _new_plugins(path: str, base: str, head: str) -> Iterator[Objection]:
    """The plugins that pytest loads wherever the project is installed.

    https://docs.pytest.org/en/stable/how-to/writing_plugins.html#making-your-plugin-installable-by-others
    """
    before, after = (_plugins(path, text) for text in (base, head))
    for name in sorted(name for name in after if after[name] != before.get(name)):
        yield _objection(path, f"the plugin {name}", before.get(name), after[name])


def _plugins(path: str, text: str) -> Mapping[str, Any]:
    try:
        project = tomllib.loads(text).get("project", {}) if path.endswith(_PYPROJECT) else {}
        return dict(project.get("entry-points", {}).get("pytest11", {}))
    except (tomllib.TOMLDecodeError, AttributeError, TypeError, ValueError):
        return {}


def hides_settings(path: str, base: str | None, head: str) -> bool:
    """Whether pytest finds settings in a file where it found none, and so none in the folders around it."""
    return bool(_settings(path, head)) and not (base and _settings(path, base))


def new_hooks(path: str, base: str, head: str, *, is_of_tests: bool = True) -> Iterator[Objection]:
    """The hooks of a module that decide which tests run, and are new or other ones.

    :param is_of_tests: whether it is loaded with the tests, so that it may also end the run when it is.
    """
    before, after = (_hooks(text, is_of_tests=is_of_tests) for text in (base, head))
    for name in sorted(after):
        if before.get(name) != after[name]:
            says = f"{name} in {path} is {'another one' if name in before else 'new'}, and decides which tests run."
            detail = f"{before.get(name, 'none')} -> {after[name]}"
            yield Objection(objection_id("tests_left_out", detail), f"{path}: {name}", says, _UNTESTED)


def new_ends(path: str, base: str, head: str) -> Iterator[Objection]:
    """What is new in a module that is loaded with the tests and ends the run of all of them, tells another result, or
    takes the place of a module: at its top, in a function, or handed to another one.
    """
    before, after = (Counter(_ends(text)) for text in (base, head))
    for what in sorted((after - before).keys()):
        says = f"{path} uses {what} more often than before, by which tests do not run or do not fail."
        detail = f"{before[what]} -> {after[what]}"
        yield Objection(objection_id("tests_left_out", f"{what}: {detail}"), f"{path}: {what}", says, _UNTESTED)


def _ends(text: str) -> Iterator[str]:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    names = imported(module)
    for node in ast.walk(module):
        is_set = isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store)
        if isinstance(node, ast.Attribute | ast.Name) and not is_set and full_name(node, names) in _ENDS_RUNS:
            yield full_name(node, names)
        elif isinstance(node, ast.Attribute) and is_set and node.attr in _TELLS_OF_RUNS:
            yield node.attr
        elif isinstance(node, ast.Subscript) and is_set and full_name(node.value, names) == "sys.modules":
            yield "sys.modules"


def _objection(path: str, name: str, before: Any, after: Any) -> Objection:
    says = f"{name} of pytest in {path} is {after!r}, before {before!r}."
    return Objection(objection_id("tests_left_out", f"{before} -> {after}"), f"{path}: {name}", says, _UNTESTED)


def _settings(path: str, text: str) -> Mapping[str, Any]:
    name = path.rpartition("/")[2]
    try:
        if name == _PYPROJECT:
            tools = tomllib.loads(text).get("tool", {}).get("pytest", {})
            return {**tools, **tools.get("ini_options", {})}
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
        return dict(parser[_PLACES[name]]) if _PLACES[name] in parser else {}
    except (tomllib.TOMLDecodeError, configparser.Error, AttributeError, TypeError):
        return {}


def _words(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    try:
        return shlex.split(str(value or ""))
    except ValueError:
        return str(value).split()


def _lines(value: Any) -> list[str]:
    """The entries of a list, which stand in lines where there are no lists."""
    lines = value if isinstance(value, list) else str(value or "").splitlines()
    return [" ".join(str(each).split()) for each in lines if str(each).strip()]


def _leaving_out(words: list[str]) -> Iterator[tuple[str, str]]:
    """The options by which fewer tests run, or fail, each with what stands behind it."""
    joined = [*_joined(words)]
    for word, following in itertools.zip_longest(joined, words[1:], fillvalue=""):
        name = word.partition("=")[0]
        if name not in _LEAVES_OUT and word[:2] not in _LEAVES_OUT:
            continue
        # By this one more tests fail.
        if not word.startswith(("-Werror", "--pythonwarnings=error")):
            yield word, following


def _joined(words: list[str]) -> Iterator[str]:
    """The options, each with its value if that is a word of its own."""
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        yield f"{word}{following}" if word == "-W" else f"{word}={following}" if word == "--pythonwarnings" else word


def _hooks(text: str, *, is_of_tests: bool) -> dict[str, str]:
    """What of a module decides which tests run and what they say, each as it is written."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return {}
    found = {way: way for way in ends_tests(module)} if is_of_tests else {}
    wanted = (*_HOOKS, *_REPLACED) if is_of_tests else _HOOKS
    for node in ast.walk(module):
        for name, written in _bound(node):
            if name.startswith(wanted) or (is_of_tests and name in _LISTS):
                found[name] = f"{found.get(name, '')}{written}"
    return {name: written for name, written in found.items() if written}


def _bound(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a statement gives a value: a function's, a variable's, an attribute's, an imported one's."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        body = [each for each in node.body if not ast.unparse(each).startswith(_HARMLESS)]
        parts = (node.args, *node.decorator_list, *body)
        yield node.name, " ".join(map(ast.dump, parts)) if body else ""
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from ((ast.unparse(target), ast.dump(node)) for target in targets)
    elif isinstance(node, ast.ImportFrom):
        for each in node.names:
            # Whatever is imported by a star may be a hook.
            name = f"{_HOOKS[0]} by * of {node.module}" if each.name == "*" else each.asname or each.name
            yield name, ast.dump(node)
