"""The AWS CLI as the judge: it understands what the lab answers."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.instance.environment import aws_environment
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory
from tests.lab.destination import bucket_policy

AWS = str(Path(sys.executable).parent / "aws")


def run(lab: Lab, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([AWS, *arguments], env=aws_environment(lab), capture_output=True, text=True)


def aws(lab: Lab, *arguments: str) -> Any:
    done = run(lab, *arguments, "--output", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else None


@pytest.mark.slow
def test_the_labs_own_commands_make_a_trail_that_the_cli_finds(lab: Lab) -> None:
    aws(lab, "s3api", "create-bucket", "--bucket", "cli-bucket")
    aws(lab, "s3api", "put-bucket-policy", "--bucket", "cli-bucket", "--policy", bucket_policy("cli-bucket"))
    made = aws(lab, "cloudtrail", "create-trail", "--name", "cli-trail", "--s3-bucket-name", "cli-bucket")
    aws(lab, "cloudtrail", "start-logging", "--name", "cli-trail")

    trails = aws(lab, "cloudtrail", "describe-trails", "--trail-name-list", "cli-trail")["trailList"]
    status = aws(lab, "cloudtrail", "get-trail-status", "--name", made["TrailARN"])
    attribute = "AttributeKey=ResourceName,AttributeValue=cli-trail"
    events = aws(lab, "cloudtrail", "lookup-events", "--lookup-attributes", attribute)["Events"]

    assert [trail["TrailARN"] for trail in trails] == [made["TrailARN"]]
    assert status["IsLogging"] is True
    assert [event["EventName"] for event in events][-2:] == ["StartLogging", "CreateTrail"]
    assert events[0]["Username"] == "learner"


def test_the_cli_pages_through_the_whole_history(lab: Lab, client: ClientFactory) -> None:
    for _ in range(12):
        client("sts").get_caller_identity()
    arguments = ["cloudtrail", "lookup-events", "--page-size", "5", "--max-items", "12"]

    events = aws(lab, *arguments)["Events"]

    assert len({event["EventId"] for event in events}) == 12
    assert events == sorted(events, key=lambda event: event["EventTime"], reverse=True)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["cloudtrail", "get-trail-status", "--name", "no-such-trail"], "TrailNotFoundException"),
        (["cloudtrail", "lookup-events", "--start-time", "20", "--end-time", "10"], "InvalidTimeRangeException"),
        (["cloudtrail", "lookup-events", "--max-results", "51"], "InvalidMaxResultsException"),
        (["guardduty", "list-detectors"], "not part of the lab"),
    ],
)
def test_the_cli_understands_an_error(lab: Lab, arguments: list[str], error: str) -> None:
    done = run(lab, *arguments)

    assert done.returncode > 0
    assert error in done.stderr


def test_the_cli_puts_no_name_before_the_address(lab: Lab) -> None:
    """As it does for some operations, such as `sync-` for this one."""
    definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    role = f"arn:aws:iam::{lab.account}:role/none"
    named = ["--name", "cli-machine", "--type", "EXPRESS", "--role-arn", role, "--definition", definition]
    arn = aws(lab, "stepfunctions", "create-state-machine", *named)["stateMachineArn"]

    done = aws(lab, "stepfunctions", "start-sync-execution", "--state-machine-arn", arn)
    assert done["status"] == "SUCCEEDED"
