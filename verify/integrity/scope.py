"""Which chains belong to a trail: every account and region that it delivers for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from verify.errors import TargetNotFound
from verify.storage.layout import ChainName, DeliveryLocation, DigestName
from verify.storage.objects import ObjectStore

_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2}[a-z0-9-]{3,30}")


@dataclass(frozen=True, slots=True)
class TrailName:
    """The trail whose files are validated.

    :param arn: ``""`` where only the name is known.
    :param account: that the trail belongs to.
    """

    name: str
    home_region: str
    account: str
    arn: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a trail delivers.

    :param prefix: ``""`` for none.
    """

    bucket: str
    prefix: str
    is_organization: bool


Chains = dict[ChainName, DeliveryLocation]


def chains_in(
    store: ObjectStore, trail: TrailName, delivery: Delivery, account: str | None, region: str | None
) -> Chains:
    """The chains that have a folder in the bucket.

    :param account: only this one. Default: - the trail's own; for an organization trail, all.
    :param region: only this one. Default: - all, and the trail's home region in any case.
    :raises CannotLook: the bucket could not be listed.
    """
    found: Chains = {}
    for location in _locations(store, trail, delivery, account):
        # The trail's own region is looked at even when its folders are gone.
        own = {trail.home_region} if location.account == trail.account else set()
        for name in sorted({region} if region else _regions(store, location) | own):
            found[ChainName(location.account, name, trail.name, trail.home_region)] = location
    return found


def _locations(
    store: ObjectStore, trail: TrailName, delivery: Delivery, account: str | None
) -> Iterator[DeliveryLocation]:
    if not delivery.is_organization:
        yield DeliveryLocation(delivery.bucket, delivery.prefix, "", account or trail.account)
        return
    top = f"{delivery.prefix}/AWSLogs/" if delivery.prefix else "AWSLogs/"
    for organization in filter(_ORGANIZATION.fullmatch, store.folders(delivery.bucket, top)):
        for member in filter(_ACCOUNT.fullmatch, store.folders(delivery.bucket, f"{top}{organization}/")):
            if account in (None, member):
                yield DeliveryLocation(delivery.bucket, delivery.prefix, organization, member)


def _regions(store: ObjectStore, location: DeliveryLocation) -> set[str]:
    folders = ("CloudTrail-Digest/", "CloudTrail/")
    found = (name for folder in folders for name in store.folders(location.bucket, location.root + folder))
    return set(filter(_REGION.fullmatch, found))


def chains_in_copy(
    store: ObjectStore, buckets: tuple[str, ...], trail: str | None, account: str | None, region: str | None
) -> tuple[TrailName, Chains]:
    """The trail and the chains in a copy, found by the names of the digests in it.

    A chain that came from several locations starts from the one that holds its newest digest.

    :param trail: the trail's name or ARN. Default: - the only one there is.
    :raises TargetNotFound: there is no digest, or there are several trails and none was named.
    """
    newest: dict[ChainName, DigestName] = {}
    for bucket in buckets:
        for listed in store.objects(bucket, ""):
            named = DigestName.parse(listed.name)
            if named is None or named.chain.is_backfill:
                continue
            if named.chain not in newest or newest[named.chain].end < named.end:
                newest[named.chain] = named
    wanted = trail.rpartition("trail/")[2] if trail else None
    trails = {(chain.trail, chain.home_region) for chain in newest if wanted in (None, chain.trail)}
    if len(trails) != 1:
        known = ", ".join(sorted({chain.trail for chain in newest})) or "none"
        raise TargetNotFound(f"The copy holds digests of these trails: {known}. Name one of them with --trail.")
    name, home = trails.pop()
    chains = {
        chain: digest.location
        for chain, digest in sorted(newest.items())
        if chain.trail == name and account in (None, chain.account) and region in (None, chain.region)
    }
    owner = trail.split(":")[4] if trail and trail.startswith("arn:") else next(iter(chains)).account if chains else ""
    return TrailName(name, home, owner, trail if trail and trail.startswith("arn:") else ""), chains
