"""A review says each thing once, in words that a narrow terminal does not break."""

import dataclasses
import datetime as dt
import functools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securetrail.review.access import Access, AccessDifference
from securetrail.review.comparison import Difference, Repository, review
from securetrail.review.decisions import Decision
from securetrail.review.findings import SourceLine
from securetrail.review.granted import access_objections
from securetrail.review.objections import Objection
from securetrail.review.report.document import Block, Paragraph, Table, document
from securetrail.review.report.markdown import markdown
from securetrail.review.report.sarif import sarif
from securetrail.review.report.text import text
from securetrail.review.template import Id

pytestmark = pytest.mark.regular

BUCKET, KEY = Id("Audit", "SecureTrailBucket89F6863C"), Id("Audit", "SecureTrailKey340A4129")
TODAY = dt.date(2026, 6, 1)
WHO = "principals of account 999988887777"
NOTHING = Difference((), AccessDifference((), (), ()), (), (), (), (), (), (), (), ())


def row(resource: Id, action: str, on: str, who: str = WHO, when: str = "") -> Access:
    because = "the statement number 6 allows it"
    return Access(resource, "AWS::S3::Bucket", who, (action,), on, when, because, is_certain=True, objects=True)


# What one `grant_read` for another account allows.
GRANTED = (
    row(BUCKET, "s3:GetBucketLocation", "the bucket", when="aws:SecureTransport is true"),
    row(BUCKET, "s3:GetObject", f"{BUCKET}/AWSLogs/*", when="aws:SecureTransport is true"),
    row(KEY, "kms:Decrypt", "the key", when="kms:EncryptionContext:aws:s3:arn is like arn:aws:s3:::*"),
)


def reviewed(*rows: Access, lost: tuple[Access, ...] = ()) -> list[Block]:
    access = AccessDifference(rows, lost, ())
    objections = tuple(access_objections(access, (), {}))
    found = dataclasses.replace(NOTHING, access=access, objections=objections)
    return [*document(review("Review", found, Repository(), today=TODAY))]


def test_one_grant_is_one_objection_and_its_rows_stand_in_the_table_once() -> None:
    blocks = reviewed(*GRANTED)
    access = AccessDifference(GRANTED, (), ())
    (objection,) = access_objections(access, (), {})

    assert objection.says == (
        f"{WHO} may s3:GetBucketLocation, s3:GetObject on {BUCKET}; kms:Decrypt on {KEY}, under conditions."
    )
    assert objection.resource == str(BUCKET)
    (table,) = (each for each in blocks if isinstance(each, Table))
    assert [each[1] for each in table.rows] == ["s3:GetBucketLocation", "s3:GetObject", "kms:Decrypt"]
    # Another statement of it is another decision.
    (more,) = access_objections(AccessDifference((*GRANTED, row(KEY, "kms:CreateGrant", "the key")), (), ()), (), {})
    assert more.id != objection.id


def test_a_decision_about_two_resources_accepts_no_third_one() -> None:
    ids = []
    for other in (KEY, Id("Audit", "Another")):
        rows = (row(BUCKET, "s3:GetObject", "objects"), row(other, "kms:Decrypt", "the key"))
        (objection,) = access_objections(AccessDifference(rows, (), ()), (), {})
        ids.append((objection.id, objection.resource))

    assert ids[0] != ids[1]


def test_others_are_others() -> None:
    rows = (*GRANTED, row(BUCKET, "s3:ListBucket", "the bucket", who="anyone"))

    assert len([*access_objections(AccessDifference(rows, (), ()), (), {})]) == 2
    lost = tuple(dataclasses.replace(each, is_lost=True) for each in GRANTED)
    assert len([*access_objections(AccessDifference((), lost, ()), (), {})]) == len(lost)


def test_what_an_objection_says_in_full_is_not_said_once_more() -> None:
    (single,) = GRANTED[:1]
    shown = text(reviewed(single, lost=(dataclasses.replace(single, is_lost=True),)), 200)

    assert shown.count("s3:GetBucketLocation on the bucket of") == 2
    assert "Newly allowed: 1, above." in shown
    assert "No longer allowed: 1, above." in shown
    assert "Who" not in shown


def test_of_many_actions_the_gravest_are_said_and_how_many_there_are() -> None:
    actions = tuple(f"s3:GetBucket{number}" for number in range(40))
    wide = dataclasses.replace(GRANTED[0], actions=(*actions, "s3:DeleteObject", "s3:GetObject"))
    (objection,) = access_objections(AccessDifference((wide,), (), ()), (), {})

    assert objection.says.startswith(f"{WHO} may s3:DeleteObject, s3:GetObject, s3:GetBucket0,")
    assert "s3:GetBucket4, 35 more on" in objection.says
    # Which ones they are counts all the same.
    (other,) = access_objections(
        AccessDifference((dataclasses.replace(wide, actions=(*wide.actions, "s3:X")),), (), ()), (), {}
    )
    assert other.id != objection.id


@pytest.mark.parametrize("width", [50, 60, 72, 80, 100, 120, 200])
def test_the_review_of_a_grant_fits_on_one_screen(width: int) -> None:
    blocks = reviewed(*GRANTED)
    shown = text(blocks, width)

    assert max(map(len, shown.splitlines())) <= width
    assert shown.count("\n") < 40
    assert shown.count(BUCKET.logical_id) >= 3
    assert "SecureTrailBucket89F6863C" in markdown(blocks)


CELLS = st.text("abc/:, ", max_size=30)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=4), st.integers(12, 90))
def test_no_word_of_a_table_is_broken_but_behind_a_separator(rows: list[tuple[str, str, str]], width: int) -> None:
    shown = text([Paragraph(("",)), Table(("A", "B", "C"), tuple(rows))], width)
    pieces = {piece for each in rows for cell in each for piece in re.findall(r"[abc]+", cell)}

    assert {*re.findall(r"[abc]+", shown)} <= pieces
    assert {piece for piece in pieces if piece} <= {*re.findall(r"[abc]+", shown)}


def test_code_scanning_knows_an_objection_again_on_another_line() -> None:
    def result(line: int) -> Any:
        objection = Objection(
            "trail_is_logging: on -> off", "Audit/Trail", "It is off.", place=SourceLine("app.py", line)
        )
        found = dataclasses.replace(NOTHING, objections=(objection,))
        (only,) = sarif(review("Review", found, Repository(), today=TODAY))["runs"][0]["results"]
        return only

    first, moved = result(7), result(9)
    place = first["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("app.py", 7)
    assert moved["locations"][0]["physicalLocation"]["region"]["startLine"] == 9
    assert first["partialFingerprints"] == moved["partialFingerprints"]


@pytest.mark.parametrize("shown", [functools.partial(text, width=120), markdown])
def test_what_a_change_accepts_itself_is_said_before_what_was_accepted(shown: Any) -> None:
    objections = tuple(Objection(name, "Audit/Trail", f"It is {name}.") for name in ("old", "new"))
    old, new = (Decision(each.id, each.resource, f"Why {each.id}.", TODAY) for each in objections)
    found = dataclasses.replace(NOTHING, objections=objections)
    repository = Repository(base_decisions=(old,), head_decisions=(old, new))

    agreed = review("Review", found, repository, today=TODAY, allow_new_decisions=True)
    says = shown(document(agreed))
    assert says.lower().index("accepted by this change") < says.index("It is new.") < says.index("It is old.")
