"""Whether a test can still fail: by no assertion that always holds, is caught again, or is never reached."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

Function = ast.FunctionDef | ast.AsyncFunctionDef
# What else fails a test: pytest.raises, self.assertEqual, mock.assert_called_once, and helpers that are called so.
_CHECKING: Final = re.compile(r"assert|check|compare|ensure|expect|fail|match|must|raises|should|verif|warns", re.I)
# Whoever catches one of these catches a failed assertion.
_CATCHES: Final = {"AssertionError", "BaseException", "Exception"}
_CATCHING: Final = ("suppress", "raises")


def functions_of(module: ast.AST) -> dict[str, Function]:
    """The functions and methods of a module by name; a test may leave asserting to one of them."""
    return {each.name: each for each in ast.walk(module) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def asserts(test: Function, helpers: Mapping[str, Function]) -> bool:
    """Whether anything in a test, or in a helper that it calls, can fail it."""
    seen: set[str] = set()
    left = [test]
    while left:
        function = left.pop()
        called = calls_of(function)
        for each in own_nodes(function):
            if (isinstance(each, ast.Assert) and truth(each.test) is not True) or isinstance(each, ast.Raise):
                return True
        if any(_CHECKING.search(name) for name in called):
            return True
        left += [helpers[name] for name in called & helpers.keys() - seen]
        seen |= called
    return False


def calls_of(function: Function) -> set[str]:
    """The names of the functions and methods that a function calls."""
    return {name for each in own_nodes(function) if isinstance(each, ast.Call) for name in _words(each.func)}


def void(test: Function) -> Iterator[str]:
    """What keeps an assertion of a test from failing it, in words of the source."""
    for each in own_nodes(test):
        if isinstance(each, ast.Assert) and truth(each.test):
            yield ast.unparse(each)
        elif isinstance(each, ast.Try) and _asserts_in(each.body):
            yield from (f"except {_text(handler.type)}" for handler in each.handlers if _catches(handler))
        elif isinstance(each, ast.With | ast.AsyncWith) and _asserts_in(each.body):
            yield from (ast.unparse(item) for item in each.items if _suppresses(item.context_expr))
        elif isinstance(each, ast.If | ast.While) and truth(each.test) is False and _asserts_in(each.body):
            yield f"{'if' if isinstance(each, ast.If) else 'while'} {ast.unparse(each.test)}"
        elif isinstance(each, ast.For) and _is_empty(each.iter) and _asserts_in(each.body):
            yield f"for each of {ast.unparse(each.iter)}"
        for block in _blocks(each):
            ends = [number for number, one in enumerate(block) if isinstance(one, ast.Break | ast.Continue)]
            if ends and _asserts_in(block[ends[0] :]):
                yield ast.unparse(block[ends[0]])


def truth(node: ast.expr) -> bool | None:
    """What an expression is, whatever the names in it are; None when that depends on them."""
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = truth(operand)
            found = None if inner is None else not inner
        case ast.BoolOp(op=op, values=values):
            answers = {truth(each) for each in values}
            decides = isinstance(op, ast.Or)
            found = decides if decides in answers else None if None in answers else not decides
        case ast.IfExp(body=one, orelse=other):
            inner = truth(one)
            found = inner if inner is truth(other) else None
        case ast.Compare(left=left, ops=[op], comparators=[right]) if ast.dump(left) == ast.dump(right):
            # Of what can hold itself, a text does.
            found = isinstance(op, ast.Eq | ast.GtE | ast.In | ast.Is | ast.LtE)
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]) if _is_anything(left) or _is_anything(right):
            found = True
        case _:
            found = _truth_of_literal(node)
    return found


def _is_anything(node: ast.expr) -> bool:
    """``unittest.mock.ANY``, which is equal to everything."""
    return ast.unparse(node).rpartition(".")[2] == "ANY"


def _truth_of_literal(node: ast.expr) -> bool | None:
    match node:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Tuple(elts=entries) | ast.List(elts=entries) | ast.Set(elts=entries) | ast.Dict(keys=entries):
            return bool(entries)
        case ast.JoinedStr(values=parts):
            return any(isinstance(each, ast.Constant) and bool(each.value) for each in parts) or None
        case ast.NamedExpr(value=inner):
            return truth(inner)
    if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).rpartition(".")[2] == "TYPE_CHECKING":
        return False  # while something runs
    is_debugging = isinstance(node, ast.Name) and node.id == "__debug__"
    return True if is_debugging or isinstance(node, ast.Lambda | ast.GeneratorExp) else None


def _is_empty(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        numbers = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, int)]
        if node.func.id == "range" and 0 < len(node.args) == len(numbers):
            # Of one number, or from one to another.
            return numbers[-1] <= 0 if len(numbers) == 1 else len(numbers) == 2 and numbers[0] >= numbers[1]
        return node.func.id in ("dict", "list", "set", "tuple") and not node.args
    return not isinstance(node, ast.Call) and truth(node) is False


def has_no_case(node: ast.expr) -> bool:
    """Whether an expression is an empty list of cases."""
    return isinstance(node, ast.List | ast.Set | ast.Tuple | ast.Call) and _is_empty(node)


def _catches(handler: ast.ExceptHandler) -> bool:
    names = set() if handler.type is None else {name for each in ast.walk(handler.type) for name in _words(each)}
    goes_on = any(isinstance(each, ast.Raise) for each in own_nodes(ast.Module(handler.body, [])))
    return (handler.type is None or bool(names & _CATCHES)) and not goes_on and not _asserts_in(handler.body)


def _suppresses(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith(_CATCHING):
        return False
    return any(name in _CATCHES for each in node.args for part in ast.walk(each) for name in _words(part))


def _asserts_in(body: Iterable[ast.stmt]) -> bool:
    return any(isinstance(each, ast.Assert) for each in own_nodes(ast.Module([*body], [])))


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and not isinstance(node, ast.Lambda):
            yield block


def _words(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr


def _text(node: ast.expr | None) -> str:
    return ast.unparse(node) if node is not None else "whatever"


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is in it, the outer before the inner, without the functions and classes that it defines."""
    yield node
    for each in ast.iter_child_nodes(node):
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from own_nodes(each)
