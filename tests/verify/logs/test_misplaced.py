"""Files of a copy that lie where CloudTrail puts none: one that looks like a log file is not passed over in silence."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.verify.simulation.scenarios import trail
from tests.verify.simulation.trail import Chain
from verify.cli import main
from verify.errors import CannotLook
from verify.logs import misplaced
from verify.logs.places import Asked, find_files
from verify.storage.folder import FolderObjectStore
from verify.storage.objects import ObjectName
from verify.times import iso

pytestmark = pytest.mark.regular

Capture = pytest.CaptureFixture[str]
LOG = gzip.compress(json.dumps({"Records": [{"eventVersion": "1.11", "eventName": "Hidden"}]}).encode())
NAME = "{account}_CloudTrail_{region}_{time}_abcdefghijklmnop.json.gz"


@pytest.fixture
def chain() -> Chain:
    return trail(3)


@pytest.fixture
def copy(chain: Chain, tmp_path: Path) -> Path:
    chain.aws.save(tmp_path / "copy")
    return tmp_path / "copy"


def put(path: Path, content: bytes = LOG) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def said_of(copy: Path, chain: Chain, **asked: Any) -> tuple[str, str]:
    """Why an answer may lack events, and what is told besides."""
    now = chain.at + timedelta(minutes=30)
    place = find_files(Asked(places=(str(copy),), **asked), now, lambda: pytest.fail("no AWS"))
    return "\n".join(place.holes), "\n".join(place.notices)


def name_of(chain: Chain, *, account: str = "", region: str = "", later: timedelta = timedelta(hours=1)) -> str:
    at = chain.hours[0].start + later
    return NAME.format(account=account or chain.account, region=region or chain.region, time=f"{at:%Y%m%dT%H%MZ}")


@pytest.mark.parametrize(
    "place",
    [
        "x.json.gz",
        "x",
        "backup/old/x.json.gz",
        "AWSLogs/x.json.gz",
        "AWSLogs/no-account/x.json.gz",
        "AWSLogs/{account}/x.json.gz",
        "AWSLogs/{account}/Archive/x.json.gz",
        "AWSLogs/{account}/CloudTrail/x.json.gz",
        "AWSLogs/{account}/CloudTrail/{region}/x.json.gz",
        "AWSLogs/{account}/CloudTrail/{region}/2026/x.json.gz",
        "AWSLogs/{account}/CloudTrail/{region}/2026/13/x/x.json.gz",
        "AWSLogs/{account}/CloudTrail/Nowhere/2026/11/01/{name}",
        "AWSLogs/{account}/CloudTrail-Insight/x.json.gz",
        "AWSLogs/{account}/CloudTrail-Insight/{region}/2026/x.json.gz",
        "AWSLogs/{account}/CloudTrail-Insight/eu-west-9/2026/11/01/x.json.gz",
        "AWSLogs/{account}/CloudTrail-Digest/{region}/{day}/{name}",
        "AWSLogs/{account}/CloudTrail-Digest/{region}/{day}/x.json.gz",
        "AWSLogs/{account}/CloudTrail-Digest/{region}/x.json.gz",
    ],
)
def test_what_looks_like_a_log_file_and_is_not_read_is_named(place: str, chain: Chain, copy: Path) -> None:
    day = f"{chain.hours[0].end:%Y/%m/%d}"
    known = {"account": chain.account, "region": chain.region, "name": name_of(chain), "day": day}
    put(copy / place.format(**known))

    told, _ = said_of(copy, chain)

    assert place.rpartition("/")[2].format(**known) in told
    assert "not read" in told


def test_an_answer_beside_a_log_file_that_was_not_read_is_3(
    chain: Chain, copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("verify.cli.logs.now", lambda: chain.at + timedelta(minutes=30))
    for name in ("x", "y"):
        put(copy / f"{name}.json.gz")

    assert main(["logs", "query", "SELECT count(*) FROM events", "--in", str(copy)]) == 3

    told = capsys.readouterr().err
    assert "2 files look like log files, or cannot be looked at, and lie where CloudTrail puts none" in told
    assert "not read. x.json.gz, y.json.gz." in told


def lay_a_damaged_file(copy: Path) -> None:
    put(copy / "x.gz", LOG[:12] + b"\xff" * 20)


def lay_a_link(copy: Path) -> None:
    (copy / "latest").symlink_to("/etc")


@pytest.mark.parametrize("lay", [lay_a_damaged_file, lay_a_link])
def test_what_cannot_be_looked_at_may_be_one(lay: Callable[[Path], None], chain: Chain, copy: Path) -> None:
    lay(copy)

    assert "cannot be looked at" in said_of(copy, chain)[0]


@pytest.mark.parametrize(
    ("place", "content", "is_told"),
    [
        ("README.md", b"about", False),
        (".DS_Store", LOG, False),
        ("backup/notes.txt", b"about", False),
        ("keys.json", b'{"PublicKeyList": []}', True),
        ("store/manifest.json", b'{"columns": ["eventVersion", "eventName"]}', True),
        ("findings/guardduty.jsonl.gz", gzip.compress(b'{"schemaVersion":"2.0"}'), True),
        ("AWSLogs/{account}/Config/eu-central-1/2026/11/1/ConfigSnapshot/x.json.gz", LOG, False),
        ("AWSLogs/{account}/elasticloadbalancing/eu-central-1/2026/11/01/x.log.gz", LOG, False),
        ("AWSLogs/{account}/CloudTrail-Lake/Query/2026/11/01/x/result_1.csv.gz", LOG, False),
        ("AWSLogs/{account}/GuardDuty/eu-central-1/2026/11/01/x.jsonl.gz", LOG, False),
        ("AWSLogs/{account}/ELBAccessLogTestFile", b"", False),
    ],
)
def test_what_is_no_log_file_makes_no_answer_less(
    place: str, content: bytes, *, is_told: bool, chain: Chain, copy: Path
) -> None:
    put(copy / place.format(account=chain.account), content)

    holes, notices = said_of(copy, chain)

    assert (holes, "not read" in notices) == ("", is_told)


@pytest.mark.parametrize("other", [{"account": "999988887777"}, {"region": "eu-west-9"}, {"later": timedelta(days=9)}])
def test_what_was_not_asked_for_makes_no_answer_less(other: dict[str, str], chain: Chain, copy: Path) -> None:
    hours = {"start": iso(chain.hours[0].start), "end": iso(chain.hours[-1].end)}
    asked = {**hours, "accounts": frozenset([chain.account]), "regions": frozenset([chain.region])}

    put(copy / "elsewhere" / name_of(chain, **other))  # type: ignore[arg-type]
    assert said_of(copy, chain, **asked) == ("", "")

    put(copy / "elsewhere" / name_of(chain))
    assert "1 file looks like a log file" in said_of(copy, chain, **asked)[0]


@pytest.mark.parametrize(
    "place",
    [
        "AWSLogs/999988887777/CloudTrail/x.json.gz",
        "AWSLogs/{account}/CloudTrail/eu-west-9/x.json.gz",
        "AWSLogs/{account}/CloudTrail/{region}/2019/x.json.gz",
        "AWSLogs/{account}/CloudTrail/{region}/2019/05/x.json.gz",
        "AWSLogs/{account}/Other/{region}/2019/05/01/x.json.gz",
        "AWSLogs/{account}/CloudTrail-Insight/eu-west-9/2026/11/01/x.json.gz",
        "AWSLogs/{account}/{account}_CloudTrail-Insight_eu-west-9_20261101T0000Z_abcdefghijklmnop.json.gz",
    ],
)
def test_of_a_folder_that_was_not_asked_for_nothing_is_read(place: str, chain: Chain, copy: Path) -> None:
    hours = {"start": iso(chain.hours[0].start), "end": iso(chain.hours[-1].end)}
    asked = {**hours, "accounts": frozenset([chain.account]), "regions": frozenset([chain.region])}

    put(copy / place.format(account=chain.account, region=chain.region))
    assert said_of(copy, chain, **asked) == ("", "")

    put(copy / place.format(account=chain.account, region=chain.region).rpartition("/")[0] / name_of(chain))
    assert "1 file looks like a log file" in said_of(copy, chain, **asked)[0]


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"") + LOG, gzip.decompress(LOG).decode().encode("utf-16"), b"\xef\xbb\xbf" + gzip.decompress(LOG)],
    ids=["after an empty part", "of PowerShell", "with a mark"],
)
def test_a_log_file_in_another_form_is_seen(content: bytes, chain: Chain, copy: Path) -> None:
    put(copy / "x", content)

    assert "1 file looks like a log file" in said_of(copy, chain)[0]


def test_a_folder_without_digests_that_cannot_be_listed_is_a_hole_and_no_end(
    chain: Chain, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = f"AWSLogs/{chain.account}/CloudTrail-Insight/"
    put(copy / denied / chain.region / "2026/11/01/x.json.gz")
    entries = FolderObjectStore._entries

    def refuse(store: FolderObjectStore, folder: Path) -> list[Any]:
        if f"/{denied}" in f"{folder.as_posix()}/":
            raise CannotLook("permission denied")
        return entries(store, folder)

    monkeypatch.setattr(FolderObjectStore, "_entries", refuse)

    assert f"{denied} could not be listed: permission denied" in said_of(copy, chain)[0]


def test_of_very_many_it_is_said_that_not_all_were_looked_at(
    chain: Chain, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misplaced, "_MOST_FILES", 2)
    for number in range(3):
        put(copy / f"beside/{number}.json", b"{}")

    assert "beside/2.json and what comes after it" in said_of(copy, chain)[0]


@pytest.mark.slow  # it loads what asks AWS
def test_of_a_bucket_what_lies_among_the_trails_files_is_named_and_other_accounts_files_are_not(
    serve_chain: Callable[[Chain], Chain], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    chain = serve_chain(trail(3))
    monkeypatch.setattr("verify.cli.logs.now", lambda: chain.at + timedelta(minutes=30))
    hours = ("--start", iso(chain.hours[0].start), "--end", iso(chain.hours[-1].end))
    query = ["logs", "query", "SELECT count(*) FROM events", *hours]
    some = next(iter(chain.aws.objects.values()))

    def lay(key: str) -> str:
        name = ObjectName(chain.bucket, key)
        chain.aws.objects[name] = replace(some, body=LOG)
        return str(name)

    lay(f"AWSLogs/999988887777/CloudTrail/{chain.region}/2026/11/01/{name_of(chain, account='999988887777')}")
    lay("access-logs/x.json.gz")
    lost = lay(f"AWSLogs/{chain.account}/CloudTrail/x.json.gz")

    assert main(query) == 3
    rests, told, end = capsys.readouterr().err.splitlines()[-3:]
    assert (rests[:8], told.rpartition("not read. ")[2]) == ("Rests on", f"{lost}.")
    assert end == "So the answer may lack events."
