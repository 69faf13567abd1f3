"""CloudWatch Logs, notifications, organizations, tags: one prop each, and no other principal is allowed."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from constructs_lib import Alerts, CloudWatchLogs, DeliveryNotifications, Organization, SecureTrail, SecurityProfile
from tests.cdk.conftest import new_app, only
from tests.cdk.templates import cloudtrail_statements, plain

ACCOUNT, REGION, ORGANIZATION = "111122223333", "eu-central-1", "o-abcdefghij"
TRAIL_ARN = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/recorder"


def template_of(**props: Any) -> Template:
    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=ACCOUNT, region=REGION))
    SecureTrail(stack, "SecureTrail", trail_name="recorder", **props)
    return Template.from_stack(stack)


def policy_statements(template: Template) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = plain(only(template, "AWS::IAM::ManagedPolicy"), "aws")["PolicyDocument"][
        "Statement"
    ]
    return statements


def test_the_log_group_is_encrypted_retained_for_a_year_and_connected_to_the_trail() -> None:
    template = template_of(cloudwatch=CloudWatchLogs())

    group = only(template, "AWS::Logs::LogGroup")
    assert (group["LogGroupName"], group["RetentionInDays"]) == ("/aws/cloudtrail/recorder", 365)
    assert group["KmsKeyId"] == {"Fn::GetAtt": ["SecureTrailKey340A4129", "Arn"]}
    trail = next(iter(template.find_resources("AWS::CloudTrail::Trail").values()))
    assert set(trail["Properties"]) >= {"CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn"}
    assert set(template.find_resources("AWS::IAM::ManagedPolicy")) <= set(trail["DependsOn"])


def test_the_log_groups_retention_can_be_chosen() -> None:
    template = template_of(cloudwatch=CloudWatchLogs(retention=logs.RetentionDays.TEN_YEARS))

    assert only(template, "AWS::Logs::LogGroup")["RetentionInDays"] == 3653


def test_only_cloudtrail_for_this_trail_assumes_the_log_role() -> None:
    role = only(template_of(cloudwatch=CloudWatchLogs()), "AWS::IAM::Role")

    assert plain(role["AssumeRolePolicyDocument"], "aws")["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceArn": TRAIL_ARN, "aws:SourceAccount": ACCOUNT}},
        }
    ]


@pytest.mark.parametrize(
    ("props", "writers"),
    [
        ({}, [f"{ACCOUNT}_CloudTrail_{REGION}*"]),
        ({"organization": Organization(ORGANIZATION)}, [f"{ACCOUNT}_CloudTrail_{REGION}*", f"{ORGANIZATION}_*"]),
    ],
)
def test_the_log_role_writes_to_its_own_streams_only(props: dict[str, Any], writers: list[str]) -> None:
    (statement,) = policy_statements(template_of(cloudwatch=CloudWatchLogs(), **props))

    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/cloudtrail/recorder"
    expected = [f"{group}:log-stream:{writer}" for writer in writers]
    resources = statement["Resource"]
    assert (resources if isinstance(resources, list) else [resources]) == expected


def with_existing_log_group(make: Callable[[cdk.Stack], CloudWatchLogs]) -> Template:
    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=ACCOUNT, region=REGION))
    SecureTrail(stack, "SecureTrail", trail_name="recorder", cloudwatch=make(stack))
    return Template.from_stack(stack)


def test_events_can_go_to_a_log_group_that_exists_by_a_role_that_exists() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/writes-events"
    template = with_existing_log_group(
        lambda stack: CloudWatchLogs(
            log_group=logs.LogGroup.from_log_group_name(stack, "Shared", "/shared/audit"),
            role=iam.Role.from_role_arn(stack, "Writer", role),
            cis_alarms=True,
        )
    )

    trail = plain(only(template, "AWS::CloudTrail::Trail"), "aws")
    assert trail["CloudWatchLogsLogGroupArn"] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/shared/audit:*"
    assert trail["CloudWatchLogsRoleArn"] == role
    filters = template.find_resources("AWS::Logs::MetricFilter").values()
    assert {each["Properties"]["LogGroupName"] for each in filters} == {"/shared/audit"}
    for made in ("AWS::Logs::LogGroup", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
        template.resource_count_is(made, 0)
    assert "CloudWatchLogsEncryptsLogGroup" not in str(template.find_resources("AWS::KMS::Key")), "it has its own key"


def test_a_new_role_writes_to_its_streams_in_a_log_group_of_the_app() -> None:
    template = with_existing_log_group(lambda stack: CloudWatchLogs(log_group=logs.LogGroup(stack, "Shared")))

    (shared,) = template.find_resources("AWS::Logs::LogGroup")
    (statement,) = only(template, "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    before, name, streams = statement["Resource"]["Fn::Join"][1][-3:]
    assert str(before).endswith(f":logs:{REGION}:{ACCOUNT}:log-group:")
    assert name == {"Ref": shared}
    assert streams == f":log-stream:{ACCOUNT}_CloudTrail_{REGION}*"
    trail = next(iter(template.find_resources("AWS::CloudTrail::Trail").values()))
    assert set(template.find_resources("AWS::IAM::ManagedPolicy")) <= set(trail["DependsOn"])


def test_a_log_group_that_exists_keeps_its_retention() -> None:
    with pytest.raises(ValueError, match=r"a log_group that exists and a retention(?s:.*)Fix: leave retention out"):
        with_existing_log_group(
            lambda stack: CloudWatchLogs(
                log_group=logs.LogGroup(stack, "Shared"), retention=logs.RetentionDays.ONE_YEAR
            )
        )


def test_cloudwatch_logs_uses_the_key_for_this_group_only() -> None:
    key = plain(only(template_of(cloudwatch=CloudWatchLogs()), "AWS::KMS::Key")["KeyPolicy"], "aws")

    (statement,) = [entry for entry in key["Statement"] if entry.get("Sid") == "CloudWatchLogsEncryptsLogGroup"]
    assert statement["Principal"]["Service"] == f"logs.{REGION}.amazonaws.com"
    assert statement["Condition"] == {
        "ArnEquals": {
            "kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/cloudtrail/recorder"
        }
    }


def test_the_delivery_topic_is_encrypted_and_allows_cloudtrail_for_this_trail_only() -> None:
    template = template_of(delivery_notifications=DeliveryNotifications())

    assert only(template, "AWS::SNS::Topic")["KmsMasterKeyId"] == {"Fn::GetAtt": ["SecureTrailKey340A4129", "Arn"]}
    policy = only(template, "AWS::SNS::TopicPolicy")["PolicyDocument"]
    allowed = [entry for entry in plain(policy, "aws")["Statement"] if entry["Effect"] == "Allow"]
    assert [(entry["Principal"], entry["Action"], entry["Condition"]) for entry in allowed] == [
        (
            {"Service": "cloudtrail.amazonaws.com"},
            "sns:Publish",
            {"StringEquals": {"aws:SourceArn": TRAIL_ARN}},
        )
    ]
    key = cloudtrail_statements(only(template, "AWS::KMS::Key")["KeyPolicy"], "aws")
    (publishes,) = [entry for entry in key if entry["Sid"] == "CloudTrailPublishes"]
    assert publishes["Condition"]["StringEquals"] == {"aws:SourceArn": TRAIL_ARN}
    trail = next(iter(template.find_resources("AWS::CloudTrail::Trail").values()))
    assert set(template.find_resources("AWS::SNS::TopicPolicy")) <= set(trail["DependsOn"])


def test_an_existing_topic_is_used(stack: cdk.Stack) -> None:
    SecureTrail(stack, "SecureTrail", delivery_notifications=DeliveryNotifications(topic=sns.Topic(stack, "Mine")))

    template = Template.from_stack(stack)
    topic_id = next(iter(template.find_resources("AWS::SNS::Topic")))
    assert only(template, "AWS::CloudTrail::Trail")["SnsTopicName"] == {"Ref": topic_id}


@pytest.mark.parametrize("prefix", [None, "audit/cloudtrail"])
@pytest.mark.parametrize("management_account", [None, "444455556666"])
def test_an_organizations_trail_writes_below_both_paths(prefix: str | None, management_account: str | None) -> None:
    template = template_of(
        organization=Organization(ORGANIZATION, management_account_id=management_account), s3_key_prefix=prefix
    )

    owner = management_account or ACCOUNT
    trail = only(template, "AWS::CloudTrail::Trail")
    assert trail["IsOrganizationTrail"] is True
    document = only(template, "AWS::S3::BucketPolicy", Bucket=trail["S3BucketName"])["PolicyDocument"]
    writes = [entry for entry in cloudtrail_statements(document, "aws") if entry["Action"] == "s3:PutObject"]
    folder = f"BUCKET_ARN/{prefix}/AWSLogs" if prefix else "BUCKET_ARN/AWSLogs"
    assert [entry["Resource"] for entry in writes] == [f"{folder}/{owner}/*", f"{folder}/{ORGANIZATION}/*"]
    sources = {entry["Condition"]["StringEquals"]["aws:SourceArn"] for entry in writes}
    assert sources == {f"arn:aws:cloudtrail:{REGION}:{owner}:trail/recorder"}


def test_tags_reach_everything_that_can_have_them() -> None:
    template = template_of(tags={"owner": "security"}, profile=SecurityProfile.COMPLIANCE)

    tagged = {
        resource["Type"]
        for resource in template.to_json()["Resources"].values()
        if {"Key": "owner", "Value": "security"} in resource["Properties"].get("Tags", [])
    }
    assert tagged >= {
        "AWS::CloudTrail::Trail",
        "AWS::KMS::Key",
        "AWS::S3::Bucket",
        "AWS::Logs::LogGroup",
        "AWS::SNS::Topic",
        "AWS::IAM::Role",
        "AWS::CloudWatch::Alarm",
    }


@pytest.mark.parametrize("profile", SecurityProfile)
def test_what_would_lose_logs_if_it_were_replaced_keeps_its_id(profile: SecurityProfile) -> None:
    """A changed id replaces the trail, the key or the bucket: a new one, and the old one's logs left behind."""
    template = template_of(profile=profile)

    assert set(template.find_resources("AWS::CloudTrail::Trail")) == {"SecureTrailFBD73927"}
    assert "SecureTrailKey340A4129" in template.find_resources("AWS::KMS::Key")
    assert {"SecureTrailBucket89F6863C", "SecureTrailAccessLogs2357F7D6"} <= set(
        template.find_resources("AWS::S3::Bucket")
    )


@pytest.mark.parametrize("has_alerts", [False, True])
@pytest.mark.parametrize(
    ("account", "owner", "warns"),
    [("111122223333", "444455556666", True), ("111122223333", "111122223333", False), (None, "444455556666", True)],
)
def test_a_delegated_administrator_is_warned(account: str | None, owner: str, *, warns: bool, has_alerts: bool) -> None:
    """CloudFormation looks for the trail in the account that deploys, and EventBridge's rules see its calls only."""
    env = cdk.Environment(account=account, region="eu-central-1")
    stack = cdk.Stack(new_app(), "Stack", env=env)
    trail = SecureTrail(
        stack,
        "SecureTrail",
        organization=Organization(ORGANIZATION, management_account_id=owner),
        alerts=Alerts() if has_alerts else None,
    )

    texts = [str(each.data) for each in trail.node.metadata]
    assert [f"deploy the stack to {owner}" in text for text in texts].count(True) == warns
    assert [f"stops the trail from {owner} raises no alert" in text for text in texts].count(True) == (
        warns and has_alerts
    )
    assert any("raises no alert, if that is another one" in text for text in texts) == (account is None and has_alerts)


@pytest.mark.parametrize("account", ["111122223333", None])
@pytest.mark.parametrize(("owner", "warnings"), [("Parameter", 2), ("AWS::AccountId", 0)])
def test_who_owns_the_trail_may_be_known_only_at_deployment(account: str | None, owner: str, warnings: int) -> None:
    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=account, region="eu-central-1"))
    owner_id = cdk.Aws.ACCOUNT_ID if ":" in owner else cdk.CfnParameter(stack, owner).value_as_string
    organization = Organization(ORGANIZATION, management_account_id=owner_id)
    trail = SecureTrail(stack, "SecureTrail", organization=organization, alerts=Alerts())

    texts = [text for text in (str(each.data) for each in trail.node.metadata) if "Fix: " in text]
    assert len(texts) == warnings
    assert all("the management account" in text and "nother" in text and "Token" not in text for text in texts)
