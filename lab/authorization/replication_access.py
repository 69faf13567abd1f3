"""May S3 copy an object: what it does as the replication role, by the policies of the role, the buckets and the keys.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-change-owner.html (copies in another account)
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lab.authorization.conditions import Context, context_at
from lab.authorization.decision import IDENTITY, ResourcePolicy, refusal
from lab.authorization.document import Asked
from lab.authorization.facts import BucketFacts, KeyFacts, RoleFacts
from lab.authorization.policy import Access, decide
from lab.authorization.principal import Principal

_SERVICE = "s3.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Copy:
    """One object on its way to another bucket.

    :param source_key: the KMS key that encrypts the object; None for a key of S3's own.
    :param replica_key: the KMS key that the rule names for the copy.
    :param replica_alias: the alias (`alias/...`) by which the rule names it; '' when it does not.
    :param is_marker: whether it is a delete marker.
    :param changes_owner: whether the copy is to belong to the owner of the destination, which its ACLs would not do.
    """

    source: BucketFacts
    destination: BucketFacts
    object_key: str
    source_key: KeyFacts | None = None
    replica_key: KeyFacts | None = None
    replica_alias: str = ""
    changes_owner: bool = False
    is_marker: bool = False


def copy_denied(role: RoleFacts | None, copy: Copy, now: datetime) -> str | None:
    """Why S3 cannot copy, in a part of a sentence that names no object; None when it can."""
    if role is None:
        return "the replication role does not exist"
    common = context_at(now) | {
        "aws:sourceaccount": (copy.source.account,),
        "aws:sourcearn": (f"arn:aws:s3:::{copy.source.name}",),
    }
    if not _allows([role.trust_policy], Access(_SERVICE, "sts:AssumeRole", role.arn, common)):
        return f"the trust policy of {role.arn} does not allow {_SERVICE} to assume it"
    for key in (copy.source_key, copy.replica_key):
        if key and key.state != "Enabled":
            return f"the key {key.arn} is {key.state}"
    who = _session(role)
    common |= {"aws:principalarn": (role.arn,), "aws:principalaccount": (who.account,)}
    for request in _requests(copy):
        asked = Asked(request.action, request.resource, {**common, **request.context})
        refused = refusal(asked, who, request.policy)
        if refused is not None:
            if refused.policy == IDENTITY and not refused.is_explicit:
                return f"no policy allows {role.arn} to use {request.action} on {request.shown}"
            return f"{role.arn} may not use {request.action} on {request.shown} {refused.reason()}"
    return None


def _session(role: RoleFacts) -> Principal:
    """What S3 is once it has assumed the role."""
    account, name = role.arn.split(":")[4], role.arn.rpartition("/")[2]
    arn = f"arn:aws:sts::{account}:assumed-role/{name}/s3-replication"
    return Principal(arn, account, role_arn=role.arn, policies=role.policies)


@dataclass(frozen=True, slots=True)
class _Request:
    """One thing that S3 does, and the policy of what it does it with.

    :param shown: the resource, without an object's key.
    """

    action: str
    resource: str
    shown: str
    policy: ResourcePolicy
    context: Context


def _requests(copy: Copy) -> Iterable[_Request]:
    source, destination = (f"arn:aws:s3:::{bucket.name}" for bucket in (copy.source, copy.destination))
    own, others = (ResourcePolicy(bucket.policy or "", bucket.account) for bucket in (copy.source, copy.destination))
    for action in ("s3:GetReplicationConfiguration", "s3:ListBucket"):
        yield _Request(action, source, source, own, {})
    for action in ("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl"):
        yield _Request(action, f"{source}/{copy.object_key}", f"{source}/*", own, {})
    writes = (
        ["s3:ReplicateDelete"]
        if copy.is_marker
        else ["s3:ReplicateObject", *(["s3:ObjectOwnerOverrideToBucketOwner"] if copy.changes_owner else [])]
    )
    for action in writes:
        yield _Request(action, f"{destination}/{copy.object_key}", f"{destination}/*", others, {})
    if copy.source_key:
        context = _key_context(copy.source, copy.object_key)
        yield _Request("kms:Decrypt", copy.source_key.arn, copy.source_key.arn, _policy_of(copy.source_key), context)
    if copy.replica_key:
        aliases: Context = {"kms:resourcealiases": (copy.replica_alias,)} if copy.replica_alias else {}
        context = {**_key_context(copy.destination, copy.object_key), **aliases}
        yield _Request("kms:Encrypt", copy.replica_key.arn, copy.replica_key.arn, _policy_of(copy.replica_key), context)


def _policy_of(key: KeyFacts) -> ResourcePolicy:
    """A key's, which its own account needs as well."""
    return ResourcePolicy(key.policy or "", key.account, is_required=True)


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
