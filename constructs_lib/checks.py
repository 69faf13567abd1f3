"""Props that name something that AWS would refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

_MAX_TAGS: Final = 50
_TAG_KEY: Final = re.compile(r"(?!(?i:aws:))[\w .:/=+@-]{1,128}")
_TAG_VALUE: Final = re.compile(r"[\w .:/=+@-]{0,256}")
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")


def check_place(key: kms.IKey, bucket: s3.IBucket) -> None:
    """Refuse a key that cannot encrypt what is in the bucket.

    It must be symmetric and in the bucket's region:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html

    :raises ValueError: it is elsewhere, or not symmetric.
    """
    key_region, bucket_region = key.env.region, bucket.env.region
    tokens = cdk.Token.is_unresolved(key_region) or cdk.Token.is_unresolved(bucket_region)
    if not tokens and key_region != bucket_region:
        raise ValueError(
            f"encryption_key is in {key_region} and the log bucket in {bucket_region}. Allowed: both in one region, "
            "or CloudTrail refuses the trail. Fix: use a key of the bucket's region (a multi-Region key's replica will "
            "do)."
        )
    resource = key.node.default_child
    spec = resource.key_spec if isinstance(resource, kms.CfnKey) else None
    if spec not in (None, "SYMMETRIC_DEFAULT"):
        raise ValueError(
            f"encryption_key has the key spec {spec}. Allowed: SYMMETRIC_DEFAULT, because CloudTrail encrypts with "
            "symmetric keys only. Fix: leave key_spec out, or leave encryption_key out to get a new key."
        )


def check_access_log_bucket(bucket: s3.IBucket) -> None:
    """Refuse a bucket that S3 would not deliver access logs to; a deployment would not notice.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html

    :raises ValueError: it encrypts with KMS or has Object Lock.
    """
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        return
    encryption = str(cdk.Stack.of(bucket).resolve(resource.bucket_encryption))
    for fault, is_there in (
        ("encrypts with KMS", "aws:kms" in encryption),
        ("has Object Lock", resource.object_lock_enabled is True),
    ):
        if is_there:
            raise ValueError(
                f"access_log_bucket {fault}, and S3 delivers no access logs to such a bucket. "
                "Allowed: a bucket with SSE-S3 encryption and without Object Lock. "
                "Fix: use another bucket, or leave access_log_bucket out to get one that fits."
            )


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that AWS would refuse.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html

    :raises ValueError: names the tag.
    """
    if len(tags) > _MAX_TAGS:
        raise ValueError(
            f"tags has {len(tags)} tags. Allowed: {_MAX_TAGS} on a resource. Fix: leave out those that nobody reads."
        )
    for key, value in tags.items():
        if cdk.Token.is_unresolved(key) or cdk.Token.is_unresolved(value):
            continue
        if not _TAG_KEY.fullmatch(key) or not _TAG_VALUE.fullmatch(value):
            raise ValueError(
                f"tags has {key[:40]!r}: {value[:40]!r}. Allowed: keys of 1 to 128 and values of up to 256 letters, "
                "digits, spaces and _.:/=+@-, no key beginning with 'aws:'. Fix: rename it."
            )


def check_regions(regions: Sequence[str]) -> None:
    """Refuse what cannot be a region's name.

    :raises ValueError: names the region.
    """
    for region in regions or ("",):
        if not cdk.Token.is_unresolved(region) and not _REGION.fullmatch(region):
            raise ValueError(
                f"analytics_regions has {region!r}. Allowed: one region or more, such as 'eu-central-1'. "
                "Fix: correct the name, or leave analytics_regions out to look into all."
            )
