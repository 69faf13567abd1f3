"""Calls that are recorded again: the same but for time, ids and numbers."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.errors import LabError
from lab.records.record import RecordedCall
from lab.records.resources import Resource
from lab.records.samples import NUMBERED, Samples
from lab.scenarios import people

START = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
END = START + timedelta(hours=1)


def call(
    key: str, name: str = "GetObject", *, read_only: bool = True, source: str = "s3.amazonaws.com"
) -> RecordedCall:
    record: dict[str, Any] = {
        "userIdentity": {"type": "IAMUser", "accessKeyId": key},
        "eventTime": "2026-01-31T08:59:00Z",
        "eventSource": source,
        "eventName": name,
        "requestParameters": {"bucketName": "reports", "key": f"{NUMBERED}.csv"},
        "responseElements": None,
        "additionalEventData": {"x-amz-id-2": "abc", "bytesTransferredOut": 8},
        "requestID": "0123456789ABCDEF",
        "eventID": "6f1c9a52-6a0e-4e4c-9d4c-000000000000",
        "readOnly": read_only,
        "resources": [{"ARN": f"arn:aws:s3:::reports/{NUMBERED}.csv"}],
    }
    return RecordedCall(record, "ann", (Resource("AWS::S3::Object", f"reports/{NUMBERED}.csv"),), is_decoded=True)


def repeated(samples: Samples, count: int = 50) -> list[RecordedCall]:
    return list(samples.repeated(count, START, END, random.Random(1)))  # noqa: S311 - nothing is secret here


def test_a_repeated_call_differs_in_its_time_its_ids_and_its_numbers_alone() -> None:
    samples, original = Samples(), call("AKIA1")
    samples.keep(frozenset({"AKIA1"}))
    samples.take(original)

    made = repeated(samples)

    assert len({each.record["eventID"] for each in made} | {original.record["eventID"]}) == 51
    assert len({each.record["requestID"] for each in made}) == 50
    times = [each.record["eventTime"] for each in made]
    assert times == sorted(times)
    assert "2026-01-31T09:00:00Z" <= times[0] <= times[-1] < "2026-01-31T10:00:00Z"
    own = {"eventTime", "eventID", "requestID", "requestParameters", "resources", "additionalEventData"}
    for each in made:
        assert json.loads(each.text) == each.record
        assert list(each.record) == list(original.record), "in the order of CloudTrail's records"
        assert {name for name in each.record if each.record[name] != original.record[name]} <= own
        key = each.record["requestParameters"]["key"]
        assert each.record["resources"][0]["ARN"] == f"arn:aws:s3:::reports/{key}"
        assert each.resources == (Resource("AWS::S3::Object", f"reports/{key}"),)
        assert each.username == "ann"
    assert len({each.record["requestParameters"]["key"] for each in made}) > 40


def test_only_calls_of_the_named_keys_are_kept_and_none_that_can_be_made_only_once() -> None:
    samples = Samples()
    samples.take(call("AKIA1"))
    samples.keep(frozenset({"AKIA1"}))
    samples.take(call("AKIA2"))
    samples.take(call("AKIA1", "CreateAccessKey", read_only=False, source="iam.amazonaws.com"))
    assumed = call("AKIA1", "AssumeRole", source="sts.amazonaws.com").record
    samples.take(RecordedCall({**assumed, "responseElements": {"credentials": {}}}, "ann", (), is_decoded=True))
    with pytest.raises(LabError, match="has kept no calls"):
        repeated(samples)

    samples.keep(frozenset({"AKIA1"}))
    samples.take(call("AKIA1", "PutObject", read_only=False))
    assert {each.record["eventName"] for each in repeated(samples)} == {"PutObject"}
    samples.keep(frozenset({"AKIA1"}))
    with pytest.raises(LabError, match="has kept no calls"):
        repeated(samples)


def test_what_is_repeated_is_no_sample() -> None:
    samples = Samples()
    samples.keep(frozenset({"AKIA1"}))
    samples.take(call("AKIA1"))
    for each in repeated(samples):
        samples.take(each)

    assert len(samples._calls) == 1


def test_the_two_processes_mean_the_same_number() -> None:
    assert people.NUMBERED == NUMBERED
