"""The honest side: CloudTrail, as its documents describe it, played over a case's history.

Where the documents are silent, the history varies: how long after a stop the last digest ends, whether a digest of the
hour covers what follows the end of validation, how late a file comes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

from tests.verify.integrity.model.case import BEGIN, DELEGATE, HOUR, MINUTE, ORGANIZATION, OWNER, Case, Move, TrailStart
from tests.verify.integrity.model.signing import fingerprint, sign

T = TypeVar("T")
Name = tuple[str, str]  # bucket, key
LONG_AGO = BEGIN - timedelta(days=100)


@dataclass(frozen=True)
class Stored:
    """An object in a bucket."""

    body: bytes
    metadata: dict[str, str]
    last_modified: datetime

    @property
    def etag(self) -> str:
        """Changes with the content."""
        return hashlib.md5(self.body).hexdigest()


@dataclass(frozen=True)
class Key:
    """Whose files: of one trail (by its number), account and region."""

    trail: int
    account: str
    region: str


@dataclass(frozen=True)
class Genuine:
    """A file that CloudTrail delivered.

    :param at: when it was delivered; of a log that a digest lists, a moment that the digest covers.
    :param minute: what the name says.
    :param start: of a digest, as ``end``, what it covers.
    :param digest: the digest that lists a log; ``None`` while none does.
    """

    key: Key
    name: Name
    content: bytes
    written: datetime
    at: datetime
    minute: datetime
    start: datetime | None = None
    end: datetime | None = None
    digest: Name | None = None
    is_backfill: bool = False
    calls: tuple[str, ...] = ()

    @property
    def is_digest(self) -> bool:
        """Whether it is a digest, not a log."""
        return self.end is not None


@dataclass(frozen=True)
class TrailState:
    """A trail at one moment, as DescribeTrails and GetTrailStatus show it."""

    start: TrailStart
    exists: bool
    is_logging: bool
    validates: bool
    is_multi_region: bool
    is_organization: bool
    bucket: str
    prefix: str
    started: datetime | None = None
    stopped: datetime | None = None
    created: datetime = LONG_AGO


@dataclass(frozen=True)
class Segment:
    """A time in which one thing was delivered for a key; ``end`` is ``None`` while it lasts."""

    start: datetime
    end: datetime | None
    bucket: str
    prefix: str
    is_organization: bool
    is_signed: bool


@dataclass(frozen=True)
class Call:
    """A call to CloudTrail's API, as the event history holds it.

    :param shown: when LookupEvents shows it.
    """

    record: dict[str, Any]
    at: datetime
    account: str
    region: str
    shown: datetime


@dataclass
class _Log:
    at: datetime
    minute: datetime
    calls: list[Call] = field(default_factory=list)
    is_backfill: bool = False


CALLS = {
    "CreateTrail", "DeleteTrail", "StartLogging", "StopLogging", "UpdateTrail validation", "UpdateTrail regions",
    "UpdateTrail bucket", "UpdateTrail prefix", "UpdateTrail key", "UpdateTrail organization", "UpdateTrail nothing",
    "PutEventSelectors", "refused call",
}  # fmt: skip


# What UpdateTrail sets: the field of a state, the parameter, and how the value is written.
_SETTINGS: dict[str, tuple[str, str, type[bool] | type[str]]] = {
    "UpdateTrail validation": ("validates", "enableLogFileValidation", bool),
    "UpdateTrail regions": ("is_multi_region", "isMultiRegionTrail", bool),
    "UpdateTrail organization": ("is_organization", "isOrganizationTrail", bool),
    "UpdateTrail bucket": ("bucket", "s3BucketName", str),
    "UpdateTrail prefix": ("prefix", "s3KeyPrefix", str),
}


def _changed(state: TrailState, kind: str, value: Any, at: datetime) -> tuple[TrailState, dict[str, Any]]:
    """What a call makes of a trail, and the parameters that say so; the same state for one that changes nothing."""
    if kind in _SETTINGS:
        field, parameter, form = _SETTINGS[kind]
        change: dict[str, Any] = {field: form(value)}
        return replace(state, **change), {parameter: form(value)}
    match kind:
        case "CreateTrail":
            state = replace(
                state, exists=True, is_logging=False, validates=state.start.validates, started=None, stopped=None,
                is_multi_region=state.start.is_multi_region, is_organization=state.start.is_organization, created=at,
            )  # fmt: skip
        case "DeleteTrail":
            state = replace(state, exists=False, is_logging=False, stopped=at if state.is_logging else state.stopped)
        case "StartLogging":
            state = replace(state, is_logging=True, started=at)
        case "StopLogging":
            state = replace(state, is_logging=False, stopped=at)
        case "UpdateTrail key":
            return state, {"kmsKeyId": f"arn:aws:kms:{state.start.home}:{OWNER}:key/{value}"}
        case "UpdateTrail nothing":
            return state, {"isMultiRegionTrail": state.is_multi_region, "s3BucketName": state.bucket}
    return state, {}


class World:
    """A history that was played to its end: what lies in the buckets, and all that is true.

    ``objects`` may be changed by an attacker; the rest is the truth.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.objects: dict[Name, Stored] = {}
        self.genuine: dict[Name, Genuine] = {}
        self.others: set[Name] = set()  # what CloudTrail delivered for trails of other accounts
        self.originals: dict[Name, Stored] = {}
        self.calls: list[Call] = []
        self.states: list[tuple[datetime, tuple[TrailState, ...]]] = []
        self.enabled: list[tuple[datetime, frozenset[str]]] = []
        self.members: list[tuple[datetime, frozenset[str]]] = []
        self.segments: dict[Key, list[Segment]] = {}
        self.rotations: list[datetime] = [LONG_AGO]
        self.happened: list[str] = []
        self.overdue: set[Key] = set()
        self._play()
        for key, segments in sorted(
            self.segments.items(), key=lambda item: (item[0].trail, item[0].account, item[0].region)
        ):
            _Deliveries(self, key, segments).run()

    # ---- the history -----------------------------------------------------------------------------------------------

    def _play(self) -> None:
        case = self.case
        states = [
            TrailState(
                trail, trail.is_old, trail.is_old and trail.is_logging, trail.validates, trail.is_multi_region,
                trail.is_organization, trail.bucket, trail.prefix,
                LONG_AGO if trail.is_old else None,
                LONG_AGO + HOUR if trail.is_old and not trail.is_logging else None,
            )
            for trail in case.trails
        ]  # fmt: skip
        enabled, members = set(case.regions), set(case.members)
        opened: dict[Key, Segment] = {}
        self._note(BEGIN - HOUR, states, enabled, members, opened)
        for number, move in enumerate(sorted(case.moves, key=lambda move: move.second)):
            if move.at >= case.end:
                break
            self._apply(move, states, enabled, members, Random(f"{case.seed} call {number} {move.second}"))
            self._note(move.at, states, enabled, members, opened)
        for key, segment in opened.items():
            self.segments.setdefault(key, []).append(segment)

    def _note(
        self, at: datetime, states: list[TrailState], enabled: set[str], members: set[str], opened: dict[Key, Segment]
    ) -> None:
        self.states.append((at, tuple(states)))
        self.enabled.append((at, frozenset(enabled)))
        self.members.append((at, frozenset(members)))
        wanted: dict[Key, Segment] = {}
        for number, state in enumerate(states):
            if not (state.exists and state.is_logging):
                continue
            regions = enabled if state.is_multi_region else enabled & {state.start.home}
            accounts = {OWNER, *members} if state.is_organization else {OWNER}
            for account in accounts:
                for region in regions:
                    wanted[Key(number, account, region)] = Segment(
                        at, None, state.bucket, state.prefix, state.is_organization, state.validates
                    )
        for key in {*opened, *wanted}:
            now, then = wanted.get(key), opened.get(key)
            if now and then and replace(now, start=then.start) == then:
                continue
            if then:
                self.segments.setdefault(key, []).append(replace(then, end=at))
                del opened[key]
            if now:
                opened[key] = now

    def _apply(self, move: Move, states: list[TrailState], enabled: set[str], members: set[str], rng: Random) -> None:
        kind, at, value = move.kind, move.at, move.value
        if kind == "region on" and value not in enabled:
            enabled.add(str(value))
            self._record_other("account", "EnableRegion", {"RegionName": value}, at, rng)
        elif kind == "region off" and value in enabled:
            enabled.discard(str(value))
            self._record_other("account", "DisableRegion", {"RegionName": value}, at, rng)
        elif kind == "member joins" and value not in members:
            members.add(str(value))
        elif kind == "member leaves" and value in members:
            members.discard(str(value))
            if rng.random() < 0.7:  # else the member itself left, which no history but its own tells
                self._record_other("organizations", "RemoveAccountFromOrganization", {"accountId": value}, at, rng)
        elif kind == "key rotation":
            self.rotations.append(at)
        elif kind in CALLS and move.trail < len(states):
            if not self._call(move, states, rng):
                return
        else:
            return
        self.happened.append(kind)

    def _call(self, move: Move, states: list[TrailState], rng: Random) -> bool:
        """Make a call; ``False`` when it makes no sense in the state in which the trail is."""
        state, at, value = states[move.trail], move.at, move.value
        kind, name = move.kind, move.kind.split()[0]
        if (kind == "CreateTrail") == state.exists and kind != "refused call":
            return False
        if kind == "UpdateTrail organization" and not self.case.members:
            return False
        if kind == "refused call":
            name = "StopLogging"
        new, parameters = _changed(state, kind, value, at)
        states[move.trail] = new
        if new is not state and new == state and name == "UpdateTrail":
            self.happened.append("call that changes nothing")
        if name in ("StartLogging", "StopLogging") and state.is_logging == new.is_logging and kind != "refused call":
            self.happened.append("call that changes nothing")
        self._record(name, parameters, new, at, rng, is_refused=kind == "refused call")
        return True

    def _record(
        self, name: str, parameters: dict[str, Any], state: TrailState, at: datetime, rng: Random, *, is_refused: bool
    ) -> None:
        is_delegated = state.is_organization and self.case.caller != DELEGATE and rng.random() < 0.2
        is_delegated = is_delegated and "isOrganizationTrail" not in parameters  # that only the management account may
        account = DELEGATE if is_delegated else OWNER
        if is_delegated:
            self.happened.append("delegated administrator")
        # A name is enough for a trail of one's own in the same region.
        called = state.start.arn if is_delegated or rng.random() < 0.5 else state.start.name
        shape = {
            "name": state.start.name, "s3BucketName": state.bucket, "isMultiRegionTrail": state.is_multi_region,
            "logFileValidationEnabled": state.validates, "isOrganizationTrail": state.is_organization,
            "trailARN": state.start.arn, "includeGlobalServiceEvents": True,
        }  # fmt: skip
        if state.prefix:
            shape["s3KeyPrefix"] = state.prefix
        if name == "CreateTrail":
            called = state.start.name
            parameters = {
                "s3BucketName": state.bucket, "isMultiRegionTrail": state.is_multi_region,
                "enableLogFileValidation": state.validates, "isOrganizationTrail": state.is_organization,
            } | ({"s3KeyPrefix": state.prefix} if state.prefix else {})  # fmt: skip
        record: dict[str, Any] = {
            "eventVersion": "1.11",
            "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": "cloudtrail.amazonaws.com",
            "eventName": name,
            "awsRegion": state.start.home,
            "recipientAccountId": account,
            "userIdentity": {
                "type": "IAMUser",
                "arn": f"arn:aws:iam::{account}:user/{rng.choice(('admin', 'mallory'))}",
            },
            "sourceIPAddress": "203.0.113.9",
            "requestParameters": ({"trailName": called} if name == "PutEventSelectors" else {"name": called})
            | parameters,
            "responseElements": shape if name in ("CreateTrail", "UpdateTrail") else None,
        }
        if is_refused:
            record |= {"errorCode": "AccessDenied", "responseElements": None}
        shown = at + timedelta(seconds=rng.randrange(30, 895))
        self.calls.append(Call(record, at, account, state.start.home, shown))

    def _record_other(self, service: str, name: str, parameters: dict[str, Any], at: datetime, rng: Random) -> None:
        """A call to a global service, which the history of us-east-1 holds."""
        record: dict[str, Any] = {
            "eventVersion": "1.11",
            "eventTime": iso(at),
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": "us-east-1",
            "recipientAccountId": OWNER,
            "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{OWNER}:user/admin"},
            "requestParameters": parameters,
            "responseElements": None,
        }
        self.calls.append(Call(record, at, OWNER, "us-east-1", at + timedelta(seconds=rng.randrange(30, 895))))

    # ---- what is true ----------------------------------------------------------------------------------------------

    def state_at(self, moment: datetime) -> tuple[TrailState, ...]:
        """The trails at a moment."""
        return _last(self.states, moment)

    def enabled_at(self, moment: datetime) -> frozenset[str]:
        """The regions that are enabled."""
        return _last(self.enabled, moment)

    def members_at(self, moment: datetime) -> frozenset[str]:
        """The organization's accounts beside the owner."""
        return _last(self.members, moment)

    def places(self) -> set[tuple[str, str]]:
        """The buckets and prefixes to which the trail that is asked for delivered."""
        return {(one.bucket, one.prefix) for key, found in self.segments.items() if key.trail == 0 for one in found}

    def at(self, moment: datetime) -> dict[Name, Stored]:
        """What CloudTrail had delivered by a moment."""
        return {name: self.stored(one) for name, one in self.genuine.items() if one.written <= moment}

    def stored(self, one: Genuine) -> Stored:
        """The object as CloudTrail wrote it."""
        return self.originals[one.name]

    def put_all(self, moment: datetime) -> None:
        """Let the buckets hold what was delivered by a moment."""
        self.objects = self.at(moment)


def _last(found: list[tuple[datetime, T]], moment: datetime) -> T:
    times = [at for at, _ in found]
    return found[max(bisect_left(times, moment + timedelta(microseconds=1)) - 1, 0)][1]


def key_name(region: str, number: int) -> str:
    """Each region signs with a key of its own."""
    return f"{region}/{number}"


def iso(moment: datetime) -> str:
    """As CloudTrail writes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class _Window:
    start: datetime
    end: datetime
    written: datetime
    logs: list[Name] = field(default_factory=list)


class _Deliveries:
    """Delivers all files of one key."""

    def __init__(self, world: World, key: Key, segments: list[Segment]) -> None:
        self.world, self.key, self.segments = world, key, segments
        self.case = world.case
        self.trail = self.case.trails[key.trail]
        self.rng = Random(f"{self.case.seed} {key}")
        self.number = 0
        self.covered_until = self.written = LONG_AGO
        self.moves = [
            move for move in self.case.moves
            if move.trail == key.trail and move.kind in ("late digest", "redelivered log", "backfill", "outage")
            and self._is_meant(int(move.value))
        ]  # fmt: skip

    def _is_meant(self, value: int) -> bool:
        """Whether a move of a trail is about this key."""
        keys = sorted((key.account, key.region) for key in self.world.segments if key.trail == self.key.trail)
        return keys[value % len(keys)] == (self.key.account, self.key.region)

    def run(self) -> None:
        """Deliver."""
        runs: list[list[Segment]] = []
        for segment in self.segments:
            last = runs[-1][-1] if runs else None
            if last and last.is_signed and segment.is_signed and last.end == segment.start:
                runs[-1].append(segment)
            else:
                runs.append([segment])
        for number, run in enumerate(runs):
            following = runs[number + 1][0].start if number + 1 < len(runs) else None
            self._deliver(run, following, is_first=number == 0)

    def _deliver(self, run: list[Segment], following: datetime | None, *, is_first: bool) -> None:
        case, rng = self.case, self.rng
        start, end = run[0].start, run[-1].end
        is_signed = run[0].is_signed
        limit = min(following or case.end, case.end)
        last = case.end if end is None else min(end + timedelta(seconds=rng.choice((0, 0, 30, 200))), max(limit, end))
        if is_signed and end is not None and following == end and self.world.state_at(end)[self.key.trail].exists:
            nxt = next(segment for segment in self.segments if segment.start == following)
            if not nxt.is_signed and rng.random() < 0.3:  # the digest of the hour in which validation ended
                last = min(self._tick(end), nxt.end or case.end, case.end)
        if is_signed:
            self.covered_until = last
        windows = list(self._windows(start, last, is_closed=end is not None, is_first=is_first)) if is_signed else []
        for log in self._logs(run, last):
            self._write_log(log, run, windows)
        links: dict[str, tuple[Name, str, str] | None] = {"hourly": None}
        if is_signed and is_first and start < BEGIN:
            links["hourly"] = self._forgotten(run[0], start)
        for window in windows:
            if window.written <= case.end:
                links["hourly"] = self._write_digest(window, self._place(run, window.end), links["hourly"])
        self._backfills(run, windows)

    def _tick(self, moment: datetime) -> datetime:
        """The end of a trail's hour, in this region."""
        offset = Random(f"{self.case.seed} tick {self.key.region} {self.key.account}").randrange(3600)
        base = BEGIN - HOUR * 2 + timedelta(seconds=offset)
        return base + HOUR * ((moment - base) // HOUR + 1)

    def _windows(self, start: datetime, last: datetime, *, is_closed: bool, is_first: bool) -> Iterator[_Window]:
        rng = self.rng
        is_short = last - start < MINUTE * 3
        at = (
            start if is_short or (is_first and start < BEGIN) else start + timedelta(seconds=rng.choice((0, 0, 20, 45)))
        )
        written = max(start, self.written)  # a region's digests come in their order, also when some come late
        while at < last:
            end = self._tick(at)
            if end > last or (is_closed and last - end < MINUTE * 4):
                if not is_closed:
                    return
                end = last
            end = end.replace(microsecond=0)
            written = max(end + timedelta(seconds=rng.randrange(60, 1500)), written + timedelta(seconds=30))
            for move in self.moves:
                if move.kind in ("late digest", "outage") and at <= move.at < end:
                    late = 2 + move.second % 5 if move.kind == "late digest" else 12
                    written = max(written, end + HOUR * late)
                    self.world.happened.append(move.kind)
            if written > max(self.case.end, end + HOUR):  # it, or one before it, is late
                self.world.overdue.add(self.key)
            self.written = written
            yield _Window(at, end, written)
            at = end

    def _logs(self, run: list[Segment], last: datetime) -> list[_Log]:
        case, rng = self.case, self.rng
        start = run[0].start if run[0].is_signed else max(run[0].start, self.covered_until)
        found: list[_Log] = []
        if start >= last:
            return found
        if self.key.region not in case.quiet:
            hours = (last - start) / HOUR
            for _ in range(int(hours * rng.choice((0.4, 0.8, 1.3)) + rng.random())):
                at = start + (last - start) * rng.random()
                at = at.replace(microsecond=0)
                found.append(_Log(at, at.replace(second=0)))
        found += self._logs_of_calls(run, start, last)
        for move in self.moves:
            if move.kind == "redelivered log" and start <= move.at < last:
                again = move.at + HOUR * (3 + move.second % 20)
                if again < last:
                    self.world.happened.append(move.kind)
                    found.append(_Log(again, move.at.replace(second=0)))
        return sorted((log for log in found if log.at <= case.end), key=lambda log: log.at)

    def _logs_of_calls(self, run: list[Segment], start: datetime, last: datetime) -> Iterator[_Log]:
        for call in self.world.calls:
            if call.account != self.key.account or call.region != self.key.region:
                continue
            at = call.at + timedelta(seconds=self.rng.randrange(0, 280))
            if start <= call.at and (run[-1].end is None or call.at <= run[-1].end):
                at = min(at, last - timedelta(seconds=1))
                if at >= start:
                    yield _Log(at, at.replace(second=0), [call])
            elif call.at < start <= at < last:
                yield _Log(at, at.replace(second=0), [call])

    def _place(self, run: list[Segment], moment: datetime) -> Segment:
        return next((one for one in reversed(run) if one.start <= moment), run[0])

    def _root(self, segment: Segment) -> str:
        prefix = f"{segment.prefix}/" if segment.prefix else ""
        organization = f"{ORGANIZATION}/" if segment.is_organization else ""
        return f"{prefix}AWSLogs/{organization}{self.key.account}/"

    def _write_log(self, log: _Log, run: list[Segment], windows: list[_Window]) -> Name:
        segment = self._place(run, log.at)
        self.number += 1
        records = [call.record for call in log.calls] or [{"eventName": "ListBuckets", "number": self.number}]
        content = json.dumps({"Records": records}).encode()
        unique = hashlib.sha256(f"{self.key} {log.at} {self.number}".encode()).hexdigest()[:16]
        file = f"{self.key.account}_CloudTrail_{self.key.region}_{log.minute:%Y%m%dT%H%MZ}_{unique}.json.gz"
        name = (segment.bucket, f"{self._root(segment)}CloudTrail/{self.key.region}/{log.minute:%Y/%m/%d}/{file}")
        # What is delivered after a stop tells of the time before it.
        stop = run[-1].end
        digest, at = None, min(log.at, stop - timedelta(seconds=1)) if stop else log.at
        covering = next((n for n, window in enumerate(windows) if window.start <= log.at < window.end), None)
        if covering is None and windows and log.at < windows[0].start:
            covering = 0
        if covering is not None:
            window = windows[covering]
            if (
                window.end - log.at <= timedelta(seconds=100)
                and covering + 1 < len(windows)
                and self.rng.random() < 0.3
            ):
                window = windows[covering + 1]
                self.world.happened.append("log listed by the next digest")
            window.logs.append(name)
            at = max(at, window.start)
            digest = ("", iso(window.end)) if window.written <= self.case.end else None
        self._keep(Genuine(
            self.key, name, content, log.at, at, log.minute, digest=digest,
            calls=tuple(call.record["eventName"] for call in log.calls),
        ), {})  # fmt: skip
        return name

    def _keep(self, one: Genuine, metadata: dict[str, str]) -> None:
        self.world.genuine[one.name] = one
        self.world.originals[one.name] = Stored(gzip.compress(one.content, 1, mtime=0), metadata, one.written)

    def _forgotten(self, segment: Segment, start: datetime) -> tuple[Name, str, str]:
        """The digest before the first: a lifecycle rule has removed it."""
        return self._digest_name(segment, start, is_backfill=False), "0" * 64, "00" * 128

    def _digest_name(self, segment: Segment, end: datetime, *, is_backfill: bool) -> Name:
        backfill = "_backfill" if is_backfill else ""
        region, trail = self.key.region, f"{self.key.region}_{self.trail.name}_{self.trail.home}"
        file = f"{self.key.account}_CloudTrail-Digest_{trail}_{end:%Y%m%dT%H%M%SZ}{backfill}.json.gz"
        return segment.bucket, f"{self._root(segment)}CloudTrail-Digest/{region}/{end:%Y/%m/%d}/{file}"

    def _write_digest(
        self, window: _Window, segment: Segment, link: tuple[Name, str, str] | None, *, is_backfill: bool = False
    ) -> tuple[Name, str, str]:
        world, name = self.world, self._digest_name(segment, window.end, is_backfill=is_backfill)
        signing = key_name(self.key.region, sum(1 for moment in world.rotations if moment <= window.written) - 1)
        content = json.dumps(digest_fields(self.key.account, name, window.start, window.end, link, signing, [
            (log, hashlib.sha256(world.genuine[log].content).hexdigest()) for log in window.logs
        ])).encode()  # fmt: skip
        sha256 = hashlib.sha256(content).hexdigest()
        signed = "\n".join((iso(window.end), f"{name[0]}/{name[1]}", sha256, link[2] if link else "null"))
        signature = sign(signing, signed)
        metadata = {"signature": signature, "signature-algorithm": "SHA256withRSA"}
        if is_backfill:
            metadata["backfill-generation-timestamp"] = iso(window.written)
        self._keep(Genuine(
            self.key, name, content, window.written, window.end, window.end, window.start, window.end,
            is_backfill=is_backfill,
        ), metadata)  # fmt: skip
        for log in window.logs:
            world.genuine[log] = replace(world.genuine[log], digest=name)
        return name, sha256, signature

    def _backfills(self, run: list[Segment], windows: list[_Window]) -> None:
        link: tuple[Name, str, str] | None = None
        newest, before = None, LONG_AGO
        for move in sorted(self.moves, key=lambda move: move.second):
            window = next((one for one in windows if one.start <= move.at < one.end), None)
            if move.kind != "backfill" or window is None or (newest and window.end <= newest):
                continue
            written = max(window.end + HOUR * (2 + move.second % 7), before + MINUTE)
            if written > self.case.end or window.end - window.start < MINUTE * 3:
                continue
            newest, before = window.end, written
            self.world.happened.append("backfill")
            late = _Window(window.start, window.end, written)
            for _ in range(1 + move.second % 2):
                at = move.at.replace(second=0)
                log = _Log(max(at, window.start), at, is_backfill=True)
                name = self._write_log(log, run, [])
                # It becomes visible together with its digest.
                self.world.genuine[name] = replace(
                    self.world.genuine[name], written=written - timedelta(seconds=20), is_backfill=True
                )
                stored = self.world.originals[name]
                self.world.originals[name] = replace(stored, last_modified=written - timedelta(seconds=20))
                late.logs.append(name)
            link = self._write_digest(late, self._place(run, window.end), link, is_backfill=True)


def digest_fields(
    account: str, name: Name, start: datetime, end: datetime, link: tuple[Name, str, str] | None, signing: str,
    logs: list[tuple[Name, str]],
) -> dict[str, Any]:  # fmt: skip
    """A digest file's content."""
    return {
        "awsAccountId": account,
        "digestStartTime": iso(start),
        "digestEndTime": iso(end),
        "digestS3Bucket": name[0],
        "digestS3Object": name[1],
        "digestPublicKeyFingerprint": fingerprint(signing),
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": iso(end) if logs else None,
        "oldestEventTime": iso(start) if logs else None,
        "previousDigestS3Bucket": link[0][0] if link else None,
        "previousDigestS3Object": link[0][1] if link else None,
        "previousDigestHashValue": link[1] if link else None,
        "previousDigestHashAlgorithm": "SHA-256" if link else None,
        "previousDigestSignature": link[2] if link else None,
        "logFiles": [
            {
                "s3Bucket": log[0],
                "s3Object": log[1],
                "hashValue": sha256,
                "hashAlgorithm": "SHA-256",
                "newestEventTime": iso(end),
                "oldestEventTime": iso(start),
            }
            for log, sha256 in logs
        ],
    }
