"""Which tests a change removes or skips, found in the source of both sides."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from securetrail.review.objections import Objection

_SKIPS: Final = ("skip", "skipif", "xfail")
_UNTESTED: Final = "What the test showed can break, and nobody is told."


@dataclass(frozen=True, slots=True)
class _Test:
    body: str
    skips: frozenset[str]


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
        elif now.skips - test.skips:
            by = ", ".join(sorted(now.skips - test.skips))
            found.append(Objection("test_skipped", name, f"The test {name} is skipped by {by}.", _UNTESTED))
    return tuple(found)


def _tests(path: str, text: str) -> Iterator[tuple[str, _Test]]:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    of_file = frozenset(
        skip
        for node in module.body
        if isinstance(node, ast.Assign)
        and any(isinstance(to, ast.Name) and to.id == "pytestmark" for to in node.targets)
        for skip in _skips(node.value)
    )
    yield from _in(module.body, path, of_file)


def _in(body: list[ast.stmt], path: str, inherited: frozenset[str]) -> Iterator[tuple[str, _Test]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            skips = inherited | {skip for each in node.decorator_list for skip in _skips(each)}
            yield from _in(node.body, f"{path}::{node.name}", skips)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            skips = inherited | {skip for each in node.decorator_list for skip in _skips(each)}
            skips |= {f"{call} in its body" for call in _calls_at_the_start(node)}
            content = ast.dump(ast.Module([*node.body], []))
            yield f"{path}::{node.name}", _Test(content, frozenset(skips))


def _skips(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and each.attr in _SKIPS:
            yield ast.unparse(each)


def _calls_at_the_start(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """``pytest.skip()`` as a statement of the test itself, not in a branch."""
    for statement in node.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            called = ast.unparse(statement.value.func)
            if called in ("pytest.skip", "pytest.xfail", "self.skipTest"):
                yield called
        elif isinstance(statement, ast.Return):
            yield "return"
