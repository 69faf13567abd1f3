"""A period that ended long ago: what came after it tells what it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.verify.simulation.api import Api, check_bucket
from tests.verify.simulation.in_memory import validate
from tests.verify.simulation.scenarios import organization, trail
from tests.verify.simulation.server import SimulatedAwsServer
from tests.verify.simulation.trail import HOUR, START, Chain
from verify.aws import Aws
from verify.integrity.timeline.verdict import Verdict
from verify.storage.s3 import S3ObjectStore


def paused_for_days() -> Chain:
    chain = trail(5)
    chain.pause(70)
    chain.run(5)
    return chain


@pytest.mark.parametrize("hours", [7, 20, 40])
def test_a_period_that_ends_in_a_pause_of_days_is_not_taken_for_one_that_was_cut(hours: int) -> None:
    chain = paused_for_days()

    result = validate(chain, end=chain.hours[0].start + hours * HOUR, history_from=START - HOUR)

    assert result.exit_code == 0
    assert [judged.verdict for judged in result.chains[0].periods] == [Verdict.PROVEN, Verdict.NOT_LOGGED]


def test_a_pause_that_only_signed_logs_tell_of_is_not_known_to_have_been_one_pause() -> None:
    """Logging may have been on for some of it, and all of that removed: the logs around it are the same."""
    chain = paused_for_days()

    result = validate(chain, end=chain.hours[0].start + 20 * HOUR, history_from=None)

    assert result.exit_code == 3
    gap = result.chains[0].periods[1]
    assert gap.verdict is Verdict.UNPROVEN
    assert "StopLogging by" in gap.reason and "StartLogging by" in gap.reason


def test_digests_that_were_removed_before_a_pause_are_missed_also_in_a_period_of_the_past() -> None:
    chain = paused_for_days()
    chain.aws.delete(chain.hours[4].name, chain.hours[5].name)

    result = validate(chain, end=chain.hours[0].start + 20 * HOUR, history_from=START - HOUR)

    assert result.exit_code == 1
    assert Verdict.MISSING in {judged.verdict for judged in result.chains[0].periods}


def test_all_digests_of_days_are_missed_by_the_link_of_the_next_one() -> None:
    chain = trail(100)
    chain.aws.delete(*(hour.name for hour in chain.hours[6:70]))

    result = validate(chain, end=chain.hours[20].end)

    assert result.exit_code == 1
    assert [judged.verdict for judged in result.chains[0].periods] == [Verdict.PROVEN, Verdict.MISSING]


def test_a_trail_that_was_switched_off_for_good_is_looked_at_no_further_than_its_last_digest() -> None:
    chain = trail(5)
    chain.aws.status[chain.region] |= {"IsLogging": False, "StopLoggingTime": chain.at - timedelta(minutes=5)}

    result = validate(chain, end=chain.at + 30 * HOUR, now=chain.at + 5000 * HOUR, history_from=None)

    assert [judged.verdict for judged in result.chains[0].periods] == [Verdict.PROVEN, Verdict.NOT_LOGGED]


def test_the_past_of_an_organizations_trail_is_proven() -> None:
    chain = organization()

    assert validate(chain, end=chain.hours[-2].end, now=chain.at + 20 * HOUR).exit_code == 0


def test_a_month_of_years_ago_in_which_nothing_lies_takes_five_listings_of_a_region(server: SimulatedAwsServer) -> None:
    chain = trail(70)
    server.aws = chain.aws
    regions = sorted({chain.region, *chain.aws.keys})

    result = check_bucket(Api(chain.aws), chain.at, store=S3ObjectStore(Aws()), start="2019-03-01", end="2019-03-31")

    assert result.exit_code == 3
    # What is above the regions is listed once: the bucket, AWSLogs, the account, its digests, its logs.
    assert server.operations.count("GET bucket") <= 5 * len(regions) + 5
