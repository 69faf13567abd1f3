"""CDK's standard synthesizer in the lab: the real `cdk bootstrap`, then a template too large to go inline."""

import json
import sys

import pytest

from tests.end_to_end.test_cdk_cli import Commands, lab_command, unlock

__all__ = ["lab_command"]

LOG_BUCKET = "ch03-cloudtrail-111122223333"
STAGING_BUCKET = "cdk-hnb659fds-assets-111122223333-us-east-1"
INLINE_BYTES = 51_200
LARGE = ("deploy", "--", "-c", "profile=compliance", "-c", "bootstrapped=true")


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
def test_another_account_is_bootstrapped_and_deployed_to(lab_command: Commands) -> None:
    app = ("--app", f"{sys.executable} -m examples.organization")
    deployed = lab_command("deploy", "--", *app, "LogArchive")
    assert deployed.returncode == 0, deployed.stderr

    assert "LogArchive of 444455556666 in eu-central-1 (CREATE_COMPLETE)" in lab_command("status").stdout
    # The other stack's environment is prepared as well, and holds nothing of the one that was deployed.
    own = {each["Name"] for each in lab_command.client("s3").list_buckets()["Buckets"]}
    assert own == {"cdk-hnb659fds-assets-111122223333-eu-central-1"}
    assert "cdk-hnb659fds-deploy-role-444455556666-eu-central-1" in roles_assumed(lab_command)
