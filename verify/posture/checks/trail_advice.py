"""Hardening of the trail and its key beyond the course: the same evidence, and never a reason to fail."""

from __future__ import annotations

from verify.fact import Value, known
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Check, Group, Part, Status, Verdict, decide, failed, passed, passes_if
from verify.posture.resource_policies.commands import BIND_KEY_POLICY
from verify.posture.resource_policies.external_access import key_policy_names_the_trail
from verify.selectors import records_writes_to

_GUIDE = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide"


def _spares_the_log_bucket(facts: TrailFacts) -> Verdict:
    trail = known(facts.target.trail)
    prefix = f"{trail.prefix}/" if trail.prefix else ""
    log_file = f"arn:{facts.target.partition}:s3:::{trail.bucket}/{prefix}AWSLogs/log.json.gz"
    if not records_writes_to(known(facts.selectors), log_file):
        return passed(f"no data events of {trail.bucket}")
    return failed(f"data events of the log bucket {trail.bucket} are recorded: each delivery is an event to deliver")


def _is_the_only_copy(facts: TrailFacts) -> Verdict:
    selectors = known(facts.selectors)
    others = [trail.name for trail in known(facts.other_trails) if trail.records_management_events]
    if not others or not selectors.management:
        return passed("no other trail records management events here")
    return failed(f"management events are also recorded by {', '.join(others)}: every copy but the first is paid for")


def _key_rotates(facts: TrailFacts) -> Verdict:
    if isinstance(facts.key, Value):
        key = facts.key.value
        if key.spec != "SYMMETRIC_DEFAULT" or key.origin != "AWS_KMS":
            why = f"KMS rotates no {key.spec} key of origin {key.origin} by itself"
            return Verdict(Status.NOT_APPLICABLE, why, fix="")
        if key.state != "Enabled":
            return Verdict(Status.NOT_APPLICABLE, f"KMS rotates no key that is {key.state}", fix="")
    value = known(facts.key_rotates)
    return passes_if(value, f"KeyRotationEnabled is {str(value).lower()}")


TRAIL_ADVICE = (
    Check(
        id="key_policy_names_the_trail",
        group=Group.ADVICE,
        part=Part.KEY,
        title="Key policy allows no other trail",
        needs=("key_policy", "key_arn"),
        judge=key_policy_names_the_trail,
        expected="every grant to CloudTrail has aws:SourceArn = {trail_arn}",
        why="Otherwise CloudTrail can be made to use the key for a trail of another account (a confused deputy).",
        fix=BIND_KEY_POLICY,
        cdk="SecureTrail does it; L1: kms.CfnKey(key_policy=…)",
        source=f"{_GUIDE}/create-kms-key-policy-for-cloudtrail.html",
    ),
    Check(
        id="key_rotates",
        group=Group.ADVICE,
        part=Part.KEY,
        title="Automatic key rotation is on",
        needs=("key_rotates",),
        may_need=("key",),
        judge=_key_rotates,
        expected="KeyRotationEnabled is true",
        why="With yearly rotation each version of the key material protects less data.",
        fix="{aws} kms enable-key-rotation --key-id {key}",
        cdk="SecureTrail does it; L1: kms.CfnKey(enable_key_rotation=True)",
        source="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
        controls=("KMS.4",),
    ),
    Check(
        id="data_events_spare_the_log_bucket",
        group=Group.ADVICE,
        part=Part.TRAIL,
        title="No data events of the log bucket itself",
        needs=("selectors",),
        judge=_spares_the_log_bucket,
        expected="no selector of data events that includes the log bucket",
        why="Each log file that is written causes an event, which is written to the next one, and is paid for.",
        fix=decide("which buckets need data events; put-event-selectors takes the rest out, the log bucket first"),
        cdk="SecureTrail leaves its bucket out (recording); L1: cloudtrail.CfnTrail(advanced_event_selectors=…)",
        source=f"{_GUIDE}/logging-data-events-with-cloudtrail.html",
    ),
    Check(
        id="trail_is_the_only_paid_copy",
        group=Group.ADVICE,
        part=Part.TRAIL,
        title="No second trail records the same",
        needs=("other_trails", "selectors"),
        judge=_is_the_only_copy,
        expected="no other logging trail with management events",
        why="The first copy of management events in a region is free of charge, and every further one is not.",
        fix=decide("which of the trails is needed; stop-logging and delete-trail end the other"),
        cdk="one SecureTrail for each account",
        source="https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-manage-costs.html",
    ),
)
