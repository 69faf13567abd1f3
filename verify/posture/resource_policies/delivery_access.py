"""Verdicts on whether the bucket policy and the key policy allow what CloudTrail needs: pure, from their text.

A text that is no policy raises :class:`MalformedPolicy`, which :mod:`verify.posture.check` turns into UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain

from verify.fact import Fact, Missing, NotKnown, Value, known
from verify.policy.document import MalformedPolicy, Statement, parse_policy
from verify.policy.evaluation import Request, applies, at_all_times, decide_each, one_of_each
from verify.policy.ternary import Ternary, reasons_of
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Status, Verdict, failed, passed, unknown
from verify.posture.resource_policies.cloudtrail_requests import (
    Delivery,
    bucket_requests,
    decrypt_request,
    first_write_request,
    key_requests,
    kms_requests,
    named_organizations,
    opt_in_requests,
    organization_requests,
)
from verify.posture.resource_policies.commands import READ_BUCKET_POLICY, READ_KEY_POLICY, narrow
from verify.posture.resource_policies.explain_deny import explain_explicit_deny, explain_implicit_deny

# A delivery that says something about the policy as it is now: CloudTrail delivers every five minutes or so.
_RECENT = timedelta(minutes=30)
_RECENT_DIGEST = timedelta(minutes=90)
# What is another value for another log file. https://docs.aws.amazon.com/kms/latest/developerguide/services-s3.html
_OF_ONE_FILE = {"kms:encryptioncontext:aws:s3:arn"}


def key_policy_allows_cloudtrail(facts: TrailFacts) -> Verdict:
    """CloudTrail may encrypt with the key for the trail, and the trail can be created or updated as the checks want."""
    trail_arn, key_arn, policy = known(facts.target.trail_arn), known(facts.key_arn), known(facts.key_policy)
    requests = key_requests(trail_arn, key_arn, facts.asked_at)
    found = _allows(policy, requests, READ_KEY_POLICY)
    if found.status is Status.UNKNOWN and facts.trail_key_arn == facts.key_arn:
        found = _by_deliveries(facts, found, policy, requests, requests, facts.key_policy_change)
    if found.status is not Status.PASS or may_decrypt(facts):
        return found
    if not _has_bucket_key(facts) or not is_trail_to_change(facts):
        return found
    decrypts = _allows(policy, (decrypt_request(trail_arn, key_arn, facts.asked_at),), READ_KEY_POLICY)
    return replace(decrypts, actual=f"the bucket has an S3 Bucket Key, and {decrypts.actual}")


def may_decrypt(facts: TrailFacts) -> bool:
    """Whether the key policy certainly allows CloudTrail to decrypt. That of a key that a fix creates does."""
    if isinstance(facts.key_policy, Missing):
        return True
    try:
        request = decrypt_request(known(facts.target.trail_arn), known(facts.key_arn), facts.asked_at)
        return _allows(known(facts.key_policy), (request,), READ_KEY_POLICY).status is Status.PASS
    except (NotKnown, MalformedPolicy):
        return False


def bucket_policy_allows_cloudtrail(facts: TrailFacts) -> Verdict:
    """CloudTrail may check the bucket and write all that the trail delivers below ``[prefix/]AWSLogs/``."""
    policy, deliveries = known(facts.bucket_policy), delivery(facts)
    statements = parse_policy(policy)
    requests = bucket_requests(deliveries, statements)
    elsewhere = opt_in_requests(deliveries, statements)
    delivered = _delivered(facts, requests)
    trail = facts.target.trail
    found, is_of_unknown = _allows(policy, requests), False
    if found.status is not Status.FAIL and not isinstance(trail, Missing) and known(trail).is_organization:
        organization = facts.organization_id.value if isinstance(facts.organization_id, Value) else None
        of_organization, of_members = organization_requests(deliveries, organization, statements)
        requests += of_organization
        elsewhere += of_members
        found = _allows(policy, requests)
        # A grant for the folder of the one organization is enough, a Deny for it too much, and its id may not be known.
        why = f"whether it may write below AWSLogs/<organization id>/ is not known: {facts.organization_id}"
        depends = unknown(f"the trail is an organization's, and {why}")
        is_certain = organization is not None or _is_denied(statements, requests)
        if not is_certain and _denies_some_organization(statements, deliveries):
            return depends
        is_of_unknown = not is_certain and found.status is Status.FAIL
        found = depends if is_of_unknown else found
    is_open = found.status is Status.UNKNOWN and not is_of_unknown
    if is_open and not isinstance(trail, Missing) and known(trail).key_reference is not None:
        # With a KMS key, CloudTrail names KMS's algorithm or none: what denies both denies it.
        by_header = [_allows(policy, puts) for puts in kms_requests(requests)]
        if all(verdict.status is Status.FAIL for verdict in by_header):
            return by_header[0]
    depends_elsewhere = (Status.FAIL, Status.UNKNOWN) if found.status is Status.PASS else (Status.FAIL,)
    is_its_bucket = not isinstance(trail, Missing) and Value(known(trail).bucket) == facts.target.bucket
    if found.status is Status.UNKNOWN and is_its_bucket:
        found = _by_deliveries(facts, found, policy, requests, delivered, facts.bucket_policy_change)
    if found.status is Status.PASS and is_trail_to_change(facts):
        tested = _allows(policy, (first_write_request(deliveries),))
        if tested.status is Status.FAIL:
            return replace(tested, actual=f"CloudTrail first writes without an encryption header, and {tested.actual}")
    if found.status is Status.PASS:
        there = _allows(policy, elsewhere)
        if there.status in depends_elsewhere:
            # Which regions the account has switched on is not read.
            return unknown(f"where the account has switched on that region, {there.actual}")
    return found


def _is_denied(statements: tuple[Statement, ...], requests: Iterable[Request]) -> bool:
    """Whether a statement denies one of the requests."""
    return any(decision.denied_by for _, decision in decide_each(statements, one_of_each(statements, requests)))


def _denies_some_organization(statements: tuple[Statement, ...], deliveries: Delivery) -> bool:
    """Whether a statement denies what is written for an organization that it names."""
    denies = tuple(statement for statement in statements if not statement.is_allow)
    of_each = (organization_requests(deliveries, name, denies) for name in named_organizations(denies))
    return any(_is_denied(denies, chain(*requests)) for requests in of_each)


def _delivered(facts: TrailFacts, requests: Sequence[Request]) -> tuple[Request, ...]:
    """What a recent delivery shows to be allowed: GetBucketAcl, and the log file of the home region; with a recent
    digest that as well.
    """
    status = facts.status.value if isinstance(facts.status, Value) else None
    has_digest = status and status.last_digest and facts.asked_at - status.last_digest <= _RECENT_DIGEST
    return tuple(requests[: 3 if has_digest else 2])


def _same_for_all(statements: tuple[Statement, ...], asked: Iterable[Request], delivered: Iterable[Request]) -> bool:
    """Whether what leaves these requests open is the same in those that were made, and so is decided with them."""

    def open_in(requests: Iterable[Request]) -> dict[int, Ternary]:
        """Statement, by its place → an answer that is neither yes nor no."""
        return {
            place: answer
            for request in at_all_times(statements, one_of_each(statements, requests))
            for place, statement in enumerate(statements)
            if (answer := applies(statement, request)).is_true is None
        }

    left_open = open_in(asked)
    reasons = (reason for answer in left_open.values() for reason in answer.reasons)
    if any(reason.about == "time" or reason.what.casefold() in _OF_ONE_FILE for reason in reasons):
        return False
    return left_open.keys() <= open_in(delivered).keys()


def recent_delivery(facts: TrailFacts) -> datetime | None:
    """When CloudTrail last delivered; ``None`` if that was too long ago to say something about the policies."""
    latest = facts.status.value.last_delivery if isinstance(facts.status, Value) else None
    return latest if latest is not None and facts.asked_at - latest <= _RECENT else None


def _by_deliveries(
    facts: TrailFacts,
    found: Verdict,
    policy: str,
    asked: Sequence[Request],
    delivered: Sequence[Request],
    changed: Fact[datetime | None],
) -> Verdict:
    """What the policy alone leaves open, decided by what CloudTrail reports of its deliveries.

    :param delivered: the requests that a recent delivery has made.
    :param changed: when the policy was last changed since then: no delivery says anything about a later policy.
    """
    if not isinstance(facts.status, Value):
        return found
    status = facts.status.value
    errors = [error for error in (status.delivery_error, status.digest_delivery_error) if error]
    if errors:
        return failed(f"{found.actual}, and CloudTrail reports {' and '.join(dict.fromkeys(errors))}")
    latest = recent_delivery(facts)
    if latest is None or not _same_for_all(parse_policy(policy), asked, delivered):
        return found
    said = f"{found.actual}; CloudTrail delivered at {latest:%Y-%m-%d %H:%M:%S} UTC"
    if not isinstance(changed, Value):
        return unknown(f"{said}, and whether the policy is the one of then is not known: {changed}")
    if changed.value is not None:
        at = f"{changed.value:%H:%M:%S}"
        return unknown(f"{said}, but the policy was changed at {at} UTC: the next delivery decides")
    return passed(f"{said} all the same, and the event history has no change of the policy since")


def cloudtrail_may_use_bucket_key(facts: TrailFacts) -> Verdict:
    """With an S3 Bucket Key CloudTrail also has to decrypt."""
    if not known(facts.bucket_encryption).uses_bucket_key:
        return failed("BucketKeyEnabled is false")
    request = decrypt_request(known(facts.target.trail_arn), known(facts.key_arn), facts.asked_at)
    decrypts = _allows(known(facts.key_policy), (request,), READ_KEY_POLICY)
    if decrypts.status is Status.PASS:
        return passed("BucketKeyEnabled is true, and CloudTrail may decrypt")
    return replace(decrypts, actual=f"BucketKeyEnabled is true, but {decrypts.actual}")


def delivery(facts: TrailFacts) -> Delivery:
    """What the trail delivers, or will deliver when it is created as the course's checks want it."""
    trail = facts.target.trail
    is_made = not isinstance(trail, Missing)
    return Delivery(
        trail_arn=known(facts.target.trail_arn),
        bucket=known(facts.bucket),
        prefix=known(trail).prefix if is_made else None,
        is_multi_region=not is_made or known(trail).is_multi_region,
        has_digests=not is_made or known(trail).validates_log_files,
        at=facts.asked_at,
    )


def _has_bucket_key(facts: TrailFacts) -> bool:
    is_there = not isinstance(facts.bucket, Missing) and not isinstance(facts.bucket_encryption, Missing)
    return is_there and known(facts.bucket_encryption).uses_bucket_key


def is_trail_to_change(facts: TrailFacts) -> bool:
    """Whether some fix creates or updates the trail. Then CloudTrail validates bucket and key again, and refuses an S3
    Bucket Key without kms:Decrypt; a trail that needs no change delivers without it.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    trail = facts.target.trail
    if isinstance(trail, Missing):
        return True
    found = known(trail)
    return not (
        found.is_multi_region
        and found.validates_log_files
        and Value(found.bucket) == facts.target.bucket
        and facts.trail_key_arn == facts.key_arn
    )


def _allows(policy: str, requests: Sequence[Request], read: str = READ_BUCKET_POLICY) -> Verdict:
    """PASS when the policy allows every request.

    :param read: the command that shows the policy: the fix for a Deny that nothing else but a decision lifts.
    """
    statements = parse_policy(policy)
    decided = list(decide_each(statements, one_of_each(statements, requests)))
    for request, decision in decided:
        if decision.denied_by:
            return failed(
                f"{request} is denied by statement {decision.denied_by}",
                fix=narrow(read, decision.denied_by),
                cause=explain_explicit_deny(statements, request),
            )
    for request, decision in decided:
        if decision.is_allowed.is_true is False:
            return failed(f"{request} is allowed by no statement", cause=explain_implicit_deny(statements, request))
    for request, decision in decided:
        if decision.is_allowed.is_true is None:
            depends = f"{request} depends on {reasons_of([decision.is_allowed])}"
            by = " and ".join(decision.may_be_denied_by)
            return unknown(f"{depends}, by which statement {by} denies it or does not" if by else depends)
    return passed(f"{' and '.join(dict.fromkeys(request.action for request in requests))} allowed")
