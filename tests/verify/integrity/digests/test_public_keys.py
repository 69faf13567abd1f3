"""Public keys, and what is signed with them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import structs

from tests.verify.simulation.signing import FOREVER, private_key, public_key, sign
from verify.integrity.digests.digest import Digest, Link
from verify.integrity.digests.public_keys import KeyRing, PublicKey, string_to_sign
from verify.storage.objects import ObjectName

END = datetime(2015, 8, 17, 15, 1, 31, tzinfo=UTC)
NAME = ObjectName("amzn-s3-demo-bucket", "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/digest.json.gz")
DIGEST = Digest("111122223333", NAME, END, END, "2015-08-17T15:01:31Z", public_key(0).fingerprint, None, ())
SHA256 = "d61a6d2b" * 8


def test_the_string_to_sign_has_four_lines_and_a_starting_digest_says_null() -> None:
    assert string_to_sign(DIGEST, SHA256) == f"2015-08-17T15:01:31Z\n{NAME.bucket}/{NAME.key}\n{SHA256}\nnull".encode()


def test_the_string_to_sign_ends_with_the_signature_of_the_digest_before() -> None:
    linked = structs.replace(DIGEST, previous=Link(NAME, SHA256, "ABcd"))

    assert string_to_sign(linked, SHA256).endswith(b"\nABcd")


def test_a_signature_holds_for_one_text_and_one_key() -> None:
    ring = KeyRing.of([public_key(0), public_key(1)])
    signature = sign(0, string_to_sign(DIGEST, SHA256).decode())

    assert ring.has_signed(DIGEST, SHA256, signature)
    assert ring.has_signed(DIGEST, SHA256, signature.upper())
    assert not ring.has_signed(DIGEST, "0" * 64, signature)
    assert not ring.has_signed(structs.replace(DIGEST, fingerprint=public_key(1).fingerprint), SHA256, signature)
    assert not ring.has_signed(structs.replace(DIGEST, fingerprint=public_key(2).fingerprint), SHA256, signature)


@pytest.mark.parametrize("signature", ["", "zz", "abc", "00" * 256, "00" * 5000, "é"])
def test_a_signature_that_is_none_does_not_hold(signature: str) -> None:
    assert not KeyRing.of([public_key(0)]).has_signed(DIGEST, SHA256, signature)


def test_a_key_may_come_in_either_of_the_two_forms_that_aws_has_used() -> None:
    der = private_key(0).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = PublicKey(hashlib.md5(der).hexdigest(), der, *FOREVER)
    digest = structs.replace(DIGEST, fingerprint=key.fingerprint)

    assert KeyRing.of([key]).has_signed(digest, SHA256, sign(0, string_to_sign(digest, SHA256).decode()))


def not_rsa() -> bytes:
    return generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("der", [b"", b"nonsense", not_rsa()], ids=["nothing", "nonsense", "not RSA"])
def test_a_key_that_is_none_is_rejected(der: bytes) -> None:
    fingerprint = hashlib.md5(der).hexdigest()

    assert KeyRing.of([PublicKey(fingerprint, der, *FOREVER)]) == KeyRing(rejected=frozenset({fingerprint}))


def test_a_key_under_another_keys_fingerprint_is_rejected() -> None:
    ring = KeyRing.of([replace(public_key(1), fingerprint=public_key(0).fingerprint)])

    assert (ring.keys, ring.rejected) == ((), frozenset({public_key(0).fingerprint}))
