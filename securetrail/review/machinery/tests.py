"""Which tests a change removes, skips or empties, found in the source of both sides."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from securetrail.review.machinery.assertions import (
    Function,
    asserts,
    calls_of,
    functions_of,
    has_no_case,
    own_nodes,
    void,
)
from securetrail.review.objections import Objection

# pytest's marks, and unittest's decorators.
_SKIPS: Final = ("skip", "skipif", "xfail", "skipIf", "skipUnless", "expectedFailure")
_SKIPPING_CALLS: Final = ("pytest.skip", "pytest.importorskip", "pytest.xfail", "self.skipTest")
# These end the run, and nothing failed.
_ENDING_CALLS: Final = ("exit", "os._exit", "os.abort", "pytest.exit", "quit", "sys.exit")
_SKIPPING_ERRORS: Final = ("SkipTest", "SystemExit", "exit.Exception", "skip.Exception", "xfail.Exception")
# https://docs.pytest.org/en/stable/reference/reference.html#confval-norecursedirs
_NOT_COLLECTED: Final = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}")
_RUNS_COROUTINES: Final = ("anyio", "asyncio", "trio")
_UNTESTED: Final = "What the test showed can break, and nobody is told."


@dataclass(frozen=True, slots=True)
class _Test:
    """A test as it is written.

    :param skips: what keeps it from running, or from running to its end.
    :param helpers: the imported functions that it calls, to which it may leave asserting.
    :param void: what keeps its assertions from failing it.
    :param cases: how many it is run for, as far as they are listed at it.
    """

    body: str
    skips: frozenset[str]
    asserts: bool
    helpers: frozenset[str]
    void: frozenset[str]
    cases: int


def lost_tests(base: Mapping[str, str], head: Mapping[str, str]) -> tuple[Objection, ...]:
    """The tests that are gone, and those that are skipped now. A test of another name that does the same is the same.

    :param base: the texts of the base's test files that the change touches, by path; likewise ``head``.
    """
    before = {name: test for path, text in base.items() for name, test in _tests(path, text)}
    after = {name: test for path, text in head.items() for name, test in _tests(path, text)}
    new = {name: test for name, test in after.items() if name not in before}
    found = []
    for name, test in before.items():
        now = after.get(name) or next((o for n, o in new.items() if o.body == test.body and _is_found(n, name)), None)
        if now is None:
            found.append(Objection("test_removed", name, f"The test {name} is gone.", _UNTESTED))
        elif test.asserts and not now.asserts and now.helpers <= test.helpers:
            found.append(Objection("test_emptied", name, f"The test {name} asserts nothing any more.", _UNTESTED))
        elif now.skips - test.skips:
            by = ", ".join(sorted(now.skips - test.skips))
            found.append(Objection("test_skipped", name, f"The test {name} is skipped by {by}.", _UNTESTED))
        elif now.cases < test.cases:
            says = f"The test {name} is run for {now.cases} of {test.cases} cases."
            found.append(Objection("test_skipped", name, says, _UNTESTED))
        elif now.void - test.void:
            says = f"The test {name} cannot fail any more: {', '.join(sorted(now.void - test.void))}."
            found.append(Objection("test_emptied", name, says, _UNTESTED))
    return tuple(found)


def ends_tests(module: ast.Module) -> Iterator[str]:
    """What of a module, such as a conftest.py, ends the run or skips tests: calls at its top, and in fixtures."""
    names = imported(module)
    yield from (skip for node in module.body for skip in _skips_of_all(node, names))
    for each in functions_of(module).values():
        if any("fixture" in ast.unparse(by) for by in each.decorator_list):
            yield from (f"{way} in the fixture {each.name}" for way in _ways_out(each, names, returns=False))


def _is_found(new: str, old: str) -> bool:
    """Whether pytest looks for tests where a test is now: in the folder that it looked in, and in none that it leaves
    out.
    """
    *folders, _ = new.split("::", maxsplit=1)[0].split("/")
    first = old.split("::", maxsplit=1)[0].split("/", maxsplit=1)[0]
    is_left_out = any(fnmatchcase(folder, pattern) for folder in folders for pattern in _NOT_COLLECTED)
    return not is_left_out and ((folders or [""])[0] == first or first.endswith(".py"))


def _tests(path: str, text: str) -> Iterator[tuple[str, _Test]]:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    names, helpers = imported(module), functions_of(module)
    yield from _in(module.body, path, frozenset(), names, helpers)


def _in(
    body: list[ast.stmt],
    path: str,
    inherited: frozenset[str],
    names: Mapping[str, str],
    helpers: Mapping[str, Function],
) -> Iterator[tuple[str, _Test]]:
    inherited |= {skip for node in body for skip in _skips_of_all(node, names)}
    taken = {name for node in body for name in _unbound(node)}
    fixtures = dict(_skipping_fixtures(body, names))
    inherited |= {way for is_for_all, ways in fixtures.values() if is_for_all for way in ways}
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name in taken:
            continue
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            skips = inherited | {skip for each in node.decorator_list for skip in _skips(each, names)}
            # https://docs.pytest.org/en/stable/explanation/goodpractices.html#conventions-for-python-test-discovery
            skips |= {f"{name} of its class" for each in node.body if (name := _constructor(each))}
            yield from _in(node.body, f"{path}::{node.name}", skips, names, helpers)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            skips = inherited | {f"{way} in its body" for way in _ways_out(node, names)}
            skips |= {way for name in _asked_for(node) if name in fixtures for way in fixtures[name][1]}
            skips |= {
                *_skipped(node, names),
                *(f"{node.name}.__test__" for each in body if _is_switched_off(each, node.name)),
            }
            cases = sum(len(each.elts) for each in _cases(node) if isinstance(each, ast.List | ast.Tuple | ast.Set))
            yield (
                f"{path}::{node.name}",
                _Test(
                    body=ast.dump(ast.Module([*node.body], [])),
                    skips=frozenset(skips),
                    asserts=asserts(node, helpers),
                    helpers=frozenset(calls_of(node) & names.keys()),
                    void=frozenset(void(node)),
                    cases=cases,
                ),
            )


def _skipped(test: Function, names: Mapping[str, str]) -> Iterator[str]:
    """What is written at a test, or is it, by which pytest does not run it."""
    yield from (skip for each in test.decorator_list for skip in _skips(each, names))
    yield from ("parametrize without a case" for each in _cases(test) if has_no_case(each))
    runs = any(name in ast.unparse(each) for each in test.decorator_list for name in _RUNS_COROUTINES)
    if isinstance(test, ast.AsyncFunctionDef) and not runs:
        yield "async"
    if any(isinstance(each, ast.Yield | ast.YieldFrom) for each in own_nodes(test)):
        yield "yield"


def imported(module: ast.Module) -> dict[str, str]:
    """What names stand for: ``from pytest import skip as s`` makes ``s`` ``pytest.skip``, and so does
    ``s = pytest.skip``.
    """
    found: dict[str, str] = {}
    for statement in module.body:
        value = statement.value if isinstance(statement, ast.Assign) else None
        named = value.func if isinstance(value, ast.Call) else value
        if isinstance(statement, ast.Assign) and isinstance(named, ast.Attribute) and _is_of_pytest(named):
            found |= {each.id: ast.unparse(named) for each in statement.targets if isinstance(each, ast.Name)}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {each.asname: each.name for each in node.names if each.asname}
        elif isinstance(node, ast.ImportFrom):
            found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return found


def _is_of_pytest(named: ast.Attribute) -> bool:
    return ast.unparse(named).startswith(("pytest.", "unittest.", "mark."))


def full_name(node: ast.expr, names: Mapping[str, str]) -> str:
    """The full name of what an expression names.

    :param names: of :func:`imported`.
    """
    first, dot, rest = ast.unparse(node).partition(".")
    return f"{names.get(first, first)}{dot}{rest}"


def _skips_of_all(node: ast.stmt, names: Mapping[str, str]) -> Iterator[str]:
    """What skips everything in a file or a class."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr) else None
    targets = [*node.targets] if isinstance(node, ast.Assign) else []
    targets += [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []
    bound = {to.id for to in targets if isinstance(to, ast.Name)}
    if value is not None and "pytestmark" in bound:
        yield from _skips(value, names)
    if isinstance(value, ast.Constant) and "__test__" in bound and not value.value:
        yield "__test__"
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        is_main = isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
        # Under this condition pytest runs only what is otherwise.
        parts = node.orelse if isinstance(node, ast.If) and is_main else [node]
        yield from (way for part in parts for each in own_nodes(part) if (way := _way_out(each, names)))


def _unbound(node: ast.stmt) -> Iterator[str]:
    """The names that are deleted, or that become something else."""
    for each in node.targets if isinstance(node, ast.Delete | ast.Assign) else ():
        if isinstance(each, ast.Name):
            yield each.id


def _is_switched_off(node: ast.stmt, name: str) -> bool:
    """``test_it.__test__ = False``"""
    targets = [ast.unparse(each) for each in node.targets] if isinstance(node, ast.Assign) else []
    return f"{name}.__test__" in targets


def _constructor(node: ast.stmt) -> str:
    return node.name if isinstance(node, ast.FunctionDef) and node.name in ("__init__", "__new__") else ""


def _skipping_fixtures(
    body: list[ast.stmt], names: Mapping[str, str]
) -> Iterator[tuple[str, tuple[bool, frozenset[str]]]]:
    """The fixtures that skip who asks for them: whether that is everybody, and by what."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            by = [text for each in node.decorator_list if "fixture" in (text := ast.unparse(each))]
            ways = frozenset(f"{way} in the fixture {node.name}" for way in _ways_out(node, names, returns=False))
            if by and ways:
                yield node.name, (any("autouse=" in text and "autouse=False" not in text for text in by), ways)


def _asked_for(test: Function) -> Iterator[str]:
    arguments = (*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs)
    yield from (each.arg for each in arguments)
    for each in test.decorator_list:
        if isinstance(each, ast.Call) and ast.unparse(each.func).endswith("usefixtures"):
            yield from (str(name.value) for name in each.args if isinstance(name, ast.Constant))


def _cases(test: Function) -> Iterator[ast.expr]:
    """What a test is run for, of each ``parametrize``."""
    for node in test.decorator_list:
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("parametrize"):
            yield from (*node.args[1:2], *(each.value for each in node.keywords if each.arg == "argvalues"))


def _skips(node: ast.expr, names: Mapping[str, str]) -> Iterator[str]:
    """The marks in an expression by which a test is skipped, also by another name, or by a text that names one."""
    for each in ast.walk(node):
        name = each.attr if isinstance(each, ast.Attribute) else each.id if isinstance(each, ast.Name) else ""
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "getattr":
            name = next((str(text.value) for text in each.args if isinstance(text, ast.Constant)), "")
        if names.get(name, name).rpartition(".")[2] in _SKIPS:
            yield ast.unparse(each)


def _ways_out(test: Function, names: Mapping[str, str], *, returns: bool = True) -> Iterator[str]:
    """What ends a test before its end: ``return`` or ``pytest.skip()``, with the condition around it.

    :param returns: whether ``return`` does.
    """
    branches = [each for each in own_nodes(test) if isinstance(each, ast.If)]
    inside = {
        id(way): branch for branch in branches for each in (*branch.body, *branch.orelse) for way in own_nodes(each)
    }
    for each in own_nodes(test):
        name = "return" if returns and isinstance(each, ast.Return) else _way_out(each, names)
        if name:
            branch = inside.get(id(each))
            yield name + (f" if {ast.unparse(branch.test)}" if branch else "")


def _way_out(node: ast.AST, names: Mapping[str, str]) -> str:
    """How a statement skips a test or ends the run; nothing if it does neither."""
    if isinstance(node, ast.Assign | ast.Expr) and isinstance(node.value, ast.Call):
        called = full_name(node.value.func, names)
        if called in (*_SKIPPING_CALLS, *_ENDING_CALLS):
            return called
        marks = called.endswith((".add_marker", ".applymarker"))
        return next((skip for each in node.value.args for skip in _skips(each, names)), "") if marks else ""
    if isinstance(node, ast.Raise) and node.exc is not None:
        raised = full_name(node.exc.func if isinstance(node.exc, ast.Call) else node.exc, names)
        return f"raise {raised}" if raised.endswith(_SKIPPING_ERRORS) else ""
    return ""
