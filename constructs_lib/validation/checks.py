"""Props that name something that AWS would refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from constructs_lib.validation import naming

_MAX_TAGS: Final = 50
_TAG_KEY: Final = re.compile(r"(?!(?i:aws:))[\w .:/=+@-]{1,128}")
_TAG_VALUE: Final = re.compile(r"[\w .:/=+@-]{0,256}")
# In MiB; https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html: 10 MB to 7 EB.
_MIN_SCAN, _MAX_SCAN = 10, 7 * 1024**4


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

    :raises ValueError: names the region, or there is none.
    """
    if not regions:
        raise ValueError(
            "analytics_regions is empty. Allowed: one region or more. "
            "Fix: name one, or leave analytics_regions out to look into all."
        )
    for region in regions:
        naming.check_region("a region in analytics_regions", region)
        if regions.count(region) > 1:
            raise ValueError(
                f"analytics_regions names {region} {regions.count(region)} times. Allowed: each region once. "
                "Fix: remove the second one."
            )


def check_scan_limit(mebibytes: int) -> None:
    """Refuse a limit that Athena would refuse.

    :raises ValueError: it is outside Athena's bounds.
    """
    if not _MIN_SCAN <= mebibytes <= _MAX_SCAN:
        raise ValueError(
            f"scan_limit_mebibytes is {mebibytes}. Allowed: {_MIN_SCAN} to {_MAX_SCAN:_}, Athena's bounds. "
            "Fix: scan_limit_mebibytes=10_240 stops a query at about 5 US cents."
        )
