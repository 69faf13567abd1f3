"""An evidence bundle proves offline what was proven when it was made."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.verify.simulation.scenarios import backfilled, inject_log, moved_bucket, paused, rewrite_log, trail
from tests.verify.simulation.server import SimulatedAwsServer
from tests.verify.simulation.trail import HOME, Chain
from verify.cli import main
from verify.integrity.bundle import KEYS, MANIFEST

pytestmark = pytest.mark.regular


@pytest.fixture
def use(serve_chain: Callable[[Chain], Chain]) -> Callable[[Chain], list[str]]:
    def serve(chain: Chain) -> list[str]:
        serve_chain(chain)
        return ["--start", f"{chain.hours[0].start:%Y-%m-%dT%H:%M:%SZ}"]

    return serve


def export(folder: Path, *options: str) -> int:
    return main(["integrity", "export", "--output", str(folder), *options])


def check(folder: Path, *options: str) -> int:
    """With the keys that the export wrote; whoever keeps them elsewhere can check the bundle years later."""
    return main(["integrity", "--source", str(folder / MANIFEST), "--keys", str(folder / KEYS), *options])


@pytest.mark.parametrize("build", [trail, moved_bucket, paused, backfilled])
def test_a_bundle_is_proven_without_asking_anybody(
    build: Callable[[], Chain], use: Callable[[Chain], list[str]], server: SimulatedAwsServer, tmp_path: Path
) -> None:
    assert export(tmp_path, *use(build())) == 0
    server.operations.clear()

    assert check(tmp_path) == 0
    assert server.operations == []


def test_an_export_says_the_fingerprints_of_its_keys_and_keeps_them_beside_the_manifest(
    use: Callable[[Chain], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = trail(4)
    export(tmp_path, *use(chain))

    (key,) = chain.aws.keys[HOME]
    assert f"Fingerprints of the public keys: {key.fingerprint}." in capsys.readouterr().out
    assert [one["Fingerprint"] for one in json.loads((tmp_path / KEYS).read_text())["PublicKeyList"]] == [
        key.fingerprint
    ]


def test_a_bundle_holds_every_byte_the_signatures_and_the_report(
    use: Callable[[Chain], list[str]], tmp_path: Path
) -> None:
    chain = trail(4)
    export(tmp_path, *use(chain))

    for name, stored in chain.aws.objects.items():
        assert (tmp_path / "objects" / name.bucket / name.key).read_bytes() == stored.body
    digest = chain.hours[0].name
    metadata = json.loads((tmp_path / "metadata" / digest.bucket / f"{digest.key}.json").read_text())
    assert metadata["signature"] == chain.hours[0].signature
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "proven"


def test_what_was_wrong_in_the_bucket_is_wrong_in_the_bundle(
    use: Callable[[Chain], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = trail(6)
    rewrite_log(chain)
    inject_log(chain)
    chain.aws.delete(chain.hours[2].logs[0])

    assert export(tmp_path, *use(chain)) == 1
    capsys.readouterr()

    assert check(tmp_path, "--json") == 1
    (found,) = json.loads(capsys.readouterr().out)["chains"]
    assert found["logs"] == {"proven": 10, "foreign": 1, "missing": 1, "altered": 1}


@pytest.mark.parametrize("number", range(3))
def test_a_bundle_that_was_tampered_with_is_not_proven(
    number: int, use: Callable[[Chain], list[str]], tmp_path: Path
) -> None:
    chain = trail(4)
    export(tmp_path, *use(chain))
    files = [chain.hours[1].name, chain.hours[1].logs[0], chain.hours[-1].name]
    path = tmp_path / "objects" / files[number].bucket / files[number].key
    if number == 2:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"\xff")

    assert check(tmp_path) == 1


def test_an_interrupted_export_goes_on_where_it_stopped(
    use: Callable[[Chain], list[str]], server: SimulatedAwsServer, tmp_path: Path
) -> None:
    chain = trail(6)
    options = use(chain)
    chain.aws.denied.add(str(chain.hours[3].logs[0]))
    assert export(tmp_path, *options) == 3
    (tmp_path / MANIFEST).unlink()
    (tmp_path / "partial").mkdir()
    (tmp_path / "partial" / ".partial-half").write_bytes(b"of a file")
    chain.aws.denied.clear()
    server.operations.clear()

    assert export(tmp_path, *options) == 0
    assert server.operations.count("GET object") == 1
    assert check(tmp_path) == 0
    assert not (tmp_path / "partial").exists()


def test_a_finished_bundle_is_not_written_to(use: Callable[[Chain], list[str]], tmp_path: Path) -> None:
    options = use(trail(3))
    export(tmp_path, *options)

    assert export(tmp_path, *options) == 2


@pytest.mark.parametrize("held", ["partial/thesis.txt", "report.json", "objects/mine", "bundle.json", ".hidden"])
def test_a_folder_that_holds_something_else_is_refused_and_not_touched(
    held: str, use: Callable[[Chain], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / held).parent.mkdir(exist_ok=True)
    (tmp_path / held).write_text("years of work")

    assert export(tmp_path, *use(trail(3))) == 2

    said = capsys.readouterr().err
    assert str(tmp_path) in said and held.partition("/")[0] in said and "Name a folder that is new or empty" in said
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / held]
    assert (tmp_path / held).read_text() == "years of work"


def test_a_file_that_was_put_into_an_interrupted_export_is_not_deleted(
    use: Callable[[Chain], list[str]], tmp_path: Path
) -> None:
    options = use(trail(3))
    export(tmp_path, *options)
    (tmp_path / MANIFEST).unlink()
    (tmp_path / "partial").mkdir()
    (tmp_path / "partial" / "thesis.txt").write_text("years of work")

    assert export(tmp_path, *options) == 0
    assert (tmp_path / "partial" / "thesis.txt").read_text() == "years of work"


def test_an_output_that_is_a_file_is_refused_in_one_line(
    use: Callable[[Chain], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    assert export(tmp_path / "file", *use(trail(3))) == 2
    assert "cannot be used: File exists. Name a folder" in capsys.readouterr().err


def test_an_interrupted_export_is_no_evidence_yet(
    use: Callable[[Chain], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(tmp_path, *use(trail(3)))
    (tmp_path / MANIFEST).unlink()
    capsys.readouterr()

    assert check(tmp_path) == 2
    assert "as an export that was interrupted leaves it" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"form": 2}', "[" * 100_000, '{"form": 1, "trail": {}}'])
def test_a_damaged_manifest_is_refused_in_one_line(
    content: str, use: Callable[[Chain], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(tmp_path, *use(trail(3)))
    (tmp_path / MANIFEST).write_text(content)
    capsys.readouterr()

    assert check(tmp_path) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_a_bundle_of_an_earlier_form_is_refused_and_the_program_to_check_it_with_is_said(
    use: Callable[[Chain], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its fields have other names, so it must not look damaged."""
    export(tmp_path, *use(trail(3)))
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["territories"] = manifest.pop("accountRegions")
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "form": 2}))
    capsys.readouterr()

    assert check(tmp_path) == 2
    said = capsys.readouterr().err
    assert "its form is 2, and this program knows 7" in said and "with the version that made it" in said


def test_a_bundle_of_a_period_that_ends_in_a_pause_of_days_holds_what_tells_of_the_pause(
    use: Callable[[Chain], list[str]], tmp_path: Path
) -> None:
    chain = trail(5)
    chain.pause(70)
    chain.run(5)
    end = f"{chain.hours[0].start + timedelta(hours=20):%Y-%m-%dT%H:%M:%SZ}"

    assert export(tmp_path, *use(chain), "--end", end) == 0
    assert check(tmp_path) == 0
