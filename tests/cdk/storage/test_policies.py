"""Who may use the key and the log bucket: CloudTrail for this trail, in every partition."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from constructs_lib import NewBucket, SecureTrail
from tests.cdk.conftest import new_app, only
from tests.cdk.templates import cloudtrail_statements, plain

ACCOUNT = "111122223333"
PARTITIONS = [("aws", "eu-central-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")]


def template_in(region: str, **props: Any) -> Template:
    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=ACCOUNT, region=region))
    SecureTrail(stack, "SecureTrail", trail_name="recorder", log_bucket=NewBucket(bucket_name="recorder-logs"), **props)
    return Template.from_stack(stack)


@pytest.mark.parametrize(("partition", "region"), PARTITIONS)
def test_the_key_policy_allows_cloudtrail_for_this_trail_only(partition: str, region: str) -> None:
    key = only(template_in(region), "AWS::KMS::Key")
    trail_arn = f"arn:{partition}:cloudtrail:{region}:{ACCOUNT}:trail/recorder"

    assert cloudtrail_statements(key["KeyPolicy"], partition) == [
        {
            "Sid": "CloudTrailEncryptsLogs",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "kms:GenerateDataKey*",
            "Resource": "*",
            "Condition": {
                "StringEquals": {"aws:SourceArn": trail_arn},
                "StringLike": {
                    "kms:EncryptionContext:aws:cloudtrail:arn": f"arn:{partition}:cloudtrail:*:{ACCOUNT}:trail/*"
                },
            },
        },
        {
            "Sid": "CloudTrailUsesKey",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:DescribeKey"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceArn": trail_arn}},
        },
    ]


@pytest.mark.parametrize(("partition", "region"), PARTITIONS)
def test_the_account_keeps_full_access_to_the_key(partition: str, region: str) -> None:
    key = only(template_in(region), "AWS::KMS::Key")

    assert plain(key["KeyPolicy"], partition)["Statement"][0] == {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }


@pytest.mark.parametrize("prefix", [None, "audit/cloudtrail"])
@pytest.mark.parametrize(("partition", "region"), PARTITIONS)
def test_the_bucket_allows_cloudtrail_for_this_trail_only(partition: str, region: str, prefix: str | None) -> None:
    template = template_in(region, s3_key_prefix=prefix)
    trail = next(iter(template.find_resources("AWS::CloudTrail::Trail").values()))["Properties"]
    document = only(template, "AWS::S3::BucketPolicy", Bucket=trail["S3BucketName"])["PolicyDocument"]
    trail_arn = f"arn:{partition}:cloudtrail:{region}:{ACCOUNT}:trail/recorder"
    folder = f"{prefix}/" if prefix else ""

    assert cloudtrail_statements(document, partition) == [
        {
            "Sid": "AWSCloudTrailAclCheck",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:GetBucketAcl",
            "Resource": "BUCKET_ARN",
            "Condition": {"StringEquals": {"aws:SourceArn": trail_arn}},
        },
        {
            "Sid": "AWSCloudTrailWrite",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"BUCKET_ARN/{folder}AWSLogs/{ACCOUNT}/*",
            "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceArn": trail_arn}},
        },
    ]


def test_both_buckets_refuse_everything_without_tls() -> None:
    policies = template_in("eu-central-1").find_resources("AWS::S3::BucketPolicy")

    assert len(policies) == 2
    for policy in policies.values():
        denials = [
            statement
            for statement in plain(policy["Properties"]["PolicyDocument"], "aws")["Statement"]
            if statement["Effect"] == "Deny"
        ]
        assert denials == [
            {
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "s3:*",
                "Resource": ["BUCKET_ARN", "BUCKET_ARN/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]


@pytest.mark.parametrize(("partition", "region"), PARTITIONS)
def test_no_arn_names_a_partition_by_hand(partition: str, region: str) -> None:
    text = json.dumps(plain(template_in(region).to_json(), partition))

    others = {f'"arn:{name}:' for name, _ in PARTITIONS} - {f'"arn:{partition}:'}
    assert [arn for arn in others if arn in text] == []
