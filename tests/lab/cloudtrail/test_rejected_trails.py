"""Trails that the API and stacks reject."""

from typing import Any

import pytest

from tests.lab.conftest import ClientFactory, Stack, error_of
from tests.lab.destination import make_bucket

pytestmark = pytest.mark.usefixtures("no_trails_left")

BUCKET = "rejecting-trail-api"
NAME = "rejected-trail"


@pytest.fixture(scope="module", autouse=True)
def bucket(client: ClientFactory) -> str:
    return make_bucket(client("s3"), BUCKET)


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
def test_create_and_update_reject_what_aws_rejects(
    client: ClientFactory, parameters: dict[str, Any], code: str
) -> None:
    cloudtrail = client("cloudtrail")
    assert error_of(cloudtrail.create_trail, **{"Name": NAME, "S3BucketName": BUCKET, **parameters}) == code
    assert cloudtrail.describe_trails()["trailList"] == []
    if "Name" not in parameters:
        made = cloudtrail.create_trail(Name=NAME, S3BucketName=BUCKET)
        assert error_of(cloudtrail.update_trail, **{"Name": NAME, **parameters}) == code
        assert cloudtrail.get_trail(Name=NAME)["Trail"]["S3BucketName"] == made["S3BucketName"] == BUCKET


def test_a_bucket_without_the_policy_and_a_key_without_it_are_rejected(client: ClientFactory) -> None:
    cloudtrail = client("cloudtrail")
    client("s3").create_bucket(Bucket="no-policy")
    plain_key = client("kms").create_key()["KeyMetadata"]["KeyId"]

    code = error_of(cloudtrail.create_trail, Name=NAME, S3BucketName="no-policy")
    assert code == "InsufficientS3BucketPolicyException"
    code = error_of(cloudtrail.create_trail, Name=NAME, S3BucketName=BUCKET, KmsKeyId=plain_key)
    assert code == "InsufficientEncryptionPolicyException"


def test_the_sixth_trail_of_a_region_is_rejected(client: ClientFactory) -> None:
    cloudtrail = client("cloudtrail")
    for number in range(5):
        cloudtrail.create_trail(Name=f"{NAME}-{number}", S3BucketName=BUCKET)

    assert error_of(cloudtrail.create_trail, Name=NAME, S3BucketName=BUCKET) == "MaximumNumberOfTrailsExceededException"
    west = client("cloudtrail", region_name="us-west-2")
    west.create_trail(Name=NAME, S3BucketName=BUCKET)
    west.delete_trail(Name=NAME)


def test_a_name_that_is_taken_is_rejected_as_such(client: ClientFactory) -> None:
    client("cloudtrail").create_trail(Name=NAME, S3BucketName=BUCKET)

    code = error_of(client("cloudtrail").create_trail, Name=NAME, S3BucketName="no-such-bucket")
    assert code == "TrailAlreadyExistsException"


def test_invalid_selectors_are_rejected(client: ClientFactory) -> None:
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
def test_a_stack_fails_with_the_same_rejection(
    stack: Stack, client: ClientFactory, properties: dict[str, Any], text: str
) -> None:
    client("s3").create_bucket(Bucket="no-policy-either")
    trail = {"Type": "AWS::CloudTrail::Trail", "Properties": {"IsLogging": True, **properties}}

    assert stack.deploy({"Trail": trail}) == "ROLLBACK_COMPLETE"
    assert any(text in each for each in stack.failures()), stack.failures()
    assert client("cloudtrail").describe_trails()["trailList"] == []
