"""The ends of a chain: what lies before its first digest, and a file of its very last minute."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.verify.integrity.timeline.test_gaps import CREATED, DELETED, OFF, ON, at, calls, hour
from verify.integrity.beginning import before_first
from verify.integrity.coverage import judge_unnamed
from verify.integrity.timeline.gaps import LoggingHistory
from verify.integrity.timeline.timeline import Period, Timeline
from verify.integrity.timeline.verdict import Span, Verdict
from verify.storage.layout import LogName, Place

MISSING, NOT_LOGGED, UNKNOWN = Verdict.MISSING, Verdict.NOT_LOGGED, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (calls((8, CREATED), (9, ON)), [(0, 9, NOT_LOGGED)]),
        (calls(), [(0, 9, MISSING)]),
        (calls(complete_from=None), [(0, 9, UNKNOWN)]),
        # Switched off and on again: only the time between lacks its digests.
        (calls((2, CREATED), (3, ON), (5, OFF), (9, ON)), [(0, 3, NOT_LOGGED), (3, 5, MISSING), (5, 9, NOT_LOGGED)]),
        (calls((5, OFF), (9, ON)), [(0, 5, MISSING), (5, 9, NOT_LOGGED)]),
        # Deleted and made anew, as after a stack was destroyed.
        (
            calls((2, CREATED), (3, ON), (5, OFF), (6, DELETED), (8, CREATED), (9, ON)),
            [(0, 3, NOT_LOGGED), (3, 5, MISSING), (5, 9, NOT_LOGGED)],
        ),
        # The first digest comes hours after logging began: those before it are gone.
        (calls((2, CREATED), (3, ON)), [(0, 3, NOT_LOGGED), (3, 9, MISSING)]),
        # No recorded call switched logging on: nothing explains the digest.
        (calls((2, CREATED), (3, ON), (5, OFF)), [(0, 9, MISSING)]),
    ],
)
def test_only_the_time_in_which_logging_was_on_lacks_its_digests(
    history: LoggingHistory, expected: list[tuple[float, float, Verdict]]
) -> None:
    spans = before_first(hour(10), at(0), history)

    assert [(span.start, span.end, span.verdict) for span in reversed(spans)] == [
        (at(start), at(end), verdict) for start, end, verdict in expected
    ]


@pytest.mark.parametrize(("ends_after_seconds", "verdict"), [(40, Verdict.NOT_DUE), (60, Verdict.UNSIGNED)])
def test_a_file_of_the_minute_in_which_the_newest_digest_ends_may_have_come_after_it(
    ends_after_seconds: int, verdict: Verdict
) -> None:
    newest_end = at(9) + timedelta(seconds=ends_after_seconds)
    timeline = Timeline(Period(at(0), newest_end))
    timeline.add(Span(at(0), newest_end, Verdict.VALID, ""))
    name = LogName(Place("bucket", "", "", "111122223333"), "eu-west-1", at(9))

    found, _ = judge_unnamed(name, None, timeline, newest_end, timedelta(minutes=15))

    assert found is verdict
