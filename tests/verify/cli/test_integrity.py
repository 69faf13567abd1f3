"""``verify integrity`` from its arguments to its exit code, against a real HTTP server."""

from __future__ import annotations

import base64
import gc
import io
import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.verify.simulation.scenarios import inject_log, rewrite_log, trail
from tests.verify.simulation.server import SimulatedAwsServer, try_once
from tests.verify.simulation.trail import ACCOUNT, BUCKET, HOME, TRAIL_ARN, Chain
from verify.cli import main
from verify.storage import read_processes

pytestmark = pytest.mark.regular

Run = Callable[..., int]


@pytest.fixture
def chain(serve_chain: Callable[[Chain], Chain]) -> Chain:
    return serve_chain(trail(12))


def integrity(chain: Chain, *options: str) -> int:
    return main(["integrity", "--start", f"{chain.hours[0].start:%Y-%m-%dT%H:%M:%SZ}", *options])


def test_an_untouched_trail_is_proven_and_the_report_says_from_when_to_when(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    assert integrity(chain) == 0

    said = capsys.readouterr().out
    assert said.startswith("PROVEN: ")
    assert "2026-11-01T00:01:31Z to 2026-11-01T12:01:31Z  proven" in said
    assert "12 of 12 digests proven" in said and "24 of 24 logs proven" in said


def test_the_report_names_the_file_the_reason_and_what_it_means(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite_log(chain)
    inject_log(chain)

    assert integrity(chain) == 1

    said = capsys.readouterr().out
    assert said.startswith(
        "NOT PROVEN: Something was found that is altered or foreign: 1 log file altered; 1 log file foreign, in "
        "us-east-1, from 2026-11-01T04:01:31Z to 2026-11-01T"
    )
    assert f"{chain.hours[4].logs[0]}\n    its content does not have the hash that CloudTrail signed" in said
    assert "Foreign (1): CloudTrail has not signed for it." in said


def test_json_holds_everything_that_the_text_says(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite_log(chain)

    assert integrity(chain, "--json") == 1

    (found,) = json.loads(capsys.readouterr().out)["chains"]
    assert found["logs"] == {"proven": 23, "altered": 1}
    assert [problem["object"] for problem in found["problems"]] == [str(chain.hours[4].logs[0])]
    assert [time["verdict"] for time in found["times"]] == ["proven", "altered", "proven", "digest not yet due"]


def test_a_command_keeps_no_garbage_from_being_collected(chain: Chain) -> None:
    before = gc.get_freeze_count()

    assert integrity(chain) == 0

    assert gc.get_freeze_count() <= before


@pytest.mark.parametrize(("action", "are_started"), [("check", True), ("export", False)])
def test_processes_that_hash_are_started_only_where_nothing_is_kept(
    action: str,
    are_started: bool,  # noqa: FBT001 - a table
    chain: Chain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[object] = []

    class Counted(read_processes._ReadProcess):
        def __init__(self) -> None:
            started.append(self)
            super().__init__()

    monkeypatch.setattr(read_processes, "_ReadProcess", Counted)
    monkeypatch.setattr("verify.cli.integrity_options._MUCH_TO_READ", timedelta())
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1}, raising=False)

    assert integrity(chain, action, *(["--output", str(tmp_path / "bundle")] if action == "export" else [])) == 0
    assert bool(started) == are_started


def test_quick_reads_no_log(chain: Chain, server: SimulatedAwsServer, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite_log(chain)

    assert integrity(chain, "--quick") == 3

    said = capsys.readouterr().out
    assert said.startswith("NOT KNOWN: Nothing is proven: no log file was read (--quick).")
    assert "12 of 12 digests proven" in said and "only the chain of digests was checked" in said
    assert server.operations.count("GET object") == 12


def test_the_caller_is_asked_for_once(chain: Chain, server: SimulatedAwsServer) -> None:
    integrity(chain)

    assert server.operations.count("GetCallerIdentity") == 1


@pytest.mark.parametrize(
    ("denied", "says"),
    [
        ("list", "s3:ListBucket is denied"),
        ("a log", "s3:GetObject is denied"),
        ("a digest", "s3:GetObject is denied"),
        ("ListPublicKeys", "cloudtrail:ListPublicKeys is denied"),
    ],
)
def test_what_is_denied_is_unknown_and_names_the_permission(
    denied: str, says: str, chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"a log": str(chain.hours[4].logs[0]), "a digest": str(chain.hours[4].name)}
    chain.aws.denied.add(names.get(denied, denied))

    assert integrity(chain) == 3

    said = capsys.readouterr()
    assert says in said.out + said.err
    assert "odified" not in said.out


def test_without_the_trails_status_a_chain_that_ends_early_is_unknown(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    chain.aws.denied.add("GetTrailStatus")
    chain.aws.delete(*(hour.name for hour in chain.hours[-3:]))

    assert integrity(chain) == 3
    assert "cloudtrail:GetTrailStatus is denied" in capsys.readouterr().out


def test_a_network_fault_is_never_tampering(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    try_once(monkeypatch)

    assert integrity(chain, "--region", "us-east-1") == 3
    assert "error:" in capsys.readouterr().err


def test_a_trail_without_a_single_digest_is_not_a_pass(chain: Chain) -> None:
    chain.aws.objects.clear()
    chain.aws.status.clear()

    assert integrity(chain) == 3


def test_where_nothing_is_found_it_says_where_it_looked_and_where_the_trail_delivers(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    assert integrity(chain, "--bucket", "another") == 3

    said = capsys.readouterr().out
    assert "Part of this period is unproven (in us-east-1, from 2026-11-01T00:01:31Z to 2026-11-01T10:31:31Z)" in said
    assert "Nothing of CloudTrail was found below s3://another/AWSLogs/." in said
    assert f"DescribeTrails says that my-trail delivers to s3://{BUCKET}." in said


def test_where_there_is_no_trail_at_all_none_is_to_be_named(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    chain.aws.is_deleted = True

    assert integrity(chain) == 2

    assert "There is no trail in us-east-1. Check --region and the account." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--trail", "no-such-trail"], "There is no trail no-such-trail. Trails in us-east-1: my-trail."),
        (["--since", "1d"], "both say where to begin"),
        (["--end", "2020-01-01"], "not before its end"),
        (["--start", "2100-01-01"], "--start 2100-01-01 is yet to come: it is 2"),
        (["--end", "yesterday"], "is not a moment"),
        (["--source", "/no/such/folder"], "is not a folder"),
        (["--keys", "keys.json"], "for a copy in a folder"),
        (["--source", "s3://"], "--source s3:// does not name a bucket"),
        (["--account", "1"], "--account '1' is not an account: an account ID has 12 digits."),
        (["--region", "mars"], "'mars' is not an AWS region"),
        (["--region", "mars", "--trail", TRAIL_ARN], "'mars' is not an AWS region"),
        (
            ["--account", "444455556666", "--region", "eu-west-1"],
            "--account 444455556666: my-trail is not an organization trail",
        ),
        (["export"], "--output DIR go together"),
        (["--output", "somewhere"], "--output DIR go together"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    options: list[str], says: str, chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    assert integrity(chain, *options) == 2

    assert says in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--account", "444455556666"], ["--region", "eu-west-1"]])
def test_a_copy_that_holds_nothing_of_what_was_asked_for_is_said_to(
    option: list[str], chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert integrity(chain, *copy_of(chain, tmp_path), *option) == 2
    assert f"has no files of the trail for {' '.join(option)}" in capsys.readouterr().err

    assert integrity(chain, "export", "--output", str(tmp_path / "bundle"), "--account", ACCOUNT) == 0
    assert main(["integrity", "--source", str(tmp_path / "bundle"), *option]) == 2


def test_control_characters_in_a_name_do_not_reach_the_terminal(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    day = chain.location.logs_on(HOME, chain.hours[0].start.date())
    chain.aws.put(type(chain.hours[0].name)(BUCKET, f"{day}\x1b[31m[bold]"), b"x", chain.at)

    assert integrity(chain) == 1

    said = capsys.readouterr().out
    assert "\\x1b[31m[bold]" in said and "\x1b" not in said


def save_keys(chain: Chain, path: Path) -> None:
    entries = [
        {
            "Fingerprint": key.fingerprint,
            "Value": base64.b64encode(key.der).decode(),
            "ValidityStartTime": key.valid_from.isoformat(),
            "ValidityEndTime": key.valid_to.timestamp(),
        }
        for key in chain.aws.keys[HOME]
    ]
    path.write_text(json.dumps({"PublicKeyList": entries}))


def copy_of(chain: Chain, folder: Path) -> list[str]:
    """A copy, and the options that validate it up to the last hour that a copied signature can prove."""
    chain.aws.save(folder / "copy")
    save_keys(chain, folder / "keys.json")
    until = f"{chain.hours[-2].end:%Y-%m-%dT%H:%M:%SZ}"
    return ["--source", str(folder / "copy"), "--keys", str(folder / "keys.json"), "--end", until]


def test_a_plain_copy_in_a_folder_is_proven_by_the_signatures_that_digests_hold_of_each_other(
    chain: Chain, server: SimulatedAwsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = copy_of(chain, tmp_path)

    assert integrity(chain, *options, "--account", ACCOUNT, "--regions", HOME) == 0

    assert "the copy of its signature in the digest after it proves it" in capsys.readouterr().out
    assert server.operations == []


def test_a_copy_that_was_edited_is_not_proven(chain: Chain, tmp_path: Path) -> None:
    rewrite_log(chain)

    assert integrity(chain, *copy_of(chain, tmp_path)) == 1


def test_a_copy_without_keys_proves_nothing(chain: Chain, tmp_path: Path) -> None:
    options = copy_of(chain, tmp_path)

    assert integrity(chain, *options[:2], *options[4:]) == 3


@pytest.mark.parametrize("is_at_once", [True, False])
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_has_seen_enough_does_not_change_the_exit_code(
    options: list[str], *, is_at_once: bool, chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with suppress(BrokenPipeError), io.TextIOWrapper(io.FileIO(writer, "w"), write_through=is_at_once) as closed:
        monkeypatch.setattr("sys.stdout", closed)
        assert integrity(chain, *copy_of(chain, tmp_path), *options) == 3
        monkeypatch.undo()


def test_a_copy_in_another_bucket_is_read_from_there(chain: Chain) -> None:
    objects: dict[Any, Any] = dict(chain.aws.objects)
    chain.aws.objects.clear()
    chain.aws.objects |= {type(name)("the-copy", name.key): stored for name, stored in objects.items()}

    assert integrity(chain, "--source", "s3://the-copy") == 0


def test_an_archived_file_is_said_to_be_archived_with_the_command_that_restores_it(
    chain: Chain, server: SimulatedAwsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    name = chain.hours[4].logs[0]

    def archived(handler: BaseHTTPRequestHandler, operation: str) -> bool:
        if operation != "GET object" or name.key not in unquote(handler.path):
            return False
        body = b"<Error><Code>InvalidObjectState</Code><Message>not valid for its class</Message></Error>"
        handler.send_response(403)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    server.instead = archived

    assert integrity(chain) == 3

    said = capsys.readouterr().out
    assert "or a log file could not be read" in said.partition("\n")[0]
    assert f"  {name}\n    it could not be read: it is archived" in said
    assert f"aws s3api restore-object --bucket {name.bucket} --key {name.key} --restore-request Days=7" in said


def test_what_was_altered_is_told_also_where_only_the_trails_arn_names_a_region(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite_log(chain)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)

    assert integrity(chain, "--trail", TRAIL_ARN) == 1


def test_of_a_copy_it_is_not_said_that_the_bucket_has_no_older_version(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bucket that the files' names tell is the trail's, which nobody looked at: it may have the very files."""
    objects = dict(chain.aws.objects)
    rewrite_log(chain)
    chain.aws.objects |= {type(name)("the-copy", name.key): stored for name, stored in chain.aws.objects.items()}
    chain.aws.objects |= objects

    assert integrity(chain, "--source", "s3://the-copy") == 1
    assert "no older version" not in capsys.readouterr().out
