"""Honest trails of which an alarm was once raised, and parts of an organization's that were once passed over."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.verify.integrity.test_copies import check_copy
from tests.verify.simulation.api import Api, check_bucket, rows, since, verdicts
from tests.verify.simulation.scenarios import MEMBER, organization, trail, with_second_trail
from tests.verify.simulation.trail import ACCOUNT, BUCKET, HOME, HOUR, START, TRAIL_ARN, Chain, SimulatedAws, event
from verify.integrity.result import Result
from verify.integrity.timeline.verdict import BAD, Verdict
from verify.storage.objects import ObjectName

pytestmark = pytest.mark.regular

AWAY = "eu-west-1"
MINUTE = timedelta(minutes=1)


def result_of(chain: Chain, api: Api | None = None, now: datetime | None = None, **asked: Any) -> Result:
    return check_bucket(api or Api(chain.aws), now or chain.at + 30 * MINUTE, **({"start": since(chain)} | asked))


def is_alarm(result: Result) -> bool:
    return result.exit_code == 1 or not BAD.isdisjoint(result.verdicts)


# ---- the trail's configuration -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [(0, 20, 40, 60), (0, 1, 2, 3), (0, 5, 5, 10)])
def test_logging_that_was_stopped_and_started_twice_leaves_no_quiet_region_missing(seconds: tuple[int, ...]) -> None:
    aws = SimulatedAws()
    regions = [HOME, *(f"eu-quiet-{number}" for number in range(1, 31))]
    chains = [Chain(aws, region=region) for region in regions]
    for chain in chains:
        chain.run(5, logs=1 if chain.region == HOME else 0)
    stop = chains[0].at - MINUTE
    for name, second in zip(("StopLogging", "StartLogging") * 2, seconds, strict=True):
        aws.events.append(event(name, stop + timedelta(seconds=second)))
    for chain in chains:
        chain.previous = None
        chain.run(3, logs=1 if chain.region == HOME else 0)

    result = result_of(chains[0])
    assert {row.region for row in result.rows} == set(regions)
    assert not is_alarm(result)


def test_one_region_then_all_leaves_nothing_missing_in_the_others() -> None:
    aws = SimulatedAws()
    home = Chain(aws)
    home.run(4)
    aws.events.append(event("UpdateTrail", home.at, isMultiRegionTrail=True))
    away = Chain(aws, region=AWAY, at=home.at)
    home.run(4)
    away.run(4)

    result = result_of(home)
    assert not is_alarm(result)
    assert verdicts(result, AWAY)[-2:] == ["proven", "digest not yet due"]


def made_anew(*, is_recorded: bool = True) -> Chain:
    """A trail of all regions, deleted after four hours, and after two more made anew under the same name."""
    aws = SimulatedAws()
    home, away = Chain(aws), Chain(aws, region=AWAY)
    for chain in (home, away):
        chain.run(4)
    if is_recorded:
        aws.events.append(event("DeleteTrail", home.at - MINUTE))
        settings = {"isMultiRegionTrail": True, "enableLogFileValidation": True, "isOrganizationTrail": False}
        created = event("CreateTrail", home.at + 2 * HOUR - MINUTE, s3BucketName=BUCKET, **settings)
        created["requestParameters"]["name"] = "my-trail"
        aws.events += [created | {"responseElements": settings}, event("StartLogging", home.at + 2 * HOUR)]
    for chain in (home, away):
        chain.previous, chain.started = None, None
        chain.at += 2 * HOUR
        chain.run(4)
    return home


@pytest.mark.parametrize("region", [HOME, AWAY])
def test_what_a_trail_delivered_before_it_was_made_anew_is_looked_at(region: str) -> None:
    chain = made_anew()
    assert not is_alarm(result_of(chain))
    early = sorted(name for name in chain.aws.objects if f"/CloudTrail/{region}/" in name.key)[2]

    chain.aws.edit(early, body=b"x")
    assert "altered" in verdicts(result_of(chain), region)


def test_a_region_whose_files_from_before_the_trail_was_made_anew_are_gone_is_not_proven_for_that_time() -> None:
    chain = made_anew()
    for name in [name for name in chain.aws.objects if f"/{AWAY}/" in name.key]:
        chain.aws.delete(name)

    result = result_of(chain)
    assert result.exit_code in (1, 3)
    assert "proven" not in verdicts(result, AWAY)


def test_a_region_in_which_the_trail_never_delivered_is_not_missed() -> None:
    chain = trail(6)

    result = result_of(chain, Api(chain.aws, regions={HOME, AWAY}))
    assert not is_alarm(result)
    assert verdicts(result, AWAY) in ([], ["unproven"])


# ---- organizations -------------------------------------------------------------------------------------------------


def members(aws: SimulatedAws) -> list[Chain]:
    """An organization's trail in two regions of two accounts."""
    aws.organization, aws.trail["IsOrganizationTrail"] = "o-exampleorg12", True
    found = [Chain(aws, account=account, region=region) for account in (ACCOUNT, MEMBER) for region in (HOME, AWAY)]
    for chain in found:
        chain.run(8)
    return found


@pytest.mark.parametrize("account", [ACCOUNT, MEMBER])
@pytest.mark.parametrize("region", [HOME, AWAY])
def test_a_region_of_an_organizations_account_that_is_deleted_whole_is_not_passed_over(
    account: str, region: str
) -> None:
    aws = SimulatedAws()
    chains = members(aws)
    api = Api(aws, members=[ACCOUNT, MEMBER])
    assert result_of(chains[0], api).exit_code == 0
    for name in [name for name in aws.objects if f"/{account}/" in name.key and f"/{region}/" in name.key]:
        aws.delete(name)

    result = result_of(chains[0], api)
    assert result.exit_code in (1, 3)
    assert "proven" not in verdicts(result, region, account)
    assert rows(result, region, account)


def test_everything_that_an_earlier_run_proved_and_that_is_gone_is_missing(tmp_path: Path) -> None:
    aws = SimulatedAws(organization="o-exampleorg12")
    aws.trail["IsOrganizationTrail"] = True
    chains = [Chain(aws, account=account) for account in (ACCOUNT, MEMBER)]
    for chain in chains:
        chain.run(40)
    api = Api(aws, members=[ACCOUNT, MEMBER])
    assert result_of(chains[0], api, state=tmp_path / "state").exit_code == 0
    aws.objects.clear()

    result = result_of(chains[0], api, state=tmp_path / "state")
    assert (result.exit_code, {row.account for row in result.rows if row.verdict is Verdict.MISSING}) == (
        1,
        {ACCOUNT, MEMBER},
    )


@pytest.mark.parametrize("has_left", [False, True], ids=["joined", "left"])
def test_an_account_that_was_not_a_member_all_the_time_is_no_sign_of_tampering(has_left: bool) -> None:  # noqa: FBT001
    aws = SimulatedAws(organization="o-exampleorg12")
    aws.trail["IsOrganizationTrail"] = True
    owner = Chain(aws)
    owner.run(8)
    member = Chain(aws, account=MEMBER, at=START if has_left else START + 4 * HOUR)
    member.run(4)
    api = Api(aws, members=[ACCOUNT] if has_left else [ACCOUNT, MEMBER])

    result = result_of(owner, api)
    assert not is_alarm(result)
    assert "proven" in verdicts(result, account=MEMBER)


def test_an_organizations_trail_without_describe_trails_is_no_alarm() -> None:
    chain = organization()
    chain.aws.denied.add("DescribeTrails")

    result = result_of(chain, Api(chain.aws, members=[ACCOUNT, MEMBER]), trail=TRAIL_ARN, bucket=BUCKET)
    assert not is_alarm(result)
    assert {"proven"} <= set(verdicts(result, account=ACCOUNT)) & set(verdicts(result, account=MEMBER))


# ---- copies --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "copy"
    path.mkdir()
    return path


@pytest.mark.parametrize("lost", ["a log of the other trail", "a digest of the other trail", "nothing"])
def test_two_trails_in_a_copy_without_metadata_are_no_alarm(lost: str, folder: Path) -> None:
    chain = with_second_trail()
    other = sorted(name for name in chain.aws.objects if "other-trail" in name.key)
    if lost == "a digest of the other trail":
        chain.aws.delete(other[2])
    if lost == "a log of the other trail":
        known = {log for hour in chain.hours for log in hour.logs}
        chain.aws.delete(next(n for n in sorted(chain.aws.objects) if "/CloudTrail/" in n.key and n not in known))
    chain.aws.save(folder)

    result = check_copy(chain, folder, trail="my-trail")
    assert not is_alarm(result)


@pytest.mark.parametrize("hours_behind", [1, 3, 20])
def test_a_nightly_copy_behind_its_original_lacks_nothing(hours_behind: int, folder: Path) -> None:
    chain = trail(30)
    for hour in chain.hours[-hours_behind:]:
        chain.aws.delete(hour.name, *hour.logs)
    chain.aws.save(folder)

    result = check_copy(chain, folder, end=None)
    assert (result.exit_code, is_alarm(result)) == (3, False)


def test_keys_that_lie_in_a_copy_are_not_those_that_were_given(folder: Path) -> None:
    """A manifest, keys and objects that were put into the bucket come with every copy of it."""
    chain = trail(8)
    forged = Chain(SimulatedAws(), key=9)
    forged.run(8)
    forged.aws.save(folder)
    for name in ("bundle.json", "keys.json"):
        (folder / name).write_text("{}")

    result = check_copy(chain, folder)  # with the genuine trail's keys
    assert (result.exit_code, Verdict.PROVEN in result.verdicts) == (3, False) or result.exit_code == 1


# ---- what CloudTrail does not sign ---------------------------------------------------------------------------------


def test_the_newest_backfill_digest_with_its_logs_is_missed_only_where_an_earlier_run_saw_it(tmp_path: Path) -> None:
    """Nothing names it: docs/integrity.md says so."""
    chain = trail(40)
    chain.backfill(chain.hours[1])
    backfill = chain.backfill(chain.hours[3])
    for _ in range(2):  # the second run reads only what is new
        assert result_of(chain, state=tmp_path / "state").exit_code == 0
    chain.aws.delete(backfill.name, *backfill.logs)

    assert result_of(chain).exit_code == 0
    result = result_of(chain, state=tmp_path / "state")
    assert (result.exit_code, result.chains[0].tally.backfills[Verdict.MISSING]) == (1, 1)


@pytest.mark.parametrize("how", ["no signature", "deleted as well"])
def test_what_a_backfill_digest_that_is_not_proven_may_have_named_is_not_known(how: str) -> None:
    """It alone named the one before it, so that one can be gone with its logs."""
    chain = trail(6)
    backfills = [chain.backfill(chain.hours[hour]) for hour in (1, 3, 4)]
    chain.aws.delete(backfills[0].name, *backfills[0].logs)
    if how == "no signature":
        chain.aws.delete(backfills[2].name, *backfills[2].logs)
        chain.aws.edit(backfills[1].name, metadata={})
    else:
        chain.aws.delete(backfills[1].name, *backfills[1].logs)

    result = result_of(chain)
    assert result.exit_code == 1
    gone = chain.hours[1]
    of_hour = {row.verdict for row in rows(result) if row.start < gone.end and gone.start < row.end}
    assert of_hour == {Verdict.UNPROVEN}


def test_a_backfill_digest_that_another_one_follows_is_missed() -> None:
    chain = trail(8)
    first, _ = chain.backfill(chain.hours[3]), chain.backfill(chain.hours[4])
    chain.aws.delete(first.name, *first.logs)

    assert result_of(chain).exit_code == 1


def test_a_planted_log_of_a_member_is_foreign() -> None:
    chain = organization()
    chain.aws.put(
        ObjectName(BUCKET, f"AWSLogs/o-exampleorg12/{MEMBER}/CloudTrail/{HOME}/2026/11/01/x.json.gz"), b"x", START
    )

    assert result_of(chain, Api(chain.aws, members=[ACCOUNT, MEMBER])).exit_code == 1


def test_a_log_that_is_deleted_before_its_digest_is_made_is_missed_when_it_comes() -> None:
    chain = trail(6)
    name, body = chain.log(chain.at + 5 * MINUTE)
    chain.aws.delete(name)
    assert result_of(chain).exit_code == 0

    chain.deliver(chain.at, chain.at + HOUR, [(name, body)])
    chain.at += HOUR
    assert "missing" in verdicts(result_of(chain))


def test_a_copy_of_which_a_region_is_gone_whole_says_that_it_cannot_tell(folder: Path) -> None:
    aws = SimulatedAws()
    home, away = Chain(aws), Chain(aws, region=AWAY)
    for chain in (home, away):
        chain.run(8)
    for name in [name for name in aws.objects if f"/{AWAY}/" in name.key]:
        aws.delete(name)
    aws.save(folder)

    result = check_copy(home, folder, regions=())
    assert (rows(result, AWAY), result.exit_code) == ([], 3)
    assert any("Which regions the copy should hold is not known" in unseen for unseen in result.unseen)
