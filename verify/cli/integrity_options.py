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
from verify.integrity.facts import AwsFacts, Facts, SavedFacts, load_keys
from verify.integrity.scope import Chains, Delivery, TrailName, chains_in, chains_in_copy
from verify.integrity.timeline.timeline import Period
from verify.integrity.validate import ValidationRequest
from verify.storage.folder import FolderObjectStore
from verify.storage.objects import BucketCopyStore, ObjectStore
from verify.storage.s3 import S3ObjectStore
from verify.trail import Trail, home_region_of, name_of, trails_in

_DEFAULT_SINCE = "1d"
_S3 = "s3://"
_ACCOUNT = re.compile("[0-9]{12}")


@dataclass(frozen=True, slots=True)
class IntegrityOptions:
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
class PreparedValidation:
    """All that a validation needs."""

    request: ValidationRequest
    store: ObjectStore
    facts: Facts


def prepare(options: IntegrityOptions, now: datetime) -> PreparedValidation:
    """Find out what is to be validated.

    :param now: the present moment.
    :raises UsageError: the options contradict each other, or name what is not there.
    :raises CannotLook: AWS could not be options.
    """
    period = _period(options, now)
    if options.account is not None and not _ACCOUNT.fullmatch(options.account):
        raise UsageError(f"--account {options.account!r} is not an account: an account ID has 12 digits.")
    if options.source is not None and options.source.rstrip("/") == _S3.rstrip("/"):
        raise UsageError(
            f"--source {options.source} does not name a bucket. Give its name, as s3://BUCKET, or leave the option out."
        )
    for option, name in (("--bucket", options.bucket), ("--source", _bucket_in(options.source))):
        if name and not is_bucket_name(name):
            raise UsageError(f"{option}: {name!r} can be no bucket's name, such as my-trail-logs.")
    if options.source is not None and not options.source.startswith(_S3):
        return _folder(options, period, now)
    return _bucket(options, period, now)


def _bucket_in(source: str | None) -> str | None:
    """The bucket of ``s3://BUCKET``; ``None`` for a folder."""
    return source.removeprefix(_S3).rstrip("/") if source and source.startswith(_S3) else None


def _period(options: IntegrityOptions, now: datetime) -> Period:
    if options.since is not None and options.start is not None:
        raise UsageError(
            f"--since {options.since} and --start {options.start} both say where to begin. Give one of them."
        )
    end = min(parse_moment(options.end, "--end", now, end_of_day=True), now) if options.end else now
    if options.start is not None:
        start = parse_moment(options.start, "--start", now)
    else:
        duration = parse_duration(options.since or _DEFAULT_SINCE, "--since")
        if duration > end - datetime.min.replace(tzinfo=end.tzinfo) - timedelta(days=366):
            raise UsageError(f"--since {options.since} begins before the calendar. Try 90d.")
        start = end - duration
    if start >= end:
        raise UsageError(
            f"The period begins at {start:%Y-%m-%dT%H:%M:%SZ}, not before its end {end:%Y-%m-%dT%H:%M:%SZ}."
        )
    return Period(start, end)


def _folder(options: IntegrityOptions, period: Period, now: datetime) -> PreparedValidation:
    if options.source is None:
        raise UsageError("--source does not name a folder.")
    store = FolderObjectStore(Path(options.source))
    if store.is_bundle:
        return _bundle(options, store, Path(options.source), now)
    trail, chains = chains_in_copy(store, store.buckets(), options.trail, options.account, options.region)
    chains = _known(options, chains, options.source)
    request = ValidationRequest(
        trail=trail,
        source=f"the folder {options.source}",
        chains=chains,
        period=period,
        now=now,
        is_copy=True,
        is_quick=options.is_quick,
        notices=("The files are a copy: whether it is complete at its end is not known.",),
    )
    return PreparedValidation(request, store, SavedFacts(load_keys(Path(options.keys) if options.keys else None)))


def _bundle(options: IntegrityOptions, store: FolderObjectStore, folder: Path, now: datetime) -> PreparedValidation:
    bundle = load_bundle(folder)
    is_timed = options.since or options.start or options.end
    chains = {
        chain: location
        for chain, location in bundle.chains.items()
        if options.account in (None, chain.account) and options.region in (None, chain.region)
    }
    request = ValidationRequest(
        trail=bundle.trail,
        source=f"the evidence bundle {options.source}, made at {bundle.made_at:%Y-%m-%dT%H:%M:%SZ}",
        chains=_known(options, chains, options.source),
        period=_period(options, bundle.made_at) if is_timed else bundle.period,
        now=min(bundle.made_at, now),
        is_quick=options.is_quick,
    )
    return PreparedValidation(request, store, bundle)


def _bucket(options: IntegrityOptions, period: Period, now: datetime) -> PreparedValidation:
    if options.keys is not None:
        raise UsageError("--keys is for a copy in a folder (--source DIR). For a bucket, the keys come from AWS.")
    aws = Aws(
        profile=options.profile,
        region=home_region_of(options.trail) or options.region,
        endpoint_url=options.endpoint_url,
    )
    if options.region:
        aws.partition_of(options.region)  # where the trail's ARN names the region to ask in
    trail, deployed = _trail(aws, options)
    if (
        deployed
        and not deployed.is_organization
        and not options.bucket
        and options.account not in (None, trail.account)
    ):
        raise TargetNotFound(
            f"--account {options.account}: {trail.name} is not an organization trail: it delivers for "
            f"{trail.account} alone."
        )
    copy = _bucket_in(options.source)
    delivery = Delivery(
        bucket=copy or options.bucket or (deployed.bucket if deployed else ""),
        prefix=(options.prefix or (deployed.prefix if deployed and not options.bucket else "") or "").strip("/"),
        is_organization=bool(deployed and deployed.is_organization),
    )
    if not delivery.bucket:
        raise UsageError("Name the bucket with --bucket: the trail's settings could not be read.")
    store: ObjectStore = S3ObjectStore(aws)
    if copy:
        store = BucketCopyStore(store, copy)
    is_multi_region = deployed is None or deployed.is_multi_region
    only = options.region or (None if is_multi_region else trail.home_region)
    chains = _known(options, chains_in(store, trail, delivery, options.account, only), f"s3://{delivery.bucket}")
    absent, unseen = _absent_regions(aws, {chain.region for chain in chains}, is_asked=bool(deployed) and only is None)
    where = f"s3://{delivery.bucket}/{delivery.prefix}".rstrip("/")
    endpoint = aws.endpoint_url
    notices = [f"Endpoint {endpoint} is not AWS: this result does not describe an AWS account."] if endpoint else []
    if options.region and is_multi_region:
        notices.append(f"Only region {options.region} was validated (--region).")
    request = ValidationRequest(
        trail=trail,
        source=f"a copy in {where}" if copy else where,
        chains=chains,
        period=period,
        now=now,
        absent_regions=absent,
        is_copy=copy is not None,
        is_quick=options.is_quick,
        notices=tuple(notices),
        unseen=unseen,
    )
    return PreparedValidation(request, store, AwsFacts(aws, trail.name, trail.arn, trail.home_region, period, now))


def _known(options: IntegrityOptions, chains: Chains, where: str | None) -> Chains:
    """The chains, of which there must be one for the account and region that were asked for.

    :raises TargetNotFound: there is none.
    """
    selected = {"--account": options.account, "--region": options.region}
    given = " ".join(f"{option} {value}" for option, value in selected.items() if value)
    if given and not chains:
        raise TargetNotFound(f"{where} has no files of the trail for {given}. Leave that out to validate all there is.")
    return chains


def _trail(aws: Aws, options: IntegrityOptions) -> tuple[TrailName, Trail | None]:
    """The trail to validate, and its settings when they could be read."""
    try:
        trails = trails_in(aws, aws.region)
    except CannotLook:
        # A full name and a bucket are enough to go on.
        if options.trail is None or not options.trail.startswith("arn:") or options.bucket is None:
            raise
        region, account = options.trail.split(":")[3:5]
        return TrailName(name_of(options.trail), region, account, options.trail), None
    fitting = [trail for trail in trails if options.trail in (None, trail.name, trail.arn)]
    if len(fitting) != 1:
        known = ", ".join(sorted(trail.name for trail in trails)) or "none"
        wanted = f"There is no trail {options.trail}" if options.trail else "Name the trail to validate with --trail"
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
        return (), (f"Whether all files of a region were deleted is not known: {error}",)
