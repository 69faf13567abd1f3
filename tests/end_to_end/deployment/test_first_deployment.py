"""A first deployment that fails leaves nothing that is in the way of the next one, whichever resource it fails at; a
stack of the version before is updated without another key, bucket or trail.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from constructs_lib import (
    Alerts,
    Analytics,
    CloudWatchLogs,
    DeliveryNotifications,
    NewBucket,
    NewKey,
    Replica,
    SecureTrail,
)
from tests.cdk.conftest import new_app
from tests.end_to_end.conftest import Account
from tests.lab.conftest import settled

FEATURES: dict[str, Any] = {
    "alerts": Alerts(),
    "cloudwatch": CloudWatchLogs(cis_alarms=False),
    "delivery_notifications": DeliveryNotifications(),
}
# What :func:`template` made of these features before resources were retained except on creation.
VERSION_BEFORE = Path(__file__).with_name("version_before.template.json")
STACK, ALIAS = "SecureTrail", "alias/first-deployment"
# CloudFormation resolves it when it makes the resource, which fails.
MISSING = "{{resolve:secretsmanager:there-is-none}}"


def template(*, replica: bool = True, **props: Any) -> dict[str, Any]:
    stack = cdk.Stack(new_app(), STACK, synthesizer=cdk.LegacyStackSynthesizer())
    SecureTrail(
        stack,
        "SecureTrail",
        trail_name="audit",
        encryption_key=NewKey(alias=ALIAS),
        log_bucket=NewBucket(
            bucket_name=f"first-deployment-{cdk.Aws.ACCOUNT_ID}", replica=Replica() if replica else False
        ),
        **props,
    )
    return dict(Template.from_stack(stack).to_json())


def broken_at(made: Mapping[str, Any], name: str) -> dict[str, Any]:
    resources = made["Resources"]
    properties = resources[name]["Properties"]
    broken = {**resources[name], "Properties": {**properties, next(iter(properties)): MISSING}}
    return {**made, "Resources": {**resources, name: broken}}


class Left:
    """What there is in an account of all that has a name of its own, or holds something; and the keys in use."""

    def __init__(self, account: Account) -> None:
        services = ("cloudtrail", "iam", "kms", "logs", "s3", "sns")
        self._clients = {service: account.client(service) for service in services}

    def names(self) -> list[str]:
        ask = self._clients
        aliases = (each["AliasName"] for each in ask["kms"].list_aliases()["Aliases"])
        return [
            *(each["Name"] for each in ask["s3"].list_buckets()["Buckets"]),
            *(each for each in aliases if not each.startswith("alias/aws/")),
            *(each["logGroupName"] for each in ask["logs"].describe_log_groups()["logGroups"]),
            *(each["TopicArn"] for each in ask["sns"].list_topics()["Topics"]),
            *(each["RoleName"] for each in ask["iam"].list_roles()["Roles"]),
            *(each["TrailARN"] for each in ask["cloudtrail"].describe_trails()["trailList"]),
        ]

    def keys(self) -> list[str]:
        kms = self._clients["kms"]
        keys = (kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"])
        return [each["Description"] for each in keys if each["KeyState"] != "PendingDeletion"]


def make(cloudformation: Any, made: Mapping[str, Any]) -> tuple[str, str]:
    """The stack's id, and the status in which its first deployment ends."""
    stack: str = cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(made))["StackId"]
    return stack, settled(cloudformation, stack)


@pytest.mark.slow
def test_whichever_resource_fails_the_next_deployment_under_the_same_names_goes_through(account: Account) -> None:
    cloudformation, left = account.client("cloudformation"), Left(account)
    before = left.names(), left.keys()
    broken: set[str] = set()

    for made in (template(**FEATURES), template(replica=False, analytics=Analytics())):
        for name in [each for each in made["Resources"] if each not in broken]:
            stack, status = make(cloudformation, broken_at(made, name))
            assert status == "ROLLBACK_COMPLETE", name
            events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
            assert [each["LogicalResourceId"] for each in events if each["ResourceStatus"] == "CREATE_FAILED"] == [name]
            cloudformation.delete_stack(StackName=stack)
            assert settled(cloudformation, stack) == "DELETE_COMPLETE", name
            assert left.names() == before[0], name
            broken.add(name)
    # What encrypts files stays, without its alias: the bucket stays by itself if there is a file in it.
    remaining = set(left.keys()) - set(before[1])
    assert remaining == {
        "Encrypts the log files of the CloudTrail trail audit",
        "Encrypts copies of CloudTrail log files",
    }
    assert make(cloudformation, template(**FEATURES))[1] == "CREATE_COMPLETE"
    assert account.client("cloudtrail").get_trail_status(Name="audit")["IsLogging"] is True


@pytest.mark.slow
def test_a_stack_of_the_version_before_is_updated_without_another_key_bucket_or_trail(account: Account) -> None:
    cloudformation, now = account.client("cloudformation"), template(**FEATURES)
    stack, status = make(cloudformation, json.loads(VERSION_BEFORE.read_text()))
    assert status == "CREATE_COMPLETE"

    def resources() -> dict[str, str]:
        found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}

    before = resources()
    s3, kept = account.client("s3"), {"Bucket": f"first-deployment-{account.id}", "Key": "kept"}
    version = s3.put_object(**kept, Body=b"x")["VersionId"]
    cloudformation.update_stack(StackName=stack, TemplateBody=json.dumps(now))
    assert settled(cloudformation, stack) == "UPDATE_COMPLETE"

    after = resources()
    assert after.keys() == now["Resources"].keys()
    assert {name: after[name] for name in before} == before
    added = after.keys() - before.keys()
    assert {now["Resources"][name]["Type"] for name in added} == {"AWS::CloudWatch::Alarm"}
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    assert [each for each in events if each["ResourceStatus"].startswith("DELETE")] == []
    assert s3.head_object(**kept)["VersionId"] == version
    assert account.client("cloudtrail").get_trail_status(Name="audit")["IsLogging"] is True
