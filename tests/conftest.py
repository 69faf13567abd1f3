"""What every test shares."""

import functools
import gc
import math
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import botocore.loaders
import pytest
from hypothesis import HealthCheck, settings

from tests.tiers import TIERS, is_worth_reading, tier_of, turn_of

# CDK's own template validation costs seconds at each first synth. `cdk synth` runs with it on (tests/cdk/test_app.py);
# the variable must be set before aws_cdk is imported.
os.environ["CDK_VALIDATION"] = "false"

# Every session of botocore, and so every run of a command in this process, would parse the service models anew.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)

# A shell that starts this run in the background makes it ignore Ctrl-C, and with it every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow machine is no finding. `make test-slow` looks for longer, `make test-fast` not as long.
settings.register_profile(
    "usual", deadline=None, max_examples=80, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("usual"), max_examples=300)
settings.register_profile("brief", settings.get_profile("usual"), max_examples=15)
settings.load_profile("usual")


def pytest_configure(config: pytest.Config) -> None:
    """While somebody writes, a few examples of each property say enough."""
    if config.option.markexpr == "fast" and not config.option.hypothesis_profile:
        settings.load_profile("brief")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Ten thousand tests and all modules stay to the end, so that the collector need not look through them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


# AWS's clients and their thread pools hold each other, so only the collector closes what they have open.
_MANY_DESCRIPTORS = 400
_GZIP = b"\x1f\x8b"


def pytest_runtest_teardown() -> None:
    """Close what a command that ran in this process has left open, before a program that is started has no room."""
    descriptors = Path("/proc/self/fd")
    if descriptors.is_dir() and len(list(descriptors.iterdir())) > _MANY_DESCRIPTORS:
        gc.collect()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: a third of the time goes by waiting for labs and other programs."""
    return (os.process_cpu_count() if hasattr(os, "process_cpu_count") else len(os.sched_getaffinity(0))) + 1


@pytest.fixture(scope="session", autouse=True)
def no_progress() -> Iterator[None]:
    """On a slow machine no progress stands among what a command says; ``test_progress`` shows it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("verify.cli.progress._SILENT_SECONDS", math.inf)
        yield


def pytest_make_parametrize_id(val: object) -> str | None:
    """Packed content holds the time at which it was packed, and each worker must find the same tests."""
    return "gzip" if isinstance(val, bytes) and val.startswith(_GZIP) else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Every test is of one tier: of its own mark, else of its folder's."""
    if not any(item.get_closest_marker(tier) for tier in TIERS):
        item.add_marker(tier_of(item.path.relative_to(item.config.rootpath)))
    # SEED shuffles the files. The tests of one file come in its order: some go on from what the one before left, such
    # as a trail that moves to another bucket in the end.
    item.add_marker(pytest.mark.random_order(disabled=True))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files come first, also of those that SEED has shuffled."""
    items.sort(key=lambda item: turn_of(item.path.relative_to(config.rootpath)))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """``-m fast`` looks at the files that may hold such tests."""
    wanted = config.option.markexpr
    skips = wanted in TIERS and not is_worth_reading(collection_path, wanted, config.rootpath)
    return True if skips else None
