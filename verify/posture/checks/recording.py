"""Is it recording? What the selectors leave out, and whether log files and digests arrive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from verify.fact import Denied, Failed, Missing, Value, known
from verify.posture.checks.lab import UPDATE_TRAIL
from verify.posture.facts.recording import DELIVERY_LATE_AFTER, DIGEST_LATE_AFTER, DIGESTS_SURE_AFTER
from verify.posture.facts.trail import TrailFacts, TrailStatus
from verify.posture.model import Check, Group, Part, Status, Verdict, failed, passed, passes_if, unknown
from verify.posture.resource_policies.delivery_cause import delivery_causes
from verify.selectors import unrecorded

_CLOCKS_DIFFER = timedelta(minutes=15)
_GUIDE = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide"


def _records_all_management_events(facts: TrailFacts) -> Verdict:
    selectors = known(facts.selectors)
    gaps = list(unrecorded(selectors))
    fix = None
    if gaps == ["read events", "write events"]:
        gaps = ["every management event"]
    if not known(facts.target.trail).records_global_events:
        if not gaps:
            fix = f"{UPDATE_TRAIL} --include-global-service-events"
        gaps.append("events of global services such as IAM")
    return passes_if(
        not gaps, f"not recorded: {', '.join(gaps)}" if gaps else "the selectors leave out no management event", fix=fix
    )


def _delivers(facts: TrailFacts) -> Verdict:
    """Errors first, then log files that should be there, then digests, then the newest file in the bucket."""
    status = known(facts.status)
    errors = [
        f"{what} {error}"
        for what, error in (("LatestDeliveryError", status.delivery_error), ("digest:", status.digest_delivery_error))
        if error
    ]
    if errors:
        causes = delivery_causes(facts) or ("the bucket, the key and their policies do not show why",)
        since = f"; the last log file came {_when(facts, status.last_delivery)}" if status.last_delivery else ""
        return _late(f"deliveries fail: {', '.join(errors)}{since}", causes)
    if not status.is_logging:
        return Verdict(Status.NOT_APPLICABLE, "the trail is stopped, and no delivery is due", fix="")
    if status.log_group_error and known(facts.target.trail).log_group is not None:
        return _late(
            f"deliveries to CloudWatch Logs fail: {status.log_group_error}",
            ("the log group, or the role by which CloudTrail writes to it; alarms on the group are blind",),
        )
    late = _overdue(facts, status)
    if late is not None:
        return late
    if not _is_since_logging_began(status.last_delivery, status):
        return _not_due(facts, status)
    newest = facts.newest_log_file
    seen = f"; the newest in the bucket is {newest.value.key}" if isinstance(newest, Value) and newest.value else ""
    if known(facts.target.trail).validates_log_files and not _is_since_logging_began(status.last_digest, status):
        seen += "; no digest is due yet"
    return passed(f"the last log file came {_when(facts, status.last_delivery)}{seen}")


def _overdue(facts: TrailFacts, status: TrailStatus) -> Verdict | None:
    """FAIL when something is late for certain, whatever else is not known; else UNKNOWN, or ``None``."""
    if any(time and time - facts.asked_at > _CLOCKS_DIFFER for time in (status.last_delivery, status.last_digest)):
        return unknown("a delivery is reported that is yet to come, so that nothing shows what came")
    late = [_late_log_files(facts, status), _late_digests(facts, status), _missing_file(facts, status)]
    found = [verdict for verdict in late if verdict is not None]
    return next((verdict for verdict in found if verdict.status is Status.FAIL), found[0] if found else None)


def _late_log_files(facts: TrailFacts, status: TrailStatus) -> Verdict | None:
    """FAIL or UNKNOWN when there was no delivery for long, although something happened; ``None`` otherwise."""
    latest = max((time for time in (status.last_delivery, status.logging_since) if time), default=None)
    if latest is None:
        return unknown("neither a delivery nor the beginning of logging is reported")
    if facts.asked_at - latest <= DELIVERY_LATE_AFTER:
        return None
    last = f"the last log file came {_when(facts, status.last_delivery)}"
    begun = f"no log file came since logging began {_when(facts, latest)}"
    nothing = last if status.last_delivery else begun
    if isinstance(facts.missed_event, Value):
        event = facts.missed_event.value
        if event is None:
            return None
        happened = f"the event history has {event.name} of {event.source} {_when(facts, event.at)}"
        return _late(f"{nothing}, and {happened}", delivery_causes(facts))
    return unknown(f"{nothing}, and whether anything happened since is not known: {facts.missed_event}")


def _late_digests(facts: TrailFacts, status: TrailStatus) -> Verdict | None:
    """FAIL or UNKNOWN when an hourly digest is overdue; ``None`` otherwise, and without log file validation."""
    if not known(facts.target.trail).validates_log_files:
        return None
    since = status.logging_since
    if status.last_digest is not None and (since is None or status.last_digest >= since):
        if facts.asked_at - status.last_digest <= DIGEST_LATE_AFTER:
            return None
        last = f"the last digest came {_when(facts, status.last_digest)}"
        return _late_unless_turned_on(facts, last, f"{last}, and one is due every hour")
    age = facts.asked_at - since if since else None
    if age is not None and age <= DIGEST_LATE_AFTER:
        return None
    missing = "no digest was ever delivered, though log file validation is on"
    if age is not None and age > DIGESTS_SURE_AFTER and status.last_digest is not None:
        nothing = f"no digest came since logging began {_when(facts, since)}"
        return _late_unless_turned_on(facts, nothing, nothing)
    return unknown(f"{missing}; in the first hours after it was turned on that is as it should be")


def _late_unless_turned_on(facts: TrailFacts, nothing: str, late: str) -> Verdict:
    """While log file validation is off no digest comes, and after it was turned on again the first one takes its time.

    :param nothing: what did not come. ``late`` says as well that it should have.
    """
    turned_on = facts.validation_turned_on
    if isinstance(turned_on, Denied | Failed):
        return unknown(f"{nothing}, and whether log file validation was off since is not known: {turned_on}")
    if isinstance(turned_on, Missing) or turned_on.value is None:
        return _late(late, delivery_causes(facts))
    due = turned_on.value + DIGEST_LATE_AFTER
    was_on = f"log file validation was turned on {_when(facts, turned_on.value)}"
    return unknown(f"{nothing}, and {was_on}: check again, at {due:%H:%M} UTC at the latest")


def _missing_file(facts: TrailFacts, status: TrailStatus) -> Verdict | None:
    """FAIL when CloudTrail reports a delivery of which the bucket has nothing."""
    bucket = known(facts.target.trail).bucket
    if status.last_delivery is None or facts.newest_log_file != Value(None) or facts.target.bucket != Value(bucket):
        return None
    reported = f"CloudTrail reports a delivery {_when(facts, status.last_delivery)}"
    return _late(
        f"{reported}, and bucket {bucket} has no log file of then",
        ("it was deleted, or the bucket is another one of that name, or the trail came to this bucket since",),
    )


def _late(actual: str, causes: Iterable[str]) -> Verdict:
    """FAIL, whose fixes are those of the causes: of the bucket, the key and their policies."""
    return failed(actual, fix="", cause="; ".join(causes))


def _not_due(facts: TrailFacts, status: TrailStatus) -> Verdict:
    begun = f"logging began {_when(facts, status.logging_since)}"
    has_digests = _is_since_logging_began(status.last_digest, status)
    if isinstance(facts.missed_event, Value | Missing) and has_digests:
        return passed(f"digests come, the last {_when(facts, status.last_digest)}; there was nothing else to deliver")
    before = f", the last log file came {_when(facts, status.last_delivery)}" if status.last_delivery else ""
    if status.logging_since is None or facts.asked_at - status.logging_since > DELIVERY_LATE_AFTER:
        return unknown(f"{begun}{before or ', nothing was ever delivered'}, and nothing shows that anything would be")
    due = status.logging_since + DELIVERY_LATE_AFTER
    # Nothing shows that it works, and nothing that it does not.
    return unknown(f"{begun}{before}, and nothing came yet: check again, at {due:%H:%M} UTC at the latest")


def _is_since_logging_began(moment: datetime | None, status: TrailStatus) -> bool:
    """Whether something came after logging was last started. What came before tells nothing of a trail as it is now."""
    return moment is not None and (status.logging_since is None or moment >= status.logging_since)


def _when(facts: TrailFacts, moment: datetime | None) -> str:
    """A moment, and how long ago it was."""
    if moment is None:
        return "never"
    minutes = max(0, round((facts.asked_at - moment).total_seconds() / 60))
    ago = f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours" if minutes < 2880 else ""
    return f"{ago or f'{minutes // 1440} days'} ago, at {moment:%Y-%m-%d %H:%M} UTC"


def _owner_pays(facts: TrailFacts) -> Verdict:
    payer = known(facts.payer)
    return passes_if(payer == "BucketOwner", f"Payer is {payer}")


RECORDING_CHECKS = (
    Check(
        id="trail_records_all_management_events",
        group=Group.RECORDING,
        part=Part.TRAIL,
        title="No management event is left out",
        needs=("selectors",),
        judge=_records_all_management_events,
        expected="reads and writes, of every source, and of global services",
        why="Events that the selectors exclude are not recorded, and the trail's status does not show it.",
        fix="{aws} cloudtrail put-event-selectors --trail-name {trail} {selectors_option} {event_selectors}"
        f" && {UPDATE_TRAIL} --include-global-service-events",
        cdk="SecureTrail does it; L1: cloudtrail.CfnTrail(event_selectors=…, include_global_service_events=True)",
        source=f"{_GUIDE}/logging-management-events-with-cloudtrail.html",
        controls=("CloudTrail.1",),
    ),
    Check(
        id="trail_delivers_without_error",
        group=Group.RECORDING,
        part=Part.TRAIL,
        title="Log files and digests arrive",
        needs=("status",),
        may_need=(
            "missed_event",
            "validation_turned_on",
            "newest_log_file",
            "organization_id",
            "bucket",
            "bucket_policy",
            "payer",
            "key",
            "key_arn",
            "key_policy",
            "trail_key_arn",
        ),
        judge=_delivers,
        expected="no delivery error, a log file for what happened, a digest every hour",
        why="A trail whose deliveries fail is still reported as logging. CloudTrail retries for 30 days.",
        fix="{aws} cloudtrail get-trail-status --name {trail}",
        cdk="SecureTrail writes both policies; compare them with what is deployed: cdk diff",
        source="https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html",
    ),
    Check(
        id="log_bucket_pays_for_requests",
        group=Group.RECORDING,
        part=Part.BUCKET,
        title="Log bucket is no Requester Pays bucket",
        needs=("payer",),
        judge=_owner_pays,
        expected="Payer is BucketOwner",
        why="CloudTrail cannot deliver to a bucket that has the requester pay.",
        fix="{aws} s3api put-bucket-request-payment --bucket {bucket}"
        " --request-payment-configuration Payer=BucketOwner",
        cdk="SecureTrail's buckets are none",
        source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html",
    ),
)
