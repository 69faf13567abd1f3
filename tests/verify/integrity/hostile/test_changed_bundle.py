"""A bundle holds what its export kept: whatever was added, taken away, written over or moved in it is seen."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.verify.integrity.test_copies import check_bundle, exported, save_keys
from tests.verify.simulation.api import since
from tests.verify.simulation.in_memory import MemoryStore
from tests.verify.simulation.scenarios import MEMBER, trail
from tests.verify.simulation.trail import ACCOUNT, BUCKET, HOME, HOUR, TRAIL, TRAIL_ARN, Chain
from verify.errors import AccessDenied, UsageError
from verify.integrity.bundle import MANIFEST
from verify.integrity.sources import IntegrityOptions, check_options
from verify.integrity.timeline.verdict import Verdict
from verify.storage.folder import KEPT, KeptObject
from verify.storage.objects import ListedObject, ObjectName

pytestmark = pytest.mark.regular
EVIL = gzip.compress(b'{"Records": [{"eventName": "Planted"}]}')
MINUTE = timedelta(minutes=1)


@pytest.fixture
def chain() -> Chain:
    return trail(12)


@pytest.fixture(scope="module")
def as_exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of such a chain: every run of ``trail`` makes the same."""
    path = tmp_path_factory.mktemp("exported") / "bundle"
    assert exported(trail(12), path).exit_code == 0
    return path


@pytest.fixture
def folder(as_exported: Path, tmp_path: Path) -> Path:
    return shutil.copytree(as_exported, tmp_path / "bundle", symlinks=True)


@pytest.fixture
def bundle_with_a_young_log(tmp_path: Path) -> tuple[Path, ObjectName]:
    """A bundle, and a log file in it that no digest names yet."""
    chain, folder = trail(2), tmp_path / "bundle"
    log, body = chain.log(chain.at + 10 * MINUTE)
    chain.aws.put(log, body, chain.at + 11 * MINUTE)
    assert exported(chain, folder).exit_code == check_bundle(folder).exit_code == 0
    return folder, log


def put(path: Path, body: bytes = EVIL) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def hash_of(name: ObjectName) -> str:
    return sha256(f"{name.bucket}/{name.key}".encode()).hexdigest()


PLANTED: dict[str, Callable[[str], str]] = {
    "another account": lambda log: f"{BUCKET}/{log.replace(ACCOUNT, '999999999999')}",
    "another region": lambda log: f"{BUCKET}/{log.replace(HOME, 'eu-west-1')}",
    "an odd folder": lambda log: f"{BUCKET}/{log.replace('/2026/', '/evil/2026/')}",
    "a top folder": lambda _: f"{BUCKET}/evil/x.json.gz",
    "a day after the period": lambda log: f"{BUCKET}/{log.replace('/2026/11/01/', '/2026/11/07/')}",
    "a name as CloudTrail gives it": lambda log: f"{BUCKET}/{log[:-24]}ABCDEFGHIJKLMNOP.json.gz",
    "among the renamed": lambda _: f"{BUCKET}/%renamed/evil.json.gz",
    "a folder named as a desktop's file": lambda log: f"{BUCKET}/{log.rpartition('/')[0]}/Thumbs.db/x.json.gz",
    "a percent code": lambda log: f"{BUCKET}/{log.replace('json.gz', 'json%2Egz')}",
    "a bucket of the same name": lambda log: f"{BUCKET.replace('s', '%73')}/{log}",
    "another bucket": lambda log: f"elsewhere/{log}",
    "no bucket": lambda _: "x.json.gz",
}


@pytest.mark.parametrize("keys", ["the export's", "a fingerprint"])
@pytest.mark.parametrize("name", PLANTED)
def test_a_file_that_the_export_did_not_keep_is_foreign_wherever_it_lies(
    name: str, keys: str, chain: Chain, folder: Path
) -> None:
    put(folder / "objects" / PLANTED[name](chain.hours[5].logs[0].key))
    only: dict[str, Any] = {
        "keys": None,
        "trust_keys": (chain.aws.keys[HOME][0].fingerprint,),
        "account": ACCOUNT,
        "region": HOME,
    }

    result = check_bundle(folder, **({} if keys == "the export's" else only))
    assert (result.exit_code, Verdict.FOREIGN in result.verdicts) == (1, True)


def test_a_region_that_no_region_is_called_like_is_not_taken_from_a_manifest(chain: Chain, folder: Path) -> None:
    """The first sentence names regions, and what is to be done next names them in commands."""
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["accountRegions"].append(manifest["accountRegions"][0] | {"region": "us-east-1; touch pwned #"})
    (folder / MANIFEST).write_text(json.dumps(manifest))

    with pytest.raises(UsageError, match="it is damaged"):
        check_bundle(folder, keys=save_keys(chain, folder.parent / "aws.json"))


@pytest.mark.parametrize("is_named", [True, False])
def test_a_log_is_altered_although_its_genuine_form_lies_among_the_renamed(
    is_named: bool,  # noqa: FBT001
    chain: Chain,
    folder: Path,
) -> None:
    log = chain.hours[5].logs[0]
    own = folder / "objects" / BUCKET / log.key
    put(own.parents[len(Path(log.key).parts) - 1] / "%renamed" / hash_of(log), own.read_bytes())
    if is_named:
        put(folder / "names" / hash_of(log), json.dumps({"bucket": log.bucket, "key": log.key}).encode())
    own.write_bytes(EVIL)

    result = check_bundle(folder)
    assert (result.exit_code, Verdict.ALTERED in result.verdicts) == (1, True)


def test_a_log_that_no_digest_names_yet_may_not_be_changed_or_taken_away(tmp_path: Path) -> None:
    chain, folder = trail(6), tmp_path / "bundle"
    log, body = chain.log(chain.at + 10 * MINUTE)
    chain.aws.put(log, body, chain.at + 11 * MINUTE)
    assert exported(chain, folder).exit_code == check_bundle(folder).exit_code == 0
    path = folder / "objects" / BUCKET / log.key

    kept = path.read_bytes()
    path.write_bytes(EVIL)
    assert (check_bundle(folder).exit_code, Verdict.ALTERED in check_bundle(folder).verdicts) == (1, True)
    path.unlink()
    assert (check_bundle(folder).exit_code, Verdict.MISSING in check_bundle(folder).verdicts) == (1, True)
    path.write_bytes(kept)
    assert check_bundle(folder).exit_code == 0


REPLACED: dict[str, Callable[[Path], None]] = {
    "an empty folder": Path.mkdir,
    "a link out of the bundle": lambda path: path.symlink_to("/dev/null"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a pipe": os.mkfifo,
}


@pytest.mark.parametrize("by", REPLACED)
def test_a_log_that_no_digest_names_yet_may_not_be_replaced_by_what_cannot_be_read(
    by: str, bundle_with_a_young_log: tuple[Path, ObjectName]
) -> None:
    folder, log = bundle_with_a_young_log
    path = folder / "objects" / BUCKET / log.key
    path.unlink()
    REPLACED[by](path)

    result = check_bundle(folder)
    assert (result.exit_code, [problem.subject for problem in result.foreign]) == (3, [str(log)])


@pytest.mark.parametrize("change", ["another signature", "no signature", "one more", "gone", "no JSON", "put in"])
@pytest.mark.parametrize("hour", [5, -1])
def test_the_metadata_of_an_object_are_what_the_export_kept(hour: int, change: str, chain: Chain, folder: Path) -> None:
    """Though the digest after it may hold the signature as well, and prove the digest by it."""
    digest, log = chain.hours[hour].name, chain.hours[hour].logs[0]
    path = folder / "metadata" / BUCKET / f"{(log if change == 'put in' else digest).key}.json"
    fields = json.loads(path.read_text()) if path.exists() else {}
    more = {"another signature": {"signature": "00" * 256}, "one more": {"backfill-generation-timestamp": "x"}}
    if change == "gone":
        path.unlink()
    elif change == "no JSON":
        path.write_text("[" * 10_000)
    else:
        left = {} if change == "no signature" else fields
        put(path, json.dumps(left | more.get(change, {})).encode())

    result = check_bundle(folder)
    assert (result.exit_code, Verdict.ALTERED in result.verdicts) == (1, True)


@pytest.mark.parametrize("change", ["overwritten", "deleted"])
def test_what_an_export_could_not_prove_may_not_be_changed_or_taken_away_either(
    change: str, chain: Chain, tmp_path: Path
) -> None:
    hour = chain.hours[5]
    chain.aws.denied.add(str(hour.name))
    assert exported(chain, tmp_path / "bundle").exit_code == check_bundle(tmp_path / "bundle").exit_code == 3
    path = tmp_path / "bundle" / "objects" / BUCKET / hour.logs[0].key
    path.unlink()
    if change == "overwritten":
        path.write_bytes(EVIL)

    verdict = Verdict.ALTERED if change == "overwritten" else Verdict.MISSING
    result = check_bundle(tmp_path / "bundle")
    assert (result.exit_code, verdict in result.verdicts) == (1, True)


def test_what_was_kept_before_an_export_came_upon_what_it_could_not_list_may_not_be_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, folder = trail(36), tmp_path / "bundle"
    oldest_day, _, _ = chain.hours[0].name.key.rpartition("/")

    class RefusesOldestDay(MemoryStore):
        def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
            if prefix.startswith(oldest_day):
                raise AccessDenied("s3:ListBucket", "not that day")
            return super().objects(bucket, prefix)

    monkeypatch.setattr("tests.verify.integrity.test_copies.MemoryStore", RefusesOldestDay)
    assert exported(chain, folder).exit_code == check_bundle(folder).exit_code == 3
    (folder / "objects" / BUCKET / chain.hours[30].logs[0].key).unlink()

    result = check_bundle(folder)
    assert (result.exit_code, Verdict.MISSING in result.verdicts) == (1, True)


def test_what_only_a_claim_says_was_kept_is_not_due_for_nobody(chain: Chain, folder: Path) -> None:
    """Whoever writes the manifest can list what he planted."""
    moment = chain.at + 10 * MINUTE
    for key in (chain.log(moment)[0].key, f"evil/{chain.hours[5].logs[0].key}", "evil/x.json.gz"):
        name = ObjectName(BUCKET, key)
        claim(folder, name, KeptObject(sha256(EVIL).hexdigest(), len(EVIL), moment))
    only = {"keys": None, "trust_keys": (chain.aws.keys[HOME][0].fingerprint,), "account": ACCOUNT, "region": HOME}

    result = check_bundle(folder, **only)
    assert result.exit_code == 3
    assert sum(problem.verdict is Verdict.UNPROVEN for problem in result.foreign) == 2
    assert result.chains[0].tally.logs[Verdict.NOT_DUE] == 0


def claim(folder: Path, name: ObjectName, kept: KeptObject) -> None:
    put(folder / "objects" / name.bucket / name.key)
    with (folder / KEPT).open("a") as lines:
        lines.write(kept.line(name))
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["keptSha256"] = sha256((folder / KEPT).read_bytes()).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize("shift", [-7 * HOUR, -2 * MINUTE / 60, 9 * 24 * HOUR, None])
def test_the_times_of_a_bundles_files_say_nothing(shift: timedelta | None, chain: Chain, folder: Path) -> None:
    """A zip, another time zone or a version control gives files other times."""
    for path in (folder / "objects").rglob("*.gz"):
        at = chain.aws.objects[ObjectName(BUCKET, str(path.relative_to(folder / "objects" / BUCKET)))].last_modified
        moment = (at + shift).timestamp() if shift is not None else 0
        os.utime(path, (moment, moment))

    assert check_bundle(folder).exit_code == 0


def test_a_file_time_does_not_make_up_for_the_newest_digest(chain: Chain, folder: Path) -> None:
    newest, before = chain.hours[-1], chain.hours[-2]
    for name in (newest.name, *newest.logs):
        (folder / "objects" / BUCKET / name.key).unlink()
    latest = chain.aws.status[HOME]["LatestDigestDeliveryTime"].timestamp()
    os.utime(folder / "objects" / BUCKET / before.name.key, (latest, latest))

    result = check_bundle(folder)
    assert (result.exit_code, Verdict.MISSING in result.verdicts) == (1, True)


def test_what_an_earlier_export_kept_and_a_resumed_one_did_not_look_at_is_taken_away(
    chain: Chain, folder: Path
) -> None:
    """The period of '--since' moves on between the two."""
    (folder / MANIFEST).unlink()
    later = f"{chain.hours[7].start:%Y-%m-%dT%H:%M:%SZ}"

    assert exported(chain, folder, start=later).exit_code == check_bundle(folder).exit_code == 0
    assert not (folder / "objects" / BUCKET / chain.hours[2].logs[0].key).exists()
    assert (folder / "objects" / BUCKET / chain.hours[9].logs[0].key).exists()


def test_a_bundle_may_be_moved_with_its_empty_folders_and_a_desktops_files(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "bundle"
    shutil.copytree(folder, moved)
    (moved / "objects" / "a" / "b").mkdir(parents=True)
    (moved / "README.txt").write_text("beside the objects lies what is no evidence")
    (moved / "objects" / BUCKET / ".DS_Store").write_bytes(b"x")

    assert check_bundle(moved).exit_code == 0


# ---- what the export said ------------------------------------------------------------------------------------------


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def asked_with_awss_keys(chain: Chain, tmp_path: Path) -> dict[str, Any]:
    """The manifest is a claim; keys, account, region and times are the asker's own."""
    times = {"start": since(chain), "end": f"{chain.hours[-1].end:%Y-%m-%dT%H:%M:%SZ}"}
    return {"keys": save_keys(chain, tmp_path / "aws.json"), "account": ACCOUNT, "region": HOME, **times}


@pytest.mark.parametrize("first", [4, 8])
def test_hours_that_a_manifest_leaves_out_are_not_proven(
    first: int, chain: Chain, folder: Path, tmp_path: Path
) -> None:
    asked = asked_with_awss_keys(chain, tmp_path)
    assert check_bundle(folder, **asked).exit_code == 0
    left_out = chain.hours[first : first + 4]
    start, end = left_out[0].start.isoformat(), left_out[-1].end.isoformat()

    def split(manifest: dict[str, Any]) -> None:
        (found,) = [entry for entry in manifest["found"] if entry["verdict"] == "proven"]
        rest = [entry for entry in manifest["found"] if entry["verdict"] != "proven"]
        after = [{**found, "start": end}] if end < found["end"] else []
        manifest["found"] = [{**found, "end": start}, *after, *(rest if after else [])]

    rewrite(folder, split)
    result = check_bundle(folder, **asked)
    assert result.exit_code == 3
    for hour in left_out:
        (row,) = [row for row in result.rows if row.start <= hour.start and hour.end <= row.end]
        assert row.verdict is Verdict.UNPROVEN


def test_a_manifest_makes_no_other_accounts_trail_of_the_same_name_the_trails_own(tmp_path: Path) -> None:
    """What lies below another account's own folder is that account's trail's, whatever the manifest claims."""
    chain, folder = trail(12), tmp_path / "bundle"
    known = dict(chain.aws.status)
    Chain(chain.aws, account=MEMBER, number=1000).run(12)
    chain.aws.status = known
    exported(chain, folder)
    asked = asked_with_awss_keys(chain, tmp_path)
    assert check_bundle(folder, **asked).exit_code == 0

    def claim(manifest: dict[str, Any]) -> None:
        manifest["accountRegions"] = [entry | {"account": MEMBER} for entry in manifest["accountRegions"]]
        manifest["found"] += [entry | {"account": MEMBER} for entry in manifest["found"]]

    rewrite(folder, claim)
    result = check_bundle(folder, **asked | {"account": MEMBER})
    assert (result.exit_code, Verdict.PROVEN in result.verdicts) == (3, False)


def test_what_is_asked_beyond_the_exports_period_is_not_proven(chain: Chain, folder: Path) -> None:
    """It was not looked at; that the bundle lacks it is no sign of tampering either."""
    begin = chain.hours[0].start
    result = check_bundle(folder, start=f"{begin - 7 * 24 * HOUR:%Y-%m-%d}")
    assert (result.exit_code, result.rows[0].verdict, result.rows[0].end) == (3, Verdict.UNPROVEN, begin)
    with pytest.raises(UsageError, match="looked at the time from"):
        check_bundle(folder, start=f"{begin - 48 * HOUR:%Y-%m-%d}", end=f"{begin - 48 * HOUR:%Y-%m-%d}")


@pytest.mark.parametrize("is_claimed", [True, False])
def test_an_end_after_the_moment_at_which_the_bundle_was_made_is_not_moved_there(
    is_claimed: bool,  # noqa: FBT001
    chain: Chain,
    folder: Path,
    tmp_path: Path,
) -> None:
    """Whoever writes the manifest could otherwise have the last hours left out of what was asked for."""
    asked: dict[str, Any] = {"start": since(chain), "end": f"{chain.at + 5 * HOUR:%Y-%m-%dT%H:%M:%SZ}"}
    if is_claimed:
        asked = asked_with_awss_keys(chain, tmp_path)
        made = chain.hours[6].end.isoformat()
        for hour in chain.hours[7:]:
            forget(folder, hour.name, *hour.logs)

        def earlier(manifest: dict[str, Any]) -> None:
            manifest["madeAt"] = manifest["period"]["end"] = made
            manifest["found"] = [{**manifest["found"][0], "end": made}]

        rewrite(folder, earlier)

    result = check_bundle(folder, **asked)
    last = result.rows[-1]
    assert (result.exit_code, last.verdict) == (3, Verdict.UNPROVEN)
    assert f"{last.end:%Y-%m-%dT%H:%M:%SZ}" == asked["end"]


def forget(folder: Path, *names: ObjectName) -> None:
    lines = (folder / KEPT).read_text().splitlines(keepends=True)
    gone = {(name.bucket, name.key) for name in names}
    (folder / KEPT).write_text("".join(line for line in lines if tuple(json.loads(line)[:2]) not in gone))
    for name in names:
        (folder / "objects" / name.bucket / name.key).unlink()
    rewrite(folder, lambda manifest: manifest.update(keptSha256=sha256((folder / KEPT).read_bytes()).hexdigest()))


@pytest.mark.parametrize(("first", "last"), [(2, 8), (0, 5), (6, 11)])
def test_a_part_of_a_bundles_period_is_judged_by_itself(first: int, last: int, chain: Chain, folder: Path) -> None:
    start, end = chain.hours[first].start, chain.hours[last].end
    result = check_bundle(folder, start=f"{start:%Y-%m-%dT%H:%M:%SZ}", end=f"{end:%Y-%m-%dT%H:%M:%SZ}")

    assert result.exit_code == 0
    assert (result.rows[0].start, result.rows[-1].end) == (start, end)


# ---- what is asked of it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trail_asked",
    ["no-such-trail", TRAIL_ARN.replace("my-trail", "other"), TRAIL_ARN.replace(HOME, "eu-west-1"),
     TRAIL_ARN.replace(ACCOUNT, "999999999999")],
)  # fmt: skip
def test_a_bundle_of_another_trail_than_the_one_that_was_asked_for_is_refused(trail_asked: str, folder: Path) -> None:
    with pytest.raises(UsageError, match="the bundle is of the trail"):
        check_bundle(folder, trail=trail_asked)
    assert check_bundle(folder, trail=TRAIL).exit_code == check_bundle(folder, trail=TRAIL_ARN).exit_code == 0


def test_a_manifest_that_names_another_trail_under_the_arn_that_is_asked_for_is_refused(
    chain: Chain, folder: Path, tmp_path: Path
) -> None:
    rewrite(folder, lambda manifest: manifest["trail"].update(name="other-trail"))

    with pytest.raises(UsageError, match="the bundle is of the trail"):
        check_bundle(folder, trail=TRAIL_ARN, **asked_with_awss_keys(chain, tmp_path))


@pytest.mark.parametrize("options", [{"bucket": "no-such-bucket"}, {"prefix": "nowhere"}])
@pytest.mark.parametrize("source", ["a bundle", "a copy"])
def test_a_bucket_and_a_prefix_are_not_asked_of_a_folder(options: dict[str, Any], source: str, folder: Path) -> None:
    path = folder / MANIFEST if source == "a bundle" else folder
    with pytest.raises(UsageError, match="is for a bucket"):
        check_options(IntegrityOptions(source=str(path), **options))


# ---- files made to break readers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"{}", b"", None], ids=["another", "empty", "of 300 GB"])
def test_a_report_that_was_overwritten_is_altered(body: bytes | None, folder: Path) -> None:
    """People read it, and believe it."""
    (folder / "report.json").write_bytes(body or b"")
    if body is None:
        os.truncate(folder / "report.json", 300 * 2**30)

    result = check_bundle(folder)
    assert (result.exit_code, [one.subject for one in result.foreign]) == (1, [str(folder / "report.json")])
    (folder / "report.json").unlink()
    assert check_bundle(folder).exit_code == 0


@pytest.mark.parametrize("value", [[], {}, "", 0, False, [1]])
def test_a_manifest_whose_settings_of_today_are_none_is_refused(value: object, folder: Path) -> None:
    rewrite(folder, lambda manifest: manifest["configuration"].update(today=value))

    with pytest.raises(UsageError, match="it is damaged"):
        check_bundle(folder, keys=None)


def test_a_manifest_with_half_a_character_is_refused(folder: Path) -> None:
    rewrite(folder, lambda manifest: manifest["accountRegions"][0]["locations"][0].update(prefix="\ud800"))

    with pytest.raises(UsageError, match="it is damaged"):
        check_bundle(folder, keys=None)


@pytest.mark.parametrize("name", [MANIFEST, KEPT])
def test_files_of_300_gb_are_not_read(name: str, folder: Path) -> None:
    os.truncate(folder / name, 300 * 2**30)

    with pytest.raises(UsageError):
        check_bundle(folder, keys=None)


@pytest.mark.parametrize("name", [f"objects/{BUCKET}/%renamed/x", "objects/x"])
def test_a_pipe_among_the_objects_is_foreign_and_not_waited_for(name: str, folder: Path) -> None:
    for path in (folder / name, folder / "names" / "x"):
        path.parent.mkdir(exist_ok=True)
        os.mkfifo(path)

    assert check_bundle(folder).exit_code == 1


@pytest.mark.parametrize("kept", ["twice", "no line", "no file"])
def test_what_an_export_kept_is_refused_where_it_is_not_as_an_export_says_it(kept: str, folder: Path) -> None:
    lines = (folder / KEPT).read_bytes().splitlines(keepends=True)
    (folder / KEPT).write_bytes(b"".join([*lines, lines[0]] if kept == "twice" else [*lines, b"[1]\n"]))
    rewrite(folder, lambda manifest: manifest.update(keptSha256=sha256((folder / KEPT).read_bytes()).hexdigest()))
    if kept == "no file":
        (folder / KEPT).unlink()

    with pytest.raises(UsageError):
        check_bundle(folder, keys=None)


def test_a_list_of_what_was_kept_that_is_gone_is_named(folder: Path) -> None:
    (folder / KEPT).unlink()

    with pytest.raises(UsageError, match=rf"{KEPT} cannot be used: there is no such file"):
        check_bundle(folder)


def test_a_list_of_what_was_kept_that_was_changed_is_refused(folder: Path) -> None:
    lines = (folder / KEPT).read_bytes().splitlines(keepends=True)
    (folder / KEPT).write_bytes(b"".join(lines[1:]))

    with pytest.raises(UsageError, match="was changed after it was exported"):
        check_bundle(folder)
