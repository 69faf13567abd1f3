from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.verify.simulation.aws_double import ACCOUNT, USER_ARN, AwsDouble, lookup_answer, record
from verify.aws import Aws, Caller
from verify.errors import AccessDenied, Unreachable
from verify.events.calls import Call, Finding, MadeCall, four_calls, make, match, query_for, user_name
from verify.events.event import Event, parse_event

AT = datetime(2026, 3, 1, 12, 0, 0, 700_000, tzinfo=UTC)
LEARNER = Caller(account=ACCOUNT, arn=USER_ARN)
CALL = Call("s3", "ListBuckets", ("eu-west-1", "us-east-1"))


def event(seconds: float = 0, **changes: Any) -> Event:
    at = AT.replace(microsecond=0) + timedelta(seconds=seconds)
    return parse_event(lookup_answer(record("ListBuckets", at, **changes)) | {"EventTime": at})


def found_by(made: MadeCall, candidate: Event) -> str:
    finding = match(made, candidate, LEARNER)
    return finding.matched_by if finding else "no"


@pytest.mark.parametrize(
    ("made_ids", "event_changes", "seconds", "matched_by"),
    [
        (("R1",), {"requestID": "R1"}, 0, "request id"),
        (("R0", "R1"), {"requestID": "R1"}, 0, "request id"),
        (("R1",), {"requestID": "R1"}, -200, "request id"),  # the clocks differ; the id does not
        (("R1",), {"requestID": "R2"}, 0, "no"),  # the same call by the same user in the same second
        (("R1",), {"requestID": "R1", "eventName": "ListUsers"}, 0, "no"),
        (("R1",), {"requestID": "R1", "eventSource": "iam.amazonaws.com"}, 0, "no"),
        ((), {"requestID": "R2"}, 0, "name, user and time"),
        (("R1",), {"requestID": None}, 3, "name, user and time"),
        ((), {}, -1, "no"),
        ((), {"userIdentity": {"type": "IAMUser", "userName": "another"}}, 0, "no"),
    ],
)
def test_an_event_is_matched_to_exactly_the_call_that_was_made(
    made_ids: tuple[str, ...], event_changes: dict[str, Any], seconds: float, matched_by: str
) -> None:
    assert found_by(MadeCall(CALL, AT, made_ids, ""), event(seconds, **event_changes)) == matched_by


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/team/alice", "alice"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/i-0abc", "i-0abc"),
        (f"arn:aws:iam::{ACCOUNT}:root", "root"),
    ],
)
def test_a_caller_has_the_user_name_that_events_give_it(arn: str, name: str) -> None:
    assert user_name(Caller(ACCOUNT, arn)) == name


@pytest.mark.parametrize(
    ("region", "global_region"),
    [
        ("eu-west-1", "us-east-1"),
        ("us-east-1", "us-east-1"),
        ("us-gov-east-1", "us-gov-west-1"),
        ("cn-northwest-1", "cn-north-1"),
    ],
)
def test_iam_is_looked_for_where_its_partition_records_it(aws: AwsDouble, region: str, global_region: str) -> None:
    regions = {call.operation: call.regions for call in four_calls(Aws(region=region))}
    assert aws.lookups == []
    assert regions["ListUsers"] == (global_region,)
    assert regions["DescribeInstances"] == regions["DescribeSecurityGroups"] == (region,)
    assert regions["ListBuckets"] == tuple(dict.fromkeys((region, global_region)))


def test_the_request_id_is_the_one_that_the_service_gave(aws: AwsDouble) -> None:
    session = Aws()
    made = [make(session, call) for call in four_calls(session)]
    recorded = {answer["EventName"]: parse_event(answer) for answer in aws.answers["us-east-1"]}
    assert [one.request_ids for one in made] == [(recorded[one.call.operation].request_id,) for one in made]
    assert all(one.refusal == "" for one in made)
    assert len({one.request_ids for one in made}) == 4


def test_a_refused_call_is_remembered_with_its_refusal_and_its_request_id(aws: AwsDouble) -> None:
    aws.denied_operations = {"DescribeInstances"}
    made = make(Aws(), Call("ec2", "DescribeInstances", ("us-east-1",)))
    assert "ec2:DescribeInstances is denied" in made.refusal
    assert made.request_ids == (parse_event(aws.answers["us-east-1"][0]).request_id,)


def test_the_question_is_narrow_in_name_and_time() -> None:
    request = query_for(MadeCall(CALL, AT, ("R1",), "")).request()
    assert request["LookupAttributes"] == [{"AttributeKey": "EventName", "AttributeValue": "ListBuckets"}]
    assert request["StartTime"] < AT < request["EndTime"]
    assert request["EndTime"] - request["StartTime"] <= timedelta(minutes=30)


DENIED = AccessDenied("cloudtrail:LookupEvents", "no")
OFFLINE = Unreachable("no route")


@pytest.mark.parametrize(
    ("finding", "is_open"),
    [
        (Finding(MadeCall(CALL, AT, (), "")), True),
        (Finding(MadeCall(CALL, AT, (), ""), event()), False),
        (Finding(MadeCall(CALL, AT, (), ""), failures=(DENIED,)), True),  # the other region may have it
        (Finding(MadeCall(CALL, AT, (), ""), failures=(DENIED, OFFLINE)), True),
        (Finding(MadeCall(CALL, AT, (), ""), failures=(DENIED, DENIED)), False),
    ],
)
def test_a_call_is_looked_for_as_long_as_one_region_may_still_have_it(finding: Finding, *, is_open: bool) -> None:
    assert finding.is_open is is_open
