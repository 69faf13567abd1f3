"""Calls that AWS makes itself: every use of a trail's key, and of the keys of objects, parameters and secrets."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.instance import control, lifecycle
from lab.instance.folder import Lab
from lab.settings import Settings
from tests.lab.conftest import make_client
from tests.lab.destination import make_bucket, make_key
from tests.lab.real_logs import real_records

LOGS, DATA, TRAIL = "service-call-logs", "service-call-data", "service-calls"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, str, list[dict[str, Any]]]]:
    home: Path = tmp_path_factory.mktemp("services")
    lab = lifecycle.start(home, settings=Settings(delivery_seconds=3600, digest_seconds=3600))
    s3, ssm, secrets = make_client(lab, "s3"), make_client(lab, "ssm"), make_client(lab, "secretsmanager")
    key = make_key(make_client(lab, "kms"))
    make_bucket(s3, LOGS)
    s3.create_bucket(Bucket=DATA)
    make_client(lab, "cloudtrail").create_trail(Name=TRAIL, S3BucketName=LOGS, KmsKeyId=key)
    make_client(lab, "cloudtrail").start_logging(Name=TRAIL)
    s3.put_object(Bucket=DATA, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    s3.get_object(Bucket=DATA, Key="k")["Body"].read()
    s3.put_object(Bucket=DATA, Key="plain", Body=b"x")
    s3.get_object(Bucket=DATA, Key="plain")["Body"].read()
    s3.copy_object(Bucket=DATA, Key="copy", CopySource=f"{DATA}/k")
    ssm.put_parameter(Name="/a/b", Value="v", Type="SecureString")
    ssm.put_parameter(Name="/a/c", Value="v", Type="String")
    ssm.get_parameter(Name="/a/b", WithDecryption=True)
    ssm.get_parameter(Name="/a/b")
    ssm.get_parameters(Names=["/a/b", "/a/c"], WithDecryption=True)
    ssm.get_parameter_history(Name="/a/b", WithDecryption=True)
    secret = secrets.create_secret(Name="s", SecretString="t")
    secrets.get_secret_value(SecretId="s")
    secrets.update_secret(SecretId="s", SecretString="u")
    secrets.batch_get_secret_value(SecretIdList=["s"])
    control.deliver(lab)
    make_client(lab, "iam").list_users()
    control.deliver(lab)
    make_client(lab, "iam").list_users()
    control.deliver(lab)
    records = _delivered(s3)
    yield lab, key, [*records, {"secret": secret["ARN"]}]
    lifecycle.stop(home)


def _delivered(s3: Any) -> list[dict[str, Any]]:
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=LOGS, Prefix="AWSLogs")["Contents"]]
    keys = [key for key in keys if "/CloudTrail/" in key]
    bodies = [gzip.decompress(s3.get_object(Bucket=LOGS, Key=key)["Body"].read()) for key in keys]
    return [record for body in bodies for record in json.loads(body)["Records"]]


def of_kms(records: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    return [
        each
        for each in records
        if each.get("eventSource") == "kms.amazonaws.com" and each["userIdentity"].get("invokedBy") == by
    ]


def test_cloudtrail_uses_the_key_for_every_file_and_says_so(
    recorded: tuple[Lab, str, list[dict[str, Any]]],
) -> None:
    lab, key, records = recorded
    uses = of_kms(records, "cloudtrail.amazonaws.com")

    s3 = make_client(lab, "s3")
    files = {each["Key"] for each in s3.list_objects_v2(Bucket=LOGS, Prefix="AWSLogs")["Contents"]}
    told = {each["requestParameters"]["encryptionContext"]["aws:s3:arn"].split("/", 1)[1] for each in uses}
    # Those of the last delivery are recorded after it.
    assert len(told) == 2
    assert told <= files
    assert {each["eventName"] for each in uses} == {"GenerateDataKey"}
    assert {each["userIdentity"]["type"] for each in uses} == {"AWSService"}
    assert {each["resources"][0]["ARN"] for each in uses} == {key}
    arn = f"arn:aws:cloudtrail:us-east-1:{lab.account}:trail/{TRAIL}"
    assert {each["requestParameters"]["encryptionContext"]["aws:cloudtrail:arn"] for each in uses} == {arn}


def test_what_cloudtrail_does_to_deliver_is_no_reason_to_deliver(
    recorded: tuple[Lab, str, list[dict[str, Any]]],
) -> None:
    lab = recorded[0]
    s3 = make_client(lab, "s3")

    def logs() -> int:
        return sum("/CloudTrail/" in each["Key"] for each in s3.list_objects_v2(Bucket=LOGS)["Contents"])

    control.deliver(lab)  # reading the log files used the key
    before = logs()
    control.deliver(lab)
    control.deliver(lab)
    assert logs() == before
    make_client(lab, "iam").list_users()
    control.deliver(lab)
    assert logs() == before + 1


def test_s3_ssm_and_secrets_manager_use_keys_in_their_callers_name(
    recorded: tuple[Lab, str, list[dict[str, Any]]],
) -> None:
    lab, key, records = recorded
    secret = records[-1]["secret"]
    parameter = f"arn:aws:ssm:us-east-1:{lab.account}:parameter/a/b"
    shown = {
        by: [(each["eventName"], each["requestParameters"]["encryptionContext"]) for each in of_kms(records, by)]
        for by in ("AWS Internal", "secretsmanager.amazonaws.com")
    }

    context = {"aws:s3:arn": f"arn:aws:s3:::{DATA}/k"}
    named = {"PARAMETER_ARN": parameter}
    assert shown["AWS Internal"] == [
        ("GenerateDataKey", context),
        ("Decrypt", context),
        ("Decrypt", context),
        ("Encrypt", named),
        ("Decrypt", named),
        ("Decrypt", named),
        ("Decrypt", named),
    ]
    of_secrets = ["GenerateDataKey", "Decrypt", "GenerateDataKey", "Decrypt"]
    assert [name for name, _ in shown["secretsmanager.amazonaws.com"]] == of_secrets
    assert {each["SecretARN"] for _, each in shown["secretsmanager.amazonaws.com"]} == {secret}
    internal = of_kms(records, "AWS Internal")
    assert {each["userIdentity"]["userName"] for each in internal} == {"learner"}
    assert {each["resources"][0]["ARN"] for each in internal if "resources" in each} == {key}


def test_each_secret_of_a_batch_has_a_record_of_its_own(recorded: tuple[Lab, str, list[dict[str, Any]]]) -> None:
    records = recorded[2]
    read = [each for each in records if each.get("eventName") in ("BatchGetSecretValue", "GetSecretValue")]

    assert [each["eventName"] for each in read] == ["GetSecretValue", "BatchGetSecretValue", "GetSecretValue"]
    assert read[-1]["requestParameters"] == {"secretId": records[-1]["secret"]}
    assert len({each["eventID"] for each in read} | {each["requestID"] for each in read}) == 6


# Of the real records, what the lab does not have.
_LEFT = {
    "vpcEndpointId": "the lab has no endpoints of VPCs",
    "additionalEventData.CipherSuite": "the lab speaks plain HTTP on loopback",
    "additionalEventData.x-amz-id-2": "nothing was asked over HTTP",
    "resources": "the lab does not have the keys that AWS manages",
}


def test_they_have_the_shape_of_real_ones(recorded: tuple[Lab, str, list[dict[str, Any]]]) -> None:
    def kind(record: dict[str, Any]) -> tuple[str, str, str]:
        return record["eventSource"], record["eventName"], record["userIdentity"].get("invokedBy", "")

    def paths(value: Any, start: str = "") -> set[str]:
        if not isinstance(value, dict) or start.endswith("encryptionContext."):  # its names are data
            return set()
        return {f"{start}{name}" for name in value}.union(*(paths(each, f"{start}{n}.") for n, each in value.items()))

    real: dict[tuple[str, str, str], set[str]] = {}
    for record in real_records():
        real[kind(record)] = real.get(kind(record), set()) | paths(record)
    common = 0
    for record in recorded[2][:-1]:
        if record["userIdentity"].get("invokedBy") and kind(record) in real:
            common += 1
            missing = {each for each in real[kind(record)] - paths(record) if not each.startswith(tuple(_LEFT))}
            assert (kind(record), missing) == (kind(record), set())
            assert paths(record) <= real[kind(record)]
    assert common >= 5
