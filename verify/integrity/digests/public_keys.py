"""CloudTrail's public keys and signatures.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from verify.integrity.digests.digest import Digest

_STARTING = "null"  # what stands for the previous signature in a starting digest


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key as ListPublicKeys gives it.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PublicKey.html

    :param der: PKCS #1, in DER.
    """

    fingerprint: str
    der: bytes
    valid_from: datetime
    valid_to: datetime

    def is_valid_between(self, first: datetime, last: datetime) -> bool:
        """Whether CloudTrail signed with this key at some moment of that time."""
        return self.valid_from <= last and first <= self.valid_to


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The usable keys of one region.

    :param rejected: fingerprints of keys that are not what their fingerprint says.
    :param unknown_because: why there are none, as a clause, when they could not be asked for.
    :param is_complete: whether these are all keys that CloudTrail has for the region and time.
    """

    keys: tuple[PublicKey, ...] = ()
    rejected: frozenset[str] = frozenset()
    unknown_because: str = ""
    is_complete: bool = False
    _loaded: dict[str, RSAPublicKey] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, keys: Iterable[PublicKey], *, is_complete: bool = False) -> KeyRing:
        """Accept the keys whose fingerprint is the MD5 of their bytes and that are RSA keys."""
        good, loaded, rejected = [], {}, set()
        for key in keys:
            parsed = _parsed(key)
            if parsed is None:
                rejected.add(key.fingerprint.lower())
            elif key.fingerprint.lower() not in loaded:
                loaded[key.fingerprint.lower()] = parsed
                good.append(key)
        return cls(tuple(good), frozenset(rejected), is_complete=is_complete, _loaded=loaded)

    def named(self, fingerprint: str) -> PublicKey | None:
        """The key of that fingerprint (in lower case)."""
        return next((key for key in self.keys if key.fingerprint.lower() == fingerprint), None)

    def has_signed(self, digest: Digest, sha256: str, signature: str) -> bool:
        """Whether ``signature`` (hex) is the digest's, by the key that it names.

        :param sha256: of the digest's uncompressed content, in lower-case hex.
        """
        key = self._loaded.get(digest.fingerprint)
        if key is None:
            return False
        try:
            key.verify(bytes.fromhex(signature), string_to_sign(digest, sha256), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


def _parsed(key: PublicKey) -> RSAPublicKey | None:
    # MD5 identifies the key here; nothing relies on its strength.
    if hashlib.md5(key.der, usedforsecurity=False).hexdigest() != key.fingerprint.lower():
        return None
    try:
        parsed = load_der_public_key(key.der)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return parsed if isinstance(parsed, RSAPublicKey) else None


def string_to_sign(digest: Digest, sha256: str) -> bytes:
    """What CloudTrail signs: end time, path, hash of the content, signature of the digest before."""
    previous = digest.previous.signature if digest.previous else _STARTING
    path = f"{digest.name.bucket}/{digest.name.key}"
    return "\n".join((digest.end_text, path, sha256, previous)).encode()
