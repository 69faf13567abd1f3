"""Verdicts on the other trails and the external principals that the two policies allow: pure, from their text.

The requests are derived from the policy itself: from each trail or principal that it names, and each that its
wildcards could match. One that the policy neither names nor describes is among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from verify.arn import Arn
from verify.fact import known
from verify.policy.document import Statement, parse_policy
from verify.policy.evaluation import Principal, PrincipalKind, Request, decide_each
from verify.policy.probes import ANY_OTHER, probe, probes, readable
from verify.policy.ternary import reasons_of
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Verdict, failed, passed, unknown
from verify.posture.resource_policies.cloudtrail_requests import bucket_requests, key_requests
from verify.posture.resource_policies.delivery_access import delivery

# Each decrypts, or gives its caller the permission to decrypt. https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
_DECRYPTING_ACTIONS = ("kms:Decrypt", "kms:ReEncryptFrom", "kms:CreateGrant", "kms:PutKeyPolicy")
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_ACCOUNT_KEYS = {"aws:sourceaccount", "aws:principalaccount", "kms:calleraccount"}
_TRAIL_KEYS = {"aws:sourcearn", "kms:encryptioncontext:aws:cloudtrail:arn"}


def bucket_policy_names_the_trail(facts: TrailFacts) -> Verdict:
    """No other trail may write where this one writes."""
    deliveries = delivery(facts)
    return _allows_no_other_trail(
        known(facts.bucket_policy), facts, lambda other: bucket_requests(deliveries, on_behalf_of=other)
    )


def key_policy_names_the_trail(facts: TrailFacts) -> Verdict:
    """No other trail may encrypt with the key."""
    key_arn = known(facts.key_arn)
    return _allows_no_other_trail(known(facts.key_policy), facts, lambda other: key_requests(other, key_arn)[:1])


def external_principals_cannot_decrypt(facts: TrailFacts) -> Verdict:
    """The key policy gives no principal of another account a way to decrypt."""
    key_arn, trail_arn = known(facts.key_arn), known(facts.target.trail_arn)
    statements = parse_policy(known(facts.key_policy))
    requests = (
        _external_request(who, action, key_arn, trail_arn)
        for who in _external_principals(key_arn, statements)
        for action in _DECRYPTING_ACTIONS
    )
    answers = []
    for request, decision in decide_each(statements, requests):
        if decision.is_allowed.is_true:
            return failed(f"{request.action} is allowed to {readable(request.principal.name)}")
        answers.append(decision.is_allowed)
    reasons = reasons_of(answers)
    return unknown(f"depends on {reasons}") if reasons else passed("no external principal may decrypt")


def _external_request(who: str, action: str, key_arn: str, trail_arn: str) -> Request:
    """A request by a principal of another account, for a log file of the trail."""
    account = who.split(":")[4]
    context = {
        "aws:principalarn": (who,),
        "aws:principalaccount": (account,),
        "kms:calleraccount": (account,),
        "aws:principalisawsservice": ("false",),
        "aws:securetransport": ("true",),
        "kms:encryptioncontext:aws:cloudtrail:arn": (trail_arn,),
        "kms:encryptioncontextkeys": ("aws:cloudtrail:arn", "aws:s3:arn"),
    }
    return Request(Principal(PrincipalKind.AWS, who), action, key_arn, context)


def _allows_no_other_trail(policy: str, facts: TrailFacts, requests_of: Callable[[str], Sequence[Request]]) -> Verdict:
    """PASS when the policy allows none of the requests on behalf of another trail."""
    statements = parse_policy(policy)
    others = _other_trails(known(facts.target.trail_arn), statements)
    answers = []
    for request, decision in decide_each(statements, (request for other in others for request in requests_of(other))):
        if decision.is_allowed.is_true:
            other = readable(request.context["aws:sourcearn"][0])
            return failed(f"{request.action} is allowed for {other} as well")
        answers.append(decision.is_allowed)
    reasons = reasons_of(answers)
    return unknown(f"depends on {reasons}") if reasons else passed("no other trail is allowed")


def _other_trails(trail_arn: str, statements: tuple[Statement, ...]) -> Iterator[str]:
    """ARNs of trails other than this one, whose number grows with the policy without a limit.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    own = Arn.parse(trail_arn)
    own_name = own.resource.removeprefix("trail/")
    accounts = (own.account, *_accounts(statements))
    seen = {trail_arn}
    for pattern in ("*:*:trail/*", *_values(statements, _TRAIL_KEYS)):
        *_, region, account, resource = ("*", "*", *pattern.split(":"))
        for other_region in probes(region, own.region):
            for owner in probes(account, *accounts):
                for name in probes(resource.rpartition("trail/")[2], own_name, f"{own_name}-x"):
                    other = f"arn:{own.partition}:cloudtrail:{other_region}:{owner}:trail/{name}"
                    if other not in seen:
                        seen.add(other)
                        yield other


def _external_principals(key_arn: str, statements: tuple[Statement, ...]) -> Iterator[str]:
    """ARNs of principals of other accounts than the key's, whose number grows with the policy without a limit."""
    own = Arn.parse(key_arn)
    accounts = [account for account in _accounts(statements) if account != own.account]
    named = [entry.value for s in statements for entry in s.principals.patterns if entry.kind == "AWS"]
    seen = set()
    for pattern in ("arn:*:iam::*:role/*", *named, *_values(statements, {"aws:principalarn"})):
        if _ACCOUNT.fullmatch(pattern):
            continue  # A number alone is among the accounts already.
        *_, service, _, account, resource = ("*", "*", "*", *pattern.split(":"))
        for owner in probes(account, *accounts):
            who = f"arn:{own.partition}:{'sts' if service == 'sts' else 'iam'}::{owner}:{probe(resource)}"
            if owner != own.account and who not in seen:
                seen.add(who)
                yield who


def _accounts(statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """Every account that a policy names, whatever for, and one that it does not."""
    everything = [value for s in statements for condition in s.conditions for value in condition.values]
    everything += [entry.value for s in statements for entry in s.principals.patterns]
    named = [account for value in everything for account in _ACCOUNT.findall(value)]
    return tuple(dict.fromkeys((ANY_OTHER, *named, *map(probe, _values(statements, _ACCOUNT_KEYS)))))


def _values(statements: tuple[Statement, ...], keys: set[str]) -> tuple[str, ...]:
    """The values that a policy compares any of these keys with."""
    found = (
        value
        for statement in statements
        for condition in statement.conditions
        if condition.key.casefold() in keys
        for value in condition.values
    )
    return tuple(dict.fromkeys(found))
