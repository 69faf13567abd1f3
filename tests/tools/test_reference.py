"""docs/reference.md is what the code has."""

import inspect

import pytest

from constructs_lib import SecureTrail
from tools import reference
from verify.posture.check import CHECKS

pytestmark = pytest.mark.regular


def test_the_reference_is_what_the_code_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECURETRAIL_LAB_HOME", "/another/folder")

    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "Fix: python -m tools.reference --write"


def test_every_prop_command_and_check_is_in_it() -> None:
    page = reference.page()
    parameters = inspect.signature(SecureTrail.__init__).parameters.values()
    props = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]

    assert [name for name in props if f"| `{name}` |" not in page] == []
    assert len(props) > 30
    assert [each.id for each in CHECKS if f"(`{each.id}`)" not in page] == []
    for command in ("verify check", "verify hunt", "lab start", "lab env", "securetrail review", "verify logs query"):
        assert f"### python -m {command}\n" in page
