"""What has to hold of everything that the verifier says, given the truth.

Each check returns a sentence for each thing that does not hold.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from tests.verify.integrity.model.case import BEGIN, HOUR, MINUTE, OPTIONAL, OWNER, Case
from tests.verify.integrity.model.cloudtrail import CALLS, Genuine, Key, Name, Stored, TrailState, World
from tests.verify.integrity.model.look import BAD, GOOD, HARMLESS, Look, Said
from verify.integrity.timeline.verdict import Verdict

_LOG = re.compile(
    r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>[0-9]{12})/CloudTrail/(?P<region>[a-z0-9-]+)/(?P<day>[0-9/]{10})/"
    r"(?P=account)_CloudTrail_(?P=region)_(?P<time>[0-9]{8}T[0-9]{4})Z_[A-Za-z0-9]{16}\.json\.gz"
)
_DAY = re.compile(r"/([0-9]{4})/([0-9]{2})/([0-9]{2})/")
_Chain: TypeAlias = tuple[Key, datetime | None]
_DIGEST_TIME = re.compile(r"_([0-9]{8}T[0-9]{6})Z(?:_backfill)?\.json\.gz$")
_DUE = HOUR * 2 + MINUTE * 10
_EDGE = timedelta(seconds=61)


@dataclass(frozen=True)
class Damage:
    """Something genuine that is gone or altered, or something planted.

    :param start: with ``end``, the time that it concerns; ``account`` is ``""`` where no row can tell of it.
    """

    what: str
    subject: str
    account: str
    region: str
    start: datetime
    end: datetime
    is_young: bool = False


def content_of(stored: Stored) -> bytes | None:
    """What a careful reader decompresses; ``None`` if it is not one whole gzip stream."""
    reader = zlib.decompressobj(31)
    try:
        content = reader.decompress(stored.body)
    except zlib.error:
        return None
    return content if reader.eof and not reader.unused_data else None


def damages(
    world: World,
    objects: Mapping[Name, Stored],
    now: datetime,
    bucket: str = "",
    told: Container[tuple[str, str]] | None = None,
) -> list[Damage]:
    """All that is not as CloudTrail delivered it.

    :param bucket: of which the verifier looks at a copy. Default: - it looks where the trail delivers, or did.
    :param told: the places of before of which something tells whoever asks. Default: - all.
    """
    return [*_lost(world, objects, now, bucket), *_planted(world, objects, now, bucket, told)]


def told_places(
    world: World,
    objects: Mapping[Name, Stored],
    since: datetime,
    now: datetime,
    *,
    knows_calls: bool,
    knows_owner: bool,
) -> set[tuple[str, str]]:
    """The places to which a signed digest of what is asked for leads, or a call that whoever asks may see.

    To another one CloudTrail delivered nothing, so nothing there is its, and nobody can know that it was the trail's.

    :param knows_calls: whether the trail's account asks, and its event history answers.
    :param knows_owner: whether what lies of the trail's account below an organization is known to be this trail's.
    """
    found = {(one.bucket, one.prefix) for one in world.state_at(now)[:1]}
    for call in world.calls if knows_calls else ():
        answer = call.record["responseElements"] or {}
        is_own = answer.get("trailARN") == world.case.trails[0].arn and call.account == OWNER
        if is_own and call.shown <= now:
            found.add((answer["s3BucketName"], answer.get("s3KeyPrefix", "")))
    signed = [
        one for one in world.genuine.values()
        if one.is_digest and one.key.trail == 0 and one.written <= now and one.at >= since - HOUR
        and world.case.only_region in ("", one.key.region) and world.case.only_account in ("", one.key.account)
        and (stored := objects.get(one.name)) is not None and content_of(stored) == one.content
        and (knows_owner or one.key.account != OWNER or "AWSLogs/o-" not in one.name[1])
    ]  # fmt: skip
    known: set[tuple[str, str]] = set()
    while known != found:
        known = set(found)
        for one in signed:
            if place_of(one.name) in known:
                found |= set(map(place_of, _names_in(one)))
    return found


def place_of(name: Name) -> tuple[str, str]:
    """The bucket and prefix in which a file lies."""
    return name[0], name[1].partition("AWSLogs/")[0].removesuffix("/")


def unsigned_among(world: World, names: Iterable[Name], now: datetime) -> frozenset[str]:
    """Log files of which no digest of the trail's tells by then, by what they are called.

    They are planted, or another trail's, or the trail's own whose digest is to come.
    """
    files = {name: world.genuine.get(name) for name in names if _LOG.search(name[1])}
    return frozenset(
        name[1].rpartition("/")[2] for name, one in files.items()
        if one is None or one.key.trail or one.digest is None or world.genuine[one.digest].written > now
    )  # fmt: skip


def _names_in(digest: Genuine) -> Iterator[Name]:
    """The files that a digest names: logs, and the digest before it."""
    fields = json.loads(digest.content)
    yield from ((log["s3Bucket"], log["s3Object"]) for log in fields["logFiles"])
    if fields["previousDigestS3Object"]:
        yield fields["previousDigestS3Bucket"], fields["previousDigestS3Object"]


def _lost(world: World, objects: Mapping[Name, Stored], now: datetime, looked_at: str) -> Iterator[Damage]:
    kept_backfills: dict[_Chain, datetime] = {}
    for name, one in world.genuine.items():
        if one.is_backfill and name in objects and one.end:
            chain = _backfill_chain(world, one)
            kept_backfills[chain] = max(one.end, kept_backfills.get(chain, one.end))
    for name, one in world.genuine.items():
        if one.key.trail != 0 or one.written > now:
            continue
        stored = objects.get(name)
        if stored is not None and content_of(stored) == one.content:
            continue
        if _is_limit(world, one, objects, kept_backfills) or _left_unseen(world, one.key, now):
            continue
        what = "gone" if stored is None else "altered"
        kind = "digest" if one.is_digest else "log"
        if one.is_backfill and one.is_digest:
            what += " (backfill)"
        start = one.start if one.start else one.at
        end = one.end if one.end else one.at + timedelta(seconds=1)
        run = _run_end(world, one.key, start)
        end = min(end, run) if run and one.is_digest else end
        if one.is_backfill and not one.is_digest and one.digest:
            start, end = _in_digest(world, one.digest, one.minute, one.minute + MINUTE)
        yield Damage(f"{kind} {what}", name[1], one.key.account, one.key.region, start, end)
        is_late = not one.is_digest and not one.is_backfill and one.at > one.minute + HOUR / 4
        if stored is not None and is_late and looked_at in ("", name[0]):
            # It was delivered late, and misleads whoever reads the files of the time that its name tells, where it is:
            # a copy of the bucket that the trail had before does not hold it.
            minute = one.minute, one.minute + MINUTE
            yield Damage(f"late {kind} {what}", name[1], one.key.account, one.key.region, *minute)


def _in_digest(world: World, digest: Name, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The part of a time that a digest covers, or all of it where it covers none."""
    one = world.genuine.get(digest)
    if one is None or one.start is None or one.end is None:
        return start, end
    return max(start, one.start), min(end, one.end)


def _run_end(world: World, key: Key, moment: datetime) -> datetime | None:
    """When logging with validation ended that was on at a moment."""
    until = None
    for segment in world.segments.get(key, []):
        if segment.end is not None and segment.end > moment and until is None and segment.start <= moment + MINUTE:
            until = segment.end
        elif until is not None and segment.start == until and segment.is_signed:
            until = segment.end
            if until is None:
                return None
    return until


def _left_unseen(world: World, key: Key, now: datetime) -> bool:
    """Whether the account or region left and no history that can be asked tells of it (yet): a declared limit."""
    names = {
        "RemoveAccountFromOrganization": key.account not in ({OWNER} | world.members_at(now)) and key.account,
        "DisableRegion": key.region not in world.enabled_at(now) and key.region,
    }
    state = world.state_at(now)[0]
    # A trail whose scope was narrowed in the last minutes is not known to have had another one.
    narrowed = {
        "isMultiRegionTrail": state.exists and not state.is_multi_region and key.region != state.start.home,
        "isOrganizationTrail": state.exists and not state.is_organization and key.account != OWNER,
    }
    if any(
        is_narrow
        and any(
            call.record["requestParameters"].get(name) is False and call.at > now - MINUTE * 16 for call in world.calls
        )
        for name, is_narrow in narrowed.items()
    ):
        return True
    return any(
        left
        and not any(
            call.record["eventName"] == name and left in call.record["requestParameters"].values() and call.shown <= now
            for call in world.calls
        )
        for name, left in names.items()
    )


def _is_limit(
    world: World, one: Genuine, objects: Mapping[Name, Stored], kept_backfills: Mapping[_Chain, datetime]
) -> bool:
    """Whether it is one of the declared limits: nothing names it."""
    if one.key.account != OWNER and one.key.region in OPTIONAL:
        return True  # which regions a member has enabled, only the member can say
    if not one.is_backfill:
        return False
    digest = one if one.is_digest else world.genuine.get(one.digest) if one.digest else None
    if digest is None or digest.end is None or digest.name in objects:
        return False
    return digest.end >= kept_backfills.get(_backfill_chain(world, digest), BEGIN - HOUR * 9)


def _backfill_chain(world: World, digest: Genuine) -> _Chain:
    """Backfill digests are linked to each other as far as the trail logged without a pause."""
    return digest.key, _run_end(world, digest.key, digest.start or digest.at)


def _planted(
    world: World, objects: Mapping[Name, Stored], now: datetime, looked_at: str, told: Container[tuple[str, str]] | None
) -> Iterator[Damage]:
    state, *_ = world.state_at(now)
    top = f"{state.prefix}/" if state.prefix else ""
    for (bucket, key), stored in objects.items():
        is_genuine = (bucket, key) in world.genuine or (bucket, key) in world.others
        is_there = bucket == (looked_at or state.bucket) and key.startswith(top)
        if is_genuine or not (is_there or (not looked_at and _was_there(world, bucket, key, told))):
            continue
        # What lies beside AWSLogs/ in a copy is its owner's.
        if _is_unsigned(world, bucket, key) or (looked_at and "AWSLogs/" not in key):
            continue
        damage = planted(key, stored, now)
        # Beside the trail's own folder no row of an account and region tells of it.
        is_own = key.startswith(f"{top}AWSLogs/") and not _is_anothers(world, bucket, key)
        yield damage if is_own else replace(damage, account="", region="")


def _is_anothers(world: World, bucket: str, key: str) -> bool:
    """Whether it is named as a log that another trail alone delivers, to a place of its own."""
    found = _LOG.search(key)
    place = bucket, key[: found.start()].removesuffix("/") if found else ""
    theirs = {(one.bucket, one.prefix) for of, segments in world.segments.items() if of.trail for one in segments}
    return found is not None and place in theirs - world.places() - set_places(world)


def _was_there(world: World, bucket: str, key: str, told: Container[tuple[str, str]] | None) -> bool:
    """Whether it is named as what the trail delivered to a place of before, when it did."""
    found = _LOG.search(key)
    if not found or (told is not None and (bucket, key[: found.start()].removesuffix("/")) not in told):
        return False
    at = datetime.strptime(found["time"], "%Y%m%dT%H%M").replace(tzinfo=UTC)
    return any(
        (bucket, key[: found.start()]) == (segment.bucket, f"{segment.prefix}/" if segment.prefix else "")
        and segment.is_organization == key.startswith("AWSLogs/o-", found.start())
        and segment.start <= at and (segment.end is None or at < segment.end)
        for one, segments in world.segments.items() for segment in segments
        if one == Key(0, found["account"], found["region"])
    )  # fmt: skip


def _is_unsigned(world: World, bucket: str, key: str) -> bool:
    """Whether it is named as what another trail delivered to a place of its own then, without signing.

    Nobody can tell it from that trail's files, which is a declared limit.
    """
    found = _LOG.search(key)
    if not found or (bucket, key[: found.start()].removesuffix("/")) in world.places():
        return False
    at = datetime.strptime(found["time"], "%Y%m%dT%H%M").replace(tzinfo=UTC)
    return any(
        not segment.is_signed and bucket == segment.bucket and key[: found.start()].removesuffix("/") == segment.prefix
        and segment.start - MINUTE <= at and (segment.end is None or at < segment.end + MINUTE * 15)
        for other, segments in world.segments.items() for segment in segments
        if other.trail and (other.account, other.region) == (found["account"], found["region"])
    )  # fmt: skip


def planted(key: str, stored: Stored, now: datetime) -> Damage:
    """What an object that CloudTrail never wrote concerns."""
    is_young = stored.last_modified > now - _DUE
    found = _LOG.search(key)
    if found and found["day"] == f"{found['time'][:4]}/{found['time'][4:6]}/{found['time'][6:8]}":
        at = datetime.strptime(found["time"], "%Y%m%dT%H%M").replace(tzinfo=UTC)
        # Of one that is named for another time, nothing is due but what was delivered late.
        is_young = is_young and at > now - _DUE - MINUTE * 15
        return Damage("log planted", key, found["account"], found["region"], at, at + MINUTE, is_young)
    start, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
    if time := _DIGEST_TIME.search(key):
        end = datetime.strptime(time[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        start = end - timedelta(seconds=1)
    elif day := _DAY.search(key):
        start = datetime(int(day[1]), int(day[2]), max(int(day[3]), 1), tzinfo=UTC)
        end = start + timedelta(days=1)
    return Damage("object planted", key, "", "", start, end, is_young)


# ---- sound ---------------------------------------------------------------------------------------------------------


def sound(
    look: Look,
    found: Iterable[Damage],
    start: datetime,
    end: datetime,
    *,
    remembers: bool = False,
) -> Iterator[str]:
    """Never "proven" or "not logged" over what is gone, altered or planted, and never exit 0 over it.

    :param remembers: whether an earlier run may have seen a digest that is gone.
    """
    for damage in found:
        if damage.end <= start or damage.start >= end:
            continue
        covering = [
            row for row in look.of(damage.account, damage.region)
            if row.start < damage.end and damage.start < row.end
        ]  # fmt: skip
        for row in covering:
            if damage.what.endswith("(backfill)") or (remembers and damage.what.startswith("digest")):
                continue
            if row.verdict in GOOD:
                yield f"sound: {look.what} says {row.verdict} of {_span(row)} over a {damage.what}: {damage.subject}"
        is_named = any(f"/{damage.region}/" in bad for bad in look.bad)
        if not covering and damage.account and not (is_named or look.unseen or look.refusal):
            where = f"{damage.account} {damage.region}"
            yield f"sound: {look.what} says nothing of {where}, and a {damage.what}: {damage.subject}"
        is_planted = damage.what.endswith("planted")
        is_awaited = damage.is_young if is_planted else any(row.verdict is Verdict.NOT_DUE for row in covering)
        if look.exit_code == 0 and not is_awaited:
            yield f"sound: {look.what} gives exit 0 over a {damage.what}: {damage.subject}"


def truthful(world: World, look: Look, objects: Mapping[Name, Stored], now: datetime) -> Iterator[str]:
    """What is proven is covered by genuine digests that are there; what is not logged was off."""
    covered: dict[tuple[str, str], list[tuple[datetime, datetime]]] = {}
    for name, one in world.genuine.items():
        stored = objects.get(name)
        if one.key.trail == 0 and one.start and one.end and stored and content_of(stored) == one.content:
            covered.setdefault((one.key.account, one.key.region), []).append((one.start, one.end))
    for row in look.rows:
        if row.verdict is Verdict.PROVEN:
            for start, end in uncovered(row, covered.get((row.account, row.region), [])):
                yield f"sound: {look.what} says proven of {_span(row)}, and no digest covers {start} to {end}"
        elif row.verdict is Verdict.NOT_LOGGED:
            for segment in world.segments.get(Key(0, row.account, row.region), []):
                start, end = max(segment.start, row.start), min(segment.end or now, row.end)
                if end - start > _EDGE:
                    yield f"sound: {look.what} says not logged of {_span(row)}, and it was from {start} to {end}"
        elif row.verdict is Verdict.NOT_DUE and row.end - row.start > MINUTE and row.start < now - _DUE:
            yield f"sound: {look.what} says not yet due of {_span(row)}, which is long ago"


def uncovered(row: Said, covered: list[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a row that none of the times covers."""
    at = row.start
    for start, end in sorted(covered):
        if start > at and start < row.end:
            yield at, start
        at = max(at, end)
        if at >= row.end:
            return
    if at < row.end:
        yield at, row.end


# ---- complete ------------------------------------------------------------------------------------------------------


def complete(look: Look) -> Iterator[str]:
    """Without an attack nothing is altered, missing or foreign."""
    for row in look.rows:
        if row.verdict in BAD:
            yield f"complete: {look.what} says {row.verdict} of {_span(row)}: {row.reason}"
    for problem in look.bad:
        yield f"complete: {look.what} says {problem}"
    if look.exit_code == 1 and not look.bad and not any(row.verdict in BAD for row in look.rows):
        yield f"complete: {look.what} gives exit 1, and nobody touched anything"


def why_not_zero(world: World, start: datetime, end: datetime, now: datetime) -> str:
    """Why exit 0 is not to be expected of an honest bucket of which everything is known; ``""`` when it is."""
    return (
        _why_by_state(world, start, end, now)
        or _why_by_delivery(world, now)
        or _why_by_moves(world.case, world.state_at(now)[0])
        or _why_by_others(world.case)
        or _why_by_times(world, start, end, now)
    )


def _first(*reasons: tuple[bool, str]) -> str:
    """The first reason that holds."""
    return next((reason for holds, reason in reasons if holds), "")


def _why_by_state(world: World, start: datetime, end: datetime, now: datetime) -> str:
    was_due = any(
        one.is_digest and not one.is_backfill and one.key.trail == 0 and one.start and one.end
        and one.start < end and start < one.end and one.written <= now
        for one in world.genuine.values()
    )  # fmt: skip
    return _first(
        (world.case.caller != OWNER, "another account asks"),
        (not world.state_at(now)[0].exists, "there is no trail"),
        (not was_due, "no digest was due"),
    )


def _why_by_delivery(world: World, now: datetime) -> str:
    is_log_late = any(
        not one.is_digest and one.written <= now < one.written + _DUE and one.written - one.minute > MINUTE * 10
        for one in world.genuine.values()
    )
    return _first(
        (bool(world.overdue) or _is_newest_doubtful(world, now), "a digest is late"),
        (is_log_late, "a log was delivered late, and its digest is to come"),
        (any(call.at > now - timedelta(minutes=16) for call in world.calls), "a change is too young"),
    )


def _why_by_moves(case: Case, state: TrailState) -> str:
    kinds, was_there = {move.kind for move in case.moves}, case.trails[0].is_old
    of_scope = {"region on", "region off", "member joins", "member leaves"}
    of_place = {"UpdateTrail regions", "DeleteTrail", "UpdateTrail bucket", "UpdateTrail prefix"}
    return _first(
        (bool(kinds & of_scope), "the scope changed"),
        (
            was_there and bool(kinds & of_place),
            "what regions the trail had before the first call stands nowhere",
        ),
        (
            was_there and not state.is_multi_region and "UpdateTrail nothing" in kinds,
            "whether the call that says one region changed that stands nowhere",
        ),
        (
            was_there and not case.trails[0].is_logging,
            "whether the trail logged before the first call stands nowhere",
        ),
        (
            bool(case.members) and bool(kinds & CALLS or not state.is_multi_region),
            "an organization's changes stand nowhere",
        ),
    )


def _why_by_others(case: Case) -> str:
    """What is not known of other trails, where their logs are not signed: a call tells what holds after it."""
    called = {move.trail for move in case.moves if move.kind in ("StartLogging", "StopLogging")}
    return _first(
        (
            any(number in called and trail.is_old and not trail.validates for number, trail in enumerate(case.trails)),
            "whether another trail, which signs nothing, logged before the first call stands nowhere",
        ),
    )


def _why_by_times(world: World, start: datetime, end: datetime, now: datetime) -> str:
    short_on = any(
        segment.end is not None and segment.end - segment.start < MINUTE * 5
        for segments in world.segments.values()
        for segment in segments
    )
    short_off = any(
        one.end is not None and other.start - one.end < MINUTE * 5
        for segments in world.segments.values()
        for one, other in pairwise(segments)
        if one.end != other.start
    )
    was_unsigned = any(
        not segment.is_signed and segment.start < end + HOUR and start - HOUR < (segment.end or now)
        for key, segments in world.segments.items() for segment in segments
        if key.trail == 0 or (segment.bucket, segment.prefix) in set_places(world)
    )  # fmt: skip
    return _first(
        (short_on, "logging was on for a short time"),
        (short_off, "logging was off for a short time"),
        (was_unsigned, "validation was off"),
    )


def set_places(world: World) -> set[tuple[str, str]]:
    """The buckets and prefixes that the trail was ever set to, whether it delivered there or not."""
    return {(one.bucket, one.prefix) for _, (one, *_) in world.states if one.exists}


def _is_newest_doubtful(world: World, now: datetime) -> bool:
    """Whether the newest digest of a region may be one that was written anew, so that a later one could be deleted.

    It came later than an hour after its time, or after a stop, of which the digest is still to come.
    """
    newest: dict[Key, Genuine] = {}
    for one in world.genuine.values():
        if one.is_digest and not one.is_backfill and one.key.trail == 0 and one.written <= now:
            known = newest.setdefault(one.key, one)
            newest[one.key] = max(known, one, key=lambda digest: digest.written)
    return any(
        one.end is not None
        and (
            one.written > one.end + HOUR
            or any(part.end and one.end < part.end <= one.written for part in world.segments[one.key])
        )
        for one in newest.values()
    )


# ---- monotone, consistent ------------------------------------------------------------------------------------------


def no_worse(
    less: Look,
    more: Look,
    allowed: frozenset[Verdict],
    good: frozenset[Verdict],
    law: str,
    untold: Container[str] = (),
) -> Iterator[str]:
    """Where ``less`` says one of ``good``, ``more`` says one of ``allowed``.

    :param untold: see :func:`monotone`.
    """
    if more.refusal:
        return
    for row in less.rows:
        # Of a region in which CloudTrail says that it never delivered anything there is no row.
        is_row = row.verdict is Verdict.PROVEN or any(more.of(row.account, row.region))
        if row.verdict not in good or not is_row:
            continue
        # A log's name tells the minute. That logging was off rests on what AWS says, not on what files there are.
        rests_on_aws = row.verdict is Verdict.NOT_LOGGED and law == "consistent"
        others = list(more.of(row.account, row.region))
        # Nor of one that has files of another trail alone, but for these files' minutes.
        never_delivered = row.verdict is Verdict.NOT_LOGGED and all(each.end - each.start <= MINUTE for each in others)
        times = [
            (other.start, other.end) for other in others
            if other.verdict in allowed or (rests_on_aws and other.end - other.start <= MINUTE)
            or (other.verdict is Verdict.UNPROVEN and other.reason.partition(": ")[0] in untold)
        ]  # fmt: skip
        for start, end in uncovered(row, times):
            is_told_of = any(other.start < end and start < other.end for other in others)
            if end - start < MINUTE or ((rests_on_aws or never_delivered) and not is_told_of):
                continue
            said = [
                f"{other.verdict} ({other.reason})" for other in more.of(row.account, row.region)
                if other.start < end and start < other.end
            ]  # fmt: skip
            yield (
                f"{law}: {less.what} says {row.verdict} of {row.account} {row.region} {start} to {end}, "
                f"and {more.what}: {'; '.join(said) or 'nothing'}"
            )


def monotone(
    less: Look, more: Look, *, is_attacked: bool, is_organizations: bool, untold: Container[str]
) -> Iterator[str]:
    """What is harmless with less is harmless with more; after an attack it may become bad, but not unproven.

    Two things alone are excepted, as docs/integrity.md tells: the minute of a log file that nobody signs for, and that
    whoever knows less does not see; and what lies before the first digest of an organization's account, or of a region
    that was opted in to, where no digest of it is left.

    :param untold: such log files, by what they are called.
    """
    less = replace(less, rows=tuple(_since_first_digest(less, more, is_organizations=is_organizations)))
    allowed = HARMLESS | BAD if is_attacked else HARMLESS
    yield from no_worse(less, more, frozenset(allowed), frozenset(HARMLESS), "monotone", untold)


def _since_first_digest(less: Look, more: Look, *, is_organizations: bool) -> Iterator[Said]:
    """The rows of less, of which those that await a first digest begin where the first one that is there does."""
    for row in less.rows:
        if not is_organizations and row.region not in OPTIONAL:
            yield row
            continue
        proven = (other.start for other in more.of(row.account, row.region) if other.verdict is Verdict.PROVEN)
        first = min(proven, default=row.start)
        is_first = all(one.verdict is not Verdict.PROVEN for one in less.of(row.account, row.region))
        start = max(row.start, first) if is_first and row.verdict is Verdict.NOT_DUE else row.start
        if start < row.end:
            yield replace(row, start=start)


def consistent(other: Look, bucket: Look) -> Iterator[str]:
    """A copy, a bundle or a state file never makes better than the bucket was."""
    yield from no_worse(other, bucket, frozenset(GOOD), frozenset(GOOD), "consistent")


def _span(row: Said) -> str:
    return f"{row.account} {row.region} {row.start:%d %H:%M:%S} to {row.end:%d %H:%M:%S}"
