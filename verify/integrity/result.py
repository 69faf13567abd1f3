"""What the validation of a trail found: a table of accounts, regions and intervals, and what it comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from verify.integrity.state import Anchor
from verify.integrity.timeline.configuration import BucketAndPrefix
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import BAD, HARMLESS, NO_EVIDENCE, Evidence, JudgedPeriod, Problem, Verdict
from verify.storage.layout import ChainName
from verify.times import iso

MAX_PROBLEMS = 10_000

# Told what has been done since the last call: logs judged, what they inflate to in bytes, days completed. May be called
# from any thread.
OnProgress: TypeAlias = Callable[[int, int, int], None]


class Tally(Struct):
    """Counts files by verdict and keeps what is wrong, up to a limit: an attacker decides how many problems there are.

    :param notes: proven files that were proven in an unusual way.
    :param not_due_from: when the oldest log file that no digest is due to name yet was delivered.
    :param doubles: files of a copy that are the same as another one of their name.
    :param unsigned: log files of other trails that nobody signs for, by the trail and its place.
    """

    digests: Counter[Verdict] = field(default_factory=Counter)
    backfills: Counter[Verdict] = field(default_factory=Counter)
    logs: Counter[Verdict] = field(default_factory=Counter)
    log_bytes: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    omitted: int = 0
    not_due_from: datetime | None = None
    doubles: int = 0
    unsigned: Counter[str] = field(default_factory=Counter)

    def add_not_due(self, delivered: datetime) -> None:
        """Note a log file that no digest is due to name yet."""
        self.not_due_from = min(delivered, self.not_due_from or delivered)

    def record(self, problem: Problem) -> None:
        """Keep a problem or a note."""
        kept = self.notes if problem.verdict is Verdict.PROVEN else self.problems
        if len(kept) < MAX_PROBLEMS:
            kept.append(problem)
        else:
            self.omitted += 1

    def plus(self, other: Tally) -> Tally:
        """What both count."""
        moments = [moment for moment in (self.not_due_from, other.not_due_from) if moment]
        problems, notes = [*self.problems, *other.problems], [*self.notes, *other.notes]
        dropped = max(len(problems) - MAX_PROBLEMS, 0) + max(len(notes) - MAX_PROBLEMS, 0)
        return Tally(
            self.digests + other.digests,
            self.backfills + other.backfills,
            self.logs + other.logs,
            self.log_bytes + other.log_bytes,
            problems[:MAX_PROBLEMS],
            notes[:MAX_PROBLEMS],
            self.omitted + other.omitted + dropped,
            min(moments, default=None),
            self.doubles + other.doubles,
            self.unsigned + other.unsigned,
        )


class FileChange(Struct, frozen=True):
    """A call that deleted or wrote a file.

    :param subject: the file, as ``s3://bucket/key``.
    :param call: such as ``DeleteObject``.
    :param caller: an ARN, where there is one.
    :param address: from where it was called; ``""`` where that is not recorded.
    :param source: what tells of it.
    :param names_file: whether the record names the file: that of DeleteObjects names the bucket alone.
    :param is_signed: whether a signed digest vouches for the source. Else whoever may write there may have made it up.
    """

    subject: str
    call: str
    caller: str
    address: str
    at: datetime
    source: str
    names_file: bool = True
    is_signed: bool = False

    def __str__(self) -> str:
        where = f" from {self.address}" if self.address else ""
        maybe = "" if self.names_file else ", which does not say which files,"
        return f"{self.call} by {self.caller}{where} at {iso(self.at)}{maybe} ({self.source})"


class FileChanges(Struct, frozen=True):
    """Who changed the files that are altered, missing or foreign.

    :param found: by file; of each those that a digest vouches for first, and of these the newest.
    :param when: when S3 says that a file was deleted, or that what is there was written.
    :param looked_at: what was searched, and what could not be and why: a clause each.
    """

    found: Mapping[str, tuple[FileChange, ...]] = field(default_factory=dict)
    when: Mapping[str, datetime] = field(default_factory=dict)
    looked_at: tuple[str, ...] = ()

    def of(self, problem: Problem) -> tuple[str, ...]:
        """What is known of who changed a file and when: a clause for each call, or for the moment alone."""
        when = self.when.get(problem.subject)
        if calls := self.found.get(problem.subject):
            return tuple(map(str, calls))
        if when is None:
            return ()
        what = "deleted" if problem.verdict is Verdict.MISSING else "written"
        return (f"{what} at {iso(when)}, as S3 says; who did it is not known",)


class Row(Struct, frozen=True):
    """A row of the table: what is said of an account and region in an interval, and on what ground.

    :param account: ``""``, as ``region``, for what was found where the name tells neither.
    :param reason: a clause; ``""`` when there is nothing to explain.
    """

    account: str
    region: str
    start: datetime
    end: datetime
    verdict: Verdict
    reason: str = ""
    evidence: Evidence = NO_EVIDENCE


class ChainResult(Struct, frozen=True):
    """One account and region.

    :param anchor: up to where it is proven, for the next run; ``None`` unless all of it is.
    :param early: what was found to be wrong with the time before the period.
    :param places: to which buckets and prefixes its digests led, beside those where it was looked for.
    """

    chain: ChainName
    periods: tuple[JudgedPeriod, ...]
    tally: Tally
    anchor: Anchor | None = None
    early: tuple[JudgedPeriod, ...] = ()
    places: frozenset[BucketAndPrefix] = frozenset()


class Result(Struct, frozen=True):
    """The whole validation.

    :param chains: every account and region in scope, also those of which nothing is there.
    :param foreign: objects and prefixes that belong to no account and region in scope.
    :param notices: what the reader must know about its scope.
    :param causes: what is known of why something may not be proven, the most telling first.
    :param unseen: what could not be looked at, each as a sentence.
    :param requires_logging: whether a time without logging is as bad as tampering.
    :param claimed_because: why all this holds only if something is true that nothing here proves; ``""`` otherwise.
    :param changes: who changed files, as far as logs tell.
    """

    trail: str
    source: str
    period: Period
    made_at: datetime
    is_quick: bool
    chains: tuple[ChainResult, ...]
    foreign: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    requires_logging: bool = False
    claimed_because: str = ""
    changes: FileChanges = FileChanges()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The table, in order."""
        found = [
            Row(chain.chain.account, chain.chain.region, *_fields(judged))
            for chain in self.chains
            for judged in chain.periods
        ]
        found += [
            Row("", "", self.period.start, self.period.end, file.verdict, f"{file.subject}: {file.reason}")
            for file in self.foreign
        ]
        return tuple(sorted(found, key=lambda row: (row.account, row.region, row.start)))

    @property
    def verdicts(self) -> frozenset[Verdict]:
        """Every verdict on a time or a file."""
        found = {judged.verdict for chain in self.chains for judged in chain.periods}
        found |= {file.verdict for file in self.foreign}
        for chain in self.chains:
            for counter in (chain.tally.digests, chain.tally.backfills, chain.tally.logs):
                found |= {verdict for verdict, count in counter.items() if count}
        return frozenset(found)

    @property
    def pauses(self) -> tuple[Row, ...]:
        """The rows in which logging was off."""
        return tuple(row for row in self.rows if row.verdict is Verdict.NOT_LOGGED)

    @property
    def is_proven_at_all(self) -> bool:
        """Whether some time is proven: of a single file nothing follows."""
        return any(judged.verdict is Verdict.PROVEN for chain in self.chains for judged in chain.periods)

    @property
    def next_due(self) -> datetime | None:
        """When the next digest is due, for which something waits."""
        due = [row.evidence.until for row in self.rows if row.verdict is Verdict.NOT_DUE and row.evidence.until]
        return min(due, default=None)

    @property
    def not_due_from(self) -> datetime | None:
        """From when on CloudTrail has not signed for everything yet; ``None`` when it has for all of the period."""
        starts = [
            judged.start for chain in self.chains for judged in chain.periods if judged.verdict is Verdict.NOT_DUE
        ] + [chain.tally.not_due_from for chain in self.chains if chain.tally.not_due_from]
        return max(min(starts), self.period.start) if starts else None

    @property
    def exit_code(self) -> int:
        """0 if every row is proven, not logged or not yet due and one is proven; 1 if something was altered, is missing
        or foreign; else 3.
        """
        verdicts = self.verdicts
        if verdicts & BAD or (self.requires_logging and Verdict.NOT_LOGGED in verdicts):
            return 1
        if verdicts - HARMLESS or self.unseen or self.claimed_because or not self.is_proven_at_all:
            return 3
        return 0


def _fields(judged: JudgedPeriod) -> tuple[datetime, datetime, Verdict, str, Evidence]:
    return judged.start, judged.end, judged.verdict, judged.reason, judged.evidence


def with_notices(result: Result, notices: tuple[str, ...]) -> Result:
    """The same, with more that the reader must know."""
    return replace(result, notices=(*result.notices, *notices))
