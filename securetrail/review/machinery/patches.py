"""What fixtures and helpers of tests put in the place of the code that the tests are about.

https://docs.pytest.org/en/stable/how-to/monkeypatch.html and
https://docs.python.org/3/library/unittest.mock.html#patch
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from securetrail.review.machinery.assertions import Function, calls_of
from securetrail.review.machinery.tests import full_name, imported
from securetrail.review.objections import Objection, objection_id

_SETS: Final = ("delattr", "delitem", "setattr", "setitem")
_PATCHES: Final = ("patch", "patch.dict", "patch.multiple", "patch.object")
# These run before each test, or before all of a module or class, as a fixture for all does.
_SET_UP: Final = (
    "asyncSetUp",
    "setUp",
    "setUpClass",
    "setUpModule",
    "setup",
    "setup_class",
    "setup_function",
    "setup_method",
    "setup_module",
)
# Where what is only made up for tests is from.
_OF_TESTS: Final = ("test", "tests", "unittest")
_UNTESTED: Final = "What the tests showed of it can break, and nobody is told."


def new_patches(
    path: str, base: str, head: str, is_own: Callable[[str], bool], *, is_test: bool, around: str = ""
) -> Iterator[Objection]:
    """What a module of tests newly puts in the place of the project's code, or of what tests are run by, for tests that
    may have been there before: at its top, in a fixture for all, and in a function that it had.

    :param base: the module's text; likewise ``head``.
    :param is_own: whether a module of this name is the project's, or runs tests.
    :param is_test: whether the module has tests, of which each may do so for itself.
    :param around: the texts of the conftest.py of the folders around, whose fixtures a new one takes the place of.
    """
    known = {name for text in (base, around) for name in _functions(text)}
    before, after = ({*_patched(text, known, is_test=is_test)} for text in (base, head))
    after |= {*_replaced_names(base, head)}
    for target in sorted(each for each in after - before if is_own(each.partition(".")[0])):
        says = f"{path} puts something else in the place of {target}, also for tests that were there before."
        yield Objection(objection_id("tests_patched", target), f"{path}: {target}", says, _UNTESTED)


def _patched(text: str, known: set[str], *, is_test: bool) -> Iterator[str]:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    names, functions = _imported(module), _functions(text)
    used = {
        name
        for name, each in functions.items()
        if _is_for_all(each) or (name in known and not (is_test and name.startswith("test")))
    }
    left = [*used]
    while left:
        called = calls_of(functions[left.pop()]) & functions.keys() - used
        used |= called
        left += called
    outside: list[ast.AST] = [each for each in module.body if not isinstance(each, Function | ast.ClassDef)]
    for part in (*outside, *(functions[name] for name in used)):
        for node in ast.walk(part):
            yield from _targets(node, names)


def _replaced_names(base: str, head: str) -> Iterator[str]:
    """What a module imported and makes itself now, or has from other modules of tests, under the same name."""
    try:
        old, new = (ast.parse(text) for text in (base, head))
    except (SyntaxError, ValueError):
        return
    before, after = _imported(old), _imported(new)
    for name, what in before.items():
        is_made = name in _made(new) - _made(old)
        is_of_tests = after.get(name, "").partition(".")[0] in _OF_TESTS
        if (is_made or is_of_tests) and what.partition(".")[0] not in _OF_TESTS:
            yield what


def _made(module: ast.Module) -> set[str]:
    """The names of functions, classes and variables of a module."""
    targets = (to for each in module.body if isinstance(each, ast.Assign) for to in each.targets)
    variables = {to.id for to in targets if isinstance(to, ast.Name)}
    return variables | {each.name for each in module.body if isinstance(each, Function | ast.ClassDef)}


def _imported(module: ast.Module) -> Mapping[str, str]:
    """What imported names stand for; the first name of ``import module.name`` stands for itself."""
    imports = (node for node in ast.walk(module) if isinstance(node, ast.Import))
    whole = {each.name.partition(".")[0] for node in imports for each in node.names if not each.asname}
    return {**{name: name for name in whole}, **imported(module)}


def _functions(text: str) -> Mapping[str, Function]:
    """The functions of a module and of its classes; of several with one name the last one."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return {}
    bodies = [module.body, *(each.body for each in module.body if isinstance(each, ast.ClassDef))]
    return {each.name: each for body in bodies for each in body if isinstance(each, Function)}


def _is_for_all(function: Function) -> bool:
    by = [ast.unparse(each) for each in function.decorator_list]
    is_fixture = any("fixture" in text and "autouse=" in text and "autouse=False" not in text for text in by)
    return is_fixture or function.name in _SET_UP


def _targets(node: ast.AST, names: Mapping[str, str]) -> Iterator[str]:
    """The full names of what a statement or call puts something in the place of.

    What a name that is not imported stands for, nobody knows: mostly a thing of the test's own.
    """
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        if _root(node) in names:
            yield full_name(node, names)
    elif isinstance(node, ast.Call) and node.args and _puts(full_name(node.func, names)):
        place, *more = node.args
        if isinstance(place, ast.Constant):
            yield str(place.value)
        elif _root(place) in names:
            within = f".{more[0].value!s}" if more and isinstance(more[0], ast.Constant) else ""
            yield f"{full_name(place, names)}{within}"


def _puts(called: str) -> bool:
    return called.rpartition(".")[2] in _SETS or called.endswith(_PATCHES)


def _root(node: ast.expr) -> str:
    """The first name of an expression such as ``module.name[1]``."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
