"""When an answer is right, what it is worth, and what a report says."""

import json
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.scenarios.answers import report
from lab.scenarios.answers.facts import TOLERANCE, Fact, Kind, Tries, points
from lab.scenarios.answers.report import Verdict

ROLE = Fact("role", "Which role?", Kind.NAME, "web-server")
BUCKET = Fact("bucket", "Which bucket?", Kind.NAME, "scans-111122223333")
ADDRESS = Fact("address", "Which address?", Kind.ADDRESS, "203.0.113.7")
BEGAN = Fact("first-call", "When?", Kind.TIME, "2026-01-31T09:30:00Z")
TAKEN = Fact("objects", "How many?", Kind.COUNT, "1240")
FILE = Fact("altered-log", "Which file?", Kind.FILE, "AWSLogs/1/CloudTrail/us-east-1/2026/01/31/a_b.json.gz")
ALL = (ROLE, BUCKET, ADDRESS, BEGAN, TAKEN, FILE)


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (ROLE, "web-server"),
        (ROLE, " `web-server` "),
        (ROLE, "arn:aws:iam::111122223333:role/web-server"),
        (ROLE, "arn:aws:iam::111122223333:role/service/path/web-server"),
        (ROLE, "arn:aws:sts::111122223333:assumed-role/web-server/i-0abc"),
        (BUCKET, "s3://scans-111122223333"),
        (BUCKET, "s3://scans-111122223333/scans/0001.csv"),
        (BUCKET, "arn:aws:s3:::scans-111122223333"),
        (BUCKET, "arn:aws:s3:::scans-111122223333/scans/0001.csv"),
        (ADDRESS, "203.0.113.7"),
        (BEGAN, "2026-01-31T09:30:00Z"),
        (BEGAN, "2026-01-31 09:30"),
        (BEGAN, "2026-01-31 09:30:59 UTC"),
        (BEGAN, "2026-01-31T10:30:00+01:00"),
        (TAKEN, "1240"),
        (TAKEN, "1,240"),
        (TAKEN, "1 240"),
        (FILE, "a_b.json.gz"),
        (FILE, "s3://logs/AWSLogs/1/CloudTrail/us-east-1/2026/01/31/a_b.json.gz"),
    ],
)
def test_a_fact_is_right_however_it_is_written(fact: Fact, text: str) -> None:
    assert fact.is_right(text)


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (ROLE, "web-server-2"),
        (ROLE, "arn:aws:iam::111122223333:role/web"),
        (ROLE, "arn:aws:sts::111122223333:assumed-role/i-0abc/web-server"),
        (BUCKET, "s3://other/scans-111122223333"),
        (ADDRESS, "203.0.113.70"),
        (ADDRESS, "::ffff:0:0"),
        (BEGAN, "2026-01-31T09:31:01Z"),
        (BEGAN, "2026-01-31"),
        (BEGAN, "2026-01-31T09:30:00+01:00"),
        (TAKEN, "124"),
        (FILE, "a_c.json.gz"),
    ],
)
def test_another_fact_is_wrong(fact: Fact, text: str) -> None:
    assert not fact.is_right(text)


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (ROLE, ""),
        (ADDRESS, "web-server"),
        (ADDRESS, "203.0.113"),
        (BEGAN, "yesterday"),
        (BEGAN, "2026-02-30"),
        (TAKEN, "many"),
        (TAKEN, "-3"),
        (TAKEN, "\u0661"),
        (FILE, "AWSLogs/"),
    ],
)
def test_what_is_no_answer_says_what_would_be_one_and_not_the_solution(fact: Fact, text: str) -> None:
    with pytest.raises(ValueError, match="such as") as refused:
        fact.is_right(text)

    assert fact.value not in str(refused.value)


@given(st.integers(-300, 300))
def test_a_time_is_right_within_the_tolerance(seconds: int) -> None:
    moment = datetime(2026, 1, 31, 9, 30, tzinfo=UTC) + timedelta(seconds=seconds)

    assert BEGAN.is_right(moment.isoformat()) == (abs(timedelta(seconds=seconds)) <= TOLERANCE)


@given(st.ip_addresses(v=4))
def test_one_address_is_right(address: IPv4Address) -> None:
    assert ADDRESS.is_right(str(address)) == (str(address) == ADDRESS.value)


@given(st.lists(st.lists(st.booleans(), max_size=6), min_size=1, max_size=6))
def test_the_score_falls_with_every_wrong_try_and_never_rises_after(tries: list[list[bool]]) -> None:
    after = {}
    for number, each in enumerate(tries):
        so_far = Tries()
        for is_right in each:
            so_far = so_far.after(is_right=is_right)
        after[str(number)] = so_far
        assert so_far.wrong == (each.index(True) if True in each else len(each))

    assert 0 <= points(after) <= 100
    assert points({name: each.told() for name, each in after.items()}) == points(after), "what was found stays found"
    told = {name: each.told().after(is_right=True) for name, each in after.items()}
    assert points(told) == points(after), "after the solution nothing is earned"
    assert points(after) == 100 if all(each[:1] == [True] for each in tries) else points(after) < 100


TABLE = """# Incident report

| Fact | Found |
|---|---|
| role | `web-server` |
| **Bucket** | s3://scans-111122223333 |
| Address | 203.0.113.7 (a hosting company) |
| first call | 2026-01-31 09:30 UTC |
| Objects | 1,240 |
| altered log | a_b.json.gz |
"""
LINES = """Incident

- **Role:** web-server, by its instance
- Bucket: `scans-111122223333`
1. Address: 203.0.113.7
First call: 2026-01-31T09:30:20Z

## Objects

1240 in all

### Altered log
`s3://logs/AWSLogs/1/CloudTrail/us-east-1/2026/01/31/a_b.json.gz`
"""


@pytest.mark.parametrize("text", [TABLE, LINES, TABLE.replace("\n", "\r\n")])
def test_a_report_states_its_facts_in_a_table_in_lines_or_below_headings(text: str) -> None:
    assert {each.fact.name: each.verdict for each in report.judge(text, ALL)} == {
        fact.name: Verdict.RIGHT for fact in ALL
    }


def test_a_wrong_fact_is_told_from_one_that_is_missing() -> None:
    text = TABLE.replace("203.0.113.7", "198.51.100.4").replace("1,240", "1,239").replace("| altered log", "| x")
    text = text.replace("| first call | 2026-01-31 09:30 UTC |\n", "").replace("a_b.json.gz", "?")

    found = {each.fact.name: (each.verdict, each.said) for each in report.judge(text, ALL)}

    assert found["address"] == (Verdict.WRONG, "198.51.100.4 (a hosting company)")
    assert found["objects"] == (Verdict.WRONG, "1,239")
    assert found["first-call"] == found["altered-log"] == (Verdict.MISSING, "")
    assert found["role"][0] is Verdict.RIGHT


def test_prose_counts_for_names_addresses_and_files_and_not_for_numbers() -> None:
    text = "The role web-server was used from 203.0.113.7 and not 10.0.0.1. 1240 objects were read at 2026-01-31 09:30."

    found = {each.fact.name: each.verdict for each in report.judge(text, ALL)}

    assert (found["role"], found["address"]) == (Verdict.RIGHT, Verdict.RIGHT)
    assert (found["objects"], found["first-call"], found["bucket"]) == (Verdict.MISSING,) * 3


def test_who_lists_everything_has_found_nothing() -> None:
    every = " ".join(f"203.0.113.{number}" for number in range(20))

    for text in (every, f"Address: {every}"):
        [judged] = report.judge(text, [ADDRESS])
        assert judged.verdict is not Verdict.RIGHT


def test_a_template_that_is_not_filled_in_states_nothing_and_filled_in_everything() -> None:
    empty = report.template("capital-one", ALL)

    assert {each.verdict for each in report.judge(empty, ALL)} == {Verdict.MISSING}
    for fact in ALL:
        empty = empty.replace(f"| {fact.name} |  |", f"| {fact.name} | {fact.value} |")
    assert {each.verdict for each in report.judge(empty, ALL)} == {Verdict.RIGHT}


@given(st.text("ab1.,:|#*`-_ /\n\r\t\u00e9\u0661\x00", max_size=80))
def test_no_report_makes_it_fail_and_none_is_right_by_chance(text: str) -> None:
    judged = report.judge(text, ALL)

    assert [each.fact for each in judged] == list(ALL)
    assert not [each for each in judged if each.verdict is Verdict.RIGHT]
    assert json.dumps([each.said for each in judged])
