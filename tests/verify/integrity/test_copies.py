"""Copies and evidence bundles: they never say more than the bucket did, and what they lack is no sign of tampering."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.verify.simulation.api import Api, check_bucket, check_folder, pools, rows, since, verdicts
from tests.verify.simulation.in_memory import MemoryStore
from tests.verify.simulation.scenarios import paused, rewrite_log, trail
from tests.verify.simulation.trail import ACCOUNT, BUCKET, HOME, HOUR, START, TRAIL_ARN, Chain, SimulatedAws
from verify.errors import TargetNotFound, UsageError
from verify.integrity.bundle import KEYS, MANIFEST, load_bundle, save_bundle
from verify.integrity.export import export
from verify.integrity.result import Result
from verify.integrity.sources import IntegrityOptions, check_options, from_bucket, from_folder
from verify.integrity.timeline.configuration import NoStatus
from verify.integrity.timeline.verdict import Verdict
from verify.report.integrity.as_json import result_as_json
from verify.report.integrity.next_steps import next_steps
from verify.report.integrity.text import render
from verify.storage.objects import ObjectName

pytestmark = pytest.mark.regular

AWAY = "eu-west-1"
MINUTE = timedelta(minutes=1)


def save_keys(chain: Chain, path: Path) -> str:
    keys = [
        {
            "Fingerprint": key.fingerprint,
            "Value": base64.b64encode(key.der).decode(),
            "ValidityStartTime": key.valid_from.isoformat(),
            "ValidityEndTime": key.valid_to.isoformat(),
        }
        for region in chain.aws.keys.values()
        for key in region
    ]
    path.write_text(json.dumps({"PublicKeyList": keys}))
    return str(path)


def check_copy(chain: Chain, folder: Path, **asked: Any) -> Result:
    """The check of a plain copy, up to the last hour that a signature in its successor can prove."""
    until = f"{chain.hours[-2].end:%Y-%m-%dT%H:%M:%SZ}"
    keys = save_keys(chain, folder.parent / "keys.json")
    usual = {"start": since(chain), "end": until, "keys": keys, "regions": (HOME,), "account": ACCOUNT}
    return check_folder(folder, chain.at + HOUR, **(usual | asked))


def check_replica(chain: Chain) -> Result:
    """The check of a copy in another bucket, up to the last hour that a signature in its successor can prove."""
    until = f"{chain.hours[-2].end:%Y-%m-%dT%H:%M:%SZ}"
    return check_bucket(Api(chain.aws), chain.at + HOUR / 2, start=since(chain), end=until, source="s3://replica")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "copy"
    path.mkdir()
    return path


# ---- plain copies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "another/place"])
@pytest.mark.parametrize("own", ["", "logs"])
def test_a_copy_may_lie_under_any_prefix(prefix: str, own: str, folder: Path) -> None:
    chain = trail(8, prefix=own)
    for name, stored in chain.aws.objects.items():
        path = folder / prefix / name.key.removeprefix(f"{own}/" if own else "")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored.body)

    assert check_copy(chain, folder).exit_code == 0


def test_what_a_copy_should_hold_is_known_only_if_it_is_said(folder: Path) -> None:
    """A region that is gone from a copy whole leaves no trace in it."""
    chain = trail(8)
    chain.aws.save(folder)

    untold = check_copy(chain, folder, regions=())
    assert (untold.exit_code, verdicts(untold)) == (3, ["proven"])
    assert "--regions" in said(untold) and "--regions" in said(untold).splitlines()[0]
    assert check_copy(chain, folder, regions=(), region=HOME).exit_code == 0

    told = check_copy(chain, folder, regions=(HOME, AWAY))
    assert (told.exit_code, {row.verdict for row in rows(told, AWAY)}) == (3, {Verdict.UNPROVEN})


def test_of_an_organizations_copy_the_account_has_to_be_said_as_well(folder: Path) -> None:
    chain = Chain(SimulatedAws(organization="o-exampleorg12"))
    chain.run(8)
    chain.aws.save(folder)

    untold = check_copy(chain, folder, account=None)
    assert (untold.exit_code, "--account" in said(untold).splitlines()[0]) == (3, True)
    assert check_copy(chain, folder, account=ACCOUNT).exit_code == 0


def test_of_an_organizations_copy_the_trails_name_says_more_than_its_arn(folder: Path) -> None:
    """In a folder nothing shows whose an organization's trail is: it may not be the one that the ARN names."""
    chain = Chain(SimulatedAws(organization="o-exampleorg12"))
    chain.run(8)
    chain.aws.save(folder)

    by_arn = check_copy(chain, folder, account=ACCOUNT, trail=TRAIL_ARN)
    assert (by_arn.exit_code, Verdict.PROVEN in by_arn.verdicts) == (3, False)
    assert "name it without its account (--trail my-trail)" in said(by_arn)
    by_name = check_copy(chain, folder, account=ACCOUNT, trail="my-trail")
    assert by_name.exit_code == 0
    assert any("taken for those of that organization's trail" in notice for notice in by_name.notices)


def test_whose_account_a_copy_is_of_is_known_only_if_it_is_said(folder: Path) -> None:
    """Its files may have been replaced by genuine ones of another account, whose trail has the same name."""
    chain, attackers = trail(8), SimulatedAws()
    other = Chain(attackers, account="999988887777")
    other.run(8)
    chain.aws.objects = attackers.objects
    chain.aws.save(folder)

    untold = check_copy(chain, folder, account=None)
    assert (untold.exit_code, "--account" in said(untold).splitlines()[0]) == (3, True)
    for told in ({"account": None, "trail": TRAIL_ARN}, {"account": ACCOUNT}):
        with pytest.raises(TargetNotFound):
            check_copy(chain, folder, **told)


def test_another_accounts_trail_of_the_same_name_does_not_answer_for_the_one_that_was_asked_for(folder: Path) -> None:
    chain = trail(8)
    chain.aws.save(folder)

    assert check_copy(chain, folder, trail=TRAIL_ARN).exit_code == 0
    with pytest.raises(TargetNotFound, match="holds no digests of arn"):
        check_copy(chain, folder, trail=TRAIL_ARN.replace(ACCOUNT, "999999999999"), account=ACCOUNT)


def test_the_keys_of_several_regions_may_be_given_as_aws_tells_them(folder: Path, tmp_path: Path) -> None:
    """list-public-keys answers for one region at a time."""
    aws = SimulatedAws()
    home, away = Chain(aws), Chain(aws, region=AWAY, key=5)
    for chain in (home, away):
        chain.run(8)
    aws.save(folder)
    of_all, files = aws.keys, []
    for region in (HOME, AWAY):
        aws.keys = {region: of_all[region]}
        files.append(save_keys(home, tmp_path / f"keys-{region}.json"))
    aws.keys = of_all

    with_one = check_copy(home, folder, regions=(HOME, AWAY), keys=files[0])
    assert with_one.exit_code == 3
    (step,) = [step for step in next_steps(with_one) if "want of CloudTrail's public keys" in step.text]
    (command,) = step.commands
    times = "--start-time 2026-10-31T00:01:31Z --end-time 2026-11-02T07:01:31Z"
    assert command == f"aws cloudtrail list-public-keys {times} --region {AWAY} > keys-{AWAY}.json"
    assert check_copy(home, folder, regions=(HOME, AWAY), keys=tuple(files)).exit_code == 0


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"regions": ("Frankfurt",)}, "'Frankfurt' is not the name of a region"),
        ({"region": HOME}, "Give one of the two"),
        ({"source": "s3://replica", "keys": None}, "for a copy in a folder"),
        ({"source": f"somewhere/{MANIFEST}"}, "for a plain copy"),
    ],
)
def test_regions_are_said_of_a_plain_copy_alone(options: dict[str, Any], word: str, folder: Path) -> None:
    given = {"source": str(folder), "regions": (HOME,)} | options
    with pytest.raises(UsageError, match=word):
        if str(given["source"]).startswith("s3://"):
            check_options(IntegrityOptions(**given))
        else:
            from_folder(IntegrityOptions(**given), START)


@pytest.mark.parametrize("region", [HOME, AWAY])
def test_a_region_whose_digests_are_gone_from_a_copy_is_in_the_table(region: str, folder: Path) -> None:
    aws = SimulatedAws()
    chains = {name: Chain(aws, region=name) for name in (HOME, AWAY)}
    for chain in chains.values():
        chain.run(8)
    aws.delete(*(hour.name for hour in chains[region].hours))
    aws.save(folder)

    result = check_copy(chains[HOME], folder)
    assert (result.exit_code, Verdict.PROVEN in {row.verdict for row in rows(result, region)}) == (3, False)
    assert rows(result, region)


def test_what_a_desktop_leaves_in_a_copy_is_no_object(folder: Path) -> None:
    chain = trail(8)
    chain.aws.save(folder)
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            (path / ".DS_Store").write_bytes(b"x")

    assert check_copy(chain, folder).exit_code == 0


def test_of_a_period_that_a_copy_does_not_hold_is_said_which_one_it_does(folder: Path) -> None:
    chain = trail(8)
    chain.aws.save(folder)
    holds = (
        "By the names of its folders, the copy holds digests of 2026-11-01 to 2026-11-01. Of other days it proves "
        "nothing."
    )

    assert holds not in check_copy(chain, folder).notices
    assert holds in check_copy(chain, folder, start="2026-10-30", end="2026-10-31").notices


@pytest.mark.parametrize("below", ["AWSLogs", f"AWSLogs/{ACCOUNT}/CloudTrail-Digest"])
def test_a_folder_too_deep_is_said_to_hold_no_digest(below: str, folder: Path) -> None:
    chain = trail(8)
    chain.aws.save(folder)

    with pytest.raises(TargetNotFound, match="No digest was found: none lies in the copy's AWSLogs/ACCOUNT/"):
        check_copy(chain, folder / below)


@pytest.mark.parametrize("name", ["a-file", "AWSLogs", "CloudTrail/us-east-9/2026/11/01/a-file"])
def test_what_is_foreign_in_a_folder_is_named_by_its_path(name: str, folder: Path) -> None:
    """It is in no bucket; and whatever its name is printed as, it is foreign."""
    chain = trail(8)
    chain.aws.save(folder)
    planted = folder / "AWSLogs" / ACCOUNT / name
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_bytes(b"x")

    result = check_copy(chain, folder)
    assert result.exit_code == 1
    assert f"  AWSLogs/{ACCOUNT}/" in said(result)
    assert "s3:///" not in said(result)


@pytest.mark.parametrize("holds", ["nothing", "another trail's digest"])
def test_days_before_and_after_those_of_the_trail_do_not_hide_it(holds: str, folder: Path) -> None:
    chain = trail(8)
    chain.aws.save(folder)
    for day in ("2026/10/01", "2026/11/20"):
        made = folder / f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{HOME}/{day}"
        made.mkdir(parents=True)
        if holds != "nothing":
            name = f"{ACCOUNT}_CloudTrail-Digest_{HOME}_other-trail_{HOME}_{day.replace('/', '')}T010131Z.json.gz"
            (made / name).write_bytes(b"x")

    # A day that is yet to come is not proven.
    assert Verdict.PROVEN in check_copy(chain, folder, trail="my-trail").verdicts
    with pytest.raises(TargetNotFound, match="holds digests of these trails: my-trail"):
        check_copy(chain, folder, trail="no-such-trail")


def test_the_end_of_a_copy_is_not_known_to_be_its_end(folder: Path) -> None:
    chain = trail(8)
    chain.aws.save(folder)

    result = check_copy(chain, folder, end=None)
    assert (result.exit_code, Verdict.NOT_DUE in result.verdicts) == (3, False)


def test_a_file_that_was_removed_from_a_copy_a_day_before_its_end_is_missing(folder: Path) -> None:
    chain = trail(40)
    chain.aws.delete(chain.hours[3].logs[0])
    chain.aws.save(folder)

    result = check_copy(chain, folder)
    assert (result.exit_code, Verdict.MISSING in result.verdicts) == (1, True)


@pytest.mark.parametrize("away", [0, 1], ids=["a log", "a log and a digest"])
def test_what_was_delivered_elsewhere_for_a_while_is_not_missing_from_a_copy(away: int, folder: Path) -> None:
    """A copy of the one bucket does not hold what the trail delivered to another one, for an hour or for minutes."""
    chain = trail(3)
    chain.bucket = "away"
    log = chain.log(chain.at + 10 * MINUTE)
    chain.run(away, logs=0)
    chain.bucket = BUCKET
    chain.deliver(chain.at, chain.at + HOUR, [log])
    chain.at += HOUR
    chain.run(40)
    for name in [name for name in chain.aws.objects if name.bucket == "away"]:
        chain.aws.delete(name)
    chain.aws.save(folder)

    result = check_copy(chain, folder)
    assert (result.exit_code, Verdict.MISSING in result.verdicts) == (3, False)


def test_what_was_deleted_before_the_trail_was_elsewhere_is_not_proven_in_a_copy_without_that_place(
    folder: Path,
) -> None:
    """What the digest that was delivered there says of the one before it, nobody knows."""
    chain = trail(6)
    chain.bucket = "away"
    chain.run(3)
    chain.bucket = BUCKET
    chain.run(40)
    chain.aws.delete(chain.hours[4].name, *chain.hours[4].logs)
    chain.aws.save(folder)
    whole = check_copy(chain, folder)
    for name in [name for name in chain.aws.objects if name.bucket == "away"]:
        (folder / name.key).unlink()
    lacking = check_copy(chain, folder)

    assert (whole.exit_code, Verdict.MISSING in whole.verdicts) == (1, True)
    assert (lacking.exit_code, Verdict.MISSING in lacking.verdicts) == (3, False)


def test_of_a_log_that_a_copy_lacks_near_its_end_is_said_that_it_may_not_be_copied_yet(folder: Path) -> None:
    chain = trail(8)
    chain.aws.delete(chain.hours[3].logs[0])
    chain.aws.save(folder)

    result = check_copy(chain, folder)
    assert result.exit_code == 3
    assert any("was not copied yet" in row.reason for row in rows(result))


def test_a_manifest_and_keys_in_a_bucket_make_its_copy_no_bundle(folder: Path) -> None:
    chain = trail(8)
    chain.aws.save(folder)
    (folder / MANIFEST).write_text("{}")
    (folder / "objects").mkdir()

    result = check_copy(chain, folder)
    assert result.exit_code == 0
    assert any(str(folder / MANIFEST) in notice and "not read" in notice for notice in result.notices)


@pytest.mark.parametrize("hours", [3.3, 6.9], ids=["an older hour", "before the newest digest's end"])
def test_a_log_that_was_planted_in_a_copy_in_a_bucket_is_not_said_to_be_due(hours: float) -> None:
    """When a copy's file was delivered is not known, and so a later digest may name it: that is no good answer."""
    chain = trail(8)
    chain.aws.objects |= {ObjectName("replica", name.key): stored for name, stored in chain.aws.objects.items()}
    assert check_replica(chain).exit_code == 0
    planted, _ = chain.log(START + hours * HOUR)
    chain.aws.objects[ObjectName("replica", planted.key)] = chain.aws.objects.pop(planted)

    result = check_replica(chain)
    assert (result.exit_code, result.chains[0].tally.logs[Verdict.NOT_DUE]) == (3, 0)
    assert Verdict.UNPROVEN in result.verdicts


@pytest.mark.parametrize("kind", ["log", "digest"])
@pytest.mark.parametrize("top", ["a/", "z/", "deep/er/", "inside"])
def test_of_two_files_of_one_name_in_a_copy_neither_is_passed_over(kind: str, top: str, folder: Path) -> None:
    """What follows AWSLogs/ tells a copy's files apart. Whoever reads the copy reads both."""
    chain = trail(30)
    chain.aws.save(folder)
    name = chain.hours[5].logs[0] if kind == "log" else chain.hours[5].name
    place = folder / (f"{name.key.rpartition('/')[0]}/{name.key}" if top == "inside" else f"{top}{name.key}")
    place.parent.mkdir(parents=True)
    place.write_bytes(chain.aws.objects[name].body)

    result = check_copy(chain, folder)
    if top == "inside":
        assert (result.exit_code, Verdict.FOREIGN in result.verdicts) == (1, True)
    else:
        assert (result.exit_code, any("holds 1 files more than once" in one for one in result.notices)) == (0, True)
    place.write_bytes(gzip.compress(b'{"Records": [{"eventName": "Planted"}]}'))
    assert check_copy(chain, folder).exit_code == 1


def test_a_log_that_lies_deep_in_the_folder_of_another_day_is_not_taken_for_its_namesake(folder: Path) -> None:
    chain = trail(30)
    chain.aws.save(folder)
    place = folder / chain.location.logs_on(HOME, chain.hours[28].end.date()) / chain.hours[5].logs[0].key
    place.parent.mkdir(parents=True)
    place.write_bytes(b"x")

    assert check_copy(chain, folder).exit_code == 1


def test_a_log_that_was_altered_is_altered_although_the_genuine_one_lies_elsewhere_in_the_copy(folder: Path) -> None:
    chain = trail(30)
    log = chain.hours[5].logs[0]
    for name, stored in chain.aws.objects.items():
        path = folder / "backup" / name.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(b"{}") if name == log else stored.body)
    genuine = folder / "a" / log.key
    genuine.parent.mkdir(parents=True)
    genuine.write_bytes(chain.aws.objects[log].body)

    result = check_copy(chain, folder)
    assert (result.exit_code, Verdict.ALTERED in result.verdicts) == (1, True)


def test_a_log_that_was_planted_under_a_genuine_name_elsewhere_in_a_replica_is_not_passed_over() -> None:
    chain = trail(8)
    chain.aws.objects |= {ObjectName("replica", name.key): stored for name, stored in chain.aws.objects.items()}
    log = chain.hours[3].logs[0]
    chain.aws.put(ObjectName("replica", f"evil/{log.key}"), gzip.compress(b"{}"), chain.at)

    result = check_replica(chain)
    assert (result.exit_code, Verdict.ALTERED in result.verdicts) == (1, True)


# ---- evidence bundles ----------------------------------------------------------------------------------------------


def exported(chain: Chain, folder: Path, api: Api | None = None, **asked: Any) -> Result:
    """The result of an export; the bundle lies in ``folder``."""
    wanted = IntegrityOptions(**({"start": since(chain)} | asked))
    now = chain.at + 30 * MINUTE
    ready = from_bucket(wanted, api or Api(chain.aws), MemoryStore(chain.aws), now)  # type: ignore[arg-type]
    result, manifest = export(ready.request, ready.store, ready.facts, folder, pools(), lambda *_done: None)
    save_bundle(folder, manifest, result_as_json(result, 1))
    return result


def check_bundle(folder: Path, **asked: Any) -> Result:
    wanted = {"keys": str(folder / KEYS)} | asked
    return check_folder(folder / MANIFEST, datetime.now(START.tzinfo) + timedelta(days=3650), **wanted)


def said(result: Result) -> str:
    return "\n".join(line.plain for line in render(result, 1))


def test_keys_that_only_the_bundle_brings_prove_nothing_by_themselves(folder: Path) -> None:
    chain = trail(8)
    assert exported(chain, folder).exit_code == 0

    result = check_bundle(folder, keys=None)
    assert result.exit_code == 3
    text = said(result)
    assert text.startswith("NOT KNOWN: This is consistent, if these public keys are AWS's, which is not known")
    assert chain.aws.keys[HOME][0].fingerprint in text and "list-public-keys" in text

    # That logging was off is what the manifest claims.
    shutil.rmtree(folder)
    assert exported(paused(), folder).exit_code == 0
    text = said(check_bundle(folder, keys=None))
    assert text.startswith(f"NOT KNOWN: Part of this period is unproven (in {HOME}, from 2026-11-01T")
    assert ", and the rest is consistent, if these public keys are AWS's" in text


def test_a_key_that_is_known_by_its_fingerprint_is_enough_for_what_is_signed(folder: Path) -> None:
    """It does not sign which regions there are: whoever asks has to name the one that is meant."""
    chain = trail(6)
    exported(chain, folder)
    fingerprint = chain.aws.keys[HOME][0].fingerprint
    meant = {"keys": None, "account": ACCOUNT, "region": HOME}

    assert check_bundle(folder, trust_keys=(fingerprint.upper(),), **meant).exit_code == 0
    assert check_bundle(folder, trust_keys=("0" * 32,), **meant).exit_code == 3
    assert check_bundle(folder, keys=None, trust_keys=(fingerprint,)).exit_code == 3
    assert check_bundle(folder, trust_keys=(fingerprint,)).exit_code == 0  # with the keys.json of the export


@pytest.mark.parametrize("how", ["AWS's keys", "a fingerprint"])
def test_a_region_that_a_manifest_leaves_out_is_not_passed_over(how: str, folder: Path, tmp_path: Path) -> None:
    """Nobody signed which regions there are. Only the export's keys.json shows that the manifest is its own."""
    aws = SimulatedAws()
    home, away = Chain(aws), Chain(aws, region=AWAY)
    for chain in (home, away):
        chain.run(6)
    assert exported(home, folder).exit_code == 0
    manifest = json.loads((folder / MANIFEST).read_text())
    for field in ("accountRegions", "found"):
        manifest[field] = [entry for entry in manifest[field] if entry["region"] == HOME]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    prints = tuple(key.fingerprint for keys in aws.keys.values() for key in keys)
    awss = {"keys": save_keys(home, tmp_path / "aws.json")} if how == "AWS's keys" else {"keys": None}

    result = check_bundle(folder, **awss, trust_keys=prints if how == "a fingerprint" else ())
    assert (result.exit_code, rows(result, AWAY), verdicts(result, HOME)[:1]) == (3, [], ["proven"])
    assert "--keys" in said(result).splitlines()[0]
    with pytest.raises(UsageError, match="was changed after it was exported"):
        check_bundle(folder)


def test_a_bundle_holds_all_that_was_said_of_the_trails_status(folder: Path) -> None:
    chain = trail(4)
    chain.aws.status[HOME] = {"IsLogging": False}
    api = Api(chain.aws)
    exported(chain, folder, api)
    today = load_bundle(folder / MANIFEST, str(folder / KEYS), ()).configuration().today
    assert today and today.never_logged
    unknown = load_bundle(folder / MANIFEST, None, ()).configuration().today
    assert unknown and not unknown.never_logged

    chain.aws.denied.add("GetTrailStatus")
    (folder / MANIFEST).unlink()
    exported(chain, folder, api)
    status = load_bundle(folder / MANIFEST, str(folder / KEYS), ()).status(HOME)
    assert isinstance(status, NoStatus) and status.was_refused


def test_the_keys_of_an_export_may_be_given_with_others(folder: Path, tmp_path: Path) -> None:
    chain = paused()
    exported(chain, folder)
    awss = save_keys(chain, tmp_path / "aws.json")

    assert check_bundle(folder, keys=(awss, str(folder / KEYS))).exit_code == 0
    (folder / MANIFEST).write_text((folder / MANIFEST).read_text() + " ")
    with pytest.raises(UsageError, match="was changed after it was exported"):
        check_bundle(folder, keys=(awss, str(folder / KEYS)))


def test_a_pause_is_proven_only_by_a_manifest_that_is_known_to_be_the_exports(folder: Path) -> None:
    chain = paused()
    exported(chain, folder)

    assert "not logged" in verdicts(check_bundle(folder))
    trusted = check_bundle(folder, keys=None, trust_keys=(chain.aws.keys[HOME][0].fingerprint,))
    assert (trusted.exit_code, "not logged" in verdicts(trusted)) == (3, False)


def test_a_manifest_that_was_changed_does_not_fit_the_keys_of_the_export(folder: Path) -> None:
    exported(paused(), folder)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["configuration"]["calls"] = []
    (folder / MANIFEST).write_text(json.dumps(manifest))

    with pytest.raises(UsageError, match="was changed after it was exported"):
        check_bundle(folder)


def test_keys_of_ones_own_do_not_make_a_bundle_genuine(folder: Path, tmp_path: Path) -> None:
    """An attacker signs everything anew and puts the keys into the bundle; AWS's keys are given."""
    genuine = trail(6)
    forged = Chain(SimulatedAws(), key=9)
    forged.run(6)
    exported(forged, folder)

    assert check_bundle(folder, keys=save_keys(genuine, tmp_path / "aws.json")).exit_code == 3


@pytest.mark.parametrize("keys", [None, "its own"])
def test_no_bundle_is_made_from_a_bundle_whose_claims_it_would_then_vouch_for(
    keys: str | None, folder: Path, tmp_path: Path
) -> None:
    forged = Chain(SimulatedAws(), key=9)
    forged.run(6)
    exported(forged, folder)
    given = str(folder / KEYS) if keys else None
    ready = from_folder(IntegrityOptions(source=str(folder / MANIFEST), keys=given), forged.at + HOUR)

    with pytest.raises(UsageError, match="made from the trail's own bucket"):
        export(ready.request, ready.store, ready.facts, tmp_path / "new", pools(), lambda *_done: None)
    assert not (tmp_path / "new").exists()


def remove_region(aws: SimulatedAws) -> None:
    for name in [name for name in aws.objects if f"/{AWAY}/" in name.key]:
        aws.delete(name)


def deny_log(aws: SimulatedAws) -> None:
    aws.denied.add(str(next(name for name in sorted(aws.objects) if "/CloudTrail/" in name.key)))


def plant(key: str) -> Callable[[SimulatedAws], None]:
    def planted(aws: SimulatedAws) -> None:
        log = next(name for name in sorted(aws.objects) if "/CloudTrail/" in name.key)
        aws.put(ObjectName(BUCKET, key.format(log=log.key, day=log.key.rpartition("/")[0])), b"x", START)

    return planted


@pytest.mark.parametrize(
    ("spoil", "exit_code", "finds"),
    [
        (remove_region, 1, "missing"),
        (deny_log, 3, "unproven"),
        (lambda aws: aws.denied.add("DescribeRegions"), 3, ""),
        (plant("{log}/x"), 1, "foreign"),
        (plant("{day}/" + "y" * 700), 1, "foreign"),
        (plant("evil/x"), 1, "foreign"),
    ],
    ids=["a region gone", "a log unreadable", "regions not known", "a log as a folder", "a long key", "elsewhere"],
)
def test_a_bundle_says_no_more_than_its_export_did(
    spoil: Callable[[SimulatedAws], None], exit_code: int, finds: str, folder: Path
) -> None:
    aws = SimulatedAws()
    chains = [Chain(aws, region=region) for region in (HOME, AWAY)]
    for chain in chains:
        chain.run(6)
    spoil(aws)

    there = exported(chains[0], folder)
    here = check_bundle(folder)

    assert (there.exit_code, here.exit_code) == (exit_code, exit_code)
    assert not finds or (finds in verdicts(there) and finds in verdicts(here))
    proven = {(row.account, row.region, row.start, row.end) for row in there.rows if row.verdict is Verdict.PROVEN}
    for row in here.rows:
        if row.verdict is Verdict.PROVEN:
            assert any(
                (row.account, row.region) == one[:2] and one[2] <= row.start and row.end <= one[3] for one in proven
            )


def test_a_planted_key_does_not_lose_the_rest_of_its_batch(folder: Path) -> None:
    chain = trail(4)
    plant("{day}/" + "y" * 700)(chain.aws)
    plant("{log}/x")(chain.aws)
    exported(chain, folder)

    assert check_bundle(folder).chains[0].tally.logs[Verdict.PROVEN] == 8


def test_an_export_that_is_resumed_over_a_wrong_file_fetches_it_again(folder: Path) -> None:
    chain = trail(4)
    exported(chain, folder)
    (folder / MANIFEST).unlink()
    log = chain.hours[1].logs[0]
    (folder / "objects" / BUCKET / log.key).write_bytes(b"half of it")

    assert exported(chain, folder).exit_code == 0
    assert check_bundle(folder).exit_code == 0
    assert (folder / "objects" / BUCKET / log.key).read_bytes() == chain.aws.objects[log].body


@pytest.mark.parametrize("finds", ["altered", "missing"])
def test_an_export_that_is_resumed_sees_what_was_done_since(finds: str, folder: Path) -> None:
    chain = trail(4)
    exported(chain, folder)
    (folder / MANIFEST).unlink()
    log = chain.hours[1].logs[0]
    if finds == "altered":
        rewrite_log(chain, 1)
        chain.aws.edit(log, last_modified=chain.aws.objects[log].last_modified + 3 * HOUR)
    else:
        chain.aws.delete(log)

    there, here = exported(chain, folder), check_bundle(folder)
    assert (there.exit_code, here.exit_code) == (1, 1)
    assert finds in verdicts(there) and finds in verdicts(here)


def test_a_signature_that_is_gone_since_an_export_was_interrupted_is_gone_from_its_bundle(folder: Path) -> None:
    chain = trail(4)
    exported(chain, folder)
    (folder / MANIFEST).unlink()
    digest = chain.hours[-1].name
    assert (folder / "metadata" / BUCKET / f"{digest.key}.json").exists()
    chain.aws.edit(digest, metadata={}, last_modified=chain.aws.objects[digest].last_modified + 3 * HOUR)

    assert exported(chain, folder).exit_code == check_bundle(folder).exit_code == 1
    assert not (folder / "metadata" / BUCKET / f"{digest.key}.json").exists()


def test_an_altered_log_is_altered_in_the_bundle_as_well(folder: Path) -> None:
    chain = trail(4)
    rewrite_log(chain, 2)

    assert exported(chain, folder).exit_code == check_bundle(folder).exit_code == 1


# ---- folders made to break the validator ---------------------------------------------------------------------------


def test_a_loop_of_links_and_folders_a_thousand_deep_are_no_traceback(folder: Path) -> None:
    chain = trail(6)
    chain.aws.save(folder)
    day = folder / chain.location.logs_on(HOME, START.date())
    (day / "loop").symlink_to(day)
    deep = day
    for _ in range(1500):
        deep = deep / "d"
        if len(str(deep)) > 3900:
            break
    try:
        deep.mkdir(parents=True)
    except (OSError, RecursionError):
        at = day
        for _ in range(900):
            at = at / "d"
            at.mkdir()
    loop = chain.hours[2].logs[0]
    path = folder / loop.key
    path.unlink()
    path.symlink_to(path)

    try:
        assert check_copy(chain, folder).exit_code in (1, 3)
    finally:
        shutil.rmtree(day, ignore_errors=True)


def test_metadata_nested_ten_thousand_deep_is_no_traceback(folder: Path) -> None:
    chain = trail(4)
    exported(chain, folder)
    name = chain.hours[1].name
    (folder / "metadata" / BUCKET / f"{name.key}.json").write_text("[" * 10_000)

    assert check_bundle(folder).exit_code in (1, 3)


@pytest.mark.parametrize("where", ["a folder", "a bucket"])
def test_a_file_that_lies_deeper_than_cloudtrail_puts_one_is_foreign(where: str, folder: Path) -> None:
    """Also one that CloudTrail signed for another account, whose trail has the same name."""
    chain, attackers = trail(30), SimulatedAws()
    Chain(attackers, account="999988887777", bucket="attackers", at=chain.hours[-3].start).run(2, logs=0)
    for name, stored in attackers.objects.items():
        chain.aws.objects[ObjectName(BUCKET, f"{chain.hours[-3].name.key.rpartition('/')[0]}/{name.key}")] = stored
    for hour in chain.hours[-3:-1]:
        chain.aws.delete(hour.name, *hour.logs)

    if where == "a folder":
        chain.aws.save(folder)
        result = check_copy(chain, folder)
    else:
        chain.aws.objects = {ObjectName("replica", name.key): stored for name, stored in chain.aws.objects.items()}
        result = check_replica(chain)

    assert (result.exit_code, Verdict.FOREIGN in result.verdicts) == (1, True)


def planted_below(place: str, at: datetime, *, key: int, is_named: bool) -> SimulatedAws:
    """A trail's digest and log below a folder, signed with a key."""
    planted = Chain(SimulatedAws(), prefix=place, trail="evil-trail", at=at, number=5000, key=key)
    log = planted.log(at + 10 * MINUTE)
    planted.deliver(at, at + HOUR, [log] if is_named else [])
    return planted.aws


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize("day", [0, -40])
@pytest.mark.parametrize("place", ["AWSLogs/evil", "AWSLogs/evil/x", "AWSLogs/evil/AWSLogs", "AWSLogs/999988887777"])
def test_a_digest_that_nobody_signed_gives_no_folder_of_a_copy_its_name(
    place: str, day: int, *, is_named: bool, folder: Path
) -> None:
    """Also one of a time that was not asked for, which is judged nowhere else."""
    chain = trail(30)
    planted = planted_below(place, START + 5 * HOUR + timedelta(days=day), key=7, is_named=is_named)
    chain.aws.objects |= planted.objects
    chain.aws.save(folder)

    assert check_copy(chain, folder, trail=TRAIL_ARN).exit_code in (1, 3)
    chain.aws.objects = {ObjectName("replica", name.key): stored for name, stored in chain.aws.objects.items()}
    assert check_replica(chain).exit_code == 1


def test_a_folder_of_a_copy_whose_digest_has_no_signature_any_more_is_not_proven(folder: Path) -> None:
    """A sync loses metadata, so of a trail's only digest nobody knows whether it was signed."""
    chain = trail(30)
    chain.aws.objects |= planted_below("AWSLogs/x", START - 40 * 24 * HOUR, key=0, is_named=True).objects
    chain.aws.save(folder)
    result = check_copy(chain, folder, trail=TRAIL_ARN)
    assert (result.exit_code, "a trail had this prefix" in said(result)) == (3, True)

    chain.aws.objects = {ObjectName("replica", name.key): stored for name, stored in chain.aws.objects.items()}
    assert check_replica(chain).exit_code == 0


@pytest.mark.parametrize("account", [ACCOUNT])
def test_a_missing_manifest_is_told(account: str, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"no bundle\.json"):
        check_bundle(folder, account=account)


@pytest.mark.parametrize("arn", ["arn:x", "arn:aws:s3:::trail/my-trail", "arn:aws:cloudtrail::123456789012:trail/x"])
def test_an_arn_that_is_no_trails_is_refused(arn: str, folder: Path) -> None:
    chain = trail(4)
    chain.aws.save(folder)

    with pytest.raises(UsageError, match="--trail"):
        check_copy(chain, folder, trail=arn)
