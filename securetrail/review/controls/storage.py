"""How long a bucket keeps objects, who may delete them before, where the copies are, and what encrypts them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from securetrail.review.controls.values import (
    NEVER,
    Exposed,
    Fixed,
    Level,
    Needed,
    Properties,
    Unknown,
    Value,
    Weakening,
    at,
    reader,
    reads,
    shown,
    truth,
    unresolved,
    weakening,
    where_known,
)

_PUBLIC_ACCESS: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_RULE: Final = "BucketEncryption.ServerSideEncryptionConfiguration.0"
_ENCRYPTION: Final = f"{_RULE}.ServerSideEncryptionByDefault"
_LIFECYCLE: Final = "LifecycleConfiguration.Rules"
_REPLICATION: Final = "ReplicationConfiguration.Rules"
# What the comparison adds to a bucket that others name for their access logs.
TAKES_LOGS: Final = "TakesAccessLogs"
_DAYS_OF_A_YEAR: Final = 365
_MONTH: Final = 30.0
# s3:ObjectRemoved:Delete
_LONGEST_EVENT: Final = 3


@reads(_ENCRYPTION)
def encryption(found: Any) -> Value:
    """S3 encrypts with its own keys at least.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
    """
    found = found or {}
    algorithm = found.get("SSEAlgorithm", "AES256")
    if algorithm not in ("AES256", "aws:kms", "aws:kms:dsse"):
        return Unknown(f"the algorithm {algorithm}", algorithm)
    if algorithm == "AES256":
        return Level(1, "keys of S3")
    own = found.get("KMSMasterKeyID") not in (None, "alias/aws/s3")
    return Level(2 + own, "a KMS key of one's own" if own else "the account's key for S3")


encryption_key = reader(f"{_ENCRYPTION}.KMSMasterKeyID", lambda found: Fixed("" if found is None else str(found)))


@reads("PublicAccessBlockConfiguration")
def public_access(found: Any) -> Value:
    """The four blocks that are on.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    return Needed(frozenset(name for name in _PUBLIC_ACCESS if truth((found or {}).get(name, False))))


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


@reads(_LIFECYCLE)
def expiration(rules: Any) -> frozenset[Expiry]:
    """After how long each rule deletes an object's current version."""
    return _expiries(rules, _current)


@reads(_LIFECYCLE)
def noncurrent_expiration(rules: Any) -> frozenset[Expiry]:
    """The same for versions that were overwritten or deleted."""
    return _expiries(rules, _noncurrent)


@reads(_LIFECYCLE)
def archived(rules: Any) -> Level:
    """For how long objects can be read at once; a month counts as always, since archives are for what is older.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
    """
    days = [
        float(move.get("TransitionInDays") or 0)
        for rule in rules or ()
        if rule.get("Status") == "Enabled"
        for move in [*(rule.get("Transitions") or ()), *([rule["Transition"]] if rule.get("Transition") else [])]
        if move.get("StorageClass") in ("DEEP_ARCHIVE", "GLACIER")
    ]
    soonest = min([_MONTH, *days])
    return Level(soonest, f"{soonest:g} days" if soonest < _MONTH else "a month or longer")


@reads("IntelligentTieringConfigurations")
def archived_by_use(found: Any) -> Level:
    """Likewise where objects that nobody reads go to an archive by themselves."""
    days = [
        float(tier.get("Days") or 0)
        for each in found or ()
        if each.get("Status") == "Enabled"
        for tier in each.get("Tierings") or ()
    ]
    return Level(min(days, default=NEVER), f"{min(days):g} days" if days else "ever")


@reads(_REPLICATION)
def copies_at_hand(rules: Any) -> Level:
    """Whether the copies can be read at once."""
    classes = {str((rule.get("Destination") or {}).get("StorageClass")) for rule in rules or ()}
    archives = classes & {"DEEP_ARCHIVE", "GLACIER"}
    return Level(0.5, f"after a restore from {', '.join(sorted(archives))}") if archives else Level(1, "at once")


def takes_access_logs(properties: Properties) -> Value:
    """Whether S3 can deliver access logs to a bucket that is named for them.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
    """
    if TAKES_LOGS not in properties:
        return Fixed("")
    lock = at(properties, "ObjectLockConfiguration.Rule")
    encryption = at(properties, _ENCRYPTION)
    if (gap := unresolved([lock, encryption])) is not None:
        return Unknown(gap.why, repr([lock, encryption]))
    given = encryption if isinstance(encryption, Mapping) else {}
    # Nobody can let the service use AWS's own key.
    is_of_aws = str(given.get("KMSMasterKeyID") or "alias/aws/s3").endswith("alias/aws/s3")
    if lock:
        return Level(0, "no, because objects are locked by default")
    if str(given.get("SSEAlgorithm")).startswith("aws:kms") and is_of_aws:
        return Level(0, "no, because AWS's key for S3 encrypts them")
    return Level(1, "yes")


@reads("InventoryConfigurations")
def inventory(found: Any) -> Needed:
    """The lists of objects that S3 makes, each with the bucket that it is delivered to."""
    enabled = (each for each in found or () if truth(each.get("Enabled", True)))
    return Needed(frozenset(f"{each['Id']} in {each['Destination']['BucketArn']}" for each in enabled))


@reads(f"{_RULE}.BlockedEncryptionTypes.EncryptionType")
def blocked_encryption(found: Any) -> Needed:
    """By what nobody may encrypt, such as keys of whoever writes, which nobody else has."""
    entries = found if isinstance(found, list) else [found]
    return Needed(frozenset(str(each) for each in entries if each not in (None, "NONE")))


@reads(_LIFECYCLE)
def lifecycle(rules: Any) -> Level:
    """Whether there are rules."""
    return Level(float(bool(rules)), "there" if rules else "not there")


@reads("LockConfiguration")
def vault_lock(found: Any) -> Level:
    """Nobody can lift a lock once the days are over that the setting gives; without them, whoever may can."""
    if not found:
        return Level(0, "off")
    days = found.get("ChangeableForDays")
    if days is None:
        return Level(1, "on, and may be lifted")
    return Level(2 + 1 / max(float(days), 1.0), f"on, and final after {float(days):g} days")


def _shown(value: frozenset[Expiry]) -> str:
    return "; ".join(str(each) for each in sorted(value, key=lambda each: (each.days, str(each)))) or "never"


@where_known(_shown)
def deletes_more(before: frozenset[Expiry], after: frozenset[Expiry]) -> Weakening | None:
    """How objects are deleted that were not, or sooner: by a rule that none of before covers."""
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


@reads("ObjectLockConfiguration.Rule.DefaultRetention")
def lock_days(found: Any) -> Value:
    """For how long an object can be deleted by nobody, or by few."""
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


@reads(_REPLICATION)
def replication(rules: Any) -> frozenset[Copy]:
    """What the rules that are on copy."""
    encrypted = "SourceSelectionCriteria.SseKmsEncryptedObjects.Status"
    on = [
        (
            float(rule.get("Priority") or 0),
            Copy(str(rule["Destination"]["Bucket"]), *_scope(rule), at(rule, encrypted) == "Enabled"),
        )
        for rule in rules or ()
        if rule.get("Status", "Enabled") == "Enabled"
    ]
    # For an object that several rules are about, to the same bucket, the one of the highest priority decides.
    return frozenset(
        replace(
            copy, encrypted=copy.encrypted and all(o.encrypted or p <= priority or not _meet(copy, o) for p, o in on)
        )
        for priority, copy in on
    )


def _meet(one: Copy, other: Copy) -> bool:
    """Whether both may be about the same object."""
    is_within = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    return one.destination == other.destination and is_within


def _copies(value: frozenset[Copy]) -> str:
    return ", ".join(sorted(map(str, value))) or "none"


@where_known(_copies)
def copies_less(before: frozenset[Copy], after: frozenset[Copy]) -> Weakening | None:
    """What is not copied any more."""
    lost = [old for old in before if not any(new.includes(old) for new in after)]
    return Weakening(_copies(before), _copies(after), is_lost=not after) if lost else None


@reads(_REPLICATION)
def copied_deletions(rules: Any) -> Exposed:
    """Where an object is deleted as it is here. Its versions stay, and whoever lists the copies does not see it."""
    status = "DeleteMarkerReplication.Status"
    on = (rule for rule in rules or () if rule.get("Status", "Enabled") == "Enabled")
    return Exposed(frozenset(str(rule["Destination"]["Bucket"]) for rule in on if at(rule, status) == "Enabled"))


@where_known(shown)
def copies_deletions_more(before: Exposed, after: Exposed) -> Weakening | None:
    """Where objects are deleted as well, and were not."""
    return weakening(before, after)


@reads(_REPLICATION)
def replica_owners(rules: Any) -> frozenset[tuple[str, bool]]:
    """Each destination, and whether the copies in it belong to its owner, not to the owner of the source.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-change-owner.html
    """
    owner = "Destination.AccessControlTranslation.Owner"
    on = (rule for rule in rules or () if rule.get("Status", "Enabled") == "Enabled")
    return frozenset((str(rule["Destination"]["Bucket"]), at(rule, owner) == "Destination") for rule in on)


def _owned(pairs: Iterable[tuple[str, bool]]) -> str:
    return ", ".join(bucket for bucket, is_theirs in sorted(pairs) if is_theirs) or "none"


@where_known(_owned)
def owned_less(before: frozenset[tuple[str, bool]], after: frozenset[tuple[str, bool]]) -> Weakening | None:
    """The destinations that there still are, and whose owners the copies belong to no more."""
    lost = [(bucket, is_theirs) for bucket, is_theirs in before if is_theirs and (bucket, False) in after]
    return Weakening(_owned(before), _owned(after), is_lost=False) if lost else None


# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateEventDataStore.html
_LAKE_DEFAULTS: Final = {"EXTENDABLE_RETENTION_PRICING": 366.0, "FIXED_RETENTION_PRICING": 2557.0}


def lake_days(properties: Properties) -> Value:
    """For how long an event data store keeps events; the default depends on how they are paid for."""
    days, mode = parts = [properties.get("RetentionPeriod"), properties.get("BillingMode")]
    if (gap := unresolved(parts)) is not None:
        return Unknown(gap.why, repr(parts))
    if days is not None:
        return Level(float(days), f"{float(days):g} days")
    default = _LAKE_DEFAULTS.get(str(mode), 366.0)
    return Level(default, f"{default:g} days (AWS's default)")


@reads(_REPLICATION)
def replica_keys(rules: Any) -> frozenset[tuple[str, str]]:
    """Each destination, and the key that encrypts the copies in it."""
    key = "Destination.EncryptionConfiguration.ReplicaKmsKeyID"
    return frozenset((str(rule["Destination"]["Bucket"]), str(at(rule, key) or "")) for rule in rules or ())


def _keys(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{key or 'no key'} in {bucket}" for bucket, key in sorted(pairs)) or "none"


@where_known(_keys)
def other_keys(before: frozenset[tuple[str, str]], after: frozenset[tuple[str, str]]) -> Weakening | None:
    """The keys that copies are not encrypted with any more, in destinations that there still are."""
    kept = {bucket for bucket, _ in after}
    lost = [each for each in before - after if each[0] in kept and each[1]]
    now = [each for each in after - before if each[0] in {bucket for bucket, _ in lost}]
    return Weakening(_keys(lost), _keys(now), is_lost=not any(key for _, key in now)) if lost else None


def table_place(properties: Properties) -> Value:
    """Where a table of log files looks for them."""
    place = [at(properties, "TableInput.StorageDescriptor.Location")]
    parameters = at(properties, "TableInput.Parameters")
    place += [parameters.get("storage.location.template")] if isinstance(parameters, Mapping) else []
    if (gap := unresolved(place)) is not None:
        return Unknown(gap.why, repr(place))
    return Fixed(", ".join(str(each) for each in place if each))


@reads("TableInput.Parameters")
def partitions(found: Any) -> Needed:
    """The accounts and regions whose partitions a table of log files has."""
    names = ("projection.account.values", "projection.region.values")
    return Needed(
        frozenset(value for name in names for value in str((found or {}).get(name) or "").split(",") if value)
    )


@reads("NotificationConfiguration")
def notifications(found: Any) -> Value:
    """Whom the bucket tells of what."""
    return Needed(
        frozenset(
            f"{name}: {json.dumps(entry, sort_keys=True)}"
            for name, entries in (found or {}).items()
            for entry in (entries if isinstance(entries, list) else [entries])
        )
    )


def _told(value: Needed) -> str:
    return ", ".join(sorted(value.members)) or "none"


@where_known(_told)
def tells_less(before: Needed, after: Needed) -> Weakening | None:
    """Whom a bucket tells less: a wildcard in the place of one event tells more."""
    lost = {old for old in before.members if not any(new in after.members for new in _wider(old))}
    return Weakening(_told(before), _told(after), is_lost=not after.members) if lost else None


def _wider(told: str) -> Iterator[str]:
    yield told
    name, _, text = told.partition(": ")
    entry = json.loads(text)
    parts = str(entry.get("Event", "")).split(":") if isinstance(entry, dict) else []
    if len(parts) == _LONGEST_EVENT:
        yield f"{name}: {json.dumps({**entry, 'Event': ':'.join([*parts[:-1], '*'])}, sort_keys=True)}"


def _scope(rule: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    """The objects that a rule of a lifecycle or of replication is about: a prefix, and what else must hold."""
    filters = rule.get("Filter") or {}
    both = {**rule, **filters, **(filters.get("And") or {})}
    tags = [*(both.get("TagFilters") or ()), *([both["TagFilter"]] if both.get("TagFilter") else [])]
    conditions = {f"tag {tag['Key']}={tag['Value']}" for tag in tags}
    conditions |= {f"{name} {both[name]}" for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan") if name in both}
    return str(both.get("Prefix") or ""), frozenset(conditions)


def _expiries(rules: Any, of_rule: Callable[[Mapping[str, Any]], Iterable[tuple[float, float]]]) -> frozenset[Expiry]:
    return frozenset(
        Expiry(*_scope(rule), days, versions)
        for rule in rules or ()
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
