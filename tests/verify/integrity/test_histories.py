"""Histories of honest trails, and what an attacker makes of the like: named after what happens in them."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.tiers import mostly_slow
from tests.verify.integrity.test_copies import check_bundle, exported, save_keys
from tests.verify.simulation.api import Api, check_bucket, check_folder, rows, since, verdicts
from tests.verify.simulation.in_memory import MemoryStore
from tests.verify.simulation.scenarios import MEMBER, organization, paused, rewrite_log, trail, with_second_trail
from tests.verify.simulation.trail import (
    ACCOUNT,
    BUCKET,
    HOME,
    HOUR,
    START,
    TRAIL,
    TRAIL_ARN,
    Chain,
    SimulatedAws,
    event,
)
from verify.errors import AccessDenied, TargetNotFound
from verify.integrity.timeline.verdict import Verdict
from verify.integrity.validate import Validation
from verify.report.integrity.text import sentence
from verify.storage.layout import ChainName, DeliveryLocation, DigestName
from verify.storage.objects import Level, ListedObject, ObjectName

pytestmark = pytest.mark.regular

AWAY = "eu-west-1"
OTHER_ARN = TRAIL_ARN.replace(TRAIL, "other-trail")
MINUTE = timedelta(minutes=1)
_DIGESTS = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{HOME}"


def two_regions(hours: int = 8) -> tuple[Chain, Chain]:
    aws = SimulatedAws()
    home, away = Chain(aws), Chain(aws, region=AWAY)
    for chain in (home, away):
        chain.run(hours)
    return home, away


def remove(chain: Chain) -> None:
    """Everything of a chain."""
    for hour in chain.hours:
        chain.aws.delete(hour.name, *hour.logs)


def result_of(chain: Chain, api: Api | None = None, now: datetime | None = None, **asked: Any) -> Any:
    return check_bucket(api or Api(chain.aws), now or chain.at + 30 * MINUTE, **({"start": since(chain)} | asked))


# ---- the trail's configuration -------------------------------------------------------------------------------------


def restarted(*calls: tuple[str, float, dict[str, Any]]) -> Chain:
    """Four hours, a gap of four hours, and two hours of a new chain; with calls, each at an hour of the whole."""
    chain = trail(4)
    chain.previous = None
    chain.at += 4 * HOUR
    chain.run(2)
    chain.aws.events += [event(name, START + hours * HOUR, **parameters) for name, hours, parameters in calls]
    return chain


def test_validation_that_was_switched_off_and_on_is_not_logging_that_was_off() -> None:
    off, on = {"enableLogFileValidation": False}, {"enableLogFileValidation": True}
    result = result_of(restarted(("UpdateTrail", 3.9, off), ("UpdateTrail", 8, on)))

    assert (result.exit_code, verdicts(result)[:2]) == (3, ["proven", "unproven"])
    assert "off for some of the period. Of that time CloudTrail signed for nothing." in sentence(result)


def test_a_call_that_changed_nothing_does_not_make_what_was_before_it_not_logged() -> None:
    result = result_of(restarted(("StartLogging", 8, {})))

    assert (result.exit_code, verdicts(result)[:2]) == (1, ["proven", "missing"])


def test_a_trail_of_the_same_name_in_another_region_does_not_explain_hours_that_were_deleted() -> None:
    chain = restarted()
    for name, hours in (("StopLogging", 3.9), ("StartLogging", 8)):
        record = event(name, START + hours * HOUR) | {"awsRegion": AWAY}
        chain.aws.events.append(record | {"requestParameters": {"name": TRAIL}})

    assert result_of(chain).exit_code == 1


def test_a_pause_is_told_with_its_caller_and_can_be_asked_for_never_to_be() -> None:
    chain = paused()

    result = result_of(chain)
    assert (result.exit_code, verdicts(result)[:3]) == (0, ["proven", "not logged", "proven"])
    assert result.pauses[0].evidence.caller == f"arn:aws:iam::{ACCOUNT}:user/admin"
    assert result.pauses[0].evidence.address == "203.0.113.9"
    assert result.pauses[0].evidence.source == "the event history"
    assert result_of(chain, requires_logging=True).exit_code == 1


@pytest.mark.parametrize("is_planted", [False, True])
def test_a_trail_that_was_an_organizations_until_minutes_ago_explains_no_pause(*, is_planted: bool) -> None:
    """A delegated administrator may have started it in the pause, which the account's event history does not hold."""
    chain = Chain(SimulatedAws(organization="o-exampleorg12"))
    chain.run(5)
    chain.pause(4)
    chain.run(4)
    chain.aws.trail["IsOrganizationTrail"] = False
    if is_planted:  # what nobody signed for that place does not show that the trail was one account's
        hour = chain.hours[1].name
        key = hour.key.replace("o-exampleorg12/", "")
        chain.aws.objects[ObjectName(BUCKET, key)] = chain.aws.objects[hour]

    result = result_of(chain)

    assert (result.exit_code, "not logged" in verdicts(result)) == (1 if is_planted else 3, False)


def test_of_a_trail_that_was_made_minutes_ago_the_first_digest_is_due() -> None:
    chain = Chain(SimulatedAws())
    settings = {"isMultiRegionTrail": True, "isOrganizationTrail": False, "enableLogFileValidation": True}
    chain.aws.events += [event("CreateTrail", START, **settings), event("StartLogging", START + MINUTE)]
    chain.aws.status[HOME] = {"IsLogging": True, "StartLoggingTime": START + 2 * MINUTE}

    result = check_bucket(Api(chain.aws), START + 10 * MINUTE, start="2026-10-31T23:00:00Z")

    assert (result.exit_code, verdicts(result)) == (3, ["unproven", "digest not yet due"])
    assert "the event history holds 90 days, up to 15 minutes before it was asked" in result.rows[0].reason


@pytest.mark.parametrize(
    ("name", "parameters", "is_said"),
    [
        ("PutEventSelectors", {"eventSelectors": [{"includeManagementEvents": False}]}, True),
        ("UpdateTrail", {"includeGlobalServiceEvents": False}, True),
        ("UpdateTrail", {"includeGlobalServiceEvents": True}, False),
        ("UpdateTrail", {"kmsKeyId": "alias/x"}, False),
    ],
)
def test_a_call_that_may_narrow_what_is_recorded_is_told_with_its_caller(
    name: str,
    parameters: dict[str, Any],
    is_said: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    """What is not recorded is not delivered, so the chain is proven as it is."""
    chain = trail(8)
    record = event(name, START + 4 * HOUR)
    told = "trailName" if name == "PutEventSelectors" else "name"
    chain.aws.events.append(record | {"requestParameters": parameters | {told: TRAIL}})

    result = result_of(chain)

    said = [note for note in result.notices if "may have changed which events the trail records" in note]
    assert (result.exit_code, bool(said)) == (0, is_said)
    assert all(
        note.startswith(f"{name} by arn:aws:iam::{ACCOUNT}:user/admin from 203.0.113.9 at 2026-11-01T04:01:31Z")
        for note in said
    )
    assert not any("may have changed" in note for note in result_of(chain, start="2026-11-01T05:30:00Z").notices)
    assert exported(chain, tmp_path / "bundle").notices == check_bundle(tmp_path / "bundle").notices == tuple(said)


_LEFT_OUT = "the trail leave out read events of kms.amazonaws.com, write events of kms.amazonaws.com. Of these nothing"


def without_kms(at: datetime) -> dict[str, Any]:
    selectors = [{"readWriteType": "All", "excludeManagementEventSources": ["kms.amazonaws.com"]}]
    return event("PutEventSelectors", at) | {"requestParameters": {"trailName": TRAIL, "eventSelectors": selectors}}


def test_that_recording_was_narrowed_before_the_period_is_told(tmp_path: Path) -> None:
    chain = trail(8)
    chain.aws.events.append(without_kms(START + 2 * HOUR))
    asked: dict[str, Any] = {"start": "2026-11-01T05:30:00Z"}

    (said,) = result_of(chain, **asked).notices
    assert said.startswith(
        f"PutEventSelectors by arn:aws:iam::{ACCOUNT}:user/admin from 203.0.113.9 at 2026-11-01T02:01:31Z, before"
    )
    assert _LEFT_OUT in said
    assert exported(chain, tmp_path / "bundle", **asked).notices == check_bundle(tmp_path / "bundle").notices == (said,)

    widened = event("PutEventSelectors", START + 4 * HOUR)
    all_events = {"trailName": TRAIL, "eventSelectors": [{"readWriteType": "All", "includeManagementEvents": True}]}
    chain.aws.events.append(widened | {"requestParameters": all_events})
    assert not result_of(chain, **asked).notices


NO_GLOBAL = {"includeGlobalServiceEvents": False}


@pytest.mark.parametrize(
    ("made_with", "name", "parameters"),
    [
        ({}, "UpdateTrail", {"name": TRAIL, **NO_GLOBAL}),
        (NO_GLOBAL, "PutEventSelectors", {"trailName": TRAIL, "eventSelectors": [{"readWriteType": "All"}]}),
        (NO_GLOBAL, "UpdateTrail", {"name": TRAIL, "kmsKeyId": "alias/x"}),
    ],
)
def test_that_global_service_events_were_left_out_before_the_period_is_told(
    made_with: dict[str, Any], name: str, parameters: dict[str, Any]
) -> None:
    """No call that sets selectors says whether they are recorded."""
    chain = trail(8)
    chain.aws.trail |= {"IncludeGlobalServiceEvents": False}
    chain.aws.events.append(event("CreateTrail", START - MINUTE, **made_with))
    chain.aws.events.append(event("StartLogging", START))
    chain.aws.events.append(event(name, START + 2 * HOUR) | {"requestParameters": parameters})

    notices = result_of(chain, start="2026-11-01T05:30:00Z").notices

    (said,) = (note for note in notices if "made the trail leave out events of global services" in note)
    assert said.startswith(f"{'CreateTrail' if made_with else 'UpdateTrail'} by ")


@pytest.mark.parametrize(
    ("selectors", "trail_says", "said"),
    [
        (
            {"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]},
            {},
            "CloudTrail says that the trail leaves out read events. Of these nothing is delivered",
        ),
        (
            {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]},
            {},
            "CloudTrail says that the trail leaves out read events, write events. Of these nothing is delivered",
        ),
        (None, {"IncludeGlobalServiceEvents": False}, "leaves out events of global services. Of these nothing"),
        (
            {"Nothing": 1},
            {},
            "Which management events the trail records is not known: cloudtrail:GetEventSelectors gave",
        ),
    ],
)
def test_that_recording_was_narrowed_longer_ago_than_the_history_holds_is_told(
    selectors: dict[str, Any] | None, trail_says: dict[str, Any], said: str, tmp_path: Path
) -> None:
    chain = trail(8)
    chain.aws.selectors = selectors or chain.aws.selectors
    chain.aws.trail |= trail_says

    (notice,) = result_of(chain).notices
    assert said in notice
    assert exported(chain, tmp_path / "bundle").notices == check_bundle(tmp_path / "bundle").notices == (notice,)


def test_that_what_is_recorded_may_have_been_changed_after_the_period_is_told() -> None:
    chain = trail(8)
    chain.aws.events.append(without_kms(START + 6 * HOUR))

    (said,) = result_of(chain, end="2026-11-01T04:00:00Z").notices

    assert said.startswith("Which management events the trail recorded is not known: PutEventSelectors by arn:aws:iam:")


def test_that_nobody_may_ask_what_is_recorded_is_told() -> None:
    chain = trail(8)
    chain.aws.denied.add("GetEventSelectors")

    result = result_of(chain)

    assert result.exit_code == 0
    assert [note for note in result.notices if "Which management events the trail records is not known" in note]


def test_that_cloudtrail_could_not_deliver_is_said_once_for_all_regions() -> None:
    home, away = two_regions()
    for chain in (home, away):
        chain.aws.status[chain.region]["LatestDeliveryError"] = "KMS.DisabledException"
    home.aws.status[AWAY]["LatestDigestDeliveryError"] = "AccessDenied"

    notices = result_of(home).notices

    assert [note for note in notices if "could not deliver" in note] == [
        f"CloudTrail says that it could not deliver its last {what} in {regions} ({error}). It tries again for 30 "
        "days; until then, what it recorded is not in the bucket."
        for what, regions, error in (
            ("log file", f"{AWAY}, {HOME}", "KMS.DisabledException"),
            ("digest", AWAY, "AccessDenied"),
        )
    ]


def test_a_trail_that_was_made_single_region_does_not_hide_what_it_delivered_before() -> None:
    home, away = two_regions()
    home.aws.trail["IsMultiRegionTrail"] = False
    home.aws.events.append(event("UpdateTrail", home.at - HOUR, isMultiRegionTrail=False))
    rewrite_log(away)

    result = result_of(home)
    assert (result.exit_code, "altered" in verdicts(result, AWAY)) == (1, True)


def test_a_region_that_is_gone_altogether_is_missed_though_the_trail_is_single_region_today() -> None:
    home, away = two_regions()
    home.aws.trail["IsMultiRegionTrail"] = False
    home.aws.events.append(event("UpdateTrail", home.at - HOUR, isMultiRegionTrail=False))
    remove(away)

    assert result_of(home).exit_code == 1


def test_a_trail_that_was_deleted_for_good_is_looked_at_by_its_full_name_and_bucket() -> None:
    chain = trail(8)
    made = {"s3BucketName": BUCKET, "enableLogFileValidation": True, "isOrganizationTrail": False}
    chain.aws.events.append(event("CreateTrail", START - MINUTE, **made))
    chain.aws.events.append(event("StartLogging", START))
    chain.aws.events.append(event("DeleteTrail", chain.at - MINUTE))
    api = Api(chain.aws, is_deployed=False)
    later = chain.at + 30 * HOUR

    with pytest.raises(TargetNotFound, match="--bucket"):
        result_of(chain, api, later, trail=TRAIL_ARN)
    result = result_of(chain, api, later, trail=TRAIL_ARN, bucket=BUCKET)
    assert verdicts(result)[:2] == ["proven", "not logged"]
    assert result.pauses[0].evidence.call == "DeleteTrail"
    rewrite_log(chain)
    assert result_of(chain, api, later, trail=TRAIL_ARN, bucket=BUCKET).exit_code == 1


def test_a_delegated_administrator_may_have_made_a_deleted_trail_of_an_organization_anew() -> None:
    chain = trail(8)
    chain.aws.events.append(event("UpdateTrail", START, isOrganizationTrail=False))
    chain.aws.events.append(event("DeleteTrail", chain.at - MINUTE))
    later = chain.at + 30 * HOUR

    result = result_of(chain, Api(chain.aws, is_deployed=False), later, trail=TRAIL_ARN, bucket=BUCKET)

    assert verdicts(result)[:2] == ["proven", "unproven"]
    assert "delegated administrator" in result.chains[0].periods[1].reason


# ---- the scope -----------------------------------------------------------------------------------------------------


def test_a_region_that_is_gone_is_missed() -> None:
    home, away = two_regions()
    remove(away)

    result = result_of(home)
    assert (result.exit_code, verdicts(result, AWAY)) == (1, ["missing"])


@pytest.mark.parametrize("denied", ["DescribeRegions", "GetTrailStatus", "LookupEvents"])
def test_what_cannot_be_asked_is_not_taken_for_nothing(denied: str) -> None:
    home, away = two_regions()
    remove(away)
    home.aws.denied.add(denied)

    assert result_of(home).exit_code in (1, 3)


def test_without_describe_trails_a_region_that_is_gone_is_not_proven() -> None:
    home, away = two_regions()
    remove(away)
    home.aws.denied.add("DescribeTrails")

    result = result_of(home, trail=TRAIL_ARN, bucket=BUCKET)
    assert (result.exit_code, Verdict.PROVEN in {row.verdict for row in rows(result, AWAY)}) == (3, False)


def test_a_region_that_was_opted_in_later_is_no_sign_of_tampering() -> None:
    home, away = two_regions()
    for hour in away.hours[:4]:
        home.aws.delete(hour.name, *hour.logs)
    late = Chain(SimulatedAws(), region=AWAY, at=START + 4 * HOUR)
    late.run(4)
    for hour in away.hours[4:]:
        home.aws.delete(hour.name, *hour.logs)
    home.aws.objects |= late.aws.objects

    result = result_of(home, Api(home.aws, optional={AWAY}))
    assert (result.exit_code, verdicts(result, AWAY)[:2]) == (3, ["unproven", "proven"])


@pytest.mark.parametrize("caller", [MEMBER, "555566667777"], ids=["a member", "the security account"])
def test_a_region_that_the_owner_left_is_not_passed_over_where_another_account_asks(caller: str) -> None:
    """The regions that an account has, and its calls to leave one, are shown to no other account."""
    chain = organization()
    chain.aws.caller = caller
    api = replace(members(chain), regions={HOME}, left={AWAY})

    result = result_of(chain, api)
    assert (result.exit_code, [ACCOUNT in why and caller in why for why in result.unseen]) == (3, [True])
    assert result_of(chain, api, region=HOME).exit_code == 0


def members(chain: Chain) -> Api:
    return Api(chain.aws, members=[ACCOUNT, MEMBER])


def test_every_account_of_an_organization_is_proven() -> None:
    chain = organization()

    result = result_of(chain, members(chain))
    assert (result.exit_code, {row.account for row in result.rows}) == (0, {ACCOUNT, MEMBER})


@pytest.mark.parametrize("account", [ACCOUNT, MEMBER])
def test_an_account_that_is_deleted_whole_is_not_passed_over(account: str, tmp_path: Path) -> None:
    chain = organization()
    api = members(chain)
    late = chain.at + 30 * HOUR
    result_of(chain, api, chain.at + 20 * MINUTE, state=tmp_path / "state")
    for name in [name for name in chain.aws.objects if f"/{account}/" in name.key]:
        chain.aws.delete(name)

    result = result_of(chain, api, late)
    assert result.exit_code in (1, 3)
    assert Verdict.PROVEN not in {row.verdict for row in rows(result, account=account)}


def test_an_account_that_an_earlier_run_proved_and_that_is_deleted_whole_is_missing(tmp_path: Path) -> None:
    aws = SimulatedAws(organization="o-exampleorg12")
    aws.trail["IsOrganizationTrail"] = True
    chains = [Chain(aws, account=account) for account in (ACCOUNT, MEMBER)]
    for chain in chains:
        chain.run(40)
    api = Api(aws, members=[ACCOUNT, MEMBER])
    assert result_of(chains[0], api, state=tmp_path / "state").exit_code == 0
    remove(chains[1])

    result = result_of(chains[0], api, state=tmp_path / "state")
    assert (result.exit_code, "missing" in verdicts(result, account=MEMBER)) == (1, True)


@pytest.mark.parametrize("caller", [MEMBER, "555566667777"], ids=["a member", "the security account"])
def test_an_organizations_trail_that_another_account_checks_is_no_alarm(caller: str) -> None:
    chain = organization()
    chain.aws.caller = caller

    assert result_of(chain, members(chain)).exit_code == 0


def test_a_member_whose_accounts_cannot_be_listed_is_told() -> None:
    chain = organization()
    chain.aws.denied.add("ListAccounts")

    result = result_of(chain)
    assert (result.exit_code, "ListAccounts" in result.unseen[0]) == (3, True)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"Accounts": []},
        {"Accounts": None},
        {"Accounts": "x"},
        {"Accounts": [None]},
        {"Accounts": [{}]},
        {"Accounts": [{"Id": 1}]},
        {"Accounts": [{"Id": [ACCOUNT]}]},
        {"Accounts": [{"Id": ACCOUNT}, {"Id": "\x1b[31m"}]},
    ],
)
def test_an_organization_without_accounts_is_not_known(answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that is deleted whole is not noticed where nothing says that there is one."""
    aws = SimulatedAws(organization="o-exampleorg12")
    chains = [Chain(aws, account=account) for account in (ACCOUNT, MEMBER)]
    for chain in chains:
        chain.run(8)
    remove(chains[1])
    monkeypatch.setattr(Api, "_ListAccounts", lambda *_: answer)

    result = result_of(chains[0])
    assert (result.exit_code, "ListAccounts gave no accounts" in result.unseen[0]) == (3, True)


@pytest.mark.parametrize("name", ["StopLogging", "UpdateTrail"])
def test_the_event_history_is_asked_once_for_each_kind_of_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudTrail allows two of these calls a second, and the whole result rests on the same answers."""
    asked: list[str] = []
    lookup = Api._LookupEvents

    def counted(api: Api, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        asked.append(parameters["LookupAttributes"][0]["AttributeValue"])
        return lookup(api, region, parameters)

    monkeypatch.setattr(Api, "_LookupEvents", counted)

    assert result_of(paused()).exit_code == 0
    assert asked.count(name) == 1


def test_the_status_of_a_region_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    status = Api._GetTrailStatus

    def counted(api: Api, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        asked.append(region)
        return status(api, region, parameters)

    monkeypatch.setattr(Api, "_GetTrailStatus", counted)
    chain = trail(4)

    assert result_of(chain, Api(chain.aws, regions={HOME, AWAY})).exit_code == 0
    assert asked.count(AWAY) == 1


# ---- what lies below the prefix ------------------------------------------------------------------------------------


def in_logs(moment: datetime, name: str = "") -> str:
    named = f"{ACCOUNT}_CloudTrail_{HOME}_{moment:%Y%m%dT%H%MZ}_0123456789abcdef.json.gz"
    return f"AWSLogs/{ACCOUNT}/CloudTrail/{HOME}/{moment:%Y/%m/%d}/{name or named}"


def in_digests(moment: datetime) -> str:
    named = f"{ACCOUNT}_CloudTrail-Digest_{HOME}_{TRAIL}_{HOME}_{moment:%Y%m%dT%H%M%SZ}.json.gz"
    return f"{_DIGESTS}/{moment:%Y/%m/%d}/{named}"


@pytest.mark.parametrize(
    "key",
    [
        f"AWSLogs/{ACCOUNT}/CloudTrail/{HOME}/2026/11/1/{ACCOUNT}_CloudTrail_{HOME}_20261101T0404Z_0123456789abcdef.json.gz",
        f"AWSLogs/{ACCOUNT}/CloudTrail/{HOME.upper()}/2026/11/01/x.json.gz",
        f"AWSLogs/{ACCOUNT}/CloudTrail/{HOME}/x.json.gz",
        f"AWSLogs/{ACCOUNT}/CloudTrail/{HOME}/2026/11/01/more/x.json.gz",
        f"AWSLogs/{ACCOUNT}/CloudTrail/{HOME}/2026/11/31/x.json.gz",
        f"AWSLogs/{ACCOUNT}/CloudTrail/x/y.json.gz",
        f"AWSLogs/{ACCOUNT}/CloudTrail/mars-east-1/2026/11/01/x.json.gz",
        f"AWSLogs/{ACCOUNT}/evil/x.json.gz",
        "AWSLogs/x.json.gz",
        "evil/x.json.gz",
        "bundle.json",
        f"/{in_logs(START + 4 * HOUR)}",
        f"//{in_logs(START + 4 * HOUR)}",
        f"{_DIGESTS}/2026/11/01/{in_logs(START + 4 * HOUR)}",
        f"{_DIGESTS}/2026/11/01/{ACCOUNT}_CloudTrail-Digest_{HOME}_never-was_{HOME}_20261101T040131Z.json.gz",
    ],
)
def test_whatever_nobody_signed_for_is_foreign_wherever_it_lies(key: str) -> None:
    chain = trail(8)
    chain.aws.put(ObjectName(BUCKET, key), chain.aws.objects[chain.hours[3].name].body, START + 4 * HOUR)

    result = result_of(chain)
    assert result.exit_code == 1
    assert Verdict.FOREIGN in result.verdicts or Verdict.ALTERED in result.verdicts


@pytest.mark.parametrize("hours", [8, 22])
@pytest.mark.parametrize(
    "key",
    [
        lambda now: in_logs(now + 2 * HOUR),
        lambda now: in_logs(now + 24 * HOUR),
        lambda now: in_logs(now + 24 * HOUR, "x.json.gz"),
        lambda now: in_logs(now + 48 * HOUR),
        lambda now: in_digests(now + 24 * HOUR),
    ],
    ids=["a log in two hours", "tomorrow", "tomorrow, any name", "the day after", "a digest tomorrow"],
)
def test_what_tells_a_time_that_is_yet_to_come_is_foreign(
    key: Callable[[datetime], str], hours: int, tmp_path: Path
) -> None:
    chain = trail(hours)
    chain.aws.put(ObjectName(BUCKET, key(chain.at)), chain.aws.objects[chain.hours[3].name].body, chain.at)

    assert result_of(chain).exit_code == 1
    chain.aws.save(tmp_path)
    end = f"{chain.hours[-2].end:%Y-%m-%dT%H:%M:%SZ}"
    keys = save_keys(chain, tmp_path.parent / "keys.json")
    for until in (end, None):
        copied = check_folder(tmp_path, chain.at, start=since(chain), end=until, keys=keys, regions=(HOME,))
        assert copied.exit_code in (1, 3)  # this machine's clock may be wrong


@pytest.mark.parametrize("kind", ["CloudTrail-Insight", "CloudTrail-Aggregated", "CloudTrail-NetworkActivity"])
def test_what_cloudtrail_writes_without_a_digest_is_not_foreign(kind: str) -> None:
    chain = trail(4)
    chain.aws.put(ObjectName(BUCKET, f"AWSLogs/{ACCOUNT}/{kind}/{HOME}/2026/11/01/x.json.gz"), b"x", START)

    result = result_of(chain)
    assert result.exit_code == 0
    assert any(f"makes no digests of {kind} (s3://{BUCKET}/AWSLogs/" in notice for notice in result.notices)


@pytest.mark.parametrize(
    "kind",
    [
        *("BedrockModelInvocationLogs", "Config", "elasticloadbalancing", "globalaccelerator", "GuardDuty"),
        *("KafkaBrokerLogs", "network-firewall", "redshift", "vpcflowlogs", "WAFLogs"),
    ],
)
def test_what_other_services_deliver_is_not_foreign(kind: str) -> None:
    chain = trail(4)
    chain.aws.put(ObjectName(BUCKET, f"AWSLogs/{ACCOUNT}/{kind}/{HOME}/2026/11/1/x.gz"), b"x", START)

    result = result_of(chain)
    assert result.exit_code == 0
    assert any(f"makes no digests of {kind} (s3://{BUCKET}/AWSLogs/" in notice for notice in result.notices)


_HIVE = f"AWSLogs/aws-account-id={ACCOUNT}"


@pytest.mark.parametrize(
    ("key", "exit_code"),
    [
        (f"AWSLogs/{ACCOUNT}/ELBAccessLogTestFile", 0),
        (f"AWSLogs/{ACCOUNT}/ELBConnectionLogTestFile", 0),
        (f"AWSLogs/{ACCOUNT}/CloudTrail-Lake/Query/2026/11/01/some-query/result_1.csv.gz", 0),
        (f"{_HIVE}/aws-service=vpcflowlogs/aws-region={HOME}/year=2026/month=11/day=01/x.log.gz", 0),
        (f"AWSLogs/{ACCOUNT}/ELBAccessLogTestFile.json.gz", 1),
        (f"AWSLogs/{ACCOUNT}/ELBAccessLogTestFile/x", 1),
        (f"{_HIVE}/CloudTrail/{HOME}/2026/11/01/x.json.gz", 1),
        (f"{_HIVE}/x.json.gz", 1),
        (f"AWSLogs/{ACCOUNT}/CloudTrail/ELBAccessLogTestFile", 1),
    ],
)
def test_only_what_a_service_names_so_is_that_services(key: str, exit_code: int) -> None:
    chain = trail(4)
    chain.aws.put(ObjectName(BUCKET, key), b"Enable AccessLog for ELB", START)

    assert result_of(chain).exit_code == exit_code


def test_a_load_balancers_test_file_is_a_line_and_no_more() -> None:
    chain = trail(4)
    chain.aws.put(ObjectName(BUCKET, f"AWSLogs/{ACCOUNT}/ELBAccessLogTestFile"), b"x" * 1025, START)

    assert result_of(chain).exit_code == 1


def test_the_number_of_listings_is_bounded_by_folders_and_days() -> None:
    chain = trail(70)

    class Counting(MemoryStore):
        listings = 0

        def level(self, bucket: str, prefix: str) -> Any:
            Counting.listings += 1
            return super().level(bucket, prefix)

        def objects(self, bucket: str, prefix: str) -> Any:
            Counting.listings += 1
            return super().objects(bucket, prefix)

    check_bucket(Api(chain.aws), chain.at + 30 * MINUTE, store=Counting(chain.aws), start="2014-01-01")

    days = {name.key.rpartition("/")[0] for name in chain.aws.objects}
    above = {"/".join(day.split("/")[:depth]) for day in days for depth in range(day.count("/") + 1)}
    # The newest days are listed twice: for what was delivered last, and for the first digest after the period.
    assert Counting.listings <= len(days) + len(above) + 4


# ---- two trails in one bucket --------------------------------------------------------------------------------------


def test_logs_that_another_trails_next_digest_will_list_are_not_foreign() -> None:
    chain = with_second_trail()
    other = Chain(chain.aws, trail="other-trail", number=2000, at=chain.at)
    other.log(chain.at - 3 * MINUTE)

    result = result_of(chain)
    assert (result.exit_code, Verdict.FOREIGN in result.verdicts) == (0, False)


@pytest.mark.parametrize("what", ["deleted", "unreadable"])
def test_logs_of_another_trail_whose_digest_is_not_there_are_unproven_and_not_foreign(what: str) -> None:
    chain = trail(6)
    other = Chain(chain.aws, trail="other-trail", number=1000)
    other.run(6)
    if what == "deleted":
        chain.aws.delete(other.hours[2].name)
    else:
        chain.aws.denied.add(str(other.hours[2].name))

    assert result_of(chain).exit_code == 3


def test_logs_of_another_trail_without_validation_are_unproven() -> None:
    chain = trail(6)
    other = Chain(chain.aws, trail="other-trail", number=1000)
    other.log(START + 2 * HOUR)
    told = {"Name": "other-trail", "TrailARN": TRAIL_ARN.replace(TRAIL, "other-trail"), "HomeRegion": HOME}
    api = Api(chain.aws, others=[told | {"S3BucketName": BUCKET, "IsMultiRegionTrail": True}])

    result = result_of(chain, api, trail=TRAIL_ARN)
    assert (result.exit_code, Verdict.FOREIGN in result.verdicts) == (3, False)


def shown(prefix: str, **more: Any) -> dict[str, Any]:
    """Another trail in the bucket, as DescribeTrails shows it."""
    said: dict[str, Any] = {
        "Name": "other-trail",
        "TrailARN": OTHER_ARN,
        "HomeRegion": HOME,
    }
    said |= {"S3BucketName": BUCKET, "S3KeyPrefix": prefix, "IsMultiRegionTrail": True, "IsOrganizationTrail": False}
    return said | {"LogFileValidationEnabled": True} | more


@pytest.mark.parametrize("prefix", ["", "logs", "logs/deeper"])
def test_two_trails_with_prefixes_of_their_own_are_each_proven(prefix: str) -> None:
    chain = trail(30, prefix=prefix)
    other = Chain(chain.aws, trail="other-trail", number=1000, prefix="logs/other")
    other.run(30)
    chain.aws.put(ObjectName(BUCKET, "logs/other/"), b"", START)
    api = Api(chain.aws, others=[shown("logs/other")])

    result = result_of(chain, api, trail=TRAIL_ARN)

    assert (result.exit_code, set(verdicts(result))) == (0, {"proven", "digest not yet due"})
    assert len({(row.account, row.region) for row in result.rows}) == 1


@pytest.mark.parametrize(
    "prefixes",
    [("", "AWSLogs"), ("AWSLogs", ""), ("AWSLogs", "x/AWSLogs"), ("", "x/AWSLogs"), ("x/AWSLogs", "x")],
)
def test_a_prefix_may_be_awslogs(prefixes: tuple[str, str], tmp_path: Path) -> None:
    chain = trail(30, prefix=prefixes[0])
    other = Chain(chain.aws, trail="other-trail", number=1000, prefix=prefixes[1])
    other.run(30)
    api = Api(chain.aws, others=[shown(prefixes[1])])
    assert result_of(chain, api, trail=TRAIL_ARN).exit_code == 0

    chain.aws.save(tmp_path / "copy")
    keys, until = save_keys(chain, tmp_path / "keys.json"), f"{chain.hours[-2].end:%Y-%m-%dT%H:%M:%SZ}"
    asked = {"start": since(chain), "end": until, "keys": keys, "regions": (HOME,), "trail": TRAIL_ARN}
    assert check_folder(tmp_path / "copy", chain.at, **asked).exit_code == 0

    if prefixes[0] == "":
        chain.aws.put(ObjectName(BUCKET, f"AWSLogs/AWSLogs/{in_logs(START + HOUR)}"), b"planted", START + HOUR)
        assert result_of(chain, api, trail=TRAIL_ARN).exit_code == 1


@pytest.mark.parametrize("prefixes", [("", "AWSLogs/x/y"), ("AWSLogs/x/y", ""), ("AWSLogs/x/y", "AWSLogs")])
def test_a_prefix_may_lead_through_another_trails_awslogs(prefixes: tuple[str, str], tmp_path: Path) -> None:
    chain = trail(30, prefix=prefixes[0])
    other = Chain(chain.aws, trail="other-trail", number=1000, prefix=prefixes[1])
    other.run(30)
    api = Api(chain.aws, others=[shown(prefixes[1])])
    assert result_of(chain, api, trail=TRAIL_ARN).exit_code == 0
    # Of a copy nobody says that there is a trail with such a prefix, but what its digests state.
    chain.aws.save(tmp_path / "copy")
    keys, until = save_keys(chain, tmp_path / "keys.json"), f"{chain.hours[-2].end:%Y-%m-%dT%H:%M:%SZ}"
    asked = {"start": since(chain), "end": until, "keys": keys, "regions": (HOME,), "trail": TRAIL_ARN}
    assert check_folder(tmp_path / "copy", chain.at, **asked).exit_code == 0
    of_bucket = dict(chain.aws.objects)
    chain.aws.objects |= {ObjectName("replica", name.key): stored for name, stored in of_bucket.items()}
    assert result_of(chain, api, end=until, trail=TRAIL_ARN, source="s3://replica").exit_code == 0
    chain.aws.objects = of_bucket
    # A later digest might list a log that lies where logs belong.
    places = {
        f"AWSLogs/x/y/{in_logs(START + HOUR)}": 3,
        "AWSLogs/x/a.gz": 1,
        "AWSLogs/x/z/a.gz": 1,
        "AWSLogs/z/a.gz": 1,
    }
    for place, exit_code in places.items():
        path = tmp_path / "copy" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"planted")
        assert check_folder(tmp_path / "copy", chain.at, **asked).exit_code == exit_code, place
        path.unlink()

    top = f"{prefixes[0]}/" if prefixes[0] else ""
    chain.aws.put(ObjectName(BUCKET, f"{top}AWSLogs/z/planted.json.gz"), b"planted", START + HOUR)
    assert result_of(chain, api, trail=TRAIL_ARN).exit_code == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [("AWSLogs/x", ""), ("", "AWSLogs/x"), ("AWSLogs/x", "AWSLogs/y"), ("", "AWSLogs"), ("x/AWSLogs", "x"), ("", "x")],
)
def test_a_prefix_that_the_trail_or_another_one_has_leads_through_a_place_of_before(before: str, after: str) -> None:
    chain = trail(4, prefix=before)
    Chain(chain.aws, trail="other-trail", number=1000, prefix="AWSLogs/other/y").run(8)
    chain.prefix = chain.aws.trail["S3KeyPrefix"] = after
    chain.run(4)
    chain.aws.events.append(event("UpdateTrail", START + 4 * HOUR + 20 * MINUTE, s3KeyPrefix=after))
    api = Api(chain.aws, others=[shown("AWSLogs/other/y")])
    assert result_of(chain, api, trail=TRAIL_ARN).exit_code == 0

    for prefix in (before, after):
        planted = ObjectName(BUCKET, f"{prefix}/AWSLogs/evil/x.json.gz".lstrip("/"))
        chain.aws.put(planted, b"x", START + HOUR)
        assert result_of(chain, api, trail=TRAIL_ARN).exit_code == 1
        chain.aws.delete(planted)


@pytest.mark.parametrize(
    ("place", "prefix", "exit_code"),
    [
        ("evil/AWSLogs", "evil/deeper", 1),
        ("evil/x", "evil/deeper", 1),
        ("evil", "evil/deeper", 1),
        ("evil/deeper", "evil/deeper", 1),
        ("evil/deeper/x", "evil/deeper", 1),
        # Whether a trail that is there ever delivered what no digest names is not known.
        ("evil/AWSLogs", "evil", 3),
    ],
)
def test_another_trails_prefix_hides_nothing_on_the_way_to_it_or_in_it(place: str, prefix: str, exit_code: int) -> None:
    chain = trail(30)
    log = chain.hours[5].logs[0]
    key = f"{place.removesuffix('/AWSLogs')}/{log.key[:-24]}0123456789abcdef.json.gz"
    key = key if place.endswith("AWSLogs") else f"{place}/planted.json.gz"
    chain.aws.put(ObjectName(BUCKET, key), b"planted", chain.at - 20 * HOUR)
    api = Api(chain.aws, others=[shown(prefix)])

    result = result_of(chain, api, trail=TRAIL_ARN)

    assert result.exit_code == exit_code


@pytest.mark.parametrize("denied", ["", "GetTrailStatus"])
def test_another_accounts_genuine_digests_stand_for_none_of_the_trails(denied: str) -> None:
    """CloudTrail signs for every account with the same keys, and whoever makes a trail chooses its name and prefix."""
    chain = trail(30)
    known, deleted = dict(chain.aws.status), chain.hours[-2:]
    for hour in deleted:
        chain.aws.delete(hour.name, *hour.logs)
    start = deleted[0].start
    Chain(chain.aws, account="999988887777", prefix=f"{_DIGESTS}/{start:%Y/%m/%d}", at=start).run(2, logs=0)
    chain.aws.status = known
    chain.aws.denied.add(denied)

    result = result_of(chain)

    assert (result.exit_code, Verdict.FOREIGN in result.verdicts) == (1, True)
    assert {row.verdict for row in result.rows if row.end > start and row.account} != {Verdict.PROVEN}
    assert not any(row.verdict is Verdict.PROVEN and row.end > start for row in result.rows)


def beside_a_namesake(organization: str, *, of_organization: str, account: str, gone: slice, logs: int = 0) -> Chain:
    """A trail of which digests with their logs are gone, and one of the same name and home region, which has digests
    for all that time beside it: that of a member itself, or of an organization that the account belongs to.
    """
    aws = SimulatedAws(organization=organization)
    aws.trail["IsOrganizationTrail"] = bool(organization)
    aws.events.append(event("StartLogging", START - HOUR))
    chains = {one: Chain(aws, account=one) for one in (ACCOUNT, *([MEMBER] if organization else []))}
    for chain in chains.values():
        chain.run(50)
    for hour in chains[account].hours[gone]:
        aws.delete(hour.name, *hour.logs)
    known = dict(aws.status)
    aws.organization = of_organization
    Chain(aws, account=account, number=5000).run(50, logs=logs)
    aws.organization, aws.status = organization, known
    return chains[ACCOUNT]


NAMESAKES: dict[str, dict[str, Any]] = {
    "a member's own": {"organization": "o-exampleorg12", "of_organization": "", "account": MEMBER},
    "another organization's": {"organization": "o-exampleorg12", "of_organization": "o-another1234", "account": MEMBER},
    "an organization's": {"organization": "", "of_organization": "o-another1234", "account": ACCOUNT},
}


@pytest.mark.parametrize("gone", mostly_slow([slice(10, 20), slice(0, 20), slice(20, 50), slice(0, 50)], every=4))
@pytest.mark.parametrize("namesake", NAMESAKES)
def test_a_trail_of_the_same_name_in_another_kind_of_folder_stands_for_none_of_the_trails(
    namesake: str, gone: slice, tmp_path: Path
) -> None:
    """A digest's name tells the account that was recorded. Whose trail it is, only the folder tells."""
    case = NAMESAKES[namesake]
    chain = beside_a_namesake(**case, gone=gone)
    start, end = START + HOUR * gone.start, START + HOUR * gone.stop
    # Of a member's end nothing tells whether there should be more, and of the trail's own, CloudTrail's status.
    is_open = gone == slice(0, 50) or (case["account"] == MEMBER and gone.stop == 50)

    def is_told(result: Any, *codes: int) -> bool:
        said = [row for row in rows(result, account=case["account"]) if row.start < end and row.end > start]
        return result.exit_code in codes and not any(row.verdict is Verdict.PROVEN for row in said)

    api = Api(chain.aws, members=[ACCOUNT, MEMBER])
    if not case["organization"]:
        chain.aws.denied.add("ListAccounts")  # it is no management account
    assert is_told(result_of(chain, api), 3 if is_open else 1)
    exported(chain, tmp_path / "bundle", api)
    assert is_told(check_bundle(tmp_path / "bundle"), 3 if is_open else 1)
    past = result_of(chain, api, start=f"{start:%Y-%m-%dT%H:%M:%SZ}", end=f"{end - HOUR:%Y-%m-%dT%H:%M:%SZ}")
    assert is_told(past, 1, 3)

    chain.aws.save(tmp_path / "copy")
    keys = save_keys(chain, tmp_path / "keys.json")
    asked = {"start": since(chain), "keys": keys, "regions": (HOME,), "account": case["account"]}
    assert is_told(check_folder(tmp_path / "copy", chain.at, trail=TRAIL_ARN, **asked), 1, 3)
    if case["organization"] or gone != slice(0, 50):  # by its name alone, whichever is there is meant
        assert is_told(check_folder(tmp_path / "copy", chain.at, trail=TRAIL, **asked), 1, 3)


@pytest.mark.parametrize("namesake", NAMESAKES)
def test_a_trail_of_the_same_name_in_another_kind_of_folder_is_no_alarm(namesake: str, tmp_path: Path) -> None:
    case = NAMESAKES[namesake]
    chain = beside_a_namesake(**case, gone=slice(0, 0), logs=1)
    result = result_of(chain, Api(chain.aws, members=[ACCOUNT, MEMBER]))
    assert (result.exit_code, set(result.verdicts)) == (0, {Verdict.PROVEN, Verdict.NOT_DUE})

    chain.aws.save(tmp_path / "copy")
    keys, until = save_keys(chain, tmp_path / "keys.json"), f"{chain.hours[-2].end:%Y-%m-%dT%H:%M:%SZ}"
    asked = {"start": since(chain), "end": until, "keys": keys, "regions": (HOME,), "account": case["account"]}
    assert check_folder(tmp_path / "copy", chain.at, trail=TRAIL_ARN, **asked).exit_code in (0, 3)


@pytest.mark.parametrize("is_owners_gone", [True, False])
@pytest.mark.parametrize("denied", [("ListAccounts",), ("ListAccounts", "DescribeTrails")])
def test_a_folder_alone_makes_no_organization_that_of_the_trail(
    denied: tuple[str, ...], *, is_owners_gone: bool, tmp_path: Path
) -> None:
    """Whoever may write to the bucket can put a folder of the trail's account below another organization's."""
    chain = beside_a_namesake(**NAMESAKES["another organization's"], gone=slice(0, 50))
    for hour in chain.hours if is_owners_gone else ():
        chain.aws.delete(hour.name, *hour.logs)
    folder = f"AWSLogs/o-another1234/{ACCOUNT}/CloudTrail/{HOME}/2020/01/01"
    old = ObjectName(BUCKET, f"{folder}/{ACCOUNT}_CloudTrail_{HOME}_20200101T0000Z_0123456789abcdef.json.gz")
    chain.aws.put(old, b"planted", START)
    chain.aws.denied.update(denied)

    api = Api(chain.aws, members=[ACCOUNT, MEMBER])
    for account in (None, MEMBER):
        result = result_of(chain, api, trail=TRAIL_ARN, bucket=BUCKET, account=account)
        assert result.exit_code == 3
        assert Verdict.PROVEN not in {row.verdict for row in rows(result, account=MEMBER)}
    exported(chain, tmp_path / "bundle", api, trail=TRAIL_ARN, bucket=BUCKET)
    result = check_bundle(tmp_path / "bundle")
    assert (result.exit_code, Verdict.PROVEN in {row.verdict for row in rows(result, account=MEMBER)}) == (3, False)


@pytest.mark.parametrize("is_owners_gone", [True, False])
def test_a_folder_alone_makes_no_organization_of_a_copy_that_of_the_account_that_is_named(
    *, is_owners_gone: bool, tmp_path: Path
) -> None:
    chain = beside_a_namesake(**NAMESAKES["another organization's"], gone=slice(0, 50))
    for hour in chain.hours if is_owners_gone else ():
        chain.aws.delete(hour.name, *hour.logs)
    at = chain.hours[0].end
    named = ChainName(ACCOUNT, HOME, TRAIL, HOME)
    chain.aws.put(DigestName.of(DeliveryLocation(BUCKET, "", "o-another1234", ACCOUNT), named, at).name, b"x", at)
    chain.aws.save(tmp_path / "copy")
    keys, until = save_keys(chain, tmp_path / "keys.json"), f"{chain.hours[-2].end:%Y-%m-%dT%H:%M:%SZ}"
    asked = {"start": since(chain), "end": until, "keys": keys, "regions": (HOME,), "account": MEMBER}

    result = check_folder(tmp_path / "copy", chain.at, trail=TRAIL_ARN, **asked)

    assert (result.exit_code, Verdict.PROVEN in result.verdicts) == (3, False)


def test_a_signed_digest_of_the_owners_shows_which_organization_is_that_of_the_trail() -> None:
    chain = beside_a_namesake(**NAMESAKES["another organization's"], gone=slice(0, 0))
    chain.aws.denied.add("ListAccounts")

    result = result_of(chain, account=MEMBER)

    assert (result.exit_code, {row.verdict for row in result.rows}) == (0, {Verdict.PROVEN, Verdict.NOT_DUE})


def test_where_another_trail_delivers_today_the_digests_of_before_show_whose_organization_it_was() -> None:
    chain = organization()
    for number, account in enumerate((ACCOUNT, MEMBER), start=5):
        Chain(chain.aws, account=account, trail="another", at=chain.at, number=number * 1000).run(4 * 24, logs=0)
    chain.aws.denied.add("ListAccounts")
    api, now = Api(chain.aws, is_deployed=False), chain.at + 4 * 24 * HOUR
    asked = {"trail": TRAIL_ARN, "bucket": BUCKET, "account": MEMBER, "end": f"{chain.at - HOUR:%Y-%m-%dT%H:%M:%SZ}"}

    result = result_of(chain, api, now, **asked)

    assert (result.exit_code, {*result.verdicts}) == (0, {Verdict.PROVEN})


def test_an_owners_digests_that_cannot_be_read_are_not_all_asked_for() -> None:
    chain = organization()
    owners = [name for name in chain.aws.objects if f"/{ACCOUNT}/" in name.key]
    chain.aws.denied |= {"ListAccounts", *map(str, owners)}
    asked = list[ObjectName]()

    class Asked(MemoryStore):
        def read_each(self, names: Any, sink: Any) -> Any:
            asked.extend(names)
            return super().read_each(names, sink)

    result = result_of(chain, store=Asked(chain.aws), account=MEMBER)

    assert (result.exit_code, {*result.verdicts}) == (3, {Verdict.UNPROVEN, Verdict.NOT_DUE})
    assert len({*asked} & {*owners}) == 5


def test_of_an_organization_that_is_not_known_to_be_the_trails_nothing_is_foreign() -> None:
    chain = organization()
    for name in [name for name in chain.aws.objects if f"/{ACCOUNT}/" in name.key]:
        chain.aws.delete(name)
    chain.log(chain.at + MINUTE)
    chain.aws.denied.add("ListAccounts")

    result = result_of(chain, Api(chain.aws), trail=TRAIL_ARN)

    assert result.exit_code == 3
    assert not {Verdict.FOREIGN, Verdict.PROVEN} & {*result.verdicts}
    assert any("o-exampleorg12" in why and "Ask as that account" in why for why in result.unseen)


def test_what_another_trail_did_not_sign_in_its_own_folder_is_foreign(tmp_path: Path) -> None:
    chain = trail(30)
    other = Chain(chain.aws, trail="other-trail", number=1000, prefix="other")
    other.run(30)
    api = Api(chain.aws, others=[shown("other")])
    assert result_of(chain, api, trail=TRAIL_ARN, state=tmp_path / "state").exit_code == 0
    name, _ = other.log(other.hours[5].start + 9 * MINUTE)

    result = result_of(chain, api, trail=TRAIL_ARN, state=tmp_path / "state")

    assert result.exit_code == 1
    assert [problem.subject for one in result.chains for problem in one.tally.problems] == [str(name)]


def beside_an_unsigned_trail(**more: Any) -> tuple[Chain, Chain, Api]:
    """A trail, one with a prefix of its own that signs nothing and has delivered three files, and what AWS says."""
    chain = trail(30)
    other = Chain(chain.aws, trail="other-trail", number=1000, prefix="other")
    for hours in (2, 20, 30):
        other.log(START + hours * HOUR)
    return chain, other, Api(chain.aws, others=[shown("other", LogFileValidationEnabled=False) | more])


def test_another_trail_without_validation_in_a_place_of_its_own_is_no_alarm() -> None:
    chain, _, api = beside_an_unsigned_trail()

    result = result_of(chain, api, trail=TRAIL_ARN)

    assert (result.exit_code, set(verdicts(result))) == (0, {"proven", "digest not yet due"})
    (note,) = (note for note in result.notices if "Nobody can say" in note)
    assert note.startswith(f"Trail other-trail delivers to s3://{BUCKET}/other without log file validation.")
    assert "3 of the log files there; they are no part of this result" in note


_MADE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("CreateTrail", {"enableLogFileValidation": False}),
    ("StartLogging", {}),
)


@pytest.mark.parametrize(
    ("calls", "hours", "exit_code"),
    [
        (_MADE, -1, 0),
        (_MADE, 10, 3),
        ([("UpdateTrail", {"enableLogFileValidation": False})], 10, 3),
        ([("StopLogging", {})], 10, 3),
        ([("PutEventSelectors", {})], 10, 0),
    ],
)
def test_another_trail_explains_only_what_it_may_have_delivered_without_signing(
    calls: Iterable[tuple[str, dict[str, Any]]], hours: int, exit_code: int
) -> None:
    """Whoever makes a trail, or switches its validation off, explains nothing of the time before."""
    chain, _, api = beside_an_unsigned_trail()
    for name, parameters in calls:
        record = event(name, START + hours * HOUR)
        record["requestParameters"] = parameters | {"name": "other-trail"}
        chain.aws.events.append(record)

    result = result_of(chain, api, trail=TRAIL_ARN)
    # What is not known of such a file is no doubt of any time of the trail: to delete it would settle nothing.
    assert (result.exit_code, set(verdicts(result))) == (exit_code, {"proven", "digest not yet due"})


def test_another_trail_of_one_region_without_validation_is_no_alarm_in_a_region_that_is_not_the_trails_home() -> None:
    """DescribeTrails shows it in that region alone."""
    home, away = two_regions()
    log = away.hours[5].logs[0]
    other = ObjectName(BUCKET, "other/" + log.key.replace("Z_", "Z_0")[:-9] + ".json.gz")
    home.aws.put(other, gzip.compress(b"{}"), away.hours[5].end)
    one_region = {"IsMultiRegionTrail": False, "HomeRegion": AWAY, "TrailARN": OTHER_ARN.replace(HOME, AWAY)}
    api = Api(home.aws, others=[shown("other", LogFileValidationEnabled=False) | one_region])

    result = result_of(home, api, trail=TRAIL_ARN)

    assert (result.exit_code, set(verdicts(result))) == (0, {"proven", "digest not yet due"})
    assert any("1 of the log files there" in notice for notice in result.notices)


class OneBucketIsNotListed(MemoryStore):
    """A store that may read all of a bucket, and not list it: of the first one, where no other is named."""

    unlisted = BUCKET

    def level(self, bucket: str, prefix: str) -> Level:
        if bucket == self.unlisted:
            raise AccessDenied("s3:ListBucket", "not you")
        return super().level(bucket, prefix)

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        if bucket == self.unlisted:
            raise AccessDenied("s3:ListBucket", "not you")
        return super().objects(bucket, prefix)


@pytest.mark.parametrize("is_told", [True, False], ids=["by a call", "by its digests alone"])
def test_where_the_trail_was_in_the_period_has_to_be_looked_at(*, is_told: bool) -> None:
    chain = Chain(SimulatedAws(), at=START - 2 * MINUTE)
    chain.run(24)
    before = event("UpdateTrail", START, kmsKeyId="another")
    before["responseElements"] = {"s3BucketName": BUCKET}
    chain.bucket = chain.aws.trail["S3BucketName"] = "new-logs"
    moved = chain.at + 20 * MINUTE
    chain.aws.events += [before] if is_told else []
    chain.aws.events.append(event("UpdateTrail", moved, s3BucketName="new-logs"))
    chain.run(48)
    store = OneBucketIsNotListed(chain.aws)

    result = result_of(chain, store=store)
    assert (result.exit_code, {row.verdict for row in result.rows if row.start < moved}) == (3, {Verdict.UNPROVEN})
    assert [f"s3://{BUCKET} before, which could not be looked at" in why for why in result.unseen] == [True]
    later = result_of(chain, store=store, start=f"{moved + 30 * HOUR:%Y-%m-%dT%H:%M:%SZ}")
    assert (later.exit_code, later.unseen) == (0, ())


def test_where_log_files_lie_that_a_digest_lists_is_looked_at_as_well() -> None:
    """Another account sees no call, and no digest was delivered to where the trail was for some minutes."""
    chain = trail(8)
    chain.bucket = "new-logs"
    there, (planted, _) = chain.log(chain.at + 10 * MINUTE), chain.log(chain.at + 15 * MINUTE)
    chain.bucket = BUCKET
    chain.deliver(chain.at, chain.at + HOUR, [there, chain.log(chain.at + 50 * MINUTE)])
    chain.at += HOUR
    chain.run(8)
    chain.aws.caller = MEMBER

    result = result_of(chain)
    # Whether another trail delivers there, that account is not told.
    assert (result.exit_code, [one.subject for one in result.chains[0].tally.problems]) == (3, [str(planted)])
    assert [row.end - row.start for row in result.rows if row.verdict is Verdict.UNPROVEN][:1] == [MINUTE]

    chain.aws.delete(planted)
    assert result_of(chain).chains[0].tally.problems == []
    store = OneBucketIsNotListed(chain.aws)
    store.unlisted = "new-logs"
    assert "proven" not in verdicts(result_of(chain, store=store))


@pytest.mark.parametrize("unseen", ["the way back", "both ways", "the last minutes"])
def test_a_newest_digest_that_may_have_been_delivered_elsewhere_is_not_missing(unseen: str) -> None:
    """The trail went to another place for hours, or minutes, and whoever asks does not know that it did, or where."""
    chain = trail(8)
    chain.bucket, away = "gone", chain.at + 20 * MINUTE
    chain.run(3)
    chain.bucket, chain.at = BUCKET, chain.at + 40 * MINUTE
    for name in [name for name in chain.aws.objects if name.bucket == "gone"]:
        chain.aws.delete(name)
    now = chain.at + 5 * MINUTE
    if unseen == "the way back":
        chain.aws.events.append(event("UpdateTrail", away, s3BucketName="gone"))
    elif unseen == "both ways":
        chain.aws.denied.add("LookupEvents")
    else:
        chain.aws.status[HOME] |= {"LatestDigestDeliveryTime": now - 10 * MINUTE}

    result = result_of(chain, now=now)

    assert result.exit_code == 3
    assert Verdict.MISSING not in {row.verdict for row in result.rows}
    # Here it is not, and that can be told.
    said = " ".join(row.reason for row in result.rows if row.verdict is Verdict.UNPROVEN)
    assert "which is not here" in said
    assert "cannot be told" not in said


@pytest.mark.parametrize("whose", ["an organization's trail", "no history"])
def test_newest_digests_that_are_deleted_are_unproven_where_no_history_tells_that_the_trail_did_not_move(
    whose: str,
) -> None:
    """Nothing signed shows that a digest was due at that place."""
    chain = organization() if whose == "an organization's trail" else trail(8)
    if whose == "no history":
        chain.aws.denied.add("LookupEvents")
    newest = max(name for name in chain.aws.objects if f"/{ACCOUNT}/CloudTrail-Digest/" in name.key)
    chain.aws.delete(newest)

    result = result_of(chain, members(chain), now=chain.at + 30 * MINUTE)

    assert (result.exit_code, Verdict.MISSING in result.verdicts) == (3, False)
    assert "which is not here; it was deleted, or" in " ".join(row.reason for row in rows(result, account=ACCOUNT))


def test_a_place_of_which_nothing_tells_whoever_asks_is_not_looked_at() -> None:
    """The trail was there for minutes in which nothing was delivered: only who may see the calls knows it."""
    chain = trail(8)
    chain.bucket = "new-logs"
    planted, _ = chain.log(chain.at + 15 * MINUTE)
    chain.bucket = BUCKET
    for minutes, bucket in ((10, "new-logs"), (20, BUCKET)):
        chain.aws.events.append(event("UpdateTrail", chain.at + minutes * MINUTE, s3BucketName=bucket))
    chain.run(8)

    owners = result_of(chain)
    assert (owners.exit_code, str(planted) in {one.subject for one in owners.chains[0].tally.problems}) == (1, True)
    chain.aws.caller, chain.aws.events = MEMBER, []
    others = result_of(chain, end=f"{chain.at:%Y-%m-%dT%H:%M:%SZ}")
    assert (others.exit_code, "new-logs" in str(others)) == (0, False)


@pytest.mark.parametrize("seconds", [0, 1])
def test_whoever_moves_the_trail_away_and_back_in_one_second_hides_no_newest_digests(seconds: int) -> None:
    chain = trail(30)
    away = chain.hours[10].end + 10 * MINUTE
    for moved, bucket in ((away, "elsewhere"), (away + timedelta(seconds=seconds), BUCKET)):
        chain.aws.events.append(event("UpdateTrail", moved, s3BucketName=bucket))
    before = set(chain.aws.objects)
    chain.run(20)
    chain.aws.delete(*(name for name in chain.aws.objects if name not in before))

    result = result_of(chain, now=chain.at + 40 * MINUTE)

    assert (result.exit_code, Verdict.MISSING in result.verdicts) == (1, True)


def went_away_and_came_back(days: int, *, is_told: bool = False) -> tuple[Chain, OneBucketIsNotListed, datetime]:
    """A trail that, days after its first hours, delivered for three hours to a bucket that is gone today.

    :param is_told: whether a call of before tells where it was.
    """
    chain = Chain(SimulatedAws(), at=START - 2 * MINUTE)
    chain.run(12)
    if is_told:
        before = event("UpdateTrail", START, kmsKeyId="another")
        before["responseElements"] = {"s3BucketName": BUCKET}
        chain.aws.events.append(before)
    chain.pause(days * 24)
    chain.run(2)
    came = chain.at + 20 * MINUTE
    for bucket, hours in (("gone", 3), (BUCKET, 4)):
        chain.aws.events.append(event("UpdateTrail", chain.at + 20 * MINUTE, s3BucketName=bucket))
        chain.bucket = bucket
        chain.run(hours)
    chain.aws.delete(*(name for name in chain.aws.objects if name.bucket == "gone"))
    store = OneBucketIsNotListed(chain.aws)
    store.unlisted = "gone"
    return chain, store, came


@pytest.mark.parametrize("is_told", [True, False], ids=["by a call", "by its digests alone"])
def test_where_the_trail_came_long_after_the_period_nothing_of_it_can_be(*, is_told: bool) -> None:
    chain, store, _ = went_away_and_came_back(33, is_told=is_told)

    result = result_of(chain, store=store, end=f"{chain.hours[10].end:%Y-%m-%dT%H:%M:%SZ}")

    assert (result.exit_code, set(verdicts(result)), result.unseen) == (0, {"proven"}, ())
    assert any("s3://gone before, which could not be looked at" in notice for notice in result.notices)


def test_where_the_trail_left_before_the_period_and_came_back_long_after_it_nothing_of_it_can_be() -> None:
    chain, store, _ = went_away_and_came_back(33)
    for bucket, days in (("gone", 10), (BUCKET, 5)):
        chain.aws.events.append(event("UpdateTrail", START - days * 24 * HOUR, s3BucketName=bucket))

    result = result_of(chain, store=store, end=f"{chain.hours[10].end:%Y-%m-%dT%H:%M:%SZ}")

    assert (result.exit_code, result.unseen) == (0, ())


def test_where_the_trail_came_soon_after_the_period_files_of_it_may_have_been_delivered_late() -> None:
    chain, store, _ = went_away_and_came_back(20)

    result = result_of(chain, store=store, end=f"{chain.hours[10].end:%Y-%m-%dT%H:%M:%SZ}")

    assert (result.exit_code, set(verdicts(result))) == (3, {"unproven"})
    assert ["s3://gone before" in why for why in result.unseen] == [True]


def test_a_place_that_cannot_be_looked_at_makes_no_time_doubtful_of_which_nothing_can_be_there() -> None:
    chain, store, came = went_away_and_came_back(33)

    result = result_of(chain, store=store)

    assert verdicts(result)[:4] == ["proven", "not logged", "unproven", "missing"]
    # CloudTrail tries for thirty days to deliver a file, to where the trail delivers then.
    assert rows(result)[2].start == came - 31 * 24 * HOUR - 2 * HOUR


def test_where_all_digests_of_the_time_before_the_first_move_are_gone_it_may_have_been_anywhere() -> None:
    """The call that names the bucket may have found the trail there."""
    chain, store, _ = went_away_and_came_back(33)
    chain.aws.delete(*(hour.name for hour in chain.hours[:13]))

    result = result_of(chain, store=store, end=f"{chain.hours[10].end:%Y-%m-%dT%H:%M:%SZ}")

    assert result.exit_code != 0
    assert ["s3://gone before" in why for why in result.unseen if "which could not" in why] == [True]


@pytest.mark.parametrize(("days", "is_said"), [(33, False), (20, True)])
def test_where_a_place_that_nobody_knows_came_long_after_the_period_it_is_not_said(days: int, *, is_said: bool) -> None:
    chain, store, came = went_away_and_came_back(days, is_told=True)
    for one in chain.aws.events:
        if one["requestParameters"].get("s3BucketName") == "gone":
            one["requestParameters"] = {"name": TRAIL_ARN, "s3KeyPrefix": ""}
    chain.aws.delete(chain.hours[5].name)

    result = result_of(chain, store=store, end=f"{chain.hours[10].end:%Y-%m-%dT%H:%M:%SZ}")

    assert result.exit_code == 1
    assert bool(result.unseen) == is_said, (result.unseen, came)


def test_what_was_accounted_for_is_not_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another trail of one region makes the validation look whose the digests of a place are."""
    home, _ = two_regions()
    other = ObjectName(BUCKET, f"other/{home.hours[5].logs[0].key}")
    home.aws.put(other, gzip.compress(b"{}"), home.hours[5].end)
    asked: list[int] = []
    usual = Validation._account_regions

    def account_regions(validation: Validation) -> Any:
        asked.append(1)
        return usual(validation)

    monkeypatch.setattr(Validation, "_account_regions", account_regions)
    exported(home, tmp_path / "bundle", start=since(home))

    assert len(asked) == 1


@pytest.mark.parametrize("denied", ["LookupEvents", "GetTrailStatus"])
def test_what_is_not_known_of_another_trail_explains_nothing(denied: str) -> None:
    chain, _, api = beside_an_unsigned_trail()
    chain.aws.denied.add(denied)

    assert result_of(chain, api, trail=TRAIL_ARN).exit_code == 3


@pytest.mark.parametrize(
    "more", [{"S3KeyPrefix": "another"}, {"IsOrganizationTrail": True}, {"S3BucketName": "elsewhere"}]
)
def test_a_trail_that_delivers_elsewhere_explains_nothing(more: dict[str, Any]) -> None:
    chain, _, api = beside_an_unsigned_trail(**more)

    assert result_of(chain, api, trail=TRAIL_ARN).exit_code != 0


def test_a_log_of_another_trail_that_was_altered_misleads_as_well() -> None:
    chain = trail(6)
    other = Chain(chain.aws, trail="other-trail", number=1000)
    other.run(6)
    rewrite_log(other)

    assert result_of(chain).exit_code == 1


# ---- late, again, elsewhere ----------------------------------------------------------------------------------------


def test_a_log_that_was_delivered_days_later_is_signed_for_then() -> None:
    chain = trail(30)
    name, body = chain.log(START + 5 * HOUR)
    chain.aws.edit(name, last_modified=chain.at + 20 * MINUTE)
    chain.deliver(chain.at, chain.at + HOUR, [(name, body)])
    chain.at += HOUR

    assert result_of(chain).exit_code == 0
    # In a period of the past, the digest that names it comes after the period.
    past = result_of(chain, end=f"{START + 10 * HOUR:%Y-%m-%dT%H:%M:%SZ}")
    assert past.exit_code == 0
    chain.aws.edit(name, body=b"x")
    assert result_of(chain, end=f"{START + 10 * HOUR:%Y-%m-%dT%H:%M:%SZ}").exit_code == 1


def test_a_log_that_was_delivered_late_in_the_last_hour_of_a_day_is_named_on_the_next_one() -> None:
    chain = trail(47)
    name, body = chain.log(START + 5 * HOUR + 9 * MINUTE)
    chain.aws.edit(name, last_modified=chain.at + 20 * MINUTE)
    chain.deliver(chain.at, chain.at + HOUR, [(name, body)])
    chain.at += HOUR
    chain.run(4)
    end = f"{START + 20 * HOUR:%Y-%m-%dT%H:%M:%SZ}"

    assert result_of(chain, end=end).exit_code == 0
    chain.aws.edit(name, body=b"x")
    assert result_of(chain, end=end).exit_code == 1


@pytest.mark.parametrize("of", [TRAIL, "other-trail"])
def test_a_log_that_was_delivered_late_is_read_wherever_its_digest_ends(of: str) -> None:
    """In a period of the past its name lies in it, and its digest after it, be it on the same day."""
    chain = trail(20)
    late = chain if of == TRAIL else Chain(chain.aws, trail=of, number=1000, at=chain.at)
    name, body = late.log(START + 5 * HOUR + 9 * MINUTE)
    late.deliver(late.at, late.at + HOUR, [(name, body)])
    late.at += HOUR
    end = f"{START + 10 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
    assert result_of(chain, end=end).exit_code == 0
    chain.aws.edit(name, body=gzip.compress(b'{"Records":[]}'))

    result = result_of(chain, end=end)

    assert (result.exit_code, verdicts(result)) == (1, ["proven", "altered", "proven"])
    if of == TRAIL:  # with its digest in the period, it is found at both times
        assert verdicts(result_of(late))[:4] == ["proven", "altered", "proven", "altered"]
    chain.aws.delete(name)  # that is seen in the time of its digest, which covers when it was delivered
    assert result_of(chain, end=end).exit_code == 0


@pytest.mark.parametrize("end", ["2026-11-01T20:01:31Z", "now"])
def test_a_file_that_is_named_for_another_day_is_not_kept_harmless_by_being_written_anew(end: str) -> None:
    chain = trail(60)
    name, _ = chain.log(chain.hours[5].start + 9 * MINUTE)
    chain.aws.edit(name, last_modified=chain.at + 20 * MINUTE)

    result = result_of(chain, end=end)

    assert (result.exit_code, Verdict.FOREIGN in result.verdicts) == (3, False)
    assert any("if it was delivered late, the next one of trail my-trail will" in row.reason for row in result.rows)


@pytest.mark.parametrize(("old", "new"), [(HOME, AWAY), (ACCOUNT, "999999999999")])
def test_where_nobody_is_known_to_deliver_a_planted_log_is_not_proven(old: str, new: str) -> None:
    chain = trail(30)
    chain.aws.trail["IsMultiRegionTrail"] = False
    log = chain.hours[5].logs[0]
    chain.aws.put(ObjectName(BUCKET, log.key.replace(old, new)), b"planted", chain.hours[5].end)

    result = result_of(chain, Api(chain.aws, regions={HOME, AWAY}))

    assert result.exit_code == 3


@pytest.mark.parametrize(
    ("planted", "exit_code"),
    [
        ("", 0),
        (f"2026/11/02/{ACCOUNT}_CloudTrail_{HOME}_20261102T0004Z_0123456789abcdef.json.gz", 1),
        (f"2026/11/02/{ACCOUNT}_CloudTrail_{HOME}_20261102T0040Z_0123456789abcdef.json.gz", 1),
        ("2026/11/2/planted.json.gz", 1),
    ],
)
def test_all_of_a_bucket_that_only_the_chain_shows_the_trail_to_have_left_is_looked_at(
    planted: str, exit_code: int, tmp_path: Path
) -> None:
    """The trail was made longer ago than the event history holds, which tells of the new bucket alone. The old one's
    last digest is of the day before the move.
    """
    chain = Chain(SimulatedAws(), at=START - 2 * MINUTE)
    chain.run(24)
    chain.bucket = chain.aws.trail["S3BucketName"] = "new-logs"
    chain.aws.events.append(event("UpdateTrail", chain.at + 20 * MINUTE, s3BucketName="new-logs"))
    chain.run(12)
    if planted:
        key = f"AWSLogs/{ACCOUNT}/CloudTrail/{HOME}/{planted}"
        chain.aws.put(ObjectName(BUCKET, key), gzip.compress(b"planted"), START + 24 * HOUR)

    assert result_of(chain).exit_code == exit_code
    if not planted:
        exported(chain, tmp_path / "bundle", start=since(chain))
        keys = str(tmp_path / "bundle" / "keys.json")
        assert check_bundle(tmp_path / "bundle", keys=keys).exit_code == 0


def test_a_digest_that_was_delivered_late_and_encrypted_anew_in_place_is_no_alarm() -> None:
    chain = trail(6)
    late = chain.at + 70 * MINUTE
    chain.aws.status[HOME] |= {"LatestDigestDeliveryTime": late}
    chain.aws.edit(chain.hours[-1].name, last_modified=late + 20 * MINUTE)

    assert result_of(chain, now=late + 30 * MINUTE).exit_code == 3


def test_an_older_digest_that_is_written_anew_does_not_stand_for_the_newest() -> None:
    chain = trail(30)
    newest, before = chain.hours[-1], chain.hours[-2]
    delivered = chain.aws.objects[newest.name].last_modified
    chain.aws.delete(newest.name, *newest.logs)
    now = newest.end + 30 * MINUTE
    assert result_of(chain, now=now).exit_code == 1

    chain.aws.edit(before.name, last_modified=delivered + 3 * MINUTE)
    assert result_of(chain, now=now).exit_code != 0


@pytest.mark.parametrize("again", [None, 4, -3], ids=["once", "again after it was delivered", "again before"])
def test_an_older_digest_that_is_written_anew_does_not_stand_for_that_of_a_stop(again: int | None) -> None:
    """GetTrailStatus tells the last stop alone, and one of what is stopped already counts."""
    chain = trail(30)
    chain.pause(4)
    stop, before = chain.hours[30], chain.hours[29]
    delivered = chain.aws.objects[stop.name].last_modified
    for hour in chain.hours[30:]:
        chain.aws.delete(hour.name, *hour.logs)
    stopped = stop.end - 5 * MINUTE
    chain.aws.events.pop()
    if again is not None:
        stopped = delivered + again * MINUTE
        chain.aws.events.append(event("StopLogging", stopped))
    chain.aws.status[HOME] |= {
        "IsLogging": False,
        "StopLoggingTime": stopped,
        "LatestDigestDeliveryTime": delivered,
    }
    chain.aws.edit(before.name, last_modified=delivered + 3 * MINUTE)

    for minutes in (30, 60):
        assert result_of(chain, now=stop.end + minutes * MINUTE).exit_code != 0


def test_a_prefix_with_a_slash_at_its_end_makes_keys_with_two() -> None:
    chain = trail(6, prefix="logs/")

    assert any("logs//AWSLogs/" in name.key for name in chain.aws.objects)
    assert result_of(chain).exit_code == 0
    assert result_of(chain, bucket=BUCKET).exit_code == 0
    assert result_of(chain, bucket=BUCKET, prefix="logs").exit_code == 0


def test_the_trails_own_bucket_has_the_trails_prefix() -> None:
    chain = trail(6, prefix="some/where")

    assert result_of(chain, bucket=BUCKET).exit_code == 0


def test_a_prefix_below_which_there_is_nothing_is_refused() -> None:
    with pytest.raises(TargetNotFound, match=r"no AWSLogs/ below s3://trail-logs/some/wear\. .* such as 'some/where'"):
        result_of(trail(3, prefix="some/where"), prefix="some/wear")


def test_an_access_points_alias_is_another_name_of_the_bucket() -> None:
    chain = trail(6)
    alias = "point-abcdefghijklmnop-s3alias"
    chain.aws.objects |= {ObjectName(alias, name.key): stored for name, stored in chain.aws.objects.items()}

    result = result_of(chain, bucket=alias)
    assert (result.exit_code, Verdict.ALTERED in result.verdicts) == (0, False)


def test_a_replica_behind_its_original_lacks_nothing() -> None:
    chain = trail(8)
    for name, stored in list(chain.aws.objects.items()):
        if name not in (chain.hours[-1].logs[0], chain.hours[-1].name, chain.hours[-2].logs[1]):
            chain.aws.objects[ObjectName("replica", name.key)] = stored

    result = result_of(chain, source="s3://replica")
    assert (result.exit_code, Verdict.MISSING in result.verdicts) == (3, False)


def test_logging_that_was_stopped_and_started_twice_within_a_minute_leaves_nothing_missing() -> None:
    chain = trail(5)
    stop = chain.at - MINUTE
    for name, seconds in (("StopLogging", 0), ("StartLogging", 20), ("StopLogging", 40), ("StartLogging", 60)):
        chain.aws.events.append(event(name, stop + timedelta(seconds=seconds)))
    chain.previous = None
    chain.run(3)

    assert Verdict.MISSING not in result_of(chain).verdicts


# ---- what was proven before ----------------------------------------------------------------------------------------


class WithoutETags(MemoryStore):
    """A store whose listing does not show that a file was written again."""

    def _listed(self, name: ObjectName) -> ListedObject:
        return structs.replace(super()._listed(name), etag="")


def test_a_store_without_etags_proves_nothing_by_an_earlier_run(tmp_path: Path) -> None:
    chain = trail(60)
    store = WithoutETags(chain.aws)
    assert result_of(chain, store=store, state=tmp_path / "state").exit_code == 0
    rewrite_log(chain)

    assert result_of(chain, store=store, state=tmp_path / "state").exit_code == 1


def test_an_older_genuine_state_of_the_bucket_is_one_that_lost_something(tmp_path: Path) -> None:
    chain = trail(60)
    before, status = dict(chain.aws.objects), dict(chain.aws.status)
    chain.run(40)
    assert result_of(chain, state=tmp_path / "state").exit_code == 0
    chain.aws.objects, chain.aws.status = before, status

    result = result_of(chain, state=tmp_path / "state", now=chain.at - 40 * HOUR + 20 * MINUTE + 41 * HOUR)
    assert (result.exit_code, Verdict.MISSING in result.verdicts) == (1, True)


# ---- clocks --------------------------------------------------------------------------------------------------------


def test_what_is_due_is_reckoned_by_the_services_clock_and_a_difference_is_said() -> None:
    chain = trail(6)
    api = Api(chain.aws, skew=timedelta(hours=-3))

    result = check_bucket(api, chain.at + 3 * HOUR + 30 * MINUTE, start=since(chain))
    assert (result.exit_code, result.made_at) == (0, chain.at + 30 * MINUTE)
    assert "180 minutes ahead of the service's" in " ".join(result.notices)
