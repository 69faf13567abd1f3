"""Stacks in the lab: what CloudFormation promises about failure, deletion, change sets and unknown properties."""

from typing import Any

import pytest

from lab.instance import lifecycle
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory, Stack

ROOT_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}],
}


@pytest.mark.parametrize(
    ("resource_type", "properties", "named"),
    [
        ("AWS::S3::Bucket", {"InventoryConfigurations": []}, "InventoryConfigurations"),
        ("AWS::S3::Bucket", {"BucketNam": "typo"}, "BucketNam"),
        ("AWS::KMS::Key", {"KeyPolicy": ROOT_POLICY, "RotateDaily": True}, "RotateDaily"),
        ("AWS::KMS::Alias", {"AliasName": "alias/a", "TargetKeyId": "k", "Tags": []}, "Tags"),
        ("AWS::S3::BucketPolicy", {"Bucket": "b", "PolicyDocument": {}, "Extra": 1}, "Extra"),
        (
            "AWS::CloudTrail::Trail",
            {"IsLogging": True, "S3BucketName": "b", "AggregationConfigurations": []},
            "AggregationConfigurations",
        ),
    ],
)
def test_a_property_that_the_lab_would_ignore_fails_the_stack_and_says_what_to_do(
    stack: Stack, resource_type: str, properties: dict[str, Any], named: str
) -> None:
    status = stack.deploy({"Thing": {"Type": resource_type, "Properties": properties}})

    assert status == "ROLLBACK_COMPLETE"
    assert f"{resource_type} Thing: the lab does not support the property {named}. Remove it" in stack.failures()[-1]


def test_a_misspelled_setting_inside_a_property_fails_the_stack_by_name(stack: Stack, client: ClientFactory) -> None:
    properties = {
        "BucketName": f"{stack.name}-b",
        "OwnershipControls": {"Rules": [{"ObjectOwnerships": "BucketOwnerEnforced"}]},
    }

    status = stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})

    assert status == "ROLLBACK_COMPLETE"
    assert "ObjectOwnerships" in stack.failures()[-1]
    assert f"{stack.name}-b" not in [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]


def test_a_bucket_that_is_not_empty_stays_and_says_why(stack: Stack, client: ClientFactory) -> None:
    stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket"}})
    bucket = stack.physical_id("Bucket")
    client("s3").put_object(Bucket=bucket, Key="evidence", Body=b"x")

    assert stack.delete() == "DELETE_FAILED"
    assert "The bucket you tried to delete is not empty" in stack.failures()[-1]

    client("s3").delete_object(Bucket=bucket, Key="evidence")
    assert stack.delete() == "DELETE_COMPLETE"


def test_old_versions_keep_a_bucket_too(stack: Stack, client: ClientFactory) -> None:
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": versioned}})
    bucket = stack.physical_id("Bucket")
    client("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    client("s3").delete_object(Bucket=bucket, Key="k")

    assert stack.delete() == "DELETE_FAILED"


def test_what_a_template_retains_outlives_its_stack(stack: Stack, client: ClientFactory) -> None:
    stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}})
    bucket = stack.physical_id("Bucket")

    assert stack.delete() == "DELETE_COMPLETE"
    assert bucket in [each["Name"] for each in client("s3").list_buckets()["Buckets"]]


def test_a_resource_that_fails_takes_back_those_before_it(stack: Stack, client: ClientFactory) -> None:
    name = f"{stack.name}-b"
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}},
        "Alias": {
            "Type": "AWS::KMS::Alias",
            "DependsOn": "Bucket",
            "Properties": {"AliasName": "alias/x", "TargetKeyId": "11111111-2222-3333-4444-555555555555"},
        },
    }

    assert stack.deploy(resources) == "ROLLBACK_COMPLETE"
    assert name not in [each["Name"] for each in client("s3").list_buckets()["Buckets"]]


def test_a_bucket_policy_moves_with_its_property_and_goes_with_its_resource(
    stack: Stack, client: ClientFactory
) -> None:
    s3 = client("s3")

    def policy(sid: str) -> dict[str, Any]:
        statement = {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        return {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": document},
        }

    bucket = {"Bucket": {"Type": "AWS::S3::Bucket"}}
    for sid in ("One", "Two"):
        stack.deploy(bucket | {"Policy": policy(sid)})
        assert sid in s3.get_bucket_policy(Bucket=stack.physical_id("Bucket"))["Policy"]

    stack.deploy(bucket)
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=stack.physical_id("Bucket"))


def test_a_type_that_is_not_tested_works_with_a_warning_once(stack: Stack, lab: Lab) -> None:
    queues = {"Queue": {"Type": "AWS::SQS::Queue"}, "Other": {"Type": "AWS::SQS::Queue"}}

    assert stack.deploy(queues) == "CREATE_COMPLETE"

    status = lifecycle.ask(lab)
    assert status is not None
    warning = "The lab does not test AWS::SQS::Queue: its properties may be ignored."
    assert status.warnings.count(warning) == 1
    assert not any("AWS::S3::" in each or "AWS::KMS::" in each for each in status.warnings)


def test_an_unknown_type_is_rejected(stack: Stack, client: ClientFactory) -> None:
    body = '{"Resources": {"X": {"Type": "AWS::Nothing::AtAll"}}}'
    cloudformation = client("cloudformation")

    with pytest.raises(cloudformation.exceptions.ClientError, match="Unrecognized resource types"):
        cloudformation.create_stack(StackName=stack.name, TemplateBody=body)


def test_a_change_set_tells_what_would_change_and_changes_nothing(stack: Stack, client: ClientFactory) -> None:
    cloudformation = client("cloudformation")
    stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket"}})
    versioned = (
        '{"Resources": {"Bucket": {"Type": "AWS::S3::Bucket",'
        '"Properties": {"VersioningConfiguration": {"Status": "Enabled"}}}}}'
    )

    names = {"StackName": stack.name, "ChangeSetName": "look"}
    cloudformation.create_change_set(**names, TemplateBody=versioned, ChangeSetType="UPDATE")
    changes = cloudformation.describe_change_set(**names)["Changes"]

    assert [(each["ResourceChange"]["Action"], each["ResourceChange"]["LogicalResourceId"]) for each in changes] == [
        ("Modify", "Bucket")
    ]
    assert "Status" not in client("s3").get_bucket_versioning(Bucket=stack.physical_id("Bucket"))


def test_a_stack_lives_in_its_region(client: ClientFactory) -> None:
    elsewhere = Stack(client("cloudformation", region_name="eu-west-1"))

    assert elsewhere.deploy({"Bucket": {"Type": "AWS::S3::Bucket"}}) == "CREATE_COMPLETE"

    bucket = elsewhere.physical_id("Bucket")
    assert client("s3").get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-west-1"


@pytest.mark.parametrize(("listed", "status"), [("", "disabled"), ("a,b", "enabled")])
def test_a_condition_can_ask_whether_a_list_is_empty(
    stack: Stack, client: ClientFactory, listed: str, status: str
) -> None:
    has_any = {"Fn::Not": [{"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "List"}]}]}]}
    versions = {"Fn::If": ["HasAny", {"Status": "Enabled"}, {"Ref": "AWS::NoValue"}]}
    bucket = {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": versions}}}
    parameters = {"List": {"Type": "CommaDelimitedList", "Default": listed}}

    assert stack.deploy(bucket, Conditions={"HasAny": has_any}, Parameters=parameters) == "CREATE_COMPLETE"

    found = client("s3").get_bucket_versioning(Bucket=stack.physical_id("Bucket")).get("Status", "Disabled")
    assert found.lower() == status
