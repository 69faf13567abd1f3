"""``verify hunt --since-last``: each file that is delivered is hunted in once."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.verify.simulation.scenarios import trail
from tests.verify.simulation.trail import Chain, event
from verify.cli import main
from verify.hunt.state import Hunted, after, marks_of, only_new
from verify.logs.places import LogFile
from verify.logs.places import LogSource as Listed
from verify.storage.folder import FolderObjectStore
from verify.storage.objects import ObjectName

Capture = pytest.CaptureFixture[str]
RULE = """\
title: A bucket is deleted
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: DeleteBucket}
  condition: selection
level: high
"""


class LogSource:
    """A folder of log files, a rule and a state file."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.state = folder / "state.json"
        self.rules = folder / "rules.yml"
        self.rules.write_text(RULE)

    def deliver(self, name: str, *ids: str, at: str = "2026-01-01T00:00:00Z") -> Path:
        who = {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/a"}
        records = [
            {"eventName": "DeleteBucket", "eventSource": "s3.amazonaws.com", "eventID": each, "eventTime": at}
            | {"userIdentity": who}
            for each in ids
        ]
        file = self.logs / f"{name}.json"
        file.write_text(json.dumps({"Records": records}))
        return file

    def options(self, *more: str) -> list[str]:
        found = ["hunt", "--in", str(self.logs), "--no-built-in", "--rules", str(self.rules), "--json"]
        return [*found, "--since-last", "--state", str(self.state), *more]


@pytest.fixture
def place(tmp_path: Path) -> LogSource:
    return LogSource(tmp_path)


def found(capsys: Capture) -> list[str]:
    return sorted(each for finding in json.loads(capsys.readouterr().out)["findings"] for each in finding["event_ids"])


def test_each_file_is_hunted_in_once_however_old_its_events_are(place: LogSource, capsys: Capture) -> None:
    place.deliver("first", "1", "2")
    assert main(place.options()) == 1
    assert found(capsys) == ["1", "2"]
    # Nothing new was delivered: that shows nothing.
    assert main(place.options()) == 3
    assert found(capsys) == []

    place.deliver("late", "3", at="2020-01-01T00:00:00Z")
    assert main(place.options()) == 1
    assert found(capsys) == ["3"]
    assert main(place.options()) == 3


def test_a_file_that_could_not_be_read_is_tried_again(place: LogSource, capsys: Capture) -> None:
    whole = place.deliver("first", "1").read_bytes()
    (place.logs / "first.json").write_bytes(b"{" + b" " * (len(whole) - 1))  # of the same size
    assert main(place.options()) == 3
    (place.logs / "first.json").write_bytes(whole)
    capsys.readouterr()

    assert main(place.options()) == 1
    assert found(capsys) == ["1"]


def test_a_file_that_grew_is_hunted_in_again(place: LogSource, capsys: Capture) -> None:
    place.deliver("first", "1")
    main(place.options())
    place.deliver("first", "1", "2")
    capsys.readouterr()

    assert main(place.options()) == 1
    assert found(capsys) == ["1", "2"]


def listed_a() -> Listed:
    return Listed(FolderObjectStore(Path()), "", (LogFile(ObjectName("", "a"), 5),), None)


def test_a_file_that_is_written_again_while_it_is_read_is_hunted_in_again() -> None:
    versions = {"a": "1"}
    listed = replace(listed_a(), version_of=lambda file: versions[file.name.key])
    marks = marks_of(listed)
    versions["a"] = "2"  # of the same size
    known = after(Hunted(), listed, marks, frozenset({"a"}), (), datetime.now(UTC))

    assert only_new(listed, marks, known).files == ()
    assert only_new(listed, marks_of(listed), known).files == listed.files


def test_a_missing_file_that_was_there_again_is_told_again() -> None:
    there = listed_a()
    gone = replace(there, files=(), missing=(("111122223333", "us-east-1", ("a",)),))
    moment = datetime.now(UTC)
    told = after(Hunted(), gone, {}, frozenset(), ("a",), moment)

    assert only_new(gone, {}, told).missing == ()
    again = after(told, there, marks_of(there), frozenset(), (), moment)
    assert only_new(gone, {}, again).missing == gone.missing


def test_the_state_file_is_its_owners_alone_and_refused_where_others_may_write(
    place: LogSource, capsys: Capture
) -> None:
    place.deliver("first", "1")
    assert main(place.options()) == 1
    assert place.state.stat().st_mode & 0o777 == 0o600
    assert list(place.state.parent.glob("*.json")) == [place.state]

    place.state.chmod(0o620)
    assert main(place.options()) == 2
    assert "can be written by others" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"form": 1}', '{"form": 1, "source": 5, "files": 5}', "[" * 9999])
def test_a_damaged_state_file_is_refused(place: LogSource, content: str) -> None:
    place.deliver("first", "1")
    place.state.write_text(content)
    place.state.chmod(0o600)

    assert main(place.options()) == 2
    assert place.state.read_text() == content


def test_a_state_file_is_that_of_one_source(place: LogSource, tmp_path: Path, capsys: Capture) -> None:
    place.deliver("first", "1")
    assert main(place.options()) == 1
    (tmp_path / "other").mkdir()
    options = place.options()
    options[2] = str(tmp_path / "other")
    place.deliver("second", "2").rename(tmp_path / "other" / "second.json")
    capsys.readouterr()

    assert main(options) == 2
    assert "each source has its own" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--start", "2026-01-01"], ["--end", "now"], ["--proven-only"]])
def test_what_contradicts_it_is_refused(place: LogSource, more: list[str]) -> None:
    place.deliver("first", "1")
    assert main(place.options(*more)) == 2
    assert not place.state.exists()


def test_a_time_in_which_late_files_would_be_lost_is_refused(place: LogSource, capsys: Capture) -> None:
    place.deliver("first", "1")
    assert main(place.options("--since", "6d")) == 2
    assert "would lose files that are delivered late" in capsys.readouterr().err
    assert not place.state.exists()
    assert main(place.options("--since", "1w")) in (0, 1, 3)


@pytest.mark.parametrize("more", [["--region", "us-east-1"], ["--account", "111122223333"]])
def test_a_hunt_in_a_part_does_not_pass_for_one_in_all(place: LogSource, capsys: Capture, more: list[str]) -> None:
    place.deliver("first", "1")
    main(place.options(*more))
    assert main(place.options(*more)) == 3
    capsys.readouterr()

    assert main(place.options()) == 2
    assert f"only {more[0][2:]} {more[1]}" in capsys.readouterr().err


def test_who_looks_back_less_far_for_once_does_not_hunt_in_old_files_again() -> None:
    now = datetime(2026, 6, 30, tzinfo=UTC)
    file = LogFile(ObjectName("", "old"), 1, day="2026/06/05")

    def listed(days: int) -> Listed:
        files = (file,) if days > 25 else ()
        return Listed(FolderObjectStore(Path()), "", files, (now - timedelta(days), now))

    known = Hunted()
    for days in (30, 7):
        place = listed(days)
        known = after(known, place, marks_of(place), frozenset({"old"}), (), now)
    again = listed(30)
    assert only_new(again, marks_of(again), known).files == ()


def test_state_and_since_last_belong_together(place: LogSource) -> None:
    place.deliver("first", "1")
    options = place.options()
    assert main([each for each in options if each != "--since-last"]) == 2
    assert main(options[:-2]) == 2


def test_what_could_not_be_printed_is_not_remembered(place: LogSource, monkeypatch: pytest.MonkeyPatch) -> None:
    place.deliver("first", "1")
    monkeypatch.setattr("verify.report.terminal.Terminal.print_json", _raise)

    assert main(place.options()) == 3
    assert not place.state.exists()


def _raise(*_: Any) -> None:
    raise OSError(28, os.strerror(28))


@pytest.mark.regular
def test_in_the_trails_bucket_a_missing_file_is_told_once(
    serve_chain: Callable[[Chain], Chain], monkeypatch: pytest.MonkeyPatch, capsys: Capture, place: LogSource
) -> None:
    built = trail(6)
    built.log(built.at - timedelta(minutes=5), event("DeleteBucket", built.at - timedelta(minutes=10)))
    chain = serve_chain(built)
    chain.aws.delete(chain.hours[2].logs[0])
    monkeypatch.setattr("verify.cli.hunt.now", lambda: chain.at + timedelta(minutes=30))
    options = [each for each in place.options() if each not in ("--in", str(place.logs))]

    assert main(options) == 1
    first = {each["rule"] for each in json.loads(capsys.readouterr().out)["findings"]}
    assert first == {"Log files are missing", "A bucket is deleted"}
    assert main(options) == 3
    assert json.loads(capsys.readouterr().out)["findings"] == []


@pytest.mark.regular
def test_a_time_since_the_last_hunt_that_is_not_listed_makes_exit_3(
    serve_chain: Callable[[Chain], Chain], monkeypatch: pytest.MonkeyPatch, capsys: Capture, place: LogSource
) -> None:
    chain = serve_chain(trail(6))
    options = [each for each in place.options() if each not in ("--in", str(place.logs))]
    monkeypatch.setattr("verify.cli.hunt.now", lambda: chain.at)
    main(options)
    capsys.readouterr()
    known = json.loads(place.state.read_text())
    place.state.write_text(json.dumps(known | {"until": f"{chain.at - timedelta(days=8):%Y-%m-%dT%H:%M:%SZ}"}))

    assert main(options) == 3
    (told,) = [each for each in json.loads(capsys.readouterr().out)["basis"]["holes"] if "last hunt" in each]
    assert told.endswith("were not listed: ask for more with --since.")
    # What is listed since the last hunt leaves nothing out; neither does a place that is listed as a whole.
    assert main(options) == 3
    assert "last hunt was" not in capsys.readouterr().out
