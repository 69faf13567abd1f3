"""How long a bucket keeps objects, who may delete them before, where the copies are, and what encrypts them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from securetrail.review.controls.values import (
    Fixed,
    Level,
    Needed,
    Properties,
    Unknown,
    Value,
    at,
    reader,
    truth,
    unresolved,
)

_PUBLIC_ACCESS: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_ENCRYPTION: Final = "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault"
_DAYS_OF_A_YEAR: Final = 365


def encryption(properties: Properties) -> Value:
    """S3 encrypts with its own keys at least.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
    """
    found = at(properties, _ENCRYPTION) or {}
    if (gap := unresolved(found)) is not None:
        return Unknown(gap.why, repr(found))
    algorithm = found.get("SSEAlgorithm", "AES256")
    if algorithm not in ("AES256", "aws:kms", "aws:kms:dsse"):
        return Unknown(f"the algorithm {algorithm}", algorithm)
    if algorithm == "AES256":
        return Level(1, "keys of S3")
    own = found.get("KMSMasterKeyID") not in (None, "alias/aws/s3")
    return Level(2 + own, "a KMS key of one's own" if own else "the account's key for S3")


encryption_key = reader(f"{_ENCRYPTION}.KMSMasterKeyID", lambda found: Fixed("" if found is None else str(found)))


def public_access(properties: Properties) -> Value:
    """The four blocks that are on.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    found = at(properties, "PublicAccessBlockConfiguration") or {}
    if (gap := unresolved(found)) is not None:
        return Unknown(gap.why, repr(found))
    return Needed(frozenset(name for name in _PUBLIC_ACCESS if truth(found.get(name, False))))


def expiration(properties: Properties) -> Value:
    """The shortest time after which a rule deletes an object's current version, whichever objects it is about."""
    return _days(properties, _current)


def noncurrent_expiration(properties: Properties) -> Value:
    """The same for versions that were overwritten or deleted."""
    return _days(properties, _noncurrent)


def lock_days(properties: Properties) -> Value:
    """For how long an object can be deleted by nobody, or by few."""
    found = at(properties, "ObjectLockConfiguration.Rule.DefaultRetention") or {}
    if (gap := unresolved(found)) is not None:
        return Unknown(gap.why, repr(found))
    if not found:
        return Level(0, "no period")
    days = float(found.get("Days") or 0) + float(found.get("Years") or 0) * _DAYS_OF_A_YEAR
    return Level(days, f"{days:g} day{'s' * (days != 1)}")


def replication(properties: Properties) -> Value:
    """The destinations of rules that are on, each with the objects that it is about."""
    rules = at(properties, "ReplicationConfiguration.Rules") or []
    if (gap := unresolved(rules)) is not None:
        return Unknown(gap.why, repr(rules))
    return Needed(
        frozenset(
            f"{rule['Destination']['Bucket']}{_about(rule)}"
            for rule in rules
            if rule.get("Status", "Enabled") == "Enabled"
        )
    )


def _about(rule: Mapping[str, Any]) -> str:
    prefix = rule.get("Prefix") or at(rule, "Filter.Prefix") or at(rule, "Filter.And.Prefix") or ""
    return f" ({prefix}*)" if prefix else ""


def _days(properties: Properties, of_rule: Any) -> Value:
    rules = at(properties, "LifecycleConfiguration.Rules") or []
    if (gap := unresolved(rules)) is not None:
        return Unknown(gap.why, repr(rules))
    days = min((of_rule(rule) for rule in rules if rule.get("Status") == "Enabled"), default=math.inf)
    return Level(1 + days, "never" if math.isinf(days) else f"{days:g} day{'s' * (days != 1)}")


def _current(rule: Mapping[str, Any]) -> float:
    if rule.get("ExpirationDate"):
        return 0.0
    return float(rule.get("ExpirationInDays") or math.inf)


def _noncurrent(rule: Mapping[str, Any]) -> float:
    return min(_noncurrent_days(rule), default=math.inf)


def _noncurrent_days(rule: Mapping[str, Any]) -> Iterable[float]:
    if rule.get("NoncurrentVersionExpirationInDays"):
        yield float(rule["NoncurrentVersionExpirationInDays"])
    if at(rule, "NoncurrentVersionExpiration.NoncurrentDays"):
        yield float(rule["NoncurrentVersionExpiration"]["NoncurrentDays"])
