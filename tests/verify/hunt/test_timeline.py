"""``verify hunt timeline``: all that a principal did, with the sessions that it made, in the order of time."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from verify.cli import main
from verify.hunt.events import Events
from verify.logs.reading import ReadFile, read_files

Capture = pytest.CaptureFixture[str]
ALICE = "arn:aws:iam::111122223333:user/alice"


def call(at: int, name: str, by: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "eventName": name,
        "eventSource": "s3.amazonaws.com",
        "eventTime": f"2026-01-01T00:00:{at:02}Z",
        "eventID": f"{at}",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "userIdentity": by,
        **more,
    }


def user(name: str) -> dict[str, Any]:
    return {"type": "IAMUser", "arn": f"arn:aws:iam::111122223333:user/{name}", "accessKeyId": f"AKIA{name}"}


def session(role: str, key: str) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "principalId": f"AROA{role}:work",
        "arn": f"arn:aws:sts::111122223333:assumed-role/{role}/work",
        "accessKeyId": key,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::111122223333:role/{role}"}},
    }


def assume(at: int, key: str, by: dict[str, Any]) -> dict[str, Any]:
    return call(at, "AssumeRole", by, responseElements={"credentials": {"accessKeyId": key}})


# The sessions' calls come first in the file: their makers are known only later.
RECORDS = [
    call(9, "DeleteBucket", session("second", "ASIA2")),
    call(7, "GetObject", session("first", "ASIA1"), requestParameters={"key": "a"}),
    call(6, "GetObject", session("first", "ASIA9"), requestParameters={"key": "another's"}),
    call(5, "ListBuckets", user("bob")),
    assume(8, "ASIA2", session("first", "ASIA1")),
    assume(4, "ASIA9", user("bob")),
    assume(3, "ASIA1", user("alice")),
    call(2, "ListBuckets", user("alice")),
]


@pytest.fixture
def where(tmp_path: Path) -> list[str]:
    for number, records in enumerate((RECORDS, RECORDS[:2])):  # some are delivered twice
        (tmp_path / f"{number}.json").write_text(json.dumps({"Records": records}))
    return [f"--in={tmp_path}/0.json", f"--in={tmp_path}/1.json"]


def times(capsys: Capture) -> list[tuple[int, str]]:
    calls = json.loads(capsys.readouterr().out)["calls"]
    return [(int(each["event_id"]), each["session_made_with"]) for each in calls]


@pytest.mark.parametrize("who", [ALICE, "alice", "AKIAalice"])
def test_the_calls_of_a_principal_and_of_the_sessions_that_it_made_come_in_the_order_of_time(
    where: list[str], capsys: Capture, who: str
) -> None:
    assert main(["hunt", "timeline", "--principal", who, *where, "--json"]) == 0

    assert times(capsys) == [(2, ""), (3, ""), (7, "AKIAalice"), (8, "AKIAalice"), (9, "ASIA1")]


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("first", [6, 7, 8, 9]),
        ("arn:aws:iam::111122223333:role/first", [6, 7, 8, 9]),
        ("ASIA1", [7, 8, 9]),
        ("bob", [4, 5, 6]),
        ("work", [6, 7, 8, 9]),
    ],
)
def test_a_role_a_key_and_a_session_are_principals_too(
    where: list[str], capsys: Capture, who: str, expected: list[int]
) -> None:
    assert main(["hunt", "timeline", "--principal", who, *where, "--json"]) == 0
    assert [at for at, _ in times(capsys)] == expected


def test_only_calls_of_the_period_are_told_but_sessions_are_traced_back(where: list[str], capsys: Capture) -> None:
    period = ["--start", "2026-01-01T00:00:05Z", "--end", "2026-01-01T00:00:08Z"]

    assert main(["hunt", "timeline", "--principal", "alice", *where, *period, "--json"]) == 0
    assert [at for at, _ in times(capsys)] == [7, 8]


def test_places_may_stand_before_the_word_timeline(where: list[str], capsys: Capture) -> None:
    assert main(["hunt", *where, "timeline", "--principal", "bob", "--json"]) == 0
    assert [at for at, _ in times(capsys)] == [4, 5, 6]


def test_places_before_and_after_the_word_timeline_are_all_read(tmp_path: Path, capsys: Capture) -> None:
    who = {"type": "IAMUser", "userName": "bob", "arn": "arn:aws:iam::111122223333:user/bob"}
    for at, name in enumerate("ab"):
        record = {"eventName": name, "eventID": str(at), "eventTime": f"2026-01-01T00:00:0{at}Z", "userIdentity": who}
        (tmp_path / f"{name}.json").write_text(json.dumps({"Records": [record]}))
    first, second = (["--in", str(tmp_path / f"{name}.json")] for name in "ab")

    for words in ([*first, "timeline", *second], ["timeline", *first, *second], [*first, *second, "timeline"]):
        assert main(["hunt", *words, "--principal", "bob", "--json"]) == 0
        assert [at for at, _ in times(capsys)] == [0, 1], words


def test_the_format_may_stand_before_the_word_timeline(where: list[str], capsys: Capture) -> None:
    assert main(["hunt", "--json", "timeline", "--principal", "bob", *where]) == 0
    assert [at for at, _ in times(capsys)] == [4, 5, 6]


@pytest.mark.parametrize(
    "before",
    [
        ["--history"],
        ["--since-last", "--state", "s"],
        ["--baseline", "3d"],
        ["--rules", "r"],
        ["--format", "ocsf"],
        ["--fail-on", "medium"],
        ["--level", "low"],
    ],
)
def test_what_a_hunt_alone_can_do_is_refused(where: list[str], capsys: Capture, before: list[str]) -> None:
    assert main(["hunt", *before, "timeline", "--principal", "bob", *where]) == 2
    assert "imeline" in capsys.readouterr().err


def test_what_could_not_be_read_makes_exit_3(where: list[str], tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "1.json").write_bytes(b'{"Records": [{"eventName": "Del')

    assert main(["hunt", "timeline", "--principal", "alice", *where]) == 3
    assert capsys.readouterr().out.endswith("There may be more: see above.\n")


def test_a_file_that_could_not_be_read_for_its_sessions_alone_makes_exit_3(
    where: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    failed: list[str] = []

    def read(store: Any, files: Any, decode: Any) -> Iterator[ReadFile]:
        for each in read_files(store, files, decode):
            is_first = each.file.shown_name not in failed
            failed.append(each.file.shown_name)
            yield replace(each, decoded=Events(), problem="it is busy") if is_first else each

    monkeypatch.setattr("verify.hunt.run.read_files", read)

    assert main(["hunt", "timeline", "--principal", "alice", *where]) == 3
    said = capsys.readouterr().out
    assert "some could not be read the first time" in said
    assert said.endswith("There may be more: see above.\n")


def test_of_a_period_it_is_said_that_older_sessions_are_not_known(where: list[str], capsys: Capture) -> None:
    told = "Sessions that were made before what was read are not known"

    assert main(["hunt", "timeline", "--principal", "alice", *where, "--start", "2026-01-01"]) == 0
    assert told in capsys.readouterr().out
    assert main(["hunt", "timeline", "--principal", "alice", *where]) == 0
    assert told not in capsys.readouterr().out


def test_a_session_that_was_made_without_a_key_is_one_all_the_same(tmp_path: Path, capsys: Capture) -> None:
    somebody = {"type": "SAMLUser", "principalId": "provider:carol"}
    records = [assume(1, "ASIA1", somebody), call(2, "DeleteBucket", session("first", "ASIA1"))]
    (tmp_path / "saml.json").write_text(json.dumps({"Records": records}))
    options = ["hunt", "timeline", "--principal", "carol", "--in", str(tmp_path / "saml.json")]

    assert main([*options, "--json"]) == 0
    assert times(capsys) == [(1, ""), (2, "no access key")]
    assert main(options) == 0
    assert "2 calls, with those of 1 sessions that carol made." in capsys.readouterr().out


def test_of_nobody_it_is_said_that_there_is_no_call(where: list[str], capsys: Capture) -> None:
    assert main(["hunt", "timeline", "--principal", "carol", *where]) == 0
    assert "No call of carol is in what was read" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["text", "markdown", "timesketch"])
def test_every_format_has_the_calls_and_no_control_character(tmp_path: Path, capsys: Capture, kind: str) -> None:
    file = tmp_path / "events.json"
    file.write_text(json.dumps([call(1, "DeleteBucket", user("alice"), userAgent="\x1b[31m", sourceIPAddress="\x1b|")]))

    assert main(["hunt", "timeline", "--principal", "alice", "--in", str(file), "--format", kind]) == 0

    said = capsys.readouterr().out
    assert "DeleteBucket" in said and "\x1b" not in said
    if kind == "timesketch":
        assert {"message", "datetime", "timestamp_desc"} <= json.loads(said).keys()


def test_a_file_that_does_not_fit_tells_the_same(tmp_path: Path, capsys: Capture) -> None:
    records = [*RECORDS, call(1, "ListBuckets", {**user("alice"), "accountId": 5})]
    (tmp_path / "odd.json").write_text(json.dumps({"Records": records}))

    assert main(["hunt", "timeline", "--principal", "alice", "--in", str(tmp_path / "odd.json"), "--json"]) == 0
    assert [at for at, _ in times(capsys)] == [1, 2, 3, 7, 8, 9]
