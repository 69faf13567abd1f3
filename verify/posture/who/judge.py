"""The answer for every identity of the account, and for those of other accounts that a policy of the recorder names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from verify.fact import Value
from verify.policy.document import Statement
from verify.policy.evaluation import Principal, PrincipalKind, Request, decide
from verify.policy.probes import ANY_OTHER
from verify.policy.wildcard import matches
from verify.posture.who.decide import abilities
from verify.posture.who.model import Ability, Finding, Group, Identity, Kind, Recorder
from verify.posture.who.powers import OWN_ACCOUNT_ONLY, POWERS, Part
from verify.posture.who.steps import Account, steps

ANYONE = "anyone"


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
        ways = () if who.kind is Kind.ROOT or who.is_service_linked else steps(who, can, account)
        if can or ways:
            kind = "service-linked role" if who.is_service_linked else str(who.kind)
            findings.append(Finding(who.arn, kind, can, ways))
    known = {identity.arn for identity in identities}
    findings += _of_other_accounts(recorder, [entry for entry in granted if entry[0] not in known])
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
    return (*abilities(identity, recorder), *(ability for arn, ability in granted if arn == identity.arn))


def _of_other_accounts(recorder: Recorder, granted: Sequence[tuple[str, Ability]]) -> Iterator[Finding]:
    """Those whom a resource policy or a grant lets in from outside. Their own account decides who of them may."""
    found: dict[str, list[Ability]] = {}
    for arn, ability in granted:
        found.setdefault(arn, []).append(ability)
    for power in POWERS:
        for action, part in power.calls:
            if action in OWN_ACCOUNT_ONLY:
                continue
            for resource in recorder.resources.get(part, ()):
                owner = resource.split("/", 1)[0] if part is Part.LOG_FILES else resource
                policy = recorder.resource_policies.get(owner)
                if not isinstance(policy, Value):
                    continue
                for name, principal in _outsiders(policy.value, recorder):
                    answer, by = _outsider(policy.value, principal, action, resource, recorder)
                    if answer is not None:
                        found.setdefault(name, []).append(Ability(power.id, action, resource, by, answer))
    yield from (Finding(arn, "another account", tuple(dict.fromkeys(can)), ()) for arn, can in found.items())


def _outsiders(statements: tuple[Statement, ...], recorder: Recorder) -> Iterator[tuple[str, Principal]]:
    """Each principal of another account that a policy names, as a person calls it and as a request has it."""
    seen = set()
    for statement in statements:
        if not statement.is_allow:
            continue
        excludes = statement.principals.excludes
        for pattern in statement.principals.patterns:
            value = "*" if excludes else pattern.value
            if value in seen or (pattern.kind != "AWS" and not excludes):
                continue
            seen.add(value)
            if value == "*":
                yield ANYONE, _principal(f"arn:{recorder.partition}:iam::{ANY_OTHER}:role/{ANY_OTHER}")
            elif value.isdigit():
                if value != recorder.account:
                    arn = f"arn:{recorder.partition}:iam::{value}:root"
                    yield arn, _principal(arn)
            elif value.split(":")[4:5] != [recorder.account]:
                yield value, _principal(value)


def _principal(arn: str) -> Principal:
    return Principal(PrincipalKind.AWS, arn)


def _outsider(
    statements: tuple[Statement, ...], principal: Principal, action: str, resource: str, recorder: Recorder
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """What it depends on, or ``None`` when it is not allowed; and which statements allow it."""
    account = principal.name.split(":")[4] if principal.name.count(":") >= 5 else ""
    context = {
        "aws:principalarn": (principal.name,),
        "aws:principalaccount": (account,),
        "aws:principalisawsservice": ("false",),
        "aws:securetransport": ("true",),
        "aws:sourcearn": (),
        "aws:sourceaccount": (),
        "aws:resourceaccount": (recorder.account,),
        "kms:calleraccount": (account,),
    }
    request = Request(principal, action, resource, context)
    answer = decide(statements, request).is_allowed
    if answer.is_true is False:
        return None, ()
    owner = resource.split("/", 1)[0] if ":s3:" in resource else resource
    by = tuple(
        f"policy of {owner.rsplit(':', 1)[-1]}: {statement.label}"
        for statement in statements
        if statement.is_allow and decide((statement,), request).allow.is_true is not False
    )
    return tuple(sorted({reason.what for reason in answer.reasons})), by
