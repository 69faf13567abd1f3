from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.verify.simulation.aws_double import lookup_answer, record
from verify.events.event import Resource, parse_event
from verify.report.events import COLUMNS, row
from verify.times import iso

STRATUS = Path(__file__).parents[3].parent / "shared" / "datasets" / "stratus-attack"
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def answer(cloudtrail_event: object, **changes: Any) -> dict[str, Any]:
    """An element of ``Events`` as boto3 gives it."""
    base = {"EventId": "e-1", "EventName": "ListBuckets", "EventTime": AT, "EventSource": "s3.amazonaws.com"}
    return base | {"CloudTrailEvent": cloudtrail_event} | changes


def test_every_field_of_an_ordinary_event() -> None:
    given = record("PutBucketPolicy", AT, requestID="r-1", requestParameters={"bucketName": "logs"}, errorCode="X")
    resources = [{"ResourceType": "AWS::S3::Bucket", "ResourceName": "logs"}]
    event = parse_event(lookup_answer(given) | {"EventTime": AT, "ReadOnly": "false", "Resources": resources})
    assert event.name == "PutBucketPolicy"
    assert event.time == AT
    assert event.user == "learner"
    assert event.access_key_id == "AKIAEXAMPLE"
    assert event.identity_type == "IAMUser"
    assert event.request_id == "r-1"
    assert event.request_parameters == '{"bucketName": "logs"}'
    assert event.error_code == "X"
    assert event.read_only is False
    assert event.resources == (Resource("AWS::S3::Bucket", "logs"),)
    assert event.raw == given
    assert event.problem == ""


HOSTILE = {
    "missing": (None, "is missing"),
    "not JSON": ("<xml/>", "is not JSON"),
    "cut off": ('{"awsRegion": "us-e', "is not JSON"),
    "a list": ("[]", "not an object"),
    "a number": ("7", "not an object"),
    "not a JSON constant": ('{"a": NaN}', "NaN"),
    "an endless number": ('{"a": ' + "9" * 5000 + "}", "is not JSON"),
    "nested beyond the parser": ('{"a":' * 100_000, "is not JSON"),
    "nested beyond sense": ('{"a":' * 300 + "1" + "}" * 300, "nested more than 100 deep"),
    "huge": ('{"a": "' + "x" * 3_000_000 + '"}', "at most"),
}


@pytest.mark.parametrize(("text", "problem"), HOSTILE.values(), ids=HOSTILE.keys())
def test_an_event_that_cannot_be_read_is_still_one_marked_row(text: object, problem: str) -> None:
    event = parse_event(answer(text))
    assert problem in event.problem
    cells = dict(zip(COLUMNS, row(event), strict=True))
    assert cells["event"] == "ListBuckets"
    assert cells["time"] == "2026-03-01T12:00:00Z"
    assert cells["error"] == event.problem
    assert json.loads(json.dumps(event.raw))["problem"] == event.problem


@pytest.mark.parametrize("wrong", [None, 7, True, [], {}, ["x"], {"a": {"b": 1}}, "", 1e308])
@pytest.mark.parametrize(
    "key", ["userIdentity", "awsRegion", "sourceIPAddress", "errorCode", "requestID", "requestParameters"]
)
def test_a_field_of_the_wrong_type_does_not_lose_the_event(key: str, wrong: object) -> None:
    event = parse_event(answer(json.dumps(record("ListBuckets", AT, **{key: wrong}))))
    assert event.event_id == "e-1"
    assert all(isinstance(cell, str) for cell in row(event))
    assert json.loads(json.dumps(event.raw))[key] == wrong


@pytest.mark.parametrize(
    "answered", [{}, {"EventTime": "soon", "Resources": "x", "ReadOnly": 1}, {"Resources": [None, {"ResourceName": 3}]}]
)
def test_an_answer_without_the_promised_fields_is_still_one_row(answered: dict[str, Any]) -> None:
    assert len(row(parse_event(answered))) == len(COLUMNS)


def test_control_characters_reach_neither_a_row_nor_the_json() -> None:
    evil = "\x1b[2J\r\n\t\x00\x9b\u202e\ud800"
    event = parse_event(answer(json.dumps(record("ListBuckets", AT, sourceIPAddress=evil)), Username=evil))
    assert all(cell.isprintable() for cell in row(event))
    assert row(event)[3].startswith("\\x1b[2J\\x0d\\x0a\\x09")
    assert json.dumps(event.raw).isprintable()


def test_calls_of_aws_services_name_the_service_as_the_user() -> None:
    identity = {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}
    assert parse_event(answer(json.dumps({"userIdentity": identity}))).user == "cloudtrail.amazonaws.com"


@pytest.mark.skipif(not STRATUS.is_dir(), reason="the real log files are not on this machine")
def test_every_real_event_is_a_full_row() -> None:
    records = [
        event
        for file in STRATUS.rglob("*.json.gz")
        for event in json.loads(gzip.decompress(file.read_bytes()))["Records"]
    ]
    assert len(records) == 2093
    for given in records:
        event = parse_event(lookup_answer(given) | {"EventTime": datetime.fromisoformat(given["eventTime"])})
        assert (event.problem, event.raw) == ("", given)
        assert iso(event.time) == given["eventTime"]
        assert (event.region, event.source_ip) == (given["awsRegion"], given["sourceIPAddress"])
        assert event.error_code == given.get("errorCode", "")
        assert event.read_only is given["readOnly"]
        assert event.user, given
