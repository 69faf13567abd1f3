"""Turns the options of ``verify integrity`` into what is to be validated, and where it is to be found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from verify.aws import Aws
from verify.bucket_name import is_bucket_name
from verify.errors import CannotLook, TargetNotFound, UsageError
from verify.events.history import enabled_regions
from verify.events.times import parse_duration, parse_moment
from verify.integrity.bundle import load_bundle
from verify.integrity.facts import AwsFacts, Facts
from verify.integrity.saved_facts import SavedFacts, load_keys
from verify.integrity.scope import Chains, Delivery, TrailName, chains_in, chains_in_copy
from verify.integrity.timeline import Period
from verify.integrity.validate import Request
from verify.logs.copied import CopiedObjectStore
from verify.logs.folder import FolderObjectStore
from verify.logs.objects import ObjectStore
from verify.logs.s3 import S3ObjectStore
from verify.trail import Trail, home_region_of, name_of, trails_in

_DEFAULT_SINCE = "1d"
_S3 = "s3://"
_ACCOUNT = re.compile("[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Asked:
    """The options; ``None`` where nothing was given."""

    since: str | None
    start: str | None
    end: str | None
    trail: str | None
    account: str | None
    bucket: str | None
    prefix: str | None
    source: str | None
    keys: str | None
    region: str | None
    profile: str | None
    endpoint_url: str | None
    is_quick: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """All that a validation needs."""

    request: Request
    store: ObjectStore
    facts: Facts


def prepared(asked: Asked, now: datetime) -> Ready:
    """Find out what is meant.

    :param now: the present moment.
    :raises UsageError: the options contradict each other, or name what is not there.
    :raises CannotLook: AWS could not be asked.
    """
    period = _period(asked, now)
    if asked.account is not None and not _ACCOUNT.fullmatch(asked.account):
        raise UsageError(f"--account {asked.account!r} is no account: an account's number has 12 digits.")
    if asked.source is not None and asked.source.rstrip("/") == _S3.rstrip("/"):
        raise UsageError(
            f"--source {asked.source} names no bucket. Give its name, as s3://BUCKET, or leave the option out."
        )
    for option, name in (("--bucket", asked.bucket), ("--source", _bucket_in(asked.source))):
        if name and not is_bucket_name(name):
            raise UsageError(f"{option}: {name!r} can be no bucket's name, such as my-trail-logs.")
    if asked.source is not None and not asked.source.startswith(_S3):
        return _folder(asked, period, now)
    return _bucket(asked, period, now)


def _bucket_in(source: str | None) -> str | None:
    """The bucket of ``s3://BUCKET``; ``None`` for a folder."""
    return source.removeprefix(_S3).rstrip("/") if source and source.startswith(_S3) else None


def _period(asked: Asked, now: datetime) -> Period:
    if asked.since is not None and asked.start is not None:
        raise UsageError(f"--since {asked.since} and --start {asked.start} both say where to begin. Give one of them.")
    end = min(parse_moment(asked.end, "--end", now, end_of_day=True), now) if asked.end else now
    if asked.start is not None:
        start = parse_moment(asked.start, "--start", now)
    else:
        span = parse_duration(asked.since or _DEFAULT_SINCE, "--since")
        if span > end - datetime.min.replace(tzinfo=end.tzinfo) - timedelta(days=366):
            raise UsageError(f"--since {asked.since} begins before the calendar. Try 90d.")
        start = end - span
    if start >= end:
        raise UsageError(
            f"The period begins at {start:%Y-%m-%dT%H:%M:%SZ}, not before its end {end:%Y-%m-%dT%H:%M:%SZ}."
        )
    return Period(start, end)


def _folder(asked: Asked, period: Period, now: datetime) -> Ready:
    if asked.source is None:
        raise UsageError("--source names no folder.")
    store = FolderObjectStore(Path(asked.source))
    if store.is_bundle:
        return _bundle(asked, store, Path(asked.source), now)
    trail, chains = chains_in_copy(store, store.buckets(), asked.trail, asked.account, asked.region)
    chains = _known(asked, chains, asked.source)
    request = Request(
        trail=trail,
        source=f"the folder {asked.source}",
        chains=chains,
        period=period,
        now=now,
        is_copy=True,
        is_quick=asked.is_quick,
        notices=("The files are a copy: whether it is complete at its end is not known.",),
    )
    return Ready(request, store, SavedFacts(load_keys(Path(asked.keys) if asked.keys else None)))


def _bundle(asked: Asked, store: FolderObjectStore, folder: Path, now: datetime) -> Ready:
    bundle = load_bundle(folder)
    is_timed = asked.since or asked.start or asked.end
    chains = {
        chain: place
        for chain, place in bundle.chains.items()
        if asked.account in (None, chain.account) and asked.region in (None, chain.region)
    }
    request = Request(
        trail=bundle.trail,
        source=f"the evidence bundle {asked.source}, made at {bundle.made_at:%Y-%m-%dT%H:%M:%SZ}",
        chains=_known(asked, chains, asked.source),
        period=_period(asked, bundle.made_at) if is_timed else bundle.period,
        now=min(bundle.made_at, now),
        is_quick=asked.is_quick,
    )
    return Ready(request, store, bundle)


def _bucket(asked: Asked, period: Period, now: datetime) -> Ready:
    if asked.keys is not None:
        raise UsageError("--keys is for a copy in a folder (--source DIR). For a bucket, AWS is asked.")
    aws = Aws(
        profile=asked.profile, region=home_region_of(asked.trail) or asked.region, endpoint_url=asked.endpoint_url
    )
    if asked.region:
        aws.partition_of(asked.region)  # where the trail's ARN names the region to ask in
    trail, deployed = _trail(aws, asked)
    if deployed and not deployed.is_organization and not asked.bucket and asked.account not in (None, trail.account):
        raise TargetNotFound(
            f"--account {asked.account}: {trail.name} is no organization's trail, but {trail.account}'s alone."
        )
    copy = _bucket_in(asked.source)
    delivery = Delivery(
        bucket=copy or asked.bucket or (deployed.bucket if deployed else ""),
        prefix=(asked.prefix or (deployed.prefix if deployed and not asked.bucket else "") or "").strip("/"),
        is_organization=bool(deployed and deployed.is_organization),
    )
    if not delivery.bucket:
        raise UsageError("Name the bucket with --bucket: the trail itself could not be asked.")
    store: ObjectStore = S3ObjectStore(aws)
    if copy:
        store = CopiedObjectStore(store, copy)
    is_multi_region = deployed is None or deployed.is_multi_region
    only = asked.region or (None if is_multi_region else trail.home_region)
    chains = _known(asked, chains_in(store, trail, delivery, asked.account, only), f"s3://{delivery.bucket}")
    absent, unseen = _absent_regions(aws, {chain.region for chain in chains}, is_asked=bool(deployed) and only is None)
    where = f"s3://{delivery.bucket}/{delivery.prefix}".rstrip("/")
    endpoint = aws.endpoint_url
    notices = [f"This is not AWS but {endpoint}."] if endpoint else []
    if asked.region and is_multi_region:
        notices.append(f"Only region {asked.region} was asked for (--region).")
    request = Request(
        trail=trail,
        source=f"a copy in {where}" if copy else where,
        chains=chains,
        period=period,
        now=now,
        absent_regions=absent,
        is_copy=copy is not None,
        is_quick=asked.is_quick,
        notices=tuple(notices),
        unseen=unseen,
    )
    return Ready(request, store, AwsFacts(aws, trail.name, trail.arn, trail.home_region, period, now))


def _known(asked: Asked, chains: Chains, where: str | None) -> Chains:
    """The chains, of which there must be one for the account and region that were asked for.

    :raises TargetNotFound: there is none.
    """
    options = {"--account": asked.account, "--region": asked.region}
    given = " ".join(f"{option} {value}" for option, value in options.items() if value)
    if given and not chains:
        raise TargetNotFound(f"{where} holds nothing of the trail for {given}. Leave that out to see what there is.")
    return chains


def _trail(aws: Aws, asked: Asked) -> tuple[TrailName, Trail | None]:
    """The trail that is meant, and as it is deployed when that could be read."""
    try:
        trails = trails_in(aws, aws.region)
    except CannotLook:
        # A full name and a bucket are enough to go on.
        if asked.trail is None or not asked.trail.startswith("arn:") or asked.bucket is None:
            raise
        region, account = asked.trail.split(":")[3:5]
        return TrailName(name_of(asked.trail), region, account, asked.trail), None
    fitting = [trail for trail in trails if asked.trail in (None, trail.name, trail.arn)]
    if len(fitting) != 1:
        known = ", ".join(sorted(trail.name for trail in trails)) or "none"
        wanted = f"There is no trail {asked.trail}" if asked.trail else "Name the trail that is meant with --trail"
        raise TargetNotFound(f"{wanted}. Trails in {aws.region}: {known}.")
    (trail,) = fitting
    return TrailName(trail.name, trail.home_region, trail.arn.split(":")[4], trail.arn), trail


def _absent_regions(aws: Aws, present: set[str], *, is_asked: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Regions where the trail should deliver but has no folder, and why that is not known."""
    if not is_asked:
        return (), ()
    try:
        return tuple(sorted(set(enabled_regions(aws)) - present)), ()
    except CannotLook as error:
        return (), (f"Whether a whole region is gone is not known: {error}",)
