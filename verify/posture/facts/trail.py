"""The trail, its key and its bucket as the checks need them, each part a fact with the API call behind it."""

# Without the import of ``annotations``: read as text and then evaluated, they would take a while at each start.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated

from verify.aws import iam_action
from verify.fact import Fact, Missing
from verify.selectors import Selectors
from verify.target import Target

# That nothing depends on the organization, so that it was not asked, is another answer.
IN_NO_ORGANIZATION = Missing("the account is in no organization")


@dataclass(frozen=True, slots=True)
class TrailStatus:
    """What GetTrailStatus says in the trail's home region; ``None`` is what the answer does not have.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html

    :param logging_since: when logging was last started.
    :param last_delivery: when a log file was last delivered; ``last_digest`` a digest file.
    :param log_group_error: why events did not arrive in the trail's log group.
    """

    is_logging: bool
    delivery_error: str | None
    digest_delivery_error: str | None
    logging_since: datetime | None = None
    last_delivery: datetime | None = None
    last_digest: datetime | None = None
    log_group_error: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A management event of the event history.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Event.html
    """

    name: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file in the bucket: its key, and when S3 took it."""

    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OtherTrail:
    """Another logging trail that reaches the home region."""

    name: str
    records_management_events: bool
    arn: str
    bucket: str


@dataclass(frozen=True, slots=True)
class Replica:
    """A rule of S3 that copies new objects, whose keys begin with ``prefix``, to another bucket.

    :param place: the rule's place among all rules.
    """

    rule: str
    bucket: str
    prefix: str
    place: int = 0
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Replication:
    """A bucket's replication rules.

    :param document: a ReplicationConfiguration with all of them, as JSON; empty when there are none.
    """

    replicas: tuple[Replica, ...]
    document: str = ""


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose some buckets are; those that are in none of the three are another account's, or nobody's.

    :param own: this account's.
    :param trusted: bucket → the trusted account that has it.
    :param not_told: those of which S3 does not say it.
    """

    own: frozenset[str]
    trusted: Mapping[str, str]
    not_told: frozenset[str]


@dataclass(frozen=True, slots=True)
class BucketLocation:
    """The region of a bucket, and the account that has it, if it is one of those that were asked about."""

    region: str
    owner: str | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription filter of a log group: CloudWatch Logs sends events to ``destination``, an ARN."""

    log_group: str
    name: str
    destination: str


@dataclass(frozen=True, slots=True)
class AccountSubscription:
    """A subscription filter policy of the whole account: CloudWatch Logs sends the events of its log groups on.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html

    :param destination: an ARN.
    :param spared: the log groups that it leaves out; ``None`` where its selection is not understood.
    """

    name: str
    destination: str
    spared: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """A grant of S3 Access Grants: whom S3 gives credentials for a part of a bucket, whatever the bucket's policy says.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListAccessGrantEntry.html

    :param scope: ``s3://``, a bucket, a prefix and a star, or one key.
    :param kind: ``IAM``, or a user or group of the directory that the account has chosen; ``grantee`` an ARN or its id.
    """

    grant_id: str
    scope: str
    permission: str
    kind: str
    grantee: str


@dataclass(frozen=True, slots=True)
class Key:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html

    :param replicas: the ARNs of the keys with the same material in other regions.
    """

    arn: str
    is_customer_managed: bool
    state: str
    spec: str = "SYMMETRIC_DEFAULT"
    usage: str = "ENCRYPT_DECRYPT"
    origin: str = "AWS_KMS"
    replicas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BucketEncryption:
    """The default encryption rule of a bucket.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html

    :param key_reference: a key's id, ARN or alias; ``None`` for S3's own key.
    """

    algorithm: str
    key_reference: str | None
    uses_bucket_key: bool


@dataclass(frozen=True, slots=True)
class PublicAccessBlock:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html"""

    block_public_acls: bool
    ignore_public_acls: bool
    block_public_policy: bool
    restrict_public_buckets: bool

    @property
    def off(self) -> tuple[str, ...]:
        """The settings that are off, by S3's names."""
        switches = {
            "BlockPublicAcls": self.block_public_acls,
            "IgnorePublicAcls": self.ignore_public_acls,
            "BlockPublicPolicy": self.block_public_policy,
            "RestrictPublicBuckets": self.restrict_public_buckets,
        }
        return tuple(name for name, is_on in switches.items() if not is_on)


@dataclass(frozen=True, slots=True)
class AclGrant:
    """A grant of an access control list.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html

    :param grantee: a group's URI, a canonical user id or an e-mail address.
    """

    grantee: str
    permission: str


@dataclass(frozen=True, slots=True)
class Acl:
    """A bucket's access control list, without the owner's own grants."""

    others: tuple[AclGrant, ...]


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """A grant of KMS. Its grantee uses the key whatever the key policy says.

    https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
    """

    grant_id: str
    grantee: str
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectLock:
    """The default retention of a bucket with Object Lock; ``mode`` is ``None`` when it has none.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DefaultRetention.html
    """

    mode: str | None
    days: int


# Objects of these storage classes are read after a restore only; that takes hours.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class Loss(Enum):
    """What a lifecycle rule does to log files, as a verb of the sentence that tells of it."""

    DELETES = "deletes"
    DELETES_OLD_VERSIONS = "deletes old versions of"
    ARCHIVES = "archives"
    ARCHIVES_OLD_VERSIONS = "archives old versions of"


@dataclass(frozen=True, slots=True)
class LifecycleAction:
    """What an enabled lifecycle rule does to objects below ``prefix``: after ``days``, or at a date (``None``).

    Objects in the storage classes GLACIER and DEEP_ARCHIVE are archived: nobody reads them before they are restored.

    :param index: the rule's place among all rules.
    """

    rule: str
    prefix: str
    days: int | None
    loss: Loss = Loss.DELETES
    index: int = 0


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A bucket's lifecycle rules.

    :param rules: all of them, as a JSON document with the list ``Rules``.
    """

    actions: tuple[LifecycleAction, ...]
    rules: str = '{"Rules": []}'


@dataclass(frozen=True, slots=True)
class By:
    """The API call that a fact comes from."""

    service: str
    operation: str

    @property
    def permission(self) -> str:
        """The IAM action that the call needs."""
        return iam_action(self.service, self.operation)


@dataclass(frozen=True, slots=True)
class TrailFacts:
    """What AWS answered, one fact for each question.

    The key and the bucket are those of the target, whatever the trail uses.

    :param target: the names of trail, bucket and key, and the trail as deployed.
    :param key_arn: the ARN of the target's key.
    :param trail_key_arn: the ARN of the key that the trail uses.
    :param bucket: its name, where the bucket exists.
    :param bucket_owner: the account that has it; ``None`` for neither this one nor one that is trusted.
    :param bucket_key_arn: the ARN of the key that the bucket encrypts with by default.
    :param bucket_policy_change: when the bucket's policy was last changed since the last delivery; ``None`` for not.
        :attr:`key_policy_change` the key's. Asked where that delivery decides what the policy leaves open.
    :param access_log_target: the bucket that receives server access logs; ``None`` when there are none.
    :param asked_at: when AWS was asked, by its own clock.
    :param missed_event: the newest event that the trail should have delivered long ago and did not; ``None`` for none.
        Not asked where the last delivery is recent.
    :param validation_turned_on: when log file validation, which was off since the last digest, was turned on, so lately
        that no digest is due; ``None`` for not. Not asked where digests come.
    :param newest_log_file: the newest log file of the home region since shortly before the last delivery.
    :param subscriptions: of the trail's log group.
    :param owners: of the buckets that get copies, and those of the other trails, where there are any.
    :param copy_policies: name → policy of each of these that is the account's own and has one.
    :param access_points: ARNs; :attr:`access_point_policies` ARN → policy of each that has one. So for
        :attr:`event_data_stores`, and for :attr:`multi_region_access_points`, ARN → name, which are asked for where
        the bucket's policy leaves something to access points.
    :param access_grants_instances: ARNs; :attr:`access_grants` are asked for where there is one.
    :param replica_policies: ARN of each replica of the key → its policy. :attr:`replica_grants` its grants.
    :param organization_id: where something depends on it.
    """

    target: Target
    asked_at: datetime
    status: Annotated[Fact[TrailStatus], By("cloudtrail", "GetTrailStatus")]
    selectors: Annotated[Fact[Selectors], By("cloudtrail", "GetEventSelectors")]
    missed_event: Annotated[Fact[Event | None], By("cloudtrail", "LookupEvents")]
    validation_turned_on: Annotated[Fact[datetime | None], By("cloudtrail", "LookupEvents")]
    newest_log_file: Annotated[Fact[LogFile | None], By("s3", "ListObjectsV2")]
    # Where there are others, their status and selectors are asked for as well, as those of the trail are.
    other_trails: Annotated[Fact[tuple[OtherTrail, ...]], By("cloudtrail", "DescribeTrails")]
    subscriptions: Annotated[Fact[tuple[Subscription, ...]], By("logs", "DescribeSubscriptionFilters")]
    account_subscriptions: Annotated[Fact[tuple[AccountSubscription, ...]], By("logs", "DescribeAccountPolicies")]
    event_data_stores: Annotated[Fact[tuple[str, ...]], By("cloudtrail", "ListEventDataStores")]
    event_data_store_policies: Annotated[Fact[Mapping[str, str]], By("cloudtrail", "GetResourcePolicy")]
    replication: Annotated[Fact[Replication], By("s3", "GetBucketReplication")]
    owners: Annotated[Fact[Owners], By("s3", "ListBuckets")]
    copy_policies: Annotated[Fact[Mapping[str, str]], By("s3", "GetBucketPolicy")]
    organization_id: Annotated[Fact[str], By("organizations", "DescribeOrganization")]
    key: Annotated[Fact[Key], By("kms", "DescribeKey")]
    key_arn: Annotated[Fact[str], By("kms", "DescribeKey")]
    trail_key_arn: Annotated[Fact[str], By("kms", "DescribeKey")]
    key_policy: Annotated[Fact[str], By("kms", "GetKeyPolicy")]
    key_policy_change: Annotated[Fact[datetime | None], By("cloudtrail", "LookupEvents")]
    key_rotates: Annotated[Fact[bool], By("kms", "GetKeyRotationStatus")]
    key_grants: Annotated[Fact[tuple[KeyGrant, ...]], By("kms", "ListGrants")]
    replica_policies: Annotated[Fact[Mapping[str, str]], By("kms", "GetKeyPolicy")]
    replica_grants: Annotated[Fact[Mapping[str, tuple[KeyGrant, ...]]], By("kms", "ListGrants")]
    bucket: Annotated[Fact[str], By("s3", "HeadBucket")]
    bucket_owner: Annotated[Fact[str | None], By("s3", "HeadBucket")]
    bucket_region: Annotated[Fact[str], By("s3", "HeadBucket")]
    bucket_encryption: Annotated[Fact[BucketEncryption], By("s3", "GetBucketEncryption")]
    bucket_key_arn: Annotated[Fact[str], By("kms", "DescribeKey")]
    bucket_policy: Annotated[Fact[str], By("s3", "GetBucketPolicy")]
    bucket_policy_change: Annotated[Fact[datetime | None], By("cloudtrail", "LookupEvents")]
    public_access_block: Annotated[Fact[PublicAccessBlock], By("s3", "GetPublicAccessBlock")]
    account_public_access_block: Annotated[Fact[PublicAccessBlock], By("s3control", "GetPublicAccessBlock")]
    acl: Annotated[Fact[Acl], By("s3", "GetBucketAcl")]
    access_points: Annotated[Fact[tuple[str, ...]], By("s3control", "ListAccessPoints")]
    access_point_policies: Annotated[Fact[Mapping[str, str]], By("s3control", "GetAccessPointPolicy")]
    multi_region_access_points: Annotated[Fact[Mapping[str, str]], By("s3control", "ListMultiRegionAccessPoints")]
    multi_region_access_point_policies: Annotated[
        Fact[Mapping[str, str]], By("s3control", "GetMultiRegionAccessPointPolicy")
    ]
    access_grants_instances: Annotated[Fact[tuple[str, ...]], By("s3control", "ListAccessGrantsInstances")]
    access_grants: Annotated[Fact[tuple[AccessGrant, ...]], By("s3control", "ListAccessGrants")]
    payer: Annotated[Fact[str], By("s3", "GetBucketRequestPayment")]
    versioning: Annotated[Fact[str], By("s3", "GetBucketVersioning")]
    ownership: Annotated[Fact[str], By("s3", "GetBucketOwnershipControls")]
    access_log_target: Annotated[Fact[str | None], By("s3", "GetBucketLogging")]
    access_log_lock: Annotated[Fact[ObjectLock | None], By("s3", "GetObjectLockConfiguration")]
    lifecycle: Annotated[Fact[Lifecycle], By("s3", "GetBucketLifecycleConfiguration")]
    object_lock: Annotated[Fact[ObjectLock], By("s3", "GetObjectLockConfiguration")]


# Field → the API call behind it.
QUESTIONS: dict[str, By] = {
    name: hint.__metadata__[0]
    for name, hint in TrailFacts.__annotations__.items()
    if name not in ("target", "asked_at")
}
PERMISSION_OF: dict[str, str] = {name: by.permission for name, by in QUESTIONS.items()}
