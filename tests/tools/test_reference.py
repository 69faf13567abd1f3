"""docs/reference.md is what the code has."""

import inspect
import re

import pytest

import constructs_lib
from constructs_lib import ArchivedTrail, LogArchive, LogReplica, SecureTrail, SlackChannel
from tests.cdk.props import GROUPS
from tools import reference
from verify.posture.check import CHECKS

pytestmark = pytest.mark.regular


def test_the_reference_is_what_the_code_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECURETRAIL_LAB_HOME", "/another/folder")

    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "Fix: python -m tools.reference --write"


def test_every_prop_command_and_check_is_in_it() -> None:
    page = reference.page()
    constructs = (SecureTrail, LogArchive, LogReplica)
    props = {each.__name__: [*inspect.signature(each.__init__).parameters][3:] for each in constructs}
    fields = {
        group.__name__: [*inspect.signature(group).parameters]
        for group in (*GROUPS.values(), ArchivedTrail, SlackChannel)
    }

    of_props, _, of_groups = page.partition("## Groups of props\n")
    assert {
        section.partition("\n")[0]: re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        for section in of_props.split("## Props of ")[1:]
    } == props
    for name, names in fields.items():
        (section,) = re.findall(rf"^### {name}\n(.*?)^##", of_groups, re.MULTILINE | re.DOTALL)
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == names
    assert [each.id for each in CHECKS if f"(`{each.id}`)" not in page] == []
    for command in ("verify check", "verify hunt", "lab start", "lab env", "securetrail review", "verify logs query"):
        assert f"### python -m {command}\n" in page


def test_whoever_has_only_the_page_can_write_each_value() -> None:
    """A prop's type is of no use to a reader who is not told how to make one."""
    page = reference.page()

    assert [name for name in constructs_lib.__all__ if not re.search(rf"^##+ (Props of )?{name}$", page, re.M)] == []
    for written in (
        "`EventSelector.s3_objects(*buckets, event_names=(), read_write=ReadWrite.ALL)`",
        "`trail.alarm_on(construct_id, *, filter_pattern, description, threshold=1, period=None)`",
        "`archive.grant_read(grantee)`",
        "`SecurityProfile.LAB`, `SecurityProfile.COMPLIANCE`",
    ):
        assert written in page


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("docs/usage.md", "Its {} props turn on the rest"),
        ("docs/architecture.md", "Now there are {}, and what belongs together"),
        ("CHANGELOG.md", "`SecureTrail` has {} props instead of 34"),
    ],
)
def test_a_document_that_counts_the_props_counts_right(document: str, sentence: str) -> None:
    text = (reference.ROOT / document).read_text(encoding="utf-8")

    assert sentence.format(len(inspect.signature(SecureTrail.__init__).parameters) - 3) in text


def test_a_check_names_props_that_there_are() -> None:
    """In parentheses behind what SecureTrail does: `SecureTrail makes it (encryption_key)`."""
    named = [name for each in CHECKS for name in re.findall(r"^SecureTrail[^;]*\((\w+)\)", each.cdk)]

    assert len(named) > 5
    assert set(named) <= set(inspect.signature(SecureTrail.__init__).parameters)
