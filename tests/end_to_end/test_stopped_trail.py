"""A trail that was stopped seconds after it was made is proven in every region that it saw, and only as it was."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lab.instance import control
from lab.instance.folder import Lab
from tests.end_to_end.conftest import Account
from verify.cli import main

AWAY = ("ap-south-1", "eu-west-1")


def integrity(account: Account, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """The exit code, and what is found of each region's times."""
    exit_code = main(["integrity", "--trail", account.trail_arn, "--json"])
    chains: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["chains"]
    return exit_code, {chain["region"]: chain["times"] for chain in chains}


@pytest.fixture
def stopped(lab: Lab, account: Account) -> Account:
    account.deploy()
    cloudtrail = account.client("cloudtrail")
    cloudtrail.update_trail(Name=account.trail, IsMultiRegionTrail=True)
    for region in AWAY:
        account.client("cloudtrail", region).list_public_keys()
    cloudtrail.stop_logging(Name=account.trail)
    control.deliver(lab)
    return account


@pytest.fixture
def times(
    stopped: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, list[dict[str, str]]]:
    # AWS's event history may lack the calls of the last quarter of an hour. The lab's never does.
    monkeypatch.setattr("verify.integrity.facts._HISTORY_LAGS", timedelta())
    exit_code, times = integrity(stopped, capsys)
    assert exit_code == 0, times
    return times


def test_what_the_history_may_not_hold_yet_is_not_taken_for_known(
    stopped: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether there was a trail of the same name before this one was made, minutes ago, is known a little later."""
    exit_code, times = integrity(stopped, capsys)

    assert exit_code == 3
    assert "proven" in {time["verdict"] for time in times[stopped.region]}
    assert "up to 15 minutes before it was asked" in times[stopped.region][0]["reason"]


def test_each_region_is_proven_up_to_the_stop(stopped: Account, times: dict[str, list[dict[str, str]]]) -> None:
    assert set(times) == {*AWAY, stopped.region}
    proven = {region: [time for time in found if time["verdict"] == "proven"] for region, found in times.items()}
    assert all(proven.values()), times
    assert len({time["end"] for found in proven.values() for time in found}) == 1


@pytest.mark.parametrize("folders", ["/CloudTrail-Digest/", "/CloudTrail"], ids=["digests", "logs and digests"])
def test_a_region_whose_digest_is_taken_away_is_missed_and_the_others_are_not(
    stopped: Account, times: dict[str, list[dict[str, str]]], folders: str, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = AWAY[0]
    s3 = stopped.client("s3")
    objects = s3.list_objects_v2(Bucket=stopped.bucket)["Contents"]
    for key in (each["Key"] for each in objects if f"/{gone}/" in each["Key"] and folders in each["Key"]):
        s3.delete_object(Bucket=stopped.bucket, Key=key)

    exit_code, found = integrity(stopped, capsys)

    assert exit_code == 1
    verdicts = {region: {time["verdict"] for time in found[region]} for region in found}
    assert {region for region in verdicts if "missing" in verdicts[region]} == {gone}
    assert set(found) == set(times)


@pytest.mark.slow
def test_the_commands_that_are_printed_bring_back_what_was_deleted_and_overwritten(
    stopped: Account, times: dict[str, list[dict[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert times
    s3 = stopped.client("s3")
    objects = s3.list_objects_v2(Bucket=stopped.bucket)["Contents"]
    deleted, rewritten, twice = [each["Key"] for each in objects if "/CloudTrail/" in each["Key"]][:3]
    s3.delete_object(Bucket=stopped.bucket, Key=deleted)
    for key in (rewritten, twice, twice):
        s3.put_object(Bucket=stopped.bucket, Key=key, Body=b"nothing")
    s3.delete_object(Bucket=stopped.bucket, Key=twice)

    assert main(["integrity", "--trail", stopped.trail_arn, "--json"]) == 1
    steps: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["nextSteps"]
    commands = [command for step in steps for command in step["commands"] if command.startswith("aws ")]
    assert len(commands) == 3, steps
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in commands:
        subprocess.run(["bash", "-c", command], env=environment, check=True, capture_output=True, timeout=300)

    exit_code, _ = integrity(stopped, capsys)
    assert exit_code == 0
