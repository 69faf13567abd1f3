"""Objects in S3.

boto3 lists, and it repeats every read that fails. Objects themselves are read by libcurl: boto3 spends 1 to 3 ms of
one core on every GET, more than the network, the inflating and the hashing together (``benchmarks/readers.py``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from threading import Lock, local
from urllib.parse import quote

from verify.aws import Answer as AwsAnswer
from verify.aws import Aws
from verify.bucket_name import is_bucket_name
from verify.errors import ApiError, CannotLook
from verify.storage.objects import Absent, Found, Level, ListedObject, ObjectName, ReadResult, Sink, T, Unreadable
from verify.storage.transfers import Answer, Route, Transfers

PERMISSIONS = ("s3:ListBucket", "s3:GetObject", "kms:Decrypt")
_GIVE_UP_AFTER = 8
_MAX_EMPTY_PAGES = 1_000
_SHOWN_OF_KEY = 100
_NOT_THERE = ("NoSuchKey", "NoSuchBucket")
_DOTS = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")  # libcurl would normalize such a path, and so name another object


class S3ObjectStore:
    """Buckets in S3, whatever their region."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = Lock()
        self._of_thread = local()
        self._address = lru_cache(maxsize=None)(self._find_address)
        # How often in a row boto3 could read what libcurl could not. No verdict depends on libcurl alone.
        self._failures = 0

    def level(self, bucket: str, prefix: str) -> Level:
        """See :class:`verify.storage.objects.ObjectStore`."""
        folders: list[str] = []
        objects: list[ListedObject] = []
        for page in self._listing(bucket, prefix, Delimiter="/"):
            found = (_below(prefix, _text(folder, "Prefix")) for folder in _folders(page))
            folders += [name[len(prefix) :].removesuffix("/") for name in found]
            objects += [_listed(bucket, prefix, entry) for entry in page.get("Contents", ())]
        return Level(tuple(folders), tuple(objects))

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
        for page in self._aws.pages("s3", "ListObjectsV2", Bucket=bucket, Prefix=prefix, **options):
            keys = [entry.get("Key", "") for entry in page.get("Contents", ())] + [
                folder.get("Prefix", "") for folder in _folders(page)
            ]
            empty_pages = 0 if keys else empty_pages + 1
            if empty_pages > _MAX_EMPTY_PAGES or (keys and max(keys) <= last):
                where = f"s3://{bucket}/{prefix}"
                raise CannotLook(f"s3:ListBucket: the listing of {where} does not end. Check --endpoint-url.")
            last = max(keys, default=last)
            yield page

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        sinks = [sink(name) for name in names]
        answers: list[Answer | None] = [None] * len(names)
        if self._failures < _GIVE_UP_AFTER and not self._aws.is_too_slow:
            for bucket in filter(is_bucket_name, {name.bucket for name in names}):
                self._get_from(bucket, names, sinks, answers)
        return [
            Found(into.finish(), answer.metadata, answer.last_modified) if answer else self._read(name, sink(name))
            for name, into, answer in zip(names, sinks, answers, strict=True)
        ]

    def _get_from(
        self, bucket: str, names: Sequence[ObjectName], sinks: Sequence[Sink[T]], answers: list[Answer | None]
    ) -> None:
        try:
            with self._lock:
                url, region, ca_file, proxy = self._address(bucket)
            route = Route(region, self._aws.credentials(), ca_file, proxy)
        except CannotLook:
            return  # boto3 meets the same error and reports it
        numbers = [number for number, name in enumerate(names) if name.bucket == bucket and not _DOTS.search(name.key)]
        wanted = [(f"{url}/{quote(names[number].key, safe='/~')}", sinks[number]) for number in numbers]
        if not hasattr(self._of_thread, "transfers"):
            self._of_thread.transfers = Transfers()
        found: list[Answer | None] = self._of_thread.transfers.get_each(route, wanted)
        for number, answer in zip(numbers, found, strict=True):
            answers[number] = answer
        if any(found):
            self._failures = 0

    def _read(self, name: ObjectName, sink: Sink[T]) -> ReadResult[T]:
        if not is_bucket_name(name.bucket):
            # boto3 would go where an access point's ARN leads.
            return Unreadable(CannotLook(f"{name.bucket!r} can be no bucket's name, so nothing was asked for."))
        try:
            answer = self._aws.download(name.bucket, name.key, sink.feed)
        except ApiError as error:
            return Absent() if error.code in _NOT_THERE else Unreadable(error)
        except CannotLook as error:
            return Unreadable(error)
        self._failures += 1
        metadata = {key.lower(): value for key, value in answer.get("Metadata", {}).items()}
        return Found(sink.finish(), metadata, answer["LastModified"])

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


def _text(entry: AwsAnswer, member: str) -> str:
    value = entry.get(member)
    if not isinstance(value, str):
        raise CannotLook(f"s3:ListBucket got a listing without {member}, which is not S3's. Check --endpoint-url.")
    return value
