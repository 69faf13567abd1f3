"""The AWS CLI as the judge: the same files behind the same server, validated by both."""

from __future__ import annotations

import argparse
from datetime import timedelta

import awscli.clidriver
import pytest

from tests.verify.integrity.scenarios import Scenario
from tests.verify.integrity.server import WorldServer
from tests.verify.integrity.table import ALL, BOTH_SEE, CLEAN, DIFFERENT
from tests.verify.integrity.world import HOME, TRAIL_ARN, Chain
from verify.cli import integrity
from verify.cli.common import Terminal


def period(chain: Chain) -> list[str]:
    end = chain.at + timedelta(minutes=30)
    return [f"{chain.hours[0].start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}"]


def run_aws_cli(chain: Chain) -> int:
    start, end = period(chain)
    member = ["--account-id", chain.account] if chain.world.organization else []
    arguments = ["cloudtrail", "validate-logs", "--trail-arn", TRAIL_ARN, "--start-time", start, "--end-time", end]
    return int(awscli.clidriver.create_clidriver().main([*arguments, "--region", chain.region, *member]))


def run_ours(chain: Chain) -> int:
    start, end = period(chain)
    region = ["--region", chain.region] if chain.region != HOME else []
    parser = argparse.ArgumentParser()
    integrity.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["integrity", "--start", start, "--end", end, *region])
    return integrity.run(arguments, Terminal.standard())


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_both_say_what_the_table_says(
    scenario: Scenario, server: WorldServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = scenario.build()
    server.world = chain.world
    monkeypatch.setattr("verify.cli.integrity.now", lambda: chain.at + timedelta(minutes=30))

    assert (run_ours(chain), run_aws_cli(chain)) == (scenario.exit_code, scenario.cli_exit_code)


def test_the_table_is_large_enough_and_explains_every_difference() -> None:
    assert len(ALL) >= 30 and len(CLEAN) >= 10 and len(BOTH_SEE) >= 20
    assert all(scenario.difference for scenario in DIFFERENT)
    assert all(scenario.exit_code == scenario.cli_exit_code for scenario in CLEAN + BOTH_SEE)
