"""Malformed and hostile requests: recording never fails, whatever the request and the answer."""

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from lab.cloudtrail.event_history import EventHistory
from lab.protocol.decode import decode
from lab.protocol.request import Request
from lab.protocol.response import Response
from lab.records.record import recorded_call
from tests.lab.records.test_records import ORIGIN, json_call, query_call, signed

SEEDS = [
    query_call("iam", b"Action=CreateUser&Version=2010-05-08&UserName=a&Tags.member.1.Key=k&Tags.member.1.Value=v"),
    query_call("ec2", b"Action=RunInstances&Version=2016-11-15&MinCount=1&BlockDeviceMapping.1.Ebs.VolumeSize=8"),
    json_call("kms", "TrentService.CreateKey", {"Tags": [{"TagKey": "a", "TagValue": "b"}], "MultiRegion": True}),
    Request("PUT", "/b", "tagging", signed("s3"), b"<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>"),
    Request("POST", "/2015-03-31/functions", "", signed("lambda"), b'{"FunctionName": "f", "Publish": true}'),
    Request(
        "POST",
        "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm",
        "",
        signed("monitoring", **{"smithy-protocol": "rpc-v2-cbor"}),
        b"\xa1\x69AlarmName\x61a",
    ),
]
ANSWERS = [b"", b"{}", b"[]", b"null", b"<a/>", b"<a><b>", b"\xbf\xff", b"\xff" * 9, b"{" * 2000, b"<a>" * 2000]
BYTES: list[Callable[[random.Random], bytes]] = [
    lambda dice: dice.randbytes(3),
    lambda dice: b"%" * dice.randint(1, 3),
    lambda dice: b"[" * dice.randint(1, 3000),
    lambda dice: b"&Tags.member.%d.Key=1" % dice.randint(-1, 10**30),
    lambda dice: b"\xf0\x9f\x92" * dice.randint(1, 3),
    lambda dice: b"\x9f\x9f\xbf" * dice.randint(1, 3),
]


def mutated(text: bytes, dice: random.Random) -> bytes:
    at = dice.randint(0, len(text))
    return text[:at] + dice.choice(BYTES)(dice) + text[at + dice.randint(0, 3) :]


def odd(text: str, dice: random.Random) -> str:
    return mutated(text.encode(), dice).decode("latin-1") if dice.random() < 0.1 else text


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_recording_never_fails(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - junk, not secrets
    good = SEEDS[seed]
    history = EventHistory()
    for _ in range(150):
        request = Request(
            good.method,
            odd(good.path, dice),
            mutated(good.query.encode(), dice).decode("latin-1"),
            {name: odd(value, dice) for name, value in good.headers.items()},
            mutated(good.body, dice),
            body_is_cut=dice.random() < 0.05,
        )
        answer = dice.choice(ANSWERS)
        response = Response(dice.choice([200, 204, 301, 400, 404, 500, 501]), {}, answer, len(answer))

        history.add(recorded_call(decode(request), request, response, ORIGIN, datetime.now(UTC)))

    assert history.counts().events + history.counts().dropped > 0
