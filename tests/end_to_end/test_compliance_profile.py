"""The compliance profile in the lab with the ordinary CDK CLI: deployed, updated both ways, destroyed."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from lab.instance import control, lifecycle
from tests.end_to_end.conftest import ROOT
from tests.end_to_end.deployment.test_cdk_cli import Commands, identities, lab_command, unlock
from tests.programs import THIS_PYTHON

pytestmark = pytest.mark.slow

__all__ = ["lab_command"]

# What app.py deploys. With the compliance profile it is too large to go inline.
APP = """
import sys
import aws_cdk as cdk
from constructs_lib import NewBucket, NewKey, SecureTrail, SecurityProfile
app = cdk.App()
stack = cdk.Stack(app, "SecureTrail", synthesizer=cdk.DefaultStackSynthesizer())
trail = SecureTrail(
    stack, "SecureTrail", profile=SecurityProfile(sys.argv[1]), trail_name="ch03-security-trail",
    log_bucket=NewBucket(bucket_name=f"ch03-cloudtrail-{cdk.Aws.ACCOUNT_ID}"),
    encryption_key=NewKey(alias="alias/ch03-cloudtrail-key", pending_window=cdk.Duration.days(7)),
    removal_policy=cdk.RemovalPolicy.DESTROY,
)
cdk.CfnOutput(stack, "TrailArn", value=trail.trail.attr_arn)
cdk.CfnOutput(stack, "LogBucketName", value=trail.log_bucket.bucket_name)
cdk.CfnOutput(stack, "KeyArn", value=trail.encryption_key.key_arn)
app.synth()
"""
LOG_BUCKET = "ch03-cloudtrail-111122223333"
LACKS = {
    (
        "warning: CloudTrail in the lab does not write to CloudWatch Logs: the trail's log group stays empty, "
        "and metric filters and alarms on it stay quiet."
    ),
    "warning: The lab has no metric math: an alarm on it stays quiet.",
}


class Deployment:
    """One stack, by the CLI, and what is in it."""

    def __init__(self, command: Commands, app: Path) -> None:
        app.write_text(APP)
        self.command, self.app = command, app

    def deploy(self, profile: str) -> list[str]:
        """Deploys and returns the lab's warnings."""
        app = f"env PYTHONPATH={shlex.quote(str(ROOT))} CDK_VALIDATION=false {THIS_PYTHON} {self.app} {profile}"
        done = self.command("deploy", "--", "--app", app)
        assert done.returncode == 0, done.stderr
        return sorted(line for line in done.stderr.splitlines() if line.startswith("warning: "))

    def resources(self) -> list[dict[str, Any]]:
        cloudformation = self.command.client("cloudformation")
        found: list[dict[str, Any]] = cloudformation.describe_stack_resources(StackName="SecureTrail")["StackResources"]
        return found

    def bucket(self, part: str) -> str:
        return next(
            str(each["PhysicalResourceId"])
            for each in self.resources()
            if each["ResourceType"] == "AWS::S3::Bucket" and part in each["LogicalResourceId"]
        )

    def deliver(self) -> None:
        self.command.client("ec2").describe_instances()
        lab = lifecycle.running(self.command.home)
        assert lab is not None
        control.deliver(lab)

    def log_files(self, bucket: str) -> dict[str, Any]:
        """The newest version of every log file and digest, as S3 describes it."""
        s3 = self.command.client("s3")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return {key: s3.head_object(Bucket=bucket, Key=key) for key in keys}


@pytest.fixture
def deployment(lab_command: Commands, tmp_path: Path) -> Deployment:
    return Deployment(lab_command, tmp_path / "app.py")


def kept(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    """Whether whatever is in both deployments is the same thing in both."""
    old, new = identities(before), identities(after)
    return bool(old) and all(new[name] == old[name] for name in old.keys() & new.keys())


def test_from_lab_to_compliance_and_back_nothing_is_replaced_and_a_destroy_stops_at_the_lock(
    deployment: Deployment,
) -> None:
    assert deployment.command("bootstrap").returncode == 0
    assert deployment.deploy("lab") == []
    deployment.deliver()
    early = deployment.log_files(LOG_BUCKET)
    assert early
    lab = deployment.resources()

    assert {*deployment.deploy("compliance")} == LACKS
    deployment.deliver()
    compliance = deployment.resources()
    assert kept(lab, compliance)
    replica = deployment.bucket("ReplicaBucket")
    copies = deployment.log_files(replica)
    copied = {key: each for key, each in deployment.log_files(LOG_BUCKET).items() if "ReplicationStatus" in each}
    assert_every_one_has_a_locked_copy_under_another_key(copied, copies, compliance)
    assert not early.keys() & copies.keys()

    deployment.deploy("lab")
    deployment.deliver()
    assert kept(compliance, deployment.resources())
    copies = deployment.log_files(replica)
    assert copied.keys() <= copies.keys()
    s3 = deployment.command.client("s3")
    # Object Lock cannot be turned off; only its default retention goes.
    assert s3.get_object_lock_configuration(Bucket=LOG_BUCKET)["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled"
    }
    with pytest.raises(s3.exceptions.ClientError, match="ReplicationConfigurationNotFoundError"):
        s3.get_bucket_replication(Bucket=LOG_BUCKET)
    late = {key: each for key, each in deployment.log_files(LOG_BUCKET).items() if key not in {*early, *copies}}
    assert late
    assert [key for key, each in late.items() if "ObjectLockMode" in each] == []

    destroy = ("destroy", "--", "--confirm", LOG_BUCKET)
    locked = deployment.command(*destroy, "--also", replica)
    assert locked.returncode == 1
    assert "because object protected by object lock. Wait until its retention ends; before that" in locked.stderr
    unlock(s3, LOG_BUCKET)
    unnamed = deployment.command(*destroy)
    assert unnamed.returncode == 1
    assert f"--also {replica}" in unnamed.stdout
    assert copied.keys() <= deployment.log_files(replica).keys()
    unlock(s3, replica)
    destroyed = deployment.command(*destroy, "--also", replica)
    assert destroyed.returncode == 0, destroyed.stderr
    left = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert [name for name in left if not name.startswith("cdk-")] == []  # those of the bootstrap


def assert_every_one_has_a_locked_copy_under_another_key(
    sources: dict[str, Any], copies: dict[str, Any], resources: list[dict[str, Any]]
) -> None:
    assert sources
    assert sources.keys() <= copies.keys()
    assert {each["ReplicationStatus"] for each in sources.values()} == {"COMPLETED"}
    assert {each["ReplicationStatus"] for each in copies.values()} == {"REPLICA"}
    assert {each["ObjectLockMode"] for each in (*sources.values(), *copies.values())} == {"GOVERNANCE"}
    (source_key,) = {each["SSEKMSKeyId"] for each in sources.values()}
    (replica_key,) = {each["SSEKMSKeyId"] for each in copies.values()}
    keys = identities(resources)
    assert replica_key.endswith(next(value for name, value in keys.items() if "ReplicaKey" in name))
    assert source_key != replica_key
