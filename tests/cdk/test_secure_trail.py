"""What one `SecureTrail(self, "SecureTrail")` must produce, whatever else changes."""

from collections.abc import Callable
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as destinations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk.assertions import Annotations, Match, Template

from constructs_lib import Alerts, Analytics, CloudWatchLogs, NewBucket, NewKey, Replica, SecureTrail
from tests.cdk.conftest import Synthesize, new_app, only
from tests.cdk.templates import log_bucket

ALL_BLOCKED = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}


def access_log_bucket(template: Template) -> dict[str, object]:
    return next(
        bucket["Properties"]
        for bucket in template.find_resources("AWS::S3::Bucket").values()
        if "LoggingConfiguration" not in bucket["Properties"]
    )


def test_no_argument_is_required(synthesize: Synthesize) -> None:
    template = synthesize()

    template.resource_count_is("AWS::CloudTrail::Trail", 1)
    template.resource_count_is("AWS::KMS::Key", 1)
    template.resource_count_is("AWS::KMS::Alias", 1)
    template.resource_count_is("AWS::S3::Bucket", 2)


def test_the_key_rotates_and_has_an_alias(synthesize: Synthesize) -> None:
    template = synthesize(encryption_key=NewKey(alias="alias/flight-recorder"))

    key = only(template, "AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    assert "KeySpec" not in key  # absent means symmetric
    assert only(template, "AWS::KMS::Alias")["AliasName"] == "alias/flight-recorder"


def test_the_log_bucket_encrypts_with_the_key_and_a_bucket_key(synthesize: Synthesize) -> None:
    template = synthesize()

    key_id = next(iter(template.find_resources("AWS::KMS::Key")))
    assert log_bucket(template)["BucketEncryption"] == {
        "ServerSideEncryptionConfiguration": [
            {
                "BucketKeyEnabled": True,
                "ServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms",
                    "KMSMasterKeyID": {"Fn::GetAtt": [key_id, "Arn"]},
                },
            }
        ]
    }


def test_both_buckets_are_private_owned_versioned_and_have_a_lifecycle(synthesize: Synthesize) -> None:
    template = synthesize()

    for bucket in (log_bucket(template), access_log_bucket(template)):
        assert bucket["PublicAccessBlockConfiguration"] == ALL_BLOCKED
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        rules = bucket["LifecycleConfiguration"]["Rules"]  # type: ignore[index]
        assert rules[0]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
        assert "NoncurrentVersionExpiration" in rules[0]


def test_log_files_never_expire_unless_someone_asks(synthesize: Synthesize) -> None:
    rules = log_bucket(synthesize())["LifecycleConfiguration"]["Rules"]  # type: ignore[index]

    assert [rule for rule in rules if "ExpirationInDays" in rule] == []


def test_the_access_log_bucket_is_one_that_s3_delivers_to(synthesize: Synthesize) -> None:
    bucket = access_log_bucket(synthesize())

    encryption = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]  # type: ignore[index]
    assert encryption == [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    assert "ObjectLockEnabled" not in bucket


def test_the_trail_records_every_region_and_validates_its_files(synthesize: Synthesize) -> None:
    template = synthesize(trail_name="flight-recorder", s3_key_prefix="audit")

    key_id = next(iter(template.find_resources("AWS::KMS::Key")))
    trail = only(template, "AWS::CloudTrail::Trail")
    assert trail["TrailName"] == "flight-recorder"
    assert trail["IsMultiRegionTrail"] is True
    assert trail["IncludeGlobalServiceEvents"] is True
    assert trail["EnableLogFileValidation"] is True
    assert trail["IsLogging"] is True
    assert trail["KMSKeyId"] == {"Fn::GetAtt": [key_id, "Arn"]}
    assert trail["S3KeyPrefix"] == "audit"


def test_the_trail_waits_for_all_else_of_its_construct_also_for_further_alarms(stack: cdk.Stack) -> None:
    made = SecureTrail(stack, "SecureTrail", cloudwatch=CloudWatchLogs(), alerts=Alerts())
    made.alarm_on("Deleted", filter_pattern="{($.eventName=DeleteTrail)}", description="A trail was deleted")

    resources = Template.from_stack(stack).to_json()["Resources"]
    (trail,) = (name for name, each in resources.items() if each["Type"] == "AWS::CloudTrail::Trail")
    assert set(resources[trail]["DependsOn"]) == resources.keys() - {trail}


def role_that_writes(stack: cdk.Stack, arn: str | None = None) -> iam.IRole:
    cloudtrail = iam.ServicePrincipal("cloudtrail.amazonaws.com")
    role = iam.Role.from_role_arn(stack, "Role", arn) if arn else iam.Role(stack, "Role", assumed_by=cloudtrail)
    logs.LogGroup(stack, "Group").grant_write(role)
    return role


EXISTING: dict[str, Callable[[cdk.Stack], dict[str, Any]]] = {
    "topic for alerts": lambda stack: {
        "alerts": Alerts(
            topic=sns.Topic(stack, "Topic"), emails=["a@example.com"], webhooks=["https://alerts.example.com"]
        )
    },
    "role": lambda stack: {"cloudwatch": CloudWatchLogs(role=role_that_writes(stack))},
    "imported role": lambda stack: {
        "cloudwatch": CloudWatchLogs(role=role_that_writes(stack, "arn:aws:iam::111122223333:role/logs"))
    },
    "bucket for access logs": lambda stack: {"log_bucket": NewBucket(access_log_bucket=s3.Bucket(stack, "Logs"))},
    "bucket for access logs of results": lambda stack: {
        "analytics": Analytics(access_log_bucket=s3.Bucket(stack, "Logs"))
    },
}


@pytest.mark.parametrize("existing", EXISTING)
def test_the_trail_waits_for_what_is_made_for_it_below_what_exists(stack: cdk.Stack, existing: str) -> None:
    """While any of it can fail nothing must be delivered, or a rollback leaves a bucket with files."""
    SecureTrail(stack, "SecureTrail", **EXISTING[existing](stack))

    resources = Template.from_stack(stack).to_json()["Resources"]
    (trail,) = (name for name, each in resources.items() if each["Type"] == "AWS::CloudTrail::Trail")
    made = {
        name
        for name, each in resources.items()
        if each["Type"].rpartition("::")[2] in ("Subscription", "TopicPolicy", "BucketPolicy", "Policy")
    }
    assert made - {*resources[trail]["DependsOn"]} == set()


def test_what_an_app_adds_to_the_parts_may_know_the_trail(stack: cdk.Stack) -> None:
    made = SecureTrail(stack, "SecureTrail", cloudwatch=CloudWatchLogs(), alerts=Alerts())
    assert made.log_group is not None
    assert made.alert_topic is not None
    code, handler = lambda_.Code.from_inline("def handle(event, context): pass"), "index.handle"
    function = lambda_.Function(
        stack,
        "Function",
        code=code,
        handler=handler,
        runtime=lambda_.Runtime.PYTHON_3_12,
        environment={"TRAIL": made.trail.ref},
    )
    made.alert_topic.add_subscription(subscriptions.LambdaSubscription(function))
    made.log_group.add_subscription_filter(
        "Filter", destination=destinations.LambdaDestination(function), filter_pattern=logs.FilterPattern.all_events()
    )
    sns.Subscription(
        made,
        "Added",
        topic=made.alert_topic,
        endpoint=function.function_arn,
        protocol=sns.SubscriptionProtocol.LAMBDA,
    )

    alarm = made.alarm_on("Deleted", filter_pattern="{($.eventName=DeleteTrail)}", description="A trail was deleted")
    alarm.alarm_actions = [*(alarm.alarm_actions or []), function.function_arn]
    guard = cast("cloudwatch.CfnAlarm", made.node.find_child("AlertsNotDelivered"))
    guard.ok_actions = [function.function_arn]

    resources = Template.from_stack(stack).to_json()["Resources"]  # refuses dependencies that are a cycle
    (trail,) = (name for name, each in resources.items() if each["Type"] == "AWS::CloudTrail::Trail")
    waited_for = {resources[name]["Type"] for name in resources[trail]["DependsOn"]}
    assert "AWS::Logs::SubscriptionFilter" not in waited_for
    assert "AWS::SNS::Subscription" not in waited_for
    alarms = {name for name, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    with_actions = {stack.resolve(each.logical_id) for each in (alarm, guard)}
    assert alarms - {*resources[trail]["DependsOn"]} == with_actions < alarms


def test_logs_and_keys_stay_when_the_construct_is_removed_and_all_but_keys_go_when_it_could_not_be_made(
    synthesize: Synthesize,
) -> None:
    template = synthesize(log_bucket=NewBucket(replica=Replica()), cloudwatch=CloudWatchLogs(), alerts=Alerts())

    for resource_type, number in (("AWS::KMS::Key", 3), ("AWS::S3::Bucket", 4), ("AWS::Logs::LogGroup", 1)):
        found = template.find_resources(resource_type).values()
        assert len(found) == number
        for resource in found:
            encrypts_files = resource_type == "AWS::KMS::Key" and "alerts" not in resource["Properties"]["Description"]
            kept = "Retain" if encrypts_files else "RetainExceptOnCreate"
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (kept, "Retain")
    for alias in template.find_resources("AWS::KMS::Alias").values():  # it would be in the way of the next deployment
        assert "DeletionPolicy" not in alias


def test_an_app_may_choose_to_keep_what_a_deployment_that_fails_has_made(synthesize: Synthesize) -> None:
    for bucket in synthesize(removal_policy=cdk.RemovalPolicy.RETAIN).find_resources("AWS::S3::Bucket").values():
        assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_an_app_may_choose_to_lose_them(synthesize: Synthesize) -> None:
    template = synthesize(
        removal_policy=cdk.RemovalPolicy.DESTROY, encryption_key=NewKey(pending_window=cdk.Duration.days(7))
    )

    assert only(template, "AWS::KMS::Key")["PendingWindowInDays"] == 7
    for bucket in template.find_resources("AWS::S3::Bucket").values():
        assert bucket["DeletionPolicy"] == "Delete"


def test_nothing_needs_an_asset_or_a_custom_resource(synthesize: Synthesize) -> None:
    types = {resource["Type"] for resource in synthesize().to_json()["Resources"].values()}

    assert types == {
        "AWS::CloudTrail::Trail",
        "AWS::KMS::Alias",
        "AWS::KMS::Key",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
    }


def test_every_sub_resource_is_public(stack: cdk.Stack) -> None:
    secure_trail = SecureTrail(stack, "SecureTrail")

    assert isinstance(secure_trail.encryption_key, kms.Key)
    assert isinstance(secure_trail.log_bucket, s3.Bucket)
    assert isinstance(secure_trail.access_log_bucket, s3.Bucket)
    assert secure_trail.trail.ref
    assert secure_trail.key_alias == f"alias/{secure_trail.trail_name}"


def test_two_trails_fit_in_one_stack(stack: cdk.Stack) -> None:
    first, second = SecureTrail(stack, "First"), SecureTrail(stack, "Second")

    assert first.trail_name != second.trail_name
    Template.from_stack(stack).resource_count_is("AWS::CloudTrail::Trail", 2)


@pytest.mark.parametrize("flags", [True, False])
def test_access_logs_are_allowed_by_policy_whatever_the_feature_flags(*, flags: bool) -> None:
    stack = cdk.Stack(new_app(flags=flags), "Stack")
    SecureTrail(stack, "SecureTrail")

    template = Template.from_stack(stack)
    assert "AccessControl" not in access_log_bucket(template)
    template.has_resource_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {"Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject"}
                        )
                    ]
                )
            }
        },
    )


def test_an_existing_key_and_bucket_get_cloudtrails_grants(stack: cdk.Stack) -> None:
    key, bucket = kms.Key(stack, "MyKey"), s3.Bucket(stack, "MyBucket")
    SecureTrail(stack, "SecureTrail", encryption_key=key, log_bucket=bucket)

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::KMS::Key", 1)
    template.resource_count_is("AWS::S3::Bucket", 1)
    policy = only(template, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert {"AWSCloudTrailAclCheck", "AWSCloudTrailWrite"} <= {statement.get("Sid", "")[:-8] for statement in policy}
    statements = only(template, "AWS::KMS::Key")["KeyPolicy"]["Statement"]
    assert {"CloudTrailEncryptsLogs", "CloudTrailUsesKey"} <= {
        statement.get("Sid", "")[:-8] for statement in statements
    }


def test_an_imported_key_or_bucket_gives_a_warning_with_the_statement_to_add(stack: cdk.Stack) -> None:
    SecureTrail(
        stack,
        "SecureTrail",
        encryption_key=kms.Key.from_key_arn(stack, "K", "arn:aws:kms:us-east-1:111122223333:key/imported"),
        log_bucket=s3.Bucket.from_bucket_name(stack, "B", "imported-bucket"),
    )

    warnings = [entry.entry.data for entry in Annotations.from_stack(stack).find_warning("*", Match.any_value())]
    for sid in ("CloudTrailEncryptsLogs", "CloudTrailUsesKey", "AWSCloudTrailAclCheck", "AWSCloudTrailWrite"):
        assert [text for text in warnings if f'"Sid": "{sid}' in str(text)], sid
