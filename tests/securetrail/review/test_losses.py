"""What a change of a template loses beside policies: data to somebody outside, and what protects by being there."""

import copy
from typing import Any

import pytest

from securetrail.review.comparison import Side, compare_sides
from securetrail.review.findings import Findings
from securetrail.review.template import Template
from tests.securetrail.review.access.stack import OWN, template

pytestmark = pytest.mark.regular
FOREIGN = "888877776666"


def resource(of_type: str, **properties: Any) -> dict[str, Any]:
    return {"Type": of_type, "Properties": properties}


def side(more: dict[str, Any]) -> Side:
    body = template()
    body["Resources"] |= copy.deepcopy(more)
    return Side((Template("Stack", body, OWN, "us-east-1"),), Findings((), ()), {}, {})


def objections(before: dict[str, Any], after: dict[str, Any]) -> set[tuple[str, str]]:
    found = compare_sides(side(before), side(after)).objections
    # Without the values, of which one of this kind has many.
    return {(each.id if "changed:" not in each.id else "protection_changed", each.resource) for each in found}


def replicating(bucket: Any, account: str = OWN) -> dict[str, Any]:
    rule = {"Status": "Enabled", "Destination": {"Bucket": bucket, "Account": account}}
    return {"More": resource("AWS::S3::Bucket", BucketName="more", ReplicationConfiguration={"Rules": [rule]})}


STREAM = f"arn:aws:logs:us-east-1:{FOREIGN}:destination:theirs"
SUBSCRIBED = f"arn:aws:sqs:us-east-1:{FOREIGN}:theirs"
OUTSIDE = {
    "copies to a bucket of somebody else": (
        {"More": resource("AWS::S3::Bucket", BucketName="more")},
        replicating("arn:aws:s3:::somebody-elses"),
        "the bucket somebody-elses",
    ),
    "copies to another account": (
        {"More": resource("AWS::S3::Bucket", BucketName="more")},
        replicating({"Fn::GetAtt": ["Logs", "Arn"]}, FOREIGN),
        f"the account {FOREIGN}",
    ),
    "events of a log group to another account": (
        {},
        {"More": resource("AWS::Logs::SubscriptionFilter", LogGroupName="audit", DestinationArn=STREAM)},
        f"the account {FOREIGN}",
    ),
    "alerts to another account": (
        {},
        {"More": resource("AWS::SNS::Subscription", Protocol="sqs", TopicArn={"Ref": "Alerts"}, Endpoint=SUBSCRIBED)},
        f"the account {FOREIGN}",
    ),
    "an account as a number": (
        {},
        {"More": resource("AWS::Logs::Any", Owner=int(FOREIGN))},
        f"the account {FOREIGN}",
    ),
    "an account in a text that cannot be resolved": (
        {},
        {"More": resource("AWS::Logs::Any", To={"Fn::Transform": {"Name": "x", "Parameters": {"a": STREAM}}})},
        f"the account {FOREIGN}",
    ),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_data_to_somebody_whom_the_base_does_not_name_is_objected_to(name: str) -> None:
    before, after, who = OUTSIDE[name]

    assert (f"names_outsider: {who}", "Stack/More") in objections(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # The base names the account already.
        (
            {"One": resource("AWS::Logs::SubscriptionFilter", DestinationArn=STREAM)},
            {
                "One": resource("AWS::Logs::SubscriptionFilter", DestinationArn=STREAM),
                "More": resource("AWS::Logs::SubscriptionFilter", DestinationArn=STREAM),
            },
        ),
        # A bucket that the change makes itself, and the own account.
        (
            {},
            {"Copies": resource("AWS::S3::Bucket", BucketName="copies"), **replicating("arn:aws:s3:::copies")},
        ),
        # Twelve digits that are no account.
        ({}, {"More": resource("AWS::Logs::Any", LimitInBytes=107374182400)}),
        ({}, {"More": resource("AWS::Logs::Any", Id="00000000-0000-0000-0000-000000000000", Name=f"x-{FOREIGN}")}),
    ],
)
def test_who_is_known_or_is_nobody_is_not_objected_to(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert not [each for each in objections(before, after) if each[0].startswith("names_outsider")]


FLOW_LOG = {"More": resource("AWS::EC2::FlowLog", ResourceId="vpc-1", TrafficType="ALL", Tags=[])}
GUARDS = {
    "AWS::Macie::Session": ({"Status": "ENABLED"}, {"Status": "PAUSED"}),
    "AWS::Organizations::Policy": ({"Content": {"Statement": [{"Effect": "Deny"}]}}, {"Content": {"Statement": []}}),
    "AWS::Config::ConfigRule": ({"Source": {"Owner": "AWS"}}, {"Source": {"Owner": "CUSTOM_LAMBDA"}}),
    "AWS::WAFv2::WebACL": ({"DefaultAction": {"Block": {}}}, {"DefaultAction": {"Allow": {}}}),
}


@pytest.mark.parametrize("of_type", GUARDS)
def test_what_protects_and_has_no_control_may_not_change(of_type: str) -> None:
    before, after = ({"More": resource(of_type, **given)} for given in GUARDS[of_type])

    assert ("protection_changed", "Stack/More") in objections(before, after)
    described = {"More": resource(of_type, **GUARDS[of_type][0], Description="another text", Tags=[1])}
    assert objections(before, described) == set()


def test_what_protects_and_has_no_control_may_not_be_replaced() -> None:
    fewer = {"More": resource("AWS::EC2::FlowLog", ResourceId="vpc-1", TrafficType="REJECT", Tags=[])}

    assert objections(FLOW_LOG, fewer) == {
        ("protection_changed", "Stack/More"),
        ("replaced: TrafficType changes", "Stack/More"),
    }


LOCK = {"MinRetentionDays": 30, "ChangeableForDays": 3}


@pytest.mark.parametrize(
    ("of_type", "before", "after", "expected"),
    [
        ("AWS::Backup::BackupVault", {"LockConfiguration": LOCK}, {}, {"backup_vault_is_locked"}),
        (
            "AWS::Backup::BackupVault",
            {"LockConfiguration": LOCK},
            {"LockConfiguration": {"MinRetentionDays": 30}},
            {"backup_vault_is_locked"},
        ),
        (
            "AWS::Backup::BackupVault",
            {"LockConfiguration": LOCK},
            {"LockConfiguration": {**LOCK, "MinRetentionDays": 1}},
            {"backup_vault_lock_period"},
        ),
        ("AWS::Backup::BackupVault", {}, {"LockConfiguration": LOCK}, set()),
        ("AWS::Neptune::DBCluster", {"DeletionProtection": True}, {}, {"database_is_protected"}),
        ("AWS::DocDB::DBCluster", {"BackupRetentionPeriod": 30}, {}, {"database_keeps_backups"}),
    ],
)
def test_locks_and_databases(of_type: str, before: Any, after: Any, expected: set[str]) -> None:
    found = objections({"More": resource(of_type, **before)}, {"More": resource(of_type, **after)})

    assert expected <= {each.split(":")[0] for each, _ in found}
    assert bool(found) is bool(expected)
