"""The key pairs that sign digests: one at a time in each region, replaced when its time is over.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PublicKey.html
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

# CloudTrail's keys last longer; a lab that lives for days should see a rotation or two.
VALIDITY_SECONDS = 24 * 3600
_KEY_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair of one region with its validity in epoch seconds (`ends_seconds` is exclusive).

    `public_key` is the DER-encoded PKCS#1 public key that ListPublicKeys shows, `private_key` is DER-encoded PKCS#8.
    """

    region: str
    starts_seconds: int
    ends_seconds: int
    public_key: bytes
    private_key: bytes

    @property
    def fingerprint(self) -> str:
        """The hex MD5 of the public key, which names it in digests."""
        return hashlib.md5(self.public_key, usedforsecurity=False).hexdigest()

    def sign(self, text: bytes) -> str:
        """The SHA256withRSA (PKCS#1 v1.5) signature of a text, in hex."""
        return _loaded(self.private_key).sign(text, padding.PKCS1v15(), hashes.SHA256()).hex()


@lru_cache(maxsize=64)  # loading checks the key, which takes thirty times as long as signing
def _loaded(private_key: bytes) -> rsa.RSAPrivateKey:
    private = serialization.load_der_private_key(private_key, password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("a digest is signed with an RSA key")
    return private


def new_signing_key(region: str, starts_seconds: int) -> SigningKey:
    """A new key pair that is valid from a moment on."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    return SigningKey(
        region=region,
        starts_seconds=starts_seconds,
        ends_seconds=starts_seconds + VALIDITY_SECONDS,
        public_key=private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1),
        private_key=private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
