"""The verdict on a log file that no digest lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from verify.integrity.reconcile import judge_unlisted
from verify.integrity.timeline.timeline import Period, Timeline
from verify.integrity.timeline.verdict import JudgedPeriod, Verdict
from verify.storage.layout import DeliveryLocation, LogName

DAY = datetime(2026, 11, 1, tzinfo=UTC)
NINE = DAY + timedelta(hours=9)


@pytest.mark.parametrize(("ends_after_seconds", "verdict"), [(40, Verdict.NOT_DUE), (60, Verdict.UNSIGNED)])
def test_a_file_of_the_minute_in_which_the_newest_digest_ends_may_have_come_after_it(
    ends_after_seconds: int, verdict: Verdict
) -> None:
    newest_end = NINE + timedelta(seconds=ends_after_seconds)
    timeline = Timeline(Period(DAY, newest_end))
    timeline.add(JudgedPeriod(DAY, newest_end, Verdict.VALID, ""))
    name = LogName(DeliveryLocation("bucket", "", "", "111122223333"), "eu-west-1", NINE)

    found, _ = judge_unlisted(name, None, timeline, newest_end, timedelta(minutes=15))

    assert found is verdict
