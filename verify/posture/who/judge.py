"""The answer for every identity of the account, and for those of other accounts that a policy of the recorder names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from verify.policy.wildcard import matches
from verify.posture.who.decide import abilities
from verify.posture.who.model import Ability, Finding, Group, Identity, Kind, Recorder
from verify.posture.who.outsiders import outsiders
from verify.posture.who.steps import Account, Found, steps


def judge(
    recorder: Recorder,
    identities: Sequence[Identity],
    groups: Sequence[Group] = (),
    *,
    granted: Sequence[tuple[str, Ability]] = (),
    expected: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """Who can blind the recorder, by itself or after one step; the most powerful first.

    :param identities: the users and roles of the account, and its root user.
    :param granted: ARN → an ability that a grant of the key gives.
    :param expected: ARNs, with IAM's wildcards, of those who are meant to.
    """
    direct = [(identity, _with_grants(identity, recorder, granted)) for identity in identities]
    account = Account(
        recorder=recorder,
        able=[(who, can) for who, can in direct if can and who.kind is not Kind.ROOT and not who.is_service_linked],
        groups={group.name: group for group in groups},
        roles=[who for who in identities if who.kind is Kind.ROLE and not who.is_service_linked],
    )
    findings = []
    for who, can in direct:
        ways = Found() if who.kind is Kind.ROOT or who.is_service_linked else steps(who, can, account)
        if can or ways.steps:
            kind = "service-linked role" if who.is_service_linked else str(who.kind)
            findings.append(Finding(who.arn, kind, can, ways.steps, has_more_steps=ways.is_cut))
    known = {identity.arn for identity in identities}
    known |= {arn for arn, _ in granted if _is_own(arn, recorder) and ":assumed-role/" in arn}
    findings += outsiders(account, [entry for entry in granted if entry[0] not in known])
    return tuple(
        sorted(
            (replace(finding, is_expected=is_expected(finding.arn, expected)) for finding in findings),
            key=lambda finding: (-_weight(finding), finding.arn),
        )
    )


def is_expected(arn: str, expected: Iterable[str]) -> bool:
    """Whether an ARN is among the patterns of those who are meant to be able."""
    return any(matches(pattern, arn).is_true for pattern in expected)


def _weight(finding: Finding) -> float:
    certain = {can.power for can in finding.abilities if not can.depends_on}
    return len(certain) + len({can.power for can in finding.abilities}) / 10 + bool(finding.steps) / 100


def _with_grants(identity: Identity, recorder: Recorder, granted: Sequence[tuple[str, Ability]]) -> tuple[Ability, ...]:
    session = f":assumed-role/{identity.name}/"
    mine = (
        ability
        for arn, ability in granted
        if arn == identity.arn or (identity.kind is Kind.ROLE and _is_own(arn, recorder) and session in arn)
    )
    return (*abilities(identity, recorder), *mine)


def _is_own(arn: str, recorder: Recorder) -> bool:
    return arn.split(":")[4:5] == [recorder.account]
