"""Where files come from decides what can be said of them: the trail's own bucket, or a copy of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from verify.integrity.timeline.verdict import Verdict
from verify.storage.layout import ROOT
from verify.storage.objects import ListedObject, ObjectName

# CloudTrail tries for thirty days to deliver a file; a digest lists it in the hour in which that succeeds.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
DELIVERED_WITHIN = timedelta(days=31)
# How far a replica or a nightly copy may lie behind its original.
_COPIED_WITHIN = timedelta(days=1)
_APART = "it was delivered to another bucket or prefix than the digest that names it, which this may be a copy of alone"


class Origin(Protocol):
    """What a validation may conclude from where its files are."""

    @property
    def lost_signature(self) -> Verdict:
        """The verdict on a digest whose signature (metadata) is gone, if its successor does not prove it."""

    @property
    def is_whole_at_its_end(self) -> bool:
        """Whether a file that is not there yet is one that CloudTrail has not delivered."""

    @property
    def knows_when_delivered(self) -> bool:
        """Whether :meth:`delivered` rests on what S3 said."""

    @property
    def may_be_followed(self) -> bool:
        """Whether a chain that leads to another bucket is to be followed there."""

    @property
    def keeps_keys(self) -> bool:
        """Whether an object's bucket and key are those that CloudTrail gave it."""

    def identity(self, name: ObjectName) -> str:
        """What tells two objects apart."""

    def is_stated_at(self, stated: ObjectName, found: ObjectName) -> bool:
        """Whether a digest that states where it was delivered may lie where it was found."""

    def absent(self, written: datetime, newest: datetime | None, *, is_apart: bool = False) -> tuple[Verdict, str]:
        """The verdict on a file that a proven digest names and that is not there, with a reason.

        :param written: when it was written, as far as its digest tells.
        :param newest: where the newest digest of the chain that is here ends.
        :param is_apart: whether it was delivered to another bucket or prefix than that digest.
        """

    def delivered(self, listed: ListedObject) -> datetime | None:
        """When an object was written last, if that is known."""

    def last_written(self, last_modified: datetime, ended: datetime) -> datetime:
        """No later than when CloudTrail wrote a file that covers the time up to ``ended``."""


class TrailBucket(Struct, frozen=True):
    """The bucket that the trail delivers to. S3 alone sets when an object was written."""

    lost_signature = Verdict.ALTERED
    is_whole_at_its_end = True
    knows_when_delivered = True
    may_be_followed = True
    keeps_keys = True

    def identity(self, name: ObjectName) -> str:
        """See :class:`Origin`."""
        return f"{name.bucket}/{name.key}"

    def is_stated_at(self, stated: ObjectName, found: ObjectName) -> bool:
        """See :class:`Origin`."""
        return stated == found

    def absent(self, written: datetime, newest: datetime | None, *, is_apart: bool = False) -> tuple[Verdict, str]:  # noqa: ARG002
        """See :class:`Origin`."""
        return Verdict.MISSING, "it is not there"

    def delivered(self, listed: ListedObject) -> datetime | None:
        """See :class:`Origin`."""
        return listed.last_modified

    def last_written(self, last_modified: datetime, ended: datetime) -> datetime:  # noqa: ARG002
        """See :class:`Origin`."""
        return last_modified


class BucketCopy(Struct, frozen=True):
    """A copy: in a folder or in another bucket, perhaps under another prefix, without metadata, behind its original."""

    lost_signature = Verdict.UNPROVEN
    is_whole_at_its_end = False
    knows_when_delivered = False
    may_be_followed = False
    keeps_keys = False

    def identity(self, name: ObjectName) -> str:
        """See :class:`Origin`. Digests name the bucket and prefix that were copied; what follows is unique."""
        return tail_of(name.key)

    def is_stated_at(self, stated: ObjectName, found: ObjectName) -> bool:
        """See :class:`Origin`."""
        return tail_of(stated.key) == tail_of(found.key)

    def absent(self, written: datetime, newest: datetime | None, *, is_apart: bool = False) -> tuple[Verdict, str]:
        """See :class:`Origin`."""
        if is_apart:
            return Verdict.UNPROVEN, f"it is not there; {_APART}"
        if newest is None or written > newest - _COPIED_WITHIN:
            return Verdict.UNPROVEN, "it is not there; the copy may be behind its original"
        return Verdict.MISSING, "it is not in the copy, though what came a day later is"

    def delivered(self, listed: ListedObject) -> datetime | None:  # noqa: ARG002
        """See :class:`Origin`. A copy's times are those of the copying."""
        return None

    def last_written(self, last_modified: datetime, ended: datetime) -> datetime:  # noqa: ARG002
        """See :class:`Origin`."""
        return ended + DELIVERED_WITHIN


class ClaimedBundle(TrailBucket, frozen=True):
    """An evidence bundle whose manifest nobody vouches for: what it says of times is a claim."""

    knows_when_delivered = False

    def delivered(self, listed: ListedObject) -> datetime | None:  # noqa: ARG002
        """See :class:`Origin`."""
        return None

    def last_written(self, last_modified: datetime, ended: datetime) -> datetime:  # noqa: ARG002
        """See :class:`Origin`."""
        return ended + DELIVERED_WITHIN


CLAIMED_BUNDLE: Origin = ClaimedBundle()
TRAIL_BUCKET: Origin = TrailBucket()
BUCKET_COPY: Origin = BucketCopy()


def lie_apart(one: ObjectName, other: ObjectName) -> bool:
    """Whether CloudTrail delivered two files to different buckets or prefixes."""
    places = [(name.bucket, name.key.removesuffix(tail_of(name.key))) for name in (one, other)]
    return places[0] != places[1]


def tail_of(key: str) -> str:
    """A key from ``AWSLogs/`` on, or all of it."""
    _, root, rest = key.rpartition(ROOT)
    return f"{root}{rest}"
