"""Which tests pytest still collects and runs: its settings, and the hooks of conftest.py.

https://docs.pytest.org/en/stable/reference/reference.html
"""

from __future__ import annotations

import ast
import configparser
import itertools
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from securetrail.review.machinery.tests import ends_tests
from securetrail.review.objections import Objection, objection_id

# In which part of which file pytest has its settings.
_PLACES: Final = {"pytest.ini": "pytest", "setup.cfg": "tool:pytest", "tox.ini": "pytest"}
_PYPROJECT: Final = "pyproject.toml"
# What is collected.
_NAMES: Final = ("norecursedirs", "python_classes", "python_files", "python_functions")
# By these options of the command line fewer tests run, or fail.
_LEAVES_OUT: Final = {
    "-k",
    "-m",
    "-p",
    "--co",
    "--collect-only",
    "--confcutdir",
    "--deselect",
    "--ignore",
    "--ignore-glob",
    "--last-failed",
    "--lf",
    "--noconftest",
    "--runxfail",
    "--setup-only",
    "--setup-plan",
    "--stepwise",
    "--sw",
}
# Settings that turn into failures what would pass, and hooks that decide what runs and what it says.
_STRICT: Final = ("empty_parameter_set_mark", "xfail_strict")
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
    is_looser = any(each.startswith("--strict") for each in old if each not in new)
    if is_looser or not {*_leaving_out(new)} <= {*_leaving_out(old)}:
        yield _objection(path, "addopts", before.get("addopts"), after.get("addopts"))
    for name in _STRICT:
        if name in before and before[name] != after.get(name):
            yield _objection(path, name, before[name], after.get(name))


def new_hooks(path: str, base: str, head: str) -> Iterator[Objection]:
    """The hooks of a conftest.py that decide which tests run, and are new or other ones."""
    before, after = _hooks(base), _hooks(head)
    for name in sorted(after):
        if before.get(name) != after[name]:
            says = f"{name} in {path} is {'another one' if name in before else 'new'}, and decides which tests run."
            detail = f"{before.get(name, 'none')} -> {after[name]}"
            yield Objection(objection_id("tests_left_out", detail), f"{path}: {name}", says, _UNTESTED)


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


def _leaving_out(words: list[str]) -> Iterator[tuple[str, str]]:
    """The options by which fewer tests run, each with what stands behind it."""
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        if word.partition("=")[0] in _LEAVES_OUT or word[:2] in _LEAVES_OUT:
            yield word, following


def _hooks(text: str) -> dict[str, str]:
    """What of a conftest.py decides which tests run and what they say, each as it is written."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return {}
    found = {way: way for way in ends_tests(module)}
    for node in ast.walk(module):
        for name, written in _bound(node):
            if name.startswith((*_HOOKS, *_REPLACED)) or name in _LISTS:
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
