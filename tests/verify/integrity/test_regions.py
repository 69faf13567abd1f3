"""Every account and region that a trail delivers for."""

from __future__ import annotations

from tests.verify.simulation.in_memory import validate
from tests.verify.simulation.scenarios import MEMBER, inject_log, organization, rewrite_log
from tests.verify.simulation.trail import ACCOUNT, HOME, HOUR, START, Chain, SimulatedAws
from verify.integrity.timeline.verdict import Verdict

BEFORE = START - 2 * HOUR


def two_regions() -> tuple[Chain, Chain]:
    aws = SimulatedAws()
    home, other = Chain(aws), Chain(aws, region="eu-west-1", key=3)
    home.run(8)
    other.run(8)
    return home, other


def test_every_region_with_a_folder_is_validated_with_its_own_keys() -> None:
    home, _ = two_regions()

    result = validate(home)

    assert [(chain.chain.region, chain.tally.digests[Verdict.PROVEN]) for chain in result.chains] == [
        ("eu-west-1", 8),
        (HOME, 8),
    ]
    assert result.exit_code == 0


def test_one_bad_region_is_enough() -> None:
    home, other = two_regions()
    rewrite_log(other)

    assert validate(home).exit_code == 1


def test_logs_of_a_region_without_any_digest_are_noticed() -> None:
    home, other = two_regions()
    home.aws.delete(*(hour.name for hour in other.hours))

    result = validate(home, history_from=BEFORE)

    assert result.exit_code == 1
    assert result.chains[0].periods[0].verdict is Verdict.MISSING


def test_a_region_that_is_gone_altogether_is_noticed_by_the_trails_status() -> None:
    home, other = two_regions()
    for hour in other.hours:
        home.aws.delete(hour.name, *hour.logs)

    result = validate(home, absent_regions=("ap-south-1", "eu-west-1"), history_from=BEFORE)

    assert result.exit_code == 1
    assert [chain.chain.region for chain in result.chains] == ["eu-west-1", HOME]


def test_a_region_that_never_had_a_digest_is_not_missed() -> None:
    home, _ = two_regions()

    result = validate(home, absent_regions=("ap-south-1",), history_from=BEFORE)

    assert result.exit_code == 0
    assert "never delivered anything in ap-south-1" in result.notices[0]


def test_a_region_without_a_digest_is_unproven_where_the_trail_may_have_been_made_anew() -> None:
    home, _ = two_regions()

    result = validate(home, absent_regions=("ap-south-1",), history_from=None)

    assert result.exit_code == 3
    assert {row.verdict for row in result.rows if row.region == "ap-south-1"} == {Verdict.UNPROVEN}


def test_whether_a_region_is_gone_is_unknown_without_the_trails_status() -> None:
    home, _ = two_regions()
    home.aws.denied.add("status")

    result = validate(home, absent_regions=("ap-south-1",))

    assert result.exit_code == 3
    row = next(row for row in result.rows if row.region == "ap-south-1")
    assert (row.verdict, "cloudtrail:GetTrailStatus" in row.reason) == (Verdict.UNPROVEN, True)


def test_a_pause_recorded_in_the_home_region_explains_the_gap_in_the_others() -> None:
    aws = SimulatedAws()
    home, other = Chain(aws), Chain(aws, region="eu-west-1")
    for chain in (home, other):
        chain.run(4)
        chain.pause(5)
        chain.run(2)

    result = validate(home, history_from=home.hours[0].start - 2 * HOUR)

    assert result.exit_code == 0
    assert [judged.verdict for judged in result.chains[0].periods][1] is Verdict.NOT_LOGGED


def test_every_account_of_an_organization_is_validated() -> None:
    chain = organization()
    inject_log(chain)

    result = validate(chain)

    assert {(found.chain.account, bool(found.tally.problems)) for found in result.chains} == {
        (ACCOUNT, False),
        (MEMBER, True),
    }
