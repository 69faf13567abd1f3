"""The trail, its key and its bucket as the checks need them, each part a fact with the API call behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, get_type_hints

from verify.aws import iam_action
from verify.fact import Fact
from verify.posture.facts.selectors import Selectors
from verify.target import Target


@dataclass(frozen=True, slots=True)
class TrailStatus:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html"""

    is_logging: bool
    delivery_error: str | None
    digest_delivery_error: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html"""

    arn: str
    is_customer_managed: bool
    state: str


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


@dataclass(frozen=True, slots=True)
class Expiration:
    """An enabled lifecycle rule that deletes current objects: after ``days``, or at a date (``None``)."""

    rule: str
    prefix: str
    days: int | None


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
    :param bucket_key_arn: the ARN of the key that the bucket encrypts with by default.
    :param access_log_target: the bucket that receives server access logs; ``None`` when there are none.
    """

    target: Target
    status: Annotated[Fact[TrailStatus], By("cloudtrail", "GetTrailStatus")]
    selectors: Annotated[Fact[Selectors], By("cloudtrail", "GetEventSelectors")]
    key: Annotated[Fact[Key], By("kms", "DescribeKey")]
    key_arn: Annotated[Fact[str], By("kms", "DescribeKey")]
    trail_key_arn: Annotated[Fact[str], By("kms", "DescribeKey")]
    key_policy: Annotated[Fact[str], By("kms", "GetKeyPolicy")]
    key_rotates: Annotated[Fact[bool], By("kms", "GetKeyRotationStatus")]
    bucket: Annotated[Fact[str], By("s3", "HeadBucket")]
    bucket_encryption: Annotated[Fact[BucketEncryption], By("s3", "GetBucketEncryption")]
    bucket_key_arn: Annotated[Fact[str], By("kms", "DescribeKey")]
    bucket_policy: Annotated[Fact[str], By("s3", "GetBucketPolicy")]
    public_access_block: Annotated[Fact[PublicAccessBlock], By("s3", "GetPublicAccessBlock")]
    versioning: Annotated[Fact[str], By("s3", "GetBucketVersioning")]
    ownership: Annotated[Fact[str], By("s3", "GetBucketOwnershipControls")]
    access_log_target: Annotated[Fact[str | None], By("s3", "GetBucketLogging")]
    expirations: Annotated[Fact[tuple[Expiration, ...]], By("s3", "GetBucketLifecycleConfiguration")]
    has_object_lock: Annotated[Fact[bool], By("s3", "GetObjectLockConfiguration")]


PERMISSION_OF: dict[str, str] = {
    name: hint.__metadata__[0].permission
    for name, hint in get_type_hints(TrailFacts, include_extras=True).items()
    if name != "target"
}
