"""The result of a validation as a JSON document, whose fields these types define.

docs/integrity.schema.json is made of them (``python -m tools.schemas --write``). A field that is added keeps the number
of the version; one that goes, or that comes to mean something else, makes the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NotRequired, TypedDict

from verify.integrity.result import ChainResult, FileChange, FileChanges, Result
from verify.integrity.timeline.verdict import MEANING, Evidence, JudgedPeriod, Problem, Verdict
from verify.report.integrity.next_steps import NextStep
from verify.report.integrity.text import VERDICTS, sentence
from verify.times import iso

SCHEMA_VERSION: Final = 1


class PeriodJson(TypedDict):
    """From when to when, in UTC."""

    start: str
    end: str


class TimeJson(TypedDict):
    """What is said of a time in an account and region, and on what ground."""

    start: str
    end: str
    verdict: str
    reason: str
    digests: NotRequired[int]
    firstDigest: NotRequired[str]
    lastDigest: NotRequired[str]
    call: NotRequired[str]
    caller: NotRequired[str]
    address: NotRequired[str]
    source: NotRequired[str]
    until: NotRequired[str]
    settles: NotRequired[str]


class ChangeJson(TypedDict):
    """A call that deleted or wrote a file. If it does not name the file, it may have concerned others."""

    call: str
    caller: str
    address: str
    at: str
    source: str
    namesFile: bool


class ProblemJson(TypedDict):
    """A file, or everything below a prefix, of which something is to be said.

    ``changedAt`` is when S3 says that it was deleted, or that what is there was written; ``changes`` are the calls of
    which logs tell: first those of signed log files, each the newest first.
    """

    verdict: str
    object: str
    reason: str
    meaning: str
    changedAt: NotRequired[str]
    changes: NotRequired[list[ChangeJson]]


class ChainJson(TypedDict):
    """An account and region. The numbers of files are by verdict."""

    account: str
    region: str
    digests: dict[str, int]
    backfillDigests: dict[str, int]
    logs: dict[str, int]
    logBytes: int
    times: list[TimeJson]
    problems: list[ProblemJson]
    notes: list[ProblemJson]
    problemsNotListed: int


class NextStepJson(TypedDict):
    """What to do, with commands to be typed as they are, but for words in capitals."""

    text: str
    commands: list[str]


class IntegrityJson(TypedDict):
    """The whole validation."""

    schemaVersion: int
    verdict: str
    exitCode: int
    answer: str
    trail: str
    source: str
    readAt: str
    notDueFrom: str | None
    requested: PeriodJson
    chainOnly: bool
    notices: list[str]
    notLookedAt: list[str]
    nextDigestDue: str | None
    claimedBecause: str | None
    outsideOfTheLayout: list[ProblemJson]
    chains: list[ChainJson]
    nextSteps: list[NextStepJson]
    changesLookedFor: list[str]
    seconds: float


def result_as_json(result: Result, seconds: float, steps: Sequence[NextStep] = ()) -> IntegrityJson:
    """A result as a JSON document.

    :param seconds: how long the validation took.
    :param steps: what to do about it.
    """
    return {
        "schemaVersion": SCHEMA_VERSION,
        "verdict": VERDICTS[result.exit_code].lower(),
        "exitCode": result.exit_code,
        "answer": sentence(result),
        "trail": result.trail,
        "source": result.source,
        "readAt": iso(result.made_at),
        "notDueFrom": _or_none(result.not_due_from),
        "requested": {"start": iso(result.period.start), "end": iso(result.period.end)},
        "chainOnly": result.is_quick,
        "notices": list(result.notices),
        "notLookedAt": list(result.unseen),
        "nextDigestDue": _or_none(result.next_due),
        "claimedBecause": result.claimed_because or None,
        "outsideOfTheLayout": [_problem(problem, result.changes) for problem in result.foreign],
        "chains": [_chain(chain, result.changes) for chain in result.chains],
        "nextSteps": [{"text": step.text, "commands": list(step.commands)} for step in steps],
        "changesLookedFor": list(result.changes.looked_at),
        "seconds": round(seconds, 3),
    }


def _or_none(moment: datetime | None) -> str | None:
    return iso(moment) or None


def _chain(result: ChainResult, changes: FileChanges) -> ChainJson:
    tally = result.tally
    return {
        "account": result.chain.account,
        "region": result.chain.region,
        "digests": _counts(tally.digests),
        "backfillDigests": _counts(tally.backfills),
        "logs": _counts(tally.logs),
        "logBytes": tally.log_bytes,
        "times": [_time(judged) for judged in result.periods],
        "problems": [_problem(problem, changes) for problem in tally.problems],
        "notes": [_problem(problem, changes) for problem in tally.notes],
        "problemsNotListed": tally.omitted,
    }


def _time(judged: JudgedPeriod) -> TimeJson:
    time: TimeJson = {
        "start": iso(judged.start),
        "end": iso(judged.end),
        "verdict": str(judged.verdict),
        "reason": judged.reason,
    }
    return time | _evidence(judged.evidence)  # type: ignore[return-value]  # each of its fields is one of a time


def _evidence(evidence: Evidence) -> dict[str, str | int]:
    """What there is of it."""
    found: dict[str, str | int] = {
        "digests": evidence.digests,
        "firstDigest": evidence.first,
        "lastDigest": evidence.last,
        "call": evidence.call,
        "caller": evidence.caller,
        "address": evidence.address,
        "source": evidence.source,
        "until": iso(evidence.until),
        "settles": evidence.settles,
    }
    return {name: value for name, value in found.items() if value}


def _counts(counter: Counter[Verdict]) -> dict[str, int]:
    return {str(verdict): counter[verdict] for verdict in Verdict if counter[verdict]}


def _problem(problem: Problem, changes: FileChanges) -> ProblemJson:
    found: ProblemJson = {
        "verdict": str(problem.verdict),
        "object": problem.subject,
        "reason": problem.reason,
        "meaning": MEANING[problem.verdict],
    }
    if when := changes.when.get(problem.subject):
        found["changedAt"] = iso(when)
    if calls := changes.found.get(problem.subject):
        found["changes"] = [_change(call) for call in calls]
    return found


def _change(change: FileChange) -> ChangeJson:
    return {
        "call": change.call,
        "caller": change.caller,
        "address": change.address,
        "at": iso(change.at),
        "source": change.source,
        "namesFile": change.names_file,
    }
