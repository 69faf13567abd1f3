"""A replica: a second copy of the log files, in another bucket with a key of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.compliance.acknowledgements import acknowledge_end_of_replication
from constructs_lib.storage.buckets import (
    AccessLogging,
    Retention,
    create_access_log_bucket,
    create_bucket,
    deliver_access_logs_by_policy,
)
from constructs_lib.storage.later_changes import Made, warn_of_later_changes
from constructs_lib.storage.log_key import removal_of_key
from constructs_lib.validation import naming
from constructs_lib.validation.argument_types import (
    BOOLEAN,
    BUCKET,
    DURATION,
    OBJECT_LOCK,
    REMOVAL_POLICY,
    STACK,
    STRING,
)
from constructs_lib.validation.existing_resources import warn_of_weak_bucket
from constructs_lib.validation.retention import check_removal_policy, days_of


@dataclass(frozen=True, slots=True)
class ReplicaTarget:
    """Where copies go: all that the region of the trail needs to know about a bucket in another region.

    :param bucket_arn: the bucket; it must be versioned.
    :param key_arn: the key that encrypts the copies, or an alias of it, as an ARN. In another account the key itself:
        conditions on aliases hold in their own account only.
    :param region: the region of both.
    :param object_lock: whether the bucket has Object Lock. Default: - not known here.
    :param access_log_bucket_name: where S3 delivers its access logs. Default: - not known here.
    :param account: the account of bucket and key, which owns the copies then. Their policies must let the trail's
        account copy, as ``LogReplica(source_account=…)`` has them. Default: - the trail's.
    :param source_account: the account that those policies let copy. Default: - not known here; of a target in another
        account a warning says what they must allow.
    :param stack: the stack of the bucket; the trail's is deployed after it. Default: - not one of this app.
    :raises TypeError: a field of another type.
    :raises ValueError: an ARN or a region of another form, or a key of another region.
    """

    bucket_arn: str
    key_arn: str
    region: str
    object_lock: bool | None = None
    access_log_bucket_name: str | None = None
    account: str | None = None
    source_account: str | None = None
    stack: cdk.Stack | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        STRING.check("ReplicaTarget", bucket_arn=self.bucket_arn, key_arn=self.key_arn, region=self.region)
        BOOLEAN.or_none.check("ReplicaTarget", object_lock=self.object_lock)
        STACK.or_none.check("ReplicaTarget", stack=self.stack)
        STRING.or_none.check(
            "ReplicaTarget",
            access_log_bucket_name=self.access_log_bucket_name,
            account=self.account,
            source_account=self.source_account,
        )
        naming.check_bucket_arn(self.bucket_arn)
        naming.check_region("region", self.region)
        naming.check_key_arn(self.key_arn, self.region)
        for name, account in (("account", self.account), ("source_account", self.source_account)):
            if account is not None and not cdk.Token.is_unresolved(account):
                naming.check_account_id(name, account)


class LogReplica(Construct):
    """A bucket for copies of log files, with its own key. A copy that nobody deletes stays for ever.

    In another region it belongs to a stack of that region. Give it names then: the trail's stack knows them without
    looking anything up::

        replica = LogReplica(stack_in_ireland, "Replica", bucket_name="example-copies", key_alias="alias/copies")
        to_ireland = NewBucket(replica=Replica(target=replica.target))
        SecureTrail(stack_in_frankfurt, "SecureTrail", log_bucket=to_ireland)

    In another account it lets the trail's account copy, and owns the copies. The trail's stack takes the key's ARN as a
    parameter, for it is known only once the replica is deployed::

        replica = LogReplica(stack_of_archive, "Replica", bucket_name="example-copies", source_account="111122223333")
        cdk.CfnOutput(stack_of_archive, "KeyArn", value=replica.key.key_arn)
        key_arn = cdk.CfnParameter(stack_of_trail, "KeyArn").value_as_string
        Replica(target=dataclasses.replace(replica.target, key_arn=key_arn))

    :param bucket_name: the bucket's name. Default: - CloudFormation chooses one, and only this stack can use it.
    :param key_alias: the key's alias, with ``alias/`` in front. Default: - none.
    :param access_log_bucket: where S3 delivers access logs of the copies; a bucket in this region. A trail in another
        region that records the data events of all buckets needs one with a name, to exclude it. Default: - a new one,
        which keeps them for 365 days, and for 30 more as versions that listings do not show.
    :param noncurrent_version_expiration: how long an overwritten or deleted copy stays. Default: - 365 days.
    :param object_lock: no copy can be deleted before this period ends. Default: - no lock.
    :param source_account: the account of the trail that copies here. Default: - the replica's own.
    :param removal_policy: what becomes of copies and key when the construct is removed. Default: - they stay. Where
        the deployment that makes them fails, also an update, it takes back what is empty, and never the key.
    :raises TypeError: a prop of another type.
    :raises ValueError: a name or a period that AWS would refuse.
    """

    def __init__(  # noqa: PLR0913 (a construct's props)
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket_name: str | None = None,
        key_alias: str | None = None,
        access_log_bucket: s3.IBucket | None = None,
        noncurrent_version_expiration: cdk.Duration | None = None,
        object_lock: s3.ObjectLockRetention | None = None,
        source_account: str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        STRING.or_none.check(bucket_name=bucket_name, key_alias=key_alias, source_account=source_account)
        BUCKET.or_none.check(access_log_bucket=access_log_bucket)
        DURATION.or_none.check(noncurrent_version_expiration=noncurrent_version_expiration)
        OBJECT_LOCK.or_none.check(object_lock=object_lock)
        REMOVAL_POLICY.check(removal_policy=removal_policy)
        check_removal_policy(removal_policy)
        if noncurrent_version_expiration is not None:
            days_of("noncurrent_version_expiration", noncurrent_version_expiration)
        if object_lock is not None:
            days_of("object_lock", object_lock.duration)
        if source_account is not None:
            naming.check_account_id("source_account", source_account)
        super().__init__(scope, construct_id)
        deliver_access_logs_by_policy(self)
        if bucket_name is not None:
            naming.check_bucket_name(bucket_name)
        if key_alias is not None:
            naming.check_key_alias(key_alias)
        if bucket_name is not None or key_alias is not None:
            here = cdk.Stack.of(self)
            naming.reserve_names(here, here.account, trail_name=None, bucket_name=bucket_name, key_alias=key_alias)
        self.key = kms.Key(
            self,
            "Key",
            description="Encrypts copies of CloudTrail log files",
            alias=key_alias,
            enable_key_rotation=True,
            removal_policy=removal_of_key(removal_policy),
        )
        own_access_logs = access_log_bucket is None
        if access_log_bucket is None:
            access_log_bucket = create_access_log_bucket(
                self, expiration=cdk.Duration.days(365), removal_policy=removal_policy
            )
            acknowledge_end_of_replication(access_log_bucket)
        else:
            warn_of_weak_bucket(self, "access_log_bucket", access_log_bucket)
        self.access_log_bucket = access_log_bucket
        self.bucket = create_bucket(
            self,
            "Bucket",
            bucket_name=bucket_name,
            key=self.key,
            access_logging=AccessLogging(bucket=access_log_bucket, prefix="replica-bucket/", own=own_access_logs),
            retention=Retention(
                noncurrent_version_expiration=noncurrent_version_expiration or cdk.Duration.days(365),
                object_lock=object_lock,
            ),
            removal_policy=removal_policy,
        )
        acknowledge_end_of_replication(self.bucket)
        stack = cdk.Stack.of(self)
        if source_account is not None:
            self._let_copy(source_account, stack)
        self.target = ReplicaTarget(
            bucket_arn=self.bucket.bucket_arn if bucket_name is None else f"arn:{stack.partition}:s3:::{bucket_name}",
            key_arn=(
                self.key.key_arn
                if key_alias is None
                else stack.format_arn(service="kms", resource=key_alias, arn_format=cdk.ArnFormat.NO_RESOURCE_NAME)
            ),
            region=stack.region,
            object_lock=object_lock is not None,
            access_log_bucket_name=_name_of(access_log_bucket),
            account=stack.account,
            source_account=source_account or stack.account,
            stack=stack,
        )
        warn_of_later_changes(
            self,
            Made(
                removal_policy=removal_policy,
                key=self.key,
                log_bucket=self.bucket,
                access_log_bucket=access_log_bucket if own_access_logs else None,
            ),
        )

    def _let_copy(self, source_account: str, stack: cdk.Stack) -> None:
        """Let replication roles of another account write copies, which belong to this one, under this key."""
        to_bucket, to_key = copy_statements(
            bucket_arn=self.bucket.bucket_arn, region=stack.region, source_account=source_account
        )
        self.bucket.add_to_resource_policy(to_bucket)
        self.key.add_to_resource_policy(to_key)


def copy_statements(
    *, bucket_arn: str, region: str, source_account: str
) -> tuple[iam.PolicyStatement, iam.PolicyStatement]:
    """What the policies of bucket and key must allow for copies from another account.

    Which of its roles copies, the other account decides: whoever administrates it can change its replication role.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html#setting-repl-config-crossacct
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html#replication-kms-cross-acct-scenario
    """
    source = iam.AccountPrincipal(source_account)
    to_bucket = iam.PolicyStatement(
        sid="CopiesOfAnotherAccount",
        principals=[source],
        actions=["s3:ObjectOwnerOverrideToBucketOwner", "s3:ReplicateObject", "s3:ReplicateTags"],
        resources=[f"{bucket_arn}/*"],
    )
    to_key = iam.PolicyStatement(
        sid="EncryptCopiesOfAnotherAccount",
        principals=[source],
        actions=["kms:Encrypt"],
        resources=["*"],
        conditions={"StringEquals": {"kms:ViaService": f"s3.{region}.{cdk.Aws.URL_SUFFIX}"}},
    )
    return to_bucket, to_key


def _name_of(bucket: s3.IBucket) -> str:
    """The bucket's name as it was given; where CloudFormation chooses it, a reference that only this region knows."""
    resource = bucket.node.default_child
    # CDK has a token there in any case; without a name it resolves to nothing.
    given = cdk.Stack.of(bucket).resolve(resource.bucket_name) if isinstance(resource, s3.CfnBucket) else None
    return given if isinstance(given, str) else bucket.bucket_name
