"""Why CloudTrail cannot deliver, as far as the bucket, the key and their policies show it: pure.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from verify.arn import Arn
from verify.fact import Denied, Missing, NotKnown, Value, known
from verify.policy.document import MalformedPolicy
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Status, Verdict
from verify.posture.resource_policies.delivery_access import (
    bucket_policy_allows_cloudtrail,
    key_policy_allows_cloudtrail,
)


def delivery_causes(facts: TrailFacts) -> tuple[str, ...]:
    """What keeps CloudTrail from delivering, each as a clause; empty when nothing was found."""
    try:
        return tuple(dict.fromkeys((*_of_bucket(facts), *_of_key(facts))))
    except NotKnown as error:
        return (str(error),)


def _of_bucket(facts: TrailFacts) -> Iterator[str]:
    trail = known(facts.target.trail)
    if facts.target.bucket != Value(trail.bucket):
        yield f"the trail delivers to {trail.bucket}, whose policy was not looked at"
        return
    if isinstance(facts.bucket, Missing):
        yield str(facts.bucket)
        return
    if isinstance(facts.bucket, Denied):
        yield f"bucket {trail.bucket} may be of another account: {facts.bucket}"
    if facts.payer == Value("Requester"):
        yield "it is a Requester Pays bucket, to which CloudTrail does not deliver"
    if isinstance(facts.bucket_policy, Missing):
        yield str(facts.bucket_policy)
    else:
        yield from _of_policy(bucket_policy_allows_cloudtrail, facts)


def _of_key(facts: TrailFacts) -> Iterator[str]:
    trail_key = facts.trail_key_arn
    if not isinstance(trail_key, Value):
        if isinstance(trail_key, Missing) and known(facts.target.trail).key_reference is not None:
            yield str(trail_key)
        return
    account = Arn.parse(known(facts.target.trail_arn)).account
    owner = Arn.parse(trail_key.value).account
    if owner != account:
        yield f"the trail's key {trail_key.value} is of another account"
    if facts.key_arn != trail_key:
        yield f"the trail encrypts with {trail_key.value}, whose policy was not looked at"
        return
    if isinstance(facts.key, Value) and facts.key.value.arn == trail_key.value and facts.key.value.state != "Enabled":
        yield f"the key is {facts.key.value.state}"
    if isinstance(facts.key_policy, Missing):
        yield str(facts.key_policy)
    else:
        yield from _of_policy(key_policy_allows_cloudtrail, facts)


def _of_policy(judge: Callable[[TrailFacts], Verdict], facts: TrailFacts) -> Iterator[str]:
    try:
        found = judge(facts)
    except (NotKnown, MalformedPolicy) as error:
        yield str(error)
        return
    if found.status in (Status.FAIL, Status.UNKNOWN):
        yield found.actual
