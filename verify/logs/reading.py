"""Reads log files within bounds, a few at a time. Whether they are CloudTrail's is not asked here: see ``proof``.

Neither a gzip file that inflates without end nor a line of a gigabyte takes more than a fixed amount of memory: such a
file is not read, and told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from verify.logs.decode import Decode, Decoded, Decoder, finish, start
from verify.logs.places import LocalFiles, LogFile
from verify.storage.folder import BundleObjectStore, FolderObjectStore
from verify.storage.gzip_content import content_of
from verify.storage.objects import Absent, BucketCopyStore, Found, ObjectName, ObjectStore, ReadResult
from verify.storage.read_pool import open_read_pool

# Told how many files and events were read so far.
OnProgress = Callable[[int, int], None]
# CloudTrail's files have a few megabytes; collections of the field that were packed anew have 160.
MAX_FILE_BYTES = 256 * 2**20
MAX_PACKED_BYTES = 64 * 2**20
_GZIP = b"\x1f\x8b"
_PORTION_FILES = 32
_PORTION_BYTES = 2 * 2**20
_PORTIONS_AHEAD = 2
_THREADS = 2


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a file came to.

    :param decoded: its events.
    :param problem: why not all of it could be read; ``""`` if all was.
    :param sha256: of the bytes that were parsed; ``""`` if it was not asked for, or the file is not packed.
    :param etag: of what was read, which need not be what was listed; ``""`` where nothing tells.
    """

    file: LogFile
    size_bytes: int
    decoded: Decoded
    problem: str
    sha256: str = ""
    etag: str = ""


@dataclass(frozen=True, slots=True)
class _Content:
    size_bytes: int
    decoded: Decoded
    problem: str
    sha256: str = ""


class LogSink:
    """Takes in a log file as it is stored, gzip or not; when it is complete, it is inflated and parsed.

    Until then only what was stored is kept: many files are under way at once, and inflated they could be any size.
    """

    def __init__(self, decode: Decode, *, hashes: bool = False) -> None:
        self._decode = decode
        self._hashes = hashes
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self._is_too_large = False

    def feed(self, piece: bytes | memoryview) -> bool:
        """See :class:`verify.storage.objects.Sink`."""
        self._pieces.append(bytes(piece))
        self._size_bytes += len(piece)
        is_packed = self._pieces[0][:2] == _GZIP
        self._is_too_large = self._size_bytes > (MAX_PACKED_BYTES if is_packed else MAX_FILE_BYTES)
        if self._is_too_large:
            self._pieces.clear()
        return not self._is_too_large

    def finish(self) -> _Content:
        """See :class:`verify.storage.objects.Sink`."""
        if self._is_too_large:
            return _Content(0, Decoded(), f"it is larger than {MAX_FILE_BYTES // 2**20} MB")
        stored = b"".join(self._pieces)
        self._pieces.clear()
        if stored[:2] != _GZIP:
            return self._parsed(stored, "")
        content = content_of(stored, MAX_FILE_BYTES, keep_body=True, hashes=self._hashes)
        if content.body is None:
            return _Content(0, Decoded(), str(content.flaw))
        return self._parsed(content.body, content.sha256)

    def _parsed(self, body: bytes | bytearray, sha256: str) -> _Content:
        decoded = self._decode(body)
        return _Content(len(body), decoded, decoded.flaw, sha256)


def read_files(
    store: ObjectStore, files: Sequence[LogFile], decode: Decode, *, hashes: bool = False
) -> Iterator[ReadFile]:
    """Read files, in order.

    :param decode: makes events of their content.
    :param hashes: whether the hash of what is parsed is wanted.
    """

    def read(portion: list[LogFile]) -> list[ReadFile]:
        names = [file.name for file in portion]

        def sink(_: ObjectName) -> LogSink:
            return LogSink(partial(start, decode), hashes=hashes)

        found = [_outcome(*each) for each in zip(portion, store.read_each(names, sink), strict=True)]
        finish(decode, [each.decoded for each in found])
        return found

    if _is_here(store):
        # Nothing is waited for, and what one thread inflates, hashes and parses at once stays close to its processor.
        for portion in _portions(files, _PORTION_FILES if isinstance(decode, Decoder) else 1):
            yield from read(portion)
        return
    with open_read_pool(_THREADS, at_once=_PORTION_FILES) as pool:
        waiting: deque[Iterator[ReadFile]] = deque()
        for portion in _portions(files, _PORTION_FILES):
            waiting.append(_results(pool.start(read, portion)))
            if len(waiting) > _PORTIONS_AHEAD:
                yield from waiting.popleft()
        for results in waiting:
            yield from results


def _results(reads: object) -> Iterator[ReadFile]:
    for future, _ in reads:  # type: ignore[attr-defined]
        yield from future.result()


def _is_here(store: ObjectStore) -> bool:
    """Whether a store is a folder, or are files, of this machine."""
    if isinstance(store, BucketCopyStore):
        return _is_here(store.store)
    return isinstance(store, FolderObjectStore | BundleObjectStore | LocalFiles)


def _portions(files: Sequence[LogFile], most_files: int) -> Iterator[list[LogFile]]:
    portion: list[LogFile] = []
    size_bytes = 0
    for file in files:
        if portion and (len(portion) == most_files or size_bytes + file.size_bytes > _PORTION_BYTES):
            yield portion
            portion, size_bytes = [], 0
        portion.append(file)
        size_bytes += file.size_bytes
    if portion:
        yield portion


def _outcome(file: LogFile, result: ReadResult[_Content]) -> ReadFile:
    if isinstance(result, Found):
        content = result.value
        return ReadFile(file, content.size_bytes, content.decoded, content.problem, content.sha256, result.etag)
    why = "it was there when the folder was listed, and is gone" if isinstance(result, Absent) else str(result.error)
    return ReadFile(file, 0, Decoded(), why)
