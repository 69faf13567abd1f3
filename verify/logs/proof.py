"""Reads only what the digest chain vouches for: each file is parsed from the very bytes that are judged by their hash.

``verify integrity`` validates as it always does; the store that it reads from hands every log file's content on. A
file's events count once the validation has said that this file, with this hash, is proven.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import cast

from msgspec import structs

from verify.errors import CannotLook
from verify.integrity.check import with_changes
from verify.integrity.reader import Pools
from verify.integrity.result import Result
from verify.integrity.sources import PreparedValidation
from verify.integrity.timeline.verdict import HARMLESS, MEANING
from verify.integrity.validate import Validation
from verify.logs.answer import grouped
from verify.logs.decode import Decode, Decoded, finish, start
from verify.logs.places import LogFile, kinds_without_digest, log_file
from verify.logs.reading import MAX_FILE_BYTES, MAX_PACKED_BYTES, ReadFile
from verify.storage.gzip_content import Content, Flaw, GzipSink, content_of
from verify.storage.layout import LogName
from verify.storage.objects import (
    BucketCopyStore,
    Found,
    Level,
    ListedObject,
    ObjectName,
    ObjectStore,
    ReadResult,
    Sink,
    T,
)
from verify.times import iso

_NAMED = 5
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # of a log file, nobody asks when it was written
# Takes in a file that was read; its events are to be kept until it is known whether it is proven.
OnRead = Callable[[ReadFile], int]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a file from an earlier time: it need not be read to be judged.

    :param sha256: of the bytes that its events were parsed from.
    """

    sha256: str
    size_bytes: int
    number: int


@dataclass(frozen=True, slots=True)
class Proven:
    """What a validation said of the files.

    :param files: the numbers of those that are proven.
    :param holes: why the answer may lack events, each as a sentence.
    """

    files: frozenset[int]
    holes: tuple[str, ...]
    notices: tuple[str, ...]


def read_proven(
    ready: PreparedValidation,
    decode: Decode,
    on_read: OnRead,
    known: Callable[[LogFile], Known | None] | None = None,
) -> Proven:
    """Validate, and read what is validated.

    :param on_read: told of each file as it is read, one after the other; answers the file's number.
    :param known: what is known of a file as it is now, if anything is. By its hash it is judged anew.
        Default: - nothing is.
    """
    signed: dict[ObjectName, str] = {}
    reads: dict[ObjectName, tuple[str, int] | None] = {}
    lock = Lock()

    def file_of(name: ObjectName) -> LogFile:
        # In a copy, whatever bucket a digest names.
        there = structs.replace(name, bucket=ready.store.bucket) if isinstance(ready.store, BucketCopyStore) else name
        return log_file(ListedObject(there, 0, ready.request.now, "")) or LogFile(there, 0)

    def content_known(name: ObjectName) -> Content | None:
        found = known(file_of(name)) if known else None
        if found is None:
            return None
        with lock:
            reads[name] = found.sha256, found.number
        return Content(found.sha256, found.size_bytes, None, None)

    def on_content(name: ObjectName, parsed: _Parsed, etag: str) -> None:
        content = parsed.content
        file = file_of(name)
        with lock:
            before = reads.get(name)
            if name in reads:
                # Read twice: the same once more, or something else. Which one was judged would not be known.
                reads[name] = before if before and before[0] == content.sha256 else None
                return
            number = on_read(ReadFile(file, content.size_bytes, parsed.decoded, parsed.problem, content.sha256, etag))
            reads[name] = (content.sha256, number)

    def on_proven(name: ObjectName, sha256: str) -> None:
        with lock:
            signed[name] = sha256

    request = structs.replace(ready.request, on_proven=on_proven)
    store = _Handing(ready.store, decode, on_content, content_known if known else None)
    with Pools.open() as pools:
        result = with_changes(Validation(request, store, ready.facts, pools, lambda *_done: None).run(), ready)
    proven = {read[1] for name, read in reads.items() if read is not None and signed.get(name) == read[0]}
    lost = len(signed) - len(proven)
    holes = list(_holes(result))
    if result.exit_code and not holes:
        holes.append(f"The validation ends with {result.exit_code}: {', '.join(sorted(map(str, result.verdicts)))}.")
    if lost:
        holes.append(f"{lost} proven files were read twice, and not the same both times; they are left out.")
    return Proven(frozenset(proven), tuple(holes), (*result.notices, *_never_signed(ready)))


def _never_signed(ready: PreparedValidation) -> Iterator[str]:
    """What CloudTrail signs for nowhere, so that none of it can be in the answer."""
    accounts = (one for one in ready.request.scope.account_regions if not one.is_others)
    for location in sorted({location for one in accounts for location in one.locations}):
        try:
            kinds = kinds_without_digest(ready.store, location)
        except CannotLook as error:
            yield f"Whether {location.root} has files for which there are no digests is not known: {error}"
            continue
        if kinds:
            yield f"{location.account}: {', '.join(kinds)} is left out. CloudTrail makes no digests of it."


def _holes(result: Result) -> Iterator[str]:
    """Why events of the period may be missing among what is proven."""
    yield from grouped(
        (
            row.account,
            row.region,
            f"{iso(row.start)} to {iso(row.end)} {row.verdict}{f': {row.reason}' if row.reason else ''}.",
        )
        for row in result.rows
        if row.verdict not in HARMLESS
    )
    problems = [problem for chain in result.chains for problem in chain.tally.problems]
    for verdict, number in Counter(problem.verdict for problem in problems).items():
        named = [f"{each.subject} ({each.reason})" for each in problems if each.verdict is verdict][:_NAMED]
        more = f" and {number - _NAMED} more" if number > _NAMED else ""
        yield f"Left out, {verdict}: {', '.join(named)}{more}. {MEANING[verdict]}"
    if result.not_due_from is not None:
        yield f"From {iso(result.not_due_from)} on, CloudTrail has not signed for everything yet: that is left out."
    if result.claimed_because:
        yield f"Proven only if the keys are AWS's: {result.claimed_because}."
    if not result.is_proven_at_all:
        yield "No time of the period is proven."
    yield from result.unseen


class _Handing:
    """A store that hands on the content of every log file that is read through it."""

    def __init__(
        self,
        store: ObjectStore,
        decode: Decode,
        on_content: Callable[[ObjectName, _Parsed, str], None],
        known: Callable[[ObjectName], Content | None] | None,
    ) -> None:
        self._store = store
        self._decode = decode
        self._on_content = on_content
        self._known = known

    def level(self, bucket: str, prefix: str) -> Level:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return self._store.level(bucket, prefix)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return self._store.objects(bucket, prefix)

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""

        def is_judged(name: ObjectName, made: Sink[T]) -> bool:
            return isinstance(made, GzipSink) and not made.keeps_body and LogName.parse(name) is not None

        def handing(name: ObjectName) -> Sink[T]:
            made = sink(name)
            if is_judged(name, made):
                inner = cast("GzipSink", made)
                return cast("Sink[T]", _HandingSink(inner, self._decode))
            return made

        if self._known is None:
            return self._handed_on(names, self._store.read_each(names, handing))
        contents = [self._known(name) if is_judged(name, sink(name)) else None for name in names]
        unknown = [name for name, content in zip(names, contents, strict=True) if content is None]
        results = iter(self._handed_on(unknown, self._store.read_each(unknown, handing)) if unknown else ())
        return [next(results) if content is None else Found(cast("T", content), {}, _NO_TIME) for content in contents]

    def _handed_on(self, names: Sequence[ObjectName], results: Sequence[ReadResult[T]]) -> list[ReadResult[T]]:
        """Hand on what was parsed, each by the name by which it was asked for: a copy has it under another one."""
        values = [result.value if isinstance(result, Found) else None for result in results]
        finish(self._decode, [value.decoded for value in values if isinstance(value, _Parsed)])
        found = list(results)
        for number, (name, value) in enumerate(zip(names, values, strict=True)):
            if isinstance(value, _Parsed):
                read = cast("Found[T]", results[number])
                self._on_content(name, value, read.etag)
                found[number] = Found(cast("T", value.content), read.metadata, read.last_modified, read.etag)
        return found


@dataclass(frozen=True, slots=True)
class _Parsed:
    """What a log file holds, and what it was parsed from."""

    content: Content
    decoded: Decoded
    problem: str


class _HandingSink:
    """In the place of a sink that hashes a log file: hashes it, too, and parses what was hashed."""

    def __init__(self, inner: GzipSink, decode: Decode) -> None:
        self._inner = inner
        self._decode = decode
        self._pieces: list[bytes] | None = []
        self._size_bytes = 0

    def feed(self, piece: bytes | memoryview) -> bool:
        """See :class:`verify.storage.objects.Sink`."""
        self._size_bytes += len(piece)
        if self._pieces is None:
            return self._inner.feed(piece)
        self._pieces.append(bytes(piece))
        if self._size_bytes <= MAX_PACKED_BYTES:
            return True
        pieces, self._pieces = self._pieces, None
        return all(self._inner.feed(each) for each in pieces)

    def finish(self) -> Content | _Parsed:
        """See :class:`verify.storage.objects.Sink`."""
        if self._pieces is None:
            return self._judged(self._inner.finish())
        stored = b"".join(self._pieces)
        self._pieces.clear()
        content = content_of(stored, min(MAX_FILE_BYTES, self._inner.limit_bytes), keep_body=True)
        if content.flaw is Flaw.TOO_LARGE:
            return self._judged(content_of(stored, self._inner.limit_bytes))
        if content.body is None:
            return content
        decoded = start(self._decode, content.body)
        return _Parsed(Content(content.sha256, content.size_bytes, None, None), decoded, decoded.flaw)

    @staticmethod
    def _judged(content: Content) -> Content | _Parsed:
        """A file that is too large to be parsed may be proven all the same."""
        if content.flaw is not None:
            return content
        return _Parsed(content, Decoded(), f"it is larger than {MAX_FILE_BYTES // 2**20} MB")
