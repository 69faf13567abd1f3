"""The parts of a SecureTrail and its methods: grants, the policies that it needs, further alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.policies import grants
from constructs_lib.policies.attach import sid_suffix_of
from constructs_lib.storage.log_key import any_trail_of
from constructs_lib.validation.argument_types import typed

if TYPE_CHECKING:  # only named in signatures, and slow to load
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sns as sns

    from constructs_lib.analytics.log_analytics import LogAnalytics
    from constructs_lib.storage.log_replica import LogReplica, ReplicaTarget


class TrailBase(Construct):
    """The parts of a :class:`SecureTrail`, all public, and its methods.

    A part that the props did not ask for is ``None``. ``trail_account`` owns the trail; ``log_folder`` is the path in
    the bucket above the accounts' folders; the two lists of statements are what the policies of key and bucket must
    contain. ``own_buckets`` are the buckets that this construct made: the log bucket and the one for its access logs,
    unless they existed. ``replica`` was made by it too; ``replica_target`` is where copies go, whoever made it.
    """

    trail: cloudtrail.CfnTrail
    trail_name: str
    trail_arn: str
    encryption_key: kms.IKey
    key_alias: str | None
    log_bucket: s3.IBucket
    access_log_bucket: s3.IBucket | None = None
    replica: LogReplica | None = None
    replica_target: ReplicaTarget | None = None
    log_group: logs.ILogGroup | None = None
    delivery_topic: sns.ITopic | None = None
    alert_topic: sns.ITopic | None = None
    analytics: LogAnalytics | None = None

    trail_account: str
    organization_id: str | None
    log_folder: str
    removal_policy: cdk.RemovalPolicy
    own_buckets: list[s3.Bucket]
    key_statements: list[iam.PolicyStatement]
    bucket_statements: list[iam.PolicyStatement]

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
        """
        grants.grant_read(
            grantee,
            bucket=self.log_bucket,
            key=self.encryption_key,
            folder=self.log_folder,
            trails_of_the_account=any_trail_of(self.trail_account, cdk.Stack.of(self).partition),
        )

    def grant_query(self, grantee: iam.IGrantable) -> None:
        """Let the grantee query the log files with Athena, which includes reading them.

        For rule packs see :meth:`grant_read`; every query result, ``<…Results….Arn>/*``, is a second wildcard.

        :raises ValueError: there is no ``log_analytics``.
        """
        if self.analytics is None:
            raise ValueError(
                f"grant_query was called on {self.node.path}, which has no Athena. Allowed: with log_analytics=True. "
                "Fix: add log_analytics=True, or use grant_read."
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

    @typed
    def alarm_on(
        self,
        construct_id: str,
        *,
        filter_pattern: str,
        description: str,
        threshold: int = 1,
        period: cdk.Duration | None = None,
    ) -> cloudwatch.CfnAlarm:
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
        from constructs_lib.notifications.log_alarm import LogAlarm, create_alarm  # noqa: PLC0415 (slow to load)

        if self.log_group is None or self.alert_topic is None:
            raise ValueError(
                f"alarm_on was called on {self.node.path}, which has no "
                f"{'log group' if self.log_group is None else 'topic for alerts'}. Allowed: on a trail with both. "
                "Fix: add send_to_cloud_watch_logs=True, and tamper_alerts=True or alert_topic=…"
            )
        if self.node.try_find_child(f"{construct_id}Filter") is not None:
            raise ValueError(
                f"construct_id is {construct_id!r}, which another alarm of {self.node.path} has. "
                "Allowed: a name that no alarm of the trail has, those of CIS included. "
                f"Fix: write for example {'My' + construct_id!r}."
            )
        return create_alarm(
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
