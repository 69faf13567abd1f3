"""Nothing inflates without bound in the lab's own process, whatever of MiniStack reads it: request bodies are checked
at the gateway, and what lies in S3 (an import of DynamoDB, the code of a function) where it is read.
"""

import gzip
import zipfile
from typing import IO, Any

from lab.server.bodies import TooLarge, check_inflated

# AWS's own bound for a function's code, unpacked: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_INFLATED_BYTES = 250 * 1024 * 1024


def bound_inflating(limit_bytes: int = MAX_INFLATED_BYTES) -> None:
    """From here on, `gzip.decompress` and the reading of a zip archive's member refuse what would be larger, with the
    errors of a broken file.
    """
    decompress = gzip.decompress
    open_member = zipfile.ZipFile.open

    def bounded(data: Any) -> bytes:
        try:
            check_inflated([data], limit_bytes)
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
