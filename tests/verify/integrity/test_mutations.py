"""Everything that can be done to one file of a small chain, exhaustively: detected, or proven to change nothing."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations

import pytest

from tests.verify.simulation.in_memory import validate
from tests.verify.simulation.trail import HOUR, Chain, SimulatedAws
from verify.integrity.digests.digest import LogReference
from verify.integrity.digests.digest_file import SignatureStatus, check_digest_file
from verify.integrity.digests.public_keys import KeyRing
from verify.integrity.origin import TRAIL_BUCKET
from verify.integrity.reconcile import judge_log
from verify.integrity.result import Result
from verify.integrity.timeline.verdict import Verdict
from verify.storage.gzip_content import MAX_DIGEST_BYTES, Content, content_of
from verify.storage.layout import DigestName
from verify.storage.objects import Found, ObjectName

pytestmark = pytest.mark.regular


def small_chain() -> Chain:
    chain = Chain(SimulatedAws())
    chain.run(3, logs=1)
    chain.backfill(chain.hours[1])
    return chain


def result_of(chain: Chain) -> Result:
    return validate(chain, history_from=chain.hours[0].start - 2 * HOUR)


def files_of(chain: Chain) -> list[ObjectName]:
    return sorted(chain.aws.objects)


CHAIN = small_chain()
RING = KeyRing.of(CHAIN.aws.keys["us-east-1"])
HASHES = {name: content_of(stored.body).sha256 for name, stored in CHAIN.aws.objects.items()}


def still_proves(name: ObjectName, body: bytes) -> bool:
    """Whether a file with these bytes is taken for genuine, by itself."""
    stored = CHAIN.aws.objects[name]
    content = content_of(body, MAX_DIGEST_BYTES, keep_body=True)
    found: Found[Content] = Found(content, stored.metadata, stored.last_modified)
    named = DigestName.parse(name)
    if named is None:
        return judge_log(LogReference(name, HASHES[name]), found, TRAIL_BUCKET)[0] is Verdict.PROVEN
    return check_digest_file(named, found, RING).signature_status is SignatureStatus.VALID


def flips(body: bytes) -> Iterator[bytes]:
    """Every byte, every bit of it and all of them at once."""
    for index, byte in enumerate(body):
        for mask in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            yield body[:index] + bytes([byte ^ mask]) + body[index + 1 :]


@pytest.mark.parametrize("name", files_of(CHAIN), ids=lambda name: name.key.rpartition("/")[2])
def test_every_flipped_byte_is_detected_or_changes_nothing(name: ObjectName) -> None:
    body = CHAIN.aws.objects[name].body
    original = gzip.decompress(body)

    accepted = [flipped for flipped in flips(body) if still_proves(name, flipped)]

    # What is left says nothing of the content: time and system in the gzip header, padding bits.
    assert all(gzip.decompress(flipped) == original for flipped in accepted)
    assert len(accepted) < 100


@pytest.mark.parametrize("name", files_of(CHAIN), ids=lambda name: name.key.rpartition("/")[2])
def test_every_truncation_is_detected(name: ObjectName) -> None:
    body = CHAIN.aws.objects[name].body

    assert not [length for length in range(len(body)) if still_proves(name, body[:length])]


@pytest.mark.parametrize("name", files_of(CHAIN), ids=lambda name: name.key.rpartition("/")[2])
def test_every_appended_byte_is_detected(name: ObjectName) -> None:
    body = CHAIN.aws.objects[name].body

    assert not [byte for byte in range(256) if still_proves(name, body + bytes([byte]))]


def test_every_compression_of_the_same_content_is_valid() -> None:
    for name in files_of(CHAIN):
        plain = gzip.decompress(CHAIN.aws.objects[name].body)
        for level in range(10):
            for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED):
                packer = zlib.compressobj(level, zlib.DEFLATED, 31, 8, strategy)
                assert still_proves(name, packer.compress(plain) + packer.flush())


def test_the_untouched_chain_is_proven() -> None:
    assert result_of(small_chain()).exit_code == 0


@pytest.mark.parametrize("number", range(len(files_of(CHAIN))))
def test_every_file_that_is_deleted_is_missed(number: int) -> None:
    chain = small_chain()
    chain.aws.delete(files_of(chain)[number])

    assert result_of(chain).exit_code == 1


def test_every_two_files_that_are_swapped_are_noticed() -> None:
    for one, other in permutations(range(len(files_of(CHAIN))), 2):
        chain = small_chain()
        names = files_of(chain)
        first, second = chain.aws.objects[names[one]], chain.aws.objects[names[other]]
        chain.aws.objects[names[one]], chain.aws.objects[names[other]] = second, first

        assert result_of(chain).exit_code == 1, (names[one], names[other])


def test_every_file_that_is_put_over_another_is_noticed() -> None:
    for one, other in permutations(range(len(files_of(CHAIN))), 2):
        chain = small_chain()
        names = files_of(chain)
        chain.aws.objects[names[one]] = chain.aws.objects[names[other]]

        assert result_of(chain).exit_code == 1, (names[one], names[other])


@pytest.mark.parametrize("number", range(len(files_of(CHAIN))))
def test_every_file_that_is_doubled_under_another_name_is_noticed(number: int) -> None:
    chain = small_chain()
    name = files_of(chain)[number]
    named = DigestName.parse(name)
    later = f"{named.end + timedelta(minutes=1):%Y%m%dT%H%M%SZ}" if named else "0123456789abcdef"
    old = f"{named.end:%Y%m%dT%H%M%SZ}" if named else name.key[-24:-8]
    chain.aws.objects[ObjectName(name.bucket, name.key.replace(old, later))] = chain.aws.objects[name]

    assert result_of(chain).exit_code == 1


@pytest.mark.parametrize("number", range(len(files_of(CHAIN))))
def test_one_flipped_byte_reaches_the_verdict(number: int) -> None:
    chain = small_chain()
    name = files_of(chain)[number]
    body = bytearray(chain.aws.objects[name].body)
    body[len(body) // 2] ^= 1
    chain.aws.edit(name, body=bytes(body))

    assert result_of(chain).exit_code == 1
