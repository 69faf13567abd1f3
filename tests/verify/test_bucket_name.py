"""A bucket's name from an answer, a stack's outputs, an option or a digest leads to that bucket or nowhere."""

from __future__ import annotations

import gzip
import shlex
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.verify.posture.healthy import TRAIL_ARN, but_target, result
from tests.verify.simulation.server import SimulatedAwsServer
from tests.verify.simulation.stubbed import answers, offline
from verify.aws import Aws
from verify.bucket_name import checked_bucket_name, is_bucket_name
from verify.cli import main
from verify.errors import CannotLook
from verify.fact import Missing
from verify.posture.check import console_url
from verify.posture.model import Part
from verify.storage.gzip_content import GzipSink
from verify.storage.objects import ObjectName, Unreadable
from verify.storage.s3 import S3ObjectStore
from verify.trail import trails_in

IMPOSSIBLE = [
    "b/secret",
    "b?versions",
    "b#",
    "..",
    ".",
    "",
    "b%2Fsecret",
    "b\n",
    "user@evil.example",
    "evil.example:80",
    "arn:aws:s3:us-east-1:123456789012:accesspoint/theirs",
    "x" * 256,
    "größe",
]


@pytest.mark.parametrize("name", ["my-logs", "my.logs", "Old_Style.Bucket", "x" * 255, "..."])
def test_what_s3_ever_allowed_is_a_name(name: str) -> None:
    assert is_bucket_name(name)
    assert checked_bucket_name(name) == name


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_whatever_would_lead_elsewhere_is_no_name(name: str) -> None:
    assert not is_bucket_name(name)
    with pytest.raises(ValueError, match="can be no bucket's name"):
        checked_bucket_name(name)


@pytest.mark.parametrize("way", ["fast", "boto3"])
@pytest.mark.parametrize("bucket", IMPOSSIBLE)
def test_an_object_in_an_impossible_bucket_is_not_asked_for(
    bucket: str, way: str, server: SimulatedAwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a digest may name: its words are not proven until its signature is."""
    if way == "boto3":
        monkeypatch.setattr("verify.storage.s3._GIVE_UP_AFTER", 0)
    server.aws.put(ObjectName("b", "secret/x"), gzip.compress(b"a record"), datetime(2026, 11, 1, tzinfo=UTC))

    (found,) = S3ObjectStore(Aws()).read_each([ObjectName(bucket, "x")], lambda _: GzipSink(2**20))

    assert isinstance(found, Unreadable)
    assert "can be no bucket's name" in str(found.error)


@pytest.mark.parametrize("bucket", IMPOSSIBLE)
def test_a_trail_that_names_an_impossible_bucket_is_not_aws_answer(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = offline(monkeypatch)
    trail = {"Name": "t", "TrailARN": TRAIL_ARN, "HomeRegion": "us-east-1", "S3BucketName": bucket}
    with (
        answers(aws, "cloudtrail", "describe_trails", {"trailList": [trail]}),
        pytest.raises(CannotLook, match="gave an answer that is not AWS's"),
    ):
        trails_in(aws, "us-east-1")


@pytest.mark.parametrize("arguments", [["check", "--bucket"], ["integrity", "--bucket"], ["integrity", "--source"]])
def test_an_option_that_names_an_impossible_bucket_is_wrong_usage(
    arguments: list[str], server: SimulatedAwsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert server.url
    name = "b/secret" if arguments[1] == "--bucket" else "s3://b:secret"

    assert main([*arguments, name]) == 2

    assert f"{arguments[1]}: {name.removeprefix('s3://')!r} can be no bucket's name" in capsys.readouterr().err


def test_a_console_link_leads_to_a_console_alone() -> None:
    def link(part: Part, *, region: str = "us-east-1", bucket: str = "b", key: str = "key/k") -> str | None:
        return console_url(part, partition="aws", region=region, trail_arn=TRAIL_ARN, bucket=bucket, key=key)

    for region in ("evil.example/", "evil.example#", "us-east-1\n", "u", ""):
        assert {link(part, region=region) for part in Part} == {None}
    assert str(link(Part.BUCKET, bucket="../x?y#z")).startswith(
        "https://us-east-1.console.aws.amazon.com/s3/buckets/..%2Fx%3Fy%23z?region="
    )
    assert str(link(Part.KEY, key="key/../x?y#z")).endswith("#/kms/keys/..%2Fx%3Fy%23z")


def test_a_region_from_an_answer_stays_one_word_for_the_shell() -> None:
    hostile = "eu-west-1; rm -rf ~"
    facts = replace(but_target(region=hostile), bucket=Missing("there is no bucket"))
    assert f"LocationConstraint={hostile}" in shlex.split(result(facts, "log_bucket_exists").fix_cli)
