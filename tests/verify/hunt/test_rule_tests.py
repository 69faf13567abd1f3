"""``verify hunt rules test``: the tests that rules have in their own files."""

import json
from pathlib import Path

import pytest

from verify.cli import main

Capture = pytest.CaptureFixture[str]
RULE = """\
title: The trail is stopped
name: stopped
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: StopLogging}
  condition: selection
level: high
"""
TWICE = """\
---
title: Stopped twice
correlation:
  type: event_count
  rules: [stopped]
  timespan: 1m
  condition: {gte: 2}
level: high
"""
STOPPED = "- {events: [{eventName: StopLogging}], matches: true}"


def run(tmp_path: Path, text: str, *options: str) -> int:
    (tmp_path / "rule.yml").write_text(text)
    return main(["hunt", "rules", "test", str(tmp_path), *options])


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        ([STOPPED], 0),
        ([STOPPED, "- {name: other, events: [{eventName: StartLogging}], matches: false}"], 0),
        ([STOPPED, "- {events: [{eventName: StartLogging}], matches: true}"], 1),
        (["- {events: [{eventName: StopLogging}], matches: false}"], 1),
        # One of several events is enough; times that YAML reads are times as records write them.
        (["- {events: [{eventName: A}, {eventName: StopLogging, eventTime: 2026-01-31T12:00:00Z}], matches: true}"], 0),
        # A file that does not fit is read in another way.
        (["- {events: [{eventName: StopLogging, awsRegion: 5}], matches: true}"], 0),
        # Not written as tests are.
        (["- {events: [], matches: true}"], 2),
        (["- {events: [StopLogging], matches: true}"], 2),
        (["- {events: [{eventName: StopLogging}]}"], 2),
        (["- {events: [{eventName: StopLogging}], matches: 'true'}"], 2),
        (["- {events: [{eventName: StopLogging}], match: true, matches: true}"], 2),
        (["- StopLogging"], 2),
        (["  events: []"], 2),
    ],
)
def test_a_test_passes_if_the_rule_does_what_it_is_to_do(tmp_path: Path, tests: list[str], expected: int) -> None:
    assert run(tmp_path, RULE + "tests:\n" + "\n".join(tests)) == expected


def test_a_correlation_and_the_rule_below_it_are_tested_each_by_itself(tmp_path: Path, capsys: Capture) -> None:
    once = "tests:\n- {events: [{eventName: StopLogging}], matches: false}\n"
    twice = "- {events: [{eventName: StopLogging}, {eventName: StopLogging}], matches: true}\n"

    assert run(tmp_path, f"{RULE}tests:\n{STOPPED}\n{TWICE}{once}{twice}") == 0
    assert "3 of 3 tests of 2 rules passed." in capsys.readouterr().out


def test_what_failed_and_what_has_no_tests_is_named(tmp_path: Path, capsys: Capture) -> None:
    failing = "tests:\n- {name: no stop, events: [{eventName: StartLogging}], matches: true}\n"

    assert run(tmp_path, RULE + failing + TWICE) == 1
    said = capsys.readouterr().out
    assert "FAILED  The trail is stopped" in said and "test no stop: it did not match" in said
    assert "Rules without tests: 1.\n  Stopped twice" in said

    assert run(tmp_path, RULE + failing + TWICE, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert [(each["test"], each["passed"]) for each in found["tests"]] == [("no stop", False)]
    assert found["rules_without_tests"] == ["Stopped twice"]


def test_a_rule_that_no_test_shows_to_match_is_not_known_to_work(tmp_path: Path, capsys: Capture) -> None:
    never = "tests:\n- {events: [{eventName: StartLogging}], matches: false}\n"
    once = "tests:\n- {events: [{eventName: StopLogging}], matches: false}\n"

    assert run(tmp_path, RULE + never) == 3
    assert "no test shows that they can match (matches: true): 1.\n  The trail is stopped" in capsys.readouterr().out
    assert run(tmp_path, f"{RULE}tests:\n{STOPPED}\n{TWICE}{once}", "--json") == 3
    assert json.loads(capsys.readouterr().out)["rules_never_matched"] == ["Stopped twice"]
    # What failed is worse than what is not known.
    assert run(tmp_path, RULE + never.replace("StartLogging", "StopLogging")) == 1


def test_a_rule_that_cannot_run_fails(tmp_path: Path, capsys: Capture) -> None:
    assert run(tmp_path, RULE.replace("cloudtrail}", "vpcflow}")) == 1
    assert "CANNOT RUN  The trail is stopped" in capsys.readouterr().out


def test_rules_without_any_test_are_no_proof_of_anything(tmp_path: Path) -> None:
    assert run(tmp_path, RULE) == 2
    assert main(["hunt", "rules", "test", str(tmp_path / "none")]) == 2


def test_places_of_a_hunt_are_refused_and_its_format_is_not(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "rule.yml").write_text(f"{RULE}tests:\n{STOPPED}")

    assert main(["hunt", "--in", "events.json", "rules", "test", str(tmp_path)]) == 2
    assert main(["hunt", "--history", "rules", "test", str(tmp_path)]) == 2
    capsys.readouterr()
    assert main(["hunt", "--json", "rules", "test", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["exit_code"] == 0
