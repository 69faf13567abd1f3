"""What lies below a trail's prefix, level by level: the folders that CloudTrail's layout knows, and every other name.

Nothing but the days of the period is ever listed whole. A walk costs one LIST for each folder above the days, so a name
that no rule of the layout allows is found wherever it lies, and is reported by its prefix: a query engine reads all
that lies below a prefix, whatever its name.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, islice
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from verify.errors import ApiError
from verify.integrity.digests.digest import NotADigest, parse_digest
from verify.integrity.timeline.verdict import BAD, Problem, Verdict
from verify.storage.gzip_content import MAX_DIGEST_BYTES, GzipSink
from verify.storage.layout import ROOT, DeliveryLocation, DigestName
from verify.storage.objects import Found, Level, ListedObject, ObjectName, ObjectStore, address

LOGS, DIGESTS = "CloudTrail", "CloudTrail-Digest"
# CloudTrail writes these without any digest that its documentation tells of. Query results have a sign file instead.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-results-file-validation-sign-file-structure.html
QUERY_RESULTS = "CloudTrail-Lake"
WITHOUT_DIGEST = ("CloudTrail-Aggregated", "CloudTrail-Insight", QUERY_RESULTS, "CloudTrail-NetworkActivity")
# Other services deliver to a folder of their own beside CloudTrail's, as their documentation says.
_OTHER_SERVICES = (
    *("BedrockModelInvocationLogs", "Config", "elasticloadbalancing", "globalaccelerator", "GuardDuty"),
    *("KafkaBrokerLogs", "network-firewall", "redshift", "vpcdnsquerylogs", "vpcflowlogs", "WAFLogs"),
)
# Load balancers write one of these, a line of text, beside their folder when logging is switched on.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
_TEST_FILES = ("ELBAccessLogTestFile", "ELBConnectionLogTestFile")
_MAX_TEST_FILE_BYTES = 1024
# https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
_HIVE_ACCOUNT, _HIVE_SERVICE = re.compile(r"aws-account-id=[0-9]{12}"), re.compile(r"aws-service=vpcflowlogs")
_ROOT_NAME = ROOT.rstrip("/")
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]{1,2}")
# CloudTrail began in 2013.
_YEAR, _TWO_DIGITS = re.compile(r"201[3-9]|20[2-9][0-9]|21[0-9]{2}"), re.compile(r"[0-9]{2}")
_MAX_FOLDERS_SEARCHED = 2_000
# Folders of an AWSLogs/ that no rule allows, what is looked for below each, and how many digests are asked for a place.
_MAX_UNKNOWN, _MAX_UNKNOWN_SEARCHED, _MAX_DIGESTS_ASKED = 16, 100, 100
_MAX_DIGESTS_READ = 25
_CLAIMED = "a digest in it says that a trail had this prefix, and whether CloudTrail signed one is not known"
_NOT_SEARCHED = "neither it nor what comes after it was looked into: the copy has too many folders beside the trail's"
_NO_RULE = "no rule of CloudTrail's layout allows this name, and nobody signed for what it holds"


A = TypeVar("A")
B = TypeVar("B")
# Asked of digests, whether CloudTrail signed one of them: proven, unproven where that is not known, or altered.
Vouched: TypeAlias = Callable[[Sequence[DigestName]], Verdict]


class ForEach(Protocol):
    """Runs a function for each of several things, as :func:`map` does, but perhaps for several at once."""

    def __call__(self, run: Callable[[A], B], things: Iterable[A], /) -> Iterable[B]:
        """The results, in order."""


class FoundLocations(Struct, frozen=True):
    """What a walk found.

    :param locations: where files of an account may lie.
    :param problems: names that no rule allows, each with its prefix or its object.
    :param not_searched: a folder that was not looked into, as there are too many.
    :param unknown: those of the names that are folders right below an ``AWSLogs/``.
    :param unsigned: folders of which there are no digests, so that nothing is said of what lies in them.
    """

    locations: tuple[DeliveryLocation, ...] = ()
    problems: tuple[Problem, ...] = ()
    not_searched: str = ""
    unknown: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()


class Days(Struct, frozen=True):
    """The days of a region that have a folder."""

    digests: frozenset[date] = frozenset()
    logs: frozenset[date] = frozenset()

    @property
    def all(self) -> frozenset[date]:
        """Days with either."""
        return self.digests | self.logs


class WalkedAccount(NamedTuple):
    """What lies in an account's folder.

    :param days: of each region that has a folder.
    :param problems: names that no rule allows.
    :param unsigned: see :class:`FoundLocations`.
    """

    days: dict[str, Days]
    problems: tuple[Problem, ...]
    unsigned: tuple[str, ...] = ()


class Walked(Struct, frozen=True):
    """What lies below a trail's prefix.

    :param accounts: what :func:`walk_account` found for each location.
    """

    found: FoundLocations
    accounts: Mapping[DeliveryLocation, WalkedAccount]

    @property
    def unsigned(self) -> tuple[str, ...]:
        """See :class:`FoundLocations`."""
        return (*self.found.unsigned, *chain.from_iterable(account.unsigned for account in self.accounts.values()))


class _Walk(Struct):
    """Collects what is foreign on the way.

    :param only_below_awslogs: whether what lies beside every ``AWSLogs/`` is left alone: a copy may hold more.
    """

    store: ObjectStore
    bucket: str
    problems: list[Problem] = field(default_factory=list)
    not_searched: str = ""
    unknown: list[str] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)
    only_below_awslogs: bool = False

    def level(self, prefix: str) -> Level:
        """What lies right below a prefix; nothing when the bucket does not exist."""
        try:
            return self.store.level(self.bucket, prefix)
        except ApiError as error:
            if error.code == "NoSuchBucket":
                return Level((), ())
            raise

    def folders(self, prefix: str, rule: re.Pattern[str], also: Iterable[str] = ()) -> list[str]:
        """The folders that a rule allows. All else is foreign.

        :param also: names that other services give to theirs, who may have a test file beside them.
        """
        level, allowed = self.level(prefix), frozenset(also)
        self.refuse_objects(entry for entry in level.objects if not (also and _is_test_file(entry)))
        good = []
        for name in level.folders:
            if rule.fullmatch(name) or name in allowed:
                good.append(name)
                self.unsigned += [f"{prefix}{name}/"] if name in allowed else []
            else:
                self.refuse(f"{prefix}{name}/")
                self.unknown += [f"{prefix}{name}/"] if prefix.endswith(ROOT) else []
        return good

    def refuse_objects(self, objects: Iterable[ListedObject]) -> None:
        """Report objects where only folders belong."""
        for entry in objects:
            if not is_marker(entry) and self._is_judged(entry.name.key):
                self.problems.append(Problem(Verdict.FOREIGN, str(entry.name), _NO_RULE))

    def refuse(self, prefix: str) -> None:
        """Report everything below a prefix."""
        if self._is_judged(prefix):
            self.problems.append(Problem(Verdict.FOREIGN, address(self.bucket, prefix), _NO_RULE))

    def _is_judged(self, key: str) -> bool:
        return not self.only_below_awslogs or f"/{ROOT}" in f"/{key}"


def is_region(name: object) -> bool:
    """Whether a name can be a region's."""
    return isinstance(name, str) and _REGION.fullmatch(name) is not None


def is_account(name: object) -> bool:
    """Whether a name can be an account's."""
    return isinstance(name, str) and _ACCOUNT.fullmatch(name) is not None


def is_marker(entry: ListedObject) -> bool:
    """Whether an object only stands for a folder, as consoles make them: empty, and named like one."""
    return entry.size_bytes == 0 and entry.name.key.endswith("/")


def _is_test_file(entry: ListedObject) -> bool:
    """Whether an object in an account's folder is what a load balancer tries its access with."""
    return entry.name.key.rpartition("/")[2] in _TEST_FILES and entry.size_bytes <= _MAX_TEST_FILE_BYTES


def walk_prefix(
    store: ObjectStore,
    bucket: str,
    prefix: str,
    others: Iterable[str] = (),
    *,
    vouched: Vouched | None = None,
    only_below_awslogs: bool = False,
) -> FoundLocations:
    """The accounts that have a folder below a trail's prefix, or below a deeper one: the trail may have had it before.

    :param prefix: the trail's S3KeyPrefix; ``""`` for none.
    :param others: prefixes that other trails have in the bucket: their folders, and those on the way to them, may be
        there, empty or not. What else lies in them is as foreign as anywhere, or making a trail could hide it.
    :param vouched: for a copy, of which nobody may know all these prefixes: those are others', too, that digests state
        which are vouched for. Default: - it is no copy.
    :param only_below_awslogs: whether what lies beside every ``AWSLogs/`` is no problem.
    :raises CannotLook: the bucket could not be listed.
    """
    found = _walk_prefix(_Walk(store, bucket, only_below_awslogs=only_below_awslogs), prefix, others)
    stated = _stated_prefixes(store, bucket, found.unknown, vouched) if vouched else {}
    if not stated:
        return found
    claimed = (stated_prefix for stated_prefix, verdict in stated.items() if verdict is not Verdict.PROVEN)
    problems = (Problem(Verdict.UNPROVEN, address(bucket, f"{prefix}/"), _CLAIMED) for prefix in sorted(claimed))
    walk = _Walk(store, bucket, only_below_awslogs=only_below_awslogs)
    found = _walk_prefix(walk, prefix, (*others, *stated))
    return replace(found, problems=(*found.problems, *problems))


def _walk_prefix(walk: _Walk, prefix: str, others: Iterable[str]) -> FoundLocations:
    tops = frozenset(f"{other}/" if other else "" for other in others if other != prefix)
    top = f"{prefix}/" if prefix else ""
    if top.endswith(ROOT) and top.removesuffix(ROOT) in tops:
        # This trail's prefix is the other's AWSLogs/: its own one is a folder between accounts.
        locations = list(_accounts(walk, top.removesuffix(ROOT), tops))
    else:
        locations = _explore(walk, top, tops)
    return FoundLocations(
        tuple(locations), tuple(walk.problems), walk.not_searched, tuple(walk.unknown), tuple(walk.unsigned)
    )


def _stated_prefixes(store: ObjectStore, bucket: str, folders: Iterable[str], vouched: Vouched) -> dict[str, Verdict]:
    """The prefixes below some folders of an ``AWSLogs/`` that a digest names as its own, each with whether one is known
    to be signed. What nobody signed, or only for another place, gives no folder its name.
    """
    found: dict[str, Verdict] = {}
    for folder in islice(folders, _MAX_UNKNOWN):
        above = folder[: folder[:-1].rindex(ROOT)]
        for location in _explore(_Walk(store, bucket), folder, frozenset(), _MAX_UNKNOWN_SEARCHED):

            def is_stated(name: DigestName, room: int = len(above)) -> bool:
                # In another place the copy may have been put, but what it holds begins above the folder, at least.
                key, stated = name.name.key, _stated_key(store, name.name)
                return bool(stated) and f"/{key}".endswith(f"/{stated}") and len(key) - len(stated) <= room

            fitting = [name for name in islice(_newest_digests(store, location), _MAX_DIGESTS_READ) if is_stated(name)]
            verdict = vouched(fitting) if fitting else Verdict.FOREIGN
            if verdict not in BAD and found.get(location.prefix) is not Verdict.PROVEN:
                found[location.prefix] = verdict
    return found


def _newest_digests(store: ObjectStore, location: DeliveryLocation) -> Iterator[DigestName]:
    """The digests of each region's newest two days: of two that follow each other, the second may hold the signature of
    the first.
    """
    walk, top = _Walk(store, location.bucket), f"{location.root}{DIGESTS}/"
    for region in walk.folders(top, _REGION):
        for day in sorted(_days(walk, f"{top}{region}/"))[-2:]:
            for entry in islice(store.objects(location.bucket, location.digests_on(region, day)), _MAX_DIGESTS_ASKED):
                name = DigestName.parse(entry.name)
                if name is not None and name.location == location:
                    yield name


def _stated_key(store: ObjectStore, name: ObjectName) -> str:
    """The key that a digest says it was delivered as; ``""`` where it says nothing."""
    (result,) = store.read_each([name], lambda _: GzipSink(MAX_DIGEST_BYTES, keep_body=True))
    if not isinstance(result, Found) or result.value.body is None:
        return ""
    try:
        return parse_digest(result.value.body).name.key
    except NotADigest:
        return ""


def _explore(walk: _Walk, top: str, others: frozenset[str], most: int | None = None) -> list[DeliveryLocation]:
    """The locations at a level and below; a folder with no ``AWSLogs/`` below it is reported as a whole.

    :param others: where other trails' ``AWSLogs/`` may be.
    :param most: how many folders are looked into. Default: - as many as are ever.

    Level by level and without recursion: neither a deep tree nor a broad one keeps its neighbours from being looked at.
    """
    levels: dict[str, Level] = {}
    parents = {top: ""}
    leading = {top}  # to a trail's files
    waiting = deque([top])
    locations: list[DeliveryLocation] = []
    limit = _MAX_FOLDERS_SEARCHED if most is None else most
    while waiting and len(levels) < limit:
        at = waiting.popleft()
        levels[at] = level = walk.level(at)
        for folder in level.folders:
            below = f"{at}{folder}/"
            parents[below] = at
            if folder == _ROOT_NAME and at != "/":  # no prefix makes CloudTrail put a slash before it
                locations += _accounts(walk, at, others)
            else:
                waiting.append(below)
                if not any(other.startswith(below) for other in others):
                    continue
            while below not in leading:
                leading.add(below)
                below = parents[below]
    walk.not_searched = next((address(walk.bucket, at) for at in waiting), "")
    for at, level in levels.items():
        if at in leading:
            walk.refuse_objects(level.objects)
    for below, at in parents.items():
        if at in leading and below not in leading:
            walk.refuse(below)
    return locations


def _accounts(walk: _Walk, top: str, others: frozenset[str]) -> Iterable[DeliveryLocation]:
    """The locations below an ``AWSLogs/``: accounts, and where another trail has a prefix that leads there."""
    root, prefix = f"{top}{ROOT}", top.removesuffix("/")
    on_the_way = {
        other.removeprefix(root).partition("/")[0] for other in others if other.startswith(root) and other > root
    }
    known = (_ORGANIZATION.pattern, _ACCOUNT.pattern, _HIVE_ACCOUNT.pattern, _ROOT_NAME, *map(re.escape, on_the_way))
    for name in walk.folders(root, re.compile("|".join(known))):
        if name == _ROOT_NAME:  # of a trail whose prefix is, or ends in, AWSLogs
            yield from _accounts(walk, root, others)
        elif _HIVE_ACCOUNT.fullmatch(name):
            services = walk.folders(f"{root}{name}/", _HIVE_SERVICE)
            walk.unsigned += [f"{root}{name}/{service}/" for service in services]
        elif is_account(name):
            yield DeliveryLocation(walk.bucket, prefix, "", name)
        elif _ORGANIZATION.fullmatch(name):
            for member in walk.folders(f"{root}{name}/", _ACCOUNT):
                yield DeliveryLocation(walk.bucket, prefix, name, member)
        else:
            yield from _explore(walk, f"{root}{name}/", others)


def has_folder(store: ObjectStore, bucket: str, prefix: str) -> bool:
    """Whether ``AWSLogs/`` lies below a prefix.

    :raises CannotLook: the bucket could not be listed.
    """
    top = f"{prefix}/" if prefix else ""
    return _ROOT_NAME in _Walk(store, bucket).level(top).folders


def _taken_as_said(_digests: Sequence[DigestName]) -> Verdict:
    return Verdict.PROVEN


def find_locations(
    store: ObjectStore, bucket: str, vouched: Vouched = _taken_as_said, *, only_below_awslogs: bool = True
) -> FoundLocations:
    """Wherever a copy holds ``AWSLogs/``, the accounts below it. What lies beside it in a copy is the owner's.

    :param vouched: see :func:`walk_prefix`. Default: - what a digest says of its place is believed, as nothing is
        concluded from it.
    :param only_below_awslogs: see :func:`walk_prefix`.
    :raises CannotLook: it could not be listed.
    """
    found = walk_prefix(store, bucket, "", vouched=vouched, only_below_awslogs=only_below_awslogs)
    if not found.not_searched:
        return found
    problem = Problem(Verdict.UNPROVEN, found.not_searched, _NOT_SEARCHED)
    return replace(found, problems=(*found.problems, problem))


def walk_account(store: ObjectStore, location: DeliveryLocation, each: ForEach = map) -> WalkedAccount:
    """The regions of an account that have a folder, each with its days.

    :param each: is asked to look at several folders at once.
    :raises CannotLook: the bucket could not be listed.
    """
    walk = _Walk(store, location.bucket)
    allowed = walk.folders(location.root, re.compile(f"{LOGS}|{DIGESTS}"), (*WITHOUT_DIGEST, *_OTHER_SERVICES))
    kinds = [kind for kind in (DIGESTS, LOGS) if kind in allowed]

    def regions_of(kind: str) -> tuple[list[tuple[str, str]], list[Problem]]:
        of_kind = _Walk(store, location.bucket)
        regions = of_kind.folders(f"{location.root}{kind}/", _REGION)
        return [(kind, region) for region in regions], of_kind.problems

    def days_of(folder: tuple[str, str]) -> tuple[frozenset[date], list[Problem]]:
        of_folder = _Walk(store, location.bucket)
        return frozenset(_days(of_folder, f"{location.root}{'/'.join(folder)}/")), of_folder.problems

    found = list(each(regions_of, kinds))
    folders = [folder for of_kind, _ in found for folder in of_kind]
    days = dict(zip(folders, each(days_of, folders), strict=True))
    problems = [walk.problems, *(more for _, more in found), *(more for _, more in days.values())]
    nothing: tuple[frozenset[date], list[Problem]] = frozenset(), []
    of_regions = {
        region: Days(days.get((DIGESTS, region), nothing)[0], days.get((LOGS, region), nothing)[0])
        for region in dict.fromkeys(region for _, region in folders)
    }
    return WalkedAccount(of_regions, tuple(chain.from_iterable(problems)), tuple(walk.unsigned))


def walk_all(
    store: ObjectStore,
    bucket: str,
    prefix: str,
    others: Iterable[str] = (),
    each: ForEach = map,
    *,
    vouched: Vouched | None = None,
) -> Walked:
    """Everything below a trail's prefix: see :func:`walk_prefix` and :func:`walk_account`.

    :raises CannotLook: the bucket could not be listed.
    """
    return walk_locations(store, walk_prefix(store, bucket, prefix, others, vouched=vouched), each)


def walk_locations(store: ObjectStore, found: FoundLocations, each: ForEach = map) -> Walked:
    """Everything at some locations.

    :raises CannotLook: the bucket could not be listed.
    """
    accounts = each(lambda location: walk_account(store, location, each), found.locations)
    return Walked(found, dict(zip(found.locations, accounts, strict=True)))


def walk_region(store: ObjectStore, location: DeliveryLocation, region: str) -> Days:
    """The days of one region, wherever a chain led.

    :raises CannotLook: the bucket could not be listed.
    """
    walk = _Walk(store, location.bucket)
    digests, logs = (frozenset(_days(walk, f"{location.root}{kind}/{region}/")) for kind in (DIGESTS, LOGS))
    return Days(digests, logs)


def _days(walk: _Walk, prefix: str) -> Iterable[date]:
    for year in walk.folders(prefix, _YEAR):
        for month in walk.folders(f"{prefix}{year}/", _TWO_DIGITS):
            for day in walk.folders(f"{prefix}{year}/{month}/", _TWO_DIGITS):
                try:
                    yield date(int(year), int(month), int(day))
                except ValueError:
                    walk.refuse(f"{prefix}{year}/{month}/{day}/")
