"""Finds the log files that a question is about: single files, a folder, an evidence bundle, or the trail's bucket.

Only the days, regions and accounts that are asked for are listed. That a file is missing can be seen by the digests
alone: ``coverage`` asks them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from verify.errors import CannotLook, UsageError
from verify.integrity.inventory import QUERY_RESULTS, WITHOUT_DIGEST, Days, find_locations, is_marker, walk_account
from verify.integrity.timeline.verdict import Verdict
from verify.logs.answer import grouped
from verify.logs.coverage import (
    NAMED,
    Covered,
    RegionFolder,
    Span,
    TrailKey,
    days_of,
    is_delivered_in,
    look_at_digests,
)
from verify.logs.misplaced import DELIVERED_NAME, MOST_REQUESTS, NO_LOG_NAMES, NO_LOGS, look_at_misplaced, outside_days
from verify.storage.folder import FolderObjectStore
from verify.storage.layout import ROOT, DeliveryLocation, LogName
from verify.storage.objects import (
    S3,
    Absent,
    BucketCopyStore,
    Found,
    ListedObject,
    ObjectName,
    ObjectStore,
    ReadResult,
    Sink,
    T,
    Unreadable,
    address,
)
from verify.threads import concurrently
from verify.times import iso

# What asks AWS or knows keys takes a quarter of a second to load. Files of this machine need none of it.
if TYPE_CHECKING:
    from verify.aws import Aws
    from verify.integrity.bundle import Bundle
    from verify.integrity.scope import AccountRegion
    from verify.integrity.sources import IntegrityOptions, PreparedValidation

MANIFEST = "bundle.json"  # as verify.integrity.bundle has it

_LOG_SUFFIXES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".log", ".log.gz", ".gz")
_LISTS_AT_ONCE = 8
_PIECE_BYTES = 2**20
_IN_LAYOUT = re.compile(
    r"(?:^|/)AWSLogs/(?:o-[a-z0-9]{10,32}/)?(?P<account>[0-9]{12})/(?P<kind>CloudTrail[A-Za-z-]{0,40})/"
    r"(?P<region>[a-z]{2}[a-z0-9-]{3,30})/(?P<day>[0-9]{4}/[0-9]{2}/[0-9]{2})/[^/]+"
)


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file that is to be read.

    :param account: by its key, as region and day; ``""`` where the key does not tell.
    :param delivered: to the minute, by its name.
    """

    name: ObjectName
    size_bytes: int
    account: str = ""
    region: str = ""
    day: str = ""
    delivered: datetime | None = None
    etag: str = ""

    @property
    def shown_name(self) -> str:
        """For people: of a file on this machine its path."""
        return str(self.name)


@dataclass(frozen=True, slots=True)
class LogSource:
    """The files that a question is about.

    :param source: where they are, in words.
    :param files: all of them.
    :param period: the times between which an event must lie; ``None`` for all.
    :param holes: why files may be missing, each as a sentence.
    :param not_due: of which newest time no digest can tell yet whether files are missing, in a sentence.
    :param missing: by account and region, the keys of log files that a digest lists and that are not there.
    :param version_of: what changes whenever a file is written again; ``""`` where nothing tells.
    :param beside: files of the same days that were delivered at other times than those of the period.
    :param only: by stored column, the values that were asked for, where the files' names do not tell them.
    :param strangers: what lies among the digests and has no digest's name.
    """

    store: ObjectStore
    source: str
    files: tuple[LogFile, ...]
    period: Span | None
    holes: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    not_due: tuple[str, ...] = ()
    missing: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    version_of: Callable[[LogFile], str] = lambda _file: ""
    beside: tuple[LogFile, ...] = ()
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for; ``None`` or empty where nothing was.

    :param places: files, a folder, a bundle's manifest, or ``s3://BUCKET``. Default: - the trail's bucket.
    :param keys: of a copy, a file with AWS's public keys, or several; ``trust_keys`` of a bundle, their fingerprints.
    """

    places: tuple[str, ...] = ()
    since: str | None = None
    start: str | None = None
    end: str | None = None
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    trail: str | None = None
    bucket: str | None = None
    prefix: str | None = None
    keys: str | tuple[str, ...] | None = None
    trust_keys: tuple[str, ...] = ()

    @property
    def is_in_bucket(self) -> bool:
        """Whether the files are in S3: in the trail's bucket, or in one that was named."""
        return not self.places or self.places[0].startswith(S3)

    @property
    def is_timed(self) -> bool:
        """Whether a time was given."""
        return bool(self.since or self.start or self.end)

    def takes(self, account: str, region: str) -> bool:
        """Whether files of an account and region were asked for; ``""`` is any region."""
        is_region_taken = not self.regions or not region or region in self.regions
        return is_region_taken and (not self.accounts or account in self.accounts)

    def absent(self, there: Iterable[tuple[str, str]]) -> list[str]:
        """A sentence for each account and each region that was asked for and is not among these."""
        known = {name for each in there for name in each}
        return [
            f"{name} was asked for, and there are no files of it."
            for name in sorted((self.accounts | self.regions) - known)
        ]

    def options(self) -> IntegrityOptions:
        """The same, in the words of ``verify integrity``."""
        from verify.integrity.sources import IntegrityOptions  # noqa: PLC0415

        return IntegrityOptions(
            since=self.since,
            start=self.start,
            end=self.end,
            trail=self.trail,
            bucket=self.bucket,
            prefix=self.prefix,
            source=self.places[0] if self.places else None,
        )


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where files lie as CloudTrail lays them out.

    :param days: by location and region, the days that have a folder.
    :param expected: accounts and regions that must be there.
    :param empty: those of which CloudTrail itself says that nothing was delivered.
    :param trail: the one whose digests tell what was delivered. Default: - each that delivers there.
    """

    store: ObjectStore
    days: Mapping[tuple[DeliveryLocation, str], Days]
    expected: tuple[tuple[str, str], ...] = ()
    holes: list[str] = field(default_factory=list)
    empty: tuple[tuple[str, str], ...] = ()
    trail: TrailKey | None = None


def find_files(asked: Asked, now: datetime, aws: Callable[[], Aws]) -> LogSource:
    """Find the files.

    :param aws: makes a session, where the files are in S3.
    :raises UsageError: what was named is not there, or the options contradict each other.
    :raises CannotLook: it could not be listed.
    """
    _refuse_several(asked.places)
    if asked.is_in_bucket:
        return _in_bucket(asked, aws(), now)
    if asked.trail or asked.bucket or asked.prefix:
        raise UsageError(
            "--trail, --bucket and --prefix are for the trail's bucket. Leave them out, or leave out --in."
        )
    paths = [Path(place) for place in asked.places]
    if len(paths) == 1 and paths[0].name == MANIFEST:
        return _in_bundle(asked, paths[0], now)
    if len(paths) == 1 and paths[0].is_dir():
        return _in_folder(asked, paths[0], now)
    place = _single_files(asked, paths, now)
    copies = [path for path in paths if path.is_dir() and find_locations(FolderObjectStore(path), "").locations]
    holes = (f"{path} is a copy of a bucket: its digests are looked at only if it is the only --in." for path in copies)
    return replace(place, holes=(*place.holes, *holes))


def _refuse_several(places: Sequence[str]) -> None:
    """Of a bucket and of a bundle there can be one: of several, the digests would tell nothing.

    :raises UsageError: there is another place beside it.
    """
    if len(places) > 1 and any(place.startswith(S3) or Path(place).name == MANIFEST for place in places):
        raise UsageError("--in takes one bucket, one bundle, or files and folders; not several of these at once.")


def _period(asked: Asked, now: datetime) -> Span | None:
    if not asked.is_timed:
        return None
    from verify.integrity.sources import period_of  # noqa: PLC0415

    period = period_of(asked.options(), now)
    return period.start, period.end


def prepare_validation(asked: Asked, now: datetime, aws: Callable[[], Aws]) -> PreparedValidation:
    """What ``verify integrity`` is to validate of the same place, for an answer from proven files alone.

    :param aws: makes a session, where the files are in S3.
    :raises UsageError: there is nothing that could be validated, or the options contradict each other.
    :raises CannotLook: AWS could not be asked.
    """
    from verify.integrity.sources import from_bucket, from_folder  # noqa: PLC0415
    from verify.storage.s3 import S3ObjectStore  # noqa: PLC0415

    _refuse_several(asked.places)
    account, region = (next(iter(each)) if len(each) == 1 else None for each in (asked.accounts, asked.regions))
    options = structs.replace(
        asked.options(), keys=asked.keys, trust_keys=asked.trust_keys, account=account, region=region
    )
    if asked.is_in_bucket:
        session = aws()
        ready = from_bucket(options, session, S3ObjectStore(session), now)
    else:
        if len(asked.places) > 1 or not (Path(asked.places[0]).is_dir() or Path(asked.places[0]).name == MANIFEST):
            raise UsageError("--proven-only needs the digests: name a bucket, a copy of one, or a bundle with --in.")
        if not asked.is_timed and Path(asked.places[0]).name != MANIFEST:
            raise UsageError("--proven-only of a folder needs to know the time: give --since, or --start and --end.")
        if options.region is None and Path(asked.places[0]).name != MANIFEST:
            options = structs.replace(options, regions=tuple(sorted(asked.regions)))
        ready = from_folder(options, now)
    scope = ready.request.scope
    chosen = tuple(one for one in scope.account_regions if asked.takes(one.chain.account, one.chain.region))
    absent = asked.absent((one.chain.account, one.chain.region) for one in chosen)
    scope = structs.replace(scope, account_regions=chosen, unseen=(*scope.unseen, *absent))
    return structs.replace(ready, request=structs.replace(ready.request, scope=scope))


# ---- single files ------------------------------------------------------------------------------------------------


class LocalFiles:
    """Files of this machine by their paths; the rest of a store's interface is not needed."""

    def read_each(self, names: Sequence[ObjectName], sink: Callable[[ObjectName], Sink[T]]) -> list[ReadResult[T]]:
        """See :class:`verify.storage.objects.ObjectStore`."""
        return [self._read(Path(name.key), sink(name)) for name in names]

    @staticmethod
    def _read(path: Path, into: Sink[T]) -> ReadResult[T]:
        try:
            if not path.is_file():
                return Unreadable(CannotLook("it is not a regular file"))
            with path.open("rb") as file:
                while (piece := file.read(_PIECE_BYTES)) and into.feed(piece):
                    pass
            return Found(into.finish(), {}, datetime.now(UTC))
        except FileNotFoundError:
            return Absent()
        except OSError as error:
            return Unreadable(CannotLook(str(error)))

    def level(self, bucket: str, prefix: str) -> object:
        """Nothing is listed."""
        raise NotImplementedError

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """Nothing is listed."""
        raise NotImplementedError


def _single_files(asked: Asked, paths: Iterable[Path], now: datetime) -> LogSource:
    files: list[LogFile] = []
    for path in paths:
        if path.is_dir():
            files += [_local(each) for each in sorted(path.rglob("*")) if _is_log(each)]
        elif path.exists():
            files.append(_local(path))
        else:
            raise UsageError(f"--in {str(path)!r}: there is no such file or folder.")
    chosen = tuple(each for each in files if not each.account or asked.takes(each.account, each.region))
    holes = [] if chosen else ["No log file was named, so nothing was read."]
    tell_all = all(each.account for each in files)
    if tell_all:  # else any of the others may have them
        holes += asked.absent((each.account, each.region) for each in chosen)
    if any(path.is_dir() for path in paths) and any(
        DELIVERED_NAME.fullmatch(Path(each.name.key).name) for each in chosen
    ):
        holes.append(
            "The files in the folder have CloudTrail's names, and their digest files are not looked at here: nothing "
            "tells whether some are missing. Name the folder that has AWSLogs in it."
        )
    others = sum(_is_other(each) for path in paths if path.is_dir() for each in path.rglob("*"))
    if others:
        holes.append(
            f"Not read in the folder, by their names, which no log file has: {others} file{'' if others == 1 else 's'}."
        )
    store: ObjectStore = LocalFiles()  # type: ignore[assignment]
    asked_of = {"recipientAccountId": asked.accounts, "awsRegion": asked.regions}
    only = {} if tell_all else {column: values for column, values in asked_of.items() if values}
    source = "1 file that was named" if len(chosen) == 1 else f"{len(chosen)} files that were named"
    return LogSource(store, source, chosen, _period(asked, now), tuple(holes), only=only)


def _is_log(path: Path) -> bool:
    """Whether a file in a folder that was named can be a log file."""
    is_one = path.name.endswith(_LOG_SUFFIXES) and path.is_file() and not path.is_symlink()
    return is_one and "CloudTrail-Digest" not in path.parts


def _is_other(path: Path) -> bool:
    """Whether it is a file that may be a log file under another name: what is not read is told."""
    is_file = path.is_symlink() or path.is_file()
    return is_file and not _is_log(path) and path.suffix not in NO_LOGS and path.name not in NO_LOG_NAMES


def _local(path: Path) -> LogFile:
    file = log_file(ListedObject(ObjectName("", path.as_posix()), path.stat().st_size, datetime.now(UTC), ""))
    return file or LogFile(ObjectName("", path.as_posix()), path.stat().st_size)


def log_file(entry: ListedObject) -> LogFile | None:
    """A file as its key describes it; ``None`` where it does not lie among CloudTrail's log files."""
    found = _IN_LAYOUT.search(entry.name.key)
    if found is None or found["kind"] == "CloudTrail-Digest":
        return None
    named = LogName.parse(entry.name)
    delivered = named.delivered if named else None
    return LogFile(entry.name, entry.size_bytes, found["account"], found["region"], found["day"], delivered, entry.etag)


# ---- a folder, a bundle, a bucket ----------------------------------------------------------------------------------


def _in_folder(asked: Asked, path: Path, now: datetime) -> LogSource:
    store = FolderObjectStore(path)
    found = find_locations(store, "", only_below_awslogs=False)
    locations = found.locations
    # A name that no rule allows is no log file's; a folder that was not looked into may hold some.
    holes = [f"{each.subject}: {each.reason}." for each in found.problems if each.verdict is Verdict.UNPROVEN]
    if not locations:
        place = _single_files(asked, [path], now)
        return replace(place, source=f"the folder {path}, which is not laid out as CloudTrail's bucket is")
    days, misplaced = _days_in(store, locations)
    prefixes = tuple(sorted({location.prefix for location in locations}))
    layout = _Layout(BucketCopyStore(store, "", prefixes), days, holes=holes)
    place = _laid_out(asked, layout, _period(asked, now), now, is_copy=True)
    foreign = [each.subject for each in found.problems if each.verdict is Verdict.FOREIGN]
    place = _with_misplaced(place, store, [*foreign, *misplaced, *_outside_days(store, days)], asked.takes)
    return replace(place, source=f"the folder {path}", version_of=lambda file: _local_version(store, file))


def _outside_days(store: ObjectStore, days: Mapping[tuple[DeliveryLocation, str], Days]) -> Iterator[str]:
    """What lies among the events without digests, and in no folder of a day that is read."""
    regions: dict[DeliveryLocation, set[str]] = {}
    for location, region in days:
        regions.setdefault(location, set()).add(region)
    for location, known in regions.items():
        for kind in set(kinds_without_digest(store, location)) - {QUERY_RESULTS}:
            yield from outside_days(store, location, kind, known)


def _with_misplaced(
    place: LogSource,
    store: ObjectStore,
    subjects: Iterable[str],
    takes: Callable[[str, str], bool],
    most_read: int | None = None,
) -> LogSource:
    """The place, with what is said of files where CloudTrail puts none.

    :param subjects: files and folders of which its layout knows nothing.
    :param takes: see :func:`verify.logs.misplaced.look_at_misplaced`.
    :param most_read: see :func:`verify.logs.misplaced.look_at_misplaced`.
    """
    found = look_at_misplaced(store, (*subjects, *place.strangers), takes, place.period, most_read)
    return replace(place, holes=(*place.holes, *found.holes()), notices=(*place.notices, *found.notices()))


def _days_in(
    store: ObjectStore, locations: Iterable[DeliveryLocation]
) -> tuple[dict[tuple[DeliveryLocation, str], Days], tuple[str, ...]]:
    """The days of each region, and what lies between that is neither."""
    walked = {location: walk_account(store, location) for location in locations}
    days = {(location, region): of for location, account in walked.items() for region, of in account.days.items()}
    return days, tuple(problem.subject for account in walked.values() for problem in account.problems)


def _local_version(store: FolderObjectStore, file: LogFile) -> str:
    """What the system notes of every change of a file; its time of writing alone could be set to anything."""
    path = store.path_of(file.name.key)
    try:
        status = os.stat(path) if path else None  # noqa: PTH116 - quicker, and there are thousands
    except OSError:
        return ""
    if status is None:
        return ""
    return f"{status.st_ino}-{status.st_size}-{status.st_ctime_ns}"


def _in_bundle(asked: Asked, manifest: Path, now: datetime) -> LogSource:
    from verify.integrity.bundle import load_bundle  # noqa: PLC0415
    from verify.integrity.timeline.timeline import Period, outside  # noqa: PLC0415

    if not manifest.is_file():
        raise UsageError(f"--in {str(manifest)!r}: there is no such file.")
    said = load_bundle(manifest, None, ())
    locations = {location for one in said.manifest.account_regions for location in one.locations}
    days, misplaced = _days_in(said.store, sorted(locations))
    expected = tuple((one.chain.account, one.chain.region) for one in said.manifest.account_regions if one.is_expected)
    held, made = said.manifest.period, min(said.manifest.made_at, now)
    # Of a bundle "now" is when it was made, here as for an answer from proven files alone.
    period = _period(asked, made if asked.end in (None, "now") else now) or (held.start, held.end)
    holes = [*said.manifest.unseen, *_not_in_bundle(said, asked, period)]
    holes += [
        f"{iso(each.start)} to {iso(each.end)}: the bundle's export did not look at that time."
        for each in outside(Period(*period), [held])
    ]
    trail = said.manifest.trail
    layout = _Layout(said.store, days, expected, holes, trail=(trail.name, trail.home_region))
    place = _laid_out(asked, layout, period, made, is_copy=False)
    place = _with_misplaced(place, said.store, misplaced, asked.takes)
    return replace(place, source=f"the evidence bundle {manifest}")


def _not_in_bundle(said: Bundle, asked: Asked, period: Span) -> Iterator[str]:
    """Log files that were there when the bundle was made. No digest lists the newest of them yet."""
    for names, why in (
        (said.store.gone(), "that the export kept are gone"),
        (said.manifest.unread, "could not be read by the export"),
    ):
        files = [log_file(ListedObject(name, 0, said.manifest.made_at, "")) for name in sorted(names)]
        lost = [
            str(file.name)
            for file in files
            if file and asked.takes(file.account, file.region) and is_delivered_in(file.delivered, period)
        ]
        if lost:
            more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
            yield f"{len(lost)} log files {why}: {', '.join(lost[:NAMED])}{more}."


def _in_bucket(asked: Asked, aws: Aws, now: datetime) -> LogSource:
    from verify.integrity.sources import from_bucket  # noqa: PLC0415
    from verify.storage.s3 import S3ObjectStore  # noqa: PLC0415

    ready = from_bucket(asked.options(), aws, S3ObjectStore(aws), now)
    scope, period = ready.request.scope, ready.request.period
    empty = tuple(
        (one.chain.account, one.chain.region)
        for one in scope.account_regions
        if one.is_expected and not one.has_folder and _never_delivered(ready, one, period.start)
    )
    expected = tuple((one.chain.account, one.chain.region) for one in scope.account_regions if one.is_expected)
    expected = tuple(each for each in expected if each not in empty)
    wanted = {(one.chain.account, one.chain.region) for one in scope.account_regions}
    theirs = {location for one in scope.account_regions if one.is_others for location in one.locations}
    days = {key: of for key, of in scope.days.items() if (key[0].account, key[1]) in wanted and key[0] not in theirs}
    trail = ready.request.trail
    left_before = ready.facts.configuration().left_before(period.start) if scope.unlisted else frozenset()
    unlisted = [why for place, why in scope.unlisted if place not in left_before]
    holes = [*scope.unseen, *unlisted]
    layout = _Layout(ready.store, days, expected, holes, empty, (trail.name, trail.home_region))
    place = _laid_out(asked, layout, (period.start, period.end), ready.request.now, is_copy=False)
    accounts = {account for account, _ in wanted}  # of others, other trails may deliver to the same bucket
    # Beside AWSLogs/ a bucket may hold anything, which is not the trail's.
    foreign = [problem.subject for problem in scope.foreign if f"/{ROOT}" in problem.subject]

    def takes(account: str, region: str) -> bool:
        return account in accounts and asked.takes(account, region)

    place = _with_misplaced(place, ready.store, foreign, takes, MOST_REQUESTS)
    return replace(
        place,
        source=ready.request.source,
        notices=(
            *ready.request.notices,
            *scope.notices,
            *(why for _, why in scope.unlisted if why not in unlisted),
            *place.notices,
        ),
        # Of what S3 lists, the ETag is another one after every write.
        version_of=lambda file: f"{file.etag}-{file.size_bytes}" if file.etag else "",
    )


def _never_delivered(ready: PreparedValidation, one: AccountRegion, since: datetime) -> bool:
    """Whether CloudTrail itself says that the trail, as it was before ``since``, never delivered anything there."""
    from verify.integrity.timeline.configuration import NoStatus  # noqa: PLC0415

    trail = ready.request.trail
    if one.chain.account != trail.account or one.chain.region == trail.home_region:
        return False
    status = ready.facts.status(one.chain.region)
    if isinstance(status, NoStatus) or status.latest_delivery or status.latest_digest_delivery:
        return False
    return status.started is not None and status.started <= since and status.stopped is None


def _laid_out(asked: Asked, layout: _Layout, period: Span | None, now: datetime, *, is_copy: bool) -> LogSource:
    chosen = {key: of for key, of in layout.days.items() if asked.takes(key[0].account, key[1])}
    expected = [each for each in layout.expected if asked.takes(*each)]
    if not chosen and not expected:
        there = ", ".join(sorted({f"{location.account} {region}" for location, region in layout.days})) or "nothing"
        raise UsageError(f"There are no log files of the accounts and regions asked for. There are: {there}.")
    listed: list[LogFile] = []
    holes = [*layout.holes, *asked.absent([*((of.account, region) for of, region in chosen), *expected, *layout.empty])]
    covered: list[Covered] = []
    kinds = {location: kinds_without_digest(layout.store, location) for location, _ in chosen}
    with concurrently(_LISTS_AT_ONCE) as pool:
        tasks = [
            pool.submit(_of_region, layout.store, RegionFolder(*key, layout.trail), of, kinds[key[0]], period, now)
            for key, of in chosen.items()
        ]
        for task in tasks:
            found, of_digests = task.result()
            listed += found
            covered.append(of_digests)
    with_files = {(each.account, each.region) for each in covered}
    without: dict[str, list[str]] = {}
    for account, region in sorted(set(expected) - with_files):
        without.setdefault(account, []).append(region)
    holes += [
        f"{account}: there are no files at all of {', '.join(regions)}, and the trail should deliver there."
        for account, regions in without.items()
    ]
    holes += grouped(hole for each in covered for hole in each.holes(is_copy=is_copy))
    files = tuple(file for file in listed if is_delivered_in(file.delivered, period))
    beside = tuple(file for file in listed if not is_delivered_in(file.delivered, period))
    missing = tuple((each.account, each.region, each.missing) for each in covered if each.missing)
    not_due = tuple(_not_due_yet(each.not_due_from for each in covered if each.not_due_from))
    strangers = tuple(name for each in covered for name in each.strangers)
    return LogSource(
        layout.store,
        "",
        files,
        period,
        tuple(holes),
        not_due=not_due,
        beside=beside,
        missing=missing,
        strangers=strangers,
    )


def _not_due_yet(since: Iterable[datetime]) -> Iterator[str]:
    for first in sorted(since)[:1]:
        yield (
            f"From {iso(first)} on, no digest covers the time yet, so nothing tells whether log files are missing or "
            "still to come. CloudTrail signs each hour: name an --end of three hours ago."
        )


def _of_region(
    store: ObjectStore, where: RegionFolder, days: Days, kinds: Sequence[str], period: Span | None, now: datetime
) -> tuple[list[LogFile], Covered]:
    location, region = where.location, where.region
    files: list[LogFile] = []
    unlisted: dict[str, str] = {}
    for day in sorted(_in_period(days.logs, period)):
        files += _listed(store, location.bucket, location.logs_on(region, day), unlisted)
    for kind in kinds:
        prefix = f"{location.root}{kind}/{region}/"
        for below in [prefix] if period is None else [f"{prefix}{day:%Y/%m/%d}/" for day in days_of(period)]:
            files += _listed(store, location.bucket, below, unlisted)
    listed = frozenset(file.name.key for file in files)
    digest_days = sorted(_in_period(days.digests, period))
    return files, look_at_digests(store, where, digest_days, listed, period, now, unlisted)


def _listed(store: ObjectStore, bucket: str, prefix: str, unlisted: dict[str, str]) -> Iterator[LogFile]:
    try:
        for entry in store.objects(bucket, prefix):
            file = log_file(entry)
            if file is not None and not is_marker(entry):
                yield file
    except CannotLook as error:
        unlisted[prefix] = f"{address(bucket, prefix)} could not be listed: {error}"


def _in_period(days: Iterable[date], period: Span | None) -> set[date]:
    return set(days) if period is None else set(days) & set(days_of(period))


def kinds_without_digest(store: ObjectStore, location: DeliveryLocation) -> list[str]:
    """The folders of an account in which events lie that no digest covers."""
    return sorted(set(store.level(location.bucket, location.root).folders) & set(WITHOUT_DIGEST))
