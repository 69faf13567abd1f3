"""Which tests pytest still collects and runs: the hooks of conftest.py and of plugins, and what ends a run.

https://docs.pytest.org/en/stable/reference/reference.html
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Final

from securetrail.review.machinery.tests import ends_tests, full_name, imported
from securetrail.review.objections import Objection, objection_id

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
        elif isinstance(node, ast.Call) and full_name(node.func, names) in ("globals", "builtins.globals"):
            yield "globals"  # of which a test may be taken away by its name
        elif isinstance(node, ast.Attribute) and is_set and node.attr in _TELLS_OF_RUNS:
            yield node.attr
        elif isinstance(node, ast.Subscript) and is_set and full_name(node.value, names) == "sys.modules":
            yield "sys.modules"


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
