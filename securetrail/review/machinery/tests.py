"""Which tests a change removes or skips, found in the source of both sides."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from securetrail.review.objections import Objection

# pytest's marks, and unittest's decorators.
_SKIPS: Final = ("skip", "skipif", "xfail", "skipIf", "skipUnless", "expectedFailure")
_SKIPPING_CALLS: Final = ("pytest.skip", "pytest.importorskip", "pytest.xfail", "self.skipTest")
_UNTESTED: Final = "What the test showed can break, and nobody is told."


@dataclass(frozen=True, slots=True)
class _Test:
    body: str
    skips: frozenset[str]
    is_empty: bool
    vacuous: frozenset[str]


def lost_tests(base: Mapping[str, str], head: Mapping[str, str]) -> tuple[Objection, ...]:
    """The tests that are gone, and those that are skipped now. A test of another name that does the same is the same.

    :param base: the texts of the base's test files that the change touches, by path; likewise ``head``.
    """
    before = {name: test for path, text in base.items() for name, test in _tests(path, text)}
    after = {name: test for path, text in head.items() for name, test in _tests(path, text)}
    bodies = {test.body: test for name, test in after.items() if name not in before}
    found = []
    for name, test in before.items():
        now = after.get(name) or bodies.get(test.body)
        if now is None:
            found.append(Objection("test_removed", name, f"The test {name} is gone.", _UNTESTED))
        elif now.is_empty and not test.is_empty:
            found.append(Objection("test_emptied", name, f"The test {name} does nothing any more.", _UNTESTED))
        elif now.skips - test.skips:
            by = ", ".join(sorted(now.skips - test.skips))
            found.append(Objection("test_skipped", name, f"The test {name} is skipped by {by}.", _UNTESTED))
        elif now.vacuous - test.vacuous:
            says = f"The test {name} asserts what always holds: {', '.join(sorted(now.vacuous - test.vacuous))}."
            found.append(Objection("test_emptied", name, says, _UNTESTED))
    return tuple(found)


def _tests(path: str, text: str) -> Iterator[tuple[str, _Test]]:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    yield from _in(module.body, path, frozenset())


def _in(body: list[ast.stmt], path: str, inherited: frozenset[str]) -> Iterator[tuple[str, _Test]]:
    inherited |= {skip for node in body for skip in _skips_of_all(node)}
    taken = {name for node in body for name in _unbound(node)}
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name in taken:
            continue
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            skips = inherited | {skip for each in node.decorator_list for skip in _skips(each)}
            yield from _in(node.body, f"{path}::{node.name}", skips)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            skips = inherited | {skip for each in node.decorator_list for skip in _skips(each)}
            skips |= {"parametrize without a case" for each in node.decorator_list if _has_no_case(each)}
            skips |= {f"{way} in its body" for way in _ways_out(node)}
            content = ast.dump(ast.Module([*node.body], []))
            vacuous = {ast.unparse(each) for each in _own(node) if isinstance(each, ast.Assert) and _holds(each.test)}
            is_empty = all(_does_nothing(each) for each in node.body)
            yield f"{path}::{node.name}", _Test(content, frozenset(skips), is_empty, frozenset(vacuous))


def _skips_of_all(node: ast.stmt) -> Iterator[str]:
    """What skips everything in a file or a class."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr) else None
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    names = {to.id for to in targets if isinstance(to, ast.Name)}
    if value is not None and "pytestmark" in names:
        yield from _skips(value)
    if isinstance(value, ast.Constant) and "__test__" in names and not value.value:
        yield "__test__"
    if isinstance(value, ast.Call) and ast.unparse(value.func) in _SKIPPING_CALLS:
        yield ast.unparse(value.func)


def _unbound(node: ast.stmt) -> Iterator[str]:
    """The names that are deleted, or that become something else."""
    for each in node.targets if isinstance(node, ast.Delete | ast.Assign) else ():
        if isinstance(each, ast.Name):
            yield each.id


def _has_no_case(node: ast.expr) -> bool:
    """``parametrize("name", [])``, for which pytest runs nothing."""
    is_call = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("parametrize")
    given = [*node.args[1:2], *(each.value for each in node.keywords if each.arg == "argvalues")] if is_call else []  # type: ignore[attr-defined]
    return any(isinstance(each, ast.List | ast.Tuple | ast.Set) and not each.elts for each in given)


def _does_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Assert) and _holds(node.test))


def _holds(node: ast.expr, *, wanted: bool = True) -> bool:
    """Whether an expression is true, whatever the names in it are; with ``wanted`` false, whether it is false."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _holds(node.operand, wanted=not wanted)
    if isinstance(node, ast.BoolOp):
        is_one_enough = isinstance(node.op, ast.Or) is wanted
        return (any if is_one_enough else all)(_holds(each, wanted=wanted) for each in node.values)
    if isinstance(node, ast.Tuple):
        return bool(node.elts) is wanted
    return isinstance(node, ast.Constant) and bool(node.value) is wanted


def _skips(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        name = each.attr if isinstance(each, ast.Attribute) else each.id if isinstance(each, ast.Name) else ""
        if name in _SKIPS:
            yield ast.unparse(each)


def _ways_out(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """What ends a test before its end: ``return`` or ``pytest.skip()``, with the condition around it."""
    branches = [each for each in _own(test) if isinstance(each, ast.If)]
    inside = {id(way): branch for branch in branches for each in (*branch.body, *branch.orelse) for way in _own(each)}
    for each in _own(test):
        call = each.value if isinstance(each, ast.Expr) else None
        name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
        if isinstance(each, ast.Return) or name in _SKIPPING_CALLS:
            branch = inside.get(id(each))
            yield (name or "return") + (f" if {ast.unparse(branch.test)}" if branch else "")


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is in it, the outer before the inner, without the functions and classes that it defines."""
    yield node
    for each in ast.iter_child_nodes(node):
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _own(each)
