"""Every row and every point of docs/integrity.md names the test that shows it, and the test exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.verify.integrity.model.faults import FAULTS
from tests.verify.simulation.scenario_table import ALL

pytestmark = pytest.mark.regular

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TEXT = (ROOT / "docs/integrity.md").read_text(encoding="utf-8")
# `file.py::test`, or `…::test` for one more of the file before it; with `[id]` where the test has many cases.
TEST = re.compile(r"`(?P<file>(?:[\w/]+\.py|…))::(?P<name>\w+)(?:\[(?P<case>[^\]]+)\])?`")
RULE = re.compile(r"\|[-|]+\|")


def rows() -> list[str]:
    """The rows of the tables, without their heads."""
    lines = TEXT.splitlines()
    rules = {number for number, line in enumerate(lines) if RULE.fullmatch(line)}
    heads = {number - 1 for number in rules}
    return [line for number, line in enumerate(lines) if line.startswith("|") and number not in rules | heads]


def points() -> list[str]:
    """The points of the lists."""
    return [f"- {point}" for point in re.findall(r"^- ((?:.|\n  )+)$", TEXT, re.MULTILINE)]


@cache
def names_of_tests_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else None
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)) if tree else frozenset()


def named_in(text: str) -> list[tuple[str, str, str]]:
    found, file = [], ""
    for each in TEST.finditer(text):
        file = file if each["file"] == "…" else each["file"]
        found.append((file, each["name"], each["case"] or ""))
    return found


@pytest.mark.parametrize("claim", [*rows(), *points()], ids=lambda claim: claim[2:60])
def test_what_the_document_claims_has_a_test_that_exists(claim: str) -> None:
    named = named_in(claim)

    assert named, "it names no test"
    for file, name, case in named:
        path = ROOT / file if file.startswith("tests/") else HERE / file
        assert name in names_of_tests_in(path), f"there is no {file}::{name}"
        assert not case or case in {scenario.name for scenario in ALL}


def test_the_document_has_rows_and_points() -> None:
    assert len(rows()) > 25
    assert len(points()) > 15


def test_the_document_counts_the_faults_that_are_put_back() -> None:
    assert f"{len(FAULTS)} faults, each put back by a patch" in TEXT
