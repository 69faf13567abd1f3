"""Runs rules over the events of log files, as they are read, and keeps what they match. Pure.

Most events touch no rule: for each combination of a call's name, its service, its error and its kind of caller it is
worked out once what is left of every rule (``sigma.prefilter``). Only of an event that a rule may match by more than
its light fields is the record read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET

from verify.hunt.events import TEXTS, Events, light_getter, light_of, record_of, time_of
from verify.hunt.finding import Finding, finding_of
from verify.hunt.identity import Identity, Issued, chain_of, identity_of, network_of, principal_of
from verify.hunt.kept import Kept, KeptOfRule, matched_of, values_in
from verify.hunt.sigma.accounts import LOOKED_AT, OTHER_ACCOUNTS
from verify.hunt.sigma.correlation import Correlation, Episode, Matched, episodes
from verify.hunt.sigma.fields import Getter, getter
from verify.hunt.sigma.load import Rule
from verify.hunt.sigma.matching import Match, Node, Test, fields_of, matcher
from verify.hunt.sigma.prefilter import Answers, Index, Words, residual, words_of

_TOGETHER: Final = (
    "eventName",
    "eventSource",
    "errorCode",
    "userIdentity.type",
    "userIdentity.sessionContext.ec2RoleDelivery",
    "userIdentity.sessionContext.sessionIssuer.type",
)
# Of these what rules say of their values decides, not the values themselves.
_BY_ANSWERS: Final = ("userIdentity.arn", "sourceIPAddress", "userAgent")
_MAX_KEPT = 50_000
_MAX_MATCHED = 200_000
_MAX_ISSUED = 200_000
_MAX_SESSIONS = 100_000
_MAX_PLACES = 200_000
_MAX_FINDINGS = 20_000
_MAX_IDS = 50
_MAX_COUNTED_IDS = 20_000
_MAX_NAMED = 10
_NAMES_LOOKED_AT = 1_000
_MAX_DETAIL_CHARACTERS = 400
_TIME_CHARACTERS = len("2026-01-31T12:00:00Z")
# Of calls that hand out credentials, what tells to whom.
_OF_ISSUED: Final = ("requestParameters", "responseElements")
_NO_TIME: Final = "Events without a time were matched by rules; they are in no finding."
_NO_EVENTS: Final = "Some records do not name a call: they are no events of CloudTrail, or were altered."
ISSUES: Final = frozenset(
    {
        "assumerole",
        "assumerolewithsaml",
        "assumerolewithwebidentity",
        "assumeroot",
        "getfederationtoken",
        "getsessiontoken",
    }
)


# Whose session may be an instance's.
_INSTANCES: Final = Test("userIdentity.arn", lambda values: any("/i-" in (each or "") for each in values))
_NOBODY: Final = SimpleNamespace(type=UNSET, arn=UNSET, sessionContext=UNSET, accessKeyId=UNSET)


class _Heavy(NamedTuple):
    """A rule for which the record has to be read.

    :param words: by part of the record, see :func:`verify.hunt.sigma.prefilter.words_of`.
    :param names: the record's own fields that it looks at; ``None`` for all.
    """

    number: int
    matches: Match
    words: tuple[tuple[str, tuple[bytes, ...]], ...] | None
    names: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of the rules for a combination of values.

    :param matched: the rules that match whatever the rest of the event is, and of whose events something is kept.
    :param alone: those by their numbers of whose events nothing is kept: they are counted.
    :param light: those that light fields decide, each with its test.
    :param heavy: those for which the record has to be read.
    :param asks: whether anything is to be done with such an event.
    :param is_issuing: whether such a call hands out credentials.
    :param is_nameless: whether it does not say which call it is.
    :param is_by_user: whether an IAM user made it, of whose access keys the addresses are kept.
    :param may_be_by_instance: whether an instance may have made it, of whose sessions the addresses are kept.
    """

    matched: tuple[int, ...]
    alone: tuple[int, ...]
    light: tuple[tuple[int, Match], ...]
    heavy: tuple[_Heavy, ...]
    asks: bool
    is_issuing: bool
    is_nameless: bool
    is_by_user: bool
    may_be_by_instance: bool


@dataclass(slots=True)
class _Group:
    """What one rule found of one principal. Times are as records write them, until they are told."""

    number: int
    identity: Identity
    ids: dict[str, None] = field(default_factory=dict)
    count: int = 0
    first: str = ""
    last: str = ""
    detail: str = ""
    names: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, name: str, time: str, event: Any) -> None:
        """Count an event, once."""
        if name in self.ids:
            return
        self.count = count = self.count + 1
        if count <= _MAX_COUNTED_IDS:
            self.ids[name] = None
        self._note_times(time, time, event)
        if count <= _NAMES_LOOKED_AT:
            self._note_names(event)

    def add_all(self, events: Sequence[Any]) -> bool:
        """Count events, if they are all as usual: new ones, with ids and times as records write them."""
        names, times = [event.eventID for event in events], [event.eventTime for event in events]
        if not (
            all(names) and self.ids.keys().isdisjoint(names) and len(set(names)) == len(names) and _are_plain(times)
        ):
            return False
        before = self.count
        self.count += len(names)
        self.ids.update(dict.fromkeys(names[: max(0, _MAX_COUNTED_IDS - before)]))
        first = min(times)
        self._note_times(first, max(times), events[times.index(first)])
        for event in events[: max(0, _NAMES_LOOKED_AT - before)]:
            self._note_names(event)
        return True

    def _note_times(self, first: str, last: str, event: Any) -> None:
        """Note the times of events, of which one was the first."""
        if not self.first or first < self.first:
            self.first = first
            self.identity = identity_of(event.userIdentity)
            asked = event.requestParameters
            self.detail = "" if asked is UNSET else bytes(asked)[:_MAX_DETAIL_CHARACTERS].decode(errors="replace")
        if last > self.last:
            self.last = last

    def _note_names(self, event: Any) -> None:
        caller = event.userIdentity
        account = event.recipientAccountId or (caller.accountId if caller else "")
        for what, text in (
            ("account", account),
            ("region", event.awsRegion),
            ("address", event.sourceIPAddress),
            ("agent", event.userAgent),
            ("call", event.eventName),
            ("key", caller.accessKeyId if caller else ""),
        ):
            kept = self.names[what]
            if text and len(kept) < _MAX_NAMED:
                kept[text] = None

    def named(self, what: str) -> tuple[str, ...]:
        """The names that were kept, of very many the first."""
        return tuple(self.names.get(what, ()))


class _Caller(NamedTuple):
    """What of a caller is looked at for each event.

    :param kind: what it is, what its session is, and what rules say of its ARN.
    :param principal: see :func:`verify.hunt.identity.principal_of`.
    """

    kind: tuple[Any, ...]
    principal: str


class _KnownCallers(dict[Any, _Caller]):
    """Callers by their ``userIdentity``.

    :param arns: what rules say of each ARN.
    """

    def __init__(self, arns: Answers) -> None:
        super().__init__()
        self._arns = arns

    def __missing__(self, identity: Any) -> _Caller:
        caller = identity or _NOBODY
        context = caller.sessionContext
        issuer = context.sessionIssuer if context else UNSET
        delivery = context.ec2RoleDelivery if context else UNSET
        kind = (caller.type, delivery, issuer.type if issuer else UNSET, self._arns[caller.arn])
        if len(self) >= _MAX_KEPT:
            self.clear()
        self[identity] = found = _Caller(kind, principal_of(identity))
        return found


class Use(msgspec.Struct, gc=False):
    """Credentials used from an address.

    :param first: when, and ``last``, as records write times; ``event`` is the id of the first.
    """

    first: str
    last: str
    event: str
    address: str
    caller: Any

    @property
    def identity(self) -> Identity:
        """Who used them."""
        return identity_of(self.caller)


class Hunt:
    """A run of rules over files.

    :param rules: the rules; correlations name others by position.
    :param period: the times between which an event must lie.
    """

    def __init__(self, rules: Sequence[Rule], period: tuple[datetime, datetime] | None = None) -> None:
        self._rules = rules
        self._moments = tuple(each.astimezone(UTC) for each in period) if period else None
        self._period = tuple(f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in self._moments) if self._moments else None
        self._of_node = [number for number, rule in enumerate(rules) if rule.node is not None]
        self._nodes: list[Node] = [rule.node for rule in rules if rule.node is not None]
        self._matchers: list[Match] = [matcher(each) for each in self._nodes]
        self._index = Index(self._nodes, _TOGETHER[0])
        self._arns, self._addresses, self._agents = (
            Answers((*self._nodes, _INSTANCES), name, UNSET) for name in _BY_ANSWERS
        )
        self._callers = _KnownCallers(self._arns)
        self._arns.on_forgotten = self._callers.clear
        self._left: dict[tuple[Any, ...], _Left] = {}
        self._kept = {number: KeptOfRule(names) for number, names in self._wanted_fields().items()}
        # By condition: its rule, what is kept of its events, and whether it finds something by itself.
        self._uses = [(number, self._kept.get(number), rules[number].is_alone) for number in self._of_node]
        self._groups: dict[tuple[int, str], _Group] = {}
        self._samples: dict[str, Kept] = {}
        self._shared: dict[Any, Any] = {}
        self._issued: dict[str, Issued] = {}
        self._sessions: dict[str, list[Use]] = {}
        # The same uses, by the session and the address.
        self._used: dict[tuple[Any, Any], Use] = {}
        # By a user's access key and an address, when the key was first used there.
        self._places: dict[tuple[Any, Any], str] = {}
        self.calls: set[tuple[Any, Any]] = set()
        self.events = 0
        self.holes: dict[str, None] = {}

    @property
    def fields(self) -> frozenset[str]:
        """The fields that rules look at; ``""`` if one looks at the whole record."""
        looked_at = {name for node in self._nodes for name in fields_of(node)}
        looked_at |= {name for kept in self._kept.values() for name in kept.getters}
        return frozenset(looked_at | {"responseElements"})

    def _wanted_fields(self) -> dict[int, dict[str, Getter]]:
        """Of rules that correlations rest on: the fields of their events that are asked for."""
        wanted: dict[int, set[str]] = {}
        for number in range(len(self._rules) - 1, -1, -1):
            self._ask(number, wanted)
        return {number: {name: getter(name) for name in sorted(names)} for number, names in wanted.items()}

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

    def add(self, events: Events) -> None:
        """Look at the events of a file."""
        for (numbers, principal), several in self._look_at(events.light).items():
            for number in numbers:
                self._count(number, principal, several)
        for record in events.records:
            self._add_record(record)

    def _look_at(self, events: Iterable[Any]) -> Mapping[tuple[tuple[int, ...], str], list[Any]]:
        """Look at events; those that are only counted are returned, by the rules and by who made them."""
        left, used, period = self._left, self._used, self._period
        callers, addresses, agents = self._callers, self._addresses, self._agents
        counted: defaultdict[tuple[tuple[int, ...], str], list[Any]] = defaultdict(list)
        for event in events:
            if period is not None:
                time = event.eventTime
                if time and not period[0] <= time <= period[1] and self._is_outside(time):
                    continue
            self.events += 1
            kind, principal = callers[event.userIdentity]
            key = (
                event.eventName,
                event.eventSource,
                event.errorCode,
                kind,
                addresses[event.sourceIPAddress],
                agents[event.userAgent],
            )
            found = left.get(key) or self._left_of(key)
            if found.may_be_by_instance:
                # From where an instance's credentials were used; most times it is known.
                caller = event.userIdentity or _NOBODY
                time, use = event.eventTime, used.get((caller.arn, event.sourceIPAddress))
                if use is None or not time or time < use.first or event.vpcEndpointId is not UNSET:
                    self._note_address(event, caller)
                elif time > use.last:
                    use.last = time
            elif found.is_by_user:
                self._note_place((event.userIdentity.accessKeyId, event.sourceIPAddress), event.eventTime)
            if found.alone:
                counted[found.alone, principal].append(event)
            if found.asks:
                self._judge(found, event, principal)
        return counted

    def _add_record(self, record: dict[str, Any]) -> None:
        """A record of a file that does not fit: every rule is asked."""
        event = light_of(record)
        time = event.eventTime
        if time and self._is_outside(time):
            return
        self.events += 1
        if not event.eventName and ("eventName" in record or not event.eventID):
            self.holes[_NO_EVENTS] = None
        self.calls.add((event.eventName, event.eventSource))
        if isinstance(event.eventName, str) and event.eventName.lower() in ISSUES:
            self._note_issued(record, event)
        if event.userIdentity:
            self._note_address(event, event.userIdentity)
            if event.userIdentity.type == "IAMUser":
                self._note_place((event.userIdentity.accessKeyId, event.sourceIPAddress), time)
        matched: list[int] = []
        try:
            matched.extend(number for number, matches in enumerate(self._matchers) if matches(record))
        except (ValueError, RecursionError) as error:
            self._tell_unjudged(error)
        self._take(matched, event, principal_of(event.userIdentity), record)

    def _is_outside(self, text: str) -> bool:
        """Whether a time is known to be none of the period, however it is written."""
        moment = time_of(text)
        return self._moments is not None and moment is not None and not self._moments[0] <= moment <= self._moments[1]

    def _left_of(self, key: tuple[Any, ...]) -> _Left:
        if len(self._left) >= _MAX_KEPT:
            self._left.clear()
        name, source, error, (kind, *of_session, arn), address, agent = key
        values = (name, source, error, kind, *of_session)
        known = {name: [] if value is UNSET else [value] for name, value in zip(_TOGETHER, values, strict=True)}
        numbers = (arn, address, agent)
        answers = zip(_BY_ANSWERS, (self._arns, self._addresses, self._agents), numbers, strict=True)
        alike = {name: of.example(number) for name, of, number in answers}
        matched: list[int] = []
        light: list[tuple[int, Match]] = []
        heavy: list[_Heavy] = []
        for number in self._index.of(name):
            node = residual(self._nodes[number], known, alike)
            if node is True:
                matched.append(number)
            elif not isinstance(node, bool):
                looked_at = fields_of(node)
                if looked_at <= set(TEXTS):
                    light.append((number, matcher(node, _light_get)))
                else:
                    heavy.append(_Heavy(number, matcher(node), _by_part(words_of(node)), _own_fields(looked_at)))
        is_issuing, is_nameless = isinstance(name, str) and name.lower() in ISSUES, name is UNSET
        uses = [(node, *self._uses[node]) for node in matched]
        found = _Left(
            tuple(node for node, _, kept, _ in uses if kept is not None),
            tuple(number for _, number, kept, is_alone in uses if kept is None and is_alone),
            tuple(light),
            tuple(heavy),
            asks=bool(light or heavy or is_issuing or is_nameless) or any(kept is not None for _, _, kept, _ in uses),
            is_issuing=is_issuing,
            is_nameless=is_nameless,
            is_by_user=kind == "IAMUser",
            may_be_by_instance=kind != "IAMUser" and (bool(of_session[0]) or residual(_INSTANCES, alike) is True),
        )
        self._left[key] = found
        if name is None:
            self.holes[_NO_EVENTS] = None
        if len(self.calls) < _MAX_KEPT:
            self.calls.add((name, source))
        return found

    def _note_address(self, event: Any, caller: Any) -> None:
        """Keep from where an instance's credentials are used; through a VPC endpoint, addresses are private."""
        name, address, time = caller.arn, event.sourceIPAddress, event.eventTime
        endpoint = event.vpcEndpointId
        if (endpoint is not UNSET and bytes(endpoint) != b"null") or not (name and address and time):
            return
        uses = self._sessions.get(name)
        if uses is None:
            if not identity_of(caller).is_instance:
                return
            if len(self._sessions) >= _MAX_SESSIONS:
                # Those that were noted first are the oldest, and most of them are over.
                oldest = next(iter(self._sessions))
                for each in self._sessions.pop(oldest):
                    del self._used[oldest, each.address]
                self.holes[
                    f"More than {_MAX_SESSIONS:,} instances made calls: only the last ones' addresses are compared."
                ] = None
            uses = self._sessions[name] = []
        use = self._used.get((name, address))
        if use is None:
            # Two networks are enough for a finding; however many addresses of one came before.
            networks = {"", *(network_of(each.address) for each in uses)}
            if len(uses) < _MAX_NAMED or (len(uses) < 2 * _MAX_NAMED and network_of(address) not in networks):
                use = self._used[name, address] = Use(time, time, event.eventID or "", address, caller)
                uses.append(use)
        elif time > use.last:
            use.last = time
        elif time < use.first:
            use.first, use.event = time, event.eventID or ""

    def _note_place(self, place: tuple[Any, Any], time: Any) -> None:
        """Keep when a user's access key was first used at an address, of those that are networks'."""
        known = self._places.get(place)
        if known is not None:
            if time and time < known:
                self._places[place] = time
            return
        if not (time and place[0] and network_of(place[1] or "")):
            return
        if len(self._places) >= _MAX_PLACES:
            self.holes[
                f"Users' access keys were used at more than {_MAX_PLACES:,} addresses; no more are compared."
            ] = None
            return
        self._places[place] = time

    # ---- judging -----------------------------------------------------------------------------------------------------

    def _judge(self, left: _Left, event: Any, principal: str) -> None:
        """Ask the rules that an event may match."""
        if left.is_nameless and not event.eventID:
            self.holes[_NO_EVENTS] = None
        if left.is_issuing:
            self._note_issued(None, event)
        matched: Sequence[int] = left.matched
        if left.light or left.heavy:
            matched = list(matched)
            try:
                matched.extend(number for number, matches in left.light if matches(event))
                if left.heavy:
                    _ask_heavy(left.heavy, event, matched)
            except (ValueError, RecursionError) as error:
                self._tell_unjudged(error)
        if matched:
            self._take(matched, event, principal)

    def _take(self, nodes: Iterable[int], event: Any, principal: str, record: dict[str, Any] | None = None) -> None:
        """Keep an event that rules match.

        :param record: it as a whole, if it was read so.
        """
        name_and_time = self._name_and_time(event)
        if name_and_time is None:
            return
        name, time = name_and_time
        row: Kept | None = None
        for node in nodes:
            number, kept, is_alone = self._uses[node]
            if kept is not None:
                row = row or self._row(time, name, event)
                self._keep(number, kept, row, event, record)
            if is_alone and (group := self._group(number, principal, event)):
                group.add(name, time, event)

    def _count(self, number: int, principal: str, events: Sequence[Any]) -> None:
        """Count a principal's events of one file that a rule matches. Some rules match all events of a principal."""
        group = self._group(number, principal, events[0])
        if group is None:
            return
        if not group.add_all(events):
            for event in events:
                name_and_time = self._name_and_time(event)
                if name_and_time is not None:
                    group.add(*name_and_time, event)

    def _group(self, number: int, principal: str, event: Any) -> _Group | None:
        """What a rule found of a principal; ``None`` if there are too many of these already."""
        key = (number, principal)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= _MAX_FINDINGS:
                self.holes[f"There are more than {_MAX_FINDINGS:,} findings; the others are not told."] = None
                return None
            group = self._groups[key] = _Group(number, identity_of(event.userIdentity))
        return group

    def _name_and_time(self, event: Any) -> tuple[str, str] | None:
        """What tells an event from others, and its time as records write it; ``None`` of one without a time."""
        time = event.eventTime
        if not (type(time) is str and len(time) == _TIME_CHARACTERS and time[-1] == "Z" and time[10] == "T"):
            time = _plain_time(time)
            if not time:
                self.holes[_NO_TIME] = None
                return None
        return event.eventID or f"{time} {event.eventName}", time

    def _row(self, time: str, name: str, event: Any) -> Kept:
        """What is kept of an event. What many events have alike is kept once: that saves most of the memory."""
        if len(self._shared) >= _MAX_KEPT:
            self._shared.clear()
        share = self._shared.setdefault
        asked = event.requestParameters
        return Kept(
            time,
            name,
            event.userIdentity,
            share(event.eventName, event.eventName),
            share(event.recipientAccountId, event.recipientAccountId),
            share(event.awsRegion, event.awsRegion),
            share(event.sourceIPAddress, event.sourceIPAddress),
            share(event.userAgent, event.userAgent),
            asked if asked is UNSET else bytes(asked)[:_MAX_DETAIL_CHARACTERS],
        )

    def _keep(self, number: int, kept: KeptOfRule, row: Kept, event: Any, record: dict[str, Any] | None) -> None:
        """Keep an event that correlations rest on."""
        if len(kept.events) >= _MAX_MATCHED:
            title = self._rules[number].title
            self.holes[f"{title!r} matched more than {_MAX_MATCHED:,} events; its correlations know no more."] = None
        elif kept.is_light:
            kept.events.append(row)
        else:
            try:
                record = record_of(event, _own_fields(kept.getters)) if record is None else record
                values = values_in(record, kept.getters.values())
            except (ValueError, RecursionError) as error:
                self._tell_unjudged(error)
            else:
                kept.events.append(msgspec.structs.replace(row, values=values))

    def _tell_unjudged(self, error: Exception) -> None:
        self.holes[f"An event could not be judged: {str(error)[:200]}."] = None

    def _note_issued(self, record: Mapping[str, Any] | None, event: Any) -> None:
        """Remember to whom a call handed out credentials.

        :param record: as a whole, if it was read.
        """
        if record is None:
            answered = event.responseElements
            text = b"" if answered is UNSET else bytes(answered)
            if b"accessKeyId" not in text and b"\\" not in text:
                return
            try:
                record = record_of(event, _OF_ISSUED)
            except (ValueError, RecursionError) as error:
                self._tell_unjudged(error)
                return
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
        caller = identity_of(event.userIdentity)
        self._issued[key] = Issued(
            caller.principal,
            caller.key,
            session if isinstance(session, str) else "",
            event.sourceIPAddress or "",
            event.eventID or "",
        )

    # ---- findings ----------------------------------------------------------------------------------------------------

    def findings(self) -> Iterator[tuple[Rule, Finding]]:
        """What was found, in no order."""
        for group in self._groups.values():
            rule = self._rules[group.number]
            span = (time_of(group.first), time_of(group.last))
            yield rule, self._finding(rule, group, tuple(group.ids)[:_MAX_IDS], group.count, span)
        found: dict[int, list[Matched]] = {}
        for number in self._in_order():
            correlation = self._rules[number].correlation
            if correlation is None:
                continue
            held = episodes(correlation, [*self._matched(correlation), *_of_rules(found, correlation.rules)])
            if number in self._kept:
                found[number] = [Matched(number, each.end, each.at.event, each.at.values) for each in held]
            if self._rules[number].is_alone:
                yield from self._of_episodes(number, held)

    def _matched(self, correlation: Correlation) -> Iterator[Matched]:
        """The kept events of a correlation's rules, but those whose groups are too small for it to hold."""
        is_simple = all(self._rules[rule].node is not None for rule in correlation.rules)
        for matched, row in matched_of(correlation, self._kept, is_simple=is_simple):
            if matched is None:
                self.holes[_NO_TIME] = None
            else:
                self._samples[row.name] = row
                yield matched

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
            caller = self._samples[episode.at.event].userIdentity
            by_principal.setdefault(principal_of(caller), []).append(episode)
        for of_one in by_principal.values():
            group = _Group(number, identity_of(self._samples[of_one[0].at.event].userIdentity))
            for episode in of_one[:_MAX_NAMED]:
                sample = self._samples[episode.at.event]
                group.add(episode.at.event, sample.time, sample)
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
        return replace(
            finding_of(rule, *span, count),
            principal=identity.principal,
            session=identity.session,
            key=identity.key,
            behind=tuple(_step(each) for each in chain_of(identity.key, self._issued)),
            accounts=group.named("account"),
            regions=group.named("region"),
            addresses=group.named("address"),
            agents=group.named("agent"),
            calls=group.named("call"),
            events=ids,
            detail=group.detail,
            keys=group.named("key"),
            actor=self.actor(identity),
        )

    def used_from_several_networks(self) -> Iterator[tuple[Use, Use]]:
        """Instances whose credentials were used from a second network: the use of the first one, and of the second.

        Addresses of IPv6 are not compared with those of IPv4.
        """
        for uses in self._sessions.values():
            if len(uses) == 1:
                continue
            for is_v6 in (False, True):
                networks: dict[str, Use] = {}
                for use in sorted(uses, key=lambda each: (each.first, each.event)):
                    network = network_of(use.address)
                    if network and (":" in network) is is_v6:
                        known = networks.setdefault(network, use)
                        known.last = max(known.last, use.last)
                if len(networks) > 1:
                    first, second, *_ = networks.values()
                    yield first, second

    def homes(self) -> dict[str, str]:
        """Of users' access keys, the network where each was used first."""
        first: dict[str, tuple[str, str]] = {}
        for (key, address), time in self._places.items():
            first[key] = min(first.get(key, (time, address)), (time, address))
        return {key: network_of(address) for key, (_, address) in first.items()}

    def is_from_elsewhere(self, key: str, homes: Mapping[str, str]) -> bool:
        """Whether a session goes back to a user's access key in another network than the one where that began."""
        chain = chain_of(key, self._issued)
        home = homes.get(chain[-1].to_key, "") if chain else ""
        return bool(home) and network_of(chain[-1].address) not in ("", home)

    def actor(self, identity: Identity) -> str:
        """The first one known of those who stood behind a caller; of an instance's role, the instance."""
        chain = chain_of(identity.key, self._issued)
        if chain:
            return chain[-1].to
        return f"{identity.principal}/{identity.session}" if identity.is_instance else identity.principal

    def actor_of(self, finding: Finding) -> str:
        """The same of whom a finding is about."""
        chain = chain_of(finding.key, self._issued)
        return chain[-1].to if chain else finding.principal

    def behind(self, key: str) -> tuple[str, ...]:
        """Who stood behind the holder of a key."""
        return tuple(_step(each) for each in chain_of(key, self._issued))


def _ask_heavy(heavy: Iterable[_Heavy], event: Any, matched: list[int]) -> None:
    """Ask the rules for which the record has to be read, and read no more of it than they look at.

    :param matched: is told which of them match.
    """
    record: dict[str, Any] = {}
    texts: dict[str, bytes] = {}
    for number, matches, words, names in heavy:
        if words is not None and not _may_have(event, words, texts):
            continue
        if names is None:
            record = record_of(event)
        else:
            for name in names:
                if name not in record:
                    record |= record_of(event, (name,))
        if matches(record):
            matched.append(number)


def _may_have(event: Any, words: Iterable[tuple[str, tuple[bytes, ...]]], texts: dict[str, bytes]) -> bool:
    """Whether parts of an event's record have one of these words, or may have it in another spelling.

    :param texts: the parts that were looked at before.
    """
    for part, of_part in words:
        text = texts.get(part)
        if text is None:
            raw = getattr(event, part, UNSET)
            text = texts[part] = b"" if raw is UNSET else bytes(raw)
        if b"\\" in text:
            return True
        for word in of_part:  # any() takes several times as long
            if word in text:
                return True
    return False


def _by_part(words: Words | None) -> tuple[tuple[str, tuple[bytes, ...]], ...] | None:
    if words is None:
        return None
    by_part: dict[str, list[bytes]] = {}
    for part, word in sorted(words):
        by_part.setdefault(part, []).append(word)
    return tuple((part, tuple(of_part)) for part, of_part in by_part.items())


def _own_fields(fields: Iterable[str]) -> tuple[str, ...] | None:
    """The record's own fields in which these lie; ``None`` if one is the whole record."""
    found: set[str] = set()
    for each in fields:
        if not each:
            return None
        found |= LOOKED_AT if each == OTHER_ACCOUNTS else {each.partition(".")[0]}
    return tuple(sorted(found))


def _step(issued: Issued) -> str:
    session = f" as {issued.session}" if issued.session else ""
    return f"{issued.to} from {issued.address}{session}"


def _light_get(name: str) -> Getter:
    """The getter of a field that is known to be light."""
    get = light_getter(name)
    assert get is not None  # noqa: S101 - it was asked before
    return get


def _of_rules(found: Mapping[int, list[Matched]], rules: Iterable[int]) -> Iterator[Matched]:
    for rule in rules:
        yield from found.get(rule, ())


def _are_plain(times: Sequence[Any]) -> bool:
    """Whether all times are as records write them; very many, looked at together."""
    if not all(type(time) is str for time in times) or set(map(len, times)) != {_TIME_CHARACTERS}:
        return False
    text = "".join(times)
    return set(text[10::_TIME_CHARACTERS]) == {"T"} and set(text[_TIME_CHARACTERS - 1 :: _TIME_CHARACTERS]) == {"Z"}


def _plain_time(text: Any) -> str:
    """A time as records write it, ``2026-01-31T12:00:00Z``; ``""`` of what is none."""
    if not isinstance(text, str):
        return ""
    moment = time_of(text)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else ""
