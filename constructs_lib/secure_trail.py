"""The SecureTrail construct: its props, and the order in which key, buckets, trail and features are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.compliance.acknowledgements import acknowledge_choices
from constructs_lib.compliance.profiles import FeatureProps, SecurityProfile, choose_features
from constructs_lib.policies.attach import add_statements
from constructs_lib.recording import trail_properties
from constructs_lib.recording.event_selectors import EventSelector
from constructs_lib.recording.insights import AggregationTemplate, Insight
from constructs_lib.storage.buckets import (
    AccessLogging,
    Retention,
    create_access_log_bucket,
    create_bucket,
    deliver_access_logs_by_policy,
)
from constructs_lib.storage.log_bucket import (
    bucket_policy_statements,
    deny_tampering_statement,
    deny_writing_statement,
)
from constructs_lib.storage.log_key import create_log_key, key_policy_statements
from constructs_lib.trail_base import TrailBase
from constructs_lib.validation import existing_resources, naming
from constructs_lib.validation.argument_types import typed
from constructs_lib.validation.props import check_props

if TYPE_CHECKING:  # only named in signatures, and slow to load; the features load them when they are wanted
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sns as sns

    from constructs_lib.storage.log_replica import ReplicaTarget

_YEAR = cdk.Duration.days(365)


class SecureTrail(TrailBase):
    """A multi-region, log-file-validated CloudTrail trail with its own key and its own bucket::

        SecureTrail(self, "SecureTrail")

    Every grant to CloudTrail is bound to this trail by ``aws:SourceArn``, so that no other trail, in this account or
    another, can use the key or write to the bucket. The L1 ``CfnTrail`` is used because the L2 ``Trail`` adds
    unconditioned grants to whatever bucket it is given, and nothing at all to the key.

    :param scope: the parent, usually a stack.
    :param construct_id: the id within the parent.
    :param profile: the defaults. Default: - ``SecurityProfile.LAB``, which costs almost nothing.
    :param trail_name: the trail's name; changing it replaces the trail. Default: - a unique name from the
        construct's path.
    :param bucket_name: the log bucket's name. Default: - CloudFormation chooses one.
    :param key_alias: the key's alias, beginning ``alias/``. Default: - ``alias/`` and the trail's name, each '.' a '-'.
    :param s3_key_prefix: log files go below ``<prefix>/AWSLogs/``, at most 200 characters. Default: - below
        ``AWSLogs/``.
    :param organization_id: record every account of this organization. Default: - this account only.
    :param management_account_id: the organization's management account, which owns the trail also when a delegated
        administrator deploys it. Deploy it from there: CloudFormation may not start logging from another account.
        Default: - the stack's account.
    :param encryption_key: encrypt with this key instead of a new one. It must be symmetric and in the bucket's region.
        Default: - a new customer-managed key that rotates every year.
    :param log_bucket: deliver to this bucket instead of a new one. Default: - a new, encrypted, versioned bucket.
    :param access_log_bucket: where S3 delivers the access logs of the log bucket. Default: - a new bucket.
    :param event_selectors: what is recorded. Default: - every management event.
    :param insights: unusual activity that CloudTrail reports; billed. Default: - none.
    :param aggregation: summaries of data events. Default: - none.
    :param send_to_cloud_watch_logs: a second copy that can be searched within minutes; billed. Default: - as the
        profile says, or when ``cis_alarms`` needs it.
    :param cloud_watch_logs_retention: how long that copy stays. Default: - one year.
    :param delivery_notifications: a message for each log file. Default: - only when ``delivery_topic`` is given.
    :param delivery_topic: the topic for them; imported as ``alert_topic`` is. Default: - a new, encrypted one.
    :param log_expiration: when log files are deleted. Default: - never.
    :param log_transitions: when log files move to colder storage, where neither Athena nor the verifier reads them
        without a restore (``GLACIER_INSTANT_RETRIEVAL`` excepted). Default: - never.
    :param noncurrent_version_expiration: how long an overwritten or deleted log file stays. Default: - 365 days.
    :param object_lock: no log file can be deleted before this period ends. Default: - as the profile says.
    :param break_glass_principal_arns: the only principals that can delete log files and change what protects their
        bucket, and the replica that is made here; not access logs or keys. In the log bucket only they and CloudTrail
        write log files. Include the role that deploys. Default: - IAM policies decide.
    :param replicate_logs: copy log files and access logs to a second bucket with its own key. Default: - as the profile
        says, or when ``replica_target`` is given.
    :param replica_target: the destination, such as ``LogReplica(…).target`` in another region. Default: - a new bucket
        beside the first.
    :param tamper_alerts: alerts on calls that change this trail, its key or its bucket, or these alerts; with alarms,
        which are billed. Default: - as the profile says.
    :param cis_alarms: the 15 alarms of CIS AWS Foundations; billed. Default: - as the profile says.
    :param alert_topic: the topic for alerts; import an encrypted one with its key, by ``Topic.from_topic_attributes``,
        or the key's policy may block alerts. Default: - a new one with its own key, when there are alerts.
    :param log_analytics: query the log files with Athena; billed by query. Default: - False.
    :param analytics_regions: the regions that queries cover. Default: - all that CDK knows in the partition.
    :param scan_limit_mebibytes: a query that reads more is stopped. Default: - 102,400 (100 GiB, about 0.50 USD).
    :param access_log_expiration: how long S3 server access logs are kept. Default: - 365 days.
    :param key_pending_window: how long KMS waits before it deletes a key, 7 to 30 days. Default: - 30 days.
    :param tags: tags for all resources of the construct. Default: - the stack's.
    :param removal_policy: what becomes of the logs and the key when the construct is removed. Default: - they stay.
    :raises TypeError: a prop of another type.
    :raises ValueError: a name, a prefix or a combination that AWS would refuse at deployment.
    """

    @typed
    def __init__(  # noqa: PLR0913 (a construct's props)
        self,
        scope: Construct,
        construct_id: str,
        *,
        profile: SecurityProfile = SecurityProfile.LAB,
        trail_name: str | None = None,
        bucket_name: str | None = None,
        key_alias: str | None = None,
        s3_key_prefix: str | None = None,
        organization_id: str | None = None,
        management_account_id: str | None = None,
        encryption_key: kms.IKey | None = None,
        log_bucket: s3.IBucket | None = None,
        access_log_bucket: s3.IBucket | None = None,
        event_selectors: Sequence[EventSelector] | None = None,
        insights: Sequence[Insight] = (),
        aggregation: Sequence[AggregationTemplate] = (),
        send_to_cloud_watch_logs: bool | None = None,
        cloud_watch_logs_retention: logs.RetentionDays | None = None,
        delivery_notifications: bool | None = None,
        delivery_topic: sns.ITopic | None = None,
        log_expiration: cdk.Duration | None = None,
        log_transitions: Sequence[s3.Transition] = (),
        noncurrent_version_expiration: cdk.Duration | None = None,
        object_lock: s3.ObjectLockRetention | None = None,
        break_glass_principal_arns: Sequence[str] | None = None,
        replicate_logs: bool | None = None,
        replica_target: ReplicaTarget | None = None,
        tamper_alerts: bool | None = None,
        cis_alarms: bool | None = None,
        alert_topic: sns.ITopic | None = None,
        log_analytics: bool = False,
        analytics_regions: Sequence[str] | None = None,
        scan_limit_mebibytes: int | None = None,
        access_log_expiration: cdk.Duration | None = None,
        key_pending_window: cdk.Duration | None = None,
        tags: Mapping[str, str] | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        chosen = choose_features(
            profile,
            FeatureProps(
                own_bucket=log_bucket is None,
                has_replica_target=replica_target is not None,
                has_alert_topic=alert_topic is not None,
                has_delivery_topic=delivery_topic is not None,
                has_logs_retention=cloud_watch_logs_retention is not None,
                send_to_cloud_watch_logs=send_to_cloud_watch_logs,
                tamper_alerts=tamper_alerts,
                cis_alarms=cis_alarms,
                replicate_logs=replicate_logs,
                delivery_notifications=delivery_notifications,
                object_lock=object_lock,
            ),
        )
        check_props({**locals(), "object_lock": chosen.object_lock})
        super().__init__(scope, construct_id)
        deliver_access_logs_by_policy(self)
        stack = cdk.Stack.of(self)
        own_account = stack.account
        account = management_account_id or own_account
        trail_name = trail_name or naming.default_trail_name(self)
        alias = key_alias or naming.default_key_alias(trail_name)
        self.key_alias = alias if encryption_key is None else None
        naming.reserve_names(
            stack, own_account, trail_name=trail_name, bucket_name=bucket_name, key_alias=self.key_alias
        )
        self.trail_name, self.trail_arn = trail_name, naming.trail_arn(stack, trail_name, account)

        # The key that encrypts the log files.
        if encryption_key is None:
            encryption_key = create_log_key(
                self,
                alias=alias,
                trail_name=trail_name,
                pending_window=key_pending_window,
                removal_policy=removal_policy,
            )
        self.encryption_key = encryption_key

        # The log bucket, and the bucket for its access logs.
        self.own_buckets = []
        if access_log_bucket is None and (log_bucket is None or log_analytics):
            access_log_bucket = create_access_log_bucket(
                self, expiration=access_log_expiration or _YEAR, removal_policy=removal_policy
            )
            self.own_buckets.append(access_log_bucket)
        self.access_log_bucket = access_log_bucket
        if log_bucket is None:
            log_bucket = create_bucket(
                self,
                "Bucket",
                bucket_name=bucket_name,
                key=self.encryption_key,
                access_logging=AccessLogging(
                    bucket=cast("s3.IBucket", access_log_bucket),  # made above, if none was given
                    prefix="cloudtrail-log-bucket/",
                    own=access_log_bucket in self.own_buckets,
                ),
                retention=Retention(
                    expiration=log_expiration,
                    transitions=log_transitions,
                    noncurrent_version_expiration=noncurrent_version_expiration or _YEAR,
                    object_lock=chosen.object_lock,
                ),
                removal_policy=removal_policy,
            )
            self.own_buckets.insert(0, log_bucket)
        self.log_bucket = log_bucket
        if self.key_alias is None or log_bucket not in self.own_buckets:  # a new key fits a new bucket
            existing_resources.check_key(encryption_key, log_bucket)
        if log_bucket not in self.own_buckets:
            existing_resources.warn_of_weak_bucket(self, log_bucket)

        # The trail.
        self.trail = cloudtrail.CfnTrail(
            self,
            "Trail",
            trail_name=self.trail_name,
            s3_bucket_name=self.log_bucket.bucket_name,
            s3_key_prefix=s3_key_prefix,
            kms_key_id=self.encryption_key.key_arn,
            is_logging=True,
            is_multi_region_trail=True,
            is_organization_trail=None if organization_id is None else True,
            include_global_service_events=True,
            enable_log_file_validation=True,
        )
        if management_account_id is not None:
            existing_resources.warn_of_delegated_administrator(
                self, management_account_id, has_alerts=chosen.tamper_alerts
            )
        self.trail_account, self.organization_id, self.removal_policy = account, organization_id, removal_policy
        self.log_folder = f"{s3_key_prefix}/AWSLogs" if s3_key_prefix else "AWSLogs"
        self.key_statements = key_policy_statements(
            trail_arn=self.trail_arn, account=account, partition=stack.partition
        )
        self.bucket_statements = bucket_policy_statements(
            bucket_arn=self.log_bucket.bucket_arn,
            trail_arn=self.trail_arn,
            account=account,
            s3_key_prefix=s3_key_prefix,
            organization_id=organization_id,
        )
        if break_glass_principal_arns is not None:
            existing_resources.warn_of_locked_out_deployer(self, break_glass_principal_arns)
            self.bucket_statements += [
                deny_tampering_statement(self.log_bucket.bucket_arn, break_glass_principal_arns),
                deny_writing_statement(self.log_bucket.bucket_arn, self.log_folder, break_glass_principal_arns),
            ]

        # The features beside key, bucket and trail.
        if chosen.any or log_analytics:
            from constructs_lib.features import FeatureOptions, add_features  # noqa: PLC0415 (slow to load)

            options = FeatureOptions(
                replica_target=replica_target,
                break_glass_principal_arns=break_glass_principal_arns,
                cloud_watch_logs_retention=cloud_watch_logs_retention,
                delivery_topic=delivery_topic,
                alert_topic=alert_topic,
                log_analytics=log_analytics,
                log_expiration=log_expiration,
                analytics_regions=analytics_regions,
                scan_limit_mebibytes=scan_limit_mebibytes,
            )
            add_features(self, chosen, options)
        acknowledge_choices(
            self.trail, self.own_buckets, profile, chosen, own_log_bucket=self.log_bucket in self.own_buckets
        )
        trail_properties.set_recording(
            self,
            self.trail,
            selectors=event_selectors,
            insights=insights,
            aggregation=aggregation,
            buckets=[bucket for bucket in (self.log_bucket, self.access_log_bucket) if bucket is not None],
            replica_target=self.replica_target,
        )
        self._grant_cloudtrail()
        for name, value in (tags or {}).items():
            cdk.Tags.of(self).add(name, value)

    def _grant_cloudtrail(self) -> None:
        """Add the trail's statements to key and bucket, and make the trail wait for them.

        CloudTrail tries the bucket and the key while it creates the trail, so the policies must exist by then.
        """
        # The key's policy is part of the key, and the trail refers to the key: nothing more to wait for.
        add_statements(
            self, self.encryption_key, "key", self.key_statements, sid_suffix="" if self.key_alias else self.sid_suffix
        )
        own = self.log_bucket in self.own_buckets
        sid_suffix = "" if own else self.sid_suffix
        self.trail.node.add_dependency(
            *add_statements(self, self.log_bucket, "bucket", self.bucket_statements, sid_suffix=sid_suffix)
        )
