"""Whether the policies are the ones under which CloudTrail last delivered: asked where that delivery decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from verify.arn import Arn
from verify.aws import Aws
from verify.fact import Fact, Failed, NotKnown, Value, then
from verify.policy.document import MalformedPolicy
from verify.posture.facts.recording import RecordingQuestions
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Status, Verdict
from verify.posture.resource_policies.delivery_access import (
    bucket_policy_allows_cloudtrail,
    key_policy_allows_cloudtrail,
    recent_delivery,
)


def with_policy_changes(aws: Aws, facts: TrailFacts) -> TrailFacts:
    """The facts, with the changes of the policies since the last delivery, for a policy that alone does not decide."""
    since = recent_delivery(facts)
    if since is None:
        return facts
    questions = RecordingQuestions(aws, facts.target.account)
    if _is_open(bucket_policy_allows_cloudtrail, facts):
        change = _of_bucket(questions, facts, since)
        facts = replace(facts, bucket_policy_change=change)
    if _is_open(key_policy_allows_cloudtrail, facts):
        facts = replace(facts, key_policy_change=_of_key(questions, facts, since))
    return facts


def _is_open(judge: Callable[[TrailFacts], Verdict], facts: TrailFacts) -> bool:
    try:
        return judge(facts).status is Status.UNKNOWN
    except (NotKnown, MalformedPolicy):
        return False


def _of_bucket(questions: RecordingQuestions, facts: TrailFacts, since: datetime) -> Fact[datetime | None]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html"""
    if facts.bucket_owner != facts.target.account:
        return Failed("the bucket is another account's, whose event history is not read")
    return then(
        facts.bucket,
        lambda name: then(
            facts.bucket_region,
            lambda region: questions.last_change("PutBucketPolicy", "bucketName", name, region=region, since=since),
        ),
    )


def _of_key(questions: RecordingQuestions, facts: TrailFacts, since: datetime) -> Fact[datetime | None]:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-put-key-policy.html"""

    def change(arn: str) -> Fact[datetime | None]:
        key = Arn.parse(arn)
        if Value(key.account) != facts.target.account:
            return Failed("the key is another account's, whose event history is not read")
        name = key.resource.removeprefix("key/")
        return questions.last_change("PutKeyPolicy", "keyId", name, region=key.region, since=since)

    return then(facts.key_arn, change)
