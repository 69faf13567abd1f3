"""The scenarios, each against a lab of its own kind, and what is left to be found."""

import gzip
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.cli.commands import main
from lab.errors import LabError
from lab.instance import control, lifecycle
from lab.instance.environment import aws_environment
from lab.instance.folder import HOME_VARIABLE, PROJECT, Lab
from lab.scenarios.actor import Actor, Credentials, Place
from lab.scenarios.capital_one import INSTANCE, ROLE, capital_one
from lab.scenarios.exercise import exercise
from lab.scenarios.noise import noise
from lab.scenarios.tamper import NAME, tamper
from lab.settings import Settings
from tests.lab.conftest import make_client
from tests.lab.destination import make_bucket

BUCKET, TRAIL = "scenario-logs", "scenario-trail"
DAYS = 2


@contextmanager
def lab_in_the_past(home: Path) -> Iterator[Lab]:
    """A lab two days ago, with a trail that logs everything."""
    lab = lifecycle.start(home, settings=Settings(digest_seconds=3600, behind_seconds=DAYS * 24 * 3600))
    make_bucket(make_client(lab, "s3"), BUCKET)
    cloudtrail = make_client(lab, "cloudtrail")
    cloudtrail.create_trail(Name=TRAIL, S3BucketName=BUCKET, IsMultiRegionTrail=True, EnableLogFileValidation=True)
    data = {"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::card-applications-{lab.account}/"]}
    cloudtrail.put_event_selectors(TrailName=TRAIL, EventSelectors=[{"DataResources": [data]}])
    cloudtrail.start_logging(Name=TRAIL)
    yield lab
    lifecycle.stop(home)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One for all scenarios that leave the trail and the time as they are."""
    with lab_in_the_past(tmp_path_factory.mktemp("scenarios")) as lab:
        yield lab


@pytest.fixture
def own_past(tmp_path: Path) -> Iterator[Lab]:
    """One for a scenario that takes the time or stops the trail."""
    with lab_in_the_past(tmp_path / "home") as lab:
        yield lab


def delivered(lab: Lab) -> list[dict[str, Any]]:
    """Every record in every log file."""
    s3 = make_client(lab, "s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"AWSLogs/{lab.account}/CloudTrail/")
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    bodies = [gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys]
    return [record for body in bodies for record in json.loads(body)["Records"]]


def validate(lab: Lab, region: str) -> "subprocess.CompletedProcess[str]":
    arn = f"arn:aws:cloudtrail:us-east-1:{lab.account}:trail/{TRAIL}"
    command = [str(Path(sys.executable).parent / "aws"), "cloudtrail", "validate-logs", "--trail-arn", arn]
    command += ["--start-time", "2020-01-01", "--region", region]
    return subprocess.run(command, env=aws_environment(lab), capture_output=True, text=True)


def test_the_exercise_is_four_calls_of_the_learner(past: Lab) -> None:
    control.deliver(past)
    before = {record["eventID"] for record in delivered(past)}
    lines = list(exercise(past))
    control.deliver(past)

    assert len(lines) == 5
    new = [record for record in delivered(past) if record["eventID"] not in before]
    made = [record for record in new if "exercise" in record["userAgent"]]
    assert sorted(record["eventName"] for record in made) == [
        "DescribeInstances",
        "DescribeSecurityGroups",
        "ListBuckets",
        "ListUsers",
    ]
    assert {record["userIdentity"]["userName"] for record in made} == {"learner"}


@pytest.mark.slow
def test_noise_fills_days_in_several_regions_with_what_ordinary_people_do(own_past: Lab) -> None:
    lines = list(noise(own_past, calls=150, days=DAYS, seed=7))

    records = delivered(own_past)
    assert "failed" in lines[-1]
    assert {record["awsRegion"] for record in records} == {"us-east-1", "eu-west-1", "us-west-2"}
    assert {record["userIdentity"]["type"] for record in records} == {"IAMUser", "AssumedRole", "AWSService"}
    assert len({record["eventTime"][:13] for record in records}) >= DAYS * 6
    assert len({record["sourceIPAddress"] for record in records} - {"127.0.0.1"}) >= 3
    assert any("errorCode" in record for record in records)
    for region in ("us-east-1", "eu-west-1", "us-west-2"):
        done = validate(own_past, region)
        assert done.returncode == 0, done.stderr


def test_noise_needs_time_in_hand(past: Lab) -> None:
    with pytest.raises(LabError, match="never overtakes"):
        next(noise(past, calls=10, days=30))


def test_the_capital_one_pattern_is_a_role_that_lists_all_buckets_and_takes_one(past: Lab) -> None:
    lines = list(capital_one(past, objects=60))
    control.deliver(past)

    assert not any("No trail logs" in line for line in lines)
    thief = [record for record in delivered(past) if record["sourceIPAddress"] == "203.0.113.77"]
    assert Counter(record["eventName"] for record in thief) == {"ListBuckets": 1, "ListObjects": 1, "GetObject": 60}
    for record in thief:
        identity = record["userIdentity"]
        assert identity["type"] == "AssumedRole"
        assert identity["arn"].endswith(f":assumed-role/{ROLE}/{INSTANCE}")
        assert identity["sessionContext"]["sessionIssuer"]["userName"] == ROLE
    assert len({record["resources"][0]["ARN"] for record in thief if record["eventName"] == "GetObject"}) == 60
    again = list(capital_one(past, objects=20))
    assert len(again) == len(lines)
    assert "puts 20 objects" in again[0]
    assert any("reads 60 objects" in line for line in again), "those of the first run are taken again"


def test_the_printed_commands_record_the_theft_and_find_it(own_past: Lab, tmp_path: Path) -> None:
    environment = aws_environment(own_past) | {HOME_VARIABLE: str(own_past.home), "PYTHONPATH": str(PROJECT)}

    def run(command: str) -> str:
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    make_client(own_past, "cloudtrail").put_event_selectors(
        TrailName=TRAIL, EventSelectors=[{"IncludeManagementEvents": True}]
    )
    nothing_recorded = list(capital_one(own_past, objects=1))[-1]
    run(nothing_recorded.partition("run this again: ")[2])
    hint = list(capital_one(own_past, objects=30))[-1]

    shown = run(hint.partition("it was read: ")[2])

    assert f"--trail-name {TRAIL} " in nothing_recorded
    reads = {line.split('"')[-2]: int(line.split()[0]) for line in shown.splitlines() if "GetObject" in line}
    assert reads == {"203.0.113.77": 30, "10.0.12.34": 3}


def test_tampering_leaves_all_four_errors_and_its_own_traces(own_past: Lab) -> None:
    lines = list(tamper(own_past))
    control.deliver(own_past)
    done = validate(own_past, "us-east-1")

    assert done.returncode == 1
    for error in ("Digest file", "INVALID: not found"), ("Log file", "INVALID: not found"), ("Log file", "hash value"):
        assert any(all(part in line for part in error) for line in done.stderr.splitlines()), done.stderr
    assert not any("rejected" in line for line in lines)
    mallorys = [record for record in delivered(own_past) if record["userIdentity"].get("userName") == NAME]
    names = {record["eventName"] for record in mallorys}
    assert {"PutEventSelectors", "PutBucketLifecycle", "StopLogging"} <= names
    assert "ListUsers" not in names
    attribute = {"AttributeKey": "Username", "AttributeValue": NAME}
    seen = make_client(own_past, "cloudtrail").lookup_events(LookupAttributes=[attribute])["Events"]
    assert "ListUsers" in [event["EventName"] for event in seen]
    with pytest.raises(LabError, match="no trail that logs"):
        list(tamper(own_past))


def test_a_scenario_rejects_any_endpoint_but_the_labs(past: Lab) -> None:
    elsewhere = replace(past, endpoint="https://cloudtrail.us-east-1.amazonaws.com")

    for scenario in (exercise, noise, capital_one, tamper):
        with pytest.raises(LabError, match="only talk to this machine"):
            list(scenario(elsewhere))
    with pytest.raises(LabError):
        Actor(elsewhere, "a", Credentials("k", "s"), Place("127.0.0.1", "agent"))


def test_a_scenario_says_when_no_trail_will_deliver_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = lifecycle.start(tmp_path / "lab")
    cloudtrail = make_client(lab, "cloudtrail")

    def told() -> str:
        assert main(["scenario", "exercise", "--home", str(lab.home)]) == 0
        shown = capsys.readouterr()
        assert len(shown.out.splitlines()) == 5
        return shown.err

    try:
        assert told() == "note: There is no trail, so nothing will be delivered. Make one: python -m lab deploy\n"
        make_bucket(make_client(lab, "s3"), BUCKET)
        cloudtrail.create_trail(Name=TRAIL, S3BucketName=BUCKET)
        [line] = told().splitlines()
        assert line.startswith(f"note: The trail {TRAIL} is stopped, so nothing will be delivered. Start it: aws ")
        assert main(["scenario", "tamper", "--home", str(lab.home)]) == 2
        assert "no trail that logs" in capsys.readouterr().err
        environment = aws_environment(lab)
        subprocess.run(line.partition("Start it: ")[2].split(), env=environment, check=True)
        assert told() == ""
    finally:
        lifecycle.stop(lab.home)


def test_the_command_line_runs_a_scenario_and_needs_a_lab(
    past: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scenario", "exercise", "--home", str(past.home)]) == 0
    assert "learner called ListBuckets" in capsys.readouterr().out
    assert main(["scenario", "exercise", "--home", str(tmp_path)]) == 1
    assert "not running" in capsys.readouterr().err
    assert main(["deliver", "--home", str(past.home)]) == 0
    assert "Delivered" in capsys.readouterr().out
    assert main(["advance", "--home", str(past.home), "1e9"]) == 2
    assert "cannot be ahead" in capsys.readouterr().err
