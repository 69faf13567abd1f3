"""An evidence bundle: a folder that proves years later, without AWS, what a validation proved today.

``objects/BUCKET/KEY`` are the files, ``metadata/BUCKET/KEY.json`` the signatures, ``bundle.json`` says what CloudTrail
itself said: its public keys, the trail's status and history. ``report.json`` is what the validation found.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from verify.errors import UsageError
from verify.integrity.digests.public_keys import KeyRing
from verify.integrity.facts import Facts, key_from
from verify.integrity.scope import Chains, TrailName
from verify.integrity.timeline.logging_history import LoggingHistory, NoStatus, Switch, Switching, TrailStatus
from verify.integrity.timeline.timeline import Period
from verify.storage.archive import write_atomically
from verify.storage.layout import ChainName, DeliveryLocation

MANIFEST = "bundle.json"
_FORM = 1
_MAX_BYTES = 64 * 2**20


@dataclass(slots=True)
class RecordedFacts:
    """Facts that are recorded as they are asked for."""

    facts: Facts
    rings: dict[str, KeyRing] = field(default_factory=dict)
    statuses: dict[str, TrailStatus | NoStatus] = field(default_factory=dict)

    def keys(self, region: str) -> KeyRing:
        """See :class:`verify.integrity.facts.Facts`."""
        self.rings[region] = self.facts.keys(region)
        return self.rings[region]

    def status(self, region: str) -> TrailStatus | NoStatus:
        """See :class:`verify.integrity.facts.Facts`."""
        self.statuses[region] = self.facts.status(region)
        return self.statuses[region]

    def history(self) -> LoggingHistory:
        """See :class:`verify.integrity.facts.Facts`."""
        return self.facts.history()


@dataclass(frozen=True, slots=True)
class Bundle:
    """The manifest of a bundle: all of it as CloudTrail stated it when the bundle was made."""

    trail: TrailName
    period: Period
    made_at: datetime
    chains: Chains
    rings: dict[str, KeyRing]
    statuses: dict[str, TrailStatus | NoStatus]
    logging_history: LoggingHistory

    def keys(self, region: str) -> KeyRing:
        """See :class:`verify.integrity.facts.Facts`."""
        return self.rings.get(region, KeyRing(unknown_because=f"the bundle holds no keys of {region}"))

    def status(self, region: str) -> TrailStatus | NoStatus:
        """See :class:`verify.integrity.facts.Facts`."""
        return self.statuses.get(region, NoStatus(f"the bundle does not hold it for {region}"))

    def history(self) -> LoggingHistory:
        """See :class:`verify.integrity.facts.Facts`."""
        return self.logging_history


def save_bundle(folder: Path, bundle: Bundle, report: dict[str, Any]) -> None:
    """Write a bundle's manifest and report."""
    manifest = {
        "form": _FORM,
        "trail": {
            "name": bundle.trail.name,
            "homeRegion": bundle.trail.home_region,
            "account": bundle.trail.account,
            "arn": bundle.trail.arn,
        },
        "period": {"start": bundle.period.start, "end": bundle.period.end},
        "madeAt": bundle.made_at,
        "chains": [
            {
                "account": chain.account,
                "region": chain.region,
                "bucket": location.bucket,
                "prefix": location.prefix,
                "organization": location.organization,
            }
            for chain, location in bundle.chains.items()
        ],
        "keys": {region: _ring_as_json(ring) for region, ring in bundle.rings.items()},
        "status": {region: _status_as_json(status) for region, status in bundle.statuses.items()},
        "history": {
            "completeFrom": bundle.logging_history.complete_from,
            "unknownBecause": bundle.logging_history.unknown_because,
            "calls": [
                {"at": call.at, "switch": call.switch.value, "call": call.call}
                for call in bundle.logging_history.switchings
            ],
        },
    }
    write_atomically(folder / "report.json", json.dumps(report, indent=2))
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=2, default=datetime.isoformat))


def _ring_as_json(ring: KeyRing) -> dict[str, Any]:
    keys = [
        {
            "Fingerprint": key.fingerprint,
            "Value": base64.b64encode(key.der).decode(),
            "ValidityStartTime": key.valid_from,
            "ValidityEndTime": key.valid_to,
        }
        for key in ring.keys
    ]
    return {"PublicKeyList": keys, "unknownBecause": ring.unknown_because}


def _status_as_json(status: TrailStatus | NoStatus) -> dict[str, Any]:
    if isinstance(status, NoStatus):
        return {"unknownBecause": status.why}
    return {
        "isLogging": status.is_logging,
        "latestDigestDelivery": status.latest_digest_delivery,
        "started": status.started,
        "stopped": status.stopped,
    }


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle's manifest.

    :raises UsageError: there is none, or it is damaged.
    """
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            return _bundle(json.loads(file.read(_MAX_BYTES)))
    except FileNotFoundError as error:
        raise UsageError(
            f"--source {str(folder)!r} holds objects but no {MANIFEST}, as an export that was interrupted leaves it. "
            "Run the export again."
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be used: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path} cannot be used: it is damaged, or not what 'integrity export' wrote. Make the bundle again."
        ) from error


def _bundle(fields: dict[str, Any]) -> Bundle:
    if fields["form"] != _FORM:
        raise UsageError(f"{MANIFEST} cannot be used: its form is {fields['form']!r}, and this program knows {_FORM}.")
    named = fields["trail"]
    trail = TrailName(str(named["name"]), str(named["homeRegion"]), str(named["account"]), str(named["arn"]))
    return Bundle(
        trail=trail,
        period=Period(_moment(fields["period"]["start"]), _moment(fields["period"]["end"])),
        made_at=_moment(fields["madeAt"]),
        chains={
            ChainName(str(entry["account"]), str(entry["region"]), trail.name, trail.home_region): DeliveryLocation(
                str(entry["bucket"]), str(entry["prefix"]), str(entry["organization"]), str(entry["account"])
            )
            for entry in fields["chains"]
        },
        rings={region: _ring(entry) for region, entry in fields["keys"].items()},
        statuses={region: _status(entry) for region, entry in fields["status"].items()},
        logging_history=LoggingHistory(
            tuple(
                Switching(_moment(call["at"]), Switch(call["switch"]), str(call["call"]))
                for call in fields["history"]["calls"]
            ),
            _optional_moment(fields["history"]["completeFrom"]),
            str(fields["history"]["unknownBecause"]),
        ),
    )


def _ring(entry: dict[str, Any]) -> KeyRing:
    if entry["unknownBecause"]:
        return KeyRing(unknown_because=str(entry["unknownBecause"]))
    return KeyRing.of([key_from(key) for key in entry["PublicKeyList"]])


def _status(entry: dict[str, Any]) -> TrailStatus | NoStatus:
    if "unknownBecause" in entry:
        return NoStatus(str(entry["unknownBecause"]))
    return TrailStatus(
        bool(entry["isLogging"]),
        _optional_moment(entry["latestDigestDelivery"]),
        _optional_moment(entry["started"]),
        _optional_moment(entry["stopped"]),
    )


def _optional_moment(value: Any) -> datetime | None:
    return None if value is None else _moment(value)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return moment
