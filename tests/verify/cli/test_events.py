from __future__ import annotations

import json
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.verify.simulation.aws_double import AwsDouble, record
from verify.cli import main

NOW = datetime.now(UTC).replace(microsecond=0)
pytestmark = pytest.mark.usefixtures("fast_rate")

Output = pytest.CaptureFixture[str]


def ago(seconds: float, name: str = "ListBuckets", **changes: Any) -> dict[str, Any]:
    return record(name, NOW - timedelta(seconds=seconds), **changes)


def test_a_pipe_gets_one_tab_separated_line_an_event(aws: AwsDouble, capsys: Output) -> None:
    aws.add("us-east-1", ago(60, errorCode="AccessDenied"), ago(3600, "PutBucketPolicy"))
    assert main(["events"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "time\tevent\tsource\tuser\tregion\tip\terror",
        f"{ago(60)['eventTime']}\tListBuckets\ts3\tlearner\tus-east-1\t203.0.113.7\tAccessDenied",
        f"{ago(3600)['eventTime']}\tPutBucketPolicy\ts3\tlearner\tus-east-1\t203.0.113.7\t",
    ]
    only = "Only us-east-1 was searched. Events of other regions: --all-regions."
    assert printed.err == f"Endpoint: {aws.url} (not AWS)\n{only}\n"


def test_a_terminal_gets_a_table(aws: AwsDouble, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    aws.add("us-east-1", ago(60, "[bold]ListBuckets[/bold] :bomb:"))
    assert main(["events"]) == 0
    printed = capsys.readouterr().out
    assert "─" in printed
    assert "[bold]ListBuckets[/bold] :bomb:" in printed, "data does not format itself"


def test_json_is_a_list_of_the_full_events(aws: AwsDouble, capsys: Output) -> None:
    events = [ago(number) for number in range(60)]
    aws.add("us-east-1", *events)
    assert main(["events", "--json", "--limit", "0"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == events
    assert len(printed.splitlines()) == 62
    assert printed.isascii()


@pytest.mark.parametrize("limit", ["1", "50"])
def test_a_full_list_says_that_there_may_be_more(aws: AwsDouble, capsys: Output, limit: str) -> None:
    aws.add("us-east-1", *(ago(number) for number in range(51)))
    assert main(["events", "--limit", limit, "--json"]) == 0
    printed = capsys.readouterr()
    assert len(json.loads(printed.out)) == int(limit)
    assert "--limit 0" in printed.err


def test_every_filter_reaches_aws_or_is_applied_here(aws: AwsDouble, capsys: Output) -> None:
    wanted = ago(10, "PutBucketPolicy", readOnly=False)
    aws.add("us-east-1", wanted, ago(20), ago(30, "PutBucketPolicy"), ago(99_999, "PutBucketPolicy", readOnly=False))
    options = ["--name", "PutBucketPolicy", "--source", "s3", "--user", "learner", "--access-key", "AKIAEXAMPLE"]
    options += ["--region", "us-east-1"]
    assert main(["events", *options, "--write-only", "--since", "2h", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [wanted]
    request = aws.lookups[0][2]
    assert request["LookupAttributes"] == [{"AttributeKey": "AccessKeyId", "AttributeValue": "AKIAEXAMPLE"}]
    assert abs(request["StartTime"] - (time.time() - 7200)) < 30


def test_an_empty_history_says_why_it_may_be_empty(aws: AwsDouble, capsys: Output) -> None:
    assert main(["events", "--name", "NoSuchCall"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "15 minutes" in printed.err
    assert "match exactly, upper and lower case included" in printed.err
    assert main(["events", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert aws.lookups


def test_all_regions_are_searched_and_a_denied_one_is_exit_3(aws: AwsDouble, capsys: Output) -> None:
    aws.regions = ("eu-west-1", "us-east-1", "us-west-2", "ap-south-1")
    aws.denied_regions = {"eu-west-1"}
    aws.add("us-east-1", ago(1))
    aws.add("us-west-2", ago(2))
    assert main(["events", "--all-regions", "--json"]) == 3
    printed = capsys.readouterr()
    assert [event["awsRegion"] for event in json.loads(printed.out)] == ["us-east-1", "us-west-2"]
    assert printed.err.splitlines()[1:] == [
        "error: eu-west-1: cloudtrail:LookupEvents is denied: not you, in eu-west-1"
    ]


def test_a_denied_lookup_is_no_empty_history(aws: AwsDouble, capsys: Output) -> None:
    aws.denied_regions = {"us-east-1"}
    assert main(["events"]) == 3
    printed = capsys.readouterr()
    assert "cloudtrail:LookupEvents is denied" in printed.err
    assert "No event matches" not in printed.err
    assert "was searched" not in printed.err


def test_whom_the_history_is_denied_is_told_of_the_log_files(aws: AwsDouble, capsys: Output) -> None:
    aws.denied_regions = {"us-east-1"}

    assert main(["events", "--name", "ConsoleLogin"]) == 3

    told = capsys.readouterr().err
    assert "python -m verify logs show --event ConsoleLogin --since 90d" in told
    assert "was searched" not in told


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--since", "2y"], "--since '2y' is not a duration. Allowed:"),
        (["--start", "tomorrow"], "--start 'tomorrow' is not a moment. Allowed:"),
        (["--since", "2026-02-01"], "Fix: --start 2026-02-01"),
        (["--start", "90min"], "Fix: --since 90min"),
        (["--start", "2999-01-01"], "in the future"),
        (["--start", "2026-02-02", "--end", "2026-02-01"], "after its end"),
        (["--user", ""], "--user is empty."),
    ],
)
def test_bad_input_is_one_line_and_exit_2_before_anything_is_asked(
    aws: AwsDouble, capsys: Output, options: list[str], complaint: str
) -> None:
    assert main(["events", *options]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert len(error.splitlines()) == 1
    assert not aws.lookups


@pytest.mark.parametrize("options", [["--limit", "-1"], ["--limit", "many"], ["--read-only", "--write-only"]])
def test_options_that_cannot_be_are_exit_2(capsys: Output, options: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["events", *options])
    assert "error: argument" in capsys.readouterr().err


def test_ctrl_c_prints_what_was_found_so_far_as_whole_json(aws: AwsDouble, capsys: Output) -> None:
    aws.add("us-east-1", *(ago(number) for number in range(500)))
    main_thread = threading.get_ident()

    def interrupt_at_the_second_page() -> None:
        if len(aws.lookups) == 2:
            # As the kernel does for Ctrl-C: a signal that another thread takes does not end the main one's waiting.
            signal.pthread_kill(main_thread, signal.SIGINT)

    aws.on_lookup = interrupt_at_the_second_page
    assert main(["events", "--limit", "0", "--json"]) == 130
    printed = capsys.readouterr()
    assert 50 <= len(json.loads(printed.out)) < 500
    assert "stopped" in printed.err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_help_tells_what_the_history_does_not_hold(capsys: Output) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["events", "--help"])
    printed = capsys.readouterr().out
    for fact in ("90 days", "management events", "GetObject", "15 minutes", "us-east-1"):
        assert fact in printed


@pytest.mark.usefixtures("aws")
def test_a_data_event_is_looked_for_in_the_log_files(capsys: Output) -> None:
    assert main(["events", "--name", "GetObject", "--role", "web", "--since", "2d", "--region", "us-east-1"]) == 3

    told = capsys.readouterr().err
    assert "GetObject of S3 is a data event" in told
    assert "python -m verify logs show --event GetObject --role web --since 2d" in told


@pytest.mark.usefixtures("aws")
def test_what_is_older_than_the_history_is_looked_for_in_the_log_files(capsys: Output) -> None:
    assert main(["events", "--user", "alice", "--since", "200d", "--region", "us-east-1"]) == 3
    assert "python -m verify logs show --user alice --since 200d" in capsys.readouterr().err

    assert main(["events", "--start", "2020-01-01", "--end", "2020-01-02"]) == 2
    assert "python -m verify logs show --start 2020-01-01 --end 2020-01-02" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 0),
        (("--user", "learner"), 3),
        (("--access-key", "AKIAEXAMPLE"), 3),
        (("--user", "learner", "--region", "us-east-1"), 0),
    ],
)
def test_other_regions_are_not_left_out_in_silence(
    options: tuple[str, ...], code: int, aws: AwsDouble, capsys: Output
) -> None:
    aws.add("us-east-1", ago(60))

    assert main(["events", *options]) == code

    told = capsys.readouterr().err
    assert "Only us-east-1 was searched. Events of other regions: --all-regions." in told
    asked = [option for option in options if "region" not in option and option != "us-east-1"]
    assert not asked or f"python -m verify logs show {' '.join(asked)} --since 90d" in told


def test_of_all_regions_nothing_is_left_out(aws: AwsDouble, capsys: Output) -> None:
    aws.regions = ("eu-west-1", "us-east-1")
    aws.add("us-east-1", ago(60))
    aws.add("eu-west-1", ago(50))

    assert main(["events", "--user", "learner", "--all-regions", "--json"]) == 0

    printed = capsys.readouterr()
    assert len(json.loads(printed.out)) == 2
    assert "Only" not in printed.err


ROLE = {"type": "Role", "userName": "web", "arn": "arn:aws:iam::111122223333:role/web"}


@pytest.mark.parametrize(
    "options", [("--ip", "198.51.100.9"), ("--error", "AccessDenied"), ("--role", "web"), ("--role", ROLE["arn"])]
)
def test_what_aws_cannot_look_up_is_filtered_here(options: tuple[str, str], aws: AwsDouble, capsys: Output) -> None:
    wanted = ago(
        60,
        sourceIPAddress="198.51.100.9",
        errorCode="AccessDenied",
        userIdentity={"type": "AssumedRole", "sessionContext": {"sessionIssuer": ROLE}},
    )
    aws.add("us-east-1", wanted, ago(90))

    assert main(["events", *options, "--region", "us-east-1", "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == [wanted]
