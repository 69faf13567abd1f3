"""What CloudTrail itself says: public keys, the trail's status, when it was switched on and off."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from verify.aws import Aws
from verify.errors import CannotLook
from verify.integrity.digests.public_keys import KeyRing, PublicKey
from verify.integrity.timeline.gaps import LoggingHistory, NoStatus, Switch, Switching, TrailStatus
from verify.integrity.timeline.timeline import Period

PERMISSIONS = (
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:ListPublicKeys",
    "cloudtrail:LookupEvents",
    "ec2:DescribeRegions",
)
# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
_HISTORY_REACHES = timedelta(days=90)
_KEYS_AROUND = timedelta(hours=2)
# Calls that turn delivery on or off; UpdateTrail does when it changes log file validation.
_SWITCHES = {
    "CreateTrail": Switch.CREATED,
    "StartLogging": Switch.ON,
    "StopLogging": Switch.OFF,
    "DeleteTrail": Switch.DELETED,
}


class Facts(Protocol):
    """CloudTrail's own statements about one trail."""

    def keys(self, region: str) -> KeyRing:
        """The public keys of a region, around the period."""

    def status(self, region: str) -> TrailStatus | NoStatus:
        """The trail's status in a region."""

    def history(self) -> LoggingHistory:
        """When the trail was switched on and off, around the period."""


@dataclass(frozen=True, slots=True)
class AwsFacts:
    """Facts asked from AWS.

    :param trail_name: a name.
    :param trail_arn: the ARN; its region is where the trail lives.
    """

    aws: Aws
    trail_name: str
    trail_arn: str
    home_region: str
    period: Period
    now: datetime

    def keys(self, region: str) -> KeyRing:
        """See :class:`Facts`."""
        try:
            return KeyRing.of(self._public_keys(region))
        except CannotLook as error:
            return KeyRing(unknown_because=str(error))

    def _public_keys(self, region: str) -> Iterable[PublicKey]:
        # Backfill digests are signed late, so every key since the period began may be needed.
        asked: dict[str, Any] = {"StartTime": self.period.start - _KEYS_AROUND, "EndTime": self.now + _KEYS_AROUND}
        while True:
            answer = self.aws.call("cloudtrail", "ListPublicKeys", in_region=region, **asked)
            for key in answer.get("PublicKeyList", ()):
                yield PublicKey(key["Fingerprint"], key["Value"], key["ValidityStartTime"], key["ValidityEndTime"])
            if not answer.get("NextToken"):
                return
            asked["NextToken"] = answer["NextToken"]

    def status(self, region: str) -> TrailStatus | NoStatus:
        """See :class:`Facts`."""
        try:
            answer = self.aws.call("cloudtrail", "GetTrailStatus", in_region=region, Name=self.trail_arn)
        except CannotLook as error:
            return NoStatus(str(error))
        return TrailStatus(
            is_logging=bool(answer.get("IsLogging")),
            latest_digest_delivery=answer.get("LatestDigestDeliveryTime"),
            started=answer.get("StartLoggingTime"),
            stopped=answer.get("StopLoggingTime"),
        )

    def history(self) -> LoggingHistory:
        """See :class:`Facts`. Events older than 90 days are not in the event history."""
        first = self.period.start - _KEYS_AROUND
        try:
            found = [switching for name in (*_SWITCHES, "UpdateTrail") for switching in self._lookup(name, first)]
        except CannotLook as error:
            return LoggingHistory(unknown_because=str(error))
        reaches = self.now - _HISTORY_REACHES
        return LoggingHistory(
            switchings=tuple(found),
            complete_from=max(first, reaches),
            unknown_because="the event history reaches back 90 days only",
        )

    def _lookup(self, name: str, first: datetime) -> Iterable[Switching]:
        pages = self.aws.pages(
            "cloudtrail",
            "LookupEvents",
            in_region=self.home_region,
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
            StartTime=first,
            EndTime=self.now,
        )
        for page in pages:
            for event in page.get("Events", ()):
                switching = switching_of(event.get("CloudTrailEvent", ""), self.trail_name, self.trail_arn)
                if switching is not None:
                    yield switching


def switching_of(record: str | dict[str, Any], trail_name: str, trail_arn: str) -> Switching | None:
    """What a CloudTrail record says about the trail's being switched on or off; ``None`` if it does not.

    :param record: one record of a log file, or its JSON text.
    """
    try:
        event = json.loads(record) if isinstance(record, str) else record
        parameters = event.get("requestParameters") or {}
        if event.get("errorCode") or event.get("eventSource") != "cloudtrail.amazonaws.com":
            return None
        if parameters.get("name") not in (trail_name, trail_arn):
            return None
        name = event["eventName"]
        switch = _SWITCHES.get(name) or _validation_switch(name, parameters)
        if switch is None:
            return None
        who = (event.get("userIdentity") or {}).get("arn", "an unnamed caller")
        at = datetime.fromisoformat(event["eventTime"]).astimezone(UTC)
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return Switching(at, switch, f"{name} by {who} at {at:%Y-%m-%dT%H:%M:%SZ}")


def _validation_switch(name: str, parameters: dict[str, Any]) -> Switch | None:
    is_on = parameters.get("enableLogFileValidation")
    if name != "UpdateTrail" or not isinstance(is_on, bool):
        return None
    return Switch.ON if is_on else Switch.OFF
