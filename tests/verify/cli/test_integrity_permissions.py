"""The IAM policy that ``verify integrity`` prints is what it asks."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.verify.simulation.scenarios import paused
from tests.verify.simulation.server import SimulatedAwsServer
from tests.verify.simulation.trail import BUCKET, TRAIL_ARN, Chain
from verify.cli import main

_IAM = {
    "GET object": "s3:GetObject",
    "GET bucket": "s3:ListBucket",
    "HEAD bucket": "s3:ListBucket",
    "DescribeRegions": "ec2:DescribeRegions",
}


def printed(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, list[str]]:
    assert main(["integrity", *options, "--print-iam-policy"]) == 0
    return {entry["Resource"]: entry["Action"] for entry in json.loads(capsys.readouterr().out)["Statement"]}


def test_the_policy_covers_what_is_asked_and_no_more(
    server: SimulatedAwsServer, serve_chain: Callable[[Chain], Chain], capsys: pytest.CaptureFixture[str]
) -> None:
    chain = serve_chain(paused())
    assert main(["integrity", "--start", f"{chain.hours[0].start:%Y-%m-%dT%H:%M:%SZ}"]) == 0
    capsys.readouterr()
    asked = {_IAM.get(operation, f"cloudtrail:{operation}") for operation in server.operations}
    asked.discard("cloudtrail:GetCallerIdentity")  # whoever has credentials may ask who they are
    server.operations.clear()

    (actions,) = printed(capsys).values()

    # S3 decrypts; Organizations is asked for an organization's members, S3 for versions where a file is not proven.
    where_wrong = {"s3:GetBucketLogging", "s3:ListBucketVersions"}
    assert set(actions) == asked | {"kms:Decrypt", "organizations:ListAccounts"} | where_wrong
    assert server.operations == []


@pytest.mark.parametrize(
    "options",
    [
        ["--bucket", BUCKET],
        ["--bucket", f"s3://{BUCKET}/a/prefix"],
        ["--source", f"s3://{BUCKET}"],
        ["--source", f"s3://{BUCKET}/a/prefix"],
    ],
)
def test_the_policy_is_bound_to_the_bucket_and_the_trail_that_are_named(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    actions = printed(capsys, "--trail", TRAIL_ARN, *options)

    assert actions.pop(f"arn:aws:s3:::{BUCKET}") == ["s3:GetBucketLogging", "s3:ListBucket", "s3:ListBucketVersions"]
    assert actions.pop(f"arn:aws:s3:::{BUCKET}/*") == ["s3:GetObject"]
    assert actions.pop(TRAIL_ARN) == ["cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"]
    assert list(actions) == ["*"]


def test_the_help_names_every_permission(capsys: pytest.CaptureFixture[str]) -> None:
    (actions,) = printed(capsys).values()

    with pytest.raises(SystemExit):
        main(["integrity", "--help"])

    shown = capsys.readouterr().out
    assert [action for action in actions if action not in shown] == []
