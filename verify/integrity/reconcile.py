"""Reconciles the logs in the bucket with the logs that digests list: which are valid, missing, modified or foreign.

It also says what is proven of each period of time. Digests and days are queued until their logs are read, so that
reading never stops at the end of a day.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median_high

from verify.integrity.digests.digest import Digest, LogReference
from verify.integrity.digests.digest_file import DigestFile, SignatureStatus
from verify.integrity.reader import LogReads
from verify.integrity.result import OnProgress, Tally
from verify.integrity.timeline.timeline import HOUR, Period, Timeline
from verify.integrity.timeline.verdict import COULD_NOT_LOOK, JudgedPeriod, Problem, Verdict, gravest
from verify.storage.gzip_content import Content
from verify.storage.layout import LOG_NAME_PRECISION, LogName
from verify.storage.objects import Absent, Found, ListedObject, ObjectName, ReadResult, Unreadable

_READS_UNDER_WAY = 2_000
_MAX_PENDING = 50_000
_REASONS = {
    Verdict.VALID: "",
    Verdict.UNREADABLE: "its digest is proven, but a log file that it lists could not be read",
    Verdict.MODIFIED: "its digest is proven, but a log file that it lists is modified or missing",
}
_ENOUGH_DIGESTS = 3
# In …_20261101T0406Z_a9d3c94ae3629c19.json.gz. LogName.parse would make sure, and take more time than all the rest.
_DAY_IN_NAME = slice(-len("20261101T0406Z_a9d3c94ae3629c19.json.gz"), -len("T0406Z_a9d3c94ae3629c19.json.gz"))


def interval_of(files: Iterable[DigestFile]) -> timedelta:
    """How much time one of these digests usually covers, from a minute to an hour; an hour when they are too few.

    Only signed ones count, and of these not the first of a chain: it covers what is left of its interval.
    """
    signed = [file.digest for file in files if file.signature_status is SignatureStatus.VALID and file.digest]
    digests = [digest for digest in signed if digest.previous]
    if len(digests) < _ENOUGH_DIGESTS:
        return HOUR
    return max(min(median_high(digest.end - digest.start for digest in digests), HOUR), LOG_NAME_PRECISION)


def tolerance_of(interval: timedelta) -> timedelta:
    """How far a log file's time may lie outside of the digest that lists it.

    The name tells the minute of the delivery, and the next digest may be the one to list the file.

    :param interval: how often digests come.
    """
    return max(interval / 4, timedelta(minutes=2))


class LogsInDigests:
    """The logs that the digests taken so far list. Digests come newest first, and so logs are forgotten by the day.

    :param is_copy: objects are identified by their key alone.
    """

    def __init__(self, *, is_copy: bool) -> None:
        self._is_copy = is_copy
        self._proven: dict[str, set[str]] = {}
        self._unproven: dict[str, dict[str, Verdict]] = {}

    def add(self, digest: Digest) -> None:
        """Take the logs that a proven digest lists."""
        for log in digest.logs:
            self._proven.setdefault(_day(log.name, digest), set()).add(self._identity(log.name))

    def add_unproven(self, digest: Digest, verdict: Verdict) -> None:
        """Take the logs that a digest lists which is not proven; ``verdict`` is the digest's."""
        for log in digest.logs:
            self._unproven.setdefault(_day(log.name, digest), {})[self._identity(log.name)] = verdict

    def is_listed(self, name: ObjectName) -> bool:
        """Whether a proven digest lists the object."""
        return any(self._identity(name) in names for names in self._proven.values())

    def verdict_on(self, name: ObjectName) -> Verdict | None:
        """The verdict on the unproven digest that lists the object, if there is one."""
        found = (names.get(self._identity(name)) for names in self._unproven.values())
        return next(filter(None, found), None)

    def forget_after(self, day: date) -> None:
        """Forget logs delivered after ``day``."""
        last = f"{day:%Y%m%d}"
        self._proven = {known: names for known, names in self._proven.items() if known <= last}
        self._unproven = {known: names for known, names in self._unproven.items() if known <= last}

    def _identity(self, name: ObjectName) -> str:
        return name.key if self._is_copy else f"{name.bucket}/{name.key}"


def _day(name: ObjectName, digest: Digest) -> str:
    """The day of the log file's delivery, as its name has it: ``20261101``."""
    day = name.key[_DAY_IN_NAME]
    return day if day.isdecimal() else f"{digest.end:%Y%m%d}"


def judge_log(reference: LogReference, result: ReadResult[Content]) -> tuple[Verdict, str]:
    """The verdict on a log file that a proven digest lists, and why, as a clause."""
    if isinstance(result, Absent):
        return Verdict.MISSING, "it is not there"
    if isinstance(result, Unreadable):
        return Verdict.UNREADABLE, str(result.error)
    if result.value.flaw is not None:
        return Verdict.MODIFIED, str(result.value.flaw)
    if result.value.sha256 != reference.sha256:
        return Verdict.MODIFIED, "its content does not have the hash that CloudTrail signed"
    return Verdict.VALID, ""


def judge_unlisted(
    named: LogName | None,
    verdict_on_digest: Verdict | None,
    timeline: Timeline,
    newest_end: datetime | None,
    tolerance: timedelta,
) -> tuple[Verdict, str]:
    """The verdict on a log file that no proven digest lists, and why, as a clause.

    :param named: what its key says; ``None`` when the key is not a log file's.
    :param verdict_on_digest: that of an unproven digest that lists it; ``None`` when there is none.
    :param timeline: what is known of its time.
    :param newest_end: where the newest proven digest ends.
    :param tolerance: how far its time may lie outside of the digest that lists it.
    """
    if verdict_on_digest is not None:
        verdict = Verdict.UNKNOWN if verdict_on_digest in COULD_NOT_LOOK else Verdict.UNPROVEN
        return verdict, f"the digest that lists it is {verdict_on_digest}"
    if named is None:
        return Verdict.UNSIGNED, "no digest lists it, and its name is not one that CloudTrail gives"
    around = timeline.between(named.delivered - tolerance, named.delivered + tolerance)
    verdicts = {judged.verdict for judged in around}
    is_late = newest_end is None or named.delivered >= newest_end - tolerance
    # Its name has the minute only, which may have gone on after the newest digest's end.
    may_be_later = newest_end is not None and named.delivered <= newest_end < named.delivered + LOG_NAME_PRECISION
    if may_be_later or (is_late and Verdict.NOT_DUE in verdicts):
        return Verdict.NOT_DUE, ""
    if verdicts & {Verdict.MISSING, Verdict.UNPROVEN}:
        return Verdict.UNPROVEN, "the digest that would list it is missing or not proven"
    if Verdict.UNKNOWN in verdicts:
        return Verdict.UNKNOWN, "the digest that would list it could not be read or found"
    return Verdict.UNSIGNED, "no digest lists it"


@dataclass(frozen=True, slots=True)
class _ProvenDigest:
    """A period of time that a proven digest covers, and the logs that it lists; ``None`` for a backfill digest."""

    period: Period | None
    reads: LogReads


@dataclass(frozen=True, slots=True)
class _CompleteDay:
    """All digests of a day, and of the days after it, have been taken."""

    day: date
    logs: tuple[ListedObject, ...]
    other_digests: Callable[[], Iterable[Digest]]


class Reconciliation:
    """The logs of one chain held against its digests, from the newest to the oldest.

    :param on_unlisted: called with every file that no proven digest lists.

    ``tolerance`` is how far a log file's time may lie outside of the digest that lists it, as far as is known.
    """

    def __init__(
        self, period: Period, *, is_copy: bool, on_progress: OnProgress, on_unlisted: Callable[[ObjectName], None]
    ) -> None:
        self.tally = Tally()
        self.tolerance = tolerance_of(HOUR)
        self._period = period
        self._timeline = Timeline(period)
        self._own_digests = LogsInDigests(is_copy=is_copy)
        self._other_digests = LogsInDigests(is_copy=is_copy)
        self._on_progress = on_progress
        self._on_unlisted = on_unlisted
        self._queue: deque[JudgedPeriod | _ProvenDigest | _CompleteDay] = deque()
        self._reads_under_way = 0
        self._pending: list[ListedObject] = []
        # Files that no proven digest lists, with the verdict on an unproven one that does, until their time was judged.
        self._undecided: list[tuple[ObjectName, Verdict | None]] = []
        self._newest_end: datetime | None = None

    def add_period(self, judged: JudgedPeriod) -> None:
        """Add the next older period."""
        self._queue.append(judged)

    def add_proven_logs(self, digest: Digest) -> None:
        """Take the logs that a proven digest lists."""
        self._newest_end = self._newest_end or digest.end
        self._own_digests.add(digest)

    def add_unproven_logs(self, digest: Digest, verdict: Verdict) -> None:
        """Take the logs that an unproven digest lists."""
        self._own_digests.add_unproven(digest, verdict)

    def add_reads(self, period: Period | None, reads: LogReads) -> None:
        """Add the logs of a proven digest, and the period that it covers if it is not a backfill digest."""
        self._queue.append(_ProvenDigest(period, reads))
        self._reads_under_way += _number_of(reads)

    def end_day(self, day: date, logs: Iterable[ListedObject], other_digests: Callable[[], Iterable[Digest]]) -> None:
        """Say that a day is complete.

        :param logs: the objects in its log folder.
        :param other_digests: reads the proven digests of other trails that deliver to the same folder.
        """
        self._queue.append(_CompleteDay(day, tuple(logs), other_digests))
        while self._reads_under_way > _READS_UNDER_WAY:
            self._process_next()

    def add_foreign(self, name: ObjectName) -> None:
        """Add an object among the digests that is not a digest."""
        self.tally.digests[Verdict.UNSIGNED] += 1
        self.tally.record(Problem(Verdict.UNSIGNED, str(name), "its name is not a digest's, or it is one of too many"))
        self._on_unlisted(name)

    def close(self) -> tuple[JudgedPeriod, ...]:
        """Wait for everything that is still being read, and say what is proven of the period."""
        while self._queue:
            self._process_next()
        self._judge_pending()
        self._judge_undecided()
        return self._timeline.periods()

    def _process_next(self) -> None:
        item = self._queue.popleft()
        if isinstance(item, JudgedPeriod):
            self._timeline.add(item)
        elif isinstance(item, _ProvenDigest):
            verdict = gravest(*self._judge_logs(item.reads))
            self._reads_under_way -= _number_of(item.reads)
            self._on_progress(_number_of(item.reads), 0)
            if item.period is not None:
                self._timeline.add(JudgedPeriod(item.period.start, item.period.end, verdict, _REASONS[verdict]))
        else:
            self._process_day(item)

    def _judge_logs(self, reads: LogReads) -> Iterator[Verdict]:
        for future, references in reads:
            for reference, result in zip(references, future.result(), strict=True):
                yield self._judge_log(reference, result)

    def _judge_log(self, reference: LogReference, result: ReadResult[Content]) -> Verdict:
        verdict, reason = judge_log(reference, result)
        self.tally.logs[verdict] += 1
        if isinstance(result, Found):
            self.tally.log_bytes += result.value.size_bytes
        if verdict is Verdict.VALID:
            return verdict
        self.tally.record(Problem(verdict, str(reference.name), reason))
        return verdict if verdict is Verdict.UNREADABLE else Verdict.MODIFIED

    def _process_day(self, done: _CompleteDay) -> None:
        """Judge what is pending of the day after: by now, every digest that could list it was seen."""
        self._judge_pending()
        self._on_progress(0, 1)
        self._own_digests.forget_after(done.day)
        unlisted = [
            log for log in done.logs if not self._own_digests.is_listed(log.name) and self._is_in_period(log.name)
        ]
        if unlisted:
            for digest in done.other_digests():
                self._other_digests.add(digest)
            unlisted = [log for log in unlisted if not self._other_digests.is_listed(log.name)]
        self._other_digests.forget_after(done.day)
        self._pending = unlisted[:_MAX_PENDING]
        for log in unlisted[_MAX_PENDING:]:
            self._judge_unlisted(log.name, self._own_digests.verdict_on(log.name))

    def _is_in_period(self, name: ObjectName) -> bool:
        named = LogName.parse(name)
        return named is None or self._period.start <= named.delivered <= self._period.end

    def _judge_pending(self) -> None:
        for log in self._pending:
            if not self._own_digests.is_listed(log.name):
                self._undecided.append((log.name, self._own_digests.verdict_on(log.name)))
        self._pending = []
        oldest = min((named.delivered for name, _ in self._undecided if (named := LogName.parse(name))), default=None)
        if oldest is None or self._timeline.reaches(oldest - self.tolerance) or len(self._undecided) > _MAX_PENDING:
            self._judge_undecided()

    def _judge_undecided(self) -> None:
        for name, verdict in self._undecided:
            self._judge_unlisted(name, verdict)
        self._undecided = []

    def _judge_unlisted(self, name: ObjectName, verdict_on_digest: Verdict | None) -> None:
        named = LogName.parse(name)
        verdict, reason = judge_unlisted(named, verdict_on_digest, self._timeline, self._newest_end, self.tolerance)
        self.tally.logs[verdict] += 1
        self._on_unlisted(name)
        if verdict is not Verdict.NOT_DUE:
            self.tally.record(Problem(verdict, str(name), reason))
        elif named is not None:
            self.tally.add_not_due(named.delivered)


def _number_of(reads: LogReads) -> int:
    return sum(len(references) for _, references in reads)
