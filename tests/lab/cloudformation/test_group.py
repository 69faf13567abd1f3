"""AWS::IAM::Group and AWS::Athena::NamedQuery, by the calls that their service records."""

import json
from typing import Any

import pytest

from tests.lab.conftest import ClientFactory, Stack

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"


def inline(name: str, action: str) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    return {"PolicyName": name, "PolicyDocument": document}


def group(**properties: Any) -> dict[str, Any]:
    return {"Group": {"Type": "AWS::IAM::Group", "Properties": properties}}


def test_a_group_has_the_policies_of_its_template_and_is_deleted_with_them(stack: Stack, client: ClientFactory) -> None:
    iam = client("iam")
    first = group(Path="/a/", ManagedPolicyArns=[READ_ONLY], Policies=[inline("p", "s3:GetObject")])
    assert stack.deploy(first) == "CREATE_COMPLETE"
    name = stack.physical_id("Group")
    assert iam.get_group(GroupName=name)["Group"]["Path"] == "/a/"
    assert iam.list_group_policies(GroupName=name)["PolicyNames"] == ["p"]

    second = group(Path="/a/", ManagedPolicyArns=[AUDIT], Policies=[inline("q", "s3:ListBucket")])
    assert stack.deploy(second) == "UPDATE_COMPLETE"
    assert stack.physical_id("Group") == name
    attached = iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [AUDIT]
    assert iam.list_group_policies(GroupName=name)["PolicyNames"] == ["q"]
    put = iam.get_group_policy(GroupName=name, PolicyName="q")["PolicyDocument"]
    assert put["Statement"][0]["Action"] == "s3:ListBucket"

    assert stack.deploy(group(Path="/b/")) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("Path cannot change in the lab" in each for each in stack.failures())
    stack.deploy({"Topic": {"Type": "AWS::SNS::Topic"}})
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_group(GroupName=name)
    by_name = [{"AttributeKey": "EventName", "AttributeValue": "DeleteGroup"}]
    (event, *_) = client("cloudtrail").lookup_events(LookupAttributes=by_name)["Events"]
    assert json.loads(event["CloudTrailEvent"])["userIdentity"]["invokedBy"] == "cloudformation.amazonaws.com"


def test_a_named_query_is_kept_and_a_changed_one_is_another(stack: Stack, client: ClientFactory) -> None:
    athena = client("athena")

    def query(statement: str) -> dict[str, Any]:
        properties = {"Database": "d", "Name": "of-stack", "QueryString": statement}
        return {"Query": {"Type": "AWS::Athena::NamedQuery", "Properties": properties}}

    assert stack.deploy(query("SELECT 1")) == "CREATE_COMPLETE"
    first = stack.physical_id("Query")
    assert stack.deploy(query("SELECT 2")) == "UPDATE_COMPLETE"
    second = stack.physical_id("Query")

    assert first != second
    assert athena.get_named_query(NamedQueryId=second)["NamedQuery"]["QueryString"] == "SELECT 2"
    assert first not in athena.list_named_queries()["NamedQueryIds"]
