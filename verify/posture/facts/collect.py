"""Ask AWS everything that the checks need, once and concurrently. Nothing here judges, and nothing has a default."""

from __future__ import annotations

from verify.aws import Aws
from verify.fact import Fact, ask, then
from verify.posture.facts.bucket import BucketQuestions
from verify.posture.facts.key import KeyQuestions
from verify.posture.facts.selectors import Selectors, parse_selectors
from verify.posture.facts.trail import TrailFacts, TrailStatus
from verify.target import Target
from verify.threads import concurrently
from verify.trail import Trail

_WORKERS = 12


def collect(aws: Aws, target: Target) -> TrailFacts:
    """Ask about the trail, the key and the bucket of the target."""
    keys = KeyQuestions(aws, target.region)
    bucket = BucketQuestions(aws, target.region)
    with concurrently(_WORKERS) as pool:
        # A question that waits for another is submitted after it, so that the pool cannot block itself.
        key = pool.submit(then, target.key, lambda named: keys.describe(named.reference))
        key_arn = pool.submit(then, target.key, lambda named: keys.arn_of_target(named, key.result()))
        encryption = pool.submit(then, target.bucket, bucket.encryption)
        status = pool.submit(then, target.trail, lambda trail: _status(aws, trail))
        selectors = pool.submit(then, target.trail, lambda trail: _selectors(aws, trail))
        trail_key_arn = pool.submit(then, target.trail, keys.arn_of_trail)
        exists = pool.submit(then, target.bucket, bucket.exists)
        bucket_policy = pool.submit(then, target.bucket, bucket.policy)
        public_access_block = pool.submit(then, target.bucket, bucket.public_access_block)
        versioning = pool.submit(then, target.bucket, bucket.versioning)
        ownership = pool.submit(then, target.bucket, bucket.ownership)
        access_log_target = pool.submit(then, target.bucket, bucket.access_log_target)
        expirations = pool.submit(then, target.bucket, bucket.expirations)
        has_object_lock = pool.submit(then, target.bucket, bucket.has_object_lock)
        key_policy = pool.submit(then, key_arn.result(), keys.policy)
        key_rotates = pool.submit(then, key_arn.result(), keys.rotates)
        bucket_key_arn = pool.submit(then, encryption.result(), keys.arn_of_bucket)
        return TrailFacts(
            target=target,
            status=status.result(),
            selectors=selectors.result(),
            key=key.result(),
            key_arn=key_arn.result(),
            trail_key_arn=trail_key_arn.result(),
            key_policy=key_policy.result(),
            key_rotates=key_rotates.result(),
            bucket=exists.result(),
            bucket_encryption=encryption.result(),
            bucket_key_arn=bucket_key_arn.result(),
            bucket_policy=bucket_policy.result(),
            public_access_block=public_access_block.result(),
            versioning=versioning.result(),
            ownership=ownership.result(),
            access_log_target=access_log_target.result(),
            expirations=expirations.result(),
            has_object_lock=has_object_lock.result(),
        )


def _status(aws: Aws, trail: Trail) -> Fact[TrailStatus]:
    def status() -> TrailStatus:
        # By ARN and at home: a shadow trail in another region has no status of its own.
        answer = aws.call("cloudtrail", "GetTrailStatus", in_region=trail.home_region, Name=trail.arn)
        return TrailStatus(
            is_logging=answer["IsLogging"],
            delivery_error=answer.get("LatestDeliveryError") or None,
            digest_delivery_error=answer.get("LatestDigestDeliveryError") or None,
        )

    return ask(status, absent={"TrailNotFoundException": f"there is no trail {trail.name}"})


def _selectors(aws: Aws, trail: Trail) -> Fact[Selectors]:
    return ask(
        lambda: parse_selectors(
            aws.call("cloudtrail", "GetEventSelectors", in_region=trail.home_region, TrailName=trail.arn)
        ),
        absent={"TrailNotFoundException": f"there is no trail {trail.name}"},
    )
