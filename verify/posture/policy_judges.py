"""Verdicts on the bucket policy and the key policy: pure, from the policy's text.

A text that is no policy raises :class:`MalformedPolicy`, which whoever runs the checks turns into UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from verify.fact import Missing, known
from verify.posture.cloudtrail_requests import (
    bucket_requests,
    decrypt_request,
    key_requests,
    other_trails,
    requests_over_tls,
    requests_without_tls,
    stranger_decrypts,
)
from verify.posture.facts import TrailFacts
from verify.posture.model import Status, Verdict, failed, passed, unknown
from verify.posture.policy import Request, decide
from verify.posture.policy_document import Statement, parse_policy
from verify.posture.truth import Truth


def key_policy_lets_cloudtrail_in(facts: TrailFacts) -> Verdict:
    """CloudTrail may encrypt with the key for the trail that is meant."""
    requests = key_requests(known(facts.target.trail_arn), known(facts.key_arn))
    return _allows(known(facts.key_policy), requests)


def bucket_policy_lets_cloudtrail_in(facts: TrailFacts) -> Verdict:
    """CloudTrail may check the bucket and write below ``[prefix/]AWSLogs/<account>/`` for the trail that is meant."""
    return _allows(known(facts.bucket_policy), _bucket_requests(facts))


def bucket_requires_tls(facts: TrailFacts) -> Verdict:
    """Nobody reads or writes without TLS, or with an outdated one: denied for everybody, everywhere, always."""
    bucket = known(facts.bucket)
    statements = parse_policy(known(facts.bucket_policy))
    partition = facts.target.partition
    requests = requests_without_tls(partition, bucket)
    plain = [_denied(statements, request) for request in requests]
    if all(truth.is_true for truth in plain):
        return passed("requests without TLS are denied")
    old, current = (
        [_denied(statements, request).is_true for request in requests_over_tls(partition, bucket, version)]
        for version in ("1.1", "1.2")
    )
    if all(old) and not any(current):
        return passed("requests below TLS 1.2 are denied (s3:TlsVersion)")
    not_understood = _doubts(plain, about="policy")
    if not_understood:
        return unknown(f"depends on {not_understood}")
    conditions = _doubts(plain, about="key")
    if conditions:
        return failed(f"requests without TLS are denied only under a condition on {conditions}")
    let_through = [request for request, truth in zip(requests, plain, strict=True) if not truth.is_true]
    count = f"{len(let_through)} of {len(requests)} requests without TLS are not denied to everybody"
    return failed(f"{count}, such as {_named(let_through[0])}")


def bucket_policy_names_the_trail(facts: TrailFacts) -> Verdict:
    """No other trail may write to the bucket."""
    return _lets_no_other_in(
        known(facts.bucket_policy), facts, lambda other: _bucket_requests(facts, on_behalf_of=other)
    )


def key_policy_names_the_trail(facts: TrailFacts) -> Verdict:
    """No other trail may encrypt with the key."""
    key_arn = known(facts.key_arn)
    return _lets_no_other_in(known(facts.key_policy), facts, lambda other: key_requests(other, key_arn)[:1])


def cloudtrail_may_use_bucket_key(facts: TrailFacts) -> Verdict:
    """With an S3 Bucket Key CloudTrail also has to decrypt."""
    if not known(facts.bucket_encryption).uses_bucket_key:
        return failed("BucketKeyEnabled is false")
    request = decrypt_request(known(facts.target.trail_arn), known(facts.key_arn))
    may_decrypt = _allows(known(facts.key_policy), (request,))
    if may_decrypt.status is Status.PASS:
        return passed("BucketKeyEnabled is true, and CloudTrail may decrypt")
    return replace(may_decrypt, actual=f"BucketKeyEnabled is true, but {may_decrypt.actual}")


def strangers_cannot_decrypt(facts: TrailFacts) -> Verdict:
    """The key policy gives nobody outside the account a way to read."""
    request = stranger_decrypts(known(facts.key_arn))
    allowed = decide(parse_policy(known(facts.key_policy)), request).is_allowed
    if allowed.is_true is None:
        return unknown(f"depends on {_doubts([allowed])}")
    if allowed.is_true:
        return failed("kms:Decrypt is allowed to other accounts")
    return passed("kms:Decrypt is not allowed to other accounts")


def _bucket_requests(facts: TrailFacts, *, on_behalf_of: str | None = None) -> tuple[Request, ...]:
    trail = facts.target.trail
    # Before there is a trail nobody can know its prefix; the lab's has none.
    prefix = None if isinstance(trail, Missing) else known(trail).prefix
    return bucket_requests(known(facts.target.trail_arn), known(facts.bucket), prefix, on_behalf_of=on_behalf_of)


def _allows(policy: str, requests: Sequence[Request]) -> Verdict:
    """PASS when the policy allows every request."""
    statements = parse_policy(policy)
    doubtful = None
    for request in requests:
        decision = decide(statements, request)
        if decision.is_allowed.is_true is False:
            reason = f"denied by statement {decision.denied_by}" if decision.denied_by else "allowed by no statement"
            return failed(f"{_named(request)} is {reason}")
        if decision.is_allowed.is_true is None:
            doubtful = unknown(f"{_named(request)} depends on {_doubts([decision.is_allowed])}")
    return doubtful or passed(f"{' and '.join(request.action for request in requests)} allowed")


def _lets_no_other_in(policy: str, facts: TrailFacts, requests_of: Callable[[str], Sequence[Request]]) -> Verdict:
    """PASS when the policy allows none of the requests on behalf of another trail."""
    statements = parse_policy(policy)
    truths = []
    for who, other in other_trails(known(facts.target.trail_arn)):
        for request in requests_of(other):
            allowed = decide(statements, request).is_allowed
            if allowed.is_true:
                return failed(f"{request.action} is allowed for {who} as well")
            truths.append(allowed)
    doubts = _doubts(truths)
    return unknown(f"depends on {doubts}") if doubts else passed("no other trail is let in")


def _denied(statements: tuple[Statement, ...], request: Request) -> Truth:
    return decide(statements, request).deny


def _doubts(truths: Iterable[Truth], about: str | None = None) -> str:
    """What the undecided ones depend on, for people; empty when nothing is undecided."""
    doubts = {doubt.what for truth in truths for doubt in truth.doubts if about in (None, doubt.about)}
    return ", ".join(sorted(doubts))


def _named(request: Request) -> str:
    return f"{request.action} on {request.resource}"
