"""Verdicts on what the bucket policy and the key policy let CloudTrail do: pure, from the policy's text.

A text that is no policy raises :class:`MalformedPolicy`, which whoever runs the checks turns into UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verify.fact import Missing, known
from verify.posture.cloudtrail_requests import (
    Delivery,
    bucket_requests,
    decrypt_request,
    key_requests,
    organization_requests,
)
from verify.posture.facts import TrailFacts
from verify.posture.model import Status, Verdict, failed, passed, unknown
from verify.posture.policy import Request, decide_each
from verify.posture.policy_commands import READ_BUCKET_POLICY, READ_KEY_POLICY, narrow
from verify.posture.policy_document import parse_policy
from verify.posture.truth import reasons


def key_policy_lets_cloudtrail_in(facts: TrailFacts) -> Verdict:
    """CloudTrail may encrypt with the key for the trail that is meant."""
    requests = key_requests(known(facts.target.trail_arn), known(facts.key_arn))
    return _allows(known(facts.key_policy), requests, READ_KEY_POLICY)


def bucket_policy_lets_cloudtrail_in(facts: TrailFacts) -> Verdict:
    """CloudTrail may check the bucket and write all that the trail delivers below ``[prefix/]AWSLogs/``."""
    policy, deliveries = known(facts.bucket_policy), delivery(facts)
    found = _allows(policy, bucket_requests(deliveries), READ_BUCKET_POLICY)
    trail = facts.target.trail
    if found.status is not Status.PASS or isinstance(trail, Missing) or not known(trail).is_organization:
        return found
    for_members = _allows(policy, organization_requests(deliveries), READ_BUCKET_POLICY)
    if for_members.status is Status.PASS:
        return found
    # A grant for the one folder of the organization would do, and only the organization knows its name.
    return unknown("the trail is an organization's: whether it may write below AWSLogs/<organization id>/ is not known")


def cloudtrail_may_use_bucket_key(facts: TrailFacts) -> Verdict:
    """With an S3 Bucket Key CloudTrail also has to decrypt."""
    if not known(facts.bucket_encryption).uses_bucket_key:
        return failed("BucketKeyEnabled is false")
    request = decrypt_request(known(facts.target.trail_arn), known(facts.key_arn))
    may_decrypt = _allows(known(facts.key_policy), (request,), READ_KEY_POLICY)
    if may_decrypt.status is Status.PASS:
        return passed("BucketKeyEnabled is true, and CloudTrail may decrypt")
    return replace(may_decrypt, actual=f"BucketKeyEnabled is true, but {may_decrypt.actual}")


def delivery(facts: TrailFacts) -> Delivery:
    """What the trail delivers, or will once it is made as the lab's checks want it."""
    trail = facts.target.trail
    is_made = not isinstance(trail, Missing)
    return Delivery(
        trail_arn=known(facts.target.trail_arn),
        bucket=known(facts.bucket),
        prefix=known(trail).prefix if is_made else None,
        is_multi_region=not is_made or known(trail).is_multi_region,
        has_digests=not is_made or known(trail).validates_log_files,
    )


def _allows(policy: str, requests: Sequence[Request], read: str) -> Verdict:
    """PASS when the policy allows every request.

    :param read: the command that shows the policy: the only fix for a Deny that somebody meant.
    """
    decided = list(decide_each(parse_policy(policy), requests))
    for request, decision in decided:
        if decision.denied_by:
            return failed(
                f"{request} is denied by statement {decision.denied_by}", fix=narrow(read, decision.denied_by)
            )
    for request, decision in decided:
        if decision.is_allowed.is_true is False:
            return failed(f"{request} is allowed by no statement")
    for request, decision in decided:
        if decision.is_allowed.is_true is None:
            return unknown(f"{request} depends on {reasons([decision.is_allowed])}")
    return passed(f"{' and '.join(dict.fromkeys(request.action for request in requests))} allowed")
