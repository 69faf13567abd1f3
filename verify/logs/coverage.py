"""Which times the digest files of a region cover, and which log files they list that are not there.

The digests are taken at their word: nothing here proves anything, it only finds what is missing. What is proven says
``proof``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias

from verify.errors import CannotLook
from verify.integrity.digests.digest import Digest, NotADigest, parse_digest
from verify.storage.gzip_content import MAX_DIGEST_BYTES, GzipSink
from verify.storage.layout import LOG_NAME_TELLS, ROOT, DeliveryLocation, DigestName, LogName
from verify.storage.objects import Found, ObjectName, ObjectStore
from verify.times import iso

Span: TypeAlias = tuple[datetime, datetime]
TrailKey: TypeAlias = tuple[str, str]
# CloudTrail delivers within minutes, as a rule. Files of so much later are read, too.
DELIVERED_WITHIN = timedelta(hours=6)
NAMED = 5  # of many
# CloudTrail signs a digest for each hour, and delivers it up to an hour and a half later.
_DUE_WITHIN = timedelta(hours=3)
_SAME = timedelta(minutes=1)
_MAX_DIGESTS = 50_000
_READ_AT_ONCE = 32


def is_delivered_in(delivered: datetime | None, period: Span | None) -> bool:
    """Whether a file may hold events of a period, by its name. One without a time in its name may."""
    if period is None or delivered is None:
        return True
    return period[0] - LOG_NAME_TELLS <= delivered <= period[1] + DELIVERED_WITHIN


def days_of(period: Span) -> list[date]:
    """The days on which files with events of a period may be delivered."""
    first, last = period[0].date(), (period[1] + DELIVERED_WITHIN).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@dataclass(frozen=True, slots=True)
class RegionFolder:
    """Where the files of an account's region lie.

    :param trail: the name and the home region of the trail whose digests tell what was delivered. Default: - of each
        trail that delivers there.
    """

    location: DeliveryLocation
    region: str
    trail: TrailKey | None = None


@dataclass(frozen=True, slots=True)
class Covered:
    """What the digests of an account and region say.

    :param digests: how many could be read.
    :param gaps: by trail, times of the period that no digest of it covers.
    :param not_due_from: the newest time of the period begins here, of which no digest is due yet.
    :param missing: keys of log files that a digest lists and that are not there.
    :param problems: what could not be looked at, each as a sentence.
    :param files: how many log files are there.
    :param strangers: what lies among the digests and has no digest's name.
    """

    account: str
    region: str
    digests: int
    gaps: Mapping[TrailKey, tuple[Span, ...]]
    missing: tuple[str, ...]
    problems: tuple[str, ...]
    files: int
    not_due_from: datetime | None = None
    strangers: tuple[str, ...] = ()

    def holes(self, *, is_copy: bool) -> list[tuple[str, str, str]]:
        """Why events may be missing: account, region and a sentence each."""
        return [(self.account, self.region, sentence) for sentence in self._sentences(is_copy=is_copy)]

    def _sentences(self, *, is_copy: bool) -> list[str]:
        found = list(self.problems)
        if not self.digests:
            found.append("there are no digest files of this time, so nothing tells whether log files are missing.")
        for (trail, _), gaps in self.gaps.items():
            digest = f"digest of {trail}" if len(self.gaps) > 1 else "digest"
            for start, end in gaps[:NAMED]:
                found.append(
                    f"no {digest} covers {iso(start)} to {iso(end)}: logging was off, files were removed"
                    f"{', or the copy ends there' if is_copy else ''}."
                )
            if len(gaps) > NAMED:
                found.append(f"{len(gaps) - NAMED} more times are covered by no {digest}.")
        if self.missing:
            named = ", ".join(self.missing[:NAMED])
            more = f" and {len(self.missing) - NAMED} more" if len(self.missing) > NAMED else ""
            found.append(f"{len(self.missing)} log files that a digest lists are not there: {named}{more}.")
        return found


def look_at_digests(
    store: ObjectStore,
    where: RegionFolder,
    days: Sequence[date],
    listed: frozenset[str],
    period: Span | None,
    now: datetime,
    unlisted: Mapping[str, str],
) -> Covered:
    """Ask the digests of a region.

    :param days: the days with digests.
    :param listed: the keys of the log files that are there.
    :param unlisted: by the beginning of their keys, files that could not be listed, with why: none of them is missing.
    """
    told = list(unlisted.values())
    unseen = tuple(map(_below_root, unlisted))
    strangers: list[str] = []
    by_trail = _digests(store, _names(store, where, days, told, strangers), told)
    digests = [digest for of_trail in by_trail.values() for digest in of_trail]
    there = {_below_root(key) for key in listed}
    missing = sorted(
        {
            log.name.key
            for digest in digests
            for log in digest.logs
            if (key := _below_root(log.name.key)) not in there
            and not key.startswith(unseen)
            and _is_asked_for(log.name, period)
        }
    )
    return Covered(
        where.location.account,
        where.region,
        len(digests),
        {trail: tuple(_gaps(of_trail, period, now)) for trail, of_trail in sorted(by_trail.items())},
        tuple(missing),
        tuple(told),
        len(listed),
        min(filter(None, (_not_due_from(of_trail, period, now) for of_trail in by_trail.values())), default=None),
        tuple(strangers),
    )


def _is_asked_for(name: ObjectName, period: Span | None) -> bool:
    named = LogName.parse(name)
    return is_delivered_in(named.delivered if named else None, period)


def _below_root(key: str) -> str:
    """A key without the bucket's prefix: in a copy it may be another."""
    return key[key.rfind(ROOT) :]


def _digests(
    store: ObjectStore, names: Sequence[tuple[TrailKey, ObjectName]], told: list[str]
) -> dict[TrailKey, list[Digest]]:
    """What can be read, by trail: what one trail signed for says nothing of another one's time."""
    digests: dict[TrailKey, list[Digest]] = {}
    unread = 0
    for first in range(0, len(names), _READ_AT_ONCE):
        some = names[first : first + _READ_AT_ONCE]
        results = store.read_each([name for _, name in some], lambda _: GzipSink(MAX_DIGEST_BYTES, keep_body=True))
        for (trail, _), result in zip(some, results, strict=True):
            body = result.value.body if isinstance(result, Found) else None
            try:
                read = parse_digest(body or b"")
            except NotADigest:
                unread += 1
            else:
                digests.setdefault(trail, []).append(read)
    if unread:
        told.append(f"{unread} digest files could not be read.")
    return digests


def _names(
    store: ObjectStore, where: RegionFolder, days: Sequence[date], told: list[str], strangers: list[str]
) -> list[tuple[TrailKey, ObjectName]]:
    location, region = where.location, where.region
    names: list[tuple[TrailKey, ObjectName]] = []
    for day in days:
        try:
            found = [entry.name for entry in store.objects(location.bucket, location.digests_on(region, day))]
        except CannotLook as error:
            told.append(f"the digests of {day} could not be listed: {error}")
            continue
        for name in found:
            digest = DigestName.parse(name)
            if digest is not None:
                names.append((digest.chain.trail_key, name))
            elif not name.key.endswith("/"):
                strangers.append(str(name))
    if len(names) > _MAX_DIGESTS:
        told.append(f"there are too many digests; {_MAX_DIGESTS:,} were looked at.")
        names = names[:_MAX_DIGESTS]
    if where.trail is not None:
        names = [(trail, name) for trail, name in names if trail == where.trail]
    return names


def _gaps(digests: Sequence[Digest], period: Span | None, now: datetime) -> list[Span]:
    times = sorted((digest.start, digest.end) for digest in digests)
    at = period[0] if period else times[0][0]
    gaps = []
    for start, end in times:
        if period and start > period[1]:
            break
        if start > at + _SAME:
            gaps.append((at, min(start, period[1]) if period else start))
        at = max(at, end)
    newest = max(end for _, end in times)
    # A digest of later than the period says that the one of its end is due.
    if period and at + _SAME < period[1] and (newest >= period[1] or now - newest > _DUE_WITHIN):
        gaps.append((at, period[1]))
    return gaps


def _not_due_from(digests: Sequence[Digest], period: Span | None, now: datetime) -> datetime | None:
    """Where the newest time of the period begins that is too new for a digest; ``None`` if there is no such time."""
    covered = max((digest.end for digest in digests), default=None)
    if period is None or covered is None or covered + _SAME >= period[1] or now - covered > _DUE_WITHIN:
        return None
    return max(covered, period[0])
