"""The AWS CLI as the judge: the same files behind the same server, validated by both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from awscli.clidriver import create_clidriver

from tests.tiers import mostly_slow
from tests.verify.simulation.scenario_table import ALL, BOTH_SEE, CLEAN, DIFFERENT
from tests.verify.simulation.scenarios import Scenario
from tests.verify.simulation.server import SimulatedAwsServer, running_simulation
from tests.verify.simulation.trail import HOME, TRAIL_ARN, Chain
from verify.cli import main

pytestmark = pytest.mark.regular


def period(chain: Chain) -> list[str]:
    end = chain.at + timedelta(minutes=30)
    return [f"{chain.hours[0].start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}"]


@pytest.fixture(scope="module")
def shared_server() -> Iterator[SimulatedAwsServer]:
    with running_simulation() as running:
        yield running


def run_aws_cli(chain: Chain) -> int:
    start, end = period(chain)
    member = ["--account-id", chain.account] if chain.aws.organization else []
    arguments = ["cloudtrail", "validate-logs", "--trail-arn", TRAIL_ARN, "--start-time", start, "--end-time", end]
    # Made anew: the command goes on counting where its last run stopped.
    return int(create_clidriver().main([*arguments, "--region", chain.region, *member]))


def run_ours(chain: Chain) -> int:
    start, end = period(chain)
    region = ["--region", chain.region] if chain.region != HOME else []
    return main(["integrity", "--start", start, "--end", end, *region])


@pytest.mark.parametrize("scenario", mostly_slow(ALL, every=8), ids=lambda scenario: scenario.name)
def test_both_say_what_the_table_says(
    scenario: Scenario, shared_server: SimulatedAwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = scenario.build()
    shared_server.aws = chain.aws
    monkeypatch.setattr("verify.cli.integrity.now", lambda: chain.at + timedelta(minutes=30))

    assert (run_ours(chain), run_aws_cli(chain)) == (scenario.exit_code, scenario.cli_exit_code)


def test_the_table_is_large_enough_and_explains_every_difference() -> None:
    assert len(ALL) >= 30 and len(CLEAN) >= 10 and len(BOTH_SEE) >= 20
    assert all(scenario.difference for scenario in DIFFERENT)
    assert all(scenario.exit_code == scenario.cli_exit_code for scenario in CLEAN + BOTH_SEE)
