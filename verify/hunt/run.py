"""A whole hunt: reads the files of a place, runs the rules over them, and says what the answer rests on."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from verify.events.event import Event
from verify.hunt.baseline import BASELINE_RULES, Baseline
from verify.hunt.blind import blind_rules
from verify.hunt.events import Events, event_decoder, time_of
from verify.hunt.finding import Finding, Outcome, finding_of, order_of, told_by
from verify.hunt.hunt import Hunt
from verify.hunt.sigma.load import Loaded, Rule
from verify.hunt.timeline import Call, Keys, Timeline
from verify.integrity.sources import PreparedValidation
from verify.logs.answer import MAX_NAMED, Basis, Unread
from verify.logs.places import LogFile, LogSource
from verify.logs.proof import read_proven
from verify.logs.reading import OnProgress, ReadFile, read_files
from verify.storage.layout import LogName
from verify.storage.objects import ObjectName
from verify.times import HISTORY_DAYS, iso

_NAMED_FILES = 5
_OF_HISTORY = (
    "The event history holds management events of the last 90 days: no data events, such as the reading of objects. An "
    "event may take 15 minutes to appear in it."
)
_OF_ALL = (
    "The files' names do not tell their accounts and regions: events of all that are in them were looked at, whatever "
    "--account and --region name."
)
_NO_EVENT = "No event was among what was read: nothing shows that anything was recorded."
_OLDER_SESSIONS = (
    "Sessions that were made before what was read are not known: what was done in them is not among the calls."
)
_CHANGED = "proven files could not be read again, or were others when they were: they are left out."
_LOST_SESSIONS = (
    "Files are read twice, and some could not be read the first time: who made the sessions that they tell of is not "
    "known, so calls may be missing."
)


def run_hunt(
    place: LogSource | PreparedValidation,
    loaded: Loaded,
    on_progress: OnProgress,
    where: Sequence[str] = (),
    start: datetime | None = None,
) -> Outcome:
    """Hunt in the files of a place; of a validation, in those files alone that are proven.

    :param loaded: the rules.
    :param where: the options of ``verify logs`` by which a person looks at the same files.
    :param start: the hunt is in what happened from then on, and what happened before tells what is usual. Default: -
        the hunt is in all of the place's period.
    """
    period, baseline = _period_of(place), None
    if start and period:
        period = start, period[1]
        baseline = Baseline(period)
    hunt = Hunt(loaded.rules, period)
    reading = _Reading(_Together(hunt, baseline) if baseline else hunt, on_progress)
    basis = reading.of(place)
    found = _findings(hunt)
    if baseline:
        found += [replace(each, actor=hunt.actor_of(each)) for each in baseline.findings()]
        basis = replace(basis, period=period, notices=(*basis.notices, baseline.notice()))
    if isinstance(place, LogSource):
        found += _of_missing(place)
    found = [replace(finding, query=_query(finding, where)) for finding in found]
    return replace(_outcome(hunt, loaded, basis, found, baseline.holes if baseline else ()), read=reading.read)


@dataclass(frozen=True, slots=True)
class Searched:
    """A search of the event history, which is read as it goes on.

    :param regions: where it searches; ``failures`` says after it why it could not search some of them.
    :param pages: how many pages were read so far.
    """

    events: Iterable[Event]
    regions: tuple[str, ...]
    period: tuple[datetime, datetime]
    failures: Mapping[str, Exception]
    pages: Callable[[], int]


def hunt_in_history(searched: Searched, loaded: Loaded, now: datetime, on_progress: OnProgress) -> Outcome:
    """Hunt in the event history, which has no data events, and nothing that is older than 90 days.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
    """
    hunt = Hunt(loaded.rules, searched.period)
    unreadable = 0
    days: set[str] = set()
    for event in searched.events:
        if event.problem:
            unreadable += 1
            continue
        hunt.add(Events(records=[dict(event.raw)]))
        days |= {f"{event.time:%Y/%m/%d}"} if event.time else set()
        on_progress(searched.pages(), hunt.events)
    oldest = now - timedelta(days=HISTORY_DAYS)
    basis = Basis(
        source="the event history, of which a page of 50 events counts as a file",
        period=searched.period,
        accounts=(),
        regions=tuple(region for region in searched.regions if region not in searched.failures),
        days=tuple(sorted(days)),
        files=searched.pages(),
        size_bytes=0,
        events=hunt.events,
        unread=tuple(Unread(region, str(why)) for region, why in sorted(searched.failures.items())[:MAX_NAMED]),
        unread_count=len(searched.failures),
        unreadable_records=unreadable,
        holes=(
            (f"The event history begins at {iso(oldest)}; what is older is in log files alone.",)
            if searched.period[0] < oldest
            else ()
        ),
        notices=(_OF_HISTORY,),
    )
    return _outcome(hunt, loaded, basis, _findings(hunt))


def _outcome(
    hunt: Hunt, loaded: Loaded, basis: Basis, found: Iterable[Finding], more_holes: Iterable[str] = ()
) -> Outcome:
    """What a hunt came to, once all was looked at."""
    return Outcome(
        basis,
        tuple(sorted(found, key=order_of)),
        sum(rule.is_alone for rule in loaded.rules),
        loaded.problems,
        tuple(blind_rules(loaded.rules, hunt.calls)) if hunt.events else (),
        (*hunt.holes, *more_holes, *(() if hunt.events else (_NO_EVENT,))),
    )


class Taker(Protocol):
    """Takes in the events of files, one file after the other."""

    @property
    def events(self) -> int:
        """How many events of the period there were."""

    @property
    def fields(self) -> frozenset[str]:
        """The fields that are looked at beside those that every event has."""

    def add(self, events: Events) -> None:
        """Look at the events of a file."""


class _Together:
    """A hunt, and beside it what is usual."""

    def __init__(self, hunt: Hunt, baseline: Baseline) -> None:
        self._hunt = hunt
        self._baseline = baseline

    @property
    def fields(self) -> frozenset[str]:
        return self._hunt.fields

    @property
    def events(self) -> int:
        return self._hunt.events

    def add(self, events: Events) -> None:
        self._hunt.add(events)
        self._baseline.add(events)


@dataclass(frozen=True, slots=True)
class TimelineAnswer:
    """A timeline, and what it rests on.

    :param holes: why calls may be missing, beside the holes of the basis.
    """

    principal: str
    calls: tuple[Call, ...]
    basis: Basis
    holes: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether everything of the period was read, and there was something."""
        return self.basis.is_whole and not self.holes


def run_timeline(place: LogSource | PreparedValidation, principal: str, on_progress: OnProgress) -> TimelineAnswer:
    """All that a principal did, and the sessions that it made; of a validation, by those files alone that are proven.

    :param principal: see :func:`verify.hunt.timeline.is_principal`.
    """
    keys = Keys(principal)
    first = _Reading(keys, on_progress).of(place)
    period = _period_of(place)
    timeline = Timeline(principal, keys.made(), period)
    basis = _Reading(timeline, on_progress).of(place)
    if period is not None:
        basis = replace(basis, notices=(*basis.notices, _OLDER_SESSIONS))
    holes = [*keys.holes, *timeline.holes]
    holes += [] if first.is_whole or not basis.is_whole else [_LOST_SESSIONS]
    holes += [] if timeline.events else [_NO_EVENT]
    return TimelineAnswer(principal, timeline.calls(), basis, tuple(holes))


def _period_of(place: LogSource | PreparedValidation) -> tuple[datetime, datetime] | None:
    return place.period if isinstance(place, LogSource) else (place.request.period.start, place.request.period.end)


class _Reading:
    """Reads files, and keeps count."""

    def __init__(self, hunt: Taker, on_progress: OnProgress) -> None:
        self._hunt = hunt
        self._decode = event_decoder(hunt.fields)
        self._on_progress = on_progress
        self._files: list[_File] = []

    @property
    def read(self) -> frozenset[str]:
        """The shown names of the files that could be read."""
        return frozenset(file.name for file in self._files if not file.problem and (file.events or not file.unreadable))

    def of(self, place: LogSource | PreparedValidation) -> Basis:
        """Read the files of a place, or of a validation those that are proven."""
        return self._all_of(place) if isinstance(place, LogSource) else self._proven_of(place)

    def _all_of(self, place: LogSource) -> Basis:
        """Read all files of a place."""
        for read in read_files(place.store, place.files, self._decode):
            self._count(read)
            self._look(read)
        notices = (*place.notices, *place.not_due, *((_OF_ALL,) if place.only else ()))
        return self._basis(place.source, place.period, place.holes, notices)

    def _proven_of(self, ready: PreparedValidation) -> Basis:
        """Read what the digest chain vouches for: once to judge it, and again, for memory would not hold all of it."""
        judged: list[tuple[LogFile, str]] = []

        def on_read(read: ReadFile) -> int:
            # By its key nothing is known of its size. It is packed about tenfold.
            judged.append((replace(read.file, size_bytes=read.size_bytes // 10), read.sha256))
            self._count(read)
            _forget(read)
            return len(judged) - 1

        proven = read_proven(ready, self._decode, on_read)
        counts = len(self._files), sum(file.events for file in self._files)
        self._files = []
        wanted = [judged[number] for number in sorted(proven.files)]
        changed = 0
        again = read_files(ready.store, [file for file, _ in wanted], self._decode, hashes=True)
        for read, (_, sha256) in zip(again, wanted, strict=True):
            if read.sha256 != sha256:
                changed += 1
                continue
            self._count(read)
            self._look(read)
        holes = [*proven.holes, *([f"{changed} {_CHANGED}"] if changed else [])]
        basis = self._basis(ready.request.source, _period_of(ready), tuple(holes), proven.notices)
        return replace(basis, read=counts)

    def _count(self, read: ReadFile) -> None:
        self._files.append(_File(read))
        self._on_progress(len(self._files), self._hunt.events)

    def _look(self, read: ReadFile) -> None:
        if isinstance(read.decoded, Events):
            self._hunt.add(read.decoded)
            _forget(read)

    def _basis(
        self,
        source: str,
        period: tuple[datetime, datetime] | None,
        holes: tuple[str, ...],
        notices: tuple[str, ...],
    ) -> Basis:
        files = self._files
        unread = [Unread(file.name, file.problem) for file in files if file.problem]
        return Basis(
            source=source,
            period=period,
            accounts=tuple(sorted({file.account for file in files} - {""})),
            regions=tuple(sorted({file.region for file in files} - {""})),
            days=tuple(sorted({file.day for file in files} - {""})),
            files=len(files),
            size_bytes=sum(file.size_bytes for file in files),
            events=self._hunt.events,
            unread=tuple(unread[:MAX_NAMED]),
            unread_count=len(unread),
            unreadable_records=sum(file.unreadable for file in files),
            replaced_records=sum(file.replaced for file in files),
            holes=holes,
            notices=notices,
        )


def _forget(read: ReadFile) -> None:
    """Let go of the events of a file."""
    if isinstance(read.decoded, Events):
        read.decoded.light, read.decoded.records = [], []


class _File:
    """What is kept of a file that was read."""

    __slots__ = ("account", "day", "events", "name", "problem", "region", "replaced", "size_bytes", "unreadable")

    def __init__(self, read: ReadFile) -> None:
        self.name = read.file.shown_name
        self.account, self.region, self.day = read.file.account, read.file.region, read.file.day
        self.size_bytes, self.problem = read.size_bytes, read.problem
        self.events = read.decoded.events
        self.unreadable, self.replaced = read.decoded.unreadable_count, read.decoded.replaced_count


def _query(finding: Finding, where: Sequence[str]) -> str:
    """What to ask ``verify logs`` next: all that this caller did around that time."""
    start = finding.first.replace(minute=0, second=0)
    end = finding.last.replace(minute=0, second=0) + timedelta(hours=1)
    words = ["python", "-m", "verify", "logs", "show", *where]
    if finding.key:
        words += ["--access-key", finding.key]
    elif ":role/" in finding.principal:
        words += ["--role", finding.principal]
    elif finding.principal.startswith("arn:"):
        words += ["--user", finding.principal]
    elif finding.events:
        words += ["--event-id", finding.events[0]]
    if finding.first.timestamp():
        words += ["--start", iso(start)]
        words += ["--end", iso(end)]
    return shlex.join(words)


def _findings(hunt: Hunt) -> list[Finding]:
    """What the rules found, graver where a chain of roles began away from where its user works; and by networks."""
    homes = hunt.homes()
    return [
        told_by(_CHAIN_FROM_ELSEWHERE, finding)
        if rule.id == _READ_BY_CHAIN and any(hunt.is_from_elsewhere(key, homes) for key in finding.keys)
        else finding
        for rule, finding in hunt.findings()
    ] + list(_of_networks(hunt))


def _of_networks(hunt: Hunt) -> Iterator[Finding]:
    """Credentials that were used from several networks: of an instance, that is theft until it is explained."""
    for first, second in hunt.used_from_several_networks():
        identity = second.identity
        # An instance that was stopped and started has another address, and never the old one again.
        rule = _INSTANCE_ELSEWHERE if first.last >= second.first else _INSTANCE_MOVED
        yield replace(
            finding_of(rule, time_of(first.first), time_of(second.first), 2),
            principal=identity.principal,
            session=identity.session,
            key=identity.key,
            behind=hunt.behind(identity.key),
            accounts=(identity.account,) if identity.account else (),
            addresses=(first.address, second.address),
            events=(second.event,) if second.event else (),
            keys=(identity.key,),
            actor=hunt.actor(identity),
        )


_INSTANCE_ELSEWHERE = Rule(
    title="An instance's credentials are used from another network",
    source="verify/hunt/run.py",
    level="high",
    id="securetrail-instance-credentials-elsewhere",
    tags=("attack.t1552.005", "attack.t1078.004"),
    description="Credentials that the metadata service gave an instance were used from more than one network. They are "
    "good for nobody but that instance, so whoever uses them elsewhere took them from it.",
    false_positives=("The instance's calls leave by several gateways.",),
    more={
        "confidence": "high",
        "next": [
            "Find out which of the addresses is the instance's: its own, or that of its NAT gateway.",
            "Revoke the role's sessions (iam put-role-policy with aws:TokenIssueTime), and require IMDSv2.",
            "Look at all calls from the other address.",
        ],
    },
)
_INSTANCE_MOVED = replace(
    _INSTANCE_ELSEWHERE,
    title="An instance's credentials are used from a new network",
    id="securetrail-instance-credentials-moved",
    level="low",
    description="Credentials that the metadata service gave an instance came from one network first, and then from "
    "another: the instance has a new address, or somebody took them from it.",
    more={**_INSTANCE_ELSEWHERE.more, "confidence": "low"},
)


# Of secrets.yml: what it finds is graver if the chain began elsewhere.
_READ_BY_CHAIN = "2b8f4d57-3c1e-4e0b-b1c4-7e9a52d6a813"
_CHAIN_FROM_ELSEWHERE = Rule(
    title="A secret is read through a chain of roles that began in another network",
    source="verify/hunt/run.py",
    level="medium",
    id="securetrail-secret-by-chain-from-elsewhere",
    tags=("attack.t1550.001", "attack.t1555.006", "attack.t1078.004"),
    description="A session of one role took another role and read a secret or an encrypted parameter, and the chain "
    "began with a user's access key in another network than the one where that key was used first.",
    false_positives=("Somebody who works from several places signs in to one role and works with another.",),
    more={
        "confidence": "medium",
        "next": [
            "Ask the user, by another channel than the account, whether they called from that address.",
            "If they did not: deactivate the access key, revoke the sessions of both roles, and replace the secret.",
            "Look at what the roles' trust policies allow (aws iam get-role).",
        ],
    },
)

_MISSING = Rule(
    title="Log files are missing",
    source="verify/hunt/run.py",
    level="high",
    id="securetrail-missing-log-files",
    description="Log files that a digest lists are not there: what they recorded is not known.",
    tags=("attack.t1070", "attack.t1562.008"),
    false_positives=("A copy of the bucket is not complete.", "A lifecycle rule removed old files."),
    more={
        "confidence": "medium",
        "next": [
            "Ask who removed them: DeleteObject in the data events of the bucket, or its server access logs.",
            "Run: python -m verify integrity",
        ],
    },
)
PYTHON_RULES = (_INSTANCE_ELSEWHERE, _INSTANCE_MOVED, _CHAIN_FROM_ELSEWHERE, _MISSING, *BASELINE_RULES)


def _of_missing(place: LogSource) -> Iterator[Finding]:
    """Log files that a digest lists and that are not there."""
    for account, region, keys in place.missing:
        named = [LogName.parse(ObjectName("", key)) for key in keys]
        moments = sorted(each.delivered for each in named if each is not None)
        first, last = (moments[0], moments[-1]) if moments else (None, None)
        yield replace(
            finding_of(_MISSING, first, last, len(keys)),
            what=f"{_MISSING.description} They are {len(keys)}.",
            accounts=(account,),
            regions=(region,),
            detail=", ".join(keys[:_NAMED_FILES]) + (" …" if len(keys) > _NAMED_FILES else ""),
            actor=f"whoever removed log files of {account}",
        )
