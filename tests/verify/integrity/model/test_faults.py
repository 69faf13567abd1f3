"""The model is worth something only if it finds the faults that it is there for: each is put back, and found."""

from __future__ import annotations

import pytest

from tests.verify.integrity.model.faults import FAULTS
from tests.verify.integrity.model.generator import draw
from tests.verify.integrity.model.run import run

pytestmark = pytest.mark.slow
_WITHIN = 2000
_FIRST = 100_000


def found_by(fault: str) -> int | None:
    """The seed of the first case that fails only with the fault."""
    for seed in range(_FIRST, _FIRST + _WITHIN):
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
