"""Who deleted or overwrote the trail's files is told, where data events of the log bucket or its access logs tell."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from lab.instance import control
from lab.instance.folder import Lab
from tests.end_to_end.conftest import Account
from verify.cli import main

pytestmark = pytest.mark.slow
SIGNED = "signed log files of trail ch03-security-trail"


def mallory(account: Account) -> Any:
    """S3, as a user who may do everything."""
    iam = account.client("iam")
    iam.create_user(UserName="mallory")
    iam.attach_user_policy(UserName="mallory", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName="mallory")["AccessKey"]
    return boto3.client(
        "s3",
        region_name=account.region,
        endpoint_url=account.endpoint,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def record_writes(account: Account, trail: str) -> None:
    """Let a trail record what is done to the files in the log bucket."""
    files = [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{account.bucket}/"]}]
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": files}
    account.client("cloudtrail").put_event_selectors(TrailName=trail, EventSelectors=[selector])


def deliver_digests(lab: Lab) -> None:
    """Let everything be delivered and signed: a digest covers a second at least."""
    first = control.deliver(lab)
    while control.deliver(lab) < first + timedelta(seconds=1):
        time.sleep(0.1)


def logs_of(account: Account) -> list[str]:
    objects = account.client("s3").list_objects_v2(Bucket=account.bucket)["Contents"]
    return sorted(each["Key"] for each in objects if "/CloudTrail/" in each["Key"])


def found(account: Account, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """What is said of each file, by its key, and the whole document."""
    assert main(["integrity", "--trail", account.trail_arn, "--json"]) == 1
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    problems = [problem for chain in document["chains"] for problem in chain["problems"]]
    return {problem["object"].split("/", 3)[3]: problem for problem in problems}, document


def test_who_deleted_and_overwrote_files_is_named_from_signed_data_events(
    lab: Lab, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deploy()
    record_writes(account, account.trail)
    for _ in range(4):
        account.client("sts").get_caller_identity()
        deliver_digests(lab)
    s3, (deleted, rewritten, together, *_) = mallory(account), logs_of(account)
    s3.delete_object(Bucket=account.bucket, Key=deleted)
    s3.put_object(Bucket=account.bucket, Key=rewritten, Body=b"nothing")
    s3.delete_objects(Bucket=account.bucket, Delete={"Objects": [{"Key": together}]})
    deliver_digests(lab)

    problems, document = found(account, capsys)

    who = f"arn:aws:iam::{account.id}:user/mallory"
    for key, call, names_file in (
        (deleted, "DeleteObject", True),
        (rewritten, "PutObject", True),
        (together, "DeleteObjects", False),
    ):
        (change,) = problems[key]["changes"]
        assert (change["call"], change["caller"], change["address"]) == (call, who, "127.0.0.1")
        assert (change["source"], change["namesFile"]) == (SIGNED, names_file)
        at = datetime.fromisoformat(change["at"])
        assert abs(at - datetime.fromisoformat(problems[key]["changedAt"])) < timedelta(seconds=5)
    assert any(f"{SIGNED} were searched" in said for said in document["changesLookedFor"])

    assert main(["integrity", "--trail", account.trail_arn]) == 1
    shown = capsys.readouterr().out
    assert f"DeleteObject by {who} from 127.0.0.1 at " in shown and f"({SIGNED})" in shown
    assert main(["integrity", "--trail", account.trail_arn, "--format", "markdown"]) == 1
    assert "| File or folder | Why | Who |" in capsys.readouterr().out


@pytest.mark.parametrize("is_signed", [True, False], ids=["signed", "not signed"])
def test_who_deleted_a_file_is_named_from_another_trail_that_records_it(
    lab: Lab, account: Account, capsys: pytest.CaptureFixture[str], *, is_signed: bool
) -> None:
    account.deploy()
    other = f"other-trail-{account.id}"
    account.client("s3").create_bucket(Bucket=other)
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": action,
            "Resource": f"arn:aws:s3:::{other}{below}",
        }
        for action, below in (("s3:GetBucketAcl", ""), ("s3:PutObject", "/*"))
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    account.client("s3").put_bucket_policy(Bucket=other, Policy=policy)
    cloudtrail = account.client("cloudtrail")
    cloudtrail.create_trail(Name="watcher", S3BucketName=other, EnableLogFileValidation=True)
    cloudtrail.start_logging(Name="watcher")
    record_writes(account, "watcher")
    deliver_digests(lab)
    deleted = logs_of(account)[0]
    mallory(account).delete_object(Bucket=account.bucket, Key=deleted)
    account.client("cloudtrail").update_trail(Name="watcher", EnableLogFileValidation=is_signed)
    deliver_digests(lab)

    problems, document = found(account, capsys)

    assert "changes" in problems[deleted], document["changesLookedFor"]
    (change,) = problems[deleted]["changes"]
    assert (change["call"], change["caller"]) == ("DeleteObject", f"arn:aws:iam::{account.id}:user/mallory")
    unsigned = "log files of trail watcher that no digest vouches for yet"
    assert change["source"] == ("signed log files of trail watcher" if is_signed else unsigned)


def test_who_deleted_a_file_is_named_from_access_logs_where_no_trail_tells(
    lab: Lab, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deploy()
    deliver_digests(lab)
    s3, target = account.client("s3"), f"access-logs-{account.id}"
    s3.create_bucket(Bucket=target)
    s3.put_bucket_logging(
        Bucket=account.bucket,
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "logs/"}},
    )
    deleted = logs_of(account)[0]
    s3.delete_object(Bucket=account.bucket, Key=deleted)
    deliver_digests(lab)

    problems, document = found(account, capsys)
    assert "changes" not in problems[deleted] and "changedAt" in problems[deleted]
    assert f"no trail records data events of s3://{account.bucket}" in document["changesLookedFor"]

    # As S3 delivers them; the lab delivers none.
    now = datetime.now(UTC)
    line = (
        f"79a59df900b949e5 {account.bucket} [{now:%d/%b/%Y:%H:%M:%S} +0000] 192.0.2.3 "
        f"arn:aws:iam::{account.id}:user/mallory 3E57427F3EXAMPLE REST.DELETE.OBJECT {deleted} "
        f'"DELETE /{deleted} HTTP/1.1" 204 - - 13000 7 - "-" "aws-cli/2" - x= SigV4 TLS AuthHeader host TLSV1.2 - -\n'
    )
    s3.put_object(Bucket=target, Key=f"logs/{now:%Y-%m-%d-%H-%M-%S}-1D4E5F", Body=line.encode())

    problems, _ = found(account, capsys)
    (change,) = problems[deleted]["changes"]
    assert (change["call"], change["caller"]) == ("REST.DELETE.OBJECT", f"arn:aws:iam::{account.id}:user/mallory")
    assert (change["address"], change["source"]) == (
        "192.0.2.3",
        "S3's access logs, which are best effort and not signed",
    )
