"""S3 replication as AWS does it, around MiniStack's copying of objects.

MiniStack copies what a rule's filter matches, with the encryption of the source. AWS leaves objects under a KMS key
alone unless the rule asks for them, encrypts their copies with the key that the rule names, and acts as its role.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lab.authorization.replication_access import Copy, copy_denied
from lab.ministack import iam, kms, s3

_ALGORITHM = "x-amz-server-side-encryption"
_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


def install(now: Callable[[], datetime], warn: Callable[[str], None]) -> None:
    """Replaces MiniStack's replication.

    :param warn: called with one line for each reason why S3 cannot copy; lines repeat.
    """

    def change(copy_object: s3.Replicate) -> s3.Replicate:
        def replicate(
            bucket: str, key: str, record: dict[str, Any], content: Any, tags: dict[str, str] | None = None
        ) -> None:
            rule, role = s3.replication_rule(bucket, key, tags)
            headers = record["preserved_headers"]
            if rule is None or (_is_under_kms(headers) and not _copies_objects_under_kms(rule)):
                return
            destination = _destination_of(rule)
            denied, encryption = _prepared(bucket, destination, key, role, rule, headers, now())
            if denied:
                warn(f"S3 cannot copy from {bucket} to {destination}: {denied}.")
                record["replication_status"] = "FAILED"
                return
            copied = {**record, "preserved_headers": {**headers, **encryption}}
            copy_object(bucket, key, copied, content, tags)
            if copied.get("replication_status") == "FAILED":
                warn(f"S3 cannot copy from {bucket} to {destination}: it is not versioned.")
            record.update({name: copied[name] for name in ("replication_status", "_replica") if name in copied})

        return replicate

    def may_copy_marker(bucket: str, key: str, rule: dict[str, Any], role: str) -> bool:
        destination = _destination_of(rule)
        source, target = s3.bucket_facts(bucket), s3.bucket_facts(destination)
        if not _copies_markers(rule) or source is None or target is None:
            return True  # there is nothing to copy, or nowhere to copy it to
        denied = copy_denied(iam.role_facts(role), Copy(source, target, key, is_marker=True), now())
        if denied:
            warn(f"S3 cannot copy a delete marker from {bucket} to {destination}: {denied}.")
        return denied is None

    s3.replace_replication(change, may_copy_marker)
    s3.lock_replicas_like_their_source()


def _is_under_kms(headers: Mapping[str, str]) -> bool:
    return headers.get(_ALGORITHM, "").startswith("aws:kms")


def _destination_of(rule: Mapping[str, Any]) -> str:
    return str(rule["Destination"]["Bucket"].rpartition(":")[2])


def _copies_markers(rule: Mapping[str, Any]) -> bool:
    """A rule without a filter, of the first version, always does."""
    return "Filter" not in rule or bool(rule.get("DeleteMarkerReplication", {}).get("Status") == "Enabled")


def _copies_objects_under_kms(rule: Mapping[str, Any]) -> bool:
    criteria = rule.get("SourceSelectionCriteria", {}).get("SseKmsEncryptedObjects", {})
    return bool(criteria.get("Status") == "Enabled")


def _prepared(
    bucket: str,
    destination: str,
    key: str,
    role: str,
    rule: Mapping[str, Any],
    headers: Mapping[str, str],
    now: datetime,
) -> tuple[str | None, dict[str, str]]:
    """Why it cannot be copied, and the headers that say how the copy is encrypted."""
    source, target = s3.bucket_facts(bucket), s3.bucket_facts(destination)
    if source is None or target is None:
        return f"the bucket {destination} does not exist", {}
    translates = "AccessControlTranslation" in rule["Destination"] and target.account != source.account
    changes_owner = translates and not s3.is_owner_enforced(destination)
    if not _is_under_kms(headers):
        return copy_denied(iam.role_facts(role), Copy(source, target, key, changes_owner=changes_owner), now), {}
    named = rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"]
    # An object under the AWS managed key of S3 (aws/s3) names no key, and its policy allows all of the account.
    source_name = headers.get(_KEY, "")
    source_key, replica_key = kms.key_facts(source_name) if source_name else None, kms.key_facts(named)
    if replica_key is None or (source_key is None and source_name):
        return f"there is no key {source_name if replica_key else named}", {}
    alias = named.partition(":alias/")[2]
    copy = Copy(source, target, key, source_key, replica_key, f"alias/{alias}" if alias else "", changes_owner)
    return copy_denied(iam.role_facts(role), copy, now), {_KEY: replica_key.arn}
