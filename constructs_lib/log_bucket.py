"""The bucket that holds the record, the bucket that records who touched it, and what CloudTrail may do there."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.service import CLOUDTRAIL

_MULTIPART_LEFTOVERS = cdk.Duration.days(7)


def create_access_log_bucket(
    scope: Construct, *, expiration: cdk.Duration, removal_policy: cdk.RemovalPolicy
) -> s3.Bucket:
    """The bucket for S3 server access logs.

    S3 delivers access logs neither to a bucket that encrypts with KMS nor to one with Object Lock:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    return s3.Bucket(
        scope,
        "AccessLogs",
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(
                expiration=expiration,
                noncurrent_version_expiration=cdk.Duration.days(30),
                abort_incomplete_multipart_upload_after=_MULTIPART_LEFTOVERS,
            )
        ],
        removal_policy=removal_policy,
    )


def create_log_bucket(
    scope: Construct,
    *,
    bucket_name: str | None,
    key: kms.IKey,
    access_log_bucket: s3.IBucket,
    noncurrent_version_expiration: cdk.Duration,
    removal_policy: cdk.RemovalPolicy,
) -> s3.Bucket:
    """The encrypted, versioned, private bucket for CloudTrail's log files.

    There is no statement that denies unencrypted uploads: CloudTrail's own test write when a trail is created sends no
    encryption header, so such a statement makes CreateTrail fail. The bucket's default encryption does the work.
    """
    return s3.Bucket(
        scope,
        "Bucket",
        bucket_name=bucket_name,
        encryption=s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(
                noncurrent_version_expiration=noncurrent_version_expiration,
                abort_incomplete_multipart_upload_after=_MULTIPART_LEFTOVERS,
            )
        ],
        server_access_logs_bucket=access_log_bucket,
        server_access_logs_prefix="cloudtrail-log-bucket/",
        removal_policy=removal_policy,
    )


def bucket_policy_statements(
    scope: Construct, bucket: s3.IBucket, trail_arn: str, s3_key_prefix: str | None
) -> list[iam.PolicyStatement]:
    """What CloudTrail needs on the bucket, for this trail and no other.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    folder = f"{s3_key_prefix}/" if s3_key_prefix else ""
    return [
        iam.PolicyStatement(
            sid="AWSCloudTrailAclCheck",
            principals=[CLOUDTRAIL],
            actions=["s3:GetBucketAcl"],
            resources=[bucket.bucket_arn],
            conditions={"StringEquals": {"aws:SourceArn": trail_arn}},
        ),
        iam.PolicyStatement(
            sid="AWSCloudTrailWrite",
            principals=[CLOUDTRAIL],
            actions=["s3:PutObject"],
            resources=[bucket.arn_for_objects(f"{folder}AWSLogs/{cdk.Stack.of(scope).account}/*")],
            conditions={"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceArn": trail_arn}},
        ),
    ]
