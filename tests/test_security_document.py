"""docs/security.md names the tests that show what stops a threat, and the modules that stop it: all of them exist."""

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.regular

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/security.md").read_text()
# `tests/file.py::test`, and `::another` for one more of the file before it.
TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)?::(?P<name>\w+)")
MODULE = re.compile(r"`((?:app|lab|verify|constructs_lib|stacks|tests|tools)(?:/\w+)*/\w+\.py)\b")


def named_tests() -> list[tuple[str, str]]:
    found, file = [], ""
    for each in TEST.finditer(TEXT):
        file = each["file"] or file
        found.append((file, each["name"]))
    return found


@pytest.mark.parametrize(("file", "name"), named_tests())
def test_a_test_that_the_document_names_exists(file: str, name: str) -> None:
    path = ROOT / file
    functions = ast.walk(ast.parse(path.read_text())) if path.is_file() else ()

    assert name in {each.name for each in functions if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize("module", sorted(set(MODULE.findall(TEXT))))
def test_a_module_that_the_document_names_exists(module: str) -> None:
    assert (ROOT / module).is_file()


def test_the_document_names_tests_and_modules() -> None:
    assert len(named_tests()) > 40
    assert MODULE.search(TEXT)
