"""From what was asked for to what is to be validated: the trail, where its files are, and all that must be there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from verify.aws import Aws
from verify.bucket_name import is_bucket_name
from verify.errors import ApiError, CannotLook, TargetNotFound, UsageError
from verify.integrity.bundle import MANIFEST, Bundle, load_bundle
from verify.integrity.chain_validation import OtherTrails, UnsignedTime
from verify.integrity.digests.digest import Digest
from verify.integrity.digests.digest_file import (
    DigestFile,
    SignatureStatus,
    check_digest_file,
    with_successor_signature,
)
from verify.integrity.digests.public_keys import KeyRing
from verify.integrity.facts import AwsFacts, Facts, SavedFacts, TrailName, load_keys
from verify.integrity.inventory import DIGESTS, LOGS, Days, Walked, has_folder, is_account, is_region, walk_all
from verify.integrity.origin import BUCKET_COPY, CLAIMED_BUNDLE, TRAIL_BUCKET, Origin
from verify.integrity.scope import (
    Destination,
    Expected,
    Members,
    Scope,
    Selection,
    enabled_regions,
    members,
    scope_in_bucket,
    scope_in_copy,
)
from verify.integrity.state import load_state
from verify.integrity.timeline.configuration import Configuration, Setting
from verify.integrity.timeline.gaps import DUE_AFTER_INTERVALS, HOUR, unsigned_times
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import VALIDATION_IS_OFF, Verdict
from verify.integrity.validate import COMES_WITHIN, ValidationRequest
from verify.storage.folder import FolderObjectStore
from verify.storage.gzip_content import MAX_DIGEST_BYTES, GzipSink
from verify.storage.layout import ROOT, ChainName, DeliveryLocation, DigestName
from verify.storage.objects import S3, AskedAhead, BucketCopyStore, ObjectStore
from verify.threads import concurrently
from verify.times import iso, parse_duration, parse_moment
from verify.trail import Trail, name_of, trail_arn, trails_in

_DEFAULT_SINCE = "1d"
_LOGS = ROOT.rstrip("/")
_ALIAS = "-s3alias"
_WALKS_AT_ONCE, _ASKED_AT_ONCE = 8, 12
A = TypeVar("A")
B = TypeVar("B")
_FIRST_YEAR = 2013  # in which CloudTrail began
# A day of digests, and what came of the next one since midnight.
_DAYS_SEARCHED, _DIGESTS_SEARCHED = 2, 25
_DIGESTS_OF_OWNER_SEARCHED = 5  # of a day: whoever may not read them waits for each
_MAYBE_ORGANIZATIONS = (
    "no call and no digest shows that the trail was one account's before the last 15 minutes, which the event history "
    "does not hold yet; of an organization's trail, it does not hold what a delegated administrator did"
)
_SIGNED = (SignatureStatus.VALID, SignatureStatus.VALID_IN_SUCCESSOR)
_NOT_SIGNED = frozenset({SignatureStatus.INVALID, SignatureStatus.MALFORMED})
_CLOCKS_AGREE = timedelta(seconds=2)
_CLOCKS_DIFFER = timedelta(minutes=5)


class IntegrityOptions(Struct, frozen=True, kw_only=True):
    """What was asked for; ``None`` where nothing was given.

    :param source: a folder, a bundle's manifest or ``s3://BUCKET``.
    :param keys: a file with public keys, or several: AWS tells those of one region at a time.
    :param trust_keys: fingerprints of keys that are AWS's.
    :param regions: every region that a plain copy should hold.
    :param state: a file that remembers what was proven.
    """

    since: str | None = None
    start: str | None = None
    end: str | None = None
    trail: str | None = None
    account: str | None = None
    bucket: str | None = None
    prefix: str | None = None
    source: str | None = None
    keys: str | tuple[str, ...] | None = None
    trust_keys: tuple[str, ...] = ()
    region: str | None = None
    regions: tuple[str, ...] = ()
    state: str | None = None
    is_quick: bool = False
    requires_logging: bool = False


class PreparedValidation(Struct, frozen=True):
    """All that a validation needs.

    :param remembers_as: the name of the source in a state file; ``None`` for one of which none can be kept.
    :param bundle: the evidence bundle that the files are from, of which ``selection`` was asked for.
    """

    request: ValidationRequest
    store: ObjectStore
    facts: Facts
    remembers_as: str | None = None
    bundle: Bundle | None = None
    selection: Selection = field(default_factory=Selection)


def as_meant(options: IntegrityOptions) -> IntegrityOptions:
    """The options with each bucket by its name, also where a whole address was given: ``--bucket s3://logs/prefix``.

    :raises UsageError: the address has another prefix than ``--prefix`` says.
    """
    source, bucket = options.source, options.bucket
    address = source if source and source.startswith(S3) else bucket
    if not address or not address.startswith(S3):
        return options
    name, _, below = address.removeprefix(S3).partition("/")
    prefix = below.strip("/") or None
    if prefix and options.prefix is not None and options.prefix.strip("/") != prefix:
        raise UsageError(
            f"{address} has the prefix {prefix!r}, and --prefix says {options.prefix!r}. Give one of them."
        )
    prefix = options.prefix if options.prefix is not None else prefix
    if address is source:
        return replace(options, source=f"{S3}{name}", prefix=prefix)
    return replace(options, bucket=name, prefix=prefix)


def check_options(options: IntegrityOptions) -> None:
    """Refuse what cannot be meant.

    :raises UsageError: the options contradict each other.
    """
    if options.account is not None and not is_account(options.account):
        raise UsageError(f"--account {options.account!r} is not an account: an account ID has 12 digits.")
    if options.source is not None and options.source.rstrip("/") == S3.rstrip("/"):
        raise UsageError(
            f"--source {options.source} does not name a bucket. Give its name, as s3://BUCKET, or leave the option out."
        )
    for option, name in (("--bucket", options.bucket), ("--source", _bucket_in(options.source))):
        if name and not is_bucket_name(name):
            raise UsageError(f"{option}: {name!r} can be no bucket's name, such as my-trail-logs.")
    is_folder = options.source is not None and not options.source.startswith(S3)
    if is_folder and options.state is not None:
        raise UsageError(
            "--state is for the trail's bucket, or a copy in another one. In a folder nothing shows that a file was "
            "written again, and its keys are those that were given: leave --state out."
        )
    _check_regions(options, is_folder=is_folder)
    for option, value in (("--bucket", options.bucket), ("--prefix", options.prefix)):
        if is_folder and value is not None:
            raise UsageError(f"{option} {value!r} is for a bucket: of a folder, all that lies in it is looked at.")
    if not is_folder and options.keys is not None:
        raise UsageError("--keys is for a copy in a folder (--source DIR). For a bucket, the keys come from AWS.")
    if not is_folder and options.trust_keys:
        raise UsageError(
            "--trust-key is for an evidence bundle (--source DIR/bundle.json). For a bucket, AWS is asked."
        )


def _check_regions(options: IntegrityOptions, *, is_folder: bool) -> None:
    if options.regions and not is_folder:
        raise UsageError("--regions is for a copy in a folder (--source DIR). For a bucket, AWS is asked.")
    if options.regions and options.region:
        raise UsageError(
            f"--region {options.region} asks of one region alone, and --regions says which ones the copy should hold. "
            "Give one of the two."
        )
    for region in options.regions:
        if not is_region(region):
            raise UsageError(f"--regions: {region!r} is not the name of a region, such as us-east-1.")


def _bucket_in(source: str | None) -> str | None:
    """The bucket of ``s3://BUCKET``; ``None`` for a folder."""
    return source.removeprefix(S3).rstrip("/") if source and source.startswith(S3) else None


def _above(prefix: str) -> str | None:
    """The prefix above ``AWSLogs/``, if it was copied with it; ``None`` where it was not."""
    parts = prefix.split("/")
    return "/".join(parts[: parts.index(_LOGS)]) if _LOGS in parts else None


def period_of(options: IntegrityOptions, now: datetime) -> Period:
    """The period that was asked for.

    :raises UsageError: it is none.
    """
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
    if start > now and options.start is not None:
        raise UsageError(
            f"--start {options.start} is yet to come: it is {iso(now)} now, and nothing was delivered "
            "after that. Give an earlier one."
        )
    if start >= end:
        raise UsageError(f"The period begins at {iso(start)}, not before its end {iso(end)}.")
    if start.year < _FIRST_YEAR:
        raise UsageError(
            f"The period begins in {start.year}, before CloudTrail did ({_FIRST_YEAR}). Give a later --start."
        )
    return Period(start, end)


# ---- a folder ------------------------------------------------------------------------------------------------------


def from_folder(options: IntegrityOptions, now: datetime) -> PreparedValidation:
    """A copy in a folder, or an evidence bundle, which is named by its manifest.

    :raises UsageError: there is none, or the options name what is not there.
    """
    check_options(options)
    path = Path(options.source or "")
    if options.regions and path.name == MANIFEST:
        raise UsageError("--regions is for a plain copy: an evidence bundle says itself which regions there are.")
    if path.name == MANIFEST and path.is_file():
        return _bundle(options, path, now)
    if path.name == MANIFEST and not path.exists():
        raise UsageError(
            f"--source {str(path)!r}: there is no {MANIFEST}, as an export that was interrupted leaves it. "
            "Run the export again."
        )
    if options.trust_keys:
        raise UsageError("--trust-key is for an evidence bundle: name its manifest, --source DIR/bundle.json.")
    store = FolderObjectStore(path)
    selection = Selection(options.account, options.region)
    keys = load_keys(options.keys)
    vouched = partial(_vouched, store, lambda _region: keys)
    trail, scope = scope_in_copy(store, options.trail, selection, options.regions, vouched)
    _refuse_nothing(options, scope, str(options.source))
    period = period_of(options, now)
    notices = ["The files are a copy: whether it is complete at its end is not known.", *_held_by_copy(scope, period)]
    if (path / MANIFEST).is_file():
        notices.append(
            f"The folder holds a {MANIFEST}, which was not read: anybody can put one into a bucket. If this is an "
            f"evidence bundle, name it: --source {path / MANIFEST}"
        )
    no_keys = "No public keys were given (--keys), so that no signature could be checked: AWS is not asked for them."
    request = ValidationRequest(
        trail=trail,
        source=f"the folder {options.source}",
        scope=scope,
        period=period,
        now=now,
        origin=BUCKET_COPY,
        is_quick=options.is_quick,
        requires_logging=options.requires_logging,
        notices=tuple(notices),
        causes=(no_keys,) if options.keys is None else (),
    )
    store_of_copy = BucketCopyStore(store, "", _prefixes(scope))
    return PreparedValidation(request, store_of_copy, SavedFacts(keys, trail.home_region))


def _held_by_copy(scope: Scope, period: Period) -> Iterator[str]:
    """Of which days a copy has folders of digests, where more was asked for. What lies in them is not read for this."""
    days = {day for one in scope.days.values() for day in one.digests}
    # The digest of the last hours of a day may be delivered on the next one.
    if days and (period.start.date() < min(days) or period.end.date() > max(days)):
        held = f"By the names of its folders, the copy holds digests of {min(days)} to {max(days)}."
        yield f"{held} Of other days it proves nothing."


def _today(trail: TrailName, deployed: Trail | None, *, are_known: bool) -> Iterator[str]:
    """What DescribeTrails lacks.

    :param are_known: whether it answered.
    """
    if not are_known:
        yield "DescribeTrails gave no answer: how the trail is configured today is not known."
    elif deployed is None:
        yield f"There is no trail {trail.arn} today."


def _signs_nothing(deployed: Trail | None) -> Iterator[str]:
    """Since when, a call tells, where the event history may be asked and holds it."""
    if deployed is not None and not deployed.validates_log_files:
        yield f"{VALIDATION_IS_OFF}, as DescribeTrails says: CloudTrail signs nothing of what it delivers."


def _nothing_found(
    store: ObjectStore, scope: Scope, bucket: str, prefix: str, deployed: Trail | None
) -> tuple[list[str], list[str]]:
    """Where it was looked when nothing of a trail was found, with where the trail delivers today; and why that place
    could not be looked at.
    """
    if any(one.has_folder for one in scope.account_regions):
        return [], []
    root = f"{prefix}/{ROOT}" if prefix else ROOT
    at = f"{S3}{bucket}/{root}"
    looked: list[str] = []
    unreadable: list[str] = []
    try:
        anything = next(iter(store.objects(bucket, root)), None)
        looked.append(f"Nothing of {'CloudTrail' if anything is None else 'this trail'} was found below {at}.")
    except ApiError as error:
        is_gone = error.code == "NoSuchBucket"
        unreadable.append(f"There is no bucket {bucket}." if is_gone else f"{at} could not be read: {error}")
    except CannotLook as error:
        unreadable.append(f"{at} could not be read: {error}")
    if deployed is not None:
        own = f"{S3}{deployed.bucket}/{deployed.prefix or ''}".rstrip("/")
        looked.append(f"DescribeTrails says that {deployed.name} delivers to {own}.")
    return looked, unreadable


def _prefixes(scope: Scope) -> tuple[str, ...]:
    return tuple(sorted({location.prefix for location, _ in scope.days}))


def _bundle(options: IntegrityOptions, manifest: Path, now: datetime) -> PreparedValidation:
    bundle = load_bundle(manifest, options.keys, options.trust_keys)
    said = bundle.manifest
    _refuse_another_trail(options, said.trail)
    selection = Selection(options.account, options.region)
    account_regions = tuple(one for one in said.account_regions if selection.takes(one.chain.account, one.chain.region))
    scope = Scope(account_regions, foreign=said.foreign, unseen=bundle.unseen(selection))
    _refuse_nothing(options, scope, str(options.source))
    is_timed = options.since or options.start or options.end
    made = min(said.made_at, now)
    # An end that was asked for counts also where the manifest tells of an earlier one.
    at = made if options.end in (None, "now") else now
    period = period_of(options, at) if is_timed else said.period
    if not period.overlaps(said.period.start, said.period.end):
        raise UsageError(
            f"The bundle's export looked at the time from {iso(said.period.start)} to "
            f"{iso(said.period.end)}, and at nothing that was asked for. Give a --start and --end in it."
        )
    request = ValidationRequest(
        trail=said.trail,
        source=f"the evidence bundle {options.source}, made at {iso(said.made_at)}",
        scope=scope,
        period=period,
        now=made,
        origin=TRAIL_BUCKET if bundle.is_authentic else CLAIMED_BUNDLE,
        is_quick=options.is_quick,
        requires_logging=options.requires_logging,
        other_trails=lambda location, region: said.other_trails.get((location, region)),
        # What nobody vouches for makes nothing better.
        unsigned=lambda location, region: said.unsigned.get((location, region), ()) if bundle.is_authentic else (),
        claimed_because=bundle.claimed_because,
        at_best=said.at_best,
        held=said.period,
    )
    return PreparedValidation(request, bundle.store, bundle, bundle=bundle, selection=selection)


def _refuse_another_trail(options: IntegrityOptions, said: TrailName) -> None:
    """Refuse a bundle of another trail than the one that was asked for.

    :raises UsageError: it is another one's.
    """
    if options.trail is None:
        return
    arn = trail_arn(options.trail)
    # An ARN says all that tells trails apart; the manifest's own ARN may not fit what else it says.
    if arn is None:
        is_meant = options.trail == said.name
    else:
        is_meant = (name_of(options.trail), arn.region, arn.account) == (said.name, said.home_region, said.account)
    if not is_meant:
        raise UsageError(
            f"--trail {options.trail}: the bundle is of the trail {said.arn or said.name} ({said.home_region}, account "
            f"{said.account}). Name that one, or leave the option out."
        )


def _refuse_nothing(options: IntegrityOptions, scope: Scope, where: str) -> None:
    """Refuse an account and region of which there is nothing.

    :raises TargetNotFound: there is nothing.
    """
    narrowed_by = {"--account": options.account, "--region": options.region}
    given = " ".join(f"{option} {value}" for option, value in narrowed_by.items() if value)
    if given and not scope.account_regions:
        raise TargetNotFound(f"{where} has no files of the trail for {given}. Leave that out to validate all there is.")


# ---- a bucket ------------------------------------------------------------------------------------------------------


def from_bucket(options: IntegrityOptions, aws: Aws, store: ObjectStore, now: datetime) -> PreparedValidation:
    """The trail's bucket, or a copy in another one (``options.source``).

    :param now: by this machine's clock.
    :raises UsageError: the options name what is not there.
    :raises CannotLook: AWS could not be asked.
    """
    options = as_meant(options)
    check_options(options)
    trail, deployed, all_trails = _trail(aws, options)
    now, notices = _by_the_services_clock(aws, now)
    period = period_of(options, now)
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
    facts = AwsFacts(aws, trail, deployed, all_trails is not None, period, now)
    bucket, origin = _bucket(options, deployed)
    prefix = _prefix(options, deployed, store, bucket, origin)
    elsewhere = deployed is not None and origin.keeps_keys and bucket != deployed.bucket
    others = (other for other in all_trails or () if other.bucket == bucket and other.arn != trail.arn)
    other_prefixes = tuple(other.prefix or "" for other in others)
    with concurrently(_ASKED_AT_ONCE) as pool:  # none of them needs what another one answers
        levels = _likely_levels(DeliveryLocation(bucket, prefix, "", trail.account), trail.home_region, deployed)
        ahead = AskedAhead(store, {(bucket, level): pool.submit(store.level, bucket, level) for level in levels})
        asked_regions = pool.submit(enabled_regions, aws)
        vouched = None if origin.keeps_keys else partial(_vouched, store, facts.keys)
        walk = pool.submit(walk_all, ahead, bucket, prefix, other_prefixes, _at_once, vouched=vouched)
        for ask in (facts.status, facts.keys):
            pool.submit(ask, trail.home_region)  # for whoever asks next
        recording = pool.submit(facts.recording)
        configuration = facts.configuration()
    regions, walked = asked_regions.result(), walk.result()
    configuration = configuration.with_recording(*recording.result())
    configuration = _doubted(configuration, facts, store, walked, origin)
    was_all = configuration.was_ever(Setting.ALL_REGIONS, period.start, period.end)
    was_organizations = configuration.was_ever(Setting.ORGANIZATION, period.start, period.end)
    destination = Destination(
        bucket=bucket,
        prefix=prefix,
        is_organization=deployed.is_organization if deployed else None,
        is_multi_region=was_all,
        other_prefixes=other_prefixes,
        former=() if elsewhere or not origin.keeps_keys else tuple(configuration.places()),
        was_organization=was_organizations,
    )
    regions = facts.with_left_regions(regions) if was_all is not False else regions
    is_organization = deployed is None or deployed.is_organization or was_organizations is not False
    kept_as = "the trail's own bucket" if origin.keeps_keys else f"the copy in {S3}{bucket}"
    kept_as += f" at {aws.endpoint_url}" if aws.endpoint_url else ""
    anchors = load_state(Path(options.state), trail.arn or trail.name, kept_as) if options.state else {}
    expected = Expected(regions, _members(aws, facts) if is_organization else None, frozenset(anchors))
    scope_at = partial(
        scope_in_bucket,
        store,
        trail,
        expected=expected,
        selection=Selection(options.account, options.region),
        walked=walked,
        is_signed=partial(_is_signed, facts, store, origin),
    )
    scope = scope_at(destination)
    _refuse_nothing(options, scope, f"{S3}{bucket}")
    if aws.endpoint_url:
        notices.insert(0, f"Endpoint {aws.endpoint_url} is not AWS: this result does not describe an AWS account.")
    if options.region and was_all is not False:
        notices.append(f"Only region {options.region} was validated (--region).")
    looked, unreadable = _nothing_found(store, scope, bucket, prefix, deployed)
    notices += [*_today(trail, deployed, are_known=all_trails is not None), *looked]
    causes = (*unreadable, *_signs_nothing(deployed))
    notices += () if origin.keeps_keys else _held_by_copy(scope, period)
    request = ValidationRequest(
        trail=trail,
        source=f"{'' if origin.keeps_keys else 'a copy in '}{S3}{bucket}/{prefix}".rstrip("/"),
        scope=scope,
        period=period,
        now=now,
        origin=origin,
        is_quick=options.is_quick,
        requires_logging=options.requires_logging,
        notices=tuple(notices),
        causes=causes,
        other_trails=_AskForOtherTrails(aws, facts, trail, origin),
        unsigned=_AskForUnsignedTimes(aws, facts),
        untold=() if elsewhere or not origin.keeps_keys else tuple(_untold(configuration, period)),
        is_remembered=options.state is not None,
        anchors=anchors,
        with_places=lambda places: scope_at(destination.with_former(places)),
    )
    # Of a trail that is gone nothing tells the prefix: the copy's files lie where they were found.
    prefixes = dict.fromkeys((prefix, *sorted(location.prefix for location, _ in scope.days)))
    ready_store: ObjectStore = store if origin.keeps_keys else BucketCopyStore(store, bucket, tuple(prefixes))
    known_facts = replace(facts, delivers_elsewhere=elsewhere, known=configuration)
    return PreparedValidation(request, ready_store, known_facts, remembers_as=kept_as)


def _untold(configuration: Configuration, period: Period) -> Iterator[str]:
    """The moves of which the place before is not known, where the trail may have delivered the period's files there."""
    came: datetime | None = None  # to the place before
    for call, before in configuration.moves():
        is_after = came is not None and came >= period.end + COMES_WITHIN
        came = call.at
        if before is None and call.at > period.start and not call.is_creation and not is_after:
            yield (
                f"Where the trail delivered before {call} is not known, as no call of before tells it: what lies there "
                "was not looked at, unless it is where the trail delivers today."
            )


def _doubted(
    configuration: Configuration, facts: AwsFacts, store: ObjectStore, walked: Walked, origin: Origin
) -> Configuration:
    """The configuration, without its history where nothing signed shows that the trail was not an organization's."""
    since, until = configuration.is_one_accounts_unshown_since(), configuration.known.end
    if since is None or until is None:
        return configuration
    locations = walked.accounts
    if not configuration.calls and not any(location.organization for location in locations):
        return configuration  # nothing is concluded from calls, and nothing of an organization's is there
    for location, account in locations.items():
        regions = account.days
        if location.organization or location.account != facts.trail.account:
            continue
        for region in sorted(regions, key=lambda region: (region != facts.trail.home_region, region)):
            days = sorted(day for day in regions[region].digests if since.date() <= day <= until.date())
            for day in days[: -_DAYS_SEARCHED - 1 : -1]:
                if _shows_one_account(location, region, day, facts, store, Period(since, until), origin):
                    return configuration
    # Of a trail that was made in the last minutes, what its event history lacks is all that there is to say.
    is_new = any(call.is_creation and call.at > until for call in configuration.calls)
    return configuration.without_history(configuration.known.why_not if is_new else _MAYBE_ORGANIZATIONS)


def _shows_one_account(
    location: DeliveryLocation,
    region: str,
    day: date,
    facts: AwsFacts,
    store: ObjectStore,
    within: Period,
    origin: Origin,
) -> bool:
    """Whether a digest of that day was delivered as one account's trail does: where it was delivered is signed."""
    for file, digest in _signed(location, region, day, facts, store, origin):
        if file.last_modified is None:
            continue
        # Where a digest goes that comes after the change is documented nowhere.
        written = file.last_modified if origin.knows_when_delivered else digest.end + DUE_AFTER_INTERVALS * HOUR
        if within.start <= digest.start and written <= within.end:
            return True
    return False


def _signed(
    location: DeliveryLocation,
    region: str,
    day: date,
    facts: AwsFacts,
    store: ObjectStore,
    origin: Origin,
    at_most: int = _DIGESTS_SEARCHED,
) -> Iterator[tuple[DigestFile, Digest]]:
    """The trail's digests of its own account, of a day, that CloudTrail signed, the newest first.

    :param at_most: how many are read.
    """
    chain = ChainName(facts.trail.account, region, facts.trail.name, facts.trail.home_region)
    listed = store.objects(location.bucket, location.digests_on(region, day))
    named = [name for entry in listed if (name := DigestName.parse(entry.name)) is not None]
    own = sorted((one for one in named if (one.chain, one.location) == (chain, location)), key=lambda one: one.end)
    for file in _files(store, own[: -at_most - 1 : -1], facts.keys(region), origin):
        if file.digest is not None and file.signature_status in _SIGNED:
            yield file, file.digest


def _is_signed(
    facts: AwsFacts, store: ObjectStore, origin: Origin, location: DeliveryLocation, region: str, days: Days
) -> bool:
    """See :data:`verify.integrity.scope.Signed`."""
    first, last = (facts.period.start - HOUR).date(), facts.now.date()
    found = sorted(day for day in days.digests if first <= day <= last)
    # The newest days may hold those of another trail alone, where this one was deleted.
    at_ends = dict.fromkeys((*found[: -_DAYS_SEARCHED - 1 : -1], *found[:_DAYS_SEARCHED]))
    try:
        return not facts.keys(region).unknown_because and any(
            next(_signed(location, region, day, facts, store, origin, _DIGESTS_OF_OWNER_SEARCHED), None)
            for day in at_ends
        )
    except CannotLook:
        return False  # then it is not known


def _files(store: ObjectStore, named: Iterable[DigestName], keys: KeyRing, origin: Origin) -> Iterator[DigestFile]:
    """Digests of one chain, the newest first, each with its signature or the copy of it in the one after it."""
    newer: Digest | None = None
    for name in named:
        (result,) = store.read_each([name.name], lambda _: GzipSink(MAX_DIGEST_BYTES, keep_body=True))
        file = check_digest_file(name, result, keys, origin)
        yield with_successor_signature(file, newer.previous if newer else None, keys)
        newer = file.digest


def _vouched(store: ObjectStore, keys: Callable[[str], KeyRing], named: Sequence[DigestName]) -> Verdict:
    """Whether one of some digests of a copy is signed: see :data:`verify.integrity.inventory.Vouched`."""
    of_chains: dict[ChainName, list[DigestName]] = {}
    for name in sorted(named, key=lambda name: name.end, reverse=True):
        of_chains.setdefault(name.chain, []).append(name)
    found = set[SignatureStatus]()
    for chain, of_chain in of_chains.items():
        found |= {file.signature_status for file in _files(store, of_chain, keys(chain.region), BUCKET_COPY)}
    if not found.isdisjoint(_SIGNED):
        return Verdict.PROVEN
    return Verdict.ALTERED if found <= _NOT_SIGNED else Verdict.UNPROVEN


def _likely_levels(location: DeliveryLocation, region: str, deployed: Trail | None) -> Iterator[str]:
    """What a walk to a trail's days would list one after the other, as far as it is known before."""
    top = f"{location.prefix}/" if location.prefix else ""
    yield from (top, f"{top}{ROOT}")
    if deployed is None or deployed.is_organization:
        return
    yield location.root
    for kind in (DIGESTS, LOGS):
        yield from (f"{location.root}{kind}/", f"{location.root}{kind}/{region}/")


def _members(aws: Aws, facts: AwsFacts) -> Members:
    """The organization's accounts, and those that it removed in the period."""
    found = members(aws)
    if found.why_not:
        return found
    try:
        return replace(found, accounts=found.accounts | facts.removed_members())
    except CannotLook as error:
        why = f"Whether an account left the organization, and all files of it were deleted, is not known: {error}"
        return replace(found, why_not=why)


def _by_the_services_clock(aws: Aws, now: datetime) -> tuple[datetime, list[str]]:
    skew = aws.clock_skew()
    if abs(skew) < _CLOCKS_AGREE:
        return now, []
    if abs(skew) <= _CLOCKS_DIFFER:
        return now + skew, []
    minutes = abs(skew).total_seconds() / 60
    way = "behind" if skew > timedelta() else "ahead of"
    return now + skew, [
        f"This machine's clock is {minutes:,.0f} minutes {way} the service's, by which all is reckoned."
    ]


def _bucket(options: IntegrityOptions, deployed: Trail | None) -> tuple[str, Origin]:
    """The bucket, and whether it is the trail's or a copy."""
    copy = _bucket_in(options.source)
    bucket = copy or options.bucket or (deployed.bucket if deployed else "")
    if not bucket:
        raise UsageError("Name the bucket with --bucket: the trail's settings could not be read.")
    # An access point's alias is another name of the bucket: what digests say of theirs does not fit it.
    return bucket, BUCKET_COPY if copy is not None or bucket.endswith(_ALIAS) else TRAIL_BUCKET


def _prefix(options: IntegrityOptions, deployed: Trail | None, store: ObjectStore, bucket: str, origin: Origin) -> str:
    """The prefix as it is: of the trail ``logs`` the keys begin with ``logs/AWSLogs/``, of ``logs/`` with
    ``logs//AWSLogs/``.

    :raises TargetNotFound: it was given, is not the trail's own, and nothing of a trail lies below it.
    """
    own = (deployed.prefix or "") if deployed else ""
    is_own_bucket = deployed is not None and bucket == deployed.bucket
    if options.prefix is None and origin.keeps_keys:
        return own if is_own_bucket or not options.bucket else ""
    if options.prefix is None:
        return next((prefix for prefix in (own, "") if has_folder(store, bucket, prefix)), own)
    stripped = options.prefix.strip("/")
    if is_own_bucket and stripped == own.strip("/"):
        return own
    above = _above(options.prefix)
    for prefix in (stripped, options.prefix, f"{stripped}/", above):
        if prefix is not None and has_folder(store, bucket, prefix):
            return prefix
    raise TargetNotFound(
        f"There is no AWSLogs/ below s3://{bucket}/{options.prefix.rstrip('/')}. Give the prefix that the trail had"
        f"{f', such as {own!r}' if own else ''}, or leave it out."
    )


def _at_once(run: Callable[[A], B], things: Iterable[A]) -> list[B]:
    with concurrently(_WALKS_AT_ONCE) as pool:
        return list(pool.map(run, things))


def _trail(aws: Aws, options: IntegrityOptions) -> tuple[TrailName, Trail | None, tuple[Trail, ...] | None]:
    """The trail that is meant, as it is deployed, and all that DescribeTrails shows; ``None`` for what is not known."""
    trails: tuple[Trail, ...] | None
    is_full = options.trail is not None and options.trail.startswith("arn:")
    try:
        trails = trails_in(aws, aws.region)
    except CannotLook:
        # A full name and a bucket are enough to go on.
        if not is_full or (options.bucket is None and options.source is None):
            raise
        trails = None
    fitting = [trail for trail in trails or () if options.trail in (None, trail.name, trail.arn)]
    if len(fitting) == 1:
        (trail,) = fitting
        return TrailName.of(trail), trail, trails
    if is_full and options.trail is not None and not fitting and (options.bucket or options.source):
        region, account = options.trail.split(":")[3:5]
        return TrailName(name_of(options.trail), region, account, options.trail), None, trails
    known = ", ".join(sorted(trail.name for trail in trails or ())) or "none"
    if is_full:
        raise TargetNotFound(
            f"There is no trail {options.trail}. Trails in {aws.region}: {known}. For one that was deleted, name the "
            "bucket that it delivered to with --bucket."
        )
    if not trails and not options.trail:
        raise TargetNotFound(
            f"There is no trail in {aws.region}. Check --region and the account. For one that was deleted, name its "
            "ARN with --trail, and the bucket that it delivered to with --bucket."
        )
    problem = f"There is no trail {options.trail}" if options.trail else "Name the trail with --trail"
    raise TargetNotFound(f"{problem}. Trails in {aws.region}: {known}.")


class _AskForOtherTrails(Struct, frozen=True):
    """Which other trails deliver to a location and region."""

    aws: Aws
    facts: AwsFacts
    trail: TrailName
    origin: Origin

    def __call__(self, location: DeliveryLocation, region: str) -> OtherTrails | None:
        """See :class:`verify.integrity.validate.ValidationRequest`."""
        if location.organization == "" and location.account != self.trail.account:
            return None
        try:
            if location.organization == "" and self.facts.is_elsewhere():
                return None
            trails = trails_in(self.aws, region)
        except CannotLook:
            return None
        fitting = (
            trail
            for trail in trails
            if trail.arn != self.trail.arn
            and (not self.origin.keeps_keys or trail.place == location.place)
            and trail.is_organization == bool(location.organization)
        )
        return {(trail.name, trail.home_region): trail.validates_log_files for trail in fitting}


class _AskForUnsignedTimes(Struct, frozen=True):
    """When other trails delivered to a location and region without signing, by what is known of their configuration.

    :param known: the configuration of each, once it was asked. Threads may ask at once, and then for the same.
    """

    aws: Aws
    facts: AwsFacts
    known: dict[str, Configuration] = field(default_factory=dict)

    def __call__(self, location: DeliveryLocation, region: str) -> tuple[UnsignedTime, ...]:
        """See :class:`verify.integrity.validate.ValidationRequest`."""
        try:
            trails = trails_in(self.aws, region)
        except CannotLook:
            return ()
        found: list[UnsignedTime] = []
        for trail in trails:
            is_its = trail.place == location.place and trail.is_organization == bool(location.organization)
            is_of_account = trail.is_organization or trail.account == location.account
            if is_its and is_of_account and trail.arn != self.facts.trail.arn:
                period = Period(self.facts.period.start - HOUR, self.facts.now)
                times = unsigned_times(self._configuration(trail), region, period)
                found += [UnsignedTime(trail.name, time) for time in times]
        return tuple(found)

    def _configuration(self, trail: Trail) -> Configuration:
        if trail.arn not in self.known:
            named = TrailName.of(trail)
            facts = AwsFacts(self.aws, named, trail, was_described=True, period=self.facts.period, now=self.facts.now)
            self.known[trail.arn] = facts.configuration()
        return self.known[trail.arn]
