"""The account as the score needs it, each part a fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypeVar

from verify.fact import Fact
from verify.posture.facts.trail import TrailStatus
from verify.selectors import Selectors

T = TypeVar("T")
# Region → the answer there. Where the regions are not known, one entry is for those that were not asked.
ByRegion: TypeAlias = Mapping[str, Fact[T]]


@dataclass(frozen=True, slots=True)
class RootUser:
    """The root user, as GetAccountSummary counts.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
    """

    has_access_keys: bool
    has_mfa: bool


@dataclass(frozen=True, slots=True)
class OpenGroup:
    """A security group that allows the whole internet to reach port 22, or may do so.

    :param source: the ranges that are open, or the prefix list.
    :param is_certain: false for a prefix list: its entries were not read.
    """

    group_id: str
    source: str
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class TrailSummary:
    """What the score needs of one trail.

    :param asked_at: when AWS was asked, by its own clock.
    """

    name: str
    is_multi_region: bool
    is_encrypted_with_kms: bool
    validates_log_files: bool
    status: Fact[TrailStatus]
    selectors: Fact[Selectors]
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Buckets:
    """How the account's buckets are encrypted.

    :param count: how many buckets there are.
    :param unencrypted: the names of those without default encryption.
    :param not_read: why the encryption of some could not be read; ``None`` when all of them could.
    """

    count: int
    unencrypted: tuple[str, ...]
    not_read: str | None


@dataclass(frozen=True, slots=True)
class Recorder:
    """A recorder of AWS Config.

    https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigurationRecorderStatus.html

    :param last_status: of its last delivery: ``SUCCESS``, ``FAILURE``, ``PENDING`` or ``NOT_APPLICABLE``.
    """

    name: str
    is_recording: bool
    last_status: str = "SUCCESS"


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One fact for each question.

    :param minimum_password_length: of the account's own password policy.
    :param analyzers: names of the active analyzers of external access.
    :param customer_key: the ARN of an enabled customer-managed key.
    :param detectors: ids of the enabled GuardDuty detectors.
    :param hub: the ARN of the Security Hub.
    :param config_rules: how many Config rules there are.
    """

    minimum_password_length: Fact[int]
    root: Fact[RootUser]
    analyzers: ByRegion[tuple[str, ...]]
    blocks_public_access: Fact[bool]
    open_groups: ByRegion[tuple[OpenGroup, ...]]
    default_vpcs: ByRegion[tuple[str, ...]]
    customer_key: Fact[str]
    trails: Fact[tuple[TrailSummary, ...]]
    buckets: Fact[Buckets]
    detectors: ByRegion[tuple[str, ...]]
    hub: ByRegion[str]
    recorders: ByRegion[tuple[Recorder, ...]]
    config_rules: Fact[int]
