"""The model is worth something only if it finds the faults that it is there for: each is put back, and found."""

from __future__ import annotations

import pytest

from tests.verify.integrity.model.faults import FAULTS
from tests.verify.integrity.model.generator import draw
from tests.verify.integrity.model.run import run

pytestmark = pytest.mark.slow
_WITHIN = 2000
_FIRST = 100_000
# The search begins where such a case was found last, which saves minutes, and goes through the same cases.
_BEGINS_AT = {
    "a bundle brings its own keys": 202,
    "a chain that starts anew was stopped": 249,
    "a folder shows whose organization it is": 142,
    "a copy holds what it should": 246,
    "a copy is whole at its end": 285,
    "a history ends now": 512,
    "a late log is read only in the time of its digest": 180,
    "a log counts from the minute in its name": 358,
    "a manifest is what it says": 338,
    "a refused call counts": 102,
    "an account without files is looked for in a folder of its own": 350,
    "what leads to another trails prefix is that trails": 787,
    "what lies in a bundle is what was kept": 338,
    "where digests lead is looked at from there on": 479,
}


def found_by(fault: str) -> int | None:
    """The seed of a case that fails only with the fault."""
    begins_at = _BEGINS_AT.get(fault, 0)
    for number in range(_WITHIN):
        seed = _FIRST + (begins_at + number) % _WITHIN
        with pytest.MonkeyPatch.context() as patch:
            FAULTS[fault](patch)
            violations = run(draw(seed)).violations
        is_found = any(not violation.startswith("crash") for violation in violations)
        if is_found and not run(draw(seed)).violations:
            return seed
    return None


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_is_put_back_is_found(fault: str) -> None:
    assert found_by(fault) is not None
