from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from verify.errors import UsageError
from verify.times import TimeRange, iso, parse_duration, parse_moment, time_range

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("1s", 1), ("20m", 1200), ("2h", 7200), ("90d", 7776000), ("1w", 604800), ("007s", 7)],
        *[("90min", 5400), ("3D", 259200), ("1hour", 3600), ("2Weeks", 1209600), ("5MIN", 300)],
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_duration(text, "--since") == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "h",
        "0h",
        "-2h",
        "2 h",
        "2y",
        "1.5h",
        "1h30m",
        "3M",
        "2M.",
        "2mon",
        "2mins",
        "٣h",
        "1\u017f",
        "2h\n",
        "9" * 10 + "s",
        "999999999w",
    ],
)
def test_anything_else_is_refused_with_what_was_given_and_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_duration(text, "--since")
    assert "--since" in str(refused.value)
    assert repr(text) in str(refused.value)
    assert "d" in str(refused.value).rpartition("'")[2]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("20260131", datetime(2026, 1, 31, tzinfo=UTC)),
        ("20260131T0930Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30:00", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30+02:00", datetime(2026, 1, 31, 7, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_as_utc_unless_it_has_an_offset(text: str, moment: datetime) -> None:
    assert parse_moment(text, "--start", NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "31.01.2026", "2026-01-31T25:00", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Allowed: now, a date"):
        parse_moment(text, "--start", NOW)


def test_a_date_as_the_end_includes_that_day() -> None:
    found = time_range(None, "2026-02-01", "2026-02-01", NOW)
    assert time_range(None, "20260201", "20260201", NOW) == found
    assert (iso(found.start), iso(found.end)) == ("2026-02-01T00:00:00Z", "2026-02-01T23:59:59Z")


@pytest.mark.parametrize(
    ("since", "start", "end", "expected"),
    [
        (None, None, None, TimeRange()),
        ("2h", None, None, TimeRange(NOW - timedelta(hours=2))),
        ("2h", None, "now", TimeRange(NOW - timedelta(hours=2), NOW)),
        (
            "1d",
            None,
            "2026-02-02T00:00Z",
            TimeRange(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)),
        ),
        (None, "2025-01-01", None, TimeRange(datetime(2025, 1, 1, tzinfo=UTC))),
    ],
)
def test_ranges(since: str | None, start: str | None, end: str | None, expected: TimeRange) -> None:
    assert time_range(since, start, end, NOW) == expected


@pytest.mark.parametrize(
    ("since", "start", "end", "complaint"),
    [
        ("2h", "2026-02-01", None, "both say where to begin"),
        (None, "2026-02-02", "2026-02-01", "after its end"),
        (None, "2026-03-02", None, "in the future"),
        (None, None, "2025-11-01", "keeps 90 days"),
        ("1h", None, "2025-11-01", "keeps 90 days"),
        ("999999w", None, None, "before the calendar"),
    ],
)
def test_a_range_that_holds_nothing_is_refused(
    since: str | None, start: str | None, end: str | None, complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        time_range(since, start, end, NOW)
