"""Features: what a trail can have beside its key and its bucket. Each function adds one to an unfinished trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from constructs_lib.analytics.log_analytics import LogAnalytics
from constructs_lib.compliance.profiles import Features
from constructs_lib.notifications.alert_guards import AlertChain, guard_alerts
from constructs_lib.notifications.alert_topic import (
    alarm_key_statement,
    alarm_topic_statement,
    create_alert_role,
    create_alert_topic,
    role_statements,
)
from constructs_lib.notifications.cis_alarms import create_cis_alarms
from constructs_lib.notifications.delivery_topic import create_delivery_topic, delivery_topic_statement
from constructs_lib.notifications.tamper_alerts import WatchedResources, alert_target, create_tamper_alerts
from constructs_lib.policies.attach import add_statements
from constructs_lib.storage import log_group as trail_log_group
from constructs_lib.storage.buckets import AccessLogging
from constructs_lib.storage.log_bucket import deny_tampering_statement
from constructs_lib.storage.log_key import log_group_statement, notification_statement
from constructs_lib.storage.log_replica import LogReplica, ReplicaTarget
from constructs_lib.storage.replication import replicate
from constructs_lib.trail_base import TrailBase
from constructs_lib.validation import existing_resources
from constructs_lib.validation.retention import days_of

_DEFAULT_SCAN_LIMIT_MEBIBYTES = 100 * 1024
# Before any trail that this construct made; a query without a day reads back to it.
_OLDEST_DAY = "NOW-10YEARS"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureOptions:
    """The props that configure features, by their names in :class:`SecureTrail`; ``None`` stands for the default."""

    replica_target: ReplicaTarget | None
    break_glass_principal_arns: Sequence[str] | None
    cloud_watch_logs_retention: logs.RetentionDays | None
    delivery_topic: sns.ITopic | None
    alert_topic: sns.ITopic | None
    log_analytics: bool
    log_expiration: cdk.Duration | None
    analytics_regions: Sequence[str] | None
    scan_limit_mebibytes: int | None


def add_features(trail: TrailBase, chosen: Features, options: FeatureOptions) -> None:
    """Add to the trail, which has its key and its bucket, what was chosen.

    :raises ValueError: a resource that exists and that AWS would refuse for this.
    """
    if chosen.replicate_logs:
        _add_replica(trail, options.replica_target, chosen.object_lock, options.break_glass_principal_arns)
    if chosen.send_to_cloud_watch_logs:
        _add_log_group(trail, options.cloud_watch_logs_retention)
    if chosen.delivery_notifications:
        _add_delivery_topic(trail, options.delivery_topic)
    if chosen.tamper_alerts or chosen.cis_alarms or options.alert_topic is not None:
        _add_alerts(trail, options.alert_topic, on_tampering=chosen.tamper_alerts, of_cis=chosen.cis_alarms)
    if options.log_analytics:
        _add_analytics(trail, options.log_expiration, options.analytics_regions, options.scan_limit_mebibytes)


def _add_replica(
    trail: TrailBase,
    target: ReplicaTarget | None,
    object_lock: s3.ObjectLockRetention | None,
    break_glass_principal_arns: Sequence[str] | None,
) -> None:
    """Copy what arrives in the trail's own buckets to the target, or to a new bucket beside them.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html

    :raises ValueError: S3 would refuse the target.
    """
    if target is None:
        # It has an access log bucket of its own: the trail's is replicated too, and would log its own replication.
        trail.replica = LogReplica(trail, "Replica", object_lock=object_lock, removal_policy=trail.removal_policy)
        target = trail.replica.target
        if break_glass_principal_arns is not None:
            copies = trail.replica.bucket
            copies.add_to_resource_policy(deny_tampering_statement(copies.bucket_arn, break_glass_principal_arns))
    elif object_lock is not None and target.object_lock is False:
        raise ValueError(
            f"replica_target {target.bucket_arn} has no Object Lock, and the log bucket has. Allowed: a target with "
            "Object Lock, or S3 refuses the replication. Fix: LogReplica(…, object_lock=…), or leave out object_lock "
            "and SecurityProfile.COMPLIANCE."
        )
    trail.replica_target = target
    replicate(trail, sources=trail.own_buckets, source_key=trail.encryption_key, target=target)


def _add_log_group(trail: TrailBase, retention: logs.RetentionDays | None) -> None:
    """Send every event to a log group as well."""
    existing_resources.check_key_region(trail, trail.encryption_key, "send_to_cloud_watch_logs")
    name, stack = trail.trail_name, cdk.Stack.of(trail)
    trail.key_statements.append(
        log_group_statement(log_group_arn=trail_log_group.log_group_arn(trail, name), region=stack.region)
    )
    trail.log_group = trail_log_group.create_log_group(
        trail,
        trail_name=name,
        key=trail.encryption_key,
        retention=retention or logs.RetentionDays.ONE_YEAR,
        removal_policy=trail.removal_policy,
    )
    role, policy = trail_log_group.create_log_role(
        trail,
        trail_name=name,
        trail_arn=trail.trail_arn,
        trail_account=trail.trail_account,
        organization_id=trail.organization_id,
    )
    trail.trail.cloud_watch_logs_log_group_arn = trail.log_group.log_group_arn
    trail.trail.cloud_watch_logs_role_arn = role.role_arn
    # CloudTrail tries to write while the trail is created, and the role can only with its policy.
    trail.trail.node.add_dependency(policy)


def _add_delivery_topic(trail: TrailBase, existing: sns.ITopic | None) -> None:
    """Tell the topic, or a new one, about each log file."""
    key_statement = notification_statement(
        trail_arn=trail.trail_arn,
        topics_of_the_account=cdk.Stack.of(trail).format_arn(
            service="sns",
            resource="*",
            region=None if existing is None else existing.env.region,
            account=None if existing is None else existing.env.account,
        ),
    )
    if existing is None:
        existing_resources.check_key_region(trail, trail.encryption_key, "delivery_notifications")
        trail.key_statements.append(key_statement)
        topic: sns.ITopic = create_delivery_topic(trail, trail_name=trail.trail_name, key=trail.encryption_key)
    else:
        topic = existing
        existing_resources.check_topic(trail, "delivery_topic", topic, anywhere=True)
        _grant_on_key_of(trail, topic, "delivery topic", [key_statement])
    statement = delivery_topic_statement(topic_arn=topic.topic_arn, trail_arn=trail.trail_arn)
    sid_suffix = "" if existing is None else trail.sid_suffix
    trail.trail.node.add_dependency(*add_statements(trail, topic, "delivery topic", [statement], sid_suffix=sid_suffix))
    trail.delivery_topic = topic
    trail.trail.sns_topic_name = topic.topic_arn


def _grant_on_key_of(trail: TrailBase, topic: sns.ITopic, kind: str, statements: Sequence[iam.PolicyStatement]) -> None:
    """Allow publishers on the topic's key, where CDK knows one: SNS reports no error when the key denies them."""
    if topic.master_key is not None:
        add_statements(trail, topic.master_key, f"{kind} key", statements, sid_suffix=trail.sid_suffix)


def _add_alerts(trail: TrailBase, existing: sns.ITopic | None, *, on_tampering: bool, of_cis: bool) -> None:
    """Make the topic, or use this one, and the alerts that publish to it."""
    stack = cdk.Stack.of(trail)
    if existing is None:
        topic: sns.ITopic = create_alert_topic(trail, trail_name=trail.trail_name, removal_policy=trail.removal_policy)
    else:
        topic = existing
        existing_resources.check_topic(trail, "alert_topic", topic)
    trail.alert_topic = topic
    of_topic = [alarm_topic_statement(topic_arn=topic.topic_arn, account=stack.account)]
    of_key = [] if existing is None else [alarm_key_statement(stack.account)]
    if on_tampering:
        key = topic.master_key
        is_elsewhere = existing_resources.differ(topic.env.account, stack.account)
        existing_resources.warn_of_unseen_calls(
            trail,
            {
                "encryption_key": trail.encryption_key,
                "log_bucket": trail.log_bucket,
                "alert_topic": topic,
                **({} if key is None else {"alert_topic.master_key": key}),
            },
        )
        watched = WatchedResources(
            trail_name=trail.trail_name,
            trail_arn=trail.trail_arn,
            key_id=trail.encryption_key.key_id,
            key_arn=trail.encryption_key.key_arn,
            bucket_name=trail.log_bucket.bucket_name,
        )
        role = create_alert_role(trail, trail_name=trail.trail_name, topic=topic)
        target = alert_target(topic.topic_arn, role.role_arn)
        guard_alerts(
            trail,
            AlertChain(
                rules=create_tamper_alerts(trail, watched, target),
                target=target,
                topic_arn=topic.topic_arn,
                topic_name=None if is_elsewhere else topic.topic_name,
                key_ids=[] if key is None else [key.key_id, key.key_arn],
            ),
        )
        if is_elsewhere:
            to_publish, to_encrypt = role_statements(role, topic.topic_arn)
            of_topic.append(to_publish)
            of_key.append(to_encrypt)
    add_statements(trail, topic, "alert topic", of_topic, sid_suffix="" if existing is None else trail.sid_suffix)
    _grant_on_key_of(trail, topic, "alert topic", of_key)
    if of_cis:
        create_cis_alarms(
            trail,
            trail_name=trail.trail_name,
            log_group=cast("logs.ILogGroup", trail.log_group),
            topic_arn=topic.topic_arn,
        )


def _add_analytics(
    trail: TrailBase,
    log_expiration: cdk.Duration | None,
    regions: Sequence[str] | None,
    scan_limit_mebibytes: int | None,
) -> None:
    """Let Athena read the log files, as far back as they stay."""
    existing_resources.check_key_region(trail, trail.encryption_key, "log_analytics")
    organization_id = trail.organization_id
    trail.analytics = LogAnalytics(
        trail,
        "Analytics",
        key=trail.encryption_key,
        log_bucket=trail.log_bucket,
        folder=trail.log_folder if organization_id is None else f"{trail.log_folder}/{organization_id}",
        accounts=[trail.trail_account] if organization_id is None else [],
        account=trail.trail_account,
        regions=regions,
        first_day=(_OLDEST_DAY if log_expiration is None else f"NOW-{days_of('log_expiration', log_expiration)}DAYS"),
        scan_limit_mebibytes=scan_limit_mebibytes or _DEFAULT_SCAN_LIMIT_MEBIBYTES,
        access_logging=AccessLogging(
            bucket=cast("s3.IBucket", trail.access_log_bucket),
            prefix="query-results-bucket/",
            own=trail.access_log_bucket in trail.own_buckets,
        ),
        removal_policy=trail.removal_policy,
    )
