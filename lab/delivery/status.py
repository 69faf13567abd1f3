"""What GetTrailStatus shows of delivery: for the one region in which it is called.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html
"""

from dataclasses import dataclass
from typing import Any

from lab.clock import iso_time


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """The latest delivery of a trail in one region; times in epoch seconds, errors as S3 codes ('' when the latest try
    worked). `digest_end_seconds` is where the period of the latest digest ends: perhaps a second after its delivery.
    """

    log_seconds: int | None = None
    log_attempt_seconds: int | None = None
    log_error: str = ""
    digest_seconds: int | None = None
    digest_error: str = ""
    digest_end_seconds: int | None = None


def status_members(status: DeliveryStatus) -> dict[str, Any]:
    """The status as members of the answer; what never happened is left out."""
    members = {
        "LatestDeliveryTime": status.log_seconds,
        "LatestDeliveryError": status.log_error,
        "LatestDigestDeliveryTime": status.digest_seconds,
        "LatestDigestDeliveryError": status.digest_error,
    }
    found: dict[str, Any] = {name: value for name, value in members.items() if value}
    if status.log_attempt_seconds:
        found["LatestDeliveryAttemptTime"] = iso_time(status.log_attempt_seconds)
    if status.log_seconds:
        found["LatestDeliveryAttemptSucceeded"] = iso_time(status.log_seconds)
    return found
