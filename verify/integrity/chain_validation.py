"""Validates one chain, that is one account and region of a trail, day by day from the newest to the oldest.

Memory stays flat however long the period is: what is kept of a day that is done is its counts, its problems and its
periods of time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from datetime import UTC, date, datetime, time
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from verify.errors import CannotLook
from verify.integrity.digests.chain import ChainWalk, Gap, GapKind, JudgedDigest
from verify.integrity.digests.digest import Digest, LogReference
from verify.integrity.digests.digest_file import DigestFile, SignatureStatus, with_successor_signature
from verify.integrity.digests.public_keys import KeyRing
from verify.integrity.origin import DELIVERED_WITHIN, Origin
from verify.integrity.reader import ChainReader, DayFiles, days_back
from verify.integrity.reconcile import (
    Deliverer,
    Reconciliation,
    ReconciliationContext,
    SignedTimes,
    Unlisted,
    interval_of,
)
from verify.integrity.result import ChainResult, OnProgress
from verify.integrity.state import Anchor, listing_hash
from verify.integrity.timeline.configuration import BucketAndPrefix, Configuration, NoStatus, Setting, TrailStatus
from verify.integrity.timeline.gaps import (
    DUE_AFTER_INTERVALS,
    HOUR,
    GapContext,
    LatestDelivery,
    broken,
    is_over,
    linked,
    may_come,
    quiet_from,
    restart,
    tail,
)
from verify.integrity.timeline.timeline import Period, cut
from verify.integrity.timeline.verdict import BAD, HARMLESS, Evidence, JudgedPeriod, Problem, Verdict
from verify.storage.gzip_content import Content
from verify.storage.layout import LOG_NAME_TELLS, ChainName, DeliveryLocation, DigestName, LogName
from verify.storage.objects import Found, ListedObject, ObjectName, ReadResult

_BACKFILLS_NOT_LINKED = (
    "a backfill digest after it is not proven, so whether one before that is gone, with its log files, is not known"
)
_DEEPER = "it lies deeper than where CloudTrail puts a file"
_PREFETCHED_DAYS = 8
_MAX_BACKFILLS = 10_000  # remembered of a chain
TrailKey = tuple[str, str]  # name, home region
OtherTrails = Mapping[TrailKey, bool]


class UnsignedTime(Struct, frozen=True):
    """A time in which another trail is known to have delivered log files that nobody signs for."""

    trail: str
    period: Period


class ChainRequest(Struct, frozen=True):
    """What the validation of one chain needs to know.

    :param locations: where the chain's files lie, or lay.
    :param now: by the service's clock, or the moment that a copy was made.
    :param settled_since: see :class:`verify.integrity.timeline.gaps.GapContext`.
    :param delivers_here_since: asks since when the trail is known to deliver to where it delivers today, and to no
        place that is not looked at.
    :param came_unseen: whether the last call that tells where the trail delivers tells of another place than the one
        where it delivers today.
    :param status: what GetTrailStatus says in the region; of another account's chain it says nothing.
    :param is_always_enabled: see :class:`verify.integrity.timeline.gaps.GapContext`.
    :param is_expected: whether the trail is to be expected there at all; if not, and none of its digests is there, only
        what lies there is judged.
    :param calls_around: reads the calls on the trail in the logs of digests: only to say who did what.
    :param other_trails: asks which other trails deliver to the location, and of each whether it signs for what it
        delivers today; ``None`` for whoever does not know.
    :param unsigned: asks when other trails delivered to a location of their own without signing.
    :param is_apart: whether the locations are places that another trail has, and this one has not.
    :param is_remembered: whether the next run is to know what this one proves.
    :param remembered: what an earlier run proved.
    :param anchor: the same, where nothing was written since: the period begins where it ends.
    :param on_proven: see :class:`verify.integrity.validate.ValidationRequest`.
    """

    chain: ChainName
    locations: tuple[DeliveryLocation, ...]
    period: Period
    now: datetime
    keys: KeyRing
    origin: Origin
    status: TrailStatus | NoStatus
    configuration: Configuration
    is_always_enabled: bool
    is_expected: bool
    calls_around: Callable[[Digest | None, Digest], str]
    other_trails: Callable[[DeliveryLocation], OtherTrails | None] = lambda _location: {}
    unsigned: Callable[[DeliveryLocation], tuple[UnsignedTime, ...]] = lambda _location: ()
    is_apart: bool = False
    with_logs: bool = True
    settled_since: datetime | None = None
    delivers_here_since: Callable[[], datetime | None] = lambda: None
    came_unseen: bool = False
    is_remembered: bool = True
    remembered: Anchor | None = None
    anchor: Anchor | None = None
    on_proven: Callable[[ObjectName, str], None] = lambda _name, _sha256: None


class _DigestsOfOtherTrails:
    """Other trails that deliver to the same location: what their proven digests name and for which times."""

    def __init__(self, request: ChainRequest, reader: ChainReader) -> None:
        self._request = request
        self._reader = reader
        self._walks: dict[ChainName, ChainWalk] = {}
        self.signed: dict[TrailKey, SignedTimes] = {}
        self._are_real: set[TrailKey] = set()
        self._unproven: list[JudgedDigest] = []

    def take(self, files: Iterable[DigestFile], since: datetime) -> Iterator[JudgedDigest]:
        """Judge the digests of a day."""
        by_chain: dict[ChainName, list[DigestFile]] = {}
        for file in files:
            by_chain.setdefault(file.named.chain, []).append(file)
        for chain, of_chain in by_chain.items():
            key = chain.trail_key
            walk = self._walks.setdefault(chain, ChainWalk(self._request.keys, self._request.origin))
            for item in walk.take(of_chain, since, self._fetch):
                if isinstance(item, Gap):
                    continue
                if item.digest is not None:
                    self._are_real.add(key)
                    if not chain.is_backfill:
                        self.signed.setdefault(key, SignedTimes()).add(item.digest.start, item.digest.end)
                elif item.verdict is not Verdict.MISSING and len(self._unproven) < 1000:
                    self._unproven.append(item)
                yield item

    def problems(self, known: Callable[[], OtherTrails | None]) -> Iterator[JudgedDigest]:
        """Digests that another trail did not sign; those of a trail that nothing shows to exist are foreign.

        :param known: asks which trails deliver here.
        """
        if self._unproven:
            self._are_real |= set(known() or ())
        for judged in self._unproven:
            named = DigestName.parse(judged.name)
            if judged.verdict is not Verdict.UNPROVEN and named is not None:
                is_real = named.chain.trail_key in self._are_real
                verdict = judged.verdict if is_real else Verdict.FOREIGN
                yield replace(judged, verdict=verdict, reason=f"{judged.reason}; it is named as another trail's")
            else:
                yield judged

    def _fetch(self, name: ObjectName) -> Iterable[DigestFile]:
        named = DigestName.parse(name)
        return self._reader.digests([named]) if named else []


class ChainValidation:
    """One run over one chain.

    :param ahead: runs what is read ahead.
    """

    def __init__(self, request: ChainRequest, reader: ChainReader, ahead: Executor, on_progress: OnProgress) -> None:
        self._request = request
        self._reader = reader
        self._ahead = ahead
        self._locations = list(request.locations)
        self._walk = ChainWalk(request.keys, request.origin)
        self._backfill = ChainWalk(request.keys, request.origin)
        self._other_trails = _DigestsOfOtherTrails(request, reader)
        self._signed = SignedTimes()
        context = ReconciliationContext(
            origin=request.origin,
            now=request.now,
            on_progress=on_progress,
            on_unlisted=reader.read_unlisted,
            find_in_later_digests=self._named_later,
            deliverers=self._deliverers,
            unsigned_by=self._unsigned_by,
            lies_apart=lambda: request.is_apart and self._is_another_trails and bool(self._known_other_trails()),
            on_proven=request.on_proven,
        )
        self._reconciliation = Reconciliation(request.period, context, with_logs=request.with_logs)
        self._has_tail = False
        self._last_day = request.period.end.date()
        self._newer: Digest | None = None  # the proven digest taken last
        self._newest: JudgedDigest | None = None  # the newest proven digest
        self._listings: dict[date, str | None] = {}
        self._has_seen_remembered = False
        self._unsigned: dict[DeliveryLocation, tuple[UnsignedTime, ...]] = {}  # that were asked for
        self._led: set[BucketAndPrefix] = set()  # where log files lie that digests list
        self._backfills: list[DigestName] = []  # that are proven
        # The newest that is not proven since the last that is; what is older than both has no link that is known.
        self._unlinked_until: datetime | None = None

    def run(self) -> ChainResult:
        """Validate the chain.

        :raises CannotLook: a bucket could not be listed.
        """
        for day, files in self._days():
            self._take(day, files)
        self._close()
        for judged in self._other_trails.problems(self._known_other_trails):
            named = DigestName.parse(judged.name)
            end = named.end if named else self._request.period.end
            if self._request.period.overlaps(end - HOUR, end):
                self._reconciliation.tally.digests[judged.verdict] += 1
                self._add_problem(judged, Period(end - HOUR, end))
        self._check_remembered()
        self._check_remembered_backfills()
        periods = self._reconciliation.close()
        if self._is_another_trails:
            periods = self._reconciliation.timeline.problems()
        early = self._reconciliation.timeline.early()
        anchor = self._next_anchor(periods)
        return ChainResult(self._request.chain, periods, self._reconciliation.tally, anchor, early, self.places)

    @property
    def places(self) -> frozenset[BucketAndPrefix]:
        """To which buckets and prefixes the chain's digests led so far, beside those where it was looked for."""
        found = self._locations[len(self._request.locations) :]
        return frozenset({*(one.place for one in found), *self._led})

    @property
    def _is_another_trails(self) -> bool:
        """Whether nothing but a folder says that the trail delivers here, and there is no digest of it."""
        return not self._request.is_expected and not self._has_tail

    @property
    def _gap_context(self) -> GapContext:
        request = self._request
        return GapContext(
            request.chain.region,
            request.configuration,
            request.is_always_enabled,
            request.now,
            self._reconciliation.interval,
            request.settled_since,
        )

    def _next_anchor(self, periods: tuple[JudgedPeriod, ...]) -> Anchor | None:
        """Where the next run may begin, when there is no doubt about anything before it."""
        newest, request = self._newest, self._request
        is_whole = (
            all(judged_period.verdict in HARMLESS for judged_period in periods)
            and not self._reconciliation.tally.problems
        )
        if not request.is_remembered or newest is None or not is_whole or not request.with_logs:
            return None
        if len(self._locations) > 1:  # it moved: the listings are those of several places
            return None
        since, days = (request.anchor.since, request.anchor.days) if request.anchor else (request.period.start, {})
        known = request.anchor.periods if request.anchor else ()
        listings = {
            day: value
            for day, value in self._listings.items()
            if value is not None and request.period.start.date() <= day < newest.end.date()
        }
        # The next run reads the last day again: more may have been written to it since it was listed.
        midnight = datetime.combine(newest.end.date(), time.min, UTC)
        if midnight <= since or any(
            judged_period.verdict is Verdict.NOT_DUE for judged_period in cut(periods, Period(since, midnight))
        ):
            return None
        found = cut((*known, *periods), Period(since, midnight))
        return Anchor(
            since, midnight, newest.name, newest.sha256, found, {**days, **listings}, self._remembered_backfills()
        )

    def _remembered_backfills(self) -> tuple[ObjectName, ...]:
        """The backfill digests that are proven, or were: of those that this run did not look for, too."""
        known = self._request.remembered.backfills if self._request.remembered else ()
        named = {one.name: one for name in known if (one := DigestName.parse(name)) is not None}
        named |= {one.name: one for one in self._backfills}
        return tuple(sorted(named, key=lambda name: (named[name].end, name)))[-_MAX_BACKFILLS:]

    def _days(self) -> Iterator[tuple[date, DayFiles]]:
        """The days of the period, and what around it may list logs at its edges; read ahead."""
        period = self._request.period
        self._last_day = self._newest_day()
        days = iter(days_back(self._last_day, (period.start - HOUR).date()))
        ahead: deque[tuple[date, int, Future[DayFiles]]] = deque()
        while True:
            while len(ahead) < _PREFETCHED_DAYS and (day := next(days, None)) is not None:
                locations = tuple(self._locations)
                ahead.append((day, len(locations), self._ahead.submit(self._reader.day, locations, day)))
            if not ahead:
                return
            day, number, future = ahead.popleft()
            files = future.result()
            # The chain may have turned out to come from elsewhere since the day was read ahead.
            for location in self._locations[number:]:
                files.add(self._reader.day([location], day))
            yield day, files

    def _newest_day(self) -> date:
        """The day of the first digest after the period, days later if need be: it tells what came before it."""
        request = self._request
        first, last = ((moment + DUE_AFTER_INTERVALS * HOUR).date() for moment in (request.period.end, request.now))
        days = sorted(
            {day for location in self._locations for day in self._reader.digest_days(location) if day >= first}
        )
        for day in days:
            for location in self._locations:
                named = self._reader.listed_digests(location, day, is_read_next=True)
                if any(not name.chain.is_backfill and name.end > request.period.end for name, _ in named):
                    return max(day, first)
        return max([first, *(day for day in days if day <= last)])

    def _take(self, day: date, files: DayFiles) -> None:
        midnight = datetime.combine(day, time.min, UTC)
        known = len(self._locations)

        if self._request.is_remembered:
            self._listings[day] = listing_hash(files.listed)
        if not self._request.origin.is_whole_at_its_end:
            self._check_names(day, files)
        if not self._has_tail:
            self._reconciliation.interval = interval_of(files.hourly) if files.hourly else self._reconciliation.interval
        for item in self._walk.take(files.hourly, midnight, self._fetch):
            self._take_hourly(item)
        for location in self._locations[known:]:
            files.add(self._reader.day([location], day))
        for item in self._backfill.take(files.backfill, midnight, self._fetch):
            self._take_backfill(item)
        for judged in self._other_trails.take(files.others, midnight):
            self._reconciliation.add_other_names(judged)
            if judged.digest is not None:
                self._reconciliation.add_other_reads(self._reader.logs(self._logs_of_period(judged.digest)))
        for name in files.foreign:
            self._reconciliation.add_foreign(name, day)
        self._reconciliation.end_day(day, files.logs)

    def _fetch(self, name: ObjectName) -> Iterator[DigestFile]:
        try:
            found, location = self._reader.expected(name, self._locations)
        except CannotLook:
            # Whatever else lies there is not seen, either.
            named = DigestName.parse(name)
            self._locations += [named.location] if named else []
            raise
        self._locations += [location] if location else []
        return iter(found)

    def _check_names(self, day: date, files: DayFiles) -> None:
        """In a copy, what follows ``AWSLogs/`` is a file's name: of two that have the same one, one is looked at."""
        region = self._request.chain.region
        folders = {folder(region, day) for place in self._locations for folder in (place.digests_on, place.logs_on)}
        by_name: dict[str, list[ObjectName]] = {}
        for entry in files.listed:
            top, _, _ = entry.name.key.rpartition("/")
            if f"{top}/" not in folders:
                self._reconciliation.add_misplaced(entry.name, day, Verdict.FOREIGN, _DEEPER)
            elif self._is_asked(entry.name):
                by_name.setdefault(self._request.origin.identity(entry.name), []).append(entry.name)
        for names in by_name.values():
            if len(names) > 1:
                self._check_same(day, names)

    def _is_asked(self, name: ObjectName) -> bool:
        """Whether it is of the period, or may be named by a digest that covers some of it."""
        log, digest = LogName.parse(name), DigestName.parse(name)
        at = digest.end if digest else log.delivered if log else self._request.period.start
        return self._request.period.overlaps(at - HOUR, at + HOUR)

    def _check_same(self, day: date, names: list[ObjectName]) -> None:
        """Of files of the same name, at most one can be what CloudTrail delivered, unless they are all the same."""
        first, *others = self._reader.contents(names)
        for name, other in zip(names[1:], others, strict=True):
            if not isinstance(first, Found) or not isinstance(other, Found):
                self._reconciliation.add_misplaced(
                    name, day, Verdict.UNPROVEN, f"whether it is the same as {names[0]} is not known"
                )
            elif first.value.flaw or other.value.flaw or first.value.sha256 != other.value.sha256:
                why = f"the copy holds it as {names[0]} as well, which is not the same"
                self._reconciliation.add_misplaced(name, day, Verdict.ALTERED, why)
            else:
                self._reconciliation.tally.doubles += 1

    def _take_backfill(self, item: JudgedDigest | Gap) -> None:
        if isinstance(item, Gap):
            if item.kind is GapKind.BROKEN:
                self._add_unlinked(item.start)
            return
        self._take_digest(item, is_hourly=False)
        named = DigestName.parse(item.name)
        if item.digest is None:
            self._unlinked_until = self._unlinked_until or item.end
        elif named is not None:
            self._backfills.append(named)
            self._unlinked_until = None

    def _add_unlinked(self, start: datetime) -> None:
        """Add the time before a backfill digest that is not proven, for it alone would name the one before it."""
        if self._unlinked_until is None or self._unlinked_until <= start:
            return
        for part in self._not_off(Period(start, self._unlinked_until)):
            unproven = JudgedPeriod(part.start, part.end, Verdict.UNPROVEN, _BACKFILLS_NOT_LINKED)
            self._reconciliation.timeline.add_problem(unproven)

    def _take_digest(self, judged: JudgedDigest, *, is_hourly: bool) -> None:
        account, digest = self._reconciliation, judged.digest
        if self._request.remembered is not None and judged.name == self._request.remembered.digest:
            self._has_seen_remembered = judged.verdict is not Verdict.MISSING
        if judged.unproven is not None:
            account.add_unproven_names(judged.unproven, judged.verdict)
        elif digest is None:
            account.add_unread(judged)
        start = digest.start if digest else judged.end - self._reconciliation.interval
        is_asked = self._request.period.overlaps(start, judged.end)
        if is_asked:
            counter = account.tally.digests if is_hourly else account.tally.backfills
            counter[judged.verdict] += 1
            if judged.verdict is not Verdict.PROVEN:
                self._add_problem(judged, Period(start, judged.end))
            elif judged.reason:
                account.tally.record(Problem(judged.verdict, str(judged.name), judged.reason))
        if digest is None:
            return
        account.add_names(digest)
        self._note_places(digest)
        self._check_anchor(judged, digest)
        if is_hourly:
            self._signed.add(digest.start, digest.end)
        logs = self._reader.logs(self._logs_of_period(digest))
        if is_asked:
            account.add_digest(judged, digest, logs, is_hourly=is_hourly)
        else:
            account.add_reads_of_elsewhere(logs)

    def _note_places(self, digest: Digest) -> None:
        """Note where the log files of a proven digest lie: where the trail was for minutes no digest need ever come."""
        if not self._request.origin.may_be_followed:
            return
        bucket, root = self._locations[0].bucket, self._locations[0].root
        for log in digest.logs:
            if log.name.bucket == bucket and log.name.key.startswith(root):
                continue
            named = LogName.parse(log.name)
            if named is not None and named.location not in self._locations:
                self._led.add(named.location.place)

    def _logs_of_period(self, digest: Digest) -> Iterable[LogReference]:
        """The logs of a digest that are to be read: all of one that covers some of the period; of one that does not,
        those that were delivered again, or late, and whose names tell a time of the period: there they lie.
        """
        period = self._request.period
        if not self._request.with_logs:
            return ()
        if period.overlaps(digest.start, digest.end):
            return digest.logs
        named = ((log, LogName.parse(log.name)) for log in digest.logs)
        return [
            log
            for log, name in named
            if name is not None
            and name.delivered + LOG_NAME_TELLS <= digest.start
            and period.overlaps(name.delivered, name.delivered + LOG_NAME_TELLS)
        ]

    def _add_problem(self, judged: JudgedDigest, whole: Period) -> None:
        """Add a digest that is not proven; one that says nothing makes nothing doubtful that needs no digest.

        What is unproven in a copy may be one that is known, in the bucket, not to be genuine.
        """
        is_whole = self._request.origin.is_whole_at_its_end
        is_open = judged.verdict is Verdict.MISSING or (judged.verdict is Verdict.UNPROVEN and is_whole)
        times = self._not_off(whole) if is_open else [whole]
        self._reconciliation.add_problem(judged, *times)

    def _not_off(self, period: Period) -> list[Period]:
        """The parts of a time in which logging is not proven to have been off, or what came before may still come."""
        region = self._request.chain.region
        parts = self._request.configuration.between(region, period.start, period.end)
        times = ((part.start, min(part.end, quiet_from(part) or part.end)) for part in parts)
        return [Period(start, end) for start, end in times if start < end]

    def _check_anchor(self, judged: JudgedDigest, digest: Digest) -> None:
        """The chain must lead to the very digest up to which an earlier run proved it."""
        remembered, link = self._request.remembered, digest.previous
        if remembered is None:
            return
        is_another = judged.name == remembered.digest and judged.sha256 != remembered.sha256
        if is_another or (link is not None and link.name == remembered.digest and link.sha256 != remembered.sha256):
            reason = "it is not, or not linked to, the digest that an earlier run ended with"
            self._reconciliation.tally.digests[Verdict.ALTERED] += 1
            altered = replace(judged, verdict=Verdict.ALTERED, reason=reason)
            self._reconciliation.add_problem(altered, Period(digest.start, digest.end))

    def _check_remembered(self) -> None:
        """What an earlier run proved cannot go away: an older, genuine state of a bucket is one that lost something."""
        remembered, period = self._request.remembered, self._request.period
        named = DigestName.parse(remembered.digest) if remembered else None
        if remembered is None or named is None or self._has_seen_remembered or named.end > period.end:
            return
        (file,) = self._reader.digests([named])  # the trail may have been given another place since
        if file.signature_status is not SignatureStatus.FILE_MISSING:
            return
        reason = f"an earlier run proved it up to {remembered.digest}, and that digest is gone"
        for judged_period in remembered.periods:
            if judged_period.verdict is Verdict.PROVEN:
                self._reconciliation.timeline.add_problem(
                    JudgedPeriod(judged_period.start, judged_period.end, Verdict.MISSING, reason)
                )
        self._reconciliation.timeline.add_problem(JudgedPeriod(remembered.end, named.end, Verdict.MISSING, reason))
        self._reconciliation.tally.record(Problem(Verdict.MISSING, str(remembered.digest), reason))
        self._reconciliation.tally.digests[Verdict.MISSING] += 1

    def _check_remembered_backfills(self) -> None:
        """The newest backfill digest is named by an earlier run alone. The others are named by the ones after them."""
        remembered, anchor = self._request.remembered, self._request.anchor
        seen = {named.name for named in self._backfills}
        period, sought = self._request.period, list[DigestName]()
        for name in remembered.backfills if remembered else ():
            named = DigestName.parse(name)
            if named is None or name in seen or named.end - HOUR >= period.end:
                continue
            # What lies before an anchor is listed as it was.
            if named.end > period.start or (anchor and named.end == anchor.end):
                sought.append(named)
        for file in self._reader.digests(sought):
            if file.signature_status is SignatureStatus.FILE_MISSING:
                reason = "an earlier run proved it, and it is gone"
                gone = JudgedDigest(file.name, file.named.end, Verdict.MISSING, reason)
                self._reconciliation.tally.backfills[Verdict.MISSING] += 1
                self._reconciliation.add_problem(gone, Period(file.named.end - HOUR, file.named.end))

    def _take_hourly(self, item: JudgedDigest | Gap) -> None:
        if isinstance(item, Gap):
            for judged_period in self._explained(item):
                self._reconciliation.add_period(judged_period)
            return
        if not self._has_tail:
            self._has_tail = True
            # The first one taken is the newest there is, proven or not.
            self._add_tail(item.end, item.digest.start if item.digest else None)
        self._take_digest(item, is_hourly=True)
        self._newer = item.digest or self._newer
        if self._newest is None and item.digest is not None and item.end <= self._request.period.end:
            self._newest = item

    def _explained(self, gap: Gap) -> tuple[JudgedPeriod, ...]:
        older = Period(gap.older.start, gap.older.end)
        if self._newer is None:
            return broken(self._gap_context, gap.start, gap.end, gap.verdict)
        newer = Period(self._newer.start, self._newer.end)
        if gap.kind is GapKind.RESTART:
            periods = self._restarted(older, newer, gap.start)
            return self._with_calls(periods, gap.older, self._newer)
        if gap.kind is GapKind.LINKED:
            return linked(self._gap_context, older, replace(newer, start=gap.end))
        return broken(self._gap_context, gap.start, gap.end, gap.verdict)

    def _restarted(self, older: Period | None, newer: Period, since: datetime) -> tuple[JudgedPeriod, ...]:
        """What lies before a starting digest; what a copy lacks of its last day may not have been copied yet."""

        def allowed(judged_period: JudgedPeriod) -> JudgedPeriod:
            verdict, reason = self._request.origin.absent(judged_period.end, self._signed.newest_end)
            return (
                replace(judged_period, verdict=verdict, reason=reason)
                if verdict is not Verdict.MISSING
                else judged_period
            )

        periods = restart(self._gap_context, older, newer, since)
        return tuple(
            allowed(judged_period) if judged_period.verdict is Verdict.MISSING else judged_period
            for judged_period in periods
        )

    def _with_calls(
        self, periods: tuple[JudgedPeriod, ...], older: Digest | None, newer: Digest
    ) -> tuple[JudgedPeriod, ...]:
        """What is not known, with the calls that signed logs around it tell of, for whoever has to find out."""
        if not any(
            judged_period.verdict is Verdict.UNPROVEN and judged_period.evidence.settles for judged_period in periods
        ):
            return periods
        calls = self._request.calls_around(older, newer)
        if not calls:
            return periods
        more = f"; signed logs around it tell of {calls}, but not that nothing happened in between"
        return tuple(
            replace(judged_period, reason=judged_period.reason + more)
            if judged_period.evidence.settles
            else judged_period
            for judged_period in periods
        )

    def _close(self) -> None:
        """Account for what lies before the oldest digest."""
        start = self._request.period.start
        if self._backfill.before_oldest[0] is GapKind.BROKEN:
            self._add_unlinked(start)
        if not self._has_tail:
            self._add_tail(None, None)
            return
        kind, verdict = self._walk.before_oldest
        oldest_start = self._walk.oldest_start
        if oldest_start is None or oldest_start <= start:
            return
        periods: tuple[JudgedPeriod, ...]
        if kind is GapKind.RESTART and self._newer is not None:
            newer = Period(self._newer.start, self._newer.end)
            periods = self._with_calls(self._restarted(None, newer, start), None, self._newer)
        elif kind is GapKind.LINKED and self._newer is not None:
            # A predecessor that is still to come ended before the time that was looked at.
            newer = Period(oldest_start, self._newer.end)
            periods = linked(self._gap_context, Period(start, start), newer)
        else:
            periods = broken(self._gap_context, start, oldest_start, verdict)
        for judged_period in periods:
            self._reconciliation.add_period(judged_period)

    # ---- the end of the chain --------------------------------------------------------------------------------------

    def _add_tail(self, end: datetime | None, signed_at: datetime | None) -> None:
        """What lies after the newest digest.

        :param end: where it ends, proven or not. Default: - there is none.
        :param signed_at: a moment that it covers, if it is proven.
        """
        latest = self._latest(end)
        periods = tail(self._gap_context, end, signed_at, latest, self._request.period)
        if not self._request.origin.is_whole_at_its_end and not latest.is_here:
            periods = tuple(map(_in_a_copy, periods))
        for judged_period in periods:
            self._reconciliation.add_period(judged_period)

    def _latest(self, newest: datetime | None) -> LatestDelivery:
        status = self._request.status
        if isinstance(status, NoStatus):
            return LatestDelivery(is_known=False, why_not=status.why, was_refused=status.was_refused)
        delivered = status.latest_digest_delivery
        if delivered is None:
            return LatestDelivery()
        is_here, is_elsewhere = self._is_here(delivered, newest)
        return LatestDelivery(delivered, is_here=is_here, may_be_elsewhere=is_elsewhere)

    def _is_here(self, delivered: datetime, newest: datetime | None) -> tuple[bool | None, bool]:
        """Whether a digest that was delivered at a moment is among those that are there, whatever it covers.

        What is written again (encrypted anew, say) is of a later moment: then that cannot be told. Nor can it where
        one is of that very moment that was not due then: whoever deleted the newest may have written that anew.

        :returns: that, or ``None``; and whether it is not here, and may have been delivered elsewhere.
        """
        latest_end, tolerance = newest, self._reconciliation.interval / 12  # five minutes of an hour
        is_whole = self._request.origin.is_whole_at_its_end
        is_rewritten, before, latest = not is_whole, None, None
        for name, entry in self._digests_since((delivered - DELIVERED_WITHIN).date()):
            if is_whole and abs(entry.last_modified - delivered) <= tolerance:
                if self._may_be_delivered(name, delivered):
                    self._reader.read_unlisted(name.name)  # an export keeps what shows it
                    return True, False
                is_rewritten = True  # or it was late; an older one, written anew at that moment, looks the same
            if not name.chain.is_backfill:
                is_rewritten = is_rewritten or entry.last_modified > delivered
                if latest_end is None or name.end > latest_end:
                    latest_end, latest = name.end, name.name
                if entry.last_modified < delivered and entry.name.key.startswith(self._locations[0].root):
                    before = max(before or entry.last_modified, entry.last_modified)
        if not is_rewritten and self._was_delivered_here(delivered, before):
            return False, False
        # A digest is not delivered before the time that it covers is over, be it an interval or up to a stop.
        is_newest = latest_end is not None and latest_end + self._reconciliation.interval > delivered + tolerance
        if not is_newest or latest_end is None or self._was_stopped(latest_end, delivered):
            return None, not is_rewritten
        if latest is not None:
            self._reader.read_unlisted(latest)
        return True, False

    def _may_be_delivered(self, name: DigestName, moment: datetime) -> bool:
        """Whether a digest is one that CloudTrail delivers at a moment when it is on time: an hour after its end, at
        most, and after a stop, the one that covers it.
        """
        is_on_time = name.end <= moment <= name.end + self._reconciliation.interval
        return is_on_time and not self._was_stopped(name.end, moment)

    def _was_stopped(self, after: datetime, until: datetime) -> bool:
        """Whether logging was stopped after a digest's end, so that another one covers the stop.

        The status tells the last stop alone, which a later one hides, also one that changed nothing.
        """
        status, configuration = self._request.status, self._request.configuration
        stops = [
            call.at for call in configuration.calls if call.changes(Setting.LOGGING) and call.name == "StopLogging"
        ]
        stops += [] if isinstance(status, NoStatus) or status.stopped is None else [status.stopped]
        return any(
            # A stop of what was stopped already has no digest of its own.
            not configuration.known.covers(after, stopped)
            or configuration.was_ever(Setting.LOGGING, after, stopped) is not False
            for stopped in stops
            if after < stopped.replace(microsecond=0) <= until
        )

    def _was_delivered_here(self, delivered: datetime, before: datetime | None) -> bool:
        """Whether the trail delivered to this very place at a moment: it may have been given another one since.

        :param before: when the newest digest that is here was delivered.
        """
        configuration = self._request.configuration
        # Where a digest goes whose time began before a change is documented nowhere.
        begun = delivered - self._gap_context.due_after
        begun = begun if before is None else min(before, begun)
        # Whoever does not know all calls since does not know that the trail did not go elsewhere, and come back.
        if not configuration.known.covers(begun, delivered) or self._request.came_unseen:
            return False
        moves = [call.at for call in configuration.calls if call.relocates and not call.is_creation]
        if before is not None and not any(begun <= moved for moved in moves):
            return True
        since = self._request.delivers_here_since()
        return since is not None and since <= delivered

    def _digests_since(self, day: date) -> Iterator[tuple[DigestName, ListedObject]]:
        """The chain's digests that are listed from a day on, the newest day first."""
        for location in self._locations:
            for one in sorted((one for one in self._reader.digest_days(location) if one >= day), reverse=True):
                yield from self._reader.listed_digests(location, one)

    # ---- files that no digest of the period names ------------------------------------------------------------------

    def _deliverers(self) -> Iterator[Deliverer]:
        chain = self._request.chain
        if not self._is_another_trails:
            newest = self._newest.digest if self._newest else None
            may_sign = partial(may_come, self._gap_context, signed_at=newest.start if newest else None)
            yield Deliverer(chain.trail, self._signed, self._is_off, may_sign)
        known = self._known_other_trails()
        own = chain.trail_key
        sign_today = {key: signs for key, signs in (known or {}).items() if key != own}
        for key in sign_today:
            self._other_trails.signed.setdefault(key, SignedTimes())
        for key, signed in self._other_trails.signed.items():
            signs = signed.newest_end is not None or sign_today.get(key, False)
            yield Deliverer(key[0], signed, _never, _always if signs else _never, signs=signs)
        if known is None:
            yield Deliverer("(one that may deliver there, too)", SignedTimes(), _never, _never)

    def _known_other_trails(self) -> OtherTrails | None:
        """The other trails that deliver to where the chain lies, or lay; ``None`` where that is not known."""
        found: dict[TrailKey, bool] = {}
        for location in self._locations:
            there = self._request.other_trails(location)
            if there is None:
                return None
            found |= there  # a trail is the same everywhere
        return found

    def _unsigned_by(self, log: LogName) -> str:
        """The other trail, and its place, that is known to have delivered there then, and does not sign."""
        if not self._is_another_trails:
            return ""
        if log.location not in self._unsigned:
            self._unsigned[log.location] = self._request.unsigned(log.location)
        times = self._unsigned[log.location]
        named = (one.trail for one in times if one.period.start <= log.delivered < one.period.end)
        return next((f"{trail} delivers to s3://{log.location.bucket}/{log.location.prefix}" for trail in named), "")

    def _is_off(self, start: datetime, end: datetime) -> bool:
        parts = self._request.configuration.between(self._request.chain.region, start, end)
        return all(is_over(part) for part in parts)

    def _named_later(self, unnamed: list[Unlisted]) -> Mapping[ObjectName, tuple[LogReference, ReadResult[Content]]]:
        """Those of the files that digests after the period name, each read."""
        until = max((one.delivered.end for one in unnamed if one.delivered), default=None)
        if until is None or not self._request.with_logs:
            return {}
        origin = self._request.origin
        wanted = {origin.identity(one.name): one.name for one in unnamed}
        references: dict[ObjectName, LogReference] = {}
        # The folder tells the day on which the digest's hour ends.
        for named, digest in self._later_digests((until + HOUR).date()):
            self._note_later(named.chain, digest)
            for log in digest.logs:
                name = wanted.get(origin.identity(log.name))
                if name is not None:
                    references[name] = log
        names = list(references)
        results = [
            result
            for future, _ in self._reader.logs([references[name] for name in names])
            for result in future.result()
        ]
        return {name: (references[name], result) for name, result in zip(names, results, strict=True)}

    def _later_digests(self, until: date) -> Iterator[tuple[DigestName, Digest]]:
        """The digests of the days after those that were looked at that are signed, in themselves or in the one after.

        :param until: the last day.
        """
        days = {day for location in self._locations for day in self._reader.digest_days(location)}
        newer: dict[ChainName, Digest] = {}
        for day in sorted((day for day in days if self._last_day < day <= until), reverse=True):
            files = self._reader.day(self._locations, day)
            of_day = (*files.hourly, *files.backfill, *files.others)
            for file in sorted(of_day, key=lambda file: file.named.end, reverse=True):
                after = newer.get(file.named.chain)
                known = with_successor_signature(file, after.previous if after else None, self._request.keys)
                if known.digest is None:
                    continue
                newer[file.named.chain] = known.digest
                if known.signature_status in (SignatureStatus.VALID, SignatureStatus.VALID_IN_SUCCESSOR):
                    yield file.named, known.digest

    def _note_later(self, chain: ChainName, digest: Digest) -> None:
        if chain.is_backfill:
            return
        key = chain.trail_key
        if key == self._request.chain.trail_key:
            self._signed.add(digest.start, digest.end)
        else:
            self._other_trails.signed.setdefault(key, SignedTimes()).add(digest.start, digest.end)


def _always(_start: datetime, _end: datetime) -> bool:
    return True


def _never(_start: datetime, _end: datetime) -> bool:
    return False


def _in_a_copy(judged_period: JudgedPeriod) -> JudgedPeriod:
    """What a copy lacks at its end may not have been copied yet."""
    if judged_period.verdict is Verdict.NOT_DUE or judged_period.verdict in BAD:
        reason = "the copy holds no later digest; whether it is complete at its end is not known"
        settles = "The trail's own bucket, or a later copy, can settle it."
        return JudgedPeriod(judged_period.start, judged_period.end, Verdict.UNPROVEN, reason, Evidence(settles=settles))
    return judged_period
