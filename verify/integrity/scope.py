"""What must be there: the accounts and regions that a validation has to account for, and what says so.

The scope is the union of what the trail's configuration says, of what the bucket has folders for, and of what an
earlier run proved. It is never what digests happen to be found: whoever removes a region removes its digests, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product

from msgspec import Struct, field
from msgspec.structs import replace

from verify.aws import Aws
from verify.errors import ApiError, CannotLook, TargetNotFound
from verify.integrity.facts import Regions, TrailName
from verify.integrity.inventory import (
    DIGESTS,
    LOGS,
    Days,
    FoundLocations,
    Vouched,
    Walked,
    find_locations,
    is_account,
    is_region,
    walk_account,
    walk_all,
    walk_locations,
    walk_prefix,
)
from verify.integrity.timeline.configuration import BucketAndPrefix
from verify.integrity.timeline.verdict import Problem, Verdict
from verify.storage.layout import ChainName, DeliveryLocation, DigestName
from verify.storage.objects import ObjectStore, address
from verify.trail import name_of, trail_arn

_NO_OPT_IN = "opt-in-not-required"
_NOT_KNOWN_OF_MEMBERS = "Whether all files of an account of the organization were deleted is not known"
_ACCOUNT_ARN = re.compile(
    r"arn:[a-z-]+:organizations::(?P<owner>[0-9]{12}):account/(?P<organization>o-[a-z0-9]{10,32})/[0-9]{12}"
)
_NOBODY = "-"  # no account is named so
_MAX_DAYS_AT_END = 31  # looked into for a digest
_OR_ASK = "or have AWS asked, with --source s3://BUCKET or without --source"
_NO_ORGANIZATION = "AWSOrganizationsNotInUseException"
# Whether one of some days holds a digest of the trail's own that CloudTrail signed and delivered to that location, of
# the trail's own account, and region.
Signed = Callable[[DeliveryLocation, str, Days], bool]


class AccountRegion(Struct, frozen=True):
    """One account and region that must be accounted for.

    :param chain: with a trail without a name where no file can be the trail's own: see :class:`_OwnFolders`.
    :param locations: where its files lie, or would lie.
    :param is_always_enabled: see :class:`verify.integrity.timeline.gaps.GapContext`.
    :param has_folder: whether the bucket has a folder for it.
    :param is_expected: whether anything but a folder says that it must be there: the configuration, or an
        earlier run.
    :param is_others: whether another trail alone delivers there.
    :param unsure: why nobody knows whether the trail itself delivers to the locations, or, where it has none with a
        folder, to one that there is; ``""`` where that is known.
    """

    chain: ChainName
    locations: tuple[DeliveryLocation, ...]
    is_always_enabled: bool
    has_folder: bool
    is_expected: bool
    is_others: bool = False
    unsure: str = ""


class Scope(Struct, frozen=True):
    """What has to be accounted for, and what of it is known not to be known.

    :param days: for each location and region that has a folder, its days.
    :param foreign: names that no rule of the layout allows.
    :param places: the buckets and prefixes of which all of the trail's files are looked at; the first is the one that
        was asked for.
    :param unseen: why the scope may be larger than it is known to be, each as a sentence.
    :param is_settled: whether no folder is there of which nobody knows whether it is the trail's.
    :param unlisted: places that the trail had, whenever that was, that could not be looked at, each with a sentence.
    """

    account_regions: tuple[AccountRegion, ...] = ()
    days: Mapping[tuple[DeliveryLocation, str], Days] = field(default_factory=dict)
    foreign: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    places: tuple[BucketAndPrefix, ...] = ()
    is_settled: bool = True
    unlisted: tuple[tuple[BucketAndPrefix, str], ...] = ()

    def holds(self, place: BucketAndPrefix) -> bool:
        """Whether all of the trail's files of a bucket and prefix are looked at."""
        return place in self.places


class Destination(Struct, frozen=True):
    """Where a trail delivers.

    :param prefix: as it is: ``logs/`` makes keys with a double slash. ``""`` for none.
    :param is_organization: ``None`` when that is not known.
    :param was_organization: whether it was an organization's in the period; ``None`` when that is not known.
    :param is_multi_region: whether it was ever in the period; ``None`` when that is not known.
    :param other_prefixes: where other trails deliver in the bucket.
    :param former: other places in which the trail's files of before may lie.
    """

    bucket: str
    prefix: str
    is_organization: bool | None
    is_multi_region: bool | None
    other_prefixes: tuple[str, ...] = ()
    former: tuple[BucketAndPrefix, ...] = ()
    was_organization: bool | None = None

    @property
    def place(self) -> BucketAndPrefix:
        """The bucket and the prefix."""
        return self.bucket, self.prefix

    def prefixes_in(self, bucket: str) -> tuple[str, ...]:
        """The prefixes that trails have in a bucket, or that this one had."""
        own = (prefix for place, prefix in (self.place, *self.former) if place == bucket)
        return (*own, *(self.other_prefixes if bucket == self.bucket else ()))

    def with_former(self, places: Iterable[BucketAndPrefix]) -> Destination:
        """The same, of a trail that delivered to some other places, too."""
        return replace(self, former=tuple(sorted({*self.former, *places})))

    def is_others(self, location: DeliveryLocation) -> bool:
        """Whether another trail delivers to a location, and this one does not and did not."""
        place = location.place
        is_own = place == self.place or place in self.former
        return not is_own and location.bucket == self.bucket and location.prefix in self.other_prefixes


class _OwnFolders(Struct, frozen=True):
    """Which folders a trail can have delivered to. A digest's name tells the account that was recorded, not the trail's
    owner: a trail of the same name and home region of that account itself, or of another organization, signs digests
    that are named alike.

    One account's trail delivers below its own account, an organization's below the organization, which is one that has
    the trail's own account.

    :param account: the trail's owner; ``""`` where that is not known.
    :param organizations: the folders of its own organization.
    :param doubtful: accounts of which files below an organization may be those of another trail of the same name.
    :param unsure: the folders of organizations of which nobody knows whether they are its own.
    """

    account: str
    organizations: frozenset[str]
    doubtful: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()

    @classmethod
    def of(cls, account: str, named: frozenset[str], shown: frozenset[str]) -> _OwnFolders:
        """That of a trail that is, or was, an organization's.

        :param named: the organizations of which folders were found.
        :param shown: those of them below which a signed digest shows that the trail's own account is recorded. A folder
            alone shows nothing, as everybody who may write to the bucket can make one.
        """
        if not account:
            return cls(account, named)
        return cls(account, shown) if len(shown) == 1 else cls(account, frozenset(), unsure=named)

    @classmethod
    def unknown(
        cls, account: str, named: frozenset[DeliveryLocation], shown: frozenset[str], *, is_told: bool
    ) -> _OwnFolders:
        """That of a trail of which nothing tells whether it is an organization's, as that of a copy.

        :param named: where digests lie that are named as the trail's.
        :param shown: see :meth:`of`.
        :param is_told: whether whoever asks named the account: then it is that account's trail that is meant, and not
            any one of that name.
        """
        in_organizations = {one for one in named if one.organization}
        with_owner = {one.organization for one in in_organizations if one.account == account}
        every = frozenset(one.organization for one in in_organizations)
        told = cls.of(account, every, shown)
        organizations = told.organizations if is_told else with_owner or every
        owner = account or ("" if not organizations else _NOBODY)
        meant = (one for one in named if not is_told or one.organization in organizations or one.account == account)
        folders = Counter(member for member, _ in {(one.account, one.organization) for one in meant})
        doubtful = {member for member, number in folders.items() if number > 1}
        if is_told and with_owner:
            doubtful.add(account)
        elif not is_told and len(organizations) > 1:
            doubtful |= {one.account for one in in_organizations}
        return cls(owner, frozenset(organizations), frozenset(doubtful), told.unsure if is_told else frozenset())

    def takes(self, location: DeliveryLocation) -> bool:
        """Whether a location can be the trail's own."""
        if location.organization:
            return location.organization in self.organizations and location.account not in self.doubtful
        return self.account in ("", location.account)

    def may_take(self, location: DeliveryLocation) -> bool:
        """The same, or that is not known."""
        return self.takes(location) or location.organization in self.organizations | self.unsure

    def why_unsure(self, location: DeliveryLocation) -> str:
        """Why nobody knows whether a location is in its own organization; ``""`` where that is known."""
        if location.organization not in self.unsure:
            return ""
        return (
            f"whether {location.organization} is the organization of {self.account} is not known, so what lies below "
            "it may be another trail's of that name"
        )


class Members(Struct, frozen=True):
    """The accounts of the organization.

    :param why_not: a sentence, when they are not known.
    :param owner: its management account, and ``organization`` its id; ``""`` each when that is not known.
    """

    accounts: frozenset[str] = frozenset()
    why_not: str = ""
    owner: str = ""
    organization: str = ""


def enabled_regions(aws: Aws) -> Regions:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html"""
    try:
        found = aws.call("ec2", "DescribeRegions", AllRegions=True)["Regions"]
        names = {region["RegionName"]: region.get("OptInStatus", _NO_OPT_IN) for region in found}
    except CannotLook as error:
        return Regions(why_not=f"Whether all files of a region were deleted is not known: {error}")
    except (KeyError, TypeError):
        names = {}
    if not names or not all(is_region(name) for name in names):
        return Regions(
            why_not="Whether all files of a region were deleted is not known: ec2:DescribeRegions gave no regions."
        )
    return Regions(
        enabled=frozenset(name for name, status in names.items() if status != "not-opted-in"),
        existing=frozenset(names),
        optional=frozenset(name for name, status in names.items() if status != _NO_OPT_IN),
    )


def members(aws: Aws) -> Members:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html"""
    try:
        listed = [account for page in aws.pages("organizations", "ListAccounts") for account in page["Accounts"]]
        found = [account["Id"] for account in listed]
        arns = {_organization_in(account.get("Arn")) for account in listed}
    except CannotLook as error:
        if isinstance(error, ApiError) and error.code == _NO_ORGANIZATION:
            return Members()
        return Members(why_not=f"{_NOT_KNOWN_OF_MEMBERS}: {error}")
    except (KeyError, TypeError, AttributeError):
        found, arns = [], set()
    if not found or not all(map(is_account, found)):  # the management account is always one
        return Members(why_not=f"{_NOT_KNOWN_OF_MEMBERS}: organizations:ListAccounts gave no accounts.")
    owner, organization = arns.pop() if len(arns) == 1 else ("", "")
    return Members(frozenset(found), owner=owner, organization=organization)


def _organization_in(arn: object) -> tuple[str, str]:
    """The management account and the organization that an account's ARN names; ``""`` each where it names none.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html
    """
    found = _ACCOUNT_ARN.fullmatch(arn) if isinstance(arn, str) else None
    return (found["owner"], found["organization"]) if found else ("", "")


class Selection(Struct, frozen=True):
    """What of the scope was asked for; ``None`` for all."""

    account: str | None = None
    region: str | None = None

    def takes(self, account: str, region: str) -> bool:
        """Whether a part of the scope was asked for."""
        return self.account in (None, account) and self.region in (None, region)


class Expected(Struct, frozen=True):
    """What says which accounts and regions must be there, beside the folders of the bucket.

    :param organization: the members, for an organization's trail.
    :param earlier: what an earlier run proved something of.
    """

    regions: Regions = field(default_factory=Regions)
    organization: Members | None = None
    earlier: frozenset[ChainName] = frozenset()


def scope_in_bucket(
    store: ObjectStore,
    trail: TrailName,
    destination: Destination,
    expected: Expected,
    selection: Selection,
    walked: Walked,
    is_signed: Signed = lambda _location, _region, _days: False,
) -> Scope:
    """The scope of a trail whose bucket is at hand.

    :param walked: what lies below the destination's prefix.
    :param is_signed: asked where nothing else tells which organization is the trail's.
    :raises CannotLook: the bucket could not be listed.
    """
    days: dict[tuple[DeliveryLocation, str], Days] = {}
    walked = _beside_former(store, destination, walked)
    found = walked.found
    foreign = list(found.problems)
    for location, account in walked.accounts.items():
        foreign.extend(account.problems)
        days.update({(location, region): listed for region, listed in account.days.items()})
    former = _former(store, trail, destination, found, expected)
    days |= former.days
    foreign += former.foreign
    table = _Table(trail, selection)
    regions = expected.regions
    everywhere = {*found.locations, *(location for location, _ in days)}
    own = _own_in_bucket(trail, destination, expected.organization, everywhere, partial(_is_shown, days, is_signed))
    foreign += _add_folders(table, destination, own, days, regions)
    owned = (one for one in found.locations if own.may_take(one) and not destination.is_others(one))
    found = replace(found, locations=tuple(owned))
    is_wide = destination.is_multi_region is not False
    table.expect(trail.account, trail.home_region)
    if is_wide:
        _expect_all_regions(table, trail, found, expected, selection)
        # A folder of the trail's own is its business, whatever DescribeRegions says or does not say.
        for location, region in days:
            if regions.existing and region not in regions.existing:
                continue  # it is foreign
            # Beside an organization's folder, one of the account's own shows at least that there is such a region.
            is_of_its_kind = bool(location.organization) == bool(destination.is_organization)
            is_its_business = is_of_its_kind or not regions.enabled
            if is_its_business and own.may_take(location) and not destination.is_others(location):
                table.expect(location.account, region)
    for chain in expected.earlier:
        table.expect(chain.account, chain.region)
    table.expect_what_was_asked()
    unseen = [regions.why_not] if regions.why_not and is_wide and selection.region is None else []
    if expected.organization is not None and expected.organization.why_not and selection.account is None:
        unseen.append(expected.organization.why_not)
    unseen += _not_sure_whose(trail, own)
    return Scope(
        table.account_regions(*_where(destination, found, own), own, regions),
        days,
        tuple(foreign),
        tuple(_unsigned(destination.bucket, walked)),
        tuple(unseen),
        former.places,
        not own.doubtful and not own.unsure,
        former.unlisted,
    )


def _beside_former(store: ObjectStore, destination: Destination, walked: Walked) -> Walked:
    """What was found, where a name that no rule allows may lead to a prefix that the trail had before."""
    known = destination.prefixes_in(destination.bucket)
    if not walked.found.problems or {*known} <= {destination.prefix, *destination.other_prefixes}:
        return walked
    return walk_all(store, destination.bucket, destination.prefix, known)


def _unsigned(bucket: str, walked: Walked) -> Iterable[str]:
    """What of a bucket is no part of the result, as nobody signs for it."""
    kinds: dict[str, list[str]] = {}
    for folder in walked.unsigned:
        kinds.setdefault(folder.rstrip("/").rpartition("/")[2], []).append(folder)
    for kind, folders in sorted(kinds.items()):
        more = f", and {len(folders) - 1:,} other folders of that name" if len(folders) > 1 else ""
        yield (
            f"CloudTrail makes no digests of {kind} ({address(bucket, folders[0])}{more}): of what lies there this "
            "result tells nothing, nor whether a file was added."
        )


def _add_folders(
    table: _Table,
    destination: Destination,
    own: _OwnFolders,
    days: Mapping[tuple[DeliveryLocation, str], Days],
    regions: Regions,
) -> list[Problem]:
    """Add every folder as what it can be, and tell those of regions that AWS does not have."""
    foreign = list[Problem]()
    # Where the trail delivers comes first; where it may have delivered before, after it.
    for location, region in sorted(days, key=lambda key: (key[0].place != destination.place, key)):
        if regions.existing and region not in regions.existing:
            foreign += _in_no_region(location, region, days[location, region])
        elif not own.takes(location):
            table.add_strangers(location.account, region, location, own.why_unsure(location))
        elif destination.is_others(location):
            table.add_others(location.account, region, location)
        else:
            table.add(location.account, region, location)
    return foreign


def _own_in_bucket(
    trail: TrailName,
    destination: Destination,
    members: Members | None,
    locations: Iterable[DeliveryLocation],
    is_shown: Callable[[DeliveryLocation], bool],
) -> _OwnFolders:
    """Which of the locations can be the trail's own.

    :param members: those of the organization, where it may be an organization's trail.
    :param is_shown: whether signed digests show that the trail delivers to a location of its own account.
    """
    if destination.was_organization is False and not destination.is_organization:
        return _OwnFolders(trail.account, frozenset())
    found = frozenset(one for one in locations if one.organization and not destination.is_others(one))
    # Who owns an organization is in no other; nothing of it may be left.
    if members is not None and members.organization and members.owner == trail.account:
        return _OwnFolders(trail.account, frozenset({members.organization}))
    of_owner = sorted(one for one in found if one.account == trail.account)
    shown = frozenset(one.organization for one in of_owner if is_shown(one))
    own = _OwnFolders.of(trail.account, frozenset(one.organization for one in found), shown)
    is_known = destination.is_organization or destination.was_organization
    if of_owner and trail.account and not is_known:
        own = replace(own, doubtful=frozenset({trail.account}))
    # Of one account's trail nothing is missed below an organization.
    return own if is_known or destination.is_organization is None else replace(own, unsure=frozenset())


def _is_shown(days: Mapping[tuple[DeliveryLocation, str], Days], is_signed: Signed, location: DeliveryLocation) -> bool:
    """Whether a signed digest of any region shows that the trail delivers to a location of its own account."""
    return any(is_signed(place, region, listed) for (place, region), listed in days.items() if place == location)


def _not_sure_whose(trail: TrailName, own: _OwnFolders) -> Iterable[str]:
    """What has to be known of folders of organizations that anybody may have made, or another trail."""
    if own.unsure:
        yield (
            f"Which organization is that of {trail.account} is not known: organizations:ListAccounts does not tell, "
            f"and of {', '.join(sorted(own.unsure))}, signed digests of that account since the period began show none, "
            "or several. Ask as that account, or as a delegated administrator of the organization."
        )


def _digests_at_ends(
    store: ObjectStore, days: Mapping[tuple[DeliveryLocation, str], Days], trail: str | None
) -> Iterable[DigestName]:
    """What the names say of the digests of the first and the last day of each account and region.

    A day whose folder holds none is passed over: whoever may write to the copy can make one.

    :param trail: the trail of which there have to be some on these days. Default: - of any.
    """
    for (location, region), listed in days.items():
        in_order = sorted(listed.digests)
        for at_end in (in_order[:_MAX_DAYS_AT_END], in_order[: -_MAX_DAYS_AT_END - 1 : -1]):
            for day in at_end:
                entries = store.objects(location.bucket, location.digests_on(region, day))
                found = [named for entry in entries if (named := DigestName.parse(entry.name)) is not None]
                yield from found
                if any(trail in (None, named.chain.trail) for named in found):
                    break


def _former(
    store: ObjectStore, trail: TrailName, destination: Destination, found: FoundLocations, expected: Expected
) -> Scope:
    """Where the trail delivered before. What lies beside its own folders in another bucket is no business of its any
    more.

    :returns: the places that are looked at, what is there, and a sentence for each that cannot be looked at.
    """
    foreign, unlisted = list[Problem](), dict[BucketAndPrefix, str]()
    days: dict[tuple[DeliveryLocation, str], Days] = {}
    looked_at = {location.place for location in found.locations}
    places = [destination.place, *sorted(looked_at & set(destination.former) - {destination.place})]
    for place in sorted(set(destination.former) - looked_at - {destination.place}):
        try:
            before = walk_prefix(store, *place, destination.prefixes_in(place[0]))
            foreign += before.problems if place[0] == destination.bucket else ()
            for location in before.locations:
                is_own = location.account == trail.account and not destination.is_organization
                if is_own or (location.organization and expected.organization):
                    account = walk_account(store, location)
                    days.update({(location, region): listed for region, listed in account.days.items()})
                    foreign += account.problems
            places.append(place)
        except CannotLook as error:
            unlisted[place] = _not_looked_at(place, str(error))
    return Scope(
        days=days,
        foreign=tuple(foreign),
        places=tuple(places),
        unlisted=tuple(unlisted.items()),
    )


def _not_looked_at(place: BucketAndPrefix, why: str) -> str:
    return f"The trail delivered to {_address(place)} before, which could not be looked at: {why}"


def _address(place: BucketAndPrefix) -> str:
    bucket, prefix = place
    return f"s3://{bucket}/{prefix}".rstrip("/")


def _in_no_region(location: DeliveryLocation, region: str, days: Days) -> list[Problem]:
    """The folders of a region that AWS does not have."""
    folders = [
        address(location.bucket, f"{location.root}{kind}/{region}/")
        for kind, listed in ((DIGESTS, days.digests), (LOGS, days.logs))
        if listed
    ]
    return [Problem(Verdict.FOREIGN, folder, f"{region} is no region of AWS") for folder in folders]


def _expect_all_regions(
    table: _Table, trail: TrailName, found: FoundLocations, expected: Expected, selection: Selection
) -> None:
    """What a trail of all regions should deliver for: every region of its account, and of every member."""
    regions = expected.regions
    if not regions.enabled:
        # Where nobody says which there are, the one that is asked for is one.
        regions = replace(regions, enabled=frozenset({trail.home_region, selection.region or trail.home_region}))
    for region in regions.enabled:
        table.expect(trail.account, region)
    if expected.organization is None:
        return
    with_folders = (location.account for location in found.locations if location.organization)
    for account in {*expected.organization.accounts, *with_folders}:
        for region in regions.enabled - regions.optional:
            table.expect(account, region)


def _where(
    destination: Destination, found: FoundLocations, own: _OwnFolders
) -> tuple[DeliveryLocation, dict[str, DeliveryLocation]]:
    """Where files of an account without a folder would lie, and where those of each account with one do.

    :param found: what can be the trail's own, as far as is known.
    """
    folder = min(own.organizations) if own.organizations and destination.is_organization else ""
    # Of an organization's trail, the organization's folder; beside it may lie that of a trail of the account's own.
    locations = sorted(
        filter(own.takes, found.locations),
        key=lambda location: bool(location.organization) == bool(destination.is_organization),
    )
    return DeliveryLocation(destination.bucket, destination.prefix, folder, ""), {one.account: one for one in locations}


class _Table:
    """Collects the accounts and regions that must be there, and where their folders are."""

    def __init__(self, trail: TrailName, selection: Selection) -> None:
        self._trail = trail
        self._selection = selection
        self._locations: dict[tuple[str, str], list[DeliveryLocation]] = {}
        self._expected: set[tuple[str, str]] = set()
        self._others: list[tuple[str, str, DeliveryLocation]] = []
        self._strangers: list[AccountRegion] = []

    def add(self, account: str, region: str, location: DeliveryLocation) -> None:
        """A folder."""
        if self._selection.takes(account, region):
            self._locations.setdefault((account, region), []).append(location)

    def add_others(self, account: str, region: str, location: DeliveryLocation) -> None:
        """A folder to which another trail delivers: what it did not sign is looked for, and nothing is missed."""
        if self._selection.takes(account, region):
            self._others.append((account, region, location))

    def add_strangers(self, account: str, region: str, location: DeliveryLocation, unsure: str) -> None:
        """A folder in which no digest is known to be the trail's, whatever it is named: all in it is another trail's,
        or, where nobody is sure, may be.
        """
        if self._selection.takes(account, region):
            stranger = others_of(ChainName(account, region, "", ""), location)
            self._strangers.append(replace(stranger, unsure=unsure))

    def expect(self, account: str, region: str) -> None:
        """Something other than a folder says that it must be there."""
        if account and self._selection.takes(account, region):
            self._expected.add((account, region))

    def expect_what_was_asked(self) -> None:
        """Of an account that was asked for, and that has other trails' folders alone, the trail's have to be there."""
        if self._selection.account and not self._locations and not self._expected:
            self._expected |= {(one.chain.account, one.chain.region) for one in self._strangers}

    def account_regions(
        self,
        fallback: DeliveryLocation,
        known: Mapping[str, DeliveryLocation],
        own: _OwnFolders,
        regions: Regions,
    ) -> tuple[AccountRegion, ...]:
        """Everything that has a folder or must be there."""
        unsure = {(one.chain.account, one.chain.region): one.unsure for one in self._strangers if one.unsure}
        found = []
        for account, region in sorted({*self._locations, *self._expected}):
            locations = self._locations.get((account, region))
            is_own = account == self._trail.account
            found.append(
                AccountRegion(
                    ChainName(account, region, self._trail.name, self._trail.home_region),
                    tuple(locations or [known.get(account) or _nowhere(replace(fallback, account=account), own)]),
                    is_own and regions.always(region),
                    bool(locations),
                    (account, region) in self._expected,
                    unsure="" if locations else unsure.get((account, region), ""),
                )
            )
        for account, region, location in self._others:
            found.append(others_of(ChainName(account, region, self._trail.name, self._trail.home_region), location))
        return (*found, *self._strangers)


def others_of(chain: ChainName, *locations: DeliveryLocation) -> AccountRegion:
    """Places of an account and region where other trails alone deliver."""
    return AccountRegion(chain, locations, is_always_enabled=False, has_folder=True, is_expected=False, is_others=True)


def scope_in_copy(
    store: ObjectStore,
    trail: str | None,
    selection: Selection,
    should_hold: Sequence[str],
    vouched: Vouched,
) -> tuple[TrailName, Scope]:
    """The trail and the scope of a copy in a folder, which has no bucket: every account and region that lies there, and
    what the copy is said to hold.

    :param trail: the trail's name or ARN. Default: - the only one of which there are digests.
    :param should_hold: every region in which the trail delivered; none where that, and so the scope, is not known.
    :param vouched: see :func:`verify.integrity.inventory.walk_prefix`.
    :raises TargetNotFound: there is no digest, or there are several trails and none was named.
    :raises UsageError: ``trail`` is an ARN, but not a trail's.
    """
    found = find_locations(store, "", vouched)
    destination = Destination("", "", is_organization=None, is_multi_region=False)
    walked = walk_locations(store, found)
    scope = scope_in_bucket(store, TrailName("", "", ""), destination, Expected(), Selection(), walked)
    meant, digests = _trail_in(store, scope, trail)
    named = frozenset(one.location for one in digests)
    owners = sorted({one.account for one in named})
    # A trail that is no organization's delivers for its own account alone, whatever the trails of others are named.
    is_organizations = any(location.organization for location in found.locations)
    if owners and meant.account and meant.account not in owners and not is_organizations:
        raise TargetNotFound(
            f"The copy holds no digests of {trail}: those of a trail of that name are of account {', '.join(owners)}."
        )
    shown = frozenset(_shown_in_copy(meant.account, digests, vouched)) if meant.arn else frozenset[str]()
    own = _OwnFolders.unknown(meant.account, named, shown, is_told=bool(meant.arn))
    account_regions: dict[tuple[str, str], AccountRegion] = {}
    others: list[AccountRegion] = []
    for one in scope.account_regions:
        account, region = one.chain.account, one.chain.region
        if not selection.takes(account, region):
            continue
        theirs = tuple(location for location in one.locations if not own.takes(location))
        unsure = next(filter(None, map(own.why_unsure, theirs)), "")
        if theirs:
            others.append(replace(others_of(ChainName(account, region, "", ""), *theirs), unsure=unsure))
        if locations := tuple(location for location in one.locations if own.takes(location)):
            account_regions[account, region] = replace(one, chain=_chain(account, region, meant), locations=locations)
        elif unsure:
            account_regions[account, region] = AccountRegion(
                _chain(account, region, meant),
                (_nowhere(theirs[0], own),),
                is_always_enabled=False,
                has_folder=False,
                is_expected=True,
                unsure=unsure,
            )
    # The trail's own region is accounted for even when its folders are gone, as is what the copy is said to hold.
    # An account of which there is nothing at all is refused, where the trail is another one's alone.
    is_there = not meant.account or selection.account in {one.account for one in found.locations}
    asked = selection.account if is_there else None
    accounts = {meant.account if meant.arn else "", asked or ""} - {""} or set(owners)
    for account, region in product(sorted(filter(None, accounts)), sorted({meant.home_region, *should_hold})):
        if selection.takes(account, region) and (account, region) not in account_regions:
            locations = tuple(one for one in found.locations if one.account == account and own.takes(one))
            account_regions[account, region] = AccountRegion(
                _chain(account, region, meant),
                locations or (_nowhere(DeliveryLocation("", "", "", account), own),),
                is_always_enabled=False,
                has_folder=False,
                is_expected=True,
            )
    expected_accounts = {account for account, _ in account_regions} & {*owners, *accounts}
    told = {*should_hold, meant.home_region} if should_hold else frozenset()
    # A trail is an organization's or has one account; which one, the files do not tell: they may be another one's.
    has_one = not is_organizations and bool(meant.arn) and meant.account in owners
    expected = (
        replace(one, is_expected=one.is_expected or (account in expected_accounts and region in (told or {region})))
        for (account, region), one in account_regions.items()
    )
    unseen = list(_not_told(selection, should_hold, has_one_account=has_one))
    unseen += _not_sure(meant, sorted(account for account in own.doubtful if selection.account in (None, account)))
    if any(one.unsure for one in account_regions.values()):
        unseen.append(
            f"Whether {', '.join(sorted(own.unsure))} is the organization of {meant.account} is not known: signed "
            f"digests of that account show none, or several. If it is, name the trail without its account (--trail "
            f"{meant.name}), {_OR_ASK}."
        )
    below = sorted({one.organization for one in named if one.organization and own.takes(one)})
    taken = () if meant.arn or not below else (_taken_for(meant.name, below),)
    return meant, replace(
        scope,
        notices=(*scope.notices, *taken),
        unseen=tuple(unseen),
        account_regions=(*expected, *others),
    )


def _nowhere(location: DeliveryLocation, own: _OwnFolders) -> DeliveryLocation:
    """Where files of an account would lie of which there are none: not where another trail's do."""
    return location if own.takes(location) else replace(location, organization=_NOBODY)


def _not_sure(meant: TrailName, doubtful: Sequence[str]) -> Iterable[str]:
    """What has to be known of a copy that may hold files of several trails of one name."""
    if not meant.arn and doubtful:
        yield (
            f"The copy holds digests of more than one trail {meant.name} for {', '.join(doubtful)}: which one is meant "
            f"is not known. Name it by its ARN, {_OR_ASK}."
        )
    elif meant.account in doubtful:
        yield (
            f"Whether {meant.arn} is the trail of an organization is not known: what lies below one may be another "
            f"account's trail of that name. If it is, name it without its account (--trail {meant.name}), {_OR_ASK}."
        )


def _taken_for(name: str, organizations: Sequence[str]) -> str:
    return (
        f"The digests of {name} lie below {', '.join(organizations)}, so they are taken for those of that "
        "organization's trail. If an account's own trail is meant, name it by its ARN."
    )


def _not_told(selection: Selection, should_hold: Sequence[str], *, has_one_account: bool) -> Iterable[str]:
    """What has to be known of a copy for its scope to be: of what is gone whole, nothing in it tells."""
    if selection.region is None and not should_hold:
        yield (
            "Which regions the copy should hold is not known: one that is gone whole leaves no trace. Name all in "
            f"which the trail delivered (--regions us-east-1,eu-west-1), {_OR_ASK}."
        )
    if selection.account is None and not has_one_account:
        yield (
            "Which accounts the copy should hold is not known: one that is gone whole leaves no trace. Name the one "
            f"that is meant (--account ID, or the trail's ARN), {_OR_ASK}."
        )


def _shown_in_copy(account: str, digests: Iterable[DigestName], vouched: Vouched) -> Iterator[str]:
    """The organizations below which one of some digests shows, signed, that an account is recorded."""
    of_organizations: dict[str, dict[ChainName, list[DigestName]]] = {}
    for one in digests:
        if one.location.organization and one.location.account == account:
            chains = of_organizations.setdefault(one.location.organization, {})
            chains.setdefault(one.chain, []).append(one)
    for organization, chains in of_organizations.items():
        if any(vouched(of_chain) is Verdict.PROVEN for of_chain in chains.values()):
            yield organization


def _trail_in(store: ObjectStore, scope: Scope, trail: str | None) -> tuple[TrailName, tuple[DigestName, ...]]:
    """The trail that is meant, and digests that are named as its own, of each place where some lie."""
    asked, arn = name_of(trail) if trail else None, trail_arn(trail)
    at_ends = list(_digests_at_ends(store, scope.days, asked))
    digests = [one for one in at_ends if asked in (None, one.chain.trail)]
    chains = {one.chain for one in digests}
    homes = {chain.trail_key for chain in chains}
    if arn and asked:
        homes = {(asked, arn.region)}
    if len(homes) != 1:
        known = ", ".join(sorted({one.chain.trail for one in digests or at_ends}))
        if not known:
            where = "the oldest and the newest days of " if any(one.digests for one in scope.days.values()) else ""
            raise TargetNotFound(
                f"No digest was found: none lies in {where}the copy's AWSLogs/ACCOUNT/CloudTrail-Digest/REGION/. Name "
                "the folder, or s3://BUCKET/PREFIX, that holds AWSLogs/."
            )
        raise TargetNotFound(f"The copy holds digests of these trails: {known}. Name one of them with --trail.")
    name, home = homes.pop()
    named = tuple(one for one in digests if one.chain.trail_key == (name, home))
    owners = {one.location.account for one in named}
    account = arn.account if arn else owners.pop() if len(owners) == 1 else ""
    return TrailName(name, home, account, str(arn or "")), named


def _chain(account: str, region: str, trail: TrailName) -> ChainName:
    return ChainName(account, region, trail.name, trail.home_region)
