"""An evidence bundle: a folder that proves years later, without AWS, what a validation proved today.

``objects/BUCKET/KEY`` are the files, ``metadata/BUCKET/KEY.json`` the signatures, ``kept.jsonl`` says of each object
what was kept, with its hash and that of its metadata, and when S3 wrote it. ``bundle.json`` (the manifest) says what
CloudTrail itself said (its public keys, the trail's status and history) and what the export found, and holds the
hashes of ``kept.jsonl`` and of ``report.json``, which is for people. ``keys.json`` holds the public keys and the
manifest's hash: whoever keeps it apart from the bundle can check later that the rest is what was exported.

A bundle does not prove itself. Nobody signed the manifest: without ``keys.json`` it is a claim, which can make a
verdict worse but not better.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Generic

from msgspec import Struct, field
from msgspec.structs import replace

from verify.errors import CannotLook, UsageError
from verify.integrity.chain_validation import OtherTrails, UnsignedTime
from verify.integrity.digests.digest import is_plausible
from verify.integrity.digests.public_keys import KeyRing, PublicKey
from verify.integrity.facts import Facts, TrailName, key_from, load_keys
from verify.integrity.inventory import is_region
from verify.integrity.scope import AccountRegion, Selection
from verify.integrity.timeline.configuration import (
    Configuration,
    Known,
    NoStatus,
    Setting,
    Source,
    Today,
    TrailCall,
    TrailStatus,
)
from verify.integrity.timeline.gaps import HOUR
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import BAD, JudgedPeriod, Problem, Verdict
from verify.storage.archive import write_atomically
from verify.storage.folder import KEPT, BundleObjectStore, KeptObject, kept_lines
from verify.storage.layout import LOG_NAME_TELLS, ChainName, DeliveryLocation, DigestName, LogName
from verify.storage.objects import ObjectName, T

MANIFEST = "bundle.json"
KEYS = "keys.json"
REPORT = "report.json"
MANIFEST_HASH = "bundleManifestSha256"
_FORM = 7
_MAX_BYTES = 256 * 2**20
_MAX_TOLD = 1_000
_NOT_SIGNED = (
    "only the bundle's manifest tells, which nobody signed (give the keys.json of the export with --keys to have it "
    "checked)"
)
_SCOPE_NOT_SIGNED = (
    "Which accounts and regions there are is what the bundle's manifest claims, which nobody signed: one that was left "
    "out leaves no trace. Give the keys.json of the export, which holds the manifest's hash (--keys), or name the one "
    "account and region that are meant (--account ID --region REGION)."
)


class RecordedFacts(Struct):
    """Passes on what CloudTrail says, and remembers it."""

    facts: Facts
    rings: dict[str, KeyRing] = field(default_factory=dict)
    statuses: dict[str, TrailStatus | NoStatus] = field(default_factory=dict)
    said: Configuration | None = None

    def keys(self, region: str) -> KeyRing:
        """See :class:`verify.integrity.facts.Facts`."""
        self.rings[region] = self.facts.keys(region)
        return self.rings[region]

    def status(self, region: str) -> TrailStatus | NoStatus:
        """See :class:`verify.integrity.facts.Facts`."""
        self.statuses[region] = self.facts.status(region)
        return self.statuses[region]

    def configuration(self) -> Configuration:
        """See :class:`verify.integrity.facts.Facts`."""
        if self.said is None:
            self.said = self.facts.configuration()
        return self.said


class RecordedAnswers(Struct, Generic[T]):
    """Passes on what is known of other trails at a location and region, and remembers it."""

    ask: Callable[[DeliveryLocation, str], T]
    known: dict[tuple[DeliveryLocation, str], T] = field(default_factory=dict)

    def __call__(self, location: DeliveryLocation, region: str) -> T:
        """See :class:`verify.integrity.validate.ValidationRequest`."""
        found = self.ask(location, region)
        if found is not None:
            self.known[location, region] = found
        return found


class Manifest(Struct, frozen=True):
    """What a bundle says of itself; all of it as CloudTrail said it, or as it was found, when the bundle was made.

    :param at_best: by account and region, what the export found: nothing may be better.
    :param other_trails: other trails that deliver to a location and region, where that was asked.
    :param unsigned: when others delivered there without signing, where that was asked.
    :param unread: objects that the export could not read: they are neither there nor gone.
    """

    trail: TrailName
    period: Period
    made_at: datetime
    account_regions: tuple[AccountRegion, ...]
    rings: Mapping[str, KeyRing]
    statuses: Mapping[str, TrailStatus | NoStatus]
    configuration: Configuration
    at_best: Mapping[tuple[str, str], tuple[JudgedPeriod, ...]]
    foreign: tuple[Problem, ...] = ()
    unseen: tuple[str, ...] = ()
    unread: frozenset[ObjectName] = frozenset()
    other_trails: Mapping[tuple[DeliveryLocation, str], OtherTrails | None] = field(default_factory=dict)
    unsigned: Mapping[tuple[DeliveryLocation, str], tuple[UnsignedTime, ...]] = field(default_factory=dict)


class Bundle(Struct, frozen=True):
    """A bundle, with what of it is to be believed.

    :param is_authentic: whether the manifest is the one that the export wrote.
    :param ring: keys that were given, for all regions. Default: - the bundle's own.
    :param claimed_because: why a good result holds only if something else is true; ``""`` otherwise.
    :param folder: where it lies.
    :param report_sha256: of the report that the export wrote.
    """

    folder: Path
    report_sha256: str
    manifest: Manifest
    store: BundleObjectStore
    is_authentic: bool
    ring: KeyRing | None
    trusted: frozenset[str]
    claimed_because: str

    def unseen(self, selection: Selection) -> tuple[str, ...]:
        """Why there may be more than the manifest says, each as a sentence."""
        if self.is_authentic or (selection.account and selection.region):  # then whoever asks says what there is
            return self.manifest.unseen
        return (*self.manifest.unseen, _SCOPE_NOT_SIGNED)

    def changes(
        self, selection: Selection, period: Period, known: Mapping[str, Verdict], *, reads_all: bool = True
    ) -> Iterator[Problem]:
        """What of the bundle is not as its export left it, beside what a validation looks at.

        :param known: what is said already, by object. What is only unproven may not be as it was kept, too.
        :param reads_all: whether what the validation did not read is read now.
        """
        is_whole = (
            selection == Selection()
            and period.start <= self.manifest.period.start <= self.manifest.period.end <= period.end
        )
        # An export also keeps the digests just before and after its period.
        is_meant = _is_any if is_whole else partial(_is_of, selection=selection, period=period)
        if reads_all:  # no check looks at what lies where the trail does not deliver
            self.store.compare_rest(is_meant)
        yield from self._changed_files(is_meant, known)
        if not self.is_authentic and selection.account and selection.region:  # else it is said that more may be there
            # An export keeps what it looked at, so a check that looks at the same things comes upon all of it.
            for name in islice(filter(is_meant, self.store.passed_over()), _MAX_TOLD):
                yield Problem(Verdict.UNPROVEN, str(name), "it lies where nothing shows that the trail delivers")
        try:
            for path in islice(self.store.added(), _MAX_TOLD):
                yield Problem(Verdict.FOREIGN, path, "the export did not put it there")
            if not self._is_report_as_it_was():
                yield Problem(Verdict.ALTERED, str(self.folder / REPORT), "it is not the report that the export wrote")
        except (OSError, CannotLook) as error:
            yield Problem(Verdict.UNPROVEN, str(self.folder), f"it could not be looked at: {error}")

    def _changed_files(self, is_meant: Callable[[ObjectName], bool], known: Mapping[str, Verdict]) -> Iterator[Problem]:
        for name in sorted(self.store.altered):
            if known.get(str(name)) not in BAD:
                yield Problem(Verdict.ALTERED, str(name), "it, or its metadata, is not what the export kept")
        gone = (name for name in self.store.gone() if known.get(str(name)) not in BAD)
        for name in islice(filter(is_meant, gone), _MAX_TOLD):
            yield Problem(Verdict.MISSING, str(name), "the export kept it, and it is gone")
        unread = sorted(self.store.unreadable.keys() - self.store.altered)
        for name in islice((name for name in filter(is_meant, unread) if str(name) not in known), _MAX_TOLD):
            yield Problem(Verdict.UNPROVEN, str(name), f"it cannot be read: {self.store.unreadable[name]}")

    def _is_report_as_it_was(self) -> bool:
        """Whether people read in it what the export wrote; no check needs it, so it may be gone.

        :raises OSError: it cannot be read.
        """
        if not (self.folder / REPORT).is_file():
            return True
        try:
            return hashlib.sha256(_bytes_of(self.folder / REPORT)).hexdigest() == self.report_sha256
        except ValueError:
            return False

    def keys(self, region: str) -> KeyRing:
        """See :class:`verify.integrity.facts.Facts`."""
        if self.ring is not None:
            return self.ring
        ring = self.manifest.rings.get(region, KeyRing(unknown_because=f"the bundle holds no keys of {region}"))
        if not self.trusted or not ring.keys:
            return ring
        kept = [key for key in ring.keys if key.fingerprint.lower() in self.trusted]
        return KeyRing.of(kept) if kept else KeyRing(unknown_because="--trust-key names none of the bundle's keys")

    def status(self, region: str) -> TrailStatus | NoStatus:
        """See :class:`verify.integrity.facts.Facts`."""
        if not self.is_authentic:
            return NoStatus(_NOT_SIGNED)
        return self.manifest.statuses.get(region, NoStatus(f"the bundle does not hold it for {region}"))

    def configuration(self) -> Configuration:
        """See :class:`verify.integrity.facts.Facts`."""
        if self.is_authentic:
            return self.manifest.configuration
        told = self.manifest.configuration.today
        settings = {Setting.VALIDATION: bool(told and told.settings.get(Setting.VALIDATION))}
        today = told and replace(told, stopped=None, settings=settings, never_logged=False)
        return Configuration(
            self.manifest.trail.home_region, known=Known(why_not=_NOT_SIGNED), today=today, is_claimed=True
        )


def _is_any(_name: ObjectName) -> bool:
    return True


def _is_of(name: ObjectName, selection: Selection, period: Period) -> bool:
    """Whether an object is of what was asked for; one that is named as CloudTrail names nothing always is."""
    log, digest = LogName.parse(name), DigestName.parse(name)
    if log is not None:
        is_meant = selection.takes(log.location.account, log.region)
        return is_meant and period.overlaps(log.delivered, log.delivered + LOG_NAME_TELLS)
    if digest is not None:
        is_meant = selection.takes(digest.chain.account, digest.chain.region)
        return is_meant and period.overlaps(digest.end - HOUR, digest.end)
    return True


def fingerprints(rings: Mapping[str, KeyRing]) -> tuple[str, ...]:
    """Of all the keys, in order."""
    return tuple(sorted({key.fingerprint.lower() for ring in rings.values() for key in ring.keys}))


# ---- writing -------------------------------------------------------------------------------------------------------


def save_bundle(folder: Path, manifest: Manifest, report: Mapping[str, object]) -> None:
    """Write a bundle's manifest, report and keys."""
    said = json.dumps(report, indent=2)
    with (folder / KEPT).open("rb") as file:
        kept = hashlib.file_digest(file, "sha256").hexdigest()
    fields = _as_json(manifest) | {"keptSha256": kept, "reportSha256": hashlib.sha256(said.encode()).hexdigest()}
    text = json.dumps(fields, indent=2, default=datetime.isoformat)
    keys = {key.fingerprint.lower(): key for ring in manifest.rings.values() for key in ring.keys}
    trust = {
        MANIFEST_HASH: hashlib.sha256(text.encode()).hexdigest(),
        "PublicKeyList": [_key_as_json(key) for _, key in sorted(keys.items())],
    }
    write_atomically(folder / REPORT, said)
    write_atomically(folder / KEYS, json.dumps(trust, indent=2, default=datetime.isoformat))
    write_atomically(folder / MANIFEST, text)


def _as_json(manifest: Manifest) -> dict[str, Any]:
    trail, configuration = manifest.trail, manifest.configuration
    return {
        "form": _FORM,
        "trail": {"name": trail.name, "homeRegion": trail.home_region, "account": trail.account, "arn": trail.arn},
        "period": {"start": manifest.period.start, "end": manifest.period.end},
        "madeAt": manifest.made_at,
        "accountRegions": [
            {
                "account": one.chain.account,
                "region": one.chain.region,
                "isAlwaysEnabled": one.is_always_enabled,
                "hasFolder": one.has_folder,
                "isExpected": one.is_expected,
                "isOthers": one.is_others,
                "mayBeOwn": bool(one.chain.trail),
                "locations": [
                    {"bucket": location.bucket, "prefix": location.prefix, "organization": location.organization}
                    for location in one.locations
                ],
            }
            for one in manifest.account_regions
        ],
        "keys": {region: _ring_as_json(ring) for region, ring in manifest.rings.items()},
        "status": {region: _status_as_json(status) for region, status in manifest.statuses.items()},
        "configuration": _configuration_as_json(configuration),
        "found": [
            {
                "account": account,
                "region": region,
                "start": judged.start,
                "end": judged.end,
                "verdict": str(judged.verdict),
                "reason": judged.reason,
            }
            for (account, region), periods in manifest.at_best.items()
            for judged in periods
        ],
        "foreign": [
            {"verdict": str(file.verdict), "object": file.subject, "reason": file.reason} for file in manifest.foreign
        ],
        "notLookedAt": list(manifest.unseen),
        "otherTrails": [
            _place_as_json(location, region)
            | {"trails": sorted([name, home, signs] for (name, home), signs in trails.items())}
            for (location, region), trails in manifest.other_trails.items()
            if trails is not None
        ],
        "unsigned": [
            _place_as_json(location, region)
            | {"times": [[one.trail, one.period.start, one.period.end] for one in times]}
            for (location, region), times in manifest.unsigned.items()
        ],
        "notRead": [{"bucket": name.bucket, "key": name.key} for name in sorted(manifest.unread)],
    }


def _place_as_json(location: DeliveryLocation, region: str) -> dict[str, Any]:
    return {
        "bucket": location.bucket,
        "prefix": location.prefix,
        "organization": location.organization,
        "account": location.account,
        "region": region,
    }


def _ring_as_json(ring: KeyRing) -> dict[str, Any]:
    return {
        "PublicKeyList": [_key_as_json(key) for key in ring.keys],
        "unknownBecause": ring.unknown_because,
        "isComplete": ring.is_complete,
    }


def _key_as_json(key: PublicKey) -> dict[str, Any]:
    return {
        "Fingerprint": key.fingerprint,
        "Value": base64.b64encode(key.der).decode(),
        "ValidityStartTime": key.valid_from,
        "ValidityEndTime": key.valid_to,
    }


def _status_as_json(status: TrailStatus | NoStatus) -> dict[str, Any]:
    if isinstance(status, NoStatus):
        return {"unknownBecause": status.why, "wasRefused": status.was_refused}
    return {
        "isLogging": status.is_logging,
        "latestDigestDelivery": status.latest_digest_delivery,
        "latestDelivery": status.latest_delivery,
        "started": status.started,
        "stopped": status.stopped,
        "deliveryError": status.delivery_error,
        "digestDeliveryError": status.digest_delivery_error,
    }


def _configuration_as_json(configuration: Configuration) -> dict[str, Any]:
    today, known = configuration.today, configuration.known
    return {
        "known": {"start": known.start, "end": known.end, "whyNot": known.why_not},
        "today": today
        and {
            "at": today.at,
            "settings": {setting.name: value for setting, value in today.settings.items()},
            "started": today.started,
            "stopped": today.stopped,
            "neverLogged": today.never_logged,
            "leavesOut": today.leaves_out,
            "recordingUnknown": today.recording_unknown,
        },
        "calls": [
            {
                "at": call.at,
                "name": call.name,
                "caller": call.caller,
                "address": call.address,
                "settings": {setting.name: value for setting, value in call.settings},
                "source": call.source.name,
                "bucket": call.bucket,
                "prefix": call.prefix,
                "relocates": call.relocates,
                "before": {setting.name: value for setting, value in call.before},
                "selects": call.selects,
                "leavesOut": call.leaves_out,
            }
            for call in configuration.calls
        ],
    }


# ---- reading -------------------------------------------------------------------------------------------------------


def load_bundle(path: Path, keys: str | tuple[str, ...] | None, trusted: Iterable[str]) -> Bundle:
    """Read a bundle.

    :param path: of its manifest.
    :param keys: a file with public keys, such as the export's ``keys.json``, or several.
    :param trusted: fingerprints of keys that are AWS's.
    :raises UsageError: it is damaged, or the keys are no use.
    """
    try:
        text = _bytes_of(path)
        fields = json.loads(text)
        json.dumps(fields, ensure_ascii=False).encode()  # half a character is no text, and breaks whoever prints it
        manifest = _manifest(fields)
        kept = _kept(path.parent / KEPT, str(fields["keptSha256"]))
        report_sha256 = str(fields["reportSha256"])
    except OSError as error:
        raise UsageError(f"{error.filename or path} cannot be used: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise UsageError(
            f"{path} cannot be used: it is damaged, or not what 'integrity export' wrote. Make the bundle again."
        ) from error
    fingers = frozenset(finger.lower() for finger in trusted)
    ring = load_keys(keys) if keys else None
    files = (keys,) if isinstance(keys, str) else keys or ()
    stated = set(filter(None, map(manifest_hash_in, files)))
    is_authentic = hashlib.sha256(text).hexdigest() in stated
    if stated and not is_authentic:
        raise UsageError(
            f"{path} is not the manifest whose hash {', '.join(files)} holds: the bundle was changed after it "
            "was exported, or the keys are another bundle's."
        )
    store = BundleObjectStore(path.parent, kept, manifest.unread, is_authentic=is_authentic)
    claimed = ""
    if ring is None and not fingers:
        known = ", ".join(fingerprints(manifest.rings)) or "none"
        claimed = f"the public keys are the bundle's own, and nothing shows that they are AWS's (fingerprints: {known})"
    return Bundle(path.parent, report_sha256, manifest, store, is_authentic, ring, fingers, claimed)


def _bytes_of(path: Path) -> bytes:
    """What a file holds, if that is not too much to read.

    :raises OSError: it cannot be read.
    :raises ValueError: it is too large.
    """
    with path.open("rb") as file:
        text = file.read(_MAX_BYTES + 1)
    if len(text) > _MAX_BYTES:
        raise ValueError("it is larger than what an export writes")
    return text


def _kept(path: Path, sha256: str) -> dict[ObjectName, KeptObject]:
    """What the export kept.

    :raises UsageError: it is not what the manifest holds the hash of.
    :raises ValueError: an object is in it twice.
    """
    found: dict[ObjectName, KeptObject] = {}
    summed, number = hashlib.sha256(), 0
    for line, kept in kept_lines(path):
        summed.update(line)
        number += 1
        if kept is None:
            break
        found[kept[0]] = kept[1]
    if summed.hexdigest() != sha256:
        raise UsageError(f"{path} is not what the export wrote: the bundle was changed after it was exported.")
    if number != len(found):
        raise ValueError("an object is in it twice, or not as an export writes it")
    return found


def manifest_hash_in(keys: str) -> str:
    """The hash of a bundle's manifest in a file of keys; ``""`` if it holds none."""
    try:
        with Path(keys).open("rb") as file:
            fields = json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return ""
    value = fields.get(MANIFEST_HASH, "") if isinstance(fields, dict) else ""
    return value if isinstance(value, str) else ""


def _manifest(fields: dict[str, Any]) -> Manifest:
    if fields["form"] != _FORM:
        raise UsageError(
            f"{MANIFEST} cannot be used: its form is {fields['form']!r}, and this program knows {_FORM}. Check the "
            "bundle with the version that made it, or make it again."
        )
    named = fields["trail"]
    trail = TrailName(str(named["name"]), str(named["homeRegion"]), str(named["account"]), str(named["arn"]))
    found: dict[tuple[str, str], list[JudgedPeriod]] = {}
    for row in fields["found"]:
        judged = JudgedPeriod(_moment(row["start"]), _moment(row["end"]), Verdict(row["verdict"]), str(row["reason"]))
        found.setdefault((str(row["account"]), str(row["region"])), []).append(judged)
    return Manifest(
        trail=trail,
        period=Period(_moment(fields["period"]["start"]), _moment(fields["period"]["end"])),
        made_at=_moment(fields["madeAt"]),
        account_regions=tuple(_account_region(entry, trail) for entry in fields["accountRegions"]),
        rings={str(region): _ring(entry) for region, entry in fields["keys"].items()},
        statuses={str(region): _status(entry) for region, entry in fields["status"].items()},
        configuration=_configuration(fields["configuration"], trail),
        at_best={key: tuple(periods) for key, periods in found.items()},
        foreign=tuple(
            Problem(Verdict(entry["verdict"]), str(entry["object"]), str(entry["reason"]))
            for entry in fields["foreign"]
        ),
        unseen=tuple(str(entry) for entry in fields["notLookedAt"]),
        other_trails={
            _place(entry): {(str(name), str(home)): signs == [True] for name, home, *signs in entry["trails"]}
            for entry in fields["otherTrails"]
        },
        unsigned={
            _place(entry): tuple(
                UnsignedTime(str(name), Period(_moment(start), _moment(end))) for name, start, end in entry["times"]
            )
            for entry in fields["unsigned"]
        },
        unread=frozenset(ObjectName(str(entry["bucket"]), str(entry["key"])) for entry in fields["notRead"]),
    )


def _place(entry: dict[str, Any]) -> tuple[DeliveryLocation, str]:
    return _location(entry, str(entry["account"])), str(entry["region"])


def _location(entry: dict[str, Any], account: str) -> DeliveryLocation:
    return DeliveryLocation(str(entry["bucket"]), str(entry["prefix"]), str(entry["organization"]), account)


def _account_region(entry: dict[str, Any], trail: TrailName) -> AccountRegion:
    account, region = str(entry["account"]), str(entry["region"])
    if not is_region(region):  # it is part of what people read, and of commands
        raise ValueError("no region of AWS has such a name")
    locations = tuple(_location(location, account) for location in entry["locations"])
    # What lies below another account's own folder is that account's trail's, whatever is claimed.
    is_possible = all(location.organization or account == trail.account for location in locations)
    may_be_own = entry["mayBeOwn"] is True and is_possible
    return AccountRegion(
        ChainName(account, region, *((trail.name, trail.home_region) if may_be_own else ("", ""))),
        locations,
        is_always_enabled=entry["isAlwaysEnabled"] is True,
        has_folder=entry["hasFolder"] is True,
        is_expected=entry["isExpected"] is True,
        is_others=entry["isOthers"] is True,
    )


def _ring(entry: dict[str, Any]) -> KeyRing:
    if entry["unknownBecause"]:
        return KeyRing(unknown_because=str(entry["unknownBecause"]))
    return KeyRing.of([key_from(key) for key in entry["PublicKeyList"]], is_complete=entry["isComplete"] is True)


def _status(entry: dict[str, Any]) -> TrailStatus | NoStatus:
    if "unknownBecause" in entry:
        return NoStatus(str(entry["unknownBecause"]), was_refused=entry["wasRefused"] is True)
    return TrailStatus(
        bool(entry["isLogging"]),
        _optional_moment(entry["latestDigestDelivery"]),
        _optional_moment(entry["started"]),
        _optional_moment(entry["stopped"]),
        _optional_moment(entry["latestDelivery"]),
        str(entry["deliveryError"]),
        str(entry["digestDeliveryError"]),
    )


def _configuration(fields: dict[str, Any], trail: TrailName) -> Configuration:
    known, today = fields["known"], fields["today"]
    calls = tuple(
        TrailCall(
            _moment(call["at"]),
            str(call["name"]),
            str(call["caller"]),
            _settings(call["settings"]),
            Source[call["source"]],
            str(call["bucket"]),
            str(call["prefix"]),
            call["relocates"] is True,
            _settings(call["before"]),
            call["selects"] is True,
            None if call["leavesOut"] is None else tuple(map(str, call["leavesOut"])),
            str(call.get("address", "")),  # which earlier versions did not write
        )
        for call in fields["calls"]
    )
    return Configuration(
        trail.home_region,
        calls,
        Known(_optional_moment(known["start"]), _optional_moment(known["end"]), str(known["whyNot"])),
        None
        if today is None
        else Today(
            _moment(today["at"]),
            {Setting[name]: value is True for name, value in today["settings"].items()},
            _optional_moment(today["started"]),
            _optional_moment(today["stopped"]),
            never_logged=today["neverLogged"] is True,
            leaves_out=tuple(map(str, today["leavesOut"])),
            recording_unknown=str(today["recordingUnknown"]),
        ),
    )


def _settings(fields: dict[str, Any]) -> tuple[tuple[Setting, bool], ...]:
    return tuple((Setting[name], value is True) for name, value in sorted(fields.items()))


def _optional_moment(value: Any) -> datetime | None:
    return None if value is None else _moment(value)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or not is_plausible(moment):
        raise ValueError(f"{value!r} has no time zone, or is not of our age")
    return moment
