"""A check, its verdict and the evidence that goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum

from verify.posture.facts.trail import TrailFacts


class Status(StrEnum):
    """What came out. ``ADVICE`` is hardening that is still open; it fails nothing."""

    PASS = "PASS"  # noqa: S105 (a status, not a password)
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    NOT_APPLICABLE = "N/A"
    ADVICE = "ADVICE"


class Group(StrEnum):
    """Whether it records at all, the course's seven, its console checkpoints, who else can reach it, hardening
    beyond that, and who can blind it, where that was asked.
    """

    RECORDING = "recording"
    LAB = "lab"
    CHECKPOINT = "checkpoint"
    ACCESS = "access"
    ADVICE = "advice"
    WHO = "who"


class Part(Enum):
    """What a check is about."""

    KEY = "key"
    BUCKET = "bucket"
    TRAIL = "trail"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    :param actual: the state that was found.
    :param fix: a fix for just this case, as :attr:`Check.fix`. Default: - the check's own.
    :param cause: the reason, such as the statement of a policy and what in it does not match. Default: - none beyond
        ``actual``.
    """

    status: Status
    actual: str
    fix: str | None = None
    cause: str = ""


def passed(actual: str) -> Verdict:
    """The state is as expected."""
    return Verdict(Status.PASS, actual)


def failed(actual: str, *, fix: str | None = None, cause: str = "") -> Verdict:
    """The state is not as expected."""
    return Verdict(Status.FAIL, actual, fix, cause)


def passes_if(condition: bool, actual: str, *, fix: str | None = None) -> Verdict:  # noqa: FBT001 (reads as it is said)
    """Passed or failed, by the condition."""
    return passed(actual) if condition else failed(actual, fix=fix)


_DECIDE = "# Decide first: "


def decide(what: str) -> str:
    """In the place of a fix: what a person has to choose. A comment on one line, so that pasting it does nothing."""
    return _DECIDE + "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in what)


def needs_decision(fix: str) -> bool:
    """Whether :func:`decide` made this."""
    return fix.startswith(_DECIDE)


def unknown(actual: str) -> Verdict:
    """The facts are known and still do not decide it."""
    return Verdict(Status.UNKNOWN, actual, fix="")


@dataclass(frozen=True, slots=True)
class Check:
    """One control. ``judge`` is pure: it reads facts, calls nothing and reads no clock. It may raise ``NotKnown`` or
    ``MalformedPolicy``.

    :param id: stable, for programs.
    :param needs: the facts that ``judge`` may read, by field name; the permissions follow from them.
    :param may_need: facts that it reads in some cases only. Default: - none.
    :param expected: how it should be; may name ``{key}``, ``{bucket}``, ``{trail}``, as may ``fix``.
    :param fix: an AWS CLI command, beginning with ``{aws}``.
    :param cdk: how SecureTrail does it, and the property of the L1 construct.
    :param source: the AWS document behind the rule.
    :param controls: AWS Security Hub control ids.
    :param number: the course's number. Default: - not one of the seven.
    """

    id: str
    group: Group
    part: Part
    title: str
    needs: tuple[str, ...]
    judge: Callable[[TrailFacts], Verdict]
    expected: str
    why: str
    fix: str
    cdk: str
    source: str
    controls: tuple[str, ...] = ()
    number: int | None = None
    may_need: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """A check's verdict with the evidence for it and the fix.

    :param cause: as :attr:`Verdict.cause`; empty when there is none.
    :param fix_diff: the lines that a fix changes in a policy, each after ``+`` or ``-``; empty for no policy.
    :param console_url: ``None`` when the endpoint is not AWS or the partition's console is not known.
    """

    id: str
    number: int | None
    group: Group
    title: str
    status: Status
    resource: str
    expected: str
    actual: str
    cause: str
    why: str
    fix_cli: str
    fix_cdk: str
    console_url: str | None
    source_url: str
    permissions: tuple[str, ...]
    controls: tuple[str, ...]
    fix_diff: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """A command for the AWS CLI.

    :param checks: the ids of the failed checks that it makes pass.
    :param only_reads: it changes nothing: it shows a policy in which somebody has to decide what to change, or says
        what is to be decided.
    """

    checks: tuple[str, ...]
    command: str
    only_reads: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of a group's results passed, leaving out those that do not apply."""

    passed: int
    of: int


@dataclass(frozen=True, slots=True)
class Report:
    """All results, and what they are about.

    :param endpoint: the endpoint that answered, when that was not AWS.
    :param meant_by: the source of the names of trail, bucket and key.
    :param fixes: the commands that make the failed checks pass, each for the state that the ones before it leave.
    :param is_certain: whether these are certainly the trail, bucket and key that are meant.
    :param unanswered: why calls got no answer, whichever checks they are for; each reason once.
    """

    account: str
    region: str
    partition: str
    endpoint: str | None
    trail: str
    bucket: str
    key: str
    meant_by: str
    notices: tuple[str, ...]
    results: tuple[Result, ...]
    fixes: tuple[Fix, ...]
    is_certain: bool = True
    unanswered: tuple[str, ...] = ()

    def tally(self, group: Group) -> Tally:
        """Count a group."""
        statuses = [result.status for result in self.results if result.group is group]
        counted = [status for status in statuses if status is not Status.NOT_APPLICABLE]
        return Tally(passed=counted.count(Status.PASS), of=len(counted))

    @property
    def status(self) -> Status:
        """FAIL if any check failed, else UNKNOWN if any is unknown, or what was checked, or a call got no answer, else
        PASS. Advice counts as far as a call for it got no answer.
        """
        statuses = {result.status for result in self.results if result.group is not Group.ADVICE}
        if not self.is_certain or self.unanswered:
            statuses.add(Status.UNKNOWN)
        return next((status for status in (Status.FAIL, Status.UNKNOWN) if status in statuses), Status.PASS)
