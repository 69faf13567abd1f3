"""An AWS of one's own on the loopback interface, and an environment that leads nowhere else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.config import Config

from tests.verify.integrity.server import WorldServer, serve
from tests.verify.integrity.world import World


def try_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody answers, the second attempt only takes time."""
    once = {"retries": {"total_max_attempts": 1}}
    monkeypatch.setattr("verify.aws.Config", lambda **options: Config(**(options | once)))


@contextmanager
def world_of_our_own(folder: Path) -> Iterator[WorldServer]:
    """A running server, and an environment that leads to nothing else."""
    with serve(World()) as running, pytest.MonkeyPatch.context() as monkeypatch:
        # The AWS CLI finds its own data by AWS_DATA_PATH, which it sets when it is imported.
        for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_DATA_PATH"]:
            monkeypatch.delenv(name)
        for name, value in {
            "AWS_ENDPOINT_URL": running.url,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(folder / "none"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WorldServer]:
    with world_of_our_own(tmp_path) as running:
        yield running
