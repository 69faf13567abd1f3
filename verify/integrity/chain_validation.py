"""Validates one chain, that is one account and region of a trail, day by day from the newest to the oldest.

Memory does not grow with the period: of a day that is done only counts, problems and judged periods stay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from verify.integrity.digests.chain import ChainWalk, Gap, GapKind, JudgedDigest
from verify.integrity.digests.digest import Digest
from verify.integrity.digests.digest_file import DigestFile, SignatureStatus
from verify.integrity.digests.public_keys import KeyRing
from verify.integrity.reader import ChainReader, DayFiles, days_back
from verify.integrity.reconcile import Reconciliation, interval_of, tolerance_of
from verify.integrity.result import ChainResult, OnProgress
from verify.integrity.state import Anchor, listing_hash
from verify.integrity.timeline.gaps import DUE_AFTER, gap_at_end, gap_before_restart, gaps_before_first
from verify.integrity.timeline.logging_history import LoggingHistory, NoStatus, TrailStatus
from verify.integrity.timeline.timeline import HOUR, Period, cut
from verify.integrity.timeline.verdict import COULD_NOT_LOOK, HARMLESS, JudgedPeriod, Problem, Verdict
from verify.storage.layout import ChainName, DeliveryLocation, DigestName
from verify.storage.objects import ObjectName

_PREFETCHED_DAYS = 8


@dataclass(frozen=True, slots=True)
class ChainRequest:
    """What the validation of one chain needs to know.

    :param now: the present, or the moment that a copy was made.
    :param anchor: where the period begins because all before it was proven by an earlier run.
    :param history: asked only when a chain starts anew: given the two digests around the gap, the older one if any.
    """

    chain: ChainName
    location: DeliveryLocation
    period: Period
    now: datetime
    keys: KeyRing
    status: TrailStatus | NoStatus
    history: Callable[[Digest | None, Digest], LoggingHistory]
    is_copy: bool = False
    with_logs: bool = True
    anchor: Anchor | None = None


class ChainValidation:
    """One run over one chain.

    :param ahead: runs what is read ahead.
    """

    def __init__(self, request: ChainRequest, reader: ChainReader, ahead: Executor, on_progress: OnProgress) -> None:
        self._request = request
        self._reader = reader
        self._ahead = ahead
        self._locations = [request.location]
        self._walk = ChainWalk(request.keys, is_copy=request.is_copy)
        self._backfill = ChainWalk(request.keys, is_copy=request.is_copy)
        self._reconciliation = Reconciliation(
            request.period, is_copy=request.is_copy, on_progress=on_progress, on_unlisted=reader.read_unlisted
        )
        self._has_end = False
        self._interval = HOUR
        self._newer: Digest | None = None  # the proven digest taken last
        self._others: list[DigestName] = []
        self._newest: JudgedDigest | None = None  # the newest proven digest
        self._listings: dict[date, str | None] = {}

    def run(self) -> ChainResult:
        """Validate the chain.

        :raises CannotLook: a bucket could not be listed.
        """
        for day, files in self._days():
            self._take(day, files)
        self._close()
        periods = self._reconciliation.close()
        return ChainResult(self._request.chain, periods, self._reconciliation.tally, self._next_anchor(periods))

    def _next_anchor(self, periods: tuple[JudgedPeriod, ...]) -> Anchor | None:
        """Where the next run may begin; ``None`` when anything before is not proven."""
        newest, request = self._newest, self._request
        is_whole = all(judged.verdict in HARMLESS for judged in periods) and not self._reconciliation.tally.problems
        # A chain that moved is not remembered: its listings are those of several locations.
        if newest is None or not is_whole or not request.with_logs or request.is_copy or len(self._locations) > 1:
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
        if midnight <= since:
            return None
        found = cut((*known, *periods), Period(since, midnight))
        return Anchor(since, midnight, newest.name, newest.sha256, found, {**days, **listings})

    def _days(self) -> Iterator[tuple[date, DayFiles]]:
        """The days of the period and those around it whose digests may list its logs; read ahead."""
        period = self._request.period
        days = iter(days_back(self._newest_day(), (period.start - HOUR).date()))
        ahead: deque[tuple[date, int, Future[DayFiles]]] = deque()
        while True:
            while len(ahead) < _PREFETCHED_DAYS and (day := next(days, None)) is not None:
                locations = tuple(self._locations)
                ahead.append((day, len(locations), self._ahead.submit(self._reader.day, locations, day)))
            if not ahead:
                return
            day, number, future = ahead.popleft()
            files = future.result()
            # A digest may have linked to another location since the day was read ahead.
            for location in self._locations[number:]:
                files.add(self._reader.day([location], day))
            yield day, files

    def _newest_day(self) -> date:
        """The day of the first digest after the period, perhaps days later: it links to what came before it."""
        request = self._request
        delivered = request.status.latest_digest_delivery if isinstance(request.status, TrailStatus) else None
        day, last = (request.period.end + DUE_AFTER).date(), (delivered or request.now).date()
        while day < last and not self._reader.has_digest_after(request.period.end, request.location, day):
            day += timedelta(days=1)
        return day

    def _take(self, day: date, files: DayFiles) -> None:
        midnight = datetime.combine(day, time.min, UTC)
        known = len(self._locations)

        def fetch(name: ObjectName) -> Iterator[DigestFile]:
            return iter(self._reader.expected(name, self._locations))

        self._listings[day] = listing_hash(files.listed)
        if not self._has_end:
            self._interval = interval_of(files.hourly)
            self._reconciliation.tolerance = tolerance_of(self._interval)
        for item in self._walk.take(files.hourly, midnight, fetch):
            self._take_hourly(item)
        for location in self._locations[known:]:
            files.add(self._reader.day([location], day))
        for item in self._backfill.take(files.backfill, midnight, fetch):
            if isinstance(item, JudgedDigest):
                self._take_digest(item, is_hourly=False)
        for name in files.foreign:
            self._reconciliation.add_foreign(name)
        others, self._others = [*self._others, *files.others], files.others
        self._reconciliation.end_day(day, files.logs, lambda: self._proven(others))

    def _proven(self, others: list[DigestName]) -> Iterator[Digest]:
        """The digests of other trails that hold by their own signature."""
        for file in self._reader.digests(others):
            if file.digest is not None and file.signature_status is SignatureStatus.VALID:
                yield file.digest

    def _take_digest(self, judged: JudgedDigest, *, is_hourly: bool) -> None:
        reconciliation, digest = self._reconciliation, judged.digest
        if judged.unproven is not None:
            reconciliation.add_unproven_logs(judged.unproven, judged.verdict)
        if digest is not None:
            reconciliation.add_proven_logs(digest)
            self._check_anchor(digest)
        start = digest.start if digest else judged.end - HOUR
        if not self._request.period.overlaps(start, judged.end):
            return
        counter = reconciliation.tally.digests if is_hourly else reconciliation.tally.backfills
        counter[judged.verdict] += 1
        if judged.reason:
            reconciliation.tally.record(Problem(judged.verdict, str(judged.name), judged.reason))
        if digest is not None:
            logs = digest.logs if self._request.with_logs else ()
            covered = Period(digest.start, digest.end) if is_hourly else None
            reconciliation.add_reads(covered, self._reader.logs(logs))

    def _check_anchor(self, digest: Digest) -> None:
        """The chain must lead to the very digest up to which an earlier run proved it."""
        anchor, link = self._request.anchor, digest.previous
        if anchor is not None and link is not None and link.name == anchor.digest and link.sha256 != anchor.sha256:
            reason = "it is not linked to the digest that an earlier run ended with"
            self._reconciliation.tally.digests[Verdict.MODIFIED] += 1
            self._reconciliation.tally.record(Problem(Verdict.MODIFIED, str(digest.name), reason))

    def _take_hourly(self, item: JudgedDigest | Gap) -> None:
        if isinstance(item, Gap):
            self._reconciliation.add_period(self._explained(item))
            return
        if not self._has_end:
            self._has_end = True
            self._add_gap_at_end(
                Period(item.digest.start if item.digest else item.end - HOUR, item.end), item.last_modified
            )
        self._take_digest(item, is_hourly=True)
        self._newer = item.digest or self._newer
        if self._newest is None and item.digest is not None and item.end <= self._request.period.end:
            self._newest = item

    def _explained(self, gap: Gap) -> JudgedPeriod:
        if gap.kind is GapKind.RESTART and self._newer is not None:
            older = Period(gap.older.start, gap.older.end)
            newer = Period(self._newer.start, self._newer.end)
            return gap_before_restart(older, newer, gap.start, self._request.history(gap.older, self._newer))
        return _unexplained(gap.start, gap.end, gap.kind, gap.verdict)

    def _close(self) -> None:
        """Judge the time before the oldest digest."""
        start = self._request.period.start
        if not self._has_end:
            self._add_gap_at_end(None, None)
            return
        kind, verdict = self._walk.before_oldest
        oldest_start = self._walk.oldest_start
        if oldest_start is None or oldest_start <= start:
            return
        if kind is GapKind.RESTART and self._newer is not None:
            newer = Period(self._newer.start, self._newer.end)
            for judged in gaps_before_first(newer, start, self._request.history(None, self._newer)):
                self._reconciliation.add_period(judged)
        else:
            self._reconciliation.add_period(_unexplained(start, oldest_start, kind, verdict))

    def _add_gap_at_end(self, newest: Period | None, written: datetime | None) -> None:
        request = self._request
        judged = gap_at_end(newest, written, request.period, request.status, request.now, self._interval)
        if judged is not None:
            self._reconciliation.add_period(judged)


def _unexplained(start: datetime, end: datetime, kind: GapKind, cause: Verdict) -> JudgedPeriod:
    if kind is GapKind.LINKED:
        return JudgedPeriod(start, end, Verdict.NOT_LOGGED, str(GapKind.LINKED))
    if cause in COULD_NOT_LOOK:
        return JudgedPeriod(start, end, Verdict.UNKNOWN, "its digest could not be read or checked")
    if cause is Verdict.MISSING:
        return JudgedPeriod(start, end, Verdict.MISSING, "its digests are missing")
    return JudgedPeriod(start, end, Verdict.UNPROVEN, "its digest is not proven")
