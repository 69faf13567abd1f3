"""Policies that come to, or go from, what is there already, and access that is given by no policy."""

from typing import Any

import pytest

from tests.securetrail.review.access.stack import OWN
from tests.securetrail.review.losses.templates import objections, resource

pytestmark = pytest.mark.regular

FOREIGN = "888877776666"


def said(before: dict[str, Any], after: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each.split(":")[0], where) for each, where in objections(before, after)}


def document(principal: Any, action: str, effect: str = "Allow") -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Principal": principal, "Action": action, "Resource": "*"}]}


def guarded(policy: dict[str, Any]) -> dict[str, Any]:
    arn = {"Fn::GetAtt": ["More", "EventDataStoreArn"]}
    store = resource("AWS::CloudTrail::EventDataStore", Name="more")
    policies = {"Guard": resource("AWS::CloudTrail::ResourcePolicy", ResourceArn=arn, ResourcePolicy=policy)}
    return {"More": store, **(policies if policy else {})}


DENY = document("*", "cloudtrail:DeleteEventDataStore", "Deny")
PUBLIC = document("*", "cloudtrail:GetQueryResults")


def test_a_policy_that_goes_from_what_stays_has_protected_it() -> None:
    assert ("newly_allowed", "Stack/More") in said(guarded(DENY), guarded({}))
    assert said(guarded({}), guarded(DENY)) == set()


def test_the_first_policy_of_what_is_there_already_is_judged_like_every_other() -> None:
    assert ("newly_allowed", "Stack/More") in said(guarded({}), guarded(PUBLIC))


def table(at: str, policy: Any) -> dict[str, Any]:
    replica: dict[str, Any] = {"Region": "eu-west-1"}
    if at == "a replica":
        replica["ResourcePolicy"] = {"PolicyDocument": policy}
    if at == "a replica's stream":
        replica["ReplicaStreamSpecification"] = {"ResourcePolicy": {"PolicyDocument": policy}}
    if at != "a stream":
        return {"More": resource("AWS::DynamoDB::GlobalTable", TableName="more", Replicas=[replica])}
    stream = {"StreamViewType": "NEW_IMAGE", "ResourcePolicy": {"PolicyDocument": policy}}
    return {"More": resource("AWS::DynamoDB::Table", TableName="more", StreamSpecification=stream)}


@pytest.mark.parametrize("at", ["a replica", "a replica's stream", "a stream"])
def test_the_policies_of_a_tables_copies_and_streams_are_read(at: str) -> None:
    mine, everyones = document({"AWS": OWN}, "dynamodb:GetRecords"), document("*", "dynamodb:GetRecords")

    assert ("newly_allowed", "Stack/More") in said(table(at, mine), table(at, everyones))
    assert said(table(at, everyones), table(at, mine)) == set()


@pytest.mark.parametrize("whole", [True, False])
def test_the_policy_that_an_event_bus_has_itself_is_read(whole: bool) -> None:
    everyones = document("*", "events:PutEvents")
    policy = everyones if whole else everyones["Statement"][0]

    bus, open_bus = (resource("AWS::Events::EventBus", Name="more", **more) for more in ({}, {"Policy": policy}))
    assert ("newly_allowed", "Stack/More") in said({"More": bus}, {"More": open_bus})
    assert ("newly_allowed", "Stack/More") in said({}, {"More": open_bus})
    assert said({"More": open_bus}, {"More": bus}) == set()


@pytest.mark.parametrize("kind", ["AccessGrant", "AccessGrantsLocation"])
def test_an_access_grant_of_s3_gives_access(kind: str) -> None:
    before = {"More": resource(f"AWS::S3::{kind}", Permission="READ")}
    after = {"More": resource(f"AWS::S3::{kind}", Permission="READWRITE")}

    assert ("access_not_comparable", "Stack/More") in said({}, after)
    assert ("access_not_comparable", "Stack/More") in said(before, after)
    assert said(after, after) == set()
