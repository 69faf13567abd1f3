"""Which of the files that judge a change are themselves changed, and what that takes away."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from securetrail.review.machinery.tests import lost_tests
from securetrail.review.machinery.workflows import weaker_workflows
from securetrail.review.objections import Objection

CONTROL_MAP: Final = "constructs_lib/compliance/controls.json"
# Whoever changes these changes what is checked, or how.
_JUDGES: Final = (
    ".ci/*",
    ".github/CODEOWNERS",
    ".github/workflows/*",
    "CODEOWNERS",
    "Makefile",
    "conftest.py",
    "*/conftest.py",
    "constructs_lib/compliance/*",
    "cdk.json",
    "docs/CODEOWNERS",
    "lab/delivery/selectors.py",
    "pyproject.toml",
    "pytest.ini",
    "requirements*.txt",
    "review-decisions.toml",
    "securetrail/*",
    "tests/tiers.py",
    "tools/review*",
    "tox.ini",
    "uv.lock",
    "verify/policy/*",
)
_WORKFLOWS: Final = (".github/workflows/*.yml", ".github/workflows/*.yaml")
_TESTS: Final = ("test_*.py", "*/test_*.py", "*_test.py")
# The names of cdk-nag's packs, of CDK's validators, and of our own function that adds packs.
_CHECKS: Final = ("Checks", "Validator", "rule_packs")
_OWNERS: Final = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS")

Read = Callable[[str], str | None]


def judging_files(changed: Iterable[str]) -> tuple[str, ...]:
    """Those of the changed files that judge changes."""
    return tuple(sorted(name for name in changed if _fits(name, _JUDGES)))


def compare_machinery(changed: Iterable[str], base: Read, head: Read) -> tuple[Objection, ...]:
    """What the change takes away of tests, workflows, owners and the control map.

    :param changed: the files that differ.
    :param base: the text of one of the base's files, None for one that is not there; likewise ``head``.
    """
    names = sorted(changed)
    tests = [name for name in names if _fits(name, _TESTS)]
    workflows = [name for name in names if _fits(name, _WORKFLOWS)]
    sources = [name for name in names if name.endswith(".py") and name not in tests and not name.startswith("tests/")]
    found = [*lost_tests(_texts(tests, base), _texts(tests, head))]
    found += lost_checks(_texts(sources, base), _texts(sources, head))
    found += weaker_workflows(_texts(workflows, base), _texts(workflows, head))
    found += lost_owners(_texts([name for name in names if name in _OWNERS], base), head)
    if CONTROL_MAP in names:
        found += lost_controls(base(CONTROL_MAP) or "{}", head(CONTROL_MAP) or "{}")
    return tuple(found)


def lost_checks(base: Mapping[str, str], head: Mapping[str, str]) -> tuple[Objection, ...]:
    """The rule packs and validators that the source of the app does not call any more.

    A pack that finds nothing is in no validation report, so that the source alone tells that it is gone.

    :param base: the texts of the base's Python files that the change touches, by path; likewise ``head``.
    """
    before, after = ({name for text in side.values() for name in _checks(text)} for side in (base, head))
    return tuple(
        Objection(
            "rule_pack_removed",
            name,
            f"The app does not call {name} any more where it did.",
            "Whatever these rules forbid can be deployed, and nobody is told.",
        )
        for name in sorted(before - after)
    )


def _checks(text: str) -> Iterator[str]:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called.endswith(_CHECKS):
                yield called


def lost_controls(base: str, head: str) -> tuple[Objection, ...]:
    """What is gone from the control map, or asks for something else.

    :param base: the map's text; likewise ``head``.
    """
    before, after = _controls(base), _controls(head)
    return tuple(
        Objection(
            "control_unmapped",
            f"{CONTROL_MAP}: {name}",
            f"The control {name} is {'gone from the map' if name not in after else 'met by something else now'}.",
            "Nobody is told when it is lost.",
        )
        for name, control in before.items()
        if after.get(name) != control
    )


def lost_owners(base: Mapping[str, str], head: Read) -> tuple[Objection, ...]:
    """The lines that are gone from CODEOWNERS."""
    return tuple(
        Objection(
            "owner_removed",
            f"{path}: {line.split()[0]}",
            f"{path} does not have the line {line!r} any more.",
            "Nobody who must agree is asked.",
        )
        for path, text in base.items()
        for line in _owners(text)
        if line not in _owners(head(path) or "")
    )


def _owners(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _controls(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
        # Which profiles meet it is what the construct does, not what the map asks for.
        return {
            entry["id"]: {key: value for key, value in entry.items() if key != "profiles"}
            for entry in document.get("controls", [])
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _texts(names: Iterable[str], read: Read) -> dict[str, str]:
    return {name: text for name in names if (text := read(name)) is not None}


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
