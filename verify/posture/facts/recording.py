"""Questions to CloudTrail about what the trail records and delivers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from verify.aws import Answer, Aws
from verify.errors import CannotLook
from verify.fact import Denied, Fact, Failed, Missing, T, Value, ask
from verify.posture.facts.trail import IN_NO_ORGANIZATION, Event, OtherTrail, TrailStatus
from verify.selectors import Selectors, includes_management_event, parse_selectors
from verify.target import Target
from verify.trail import Trail

# CloudTrail delivers within about five minutes on average, and promises no time.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
DELIVERY_LATE_AFTER = timedelta(hours=2)
# A digest is delivered every hour, also for an hour without an event.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html
DIGEST_LATE_AFTER = timedelta(hours=3)
# Digests may have been turned on long after logging began. After a day they have had their time.
DIGESTS_SURE_AFTER = timedelta(hours=24)
_HISTORY_REACHES = timedelta(days=90)
# The event history has an event for some minutes before the log file with it is delivered, and the other way round.
_ORDER_MAY_DIFFER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class RecordingQuestions:
    """Each trail is asked about by its ARN and at home: a shadow trail in another region has no status of its own.

    :param account: the account that asks.
    """

    aws: Aws
    account: Fact[str]

    def status(self, trail: Trail) -> Fact[TrailStatus]:
        """Whether the trail is logging, and its latest deliveries."""

        def status() -> TrailStatus:
            answer = self.aws.call("cloudtrail", "GetTrailStatus", in_region=trail.home_region, Name=trail.arn)
            return TrailStatus(
                is_logging=answer["IsLogging"],
                delivery_error=answer.get("LatestDeliveryError") or None,
                digest_delivery_error=answer.get("LatestDigestDeliveryError") or None,
                logging_since=_utc(answer.get("StartLoggingTime")),
                last_delivery=_utc(answer.get("LatestDeliveryTime")),
                last_digest=_utc(answer.get("LatestDigestDeliveryTime")),
                log_group_error=answer.get("LatestCloudWatchLogsDeliveryError") or None,
            )

        return self._of_owner(trail, ask(status, absent=_absent(trail)))

    def selectors(self, trail: Trail) -> Fact[Selectors]:
        """The trail's event selectors."""
        return self._of_owner(
            trail,
            ask(
                lambda: parse_selectors(
                    self.aws.call("cloudtrail", "GetEventSelectors", in_region=trail.home_region, TrailName=trail.arn)
                ),
                absent=_absent(trail),
            ),
        )

    def missed_event(
        self, trail: Trail, status: Fact[TrailStatus], selectors: Fact[Selectors], asked_at: datetime
    ) -> Fact[Event | None]:
        """The newest event of the last day that the trail records and that no delivery can have had in it.

        https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
        """
        if not isinstance(status, Value) or not isinstance(selectors, Value):
            return Missing("not asked: the trail's status or selectors are not known")
        times = [time for time in (status.value.last_delivery, status.value.logging_since) if time is not None]
        end = asked_at - DELIVERY_LATE_AFTER
        start = max([*(time + _ORDER_MAY_DIFFER for time in times), asked_at - timedelta(days=1)])
        if not status.value.is_logging or start >= end:
            return Value(None)

        def newest() -> Event | None:
            answer = self.aws.call(
                "cloudtrail", "LookupEvents", in_region=trail.home_region, StartTime=start, EndTime=end, MaxResults=50
            )
            event = next(_recorded(answer["Events"], selectors.value), None)
            if event is None and answer.get("NextToken"):
                raise CannotLook(
                    "the event history has more than one page, and the trail records nothing of the newest"
                )
            return event

        return ask(newest)

    def validation_turned_on(
        self, trail: Trail, status: Fact[TrailStatus], asked_at: datetime
    ) -> Fact[datetime | None]:
        """When log file validation, which was off since the last digest, was turned on, so lately that no digest is
        due; ``None`` for not. Not asked where digests come.

        https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html
        """
        last = status.value.last_digest if isinstance(status, Value) and status.value.is_logging else None
        if not trail.validates_log_files or last is None or asked_at - last <= DIGEST_LATE_AFTER:
            return Missing("not asked: no digest is late")
        owner = trail.account
        if self.account != Value(owner):
            return Failed(f"the trail is of account {owner}, whose event history is not read")

        def turned_on() -> datetime | None:
            # The last digest is of before, where it was turned off.
            first = max(last - DIGEST_LATE_AFTER, asked_at - _HISTORY_REACHES)
            calls = self._changes("UpdateTrail", "name", trail.name, region=trail.home_region, since=first)
            sets = [(at, parameters.get("enableLogFileValidation")) for at, parameters in calls]
            on = max((at for at, is_on in sets if is_on is True), default=None)
            may_have_been_off = first > last - DIGEST_LATE_AFTER or any(is_on is False for _, is_on in sets)
            return on if on and asked_at - on <= DIGEST_LATE_AFTER and may_have_been_off else None

        return ask(turned_on)

    def last_change(
        self, operation: str, parameter: str, name: str, *, region: str, since: datetime
    ) -> Fact[datetime | None]:
        """When a call last changed something since a moment, as far as the event history tells; ``None`` for not.

        :param parameter: of the call, which says what it changed.
        :param name: what it says then, or the end of an ARN in it.
        """
        changes = self._changes(operation, parameter, name, region=region, since=since)
        return ask(lambda: next((at for at, _ in changes), None))

    def _changes(
        self, operation: str, parameter: str, name: str, *, region: str, since: datetime
    ) -> Iterator[tuple[datetime, Answer]]:
        """The calls of :meth:`last_change`, the newest first, each with its parameters."""
        wanted = {"AttributeKey": "EventName", "AttributeValue": operation}
        pages = self.aws.pages(
            "cloudtrail", "LookupEvents", in_region=region, LookupAttributes=[wanted], StartTime=since
        )
        for event in (event for page in pages for event in page["Events"]):
            record = json.loads(event["CloudTrailEvent"])
            parameters = record["requestParameters"] or {}
            # One that does not say about what may be about this.
            if "errorCode" not in record and str(parameters.get(parameter, name)).rpartition("/")[2] == name:
                yield event["EventTime"].astimezone(UTC), parameters

    def other_trails(self, target: Target) -> Fact[tuple[OtherTrail, ...]]:
        """The other trails that log in the home region, as far as this account may see them."""
        if not isinstance(target.trail, Value):
            return target.trail
        own = target.trail.value
        if not isinstance(target.trails, Value):
            return target.trails
        found = []
        for trail in target.trails.value:
            if trail.arn == own.arn:
                continue
            status, selectors = self.status(trail), self.selectors(trail)
            if isinstance(status, Missing) or isinstance(selectors, Missing):
                continue  # deleted in between
            if not isinstance(status, Value):
                return status
            if not isinstance(selectors, Value):
                return selectors
            if status.value.is_logging:
                found.append(OtherTrail(trail.name, bool(selectors.value.management), trail.arn, trail.bucket))
        return Value(tuple(found))

    def organization_id(self) -> Fact[str]:
        """The id of the account's organization, such as ``o-a1b2c3d4e5``.

        https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
        """
        return ask(
            lambda: str(self.aws.call("organizations", "DescribeOrganization")["Organization"]["Id"]),
            absent={"AWSOrganizationsNotInUseException": IN_NO_ORGANIZATION.why},
        )

    def _of_owner(self, trail: Trail, fact: Fact[T]) -> Fact[T]:
        """To a member account CloudTrail says that its organization's trail is not there, or not for it to see.

        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html
        """
        owner = trail.account
        if isinstance(fact, Value | Denied) or self.account == Value(owner):
            return fact
        return Failed(f"the trail is of account {owner}, which alone can be told about it: {fact}. Check it from there")


def _recorded(events: list[Answer], selectors: Selectors) -> Iterator[Event]:
    """Those that the selectors include."""
    for event in events:
        kind = "read" if event.get("ReadOnly") == "true" else "write"
        if includes_management_event(selectors, kind=kind, source=event["EventSource"]):
            yield Event(event["EventName"], event["EventSource"], event["EventTime"].astimezone(UTC))


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _absent(trail: Trail) -> dict[str, str]:
    return {"TrailNotFoundException": f"there is no trail {trail.name}"}
