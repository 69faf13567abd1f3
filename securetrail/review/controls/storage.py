"""How long a bucket keeps objects, who may delete them before, where the copies are, and what encrypts them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from securetrail.review.controls.values import (
    Fixed,
    Level,
    Needed,
    Properties,
    Unknown,
    Value,
    Weakening,
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


@dataclass(frozen=True, slots=True)
class Expiry:
    """When one rule of a lifecycle deletes objects.

    :param prefix: what their keys begin with.
    :param conditions: what else holds for them, such as a tag.
    :param days: after how many days.
    :param versions: how many newer versions there must be.
    """

    prefix: str
    conditions: frozenset[str]
    days: float
    versions: float

    def __str__(self) -> str:
        days = f"{self.days:g} day{'s' * (self.days != 1)}"
        about = [*([f"{self.prefix}*"] if self.prefix else []), *sorted(self.conditions)]
        newer = f", but for {self.versions:g} newer versions" if self.versions else ""
        return f"{days}{newer}" + (f" ({', '.join(about)})" if about else "")


def expiration(properties: Properties) -> frozenset[Expiry] | Unknown:
    """After how long each rule deletes an object's current version."""
    return _expiries(properties, _current)


lifecycle = reader(
    "LifecycleConfiguration.Rules", lambda found: Level(float(bool(found)), "there" if found else "not there")
)


def _vault_lock(found: Any) -> Level:
    """Nobody can lift a lock once the days are over that the setting gives; without them, whoever may can."""
    if not found:
        return Level(0, "off")
    days = found.get("ChangeableForDays")
    if days is None:
        return Level(1, "on, and may be lifted")
    return Level(2 + 1 / max(float(days), 1.0), f"on, and final after {float(days):g} days")


vault_lock = reader("LockConfiguration", _vault_lock)


def noncurrent_expiration(properties: Properties) -> frozenset[Expiry] | Unknown:
    """The same for versions that were overwritten or deleted."""
    return _expiries(properties, _noncurrent)


def deletes_more(before: frozenset[Expiry] | Unknown, after: frozenset[Expiry] | Unknown) -> Weakening | None:
    """How objects are deleted that were not, or sooner: by a rule that none of before covers."""
    if before == after:
        return None
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return Weakening(_shown(before), _shown(after), is_lost=False, is_known=False)
    new = frozenset(rule for rule in after if not any(_covers(old, rule) for old in before))
    if not new:
        return None
    about = frozenset(old for old in before if any(_meets(old, rule) for rule in new))
    return Weakening(_shown(about), _shown(new), is_lost=False)


def _covers(old: Expiry, new: Expiry) -> bool:
    """Whether everything that a rule deletes was deleted as soon by another one."""
    return _meets(old, new) and old.days <= new.days and old.versions <= new.versions


def _meets(old: Expiry, new: Expiry) -> bool:
    return new.prefix.startswith(old.prefix) and old.conditions <= new.conditions


def _shown(value: frozenset[Expiry] | Unknown) -> str:
    if isinstance(value, Unknown):
        return f"not known ({value.why})"
    return "; ".join(str(each) for each in sorted(value, key=lambda each: (each.days, str(each)))) or "never"


def lock_days(properties: Properties) -> Value:
    """For how long an object can be deleted by nobody, or by few."""
    found = at(properties, "ObjectLockConfiguration.Rule.DefaultRetention") or {}
    if (gap := unresolved(found)) is not None:
        return Unknown(gap.why, repr(found))
    if not found:
        return Level(0, "no period")
    days = float(found.get("Days") or 0) + float(found.get("Years") or 0) * _DAYS_OF_A_YEAR
    return Level(days, f"{days:g} day{'s' * (days != 1)}")


@dataclass(frozen=True, slots=True)
class Copy:
    """What one rule of replication copies.

    :param encrypted: also what KMS encrypts, which S3 leaves out unless the rule asks for it:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
    """

    destination: str
    prefix: str
    conditions: frozenset[str]
    encrypted: bool

    def __str__(self) -> str:
        about = [*([f"{self.prefix}*"] if self.prefix else []), *sorted(self.conditions)]
        about += ["with what KMS encrypts"] if self.encrypted else []
        return self.destination + (f" ({', '.join(about)})" if about else "")

    def includes(self, other: Copy) -> bool:
        """Whether it copies everything that another rule copies, to the same bucket."""
        return (
            self.destination == other.destination
            and other.prefix.startswith(self.prefix)
            and self.conditions <= other.conditions
            and self.encrypted >= other.encrypted
        )


def replication(properties: Properties) -> frozenset[Copy] | Unknown:
    """What the rules that are on copy."""
    rules = at(properties, "ReplicationConfiguration.Rules") or []
    if (gap := unresolved(rules)) is not None:
        return Unknown(gap.why, repr(rules))
    encrypted = "SourceSelectionCriteria.SseKmsEncryptedObjects.Status"
    return frozenset(
        Copy(str(rule["Destination"]["Bucket"]), *_scope(rule), at(rule, encrypted) == "Enabled")
        for rule in rules
        if rule.get("Status", "Enabled") == "Enabled"
    )


def copies_less(before: frozenset[Copy] | Unknown, after: frozenset[Copy] | Unknown) -> Weakening | None:
    """What is not copied any more."""
    if before == after:
        return None
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return Weakening(_copies(before), _copies(after), is_lost=False, is_known=False)
    lost = [old for old in before if not any(new.includes(old) for new in after)]
    return Weakening(_copies(before), _copies(after), is_lost=not after) if lost else None


def _copies(value: frozenset[Copy] | Unknown) -> str:
    if isinstance(value, Unknown):
        return f"not known ({value.why})"
    return ", ".join(sorted(map(str, value))) or "none"


def replica_keys(properties: Properties) -> frozenset[tuple[str, str]] | Unknown:
    """Each destination, and the key that encrypts the copies in it."""
    rules = at(properties, "ReplicationConfiguration.Rules") or []
    if (gap := unresolved(rules)) is not None:
        return Unknown(gap.why, repr(rules))
    key = "Destination.EncryptionConfiguration.ReplicaKmsKeyID"
    return frozenset((str(rule["Destination"]["Bucket"]), str(at(rule, key) or "")) for rule in rules)


def other_keys(
    before: frozenset[tuple[str, str]] | Unknown, after: frozenset[tuple[str, str]] | Unknown
) -> Weakening | None:
    """The keys that copies are not encrypted with any more, in destinations that there still are."""
    if before == after:
        return None
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        why = before if isinstance(before, Unknown) else after
        return Weakening("", f"not known ({why})", is_lost=False, is_known=False)
    kept = {bucket for bucket, _ in after}
    lost = [each for each in before - after if each[0] in kept and each[1]]
    now = [each for each in after - before if each[0] in {bucket for bucket, _ in lost}]
    return Weakening(_keys(lost), _keys(now), is_lost=not any(key for _, key in now)) if lost else None


def _keys(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{key or 'no key'} in {bucket}" for bucket, key in sorted(pairs)) or "none"


def notifications(properties: Properties) -> Value:
    """Whom the bucket tells of what."""
    found = at(properties, "NotificationConfiguration") or {}
    if (gap := unresolved(found)) is not None:
        return Unknown(gap.why, repr(found))
    return Needed(
        frozenset(
            f"{name}: {json.dumps(entry, sort_keys=True)}"
            for name, entries in found.items()
            for entry in (entries if isinstance(entries, list) else [entries])
        )
    )


def _scope(rule: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    """The objects that a rule of a lifecycle or of replication is about: a prefix, and what else must hold."""
    filters = rule.get("Filter") or {}
    both = {**rule, **filters, **(filters.get("And") or {})}
    tags = [*(both.get("TagFilters") or ()), *([both["TagFilter"]] if both.get("TagFilter") else [])]
    conditions = {f"tag {tag['Key']}={tag['Value']}" for tag in tags}
    conditions |= {f"{name} {both[name]}" for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan") if name in both}
    return str(both.get("Prefix") or ""), frozenset(conditions)


def _expiries(
    properties: Properties, of_rule: Callable[[Mapping[str, Any]], Iterable[tuple[float, float]]]
) -> frozenset[Expiry] | Unknown:
    rules = at(properties, "LifecycleConfiguration.Rules") or []
    if (gap := unresolved(rules)) is not None:
        return Unknown(gap.why, repr(rules))
    return frozenset(
        Expiry(*_scope(rule), days, versions)
        for rule in rules
        if rule.get("Status") == "Enabled"
        for days, versions in of_rule(rule)
    )


def _current(rule: Mapping[str, Any]) -> Iterable[tuple[float, float]]:
    if rule.get("ExpirationDate"):
        yield 0.0, 0.0
    elif rule.get("ExpirationInDays"):
        yield float(rule["ExpirationInDays"]), 0.0


def _noncurrent(rule: Mapping[str, Any]) -> Iterable[tuple[float, float]]:
    if rule.get("NoncurrentVersionExpirationInDays"):
        yield float(rule["NoncurrentVersionExpirationInDays"]), 0.0
    expiry = rule.get("NoncurrentVersionExpiration") or {}
    if expiry.get("NoncurrentDays"):
        yield float(expiry["NoncurrentDays"]), float(expiry.get("NewerNoncurrentVersions") or 0)
