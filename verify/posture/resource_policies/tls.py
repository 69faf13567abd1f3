"""The verdict on what the bucket policy does about requests without TLS: pure, from the policy's text."""

from __future__ import annotations

from collections.abc import Iterable

from verify.fact import known
from verify.policy.document import Statement, parse_policy
from verify.policy.evaluation import Request, decide_each
from verify.policy.ternary import Truth, all_of, any_of, reasons
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Verdict, failed, passed, unknown
from verify.posture.resource_policies.tls_requests import requests_by_everybody


def bucket_requires_tls(facts: TrailFacts) -> Verdict:
    """Nobody reads or writes without TLS, or with an outdated one: denied for everybody, everywhere, always."""
    bucket = known(facts.bucket)
    statements = parse_policy(known(facts.bucket_policy))

    def denied(version: str | None, *, is_tls: bool) -> tuple[Truth, Request | None]:
        partition = facts.target.partition
        requests = requests_by_everybody(partition, bucket, statements, is_tls=is_tls, version=version)
        return _all_denied(statements, requests)

    plain, let_through = denied(None, is_tls=False)
    if plain.is_true:
        return passed("requests without TLS are denied")
    # A policy that goes by the version alone has to find plain HTTP below every version of TLS.
    by_version = all_of(
        denied(version, is_tls=is_tls)[0] for version, is_tls in (("0", False), ("1.0", True), ("1.1", True))
    )
    if by_version.is_true:
        return passed("requests below TLS 1.2 are denied (s3:TlsVersion)")
    either = any_of((plain, by_version))
    if either.is_true is False:
        return failed(f"requests without TLS are not denied to everybody, such as {let_through}")
    not_understood = reasons([either], about="policy")
    if not_understood:
        return unknown(f"depends on {not_understood}")
    return failed(f"requests without TLS are denied only under a condition on {reasons([either], about='key')}")


def _all_denied(statements: tuple[Statement, ...], requests: Iterable[Request]) -> tuple[Truth, Request | None]:
    """Whether all requests are denied, and the first that certainly is not."""
    doubtful = []
    for request, decision in decide_each(statements, requests):
        if decision.deny.is_true is False:
            return decision.deny, request
        doubtful.append(decision.deny)
    return all_of(doubtful), None
