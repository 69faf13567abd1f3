"""Generated histories and attacks against the verifier: see the package. The other half is in test_cases_one.py."""

from __future__ import annotations

import pytest

from tests.verify.integrity.model.fuzz import explained, some

pytestmark = pytest.mark.regular


@pytest.mark.parametrize("first", range(150, 300, 25))
def test_what_the_verifier_says_is_true_of_generated_cases(first: int) -> None:
    found = some(range(first, first + 25))

    assert not found.failed, explained(found.failed[0][0])
