"""Holds what is there against what was signed: log files by hash, unnamed files by the digests that should name them.

What is to be added up waits in a queue until its logs are read, so that reading never has to stop at the end of a day.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial

from msgspec import Struct, field

from verify.integrity.digests.chain import JudgedDigest
from verify.integrity.digests.digest import Digest, LogReference
from verify.integrity.digests.digest_file import DigestFile, SignatureStatus
from verify.integrity.origin import DELIVERED_WITHIN, Origin, lie_apart
from verify.integrity.reader import LogReads
from verify.integrity.result import OnProgress, Tally
from verify.integrity.timeline.gaps import DUE_AFTER_INTERVALS, HOUR
from verify.integrity.timeline.timeline import Period, Timeline, prove
from verify.integrity.timeline.verdict import BAD, Evidence, JudgedPeriod, Problem, Verdict, gravest
from verify.storage.gzip_content import Content
from verify.storage.layout import LOG_NAME_TELLS, DigestName, LogName
from verify.storage.objects import Absent, Found, ListedObject, ObjectName, ReadResult, Unreadable

_READS_UNDER_WAY = 2_000
_MAX_UNNAMED = 50_000
_MAX_UNREAD = 10_000
# The walk has made sure that such a day exists.
_DAY_FOLDER = re.compile(r"/CloudTrail/[^/]+/([0-9]{4})/([0-9]{2})/([0-9]{2})/")
_REASONS = {
    Verdict.UNPROVEN: "its digest is proven, but a log file that it names could not be read",
    Verdict.MISSING: "its digest is proven, but a log file that it names is missing",
    Verdict.ALTERED: "its digest is proven, but a log file that it names was altered",
}
_LATE = "its digest is proven, but a log file that was delivered late was altered or could not be read"
_NOT_IN_COPY = "its digest is proven, but a log file that it names could not be read, or was not copied yet"
CLOCKS_DIFFER = HOUR  # at most: what tells a later time than that tells one that is yet to come
CHAIN_ONLY = "only the chain of digests was checked: no log file was looked at"
_ENOUGH_DIGESTS = 3
# In …_20261101T0406Z_a9d3c94ae3629c19.json.gz. LogName.parse would make sure, and take more time than all the rest.
_DAY_IN_NAME = slice(-len("20261101T0406Z_a9d3c94ae3629c19.json.gz"), -len("T0406Z_a9d3c94ae3629c19.json.gz"))


def interval_of(files: Iterable[DigestFile]) -> timedelta:
    """How much time the longest of these digests covers, from a minute to an hour; an hour when they are too few.

    Only signed ones count, and of these not the first of a chain: it covers what is left of its interval.
    """
    digests = [
        file.digest
        for file in files
        if file.signature_status is SignatureStatus.VALID and file.digest and file.digest.previous
    ]
    if len(digests) < _ENOUGH_DIGESTS:
        return HOUR
    return max(min(max(digest.end - digest.start for digest in digests), HOUR), LOG_NAME_TELLS)


def tolerance_of(interval: timedelta) -> timedelta:
    """How far a log file's time may lie outside of the digest that names it.

    The name tells the minute of the delivery, and the next digest may be the one to name the file.

    :param interval: how often digests come.
    """
    return max(interval / 4, timedelta(minutes=2))


class LogsInDigests:
    """The names in the digests taken so far. Digests come newest first, and so names are forgotten by the day."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._proven: dict[str, set[str]] = {}
        self._unproven: dict[str, dict[str, Verdict]] = {}

    def add(self, digest: Digest) -> None:
        """Take the names in a proven digest."""
        for log in digest.logs:
            self._proven.setdefault(_day(log.name, digest), set()).add(self._origin.identity(log.name))

    def add_unproven(self, digest: Digest, verdict: Verdict) -> None:
        """Take the names in a digest that is not proven; ``verdict`` is the digest's."""
        for log in digest.logs:
            self._unproven.setdefault(_day(log.name, digest), {})[self._origin.identity(log.name)] = verdict

    def holds(self, name: ObjectName) -> bool:
        """Whether a proven digest lists the object."""
        identity = self._origin.identity(name)
        return any(identity in names for names in self._proven.values())

    def digest_verdict(self, name: ObjectName) -> Verdict | None:
        """The verdict on the unproven digest that names the object, if there is one."""
        identity = self._origin.identity(name)
        return next((names[identity] for names in self._unproven.values() if identity in names), None)

    def forget_after(self, day: date) -> None:
        """Drop the names of files delivered after ``day``."""
        last = f"{day:%Y%m%d}"
        self._proven = {known: names for known, names in self._proven.items() if known <= last}
        self._unproven = {known: names for known, names in self._unproven.items() if known <= last}


def _day(name: ObjectName, digest: Digest) -> str:
    """The day of the log file's delivery, as its name has it: ``20261101``."""
    day = name.key[_DAY_IN_NAME]
    return day if day.isdecimal() else f"{digest.end:%Y%m%d}"


class SignedTimes:
    """The times for which one trail's proven digests say which files there are."""

    def __init__(self) -> None:
        self._periods: list[Period] = []

    def add(self, start: datetime, end: datetime) -> None:
        """Take what a digest covers."""
        touching = [period for period in self._periods if period.start <= end and start <= period.end]
        for period in touching:
            self._periods.remove(period)
            start, end = min(start, period.start), max(end, period.end)
        self._periods.append(Period(start, end))

    def holes(self, start: datetime, end: datetime) -> tuple[Period, ...]:
        """The times from ``start`` to ``end`` that no digest covers, the oldest first."""
        found, at = [], start
        for period in sorted(self._periods, key=lambda period: period.start):
            if period.end <= at or period.start >= end:
                continue
            if period.start > at:
                found.append(Period(at, period.start))
            at = max(at, period.end)
        return (*found, Period(at, end)) if at < end else tuple(found)

    @property
    def newest_end(self) -> datetime | None:
        """Where the newest of them ends."""
        return max((period.end for period in self._periods), default=None)


def judge_log(
    reference: LogReference,
    result: ReadResult[Content],
    origin: Origin,
    newest: datetime | None = None,
    *,
    is_apart: bool = False,
) -> tuple[Verdict, str]:
    """What became of a log file that a proven digest lists, and why, as a clause.

    :param newest: where the newest digest that is here ends.
    :param is_apart: whether the digest lies in another bucket or under another prefix.
    """
    if isinstance(result, Absent):
        named = LogName.parse(reference.name)
        if named is None:
            return Verdict.MISSING, "it is not there"
        return origin.absent(named.delivered, newest, is_apart=is_apart)
    if isinstance(result, Unreadable):
        return Verdict.UNPROVEN, f"it could not be read: {result.error}"
    if result.value.flaw is not None:
        return Verdict.ALTERED, str(result.value.flaw)
    if result.value.sha256 != reference.sha256:
        return Verdict.ALTERED, "its content does not have the hash that CloudTrail signed"
    return Verdict.PROVEN, ""


class Deliverer(Struct, frozen=True):
    """A trail that delivers to the location where a file lies.

    :param signed: the times for which its proven digests are here.
    :param is_off: whether it is proven to have delivered nothing in a time.
    :param may_sign: whether there is a ground to expect that it signs for a time still.
    :param signs: whether it signs at all.
    """

    name: str
    signed: SignedTimes
    is_off: Callable[[datetime, datetime], bool]
    may_sign: Callable[[datetime, datetime], bool]
    signs: bool = True


class Unlisted(Struct, frozen=True):
    """A log file that no proven digest names.

    :param delivered: the time in which it was delivered: from the minute in its name to when it was written last.
    :param digest_verdict: the verdict on an unproven digest that names it.
    """

    name: ObjectName
    delivered: Period | None
    digest_verdict: Verdict | None = None


def judge_unlisted(
    unnamed: Unlisted, deliverers: Iterable[Deliverer], now: datetime, due_after: timedelta
) -> tuple[Verdict, str]:
    """What to think of a log file that no proven digest names: it is foreign only if no trail that delivers there can
    have delivered it.

    :param deliverers: every trail that delivers to the location.
    :param due_after: how long after its start the digest of a time is due.
    """
    tolerance = tolerance_of(due_after / DUE_AFTER_INTERVALS)
    if unnamed.digest_verdict is not None:
        return Verdict.UNPROVEN, f"the digest that names it is {unnamed.digest_verdict}"
    if unnamed.delivered is None:
        return Verdict.FOREIGN, "no digest names it, and its name is not one that CloudTrail gives"
    waits, unknown = "", "nothing shows whose trail delivers there"
    until = max(min(unnamed.delivered.end, now), unnamed.delivered.start + LOG_NAME_TELLS)
    for number, deliverer in enumerate(deliverers):
        unknown = "" if number == 0 else unknown
        newest = deliverer.signed.newest_end
        since = max(newest, unnamed.delivered.start) if newest is not None else unnamed.delivered.start
        # Of a copy's file only the name tells when it was delivered: within the month after.
        is_vague = unnamed.delivered.end - unnamed.delivered.start >= DELIVERED_WITHIN
        # Who may write to the bucket can keep any file young. Its name tells another time: then only a late delivery
        # explains it, which CloudTrail does not promise.
        edge = timedelta() if is_vague else tolerance
        is_older = newest is not None and unnamed.delivered.start < newest - edge
        may_be_late = is_older and not is_vague and now < since + due_after
        is_young = now < since + due_after and not is_older and deliverer.may_sign(since, since + LOG_NAME_TELLS)
        for hole in deliverer.signed.holes(unnamed.delivered.start, until):
            if deliverer.is_off(hole.start, hole.end):
                continue
            if is_young and (newest is None or newest <= hole.start):
                waits = f"the next digest of trail {deliverer.name} is due to name it"
            elif may_be_late and newest is not None and newest <= hole.start:
                unknown = (
                    "the digests of the time that its name tells do not name it; if it was delivered late, the next "
                    f"one of trail {deliverer.name} will"
                )
            elif not deliverer.signs:
                unknown = f"trail {deliverer.name} delivers there, too, and nobody signs for what it delivers"
            else:
                unknown = f"the digest of trail {deliverer.name} that would name it is not here, or not proven"
    if waits:
        return Verdict.NOT_DUE, waits
    return (Verdict.UNPROVEN, unknown) if unknown else (Verdict.FOREIGN, "no digest names it")


# Reads the files that later digests name, of those that were given: by identity.
FindInLaterDigests = Callable[[list[Unlisted]], Mapping[ObjectName, tuple[LogReference, ReadResult[Content]]]]


class ReconciliationContext(Struct, frozen=True):
    """What a reconciliation knows beside the chain.

    :param on_unlisted: told of every file that no proven digest names.
    :param find_in_later_digests: looks for files that digests after the period name.
    :param deliverers: every trail that delivers to the location, asked for when all digests were seen.
    :param unsigned_by: the other trail, and its place, whose a log file is that lies where that trail alone delivers
        and that nobody signs for; ``""`` for any other file.
    :param lies_apart: asks whether all files lie where another trail alone delivers: what is not known of one is no
        doubt of any time of the trail's.
    :param now: by the service's clock.
    :param on_proven: told of every log file that is proven, and the hash that was signed.
    """

    origin: Origin
    now: datetime
    on_progress: OnProgress
    on_unlisted: Callable[[ObjectName], None]
    find_in_later_digests: FindInLaterDigests
    deliverers: Callable[[], Iterable[Deliverer]]
    unsigned_by: Callable[[LogName], str] = lambda _log: ""
    lies_apart: Callable[[], bool] = lambda: False
    on_proven: Callable[[ObjectName, str], None] = lambda _name, _sha256: None


class _Named(Struct):
    """The names that digests hold: the chain's own, and those of other trails that deliver to the same location."""

    own: LogsInDigests
    others: LogsInDigests
    waiting: list[Unlisted] = field(default_factory=list)
    unread: list[Period] = field(default_factory=list)


class Reconciliation:
    """The account of one chain, filled from the newest to the oldest.

    ``interval`` is how often digests come, as far as is known.

    :param with_logs: whether log files are looked at; without them nothing is proven.
    """

    def __init__(self, period: Period, context: ReconciliationContext, *, with_logs: bool = True) -> None:
        self.tally = Tally()
        self.interval = HOUR
        self.timeline = Timeline(period)
        self._period = period
        self._context = context
        self._with_logs = with_logs
        self._names = _Named(LogsInDigests(context.origin), LogsInDigests(context.origin))
        self._queue: deque[Callable[[], None]] = deque()
        self._reads_under_way = 0
        self._deferred: list[ListedObject] = []
        self._newest: datetime | None = None

    def add_period(self, judged_period: JudgedPeriod) -> None:
        """Add the next older period without a proven digest."""
        self._queue.append(partial(self.timeline.add, judged_period))

    def add_digest(self, judged: JudgedDigest, digest: Digest, reads: LogReads, *, is_hourly: bool) -> None:
        """Add a proven digest of the period, whose logs are being read."""
        number = sum(len(references) for _, references in reads)
        covered = Period(digest.start, digest.end)
        self._newest = max(self._newest or digest.end, digest.end)
        self._queue.append(partial(self._finish_digest, judged, covered, reads, number, is_hourly=is_hourly))
        self._reads_under_way += number

    def add_other_reads(self, reads: LogReads) -> None:
        """Add logs that another trail's proven digest names, which lie among the chain's own."""
        number = sum(len(references) for _, references in reads)
        self._queue.append(partial(self._finish_others, reads, number))
        self._reads_under_way += number

    def add_reads_of_elsewhere(self, reads: LogReads) -> None:
        """Add logs that lie in the period by their names, and that a proven digest of another time names."""
        number = sum(len(references) for _, references in reads)
        if number:
            self._queue.append(partial(self._finish_elsewhere, reads, number))
            self._reads_under_way += number

    def add_names(self, digest: Digest) -> None:
        """Note which logs a proven digest lists."""
        self._names.own.add(digest)

    def add_unproven_names(self, digest: Digest, verdict: Verdict) -> None:
        """Note which logs an unproven digest names."""
        self._names.own.add_unproven(digest, verdict)

    def add_other_names(self, judged: JudgedDigest) -> None:
        """Note which logs another trail's digest names."""
        if judged.digest is not None:
            self._names.others.add(judged.digest)
        elif judged.unproven is not None:
            self._names.others.add_unproven(judged.unproven, judged.verdict)
        else:
            self.add_unread(judged)

    def add_unread(self, judged: JudgedDigest) -> None:
        """Note a digest that could not be read, which may name logs of its time."""
        if judged.verdict is Verdict.UNPROVEN and len(self._names.unread) < _MAX_UNREAD:
            around = self.interval + tolerance_of(self.interval)
            self._names.unread.append(Period(judged.end - around, judged.end + tolerance_of(self.interval)))

    def end_day(self, day: date, logs: Iterable[ListedObject]) -> None:
        """Say that a day is complete.

        :param logs: what lies in its log folder.
        """
        self._queue.append(partial(self._finish_day, day, tuple(logs)))
        while self._reads_under_way > _READS_UNDER_WAY:
            self._queue.popleft()()

    def add_foreign(self, name: ObjectName, day: date) -> None:
        """Add an object among the digests that is none."""
        reason = "it is not named as a digest of that place is, or one of too many"
        self.tally.digests[Verdict.FOREIGN] += 1
        self.tally.record(Problem(Verdict.FOREIGN, str(name), reason))
        self._context.on_unlisted(name)
        self._add_problem_of_day(day, Verdict.FOREIGN, f"{name} lies among the digests, and {reason}")

    def add_misplaced(self, name: ObjectName, day: date, verdict: Verdict, reason: str) -> None:
        """Add a file of a copy that lies where none belongs, or has the name of another one."""
        counter = self.tally.digests if DigestName.parse(name) else self.tally.logs
        counter[verdict] += 1
        self.tally.record(Problem(verdict, str(name), reason))
        self._add_problem_of_day(day, verdict, f"{name}: {reason}")

    def add_problem(self, judged: JudgedDigest, *covered: Period) -> None:
        """Add a digest that is not proven: what is wrong with it holds for the time that its name tells, too."""
        self.tally.record(Problem(judged.verdict, str(judged.name), judged.reason))
        if judged.verdict in BAD or judged.verdict is Verdict.UNPROVEN:
            reason = f"{judged.name}: {judged.reason}"
            for period in covered:
                self.timeline.add_problem(JudgedPeriod(period.start, period.end, judged.verdict, reason))

    def close(self) -> tuple[JudgedPeriod, ...]:
        """Wait for everything that is still being read, and say what is proven of the period."""
        while self._queue:
            self._queue.popleft()()
        self._defer([])
        self._judge_waiting()
        return self.timeline.periods()

    # ---- signed files ----------------------------------------------------------------------------------------------

    def _finish_digest(
        self, judged: JudgedDigest, covered: Period, reads: LogReads, number: int, *, is_hourly: bool
    ) -> None:
        before_bytes = self.tally.log_bytes
        verdicts = list(self._judge_logs(judged, reads, covered))
        self._finished(number, self.tally.log_bytes - before_bytes)
        worst = gravest(*verdicts)
        proof = prove(judged, verdicts)
        if proof is not None and not self._with_logs:
            proof, worst = None, Verdict.UNPROVEN
        if proof is not None:
            if is_hourly:
                self.timeline.prove(proof)
            return
        reason = _REASONS[worst] if self._with_logs else CHAIN_ONLY
        if worst is Verdict.UNPROVEN and self._with_logs and not self._context.origin.is_whole_at_its_end:
            reason = _NOT_IN_COPY
        judged_period = JudgedPeriod(covered.start, covered.end, worst, reason)
        if is_hourly:
            self.timeline.add(judged_period)
        self.timeline.add_problem(judged_period)  # another digest may cover some of the same time

    def _judge_logs(self, judged: JudgedDigest, reads: LogReads, covered: Period) -> Iterator[Verdict]:
        for future, references in reads:
            for reference, result in zip(references, future.result(), strict=True):
                is_absent = isinstance(result, Absent)
                is_apart = is_absent and judged.digest is not None and lie_apart(reference.name, judged.digest.name)
                verdict = self._judge_log(reference, result, is_apart=is_apart)
                yield verdict
                if verdict is Verdict.PROVEN or is_absent:
                    continue
                named = LogName.parse(reference.name)
                if named is not None and named.delivered + LOG_NAME_TELLS <= covered.start:
                    self._add_problem_of_file(reference.name, verdict, _LATE)

    def _judge_log(self, reference: LogReference, result: ReadResult[Content], *, is_apart: bool = False) -> Verdict:
        verdict, reason = judge_log(reference, result, self._context.origin, self._newest, is_apart=is_apart)
        self.tally.logs[verdict] += 1
        if isinstance(result, Found):
            self.tally.log_bytes += result.value.size_bytes
        if verdict is not Verdict.PROVEN:
            self.tally.record(Problem(verdict, str(reference.name), reason))
        else:
            self._context.on_proven(reference.name, reference.sha256)
        return verdict

    def _finish_elsewhere(self, reads: LogReads, number: int) -> None:
        for future, references in reads:
            for reference, result in zip(references, future.result(), strict=True):
                if not isinstance(result, Absent):  # that it is gone is a matter of its digest's time
                    self._judge_elsewhere(reference, result)
        self._finished(number)

    def _judge_elsewhere(self, reference: LogReference, result: ReadResult[Content]) -> None:
        verdict = self._judge_log(reference, result)
        if verdict is not Verdict.PROVEN:
            self._add_problem_of_file(reference.name, verdict, _LATE)

    def _finish_others(self, reads: LogReads, number: int) -> None:
        for future, references in reads:
            for reference, result in zip(references, future.result(), strict=True):
                verdict, reason = judge_log(reference, result, self._context.origin, self._newest)
                # What another trail lacks is that trail's; what lies here and is not genuine misleads whoever reads it.
                if verdict is Verdict.ALTERED or isinstance(result, Unreadable):
                    self._report(reference.name, verdict, f"another trail's digest names it, and {reason}")
        self._finished(number)

    def _finished(self, number: int, size_bytes: int = 0) -> None:
        self._reads_under_way -= number
        self._context.on_progress(number, size_bytes, 0)

    # ---- files that no digest names --------------------------------------------------------------------------------

    def _finish_day(self, day: date, logs: tuple[ListedObject, ...]) -> None:
        """Defer what no digest names so far: one of the day before may name it."""
        self._defer([log for log in logs if not self._is_named(log.name) and self._is_in_period(log)])
        self._context.on_progress(0, 0, 1)
        self._names.own.forget_after(day)
        self._names.others.forget_after(day)

    def _defer(self, logs: list[ListedObject]) -> None:
        for log in self._deferred:
            if self._is_named(log.name):
                continue
            digest_verdict = self._names.own.digest_verdict(log.name) or self._names.others.digest_verdict(log.name)
            unnamed = Unlisted(log.name, self._delivered(log), digest_verdict)
            if len(self._names.waiting) < _MAX_UNNAMED:
                self._names.waiting.append(unnamed)
            else:
                self._report(log.name, Verdict.UNPROVEN, "it is one of too many files that no digest names")
        self._deferred = logs

    def _is_named(self, name: ObjectName) -> bool:
        return self._names.own.holds(name) or self._names.others.holds(name)

    def _is_in_period(self, log: ListedObject) -> bool:
        named = LogName.parse(log.name)
        if named is None or self._is_to_come(named.delivered):
            return True
        return self._period.start - LOG_NAME_TELLS < named.delivered <= self._period.end

    def _is_to_come(self, delivered: datetime) -> bool:
        """Whether no clock that is right can have told such a time."""
        return delivered > self._context.now + CLOCKS_DIFFER

    def _delivered(self, log: ListedObject) -> Period | None:
        named = LogName.parse(log.name)
        if named is None:
            return None
        written = self._context.origin.delivered(log)
        if written is None:
            return Period(named.delivered, named.delivered + DELIVERED_WITHIN)
        last = max(written, named.delivered + LOG_NAME_TELLS)
        return Period(named.delivered, last + tolerance_of(self.interval))

    def _judge_waiting(self) -> None:
        waiting, self._names.waiting = self._names.waiting, []
        if not waiting:
            return
        found = self._context.find_in_later_digests(
            [unnamed for unnamed in waiting if unnamed.delivered and unnamed.digest_verdict is None]
        )
        deliverers, is_apart = tuple(self._context.deliverers()), self._context.lies_apart()
        for unnamed in waiting:
            if unnamed.name in found:
                self._judge_elsewhere(*found[unnamed.name])
                continue
            due_after = DUE_AFTER_INTERVALS * self.interval
            verdict, reason = judge_unlisted(unnamed, deliverers, self._context.now, due_after)
            if unnamed.delivered is not None and self._is_to_come(unnamed.delivered.start):
                # For a copy, the present is what this machine's clock says, which may be wrong.
                verdict = Verdict.FOREIGN if self._context.origin.is_whole_at_its_end else Verdict.UNPROVEN
                reason = "its name tells a time that is yet to come"
            elif verdict is Verdict.NOT_DUE and not self._context.origin.knows_when_delivered:
                verdict, reason = Verdict.UNPROVEN, "when it was delivered is not known, and no digest names it"
            elif verdict is Verdict.FOREIGN and self._may_be_named_by_unread(unnamed):
                verdict, reason = Verdict.UNPROVEN, "no digest names it, but one that could not be read may"
            elif verdict is Verdict.UNPROVEN and (trail := self._unsigned_by(unnamed)):
                self.tally.unsigned[trail] += 1
                self._context.on_unlisted(unnamed.name)
                continue
            self._report(unnamed.name, verdict, reason, is_timed=not (is_apart and verdict is Verdict.UNPROVEN))

    def _unsigned_by(self, unnamed: Unlisted) -> str:
        """The other trail whose the file is, of which nobody can say more: it is no part of what is asked."""
        named = LogName.parse(unnamed.name) if unnamed.digest_verdict is None else None
        return self._context.unsigned_by(named) if named else ""

    def _may_be_named_by_unread(self, unnamed: Unlisted) -> bool:
        at = unnamed.delivered.start if unnamed.delivered else None
        return at is not None and any(period.start <= at < period.end for period in self._names.unread)

    def _report(self, name: ObjectName, verdict: Verdict, reason: str, *, is_timed: bool = True) -> None:
        """Add a file that is not proven.

        :param is_timed: whether the minute that its name tells is not proven then, either.
        """
        self.tally.logs[verdict] += 1
        self._context.on_unlisted(name)
        named = LogName.parse(name)
        if verdict is not Verdict.NOT_DUE:
            self.tally.record(Problem(verdict, str(name), reason))
        elif named is not None:
            self.tally.add_not_due(named.delivered)
        if is_timed:
            self._add_problem_of_file(name, verdict, f"{name.key.rpartition('/')[2]}: {reason}")

    def _add_problem_of_file(self, name: ObjectName, verdict: Verdict, reason: str) -> None:
        """Add a problem of a file's time: the minute that its name tells, or all of the period if it tells none."""
        named = LogName.parse(name)
        if named is None:
            day = _DAY_FOLDER.search(name.key)
            if day is None:
                self.timeline.add_problem(JudgedPeriod(self._period.start, self._period.end, verdict, reason))
            else:
                self._add_problem_of_day(date(*map(int, day.groups())), verdict, reason)
            return
        due = self._context.now + DUE_AFTER_INTERVALS * self.interval
        evidence = Evidence(until=due) if verdict is Verdict.NOT_DUE else Evidence()
        self.timeline.add_problem(
            JudgedPeriod(named.delivered, named.delivered + LOG_NAME_TELLS, verdict, reason, evidence)
        )

    def _add_problem_of_day(self, day: date, verdict: Verdict, reason: str) -> None:
        start = datetime(day.year, day.month, day.day, tzinfo=self._period.start.tzinfo)
        self.timeline.add_problem(JudgedPeriod(start, start + timedelta(days=1), verdict, reason))
