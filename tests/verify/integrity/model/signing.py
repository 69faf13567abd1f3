"""Keys of the model's own: short ones, for a run signs hundreds of thousands of digests."""

from __future__ import annotations

import hashlib
from functools import cache

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ATTACKERS = "the attacker's"


@cache
def private_key(name: str) -> RSAPrivateKey:  # noqa: ARG001 - tells one key from another
    """The key of that name."""
    return generate_private_key(public_exponent=65537, key_size=1024)


@cache
def der_of(name: str) -> bytes:
    """Its public half, as ListPublicKeys gives it."""
    return private_key(name).public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)


def fingerprint(name: str) -> str:
    """By which a digest names the key."""
    return hashlib.md5(der_of(name)).hexdigest()


def sign(name: str, text: str) -> str:
    """The signature of a text, in hexadecimal digits."""
    return private_key(name).sign(text.encode(), PKCS1v15(), SHA256()).hex()
