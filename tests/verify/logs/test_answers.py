"""``verify logs`` from its arguments to its exit code: 0 only where all files of the period were read."""

from __future__ import annotations

import csv
import gzip
import io
import json
import resource
import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.tiers import mostly_slow
from tests.verify.simulation.api import Api
from tests.verify.simulation.in_memory import MemoryStore
from tests.verify.simulation.scenarios import trail
from tests.verify.simulation.trail import ACCOUNT, BUCKET, HOME, TRAIL_ARN, Chain, event
from verify.cli import logs as command
from verify.cli import main
from verify.errors import CannotLook
from verify.integrity.scope import Scope
from verify.integrity.timeline.configuration import Configuration, TrailStatus
from verify.logs.places import Asked, find_files
from verify.logs.schema import COLUMNS, Kind
from verify.logs.sql.filters import FILTERS, show_sql
from verify.storage.folder import FolderObjectStore
from verify.storage.objects import ListedObject
from verify.times import iso

pytestmark = pytest.mark.regular

DATASETS = Path(__file__).parents[4] / "shared" / "datasets"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def chain() -> Chain:
    return trail(12)


@pytest.fixture
def copy(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with twelve hours of a trail, with two log files each."""
    monkeypatch.setattr("verify.cli.logs.now", lambda: chain.at + timedelta(minutes=30))
    chain.aws.save(tmp_path)
    return tmp_path


def write(folder: Path, name: str, *records: Any, packed: bool = True) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    body = json.dumps({"Records": list(records)}).encode()
    path.write_bytes(gzip.compress(body) if packed else body)
    return path


def count(*options: str) -> int:
    return main(["logs", "query", "SELECT count(*) AS events FROM events", *options])


def test_a_copy_of_which_no_digest_can_be_read_is_answered_with_3(copy: Path, capsys: Capture) -> None:
    digests = [path for path in copy.rglob("*.json.gz") if "CloudTrail-Digest" in path.parts]
    for path in digests:
        path.write_bytes(b"x")

    assert count("--in", str(copy), "--since", "6h") == 3

    told = capsys.readouterr().err
    assert "digest files could not be read." in told
    assert "fault" not in told


def test_a_whole_copy_is_answered_with_0_and_says_what_it_rests_on(copy: Path, capsys: Capture) -> None:
    assert count("--in", str(copy)) == 0

    printed = capsys.readouterr()
    assert printed.out == "events\n24\n"
    assert f"Rests on 24 events of 24 files ({ACCOUNT}; {HOME}; 2026/11/01)" in printed.err


def test_only_the_files_of_the_period_are_read(copy: Path, chain: Chain, capsys: Capture) -> None:
    start, end = chain.hours[3].start, chain.hours[4].end

    assert count("--in", str(copy), "--start", iso(start), "--end", iso(end)) == 0

    files = int(capsys.readouterr().err.split(" files")[0].split()[-1])
    assert 4 <= files < 24


def test_events_outside_the_period_are_left_out(tmp_path: Path, capsys: Capture) -> None:
    at = datetime.fromisoformat("2026-11-01T10:00:00+00:00")
    path = write(tmp_path, "log.json.gz", *(event(f"Call{hour}", at + timedelta(hours=hour)) for hour in range(5)))

    assert (
        main(
            [
                "logs",
                "query",
                "SELECT eventName FROM events ORDER BY 1",
                "--in",
                str(path),
                "--start",
                iso(at + timedelta(hours=1)),
                "--end",
                iso(at + timedelta(hours=3)),
            ]
        )
        == 0
    )

    assert capsys.readouterr().out.split() == ["eventName", "Call1", "Call2", "Call3"]


def lose_a_log(chain: Chain, copy: Path) -> None:
    (copy / chain.hours[5].logs[0].key).unlink()


def lose_a_digest(chain: Chain, copy: Path) -> None:
    (copy / chain.hours[5].name.key).unlink()


def lose_all_digests(chain: Chain, copy: Path) -> None:
    for hour in chain.hours:
        (copy / hour.name.key).unlink()


def lose_everything_of_an_hour(chain: Chain, copy: Path) -> None:
    for name in (chain.hours[5].name, *chain.hours[5].logs):
        (copy / name.key).unlink()


def damage_a_log(chain: Chain, copy: Path) -> None:
    path = copy / chain.hours[5].logs[0].key
    path.write_bytes(path.read_bytes()[:-12])


def append_to_a_log(chain: Chain, copy: Path) -> None:
    path = copy / chain.hours[5].logs[0].key
    path.write_bytes(path.read_bytes() + gzip.compress(b'{"Records": []}'))


def put_a_bomb(chain: Chain, copy: Path) -> None:
    (copy / chain.hours[5].logs[0].key).write_bytes(gzip.compress(b" " * (257 * 2**20), 9))


def link_a_log_away(chain: Chain, copy: Path) -> None:
    path = copy / chain.hours[5].logs[0].key
    path.unlink()
    path.symlink_to("/etc/passwd")


def make_a_digest_unreadable(chain: Chain, copy: Path) -> None:
    (copy / chain.hours[5].name.key).write_bytes(b"{}")


def put_an_empty_file_that_no_digest_lists(chain: Chain, copy: Path) -> None:
    name = chain.hours[5].logs[0].key
    (copy / name.replace(".json.gz", "x.json.gz")).touch()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lose_a_log, "1 log files that a digest lists are not there"),
        (lose_a_digest, "no digest covers 2026-11-01T05:01:31Z to 2026-11-01T06:01:31Z"),
        (lose_all_digests, "nothing tells whether log files are missing"),
        (lose_everything_of_an_hour, "no digest covers"),
        (damage_a_log, "the gzip stream ends early"),
        (append_to_a_log, "there is data after the end of the gzip stream"),
        pytest.param(put_a_bomb, "it is, or inflates to, more than", marks=pytest.mark.slow),
        (link_a_log_away, "leads out of the folder"),
        (make_a_digest_unreadable, "1 digest files could not be read"),
        (put_an_empty_file_that_no_digest_lists, "it holds no records of CloudTrail"),
    ],
)
def test_an_answer_over_a_hole_is_3_and_says_so(
    harm: Callable[[Chain, Path], None], told: str, chain: Chain, copy: Path, capsys: Capture
) -> None:
    harm(chain, copy)

    assert count("--in", str(copy)) == 3

    assert told in capsys.readouterr().err


def test_log_files_of_a_folder_that_cannot_be_listed_are_not_said_to_be_missing(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    listed = FolderObjectStore.objects

    def objects(store: FolderObjectStore, bucket: str, prefix: str) -> Iterator[ListedObject]:
        yield from islice(listed(store, bucket, prefix), None if "Digest" in prefix else 3)
        if "Digest" not in prefix:
            raise CannotLook("the folder cannot be read")

    monkeypatch.setattr(FolderObjectStore, "objects", objects)

    assert count("--in", str(copy)) == 3

    said = capsys.readouterr().err
    assert "could not be listed: the folder cannot be read" in said
    assert "are not there" not in said


@pytest.mark.parametrize(
    "options",
    [
        ("--since", "1h", "--end", "2026-10-01"),
        ("--start", "2026-10-31", "--end", "2026-11-01T06:00:00Z"),
        ("--start", "2026-11-01T06:00:00Z", "--end", "2026-11-02"),
    ],
)
def test_a_period_that_is_not_covered_is_3(
    options: tuple[str, ...], copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("verify.cli.logs.now", lambda: datetime.fromisoformat("2026-11-10T00:00:00+00:00"))

    assert count("--in", str(copy), *options) == 3

    assert "digest" in capsys.readouterr().err


@pytest.mark.parametrize("option", [("--region", "eu-west-1"), ("--account", "999988887777")])
def test_an_account_or_region_without_files_is_wrong_usage_and_says_what_is_there(
    option: tuple[str, str], copy: Path, capsys: Capture
) -> None:
    assert count("--in", str(copy), *option) == 2

    assert f"There are: {ACCOUNT} {HOME}" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [("--region", f"{HOME},eu-west-1"), ("--account", f"{ACCOUNT},999988887777")])
@pytest.mark.parametrize("below", ["", "AWSLogs"])
def test_of_several_accounts_or_regions_one_without_files_makes_the_answer_3(
    below: str, asked: tuple[str, str], copy: Path, capsys: Capture
) -> None:
    assert count("--in", str(copy / below), *asked) == 3

    assert f"{asked[1].split(',')[1]} was asked for, and there are no files of it." in capsys.readouterr().err


@pytest.mark.slow
def test_a_bundle_is_answered(
    serve_chain: Callable[[Chain], Chain], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    chain = serve_chain(trail(6))
    monkeypatch.setattr("verify.cli.logs.now", lambda: chain.at + timedelta(minutes=30))
    start = iso(chain.hours[0].start)
    assert main(["integrity", "export", "--start", start, "--output", str(tmp_path / "out")]) == 0

    assert (
        count("--in", str(tmp_path / "out" / "bundle.json"), "--start", start, "--end", iso(chain.hours[-1].end)) == 0
    )

    assert "events\n12\n" in capsys.readouterr().out


def test_the_trails_bucket_is_answered(
    serve_chain: Callable[[Chain], Chain], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    chain = serve_chain(trail(6))
    monkeypatch.setattr("verify.cli.logs.now", lambda: chain.at + timedelta(minutes=30))
    start, end = iso(chain.hours[0].start), iso(chain.hours[-1].end)

    assert count("--start", start, "--end", end) == 0
    assert capsys.readouterr().out == "events\n12\n"

    assert count("--start", start) == 3
    assert f"From {end} on, no digest covers the time yet" in capsys.readouterr().err

    chain.aws.delete(chain.hours[2].logs[0])
    assert count("--start", start, "--end", end) == 3
    assert "that a digest lists are not there" in capsys.readouterr().err


@pytest.mark.parametrize("hours", [1, 2, 5])
def test_a_time_after_the_newest_digest_is_3_however_short_it_is(
    hours: int, copy: Path, chain: Chain, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    now = chain.at.replace(hour=12)
    monkeypatch.setattr("verify.cli.logs.now", lambda: now)
    for hour in chain.hours:
        if hour.end > now - timedelta(hours=hours):
            (copy / hour.name.key).unlink()

    for minutes in (10, 50, 110):
        assert count("--in", str(copy), "--since", f"{minutes}m") == 3, minutes

    assert capsys.readouterr().err.count("no digest covers") == 3


def test_an_hour_without_a_digest_is_3_where_the_period_ends_in_it_and_later_digests_are_new(
    copy: Path, chain: Chain, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    *_, before, lost, after = chain.hours
    monkeypatch.setattr("verify.cli.logs.now", lambda: after.end + timedelta(minutes=30))
    (copy / lost.name.key).unlink()

    end = iso(lost.start + timedelta(minutes=30))
    assert count("--in", str(copy), "--start", iso(before.start), "--end", end) == 3

    assert "no digest covers" in capsys.readouterr().err


@pytest.mark.parametrize(("left_before", "code"), [(frozenset(), 3), (frozenset({("old", "")}), 0)])
def test_a_place_of_before_that_cannot_be_looked_at_is_told(
    left_before: frozenset[tuple[str, str]],
    code: int,
    serve_chain: Callable[[Chain], Chain],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    """It may hold files of the period, unless the trail left it before."""
    chain = serve_chain(trail(6))

    def unseen(*_: object) -> Scope:
        why = "The trail delivered to s3://old before, which could not be looked at: denied"
        return Scope(days={}, unlisted=((("old", ""), why),), places=((BUCKET, ""),))

    monkeypatch.setattr("verify.cli.logs.now", lambda: chain.at + timedelta(minutes=30))
    monkeypatch.setattr("verify.integrity.scope._former", unseen)
    monkeypatch.setattr(Configuration, "left_before", lambda *_: left_before)

    assert count("--start", iso(chain.hours[0].start), "--end", iso(chain.hours[-1].end)) == code

    assert "s3://old before, which could not be looked at" in capsys.readouterr().err


def test_another_trails_files_below_a_prefix_of_its_own_are_not_this_trails(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = trail(6)
    Chain(chain.aws, trail="other-trail", number=1000, prefix="other").run(6)
    arn = TRAIL_ARN.replace("my-trail", "other-trail")
    other = {"Name": "other-trail", "TrailARN": arn, "HomeRegion": HOME, "S3BucketName": BUCKET}
    api = Api(chain.aws, others=[other | {"S3KeyPrefix": "other", "LogFileValidationEnabled": True}])
    monkeypatch.setattr("verify.storage.s3.S3ObjectStore", lambda _: MemoryStore(chain.aws))
    asked = Asked(start=iso(chain.hours[0].start), trail=TRAIL_ARN)

    place = find_files(asked, chain.at + timedelta(minutes=30), lambda: api)  # type: ignore[arg-type, return-value]

    assert sorted(file.name for file in place.files) == sorted(log for hour in chain.hours for log in hour.logs)


@pytest.mark.parametrize("is_copy", mostly_slow([False, True], 2))
def test_what_another_trail_signed_for_says_nothing_of_a_gap(
    *, is_copy: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = trail(6)
    Chain(chain.aws, trail="other-trail", number=1000).run(6)
    for name in (chain.hours[3].name, *chain.hours[3].logs):
        chain.aws.delete(name)
    arn = TRAIL_ARN.replace("my-trail", "other-trail")
    other = {"Name": "other-trail", "TrailARN": arn, "HomeRegion": HOME, "S3BucketName": BUCKET}
    api = Api(chain.aws, others=[other | {"LogFileValidationEnabled": True}])
    monkeypatch.setattr("verify.storage.s3.S3ObjectStore", lambda _: MemoryStore(chain.aws))
    chain.aws.save(tmp_path)
    where = (str(tmp_path),) if is_copy else ()
    asked = Asked(places=where, start=iso(chain.hours[0].start), trail=None if is_copy else TRAIL_ARN)

    place = find_files(asked, chain.at + timedelta(minutes=30), lambda: api)  # type: ignore[arg-type, return-value]

    (hole,) = place.holes
    assert f"covers {iso(chain.hours[3].start)} to {iso(chain.hours[3].end)}" in hole
    assert ("no digest of my-trail covers" in hole) is is_copy


def test_what_another_trail_signed_for_says_nothing_of_the_newest_time(tmp_path: Path) -> None:
    chain = trail(6)
    Chain(chain.aws, trail="other-trail", number=1000).run(6)
    newest = chain.hours[-1]
    for name in (newest.name, *newest.logs):
        chain.aws.delete(name)
    chain.aws.save(tmp_path)
    asked = Asked(places=(str(tmp_path),), start=iso(chain.hours[0].start), end=iso(newest.end))

    place = find_files(asked, newest.end + timedelta(minutes=30), pytest.fail)

    assert (place.holes, len(place.not_due)) == ((), 1)
    assert f"From {iso(newest.start)} on, no digest covers the time yet" in place.not_due[0]


@pytest.mark.parametrize("options", [(), ("--proven-only", "--since", "1d")])
@pytest.mark.parametrize(
    "places", [("s3://one", "s3://two"), ("s3://one", "."), (".", "s3://one"), ("a/bundle.json",) * 2]
)
def test_a_bucket_or_a_bundle_beside_another_place_is_wrong_usage(
    places: tuple[str, ...], options: tuple[str, ...], capsys: Capture
) -> None:
    assert count(*(word for place in places for word in ("--in", place)), *options) == 2

    assert "--in takes one bucket, one bundle, or files and folders" in capsys.readouterr().err


def test_a_query_that_may_not_run_asks_nobody(capsys: Capture) -> None:
    assert (
        main(["logs", "query", "SELECT * FROM read_text('/etc/passwd')", "--endpoint-url", "http://127.0.0.1:1"]) == 2
    )

    assert capsys.readouterr().err.startswith("error: The query may not read from read_text()")


@pytest.mark.parametrize("inside", mostly_slow([f"AWSLogs/{ACCOUNT}/CloudTrail/{HOME}", "AWSLogs", "single"], 3))
def test_of_a_part_of_a_copy_nothing_tells_what_is_missing(
    inside: str, copy: Path, chain: Chain, tmp_path: Path, capsys: Capture
) -> None:
    if inside == "single":
        for log in (copy / chain.hours[2].logs[0].key, copy / chain.hours[3].logs[0].key):
            (tmp_path / "single").mkdir(exist_ok=True)
            log.rename(tmp_path / "single" / log.name)

    assert count("--in", str(copy / inside)) == 3

    assert "Name the folder that has AWSLogs in it." in capsys.readouterr().err


def test_an_empty_folder_is_no_answer(tmp_path: Path) -> None:
    assert count("--in", str(tmp_path)) == 3
    assert count("--in", str(tmp_path / "none")) == 2
    assert count("--in", "") == 2


@pytest.mark.parametrize("body", [b"", b" \n", gzip.compress(b"", mtime=0)], ids=["nothing", "blank", "packed"])
def test_an_empty_file_is_no_answer(body: bytes, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "log.json.gz").write_bytes(body)

    assert count("--in", str(tmp_path / "log.json.gz")) == 3

    assert "it holds no records of CloudTrail" in capsys.readouterr().err


def test_unread_records_are_counted_and_shown_on_request(tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path, "log.json.gz", {"eventName": "Good"}, 5, ["no record"])

    assert main(["logs", "query", "SELECT position, why, text FROM unreadable ORDER BY 1", "--in", str(path)]) == 3

    printed = capsys.readouterr()
    assert printed.out.splitlines()[1:] == [
        "1\tit is not a JSON object\t5",
        '2\tit is not a JSON object\t["no record"]',
    ]
    assert "2 records could not be read." in printed.err


HOSTILE = '=HYPERLINK("http://x")\x1b[2J\x1b]0;x\x07\u202e\r\n[red]'


@pytest.mark.parametrize("format_", ["table", "csv", "json", "jsonl"])
def test_what_a_caller_wrote_is_inert_in_every_format(format_: str, tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path, "log.json", {"eventName": HOSTILE, "userAgent": "@SUM(1)"}, packed=False)
    sql = 'SELECT eventName, userAgent, 5 AS "=x\x1b[2J" FROM events'

    assert main(["logs", "query", sql, "--in", str(path), "--format", format_]) == 0

    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert not [char for char in text if not char.isprintable() and char not in "\n\t\r"]
    if format_ == "csv":
        cells = [cell for row in csv.reader(io.StringIO(printed.out)) for cell in row]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    if format_ == "jsonl":
        assert json.loads(printed.out)["eventName"] == HOSTILE


def test_a_file_with_a_hostile_name_is_inert(tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path, "=x\x1b[2J'; DROP TABLE records; --.json", {"eventName": "A"}, packed=False)

    assert main(["logs", "query", "SELECT file FROM events", "--in", str(path), "--format", "csv"]) == 0

    assert "\x1b" not in capsys.readouterr().out


def test_json_has_the_rows_and_what_they_rest_on(copy: Path, capsys: Capture) -> None:
    assert (
        main(
            ["logs", "query", "SELECT eventName, eventName FROM events LIMIT 1", "--in", str(copy), "--format", "json"]
        )
        == 0
    )

    document = json.loads(capsys.readouterr().out)
    assert document["rows"] == [{"eventName": "ListBuckets", "eventName_1": "ListBuckets"}]
    assert (document["basis"]["whole"], document["basis"]["files"]) == (True, 24)


# ---- logs show -------------------------------------------------------------------------------------------------------

CALL: dict[str, Any] = {
    "eventTime": "2026-11-01T10:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "203.0.113.7",
    "errorCode": "AccessDenied",
    "readOnly": True,
    "eventID": "e-1",
    "recipientAccountId": "111122223333",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROAX:i-0abc",
        "arn": "arn:aws:sts::111122223333:assumed-role/web/i-0abc",
        "accountId": "111122223333",
        "accessKeyId": "ASIAX",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111122223333:role/web", "userName": "web"}
        },
    },
    "requestParameters": {"bucketName": "secrets", "key": "It's.txt"},
}
OTHER = {
    "eventTime": "2026-11-01T09:00:00Z",
    "eventSource": "iam.amazonaws.com",
    "eventName": "ListUsers",
    "eventID": "e-2",
}


@pytest.mark.parametrize(
    "options",
    [
        ("--event", "GetObject"),
        pytest.param(("--source", "s3"), marks=pytest.mark.slow),
        pytest.param(("--source", "s3.amazonaws.com"), marks=pytest.mark.slow),
        pytest.param(("--user", "i-0abc"), marks=pytest.mark.slow),
        ("--role", "web"),
        pytest.param(("--role", "arn:aws:iam::111122223333:role/web"), marks=pytest.mark.slow),
        pytest.param(("--access-key", "ASIAX"), marks=pytest.mark.slow),
        pytest.param(("--ip", "203.0.113.7"), marks=pytest.mark.slow),
        pytest.param(("--error", "AccessDenied"), marks=pytest.mark.slow),
        ("--error", "any"),
        pytest.param(("--resource", "secrets"), marks=pytest.mark.slow),
        ("--resource", "It's"),
        pytest.param(("--event-id", "e-1"), marks=pytest.mark.slow),
        ("--text", "SECRETS"),
        ("--text", "asiax"),
        ("--read-only",),
        ("--start", "2026-11-01T09:30:00Z", "--end", "2026-11-01T10:30:00Z"),
        pytest.param(("--limit", "1"), marks=pytest.mark.slow),
    ],
)
def test_a_filter_finds_its_event_and_no_other(options: tuple[str, ...], tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path, "log.json.gz", OTHER, CALL)

    assert main(["logs", "show", *options, "--in", str(path), "--format", "jsonl"]) == 0

    assert json.loads(capsys.readouterr().out) == CALL


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE records; --", "' OR 1=1 --", "\\' OR 1=1 --", "{}", "$1", "?", "\x1b"]
)
@pytest.mark.parametrize("option", ["text", pytest.param("user", marks=pytest.mark.slow)])
def test_a_filters_value_is_a_text_and_no_sql(option: str, value: str, tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path, "log.json.gz", OTHER, CALL)

    assert main(["logs", "show", f"--{option}", value, "--in", str(path)]) == 0

    assert capsys.readouterr().out.splitlines()[1:] == []


def test_free_text_is_found_wherever_it_stands_in_the_event() -> None:
    looked_at = show_sql({"text": "x"}, 0, as_records=True)

    assert [column.name for column in COLUMNS if f'"{column.name}"' not in looked_at] == [
        column.name for column in COLUMNS if column.kind in (Kind.TIME, Kind.FLAG, Kind.TEXT_FLAG)
    ]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("options", [("--text", 'A "NEW" é'), ("--resource", 'a "new" é')])
def test_a_text_is_found_however_json_writes_it(
    options: tuple[str, str],
    ascii_only: bool,  # noqa: FBT001
    tmp_path: Path,
    capsys: Capture,
) -> None:
    path = tmp_path / "log.json"
    call = {**CALL, "requestParameters": {"key": 'a "new" é'}}
    path.write_text(json.dumps({"Records": [OTHER, call]}, ensure_ascii=ascii_only), encoding="utf-8")

    assert main(["logs", "show", *options, "--in", str(path), "--format", "jsonl"]) == 0

    assert json.loads(capsys.readouterr().out) == call


def test_the_filters_of_the_command_line_are_those_that_there_are() -> None:
    known = {name: what for name, (_, what) in FILTERS.items() if name in command._FILTERS}
    assert known == command._FILTERS
    assert set(FILTERS) - set(command._FILTERS) == {"region", "account"}
    assert show_sql({}, 0, as_records=False).startswith("SELECT")


def test_stats_say_what_there_is(copy: Path, capsys: Capture) -> None:
    assert main(["logs", "stats", "--in", str(copy), "--format", "jsonl"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["account"], found["region"], found["events"], found["files"]) == (ACCOUNT, HOME, 24, 24)


@pytest.mark.slow
@pytest.mark.skipif(not DATASETS.is_dir(), reason="the real log files are not on this machine")
def test_a_recorded_attack_is_answered(capsys: Capture) -> None:
    sql = "SELECT useridentity.type, count(*) FROM cloudtrail_logs WHERE eventname = 'StopLogging' GROUP BY 1"

    assert main(["logs", "query", "--dialect", "athena", sql, "--in", str(DATASETS / "stratus-attack")]) == 3

    printed = capsys.readouterr()
    assert "IAMUser\t" in printed.out
    assert "Rests on 2,093 events of 28 files" in printed.err


@pytest.mark.slow
@pytest.mark.parametrize(("has_delivered", "started_hours", "code"), [(False, -1, 0), (False, 3, 3), (True, -1, 3)])
def test_a_region_without_files_is_a_hole_unless_cloudtrail_says_that_it_never_delivered_there(
    has_delivered: bool,  # noqa: FBT001 - a case
    started_hours: int,
    code: int,
    serve_chain: Callable[[Chain], Chain],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    chain = serve_chain(trail(6))
    chain.aws.trail["IsMultiRegionTrail"] = True
    chain.aws.keys["eu-west-1"] = chain.aws.keys[HOME]
    start = chain.hours[0].start
    status = TrailStatus(
        is_logging=True,
        latest_digest_delivery=chain.at if has_delivered else None,
        started=start + timedelta(hours=started_hours),
        stopped=None,
    )
    monkeypatch.setattr("verify.cli.logs.now", lambda: chain.at + timedelta(minutes=30))
    monkeypatch.setattr("verify.integrity.facts.AwsFacts.status", lambda _self, _region: status)

    assert count("--start", iso(start), "--end", iso(chain.hours[-1].end)) == code

    assert ("there are no files at all of" in capsys.readouterr().err) is (code == 3)


def test_the_shell_takes_one_select_after_the_other(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    typed = (
        "SELECT count(*) AS n\nFROM events;\nSELECT * FROM read_text('/etc/passwd');\nSELECT count(*) AS m FROM files"
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))

    assert main(["logs", "shell", "--in", str(copy)]) == 2  # of what is piped in, nobody sees a refusal

    printed = capsys.readouterr()
    assert printed.out.split() == ["n", "24", "m", "24"]
    assert "Rests on 24 events" in printed.err
    assert "error: The query may not read from read_text()" in printed.err


def test_ctrl_c_ends_a_shell_to_which_statements_are_piped(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    asked: list[str] = []

    def waiting(prompt: str) -> str:
        asked.append(prompt)
        if len(asked) == 2:
            signal.raise_signal(signal.SIGINT)
        if len(asked) > 1:
            raise EOFError
        return "SELECT 1 AS n;"

    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("builtins.input", waiting)

    assert main(["logs", "shell", "--in", str(copy)]) == 130
    assert capsys.readouterr().out.split() == ["n", "1"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_kill_and_a_closed_terminal_end_as_ctrl_c_does(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with command.ending_as_at_ctrl_c(), pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_DFL

        signal.signal(number, signal.SIG_IGN)  # as nohup does
        with command.ending_as_at_ctrl_c():
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_shell_that_is_killed_ends_and_does_not_go_on_as_after_ctrl_c(
    number: signal.Signals, copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked: list[str] = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        if len(asked) == 1:
            raise KeyboardInterrupt
        if len(asked) == 2:
            return "SELECT 1 AS n;"
        signal.raise_signal(number)
        raise EOFError

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("builtins.input", typed)
    before = signal.signal(number, signal.SIG_DFL)
    try:
        assert main(["logs", "shell", "--in", str(copy)]) == 130
    finally:
        signal.signal(number, before)

    assert "1" in capsys.readouterr().out


def test_the_bound_of_memory_ends_with_the_query(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 1"))

    assert (count("--in", str(copy)), main(["logs", "shell", "--in", str(copy)])) == (0, 0)

    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_copy_of_which_not_all_folders_were_searched_is_3(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("verify.integrity.inventory._MAX_FOLDERS_SEARCHED", 2)
    for name in ("beside", "other"):
        (copy / name / "deep").mkdir(parents=True)

    assert count("--in", str(copy)) == 3

    assert "the copy has too many folders beside the trail's" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (("--region", "eu-west-1"), "A B"),
        (("--region", "eu-west-1,us-east-1"), "A B C"),
        (("--account", ACCOUNT), "B C"),
        (("--account", ACCOUNT, "--region", "eu-west-1"), "B"),
        (("--region", "eu-north-1"), ""),
    ],
)
@pytest.mark.parametrize("where", ["", " WHERE eventSource = 'x'"])
def test_of_files_whose_names_do_not_tell_the_events_of_a_region_and_account_are_chosen(
    where: str, asked: tuple[str, ...], names: str, tmp_path: Path, capsys: Capture
) -> None:
    called = (("A", "999988887777", "eu-west-1"), ("B", ACCOUNT, "eu-west-1"), ("C", ACCOUNT, "us-east-1"))
    events = [
        {"eventVersion": "1.11", "eventSource": "x", "eventName": name, "awsRegion": of, "recipientAccountId": account}
        for name, account, of in called
    ]
    path = write(tmp_path, "log.json.gz", *events)
    sql = f"SELECT eventName FROM events{where} ORDER BY 1"  # noqa: S608 - our own

    assert main(["logs", "query", sql, "--in", str(path), *asked]) == (0 if names else 3)

    printed = capsys.readouterr()
    assert printed.out.split()[1:] == names.split()
    assert f"Rests on {len(names.split())} event" in printed.err


@pytest.mark.parametrize("asked", [("--account", "444455556666"), ("--region", f"{HOME},eu-west-1")])
def test_files_without_an_event_of_what_was_asked_for_are_no_answer(
    asked: tuple[str, ...], tmp_path: Path, capsys: Capture
) -> None:
    path = write(tmp_path, "log.json.gz", {"eventName": "A", "awsRegion": HOME, "recipientAccountId": ACCOUNT})

    assert count("--in", str(path), *asked) == 3

    lacking = asked[1].rpartition(",")[2]
    assert f"{lacking} was asked for, and no event of it is in the files." in capsys.readouterr().err


def test_an_empty_answer_of_the_region_of_global_services_names_no_other(copy: Path, capsys: Capture) -> None:
    assert main(["logs", "show", "--in", str(copy), "--region", HOME, "--event", "listusers"]) == 0

    told = capsys.readouterr().err
    assert "Values are exact" in told and "Data events" in told
    assert "calls of global services" not in told


@pytest.mark.parametrize(
    ("region", "where"),
    [
        ("eu-west-1", "us-east-1"),
        ("us-gov-east-1", "us-gov-west-1"),
        ("cn-northwest-1", "cn-north-1"),
        ("us-gov-west-1", None),
        ("us-iso-east-1", None),
    ],
)
def test_where_calls_of_iam_are_is_said_by_the_regions_partition(
    region: str, where: str | None, tmp_path: Path, capsys: Capture
) -> None:
    path = write(tmp_path, "log.json.gz", {"eventVersion": "1.11", "eventName": "A", "awsRegion": region})

    assert main(["logs", "show", "--in", str(path), "--region", region, "--event", "listusers"]) == 0

    told = capsys.readouterr().err
    said = f"Only {region} was asked for: calls of global services, such as IAM, are in {where}."
    assert (said in told, "calls of global services" in told) == (where is not None, where is not None)


def test_of_several_copies_at_once_no_digest_is_looked_at_so_the_answer_is_3(copy: Path, capsys: Capture) -> None:
    beside = write(copy.parent / "beside", "log.json.gz", {"eventName": "A"})

    assert count("--in", str(copy), "--in", str(beside.parent)) == 3

    printed = capsys.readouterr()
    assert printed.out == "events\n25\n"
    assert printed.err.count("its digests are looked at only if it is the only --in") == 1


def test_a_file_of_another_name_in_a_folder_is_not_passed_over_in_silence(tmp_path: Path, capsys: Capture) -> None:
    write(tmp_path, "log.json.gz", {"eventName": "A"})
    (tmp_path / "README.md").write_text("what this is")
    assert count("--in", str(tmp_path)) == 0

    write(tmp_path, "log.json.gz.1", {"eventName": "B"})
    assert count("--in", str(tmp_path)) == 3

    assert "Not read in the folder, by their names, which no log file has: 1 file." in capsys.readouterr().err
