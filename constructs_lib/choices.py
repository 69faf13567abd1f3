"""What a trail gets beside its key and its bucket: what the props say, and where they say nothing, the profile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from constructs_lib.compliance.profiles import SecurityProfile
from constructs_lib.groups import (
    Alerts,
    Analytics,
    CloudWatchLogs,
    DeliveryNotifications,
    NewBucket,
    Replica,
)

_Group = TypeVar("_Group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The features of a trail; ``None`` stands for one that it does not have.

    :param log_bucket: the bucket that exists, or how a new one is made, with the profile's Object Lock.
    :param has_cis_alarms: whether ``cloudwatch`` raises them.
    """

    log_bucket: s3.IBucket | NewBucket
    replica: Replica | None
    cloudwatch: CloudWatchLogs | None
    has_cis_alarms: bool
    alerts: Alerts | None
    delivery_notifications: DeliveryNotifications | None
    analytics: Analytics | None

    @property
    def object_lock(self) -> s3.ObjectLockRetention | None:
        """The lock of the bucket that is made."""
        return self.log_bucket.retention.object_lock if isinstance(self.log_bucket, NewBucket) else None

    @property
    def log_expiration(self) -> cdk.Duration | None:
        """When log files are deleted from the bucket that is made."""
        return self.log_bucket.retention.expiration if isinstance(self.log_bucket, NewBucket) else None

    @property
    def any(self) -> bool:
        """Whether there is a feature that adds resources."""
        features = (self.replica, self.cloudwatch, self.alerts, self.delivery_notifications, self.analytics)
        return any(each is not None for each in features)


def choose(
    profile: SecurityProfile,
    *,
    log_bucket: s3.IBucket | NewBucket | None,
    cloudwatch: CloudWatchLogs | Literal[False] | None,
    alerts: Alerts | Literal[False] | None,
    delivery_notifications: DeliveryNotifications | None,
    analytics: Analytics | None,
) -> Choices:
    """The features that the props, by their names in :class:`SecureTrail`, and the profile choose.

    :raises ValueError: the profile's Object Lock contradicts the retention.
    """
    is_strict = profile is SecurityProfile.COMPLIANCE
    bucket = NewBucket() if log_bucket is None else log_bucket
    replica = None
    if isinstance(bucket, NewBucket):  # an existing one keeps the lock and the replica that it has
        replica = _of_profile(bucket.replica, Replica() if is_strict else None)
        if is_strict and bucket.retention.object_lock is None:
            lock = s3.ObjectLockRetention.governance(cdk.Duration.days(365))
            bucket = replace(bucket, retention=replace(bucket.retention, object_lock=lock))
    chosen_logs = _of_profile(cloudwatch, CloudWatchLogs() if is_strict else None)
    asked_for_alarms = None if chosen_logs is None else chosen_logs.cis_alarms
    return Choices(
        log_bucket=bucket,
        replica=replica,
        cloudwatch=chosen_logs,
        has_cis_alarms=chosen_logs is not None and (is_strict if asked_for_alarms is None else asked_for_alarms),
        alerts=_of_profile(alerts, Alerts() if is_strict else None),
        delivery_notifications=delivery_notifications,
        analytics=analytics,
    )


def _of_profile(given: _Group | Literal[False] | None, default: _Group | None) -> _Group | None:
    return default if given is None else given or None
