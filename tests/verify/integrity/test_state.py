"""What an earlier run proved is not read again, and not believed when anything was written since."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiers import mostly_slow
from tests.verify.simulation.api import Api, check_bucket, since
from tests.verify.simulation.scenarios import paused, rewrite_log, trail
from tests.verify.simulation.server import SimulatedAwsServer
from tests.verify.simulation.trail import BUCKET, HOUR, Chain, Delivered, regunzip
from verify.cli import main
from verify.errors import UsageError
from verify.integrity.timeline.verdict import Verdict
from verify.storage.objects import ObjectName

pytestmark = pytest.mark.regular

Check = Callable[..., int]


@pytest.fixture
def chain(serve_chain: Callable[[Chain], Chain]) -> Chain:
    return serve_chain(trail(60))


@pytest.fixture
def check(chain: Chain, server: SimulatedAwsServer, tmp_path: Path) -> Check:
    def run(*options: str) -> int:
        server.operations.clear()
        start = f"{chain.hours[0].start:%Y-%m-%dT%H:%M:%SZ}"
        return main(["integrity", "--start", start, "--state", str(tmp_path / "state.json"), *options])

    return run


def test_the_second_run_reads_only_what_is_new(
    chain: Chain, check: Check, server: SimulatedAwsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check() == 0
    assert server.operations.count("GET object") == 180
    chain.run(3)
    capsys.readouterr()

    assert check() == 0
    # The last day is read again, and the digests around midnight.
    assert server.operations.count("GET object") < 90
    assert "proven by an earlier run" in capsys.readouterr().out


def test_a_time_without_logging_is_not_proven_by_an_earlier_run_either(
    serve_chain: Callable[[Chain], Chain], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = serve_chain(paused())
    chain.run(30)
    found = []
    for hours in (0, 3, 24):
        chain.run(hours)
        options = ["--start", f"{chain.hours[0].start:%Y-%m-%dT%H:%M:%SZ}", "--state", str(tmp_path / "state.json")]
        assert main(["integrity", "--json", *options]) == 0
        (said,) = json.loads(capsys.readouterr().out)["chains"]
        found.append([time for time in said["times"] if time["verdict"] == "not logged"])

    assert found[0] and "logging was off: StopLogging" in found[0][0]["reason"]
    assert found[0] == found[1] == found[2]
    assert [time["verdict"] for time in said["times"]] == [
        "proven",
        "not logged",
        "proven",
        "proven",
        "digest not yet due",
    ]


def test_a_state_file_of_before_times_were_remembered_is_refused_in_one_line(
    check: Check, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state.json").write_text('{"form": 2, "trail": "any", "chains": []}')

    assert check() == 2
    assert "was written by another version" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "says"), [("", "Is a directory. Name a file"), ("nope/state.json", "is not a folder")]
)
def test_a_state_that_could_not_be_saved_is_refused_before_anything_is_read(
    path: str, says: str, check: Check, server: SimulatedAwsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check("--state", str(tmp_path / path)) == 2

    said = capsys.readouterr().err
    assert says in said and "Errno" not in said and ".partial" not in said
    assert server.operations.count("GET object") == 0


def test_an_export_has_no_use_for_a_state(tmp_path: Path) -> None:
    assert main(["integrity", "export", "--output", str(tmp_path / "new"), "--state", str(tmp_path / "state")]) == 2


def touch_log(chain: Chain) -> None:
    """The same content, written again: harmless, but only reading it can tell."""
    name = chain.hours[4].logs[0]
    chain.aws.edit(name, body=regunzip(chain.aws.objects[name].body))


@pytest.mark.parametrize(
    ("tamper", "exit_code"),
    mostly_slow(
        [
            (rewrite_log, 1),
            (lambda chain: chain.aws.delete(chain.hours[4].logs[0]), 1),
            (lambda chain: chain.aws.delete(chain.hours[4].name), 1),
            (lambda chain: chain.log(chain.hours[4].start), 1),
            (lambda chain: rewrite_log(chain, 55), 1),
            (lambda chain: chain.aws.delete(chain.hours[50].name), 1),
            (touch_log, 0),
        ],
        every=3,
    ),
)
def test_what_is_written_after_it_was_proven_is_read_again(
    tamper: Callable[[Chain], object], exit_code: int, chain: Chain, check: Check
) -> None:
    assert check() == 0
    tamper(chain)

    assert check() == exit_code
    assert check() == exit_code


def test_a_chain_that_does_not_lead_to_what_was_proven_is_not_proven(
    chain: Chain, check: Check, tmp_path: Path
) -> None:
    check()
    chain.run(2)
    state = json.loads((tmp_path / "state.json").read_text())
    state["chains"][0]["sha256"] = "0" * 64
    (tmp_path / "state.json").write_text(json.dumps(state))

    assert check() == 1


def test_a_period_that_begins_earlier_is_validated_from_its_start(
    chain: Chain, check: Check, server: SimulatedAwsServer, tmp_path: Path
) -> None:
    state = str(tmp_path / "state.json")
    start = f"{chain.hours[30].start:%Y-%m-%dT%H:%M:%SZ}"
    assert main(["integrity", "--start", start, "--state", state]) == 0

    assert check() == 0
    assert server.operations.count("GET object") == 180


def test_nothing_is_remembered_of_a_chain_with_a_problem(chain: Chain, check: Check, tmp_path: Path) -> None:
    rewrite_log(chain)

    assert check() == 1
    assert json.loads((tmp_path / "state.json").read_text())["chains"] == []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        '{"form": 1, "trail": "arn", "chains": []}',
        '{"form": 3, "trail": "another", "chains": []}',
        "root:x:0:0:root",
    ],
)
def test_a_state_file_that_is_no_use_is_refused_in_one_line(
    content: str, check: Check, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state.json").write_text(content)

    assert check() == 2
    assert "--state" in capsys.readouterr().err


# ---- what was proven is not forgotten ------------------------------------------------------------------------------


def gone(chain: Chain, state: Path, *backfills: Delivered) -> int:
    """How many backfill digests are missed, once these and their logs are deleted."""
    for backfill in backfills:
        chain.aws.delete(backfill.name, *backfill.logs)
    asked = {"start": since(chain)}
    result = check_bucket(Api(chain.aws), chain.at + HOUR / 2, state=state, **asked)  # type: ignore[arg-type]
    assert result.exit_code == (1 if result.chains[0].tally.backfills[Verdict.MISSING] else 0)
    return result.chains[0].tally.backfills[Verdict.MISSING]


def test_a_backfill_digest_of_the_newest_day_is_remembered(tmp_path: Path) -> None:
    chain = trail(60)
    backfill = chain.backfill(chain.hours[49])
    chain.run(6)

    assert gone(chain, tmp_path / "state") == 0
    assert gone(chain, tmp_path / "state", backfill) == 1


def test_the_newest_backfill_digest_of_before_a_pause_is_remembered_as_well(tmp_path: Path) -> None:
    chain = trail(30)
    before = chain.backfill(chain.hours[5])
    chain.pause(4)
    chain.run(10)
    chain.backfill(chain.hours[-3])
    chain.run(20)

    assert gone(chain, tmp_path / "state") == 0
    assert gone(chain, tmp_path / "state", before) == 1


def test_a_run_that_ends_earlier_takes_nothing_from_what_is_remembered(tmp_path: Path) -> None:
    chain = trail(60)
    backfill, state = chain.backfill(chain.hours[30]), tmp_path / "state"
    chain.run(6)
    assert gone(chain, state) == 0
    remembered = state.read_text()

    now = chain.at + HOUR / 2
    check_bucket(Api(chain.aws), now, state=state, start=since(chain), end="2026-11-02T02:00:00Z")

    assert state.read_text() == remembered
    assert gone(chain, state, backfill) == 1


def test_a_state_file_belongs_to_one_source(tmp_path: Path) -> None:
    chain, state = trail(60), tmp_path / "state"
    now = chain.at + HOUR / 2
    for name, stored in list(chain.aws.objects.items()):
        chain.aws.objects[ObjectName("replica", name.key)] = stored
    assert gone(chain, state) == 0
    with pytest.raises(UsageError, match="each source has its own"):
        check_bucket(Api(chain.aws), now, state=state, start=since(chain), source="s3://replica")

    of_copy = tmp_path / "of-copy"
    for _ in range(2):
        check_bucket(Api(chain.aws), now, state=of_copy, start=since(chain), source="s3://replica")
    with pytest.raises(UsageError, match="the copy in s3://replica"):
        check_bucket(Api(chain.aws), now, state=of_copy, start=since(chain))
    # A trail that was given another bucket, or is gone, is the same source.
    check_bucket(Api(chain.aws), now, state=state, start=since(chain), bucket=BUCKET)


@pytest.mark.parametrize("source", ["copy", "copy/bundle.json"])
def test_of_a_folder_or_a_bundle_nothing_is_remembered(
    source: str, check: Check, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check() == 0
    remembered = (tmp_path / "state.json").read_text()

    assert check("--source", str(tmp_path / source)) == 2
    assert "--state is for the trail's bucket" in capsys.readouterr().err
    assert (tmp_path / "state.json").read_text() == remembered
