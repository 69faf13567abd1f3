"""Hardening of the trail and its key beyond the lab: the same evidence, and never a reason to fail."""

from __future__ import annotations

from verify.fact import known
from verify.posture.facts.selectors import unrecorded
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Check, Group, Part, Verdict, passes_if
from verify.posture.resource_policies.commands import BIND_KEY_POLICY, READ_KEY_POLICY
from verify.posture.resource_policies.external_access import (
    external_principals_cannot_decrypt,
    key_policy_names_the_trail,
)

_GUIDE = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide"


def _delivers(facts: TrailFacts) -> Verdict:
    status = known(facts.status)
    errors = [error for error in (status.delivery_error, status.digest_delivery_error) if error]
    return passes_if(not errors, f"the last delivery failed: {', '.join(errors)}" if errors else "no delivery error")


def _records_all_management_events(facts: TrailFacts) -> Verdict:
    gaps = list(unrecorded(known(facts.selectors)))
    if not known(facts.target.trail).records_global_events:
        gaps.append("events of global services such as IAM")
    return passes_if(not gaps, f"not recorded: {', '.join(gaps)}" if gaps else "every management event is recorded")


def _key_rotates(facts: TrailFacts) -> Verdict:
    value = known(facts.key_rotates)
    return passes_if(value, f"KeyRotationEnabled is {str(value).lower()}")


TRAIL_ADVICE = (
    Check(
        id="trail_delivers_without_error",
        group=Group.ADVICE,
        part=Part.TRAIL,
        title="Last delivery succeeded",
        needs=("status",),
        judge=_delivers,
        expected="neither LatestDeliveryError nor LatestDigestDeliveryError",
        why="Here CloudTrail reports that it could not write to the bucket or use the key.",
        fix="{aws} cloudtrail get-trail-status --name {trail}",
        cdk="SecureTrail writes both policies; compare them with what is deployed: cdk diff",
        source="https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html",
    ),
    Check(
        id="trail_records_all_management_events",
        group=Group.ADVICE,
        part=Part.TRAIL,
        title="Every management event is recorded",
        needs=("selectors",),
        judge=_records_all_management_events,
        expected="reads and writes, of every source, and of global services",
        why="Events that the selectors exclude are not recorded, and the trail's status does not show it.",
        fix="{aws} cloudtrail put-event-selectors --trail-name {trail} --event-selectors {event_selectors}"
        " && {aws} cloudtrail update-trail --name {trail} --include-global-service-events",
        cdk="SecureTrail does it; L1: cloudtrail.CfnTrail(event_selectors=…, include_global_service_events=True)",
        source=f"{_GUIDE}/logging-management-events-with-cloudtrail.html",
        controls=("CloudTrail.1",),
    ),
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
        id="key_keeps_strangers_out",
        group=Group.ADVICE,
        part=Part.KEY,
        title="No external principal can decrypt",
        needs=("key_policy", "key_arn"),
        judge=external_principals_cannot_decrypt,
        expected="no principal of another account may Decrypt, ReEncryptFrom, CreateGrant or PutKeyPolicy",
        why="Encryption does not protect log files from principals that may use the key.",
        fix=READ_KEY_POLICY,
        cdk="SecureTrail grants access to the account alone; L1: kms.CfnKey(key_policy=…)",
        source="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-5",
        controls=("KMS.5",),
    ),
    Check(
        id="key_rotates",
        group=Group.ADVICE,
        part=Part.KEY,
        title="Automatic key rotation is on",
        needs=("key_rotates",),
        judge=_key_rotates,
        expected="KeyRotationEnabled is true",
        why="With yearly rotation each version of the key material protects less data.",
        fix="{aws} kms enable-key-rotation --key-id {key}",
        cdk="SecureTrail does it; L1: kms.CfnKey(enable_key_rotation=True)",
        source="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
        controls=("KMS.4",),
    ),
)
