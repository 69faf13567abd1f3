"""How a trail was configured, moment by moment, and what each statement about it rests on.

What is known comes from calls (in signed logs and in the event history), from digests (whoever signed one had logging
and validation on) and from what CloudTrail says of the present. The rules:

1. A call tells what holds after it. It tells what held before it in three cases: before CreateTrail there was no such
   trail; before any other call there was one; and a setting that only the answer to an UpdateTrail names, and not its
   request, was then as it was before. StartLogging on a trail that logs is a call like any other, so it does not tell
   that logging was off.
2. What a call began lasts for as long as it is certain that no other call followed: within the time for which the event
   history is complete. Two signed calls around a gap do not tell what happened in the gap: a chain that began and ended
   in it can be deleted whole.
3. Of several calls in one second nobody knows the order: what they disagree about is not known.
4. What nobody tells is not known. It is never "off".

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from itertools import pairwise
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from verify.selectors import parse_selectors, unrecorded
from verify.times import iso

GLOBAL_SERVICE_EVENTS = "events of global services"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_LAST_DIGEST_BEGINS_WITHIN = timedelta(minutes=5)
_SIGNED = "a signed digest shows that logging was on, and no call turned it off"


class Source(StrEnum):
    """Where a statement comes from; the most trustworthy first."""

    SIGNED = "signed logs and digests"
    HISTORY = "the event history"
    TODAY = "what CloudTrail says of the present"


class Setting(Enum):
    """What can be on or off about a trail."""

    EXISTS = "exists"
    LOGGING = "logging"
    VALIDATION = "log file validation"
    ALL_REGIONS = "all regions"
    ORGANIZATION = "organization"


# A bucket and a prefix.
BucketAndPrefix = tuple[str, str]


# That one of these is off today says nothing of before: it may have been turned off in the minutes that the event
# history does not hold yet.
_ENDS_DELIVERY = frozenset({Setting.EXISTS, Setting.ALL_REGIONS})


class DeliveryState(Enum):
    """What a trail delivers in a region."""

    SIGNED = "logs, and digests that sign for them"
    UNSIGNED = "logs that nobody signs for"
    OFF = "nothing"
    UNKNOWN = "not known"


class TrailCall(Struct, frozen=True):
    """A call that configured the trail and succeeded.

    :param at: to the second.
    :param settings: what holds after it.
    :param before: what held right before it.
    :param bucket: with ``prefix``, where files go after it; ``""`` where it does not tell.
    :param relocates: whether it was asked to set where files go.
    :param selects: whether it may have changed which events are recorded.
    :param leaves_out: of a call that sets which management events are recorded, those that are not, in words; ``None``
        for any other call.
    :param address: from where the caller made it, such as ``203.0.113.9`` or ``cloudformation.amazonaws.com``; ``""``
        where its record does not say.
    """

    at: datetime
    name: str
    caller: str
    settings: tuple[tuple[Setting, bool], ...]
    source: Source
    bucket: str = ""
    prefix: str = ""
    relocates: bool = False
    before: tuple[tuple[Setting, bool], ...] = ()
    selects: bool = False
    leaves_out: tuple[str, ...] | None = None
    address: str = ""

    def __str__(self) -> str:
        where = f" from {self.address}" if self.address else ""
        return f"{self.name} by {self.caller}{where} at {iso(self.at)}"

    @property
    def is_creation(self) -> bool:
        """Whether there was no trail of that name before it."""
        return self.name == "CreateTrail"

    def changes(self, setting: Setting) -> bool:
        """Whether it may have changed a setting."""
        value = dict(self.settings).get(setting)
        return value is not None and dict(self.before).get(setting) != value


class Known(Struct, frozen=True):
    """A time for which every call is known: ``start`` to ``end``.

    :param why_not: a clause, for any other time.
    """

    start: datetime | None = None
    end: datetime | None = None
    why_not: str = "the event history was not asked"

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether every call from ``start`` to ``end`` is known."""
        return self.start is not None and self.end is not None and self.start <= start and end <= self.end


class TrailStatus(Struct, frozen=True):
    """What GetTrailStatus says in one region.

    :param latest_digest_delivery: with ``latest_delivery``, of this region; the rest holds for the trail.
    :param delivery_error: why S3 did not take the log file that was delivered last; ``""`` where it did.
    :param digest_delivery_error: the same, of a digest.
    """

    is_logging: bool
    latest_digest_delivery: datetime | None
    started: datetime | None
    stopped: datetime | None
    latest_delivery: datetime | None = None
    delivery_error: str = ""
    digest_delivery_error: str = ""


class NoStatus(Struct, frozen=True):
    """The trail's status is not known; ``why`` is a clause.

    :param was_refused: whether CloudTrail could tell and did not.
    """

    why: str
    was_refused: bool = False


class Today(Struct, frozen=True):
    """What DescribeTrails and GetTrailStatus say at a moment.

    :param settings: without :attr:`Setting.LOGGING`, of which the status tells more.
    :param started: since when it logs, if it does.
    :param stopped: since when it does not, if it does not. Of a trail that logs, the last stop tells nothing: a later
        start that changed nothing may count as its start.
    :param leaves_out: the management events that it does not record, in words.
    :param recording_unknown: a clause that says why these are not known; ``""`` where they are.
    """

    at: datetime
    settings: Mapping[Setting, bool] = field(default_factory=dict)
    started: datetime | None = None
    stopped: datetime | None = None
    never_logged: bool = False
    leaves_out: tuple[str, ...] = ()
    recording_unknown: str = ""


class DeliveryPeriod(Struct, frozen=True):
    """A time in which the trail's delivery in a region was one thing.

    :param call: what began it, if that is known.
    :param why: a clause that says how it is known, or why it is not.
    :param stopped: when delivery was turned off, where it is off and was on before, as far as is known.
    """

    start: datetime
    end: datetime
    delivery: DeliveryState
    why: str
    source: Source
    call: TrailCall | None = None
    stopped: datetime | None = None


class _Fact(Struct, frozen=True):
    """The value of one setting at one moment; ``None`` for unknown."""

    value: bool | None
    why: str
    source: Source
    call: TrailCall | None = None
    stopped: datetime | None = None


class Configuration(Struct, frozen=True):
    """A trail's configuration over time.

    :param calls: in any order, known from anywhere.
    :param known: for which time these are all calls there were.
    :param is_claimed: whether nothing proves ``today``: it can make nothing but a digest "not yet due".
    """

    home_region: str
    calls: tuple[TrailCall, ...] = ()
    known: Known = Known()
    today: Today | None = None
    is_claimed: bool = False

    def is_beyond_history(self, moment: datetime) -> bool:
        """Whether a moment is so late that the event history does not hold it yet, while all before it is known."""
        return self.known.end is not None and moment >= self.known.end

    def signs_today(self, since: datetime) -> bool:
        """Whether CloudTrail says that the trail signs what it delivers today, and has been logging since a moment."""
        today = self.today
        if today is None or not today.settings.get(Setting.VALIDATION):
            return False
        return today.started is not None and today.started <= since

    def is_gone_today(self) -> bool:
        """Whether there is no such trail today."""
        return self.today is not None and self.today.settings.get(Setting.EXISTS) is False

    def never_logged_today(self) -> bool:
        """Whether the trail of today signs, and has never logged: what another of before it did, that one ended."""
        today = self.today
        return today is not None and today.never_logged and bool(today.settings.get(Setting.VALIDATION))

    def is_organizations_today(self) -> bool:
        """Whether it is an organization's trail today, of whose calls nobody's event history holds all."""
        return self.today is not None and bool(self.today.settings.get(Setting.ORGANIZATION))

    def is_one_accounts_unshown_since(self) -> datetime | None:
        """Since when nothing shows that the trail was one account's, as it is today; ``None`` where a call does.

        Where nobody tells how it is today, what a call of the last minutes tells is of these alone.

        An organization's trail may have been given to one account in the last minutes, which the event history does not
        hold yet: then it does not hold either what a delegated administrator did before. All such changes of before it
        holds, for "only the management account for the organization can convert" a trail.
        https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html
        """
        today, known = self.today, self.known
        if today is None or known.start is None or known.end is None:
            return None
        if today.settings.get(Setting.ORGANIZATION):
            return None
        before = [call for call in self.calls if call.at <= known.end]
        if any(Setting.ORGANIZATION in dict(call.settings) for call in before):
            return None
        # Of the trail that was deleted, what shows it says nothing of another one of the same name.
        return max([known.start, *(call.at for call in before if call.name == "DeleteTrail")])

    def without_history(self, why_not: str) -> Configuration:
        """The same, where the calls that are known are not all there were. What the history lacks is as late as before.

        :param why_not: a clause.
        """
        return replace(self, known=replace(self.known, start=self.known.end, why_not=why_not))

    def with_recording(self, leaves_out: tuple[str, ...], unknown: str) -> Configuration:
        """The same, with what is not recorded today: see :class:`Today`."""
        today = self.today and replace(self.today, leaves_out=leaves_out, recording_unknown=unknown)
        return replace(self, today=today)

    def moves(self) -> tuple[tuple[TrailCall, BucketAndPrefix | None], ...]:
        """The calls that may have given the trail another place, the oldest first, each with the place of before it.

        ``None`` where that is not known.
        """
        found: list[tuple[TrailCall, BucketAndPrefix | None]] = []
        place: BucketAndPrefix | None = None
        for call in sorted((call for call in self.calls if call.relocates or call.bucket), key=lambda call: call.at):
            if call.relocates:
                found.append((call, place))
            place = (call.bucket, call.prefix) if call.bucket else None
        return tuple(found)

    def last_places(self) -> frozenset[BucketAndPrefix]:
        """Where the last call that tells a place says that the trail delivers; several where calls of one second do."""
        told = [call for call in self.calls if call.bucket]
        last = max((call.at for call in told), default=None)
        return frozenset((call.bucket, call.prefix) for call in told if call.at == last)

    def left(self, place: BucketAndPrefix) -> datetime | None:
        """When the trail left a place for the last time, by the calls that are known; ``None`` where none tells of it.

        It may have left with a move of which the place before it is not known any place that no call tells of.
        One that is not known may have brought it there again, where not all are known.
        """
        if self.known.start is None:
            return None
        is_told = place in self.places()
        left = [call.at for call, before in self.moves() if before == place or (before is None and not is_told)]
        return max([*left, self.known.start]) if left else None

    def came(self, place: BucketAndPrefix, since: datetime | None = None) -> datetime | None:
        """When the trail came to a place for the first time, by the calls that are known.

        ``None`` where none tells of it, or where the first of them found the trail there.

        :param since: where the last call before that moment that tells a place tells of another one, when it came there
            after that call.
        """
        calls = [call for call in self.calls if call.at > self._was_elsewhere_at(place, since)]
        told = [call for call in calls if (call.bucket, call.prefix) == place]
        first = min((call.at for call in told), default=None)
        if first is None or not all(call.relocates for call in told if call.at == first):
            return None
        # A call that does not tell where it moved the trail may have moved it there.
        return min([first, *(call.at for call in calls if call.relocates and not call.bucket)])

    def _was_elsewhere_at(self, place: BucketAndPrefix, before: datetime | None) -> datetime:
        """The last moment before another one at which calls told of places, if none of these is a certain one."""
        told = [call for call in self.calls if call.bucket and before is not None and call.at < before]
        last = max((call.at for call in told), default=_LONG_AGO)
        is_there = any((call.bucket, call.prefix) == place for call in told if call.at == last)
        return _LONG_AGO if is_there else last

    def place_is_untold_until(self) -> datetime | None:
        """The first move of which nobody knows what it left; ``None`` where calls tell of all the time before.

        What a trail did that was made anew tells nothing of the one before it, so a creation is no exception.
        """
        moves = self.moves()
        return moves[0][0].at if moves and moves[0][1] is None else None

    def left_before(self, moment: datetime) -> frozenset[BucketAndPrefix]:
        """The places that the trail left before a moment, by the calls that are known, and did not return to."""
        told = sorted((call for call in self.calls if call.bucket), key=lambda call: call.at)
        since = {(call.bucket, call.prefix) for call in told if call.at >= moment}
        before = [(call.bucket, call.prefix) for call in told if call.at < moment]
        return frozenset({*before[:-1]} - {*before[-1:]} - since)

    def places(self) -> frozenset[BucketAndPrefix]:
        """Where the trail is known to have delivered."""
        return frozenset((call.bucket, call.prefix) for call in self.calls if call.bucket)

    def settled_since(self, due_after: timedelta, is_known: Callable[[BucketAndPrefix], bool]) -> datetime | None:
        """Since when the trail delivered nowhere but to known places; ``None`` when that is not known.

        Where a digest goes whose time began before a move is documented nowhere; before a creation began none.

        :param due_after: how long after its start the digest of a time is due.
        """
        if self.known.start is None:
            return None
        unknown = [(call, place) for call, place in self.moves() if place is None or not is_known(place)]
        return max([self.known.start, *(call.at if call.is_creation else call.at + due_after for call, _ in unknown)])

    def between(
        self, region: str, start: datetime, end: datetime, signed_at: datetime | None = None
    ) -> tuple[DeliveryPeriod, ...]:
        """What the trail delivered in a region, oldest first and without a gap.

        :param signed_at: a moment at which a proven digest shows that logging and validation were on.
        """
        if start >= end:
            return ()
        moments = {start, end, *(call.at for call in self.calls), *self._edges()}
        if signed_at is not None:
            moments.add(signed_at)
        edges = sorted(moment for moment in moments if start <= moment <= end)
        found: list[DeliveryPeriod] = []
        for first, last in pairwise(edges):
            part = self._part(region, first, last, signed_at)
            before = found[-1] if found else None
            if before and (before.delivery, before.why, before.call) == (part.delivery, part.why, part.call):
                part = replace(part, start=before.start)
                found.pop()
            found.append(part)
        return tuple(found)

    def was_ever(self, setting: Setting, start: datetime, end: datetime) -> bool | None:
        """Whether a setting was on at some moment from ``start`` to ``end``; ``None`` when that is not known."""
        moments = {start, *(call.at for call in self.calls), *self._edges()}
        values = {self._value(setting, moment) for moment in moments if start <= moment < max(end, start)}
        values = values or {self._value(setting, start)}
        if True in values:
            return True
        return None if None in values else False

    def _value(self, setting: Setting, moment: datetime) -> bool | None:
        """A setting at a moment; of a trail that is not there, nothing is on."""
        if self._fact(Setting.EXISTS, moment, None).value is False:
            return False
        value = self._fact(setting, moment, None).value
        # Of a trail that nobody touches for years, nobody knows that it was not changed in the last minutes: for which
        # accounts and regions there are, that has to be enough.
        return value if value is not None else self._unchanged(setting, moment, moment)

    def _edges(self) -> Iterable[datetime]:
        found = [self.known.start, self.known.end]
        if self.today is not None:
            found += [self.today.started, self.today.stopped]
        return filter(None, found)

    def _part(self, region: str, start: datetime, end: datetime, signed_at: datetime | None) -> DeliveryPeriod:
        """The time between two neighbouring edges: nothing changes in between that anybody knows of."""
        asked = [Setting.EXISTS, Setting.LOGGING]
        if region != self.home_region:
            asked.append(Setting.ALL_REGIONS)
        facts = {setting: self._fact_over(setting, start, end, signed_at) for setting in [*asked, Setting.VALIDATION]}
        if off := [facts[setting] for setting in asked if facts[setting].value is False]:
            fact = off[0]
            if fact.stopped is not None:  # what was off already did not end with a later stop
                fact = min((one for one in off if one.stopped is not None), key=lambda one: one.stopped or end)
            return DeliveryPeriod(start, end, DeliveryState.OFF, fact.why, fact.source, fact.call, fact.stopped)
        for setting in asked:
            fact = facts[setting]
            if fact.value is None:
                return DeliveryPeriod(start, end, DeliveryState.UNKNOWN, fact.why, fact.source)
        validation = facts[Setting.VALIDATION]
        if validation.value is None:
            return DeliveryPeriod(start, end, DeliveryState.UNKNOWN, validation.why, validation.source)
        delivery = DeliveryState.SIGNED if validation.value else DeliveryState.UNSIGNED
        fact = facts[Setting.LOGGING] if validation.value else validation
        return DeliveryPeriod(start, end, delivery, fact.why, fact.source, fact.call)

    def _fact_over(self, setting: Setting, start: datetime, end: datetime, signed_at: datetime | None) -> _Fact:
        """A setting from ``start`` to ``end``, between which no call is known: it must be known at both."""
        fact = self._fact(setting, start, signed_at, until=end)
        if fact.value is None and setting is Setting.EXISTS:
            # A trail that logs is there.
            logging = self._fact(Setting.LOGGING, start, signed_at, until=end)
            return logging if logging.value else fact
        if fact.value is None and setting is Setting.LOGGING:
            exists = self._fact(Setting.EXISTS, start, signed_at, until=end)
            return exists if exists.value is False else fact
        return fact

    def _fact(
        self, setting: Setting, moment: datetime, signed_at: datetime | None, until: datetime | None = None
    ) -> _Fact:
        until = until or moment
        by_call = self._by_call(setting, moment, signed_at, until)
        if by_call is not None and by_call.value is not None:
            return by_call
        return (
            self._by_status(setting, moment, until)
            or self._by_what_came_after(setting, moment, until)
            or by_call
            or _Fact(None, self.known.why_not, Source.HISTORY)
        )

    def _by_call(self, setting: Setting, moment: datetime, signed_at: datetime | None, until: datetime) -> _Fact | None:
        """By the last call, or digest, before the moment, if no other can have followed."""
        before = [call for call in self.calls if call.at <= moment and setting in dict(call.settings)]
        last = max((call.at for call in before), default=None)
        if signed_at is not None and last is not None and last <= signed_at < last + _LAST_DIGEST_BEGINS_WITHIN:
            # The last digest of a short time of logging may begin after the stop.
            signed_at = None
        if signed_at is not None and signed_at <= moment and (last is None or last < signed_at):
            if setting is Setting.ORGANIZATION or not self.known.covers(signed_at, until):
                return None
            return _Fact(value=True, why=_SIGNED, source=Source.SIGNED)
        if last is None or not self.known.covers(last, until):
            return None
        latest = [call for call in before if call.at == last]
        values = {dict(call.settings)[setting] for call in latest}
        if len(values) > 1:
            names = " and ".join(sorted(str(call) for call in latest))
            return _Fact(None, f"which came first in one second is not recorded: {names}", Source.HISTORY)
        value, call = values.pop(), latest[0]
        # What a trail that is deleted delivered ended when it was stopped, if it was before.
        stopped = None if value else self._ended(Setting.LOGGING if setting is Setting.EXISTS else setting, call)
        return _Fact(value, str(call), call.source, call, stopped)

    def _ended(self, setting: Setting, last: TrailCall) -> datetime | None:
        """When what a call turned off ended: a call of before it may have turned it off, and it changed nothing then.

        ``None`` when it never was on.
        """
        ended: TrailCall | None = last if last.changes(setting) else None
        earlier = sorted((call for call in self.calls if call.at < last.at), key=lambda call: call.at, reverse=True)
        for call in earlier:
            value = dict(call.settings).get(setting)
            if value is None:
                continue
            if value or not self.known.covers(call.at, last.at):
                break
            ended = call if call.changes(setting) else None
        return None if ended is None or ended.is_creation else ended.at

    def _by_status(self, setting: Setting, moment: datetime, until: datetime) -> _Fact | None:
        """By GetTrailStatus: since when it logs or does not."""
        today = self.today
        if today is None or setting not in (Setting.LOGGING, Setting.EXISTS) or until > today.at:
            return None
        if today.started is not None and today.started <= moment:
            why = f"GetTrailStatus says that logging has been on since {iso(today.started)}"
            return _Fact(value=True, why=why, source=Source.TODAY)
        if setting is Setting.LOGGING and today.stopped is not None and today.stopped <= moment:
            why = f"GetTrailStatus says that logging was stopped last at {iso(today.stopped)}"
            return _Fact(
                value=False, why=why, source=Source.TODAY, call=self._stop_at(today.stopped), stopped=today.stopped
            )
        return None

    def _stop_at(self, moment: datetime) -> TrailCall | None:
        """The call that the status tells of, so that its caller can be named."""
        around = [call for call in self.calls if (Setting.LOGGING, False) in call.settings]
        near = [call for call in around if abs((call.at - moment).total_seconds()) <= 1]
        return near[0] if near else None

    def _by_what_came_after(self, setting: Setting, moment: datetime, until: datetime) -> _Fact | None:
        """By the next call, where it tells what was before it, or by the present, where nothing changed since."""
        if telling := self._telling(setting, moment):
            at = min(call.at for call in telling)
            return self._before([call for call in telling if call.at == at], setting, moment)
        value = self._unchanged(setting, moment, until)
        if value is None or (not value and setting in _ENDS_DELIVERY):
            return None
        return _Fact(value, "it is so today, and no call changed it", Source.TODAY)

    def _unchanged(self, setting: Setting, moment: datetime, until: datetime) -> bool | None:
        """What is so today, if no call that the history holds changed it since a moment.

        A call of the last minutes, which it does not hold yet, may have.
        """
        today, known = self.today, self.known
        if today is None or setting is Setting.LOGGING or known.end is None:
            return None
        if not known.covers(moment, max(known.end, until)) or self._telling(setting, moment):
            return None
        return today.settings.get(setting)

    def _telling(self, setting: Setting, moment: datetime) -> list[TrailCall]:
        """The calls after a moment that tell of a setting, after them or before."""
        told = (call for call in self.calls if call.at > moment)
        return [call for call in told if setting in {**dict(call.settings), **dict(call.before)}]

    def _before(self, calls: list[TrailCall], setting: Setting, moment: datetime) -> _Fact | None:
        """What calls of one second tell of the time before them, back to a moment."""
        if not self.known.covers(moment, calls[0].at):
            return None
        created = next((call for call in calls if call.is_creation), None)
        if created is None:
            values = {dict(call.before).get(setting) for call in calls}
            value = values.pop() if len(values) == 1 else None
            return None if value is None else _Fact(value, f"{calls[0]} did not change it", calls[0].source)
        if setting not in dict(created.before) or any(call.name == "DeleteTrail" for call in calls):
            return None
        why = f"there was no such trail before {created}"
        return _Fact(value=False, why=why, source=created.source, call=created)


def call_in(
    record: str | Mapping[str, Any], trail_name: str, trail_arn: str, source: Source, account: str, region: str
) -> TrailCall | None:
    """The call on the trail that a CloudTrail record tells of; ``None`` if it tells of none, or of one that failed.

    A trail of the same name may live in any region and account: where the record gives the name only, it must have been
    made in the trail's.

    :param record: one record of a log file, or its JSON text.
    :param account: whose log or history the record is from.
    :param region: of which region.
    """
    try:
        event = json.loads(record) if isinstance(record, str) else record
        name, parameters = event["eventName"], event.get("requestParameters") or {}
        if event.get("errorCode") or event.get("eventSource") != "cloudtrail.amazonaws.com":
            return None
        settings, told = _settings(name, parameters, event.get("responseElements") or {})
        if not settings or not _is_on(trail_name, trail_arn, event, account, region):
            return None
        caller = (event.get("userIdentity") or {}).get("arn", "an unnamed caller")
        at = datetime.fromisoformat(event["eventTime"])
        if at.tzinfo is None:
            return None
        place = event.get("responseElements") or parameters
        relocates = name == "CreateTrail" or "s3BucketName" in parameters or "s3KeyPrefix" in parameters
        where = str(place.get("s3BucketName") or ""), str(place.get("s3KeyPrefix") or ""), relocates
        selects = name == "PutEventSelectors" or parameters.get("includeGlobalServiceEvents") is False
        leaves_out = _left_out(str(name), parameters)
        address = str(event.get("sourceIPAddress") or "")
        return TrailCall(
            at.astimezone(UTC), str(name), str(caller), settings, source, *where, told, selects, leaves_out, address
        )
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, OverflowError):
        return None


def _is_on(trail_name: str, trail_arn: str, event: Mapping[str, Any], account: str, region: str) -> bool:
    parameters = event["requestParameters"]
    asked = parameters.get("name") or parameters.get("trailName")
    if trail_arn and asked == trail_arn:
        return True
    if asked != trail_name:
        return False
    _, _, _, home, owner, *_ = f"{trail_arn}:::::".split(":")
    made_by, made_in = event.get("recipientAccountId") or account, event.get("awsRegion") or region
    return (not home or made_in == home) and (not owner or made_by == owner)


def _left_out(name: str, parameters: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The management events that are not recorded after a call that sets which are."""
    around = parameters.get("includeGlobalServiceEvents")
    if name == "CreateTrail" or (name == "UpdateTrail" and around is not None):
        return (GLOBAL_SERVICE_EVENTS,) if around is False else ()
    if name != "PutEventSelectors":
        return None
    try:
        return unrecorded(parse_selectors(_as_an_answer(parameters)))
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError):
        return ("events that its record does not tell",)


def _as_an_answer(value: Any) -> Any:
    """What a record holds, with its members named as in an answer: ``eventSelectors`` is ``EventSelectors`` there."""
    if isinstance(value, dict):
        return {f"{name[:1].upper()}{name[1:]}": _as_an_answer(member) for name, member in value.items()}
    return [_as_an_answer(member) for member in value] if isinstance(value, list) else value


_EFFECTS = {
    "StartLogging": {Setting.EXISTS: True, Setting.LOGGING: True},
    "StopLogging": {Setting.EXISTS: True, Setting.LOGGING: False},
    "DeleteTrail": {Setting.EXISTS: False, Setting.LOGGING: False},
    "CreateTrail": {
        Setting.EXISTS: True,
        Setting.LOGGING: False,
        Setting.VALIDATION: False,
        Setting.ALL_REGIONS: False,
        Setting.ORGANIZATION: False,
    },
    "UpdateTrail": {Setting.EXISTS: True},
    "PutEventSelectors": {Setting.EXISTS: True},
}
CALLS = tuple(_EFFECTS)
# The request and the answer name one of them differently.
_MEMBERS = {
    "enableLogFileValidation": Setting.VALIDATION,
    "logFileValidationEnabled": Setting.VALIDATION,
    "isMultiRegionTrail": Setting.ALL_REGIONS,
    "isOrganizationTrail": Setting.ORGANIZATION,
}


_Settings = tuple[tuple[Setting, bool], ...]


def _settings(name: str, parameters: Mapping[str, Any], answer: Mapping[str, Any]) -> tuple[_Settings, _Settings]:
    """What holds after a call, and what held before it."""
    after = dict(_EFFECTS.get(name, {}))
    if not after:
        return (), ()
    is_new = name == "CreateTrail"
    before = {Setting.EXISTS: not is_new}
    if is_new:
        before[Setting.LOGGING] = False
    if name in ("CreateTrail", "UpdateTrail"):
        asked, answered = _members(parameters), _members(answer)
        after |= answered | asked
        before |= {} if is_new else {setting: value for setting, value in answered.items() if setting not in asked}
    return _in_order(after), _in_order(before)


def _members(given: Mapping[str, Any]) -> dict[Setting, bool]:
    return {setting: value for member, setting in _MEMBERS.items() if isinstance(value := given.get(member), bool)}


def _in_order(settings: Mapping[Setting, bool]) -> _Settings:
    return tuple(sorted(settings.items(), key=lambda item: item[0].value))
