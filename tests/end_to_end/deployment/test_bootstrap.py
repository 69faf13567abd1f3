"""CDK's standard synthesizer in the lab: the real `cdk bootstrap` of what an app needs, then templates too large to go
inline, and of another account.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from lab.instance import control, lifecycle
from lab.instance.environment import lab_variables
from tests.end_to_end.conftest import ROOT
from tests.end_to_end.deployment.test_cdk_cli import Commands, lab_command, unlock
from tests.lab.conftest import settled

__all__ = ["lab_command"]

LOG_BUCKET = "ch03-cloudtrail-111122223333"
STAGING_BUCKET = "cdk-hnb659fds-assets-111122223333-us-east-1"
INLINE_BYTES = 51_200
LARGE = ("deploy", "--", "-c", "profile=compliance", "-c", "bootstrapped=true")
# A bootstrap that failed, and left the bucket that its template says to retain.
NEVER_MADE_WHOLE = {
    "Resources": {
        "StagingBucket": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "Properties": {"BucketName": STAGING_BUCKET},
        },
        "Broken": {
            "Type": "AWS::SNS::Topic",
            "DependsOn": "StagingBucket",
            "Properties": {"TopicName": "{{resolve:secretsmanager:there-is-none}}"},
        },
    }
}
ARCHIVE, BUCKET = "444455556666", "example-log-archive-444455556666"
APP = """
import dataclasses

import aws_cdk as cdk
from aws_cdk import aws_kms as kms, aws_s3 as s3
from constructs_lib import ArchivedTrail, LogArchive, LogReplica, NewBucket, Replica, SecureTrail

app = cdk.App()
there_env = cdk.Environment(account="444455556666", region="eu-central-1")
there = cdk.Stack(app, "There", env=there_env)
trail = ArchivedTrail(trail_name="audit", trail_account="111122223333", trail_region="us-east-1")
archive = LogArchive(
    there, "Archive", trails=[trail], log_bucket=NewBucket(bucket_name="example-log-archive-444455556666")
)
cdk.CfnOutput(there, "KeyArn", value=archive.key.key_arn)
replica = LogReplica(there, "Replica", bucket_name="example-copies-444455556666", source_account="111122223333")
cdk.CfnOutput(there, "ReplicaKeyArn", value=replica.key.key_arn)
here = cdk.Stack(app, "Here", env=cdk.Environment(account="111122223333", region="us-east-1"))
key_arn = cdk.CfnParameter(here, "KeyArn").value_as_string
target = dataclasses.replace(replica.target, key_arn=cdk.CfnParameter(here, "ReplicaKeyArn").value_as_string)
SecureTrail(here, "Copied", trail_name="copied", log_bucket=NewBucket(replica=Replica(target=target)))
SecureTrail(
    here,
    "SecureTrail",
    trail_name="audit",
    encryption_key=kms.Key.from_key_arn(here, "Key", key_arn),
    log_bucket=s3.Bucket.from_bucket_name(here, "Bucket", "example-log-archive-444455556666"),
)
# What another team bootstrapped has a name of its own.
ours = cdk.DefaultStackSynthesizer(qualifier="ours")
theirs = cdk.Stack(app, "Theirs", env=there_env, synthesizer=ours)
cdk.CfnResource(theirs, "Topic", type="AWS::SNS::Topic")
app.synth()
"""


def roles_assumed(command: Commands) -> set[str]:
    asked = [{"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}]
    events = command.client("cloudtrail").lookup_events(LookupAttributes=asked)["Events"]
    records = [json.loads(each["CloudTrailEvent"]) for each in events]
    # Before the bootstrap there was none of them to assume.
    return {each["requestParameters"]["roleArn"].rpartition("/")[2] for each in records if "errorCode" not in each}


@pytest.mark.slow
def test_a_large_template_is_deployed_by_way_of_the_bootstrap_bucket_and_destroyed(
    lab_command: Commands,
) -> None:
    assert lab_command("up").returncode == 0
    cloudformation = lab_command.client("cloudformation")
    failed = cloudformation.create_stack(StackName="CDKToolkit", TemplateBody=json.dumps(NEVER_MADE_WHOLE))["StackId"]
    assert settled(cloudformation, failed) == "ROLLBACK_COMPLETE"
    assert [each["Name"] for each in lab_command.client("s3").list_buckets()["Buckets"]] == [STAGING_BUCKET]

    deployed = lab_command(*LARGE)
    assert deployed.returncode == 0, deployed.stderr
    needed = "The app needs aws://111122223333/us-east-1 bootstrapped, which it is not yet: cdk bootstrap"
    assert deployed.stderr.count(needed) == 1

    s3 = lab_command.client("s3")
    (template,) = s3.list_objects_v2(Bucket=STAGING_BUCKET)["Contents"]
    assert template["Size"] > INLINE_BYTES
    assert s3.head_object(Bucket=STAGING_BUCKET, Key=template["Key"])["ServerSideEncryption"] == "aws:kms"
    assert roles_assumed(lab_command) == {
        f"cdk-hnb659fds-{name}-role-111122223333-us-east-1" for name in ("deploy", "file-publishing")
    }

    (rule,) = s3.get_bucket_replication(Bucket=LOG_BUCKET)["ReplicationConfiguration"]["Rules"]
    replica = rule["Destination"]["Bucket"].removeprefix("arn:aws:s3:::")
    unlock(s3, LOG_BUCKET, replica)
    destroyed = lab_command("destroy", "--", "--confirm", LOG_BUCKET, "--also", replica)
    assert destroyed.returncode == 0, destroyed.stderr
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == [STAGING_BUCKET]
    assert lab_command.client("cloudtrail").describe_trails()["trailList"] == []
    assert lab_command.client("logs").describe_log_groups()["logGroups"] == []
    assert lab_command.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


@pytest.mark.slow
def test_a_trail_delivers_to_the_archive_of_another_account_and_its_log_files_are_copied_there(
    lab_command: Commands, tmp_path: Path
) -> None:
    # A cloud assembly that is ready, in place of an app.
    assembly, outputs = tmp_path / "assembly", tmp_path / "outputs.json"
    subprocess.run([sys.executable, "-c", APP], cwd=ROOT, env={**os.environ, "CDK_OUTDIR": str(assembly)}, check=True)
    of_app = ("deploy", "--", "--app", str(assembly))

    made = lab_command(*of_app, "There", "Theirs", "--outputs-file", str(outputs))
    assert made.returncode == 0, made.stderr
    # Twice, because two qualifiers are used there.
    for environment, times in (("aws://444455556666/eu-central-1", 2), ("aws://111122223333/us-east-1", 1)):
        assert made.stderr.count(f"The app needs {environment} bootstrapped, which it is not yet") == times
    keys = json.loads(outputs.read_text())["There"]
    parameters = (each for name, arn in keys.items() for each in ("--parameters", f"{name}={arn}"))
    recorded = lab_command(*of_app, "Here", *parameters)
    assert recorded.returncode == 0, recorded.stderr

    lab = lifecycle.running(lab_command.home)
    assert lab is not None
    control.deliver(lab)
    names = lab_variables(lab, ARCHIVE)
    archive = boto3.client(
        "s3",
        endpoint_url=names["AWS_ENDPOINT_URL"],
        region_name="eu-central-1",
        aws_access_key_id=names["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=names["AWS_SECRET_ACCESS_KEY"],
    )
    for bucket, key_arn in ((BUCKET, keys["KeyArn"]), ("example-copies-444455556666", keys["ReplicaKeyArn"])):
        stored = [each["Key"] for each in archive.list_objects_v2(Bucket=bucket)["Contents"]]
        files = [each for each in stored if each.startswith("AWSLogs/111122223333/CloudTrail/us-east-1/")]
        assert files, bucket
        for each in files:
            assert archive.head_object(Bucket=bucket, Key=each)["SSEKMSKeyId"] == key_arn
