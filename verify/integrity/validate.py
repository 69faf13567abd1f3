"""Validates a trail: runs every chain that belongs to it and puts the results together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from verify.errors import CannotLook
from verify.integrity.chain_validation import ChainRequest, ChainValidation
from verify.integrity.digests.digest import Digest
from verify.integrity.facts import Facts
from verify.integrity.reader import ChainReader, Pools, days_back, switchings_in_logs
from verify.integrity.result import ChainResult, OnProgress, Result
from verify.integrity.scope import Chains, TrailName
from verify.integrity.state import Anchor, Anchors, listing_hash
from verify.integrity.timeline.logging_history import LoggingHistory, NoStatus, Switching, TrailStatus
from verify.integrity.timeline.timeline import HOUR, Period, cut
from verify.integrity.timeline.verdict import JudgedPeriod, Verdict
from verify.storage.layout import ChainName, DeliveryLocation
from verify.storage.objects import ObjectStore
from verify.threads import concurrently

_CHAINS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """What is to be validated.

    :param now: the present, or the moment that a copy was made.
    :param absent_regions: regions that the trail should deliver for and that have no folder in the bucket.
    :param anchors: up to where earlier runs proved the chains.
    :param is_copy: the files are a copy that has lost where they were and what was stored beside them.
    """

    trail: TrailName
    source: str
    chains: Chains
    period: Period
    now: datetime
    absent_regions: tuple[str, ...] = ()
    is_copy: bool = False
    is_quick: bool = False
    notices: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    anchors: Anchors = field(default_factory=dict)


class Validation:
    """One validation of a trail.

    :param store: where the files are.
    :param facts: what CloudTrail itself says.
    :param reads_unlisted: whether files that no digest lists are read too, so that the store archives them.
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
        self._reads_unlisted = reads_unlisted
        self._lock = Lock()
        self._history: LoggingHistory | None = None
        self._in_logs: set[Switching] = set()

    def run(self) -> Result:
        """Validate every chain; the others are validated also when one cannot be read."""
        request = self._request
        chains, unseen = dict(request.chains), list(request.unseen)
        chains |= dict(self._absent(unseen))
        home = request.trail.home_region
        # The home region's logs record the calls that switch logging on and off in all regions: it comes first.
        first = [(chain, location) for chain, location in chains.items() if chain.region == home]
        others = [(chain, location) for chain, location in chains.items() if chain.region != home]
        done = [self._run(chain, location) for chain, location in first]
        with concurrently(_CHAINS_AT_ONCE) as pool:
            done += pool.map(lambda item: self._run(*item), others)
        results = [result for result in done if isinstance(result, ChainResult)]
        unseen += [failure for failure in done if isinstance(failure, str)]
        return Result(
            trail=request.trail.arn or request.trail.name,
            source=request.source,
            period=request.period,
            made_at=request.now,
            is_quick=request.is_quick,
            chains=tuple(sorted(results, key=lambda result: result.chain)),
            notices=request.notices,
            unseen=tuple(unseen),
        )

    def _absent(self, unseen: list[str]) -> Iterable[tuple[ChainName, DeliveryLocation]]:
        """The regions without a folder for which CloudTrail says that it did deliver digests."""
        request, trail = self._request, self._request.trail
        own = (location for chain, location in request.chains.items() if chain.account == trail.account)
        location = next(own, None)
        if location is None:
            return
        for region in request.absent_regions:
            status = self._facts.status(region)
            if isinstance(status, NoStatus):
                unseen.append(f"Whether the trail delivered anything in {region} is not known: {status.why}")
            elif status.latest_digest_delivery and status.latest_digest_delivery > request.period.start + HOUR:
                yield ChainName(location.account, region, trail.name, trail.home_region), location

    def _run(self, chain: ChainName, location: DeliveryLocation) -> ChainResult | str:
        request, facts = self._request, self._facts
        keys = facts.keys(chain.region)
        reader = ChainReader(
            self._store,
            self._pools,
            chain,
            keys,
            is_copy=request.is_copy,
            with_logs=not request.is_quick,
            reads_unlisted=self._reads_unlisted,
        )
        try:
            anchor = self._anchor(chain, location, reader)
        except CannotLook as error:
            return _not_validated(chain, error)
        chain_request = ChainRequest(
            chain=chain,
            location=location,
            period=Period(anchor.end, request.period.end) if anchor else request.period,
            anchor=anchor,
            now=request.now,
            keys=keys,
            status=self._status(chain),
            history=self._explain,
            is_copy=request.is_copy,
            with_logs=not request.is_quick,
        )
        try:
            result = ChainValidation(chain_request, reader, self._pools.days, self._on_progress).run()
        except CannotLook as error:
            return _not_validated(chain, error)
        if anchor is None:
            return result
        before = cut(anchor.periods, Period(request.period.start, anchor.end))
        return replace(result, periods=(*map(_by_an_earlier_run, before), *result.periods))

    def _anchor(self, chain: ChainName, location: DeliveryLocation, reader: ChainReader) -> Anchor | None:
        """Where to begin because an earlier run proved all before, and nothing was written since.

        :raises CannotLook: a bucket could not be listed.
        """
        anchor, period = self._request.anchors.get(chain), self._request.period
        if anchor is None or self._request.is_quick or not anchor.since <= period.start < anchor.end < period.end:
            return None
        days = [day for day in days_back(anchor.end.date(), period.start.date()) if day < anchor.end.date()]
        listings = self._pools.days.map(lambda day: reader.listing(location, day), days)
        for day, (digests, logs) in zip(days, listings, strict=True):
            if anchor.days.get(day) != listing_hash([*digests, *logs]):
                return None
        return anchor

    def _status(self, chain: ChainName) -> TrailStatus | NoStatus:
        status = self._facts.status(chain.region)
        if isinstance(status, TrailStatus) and chain.account != self._request.trail.account:
            # What it says of the latest delivery holds for the account that the trail belongs to.
            return replace(status, latest_digest_delivery=None)
        return status

    def _explain(self, older: Digest | None, newer: Digest) -> LoggingHistory:
        trail = self._request.trail
        digests = [digest for digest in (older, newer) if digest is not None]
        found = set(switchings_in_logs(self._store, digests, trail.name, trail.arn))
        with self._lock:
            self._in_logs |= found
            if self._history is None:
                self._history = self._facts.history()
            known = self._in_logs | set(self._history.switchings)
            return replace(self._history, switchings=tuple(known))


def _by_an_earlier_run(judged: JudgedPeriod) -> JudgedPeriod:
    how = "proven by an earlier run; its listing is the same"
    return replace(judged, reason=how) if judged.verdict is Verdict.VALID else judged


def _not_validated(chain: ChainName, error: CannotLook) -> str:
    return f"Account {chain.account}, region {chain.region} was not validated: {error}"
