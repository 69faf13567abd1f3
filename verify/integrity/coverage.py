"""Which log files are vouched for, and what to think of one that no proven digest names."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from verify.integrity.digests.digest import Digest
from verify.integrity.timeline.timeline import Timeline
from verify.integrity.timeline.verdict import COULD_NOT_LOOK, Verdict
from verify.storage.layout import LOG_NAME_TELLS, LogName
from verify.storage.objects import ObjectName

# In …_20261101T0406Z_a9d3c94ae3629c19.json.gz. LogName.parse would make sure, and take more time than all the rest.
_DAY_IN_NAME = slice(-len("20261101T0406Z_a9d3c94ae3629c19.json.gz"), -len("T0406Z_a9d3c94ae3629c19.json.gz"))


def slack_of(interval: timedelta) -> timedelta:
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


def judge_unnamed(
    named: LogName | None,
    doubt: Verdict | None,
    timeline: Timeline,
    newest_end: datetime | None,
    slack: timedelta,
) -> tuple[Verdict, str]:
    """What to think of a log file that no proven digest names.

    :param named: what its key says; ``None`` when the key is not a log file's.
    :param doubt: the verdict on an unproven digest that names it.
    :param timeline: what is known of its time.
    :param newest_end: where the newest proven digest ends.
    :param slack: how far its time may lie outside of the digest that names it.
    """
    if doubt is not None:
        verdict = Verdict.UNKNOWN if doubt in COULD_NOT_LOOK else Verdict.UNPROVEN
        return verdict, f"the digest that names it is {doubt}"
    if named is None:
        return Verdict.UNSIGNED, "no digest names it, and its name is not one that CloudTrail gives"
    around = timeline.between(named.delivered - slack, named.delivered + slack)
    verdicts = {span.verdict for span in around}
    is_late = newest_end is None or named.delivered >= newest_end - slack
    # Its name tells the minute only, which may have gone on after the newest digest's end.
    may_be_later = newest_end is not None and named.delivered <= newest_end < named.delivered + LOG_NAME_TELLS
    if may_be_later or (is_late and Verdict.NOT_DUE in verdicts):
        return Verdict.NOT_DUE, ""
    if verdicts & {Verdict.MISSING, Verdict.UNPROVEN}:
        return Verdict.UNPROVEN, "the digest that would name it is gone or not to be believed"
    if Verdict.UNKNOWN in verdicts:
        return Verdict.UNKNOWN, "the digest that would name it could not be read or found"
    return Verdict.UNSIGNED, "no digest names it"
