"""Objects in S3.

Listings and objects are read by libcurl, and boto3 repeats every read that fails: it spends 1 to 3 ms of one core on
every request, more than the network, the inflating and the hashing together (``benchmarks/readers.py``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from threading import Lock
from typing import Any, cast
from urllib.parse import quote, urlencode

from verify.aws import Answer as AwsAnswer
from verify.aws import Aws
from verify.bucket_name import is_bucket_name
from verify.errors import ApiError, CannotLook
from verify.storage.gzip_content import GzipSink
from verify.storage.objects import (
    ARCHIVED,
    Absent,
    Found,
    Level,
    ListedObject,
    ObjectName,
    ReadResult,
    Sink,
    T,
    Unreadable,
)
from verify.storage.read_processes import ReadProcesses
from verify.storage.transfers import Answer, Route, Transfers

PERMISSIONS = ("s3:ListBucket", "s3:GetObject", "kms:Decrypt")
_GIVE_UP_AFTER = 8
_MAX_PAGES, _MAX_EMPTY_PAGES = 2_000, 1_000
_MAX_LISTING_BYTES = 2**23  # of a thousand keys, each of 1,024 bytes that are written as three
_SHOWN_OF_KEY = 100
# The folder of a region's digests or logs. Below it are folders for years, months and days.
_REGION_FOLDER = re.compile(r"(?:.*/)?AWSLogs/(?:o-[a-z0-9]+/)?[0-9]{12}/CloudTrail(?:-Digest)?/[a-z0-9-]+/", re.DOTALL)
_OUTLINED_LEVELS = 3
_MAX_OUTLINE_PAGES = 8
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
_QUERY = {"Prefix": "prefix", "Delimiter": "delimiter", "ContinuationToken": "continuation-token"}
_NOT_THERE = ("NoSuchKey", "NoSuchBucket")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.~/-]*")
_DOTS = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")  # libcurl would normalize such a path, and so name another object


class S3ObjectStore:
    """Buckets in S3, whatever their region.

    :param processes: read and hash what is only to be hashed. Default: - this process does.
    """

    def __init__(self, aws: Aws, processes: ReadProcesses | None = None) -> None:
        self._aws = aws
        self._processes = processes
        self._lock = Lock()
        self._idle: list[Transfers] = []
        # Not a cache of a bound method: it would refer to this store, whose connections would stay open for long.
        self._addresses: dict[str, tuple[str, str, str, str]] = {}
        self._outlines: dict[tuple[str, str], tuple[str, ...] | None] = {}
        # How often in a row boto3 could read what libcurl could not. No verdict depends on libcurl alone.
        self._failures = 0

    def level(self, bucket: str, prefix: str) -> Level:
        """See :class:`verify.storage.objects.ObjectStore`."""
        outlined = _REGION_FOLDER.match(prefix)
        if outlined is not None and prefix.count("/", outlined.end()) < _OUTLINED_LEVELS:
            place = (bucket, outlined[0])
            if place not in self._outlines:
                self._outlines[place] = self._find_outline(*place)
            rests = self._outlines[place]
            if rests is not None:
                return _level_in(rests, prefix[outlined.end() :])
        folders: list[str] = []
        objects: list[ListedObject] = []
        for page in self._listing(bucket, prefix, Delimiter="/"):
            found = (_below(prefix, _text(folder, "Prefix")) for folder in _folders(page))
            folders += [name[len(prefix) :].removesuffix("/") for name in found]
            objects += [_listed(bucket, prefix, entry) for entry in page.get("Contents", ())]
        return Level(tuple(folders), tuple(objects))

    def _find_outline(self, bucket: str, prefix: str) -> tuple[str, ...] | None:
        """What a region's folder holds, with one entry for all files of a day: their names are the same up to the
        first ``_``. Level by level, that is a listing for each month.

        :returns: how the keys go on behind the prefix, cut after three folders; ``None`` where something lies higher
            than that, where there is too much for a few pages, or where S3 does not say.
        """
        rests: dict[str, None] = {}
        try:
            for number, page in enumerate(self._listing(bucket, prefix, Delimiter="_")):
                if number == _MAX_OUTLINE_PAGES:
                    return None
                keys = [_text(folder, "Prefix") for folder in _folders(page)]
                keys += [_text(entry, "Key") for entry in page.get("Contents", ())]
                for key in keys:
                    parts = _below(prefix, key)[len(prefix) :].split("/", _OUTLINED_LEVELS)
                    if len(parts) <= _OUTLINED_LEVELS:
                        return None
                    rests["/".join(parts[:-1])] = None
        except CannotLook:
            return None  # a listing by levels meets the same error, or is what is allowed
        return tuple(sorted(rests))

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        for page in self._listing(bucket, prefix):
            for entry in page.get("Contents", ()):
                yield _listed(bucket, prefix, entry)

    def _listing(self, bucket: str, prefix: str, **options: str) -> Iterator[AwsAnswer]:
        """The pages of a listing, which must get somewhere: what answers may not be S3.

        :raises CannotLook: page after page brings nothing, or brings what was there before.
        """
        last, empty_pages = "", 0
        for page in self._pages(bucket, Prefix=prefix, **options):
            keys = [entry.get("Key", "") for entry in page.get("Contents", ())] + [
                folder.get("Prefix", "") for folder in _folders(page)
            ]
            empty_pages = 0 if keys else empty_pages + 1
            if empty_pages > _MAX_EMPTY_PAGES or (keys and max(keys) <= last):
                where = f"s3://{bucket}/{prefix}"
                raise CannotLook(f"s3:ListBucket: the listing of {where} does not end. Check --endpoint-url.")
            last = max(keys, default=last)
            yield page

    def _pages(self, bucket: str, **parameters: str) -> Iterator[AwsAnswer]:
        for _ in range(_MAX_PAGES):
            page = self._page(bucket, parameters)
            yield page
            if not page.get("IsTruncated"):
                return
            parameters["ContinuationToken"] = _text(page, "NextContinuationToken")
        raise CannotLook(f"s3:ListBucket has more than {_MAX_PAGES:,} pages, or no end. Check --endpoint-url.")

    def _page(self, bucket: str, parameters: Mapping[str, str]) -> AwsAnswer:
        if self._may_use_libcurl and is_bucket_name(bucket):
            body = self._aws.waited_for(lambda: self._listing_from(bucket, parameters), "s3", "ListObjectsV2")
            if body is not None:
                with suppress(CannotLook):  # boto3 meets the same error, asks again and reports it
                    page = _whole(self._aws.listing_in(body))
                    self._failures = 0
                    return page
        page = _whole(self._aws.call("s3", "ListObjectsV2", Bucket=bucket, **parameters))
        self._failures += 1
        return page

    def _listing_from(self, bucket: str, parameters: Mapping[str, str]) -> bytes | None:
        url, route = self._route_to(bucket)
        query = {_QUERY[name]: value for name, value in parameters.items()} | {"list-type": "2", "encoding-type": "url"}
        text = urlencode(sorted(query.items()), quote_via=quote, safe="")
        body = _Collected()
        (answer,) = self._get_each(route, [(f"{url}?{text}", body)])
        return body.finish() if answer else None

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        sinks = [sink(name) for name in names]
        found: list[Found[T] | None] = [None for _ in names]
        if self._may_use_libcurl:
            for bucket in filter(is_bucket_name, {name.bucket for name in names}):
                self._get_from(bucket, names, sinks, found)
        return [one or self._read(name, sink(name)) for name, one in zip(names, found, strict=True)]

    def _get_from(
        self, bucket: str, names: Sequence[ObjectName], sinks: Sequence[Sink[T]], found: list[Found[T] | None]
    ) -> None:
        try:
            url, route = self._route_to(bucket)
        except CannotLook:
            return  # boto3 meets the same error and reports it
        numbers = [number for number, name in enumerate(names) if name.bucket == bucket and not _DOTS.search(name.key)]
        urls = [f"{url}/{_quoted(names[number].key)}" for number in numbers]
        for number, result in zip(numbers, self._got(route, urls, [sinks[number] for number in numbers]), strict=True):
            found[number] = result
        if any(found):
            self._failures = 0

    def _got(self, route: Route, urls: Sequence[str], sinks: Sequence[Sink[T]]) -> Sequence[Found[T] | None]:
        limit_bytes = _limit_of_hashing(sinks)
        if self._processes is not None and limit_bytes is not None:
            read = self._processes.get_each(route, limit_bytes, urls)
            if read is not None:
                return cast("Sequence[Found[T] | None]", read)  # T is what a GzipSink makes
        answers = self._get_each(route, list(zip(urls, sinks, strict=True)))
        return [
            Found(into.finish(), answer.metadata, answer.last_modified, answer.etag)
            if answer and answer.last_modified
            else None
            for into, answer in zip(sinks, answers, strict=True)
        ]

    def _get_each(self, route: Route, wanted: Sequence[tuple[str, Sink[Any]]]) -> list[Answer | None]:
        try:
            transfers = self._idle.pop()
        except IndexError:  # asked before, another thread might take the last one
            transfers = Transfers()
        try:
            return transfers.get_each(route, wanted)
        finally:
            self._idle.append(transfers)

    @property
    def _may_use_libcurl(self) -> bool:
        return self._failures < _GIVE_UP_AFTER and not self._aws.is_too_slow

    def _route_to(self, bucket: str) -> tuple[str, Route]:
        """A bucket's URL, and how it is reached.

        :raises CannotLook: there are no credentials.
        """
        with self._lock:
            if bucket not in self._addresses:
                self._addresses[bucket] = self._find_address(bucket)
            url, region, ca_file, proxy = self._addresses[bucket]
        return url, Route(region, self._aws.credentials(), ca_file, proxy)

    def _read(self, name: ObjectName, sink: Sink[T]) -> ReadResult[T]:
        if not is_bucket_name(name.bucket):
            # boto3 would go where an access point's ARN leads.
            return Unreadable(CannotLook(f"{name.bucket!r} can be no bucket's name, so nothing was asked for."))
        try:
            answer = self._aws.download(name.bucket, name.key, sink.feed)
        except ApiError as error:
            if error.code in _NOT_THERE:
                return Absent()
            return Unreadable(CannotLook(ARCHIVED) if error.code == "InvalidObjectState" else error)
        except CannotLook as error:
            return Unreadable(error)
        if "LastModified" not in answer:
            return Unreadable(CannotLook("s3:GetObject did not say when it was written. Check --endpoint-url."))
        self._failures += 1
        metadata = {key.lower(): value for key, value in answer.get("Metadata", {}).items()}
        return Found(sink.finish(), metadata, answer["LastModified"], answer.get("ETag", ""))

    def _find_address(self, bucket: str) -> tuple[str, str, str, str]:
        """The bucket's URL and region, the certificates to trust and the proxy.

        boto3 follows S3's redirects to another region, libcurl would not.
        """
        try:
            region = str(self._aws.call("s3", "HeadBucket", Bucket=bucket).get("BucketRegion") or self._aws.region)
        except CannotLook:
            region = self._aws.region
        url = f"{self._aws.client('s3', region).meta.endpoint_url}/{quote(bucket, safe='')}"
        return url, region, *self._aws.ca_file_and_proxy(url)


def _quoted(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else quote(key, safe="/~")  # which takes ten times as long


class _Collected:
    """A sink for a page of a listing."""

    def __init__(self) -> None:
        self.content = bytearray()

    def feed(self, piece: bytes | memoryview) -> bool:
        """See :class:`verify.storage.objects.Sink`.

        :raises CannotLook: it is too long for one.
        """
        self.content += piece
        if len(self.content) > _MAX_LISTING_BYTES:
            raise CannotLook(
                "s3:ListBucket got an answer that is not AWS's (it is longer than "
                f"{_MAX_LISTING_BYTES:,} bytes). Check --endpoint-url."
            )
        return True

    def finish(self) -> bytes:
        """See :class:`verify.storage.objects.Sink`."""
        return bytes(self.content)


def _limit_of_hashing(sinks: Iterable[object]) -> int | None:
    """The most that each object may inflate to, if it is the same and nothing but the hash is wanted of any."""
    limits = {into.limit_bytes if isinstance(into, GzipSink) and into.only_hashes else None for into in sinks}
    return limits.pop() if len(limits) == 1 else None


def _level_in(rests: Iterable[str], at: str) -> Level:
    """A level of an outline, which holds no objects.

    :param at: the level's prefix behind that of the outline.
    """
    return Level(tuple(dict.fromkeys(rest[len(at) :].partition("/")[0] for rest in rests if rest.startswith(at))), ())


def _folders(page: AwsAnswer) -> list[AwsAnswer]:
    return list(page.get("CommonPrefixes", ()))


def _listed(bucket: str, prefix: str, entry: AwsAnswer) -> ListedObject:
    size, modified = entry.get("Size"), entry.get("LastModified")
    if not isinstance(size, int) or not isinstance(modified, datetime):
        raise CannotLook("s3:ListBucket got a listing without sizes or times, which is not S3's. Check --endpoint-url.")
    return ListedObject(ObjectName(bucket, _below(prefix, _text(entry, "Key"))), size, modified, entry.get("ETag", ""))


def _below(prefix: str, key: str) -> str:
    if not key.startswith(prefix):
        raise CannotLook(
            f"s3:ListBucket got {key[:_SHOWN_OF_KEY]!r} when asked for what begins with {prefix!r}, which is not S3's "
            "answer. Check --endpoint-url."
        )
    return key


def _whole(page: AwsAnswer) -> AwsAnswer:
    """A page of a listing. What is none, such as an error that came as a success, would read as an empty one.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
    """
    if "IsTruncated" not in page:
        raise CannotLook("s3:ListBucket got an answer without IsTruncated, which is not S3's. Check --endpoint-url.")
    return page


def _text(entry: AwsAnswer, member: str) -> str:
    value = entry.get(member)
    if not isinstance(value, str):
        raise CannotLook(f"s3:ListBucket got a listing without {member}, which is not S3's. Check --endpoint-url.")
    return value
