"""A simulated AWS as the verifier's ``Aws`` sees it, without a network: every call that the integrity check makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.verify.simulation.in_memory import Here, MemoryStore
from tests.verify.simulation.trail import ACCOUNT, HOME, TRAIL, TRAIL_ARN, Chain, SimulatedAws
from verify.aws import Caller
from verify.errors import AccessDenied, ApiError
from verify.integrity.check import check
from verify.integrity.reader import Pools
from verify.integrity.result import Result, Row
from verify.integrity.sources import IntegrityOptions, from_bucket, from_folder
from verify.storage.objects import ObjectStore


@dataclass
class Api:
    """Stands for :class:`verify.aws.Aws`.

    :param others: trails beside the simulated one, as DescribeTrails shows them, by the regions that show them.
    :param members: the organization's accounts.
    :param optional: regions that an account can leave.
    :param left: regions that the account that is asking is not opted in to.
    :param regions: all enabled ones. Default: - those that have keys.
    """

    aws: SimulatedAws
    is_deployed: bool = True
    others: list[dict[str, Any]] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    optional: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    regions: set[str] = field(default_factory=set)
    skew: timedelta = timedelta()
    region: str = HOME
    partition: str = "aws"
    endpoint_url: str | None = None

    def caller(self) -> Caller:
        return Caller(self.aws.caller, f"arn:aws:iam::{self.aws.caller}:user/auditor")

    def clock_skew(self) -> timedelta:
        return self.skew

    def pages(self, service: str, operation: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        yield self.call(service, operation, **parameters)

    def call(self, service: str, operation: str, *, in_region: str | None = None, **parameters: Any) -> dict[str, Any]:
        if operation in self.aws.denied:
            raise AccessDenied(f"{service}:{operation}", "not you")
        answer: dict[str, Any] = getattr(self, f"_{operation}")(in_region or self.region, parameters)
        return answer

    def _DescribeTrails(self, region: str, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        own = {"Name": TRAIL, "TrailARN": TRAIL_ARN, "HomeRegion": HOME, "LogFileValidationEnabled": True}
        own["IncludeGlobalServiceEvents"] = True
        own |= {"IsMultiRegionTrail": True, "IsOrganizationTrail": bool(self.aws.organization)} | self.aws.trail
        here = [own] if self.is_deployed and (region == HOME or own["IsMultiRegionTrail"]) else []
        others = (
            one for one in self.others if one.get("IsMultiRegionTrail") is not False or one["HomeRegion"] == region
        )
        return {"trailList": [*here, *others]}

    def _GetTrailStatus(self, region: str, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if not self.is_deployed:
            raise ApiError("TrailNotFoundException", "cloudtrail:GetTrailStatus", "there is none")
        return self.aws.status_in(region)

    def _GetEventSelectors(self, _region: str, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self.aws.selectors

    def _ListPublicKeys(self, region: str, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {
            "PublicKeyList": [
                {
                    "Value": key.der,
                    "ValidityStartTime": key.valid_from,
                    "ValidityEndTime": key.valid_to,
                    "Fingerprint": key.fingerprint,
                }
                for key in self.aws.keys.get(region, [])
                if key.valid_from <= asked["EndTime"] and asked["StartTime"] <= key.valid_to
            ]
        }

    def _LookupEvents(self, region: str, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = asked["LookupAttributes"][0]["AttributeValue"]
        found = [
            record
            for record in self.aws.events
            if record["eventName"] == name
            and record["awsRegion"] == region
            and asked["StartTime"] <= datetime.fromisoformat(record["eventTime"]) <= asked["EndTime"]
        ]
        return {"Events": [{"CloudTrailEvent": json.dumps(record)} for record in found]}

    def _DescribeRegions(self, _region: str, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        names = sorted(self.regions or set(self.aws.keys))
        status = {name: "opted-in" if name in self.optional else "opt-in-not-required" for name in names}
        status |= dict.fromkeys(self.left, "not-opted-in")
        return {"Regions": [{"RegionName": name, "OptInStatus": status[name]} for name in sorted(status)]}

    def _ListAccounts(self, _region: str, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        top = f"arn:aws:organizations::{ACCOUNT}:account/{self.aws.organization or 'o-exampleorg12'}"
        return {"Accounts": [{"Id": account, "Arn": f"{top}/{account}"} for account in self.members or [ACCOUNT]]}


def pools() -> Pools:
    here = Here()
    return Pools(here, here, here)


def check_bucket(
    api: Api, now: datetime, *, store: ObjectStore | None = None, state: Path | None = None, **asked: Any
) -> Result:
    """What the check of the trail's bucket, or of a copy in another one, finds."""
    wanted = IntegrityOptions(state=str(state) if state else None, **asked)
    ready = from_bucket(wanted, api, store or MemoryStore(api.aws), now)  # type: ignore[arg-type]
    return check(ready, pools(), lambda *_done: None, state)


def check_folder(folder: Path, now: datetime, **asked: Any) -> Result:
    """What the check of a copy or of an evidence bundle finds."""
    ready = from_folder(IntegrityOptions(source=str(folder), **asked), now)
    return check(ready, pools(), lambda *_done: None)


def since(chain: Chain) -> str:
    """The chain's first hour, as an option."""
    return f"{chain.hours[0].start:%Y-%m-%dT%H:%M:%SZ}"


def verdicts(result: Result, region: str | None = None, account: str | None = None) -> list[str]:
    """The verdicts of the table's rows, in order."""
    return [str(row.verdict) for row in rows(result, region, account)]


def rows(result: Result, region: str | None = None, account: str | None = None) -> list[Row]:
    """The table's rows of a region and account."""
    return [row for row in result.rows if region in (None, row.region) and account in (None, row.account)]
