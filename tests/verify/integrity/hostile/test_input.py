"""Files and folders made to break the verifier: a verdict or a sentence, never a traceback."""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import stat
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.tiers import mostly_slow
from tests.verify.integrity.test_copies import check_copy, exported, save_keys
from tests.verify.integrity.test_hostile import result_of
from tests.verify.simulation.api import Api, check_bucket, check_folder, since
from tests.verify.simulation.in_memory import MemoryStore
from tests.verify.simulation.scenarios import paused, trail
from tests.verify.simulation.trail import ACCOUNT, BUCKET, HOME, HOUR, START, Chain
from verify.cli import main
from verify.errors import UsageError
from verify.integrity.bundle import KEYS, MANIFEST, load_bundle
from verify.integrity.facts import load_keys
from verify.integrity.inventory import _MAX_FOLDERS_SEARCHED
from verify.integrity.state import load_state
from verify.integrity.timeline.verdict import Verdict
from verify.storage.objects import ObjectName

pytestmark = pytest.mark.regular

# What a terminal would obey, or show in another order than it is written in.
CONTROLS = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), *"\u200f\u202e\u2066\u2028"} - {"\n"}


# ---- digests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "generated",
    [
        "2026-11-01T09:00:00",
        "2026-11-01",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
        "",
        "never",
        "20261101T090000Z",
        "2026-11-01T09:00:00+25:00",
        "9" * 5000,
        "\x1b[31m",
    ],
)
def test_a_backfill_digest_with_any_time_of_generation_has_a_verdict(generated: str) -> None:
    """Nobody signed that time: it can neither break the run nor make a good digest a bad one."""
    chain = trail(8)
    backfill = chain.backfill(chain.hours[2])
    metadata = chain.aws.objects[backfill.name].metadata | {"backfill-generation-timestamp": generated}
    chain.aws.edit(backfill.name, metadata=metadata)

    assert result_of(chain).chains[0].tally.backfills == {Verdict.PROVEN: 1}


def replaced(chain: Chain, number: int, change: Callable[[dict[str, Any]], Any]) -> None:
    """Put something else into a digest; its signature does not hold any more."""
    name = chain.hours[number].name
    fields = json.loads(gzip.decompress(chain.aws.objects[name].body))
    changed = change(fields)
    text = json.dumps(fields if changed is None else changed).encode()
    chain.aws.edit(name, body=gzip.compress(text))


TIMES = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-01", "2026-13-01T00:00:00Z", "2026-11-01T00:00:00"]


@pytest.mark.parametrize("time_text", TIMES)
@pytest.mark.parametrize("field", ["digestStartTime", "digestEndTime"])
def test_a_time_that_is_none_of_cloudtrails_makes_a_digest_altered(field: str, time_text: str) -> None:
    chain = trail(6)
    replaced(chain, 2, lambda fields: fields.update({field: time_text}))

    assert result_of(chain).chains[0].tally.digests == {Verdict.PROVEN: 5, Verdict.ALTERED: 1}


@pytest.mark.parametrize("year", ["0000", "0001", "1969", "2012", "2099", "2201", "9999"])
@pytest.mark.parametrize("kind", ["CloudTrail", "CloudTrail-Digest"])
def test_a_file_of_another_age_is_foreign(kind: str, year: str) -> None:
    chain = trail(6)
    moment = "0404Z_0123456789abcdef" if kind == "CloudTrail" else "040131Z"
    middle = f"{HOME}_my-trail_{HOME}" if kind == "CloudTrail-Digest" else HOME
    file = f"{ACCOUNT}_{kind}_{middle}_{year}1101T{moment}.json.gz"
    name = ObjectName(BUCKET, f"AWSLogs/{ACCOUNT}/{kind}/{HOME}/{year}/11/01/{file}")
    chain.aws.put(name, chain.aws.objects[chain.hours[2].name].body, START)

    result = check_bucket(Api(chain.aws), chain.at + HOUR / 2, start=since(chain))
    assert (result.exit_code, Verdict.FOREIGN in result.verdicts) == (1, True)


def test_a_copy_that_is_checked_by_a_clock_that_is_behind_is_no_alarm(folder: Path) -> None:
    chain = trail(30)
    chain.aws.save(folder)
    keys = save_keys(chain, folder.parent / "keys.json")

    result = check_folder(folder, chain.hours[3].end - timedelta(days=2), start="2026-10-28", keys=keys)
    assert result.exit_code == 3


NAMES = [
    "../../../../etc/passwd",
    "AWSLogs/../../etc/passwd",
    "/etc/passwd",
    "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/01/..",
    "AWSLogs/\x00",
    "AWSLogs/\x1b[2J\x1b]0;title\x07",
    "AWSLogs/\r\nHTTP/1.1 200 OK",
    "AWSLogs/\u202egz.nosj",
    "AWSLogs/\u2066x\u2069",
    "AWSLogs/\x9b31m",
    "AWSLogs/%2e%2e/%00",
    "x" * 1500,
    "AWSLogs/" + "d/" * 500,
]


@pytest.fixture
def listing_names() -> Chain:
    """A trail whose fourth digest, duly signed, lists logs of such names."""
    chain = trail(3)
    good = chain.log(chain.at + HOUR / 10)
    bad = [(ObjectName(BUCKET, name), b"x") for name in NAMES] + [(ObjectName("../..", "x"), b"x")]
    bad += [(ObjectName("b\x1b[31m", "x"), b"x")]
    chain.deliver(chain.at, chain.at + HOUR, [good, *bad])
    chain.at += HOUR
    chain.run(2)
    return chain


def test_a_signed_digest_with_a_name_that_no_object_can_have_is_altered() -> None:
    chain = trail(3)
    chain.deliver(chain.at, chain.at + HOUR, [(ObjectName(BUCKET, "AWSLogs/\ud800"), b"x")])
    chain.at += HOUR
    chain.run(2)

    assert result_of(chain).chains[0].tally.digests == {Verdict.PROVEN: 5, Verdict.ALTERED: 1}


def test_whatever_names_a_signed_digest_lists_nothing_is_read_outside(listing_names: Chain, tmp_path: Path) -> None:
    """CloudTrail would have to sign them: as if its key had leaked."""
    chain, folder = listing_names, tmp_path / "deep" / "copy"
    result = result_of(chain)
    assert result.chains[0].tally.logs == {Verdict.PROVEN: 11, Verdict.MISSING: len(NAMES) + 2}

    folder.mkdir(parents=True)
    chain.aws.objects = {
        name: stored for name, stored in chain.aws.objects.items() if name.key.isprintable() and len(name.key) < 400
    }
    chain.aws.save(folder)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_bytes(gzip.compress(b"x"))
    copied = check_copy(chain, folder)
    assert copied.chains[0].tally.logs[Verdict.PROVEN] <= 11
    assert copied.exit_code in (1, 3)


def test_whatever_names_a_digest_lists_the_terminal_gets_none_of_their_codes(
    listing_names: Chain, serve_chain: Callable[[Chain], Chain], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = serve_chain(listing_names)
    start = ["--start", since(chain)]

    assert main(["integrity", *start]) == 1
    said = capsys.readouterr()
    assert not CONTROLS.intersection(said.out + said.err)
    assert main(["integrity", *start, "--json"]) == 1
    json.loads(capsys.readouterr().out)
    before = {path for path in tmp_path.rglob("*") if "bundle" not in path.parts}
    assert main(["integrity", "export", *start, "--output", str(tmp_path / "a" / "bundle")]) == 1
    said = capsys.readouterr()
    assert not CONTROLS.intersection(said.out + said.err)
    assert {path for path in tmp_path.rglob("*") if "bundle" not in path.parts} - before == {tmp_path / "a"}


JSON_TEXTS = [
    b"[" * 10_000,
    b'{"a":' * 10_000,
    b'{"logFiles": ' + b"[" * 10_000,
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"),
    b'{"digestEndTime": NaN}',
    b'{"a": 1, "a": 2}',
    b'{"a": ' + b"1" * 10_000 + b"}",
    b'{"a": 1e999}',
    b'"\\ud800"',
    b'{"\\ud800": "\\udfff"}',
    b"\xed\xa0\x80",
    b"{} {}",
    b"",
]


@pytest.mark.parametrize("text", JSON_TEXTS, ids=range(len(JSON_TEXTS)))
def test_whatever_a_digest_holds_it_is_altered_and_the_rest_proven(text: bytes) -> None:
    chain = trail(6)
    chain.aws.edit(chain.hours[2].name, body=gzip.compress(text))

    assert result_of(chain).chains[0].tally.digests == {Verdict.PROVEN: 5, Verdict.ALTERED: 1}


def test_a_field_that_is_named_twice_makes_a_digest_altered() -> None:
    """Two readers may take different ones."""
    chain = trail(6)
    name = chain.hours[2].name
    text = gzip.decompress(chain.aws.objects[name].body)
    chain.aws.edit(name, body=gzip.compress(text[:-1] + b', "logFiles": []}'))

    assert result_of(chain).chains[0].tally.digests[Verdict.ALTERED] == 1


@pytest.mark.parametrize("text", JSON_TEXTS, ids=range(len(JSON_TEXTS)))
def test_a_signed_log_that_is_searched_for_calls_may_hold_anything(text: bytes) -> None:
    chain = trail(4)
    body = b"my-trail" + text
    name = chain.log(chain.at + HOUR / 10)[0]
    chain.aws.edit(name, body=gzip.compress(body))
    chain.deliver(chain.at, chain.at + HOUR, [(name, body)])
    chain.at += HOUR
    chain.previous = None
    chain.at += 4 * HOUR
    chain.run(2)

    # With an incomplete history, the logs around the gap are searched for calls.
    result = check_bucket(Api(chain.aws), chain.at + HOUR / 2, start=since(chain))
    assert result.exit_code in (1, 3)


# ---- the user's files ----------------------------------------------------------------------------------------------


FILES = [
    *JSON_TEXTS,
    b"null",
    b"[]",
    b'{"PublicKeyList": null}',
    b'{"PublicKeyList": [null]}',
    b'{"PublicKeyList": [{}]}',
]


@pytest.mark.parametrize("text", FILES, ids=range(len(FILES)))
def test_a_file_of_keys_that_is_none_is_refused_in_one_line(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(text)

    with pytest.raises(UsageError, match="--keys"):
        load_keys(str(path))


@pytest.mark.parametrize("text", FILES, ids=range(len(FILES)))
def test_a_manifest_that_is_none_is_refused_in_one_line(text: bytes, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(text)

    with pytest.raises(UsageError, match=MANIFEST):
        load_bundle(tmp_path / MANIFEST, None, ())


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    """A state file's content."""
    chain = trail(60)
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"state-{os.getpid()}.json"  # noqa: S108
    try:
        assert check_bucket(Api(chain.aws), chain.at + HOUR / 2, start=since(chain), state=path).exit_code == 0
        found: dict[str, Any] = json.loads(path.read_text())
    finally:
        path.unlink(missing_ok=True)
    return found


WRONG: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    "",
    "x",
    "0001-01-01T00:00:00Z",
    "9999-12-31T00:00:00",
    [],
    {},
    [None],
    [{}],
    "\ud800",
]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a value, with a name or a number of something in it."""
    if isinstance(value, dict | list):
        for at, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, at
            yield from places(inner)


def test_a_state_file_with_any_wrong_value_is_refused_or_harmless(state: dict[str, Any], tmp_path: Path) -> None:
    path, trail_arn, source = tmp_path / "state.json", state["trail"], state["source"]
    for container, at in list(places(state)):
        right = container[at]
        for wrong in WRONG:
            container[at] = wrong
            path.write_text(json.dumps(state))
            path.chmod(0o600)
            try:
                load_state(path, trail_arn, source)
            except UsageError as error:
                assert "--state" in str(error)
        container[at] = right


@pytest.mark.parametrize("text", FILES, ids=range(len(FILES)))
def test_a_state_file_that_is_none_is_refused_in_one_line(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(text)
    path.chmod(0o600)

    with pytest.raises(UsageError, match="--state"):
        load_state(path, "arn", "the bucket")


def test_the_state_file_is_the_users_alone(tmp_path: Path) -> None:
    chain, path = trail(60), tmp_path / "state.json"
    before = os.umask(0)
    try:
        check_bucket(Api(chain.aws), chain.at + HOUR / 2, start=since(chain), state=path)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o777])
def test_a_state_file_that_others_can_write_is_refused(mode: int, tmp_path: Path) -> None:
    chain, path = trail(60), tmp_path / "state.json"
    check_bucket(Api(chain.aws), chain.at + HOUR / 2, start=since(chain), state=path)
    path.chmod(mode)

    with pytest.raises(UsageError, match=f"can be written by others .mode {mode:o}"):
        check_bucket(Api(chain.aws), chain.at + HOUR / 2, start=since(chain), state=path)


# ---- folders -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "copy"
    path.mkdir()
    yield path
    subprocess.run(["rm", "-rf", str(path)], check=True)  # Python's own recurs


@pytest.mark.parametrize(
    ("where", "exit_code"),
    mostly_slow(
        [
            ("", 0),  # beside the trail's files, a copy may hold what its owner likes
            ("AWSLogs", 1),
            (f"AWSLogs/{ACCOUNT}", 1),
            (f"AWSLogs/{ACCOUNT}/CloudTrail-Digest", 1),
            (f"AWSLogs/{ACCOUNT}/CloudTrail/{HOME}/2026/11/01", 1),
        ],
        every=5,
    ),
)
def test_folders_1500_deep_are_walked(where: str, exit_code: int, folder: Path) -> None:
    chain = trail(6)
    chain.aws.save(folder)
    deep = str(folder / where)
    for _ in range(1500):
        deep += "/d"
        os.mkdir(deep)  # noqa: PTH102 - pathlib's own would recur
    Path(deep, "x.json.gz").write_bytes(b"x")

    assert check_copy(chain, folder).exit_code == exit_code


@pytest.mark.parametrize(
    "where", ["", "AWSLogs", f"AWSLogs/{ACCOUNT}", f"AWSLogs/{ACCOUNT}/CloudTrail/{HOME}/2026/11/01"]
)
def test_links_that_lead_in_circles_are_not_followed(where: str, folder: Path) -> None:
    chain = trail(6)
    chain.aws.save(folder)
    (folder / where / "up").symlink_to(folder)
    (folder / where / "self").symlink_to("self")
    (folder / where / "there").symlink_to("back")
    (folder / where / "back").symlink_to("there")

    assert check_copy(chain, folder).exit_code in (0 if not where else 1, 1)


def test_a_bundle_whose_folders_are_links_is_not_left(tmp_path: Path) -> None:
    chain, folder = paused(), tmp_path / "bundle"
    exported(chain, folder)
    kept = folder / "objects" / BUCKET
    kept.rename(tmp_path / "elsewhere")
    kept.symlink_to(tmp_path / "elsewhere")

    result = check_folder(folder / MANIFEST, chain.at + HOUR, keys=str(folder / KEYS))
    assert result.exit_code in (1, 3)


# ---- listings ------------------------------------------------------------------------------------------------------


class Counting(MemoryStore):
    """Counts what S3 would be asked for."""

    listings = 0

    def level(self, bucket: str, prefix: str) -> Any:
        self.listings += 1
        return super().level(bucket, prefix)

    def objects(self, bucket: str, prefix: str) -> Any:
        self.listings += 1
        return super().objects(bucket, prefix)


PARTS = [
    "AWSLogs",
    ACCOUNT,
    "o-exampleorg12",
    "CloudTrail",
    "CloudTrail-Digest",
    HOME,
    "mars-east-1",
    "2026",
    "11",
    "01",
]
PARTS += ["31", "", "d", "evil", "US-EAST-1", "999988887777", "é", "..", "CloudTrail-Insight", "Config", "\x1b"]


def assert_few_listings(seed: int, planted: int) -> None:
    generator = random.Random(seed)  # noqa: S311
    chain = trail(30)
    real = sorted(name.key.split("/") for name in chain.aws.objects)
    for number in range(planted):
        start = generator.choice(real)[: generator.randrange(9)]
        rest = [generator.choice(PARTS) for _ in range(generator.randrange(1, generator.choice([3, 6, 200])))]
        key = "/".join([*start, *rest, f"x{number}"])
        chain.aws.put(ObjectName(BUCKET, key[:1000]), b"x", START)
    store = Counting(chain.aws)

    result = check_bucket(Api(chain.aws), chain.at + HOUR / 2, store=store, start=since(chain))

    # Folders that a rule of the layout allows, or that lie above AWSLogs/, and the edges of the period once more.
    folders = {
        key[: at + 1] for name in chain.aws.objects for key in [name.key] for at, c in enumerate(key) if c == "/"
    }
    above = sum("AWSLogs/" not in folder for folder in folders)
    below = sum("AWSLogs/" in folder for folder in folders)
    assert store.listings <= min(above, _MAX_FOLDERS_SEARCHED) + below + 12, seed
    assert (result.exit_code, Verdict.FOREIGN in result.verdicts) == (1, True)


@pytest.mark.parametrize("seed", range(4))
def test_the_number_of_listings_is_bounded_whatever_folders_were_planted(seed: int) -> None:
    assert_few_listings(seed, planted=20)


@pytest.mark.slow
def test_the_number_of_listings_is_bounded_by_the_folders_of_many_hostile_trees() -> None:
    for seed in range(4, 60):
        assert_few_listings(seed, planted=80)


def test_a_tree_deep_below_another_folder_costs_no_more_than_its_limit() -> None:
    chain = trail(4)
    for number in range(_MAX_FOLDERS_SEARCHED + 500):
        chain.aws.put(ObjectName(BUCKET, f"evil/{number:05}/x"), b"x", START)
    store = Counting(chain.aws)

    result = check_bucket(Api(chain.aws), chain.at + HOUR / 2, store=store, start=since(chain))

    assert store.listings <= _MAX_FOLDERS_SEARCHED + 40
    assert "s3://trail-logs/evil/" in {problem.subject for problem in result.foreign}


# ---- generated -----------------------------------------------------------------------------------------------------


def mutated(body: bytes, generator: random.Random) -> bytes:
    """What an attacker may make of a file: other bytes, other lengths, other headers, other contents."""
    at = generator.randrange(len(body) or 1)
    noise = generator.randbytes(generator.randrange(1, 20))
    size = generator.choice([0, 1, 2**20, 2**25])
    ways = [
        lambda: body[:at] + noise + body[at:],
        lambda: body[:at],
        lambda: body + generator.choice([b"\0", gzip.compress(b"{}"), b"x" * 1000]),
        lambda: body[:3] + noise[:1] + body[4:],
        lambda: gzip.compress(bytes(size), compresslevel=1),
        lambda: gzip.compress(generator.choice(JSON_TEXTS)),
        lambda: with_another_value(body, generator),
        lambda: with_another_value(body, generator),
    ]
    return generator.choice(ways)()


def with_another_value(body: bytes, generator: random.Random) -> bytes:
    """A compressed JSON file with one of its values replaced."""
    try:
        fields = json.loads(gzip.decompress(body))
    except (OSError, ValueError, EOFError, RecursionError, zlib.error):
        return b""
    container, name = generator.choice(list(places(fields)))
    container[name] = generator.choice([*WRONG, *NAMES, 10**400])
    return gzip.compress(json.dumps(fields).encode())


def assert_a_verdict(seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311
    chain = trail(5)
    chain.backfill(chain.hours[1])
    before = dict(chain.aws.objects)
    for _ in range(generator.randrange(1, 4)):
        name = generator.choice(sorted(chain.aws.objects))
        stored = chain.aws.objects[name]
        metadata = stored.metadata
        if metadata and generator.random() < 0.3:
            metadata = metadata | {
                generator.choice(sorted(metadata)): generator.choice(["", "\x1b[31m", "x" * 9999, "é"])
            }
        chain.aws.edit(name, body=mutated(stored.body, generator), metadata=metadata)
        if generator.random() < 0.3:
            chain.aws.put(ObjectName(BUCKET, generator.choice(NAMES[4:11])), stored.body, START)
    began = time.process_time()

    result = result_of(chain)

    assert result.exit_code in (0, 1, 3), seed
    same = {name: gunzipped(stored.body) for name, stored in chain.aws.objects.items()}
    is_same = same == {name: gunzipped(stored.body) for name, stored in before.items()}
    assert result.exit_code or is_same, seed  # only what says the same may be proven
    assert time.process_time() - began < 20


def gunzipped(body: bytes) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, ValueError, zlib.error):
        return b"not gzip: " + body


def test_files_changed_in_any_way_have_a_verdict() -> None:
    for seed in range(12):
        assert_a_verdict(seed)


@pytest.mark.slow
def test_files_changed_in_a_thousand_ways_have_a_verdict_in_bounded_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(12, 1000):
        assert_a_verdict(seed)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 * 1024


@pytest.mark.parametrize("kept", [timedelta(hours=1), timedelta(hours=3)])
def test_a_copy_of_part_of_a_day_has_keys_of_its_own_name_only(kept: timedelta, folder: Path) -> None:
    chain = trail(8)
    for hour in chain.hours:
        if hour.end > chain.at - kept:
            chain.aws.delete(hour.name)
    chain.aws.save(folder)
    keys = save_keys(chain, folder.parent / "keys.json")

    assert check_folder(folder, chain.at + HOUR, start=since(chain), keys=keys).exit_code == 3


# ---- what lies in a copy, under whatever name ----------------------------------------------------------------------


def _as_code(log: str) -> str:
    return log.replace("json.gz", "json%2Egz")


def _in_coded_folder(log: str) -> str:
    return log.replace("/CloudTrail/", "/CloudTrai%6C/")


def _in_litter(log: str) -> str:
    return f"{log.rpartition('/')[0]}/Thumbs.db/{log.rpartition('/')[2]}"


def _in_litter_account(log: str) -> str:
    return f"AWSLogs/desktop.ini/{log.removeprefix('AWSLogs/')}"


@pytest.mark.parametrize("name", [_as_code, _in_coded_folder, _in_litter, _in_litter_account])
def test_a_file_in_a_copy_is_seen_whatever_it_is_named_like(name: Callable[[str], str], tmp_path: Path) -> None:
    """A percent sign is one; a folder that is named as a desktop's file is a folder."""
    chain, folder = trail(30), tmp_path / "copy"
    folder.mkdir()
    chain.aws.save(folder)
    planted = folder / name(chain.hours[5].logs[0].key)
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_bytes(gzip.compress(b'{"Records": [{"eventName": "Planted"}]}'))

    assert check_copy(chain, folder).exit_code == 1


def test_what_lies_behind_too_many_folders_of_a_copy_is_not_passed_over(tmp_path: Path) -> None:
    chain, folder = trail(30), tmp_path / "copy"
    folder.mkdir()
    chain.aws.save(folder)
    planted = folder / "zz" / chain.hours[5].logs[0].key.replace("us-east-1/2026", "us-east-1/2025")
    planted.parent.mkdir(parents=True)
    planted.write_bytes(b"x")
    for number in range(_MAX_FOLDERS_SEARCHED):
        (folder / f"B{number:04}").mkdir()

    result = check_copy(chain, folder)
    assert (result.exit_code, result.foreign[-1].verdict) == (3, Verdict.UNPROVEN)
    assert "too many folders" in result.foreign[-1].reason


@pytest.mark.parametrize("top", ["", "AWSLogs", "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/01"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_name_that_is_no_text_is_no_traceback(
    top: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain, folder = trail(30), tmp_path / "copy"
    folder.mkdir()
    chain.aws.save(folder)
    path = os.fsencode(str(folder / top)) + b"/\xff\xfe"
    if kind == "folder":
        os.mkdir(path)  # noqa: PTH102 - the name is bytes
        path += b"/x"
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"x")
    asked = ["--source", str(folder), "--keys", save_keys(chain, tmp_path / "keys.json"), "--regions", HOME]
    asked += ["--account", ACCOUNT, "--start", since(chain), "--end", f"{chain.hours[-2].end:%Y-%m-%dT%H:%M:%SZ}"]

    for more in ([], ["--json"]):
        assert main(["integrity", *asked, *more]) == (1 if top else 0)
        capsys.readouterr().out.encode()


@pytest.mark.parametrize("moment", [-(2**38), 2**38, 2**45])
def test_a_file_time_beyond_the_calendar_is_no_traceback(moment: int) -> None:
    """Not every file system can hold one; the one in memory can."""
    in_memory = Path("/dev/shm")  # noqa: S108
    if not in_memory.is_dir():
        pytest.skip("there is no file system in memory")
    with tempfile.TemporaryDirectory(dir=in_memory) as top:
        chain, folder = trail(8), Path(top) / "copy"
        folder.mkdir()
        chain.aws.save(folder)
        os.utime(folder / chain.hours[5].logs[0].key, (moment, moment))

        assert check_copy(chain, folder).exit_code == 0
