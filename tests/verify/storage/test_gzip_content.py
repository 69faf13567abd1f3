"""One clean gzip stream, and bounded."""

from __future__ import annotations

import gzip
import hashlib
import struct
import tracemalloc
import zlib
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.storage.gzip_content import Content, Flaw, GzipSink, content_of
from verify.storage.inflate import inflated

PLAIN = b'{"Records":[]}' * 100
PACKED = gzip.compress(PLAIN, mtime=0)


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"", Flaw.TRUNCATED),
        (b"{}" * 20, Flaw.NOT_GZIP),
        (PACKED[:-1], Flaw.TRUNCATED),
        (PACKED[:20], Flaw.TRUNCATED),
        (PACKED + b"\0", Flaw.TRAILING),
        (PACKED + PACKED, Flaw.TRAILING),
        (PACKED[:30] + b"\xff" + PACKED[31:], Flaw.NOT_GZIP),
        (PACKED[:-5] + b"\xff" + PACKED[-4:], Flaw.NOT_GZIP),
    ],
    ids=["empty", "JSON", "a byte short", "cut", "a byte more", "two members", "damaged data", "wrong checksum"],
)
def test_what_is_not_one_clean_stream_has_a_flaw_and_no_body(data: bytes, flaw: Flaw) -> None:
    found = content_of(data, keep_body=True)

    assert (found.flaw, found.body) == (flaw, None)


def test_the_hash_is_that_of_the_uncompressed_content() -> None:
    assert content_of(PACKED, keep_body=True) == Content(hashlib.sha256(PLAIN).hexdigest(), len(PLAIN), PLAIN, None)


def member(flags: int, fields: bytes = b"", plain: bytes = PLAIN) -> bytes:
    """A gzip member with these flags and fields in its header (RFC 1952, 2.3)."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(plain) + packer.flush()
    head = b"\x1f\x8b\x08" + bytes([flags]) + bytes(5) + b"\xff"
    return head + fields + packed + struct.pack("<II", zlib.crc32(plain), len(plain))


CHECKSUM = struct.pack("<H", zlib.crc32(b"\x1f\x8b\x08\x02" + bytes(5) + b"\xff") & 0xFFFF)
OPTIONAL = [
    (0, b""),
    (1, b""),
    (2, CHECKSUM),
    (4, struct.pack("<H", 5) + b"extra"),
    (4, struct.pack("<H", 0xFFFF) + bytes(0xFFFF)),
    (8, b"name\0"),
    (16, b"comment\0"),
    (4 + 8 + 16, struct.pack("<H", 1) + b"e" + b"name\0comment\0"),
]


def by_piece(data: bytes, limit_bytes: int) -> Content:
    sink = GzipSink(limit_bytes, keep_body=True)
    sink.feed(data)
    return sink.finish()


def test_a_whole_stream_is_inflated_in_one_go() -> None:
    assert inflated(PACKED, len(PLAIN)) == bytearray(PLAIN)


CHANGES = st.one_of(
    st.tuples(st.just("cut"), st.integers(0, len(PACKED)), st.just(b"")),
    st.tuples(st.just("add"), st.integers(0, len(PACKED)), st.binary(min_size=1, max_size=12)),
    st.tuples(st.just("over"), st.integers(0, len(PACKED) - 1), st.binary(min_size=1, max_size=4)),
    st.tuples(st.just("end"), st.just(0), st.sampled_from([b"\0", PACKED, PACKED[-8:], b"x" + PACKED[-8:]])),
)


@given(st.lists(CHANGES, max_size=2), st.sampled_from([0, len(PLAIN) - 1, len(PLAIN), 10**6]))
def test_a_file_in_one_go_is_what_it_is_piece_by_piece(changes: list[tuple[str, int, bytes]], limit: int) -> None:
    data = PACKED
    for kind, at, new in changes:
        after = at + (len(new) if kind == "over" else 0)
        data = data + new if kind == "end" else data[:at] if kind == "cut" else data[:at] + new + data[after:]

    found = by_piece(data, limit)
    only_hashed = GzipSink(limit)
    only_hashed.feed(data)

    assert content_of(data, limit, keep_body=True) == found
    assert only_hashed.finish() == found._replace(body=None)


def test_a_size_that_is_a_lie_takes_no_memory() -> None:
    lying = PACKED[:-4] + (2**31).to_bytes(4, "little")
    tracemalloc.start()

    assert content_of(lying, 2**32, keep_body=True).flaw is Flaw.NOT_GZIP
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("step", [1, 7, 10**6])
@pytest.mark.parametrize(("flags", "fields"), OPTIONAL)
def test_every_header_of_rfc_1952_is_read_in_whatever_pieces_it_comes(flags: int, fields: bytes, step: int) -> None:
    packed = member(flags, fields)
    sink = GzipSink(10**6, keep_body=True)

    assert all(sink.feed(packed[at : at + step]) for at in range(0, len(packed), step))
    assert sink.finish().body == PLAIN == gzip.decompress(packed)


def test_reserved_flags_are_refused_as_every_other_reader_does() -> None:
    for flags in (32, 64, 128, 32 + 8, 255):
        packed = member(flags)

        assert content_of(packed, keep_body=True).flaw is Flaw.NOT_GZIP
        with pytest.raises(zlib.error):
            zlib.decompress(packed, 31)


def test_a_wrong_checksum_of_the_header_is_refused() -> None:
    assert content_of(member(2, b"xx")).flaw is Flaw.NOT_GZIP


@pytest.mark.parametrize(
    ("start", "filler"),
    [(member(8)[:10], b"a"), (member(16)[:10], b"a"), (member(0)[:10], b"\0\0\0\xff\xff")],
    ids=["a name without end", "a comment without end", "blocks without content"],
)
def test_what_inflates_to_nothing_does_not_go_on_for_ever(start: bytes, filler: bytes) -> None:
    sink = GzipSink(1000)
    sink.feed(start)
    pieces = 0
    while pieces < 1000 and sink.feed(filler * 20_000):
        pieces += 1

    assert (sink.finish().flaw, pieces < 100) == (Flaw.TOO_LARGE, True)


@given(st.binary(max_size=3000), st.lists(st.integers(1, 400), min_size=1, max_size=20), st.sampled_from([64, 10**6]))
def test_it_does_not_matter_in_which_pieces_a_file_comes(plain: bytes, sizes: list[int], small_bytes: int) -> None:
    packed = gzip.compress(plain)
    sinks = [GzipSink(10**6, keep_body=True), GzipSink(10**6)]
    at = 0
    with patch("verify.storage.gzip_content._SMALL_BYTES", small_bytes):
        while at < len(packed):
            size = sizes[at % len(sizes)]
            for sink in sinks:
                sink.feed(packed[at : at + size])
            at += size

    whole = content_of(packed, keep_body=True)
    assert [sink.finish() for sink in sinks] == [whole, whole._replace(body=None)]


@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise(data: bytes) -> None:
    assert content_of(data).flaw is not None or gzip.decompress(data) is not None


@given(st.binary(max_size=60), st.integers(0, 2**16))
def test_damaged_gzip_never_passes_for_the_original(noise: bytes, where: int) -> None:
    at = where % len(PACKED)
    damaged = PACKED[:at] + noise + PACKED[at:]
    found = content_of(damaged)

    assert found.flaw is not None or found.sha256 == hashlib.sha256(gzip.decompress(damaged)).hexdigest()


@pytest.mark.parametrize("size", [2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20])
def test_content_that_fills_whole_steps_is_read_to_its_end(size: int) -> None:
    assert content_of(gzip.compress(bytes(size))) == Content(hashlib.sha256(bytes(size)).hexdigest(), size, None, None)


@pytest.mark.regular
def test_a_gzip_bomb_is_stopped_at_the_limit_and_in_bounded_memory() -> None:
    bomb = gzip.compress(bytes(200 * 2**20), compresslevel=1)
    tracemalloc.start()

    found = content_of(bomb, limit_bytes=50 * 2**20, keep_body=False)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.flaw is Flaw.TOO_LARGE
    assert found.size_bytes <= 51 * 2**20
    assert peak < 8 * 2**20
