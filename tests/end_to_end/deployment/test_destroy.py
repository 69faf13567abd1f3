"""`make destroy` on the lab: it asks, empties, deletes, and says when the key goes."""

import io
import json
import re
from typing import Any

import pytest

from tests.end_to_end.conftest import TEMPLATE, Account
from tools.destroy import main


def with_history(account: Account) -> Account:
    """Five versions of one object, and another one behind a delete marker."""
    account.deploy()
    s3 = account.client("s3")
    for number in range(5):
        s3.put_object(Bucket=account.bucket, Key="AWSLogs/changing", Body=str(number).encode())
    s3.put_object(Bucket=account.bucket, Key="AWSLogs/removed", Body=b"")
    s3.delete_object(Bucket=account.bucket, Key="AWSLogs/removed")
    return account


def bucket_for_trails(account: Account) -> str:
    """A bucket outside of the stack, in which CloudTrail may deliver."""
    bucket = f"audit-{account.id}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    account.client("s3").create_bucket(Bucket=bucket)
    account.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    return bucket


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def stack_status(account: Account, name: str = "SecureTrail") -> str:
    summaries = account.client("cloudformation").list_stacks()["StackSummaries"]
    return str(next(entry["StackStatus"] for entry in summaries if entry["StackName"] == name))


def buckets(account: Account) -> list[str]:
    return [bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]]


def test_everything_goes_and_the_key_can_be_rescued(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = with_history(account).key_id
    answer(monkeypatch, f"{account.bucket}\n")

    exit_code = main([])

    out = capsys.readouterr().out
    assert exit_code == 0
    assert stack_status(account) == "DELETE_COMPLETE"
    assert buckets(account) == []
    emptied = re.search(rf"{account.bucket}: (\d+) object versions deleted.", out)
    assert emptied and int(emptied[1]) >= 7  # the lab's CloudTrail may have delivered some more
    assert f"aws kms cancel-key-deletion --key-id {key}" in out
    metadata = account.client("kms").describe_key(KeyId=key)["KeyMetadata"]
    assert metadata["KeyState"] == "PendingDeletion"
    assert f"{metadata['DeletionDate']:%Y-%m-%d}" in out


@pytest.mark.parametrize("typed", ["y\n", "", "ch03-cloudtrail\n"])
def test_nothing_changes_unless_the_buckets_name_is_typed(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    with_history(account)
    answer(monkeypatch, typed)

    exit_code = main([])

    assert exit_code == 1
    assert "Nothing was changed." in capsys.readouterr().err
    assert stack_status(account) == "CREATE_COMPLETE"
    assert account.client("cloudtrail").get_trail_status(Name=account.trail)["IsLogging"] is True
    versions = account.client("s3").list_object_versions(Bucket=account.bucket, Prefix="AWSLogs/changing")
    assert len(versions["Versions"]) == 5


def test_what_the_stack_retains_is_left_alone(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    template: dict[str, Any] = json.loads(TEMPLATE)
    for resource in template["Resources"].values():
        if resource["Type"] in ("AWS::S3::Bucket", "AWS::KMS::Key"):
            resource["DeletionPolicy"] = resource["UpdateReplacePolicy"] = "Retain"
    account.deploy(json.dumps(template))
    account.client("s3").put_object(Bucket=account.bucket, Key="AWSLogs/kept", Body=b"")
    answer(monkeypatch, f"{account.bucket}\n")

    exit_code = main([])

    out = capsys.readouterr().out
    assert exit_code == 0
    assert len(buckets(account)) == 2
    assert account.client("s3").head_object(Bucket=account.bucket, Key="AWSLogs/kept")
    assert f"Bucket {account.bucket} stays" in out
    assert "stays: the stack retains it." in out


def test_a_protected_stack_keeps_its_logs(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_history(account)
    account.client("cloudformation").update_termination_protection(
        StackName="SecureTrail", EnableTerminationProtection=True
    )
    answer(monkeypatch, f"{account.bucket}\n")

    exit_code = main([])

    assert exit_code == 1
    assert "--no-enable-termination-protection" in capsys.readouterr().err
    assert account.client("cloudtrail").get_trail_status(Name=account.trail)["IsLogging"] is True
    assert account.client("s3").list_object_versions(Bucket=account.bucket, Prefix="AWSLogs/changing")["Versions"]


@pytest.mark.parametrize("output", ["TrailArn", "LogBucketName"])
def test_what_an_output_names_and_the_stack_does_not_own_is_left_alone(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    """Whoever may change the template can have its outputs name anything."""
    with_history(account)
    cloudtrail, s3, audit = account.client("cloudtrail"), account.client("s3"), bucket_for_trails(account)
    theirs = cloudtrail.create_trail(Name="audit-department", S3BucketName=audit)
    cloudtrail.start_logging(Name="audit-department")
    s3.put_object(Bucket=audit, Key="evidence", Body=b"")
    foreign = {"TrailArn": theirs["TrailARN"], "LogBucketName": audit}[output]
    template: dict[str, Any] = json.loads(TEMPLATE)
    template["Outputs"][output]["Value"] = foreign
    account.client("cloudformation").update_stack(StackName="SecureTrail", TemplateBody=json.dumps(template))
    answer(monkeypatch, f"{account.bucket if output == 'TrailArn' else foreign}\n")

    exit_code = main(["--also", audit])

    assert exit_code == 1
    error = capsys.readouterr().err
    assert f"Output {output} of stack 'SecureTrail' names {foreign}, which is not the stack's own" in error
    assert (account.trail_arn if output == "TrailArn" else account.bucket) in error
    assert "Nothing was changed." in error
    assert all(cloudtrail.get_trail_status(Name=name)["IsLogging"] for name in ("audit-department", account.trail))
    assert stack_status(account) == "UPDATE_COMPLETE"
    assert s3.head_object(Bucket=audit, Key="evidence")


def test_a_trail_that_took_the_name_of_the_deleted_one_goes_on_logging(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = f"holiday-photos-{account.id}"
    template: dict[str, Any] = json.loads(TEMPLATE)
    template["Resources"]["Photos"] = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": other}}
    account.deploy(json.dumps(template))
    s3, cloudtrail = account.client("s3"), account.client("cloudtrail")
    s3.put_object(Bucket=other, Key="beach.jpg", Body=b"")
    answer(monkeypatch, f"{account.bucket}\n")
    assert main([]) == 1  # the stack goes but for the bucket that is not empty
    audit = bucket_for_trails(account)
    cloudtrail.create_trail(Name=account.trail, S3BucketName=audit)
    cloudtrail.start_logging(Name=account.trail)

    answer(monkeypatch, f"{account.bucket}\n")
    assert main(["--also", other]) == 0

    assert cloudtrail.get_trail_status(Name=account.trail)["IsLogging"] is True
    assert stack_status(account) == "DELETE_COMPLETE"


def test_a_bucket_that_holds_no_logs_is_emptied_only_when_it_is_named(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = f"holiday-photos-{account.id}"
    template: dict[str, Any] = json.loads(TEMPLATE)
    template["Resources"]["Photos"] = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": other}}
    account.deploy(json.dumps(template))
    account.client("s3").put_object(Bucket=other, Key="beach.jpg", Body=b"")

    answer(monkeypatch, f"{account.bucket}\n")
    assert main([]) == 1
    assert account.client("s3").head_object(Bucket=other, Key="beach.jpg")
    assert f"--also {other}" in capsys.readouterr().out

    answer(monkeypatch, f"{account.bucket}\n")
    assert main(["--also", other]) == 0
    assert buckets(account) == []


def test_the_region_is_the_one_that_cdk_takes(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deploy()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    answer(monkeypatch, "no\n")

    main([])

    assert f"region {account.region}, stack" in capsys.readouterr().out


def test_an_unknown_stack_and_a_foreign_stack_are_refused(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    queue = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    account.client("cloudformation").create_stack(StackName="Foreign", TemplateBody=json.dumps(queue))

    codes = [main(["--stack", name]) for name in ("Nowhere", "Foreign")]

    errors = capsys.readouterr().err
    assert codes == [2, 2]
    assert "There is no stack 'Nowhere' here." in errors
    assert "Stack 'Foreign' is not a SecureTrail stack" in errors


def test_a_stack_that_could_not_be_created_names_the_command_that_removes_it(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.client("s3").create_bucket(Bucket=account.bucket)
    account.client("cloudformation").create_stack(StackName="SecureTrail", TemplateBody=TEMPLATE)
    assert stack_status(account) == "ROLLBACK_COMPLETE"

    assert main([]) == 1

    [told] = capsys.readouterr().err.splitlines()
    assert "is ROLLBACK_COMPLETE: it could not be created" in told
    assert told.endswith(": aws cloudformation delete-stack --stack-name SecureTrail")
    assert buckets(account) == [account.bucket]
