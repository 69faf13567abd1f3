"""Access logs in an existing bucket: allowed by its policy, whatever the feature flags of the app are."""

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from constructs import Construct

from constructs_lib import Analytics, LogReplica, NewAccessLogBucket, NewBucket, SecureTrail
from tests.cdk.conftest import new_app

ACCOUNT, REGION = "111122223333", "eu-central-1"
ENV = cdk.Environment(account=ACCOUNT, region=REGION)
ENFORCED = {"object_ownership": s3.ObjectOwnership.BUCKET_OWNER_ENFORCED}


def make(construct: type[Construct], stack: cdk.Stack, bucket: s3.IBucket) -> Template:
    if construct is LogReplica:
        LogReplica(stack, "Mine", access_log_bucket=bucket)
    else:
        SecureTrail(stack, "Mine", log_bucket=NewBucket(access_log_bucket=bucket))
    return Template.from_stack(stack)


def properties(template: Template, resource_type: str, logical_id: str) -> dict[str, Any]:
    (found,) = [
        resource.get("Properties", {})
        for name, resource in template.find_resources(resource_type).items()
        if re.fullmatch(f"{logical_id}[0-9A-F]{{8}}", name)
    ]
    return dict(found)


@pytest.mark.parametrize("construct", [SecureTrail, LogReplica])
@pytest.mark.parametrize("ownership", [{}, ENFORCED], ids=["plain", "enforced"])
def test_without_flags_the_template_is_the_one_with_flags(
    construct: type[Construct], ownership: dict[str, Any]
) -> None:
    """CDK without its flag switches the bucket's ACLs on, or raises where they are forbidden."""
    made = []
    for app in (new_app(), new_app(flags=False)):
        stack = cdk.Stack(app, "Stack", env=ENV)
        template = make(construct, stack, s3.Bucket(stack, "Theirs", **ownership))
        made.append(
            (
                properties(template, "AWS::S3::Bucket", "MineBucket")["LoggingConfiguration"],
                properties(template, "AWS::S3::BucketPolicy", "TheirsPolicy")["PolicyDocument"],
                properties(template, "AWS::S3::Bucket", "Theirs"),
            )
        )

    assert made[0] == made[1]
    assert made[0][0].keys() == {"DestinationBucketName", "LogFilePrefix"}
    assert "AccessControl" not in made[1][2]


def test_a_bucket_of_another_stack_allows_the_account_without_a_cycle() -> None:
    app = new_app(flags=False)
    base, top = cdk.Stack(app, "Base", env=ENV), cdk.Stack(app, "Top", env=ENV)
    make(SecureTrail, top, s3.Bucket(base, "Theirs"))

    (policy,) = Template.from_stack(base).find_resources("AWS::S3::BucketPolicy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_query_results_beside_an_existing_log_bucket_log_where_they_are_told(stack: cdk.Stack) -> None:
    theirs = s3.Bucket(stack, "Theirs")
    SecureTrail(stack, "Mine", log_bucket=s3.Bucket(stack, "Logs"), analytics=Analytics(access_log_bucket=theirs))

    template = Template.from_stack(stack)
    results = properties(template, "AWS::S3::Bucket", "MineAnalyticsResults")
    assert results["LoggingConfiguration"]["DestinationBucketName"] == stack.resolve(theirs.bucket_name)
    assert len(template.find_resources("AWS::S3::Bucket")) == 3  # no bucket for access logs beside theirs


def test_query_results_beside_a_new_log_bucket_may_log_elsewhere(stack: cdk.Stack) -> None:
    theirs = s3.Bucket(stack, "Theirs")
    SecureTrail(stack, "Mine", analytics=Analytics(access_log_bucket=theirs))

    template = Template.from_stack(stack)
    results = properties(template, "AWS::S3::Bucket", "MineAnalyticsResults")
    assert results["LoggingConfiguration"]["DestinationBucketName"] == stack.resolve(theirs.bucket_name)
    logs = properties(template, "AWS::S3::Bucket", "MineBucket")
    assert logs["LoggingConfiguration"]["DestinationBucketName"] != stack.resolve(theirs.bucket_name)


def test_access_logs_of_query_results_stay_for_a_year(stack: cdk.Stack) -> None:
    SecureTrail(stack, "Mine", log_bucket=s3.Bucket(stack, "Logs"), analytics=Analytics())

    rules = properties(Template.from_stack(stack), "AWS::S3::Bucket", "MineAccessLogs")["LifecycleConfiguration"][
        "Rules"
    ]
    assert [rule["ExpirationInDays"] for rule in rules] == [365]


def test_access_logs_stay_as_long_as_they_are_told(stack: cdk.Stack) -> None:
    SecureTrail(
        stack,
        "Mine",
        log_bucket=NewBucket(access_log_bucket=NewAccessLogBucket(expiration=cdk.Duration.days(30))),
        analytics=Analytics(),
    )

    rules = properties(Template.from_stack(stack), "AWS::S3::Bucket", "MineAccessLogs")["LifecycleConfiguration"][
        "Rules"
    ]
    assert [rule["ExpirationInDays"] for rule in rules] == [30]
