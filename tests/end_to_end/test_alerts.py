"""Somebody touches the trail, its key or its bucket: the lab's EventBridge matches the rules, and the alert arrives."""

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from botocore.exceptions import ClientError

from constructs_lib import Alerts, NewBucket, NewKey, SecureTrail
from lab.instance import control, lifecycle
from lab.instance.folder import Lab
from tests.cdk.conftest import new_app
from tests.end_to_end.conftest import Account

LIFECYCLE = {"Rules": [{"ID": "soon", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}


@pytest.fixture(scope="module")
def template() -> str:
    app = new_app()
    stack = cdk.Stack(app, "SecureTrail", synthesizer=cdk.LegacyStackSynthesizer())
    trail = SecureTrail(
        stack,
        "SecureTrail",
        trail_name="ch03-security-trail",
        alerts=Alerts(),
        encryption_key=NewKey(alias="alias/ch03-cloudtrail-key"),
    )
    cdk.CfnOutput(stack, "Bucket", value=trail.log_bucket.bucket_name)
    assert trail.alert_topic
    cdk.CfnOutput(stack, "Topic", value=trail.alert_topic.topic_arn)
    return json.dumps(app.synth().get_stack_by_name("SecureTrail").template)


class Alarmed:
    """An account with the alerts, and a queue in which they arrive."""

    def __init__(self, account: Account, template: str) -> None:
        account.deploy(template)
        self.account = account
        stack = account.client("cloudformation").describe_stacks(StackName="SecureTrail")["Stacks"][0]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        self.bucket, self.topic = outputs["Bucket"], outputs["Topic"]
        self.sqs = account.client("sqs")
        arn = f"arn:aws:sqs:{account.region}:{account.id}:alerts"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self.topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.queue = self.sqs.create_queue(QueueName="alerts", Attributes={"Policy": policy})["QueueUrl"]
        account.client("sns").subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

    def alerts(self) -> list[str]:
        """What has arrived since the last look."""
        found = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for each in found:
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
        return [str(json.loads(each["Body"])["Message"]) for each in found]


@pytest.fixture
def alarmed(account: Account, template: str) -> Alarmed:
    return Alarmed(account, template)


CALLS: dict[str, Callable[[Alarmed], Any]] = {
    "PutEventSelectors": lambda at: at.account.client("cloudtrail").put_event_selectors(
        TrailName=at.account.trail, EventSelectors=[{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]
    ),
    "UpdateTrail": lambda at: at.account.client("cloudtrail").update_trail(
        Name=at.account.trail_arn, EnableLogFileValidation=False
    ),
    "PutBucketVersioning": lambda at: at.account.client("s3").put_bucket_versioning(
        Bucket=at.bucket, VersioningConfiguration={"Status": "Suspended"}
    ),
    "PutBucketOwnershipControls": lambda at: at.account.client("s3").put_bucket_ownership_controls(
        Bucket=at.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    ),
    "PutBucketRequestPayment": lambda at: at.account.client("s3").put_bucket_request_payment(
        Bucket=at.bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"}
    ),
    "PutBucketAcl": lambda at: at.account.client("s3").put_bucket_acl(Bucket=at.bucket, ACL="private"),
    "DeleteBucketOwnershipControls": lambda at: at.account.client("s3").delete_bucket_ownership_controls(
        Bucket=at.bucket
    ),
    "PutBucketLifecycle": lambda at: at.account.client("s3").put_bucket_lifecycle_configuration(
        Bucket=at.bucket, LifecycleConfiguration=LIFECYCLE
    ),
    "DeleteBucketLifecycle": lambda at: at.account.client("s3").delete_bucket_lifecycle(Bucket=at.bucket),
    "DeleteBucketEncryption": lambda at: at.account.client("s3").delete_bucket_encryption(Bucket=at.bucket),
    "DeleteBucketPublicAccessBlock": lambda at: at.account.client("s3").delete_public_access_block(Bucket=at.bucket),
    "DeleteBucketPolicy": lambda at: at.account.client("s3").delete_bucket_policy(Bucket=at.bucket),
    "PutKeyPolicy": lambda at: at.account.client("kms").put_key_policy(
        KeyId=at.account.key_id, Policy=json.dumps(at.account.key_policy())
    ),
    "CreateGrant": lambda at: at.account.client("kms").create_grant(
        KeyId=at.account.key_id, GranteePrincipal=f"arn:aws:iam::{at.account.id}:root", Operations=["Decrypt"]
    ),
    "DisableKeyRotation": lambda at: at.account.client("kms").disable_key_rotation(KeyId=at.account.key_id),
    "DisableKey": lambda at: at.account.client("kms").disable_key(KeyId=at.account.key_id),
    "ScheduleKeyDeletion": lambda at: at.account.client("kms").schedule_key_deletion(KeyId=at.account.key_id),
    # The last call that the trail shows, and so the last alert.
    "StopLogging": lambda at: at.account.client("cloudtrail").stop_logging(Name=at.account.trail),
}


def test_each_call_that_touches_the_record_is_reported_within_the_call_and_nothing_else_is(alarmed: Alarmed) -> None:
    s3 = alarmed.account.client("s3")
    s3.create_bucket(Bucket=f"other-{alarmed.account.id}")
    s3.put_bucket_versioning(Bucket=f"other-{alarmed.account.id}", VersioningConfiguration={"Status": "Suspended"})
    alarmed.account.client("cloudtrail").get_trail_status(Name=alarmed.account.trail)
    assert alarmed.alerts() == []

    for name, call in CALLS.items():
        call(alarmed)
        (alert,) = alarmed.alerts()
        assert alert.startswith(f'"{name} on '), alert
        assert f"account {alarmed.account.id}. This call touches the audit trail" in alert


def test_who_silences_the_alerts_is_reported_first(alarmed: Alarmed) -> None:
    events, sns = alarmed.account.client("events"), alarmed.account.client("sns")
    names = sorted(each["Name"] for each in events.list_rules()["Rules"])
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=alarmed.topic)["Subscriptions"]
    guards = [name for name in names if "-Guard" in name]
    assert len(names) - len(guards) == 3

    # The second guard tells of the first; once both are off, nobody does, and two alerts were sent before.
    for name in [each for each in names if each not in guards] + guards[:1]:
        events.disable_rule(Name=name)
        (alert,) = alarmed.alerts()
        assert alert.startswith('"DisableRule on '), name
    for name in names:
        events.enable_rule(Name=name)
    sns.set_subscription_attributes(
        SubscriptionArn=subscription["SubscriptionArn"], AttributeName="RawMessageDelivery", AttributeValue="false"
    )
    (alert,) = alarmed.alerts()
    assert alert.startswith('"SetSubscriptionAttributes on ')


def test_without_the_roles_policy_nothing_arrives_and_the_lab_says_so(alarmed: Alarmed, lab: Lab) -> None:
    iam = alarmed.account.client("iam")
    (role,) = [each["RoleName"] for each in iam.list_roles()["Roles"] if "AlertRole" in each["RoleName"]]
    (policy,) = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])

    CALLS["UpdateTrail"](alarmed)

    assert alarmed.alerts() == []
    status = lifecycle.ask(lab)
    assert status
    assert any(f"to {alarmed.topic}: no policy allows arn:aws:iam::" in each for each in status.warnings)


def test_the_rule_of_another_account_cannot_forge_an_alert(alarmed: Alarmed, lab: Lab) -> None:
    stranger = alarmed.account.other()
    stranger.deploy()
    events = stranger.client("events")
    events.put_rule(Name="forged", EventPattern=json.dumps({"source": ["aws.cloudtrail"]}))
    events.put_targets(Rule="forged", Targets=[{"Id": "theirs", "Arn": alarmed.topic}])

    stranger.client("cloudtrail").update_trail(Name=stranger.trail_arn, EnableLogFileValidation=False)

    assert alarmed.alerts() == []
    status = lifecycle.ask(lab)
    assert status
    assert any(
        f"forged to {alarmed.topic}: no statement allows events.amazonaws.com" in each for each in status.warnings
    )


def test_without_a_trail_that_logs_nothing_reaches_eventbridge(alarmed: Alarmed) -> None:
    CALLS["StopLogging"](alarmed)
    assert len(alarmed.alerts()) == 1

    CALLS["DisableKey"](alarmed)

    assert alarmed.alerts() == []


def test_with_break_glass_cloudtrail_still_delivers_and_nobody_else_writes(account: Account, lab: Lab) -> None:
    app = new_app()
    stack = cdk.Stack(app, "SecureTrail", synthesizer=cdk.LegacyStackSynthesizer())
    SecureTrail(
        stack,
        "SecureTrail",
        trail_name=account.trail,
        log_bucket=NewBucket(bucket_name=account.bucket),
        break_glass_principal_arns=[f"arn:aws:iam::{account.id}:role/BreakGlass"],
    )
    account.deploy(json.dumps(app.synth().get_stack_by_name("SecureTrail").template))
    s3 = account.client("s3")

    calls: list[Callable[[], Any]] = [
        lambda: s3.put_object(Bucket=account.bucket, Key=f"AWSLogs/{account.id}/CloudTrail/forged.json.gz", Body=b""),
        lambda: s3.put_bucket_request_payment(
            Bucket=account.bucket, RequestPaymentConfiguration={"Payer": "Requester"}
        ),
    ]
    for call in calls:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
    control.deliver(lab)

    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=account.bucket).get("Contents", [])]
    assert [key for key in keys if key.startswith(f"AWSLogs/{account.id}/CloudTrail/{account.region}/")]
    assert account.client("cloudtrail").get_trail_status(Name=account.trail).get("LatestDeliveryError") is None
