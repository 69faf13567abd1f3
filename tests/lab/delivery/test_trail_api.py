"""Trails through the API and through stacks: what is refused, what is told, what is delivered."""

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import control
from lab.state import Lab
from tests.lab.conftest import ClientFactory, Stack
from tests.lab.destination import ACCOUNT, bucket_policy, key_policy, make_bucket, make_key, make_topic

BUCKET = "trail-api"
NAME = "api-trail"


@pytest.fixture(scope="module", autouse=True)
def bucket(client: ClientFactory) -> str:
    return make_bucket(client("s3"), BUCKET)


@pytest.fixture(scope="module")
def key(client: ClientFactory) -> str:
    return make_key(client("kms"))


@pytest.fixture(autouse=True)
def no_trails_left(client: ClientFactory) -> Iterator[None]:
    yield
    for each in client("cloudtrail").describe_trails(includeShadowTrails=False)["trailList"]:
        client("cloudtrail").delete_trail(Name=each["Name"])


def error_of(action: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        action(**parameters)
    return str(caught.value.response["Error"]["Code"])


def delivered(client: ClientFactory, prefix: str) -> list[dict[str, Any]]:
    """Every record below a prefix."""
    s3 = client("s3")
    listed = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix=f"{prefix}/AWSLogs/{ACCOUNT}/CloudTrail/"
    )
    keys = [each["Key"] for page in listed for each in page.get("Contents", ())]
    bodies = [gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys]
    return [record for body in bodies for record in json.loads(body)["Records"]]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"Name": "a b"}, "InvalidTrailNameException"),
        ({"S3BucketName": "Nope"}, "InvalidS3BucketNameException"),
        ({"S3BucketName": "no-such-bucket"}, "S3BucketDoesNotExistException"),
        ({"S3KeyPrefix": "p" * 201}, "InvalidS3PrefixException"),
        ({"KmsKeyId": "alias/none"}, "KmsKeyNotFoundException"),
        ({"KmsKeyId": "not a key"}, "InvalidKmsKeyIdException"),
        ({"SnsTopicName": "no-such-topic"}, "InsufficientSnsTopicPolicyException"),
        ({"IsOrganizationTrail": True}, "OrganizationsNotInUseException"),
        (
            {"IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": False},
            "InvalidParameterCombinationException",
        ),
    ],
)
def test_create_and_update_refuse_what_aws_refuses(
    client: ClientFactory, parameters: dict[str, Any], code: str
) -> None:
    cloudtrail = client("cloudtrail")
    assert error_of(cloudtrail.create_trail, **{"Name": NAME, "S3BucketName": BUCKET, **parameters}) == code
    assert cloudtrail.describe_trails()["trailList"] == []
    if "Name" not in parameters:
        made = cloudtrail.create_trail(Name=NAME, S3BucketName=BUCKET)
        assert error_of(cloudtrail.update_trail, **{"Name": NAME, **parameters}) == code
        assert cloudtrail.get_trail(Name=NAME)["Trail"]["S3BucketName"] == made["S3BucketName"] == BUCKET


def test_a_bucket_without_the_policy_and_a_key_without_it_are_refused(client: ClientFactory) -> None:
    cloudtrail = client("cloudtrail")
    client("s3").create_bucket(Bucket="no-policy")
    plain_key = client("kms").create_key()["KeyMetadata"]["KeyId"]

    code = error_of(cloudtrail.create_trail, Name=NAME, S3BucketName="no-policy")
    assert code == "InsufficientS3BucketPolicyException"
    code = error_of(cloudtrail.create_trail, Name=NAME, S3BucketName=BUCKET, KmsKeyId=plain_key)
    assert code == "InsufficientEncryptionPolicyException"


def test_the_sixth_trail_of_a_region_is_refused(client: ClientFactory) -> None:
    cloudtrail = client("cloudtrail")
    for number in range(5):
        cloudtrail.create_trail(Name=f"{NAME}-{number}", S3BucketName=BUCKET)

    assert error_of(cloudtrail.create_trail, Name=NAME, S3BucketName=BUCKET) == "MaximumNumberOfTrailsExceededException"
    west = client("cloudtrail", region_name="us-west-2")
    west.create_trail(Name=NAME, S3BucketName=BUCKET)
    west.delete_trail(Name=NAME)


def test_a_name_that_is_taken_is_refused_as_such(client: ClientFactory) -> None:
    client("cloudtrail").create_trail(Name=NAME, S3BucketName=BUCKET)

    code = error_of(client("cloudtrail").create_trail, Name=NAME, S3BucketName="no-such-bucket")
    assert code == "TrailAlreadyExistsException"


def test_invalid_selectors_are_refused(client: ClientFactory) -> None:
    client("cloudtrail").create_trail(Name=NAME, S3BucketName=BUCKET)

    code = error_of(
        client("cloudtrail").put_event_selectors, TrailName=NAME, EventSelectors=[{"ReadWriteType": "None"}]
    )
    assert code == "InvalidEventSelectorsException"


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ({"S3BucketName": "no-policy-either"}, "Incorrect S3 bucket policy is detected for bucket: no-policy-either"),
        ({"S3BucketName": "no-such-bucket"}, "S3BucketDoesNotExistException"),
        ({"S3BucketName": BUCKET, "TrailName": "x"}, "InvalidTrailNameException"),
        (
            {
                "S3BucketName": BUCKET,
                "EventSelectors": [{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["wrong"]}]}],
            },
            "InvalidEventSelectorsException",
        ),
    ],
)
def test_a_stack_fails_with_the_same_refusal(
    stack: Stack, client: ClientFactory, properties: dict[str, Any], text: str
) -> None:
    client("s3").create_bucket(Bucket="no-policy-either")
    trail = {"Type": "AWS::CloudTrail::Trail", "Properties": {"IsLogging": True, **properties}}

    assert stack.deploy({"Trail": trail}) == "ROLLBACK_COMPLETE"
    assert any(text in each for each in stack.failures()), stack.failures()
    assert client("cloudtrail").describe_trails()["trailList"] == []


def test_a_trail_shows_the_calls_from_its_start_to_its_stop(lab: Lab, client: ClientFactory) -> None:
    cloudtrail = client("cloudtrail")
    cloudtrail.create_trail(Name=NAME, S3BucketName=BUCKET, S3KeyPrefix="span", EnableLogFileValidation=True)
    client("ec2").describe_vpcs()
    cloudtrail.start_logging(Name=NAME)
    seen = client("ec2").describe_regions()["ResponseMetadata"]["RequestId"]
    stopped = cloudtrail.stop_logging(Name=NAME)["ResponseMetadata"]["RequestId"]
    client("ec2").describe_subnets()
    control.deliver(lab)

    names = [(each["eventName"], each["requestID"]) for each in delivered(client, "span")]
    assert [name for name, _ in names] == ["StartLogging", "DescribeRegions", "StopLogging"]
    assert names[1:] == [("DescribeRegions", seen), ("StopLogging", stopped)]


def test_the_status_tells_of_deliveries_failures_and_repairs(lab: Lab, client: ClientFactory, key: str) -> None:
    cloudtrail = client("cloudtrail")
    cloudtrail.create_trail(
        Name=NAME, S3BucketName=BUCKET, S3KeyPrefix="told", KmsKeyId=key, EnableLogFileValidation=True
    )
    cloudtrail.start_logging(Name=NAME)
    wanted = []

    def status_after(**change: Any) -> dict[str, Any]:
        for service, calls in change.items():
            for operation, parameters in calls.items():
                getattr(client(service), operation)(**parameters)
        wanted.append(client("ec2").describe_regions()["ResponseMetadata"]["RequestId"])
        time.sleep(1.1)  # a digest's period is at least a second
        control.deliver(lab)
        return dict(cloudtrail.get_trail_status(Name=NAME))

    clean = status_after()
    assert clean["IsLogging"] is True
    assert clean["LatestDeliveryTime"] >= clean["StartLoggingTime"]
    assert clean["LatestDigestDeliveryTime"] >= clean["StartLoggingTime"]
    assert {"LatestDeliveryError", "LatestDigestDeliveryError"} & set(clean) == set()

    without_policy = status_after(s3={"delete_bucket_policy": {"Bucket": BUCKET}})
    assert without_policy["LatestDeliveryError"] == without_policy["LatestDigestDeliveryError"] == "AccessDenied"
    assert without_policy["LatestDeliveryTime"] == clean["LatestDeliveryTime"]
    assert without_policy["LatestDeliveryAttemptTime"] > clean["LatestDeliveryAttemptTime"]

    disabled = status_after(
        s3={"put_bucket_policy": {"Bucket": BUCKET, "Policy": bucket_policy(BUCKET)}},
        kms={"disable_key": {"KeyId": key}},
    )
    assert disabled["LatestDeliveryError"] == "KMS.DisabledException"

    closed = {"PolicyName": "default", "Policy": json.dumps({"Version": "2012-10-17", "Statement": []})}
    forbidden = status_after(kms={"enable_key": {"KeyId": key}, "put_key_policy": {"KeyId": key, **closed}})
    assert forbidden["LatestDeliveryError"] == "AccessDenied"

    opened = {"PolicyName": "default", "Policy": key_policy()}
    repaired = status_after(kms={"put_key_policy": {"KeyId": key, **opened}})
    assert "LatestDeliveryError" not in repaired
    assert repaired["LatestDeliveryTime"] > clean["LatestDeliveryTime"]
    assert repaired["LatestDigestDeliveryTime"] > clean["LatestDigestDeliveryTime"]
    found = [each["requestID"] for each in delivered(client, "told") if each["eventName"] == "DescribeRegions"]
    assert sorted(found) == sorted(wanted)


def test_log_files_arrive_by_themselves(client: ClientFactory) -> None:
    cloudtrail = client("cloudtrail")
    cloudtrail.create_trail(
        Name=NAME, S3BucketName=BUCKET, S3KeyPrefix="alone", SnsTopicName=make_topic(client("sns"), "n")
    )
    cloudtrail.start_logging(Name=NAME)
    deadline = time.monotonic() + 20
    while not delivered(client, "alone") and time.monotonic() < deadline:
        time.sleep(0.2)

    assert delivered(client, "alone")[0]["eventName"] == "StartLogging"


def test_public_keys_are_those_of_the_region_and_the_time(client: ClientFactory) -> None:
    east, west = client("cloudtrail"), client("cloudtrail", region_name="us-west-2")
    [key] = east.list_public_keys()["PublicKeyList"]
    [other] = west.list_public_keys()["PublicKeyList"]

    assert key["Fingerprint"] != other["Fingerprint"]
    assert key["ValidityStartTime"] < key["ValidityEndTime"]
    assert east.list_public_keys(StartTime=0, EndTime=1000)["PublicKeyList"] == []
    assert error_of(east.list_public_keys, StartTime=1000, EndTime=0) == "InvalidTimeRangeException"
    assert error_of(east.list_public_keys, NextToken="x") == "InvalidTokenException"


def test_two_trails_with_one_name_in_turn_have_two_chains(lab: Lab, client: ClientFactory) -> None:
    for _ in range(2):
        client("cloudtrail").create_trail(
            Name=NAME, S3BucketName=BUCKET, S3KeyPrefix="turn", EnableLogFileValidation=True
        )
        client("cloudtrail").start_logging(Name=NAME)
        time.sleep(1.1)
        control.deliver(lab)
        client("cloudtrail").delete_trail(Name=NAME)
        time.sleep(1.1)
    control.deliver(lab)

    s3 = client("s3")
    keys = sorted(
        each["Key"]
        for each in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"turn/AWSLogs/{ACCOUNT}/CloudTrail-Digest/")["Contents"]
    )
    bodies = [json.loads(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())) for key in keys]
    assert [body["previousDigestS3Object"] is None for body in bodies] == [True, False, True, False]
    names = [each["eventName"] for each in delivered(client, "turn")]
    assert names.count("DeleteTrail") == 2
