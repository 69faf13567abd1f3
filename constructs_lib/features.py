"""Features: what a trail can have beside its key and its bucket. Each function makes one and returns what it made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct, IDependable

from constructs_lib.analytics.log_analytics import LogAnalytics
from constructs_lib.choices import Choices
from constructs_lib.groups import Alerts, Analytics, CloudWatchLogs, DeliveryNotifications, Replica
from constructs_lib.notifications.alert_guards import AlertChain, guard_alerts, guard_deliveries
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
from constructs_lib.policies.attach import add_statements, as_people_write, readable
from constructs_lib.policies.stack_order import deploy_after_owner
from constructs_lib.storage import log_group as trail_log_group
from constructs_lib.storage.buckets import AccessLogging
from constructs_lib.storage.log_bucket import deny_tampering_statement
from constructs_lib.storage.log_key import log_group_statement, notification_statement
from constructs_lib.storage.log_replica import LogReplica, ReplicaTarget
from constructs_lib.storage.replication import replicate
from constructs_lib.validation import existing_resources
from constructs_lib.validation.retention import days_of

# Before any trail that this construct made; a query without a day reads back to it.
_OLDEST_DAY = "NOW-10YEARS"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailParts:
    """What features are made for: a trail's names, its key and its buckets.

    :param trail_account: the account that owns the trail.
    :param sid_suffix: ends the Sids of this trail's statements in policies that others use as well.
    :param log_folder: the path in the bucket above the accounts' folders.
    :param is_never_silent: whether every management event is recorded, of which each account has some every few hours.
    :param own_buckets: those of the buckets that were made for the trail.
    :param break_glass_principal_arns: who may delete copies; ``None`` leaves it to IAM policies.
    :param removal_policy: what becomes of what is made when the construct is removed.
    """

    trail_name: str
    trail_arn: str
    trail_account: str
    organization_id: str | None
    sid_suffix: str
    log_folder: str
    is_never_silent: bool
    encryption_key: kms.IKey
    log_bucket: s3.IBucket
    access_log_bucket: s3.IBucket | None
    own_buckets: Sequence[s3.Bucket]
    break_glass_principal_arns: Sequence[str] | None
    removal_policy: cdk.RemovalPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What was made, ``None`` where it was not asked for, and what the trail must be told of it.

    :param replica_target: where copies go, whether ``replica`` was made for it or not.
    :param log_role: the role by which CloudTrail writes to the log group.
    :param key_statements: what the log key must allow for the features.
    :param alarms: all of them, whose one action is the alert topic.
    :param before_trail: what is not below the construct and must exist before the trail: CloudTrail tries it while the
        trail is created, or it is made here for an existing topic and may fail.
    """

    replica: LogReplica | None = None
    replica_target: ReplicaTarget | None = None
    log_group: logs.ILogGroup | None = None
    log_role: iam.IRole | None = None
    delivery_topic: sns.ITopic | None = None
    alert_topic: sns.ITopic | None = None
    analytics: LogAnalytics | None = None
    key_statements: Sequence[iam.PolicyStatement] = ()
    alarms: Sequence[cloudwatch.CfnAlarm] = ()
    before_trail: Sequence[IDependable] = ()


def create_features(scope: Construct, parts: TrailParts, chosen: Choices) -> Features:
    """Make what was chosen, as children of the scope.

    :raises ValueError: a resource that exists and that AWS would refuse for this.
    """
    replica, target = (
        (None, None)
        if chosen.replica is None
        else create_replica(
            scope,
            chosen.replica,
            sources=parts.own_buckets,
            source_key=parts.encryption_key,
            object_lock=chosen.object_lock,
            break_glass_principal_arns=parts.break_glass_principal_arns,
            removal_policy=parts.removal_policy,
        )
    )
    logging = None if chosen.cloudwatch is None else _create_log_group(scope, parts, chosen.cloudwatch)
    notifying = (
        None
        if chosen.delivery_notifications is None
        else _create_delivery_topic(scope, parts, chosen.delivery_notifications)
    )
    # The alarms of CIS need a topic, with or without alerts.
    alerts = Alerts(on_tampering=False) if chosen.alerts is None and chosen.has_cis_alarms else chosen.alerts
    alerting = None if alerts is None else _create_alerts(scope, parts, alerts)
    alarms = (
        [] if alerting is None else _create_alarms(scope, parts, chosen, alerting.topic.topic_arn, logging, notifying)
    )
    analytics = (
        None
        if chosen.analytics is None
        else _create_analytics(
            scope,
            parts,
            chosen.analytics,
            log_expiration=chosen.log_expiration,
        )
    )
    return Features(
        replica=replica,
        replica_target=target,
        log_group=None if logging is None else logging.log_group,
        log_role=None if logging is None else logging.role,
        delivery_topic=None if notifying is None else notifying.topic,
        alert_topic=None if alerting is None else alerting.topic,
        analytics=analytics,
        key_statements=[
            *([] if logging is None else logging.key_statements),
            *([] if notifying is None else notifying.key_statements),
        ],
        alarms=[*([] if alerting is None else alerting.alarms), *alarms],
        before_trail=[
            *([] if logging is None else logging.before_trail),
            *([] if notifying is None else notifying.before_trail),
            *([] if alerting is None else alerting.before_trail),
        ],
    )


def create_replica(
    scope: Construct,
    wanted: Replica,
    *,
    sources: Sequence[s3.Bucket],
    source_key: kms.IKey,
    object_lock: s3.ObjectLockRetention | None,
    break_glass_principal_arns: Sequence[str] | None,
    removal_policy: cdk.RemovalPolicy,
) -> tuple[LogReplica | None, ReplicaTarget]:
    """Copy what arrives in these buckets to the target, or to a new bucket beside them.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html

    :param object_lock: that of the log bucket.
    :returns: the replica, if it was made here, and where copies go.
    :raises ValueError: S3 would refuse the target.
    """
    replica, target = None, wanted.target
    if target is None:
        # It has an access log bucket of its own: that of the sources is replicated too, and would log its own
        # replication.
        replica = LogReplica(scope, "Replica", object_lock=object_lock, removal_policy=removal_policy)
        target = replica.target
        if break_glass_principal_arns is not None:
            replica.bucket.add_to_resource_policy(
                deny_tampering_statement(replica.bucket.bucket_arn, break_glass_principal_arns)
            )
    elif object_lock is not None and target.object_lock is False:
        arn = as_people_write(cdk.Stack.of(scope).resolve(target.bucket_arn))
        raise ValueError(
            f"Replica.target {arn} has no Object Lock, and the log bucket has. Allowed: a target with "
            "Object Lock, or S3 refuses the replication. Fix: LogReplica(…, object_lock=…), or leave out object_lock "
            "and SecurityProfile.COMPLIANCE."
        )
    replicate(scope, sources=sources, source_key=source_key, target=target)
    return replica, target


@dataclass(frozen=True, slots=True)
class _LogGroup:
    """A log group for a trail, the role by which CloudTrail writes to it, and what the log key must allow for it.

    :param is_own: whether it was made for the trail, so that nobody else sends to it.
    :param before_trail: an existing role of this stack, with what it is allowed: CloudTrail tries it.
    """

    log_group: logs.ILogGroup
    role: iam.IRole
    key_statements: Sequence[iam.PolicyStatement]
    is_own: bool
    before_trail: Sequence[IDependable]


def _create_log_group(scope: Construct, parts: TrailParts, wanted: CloudWatchLogs) -> _LogGroup:
    """The log group that every event is sent to as well: this one, or a new one."""
    log_group = wanted.log_group
    if log_group is None:
        existing_resources.check_key_region(scope, parts.encryption_key, "cloudwatch")
        name = trail_log_group.log_group_name(parts.trail_name)
        log_group = trail_log_group.create_log_group(
            scope,
            name=name,
            key=parts.encryption_key,
            retention=wanted.retention or logs.RetentionDays.ONE_YEAR,
            removal_policy=parts.removal_policy,
        )
        # Known before the group exists, so that the key's policy can name it.
        group_arn = trail_log_group.log_group_arn(scope, name)
        key_statements = [log_group_statement(log_group_arn=group_arn, region=cdk.Stack.of(scope).region)]
    else:
        existing_resources.check_log_group(scope, log_group)
        group_arn, key_statements = trail_log_group.log_group_arn(scope, log_group.log_group_name), []
    if wanted.role is not None:
        existing_resources.check_log_role(scope, wanted.role)
    role = wanted.role or trail_log_group.create_log_role(
        scope,
        trail_name=parts.trail_name,
        trail_arn=parts.trail_arn,
        trail_account=parts.trail_account,
        organization_id=parts.organization_id,
        group_arn=group_arn,
    )
    is_here = wanted.role is not None and cdk.Stack.of(wanted.role) == cdk.Stack.of(scope)
    return _LogGroup(
        log_group,
        role,
        key_statements,
        is_own=wanted.log_group is None,
        before_trail=[role] if is_here else [],
    )


@dataclass(frozen=True, slots=True)
class _DeliveryTopic:
    """The topic for log files, what the log key must allow for it, and what must exist before the trail.

    :param is_own: whether it was made for the trail, so that nobody else publishes to it.
    """

    topic: sns.ITopic
    key_statements: Sequence[iam.PolicyStatement]
    before_trail: Sequence[IDependable]
    is_own: bool


def _create_delivery_topic(scope: Construct, parts: TrailParts, wanted: DeliveryNotifications) -> _DeliveryTopic:
    """The topic that CloudTrail tells about each log file: this one, or a new one."""
    existing = wanted.topic
    key_statement = notification_statement(
        trail_arn=parts.trail_arn,
        topics_of_the_account=cdk.Stack.of(scope).format_arn(
            service="sns",
            resource="*",
            region=None if existing is None else existing.env.region,
            account=None if existing is None else existing.env.account,
        ),
    )
    if existing is None:
        existing_resources.check_key_region(scope, parts.encryption_key, "delivery_notifications")
        topic: sns.ITopic = create_delivery_topic(scope, trail_name=parts.trail_name, key=parts.encryption_key)
    else:
        topic = existing
        existing_resources.check_topic(scope, "DeliveryNotifications.topic", topic, anywhere=True)
        deploy_after_owner(scope, topic)
        _grant_on_key_of(scope, topic, "delivery topic", [key_statement], parts.sid_suffix)
    statement = delivery_topic_statement(topic_arn=topic.topic_arn, trail_arn=parts.trail_arn)
    before_trail = add_statements(
        scope, topic, "delivery topic", [statement], sid_suffix="" if existing is None else parts.sid_suffix
    )
    return _DeliveryTopic(topic, [key_statement] if existing is None else [], before_trail, is_own=existing is None)


def _grant_on_key_of(
    scope: Construct, topic: sns.ITopic, kind: str, statements: Sequence[iam.PolicyStatement], sid_suffix: str
) -> None:
    """Allow publishers on the topic's key, where CDK knows one: SNS reports no error when the key denies them."""
    if topic.master_key is not None:
        add_statements(scope, topic.master_key, f"{kind} key", statements, sid_suffix=sid_suffix)
    elif statements and topic.node.default_child is None:
        cdk.Annotations.of(scope).add_warning_v2(
            f"securetrail:{kind.replace(' ', '-')}-key",
            f"Whether a key of KMS encrypts the imported {kind} is not known here. If one does, messages are lost, and "
            "nothing says so, unless the key's policy has "
            f"{' and '.join(readable(scope, statement) for statement in statements)}. "
            "Fix: sns.Topic.from_topic_attributes(…, topic_arn=…, key_arn=…), or acknowledge if none does.",
        )


@dataclass(frozen=True, slots=True)
class _Alerts:
    """The topic for alerts, the alarms on alerts that do not arrive, and what was made below an existing topic."""

    topic: sns.ITopic
    alarms: Sequence[cloudwatch.CfnAlarm]
    before_trail: Sequence[IDependable]


def _create_alerts(scope: Construct, parts: TrailParts, wanted: Alerts) -> _Alerts:
    """The topic, this one or a new one, and the alerts that publish to it."""
    stack = cdk.Stack.of(scope)
    existing = wanted.topic
    if existing is None:
        topic: sns.ITopic = create_alert_topic(scope, trail_name=parts.trail_name, removal_policy=parts.removal_policy)
    else:
        topic = existing
        existing_resources.check_topic(scope, "Alerts.topic", topic, by_role=wanted.on_tampering)
        existing_resources.warn_of_shared_key(scope, topic, parts.encryption_key)
        existing_resources.warn_of_unknown_region(scope, "Alerts.topic", topic)
        deploy_after_owner(scope, topic)
    of_topic = [alarm_topic_statement(topic_arn=topic.topic_arn, account=stack.account)]
    of_key = [] if existing is None else [alarm_key_statement(stack.account)]
    alarms: Sequence[cloudwatch.CfnAlarm] = ()
    if wanted.on_tampering:
        role, alarms = _create_tamper_alerts(scope, parts, topic, wanted)
        if existing_resources.may_differ(existing_resources.place_of(topic)[1], stack.account):
            account = stack.account if existing_resources.is_apart(scope, topic) else None
            to_publish, to_encrypt = role_statements(role, topic.topic_arn, account=account)
            of_topic.append(to_publish)
            of_key.append(to_encrypt)
    made = add_statements(
        scope, topic, "alert topic", of_topic, sid_suffix="" if existing is None else parts.sid_suffix
    )
    _grant_on_key_of(scope, topic, "alert topic", of_key, parts.sid_suffix)
    if wanted.slack_channels:
        from constructs_lib.notifications.chat import create_channels  # noqa: PLC0415 (slow to load)

        channels = [(each.workspace_id, each.channel_id) for each in wanted.slack_channels]
        create_channels(scope, channels, topic.topic_arn)
    if wanted.emails or wanted.webhooks:
        from aws_cdk import aws_sns_subscriptions as subscriptions  # noqa: PLC0415 (slow to load)

        subscribers: list[sns.ITopicSubscription] = [
            *(subscriptions.EmailSubscription(address) for address in wanted.emails),
            *(subscriptions.UrlSubscription(url, protocol=sns.SubscriptionProtocol.HTTPS) for url in wanted.webhooks),
        ]
        made += [topic.add_subscription(each) for each in subscribers]
    # Of another stack CDK knows the order, or it is the app's.
    is_here = existing is not None and cdk.Stack.of(existing) == stack
    return _Alerts(topic, alarms, before_trail=made if is_here else [])


def _create_alarms(
    scope: Construct,
    parts: TrailParts,
    chosen: Choices,
    topic_arn: str,
    logging: _LogGroup | None,
    notifying: _DeliveryTopic | None,
) -> list[cloudwatch.CfnAlarm]:
    """The alarms on deliveries that cease, and those of CIS."""
    alarms = []
    if chosen.alerts is not None and chosen.alerts.on_tampering and parts.is_never_silent:
        alarms += guard_deliveries(
            scope,
            topic_name=notifying.topic.topic_name if notifying is not None and notifying.is_own else None,
            log_group_name=logging.log_group.log_group_name if logging is not None and logging.is_own else None,
            alert_topic_arn=topic_arn,
        )
    if logging is not None and chosen.has_cis_alarms:
        existing_resources.check_log_class(logging.log_group)
        alarms += create_cis_alarms(
            scope, trail_name=parts.trail_name, log_group=logging.log_group, topic_arn=topic_arn
        )
    return alarms


def _create_tamper_alerts(
    scope: Construct, parts: TrailParts, topic: sns.ITopic, wanted: Alerts
) -> tuple[iam.Role, list[cloudwatch.CfnAlarm]]:
    """The rules on calls that touch the trail or the alerts; the role by which they publish, and the alarms on it."""
    key = topic.master_key
    is_elsewhere = existing_resources.differ(topic.env.account, cdk.Stack.of(scope).account)
    existing_resources.warn_of_unseen_calls(
        scope,
        {
            "encryption_key": parts.encryption_key,
            "log_bucket": parts.log_bucket,
            "alert_topic": topic,
            **({} if key is None else {"alert_topic.master_key": key}),
        },
    )
    watched = WatchedResources(
        trail_name=parts.trail_name,
        trail_arn=parts.trail_arn,
        key_id=parts.encryption_key.key_id,
        key_arn=parts.encryption_key.key_arn,
        bucket_name=parts.log_bucket.bucket_name,
    )
    role = create_alert_role(
        scope,
        trail_name=parts.trail_name,
        topic_arn=topic.topic_arn,
        key_arn=_key_arn_of(scope, topic),
        is_named_elsewhere=wanted.topic is not None and existing_resources.is_apart(scope, topic),
    )
    target = alert_target(topic.topic_arn, role.role_arn, for_chat=bool(wanted.slack_channels))
    alarms = guard_alerts(
        scope,
        AlertChain(
            rules=create_tamper_alerts(scope, watched, target),
            target=target,
            topic_arn=topic.topic_arn,
            topic_name=None if is_elsewhere else topic.topic_name,
            key_ids=[] if key is None or existing_resources.is_apart(scope, key) else [key.key_id, key.key_arn],
            # Of a topic that exists only what is added here is known: others may leave messages out by a filter.
            # All channels of a chat get one delivery: the service subscribes once.
            subscribers=len(wanted.emails) + len(wanted.webhooks) + bool(wanted.slack_channels)
            or (1 if wanted.topic is None else 0),
        ),
    )
    return role, alarms


def _key_arn_of(scope: Construct, topic: sns.ITopic) -> str | None:
    """The ARN of the key that encrypts the topic, with a wildcard where it is not known here; ``None``: it has none."""
    key = topic.master_key
    if key is not None and not existing_resources.is_apart(scope, key):
        return key.key_arn
    if key is None and topic.node.default_child is not None:
        return None
    # It exists, and which key it has is not known; or another account's stack makes its key, which can have no name.
    return cdk.Stack.of(scope).format_arn(service="kms", resource="key", resource_name="*", account=topic.env.account)


def _create_analytics(
    scope: Construct, parts: TrailParts, wanted: Analytics, *, log_expiration: cdk.Duration | None
) -> LogAnalytics:
    """Athena over the log files, as far back as they stay."""
    existing_resources.check_key_region(scope, parts.encryption_key, "analytics")
    organization_id = parts.organization_id
    access_log_bucket = wanted.access_log_bucket or cast("s3.IBucket", parts.access_log_bucket)
    if access_log_bucket is not parts.access_log_bucket:
        existing_resources.warn_of_weak_bucket(scope, "access_log_bucket", access_log_bucket)
    return LogAnalytics(
        scope,
        "Analytics",
        key=parts.encryption_key,
        log_bucket=parts.log_bucket,
        folder=parts.log_folder if organization_id is None else f"{parts.log_folder}/{organization_id}",
        accounts=[parts.trail_account] if organization_id is None else [],
        account=parts.trail_account,
        regions=wanted.regions,
        first_day=(
            _OLDEST_DAY if log_expiration is None else f"NOW-{days_of('LogRetention.expiration', log_expiration)}DAYS"
        ),
        scan_limit_mebibytes=wanted.scan_limit_mebibytes,
        access_logging=AccessLogging(
            bucket=access_log_bucket,
            prefix="query-results-bucket/",
            own=access_log_bucket in parts.own_buckets,
        ),
        removal_policy=parts.removal_policy,
    )
