"""The AWS CLI as the judge: the same files behind the same server, validated by both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from awscli.clidriver import create_clidriver

from tests.verify.integrity.conftest import world_of_our_own
from tests.verify.integrity.scenarios import Scenario
from tests.verify.integrity.server import WorldServer
from tests.verify.integrity.table import ALL, BOTH_SEE, CLEAN, DIFFERENT
from tests.verify.integrity.world import HOME, TRAIL_ARN, Chain
from verify.cli import main

pytestmark = pytest.mark.regular


def period(chain: Chain) -> list[str]:
    end = chain.at + timedelta(minutes=30)
    return [f"{chain.hours[0].start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}"]


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldServer]:
    with world_of_our_own(tmp_path_factory.mktemp("aws")) as running:
        yield running


def run_aws_cli(chain: Chain) -> int:
    start, end = period(chain)
    member = ["--account-id", chain.account] if chain.world.organization else []
    arguments = ["cloudtrail", "validate-logs", "--trail-arn", TRAIL_ARN, "--start-time", start, "--end-time", end]
    # Made anew: the command goes on counting where its last run stopped.
    return int(create_clidriver().main([*arguments, "--region", chain.region, *member]))


def run_ours(chain: Chain) -> int:
    start, end = period(chain)
    region = ["--region", chain.region] if chain.region != HOME else []
    return main(["integrity", "--start", start, "--end", end, *region])


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_both_say_what_the_table_says(
    scenario: Scenario, shared_server: WorldServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = scenario.build()
    shared_server.world = chain.world
    monkeypatch.setattr("verify.cli.integrity.now", lambda: chain.at + timedelta(minutes=30))

    assert (run_ours(chain), run_aws_cli(chain)) == (scenario.exit_code, scenario.cli_exit_code)


def test_the_table_is_large_enough_and_explains_every_difference() -> None:
    assert len(ALL) >= 30 and len(CLEAN) >= 10 and len(BOTH_SEE) >= 20
    assert all(scenario.difference for scenario in DIFFERENT)
    assert all(scenario.exit_code == scenario.cli_exit_code for scenario in CLEAN + BOTH_SEE)
