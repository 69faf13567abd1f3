"""``verify hunt --history``: rules over the event history, and what it says of all that this does not hold."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.verify.simulation.aws_double import AwsDouble, record
from verify.cli import main

Capture = pytest.CaptureFixture[str]
NOW = datetime.now(UTC).replace(microsecond=0)
pytestmark = [pytest.mark.usefixtures("fast_rate"), pytest.mark.regular]
RULE = """\
title: A bucket is deleted
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: DeleteBucket}
  condition: selection
level: high
"""


def ago(seconds: float, name: str = "GetBucketAcl", **more: Any) -> dict[str, Any]:
    return record(name, NOW - timedelta(seconds=seconds), **more)


@pytest.fixture
def only(tmp_path: Path) -> list[str]:
    """A rule of management events alone."""
    (tmp_path / "rule.yml").write_text(RULE)
    return ["--no-built-in", "--rules", str(tmp_path / "rule.yml")]


def test_what_the_history_has_is_found(aws: AwsDouble, capsys: Capture, only: list[str]) -> None:
    aws.add("us-east-1", ago(60), ago(120, "DeleteBucket"), ago(3 * 86400, "DeleteBucket"))
    aws.add("eu-west-1", ago(90, "DeleteBucket", awsRegion="eu-west-1"))

    assert main(["hunt", "--history", "--region", "us-east-1,eu-west-1", *only, "--json"]) == 1

    said = json.loads(capsys.readouterr().out)
    (finding,) = said["findings"]
    assert (finding["events"], finding["regions"]) == (2, ["eu-west-1", "us-east-1"])
    assert said["basis"]["events"] == 3
    assert any("no data events" in each for each in said["basis"]["notices"])


def test_rules_that_need_data_events_make_exit_3_and_others_do_not(
    aws: AwsDouble, capsys: Capture, only: list[str]
) -> None:
    aws.add("us-east-1", ago(60))

    assert main(["hunt", "--history", "--region", "us-east-1", *only]) == 0
    assert "holds management events of the last 90 days" in capsys.readouterr().out
    assert main(["hunt", "--history", "--region", "us-east-1", "--json"]) == 3
    blind = json.loads(capsys.readouterr().out)["rules_without_events"]
    assert "Many objects are deleted" in [each["rule"] for each in blind]


def test_a_region_that_is_denied_and_a_time_before_the_history_make_exit_3(
    aws: AwsDouble, capsys: Capture, only: list[str]
) -> None:
    aws.add("us-east-1", ago(60))
    aws.denied_regions = {"eu-west-1"}

    assert main(["hunt", "--history", "--region", "us-east-1,eu-west-1", *only]) == 3
    assert "Not read: eu-west-1" in capsys.readouterr().out
    aws.denied_regions = set()
    assert main(["hunt", "--history", "--region", "us-east-1", "--since", "100d", *only]) == 3
    assert "The event history begins at" in capsys.readouterr().out


def test_an_empty_history_shows_nothing(aws: AwsDouble, only: list[str]) -> None:
    aws.add("us-east-1")
    assert main(["hunt", "--history", "--region", "us-east-1", *only]) == 3


@pytest.mark.parametrize("more", [["--in", "x"], ["--trail", "t"], ["--account", "1"], ["--proven-only"]])
def test_options_of_log_files_are_refused(more: list[str]) -> None:
    assert main(["hunt", "--history", *more]) == 2


def test_its_policy_asks_for_the_history_alone(capsys: Capture) -> None:
    assert main(["hunt", "--history", "--print-iam-policy"]) == 0
    (statement,) = json.loads(capsys.readouterr().out)["Statement"]
    assert statement["Action"] == ["cloudtrail:LookupEvents", "ec2:DescribeRegions"]
