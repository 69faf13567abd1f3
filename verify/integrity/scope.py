"""What must be there: the accounts and regions that a validation has to account for, and what says so.

The scope is the union of what the trail's configuration says, of what the bucket has folders for, and of what an
earlier run proved. It is never what digests happen to be found: whoever removes a region removes its digests, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from verify.aws import Aws
from verify.errors import ApiError, CannotLook, TargetNotFound
from verify.integrity.facts import Regions, TrailName
from verify.integrity.inventory import (
    DIGESTS,
    LOGS,
    Days,
    FoundLocations,
    Walked,
    find_locations,
    is_account,
    is_region,
    walk_account,
    walk_locations,
    walk_prefix,
)
from verify.integrity.timeline.configuration import Place
from verify.integrity.timeline.verdict import Problem, Verdict
from verify.storage.layout import ChainName, DeliveryLocation, DigestName
from verify.storage.objects import ObjectStore
from verify.trail import name_of, trail_arn

_NO_OPT_IN = "opt-in-not-required"
_NOT_KNOWN_OF_MEMBERS = "Whether all files of an account of the organization were deleted is not known"
_NO_ORGANIZATION = "AWSOrganizationsNotInUseException"


@dataclass(frozen=True, slots=True)
class AccountRegion:
    """One account and region that must be accounted for.

    :param locations: where its files lie, or would lie.
    :param is_always_enabled: see :class:`verify.integrity.timeline.gaps.GapContext`.
    :param has_folder: whether the bucket has a folder for it.
    :param is_expected: whether anything but a folder says that it must be there: the configuration, or an
        earlier run.
    :param is_others: whether another trail alone delivers there.
    """

    chain: ChainName
    locations: tuple[DeliveryLocation, ...]
    is_always_enabled: bool
    has_folder: bool
    is_expected: bool
    is_others: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What has to be accounted for, and what of it is known not to be known.

    :param days: for each location and region that has a folder, its days.
    :param foreign: names that no rule of the layout allows.
    :param places: the buckets and prefixes of which all of the trail's files are looked at; the first is the one that
        was asked for.
    :param unseen: why the scope may be larger than it is known to be, each as a sentence.
    """

    account_regions: tuple[AccountRegion, ...] = ()
    days: Mapping[tuple[DeliveryLocation, str], Days] | None = None
    foreign: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()

    def holds(self, place: Place) -> bool:
        """Whether all of the trail's files of a bucket and prefix are looked at."""
        return place in self.places


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a trail delivers.

    :param prefix: as it is: ``logs/`` makes keys with a double slash. ``""`` for none.
    :param is_organization: ``None`` when that is not known.
    :param is_multi_region: whether it was ever in the period; ``None`` when that is not known.
    :param other_prefixes: where other trails deliver in the bucket.
    :param former: other places in which the trail's files of before may lie.
    """

    bucket: str
    prefix: str
    is_organization: bool | None
    is_multi_region: bool | None
    other_prefixes: tuple[str, ...] = ()
    former: tuple[Place, ...] = ()

    @property
    def place(self) -> Place:
        """The bucket and the prefix."""
        return self.bucket, self.prefix

    def is_others(self, location: DeliveryLocation) -> bool:
        """Whether another trail delivers to a location, and this one does not and did not."""
        place = (location.bucket, location.prefix)
        is_own = place == self.place or place in self.former
        return not is_own and location.bucket == self.bucket and location.prefix in self.other_prefixes


@dataclass(frozen=True, slots=True)
class Members:
    """The accounts of the organization.

    :param why_not: a sentence, when they are not known.
    """

    accounts: frozenset[str] = frozenset()
    why_not: str = ""


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
        pages = aws.pages("organizations", "ListAccounts")
        found = [account["Id"] for page in pages for account in page["Accounts"]]
    except CannotLook as error:
        if isinstance(error, ApiError) and error.code == _NO_ORGANIZATION:
            return Members()
        return Members(why_not=f"{_NOT_KNOWN_OF_MEMBERS}: {error}")
    except (KeyError, TypeError, AttributeError):
        found = []
    if not found or not all(map(is_account, found)):  # the management account is always one
        return Members(why_not=f"{_NOT_KNOWN_OF_MEMBERS}: organizations:ListAccounts gave no accounts.")
    return Members(frozenset(found))


@dataclass(frozen=True, slots=True)
class Selection:
    """What of the scope was asked for; ``None`` for all."""

    account: str | None = None
    region: str | None = None

    def takes(self, account: str, region: str) -> bool:
        """Whether a part of the scope was asked for."""
        return self.account in (None, account) and self.region in (None, region)


@dataclass(frozen=True, slots=True)
class Expected:
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
) -> Scope:
    """The scope of a trail whose bucket is at hand.

    :param walked: what lies below the destination's prefix.
    :raises CannotLook: the bucket could not be listed.
    """
    days: dict[tuple[DeliveryLocation, str], Days] = {}
    found = walked.found
    foreign = list(found.problems)
    for location, (of_region, problems) in walked.accounts.items():
        foreign.extend(problems)
        days.update({(location, region): listed for region, listed in of_region.items()})
    former = _former(store, trail, destination, found, expected)
    days |= former.days or {}
    foreign += former.foreign
    table = _Table(trail, selection)
    regions = expected.regions
    # Where the trail delivers comes first; where it may have delivered before, after it.
    for location, region in sorted(days, key=lambda key: ((key[0].bucket, key[0].prefix) != destination.place, key)):
        if regions.existing and region not in regions.existing:
            foreign += _in_no_region(location, region, days[location, region])
        elif destination.is_others(location):
            table.add_others(location.account, region, location)
        else:
            table.add(location.account, region, location)
    own = replace(found, locations=tuple(one for one in found.locations if not destination.is_others(one)))
    is_wide = destination.is_multi_region is not False
    table.expect(trail.account, trail.home_region)
    if is_wide:
        _expect_all_regions(table, trail, own, expected, selection)
        # A folder of the trail's own is its business, whatever DescribeRegions says or does not say.
        for location, region in days:
            is_own = not destination.is_others(location)
            is_of_its_kind = is_own and bool(location.organization) == bool(destination.is_organization)
            if is_of_its_kind and (location.organization or location.account == trail.account):
                table.expect(location.account, region)
    for chain in expected.earlier:
        table.expect(chain.account, chain.region)
    unseen = [regions.why_not] if regions.why_not and is_wide and selection.region is None else []
    if expected.organization is not None and expected.organization.why_not and selection.account is None:
        unseen.append(expected.organization.why_not)
    return Scope(
        table.account_regions(*_where(destination, own), regions),
        days,
        tuple(foreign),
        former.notices,
        tuple(unseen),
        former.places,
    )


def _former(
    store: ObjectStore, trail: TrailName, destination: Destination, found: FoundLocations, expected: Expected
) -> Scope:
    """Where the trail delivered before. What else lies there in another bucket is no business of its any more.

    :returns: the places that are looked at, what is there, and a sentence for each that cannot be looked at.
    """
    notices, foreign = list[str](), list[Problem]()
    days: dict[tuple[DeliveryLocation, str], Days] = {}
    looked_at = {(location.bucket, location.prefix) for location in found.locations}
    places = [destination.place, *sorted(looked_at & set(destination.former) - {destination.place})]
    for place in sorted(set(destination.former) - looked_at - {destination.place}):
        try:
            before = walk_prefix(store, *place)
            problems = list(before.problems)
            for location in before.locations:
                is_own = location.account == trail.account and not destination.is_organization
                if is_own or (location.organization and expected.organization):
                    of_region, more = walk_account(store, location)
                    days.update({(location, region): listed for region, listed in of_region.items()})
                    problems += more
            foreign += problems if place[0] == destination.bucket else []
            places.append(place)
        except CannotLook as error:
            notices.append(f"The trail delivered to s3://{place[0]} before, which could not be looked at: {error}")
    return Scope(days=days, foreign=tuple(foreign), notices=tuple(notices), places=tuple(places))


def _in_no_region(location: DeliveryLocation, region: str, days: Days) -> list[Problem]:
    """The folders of a region that AWS does not have."""
    return [
        Problem(
            Verdict.FOREIGN, f"s3://{location.bucket}/{location.root}{kind}/{region}/", f"{region} is no region of AWS"
        )
        for kind, listed in ((DIGESTS, days.digests), (LOGS, days.logs))
        if listed
    ]


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


def _where(destination: Destination, found: FoundLocations) -> tuple[DeliveryLocation, dict[str, DeliveryLocation]]:
    """Where files of an account without a folder would lie, and where those of each account with one do."""
    organizations = [location.organization for location in found.locations if location.organization]
    folder = organizations[0] if organizations and destination.is_organization else ""
    # Of an organization's trail, the organization's folder; beside it may lie that of a trail of the account's own.
    locations = sorted(
        found.locations, key=lambda location: bool(location.organization) == bool(destination.is_organization)
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

    def add(self, account: str, region: str, location: DeliveryLocation) -> None:
        """A folder."""
        if self._selection.takes(account, region):
            self._locations.setdefault((account, region), []).append(location)

    def add_others(self, account: str, region: str, location: DeliveryLocation) -> None:
        """A folder to which another trail delivers: what it did not sign is looked for, and nothing is missed."""
        if self._selection.takes(account, region):
            self._others.append((account, region, location))

    def expect(self, account: str, region: str) -> None:
        """Something other than a folder says that it must be there."""
        if account and self._selection.takes(account, region):
            self._expected.add((account, region))

    def account_regions(
        self, fallback: DeliveryLocation, known: Mapping[str, DeliveryLocation], regions: Regions
    ) -> tuple[AccountRegion, ...]:
        """Everything that has a folder or must be there."""
        found = []
        for account, region in sorted({*self._locations, *self._expected}):
            locations = self._locations.get((account, region))
            is_own = account == self._trail.account
            found.append(
                AccountRegion(
                    ChainName(account, region, self._trail.name, self._trail.home_region),
                    tuple(locations or [known.get(account) or replace(fallback, account=account)]),
                    is_own and regions.always(region),
                    bool(locations),
                    (account, region) in self._expected,
                )
            )
        for account, region, location in self._others:
            chain = ChainName(account, region, self._trail.name, self._trail.home_region)
            found.append(
                AccountRegion(
                    chain, (location,), is_always_enabled=False, has_folder=True, is_expected=False, is_others=True
                )
            )
        return tuple(found)


def scope_in_copy(
    store: ObjectStore, bucket: str, trail: str | None, selection: Selection, should_hold: Sequence[str] = ()
) -> tuple[TrailName, Scope]:
    """The trail and the scope of a copy: every account and region with a folder, and what it is said to hold.

    :param trail: the trail's name or ARN. Default: - the only one of which there are digests.
    :param should_hold: every region in which the trail delivered. Default: - not known, so the scope is not.
    :raises TargetNotFound: there is no digest, or there are several trails and none was named.
    :raises UsageError: ``trail`` is an ARN, but not a trail's.
    """
    found = find_locations(store, bucket)
    destination = Destination(bucket, "", is_organization=None, is_multi_region=False)
    walked = walk_locations(store, found)
    scope = scope_in_bucket(store, TrailName("", "", ""), destination, Expected(), Selection(), walked)
    meant, owners = _trail_in(store, scope, trail)
    # A trail that is no organization's delivers for its own account alone, whatever the trails of others are named.
    is_organizations = any(location.organization for location in found.locations)
    if owners and meant.account and meant.account not in owners and not is_organizations:
        raise TargetNotFound(
            f"The copy holds no digests of {trail}: those of a trail of that name are of account {', '.join(owners)}."
        )
    account_regions = {
        (one.chain.account, one.chain.region): replace(one, chain=_chain(one.chain.account, one.chain.region, meant))
        for one in scope.account_regions
        if selection.takes(one.chain.account, one.chain.region)
    }
    # The trail's own region is accounted for even when its folders are gone, as is what the copy is said to hold.
    accounts = {meant.account or selection.account} - {"", None} or set(owners)
    for account, region in product(sorted(filter(None, accounts)), sorted({meant.home_region, *should_hold})):
        if selection.takes(account, region) and (account, region) not in account_regions:
            locations = tuple(location for location in found.locations if location.account == account)
            account_regions[account, region] = AccountRegion(
                _chain(account, region, meant),
                locations or (DeliveryLocation(bucket, "", "", account),),
                is_always_enabled=False,
                has_folder=False,
                is_expected=True,
            )
    expected_accounts = {account for account, _ in account_regions} & {*owners, *accounts}
    told = {*should_hold, meant.home_region} if should_hold else frozenset()
    # A trail is an organization's or has one account: that of which there are digests.
    has_one = not is_organizations and (len(owners) == 1 or meant.account in owners)
    return meant, replace(
        scope,
        unseen=tuple(_not_told(selection, should_hold, has_one_account=has_one)),
        account_regions=tuple(
            replace(one, is_expected=one.is_expected or (account in expected_accounts and region in (told or {region})))
            for (account, region), one in account_regions.items()
        ),
    )


def _not_told(selection: Selection, should_hold: Sequence[str], *, has_one_account: bool) -> Iterable[str]:
    """What has to be known of a copy for its scope to be: of what is gone whole, nothing in it tells."""
    or_ask = "or have AWS asked, with --source s3://BUCKET or without --source"
    if selection.region is None and not should_hold:
        yield (
            "Which regions the copy should hold is not known: one that is gone whole leaves no trace. Name all in "
            f"which the trail delivered (--regions us-east-1,eu-west-1), {or_ask}."
        )
    if selection.account is None and not has_one_account:
        yield (
            "Which accounts the copy should hold is not known: one that is gone whole leaves no trace. Name the one "
            f"that is meant (--account ID), {or_ask}."
        )


def _trail_in(store: ObjectStore, scope: Scope, trail: str | None) -> tuple[TrailName, list[str]]:
    """The trail that is meant, and the accounts that have digests of it."""
    asked, arn = name_of(trail) if trail else None, trail_arn(trail)
    chains = {
        found.chain
        for (location, region), days in (scope.days or {}).items()
        for day in {*sorted(days.digests)[:1], *sorted(days.digests)[-1:]}
        for entry in store.objects(location.bucket, location.digests_on(region, day))
        if (found := DigestName.parse(entry.name)) is not None and asked in (None, found.chain.trail)
    }
    homes = {(chain.trail, chain.home_region) for chain in chains}
    if arn and asked:
        homes = {(asked, arn.region)}
    if len(homes) != 1:
        known = ", ".join(sorted({chain.trail for chain in chains})) or "none"
        raise TargetNotFound(f"The copy holds digests of these trails: {known}. Name one of them with --trail.")
    name, home = homes.pop()
    owners = sorted({chain.account for chain in chains if (chain.trail, chain.home_region) == (name, home)})
    account = arn.account if arn else owners[0] if len(owners) == 1 else ""
    return TrailName(name, home, account, str(arn or "")), owners


def _chain(account: str, region: str, trail: TrailName) -> ChainName:
    return ChainName(account, region, trail.name, trail.home_region)
