"""Ask AWS everything that the checks need, once and concurrently. Nothing here judges, and nothing has a default."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from verify.arn import Arn
from verify.aws import Aws
from verify.fact import Denied, Fact, Failed, Missing, T, Value, then
from verify.posture.facts.bucket import BucketQuestions
from verify.posture.facts.copies import CopyQuestions
from verify.posture.facts.key import KeyQuestions, of_each
from verify.posture.facts.recording import RecordingQuestions
from verify.posture.facts.trail import (
    AccessGrant,
    BucketLocation,
    LogFile,
    OtherTrail,
    Owners,
    Replication,
    TrailFacts,
    TrailStatus,
)
from verify.target import Target
from verify.threads import concurrently

_WORKERS = 16
# A log file's name has the minute in which it was made, some time before its delivery.
_MADE_BEFORE = timedelta(minutes=30)
_NOTHING_OPEN = Missing("not asked: no policy leaves open what CloudTrail may")


def collect(aws: Aws, target: Target) -> TrailFacts:
    """Ask about the trail, the key and the bucket of the target."""
    keys = KeyQuestions(aws, target.region)
    bucket = BucketQuestions(aws, target.region)
    recording = RecordingQuestions(aws, target.account)
    copies = CopyQuestions(aws, target.region, target.account)
    asked_at = datetime.now(UTC) + aws.clock_skew()
    with concurrently(_WORKERS) as pool:
        # A question that waits for another is submitted after it, so that the pool cannot block itself.
        key = pool.submit(then, target.key, lambda named: keys.describe(named.reference))
        key_arn = pool.submit(then, target.key, lambda named: keys.arn_of_target(named, key.result()))
        encryption = pool.submit(then, target.bucket, bucket.encryption)
        status = pool.submit(then, target.trail, recording.status)
        selectors = pool.submit(then, target.trail, recording.selectors)
        other_trails = pool.submit(recording.other_trails, target)
        trail_key_arn = pool.submit(then, target.trail, keys.arn_of_trail)
        place = pool.submit(then, target.bucket, lambda name: bucket.place_of(name, _accounts(target)))
        bucket_policy = pool.submit(then, target.bucket, bucket.policy)
        public_access_block = pool.submit(then, target.bucket, bucket.public_access_block)
        account_block = pool.submit(then, target.account, bucket.account_public_access_block)
        acl = pool.submit(then, target.bucket, bucket.acl)
        payer = pool.submit(then, target.bucket, bucket.payer)
        versioning = pool.submit(then, target.bucket, bucket.versioning)
        ownership = pool.submit(then, target.bucket, bucket.ownership)
        access_log_target = pool.submit(then, target.bucket, bucket.access_log_target)
        lifecycle = pool.submit(then, target.bucket, bucket.lifecycle)
        object_lock = pool.submit(then, target.bucket, bucket.object_lock)
        replication = pool.submit(then, target.bucket, copies.replication)
        subscriptions = pool.submit(then, target.trail, copies.subscriptions)
        account_subscriptions = pool.submit(then, target.trail, copies.account_subscriptions)
        event_data_stores = pool.submit(copies.event_data_stores, target.region)
        access_points = pool.submit(_access_points, bucket, target, place.result())
        grants_instances = pool.submit(_in_region_of_bucket, bucket.access_grants_instances, target, place.result())
        multi_region = pool.submit(_multi_region_access_points, bucket, target, bucket_policy.result())
        access_log_lock = pool.submit(
            then, access_log_target.result(), lambda name: Value(None) if name is None else bucket.default_lock(name)
        )
        access_point_policies = pool.submit(then, access_points.result(), bucket.access_point_policies)
        multi_region_policies = pool.submit(then, multi_region.result(), bucket.multi_region_access_point_policies)
        access_grants = pool.submit(_access_grants, bucket, target, place.result(), grants_instances.result())
        event_data_store_policies = pool.submit(then, event_data_stores.result(), copies.event_data_store_policies)
        key_policy = pool.submit(then, key_arn.result(), keys.policy)
        key_rotates = pool.submit(then, key_arn.result(), keys.rotates)
        key_grants = pool.submit(then, key_arn.result(), keys.grants)
        replicas = then(key.result(), lambda found: Value(found.replicas))
        replica_policies = pool.submit(then, replicas, lambda arns: of_each(arns, keys.policy))
        replica_grants = pool.submit(then, replicas, lambda arns: of_each(arns, keys.grants))
        bucket_key_arn = pool.submit(then, encryption.result(), keys.arn_of_bucket)
        missed_event = pool.submit(
            then,
            target.trail,
            lambda trail: recording.missed_event(trail, status.result(), selectors.result(), asked_at),
        )
        turned_on = pool.submit(
            then, target.trail, lambda trail: recording.validation_turned_on(trail, status.result(), asked_at)
        )
        owners = pool.submit(_owners, copies, target, replication.result(), other_trails.result())
        copy_policies = pool.submit(then, owners.result(), lambda found: of_each(tuple(found.own), bucket.policy))
        organization_id = _organization_id(
            recording,
            target,
            (bucket_policy.result(), key_policy.result()),
            (
                access_point_policies.result(),
                multi_region_policies.result(),
                event_data_store_policies.result(),
                replica_policies.result(),
                copy_policies.result(),
            ),
        )
        newest_log_file = pool.submit(_newest_log_file, bucket, target, status.result(), organization_id, asked_at)
        return TrailFacts(
            target=target,
            asked_at=asked_at,
            status=status.result(),
            selectors=selectors.result(),
            missed_event=missed_event.result(),
            validation_turned_on=turned_on.result(),
            newest_log_file=newest_log_file.result(),
            other_trails=other_trails.result(),
            subscriptions=subscriptions.result(),
            account_subscriptions=account_subscriptions.result(),
            event_data_stores=event_data_stores.result(),
            event_data_store_policies=event_data_store_policies.result(),
            replication=replication.result(),
            owners=owners.result(),
            copy_policies=copy_policies.result(),
            organization_id=organization_id,
            key=key.result(),
            key_arn=key_arn.result(),
            trail_key_arn=trail_key_arn.result(),
            key_policy=key_policy.result(),
            key_policy_change=_NOTHING_OPEN,
            key_rotates=key_rotates.result(),
            key_grants=key_grants.result(),
            replica_policies=replica_policies.result(),
            replica_grants=replica_grants.result(),
            bucket=then(place.result(), lambda _: target.bucket),
            bucket_owner=then(place.result(), lambda found: Value(found.owner)),
            bucket_region=then(place.result(), lambda found: Value(found.region)),
            bucket_encryption=encryption.result(),
            bucket_key_arn=bucket_key_arn.result(),
            bucket_policy=bucket_policy.result(),
            bucket_policy_change=_NOTHING_OPEN,
            public_access_block=public_access_block.result(),
            account_public_access_block=account_block.result(),
            acl=acl.result(),
            access_points=access_points.result(),
            access_point_policies=access_point_policies.result(),
            multi_region_access_points=multi_region.result(),
            multi_region_access_point_policies=multi_region_policies.result(),
            access_grants_instances=grants_instances.result(),
            access_grants=access_grants.result(),
            payer=payer.result(),
            versioning=versioning.result(),
            ownership=ownership.result(),
            access_log_target=access_log_target.result(),
            access_log_lock=access_log_lock.result(),
            lifecycle=lifecycle.result(),
            object_lock=object_lock.result(),
        )


def _accounts(target: Target) -> tuple[str, ...]:
    """The account that is asked, that of the trail, and those that are trusted."""
    of_trail = (Arn.parse(target.trail_arn.value).account,) if isinstance(target.trail_arn, Value) else ()
    asked = (target.account.value,) if isinstance(target.account, Value) else ()
    return tuple(dict.fromkeys((*asked, *of_trail, *target.trusted_accounts)))


def _access_points(bucket: BucketQuestions, target: Target, place: Fact[BucketLocation]) -> Fact[tuple[str, ...]]:
    def arns(account: str, name: str, found: BucketLocation) -> Fact[tuple[str, ...]]:
        if found.owner != account:
            # Each account lists its own alone.
            return Failed(f"{name} belongs to {found.owner or 'another account'}, which lists its access points")
        return bucket.access_points(account, name, found.region)

    return then(
        target.account,
        lambda account: then(target.bucket, lambda name: then(place, lambda found: arns(account, name, found))),
    )


def _in_region_of_bucket(
    question: Callable[[str, str], Fact[T]], target: Target, place: Fact[BucketLocation]
) -> Fact[T]:
    return then(target.account, lambda account: then(place, lambda found: question(account, found.region)))


def _access_grants(
    bucket: BucketQuestions, target: Target, place: Fact[BucketLocation], instances: Fact[tuple[str, ...]]
) -> Fact[tuple[AccessGrant, ...]]:
    if instances == Value(()):
        return Value(())
    return then(instances, lambda _: _in_region_of_bucket(bucket.access_grants, target, place))


def _multi_region_access_points(bucket: BucketQuestions, target: Target, policy: Fact[str]) -> Fact[Mapping[str, str]]:
    """Nothing comes by an access point that the bucket's policy does not allow: it has to leave it to access points.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointPermissions.html
    """
    if target.partition != "aws":
        return Value(
            {}
        )  # there are none: https://docs.aws.amazon.com/AmazonS3/latest/userguide/multi-region-access-point-create-examples.html
    if isinstance(policy, Denied | Failed):
        return policy
    if isinstance(policy, Missing) or not _says(policy.value, "accesspoint"):
        return Missing("not asked: the bucket's policy leaves nothing to access points")
    return then(
        target.account,
        lambda account: then(target.bucket, lambda name: bucket.multi_region_access_points(account, name)),
    )


def _owners(
    copies: CopyQuestions, target: Target, replication: Fact[Replication], trails: Fact[tuple[OtherTrail, ...]]
) -> Fact[Owners]:
    replicas = replication.value.replicas if isinstance(replication, Value) else ()
    buckets = {replica.bucket for replica in replicas}
    buckets |= {trail.bucket for trail in trails.value} if isinstance(trails, Value) else set()
    if not buckets:
        return Missing("not asked: nothing is copied")
    log_bucket = target.bucket.value if isinstance(target.bucket, Value) else None
    return copies.owners(buckets, log_bucket, target.trusted_accounts)


def _organization_id(
    recording: RecordingQuestions,
    target: Target,
    policies: Iterable[Fact[str]],
    several: Iterable[Fact[Mapping[str, str]]],
) -> Fact[str]:
    """The organization, where one of the policies depends on it.

    :param several: policies by what they are of.
    """
    if _depends_on_organization(target, (*policies, *(each for some in several for each in _values_of(some)))):
        return recording.organization_id()
    return Missing("not asked: nothing depends on it")


_ORGANIZATION_KEYS = ("aws:principalorgid", "aws:sourceorgid", "aws:resourceorgid")


def _depends_on_organization(target: Target, policies: Iterable[Fact[str]]) -> bool:
    if isinstance(target.trail, Value) and target.trail.value.is_organization:
        return True
    texts = [policy.value for policy in policies if isinstance(policy, Value)]
    return any(_says(text, key) for text in texts for key in _ORGANIZATION_KEYS)


def _says(policy: str, word: str) -> bool:
    """Whether a policy has a word in it, in small letters, however it is written as JSON. What is no JSON may have."""
    try:
        return word in json.dumps(json.loads(policy), ensure_ascii=False).casefold()
    except (ValueError, RecursionError):
        return True


def _values_of(policies: Fact[Mapping[str, str]]) -> tuple[Fact[str], ...]:
    return tuple(map(Value, policies.value.values())) if isinstance(policies, Value) else ()


def _newest_log_file(
    bucket: BucketQuestions, target: Target, status: Fact[TrailStatus], organization_id: Fact[str], now: datetime
) -> Fact[LogFile | None]:
    """The newest log file in the bucket that the trail delivers to, whatever bucket it should deliver to."""
    if not isinstance(target.trail, Value):
        return target.trail
    if not isinstance(status, Value) or status.value.last_delivery is None:
        return Missing("not asked: no delivery is known")
    trail = target.trail.value
    if trail.is_organization and not isinstance(organization_id, Value):
        return organization_id
    organization = f"{organization_id.value}/" if isinstance(organization_id, Value) and trail.is_organization else ""
    prefix = f"{trail.prefix}/" if trail.prefix else ""
    folder = f"{prefix}AWSLogs/{organization}{trail.account}/"
    since = status.value.last_delivery.astimezone(UTC) - _MADE_BEFORE
    return bucket.newest_log_file(trail.bucket, folder, trail.arn, since, now)
