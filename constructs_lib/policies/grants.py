"""The permissions to read log files, and those that the verifier needs."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

# What `python -m verify check` calls, by the resource that IAM can restrict the permission to.
_ASK_ACCOUNT: Final = (
    "cloudformation:DescribeStacks",
    "cloudtrail:DescribeTrails",
    "cloudtrail:LookupEvents",
    "logs:DescribeSubscriptionFilters",  # of the trail's log group, if it has one
    "organizations:DescribeOrganization",
    "s3:GetAccessPointPolicy",
    "s3:GetAccountPublicAccessBlock",
    # Of the bucket for access logs as well, whatever its name.
    "s3:GetBucketObjectLockConfiguration",
    "s3:ListAccessPoints",
    "s3:ListAllMyBuckets",
)
_ASK_TRAIL: Final = ("cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus")
_ASK_KEY: Final = ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants")
_ASK_BUCKET: Final = (
    "s3:GetBucketAcl",
    "s3:GetBucketLogging",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
)


def grant_read(
    grantee: iam.IGrantable, *, bucket: s3.IBucket, key: kms.IKey, folder: str, trails_of_the_account: str
) -> None:
    """Let the grantee list, read and decrypt log files, and decrypt nothing else that the key encrypts.

    KMS sees CloudTrail's own encryption context, or the bucket's when S3 used a bucket key, so either may match.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html

    :param folder: the path in the bucket that may be read, such as ``AWSLogs``.
    :param trails_of_the_account: the ARN, with wildcards, that CloudTrail puts into the encryption context.
    """
    iam.Grant.add_to_principal_or_resource(
        grantee=grantee,
        resource=bucket,
        actions=["s3:GetBucketLocation"],
        resource_arns=[bucket.bucket_arn],
    )
    iam.Grant.add_to_principal_or_resource(
        grantee=grantee,
        resource=bucket,
        actions=["s3:ListBucket"],
        resource_arns=[bucket.bucket_arn],
        conditions={"StringLike": {"s3:prefix": [folder, f"{folder}/*"]}},
    )
    iam.Grant.add_to_principal_or_resource(
        grantee=grantee,
        resource=bucket,
        actions=["s3:GetObject", "s3:GetObjectVersion"],
        resource_arns=[bucket.arn_for_objects(f"{folder}/*")],
    )
    contexts = {
        "aws:cloudtrail:arn": [trails_of_the_account],
        "aws:s3:arn": [bucket.bucket_arn, bucket.arn_for_objects(f"{folder}/*")],
    }
    for name, values in contexts.items():
        iam.Grant.add_to_principal_or_resource(
            grantee=grantee,
            resource=key,
            actions=["kms:Decrypt"],
            resource_arns=[key.key_arn],
            resource_self_arns=["*"],
            conditions={"StringLike": {f"kms:EncryptionContext:{name}": values}},
        )


def verifier_policy(*, bucket_arn: str, key_arn: str, trail_arn: str) -> iam.PolicyDocument:
    """What ``python -m verify check`` needs, restricted to this trail, key and bucket wherever IAM can."""
    asked = {
        "LookUpTrailAndStack": (_ASK_ACCOUNT, "*"),
        "LookAtTrail": (_ASK_TRAIL, trail_arn),
        "LookAtKey": (_ASK_KEY, key_arn),
        "LookAtBucket": (_ASK_BUCKET, bucket_arn),
    }
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(sid=sid, actions=list(actions), resources=[resource])
            for sid, (actions, resource) in asked.items()
        ]
    )
