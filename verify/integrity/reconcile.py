"""Adds up one chain: which logs were valid, which files nobody vouches for, what is proven of each stretch of time.

What is to be added up waits in line until its logs are read, so that reading never has to stop at the end of a day.
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
_MAX_HELD = 50_000
_REASONS = {
    Verdict.VALID: "",
    Verdict.UNREADABLE: "its digest is proven, but a log file that it names could not be read",
    Verdict.MODIFIED: "its digest is proven, but a log file that it names is modified or missing",
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
    """How far a log file's time may lie outside of the digest that names it.

    The name tells the minute of the delivery, and the next digest may be the one to name the file.

    :param interval: how often digests come.
    """
    return max(interval / 4, timedelta(minutes=2))


class Coverage:
    """The names that the digests taken so far hold. Digests come newest first, and so names are forgotten by the day.

    :param is_copy: names are told apart by their key alone.
    """

    def __init__(self, *, is_copy: bool) -> None:
        self._is_copy = is_copy
        self._proven: dict[str, set[str]] = {}
        self._doubtful: dict[str, dict[str, Verdict]] = {}

    def add(self, digest: Digest) -> None:
        """Take the names in a proven digest."""
        for log in digest.logs:
            self._proven.setdefault(_day(log.name, digest), set()).add(self._identity(log.name))

    def add_doubtful(self, digest: Digest, verdict: Verdict) -> None:
        """Take the names in a digest that is not proven; ``verdict`` is the digest's."""
        for log in digest.logs:
            self._doubtful.setdefault(_day(log.name, digest), {})[self._identity(log.name)] = verdict

    def holds(self, name: ObjectName) -> bool:
        """Whether a proven digest vouches for the object."""
        return any(self._identity(name) in names for names in self._proven.values())

    def doubt(self, name: ObjectName) -> Verdict | None:
        """The verdict on the unproven digest that names the object, if there is one."""
        found = (names.get(self._identity(name)) for names in self._doubtful.values())
        return next(filter(None, found), None)

    def forget_after(self, day: date) -> None:
        """Drop the names of files delivered after ``day``."""
        last = f"{day:%Y%m%d}"
        self._proven = {known: names for known, names in self._proven.items() if known <= last}
        self._doubtful = {known: names for known, names in self._doubtful.items() if known <= last}

    def _identity(self, name: ObjectName) -> str:
        return name.key if self._is_copy else f"{name.bucket}/{name.key}"


def _day(name: ObjectName, digest: Digest) -> str:
    """The day of the log file's delivery, as its name has it: ``20261101``."""
    day = name.key[_DAY_IN_NAME]
    return day if day.isdecimal() else f"{digest.end:%Y%m%d}"


def judge_log(reference: LogReference, result: ReadResult[Content]) -> tuple[Verdict, str]:
    """What became of a log file that a proven digest vouches for, and why, as a clause."""
    if isinstance(result, Absent):
        return Verdict.MISSING, "it is not there"
    if isinstance(result, Unreadable):
        return Verdict.UNREADABLE, str(result.error)
    if result.value.flaw is not None:
        return Verdict.MODIFIED, str(result.value.flaw)
    if result.value.sha256 != reference.sha256:
        return Verdict.MODIFIED, "its content does not have the hash that CloudTrail signed"
    return Verdict.VALID, ""


def judge_unnamed(
    named: LogName | None,
    doubt: Verdict | None,
    timeline: Timeline,
    newest_end: datetime | None,
    tolerance: timedelta,
) -> tuple[Verdict, str]:
    """What to think of a log file that no proven digest names.

    :param named: what its key says; ``None`` when the key is not a log file's.
    :param doubt: the verdict on an unproven digest that names it.
    :param timeline: what is known of its time.
    :param newest_end: where the newest proven digest ends.
    :param tolerance: how far its time may lie outside of the digest that names it.
    """
    if doubt is not None:
        verdict = Verdict.UNKNOWN if doubt in COULD_NOT_LOOK else Verdict.UNPROVEN
        return verdict, f"the digest that names it is {doubt}"
    if named is None:
        return Verdict.UNSIGNED, "no digest names it, and its name is not one that CloudTrail gives"
    around = timeline.between(named.delivered - tolerance, named.delivered + tolerance)
    verdicts = {judged.verdict for judged in around}
    is_late = newest_end is None or named.delivered >= newest_end - tolerance
    # Its name tells the minute only, which may have gone on after the newest digest's end.
    may_be_later = newest_end is not None and named.delivered <= newest_end < named.delivered + LOG_NAME_PRECISION
    if may_be_later or (is_late and Verdict.NOT_DUE in verdicts):
        return Verdict.NOT_DUE, ""
    if verdicts & {Verdict.MISSING, Verdict.UNPROVEN}:
        return Verdict.UNPROVEN, "the digest that would name it is gone or not to be believed"
    if Verdict.UNKNOWN in verdicts:
        return Verdict.UNKNOWN, "the digest that would name it could not be read or found"
    return Verdict.UNSIGNED, "no digest names it"


@dataclass(frozen=True, slots=True)
class _Signed:
    """A period of time that a proven digest covers, and the logs that it names; ``None`` for a backfill digest."""

    period: Period | None
    reads: LogReads


@dataclass(frozen=True, slots=True)
class _DayDone:
    """All digests of a day, and of the days after it, have been taken."""

    day: date
    logs: tuple[ListedObject, ...]
    named_elsewhere: Callable[[], Iterable[Digest]]


class Reconciliation:
    """The account of one chain, filled from the newest to the oldest.

    :param on_unnamed: told of every file that no proven digest names.

    ``tolerance`` is how far a log file's time may lie outside of the digest that names it, as far as is known.
    """

    def __init__(
        self, period: Period, *, is_copy: bool, on_progress: OnProgress, on_unnamed: Callable[[ObjectName], None]
    ) -> None:
        self.tally = Tally()
        self.tolerance = tolerance_of(HOUR)
        self._period = period
        self._timeline = Timeline(period)
        self._coverage = Coverage(is_copy=is_copy)
        self._elsewhere = Coverage(is_copy=is_copy)
        self._on_progress = on_progress
        self._on_unnamed = on_unnamed
        self._line: deque[JudgedPeriod | _Signed | _DayDone] = deque()
        self._reads_under_way = 0
        self._held: list[ListedObject] = []
        # Files that no proven digest names, with the doubt about them, until something is known of their time.
        self._waiting: list[tuple[ObjectName, Verdict | None]] = []
        self._newest_end: datetime | None = None

    def add_period(self, judged: JudgedPeriod) -> None:
        """Add the next older period."""
        self._line.append(judged)

    def add_names(self, digest: Digest) -> None:
        """Note which logs a proven digest vouches for."""
        self._newest_end = self._newest_end or digest.end
        self._coverage.add(digest)

    def add_doubtful_names(self, digest: Digest, verdict: Verdict) -> None:
        """Note which logs an unproven digest names."""
        self._coverage.add_doubtful(digest, verdict)

    def add_reads(self, period: Period | None, reads: LogReads) -> None:
        """Add the logs of a proven digest, and the period that it covers if it is not a backfill digest."""
        self._line.append(_Signed(period, reads))
        self._reads_under_way += _number_of(reads)

    def end_day(self, day: date, logs: Iterable[ListedObject], named_elsewhere: Callable[[], Iterable[Digest]]) -> None:
        """Say that a day is complete.

        :param logs: what lies in its log folder.
        :param named_elsewhere: reads the proven digests of other trails that deliver to the same folder.
        """
        self._line.append(_DayDone(day, tuple(logs), named_elsewhere))
        while self._reads_under_way > _READS_UNDER_WAY:
            self._settle_next()

    def add_foreign(self, name: ObjectName) -> None:
        """Add an object among the digests that is none."""
        self.tally.digests[Verdict.UNSIGNED] += 1
        self.tally.record(Problem(Verdict.UNSIGNED, str(name), "it is not named as a digest is, or one of too many"))
        self._on_unnamed(name)

    def close(self) -> tuple[JudgedPeriod, ...]:
        """Wait for everything that is still being read, and say what is proven of the period."""
        while self._line:
            self._settle_next()
        self._judge_held()
        self._judge_waiting()
        return self._timeline.periods()

    def _settle_next(self) -> None:
        item = self._line.popleft()
        if isinstance(item, JudgedPeriod):
            self._timeline.add(item)
        elif isinstance(item, _Signed):
            verdict = gravest(*self._settle_logs(item.reads))
            self._reads_under_way -= _number_of(item.reads)
            self._on_progress(_number_of(item.reads), 0)
            if item.period is not None:
                self._timeline.add(JudgedPeriod(item.period.start, item.period.end, verdict, _REASONS[verdict]))
        else:
            self._settle_day(item)

    def _settle_logs(self, reads: LogReads) -> Iterator[Verdict]:
        for future, references in reads:
            for reference, result in zip(references, future.result(), strict=True):
                yield self._settle_log(reference, result)

    def _settle_log(self, reference: LogReference, result: ReadResult[Content]) -> Verdict:
        verdict, reason = judge_log(reference, result)
        self.tally.logs[verdict] += 1
        if isinstance(result, Found):
            self.tally.log_bytes += result.value.size_bytes
        if verdict is Verdict.VALID:
            return verdict
        self.tally.record(Problem(verdict, str(reference.name), reason))
        return verdict if verdict is Verdict.UNREADABLE else Verdict.MODIFIED

    def _settle_day(self, done: _DayDone) -> None:
        """Judge what was held back of the day after: by now, every digest that could name it was seen."""
        self._judge_held()
        self._on_progress(0, 1)
        self._coverage.forget_after(done.day)
        unnamed = [log for log in done.logs if not self._coverage.holds(log.name) and self._is_in_period(log.name)]
        if unnamed:
            for digest in done.named_elsewhere():
                self._elsewhere.add(digest)
            unnamed = [log for log in unnamed if not self._elsewhere.holds(log.name)]
        self._elsewhere.forget_after(done.day)
        self._held = unnamed[:_MAX_HELD]
        for log in unnamed[_MAX_HELD:]:
            self._judge_unnamed(log.name, self._coverage.doubt(log.name))

    def _is_in_period(self, name: ObjectName) -> bool:
        named = LogName.parse(name)
        return named is None or self._period.start <= named.delivered <= self._period.end

    def _judge_held(self) -> None:
        for log in self._held:
            if not self._coverage.holds(log.name):
                self._waiting.append((log.name, self._coverage.doubt(log.name)))
        self._held = []
        oldest = min((named.delivered for name, _ in self._waiting if (named := LogName.parse(name))), default=None)
        if oldest is None or self._timeline.reaches(oldest - self.tolerance) or len(self._waiting) > _MAX_HELD:
            self._judge_waiting()

    def _judge_waiting(self) -> None:
        for name, doubt in self._waiting:
            self._judge_unnamed(name, doubt)
        self._waiting = []

    def _judge_unnamed(self, name: ObjectName, doubt: Verdict | None) -> None:
        named = LogName.parse(name)
        verdict, reason = judge_unnamed(named, doubt, self._timeline, self._newest_end, self.tolerance)
        self.tally.logs[verdict] += 1
        self._on_unnamed(name)
        if verdict is not Verdict.NOT_DUE:
            self.tally.record(Problem(verdict, str(name), reason))
        elif named is not None:
            self.tally.add_not_due(named.delivered)


def _number_of(reads: LogReads) -> int:
    return sum(len(references) for _, references in reads)
