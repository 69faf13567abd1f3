"""What a hunt finds. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from verify.hunt.sigma.load import LEVELS, Problem, Rule
from verify.logs.answer import Basis

CONFIDENCES = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that happened and is worth a look.

    :param rule: the rule's title; ``rule_id`` its id, ``source`` the file that it is from.
    :param severity: one of ``LEVELS``; ``confidence`` one of ``CONFIDENCES``.
    :param techniques: of MITRE ATT&CK, as ``T1562.008``.
    :param principal: who did it; ``session`` the role's session, ``key`` the access key's id.
    :param behind: who stood behind them, back to the first one known, each as a sentence; ``actor`` is that one.
    :param first: the first and the last of the events; ``count`` is how many they are.
    :param events: the ids of those events by which it is known, of very many the first.
    :param detail: what the first of them asked for; ``keys`` are the ids of all access keys.
    :param innocent: likely innocent explanations; ``next_steps`` what to do next; ``query`` how to dig on.
    """

    rule: str
    rule_id: str
    source: str
    severity: str
    confidence: str
    what: str
    techniques: tuple[str, ...]
    principal: str
    session: str
    key: str
    behind: tuple[str, ...]
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    addresses: tuple[str, ...]
    agents: tuple[str, ...]
    calls: tuple[str, ...]
    first: datetime
    last: datetime
    count: int
    events: tuple[str, ...]
    detail: str = ""
    innocent: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    query: str = ""
    keys: tuple[str, ...] = ()
    actor: str = ""


def finding_of(rule: Rule, first: datetime | None, last: datetime | None, count: int) -> Finding:
    """What a rule's author wrote of what it finds, with when and how often; by whom and where is not known yet.

    :param first: when the first of the events was, and ``last`` the last; 1970 stands for a time that nobody knows.
    """
    moment = first or datetime.fromtimestamp(0, UTC)
    confidence = rule.more.get("confidence")
    return Finding(
        rule=rule.title,
        rule_id=rule.id,
        source=rule.source,
        severity=rule.level,
        confidence=confidence if confidence in CONFIDENCES else "medium",
        what=rule.description or rule.title,
        techniques=tuple(
            tag.removeprefix("attack.").upper() for tag in rule.tags if tag.lower().startswith("attack.t")
        ),
        principal="unknown",
        session="",
        key="",
        behind=(),
        accounts=(),
        regions=(),
        addresses=(),
        agents=(),
        calls=(),
        first=moment,
        last=last or moment,
        count=count,
        events=(),
        innocent=rule.false_positives,
        next_steps=next_steps_of(rule),
    )


def told_by(rule: Rule, finding: Finding) -> Finding:
    """The same events, as another rule tells of them."""
    told = finding_of(rule, finding.first, finding.last, finding.count)
    return replace(
        finding,
        rule=told.rule,
        rule_id=told.rule_id,
        source=told.source,
        severity=told.severity,
        confidence=told.confidence,
        what=told.what,
        techniques=told.techniques,
        innocent=told.innocent,
        next_steps=told.next_steps,
    )


def next_steps_of(rule: Rule) -> tuple[str, ...]:
    """What a rule's author says is to be done next."""
    steps = rule.more.get("next")
    return tuple(map(str, steps)) if isinstance(steps, list) else ()


@dataclass(frozen=True, slots=True)
class Blind:
    """A rule that could find nothing, or not everything, because such events are not among what was read."""

    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a hunt came to.

    :param basis: what was read.
    :param findings: gravest first.
    :param rules: how many rules ran.
    :param problems: rules that could not run.
    :param blind: rules of whose events some or all are not in what was read.
    :param holes: why findings may be missing, beside the holes of the basis.
    :param hidden: how many findings are not among these, because nobody wants to see such.
    :param read: the shown names of the files that could be read.
    """

    basis: Basis
    findings: tuple[Finding, ...]
    rules: int
    problems: tuple[Problem, ...] = ()
    blind: tuple[Blind, ...] = ()
    holes: tuple[str, ...] = ()
    hidden: int = 0
    read: frozenset[str] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether everything of the period was read, and every rule could look at it."""
        return self.basis.is_whole and bool(self.rules) and not (self.problems or self.blind or self.holes)

    def exit_code(self, fail_on: str) -> int:
        """1 if a finding is at least that grave; else 0 if the hunt was whole, and 3 if it was not.

        :param fail_on: one of ``LEVELS``.
        """
        if any(at_least(each.severity, fail_on) for each in self.findings):
            return 1
        return 0 if self.is_whole else 3


def at_least(severity: str, bound: str) -> bool:
    """Whether a severity is at least so grave."""
    return LEVELS.index(severity) >= LEVELS.index(bound)


def order_of(finding: Finding) -> Any:
    """Gravest first, then by time."""
    return (-LEVELS.index(finding.severity), finding.first, finding.rule, finding.principal)
