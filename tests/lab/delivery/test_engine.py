"""Delivery over time, without the emulator."""

import asyncio
import gzip
import hashlib
import itertools
import re
from dataclasses import replace
from datetime import datetime

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lab.clock import Clock, Shift
from lab.delivery.status import DeliveryStatus
from lab.delivery.trail import Stream
from lab.errors import LabError
from tests.lab.delivery.world import ACCOUNT, AUDIT, DIGEST_SECONDS, START, World

HOME, AWAY = Stream(AUDIT.arn, "us-east-1"), Stream(AUDIT.arn, "eu-west-1")


def test_a_log_file_is_laid_out_and_named_as_cloudtrails(world: World) -> None:
    event = world.call(awsRegion="eu-west-1")
    world.wait(5)

    [key] = world.bucket.logs()
    name = rf"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2023/11/14/{ACCOUNT}_CloudTrail_eu-west-1_20231114T2213Z_"
    assert re.fullmatch(name + r"[A-Za-z0-9]{16}\.json\.gz", key)
    assert [each["eventID"] for each in world.bucket.body(key)["Records"]] == [event]


def test_a_prefix_goes_in_front(world: World) -> None:
    world.change(prefix="team/a")
    world.call()
    world.wait(DIGEST_SECONDS)

    assert all(key.startswith(f"team/a/AWSLogs/{ACCOUNT}/CloudTrail") for key in world.bucket.objects)
    assert len(world.bucket.objects) == 2


def test_nothing_to_deliver_is_no_log_file_but_an_empty_digest(world: World) -> None:
    world.wait(DIGEST_SECONDS)

    assert world.bucket.logs() == []
    [key] = world.bucket.digests()
    body = world.bucket.body(key)
    assert body["logFiles"] == []
    assert body["newestEventTime"] is body["oldestEventTime"] is None


def test_the_first_digest_has_no_predecessor_and_each_later_one_names_the_one_before(world: World) -> None:
    for _ in range(3):
        world.call()
        world.wait(DIGEST_SECONDS)

    first, *later = world.bucket.digests()
    previous = [name for name in world.bucket.body(first) if name.startswith("previousDigest")]
    assert len(previous) == 5
    assert all(world.bucket.body(first)[name] is None for name in previous)
    for before, key in itertools.pairwise([first, *later]):
        body, content = world.bucket.body(key), gzip.decompress(world.bucket.objects[before][0])
        assert body["previousDigestS3Object"] == before
        assert body["previousDigestS3Bucket"] == "logs"
        assert body["previousDigestHashValue"] == hashlib.sha256(content).hexdigest()
        assert body["previousDigestSignature"] == world.bucket.objects[before][1]["signature"]
        assert body["digestStartTime"] == world.bucket.body(before)["digestEndTime"]


def test_a_digest_names_each_log_file_once_with_the_hash_of_its_content(world: World) -> None:
    for _ in range(3):
        world.call(eventTime="2023-11-14T22:13:20Z")
        world.call(eventTime="2023-11-14T22:13:25Z")
        world.wait(DIGEST_SECONDS / 2)

    digests = [world.bucket.body(key) for key in world.bucket.digests()]
    named = [log for body in digests for log in body["logFiles"]]
    assert sorted(log["s3Object"] for log in named) == world.bucket.logs()[: len(named)]
    for log in named:
        content = gzip.decompress(world.bucket.objects[log["s3Object"]][0])
        assert log["hashValue"] == hashlib.sha256(content).hexdigest()
        assert (log["oldestEventTime"], log["newestEventTime"]) == ("2023-11-14T22:13:20Z", "2023-11-14T22:13:25Z")


def test_a_signature_is_of_the_end_the_place_the_hash_and_the_signature_before(world: World) -> None:
    for _ in range(2):
        world.wait(DIGEST_SECONDS)

    previous = "null"
    for key in world.bucket.digests():
        content, metadata = world.bucket.objects[key]
        body, text = world.bucket.body(key), gzip.decompress(content)
        signed = f"{body['digestEndTime']}\nlogs/{key}\n{hashlib.sha256(text).hexdigest()}\n{previous}"
        [found] = world.engine.public_keys("us-east-1", START, int(world.seconds))
        assert (
            found.fingerprint
            == body["digestPublicKeyFingerprint"]
            == hashlib.md5(found.public_key, usedforsecurity=False).hexdigest()
        )
        public = serialization.load_der_public_key(found.public_key)
        assert isinstance(public, rsa.RSAPublicKey)
        public.verify(bytes.fromhex(metadata["signature"]), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        assert metadata["signature-algorithm"] == body["digestSignatureAlgorithm"] == "SHA256withRSA"
        previous = metadata["signature"]


def test_every_region_has_its_own_chain_and_its_own_keys(world: World) -> None:
    world.call(awsRegion="eu-west-1")
    world.wait(DIGEST_SECONDS)
    world.wait(DIGEST_SECONDS)

    bodies = [world.bucket.body(key) for key in world.bucket.digests()]
    assert [len(world.bucket.digests(region)) for region in ("us-east-1", "eu-west-1")] == [2, 2]
    assert len({body["digestPublicKeyFingerprint"] for body in bodies}) == 2
    assert "_eu-west-1_audit_us-east-1_" in world.bucket.digests("eu-west-1")[0]


def test_keys_are_replaced_after_a_day_and_the_old_ones_stay_known(world: World) -> None:
    for _ in range(60):
        world.wait(DIGEST_SECONDS)

    keys = world.engine.public_keys("us-east-1", START, int(world.seconds))
    used = {world.bucket.body(key)["digestPublicKeyFingerprint"] for key in world.bucket.digests()}
    assert len(keys) == 3
    assert used == {key.fingerprint for key in keys}
    assert all(newer.starts_seconds >= older.ends_seconds for newer, older in itertools.pairwise(keys))


def test_a_broken_bucket_is_reported_and_after_its_repair_nothing_is_missing(world: World) -> None:
    world.bucket.fails_with = "AccessDenied"
    recorded = [world.call()]
    world.wait(5)
    status = world.engine.status(HOME)
    assert (status.log_error, status.log_seconds, status.log_attempt_seconds) == ("AccessDenied", None, START + 5)

    recorded.append(world.call())
    world.bucket.fails_with = ""
    world.wait(DIGEST_SECONDS)

    status = world.engine.status(HOME)
    assert (status.log_error, status.digest_error) == ("", "")
    assert status.log_seconds == status.digest_seconds == START + 5 + DIGEST_SECONDS
    assert world.bucket.event_ids() == recorded


def test_the_digests_of_all_regions_end_at_one_moment_however_long_it_takes_to_deliver_them(world: World) -> None:
    regions = ("ap-south-1", "eu-west-1", "us-east-1")
    for region in regions:
        world.call(awsRegion=region)

    def take_seconds() -> None:
        world.seconds += 2

    world.bucket.takes_seconds = take_seconds
    world.wait(DIGEST_SECONDS)

    ends = {world.bucket.body(key)["digestEndTime"] for region in regions for key in world.bucket.digests(region)}
    assert ends == {"2023-11-14T23:13:20Z"}


def test_the_status_is_that_of_one_region(world: World) -> None:
    world.call()
    world.wait(DIGEST_SECONDS)
    assert world.engine.status(HOME) == DeliveryStatus(
        log_seconds=(now := START + DIGEST_SECONDS), log_attempt_seconds=now, digest_seconds=now, digest_end_seconds=now
    )
    assert world.engine.status(AWAY) == DeliveryStatus()

    world.call(awsRegion="eu-west-1")
    world.bucket.fails_with = "AccessDenied"
    world.wait(5)

    assert world.engine.status(AWAY).log_error == "AccessDenied"
    assert world.engine.status(HOME).log_error == ""


def test_the_statuses_of_a_trail_that_is_gone_are_forgotten_and_no_others(world: World) -> None:
    other = replace(AUDIT, arn=AUDIT.arn[:-1] + "_", name="audi_")
    world.trails.append(other)
    world.engine.trails_changed()
    world.call(awsRegion="eu-west-1")
    world.wait(DIGEST_SECONDS)
    kept = world.engine.status(Stream(AUDIT.arn, "eu-west-1"))

    world.trails.remove(other)
    world.engine.deleted(replace(other, is_logging=False))
    world.wait(5)

    assert world.engine.status(Stream(other.arn, "eu-west-1")) == DeliveryStatus()
    assert world.engine.status(AWAY) == kept != DeliveryStatus()


def test_a_trail_stopped_before_its_first_delivery_has_a_digest_in_every_region_that_it_saw(world: World) -> None:
    world.call()
    world.call(awsRegion="eu-west-1")
    world.change(is_logging=False)
    world.wait(5)
    world.wait(DIGEST_SECONDS)

    for region in ("us-east-1", "eu-west-1"):
        [log], [digest] = world.bucket.logs(region), world.bucket.digests(region)
        assert [each["s3Object"] for each in world.bucket.body(digest)["logFiles"]] == [log]


def test_a_digest_that_cannot_be_delivered_is_reported_and_its_period_goes_into_the_next(world: World) -> None:
    world.wait(DIGEST_SECONDS)
    world.bucket.fails_with = "KMS.DisabledException"
    world.wait(DIGEST_SECONDS)
    assert world.engine.status(HOME).digest_error == "KMS.DisabledException"

    world.bucket.fails_with = ""
    world.wait(DIGEST_SECONDS)

    first, second = (world.bucket.body(key) for key in world.bucket.digests())
    assert second["digestStartTime"] == first["digestEndTime"]
    assert second["previousDigestS3Object"] == first["digestS3Object"]


def test_events_that_no_bucket_took_for_thirty_days_are_gone(world: World) -> None:
    world.bucket.fails_with = "NoSuchBucket"
    world.call()
    world.wait(31 * 24 * 3600)
    world.bucket.fails_with = ""
    world.wait(5)

    assert world.bucket.event_ids() == []


def test_time_passes_period_by_period_when_the_clock_is_advanced(world: World) -> None:
    behind = Clock([Shift(0, 3 * DIGEST_SECONDS)], lambda: float(START))
    world.engine._clock = behind
    world.engine._trail_delivery = type(world.engine._trail_delivery)(
        world.journal, behind, DIGEST_SECONDS, world.bucket
    )
    world.change(chain_since_seconds=START - 3 * DIGEST_SECONDS)
    asyncio.run(world.engine.advance(3 * DIGEST_SECONDS))

    ends = [world.bucket.body(key)["digestEndTime"] for key in world.bucket.digests()]
    assert ends == ["2023-11-14T20:13:20Z", "2023-11-14T21:13:20Z", "2023-11-14T22:13:20Z"]
    assert world.journal.notes.shifts() == behind.shifts
    with pytest.raises(LabError, match="cannot be ahead"):
        asyncio.run(world.engine.advance(1))


def test_what_happens_in_a_step_of_time_is_delivered_with_it(world: World) -> None:
    behind = Clock([Shift(0, 2.5 * DIGEST_SECONDS)], lambda: float(START))
    world.engine._clock = behind
    world.engine._trail_delivery = type(world.engine._trail_delivery)(
        world.journal, behind, DIGEST_SECONDS, world.bucket
    )
    world.change(chain_since_seconds=int(START - 2.5 * DIGEST_SECONDS))
    steps: list[tuple[float, float, float, int]] = []

    def happens(start: datetime, end: datetime, share: float) -> None:
        steps.append((start.timestamp() - START, end.timestamp() - START, share, len(world.bucket.event_ids())))
        world.call()

    asyncio.run(world.engine.advance(2.5 * DIGEST_SECONDS, happens))

    assert steps == [(-9000, -5400, 0.4, 0), (-5400, -1800, 0.8, 1), (-1800, 0, 1.0, 2)]
    assert len(world.bucket.event_ids()) == 3


OWN = {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}


def test_what_cloudtrail_does_to_deliver_is_no_reason_to_deliver(world: World) -> None:
    world.call_with({"eventVersion": "1.11", "userIdentity": OWN})
    world.wait(5)
    assert world.bucket.logs() == []

    world.call()
    world.wait(5)
    assert len(world.bucket.event_ids()) == 2


def test_no_text_of_a_caller_holds_a_record_back(world: World) -> None:
    user = {"type": "IAMUser", "userName": "ann"}
    event = world.call_with(
        {"eventVersion": "1.11", "userIdentity": user, "requestParameters": {"item": {"userIdentity": OWN}}}
    )
    world.wait(5)

    assert world.bucket.event_ids() == [event]
