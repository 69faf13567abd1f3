"""The groups of SecureTrail's props: what means something only together is one value, which is checked when it is made.

A group that stands for a feature turns it on; where a profile turns it on too, ``False`` turns it off. A group that
stands in place of an existing resource (``NewKey``, ``NewBucket``) says how a new one is made, so that the two cannot
be given together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from constructs_lib.recording.event_selectors import EventSelector
from constructs_lib.recording.insights import AggregationTemplate, Insight, check_aggregation, check_insights
from constructs_lib.recording.trail_properties import check_selectors
from constructs_lib.storage.log_replica import ReplicaTarget
from constructs_lib.validation import existing_resources, naming, retention
from constructs_lib.validation.argument_types import (
    BOOLEAN,
    BUCKET,
    DURATION,
    INTEGER,
    LOG_GROUP,
    OBJECT_LOCK,
    OFF,
    RETENTION_DAYS,
    ROLE,
    STRING,
    TOPIC,
    TRANSITION,
    instance_of,
)
from constructs_lib.validation.athena import check_regions, check_scan_limit

if TYPE_CHECKING:  # only named in signatures, and slow to load
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sns as sns

_YEAR: Final = cdk.Duration.days(365)
_SELECTOR: Final = instance_of("EventSelector", "EventSelector.management()")
_INSIGHT: Final = instance_of("Insight", "Insight(InsightType.API_CALL_RATE)")
_AGGREGATION: Final = instance_of("AggregationTemplate", "AggregationTemplate.API_ACTIVITY")
_TARGET: Final = instance_of("ReplicaTarget", "LogReplica(…).target")
_SLACK_CHANNEL: Final = instance_of("SlackChannel", "SlackChannel(workspace_id='T0123ABCD', channel_id='C0123ABCD')")


def _unless_default(duration: cdk.Duration) -> cdk.Duration | None:
    """The period, unless nobody chose it: to ask Node how long it is costs time at every synth."""
    return None if duration is _YEAR else duration


@dataclass(frozen=True, slots=True)
class Organization:
    """Record every account of an organization.

    :param organization_id: such as ``o-exampleorgid``.
    :param management_account_id: the organization's management account, which owns the trail also when a delegated
        administrator deploys it. Deploy it from there: CloudFormation may not start logging from another account.
        Default: - the stack's account.
    :raises TypeError: a field of another type.
    :raises ValueError: an id of another form.
    """

    organization_id: str
    management_account_id: str | None = None

    def __post_init__(self) -> None:
        STRING.check("Organization", organization_id=self.organization_id)
        STRING.or_none.check("Organization", management_account_id=self.management_account_id)
        naming.check_organization_id(self.organization_id)
        if self.management_account_id is not None:
            naming.check_account_id("management_account_id", self.management_account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Which events the trail records, and what CloudTrail makes of them.

    :param event_selectors: what is recorded. Default: - every management event.
    :param insights: unusual activity that CloudTrail reports; billed. Default: - none.
    :param aggregation: summaries of data events. Default: - none.
    :raises TypeError: a field of another type.
    :raises ValueError: nothing is recorded, or not what an insight or a summary is about.
    """

    event_selectors: Sequence[EventSelector] | None = None
    insights: Sequence[Insight] = ()
    aggregation: Sequence[AggregationTemplate] = ()

    def __post_init__(self) -> None:
        _SELECTOR.several.or_none.check("Recording", event_selectors=self.event_selectors)
        _INSIGHT.several.check("Recording", insights=self.insights)
        _AGGREGATION.several.check("Recording", aggregation=self.aggregation)
        if self.event_selectors is not None:
            check_selectors(self.event_selectors)
        check_insights(self.insights, self.event_selectors)
        check_aggregation(self.aggregation, self.event_selectors)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """How the key that encrypts log files is made; it rotates every year.

    :param alias: beginning ``alias/``. Default: - ``alias/`` and the trail's name, each '.' a '-'.
    :param pending_window: how long KMS waits before it deletes the key, 7 to 30 days. Default: - 30 days.
    :raises TypeError: a field of another type.
    :raises ValueError: an alias or a period that KMS would refuse.
    """

    alias: str | None = None
    pending_window: cdk.Duration | None = None

    def __post_init__(self) -> None:
        STRING.or_none.check("NewKey", alias=self.alias)
        DURATION.or_none.check("NewKey", pending_window=self.pending_window)
        if self.alias is not None:
            naming.check_key_alias(self.alias)
        if self.pending_window is not None:
            retention.check_pending_window(self.pending_window)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRetention:
    """How long log files stay, and where.

    :param expiration: when log files are deleted. Each stays for ``noncurrent_version_expiration`` after that, as a
        version that listings do not show; then it is gone. Copies in a replica stay. Default: - never.
    :param transitions: when log files move to colder storage, where neither Athena nor the verifier reads them without
        a restore (``GLACIER_INSTANT_RETRIEVAL`` excepted). Default: - never.
    :param noncurrent_version_expiration: how long an overwritten or deleted log file stays. Default: - 365 days.
    :param object_lock: no log file can be deleted before this period ends. Default: - as the profile says.
    :raises TypeError: a field of another type.
    :raises ValueError: periods that contradict each other, or that S3 would refuse.
    """

    expiration: cdk.Duration | None = None
    transitions: Sequence[s3.Transition] = ()
    noncurrent_version_expiration: cdk.Duration = _YEAR
    object_lock: s3.ObjectLockRetention | None = None

    def __post_init__(self) -> None:
        DURATION.or_none.check("LogRetention", expiration=self.expiration)
        DURATION.check("LogRetention", noncurrent_version_expiration=self.noncurrent_version_expiration)
        TRANSITION.several.check("LogRetention", transitions=self.transitions)
        OBJECT_LOCK.or_none.check("LogRetention", object_lock=self.object_lock)
        retention.check_retention(
            expiration=self.expiration,
            transitions=self.transitions,
            noncurrent_version_expiration=_unless_default(self.noncurrent_version_expiration),
            object_lock=self.object_lock,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """Copy log files and access logs to a second bucket.

    :param target: the destination, such as ``LogReplica(…).target`` in another region. Default: - a new bucket with a
        key of its own, beside the first.
    :raises TypeError: a field of another type.
    """

    target: ReplicaTarget | None = None

    def __post_init__(self) -> None:
        _TARGET.or_none.check("Replica", target=self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccessLogBucket:
    """How the bucket for S3 server access logs is made.

    :param expiration: how long they are kept; each stays for 30 days after that, as a version that listings do not
        show. Default: - 365 days.
    :raises TypeError: a field of another type.
    :raises ValueError: it is not whole days.
    """

    expiration: cdk.Duration = _YEAR

    def __post_init__(self) -> None:
        DURATION.check("NewAccessLogBucket", expiration=self.expiration)
        if _unless_default(self.expiration) is not None:
            retention.days_of("NewAccessLogBucket.expiration", self.expiration)


_NEW_ACCESS_LOG_BUCKET: Final = instance_of("NewAccessLogBucket", "NewAccessLogBucket()")
_RETENTION: Final = instance_of("LogRetention", "LogRetention(expiration=cdk.Duration.days(365))")
_REPLICA: Final = instance_of("Replica", "Replica(target=LogReplica(…).target)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBucket:
    """How the log bucket is made. It is encrypted, versioned and private; an existing one keeps what it has.

    :param bucket_name: its name. Default: - CloudFormation chooses one.
    :param retention: how long log files stay. Default: - for ever; an overwritten or deleted one for 365 days.
    :param replica: copy log files and access logs to a second bucket; ``False`` for no copies. Default: - as the
        profile says.
    :param access_log_bucket: where S3 delivers the access logs of the log bucket. Default: - a new bucket.
    :raises TypeError: a field of another type.
    :raises ValueError: a name that S3 would refuse, or a bucket that S3 delivers no access logs to.
    """

    bucket_name: str | None = None
    retention: LogRetention = field(default_factory=LogRetention)
    replica: Replica | Literal[False] | None = None
    access_log_bucket: s3.IBucket | NewAccessLogBucket = field(default_factory=NewAccessLogBucket)

    def __post_init__(self) -> None:
        STRING.or_none.check("NewBucket", bucket_name=self.bucket_name)
        _RETENTION.check("NewBucket", retention=self.retention)
        (OFF | _REPLICA).or_none.check("NewBucket", replica=self.replica)
        (BUCKET | _NEW_ACCESS_LOG_BUCKET).check("NewBucket", access_log_bucket=self.access_log_bucket)
        if self.bucket_name is not None:
            naming.check_bucket_name(self.bucket_name)
        if not isinstance(self.access_log_bucket, NewAccessLogBucket):
            existing_resources.check_access_log_bucket(self.access_log_bucket)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudWatchLogs:
    """A second copy of the events in CloudWatch Logs, which can be searched within minutes and raises alarms; billed.

    :param retention: how long that copy stays in a new log group. Default: - one year.
    :param cis_alarms: the 15 alarms of CIS AWS Foundations; billed. They publish to the topic for alerts, which is made
        for them where there are no alerts. Default: - as the profile says.
    :param log_group: send to this log group of the trail's account and Region, which keeps its own retention and key.
        Default: - a new one, encrypted with the trail's key.
    :param role: the role by which CloudTrail writes there. It is not changed: CloudTrail must be able to assume it, and
        it to call ``logs:CreateLogStream`` and ``logs:PutLogEvents``, or CloudTrail refuses the trail. Default: - a new
        one, which can do just that.
    :raises TypeError: a field of another type.
    :raises ValueError: a retention for a log group that exists.
    """

    retention: logs.RetentionDays | None = None
    cis_alarms: bool | None = None
    log_group: logs.ILogGroup | None = None
    role: iam.IRole | iam.Role | None = None  # to pyright, CDK's Role is no IRole; likewise below

    def __post_init__(self) -> None:
        RETENTION_DAYS.or_none.check("CloudWatchLogs", retention=self.retention)
        BOOLEAN.or_none.check("CloudWatchLogs", cis_alarms=self.cis_alarms)
        LOG_GROUP.or_none.check("CloudWatchLogs", log_group=self.log_group)
        ROLE.or_none.check("CloudWatchLogs", role=self.role)
        if self.log_group is not None and self.retention is not None:
            raise ValueError(
                "CloudWatchLogs has a log_group that exists and a retention. Allowed: one of them, because an existing "
                "log group keeps its own. Fix: leave retention out, or log_group to get a new one."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel:
    """A channel of Slack that shows alerts, by way of Amazon Q Developer in chat applications (AWS Chatbot before).

    Somebody authorizes the workspace once, in that service's console, and invites ``@Amazon Q`` to a private channel.
    From the channel nobody may do anything in AWS. MiniStack, and so the lab, has no such service.

    :param workspace_id: the workspace's id, such as ``T0123ABCD``, as that console shows it.
    :param channel_id: the channel's id, such as ``C0123ABCD``, the end of its link; not its name.
    :raises TypeError: a field of another type.
    :raises ValueError: what is no id of Slack's.
    """

    workspace_id: str
    channel_id: str

    def __post_init__(self) -> None:
        STRING.check("SlackChannel", workspace_id=self.workspace_id, channel_id=self.channel_id)
        naming.check_slack_id("SlackChannel.workspace_id", self.workspace_id, "T0123ABCD")
        naming.check_slack_id("SlackChannel.channel_id", self.channel_id, "C0123ABCD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """A topic, and alerts on calls that change this trail, its key or its bucket, or these alerts.

    :param topic: import an encrypted one with its key, by ``Topic.from_topic_attributes``, or the key's policy may
        block alerts. Default: - a new one with its own key.
    :param on_tampering: rules on those calls, and alarms, which are billed, on alerts that do not arrive and on
        deliveries that cease: of log files with ``delivery_notifications``, of events with ``cloudwatch``, each with a
        topic or a log group that is made here, where every management event is recorded. ``False`` for a topic without
        them, to which only other alarms publish. Default: - True.
    :param emails: addresses that alerts go to, each after its owner has confirmed the message that SNS sends. An alarm
        tells the others within two hours when an alert has not reached as many as there are ``emails`` and
        ``webhooks``, and the chat, or nobody; that nobody has confirmed, its state alone shows, and ``aws sns
        list-subscriptions-by-topic``. The policy of a topic in another account must let the role that deploys
        subscribe. Default: - none; subscribe to the construct's ``alert_topic``.
    :param webhooks: URLs, ``https://`` alone, that SNS posts alerts to, each once it has confirmed the message that SNS
        sends. They stand in the template: none with a secret in it. Default: - none.
    :param slack_channels: channels of Slack that alerts and alarms are shown in. Every subscriber then gets alerts as
        JSON in the form that the chat needs. Default: - none.
    :raises TypeError: a field of another type.
    :raises ValueError: what is no address or no such URL, or one twice.
    """

    topic: sns.ITopic | sns.Topic | None = None
    on_tampering: bool = True
    emails: Sequence[str] = ()
    webhooks: Sequence[str] = ()
    slack_channels: Sequence[SlackChannel] = ()

    def __post_init__(self) -> None:
        TOPIC.or_none.check("Alerts", topic=self.topic)
        BOOLEAN.check("Alerts", on_tampering=self.on_tampering)
        STRING.several.check("Alerts", emails=self.emails)
        naming.check_emails("Alerts.emails", self.emails)
        STRING.several.check("Alerts", webhooks=self.webhooks)
        naming.check_webhooks("Alerts.webhooks", self.webhooks)
        _SLACK_CHANNEL.several.check("Alerts", slack_channels=self.slack_channels)
        naming.check_once("Alerts.slack_channels", [each.channel_id for each in self.slack_channels])


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryNotifications:
    """A message for each log file that CloudTrail delivers.

    :param topic: the topic for them; imported as that of :class:`Alerts` is. Default: - a new, encrypted one.
    :raises TypeError: a field of another type.
    """

    topic: sns.ITopic | sns.Topic | None = None

    def __post_init__(self) -> None:
        TOPIC.or_none.check("DeliveryNotifications", topic=self.topic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analytics:
    """Query the log files with Athena; billed by query.

    :param regions: the regions that queries cover. Default: - all that CDK knows in the partition.
    :param scan_limit_mebibytes: a query that reads more is stopped. Default: - 102,400 (100 GiB, about 0.50 USD).
    :param access_log_bucket: where S3 delivers the access logs of the results. Default: - where those of the log bucket
        go; a new one where the log bucket exists.
    :raises TypeError: a field of another type.
    :raises ValueError: a region or a limit that Athena would refuse, or a bucket that S3 delivers no access logs to.
    """

    regions: Sequence[str] | None = None
    scan_limit_mebibytes: int = 100 * 1024
    access_log_bucket: s3.IBucket | None = None

    def __post_init__(self) -> None:
        STRING.several.or_none.check("Analytics", regions=self.regions)
        INTEGER.check("Analytics", scan_limit_mebibytes=self.scan_limit_mebibytes)
        BUCKET.or_none.check("Analytics", access_log_bucket=self.access_log_bucket)
        if self.regions is not None:
            check_regions(self.regions)
        check_scan_limit(self.scan_limit_mebibytes)
        if self.access_log_bucket is not None:
            existing_resources.check_access_log_bucket(self.access_log_bucket)
