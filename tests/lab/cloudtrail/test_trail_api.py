"""Trails through the API and through stacks: what is rejected, what is told, what is delivered."""

import gzip
import json
import time
from datetime import UTC
from typing import Any

import pytest

from lab.instance import control
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory, error_of
from tests.lab.destination import ACCOUNT, bucket_policy, key_policy, make_bucket, make_key, make_topic
from tests.tiers import mostly_slow

pytestmark = pytest.mark.usefixtures("no_trails_left")

BUCKET = "trail-api"
NAME = "api-trail"


@pytest.fixture(scope="module", autouse=True)
def bucket(client: ClientFactory) -> str:
    return make_bucket(client("s3"), BUCKET)


@pytest.fixture(scope="module")
def key(client: ClientFactory) -> str:
    return make_key(client("kms"))


def delivered(client: ClientFactory, prefix: str) -> list[dict[str, Any]]:
    """Every record below a prefix, but for those of CloudTrail's own deliveries, which come when their time comes.

    In the order of delivery: what names tell of it is the minute, and a delivery may be due at any moment.
    """
    s3 = client("s3")
    listed = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix=f"{prefix}/AWSLogs/{ACCOUNT}/CloudTrail/"
    )
    files = [each for page in listed for each in page.get("Contents", ())]
    keys = [each["Key"] for each in sorted(files, key=lambda each: each["LastModified"])]
    bodies = [gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys]
    records = [record for body in bodies for record in json.loads(body)["Records"]]
    return [record for record in records if record["userIdentity"]["type"] != "AWSService"]


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

    only_here = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}
    closed = {"PolicyName": "default", "Policy": json.dumps({"Version": "2012-10-17", "Statement": [only_here]})}
    forbidden = status_after(kms={"enable_key": {"KeyId": key}, "put_key_policy": {"KeyId": key, **closed}})
    assert forbidden["LatestDeliveryError"] == "AccessDenied"

    opened = {"PolicyName": "default", "Policy": key_policy()}
    repaired = status_after(kms={"put_key_policy": {"KeyId": key, **opened}})
    assert "LatestDeliveryError" not in repaired
    assert repaired["LatestDeliveryTime"] > clean["LatestDeliveryTime"]
    assert repaired["LatestDigestDeliveryTime"] > clean["LatestDigestDeliveryTime"]
    found = [each["requestID"] for each in delivered(client, "told") if each["eventName"] == "DescribeRegions"]
    assert sorted(found) == sorted(wanted)


def test_the_status_is_of_the_region_where_it_is_called(lab: Lab, client: ClientFactory) -> None:
    cloudtrail, away = client("cloudtrail"), client("cloudtrail", region_name="eu-west-1")
    arn = cloudtrail.create_trail(
        Name=NAME, S3BucketName=BUCKET, S3KeyPrefix="here", IsMultiRegionTrail=True, EnableLogFileValidation=True
    )["TrailARN"]
    cloudtrail.start_logging(Name=NAME)
    cloudtrail.stop_logging(Name=NAME)
    control.deliver(lab)

    here, there = (each.get_trail_status(Name=arn) for each in (cloudtrail, away))
    told = {"LatestDeliveryTime", "LatestDigestDeliveryTime"}
    assert told & set(here) == told
    assert told & set(there) == set()
    assert {here["StopLoggingTime"], there["StopLoggingTime"]} == {here["StopLoggingTime"]}


def test_log_files_arrive_by_themselves(client: ClientFactory) -> None:
    cloudtrail = client("cloudtrail")
    cloudtrail.create_trail(
        Name=NAME, S3BucketName=BUCKET, S3KeyPrefix="alone", SnsTopicName=make_topic(client("sns"), "n")
    )
    cloudtrail.start_logging(Name=NAME)
    deadline = time.monotonic() + 180
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


@pytest.mark.slow
def test_a_region_that_was_silent_before_a_pause_has_one_digest_from_the_beginning_on(
    lab: Lab, client: ClientFactory
) -> None:
    cloudtrail = client("cloudtrail")
    cloudtrail.create_trail(
        Name=NAME, S3BucketName=BUCKET, S3KeyPrefix="silent", IsMultiRegionTrail=True, EnableLogFileValidation=True
    )
    cloudtrail.start_logging(Name=NAME)
    began = cloudtrail.get_trail_status(Name=NAME)["StartLoggingTime"]
    time.sleep(1.1)
    cloudtrail.stop_logging(Name=NAME)
    time.sleep(1.1)
    cloudtrail.start_logging(Name=NAME)
    client("ec2", region_name="eu-north-1").describe_vpcs()
    time.sleep(1.1)
    control.deliver(lab)

    s3, prefix = client("s3"), f"silent/AWSLogs/{ACCOUNT}/CloudTrail-Digest/eu-north-1/"
    (digest,) = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]]
    body = json.loads(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=digest)["Body"].read()))
    assert body["digestStartTime"] == f"{began.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.slow
def test_a_quiet_region_gets_a_digest_for_every_time_of_logging_however_short(lab: Lab, client: ClientFactory) -> None:
    cloudtrail = client("cloudtrail")
    cloudtrail.create_trail(
        Name=NAME, S3BucketName=BUCKET, S3KeyPrefix="quiet", IsMultiRegionTrail=True, EnableLogFileValidation=True
    )
    cloudtrail.start_logging(Name=NAME)
    client("ec2", region_name="eu-north-1").describe_vpcs()
    control.deliver(lab)
    for _ in range(2):
        time.sleep(1.1)  # digests are named after the second in which they end
        cloudtrail.stop_logging(Name=NAME)
        cloudtrail.start_logging(Name=NAME)
    time.sleep(1.1)
    control.deliver(lab)
    control.deliver(lab)

    s3, prefix = client("s3"), f"quiet/AWSLogs/{ACCOUNT}/CloudTrail-Digest/eu-north-1/"
    keys = sorted(each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"])
    bodies = [json.loads(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())) for key in keys]
    firsts = [body for body in bodies if body["previousDigestSignature"] is None]
    assert len(firsts) == 3
    ends = [body["digestEndTime"] for body in bodies]
    assert all(start >= end for start, end in zip([body["digestStartTime"] for body in bodies][1:], ends, strict=False))


def test_nothing_of_a_deleted_trail_reaches_a_bucket_made_later_under_the_same_name(
    lab: Lab, client: ClientFactory
) -> None:
    s3, cloudtrail, bucket = client("s3"), client("cloudtrail"), "made-twice"

    def begin() -> None:
        make_bucket(s3, bucket)
        cloudtrail.create_trail(Name=NAME, S3BucketName=bucket, EnableLogFileValidation=True)
        cloudtrail.start_logging(Name=NAME)

    begin()
    control.deliver(lab)
    cloudtrail.delete_trail(Name=NAME)
    while True:  # the lab delivers by itself as well, also in between
        for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
            s3.delete_object(Bucket=bucket, Key=each["Key"])
        try:
            s3.delete_bucket(Bucket=bucket)
        except s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "BucketNotEmpty"
        else:
            break
    begin()
    time.sleep(1.1)
    control.deliver(lab)

    (digest,) = [
        each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"] if "/CloudTrail-Digest/" in each["Key"]
    ]
    body = json.loads(gzip.decompress(s3.get_object(Bucket=bucket, Key=digest)["Body"].read()))
    assert body["previousDigestS3Object"] is None
    for named in body["logFiles"]:
        s3.head_object(Bucket=bucket, Key=named["s3Object"])
    records = [
        record
        for named in body["logFiles"]
        for record in json.loads(gzip.decompress(s3.get_object(Bucket=bucket, Key=named["s3Object"])["Body"].read()))[
            "Records"
        ]
    ]
    assert "DeleteTrail" not in [each["eventName"] for each in records]


def test_what_a_deleted_trail_could_not_deliver_is_not_the_trouble_of_the_next_of_its_name(
    lab: Lab, client: ClientFactory
) -> None:
    kms, cloudtrail = client("kms"), client("cloudtrail")
    settings = {"Name": NAME, "S3BucketName": BUCKET, "S3KeyPrefix": "heir", "EnableLogFileValidation": True}
    lost = make_key(kms)
    cloudtrail.create_trail(**settings, KmsKeyId=lost)
    cloudtrail.start_logging(Name=NAME)
    kms.disable_key(KeyId=lost)
    cloudtrail.delete_trail(Name=NAME)
    control.deliver(lab)
    time.sleep(1.1)

    cloudtrail.create_trail(**settings)
    cloudtrail.start_logging(Name=NAME)
    created = cloudtrail.get_trail_status(Name=NAME)
    control.deliver(lab)

    assert [name for name in created if name.endswith("Error")] == []
    names = [each["eventName"] for each in delivered(client, "heir")]
    assert "StartLogging" in names
    assert "DeleteTrail" not in names


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("operation", "member", "code"),
    mostly_slow(
        [
            ("StopLogging", "Name", "InvalidTrailNameException"),
            ("DeleteTrail", "Name", "InvalidTrailNameException"),
            ("GetTrail", "Name", "InvalidTrailNameException"),
            ("GetTrailStatus", "Name", "InvalidTrailNameException"),
            ("UpdateTrail", "Name", "InvalidTrailNameException"),
            ("PutEventSelectors", "TrailName", "InvalidTrailNameException"),
            ("GetEventSelectors", "TrailName", "InvalidTrailNameException"),
            ("DescribeTrails", "trailNameList", "InvalidTrailNameException"),
            ("AddTags", "ResourceId", "CloudTrailARNInvalidException"),
            ("ListTags", "ResourceIdList", "CloudTrailARNInvalidException"),
        ],
        every=5,
    ),
)
@pytest.mark.parametrize("form", [" {}", "{}\t", "\u00a0{}"])
def test_a_trail_is_not_found_by_a_name_with_space_around_it(
    client: ClientFactory, operation: str, member: str, code: str, form: str
) -> None:
    """Who is denied a trail by its ARN would reach it by such a name."""
    cloudtrail = client("cloudtrail")
    arn = cloudtrail.create_trail(Name=NAME, S3BucketName=BUCKET)["TrailARN"]
    cloudtrail.start_logging(Name=NAME)
    name = form.format(arn if member.startswith("Resource") else NAME)
    more: dict[str, Any] = {"AddTags": {"TagsList": []}, "PutEventSelectors": {"EventSelectors": []}}.get(operation, {})
    call = getattr(cloudtrail, "".join(f"_{each.lower()}" if each.isupper() else each for each in operation)[1:])

    assert error_of(call, **{member: [name] if member.endswith("List") else name}, **more) == code
    assert cloudtrail.get_trail_status(Name=NAME)["IsLogging"]
