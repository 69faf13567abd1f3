"""What an earlier run proved is not read again, and not believed when anything was written since."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.verify.simulation.scenarios import paused, rewrite_log, trail
from tests.verify.simulation.server import SimulatedAwsServer
from tests.verify.simulation.trail import Chain, regunzip
from verify.cli import main

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
    [
        (rewrite_log, 1),
        (lambda chain: chain.aws.delete(chain.hours[4].logs[0]), 1),
        (lambda chain: chain.aws.delete(chain.hours[4].name), 1),
        (lambda chain: chain.log(chain.hours[4].start), 1),
        (lambda chain: rewrite_log(chain, 55), 1),
        (lambda chain: chain.aws.delete(chain.hours[50].name), 1),
        (touch_log, 0),
    ],
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
