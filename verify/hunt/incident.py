"""Findings that belong together, as one story. Pure.

Findings are one incident if they are of one day and share who stood behind them in the end, an access key, or, of those
that are at least medium, an address. Log files that are missing are of the incident in which somebody impaired the logs
of that account, as nobody knows who removed them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from verify.hunt.finding import Finding, at_least, order_of
from verify.hunt.identity import network_of
from verify.hunt.sigma.load import LEVELS

_WITHIN = timedelta(hours=24)
# Impair Defenses: Disable or Modify Cloud Logs
_IMPAIRED = "T1562.008"


@dataclass(frozen=True, slots=True)
class Incident:
    """One story.

    :param severity: that of the gravest finding.
    :param findings: in the order of time.
    """

    severity: str
    principals: tuple[str, ...]
    addresses: tuple[str, ...]
    first: datetime
    last: datetime
    findings: tuple[Finding, ...]


def incidents(findings: Iterable[Finding]) -> list[Incident]:
    """The incidents, gravest first."""
    groups: list[list[Finding]] = []
    marks: list[set[str]] = []
    for finding in sorted(findings, key=lambda each: (each.first, order_of(each))):
        impaired, sought = _of_logs(finding)
        own = _marks(finding) | impaired
        together = [
            number
            for number, group in enumerate(groups)
            if (own | sought) & marks[number] and finding.first - max(each.last for each in group) <= _WITHIN
        ]
        merged = [finding]
        for number in reversed(together):
            merged = groups.pop(number) + merged
            own |= marks.pop(number)
        groups.append(merged)
        marks.append(own)
    found = [_incident(sorted(group, key=lambda each: (each.first, order_of(each)))) for group in groups]
    return sorted(found, key=lambda each: (-LEVELS.index(each.severity), each.first))


def _marks(finding: Finding) -> set[str]:
    found = {finding.actor, *finding.keys} - {""}
    if at_least(finding.severity, "medium"):
        found |= {address for address in finding.addresses if network_of(address)}
    return found


def _of_logs(finding: Finding) -> tuple[set[str], set[str]]:
    """Of a finding that logs were impaired: its own marks, and the marks of what belongs to it.

    Log files that nobody is known to have removed belong to whoever impaired the logs, and the other way round.
    """
    if _IMPAIRED not in finding.techniques or not at_least(finding.severity, "medium"):
        return set(), set()
    removed, impaired = ({f"{what} {account}" for account in finding.accounts} for what in ("removed", "impaired"))
    return (removed, impaired) if finding.principal == "unknown" else (impaired, removed)


def _incident(findings: Sequence[Finding]) -> Incident:
    return Incident(
        max((each.severity for each in findings), key=LEVELS.index),
        tuple(dict.fromkeys(each.actor for each in findings)),
        tuple(dict.fromkeys(address for each in findings for address in each.addresses if network_of(address))),
        min(each.first for each in findings),
        max(each.last for each in findings),
        tuple(findings),
    )
