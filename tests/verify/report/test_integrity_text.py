"""The text report: short where many regions are alike, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.verify.simulation.api import Api, check_bucket, check_folder, since
from tests.verify.simulation.in_memory import MemoryStore, validate
from tests.verify.simulation.scenarios import rewrite_log
from tests.verify.simulation.trail import ACCOUNT, HOME, HOUR, START, Chain, SimulatedAws
from verify.errors import ApiError
from verify.integrity.result import FileChange, FileChanges, Result
from verify.integrity.timeline.verdict import JudgedPeriod, Verdict
from verify.report.integrity.as_json import result_as_json
from verify.report.integrity.next_steps import next_steps
from verify.report.integrity.text import render, sentence
from verify.storage.objects import Level, ListedObject, ObjectName, ObjectStore

AWAY = ("ap-south-1", "eu-west-1", "sa-east-1")


def regions() -> list[Chain]:
    aws = SimulatedAws()
    chains = [Chain(aws, region=region) for region in (HOME, *AWAY)]
    for chain in chains:
        chain.run(6)
    return chains


def said(result: Result) -> str:
    return "".join(f"{line.plain}\n" for line in render(result, seconds=1))


def test_regions_of_which_the_same_is_to_be_said_are_told_of_once_and_each_is_named() -> None:
    home, *away = regions()
    logs = sum(len(hour.logs) for chain in (home, *away) for hour in chain.hours)

    text = said(validate(home))

    assert f"4 regions alike:\n    {', '.join(sorted((HOME, *AWAY)))}\n" in text
    assert f"  24 of 24 digests proven\n  {logs} of {logs} logs proven\n" in text
    assert "  proven: 6 h 00 min of 6 h 30 min in each region\n" in text
    assert text.count(f"{START:%Y-%m-%dT%H:%M:%SZ} to ") == 2  # what was requested, and what was found


def test_a_region_with_a_problem_is_told_of_by_itself() -> None:
    home, first, *_others = regions()
    rewrite_log(first)

    text = said(validate(home))

    assert f"3 regions alike:\n    {', '.join(sorted({HOME, *AWAY} - {AWAY[0]}))}\n" in text
    assert f"region {AWAY[0]}\n  6 of 6 digests proven\n  11 of 12 logs proven (1 altered)\n" in text


def test_a_pause_is_told_once_though_a_file_makes_a_minute_of_it_doubtful_in_one_region() -> None:
    home, away, *_others = regions()
    stop = home.at
    for chain in (home, away):
        chain.pause(3, is_recorded=chain is home)
        chain.run(2)
    away.log(stop + timedelta(hours=1))

    first, *_lines = said(validate(home)).splitlines()

    assert "foreign" in first
    who = "StopLogging by arn:aws:iam::111122223333:user/admin from 203.0.113.9"
    assert first.count(who) == 1, first


def test_how_many_are_missing_is_not_known_where_digests_are() -> None:
    chain = Chain(SimulatedAws())
    chain.run(6)
    chain.aws.delete(chain.hours[4].logs[0])
    assert f"missing: 1 log file missing, in {HOME}, from " in said(validate(chain))

    chain.aws.delete(chain.hours[2].name, chain.hours[3].name, *chain.hours[3].logs)
    assert f"missing: at least 1 log file and 1 digest file missing, in {HOME}, from " in said(validate(chain))


def test_what_lies_in_a_foreign_folder_is_not_counted_as_one_file() -> None:
    chain = Chain(SimulatedAws())
    chain.run(3)
    for number in range(3):
        chain.aws.put(ObjectName(chain.bucket, f"AWSLogs/{chain.account}/odd/{number}"), b"x", chain.at)

    assert "foreign: 1 other folder foreign. Details" in said(validate(chain))

    rewrite_log(chain, 1)
    hour = [f"{chain.hours[1].start + timedelta(hours=number):%Y-%m-%dT%H:%M:%SZ}" for number in (0, 1)]
    where = f"in {HOME}, from {hour[0]} to {hour[1]}"  # it does not lie there
    assert f"foreign: 1 log file altered, {where}; 1 other folder foreign. Details" in said(validate(chain))


@pytest.mark.parametrize(
    ("callers", "says"),
    [
        ((("mallory", True, True),), "Files were changed by mallory. Details"),
        ((("mallory", True, True), ("eve", True, True)), "Files were changed by mallory and 1 other. Details"),
        ((("made up", True, False), ("of some file", False, True)), "Z. Details"),
    ],
    ids=["one", "two", "none that is sure"],
)
def test_who_changed_files_is_said_first_where_a_signed_record_names_the_file(
    callers: tuple[tuple[str, bool, bool], ...], says: str
) -> None:
    chain = Chain(SimulatedAws())
    chain.run(3)
    rewrite_log(chain, 1)
    changes = tuple(
        FileChange("s3://b/k", "PutObject", caller, "", START, "a log", names_file=names_file, is_signed=is_signed)
        for caller, names_file, is_signed in callers
    )

    assert says in sentence(replace(validate(chain), changes=FileChanges({"s3://b/k": changes})))


def test_of_what_was_not_looked_at_the_first_sentence_tells_beside_what_is_unproven() -> None:
    chain = Chain(SimulatedAws())
    chain.run(3)
    unproven = JudgedPeriod(START, START + timedelta(minutes=1), Verdict.UNPROVEN, "whatever")
    result = validate(chain)
    result = replace(result, chains=(replace(result.chains[0], periods=(unproven, *result.chains[0].periods[1:])),))

    assert f"{START + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}): no signed" in sentence(result)
    assert "Z, and there may be more): no" in sentence(replace(result, unseen=("A bucket could not be listed.",)))


def test_the_rate_counts_the_logs_that_were_read() -> None:
    chain = Chain(SimulatedAws())
    chain.run(3)
    rewrite_log(chain, 1)
    chain.aws.delete(chain.hours[2].logs[0])
    chain.log(chain.at + timedelta(minutes=5))  # not due

    assert "\n5 logs read (0.0 MB inflated) in 1.0 s: 5 a second.\n" in said(validate(chain))


def test_one_region_is_told_of_as_before() -> None:
    chain = Chain(SimulatedAws())
    chain.run(2)

    text = said(validate(chain))

    assert f"region {HOME}\n" in text
    assert "alike" not in text and "in each region" not in text


@pytest.mark.parametrize("asked", [timedelta(0), timedelta(days=1)], ids=["since it logs", "a day"])
def test_of_a_trail_made_seconds_ago_it_says_when_the_first_digest_is_due(asked: timedelta) -> None:
    """The event history, which tells of the calls that made it, holds them only in a quarter of an hour."""
    aws = SimulatedAws()
    Chain(aws)
    aws.status[HOME] = {"IsLogging": True, "StartLoggingTime": START}

    result = check_bucket(Api(aws), START + timedelta(seconds=40), start=f"{START - asked:%Y-%m-%dT%H:%M:%SZ}")

    due = f"{START + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"
    assert result.exit_code == 3
    assert said(result).startswith(f"NOT KNOWN: Nothing is proven yet. The next digest is due by {due}.")
    assert result_as_json(result, 1)["nextDigestDue"] == due


def test_a_period_of_which_nothing_is_proven_is_not_told_as_one_that_is_partly_proven() -> None:
    chain = Chain(SimulatedAws())
    chain.run(2)

    result = validate(chain, start=START - timedelta(days=2), end=START - timedelta(days=1))

    assert (result.exit_code, result.next_due) == (3, None)
    assert said(result).startswith("NOT KNOWN: Nothing is proven yet. Part of this period is unproven (in ")


def test_a_proof_of_seconds_is_not_told_as_none() -> None:
    chain = Chain(SimulatedAws())
    chain.run(2)
    start = chain.hours[0].start

    text = said(validate(chain, start=start, end=start + timedelta(seconds=4)))

    assert "  proven: 4 s of 4 s\n" in text


def asked(
    chain: Chain, start: str = "", end: str | None = None, store: ObjectStore | None = None
) -> tuple[Result, str]:
    """A bucket of which AWS is asked, and the answer's first sentence."""
    now = chain.at + timedelta(minutes=30)
    result = check_bucket(Api(chain.aws), now, store=store, start=start or since(chain), end=end)
    return result, sentence(result)


def test_that_validation_is_off_today_is_the_first_thing_said_also_where_no_history_tells_since_when() -> None:
    chain = Chain(SimulatedAws())
    chain.at += 5 * HOUR
    chain.aws.trail |= {"LogFileValidationEnabled": False}
    chain.aws.denied.add("LookupEvents")

    result, answer = asked(chain, start=f"{START:%Y-%m-%dT%H:%M:%SZ}")

    assert answer.startswith(
        "Log file validation is off today, as DescribeTrails says: CloudTrail signs nothing of what it delivers. "
    )
    assert any("--enable-log-file-validation" in command for step in next_steps(result) for command in step.commands)


def test_that_there_is_no_such_bucket_is_the_first_thing_said() -> None:
    chain = Chain(SimulatedAws())
    chain.run(3)

    class Gone(MemoryStore):
        def objects(self, _bucket: str, _prefix: str) -> Iterator[ListedObject]:
            raise ApiError("NoSuchBucket", "s3:ListBucket", "The specified bucket does not exist")

        def level(self, _bucket: str, _prefix: str) -> Level:
            raise ApiError("NoSuchBucket", "s3:ListBucket", "The specified bucket does not exist")

    result, answer = asked(chain, store=Gone(chain.aws))

    assert result.exit_code == 3
    assert answer.startswith("There is no bucket trail-logs. Nothing is proven yet. ")


def test_that_the_last_digest_could_not_be_delivered_is_said_before_what_comes_of_it() -> None:
    chain = Chain(SimulatedAws())
    chain.run(3)
    chain.at += 5 * HOUR
    chain.aws.status[HOME]["LatestDigestDeliveryError"] = "AccessDenied"

    _, answer = asked(chain)
    chain.at += 60 * HOUR
    _, later = asked(chain, end=f"{chain.at - 50 * HOUR:%Y-%m-%dT%H:%M:%SZ}")

    assert answer.startswith(f"CloudTrail says that it could not deliver its last digest in {HOME} (AccessDenied). ")
    assert "could not deliver" not in later, "nobody knows since when"


def test_the_regions_of_which_keys_are_lacking_are_named_before_what_comes_of_it() -> None:
    home, away, *_others = regions()
    away.aws.keys[away.region] = []

    _, answer = asked(home)

    assert answer.startswith(
        f"Public keys that digests of {away.region} name are not known, so that signatures could not be checked. "
    )


def test_that_nothing_is_wrong_is_not_said_after_a_cause() -> None:
    chain = Chain(SimulatedAws())
    chain.run(3)
    chain.aws.status[HOME]["LatestDigestDeliveryError"] = "AccessDenied"

    result, answer = asked(chain)

    assert (result.exit_code, answer[:6]) == (0, "Up to ")
    assert any("could not deliver its last digest" in notice for notice in result.notices)


def test_that_no_keys_were_given_is_said_before_what_comes_of_it(tmp_path: Path) -> None:
    chain = Chain(SimulatedAws())
    chain.run(3)
    chain.aws.save(tmp_path)

    result = check_folder(tmp_path, chain.at + HOUR, start=since(chain), regions=(HOME,), account=ACCOUNT)

    assert sentence(result).startswith("No public keys were given (--keys), so that no signature could be checked")
    assert any("list-public-keys" in command for step in next_steps(result) for command in step.commands)
    assert said(result).count("No public keys were given") == 1


OF_TODAY = ({"LogFileValidationEnabled": False}, {"LatestDigestDeliveryError": "AccessDenied"})


@pytest.mark.parametrize(("trail", "status"), [(OF_TODAY[0], {}), ({}, OF_TODAY[1])], ids=["off", "not delivered"])
def test_what_is_so_today_is_no_cause_of_what_nobody_could_read_of_before(
    trail: dict[str, Any], status: dict[str, Any]
) -> None:
    chain = Chain(SimulatedAws())
    chain.run(6)
    chain.aws.trail |= trail
    chain.aws.status[HOME] |= status
    chain.aws.denied.add(str(chain.hours[2].logs[0]))

    result, answer = asked(chain, end=f"{chain.hours[4].end:%Y-%m-%dT%H:%M:%SZ}")

    assert (result.exit_code, answer.startswith("Part of this period is unproven (in ")) == (3, True), answer
    assert any(notice.startswith(result.causes[0]) for notice in result.notices)


def test_keys_that_are_lacking_are_told_before_what_is_so_today() -> None:
    chain = Chain(SimulatedAws())
    chain.run(6)
    chain.aws.trail |= OF_TODAY[0]
    chain.aws.keys[HOME] = []

    _, answer = asked(chain)

    assert answer.startswith(f"Public keys that digests of {HOME} name are not known")
