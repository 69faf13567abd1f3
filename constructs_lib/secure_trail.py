"""The SecureTrail construct: its props, and the order in which key, buckets, trail and features are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import aws_cdk as cdk
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.choices import Choices, choose
from constructs_lib.compliance.acknowledgements import acknowledge_choices, acknowledge_repeated_dependencies
from constructs_lib.compliance.profiles import SecurityProfile
from constructs_lib.groups import (
    Alerts,
    Analytics,
    CloudWatchLogs,
    DeliveryNotifications,
    NewAccessLogBucket,
    NewBucket,
    NewKey,
    Organization,
    Recording,
)
from constructs_lib.log_buckets import LogBuckets, access_logs, create_log_buckets, policy_of_existing
from constructs_lib.policies import grants
from constructs_lib.policies.attach import add_statements, sid_suffix_of
from constructs_lib.policies.stack_order import deploy_after_owner
from constructs_lib.recording.insights import aggregation_configurations, insight_selectors
from constructs_lib.recording.receivers import receivers
from constructs_lib.recording.trail_properties import (
    advanced_event_selectors,
    own_bucket_arns,
    records_every_management_event,
    selector_warnings,
)
from constructs_lib.storage.buckets import deliver_access_logs_by_policy
from constructs_lib.storage.later_changes import Made, warn_of_later_changes
from constructs_lib.storage.log_bucket import (
    bucket_policy_statements,
    deny_tampering_statement,
    deny_writing_statement,
)
from constructs_lib.storage.log_key import any_trail_of, create_log_key, key_policy_statements
from constructs_lib.validation import existing_resources, naming, retention
from constructs_lib.validation.argument_types import (
    BUCKET,
    DURATION,
    INTEGER,
    KEY,
    OFF,
    REMOVAL_POLICY,
    STRING,
    STRINGS_BY_STRING,
    instance_of,
)
from constructs_lib.validation.renamed import refuses_old_props
from constructs_lib.validation.tags import check_tags

if TYPE_CHECKING:  # only named in signatures, and slow to load; the features load them when they are wanted
    from aws_cdk import aws_cloudwatch as cloudwatch_
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sns as sns

    from constructs_lib.analytics.log_analytics import LogAnalytics
    from constructs_lib.features import Features
    from constructs_lib.storage.log_replica import LogReplica, ReplicaTarget

_PROFILE: Final = instance_of("SecurityProfile", "SecurityProfile.COMPLIANCE")
_ORGANIZATION: Final = instance_of("Organization", "Organization('o-exampleorgid')")
_RECORDING: Final = instance_of("Recording", "Recording(event_selectors=[EventSelector.management()])")
_NEW_KEY: Final = instance_of("NewKey", "NewKey(alias='alias/cloudtrail-key')")
_NEW_BUCKET: Final = instance_of("NewBucket", "NewBucket(bucket_name='example-cloudtrail')")
_CLOUDWATCH: Final = instance_of("CloudWatchLogs", "CloudWatchLogs()")
_ALERTS: Final = instance_of("Alerts", "Alerts()")
_NOTIFICATIONS: Final = instance_of("DeliveryNotifications", "DeliveryNotifications()")
_ANALYTICS: Final = instance_of("Analytics", "Analytics()")


class SecureTrail(Construct):
    """A multi-region, log-file-validated CloudTrail trail with its own key and its own bucket::

        SecureTrail(self, "SecureTrail")

    Every grant to CloudTrail is bound to this trail by ``aws:SourceArn``, so that no other trail, in this account or
    another, can use the key or write to the bucket. The L1 ``CfnTrail`` is used because the L2 ``Trail`` adds
    unconditioned grants to whatever bucket it is given, and nothing at all to the key.

    What means something only together is one value::

        SecureTrail(
            self,
            "SecureTrail",
            log_bucket=NewBucket(retention=LogRetention(expiration=cdk.Duration.days(365))),
            alerts=Alerts(topic=topic),
        )

    Its parts are public; one that the props did not ask for is ``None``. ``trail_account`` owns the trail;
    ``log_folder`` is the path in the bucket above the accounts' folders. ``own_buckets`` are the buckets that this
    construct made: the log bucket and the one for its access logs, unless they existed. ``replica`` was made by it too;
    ``replica_target`` is where copies go, whoever made it. The two lists of statements are what the policies of key and
    bucket must contain.

    :param scope: the parent, usually a stack.
    :param construct_id: the id within the parent.
    :param profile: the defaults. Default: - ``SecurityProfile.LAB``, which costs almost nothing.
    :param trail_name: the trail's name; changing it replaces the trail. Default: - a unique name from the
        construct's path.
    :param organization: record every account of this organization. Default: - this account only.
    :param recording: what is recorded, Insights and summaries. Default: - every management event.
    :param encryption_key: encrypt with this key instead of a new one, or how the new one is made. An existing one must
        be symmetric and in the bucket's region. Default: - ``NewKey()``, a customer-managed key that rotates every
        year.
    :param log_bucket: deliver to this bucket instead of a new one, or how the new one is made: name, retention, Object
        Lock, replica, access logs. Default: - ``NewBucket()``, encrypted and versioned.
    :param s3_key_prefix: log files go below ``<prefix>/AWSLogs/``, at most 200 characters. Default: - below
        ``AWSLogs/``.
    :param cloudwatch: a second copy in CloudWatch Logs, and the alarms of CIS; billed. Default: - as the profile says.
    :param alerts: a topic, and alerts on calls that change this trail, its key or its bucket, or these alerts; with
        alarms, which are billed. Default: - as the profile says.
    :param delivery_notifications: a message for each log file. Default: - none.
    :param analytics: query the log files with Athena; billed by query. Default: - no Athena.
    :param break_glass_principal_arns: the only principals that can delete log files and change what protects their
        bucket, and the replica that is made here; not access logs or keys. In the log bucket only they and CloudTrail
        write log files. Include the role that deploys. Default: - IAM policies decide.
    :param tags: tags for all resources of the construct. Default: - the stack's.
    :param removal_policy: what becomes of the logs and the key when the construct is removed. Default: - they stay.
        Where the deployment that makes them fails, also an update, it takes back empty buckets and the log group, and
        never the key.
    :raises TypeError: a prop of another type, or one that is called otherwise now.
    :raises ValueError: a name, a prefix or a combination that AWS would refuse at deployment.
    """

    trail: cloudtrail.CfnTrail
    trail_name: str
    trail_arn: str
    trail_account: str
    organization_id: str | None
    encryption_key: kms.IKey
    key_alias: str | None
    log_bucket: s3.IBucket
    log_folder: str
    access_log_bucket: s3.IBucket | None
    own_buckets: list[s3.Bucket]
    key_statements: list[iam.PolicyStatement]
    bucket_statements: list[iam.PolicyStatement]
    removal_policy: cdk.RemovalPolicy
    replica: LogReplica | None = None
    replica_target: ReplicaTarget | None = None
    log_group: logs.ILogGroup | None = None
    delivery_topic: sns.ITopic | None = None
    alert_topic: sns.ITopic | None = None
    analytics: LogAnalytics | None = None

    @refuses_old_props
    def __init__(  # noqa: PLR0913, PLR0915 (a construct's props)
        self,
        scope: Construct,
        construct_id: str,
        *,
        profile: SecurityProfile = SecurityProfile.LAB,
        trail_name: str | None = None,
        organization: Organization | None = None,
        recording: Recording | None = None,
        encryption_key: kms.IKey | kms.Key | NewKey | None = None,  # to pyright, CDK's Key is no IKey
        log_bucket: s3.IBucket | NewBucket | None = None,
        s3_key_prefix: str | None = None,
        cloudwatch: CloudWatchLogs | Literal[False] | None = None,
        alerts: Alerts | Literal[False] | None = None,
        delivery_notifications: DeliveryNotifications | None = None,
        analytics: Analytics | None = None,
        break_glass_principal_arns: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        _PROFILE.check(profile=profile)
        STRING.or_none.check(trail_name=trail_name, s3_key_prefix=s3_key_prefix)
        _ORGANIZATION.or_none.check(organization=organization)
        _RECORDING.or_none.check(recording=recording)
        (KEY | _NEW_KEY).or_none.check(encryption_key=encryption_key)
        (BUCKET | _NEW_BUCKET).or_none.check(log_bucket=log_bucket)
        (OFF | _CLOUDWATCH).or_none.check(cloudwatch=cloudwatch)
        (OFF | _ALERTS).or_none.check(alerts=alerts)
        _NOTIFICATIONS.or_none.check(delivery_notifications=delivery_notifications)
        _ANALYTICS.or_none.check(analytics=analytics)
        STRING.several.or_none.check(break_glass_principal_arns=break_glass_principal_arns)
        STRINGS_BY_STRING.or_none.check(tags=tags)
        REMOVAL_POLICY.check(removal_policy=removal_policy)
        chosen = choose(
            profile,
            log_bucket=log_bucket,
            cloudwatch=cloudwatch,
            alerts=alerts,
            delivery_notifications=delivery_notifications,
            analytics=analytics,
        )
        _check_names(trail_name=trail_name, s3_key_prefix=s3_key_prefix)
        check_tags(tags or {})
        if break_glass_principal_arns is not None:
            retention.check_break_glass(break_glass_principal_arns, cdk.Stack.of(scope))
        retention.check_removal(removal_policy, chosen.object_lock)

        super().__init__(scope, construct_id)
        deliver_access_logs_by_policy(self)
        stack = cdk.Stack.of(self)
        own_account = stack.account
        account = (organization and organization.management_account_id) or own_account
        trail_name = trail_name or naming.default_trail_name(self)
        wanted_key = NewKey() if encryption_key is None else encryption_key
        alias = (wanted_key.alias if isinstance(wanted_key, NewKey) else None) or naming.default_key_alias(trail_name)
        self.key_alias = alias if isinstance(wanted_key, NewKey) else None
        naming.reserve_names(
            stack,
            own_account,
            trail_name=trail_name,
            bucket_name=chosen.log_bucket.bucket_name if isinstance(chosen.log_bucket, NewBucket) else None,
            key_alias=self.key_alias,
        )
        self.trail_name, self.trail_arn = trail_name, naming.trail_arn(stack, trail_name, account)
        self.trail_account, self.removal_policy = account, removal_policy
        self.organization_id = None if organization is None else organization.organization_id
        self.log_folder = f"{s3_key_prefix}/AWSLogs" if s3_key_prefix else "AWSLogs"

        # The key that encrypts the log files, the log bucket, and the bucket for its access logs.
        self.encryption_key = (
            create_log_key(
                self,
                alias=alias,
                description=f"Encrypts the log files of the CloudTrail trail {trail_name}",
                pending_window=wanted_key.pending_window,
                removal_policy=removal_policy,
            )
            if isinstance(wanted_key, NewKey)
            else wanted_key
        )
        buckets = _create_buckets(self, chosen, key=self.encryption_key, removal_policy=removal_policy)
        self.log_bucket, self.access_log_bucket, self.own_buckets = buckets.log, buckets.access_log, buckets.own
        has_own_log_bucket = self.log_bucket in self.own_buckets
        if self.key_alias is None or not has_own_log_bucket:  # a new key fits a new bucket
            existing_resources.check_key(self.encryption_key, self.log_bucket)
            existing_resources.check_name(self, "encryption_key", self.encryption_key, self.encryption_key.key_arn)
            deploy_after_owner(self, self.encryption_key)
        if self.key_alias is None:
            existing_resources.warn_of_weak_key(self, self.encryption_key)
        if not has_own_log_bucket:
            existing_resources.check_name(self, "log_bucket", self.log_bucket, self.log_bucket.bucket_arn)
            existing_resources.warn_of_weak_bucket(self, "log_bucket", self.log_bucket)
            deploy_after_owner(self, self.log_bucket)

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
            is_organization_trail=None if organization is None else True,
            include_global_service_events=True,
            enable_log_file_validation=True,
        )
        if organization is not None and organization.management_account_id is not None:
            existing_resources.warn_of_delegated_administrator(
                self,
                organization.management_account_id,
                has_alerts=chosen.alerts is not None and chosen.alerts.on_tampering,
            )
        self.bucket_statements = bucket_policy_statements(
            bucket_arn=self.log_bucket.bucket_arn,
            trail_arn=self.trail_arn,
            account=account,
            s3_key_prefix=s3_key_prefix,
            organization_id=self.organization_id,
        )
        if break_glass_principal_arns is not None:
            existing_resources.warn_of_locked_out_deployer(self, break_glass_principal_arns)
            self.bucket_statements += [
                deny_tampering_statement(self.log_bucket.bucket_arn, break_glass_principal_arns),
                deny_writing_statement(self.log_bucket.bucket_arn, self.log_folder, break_glass_principal_arns),
            ]

        # The features beside key, bucket and trail.
        self._alarms: list[cloudwatch_.CfnAlarm] = []
        features = self._create_features(chosen, recording, break_glass_principal_arns)
        self.key_statements = key_policy_statements(
            trail_arn=self.trail_arn, account=account, partition=stack.partition
        )
        if features is not None:
            self.replica, self.replica_target = features.replica, features.replica_target
            self.log_group, self.delivery_topic = features.log_group, features.delivery_topic
            self.alert_topic, self.analytics = features.alert_topic, features.analytics
            self.key_statements += features.key_statements
            self._alarms = [*features.alarms]
            _connect(self.trail, features)
        acknowledge_choices(
            self.trail,
            self.own_buckets,
            profile,
            own_log_bucket=has_own_log_bucket,
            has_replica=chosen.replica is not None,
            has_log_group=chosen.cloudwatch is not None,
        )
        if recording is not None:
            self._record(recording, None if analytics is None else analytics.access_log_bucket)
        self._grant_cloudtrail([self.access_log_bucket, None if analytics is None else analytics.access_log_bucket])
        for name, value in (tags or {}).items():
            cdk.Tags.of(self).add(name, value)
        warn_of_later_changes(
            self,
            Made(
                removal_policy=removal_policy,
                key=self.encryption_key,
                log_bucket=self.log_bucket,
                access_log_bucket=self.access_log_bucket if self.access_log_bucket in self.own_buckets else None,
                folders=[f"{self.log_folder}/{account}"],
                trail=self.trail,
                is_own=has_own_log_bucket and self.key_alias is not None,
            ),
        )

    @property
    def sid_suffix(self) -> str:
        """What ends the Sids of this trail's statements in policies that others use as well; Sids change with it."""
        name = self.node.path if cdk.Token.is_unresolved(self.trail_name) else self.trail_name
        return sid_suffix_of(self.trail_account, cdk.Stack.of(self).region, name)

    @property
    def required_key_policy(self) -> iam.PolicyDocument:
        """What the key's policy must contain for this trail; for a key that CDK cannot change."""
        return iam.PolicyDocument(statements=self.key_statements)

    @property
    def required_bucket_policy(self) -> iam.PolicyDocument:
        """What the bucket's policy must contain for this trail; for a bucket that CDK cannot change."""
        return iam.PolicyDocument(statements=self.bucket_statements)

    def grant_read(self, grantee: iam.IGrantable) -> None:
        """Let the grantee list and read this trail's log files, and decrypt them but nothing else.

        Where rule packs look, grant to a managed policy: a role itself gets an inline one, which ``IAMNoInlinePolicy``
        refuses. ``AwsSolutions-IAM5`` remains, because every file below ``AWSLogs/`` is a wildcard; the finding has
        the id with the bucket in it::

            auditors = iam.ManagedPolicy(self, "ReadLogs", roles=[auditor])
            trail.grant_read(auditors)
            cdk.Validations.of(auditors).acknowledge(
                cdk.Acknowledgment(
                    id="AwsSolutions::AwsSolutions-IAM5[Resource::<SecureTrailBucket89F6863C.Arn>/AWSLogs/*]",
                    reason="Auditors read every log file of this trail, and nothing else",
                )
            )

        :raises ValueError: the grantee is everybody.
        """
        grants.grant_read(
            self,
            grantee,
            bucket=self.log_bucket,
            key=self.encryption_key,
            folder=self.log_folder,
            trails_of_the_account=any_trail_of(self.trail_account, cdk.Stack.of(self).partition),
        )

    def grant_query(self, grantee: iam.IGrantable) -> None:
        """Let the grantee query the log files with Athena, which includes reading them.

        For rule packs see :meth:`grant_read`; every query result, ``<…Results….Arn>/*``, is a second wildcard.

        :raises ValueError: there is no ``analytics``.
        """
        if self.analytics is None:
            raise ValueError(
                f"grant_query was called on {self.node.path}, which has no Athena. Allowed: with analytics. "
                "Fix: add analytics=Analytics(), or use grant_read."
            )
        self.grant_read(grantee)
        self.analytics.grant_query(grantee)

    def verifier_policy(self) -> iam.PolicyDocument:
        """Exactly what ``python -m verify check`` needs, to read, for this trail's resources.

        Some of the calls cannot be restricted to a resource; where rule packs look, the policy that holds this document
        acknowledges ``AwsSolutions::AwsSolutions-IAM5[Resource::*]``, as :meth:`grant_read` shows.
        """
        return grants.verifier_policy(
            bucket_arn=self.log_bucket.bucket_arn,
            key_arn=self.encryption_key.key_arn,
            trail_arn=self.trail_arn,
        )

    def alarm_on(
        self,
        construct_id: str,
        *,
        filter_pattern: str,
        description: str,
        threshold: int = 1,
        period: cdk.Duration | None = None,
    ) -> cloudwatch_.CfnAlarm:
        """A further alarm on this trail's events.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

        :param construct_id: the metric's name, and the end of the alarm's; each only once.
        :param filter_pattern: which events count, such as ``{($.eventName=DeleteTrail)}``.
        :param description: the alarm's description, which its notifications contain.
        :param threshold: how many events within the period raise the alarm. Default: - 1.
        :param period: whole minutes. Default: - five.
        :raises TypeError: an argument of another type.
        :raises ValueError: the trail does not send to CloudWatch Logs or has no topic; or CloudWatch would refuse it.
        """
        STRING.check(construct_id=construct_id, filter_pattern=filter_pattern, description=description)
        INTEGER.check(threshold=threshold)
        DURATION.or_none.check(period=period)
        from constructs_lib.notifications.log_alarm import LogAlarm, create_alarm  # noqa: PLC0415 (slow to load)

        if self.log_group is None or self.alert_topic is None:
            raise ValueError(
                f"alarm_on was called on {self.node.path}, which has no "
                f"{'log group' if self.log_group is None else 'topic for alerts'}. Allowed: on a trail with both. "
                "Fix: add cloudwatch=CloudWatchLogs() and alerts=Alerts()."
            )
        if self.node.try_find_child(f"{construct_id}Filter") is not None:
            raise ValueError(
                f"construct_id is {construct_id!r}, which another alarm of {self.node.path} has. "
                "Allowed: a name that no alarm of the trail has, those of CIS included. "
                f"Fix: write for example {'My' + construct_id!r}."
            )
        existing_resources.check_log_class(self.log_group)
        alarm = create_alarm(
            self,
            LogAlarm(
                name=construct_id,
                filter_pattern=filter_pattern,
                description=description,
                threshold=threshold,
                period=period or cdk.Duration.minutes(5),
            ),
            trail_name=self.trail_name,
            log_group=self.log_group,
            topic_arn=self.alert_topic.topic_arn,
        )
        self.trail.node.add_dependency(self.node.find_child(f"{construct_id}Filter"))
        self._alarms.append(alarm)
        return alarm

    def _create_features(
        self, chosen: Choices, recording: Recording | None, break_glass_principal_arns: Sequence[str] | None
    ) -> Features | None:
        """What was chosen beside key, bucket and trail, if anything was."""
        if not chosen.any:
            return None
        from constructs_lib.features import TrailParts, create_features  # noqa: PLC0415 (slow to load)

        parts = TrailParts(
            trail_name=self.trail_name,
            trail_arn=self.trail_arn,
            trail_account=self.trail_account,
            organization_id=self.organization_id,
            sid_suffix=self.sid_suffix,
            log_folder=self.log_folder,
            is_never_silent=recording is None or records_every_management_event(recording.event_selectors),
            encryption_key=self.encryption_key,
            log_bucket=self.log_bucket,
            access_log_bucket=self.access_log_bucket,
            own_buckets=self.own_buckets,
            break_glass_principal_arns=break_glass_principal_arns,
            removal_policy=self.removal_policy,
        )
        return create_features(self, parts, chosen)

    def _record(self, recording: Recording, logs_of_results: s3.IBucket | None) -> None:
        """Tell the trail what to record; without selectors, insights or aggregation CloudTrail's default stays.

        :param logs_of_results: a bucket of its own for the access logs of query results.
        :raises ValueError: the selectors have too many values.
        """
        if recording.event_selectors is not None:
            buckets = (self.log_bucket, self.access_log_bucket, logs_of_results)
            delivered_to = [each for each in buckets if each is not None]
            arns, unknown = own_bucket_arns(
                cdk.Stack.of(self),
                delivered_to,
                self.replica_target,
                of_organization=self.organization_id is not None,
            )
            of_existing, unknown_archive = self._receivers_of_existing(delivered_to)
            arns = [*dict.fromkeys([*arns, *of_existing])]
            self.trail.advanced_event_selectors = [*advanced_event_selectors(recording.event_selectors, arns)]
            topic_arn = None if self.delivery_topic is None else self.delivery_topic.topic_arn
            warnings = selector_warnings(recording.event_selectors, unknown, unknown_archive, topic_arn)
            for name, text in warnings.items():
                cdk.Annotations.of(self).add_warning_v2(f"securetrail:{name}", text)
        if recording.insights:
            self.trail.insight_selectors = [*insight_selectors(recording.insights)]
        if recording.aggregation:
            self.trail.aggregation_configurations = [*aggregation_configurations(recording.aggregation)]

    def _receivers_of_existing(self, buckets: Sequence[s3.IBucket]) -> tuple[list[str], str | None]:
        """Where S3 delivers because of those of the buckets that existed; and one of which not all of it is known.

        A delivery is an event of the account that owns the receiver. Of another one an organization's trail records it:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
        """
        stack, found, unknown = cdk.Stack.of(self), list[str](), None
        for bucket in buckets:
            elsewhere = existing_resources.differ(bucket.env.account, stack.account)
            if bucket in self.own_buckets or (elsewhere and self.organization_id is None):
                continue
            arns, is_all = receivers(stack, bucket)
            found += arns
            unknown = unknown or (None if is_all else bucket.node.path)
        return found, unknown

    def _grant_cloudtrail(self, access_log_buckets: Sequence[s3.IBucket | None]) -> None:
        """Add the trail's statements to key and bucket, and make the trail wait for them and for all else.

        CloudTrail tries the bucket and the key while it creates the trail, so the policies must exist by then.

        :param access_log_buckets: those whose policies let S3 deliver access logs.
        """
        # The key's policy is part of the key, and the trail refers to the key: nothing more to wait for.
        add_statements(
            self, self.encryption_key, "key", self.key_statements, sid_suffix="" if self.key_alias else self.sid_suffix
        )
        own = self.log_bucket in self.own_buckets
        sid_suffix = "" if own else self.sid_suffix
        acknowledge_repeated_dependencies(self.trail)
        before = add_statements(self, self.log_bucket, "bucket", self.bucket_statements, sid_suffix=sid_suffix)
        # And for all else that the construct has made: as long as any of it can fail nothing is delivered, and
        # CloudFormation, which deletes no bucket with files in it, can roll back. Not for the construct itself: what an
        # app adds to its parts, such as a subscription filter, may lead to a function that knows the trail; so may the
        # action that it gives an alarm, which is why alarms come last.
        later = (self.trail, *self._alarms)
        made = (each for each in self.node.find_all() if isinstance(each, cdk.CfnResource) and each not in later)
        existing = [each for each in access_log_buckets if each not in self.own_buckets]
        before += [policy for each in existing for policy in policy_of_existing(self, each)]
        self.trail.node.add_dependency(*before, *made)
        if self.alert_topic is not None:
            from constructs_lib.notifications.alarm_order import AfterAlarms  # noqa: PLC0415 (only where there are any)

            cdk.Aspects.of(self.trail).add(AfterAlarms(self._alarms, self.alert_topic.topic_arn))


def _connect(trail: cloudtrail.CfnTrail, features: Features) -> None:
    """Tell the trail where else it sends events and messages."""
    if features.log_group is not None and features.log_role is not None:
        trail.cloud_watch_logs_log_group_arn = features.log_group.log_group_arn
        trail.cloud_watch_logs_role_arn = features.log_role.role_arn
    if features.delivery_topic is not None:
        trail.sns_topic_name = features.delivery_topic.topic_arn
    trail.node.add_dependency(*features.before_trail)


def _check_names(*, trail_name: str | None, s3_key_prefix: str | None) -> None:
    if trail_name is not None:
        naming.check_trail_name(trail_name)
    if s3_key_prefix is not None:
        naming.check_key_prefix(s3_key_prefix)


def _create_buckets(
    scope: Construct, chosen: Choices, *, key: kms.IKey, removal_policy: cdk.RemovalPolicy
) -> LogBuckets:
    """The buckets that exist, and new ones in place of those that do not."""
    if isinstance(chosen.log_bucket, NewBucket):
        return create_log_buckets(scope, chosen.log_bucket, key=key, removal_policy=removal_policy)
    if chosen.analytics is None:
        return LogBuckets(chosen.log_bucket, None, [])
    # Where S3 delivers the access logs of the results of queries.
    wanted = chosen.analytics.access_log_bucket or NewAccessLogBucket()
    return LogBuckets(chosen.log_bucket, *access_logs(scope, wanted, removal_policy=removal_policy))
