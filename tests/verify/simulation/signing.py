"""Keys of our own, and signatures as CloudTrail makes them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from verify.integrity.digests.public_keys import PublicKey

FOREVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


@cache
def private_key(number: int) -> RSAPrivateKey:  # noqa: ARG001 - tells one key from another
    return generate_private_key(public_exponent=65537, key_size=2048)


def public_key(number: int, valid_from: datetime = FOREVER[0], valid_to: datetime = FOREVER[1]) -> PublicKey:
    der = private_key(number).public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return PublicKey(hashlib.md5(der).hexdigest(), der, valid_from, valid_to)


@cache
def sign(number: int, text: str) -> str:
    # Of the same text it is always the same one: https://www.rfc-editor.org/rfc/rfc8017#section-8.2
    return private_key(number).sign(text.encode(), PKCS1v15(), SHA256()).hex()
