"""``check`` and ``score`` as people run them, against an AWS that refuses, garbles or is not there."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.verify.simulation.refusing_aws import RefusingAws, serve
from verify.aws import iam_action
from verify.cli import main
from verify.posture.check import CHECKS, needed_permissions
from verify.posture.score.collect import PERMISSIONS
from verify.posture.who.run import PERMISSIONS as WHO_PERMISSIONS

pytestmark = [pytest.mark.regular, pytest.mark.usefixtures("clean_aws_environment")]

Output = pytest.CaptureFixture[str]
COMMANDS = ["check", "score"]


def run(aws: RefusingAws, *arguments: str) -> int:
    return main([*arguments, "--region", "us-east-1", "--endpoint-url", aws.url])


def results(capsys: Output) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("denies_caller", [False, True], ids=["as on AWS", "who am I included"])
def test_when_everything_is_denied_every_check_is_unknown_and_names_its_permission(
    capsys: Output, *, denies_caller: bool
) -> None:
    with serve(RefusingAws("AccessDenied", denies_caller=denies_caller)) as aws:
        assert run(aws, "check", "--json") == 3
    report = results(capsys)
    assert [result["status"] for result in report["results"]] == ["UNKNOWN"] * len(CHECKS)
    named = {result["actual"].removesuffix(" is denied") for result in report["results"]}
    assert named <= {*needed_permissions(), "sts:GetCallerIdentity"}
    assert all(result["permissions"] or "DescribeTrails" in result["actual"] for result in report["results"])
    assert "cloudformation:DescribeStacks is denied" in report["notices"][0]
    assert report["endpoint"] == aws.url


def test_when_everything_is_denied_who_can_blind_the_trail_is_not_known(capsys: Output) -> None:
    with serve(RefusingAws("AccessDenied")) as aws:
        assert run(aws, "check", "--who", "--json") == 3
    report = results(capsys)
    assert (report["results"][-1]["group"], report["results"][-1]["status"]) == ("who", "UNKNOWN")
    assert report["who"]["exit_code"] == 3
    assert "cloudtrail:DescribeTrails is denied" in report["who"]["unseen"][0]


def test_those_who_are_meant_to_be_able_are_named_for_who_alone(capsys: Output, tmp_path: Path) -> None:
    assert main(["check", "--expected", str(tmp_path / "file"), "--region", "us-east-1"]) == 2
    assert "give --who with it" in capsys.readouterr().err


def test_a_file_that_is_no_list_of_identities_is_refused_before_aws_is_asked(capsys: Output, tmp_path: Path) -> None:
    file = tmp_path / "expected.txt"
    file.write_text("everybody")
    with serve(RefusingAws("AccessDenied")) as aws:
        assert run(aws, "check", "--who", "--expected", str(file)) == 2
        assert aws.services == set()
    assert "is no identity" in capsys.readouterr().err


def test_the_iam_policy_of_a_check_with_who_has_what_both_need(capsys: Output) -> None:
    assert main(["check", "--who", "--print-iam-policy"]) == 0
    (statement,) = results(capsys)["Statement"]
    assert set(statement["Action"]) == {*needed_permissions(), *WHO_PERMISSIONS}


def test_when_everything_is_denied_the_score_is_nothing_to_everything(capsys: Output) -> None:
    with serve(RefusingAws("AccessDenied")) as aws:
        assert run(aws, "score", "--json") == 3
        score = results(capsys)
        assert score["score"] == {"low": 0, "high": 100, "of": 100}
        actual = {item["actual"].removesuffix(" is denied") for p in score["pillars"] for item in p["items"]}
        assert actual < set(PERMISSIONS)
        assert run(aws, "score", "--fail-under", "1") == 3
        assert run(aws, "score", "--fail-under", "0") == 3
        assert "Score: 0–100 of 100" in capsys.readouterr().out  # noqa: RUF001 (a range)


@pytest.mark.parametrize("code", ["UnknownOperationException", ""])
def test_a_service_that_the_endpoint_lacks_is_unknown_and_nobodys_failure(capsys: Output, code: str) -> None:
    with serve(RefusingAws(code, status=400)) as aws:
        assert run(aws, "score", "--json") == 3
        assert {item["status"] for p in results(capsys)["pillars"] for item in p["items"]} == {"UNKNOWN"}
        assert run(aws, "check", "--json") == 3
        assert {result["status"] for result in results(capsys)["results"]} == {"UNKNOWN"}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("garbage", [b"<html>hello</html>", b"\x00\xff<<<", b"<a><b/></a>"])
def test_a_garbled_answer_is_one_line_and_no_traceback(capsys: Output, command: str, garbage: bytes) -> None:
    with serve(RefusingAws("", garbage=garbage)) as aws:
        assert run(aws, command) == 3
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"])
def test_bad_credentials_are_one_line(capsys: Output, command: str, code: str) -> None:
    with serve(RefusingAws(code, denies_caller=True)) as aws:
        assert run(aws, command) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert code in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_port_is_one_line_and_soon(capsys: Output, command: str) -> None:
    with socket.socket() as closed:  # nobody listens on its port, and nobody else gets it meanwhile
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        before = time.monotonic()
        assert main([command, "--region", "us-east-1", "--endpoint-url", url]) == 3
        assert time.monotonic() - before < 30
    printed = capsys.readouterr()
    assert url in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--profile", "nope", "--region", "us-east-1"], {}, "nope"),
        (["--region", "us-east-1"], {"AWS_PROFILE": "nope"}, "nope"),
        ([], {}, "No AWS region"),
        (["--region", "not a region"], {}, "not a region"),
        (["--region", "us-east-1", "--endpoint-url", "here"], {}, "here"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    arguments: list[str],
    environment: dict[str, str],
    words: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main([command, *arguments]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("command", [*COMMANDS, "events", "detective", "integrity"])
def test_a_region_that_is_none_is_wrong_usage_even_with_an_endpoint(capsys: Output, command: str) -> None:
    assert main([command, "--region", "nowhere", "--endpoint-url", "http://127.0.0.1:9"]) == 2
    assert "'nowhere' is not an AWS region" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        *([command, "--region", "eu-west-9"] for command in (*COMMANDS, "who", "events", "detective", "integrity")),
        # A region that some of the files are of, where the trail's name says in which region to ask.
        ["integrity", "--trail", "arn:aws:cloudtrail:eu-west-9:123456789012:trail/t"],
        ["integrity", "--trail", "arn:aws:cloudtrail:eu-west-1:123456789012:trail/t", "--region", "eu-west-9"],
    ],
    ids=" ".join,
)
def test_a_region_that_could_be_one_and_is_none_is_refused_before_aws_is_asked(
    capsys: Output, arguments: list[str]
) -> None:
    with serve(RefusingAws("AccessDenied")) as aws:
        assert main([*arguments, "--endpoint-url", aws.url]) == 2
        assert aws.services == set()
    assert "There is no region 'eu-west-9'" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_no_credentials_are_one_line(capsys: Output, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert main([command, "--region", "us-east-1", "--endpoint-url", "http://127.0.0.1:9"]) == 3
    assert "aws configure" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_the_iam_policy_is_printed_without_asking_anybody(capsys: Output, command: str) -> None:
    assert main([command, "--print-iam-policy"]) == 0
    (statement,) = results(capsys)["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Action"] == sorted(needed_permissions() if command == "check" else PERMISSIONS)


@pytest.mark.parametrize(
    ("arguments", "actions"),
    [
        (["events"], ["cloudtrail:LookupEvents"]),
        (["events", "--all-regions"], ["cloudtrail:LookupEvents", "ec2:DescribeRegions"]),
        (["detective"], ["cloudtrail:LookupEvents"]),
    ],
)
def test_every_command_prints_what_it_needs_itself(capsys: Output, arguments: list[str], actions: list[str]) -> None:
    assert main([*arguments, "--print-iam-policy"]) == 0
    assert [entry["Action"] for entry in results(capsys)["Statement"]] == [actions]


def test_what_the_options_name_is_what_the_policy_is_bound_to(capsys: Output) -> None:
    trail = "arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/mine"
    key = "arn:aws-cn:kms:cn-north-1:111122223333:key/1"
    options = ["--trail", trail, "--bucket", "logs", "--key", key]

    assert main(["check", *options, "--print-iam-policy"]) == 0

    actions = {entry["Resource"]: entry["Action"] for entry in results(capsys)["Statement"]}
    points = "arn:aws-cn:s3:*:*:accesspoint/*"
    trails = "arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/*"
    assert sorted(actions) == sorted(["*", trails, key, "arn:aws-cn:s3:::logs", points])
    assert actions["*"] == [
        "cloudformation:DescribeStacks",
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetResourcePolicy",
        "cloudtrail:ListEventDataStores",
        "cloudtrail:LookupEvents",
        "logs:DescribeAccountPolicies",
        "logs:DescribeSubscriptionFilters",
        "organizations:DescribeOrganization",
        "s3:GetAccountPublicAccessBlock",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketPolicy",
        "s3:GetMultiRegionAccessPointPolicy",
        "s3:ListAccessGrants",
        "s3:ListAccessGrantsInstances",
        "s3:ListAccessPoints",
        "s3:ListAllMyBuckets",
        "s3:ListMultiRegionAccessPoints",
    ]
    assert sorted(action for group in actions.values() for action in group) == sorted(needed_permissions())


@pytest.mark.parametrize("points", ["-1", "101", "x", "1.5", ""])
def test_a_threshold_is_a_number_of_points(capsys: Output, points: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["score", "--fail-under", points])
    assert stop.value.code == 2
    assert "from 0 to 100" in capsys.readouterr().err


def test_what_aws_says_cannot_take_over_the_terminal(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(RefusingAws("Odd", status=400)) as aws:
        for terminal in ("", "1"):
            monkeypatch.setenv("FORCE_COLOR", terminal)
            assert run(aws, "check", "--trail", "t\x1b]0;x\x07[red]") == 3
            printed = capsys.readouterr().out
            assert "\x1b]" not in printed
            assert "\x07" not in printed
            assert "[bold]you[/bold]" in printed.replace("\n", "")


def test_a_check_for_a_program_does_not_load_what_only_people_need() -> None:
    program = (
        "import sys; from verify.cli import main; main(['check', '--json', '--region', 'us-east-1']); "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'rich'}))"
    )
    with serve(RefusingAws("AccessDenied")) as aws:
        environment = {**os.environ, "AWS_ENDPOINT_URL": aws.url}
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_stops_at_once_though_aws_does_not_answer(command: str) -> None:
    # A test run in the background hands down an ignored SIGINT.
    program = (
        "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "sys.argv[0] = 'verify'; runpy.run_module('verify', run_name='__main__')"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        arguments = [command, "--region", "us-east-1", "--endpoint-url", url]
        with (
            subprocess.Popen([sys.executable, "-c", program, *arguments], stderr=subprocess.PIPE, text=True) as process,
            silent.accept()[0],
        ):
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "stopped.\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(capsys: Output, command: str) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    printed = capsys.readouterr().out
    assert "examples:" in printed
    assert "exit codes:" in printed


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("s3", "HeadBucket", "s3:ListBucket"),
        ("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("s3control", "GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock"),
        ("accessanalyzer", "ListAnalyzers", "access-analyzer:ListAnalyzers"),
        ("cloudtrail", "GetTrailStatus", "cloudtrail:GetTrailStatus"),
    ],
)
def test_permissions_have_iams_names(service: str, operation: str, action: str) -> None:
    assert iam_action(service, operation) == action
