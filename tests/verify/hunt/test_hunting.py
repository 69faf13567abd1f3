"""``verify hunt`` as a command: what it says it has read, its exit codes and its formats."""

import json
import shlex
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.verify.simulation.scenarios import inject_log, rewrite_log, trail
from tests.verify.simulation.trail import Chain, event
from verify.cli import hunt, main
from verify.hunt.events import Events
from verify.hunt.sigma.load import LEVELS
from verify.logs.proof import read_proven
from verify.logs.reading import ReadFile, read_files
from verify.times import iso

Capture = pytest.CaptureFixture[str]
RULE = """\
title: {title}
logsource: {{product: aws, service: {service}}}
detection:
  selection: {{eventName: {name}}}
  condition: selection
level: {level}
"""
HOSTILE = "</script>\x1b[31m|`*"


@pytest.fixture
def rules(tmp_path: Path) -> Callable[..., list[str]]:
    """Writes a rule, and gives the options by which it alone runs."""

    def write(name: str, level: str = "high", service: str = "cloudtrail") -> list[str]:
        text = RULE.format(title=f"Calls of {name}", name=name, level=level, service=service)
        (tmp_path / f"{name}.yml").write_text(text)
        return ["--no-built-in", "--rules", str(tmp_path)]

    return write


def file_of(tmp_path: Path, *names: str, **more: Any) -> list[str]:
    records = [
        {
            "eventName": name,
            "eventSource": "s3.amazonaws.com",
            "eventTime": f"2026-01-01T00:00:{at:02}Z",
            "eventID": str(at),
            "sourceIPAddress": "203.0.113.7",
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/a", "accessKeyId": "AKIAX"},
            **more,
        }
        for at, name in enumerate(names)
    ]
    file = tmp_path / "events.json"
    file.write_text(json.dumps({"Records": records}))
    return ["--in", str(file)]


def test_nothing_found_is_said_of_what_was_read(tmp_path: Path, rules: Any, capsys: Capture) -> None:
    assert main(["hunt", *file_of(tmp_path, "GetBucketAcl"), *rules("DeleteBucket")]) == 0

    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Rests on 1 event of 1 file in 1 file that was named")
    assert said[-1] == "Nothing was found in the 1 event that was read."


@pytest.mark.parametrize(
    ("level", "fail_on", "expected"),
    [("high", "medium", 1), ("high", "high", 1), ("medium", "high", 0), ("low", "medium", 0), ("critical", "low", 1)],
)
def test_a_finding_as_grave_as_fail_on_makes_exit_1(
    tmp_path: Path, rules: Any, level: str, fail_on: str, expected: int
) -> None:
    options = [*file_of(tmp_path, "DeleteBucket"), *rules("DeleteBucket", level), "--fail-on", fail_on]

    assert main(["hunt", *options]) == expected


@pytest.mark.parametrize("kind", ["text", "markdown", "json", "ocsf", "timesketch"])
def test_what_level_hides_is_not_said_to_be_nothing(tmp_path: Path, rules: Any, capsys: Capture, kind: str) -> None:
    options = [*file_of(tmp_path, "DeleteBucket"), *rules("DeleteBucket"), "--level", "critical", "--format", kind]

    assert main(["hunt", *options]) == 1

    said = "".join(capsys.readouterr())
    assert "Nothing was found" not in said
    assert "1 less grave ones are not shown" in said or '"findings_not_shown": 1' in said


def test_a_file_that_cannot_be_read_makes_exit_3(tmp_path: Path, rules: Any, capsys: Capture) -> None:
    options = file_of(tmp_path, "GetBucketAcl")
    (tmp_path / "other.json").write_bytes(b'{"Records": [{"eventName": "Del')

    assert main(["hunt", *options, "--in", str(tmp_path / "other.json"), *rules("DeleteBucket")]) == 3

    said = capsys.readouterr().out
    assert "other.json: it ends in the middle of its records" in said
    assert said.endswith("Nothing was found in what was read; that is not all, see above.\n")


def test_a_rule_that_cannot_run_makes_exit_3_and_is_named(tmp_path: Path, rules: Any, capsys: Capture) -> None:
    options = rules("DeleteBucket")
    rules("CreateProcess", service="sysmon")

    assert main(["hunt", *file_of(tmp_path, "GetBucketAcl"), *options]) == 3
    assert "Calls of CreateProcess" in capsys.readouterr().out
    assert main(["hunt", *file_of(tmp_path, "GetBucketAcl"), *options, "--without", "Calls of CreateProcess"]) == 0
    assert main(["hunt", *file_of(tmp_path, "GetBucketAcl"), *options, "--without", "no such rule"]) == 2


def test_rules_in_a_folder_are_found_whatever_their_names_case_and_folders_not_followed_are_told(
    tmp_path: Path, rules: Any, capsys: Capture
) -> None:
    options = rules("DeleteBucket")
    (tmp_path / "DeleteBucket.yml").rename(tmp_path / "DeleteBucket.YML")
    rules("DeleteTrail")
    file = file_of(tmp_path, "DeleteBucket")
    assert main(["hunt", *file, *options]) == 1

    others = tmp_path / "others"
    others.mkdir()
    (tmp_path / "DeleteBucket.YML").rename(others / "DeleteBucket.yml")
    (tmp_path / "here").mkdir()
    (tmp_path / "DeleteTrail.yml").rename(tmp_path / "here" / "DeleteTrail.yml")
    (tmp_path / "here" / "link").symlink_to(others)
    capsys.readouterr()
    assert main(["hunt", *file, "--no-built-in", "--rules", str(tmp_path / "here")]) == 3
    assert "link to a folder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "rule", "why"),
    [
        (["GetBucketAcl"], "GetObject", "no data event of s3.amazonaws.com was among what was read"),
        (["DeleteBucket"], "ListUsers", "no call that only reads was among what was read"),
        (["GetBucketAcl", "PutObject"], "GetObject", ""),
        (["GetBucketAcl"], "ListUsers", ""),
        # A part of the rule's events could be seen, and a part not.
        (["GetBucketAcl"], "[PutBucketAcl, PutObjectAcl]", "no data event of s3.amazonaws.com was among what was read"),
        (["DeleteBucket"], "[ListUsers, CreateUser]", "no call that only reads was among what was read"),
        (["GetBucketAcl"], "PutObject*", "no data event of s3.amazonaws.com was among what was read"),
        (
            ["GetBucketAcl", "GetObject"],
            "[PutObject, PutItem]",
            "no data event of dynamodb.amazonaws.com was among what was read",
        ),
        # Other calls of the service are no data events.
        (["GetBucketAcl"], "PutBucketA*", ""),
        (["GetBucketAcl"], "[PutBucketAcl, '*Logging*']", ""),
    ],
)
def test_a_rule_whose_events_the_trail_does_not_record_makes_exit_3(
    tmp_path: Path, rules: Any, capsys: Capture, names: list[str], rule: str, why: str
) -> None:
    assert main(["hunt", *file_of(tmp_path, *names), *rules(rule), "--json"]) == (3 if why else 0)

    found = json.loads(capsys.readouterr().out)
    assert found["rules_without_events"] == ([{"rule": f"Calls of {rule}", "why": why}] if why else [])


@pytest.mark.parametrize(("how", "name"), [("re", "^PutObjectA"), ("cased", "PutObjectAcl")])
def test_a_rule_that_tells_upper_from_lower_case_asks_for_data_events_as_well(
    tmp_path: Path, rules: Any, capsys: Capture, how: str, name: str
) -> None:
    options = rules(name)
    (file,) = tmp_path.glob("*.yml")
    file.write_text(file.read_text().replace("eventName:", f"eventName|{how}:"))

    assert main(["hunt", *file_of(tmp_path, "GetBucketAcl"), *options]) == 3
    assert "no data event of s3.amazonaws.com was among what was read" in capsys.readouterr().out
    assert main(["hunt", *file_of(tmp_path, "GetBucketAcl", "GetObject"), *options]) == 0


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ('{"name": {"key": "x"}}', 1),
        (r'{"na\u006de": {"\u006bey": "x"}}', 1),
        (r'{"name": [{"other": "\""}, {"key": "x"}]}', 1),
        ('{"name.key": "x"}', 1),
        ('{"name": {"Key": "x"}}', 0),
        ('{"name": "key"}', 0),
        ("null", 0),
    ],
)
def test_a_field_below_the_request_is_found_however_its_name_is_written(
    tmp_path: Path, rules: Any, asked: str, expected: int
) -> None:
    options = rules("DeleteBucket")
    (rule,) = tmp_path.glob("*.yml")
    rule.write_text(rule.read_text().replace("{eventName:", "{requestParameters.name.key: x, eventName:"))
    file = file_of(tmp_path, "DeleteBucket", requestParameters="HERE")
    text = (tmp_path / "events.json").read_text()
    (tmp_path / "events.json").write_text(text.replace('"HERE"', asked))

    assert main(["hunt", *file, *options]) == expected


def test_events_outside_the_period_are_not_looked_at(tmp_path: Path, rules: Any) -> None:
    options = [*file_of(tmp_path, "DeleteBucket"), *rules("DeleteBucket")]

    assert main(["hunt", *options, "--start", "2026-01-01", "--end", "2026-01-01"]) == 1
    # Nothing of those days was read: that is no evidence that nothing happened.
    assert main(["hunt", *options, "--start", "2026-01-02", "--end", "2026-01-03"]) == 3


@pytest.mark.parametrize(
    "time", ["2026-01-01T00:00:00.5Z", "2026-01-01 00:00:00", "2026-01-01T01:00:00+01:00", "2025-12-31T23:59:59-01:00"]
)
def test_an_event_is_of_the_period_however_its_time_is_written(tmp_path: Path, rules: Any, time: str) -> None:
    options = [*file_of(tmp_path, "DeleteBucket", eventTime=time), *rules("DeleteBucket")]

    assert main(["hunt", *options, "--start", "2026-01-01", "--end", "2026-01-01"]) == 1


@pytest.mark.parametrize("time", ["yesterday", "1767225600", 1767225600, "2026-99-99T00:00:00Z", None])
def test_an_event_of_which_nobody_knows_the_time_is_never_passed_over(tmp_path: Path, rules: Any, time: Any) -> None:
    options = [*file_of(tmp_path, "DeleteBucket", eventTime=time), *rules("DeleteBucket")]

    assert main(["hunt", *options, "--start", "2026-01-01", "--end", "2026-01-01"]) in (1, 3)


@pytest.mark.parametrize(
    "content",
    [
        {"Records": []},
        [],
        {"Records": [{"s3": {"bucket": {"name": "a"}}}]},
        {"Events": [{"EventName": "DeleteBucket"}]},
        {"records": [{"eventName": "DeleteBucket"}]},
        {"digestEndTime": "2026-01-01T00:00:00Z", "logFiles": []},
        {"Records": [{"eventID": "1", "eventName": None}]},
        {"Records": [{"eventID": "1", "eventName": 5}]},
    ],
)
def test_a_file_without_events_shows_nothing(tmp_path: Path, rules: Any, capsys: Capture, content: Any) -> None:
    (tmp_path / "file.json").write_text(json.dumps(content))

    assert main(["hunt", "--in", str(tmp_path / "file.json"), *rules("DeleteBucket")]) == 3
    said = capsys.readouterr().out
    assert any(why in said for why in ("No event was among", "Some records do not name a call"))


@pytest.mark.parametrize("between", ["", "\n", " ", "\ufeff"])
def test_records_after_the_end_of_the_records_are_not_lost_silently(
    tmp_path: Path, rules: Any, capsys: Capture, between: str
) -> None:
    file_of(tmp_path, "GetBucketAcl")
    first = (tmp_path / "events.json").read_text()
    file_of(tmp_path, "DeleteBucket")
    file = tmp_path / "both.json"
    file.write_text(first + between + (tmp_path / "events.json").read_text())

    assert main(["hunt", "--in", str(file), *rules("DeleteBucket")]) in (1, 3)
    assert "Nothing was found in the " not in capsys.readouterr().out


def test_json_says_everything(tmp_path: Path, rules: Any, capsys: Capture) -> None:
    options = file_of(tmp_path, "DeleteBucket", "DeleteBucket", requestParameters={"bucketName": HOSTILE})

    assert main(["hunt", *options, *rules("DeleteBucket"), "--format", "json"]) == 1

    found = json.loads(capsys.readouterr().out)
    (finding,) = found["findings"]
    assert (found["exit_code"], found["basis"]["events"], found["rules"]) == (1, 2, 1)
    assert (finding["event_ids"], finding["events"], finding["severity"]) == (["0", "1"], 2, "high")
    assert (finding["principal"], finding["addresses"]) == ("arn:aws:iam::111122223333:user/a", ["203.0.113.7"])
    assert found["incidents"][0]["findings"] == [0]
    assert HOSTILE[1:8] in finding["asked"]


def test_the_query_of_a_finding_finds_its_events(tmp_path: Path, rules: Any, capsys: Capture) -> None:
    options = file_of(tmp_path, "DeleteBucket", "ListBuckets")
    main(["hunt", *options, *rules("DeleteBucket"), "--format", "json"])
    (finding,) = json.loads(capsys.readouterr().out)["findings"]

    words = finding["query"].split()
    assert words[:4] == ["python", "-m", "verify", "logs"]
    main([*words[3:], "--format", "jsonl"])
    assert "DeleteBucket" in [json.loads(line)["eventName"] for line in capsys.readouterr().out.splitlines()]


def test_the_query_of_a_finding_asks_whom_the_hunt_asked(tmp_path: Path, rules: Any, capsys: Capture) -> None:
    whom = ["--profile", "audit", "--endpoint-url", "http://127.0.0.1:9"]
    main(["hunt", *file_of(tmp_path, "DeleteBucket"), *rules("DeleteBucket"), *whom, "--format", "json"])
    (finding,) = json.loads(capsys.readouterr().out)["findings"]

    assert shlex.join(whom) in finding["query"]


@pytest.mark.parametrize("kind", ["text", "markdown", "ocsf", "timesketch"])
def test_no_format_lets_an_event_write_to_the_terminal(tmp_path: Path, rules: Any, capsys: Capture, kind: str) -> None:
    options = file_of(tmp_path, "DeleteBucket", userAgent=HOSTILE, requestParameters={"a": HOSTILE})

    assert main(["hunt", *options, *rules("DeleteBucket"), "--format", kind]) == 1

    said = capsys.readouterr().out
    assert "\x1b" not in said and "Calls of DeleteBucket" in said
    if kind == "markdown":
        assert "</script>" not in said


def test_ocsf_and_timesketch_have_what_they_need(tmp_path: Path, rules: Any, capsys: Capture) -> None:
    options = [*file_of(tmp_path, "DeleteBucket"), *rules("DeleteBucket")]

    main(["hunt", *options, "--format", "ocsf"])
    (finding,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert {
        "activity_id",
        "category_uid",
        "class_uid",
        "finding_info",
        "metadata",
        "severity_id",
        "time",
        "type_uid",
    } <= (finding.keys())
    assert (finding["class_uid"], finding["type_uid"], finding["severity_id"]) == (2004, 200401, 4)
    main(["hunt", *options, "--format", "timesketch"])
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert {"message", "datetime", "timestamp_desc"} <= line.keys()


def test_a_rule_is_explained(capsys: Capture) -> None:
    assert main(["hunt", "--explain", "cloudtrail is stopped or deleted"]) == 0

    said = capsys.readouterr().out
    assert "StopLogging" in said and "ATTACK.T1562.008" in said.upper()
    assert main(["hunt", "--explain", "no such rule"]) == 2


def test_a_rule_is_explained_to_a_program(rules: Any, capsys: Capture) -> None:
    assert main(["hunt", "--explain", "Root is used", "--json"]) == 0
    (rule,) = json.loads(capsys.readouterr().out)["rules"]
    assert (rule["severity"], rule["tags"]) == ("medium", ["attack.t1078.004"])
    assert rule["next_steps"] and "title: Root is used" in rule["file_text"]

    options = rules("CreateProcess", service="sysmon")
    assert main(["hunt", *options, "--explain", "Calls of CreateProcess", "--json"]) == 0
    (problem,) = json.loads(capsys.readouterr().out)["rules_not_run"]
    assert "other logs" in problem["why"]
    assert main(["hunt", "--explain", "Root is used", "--format", "ocsf"]) == 2


@pytest.mark.parametrize("options", [["--in", "s3://logs"], ["--bucket", "logs"]])
def test_the_iam_policy_is_that_of_reading_the_files(capsys: Capture, options: list[str]) -> None:
    assert main(["hunt", *options, "--print-iam-policy"]) == 0
    policy = json.loads(capsys.readouterr().out)

    assert main(["logs", "stats", *options, "--print-iam-policy"]) == 0
    assert json.loads(capsys.readouterr().out) == policy
    assert "arn:aws:s3:::logs/*" in json.dumps(policy)


def test_the_examples_of_the_help_explain_a_rule_that_there_is(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["hunt", "--help"])
    examples = [line for line in capsys.readouterr().out.splitlines() if "python -m" in line and "--explain" in line]

    assert examples
    for example in examples:
        assert main(shlex.split(example)[3:]) == 0, example


# ---- the trail's bucket ----------------------------------------------------------------------------------------------


@pytest.fixture
def chain(serve_chain: Callable[[Chain], Chain], monkeypatch: pytest.MonkeyPatch) -> Chain:
    built = trail(6)
    built.log(built.at - timedelta(minutes=5), event("StopLogging", built.at - timedelta(minutes=10)))
    served = serve_chain(built)
    monkeypatch.setattr("verify.cli.hunt.now", lambda: served.at + timedelta(minutes=30))
    return served


def ask(chain: Chain, *options: str) -> int:
    times = ["--start", iso(chain.hours[0].start), "--end", iso(chain.at)]
    return main(["hunt", *times, "--format", "json", *options])


@pytest.mark.regular
def test_a_log_file_that_a_digest_lists_and_that_is_gone_is_a_finding(chain: Chain, capsys: Capture) -> None:
    chain.aws.delete(chain.hours[2].logs[0])

    assert ask(chain) == 1

    found = json.loads(capsys.readouterr().out)
    assert [each["rule"] for each in found["findings"]] == ["Log files are missing", "CloudTrail is stopped or deleted"]
    assert str(chain.hours[2].logs[0].key) in found["findings"][0]["asked"]


@pytest.mark.regular
def test_missing_log_files_are_told_whatever_rules_run(chain: Chain, capsys: Capture, rules: Any) -> None:
    chain.aws.delete(chain.hours[2].logs[0])

    assert ask(chain, *rules("DeleteTrail")) == 1
    assert [each["rule"] for each in json.loads(capsys.readouterr().out)["findings"]] == ["Log files are missing"]
    assert ask(chain, "--without", "Log files are missing") == 2


@pytest.mark.regular
def test_of_the_proven_files_alone_an_altered_one_is_left_out(chain: Chain, capsys: Capture, rules: Any) -> None:
    only = rules("PutEventSelectors")
    assert ask(chain, "--proven-only", *only) == 3  # the last file is not signed for yet
    before = json.loads(capsys.readouterr().out)
    rewrite_log(chain)
    inject_log(chain)

    assert ask(chain, "--proven-only", *only) == 3

    after = json.loads(capsys.readouterr().out)
    assert before["basis"]["proven_only"] is after["basis"]["proven_only"] is True
    assert after["basis"]["events"] == before["basis"]["events"] - 1
    assert any("does not have the hash" in hole for hole in after["basis"]["holes"])


@pytest.mark.regular
def test_a_proven_file_that_is_another_one_when_it_is_read_again_is_left_out_and_told(
    chain: Chain, capsys: Capture, rules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = rules("PutEventSelectors")
    ask(chain, "--proven-only", *only)
    before = json.loads(capsys.readouterr().out)["basis"]

    def after_a_change(*asked: Any, **more: Any) -> Any:
        rewrite_log(chain)
        return read_files(*asked, **more)

    monkeypatch.setattr("verify.hunt.run.read_files", after_a_change)
    assert ask(chain, "--proven-only", *only) == 3

    after = json.loads(capsys.readouterr().out)["basis"]
    assert after["events"] == before["events"] - 1
    assert any("were others" in hole for hole in after["holes"])


@pytest.mark.regular
def test_of_files_that_are_not_judged_yet_no_event_is_kept(
    chain: Chain, rules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[ReadFile] = []

    def noting(ready: Any, decode: Any, on_read: Callable[[ReadFile], int]) -> Any:
        def note(read: ReadFile) -> int:
            judged.append(read)
            return on_read(read)

        return read_proven(ready, decode, note)

    monkeypatch.setattr("verify.hunt.run.read_proven", noting)
    ask(chain, "--proven-only", *rules("PutEventSelectors"))

    assert sum(read.decoded.events for read in judged) > 0
    assert all(not kept_events(read) for read in judged)


def kept_events(read: ReadFile) -> list[Any]:
    assert isinstance(read.decoded, Events)
    return [*read.decoded.light, *read.decoded.records]


def test_the_levels_of_the_command_line_are_those_of_rules() -> None:
    assert hunt._LEVELS == LEVELS
