"""The compliance profile in the lab with the ordinary CDK CLI: deployed, updated both ways, destroyed."""

import sys
from pathlib import Path
from typing import Any

import pytest

from lab import control, emulator
from tests.end_to_end.conftest import ROOT
from tests.end_to_end.test_cdk_cli import Commands, identities, lab_command

__all__ = ["lab_command"]

# What app.py deploys, small enough to go inline.
APP = """
import sys
import aws_cdk as cdk
from constructs_lib import SecureTrail, SecurityProfile
app = cdk.App()
stack = cdk.Stack(app, "SecureTrail", synthesizer=cdk.LegacyStackSynthesizer())
trail = SecureTrail(
    stack, "SecureTrail", profile=SecurityProfile(sys.argv[1]), trail_name="ch03-security-trail",
    bucket_name=f"ch03-cloudtrail-{cdk.Aws.ACCOUNT_ID}", key_alias="alias/ch03-cloudtrail-key",
    key_pending_window=cdk.Duration.days(7), removal_policy=cdk.RemovalPolicy.DESTROY,
)
cdk.CfnOutput(stack, "TrailArn", value=trail.trail.attr_arn)
cdk.CfnOutput(stack, "LogBucketName", value=trail.log_bucket.bucket_name)
cdk.CfnOutput(stack, "KeyArn", value=trail.encryption_key.key_arn)
app.synth()
"""
LOG_BUCKET = "ch03-cloudtrail-111122223333"
QUIET_RULES = "CloudTrail in the lab does not send events to EventBridge: rules on its events never match."
QUIET_ALARMS = (
    "CloudTrail in the lab does not write to CloudWatch Logs: the trail's log group stays empty, and metric filters "
    "and alarms on it stay quiet."
)
LACKS = [f"warning: {each}" for each in (QUIET_RULES, QUIET_ALARMS)]


class Deployment:
    """One stack, by the CLI, and what is in it."""

    def __init__(self, command: Commands, app: Path) -> None:
        app.write_text(APP)
        self.command, self.app = command, app

    def deploy(self, profile: str) -> list[str]:
        """Deploys and returns the lab's warnings."""
        app = f"env PYTHONPATH={ROOT} CDK_VALIDATION=false {sys.executable} {self.app} {profile}"
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
        lab = emulator.running(self.command.home)
        assert lab is not None
        control.deliver(lab)

    def log_files(self, bucket: str) -> dict[str, Any]:
        """The newest version of every log file and digest, as S3 describes it."""
        s3 = self.command.client("s3")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return {key: s3.head_object(Bucket=bucket, Key=key) for key in keys}

    def unlock(self, *buckets: str) -> None:
        """What whoever may bypass governance does: no lock for what is still to come, and none on what is there."""
        s3, unlocked = self.command.client("s3"), {"ObjectLockEnabled": "Enabled"}
        for bucket in buckets:
            s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=unlocked)
        for bucket in buckets:
            for each in s3.list_object_versions(Bucket=bucket).get("Versions", []):
                s3.delete_object(
                    Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"], BypassGovernanceRetention=True
                )


@pytest.fixture
def deployment(lab_command: Commands, tmp_path: Path) -> Deployment:
    return Deployment(lab_command, tmp_path / "app.py")


def kept(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    """Whether whatever is in both deployments is the same thing in both."""
    old, new = identities(before), identities(after)
    return bool(old) and all(new[name] == old[name] for name in old.keys() & new.keys())


def test_every_log_file_of_the_compliance_profile_has_a_locked_copy_under_another_key(deployment: Deployment) -> None:
    assert deployment.deploy("compliance") == LACKS

    deployment.deliver()
    replica = deployment.bucket("ReplicaBucket")
    sources, copies = deployment.log_files(LOG_BUCKET), deployment.log_files(replica)

    assert sources
    assert sources.keys() <= copies.keys()
    assert {each["ReplicationStatus"] for each in sources.values()} == {"COMPLETED"}
    assert {each["ReplicationStatus"] for each in copies.values()} == {"REPLICA"}
    assert {each["ObjectLockMode"] for each in (*sources.values(), *copies.values())} == {"GOVERNANCE"}
    (source_key,) = {each["SSEKMSKeyId"] for each in sources.values()}
    (replica_key,) = {each["SSEKMSKeyId"] for each in copies.values()}
    keys = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in deployment.resources()}
    assert replica_key.endswith(next(value for name, value in keys.items() if "ReplicaKey" in name))
    assert source_key != replica_key


def test_from_lab_to_compliance_nothing_is_replaced_and_a_destroy_stops_at_the_lock(deployment: Deployment) -> None:
    assert deployment.deploy("lab") == []
    deployment.deliver()
    early = deployment.log_files(LOG_BUCKET)
    assert early
    before = deployment.resources()

    assert deployment.deploy("compliance") == LACKS
    deployment.deliver()
    replica = deployment.bucket("ReplicaBucket")
    assert kept(before, deployment.resources())
    copied = [key for key, each in deployment.log_files(LOG_BUCKET).items() if "ReplicationStatus" in each]
    assert copied
    assert set(copied) <= deployment.log_files(replica).keys()
    assert not early.keys() & deployment.log_files(replica).keys()

    destroy = ("destroy", "--", "--confirm", LOG_BUCKET, "--also", replica)
    refused = deployment.command(*destroy)
    assert refused.returncode == 1
    assert "because object protected by object lock. Wait until its retention ends; before that" in refused.stderr
    assert deployment.log_files(replica)

    deployment.unlock(LOG_BUCKET, replica)
    destroyed = deployment.command(*destroy)
    assert destroyed.returncode == 0, destroyed.stderr
    assert deployment.command.client("s3").list_buckets()["Buckets"] == []
    assert deployment.command.client("logs").describe_log_groups()["logGroups"] == []
    assert deployment.command.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_from_compliance_to_lab_the_locked_copies_stay(deployment: Deployment) -> None:
    deployment.deploy("compliance")
    deployment.deliver()
    before, replica = deployment.resources(), deployment.bucket("ReplicaBucket")
    copies = deployment.log_files(replica).keys()

    deployment.deploy("lab")
    deployment.deliver()

    s3 = deployment.command.client("s3")
    assert kept(before, deployment.resources())
    assert copies
    assert copies <= deployment.log_files(replica).keys()
    # Object Lock cannot be turned off; only its default retention goes.
    assert s3.get_object_lock_configuration(Bucket=LOG_BUCKET)["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled"
    }
    with pytest.raises(s3.exceptions.ClientError, match="ReplicationConfigurationNotFoundError"):
        s3.get_bucket_replication(Bucket=LOG_BUCKET)
    late = deployment.log_files(LOG_BUCKET)
    late = {key: each for key, each in late.items() if key not in deployment.log_files(replica)}
    assert late
    assert [key for key, each in late.items() if "ObjectLockMode" in each] == []

    destroy = ("destroy", "--", "--confirm", LOG_BUCKET)
    deployment.unlock(LOG_BUCKET)
    refused = deployment.command(*destroy)
    assert refused.returncode == 1
    assert f"--also {replica}" in refused.stdout
    deployment.unlock(replica)
    destroyed = deployment.command(*destroy, "--also", replica)
    assert destroyed.returncode == 0, destroyed.stderr
    assert s3.list_buckets()["Buckets"] == []
