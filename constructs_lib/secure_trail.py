"""SecureTrail: AWS's flight recorder, done right, in one statement."""

from __future__ import annotations

import json

import aws_cdk as cdk
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib import naming
from constructs_lib.log_bucket import bucket_policy_statements, create_access_log_bucket, create_log_bucket
from constructs_lib.log_key import create_log_key, key_policy_statements


class SecureTrail(Construct):
    """A multi-region, log-file-validated CloudTrail trail with its own key and its own bucket::

        SecureTrail(self, "SecureTrail")

    Every grant to CloudTrail is bound to this trail by ``aws:SourceArn``, so that no other trail, in this account or
    another, can use the key or write to the bucket. The L1 ``CfnTrail`` is used because the L2 ``Trail`` adds
    unconditioned grants to whatever bucket it is given, and nothing at all to the key.

    :param scope: the parent, usually a stack.
    :param construct_id: the id within the parent.
    :param trail_name: the trail's name; changing it replaces the trail. Default: - a unique name from the
        construct's path.
    :param bucket_name: the log bucket's name. Default: - CloudFormation chooses one.
    :param key_alias: the key's alias, with ``alias/`` in front. Default: - ``alias/`` and the trail's name, each '.' in
        it a '-'.
    :param s3_key_prefix: log files go below ``<prefix>/AWSLogs/``, at most 200 characters. Default: - below
        ``AWSLogs/``.
    :param encryption_key: encrypt with this key instead of a new one. It must be symmetric and in the bucket's region.
        Default: - a new customer-managed key that rotates every year.
    :param log_bucket: deliver to this bucket instead of a new one. Default: - a new, encrypted, versioned bucket.
    :param noncurrent_version_expiration: how long a version of a log file that was overwritten or deleted stays
        recoverable. Default: - 365 days.
    :param access_log_expiration: how long S3 server access logs are kept. Default: - 365 days.
    :param key_pending_window: how long a deleted key can still be rescued, 7 to 30 days. Default: - 30 days.
    :param removal_policy: what becomes of the logs and the key when the construct is removed. Default: - they stay.
    :raises ValueError: a name, a prefix or a combination that AWS would refuse at deployment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        trail_name: str | None = None,
        bucket_name: str | None = None,
        key_alias: str | None = None,
        s3_key_prefix: str | None = None,
        encryption_key: kms.IKey | None = None,
        log_bucket: s3.IBucket | None = None,
        noncurrent_version_expiration: cdk.Duration | None = None,
        access_log_expiration: cdk.Duration | None = None,
        key_pending_window: cdk.Duration | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, construct_id)
        # Whatever the consumer's flags say: without this one CDK grants access-log delivery by ACL, which a
        # bucket-owner-enforced bucket does not have. It must be set before the first child.
        self.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)  # noqa: FBT003 (jsii)
        self.trail_name = naming.default_trail_name(self) if trail_name is None else trail_name
        naming.check_trail_name(self.trail_name)
        _refuse_with("encryption_key", encryption_key, key_alias=key_alias, key_pending_window=key_pending_window)
        _refuse_with(
            "log_bucket",
            log_bucket,
            bucket_name=bucket_name,
            noncurrent_version_expiration=noncurrent_version_expiration,
            access_log_expiration=access_log_expiration,
        )
        if bucket_name is not None:
            naming.check_bucket_name(bucket_name)
        if s3_key_prefix is not None:
            naming.check_key_prefix(s3_key_prefix)
        self.trail_arn = naming.trail_arn(self, self.trail_name)

        self.key_alias: str | None = None
        if encryption_key is None:
            self.key_alias = naming.default_key_alias(self.trail_name) if key_alias is None else key_alias
            naming.check_key_alias(self.key_alias)
            encryption_key = create_log_key(
                self,
                alias=self.key_alias,
                trail_name=self.trail_name,
                pending_window=key_pending_window,
                removal_policy=removal_policy,
            )
        self.encryption_key = encryption_key

        self.access_log_bucket: s3.IBucket | None = None
        if log_bucket is None:
            self.access_log_bucket = create_access_log_bucket(
                self,
                expiration=access_log_expiration or cdk.Duration.days(365),
                removal_policy=removal_policy,
            )
            log_bucket = create_log_bucket(
                self,
                bucket_name=bucket_name,
                key=self.encryption_key,
                access_log_bucket=self.access_log_bucket,
                noncurrent_version_expiration=noncurrent_version_expiration or cdk.Duration.days(365),
                removal_policy=removal_policy,
            )
        self.log_bucket = log_bucket

        self.trail = cloudtrail.CfnTrail(
            self,
            "Trail",
            trail_name=self.trail_name,
            s3_bucket_name=self.log_bucket.bucket_name,
            s3_key_prefix=s3_key_prefix,
            kms_key_id=self.encryption_key.key_arn,
            is_logging=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
        )
        self._let_cloudtrail_in(s3_key_prefix)

    def _let_cloudtrail_in(self, s3_key_prefix: str | None) -> None:
        """Add CloudTrail's grants to both policies and make the trail wait for them.

        CloudTrail tries the bucket and the key while it creates the trail, so the policies must exist by then.
        """
        for statement in key_policy_statements(self, self.trail_arn):
            # The policy is part of the key, and the trail refers to the key: nothing more to wait for.
            added = self.encryption_key.add_to_resource_policy(statement)
            self._warn_unless(added.statement_added, statement, "key")
        for statement in bucket_policy_statements(self, self.log_bucket, self.trail_arn, s3_key_prefix):
            added = self.log_bucket.add_to_resource_policy(statement)
            self._warn_unless(added.statement_added, statement, "bucket")
            if added.policy_dependable is not None:
                self.trail.node.add_dependency(added.policy_dependable)

    def _warn_unless(self, added: bool, statement: iam.PolicyStatement, resource: str) -> None:  # noqa: FBT001
        """CDK drops statements for an imported key or bucket without a word; the deployment would fail on it."""
        if added:
            return
        cdk.Annotations.of(self).add_warning_v2(
            f"securetrail:{resource}-policy:{statement.sid}",
            f"CDK cannot change the policy of the imported {resource}, so CloudTrail may not be let in and "
            f"creating the trail would fail. Fix: add this statement to the {resource}'s policy: "
            + json.dumps(cdk.Stack.of(self).resolve(statement.to_statement_json())),
        )


def _refuse_with(existing_name: str, existing: object | None, **shaping: object | None) -> None:
    """Props that shape a new resource make no sense beside an existing one."""
    for name, value in shaping.items():
        if existing is not None and value is not None:
            raise ValueError(
                f"{name} was given together with {existing_name}. {name} shapes a new resource, and {existing_name} "
                f"brings an existing one. Fix: leave out {name}, or leave out {existing_name}."
            )
