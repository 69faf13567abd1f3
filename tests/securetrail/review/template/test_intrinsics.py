"""Intrinsic functions as CloudFormation documents them: each resolved, and what cannot be is said to be so."""

from __future__ import annotations

from typing import Any

import pytest

from securetrail.review.template import Id, NotComparable, Resource, Template, variants

ACCOUNT, REGION = "123456789012", "us-east-1"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
SECTIONS: dict[str, Any] = {
    "Parameters": {
        "Prefix": {"Type": "String", "Default": "audit"},
        "Given": {"Type": "String"},
        "Names": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Days": {"Type": "Number"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/vpc"},
    },
    "Mappings": {"Regions": {REGION: {"Name": "east", "Zones": ["a", "b"]}}},
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "${Prefix}-${AWS::AccountId}"}}},
        "Key": {"Type": "AWS::KMS::Key"},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "reader", "Path": "/audit/"}},
        "Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": {"TrailName": "audit"}},
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/audit"}},
        "Provider": {"Type": "AWS::IAM::OIDCProvider", "Properties": {"Url": "https://token.example.com"}},
        "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"ManagedPolicyName": "read"}},
        "Other": {"Type": "AWS::Example::Thing"},
    },
}


def resolved(value: Any, **sections: Any) -> Any:
    body = {**SECTIONS, **sections}
    resources = {**body["Resources"], "Probe": {"Type": "Custom::Probe", "Properties": {"Value": value}}}
    template = Template("Stack", {**body, "Resources": resources})
    return probe(variants([template], [template])[0].head).properties.get("Value", "nothing")


def probe(resources: Any) -> Resource:
    found: Resource = next(resource for id_, resource in resources.items() if id_.logical_id == "Probe")
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "AWS::AccountId"}, ACCOUNT),
        ({"Ref": "AWS::Region"}, REGION),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        ({"Ref": "AWS::StackName"}, "Stack"),
        ({"Ref": "Bucket"}, f"audit-{ACCOUNT}"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, f"arn:aws:s3:::audit-{ACCOUNT}"),
        ({"Fn::GetAtt": "Bucket.DomainName"}, f"audit-{ACCOUNT}.s3.amazonaws.com"),
        ({"Ref": "Topic"}, f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"),
        ({"Fn::GetAtt": ["Topic", "TopicArn"]}, f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"),
        ({"Fn::GetAtt": ["Topic", "TopicName"]}, "alerts"),
        ({"Ref": "Queue"}, f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/jobs"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"),
        ({"Ref": "Role"}, "reader"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, f"arn:aws:iam::{ACCOUNT}:role/audit/reader"),
        ({"Ref": "Policy"}, f"arn:aws:iam::{ACCOUNT}:policy/read"),
        ({"Fn::GetAtt": ["Trail", "Arn"]}, f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/audit"),
        ({"Fn::GetAtt": ["Group", "Arn"]}, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/audit:*"),
        ({"Ref": "Provider"}, f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.example.com"),
        ({"Fn::Sub": "${Bucket.Arn}/${Prefix}/${!Literal}"}, f"arn:aws:s3:::audit-{ACCOUNT}/audit/${{Literal}}"),
        ({"Fn::Sub": ["${A}-${Prefix}", {"A": {"Ref": "AWS::Region"}}]}, f"{REGION}-audit"),
        ({"Fn::Join": ["/", ["a", {"Ref": "Prefix"}, {"Ref": "AWS::NoValue"}]]}, "a/audit"),
        ({"Fn::Join": ["-", {"Ref": "Names"}]}, "a-b"),
        ({"Fn::Split": [":", "a:b"]}, ["a", "b"]),
        ({"Fn::Select": [4, {"Fn::Split": [":", {"Ref": "Topic"}]}]}, ACCOUNT),
        ({"Fn::Select": ["1", {"Ref": "Names"}]}, "b"),
        ({"Fn::FindInMap": ["Regions", {"Ref": "AWS::Region"}, "Name"]}, "east"),
        ({"Fn::FindInMap": ["Regions", "mars", "Name", {"DefaultValue": "none"}]}, "none"),
        ({"Fn::Base64": "a"}, "YQ=="),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Length": {"Ref": "Names"}}, 2),
        ({"Fn::ToJsonString": {"b": {"Ref": "Prefix"}, "a": 1}}, '{"a": 1, "b": "audit"}'),
        ({"Fn::GetAZs": ""}, ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ({"Ref": "Given"}, "(parameter Given)"),
        ({"Ref": "Stored"}, "(value of the SSM parameter /vpc)"),
        ({"Fn::ImportValue": "their-key"}, "(export their-key)"),
        ({"Fn::GetStackOutput": {"StackName": "Other", "OutputName": "Arn"}}, "(output Arn of the stack Other)"),
        ({"Ref": "AWS::NoValue"}, "nothing"),
        ([1, {"Ref": "AWS::NoValue"}, True, None], [1, True, None]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": {"Ref": "Prefix"}}, {"b": "audit"}),
    ],
)
def test_an_intrinsic_is_resolved(value: Any, expected: Any) -> None:
    assert resolved(value) == expected


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://x"}}}, "Fn::Transform"),
        ({"Fn::ForEach::Loop": ["x", ["a"], {}]}, "Fn::ForEach"),
        ({"a": 1, "Fn::Transform": {"Name": "x"}}, "Fn::Transform"),
        ({"Fn::Unheard": "x"}, "Fn::Unheard"),
        ({"Ref": "Nobody"}, "Ref Nobody"),
        ({"Fn::GetAtt": ["Nobody", "Arn"]}, "Fn::GetAtt of Nobody"),
        ({"Ref": "Days"}, "the parameter Days of type Number"),
        ({"Fn::Join": ["", ["a", {"Ref": "Days"}]]}, "the parameter Days"),
        ({"Fn::Sub": "a-${Days}"}, "the parameter Days"),
        ({"Fn::ToJsonString": {"a": {"Ref": "Days"}}}, "the parameter Days"),
        ({"Fn::Select": ["7", {"Ref": "Names"}]}, "Fn::Select"),
        ({"Fn::FindInMap": ["Regions", "mars", "Name"]}, "Fn::FindInMap"),
        ({"Fn::Cidr": [{"Ref": "Given"}, 2, 8]}, "Fn::Cidr"),
        ({"Fn::Length": {"Ref": "Given"}}, "Fn::Length"),
        ({"Fn::Split": ["", "x"]}, "Fn::Split"),
        ({"Ref": ["Bucket"]}, "Ref of another form"),
    ],
)
def test_what_cannot_be_resolved_says_why_and_equals_only_itself(value: Any, why: str) -> None:
    found = resolved(value)

    assert isinstance(found, NotComparable)
    assert why in found.why
    assert found == resolved(value)
    assert found != resolved({"Fn::Unheard": "something else"})


def test_a_change_of_the_mapping_changes_what_is_not_found_in_it() -> None:
    value = {"Fn::FindInMap": ["Regions", "mars", "Name"]}

    assert resolved(value) != resolved(value, Mappings={"Regions": {REGION: {"Name": "west"}}})


def test_names_that_cloudformation_makes_are_those_of_the_resource() -> None:
    key, other = resolved({"Fn::GetAtt": ["Key", "Arn"]}), resolved({"Ref": "Other"})

    assert key.startswith(KEY_ARN)
    assert key == KEY_ARN + resolved({"Ref": "Key"})
    assert other.startswith("Stack-Other-")


def test_a_name_that_is_made_of_itself_ends_somewhere() -> None:
    resources = {
        "A": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "${B}-a"}}},
        "B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "${A}-b"}}},
    }
    template = Template("Stack", {"Resources": resources})

    (variant,) = variants([template], [template])

    assert variant.base == variant.head
    assert len(variant.head[Id("Stack", "A")].properties["BucketName"]) < 100


def test_a_macro_over_the_whole_template_makes_every_resource_not_comparable() -> None:
    plain, with_macro = (
        Template("Stack", {"Resources": {"Key": {"Type": "AWS::KMS::Key"}}, "Transform": transform})
        for transform in ("AWS::LanguageExtensions", ["AWS::LanguageExtensions", "Mine"])
    )

    (variant,) = variants([plain], [with_macro])

    assert variant.base[Id("Stack", "Key")].properties == {}
    assert isinstance(variant.head[Id("Stack", "Key")].properties["Fn::Transform"], NotComparable)


def test_the_environment_of_the_stack_is_in_its_arns() -> None:
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}}}}
    china = Template("Stack", body, account="111122223333", region="cn-north-1")

    (variant,) = variants([china], [china])

    assert variant.head[Id("Stack", "Topic")].arn == "arn:aws-cn:sns:cn-north-1:111122223333:alerts"
