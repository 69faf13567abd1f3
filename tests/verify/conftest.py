"""What the tests of several folders of the verifier share: servers in AWS's place, and chains that they serve."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.aws_environment import use_clean_aws_environment
from tests.verify.simulation.aws_double import AwsDouble, running_double
from tests.verify.simulation.server import SimulatedAwsServer, running_simulation
from tests.verify.simulation.trail import Chain

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folders made in it have names that nobody can foresee
_ENOUGH_BYTES = 2**30


def _in_memory() -> Path | None:
    if not os.access(_SHARED_MEMORY, os.W_OK):
        return None
    found = os.statvfs(_SHARED_MEMORY)
    has_room = found.f_bavail * found.f_frsize > _ENOUGH_BYTES
    return _SHARED_MEMORY if has_room and not found.f_flag & os.ST_NOEXEC else None


_IN_MEMORY = _in_memory()


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory, where a machine has room there: these tests write tens of thousands of small files."""
    folder = tempfile.TemporaryDirectory(prefix="verify-", dir=_IN_MEMORY, ignore_cleanup_errors=True)
    yield Path(folder.name).resolve()
    try:
        folder.cleanup()
    except RecursionError:  # folders a thousand deep
        subprocess.run(["rm", "-rf", folder.name], check=False)


@pytest.fixture
def clean_aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, settings or endpoints of whoever runs the tests."""
    use_clean_aws_environment(monkeypatch)


@pytest.fixture
def server() -> Iterator[SimulatedAwsServer]:
    """A simulated trail behind HTTP."""
    with running_simulation() as running:
        yield running


@pytest.fixture
def serve_chain(server: SimulatedAwsServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[Chain], Chain]:
    """Let the server serve a chain, of a trail in one region, and let it be half an hour after its last digest."""

    def serve(chain: Chain) -> Chain:
        # Deployed in one region only, so that EC2 is not asked for the others.
        chain.aws.trail["IsMultiRegionTrail"] = False
        server.aws = chain.aws
        monkeypatch.setattr("verify.cli.integrity.now", lambda: chain.at + timedelta(minutes=30))
        return chain

    return serve


@pytest.fixture
def aws() -> Iterator[AwsDouble]:
    """An event history behind HTTP."""
    with running_double() as double:
        yield double


@pytest.fixture
def fast_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of something else than the rate; test_search and test_history test the real one."""
    monkeypatch.setattr("verify.events.history.LOOKUPS_PER_SECOND", 100.0)
