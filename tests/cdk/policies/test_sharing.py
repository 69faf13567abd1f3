"""Resources that several trails use, or others as well: each trail is allowed, and no other loses its permissions."""

import json
import re
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match, Template

from constructs_lib import (
    Alerts,
    Analytics,
    ArchivedTrail,
    CloudWatchLogs,
    DeliveryNotifications,
    LogArchive,
    LogReplica,
    NewBucket,
    SecureTrail,
    required_bucket_policy,
    required_key_policy,
)
from tests.cdk.conftest import new_app

ACCOUNT, REGION = "111122223333", "eu-central-1"
ENV = cdk.Environment(account=ACCOUNT, region=REGION)
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/imported"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:imported"
POLICIES = {
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
}


def statements(template: Template, resource_type: str, logical_id: str = "") -> list[dict[str, Any]]:
    """All statements of the policies of this type, or of the ones whose logical id begins so."""
    return [
        statement
        for name, resource in template.find_resources(resource_type).items()
        if name.startswith(logical_id)
        for statement in resource["Properties"][POLICIES[resource_type]]["Statement"]
    ]


def named(found: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [statement for statement in found if statement.get("Sid", "").startswith(name)]


@pytest.fixture
def two_trails(stack: cdk.Stack) -> Template:
    """Two trails on one key, one bucket, and two topics that one key encrypts."""
    key, bucket, topic_key = kms.Key(stack, "LogKey"), s3.Bucket(stack, "LogBucket"), kms.Key(stack, "TopicKey")
    alerts, deliveries = (sns.Topic(stack, name, master_key=topic_key) for name in ("Alerts", "Deliveries"))
    for name in ("first", "second"):
        SecureTrail(
            stack,
            name.title(),
            trail_name=name,
            encryption_key=key,
            log_bucket=bucket,
            s3_key_prefix=name,
            cloudwatch=CloudWatchLogs(),
            alerts=Alerts(topic=alerts),
            delivery_notifications=DeliveryNotifications(topic=deliveries),
        )
    return Template.from_stack(stack)


def test_no_policy_has_a_sid_twice(two_trails: Template) -> None:
    """SNS refuses such a policy: "Every policy statement must have a unique ID"."""
    policies = [
        (name, resource["Properties"][document]["Statement"])
        for resource_type, document in POLICIES.items()
        for name, resource in two_trails.find_resources(resource_type).items()
    ]
    for name, found in policies:
        sids = [statement["Sid"] for statement in found if "Sid" in statement]
        assert len(set(sids)) == len(sids), name
        assert all(sid.isalnum() for sid in sids), name


@pytest.mark.parametrize(
    ("resource_type", "logical_id", "name"),
    [
        ("AWS::KMS::Key", "LogKey", "CloudTrailEncryptsLogs"),
        ("AWS::KMS::Key", "LogKey", "CloudTrailUsesKey"),
        ("AWS::KMS::Key", "TopicKey", "CloudTrailPublishes"),
        ("AWS::S3::BucketPolicy", "LogBucket", "AWSCloudTrailWrite"),
        ("AWS::SNS::TopicPolicy", "Deliveries", "AWSCloudTrailSNSPolicy"),
    ],
)
def test_each_trail_has_its_own_statements(
    two_trails: Template, resource_type: str, logical_id: str, name: str
) -> None:
    found = named(statements(two_trails, resource_type, logical_id), name)

    sources = {json.dumps(statement["Condition"]["StringEquals"]["aws:SourceArn"]) for statement in found}
    assert len(sources) == 2


def test_the_key_of_an_existing_topic_allows_the_publishers(stack: cdk.Stack) -> None:
    """Without this the topic's policy allows them, the key denies them, and no error is reported."""
    alert_key, delivery_key = kms.Key(stack, "AlertKey"), kms.Key(stack, "DeliveryKey")
    SecureTrail(
        stack,
        "SecureTrail",
        alerts=Alerts(topic=sns.Topic(stack, "Alerts", master_key=alert_key)),
        cloudwatch=CloudWatchLogs(cis_alarms=True),
        delivery_notifications=DeliveryNotifications(topic=sns.Topic(stack, "Deliveries", master_key=delivery_key)),
    )

    template = Template.from_stack(stack)
    (alerts,) = named(statements(template, "AWS::KMS::Key", "AlertKey"), "AlarmsAreEncrypted")
    assert alerts["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    (deliveries,) = named(statements(template, "AWS::KMS::Key", "DeliveryKey"), "CloudTrailPublishes")
    assert deliveries["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    for statement in (alerts, deliveries):
        assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert not named(statements(template, "AWS::KMS::Key", "SecureTrailKey"), "CloudTrailPublishes")


def test_what_the_key_of_an_imported_topic_needs_is_a_warning_and_an_output() -> None:
    stack = cdk.Stack(new_app(), "Stack", env=ENV)
    topic = sns.Topic.from_topic_attributes(stack, "Topic", topic_arn=TOPIC_ARN, key_arn=KEY_ARN)
    SecureTrail(
        stack, "SecureTrail", alerts=Alerts(topic=topic), delivery_notifications=DeliveryNotifications(topic=topic)
    )

    outputs = Template.from_stack(stack).find_outputs("*").values()
    shown = {output["Description"].split("imported ")[1]: json.loads(output["Value"]) for output in outputs}
    assert named(shown["alert topic key"]["Statement"], "AlarmsAreEncrypted")
    (publishes,) = named(shown["delivery topic key"]["Statement"], "CloudTrailPublishes")
    context = publishes["Condition"]["StringLike"]["kms:EncryptionContext:aws:sns:topicArn"]
    assert context == f"arn:aws:sns:{REGION}:{ACCOUNT}:*"
    # The warning's id is the statement's name alone: what is acknowledged stays acknowledged under another trail name.
    warnings = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    ids = {str(warning.entry.data).split("ack: ")[-1].rstrip("]") for warning in warnings}
    assert {"securetrail:alert-topic-key-policy:AlarmsAreEncrypted"} <= ids


def test_an_archive_takes_the_statements_of_trails_of_one_name_in_many_accounts(stack: cdk.Stack) -> None:
    policy = iam.PolicyDocument()
    for account in (ACCOUNT, "444455556666"):
        of_trail = {"trail_name": "recorder", "trail_account": account, "trail_region": REGION}
        policy.add_statements(
            *required_bucket_policy(bucket_arn="arn:aws:s3:::archive", **of_trail), *required_key_policy(**of_trail)
        )

    sids = [statement["Sid"] for statement in stack.resolve(policy)["Statement"]]
    assert len(set(sids)) == len(sids) == 8


@pytest.mark.parametrize(
    ("lacks", "word"),
    [
        ("block_public_access", "does not block all public access"),
        ("versioned", "keeps no versions"),
        ("encryption", "names no encryption"),
        ("enforce_ssl", "without TLS"),
        (None, None),
    ],
)
def test_an_existing_bucket_that_protects_less_is_warned_of(
    stack: cdk.Stack, lacks: str | None, word: str | None
) -> None:
    props: dict[str, Any] = {
        "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
        "versioned": True,
        "encryption": s3.BucketEncryption.S3_MANAGED,
        "enforce_ssl": True,
    }
    weak: dict[str, Any] = {
        "block_public_access": s3.BlockPublicAccess.BLOCK_ACLS_ONLY,
        "versioned": False,
        "encryption": None,
        "enforce_ssl": False,
    }
    if lacks:
        props[lacks] = weak[lacks]
    SecureTrail(stack, "SecureTrail", log_bucket=s3.Bucket(stack, "Mine", **props))

    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("log_bucket .*Fix: "))
    assert [str(word) in str(each.entry.data) for each in found] == ([True] if word else [])


WEAK = ["block_public_access", "versioned", "enforce_ssl"]
ACCESS_LOG_BUCKETS: dict[str, Callable[[cdk.Stack, s3.IBucket], Any]] = {
    "trail": lambda stack, mine: SecureTrail(stack, "T", log_bucket=NewBucket(access_log_bucket=mine)),
    "archive": lambda stack, mine: LogArchive(
        stack,
        "T",
        trails=[ArchivedTrail(trail_name="audit", trail_account=ACCOUNT, trail_region=REGION)],
        log_bucket=NewBucket(access_log_bucket=mine),
    ),
    "replica": lambda stack, mine: LogReplica(stack, "T", access_log_bucket=mine),
    "query results": lambda stack, mine: SecureTrail(stack, "T", analytics=Analytics(access_log_bucket=mine)),
}


@pytest.mark.parametrize("user", ACCESS_LOG_BUCKETS)
@pytest.mark.parametrize(
    ("bucket", "told"),
    [
        (lambda stack: s3.Bucket(stack, "B", block_public_access=s3.BlockPublicAccess.BLOCK_ACLS_ONLY), WEAK),
        (lambda stack: s3.Bucket.from_bucket_name(stack, "B", "theirs"), ["imported"]),
        (lambda stack: SecureTrail(stack, "Other").access_log_bucket, []),
    ],
    ids=["weak", "imported", "made by us"],
)
def test_an_existing_bucket_for_access_logs_is_looked_at_too(
    stack: cdk.Stack, user: str, bucket: Callable[[cdk.Stack], s3.IBucket], told: list[str]
) -> None:
    made = ACCESS_LOG_BUCKETS[user](stack, bucket(stack))

    found = re.findall(r"securetrail:access-log-bucket:(\w+)", str([each.data for each in made.node.metadata]))
    assert found == told


def test_of_an_imported_log_bucket_it_is_told_that_nothing_is_known(stack: cdk.Stack) -> None:
    trail = SecureTrail(stack, "SecureTrail", log_bucket=s3.Bucket.from_bucket_name(stack, "Imported", "theirs"))

    texts = [str(each.data) for each in trail.node.metadata if "log-bucket:imported" in str(each.data)]
    assert [("is not known here" in text, "Fix: " in text) for text in texts] == [(True, True)]


def test_an_app_without_feature_flags_makes_further_buckets() -> None:
    """CDK keeps BLOCK_ALL itself in the bucket then, and jsii knew it as another type once it was read there."""
    here = cdk.Stack(new_app(flags=False), "Stack")
    mine = s3.Bucket(here, "Mine", block_public_access=s3.BlockPublicAccess.BLOCK_ALL)
    SecureTrail(here, "SecureTrail", log_bucket=mine)

    s3.Bucket(here, "Another", block_public_access=s3.BlockPublicAccess.BLOCK_ALL)


def test_a_bucket_without_a_block_of_public_access_is_not_said_to_be_public(stack: cdk.Stack) -> None:
    """S3 blocks it by itself, if it is new."""
    SecureTrail(stack, "SecureTrail", log_bucket=s3.Bucket.from_cfn_bucket(s3.CfnBucket(stack, "Mine")))

    [found] = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("public access"))
    assert "before April 2023" in str(found.entry.data)


@pytest.mark.parametrize("is_for_everybody", [False, True])
def test_a_refusal_of_plain_http_for_some_or_for_the_bucket_alone_is_none(
    stack: cdk.Stack, *, is_for_everybody: bool
) -> None:
    bucket = s3.Bucket(
        stack,
        "Mine",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        versioned=True,
        encryption=s3.BucketEncryption.S3_MANAGED,
    )
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            principals=[
                iam.AnyPrincipal() if is_for_everybody else iam.ArnPrincipal("arn:aws:iam::111122223333:role/Old")
            ],
            actions=["s3:*" if is_for_everybody else "s3:GetObject"],
            resources=[bucket.bucket_arn if is_for_everybody else bucket.arn_for_objects("*")],
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        )
    )
    SecureTrail(stack, "SecureTrail", log_bucket=bucket)

    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("log_bucket .*without TLS"))
    assert len(found) == 1
