"""Validates a trail: accounts for every account and region in its scope, and puts the results together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from threading import Lock

from msgspec import Struct, field
from msgspec.structs import replace

from verify.errors import CannotLook
from verify.integrity.chain_validation import ChainRequest, ChainValidation, OtherTrails, UnsignedTime
from verify.integrity.digests.digest import Digest
from verify.integrity.facts import Facts, TrailName
from verify.integrity.inventory import Days, walk_region
from verify.integrity.origin import DELIVERED_WITHIN, TRAIL_BUCKET, Origin
from verify.integrity.reader import ChainReader, LogReading, Pools, calls_in_logs, days_back
from verify.integrity.reconcile import CLOCKS_DIFFER
from verify.integrity.result import ChainResult, OnProgress, Result, Tally
from verify.integrity.scope import AccountRegion, Scope, others_of
from verify.integrity.state import Anchor, Anchors, listing_hash
from verify.integrity.timeline.configuration import (
    GLOBAL_SERVICE_EVENTS,
    BucketAndPrefix,
    Configuration,
    DeliveryState,
    NoStatus,
    Setting,
    TrailCall,
    TrailStatus,
)
from verify.integrity.timeline.gaps import DUE_AFTER_INTERVALS, HOUR
from verify.integrity.timeline.timeline import Period, Proof, cut, filled, outside, prove_again, with_problems
from verify.integrity.timeline.verdict import BAD, HARMLESS, NOT_DELIVERED, JudgedPeriod, Problem, Verdict
from verify.storage.layout import ChainName, DeliveryLocation, DigestName, LogName
from verify.storage.objects import ObjectName, ObjectStore, address
from verify.threads import concurrently

# How long after a time its digests and its late files may come, to wherever the trail delivers then.
COMES_WITHIN = DELIVERED_WITHIN + DUE_AFTER_INTERVALS * HOUR
_CHAINS_AT_ONCE = 4
_NOT_ITS_OWN = "GetTrailStatus tells of the trail's own account only"
_SHOWN_CALLS = 3
_LATELY = timedelta(hours=1)  # before what the event history does not hold yet
_RECENTLY = timedelta(days=1)  # why something is not there may be what CloudTrail could not deliver last
_NOT_READ = "the export could not read all of it"
_NOT_HELD = "the bundle's export did not look at that time"
_NOT_TOLD = "the bundle's manifest does not say what its export found of that time"
_NOTHING_OF_THEM = "Of these nothing is delivered, so this result tells nothing of them."
_TO_COME = "that day is yet to come, so CloudTrail has delivered nothing there"


class ValidationRequest(Struct, frozen=True):
    """What is to be validated.

    :param scope: what has to be accounted for.
    :param now: by the service's clock, or the moment that a copy was made.
    :param other_trails: other trails that deliver to a location and region, and of each whether it signs for what it
        delivers today; ``None`` where that is not known.
    :param unsigned: when other trails delivered to a location and region of their own without signing.
    :param causes: see :class:`verify.integrity.result.Result`; they are no notices yet.
    :param is_remembered: whether the next run is to know what this one proves.
    :param anchors: up to where earlier runs proved the chains.
    :param claimed_because: see :class:`verify.integrity.result.Result`.
    :param at_best: verdicts that nothing may be better than, by account and region: what a bundle's export found.
    :param on_proven: told of every log file that is proven, and the hash that was signed; from any thread.
    :param with_places: the scope, if the trail delivered to these buckets and prefixes as well. Default: - there is no
        looking at others.
    :param held: the time that a bundle's export looked at; some of it was asked for. Default: - all that was asked for.
    :param untold: why there may be places that the trail had and that nobody knows, each as a sentence. Digests lead to
        them: where all is proven, nothing was delivered to another one.
    """

    trail: TrailName
    source: str
    scope: Scope
    period: Period
    now: datetime
    origin: Origin = TRAIL_BUCKET
    is_quick: bool = False
    requires_logging: bool = False
    notices: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    other_trails: Callable[[DeliveryLocation, str], OtherTrails | None] = lambda _place, _region: {}
    unsigned: Callable[[DeliveryLocation, str], tuple[UnsignedTime, ...]] = lambda _place, _region: ()
    is_remembered: bool = True
    anchors: Anchors = field(default_factory=dict)
    claimed_because: str = ""
    at_best: Mapping[tuple[str, str], tuple[JudgedPeriod, ...]] | None = None
    on_proven: Callable[[ObjectName, str], None] = lambda _name, _sha256: None
    held: Period | None = None
    with_places: Callable[[frozenset[BucketAndPrefix]], Scope] | None = None
    untold: tuple[str, ...] = ()


class Validation:
    """One validation of a trail.

    :param store: where the files are.
    :param facts: what CloudTrail itself says.
    :param reads_unlisted: whether files that no digest names are read too, for the store to keep them.
    """

    def __init__(
        self,
        request: ValidationRequest,
        store: ObjectStore,
        facts: Facts,
        pools: Pools,
        on_progress: OnProgress,
        *,
        reads_unlisted: bool = False,
    ) -> None:
        self._request = request
        self._store = store
        self._facts = facts
        self._pools = pools
        self._on_progress = on_progress
        all_or_listed = LogReading.ALL if reads_unlisted else LogReading.LISTED
        self._logs = LogReading.NONE if request.is_quick else all_or_listed
        self._lock = Lock()
        # Asked once: all that is concluded must rest on the same answers. One thread asks of a region.
        self._statuses: dict[str, TrailStatus | NoStatus] = {}
        self._days: dict[tuple[DeliveryLocation, str], Days] = dict(request.scope.days)
        self._accounted: tuple[AccountRegion, ...] = ()
        # To which digests led, beside the places that were looked at.
        self._led: frozenset[BucketAndPrefix] = frozenset()

    @property
    def scope(self) -> Scope:
        """What was accounted for, once :meth:`run` has ended: also the places to which only signed digests lead."""
        return replace(self._request.scope, account_regions=self._accounted)

    def run(self) -> Result:
        """Validate every chain; one that cannot be looked at does not keep the others from being validated."""
        request = self._request
        notices, silent = [*request.notices, *request.causes], []
        _ = self._configuration  # asked once, before the threads need it
        validated = self._validated()
        # What digests led to is looked at like the rest.
        request, found = self._request, tuple(validated.values())
        notices += [notice for notice in request.scope.notices if notice not in notices]
        results: dict[ChainName, ChainResult] = {}
        for account_region, result in validated.items():
            if self._is_silent(account_region, result):
                silent.append(account_region.chain.region)
                continue
            # Where another trail delivers, too, the account and region have more than one result.
            chain = replace(result.chain, trail=request.trail.name, home_region=request.trail.home_region)
            before = results.get(chain)
            results[chain] = _together(before, result) if before else replace(result, chain=chain)
        if silent:
            names = ", ".join(sorted(silent))
            notices.append(f"CloudTrail says that the trail never delivered anything in {names}.")
        doubles = sum(result.tally.doubles for result in found)
        if doubles:
            notices.append(f"The copy holds {doubles:,} files more than once, at different places; they are the same.")
        not_delivered = tuple(self._not_delivered())
        notices += [*self._not_recorded(), *not_delivered]
        for trail, number in sorted(sum((result.tally.unsigned for result in found), Counter[str]()).items()):
            notices.append(
                f"Trail {trail} without log file validation. Nobody can say whether CloudTrail delivered {number:,} of "
                "the log files there; they are no part of this result."
            )
        chains = tuple(map(self._no_better, results.values()))
        untold, may_hold = self._untold(chains), self._unlisted_that_may_hold(chains)
        notices += [why for place, why in request.scope.unlisted if place not in may_hold and why not in notices]
        chains = tuple(self._where_unlisted(result, may_hold) for result in chains)
        unlisted = [why for place, why in request.scope.unlisted if place in may_hold]
        return Result(
            trail=request.trail.arn or request.trail.name,
            source=request.source,
            period=request.period,
            made_at=request.now,
            is_quick=request.is_quick,
            chains=tuple(sorted(filter(_says_anything, chains), key=lambda result: result.chain)),
            foreign=(*request.scope.foreign, *self._in_days_to_come()),
            notices=tuple(notices),
            causes=(*request.causes, *(not_delivered if request.now - request.period.end < _RECENTLY else ())),
            unseen=(*unlisted, *request.scope.unseen, *untold),
            requires_logging=request.requires_logging,
            claimed_because=request.claimed_because,
        )

    def _validated(self) -> dict[AccountRegion, ChainResult]:
        """Every account and region with its result.

        A chain may lead to a place that no call tells of: then all that lies there is accounted for as if one did, also
        what is younger than the digest that led there.
        """
        known: dict[AccountRegion, ChainResult] = {}
        asked = set(self._request.scope.places)
        while True:
            account_regions = self._account_regions()
            new = [one for one in account_regions if one not in known]
            with concurrently(_CHAINS_AT_ONCE) as pool:
                known |= zip(new, pool.map(self._run, new), strict=True)
            found = {one: known[one] for one in account_regions}
            places = {place for result in found.values() for place in result.places} - asked
            if not places or self._request.with_places is None:
                self._accounted = account_regions
                return found
            asked |= places
            self._led |= places
            self._request = replace(self._request, scope=self._request.with_places(frozenset(asked)))
            self._days |= self._request.scope.days
            for concluded in ("_settled_since", "_delivers_here_since"):
                self.__dict__.pop(concluded, None)

    def _unlisted_that_may_hold(
        self, chains: Sequence[ChainResult]
    ) -> dict[BucketAndPrefix, tuple[datetime, datetime]]:
        """The places that cannot be looked at and that may hold files of the period, each with the start and the end
        of the time of these, which is empty where the trail left shortly before the period.
        """
        period, configuration = self._request.period, self._configuration
        scope = self._request.scope
        led = self._led | {location.place for location, _ in scope.days}
        before = period.start - DUE_AFTER_INTERVALS * HOUR
        left_before = configuration.left_before(before) - self._led
        found: dict[BucketAndPrefix, tuple[datetime, datetime]] = {}
        for place in (place for place, _ in scope.unlisted if place not in left_before):
            left, came = configuration.left(place), configuration.came(place, before)
            start = period.start
            if came is not None and place not in led and self._was_elsewhere_before(chains):
                start = max(start, came - COMES_WITHIN)
            if start < period.end:
                found[place] = start, period.end if left is None else min(left, period.end)
        return found

    def _was_elsewhere_before(self, chains: Iterable[ChainResult]) -> bool:
        """Whether the trail had another place at first than one that only later calls tell of and no digest led to:
        calls tell which, or it shows in a proven digest, which was delivered before the first move, however late.
        """
        moved = self._configuration.place_is_untold_until()
        if moved is None or moved <= self._request.period.start - DUE_AFTER_INTERVALS * HOUR:
            return True
        proven = (judged for one in chains for judged in one.periods if judged.verdict is Verdict.PROVEN)
        return any(judged.start < moved - COMES_WITHIN for judged in proven)

    def _where_unlisted(
        self, result: ChainResult, may_hold: Mapping[BucketAndPrefix, tuple[datetime, datetime]]
    ) -> ChainResult:
        """Where a place that may hold files cannot be looked at, nobody knows that nothing was added there."""
        why = dict(self._request.scope.unlisted)
        problems = [
            JudgedPeriod(start, end, Verdict.UNPROVEN, why[place])
            for place, (start, end) in may_hold.items()
            if start < end
        ]
        if not problems or not result.periods:
            return result
        return replace(result, periods=with_problems(result.periods, problems), anchor=None)

    def _untold(self, chains: Iterable[ChainResult]) -> tuple[str, ...]:
        """Why there may be places that nobody knows, where not all is proven and no digest led to another one."""
        scope, known = self._request.scope, self._configuration.places()
        led = {*scope.places, *(place for place, _ in scope.unlisted)} - known - {*scope.places[:1]}
        is_proven = all(judged.verdict in HARMLESS for chain in chains for judged in chain.periods)
        return () if led or is_proven else self._request.untold

    def _not_recorded(self) -> Iterator[str]:
        """What may have kept events from being recorded: of what is not recorded, nothing is delivered or signed."""
        period = self._request.period
        calls = [call for call in self._configuration.calls if call.selects and period.start <= call.at <= period.end]
        for call in sorted(calls, key=lambda call: call.at)[-_SHOWN_CALLS:]:
            yield (
                f"{call} may have changed which events the trail records. Of events that it does not record, nothing "
                "is delivered, so this result tells nothing of them."
            )
        if len(calls) > _SHOWN_CALLS:
            yield f"So may {len(calls) - _SHOWN_CALLS:,} calls before these."
        yield from self._not_recorded_at_start()

    def _not_recorded_at_start(self) -> Iterator[str]:
        """What the trail did not record when the period began. Selectors and global service events are set apart."""
        yield from self._left_out_at_start("PutEventSelectors", lambda events: events != GLOBAL_SERVICE_EVENTS)
        yield from self._left_out_at_start("UpdateTrail", lambda events: events == GLOBAL_SERVICE_EVENTS)
        today = self._configuration.today
        if today is not None and today.recording_unknown and not self._setting("PutEventSelectors"):
            yield f"Which management events the trail records is not known: {today.recording_unknown}"

    def _left_out_at_start(self, name: str, is_set: Callable[[str], bool]) -> Iterator[str]:
        """Events that were left out then: by the last call that set it, or by what is so today.

        :param name: the call that sets it, beside CreateTrail.
        :param is_set: whether that is what sets whether these events are recorded.
        """
        setting, period, today = self._setting(name), self._request.period, self._configuration.today
        before = [call for call in setting if call.at < period.start]
        if before:
            if left_out := ", ".join(filter(is_set, before[-1].leaves_out or ())):
                yield f"{before[-1]}, before the period, made the trail leave out {left_out}. {_NOTHING_OF_THEM}"
        elif setting:
            if setting[0].at > period.end and not setting[0].is_creation:
                yield f"Which management events the trail recorded is not known: {setting[0]} may have changed that."
        elif today is not None and (left_out := ", ".join(filter(is_set, today.leaves_out))):
            yield f"CloudTrail says that the trail leaves out {left_out}. {_NOTHING_OF_THEM}"

    def _setting(self, name: str) -> list[TrailCall]:
        """The calls of that name, and those that make the trail, which set what is recorded; the oldest first."""
        calls = (call for call in self._configuration.calls if call.leaves_out is not None)
        mine = (call for call in calls if call.is_creation or call.name == name)
        return sorted(mine, key=lambda call: (call.at, not call.is_creation))

    def _not_delivered(self) -> Iterator[str]:
        """What CloudTrail could not deliver when it tried last."""
        found: dict[tuple[str, str], list[str]] = {}
        for region, status in sorted(self._statuses.items()):
            if isinstance(status, NoStatus):
                continue
            for what, error in (("log file", status.delivery_error), ("digest", status.digest_delivery_error)):
                if error:
                    found.setdefault((what, error), []).append(region)
        for (what, error), regions in found.items():
            yield (
                f"{NOT_DELIVERED} its last {what} in {', '.join(regions)} ({error}). It "
                "tries again for 30 days; until then, what it recorded is not in the bucket."
            )

    def _account_regions(self) -> tuple[AccountRegion, ...]:
        """Each with its places: where another trail delivers today, this one may have delivered before."""
        found: dict[ChainName, AccountRegion] = {}
        others: list[AccountRegion] = []
        for one in (part for each in self._request.scope.account_regions for part in self._apart(each)):
            known = found.get(one.chain)
            if known is None and not one.is_others:
                found[one.chain] = one
            elif known is not None and self._holds_own_digests(one):
                found[one.chain] = replace(known, locations=(*known.locations, *one.locations), has_folder=True)
            else:
                others.append(one)
        return (*found.values(), *others)

    def _apart(self, account_region: AccountRegion) -> tuple[AccountRegion, ...]:
        """An account and region, and apart from it where another trail alone delivers.

        In another region than its home, DescribeTrails does not show a trail of one region.
        """
        request, places = self._request, self._request.scope.places
        if account_region.is_others or not places or not request.origin.keeps_keys:
            return (account_region,)

        def is_anothers(location: DeliveryLocation) -> bool:
            if location.place in places:
                return False
            there = replace(account_region, locations=(location,))
            return bool(request.other_trails(location, there.chain.region)) and not self._holds_own_digests(there)

        theirs = tuple(filter(is_anothers, account_region.locations))
        if not theirs:
            return (account_region,)
        own = tuple(location for location in account_region.locations if location not in theirs)
        found = [others_of(account_region.chain, *theirs)]
        if own:
            found.append(replace(account_region, locations=own))
        elif account_region.is_expected:
            bucket, prefix = places[0]
            nowhere = replace(theirs[0], bucket=bucket, prefix=prefix)
            found.append(replace(account_region, locations=(nowhere,), has_folder=False))
        return tuple(reversed(found))

    def _holds_own_digests(self, account_region: AccountRegion) -> bool:
        """Whether the trail itself has delivered digests there, of days that are looked at."""
        first, last = (self._request.period.start - HOUR).date(), self._request.now.date()
        region = account_region.chain.region
        try:
            return any(
                DigestName.parse(entry.name) is not None and self._is_own(entry.name)
                for location in account_region.locations
                for day in sorted(self._days_of(location, region).digests)
                if first <= day <= last
                for entry in self._store.objects(location.bucket, location.digests_on(region, day))
            )
        except CannotLook:
            return False  # whoever validates it says so

    def _in_days_to_come(self) -> Iterator[Problem]:
        """Folders of days that no period can hold yet: a query engine reads them all the same."""
        latest = (self._request.now + CLOCKS_DIFFER).date()
        # For a folder, the present is what this machine's clock says, which may be wrong.
        verdict = Verdict.FOREIGN if self._request.origin.is_whole_at_its_end else Verdict.UNPROVEN
        for (location, region), days in self._request.scope.days.items():
            for day in sorted(day for day in days.digests if day > latest):
                yield Problem(verdict, address(location.bucket, location.digests_on(region, day)), _TO_COME)
            for day in sorted(day for day in days.logs if day > latest):
                yield Problem(verdict, address(location.bucket, location.logs_on(region, day)), _TO_COME)

    @cached_property
    def _configuration(self) -> Configuration:
        return self._facts.configuration()

    def _came_unseen(self) -> bool:
        """Whether the last call that tells where the trail delivers tells of another place than today's. Of several in
        one second nobody knows the order: one that tells of today's may be the last.
        """
        told = self._configuration.last_places()
        return bool(told) and not told & {*self._request.scope.places[:1]}

    @cached_property
    def _settled_since(self) -> datetime | None:
        """Since when the trail is known to deliver nowhere but to places that are looked at."""
        scope = self._request.scope
        return self._configuration.settled_since(DUE_AFTER_INTERVALS * HOUR, scope.holds) if scope.is_settled else None

    @cached_property
    def _delivers_here_since(self) -> datetime | None:
        """The same, but ``None`` where a move may be too young for the event history to hold it.

        That it is not shows in a digest of the trail's that was delivered here before.
        """
        known = self._configuration.known
        return self._settled_since if known.end is not None and self._was_here_before(known.end) else None

    def _was_here_before(self, moment: datetime) -> bool:
        """Whether a file of the trail's own was delivered here before a moment."""
        request = self._request
        for (location, region), days in request.scope.days.items():
            if location.place != request.scope.places[0]:
                continue
            # Logs do not say whose they are: they are the trail's own where no other trail delivers, or did.
            kinds = [(days.digests, location.digests_on)]
            if not days.digests and request.other_trails(location, region) == {}:
                kinds.append((days.logs, location.logs_on))
            for of_kind, folder in kinds:
                day = max((day for day in of_kind if day <= moment.date()), default=None)
                listed = self._store.objects(location.bucket, folder(region, day)) if day else ()
                if any(entry.last_modified <= moment and self._is_own(entry.name) for entry in listed):
                    return True
        return False

    def _is_own(self, name: ObjectName) -> bool:
        named, trail = DigestName.parse(name), self._request.trail
        if named is None:
            return LogName.parse(name) is not None
        return named.chain.trail_key == (trail.name, trail.home_region)

    def _is_silent(self, account_region: AccountRegion, result: ChainResult) -> bool:
        """Whether CloudTrail itself says that it never delivered anything there: then nothing is missing.

        The status is that of the trail as it is today: of one that was made anew it says nothing about the time before.
        """
        request, chain = self._request, account_region.chain
        if account_region.has_folder or chain.account != request.trail.account or chain in request.anchors:
            return False
        if chain.region == request.trail.home_region:
            return False
        status = self._status(account_region)
        if isinstance(status, NoStatus) or status.latest_delivery or status.latest_digest_delivery:
            return False
        configuration, start = self._configuration, request.period.start
        known = configuration.known
        if known.end is None or not known.covers(start, known.end):
            return False
        moments = [moment for moment in (status.started, status.stopped) if moment is not None]
        if min(moments, default=request.now) > known.end:
            return False  # the trail may have been made anew in the minutes that the history does not hold yet
        created = max((call.at for call in configuration.calls if call.is_creation and call.at > start), default=None)
        before = configuration.between(chain.region, start, created) if created else ()
        is_clear = all(part.delivery is DeliveryState.OFF for part in before)
        is_there = configuration.was_ever(Setting.EXISTS, known.end - _LATELY, known.end) is not False
        return is_clear and is_there and not any(judged.verdict is Verdict.MISSING for judged in result.periods)

    def _no_better(self, result: ChainResult) -> ChainResult:
        """What a bundle's export allows: nothing better than it found, and nothing of what it said nothing about."""
        if self._request.at_best is None:
            return result
        found = self._request.at_best.get((result.chain.account, result.chain.region), ())
        limits = cut(sorted(found, key=lambda limit: limit.start), self._request.period)
        worse = with_problems(map(partial(_unread, limits), result.periods), limits)
        told = [piece for limit in limits for piece in filled(cut(worse, _period(limit)), _not_held(limit))]
        untold = outside(self._request.period, map(_period, limits))
        told += [_not_told(piece) for period in untold for piece in cut(worse, period)]
        if told and self._request.held is not None:
            for period in outside(self._request.period, [self._request.held]):
                told.append(JudgedPeriod(period.start, period.end, Verdict.UNPROVEN, _NOT_HELD))
        told.sort(key=lambda judged: judged.start)
        tally = _none_missing(result.tally) if _was_not_validated(found) else result.tally
        return replace(result, periods=with_problems(told, ()), tally=tally)

    def _run(self, account_region: AccountRegion) -> ChainResult:
        request, facts, chain = self._request, self._facts, account_region.chain
        validation: ChainValidation | None = None
        keys = facts.keys(chain.region)
        reader = ChainReader(
            self._store,
            self._pools,
            chain,
            keys,
            request.origin,
            lambda location: self._days_of(location, chain.region),
            self._logs,
        )
        is_new = request.is_quick or account_region.is_others
        remembered = None if is_new else request.anchors.get(chain)
        try:
            before = self._still_proven(remembered, account_region, reader) if remembered else None
            anchor = remembered if before is not None else None
            period = request.period
            if request.held is not None:
                period = Period(max(period.start, request.held.start), min(period.end, request.held.end))
            asked = ChainRequest(
                chain=chain,
                locations=account_region.locations,
                period=Period(anchor.end, period.end) if anchor else period,
                now=request.now,
                keys=keys,
                origin=request.origin,
                status=self._status(account_region),
                configuration=self._configuration,
                is_always_enabled=account_region.is_always_enabled,
                is_expected=account_region.is_expected,
                calls_around=lambda older, newer: self._calls_around(chain.region, older, newer),
                other_trails=lambda location: (
                    None if account_region.unsure else request.other_trails(location, chain.region)
                ),
                unsigned=lambda location: request.unsigned(location, chain.region) if account_region.is_others else (),
                is_apart=account_region.is_others and bool(chain.trail),
                with_logs=not request.is_quick,
                settled_since=self._settled_since,
                delivers_here_since=lambda: self._delivers_here_since,
                came_unseen=self._came_unseen(),
                is_remembered=request.is_remembered,
                remembered=remembered,
                anchor=anchor,
                on_proven=request.on_proven,
            )
            validation = ChainValidation(asked, reader, self._pools.days, self._on_progress)
            result = validation.run()
        except CannotLook as error:
            why = f"it was not validated: {error}"
            judged = JudgedPeriod(request.period.start, request.period.end, Verdict.UNPROVEN, why)
            places = validation.places if validation else frozenset[BucketAndPrefix]()
            return ChainResult(chain, (judged,), Tally(), places=places)
        if account_region.unsure and not account_region.is_others:
            result = replace(result, periods=tuple(_as_unsure(result.periods, account_region.unsure)))
        if before is None or anchor is None:
            return result
        kept = cut(map(_as_judged, before), Period(request.period.start, anchor.end))
        return replace(result, periods=(*with_problems(kept, result.early), *result.periods))

    def _still_proven(
        self, remembered: Anchor, account_region: AccountRegion, reader: ChainReader
    ) -> tuple[Proof | JudgedPeriod, ...] | None:
        """What an earlier run proved, where nothing was written since; ``None`` where all must be read again.

        :raises CannotLook: a bucket could not be listed.
        """
        period = self._request.period
        if not remembered.since <= period.start < remembered.end < period.end or len(account_region.locations) != 1:
            return None
        (location,) = account_region.locations
        days = [day for day in days_back(remembered.end.date(), period.start.date()) if day < remembered.end.date()]
        digests = self._pools.days.map(lambda day: reader.digests_listed(location, day), days)
        logs = self._pools.days.map(lambda day: reader.logs_listed(location, day), days)
        listed = {day: listing_hash([*first, *more]) for day, first, more in zip(days, digests, logs, strict=True)}
        return prove_again(remembered.periods, remembered.days, listed)

    def _days_of(self, location: DeliveryLocation, region: str) -> Days:
        key = (location, region)
        with self._lock:
            known = self._days.get(key)
        if known is None:
            known = walk_region(self._store, location, region)
            with self._lock:
                self._days[key] = known
        return known

    def _status(self, account_region: AccountRegion) -> TrailStatus | NoStatus:
        if account_region.chain.account != self._request.trail.account:
            return NoStatus(_NOT_ITS_OWN)
        region = account_region.chain.region
        if region not in self._statuses:
            self._statuses[region] = self._facts.status(region)
        return self._statuses[region]

    def _calls_around(self, region: str, older: Digest | None, newer: Digest) -> str:
        digests = [digest for digest in (older, newer) if digest is not None]
        calls = set(calls_in_logs(self._store, digests, self._request.trail, region))
        return ", ".join(str(call) for call in sorted(calls, key=lambda call: call.at))


def _as_judged(found: Proof | JudgedPeriod) -> JudgedPeriod:
    if isinstance(found, JudgedPeriod):
        return found
    return JudgedPeriod(found.start, found.end, Verdict.PROVEN, found.reason, found.evidence)


def _as_unsure(periods: Iterable[JudgedPeriod], why: str) -> Iterator[JudgedPeriod]:
    """The periods of an account and region of which there are files, though nobody knows whether they are its own."""
    for judged in periods:
        is_unproven = judged.verdict is Verdict.UNPROVEN
        yield JudgedPeriod(judged.start, judged.end, Verdict.UNPROVEN, why) if is_unproven else judged


def _says_anything(result: ChainResult) -> bool:
    tally = result.tally
    return bool(result.periods or tally.digests or tally.backfills or tally.logs or tally.problems)


def _together(own: ChainResult, others: ChainResult) -> ChainResult:
    """What was found of an account and region where the trail delivers, and where another one does."""
    tally = own.tally.plus(others.tally)
    periods = with_problems(own.periods, others.periods) if own.periods else others.periods
    anchor = None if others.periods or others.tally.problems else own.anchor
    return replace(own, periods=periods, tally=tally, anchor=anchor)


def _period(judged: JudgedPeriod) -> Period:
    return Period(judged.start, judged.end)


def _not_held(limit: JudgedPeriod) -> JudgedPeriod:
    """What an export found of what its bundle does not hold."""
    if limit.verdict not in HARMLESS:
        return limit
    return replace(limit, verdict=Verdict.UNPROVEN, reason="the bundle does not hold what the export found of it")


def _not_told(judged: JudgedPeriod) -> JudgedPeriod:
    """What a bundle shows of a time of which its export said nothing."""
    if judged.verdict in BAD:
        return judged
    return JudgedPeriod(judged.start, judged.end, Verdict.UNPROVEN, _NOT_TOLD)


def _was_not_validated(limits: tuple[JudgedPeriod, ...]) -> bool:
    """Whether an export could not look at an account and region: it kept what it read before that showed, at most."""
    return len(limits) == 1 and limits[0].verdict is Verdict.UNPROVEN


def _none_missing(tally: Tally) -> Tally:
    """What an export did not look at is not in its bundle, and not missing."""
    problems = [
        replace(problem, verdict=Verdict.UNPROVEN, reason=_NOT_READ) if problem.verdict is Verdict.MISSING else problem
        for problem in tally.problems
    ]
    counters = [Counter(counter) for counter in (tally.digests, tally.backfills, tally.logs)]
    for counter in counters:
        counter[Verdict.UNPROVEN] += counter.pop(Verdict.MISSING, 0)
    digests, backfills, logs = counters
    return replace(tally, digests=digests, backfills=backfills, logs=logs, problems=problems)


def _unread(limits: tuple[JudgedPeriod, ...], judged: JudgedPeriod) -> JudgedPeriod:
    """What an export could not read or list is not in its bundle, and not missing."""
    inside = (limit for limit in limits if limit.start < judged.end and judged.start < limit.end)
    if judged.verdict is Verdict.MISSING and any(limit.verdict is Verdict.UNPROVEN for limit in inside):
        return replace(judged, verdict=Verdict.UNPROVEN, reason=_NOT_READ)
    return judged
