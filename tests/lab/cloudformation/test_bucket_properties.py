"""Every property of AWS::S3::Bucket that the lab honours, read back through the API: set, changed, removed."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.lab.conftest import ClientFactory, Stack

ALL_BLOCKED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
KEY = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555"


def read(s3: Any, operation: str, bucket: str) -> Any:
    """What the API answers, or the error code with which it says that there is nothing."""
    try:
        answer = getattr(s3, operation)(Bucket=bucket)
    except ClientError as error:
        return error.response["Error"]["Code"]
    answer.pop("ResponseMetadata")
    return answer


def own_tags(answer: Any) -> Any:
    return [tag for tag in answer["TagSet"] if not tag["Key"].startswith("aws:cloudformation:")]


def sse(algorithm: str, key: str | None = None, **bucket_key: bool) -> dict[str, Any]:
    by_default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
    return {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": by_default} | bucket_key]}


def api_sse(algorithm: str, key: str | None = None, **bucket_key: bool) -> dict[str, Any]:
    by_default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
    rule = {"ApplyServerSideEncryptionByDefault": by_default} | bucket_key
    return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


# property, value, another value, the operation that reads it, and what it answers for: value, other, property removed
MATRIX: list[tuple[str, Any, Any, str, Any, Any, Any]] = [
    (
        "BucketEncryption",
        sse("aws:kms", KEY, BucketKeyEnabled=True),
        sse("AES256"),
        "get_bucket_encryption",
        api_sse("aws:kms", KEY, BucketKeyEnabled=True),
        api_sse("AES256"),
        api_sse("AES256", BucketKeyEnabled=False),
    ),
    (
        "OwnershipControls",
        {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
        {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
        "get_bucket_ownership_controls",
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}},
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
    ),
    (
        "PublicAccessBlockConfiguration",
        {"BlockPublicAcls": True},
        ALL_BLOCKED,
        "get_public_access_block",
        {"PublicAccessBlockConfiguration": dict.fromkeys(ALL_BLOCKED, False) | {"BlockPublicAcls": True}},
        {"PublicAccessBlockConfiguration": ALL_BLOCKED},
        {"PublicAccessBlockConfiguration": ALL_BLOCKED},
    ),
    (
        "VersioningConfiguration",
        {"Status": "Enabled"},
        {"Status": "Suspended"},
        "get_bucket_versioning",
        {"Status": "Enabled"},
        {"Status": "Suspended"},
        {"Status": "Suspended"},
    ),
    (
        "LoggingConfiguration",
        {"DestinationBucketName": "elsewhere", "LogFilePrefix": "a/"},
        {"DestinationBucketName": "elsewhere"},
        "get_bucket_logging",
        {"LoggingEnabled": {"TargetBucket": "elsewhere", "TargetPrefix": "a/"}},
        {"LoggingEnabled": {"TargetBucket": "elsewhere", "TargetPrefix": ""}},
        {},
    ),
    (
        "CorsConfiguration",
        {"CorsRules": [{"Id": "c", "AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": 5}]},
        {"CorsRules": [{"AllowedMethods": ["PUT"], "AllowedOrigins": ["x"], "ExposedHeaders": ["ETag"]}]},
        "get_bucket_cors",
        {"CORSRules": [{"ID": "c", "AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 5}]},
        {"CORSRules": [{"AllowedMethods": ["PUT"], "AllowedOrigins": ["x"], "ExposeHeaders": ["ETag"]}]},
        "NoSuchCORSConfiguration",
    ),
    (
        "WebsiteConfiguration",
        {"IndexDocument": "i.html", "ErrorDocument": "e.html"},
        {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}},
        "get_bucket_website",
        {"IndexDocument": {"Suffix": "i.html"}, "ErrorDocument": {"Key": "e.html"}},
        {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}},
        "NoSuchWebsiteConfiguration",
    ),
    (
        "AccelerateConfiguration",
        {"AccelerationStatus": "Enabled"},
        {"AccelerationStatus": "Suspended"},
        "get_bucket_accelerate_configuration",
        {"Status": "Enabled"},
        {"Status": "Suspended"},
        {"Status": "Suspended"},
    ),
    (
        "NotificationConfiguration",
        {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        {"EventBridgeConfiguration": {"EventBridgeEnabled": False}},
        "get_bucket_notification_configuration",
        {"EventBridgeConfiguration": {}},
        {},
        {},
    ),
]


@pytest.mark.parametrize("row", MATRIX, ids=[row[0] for row in MATRIX])
def test_a_bucket_property_is_set_changed_and_removed(
    stack: Stack, client: ClientFactory, row: tuple[Any, ...]
) -> None:
    prop, value, other, operation, first, second, removed = row
    s3 = client("s3")
    s3.create_bucket(Bucket="elsewhere")  # for logs
    for properties, expected in (({prop: value}, first), ({prop: other}, second), ({}, removed)):
        status = stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})

        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack.failures()
        assert read(s3, operation, stack.physical_id("Bucket")) == expected


def test_tags_come_from_the_template_and_from_cloudformation(stack: Stack, client: ClientFactory) -> None:
    for tags in ([{"Key": "a", "Value": "1"}], [{"Key": "b", "Value": "2"}], []):
        stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"Tags": tags}}})

        answer = read(client("s3"), "get_bucket_tagging", stack.physical_id("Bucket"))

        assert own_tags(answer) == tags
        assert {"Key": "aws:cloudformation:stack-name", "Value": stack.name} in answer["TagSet"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            {"Id": "all", "ExpirationInDays": 30},
            {"ID": "all", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}},
        ),
        (
            {"Prefix": "a/", "NoncurrentVersionExpirationInDays": 9},
            {"Filter": {"Prefix": "a/"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 9}},
        ),
        (
            {
                "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 2},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            },
            {
                "Filter": {"Prefix": ""},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 2},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            },
        ),
        (
            {"TagFilters": [{"Key": "k", "Value": "v"}], "ExpirationInDays": 1},
            {"Filter": {"Tag": {"Key": "k", "Value": "v"}}, "Expiration": {"Days": 1}},
        ),
        (
            {
                "ObjectSizeGreaterThan": 200,
                "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}],
                "NoncurrentVersionTransitions": [{"StorageClass": "DEEP_ARCHIVE", "TransitionInDays": 60}],
            },
            {
                "Filter": {"ObjectSizeGreaterThan": 200},
                "Transitions": [{"StorageClass": "GLACIER", "Days": 30}],
                "NoncurrentVersionTransitions": [{"StorageClass": "DEEP_ARCHIVE", "NoncurrentDays": 60}],
            },
        ),
    ],
)
def test_a_lifecycle_rule_reads_back_in_the_shape_of_the_api(
    stack: Stack, client: ClientFactory, rule: dict[str, Any], expected: dict[str, Any]
) -> None:
    properties = {"LifecycleConfiguration": {"Rules": [rule | {"Status": "Enabled"}]}}

    stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    answer = read(client("s3"), "get_bucket_lifecycle_configuration", stack.physical_id("Bucket"))
    stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}}})
    gone = read(client("s3"), "get_bucket_lifecycle_configuration", stack.physical_id("Bucket"))

    assert [{name: value for name, value in found.items() if name in expected} for found in answer["Rules"]] == [
        expected
    ]
    assert gone == "NoSuchLifecycleConfiguration"


def test_object_lock_is_on_from_the_start_with_its_default_retention(stack: Stack, client: ClientFactory) -> None:
    retention = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}
    properties = {
        "ObjectLockEnabled": True,
        "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": retention},
    }

    status = stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    bucket = stack.physical_id("Bucket")

    assert status == "CREATE_COMPLETE"
    assert read(client("s3"), "get_object_lock_configuration", bucket) == {
        "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": retention}
    }
    assert read(client("s3"), "get_bucket_versioning", bucket) == {"Status": "Enabled"}


def test_a_new_bucket_blocks_public_access_and_encrypts_however_it_is_made(client: ClientFactory) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="made-by-hand")

    assert read(s3, "get_public_access_block", "made-by-hand") == {"PublicAccessBlockConfiguration": ALL_BLOCKED}
    assert read(s3, "get_bucket_encryption", "made-by-hand") == api_sse("AES256", BucketKeyEnabled=False)


def test_another_name_is_another_bucket(stack: Stack, client: ClientFactory) -> None:
    for name in (f"{stack.name}-one", f"{stack.name}-two"):
        stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}})
        assert stack.physical_id("Bucket") == name

    names = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    assert (f"{stack.name}-one" in names, f"{stack.name}-two" in names) == (False, True)


def test_a_private_bucket_needs_no_acls(stack: Stack) -> None:
    for properties in ({"AccessControl": "Private"}, {}):
        stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
        assert stack.failures() == []
