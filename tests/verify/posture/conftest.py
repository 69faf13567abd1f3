"""What the tests of the posture share."""

from __future__ import annotations

import pytest

from tests.aws_environment import use_clean_aws_environment


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    use_clean_aws_environment(monkeypatch)
