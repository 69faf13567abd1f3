"""What is counted of an account and region, where the trail delivers and where another one does."""

from __future__ import annotations

from collections import Counter

from tests.verify.integrity.timeline.test_configuration import at
from verify.integrity.result import Tally
from verify.integrity.timeline.verdict import Problem, Verdict

FULL = Tally(
    digests=Counter({Verdict.PROVEN: 1}),
    backfills=Counter({Verdict.MISSING: 2}),
    logs=Counter({Verdict.FOREIGN: 3}),
    log_bytes=4,
    problems=[Problem(Verdict.FOREIGN, "file", "no digest names it")],
    notes=[Problem(Verdict.PROVEN, "digest", "its successor has its signature")],
    omitted=5,
    not_due_from=at(6),
    doubles=7,
    unsigned=Counter({"main delivers to s3://bucket/": 8}),
)


def test_nothing_is_lost_when_two_tallies_are_put_together() -> None:
    assert all(getattr(FULL, name) for name in FULL.__struct_fields__)
    assert FULL.plus(Tally()) == FULL == Tally().plus(FULL)
