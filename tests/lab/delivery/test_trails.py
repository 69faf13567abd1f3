"""Trails that start, stop, change and go, without the emulator; and which records a trail wants."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.delivery.trail import Trail
from tests.lab.delivery.world import ACCOUNT, AUDIT, DIGEST_SECONDS, World, record

STOP: dict[str, Any] = {
    "eventSource": "cloudtrail.amazonaws.com",
    "eventName": "StopLogging",
    "requestParameters": {"name": "audit"},
}
IAM: dict[str, Any] = {"eventSource": "iam.amazonaws.com", "awsRegion": "us-east-1"}
REGIONAL = replace(AUDIT, is_multi_region=False)
ELSEWHERE = replace(REGIONAL, home_region="eu-west-1")


@pytest.mark.parametrize(
    ("trail", "members", "is_wanted"),
    [
        (AUDIT, {}, True),
        (AUDIT, {"awsRegion": "sa-east-1"}, True),
        (AUDIT, {"recipientAccountId": "999988887777"}, False),
        (REGIONAL, {}, True),
        (REGIONAL, {"awsRegion": "sa-east-1"}, False),
        (REGIONAL, IAM, True),
        (ELSEWHERE, {"awsRegion": "eu-west-1"}, True),
        (ELSEWHERE, IAM, False),
        (replace(REGIONAL, includes_global_services=False), IAM, False),
        (replace(REGIONAL, includes_global_services=False), {}, True),
    ],
)
def test_a_trail_wants_the_records_of_its_account_and_regions(
    trail: Trail, members: dict[str, Any], is_wanted: object
) -> None:
    assert trail.wants(record(**members)) is is_wanted


def test_stop_logging_is_the_last_thing_that_a_stopped_trail_shows(world: World) -> None:
    first = world.call()
    world.engine.stopping(world.trails[0])
    world.change(is_logging=False)
    world.call()  # another client's call, between the stop and its own record
    last = world.call(**STOP)
    world.call()
    world.wait(5)

    assert world.bucket.event_ids() == [first, last]


def test_stopping_a_stopped_trail_shows_nothing(world: World) -> None:
    stopped = world.change(is_logging=False)
    world.engine.stopping(stopped)
    world.call(**STOP)
    world.wait(5)

    assert world.bucket.event_ids() == []


def test_a_rejected_stop_is_an_ordinary_record_of_a_trail_that_goes_on(world: World) -> None:
    rejected = world.call(**STOP, errorCode="InvalidHomeRegionException")
    after = world.call()
    world.wait(5)

    assert world.bucket.event_ids() == [rejected, after]


def test_a_stopped_trail_gets_a_last_digest_and_a_new_chain_when_it_starts_again(world: World) -> None:
    world.call()
    world.wait(DIGEST_SECONDS)
    world.engine.stopping(world.trails[0])
    world.change(is_logging=False)
    world.wait(100)
    world.wait(10 * DIGEST_SECONDS)
    assert len(world.bucket.digests()) == 2

    world.change(is_logging=True, chain_since_seconds=int(world.seconds))
    world.wait(DIGEST_SECONDS)

    first, last, again = (world.bucket.body(key) for key in world.bucket.digests())
    assert last["previousDigestS3Object"] == first["digestS3Object"]
    assert again["previousDigestS3Object"] is None
    assert again["digestStartTime"] > last["digestEndTime"]


def test_a_stop_and_start_between_two_deliveries_still_breaks_the_chain(world: World) -> None:
    world.wait(DIGEST_SECONDS)
    world.seconds += 10
    world.engine.stopping(world.trails[0])
    stopped = world.change(is_logging=False)
    world.engine.close(stopped)
    world.change(is_logging=True, chain_since_seconds=int(world.seconds))
    world.wait(DIGEST_SECONDS)

    assert [world.bucket.body(key)["previousDigestS3Object"] is None for key in world.bucket.digests()] == [
        True,
        False,
        True,
    ]


def test_a_deleted_trail_is_delivered_to_its_end_even_after_a_kill(world: World) -> None:
    first = world.call()
    trail = world.trails.pop()
    world.engine.stopping(trail)
    world.engine.deleted(trail)
    last = world.call(**STOP | {"eventName": "DeleteTrail", "requestParameters": {"name": trail.arn}})
    world.restart()
    world.wait(5)

    assert world.bucket.event_ids() == [first, last]
    [log], [digest] = world.bucket.logs(), world.bucket.digests()
    assert [each["s3Object"] for each in world.bucket.body(digest)["logFiles"]] == [log]
    assert world.journal.notes.deleted_trails() == []


def test_what_is_called_after_a_trail_was_deleted_is_not_delivered(world: World) -> None:
    first = world.call()
    trail = world.trails.pop()
    world.engine.stopping(trail)
    world.engine.deleted(trail)
    world.call()  # another client's call, between the deletion and its own record
    last = world.call(**STOP | {"eventName": "DeleteTrail", "requestParameters": {"name": trail.arn}})
    world.call()
    world.wait(5)
    world.call()
    world.wait(DIGEST_SECONDS)

    assert world.bucket.event_ids() == [first, last]
    assert len(world.bucket.digests()) == 1


def test_a_deleted_trail_with_a_chain_gets_a_last_digest(world: World) -> None:
    world.wait(DIGEST_SECONDS)
    world.call()
    world.engine.deleted(world.trails.pop())
    world.wait(5)

    bodies = [world.bucket.body(key) for key in world.bucket.digests()]
    assert [len(body["logFiles"]) for body in bodies] == [0, 1]
    assert world.journal.notes.deleted_trails() == []


def test_without_validation_there_are_no_digests_and_with_it_again_a_new_chain(world: World) -> None:
    world.wait(DIGEST_SECONDS)
    world.change(validates_log_files=False)
    world.call()
    world.wait(3 * DIGEST_SECONDS)
    assert len(world.bucket.digests()) == 1

    world.change(validates_log_files=True, chain_since_seconds=int(world.seconds))
    world.wait(DIGEST_SECONDS)

    again = world.bucket.body(world.bucket.digests()[-1])
    assert again["previousDigestS3Object"] is None
    assert again["logFiles"] == []  # the file from meanwhile is nobody's


def test_a_chain_goes_on_in_another_bucket(world: World) -> None:
    world.wait(DIGEST_SECONDS)
    world.change(bucket="other")
    world.wait(DIGEST_SECONDS)

    body = world.bucket.body(world.bucket.digests()[-1])
    assert (body["digestS3Bucket"], body["previousDigestS3Bucket"]) == ("other", "logs")


def test_each_of_two_trails_gets_what_it_wants(tmp_path: Path) -> None:
    other = replace(REGIONAL, arn=AUDIT.arn.replace("audit", "other"), name="other", prefix="other")
    world = World(tmp_path, AUDIT, other)
    both, one = world.call(), world.call(awsRegion="eu-west-1")
    world.wait(5)

    found = {
        key.split("/")[0]: [each["eventID"] for each in world.bucket.body(key)["Records"]]
        for key in world.bucket.logs("us")
    }
    assert found == {"AWSLogs": [both], "other": [both]}
    assert [each["eventID"] for key in world.bucket.logs("eu") for each in world.bucket.body(key)["Records"]] == [one]
    assert ACCOUNT in world.bucket.logs("eu")[0]


def test_a_stop_in_the_second_of_a_digest_is_still_in_a_last_digest(world: World) -> None:
    world.wait(DIGEST_SECONDS)
    world.engine.stopping(world.trails[0])
    world.change(is_logging=False)
    world.call(**STOP)
    world.engine.tick(ends_period=True)

    before, last = (world.bucket.body(key) for key in world.bucket.digests())
    assert [log["s3Object"] for log in last["logFiles"]] == world.bucket.logs()
    assert last["previousDigestS3Object"] == before["digestS3Object"]
    assert last["digestEndTime"] > before["digestEndTime"]


@pytest.mark.parametrize("seconds", [0, 0.5, 1, 5])
def test_a_last_digest_in_the_second_of_the_start_is_not_written_over_by_a_second_one(
    world: World, seconds: float
) -> None:
    """It ends a second after its delivery, when the next delivery may come."""
    world.call()
    world.call(awsRegion="eu-west-1")
    world.change(is_logging=False)
    world.engine.tick(ends_period=True)
    world.wait(seconds)

    for region in ("us-east-1", "eu-west-1"):
        [log], [digest] = world.bucket.logs(region), world.bucket.digests(region)
        assert [each["s3Object"] for each in world.bucket.body(digest)["logFiles"]] == [log]
        assert world.bucket.writes.count(digest) == 1


def test_two_times_of_logging_within_one_second_have_a_digest_each(world: World) -> None:
    for _ in range(2):
        world.call()
        world.engine.close(world.change(is_logging=False))
        world.change(is_logging=True)

    digests = [world.bucket.body(key) for key in world.bucket.digests()]
    assert [each["previousDigestS3Object"] for each in digests] == [None, None]
    assert digests[1]["digestStartTime"] == digests[0]["digestEndTime"]
    assert sorted(log["s3Object"] for each in digests for log in each["logFiles"]) == world.bucket.logs()
