"""A bucket that holds a copy of other buckets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from verify.storage.objects import ListedObject, ObjectName, ObjectStore, ReadResult, Sink, T


@dataclass(frozen=True, slots=True)
class CopiedObjectStore:
    """Reads every object from one bucket, whatever bucket its name says."""

    store: ObjectStore
    bucket: str

    def folders(self, bucket: str, prefix: str) -> tuple[str, ...]:  # noqa: ARG002 - the interface's
        """See :class:`verify.storage.objects.ObjectStore`."""
        return self.store.folders(self.bucket, prefix)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:  # noqa: ARG002
        """See :class:`verify.storage.objects.ObjectStore`."""
        return self.store.objects(self.bucket, prefix)

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return self.store.read_each([ObjectName(self.bucket, name.key) for name in names], sink)
