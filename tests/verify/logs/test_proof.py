"""``--proven-only``: only files that the digest chain vouches for, parsed from the bytes that were judged."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.tiers import mostly_slow
from tests.verify.integrity.test_copies import save_keys
from tests.verify.simulation.scenarios import inject_log, rewrite_log, trail
from tests.verify.simulation.trail import ACCOUNT, HOME, Chain, event
from verify.cli import main
from verify.storage.gzip_content import Content, content_of
from verify.times import iso

pytestmark = pytest.mark.regular

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def chain(serve_chain: Callable[[Chain], Chain], monkeypatch: pytest.MonkeyPatch) -> Chain:
    served = serve_chain(trail(6))
    monkeypatch.setattr("verify.cli.logs.now", lambda: served.at + timedelta(minutes=30))
    return served


def ask(chain: Chain, *options: str, until: int = -1) -> int:
    start, end = iso(chain.hours[0].start), iso(chain.hours[until].end)
    sql = "SELECT count(*) AS events FROM events"
    return main(["logs", "query", sql, "--proven-only", "--start", start, "--end", end, *options])


def test_of_an_untouched_trail_every_event_is_proven(chain: Chain, capsys: Capture) -> None:
    assert ask(chain) == 0

    printed = capsys.readouterr()
    assert printed.out == "events\n12\n"
    assert "Rests on 12 proven events of 12 proven files" in printed.err


def test_an_altered_file_is_read_and_left_out(chain: Chain, capsys: Capture) -> None:
    rewrite_log(chain)

    assert ask(chain) == 3

    printed = capsys.readouterr()
    assert printed.out == "events\n11\n"
    assert f"{chain.hours[4].logs[0]} (its content does not have the hash that CloudTrail signed)" in printed.err
    assert "12 files with" in printed.err


def test_a_file_that_nobody_signed_for_is_left_out(chain: Chain, capsys: Capture) -> None:
    inject_log(chain)

    assert ask(chain) == 3

    printed = capsys.readouterr()
    assert printed.out == "events\n12\n"
    assert "Left out, foreign" in printed.err


@pytest.mark.slow
def test_without_the_digest_its_files_are_left_out(chain: Chain, capsys: Capture) -> None:
    chain.aws.delete(chain.hours[-1].name)

    assert ask(chain) == 3

    assert int(capsys.readouterr().out.split()[1]) < 12


@pytest.mark.slow
def test_what_is_not_signed_yet_is_left_out_and_told(chain: Chain, capsys: Capture) -> None:
    chain.log(chain.at + timedelta(minutes=5), event("Late", chain.at))

    code = main(["logs", "query", "SELECT count(*) FROM events", "--proven-only", "--start", iso(chain.hours[0].start)])

    printed = capsys.readouterr()
    assert (code, printed.out.split()[1]) == (3, "12")
    assert "CloudTrail has not signed for everything yet" in printed.err


def test_what_has_no_digests_at_all_is_left_out_and_told(chain: Chain, capsys: Capture) -> None:
    signed = chain.hours[2].logs[0]
    key = signed.key.replace("/CloudTrail/", "/CloudTrail-NetworkActivity/")
    chain.aws.objects[replace(signed, key=key)] = chain.aws.objects[signed]

    assert ask(chain) == 0

    printed = capsys.readouterr()
    assert printed.out == "events\n12\n"
    assert f"{ACCOUNT}: CloudTrail-NetworkActivity is left out." in printed.err


@pytest.mark.slow
def test_two_files_in_one_are_not_what_was_signed(chain: Chain, capsys: Capture) -> None:
    name = chain.hours[3].logs[0]
    stored = chain.aws.objects[name]
    forged: Any = json.dumps({"Records": [{"eventName": "Forged"}]}).encode()
    chain.aws.edit(name, body=stored.body + gzip.compress(forged))

    assert ask(chain) == 3

    assert capsys.readouterr().out == "events\n11\n"


def test_a_bundle_is_proven_by_keys_that_were_kept_apart(chain: Chain, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    start, end = iso(chain.hours[0].start), iso(chain.hours[-1].end)
    assert main(["integrity", "export", "--start", start, "--end", end, "--output", str(out)]) == 0
    capsys.readouterr()
    options = ["logs", "query", "SELECT count(*) FROM events", "--proven-only", "--in", str(out / "bundle.json")]

    assert main([*options, "--keys", str(out / "keys.json")]) == 0
    assert capsys.readouterr().out.split() == ["count_star()", "12"]

    assert main(options) == 3
    assert "Proven only if the keys are AWS's" in capsys.readouterr().err

    # Each region has keys of its own, so there may be several files of them.
    (tmp_path / "more.json").write_text(
        json.dumps({"PublicKeyList": json.loads((out / "keys.json").read_bytes())["PublicKeyList"]})
    )
    assert main([*options, "--keys", str(out / "keys.json"), "--keys", str(tmp_path / "more.json")]) == 0


def test_a_file_that_was_put_into_a_bundle_is_a_hole(chain: Chain, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    start, end = iso(chain.hours[0].start), iso(chain.hours[-1].end)
    assert main(["integrity", "export", "--start", start, "--end", end, "--output", str(out)]) == 0
    (out / "objects" / "planted").write_bytes(b"x")
    capsys.readouterr()
    options = ["logs", "query", "SELECT count(*) FROM events", "--proven-only", "--in", str(out / "bundle.json")]

    assert main([*options, "--keys", str(out / "keys.json")]) == 3
    said = capsys.readouterr()
    assert said.out.split() == ["count_star()", "12"]
    assert "the export did not put it there" in said.err


def test_a_log_file_that_no_digest_lists_yet_is_missed_in_a_bundle(
    chain: Chain, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "out"
    late, _ = chain.log(chain.at + timedelta(minutes=5), event("Late", chain.at))
    main(["integrity", "export", "--start", iso(chain.hours[0].start), "--output", str(out)])
    options = ["logs", "query", "SELECT count(*) AS n FROM events", "--in", str(out / "bundle.json")]
    assert main(options) == 3
    assert "no digest covers the time yet" in capsys.readouterr().err

    (out / "objects" / late.bucket / late.key).unlink()

    assert main(options) == 3
    said = capsys.readouterr()
    assert said.out.split() == ["n", "12"]
    assert f"1 log files that the export kept are gone: {late}." in said.err


def test_a_bundle_says_nothing_of_the_time_after_it_was_made(
    chain: Chain, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    start, later = iso(chain.hours[0].start), chain.at + timedelta(days=10)
    assert main(["integrity", "export", "--start", start, "--output", str(out)]) == 0
    made = iso(datetime.fromisoformat(json.loads((out / "bundle.json").read_bytes())["madeAt"]))
    monkeypatch.setattr("verify.cli.logs.now", lambda: later)
    options = ["logs", "query", "SELECT count(*) AS n FROM events", "--in", str(out / "bundle.json"), "--start", start]

    capsys.readouterr()
    assert main([*options, "--end", iso(later)]) == 3
    assert f"{made} to {iso(later)}: the bundle's export did not look at that time." in capsys.readouterr().err

    assert main(options) == 3
    told = capsys.readouterr().err
    assert f"{start} to {made}." in told
    assert "did not look at that time" not in told


def said(capsys: Capture) -> tuple[str, list[str]]:
    """What was printed, without the lines that a slow machine gets: how far it is."""
    printed = capsys.readouterr()
    return printed.out, [line for line in printed.err.splitlines() if not line.startswith("read so far: ")]


def change_nothing(chain: Chain) -> None:
    """As it was."""


def lose_a_digest(chain: Chain) -> None:
    chain.aws.delete(chain.hours[-1].name)


@pytest.mark.parametrize(
    ("harm", "reads"),
    mostly_slow([(rewrite_log, 12), (change_nothing, 0), (inject_log, 0), (lose_a_digest, 0)], 4),
)
def test_a_store_remembers_hashes_and_each_file_is_judged_anew(
    harm: Callable[[Chain], object],
    reads: int,
    chain: Chain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    cache = ("--cache-dir", str(tmp_path / "cache"))
    assert ask(chain, *cache) == 0
    harm(chain)
    capsys.readouterr()
    plain = ask(chain), said(capsys)
    read = 0

    def counting(*arguments: Any, **options: Any) -> Content:
        nonlocal read
        read += 1
        return content_of(*arguments, **options)

    monkeypatch.setattr("verify.logs.proof.content_of", counting)

    assert (ask(chain, *cache), said(capsys)) == plain
    assert read == reads


@pytest.mark.slow
def test_a_copy_is_proven_by_the_keys_that_are_given(chain: Chain, tmp_path: Path, capsys: Capture) -> None:
    chain.aws.save(tmp_path)

    assert ask(chain, "--in", str(tmp_path), "--region", HOME) == 3

    assert "No time of the period is proven." in capsys.readouterr().err


@pytest.mark.parametrize("cache", mostly_slow([True, False], 2))
def test_of_a_copy_what_its_digests_prove_is_read_by_whatever_name_it_has_there(
    *, cache: bool, chain: Chain, tmp_path: Path, capsys: Capture
) -> None:
    chain.aws.save(tmp_path / "copy")
    keys = save_keys(chain, tmp_path / "keys.json")
    options = ["--in", str(tmp_path / "copy"), "--account", ACCOUNT, "--region", HOME, "--keys", keys]
    options += ["--cache-dir", str(tmp_path / "cache")] if cache else []

    for _ in range(2):
        assert ask(chain, *options, until=-2) == 0  # without metadata, a digest is proven by its successor
        printed = capsys.readouterr()
        assert printed.out == "events\n10\n"
        assert "Rests on 10 proven events of 10 proven files" in printed.err


@pytest.mark.parametrize("options", [("--in", __file__), ("--in", str(Path(__file__).parent))])
def test_what_has_no_digests_cannot_be_proven(options: tuple[str, ...], capsys: Capture) -> None:
    assert main(["logs", "stats", "--proven-only", *options]) == 2

    assert "--proven-only" in capsys.readouterr().err


def test_keys_without_a_question_of_proof_are_wrong_usage(capsys: Capture) -> None:
    assert main(["logs", "stats", "--in", __file__, "--keys", "x"]) == 2

    assert "--proven-only" in capsys.readouterr().err
