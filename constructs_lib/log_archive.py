"""The LogArchive construct: where trails of other accounts or stacks deliver, such as an organization's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.compliance.acknowledgements import acknowledge_no_replica
from constructs_lib.groups import NewBucket, NewKey
from constructs_lib.log_buckets import create_log_buckets
from constructs_lib.policies import grants
from constructs_lib.storage.buckets import deliver_access_logs_by_policy
from constructs_lib.storage.later_changes import Made, warn_of_later_changes
from constructs_lib.storage.log_bucket import deny_tampering_statement, deny_writing_statement
from constructs_lib.storage.log_key import any_trail_of, create_log_key
from constructs_lib.storage.required_policies import required_bucket_policy, required_key_policy
from constructs_lib.validation import existing_resources, naming, retention
from constructs_lib.validation.argument_types import REMOVAL_POLICY, STRING, instance_of

if TYPE_CHECKING:
    from constructs_lib.storage.log_replica import LogReplica, ReplicaTarget

_TRAIL: Final = instance_of(
    "ArchivedTrail", "ArchivedTrail(trail_name='audit', trail_account='111122223333', trail_region='eu-central-1')"
)
_NEW_KEY: Final = instance_of("NewKey", "NewKey(alias='alias/log-archive')")
_NEW_BUCKET: Final = instance_of("NewBucket", "NewBucket(bucket_name='example-log-archive')")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedTrail:
    """A trail that delivers to an archive. It need not exist yet: make the archive first.

    :param trail_name: its name.
    :param trail_account: the account that owns it; of an organization's, the management account.
    :param trail_region: its home region.
    :param s3_key_prefix: what its log files are below in the archive. Default: - the top of the bucket.
    :param organization_id: of an organization's trail, such as ``o-exampleorgid``. Default: - a trail of one account.
    :raises TypeError: a field of another type.
    :raises ValueError: a name or an id that AWS would refuse.
    """

    trail_name: str
    trail_account: str
    trail_region: str
    s3_key_prefix: str | None = None
    organization_id: str | None = None

    def __post_init__(self) -> None:
        STRING.check(
            "ArchivedTrail",
            trail_name=self.trail_name,
            trail_account=self.trail_account,
            trail_region=self.trail_region,
        )
        STRING.or_none.check("ArchivedTrail", s3_key_prefix=self.s3_key_prefix, organization_id=self.organization_id)
        naming.check_trail_name(self.trail_name)
        naming.check_account_id("trail_account", self.trail_account)
        naming.check_region("trail_region", self.trail_region)
        if self.s3_key_prefix is not None:
            naming.check_key_prefix(self.s3_key_prefix)
        if self.organization_id is not None:
            naming.check_organization_id(self.organization_id)

    @property
    def log_folder(self) -> str:
        """The path in the bucket above the accounts' folders."""
        return f"{self.s3_key_prefix}/AWSLogs" if self.s3_key_prefix else "AWSLogs"


class LogArchive(Construct):
    """A key and a bucket for the log files of trails of other accounts or stacks::

        LogArchive(
            self,
            "Archive",
            trails=[ArchivedTrail(trail_name="audit", trail_account="111122223333", trail_region="eu-central-1")],
        )

    In an account of its own nobody who can change the trails can delete or read what they recorded. The policies name
    each trail, so that no other trail can deliver: give its name and its account to :class:`SecureTrail` there, with
    this bucket and this key. For a bucket or a key that exists there are ``required_bucket_policy`` and
    ``required_key_policy``.

    In another account than its trails the archive is the second copy that rule packs ask for. Where a trail is in the
    archive's account, or that account is not known during the synth, their finding stays without a replica.

    Its parts are public: ``key``, ``bucket``, ``access_log_bucket`` (where S3 delivers the access logs of the bucket),
    ``replica``, which was made by it, and ``replica_target``, where copies go.

    :param scope: the parent, usually a stack of the archive's account.
    :param construct_id: the id within the parent.
    :param trails: the trails that deliver here.
    :param encryption_key: how the key is made. Default: - ``NewKey()``, which has no alias here.
    :param log_bucket: how the bucket is made: name, retention, Object Lock, replica, access logs. Default: -
        ``NewBucket()``, encrypted and versioned, without a replica.
    :param break_glass_principal_arns: the only principals that can delete log files and change what protects their
        bucket, and the replica that is made here. In the bucket only they and CloudTrail write log files. Include the
        role that deploys. Default: - IAM policies decide.
    :param removal_policy: what becomes of the logs and the key when the construct is removed. Default: - they stay.
        Where the deployment that makes them fails, also an update, it takes back empty buckets, and never the key.
    :raises TypeError: a prop of another type.
    :raises ValueError: no trail, one twice, or a name or a combination that AWS would refuse at deployment.
    """

    key: kms.Key
    bucket: s3.IBucket
    access_log_bucket: s3.IBucket | None
    replica: LogReplica | None = None
    replica_target: ReplicaTarget | None = None

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        trails: Sequence[ArchivedTrail],
        encryption_key: NewKey | None = None,
        log_bucket: NewBucket | None = None,
        break_glass_principal_arns: Sequence[str] | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        _TRAIL.several.check(trails=trails)
        _NEW_KEY.or_none.check(encryption_key=encryption_key)
        _NEW_BUCKET.or_none.check(log_bucket=log_bucket)
        STRING.several.or_none.check(break_glass_principal_arns=break_glass_principal_arns)
        REMOVAL_POLICY.check(removal_policy=removal_policy)
        _check_trails(trails)
        wanted_key, wanted_bucket = encryption_key or NewKey(), log_bucket or NewBucket()
        if break_glass_principal_arns is not None:
            retention.check_break_glass(break_glass_principal_arns, cdk.Stack.of(scope))
        retention.check_removal(removal_policy, wanted_bucket.retention.object_lock)

        super().__init__(scope, construct_id)
        deliver_access_logs_by_policy(self)
        stack = cdk.Stack.of(self)
        naming.reserve_names(
            stack, stack.account, trail_name=None, bucket_name=wanted_bucket.bucket_name, key_alias=wanted_key.alias
        )
        self.key = create_log_key(
            self,
            alias=wanted_key.alias,
            description="Encrypts CloudTrail log files of other accounts or stacks",
            pending_window=wanted_key.pending_window,
            removal_policy=removal_policy,
        )
        buckets = create_log_buckets(self, wanted_bucket, key=self.key, removal_policy=removal_policy)
        self.bucket, self.access_log_bucket = buckets.log, buckets.access_log
        if wanted_bucket.replica:
            from constructs_lib.features import create_replica  # noqa: PLC0415 (slow to load)

            self.replica, self.replica_target = create_replica(
                self,
                wanted_bucket.replica,
                sources=buckets.own,
                source_key=self.key,
                object_lock=wanted_bucket.retention.object_lock,
                break_glass_principal_arns=break_glass_principal_arns,
                removal_policy=removal_policy,
            )
        elif all(existing_resources.differ(each.trail_account, stack.account) for each in trails):
            for bucket in buckets.own:
                acknowledge_no_replica(
                    bucket,
                    "Whoever can change the trails has no access to the account of the archive: each of them is in "
                    "another one. NewBucket(replica=Replica()) adds a second copy.",
                )
        self._trails = tuple(trails)
        for statement in self._statements(break_glass_principal_arns):
            self.bucket.add_to_resource_policy(statement)
        to_key = [
            statement
            for trail in trails
            for statement in required_key_policy(
                trail_name=trail.trail_name,
                trail_account=trail.trail_account,
                trail_region=trail.trail_region,
                partition=stack.partition,
            )
        ]
        for statement in _each_with_a_sid_of_its_own(to_key):
            self.key.add_to_resource_policy(statement)
        warn_of_later_changes(
            self,
            Made(
                removal_policy=removal_policy,
                key=self.key,
                log_bucket=self.bucket,
                access_log_bucket=self.access_log_bucket if self.access_log_bucket in buckets.own else None,
                folders=[*dict.fromkeys(f"{each.log_folder}/{each.trail_account}" for each in trails)],
            ),
        )

    def grant_read(self, grantee: iam.IGrantable) -> None:
        """Let the grantee list and read the log files of these trails, and decrypt them but nothing else.

        For rule packs see :meth:`SecureTrail.grant_read`.

        :raises ValueError: the grantee is everybody.
        """
        partition = cdk.Stack.of(self).partition
        for folder, account in dict.fromkeys((each.log_folder, each.trail_account) for each in self._trails):
            grants.grant_read(
                self,
                grantee,
                bucket=self.bucket,
                key=self.key,
                folder=folder,
                trails_of_the_account=any_trail_of(account, partition),
            )

    def _statements(self, break_glass_principal_arns: Sequence[str] | None) -> list[iam.PolicyStatement]:
        """What the bucket's policy allows each trail, and what it denies everybody else."""
        arn, partition = self.bucket.bucket_arn, cdk.Stack.of(self).partition
        statements = _each_with_a_sid_of_its_own(
            [
                statement
                for trail in self._trails
                for statement in required_bucket_policy(
                    bucket_arn=arn,
                    trail_name=trail.trail_name,
                    trail_account=trail.trail_account,
                    trail_region=trail.trail_region,
                    partition=partition,
                    s3_key_prefix=trail.s3_key_prefix,
                    organization_id=trail.organization_id,
                )
            ]
        )
        if break_glass_principal_arns is not None:
            existing_resources.warn_of_locked_out_deployer(self, break_glass_principal_arns)
            statements.append(deny_tampering_statement(arn, break_glass_principal_arns))
            for number, folder in enumerate(dict.fromkeys(each.log_folder for each in self._trails)):
                statement = deny_writing_statement(arn, folder, break_glass_principal_arns)
                if number:
                    statement.sid = f"{statement.sid}{number + 1}"
                statements.append(statement)
        return statements


def _each_with_a_sid_of_its_own(statements: list[iam.PolicyStatement]) -> list[iam.PolicyStatement]:
    """The statements, a number behind a Sid that came before: trails that only the deployment tells apart have one."""
    counted: Counter[str] = Counter()
    for statement in statements:
        sid = str(statement.sid)
        counted[sid] += 1
        if counted[sid] > 1:
            statement.sid = f"{sid}n{counted[sid]}"
    return statements


def _check_trails(trails: Sequence[ArchivedTrail]) -> None:
    """Refuse an archive for nobody, and a trail that is named twice.

    :raises ValueError: says which.
    """
    named = [(each.trail_account, each.trail_region, each.trail_name) for each in trails]
    twice = sorted({each for each in named if named.count(each) > 1})
    if not named or twice:
        fault = f"has {'/'.join(twice[0])} twice" if twice else "is empty"
        raise ValueError(
            f"trails {fault}. Allowed: each trail that delivers to the archive, once. "
            "Fix: name them, such as ArchivedTrail(trail_name='audit', trail_account='111122223333', "
            "trail_region='eu-central-1')."
        )
