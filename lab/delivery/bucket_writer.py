"""Writes to a bucket as CloudTrail does: with the encryption of the trail, and only if the policies allow it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from lab.authorization.cloudtrail_access import write_denied
from lab.authorization.facts import BucketFacts, Target
from lab.clock import Clock
from lab.delivery.trail import Trail
from lab.delivery.trail_delivery import DeliveryFailed
from lab.ministack import core, kms, s3
from lab.ministack.core import for_account_and_region, run_to_completion


def target_of(trail: Trail) -> Target:
    """Where a trail writes to."""
    return Target(trail.arn, trail.account, trail.home_region, trail.bucket, trail.prefix, trail.kms_key_arn)


@dataclass(frozen=True, slots=True)
class Written:
    """What CloudTrail wrote: for a trail (its ARN in the region of the events), with a key ('' for none)."""

    trail_arn: str
    bucket: BucketFacts
    object_key: str
    key_arn: str
    moment: datetime


class BucketWriter:
    """Puts objects into the lab's buckets on CloudTrail's behalf."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.after_each: Callable[[Written], None] = lambda _written: None

    def __call__(self, trail: Trail, region: str, key: str, content: bytes, metadata: Mapping[str, str]) -> None:
        """Writes one object.

        :raises DeliveryFailed: the policy of the bucket or the key does not allow it.
        """
        bucket, now = s3.bucket_facts(trail.bucket), self._clock.now()
        encryption_key = kms.key_facts(trail.kms_key_arn) if trail.kms_key_arn else None
        denied = write_denied(target_of(trail), bucket, encryption_key, key, region, now)
        if denied or bucket is None:
            raise DeliveryFailed(denied.code if denied else "NoSuchBucket", denied.reason if denied else trail.bucket)
        for_account_and_region(
            bucket.account, bucket.region, _put, bucket, key, content, _headers(trail, bucket, metadata, now)
        )
        trail_arn = trail.arn.replace(f":{trail.home_region}:", f":{region}:", 1)
        self.after_each(Written(trail_arn, bucket, key, encryption_key.arn if encryption_key else "", now))


def _put(bucket: BucketFacts, key: str, content: bytes, headers: dict[str, str]) -> None:
    put = core.service_handlers["s3"]
    status, _headers, body = run_to_completion(put("PUT", f"/{bucket.name}/{quote(key)}", headers, content, {}))
    if status != 200:
        raise DeliveryFailed("InternalError", f"the lab's S3 answered {status}: {body!r}")


def _headers(trail: Trail, bucket: BucketFacts, metadata: Mapping[str, str], now: datetime) -> dict[str, str]:
    scope = f"AWSCLOUDTRAIL/{now:%Y%m%d}/{bucket.region}/s3/aws4_request"
    headers = {
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
        "content-encoding": "gzip",
        "content-type": "application/json",
        "host": f"s3.{bucket.region}.amazonaws.com",
        "x-amz-acl": "bucket-owner-full-control",
        "x-amz-server-side-encryption": "aws:kms" if trail.kms_key_arn else "AES256",
    }
    if trail.kms_key_arn:
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = trail.kms_key_arn
    return headers | {f"x-amz-meta-{name}": value for name, value in metadata.items()}
