"""Which tests are run when: `make test-fast` while writing, `make test` before a commit, `make test-slow` in CI.

A test is of its folder's tier. One that is not carries the mark of another: ``@pytest.mark.slow``, or
``pytestmark = pytest.mark.regular`` for a whole file.
"""

import re
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

import pytest

# fast: no lab, no further process to speak of, no synth of many stacks. All of them together take half a minute.
# regular: everything else that a change can break at once.
# slow: browsers, wheels in empty environments, engines, foreign SDKs, documents, load. And every property, for longer.
TIERS = ("fast", "regular", "slow")
_WHOLE_FILE = re.compile(rf"^pytestmark = .*\bpytest\.mark\.({'|'.join(TIERS)})\b", re.MULTILINE)
_SLOW = pytest.mark.slow
# A run is over when its last file is, and a file is one worker's: what begins last must not take longest. So these come
# first, whatever the order of the others: those that take minutes in `make test-slow`, then those of ten seconds or so.
MINUTES = (
    "tests/end_to_end/pages/test_lab.py",
    "tests/end_to_end/pages/test_hunts.py",
    "tests/end_to_end/matrices/test_faults.py",
    "tests/lab/scenarios/test_scenarios.py",
    "tests/lab/sdks/test_sdks.py",
    "tests/securetrail/review/test_changes.py",
    "tests/verify/logs/test_engine.py",
    "tests/wheel/test_wheel.py",
)
LONG = (
    "tests/cdk/test_app.py",
    "tests/end_to_end/attacks/test_attacks.py",
    "tests/end_to_end/hunting/test_example.py",
    "tests/end_to_end/hunting/test_scenarios.py",
    "tests/end_to_end/deployment/test_first_deployment.py",
    "tests/end_to_end/matrices/test_unanswered.py",
    "tests/end_to_end/deployment/test_bootstrap.py",
    "tests/end_to_end/test_break_one_thing.py",
    "tests/end_to_end/deployment/test_cdk_cli.py",
    "tests/end_to_end/test_compliance_profile.py",
    "tests/end_to_end/test_narrow_terminal.py",
    "tests/end_to_end/test_pasted.py",
    "tests/end_to_end/test_stopped_trail.py",
    "tests/end_to_end/test_two_at_once.py",
    "tests/lab/cli/test_programs.py",
    "tests/lab/cli/test_shell.py",
    "tests/lab/cloudtrail/test_trail_api.py",
    "tests/lab/delivery/test_load.py",
    "tests/lab/guide/test_guide.py",
    "tests/lab/instance/test_lifecycle.py",
    "tests/lab/scenarios/test_hunts.py",
    "tests/lab/server/test_hostile_names.py",
    "tests/lab/services/test_state_machines.py",
    "tests/securetrail/review/access/test_exact.py",
    "tests/verify/integrity/test_state.py",
    "tests/verify/logs/test_store.py",
    "tests/verify/policy/test_generated.py",
)
# The nearest folder counts.
_OF_FOLDER = {
    "tests": "fast",
    "tests/end_to_end": "regular",
    "tests/lab": "regular",
    "tests/securetrail/review/machinery": "regular",
    "tests/verify/posture/resource_policies": "regular",
    "tests/verify/storage": "regular",
}


def is_worth_reading(file: Path, tier: str, root: Path) -> bool:
    """Whether a test file may hold tests of a tier. To import what does not run takes longer than the fast tests."""
    if file.is_dir() or not file.name.startswith("test_"):
        return True
    text = file.read_text(encoding="utf-8")
    marked = _WHOLE_FILE.search(text)
    of_file = marked[1] if marked else tier_of(file.relative_to(root))
    return of_file == tier or f"@pytest.mark.{tier}\n" in text


def tier_of(file: PurePath) -> str:
    """The tier of a folder's tests that carry no mark.

    :param file: one of the folder's files, from the project's folder on.
    """
    return next(tier for folder in file.parents if (tier := _OF_FOLDER.get(folder.as_posix())))


def turn_of(file: PurePath) -> int:
    """When a file's turn is: those with lower numbers come before all with higher ones.

    :param file: from the project's folder on.
    """
    return next((turn for turn, files in enumerate((MINUTES, LONG)) if file.as_posix() in files), 2)


def mostly_slow(values: Iterable[Any], every: int) -> list[Any]:
    """Values for ``pytest.mark.parametrize``: one of so many stays in the tier of its test, the others are slow."""
    return [
        each if not number % every else pytest.param(*(each if isinstance(each, tuple) else (each,)), marks=_SLOW)
        for number, each in enumerate(values)
    ]
