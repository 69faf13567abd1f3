"""What is intended can be decided, in a file that cannot be written quietly and does not last."""

import datetime as dt

import pytest

from securetrail.review.decisions import Decision, decide, parse_decisions
from securetrail.review.errors import ReviewError
from securetrail.review.objections import Objection, objection_id

pytestmark = pytest.mark.fast

TODAY = dt.date(2026, 6, 1)
LOST = Objection("log_bucket_keeps_logs: never -> 30 days", "S/B", "It keeps logs for 30 days.")
OTHER = Objection("key_rotates: on -> off", "S/K", "The key does not rotate.")
DECISION = Decision(LOST.id, LOST.resource, "The law.", TODAY)
ENTRY = """
[[decision]]
id = "log_bucket_keeps_logs: never -> 30 days"
resource = "S/B"
reason = "The law."
expires = 2026-06-01
"""


def test_a_decision_is_read_as_it_is_written() -> None:
    assert parse_decisions(ENTRY) == (DECISION,)
    assert parse_decisions("") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("decision = [", "is no TOML"),
        ("more = 1", "Allowed: tables [[decision]] alone"),
        ("decision = 1", "Allowed: tables [[decision]] alone"),
        (ENTRY.replace("expires = 2026-06-01", ""), "all of them: expires, id, reason, resource"),
        (ENTRY + "more = 1", "all of them: expires, id, reason, resource"),
        (ENTRY.replace("2026-06-01", '"2026-06-01"'), "expires must be a date"),
        (ENTRY.replace("2026-06-01", "2026-06-01T00:00:00"), "expires must be a date"),
        (ENTRY.replace('"The law."', '" "'), "reason must be text"),
        (ENTRY.replace('"S/B"', "3"), "resource must be text"),
        ("decision = [1]", "Decision 1"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(ReviewError, match=said.replace("[", r"\[").replace("]", r"\]")):
        parse_decisions(text)


def test_a_decision_of_the_base_accepts_its_objection_and_no_other() -> None:
    decided = decide([LOST, OTHER], [DECISION], [DECISION], today=TODAY, allow_new=False)

    assert decided.objections == (OTHER,)
    assert [(each.objection, each.is_new) for each in decided.accepted] == [(LOST, False)]


def test_a_decision_of_the_change_needs_a_word_of_the_reviewer() -> None:
    decided = decide([LOST], [], [DECISION], today=TODAY, allow_new=False)
    assert [each.id for each in decided.objections] == ["new_decision", LOST.id]
    assert "--allow-new-decisions" in decided.objections[0].says

    agreed = decide([LOST], [], [DECISION], today=TODAY, allow_new=True)
    assert (agreed.objections, agreed.accepted[0].is_new) == ((), True)


@pytest.mark.parametrize("changed", [{"reason": "Because."}, {"expires": dt.date(2027, 1, 1)}])
def test_a_decision_that_the_change_rewrites_is_a_new_one(changed: dict[str, object]) -> None:
    rewritten = Decision(**{**{name: getattr(DECISION, name) for name in DECISION.__slots__}, **changed})

    assert decide([LOST], [DECISION], [rewritten], today=TODAY, allow_new=False).accepted == ()


def test_a_decision_that_the_change_removes_does_not_count() -> None:
    assert decide([LOST], [DECISION], [], today=TODAY, allow_new=False).objections == (LOST,)


def test_an_expired_decision_accepts_nothing_and_is_objected_to() -> None:
    decided = decide([LOST], [DECISION], [DECISION], today=TODAY + dt.timedelta(days=1), allow_new=True)

    assert [each.id for each in decided.objections] == [LOST.id, "expired_decision"]


def test_an_unused_decision_is_objected_to() -> None:
    decided = decide([], [DECISION], [DECISION], today=TODAY, allow_new=True)

    assert [(each.id, each.resource) for each in decided.objections] == [("unused_decision", "S/B")]


def test_a_decision_that_another_review_of_the_change_uses_is_not_unused() -> None:
    decided = decide([], [DECISION], [DECISION], today=TODAY, allow_new=True, elsewhere={(LOST.id, LOST.resource)})

    assert decided.objections == ()
    other = decide([], [DECISION], [DECISION], today=TODAY, allow_new=True, elsewhere={(LOST.id, "S/Other")})
    assert [each.id for each in other.objections] == ["unused_decision"]


def test_a_decision_about_one_change_accepts_no_later_one() -> None:
    """Seven years to one year was decided; one year to one day was not."""
    assert objection_id("keeps", "7 -> 1") != objection_id("keeps", "1 -> 0")
    long = ["x" * 200 + str(number) for number in range(2)]
    assert objection_id("keeps", long[0]) != objection_id("keeps", long[1])
    assert len(objection_id("keeps", long[0])) < 40


def test_what_is_wrong_with_decisions_is_told_on_their_lines() -> None:
    expired = ENTRY.replace("2026-06-01", "2026-05-31").replace("S/B", "S/K")
    decisions = parse_decisions(f"# Two of them.\n{ENTRY}{expired}")

    decided = decide([LOST], [], decisions, today=TODAY, allow_new=False)

    assert {each.id: each.place and each.place.line for each in decided.objections} == {
        "new_decision": 3,
        "expired_decision": 9,
        LOST.id: None,
    }
    assert {each.place.file for each in decided.objections if each.place} == {"review-decisions.toml"}
