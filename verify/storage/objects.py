"""Objects in a bucket: their names, their listing, and the results of reading one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from verify.errors import CannotLook

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


S3 = "s3://"


def address(bucket: str, key: str) -> str:
    """Where an object or a folder lies, for people. In a folder there is no bucket, and the key is the path."""
    return f"{S3}{bucket}/{key}" if bucket else key


class ObjectName(Struct, frozen=True, order=True):
    """An object by its full name."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return address(self.bucket, self.key)


class ListedObject(Struct, frozen=True):
    """One line of a listing.

    :param etag: changes whenever the object is written again; ``""`` where the store has no such thing.
    """

    name: ObjectName
    size_bytes: int
    last_modified: datetime
    etag: str


class Level(Struct, frozen=True):
    """What lies right below a prefix.

    :param folders: the names of the folders, without the prefix and the slash; ``""`` for a nameless one.
    :param objects: the objects that lie in no folder.
    """

    folders: tuple[str, ...]
    objects: tuple[ListedObject, ...]


class Found(Struct, Generic[T], frozen=True):
    """The object was read.

    :param metadata: the object's own (``x-amz-meta-…``), names in lower case and without that prefix.
    :param etag: of what was read, as in a listing; ``""`` where nothing tells.
    """

    value: T
    metadata: Mapping[str, str]
    last_modified: datetime
    etag: str = ""


class Absent(Struct, frozen=True):
    """There is no such object."""


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
ARCHIVED = "it is archived, and has to be restored before anybody can read it"


class Unreadable(Struct, frozen=True):
    """The object could not be read; ``error`` says why. Whether it exists is not known."""

    error: CannotLook


ReadResult: TypeAlias = Found[T] | Absent | Unreadable


class Sink(Protocol[T_co]):
    """Takes in an object piece by piece, so that no large object is in memory as a whole."""

    def feed(self, piece: bytes | memoryview) -> bool:
        """Take the next piece; ``False`` when no more is wanted."""

    def finish(self) -> T_co:
        """The result, once all pieces were fed."""


class ObjectStore(Protocol):
    """Read-only access to buckets. Methods may be called from several threads at once."""

    def level(self, bucket: str, prefix: str) -> Level:
        """What lies right below ``prefix`` (which ends in ``/`` or is empty).

        :raises CannotLook: the bucket could not be listed.
        """

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """Every object whose key begins with ``prefix``, in the order of their keys.

        :raises CannotLook: the bucket could not be listed.
        """

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """Read objects, each into a new sink, and many at once where that is quicker.

        :param sink: makes an object's sink; asked again when it has to be read from the start once more.
        :returns: the results, in order.
        """


class AskedAhead(Struct, frozen=True):
    """A store of which some levels were asked for before anybody knew whether they are needed.

    :param levels: the answers to come, by bucket and prefix; each is given once.
    """

    store: ObjectStore
    levels: dict[tuple[str, str], Future[Level]]

    def level(self, bucket: str, prefix: str) -> Level:
        """See :class:`ObjectStore`."""
        answer = self.levels.pop((bucket, prefix), None)
        return answer.result() if answer else self.store.level(bucket, prefix)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`ObjectStore`."""
        return self.store.objects(bucket, prefix)

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`ObjectStore`."""
        return self.store.read_each(names, sink)


class BucketCopyStore(Struct, frozen=True):
    """Reads every object from one bucket, whatever bucket and prefix its name says.

    :param prefixes: the prefixes below which the copy holds ``AWSLogs/``; ``""`` for none.
    """

    store: ObjectStore
    bucket: str
    prefixes: tuple[str, ...] = ()

    def level(self, bucket: str, prefix: str) -> Level:  # noqa: ARG002 - the interface's
        """See :class:`ObjectStore`."""
        return self.store.level(self.bucket, prefix)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:  # noqa: ARG002
        """See :class:`ObjectStore`."""
        return self.store.objects(self.bucket, prefix)

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`ObjectStore`."""
        results: list[ReadResult[T]] = [Absent()] * len(names)
        candidates = [self._candidates(name) for name in names]
        for turn in range(max(map(len, candidates), default=0)):
            left = [
                number
                for number, (result, keys) in enumerate(zip(results, candidates, strict=True))
                if isinstance(result, Absent) and turn < len(keys)
            ]
            found = self.store.read_each([ObjectName(self.bucket, candidates[number][turn]) for number in left], sink)
            for number, result in zip(left, found, strict=True):
                results[number] = result
        return results

    def _candidates(self, name: ObjectName) -> list[str]:
        """The keys under which the copy may hold an object, the likeliest first."""
        prefix, root, rest = name.key.rpartition("AWSLogs/")
        if not root:
            return [name.key]
        tops = [f"{known}/" if known else "" for known in self.prefixes]
        if not tops or prefix in tops:
            return [name.key]
        return [f"{top}{root}{rest}" for top in tops]
