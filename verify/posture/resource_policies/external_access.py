"""Verdicts on whom the bucket policy and the key policy let in besides: pure, from the policy's text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from verify.fact import known
from verify.policy.document import parse_policy
from verify.policy.evaluation import Principal, PrincipalKind, Request, decide_each
from verify.policy.probes import shown
from verify.policy.ternary import reasons
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Verdict, failed, passed, unknown
from verify.posture.resource_policies.cloudtrail_requests import bucket_requests, key_requests
from verify.posture.resource_policies.delivery_access import delivery
from verify.posture.resource_policies.outsiders import other_trails, strangers

# Each is a way to read, or to let oneself in. https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
_WAYS_IN = ("kms:Decrypt", "kms:ReEncryptFrom", "kms:CreateGrant", "kms:PutKeyPolicy")


def bucket_policy_names_the_trail(facts: TrailFacts) -> Verdict:
    """No other trail may write where this one writes."""
    deliveries = delivery(facts)
    return _lets_no_other_in(
        known(facts.bucket_policy), facts, lambda other: bucket_requests(deliveries, on_behalf_of=other)
    )


def key_policy_names_the_trail(facts: TrailFacts) -> Verdict:
    """No other trail may encrypt with the key."""
    key_arn = known(facts.key_arn)
    return _lets_no_other_in(known(facts.key_policy), facts, lambda other: key_requests(other, key_arn)[:1])


def strangers_cannot_decrypt(facts: TrailFacts) -> Verdict:
    """The key policy gives nobody outside the account a way to read."""
    key_arn, trail_arn = known(facts.key_arn), known(facts.target.trail_arn)
    statements = parse_policy(known(facts.key_policy))
    requests = (
        _by_stranger(who, action, key_arn, trail_arn) for who in strangers(key_arn, statements) for action in _WAYS_IN
    )
    doubtful = []
    for request, decision in decide_each(statements, requests):
        if decision.is_allowed.is_true:
            return failed(f"{request.action} is allowed to {shown(request.principal.name)}")
        doubtful.append(decision.is_allowed)
    doubts = reasons(doubtful)
    return unknown(f"depends on {doubts}") if doubts else passed("no other account may use the key to read")


def _by_stranger(who: str, action: str, key_arn: str, trail_arn: str) -> Request:
    """Somebody of another account, who has a log file of the trail."""
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


def _lets_no_other_in(policy: str, facts: TrailFacts, requests_of: Callable[[str], Sequence[Request]]) -> Verdict:
    """PASS when the policy allows none of the requests on behalf of another trail."""
    statements = parse_policy(policy)
    others = other_trails(known(facts.target.trail_arn), statements)
    doubtful = []
    for request, decision in decide_each(statements, (request for other in others for request in requests_of(other))):
        if decision.is_allowed.is_true:
            other = shown(request.context["aws:sourcearn"][0])
            return failed(f"{request.action} is allowed for {other} as well")
        doubtful.append(decision.is_allowed)
    doubts = reasons(doubtful)
    return unknown(f"depends on {doubts}") if doubts else passed("no other trail is let in")
