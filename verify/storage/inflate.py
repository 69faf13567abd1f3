"""Inflates a gzip file in memory in one go, with libdeflate, which takes half the time of any other library.

The functions of the package ``deflate`` do not say how much of a file they have read, so they overlook whatever comes
after the first stream. The library in the package does say it, so it is called here directly. Where a platform's wheel
keeps the library's names to itself, nothing is inflated here.
https://github.com/ebiggers/libdeflate/blob/master/libdeflate.h
"""

from __future__ import annotations

import ctypes
import hashlib
from threading import local
from typing import Any, Final
from weakref import finalize

from deflate import _deflate

# RFC 1952: magic, method, flags, time, two more; and at the end the CRC-32 and the size of the content.
_PLAIN_START: Final = b"\x1f\x8b\x08\x00"
_HEADER_BYTES, _TRAILER_BYTES, _SIZE_BYTES = 10, 8, 4
_MOST_TIMES = 1_032  # deflate makes nothing smaller than that
_SUCCESS = 0
_ROOM_BYTES = 2**22


def _library() -> Any:
    try:
        library = ctypes.CDLL(str(_deflate.__file__))
        make, free = library.libdeflate_alloc_decompressor, library.libdeflate_free_decompressor
        inflate = library.libdeflate_gzip_decompress_ex
    except (OSError, AttributeError):
        return None
    make.restype, make.argtypes = ctypes.c_void_p, ()
    free.restype, free.argtypes = None, (ctypes.c_void_p,)
    size, size_out = ctypes.c_size_t, ctypes.POINTER(ctypes.c_size_t)
    inflate.restype = ctypes.c_int
    inflate.argtypes = (ctypes.c_void_p, ctypes.c_char_p, size, ctypes.c_void_p, size, size_out, size_out)
    return library


_LIBRARY: Final = _library()


class _Inflater:
    """A decompressor of the library, for one thread, and what it is called with.

    :raises MemoryError: there is no room for one.
    """

    def __init__(self) -> None:
        self._decompressor = _LIBRARY.libdeflate_alloc_decompressor()
        if not self._decompressor:
            raise MemoryError
        finalize(self, _LIBRARY.libdeflate_free_decompressor, self._decompressor)
        self._read_bytes, self._written_bytes = ctypes.c_size_t(), ctypes.c_size_t()
        self._sizes = ctypes.byref(self._read_bytes), ctypes.byref(self._written_bytes)

    def fills(self, address: int, size_bytes: int, stored: bytes) -> bool:
        """Inflate to an address; whether all of the file makes just so many bytes."""
        outcome = _LIBRARY.libdeflate_gzip_decompress_ex(
            self._decompressor, stored, len(stored), address, size_bytes, *self._sizes
        )
        is_all_read = outcome == _SUCCESS and self._read_bytes.value == len(stored)
        return bool(is_all_read and self._written_bytes.value == size_bytes)


class _ThreadInflater(local):
    """A thread's own decompressor: to make one takes longer than to call it."""

    def __init__(self) -> None:
        self.inflater = _Inflater()


class _Room(local):
    """Memory that a thread uses again: the system clears new memory page by page, which takes as long as inflating."""

    def __init__(self) -> None:
        self._body = bytearray(_ROOM_BYTES)
        self._start = ctypes.c_char.from_buffer(self._body)
        self.address = ctypes.addressof(self._start)
        self.view = memoryview(self._body)


_OWN: Final = _ThreadInflater()
_ROOM: Final = _Room()


def inflated(stored: bytes, limit_bytes: int) -> bytearray | None:
    """The content of a file that is exactly one gzip stream with a plain header.

    :param limit_bytes: the most that the file may be, and may inflate to.
    :returns: ``None`` for every other file, whatever is wrong with it or special about it.
    """
    body = bytearray(_size_bytes(stored, limit_bytes))
    if not body:
        return None
    start = ctypes.c_char.from_buffer(body)
    return body if _OWN.inflater.fills(ctypes.addressof(start), len(body), stored) else None


def hashed(stored: bytes, limit_bytes: int) -> tuple[str, int] | None:
    """The SHA-256 (in lower-case hex) and the size of what :func:`inflated` gives, for a file of at most 4 MiB.

    :returns: ``None`` for every other file.
    """
    size_bytes = _size_bytes(stored, min(limit_bytes, _ROOM_BYTES))
    if not size_bytes or not _OWN.inflater.fills(_ROOM.address, size_bytes, stored):
        return None
    return hashlib.sha256(_ROOM.view[:size_bytes]).hexdigest(), size_bytes


def _size_bytes(stored: bytes, limit_bytes: int) -> int:
    """What a file that begins plainly says that it inflates to; 0 for every other file, or one that says too much."""
    is_plain = stored.startswith(_PLAIN_START) and len(stored) > _HEADER_BYTES + _TRAILER_BYTES
    size_bytes = int.from_bytes(stored[-_SIZE_BYTES:], "little")
    most_bytes = min(limit_bytes, len(stored) * _MOST_TIMES)
    return size_bytes if _LIBRARY and is_plain and len(stored) <= limit_bytes and size_bytes <= most_bytes else 0
