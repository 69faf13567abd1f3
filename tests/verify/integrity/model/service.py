"""What the verifier asks: the API and the object store of a world, as they answer at one moment."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.verify.integrity.model.case import (
    ALIAS,
    BUCKET,
    COPY_BUCKET,
    DELEGATE,
    OPTIONAL,
    ORGANIZATION,
    OWNER,
)
from tests.verify.integrity.model.cloudtrail import Name, Stored, TrailState, World, key_name
from tests.verify.integrity.model.signing import der_of, fingerprint
from verify.aws import Caller
from verify.errors import AccessDenied, ApiError, Unreachable
from verify.storage.objects import Absent, Found, Level, ListedObject, ObjectName, ReadResult, Sink, T, Unreadable

_PAGE = 2
_VALID_BEFORE = timedelta(hours=1)


@dataclass
class ModelAws:
    """AWS's API.

    :param now: when it is asked.
    :param skew: how far the service's clock is ahead of the verifier's.
    :param losses: answers that are not given: an operation's name, or ``NAME:cut`` for one that ends in the middle.
    """

    world: World
    now: datetime
    losses: frozenset[str] = frozenset()
    region: str = "us-east-1"
    partition: str = "aws"
    endpoint_url: str | None = None
    skew: timedelta = timedelta()

    def partition_of(self, region: str) -> str:  # noqa: ARG002 - the interface's
        """See :class:`verify.aws.Aws`."""
        return "aws"

    def clock_skew(self) -> timedelta:
        """See :class:`verify.aws.Aws`."""
        return self.skew

    def caller(self) -> Caller:
        """Who asks."""
        account = self.world.case.caller
        return Caller(account, f"arn:aws:iam::{account}:user/auditor")

    def call(self, service: str, operation: str, *, in_region: str | None = None, **parameters: Any) -> Any:
        """Answer a call."""
        if operation in self.losses:
            raise AccessDenied(f"{service}:{operation}", "not you")
        if f"{operation}:throttled" in self.losses:
            raise Unreachable(f"{service}:{operation} is throttled")
        region = in_region or self.region
        if region not in self.world.enabled_at(self.now) and service == "cloudtrail":
            raise ApiError("UnrecognizedClientException", f"{service}:{operation}", f"{region} is not enabled")
        return getattr(self, f"_{operation}")(region, **parameters)

    def pages(self, service: str, operation: str, *, in_region: str | None = None, **parameters: Any) -> Iterator[Any]:
        """Answer a call whose answer has pages."""
        parameters.pop("PaginationConfig", None)
        answer = self.call(service, operation, in_region=in_region, **parameters)
        (member, entries), *_ = answer.items()
        pages = [entries[first : first + _PAGE] for first in range(0, len(entries), _PAGE)] or [[]]
        for number, page in enumerate(pages):
            if f"{operation}:cut" in self.losses and number == len(pages) - 1:
                raise Unreachable(f"{service}:{operation} is throttled")
            yield {member: page}

    # ---- CloudTrail ------------------------------------------------------------------------------------------------

    def _visible(self, region: str) -> Iterator[TrailState]:
        caller = self.world.case.caller
        for state in self.world.state_at(self.now):
            is_seen = caller == OWNER or (
                state.is_organization and caller in (*self.world.members_at(self.now), DELEGATE)
            )
            if state.exists and is_seen and (state.is_multi_region or state.start.home == region):
                yield state

    def _DescribeTrails(self, region: str) -> Any:
        return {
            "trailList": [
                {
                    "Name": state.start.name,
                    "TrailARN": state.start.arn,
                    "HomeRegion": state.start.home,
                    "S3BucketName": state.bucket,
                    "IsMultiRegionTrail": state.is_multi_region,
                    "LogFileValidationEnabled": state.validates,
                    "IncludeGlobalServiceEvents": True,
                    "IsOrganizationTrail": state.is_organization,
                }
                | ({"S3KeyPrefix": state.prefix} if state.prefix else {})
                for state in self._visible(region)
            ]
        }

    def _GetTrailStatus(self, region: str, Name: str) -> Any:
        found = [(number, one) for number, one in enumerate(self.world.state_at(self.now)) if one.start.arn == Name]
        if not found or not found[0][1].exists:
            raise ApiError("TrailNotFoundException", "cloudtrail:GetTrailStatus", f"Unknown trail: {Name}")
        number, state = found[0]
        answer: dict[str, Any] = {"IsLogging": state.is_logging}
        if state.started:
            answer["StartLoggingTime"] = state.started
        if state.stopped:
            answer["StopLoggingTime"] = state.stopped
        own = [
            one for one in self.world.genuine.values()
            if one.key.trail == number and (one.key.account, one.key.region) == (self.world.case.caller, region)
            and state.created <= one.written <= self.now
        ]  # fmt: skip
        for member, times in {
            "LatestDigestDeliveryTime": [one.written for one in own if one.is_digest and not one.is_backfill],
            "LatestDeliveryTime": [one.written for one in own if not one.is_digest],
        }.items():
            if times:
                answer[member] = max(times)
        return answer

    def _GetEventSelectors(self, _region: str, TrailName: str) -> Any:  # noqa: ARG002 - of every trail, all is recorded
        return {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}

    def _ListPublicKeys(self, region: str, StartTime: datetime, EndTime: datetime) -> Any:
        rotations = [moment for moment in self.world.rotations if moment <= self.now]
        keys = []
        for number, since in enumerate(rotations):
            until = rotations[number + 1] if number + 1 < len(rotations) else self.now + timedelta(days=300)
            if since <= EndTime and StartTime <= until:
                name = key_name(region, number)
                keys.append({
                    "Fingerprint": fingerprint(name), "Value": der_of(name),
                    "ValidityStartTime": since - _VALID_BEFORE, "ValidityEndTime": until,
                })  # fmt: skip
        return {"PublicKeyList": keys}

    def _LookupEvents(
        self,
        region: str,
        StartTime: datetime,
        EndTime: datetime,
        LookupAttributes: list[dict[str, str]],
    ) -> Any:
        (attribute,) = LookupAttributes
        found = [
            call for call in self.world.calls
            if (call.account, call.region) == (self.world.case.caller, region)
            and call.record["eventName"] == attribute["AttributeValue"]
            and max(StartTime, self.now - timedelta(days=90)) <= call.at <= EndTime and call.shown <= self.now
        ]  # fmt: skip
        return {"Events": [{"CloudTrailEvent": json.dumps(call.record)} for call in reversed(found)]}

    # ---- EC2, Organizations ----------------------------------------------------------------------------------------

    def _DescribeRegions(self, _region: str, AllRegions: bool = False) -> Any:  # noqa: FBT001, FBT002
        enabled = self.world.enabled_at(self.now)
        names = sorted({*self.world.case.regions, *OPTIONAL, *enabled})
        return {
            "Regions": [
                {
                    "RegionName": name,
                    "OptInStatus": "opt-in-not-required" if name not in OPTIONAL
                    else "opted-in" if name in enabled else "not-opted-in",
                }
                for name in names
                if AllRegions or name in enabled
            ]
        }  # fmt: skip

    def _DescribeOrganization(self, _region: str) -> Any:
        return {"Organization": {"Id": ORGANIZATION, "MasterAccountId": OWNER}}

    def _ListAccounts(self, _region: str) -> Any:
        if self.world.case.caller not in (OWNER, DELEGATE):
            raise AccessDenied("organizations:ListAccounts", "only the management account and its delegates may")
        accounts = sorted({OWNER, *self.world.members_at(self.now)})
        joined = {account: _joined(self.world, account) for account in accounts}
        top = f"arn:aws:organizations::{OWNER}:account/{ORGANIZATION}"
        return {
            "Accounts": [
                {"Id": one, "Arn": f"{top}/{one}", "Status": "ACTIVE", "JoinedTimestamp": joined[one]}
                for one in accounts
            ]
        }


def _joined(world: World, account: str) -> datetime:
    since = datetime(2020, 1, 1, tzinfo=world.case.end.tzinfo)
    was = True
    for at, members in world.members:
        is_in = account == OWNER or account in members
        if is_in and not was:
            since = at
        was = is_in
    return since


@dataclass
class ModelStore:
    """Buckets, as they are at one moment.

    :param unreadable: names that cannot be read.
    """

    objects: Mapping[Name, Stored]
    unreadable: frozenset[Name] = frozenset()
    unlisted: frozenset[str] = frozenset()
    _keys: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for bucket, key in sorted(self.objects):
            self._keys.setdefault(bucket, []).append(key)

    def _below(self, bucket: str, prefix: str) -> list[str]:
        if bucket in self.unlisted:
            raise AccessDenied("s3:ListBucket", "not you")
        keys = self._keys.get(bucket, [])
        return keys[bisect_left(keys, prefix) : bisect_left(keys, prefix + "\U0010ffff")]

    def level(self, bucket: str, prefix: str) -> Level:
        """See :class:`verify.storage.objects.ObjectStore`."""
        rests = [key[len(prefix) :] for key in self._below(bucket, prefix)]
        folders = dict.fromkeys(rest.partition("/")[0] for rest in rests if "/" in rest)
        return Level(tuple(folders), tuple(self._listed(bucket, prefix + rest) for rest in rests if "/" not in rest))

    def objects_(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return (self._listed(bucket, key) for key in self._below(bucket, prefix))

    def _listed(self, bucket: str, key: str) -> ListedObject:
        stored = self.objects[bucket, key]
        return ListedObject(ObjectName(bucket, key), len(stored.body), stored.last_modified, stored.etag)

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return [self._read(name, sink(name)) for name in names]

    def _read(self, name: ObjectName, into: Sink[T]) -> ReadResult[T]:
        if (name.bucket, name.key) in self.unreadable:
            return Unreadable(AccessDenied("s3:GetObject", "not you"))
        stored = self.objects.get((name.bucket, name.key))
        if stored is None:
            return Absent()
        into.feed(stored.body)
        return Found(into.finish(), stored.metadata, stored.last_modified)


class BucketStore:
    """A :class:`ModelStore` under the interface's names; ``objects`` is a method there."""

    def __init__(
        self, objects: Mapping[Name, Stored], unreadable: Iterable[Name] = (), unlisted: Iterable[str] = ()
    ) -> None:
        self._store = ModelStore(objects, frozenset(unreadable), frozenset(unlisted))
        self.level = self._store.level
        self.objects = self._store.objects_
        self.read_each = self._store.read_each


def save_copy(objects: Mapping[Name, Stored], folder: Path, *, with_litter: bool = False) -> None:
    """As ``aws s3 sync s3://trail-logs`` does: without metadata.

    :param with_litter: leave in each folder what a desktop does.
    """
    for (bucket, key), stored in objects.items():
        if bucket != BUCKET or key.endswith("/"):
            continue
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored.body)
    for path in [folder, *folder.rglob("*")] if with_litter else ():
        if path.is_dir():
            (path / ".DS_Store").write_bytes(b"x")


def aliased(objects: Mapping[Name, Stored]) -> dict[Name, Stored]:
    """The bucket under the name of an access point's alias as well."""
    return dict(objects) | {(ALIAS, key): stored for (bucket, key), stored in objects.items() if bucket == BUCKET}


def copied(
    objects: Mapping[Name, Stored], at: datetime, *, with_metadata: bool, prefix: str = ""
) -> dict[Name, Stored]:
    """The same in another bucket, copied at a moment below a prefix."""
    return dict(objects) | {
        (COPY_BUCKET, prefix + key): Stored(stored.body, stored.metadata if with_metadata else {}, at)
        for (bucket, key), stored in objects.items()
        if bucket == BUCKET
    }
