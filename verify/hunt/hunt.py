"""Runs rules over the events of log files, as they are read, and keeps what they match. Pure.

Most events touch no rule: what a call's name, its source, its error and its caller say is looked up, for each
combination once (``sigma.prefilter``). Only of an event that a rule may match is the record read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import UNSET

from verify.hunt.events import IDENTITY, TEXTS, Events, json_of, record_of, texts_of
from verify.hunt.finding import Finding
from verify.hunt.identity import Identity, Issued, chain_of, identity_of, network_of
from verify.hunt.sigma import fields
from verify.hunt.sigma.correlation import Episode, Matched, episodes
from verify.hunt.sigma.load import Rule
from verify.hunt.sigma.matching import Match, Node, Test, fields_of, matcher
from verify.hunt.sigma.prefilter import Prefilter, Which, numbers_of

TOGETHER: Final = ("eventSource", "errorCode")
_ALONE: Final = ("userAgent", "sourceIPAddress", "awsRegion")
_MAX_KEPT = 50_000
_MAX_MATCHED = 200_000
_MAX_ISSUED = 500_000
_MAX_FINDINGS = 20_000
_MAX_IDS = 50
_MAX_COUNTED_IDS = 20_000
_MAX_NAMED = 10
_MAX_DETAIL_CHARACTERS = 400
_MAX_VALUE_CHARACTERS = 1_000
_ISSUES: Final = frozenset(
    {
        "assumerole",
        "assumerolewithsaml",
        "assumerolewithwebidentity",
        "assumeroot",
        "getfederationtoken",
        "getsessiontoken",
    }
)


@dataclass(slots=True)
class _Group:
    """What one rule found of one principal."""

    number: int
    identity: Identity
    ids: dict[str, None] = field(default_factory=dict)
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    detail: str = ""
    names: dict[str, dict[str, None]] = field(default_factory=dict)

    def note(self, what: str, text: Any) -> None:
        """Keep a name, of very many the first."""
        if isinstance(text, str) and text:
            kept = self.names.setdefault(what, {})
            if len(kept) < _MAX_NAMED:
                kept[text] = None

    def named(self, what: str) -> tuple[str, ...]:
        return tuple(self.names.get(what, ()))


@dataclass(slots=True)
class Use:
    """Credentials used from an address.

    :param first: when, and ``last``, as records write times; ``event`` is the id of the first.
    :param is_endpoint: whether the call came through a VPC endpoint.
    """

    first: str
    last: str
    event: str
    address: Any
    identity: Identity
    is_endpoint: bool


@dataclass(frozen=True, slots=True)
class _Sample:
    """What a finding tells of an event; the fields are named as the event's."""

    number: int
    identity: Identity
    time: datetime
    eventName: Any  # noqa: N815
    recipientAccountId: Any  # noqa: N815
    awsRegion: Any  # noqa: N815
    sourceIPAddress: Any  # noqa: N815
    userAgent: Any  # noqa: N815
    requestParameters: Any  # noqa: N815


class Hunt:
    """A run of rules over files.

    :param rules: the rules; correlations name others by position.
    :param period: the times between which an event must lie.
    """

    def __init__(self, rules: Sequence[Rule], period: tuple[datetime, datetime] | None = None) -> None:
        self._rules = rules
        self._period = tuple(f"{each.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for each in period) if period else None
        nodes: list[Node] = []
        self._of_node: list[int] = []
        for number, rule in enumerate(rules):
            if rule.node is not None:
                nodes.append(rule.node)
                self._of_node.append(number)
        issuing = Test("eventName", lambda values: any(_is_issuing(each) for each in values), _ISSUES)
        self._issuing = len(nodes)
        nodes.append(issuing)
        self._nodes = nodes
        self._matchers: list[Match] = [matcher(each) for each in nodes]
        self._prefilter = Prefilter(nodes, "eventName", TOGETHER)
        self._alone = [name for name in _ALONE if self._prefilter.looked_at(name)]
        self._identity_fields = {
            name: fields.getter(name) for name in self._prefilter.looked_at(IDENTITY) if name != IDENTITY
        }
        self._together: dict[tuple[Any, ...], Which] = {}
        self._kept_alone: list[dict[Any, Which]] = [{} for _ in self._alone]
        self._identities: dict[bytes, Identity] = {}
        self._wanted = self._wanted_fields()
        self._matched: dict[int, list[Matched]] = {number: [] for number in self._wanted}
        self._groups: dict[tuple[int, str], _Group] = {}
        self._samples: dict[str, _Sample] = {}
        self._issued: dict[str, Issued] = {}
        self._seen: dict[tuple[str, Any], Use] = {}
        self.calls: set[tuple[Any, Any]] = set()
        self.events = 0
        self.holes: dict[str, None] = {}

    @property
    def parts(self) -> frozenset[str]:
        """The record's own fields that rules look at; ``""`` if one looks at the whole record."""
        looked_at = {field for node in self._nodes for field in fields_of(node)}
        looked_at |= {name for names in self._wanted.values() for name in names}
        return frozenset(name.partition(".")[0] for name in looked_at) | {"responseElements"}

    def _wanted_fields(self) -> dict[int, dict[str, fields.Getter]]:
        """Of rules that correlations rest on: the fields of their events that are asked for."""
        wanted: dict[int, set[str]] = {}
        for number in range(len(self._rules) - 1, -1, -1):
            self._ask(number, wanted)
        return {number: {name: fields.getter(name) for name in sorted(names)} for number, names in wanted.items()}

    def _ask(self, number: int, wanted: dict[int, set[str]]) -> None:
        correlation = self._rules[number].correlation
        if correlation is None:
            return
        for rule, names in correlation.needs.items():
            wanted.setdefault(rule, set()).update(names)
            # A correlation of correlations asks for the fields of the events below.
            below = self._rules[rule].correlation
            for each in below.rules if below else ():
                wanted.setdefault(each, set()).update(names)
            if below is not None:
                self._ask(rule, wanted)

    # ---- reading -----------------------------------------------------------------------------------------------------

    def add(self, events: Events) -> None:  # noqa: C901 - a call for each event would cost more than its work
        """Look at the events of a file."""
        together, kept_alone, alone = self._together, self._kept_alone, self._alone
        identities, period, seen = self._identities, self._period, self._seen
        for event in events.light:
            raw = event.userIdentity
            identity = identities.get(bytes(raw)) if raw is not UNSET else self._identity(UNSET)
            if identity is None:
                identity = self._identity(raw)
            time = event.eventTime
            if period is not None and time and not period[0] <= time <= period[1]:
                continue
            self.events += 1
            values = (event.eventName, event.eventSource, event.errorCode)
            which = together.get(values)
            if which is None:
                which = self._which_together(values)
            may = which.may & identity.which.may
            do = which.do | identity.which.do
            if alone and may:
                for position, name in enumerate(alone):
                    value = getattr(event, name)
                    of_one = kept_alone[position].get(value)
                    if of_one is None:
                        of_one = self._which_alone(position, value)
                    may &= of_one.may
                    do |= of_one.do
            address = event.sourceIPAddress
            pair = (identity.mark, address)
            before = seen.get(pair)
            if before is None or identity.is_instance or (time and time < before.first):
                self._note_address(pair, time, event, identity)
            if may:
                self._judge(may, do & may, event, identity)
        for record in events.records:
            self._add_record(record)

    def _add_record(self, record: dict[str, Any]) -> None:
        """A record of a file that does not fit: every rule is asked."""
        texts = texts_of(record)
        time = texts["eventTime"]
        if self._period is not None and time and not self._period[0] <= time <= self._period[1]:
            return
        self.events += 1
        self.calls.add((texts["eventName"], texts["eventSource"]))
        event = _Whole(record, texts)
        identity = identity_of(record.get(IDENTITY), Which(0, 0))
        pair = (identity.mark, texts["sourceIPAddress"])
        before = self._seen.get(pair)
        if before is None or identity.is_instance or (time and time < before.first):
            self._note_address(pair, time, event, identity)
        self._judge((1 << len(self._nodes)) - 1, 0, event, identity)

    def _identity(self, raw: Any) -> Identity:
        key = b"" if raw is UNSET else bytes(raw)
        found = self._identities.get(key)
        if found is not None:
            return found
        if len(self._identities) >= _MAX_KEPT:
            self._identities.clear()
        try:
            record = {} if raw is UNSET else {IDENTITY: json_of(raw)}
            known = {name: get(record) for name, get in self._identity_fields.items()}
        except ValueError as error:
            self.holes[f"The caller of some events could not be read: {error}."] = None
            record, known = {}, {}
        found = identity_of(record.get(IDENTITY), self._prefilter.of_fields(known))
        self._identities[key] = found
        return found

    def _which_together(self, values: tuple[Any, ...]) -> Which:
        if len(self._together) >= _MAX_KEPT:
            self._together.clear()
        found = self._prefilter.of_together(values)
        self._together[values] = found
        if len(self.calls) < _MAX_KEPT:
            self.calls.add((values[0], values[1]))
        return found

    def _which_alone(self, position: int, value: Any) -> Which:
        kept = self._kept_alone[position]
        if len(kept) >= _MAX_KEPT:
            kept.clear()
        found = self._prefilter.of_fields({self._alone[position]: [] if value is UNSET else [value]})
        kept[value] = found
        return found

    def _note_address(self, pair: tuple[str, Any], time: Any, event: Any, identity: Identity) -> None:
        before = self._seen.get(pair)
        if before is None and len(self._seen) >= _MAX_ISSUED:
            self.holes["There are too many pairs of keys and addresses to compare them all."] = None
            return
        moment, name = time or "", event.eventID or ""
        if before is None:
            is_endpoint = event.vpcEndpointId is not UNSET
            self._seen[pair] = Use(moment, moment, name, pair[1], identity, is_endpoint)
        elif moment < before.first:
            before.first, before.event = moment, name
        elif moment > before.last:
            before.last = moment

    # ---- judging -----------------------------------------------------------------------------------------------------

    def _judge(self, may: int, do: int, event: Any, identity: Identity) -> None:
        """Ask the rules that an event may match."""
        record: dict[str, Any] | None = None
        matched = numbers_of(do)
        try:
            if may != do or any(self._needs_record(number) for number in matched):
                record = event.record if isinstance(event, _Whole) else record_of(event)
                for number in numbers_of(may & ~do):
                    if self._matchers[number](record):
                        matched.append(number)
            for number in matched:
                if number == self._issuing:
                    self._note_issued(record or {}, identity)
                else:
                    self._take(self._of_node[number], event, identity, record)
        except (ValueError, RecursionError) as error:
            self.holes[f"An event could not be judged: {str(error)[:200]}."] = None

    def _needs_record(self, number: int) -> bool:
        return number == self._issuing or self._of_node[number] in self._wanted

    def _take(self, number: int, event: Any, identity: Identity, record: dict[str, Any] | None) -> None:
        time = time_of(event.eventTime)
        if time is None:
            self.holes["Events without a time were matched by rules; they are in no finding."] = None
            return
        name = event.eventID if isinstance(event.eventID, str) else f"{event.eventTime} {event.eventName}"
        if number in self._wanted and record is not None:
            values = {field: _value(get(record)) for field, get in self._wanted[number].items()}
            self._keep(Matched(number, time, name, values))
            self._describe(name, number, event, identity, time)
        if self._rules[number].is_alone:
            key = (number, identity.principal)
            group = self._groups.get(key)
            if group is None:
                if len(self._groups) >= _MAX_FINDINGS:
                    self.holes[f"There are more than {_MAX_FINDINGS:,} findings; the others are not told."] = None
                    return
                group = self._groups[key] = _Group(number, identity)
            _add_to(group, name, time, event, identity)

    def _keep(self, matched: Matched) -> None:
        kept = self._matched[matched.rule]
        if len(kept) >= _MAX_MATCHED:
            title = self._rules[matched.rule].title
            self.holes[f"{title!r} matched more than {_MAX_MATCHED:,} events; its correlations know no more."] = None
            return
        kept.append(matched)

    def _describe(self, name: str, number: int, event: Any, identity: Identity, time: datetime) -> None:
        """Keep what a finding tells of an event by which a correlation may come to hold."""
        if name not in self._samples:
            asked = event.requestParameters
            self._samples[name] = _Sample(
                number,
                identity,
                time,
                event.eventName,
                event.recipientAccountId,
                event.awsRegion,
                event.sourceIPAddress,
                event.userAgent,
                asked if asked is UNSET else bytes(asked)[:_MAX_DETAIL_CHARACTERS],
            )

    def _note_issued(self, record: Mapping[str, Any], identity: Identity) -> None:
        answer = record.get("responseElements")
        credentials = answer.get("credentials") if isinstance(answer, Mapping) else None
        key = credentials.get("accessKeyId") if isinstance(credentials, Mapping) else None
        if not isinstance(key, str) or not key:
            return
        if len(self._issued) >= _MAX_ISSUED:
            self.holes["There are too many role sessions to trace them all back."] = None
            return
        asked = record.get("requestParameters")
        session = asked.get("roleSessionName") if isinstance(asked, Mapping) else None
        self._issued[key] = Issued(
            identity.principal,
            identity.key,
            session if isinstance(session, str) else "",
            str(record.get("sourceIPAddress", "")),
            str(record.get("eventID", "")),
        )

    # ---- findings ----------------------------------------------------------------------------------------------------

    def findings(self) -> Iterator[tuple[Rule, Finding]]:
        """What was found, in no order."""
        for group in self._groups.values():
            rule = self._rules[group.number]
            yield rule, self._finding(rule, group, tuple(group.ids)[:_MAX_IDS], group.count, (group.first, group.last))
        found: dict[int, list[Matched]] = dict(self._matched)
        for number in self._in_order():
            correlation = self._rules[number].correlation
            if correlation is None:
                continue
            held = episodes(correlation, (each for rule in correlation.rules for each in found.get(rule, ())))
            if number in self._wanted:
                found[number] = [Matched(number, each.end, each.at.event, each.at.values) for each in held]
            if self._rules[number].is_alone:
                yield from self._of_episodes(number, held)

    def _in_order(self) -> list[int]:
        """Correlations, those first that others rest on."""
        order: list[int] = []

        def place(number: int) -> None:
            correlation = self._rules[number].correlation
            if correlation is not None and number not in order:
                for each in correlation.rules:
                    place(each)
                order.append(number)

        for number in range(len(self._rules)):
            place(number)
        return order

    def _of_episodes(self, number: int, held: Iterable[Episode]) -> Iterator[tuple[Rule, Finding]]:
        rule = self._rules[number]
        by_principal: dict[str, list[Episode]] = {}
        for episode in held:
            by_principal.setdefault(self._samples[episode.at.event].identity.principal, []).append(episode)
        for of_one in by_principal.values():
            first = of_one[0]
            sample = self._samples[first.at.event]
            group = _Group(number, sample.identity)
            for episode in of_one[:_MAX_NAMED]:
                each = self._samples[episode.at.event]
                _add_to(group, episode.at.event, each.time, each, each.identity)
            ids = tuple(dict.fromkeys(each.at.event for each in of_one))[:_MAX_IDS]
            count = len({event for each in of_one for event in each.events})
            span = (min(each.start for each in of_one), max(each.end for each in of_one))
            yield rule, self._finding(rule, group, ids, count, span)

    def _finding(
        self,
        rule: Rule,
        group: _Group,
        ids: tuple[str, ...],
        count: int,
        span: tuple[datetime | None, datetime | None],
    ) -> Finding:
        identity = group.identity
        moment = datetime.fromtimestamp(0, UTC)
        return Finding(
            rule=rule.title,
            rule_id=rule.id,
            source=rule.source,
            severity=rule.level,
            confidence="medium",
            what=rule.description or rule.title,
            techniques=techniques_of(rule),
            principal=identity.principal,
            session=identity.session,
            key=identity.key,
            behind=tuple(_step(each) for each in chain_of(identity.key, self._issued)),
            accounts=group.named("account"),
            regions=group.named("region"),
            addresses=group.named("address"),
            agents=group.named("agent"),
            calls=group.named("call"),
            first=span[0] or moment,
            last=span[1] or moment,
            count=count,
            events=ids,
            detail=group.detail,
            innocent=rule.false_positives,
            keys=group.named("key"),
            actor=self.actor(identity),
        )

    def used_from_several_networks(self) -> Iterator[tuple[Use, Use]]:
        """Credentials that were used from a second network: the use of the first one, and that of the second.

        Calls through a VPC endpoint come from private addresses, and those of IPv6 from others than those of IPv4:
        they are not compared.
        """
        by_mark: dict[tuple[str, bool], dict[str, Use]] = {}
        for (mark, address), use in self._seen.items():
            network = network_of(address) if isinstance(address, str) else ""
            if not mark or not network or use.is_endpoint:
                continue
            networks = by_mark.setdefault((mark, ":" in network), {})
            known = networks.get(network)
            if known is None or (use.first, use.event) < (known.first, known.event):
                last = use.last if known is None else max(use.last, known.last)
                networks[network] = replace(use, last=last)
            else:
                known.last = max(known.last, use.last)
        for networks in by_mark.values():
            first, *others = sorted(networks.values(), key=lambda use: (use.first, use.event))
            for other in others[:1]:
                yield first, other

    def actor(self, identity: Identity) -> str:
        """The first one known of those who stood behind a caller; of an instance's role, the instance."""
        chain = chain_of(identity.key, self._issued)
        if chain:
            return chain[-1].to
        return f"{identity.principal}/{identity.session}" if identity.is_instance else identity.principal

    def behind(self, key: str) -> tuple[str, ...]:
        """Who stood behind the holder of a key."""
        return tuple(_step(each) for each in chain_of(key, self._issued))


@dataclass(slots=True)
class _Whole:
    """A whole record, read as the light structures are."""

    record: dict[str, Any]
    texts: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        if name in TEXTS:
            return self.texts[name]
        value = self.record.get(name, UNSET)
        return value if value is UNSET else json.dumps(value).encode()


def _is_issuing(value: Any) -> bool:
    return isinstance(value, str) and value.lower() in _ISSUES


def _step(issued: Issued) -> str:
    session = f" as {issued.session}" if issued.session else ""
    return f"{issued.to} from {issued.address}{session}"


def _value(values: list[Any]) -> Any:
    """What a correlation compares of a field; ``None`` of one that is not there."""
    texts = tuple(text[:_MAX_VALUE_CHARACTERS] for value in values for text in fields.texts_of(value)[:1])
    return None if not texts else texts[0] if len(texts) == 1 else texts


def _add_to(group: _Group, name: str, time: datetime, event: Any, identity: Identity) -> None:
    if name in group.ids:
        return
    group.count += 1
    if len(group.ids) < _MAX_COUNTED_IDS:
        group.ids[name] = None
    if group.first is None or time < group.first:
        group.first = time
        group.identity = identity
        asked = event.requestParameters
        group.detail = "" if asked is UNSET else bytes(asked)[:_MAX_DETAIL_CHARACTERS].decode(errors="replace")
    if group.last is None or time > group.last:
        group.last = time
    for what, text in (
        ("account", event.recipientAccountId or identity.account),
        ("region", event.awsRegion),
        ("address", event.sourceIPAddress),
        ("agent", event.userAgent),
        ("call", event.eventName),
        ("key", identity.key),
    ):
        group.note(what, text)


def techniques_of(rule: Rule) -> tuple[str, ...]:
    """The techniques of MITRE ATT&CK that a rule's tags name."""
    return tuple(tag.removeprefix("attack.").upper() for tag in rule.tags if tag.lower().startswith("attack.t"))


def time_of(text: Any) -> datetime | None:
    """An event's time in UTC; ``None`` of what is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


OnFile = Callable[[int, int], None]
