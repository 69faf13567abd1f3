"""What policies are evaluated for: facts about one bucket, one key with its grants, and one role."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """A bucket: its owner (account), region and policy (JSON text, None without one)."""

    name: str
    account: str
    region: str
    policy: str | None
    is_requester_pays: bool = False
    uses_bucket_key: bool = False


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A KMS key: ARN, region, state as KMS spells it (`Enabled`), spec, and policy (JSON text)."""

    arn: str
    account: str
    region: str
    state: str
    spec: str
    policy: str | None


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """An IAM role: who may assume it, and what its policies, inline and managed, let it do (JSON texts)."""

    arn: str
    trust_policy: str
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a trail wants to write: bucket name, prefix ('' without), and the ARN of its key ('' without)."""

    trail_arn: str
    account: str
    home_region: str
    bucket: str
    prefix: str
    kms_key_arn: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant of a KMS key: to whom (ARNs), for which operations, and for which encryption contexts, as pairs in order
    (None for any).
    """

    grantee: str
    retiring: str
    operations: frozenset[str]
    context_equals: tuple[tuple[str, str], ...] | None = None
    context_subset: tuple[tuple[str, str], ...] | None = None
