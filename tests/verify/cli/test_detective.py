from __future__ import annotations

import json
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.verify.simulation.aws_double import ACCOUNT, AwsDouble, record
from verify.cli import main

pytestmark = [pytest.mark.regular, pytest.mark.usefixtures("fast_rate")]
Output = pytest.CaptureFixture[str]
NAMES = ["ListBuckets", "DescribeInstances", "ListUsers", "DescribeSecurityGroups"]


def role_record(session: str, hours_ago: float) -> dict[str, Any]:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/app-WAF-Role/{session}"
    identity = {"type": "AssumedRole", "arn": arn, "accessKeyId": "ASIAEXAMPLE"}
    return record("ListBuckets", datetime.now(UTC) - timedelta(hours=hours_ago), userIdentity=identity)


def test_all_four_calls_are_found_and_shown_with_who_where_when_and_what(aws: AwsDouble, capsys: Output) -> None:
    assert main(["detective", "--timeout", "20s", "--poll", "1s"]) == 0
    printed = capsys.readouterr().out
    assert "Found 4 of the 4 calls" in printed
    assert f"Endpoint: {aws.url} (not AWS)" in printed
    assert printed.count("WHO    IAMUser arn:aws:iam::111122223333:user/learner, access key AKIAEXAMPLE") == 4
    assert printed.count("WHERE  203.0.113.7, aws-cli/2") == 4
    assert printed.count("Z, recorded in us-east-1") == 4
    for name in NAMES:
        assert f".amazonaws.com {name}, no parameters" in printed


def test_json_holds_the_findings_the_latest_events_and_the_breach(aws: AwsDouble, capsys: Output) -> None:
    aws.denied_operations = {"DescribeInstances"}
    aws.add("us-east-1", role_record("i-0abc", 1), role_record("alice", 2), role_record("i-0abc", 25))
    assert main(["detective", "--timeout", "20s", "--json", "--endpoint-url", aws.url]) == 0
    report = json.loads(capsys.readouterr().out)
    for command in ("look_for_it", "look_into_logs"):
        assert report["capital_one"][command].endswith(f" --endpoint-url {aws.url}"), "it asks the same account"
    assert [finding["operation"] for finding in report["findings"]] == NAMES
    for finding in report["findings"]:
        assert finding["matched_by"] == "request id"
        assert finding["request_ids"] == [finding["event"]["requestID"]]
    refused = report["findings"][1]
    assert "is denied" in refused["refusal"]
    assert refused["what"].endswith("→ AccessDenied: no"), "a refusal is an event too"
    assert report["recent"]["iam.amazonaws.com"][0]["eventName"] == "ListUsers"
    assert len(report["recent"]["s3.amazonaws.com"]) == 4
    assert report["capital_one"]["list_buckets_by_roles_last_24_hours"] == {
        "regions": ["us-east-1"],
        "count": 2,
        "instances": 1,
        "is_complete": True,
    }
    assert report["problems"] == []


def test_iam_is_found_in_its_own_region_and_an_early_event_of_the_same_name_is_not_taken(
    aws: AwsDouble, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    now = datetime.now(UTC)
    aws.add("us-east-1", record("ListUsers", now + timedelta(seconds=1), eventSource="iam.amazonaws.com"))
    assert main(["detective", "--timeout", "20s", "--json"]) == 0
    findings = {one["operation"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["ListUsers"]["event"]["awsRegion"] == "us-east-1"
    assert findings["ListUsers"]["request_ids"] == [findings["ListUsers"]["event"]["requestID"]]
    assert findings["DescribeInstances"]["event"]["awsRegion"] == "eu-west-1"


def test_events_that_appear_late_are_waited_for(aws: AwsDouble, capsys: Output) -> None:
    late: list[dict[str, Any]] = []

    def appear_at_the_second_look() -> None:
        if len(aws.lookups) == 1:
            late.extend(aws.answers["us-east-1"])
            aws.answers["us-east-1"].clear()
        if len(aws.lookups) == 5:
            aws.answers["us-east-1"] = late

    aws.on_lookup = appear_at_the_second_look
    assert main(["detective", "--timeout", "20s", "--poll", "1s", "--json"]) == 0
    assert all(finding["found"] for finding in json.loads(capsys.readouterr().out)["findings"])
    assert len(aws.lookups) >= 8


def test_what_does_not_appear_in_time_is_exit_3(aws: AwsDouble, capsys: Output) -> None:
    aws.on_lookup = aws.answers.clear
    assert main(["detective", "--timeout", "1s", "--poll", "1s"]) == 3
    printed = capsys.readouterr()
    assert "Found 0 of the 4 calls" in printed.out
    assert printed.out.count("not found in us-east-1") == 4
    assert "15 minutes" in printed.err


def test_a_denied_lookup_is_not_waited_for_and_names_the_permission(aws: AwsDouble, capsys: Output) -> None:
    aws.denied_regions = {"us-east-1"}
    begun = time.monotonic()
    assert main(["detective", "--json", "--timeout", "60s"]) == 3
    assert time.monotonic() - begun < 30
    printed = capsys.readouterr()
    assert json.loads(printed.out)["problems"] == ["cloudtrail:LookupEvents is denied: not you, in us-east-1"]
    assert json.loads(printed.out)["capital_one"]["list_buckets_by_roles_last_24_hours"] is None
    assert "error: cloudtrail:LookupEvents is denied" in printed.err


def test_ctrl_c_shows_what_was_found_so_far_even_when_aws_hangs(aws: AwsDouble, capsys: Output) -> None:
    main_thread = threading.get_ident()

    def hang_at_the_second_look() -> None:
        if len(aws.lookups) == 2:
            aws.hangs = True
            signal.pthread_kill(main_thread, signal.SIGINT)

    aws.on_lookup = hang_at_the_second_look
    begun = time.monotonic()
    assert main(["detective", "--json"]) == 130
    assert time.monotonic() - begun < 30
    report = json.loads(capsys.readouterr().out)
    assert [finding["found"] for finding in report["findings"]] == [True, False, False, False]
    assert report["recent"] == {}, "nothing is claimed about what was not looked at"
    assert report["capital_one"]["list_buckets_by_roles_last_24_hours"] is None


@pytest.mark.parametrize(
    ("options", "complaint"),
    [(["--timeout", "soon"], "--timeout 'soon' is not a duration"), (["--poll", "1h"], "Allowed: 1s to 10m")],
)
def test_bad_input_is_exit_2_before_any_call_is_made(
    aws: AwsDouble, capsys: Output, options: list[str], complaint: str
) -> None:
    assert main(["detective", *options]) == 2
    assert complaint in capsys.readouterr().err
    assert not aws.answers
