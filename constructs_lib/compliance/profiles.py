"""Profiles, which are sets of defaults, and the features that a profile and the props choose.

``LAB`` costs almost nothing; ``COMPLIANCE`` turns on what the rule packs ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3


class SecurityProfile(Enum):
    """A set of defaults; each is overridden by its prop.

    ``LAB`` is a trail, a key and two buckets, and costs almost nothing. ``COMPLIANCE`` adds what the NIST 800-53, HIPAA
    and PCI DSS rule packs ask for: CloudWatch Logs, the CIS alarms, alerts on tampering, a replica, and a year of
    Object Lock in governance mode, which ``s3:BypassGovernanceRetention`` can still lift (PCI DSS 4.0.1, 10.5.1, asks
    for a year's logs).

    The rule packs are those of cdk-nag 3: AWS Solutions, NIST 800-53 r5, HIPAA Security and PCI DSS 3.2.1. The alarms
    are those of CIS AWS Foundations 1.4, 3.0 and 5.0. The control map names the requirements of PCI DSS 4.0.1 as well.
    """

    LAB = "lab"
    COMPLIANCE = "compliance"


@dataclass(frozen=True, slots=True)
class Features:
    """The features that a trail gets beside its key and bucket, chosen by profile and props."""

    send_to_cloud_watch_logs: bool
    tamper_alerts: bool
    cis_alarms: bool
    replicate_logs: bool
    delivery_notifications: bool
    object_lock: s3.ObjectLockRetention | None

    @property
    def any(self) -> bool:
        """Whether any feature is on that adds resources."""
        return (
            self.send_to_cloud_watch_logs
            or self.tamper_alerts
            or self.cis_alarms
            or self.replicate_logs
            or self.delivery_notifications
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureProps:
    """The props that decide which features a trail has.

    A feature is on, off, or ``None``, which leaves it to the profile. The other fields say which props were given.

    :param own_bucket: whether the log bucket is made here; an existing one keeps the lock and the replica that it has.
    """

    own_bucket: bool
    has_replica_target: bool
    has_alert_topic: bool
    has_delivery_topic: bool
    has_logs_retention: bool
    send_to_cloud_watch_logs: bool | None
    tamper_alerts: bool | None
    cis_alarms: bool | None
    replicate_logs: bool | None
    delivery_notifications: bool | None
    object_lock: s3.ObjectLockRetention | None


def choose_features(profile: SecurityProfile, props: FeatureProps) -> Features:
    """The features that the props turn on or off; about the others the profile decides.

    :raises ValueError: a prop that has no effect on what was chosen.
    """
    strict = profile is SecurityProfile.COMPLIANCE
    alarms = _first(props.cis_alarms, strict and props.send_to_cloud_watch_logs is not False)
    features = Features(
        send_to_cloud_watch_logs=_first(props.send_to_cloud_watch_logs, strict or alarms),
        tamper_alerts=_first(props.tamper_alerts, strict),
        cis_alarms=alarms,
        replicate_logs=_first(props.replicate_logs, (strict and props.own_bucket) or props.has_replica_target),
        delivery_notifications=_first(props.delivery_notifications, props.has_delivery_topic),
        object_lock=(
            s3.ObjectLockRetention.governance(cdk.Duration.days(365))
            if props.object_lock is None and strict and props.own_bucket
            else props.object_lock
        ),
    )
    if props.has_logs_retention and not features.send_to_cloud_watch_logs:
        raise ValueError(
            "cloud_watch_logs_retention was given, and no events are sent to CloudWatch Logs, so it has no effect. "
            "Fix: add send_to_cloud_watch_logs=True, or leave cloud_watch_logs_retention out."
        )
    if props.has_alert_topic and not (features.tamper_alerts or features.send_to_cloud_watch_logs):
        raise ValueError(
            "alert_topic was given, and no alert or alarm is on, so it has no effect. "
            "Fix: add tamper_alerts=True or cis_alarms=True, or leave alert_topic out."
        )
    return features


def _first(given: bool | None, default: bool) -> bool:  # noqa: FBT001 (a value, not a switch)
    return default if given is None else given
