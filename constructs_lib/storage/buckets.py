"""What every bucket of this construct has: no public access, no ACLs, versions, TLS only, a lifecycle, access logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.compliance.acknowledgements import acknowledge_access_log_limits
from constructs_lib.validation.existing_resources import check_access_log_location

_ABORT_MULTIPART_AFTER = cdk.Duration.days(7)
_PRIVATE = s3.BlockPublicAccess.BLOCK_ALL
_BY_POLICY = "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogging:
    """Where S3 server access logs of a bucket go.

    :param bucket: the bucket that S3 delivers them to.
    :param prefix: the beginning of their names.
    :param own: whether :func:`create_access_log_bucket` made that bucket, so that nothing about it must be checked.
    """

    bucket: s3.IBucket
    prefix: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long objects stay, and where.

    :param noncurrent_version_expiration: how long an overwritten or deleted object stays.
    :param expiration: when objects are deleted. Default: - never.
    :param transitions: to colder storage classes. Objects below 128 KB, which most log files are, move too (to the
        archive classes; the infrequent-access classes never take them):
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
    :param object_lock: no object can be deleted before this period ends. Default: - no lock.
    """

    noncurrent_version_expiration: cdk.Duration
    expiration: cdk.Duration | None = None
    transitions: Sequence[s3.Transition] = ()
    object_lock: s3.ObjectLockRetention | None = None


def create_bucket(
    scope: Construct,
    construct_id: str,
    *,
    key: kms.IKey | None,
    access_logging: AccessLogging | None,
    retention: Retention,
    bucket_name: str | None = None,
    removal_policy: cdk.RemovalPolicy,
) -> s3.Bucket:
    """A bucket that blocks public access.

    :param key: encrypts what is stored; without one S3's own key does.
    :param access_logging: where S3 logs requests to the bucket; without it nowhere.
    :raises ValueError: S3 would not deliver access logs there.
    """
    logs = access_logging
    # CDK grants the delivery, unless the bucket is not ours and lacks the feature flag for a grant by policy.
    by_cdk = logs if logs is not None and (logs.own or _cdk_grants_by_policy(scope, logs.bucket)) else None
    rules = [
        s3.LifecycleRule(
            expiration=retention.expiration,
            transitions=retention.transitions or None,
            noncurrent_version_expiration=retention.noncurrent_version_expiration,
            abort_incomplete_multipart_upload_after=_ABORT_MULTIPART_AFTER,
        )
    ]
    bucket = s3.Bucket(
        scope,
        construct_id,
        bucket_name=bucket_name,
        encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=None if key is None else True,
        block_public_access=_PRIVATE,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        object_lock_enabled=None if retention.object_lock is None else True,
        object_lock_default_retention=retention.object_lock,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=rules,
        transition_default_minimum_object_size=(
            s3.TransitionDefaultMinimumObjectSize.VARIES_BY_STORAGE_CLASS if retention.transitions else None
        ),
        server_access_logs_bucket=None if by_cdk is None else by_cdk.bucket,
        server_access_logs_prefix=None if by_cdk is None else by_cdk.prefix,
        removal_policy=removal_policy,
    )
    if logs is not None and by_cdk is None:
        _log_by_policy(bucket, logs.bucket, logs.prefix)
    return bucket


def _cdk_grants_by_policy(scope: Construct, bucket: s3.IBucket) -> bool:
    """Whether CDK would grant the delivery by bucket policy: it reads the feature flag of the bucket, not of the scope.

    An imported bucket passes: CDK cannot change it, and warns.
    """
    check_access_log_location(scope, bucket)
    return not isinstance(bucket, s3.Bucket) or bool(cdk.FeatureFlags.of(bucket).is_enabled(_BY_POLICY))


def _log_by_policy(source: s3.Bucket, target: s3.IBucket, prefix: str) -> None:
    """What CDK does with the flag; without it, CDK would enable the target's ACLs, or fail where they are disabled.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    cast("s3.CfnBucket", source.node.default_child).logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
        destination_bucket_name=target.bucket_name, log_file_prefix=prefix or None
    )
    # Naming the source in another stack's policy would close a cycle; its account does not.
    same_stack = cdk.Stack.of(source) == cdk.Stack.of(target)
    target.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
            actions=["s3:PutObject"],
            resources=[target.arn_for_objects(f"{prefix}*")],
            conditions={
                **({"ArnLike": {"aws:SourceArn": source.bucket_arn}} if same_stack else {}),
                "StringEquals": {"aws:SourceAccount": source.env.account},
            },
        )
    )


def deliver_access_logs_by_policy(scope: Construct) -> None:
    """Grant the delivery of access logs by bucket policy, whatever the feature flags of the app are.

    Without the flag CDK grants the delivery by ACL, which a bucket-owner-enforced bucket does not have. It must be set
    before the scope's first child.
    """
    scope.node.set_context(_BY_POLICY, True)  # noqa: FBT003 (jsii)


def create_access_log_bucket(
    scope: Construct, *, expiration: cdk.Duration, removal_policy: cdk.RemovalPolicy
) -> s3.Bucket:
    """The bucket for S3 server access logs.

    S3 delivers access logs neither to a bucket that encrypts with KMS nor to one with Object Lock:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    bucket = create_bucket(
        scope,
        "AccessLogs",
        key=None,
        access_logging=None,
        retention=Retention(expiration=expiration, noncurrent_version_expiration=cdk.Duration.days(30)),
        removal_policy=removal_policy,
    )
    acknowledge_access_log_limits(bucket)
    return bucket
