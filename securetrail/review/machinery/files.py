"""Which of the files that judge a change are themselves changed, and what that takes away."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from securetrail.review.machinery.tests import lost_tests
from securetrail.review.machinery.workflows import weaker_workflows
from securetrail.review.objections import Objection, objection_id

CONTROL_MAP: Final = "constructs_lib/compliance/controls.json"
# Whoever changes these changes what is checked, or how.
_JUDGES: Final = (
    ".ci/*",
    ".github/CODEOWNERS",
    ".github/actions/*",
    ".github/workflows/*",
    "CODEOWNERS",
    "Makefile",
    "conftest.py",
    "*/conftest.py",
    "constructs_lib/compliance/*",
    "cdk.json",
    "docs/CODEOWNERS",
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
# In the order in which GitHub looks for it.
_OWNERS: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")

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
    if {*names} & {*_OWNERS}:
        found += lost_owners(base, head)
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


def other_app(path: str, before: str, after: str) -> tuple[Objection, ...]:
    """That a cdk.json runs another app, where the review has been told which one to synthesize: it has not seen it.

    :param path: of the cdk.json.
    :param before: the base's app, as JSON; likewise ``after``.
    """
    if before == after:
        return ()
    return (
        Objection(
            objection_id("app_changed", f"{before} -> {after}"),
            path,
            f"{path} runs {after}, before {before}, and the review synthesizes what --app names.",
            "A deployment runs an app that nobody has reviewed.",
        ),
    )


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


def lost_owners(base: Read, head: Read) -> tuple[Objection, ...]:
    """The lines that are gone from CODEOWNERS, and those that take what a line of the base owns.

    GitHub reads one file, the first of three places, and of its lines the last one that fits a path.
    https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
    """
    read_before, read_after = (next((name for name in _OWNERS if side(name) is not None), "") for side in (base, head))
    before, after = _owners(base(read_before) or ""), _owners(head(read_after) or "")
    path = read_after or read_before
    found = [
        Objection(
            "owner_removed",
            f"{read_before}: {line.split()[0]}",
            f"{path} does not have the line {line!r} any more.",
            "Nobody who must agree is asked.",
        )
        for line in before
        if line not in after
    ]
    for number, line in enumerate(after):
        taken = next((old for old in after[:number] if old in before and _takes(line, old)), None)
        if taken is not None and not _was_later(line, taken, before):
            found.append(
                Objection(
                    "owner_overridden",
                    f"{path}: {line.split()[0]}",
                    f"In {path} the line {line!r} comes after {taken!r} and takes paths from it.",
                    "Nobody who must agree is asked.",
                )
            )
    return tuple(found)


def _takes(line: str, old: str) -> bool:
    """Whether a line may be about a path of another one, for which its owners did not answer."""
    (new_pattern, *owners), (old_pattern, *old_owners) = line.split(), old.split()
    if owners and {*owners} <= {*old_owners}:
        return False
    # A path from the root is compared with another one; a pattern may fit anything.
    first, second = (f"{pattern.strip('/')}/" for pattern in (new_pattern, old_pattern))
    are_paths = all("/" in each.rstrip("/") and not {*"*?[!"} & {*each} for each in (new_pattern, old_pattern))
    return not are_paths or first.startswith(second) or second.startswith(first)


def _was_later(line: str, old: str, before: list[str]) -> bool:
    return line in before and before.index(line) > before.index(old)


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
