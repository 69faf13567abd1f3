"""Files made to break the validator: each gets a verdict, and memory and time stay bounded."""

from __future__ import annotations

import gzip
import time
from datetime import timedelta
from typing import Any

import pytest

from tests.verify.simulation.api import Api, check_bucket, since
from tests.verify.simulation.in_memory import validate
from tests.verify.simulation.scenarios import trail
from tests.verify.simulation.signing import public_key
from tests.verify.simulation.trail import BUCKET, HOME, HOUR, Chain, Delivered, SimulatedAws
from verify.integrity.result import MAX_PROBLEMS, Result
from verify.integrity.timeline.verdict import Verdict
from verify.storage.layout import ChainName, DigestName
from verify.storage.objects import ObjectName


def result_of(chain: Chain) -> Result:
    return validate(chain, history_from=chain.hours[0].start - 2 * HOUR)


@pytest.mark.parametrize("hours_ahead", [0, 1, 48])
def test_a_signed_link_to_itself_or_forward_is_not_followed(hours_ahead: int) -> None:
    chain = trail(4)
    ahead = chain.at + HOUR * (1 + hours_ahead)
    name = DigestName.of(chain.location, ChainName(chain.account, HOME, chain.trail, HOME), ahead).name
    chain.previous = Delivered(name, chain.at, ahead, "0" * 64, "ab" * 256, ())
    chain.run(2)

    result = result_of(chain)

    assert result.exit_code == 3
    assert result.chains[0].tally.digests == {Verdict.PROVEN: 5, Verdict.UNPROVEN: 1}


def test_a_signed_link_to_something_that_is_no_digest_is_not_followed() -> None:
    chain = trail(4)
    chain.previous = Delivered(
        ObjectName("elsewhere", "../../etc/passwd"), chain.at, chain.at, "0" * 64, "ab" * 256, ()
    )
    chain.run(2)

    assert result_of(chain).exit_code == 3


def test_a_forged_digest_cannot_send_the_validator_to_another_bucket() -> None:
    chain = trail(4)
    attacker = Chain(SimulatedAws(), bucket="attacker", key=9)
    attacker.run(3)
    for name, stored in attacker.aws.objects.items():
        chain.aws.objects[name] = stored
    newest = attacker.hours[-1].name
    chain.aws.objects[ObjectName(BUCKET, newest.key)] = chain.aws.objects[newest]

    result = result_of(chain)

    assert result.exit_code == 1
    assert not any("attacker/AWSLogs" in problem.subject for problem in result.chains[0].tally.problems)


@pytest.mark.regular
@pytest.mark.slow
def test_ten_thousand_false_digests_in_a_day_are_counted_in_seconds() -> None:
    chain = trail(6)
    for number in range(10_000):
        named = DigestName.of(
            chain.location,
            ChainName(chain.account, HOME, chain.trail, HOME),
            chain.hours[0].start + timedelta(seconds=2 * number),
        )
        chain.aws.objects.setdefault(named.name, chain.aws.objects[chain.hours[2].name])
    began = time.process_time()

    result = result_of(chain)

    assert time.process_time() - began < 30
    assert result.exit_code == 1
    assert result.chains[0].tally.digests[Verdict.PROVEN] == 6


def test_problems_are_counted_without_end_but_listed_up_to_a_limit() -> None:
    chain = trail(3)
    day = chain.location.logs_on(HOME, chain.hours[0].start.date())
    for number in range(MAX_PROBLEMS + 500):
        chain.aws.put(ObjectName(BUCKET, f"{day}{number}"), b"x", chain.at)

    tally = result_of(chain).chains[0].tally

    assert tally.logs[Verdict.FOREIGN] == MAX_PROBLEMS + 500
    assert (len(tally.problems), tally.omitted) == (MAX_PROBLEMS, 500)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(bytes(40 * 2**20), compresslevel=1),
        gzip.compress(b"[" * 10**6),
        gzip.compress(b'{"logFiles": ' + b"[" * 10**5),
        gzip.compress(b'{"a": ' + b"9" * 10**5 + b"}"),
        gzip.compress(b"null"),
        gzip.compress("\ud800".encode("utf-8", "surrogatepass")),
        b"\x1f\x8b" + b"\xff" * 1000,
        b"",
    ],
    ids=[
        "a bomb",
        "depth",
        "depth in a field",
        "a huge number",
        "null",
        "a lone surrogate",
        "a broken header",
        "empty",
    ],
)
def test_a_hostile_digest_is_modified_and_the_rest_still_proven(body: bytes) -> None:
    chain = trail(6)
    chain.aws.edit(chain.hours[2].name, body=body)

    tally = result_of(chain).chains[0].tally

    assert tally.digests == {Verdict.PROVEN: 5, Verdict.ALTERED: 1}


@pytest.mark.parametrize(
    "name", ["", " ", "\x00", "\x1b[2J", "..", "/", "a" * 900, "é\U0001f600", "x.json.gz", "%2e%2e"]
)
@pytest.mark.parametrize("folder", ["CloudTrail", "CloudTrail-Digest"])
def test_an_object_with_an_absurd_name_is_foreign(folder: str, name: str) -> None:
    chain = trail(4)
    day = f"AWSLogs/{chain.account}/{folder}/{HOME}/{chain.hours[0].start:%Y/%m/%d}/"
    chain.aws.put(ObjectName(BUCKET, day + name), b"x", chain.at)

    result = result_of(chain)

    assert result.exit_code == 1
    assert [problem.verdict for problem in result.chains[0].tally.problems] == [Verdict.FOREIGN]


def test_an_empty_folder_marker_is_no_file() -> None:
    chain = trail(4)
    chain.aws.put(ObjectName(BUCKET, f"{chain.location.logs_on(HOME, chain.hours[0].start.date())}"), b"", chain.at)

    assert result_of(chain).exit_code == 0


def with_a_retired_key() -> Chain:
    """A day under the first key, and three under the one that followed it."""
    chain = trail(24)
    retired = chain.at + HOUR
    chain.rotate()
    chain.run(72)
    chain.aws.keys[HOME] = [public_key(0, valid_to=retired), public_key(1, valid_from=chain.hours[24].start - HOUR)]
    return chain


def sign_anew(chain: Chain, first: int) -> None:
    """All from an hour on is replaced by what the first key, which leaked, signed."""
    status = dict(chain.aws.status[HOME])
    for hour in chain.hours[first:]:
        chain.aws.delete(hour.name, *hour.logs)
    forger = Chain(chain.aws, key=0, number=5000, previous=chain.hours[first - 1], at=chain.hours[first].start)
    forger.run(len(chain.hours) - first, logs=1)
    chain.aws.status[HOME] = status


@pytest.mark.parametrize("loses_metadata", [False, True])
def test_a_retired_key_that_leaked_signs_nothing_wherever_its_signatures_lie(*, loses_metadata: bool) -> None:
    chain = with_a_retired_key()
    asked: dict[str, Any] = {"start": since(chain), "end": "2026-11-03"}
    assert check_bucket(Api(chain.aws), chain.at + HOUR / 2, **asked).exit_code == 0

    sign_anew(chain, 40)
    if loses_metadata:
        for hour in chain.hours[40:]:
            chain.aws.edit(hour.name, metadata={})
    result = check_bucket(Api(chain.aws), chain.at + HOUR / 2, **asked)

    assert result.exit_code == 1
    proven = [row for row in result.rows if row.verdict is Verdict.PROVEN]
    assert all(row.end <= chain.hours[40].start for row in proven)


def test_a_retired_key_signs_no_backfill_digest_of_later_hours_whatever_its_metadata_say() -> None:
    chain = with_a_retired_key()
    forger = Chain(chain.aws, key=0, number=5000)
    planted = forger.backfill(chain.hours[40])
    signed = dict(chain.aws.objects[planted.name].metadata)
    chain.aws.edit(planted.name, metadata=signed | {"backfill-generation-timestamp": "2026-11-01T10:00:00Z"})

    result = check_bucket(Api(chain.aws), chain.at + HOUR / 2, start=since(chain))

    assert result.exit_code == 1
    assert result.chains[0].tally.backfills == {Verdict.ALTERED: 1}
