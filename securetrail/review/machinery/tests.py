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
            skips |= {f"{call} in its body" for call in _calls_at_the_start(node)}
            content = ast.dump(ast.Module([*node.body], []))
            yield (
                f"{path}::{node.name}",
                _Test(content, frozenset(skips), all(_does_nothing(each) for each in node.body)),
            )


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
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant))


def _skips(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        name = each.attr if isinstance(each, ast.Attribute) else each.id if isinstance(each, ast.Name) else ""
        if name in _SKIPS:
            yield ast.unparse(each)


def _calls_at_the_start(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """``pytest.skip()`` as a statement of the test itself, not in a branch."""
    for statement in node.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            called = ast.unparse(statement.value.func)
            if called in _SKIPPING_CALLS:
                yield called
        elif isinstance(statement, ast.Return):
            yield "return"
