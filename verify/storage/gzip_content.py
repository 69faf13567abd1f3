"""The content of a gzip file that is exactly one stream. Bounded: no file can exhaust the memory."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any, NamedTuple, cast

from isal import isal_zlib

from verify.storage.inflate import hashed, inflated

MAX_DIGEST_BYTES = 16 * 2**20
MAX_LOG_BYTES = 2**30
_STEP_BYTES = 2**20
# Its type stub calls the class an instance.
_InflateError = cast("type[Exception]", isal_zlib.error)
_GZIP_WINDOW = 31  # zlib's code for: a gzip header and trailer, largest window


# RFC 1952, 2.3.1.2: whoever meets one of these must give an error, and every reader but isal does.
_FLAGS_AT = 3
_RESERVED_FLAGS = 0b1110_0000
# What is smaller is inflated as a whole, which takes less time. Of what is larger, the first piece is that large, since
# isal reads some headers with optional fields (FHCRC, FEXTRA, FNAME, FCOMMENT) rightly only in one piece.
_SMALL_BYTES = 2**17
# A header's name and blocks without content can go on for ever: what inflates to nothing is bounded, too.
_MAX_OVERHEAD_BYTES = 2**20


class Flaw(StrEnum):
    """Why a file is not exactly one gzip stream."""

    NOT_GZIP = "it is not a gzip file, or its compressed data is damaged"
    TRUNCATED = "the gzip stream ends early"
    TRAILING = "there is data after the end of the gzip stream"
    TOO_LARGE = "it is, or inflates to, more than CloudTrail ever writes"


class Content(NamedTuple):
    """A file's uncompressed content.

    :param sha256: in lower-case hex; meaningless when there is a flaw, and ``""`` if it was not asked for.
    :param body: the content itself, when it was asked for and there is no flaw.
    """

    sha256: str
    size_bytes: int
    body: bytes | bytearray | None
    flaw: Flaw | None


class GzipSink:
    """Inflates and hashes a gzip file piece by piece.

    zlib reads only the first member of a file and gzip tools read them all, so a file with anything after its
    first member means one thing to a validator and another to a reader. Only a single whole stream is accepted.

    :param limit_bytes: the most that the file may inflate to.
    :param keep_body: whether the content itself is wanted.
    :param hashes: whether the hash is. It takes as long as the inflating.
    """

    def __init__(self, limit_bytes: int, *, keep_body: bool = False, hashes: bool = True) -> None:
        self._limit_bytes = limit_bytes
        self._inflater: Any = None  # takes 80 kB, so it is made when there is something to inflate
        self._hashes = hashes
        self._hash: Any = None  # takes microseconds, which few files need
        self._size_bytes = 0
        self._pieces: list[bytes] | None = [] if keep_body else None
        self._flaw: Flaw | None = None
        self._packed_bytes = 0
        self._start: bytes | None = b""  # what came while it was small

    @property
    def limit_bytes(self) -> int:
        """The most that the file may inflate to."""
        return self._limit_bytes

    @property
    def keeps_body(self) -> bool:
        """Whether the content itself is wanted."""
        return self._pieces is not None

    @property
    def only_hashes(self) -> bool:
        """Whether nothing but the hash is wanted."""
        return self._pieces is None and self._hashes

    def feed(self, piece: bytes | memoryview) -> bool:
        """Take the next piece; ``False`` once a flaw is found."""
        self._packed_bytes += len(piece)
        if self._start is not None:
            self._start += piece
            if len(self._start) >= _SMALL_BYTES:
                self._begin(self._start)
        else:
            self._inflate(piece)
        if self._flaw is None and self._packed_bytes > self._limit_bytes + _MAX_OVERHEAD_BYTES:
            self._flaw = Flaw.TOO_LARGE
        return self._flaw is None

    def _begin(self, start: bytes) -> None:
        self._start = None
        self._inflater = isal_zlib.decompressobj(_GZIP_WINDOW)
        self._hash = hashlib.sha256() if self._hashes else None
        if len(start) > _FLAGS_AT and start[_FLAGS_AT] & _RESERVED_FLAGS:
            self._flaw = Flaw.NOT_GZIP
        self._inflate(start)

    def _inflate(self, piece: bytes | memoryview) -> None:
        if self._flaw is None:
            try:
                self._inflate_all(piece)
            except _InflateError:
                self._flaw = Flaw.NOT_GZIP

    def _inflate_all(self, piece: bytes | memoryview) -> None:
        plain = b""
        # A full step may have left more behind than the input that is still to come.
        while piece or len(plain) == _STEP_BYTES:
            if self._inflater.eof:
                self._flaw = Flaw.TRAILING if piece else None
                return
            plain = self._inflater.decompress(piece, _STEP_BYTES)
            self._size_bytes += len(plain)
            if self._size_bytes > self._limit_bytes:
                self._flaw = Flaw.TOO_LARGE
                return
            if self._hash is not None:
                self._hash.update(plain)
            if self._pieces is not None:
                self._pieces.append(plain)
            piece = self._inflater.unused_data or self._inflater.unconsumed_tail

    def finish(self) -> Content:
        """What was found."""
        if self._start is not None:
            if self.only_hashes and (found := hashed(self._start, self._limit_bytes)) is not None:
                return Content(*found, None, None)
            if self.keeps_body and (whole := inflated(self._start, self._limit_bytes)) is not None:
                return _content(whole, keep_body=True, hashes=self._hashes)
            self._begin(self._start)
        flaw = self._flaw or (None if self._inflater.eof else Flaw.TRUNCATED)
        body = b"".join(self._pieces) if self._pieces is not None and flaw is None else None
        return Content(self._hash.hexdigest() if self._hash else "", self._size_bytes, body, flaw)


def content_of(
    data: bytes, limit_bytes: int = MAX_LOG_BYTES, *, keep_body: bool = False, hashes: bool = True
) -> Content:
    """What a gzip file in memory holds."""
    body = inflated(data, limit_bytes)
    if body is not None:
        return _content(body, keep_body=keep_body, hashes=hashes)
    sink = GzipSink(limit_bytes, keep_body=keep_body, hashes=hashes)
    sink.feed(data)
    return sink.finish()


def _content(body: bytearray, *, keep_body: bool, hashes: bool) -> Content:
    return Content(hashlib.sha256(body).hexdigest() if hashes else "", len(body), body if keep_body else None, None)
