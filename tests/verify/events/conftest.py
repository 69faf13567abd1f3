"""What the tests of the event history share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.verify.events.aws_double import AwsDouble, serve

STRATUS = Path(__file__).parents[3].parent / "shared" / "datasets" / "stratus-attack"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AwsDouble]:
    """An AWS of one's own on the loopback interface, and an environment that leads nowhere else."""
    double = AwsDouble()
    server = serve(double)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": double.url,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    yield double
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def quick_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of something else than the pace; test_search and test_pacing hold the real one."""
    monkeypatch.setattr("verify.events.history.LOOKUPS_PER_SECOND", 100.0)
