"""What CloudTrail itself says: public keys, the trail's status, when it was switched on and off.

Asked from AWS, or for a copy in a folder read from a file: no AWS call is made for such a copy.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from verify.aws import Answer, Aws
from verify.errors import ApiError, CannotLook, UsageError
from verify.global_services import region_of_global_service
from verify.integrity.digests.digest import is_plausible
from verify.integrity.digests.public_keys import KeyRing, PublicKey
from verify.integrity.timeline.configuration import (
    GLOBAL_SERVICE_EVENTS,
    Configuration,
    Known,
    NoStatus,
    Setting,
    Source,
    Today,
    TrailCall,
    TrailStatus,
    call_in,
)
from verify.integrity.timeline.timeline import Period
from verify.selectors import parse_selectors, unrecorded
from verify.threads import concurrently
from verify.trail import Trail

PERMISSIONS = (
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:ListPublicKeys",
    "cloudtrail:LookupEvents",
    "ec2:DescribeRegions",
    "organizations:ListAccounts",
)
# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
_HISTORY_REACHES = timedelta(days=90)
_HISTORY_EDGE = timedelta(hours=1)  # what is about to leave the history may have left it while it was read
# "CloudTrail typically delivers events within 15 minutes of an API call."
_HISTORY_LAGS = timedelta(minutes=15)
_ASKED_CALLS = ("CreateTrail", "StartLogging", "StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors")
_DELEGATED = (
    "it is not known to be no organization's trail, which a delegated administrator can change, and no document says "
    "that the management account's event history holds such calls"
)
_LOOKUPS_AT_ONCE = 2  # CloudTrail allows two a second
_SHOWN_OF_ERROR = 200
_KEYS_AROUND = timedelta(hours=2)
_MAX_KEYS_BYTES = 16 * 2**20
_OFFLINE = "AWS was not asked, as the files are a copy"


class TrailName(Struct, frozen=True):
    """The trail whose files are meant.

    :param arn: ``""`` where only the name is known.
    :param account: that the trail belongs to; ``""`` where it is not known.
    """

    name: str
    home_region: str
    account: str
    arn: str = ""

    @classmethod
    def of(cls, trail: Trail) -> TrailName:
        """The name of a trail that DescribeTrails shows."""
        return cls(trail.name, trail.home_region, trail.account, trail.arn)


class Regions(Struct, frozen=True):
    """The regions that are enabled for the account.

    :param optional: of these, the ones that an account can leave.
    :param existing: all that there are, enabled or not.
    :param why_not: a sentence, when they are not known.
    """

    enabled: frozenset[str] = frozenset()
    existing: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    why_not: str = ""

    def always(self, region: str) -> bool:
        """Whether an account cannot have left a region."""
        return region in self.enabled and region not in self.optional


class Facts(Protocol):
    """CloudTrail's own statements about one trail."""

    def keys(self, region: str) -> KeyRing:
        """The public keys of a region, around the period."""

    def status(self, region: str) -> TrailStatus | NoStatus:
        """The trail's status in a region."""

    def configuration(self) -> Configuration:
        """How the trail was configured, as far as calls and its present state tell."""


class AwsFacts(Struct, frozen=True):
    """Facts asked from AWS.

    :param deployed: the trail as DescribeTrails shows it; ``None`` where it shows none, or did not answer.
    :param was_described: whether DescribeTrails answered.
    :param now: by the service's clock.
    :param delivers_elsewhere: whether the files are in a bucket that the trail does not deliver to today.
    :param known: the configuration, once it was asked: CloudTrail allows two LookupEvents calls a second, and all that
        is concluded must rest on the same answers.
    """

    aws: Aws
    trail: TrailName
    deployed: Trail | None
    was_described: bool
    period: Period
    now: datetime
    delivers_elsewhere: bool = False
    known: Configuration | None = None
    _rings: dict[str, KeyRing] = field(default_factory=dict)  # by region
    _statuses: dict[str, TrailStatus] = field(default_factory=dict)

    def keys(self, region: str) -> KeyRing:
        """See :class:`Facts`."""
        if known := self._rings.get(region):
            return known
        try:
            ring = KeyRing.of(self._public_keys(region), is_complete=True)
        except CannotLook as error:
            return KeyRing(unknown_because=str(error))
        return self._rings.setdefault(region, ring)

    def _public_keys(self, region: str) -> Iterable[PublicKey]:
        # Backfill digests are signed late, so every key since the period began may be needed.
        first, last = self.period.start - _KEYS_AROUND, self.now + _KEYS_AROUND
        pages = self.aws.pages("cloudtrail", "ListPublicKeys", in_region=region, StartTime=first, EndTime=last)
        for page in pages:
            try:
                for key in page.get("PublicKeyList", ()):
                    times = key["ValidityStartTime"], key["ValidityEndTime"]
                    yield PublicKey(str(key["Fingerprint"]), key["Value"], *times)
            except (KeyError, TypeError) as error:
                raise CannotLook(
                    "cloudtrail:ListPublicKeys gave a key that is not AWS's. Check --endpoint-url."
                ) from error

    def status(self, region: str) -> TrailStatus | NoStatus:
        """See :class:`Facts`."""
        if self.delivers_elsewhere:
            return NoStatus("the trail delivers to another bucket today")
        try:
            if elsewhere := self.is_elsewhere():
                return NoStatus(f"account {elsewhere} was asked, and the trail is {self.trail.account}'s")
        except CannotLook as error:
            return NoStatus(str(error))
        return self._status(region)

    def _status(self, region: str) -> TrailStatus | NoStatus:
        """What GetTrailStatus says to any account that sees the trail. Of deliveries it may speak of that account's."""
        if known := self._statuses.get(region):
            return known
        try:
            answer = self.aws.call("cloudtrail", "GetTrailStatus", in_region=region, Name=self.trail.arn)
        except CannotLook as error:
            is_answer = isinstance(error, ApiError) and error.code == "TrailNotFoundException"
            return NoStatus(str(error), was_refused=not is_answer)
        if not isinstance(answer.get("IsLogging"), bool):
            # AWS always says it. Without it the answer is half of one, and says nothing of deliveries either.
            why = "cloudtrail:GetTrailStatus gave an answer that is not AWS's: IsLogging is missing"
            return NoStatus(why, was_refused=True)
        status = TrailStatus(
            is_logging=answer["IsLogging"],
            latest_digest_delivery=answer.get("LatestDigestDeliveryTime"),
            started=answer.get("StartLoggingTime"),
            stopped=answer.get("StopLoggingTime"),
            latest_delivery=answer.get("LatestDeliveryTime"),
            delivery_error=_said(answer.get("LatestDeliveryError")),
            digest_delivery_error=_said(answer.get("LatestDigestDeliveryError")),
        )
        return self._statuses.setdefault(region, status)

    def configuration(self) -> Configuration:
        """See :class:`Facts`."""
        if self.known is not None:
            return self.known
        calls, known = self._history()
        return Configuration(self.trail.home_region, calls, known, self._today())

    def _today(self) -> Today:
        if self.deployed is None:
            # That there is no such trail is an answer only if the account asked was the trail's own.
            try:
                is_gone = self.was_described and not self.is_elsewhere()
            except CannotLook:
                is_gone = False
            return Today(self.now, {Setting.EXISTS: False} if is_gone else {})
        settings = {
            Setting.EXISTS: True,
            Setting.VALIDATION: self.deployed.validates_log_files,
            Setting.ALL_REGIONS: self.deployed.is_multi_region,
            Setting.ORGANIZATION: self.deployed.is_organization,
        }
        status = self._status(self.trail.home_region)
        if isinstance(status, NoStatus):
            return Today(self.now, settings)
        if status.is_logging:
            return Today(self.now, settings, started=status.started)
        never_logged = status.started is None and status.stopped is None
        return Today(self.now, settings, stopped=status.stopped, never_logged=never_logged)

    def recording(self) -> tuple[tuple[str, ...], str]:
        """The management events that the trail does not record today, in words, and why they are not known.

        https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html
        """
        if self.deployed is None:
            return (), ""
        around = () if self.deployed.records_global_events else (GLOBAL_SERVICE_EVENTS,)
        try:
            answer = self.aws.call(
                "cloudtrail", "GetEventSelectors", in_region=self.trail.home_region, TrailName=self.trail.arn
            )
            return (*unrecorded(parse_selectors(answer)), *around), ""
        except CannotLook as error:
            return around, str(error)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            detail = f"{type(error).__name__}: {error}"[:_SHOWN_OF_ERROR]
            return around, f"cloudtrail:GetEventSelectors gave an answer that is not AWS's ({detail})"

    def _history(self) -> tuple[tuple[TrailCall, ...], Known]:
        """What the event history tells, and for which time these are all the calls there were."""
        first = self.now - _HISTORY_REACHES
        calls: list[TrailCall] = []
        try:
            with concurrently(_LOOKUPS_AT_ONCE) as pool:
                for found, error in pool.map(lambda name: self._found(name, first), _ASKED_CALLS):
                    calls += found
                    if error is not None:
                        raise error
            elsewhere = self.is_elsewhere()
        except CannotLook as error:
            return tuple(calls), Known(why_not=str(error))
        return tuple(calls), self._known(calls, first, elsewhere)

    def _known(self, calls: Sequence[TrailCall], first: datetime, elsewhere: str) -> Known:
        if elsewhere:
            return Known(why_not=f"the trail is account {self.trail.account}'s, and {elsewhere}'s history was asked")
        since = self._no_organizations_since(calls)
        if since is None:
            return Known(why_not=_DELEGATED)
        why = "the event history holds 90 days, up to 15 minutes before it was asked"
        return Known(max(first + _HISTORY_EDGE, since), self.now - _HISTORY_LAGS, why)

    def _no_organizations_since(self, calls: Sequence[TrailCall]) -> datetime | None:
        """Since when the trail is known to be no organization's; ``None`` if it is not known to be.

        Only a call that sets it can have changed it. Of a trail that may have been an organization's once, a delegated
        administrator may have made one again, unseen, when it was deleted or given to one account.
        """
        told = [call for call in calls if Setting.ORGANIZATION in dict(call.settings)]
        if self.deployed is None and not told:
            return None
        if self.deployed is not None and self.deployed.is_organization:
            return None
        told += [call for call in calls if call.name == "DeleteTrail"]
        told.sort(key=lambda call: (call.at, not call.is_creation))
        since, was, was_ever = datetime.min.replace(tzinfo=UTC), None, False
        for call in told:
            is_organizations = dict(call.settings).get(Setting.ORGANIZATION)
            if is_organizations is None:  # it was deleted
                was = None if was_ever else was
                continue
            may_have_been = was_ever or (was is None and not call.is_creation)
            if not is_organizations and may_have_been and call.changes(Setting.ORGANIZATION):
                since, was_ever = call.at, True  # it may have been one until then
            was, was_ever = is_organizations, was_ever or is_organizations
        is_doubtful = was_ever and (was is None or self.deployed is None)
        return None if was or is_doubtful else since

    def is_elsewhere(self) -> str:
        """The account that is asking, if it is not the trail's; else ``""``.

        :raises CannotLook: that could not be asked.
        """
        account = self.aws.caller().account
        return account if account != self.trail.account else ""

    def with_left_regions(self, regions: Regions) -> Regions:
        """The regions, and those that the account left in the period: what the trail delivered there must be there.

        https://docs.aws.amazon.com/accounts/latest/reference/API_DisableRegion.html
        """
        if regions.why_not or not regions.optional:
            return regions
        try:
            if elsewhere := self.is_elsewhere():
                why = (
                    f"Which regions account {self.trail.account} has, or left, is not known: account {elsewhere} was "
                    "asked, and the optional regions are each account's own. Ask as the trail's account."
                )
                return replace(regions, why_not=why)
            left = {str(region) for region in self._left_regions()}
        except CannotLook as error:
            why = f"Whether the account left a region, and all files of it were deleted, is not known: {error}"
            return replace(regions, why_not=why)
        return replace(regions, enabled=regions.enabled | (left & regions.existing))

    def _left_regions(self) -> Iterable[object]:
        return (found.get("RegionName") for found in self._requests("DisableRegion"))

    def removed_members(self) -> frozenset[str]:
        """The accounts that the organization removed in the period.

        https://docs.aws.amazon.com/organizations/latest/APIReference/API_RemoveAccountFromOrganization.html

        :raises CannotLook: that could not be asked.
        """
        if self.is_elsewhere():
            return frozenset()
        return frozenset(str(found.get("accountId")) for found in self._requests("RemoveAccountFromOrganization"))

    def _requests(self, name: str) -> Iterable[dict[str, Any]]:
        """What calls of Organizations and Account Management asked for, in the period: one region records both."""
        pages = self.aws.pages(
            "cloudtrail",
            "LookupEvents",
            in_region=region_of_global_service("organizations", self.aws.partition) or self.trail.home_region,
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
            StartTime=max(self.period.start, self.now - _HISTORY_REACHES),
            EndTime=self.now,
        )
        for record in _records(pages):
            parameters = record.get("requestParameters")
            if isinstance(parameters, dict) and not record.get("errorCode"):
                yield parameters

    def _found(self, name: str, first: datetime) -> tuple[list[TrailCall], CannotLook | None]:
        """The calls of one name, and why they are not all."""
        found: list[TrailCall] = []
        try:
            found.extend(self._lookup(name, first))
        except CannotLook as error:
            return found, error
        return found, None

    def _lookup(self, name: str, first: datetime) -> Iterable[TrailCall]:
        pages = self.aws.pages(
            "cloudtrail",
            "LookupEvents",
            in_region=self.trail.home_region,
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
            StartTime=first,
            EndTime=self.now,
        )
        trail = self.trail
        for record in _records(pages):
            call = call_in(record, trail.name, trail.arn, Source.HISTORY, trail.account, trail.home_region)
            if call is not None:
                yield call


def _records(pages: Iterable[Answer]) -> Iterable[dict[str, Any]]:
    """The records in LookupEvents' answers.

    :raises CannotLook: an answer or a record is not CloudTrail's. What is left out of an answer is not known not to be.
    """
    for page in pages:
        try:
            if not isinstance(page["Events"], list):
                raise TypeError("its Events are no list")  # noqa: TRY301 - it is what the answer's other faults raise
            for event in page["Events"]:
                record = json.loads(event["CloudTrailEvent"])
                _check_moment(record["eventTime"])
                yield record
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
            detail = f"{type(error).__name__}: {error}"[:_SHOWN_OF_ERROR]
            raise CannotLook(
                f"cloudtrail:LookupEvents gave an answer that is not AWS's ({detail}). Check --endpoint-url."
            ) from error


def _said(error: object) -> str:
    return error[:_SHOWN_OF_ERROR] if isinstance(error, str) else ""


def _check_moment(text: str) -> None:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not is_plausible(moment):
        raise ValueError(f"its eventTime is {text!r}")


class SavedFacts(Struct, frozen=True):
    """Facts for a copy.

    :param ring: keys of all regions; a fingerprint is unique among them.
    """

    ring: KeyRing
    home_region: str

    def keys(self, region: str) -> KeyRing:  # noqa: ARG002 - the interface's
        """See :class:`Facts`."""
        return self.ring

    def status(self, region: str) -> TrailStatus | NoStatus:  # noqa: ARG002
        """See :class:`Facts`."""
        return NoStatus(_OFFLINE)

    def configuration(self) -> Configuration:
        """See :class:`Facts`."""
        return Configuration(self.home_region, known=Known(why_not=_OFFLINE))


def load_keys(names: str | tuple[str, ...] | None) -> KeyRing:
    """Read what ``aws cloudtrail list-public-keys`` printed, which are one region's keys, or several such files.

    :raises UsageError: a file is not there or is something else.
    """
    if not names:
        return KeyRing(unknown_because="name a file with the public keys (--keys)")
    files = (names,) if isinstance(names, str) else names
    return KeyRing.of(key for name in files for key in _keys_in(Path(name)))


def _keys_in(path: Path) -> list[PublicKey]:
    try:
        with path.open("rb") as file:
            fields = json.loads(file.read(_MAX_KEYS_BYTES))
        return [key_from(entry) for entry in fields["PublicKeyList"]]
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
