"""What CloudTrail itself says: public keys, the trail's status, when it was switched on and off.

Asked from AWS, or for a copy in a folder read from a file: no AWS call is made for such a copy.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from verify.aws import Aws
from verify.errors import CannotLook, UsageError
from verify.integrity.digests.public_keys import KeyRing, PublicKey
from verify.integrity.timeline.logging_history import (
    SWITCHING_CALLS,
    LoggingHistory,
    NoStatus,
    Switching,
    TrailStatus,
    switching_of,
)
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
_MAX_KEYS_BYTES = 16 * 2**20
_OFFLINE = "AWS was not asked, as the files are a copy"


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
            found = [switching for name in SWITCHING_CALLS for switching in self._lookup(name, first)]
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


@dataclass(frozen=True, slots=True)
class SavedFacts:
    """Facts for a copy.

    :param ring: keys of all regions; a fingerprint is unique among them.
    """

    ring: KeyRing

    def keys(self, region: str) -> KeyRing:  # noqa: ARG002 - the interface's
        """See :class:`Facts`."""
        return self.ring

    def status(self, region: str) -> TrailStatus | NoStatus:  # noqa: ARG002
        """See :class:`Facts`."""
        return NoStatus(_OFFLINE)

    def history(self) -> LoggingHistory:
        """See :class:`Facts`."""
        return LoggingHistory(unknown_because=_OFFLINE)


def load_keys(path: Path | None) -> KeyRing:
    """Read what ``aws cloudtrail list-public-keys`` printed.

    :raises UsageError: the file is not there or is something else.
    """
    if path is None:
        return KeyRing(unknown_because="name a file with the public keys (--keys)")
    try:
        with path.open("rb") as file:
            fields = json.loads(file.read(_MAX_KEYS_BYTES))
        return KeyRing.of(key_from(entry) for entry in fields["PublicKeyList"])
    except OSError as error:
        raise UsageError(f"--keys {str(path)!r} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"--keys {str(path)!r} cannot be used. "
            "It must be what 'aws cloudtrail list-public-keys --start-time … --end-time …' prints."
        ) from error


def key_from(entry: Any) -> PublicKey:
    """A key as JSON has it.

    :raises ValueError: a field is missing or of another form.
    """
    try:
        return PublicKey(
            str(entry["Fingerprint"]),
            base64.b64decode(entry["Value"], validate=True),
            _moment(entry["ValidityStartTime"]),
            _moment(entry["ValidityEndTime"]),
        )
    except (KeyError, TypeError, binascii.Error, OverflowError) as error:
        raise ValueError(f"a public key in it is incomplete: {error!r}") from error


def _moment(value: Any) -> datetime:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
