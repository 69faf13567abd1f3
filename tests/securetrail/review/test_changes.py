"""No weakening passes and no harmless change is objected to: the table of changes, each through a real synth."""

import datetime as dt

import pytest

from securetrail.review.comparison import Difference, Repository, Side, review
from securetrail.review.decisions import Decision
from tests.securetrail.review.apps import FULL, build, difference, kinds, side
from tests.securetrail.review.changes import CASES, Case, both

ALL = [pytest.param(case, id=f"{group}: {case.name}") for group, cases in CASES.items() for case in cases]
# What the review was made for, and one of each other kind.
SAMPLE = [
    *CASES["outcome"],
    *(CASES[group][0] for group in CASES if group != "outcome"),
    *(case for case in CASES["replacements"] if case.ids),
]
TODAY = dt.date(2026, 6, 1)


@pytest.fixture(scope="module")
def base() -> Side:
    return side(build(FULL))


def answer(base: Side, case: Case) -> Difference:
    if case.before is None:
        return difference(base, build({**FULL, **case.props}, case.change, **case.ids))
    changes = [each for each in (case.before, case.change) if each is not None]
    return difference(side(build(FULL, case.before)), build({**FULL, **case.props}, both(*changes), **case.ids))


@pytest.mark.regular
@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.name)
def test_a_sample_of_the_changes(base: Side, case: Case) -> None:
    assert kinds(answer(base, case)) == case.objections


@pytest.mark.slow
@pytest.mark.parametrize("case", ALL)
def test_the_review_says_of_each_change_what_it_should(base: Side, case: Case) -> None:
    found = answer(base, case)

    assert kinds(found) == case.objections
    assert bool(case.attack) is bool(case.objections)
    for objection in found.objections:
        assert objection.says.endswith((".", "…")), objection.says


@pytest.mark.regular
def test_the_table_has_at_least_eighty_changes_with_names_of_their_own() -> None:
    cases = [case for group in CASES.values() for case in group]

    assert len({case.name for case in cases}) == len(cases) >= 80
    assert sum(not case.objections for case in cases) >= 30


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES["replacements"], ids=lambda case: case.name)
def test_an_intended_replacement_passes_with_decisions_and_only_then(base: Side, case: Case) -> None:
    found = answer(base, case)
    decisions = tuple(
        Decision(each.id, each.resource, "We keep the old bucket, and read both.", TODAY) for each in found.objections
    )

    decided = review("T", found, Repository(base_decisions=decisions, head_decisions=decisions), today=TODAY)
    assert (decided.objections, len(decided.accepted)) == ((), len(decisions))
    new = review("T", found, Repository(head_decisions=decisions), today=TODAY)
    assert {each.id for each in new.objections} >= {"new_decision", *(each.id for each in decisions)}
    agreed = review("T", found, Repository(head_decisions=decisions), today=TODAY, allow_new_decisions=True)
    assert (agreed.objections, {each.is_new for each in agreed.accepted}) == ((), {True})
    fewer = review("T", found, Repository(base_decisions=decisions[1:], head_decisions=decisions[1:]), today=TODAY)
    assert [each.id for each in fewer.objections] == [decisions[0].id]
