"""What a time without a digest was: logging was off, its digest is not due, was removed, or nobody knows.

CloudTrail delivers a digest for every hour, one more after StopLogging that still covers that call, and starts a new
chain after StartLogging. It signs for nothing that was delivered while log file validation was off.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html

Only a stop that is proven (:mod:`verify.integrity.timeline.configuration`) makes a time "not logged". It is "missing"
only if a status or a later chain tells that its digests were delivered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import dropwhile

from msgspec import Struct
from msgspec.structs import replace

from verify.integrity.timeline.configuration import Configuration, DeliveryPeriod, DeliveryState, Setting
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import BAD, VALIDATION_OFF, Evidence, JudgedPeriod, Verdict
from verify.storage.layout import LOG_NAME_TELLS
from verify.times import iso

HOUR = timedelta(hours=1)
_ALWAYS = datetime.min.replace(tzinfo=UTC)
# A digest is delivered within an hour of the hour that it covers.
DUE_AFTER_INTERVALS = 2
# How long after a start the first digest begins: the digest that covers a stop never ends before it.
_SAME_MOMENT = timedelta(minutes=1)
# "CloudTrail typically delivers logs within an average of about 5 minutes of an API call. This time is not guaranteed."
DELIVERED_AFTER = timedelta(minutes=15)
# Whether a trail that is on for so short a time makes a digest of its own is documented nowhere.
_TOO_SHORT_FOR_A_DIGEST = timedelta(minutes=5)
_ASK_CLOUDTRAIL = (
    "Whoever may call cloudtrail:LookupEvents in the trail's home region and account, within 90 days of that time, can "
    "settle it."
)


class GapContext(Struct, frozen=True):
    """Where and when a chain is looked at.

    :param is_always_enabled: the region is one that no account can leave, and the account the trail's own, so that
        nothing but the trail's configuration can end a chain and begin another.
    :param now: by the service's clock.
    :param interval: how often digests come.
    :param settled_since: since when the trail delivered nowhere but to places that were looked at; ``None`` when that
        is not known.
    """

    region: str
    configuration: Configuration
    is_always_enabled: bool
    now: datetime
    interval: timedelta = HOUR
    settled_since: datetime | None = _ALWAYS

    @property
    def due_after(self) -> timedelta:
        """How long after its start the digest of a time is due."""
        return DUE_AFTER_INTERVALS * self.interval


class LatestDelivery(Struct, frozen=True):
    """What CloudTrail's GetTrailStatus says of the latest digest of the region, held against what is there.

    :param at: when it was delivered; ``None`` when none ever was, or when that is not known.
    :param is_known: whether CloudTrail was asked and answered.
    :param is_here: whether a digest of that moment is there; ``None`` when that cannot be told.
    :param may_be_elsewhere: whether that is so as it is not there, and nobody knows where the trail delivered then.
    :param why_not: a clause, when it is not known.
    :param was_refused: whether CloudTrail could have told.
    """

    at: datetime | None = None
    is_known: bool = True
    is_here: bool | None = None
    may_be_elsewhere: bool = False
    why_not: str = ""
    was_refused: bool = False

    @property
    def is_newest_here(self) -> bool:
        """Whether no digest was delivered that is newer than those that are there."""
        return self.is_known and (self.at is None or self.is_here is True)


def restart(context: GapContext, older: Period | None, newer: Period, since: datetime) -> tuple[JudgedPeriod, ...]:
    """What lies before a starting digest, the newest first.

    :param older: what the proven digest before the gap covers. Default: - there is none from ``since`` on.
    :param newer: what the starting digest covers.
    :param since: where the gap starts.
    """
    older_end, signed_at = (older.end, older.start) if older else (None, None)
    found: list[JudgedPeriod] = []
    # A period may begin in the very moment between a start and its first digest.
    begin = since if older else since - 2 * _SAME_MOMENT
    for whole in _between(context, begin, newer.start, signed_at, is_before_digest=True):
        part = replace(whole, start=max(whole.start, since))
        if part.start >= part.end:
            continue
        if part.delivery is DeliveryState.SIGNED:
            found += _lacking(context, part, is_last=part.end == newer.start)
        else:
            found += _without_digest(part, older_end)
    return tuple(reversed(found))


def _lacking(context: GapContext, part: DeliveryPeriod, *, is_last: bool) -> Iterator[JudgedPeriod]:
    """A time for which digests should be there."""
    start, end = part.start, part.end
    length = end - start
    if length <= (_SAME_MOMENT if is_last else _TOO_SHORT_FOR_A_DIGEST):
        reason = f"logging was on for {length.total_seconds():.0f} seconds, and no digest tells what was delivered then"
        yield JudgedPeriod(start, end, Verdict.UNPROVEN, reason)
        return
    if not context.is_always_enabled:
        reason = "a new chain starts after it; whether the account and region were CloudTrail's to deliver is not known"
        yield JudgedPeriod(start, end, Verdict.UNPROVEN, reason)
        return
    settled = min(max(start, context.settled_since or end), end)
    if start < settled:
        reason = "the trail may have delivered to another bucket or prefix then, which was not looked at"
        yield JudgedPeriod(start, settled, Verdict.UNPROVEN, reason)
    if settled < end:
        reason = f"logging was on ({part.why}), and the digests of that time are gone"
        yield JudgedPeriod(settled, end, Verdict.MISSING, reason)


def linked(context: GapContext, older: Period, newer: Period) -> tuple[JudgedPeriod, ...]:
    """What lies between two digests that are chained to each other, the newest first."""
    found: list[JudgedPeriod] = []
    for part in _between(context, older.end, newer.start, older.start, is_before_digest=True):
        if part.delivery is DeliveryState.SIGNED:
            reason = "the chain goes on after it, but CloudTrail signed no digest for it"
            found.append(JudgedPeriod(part.start, part.end, Verdict.UNPROVEN, reason))
        else:
            found += _without_digest(part, older.end)
    return tuple(reversed(found))


def broken(context: GapContext, start: datetime, end: datetime, cause: Verdict) -> tuple[JudgedPeriod, ...]:
    """What lies where a digest is not proven, the newest first.

    :param cause: the verdict on that digest.
    """
    found: list[JudgedPeriod] = []
    for part in _between(context, start, end, None):
        if part.delivery is DeliveryState.OFF:
            found += _without_digest(part, None)
        else:
            found.append(_unbelieved(part.start, part.end, cause))
    return tuple(reversed(found))


def _unbelieved(start: datetime, end: datetime, cause: Verdict) -> JudgedPeriod:
    if cause is Verdict.MISSING:
        return JudgedPeriod(start, end, cause, "its digests are gone")
    if cause in BAD:
        return JudgedPeriod(start, end, cause, "its digest is not to be believed")
    return JudgedPeriod(start, end, Verdict.UNPROVEN, "its digest could not be read or checked")


def tail(
    context: GapContext,
    newest_end: datetime | None,
    signed_at: datetime | None,
    latest: LatestDelivery,
    period: Period,
) -> tuple[JudgedPeriod, ...]:
    """What lies between the newest digest and the end of the period, the newest first.

    :param newest_end: where that digest ends. Default: - there is none at all.
    :param signed_at: a moment that it covers, if it is proven.
    """
    start = max(newest_end, period.start) if newest_end else period.start
    end = min(period.end, context.now)
    if start >= end:
        return ()
    if latest.at is not None and latest.is_here is False and latest.at > start:
        older_end = newest_end if signed_at else None
        return _missing_at_end(context, Period(start, end), signed_at, older_end, latest, period.end)
    found: list[JudgedPeriod] = []
    parts = (cut for part in _between(context, start, end, signed_at) for cut in _cut_at_start(context, part))
    for part in parts:
        for judged in _at_end(context, part, latest, newest_end if signed_at else None):
            if found and found[-1].verdict is judged.verdict is Verdict.NOT_DUE:
                found[-1] = replace(found[-1], end=judged.end)
            else:
                found.append(judged)
    if found:
        found[-1] = replace(found[-1], end=period.end)
    return tuple(reversed(found))


def _cut_at_start(context: GapContext, part: DeliveryPeriod) -> Iterator[DeliveryPeriod]:
    """A time of which nothing is known, cut where CloudTrail says that logging was switched on: a digest of the time
    since may come, however much is asked of before.
    """
    today = context.configuration.today
    started = today.started if today and part.delivery is DeliveryState.UNKNOWN else None
    if started is None or not part.start < started < part.end:
        yield part
        return
    yield replace(part, end=started)
    yield replace(part, start=started)


def _missing_at_end(
    context: GapContext,
    period: Period,
    signed_at: datetime | None,
    older_end: datetime | None,
    latest: LatestDelivery,
    end: datetime,
) -> tuple[JudgedPeriod, ...]:
    delivered = latest.at or period.start
    reason = f"CloudTrail delivered a digest at {iso(delivered)}, and it is not there"
    found: list[JudgedPeriod] = []
    for part in _between(context, period.start, period.end, signed_at):
        if part.delivery is DeliveryState.OFF and (part.stopped is None or part.stopped <= part.start):
            found += _after_stop(context, part, latest, older_end)
        else:
            found.append(JudgedPeriod(part.start, part.end, Verdict.MISSING, reason))
    was_on_later = any(
        part.delivery is not DeliveryState.OFF
        for part in context.configuration.between(context.region, period.end, max(delivered, period.end))
    )
    if found and not was_on_later and all(judged.verdict is not Verdict.MISSING for judged in found):
        # Of a session that ended before, or of one of less than the calls' second, and signed for all the same.
        place = _place_of(found, delivered)
        found[place] = replace(found[place], verdict=Verdict.MISSING, reason=reason)
    if found:
        found[-1] = replace(found[-1], end=end)
    return tuple(reversed(found))


def _place_of(found: list[JudgedPeriod], delivered: datetime) -> int:
    """Where in these periods a digest is missing that was delivered then: the last before it of which not everything is
    known, and else the last before it.
    """
    before = [number for number, judged in enumerate(found) if judged.start < delivered]
    unknown = [number for number in before if found[number].verdict is Verdict.UNPROVEN]
    return next(iter([*reversed(unknown), *reversed(before)]), len(found) - 1)


def unsigned_times(configuration: Configuration, region: str, period: Period) -> tuple[Period, ...]:
    """The times in which a trail is known to have delivered log files to a region that nobody signs for, oldest first.

    A file's name tells the minute, and what was recorded before a stop comes after it. Of the last minutes, which the
    event history does not hold yet, what was so before them and is so today has to be enough.
    """
    parts = configuration.between(region, period.start, period.end)
    today, found = configuration.today, list[Period]()
    for number, part in enumerate(parts):
        if part.delivery is not DeliveryState.UNSIGNED:
            continue
        end, after = part.end, parts[number + 1].delivery if number + 1 < len(parts) else None
        if after is DeliveryState.OFF:
            end += DELIVERED_AFTER
        elif part.end == configuration.known.end and today and today.settings.get(Setting.VALIDATION) is False:
            end = period.end
        found.append(Period(part.start - LOG_NAME_TELLS, end))
    return tuple(found)


def may_come(context: GapContext, start: datetime, end: datetime, signed_at: datetime | None) -> bool:
    """Whether there is a ground to expect that a digest of all of a time comes still."""
    parts = context.configuration.between(context.region, start, end, signed_at)
    open_ones = [part for part in parts if not is_over(part)]
    return bool(open_ones) and all(
        _may_come(context, part) or _may_come_of_the_end(context, part) for part in open_ones
    )


def is_over(part: DeliveryPeriod) -> bool:
    """Whether delivery is off, and what was recorded before that has come."""
    quiet = quiet_from(part)
    return quiet is not None and quiet <= part.start


def quiet_from(part: DeliveryPeriod) -> datetime | None:
    """From when on nothing comes any more, where delivery is off."""
    if part.delivery is not DeliveryState.OFF:
        return None
    return part.start if part.stopped is None else max(part.start, part.stopped + DELIVERED_AFTER)


def _may_come_of_the_end(context: GapContext, part: DeliveryPeriod) -> bool:
    """Whether logging was off, and the digest of its end, if it had one, may come still."""
    return part.delivery is DeliveryState.OFF and (
        part.stopped is None or context.now < part.stopped + context.due_after
    )


def _may_come(context: GapContext, part: DeliveryPeriod) -> bool:
    """Whether a digest of a time may come still: "not yet due" is a good answer, and so needs a ground.

    What happened in the last minutes is in no event history yet, and of an organization's trail no history holds all:
    there, that the trail signs today and has logged since before is ground enough. Of a trail that is gone, or that
    never logged since it was made, what was delivered in these minutes ended in them, and its last digest is to come.
    """
    configuration = context.configuration
    if part.delivery is DeliveryState.SIGNED:
        return True
    if part.delivery is not DeliveryState.UNKNOWN:
        return False
    is_late = configuration.is_beyond_history(part.start)
    if is_late and (configuration.is_gone_today() or configuration.never_logged_today()):
        return True
    return configuration.signs_today(part.start) and (
        is_late or configuration.is_organizations_today() or configuration.is_claimed
    )


def _at_end(
    context: GapContext, part: DeliveryPeriod, latest: LatestDelivery, older_end: datetime | None
) -> Iterator[JudgedPeriod]:
    """A time after the newest digest: what is younger than a digest may take is not due, if one may come."""
    may_come = _may_come(context, part) and not (_is_short(context, part) and _is_superseded(context, part, latest))
    is_doubtful = latest.was_refused or (latest.at is not None and latest.is_here is None)
    young = part.end
    if may_come and not is_doubtful:
        young = min(max(part.start, context.now - context.due_after), part.end)
    if part.start < young:
        yield from _overdue(context, replace(part, end=young), latest, older_end)
    if young < part.end:
        due = young + context.due_after
        yield JudgedPeriod(young, part.end, Verdict.NOT_DUE, f"until {iso(due)}", Evidence(until=due))


def _is_short(context: GapContext, part: DeliveryPeriod) -> bool:
    """Whether a time is one of a session of logging so short that it may have no digest of its own."""
    around = _TOO_SHORT_FOR_A_DIGEST
    sessions = _between(context, part.start - around, min(part.end + around, context.now), None)
    whole = next((one for one in sessions if one.start <= part.start < one.end), part)
    return whole.delivery is DeliveryState.SIGNED and whole.end - whole.start <= around


def _is_superseded(context: GapContext, part: DeliveryPeriod, latest: LatestDelivery) -> bool:
    """Whether digests of a later chain may have been delivered, and be gone: those of before will not come any more.

    A region's digests come in their order. Where the newest is here, none of a later chain has come yet.
    """
    if latest.is_newest_here:
        return False
    configuration = context.configuration
    later = configuration.between(context.region, part.end, context.now)
    if part.delivery is DeliveryState.SIGNED:
        later = tuple(dropwhile(lambda after: after.delivery is DeliveryState.SIGNED, later))
    return any(
        after.delivery is DeliveryState.SIGNED
        or (after.delivery is DeliveryState.UNKNOWN and not configuration.is_beyond_history(after.start))
        for after in later
    )


def _overdue(
    context: GapContext, part: DeliveryPeriod, latest: LatestDelivery, older_end: datetime | None
) -> Iterator[JudgedPeriod]:
    was_due = ", though one was due" if part.delivery is DeliveryState.SIGNED else ""
    if not latest.is_known:
        reason = f"there is no digest, and whether there was one is not known: {latest.why_not}"
    elif latest.at is None:
        reason = f"no digest was ever delivered{was_due}"
    elif latest.may_be_elsewhere:
        reason = f"CloudTrail delivered a digest at {iso(latest.at)}, which is not here; it was deleted, or the trail"
        reason += " delivered elsewhere then, and nobody knows that it did not"
    elif latest.is_here is None:
        reason = f"CloudTrail delivered a digest at {iso(latest.at)}; whether it is one of those here cannot be told"
    else:
        reason = f"no digest was delivered for it{was_due}; the last delivery was at {iso(latest.at)}"
    if part.delivery is DeliveryState.SIGNED:
        yield JudgedPeriod(part.start, part.end, Verdict.UNPROVEN, reason)
        return
    for judged in _after_stop(context, part, latest, older_end):
        if part.delivery is DeliveryState.UNKNOWN:
            yield replace(judged, reason=f"{reason}; whether logging was off is not known: {part.why}")
        else:
            yield judged


def _after_stop(
    context: GapContext, part: DeliveryPeriod, latest: LatestDelivery, older_end: datetime | None
) -> Iterator[JudgedPeriod]:
    """As without a digest, but the digest that covers a stop may come still."""
    due = (part.stopped or part.start) + context.due_after
    may_come = part.delivery is DeliveryState.OFF and context.now < due and not _is_superseded(context, part, latest)
    for judged in _without_digest(part, older_end):
        if may_come and judged.verdict is Verdict.UNPROVEN:
            yield replace(judged, verdict=Verdict.NOT_DUE, reason=f"until {iso(due)}", evidence=Evidence(until=due))
        else:
            yield judged


def _without_digest(part: DeliveryPeriod, older_end: datetime | None) -> Iterator[JudgedPeriod]:
    """The verdict on a time in which nothing signed was delivered, or nobody knows.

    :param older_end: where the proven digest before it ends, if there is one.
    """
    start, end = part.start, part.end
    if part.delivery is DeliveryState.OFF:
        call = part.call
        evidence = Evidence(source=str(part.source))
        if call:
            evidence = replace(evidence, call=call.name, caller=call.caller, address=call.address)
        # The digest that covers a stop is the last one. Where there is none, files of before it may come after it.
        is_signed_for = part.stopped is None or (older_end is not None and older_end >= _second(part.stopped))
        quiet = start if is_signed_for or part.stopped is None else min(part.stopped + DELIVERED_AFTER, end)
        if start < quiet:
            reason = f"no digest covers the end of logging ({part.why}): files of before it may have come until then"
            yield JudgedPeriod(start, quiet, Verdict.UNPROVEN, reason)
        if max(start, quiet) < end:
            off = f"logging was off: {part.why} ({part.source})"
            yield JudgedPeriod(max(start, quiet), end, Verdict.NOT_LOGGED, off, evidence)
        return
    if part.delivery is DeliveryState.UNSIGNED:
        reason = f"{VALIDATION_OFF} ({part.why}): nobody signed for what was delivered"
        yield JudgedPeriod(start, end, Verdict.UNPROVEN, reason)
        return
    reason = f"no digest covers it; whether logging was off is not known: {part.why}"
    yield JudgedPeriod(start, end, Verdict.UNPROVEN, reason, Evidence(settles=_ASK_CLOUDTRAIL))


def _between(
    context: GapContext, start: datetime, end: datetime, signed_at: datetime | None, *, is_before_digest: bool = False
) -> Sequence[DeliveryPeriod]:
    """The parts of a gap, the oldest first; the moment from a start to its first digest is part of the pause before.

    Between a digest and a stop there is no such moment, however short: what came then has a digest of its own.

    :param is_before_digest: whether the first digest of a chain begins where the gap ends.
    """
    parts: list[DeliveryPeriod] = []
    for part in context.configuration.between(context.region, start, end, signed_at):
        if parts and parts[-1].delivery is part.delivery is DeliveryState.SIGNED:
            parts[-1] = replace(parts[-1], end=part.end)
        else:
            parts.append(part)
    is_at_digest = signed_at is not None and bool(parts) and _second(parts[0].end) <= start
    if len(parts) > 1 and is_at_digest and _is_moment_beside_pause(parts[0], parts[1]):
        parts[:2] = [replace(parts[1], start=parts[0].start)]
    if len(parts) > 1 and is_before_digest and _is_moment_beside_pause(parts[-1], parts[-2]):
        parts[-2:] = [replace(parts[-2], end=parts[-1].end)]
    return parts


def _is_moment_beside_pause(part: DeliveryPeriod, beside: DeliveryPeriod) -> bool:
    return (
        part.delivery is DeliveryState.SIGNED
        and beside.delivery is DeliveryState.OFF
        and part.end - part.start <= _SAME_MOMENT
    )


def _second(moment: datetime) -> datetime:
    """Digests tell the second of their ends; the trail's status tells more of a stop."""
    return moment.replace(microsecond=0)
