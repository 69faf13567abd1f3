"""Runs the verifier over what a world shows, and keeps what it says in the model's own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from tests.verify.integrity.model.case import ALIAS, BEGIN, BUCKET, COPY_BUCKET, DELEGATE, MINUTE, OWNER, Case
from tests.verify.integrity.model.cloudtrail import Name, Stored, World, iso
from tests.verify.integrity.model.service import BucketStore, ModelAws
from tests.verify.simulation.in_memory import Here
from verify.errors import CannotLook, UsageError
from verify.integrity.bundle import save_bundle
from verify.integrity.check import check
from verify.integrity.export import export
from verify.integrity.reader import Pools
from verify.integrity.result import Result
from verify.integrity.sources import IntegrityOptions, PreparedValidation, from_bucket, from_folder
from verify.integrity.timeline.verdict import Verdict

_HERE = Here()
POOLS = Pools(_HERE, _HERE, _HERE)
_SHOWN = 12
GOOD = frozenset({Verdict.PROVEN, Verdict.NOT_LOGGED})
HARMLESS = GOOD | {Verdict.NOT_DUE}
BAD = frozenset({Verdict.ALTERED, Verdict.MISSING, Verdict.FOREIGN})


@dataclass(frozen=True)
class Said:
    """A row of the table."""

    account: str
    region: str
    start: datetime
    end: datetime
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Look:
    """What the verifier said.

    :param refusal: why it did not look at all; ``""`` when it did.
    """

    exit_code: int
    rows: tuple[Said, ...] = ()
    bad: tuple[str, ...] = ()
    refusal: str = ""
    what: str = ""
    unseen: tuple[str, ...] = ()

    def of(self, account: str, region: str) -> Iterable[Said]:
        """The rows of one account and region."""
        return (row for row in self.rows if (row.account, row.region) == (account, region))

    def __str__(self) -> str:
        lines = [f"  {self.what}: exit {self.exit_code} {self.refusal}"]
        lines += [
            f"    {row.account} {row.region} {row.start:%d %H:%M:%S} to {row.end:%d %H:%M:%S} "
            f"{row.verdict}: {row.reason}"
            for row in self.rows[:_SHOWN]
        ]
        lines += [f"    {problem}" for problem in self.bad[:_SHOWN]]
        lines += [f"    unseen: {one}" for one in self.unseen]
        return "\n".join(lines)


def asked_of(case: Case, now: datetime, **changes: object) -> IntegrityOptions:
    """What is asked for."""
    until = BEGIN + MINUTE * case.asked_until if case.asked_until else now
    fields: dict[str, object] = {
        "start": iso(BEGIN + MINUTE * case.asked_from), "end": iso(min(until, now)), "trail": case.trails[0].arn,
        "region": case.only_region or None, "account": case.only_account or None,
    } | changes  # fmt: skip
    return IntegrityOptions(**fields)  # type: ignore[arg-type]


def _look(make: object, what: str, state: Path | None = None) -> Look:
    try:
        ready = make()  # type: ignore[operator]
        result = check(ready, POOLS, lambda *_done: None, state=state)
    except UsageError as error:
        return Look(2, refusal=f"{type(error).__name__}: {error}", what=what)
    except CannotLook as error:
        return Look(3, refusal=f"{type(error).__name__}: {error}", what=what)
    return _said(result, what)


def _said(result: Result, what: str) -> Look:
    rows = tuple(Said(row.account, row.region, row.start, row.end, row.verdict, row.reason) for row in result.rows)
    problems = [problem for chain in result.chains for problem in chain.tally.problems]
    bad = tuple(
        f"{one.verdict} {one.subject}: {one.reason}" for one in (*problems, *result.foreign) if one.verdict in BAD
    )
    return Look(result.exit_code, rows, bad, "", what, tuple(result.unseen))


def store_of(case: Case, objects: Mapping[Name, Stored], losses: Iterable[str]) -> BucketStore:
    """The buckets, some objects of which cannot be read."""
    rng = Random(f"{case.seed} losses")
    unreadable = []
    for loss in losses:
        folder = {"log": "/CloudTrail/", "digest": "/CloudTrail-Digest/"}.get(loss)
        names = sorted(name for name in objects if folder and folder in name[1])
        if names:
            unreadable.append(rng.choice(names))
    return BucketStore(objects, unreadable, [BUCKET] if "listing" in losses else [])


def ready_bucket(
    world: World, objects: Mapping[Name, Stored], now: datetime, losses: Iterable[str] = (), **asked: object
) -> PreparedValidation:
    """What :func:`look_at_bucket` validates."""
    case = world.case
    aws = ModelAws(world, now, frozenset(losses), region=case.trails[0].home, skew=case.skew)
    state = world.state_at(now)[0]
    is_seen = case.caller == OWNER or (state.is_organization and case.caller in (*world.members_at(now), DELEGATE))
    if not state.exists or not is_seen or "DescribeTrails" in losses or "bucket" in asked:
        asked = {"bucket": state.bucket, "prefix": state.prefix or None} | asked
    elif case.names_place and "source" not in asked:
        # A prefix is often written with a slash at its end.
        asked = {"bucket": state.bucket, "prefix": f"{state.prefix}/" if state.prefix else None} | asked
    if "source" in asked:
        asked.pop("bucket", None)
    return from_bucket(asked_of(case, now, **asked), aws, store_of(case, objects, losses), now - case.skew)  # type: ignore[arg-type]


def look_at_bucket(
    world: World, objects: Mapping[Name, Stored], now: datetime, losses: Iterable[str] = (), what: str = "the bucket",
    state: Path | None = None,
) -> Look:  # fmt: skip
    """Validate a bucket."""
    asked: dict[str, object] = {"state": str(state)} if state else {}
    return _look(lambda: ready_bucket(world, objects, now, losses, **asked), what, state)


def look_at_copy(
    world: World, objects: Mapping[Name, Stored], now: datetime, losses: Iterable[str] = (), prefix: str = ""
) -> Look:
    """Validate a copy in another bucket.

    :param prefix: below which everything was copied.
    """
    source, own = f"s3://{COPY_BUCKET}", world.state_at(now)[0].prefix
    place = "/".join(filter(None, (prefix, own))) if prefix else None
    return _look(lambda: ready_bucket(world, objects, now, losses, source=source, prefix=place), "the copy in a bucket")


def look_at_alias(world: World, objects: Mapping[Name, Stored], now: datetime, losses: Iterable[str] = ()) -> Look:
    """Validate the bucket by the alias of an access point."""
    return _look(lambda: ready_bucket(world, objects, now, losses, bucket=ALIAS), "the access point")


def look_at_folder(world: World, folder: Path, now: datetime, keys: Path, **told: object) -> Look:
    """Validate a plain copy in a folder.

    :param told: what it should hold: ``regions`` and ``account``.
    """
    asked = asked_of(world.case, now, source=str(folder), keys=str(keys), **told)
    return _look(lambda: from_folder(asked, now), "the folder")


def make_bundle(
    world: World, objects: Mapping[Name, Stored], now: datetime, folder: Path, losses: Iterable[str] = ()
) -> Look:
    """Export."""
    try:
        ready = ready_bucket(world, objects, now, losses)
        result, manifest = export(ready.request, ready.store, ready.facts, folder, POOLS, lambda *_done: None)
        save_bundle(folder, manifest, {})
    except UsageError as error:
        return Look(2, refusal=str(error), what="the export")
    except CannotLook as error:
        return Look(3, refusal=str(error), what="the export")
    return _said(result, "the export")


def look_at_bundle(folder: Path, keys: Path | None, now: datetime, what: str = "the bundle") -> Look:
    """Validate a bundle.

    :param keys: of the export, kept elsewhere. Default: - the bundle's own, of which nobody knows whose they are.
    """
    asked = IntegrityOptions(source=str(folder / "bundle.json"), keys=str(keys) if keys else None)
    return _look(lambda: from_folder(asked, now), what)
