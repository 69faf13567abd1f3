"""May S3 copy an object: what it asks for as the replication role, put before the role's policies.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html

The policies of the keys are taken to leave it to IAM, as those that AWS writes by default do.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lab.authorization.conditions import Context, context_at
from lab.authorization.facts import BucketFacts, KeyFacts, RoleFacts
from lab.authorization.policy import Access, decide

_SERVICE = "s3.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Copy:
    """One object on its way to another bucket.

    :param source_key: the KMS key that encrypts the object; None for a key of S3's own.
    :param replica_key: the KMS key that the rule names for the copy.
    :param replica_alias: the alias (`alias/...`) by which the rule names it; '' when it does not.
    """

    source: BucketFacts
    destination: BucketFacts
    object_key: str
    source_key: KeyFacts | None = None
    replica_key: KeyFacts | None = None
    replica_alias: str = ""


def copy_denied(role: RoleFacts | None, copy: Copy, now: datetime) -> str | None:
    """Why S3 cannot copy, in a part of a sentence that names no object; None when it can."""
    if role is None:
        return "the replication role does not exist"
    common = context_at(now) | {
        "aws:sourceaccount": (copy.source.account,),
        "aws:sourcearn": (f"arn:aws:s3:::{copy.source.name}",),
    }
    if not _allows([role.trust_policy], Access(_SERVICE, "sts:AssumeRole", role.arn, common)):
        return f"the trust policy of {role.arn} does not let {_SERVICE} in"
    for key in (copy.source_key, copy.replica_key):
        if key and key.state != "Enabled":
            return f"the key {key.arn} is {key.state}"
    for action, resource, shown, context in _requests(copy):
        if not _allows(role.policies, Access(_SERVICE, action, resource, {**common, **context})):
            return f"no policy lets {role.arn} use {action} on {shown}"
    return None


def _requests(copy: Copy) -> Iterable[tuple[str, str, str, Context]]:
    source, destination = (f"arn:aws:s3:::{bucket.name}" for bucket in (copy.source, copy.destination))
    for action in ("s3:GetReplicationConfiguration", "s3:ListBucket"):
        yield action, source, source, {}
    for action in ("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl"):
        yield action, f"{source}/{copy.object_key}", f"{source}/*", {}
    yield "s3:ReplicateObject", f"{destination}/{copy.object_key}", f"{destination}/*", {}
    if copy.source_key:
        yield "kms:Decrypt", copy.source_key.arn, copy.source_key.arn, _key_context(copy.source, copy.object_key)
    if copy.replica_key:
        aliases: Context = {"kms:resourcealiases": (copy.replica_alias,)} if copy.replica_alias else {}
        context = {**_key_context(copy.destination, copy.object_key), **aliases}
        yield "kms:Encrypt", copy.replica_key.arn, copy.replica_key.arn, context


def _key_context(bucket: BucketFacts, object_key: str) -> Context:
    """With an S3 Bucket Key the encryption context names the bucket, without one the object."""
    arn = f"arn:aws:s3:::{bucket.name}"
    return {
        "kms:viaservice": (f"s3.{bucket.region}.amazonaws.com",),
        "kms:encryptioncontext:aws:s3:arn": (arn if bucket.uses_bucket_key else f"{arn}/{object_key}",),
    }


def _allows(policies: Iterable[str], access: Access) -> bool:
    """A role's policies name no principal, and its trust policy no resource: they are the role's own."""
    statements: list[dict[str, Any]] = []
    for policy in policies:
        found = json.loads(policy)["Statement"]
        statements += [
            {"Principal": "*", "Resource": "*"} | each for each in ([found] if isinstance(found, dict) else found)
        ]
    return decide(json.dumps({"Statement": statements}), access).is_allowed
