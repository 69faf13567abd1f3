"""``verify hunt --baseline``: what is new for a principal, against what it did before."""

import json
from pathlib import Path
from typing import Any

import pytest

from verify.cli import main

Capture = pytest.CaptureFixture[str]
START = "2026-01-10"
RULE = """\
title: Never
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: Never}
  condition: selection
"""
USUAL = {
    "awsRegion": "us-east-1",
    "eventSource": "s3.amazonaws.com",
    "sourceIPAddress": "198.51.100.7",
    "userAgent": "aws-cli/2.0 x",
}
NEW = {
    "awsRegion": "eu-west-3",
    "eventSource": "ses.amazonaws.com",
    "sourceIPAddress": "203.0.113.7",
    "userAgent": "Boto3/1.0",
}
KINDS = {
    "awsRegion": "A principal works in a new region",
    "eventSource": "A principal uses a new service",
    "sourceIPAddress": "A principal calls from a new network",
    "userAgent": "A principal uses a new program",
}


def call(number: int, day: int, **more: Any) -> dict[str, Any]:
    who = {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/a", "accountId": "111122223333"}
    time = f"2026-01-{day:02}T00:00:{number % 60:02}Z"
    return {
        "eventName": "GetBucketAcl",
        "eventTime": time,
        "eventID": f"{number}",
        "userIdentity": who,
        **USUAL,
        **more,
    }


BEFORE = [call(number, 1 + number % 9) for number in range(30)]


def hunt(tmp_path: Path, capsys: Capture, records: list[dict[str, Any]], *more: str) -> tuple[int, dict[str, str]]:
    (tmp_path / "rule.yml").write_text(RULE)
    # The later events come first: files are read in any order.
    (tmp_path / "events.json").write_text(json.dumps({"Records": records[::-1]}))
    options = ["--in", str(tmp_path / "events.json"), "--no-built-in", "--rules", str(tmp_path / "rule.yml")]
    times = ["--start", START, "--end", "2026-01-11", "--baseline", "9d", "--level", "informational"]
    exit_code = main(["hunt", *options, *times, "--json", *more])
    said = capsys.readouterr().out
    return exit_code, {each["rule"]: each["severity"] for each in json.loads(said).get("findings", ())} if said else {}


@pytest.mark.parametrize("field", KINDS)
def test_what_is_new_in_one_way_is_told_quietly(tmp_path: Path, capsys: Capture, field: str) -> None:
    records = [*BEFORE, call(100, 10), call(101, 10, **{field: NEW[field]})]

    exit_code, found = hunt(tmp_path, capsys, records)

    assert (exit_code, list(found)) == (0, [KINDS[field]])
    assert set(found.values()) == {"low" if field == "awsRegion" else "informational"}


def test_a_call_that_is_new_in_three_ways_is_one_finding_that_is_medium(tmp_path: Path, capsys: Capture) -> None:
    some = {name: NEW[name] for name in ("awsRegion", "sourceIPAddress", "userAgent")}

    assert hunt(tmp_path, capsys, [*BEFORE, call(100, 10, **some)]) == (
        1,
        {"A principal is used in a new way": "medium"},
    )


@pytest.mark.parametrize(
    "later",
    [
        call(100, 10),
        call(100, 10, sourceIPAddress="198.51.100.99"),  # of the same network
        call(100, 10, userAgent="aws-cli/2.99 y"),  # another version
        call(100, 9, **NEW),  # before the period
        call(100, 12, **NEW),  # after it
        call(100, 10, **NEW, userIdentity={"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}),
        # Of whom nothing is known nothing is new.
        call(100, 10, **NEW, userIdentity={"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/b"}),
    ],
)
def test_what_is_usual_and_what_nobody_knows_is_no_finding(tmp_path: Path, capsys: Capture, later: Any) -> None:
    assert hunt(tmp_path, capsys, [*BEFORE, call(99, 10), later]) == (0, {})


def test_of_few_calls_nothing_is_usual(tmp_path: Path, capsys: Capture) -> None:
    assert hunt(tmp_path, capsys, [*BEFORE[:19], call(100, 10, **NEW)]) == (0, {})


def test_without_any_event_from_before_it_is_not_known_what_is_new(tmp_path: Path, capsys: Capture) -> None:
    assert hunt(tmp_path, capsys, [call(100, 10, **NEW)]) == (3, {})


def test_a_file_that_does_not_fit_tells_the_same(tmp_path: Path, capsys: Capture) -> None:
    odd = call(100, 10, **NEW, requestParameters=None, readOnly=True, eventVersion=5, errorCode=7)

    assert hunt(tmp_path, capsys, [*BEFORE, odd]) == (1, {"A principal is used in a new way": "medium"})


@pytest.mark.parametrize("baseline", ["0d", "soon", "999999w"])
def test_a_baseline_is_a_duration(tmp_path: Path, capsys: Capture, baseline: str) -> None:
    assert hunt(tmp_path, capsys, BEFORE, "--baseline", baseline)[0] == 2


def test_a_baseline_needs_a_period(tmp_path: Path) -> None:
    (tmp_path / "events.json").write_text("[]")
    assert main(["hunt", "--in", str(tmp_path / "events.json"), "--baseline", "9d"]) == 2


def test_of_more_that_is_usual_than_is_kept_it_is_said_so(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verify.hunt.baseline._MAX_USUAL", 3)

    assert hunt(tmp_path, capsys, [*BEFORE, call(40, 10)], "--level", "informational")[0] == 3


def test_of_how_many_principals_something_is_known_is_told(tmp_path: Path, capsys: Capture) -> None:
    stranger = call(100, 10, userIdentity={"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/b"})
    assert hunt(tmp_path, capsys, [*BEFORE, call(99, 10), stranger]) == (0, {})

    options = ["--in", str(tmp_path / "events.json"), "--no-built-in", "--rules", str(tmp_path / "rule.yml")]
    assert main(["hunt", *options, "--start", START, "--end", "2026-01-11", "--baseline", "9d"]) == 0
    assert "1 of 2 principals made at least 20 calls then, and are compared." in capsys.readouterr().out
