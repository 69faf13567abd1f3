"""Objects in S3.

boto3 lists and is the last word on every failure. Objects themselves come through ``obstore``: boto3 spends 2 to 3 ms
of one core on every GET, more than the network, the inflating and the hashing together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from verify.aws import Aws
from verify.errors import ApiError, CannotLook
from verify.logs.objects import Absent, Found, ListedObject, ObjectName, ReadResult, Sink, T, Unreadable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config, S3Credential

CONCURRENT_READS = 64
_PIECE_BYTES = 2**20
_CREDENTIALS_LAST = timedelta(minutes=5)  # botocore refreshes well before they expire; ask it again soon
_GIVE_UP_AFTER = 8
_RETRIES = 3
_NOT_THERE = ("NoSuchKey", "NoSuchBucket")
# Keys that object_store passes on as they are.
_PLAIN = re.compile(r"(?!.*//)(?!(?:.*/)?\.{1,2}(?:/|$))[A-Za-z0-9_=-][A-Za-z0-9_=./-]*[A-Za-z0-9_=-]")


@dataclass(slots=True)
class _FastPath:
    """Whether the fast way works here. It has no say in any verdict: what it cannot read, boto3 tries."""

    failures: int = 0

    @property
    def is_open(self) -> bool:
        return self.failures < _GIVE_UP_AFTER


class S3ObjectStore:
    """Buckets in S3, whatever their region."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._fast = _FastPath()
        self._lock = Lock()
        self._fast_store = lru_cache(maxsize=None)(self._new_fast_store)

    def folders(self, bucket: str, prefix: str) -> tuple[str, ...]:
        """See :class:`verify.logs.objects.ObjectStore`."""
        pages = self._aws.pages("s3", "ListObjectsV2", Bucket=bucket, Prefix=prefix, Delimiter="/")
        found = (folder["Prefix"] for page in pages for folder in page.get("CommonPrefixes", ()))
        return tuple(folder[len(prefix) :].rstrip("/") for folder in found)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.logs.objects.ObjectStore`."""
        for page in self._aws.pages("s3", "ListObjectsV2", Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                name = ObjectName(bucket, entry["Key"])
                yield ListedObject(name, entry["Size"], entry["LastModified"], entry.get("ETag", ""))

    def read(self, name: ObjectName, sink: Callable[[], Sink[T]]) -> ReadResult[T]:
        """See :class:`verify.logs.objects.ObjectStore`."""
        if self._fast.is_open and _PLAIN.fullmatch(name.key):
            try:
                found = self._read_fast(name, sink())
            except (BaseError, OSError):  # it tells a missing object by Python's own FileNotFoundError
                result = self._read_with_boto3(name, sink())
                # What boto3 cannot read either says nothing against the fast way.
                self._fast.failures += isinstance(result, Found)
                return result
            self._fast.failures = 0
            return found
        return self._read_with_boto3(name, sink())

    def _read_fast(self, name: ObjectName, sink: Sink[T]) -> Found[T]:
        with self._lock:
            store = self._fast_store(name.bucket)
        answer = obstore.get(store, name.key)
        is_small = answer.meta["size"] <= _PIECE_BYTES
        for piece in [answer.bytes()] if is_small else iter(answer.stream(min_chunk_size=_PIECE_BYTES)):
            if not sink.feed(memoryview(piece)):
                break
        metadata = {str(key).lower(): str(value) for key, value in answer.attributes.items()}
        return Found(sink.finish(), metadata, answer.meta["last_modified"])

    def _read_with_boto3(self, name: ObjectName, sink: Sink[T]) -> ReadResult[T]:
        try:
            answer, pieces = self._aws.download(name.bucket, name.key)
            for piece in pieces:
                if not sink.feed(piece):
                    break
        except ApiError as error:
            return Absent() if error.code in _NOT_THERE else Unreadable(error)
        except CannotLook as error:
            return Unreadable(error)
        metadata = {key.lower(): value for key, value in answer.get("Metadata", {}).items()}
        return Found(sink.finish(), metadata, answer["LastModified"])

    def _new_fast_store(self, bucket: str) -> S3Store:
        region = self._region_of(bucket)
        endpoint = self._aws.client("s3", region).meta.endpoint_url
        client: ClientConfig = {"allow_http": endpoint.startswith("http://"), "timeout": timedelta(seconds=60)}
        if self._aws.ca_bundle:
            client["root_certificate"] = Path(self._aws.ca_bundle).read_bytes()
        config: S3Config = {"region": region, "endpoint": endpoint}
        return S3Store(
            bucket,
            config=config,
            client_options=client,
            retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=30)},
            credential_provider=self._credentials,
        )

    def _region_of(self, bucket: str) -> str:
        """The bucket's region; boto3 finds its way without, the fast path does not."""
        try:
            return str(self._aws.call("s3", "HeadBucket", Bucket=bucket).get("BucketRegion") or self._aws.region)
        except CannotLook:
            return self._aws.region

    def _credentials(self) -> S3Credential:
        found = self._aws.credentials()
        return {
            "access_key_id": found.access_key,
            "secret_access_key": found.secret_key,
            "token": found.token,
            "expires_at": datetime.now(UTC) + _CREDENTIALS_LAST,
        }
