"""Nothing is decompressed without bound in the server process, whatever of MiniStack reads it: bodies of requests are
checked before they are authenticated, and what lies in S3 (an import of DynamoDB, the code of a function) where it is
read.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterable
from typing import IO, Any

# AWS's own bound for a function's code, unpacked: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_DECOMPRESSED_BYTES = 250 * 1024 * 1024
_STEP_BYTES = 1024 * 1024


class TooLarge(Exception):
    """A body has more bytes than `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes


def check_decompressed_size(parts: Iterable[bytes | bytearray], limit_bytes: int) -> None:
    """Makes sure that a body that says it is compressed is small enough to be inflated; keeps nothing of it.

    :raises TooLarge: it inflates to more than the limit.
    """
    size, inflater = 0, zlib.decompressobj(wbits=31)
    try:
        for part in parts:
            waiting: bytes | bytearray = part
            while waiting:
                size += len(inflater.decompress(waiting, _STEP_BYTES))
                if size > limit_bytes:
                    raise TooLarge(limit_bytes)
                if inflater.eof:  # several such streams may follow each other
                    waiting, inflater = inflater.unused_data, zlib.decompressobj(wbits=31)
                else:
                    waiting = inflater.unconsumed_tail
    except zlib.error:
        return  # not compressed at all: what decompresses it reports that


def bound_decompression(limit_bytes: int = MAX_DECOMPRESSED_BYTES) -> None:
    """From here on, `gzip.decompress` and the reading of a zip archive's member reject what would be larger, with the
    errors of a broken file.
    """
    decompress = gzip.decompress
    open_member = zipfile.ZipFile.open

    def bounded(data: Any) -> bytes:
        try:
            check_decompressed_size([data], limit_bytes)
        except TooLarge as error:
            raise gzip.BadGzipFile(f"it inflates to more than {limit_bytes:,} bytes") from error
        return decompress(data)

    def open_bounded(self: zipfile.ZipFile, name: Any, mode: Any = "r", *rest: Any, **named: Any) -> IO[bytes]:
        if mode == "r":  # no more than the size that it claims is ever read of a member
            member = name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name)
            if member.file_size > limit_bytes:
                raise zipfile.BadZipFile(f"{member.filename!r} inflates to more than {limit_bytes:,} bytes")
        return open_member(self, name, mode, *rest, **named)

    gzip.decompress = bounded
    zipfile.ZipFile.open = open_bounded  # type: ignore[method-assign]
