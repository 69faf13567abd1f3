"""The store: the same answer as from the files, and never that of before once a file is another one."""

from __future__ import annotations

import gzip
import json
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.tiers import mostly_slow
from tests.verify.simulation.scenarios import trail
from tests.verify.simulation.trail import Chain
from verify.cli import main
from verify.logs import query, reading, store
from verify.logs.places import Asked, find_files
from verify.storage.objects import ObjectName
from verify.storage.s3 import S3ObjectStore
from verify.times import iso

pytestmark = pytest.mark.regular

Capture = pytest.CaptureFixture[str]
SQL = "SELECT * EXCLUDE (file) FROM events ORDER BY eventName, position, rest"


@pytest.fixture
def chain() -> Chain:
    return trail(6)


@pytest.fixture
def copy(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("verify.cli.logs.now", lambda: chain.at + timedelta(minutes=30))
    chain.aws.save(tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read, not taken from the store."""
    names: list[str] = []
    original = reading.read_files

    def noting(place: Any, files: Any, decoder: Any, **options: Any) -> Any:
        names.extend(file.name.key for file in files)
        return original(place, files, decoder, **options)

    monkeypatch.setattr("verify.logs.query.read_files", noting)
    return names


def ask(copy: Path, capsys: Capture, *options: str, sql: str = SQL) -> tuple[int, str]:
    code = main(["logs", "query", sql, "--in", str(copy), "--format", "csv", *options])
    return code, capsys.readouterr().out


def rewrite(path: Path, *records: dict[str, Any]) -> None:
    path.write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))


def test_the_second_answer_is_the_first_and_reads_no_log_file(
    copy: Path, tmp_path: Path, read: list[str], capsys: Capture
) -> None:
    cache = ("--cache-dir", str(tmp_path / "cache"))
    plain = ask(copy, capsys)
    first = ask(copy, capsys, *cache)
    read.clear()

    assert plain == first == ask(copy, capsys, *cache)
    assert (plain[0], read) == (0, [])
    assert (
        ask(copy, capsys, *cache, sql="SELECT count(*), count(DISTINCT file) FROM events")[1].splitlines()[1] == "12,12"
    )
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def test_a_column_that_some_parts_have_nothing_of_is_whole(tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "copy/AWSLogs/111122223333/CloudTrail/eu-central-1"
    for day, more in (("01", {"errorCode": "X"}), ("02", {"errorMessage": "y", "readOnly": True}), ("03", {})):
        path = folder / f"2026/01/{day}/111122223333_CloudTrail_eu-central-1_202601{day}T0000Z_abcdefghijklmnop.json.gz"
        path.parent.mkdir(parents=True)
        rewrite(path, *({"eventName": str(number), **more} for number in range(3)))
    cache = ("--cache-dir", str(tmp_path / "cache"))
    everything = "SELECT * FROM events ORDER BY file, position"

    plain = ask(tmp_path / "copy", capsys, sql=everything)

    assert [ask(tmp_path / "copy", capsys, *cache, sql=everything) for _ in range(2)] == [plain] * 2
    assert [plain[1].count(text) for text in (",X,", ",y,", ",true,", "/01/02/111122223333_")] == [3, 3, 3, 3]


def test_a_file_that_is_another_one_is_read_anew(copy: Path, chain: Chain, tmp_path: Path, capsys: Capture) -> None:
    cache = ("--cache-dir", str(tmp_path / "cache"))
    ask(copy, capsys, *cache)
    path = copy / chain.hours[2].logs[0].key
    before = path.stat()
    rewrite(path, {"eventName": "Changed", "number": 5})
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if it had not been written

    assert "Changed" in ask(copy, capsys, *cache)[1]
    assert "Changed" in ask(copy, capsys, *cache)[1]


def test_what_was_read_is_not_kept_as_what_was_listed(
    serve_chain: Callable[[Chain], Chain], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    chain = serve_chain(trail(3))
    monkeypatch.setattr("verify.cli.logs.now", lambda: chain.at + timedelta(minutes=30))
    name = chain.hours[1].logs[0]
    listed = chain.aws.objects[name]
    other = gzip.compress(json.dumps({"Records": [{"eventName": "Other"}]}).encode())
    read_each = S3ObjectStore.read_each

    def of_another_moment(self: S3ObjectStore, names: Sequence[ObjectName], sink: Callable[[ObjectName], Any]) -> Any:
        chain.aws.objects[name] = replace(listed, body=other)  # after it was listed
        try:
            return read_each(self, names, sink)
        finally:
            chain.aws.objects[name] = listed

    def names() -> set[str]:
        period = ("--start", iso(chain.hours[0].start), "--end", iso(chain.hours[-1].end))
        store = ("--cache-dir", str(tmp_path / "cache"))
        assert main(["logs", "query", "SELECT eventName FROM events", "--format", "csv", *period, *store]) == 0
        return set(capsys.readouterr().out.split())

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(S3ObjectStore, "read_each", of_another_moment)
        assert "Other" in names()
    assert "Other" not in names()


def test_a_file_that_is_gone_is_in_no_answer(copy: Path, chain: Chain, tmp_path: Path, capsys: Capture) -> None:
    cache = ("--cache-dir", str(tmp_path / "cache"))
    sql = "SELECT count(*) FROM events"
    assert ask(copy, capsys, *cache, sql=sql)[1].split()[-1] == "12"

    (copy / chain.hours[2].logs[0].key).unlink()

    code, out = ask(copy, capsys, *cache, sql=sql)
    assert (code, out.split()[-1]) == (3, "11")


@pytest.mark.slow
def test_only_what_is_new_is_read(copy: Path, chain: Chain, tmp_path: Path, read: list[str], capsys: Capture) -> None:
    cache = ("--cache-dir", str(tmp_path / "cache"))
    sql = "SELECT count(*) FROM events"
    ask(copy, capsys, *cache, sql=sql)
    read.clear()
    name, _ = chain.log(chain.at + timedelta(minutes=1), {"eventName": "New"})
    chain.aws.save(copy)
    for hour in chain.hours:  # saving wrote them again
        for log in hour.logs:
            assert (copy / log.key).is_file()

    assert ask(copy, capsys, *cache, sql=sql)[1].split()[-1] == "13"
    assert name.key in read


@pytest.mark.slow
def test_what_could_not_be_read_is_no_part_of_it(
    copy: Path, chain: Chain, tmp_path: Path, read: list[str], capsys: Capture
) -> None:
    cache = ("--cache-dir", str(tmp_path / "cache"))
    broken = copy / chain.hours[2].logs[0].key
    broken.write_bytes(b"broken")
    assert ask(copy, capsys, *cache)[0] == 3
    read.clear()

    assert ask(copy, capsys, *cache)[0] == 3
    assert read == [chain.hours[2].logs[0].key]


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["manifest", "parquet", "leftovers", "format", "empty"])
def test_a_damaged_store_is_made_anew(harm: str, copy: Path, tmp_path: Path, read: list[str], capsys: Capture) -> None:
    cache = tmp_path / "cache"
    first = ask(copy, capsys, "--cache-dir", str(cache))
    (manifest,) = cache.rglob("manifest.json")
    if harm == "manifest":
        manifest.write_text("{")
    elif harm == "format":
        before = f'"format": {json.loads(manifest.read_text())["format"]}'
        manifest.write_text(manifest.read_text().replace(before, '"format": 1'))
    elif harm == "empty":  # of a column that has values, it says that it has none
        manifest.write_text(manifest.read_text().replace('"empty": [', '"empty": ["eventName", '))
    elif harm == "parquet":
        next(cache.rglob("*.parquet")).write_bytes(b"PAR1")
    else:
        (manifest.parent / ".half.parquet").write_bytes(b"PAR1")
    read.clear()

    assert ask(copy, capsys, "--cache-dir", str(cache)) == first
    assert bool(read) is (harm != "leftovers")


@pytest.mark.parametrize("harm", mostly_slow(["one bit", "nothing but zeros"], 2))
def test_a_part_that_is_damaged_and_as_long_as_before_is_read_anew(
    harm: str, copy: Path, tmp_path: Path, read: list[str], capsys: Capture
) -> None:
    cache = tmp_path / "cache"
    first = ask(copy, capsys, "--cache-dir", str(cache))
    part = next(cache.rglob("*.parquet"))
    content = bytearray(part.read_bytes())
    if harm == "one bit":
        # Of a value, where no reader of Parquet would see it.
        content[content.index(b"ListBuckets" if b"ListBuckets" in content else b"Call") + 1] ^= 1
    else:
        content = bytearray(len(content))  # as a machine leaves it that lost its power
    part.write_bytes(content)
    read.clear()

    assert ask(copy, capsys, "--cache-dir", str(cache)) == first
    assert len(read) == 12


def test_of_a_day_in_the_store_an_hour_is_asked_without_reading(
    copy: Path, chain: Chain, tmp_path: Path, read: list[str], capsys: Capture
) -> None:
    cache = ("--cache-dir", str(tmp_path / "cache"))
    ask(copy, capsys, *cache)
    read.clear()
    hour = ("--start", iso(chain.hours[2].start), "--end", iso(chain.hours[2].end))

    assert ask(copy, capsys, *hour, *cache) == ask(copy, capsys, *hour, *cache)
    assert read == []
    stored, plain = (ask(copy, capsys, *hour, *each, sql="SELECT count(*) FROM files") for each in (cache, ()))
    assert stored == plain
    assert 0 < int(plain[1].split()[-1]) < 12


@pytest.mark.slow
def test_a_manifest_cannot_name_what_lies_elsewhere(
    copy: Path, tmp_path: Path, read: list[str], capsys: Capture
) -> None:
    cache = tmp_path / "cache"
    first = ask(copy, capsys, "--cache-dir", str(cache))
    (manifest,) = cache.rglob("manifest.json")
    said = json.loads(manifest.read_text())
    said["parts"][0]["name"] = "../../../../../other.parquet"
    manifest.write_text(json.dumps(said))
    read.clear()

    assert ask(copy, capsys, "--cache-dir", str(cache)) == first
    assert len(read) == 12


@pytest.mark.slow
def test_two_at_once_give_the_same_answer(copy: Path, tmp_path: Path) -> None:
    asked = Asked(places=(str(copy),))

    def count(_: int) -> list[tuple[Any, ...]]:
        place = find_files(asked, datetime.now(UTC), lambda: pytest.fail("no AWS"))
        made = store.Store(tmp_path / "cache", "x", 10**9)
        with query.answer("SELECT count(*) FROM events", lambda: place, store_of=lambda _: made) as found:
            return list(found.rows)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(count, range(8))) == [[(12,)]] * 8


def test_another_process_may_make_the_same_store_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    iterdir = Path.iterdir

    def after_another(folder: Path) -> Iterator[Path]:
        monkeypatch.undo()
        store.Store(folder, "another", 10**9)
        (folder / "something").mkdir()
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", after_another)

    store.Store(tmp_path / "cache", "x", 10**9)


def test_what_another_process_removes_meanwhile_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = store.Store(tmp_path, "somewhere", 1)
    partitions = [tmp_path / "root" / "111122223333" / "eu-central-1" / day for day in ("2026-01-01", "2026-01-02")]
    for each in partitions:
        each.mkdir(parents=True)
        (each / "manifest.json").write_text("{}")
    original = Path.iterdir

    def with_a_file_that_is_gone(folder: Path) -> Iterator[Path]:
        if folder == partitions[0]:
            (folder / "manifest.json").unlink()
            folder.rmdir()
        yield folder / ".moved.json"
        yield from original(folder)

    monkeypatch.setattr(Path, "iterdir", with_a_file_that_is_gone)
    made.tidy_up([])

    assert not any(each.exists() for each in partitions)


@pytest.mark.slow
def test_the_store_stays_within_its_limit(copy: Path, tmp_path: Path, capsys: Capture) -> None:
    cache = tmp_path / "cache"
    ask(copy, capsys, "--cache-dir", str(cache))

    store.Store(cache, "other", 1).tidy_up([])

    assert list(cache.rglob("*.parquet")) == []
    assert ask(copy, capsys, "--cache-dir", str(cache))[0] == 0


def test_a_store_is_forgotten_and_nothing_else_is(copy: Path, tmp_path: Path, capsys: Capture) -> None:
    cache = tmp_path / "cache"
    ask(copy, capsys, "--cache-dir", str(cache))

    link = tmp_path / "link"
    link.symlink_to(cache)

    assert main(["logs", "forget", "--cache-dir", str(copy)]) == 2
    assert main(["logs", "forget", "--cache-dir", str(link)]) == 0

    assert copy.is_dir() and not cache.exists() and not link.is_symlink()


def test_a_folder_that_is_no_store_or_not_ones_own_is_refused(copy: Path, tmp_path: Path, capsys: Capture) -> None:
    assert ask(copy, capsys, "--cache-dir", str(copy))[0] == 2
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)

    assert ask(copy, capsys, "--cache-dir", str(shared))[0] == 2
    assert ask(copy, capsys, "--cache-dir", str(tmp_path / "new"), "--cache-limit", "5")[0] == 2


def test_of_a_condition_the_store_leaves_out_nothing_and_counts_everything(
    copy: Path, chain: Chain, tmp_path: Path, capsys: Capture
) -> None:
    sessions = [
        {
            "eventTime": iso(chain.hours[2].start + timedelta(minutes=number)),
            "eventName": "It's",
            "userIdentity": {"sessionContext": {"sessionIssuer": {"type": type_, "userName": name}}},
        }
        for number, (type_, name) in enumerate([("Role", "a"), ("Role", "b"), ("Root", "a"), ("Role", "a")])
    ]
    rewrite(copy / chain.hours[2].logs[0].key, *sessions)
    hours = ("--start", iso(chain.hours[1].start), "--end", iso(chain.hours[3].end))
    cache = ("--cache-dir", str(tmp_path / "cache"))
    sql = "SELECT eventTime, role FROM events WHERE role = 'a' AND eventName IN ('It''s', 'x') ORDER BY 1"

    def asked(*options: str) -> tuple[str, str]:
        main(["logs", "query", sql, "--in", str(copy), "--format", "csv", *hours, *options])
        return capsys.readouterr()

    plain = asked()
    assert len(plain[0].splitlines()) == 3
    assert [asked(*cache), asked(*cache)] == [plain] * 2
