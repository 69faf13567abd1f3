"""Draws cases from seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from tests.verify.integrity.model.attacker import ATTACKS
from tests.verify.integrity.model.case import (
    ALWAYS_ENABLED,
    BUCKET,
    DELEGATE,
    MEMBERS,
    OPTIONAL,
    OTHER_BUCKET,
    OWNER,
    Attack,
    Case,
    Move,
    TrailStart,
)  # fmt: skip

PREFIXES = ("", "", "", "logs", "logs/", "a/b")
_BESIDE = ("", "logs", "a", "a/b/c", "AWSLogs")  # of a second trail
LOSSES = (
    "DescribeTrails", "GetTrailStatus", "ListPublicKeys", "LookupEvents", "LookupEvents:cut", "DescribeRegions",
    "ListAccounts", "ListAccounts:cut", "GetTrailStatus:throttled", "log", "digest", "metadata", "listing",
)  # fmt: skip
# How often a kind of move is drawn, in relation to the others.
MOVES = {
    "StopLogging": 6, "StartLogging": 6, "short pause": 2, "pause": 4, "UpdateTrail validation": 3,
    "validation off and on": 2, "UpdateTrail regions": 3, "UpdateTrail bucket": 1, "UpdateTrail prefix": 1,
    "UpdateTrail key": 2, "UpdateTrail nothing": 2, "PutEventSelectors": 2, "refused call": 2, "DeleteTrail": 2,
    "CreateTrail": 2, "made anew": 2, "UpdateTrail organization": 1, "region on": 2, "region off": 2,
    "member joins": 2, "member leaves": 2, "key rotation": 2, "late digest": 3, "redelivered log": 6, "backfill": 5,
    "outage": 1,
}  # fmt: skip
# What a second trail that nobody signs for does not do: its files could not be told from planted ones any more.
_TRACELESS = ("UpdateTrail bucket", "UpdateTrail prefix", "DeleteTrail", "made anew", "CreateTrail",
              "UpdateTrail validation", "validation off and on")  # fmt: skip


def draw(seed: int, *, level: int = 2, profile: str = "") -> Case:
    """The case of a seed.

    :param level: 0 for one trail in one account, and the bucket alone; 2 for everything.
    :param profile: a name in :data:`PROFILES`, of a kind that every case is to be. Default: - cases of all kinds.
    """
    case = _draw(seed, level)
    return PROFILES[profile](case, Random(f"{profile} {seed}")) if profile else case


def _draw(seed: int, level: int) -> Case:
    rng = Random(f"case {seed}")
    minutes = rng.choice((rng.randrange(200, 500), rng.randrange(300, 900), rng.randrange(600, 1800)))
    regions = ALWAYS_ENABLED[: rng.choice((1, 2, 2, 3))]
    is_organization = level > 0 and rng.random() < 0.25
    if level > 0 and rng.random() < 0.25:
        regions = (*regions, *OPTIONAL)
    members = MEMBERS[: rng.choice((1, 2))] if is_organization else ()
    if is_organization:
        minutes, regions = min(minutes, 700), regions[:2]
    trails = [_trail(rng, "my-trail", rng.choice(regions[:2]), is_organization=is_organization)]
    if level > 0 and rng.random() < 0.25:
        trails += _second_trail(rng, trails[0], regions)
    moves = _first_moves(rng, trails, minutes)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 5))):
        moves += _moves(rng, trails, minutes, has_organization=is_organization, has_optional=OPTIONAL[0] in regions)
    mode = "bucket"
    if level > 0:
        mode = rng.choices(("bucket", "folder", "copy", "bundle", "state"), (65, 8, 8, 7, 12))[0]
    minutes, earlier, asked_from, asked_until = _asked(rng, mode, minutes)
    has_attack = rng.random() < 0.6
    attacks = tuple(
        Attack(rng.choice(tuple(ATTACKS)), rng.randrange(10**6))
        for _ in range(rng.choice((1, 1, 1, 2, 3)) if has_attack else 0)
    )
    moves += _moves_for(rng, attacks, minutes)
    losses: tuple[str, ...] = ()
    if level > 0 and rng.random() < 0.4:
        losses = tuple(sorted({rng.choice(LOSSES) for _ in range(rng.choice((1, 1, 2)))}))
    caller = OWNER
    if level > 0 and rng.random() < (0.2 if is_organization else 0.03):
        caller = rng.choice((members or (DELEGATE,)) + (DELEGATE,))
    skew = (
        timedelta(minutes=rng.choice((-400, -30, -3, 3, 30, 400))) if level > 0 and rng.random() < 0.1 else timedelta()
    )
    only = _only(rng, regions, members) if level > 0 and mode != "folder" else ("", "", False)
    quiet = tuple(region for region in regions if rng.random() < 0.2)
    case = Case(
        seed, minutes, tuple(trails), tuple(sorted(moves, key=lambda move: move.second)), attacks, losses, regions,
        quiet, members, mode, asked_from, asked_until, earlier, caller, skew, *only,
    )  # fmt: skip
    return _with_what_is_seldom(case, rng)


def _second_trail(rng: Random, first: TrailStart, regions: tuple[str, ...]) -> list[TrailStart]:
    """Another trail, of another name or another home; none where there is no other home."""
    name = rng.choice(("other-trail", "my-trail"))
    homes = [home for home in regions if name != "my-trail" or home != first.home]
    if not homes:
        return []
    is_apart = rng.random() < 0.3
    other = _trail(rng, name, rng.choice(homes), is_organization=False)
    return [
        TrailStart(
            other.name, other.home, other.is_old, other.is_logging, rng.random() < 0.85, other.is_multi_region,
            bucket=OTHER_BUCKET if is_apart else first.bucket,
            prefix=rng.choice(_BESIDE) if rng.random() < 0.4 else first.prefix,
        )
    ]  # fmt: skip


def _first_moves(rng: Random, trails: list[TrailStart], minutes: int) -> list[Move]:
    """How those of the trails begin that were not there before."""
    moves: list[Move] = []
    for number, trail in enumerate(trails):
        if not trail.is_old:
            at = rng.randrange(0, minutes * 60 // 2)
            moves += [Move("CreateTrail", at, number), Move("StartLogging", at + rng.choice((1, 30, 600)), number)]
    return moves


def _asked(rng: Random, mode: str, minutes: int) -> tuple[int, int, int, int]:
    """How long the history is, when it was looked at before, and of which minutes is asked."""
    asked_from = rng.choice((0, 0, rng.randrange(0, minutes * 2 // 3)))
    asked_until = rng.choice((0, 0, 0, rng.randrange(asked_from + minutes // 4, minutes)))
    if mode == "state":
        minutes = max(minutes, 500)
        return minutes, rng.randrange(300, minutes - 30), 0, 0
    return minutes, minutes if mode in ("bundle", "copy", "folder") else 0, asked_from, asked_until


def _moves_for(rng: Random, attacks: tuple[Attack, ...], minutes: int) -> list[Move]:
    """What has to happen for attacks to find what they need."""
    moves: list[Move] = []
    if any(attack.kind == "delete backfill" for attack in attacks):
        moves += [Move("backfill", rng.randrange(0, minutes * 20), 0, rng.randrange(10**6)) for _ in range(2)]
    if any(attack.kind in ("sign with retired key", "sign anew with retired key") for attack in attacks):
        moves.append(Move("key rotation", rng.randrange(0, minutes * 30)))
    return moves


def _with_what_is_seldom(case: Case, rng: Random) -> Case:
    """A case of some kinds made one that chance makes too seldom: what else happens in it hides what it shows."""
    first, *others = case.trails
    is_beside = any(one.bucket == first.bucket and one.prefix.strip("/") != first.prefix.strip("/") for one in others)
    if is_beside and rng.random() < 0.5:
        attack = Attack("plant beside another trails files", rng.randrange(10**6))
        case = replace(case, attacks=(attack,), losses=())
        if rng.random() < 0.5:  # below the trail's own, and nothing else that is not proven
            calm = [replace(one, is_old=True, is_logging=True) for one in case.trails]
            calm[0] = replace(calm[0], prefix="", validates=True)
            case = replace(case, trails=tuple(calm), moves=())
    if case.mode in ("bucket", "state") and rng.random() < 0.04:
        # Where the trail was before is known by its digests alone, which come in the order of time backwards.
        place = Move(
            "UpdateTrail bucket", rng.choice((rng.randrange(15700, 19200), case.minutes * 40)), 0, OTHER_BUCKET
        )
        case = replace(
            case, minutes=max(case.minutes, 500), moves=(place,), losses=(), asked_until=0,
            trails=(replace(first, is_old=True, is_logging=True, validates=True, bucket=BUCKET), *others),
            attacks=(Attack("plant where the trail was", rng.randrange(10**6)),),
        )  # fmt: skip
    if case.mode == "bundle" and rng.random() < 0.2:
        # What an export read before it came upon a bucket that it could not list is in its bundle.
        move = Move("UpdateTrail bucket", rng.randrange(case.minutes * 30, case.minutes * 55), 0, OTHER_BUCKET)
        moves = tuple(sorted((*case.moves, move), key=lambda move: move.second))
        case = replace(case, moves=moves, losses=tuple(sorted({*case.losses, "listing"})))
    if first.is_organization and rng.random() < 0.15:
        # What a delegated administrator did is in no history, and that the trail was an organization's is not yet.
        at = sorted(rng.sample(range(case.minutes * 50), 4))
        names = ("StopLogging", "StartLogging", "StopLogging", "StartLogging")
        late = Move("UpdateTrail organization", case.minutes * 60 - rng.randrange(60, 800), value=False)
        attacks = (Attack("delete session", rng.randrange(10**6)),) if rng.random() < 0.7 else ()
        moves = (*(Move(name, second) for name, second in zip(names, at, strict=True)), late)
        case = replace(case, moves=moves, attacks=attacks, losses=())
    if rng.random() < 0.04:
        case = _with_moves_there_and_back(case, rng)
    if not case.attacks and case.mode == "bucket" and rng.random() < 0.1:
        case = _with_late_log(case, rng)
    if not case.attacks and rng.random() < 0.05:
        case = replace(case, attacks=(Attack("stand in with a namesake", rng.randrange(10**6)),))
    if first.is_organization and rng.random() < 0.1:
        case = _with_a_namesake(case, rng)
    return case


def _with_a_namesake(case: Case, rng: Random) -> Case:
    """Another trail's digests stand in for a member's, where files alone tell whose they are, or none of its own do."""
    first, *others = case.trails
    calm = replace(first, is_old=True, is_logging=True, validates=True)
    attack = Attack("stand in with a namesake", rng.randrange(10**6))
    case = replace(
        case, trails=(calm, *others), moves=(), attacks=(attack,), losses=("ListAccounts",), asked_from=0,
        asked_until=0, mode="bucket" if case.mode == "state" else case.mode,
    )  # fmt: skip
    if rng.random() < 0.5:
        return case
    minutes, attacks = min(case.minutes, 300), (attack, Attack("roll back", rng.randrange(10**6)))
    return replace(case, minutes=minutes, attacks=attacks, losses=(), earlier=min(case.earlier, minutes))


def _with_late_log(case: Case, rng: Random) -> Case:
    """Logs that come hours late, one of which is altered, and a question that ends before they came."""
    second = 20 * rng.randrange(30, 300)  # how late is told by the rest of a division by twenty: three hours
    late = [Move("redelivered log", second + 600 * number, 0, rng.randrange(10**6)) for number in range(6)]
    moves = tuple(sorted((*case.moves, *late), key=lambda move: move.second))
    attacks = (Attack("alter late log", rng.randrange(10**6)),)
    minutes = max(case.minutes, 700)
    until = rng.choice((0, second // 60 + 90))
    return replace(case, minutes=minutes, moves=moves, attacks=attacks, losses=(), asked_from=0, asked_until=until)


def _with_moves_there_and_back(case: Case, rng: Random) -> Case:
    """The trail goes to another place, for minutes or hours, and comes back, or goes on: such a history is about what
    nobody knows, or may list, of a place where it was for so short a time.
    """
    first, *others = case.trails
    minutes = case.minutes if case.members else rng.randrange(300, 2400)
    apart = rng.choice(((600, 3600), (600, 3600), (3600, 10000), (60, 900)))
    at, moves = rng.randrange(minutes * 20, minutes * 58), list[Move]()
    if rng.random() < 0.1:  # in the minutes that the event history does not hold yet
        at, apart = minutes * 60 - rng.randrange(600, 1000), (200, 600)
    bucket = rng.choice((BUCKET, OTHER_BUCKET))
    prefix, is_of_prefix = first.prefix, rng.random() < 0.2
    start = replace(first, bucket=bucket, is_old=rng.random() < 0.7, is_logging=True, validates=True)
    for _ in range(rng.choice((2, 2, 2, 3))):
        if is_of_prefix:
            prefix = "new" if prefix == first.prefix else first.prefix
            moves.append(Move("UpdateTrail prefix", at, 0, prefix))
        else:
            bucket = OTHER_BUCKET if bucket == BUCKET else BUCKET
            moves.append(Move("UpdateTrail bucket", at, 0, bucket))
        at = min(at + rng.randrange(*apart), minutes * 60 - rng.randrange(1, 300))
    kept = [move for move in case.moves if move.trail or move.kind not in ("UpdateTrail bucket", "UpdateTrail prefix")]
    moves += [move for move in kept if rng.random() < 0.4 and (start.is_old or move.trail == 0)]
    if not start.is_old:
        moves += [Move("CreateTrail", minutes * 10), Move("StartLogging", minutes * 10 + rng.choice((1, 30, 600)))]
    attacks = case.attacks
    if rng.random() < 0.5:
        attacks = (Attack("plant where the trail was", rng.randrange(10**6)),)
    losses = {loss for loss in case.losses if rng.random() < 0.5}
    losses |= {"listing"} if rng.random() < 0.5 else set()
    losses |= {"LookupEvents"} if rng.random() < 0.1 else set()
    asked = rng.choice((0, 0, 0, rng.randrange(minutes // 3, minutes)))
    mode = case.mode if rng.random() < 0.4 else "bucket"
    return replace(
        case, minutes=minutes, mode=mode, trails=(start, *others), losses=tuple(sorted(losses)), asked_from=0,
        moves=tuple(sorted(moves, key=lambda move: move.second)), attacks=attacks if rng.random() < 0.7 else (),
        earlier=rng.randrange(minutes // 2, minutes) if mode == "state" else minutes if mode != "bucket" else 0,
        asked_until=0 if mode == "state" else asked, caller=case.caller if rng.random() < 0.8 else DELEGATE,
    )  # fmt: skip


def _with_moves_that_nothing_tells(case: Case, rng: Random) -> Case:
    """The same, of a bucket that is asked with and without what AWS knows of these calls."""
    case = _with_moves_there_and_back(case, rng)
    lost = rng.choice(("LookupEvents", "LookupEvents", "LookupEvents:cut", rng.choice(LOSSES)))
    losses = tuple(sorted({*case.losses, lost} - {"metadata"}))
    return replace(case, mode="bucket", earlier=0, caller=OWNER, losses=losses)


# Kinds of which every case can be asked to be.
PROFILES: dict[str, Callable[[Case, Random], Case]] = {
    "moves": _with_moves_there_and_back,
    "untold": _with_moves_that_nothing_tells,
}


def _only(rng: Random, regions: tuple[str, ...], members: tuple[str, ...]) -> tuple[str, str, bool]:
    """Of which region and account alone is asked, and whether the trail's place is named."""
    region = rng.choice(regions) if rng.random() < 0.06 else ""
    account = rng.choice((OWNER, *members)) if members and rng.random() < 0.1 else ""
    return region, account, rng.random() < 0.08


def _trail(rng: Random, name: str, home: str, *, is_organization: bool) -> TrailStart:
    return TrailStart(
        name, home,
        is_old=rng.random() < 0.75,
        is_logging=rng.random() < 0.95,
        validates=rng.random() < 0.95,
        is_multi_region=rng.random() < 0.8,
        is_organization=is_organization,
        prefix=rng.choice(PREFIXES),
    )  # fmt: skip


def _moves(
    rng: Random, trails: list[TrailStart], minutes: int, *, has_organization: bool, has_optional: bool
) -> list[Move]:
    kind = rng.choices(tuple(MOVES), tuple(MOVES.values()))[0]
    if has_organization and rng.random() < 0.2:
        kind = rng.choice(("UpdateTrail organization", "member joins", "member leaves"))
    if has_optional and rng.random() < 0.1:
        kind = "region off"
    at, trail = rng.randrange(0, minutes * 60), rng.randrange(len(trails))
    late = minutes * 60 - rng.randrange(1, 1200)  # what the event history does not hold yet
    is_late = rng.random() < 0.1
    if is_late and rng.random() < 0.6:
        at = late
    if kind in _TRACELESS or (kind == "UpdateTrail regions" and not trails[trail].validates):
        trail = 0
    later = at + rng.choice((60, 600, 3600, rng.randrange(1, minutes * 60)))
    later = late if is_late and at < late else later
    together = _moves_together(rng, kind, at, later, trail)
    return together or [Move(kind, at, trail, value=_value(rng, kind))]


def _moves_together(rng: Random, kind: str, at: int, later: int, trail: int) -> list[Move]:
    """The moves of a kind that is several; none for one that is a move itself."""
    match kind:
        case "short pause":
            seconds = sorted(rng.sample(range(100), 4))
            names = ("StopLogging", "StartLogging", "StopLogging", "StartLogging")
            return [Move(name, at + second, trail) for name, second in zip(names, seconds, strict=True)]
        case "pause":
            return [Move("StopLogging", at, trail), Move("StartLogging", later, trail)]
        case "validation off and on":
            return [
                Move("UpdateTrail validation", at, trail, value=False),
                Move("UpdateTrail validation", later, trail, value=True),
            ]
        case "made anew":
            return [
                Move("DeleteTrail", at, trail),
                Move("CreateTrail", later, trail),
                Move("StartLogging", later + rng.choice((2, 200)), trail),
            ]
        case _:
            return []


def _value(rng: Random, kind: str) -> bool | int | str:
    match kind:
        case "UpdateTrail validation" | "UpdateTrail regions" | "UpdateTrail organization":
            return rng.random() < 0.5
        case "UpdateTrail bucket":
            return OTHER_BUCKET
        case "UpdateTrail prefix":
            return rng.choice(("", "logs", "new"))
        case "region on" | "region off":
            return rng.choice(OPTIONAL)
        case "member joins" | "member leaves":
            return rng.choice(MEMBERS)
        case _:
            return rng.randrange(10**6)
