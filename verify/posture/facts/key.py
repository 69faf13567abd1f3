"""Questions to KMS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from verify.arn import Arn
from verify.aws import Answer, Aws
from verify.fact import Fact, Missing, T, Value, ask, then
from verify.posture.facts.trail import BucketEncryption, Key, KeyGrant
from verify.target import TargetKey
from verify.trail import Trail


@dataclass(frozen=True, slots=True)
class KeyQuestions:
    """Keys that are named without a region are looked for in ``region``, the trail's home."""

    aws: Aws
    region: str

    def describe(self, reference: str) -> Fact[Key]:
        """The key behind an id, an ARN or an alias.

        https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
        """

        def key() -> Key:
            answer = self.aws.call("kms", "DescribeKey", in_region=self._region_of(reference), KeyId=reference)
            metadata = answer["KeyMetadata"]
            return Key(
                arn=str(Arn.parse(metadata["Arn"])),
                is_customer_managed=metadata["KeyManager"] == "CUSTOMER",
                state=metadata["KeyState"],
                spec=metadata["KeySpec"],
                usage=metadata["KeyUsage"],
                origin=metadata["Origin"],
                replicas=_replicas(metadata),
            )

        return ask(key, absent={"NotFoundException": f"there is no key {reference}"})

    def arn_of_target(self, named: TargetKey, described: Fact[Key]) -> Fact[str]:
        """The ARN of the target's key, also when the key itself could not be described."""
        arn = named.arn or _key_arn(named.reference)
        return Value(arn) if arn else then(described, lambda key: Value(key.arn))

    def arn_of_trail(self, trail: Trail) -> Fact[str]:
        """The ARN of the key that a trail uses."""
        if trail.key_reference is None:
            return Missing("the trail has no key: S3's own key encrypts the log files")
        return self._arn(trail.key_reference)

    def arn_of_bucket(self, encryption: BucketEncryption) -> Fact[str]:
        """The ARN of the key that a bucket encrypts with by default."""
        if encryption.key_reference is None:
            return Missing(f"the bucket encrypts with {encryption.algorithm} and names no key")
        return self._arn(encryption.key_reference)

    def policy(self, key_arn: str) -> Fact[str]:
        """The key policy, as text."""
        return ask(
            lambda: str(
                self.aws.call(
                    "kms",
                    "GetKeyPolicy",
                    in_region=self._region_of(key_arn),
                    KeyId=key_arn,
                    PolicyName="default",
                )["Policy"]
            ),
            absent={"NotFoundException": f"there is no key {key_arn}"},
        )

    def rotates(self, key_arn: str) -> Fact[bool]:
        """Whether KMS rotates the key material by itself."""
        return ask(
            lambda: bool(
                self.aws.call("kms", "GetKeyRotationStatus", in_region=self._region_of(key_arn), KeyId=key_arn)[
                    "KeyRotationEnabled"
                ]
            ),
            absent={"NotFoundException": f"there is no key {key_arn}"},
        )

    def grants(self, key_arn: str) -> Fact[tuple[KeyGrant, ...]]:
        """Who was granted the use of the key beside its policy.

        https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html
        """
        return ask(
            lambda: tuple(
                KeyGrant(
                    grant["GrantId"],
                    grant.get("GranteePrincipal") or grant["GranteeServicePrincipal"],
                    tuple(grant["Operations"]),
                )
                for page in self.aws.pages("kms", "ListGrants", in_region=self._region_of(key_arn), KeyId=key_arn)
                for grant in page["Grants"]
            ),
            absent={"NotFoundException": f"there is no key {key_arn}"},
        )

    def _arn(self, reference: str) -> Fact[str]:
        arn = _key_arn(reference)
        return Value(arn) if arn else then(self.describe(reference), lambda key: Value(key.arn))

    def _region_of(self, reference: str) -> str:
        return Arn.parse(reference).region if reference.startswith("arn:") else self.region


def of_each(arns: tuple[str, ...], question: Callable[[str], Fact[T]]) -> Fact[Mapping[str, T]]:
    """The answers about several keys; about a key that is no more there is none."""
    found = {}
    for arn in arns:
        answer = question(arn)
        if isinstance(answer, Value):
            found[arn] = answer.value
        elif not isinstance(answer, Missing):
            return answer
    return Value(found)


def _replicas(metadata: Answer) -> tuple[str, ...]:
    """https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html"""
    if not metadata.get("MultiRegion") and ":key/mrk-" not in metadata["Arn"]:
        return ()
    several = metadata["MultiRegionConfiguration"]
    arns = [each["Arn"] for each in (several["PrimaryKey"], *several["ReplicaKeys"])]
    return tuple(str(Arn.parse(arn)) for arn in arns if arn != metadata["Arn"])


def _key_arn(reference: str) -> str | None:
    """The reference itself when it is a key's ARN already; an alias has to be looked up."""
    try:
        return reference if Arn.parse(reference).resource.startswith("key/") else None
    except ValueError:
        return None
