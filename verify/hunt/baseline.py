"""What is new for a principal, against what it did before: regions, services, networks and programs. Pure.

Quiet by default: of what is new in one way only a region is shown, and of a call that is new in three ways at once a
finding is made that is medium. Of a principal that was hardly seen before, nothing is known to be usual.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

from verify.hunt.events import Events, light_of, time_of
from verify.hunt.finding import Finding, finding_of
from verify.hunt.identity import identity_of, network_of, principal_of
from verify.hunt.sigma.load import Rule
from verify.times import iso

_KINDS: Final = ("region", "service", "network", "program")
_ENOUGH_CALLS = 20
_NEW_WAYS = 3
_MAX_WAYS = 200_000
_MAX_USUAL = 1_000_000
_MAX_NAMED = 10
_MAX_PROGRAM_CHARACTERS = 60
_SOURCE: Final = "verify/hunt/baseline.py"
_NEXT: Final = {
    "confidence": "low",
    "next": [
        "Ask the principal, by another channel than the account, whether they did this.",
        "Look at all that the principal did at that time: python -m verify hunt timeline.",
    ],
}
NEW_WAY: Final = Rule(
    title="A principal is used in a new way",
    source=_SOURCE,
    level="medium",
    id="securetrail-new-way",
    tags=("attack.t1078.004",),
    description="A call is new in at least three ways for its principal: its region, its service, the network that it "
    "came from, the program that made it. Stolen credentials are used so.",
    false_positives=("Somebody new does the work, or does it from somewhere else with something else.",),
    more=_NEXT,
)


def _rule(kind: str, level: str, title: str, technique: str) -> Rule:
    return Rule(
        title=title,
        source=_SOURCE,
        level=level,
        id=f"securetrail-new-{kind}",
        tags=(technique,),
        description=f"In the time before, which --baseline names, no call of this principal had that {kind}.",
        false_positives=("The work changes.",),
        more=_NEXT,
    )


_OF_KIND: Final = {
    "region": _rule("region", "low", "A principal works in a new region", "attack.t1535"),
    "service": _rule("service", "informational", "A principal uses a new service", "attack.t1526"),
    "network": _rule("network", "informational", "A principal calls from a new network", "attack.t1078.004"),
    "program": _rule("program", "informational", "A principal uses a new program", "attack.t1078.004"),
}
BASELINE_RULES: Final = (NEW_WAY, *_OF_KIND.values())


@dataclass(slots=True)
class _Use:
    """Calls of a principal that are alike: the first of them, and how many there are."""

    first: datetime
    last: datetime
    event: Any
    count: int = 1


@dataclass(slots=True)
class _Usual:
    """What a principal did before."""

    calls: int = 0
    values: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in _KINDS})


class Baseline:
    """Takes in events of the period, and of the time before, in any order.

    :param period: what happened before it is usual; what happened in it may be new.
    """

    def __init__(self, period: tuple[datetime, datetime]) -> None:
        self._start, self._end = period
        self._usual: dict[str, _Usual] = {}
        self._ways: dict[tuple[str, tuple[str, ...]], _Use] = {}
        self._usual_values = 0
        self.events_before = 0
        self.holes: dict[str, None] = {}

    def add(self, events: Events) -> None:
        """Look at the events of a file."""
        for event in (*events.light, *map(light_of, events.records)):
            moment = time_of(event.eventTime)
            if moment is None or moment > self._end:
                continue
            is_before = moment < self._start
            self.events_before += is_before
            caller = event.userIdentity
            # What services do by themselves, or in somebody's name, comes from anywhere.
            if not caller or caller.invokedBy:
                continue
            if is_before:
                self._note_usual(event)
            else:
                self._note(event, moment)

    def _note_usual(self, event: Any) -> None:
        usual = self._usual.setdefault(principal_of(event.userIdentity), _Usual())
        usual.calls += 1
        for kind, value in zip(_KINDS, _way(event), strict=True):
            if value in usual.values[kind]:
                continue
            if self._usual_values < _MAX_USUAL:
                self._usual_values += 1
                usual.values[kind].add(value)
            else:
                more = f"There are more than {_MAX_USUAL:,} usual regions, services, networks and programs"
                self.holes[f"{more}: some of what is told as new may be usual."] = None

    def _note(self, event: Any, moment: datetime) -> None:
        key = principal_of(event.userIdentity), _way(event)
        use = self._ways.get(key)
        if use is not None:
            use.count += 1
            use.last = max(use.last, moment)
            if moment < use.first:
                use.first, use.event = moment, _kept(event)
        elif len(self._ways) < _MAX_WAYS:
            self._ways[key] = _Use(moment, moment, _kept(event))
        else:
            self.holes[f"There are more than {_MAX_WAYS:,} ways of calling: not all are compared with before."] = None

    def notice(self) -> str:
        """What is compared with what."""
        principals = {principal for principal, _ in self._ways}
        known = sum(self._is_known(each) for each in principals)
        return (
            f"{self.events_before:,} events from before {iso(self._start)} were read to know what is usual: "
            f"{known:,} of {len(principals):,} principals made at least {_ENOUGH_CALLS} calls then, and are compared."
        )

    def _is_known(self, principal: str) -> bool:
        usual = self._usual.get(principal)
        return usual is not None and usual.calls >= _ENOUGH_CALLS

    def findings(self) -> Iterator[Finding]:
        """What is new, in no order."""
        if not self.events_before:
            self.holes["No event before the period was read: nothing is known of what is usual."] = None
            return
        by_principal: dict[str, list[tuple[frozenset[str], tuple[str, ...], _Use]]] = {}
        for (principal, way), use in self._ways.items():
            if not self._is_known(principal):
                continue
            usual = self._usual[principal].values
            pairs = zip(_KINDS, way, strict=True)
            new = frozenset(kind for kind, value in pairs if value and value not in usual[kind])
            if new:
                by_principal.setdefault(principal, []).append((new, way, use))
        for found in by_principal.values():
            yield from _of_principal(found)


def _of_principal(found: list[tuple[frozenset[str], tuple[str, ...], _Use]]) -> Iterator[Finding]:
    if very := [(way, use) for new, way, use in found if len(new) >= _NEW_WAYS]:
        yield _finding(NEW_WAY, [use for _, use in very], [" ".join(filter(None, way)) for way, _ in very])
        return
    for at, kind in enumerate(_KINDS):
        if of_kind := [(way[at], use) for new, way, use in found if kind in new]:
            yield _finding(_OF_KIND[kind], [use for _, use in of_kind], [value for value, _ in of_kind])


def _finding(rule: Rule, uses: list[_Use], values: list[str]) -> Finding:
    def named(*texts: Any) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for text in texts if isinstance(text, str) and text))[:_MAX_NAMED]

    uses = sorted(uses, key=lambda use: use.first)
    identity = identity_of(uses[0].event.userIdentity)
    events = [use.event for use in uses]
    return replace(
        finding_of(rule, uses[0].first, max(use.last for use in uses), sum(use.count for use in uses)),
        principal=identity.principal,
        session=identity.session,
        key=identity.key,
        accounts=named(*(event.recipientAccountId or identity.account for event in events)),
        regions=named(*(event.awsRegion for event in events)),
        addresses=named(*(event.sourceIPAddress for event in events)),
        agents=named(*(event.userAgent for event in events)),
        calls=named(*(event.eventName for event in events)),
        events=named(*(event.eventID for event in events)),
        keys=named(*(event.userIdentity.accessKeyId for event in events)),
        detail=f"new: {', '.join(dict.fromkeys(values[:_MAX_NAMED]))}",
    )


def _kept(event: Any) -> SimpleNamespace:
    """What a finding tells of an event, without what would keep the whole file in memory."""
    return SimpleNamespace(
        userIdentity=event.userIdentity,
        recipientAccountId=event.recipientAccountId,
        awsRegion=event.awsRegion,
        sourceIPAddress=event.sourceIPAddress,
        userAgent=event.userAgent,
        eventName=event.eventName,
        eventID=event.eventID,
    )


def _way(event: Any) -> tuple[str, ...]:
    agent = (event.userAgent or "").lstrip("[").split("/")[0].split(" ")[0].lower()
    network = network_of(event.sourceIPAddress or "")
    return event.awsRegion or "", event.eventSource or "", network, agent[:_MAX_PROGRAM_CHARACTERS]
