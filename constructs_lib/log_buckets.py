"""The buckets of log files, as :class:`NewBucket` says: the log bucket, and the one for its access logs."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct, IDependable

from constructs_lib.groups import NewAccessLogBucket, NewBucket
from constructs_lib.storage.buckets import AccessLogging, Retention, create_access_log_bucket, create_bucket
from constructs_lib.validation.existing_resources import warn_of_weak_bucket


@dataclass(frozen=True, slots=True)
class LogBuckets:
    """The log bucket and the one for access logs, and those of them that were made."""

    log: s3.IBucket
    access_log: s3.IBucket | None
    own: list[s3.Bucket]


def create_log_buckets(
    scope: Construct, wanted: NewBucket, *, key: kms.IKey, removal_policy: cdk.RemovalPolicy
) -> LogBuckets:
    """A new log bucket, encrypted with the key, and a bucket for its access logs where none is given."""
    access_log_bucket, own = access_logs(scope, wanted.access_log_bucket, removal_policy=removal_policy)
    log_bucket = create_bucket(
        scope,
        "Bucket",
        bucket_name=wanted.bucket_name,
        key=key,
        access_logging=AccessLogging(bucket=access_log_bucket, prefix="cloudtrail-log-bucket/", own=bool(own)),
        retention=Retention(
            expiration=wanted.retention.expiration,
            transitions=wanted.retention.transitions,
            noncurrent_version_expiration=wanted.retention.noncurrent_version_expiration,
            object_lock=wanted.retention.object_lock,
        ),
        removal_policy=removal_policy,
    )
    return LogBuckets(log_bucket, access_log_bucket, [log_bucket, *own])


def access_logs(
    scope: Construct, wanted: s3.IBucket | NewAccessLogBucket, *, removal_policy: cdk.RemovalPolicy
) -> tuple[s3.IBucket, list[s3.Bucket]]:
    """The bucket for access logs that exists, or a new one, which is in the list then."""
    if not isinstance(wanted, NewAccessLogBucket):
        warn_of_weak_bucket(scope, "access_log_bucket", wanted)
        return wanted, []
    made = create_access_log_bucket(scope, expiration=wanted.expiration, removal_policy=removal_policy)
    return made, [made]


def policy_of_existing(scope: Construct, bucket: s3.IBucket | None) -> list[IDependable]:
    """The policy by which an existing bucket of this stack takes access logs, which is not below the scope.

    Another stack is deployed before this one, as far as it can be.
    """
    if not isinstance(bucket, s3.Bucket) or cdk.Stack.of(bucket) != cdk.Stack.of(scope):
        return []
    policy = bucket.policy
    return [] if policy is None else [policy]
